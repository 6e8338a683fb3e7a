//! Election: fast leader election of one server, and how it answers when it does not look.
//!
//! Here: round, proposal, tallies, the poll and its back-off, the final wait; the receiver's rules.
//! Never here: sockets (`connections`), disk, what a leader does.
//! Modelled on: 3.8.4 `FastLeaderElection#lookForLeader`, `Messenger.WorkerReceiver`.
//! Left out: observers, weights, reconfiguration, the two-node oracle.

use std::collections::BTreeMap;

use super::rules::{self, Rules};
use super::types::{Ballot, Epoch, Notification, PeerState, Round, Settings, Sid, Vote};
use crate::engine::time::SimDuration;
use crate::protocols::Outbox;

/// `finalizeWait`: silence from better votes that ends an election.
pub const FINALIZE_WAIT: SimDuration = SimDuration::from_millis(200);

/// What the election asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Hand to the connection manager; to oneself: loop back.
    Send {
        /// To whom.
        to: Sid,
        /// What.
        notification: Notification,
    },
    /// Dial every voter without a connection; queued messages go out on connect.
    ConnectAll,
    /// Wait so long for a notification; replaces the wait before.
    ArmPoll(SimDuration),
    /// `lookForLeader` has returned.
    Elected(Vote),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not looking, or about to.
    Idle,
    /// In the main poll.
    Poll,
    /// In the poll of `finalizeWait`.
    Final,
}

/// One server's election. All volatile.
#[derive(Clone, Debug)]
pub struct Election {
    me: Sid,
    voters: Vec<Sid>,
    rules: Rules,
    notification_min: SimDuration,
    notification_max: SimDuration,
    state: PeerState,
    phase: Phase,
    /// What is told to those who look while this server does not: of the election before.
    current_vote: Vote,
    round: Round,
    initial: Ballot,
    proposal: Ballot,
    recvset: BTreeMap<Sid, Vote>,
    outofelection: BTreeMap<Sid, Vote>,
    not_timeout: SimDuration,
}

impl Election {
    /// Before the first `lookForLeader`: the vote is for oneself.
    pub fn new(settings: &Settings, rules: Rules, own: Ballot) -> Election {
        let state = PeerState::Looking;
        Election {
            me: settings.me,
            voters: settings.voters.clone(),
            rules,
            notification_min: settings.notification_min,
            notification_max: settings.notification_max,
            state,
            phase: Phase::Idle,
            current_vote: Vote { ballot: own, round: Round(0), state, versioned: true },
            round: Round(0),
            initial: own,
            proposal: own,
            recvset: BTreeMap::new(),
            outofelection: BTreeMap::new(),
            not_timeout: settings.notification_min,
        }
    }

    /// What the server holds itself for.
    pub const fn state(&self) -> PeerState {
        self.state
    }

    /// `logicalclock`.
    pub const fn round(&self) -> Round {
        self.round
    }

    /// `getCurrentVote`.
    pub const fn current_vote(&self) -> Vote {
        self.current_vote
    }

    /// ENTER: a new round with a vote for oneself.
    pub fn enter(&mut self, own: Ballot, out: &mut Outbox<Effect>) {
        assert_eq!(own.leader, self.me, "the first vote is for oneself");
        self.state = PeerState::Looking;
        self.phase = Phase::Poll;
        self.round = Round(self.round.0 + 1);
        self.initial = own;
        self.proposal = own;
        self.recvset.clear();
        self.outofelection.clear();
        self.not_timeout = self.notification_min;
        self.send_all(out);
        out.ask(Effect::ArmPoll(self.not_timeout));
    }

    /// `updateElectionVote`: after the sync, answers carry the new epoch.
    pub fn update_vote(&mut self, epoch: Epoch) {
        self.current_vote.ballot.epoch = epoch;
    }

    /// `WorkerReceiver`: a notification arrived, perhaps one's own.
    pub fn receive(&mut self, n: &Notification, out: &mut Outbox<Effect>) {
        if self.state != PeerState::Looking || !self.voters.contains(&n.from) {
            // The sender's vote is not kept: it reaches this server only if it is sent again.
            if n.state == PeerState::Looking && n.from != self.me {
                let vote = self.current_vote;
                self.send(n.from, vote.ballot, vote.round, out);
            }
            return;
        }
        if n.state == PeerState::Looking && n.round < self.round {
            self.send(n.from, self.proposal, self.round, out);
        }
        match self.phase {
            Phase::Idle => {}
            Phase::Poll => self.tally(n, out),
            Phase::Final if (self.rules.better)(&n.ballot, &self.proposal) => {
                // Put back into the queue, of which it is then the head. Neither round nor state
                // was looked at.
                self.phase = Phase::Poll;
                self.tally(n, out);
            }
            Phase::Final => out.ask(Effect::ArmPoll(FINALIZE_WAIT)), // dropped; waits afresh
        }
    }

