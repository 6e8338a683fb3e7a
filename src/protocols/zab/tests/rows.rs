//! Rows: the reference's tables of the learner and of the leader's handlers, step by step.
//!
//! Here: one peer, fed by hand.
//! Never here: several peers (`world`).
//! Modelled on: reference/zookeeper.md 2.3, 2.5, 2.6, 2.7, 13.3, 13.4.

use std::collections::VecDeque;

use super::super::interface::{Input, Logged, Ticket, Timer, ToLeader, ToLearner};
use super::super::peer::Peer;
use super::super::rules::Rules;
use super::super::types::{
    Ballot, Epoch, Link, Notification, PeerState, Round, Settings, Sid, Zxid,
};
use super::disk::{Counted, Disk};
use super::words::{tickets, words};
use crate::engine::time::{Monotonic, SimDuration};
use crate::protocols::Outbox;

fn z(epoch: u32, counter: u32) -> Zxid {
    Zxid::of(Epoch(epoch), counter)
}

fn logged(epoch: u32, counter: u32) -> Logged<u64> {
    Logged { zxid: z(epoch, counter), txn: u64::from(counter) }
}

struct Stage {
    peer: Peer<Counted>,
    disk: Disk,
    now: Monotonic,
    writes: VecDeque<Ticket>,
}

impl Stage {
    /// Server `me` of three, whose disk holds (1, 1) and (1, 2) of epoch 1.
    fn new(me: u32) -> Stage {
        let disk = Disk {
            log: vec![logged(1, 1), logged(1, 2)],
            synced: 2,
            accepted_epoch: Some(Epoch(1)),
            current_epoch: Some(Epoch(1)),
            ..Disk::default()
        };
        let mut peer = Peer::recover(Settings::sample(me, 3), Rules::V3_8_4, &disk);
        peer.start(&mut Outbox::default());
        Stage { peer, disk, now: Monotonic::default(), writes: VecDeque::new() }
    }

    fn hears(&mut self, input: Input<Counted>) -> Vec<String> {
        let mut out = Outbox::default();
        self.peer.step(self.now, input, &self.disk, &mut out);
        assert_eq!(out.broken, [""; 0]);
        self.writes.extend(tickets(&out.effects));
        words(&out.effects)
    }

    /// The oldest write that is under way is durable.
    fn durable(&mut self) -> Vec<String> {
        let ticket = self.writes.pop_front().expect("a write is under way");
        self.hears(Input::Written(ticket, true))
    }

    fn after(&mut self, span: SimDuration, timer: Timer) -> Vec<String> {
        self.now = self.now + span;
        self.hears(Input::Timer { timer, delivered: true })
    }

    fn leader_says(&mut self, packet: ToLearner<Counted>) -> Vec<String> {
        self.hears(Input::LeaderPacket(packet))
    }

    fn learner_says(&mut self, link: u64, packet: ToLeader) -> Vec<String> {
        self.hears(Input::LearnerPacket(Link(link), packet))
    }

    fn votes(&mut self, from: u32, leader: u32) {
        let ballot = Ballot { epoch: Epoch(1), zxid: z(1, 2), leader: Sid(leader) };
        let (round, state) = (Round(1), PeerState::Looking);
        self.hears(Input::Notification(Notification { from: Sid(from), ballot, round, state }));
    }

    /// Server 1, which has chosen 3.
    fn follower() -> Stage {
        let mut stage = Stage::new(1);
        stage.votes(3, 3);
        stage.votes(1, 3);
        assert_eq!(stage.after(SimDuration::from_millis(200), Timer::Poll), ["dial 3"]);
        stage
    }

    /// A follower of epoch 2 that has promised and reads the sync.
    fn syncing() -> Stage {
        let mut stage = Stage::follower();
        assert_eq!(stage.hears(Input::LeaderConnected), ["FOLLOWERINFO 1"]);
        assert_eq!(
            stage.leader_says(ToLearner::LeaderInfo { epoch: Epoch(2) }),
            ["acceptedEpoch:=2"] // durable before the promise is sent
        );
        assert_eq!(stage.durable(), ["ACKEPOCH 1 1.2"]);
        stage
    }

