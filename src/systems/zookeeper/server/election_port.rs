//! Election port: the connection manager's sockets, and the threads a notification passes.
//!
//! Here: links to connections, dials with their time-out, the receiver's delay.
//! Never here: who keeps a connection (`protocols::zab::connections`), votes.
//! Modelled on: ZooKeeper 3.8.4 `QuorumCnxManager`, `FastLeaderElection.Messenger`.

use std::collections::{BTreeMap, VecDeque};

use crate::engine::ctx::Ctx;
use crate::engine::process::{Conn, ConnEvent, Tag, Timer};
use crate::engine::time::Monotonic;
use crate::protocols::Outbox;
use crate::protocols::zab::connections::{Connections, Effect};
use crate::protocols::zab::{self, Link, Notification, Sid};
use crate::systems::zookeeper::options::ServerOptions;
use crate::systems::zookeeper::quorum_api::{ELECTION_PORT, ElectionMessage, ElectionPort};

use super::{HOP, ZooKeeperServer, kind};

/// One end of the election port. All volatile.
#[derive(Clone)]
pub(super) struct ElectionEnd {
    pub(super) connections: Connections,
    conns: BTreeMap<Link, Conn>,
    links: BTreeMap<Conn, Link>,
    links_made: u64,
    dials: BTreeMap<Sid, (Conn, Timer)>,
    /// Between the socket and the election.
    hops: VecDeque<Notification>,
    hop_due: Monotonic,
}

impl ElectionEnd {
    pub(super) fn new(options: &ServerOptions) -> ElectionEnd {
        ElectionEnd {
            connections: Connections::new(&options.zab),
            conns: BTreeMap::new(),
            links: BTreeMap::new(),
            links_made: 0,
            dials: BTreeMap::new(),
            hops: VecDeque::new(),
            hop_due: Monotonic::default(),
        }
    }

    pub(super) fn knows(&self, conn: Conn) -> bool {
        self.links.contains_key(&conn)
    }

    pub(super) fn accepted(&mut self, conn: Conn) {
        self.enter(conn);
    }

    fn enter(&mut self, conn: Conn) {
        self.links_made += 1;
        let link = Link(self.links_made);
        self.conns.insert(link, conn);
        self.links.insert(conn, link);
    }

    fn forget(&mut self, conn: Conn) -> Option<Link> {
        let link = self.links.remove(&conn)?;
        self.conns.remove(&link);
        Some(link)
    }

    fn dialled(&self, conn: Conn) -> Option<Sid> {
        self.dials.iter().find(|(_, (dialling, _))| *dialling == conn).map(|(sid, _)| *sid)
    }
}

impl ZooKeeperServer {
    /// `sendqueue`: to oneself it loops back.
    pub(super) fn notify(&mut self, to: Sid, notification: Notification, ctx: &mut Ctx<'_>) {
        if to == self.options.zab.me {
            return self.hop(notification, ctx);
        }
        self.connect_with(ctx, |connections, out| connections.send(to, notification, out));
    }

    pub(super) fn connect_all(&mut self, ctx: &mut Ctx<'_>) {
        self.connect_with(ctx, Connections::connect_all);
    }

    fn connect_with(
        &mut self,
        ctx: &mut Ctx<'_>,
        act: impl FnOnce(&mut Connections, &mut Outbox<Effect>),
    ) {
        let mut out = Outbox::default();
        act(&mut self.election.connections, &mut out);
        for effect in out.effects {
            match effect {
                Effect::Dial { to, within } => {
                    let process = self.options.process(to).expect("a voter has a process");
                    let conn = ctx.connect::<ElectionPort>(process, ELECTION_PORT);
                    let timer = ctx.arm(within, Tag::with(kind::DIAL, u64::from(to.0)));
                    self.election.enter(conn);
                    self.election.dials.insert(to, (conn, timer));
                }
                Effect::Hello(link) => {
                    self.write(link, ElectionMessage::Hello(self.options.zab.me), ctx);
                }
                Effect::Write(link, notification) => {
                    self.write(link, ElectionMessage::Notification(notification), ctx);
                }
                Effect::Close(link) => {
                    if let Some(conn) = self.election.conns.get(&link).copied() {
                        self.election.forget(conn);
                        ctx.close(conn);
                    }
                }
            }
        }
    }

    fn write(&self, link: Link, message: ElectionMessage, ctx: &mut Ctx<'_>) {
        if let Some(conn) = self.election.conns.get(&link) {
            ctx.send::<ElectionPort>(*conn, message);
        }
    }

    pub(super) fn election_event(&mut self, conn: Conn, event: ConnEvent, ctx: &mut Ctx<'_>) {
        let Some(link) = self.election.links.get(&conn).copied() else { return };
        match event {
            ConnEvent::Connected => {
                let Some(to) = self.election.dialled(conn) else { return };
                if let Some((_, timer)) = self.election.dials.remove(&to) {
                    ctx.cancel(timer);
                }
                self.connect_with(ctx, |connections, out| connections.dialled(to, link, out));
            }
            ConnEvent::Message(slot) => match ctx.take::<ElectionPort>(slot) {
                ElectionMessage::Hello(from) => {
                    self.connect_with(ctx, |connections, out| connections.hello(from, link, out));
                }
                ElectionMessage::Notification(notification) => {
                    if self.election.connections.sender(link).is_some() {
                        self.hop(notification, ctx);
                    }
                }
            },
            ConnEvent::Refused
            | ConnEvent::Unreachable
            | ConnEvent::TimedOut
            | ConnEvent::Reset
            | ConnEvent::Closed => {
                self.election.forget(conn);
                if let Some(to) = self.election.dialled(conn) {
                    self.dial_ended(to, ctx);
                }
                self.election.connections.lost(link);
            }
            ConnEvent::Accepted { .. } | ConnEvent::Drained => {}
        }
    }

    /// `cnxTimeout`.
    pub(super) fn dial_timed_out(&mut self, to: u64, ctx: &mut Ctx<'_>) {
        let to = Sid(u32::try_from(to).expect("a sid was put in"));
        if let Some((conn, _)) = self.election.dials.get(&to).copied() {
            self.election.forget(conn);
            ctx.abort(conn);
            self.dial_ended(to, ctx);
        }
    }

    fn dial_ended(&mut self, to: Sid, ctx: &mut Ctx<'_>) {
        if let Some((_, timer)) = self.election.dials.remove(&to) {
            ctx.cancel(timer);
        }
        self.election.connections.dial_failed(to);
    }

    /// Through the receiver's threads, in order.
    fn hop(&mut self, notification: Notification, ctx: &mut Ctx<'_>) {
        let now = ctx.now().monotonic;
        let due = now + self.span(HOP, self.options.spans.hop, ctx);
        self.election.hop_due = self.election.hop_due.max(due);
        self.election.hops.push_back(notification);
        ctx.arm(self.election.hop_due.since(now), Tag::new(kind::HOP));
    }

    pub(super) fn hop_over(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(notification) = self.election.hops.pop_front() {
            self.run(zab::Input::Notification(notification), ctx);
        }
    }
}
