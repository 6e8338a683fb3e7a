//! Data tree: what every server of an ensemble holds once it has applied the same transactions.
//!
//! Here: the data tree, the ephemerals by session, the session table.
//! Never here: watches (they are a connection's), the order of transactions, validation.
//! Modelled on: ZooKeeper 3.8.4 `server/DataTree.java`, `ZKDatabase.java`, `FinalRequestProcessor`.
//! Left out: quotas, the `/zookeeper` subtree, ACL cache.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::time::SimDuration;
use crate::protocols::zab::Machine;

use super::types::{
    Answer, Change, ChangeKind, Code, Data, Path, Read, SessionId, SessionTxn, Stat, Txn, Zxid,
};

/// A node as stored. `creations` is upstream's internal cversion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Node {
    data: Data,
    czxid: Zxid,
    mzxid: Zxid,
    pzxid: Zxid,
    version: u32,
    creations: u32,
    owner: Option<SessionId>,
    children: BTreeSet<Arc<str>>,
}

/// The replicated state. Clones share what neither has changed since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataTree {
    nodes: Arc<BTreeMap<Path, Node>>,
    ephemerals: Arc<BTreeMap<SessionId, BTreeSet<Path>>>,
    sessions: Arc<BTreeMap<SessionId, SimDuration>>,
}

impl Machine for DataTree {
    /// Shared by log, committed log and packets: a fork copies a pointer.
    type Txn = Arc<SessionTxn>;
    type Outcome = Applied;

    fn apply(&mut self, zxid: Zxid, entry: &Arc<SessionTxn>) -> Applied {
        DataTree::apply(self, zxid, entry)
    }
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// What the client that asked is told.
    pub answer: Result<Answer, Code>,
    /// What happened to the tree, in the order in which watches fire.
    pub changes: Vec<Change>,
}

/// What the request pipeline must know of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeView {
    pub(super) version: u32,
    pub(super) creations: u32,
    pub(super) owner: Option<SessionId>,
    pub(super) children: u32,
}

impl Node {
    fn stat(&self) -> Stat {
        let num_children = u32::try_from(self.children.len()).expect("children are few");
        Stat {
            czxid: self.czxid,
            mzxid: self.mzxid,
            pzxid: self.pzxid,
            version: self.version,
            // Each creation counts, and each deletion: those created and no longer there.
            cversion: (self.creations * 2).saturating_sub(num_children),
            ephemeral_owner: self.owner,
            num_children,
        }
    }
}

impl Default for DataTree {
    fn default() -> DataTree {
        DataTree::new()
    }
}

impl DataTree {
    /// An empty tree: the root alone.
    pub fn new() -> DataTree {
        DataTree {
            nodes: Arc::new(BTreeMap::from([(Path::from("/"), Node::default())])),
            ephemerals: Arc::default(),
            sessions: Arc::default(),
        }
    }

