//! Rules: the decisions of ZAB, each a small function with a name, gathered in one value.
//!
//! Here: the order of votes, when votes agree, who may be believed to lead, when a txn commits,
//! the order of writes at NEWLEADER.
//! Never here: state, messages, timers.
//! Modelled on: 3.8.4 `FastLeaderElection#totalOrderPredicate`, `#checkLeader`, `Vote#equals`,
//! `Leader#tryToCommit`, `Learner#syncWithLeader`.

use std::collections::{BTreeMap, BTreeSet};

use super::types::{Ballot, Epoch, PeerState, Round, Sid, Vote, Zxid};

/// One step of a learner that hears NEWLEADER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewLeaderStep {
    /// Write `currentEpoch`, and wait until it is durable.
    PersistEpoch,
    /// Hand every queued proposal to the log thread; wait for nothing.
    QueueToLog,
    /// Append every queued proposal, and wait until they are durable.
    LogAndSync,
    /// Acknowledge NEWLEADER.
    Acknowledge,
}

/// The decisions that a planted bug may replace.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Whether the first ballot beats the second.
    pub better: fn(&Ballot, &Ballot) -> bool,
    /// Whether a set of servers is a quorum of so many voters.
    pub quorum: fn(usize, usize) -> bool,
    /// Whether a proposal may commit.
    pub may_commit: fn(&CommitCase) -> bool,
    /// Whether a follower knows more than the leader that it acknowledges.
    pub more_recent: fn((Epoch, Zxid), (Epoch, Zxid)) -> bool,
    /// What a learner does at NEWLEADER, in order.
    pub at_new_leader: &'static [NewLeaderStep],
    /// Whether a learner that leaves between NEWLEADER and UPTODATE replays its log.
    pub fast_forward_unserved: bool,
}

/// What `tryToCommit` looks at.
#[derive(Clone, Copy, Debug)]
pub struct CommitCase {
    /// Whether the one before it is still outstanding.
    pub previous_outstanding: bool,
    /// Servers that acknowledged it, voters only.
    pub acks: usize,
    /// Voters.
    pub voters: usize,
}

impl Rules {
    /// As in 3.8.4: the epoch first, then the log, which nobody awaits; and no fast-forward in
    /// between. Not safe: a leader that dies there can take committed transactions with it.
    pub const V3_8_4: Rules = Rules {
        better,
        quorum: majority,
        may_commit,
        more_recent,
        at_new_leader: &[
            NewLeaderStep::PersistEpoch,
            NewLeaderStep::QueueToLog,
            NewLeaderStep::Acknowledge,
        ],
        fast_forward_unserved: false,
    };

    /// The rule that upstream came to accept (3.9.3): history durable, then the epoch, then the
    /// acknowledgement; and a step-down always leaves the tree level with the log.
    pub const HISTORY_FIRST: Rules = Rules {
        at_new_leader: &[
            NewLeaderStep::LogAndSync,
            NewLeaderStep::PersistEpoch,
            NewLeaderStep::Acknowledge,
        ],
        fast_forward_unserved: true,
        ..Rules::V3_8_4
    };

    /// ZOOKEEPER-3911: the history reaches the log only at UPTODATE.
    pub const LOGS_AFTER_UPTODATE: Rules = Rules {
        at_new_leader: &[NewLeaderStep::PersistEpoch, NewLeaderStep::Acknowledge],
        ..Rules::V3_8_4
    };
}

/// `totalOrderPredicate`: (peerEpoch, zxid, sid), strictly greater. The round is no part of it.
pub fn better(new: &Ballot, current: &Ballot) -> bool {
    current < new
}

/// `QuorumMaj`: more than half.
pub const fn majority(servers: usize, voters: usize) -> bool {
    voters / 2 < servers
}

/// In order of zxid, with a quorum of acknowledgements; the leader's own is not required.
pub const fn may_commit(case: &CommitCase) -> bool {
    !case.previous_outstanding && majority(case.acks, case.voters)
}

