//! 2. A client backs off, finds a gate that opened meanwhile, and the phases say so.
//!
//! ```text
//!   client ──may I?──► server    ready (gate opens) at 5 s
//!     0 s no, 1 s no, 3 s no, 7 s yes: 5 s were the server's, 2 s the client's own back-off
//! ```
//!
//! Shows: timers, gates, marks that end a phase, the walk that leaves a blind wait at its gate.
#![expect(clippy::wildcard_enum_match_arm, reason = "an example shows what it is about")]

use hadr::engine::cause::What;
use hadr::engine::id::{EventId, ProcessId};
use hadr::engine::net::LinkClasses;
use hadr::engine::note::Note;
use hadr::engine::{
    Conn, ConnEvent, Ctx, Gate, HostOptions, Input, Interface, Mark, Port, Process, ProcessOptions,
    SimDuration, SimTime, Tag, World,
};

pub(crate) struct MayI;

impl Interface for MayI {
    const NAME: &'static str = "MayI";
    type Message = Option<bool>; // a question, or its answer
    fn kind(message: &Option<bool>) -> &'static str {
        match message {
            None => "ask",
            Some(true) => "yes",
            Some(false) => "no",
        }
    }
    fn bytes(_message: &Option<bool>) -> u32 {
        16
    }
}

const PORT: Port = Port(7_000);
const READY: Gate = Gate::named("server/ready");
const STARTED_UP: Mark = Mark::named("server/started-up");

#[derive(Clone, Default)]
struct Server {
    ready: bool,
}

impl Process for Server {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => {
                ctx.listen::<MayI>(PORT);
                ctx.arm(SimDuration::from_secs(5), Tag::new(0));
            }
            Input::Timer(_) => {
                self.ready = true;
                ctx.open_gate(READY);
                ctx.mark(STARTED_UP);
            }
            Input::Connection(conn, ConnEvent::Message(slot)) => {
                ctx.discard(slot);
                ctx.send_gated::<MayI>(conn, Some(self.ready), READY);
            }
            _ => {}
        }
    }
}

#[derive(Clone)]
struct Client {
    server: ProcessId,
    conn: Option<Conn>,
    tries: u32,
}

impl Process for Client {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => self.conn = Some(ctx.connect::<MayI>(self.server, PORT)),
            Input::Connection(_, ConnEvent::Connected) | Input::Timer(_) => {
                if let Some(conn) = self.conn {
                    ctx.send::<MayI>(conn, None);
                }
            }
            Input::Connection(_, ConnEvent::Message(slot)) => {
                if ctx.take::<MayI>(slot) == Some(true) {
                    ctx.note(Note { kind: 99, fields: [0; 5] });
                } else {
                    // 1, 2, 4 s
                    ctx.arm(SimDuration::from_secs(1 << self.tries), Tag::new(0));
                    self.tries += 1;
                }
            }
            _ => {}
        }
    }

    fn tag_name(&self, _tag: Tag) -> &'static str {
        "client back-off"
    }
}

/// The phases from the start to the yes, and the name of the wait in the last one.
pub(crate) fn run() -> (Vec<(&'static str, SimDuration)>, &'static str) {
    let mut world = World::new(7, LinkClasses::default());
    let site = world.add_site("lab");
    let rack = world.add_rack("r1", site);
    let options = ProcessOptions::default();
    let mut host = |name| world.add_host(name, rack, HostOptions::default());
    let (here, there) = (host("h1"), host("h2"));
    let server = world.add_process("server", there, options, Box::new(Server::default()));
    let client = Client { server, conn: None, tries: 0 };
    world.add_process("client", here, options, Box::new(client));
    world.record_causes();
    world.advance(SimTime::START + SimDuration::from_secs(20));
    let end = world.drain_notes().next().map_or(EventId(0), |note| note.event);
    let path = world.critical_path(end, SimTime::START);
    let ends = |mark| (mark == STARTED_UP).then_some("start-up");
    let blind = path.stretches.iter().find(|part| part.after_gate);
    let name = blind.map_or("", |part| match part.what {
        What::Timer(tag) => world.tag_name(part.process, tag),
        _ => "",
    });
    (path.phases(ends, "client retry"), name)
}

#[expect(clippy::print_stdout, reason = "an example prints")]
fn main() {
    let (phases, wait) = run();
    for (name, span) in phases {
        println!("{span:>12} s  {name}");
    }
    println!("the last one was a {wait} after the gate had opened");
}
