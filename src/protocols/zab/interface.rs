//! Interface: what a ZAB peer hears and what it asks for; the packets of the quorum port.
//!
//! Here: inputs, effects, packets, the replicated machine, the view of the volume.
//! Never here: behaviour.
//! Modelled on: 3.8.4 `QuorumPacket`, `Leader` type codes, `ZKDatabase`, `FileTxnSnapLog`.
//! Left out: observers' packets (INFORM), reconfiguration's.

use std::fmt::Debug;

use super::types::{Epoch, Link, Notification, Sid, Vote, Zxid};
use crate::engine::time::SimDuration;

/// What ZAB replicates: a deterministic machine that transactions change.
pub trait Machine: Clone + Default + Debug {
    /// An idempotent transaction. Cheap to clone: logs, proposals and packets share it.
    type Txn: Clone + Debug;
    /// What applying one tells the server: replies, watches.
    type Outcome: Clone + Debug;
    /// Applies a transaction.
    fn apply(&mut self, zxid: Zxid, txn: &Self::Txn) -> Self::Outcome;
}

/// A logged transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged<T> {
    /// Its place.
    pub zxid: Zxid,
    /// What it does.
    pub txn: T,
}

/// What lies on the server's volume, as reads see it (written, not only synced).
pub trait Volume<M: Machine> {
    /// The newest readable snapshot.
    fn snapshot(&self) -> Option<(Zxid, M)>;
    /// Every record of the log after `zxid`, in the order of the files.
    fn log_after(&self, zxid: Zxid) -> Vec<Logged<M::Txn>>;
    /// `getProposalsFromTxnLog`: the records from the file that holds `zxid` on. None: too much
    /// (`snapshotSizeFactor`), or the log begins after `zxid`.
    fn log_for_sync(&self, zxid: Zxid) -> Option<Vec<Logged<M::Txn>>>;
    /// Whether there is any log file: what TRUNC cuts.
    fn has_log(&self) -> bool;
    /// The file `acceptedEpoch`.
    fn accepted_epoch(&self) -> Option<Epoch>;
    /// The file `currentEpoch`.
    fn current_epoch(&self) -> Option<Epoch>;
}

/// Learner to leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToLeader {
    /// FOLLOWERINFO: the hello of discovery.
    FollowerInfo {
        /// Who.
        sid: Sid,
        /// The highest epoch it promised.
        accepted_epoch: Epoch,
    },
    /// ACKEPOCH: the promise.
    AckEpoch {
        /// Its current epoch; none (upstream -1) if it had promised this epoch before.
        current_epoch: Option<Epoch>,
        /// Its last processed zxid, as read before FOLLOWERINFO.
        last_zxid: Zxid,
    },
    /// ACK: of NEWLEADER and UPTODATE with counter 0, else of a transaction.
    Ack {
        /// Of what.
        zxid: Zxid,
    },
    /// Any other packet; what it says is the server's affair.
    Other,
}

/// Leader to learner.
#[derive(Clone, Debug)]
pub enum ToLearner<M: Machine> {
    /// LEADERINFO: proposes an epoch.
    LeaderInfo {
        /// Which.
        epoch: Epoch,
    },
    /// DIFF: transactions follow.
    Diff {
        /// The leader's last committed zxid, or the learner's if equal.
        zxid: Zxid,
    },
    /// TRUNC: drop what is after; transactions may follow.
    Trunc {
        /// The last zxid to keep.
        zxid: Zxid,
    },
    /// SNAP: the whole state.
    Snap {
        /// The state's zxid.
        zxid: Zxid,
        /// The state.
        state: M,
    },
    /// NEWLEADER: end of the sync's payload.
    NewLeader {
        /// The new reign.
        epoch: Epoch,
    },
    /// UPTODATE: start serving.
    UpToDate,
    /// PROPOSAL.
    Proposal(Logged<M::Txn>),
    /// COMMIT.
    Commit {
        /// Of what.
        zxid: Zxid,
    },
    /// PING.
    Ping {
        /// The leader's last proposal.
        zxid: Zxid,
    },
    /// Any other packet; what it says is the server's affair.
    Other,
}

/// Timers of a peer; at most one of each is armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The election's poll.
    Poll,
    /// The leader's main thread waits for a quorum of epochs or acknowledgements.
    Leader,
    /// The leader's half tick.
    HalfTick,
    /// One learner handler reads, or waits for a quorum.
    Handler(Link),
    /// The learner connects, sleeps between two tries, or reads.
    Learner,
}

