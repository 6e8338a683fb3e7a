//! Client tests: the library's timing laws, through the engine.
//!
//! Here: an application and stub servers, one law a test, against the reference's figures.
//! Never here: real servers (tests/it/zookeeper.rs).
//! Modelled on: the reference, sections 4 and 13.6.

use super::wire::{ZkAnswer, ZnodePath};
use super::*;
use crate::engine::id::HostId;
use crate::engine::net::LinkClasses;
use crate::engine::note::Note;
use crate::engine::process::{Input, Process};
use crate::engine::time::SimTime;
use crate::engine::world::{HostOptions, ProcessOptions, World};

const PORT: Port = Port(2_181);
const T: SimDuration = SimDuration::from_secs(10);
const APP_TIMER: u32 = 0;
const BASE: u32 = 7;

/// What a stub does with a connection.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Serves,
    Mute,
    SaysExpired,
    HangsUp,
}

#[derive(Clone)]
struct Stub {
    manner: Manner,
    zxid: u64,
}

impl Process for Stub {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => ctx.listen::<ZkClient>(PORT),
            Input::Connection(conn, ConnEvent::Message(slot)) => {
                let message = ctx.take::<ZkClient>(slot);
                self.answer(conn, message, ctx);
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

impl Stub {
    fn answer(&mut self, conn: Conn, message: ZkMessage, ctx: &mut Ctx<'_>) {
        let reply = match (self.manner, message) {
            (Manner::Mute, _) => return,
            (Manner::HangsUp, _) => return ctx.close(conn),
            (Manner::SaysExpired, _) => {
                ZkMessage::Connected { timeout: SimDuration::ZERO, session: 0 }
            }
            (_, ZkMessage::Connect { timeout, session, last_zxid_seen }) => {
                note(ctx, "seen", last_zxid_seen);
                ZkMessage::Connected { timeout, session: session.max(77) }
            }
            (_, ZkMessage::Ping) => {
                note(ctx, "ping", 0);
                ZkMessage::Pong
            }
            (_, ZkMessage::Request { xid, request }) => {
                note(ctx, request.name(), xid.into());
                self.zxid += 1;
                let exists = matches!(request, ZkRequest::Exists { .. });
                let result = if exists { Err(ZkError::NoNode) } else { Ok(ZkAnswer::Done) };
                ZkMessage::Reply { xid, zxid: self.zxid, result }
            }
            (_, other) => panic!("a client does not say {other:?}"),
        };
        ctx.send::<ZkClient>(conn, reply);
    }
}

fn note(ctx: &mut Ctx<'_>, name: &'static str, word: u64) {
    let at = NAMES.iter().position(|known| *known == name).expect("a known name");
    ctx.note(Note { kind: u16::try_from(at).unwrap_or(0), fields: [word, 0, 0, 0, 0] });
}

const NAMES: [&str; 14] = [
    "SyncConnected",
    "Disconnected",
    "Expired",
    "Closed",
    "ok",
    "lost",
    "dead",
    "seen",
    "ping",
    "exists",
    "setWatches",
    "closeSession",
    "sync",
    "refused",
];

/// What the application does beside listening.
#[derive(Clone, Copy, PartialEq)]
enum Plan {
    Listen,
    /// Asks at this moment after its start.
    AskAt(u64, Asked),
    /// Always has one request under way.
    AskAlways,
}

#[derive(Clone, Copy, PartialEq)]
enum Asked {
    Sync,
    Watch,
    Close,
    Restart,
}

#[derive(Clone)]
struct App {
    zk: ZkClientLib,
    plan: Plan,
}

impl App {
    fn ask(&mut self, asked: Asked, ctx: &mut Ctx<'_>) {
        match asked {
            Asked::Sync => {
                self.zk.request(ZkRequest::Sync, ctx);
            }
            Asked::Watch => {
                self.zk.exists(&ZnodePath::from("/lock"), true, ctx);
            }
            Asked::Close => self.zk.close(ctx),
            Asked::Restart => self.zk.start(ctx),
        }
    }
}

impl Process for App {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => {
                self.zk.start(ctx);
                if let Plan::AskAt(ms, _) = self.plan {
                    ctx.arm(SimDuration::from_millis(ms), Tag::new(APP_TIMER));
                } else if self.plan == Plan::AskAlways {
                    self.ask(Asked::Sync, ctx);
                }
            }
            Input::Connection(conn, event) => {
                assert!(self.zk.on_connection(conn, event, ctx) || event == ConnEvent::Closed);
            }
            Input::Timer(tag) => {
                if !self.zk.on_timer(tag, ctx)
                    && let Plan::AskAt(_, asked) = self.plan
                {
                    self.ask(asked, ctx);
                }
            }
            Input::Disk(..)
            | Input::Granted(_)
            | Input::Flow(..)
            | Input::Beat(..)
            | Input::Admin(_) => {}
        }
        while let Some(event) = self.zk.poll() {
            let name = match event {
                ZkEvent::SyncConnected => "SyncConnected",
                ZkEvent::Disconnected => "Disconnected",
                ZkEvent::Expired => "Expired",
                ZkEvent::Closed => "Closed",
                ZkEvent::Reply { result: Ok(_), .. } => "ok",
                ZkEvent::Reply { result: Err(ZkError::ConnectionLoss), .. } => "lost",
                ZkEvent::Reply { result: Err(ZkError::SessionExpired), .. } => "dead",
                ZkEvent::Reply { result: Err(_), .. } | ZkEvent::Watch { .. } => "refused",
            };
            note(ctx, name, 0);
            if self.plan == Plan::AskAlways && ["ok", "lost"].contains(&name) {
                self.ask(Asked::Sync, ctx);
            }
        }
    }
}

