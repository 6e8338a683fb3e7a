//! Marks: those of the quorum writer and its notes, passed by the NameNode around it.
//!
//! Here: names of protocol steps; the phase that ends with recovery; lines of the timeline.
//! Never here: when they are passed.
//! Modelled on: the log lines of `QuorumJournalManager.java`.

use crate::protocols::qjm::writer::Step;
use crate::systems::registry::{MarkSpec, NoteSpec};

const fn step(name: &'static str, meaning: &'static str) -> MarkSpec {
    MarkSpec { name, ends_phase: None, meaning }
}

const STATE_ASKED: MarkSpec =
    step("qjm/journal-state:sent", "a new writer asks the journals for their promises");
const NEW_EPOCH_SENT: MarkSpec =
    step("qjm/new-epoch:sent", "a new writer proposes its epoch to the journals");
const EPOCH_ESTABLISHED: MarkSpec =
    step("qjm/new-epoch:established", "a quorum of journals promised a new writer's epoch");
const PREPARE_SENT: MarkSpec =
    step("qjm/prepare-recovery:sent", "a new writer asks for the state of the last segment");
const ACCEPT_SENT: MarkSpec =
    step("qjm/accept-recovery:sent", "a new writer tells the journals what the last segment is");
const RECOVERY_FINALIZE_SENT: MarkSpec =
    step("qjm/recovery-finalize:sent", "a new writer closes the recovered segment");
const START_SENT: MarkSpec = step("qjm/start-segment:sent", "the writer opens a segment");
const EDITS_SENT: MarkSpec = step("qjm/edits:sent", "the writer sends a batch");
const FINALIZE_SENT: MarkSpec = step("qjm/finalize:sent", "the writer closes its segment");
/// The shared log has a new writer: the end of the phase "journal recovery".
pub const RECOVERED: MarkSpec = MarkSpec {
    name: "qjm/recovered",
    ends_phase: Some("journal recovery"),
    meaning: "a new writer has recovered the last segment and may write",
};

/// All marks of a quorum writer.
pub const MARKS: &[MarkSpec] = &[
    STATE_ASKED,
    NEW_EPOCH_SENT,
    EPOCH_ESTABLISHED,
    PREPARE_SENT,
    ACCEPT_SENT,
    RECOVERY_FINALIZE_SENT,
    RECOVERED,
    START_SENT,
    EDITS_SENT,
    FINALIZE_SENT,
];

/// The mark of a step.
pub(super) const fn of(step: Step) -> MarkSpec {
    match step {
        Step::StateAsked => STATE_ASKED,
        Step::NewEpochSent => NEW_EPOCH_SENT,
        Step::EpochEstablished => EPOCH_ESTABLISHED,
        Step::PrepareSent => PREPARE_SENT,
        Step::AcceptSent => ACCEPT_SENT,
        Step::RecoveryFinalizeSent => RECOVERY_FINALIZE_SENT,
        Step::Recovered => RECOVERED,
        Step::StartSent => START_SENT,
        Step::EditsSent => EDITS_SENT,
        Step::FinalizeSent => FINALIZE_SENT,
    }
}

/// A writer has its epoch, and found this last segment (0 to 0: none).
pub const RECOVERED_NOTE: NoteSpec = NoteSpec {
    name: "qjm/recovered",
    phrase: "writer of epoch {0}; last segment {1} to {2}",
    headline: true,
};
/// Too few journals answered, or none in time.
pub const QUORUM_LOST: NoteSpec = NoteSpec {
    name: "qjm/quorum-lost",
    phrase: "a quorum of journals {0:did not answer in time|failed|contradicted each other}",
    headline: true,
};

/// All notes of a quorum writer.
pub const NOTES: &[NoteSpec] = &[RECOVERED_NOTE, QUORUM_LOST];
