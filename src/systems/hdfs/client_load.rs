//! Client load: when operations begin, what they do, and which of them were acknowledged.
//!
//! Here: arrivals, paths and contents of operations as functions of their numbers.
//! Never here: calls; the process that makes them (`client`).
//! Modelled on: the writers of the calibration (closed loop), open-loop probes.

use crate::engine::time::SimDuration;
use crate::history::{ContentHash, OpId};

use super::api::client_namenode::{ClientRequest, FilePath};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Makes a directory of its own.
    Mkdirs,
    /// Makes a file of its own.
    Create,
    /// Reads the status of something that this process wrote and that was acknowledged.
    GetFileInfo,
}

/// When operations begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// So many threads, each waiting for the end of its operation and for the rest of the period.
    Closed {
        /// How many.
        threads: u32,
        /// From start to start, unless the operation takes longer.
        period: SimDuration,
    },
    /// One each period, whatever became of the earlier ones.
    Every {
        /// From start to start.
        period: SimDuration,
    },
    /// At random instants, whatever became of the earlier ones.
    Poisson {
        /// Mean span from start to start.
        mean: SimDuration,
    },
}

/// Whose connections an operation uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// The process's `FileSystem`: one list of NameNodes, one connection to each.
    Shared,
    /// A new user and `FileSystem` for each operation: what new clients see.
    Fresh,
}

/// One stream of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// What they do.
    pub operation: Operation,
    /// When they begin.
    pub arrivals: Arrivals,
    /// Through what.
    pub session: Session,
}

impl Operation {
    /// Whether it changes the namespace.
    pub const fn is_write(self) -> bool {
        match self {
            Operation::Mkdirs | Operation::Create => true,
            Operation::GetFileInfo => false,
        }
    }

    /// The call of this operation; `of` is the operation itself, for a read the one read back.
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
    ContentHash(xxhash_rust::xxh3::xxh3_64(&op.0.to_le_bytes()))
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

    /// The n-th in order, from 0.
    pub fn nth(&self, n: u64) -> Option<OpId> {
        let mut left = n;
        for (first, last) in &self.runs {
            let here = last - first + 1;
            if left < here {
                return Some(OpId(first + left));
            }
            left -= here;
        }
        None
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
            for (n, op) in (0..).zip(&ops) {
                assert_eq!(set.nth(n), Some(OpId(*op)));
            }
            let taken: BTreeSet<u64> = set.take_through(OpId(cut)).iter().map(|op| op.0).collect();
            assert_eq!(taken, ops.range(..=cut).copied().collect());
            assert_eq!(set.len(), ops.range(cut + 1..).count() as u64);
            assert_eq!(set.nth(0), ops.range(cut + 1..).next().map(|op| OpId(*op)));
        }
    }
}
