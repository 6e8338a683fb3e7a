//! 1. Two clients contend for a lock, and the critical path names it.
//!
//! ```text
//!   scanner ──scan (2 s under the lock)──┐
//!                                        ├── store: one lock
//!   reader  ──get (after 0.1 s)──────────┘
//! ```
//!
//! Shows: a process, an interface, a lock (`acquire → grant → work → release`), causes.
#![expect(clippy::wildcard_enum_match_arm, reason = "an example shows what it is about")]

use hadr::engine::cause::What;
use hadr::engine::id::{EventId, ProcessId};
use hadr::engine::net::LinkClasses;
use hadr::engine::note::Note;
use hadr::engine::{
    Conn, ConnEvent, Ctx, HostOptions, Input, Interface, Port, Process, ProcessOptions, Resource,
    SimDuration, SimTime, Tag, World,
};

/// What a store is asked, and what it says.
pub(crate) struct StoreRpc;

#[derive(Clone)]
pub(crate) enum StoreMessage {
    Call { takes: SimDuration },
    Done,
}

impl Interface for StoreRpc {
    const NAME: &'static str = "Store";
    type Message = StoreMessage;
    fn kind(message: &StoreMessage) -> &'static str {
        match message {
            StoreMessage::Call { .. } => "call",
            StoreMessage::Done => "done",
        }
    }
    fn bytes(_message: &StoreMessage) -> u32 {
        64
    }
}

const PORT: Port = Port(7_000);

/// Serves one call at a time: whoever holds the lock works, the others wait in line.
#[derive(Clone, Default)]
pub(crate) struct Store {
    lock: Option<Resource>,
    calls: Vec<(Conn, SimDuration)>,
}

impl Process for Store {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => {
                self.lock = Some(ctx.lock("store lock"));
                ctx.listen::<StoreRpc>(PORT);
            }
            Input::Connection(conn, ConnEvent::Message(slot)) => {
                if let (StoreMessage::Call { takes }, Some(lock)) =
                    (ctx.take::<StoreRpc>(slot), self.lock)
                {
                    self.calls.push((conn, takes));
                    ctx.acquire(lock, Tag::with(0, self.calls.len() as u64 - 1));
                }
            }
            Input::Granted(Tag { arg, .. }) => {
                let call = usize::try_from(arg).ok().and_then(|at| self.calls.get(at));
                if let (Some((conn, takes)), Some(lock)) = (call, self.lock) {
                    ctx.work(*takes); // what follows happens when the work is done
                    ctx.send::<StoreRpc>(*conn, StoreMessage::Done);
                    ctx.release(lock);
                }
            }
            _ => {}
        }
    }
}

/// Calls once, after a while, and notes when it was answered.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) store: ProcessId,
    pub(crate) after: SimDuration,
    pub(crate) takes: SimDuration,
}

pub(crate) const ANSWERED: u16 = 99;

impl Process for Caller {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => {
                ctx.arm(self.after, Tag::new(0));
            }
            Input::Timer(_) => {
                ctx.connect::<StoreRpc>(self.store, PORT);
            }
            Input::Connection(conn, ConnEvent::Connected) => {
                ctx.send::<StoreRpc>(conn, StoreMessage::Call { takes: self.takes });
            }
            Input::Connection(_, ConnEvent::Message(slot)) => {
                ctx.discard(slot);
                ctx.note(Note { kind: ANSWERED, fields: [0; 5] });
            }
            _ => {}
        }
    }
}

/// Where the reader's time went: a label and a span for each stretch of its critical path.
pub(crate) fn run() -> Vec<(String, SimDuration)> {
    let mut world = World::new(7, LinkClasses::default());
    let site = world.add_site("lab");
    let rack = world.add_rack("r1", site);
    let host = world.add_host("h1", rack, HostOptions::default());
    let options = ProcessOptions::default();
    let store = world.add_process("store", host, options, Box::new(Store::default()));
    let caller = |after_ms, takes_ms| {
        let (after, takes) =
            (SimDuration::from_millis(after_ms), SimDuration::from_millis(takes_ms));
        Box::new(Caller { store, after, takes })
    };
    let _scanner = world.add_process("scanner", host, options, caller(0, 2_000));
    let reader = world.add_process("reader", host, options, caller(100, 1));
    world.record_causes();
    world.advance(SimTime::START + SimDuration::from_secs(10));
    let answered: Vec<_> = world.drain_notes().filter(|note| note.by == reader).collect();
    let end = answered.first().map_or(EventId(0), |note| note.event);
    let path = world.critical_path(end, SimTime::START);
    let label = |process, what: What| match what {
        What::Granted { resource, waited, .. } if !waited.is_zero() => {
            format!("waited {waited} s for the {}", world.resource_name(process, resource))
        }
        What::Worked => format!("{} worked", world.process_name(process)),
        What::Message { kind, .. } => format!("{} got {kind}", world.process_name(process)),
        _ => format!("{} went on", world.process_name(process)),
    };
    let stretches = path.stretches.iter();
    stretches.map(|part| (label(part.process, part.what), part.to.since(part.from))).collect()
}

#[expect(clippy::print_stdout, reason = "an example prints")]
fn main() {
    for (label, span) in run() {
        println!("{span:>12} s  {label}");
    }
}
