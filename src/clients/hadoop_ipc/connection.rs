//! Connection: one socket of a client, from the first attempt to its end.
//!
//! Here: connecting under the connection's monitor, the reader's waits, pings, idle close.
//! Never here: more than one connection (`client`); retries above it.
//! Modelled on: Hadoop `ipc/Client.Connection` (`setupConnection`, `waitForWork`, `markClosed`).

use std::collections::VecDeque;

use super::client::TimerKind;
use super::policy::ConnectionKey;
use super::wire::{
    Attempt, CallId, CallOutcome, ClientId, Completion, LocalFailure, Rpc, RpcInterface,
};
use crate::engine::ctx::Ctx;
use crate::engine::process::{Conn, ConnEvent, Port, Tag, Timer};
use crate::engine::time::{Monotonic, SimDuration};

/// A caller that holds or waits for the connection's monitor, its request not sent yet.
#[derive(Clone)]
pub(super) struct Caller<P: RpcInterface> {
    client: ClientId,
    attempt: Attempt,
    request: P::Request,
}

/// A call whose answer is awaited.
#[derive(Clone, Copy)]
struct Open {
    call: CallId,
    abandoned: bool,
}

/// What the reader of an open connection waits for.
#[derive(Clone, Copy)]
struct Reader {
    /// When it began to wait for the next byte; when the last call was answered, if idle.
    since: Monotonic,
    /// Silence already counted, in whole socket time-outs.
    silent: SimDuration,
    /// One timer serves the reader and the idle close: it is re-armed when it goes off too early,
    /// so that answers cost no timer.
    timer: Timer,
    due: Monotonic,
    /// The peer ended the connection while nobody was reading.
    ended: Option<LocalFailure>,
}

#[derive(Clone, Copy)]
enum State {
    /// Nothing asked for yet.
    New,
    /// The head of the queue holds the monitor in `connect` or in the sleep between two.
    Connecting {
        timeouts: u32,
        failures: u32,
        timer: Timer,
    },
    Open(Reader),
}

/// What becomes of a connection after an input.
pub(super) enum Step {
    /// It goes on.
    Goes,
    /// It is gone; these calls failed. Callers that still queue need another one.
    Ended { failure: LocalFailure, calls: Vec<CallId> },
    /// It is gone, and nobody cares.
    ClosedIdle,
}

#[derive(Clone)]
pub(super) struct Connection<P: RpcInterface> {
    pub(super) key: ConnectionKey,
    pub(super) serial: u64,
    pub(super) conn: Option<Conn>,
    pub(super) queue: VecDeque<Caller<P>>,
    tag_base: u32,
    state: State,
    open: Vec<Open>,
}

impl<P: RpcInterface> Connection<P> {
    pub(super) const fn new(key: ConnectionKey, serial: u64, tag_base: u32) -> Connection<P> {
        Connection {
            key,
            serial,
            conn: None,
            queue: VecDeque::new(),
            tag_base,
            state: State::New,
            open: Vec::new(),
        }
    }

    /// After a failed connect the next caller in the queue makes a connection of its own.
    pub(super) fn succeeded_by(self, serial: u64, ctx: &mut Ctx<'_>) -> Connection<P> {
        let mut next = Connection::new(self.key, serial, self.tag_base);
        next.queue = self.queue;
        next.connect(0, 0, ctx);
        next
    }

    /// A caller arrives.
    pub(super) fn add(
        &mut self,
        client: ClientId,
        attempt: Attempt,
        request: P::Request,
        ctx: &mut Ctx<'_>,
    ) -> Step {
        let caller = Caller { client, attempt, request };
        match self.state {
            State::New => {
                self.queue.push_back(caller);
                self.connect(0, 0, ctx);
                Step::Goes
            }
            State::Connecting { .. } => {
                self.queue.push_back(caller);
                Step::Goes
            }
            // An idle connection learns of its end at its next call: the reader reads it at once.
            State::Open(Reader { ended: Some(failure), timer, .. }) => {
                ctx.cancel(timer);
                Step::Ended { failure, calls: vec![attempt.call] }
            }
            State::Open(reader) => {
                let reader = if self.open.is_empty() {
                    let since = ctx.now().monotonic;
                    Reader { since, silent: SimDuration::ZERO, ..reader }
                } else {
                    reader
                };
                self.send(caller, ctx);
                self.watch(reader, ctx);
                Step::Goes
            }
        }
    }

