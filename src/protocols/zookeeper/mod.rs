//! ZooKeeper's replicated state above ZAB: data tree, sessions, watches and the request pipeline.
//!
//! Here: what a transaction does, how a request becomes one, who is told, when a session expires.
//! Never here: agreement on the order of transactions (`protocols::zab`), sockets, a client's
//! retries.
//! Modelled on: ZooKeeper 3.8.4 `server/` classes that each file names.
//!
//! A server process uses it so: a request passes [`CommitProcessor::submit`]; a write goes to the
//! leader, whose [`Prep::prepare`] turns it into a [`Txn`]; once agreed, every server calls
//! [`DataTree::apply`], [`Watches::trigger`] and [`CommitProcessor::committed`]; a read that passes
//! is answered by [`DataTree::read`].

pub mod commit;
pub mod prep;
pub mod sessions;
pub mod tree;
pub mod types;
pub mod watches;

pub use commit::CommitProcessor;
pub use prep::{Prep, Prepared, Source};
pub use sessions::{Owner, Refusal, SessionTracker, TouchTable};
pub use tree::{Applied, DataTree};
pub use types::{
    Answer, Change, ChangeKind, Code, CreateMode, Cxid, Data, Op, Path, Read, Request, SessionId,
    SessionTxn, Stat, Txn, Version, WatchSet, Zxid,
};
pub use watches::{WatcherId, Watches};
