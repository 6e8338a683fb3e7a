//! Server: the ZooKeeper server process around ZAB and the replicated state.
//!
//! Here: the parts of the process, its inputs, its timers.
//! Never here: decisions of the protocol (`protocols::zab`) or of the tree
//! (`protocols::zookeeper`).
//! Modelled on: ZooKeeper 3.8.4 `QuorumPeerMain`, `QuorumPeer`; its threads are one here, but for
//! the log's, whose fsync is asynchronous.

mod clients;
mod disk;
mod election_port;
mod files;
mod pipeline;
mod quorum_port;
mod roles;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::engine::ctx::Ctx;
use crate::engine::dice::Purpose;
use crate::engine::distributions::Latency;
use crate::engine::process::{ConnEvent, Input, Process, Tag, Timer};
use crate::engine::time::SimDuration;
use crate::protocols::Outbox;
use crate::protocols::zab::{self, Link, Peer};
use crate::protocols::zookeeper::{DataTree, SessionId, Zxid};

use super::api::CLIENT_PORT;
use super::options::ServerOptions;
use super::quorum_api::{ELECTION_PORT, ElectionPort, QUORUM_PORT};
use clients::Clients;
use disk::DiskEnd;
use election_port::ElectionEnd;
use files::Files;
use quorum_port::QuorumEnd;
use roles::Serving;

const START: Purpose = Purpose::named("zk/start");
const SHUTDOWN: Purpose = Purpose::named("zk/shutdown");
const BIND: Purpose = Purpose::named("zk/bind-quorum-port");
const CONNECT: Purpose = Purpose::named("zk/first-connect");
const START_SERVER: Purpose = Purpose::named("zk/start-server");
const HOP: Purpose = Purpose::named("zk/election-hop");
const ROLL: Purpose = Purpose::named("zk/snap-count");

/// Kinds of tags.
mod kind {
    pub(super) const START: u32 = 0;
    pub(super) const LOAD: u32 = 1;
    pub(super) const DISK: u32 = 2;
    pub(super) const HOP: u32 = 3;
    pub(super) const DIAL: u32 = 4;
    pub(super) const BIND: u32 = 5;
    pub(super) const LEADER_LOAD: u32 = 6;
    pub(super) const START_SERVER: u32 = 7;
    pub(super) const SHUTDOWN: u32 = 8;
    pub(super) const SWEEP: u32 = 9;
    pub(super) const POLL: u32 = 10;
    pub(super) const LEADER_WAIT: u32 = 11;
    pub(super) const HALF_TICK: u32 = 12;
    pub(super) const HANDLER: u32 = 13;
    pub(super) const LEARNER: u32 = 14;
    pub(super) const CONNECT: u32 = 15;
}

/// One server of an ensemble. Its volume is all that survives.
#[derive(Clone)]
pub struct ZooKeeperServer {
    options: Arc<ServerOptions>,
    /// None until the process has started and loaded.
    peer: Option<Box<Peer<DataTree>>>,
    timers: BTreeMap<zab::Timer, Timer>,
    /// Of the role that begins or ends: bind, load, start, shut down.
    stage: Timer,
    serving: Serving,
    /// The last transaction of the history that it led with, the last time that it led.
    led_from: Zxid,
    election: ElectionEnd,
    quorum: QuorumEnd,
    disk: DiskEnd,
    clients: Clients,
    /// Draws so far that this incarnation made for its own spans.
    spans_drawn: u64,
    /// What the protocol hears when the present input is done with.
    follow_ups: VecDeque<zab::Input<DataTree>>,
}

impl ZooKeeperServer {
    /// A server that has not started.
    pub fn new(options: ServerOptions) -> ZooKeeperServer {
        ZooKeeperServer {
            election: ElectionEnd::new(&options),
            quorum: QuorumEnd::default(),
            disk: DiskEnd::default(),
            clients: Clients::default(),
            peer: None,
            timers: BTreeMap::new(),
            stage: Timer::NONE,
            serving: Serving::Nobody,
            led_from: Zxid::default(),
            spans_drawn: 0,
            follow_ups: VecDeque::new(),
            options: Arc::new(options),
        }
    }