/// A write whose outcome comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WriteKind {
    /// The file `acceptedEpoch`.
    AcceptedEpoch,
    /// The file `currentEpoch`.
    CurrentEpoch,
    /// A snapshot with fsync and rename.
    Snapshot,
    /// The log's fsync.
    Log,
}

/// Which write; `reign` tells a write of an earlier role from a present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    /// What was written.
    pub kind: WriteKind,
    /// The number of roles this process had taken when it asked.
    pub reign: u32,
}

/// What a peer hears.
#[derive(Clone, Debug)]
pub enum Input<M: Machine> {
    /// A notification came in over the election port, or looped back.
    Notification(Notification),
    /// A timer. `delivered` matters to the poll only: some send queue is empty.
    Timer {
        /// Which.
        timer: Timer,
        /// `haveDelivered`.
        delivered: bool,
    },
    /// A write ended; false: the disk failed.
    Written(Ticket, bool),
    /// The shutdown of the last role is over.
    ShutDown,
    /// The quorum port is bound and the database loaded (with its snapshot).
    LeaderLoaded,
    /// The leader's server runs.
    ServerStarted,
    /// A learner connected to the quorum port.
    LearnerConnected(Link),
    /// A learner sent a packet.
    LearnerPacket(Link, ToLeader),
    /// A learner's connection ended.
    LearnerLost(Link),
    /// The connection to the leader is up.
    LeaderConnected,
    /// The connect to the leader failed.
    LeaderRefused,
    /// The leader sent a packet.
    LeaderPacket(ToLearner<M>),
    /// The connection to the leader ended.
    LeaderLost,
    /// A prepared transaction of the leader's own pipeline; takes the next zxid.
    Propose(M::Txn),
}

/// Why a role ended, as upstream's shutdown message has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leave(pub &'static str);

/// What a peer asks for, in order.
#[derive(Clone, Debug)]
pub enum Effect<M: Machine> {
    /// Hand a notification to the connection manager; to oneself: loop it back.
    Notify {
        /// To whom.
        to: Sid,
        /// What.
        notification: Notification,
    },
    /// `connectAll`.
    ConnectAll,
    /// Arm a timer; replaces its armed predecessor.
    Arm(Timer, SimDuration),
    /// Disarm it.
    Cancel(Timer),
    /// `lookForLeader` began.
    Looking,
    /// `lookForLeader` returned.
    Elected(Vote),
    /// Bind the quorum port, load the database, write its snapshot (no fsync), then say
    /// [`Input::LeaderLoaded`].
    OpenQuorumPort,
    /// The reign has its quorum: start the server, then say [`Input::ServerStarted`].
    StartServer {
        /// The reign.
        epoch: Epoch,
    },
    /// Write to a learner.
    ToLearner(Link, ToLearner<M>),
    /// Close a learner's connection.
    CloseLearner(Link),
    /// Connect to the leader's quorum port.
    DialLeader(Sid),
    /// Give up the connect, or close the connection.
    HangUp,
    /// Write to the leader.
    ToLeader(ToLeader),
    /// Answer a PING, with the touched sessions.
    ReplyPing(Zxid),
    /// Write `acceptedEpoch` (tmp, fsync, rename).
    WriteAcceptedEpoch(Epoch, Ticket),
    /// Write `currentEpoch` (tmp, fsync, rename).
    WriteCurrentEpoch(Epoch, Ticket),
    /// Write a snapshot: with a ticket tmp, fsync, rename; without in place, no fsync.
    WriteSnapshot(Zxid, M, Option<Ticket>),
    /// Append to the log.
    Append(Logged<M::Txn>),
    /// Make the log durable.
    SyncLog(Ticket),
    /// The next append begins a new log file.
    RollLog,
    /// Cut the log after this zxid; no fsync. The next append begins a new file.
    TruncateLog(Zxid),
    /// A transaction was committed and applied to the machine.
    Committed {
        /// It.
        logged: Logged<M::Txn>,
        /// What the machine said.
        outcome: M::Outcome,
    },
    /// The leader serves.
    Leads(Epoch),
    /// The learner serves.
    Follows(Epoch),
    /// The role ends: close clients and the quorum port, shut down, then say [`Input::ShutDown`].
    StepDown {
        /// Why.
        leave: Leave,
        /// Whether a server had been running.
        served: bool,
    },
    /// Upstream's own exit.
    Exit(&'static str),
}
