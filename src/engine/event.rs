//! Event: what the event list holds.
//!
//! Here: the kernel's events, small and `Copy`.
//! Never here: how they are handled.
//! Modelled on: -

use super::id::{EventId, HostId, ProcessId, ResourceId};
use super::process::Tag;

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
    /// The event that last opened the gate which the message names; 0: it names none.
    pub(super) gate: u32,
    pub(super) index: u32,
    pub(super) sequence: u32,
    pub(super) kind: Kind,
}

/// With its place in the list an event fills one cache line: tags lie here in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Timer {
        process: ProcessId,
        kind: u32,
        arg: u64,
    },
    Granted {
        process: ProcessId,
        resource: u16,
        waited_us: u32,
        kind: u32,
        arg: u64,
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
    /// A host's kernel runs again.
    Boot {
        host: HostId,
    },
    Exit {
        process: ProcessId,
        reason: &'static str,
    },
    /// A killed process has no memory left.
    Freed {
        process: ProcessId,
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
            | Event::Exit { process, .. }
            | Event::Freed { process } => Some(*process),
            Event::Segment { .. }
            | Event::Syn { .. }
            | Event::Unreachable { .. }
            | Event::Retransmit { .. }
            | Event::GiveUp { .. }
            | Event::Disk { .. }
            | Event::Worked { .. }
            | Event::Start { .. }
            | Event::Flow
            | Event::Boot { .. }
            | Event::BeatDue { .. }
            | Event::BeatSilent { .. } => None,
        }
    }
}

const _: () = assert!(size_of::<Event>() <= 24);

impl Event {
    pub(super) const fn timer(process: ProcessId, tag: Tag) -> Event {
        Event::Timer { process, kind: tag.kind, arg: tag.arg }
    }

    /// `waited_us` is cut to an hour: it names a part of a path, nothing is decided by it.
    pub(super) fn granted(
        process: ProcessId,
        resource: ResourceId,
        tag: Tag,
        waited_us: u64,
    ) -> Event {
        let resource = u16::try_from(resource.0).expect("resources of a process are few");
        let waited_us = u32::try_from(waited_us).unwrap_or(u32::MAX);
        Event::Granted { process, resource, waited_us, kind: tag.kind, arg: tag.arg }
    }
}

impl Segment {
    /// The event as causes know it.
    pub(super) const fn gate(&self) -> EventId {
        EventId(self.gate as u64)
    }
}
