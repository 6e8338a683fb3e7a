//! Clients: the connections of the client port and their sessions' beginnings.
//!
//! Here: the handshake in the original's order, revalidation, the end of a connection.
//! Never here: requests (`pipeline`).
//! Modelled on: ZooKeeper 3.8.4 `ZooKeeperServer#processConnectRequest`, `NIOServerCnxn`.
//! Left out: the reaper of silent connections, `globalOutstandingLimit`, passwords.

use std::collections::BTreeMap;

use crate::engine::ctx::Ctx;
use crate::engine::id::ProcessId;
use crate::engine::process::{Conn, ConnEvent, Timer};
use crate::engine::time::SimDuration;
use crate::protocols::zab::{Link, Zxid};
use crate::protocols::zookeeper::{
    CommitProcessor, Cxid, Op, Owner, Prep, Request, SessionId, SessionTracker, TouchTable,
    WatcherId, Watches,
};
use crate::systems::zookeeper::api::{ZkClient, ZkMessage};
use crate::systems::zookeeper::marks;
use crate::systems::zookeeper::translate;

use super::ZooKeeperServer;
use super::pipeline::Asked;
use super::roles::Serving;

/// A connection of the client port.
#[derive(Clone, Debug)]
pub(super) struct Client {
    from: ProcessId,
    pub(super) watcher: WatcherId,
    /// Wished or taken over; the connection speaks for it once `ready`.
    pub(super) session: Option<SessionId>,
    pub(super) timeout: SimDuration,
    pub(super) ready: bool,
}

/// The client port and what stands behind it. All volatile.
#[derive(Clone, Default)]
pub(super) struct Clients {
    pub(super) conns: BTreeMap<Conn, Client>,
    pub(super) of_session: BTreeMap<SessionId, Conn>,
    pub(super) of_watcher: BTreeMap<WatcherId, Conn>,
    watchers_made: u64,
    pub(super) next_session: SessionId,
    revalidating: BTreeMap<SessionId, Conn>,
    pub(super) commit: CommitProcessor<Asked>,
    pub(super) watches: Watches,
    pub(super) prep: Prep,
    /// The leader's.
    pub(super) tracker: Option<SessionTracker>,
    pub(super) sweep: Option<Timer>,
    /// A learner's.
    pub(super) touched: TouchTable,
    /// A leader's: learners' `sync()`s by the proposal whose commit answers them.
    pub(super) syncs: BTreeMap<Zxid, Vec<(Link, SessionId, Cxid)>>,
}

impl Clients {
    pub(super) fn knows(&self, conn: Conn) -> bool {
        self.conns.contains_key(&conn)
    }
}

impl ZooKeeperServer {
    pub(super) fn client_accepted(&mut self, conn: Conn, from: ProcessId, ctx: &mut Ctx<'_>) {
        let of_it = self.clients.conns.values().filter(|client| client.from == from).count();
        let limit = self.options.client_cnxns_max;
        if limit != 0 && limit <= of_it as u64 {
            return ctx.close(conn);
        }
        self.clients.watchers_made += 1;
        let watcher = WatcherId(self.clients.watchers_made);
        self.clients.of_watcher.insert(watcher, conn);
        let timeout = SimDuration::ZERO;
        let client = Client { from, watcher, session: None, timeout, ready: false };
        self.clients.conns.insert(conn, client);
    }

    pub(super) fn client_event(&mut self, conn: Conn, event: ConnEvent, ctx: &mut Ctx<'_>) {
        match event {
            ConnEvent::Message(slot) => {
                let message = ctx.take::<ZkClient>(slot);
                self.client_message(conn, message, ctx);
            }
            ConnEvent::Reset | ConnEvent::Closed | ConnEvent::TimedOut => self.forget_client(conn),
            ConnEvent::Accepted { .. }
            | ConnEvent::Connected
            | ConnEvent::Refused
            | ConnEvent::Unreachable
            | ConnEvent::Drained => {}
        }
    }

