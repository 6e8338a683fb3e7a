//! Wire: the client protocol of ZooKeeper, as both ends see it.
//!
//! Here: the interface `ZkClient`, its messages, requests, answers and error codes.
//! Never here: time-outs; what a server does with a request.
//! Modelled on: ZooKeeper 3.8.4 `zookeeper.jute`, `ZooDefs.OpCode`, `KeeperException.Code`.
//! Left out: authentication, ACLs, passwords, read-only mode, persistent watches.

use std::sync::Arc;

use crate::engine::process::Interface;
use crate::engine::time::SimDuration;

/// What clients and servers of ZooKeeper say to each other.
pub struct ZkClient;

/// An absolute path: `/hadoop-ha/ns1`.
pub type ZnodePath = Arc<str>;

/// A node's payload: one word in the client's own coding, and the real payload's size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ZnodeData {
    /// What it says.
    pub word: u64,
    /// Bytes.
    pub bytes: u32,
}

/// How a node is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZnodeMode {
    /// Deleted when its session ends.
    pub ephemeral: bool,
    /// Name suffixed with ten digits.
    pub sequential: bool,
}

impl ZnodeMode {
    /// Stays.
    pub const PERSISTENT: ZnodeMode = ZnodeMode { ephemeral: false, sequential: false };
    /// Goes with its session.
    pub const EPHEMERAL: ZnodeMode = ZnodeMode { ephemeral: true, sequential: false };
}

/// A node's metadata.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ZnodeStat {
    /// Zxid that created it.
    pub czxid: u64,
    /// Zxid that last changed its payload.
    pub mzxid: u64,
    /// Zxid that last changed its children.
    pub pzxid: u64,
    /// Changes of its payload.
    pub version: u32,
    /// Changes of its children.
    pub cversion: u32,
    /// Session whose end deletes it; 0: none.
    pub ephemeral_owner: u64,
    /// How many children it has.
    pub num_children: u32,
}

/// What a client asks. A `version` of `None` is upstream's -1: any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZkRequest {
    /// create.
    Create {
        /// Where; the prefix of the name if sequential.
        path: ZnodePath,
        /// Payload.
        data: ZnodeData,
        /// Kind of node.
        mode: ZnodeMode,
    },
    /// delete.
    Delete {
        /// Which.
        path: ZnodePath,
        /// Expected version of the payload.
        version: Option<u32>,
    },
    /// setData.
    SetData {
        /// Which.
        path: ZnodePath,
        /// Payload.
        data: ZnodeData,
        /// Expected version of the payload.
        version: Option<u32>,
    },
    /// check; only inside `Multi`.
    Check {
        /// Which.
        path: ZnodePath,
        /// Expected version of the payload.
        version: Option<u32>,
    },
    /// multi: all or nothing.
    Multi(Arc<[ZkRequest]>),
    /// exists.
    Exists {
        /// Which.
        path: ZnodePath,
        /// Whether to leave a watch.
        watch: bool,
    },
    /// getData.
    GetData {
        /// Which.
        path: ZnodePath,
        /// Whether to leave a watch.
        watch: bool,
    },
    /// getChildren2.
    GetChildren {
        /// Of which.
        path: ZnodePath,
        /// Whether to leave a watch.
        watch: bool,
    },
    /// sync.
    Sync,
    /// closeSession.
    CloseSession,
    /// setWatches: sent by the library after a reconnect.
    SetWatches {
        /// The last zxid that a reply carried.
        relative_zxid: u64,
        /// Data watches.
        data: Vec<ZnodePath>,
        /// Watches for a node's coming into being.
        exist: Vec<ZnodePath>,
        /// Child watches.
        child: Vec<ZnodePath>,
    },
}

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ZkError {
    /// -4: the connection broke; what became of the request is unknown. Made by the library.
    ConnectionLoss,
    /// -112: refused by the leader, or (made by the library) the handle is dead.
    SessionExpired,
    /// -2: another part of the multi failed.
    RuntimeInconsistency,
    /// -8.
    BadArguments,
    /// -101.
    NoNode,
    /// -103.
    BadVersion,
    /// -108.
    NoChildrenForEphemerals,
    /// -110.
    NodeExists,
    /// -111.
    NotEmpty,
    /// -118: the session was taken over through another server.
    SessionMoved,
}

/// What a granted request is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZkAnswer {
    /// It is done: delete, check, sync, closeSession, setWatches.
    Done,
    /// create: the final path.
    Created(ZnodePath),
    /// exists, setData.
    Stat(ZnodeStat),
    /// getData.
    Data(ZnodeData, ZnodeStat),
    /// getChildren2: names in order.
    Children(Vec<Arc<str>>, ZnodeStat),
    /// multi: one a part.
    Multi(Vec<ZkResult>),
}

/// How a request ended.
pub type ZkResult = Result<ZkAnswer, ZkError>;

/// What a watch event says of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WatchKind {
    /// NodeCreated.
    Created,
    /// NodeDeleted.
    Deleted,
    /// NodeDataChanged.
    DataChanged,
    /// NodeChildrenChanged.
    ChildrenChanged,
}

