//! ZooKeeper: servers, their quorum protocol and sessions.
//!
//! Here: the processes, their interfaces, keys, services and role selectors.
//! Never here: a verdict, a measure, a word about faults.
//! Modelled on: ZooKeeper 3.8.4; fidelity notes in docs/MODELS.md, "zookeeper".

pub mod api;
pub mod client_process;
pub mod clients;
pub mod keys;
pub mod marks;
pub mod options;
pub mod quorum_api;
pub mod server;
pub mod system;
pub mod translate;
