//! Pipeline: a request's way from a client through the leader to every server's tree.
//!
//! Here: touches, preparation at the leader, the wait behind writes, answers, watches, expiry.
//! Never here: agreement, what a transaction does.
//! Modelled on: ZooKeeper 3.8.4 `LeaderRequestProcessor`, `FollowerRequestProcessor`,
//! `PrepRequestProcessor`, `FinalRequestProcessor`, `SessionTrackerImpl`.

use std::sync::Arc;

use crate::engine::ctx::Ctx;
use crate::engine::process::{Conn, Tag};
use crate::engine::time::SimDuration;
use crate::history::{ContentHash, Fact, Position, Term};
use crate::protocols::zab::{self, Link, Logged};
use crate::protocols::zookeeper::{
    Answer, Applied, Change, Code, Cxid, Op, Owner, Prepared, Request, SessionId, SessionTracker,
    SessionTxn, Source, Txn,
};
use crate::systems::zookeeper::api::{ZkClient, ZkMessage};
use crate::systems::zookeeper::marks;
use crate::systems::zookeeper::quorum_api::QuorumMessage;
use crate::systems::zookeeper::translate;

use super::roles::Serving;
use super::{ZooKeeperServer, kind};

/// What a request that waits will be answered with.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    /// A connection whose session is being created.
    CreateSession(Conn),
    /// A numbered request.
    Request(Conn, u32, Request),
    /// A ping.
    Ping(Conn),
    /// A request that the leader refuses without a transaction.
    Refused(Conn, u32, Code),
}

impl ZooKeeperServer {
    pub(super) fn last_processed(&self) -> zab::Zxid {
        self.peer.as_ref().map_or(zab::Zxid::ZERO, |peer| peer.database().last_processed())
    }

    /// A request on a client's connection: it keeps the session alive, and a session that is
    /// closing has it dropped without a word.
    fn touch(&mut self, conn: Conn, ctx: &Ctx<'_>) -> Option<SessionId> {
        let client = self.clients.conns.get(&conn).filter(|client| client.ready)?;
        let (session, timeout) = (client.session?, client.timeout);
        match &mut self.clients.tracker {
            Some(tracker) => {
                tracker.touch(session, timeout, ctx.now().monotonic).then_some(session)
            }
            None => {
                self.clients.touched.touch(session, timeout);
                Some(session)
            }
        }
    }

    pub(super) fn request(&mut self, conn: Conn, xid: u32, request: Request, ctx: &mut Ctx<'_>) {
        let Some(session) = self.touch(conn, ctx) else { return };
        let asked = Asked::Request(conn, xid, request.clone());
        self.submit((session, Cxid(xid)), request, asked, ctx);
    }

    pub(super) fn ping(&mut self, conn: Conn, ctx: &mut Ctx<'_>) {
        let Some(session) = self.touch(conn, ctx) else { return };
        self.submit((session, Cxid(0)), Request::Ping, Asked::Ping(conn), ctx);
    }

    /// Into the chain of this server's role.
    pub(super) fn submit(
        &mut self,
        (session, cxid): (SessionId, Cxid),
        request: Request,
        asked: Asked,
        ctx: &mut Ctx<'_>,
    ) {
        match self.serving {
            Serving::Nobody => {}
            Serving::AsLeader(_) => {
                let source = Source { session, cxid, owner: Owner::Leader };
                match self.prepare(source, &request, ctx) {
                    Some(Prepared::Propose(txn)) => {
                        self.wait(session, Some(cxid), asked, ctx);
                        self.run(zab::Input::Propose(Arc::new(txn)), ctx);
                    }
                    Some(Prepared::Pass) => self.wait(session, None, asked, ctx),
                    Some(Prepared::Refused(code)) => {
                        let asked = match asked {
                            Asked::Request(conn, xid, _) => Asked::Refused(conn, xid, code),
                            Asked::CreateSession(_) | Asked::Ping(_) | Asked::Refused(..) => asked,
                        };
                        self.wait(session, None, asked, ctx);
                    }
                    None => {}
                }
            }
            Serving::AsLearner(_) => {
                let write = request.needs_commit(true).then_some(cxid);
                self.wait(session, write, asked, ctx);
                if write.is_some() {
                    self.send_up(QuorumMessage::Request { session, cxid, request }, ctx);
                }
            }
        }
    }

    fn wait(&mut self, session: SessionId, write: Option<Cxid>, asked: Asked, ctx: &mut Ctx<'_>) {
        if let Some(asked) = self.clients.commit.submit(session, write, asked) {
            self.answer(asked, ctx);
        }
    }

    /// `PrepRequestProcessor`. None: this server does not broadcast (any more).
    fn prepare(&mut self, source: Source, request: &Request, ctx: &Ctx<'_>) -> Option<Prepared> {
        let peer = self.peer.as_ref()?;
        let zxid = peer.next_zxid()?;
        let tracker = self.clients.tracker.as_mut()?;
        let (now, tree) = (ctx.now().monotonic, peer.database().tree());
        Some(self.clients.prep.prepare(source, request, zxid, (now, tree, tracker)))
    }

