//! HaService: how a NameNode is asked for its health and told its role.
//!
//! Here: the calls of failover controllers and of `haadmin`, and the named refusals.
//! Never here: who decides; how a NameNode changes state.
//! Modelled on: Hadoop `ha/HAServiceProtocol.java`, `HAServiceStatus.java`.

use crate::clients::hadoop_ipc::{RemoteException, RpcInterface};

pub use crate::protocols::elector::ServiceState;
pub use crate::protocols::namenode::transition::RequestSource;

/// `HAServiceProtocol`, version 1.
#[derive(Clone, Copy, Debug)]
pub struct HaService;

/// The check of a NameNode that does not hold itself for healthy (`HealthCheckFailedException`).
pub const HEALTH_CHECK_FAILED: RemoteException =
    RemoteException::Other("org.apache.hadoop.ha.HealthCheckFailedException");
/// A transition that the NameNode refused or could not make (`ServiceFailedException`).
pub const SERVICE_FAILED: RemoteException =
    RemoteException::Other("org.apache.hadoop.ha.ServiceFailedException");

/// Calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HaRequest {
    /// Which state, and fit for promotion?
    GetServiceStatus,
    /// Fails with [`HEALTH_CHECK_FAILED`].
    MonitorHealth,
    /// Take over; fails with [`SERVICE_FAILED`].
    TransitionToActive {
        /// Who asks.
        source: RequestSource,
    },
    /// Step down; fails with [`SERVICE_FAILED`].
    TransitionToStandby {
        /// Who asks.
        source: RequestSource,
    },
}

/// `HAServiceStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HaStatus {
    /// The state.
    pub state: ServiceState,
    /// Why it is not fit for promotion; none: it is (`isReadyToBecomeActive`).
    pub not_ready: Option<&'static str>,
}

/// Answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HaResponse {
    /// To `getServiceStatus`.
    Status(HaStatus),
    /// To the others.
    Done,
}

impl RpcInterface for HaService {
    const PROTOCOL: &'static str = "HAServiceProtocol";
    type Request = HaRequest;
    type Response = HaResponse;

    fn method(request: &HaRequest) -> &'static str {
        match request {
            HaRequest::GetServiceStatus => "getServiceStatus",
            HaRequest::MonitorHealth => "monitorHealth",
            HaRequest::TransitionToActive { .. } => "transitionToActive",
            HaRequest::TransitionToStandby { .. } => "transitionToStandby",
        }
    }

    fn request_bytes(request: &HaRequest) -> u32 {
        match request {
            HaRequest::GetServiceStatus | HaRequest::MonitorHealth => 100,
            HaRequest::TransitionToActive { .. } | HaRequest::TransitionToStandby { .. } => 110,
        }
    }

    fn response_bytes(_response: &HaResponse) -> u32 {
        40
    }
}
