//! Learner: one follower, from the connect to the end of broadcast.
//!
//! Here: the connect and its retries, discovery, the three sync modes, the order of writes at
//! NEWLEADER, following.
//! Never here: sessions, forwarded requests, what a transaction means.
//! Modelled on: 3.8.4 `Learner`, `Follower`, `FollowerZooKeeperServer`, `SendAckRequestProcessor`.

use std::collections::VecDeque;

use super::core::{Core, Turn};
use super::interface::{Effect, Leave, Logged, Machine, Timer, ToLeader, ToLearner, WriteKind};
use super::rules::NewLeaderStep;
use super::types::{Epoch, Sid, Zxid};
use crate::engine::time::{Monotonic, SimDuration};

/// `connectToLeader` tries.
const CONNECT_TRIES: u32 = 5;

/// Where the thread stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A connect is under way.
    Connecting,
    /// Between two connects.
    RetrySleep,
    /// Reads LEADERINFO.
    AwaitLeaderInfo,
    /// Writes `acceptedEpoch`.
    PersistAccepted,
    /// Reads DIFF, TRUNC or SNAP.
    AwaitMode,
    /// Reads until NEWLEADER.
    Sync,
    /// Writes at NEWLEADER.
    AtNewLeader,
    /// Reads until UPTODATE.
    Sync2,
    /// Serves.
    Follow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    None,
    Diff,
    Trunc,
    Snap,
}

/// A follower of one leader. All volatile.
#[derive(Clone, Debug)]
pub struct Learner<M: Machine> {
    leader: Sid,
    phase: Phase,
    tries: u32,
    began: Monotonic,
    last_heard: Monotonic,
    /// As read before FOLLOWERINFO.
    last_zxid: Zxid,
    epoch: Epoch,
    mode: Mode,
    snapshot_needed: bool,
    write_to_log: bool,
    not_committed: VecDeque<Logged<M::Txn>>,
    committed: VecDeque<Zxid>,
    /// `pendingTxns`: logged or on the way, not committed.
    pending: VecDeque<Logged<M::Txn>>,
    /// Steps at NEWLEADER that are done.
    steps_done: usize,
    /// The log is awaited; its acknowledgements wait for UPTODATE.
    held_acks: Option<Vec<Zxid>>,
    /// Packets that came while the thread wrote.
    inbox: VecDeque<ToLearner<M>>,
    lost: bool,
}

impl<M: Machine> Learner<M> {
    /// `followLeader`: connects.
    pub fn new(leader: Sid, core: &Core<M>, turn: &mut Turn<'_, M>) -> Learner<M> {
        let mut learner = Learner {
            leader,
            phase: Phase::Connecting,
            tries: 0,
            began: turn.now,
            last_heard: turn.now,
            last_zxid: Zxid::ZERO,
            epoch: Epoch(0),
            mode: Mode::None,
            snapshot_needed: true,
            write_to_log: false,
            not_committed: VecDeque::new(),
            committed: VecDeque::new(),
            pending: VecDeque::new(),
            steps_done: 0,
            held_acks: None,
            inbox: VecDeque::new(),
            lost: false,
        };
        learner.dial(core.settings.connect_time(), turn);
        learner
    }

    /// Whether the server runs.
    pub fn following(&self) -> bool {
        self.phase == Phase::Follow
    }

    /// Whether NEWLEADER was acknowledged and UPTODATE not yet heard.
    pub fn between_new_leader_and_up_to_date(&self) -> bool {
        matches!(self.phase, Phase::AtNewLeader | Phase::Sync2) && self.mode == Mode::None
    }

    /// Whether the tree is a received state that no snapshot holds yet.
    pub fn holds_unsaved_state(&self) -> bool {
        self.mode == Mode::Snap
    }

    /// Whom it follows.
    pub const fn leader(&self) -> Sid {
        self.leader
    }