    /// A learner's client asks for something that the leader must prepare, or for a `sync()`.
    pub(super) fn forwarded(
        &mut self,
        (session, cxid): (SessionId, Cxid),
        request: &Request,
        link: Link,
        ctx: &mut Ctx<'_>,
    ) {
        let source = Source { session, cxid, owner: Owner::Handler(link.0) };
        if *request == Request::Sync {
            let Some(leader) = self.peer.as_ref().and_then(|peer| peer.leader()) else { return };
            if leader.has_outstanding() {
                let after = leader.last_proposed();
                self.clients.syncs.entry(after).or_default().push((link, session, cxid));
            } else {
                self.send_down(link, QuorumMessage::Synced { session, cxid }, ctx);
            }
            return;
        }
        if let Some(Prepared::Propose(txn)) = self.prepare(source, request, ctx) {
            self.run(zab::Input::Propose(Arc::new(txn)), ctx);
        }
    }

    /// The leader's SYNC came, behind all the commits it stands for.
    pub(super) fn synced(&mut self, session: SessionId, cxid: Cxid, ctx: &mut Ctx<'_>) {
        let released = self.clients.commit.committed(session, cxid);
        for asked in released.answered.into_iter().chain(released.reads) {
            self.answer(asked, ctx);
        }
    }

    /// A learner's report.
    pub(super) fn touched(&mut self, sessions: &[(SessionId, SimDuration)], ctx: &Ctx<'_>) {
        if let Some(tracker) = &mut self.clients.tracker {
            for (session, timeout) in sessions {
                tracker.touch(*session, *timeout, ctx.now().monotonic);
            }
        }
    }

    /// At the leader: whether the session lives; it then belongs to `owner`. No quorum is asked.
    pub(super) fn revalidate(
        &mut self,
        session: SessionId,
        timeout: SimDuration,
        owner: Owner,
        ctx: &Ctx<'_>,
    ) -> bool {
        let Some(tracker) = &mut self.clients.tracker else { return false };
        let valid = tracker.touch(session, timeout, ctx.now().monotonic);
        if valid {
            tracker.set_owner(session, owner);
        }
        valid
    }

    pub(super) fn ask_revalidation(
        &self,
        session: SessionId,
        timeout: SimDuration,
        ctx: &mut Ctx<'_>,
    ) {
        self.send_up(QuorumMessage::Revalidate { session, timeout }, ctx);
    }

    /// `FinalRequestProcessor`: the tree has changed. Watches first, then the answer, then the
    /// reads that waited behind it.
    pub(super) fn committed(
        &mut self,
        logged: &Logged<Arc<SessionTxn>>,
        applied: Applied,
        ctx: &mut Ctx<'_>,
    ) {
        self.note_commit(logged, ctx);
        let zxid = logged.zxid;
        for (watcher, change) in self.clients.watches.trigger(&applied.changes) {
            if let Some(conn) = self.clients.of_watcher.get(&watcher).copied() {
                tell(conn, &change, ctx);
            }
        }
        let (session, cxid) = (logged.txn.session, logged.txn.cxid);
        self.account_session(session, &logged.txn.txn);
        self.clients.prep.applied(zxid);
        let released = self.clients.commit.committed(session, cxid);
        if let Some(asked) = released.answered {
            self.reply(asked, (zxid, applied.answer), ctx);
        }
        for asked in released.reads {
            self.answer(asked, ctx);
        }
        if matches!(logged.txn.txn, Txn::CloseSession { .. }) {
            if self.clients.tracker.is_some() {
                ctx.mark(marks::CLOSE_SESSION_APPLIED.mark());
            }
            if let Some(conn) = self.clients.of_session.get(&session).copied() {
                self.close_client(conn, ctx);
            }
        }
        for (link, session, cxid) in self.clients.syncs.remove(&zxid).unwrap_or_default() {
            self.send_down(link, QuorumMessage::Synced { session, cxid }, ctx);
        }
    }

    fn note_commit(&self, logged: &Logged<Arc<SessionTxn>>, ctx: &mut Ctx<'_>) {
        let (resource, term) = (self.options.log, self.term());
        let position = Position(logged.zxid.0);
        let content = ContentHash(logged.txn.content());
        if matches!(self.serving, Serving::AsLeader(_)) {
            ctx.note(Fact::Acknowledged { resource, term, position, content });
        }
        ctx.note(Fact::Applied { resource, term, position, content });
    }

    fn account_session(&mut self, session: SessionId, txn: &Txn) {
        match txn {
            Txn::CreateSession { timeout } => {
                if self.clients.tracker.is_none() {
                    self.clients.touched.touch(session, *timeout);
                }
            }
            Txn::CloseSession { .. } => {
                self.clients.touched.remove(session);
                if let Some(tracker) = &mut self.clients.tracker {
                    tracker.remove(session);
                }
            }
            Txn::Create { .. }
            | Txn::Delete { .. }
            | Txn::SetData { .. }
            | Txn::Check { .. }
            | Txn::Multi(_)
            | Txn::Error { .. } => {}
        }
    }

