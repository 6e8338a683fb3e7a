//! ZooKeeper client library: one handle that keeps a session through broken connections.
//!
//! Here: connecting, pinging, read time-outs, reconnects, what the application is told and when.
//! Never here: retries of operations (the library makes none), what a path means.
//! Modelled on: ZooKeeper 3.8.4 `ClientCnxn.java` (SendThread), `ClientCnxnSocketNIO.java`.
//! Left out: authentication, read-only servers, `zookeeper.request.timeout` (stock: none).

mod hosts;
mod interests;
mod requests;
pub mod wire;

use std::collections::VecDeque;

use crate::engine::ctx::Ctx;
use crate::engine::dice::{Purpose, below};
use crate::engine::id::ProcessId;
use crate::engine::process::{Conn, ConnEvent, Port, Tag, Timer};
use crate::engine::time::{Monotonic, SimDuration};

use hosts::Hosts;
use interests::Interests;
use wire::{WatchKind, ZkClient, ZkError, ZkMessage, ZkRequest, ZkResult, ZnodePath};

const SHUFFLE: Purpose = Purpose::named("zookeeper-client/shuffle");
const RECONNECT_SLEEP: Purpose = Purpose::named("zookeeper-client/reconnect-sleep");

/// `ClientCnxnSocketNIO.cleanup`: slept after every lost connection and failed attempt, before the
/// application hears of it.
const CLEANUP: SimDuration = SimDuration::from_millis(100);
/// `StaticHostProvider.next(1000)`: slept when a round over the servers is over.
const ROUND_PAUSE: SimDuration = SimDuration::from_millis(1_000);
/// `ClientCnxn.startConnect`: exclusive bound of the sleep before a connect, in ms.
const RECONNECT_SLEEP_MS_MAX: u64 = 1_000;
/// Margin by which a ping is early if the loop has been idle for longer than this.
const PING_MARGIN: SimDuration = SimDuration::from_millis(1_000);
/// `MAX_SEND_PING_INTERVAL`.
const PING_INTERVAL_MAX: SimDuration = SimDuration::from_millis(10_000);

/// What a handle is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZkOptions {
    /// The servers; shuffled by each handle.
    pub servers: Vec<(ProcessId, Port)>,
    /// Wished session time-out; the server clamps it.
    pub session_timeout: SimDuration,
    /// The first of [`ZkClientLib::TIMER_KINDS`] tag kinds that belong to this library; it also
    /// tells the libraries of one process apart.
    pub base_kind: u32,
}

/// A request of the application; counts up over the life of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// What the application is told, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZkEvent {
    /// Connected with a live session. Proves neither a quorum nor that the session lives on.
    SyncConnected,
    /// The connection was lost, 100 ms ago. Told once, not at each failed attempt.
    Disconnected,
    /// A server said that the session is gone. The handle is dead.
    Expired,
    /// What [`ZkClientLib::close`] began has ended. The handle is dead.
    Closed,
    /// A request ended.
    Reply {
        /// Which.
        id: RequestId,
        /// How.
        result: ZkResult,
    },
    /// A watch fired; it is gone now.
    Watch {
        /// On which node.
        path: ZnodePath,
        /// What happened.
        kind: WatchKind,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No handle yet, or a dead one.
    Ended,
    /// Sleeping before a connect: the loop reads and sends nothing.
    Pausing((ProcessId, Port)),
    /// TCP connect under way.
    Connecting(Conn),
    /// ConnectRequest sent.
    Handshake(Conn),
    /// The session is set up.
    Connected(Conn),
    /// Sleeping after a loss, before the application is told. `last`: the loop has ended.
    CleaningUp { last: bool },
}

/// Which state the application was last told of: repetitions are suppressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Disconnected,
    SyncConnected,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Packet {
    /// None: the library's own SetWatches or closeSession.
    id: Option<RequestId>,
    xid: u32,
    request: ZkRequest,
}

/// What a timer of the loop waits for; offsets from `base_kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    ConnectTimeout = 0,
    ReadTimeout = 1,
    Ping = 2,
    Cleanup = 3,
    BackOff = 4,
}

