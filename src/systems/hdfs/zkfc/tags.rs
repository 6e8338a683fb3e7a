//! Tags: what the timers and locks of a failover controller are for, and who waits.
//!
//! Here: kinds of tags, their names in phases, threads as their argument.
//! Never here: what happens when one comes.
//! Modelled on: the threads of `ZKFailoverController`: main, health monitor, ZooKeeper event
//! thread, delay timer, RPC handlers.

use crate::engine::process::Tag;

/// The elector's lock was granted to a thread.
pub(super) const ELECTOR_LOCK: u32 = 1;
/// The controller's lock was granted to a thread.
pub(super) const CONTROLLER_LOCK: u32 = 2;
/// The health monitor's sleep between rounds.
pub(super) const ROUND: u32 = 3;
/// `Thread.sleep` of the elector.
pub(super) const ELECTOR_SLEEP: u32 = 4;
/// A new ZooKeeper client waits for its first event.
pub(super) const FIRST_EVENT: u32 = 5;
/// A delayed recheck of electability.
pub(super) const RECHECK: u32 = 6;
/// Connecting to, or reading from, the local NameNode's HTTP server.
pub(super) const DUMP: u32 = 7;
/// A handler of the RPC server is free.
pub(super) const HANDLER: u32 = 8;
/// A graceful failover looks whether the local NameNode was promoted.
pub(super) const ATTEMPT: u32 = 9;
/// First kind of the client for HA calls.
pub(super) const HA_CALLS: u32 = 0x100;
/// First kind of the client for calls to other controllers.
pub(super) const PEER_CALLS: u32 = 0x110;
/// First kind of the ZooKeeper client.
pub(super) const ZOOKEEPER: u32 = 0x120;
/// First kind of the fencer.
pub(super) const FENCER: u32 = 0x130;

/// The name of a tag of the controller itself, for phases.
pub(super) const fn name(tag: Tag) -> &'static str {
    match tag.kind {
        ELECTOR_LOCK => "elector lock",
        CONTROLLER_LOCK => "zkfc lock",
        ROUND => "health-check interval",
        ELECTOR_SLEEP => "elector sleep",
        FIRST_EVENT => "wait for a ZooKeeper connection",
        RECHECK => "delay of joining the election",
        DUMP => "thread dump time-out",
        HANDLER => "zkfc handlers",
        ATTEMPT => "wait for an attempt to become active",
        _ => "zkfc timer",
    }
}

/// Who holds or waits for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thread {
    /// `mainLoop`.
    Main,
    /// `MonitorDaemon`.
    Monitor,
    /// The event thread of the ZooKeeper client.
    Events,
    /// `ZKFC Delay timer`, one thread.
    Delay,
    /// A handler of the RPC server, by the number of its call.
    Handler(u64),
}

impl Thread {
    const HANDLERS_FROM: u64 = 4;

    /// As the argument of a tag.
    pub(super) const fn code(self) -> u64 {
        match self {
            Thread::Main => 0,
            Thread::Monitor => 1,
            Thread::Events => 2,
            Thread::Delay => 3,
            Thread::Handler(call) => Thread::HANDLERS_FROM + call,
        }
    }

    /// From the argument of a tag.
    pub(super) const fn of(code: u64) -> Thread {
        match code {
            0 => Thread::Main,
            1 => Thread::Monitor,
            2 => Thread::Events,
            3 => Thread::Delay,
            call => Thread::Handler(call - Thread::HANDLERS_FROM),
        }
    }
}
