//! Roles: what the protocol asks of the process, and what the history hears of it.
//!
//! Here: each effect of the peer, carried out; claims and losses of roles.
//! Never here: why.
//! Modelled on: ZooKeeper 3.8.4 `QuorumPeer#run`, `Leader#lead`, `Leader#startZkServer`.

use crate::engine::ctx::Ctx;
use crate::engine::process::Tag;
use crate::engine::time::SimDuration;
use crate::history::{Fact, NoteName, Position, Role, Term};
use crate::protocols::Outbox;
use crate::protocols::zab::{self, Effect, Epoch};
use crate::protocols::zookeeper::DataTree;
use crate::systems::zookeeper::marks;
use crate::systems::zookeeper::options::SNAPSHOT_BYTES_S;
use crate::systems::zookeeper::quorum_api::{QUORUM_PORT, QuorumMessage, QuorumPort};

use super::{BIND, SHUTDOWN, START_SERVER, ZooKeeperServer, files, kind};

/// For whom the client port works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Serving {
    /// Connections are closed at their first bytes.
    Nobody,
    /// Clients of the leader.
    AsLeader(Epoch),
    /// Clients of a learner.
    AsLearner(Epoch),
}

impl Serving {
    const fn role(self) -> Option<(Role, Term)> {
        match self {
            Serving::Nobody => None,
            Serving::AsLeader(epoch) => Some((Role::Leader, Term(epoch.0 as u64))),
            Serving::AsLearner(epoch) => Some((Role::Follower, Term(epoch.0 as u64))),
        }
    }
}

impl ZooKeeperServer {
    /// The reign under which this server stores and applies.
    pub(super) fn term(&self) -> Term {
        let peer = self.peer.as_ref();
        let epoch = peer.and_then(|peer| {
            let led = peer.leader().map(|leader| leader.epoch());
            led.or_else(|| peer.learner().map(|learner| learner.epoch()))
        });
        Term(epoch.map_or(0, |epoch| u64::from(epoch.0)))
    }

    pub(super) fn perform(&mut self, out: Outbox<Effect<DataTree>>, ctx: &mut Ctx<'_>) {
        for name in out.broken {
            ctx.invariant(name, false);
        }
        for effect in out.effects {
            self.carry_out(effect, ctx);
        }
    }

    fn carry_out(&mut self, effect: Effect<DataTree>, ctx: &mut Ctx<'_>) {
        match effect {
            Effect::Notify { to, notification } => self.notify(to, notification, ctx),
            Effect::ConnectAll => self.connect_all(ctx),
            Effect::Arm(timer, span) => self.arm(timer, span, ctx),
            Effect::Cancel(timer) => self.disarm(timer, ctx),
            Effect::Looking => {
                ctx.mark(marks::ELECTION_STARTED.mark());
                say(marks::LOOKING.note(), 0, ctx);
            }
            Effect::Elected(vote) => {
                self.quorum.dialled = false;
                ctx.mark(marks::ELECTED.mark());
                say(marks::CHOSEN.note(), u64::from(vote.ballot.leader.0), ctx);
            }
            Effect::OpenQuorumPort => {
                ctx.mark(marks::LEADING.mark());
                let span = self.span(BIND, self.options.spans.bind, ctx);
                self.stage = ctx.arm(span, Tag::new(kind::BIND));
            }
            Effect::StartServer { .. } => {
                let span = self.span(START_SERVER, self.options.spans.start_server, ctx);
                self.stage = ctx.arm(span, Tag::new(kind::START_SERVER));
            }
            Effect::ToLearner(link, packet) => {
                self.send_down(link, QuorumMessage::Down(packet), ctx);
            }
            Effect::CloseLearner(link) => self.close_learner(link, ctx),
            Effect::DialLeader(to) => self.dial_leader(to, ctx),
            Effect::HangUp => self.hang_up(ctx),
            Effect::ToLeader(packet) => self.send_up(QuorumMessage::Up(packet), ctx),
            Effect::ReplyPing(zxid) => {
                let touched = self.clients.touched.take();
                self.send_up(QuorumMessage::Pong { zxid, touched }, ctx);
            }
            Effect::WriteAcceptedEpoch(epoch, ticket) => {
                self.write_epoch((files::ACCEPTED_EPOCH, epoch), ticket, ctx);
            }
            Effect::WriteCurrentEpoch(epoch, ticket) => {
                self.write_epoch((files::CURRENT_EPOCH, epoch), ticket, ctx);
            }
            Effect::WriteSnapshot(zxid, state, ticket) => {
                self.write_snapshot((zxid, state), ticket, ctx);
            }
            Effect::Append(logged) => self.append(logged, ctx),
            Effect::SyncLog(ticket) => self.sync_log(ticket, ctx),
            Effect::RollLog => self.roll_log(ctx),
            Effect::TruncateLog(keep) => self.truncate_log(keep, ctx),
            Effect::Committed { logged, outcome } => self.committed(&logged, outcome, ctx),
            Effect::Leads(epoch) => self.leads(epoch, ctx),
            Effect::Follows(epoch) => {
                ctx.mark(marks::FOLLOWING.mark());
                self.serve(Serving::AsLearner(epoch), ctx);
            }
            Effect::StepDown { served, .. } => self.step_down(served, ctx),
            Effect::Exit(reason) => ctx.exit(reason),
        }
    }

