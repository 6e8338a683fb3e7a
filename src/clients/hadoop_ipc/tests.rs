//! Tests of calls through the engine: a caller with a script, a server that answers or does not.
//!
//! Here: the waits of hdfs-ha.md 5.4, S24, S25 and S27, second by second.
//! Never here: a system.
//! Modelled on: the measured timelines of hdfs-ha.md, section 13.

use super::*;
use crate::engine::ctx::Ctx;
use crate::engine::id::{HostId, ProcessId};
use crate::engine::net::LinkClasses;
use crate::engine::note::Note;
use crate::engine::process::{ConnEvent, Input, Port, Process, Resource, Tag};
use crate::engine::time::{SimDuration, SimTime};
use crate::engine::world::{HostOptions, ProcessOptions, World};

const PORT: u16 = 8020;
const STOCK: CallPolicy = CallPolicy {
    rpc_timeout: SimDuration::from_secs(120),
    connect_timeout: SimDuration::from_secs(20),
    max_retries_on_timeouts: 45,
    max_retries: 10,
    retry_interval: SimDuration::from_secs(1),
    ping_interval: SimDuration::from_secs(60),
    max_idle: SimDuration::from_secs(10),
};

/// Asks for an answer after so many milliseconds; `u64::MAX`: for none.
#[derive(Clone, Copy, Debug)]
struct Echo;

impl RpcInterface for Echo {
    const PROTOCOL: &'static str = "Echo";
    type Request = u64;
    type Response = u64;
    fn method(_request: &u64) -> &'static str {
        "echo"
    }
    fn request_bytes(_request: &u64) -> u32 {
        100
    }
    fn response_bytes(_response: &u64) -> u32 {
        100
    }
}

const SILENT: u64 = u64::MAX;

/// Answers by script; one handler per call, so that a silent call holds up no other.
#[derive(Clone)]
struct Server {
    handlers: u32,
    ipc: Option<IpcServer<Echo>>,
    owed: Vec<(ReplyTo, u64)>,
}

impl Process for Server {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => {
                let pool: Resource = ctx.pool("handlers", self.handlers);
                self.ipc = Some(IpcServer::listen(Port(PORT), pool, 0, ctx));
            }
            Input::Connection(conn, event) => {
                self.ipc.as_mut().expect("started").on_connection(conn, event, ctx);
            }
            Input::Granted(tag) => {
                let ipc = self.ipc.as_mut().expect("started");
                if let Some(incoming) = ipc.on_granted(tag, ctx)
                    && incoming.request != SILENT
                {
                    self.owed.push((incoming.reply_to, incoming.request));
                    let number = self.owed.len() as u64 - 1;
                    let span = SimDuration::from_millis(incoming.request);
                    ctx.arm(span, Tag::with(1, number));
                }
            }
            Input::Timer(tag) => {
                let ipc = self.ipc.as_mut().expect("started");
                let (to, request) = self.owed[usize::try_from(tag.arg).expect("a number")];
                ipc.reply(to, Ok(request), ctx);
                ipc.free_handler(ctx);
            }
            Input::Disk(..) | Input::Flow(..) | Input::Beat(..) | Input::Admin(_) => {}
        }
    }
}

/// One call of the script: when, in milliseconds; what; under which policy.
type Call = (u64, u64, CallPolicy);

#[derive(Clone)]
struct Caller {
    server: ProcessId,
    script: Vec<Call>,
    ipc: IpcClient<Echo>,
    numbers: Vec<(CallId, u64)>,
}

const SCRIPT: u32 = 100;

impl Process for Caller {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => {
                for (number, (at, ..)) in (0..).zip(&self.script) {
                    ctx.arm(SimDuration::from_millis(*at), Tag::with(SCRIPT, number));
                }
            }
            Input::Connection(conn, event) => {
                if !self.ipc.on_connection(conn, event, ctx) {
                    let ConnEvent::Message(slot) = event else { panic!("{event:?} of nobody") };
                    ctx.discard(slot); // said on a connection that was given up
                }
            }
            Input::Timer(tag) if tag.kind == SCRIPT => {
                let (_, request, policy) = self.script[usize::try_from(tag.arg).expect("short")];
                let server = ServerAddress { process: self.server, port: PORT };
                let key = ConnectionKey { server, user: 0, policy };
                let call = self.ipc.call(key, request, ctx);
                self.numbers.push((call, tag.arg));
            }
            Input::Timer(tag) => assert!(self.ipc.on_timer(tag, ctx)),
            Input::Disk(..)
            | Input::Granted(_)
            | Input::Flow(..)
            | Input::Beat(..)
            | Input::Admin(_) => {}
        }
        while let Some(done) = self.ipc.completed() {
            let code = match done.outcome {
                CallOutcome::Reply(_) => 0,
                CallOutcome::Remote(_) => 1,
                CallOutcome::Failed(failure) => 10 + failure as u64,
            };
            let number = self.numbers.iter().find(|known| known.0 == done.call).expect("ours").1;
            ctx.note(Note { kind: 0, fields: [number, code, 0, 0, 0] });
        }
    }
}