    /// Server 3, which has won; 2 and 1 have connected on links 1 and 2.
    fn leader() -> Stage {
        let mut stage = Stage::new(3);
        stage.votes(2, 3);
        stage.votes(3, 3);
        assert_eq!(stage.after(SimDuration::from_millis(200), Timer::Poll), ["open"]);
        for link in [1, 2] {
            assert!(stage.hears(Input::LearnerConnected(Link(link))).is_empty());
        }
        let info = ToLeader::FollowerInfo { sid: Sid(2), accepted_epoch: Epoch(1) };
        // In the backlog until the database is loaded.
        assert!(stage.learner_says(1, info).is_empty());
        assert_eq!(stage.hears(Input::LeaderLoaded), ["acceptedEpoch:=2"]);
        assert_eq!(stage.durable(), ["1<LEADERINFO 2"]);
        stage
    }

    /// A leader of epoch 2 that serves with server 2 (link 1); server 1 (link 2) says nothing.
    fn broadcasting() -> Stage {
        let mut stage = Stage::leader();
        let ack = ToLeader::AckEpoch { current_epoch: Some(Epoch(1)), last_zxid: z(1, 2) };
        let said = stage.learner_says(1, ack);
        assert_eq!(said, ["currentEpoch:=2", "1<DIFF 1.2", "1<NEWLEADER 2"]);
        assert!(stage.durable().is_empty()); // its own acknowledgement
        assert_eq!(stage.learner_says(1, ToLeader::Ack { zxid: z(2, 0) }), ["start 2"]);
        assert_eq!(stage.hears(Input::ServerStarted), ["leads 2", "1<UPTODATE"]);
        stage
    }
}

#[test]
fn a_refused_connect_is_tried_five_times_100_ms_apart() {
    let mut stage = Stage::follower();
    for _ in 0..4 {
        assert!(stage.hears(Input::LeaderRefused).is_empty());
        assert_eq!(stage.after(SimDuration::from_millis(100), Timer::Learner), ["dial 3"]);
    }
    assert_eq!(stage.hears(Input::LeaderRefused), ["hang up", "leave: Failed connect to leader"]);
}

#[test]
fn a_silent_leader_host_costs_the_whole_budget_in_one_attempt() {
    let mut stage = Stage::follower();
    let budget = SimDuration::from_secs(20);
    let said = stage.after(budget, Timer::Learner);
    assert_eq!(said, ["hang up", "hang up", "leave: Failed connect to leader"]);
}

#[test]
fn a_promise_that_was_given_before_does_not_count() {
    let mut stage = Stage::follower();
    stage.hears(Input::LeaderConnected);
    let said = stage.leader_says(ToLearner::LeaderInfo { epoch: Epoch(1) });
    assert_eq!(said, ["ACKEPOCH - 1.2"]);
    let mut stage = Stage::follower();
    stage.hears(Input::LeaderConnected);
    let said = stage.leader_says(ToLearner::LeaderInfo { epoch: Epoch(0) });
    assert_eq!(said[1], "leave: Leaders epoch is less than accepted epoch");
}

/// 3.8.4: the epoch, then the log, which nobody awaits, then the acknowledgement.
#[test]
fn diff_the_acknowledgement_of_newleader_waits_for_the_epoch_alone() {
    let mut stage = Stage::syncing();
    stage.leader_says(ToLearner::Diff { zxid: z(1, 3) });
    stage.leader_says(ToLearner::Proposal(logged(1, 3)));
    stage.leader_says(ToLearner::Commit { zxid: z(1, 3) });
    let said = stage.leader_says(ToLearner::NewLeader { epoch: Epoch(2) });
    assert_eq!(said, ["currentEpoch:=2"]);
    assert_eq!(stage.durable(), ["append 1.3", "fsync", "ACK 2.0"]);
    assert_eq!(stage.peer.database().last_processed(), z(1, 2)); // not applied
    let said = stage.leader_says(ToLearner::UpToDate);
    assert_eq!(said, ["ACK 2.0", "follows 2", "commit 1.3"]);
    assert_eq!(stage.durable(), ["ACK 1.3"]); // served before its own fsync
}