    /// A caller gives up.
    pub(super) fn abandon(&mut self, call: CallId, ctx: &mut Ctx<'_>) -> Step {
        for open in self.open.iter_mut().filter(|open| open.call == call) {
            open.abandoned = true;
        }
        let Some(place) = self.queue.iter().position(|caller| caller.attempt.call == call) else {
            return Step::Goes;
        };
        self.queue.remove(place);
        let State::Connecting { timer, .. } = self.state else { return Step::Goes };
        if place > 0 {
            return Step::Goes;
        }
        // The interrupted thread was the one that connects.
        ctx.cancel(timer);
        if let Some(conn) = self.conn.take() {
            ctx.abort(conn);
        }
        Step::Ended { failure: LocalFailure::ConnectTimedOut, calls: Vec::new() }
    }

    pub(super) fn on_event(
        &mut self,
        event: ConnEvent,
        completions: &mut VecDeque<Completion<P>>,
        ctx: &mut Ctx<'_>,
    ) -> Step {
        match (self.state, event) {
            (State::Connecting { timer, .. }, ConnEvent::Connected) => {
                ctx.cancel(timer);
                let since = ctx.now().monotonic;
                let reader = Reader {
                    since,
                    silent: SimDuration::ZERO,
                    timer: Timer::NONE,
                    due: since,
                    ended: None,
                };
                for caller in std::mem::take(&mut self.queue) {
                    self.send(caller, ctx);
                }
                self.watch(reader, ctx);
                Step::Goes
            }
            (State::Connecting { .. }, ConnEvent::Unreachable) => {
                self.attempt_failed(LocalFailure::NoRoute, ctx)
            }
            // "Connection timed out" of the kernel is an IOException like a refusal.
            (State::Connecting { .. }, ConnEvent::TimedOut) => {
                self.attempt_failed(LocalFailure::ConnectTimedOut, ctx)
            }
            (
                State::Connecting { .. },
                ConnEvent::Refused | ConnEvent::Reset | ConnEvent::Closed,
            ) => self.attempt_failed(LocalFailure::ConnectRefused, ctx),
            (State::Open(reader), ConnEvent::Message(slot)) => {
                self.on_message(reader, ctx.take::<P>(slot), completions, ctx);
                Step::Goes
            }
            (State::Open(reader), ConnEvent::Closed) => self.ended(reader, LocalFailure::Eof, ctx),
            (State::Open(reader), ConnEvent::Reset) => self.ended(reader, LocalFailure::Reset, ctx),
            (State::Open(reader), ConnEvent::TimedOut | ConnEvent::Unreachable) => {
                self.ended(reader, LocalFailure::ConnectionTimedOut, ctx)
            }
            (State::Open(_), ConnEvent::Drained) => Step::Goes,
            (State::New, _)
            | (_, ConnEvent::Accepted { .. })
            | (State::Connecting { .. }, ConnEvent::Message(_) | ConnEvent::Drained)
            | (State::Open(_), ConnEvent::Connected | ConnEvent::Refused) => {
                unreachable!("{event:?} on a connection that is not in that state")
            }
        }
    }

    pub(super) fn on_timer(&mut self, kind: TimerKind, ctx: &mut Ctx<'_>) -> Step {
        match (kind, self.state) {
            (TimerKind::Connect, State::Connecting { timeouts, failures, .. }) => {
                if let Some(conn) = self.conn.take() {
                    ctx.abort(conn);
                }
                if timeouts >= self.key.policy.max_retries_on_timeouts {
                    return self.fail_head(LocalFailure::ConnectTimedOut);
                }
                self.connect(timeouts + 1, failures, ctx);
                Step::Goes
            }
            (TimerKind::Pause, State::Connecting { timeouts, failures, .. }) => {
                self.connect(timeouts, failures, ctx);
                Step::Goes
            }
            (TimerKind::Read, State::Open(reader)) => self.on_read_timer(reader, ctx),
            // Cancelled timers do not go off; a state has only its own.
            (TimerKind::Connect | TimerKind::Pause, State::New | State::Open(_))
            | (TimerKind::Read, State::New | State::Connecting { .. }) => Step::Goes,
        }
    }

    /// `setupConnection`: one attempt. The counters of time-outs and of failures are separate.
    fn connect(&mut self, timeouts: u32, failures: u32, ctx: &mut Ctx<'_>) {
        let server = self.key.server;
        self.conn = Some(ctx.connect::<P>(server.process, Port(server.port)));
        let limit = self.key.policy.connect_timeout;
        let timer =
            if limit.is_zero() { Timer::NONE } else { self.arm(limit, TimerKind::Connect, ctx) };
        self.state = State::Connecting { timeouts, failures, timer };
    }

