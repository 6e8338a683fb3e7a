//! Learner handler: the leader's thread for one learner.
//!
//! Here: its state, its deadlines, the packets that wait while it is blocked.
//! Never here: quorums (they are the leader's).
//! Modelled on: 3.8.4 `LearnerHandler`, `LearnerHandler.SyncLimitCheck`.

use std::collections::VecDeque;

use super::interface::ToLeader;
use super::types::{Sid, Zxid};
use crate::engine::time::{Monotonic, SimDuration};

/// Where the handler's thread stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Reads FOLLOWERINFO.
    Hello,
    /// Blocked in `getEpochToPropose`.
    AwaitEpoch,
    /// Reads ACKEPOCH.
    AckEpoch,
    /// Blocked in `waitForEpochAck`.
    AwaitEpochAck,
    /// Reads the first packet after NEWLEADER.
    NewLeaderAck,
    /// Blocked in `waitForNewLeaderAck`.
    AwaitNewLeaderQuorum,
    /// Blocked in `waitForStartup`.
    AwaitStartup,
    /// Reads whatever comes.
    Active,
}

impl State {
    /// Whether the thread reads nothing.
    pub const fn blocked(self) -> bool {
        match self {
            State::AwaitEpoch
            | State::AwaitEpochAck
            | State::AwaitNewLeaderQuorum
            | State::AwaitStartup => true,
            State::Hello | State::AckEpoch | State::NewLeaderAck | State::Active => false,
        }
    }

    /// Whether live proposals go to this learner, and the sender thread runs.
    pub const fn forwarding(self) -> bool {
        match self {
            State::NewLeaderAck
            | State::AwaitNewLeaderQuorum
            | State::AwaitStartup
            | State::Active => true,
            State::Hello | State::AwaitEpoch | State::AckEpoch | State::AwaitEpochAck => false,
        }
    }
}

/// One connection of the quorum port.
#[derive(Clone, Debug)]
pub struct LearnerHandler {
    /// Where it stands.
    pub state: State,
    /// Who it is; known from FOLLOWERINFO on.
    pub sid: Option<Sid>,
    /// `tickOfNextAckDeadline`.
    pub deadline_tick: u64,
    /// When the present read or wait began: the last packet, or the state's entry.
    pub since: Monotonic,
    /// Packets that came while it was blocked.
    pub inbox: VecDeque<ToLeader>,
    /// The connection ended while it was blocked.
    pub broken: bool,
    /// Proposals written and not acknowledged.
    pub sync_limit: SyncLimitCheck,
    /// What ACKEPOCH said: its last zxid.
    pub last_zxid: Zxid,
}

impl LearnerHandler {
    /// A connection was accepted.
    pub fn new(now: Monotonic, deadline_tick: u64) -> LearnerHandler {
        LearnerHandler {
            state: State::Hello,
            sid: None,
            deadline_tick,
            since: now,
            inbox: VecDeque::new(),
            broken: false,
            sync_limit: SyncLimitCheck::default(),
            last_zxid: Zxid::ZERO,
        }
    }

    /// Goes on to another state; its read or wait begins now.
    pub fn enter(&mut self, state: State, now: Monotonic) {
        self.state = state;
        self.since = now;
    }

    /// `synced`: heard of lately, in ticks.
    pub const fn synced(&self, tick: u64) -> bool {
        !self.broken && tick <= self.deadline_tick
    }
}

/// Watches the oldest unacknowledged PROPOSAL, and the newest after it.
#[derive(Clone, Debug, Default)]
pub struct SyncLimitCheck {
    started: bool,
    current: Option<(Zxid, Monotonic)>,
    next: Option<(Zxid, Monotonic)>,
}

impl SyncLimitCheck {
    /// The NEWLEADER acknowledgement has come.
    pub const fn start(&mut self) {
        self.started = true;
    }

    /// A PROPOSAL was written.
    pub const fn written(&mut self, zxid: Zxid, now: Monotonic) {
        if !self.started {
            return;
        }
        if self.current.is_none() {
            self.current = Some((zxid, now));
        } else {
            self.next = Some((zxid, now));
        }
    }

    /// An ACK was read.
    pub fn acknowledged(&mut self, zxid: Zxid) {
        if self.current.is_some_and(|(oldest, _)| oldest == zxid) {
            self.current = self.next.take();
        } else if self.next.is_some_and(|(newest, _)| newest == zxid) {
            self.next = None;
        }
    }

    /// Whether the oldest was written less than `limit` ago.
    pub fn holds(&self, now: Monotonic, limit: SimDuration) -> bool {
        self.current.is_none_or(|(_, written)| now.since(written) < limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_proposal_is_watched_and_the_newest_after_it() {
        let at = |s: u64| Monotonic::from_nanos(s * 1_000_000_000);
        let limit = SimDuration::from_secs(10);
        let mut check = SyncLimitCheck::default();
        check.written(Zxid(1), at(0)); // before the NEWLEADER acknowledgement: not watched
        check.start();
        check.written(Zxid(2), at(1));
        check.written(Zxid(3), at(2));
        check.written(Zxid(4), at(8));
        assert!(check.holds(at(10), limit));
        assert!(!check.holds(at(11), limit));
        check.acknowledged(Zxid(2)); // now 4 is watched; 3 was forgotten
        assert!(check.holds(at(17), limit));
        assert!(!check.holds(at(18), limit));
    }
}