/// A client and its servers, each on a host of its own.
struct Stage {
    world: World,
    app: ProcessId,
    servers: Vec<ProcessId>,
    heard: Vec<(u64, &'static str, u64)>,
}

impl Stage {
    fn new(seed: u64, manners: &[Manner], plan: Plan) -> Stage {
        let mut world = World::new(seed, LinkClasses::default());
        let site = world.add_site("site");
        let rack = world.add_rack("rack", site);
        let mut host = |name: &str| world.add_host(name, rack, HostOptions::default());
        let hosts: Vec<HostId> = (0..=manners.len()).map(|n| host(&format!("h{n}"))).collect();
        let servers: Vec<ProcessId> = manners
            .iter()
            .zip(&hosts)
            .enumerate()
            .map(|(n, (manner, host))| {
                let stub = Box::new(Stub { manner: *manner, zxid: 100 });
                world.add_process(&format!("zk{n}"), *host, ProcessOptions::default(), stub)
            })
            .collect();
        let options = ZkOptions {
            servers: servers.iter().map(|server| (*server, PORT)).collect(),
            session_timeout: T,
            base_kind: BASE,
        };
        let later = ProcessOptions {
            start_after: SimDuration::from_millis(1),
            ..ProcessOptions::default()
        };
        let app = Box::new(App { zk: ZkClientLib::new(options), plan });
        let app = world.add_process("app", hosts[manners.len()], later, app);
        Stage { world, app, servers, heard: Vec::new() }
    }

    /// Runs on to that many milliseconds after the start.
    fn until(&mut self, ms: u64) -> &mut Stage {
        self.world.advance(SimTime::START + SimDuration::from_millis(ms));
        let told = self.world.drain_notes().map(|stamped| {
            let ms = stamped.at.since_start().as_millis();
            (ms, NAMES[usize::from(stamped.note.kind)], stamped.note.fields[0])
        });
        self.heard.extend(told);
        self
    }

    fn kill_all(&mut self) -> &mut Stage {
        for server in self.servers.clone() {
            self.world.kill(server);
        }
        self
    }

