//! Request preparation: the leader turns each request into an idempotent transaction.
//!
//! Here: validation against the tree plus all changes under way; error transactions; who may speak.
//! Never here: the choice of the zxid, agreement, answers.
//! Modelled on: ZooKeeper 3.8.4 `server/PrepRequestProcessor.java` (one thread, FIFO).
//! Left out: ACLs, quotas, reconfig, local sessions.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::engine::time::Monotonic;

use super::sessions::{Owner, SessionTracker};
use super::tree::{DataTree, NodeView};
use super::types::{
    Code, CreateMode, Cxid, Data, Op, Path, Request, SessionId, SessionTxn, Txn, Version, Zxid,
};

/// Who asks: the session, its number of the request, and through whom it reached the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The session; a new one for createSession.
    pub session: SessionId,
    /// The client's number; 0 for what the leader itself submits.
    pub cxid: Cxid,
    /// The leader's own port, or a learner's handler.
    pub owner: Owner,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prepared {
    /// To be proposed; the zxid that was offered is used up, also by an error.
    Propose(SessionTxn),
    /// A read, ping, sync or SetWatches that may go on.
    Pass,
    /// A read, ping, sync or SetWatches that is refused without a transaction.
    Refused(Code),
}

/// A change that is proposed and not yet applied. `after`: none if it deletes the node.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ChangeRecord {
    zxid: Zxid,
    path: Path,
    after: Option<NodeView>,
}

/// The changes under way, over the leader's tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prep {
    outstanding: VecDeque<ChangeRecord>,
    newest: BTreeMap<Path, ChangeRecord>,
}

/// One request at work: the tree, what is under way, and what it would add.
struct Draft<'a> {
    prep: &'a Prep,
    db: &'a DataTree,
    zxid: Zxid,
    session: SessionId,
    staged: Vec<ChangeRecord>,
}

impl Prep {
    /// Turns a request into a transaction that takes `zxid`, or lets a read pass. createSession
    /// begins the tracking of its session, closeSession ends it.
    pub fn prepare(
        &mut self,
        source: Source,
        request: &Request,
        zxid: Zxid,
        (now, db, tracker): (Monotonic, &DataTree, &mut SessionTracker),
    ) -> Prepared {
        let Request::Write(op) = request else {
            return match tracker.check(source.session, source.owner) {
                Ok(()) => Prepared::Pass,
                Err(refusal) => Prepared::Refused(refusal.into()),
            };
        };
        let mut draft = Draft { prep: self, db, zxid, session: source.session, staged: Vec::new() };
        let txn = match op {
            Op::CreateSession { timeout } => {
                tracker.track(source.session, *timeout, now);
                tracker.set_owner(source.session, source.owner);
                Ok(Txn::CreateSession { timeout: *timeout })
            }
            Op::CloseSession => {
                tracker.set_closing(source.session);
                Ok(draft.close_session())
            }
            Op::Create { .. } | Op::Delete { .. } | Op::SetData { .. } | Op::Check { .. } => {
                tracker
                    .check(source.session, source.owner)
                    .map_err(Code::from)
                    .and_then(|()| draft.one(op))
            }
            Op::Multi(ops) => match tracker.check(source.session, source.owner) {
                Ok(()) => Ok(draft.multi(ops)),
                Err(refusal) => Ok(refused_multi(ops, 0, refusal.into(), Vec::new())),
            },
        };
        let staged = draft.staged;
        if txn.is_ok() {
            for record in staged {
                self.newest.insert(record.path.clone(), record.clone());
                self.outstanding.push_back(record);
            }
        }
        let txn = txn.unwrap_or_else(|code| Txn::Error { code });
        Prepared::Propose(SessionTxn { session: source.session, cxid: source.cxid, txn })
    }

    /// The leader has applied everything up to `zxid`: the tree speaks for it.
    pub fn applied(&mut self, zxid: Zxid) {
        while let Some(record) = self.outstanding.pop_front_if(|record| record.zxid <= zxid) {
            if self.newest.get(&record.path).is_some_and(|newest| newest.zxid <= zxid) {
                self.newest.remove(&record.path);
            }
        }
    }

    /// Changes under way.
    pub fn outstanding(&self) -> usize {
        self.outstanding.len()
    }
}

/// `done`: the parts before `failed`, which are told that all is well.
fn refused_multi(ops: &[Op], failed: usize, code: Code, done: Vec<Txn>) -> Txn {
    let mut parts = done;
    parts.push(Txn::Error { code });
    parts.resize(ops.len().max(failed + 1), Txn::Error { code: Code::RuntimeInconsistency });
    Txn::Multi(Arc::from(parts))
}

