//! Database: the tree in memory, its last zxid, and the recent committed transactions.
//!
//! Here: loading from snapshot and log, fast-forward, the committed log that DIFF is served from.
//! Never here: the disk's layout, what a transaction means.
//! Modelled on: 3.8.4 `ZKDatabase`, `FileTxnSnapLog#restore`, `#fastForwardFromEdits`.

use std::collections::VecDeque;

use super::interface::{Logged, Machine, Volume};
use super::types::Zxid;

/// `ZKDatabase`. Volatile.
#[derive(Clone, Debug)]
pub struct Database<M: Machine> {
    tree: M,
    last_processed: Zxid,
    committed_log: VecDeque<Logged<M::Txn>>,
    committed_log_max: usize,
    loaded: bool,
}

impl<M: Machine> Database<M> {
    /// Nothing is loaded yet. The committed log holds one more than `commit_log_count`.
    pub fn new(commit_log_count: usize) -> Database<M> {
        Database {
            tree: M::default(),
            last_processed: Zxid::ZERO,
            committed_log: VecDeque::new(),
            committed_log_max: commit_log_count,
            loaded: false,
        }
    }

    /// The machine.
    pub const fn tree(&self) -> &M {
        &self.tree
    }

    /// The machine, for what a leader does to it without a transaction.
    pub const fn tree_mut(&mut self) -> &mut M {
        &mut self.tree
    }

    /// `lastProcessedZxid`.
    pub const fn last_processed(&self) -> Zxid {
        self.last_processed
    }

    /// The recent transactions, oldest first.
    pub const fn committed_log(&self) -> &VecDeque<Logged<M::Txn>> {
        &self.committed_log
    }

    /// Drops everything; the next [`Database::load`] reads the disk.
    pub fn clear(&mut self) {
        *self = Database::new(self.committed_log_max);
    }

    /// Snapshot, then the log after it, unless loaded. Records beyond `limit` do not exist any
    /// more (they were cut in this step).
    pub fn load(&mut self, volume: &dyn Volume<M>, limit: Option<Zxid>) {
        if self.loaded {
            return;
        }
        self.loaded = true;
        if let Some((zxid, state)) = volume.snapshot() {
            (self.tree, self.last_processed) = (state, zxid);
        }
        self.replay(volume, limit);
    }

    /// `fastForwardDataBase`: the own log beyond the tree, uncommitted transactions included.
    pub fn fast_forward(&mut self, volume: &dyn Volume<M>) {
        self.replay(volume, None);
    }

    fn replay(&mut self, volume: &dyn Volume<M>, limit: Option<Zxid>) {
        for logged in volume.log_after(self.last_processed) {
            // A log may say things twice (ZOOKEEPER-4712); transactions are idempotent.
            let known = logged.zxid <= self.last_processed;
            if !known && limit.is_none_or(|limit| logged.zxid <= limit) {
                self.commit(&logged);
            }
        }
    }

    /// A state received whole.
    pub fn replace(&mut self, state: M, zxid: Zxid) {
        self.clear();
        (self.tree, self.last_processed, self.loaded) = (state, zxid, true);
    }

    /// `setlastProcessedZxid`.
    pub const fn set_last_processed(&mut self, zxid: Zxid) {
        self.last_processed = zxid;
    }

    /// `processTxn` during a sync: applied, but not entered into the committed log.
    pub fn process(&mut self, logged: &Logged<M::Txn>) -> M::Outcome {
        self.last_processed = self.last_processed.max(logged.zxid);
        self.tree.apply(logged.zxid, &logged.txn)
    }

    /// Applies a committed transaction and remembers it.
    pub fn commit(&mut self, logged: &Logged<M::Txn>) -> M::Outcome {
        if self.committed_log_max < self.committed_log.len() {
            self.committed_log.pop_front();
        }
        self.committed_log.push_back(logged.clone());
        self.process(logged)
    }
}