/// The library, embedded in the process that uses it. Every method may queue events: call
/// [`ZkClientLib::poll`] afterwards until it is empty.
#[derive(Clone, Debug)]
pub struct ZkClientLib {
    options: ZkOptions,
    hosts: Hosts,
    phase: Phase,
    /// Not CLOSED: neither expired nor closed.
    alive: bool,
    closing: bool,
    told: Told,
    session: u64,
    /// Negotiated; before that, as wished.
    timeout: SimDuration,
    last_zxid: u64,
    last_send: Monotonic,
    last_heard: Monotonic,
    tcp_connected_once: bool,
    outgoing: VecDeque<Packet>,
    sent: VecDeque<Packet>,
    interests: Interests,
    xid_next: u32,
    request_next: u64,
    /// Handles made so far, and connects of this one: what draws are addressed by.
    handles: u32,
    attempts: u32,
    timer: Timer,
    events: VecDeque<ZkEvent>,
}

impl ZkClientLib {
    /// How many tag kinds from `base_kind` on belong to the library.
    pub const TIMER_KINDS: u32 = 5;

    /// A library without a handle.
    pub fn new(options: ZkOptions) -> ZkClientLib {
        ZkClientLib {
            hosts: Hosts::shuffled(options.servers.clone(), |_| u64::MAX),
            timeout: options.session_timeout,
            options,
            phase: Phase::Ended,
            alive: false,
            closing: false,
            told: Told::Disconnected,
            session: 0,
            last_zxid: 0,
            last_send: Monotonic::default(),
            last_heard: Monotonic::default(),
            tcp_connected_once: false,
            outgoing: VecDeque::new(),
            sent: VecDeque::new(),
            interests: Interests::default(),
            xid_next: 1,
            request_next: 1,
            handles: 0,
            attempts: 0,
            timer: Timer::NONE,
            events: VecDeque::new(),
        }
    }

    /// `new ZooKeeper(..)`: a handle without a session, which begins to connect. The one before
    /// must have ended.
    pub fn start(&mut self, ctx: &mut Ctx<'_>) {
        assert!(!self.alive, "one handle at a time");
        ctx.cancel(self.timer);
        self.fail_all(); // what was queued on the dead handle since
        let (requests, handles) = (self.request_next, self.handles + 1);
        let events = std::mem::take(&mut self.events);
        *self = ZkClientLib::new(self.options.clone());
        (self.request_next, self.handles, self.events) = (requests, handles, events);
        let ordinal = self.ordinal(ctx, 0);
        self.hosts = Hosts::shuffled(self.options.servers.clone(), |place| {
            ctx.dice(SHUFFLE, ordinal | place).first()
        });
        self.alive = true;
        self.next_server(ctx);
    }

    /// Ends the handle: closeSession, if it is or gets connected; [`ZkEvent::Closed`] follows.
    pub fn close(&mut self, ctx: &mut Ctx<'_>) {
        if !self.alive {
            self.events.push_back(ZkEvent::Closed);
        } else if !self.closing {
            self.closing = true;
            self.outgoing.push_back(Packet { id: None, xid: 0, request: ZkRequest::CloseSession });
            self.wake(ctx);
        }
    }

    /// Queues a request; the answer comes as [`ZkEvent::Reply`].
    pub fn request(&mut self, request: ZkRequest, ctx: &mut Ctx<'_>) -> RequestId {
        let id = RequestId(self.request_next);
        self.request_next += 1;
        let packet = Packet { id: Some(id), xid: 0, request };
        if self.alive && !self.closing {
            self.outgoing.push_back(packet);
            self.wake(ctx);
        } else {
            self.fail(&packet);
        }
        id
    }

    /// The next thing to tell the application.
    pub fn poll(&mut self) -> Option<ZkEvent> {
        self.events.pop_front()
    }

    /// The session's id; 0 before the first SyncConnected. Compare with `ephemeral_owner`.
    pub const fn session(&self) -> u64 {
        self.session
    }

