//! Note: one record of the neutral history as the engine carries it.
//!
//! Here: a kind and five integers; the engine stamps who and when, and folds it into the digest.
//! Never here: what the kinds mean (that is `history`).
//! Modelled on: event records of fixed size in trace rings.

use super::id::{EventId, ProcessId};
use super::time::SimTime;

/// A fact, encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// Which fact; the codes belong to `history`.
    pub kind: u16,
    /// Its fields, in the order that `history` gives them.
    pub fields: [u64; 5],
}

/// A note with its stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamped {
    /// When it was written.
    pub at: SimTime,
    /// Who wrote it.
    pub by: ProcessId,
    /// The event in whose step it was written.
    pub event: EventId,
    /// What it says.
    pub note: Note,
}
