//! ClientNamenode: what clients ask a NameNode.
//!
//! Here: the metadata calls of the probe services, and which of them may be repeated.
//! Never here: blocks and leases; who answers.
//! Modelled on: Hadoop `hdfs/protocol/ClientProtocol.java` and its annotations.

use crate::clients::hadoop_ipc::RpcInterface;
use crate::clients::retry::MethodClass;
use crate::history::ContentHash;

/// `ClientProtocol`, version 1.
#[derive(Clone, Copy, Debug)]
pub struct ClientNamenode;

/// A path of two levels, `/directory/name`. Numbers, so that no text travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FilePath {
    /// Directory below the root.
    pub directory: u64,
    /// Name in that directory.
    pub name: u64,
}

/// What lies at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStatus {
    /// Whether it is a directory.
    pub directory: bool,
    /// What was written there, hashed.
    pub content: ContentHash,
}

/// Calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientRequest {
    /// Makes a directory, its parent too; success if it is there already.
    Mkdirs {
        /// Which.
        path: FilePath,
        /// Identity of the write, kept with the directory.
        content: ContentHash,
    },
    /// Makes an empty, closed file; fails if it is there already.
    Create {
        /// Which.
        path: FilePath,
        /// What it contains, hashed.
        content: ContentHash,
    },
    /// Removes a file or directory.
    Delete {
        /// Which.
        path: FilePath,
    },
    /// Gives a file or directory another path; fails if that is taken.
    Rename {
        /// Which.
        from: FilePath,
        /// The new path.
        to: FilePath,
    },
    /// What lies at a path?
    GetFileInfo {
        /// Which.
        path: FilePath,
    },
    /// What lies in a directory? In order of names, at most [`LISTING_LIMIT`] at a time.
    GetListing {
        /// Which.
        directory: u64,
        /// Only names after this one.
        after: Option<u64>,
    },
}

/// Answers of a NameNode that executed the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientResponse {
    /// To all writes: whether anything is now as asked (`delete` of nothing: false).
    Done(bool),
    /// To `GetFileInfo`; none: nothing lies there.
    FileInfo(Option<FileStatus>),
    /// To `GetListing`.
    Listing {
        /// Name and status, in order of names.
        entries: Vec<(u64, FileStatus)>,
        /// Whether the directory has more.
        more: bool,
    },
}

/// Entries of one listing (`dfs.ls.limit`).
pub const LISTING_LIMIT: usize = 1_000;

/// Class name of the exception of a `Create` or `Rename` whose target is taken.
pub const FILE_ALREADY_EXISTS: &str = "FileAlreadyExistsException";
/// Class name of the exception of a call on a path that is not there.
pub const FILE_NOT_FOUND: &str = "FileNotFoundException";
/// Class name of the exception of a write outside startup safe mode that safe mode refuses.
pub const SAFE_MODE: &str = "SafeModeException";

impl ClientRequest {
    /// Upstream's annotation of the method.
    pub const fn class(&self) -> MethodClass {
        match self {
            ClientRequest::Mkdirs { .. }
            | ClientRequest::GetFileInfo { .. }
            | ClientRequest::GetListing { .. } => MethodClass::Idempotent,
            ClientRequest::Create { .. }
            | ClientRequest::Delete { .. }
            | ClientRequest::Rename { .. } => MethodClass::AtMostOnce,
        }
    }

    /// Whether it changes the namespace (`OperationCategory.WRITE`).
    pub const fn is_write(&self) -> bool {
        match self {
            ClientRequest::Mkdirs { .. }
            | ClientRequest::Create { .. }
            | ClientRequest::Delete { .. }
            | ClientRequest::Rename { .. } => true,
            ClientRequest::GetFileInfo { .. } | ClientRequest::GetListing { .. } => false,
        }
    }
}

/// Bytes of a request: headers, and a path of some 40 letters or two.
const REQUEST_BYTES: u32 = 200;
/// Bytes of an answer: headers and a flag.
const ANSWER_BYTES: u32 = 60;
/// Bytes of a `HdfsFileStatusProto`.
const STATUS_BYTES: u32 = 120;

impl RpcInterface for ClientNamenode {
    const PROTOCOL: &'static str = "ClientProtocol";
    type Request = ClientRequest;
    type Response = ClientResponse;

    fn method(request: &ClientRequest) -> &'static str {
        match request {
            ClientRequest::Mkdirs { .. } => "mkdirs",
            ClientRequest::Create { .. } => "create",
            ClientRequest::Delete { .. } => "delete",
            ClientRequest::Rename { .. } => "rename2",
            ClientRequest::GetFileInfo { .. } => "getFileInfo",
            ClientRequest::GetListing { .. } => "getListing",
        }
    }

    fn request_bytes(_request: &ClientRequest) -> u32 {
        REQUEST_BYTES
    }

    fn response_bytes(response: &ClientResponse) -> u32 {
        match response {
            ClientResponse::Done(_) => ANSWER_BYTES,
            ClientResponse::FileInfo(status) => {
                ANSWER_BYTES + if status.is_some() { STATUS_BYTES } else { 0 }
            }
            ClientResponse::Listing { entries, .. } => {
                let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
                ANSWER_BYTES.saturating_add(STATUS_BYTES.saturating_mul(count))
            }
        }
    }
}
