//! Types: what clients ask for, what the log holds, what is answered.
//!
//! Here: identifiers, requests, transactions, answers, error codes.
//! Never here: what they do to a tree.
//! Modelled on: ZooKeeper 3.8.4 `ZooDefs.OpCode`, `KeeperException.Code`, `txn/*`, `data/Stat`.
//! Left out: ACLs, TTL and container nodes, persistent watches, node times.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use crate::engine::time::SimDuration;
pub use crate::protocols::zab::Zxid;

/// A session: the creating server's id in the top byte, then a count that no other incarnation of
/// that server uses.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

impl SessionId {
    /// A connection that has no session yet.
    pub const NONE: SessionId = SessionId(0);

    /// The first id that `server` gives out when it starts `elapsed_ms` after its host's boot
    /// (`SessionTrackerImpl.initializeNextSessionId`).
    pub const fn first(server: u8, elapsed_ms: u64) -> SessionId {
        SessionId((server as u64) << 56 | (elapsed_ms << 24) >> 8)
    }
    /// The next id of the same server.
    #[must_use]
    pub const fn next(self) -> SessionId {
        SessionId(self.0 + 1)
    }
}

/// As upstream logs it.
impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:x}", self.0)
    }
}

/// A client's number of a request; counts up within one client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cxid(pub u32);

/// An absolute path: `/`, `/hadoop-ha/ns1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Arc<str>);

impl Path {
    /// A path; must begin with `/` and, unless it is the root, not end with one.
    pub fn new(text: impl Into<Arc<str>>) -> Path {
        let text = text.into();
        assert!(text.starts_with('/'), "a path is absolute: {text}");
        assert!(text.len() == 1 || !text.ends_with('/'), "a path ends with a name: {text}");
        Path(text)
    }
    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Shared with the caller, who may put it on the wire.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
    /// The path above. `None`: this is the root.
    pub fn parent(&self) -> Option<Path> {
        let (parent, name) = self.0.rsplit_once('/')?;
        match (parent, name) {
            ("", "") => None,
            ("", _) => Some(Path(Arc::from("/"))),
            _ => Some(Path(Arc::from(parent))),
        }
    }
    /// The last component; empty for the root.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(_, name)| name)
    }
    /// This path with upstream's suffix of a sequential node: ten digits of `cversion`.
    #[must_use]
    pub fn sequential(&self, cversion: u32) -> Path {
        Path(Arc::from(format!("{}{cversion:010}", self.0)))
    }
}

impl From<Arc<str>> for Path {
    fn from(text: Arc<str>) -> Path {
        Path::new(text)
    }
}

impl From<&str> for Path {
    fn from(text: &str) -> Path {
        Path::new(text)
    }
}

impl Borrow<str> for Path {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A node's payload: one word of meaning and its size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Data {
    /// What it says, in the client's own coding.
    pub word: u64,
    /// How many bytes the real payload has.
    pub bytes: u32,
}

/// What version a conditional change expects; `Any` is upstream's -1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Whatever it is.
    Any,
    /// This one.
    Exactly(u32),
}

/// How a node is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreateMode {
    /// Deleted when the session that created it closes.
    pub ephemeral: bool,
    /// Its name is suffixed with the parent's count of creations.
    pub sequential: bool,
}

impl CreateMode {
    /// Stays until someone deletes it.
    pub const PERSISTENT: CreateMode = CreateMode { ephemeral: false, sequential: false };
    /// Goes with its session.
    pub const EPHEMERAL: CreateMode = CreateMode { ephemeral: true, sequential: false };
    /// Stays; suffixed.
    pub const PERSISTENT_SEQUENTIAL: CreateMode = CreateMode { ephemeral: false, sequential: true };
    /// Goes with its session; suffixed.
    pub const EPHEMERAL_SEQUENTIAL: CreateMode = CreateMode { ephemeral: true, sequential: true };
}

/// A request that must become a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Make a node.
    Create {
        /// Where; the prefix of the name if `mode.sequential`.
        path: Path,
        /// Payload.
        data: Data,
        /// Kind of node.
        mode: CreateMode,
    },
    /// Remove a childless node.
    Delete {
        /// Which.
        path: Path,
        /// Only if its data version is this.
        version: Version,
    },
    /// Replace a node's payload.
    SetData {
        /// Whose.
        path: Path,
        /// Payload.
        data: Data,
        /// Only if its data version is this.
        version: Version,
    },
    /// Fail unless the version is as expected; only inside `Multi`.
    Check {
        /// Of which node.
        path: Path,
        /// Expected data version.
        version: Version,
    },
    /// All or nothing, under one zxid.
    Multi(Arc<[Op]>),
    /// Begin the session that the request carries.
    CreateSession {
        /// Negotiated time-out.
        timeout: SimDuration,
    },
    /// End the session that the request carries: asked by its client, or by the leader's tracker.
    CloseSession,
}