#[test]
fn trunc_cuts_the_log_and_snapshots_without_fsync() {
    let mut stage = Stage::syncing();
    assert_eq!(stage.leader_says(ToLearner::Trunc { zxid: z(1, 1) }), ["cut 1.1"]);
    assert_eq!(stage.peer.database().last_processed(), z(1, 1));
    stage.leader_says(ToLearner::Proposal(logged(2, 1)));
    stage.leader_says(ToLearner::Commit { zxid: z(2, 1) });
    assert_eq!(stage.peer.database().last_processed(), z(2, 1)); // to memory at once
    let said = stage.leader_says(ToLearner::NewLeader { epoch: Epoch(2) });
    assert_eq!(said, ["snapshot 2.1", "currentEpoch:=2"]);
    assert_eq!(stage.durable(), ["ACK 2.0"]);
}

#[test]
fn snap_is_durable_before_the_epoch() {
    let mut stage = Stage::syncing();
    let state = Counted { applied: vec![(z(1, 9), 9)] };
    stage.leader_says(ToLearner::Snap { zxid: z(1, 9), state });
    let said = stage.leader_says(ToLearner::NewLeader { epoch: Epoch(2) });
    assert_eq!(said, ["snapshot+fsync 1.9"]);
    assert_eq!(stage.durable(), ["currentEpoch:=2"]);
    assert_eq!(stage.durable(), ["ACK 2.0"]);
}

#[test]
fn a_commit_between_newleader_and_uptodate_of_an_earlier_proposal_ends_the_sync() {
    let mut stage = Stage::syncing();
    stage.leader_says(ToLearner::Diff { zxid: z(1, 2) });
    stage.leader_says(ToLearner::Proposal(logged(1, 3)));
    stage.leader_says(ToLearner::NewLeader { epoch: Epoch(2) });
    stage.durable();
    let said = stage.leader_says(ToLearner::Commit { zxid: z(1, 3) });
    assert_eq!(said[1], "leave: NullPointerException: no proposal for the commit");
    // 3.8.4: no fast-forward; it votes with the tree behind its log, and the new epoch.
    stage.disk.log.push(logged(1, 3));
    assert_eq!(stage.hears(Input::ShutDown), ["looking"]);
    assert_eq!(stage.peer.database().last_processed(), z(1, 2));
    assert_eq!(stage.peer.epochs(), (Epoch(2), Epoch(2)));
}

#[test]
fn a_proposal_after_newleader_is_logged_at_uptodate() {
    let mut stage = Stage::syncing();
    stage.leader_says(ToLearner::Diff { zxid: z(1, 2) });
    stage.leader_says(ToLearner::NewLeader { epoch: Epoch(2) });
    stage.durable();
    stage.leader_says(ToLearner::Proposal(logged(2, 1)));
    stage.leader_says(ToLearner::Commit { zxid: z(2, 1) });
    let said = stage.leader_says(ToLearner::UpToDate);
    assert_eq!(said, ["ACK 2.0", "follows 2", "append 2.1", "fsync", "commit 2.1"]);
}

#[test]
fn following_ends_with_the_silence_or_a_wrong_commit() {
    let following = || {
        let mut stage = Stage::syncing();
        stage.leader_says(ToLearner::Diff { zxid: z(1, 2) });
        stage.leader_says(ToLearner::NewLeader { epoch: Epoch(2) });
        stage.durable();
        stage.leader_says(ToLearner::UpToDate);
        stage
    };
    let mut stage = following();
    assert_eq!(stage.leader_says(ToLearner::Ping { zxid: z(2, 0) }), ["PONG"]);
    stage.leader_says(ToLearner::Proposal(logged(2, 1)));
    let said = stage.leader_says(ToLearner::Commit { zxid: z(2, 7) });
    assert_eq!(said, ["exit: UNMATCHED_TXN_COMMIT"]);
    let mut stage = following();
    assert!(stage.after(SimDuration::from_secs(9), Timer::Learner).is_empty());
    let said = stage.after(SimDuration::from_secs(1), Timer::Learner);
    assert_eq!(said[1], "leave: SocketTimeoutException: Read timed out");
    // Its own log is replayed, the uncommitted included.
    stage.disk.log.push(logged(2, 1));
    stage.hears(Input::ShutDown);
    assert_eq!(stage.peer.database().last_processed(), z(2, 1));
}