    /// Every session of the replicated table with its time-out.
    pub fn sessions(&self) -> impl Iterator<Item = (SessionId, SimDuration)> + '_ {
        self.sessions.iter().map(|(id, timeout)| (*id, *timeout))
    }

    /// Time-out of a session of the replicated table.
    pub fn session_timeout(&self, session: SessionId) -> Option<SimDuration> {
        self.sessions.get(&session).copied()
    }

    /// The nodes that end with `session`.
    pub fn ephemerals(&self, session: SessionId) -> BTreeSet<Path> {
        self.ephemerals.get(&session).cloned().unwrap_or_default()
    }

    /// Bytes of a snapshot, roughly.
    pub fn bytes(&self) -> u64 {
        let nodes = self.nodes.iter();
        let node_bytes = |(path, node): (&Path, &Node)| {
            path.as_str().len() as u64 + u64::from(node.data.bytes) + 80
        };
        nodes.map(node_bytes).sum::<u64>() + 12 * self.sessions.len() as u64
    }

    /// Applies a transaction. Doing it twice changes nothing more, but for the answer.
    pub fn apply(&mut self, zxid: Zxid, entry: &SessionTxn) -> Applied {
        let mut changes = Vec::new();
        let answer = self.apply_part(zxid, entry.session, &entry.txn, &mut changes);
        match &entry.txn {
            Txn::CreateSession { timeout } => {
                Arc::make_mut(&mut self.sessions).insert(entry.session, *timeout);
            }
            Txn::CloseSession { .. } => {
                Arc::make_mut(&mut self.sessions).remove(&entry.session);
            }
            Txn::Create { .. }
            | Txn::Delete { .. }
            | Txn::SetData { .. }
            | Txn::Check { .. }
            | Txn::Multi(_)
            | Txn::Error { .. } => {}
        }
        Applied { answer, changes }
    }

    /// What a new leader does when it loads: nodes whose session is not in the table go, without
    /// a transaction (`ZooKeeperServer.loadData`; followers keep them: ZOOKEEPER-5010).
    pub fn drop_orphans(&mut self, last_processed: Zxid) -> Vec<Change> {
        let orphaned = |id: &&SessionId| !self.sessions.contains_key(id);
        let dead: Vec<SessionId> = self.ephemerals.keys().filter(orphaned).copied().collect();
        let mut changes = Vec::new();
        for session in dead {
            self.kill_session((session, last_processed), &[], &mut changes);
        }
        changes
    }

    /// Answers a read from this server's tree, stale or not.
    pub fn read(&self, read: &Read) -> Result<Answer, Code> {
        let node = |path: &Path| self.nodes.get(path).ok_or(Code::NoNode);
        Ok(match read {
            Read::Exists { path, .. } => Answer::Stat(node(path)?.stat()),
            Read::GetData { path, .. } => {
                let node = node(path)?;
                Answer::Data(node.data, node.stat())
            }
            Read::GetChildren { path, .. } => {
                let node = node(path)?;
                Answer::Children(node.children.iter().cloned().collect(), node.stat())
            }
        })
    }

    /// The stat of a node.
    pub fn stat(&self, path: &Path) -> Option<Stat> {
        self.nodes.get(path).map(Node::stat)
    }

    pub(super) fn view(&self, path: &Path) -> Option<NodeView> {
        let node = self.nodes.get(path)?;
        Some(NodeView {
            version: node.version,
            creations: node.creations,
            owner: node.owner,
            children: u32::try_from(node.children.len()).expect("children are few"),
        })
    }

    fn apply_part(
        &mut self,
        zxid: Zxid,
        session: SessionId,
        txn: &Txn,
        changes: &mut Vec<Change>,
    ) -> Result<Answer, Code> {
        match txn {
            Txn::Create { path, data, ephemeral_owner, parent_cversion } => {
                let node = Node {
                    data: *data,
                    czxid: zxid,
                    mzxid: zxid,
                    pzxid: zxid,
                    owner: *ephemeral_owner,
                    ..Node::default()
                };
                self.create_node(path, node, *parent_cversion, changes)
            }
            Txn::Delete { path } => self.delete_node(path, zxid, changes),
            Txn::SetData { path, data, version } => {
                let nodes = Arc::make_mut(&mut self.nodes);
                let node = nodes.get_mut(path).ok_or(Code::NoNode)?;
                (node.data, node.version, node.mzxid) = (*data, *version, zxid);
                let stat = node.stat();
                changes.push(Change { path: path.clone(), kind: ChangeKind::DataChanged });
                Ok(Answer::Stat(stat))
            }
            Txn::Check { .. } | Txn::CreateSession { .. } => Ok(Answer::Done),
            Txn::Multi(parts) => Ok(self.apply_multi(zxid, session, parts, changes)),
            Txn::CloseSession { paths_to_delete } => {
                self.kill_session((session, zxid), paths_to_delete, changes);
                Ok(Answer::Done)
            }
            Txn::Error { code } => Err(*code),
        }
    }

    /// Nothing happens if one part is an error: those before it are told that all is well, as
    /// upstream.
    fn apply_multi(
        &mut self,
        zxid: Zxid,
        session: SessionId,
        parts: &[Txn],
        changes: &mut Vec<Change>,
    ) -> Answer {
        let refused = parts.iter().any(|part| matches!(part, Txn::Error { .. }));
        let apply = |part: &Txn| match part {
            Txn::Error { code } => Err(*code),
            Txn::Multi(_) | Txn::CreateSession { .. } | Txn::CloseSession { .. } => {
                unreachable!("`Prep` nests neither a multi nor a session's end in a multi")
            }
            Txn::Create { .. } | Txn::Delete { .. } | Txn::SetData { .. } | Txn::Check { .. } => {
                let done = Ok(Answer::Done);
                if refused { done } else { self.apply_part(zxid, session, part, changes) }
            }
        };
        Answer::Multi(parts.iter().map(apply).collect())
    }

    fn create_node(
        &mut self,
        path: &Path,
        node: Node,
        parent_cversion: u32,
        changes: &mut Vec<Change>,
    ) -> Result<Answer, Code> {
        let Some(parent_path) = path.parent() else { return Err(Code::NodeExists) };
        let nodes = Arc::make_mut(&mut self.nodes);
        let parent = nodes.get_mut(&parent_path).ok_or(Code::NoNode)?;
        // Replaying over a newer snapshot must not turn the count back; a node that is there
        // already still brings its parent's count up to date.
        if parent.creations < parent_cversion {
            parent.creations = parent_cversion;
            parent.pzxid = parent.pzxid.max(node.czxid);
        }
        if !parent.children.insert(Arc::from(path.name())) {
            return Err(Code::NodeExists);
        }
        if let Some(owner) = node.owner {
            let ephemerals = Arc::make_mut(&mut self.ephemerals);
            ephemerals.entry(owner).or_default().insert(path.clone());
        }
        let replaced = nodes.insert(path.clone(), node);
        assert!(replaced.is_none(), "a child is a node and a node is a child");
        changes.push(Change { path: path.clone(), kind: ChangeKind::Created });
        changes.push(Change { path: parent_path, kind: ChangeKind::ChildrenChanged });
        Ok(Answer::Created(path.clone()))
    }

    fn delete_node(
        &mut self,
        path: &Path,
        zxid: Zxid,
        changes: &mut Vec<Change>,
    ) -> Result<Answer, Code> {
        let nodes = Arc::make_mut(&mut self.nodes);
        let node = nodes.remove(path).ok_or(Code::NoNode)?;
        let parent_path = path.parent().expect("the root is never deleted");
        if let Some(parent) = nodes.get_mut(&parent_path) {
            parent.children.remove(path.name());
            parent.pzxid = parent.pzxid.max(zxid);
        }
        if let Some(owner) = node.owner {
            let ephemerals = Arc::make_mut(&mut self.ephemerals);
            if let Some(owned) = ephemerals.get_mut(&owner) {
                owned.remove(path);
                if owned.is_empty() {
                    ephemerals.remove(&owner);
                }
            }
        }
        changes.push(Change { path: path.clone(), kind: ChangeKind::Deleted });
        changes.push(Change { path: parent_path, kind: ChangeKind::ChildrenChanged });
        Ok(Answer::Done)
    }

    /// The transaction's list first, then what the local tree holds beyond it.
    fn kill_session(
        &mut self,
        (session, zxid): (SessionId, Zxid),
        paths_to_delete: &[Path],
        changes: &mut Vec<Change>,
    ) {
        for path in paths_to_delete.iter().chain(&self.ephemerals(session)) {
            // A path of both lists is gone by the second time: nothing to tell.
            let _gone_already = self.delete_node(path, zxid, changes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::zab::Epoch;
    use crate::protocols::zookeeper::types::Cxid;

    const OWNER: SessionId = SessionId(1 << 56 | 1);

    fn apply(db: &mut DataTree, counter: u32, txn: &Txn) -> Applied {
        let entry = SessionTxn { session: OWNER, cxid: Cxid(counter), txn: txn.clone() };
        db.apply(Zxid::of(Epoch(1), counter), &entry)
    }

    fn create(path: &str, owner: Option<SessionId>, parent_cversion: u32) -> Txn {
        let data = Data { word: 7, bytes: 8 };
        Txn::Create { path: path.into(), data, ephemeral_owner: owner, parent_cversion }
    }

    fn change(path: &str, kind: ChangeKind) -> Change {
        Change { path: path.into(), kind }
    }

    #[test]
    fn each_change_names_the_watches_it_fires_in_order() {
        let mut db = DataTree::new();
        let applied = apply(&mut db, 1, &create("/a", None, 1));
        assert_eq!(applied.answer, Ok(Answer::Created("/a".into())));
        assert_eq!(
            applied.changes,
            [change("/a", ChangeKind::Created), change("/", ChangeKind::ChildrenChanged)]
        );
        let data = Data { word: 9, bytes: 8 };
        let set = apply(&mut db, 2, &Txn::SetData { path: "/a".into(), data, version: 1 });
        assert_eq!(set.changes, [change("/a", ChangeKind::DataChanged)]);
        let deleted = apply(&mut db, 3, &Txn::Delete { path: "/a".into() });
        assert_eq!(
            deleted.changes,
            [change("/a", ChangeKind::Deleted), change("/", ChangeKind::ChildrenChanged)]
        );
    }

    #[test]
    fn the_visible_cversion_counts_creations_and_deletions() {
        let mut db = DataTree::new();
        apply(&mut db, 1, &create("/a", None, 1));
        apply(&mut db, 2, &create("/b", None, 2));
        assert_eq!(db.stat(&"/".into()).map(|stat| stat.cversion), Some(2));
        apply(&mut db, 3, &Txn::Delete { path: "/a".into() });
        assert_eq!(db.stat(&"/".into()).map(|stat| stat.cversion), Some(3));
    }

    #[test]
    fn a_session_takes_its_ephemerals_along_in_its_transaction() {
        let mut db = DataTree::new();
        let timeout = SimDuration::from_secs(10);
        apply(&mut db, 1, &Txn::CreateSession { timeout });
        apply(&mut db, 2, &create("/lock", Some(OWNER), 1));
        apply(&mut db, 3, &create("/extra", Some(OWNER), 2));
        assert_eq!(db.session_timeout(OWNER), Some(timeout));
        let paths_to_delete = Arc::from(["/lock".into()]);
        let closed = apply(&mut db, 4, &Txn::CloseSession { paths_to_delete });
        let deleted = |change: &&Change| change.kind == ChangeKind::Deleted;
        assert_eq!(closed.changes.iter().filter(deleted).count(), 2); // the tree's surplus too
        assert_eq!(db.session_timeout(OWNER), None);
        assert!(db.ephemerals(OWNER).is_empty());
        assert_eq!(
            db.read(&Read::Exists { path: "/lock".into(), watch: false }),
            Err(Code::NoNode)
        );
    }

    #[test]
    fn replaying_a_log_over_its_own_result_changes_nothing() {
        let log = [
            Txn::CreateSession { timeout: SimDuration::from_secs(4) },
            create("/a", None, 1),
            create("/a/e", Some(OWNER), 1),
            Txn::SetData { path: "/a".into(), data: Data { word: 1, bytes: 8 }, version: 1 },
            Txn::Delete { path: "/a/e".into() },
            Txn::Error { code: Code::BadVersion },
            create("/a/f", Some(OWNER), 2),
        ];
        let mut db = DataTree::new();
        let play = |db: &mut DataTree| {
            for (counter, txn) in (1..).zip(&log) {
                apply(db, counter, txn);
            }
        };
        play(&mut db);
        let once = db.clone();
        // `/a/e` is created and deleted anew; all else is refused or repeats itself.
        play(&mut db);
        assert_eq!(db, once);
    }

    #[test]
    fn a_leader_that_loads_drops_nodes_without_a_session() {
        let mut db = DataTree::new();
        apply(&mut db, 1, &create("/lock", Some(OWNER), 1));
        assert_eq!(db.drop_orphans(Zxid::of(Epoch(1), 1))[0], change("/lock", ChangeKind::Deleted));
        assert_eq!(db.stat(&"/lock".into()), None);
    }

    #[test]
    fn clones_share_until_one_changes() {
        let mut db = DataTree::new();
        let before = db.clone();
        assert!(Arc::ptr_eq(&db.nodes, &before.nodes));
        apply(&mut db, 1, &create("/a", None, 1));
        assert_eq!(before.stat(&"/a".into()), None);
        assert!(Arc::ptr_eq(&db.sessions, &before.sessions));
    }
}