/// A request that the connected server answers from its own tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// The node's stat; with `watch`, leaves a data watch even if there is none.
    Exists {
        /// Which node.
        path: Path,
        /// Whether to leave a watch.
        watch: bool,
    },
    /// The node's payload and stat.
    GetData {
        /// Which node.
        path: Path,
        /// Whether to leave a data watch.
        watch: bool,
    },
    /// The names of the node's children.
    GetChildren {
        /// Which node.
        path: Path,
        /// Whether to leave a child watch.
        watch: bool,
    },
}

/// Watches that a client re-arms when it comes back (`SetWatches`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchSet {
    /// The last zxid in a reply that the client read.
    pub relative_zxid: Zxid,
    /// Left by `GetData`, or by `Exists` on a node that was there.
    pub data: Vec<Path>,
    /// Left by `Exists` on a node that was not there.
    pub exist: Vec<Path>,
    /// Left by `GetChildren`.
    pub child: Vec<Path>,
}

/// Whatever a session may ask of the server it is connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Becomes a transaction.
    Write(Op),
    /// Answered here.
    Read(Read),
    /// Answered after all that the leader has committed so far.
    Sync,
    /// Keeps the session.
    Ping,
    /// Re-arms watches.
    SetWatches(WatchSet),
}

impl Request {
    /// Whether later requests of the session wait until the leader has answered this one
    /// (`CommitProcessor.needCommit`).
    pub const fn needs_commit(&self, on_learner: bool) -> bool {
        match self {
            Request::Write(_) => true,
            Request::Sync => on_learner,
            Request::Read(_) | Request::Ping | Request::SetWatches(_) => false,
        }
    }
}

/// What the log holds at a zxid: who asked, and the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionTxn {
    /// The session that asked.
    pub session: SessionId,
    /// Its number of the request.
    pub cxid: Cxid,
    /// The change.
    pub txn: Txn,
}

/// An idempotent change: absolute versions, computed names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Txn {
    /// Make a node.
    Create {
        /// Final name.
        path: Path,
        /// Payload.
        data: Data,
        /// Whose end deletes it.
        ephemeral_owner: Option<SessionId>,
        /// The parent's count of creations, this one included.
        parent_cversion: u32,
    },
    /// Remove a node.
    Delete {
        /// Which.
        path: Path,
    },
    /// Replace a payload.
    SetData {
        /// Whose.
        path: Path,
        /// Payload.
        data: Data,
        /// The version that results.
        version: u32,
    },
    /// Changes nothing; keeps its place among the answers of a `Multi`.
    Check {
        /// Of which node.
        path: Path,
    },
    /// Several changes under one zxid; none of them happens if one part is an `Error`.
    Multi(Arc<[Txn]>),
    /// A session begins.
    CreateSession {
        /// Its time-out.
        timeout: SimDuration,
    },
    /// A session ends.
    CloseSession {
        /// Its ephemerals, as the leader saw them.
        paths_to_delete: Arc<[Path]>,
    },
    /// A refused request: takes a zxid and changes nothing.
    Error {
        /// Why.
        code: Code,
    },
}

impl SessionTxn {
    /// Bytes of header and body in the log, roughly as jute writes them.
    pub fn bytes(&self) -> u32 {
        const HEADER: u32 = 32;
        HEADER + self.txn.body_bytes()
    }

    /// What it says, hashed (FNV-1a over header and body): two logs agree on a place when they
    /// agree on this.
    pub fn content(&self) -> u64 {
        let mut hash = Fnv::new();
        hash.word(self.session.0).word(self.cxid.0.into());
        self.txn.fold(&mut hash);
        hash.0
    }
}

impl Txn {
    fn body_bytes(&self) -> u32 {
        let text = |path: &Path| 4 + u32::try_from(path.as_str().len()).unwrap_or(u32::MAX);
        match self {
            Txn::Create { path, data, .. } => text(path) + 4 + data.bytes + 33,
            Txn::Delete { path } => text(path),
            Txn::SetData { path, data, .. } => text(path) + 8 + data.bytes,
            Txn::Check { path } => text(path) + 4,
            Txn::Multi(parts) => parts.iter().map(|part| 12 + part.body_bytes()).sum::<u32>() + 4,
            Txn::CreateSession { .. } | Txn::Error { .. } => 4,
            Txn::CloseSession { paths_to_delete } => {
                paths_to_delete.iter().map(text).sum::<u32>() + 4
            }
        }
    }

