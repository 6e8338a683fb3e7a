//! Hadoop IPC: calls over shared connections, with the time-outs that decide failovers.
//!
//! Here: the client library embedded in a process, and the accept side of a daemon.
//! Never here: a system's word; retries above one connection (`clients::retry`).
//! Modelled on: Hadoop 3.3.6 and 3.4.1 `ipc/Client.java`, `ipc/Server.java`; docs/MODELS.md, "ipc".

pub mod client;
mod connection;
pub mod policy;
pub mod server;
#[cfg(test)]
mod tests;
pub mod wire;

pub use client::{IpcClient, TAG_KINDS};
pub use policy::{CallPolicy, ConnectionKey, ServerAddress};
pub use server::{Incoming, IpcServer, ReplyTo};
pub use wire::{
    Attempt, CallId, CallOutcome, ClientId, Completion, LocalFailure, RemoteException, Rpc,
    RpcInterface,
};
