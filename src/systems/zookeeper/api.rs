//! Api: what ZooKeeper offers to other systems.
//!
//! Here: the client interface and its words, defined beside the client library.
//! Never here: servers' talk among themselves.
//! Modelled on: ZooKeeper 3.8.4 client protocol.

use crate::engine::process::{Interface, Port};
use crate::history::NoteName;

pub use crate::clients::zookeeper::wire::{
    WatchKind, ZkAnswer, ZkClient, ZkError, ZkMessage, ZkRequest, ZkResult, ZnodeData, ZnodeMode,
    ZnodePath, ZnodeStat,
};

/// `clientPort` of conf/zoo_sample.cfg.
pub const CLIENT_PORT: Port = Port(2_181);

/// What the one who runs a scenario asks a workload client of ZooKeeper.
#[derive(Clone, Copy, Debug)]
pub struct ZkLoadAdmin;

/// One command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZkLoadCommand {
    /// No operation begins from now on; those under way go on.
    StopLoad,
    /// Read back what was acknowledged; note `Audited` for each write, then [`AUDIT_ENDED`].
    Audit,
}

/// Noted when an audit ended: writes looked for, writes absent, writes that could not be read.
pub const AUDIT_ENDED: NoteName = NoteName::named("zk-client/audit-ended");
/// Noted when the client library tells of its session: 1 SyncConnected, 2 Disconnected, 3 Expired.
pub const SESSION_STATE: NoteName = NoteName::named("zk-client/session-state");
/// Noted when an owner's ephemeral node was created: the owner's number.
pub const EPHEMERAL_OWNED: NoteName = NoteName::named("zk-client/ephemeral-owned");
/// Noted when a watcher hears that an owner's node is gone: the owner's number.
pub const EPHEMERAL_GONE: NoteName = NoteName::named("zk-client/ephemeral-gone");

impl Interface for ZkLoadAdmin {
    const NAME: &'static str = "ZkLoadAdmin";
    type Message = ZkLoadCommand;

    fn kind(command: &ZkLoadCommand) -> &'static str {
        match command {
            ZkLoadCommand::StopLoad => "stop-load",
            ZkLoadCommand::Audit => "audit",
        }
    }

    fn bytes(_command: &ZkLoadCommand) -> u32 {
        0 // not on the wire
    }
}
