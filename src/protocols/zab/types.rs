//! Types: the words of ZAB: who, which reign, which round, which place in the log.
//!
//! Here: server ids, epochs, zxids, votes, notifications, the ensemble's limits.
//! Never here: decisions (they are in `rules`), messages of the quorum port (`packet`).
//! Modelled on: ZooKeeper 3.8.4 `ZxidUtils`, `Vote`, `FastLeaderElection.Notification`.

use std::fmt;

use crate::engine::time::SimDuration;

/// `myid`: a server of the ensemble.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sid(pub u32);

/// A leader's reign: the high half of a zxid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(pub u32);

/// `electionEpoch`, `logicalclock`: one call of `lookForLeader`, agreed on by gossip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Round(pub u64);

/// A transaction's place: epoch in the high 32 bits, counter in the low.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Zxid(pub u64);

/// One TCP connection, as the process around the protocol numbers them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link(pub u64);

impl Epoch {
    /// The next reign.
    #[must_use]
    pub fn next(self) -> Epoch {
        Epoch(self.0.checked_add(1).expect("epochs exhausted"))
    }
}

impl Zxid {
    /// Of an empty tree.
    pub const ZERO: Zxid = Zxid(0);
    /// The counter at which a leader gives up its reign.
    pub const COUNTER_MAX: u32 = 0xffff_ffff;

    /// The zxid of `counter` in `epoch`.
    pub const fn of(epoch: Epoch, counter: u32) -> Zxid {
        Zxid((epoch.0 as u64) << 32 | counter as u64)
    }

    /// Under whose reign it was proposed.
    pub const fn epoch(self) -> Epoch {
        Epoch((self.0 >> 32) as u32)
    }

    /// Its number in the reign; 0 is the reign itself.
    #[expect(clippy::cast_possible_truncation, reason = "the low half is meant")]
    pub const fn counter(self) -> u32 {
        self.0 as u32
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Zxid {
        Zxid(self.0 + 1)
    }
}

/// As upstream prints it: `0x40000066a`.
impl fmt::Debug for Zxid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// `QuorumPeer.ServerState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PeerState {
    /// Looks for a leader.
    Looking,
    /// Follows one, or shuts down after having followed.
    Following,
    /// Leads, or shuts down after having led.
    Leading,
}

/// Whom a server wants, and why: the part of a vote that is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ballot {
    /// `peerEpoch`: the candidate's current epoch.
    pub epoch: Epoch,
    /// The candidate's last zxid.
    pub zxid: Zxid,
    /// The candidate.
    pub leader: Sid,
}

/// A vote with the round and the state of the voter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Whom and why.
    pub ballot: Ballot,
    /// `electionEpoch`.
    pub round: Round,
    /// The voter's state when it said so.
    pub state: PeerState,
    /// Whether the version field is set (votes kept in `recvset` have none).
    pub versioned: bool,
}

/// What one election port says to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Who says it.
    pub from: Sid,
    /// Whom the sender wants, or follows.
    pub ballot: Ballot,
    /// The sender's round.
    pub round: Round,
    /// The sender's state.
    pub state: PeerState,
}

/// What every server of an ensemble is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `myid`.
    pub me: Sid,
    /// The voting members, ascending.
    pub voters: Vec<Sid>,
    /// `tickTime`.
    pub tick: SimDuration,
    /// `initLimit`, in ticks.
    pub init_limit: u64,
    /// `syncLimit`, in ticks.
    pub sync_limit: u64,
    /// `connectToLearnerMasterLimit`, in ticks; 0 stands for `initLimit`.
    pub connect_limit: u64,
    /// `commitLogCount`, in transactions.
    pub commit_log_count: usize,
    /// `snapCount`, in transactions.
    pub snap_count: u64,
    /// `maxBatchSize`, in transactions.
    pub batch_max: usize,
    /// `cnxTimeout`, of a dial to an election port.
    pub cnx_timeout: SimDuration,
    /// `zookeeper.fastleader.minNotificationInterval`.
    pub notification_min: SimDuration,
    /// `zookeeper.fastleader.maxNotificationInterval`.
    pub notification_max: SimDuration,
    /// `zookeeper.leaderConnectDelayDuringRetryMs`.
    pub connect_retry: SimDuration,
}

impl Settings {
    /// `initLimit * tickTime`.
    pub const fn init_time(&self) -> SimDuration {
        self.tick.times(self.init_limit)
    }

    /// `syncLimit * tickTime`.
    pub const fn sync_time(&self) -> SimDuration {
        self.tick.times(self.sync_limit)
    }

    /// The budget of a follower's connects to its leader.
    pub const fn connect_time(&self) -> SimDuration {
        let ticks = if self.connect_limit == 0 { self.init_limit } else { self.connect_limit };
        self.tick.times(ticks)
    }
}

#[cfg(test)]
impl Settings {
    /// `conf/zoo_sample.cfg` with `n` voters.
    pub(crate) fn sample(me: u32, n: u32) -> Settings {
        Settings {
            me: Sid(me),
            voters: (1..=n).map(Sid).collect(),
            tick: SimDuration::from_millis(2_000),
            init_limit: 10,
            sync_limit: 5,
            connect_limit: 0,
            commit_log_count: 500,
            snap_count: 100_000,
            batch_max: 1_000,
            cnx_timeout: SimDuration::from_millis(5_000),
            notification_min: SimDuration::from_millis(200),
            notification_max: SimDuration::from_millis(60_000),
            connect_retry: SimDuration::from_millis(100),
        }
    }
}