    fn fold(&self, hash: &mut Fnv) {
        match self {
            Txn::Create { path, data, ephemeral_owner, parent_cversion } => {
                hash.word(1).text(path).data(*data);
                hash.word(ephemeral_owner.map_or(0, |owner| owner.0));
                hash.word(u64::from(*parent_cversion));
            }
            Txn::Delete { path } => {
                hash.word(2).text(path);
            }
            Txn::SetData { path, data, version } => {
                hash.word(3).text(path).data(*data).word(u64::from(*version));
            }
            Txn::Check { path } => {
                hash.word(4).text(path);
            }
            Txn::Multi(parts) => {
                hash.word(5);
                parts.iter().for_each(|part| part.fold(hash));
            }
            Txn::CreateSession { timeout } => {
                hash.word(6).word(timeout.as_nanos());
            }
            Txn::CloseSession { paths_to_delete } => {
                hash.word(7);
                for path in paths_to_delete.iter() {
                    hash.text(path);
                }
            }
            Txn::Error { code } => {
                hash.word(8).word(*code as u64);
            }
        }
    }
}

struct Fnv(u64);

impl Fnv {
    const fn new() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
    fn byte(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    fn word(&mut self, word: u64) -> &mut Fnv {
        word.to_le_bytes().into_iter().for_each(|byte| self.byte(byte));
        self
    }
    fn text(&mut self, path: &Path) -> &mut Fnv {
        path.as_str().bytes().for_each(|byte| self.byte(byte));
        self.word(path.as_str().len() as u64)
    }
    fn data(&mut self, data: Data) -> &mut Fnv {
        self.word(data.word).word(u64::from(data.bytes))
    }
}

/// A node's metadata, as clients see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// The transaction that created it.
    pub czxid: Zxid,
    /// The last that changed its payload.
    pub mzxid: Zxid,
    /// The last that changed its set of children.
    pub pzxid: Zxid,
    /// Changes of its payload.
    pub version: u32,
    /// Creations and deletions of children.
    pub cversion: u32,
    /// The session whose end deletes it.
    pub ephemeral_owner: Option<SessionId>,
    /// How many children it has.
    pub num_children: u32,
}

/// Why a request is refused (`KeeperException.Code`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// -2: another part of the `Multi` failed.
    RuntimeInconsistency,
    /// -8: a path on which nothing of the kind is possible.
    BadArguments,
    /// -101: no such node, or no such parent.
    NoNode,
    /// -103: the version is another.
    BadVersion,
    /// -108: the parent is ephemeral.
    NoChildrenForEphemerals,
    /// -110: there is one already.
    NodeExists,
    /// -111: it has children.
    NotEmpty,
    /// -112: the leader does not know the session, or is closing it.
    SessionExpired,
    /// -118: the session has moved to another server.
    SessionMoved,
}

/// What a granted request is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing but that it is done: delete, check, createSession, closeSession, sync, ping.
    Done,
    /// The final name of a created node.
    Created(Path),
    /// `SetData`, `Exists`.
    Stat(Stat),
    /// `GetData`.
    Data(Data, Stat),
    /// `GetChildren`: names in order.
    Children(Vec<Arc<str>>, Stat),
    /// One per part; code 0 of upstream's error results is `Ok(Done)`.
    Multi(Vec<Result<Answer, Code>>),
}

/// What happened to a node, as a watch event names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// NodeCreated.
    Created,
    /// NodeDeleted.
    Deleted,
    /// NodeDataChanged.
    DataChanged,
    /// NodeChildrenChanged.
    ChildrenChanged,
}

/// A watch event: what happened, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Where.
    pub path: Path,
    /// What.
    pub kind: ChangeKind,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_ids_name_their_server_and_incarnations_do_not_meet() {
        let (first, later) = (SessionId::first(2, 1_000), SessionId::first(2, 1_001));
        assert_eq!(first.0 >> 56, 2);
        assert!(first.next() < later);
        assert_eq!(later.0 - first.0, 1 << 16); // room for 65,536 sessions a millisecond
    }

    #[test]
    fn paths_know_their_parents() {
        let lock = Path::from("/hadoop-ha/ns1/lock");
        assert_eq!(lock.parent(), Some(Path::from("/hadoop-ha/ns1")));
        assert_eq!(Path::from("/hadoop-ha").parent(), Some(Path::from("/")));
        assert_eq!(Path::from("/").parent(), None);
        assert_eq!(lock.name(), "lock");
        assert_eq!(Path::from("/q/n-").sequential(42).as_str(), "/q/n-0000000042");
    }

    #[test]
    fn two_transactions_with_one_content_are_one() {
        let path = Path::from("/a");
        let set = |word, version| Txn::SetData {
            path: path.clone(),
            data: Data { word, bytes: 8 },
            version,
        };
        let content =
            |session, txn| SessionTxn { session: SessionId(session), cxid: Cxid(1), txn }.content();
        let one = content(1, set(1, 1));
        assert_eq!(one, content(1, set(1, 1)));
        let one_deeper = Txn::Multi(Arc::from([set(1, 1)]));
        let others = [(2, set(1, 1)), (1, set(1, 2)), (1, set(2, 1)), (1, one_deeper)];
        for (session, txn) in others {
            assert_ne!(content(session, txn), one);
        }
    }
}
