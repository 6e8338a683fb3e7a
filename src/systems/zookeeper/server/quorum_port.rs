//! Quorum port: a leader's learners, and a learner's connection to its leader.
//!
//! Here: links to connections, which packet is the log's and which the sessions'.
//! Never here: what a packet makes the protocol do.
//! Modelled on: ZooKeeper 3.8.4 `LearnerHandler#run`, `Learner#processPacket`.

use std::collections::BTreeMap;

use crate::engine::ctx::Ctx;
use crate::engine::process::{Conn, ConnEvent, Slot, Tag};
use crate::protocols::zab::{self, Link, Sid, ToLeader, ToLearner};
use crate::protocols::zookeeper::{DataTree, Owner};
use crate::systems::zookeeper::quorum_api::{QUORUM_PORT, QuorumMessage, QuorumPort};

use super::{CONNECT, ZooKeeperServer, kind};

/// Both ends of the quorum port. All volatile.
#[derive(Clone, Default)]
pub(super) struct QuorumEnd {
    /// To the leader; whether it is up.
    upstream: Option<(Conn, bool)>,
    /// The role has tried to connect.
    pub(super) dialled: bool,
    conns: BTreeMap<Link, Conn>,
    links: BTreeMap<Conn, Link>,
    links_made: u64,
}

impl QuorumEnd {
    pub(super) fn knows(&self, conn: Conn) -> bool {
        self.links.contains_key(&conn) || self.is_upstream(conn)
    }

    fn is_upstream(&self, conn: Conn) -> bool {
        self.upstream.is_some_and(|(up, _)| up == conn)
    }
}

impl ZooKeeperServer {
    /// The first connect after an election waits for what is constructed before it.
    pub(super) fn dial_leader(&mut self, to: Sid, ctx: &mut Ctx<'_>) {
        if self.quorum.dialled {
            return self.connect_to_leader(u64::from(to.0), ctx);
        }
        let span = self.span(CONNECT, self.options.spans.connect, ctx);
        self.stage = ctx.arm(span, Tag::with(kind::CONNECT, u64::from(to.0)));
    }

    pub(super) fn connect_to_leader(&mut self, to: u64, ctx: &mut Ctx<'_>) {
        self.quorum.dialled = true;
        let to = Sid(u32::try_from(to).expect("a sid was put in"));
        let process = self.options.process(to).expect("a voter has a process");
        let conn = ctx.connect::<QuorumPort>(process, QUORUM_PORT);
        self.quorum.upstream = Some((conn, false));
    }

    pub(super) fn hang_up(&mut self, ctx: &mut Ctx<'_>) {
        ctx.cancel(self.stage);
        if let Some((conn, _)) = self.quorum.upstream.take() {
            ctx.close(conn);
        }
    }

    pub(super) fn send_up(&self, message: QuorumMessage, ctx: &mut Ctx<'_>) {
        if let Some((conn, true)) = self.quorum.upstream {
            ctx.send::<QuorumPort>(conn, message);
        }
    }

    pub(super) fn send_down(&self, link: Link, message: QuorumMessage, ctx: &mut Ctx<'_>) {
        if let Some(conn) = self.quorum.conns.get(&link) {
            ctx.send::<QuorumPort>(*conn, message);
        }
    }

    pub(super) fn close_learner(&mut self, link: Link, ctx: &mut Ctx<'_>) {
        if let Some(conn) = self.quorum.conns.remove(&link) {
            self.quorum.links.remove(&conn);
            ctx.close(conn);
        }
    }

    /// Connections whose handler has not begun go with the port.
    pub(super) fn close_learners(&mut self, ctx: &mut Ctx<'_>) {
        let links: Vec<Link> = self.quorum.conns.keys().copied().collect();
        for link in links {
            self.close_learner(link, ctx);
        }
    }

    pub(super) fn learner_accepted(&mut self, conn: Conn, ctx: &mut Ctx<'_>) {
        self.quorum.links_made += 1;
        let link = Link(self.quorum.links_made);
        self.quorum.conns.insert(link, conn);
        self.quorum.links.insert(conn, link);
        self.run(zab::Input::LearnerConnected(link), ctx);
    }

