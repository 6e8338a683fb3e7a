//! Files: a server's volume as records, and the protocol's view of it.
//!
//! Here: `log.N`, `snapshot.N`, `acceptedEpoch`, `currentEpoch`.
//! Never here: when they are written.
//! Modelled on: ZooKeeper 3.8.4 `FileTxnLog`, `FileSnap`, `QuorumPeer#writeLongToFile`.
//! Left out: checksums, torn records (a torn tail reads as the end of the file).

use std::sync::Arc;

use crate::engine::config::Millionths;
use crate::engine::ctx::Ctx;
use crate::engine::volume::{FileName, Record};
use crate::protocols::zab::{Epoch, Logged, Volume, Zxid};
use crate::protocols::zookeeper::{DataTree, SessionTxn};

/// The file `acceptedEpoch`.
pub(super) const ACCEPTED_EPOCH: FileName = FileName("acceptedEpoch", 0);
/// The file `currentEpoch`.
pub(super) const CURRENT_EPOCH: FileName = FileName("currentEpoch", 0);
/// `preAllocSize`: a log file's size on disk.
const PREALLOCATED_BYTES: u64 = 64 * 1024 * 1024;

/// The log file that begins with a zxid.
pub(super) const fn log(first: Zxid) -> FileName {
    FileName("log", first.0)
}

/// The snapshot of a zxid.
pub(super) const fn snapshot(of: Zxid) -> FileName {
    FileName("snapshot", of.0)
}

/// A record of a log file.
#[derive(Clone)]
pub(super) struct LogRecord(pub(super) Logged<Arc<SessionTxn>>);

impl Record for LogRecord {
    fn bytes(&self) -> u32 {
        13 + self.0.txn.bytes() // checksum, length, end mark
    }
}

/// A snapshot.
#[derive(Clone)]
pub(super) struct SnapshotRecord(pub(super) DataTree);

impl Record for SnapshotRecord {
    fn bytes(&self) -> u32 {
        u32::try_from(self.0.bytes()).unwrap_or(u32::MAX)
    }
}

/// An epoch in a file of its own.
#[derive(Clone)]
pub(super) struct EpochRecord(pub(super) Epoch);

impl Record for EpochRecord {
    fn bytes(&self) -> u32 {
        2
    }
}

/// The volume, as reads see it now.
pub(super) struct Files<'a, 'c> {
    pub(super) ctx: &'a Ctx<'c>,
    pub(super) snapshot_size_factor: Millionths,
}

impl Files<'_, '_> {
    /// The newest snapshot that can be read: one whose bytes were lost is passed over.
    fn newest(&self) -> Option<(Zxid, &DataTree)> {
        let names = self.ctx.files("snapshot");
        names.into_iter().rev().find_map(|name| {
            let record = self.ctx.records::<SnapshotRecord>(name)?.last()?;
            Some((Zxid(name.1), &record.0))
        })
    }

    /// Log files from the one that holds `zxid` on.
    fn logs_from(&self, zxid: Zxid) -> Vec<FileName> {
        let names = self.ctx.files("log");
        let holds = names.iter().rposition(|name| name.1 <= zxid.0).unwrap_or(0);
        names[holds..].to_vec()
    }

    fn records(&self, names: &[FileName]) -> impl Iterator<Item = &Logged<Arc<SessionTxn>>> {
        let files = names.iter().filter_map(|name| self.ctx.records::<LogRecord>(*name));
        files.flat_map(|file| file.iter()).map(|record| &record.0)
    }

    /// Bytes that a start reads: the newest snapshot and the log after it.
    pub(super) fn start_bytes(&self) -> u64 {
        let (zxid, state) = self.newest().map_or((Zxid::ZERO, 0), |(z, s)| (z, s.bytes()));
        let names = self.logs_from(zxid);
        let logged: u64 = self.records(&names).map(|l| u64::from(l.txn.bytes())).sum();
        state + logged
    }

    /// How many records each file from `keep` on may keep: what TRUNC cuts.
    pub(super) fn cuts(&self, keep: Zxid) -> Vec<(FileName, usize)> {
        let mut cut = false;
        let mut cuts = Vec::new();
        for name in self.logs_from(keep) {
            let Some(file) = self.ctx.records::<LogRecord>(name) else { continue };
            let beyond = file.iter().position(|record| keep < record.0.zxid);
            if cut {
                cuts.push((name, 0));
            } else if let Some(first) = beyond {
                cut = true;
                cuts.push((name, first));
            }
        }
        cuts
    }
}

impl Volume<DataTree> for Files<'_, '_> {
    fn snapshot(&self) -> Option<(Zxid, DataTree)> {
        self.newest().map(|(zxid, state)| (zxid, state.clone()))
    }

    fn log_after(&self, zxid: Zxid) -> Vec<Logged<Arc<SessionTxn>>> {
        let names = self.logs_from(zxid);
        self.records(&names).filter(|logged| zxid < logged.zxid).cloned().collect()
    }

    fn log_for_sync(&self, zxid: Zxid) -> Option<Vec<Logged<Arc<SessionTxn>>>> {
        let names = self.logs_from(zxid);
        let state = self.newest().map_or(0, |(_, state)| state.bytes());
        let factor = u128::from(self.snapshot_size_factor.0);
        let limit = u128::from(state) * factor / 1_000_000;
        let after = (names.len() as u128).saturating_sub(1) * u128::from(PREALLOCATED_BYTES);
        if 0 < factor && limit < after {
            return None;
        }
        let first = self.records(&names).next().is_some_and(|logged| logged.zxid <= zxid);
        first.then(|| self.records(&names).cloned().collect())
    }

    fn has_log(&self) -> bool {
        !self.ctx.files("log").is_empty()
    }

    fn accepted_epoch(&self) -> Option<Epoch> {
        self.ctx.records::<EpochRecord>(ACCEPTED_EPOCH)?.last().map(|record| record.0)
    }

    fn current_epoch(&self) -> Option<Epoch> {
        self.ctx.records::<EpochRecord>(CURRENT_EPOCH)?.last().map(|record| record.0)
    }
}
