//! The workloads W1 to W3: PHOLD, heartbeats, quorum writes, as processes of a world.
//!
//! W1 has no network: an event for another of its 1,024 nodes is a timer with that node in its tag.
//! W2 and W3 speak over connections. Draws are addressed, digests on, timers cancelled at once.

use hadr::engine::distributions::{exponential, uniform};
use hadr::engine::id::ProcessId;
use hadr::engine::net::{LinkClasses, LinkOptions};
use hadr::engine::note::Note;
use hadr::engine::{
    Conn, ConnEvent, Ctx, HostOptions, Input, Interface, Latency, Port, Process, ProcessOptions,
    Purpose, SimDuration, Tag, Timer, World, below,
};

const MS: fn(u64) -> SimDuration = SimDuration::from_millis;
const PORT: Port = Port(7_000);

/// A plain message: who, and which round.
pub(crate) struct Word;

impl Interface for Word {
    const NAME: &'static str = "Word";
    type Message = (u32, u32);
    fn kind(_message: &(u32, u32)) -> &'static str {
        "word"
    }
    fn bytes(_message: &(u32, u32)) -> u32 {
        8
    }
}

/// One host a process, latency uniform in 0.2..2 ms between any two, as the peers have it.
fn world(processes: usize) -> (World, Vec<hadr::engine::id::HostId>) {
    let link = LinkOptions::of(Latency::Uniform {
        low: SimDuration::from_micros(200),
        high: SimDuration::from_micros(2_000),
    });
    let classes = LinkClasses { loopback: link, rack: link, site: link, far: link };
    let mut world = World::new(42, classes);
    let site = world.add_site("bench");
    let rack = world.add_rack("r1", site);
    let hosts = (0..processes).map(|n| {
        let name = format!("h{n}");
        world.add_host(&name, rack, HostOptions::default())
    });
    let hosts = hosts.collect();
    (world, hosts)
}

const HOP: Purpose = Purpose::named("bench/hop");
pub(crate) const NODES: u64 = 1_024;
const EACH: u64 = 16;

#[derive(Clone)]
struct Phold {
    hops: u64,
}

impl Phold {
    fn hop(&mut self, ctx: &mut Ctx<'_>) {
        let words = ctx.dice(HOP, self.hops);
        self.hops += 1;
        let to = below(words.first(), NODES);
        let span = MS(100) + exponential(MS(1_000), words.second());
        ctx.arm(span, Tag::with(0, to));
    }
}

impl Process for Phold {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => (0..NODES * EACH).for_each(|_| self.hop(ctx)),
            Input::Timer(_) => self.hop(ctx),
            Input::Connection(..)
            | Input::Disk(..)
            | Input::Granted(_)
            | Input::Flow(..)
            | Input::Beat(..)
            | Input::Admin(_) => {}
        }
    }
}

/// W1, built.
pub(crate) fn w1() -> World {
    let (mut world, hosts) = world(1);
    let options = ProcessOptions::default();
    world.add_process("phold", hosts[0], options, Box::new(Phold { hops: 0 }));
    world
}

#[derive(Clone)]
struct Node {
    number: u32,
    monitors: Vec<ProcessId>,
    conns: Vec<Conn>,
}

const FIRST: Purpose = Purpose::named("bench/first-beat");

impl Process for Node {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => {
                for monitor in &self.monitors {
                    self.conns.push(ctx.connect::<Word>(*monitor, PORT));
                }
                let first = uniform(MS(10), MS(1_010), ctx.dice(FIRST, 0).first());
                ctx.arm(first, Tag::new(0));
            }
            Input::Timer(_) => {
                ctx.arm(MS(1_000), Tag::new(0));
                for conn in &self.conns {
                    ctx.send::<Word>(*conn, (self.number, 0));
                }
            }
            Input::Connection(..)
            | Input::Disk(..)
            | Input::Granted(_)
            | Input::Flow(..)
            | Input::Beat(..)
            | Input::Admin(_) => {}
        }
    }
}

#[derive(Clone)]
struct Monitor {
    deadlines: Vec<Timer>,
}

/// Noted when a deadline of W2 or W3 passes: it must not.
pub(crate) const MISSED: u16 = 97;
/// Noted when a write of W3 is done.
pub(crate) const WRITTEN: u16 = 98;

impl Process for Monitor {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => ctx.listen::<Word>(PORT),
            Input::Connection(_, ConnEvent::Message(slot)) => {
                let (node, _) = ctx.take::<Word>(slot);
                ctx.cancel(self.deadlines[node as usize]);
                self.deadlines[node as usize] = ctx.arm(MS(10_000), Tag::with(0, node.into()));
            }
            Input::Timer(_) => ctx.note(Note { kind: MISSED, fields: [0; 5] }),
            Input::Connection(..)
            | Input::Disk(..)
            | Input::Granted(_)
            | Input::Flow(..)
            | Input::Beat(..)
            | Input::Admin(_) => {}
        }
    }
}

/// W2, built.
pub(crate) fn w2() -> World {
    let nodes = 1_000_u32;
    let (mut world, hosts) = world(nodes as usize + 3);
    let options = ProcessOptions::default();
    let monitors: Vec<ProcessId> = (0..3)
        .map(|n| {
            let monitor = Monitor { deadlines: vec![Timer::NONE; nodes as usize] };
            world.add_process(&format!("monitor{n}"), hosts[n], options, Box::new(monitor))
        })
        .collect();
    for number in 0..nodes {
        let node = Node { number, monitors: monitors.clone(), conns: Vec::new() };
        let (name, host) = (format!("node{number}"), hosts[number as usize + 3]);
        world.add_process(&name, host, options, Box::new(node));
    }
    world
}