    fn silence_all(&mut self) -> &mut Stage {
        for server in self.servers.clone() {
            let host = self.world.host_of(server);
            self.world.silence(host, true);
        }
        self
    }

    /// When it was told of, in ms.
    fn times(&self, name: &str) -> Vec<u64> {
        self.heard.iter().filter(|told| told.1 == name).map(|told| told.0).collect()
    }

    fn once(&self, name: &str) -> u64 {
        let times = self.times(name);
        assert_eq!(times.len(), 1, "{name}: {:?}", self.heard);
        times[0]
    }
}

const THREE: [Manner; 3] = [Manner::Serves; 3];

fn near(ms: u64, expected: u64) -> bool {
    ms.abs_diff(expected) <= 2 // what the wire takes
}

#[test]
fn an_idle_client_pings_at_every_third_of_its_session() {
    let mut stage = Stage::new(1, &THREE, Plan::Listen);
    let pings = stage.until(100_000).times("ping");
    assert_eq!(pings.len(), 30); // 100 s at 3.333 s
    for pair in pings.windows(2) {
        assert!(near(pair[1] - pair[0], 3_333), "{pings:?}");
    }
}

#[test]
fn a_loop_that_wakes_after_a_second_of_silence_pings_up_to_a_second_early() {
    // The last packet went out at about 1 ms; a request at 2.5 s finds 3.333 - 2.5 - 1 < 0.
    let mut stage = Stage::new(1, &THREE, Plan::AskAt(2_500, Asked::Sync));
    assert!(near(stage.until(3_000).once("ping"), 2_500));
    // At 1.5 s the ping is still due in 0.833 s, but the request itself was a packet.
    let mut stage = Stage::new(1, &THREE, Plan::AskAt(1_500, Asked::Sync));
    assert!(near(stage.until(6_000).once("ping"), 1_500 + 3_333));
}

#[test]
fn a_killed_server_is_told_of_a_tenth_of_a_second_late() {
    let mut stage = Stage::new(2, &[Manner::Serves], Plan::Listen);
    stage.until(5_000).kill_all().until(60_000);
    assert!(near(stage.once("Disconnected"), 5_100)); // and failed attempts add nothing
}

#[test]
fn silence_is_noticed_after_two_thirds_of_the_session() {
    let mut stage = Stage::new(3, &THREE, Plan::Listen);
    stage.until(5_000).silence_all().until(20_000);
    // The last pong came at 3.333 s: 3.333 + 6.666 + 0.1.
    assert!(near(stage.once("Disconnected"), 10_100), "{:?}", stage.heard);
}

#[test]
fn the_first_round_costs_a_tenth_a_server_and_a_second_a_round() {
    let mut stage = Stage::new(4, &THREE, Plan::AskAlways);
    stage.until(0).kill_all().until(4_000);
    // No random sleep before a TCP connect has ever succeeded, no pause before the first attempt.
    let lost = stage.times("lost");
    let expected = [101, 201, 301, 1_401, 1_501, 1_601, 2_701, 2_801, 2_901];
    assert_eq!(lost.len(), expected.len(), "{lost:?}");
    assert!(lost.iter().zip(expected).all(|(lost, expected)| near(*lost, expected)), "{lost:?}");
    assert!(stage.times("Disconnected").is_empty()); // it was never connected
}

#[test]
fn a_round_over_three_refusing_servers_costs_2_8_seconds_on_average() {
    let (mut attempts, runs) = (0, 10);
    for seed in 0..runs {
        let mut stage = Stage::new(seed, &THREE, Plan::AskAlways);
        stage.until(1_000).kill_all().until(281_000);
        attempts += stage.times("lost").len();
    }
    // Each attempt 0.1 + U[0,1) s, each round of three 1 s more: 280 s hold 300 attempts. Their
    // number has a standard deviation of 0.29 sqrt(300) / 0.933 = 5.4 a run, 17 in ten.
    assert!(attempts.abs_diff(3_000) < 85, "{attempts}");
}

#[test]
fn a_silent_host_costs_the_session_divided_by_the_hosts() {
    let mut stage = Stage::new(5, &THREE, Plan::AskAlways);
    stage.silence_all().until(7_500);
    let lost = stage.times("lost");
    assert!(near(lost[0], 1 + 3_333 + 100) && near(lost[1], 1 + 2 * 3_433), "{lost:?}");
}

#[test]
fn a_server_that_accepts_and_says_nothing_costs_as_much_after_the_connect() {
    let mut stage = Stage::new(6, &[Manner::Mute; 3], Plan::AskAlways);
    let lost = stage.until(3_600).once("lost");
    assert!(near(lost, 1 + 3_333 + 100));
}

#[test]
fn each_failed_attempt_fails_what_was_queued_and_the_session_lives_on() {
    let mut stage = Stage::new(7, &[Manner::HangsUp], Plan::AskAlways);
    stage.until(60_000);
    // One server: every attempt but the first pauses 1 s, then U[0,1), then 0.1.
    let lost = stage.times("lost");
    assert!(lost.windows(2).all(|pair| (1_099..2_105).contains(&(pair[1] - pair[0]))), "{lost:?}");
    assert!(stage.times("Expired").is_empty());
}

#[test]
fn an_expired_handle_is_dead_and_a_new_one_begins_anew() {
    let mut stage = Stage::new(8, &[Manner::SaysExpired], Plan::AskAlways);
    stage.until(5_000);
    let expired = stage.once("Expired");
    assert!(near(stage.once("dead"), expired + 100)); // what was queued, after the clean-up
    let mut stage = Stage::new(8, &[Manner::SaysExpired], Plan::AskAt(3_000, Asked::Restart));
    assert_eq!(stage.until(5_000).times("Expired").len(), 2);
}

#[test]
fn close_ends_with_the_servers_answer_and_a_tenth_of_a_second() {
    let mut stage = Stage::new(9, &THREE, Plan::AskAt(2_000, Asked::Close));
    stage.until(5_000);
    assert!(near(stage.once("closeSession"), 2_000));
    assert!(near(stage.once("Closed"), 2_101));
    assert!(stage.times("Disconnected").is_empty());
}

#[test]
fn close_without_a_server_ends_with_the_attempt_under_way() {
    let mut stage = Stage::new(10, &[Manner::Mute; 3], Plan::AskAt(1_000, Asked::Close));
    stage.until(9_000);
    assert!(near(stage.once("Closed"), 1 + 3_333 + 100));
}

#[test]
fn a_new_connection_re_arms_watches_and_names_the_last_zxid() {
    let mut stage = Stage::new(11, &THREE, Plan::AskAt(1_000, Asked::Watch));
    stage.until(2_000);
    assert_eq!(stage.times("exists").len(), 1);
    stage.kill_all().until(2_001);
    for server in stage.servers.clone() {
        stage.world.start(server);
    }
    stage.until(10_000);
    let seen: Vec<u64> =
        stage.heard.iter().filter(|told| told.1 == "seen").map(|told| told.2).collect();
    assert_eq!(seen, [0, 101]);
    assert_eq!(stage.times("setWatches").len(), 1);
    assert_eq!(stage.times("SyncConnected").len(), 2);
}

/// Measured 13 times: "have not heard from server" comes first, though the server's FIN is there:
/// SIGCONT interrupts `epoll_wait`, whose time is over.
#[test]
fn a_paused_client_hears_of_its_loss_when_it_goes_on() {
    let mut stage = Stage::new(12, &THREE, Plan::Listen);
    stage.until(4_000);
    let app = stage.app;
    stage.world.stop(app);
    stage.until(14_000).world.resume(app);
    stage.until(20_000);
    assert!(near(stage.once("Disconnected"), 14_100));
    assert_eq!(stage.times("SyncConnected").len(), 2);
}
