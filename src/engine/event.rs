//! Event: what the event list holds.
//!
//! Here: the kernel's events, small and `Copy`.
//! Never here: how they are handled.
//! Modelled on: -

use super::id::{EventId, ProcessId, ResourceId};
use super::process::Tag;
use super::time::SimTime;

/// What travels on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Fin,
    Reset,
    Connected,
    Accepted,
    Refused,
}

/// One piece of a connection's stream; `index` is a message's place in its slab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) gate: EventId,
    pub(super) index: u32,
    pub(super) sequence: u32,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Timer {
        process: ProcessId,
        tag: Tag,
    },
    Granted {
        process: ProcessId,
        resource: ResourceId,
        tag: Tag,
        since: SimTime,
    },
    /// A segment reaches the kernel at `end`.
    Segment {
        end: u32,
        segment: Segment,
    },
    /// The n-th SYN reaches the server's kernel, or nobody.
    Syn {
        slot: u32,
        attempt: u8,
    },
    /// The neighbour gives a silent host up.
    Unreachable {
        slot: u32,
    },
    /// TCP sends what was stalled on its way from `end` again.
    Retransmit {
        end: u32,
    },
    /// TCP gives the stalled stream from `end` up.
    GiveUp {
        end: u32,
    },
    Disk {
        operation: u32,
    },
    /// Work was done: the effects behind it happen.
    Worked {
        batch: u32,
    },
    /// A resumed process takes the next of what waited.
    Unpark {
        process: ProcessId,
    },
    Start {
        process: ProcessId,
    },
    Exit {
        process: ProcessId,
        reason: &'static str,
    },
    /// The flow that is done first is done.
    Flow,
    BeatDue {
        beat: u32,
    },
    BeatSilent {
        beat: u32,
    },
}

impl Event {
    /// Whose state it is: such events go when the process dies.
    pub(super) fn owner(&self) -> Option<ProcessId> {
        match self {
            Event::Timer { process, .. }
            | Event::Granted { process, .. }
            | Event::Unpark { process }
            | Event::Exit { process, .. } => Some(*process),
            Event::Segment { .. }
            | Event::Syn { .. }
            | Event::Unreachable { .. }
            | Event::Retransmit { .. }
            | Event::GiveUp { .. }
            | Event::Disk { .. }
            | Event::Worked { .. }
            | Event::Start { .. }
            | Event::Flow
            | Event::BeatDue { .. }
            | Event::BeatSilent { .. } => None,
        }
    }
}
