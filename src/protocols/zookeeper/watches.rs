//! Watches: who of this server's connections wants to hear of a node's next change.
//!
//! Here: the data and child tables, one-shot triggering, re-arming after a reconnect.
//! Never here: how an event reaches a client; persistent watches.
//! Modelled on: ZooKeeper 3.8.4 `server/watch/WatchManager.java`, `DataTree.setWatches`.
//! Left out: `addWatch` modes.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::DataTree;
use super::types::{Answer, Change, ChangeKind, Code, Path, Read, WatchSet};

/// A connection of this server, by the number that the server gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WatcherId(pub u64);

type Table = BTreeMap<Path, BTreeSet<WatcherId>>;

/// The watches left at one server. They go with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watches {
    data: Table,
    child: Table,
}

impl Watches {
    /// Leaves the watch that a read asked for: a data watch also by an `Exists` that found
    /// nothing; otherwise only by a read that succeeded.
    pub fn register(&mut self, by: WatcherId, read: &Read, answer: &Result<Answer, Code>) {
        match read {
            Read::Exists { path, watch: true } => leave(&mut self.data, path, by),
            Read::GetData { path, watch: true } if answer.is_ok() => {
                leave(&mut self.data, path, by);
            }
            Read::GetChildren { path, watch: true } if answer.is_ok() => {
                leave(&mut self.child, path, by);
            }
            Read::Exists { .. } | Read::GetData { .. } | Read::GetChildren { .. } => {}
        }
    }

    /// Consumes the watches that `changes` fire. One connection hears of a deletion once, though
    /// it watched data and children.
    pub fn trigger(&mut self, changes: &[Change]) -> Vec<(WatcherId, Change)> {
        let mut fired = Vec::new();
        for change in changes {
            let mut told = match change.kind {
                ChangeKind::Created | ChangeKind::DataChanged | ChangeKind::Deleted => {
                    self.data.remove(&change.path).unwrap_or_default()
                }
                ChangeKind::ChildrenChanged => BTreeSet::new(),
            };
            match change.kind {
                ChangeKind::Deleted | ChangeKind::ChildrenChanged => {
                    told.extend(self.child.remove(&change.path).unwrap_or_default());
                }
                ChangeKind::Created | ChangeKind::DataChanged => {}
            }
            fired.extend(told.into_iter().map(|watcher| (watcher, change.clone())));
        }
        fired
    }

    /// `SetWatches`: fires at once what the client missed and re-arms the rest. A node created and
    /// deleted while the client was away leaves no trace, as upstream.
    pub fn set_watches(&mut self, by: WatcherId, set: &WatchSet, db: &DataTree) -> Vec<Change> {
        let mut missed = Vec::new();
        let mut tell = |path: &Path, kind| missed.push(Change { path: path.clone(), kind });
        for path in &set.data {
            match db.stat(path) {
                None => tell(path, ChangeKind::Deleted),
                Some(stat) if set.relative_zxid < stat.mzxid => {
                    tell(path, ChangeKind::DataChanged);
                }
                Some(_) => leave(&mut self.data, path, by),
            }
        }
        for path in &set.exist {
            match db.stat(path) {
                Some(_) => tell(path, ChangeKind::Created),
                None => leave(&mut self.data, path, by),
            }
        }
        for path in &set.child {
            match db.stat(path) {
                None => tell(path, ChangeKind::Deleted),
                Some(stat) if set.relative_zxid < stat.pzxid => {
                    tell(path, ChangeKind::ChildrenChanged);
                }
                Some(_) => leave(&mut self.child, path, by),
            }
        }
        missed
    }

    /// The connection is gone, and its watches with it.
    pub fn remove(&mut self, by: WatcherId) {
        for table in [&mut self.data, &mut self.child] {
            table.retain(|_, watchers| {
                watchers.remove(&by);
                !watchers.is_empty()
            });
        }
    }

    /// Every connection is gone.
    pub fn clear(&mut self) {
        *self = Watches::default();
    }
}

