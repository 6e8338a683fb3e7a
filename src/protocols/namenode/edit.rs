//! Edit: one transaction of a nameservice's log.
//!
//! Here: what an edit says, its size and its identity.
//! Never here: where edits are kept.
//! Modelled on: Hadoop `FSEditLogOp` and its operation codes (3.4.1).

use super::namespace::Change;
use super::retry_cache::CallKey;

/// What one edit says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditOp {
    /// `OP_START_LOG_SEGMENT`: the first edit of every segment.
    StartLogSegment,
    /// `OP_END_LOG_SEGMENT`: the last edit of a segment that was ended in order.
    EndLogSegment,
    /// A change of the namespace.
    Change(Change),
}

/// One transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Its place in the log.
    pub txid: u64,
    /// What it says.
    pub op: EditOp,
    /// The call that caused it, if that call may be executed at most once.
    pub call: Option<CallKey>,
}

/// Operation code, transaction id, length and checksum.
const FRAME_BYTES: u32 = 17;
/// Path, times, permissions and inode of a typical change (some 200 bytes with its frame,
/// HDFSHighAvailabilityWithQJM.md).
const CHANGE_BYTES: u32 = 160;
/// Client id and call id.
const CALL_BYTES: u32 = 20;

impl Edit {
    /// Serialized size in bytes.
    pub const fn bytes(&self) -> u32 {
        let op = match self.op {
            EditOp::StartLogSegment | EditOp::EndLogSegment => 0,
            EditOp::Change(_) => CHANGE_BYTES,
        };
        FRAME_BYTES + op + if self.call.is_some() { CALL_BYTES } else { 0 }
    }

    /// What it says, hashed: equal for equal edits, on every copy.
    pub fn content(&self) -> u64 {
        let mut words = Mixer(self.txid);
        match self.op {
            EditOp::StartLogSegment => words.add(1),
            EditOp::EndLogSegment => words.add(2),
            EditOp::Change(change) => words.change(change),
        }
        if let Some(call) = self.call {
            words.add(call.client);
            words.add(call.call);
        }
        words.0
    }
}

/// The finalizer of SplitMix64, word after word.
struct Mixer(u64);

impl Mixer {
    const fn add(&mut self, word: u64) {
        let mut mixed = (self.0 ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.0 = mixed ^ (mixed >> 31);
    }

    fn change(&mut self, change: Change) {
        let words = match change {
            Change::Mkdir { parent, name, inode, content } => {
                [3, parent.0, name.0, inode.0, content]
            }
            Change::Add { parent, name, inode, content } => [4, parent.0, name.0, inode.0, content],
            Change::Close { parent, name } => [5, parent.0, name.0, 0, 0],
            Change::Delete { parent, name } => [6, parent.0, name.0, 0, 0],
            Change::Rename { from, to } => [7, from.0.0, from.1.0, to.0.0, to.1.0],
        };
        words.into_iter().for_each(|word| self.add(word));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::namenode::namespace::{InodeId, Name};

    #[test]
    fn an_edit_is_known_by_its_place_what_it_says_and_who_asked() {
        let change = Change::Close { parent: InodeId(1), name: Name(2) };
        let edit = Edit { txid: 5, op: EditOp::Change(change), call: None };
        let twin = Edit { txid: 5, ..edit };
        assert_eq!(edit.content(), twin.content());
        for other in [
            Edit { txid: 6, ..edit },
            Edit { op: EditOp::EndLogSegment, ..edit },
            Edit { call: Some(CallKey { client: 1, call: 1 }), ..edit },
        ] {
            assert_ne!(edit.content(), other.content());
        }
        assert_eq!(edit.bytes(), 177);
    }
}
