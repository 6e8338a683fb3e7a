//! Census: how many messages of each kind each pair of processes exchanged.
//!
//! Here: counting, when asked for.
//! Never here: what a kind means.
//! Modelled on: the per-method counters of Hadoop's RPC metrics.

use std::collections::BTreeMap;

use super::id::{InterfaceId, ProcessId};

/// Messages counted by sender, receiver, interface and kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Census {
    counts: BTreeMap<(ProcessId, ProcessId, InterfaceId, &'static str), u64>,
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
}

impl Census {
    pub(super) fn count(
        &mut self,
        from: ProcessId,
        to: ProcessId,
        interface: InterfaceId,
        kind: &'static str,
    ) {
        *self.counts.entry((from, to, interface, kind)).or_insert(0) += 1;
    }

    pub(super) fn rows(&self, name: impl Fn(InterfaceId) -> &'static str) -> Vec<CensusRow> {
        let row = |(key, count): (&(ProcessId, ProcessId, InterfaceId, &'static str), &u64)| {
            CensusRow { from: key.0, to: key.1, interface: name(key.2), kind: key.3, count: *count }
        };
        self.counts.iter().map(row).collect()
    }
}
