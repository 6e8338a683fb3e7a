//! Translate: between the words of the client protocol and those of the replicated state.
//!
//! Here: one function per direction and type.
//! Never here: decisions.
//! Modelled on: the deserialization in ZooKeeper 3.8.4 `FinalRequestProcessor`,
//! `PrepRequestProcessor`.

use std::sync::Arc;

use super::api::{
    WatchKind, ZkAnswer, ZkError, ZkMessage, ZkRequest, ZkResult, ZnodeData, ZnodeMode, ZnodePath,
    ZnodeStat,
};
use crate::protocols::zookeeper::{
    Answer, Change, ChangeKind, Code, CreateMode, Data, Op, Path, Read, Request, Stat, Version,
    WatchSet, Zxid,
};

/// A client's request in the server's words.
pub fn request(asked: &ZkRequest) -> Request {
    let read = |read| Request::Read(read);
    match asked {
        ZkRequest::Exists { path, watch } => read(Read::Exists { path: at(path), watch: *watch }),
        ZkRequest::GetData { path, watch } => read(Read::GetData { path: at(path), watch: *watch }),
        ZkRequest::GetChildren { path, watch } => {
            read(Read::GetChildren { path: at(path), watch: *watch })
        }
        ZkRequest::Sync => Request::Sync,
        ZkRequest::SetWatches { relative_zxid, data, exist, child } => {
            let paths = |paths: &Vec<ZnodePath>| paths.iter().map(at).collect();
            Request::SetWatches(WatchSet {
                relative_zxid: Zxid(*relative_zxid),
                data: paths(data),
                exist: paths(exist),
                child: paths(child),
            })
        }
        ZkRequest::CloseSession => Request::Write(Op::CloseSession),
        ZkRequest::Create { .. }
        | ZkRequest::Delete { .. }
        | ZkRequest::SetData { .. }
        | ZkRequest::Check { .. }
        | ZkRequest::Multi(_) => Request::Write(op(asked)),
    }
}

/// A write; whatever else a client may put into a multi is refused by the leader, as an `Op` that
/// no multi holds.
fn op(asked: &ZkRequest) -> Op {
    match asked {
        ZkRequest::Create { path, data, mode } => {
            Op::Create { path: at(path), data: payload(*data), mode: create_mode(*mode) }
        }
        ZkRequest::Delete { path, version } => {
            Op::Delete { path: at(path), version: expected(*version) }
        }
        ZkRequest::SetData { path, data, version } => {
            Op::SetData { path: at(path), data: payload(*data), version: expected(*version) }
        }
        ZkRequest::Check { path, version } => {
            Op::Check { path: at(path), version: expected(*version) }
        }
        ZkRequest::Multi(parts) => Op::Multi(parts.iter().map(op).collect()),
        ZkRequest::Exists { .. }
        | ZkRequest::GetData { .. }
        | ZkRequest::GetChildren { .. }
        | ZkRequest::Sync
        | ZkRequest::SetWatches { .. }
        | ZkRequest::CloseSession => Op::CloseSession,
    }
}

fn at(path: &ZnodePath) -> Path {
    Path::from(Arc::clone(path))
}

const fn payload(data: ZnodeData) -> Data {
    Data { word: data.word, bytes: data.bytes }
}

const fn create_mode(mode: ZnodeMode) -> CreateMode {
    CreateMode { ephemeral: mode.ephemeral, sequential: mode.sequential }
}

const fn expected(version: Option<u32>) -> Version {
    match version {
        None => Version::Any,
        Some(version) => Version::Exactly(version),
    }
}

/// An answer in the client's words.
pub fn result(answer: Result<Answer, Code>) -> ZkResult {
    Ok(match answer.map_err(error)? {
        Answer::Done => ZkAnswer::Done,
        Answer::Created(path) => ZkAnswer::Created(path.shared()),
        Answer::Stat(node) => ZkAnswer::Stat(stat(node)),
        Answer::Data(data, node) => {
            ZkAnswer::Data(ZnodeData { word: data.word, bytes: data.bytes }, stat(node))
        }
        Answer::Children(names, node) => ZkAnswer::Children(names, stat(node)),
        Answer::Multi(parts) => ZkAnswer::Multi(parts.into_iter().map(result).collect()),
    })
}

fn stat(stat: Stat) -> ZnodeStat {
    ZnodeStat {
        czxid: stat.czxid.0,
        mzxid: stat.mzxid.0,
        pzxid: stat.pzxid.0,
        version: stat.version,
        cversion: stat.cversion,
        ephemeral_owner: stat.ephemeral_owner.map_or(0, |owner| owner.0),
        num_children: stat.num_children,
    }
}

const fn error(code: Code) -> ZkError {
    match code {
        Code::RuntimeInconsistency => ZkError::RuntimeInconsistency,
        Code::BadArguments => ZkError::BadArguments,
        Code::NoNode => ZkError::NoNode,
        Code::BadVersion => ZkError::BadVersion,
        Code::NoChildrenForEphemerals => ZkError::NoChildrenForEphemerals,
        Code::NodeExists => ZkError::NodeExists,
        Code::NotEmpty => ZkError::NotEmpty,
        Code::SessionExpired => ZkError::SessionExpired,
        Code::SessionMoved => ZkError::SessionMoved,
    }
}

/// A fired watch as it travels.
pub fn notification(change: &Change) -> ZkMessage {
    let kind = match change.kind {
        ChangeKind::Created => WatchKind::Created,
        ChangeKind::Deleted => WatchKind::Deleted,
        ChangeKind::DataChanged => WatchKind::DataChanged,
        ChangeKind::ChildrenChanged => WatchKind::ChildrenChanged,
    };
    ZkMessage::Watch { path: change.path.shared(), kind }
}
