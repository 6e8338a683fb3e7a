//! Tags: what a NameNode's timers, grants and disk operations are known by.
//!
//! Here: one number and one name for each.
//! Never here: what is done then.
//! Modelled on: Hadoop's thread and lock names, for timelines.

/// Declares kinds of tags with the names that phases and timelines print.
macro_rules! tags {
    ($($name:ident = $kind:literal: $text:literal,)+) => {
        $(pub(super) const $name: u32 = $kind;)+

        /// The printed name of a kind; none: an embedded client's.
        pub(super) const fn name(kind: u32) -> Option<&'static str> {
            match kind {
                $($kind => Some($text),)+
                _ => None,
            }
        }
    };
}

tags! {
    CLIENT_HANDLER = 1: "namenode rpc handler",
    HA_HANDLER = 2: "namenode ha rpc handler",
    NAMENODE_HANDLER = 3: "namenode protocol handler",
    CALL_LOCK = 4: "namesystem lock",
    HA_MONITOR = 5: "namenode ha monitor",
    PROCEDURE_LOCK = 6: "namesystem write lock of a transition",
    STEP_WORK = 7: "transition step",
    TAIL_PERIOD = 8: "tail-edits period",
    TAIL_ROLL_LIMIT = 9: "rolledits time-out",
    TAIL_CP_LOCK = 10: "checkpoint lock of the tailer",
    LOAD_LOCK = 11: "namesystem lock of the tailer",
    LOAD_WORK = 12: "edit replay",
    CHECKPOINT_PERIOD = 13: "checkpoint check period",
    CHECKPOINT_CP_LOCK = 14: "checkpoint lock of the checkpointer",
    CHECKPOINT_SAVE = 15: "image save",
    CHECKPOINT_DISK = 16: "image sync",
    LOCAL_SYNC = 17: "local edits sync",
    ROLLER_PERIOD = 18: "edit log autoroll check interval",
    RESOURCE_PERIOD = 19: "resource check interval",
    SAFE_MODE_POLL = 20: "safe mode extension",
    JVM_START = 21: "jvm start",
    IMAGE_READ = 22: "image read",
    IMAGE_LOAD = 23: "image load",
    IMAGE_TAKEN = 24: "received image sync",
    UPLOAD_SILENCE = 25: "image transfer time-out",
    HEALTH_DISK = 26: "health check of the disks",
    FORMATTED = 28: "format",
    IMPORTED = 29: "imported image sync",
    IMPORT_SILENCE = 30: "image import time-out",
    RESOURCE_DISK = 27: "resource check of the disks",
}

/// First kind of the client that asks the active to roll.
pub(super) const ROLL_CLIENT: u32 = 100;
/// First kind of the shared journal's tags; it may use all from there on.
pub(crate) const SHARED_JOURNAL_TAGS: u32 = 200;
