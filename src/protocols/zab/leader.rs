//! Leader: one reign, from discovery to the end of broadcast.
//!
//! Here: epochs and quorums of discovery and synchronization, proposals and their commit, ticks.
//! Never here: the election, sessions, what a transaction means.
//! Modelled on: 3.8.4 `Leader`, and the part of `LearnerHandler#run` that waits for it.
//! Left out: observers, reconfiguration, `leader.maxTimeToWaitForEpoch`.

use std::collections::{BTreeMap, BTreeSet};

use super::core::{Core, Turn};
use super::interface::{Effect, Leave, Logged, Machine, Timer, ToLeader, ToLearner, WriteKind};
use super::learner_handler::{LearnerHandler, State};
use super::rules::CommitCase;
use super::sync;
use super::types::{Epoch, Link, Sid, Zxid};

/// Where the main thread stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The port is being bound, the database loaded.
    Binding,
    /// In `getEpochToPropose`.
    AwaitEpoch,
    /// In `waitForEpochAck`.
    AwaitEpochAck,
    /// Writes `currentEpoch`.
    PersistEpoch,
    /// In `waitForNewLeaderAck`.
    AwaitNewLeaderQuorum,
    /// In `startZkServer`.
    Starting,
    /// In the half-tick loop.
    Broadcast,
}

#[derive(Clone, Debug)]
struct Proposal<T> {
    txn: T,
    acks: BTreeSet<Sid>,
}

/// A reign. All volatile.
#[derive(Clone, Debug)]
pub struct Leader<M: Machine> {
    phase: Phase,
    epoch: Epoch,
    epoch_fixed: bool,
    epoch_durable: bool,
    connecting: BTreeSet<Sid>,
    summary: (Epoch, Zxid),
    election_finished: bool,
    electing: BTreeSet<Sid>,
    quorum_formed: bool,
    new_leader_acks: BTreeSet<Sid>,
    last_proposed: Zxid,
    last_committed: Zxid,
    outstanding: BTreeMap<Zxid, Proposal<M::Txn>>,
    handlers: BTreeMap<Link, LearnerHandler>,
    tick: u64,
    tick_skip: bool,
}

impl<M: Machine> Leader<M> {
    /// `Leader` constructor: binds the port.
    pub fn new(turn: &mut Turn<'_, M>) -> Leader<M> {
        turn.ask(Effect::OpenQuorumPort);
        Leader {
            phase: Phase::Binding,
            epoch: Epoch(0),
            epoch_fixed: false,
            epoch_durable: false,
            connecting: BTreeSet::new(),
            summary: (Epoch(0), Zxid::ZERO),
            election_finished: false,
            electing: BTreeSet::new(),
            quorum_formed: false,
            new_leader_acks: BTreeSet::new(),
            last_proposed: Zxid::ZERO,
            last_committed: Zxid::ZERO,
            outstanding: BTreeMap::new(),
            handlers: BTreeMap::new(),
            tick: 0,
            tick_skip: true,
        }
    }

    /// Whether the server runs.
    pub fn broadcasting(&self) -> bool {
        self.phase == Phase::Broadcast
    }

    /// The reign.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The last proposal; its commit answers a `sync()`.
    pub const fn last_proposed(&self) -> Zxid {
        self.last_proposed
    }

    /// Whether anything is proposed and not committed.
    pub fn has_outstanding(&self) -> bool {
        !self.outstanding.is_empty()
    }

    /// The learner behind a connection that is past its sync.
    pub fn active_learner(&self, link: Link) -> Option<Sid> {
        let handler = self.handlers.get(&link).filter(|handler| handler.state == State::Active)?;
        handler.sid
    }