impl Draft<'_> {
    fn node(&self, path: &Path) -> Result<NodeView, Code> {
        let staged = self.staged.iter().rev().find(|record| record.path == *path);
        let changed = staged.or_else(|| self.prep.newest.get(path));
        match changed {
            Some(record) => record.after,
            None => self.db.view(path),
        }
        .ok_or(Code::NoNode)
    }

    fn stage(&mut self, path: Path, after: Option<NodeView>) {
        self.staged.push(ChangeRecord { zxid: self.zxid, path, after });
    }

    fn one(&mut self, op: &Op) -> Result<Txn, Code> {
        match op {
            Op::Create { path, data, mode } => self.create(path, *data, *mode),
            Op::Delete { path, version } => self.delete(path, *version),
            Op::SetData { path, data, version } => {
                let node = self.node(path)?;
                let version = checked(node, *version)? + 1;
                self.stage(path.clone(), Some(NodeView { version, ..node }));
                Ok(Txn::SetData { path: path.clone(), data: *data, version })
            }
            Op::Check { path, version } => {
                checked(self.node(path)?, *version)?;
                Ok(Txn::Check { path: path.clone() })
            }
            Op::Multi(_) | Op::CreateSession { .. } | Op::CloseSession => Err(Code::BadArguments),
        }
    }

    fn multi(&mut self, ops: &[Op]) -> Txn {
        let mut parts = Vec::with_capacity(ops.len());
        for (index, op) in ops.iter().enumerate() {
            match self.one(op) {
                Ok(txn) => parts.push(txn),
                Err(code) => {
                    self.staged.clear();
                    return refused_multi(ops, index, code, parts);
                }
            }
        }
        Txn::Multi(Arc::from(parts))
    }

    fn create(&mut self, path: &Path, data: Data, mode: CreateMode) -> Result<Txn, Code> {
        let parent_path = path.parent().ok_or(Code::NodeExists)?;
        let parent = self.node(&parent_path)?;
        let path = if mode.sequential { path.sequential(parent.creations) } else { path.clone() };
        if self.node(&path).is_ok() {
            return Err(Code::NodeExists);
        }
        if parent.owner.is_some() {
            return Err(Code::NoChildrenForEphemerals);
        }
        let creations = parent.creations + 1;
        let owner = mode.ephemeral.then_some(self.session);
        let after = NodeView { creations, children: parent.children + 1, ..parent };
        self.stage(parent_path, Some(after));
        let new = NodeView { version: 0, creations: 0, owner, children: 0 };
        self.stage(path.clone(), Some(new));
        Ok(Txn::Create { path, data, ephemeral_owner: owner, parent_cversion: creations })
    }

    fn delete(&mut self, path: &Path, version: Version) -> Result<Txn, Code> {
        let parent_path = path.parent().ok_or(Code::BadArguments)?;
        let parent = self.node(&parent_path)?;
        let node = self.node(path)?;
        checked(node, version)?;
        if 0 < node.children {
            return Err(Code::NotEmpty);
        }
        self.stage(parent_path, Some(NodeView { children: parent.children - 1, ..parent }));
        self.stage(path.clone(), None);
        Ok(Txn::Delete { path: path.clone() })
    }

    /// The session's nodes: those of the tree, less those being deleted, and those being created.
    fn close_session(&mut self) -> Txn {
        let mut paths = self.db.ephemerals(self.session);
        for record in &self.prep.outstanding {
            match record.after {
                None => {
                    paths.remove(&record.path);
                }
                Some(node) if node.owner == Some(self.session) => {
                    paths.insert(record.path.clone());
                }
                Some(_) => {}
            }
        }
        for path in &paths {
            let parent_path = path.parent().expect("the root is no ephemeral");
            if let Ok(parent) = self.node(&parent_path) {
                let after = NodeView { children: parent.children - 1, ..parent };
                self.stage(parent_path, Some(after));
            }
            self.stage(path.clone(), None);
        }
        Txn::CloseSession { paths_to_delete: paths.into_iter().collect() }
    }
}

/// The node's version, if it is the expected one.
fn checked(node: NodeView, expected: Version) -> Result<u32, Code> {
    match expected {
        Version::Exactly(version) if version != node.version => Err(Code::BadVersion),
        Version::Exactly(_) | Version::Any => Ok(node.version),
    }
}

#[cfg(test)]
#[path = "prep_tests.rs"]
mod tests;