    /// `handleConnectionFailure`: refused, no route. Sleeps before it tries again.
    fn attempt_failed(&mut self, failure: LocalFailure, ctx: &mut Ctx<'_>) -> Step {
        let State::Connecting { timeouts, failures, timer } = self.state else {
            unreachable!("an attempt fails while connecting")
        };
        ctx.cancel(timer);
        self.conn = None;
        if failures >= self.key.policy.max_retries {
            return self.fail_head(failure);
        }
        let timer = self.arm(self.key.policy.retry_interval, TimerKind::Pause, ctx);
        self.state = State::Connecting { timeouts, failures: failures + 1, timer };
        Step::Goes
    }

    fn fail_head(&mut self, failure: LocalFailure) -> Step {
        let head = self.queue.pop_front().expect("the caller that connects is in the queue");
        Step::Ended { failure, calls: vec![head.attempt.call] }
    }

    fn send(&mut self, caller: Caller<P>, ctx: &mut Ctx<'_>) {
        let Caller { client, attempt, request } = caller;
        let conn = self.conn.expect("an open connection has a socket");
        ctx.send::<P>(conn, Rpc::Request { client, attempt, request });
        self.open.push(Open { call: attempt.call, abandoned: false });
    }

    fn on_message(
        &mut self,
        reader: Reader,
        message: Rpc<P>,
        completions: &mut VecDeque<Completion<P>>,
        ctx: &mut Ctx<'_>,
    ) {
        let Rpc::Response { call, result } = message else { unreachable!("servers only answer") };
        if let Some(place) = self.open.iter().position(|open| open.call == call)
            && !self.open.remove(place).abandoned
        {
            let outcome = match result {
                Ok(response) => CallOutcome::Reply(response),
                Err(exception) => CallOutcome::Remote(exception),
            };
            completions.push_back(Completion { call, server: self.key.server.process, outcome });
        }
        let since = ctx.now().monotonic;
        self.watch(Reader { since, silent: SimDuration::ZERO, ..reader }, ctx);
    }

    /// The peer, or the kernel, ended an open connection.
    fn ended(&mut self, reader: Reader, failure: LocalFailure, ctx: &mut Ctx<'_>) -> Step {
        if self.open.is_empty() {
            self.conn = None;
            self.state = State::Open(Reader { ended: Some(failure), ..reader });
            return Step::Goes;
        }
        ctx.cancel(reader.timer);
        self.fail_open(failure)
    }

    fn fail_open(&mut self, failure: LocalFailure) -> Step {
        let waiting = self.open.iter().filter(|open| !open.abandoned);
        Step::Ended { failure, calls: waiting.map(|open| open.call).collect() }
    }

    /// When the reader acts next, if nothing happens before; none: never.
    fn deadline(&self, reader: Reader) -> Option<Monotonic> {
        let policy = &self.key.policy;
        let span = if self.open.is_empty() { policy.max_idle } else { policy.socket_timeout() };
        (!span.is_zero() || self.open.is_empty()).then(|| reader.since + span)
    }

    /// Keeps a timer that goes off no later than the deadline.
    fn watch(&mut self, mut reader: Reader, ctx: &mut Ctx<'_>) {
        if let Some(deadline) = self.deadline(reader) {
            let armed = reader.timer != Timer::NONE && reader.due <= deadline;
            if !armed {
                ctx.cancel(reader.timer);
                let span = deadline.since(ctx.now().monotonic);
                reader.timer = self.arm(span, TimerKind::Read, ctx);
                reader.due = deadline;
            }
        }
        self.state = State::Open(reader);
    }

    fn on_read_timer(&mut self, reader: Reader, ctx: &mut Ctx<'_>) -> Step {
        let now = ctx.now().monotonic;
        let mut reader = Reader { timer: Timer::NONE, ..reader };
        if self.deadline(reader).is_none_or(|deadline| now < deadline) {
            self.watch(reader, ctx);
            return Step::Goes;
        }
        if self.open.is_empty() {
            if let Some(conn) = self.conn.take() {
                ctx.close(conn);
            }
            return Step::ClosedIdle;
        }
        // After SIGCONT too: the interrupted `epoll_wait` finds its time over and does not look
        // at the socket.
        let policy = &self.key.policy;
        reader.silent += policy.socket_timeout();
        if !policy.rpc_timeout.is_zero() && policy.rpc_timeout <= reader.silent {
            if let Some(conn) = self.conn.take() {
                ctx.close(conn);
            }
            return self.fail_open(LocalFailure::SocketTimeout);
        }
        if let Some(conn) = self.conn {
            ctx.send::<P>(conn, Rpc::Ping);
        }
        reader.since = now;
        self.watch(reader, ctx);
        Step::Goes
    }

    fn arm(&self, span: SimDuration, kind: TimerKind, ctx: &mut Ctx<'_>) -> Timer {
        ctx.arm(span, Tag::with(self.tag_base + kind.offset(), self.serial))
    }
}