    /// The poll ended without a notification. `delivered`: some per-peer send queue is empty.
    pub fn poll_empty(&mut self, delivered: bool, out: &mut Outbox<Effect>) {
        match self.phase {
            Phase::Idle => {}
            Phase::Poll => {
                if delivered {
                    self.send_all(out);
                } else {
                    out.ask(Effect::ConnectAll);
                }
                self.not_timeout = self.not_timeout.times(2).min(self.notification_max);
                out.ask(Effect::ArmPoll(self.not_timeout));
            }
            Phase::Final => self.done(self.proposal, out),
        }
    }

    /// POLL: one notification. Every path but DONE and FINAL waits afresh.
    fn tally(&mut self, n: &Notification, out: &mut Outbox<Effect>) {
        if !self.voters.contains(&n.ballot.leader) {
            return out.ask(Effect::ArmPoll(self.not_timeout));
        }
        match n.state {
            PeerState::Looking => self.tally_looking(n, out),
            PeerState::Following | PeerState::Leading => self.tally_settled(n, out),
        }
    }

    fn tally_looking(&mut self, n: &Notification, out: &mut Outbox<Effect>) {
        if n.round < self.round {
            return out.ask(Effect::ArmPoll(self.not_timeout)); // the receiver has answered it
        }
        if self.round < n.round {
            self.round = n.round;
            self.recvset.clear();
            let theirs = (self.rules.better)(&n.ballot, &self.initial);
            self.proposal = if theirs { n.ballot } else { self.initial };
            self.send_all(out);
        } else if (self.rules.better)(&n.ballot, &self.proposal) {
            self.proposal = n.ballot;
            self.send_all(out);
        }
        self.recvset.insert(n.from, cast(n, false));
        let mine = Vote {
            ballot: self.proposal,
            round: self.round,
            state: PeerState::Looking,
            versioned: false,
        };
        if self.quorum_agrees(&self.recvset, &mine) {
            self.phase = Phase::Final;
            return out.ask(Effect::ArmPoll(FINALIZE_WAIT));
        }
        out.ask(Effect::ArmPoll(self.not_timeout));
    }

    /// From a peer that follows or leads.
    fn tally_settled(&mut self, n: &Notification, out: &mut Outbox<Effect>) {
        let theirs = cast(n, true);
        if n.round == self.round {
            self.recvset.insert(n.from, cast(n, false));
            if self.settled_by(&self.recvset, &theirs) {
                return self.done(n.ballot, out);
            }
        }
        self.outofelection.insert(n.from, theirs);
        if self.settled_by(&self.outofelection, &theirs) {
            self.round = n.round;
            return self.done(n.ballot, out);
        }
        out.ask(Effect::ArmPoll(self.not_timeout));
    }

    fn settled_by(&self, votes: &BTreeMap<Sid, Vote>, vote: &Vote) -> bool {
        let leader = vote.ballot.leader;
        self.quorum_agrees(votes, vote)
            && rules::check_leader(votes, leader, vote.round, (self.me, self.round))
    }

    fn quorum_agrees(&self, votes: &BTreeMap<Sid, Vote>, vote: &Vote) -> bool {
        (self.rules.quorum)(rules::agreeing(votes, vote).len(), self.voters.len())
    }

    fn done(&mut self, ballot: Ballot, out: &mut Outbox<Effect>) {
        self.phase = Phase::Idle;
        self.state =
            if ballot.leader == self.me { PeerState::Leading } else { PeerState::Following };
        self.current_vote =
            Vote { ballot, round: self.round, state: PeerState::Looking, versioned: true };
        out.ask(Effect::Elected(self.current_vote));
    }

    fn send_all(&self, out: &mut Outbox<Effect>) {
        for to in &self.voters {
            self.send(*to, self.proposal, self.round, out);
        }
    }

    fn send(&self, to: Sid, ballot: Ballot, round: Round, out: &mut Outbox<Effect>) {
        let notification = Notification { from: self.me, ballot, round, state: self.state };
        out.ask(Effect::Send { to, notification });
    }
}

const fn cast(n: &Notification, versioned: bool) -> Vote {
    Vote { ballot: n.ballot, round: n.round, state: n.state, versioned }
}

#[cfg(test)]
mod tests;
