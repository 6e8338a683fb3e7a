//! Keys of HDFS: what an operator may say about its high availability.
//!
//! Here: the tables of journal, NameNode, failover and client, under one roof.
//! Never here: keys of the IPC library (`clients::hadoop_ipc_keys`).
//! Modelled on: Hadoop `DFSConfigKeys`; one table per daemon that reads it.

pub mod client;
pub mod failover;
pub mod journal;
pub mod namenode;

pub use self::{client::*, failover::*, journal::*, namenode::*};
pub use crate::clients::hadoop_ipc_keys::{HADOOP_3_3, HADOOP_3_4};

use crate::engine::config::Key;

const TABLES: [&[&dyn Key]; 7] = [
    journal::ALL,
    namenode::ALL,
    failover::ALL,
    client::ALL,
    super::journalnode::options::ALL,
    super::namenode::costs::ALL,
    super::secondary_backup::ALL,
];

const ROWS: usize = {
    let (mut rows, mut table) = (0, 0);
    while table < TABLES.len() {
        rows += TABLES[table].len();
        table += 1;
    }
    rows
};

const fn joined() -> [&'static dyn Key; ROWS] {
    let mut rows: [&dyn Key; ROWS] = [journal::ALL[0]; ROWS];
    let (mut table, mut filled) = (0, 0);
    while table < TABLES.len() {
        let mut row = 0;
        while row < TABLES[table].len() {
            rows[filled] = TABLES[table][row];
            filled += 1;
            row += 1;
        }
        table += 1;
    }
    rows
}

/// Every row of HDFS, table by table.
pub const ALL: &[&dyn Key] = &joined();
