//! Clients: the time-outs and retries of client libraries.
//!
//! Here: what a library adds to the operating system's outcomes; embedded in the process that uses
//! it.
//! Never here: a system's word; a retry that upstream does not make.
//! Modelled on: ipc.Client, ZooKeeper ClientCnxn.

pub mod hadoop_ipc;
pub mod hadoop_ipc_keys;
pub mod retry;
pub mod zookeeper;
