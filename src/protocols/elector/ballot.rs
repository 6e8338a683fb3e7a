//! Ballot: the words of an election: what the elector is told and what it asks for.
//!
//! Here: inputs, effects, results and events as the elector tells them apart.
//! Never here: which one follows which (`election`).
//! Modelled on: `ActiveStandbyElector.java`, `KeeperException.Code`, `Watcher.Event`.

use crate::engine::time::SimDuration;

/// What a node writes into lock and breadcrumb: its address, in the coding of the process around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents(pub u64);

/// Why a ZooKeeper operation failed (`KeeperException.Code`, as far as the elector tells apart).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// NODEEXISTS.
    NodeExists,
    /// NONODE.
    NoNode,
    /// BADVERSION: someone else wrote in between.
    BadVersion,
    /// CONNECTIONLOSS: the outcome is unknown.
    ConnectionLoss,
    /// OPERATIONTIMEOUT: likewise.
    OperationTimeout,
    /// SESSIONEXPIRED.
    SessionExpired,
    /// Any other.
    Other,
}

/// `ActiveStandbyElector.State`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not in the election, or not yet told how it went.
    Init,
    /// Holds the lock, and the local node was made active.
    Active,
    /// Somebody else holds the lock.
    Standby,
    /// Cannot know: no connection, or the lock is gone.
    Neutral,
}

/// A breadcrumb as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crumb {
    /// Who wrote it.
    pub data: Contents,
    /// `Stat.version`, for the conditional write that follows.
    pub version: u32,
}

/// The answer to an `exists` on the lock node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockNode {
    /// `ephemeralOwner` is this client's session.
    Mine,
    /// Another session owns it.
    Others,
    /// NONODE.
    Absent,
}

/// A session event of the ZooKeeper client (`Watcher.Event.KeeperState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    /// Connected to a server with a live session.
    SyncConnected,
    /// The connection broke; the client looks for another server by itself.
    Disconnected,
    /// A server said that the session is gone.
    Expired,
    /// Any other; the elector does not expect one.
    Unexpected,
}

/// What the watch on the lock node told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeEvent {
    /// NodeDeleted.
    Deleted,
    /// NodeCreated, NodeDataChanged and the rest.
    Changed,
}

/// What the elector is told. The first group are operations: the caller holds the elector's lock
/// from here to [`Effect::Returned`]. Results and events of an older client are dropped before
/// (`isStaleClient`). The second group answers what the running operation asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Constructor: one attempt to connect.
    Start,
    /// `joinElection`.
    Join(Contents),
    /// `quitElection`.
    Quit {
        /// Whether the next active has to fence this node: the breadcrumb stays.
        need_fence: bool,
    },
    /// `getActiveData`.
    GetActive,
    /// The asynchronous create of the lock node was answered.
    LockCreated(Result<(), Code>),
    /// The asynchronous `exists` on the lock node was answered.
    LockChecked(Result<LockNode, Code>),
    /// A session event.
    Session(SessionEvent),
    /// The watch fired.
    Node(NodeEvent),

    /// To [`Effect::Connect`]: whether a first event came within the session time-out.
    Connected(bool),
    /// To [`Effect::Close`].
    Closed,
    /// To [`Effect::Sleep`].
    Slept,
    /// To [`Effect::ReadBreadcrumb`] and [`Effect::ReadLock`].
    Read(Result<Crumb, Code>),
    /// To [`Effect::CreateBreadcrumb`], [`Effect::SetBreadcrumb`], [`Effect::DeleteBreadcrumb`].
    Written(Result<(), Code>),
    /// To [`Effect::FenceOldActive`].
    Fenced(bool),
    /// To [`Effect::BecomeActive`].
    BecameActive(bool),
    /// To [`Effect::BecomeStandby`].
    BecameStandby,
}

/// What the process around is asked to do. All but `CreateLock`, `WatchLock`, `EnterNeutral` and
/// the reports are blocking: their answer is the next input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A new client; wait for its first event, at most the configured session time-out.
    Connect,
    /// Close the client: sends closeSession and waits for the answer.
    Close,
    /// `Thread.sleep` with the elector's lock held.
    Sleep(SimDuration),
    /// Asynchronous create of the ephemeral lock node.
    CreateLock(Contents),
    /// Asynchronous `exists` on the lock node, leaving a watch.
    WatchLock,
    /// getData of the breadcrumb.
    ReadBreadcrumb,
    /// create of the persistent breadcrumb.
    CreateBreadcrumb(Contents),
    /// setData of the breadcrumb.
    SetBreadcrumb {
        /// What.
        data: Contents,
        /// Over which version.
        version: u32,
    },
    /// delete of the breadcrumb.
    DeleteBreadcrumb {
        /// Which version.
        version: u32,
    },
    /// getData of the lock node.
    ReadLock,
    /// Callback `fenceOldActive`.
    FenceOldActive(Contents),
    /// Callback `becomeActive`: promote the local node.
    BecomeActive,
    /// Callback `becomeStandby`: demote the local node; errors are only logged.
    BecomeStandby,
    /// Callback `enterNeutralMode`, which does nothing to the local node.
    EnterNeutral,
    /// Result of [`Input::Start`].
    Started(bool),
    /// Result of [`Input::GetActive`]; `Ok(None)`: nobody holds the lock.
    ActiveIs(Result<Option<Contents>, Code>),
    /// Callback `notifyFatalError`: the controller ends.
    Fatal(&'static str),
    /// The operation is over.
    Returned,
}

impl Code {
    /// `shouldRetry`: the outcome is unknown, ask again.
    pub(super) const fn is_retried(self) -> bool {
        match self {
            Code::ConnectionLoss | Code::OperationTimeout => true,
            Code::NodeExists
            | Code::NoNode
            | Code::BadVersion
            | Code::SessionExpired
            | Code::Other => false,
        }
    }
}