fn leave(table: &mut Table, path: &Path, by: WatcherId) {
    table.entry(path.clone()).or_default().insert(by);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::zab::Epoch;
    use crate::protocols::zookeeper::types::{Cxid, Data, SessionId, SessionTxn, Txn, Zxid};

    const ANN: WatcherId = WatcherId(1);
    const BOB: WatcherId = WatcherId(2);

    fn apply(db: &mut DataTree, counter: u32, txn: &Txn) -> Vec<Change> {
        let entry = SessionTxn { session: SessionId(1), cxid: Cxid(counter), txn: txn.clone() };
        db.apply(Zxid::of(Epoch(1), counter), &entry).changes
    }

    fn create(path: &str) -> Txn {
        let data = Data::default();
        Txn::Create { path: path.into(), data, ephemeral_owner: None, parent_cversion: 1 }
    }

    fn watch(watches: &mut Watches, by: WatcherId, read: &Read, db: &DataTree) {
        watches.register(by, read, &db.read(read));
    }

    fn kinds(fired: &[(WatcherId, Change)]) -> Vec<(WatcherId, ChangeKind)> {
        fired.iter().map(|(by, change)| (*by, change.kind)).collect()
    }

    /// The table of the reference, section 4.4.
    #[test]
    fn which_watch_hears_of_which_change() {
        use ChangeKind::{ChildrenChanged, Created, DataChanged, Deleted};
        let exists = |path: &str| Read::Exists { path: path.into(), watch: true };
        let get = |path: &str| Read::GetData { path: path.into(), watch: true };
        let children = |path: &str| Read::GetChildren { path: path.into(), watch: true };
        let set = Txn::SetData { path: "/a".into(), data: Data::default(), version: 1 };
        let delete = Txn::Delete { path: "/a".into() };
        let rows: [(&[Txn], Read, &Txn, &[ChangeKind]); 9] = [
            (&[], exists("/a"), &create("/a"), &[Created]),
            (&[], get("/a"), &create("/a"), &[]), // the read failed: no watch
            (&[], children("/"), &create("/a"), &[ChildrenChanged]),
            (&[create("/a")], exists("/a"), &set, &[DataChanged]),
            (&[create("/a")], get("/a"), &set, &[DataChanged]),
            (&[create("/a")], children("/a"), &set, &[]),
            (&[create("/a")], get("/a"), &delete, &[Deleted]),
            (&[create("/a")], children("/a"), &delete, &[Deleted]),
            (&[create("/a")], children("/"), &delete, &[ChildrenChanged]),
        ];
        for (before, read, txn, expected) in rows {
            let (mut db, mut watches) = (DataTree::new(), Watches::default());
            for (counter, txn) in (1..).zip(before) {
                apply(&mut db, counter, txn);
            }
            watch(&mut watches, ANN, &read, &db);
            let fired = watches.trigger(&apply(&mut db, 9, txn));
            let heard: Vec<_> = fired.iter().map(|(_, change)| change.kind).collect();
            assert_eq!(heard, expected, "{read:?} then {txn:?}");
        }
    }

    #[test]
    fn a_watch_fires_once_and_a_deletion_is_told_once() {
        let (mut db, mut watches) = (DataTree::new(), Watches::default());
        apply(&mut db, 1, &create("/a"));
        watch(&mut watches, ANN, &Read::GetData { path: "/a".into(), watch: true }, &db);
        watch(&mut watches, ANN, &Read::GetChildren { path: "/a".into(), watch: true }, &db);
        watch(&mut watches, BOB, &Read::GetChildren { path: "/a".into(), watch: true }, &db);
        let delete = Txn::Delete { path: "/a".into() };
        let fired = watches.trigger(&apply(&mut db, 2, &delete));
        assert_eq!(kinds(&fired), [(ANN, ChangeKind::Deleted), (BOB, ChangeKind::Deleted)]);
        apply(&mut db, 3, &create("/a"));
        assert_eq!(watches.trigger(&apply(&mut db, 4, &delete)), []);
    }

    #[test]
    fn a_returning_client_hears_what_it_missed_and_keeps_the_rest() {
        let (mut db, mut watches) = (DataTree::new(), Watches::default());
        apply(&mut db, 1, &create("/a"));
        apply(&mut db, 2, &create("/b"));
        let set = Txn::SetData { path: "/a".into(), data: Data::default(), version: 1 };
        apply(&mut db, 3, &set);
        let paths = |paths: &[&str]| paths.iter().map(|path| Path::from(*path)).collect();
        let back = WatchSet {
            relative_zxid: Zxid::of(Epoch(1), 2),
            data: paths(&["/a", "/b", "/gone"]),
            exist: paths(&["/b", "/never"]),
            child: paths(&["/", "/gone"]),
        };
        let missed = watches.set_watches(ANN, &back, &db);
        let heard: Vec<_> = missed.iter().map(|c| (c.path.as_str(), c.kind)).collect();
        assert_eq!(
            heard,
            [
                ("/a", ChangeKind::DataChanged),
                ("/gone", ChangeKind::Deleted),
                ("/b", ChangeKind::Created),
                ("/gone", ChangeKind::Deleted),
            ]
        );
        let fired = watches.trigger(&apply(&mut db, 4, &create("/never")));
        assert_eq!(kinds(&fired), [(ANN, ChangeKind::Created), (ANN, ChangeKind::ChildrenChanged)]);
        watches.remove(ANN);
        let fired = watches.trigger(&apply(&mut db, 5, &Txn::Delete { path: "/b".into() }));
        assert_eq!(fired, []);
    }
}