    fn client_message(&mut self, conn: Conn, message: ZkMessage, ctx: &mut Ctx<'_>) {
        let refuses = match self.serving {
            Serving::Nobody => true,
            Serving::AsLeader(_) => !self.options.leader_serves,
            Serving::AsLearner(_) => false,
        };
        if refuses {
            return self.close_client(conn, ctx); // at the first bytes
        }
        match message {
            ZkMessage::Connect { last_zxid_seen, timeout, session } => {
                self.connect_request(conn, (last_zxid_seen, timeout, SessionId(session)), ctx);
            }
            ZkMessage::Request { xid, request } => {
                self.request(conn, xid, translate::request(&request), ctx);
            }
            ZkMessage::Ping => self.ping(conn, ctx),
            ZkMessage::Connected { .. }
            | ZkMessage::Pong
            | ZkMessage::Reply { .. }
            | ZkMessage::Watch { .. } => self.close_client(conn, ctx),
        }
    }

    fn connect_request(
        &mut self,
        conn: Conn,
        (last_zxid_seen, timeout, session): (u64, SimDuration, SessionId),
        ctx: &mut Ctx<'_>,
    ) {
        if self.last_processed().0 < last_zxid_seen {
            return self.close_client(conn, ctx); // the client must try another server
        }
        let (min, max) = (self.options.session_timeout_min, self.options.session_timeout_max);
        let timeout = timeout.max(min).min(max);
        let is_new = session == SessionId::NONE;
        if !is_new && let Some(older) = self.clients.of_session.get(&session).copied() {
            self.close_client(older, ctx);
        }
        let session = if is_new { self.clients.next_session } else { session };
        let Some(client) = self.clients.conns.get_mut(&conn) else { return };
        (client.session, client.timeout) = (Some(session), timeout);
        self.clients.of_session.insert(session, conn);
        if is_new {
            self.clients.next_session = session.next();
            let create = Request::Write(Op::CreateSession { timeout });
            return self.submit((session, Cxid(0)), create, Asked::CreateSession(conn), ctx);
        }
        if matches!(self.serving, Serving::AsLeader(_)) {
            let valid = self.revalidate(session, timeout, Owner::Leader, ctx);
            return self.session_answered(conn, valid, ctx);
        }
        self.clients.revalidating.insert(session, conn);
        self.ask_revalidation(session, timeout, ctx);
    }

    /// The leader's answer to a learner's REVALIDATE.
    pub(super) fn revalidated(&mut self, session: SessionId, valid: bool, ctx: &mut Ctx<'_>) {
        if let Some(conn) = self.clients.revalidating.remove(&session) {
            self.session_answered(conn, valid, ctx);
        }
    }

    /// ConnectResponse: the session, or a time-out of zero and the end.
    pub(super) fn session_answered(&mut self, conn: Conn, valid: bool, ctx: &mut Ctx<'_>) {
        let Some(client) = self.clients.conns.get_mut(&conn) else { return };
        let Some(session) = client.session else { return };
        client.ready = valid;
        let timeout = if valid { client.timeout } else { SimDuration::ZERO };
        let session = if valid { session.0 } else { 0 };
        let answer = ZkMessage::Connected { timeout, session };
        ctx.send_gated::<ZkClient>(conn, answer, marks::SERVING);
        if !valid {
            self.close_client(conn, ctx);
        }
    }

    pub(super) fn close_client(&mut self, conn: Conn, ctx: &mut Ctx<'_>) {
        self.forget_client(conn);
        ctx.close(conn);
    }

    fn forget_client(&mut self, conn: Conn) {
        let Some(client) = self.clients.conns.remove(&conn) else { return };
        self.clients.watches.remove(client.watcher);
        self.clients.of_watcher.remove(&client.watcher);
        if let Some(session) = client.session {
            if self.clients.of_session.get(&session) == Some(&conn) {
                self.clients.of_session.remove(&session);
            }
            if self.clients.revalidating.get(&session) == Some(&conn) {
                self.clients.revalidating.remove(&session);
            }
        }
    }

    /// The server steps down: every connection closes, every request is forgotten.
    pub(super) fn drop_clients(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(sweep) = self.clients.sweep {
            ctx.cancel(sweep);
        }
        let conns: Vec<Conn> = self.clients.conns.keys().copied().collect();
        let dropped = std::mem::take(&mut self.clients);
        self.clients.next_session = dropped.next_session;
        self.clients.watchers_made = dropped.watchers_made;
        for conn in conns {
            ctx.close(conn);
        }
    }
}