    /// `lead()`, after `loadData`: discovery begins; connections that waited are served.
    pub fn loaded(&mut self, core: &mut Core<M>, turn: &mut Turn<'_, M>) {
        if self.phase != Phase::Binding {
            return;
        }
        self.summary = (core.current_epoch, core.db.last_processed());
        self.phase = Phase::AwaitEpoch;
        turn.ask(Effect::Arm(Timer::Leader, core.settings.init_time()));
        self.propose_epoch(core.settings.me, core.accepted_epoch, core, turn);
        let waiting: Vec<Link> = self.handlers.keys().copied().collect();
        for link in waiting {
            self.begin_reading(link, core, turn);
        }
    }

    /// `LearnerCnxAcceptor`: before discovery a connection waits in the backlog.
    pub fn connected(&mut self, link: Link, core: &mut Core<M>, turn: &mut Turn<'_, M>) {
        let deadline = core.settings.init_limit + core.settings.sync_limit;
        self.handlers.insert(link, LearnerHandler::new(turn.now, self.tick + deadline));
        if self.phase != Phase::Binding {
            self.begin_reading(link, core, turn);
        }
    }

    fn begin_reading(&mut self, link: Link, core: &mut Core<M>, turn: &mut Turn<'_, M>) {
        if let Some(handler) = self.handlers.get_mut(&link) {
            handler.since = turn.now;
        }
        turn.ask(Effect::Arm(Timer::Handler(link), core.settings.init_time()));
        self.resume(link, core, turn);
    }

    /// A learner's connection ended: its handler learns of it when it next reads.
    pub fn lost(&mut self, link: Link, turn: &mut Turn<'_, M>) {
        let Some(handler) = self.handlers.get_mut(&link) else { return };
        handler.broken = true;
        if !handler.state.blocked() && self.phase != Phase::Binding {
            self.end(link, turn);
        }
    }

    /// The handler's thread ends.
    fn end(&mut self, link: Link, turn: &mut Turn<'_, M>) {
        if let Some(handler) = self.handlers.remove(&link) {
            turn.ask(Effect::Cancel(Timer::Handler(link)));
            if !handler.broken {
                turn.ask(Effect::CloseLearner(link));
            }
        }
    }

    /// A read timed out, or a wait for a quorum did.
    pub fn handler_timer(&mut self, link: Link, core: &Core<M>, turn: &mut Turn<'_, M>) {
        let Some(handler) = self.handlers.get(&link) else { return };
        let limit = match handler.state {
            State::Hello
            | State::AwaitEpoch
            | State::AckEpoch
            | State::AwaitEpochAck
            | State::NewLeaderAck
            | State::AwaitNewLeaderQuorum => core.settings.init_time(),
            State::AwaitStartup => return,
            State::Active => core.settings.sync_time(),
        };
        let silent = turn.now.since(handler.since);
        if limit <= silent {
            return self.end(link, turn);
        }
        turn.ask(Effect::Arm(Timer::Handler(link), limit - silent));
    }

    /// A packet of a learner.
    pub fn packet(
        &mut self,
        (link, packet): (Link, ToLeader),
        core: &mut Core<M>,
        turn: &mut Turn<'_, M>,
    ) {
        let Some(handler) = self.handlers.get_mut(&link) else { return };
        if handler.state.blocked() || self.phase == Phase::Binding {
            return handler.inbox.push_back(packet);
        }
        self.read((link, packet), core, turn);
    }