    /// The session time-out granted by the server; before that, as wished.
    pub const fn session_timeout(&self) -> SimDuration {
        self.timeout
    }

    /// Whether the handle may still be used: neither expired nor closed.
    pub const fn is_alive(&self) -> bool {
        self.alive
    }

    /// Whether the session is set up on a connection, as far as the library knows.
    pub const fn is_connected(&self) -> bool {
        matches!(self.phase, Phase::Connected(_))
    }

    /// Takes an event of a connection. False: the connection is not the library's.
    pub fn on_connection(&mut self, conn: Conn, event: ConnEvent, ctx: &mut Ctx<'_>) -> bool {
        if self.conn() != Some(conn) {
            return false;
        }
        match event {
            ConnEvent::Connected => self.on_tcp_connected(conn, ctx),
            ConnEvent::Message(slot) => {
                let message = ctx.take::<ZkClient>(slot);
                self.on_message(message, ctx);
            }
            ConnEvent::Refused
            | ConnEvent::Unreachable
            | ConnEvent::TimedOut
            | ConnEvent::Reset
            | ConnEvent::Closed => self.clean_up(ctx),
            ConnEvent::Drained => {}
            ConnEvent::Accepted { .. } => unreachable!("a client listens nowhere"),
        }
        true
    }

    /// Takes a timer. False: it is not the library's.
    pub fn on_timer(&mut self, tag: Tag, ctx: &mut Ctx<'_>) -> bool {
        if self.wait(tag).is_none() {
            return false;
        }
        match self.phase {
            Phase::Pausing(server) => self.start_connect(server, ctx),
            Phase::CleaningUp { last } => self.on_cleaned_up(last, ctx),
            Phase::Connecting(_) | Phase::Handshake(_) | Phase::Connected(_) => self.wake(ctx),
            Phase::Ended => {}
        }
        true
    }

