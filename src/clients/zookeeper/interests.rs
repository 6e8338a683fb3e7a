//! Interests: the watches a client has left, so that it can leave them again elsewhere.
//!
//! Here: three sets of paths; which reply adds to which, which event takes from which.
//! Never here: sending.
//! Modelled on: ZooKeeper 3.8.4 `ZooKeeper.ZKWatchManager`, `WatchRegistration`.
//! Left out: several watchers on one path (one application per handle), persistent watches.

use std::collections::BTreeSet;

use super::wire::{WatchKind, ZkError, ZkRequest, ZkResult, ZnodePath};

/// The watches of one handle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Interests {
    data: BTreeSet<ZnodePath>,
    exist: BTreeSet<ZnodePath>,
    child: BTreeSet<ZnodePath>,
}

impl Interests {
    /// A request was answered by a server: its watch is there if the read succeeded; that of an
    /// `Exists` also if there is no node.
    pub(super) fn answered(&mut self, request: &ZkRequest, result: &ZkResult) {
        let (set, path) = match (request, result) {
            (ZkRequest::Exists { path, watch: true }, Err(ZkError::NoNode)) => {
                (&mut self.exist, path)
            }
            (
                ZkRequest::Exists { path, watch: true } | ZkRequest::GetData { path, watch: true },
                Ok(_),
            ) => (&mut self.data, path),
            (ZkRequest::GetChildren { path, watch: true }, Ok(_)) => (&mut self.child, path),
            (_, Ok(_) | Err(_)) => return,
        };
        set.insert(path.clone());
    }

    /// A watch fired. False: nobody waits for it.
    pub(super) fn fired(&mut self, path: &ZnodePath, kind: WatchKind) -> bool {
        let (node, children) = match kind {
            WatchKind::Created | WatchKind::DataChanged => (true, false),
            WatchKind::Deleted => (true, true),
            WatchKind::ChildrenChanged => (false, true),
        };
        let mut awaited = false;
        if node {
            awaited |= self.data.remove(path);
            awaited |= self.exist.remove(path);
        }
        if children {
            awaited |= self.child.remove(path);
        }
        awaited
    }

    /// What a new connection must be told; nothing if nothing is watched.
    pub(super) fn rearm(&self, relative_zxid: u64) -> Option<ZkRequest> {
        let any = [&self.data, &self.exist, &self.child].into_iter().any(|set| !set.is_empty());
        let paths = |set: &BTreeSet<ZnodePath>| set.iter().cloned().collect();
        any.then(|| ZkRequest::SetWatches {
            relative_zxid,
            data: paths(&self.data),
            exist: paths(&self.exist),
            child: paths(&self.child),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::zookeeper::wire::{ZkAnswer, ZnodeStat};

    #[test]
    fn a_watch_is_kept_until_it_fires() {
        let mut interests = Interests::default();
        let path = ZnodePath::from("/lock");
        let exists = ZkRequest::Exists { path: path.clone(), watch: true };
        let stat = Ok(ZkAnswer::Stat(ZnodeStat::default()));
        assert_eq!(interests.rearm(7), None);
        interests.answered(&exists, &Err(ZkError::ConnectionLoss)); // left nothing behind
        assert_eq!(interests.rearm(7), None);
        interests.answered(&exists, &Err(ZkError::NoNode));
        let sets = |data: &[&ZnodePath], exist: &[&ZnodePath]| {
            let list = |paths: &[&ZnodePath]| paths.iter().map(|path| (*path).clone()).collect();
            let (data, exist) = (list(data), list(exist));
            Some(ZkRequest::SetWatches { relative_zxid: 7, data, exist, child: vec![] })
        };
        assert_eq!(interests.rearm(7), sets(&[], &[&path]));
        assert!(interests.fired(&path, WatchKind::Created));
        assert!(!interests.fired(&path, WatchKind::Created));
        interests.answered(&exists, &stat);
        assert_eq!(interests.rearm(7), sets(&[&path], &[]));
        assert!(!interests.fired(&path, WatchKind::ChildrenChanged));
        assert!(interests.fired(&path, WatchKind::Deleted));
        assert_eq!(interests, Interests::default());
    }
}
