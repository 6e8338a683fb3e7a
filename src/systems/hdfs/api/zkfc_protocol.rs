//! ZkfcProtocol: what `haadmin` and peers ask a failover controller.
//!
//! Here: the two calls of a graceful failover.
//! Never here: how a controller carries them out.
//! Modelled on: Hadoop `ha/ZKFCProtocol.java`.

use crate::clients::hadoop_ipc::RpcInterface;
use crate::engine::time::SimDuration;

/// `ZKFCProtocol`, version 1.
#[derive(Clone, Copy, Debug)]
pub struct ZkfcProtocol;

/// Calls. Both fail with [`super::ha_service::SERVICE_FAILED`] or with the error that stopped them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZkfcRequest {
    /// Leave the election, demote the local NameNode and stay out for `span`; zero lifts an
    /// earlier delay (upstream sends -1).
    CedeActive {
        /// How long.
        span: SimDuration,
    },
    /// Make your NameNode the active one, with the help of the others.
    GracefulFailover,
}

/// The answer to both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZkfcDone;

impl RpcInterface for ZkfcProtocol {
    const PROTOCOL: &'static str = "ZKFCProtocol";
    type Request = ZkfcRequest;
    type Response = ZkfcDone;

    fn method(request: &ZkfcRequest) -> &'static str {
        match request {
            ZkfcRequest::CedeActive { .. } => "cedeActive",
            ZkfcRequest::GracefulFailover => "gracefulFailover",
        }
    }

    fn request_bytes(_request: &ZkfcRequest) -> u32 {
        100
    }

    fn response_bytes(_response: &ZkfcDone) -> u32 {
        40
    }
}
