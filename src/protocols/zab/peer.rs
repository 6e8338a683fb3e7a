//! Peer: one server of the ensemble, from recovery through its roles.
//!
//! Here: recovery, the change between LOOKING, FOLLOWING and LEADING, what step-down keeps.
//! Never here: sockets, timers' spans beyond the protocol's, sessions.
//! Modelled on: 3.8.4 `QuorumPeer`, `ZooKeeperServer#shutdown`. Left out: observers, read-only
//! mode, a database that refuses to start.

use super::core::{Core, Turn};
use super::database::Database;
use super::election::{self, Election};
use super::interface::{Effect, Input, Leave, Machine, Timer, Volume, WriteKind};
use super::leader::Leader;
use super::learner::Learner;
use super::log_thread::LogThread;
use super::rules::Rules;
use super::types::{Ballot, Epoch, PeerState, Settings, Vote, Zxid};
use crate::engine::time::Monotonic;
use crate::protocols::Outbox;

#[derive(Clone, Debug)]
enum Role<M: Machine> {
    Looking,
    Leading(Box<Leader<M>>),
    Following(Box<Learner<M>>),
    /// Messages are answered with the state of the role that ends.
    ShuttingDown(Keep),
}

/// What a step-down does with the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    /// `fastForwardDataBase`.
    FastForward,
    /// Nothing: the server never ran.
    AsIs,
    /// The tree is a state that no snapshot holds.
    Clear,
}

/// A server of the ensemble.
#[derive(Clone, Debug)]
pub struct Peer<M: Machine> {
    core: Core<M>,
    election: Election,
    role: Role<M>,
}

impl<M: Machine> Peer<M> {
    /// `loadDataBase`: from the volume alone. Missing epochs default to the last zxid's.
    pub fn recover(settings: Settings, rules: Rules, volume: &dyn Volume<M>) -> Peer<M> {
        let mut db = Database::new(settings.commit_log_count);
        db.load(volume, None);
        let of_zxid = db.last_processed().epoch();
        let current_epoch = volume.current_epoch().unwrap_or(of_zxid);
        let accepted_epoch = volume.accepted_epoch().unwrap_or(of_zxid);
        let own = Ballot { epoch: current_epoch, zxid: db.last_processed(), leader: settings.me };
        let election = Election::new(&settings, rules, own);
        let log = LogThread::new(settings.snap_count, settings.batch_max);
        let core = Core { settings, rules, db, log, accepted_epoch, current_epoch, reign: 0 };
        Peer { core, election, role: Role::Looking }
    }

    /// Whether the epochs on the volume agree: else upstream refuses to start.
    pub fn may_start(&self) -> bool {
        self.core.current_epoch <= self.core.accepted_epoch
            && self.core.db.last_processed().epoch() <= self.core.current_epoch
    }

    /// Into the first election.
    pub fn start(&mut self, out: &mut Outbox<Effect<M>>) {
        self.look(out);
    }

    /// What the peer holds itself for.
    pub const fn state(&self) -> PeerState {
        self.election.state()
    }

    /// What it answers in elections.
    pub const fn current_vote(&self) -> Vote {
        self.election.current_vote()
    }

    /// The tree and its zxid.
    pub const fn database(&self) -> &Database<M> {
        &self.core.db
    }

    /// The tree, for what is done to it without a transaction.
    pub const fn database_mut(&mut self) -> &mut Database<M> {
        &mut self.core.db
    }

    /// The reign, if this peer leads it or is about to.
    pub const fn leader(&self) -> Option<&Leader<M>> {
        match &self.role {
            Role::Leading(leader) => Some(leader),
            Role::Looking | Role::Following(_) | Role::ShuttingDown(_) => None,
        }
    }

    /// The learner, if this peer follows or is about to.
    pub const fn learner(&self) -> Option<&Learner<M>> {
        match &self.role {
            Role::Following(learner) => Some(learner),
            Role::Looking | Role::Leading(_) | Role::ShuttingDown(_) => None,
        }
    }

    /// Epochs as in the files: accepted, current.
    pub const fn epochs(&self) -> (Epoch, Epoch) {
        (self.core.accepted_epoch, self.core.current_epoch)
    }

    /// After how many transactions the log is rolled next.
    pub const fn set_roll_after(&mut self, transactions: u64) {
        self.core.log.set_roll_after(transactions);
    }

