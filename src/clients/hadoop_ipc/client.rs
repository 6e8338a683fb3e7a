//! Client: calls of one process over shared connections.
//!
//! Here: who queues behind a connect, which call waits for an answer, and when all of them fail.
//! Never here: which server comes next after a failure (`clients::retry`).
//! Modelled on: Hadoop `ipc/Client.java` (`getConnection`, `setupIOstreams`, `PingInputStream`).
//! Left out: SASL and the connection header's bytes; a full socket buffer that blocks the sender.

use std::collections::VecDeque;

use super::connection::{Connection, Step};
use super::policy::ConnectionKey;
use super::wire::{Attempt, CallId, CallOutcome, ClientId, Completion, RpcInterface};
use crate::engine::ctx::Ctx;
use crate::engine::dice::Purpose;
use crate::engine::process::{Conn, ConnEvent, Tag};

const CLIENT_ID: Purpose = Purpose::named("ipc/client-id");

/// How many values of `Tag::kind` a client claims, from the base that its owner gives it.
pub const TAG_KINDS: u32 = 3;

/// What a client's timers wait for; the offset from its base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimerKind {
    /// An attempt to connect.
    Connect,
    /// The sleep before the next attempt.
    Pause,
    /// A byte, on an open connection.
    Read,
}

impl TimerKind {
    const ALL: [TimerKind; 3] = [TimerKind::Connect, TimerKind::Pause, TimerKind::Read];

    pub(super) const fn offset(self) -> u32 {
        match self {
            TimerKind::Connect => 0,
            TimerKind::Pause => 1,
            TimerKind::Read => 2,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            TimerKind::Connect => "ipc connect time-out",
            TimerKind::Pause => "ipc connect retry interval",
            TimerKind::Read => "ipc rpc time-out",
        }
    }
}

/// The calls of one process on one interface. It owns the connections and timers it makes: its
/// owner hands it every `Connection` and `Timer` input and then drains [`IpcClient::completed`].
#[derive(Clone)]
pub struct IpcClient<P: RpcInterface> {
    tag_base: u32,
    client: Option<ClientId>,
    calls: u32,
    serials: u64,
    connections: Vec<Connection<P>>,
    completions: VecDeque<Completion<P>>,
}

impl<P: RpcInterface> IpcClient<P> {
    /// A client whose timers have tags of kind `tag_base .. tag_base + TAG_KINDS`.
    pub const fn new(tag_base: u32) -> IpcClient<P> {
        IpcClient {
            tag_base,
            client: None,
            calls: 0,
            serials: 0,
            connections: Vec::new(),
            completions: VecDeque::new(),
        }
    }

    /// Calls a server. The outcome comes as a completion, perhaps at once.
    pub fn call(&mut self, key: ConnectionKey, request: P::Request, ctx: &mut Ctx<'_>) -> CallId {
        let call = self.next_call();
        self.repeat(key, Attempt { call, retry: 0 }, request, ctx);
        call
    }

    /// The identity of a call that is sent by [`IpcClient::repeat`] only.
    pub fn next_call(&mut self) -> CallId {
        self.calls += 1;
        CallId(self.calls)
    }

    /// Sends a call again, under its old identity, here or elsewhere.
    pub fn repeat(
        &mut self,
        key: ConnectionKey,
        attempt: Attempt,
        request: P::Request,
        ctx: &mut Ctx<'_>,
    ) {
        let client = *self.client.get_or_insert_with(|| {
            // A restarted process is another client: its calls are not repeats of earlier ones.
            ClientId(ctx.dice(CLIENT_ID, u64::from(ctx.starts())).first())
        });
        let index = self.connections.iter().position(|c| c.key == key).unwrap_or_else(|| {
            self.serials += 1;
            self.connections.push(Connection::new(key, self.serials, self.tag_base));
            self.connections.len() - 1
        });
        let step = self.connections[index].add(client, attempt, request, ctx);
        self.after(index, step, ctx);
    }

    /// The caller no longer waits (its thread was interrupted): no completion will come. A call
    /// under way is executed all the same.
    pub fn abandon(&mut self, call: CallId, ctx: &mut Ctx<'_>) {
        self.completions.retain(|done| done.call != call);
        let mut index = self.connections.len();
        while index > 0 {
            index -= 1;
            let step = self.connections[index].abandon(call, ctx);
            self.after(index, step, ctx);
        }
    }

    /// A connection's input. False: it is none of this client's, or no longer: its owner discards a
    /// message that nobody takes.
    pub fn on_connection(&mut self, conn: Conn, event: ConnEvent, ctx: &mut Ctx<'_>) -> bool {
        let Some(index) = self.connections.iter().position(|c| c.conn == Some(conn)) else {
            return false;
        };
        let step = self.connections[index].on_event(event, &mut self.completions, ctx);
        self.after(index, step, ctx);
        true
    }

    /// A timer's input. False: it is none of this client's.
    pub fn on_timer(&mut self, tag: Tag, ctx: &mut Ctx<'_>) -> bool {
        let Some(kind) = self.kind_of(tag) else { return false };
        if let Some(index) = self.connections.iter().position(|c| c.serial == tag.arg) {
            let step = self.connections[index].on_timer(kind, ctx);
            self.after(index, step, ctx);
        }
        true
    }

    /// The next call that ended, in the order in which they did.
    pub fn completed(&mut self) -> Option<Completion<P>> {
        self.completions.pop_front()
    }

    /// The name of a timer of this client, for phases.
    pub fn tag_name(&self, tag: Tag) -> Option<&'static str> {
        self.kind_of(tag).map(TimerKind::name)
    }

    fn kind_of(&self, tag: Tag) -> Option<TimerKind> {
        let offset = tag.kind.checked_sub(self.tag_base)?;
        TimerKind::ALL.into_iter().find(|kind| kind.offset() == offset)
    }

    fn after(&mut self, index: usize, step: Step, ctx: &mut Ctx<'_>) {
        match step {
            Step::Goes => {}
            Step::Ended { failure, calls } => {
                let ended = self.connections.remove(index);
                let server = ended.key.server.process;
                self.completions.extend(calls.into_iter().map(|call| Completion {
                    call,
                    server,
                    outcome: CallOutcome::Failed(failure),
                }));
                // Callers that queued behind the connect go on alone, one after another.
                if !ended.queue.is_empty() {
                    self.serials += 1;
                    let next = ended.succeeded_by(self.serials, ctx);
                    self.connections.push(next);
                }
            }
            Step::ClosedIdle => {
                self.connections.remove(index);
            }
        }
    }
}
