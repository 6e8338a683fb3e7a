//! Quorum API: what the servers of an ensemble say to each other.
//!
//! Here: the interfaces of the election port and of the quorum port, their messages and sizes.
//! Never here: the client port (`api`), behaviour.
//! Modelled on: ZooKeeper 3.8.4 `FastLeaderElection#buildMsg`, `QuorumPacket`, type codes of
//! `Leader`.

use crate::engine::process::{Interface, Port};
use crate::engine::time::SimDuration;
use crate::protocols::zab::{Notification, Sid, ToLeader, ToLearner, Zxid};
use crate::protocols::zookeeper::{Cxid, DataTree, Request, SessionId};

/// `server.N=host:2888:3888`: the second port.
pub const ELECTION_PORT: Port = Port(3888);
/// The first port: where a leader serves its learners.
pub const QUORUM_PORT: Port = Port(2888);

/// Spoken on the election port.
pub struct ElectionPort;

/// A message of the election port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElectionMessage {
    /// The first bytes of who dialled.
    Hello(Sid),
    /// A vote.
    Notification(Notification),
}

impl Interface for ElectionPort {
    const NAME: &'static str = "ZkElection";
    type Message = ElectionMessage;

    fn kind(message: &ElectionMessage) -> &'static str {
        match message {
            ElectionMessage::Hello(_) => "hello",
            ElectionMessage::Notification(_) => "notification",
        }
    }

    fn bytes(message: &ElectionMessage) -> u32 {
        match message {
            ElectionMessage::Hello(_) => 40,
            ElectionMessage::Notification(_) => 48 + CONFIG_BYTES,
        }
    }
}

/// The quorum configuration that each notification carries.
const CONFIG_BYTES: u32 = 200;

/// Spoken on the quorum port.
pub struct QuorumPort;

/// A packet of the quorum port.
#[derive(Clone, Debug)]
pub enum QuorumMessage {
    /// Of a learner, about the log.
    Up(ToLeader),
    /// Of the leader, about the log.
    Down(ToLearner<DataTree>),
    /// Of a learner: the answer to a PING with the sessions touched since the last.
    Pong {
        /// As pinged.
        zxid: Zxid,
        /// Sessions with their time-outs.
        touched: Vec<(SessionId, SimDuration)>,
    },
    /// Of a learner: a client's request that the leader must prepare.
    Request {
        /// Whose.
        session: SessionId,
        /// The client's number.
        cxid: Cxid,
        /// What.
        request: Request,
    },
    /// Of a learner: a client came back with this session.
    Revalidate {
        /// Which.
        session: SessionId,
        /// The negotiated time-out.
        timeout: SimDuration,
    },
    /// Of the leader: whether the session lives.
    Revalidated {
        /// Which.
        session: SessionId,
        /// Whether.
        valid: bool,
    },
    /// Of the leader: all that was proposed before this `sync()` is committed.
    Synced {
        /// Whose.
        session: SessionId,
        /// The client's number.
        cxid: Cxid,
    },
}

impl Interface for QuorumPort {
    const NAME: &'static str = "ZkQuorum";
    type Message = QuorumMessage;

    fn kind(message: &QuorumMessage) -> &'static str {
        match message {
            QuorumMessage::Up(packet) => match packet {
                ToLeader::FollowerInfo { .. } => "FOLLOWERINFO",
                ToLeader::AckEpoch { .. } => "ACKEPOCH",
                ToLeader::Ack { .. } => "ACK",
                ToLeader::Other => "OTHER",
            },
            QuorumMessage::Down(packet) => match packet {
                ToLearner::LeaderInfo { .. } => "LEADERINFO",
                ToLearner::Diff { .. } => "DIFF",
                ToLearner::Trunc { .. } => "TRUNC",
                ToLearner::Snap { .. } => "SNAP",
                ToLearner::NewLeader { .. } => "NEWLEADER",
                ToLearner::UpToDate => "UPTODATE",
                ToLearner::Proposal(_) => "PROPOSAL",
                ToLearner::Commit { .. } => "COMMIT",
                ToLearner::Ping { .. } => "PING",
                ToLearner::Other => "OTHER",
            },
            QuorumMessage::Pong { .. } => "PONG",
            QuorumMessage::Request { .. } => "REQUEST",
            QuorumMessage::Revalidate { .. } | QuorumMessage::Revalidated { .. } => "REVALIDATE",
            QuorumMessage::Synced { .. } => "SYNC",
        }
    }

    fn bytes(message: &QuorumMessage) -> u32 {
        const HEADER: u32 = 20; // type, zxid, two lengths
        HEADER
            + match message {
                QuorumMessage::Up(ToLeader::FollowerInfo { .. }) => 20,
                QuorumMessage::Up(
                    ToLeader::AckEpoch { .. } | ToLeader::Ack { .. } | ToLeader::Other,
                ) => 4,
                QuorumMessage::Down(ToLearner::Snap { state, .. }) => {
                    u32::try_from(state.bytes()).unwrap_or(u32::MAX - HEADER)
                }
                QuorumMessage::Down(ToLearner::NewLeader { .. }) => CONFIG_BYTES,
                QuorumMessage::Down(ToLearner::Proposal(logged)) => logged.txn.bytes(),
                QuorumMessage::Down(
                    ToLearner::LeaderInfo { .. }
                    | ToLearner::Diff { .. }
                    | ToLearner::Trunc { .. }
                    | ToLearner::UpToDate
                    | ToLearner::Commit { .. }
                    | ToLearner::Ping { .. }
                    | ToLearner::Other,
                ) => 4,
                QuorumMessage::Pong { touched, .. } => {
                    12 * u32::try_from(touched.len()).unwrap_or(u32::MAX / 24)
                }
                QuorumMessage::Request { .. } => 120,
                QuorumMessage::Revalidate { .. } | QuorumMessage::Revalidated { .. } => 12,
                QuorumMessage::Synced { .. } => 16,
            }
    }
}
