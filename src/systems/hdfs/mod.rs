//! HDFS: NameNodes, JournalNodes, failover controllers and their clients.
//!
//! Here: the processes, their interfaces, keys, services and role selectors.
//! Never here: a verdict, a measure, a word about faults.
//! Modelled on: Hadoop 3.3.6 and 3.4.1; fidelity notes in docs/MODELS.md, a section a daemon.

pub mod api;
pub mod client;
pub mod client_load;
pub mod clients;
pub mod controllers;
pub mod edit_files;
pub mod fencing;
pub mod haadmin;
mod image_transfer;
pub mod journal_roles;
pub mod journalnode;
pub mod keys;
pub mod namenode;
pub mod namenode_roles;
pub mod nfs;
pub mod quorum_journal;
pub mod secondary;
pub mod secondary_backup;
pub mod segment_fetch;
pub mod sshd;
pub mod system;
pub mod zkfc;