/// `StateSummary#isMoreRecentThan`.
pub fn more_recent(follower: (Epoch, Zxid), leader: (Epoch, Zxid)) -> bool {
    leader < follower
}

/// `Vote#equals`: all four fields while one of the two looks; else leader and epoch, or only the
/// leader if exactly one of the two has a version.
pub fn votes_equal(one: &Vote, other: &Vote) -> bool {
    if one.state == PeerState::Looking || other.state == PeerState::Looking {
        return one.ballot == other.ballot && one.round == other.round;
    }
    let same_leader = one.ballot.leader == other.ballot.leader;
    if one.versioned != other.versioned {
        return same_leader;
    }
    same_leader && one.ballot.epoch == other.ballot.epoch
}

/// Who of `votes` agrees with `vote`.
pub fn agreeing(votes: &BTreeMap<Sid, Vote>, vote: &Vote) -> BTreeSet<Sid> {
    votes.iter().filter(|(_, cast)| votes_equal(vote, cast)).map(|(sid, _)| *sid).collect()
}

/// `checkLeader`: another leader must have said itself that it leads; oneself must be of this
/// round.
pub fn check_leader(
    votes: &BTreeMap<Sid, Vote>,
    leader: Sid,
    vote_round: Round,
    me: (Sid, Round),
) -> bool {
    if leader == me.0 {
        return vote_round == me.1;
    }
    votes.get(&leader).is_some_and(|vote| vote.state == PeerState::Leading)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ballot(epoch: u32, zxid: u64, leader: u32) -> Ballot {
        Ballot { epoch: Epoch(epoch), zxid: Zxid(zxid), leader: Sid(leader) }
    }

    #[test]
    fn epoch_before_zxid_before_sid() {
        assert!(better(&ballot(2, 0, 1), &ballot(1, 9, 3)));
        assert!(better(&ballot(1, 9, 1), &ballot(1, 8, 3)));
        assert!(better(&ballot(1, 9, 3), &ballot(1, 9, 2)));
        assert!(!better(&ballot(1, 9, 3), &ballot(1, 9, 3)));
    }

    #[test]
    fn an_even_ensemble_needs_more_than_half() {
        assert!(!majority(2, 4) && majority(3, 4) && majority(2, 3) && !majority(1, 2));
    }

    #[test]
    fn votes_agree_as_vote_equals_says() {
        let vote = |round: u64, epoch: u32, state, versioned| Vote {
            ballot: ballot(epoch, 5, 2),
            round: Round(round),
            state,
            versioned,
        };
        let (looking, following) = (PeerState::Looking, PeerState::Following);
        assert!(!votes_equal(&vote(1, 3, looking, false), &vote(2, 3, looking, false)));
        assert!(!votes_equal(&vote(1, 3, looking, false), &vote(1, 4, following, true)));
        // Out of election: round and zxid do not matter, the epoch does, unless unversioned.
        assert!(votes_equal(&vote(1, 3, following, true), &vote(7, 3, following, true)));
        assert!(!votes_equal(&vote(1, 3, following, true), &vote(1, 4, following, true)));
        assert!(votes_equal(&vote(1, 3, following, false), &vote(1, 4, following, true)));
    }

    #[test]
    fn another_leader_is_believed_only_out_of_its_own_mouth() {
        let vote =
            |state| Vote { ballot: ballot(1, 5, 2), round: Round(4), state, versioned: true };
        let mut votes = BTreeMap::from([(Sid(3), vote(PeerState::Following))]);
        let me = (Sid(1), Round(4));
        assert!(!check_leader(&votes, Sid(2), Round(4), me));
        votes.insert(Sid(2), vote(PeerState::Leading));
        assert!(check_leader(&votes, Sid(2), Round(4), me));
        assert!(check_leader(&votes, Sid(1), Round(4), me));
        assert!(!check_leader(&votes, Sid(1), Round(3), me));
    }
}
