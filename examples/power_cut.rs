//! 4. Power is cut between write and sync, and between sync and send.
//!
//! ```text
//!   client ──put──► store:  append │ sync │ answer
//!                              cut A   cut B
//! ```
//!
//! Shows: volumes, crash points (a mark and a number of effects), power loss, restart from disk.
#![expect(clippy::wildcard_enum_match_arm, reason = "an example shows what it is about")]

use hadr::engine::core::MarkTrigger;
use hadr::engine::id::ProcessId;
use hadr::engine::net::LinkClasses;
use hadr::engine::note::Note;
use hadr::engine::{
    Conn, ConnEvent, Ctx, DiskOutcome, FileName, HostOptions, Input, Interface, Log, Mark, Port,
    Process, ProcessOptions, Record, SimDuration, SimTime, Tag, World,
};

pub(crate) struct Put;

impl Interface for Put {
    const NAME: &'static str = "Put";
    type Message = ();
    fn kind((): &()) -> &'static str {
        "put"
    }
    fn bytes((): &()) -> u32 {
        16
    }
}

#[derive(Clone)]
struct Line;

impl Record for Line {
    fn bytes(&self) -> u32 {
        100
    }
}

const PORT: Port = Port(7_000);
const LOG: FileName = FileName("log", 0);
pub(crate) const WRITTEN: Mark = Mark::named("store/written");
pub(crate) const SYNCED: Mark = Mark::named("store/synced");
const FOUND: u16 = 98;
const ACKED: u16 = 99;

#[derive(Clone, Default)]
struct Store {
    caller: Option<Conn>,
}

impl Process for Store {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => {
                let found = ctx.records::<Line>(LOG).map_or(0, Log::len) as u64;
                ctx.note(Note { kind: FOUND, fields: [found, 0, 0, 0, 0] });
                ctx.listen::<Put>(PORT);
            }
            Input::Connection(conn, ConnEvent::Message(slot)) => {
                ctx.discard(slot);
                self.caller = Some(conn);
                ctx.append(LOG, Line);
                ctx.mark(WRITTEN);
                ctx.sync(LOG, Tag::new(0));
            }
            Input::Disk(_, DiskOutcome::Done) => {
                ctx.mark(SYNCED);
                if let Some(conn) = self.caller {
                    ctx.send::<Put>(conn, ());
                }
            }
            _ => {}
        }
    }
}

#[derive(Clone)]
struct Client(ProcessId);

impl Process for Client {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => {
                ctx.connect::<Put>(self.0, PORT);
            }
            Input::Connection(conn, ConnEvent::Connected) => ctx.send::<Put>(conn, ()),
            Input::Connection(_, ConnEvent::Message(slot)) => {
                ctx.discard(slot);
                ctx.note(Note { kind: ACKED, fields: [0; 5] });
            }
            _ => {}
        }
    }
}

/// What one cut left behind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) acked: bool,
    pub(crate) lines_found: u64,
}

/// Cuts the power right after the mark, boots again, and looks. `None`: after the answer.
pub(crate) fn run(seed: u64, cut_after: Option<Mark>) -> Outcome {
    let mut world = World::new(seed, LinkClasses::default());
    let site = world.add_site("lab");
    let rack = world.add_rack("r1", site);
    let [here, there] = ["h1", "h2"].map(|name| world.add_host(name, rack, HostOptions::default()));
    let options = ProcessOptions::default();
    let store = world.add_process("store", there, options, Box::new(Store::default()));
    world.add_process("client", here, options, Box::new(Client(store)));
    let soon = SimTime::START + SimDuration::from_secs(1);
    if let Some(mark) = cut_after {
        // The process dies before its next effect; the host loses power at that moment.
        world.arm_mark(MarkTrigger { mark, nth: 1, crash_after: Some(0) });
        while world.take_hits().is_empty() {
            world.step();
        }
    } else {
        world.advance(soon);
    }
    world.power_off(there);
    world.advance(soon + SimDuration::from_secs(10));
    world.power_on(there, SimDuration::from_secs(30), false);
    world.advance(soon + SimDuration::from_secs(45));
    world.start(store);
    world.advance(soon + SimDuration::from_secs(60));
    let notes: Vec<Note> = world.drain_notes().map(|stamped| stamped.note).collect();
    let found = notes.iter().rev().find(|note| note.kind == FOUND);
    Outcome {
        acked: notes.iter().any(|note| note.kind == ACKED),
        lines_found: found.map_or(0, |note| note.fields[0]),
    }
}

#[expect(clippy::print_stdout, reason = "an example prints")]
fn main() {
    println!("after the answer:      {:?}", run(1, None));
    println!("between sync and send: {:?}", run(1, Some(SYNCED)));
    for seed in 1..=3 {
        println!("before the sync:       {:?} (seed {seed})", run(seed, Some(WRITTEN)));
    }
}
