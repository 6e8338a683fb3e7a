//! Disk: one server's volume, as the tests of ZAB need it.
//!
//! Here: written and synced marks; a kill keeps what was written, a power loss what was synced.
//! Never here: the engine's volumes.
//! Modelled on: reference/zookeeper.md 2.8.

use super::super::interface::{Logged, Machine, Volume};
use super::super::types::{Epoch, Zxid};

/// A machine that remembers what it was told: its state is its history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) applied: Vec<(Zxid, u64)>,
}

impl Machine for Counted {
    type Txn = u64;
    type Outcome = ();
    fn apply(&mut self, zxid: Zxid, txn: &u64) {
        if self.applied.last().is_none_or(|(last, _)| *last < zxid) {
            self.applied.push((zxid, *txn));
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    pub(crate) log: Vec<Logged<u64>>,
    pub(crate) synced: usize,
    /// Zxid, state, whether it is durable.
    pub(crate) snapshots: Vec<(Zxid, Counted, bool)>,
    pub(crate) accepted_epoch: Option<Epoch>,
    pub(crate) current_epoch: Option<Epoch>,
}

impl Disk {
    pub(crate) fn lose_power(&mut self) {
        self.log.truncate(self.synced);
        self.snapshots.retain(|(_, _, durable)| *durable);
    }

    pub(crate) fn truncate(&mut self, keep: Zxid) {
        let cut = self.log.iter().position(|logged| keep < logged.zxid);
        self.log.truncate(cut.unwrap_or(self.log.len()));
        self.synced = self.synced.min(self.log.len());
    }
}

impl Volume<Counted> for Disk {
    fn snapshot(&self) -> Option<(Zxid, Counted)> {
        let newest = self.snapshots.iter().max_by_key(|(zxid, ..)| *zxid);
        newest.map(|(zxid, state, _)| (*zxid, state.clone()))
    }
    fn log_after(&self, zxid: Zxid) -> Vec<Logged<u64>> {
        self.log.iter().filter(|logged| zxid < logged.zxid).cloned().collect()
    }
    fn log_for_sync(&self, zxid: Zxid) -> Option<Vec<Logged<u64>>> {
        self.log.first().is_some_and(|logged| logged.zxid <= zxid).then(|| self.log.clone())
    }
    fn has_log(&self) -> bool {
        !self.log.is_empty()
    }
    fn accepted_epoch(&self) -> Option<Epoch> {
        self.accepted_epoch
    }
    fn current_epoch(&self) -> Option<Epoch> {
        self.current_epoch
    }
}