    fn read(
        &mut self,
        (link, packet): (Link, ToLeader),
        core: &mut Core<M>,
        turn: &mut Turn<'_, M>,
    ) {
        let tick = self.tick;
        let Some(handler) = self.handlers.get_mut(&link) else { return };
        handler.since = turn.now;
        match (handler.state, packet) {
            (State::Hello, ToLeader::FollowerInfo { sid, accepted_epoch }) => {
                handler.sid = Some(sid);
                let limits = core.settings.init_limit + core.settings.sync_limit;
                handler.deadline_tick = tick + limits;
                self.block(link, State::AwaitEpoch, core, turn);
                self.propose_epoch(sid, accepted_epoch, core, turn);
            }
            (State::AckEpoch, ToLeader::AckEpoch { current_epoch, last_zxid }) => {
                handler.last_zxid = last_zxid;
                let sid = handler.sid.expect("FOLLOWERINFO came first");
                self.block(link, State::AwaitEpochAck, core, turn);
                if !self.count_epoch_ack(sid, current_epoch, last_zxid, core) {
                    return self.end(link, turn); // it knows more than this leader
                }
                self.epoch_acks_counted(core, turn);
            }
            (State::NewLeaderAck, ToLeader::Ack { zxid }) => {
                let sid = handler.sid.expect("FOLLOWERINFO came first");
                self.block(link, State::AwaitNewLeaderQuorum, core, turn);
                self.new_leader_ack(sid, zxid, Some(link), core, turn);
            }
            (State::Active, packet) => {
                handler.deadline_tick = tick + core.settings.sync_limit;
                let sid = handler.sid.expect("FOLLOWERINFO came first");
                if let ToLeader::Ack { zxid } = packet {
                    handler.sync_limit.acknowledged(zxid);
                    self.process_ack(sid, zxid, core, turn);
                }
            }
            // Not what the handler expects: it ends.
            (State::Hello, ToLeader::AckEpoch { .. } | ToLeader::Ack { .. } | ToLeader::Other)
            | (
                State::AckEpoch,
                ToLeader::FollowerInfo { .. } | ToLeader::Ack { .. } | ToLeader::Other,
            )
            | (
                State::NewLeaderAck,
                ToLeader::FollowerInfo { .. } | ToLeader::AckEpoch { .. } | ToLeader::Other,
            ) => self.end(link, turn),
            (
                State::AwaitEpoch
                | State::AwaitEpochAck
                | State::AwaitNewLeaderQuorum
                | State::AwaitStartup,
                _,
            ) => unreachable!("a blocked handler reads nothing"),
        }
    }

    fn block(&mut self, link: Link, state: State, core: &Core<M>, turn: &mut Turn<'_, M>) {
        if let Some(handler) = self.handlers.get_mut(&link) {
            handler.enter(state, turn.now);
            turn.ask(Effect::Arm(Timer::Handler(link), core.settings.init_time()));
        }
    }

    /// Reads what came while the handler was blocked, and then notices a broken connection.
    fn resume(&mut self, link: Link, core: &mut Core<M>, turn: &mut Turn<'_, M>) {
        while let Some(handler) = self.handlers.get_mut(&link) {
            if handler.state.blocked() {
                return;
            }
            match handler.inbox.pop_front() {
                Some(packet) => self.read((link, packet), core, turn),
                None if handler.broken => return self.end(link, turn),
                None => return,
            }
        }
    }

    /// The handlers in a state, oldest connection first.
    fn links_in(&self, state: State) -> Vec<Link> {
        let there = self.handlers.iter().filter(|(_, handler)| handler.state == state);
        there.map(|(link, _)| *link).collect()
    }

    /// `getEpochToPropose`: one more than the highest of a quorum that includes the leader.
    fn propose_epoch(
        &mut self,
        sid: Sid,
        accepted: Epoch,
        core: &mut Core<M>,
        turn: &mut Turn<'_, M>,
    ) {
        if self.epoch_fixed {
            return self.epoch_known(core, turn);
        }
        if self.epoch <= accepted {
            self.epoch = accepted.next();
        }
        self.connecting.insert(sid);
        if self.connecting.contains(&core.settings.me) && core.is_quorum(self.connecting.len()) {
            self.epoch_fixed = true;
            let ticket = core.ticket(WriteKind::AcceptedEpoch);
            turn.ask(Effect::WriteAcceptedEpoch(self.epoch, ticket));
        }
    }