/// A caller and a server on two hosts, and what happened to the calls.
struct Stage {
    world: World,
    caller: ProcessId,
    server: ProcessId,
    server_host: HostId,
}

impl Stage {
    fn new(script: &[Call]) -> Stage {
        let mut world = World::new(7, LinkClasses::default());
        let site = world.add_site("site");
        let rack = world.add_rack("rack", site);
        let hosts = ["client", "server"].map(|n| world.add_host(n, rack, HostOptions::default()));
        let server = Server { handlers: 100, ipc: None, owed: Vec::new() };
        let server =
            world.add_process("server", hosts[1], ProcessOptions::default(), Box::new(server));
        let (script, ipc) = (script.to_vec(), IpcClient::new(0));
        let caller = Caller { server, script, ipc, numbers: Vec::new() };
        let caller =
            world.add_process("caller", hosts[0], ProcessOptions::default(), Box::new(caller));
        Stage { world, caller, server, server_host: hosts[1] }
    }

    fn advance(&mut self, ms: u64) {
        self.world.advance(SimTime::START + SimDuration::from_millis(ms));
    }

    /// Number of the call, how it ended, and when, in milliseconds to the nearest hundred.
    fn ended(&mut self, until_s: u64) -> Vec<(u64, u64, u64)> {
        self.advance(until_s * 1_000);
        let notes = self.world.drain_notes();
        notes
            .map(|stamped| {
                let [number, code, ..] = stamped.note.fields;
                (number, code, (stamped.at.since_start().as_millis() + 50) / 100 * 100)
            })
            .collect()
    }
}

const REPLY: u64 = 0;

const fn code(failure: LocalFailure) -> u64 {
    10 + failure as u64
}

const fn secs(s: u64) -> SimDuration {
    SimDuration::from_secs(s)
}

/// S24, S27: at multiples of the ping interval above it, exactly below; none: TCP's limit.
#[test]
fn a_silent_host_costs_a_call_in_flight_its_rpc_timeout() {
    let timeout = code(LocalFailure::SocketTimeout);
    for (rpc_timeout, ends, how) in [
        (5, 6_000, timeout),
        (45, 46_000, timeout),
        (60, 61_000, timeout),
        (61, 121_000, timeout),
        (120, 121_000, timeout),
        // 3.3.6: the ping at 61 s is the first byte that TCP cannot deliver; 924.6 s later it
        // gives up.
        (0, 985_600, code(LocalFailure::ConnectionTimedOut)),
    ] {
        let policy = STOCK.with_rpc_timeout(secs(rpc_timeout));
        let mut stage = Stage::new(&[(1_000, SILENT, policy)]);
        stage.advance(2_000);
        stage.world.silence(stage.server_host, true);
        assert_eq!(stage.ended(1_200), [(0, how, ends)], "{rpc_timeout} s");
    }
}

/// S27: "a busy connection never times out a single stuck call"; any byte starts the wait anew,
/// and then all calls of the connection fail.
#[test]
fn an_answer_to_one_call_keeps_the_others_alive() {
    let script = [(0, SILENT, STOCK), (1_000, 50_000, STOCK), (2_000, 90_000, STOCK)];
    let mut stage = Stage::new(&script);
    let timeout = code(LocalFailure::SocketTimeout);
    // Bytes at 51 and 92 s; 120 s after the last.
    assert_eq!(stage.ended(300), [(1, REPLY, 51_000), (2, REPLY, 92_000), (0, timeout, 212_000)]);
}

/// 5.4: the counters of time-outs and of refusals are separate.
#[test]
fn a_dead_process_costs_a_second_a_retry_and_a_dead_host_a_connect_timeout() {
    let (refused, timed_out) =
        (code(LocalFailure::ConnectRefused), code(LocalFailure::ConnectTimedOut));
    for (on_timeouts, on_refusals, ends_refused, ends_timed_out) in [
        (45, 10, 11_000, 921_000), // generic: S28; 46 x 20 s
        (1, 1, 2_000, 41_000),     // graceful fencing: 1 s; 2 x 20 s (S5)
        (0, 0, 1_000, 21_000),     // HDFS clients
    ] {
        let policy = STOCK.with_retries(on_timeouts, on_refusals);
        let mut killed = Stage::new(&[(1_000, 0, policy)]);
        killed.advance(500);
        killed.world.kill(killed.server);
        assert_eq!(killed.ended(1_000), [(0, refused, ends_refused)]);
        let mut silent = Stage::new(&[(1_000, 0, policy)]);
        silent.advance(500);
        silent.world.silence(silent.server_host, true);
        assert_eq!(silent.ended(1_000), [(0, timed_out, ends_timed_out)]);
    }
}