    /// A span of this incarnation, drawn anew.
    fn span(&mut self, purpose: Purpose, of: Latency, ctx: &Ctx<'_>) -> SimDuration {
        self.spans_drawn += 1;
        of.of(ctx.dice(purpose, u64::from(ctx.starts()) << 32 | self.spans_drawn))
    }

    /// The JVM is up: read the volume.
    fn load(&self, ctx: &mut Ctx<'_>) {
        let files = Files { ctx, snapshot_size_factor: self.options.snapshot_size_factor };
        let bytes = files.start_bytes();
        ctx.listen::<super::api::ZkClient>(CLIENT_PORT);
        ctx.read(bytes, Tag::new(kind::LOAD));
    }

    /// The volume is read: into the first election.
    fn loaded(&mut self, ctx: &mut Ctx<'_>) {
        let files = Files { ctx, snapshot_size_factor: self.options.snapshot_size_factor };
        let settings = self.options.zab.clone();
        let mut peer = Peer::recover(settings, self.options.rules, &files);
        if !peer.may_start() {
            return ctx.exit("Unable to load database on disk");
        }
        let is_new = ctx.files("snapshot").is_empty() && ctx.files("log").is_empty();
        if is_new {
            self.first_files(&peer, ctx);
        }
        let server = u8::try_from(self.options.zab.me.0).expect("myid is at most 255");
        let boot_ms = ctx.now().monotonic.as_nanos() / 1_000_000;
        self.clients.next_session = SessionId::first(server, boot_ms);
        peer.set_roll_after(self.roll_after(ctx));
        ctx.listen::<ElectionPort>(ELECTION_PORT);
        let mut out = Outbox::default();
        peer.start(&mut out);
        self.peer = Some(Box::new(peer));
        self.perform(out, ctx);
    }

    /// `snapCount / 2` and a draw below that.
    fn roll_after(&mut self, ctx: &Ctx<'_>) -> u64 {
        let half = self.options.zab.snap_count / 2;
        self.spans_drawn += 1;
        let ordinal = u64::from(ctx.starts()) << 32 | self.spans_drawn;
        half + crate::engine::dice::below(ctx.dice(ROLL, ordinal).first(), half.max(1))
    }

    /// One input of the protocol, and all that it asks for.
    fn run(&mut self, input: zab::Input<DataTree>, ctx: &mut Ctx<'_>) {
        let Some(peer) = &mut self.peer else { return };
        let mut out = Outbox::default();
        let files = Files { ctx, snapshot_size_factor: self.options.snapshot_size_factor };
        peer.step(files.ctx.now().monotonic, input, &files, &mut out);
        self.perform(out, ctx);
    }

    fn run_follow_ups(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(input) = self.follow_ups.pop_front() {
            self.run(input, ctx);
        }
    }

    fn arm(&mut self, timer: zab::Timer, span: SimDuration, ctx: &mut Ctx<'_>) {
        self.disarm(timer, ctx);
        let tag = match timer {
            zab::Timer::Poll => Tag::new(kind::POLL),
            zab::Timer::Leader => Tag::new(kind::LEADER_WAIT),
            zab::Timer::HalfTick => Tag::new(kind::HALF_TICK),
            zab::Timer::Handler(link) => Tag::with(kind::HANDLER, link.0),
            zab::Timer::Learner => Tag::new(kind::LEARNER),
        };
        self.timers.insert(timer, ctx.arm(span, tag));
    }

    fn disarm(&mut self, timer: zab::Timer, ctx: &mut Ctx<'_>) {
        if let Some(armed) = self.timers.remove(&timer) {
            ctx.cancel(armed);
        }
    }