/// What travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZkMessage {
    /// Client: ConnectRequest, the first message of a connection.
    Connect {
        /// The last zxid that the client has seen: a server behind it hangs up.
        last_zxid_seen: u64,
        /// Wished session time-out.
        timeout: SimDuration,
        /// The session to resume; 0: a new one.
        session: u64,
    },
    /// Server: ConnectResponse. A time-out of zero: the session is gone.
    Connected {
        /// Granted session time-out.
        timeout: SimDuration,
        /// The session.
        session: u64,
    },
    /// Client: a numbered request.
    Request {
        /// Counts up; replies come in this order.
        xid: u32,
        /// What is asked.
        request: ZkRequest,
    },
    /// Client: ping.
    Ping,
    /// Server: the answer to a ping.
    Pong,
    /// Server: the answer to a request.
    Reply {
        /// Of which request.
        xid: u32,
        /// The write's zxid, or the last one applied where a read was answered.
        zxid: u64,
        /// How it ended.
        result: ZkResult,
    },
    /// Server: a watch fired.
    Watch {
        /// On which node.
        path: ZnodePath,
        /// What happened.
        kind: WatchKind,
    },
}

impl Interface for ZkClient {
    const NAME: &'static str = "ZkClient";
    type Message = ZkMessage;

    fn kind(message: &ZkMessage) -> &'static str {
        match message {
            ZkMessage::Connect { .. } => "connect",
            ZkMessage::Connected { .. } => "connected",
            ZkMessage::Request { request, .. } => request.name(),
            ZkMessage::Ping => "ping",
            ZkMessage::Pong => "pong",
            ZkMessage::Reply { .. } => "reply",
            ZkMessage::Watch { .. } => "notification",
        }
    }

    fn bytes(message: &ZkMessage) -> u32 {
        const LENGTH_AND_HEADER: u32 = 12;
        match message {
            ZkMessage::Connect { .. } => 49,
            ZkMessage::Connected { .. } => 41,
            ZkMessage::Request { request, .. } => LENGTH_AND_HEADER + request.bytes(),
            ZkMessage::Ping => LENGTH_AND_HEADER,
            ZkMessage::Pong => 20,
            ZkMessage::Reply { result, .. } => 20 + result.as_ref().map_or(0, ZkAnswer::bytes),
            ZkMessage::Watch { path, .. } => 28 + text(path),
        }
    }
}

fn text(text: &str) -> u32 {
    4 + u32::try_from(text.len()).unwrap_or(u32::MAX)
}

impl ZkRequest {
    /// Upstream's name of the operation.
    pub const fn name(&self) -> &'static str {
        match self {
            ZkRequest::Create { .. } => "create",
            ZkRequest::Delete { .. } => "delete",
            ZkRequest::SetData { .. } => "setData",
            ZkRequest::Check { .. } => "check",
            ZkRequest::Multi(_) => "multi",
            ZkRequest::Exists { .. } => "exists",
            ZkRequest::GetData { .. } => "getData",
            ZkRequest::GetChildren { .. } => "getChildren2",
            ZkRequest::Sync => "sync",
            ZkRequest::CloseSession => "closeSession",
            ZkRequest::SetWatches { .. } => "setWatches",
        }
    }

    fn bytes(&self) -> u32 {
        match self {
            ZkRequest::Create { path, data, .. } => text(path) + 4 + data.bytes + 35,
            ZkRequest::Delete { path, .. } | ZkRequest::Check { path, .. } => text(path) + 4,
            ZkRequest::SetData { path, data, .. } => text(path) + 8 + data.bytes,
            ZkRequest::Multi(parts) => parts.iter().map(|part| 9 + part.bytes()).sum::<u32>() + 9,
            ZkRequest::Exists { path, .. }
            | ZkRequest::GetData { path, .. }
            | ZkRequest::GetChildren { path, .. } => text(path) + 1,
            ZkRequest::Sync => 5,
            ZkRequest::CloseSession => 0,
            ZkRequest::SetWatches { data, exist, child, .. } => {
                let paths = data.iter().chain(exist).chain(child);
                20 + paths.map(|path| text(path)).sum::<u32>()
            }
        }
    }
}

impl ZkAnswer {
    fn bytes(&self) -> u32 {
        const STAT: u32 = 68;
        match self {
            ZkAnswer::Done => 0,
            ZkAnswer::Created(path) => text(path),
            ZkAnswer::Stat(_) => STAT,
            ZkAnswer::Data(data, _) => 4 + data.bytes + STAT,
            ZkAnswer::Children(names, _) => {
                4 + STAT + names.iter().map(|name| text(name)).sum::<u32>()
            }
            ZkAnswer::Multi(parts) => {
                let part = |part: &ZkResult| 9 + part.as_ref().map_or(4, ZkAnswer::bytes);
                9 + parts.iter().map(part).sum::<u32>()
            }
        }
    }
}
