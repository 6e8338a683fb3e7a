//! Census: how many messages of each kind each pair of processes exchanged.
//!
//! Here: counting, when asked for.
//! Never here: what a kind means.
//! Modelled on: the per-method counters of Hadoop's RPC metrics.

use std::collections::BTreeMap;

use super::id::{InterfaceId, ProcessId};

type Key = (ProcessId, ProcessId, InterfaceId, &'static str);

/// Messages and bytes counted by sender, receiver, interface and kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Census {
    counts: BTreeMap<Key, (u64, u64)>,
}

/// One row of a census.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CensusRow {
    /// Who sent.
    pub from: ProcessId,
    /// To whom.
    pub to: ProcessId,
    /// The interface's name.
    pub interface: &'static str,
    /// The kind, as the interface calls it.
    pub kind: &'static str,
    /// How many.
    pub count: u64,
    /// How many bytes.
    pub bytes: u64,
}

impl Census {
    pub(super) fn count(
        &mut self,
        pair: (ProcessId, ProcessId),
        interface: InterfaceId,
        kind: &'static str,
        bytes: u32,
    ) {
        let row = self.counts.entry((pair.0, pair.1, interface, kind)).or_default();
        *row = (row.0 + 1, row.1 + u64::from(bytes));
    }

    pub(super) fn rows(&self, name: impl Fn(InterfaceId) -> &'static str) -> Vec<CensusRow> {
        let row = |(key, counted): (&Key, &(u64, u64))| {
            let (from, to, interface, kind) = *key;
            let (count, bytes) = *counted;
            CensusRow { from, to, interface: name(interface), kind, count, bytes }
        };
        self.counts.iter().map(row).collect()
    }
}
