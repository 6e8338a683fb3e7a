//! Marks: the marks and notes of a JournalNode.
//!
//! Here: names of protocol steps, for triggers and crash points; lines of the timeline.
//! Never here: when they are passed.
//! Modelled on: Hadoop `JournalFaultInjector`; the log lines of `Journal.java`.

use crate::systems::registry::{MarkSpec, NoteSpec};

/// newEpoch or a fencing request: the promise is on disk, nobody has heard of it.
pub const PROMISED: MarkSpec = MarkSpec {
    name: "qjm/new-epoch:promised",
    ends_phase: None,
    meaning: "a JournalNode has a promise on disk and has not answered yet",
};
/// `journal`: the batch is on disk, its writer has not heard of it.
pub const SYNCED: MarkSpec = MarkSpec {
    name: "jn/journal:synced",
    ends_phase: None,
    meaning: "a JournalNode has a batch on disk and has not answered yet",
};
/// `acceptRecovery`: decided, and the downloaded segment is not yet in its place.
pub const DECIDED: MarkSpec = MarkSpec {
    name: "qjm/accept-recovery:decided",
    ends_phase: None,
    meaning: "a JournalNode has a recovery decision on disk and has not moved the segment in",
};
/// `finalizeLogSegment`: renamed, not answered.
pub const FINALIZED: MarkSpec = MarkSpec {
    name: "jn/segment:finalized",
    ends_phase: None,
    meaning: "a JournalNode has renamed a segment to its final name and has not answered yet",
};

/// All marks of a JournalNode.
pub const MARKS: &[MarkSpec] = &[PROMISED, SYNCED, DECIDED, FINALIZED];

/// A request of a writer that was deposed.
pub const REFUSED_EPOCH: NoteSpec = NoteSpec {
    name: "jn/refused-epoch",
    phrase: "refused a writer whose epoch is below the promise {0}",
    headline: true,
};

/// All notes of a JournalNode.
pub const NOTES: &[NoteSpec] = &[REFUSED_EPOCH];