    /// The zxid that the next proposal will take; none unless this peer broadcasts.
    pub fn next_zxid(&self) -> Option<Zxid> {
        let leader = self.leader().filter(|leader| leader.broadcasting())?;
        Some(leader.last_proposed().next())
    }

    /// One input.
    pub fn step(
        &mut self,
        now: Monotonic,
        input: Input<M>,
        volume: &dyn Volume<M>,
        out: &mut Outbox<Effect<M>>,
    ) {
        match input {
            Input::Notification(n) => {
                return self.elect(now, volume, out, |election, out| election.receive(&n, out));
            }
            Input::Timer { timer: Timer::Poll, delivered } => {
                return self
                    .elect(now, volume, out, |election, out| election.poll_empty(delivered, out));
            }
            Input::ShutDown => return self.shut_down(volume, out),
            Input::Timer { .. }
            | Input::Written(..)
            | Input::LeaderLoaded
            | Input::ServerStarted
            | Input::LearnerConnected(_)
            | Input::LearnerPacket(..)
            | Input::LearnerLost(_)
            | Input::LeaderConnected
            | Input::LeaderRefused
            | Input::LeaderPacket(_)
            | Input::LeaderLost
            | Input::Propose(_) => {}
        }
        let mut turn = Turn { now, volume, out };
        let done = match &mut self.role {
            Role::Leading(leader) => lead(leader, &mut self.core, input, &mut turn),
            Role::Following(learner) => {
                let done = follow(learner, &mut self.core, input, &mut turn);
                if learner.following() {
                    let epoch = learner.epoch();
                    self.election.update_vote(epoch);
                }
                done
            }
            Role::Looking | Role::ShuttingDown(_) => Ok(()),
        };
        if let Some(leader) = self.leader().filter(|leader| leader.broadcasting()) {
            let epoch = leader.epoch();
            self.election.update_vote(epoch);
        }
        if let Err(leave) = done {
            self.step_down(leave, Turn { now, volume, out });
        }
    }

    fn look(&mut self, out: &mut Outbox<Effect<M>>) {
        self.core.reign += 1;
        self.role = Role::Looking;
        out.ask(Effect::Looking);
        let own = Ballot {
            epoch: self.core.current_epoch,
            zxid: self.core.db.last_processed(),
            leader: self.core.settings.me,
        };
        let mut asked = Outbox::default();
        self.election.enter(own, &mut asked);
        let elected = translate(asked, out);
        assert!(elected.is_none(), "an election needs a notification");
    }

    fn elect(
        &mut self,
        now: Monotonic,
        volume: &dyn Volume<M>,
        out: &mut Outbox<Effect<M>>,
        act: impl FnOnce(&mut Election, &mut Outbox<election::Effect>),
    ) {
        let mut asked = Outbox::default();
        act(&mut self.election, &mut asked);
        let Some(vote) = translate(asked, out) else { return };
        out.ask(Effect::Cancel(Timer::Poll));
        out.ask(Effect::Elected(vote));
        let mut turn = Turn { now, volume, out };
        self.role = if vote.ballot.leader == self.core.settings.me {
            Role::Leading(Box::new(Leader::new(&mut turn)))
        } else {
            Role::Following(Box::new(Learner::new(vote.ballot.leader, &self.core, &mut turn)))
        };
    }

    /// `Leader#shutdown`, `Learner#shutdown`.
    fn step_down(&mut self, leave: Leave, mut turn: Turn<'_, M>) {
        let (keep, served) = match &mut self.role {
            Role::Leading(leader) => {
                let served = leader.broadcasting();
                leader.shut_down(&mut self.core, &mut turn);
                (if served { Keep::FastForward } else { Keep::AsIs }, served)
            }
            Role::Following(learner) => {
                turn.ask(Effect::Cancel(Timer::Learner));
                turn.ask(Effect::HangUp);
                self.core.log.die();
                let unserved = learner.between_new_leader_and_up_to_date();
                let keep = if learner.holds_unsaved_state() {
                    Keep::Clear
                } else if learner.following() || unserved && self.core.rules.fast_forward_unserved {
                    Keep::FastForward
                } else {
                    Keep::AsIs
                };
                (keep, learner.following())
            }
            Role::Looking | Role::ShuttingDown(_) => unreachable!("no role to leave"),
        };
        self.role = Role::ShuttingDown(keep);
        turn.ask(Effect::StepDown { leave, served });
    }

