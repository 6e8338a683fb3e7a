//! NamenodeProtocol: what a standby or a Secondary NameNode asks a NameNode.
//!
//! Here: log roll, transaction ids, the manifest of local edits; the ports of a NameNode.
//! Never here: images and edits themselves (`nn_http`).
//! Modelled on: Hadoop `hdfs/server/protocol/NamenodeProtocol.java`.

use crate::clients::hadoop_ipc::RpcInterface;

/// `dfs.namenode.rpc-address`: the calls of clients.
pub const CLIENT_PORT: u16 = 8020;
/// The calls of failover controllers. Upstream serves all three protocols at one port, or all but
/// the clients' at `dfs.namenode.servicerpc-address`; here each has a number, and they share
/// handlers as upstream's do.
pub const HA_PORT: u16 = 8021;
/// The calls of standbys and Secondary NameNodes.
pub const NAMENODE_PORT: u16 = 8022;
/// `dfs.namenode.http-address`.
pub const HTTP_PORT: u16 = 9870;
/// `dfs.namenode.secondary.http-address`.
pub const SECONDARY_HTTP_PORT: u16 = 9868;

/// `NamenodeProtocol`, version 6.
#[derive(Clone, Copy, Debug)]
pub struct NamenodeProtocol;

/// Calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamenodeRequest {
    /// End the open segment, begin the next.
    RollEditLog,
    /// The last transaction written (or applied).
    GetTransactionId,
    /// The transaction of the newest image.
    GetMostRecentCheckpointTxId,
    /// Finalized segments of the local edits directories that hold `since` or later edits.
    GetEditLogManifest {
        /// First transaction wanted.
        since: u64,
    },
}

/// A finalized segment: first and last transaction (`RemoteEditLog`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SegmentRange {
    /// First.
    pub first: u64,
    /// Last.
    pub last: u64,
}

/// Answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamenodeResponse {
    /// To `RollEditLog` (`CheckpointSignature`).
    Rolled {
        /// The newest image.
        checkpoint: u64,
        /// First transaction of the segment that is open now.
        segment: u64,
    },
    /// To the calls that ask for a transaction.
    TxId(u64),
    /// To `GetEditLogManifest`, in order.
    Manifest(Vec<SegmentRange>),
}

impl RpcInterface for NamenodeProtocol {
    const PROTOCOL: &'static str = "NamenodeProtocol";
    type Request = NamenodeRequest;
    type Response = NamenodeResponse;

    fn method(request: &NamenodeRequest) -> &'static str {
        match request {
            NamenodeRequest::RollEditLog => "rollEditLog",
            NamenodeRequest::GetTransactionId => "getTransactionID",
            NamenodeRequest::GetMostRecentCheckpointTxId => "getMostRecentCheckpointTxId",
            NamenodeRequest::GetEditLogManifest { .. } => "getEditLogManifest",
        }
    }

    fn request_bytes(_request: &NamenodeRequest) -> u32 {
        100
    }

    fn response_bytes(response: &NamenodeResponse) -> u32 {
        match response {
            NamenodeResponse::Rolled { .. } => 120,
            NamenodeResponse::TxId(_) => 40,
            NamenodeResponse::Manifest(segments) => {
                40 + 24 * u32::try_from(segments.len()).unwrap_or(u32::MAX / 48)
            }
        }
    }
}
