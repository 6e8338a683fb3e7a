//! Nfs: the file operations of a shared edits directory on a filer.
//!
//! Here: the calls that a `FileJournalManager` on an NFS mount causes, and their results.
//! Never here: the mount's retries (`nfs::mount`), what lies on the filer's disk.
//! Modelled on: RFC 7530 (COMPOUND, OPEN, WRITE, COMMIT, RENAME, READDIR, READ, GETATTR).

use std::sync::Arc;

use crate::engine::process::Interface;
use crate::protocols::namenode::edit::Edit;

/// `nfs`, TCP.
pub const NFS_PORT: u16 = 2049;

/// NFS version 4.
pub struct Nfs;

/// A file handle: follows the file through renames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileHandle(pub u64);

/// One file of the shared edits directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NfsSegment {
    /// First transaction: the file's name.
    pub first: u64,
    /// Last transaction: of the name if finalized, else of the content; none: it is empty.
    pub last: Option<u64>,
    /// Whether its name says `inprogress`.
    pub in_progress: bool,
}

/// Operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NfsOp {
    /// OPEN with create: `edits_inprogress_<first>`, truncated if it was there.
    Create {
        /// First transaction.
        first: u64,
    },
    /// WRITE and COMMIT.
    Write {
        /// Where.
        handle: FileHandle,
        /// What.
        edits: Arc<[Edit]>,
    },
    /// RENAME of `edits_inprogress_<first>` to `edits_<first>-<last>`.
    Finalize {
        /// First transaction.
        first: u64,
        /// Last transaction.
        last: u64,
    },
    /// REMOVE of finalized segments that begin before `min`, or of one open and empty.
    Purge {
        /// Segments from here on are kept.
        min: u64,
    },
    /// REMOVE of an open segment that holds nothing.
    RemoveEmpty {
        /// First transaction.
        first: u64,
    },
    /// READDIR, and a scan of the open segments.
    List,
    /// READ of a whole file.
    Read {
        /// First transaction.
        first: u64,
    },
    /// GETATTR of the file system: `df`.
    Stat,
}

/// Results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NfsResult {
    /// To `Create`.
    Created(FileHandle),
    /// To `Write`, `Finalize`, `Purge`, `RemoveEmpty`, `Stat`.
    Done,
    /// To `List`, in order.
    Listing(Vec<NfsSegment>),
    /// To `Read`.
    Content(Arc<[Edit]>),
    /// `NFS4ERR_NOENT`.
    NoEntry,
    /// `NFS4ERR_IO`, `NFS4ERR_NOSPC`.
    Failed,
}

/// What travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NfsMessage {
    /// Mount to filer.
    Call {
        /// Kept when the call is sent again.
        xid: u64,
        /// What.
        op: NfsOp,
    },
    /// Filer to mount.
    Reply {
        /// Of which call.
        xid: u64,
        /// How it ended.
        result: NfsResult,
    },
}

/// Size of edits on the wire.
fn size(edits: &[Edit]) -> u32 {
    edits.iter().fold(0, |sum, edit| edit.bytes().saturating_add(sum))
}

/// RPC and COMPOUND headers.
const HEAD_BYTES: u32 = 150;

impl Interface for Nfs {
    const NAME: &'static str = "Nfs";
    type Message = NfsMessage;

    fn kind(message: &NfsMessage) -> &'static str {
        match message {
            NfsMessage::Call { op, .. } => match op {
                NfsOp::Create { .. } => "OPEN",
                NfsOp::Write { .. } => "WRITE+COMMIT",
                NfsOp::Finalize { .. } => "RENAME",
                NfsOp::Purge { .. } | NfsOp::RemoveEmpty { .. } => "REMOVE",
                NfsOp::List => "READDIR",
                NfsOp::Read { .. } => "READ",
                NfsOp::Stat => "GETATTR",
            },
            NfsMessage::Reply { .. } => "reply",
        }
    }

    fn bytes(message: &NfsMessage) -> u32 {
        let body = match message {
            NfsMessage::Call { op: NfsOp::Write { edits, .. }, .. }
            | NfsMessage::Reply { result: NfsResult::Content(edits), .. } => size(edits),
            NfsMessage::Reply { result: NfsResult::Listing(segments), .. } => {
                u32::try_from(segments.len()).unwrap_or(u32::MAX).saturating_mul(80)
            }
            NfsMessage::Call { .. } | NfsMessage::Reply { .. } => 0,
        };
        HEAD_BYTES.saturating_add(body)
    }
}