    /// The name of one of the library's timers, for phases of a report.
    pub fn tag_name(&self, tag: Tag) -> Option<&'static str> {
        Some(match self.wait(tag)? {
            Wait::ConnectTimeout => "zookeeper client connect time-out",
            Wait::ReadTimeout => "zookeeper client read time-out",
            Wait::Ping => "zookeeper client ping",
            Wait::Cleanup => "zookeeper client clean-up",
            Wait::BackOff => "zookeeper client back-off",
        })
    }

    fn wait(&self, tag: Tag) -> Option<Wait> {
        match tag.kind.checked_sub(self.options.base_kind)? {
            0 => Some(Wait::ConnectTimeout),
            1 => Some(Wait::ReadTimeout),
            2 => Some(Wait::Ping),
            3 => Some(Wait::Cleanup),
            4 => Some(Wait::BackOff),
            _ => None,
        }
    }

    fn arm(&mut self, span: SimDuration, wait: Wait, ctx: &mut Ctx<'_>) {
        ctx.cancel(self.timer);
        self.timer = ctx.arm(span, Tag::new(self.options.base_kind + wait as u32));
    }

    /// Draws are told apart by library, life of the process, handle and attempt; the low byte is
    /// the caller's.
    fn ordinal(&self, ctx: &Ctx<'_>, attempt: u32) -> u64 {
        let low = |word: u32, bits: u32| u64::from(word) & ((1 << bits) - 1);
        let (library, life) = (low(self.options.base_kind, 12), low(ctx.starts(), 10));
        library << 52 | life << 42 | low(self.handles, 14) << 28 | low(attempt, 20) << 8
    }

    const fn conn(&self) -> Option<Conn> {
        match self.phase {
            Phase::Connecting(conn) | Phase::Handshake(conn) | Phase::Connected(conn) => Some(conn),
            Phase::Ended | Phase::Pausing(_) | Phase::CleaningUp { .. } => None,
        }
    }

    /// Head of the loop without a connection: the next server, and how long to sleep before it.
    fn next_server(&mut self, ctx: &mut Ctx<'_>) {
        let (server, round_over) = self.hosts.next();
        let mut sleep = if round_over { ROUND_PAUSE } else { SimDuration::ZERO };
        self.attempts += 1;
        if self.tcp_connected_once {
            let word = ctx.dice(RECONNECT_SLEEP, self.ordinal(ctx, self.attempts)).first();
            sleep += SimDuration::from_millis(below(word, RECONNECT_SLEEP_MS_MAX));
        }
        if sleep.is_zero() {
            self.start_connect(server, ctx);
        } else {
            self.phase = Phase::Pausing(server);
            self.arm(sleep, Wait::BackOff, ctx);
        }
    }

    fn start_connect(&mut self, (server, port): (ProcessId, Port), ctx: &mut Ctx<'_>) {
        self.phase = Phase::Connecting(ctx.connect::<ZkClient>(server, port));
        self.heard_and_sent(ctx);
        self.wake(ctx);
    }

    fn heard_and_sent(&mut self, ctx: &Ctx<'_>) {
        self.last_send = ctx.now().monotonic;
        self.last_heard = self.last_send;
    }

    /// `primeConnection`: ConnectRequest goes out, SetWatches waits at the head of the queue.
    fn on_tcp_connected(&mut self, conn: Conn, ctx: &mut Ctx<'_>) {
        self.tcp_connected_once = true;
        self.heard_and_sent(ctx);
        self.phase = Phase::Handshake(conn);
        if let Some(request) = self.interests.rearm(self.last_zxid) {
            self.outgoing.push_front(Packet { id: None, xid: 0, request });
        }
        let connect = ZkMessage::Connect {
            last_zxid_seen: self.last_zxid,
            timeout: self.options.session_timeout,
            session: self.session,
        };
        ctx.send::<ZkClient>(conn, connect);
        self.wake(ctx);
    }

    fn on_message(&mut self, message: ZkMessage, ctx: &mut Ctx<'_>) {
        self.last_heard = ctx.now().monotonic;
        let in_order = match (self.phase, message) {
            (Phase::Handshake(conn), ZkMessage::Connected { timeout, session }) => {
                return self.on_connect_response(conn, timeout, session, ctx);
            }
            (Phase::Connected(_), ZkMessage::Reply { xid, zxid, result }) => {
                self.on_reply(xid, zxid, result)
            }
            (Phase::Connected(_), ZkMessage::Pong) => true,
            (Phase::Connected(_), ZkMessage::Watch { path, kind }) => {
                if self.interests.fired(&path, kind) {
                    self.events.push_back(ZkEvent::Watch { path, kind });
                }
                true
            }
            // A server that speaks out of turn: upstream fails to parse it and hangs up.
            (_, _) => false,
        };
        if in_order && self.alive {
            self.wake(ctx);
        } else {
            self.clean_up(ctx);
        }
    }

    fn on_connect_response(
        &mut self,
        conn: Conn,
        timeout: SimDuration,
        session: u64,
        ctx: &mut Ctx<'_>,
    ) {
        if timeout.is_zero() {
            self.alive = false;
            self.events.push_back(ZkEvent::Expired);
            return self.clean_up(ctx);
        }
        (self.timeout, self.session) = (timeout, session);
        self.hosts.connected();
        self.phase = Phase::Connected(conn);
        if self.told == Told::Disconnected {
            self.told = Told::SyncConnected;
            self.events.push_back(ZkEvent::SyncConnected);
        }
        self.wake(ctx);
    }

    /// False: not the reply that is due, the connection must go.
    fn on_reply(&mut self, xid: u32, zxid: u64, result: ZkResult) -> bool {
        let Some(packet) = self.sent.pop_front_if(|packet| packet.xid == xid) else {
            return false;
        };
        if 0 < zxid {
            self.last_zxid = zxid;
        }
        self.interests.answered(&packet.request, &result);
        match packet.id {
            Some(id) => self.events.push_back(ZkEvent::Reply { id, result }),
            // The application's close() goes on: the state is CLOSED from here.
            None if packet.request == ZkRequest::CloseSession => self.alive = false,
            None => {}
        }
        true
    }

    /// One turn of the loop: time-outs, a ping if due, what is queued, and how long to sleep.
    fn wake(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now().monotonic;
        match self.phase {
            Phase::Connecting(_) | Phase::Handshake(_) => {
                let left = self.connect_timeout().saturating_sub(now.since(self.last_heard));
                if left.is_zero() {
                    return self.clean_up(ctx);
                }
                self.arm(left, Wait::ConnectTimeout, ctx);
            }
            Phase::Connected(conn) => {
                let left = self.read_timeout().saturating_sub(now.since(self.last_heard));
                if left.is_zero() {
                    return self.clean_up(ctx);
                }
                let ping = self.until_ping(now).is_zero();
                self.flush(conn, ctx);
                if ping {
                    ctx.send::<ZkClient>(conn, ZkMessage::Ping);
                    self.last_send = now;
                }
                let until_ping = self.until_ping(now);
                if until_ping < left {
                    self.arm(until_ping, Wait::Ping, ctx);
                } else {
                    self.arm(left, Wait::ReadTimeout, ctx);
                }
            }
            Phase::Ended | Phase::Pausing(_) | Phase::CleaningUp { .. } => {} // the loop sleeps
        }
    }

    fn flush(&mut self, conn: Conn, ctx: &mut Ctx<'_>) {
        while let Some(mut packet) = self.outgoing.pop_front() {
            packet.xid = self.xid_next;
            self.xid_next += 1;
            let request = packet.request.clone();
            ctx.send::<ZkClient>(conn, ZkMessage::Request { xid: packet.xid, request });
            self.sent.push_back(packet);
            self.last_send = ctx.now().monotonic;
        }
    }

    fn connect_timeout(&self) -> SimDuration {
        SimDuration::from_millis(self.timeout.as_millis() / self.hosts.count())
    }

    fn read_timeout(&self) -> SimDuration {
        SimDuration::from_millis(self.timeout.as_millis() * 2 / 3)
    }

    /// Zero: a ping is due. Looked at only when the loop wakes.
    fn until_ping(&self, now: Monotonic) -> SimDuration {
        let idle = now.since(self.last_send);
        let half = SimDuration::from_millis(self.read_timeout().as_millis() / 2);
        if PING_INTERVAL_MAX < idle {
            return SimDuration::ZERO;
        }
        let margin = if PING_MARGIN < idle { PING_MARGIN } else { SimDuration::ZERO };
        half.saturating_sub(idle + margin)
    }

    /// The connection is lost or given up: it is closed, and 100 ms later the application hears.
    fn clean_up(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(conn) = self.conn() {
            ctx.close(conn);
        }
        self.phase = Phase::CleaningUp { last: self.closing || !self.alive };
        self.arm(CLEANUP, Wait::Cleanup, ctx);
    }

    fn on_cleaned_up(&mut self, last: bool, ctx: &mut Ctx<'_>) {
        self.fail_all();
        if last {
            (self.phase, self.alive) = (Phase::Ended, false);
            if self.closing {
                self.events.push_back(ZkEvent::Closed);
            }
            return;
        }
        if self.told == Told::SyncConnected {
            self.told = Told::Disconnected;
            self.events.push_back(ZkEvent::Disconnected);
        }
        if self.closing {
            self.clean_up(ctx); // close() came during the sleep: the loop ends with another one
        } else {
            self.heard_and_sent(ctx);
            self.next_server(ctx);
        }
    }

    fn fail_all(&mut self) {
        let sent = std::mem::take(&mut self.sent);
        let outgoing = std::mem::take(&mut self.outgoing);
        sent.iter().chain(&outgoing).for_each(|packet| self.fail(packet));
    }

    /// `conLossPacket`.
    fn fail(&mut self, packet: &Packet) {
        let Some(id) = packet.id else { return };
        let error = if self.alive { ZkError::ConnectionLoss } else { ZkError::SessionExpired };
        self.events.push_back(ZkEvent::Reply { id, result: Err(error) });
    }
}

#[cfg(test)]
mod tests;