    /// Answers a write with what became of its transaction.
    fn reply(
        &mut self,
        asked: Asked,
        (zxid, result): (zab::Zxid, Result<Answer, Code>),
        ctx: &mut Ctx<'_>,
    ) {
        match asked {
            Asked::CreateSession(conn) => self.session_answered(conn, true, ctx),
            Asked::Request(conn, ..) if result == Err(Code::SessionMoved) => {
                self.close_client(conn, ctx);
            }
            Asked::Request(conn, xid, _) => {
                if self.clients.knows(conn) {
                    let result = translate::result(result);
                    let reply = ZkMessage::Reply { xid, zxid: zxid.0, result };
                    ctx.send::<ZkClient>(conn, reply);
                }
            }
            Asked::Ping(_) | Asked::Refused(..) => self.answer(asked, ctx),
        }
    }

    /// Answers what needs no transaction, out of this server's own tree.
    fn answer(&mut self, asked: Asked, ctx: &mut Ctx<'_>) {
        let zxid = self.last_processed();
        match asked {
            Asked::Request(conn, xid, request) => {
                if let Some(result) = self.read(conn, &request, ctx) {
                    self.reply(Asked::Request(conn, xid, request), (zxid, result), ctx);
                }
            }
            Asked::Ping(conn) => {
                if self.clients.knows(conn) {
                    ctx.send::<ZkClient>(conn, ZkMessage::Pong);
                }
            }
            Asked::Refused(conn, xid, code) => {
                let request = Request::Ping; // whatever it was
                self.reply(Asked::Request(conn, xid, request), (zxid, Err(code)), ctx);
            }
            Asked::CreateSession(_) => unreachable!("createSession is a transaction"),
        }
    }

    /// None: the connection is gone.
    fn read(
        &mut self,
        conn: Conn,
        request: &Request,
        ctx: &mut Ctx<'_>,
    ) -> Option<Result<Answer, Code>> {
        let watcher = self.clients.conns.get(&conn)?.watcher;
        let tree = self.peer.as_ref()?.database().tree();
        match request {
            Request::Read(read) => {
                let result = tree.read(read);
                self.clients.watches.register(watcher, read, &result);
                if let Serving::AsLeader(epoch) = self.serving {
                    let (resource, term) = (self.options.log, Term(u64::from(epoch.0)));
                    let position = Position(self.last_processed().0);
                    ctx.note(Fact::RoleServed { resource, term, position });
                }
                Some(result)
            }
            Request::SetWatches(set) => {
                for change in self.clients.watches.set_watches(watcher, set, tree) {
                    tell(conn, &change, ctx);
                }
                Some(Ok(Answer::Done))
            }
            Request::Sync | Request::Ping | Request::Write(_) => Some(Ok(Answer::Done)),
        }
    }

    /// A new leader: every session of the table gets its full time-out.
    pub(super) fn begin_tracking(&mut self, ctx: &mut Ctx<'_>) {
        let Some(peer) = &self.peer else { return };
        let sessions: Vec<_> = peer.database().tree().sessions().collect();
        let now = ctx.now().monotonic;
        let tracker = SessionTracker::new(self.options.zab.tick, now, sessions);
        let span = tracker.until_sweep(now);
        self.clients.tracker = Some(tracker);
        self.clients.sweep = Some(ctx.arm(span, Tag::new(kind::SWEEP)));
    }

    /// The tracker's thread: each bucket that is due, in turn.
    pub(super) fn sweep(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now().monotonic;
        loop {
            let Some(tracker) = &mut self.clients.tracker else { return };
            let span = tracker.until_sweep(now);
            if !span.is_zero() {
                self.clients.sweep = Some(ctx.arm(span, Tag::new(kind::SWEEP)));
                return;
            }
            for session in tracker.sweep(now) {
                self.expire(session, ctx);
            }
        }
    }

    fn expire(&mut self, session: SessionId, ctx: &mut Ctx<'_>) {
        ctx.mark(marks::SESSION_EXPIRED.mark());
        let SessionId(id) = session;
        let fields = [id >> 56, id >> 16 & 0xff_ffff_ffff, id & 0xffff, 0];
        ctx.note(Fact::Noted { name: marks::EXPIRED.note(), fields });
        let source = Source { session, cxid: Cxid(0), owner: Owner::Leader };
        let close = Request::Write(Op::CloseSession);
        if let Some(Prepared::Propose(txn)) = self.prepare(source, &close, ctx) {
            self.run(zab::Input::Propose(Arc::new(txn)), ctx);
        }
    }
}

fn tell(conn: Conn, change: &Change, ctx: &mut Ctx<'_>) {
    ctx.send::<ZkClient>(conn, translate::notification(change));
}