    /// The thread that completed the quorum has written `acceptedEpoch`.
    pub fn accepted_epoch_written(&mut self, core: &mut Core<M>, turn: &mut Turn<'_, M>) {
        core.accepted_epoch = self.epoch;
        self.epoch_durable = true;
        self.last_proposed = Zxid::of(self.epoch, 0);
        self.phase = Phase::AwaitEpochAck;
        turn.ask(Effect::Arm(Timer::Leader, core.settings.init_time()));
        self.epoch_known(core, turn);
        let (epoch, zxid) = self.summary;
        let counted = self.count_epoch_ack(core.settings.me, Some(epoch), zxid, core);
        assert!(counted, "no one is more recent than itself");
        self.epoch_acks_counted(core, turn);
    }

    fn epoch_known(&mut self, core: &mut Core<M>, turn: &mut Turn<'_, M>) {
        if !self.epoch_durable {
            return; // the write is done under the lock that all wait for
        }
        for link in self.links_in(State::AwaitEpoch) {
            turn.ask(Effect::ToLearner(link, ToLearner::LeaderInfo { epoch: self.epoch }));
            self.block(link, State::AckEpoch, core, turn);
            self.resume(link, core, turn);
        }
    }

    /// `waitForEpochAck`. False: the follower is more recent, its handler ends.
    fn count_epoch_ack(
        &mut self,
        sid: Sid,
        current: Option<Epoch>,
        zxid: Zxid,
        core: &Core<M>,
    ) -> bool {
        if self.election_finished {
            return true;
        }
        if let Some(epoch) = current {
            if (core.rules.more_recent)((epoch, zxid), self.summary) {
                return false;
            }
            self.electing.insert(sid);
        }
        true
    }

    fn epoch_acks_counted(&mut self, core: &mut Core<M>, turn: &mut Turn<'_, M>) {
        let with_me = self.electing.contains(&core.settings.me);
        if !self.election_finished && with_me && core.is_quorum(self.electing.len()) {
            self.election_finished = true;
            self.phase = Phase::PersistEpoch;
            turn.ask(Effect::Cancel(Timer::Leader));
            let ticket = core.ticket(WriteKind::CurrentEpoch);
            turn.ask(Effect::WriteCurrentEpoch(self.epoch, ticket));
        }
        if self.election_finished {
            for link in self.links_in(State::AwaitEpochAck) {
                self.sync(link, core, turn);
            }
        }
    }

    /// `syncFollower`, `startForwarding`, NEWLEADER.
    fn sync(&mut self, link: Link, core: &mut Core<M>, turn: &mut Turn<'_, M>) {
        let Some(handler) = self.handlers.get(&link) else { return };
        let plan = sync::plan(&core.db, turn.volume, handler.last_zxid);
        if plan.packets.is_empty() {
            let (zxid, state) = (core.db.last_processed(), core.db.tree().clone());
            turn.ask(Effect::ToLearner(link, ToLearner::Snap { zxid, state }));
        }
        for packet in plan.packets {
            turn.ask(Effect::ToLearner(link, packet));
        }
        // What is committed is applied within the same step here: `toBeApplied` is empty.
        for (zxid, proposal) in self.outstanding.range(plan.forward_after.next()..) {
            let logged = Logged { zxid: *zxid, txn: proposal.txn.clone() };
            turn.ask(Effect::ToLearner(link, ToLearner::Proposal(logged)));
        }
        turn.ask(Effect::ToLearner(link, ToLearner::NewLeader { epoch: self.epoch }));
        self.block(link, State::NewLeaderAck, core, turn);
        self.resume(link, core, turn);
    }

    /// `setCurrentEpoch` of the main thread, which then acknowledges its own NEWLEADER.
    pub fn current_epoch_written(&mut self, core: &mut Core<M>, turn: &mut Turn<'_, M>) {
        core.current_epoch = self.epoch;
        self.phase = Phase::AwaitNewLeaderQuorum;
        turn.ask(Effect::Arm(Timer::Leader, core.settings.init_time()));
        let zxid = Zxid::of(self.epoch, 0);
        self.new_leader_ack(core.settings.me, zxid, None, core, turn);
    }

