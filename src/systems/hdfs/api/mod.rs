//! API: the interfaces that the daemons of HDFS serve.
//!
//! Here: requests, responses and paths as they travel; what other systems may import.
//! Never here: a daemon's state.
//! Modelled on: Hadoop `hdfs/protocol`, `hdfs/server/protocol`, `ha/HAServiceProtocol.java`.

pub mod client_admin;
pub mod client_namenode;
pub mod ha_service;
pub mod journal_http;
pub mod namenode_protocol;
pub mod nfs;
pub mod nn_http;
pub mod qjournal;
pub mod zkfc_protocol;