const FOLLOWERS: usize = 5;
const ACKS: u32 = 3;

#[derive(Clone)]
struct Writer {
    leader: ProcessId,
    round: u32,
    deadline: Timer,
}

impl Writer {
    fn write(&mut self, conn: Conn, ctx: &mut Ctx<'_>) {
        self.round += 1;
        self.deadline = ctx.arm(MS(20_000), Tag::new(0));
        ctx.send::<Word>(conn, (0, self.round));
    }
}

impl Process for Writer {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => {
                ctx.connect::<Word>(self.leader, PORT);
            }
            Input::Connection(conn, ConnEvent::Connected) => self.write(conn, ctx),
            Input::Connection(conn, ConnEvent::Message(slot)) => {
                ctx.discard(slot);
                ctx.cancel(self.deadline);
                ctx.note(Note { kind: WRITTEN, fields: [0; 5] });
                self.write(conn, ctx);
            }
            Input::Timer(_) => ctx.note(Note { kind: MISSED, fields: [0; 5] }),
            Input::Connection(..)
            | Input::Disk(..)
            | Input::Granted(_)
            | Input::Flow(..)
            | Input::Beat(..)
            | Input::Admin(_) => {}
        }
    }
}

#[derive(Clone)]
struct Leader {
    followers: Vec<ProcessId>,
    conns: Vec<Conn>,
    writer: Option<Conn>,
    round: u32,
    acks: u32,
    /// Per follower, the deadlines of the last two rounds: a late ack cancels its own.
    deadlines: Vec<[Timer; 64]>,
}

impl Process for Leader {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => {
                for follower in &self.followers {
                    self.conns.push(ctx.connect::<Word>(*follower, PORT));
                }
                ctx.listen::<Word>(PORT);
            }
            Input::Connection(conn, ConnEvent::Accepted { .. }) => self.writer = Some(conn),
            Input::Connection(conn, ConnEvent::Message(slot)) => {
                let (who, round) = ctx.take::<Word>(slot);
                let at = round as usize % 64;
                if self.writer == Some(conn) {
                    (self.round, self.acks) = (round, 0);
                    for follower in 0..self.conns.len() {
                        let deadline = ctx.arm(MS(20_000), Tag::new(0));
                        self.deadlines[follower][at] = deadline;
                        ctx.send::<Word>(self.conns[follower], (0, round));
                    }
                    return;
                }
                ctx.cancel(self.deadlines[who as usize][at]);
                self.acks += u32::from(round == self.round);
                if let (true, true, Some(writer)) =
                    (round == self.round, self.acks == ACKS, self.writer)
                {
                    ctx.send::<Word>(writer, (0, round));
                }
            }
            Input::Timer(_) => ctx.note(Note { kind: MISSED, fields: [0; 5] }),
            Input::Connection(..)
            | Input::Disk(..)
            | Input::Granted(_)
            | Input::Flow(..)
            | Input::Beat(..)
            | Input::Admin(_) => {}
        }
    }
}

#[derive(Clone)]
struct Follower(u32);

impl Process for Follower {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => ctx.listen::<Word>(PORT),
            Input::Connection(conn, ConnEvent::Message(slot)) => {
                let (_, round) = ctx.take::<Word>(slot);
                ctx.send::<Word>(conn, (self.0, round));
            }
            Input::Connection(..)
            | Input::Timer(_)
            | Input::Disk(..)
            | Input::Granted(_)
            | Input::Flow(..)
            | Input::Beat(..)
            | Input::Admin(_) => {}
        }
    }
}

/// W3, built.
pub(crate) fn w3() -> World {
    let (mut world, hosts) = world(FOLLOWERS + 2);
    let options = ProcessOptions::default();
    let followers: Vec<ProcessId> = (0..FOLLOWERS)
        .map(|n| {
            let follower = Follower(u32::try_from(n).expect("few"));
            world.add_process(&format!("follower{n}"), hosts[n], options, Box::new(follower))
        })
        .collect();
    let leader = Leader {
        conns: Vec::new(),
        writer: None,
        round: 0,
        acks: 0,
        deadlines: vec![[Timer::NONE; 64]; followers.len()],
        followers,
    };
    let leader = world.add_process("leader", hosts[FOLLOWERS], options, Box::new(leader));
    let late = ProcessOptions { start_after: MS(100), ..options };
    let writer = Writer { leader, round: 0, deadline: Timer::NONE };
    world.add_process("writer", hosts[FOLLOWERS + 1], late, Box::new(writer));
    world
}

/// Runs until so many events have been dispatched; how many notes of each kind there were.
pub(crate) fn run(world: &mut World, events: u64) -> (u64, u64) {
    let (mut missed, mut written) = (0, 0);
    while world.events() < events && world.step() {
        if world.has_news() {
            for note in world.drain_notes() {
                missed += u64::from(note.note.kind == MISSED);
                written += u64::from(note.note.kind == WRITTEN);
            }
            world.take_turns();
        }
    }
    (missed, written)
}