    pub(super) fn bind_quorum_port(&mut self, ctx: &mut Ctx<'_>) {
        ctx.listen::<QuorumPort>(QUORUM_PORT);
        let bytes = self.peer.as_ref().map_or(0, |peer| peer.database().tree().bytes());
        let span = SimDuration::from_secs(1).scaled(bytes, SNAPSHOT_BYTES_S);
        self.stage = ctx.arm(span, Tag::new(kind::LEADER_LOAD));
    }

    /// `loadData`: nodes without a session go, without a transaction; then the snapshot.
    pub(super) fn leader_loaded(&mut self, ctx: &mut Ctx<'_>) {
        let Some(peer) = &mut self.peer else { return };
        let zxid = peer.database().last_processed();
        peer.database_mut().tree_mut().drop_orphans(zxid);
        let (zxid, state) = (peer.database().last_processed(), peer.database().tree().clone());
        self.led_from = zxid;
        self.write_snapshot((zxid, state), None, ctx);
        self.run(zab::Input::LeaderLoaded, ctx);
    }

    fn leads(&mut self, epoch: Epoch, ctx: &mut Ctx<'_>) {
        ctx.mark(marks::BROADCAST.mark());
        let term = Term(u64::from(epoch.0));
        ctx.note(Fact::TermBegun { resource: self.options.log, term });
        self.serve(Serving::AsLeader(epoch), ctx);
        // Whatever lies beyond the history that it leads with is no part of the log any more.
        let (resource, position) = (self.options.log, Position(self.led_from.0));
        ctx.note(Fact::Truncated { resource, position });
        self.begin_tracking(ctx);
    }

    fn serve(&mut self, serving: Serving, ctx: &mut Ctx<'_>) {
        self.serving = serving;
        ctx.open_gate(marks::SERVING);
        if let Some((role, term)) = serving.role() {
            ctx.note(Fact::RoleClaimed { resource: self.options.log, role, term });
        }
    }

    /// Sockets first, clients among them; the threads take their time.
    fn step_down(&mut self, served: bool, ctx: &mut Ctx<'_>) {
        ctx.unlisten(QUORUM_PORT);
        ctx.cancel(self.stage);
        if let Some((role, term)) = self.serving.role() {
            ctx.note(Fact::RoleLost { resource: self.options.log, role, term });
        }
        self.serving = Serving::Nobody;
        self.drop_clients(ctx);
        self.close_learners(ctx);
        let spans = self.options.spans;
        let latency = if served { spans.shutdown } else { spans.shutdown_unserved };
        let span = self.span(SHUTDOWN, latency, ctx);
        self.stage = ctx.arm(span, Tag::new(kind::SHUTDOWN));
    }
}

/// A line of the timeline.
fn say(name: NoteName, field: u64, ctx: &mut Ctx<'_>) {
    ctx.note(Fact::Noted { name, fields: [field, 0, 0, 0] });
}
