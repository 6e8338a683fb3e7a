//! Cause: which event let which through, and the path that decided how long an outage lasted.
//!
//! Here: a ring of binding causes kept from onset on, and the walk back through it.
//! Never here: what a phase of a protocol is called (marks say so, systems register them).
//! Modelled on: critical-path analysis of program activity graphs (Yang and Miller 1988).

use super::id::{EventId, InterfaceId, ProcessId, ResourceId};
use super::limits::CAUSES_MAX;
use super::process::{Mark, Tag};
use super::time::{SimDuration, SimTime};

/// What an event was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A process started.
    Started,
    /// A timer went off.
    Timer(Tag),
    /// A message arrived.
    Message {
        /// Which interface.
        interface: InterfaceId,
        /// Which kind, as the interface calls it.
        kind: &'static str,
        /// Who sent it.
        from: ProcessId,
    },
    /// Another outcome of a connection.
    Connection(&'static str),
    /// A disk operation ended.
    Disk(Tag),
    /// A resource was granted.
    Granted {
        /// Which one of the process.
        resource: ResourceId,
        /// What the process calls it.
        tag: Tag,
        /// How long it had waited.
        waited: SimDuration,
    },
    /// The memory of a killed process was freed, and its sockets ended.
    Freed,
    /// Work was done, and the effects behind it happened.
    Worked,
    /// A flow got somewhere.
    Flow,
    /// A declared exchange was missed or came back.
    Beat,
    /// An operator's command.
    Admin,
    /// A fault struck or was healed.
    Fault,
}

/// One event with what bound it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// When.
    pub at: SimTime,
    /// Where.
    pub process: ProcessId,
    /// What.
    pub what: What,
    /// The event that let it through.
    pub cause: EventId,
    /// The event that last opened the gate which the message names; 0 if it names none.
    pub gate: EventId,
}

/// Causes from the moment of recording on.
#[derive(Clone, Default)]
pub(super) struct Causes {
    recording: bool,
    since: SimTime,
    first: u64,
    ring: Vec<Cause>,
    marks: Vec<(EventId, Mark)>,
    overflowed: bool,
}

/// A stretch of the critical path: from one event to the event that it let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// When it began.
    pub from: SimTime,
    /// When it ended.
    pub to: SimTime,
    /// The event at its end.
    pub event: EventId,
    /// Where that happened.
    pub process: ProcessId,
    /// What happened.
    pub what: What,
    /// The event only found a gate that had opened earlier; this is the time since.
    pub after_gate: bool,
}

/// The path from the onset to the event that ended an outage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CriticalPath {
    /// In order of time; each begins where the one before ended.
    pub stretches: Vec<Stretch>,
    /// Marks made by the events on the path: index of the stretch that ends with them.
    pub marks: Vec<(usize, Mark)>,
    /// The walk did not reach the onset: the ring had overflowed.
    pub gap: bool,
}

impl Causes {
    /// Keeps causes from the event `next` on, unless it does or the ring is full.
    pub(super) fn start(&mut self, next: EventId, since: SimTime) {
        if !self.recording && !self.overflowed {
            *self = Causes { recording: true, since, first: next.0, ..Causes::default() };
        }
    }

    pub(super) fn stop(&mut self) {
        *self = Causes::default();
    }

    pub(super) const fn recording(&self) -> bool {
        self.recording
    }

    pub(super) fn record(&mut self, cause: Cause) {
        if self.ring.len() < CAUSES_MAX {
            self.ring.push(cause);
        } else {
            (self.recording, self.overflowed) = (false, true);
        }
    }

    pub(super) fn mark(&mut self, event: EventId, mark: Mark) {
        if self.recording {
            self.marks.push((event, mark));
        }
    }

    fn get(&self, event: EventId) -> Option<&Cause> {
        event.0.checked_sub(self.first).and_then(|at| self.ring.get(usize::try_from(at).ok()?))
    }

