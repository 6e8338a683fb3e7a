//! What is said between the processes, and to them.

use hadr::engine::digest::hash;
use hadr::engine::{Gate, Interface, Port};
use hadr::history::{ContentHash, OpId};

/// Servers and keeper listen here.
pub(crate) const PORT: Port = Port(7_100);
/// What a client waits for: the server it asks holds the lease.
pub(crate) const ACTIVE: Gate = Gate::named("lease-server/active");
/// What a server waits for: nobody holds the lease.
pub(crate) const FREE: Gate = Gate::named("lease-keeper/free");

/// All of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Word {
    Lease,
    Granted { token: u64 },
    Held,
    Store { token: u64, op: OpId },
    Stored { op: OpId, at: u64 },
    Fenced { op: OpId },
    Write { op: OpId },
    Read { op: OpId },
    Done { op: OpId, found: bool },
    NotMine { op: OpId },
    StopLoad,
    Audit,
}

pub(crate) struct Words;

impl Interface for Words {
    const NAME: &'static str = "Lease";
    type Message = Word;
    fn kind(word: &Word) -> &'static str {
        match word {
            Word::Lease => "lease",
            Word::Granted { .. } => "granted",
            Word::Held => "held",
            Word::Store { .. } => "store",
            Word::Stored { .. } => "stored",
            Word::Fenced { .. } => "fenced",
            Word::Write { .. } => "write",
            Word::Read { .. } => "read",
            Word::Done { .. } => "done",
            Word::NotMine { .. } => "not-mine",
            Word::StopLoad | Word::Audit => "admin",
        }
    }
    fn bytes(_: &Word) -> u32 {
        64
    }
}

/// What an operation writes, as the history knows it.
pub(crate) fn content(op: OpId) -> ContentHash {
    ContentHash(hash(&op.0.to_le_bytes()))
}