    pub(super) fn quorum_event(&mut self, conn: Conn, event: ConnEvent, ctx: &mut Ctx<'_>) {
        let link = self.quorum.links.get(&conn).copied();
        match (event, link) {
            (ConnEvent::Message(slot), Some(link)) => self.learner_said(link, slot, ctx),
            (ConnEvent::Message(slot), None) => self.leader_said(slot, ctx),
            (ConnEvent::Connected, _) => {
                self.quorum.upstream = Some((conn, true));
                self.run(zab::Input::LeaderConnected, ctx);
            }
            (
                ConnEvent::Refused
                | ConnEvent::Unreachable
                | ConnEvent::TimedOut
                | ConnEvent::Reset
                | ConnEvent::Closed,
                Some(link),
            ) => {
                self.quorum.links.remove(&conn);
                self.quorum.conns.remove(&link);
                self.run(zab::Input::LearnerLost(link), ctx);
            }
            (
                ConnEvent::Refused
                | ConnEvent::Unreachable
                | ConnEvent::TimedOut
                | ConnEvent::Reset
                | ConnEvent::Closed,
                None,
            ) => {
                let was_up = self.quorum.upstream.take().is_some_and(|(_, up)| up);
                let input = if was_up { zab::Input::LeaderLost } else { zab::Input::LeaderRefused };
                self.run(input, ctx);
            }
            (ConnEvent::Accepted { .. } | ConnEvent::Drained, _) => {}
        }
    }

    fn learner_said(&mut self, link: Link, slot: Slot, ctx: &mut Ctx<'_>) {
        let message = ctx.take::<QuorumPort>(slot);
        let heard = match &message {
            QuorumMessage::Up(packet) => *packet,
            QuorumMessage::Pong { .. }
            | QuorumMessage::Request { .. }
            | QuorumMessage::Revalidate { .. }
            | QuorumMessage::Down(_)
            | QuorumMessage::Revalidated { .. }
            | QuorumMessage::Synced { .. } => ToLeader::Other,
        };
        self.run(zab::Input::LearnerPacket(link, heard), ctx);
        let active = self.peer.as_ref().and_then(|peer| peer.leader()?.active_learner(link));
        if active.is_none() {
            return;
        }
        match message {
            QuorumMessage::Pong { touched, .. } => self.touched(&touched, ctx),
            QuorumMessage::Request { session, cxid, request } => {
                self.forwarded((session, cxid), &request, link, ctx);
            }
            QuorumMessage::Revalidate { session, timeout } => {
                let valid = self.revalidate(session, timeout, Owner::Handler(link.0), ctx);
                self.send_down(link, QuorumMessage::Revalidated { session, valid }, ctx);
            }
            QuorumMessage::Up(_)
            | QuorumMessage::Down(_)
            | QuorumMessage::Revalidated { .. }
            | QuorumMessage::Synced { .. } => {}
        }
    }

    fn leader_said(&mut self, slot: Slot, ctx: &mut Ctx<'_>) {
        match ctx.take::<QuorumPort>(slot) {
            QuorumMessage::Down(packet) => self.run(zab::Input::LeaderPacket(packet), ctx),
            QuorumMessage::Revalidated { session, valid } => {
                self.other_of_leader(ctx);
                self.revalidated(session, valid, ctx);
            }
            QuorumMessage::Synced { session, cxid } => {
                self.other_of_leader(ctx);
                self.synced(session, cxid, ctx);
            }
            QuorumMessage::Up(_)
            | QuorumMessage::Pong { .. }
            | QuorumMessage::Request { .. }
            | QuorumMessage::Revalidate { .. } => self.other_of_leader(ctx),
        }
    }

    fn other_of_leader(&mut self, ctx: &mut Ctx<'_>) {
        let other: ToLearner<DataTree> = ToLearner::Other;
        self.run(zab::Input::LeaderPacket(other), ctx);
    }
}