    /// Walks back from `end`: at each event to the latest of its cause and of the gates named so
    /// far; stops at `onset`.
    pub(super) fn critical_path(&self, end: EventId, onset: SimTime) -> CriticalPath {
        let gap = self.overflowed || onset < self.since;
        let mut path = CriticalPath { gap, ..CriticalPath::default() };
        let mut events = Vec::new();
        let mut at = end;
        let mut gate = EventId(0);
        while let Some(cause) = self.get(at) {
            if cause.at <= onset {
                break;
            }
            gate = gate.max(cause.gate);
            let after_gate = cause.cause < gate && gate < at;
            let next = if after_gate { gate } else { cause.cause };
            if gate >= at || after_gate {
                gate = EventId(0);
            }
            let from = self.get(next).map_or(onset, |earlier| earlier.at.max(onset));
            events.push(at);
            path.stretches.push(Stretch {
                from,
                to: cause.at,
                event: at,
                process: cause.process,
                what: cause.what,
                after_gate,
            });
            at = next;
        }
        if self.get(at).is_none() && at.0 >= self.first + self.ring.len() as u64 {
            path.gap = true;
        }
        path.stretches.reverse();
        events.reverse();
        for (index, event) in events.iter().enumerate() {
            let start = self.marks.partition_point(|(id, _)| id < event);
            let here = self.marks[start..].iter().take_while(|(id, _)| id == event);
            path.marks.extend(here.map(|(_, mark)| (index, *mark)));
        }
        path
    }
}

impl CriticalPath {
    /// Cuts the path into phases at the marks that end one; `last` names the rest. Adjacent parts
    /// of one name are joined. They sum to the time from onset to end exactly.
    pub fn phases(
        &self,
        ends: impl Fn(Mark) -> Option<&'static str>,
        last: &'static str,
    ) -> Vec<(&'static str, SimDuration)> {
        let mut phases: Vec<(&'static str, SimDuration)> = Vec::new();
        let mut open = SimDuration::ZERO;
        let mut add = |name, span: &mut SimDuration| {
            let span = std::mem::take(span);
            match phases.last_mut() {
                Some(phase) if phase.0 == name => phase.1 += span,
                Some(_) | None => phases.push((name, span)),
            }
        };
        for (index, stretch) in self.stretches.iter().enumerate() {
            open += stretch.to.since(stretch.from);
            let here = self.marks.iter().filter(|(at, _)| *at == index);
            if let Some(name) = here.filter_map(|(_, mark)| ends(*mark)).next_back() {
                add(name, &mut open);
            }
        }
        if !open.is_zero() {
            add(last, &mut open);
        }
        phases
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at_s: u64, cause: u64, gate: u64, what: What) -> Cause {
        Cause {
            at: SimTime::START + SimDuration::from_secs(at_s),
            process: ProcessId(0),
            what,
            cause: EventId(cause),
            gate: EventId(gate),
        }
    }

    /// 1 fault at 10; 2 a timer armed long ago detects at 12; 3 opens the gate at 15; 4 a client's
    /// back-off, armed before the fault, ends at 20; 5 its answer at 21 names the gate.
    #[test]
    fn the_path_leaves_a_blind_wait_at_the_gate_that_had_opened() {
        let message = What::Message { interface: InterfaceId(0), kind: "ok", from: ProcessId(1) };
        let mut causes = Causes::default();
        causes.start(EventId(1), SimTime::START);
        for cause in [
            event(10, 0, 0, What::Fault),
            event(12, 0, 0, What::Timer(Tag::new(1))),
            event(15, 2, 0, What::Disk(Tag::new(2))),
            event(20, 0, 0, What::Timer(Tag::new(3))),
            event(21, 4, 3, message),
        ] {
            causes.record(cause);
        }
        let mark = Mark::named("detected");
        causes.mark(EventId(2), mark);
        let onset = SimTime::START + SimDuration::from_secs(10);
        let path = causes.critical_path(EventId(5), onset);
        let events: Vec<u64> = path.stretches.iter().map(|stretch| stretch.event.0).collect();
        assert_eq!(events, [2, 3, 4, 5]);
        assert!(path.stretches[2].after_gate && !path.gap);
        let ends = |found: Mark| (found == mark).then_some("detection");
        let phases = path.phases(ends, "rest");
        let s = SimDuration::from_secs;
        assert_eq!(phases, [("detection", s(2)), ("rest", s(9))]);
    }
}
