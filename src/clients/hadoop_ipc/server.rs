//! Server: the accept side of a daemon that answers calls.
//!
//! Here: connections, the queue in front of the handlers, and answers that find their way back.
//! Never here: what a call does; the locks it takes.
//! Modelled on: Hadoop `ipc/Server.java` (Listener, Reader, Handler, Responder).
//! Left out: back-pressure of a full call queue (callers wait in the queue instead of the socket);
//! call-queue priorities, which stock configurations do not have.

use std::collections::BTreeMap;

use super::wire::{Attempt, CallId, ClientId, RemoteException, Rpc, RpcInterface};
use crate::engine::ctx::Ctx;
use crate::engine::id::ProcessId;
use crate::engine::process::{Conn, ConnEvent, Gate, Port, Resource, Tag};

/// Where the answer to a call goes. Kept by whoever postpones it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReplyTo {
    conn: Conn,
    call: CallId,
}

/// A call that a handler has taken from the queue.
#[derive(Clone, Debug)]
pub struct Incoming<P: RpcInterface> {
    /// For the answer.
    pub reply_to: ReplyTo,
    /// The caller's process.
    pub from: ProcessId,
    /// The caller's library: with `attempt.call` the key of a retry cache.
    pub client: ClientId,
    /// Which call and sending.
    pub attempt: Attempt,
    /// What is asked.
    pub request: P::Request,
}

/// One port of a daemon and the calls in front of its handlers.
///
/// The owner makes the pool of handlers (several ports may share one), hands over every
/// `Connection` and `Granted` input, works on what [`IpcServer::on_granted`] returns, answers, and
/// calls [`IpcServer::free_handler`] when the handler is done, which may be before the answer.
#[derive(Clone)]
pub struct IpcServer<P: RpcInterface> {
    port: Port,
    handlers: Resource,
    granted_tag: u32,
    calls: u64,
    connections: BTreeMap<Conn, ProcessId>,
    queue: BTreeMap<u64, Incoming<P>>,
}

impl<P: RpcInterface> IpcServer<P> {
    /// Listens at `port`; a free handler of the pool is granted under tags of kind `granted_tag`.
    pub fn listen(
        port: Port,
        handlers: Resource,
        granted_tag: u32,
        ctx: &mut Ctx<'_>,
    ) -> IpcServer<P> {
        ctx.listen::<P>(port);
        IpcServer {
            port,
            handlers,
            granted_tag,
            calls: 0,
            connections: BTreeMap::new(),
            queue: BTreeMap::new(),
        }
    }

    /// A connection's input. False: it is none of this server's, or no longer: its owner discards a
    /// message that nobody takes.
    pub fn on_connection(&mut self, conn: Conn, event: ConnEvent, ctx: &mut Ctx<'_>) -> bool {
        match event {
            ConnEvent::Accepted { port, from } => {
                let mine = port == self.port;
                if mine {
                    self.connections.insert(conn, from);
                }
                mine
            }
            ConnEvent::Message(slot) => {
                let Some(from) = self.connections.get(&conn).copied() else { return false };
                if let Rpc::Request { client, attempt, request } = ctx.take::<P>(slot) {
                    let reply_to = ReplyTo { conn, call: attempt.call };
                    self.calls += 1;
                    self.queue
                        .insert(self.calls, Incoming { reply_to, from, client, attempt, request });
                    ctx.acquire(self.handlers, Tag::with(self.granted_tag, self.calls));
                }
                true
            }
            ConnEvent::Drained => self.connections.contains_key(&conn),
            ConnEvent::Closed | ConnEvent::Reset | ConnEvent::TimedOut | ConnEvent::Unreachable => {
                self.connections.remove(&conn).is_some()
            }
            ConnEvent::Connected | ConnEvent::Refused => false,
        }
    }

    /// A handler is free. None: the tag is not this server's, or the caller is gone and the handler
    /// skipped the call and has been freed.
    pub fn on_granted(&mut self, tag: Tag, ctx: &mut Ctx<'_>) -> Option<Incoming<P>> {
        if tag.kind != self.granted_tag {
            return None;
        }
        let incoming = self.queue.remove(&tag.arg).expect("a handler is granted once to a call");
        if !self.connections.contains_key(&incoming.reply_to.conn) {
            self.free_handler(ctx);
            return None;
        }
        Some(incoming)
    }

    /// The handler takes the next call.
    pub fn free_handler(&self, ctx: &mut Ctx<'_>) {
        ctx.release(self.handlers);
    }

    /// Answers a call; nothing, if its caller is gone.
    pub fn reply(
        &self,
        to: ReplyTo,
        result: Result<P::Response, RemoteException>,
        ctx: &mut Ctx<'_>,
    ) {
        if self.connections.contains_key(&to.conn) {
            ctx.send::<P>(to.conn, Rpc::Response { call: to.call, result });
        }
    }

    /// The same, naming the gate that decided the answer.
    pub fn reply_gated(
        &self,
        to: ReplyTo,
        result: Result<P::Response, RemoteException>,
        gate: Gate,
        ctx: &mut Ctx<'_>,
    ) {
        if self.connections.contains_key(&to.conn) {
            ctx.send_gated::<P>(to.conn, Rpc::Response { call: to.call, result }, gate);
        }
    }
}
