//! ZAB: ZooKeeper's fast leader election and atomic broadcast, as pure state machines.
//!
//! Here: `peer` (a server through its roles) over `election`, `leader`, `learner`; beside it the
//! election port's `connections`.
//! Never here: sockets, dice, clocks, sessions, the tree; all of them are the process's.
//! Modelled on: ZooKeeper 3.8.4 `server/quorum`; fidelity notes in docs/MODELS.md, "zab".

pub mod connections;
pub mod core;
pub mod database;
pub mod election;
pub mod interface;
pub mod leader;
pub mod learner;
pub mod learner_handler;
pub mod log_thread;
pub mod peer;
pub mod rules;
pub mod sync;
pub mod types;

#[cfg(test)]
mod tests;

pub use interface::{
    Effect, Input, Leave, Logged, Machine, Ticket, Timer, ToLeader, ToLearner, Volume, WriteKind,
};
pub use peer::Peer;
pub use rules::Rules;
pub use types::{Ballot, Epoch, Link, Notification, PeerState, Settings, Sid, Vote, Zxid};
