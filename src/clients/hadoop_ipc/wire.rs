//! Wire: the envelope of a call, and how a call can end.
//!
//! Here: requests, responses, pings and exceptions as they travel.
//! Never here: a connection; what an exception makes a caller do (`clients::retry`).
//! Modelled on: Hadoop `RpcHeader.proto`, `ipc/StandbyException.java`,
//! `ipc/RetriableException.java`.

use crate::engine::id::ProcessId;
use crate::engine::process::Interface;

/// A protocol spoken over Hadoop IPC, declared in the `api` of the system that serves it.
pub trait RpcInterface: Clone + 'static {
    /// As upstream calls it: `ClientProtocol`.
    const PROTOCOL: &'static str;
    /// What a client asks.
    type Request: Clone + Send + 'static;
    /// What a server answers with success; failures are [`RemoteException`]s.
    type Response: Clone + Send + 'static;
    /// Name of the method, for the census of calls.
    fn method(request: &Self::Request) -> &'static str;
    /// Bytes on the wire.
    fn request_bytes(request: &Self::Request) -> u32;
    /// Bytes on the wire.
    fn response_bytes(response: &Self::Response) -> u32;
}

/// What the engine carries.
impl<P: RpcInterface> Interface for P {
    const NAME: &'static str = P::PROTOCOL;
    type Message = Rpc<P>;

    fn kind(message: &Rpc<P>) -> &'static str {
        match message {
            Rpc::Request { request, .. } => P::method(request),
            Rpc::Ping => "ping",
            Rpc::Response { .. } => "response",
        }
    }

    fn bytes(message: &Rpc<P>) -> u32 {
        match message {
            Rpc::Request { request, .. } => P::request_bytes(request),
            Rpc::Ping => PING_BYTES,
            Rpc::Response { result: Ok(response), .. } => P::response_bytes(response),
            Rpc::Response { result: Err(_), .. } => EXCEPTION_BYTES,
        }
    }
}

/// Bytes of an `RpcRequestHeaderProto` with the call id of a ping.
const PING_BYTES: u32 = 26;
/// Bytes of a class name, a message and the top of a stack trace.
const EXCEPTION_BYTES: u32 = 300;

/// Identity of a client library in one life of a process (`clientId`, there a random UUID).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientId(pub u64);

/// A call of one client library; kept when the call is repeated (`callId`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(pub u32);

/// The n-th sending of a call (`retryCount`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which call.
    pub call: CallId,
    /// 0 at first, one more at each repeat.
    pub retry: u32,
}

/// What travels on a connection.
#[derive(Clone)]
pub enum Rpc<P: RpcInterface> {
    /// Client to server.
    Request {
        /// Who calls.
        client: ClientId,
        /// Which call and sending.
        attempt: Attempt,
        /// What is asked.
        request: P::Request,
    },
    /// Client to server: keeps TCP busy, is never answered.
    Ping,
    /// Server to client.
    Response {
        /// Which call.
        call: CallId,
        /// How it ended at the server.
        result: Result<P::Response, RemoteException>,
    },
}

/// An exception that the server threw and the client unwraps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteException {
    /// `StandbyException`: not the one that serves.
    Standby,
    /// `RetriableException`: come again, here.
    Retriable,
    /// `AccessControlException`.
    AccessControl,
    /// Any other, by its class name.
    Other(&'static str),
}

/// Why a call ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalFailure {
    /// `ConnectException`: nobody listens; nothing was sent.
    ConnectRefused,
    /// `ConnectTimeoutException`: no answer to the attempt to connect; nothing was sent.
    ConnectTimedOut,
    /// `NoRouteToHostException`; nothing was sent.
    NoRoute,
    /// `EOFException`: the server closed the connection; the call may have been executed.
    Eof,
    /// `SocketException`: connection reset; the call may have been executed.
    Reset,
    /// `SocketTimeoutException`: silence for the RPC time-out; the call may have been executed.
    SocketTimeout,
    /// `IOException`: the kernel gave the connection up; the call may have been executed.
    ConnectionTimedOut,
}

impl LocalFailure {
    /// Whether the server cannot have seen the call.
    pub const fn not_sent(self) -> bool {
        match self {
            LocalFailure::ConnectRefused
            | LocalFailure::ConnectTimedOut
            | LocalFailure::NoRoute => true,
            LocalFailure::Eof
            | LocalFailure::Reset
            | LocalFailure::SocketTimeout
            | LocalFailure::ConnectionTimedOut => false,
        }
    }
}

/// How a call ended, as its caller hears it.
#[derive(Clone, Debug)]
pub enum CallOutcome<R> {
    /// Answered with success.
    Reply(R),
    /// Answered with an exception.
    Remote(RemoteException),
    /// Not answered.
    Failed(LocalFailure),
}

/// A call that ended.
#[derive(Clone)]
pub struct Completion<P: RpcInterface> {
    /// Which call.
    pub call: CallId,
    /// At which server (a hedged call goes to several).
    pub server: ProcessId,
    /// How.
    pub outcome: CallOutcome<P::Response>,
}