/// S25: "the k-th waits k x 20 s".
#[test]
fn callers_that_arrive_during_a_connect_go_one_after_another() {
    let policy = STOCK.with_retries(0, 0);
    let mut stage = Stage::new(&[(0, 0, policy), (1_000, 0, policy), (2_000, 0, policy)]);
    stage.world.silence(stage.server_host, true);
    let how = code(LocalFailure::ConnectTimedOut);
    assert_eq!(stage.ended(100), [(0, how, 20_000), (1, how, 40_000), (2, how, 60_000)]);
}

#[test]
fn callers_that_arrive_during_a_connect_share_it_when_it_succeeds() {
    let policy = STOCK.with_retries(0, 0);
    let mut stage = Stage::new(&[(0, 0, policy), (1_000, 0, policy), (2_000, 0, policy)]);
    stage.world.silence(stage.server_host, true);
    stage.advance(10_000);
    stage.world.silence(stage.server_host, false);
    // The SYN is sent again 15 s after the first.
    assert_eq!(stage.ended(100), [(0, REPLY, 15_000), (1, REPLY, 15_000), (2, REPLY, 15_000)]);
}

/// 5.4: all calls of a connection fail at once; an idle one notices at its next call; an idle one
/// that was closed after 10 s is refused instead.
#[test]
fn a_killed_server_is_noticed_by_calls_under_way_or_by_the_next() {
    let policy = STOCK.with_retries(0, 0);
    let (eof, refused) = (code(LocalFailure::Eof), code(LocalFailure::ConnectRefused));
    let run = |script: &[Call]| {
        let mut stage = Stage::new(script);
        stage.advance(2_000);
        stage.world.kill(stage.server);
        stage.ended(60)
    };
    let busy = [(0, SILENT, policy), (500, SILENT, policy)];
    assert_eq!(run(&busy), [(0, eof, 2_000), (1, eof, 2_000)]);
    let idle = [(0, 0, policy), (9_500, 0, policy)];
    assert_eq!(run(&idle), [(0, REPLY, 0), (1, eof, 9_500)]);
    let closed = [(0, 0, policy), (10_500, 0, policy)];
    assert_eq!(run(&closed), [(0, REPLY, 0), (1, refused, 10_500)]);
}

/// Separate time-outs are separate connections: the short one does not fail the long one.
#[test]
fn proxies_with_different_timeouts_share_no_connection() {
    let script = [(0, SILENT, STOCK.with_rpc_timeout(secs(5))), (0, 30_000, STOCK)];
    let mut stage = Stage::new(&script);
    let timeout = code(LocalFailure::SocketTimeout);
    assert_eq!(stage.ended(60), [(0, timeout, 5_000), (1, REPLY, 30_000)]);
}

/// `epoll_wait` is interrupted by SIGCONT and finds its time over before it looks at the socket
/// (measured: every ZooKeeper client does so). The 60 s of the ping have no such end: the next read
/// finds the answer.
#[test]
fn a_caller_that_was_stopped_past_its_timeout_reads_no_answer() {
    let timeout = code(LocalFailure::SocketTimeout);
    for (answer, limit, ends) in [
        (44_000, 45, (0, timeout, 60_000)),
        (70_000, 45, (0, timeout, 60_000)),
        (44_000, 120, (0, REPLY, 60_000)),
    ] {
        let policy = STOCK.with_rpc_timeout(secs(limit));
        let mut stage = Stage::new(&[(0, answer, policy)]);
        stage.advance(1_000);
        stage.world.stop(stage.caller);
        stage.advance(60_000);
        stage.world.resume(stage.caller);
        assert_eq!(stage.ended(100), [ends], "answered after {answer} ms");
    }
}

/// A pool of one: the second call waits for the first; a caller that left is skipped.
#[test]
fn calls_queue_in_front_of_the_handlers() {
    let short = STOCK.with_rpc_timeout(secs(2));
    let script = [(0, 5_000, STOCK), (1_000, 0, short), (1_500, 5_000, STOCK)];
    let mut stage = Stage::new(&script);
    let one = Server { handlers: 1, ipc: None, owed: Vec::new() };
    stage.world.install(stage.server, Box::new(one));
    let timeout = code(LocalFailure::SocketTimeout);
    assert_eq!(stage.ended(60), [(1, timeout, 3_000), (0, REPLY, 5_000), (2, REPLY, 10_000)]);
}