#[test]
fn a_follower_that_knows_more_ends_its_own_handler_only() {
    let mut stage = Stage::leader();
    let ack = ToLeader::AckEpoch { current_epoch: Some(Epoch(1)), last_zxid: z(1, 3) };
    assert_eq!(stage.learner_says(1, ack), ["1<close"]);
}

#[test]
fn a_promise_without_an_epoch_is_synced_and_not_counted() {
    let mut stage = Stage::leader();
    let ack = ToLeader::AckEpoch { current_epoch: None, last_zxid: z(1, 2) };
    assert!(stage.learner_says(1, ack).is_empty()); // no quorum yet
}

#[test]
fn a_quorum_of_newleader_acknowledgements_starts_the_server() {
    let mut stage = Stage::broadcasting();
    assert_eq!(stage.peer.database().last_processed(), z(2, 0));
    // A third one joins: the epoch is fixed, the sync begins at once.
    let info = ToLeader::FollowerInfo { sid: Sid(1), accepted_epoch: Epoch(1) };
    assert_eq!(stage.learner_says(2, info), ["2<LEADERINFO 2"]);
    let said = stage.hears(Input::Propose(1));
    assert_eq!(said, ["1<PROPOSAL 2.1", "append 2.1", "fsync"]);
    let ack = ToLeader::AckEpoch { current_epoch: Some(Epoch(1)), last_zxid: z(1, 1) };
    assert_eq!(
        stage.learner_says(2, ack),
        ["2<DIFF 1.2", "2<PROPOSAL 1.2", "2<COMMIT 1.2", "2<PROPOSAL 2.1", "2<NEWLEADER 2"]
    );
    // A wrong zxid passes uncounted (ZOOKEEPER-4685).
    assert_eq!(stage.learner_says(2, ToLeader::Ack { zxid: z(2, 1) }), ["2<UPTODATE"]);
}

#[test]
fn a_leader_commits_without_its_own_fsync_in_order() {
    let mut stage = Stage::broadcasting();
    stage.hears(Input::Propose(1));
    stage.hears(Input::Propose(2));
    assert!(stage.learner_says(1, ToLeader::Ack { zxid: z(2, 1) }).is_empty()); // one of three
    assert_eq!(stage.durable(), ["append 2.2", "fsync", "1<COMMIT 2.1", "commit 2.1"]);
    assert!(stage.learner_says(1, ToLeader::Ack { zxid: z(2, 2) }).is_empty());
    assert_eq!(stage.durable(), ["1<COMMIT 2.2", "commit 2.2"]);
}

#[test]
fn pings_each_half_tick_and_the_quorum_each_tick() {
    let mut stage = Stage::broadcasting();
    let half = SimDuration::from_secs(1);
    assert_eq!(stage.after(half, Timer::HalfTick), ["1<PING"]);
    stage.hears(Input::LearnerLost(Link(1)));
    let said = stage.after(half, Timer::HalfTick); // this one counts a tick
    assert_eq!(said.last().map(String::as_str), Some("leave: Not sufficient followers synced"));
}

#[test]
fn a_learner_that_does_not_acknowledge_a_proposal_is_closed_after_sync_limit() {
    let mut stage = Stage::broadcasting();
    stage.hears(Input::Propose(1));
    let half = SimDuration::from_secs(1);
    for _ in 0..9 {
        assert_eq!(stage.after(half, Timer::HalfTick), ["1<PING"]);
        stage.learner_says(1, ToLeader::Other); // it is not silent
    }
    assert_eq!(stage.after(half, Timer::HalfTick), ["1<close"]);
}

#[test]
fn each_wait_of_the_leader_ends_after_init_limit() {
    let limit = SimDuration::from_secs(20);
    let mut stage = Stage::new(3);
    stage.votes(2, 3);
    stage.votes(3, 3);
    stage.after(SimDuration::from_millis(200), Timer::Poll);
    stage.hears(Input::LeaderLoaded);
    let said = stage.after(limit, Timer::Leader);
    assert_eq!(said[1], "leave: Timeout while waiting for epoch from quorum");
    let mut stage = Stage::leader();
    let said = stage.after(limit, Timer::Leader);
    assert!(said.contains(&"leave: Timeout while waiting for epoch to be acked".to_string()));
}