    /// `waitForNewLeaderAck`. A wrong zxid passes uncounted.
    #[expect(clippy::too_many_arguments, reason = "the thread's argument and who it is")]
    fn new_leader_ack(
        &mut self,
        sid: Sid,
        zxid: Zxid,
        link: Option<Link>,
        core: &mut Core<M>,
        turn: &mut Turn<'_, M>,
    ) {
        let right = zxid == Zxid::of(self.epoch, 0);
        if !self.quorum_formed && right {
            self.new_leader_acks.insert(sid);
            self.quorum_formed = core.is_quorum(self.new_leader_acks.len());
        }
        if self.quorum_formed {
            for link in self.links_in(State::AwaitNewLeaderQuorum) {
                self.await_startup(link, core, turn);
            }
            if self.phase == Phase::AwaitNewLeaderQuorum {
                self.phase = Phase::Starting;
                turn.ask(Effect::Cancel(Timer::Leader));
                turn.ask(Effect::StartServer { epoch: self.epoch });
            }
        } else if let Some(link) = link.filter(|_| !right) {
            self.await_startup(link, core, turn);
        }
    }

    fn await_startup(&mut self, link: Link, core: &mut Core<M>, turn: &mut Turn<'_, M>) {
        if let Some(handler) = self.handlers.get_mut(&link) {
            handler.sync_limit.start();
            handler.enter(State::AwaitStartup, turn.now);
        }
        if self.phase == Phase::Broadcast {
            self.activate(link, core, turn);
        }
    }

    fn activate(&mut self, link: Link, core: &mut Core<M>, turn: &mut Turn<'_, M>) {
        if let Some(handler) = self.handlers.get_mut(&link) {
            handler.enter(State::Active, turn.now);
            turn.ask(Effect::ToLearner(link, ToLearner::UpToDate));
            turn.ask(Effect::Arm(Timer::Handler(link), core.settings.sync_time()));
            self.resume(link, core, turn);
        }
    }

    /// `startZkServer` is over: all of the leader's history is committed.
    pub fn server_started(&mut self, core: &mut Core<M>, turn: &mut Turn<'_, M>) {
        if self.phase != Phase::Starting {
            return;
        }
        self.phase = Phase::Broadcast;
        self.last_committed = Zxid::of(self.epoch, 0);
        core.db.set_last_processed(self.last_committed);
        turn.ask(Effect::Leads(self.epoch));
        turn.ask(Effect::Arm(Timer::HalfTick, core.settings.tick.scaled(1, 2)));
        for link in self.links_in(State::AwaitStartup) {
            self.activate(link, core, turn);
        }
    }

    /// The end of `lead`'s loop, each half tick.
    pub fn half_tick(&mut self, core: &Core<M>, turn: &mut Turn<'_, M>) -> Result<(), Leave> {
        if !self.tick_skip {
            self.tick += 1;
            if !core.is_quorum(self.synced(core.settings.me).len()) {
                return Err(Leave("Not sufficient followers synced"));
            }
        }
        self.tick_skip = !self.tick_skip;
        let zxid = self.last_proposed;
        let links: Vec<Link> = self.handlers.keys().copied().collect();
        for link in links {
            let handler = &self.handlers[&link];
            if !handler.state.forwarding() {
                continue; // the sender thread does not run yet
            }
            if handler.sync_limit.holds(turn.now, core.settings.sync_time()) {
                turn.ask(Effect::ToLearner(link, ToLearner::Ping { zxid }));
            } else {
                self.end(link, turn); // "transaction timeout"
            }
        }
        turn.ask(Effect::Arm(Timer::HalfTick, core.settings.tick.scaled(1, 2)));
        Ok(())
    }

    /// The leader and every learner that was heard of lately; one that still syncs counts.
    fn synced(&self, me: Sid) -> BTreeSet<Sid> {
        let heard = self.handlers.values().filter(|handler| handler.synced(self.tick));
        heard.filter_map(|handler| handler.sid).chain([me]).collect()
    }

