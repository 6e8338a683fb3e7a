//! Marks and notes of a NameNode: the steps that a trigger, a phase or a timeline may hang on.
//!
//! Here: their names; the phase that ends with a promotion; lines of the timeline.
//! Never here: when they are passed.
//! Modelled on: the log lines of `FSNamesystem`, `EditLogTailer`, `StandbyCheckpointer`.

use crate::systems::registry::{MarkSpec, NoteSpec};

const fn step(name: &'static str, meaning: &'static str) -> MarkSpec {
    MarkSpec { name, ends_phase: None, meaning }
}

/// The process is there again: what had to happen for that is no part of a promotion.
pub const STARTED: MarkSpec = MarkSpec {
    name: "nn/started",
    ends_phase: Some("repair"),
    meaning: "the process of a NameNode is started",
};
/// A transition to active begins.
pub const TRANSITION_STARTED: MarkSpec =
    step("nn/transition-started", "a NameNode begins its transition to active");
/// The edits of a catch-up are applied.
pub const CAUGHT_UP: MarkSpec =
    step("nn/caught-up", "a NameNode in transition has applied all edits of the shared log");
/// The active services are up.
pub const ACTIVE: MarkSpec = MarkSpec {
    name: "nn/active",
    ends_phase: Some("promotion"),
    meaning: "the active services of a NameNode are up",
};
/// A transition to standby begins.
pub const DEMOTION_STARTED: MarkSpec =
    step("nn/demotion-started", "a NameNode begins its transition to standby");
/// The standby services are up.
pub const STANDBY: MarkSpec = step("nn/standby", "the standby services of a NameNode are up");
/// A batch goes to the journals.
pub const FLUSHING: MarkSpec = step("nn/flushing", "a batch of edits goes to the journals");
/// A batch is in every journal that counts.
pub const FLUSHED: MarkSpec = step(
    "nn/flushed",
    "a batch of edits is in every journal that counts; its callers are answered",
);
/// A standby asks the active to roll.
pub const ROLL_TRIGGERED: MarkSpec =
    step("nn/roll-triggered", "a standby asks the active to roll its edit log");
/// The edit log is rolled.
pub const ROLLED: MarkSpec = step("nn/rolled", "the active has ended a segment and begun the next");
/// A standby begins to save its namespace.
pub const CHECKPOINT_STARTED: MarkSpec =
    step("nn/checkpoint-started", "a standby begins to save its namespace");
/// An image is on the disk.
pub const CHECKPOINT_SAVED: MarkSpec =
    step("nn/checkpoint-saved", "a standby has an image of its namespace on its disk");

/// All marks of a NameNode.
pub const MARKS: [MarkSpec; 12] = [
    STARTED,
    TRANSITION_STARTED,
    CAUGHT_UP,
    ACTIVE,
    DEMOTION_STARTED,
    STANDBY,
    FLUSHING,
    FLUSHED,
    ROLL_TRIGGERED,
    ROLLED,
    CHECKPOINT_STARTED,
    CHECKPOINT_SAVED,
];

/// A transition to active begins.
pub const TRANSITION_NOTE: NoteSpec = NoteSpec {
    name: "nn/transition-to-active",
    phrase: "begins its transition to active; its namespace is that of edit {0}",
    headline: true,
};
/// The catch-up is over.
pub const CAUGHT_UP_NOTE: NoteSpec = NoteSpec {
    name: "nn/caught-up",
    phrase: "has applied the {0} edits that it lacked",
    headline: true,
};
/// A transition to standby begins.
pub const DEMOTION_NOTE: NoteSpec = NoteSpec {
    name: "nn/transition-to-standby",
    phrase: "begins its transition to standby at edit {0}",
    headline: true,
};
/// An image is on the disk.
pub const IMAGE_NOTE: NoteSpec = NoteSpec {
    name: "nn/image-saved",
    phrase: "has an image of its namespace as of edit {0}",
    headline: false,
};
/// The process ends itself; its sockets close when the JVM has ended.
pub const TERMINATING_NOTE: NoteSpec =
    NoteSpec { name: "nn/terminating", phrase: "ends itself", headline: true };

/// All notes of a NameNode.
pub const NOTES: [NoteSpec; 5] =
    [TRANSITION_NOTE, CAUGHT_UP_NOTE, DEMOTION_NOTE, IMAGE_NOTE, TERMINATING_NOTE];