    /// The leader's reign.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn dial(&mut self, remaining: SimDuration, turn: &mut Turn<'_, M>) {
        self.phase = Phase::Connecting;
        self.tries += 1;
        turn.ask(Effect::DialLeader(self.leader));
        turn.ask(Effect::Arm(Timer::Learner, remaining));
    }

    /// A connect failed: sleep and try again, within tries and budget.
    pub fn refused(&mut self, core: &Core<M>, turn: &mut Turn<'_, M>) -> Result<(), Leave> {
        if self.phase != Phase::Connecting {
            return Ok(());
        }
        let budget = core.settings.connect_time();
        let remaining = budget.saturating_sub(turn.now.since(self.began));
        if remaining <= core.settings.connect_retry || CONNECT_TRIES <= self.tries {
            return Err(Leave("Failed connect to leader"));
        }
        self.phase = Phase::RetrySleep;
        turn.ask(Effect::Arm(Timer::Learner, core.settings.connect_retry));
        Ok(())
    }

    /// `registerWithLeader`.
    pub fn connected(&mut self, core: &Core<M>, turn: &mut Turn<'_, M>) {
        if self.phase != Phase::Connecting {
            return;
        }
        self.last_zxid = core.db.last_processed();
        self.phase = Phase::AwaitLeaderInfo;
        self.last_heard = turn.now;
        let (sid, accepted_epoch) = (core.settings.me, core.accepted_epoch);
        turn.ask(Effect::ToLeader(ToLeader::FollowerInfo { sid, accepted_epoch }));
        turn.ask(Effect::Arm(Timer::Learner, core.settings.init_time()));
    }

    /// The connection ended. While the thread writes, it hears of it afterwards.
    pub fn lost(&mut self) -> Result<(), Leave> {
        if self.writing() {
            self.lost = true;
            return Ok(());
        }
        Err(Leave("Exception when following the leader"))
    }

    /// The connect's budget, the sleep between two tries, or a read timed out.
    pub fn timer(&mut self, core: &Core<M>, turn: &mut Turn<'_, M>) -> Result<(), Leave> {
        match self.phase {
            Phase::Connecting => {
                turn.ask(Effect::HangUp);
                self.refused(core, turn)
            }
            Phase::RetrySleep => {
                let spent = turn.now.since(self.began);
                let remaining = core.settings.connect_time().saturating_sub(spent);
                if remaining.is_zero() {
                    return Err(Leave("connectToLeader exceeded on retries"));
                }
                self.dial(remaining, turn);
                Ok(())
            }
            Phase::AwaitLeaderInfo
            | Phase::AwaitMode
            | Phase::Sync
            | Phase::Sync2
            | Phase::Follow => {
                let (limit, silent) = (self.read_limit(core), turn.now.since(self.last_heard));
                if limit <= silent {
                    return Err(Leave("SocketTimeoutException: Read timed out"));
                }
                turn.ask(Effect::Arm(Timer::Learner, limit - silent));
                Ok(())
            }
            Phase::PersistAccepted | Phase::AtNewLeader => Ok(()),
        }
    }

    const fn read_limit(&self, core: &Core<M>) -> SimDuration {
        match self.phase {
            Phase::Sync2 | Phase::Follow => core.settings.sync_time(),
            Phase::Connecting
            | Phase::RetrySleep
            | Phase::AwaitLeaderInfo
            | Phase::PersistAccepted
            | Phase::AwaitMode
            | Phase::Sync
            | Phase::AtNewLeader => core.settings.init_time(),
        }
    }

    const fn writing(&self) -> bool {
        matches!(self.phase, Phase::PersistAccepted | Phase::AtNewLeader)
    }

    /// A packet of the leader.
    pub fn packet(
        &mut self,
        packet: ToLearner<M>,
        core: &mut Core<M>,
        turn: &mut Turn<'_, M>,
    ) -> Result<(), Leave> {
        if self.writing() {
            self.inbox.push_back(packet);
            return Ok(());
        }
        self.last_heard = turn.now;
        match self.phase {
            Phase::AwaitLeaderInfo => self.leader_info(&packet, core, turn),
            Phase::AwaitMode => self.begin_sync(packet, core, turn),
            Phase::Sync => self.sync(packet, core, turn),
            Phase::Sync2 => self.sync_2(packet, core, turn),
            Phase::Follow => {
                self.follow(packet, core, turn);
                Ok(())
            }
            Phase::Connecting | Phase::RetrySleep | Phase::PersistAccepted | Phase::AtNewLeader => {
                Err(Leave("a packet before the connection"))
            }
        }
    }

    fn leader_info(
        &mut self,
        packet: &ToLearner<M>,
        core: &Core<M>,
        turn: &mut Turn<'_, M>,
    ) -> Result<(), Leave> {
        let ToLearner::LeaderInfo { epoch } = *packet else {
            return Err(Leave("First packet should have been LEADERINFO"));
        };
        if epoch < core.accepted_epoch {
            return Err(Leave("Leaders epoch is less than accepted epoch"));
        }
        self.epoch = epoch;
        if core.accepted_epoch < epoch {
            self.phase = Phase::PersistAccepted;
            let ticket = core.ticket(WriteKind::AcceptedEpoch);
            turn.ask(Effect::WriteAcceptedEpoch(epoch, ticket));
            return Ok(());
        }
        self.ack_epoch(None, turn);
        Ok(())
    }

    fn ack_epoch(&mut self, current_epoch: Option<Epoch>, turn: &mut Turn<'_, M>) {
        let last_zxid = self.last_zxid;
        turn.ask(Effect::ToLeader(ToLeader::AckEpoch { current_epoch, last_zxid }));
        self.phase = Phase::AwaitMode;
    }

    /// `acceptedEpoch` is durable: only now the promise is sent.
    pub fn accepted_epoch_written(
        &mut self,
        core: &mut Core<M>,
        turn: &mut Turn<'_, M>,
    ) -> Result<(), Leave> {
        if self.phase != Phase::PersistAccepted {
            return Ok(());
        }
        core.accepted_epoch = self.epoch;
        self.ack_epoch(Some(core.current_epoch), turn);
        self.resume(core, turn)
    }

    /// Reads what came while the thread wrote.
    fn resume(&mut self, core: &mut Core<M>, turn: &mut Turn<'_, M>) -> Result<(), Leave> {
        self.last_heard = turn.now;
        turn.ask(Effect::Arm(Timer::Learner, self.read_limit(core)));
        while !self.writing() {
            match self.inbox.pop_front() {
                Some(packet) => self.packet(packet, core, turn)?,
                None if self.lost => return Err(Leave("Exception when following the leader")),
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// The first packet of `syncWithLeader`.
    fn begin_sync(
        &mut self,
        packet: ToLearner<M>,
        core: &mut Core<M>,
        turn: &mut Turn<'_, M>,
    ) -> Result<(), Leave> {
        match packet {
            ToLearner::Diff { .. } => {
                (self.mode, self.snapshot_needed, self.write_to_log) = (Mode::Diff, false, true);
            }
            ToLearner::Trunc { zxid } => {
                self.mode = Mode::Trunc;
                if !turn.volume.has_log() {
                    turn.ask(Effect::Exit("Not able to truncate the log"));
                    return Ok(());
                }
                turn.ask(Effect::TruncateLog(zxid));
                core.log.rolled();
                core.db.clear();
                core.db.load(turn.volume, Some(zxid));
                core.db.set_last_processed(zxid);
            }
            ToLearner::Snap { zxid, state } => {
                self.mode = Mode::Snap;
                core.db.replace(state, zxid);
            }
            ToLearner::LeaderInfo { .. }
            | ToLearner::NewLeader { .. }
            | ToLearner::UpToDate
            | ToLearner::Proposal(_)
            | ToLearner::Commit { .. }
            | ToLearner::Ping { .. }
            | ToLearner::Other => return Err(Leave("Got unexpected packet from leader")),
        }
        self.phase = Phase::Sync;
        Ok(())
    }

    fn sync(
        &mut self,
        packet: ToLearner<M>,
        core: &mut Core<M>,
        turn: &mut Turn<'_, M>,
    ) -> Result<(), Leave> {
        match packet {
            ToLearner::Proposal(logged) => self.not_committed.push_back(logged),
            ToLearner::Commit { zxid } => return self.commit_in_sync(zxid, core),
            ToLearner::NewLeader { .. } => {
                self.phase = Phase::AtNewLeader;
                let (zxid, state) = (core.db.last_processed(), core.db.tree().clone());
                if self.mode == Mode::Snap {
                    let ticket = core.ticket(WriteKind::Snapshot);
                    turn.ask(Effect::WriteSnapshot(zxid, state, Some(ticket)));
                    return Ok(());
                }
                if self.snapshot_needed {
                    turn.ask(Effect::WriteSnapshot(zxid, state, None));
                }
                return self.at_new_leader(core, turn);
            }
            ToLearner::LeaderInfo { .. }
            | ToLearner::Diff { .. }
            | ToLearner::Trunc { .. }
            | ToLearner::Snap { .. }
            | ToLearner::UpToDate
            | ToLearner::Ping { .. }
            | ToLearner::Other => {}
        }
        Ok(())
    }

    /// COMMIT during the sync. The head of the queue is looked at first, whatever is to be done
    /// with it: an empty queue is a NullPointerException (ZOOKEEPER-4394).
    fn commit_in_sync(&mut self, zxid: Zxid, core: &mut Core<M>) -> Result<(), Leave> {
        let Some(head) = self.not_committed.front() else {
            return Err(Leave("NullPointerException: no proposal for the commit"));
        };
        if self.write_to_log {
            self.committed.push_back(zxid);
        } else if head.zxid == zxid {
            core.db.process(head); // applied to memory at once, not logged
            self.not_committed.pop_front();
        }
        Ok(())
    }

    /// The received state is durable.
    pub fn snapshot_written(
        &mut self,
        core: &mut Core<M>,
        turn: &mut Turn<'_, M>,
    ) -> Result<(), Leave> {
        if self.phase == Phase::AtNewLeader { self.at_new_leader(core, turn) } else { Ok(()) }
    }

    /// `currentEpoch` is durable.
    pub fn current_epoch_written(
        &mut self,
        core: &mut Core<M>,
        turn: &mut Turn<'_, M>,
    ) -> Result<(), Leave> {
        if self.phase != Phase::AtNewLeader {
            return Ok(());
        }
        core.current_epoch = self.epoch;
        self.steps_done += 1;
        self.at_new_leader(core, turn)
    }

    /// NEWLEADER, step by step, in the order that the rules give.
    fn at_new_leader(&mut self, core: &mut Core<M>, turn: &mut Turn<'_, M>) -> Result<(), Leave> {
        self.write_to_log = true;
        let steps = core.rules.at_new_leader;
        while let Some(step) = steps.get(self.steps_done) {
            match step {
                NewLeaderStep::PersistEpoch => {
                    let ticket = core.ticket(WriteKind::CurrentEpoch);
                    turn.ask(Effect::WriteCurrentEpoch(self.epoch, ticket));
                    return Ok(());
                }
                NewLeaderStep::QueueToLog => {
                    self.mode = Mode::None;
                    self.queue_to_log(core, turn);
                }
                NewLeaderStep::LogAndSync => {
                    if self.held_acks.is_none() {
                        self.held_acks = Some(Vec::new());
                        self.queue_to_log(core, turn);
                    }
                    if !core.log.idle() {
                        return Ok(());
                    }
                }
                NewLeaderStep::Acknowledge => {
                    self.mode = Mode::None;
                    self.phase = Phase::Sync2;
                    let zxid = Zxid::of(self.epoch, 0);
                    turn.ask(Effect::ToLeader(ToLeader::Ack { zxid }));
                }
            }
            self.steps_done += 1;
        }
        self.resume(core, turn)
    }

    /// Every queued proposal to `pendingTxns` and to the log thread.
    fn queue_to_log(&mut self, core: &mut Core<M>, turn: &mut Turn<'_, M>) {
        for logged in std::mem::take(&mut self.not_committed) {
            self.log_request(logged, core);
        }
        core.kick_log(turn);
    }

    fn log_request(&mut self, logged: Logged<M::Txn>, core: &mut Core<M>) {
        self.pending.push_back(logged.clone());
        core.log.submit(logged);
    }

    /// Between NEWLEADER and UPTODATE.
    fn sync_2(
        &mut self,
        packet: ToLearner<M>,
        core: &mut Core<M>,
        turn: &mut Turn<'_, M>,
    ) -> Result<(), Leave> {
        match packet {
            ToLearner::Proposal(logged) => self.not_committed.push_back(logged),
            ToLearner::Commit { zxid } => return self.commit_in_sync(zxid, core),
            ToLearner::UpToDate => self.up_to_date(core, turn),
            ToLearner::LeaderInfo { .. }
            | ToLearner::Diff { .. }
            | ToLearner::Trunc { .. }
            | ToLearner::Snap { .. }
            | ToLearner::NewLeader { .. }
            | ToLearner::Ping { .. } // ignored, not answered
            | ToLearner::Other => {}
        }
        Ok(())
    }

    fn up_to_date(&mut self, core: &mut Core<M>, turn: &mut Turn<'_, M>) {
        self.phase = Phase::Follow;
        let zxid = Zxid::of(self.epoch, 0);
        turn.ask(Effect::ToLeader(ToLeader::Ack { zxid }));
        for zxid in self.held_acks.take().unwrap_or_default() {
            turn.ask(Effect::ToLeader(ToLeader::Ack { zxid }));
        }
        turn.ask(Effect::Follows(self.epoch));
        self.queue_to_log(core, turn);
        for zxid in std::mem::take(&mut self.committed) {
            self.commit(zxid, core, turn);
        }
    }

    fn follow(&mut self, packet: ToLearner<M>, core: &mut Core<M>, turn: &mut Turn<'_, M>) {
        match packet {
            ToLearner::Ping { zxid } => turn.ask(Effect::ReplyPing(zxid)),
            ToLearner::Proposal(logged) => {
                self.log_request(logged, core);
                core.kick_log(turn);
            }
            ToLearner::Commit { zxid } => self.commit(zxid, core, turn),
            ToLearner::LeaderInfo { .. }
            | ToLearner::Diff { .. }
            | ToLearner::Trunc { .. }
            | ToLearner::Snap { .. }
            | ToLearner::NewLeader { .. }
            | ToLearner::UpToDate
            | ToLearner::Other => {}
        }
    }

    /// `FollowerZooKeeperServer#commit`. It does not wait for the own fsync.
    fn commit(&mut self, zxid: Zxid, core: &mut Core<M>, turn: &mut Turn<'_, M>) {
        let Some(head) = self.pending.pop_front() else { return }; // only a warning
        if head.zxid != zxid {
            return turn.ask(Effect::Exit("UNMATCHED_TXN_COMMIT"));
        }
        core.commit(head, turn);
    }

    /// `SendAckRequestProcessor`: a batch is durable.
    pub fn log_flushed(&mut self, core: &mut Core<M>, turn: &mut Turn<'_, M>) -> Result<(), Leave> {
        let durable = core.log_flushed(turn);
        match &mut self.held_acks {
            Some(held) => held.extend(durable),
            None => {
                for zxid in durable {
                    turn.ask(Effect::ToLeader(ToLeader::Ack { zxid }));
                }
            }
        }
        if self.phase == Phase::AtNewLeader { self.at_new_leader(core, turn) } else { Ok(()) }
    }
}