    fn shut_down(&mut self, volume: &dyn Volume<M>, out: &mut Outbox<Effect<M>>) {
        let Role::ShuttingDown(keep) = self.role else { return };
        match keep {
            Keep::FastForward => self.core.db.fast_forward(volume),
            Keep::AsIs => {}
            Keep::Clear => {
                self.core.db.clear();
                self.core.db.load(volume, None);
            }
        }
        self.look(out);
    }
}

/// Passes the election's effects on; says who was elected.
fn translate<M: Machine>(
    asked: Outbox<election::Effect>,
    out: &mut Outbox<Effect<M>>,
) -> Option<Vote> {
    let mut elected = None;
    for effect in asked.effects {
        match effect {
            election::Effect::Send { to, notification } => {
                out.ask(Effect::Notify { to, notification });
            }
            election::Effect::ConnectAll => out.ask(Effect::ConnectAll),
            election::Effect::ArmPoll(span) => out.ask(Effect::Arm(Timer::Poll, span)),
            election::Effect::Elected(vote) => elected = Some(vote),
        }
    }
    out.broken.extend(asked.broken);
    elected
}

fn lead<M: Machine>(
    leader: &mut Leader<M>,
    core: &mut Core<M>,
    input: Input<M>,
    turn: &mut Turn<'_, M>,
) -> Result<(), Leave> {
    match input {
        Input::LeaderLoaded => leader.loaded(core, turn),
        Input::ServerStarted => leader.server_started(core, turn),
        Input::LearnerConnected(link) => leader.connected(link, core, turn),
        Input::LearnerPacket(link, packet) => leader.packet((link, packet), core, turn),
        Input::LearnerLost(link) => leader.lost(link, turn),
        Input::Propose(txn) => return leader.propose(txn, core, turn),
        Input::Timer { timer, .. } => match timer {
            Timer::Leader => return leader.main_timer(),
            Timer::HalfTick => return leader.half_tick(core, turn),
            Timer::Handler(link) => leader.handler_timer(link, core, turn),
            Timer::Poll | Timer::Learner => {}
        },
        Input::Written(ticket, _) if ticket.reign != core.reign => {}
        Input::Written(_, false) => return Err(Leave("Unexpected internal error")),
        Input::Written(ticket, true) => match ticket.kind {
            WriteKind::AcceptedEpoch => leader.accepted_epoch_written(core, turn),
            WriteKind::CurrentEpoch => leader.current_epoch_written(core, turn),
            WriteKind::Log => leader.log_flushed(core, turn),
            WriteKind::Snapshot => {}
        },
        Input::Notification(_)
        | Input::ShutDown
        | Input::LeaderConnected
        | Input::LeaderRefused
        | Input::LeaderPacket(_)
        | Input::LeaderLost => {}
    }
    Ok(())
}

fn follow<M: Machine>(
    learner: &mut Learner<M>,
    core: &mut Core<M>,
    input: Input<M>,
    turn: &mut Turn<'_, M>,
) -> Result<(), Leave> {
    match input {
        Input::LeaderConnected => learner.connected(core, turn),
        Input::LeaderRefused => return learner.refused(core, turn),
        Input::LeaderPacket(packet) => return learner.packet(packet, core, turn),
        Input::LeaderLost => return learner.lost(),
        Input::Timer { timer, .. } => match timer {
            Timer::Learner => return learner.timer(core, turn),
            Timer::Poll | Timer::Leader | Timer::HalfTick | Timer::Handler(_) => {}
        },
        Input::Written(ticket, _) if ticket.reign != core.reign => {}
        Input::Written(_, false) => return Err(Leave("Unexpected internal error")),
        Input::Written(ticket, true) => match ticket.kind {
            WriteKind::AcceptedEpoch => return learner.accepted_epoch_written(core, turn),
            WriteKind::CurrentEpoch => return learner.current_epoch_written(core, turn),
            WriteKind::Snapshot => return learner.snapshot_written(core, turn),
            WriteKind::Log => return learner.log_flushed(core, turn),
        },
        Input::Notification(_)
        | Input::ShutDown
        | Input::LeaderLoaded
        | Input::ServerStarted
        | Input::LearnerConnected(_)
        | Input::LearnerPacket(..)
        | Input::LearnerLost(_)
        | Input::Propose(_) => {}
    }
    Ok(())
}