    fn protocol_timer(&mut self, timer: zab::Timer, ctx: &mut Ctx<'_>) {
        self.timers.remove(&timer);
        let delivered = self.election.connections.delivered();
        self.run(zab::Input::Timer { timer, delivered }, ctx);
    }

    fn on_timer(&mut self, tag: Tag, ctx: &mut Ctx<'_>) {
        match tag.kind {
            kind::START => self.load(ctx),
            kind::HOP => self.hop_over(ctx),
            kind::DIAL => self.dial_timed_out(tag.arg, ctx),
            kind::BIND => self.bind_quorum_port(ctx),
            kind::LEADER_LOAD => self.leader_loaded(ctx),
            kind::START_SERVER => self.run(zab::Input::ServerStarted, ctx),
            kind::SHUTDOWN => self.run(zab::Input::ShutDown, ctx),
            kind::SWEEP => self.sweep(ctx),
            kind::CONNECT => self.connect_to_leader(tag.arg, ctx),
            kind::POLL => self.protocol_timer(zab::Timer::Poll, ctx),
            kind::LEADER_WAIT => self.protocol_timer(zab::Timer::Leader, ctx),
            kind::HALF_TICK => self.protocol_timer(zab::Timer::HalfTick, ctx),
            kind::HANDLER => self.protocol_timer(zab::Timer::Handler(Link(tag.arg)), ctx),
            kind::LEARNER => self.protocol_timer(zab::Timer::Learner, ctx),
            other => unreachable!("no timer has kind {other}"),
        }
    }
}

impl Process for ZooKeeperServer {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => {
                let span = self.span(START, self.options.spans.start, ctx);
                ctx.arm(span, Tag::new(kind::START));
            }
            Input::Timer(tag) => self.on_timer(tag, ctx),
            Input::Disk(tag, _) if tag.kind == kind::LOAD => self.loaded(ctx),
            Input::Disk(tag, outcome) => self.written(tag.arg, outcome, ctx),
            Input::Connection(conn, event) => {
                if let ConnEvent::Accepted { port, from } = event {
                    match port {
                        ELECTION_PORT => self.election.accepted(conn),
                        QUORUM_PORT => self.learner_accepted(conn, ctx),
                        CLIENT_PORT => self.client_accepted(conn, from, ctx),
                        other => unreachable!("nobody listens on {other:?}"),
                    }
                } else if self.election.knows(conn) {
                    self.election_event(conn, event, ctx);
                } else if self.quorum.knows(conn) {
                    self.quorum_event(conn, event, ctx);
                } else if self.clients.knows(conn) {
                    self.client_event(conn, event, ctx);
                } else if let ConnEvent::Message(slot) = event {
                    ctx.discard(slot); // of a connection that was closed in this instant
                }
            }
            Input::Admin(slot) => ctx.discard(slot),
            Input::Granted(_) | Input::Flow(..) | Input::Beat(..) => {}
        }
        self.run_follow_ups(ctx);
    }

    fn tag_name(&self, tag: Tag) -> &'static str {
        match tag.kind {
            kind::START => "ZooKeeper start",
            kind::LOAD => "ZooKeeper load",
            kind::DISK => "ZooKeeper disk",
            kind::HOP => "election message",
            kind::DIAL => "election connect timeout",
            kind::BIND | kind::LEADER_LOAD => "leader preparation",
            kind::CONNECT => "follower preparation",
            kind::START_SERVER => "leader server start",
            kind::SHUTDOWN => "role shutdown",
            kind::SWEEP => "session expiry",
            kind::POLL => "election wait",
            kind::LEADER_WAIT => "quorum wait",
            kind::HALF_TICK => "leader tick",
            kind::HANDLER => "learner silence",
            kind::LEARNER => "leader silence or connect retry",
            _ => "timer",
        }
    }
}

#[cfg(test)]
mod tests;