    /// The main thread waited `initLimit` for a quorum.
    pub fn main_timer(&self) -> Result<(), Leave> {
        match self.phase {
            Phase::AwaitEpoch => Err(Leave("Timeout while waiting for epoch from quorum")),
            Phase::AwaitEpochAck => Err(Leave("Timeout while waiting for epoch to be acked")),
            Phase::AwaitNewLeaderQuorum => {
                Err(Leave("Waiting for a quorum of followers, only synced with a minority"))
            }
            Phase::Binding | Phase::PersistEpoch | Phase::Starting | Phase::Broadcast => Ok(()),
        }
    }

    /// `propose`: the next zxid, to every forwarding learner, then to the own log.
    pub fn propose(
        &mut self,
        txn: M::Txn,
        core: &mut Core<M>,
        turn: &mut Turn<'_, M>,
    ) -> Result<(), Leave> {
        assert_eq!(self.phase, Phase::Broadcast, "only a running server prepares requests");
        let zxid = self.last_proposed.next();
        if zxid.counter() == Zxid::COUNTER_MAX {
            return Err(Leave("zxid lower 32 bits have rolled over, forcing re-election"));
        }
        self.last_proposed = zxid;
        let logged = Logged { zxid, txn };
        let acks = BTreeSet::new();
        self.outstanding.insert(zxid, Proposal { txn: logged.txn.clone(), acks });
        for (link, handler) in &mut self.handlers {
            if handler.state.forwarding() {
                handler.sync_limit.written(zxid, turn.now);
                turn.ask(Effect::ToLearner(*link, ToLearner::Proposal(logged.clone())));
            }
        }
        core.log.submit(logged);
        core.kick_log(turn);
        Ok(())
    }

    /// `AckRequestProcessor`: the own log is durable up to here.
    pub fn log_flushed(&mut self, core: &mut Core<M>, turn: &mut Turn<'_, M>) {
        for zxid in core.log_flushed(turn) {
            self.process_ack(core.settings.me, zxid, core, turn);
        }
    }

    /// `processAck`, `tryToCommit`.
    fn process_ack(&mut self, sid: Sid, zxid: Zxid, core: &mut Core<M>, turn: &mut Turn<'_, M>) {
        if zxid.counter() == 0 || zxid <= self.last_committed {
            return;
        }
        let previous_outstanding = self.outstanding.contains_key(&Zxid(zxid.0 - 1));
        let Some(proposal) = self.outstanding.get_mut(&zxid) else { return };
        proposal.acks.insert(sid);
        let case = CommitCase {
            previous_outstanding,
            acks: proposal.acks.len(),
            voters: core.settings.voters.len(),
        };
        if !(core.rules.may_commit)(&case) {
            return;
        }
        turn.out.invariant("model/zab-commit-in-order", zxid == self.last_committed.next());
        let proposal = self.outstanding.remove(&zxid).expect("it was just there");
        self.last_committed = zxid;
        for (link, handler) in &self.handlers {
            if handler.state.forwarding() {
                turn.ask(Effect::ToLearner(*link, ToLearner::Commit { zxid }));
            }
        }
        core.commit(Logged { zxid, txn: proposal.txn }, turn);
    }

    /// `Leader#shutdown`: the log thread is joined and flushed, the handlers' sockets closed.
    pub fn shut_down(&mut self, core: &mut Core<M>, turn: &mut Turn<'_, M>) {
        for logged in core.log.drain() {
            turn.ask(Effect::Append(logged));
        }
        turn.ask(Effect::SyncLog(core.ticket(WriteKind::Log)));
        let links: Vec<Link> = self.handlers.keys().copied().collect();
        for link in links {
            self.end(link, turn);
        }
        turn.ask(Effect::Cancel(Timer::Leader));
        turn.ask(Effect::Cancel(Timer::HalfTick));
    }
}
