//! Client load: when operations begin, what they do, and which of them were acknowledged.
//!
//! Here: arrivals, paths and contents of operations as functions of their numbers.
//! Never here: calls; the process that makes them (`client`).
//! Modelled on: the writers of the calibration (closed loop), open-loop probes.

use crate::engine::dice::below;
use crate::engine::digest::hash;
use crate::history::{ContentHash, OpId, ServiceName};
use crate::systems::Arrival;

use super::api::client_namenode::{ClientRequest, FilePath};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Makes a directory of its own.
    Mkdirs,
    /// Makes a file of its own.
    Create,
    /// Reads the status of a directory that this process made before it measures.
    GetFileInfo,
}

/// What one client process does.
#[derive(Clone, Debug)]
pub struct ClientLoad {
    /// The service that its operations belong to.
    pub service: ServiceName,
    /// Whether they write.
    pub writes: bool,
    /// What they do, and how often; at least one with a weight above zero.
    pub mix: Vec<(Operation, u32)>,
    /// When they begin; the mean gap of an open load is this process's.
    pub arrival: Arrival,
    /// Threads of a closed load.
    pub threads: u32,
    /// Whether each operation has a user and `FileSystem` of its own: what new clients see.
    pub fresh: bool,
}

impl ClientLoad {
    /// The operation that a draw decides for.
    pub fn operation(&self, word: u64) -> Operation {
        let total: u64 = self.mix.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut left = below(word, total);
        for (operation, weight) in &self.mix {
            if left < u64::from(*weight) {
                return *operation;
            }
            left -= u64::from(*weight);
        }
        unreachable!("below the sum of the weights")
    }
}

impl Operation {
    /// By the name that a scenario writes.
    pub fn named(name: &str) -> Option<Operation> {
        match name {
            "mkdirs" => Some(Operation::Mkdirs),
            "create" => Some(Operation::Create),
            "getFileInfo" => Some(Operation::GetFileInfo),
            _ => None,
        }
    }

    /// The call of this operation; `of` is the operation itself, for a read the one that wrote.
    pub fn request(self, of: OpId) -> ClientRequest {
        let (path, content) = (path_of(of), content_of(of));
        match self {
            Operation::Mkdirs => ClientRequest::Mkdirs { path, content },
            Operation::Create => ClientRequest::Create { path, content },
            Operation::GetFileInfo => ClientRequest::GetFileInfo { path },
        }
    }
}

/// Bits of an operation's number that count within a client process.
const COUNT_BITS: u32 = 40;

/// The n-th operation of a client process.
pub const fn op_id(client: u32, count: u64) -> OpId {
    OpId((client as u64) << COUNT_BITS | count & ((1 << COUNT_BITS) - 1))
}

/// Number of the first operation in the n-th life of a client process, 1 the first.
pub const fn first_count(starts: u32) -> u64 {
    (starts as u64 - 1) << 32
}

/// Where a write of that operation goes: each client process has a directory.
pub const fn path_of(op: OpId) -> FilePath {
    FilePath { directory: op.0 >> COUNT_BITS, name: op.0 & ((1 << COUNT_BITS) - 1) }
}

/// The operation that writes there.
pub const fn op_at(path: FilePath) -> OpId {
    OpId(path.directory << COUNT_BITS | path.name)
}

/// What that operation writes, hashed.
pub fn content_of(op: OpId) -> ContentHash {
    ContentHash(hash(&op.0.to_le_bytes()))
}

/// A set of operations as ascending runs: writes are acknowledged nearly in order.
#[derive(Clone, Debug, Default)]
pub struct OpSet {
    runs: Vec<(u64, u64)>, // first, last; never adjacent
    len: u64,
}

impl OpSet {
    /// Adds an operation that is not in it.
    pub fn insert(&mut self, op: OpId) {
        let after = self.runs.partition_point(|run| run.0 <= op.0);
        let joins_left = after > 0 && self.runs[after - 1].1 + 1 == op.0;
        let joins_right = self.runs.get(after).is_some_and(|run| op.0 + 1 == run.0);
        assert!(after == 0 || self.runs[after - 1].1 < op.0, "{op:?} is acknowledged twice");
        match (joins_left, joins_right) {
            (true, true) => {
                self.runs[after - 1].1 = self.runs[after].1;
                self.runs.remove(after);
            }
            (true, false) => self.runs[after - 1].1 = op.0,
            (false, true) => self.runs[after].0 = op.0,
            (false, false) => self.runs.insert(after, (op.0, op.0)),
        }
        self.len += 1;
    }

    /// How many.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes out, in order, those up to and with `last`.
    pub fn take_through(&mut self, last: OpId) -> Vec<OpId> {
        let mut taken = Vec::new();
        let whole = self.runs.partition_point(|run| run.1 <= last.0);
        for (first, end) in self.runs.drain(..whole) {
            taken.extend((first..=end).map(OpId));
        }
        if let Some(run) = self.runs.first_mut().filter(|run| run.0 <= last.0) {
            taken.extend((run.0..=last.0).map(OpId));
            run.0 = last.0 + 1;
        }
        self.len -= taken.len() as u64;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn an_operation_and_its_path_name_each_other() {
        let op = op_id(7, 12_345);
        assert_eq!(op_at(path_of(op)), op);
        assert_eq!(path_of(op), FilePath { directory: 7, name: 12_345 });
        assert_ne!(content_of(op), content_of(op_id(7, 12_346)));
    }

    #[test]
    fn a_mix_is_drawn_by_its_weights() {
        let mix = vec![(Operation::Create, 0), (Operation::Mkdirs, 3), (Operation::Create, 1)];
        let arrival = Arrival::Closed { pace: crate::engine::time::SimDuration::ZERO };
        let service = ServiceName(0);
        let load = ClientLoad { service, writes: true, mix, arrival, threads: 1, fresh: false };
        let quarters = [0, 1, 2, 3].map(|quarter| load.operation(quarter << 62));
        assert_eq!(quarters[..3], [Operation::Mkdirs; 3]);
        assert_eq!(quarters[3], Operation::Create);
    }

    proptest::proptest! {
        #[test]
        fn a_set_of_runs_is_a_set(ops in proptest::collection::btree_set(0_u64..60, 0..50),
                                  cut in 0_u64..60) {
            let mut set = OpSet::default();
            let mut shuffled: Vec<u64> = ops.iter().copied().collect();
            shuffled.sort_by_key(|op| op.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            for op in shuffled {
                set.insert(OpId(op));
            }
            assert_eq!(set.len(), ops.len() as u64);
            let taken: BTreeSet<u64> = set.take_through(OpId(cut)).iter().map(|op| op.0).collect();
            assert_eq!(taken, ops.range(..=cut).copied().collect());
            assert_eq!(set.len(), ops.range(cut + 1..).count() as u64);
            assert_eq!(set.take_through(OpId(60)).len(), ops.range(cut + 1..).count());
            assert!(set.is_empty());
        }
    }
}
