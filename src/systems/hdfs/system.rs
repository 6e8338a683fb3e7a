//! System: all that scenarios, runners, lists and reports know of HDFS.
//!
//! Here: the tables of its rooms, put together; selectors that concern several of them.
//! Never here: behaviour.
//! Modelled on: DESIGN, Registry.

use super::keys::{self, HADOOP_3_3, HADOOP_3_4};
use super::{
    clients, controllers, haadmin, journal_roles, journalnode, namenode_roles, quorum_journal, zkfc,
};
use crate::clients::hadoop_ipc_keys;
use crate::history;
use crate::systems::{KeySection, SelectorSpec, System, Who};

/// HDFS high availability.
pub const SYSTEM: System = System {
    name: "hdfs",
    model_version: 1,
    roles: &[&namenode_roles::ROLES, &journal_roles::ROLES, &controllers::ROLES, &clients::ROLES],
    sections: &[
        KeySection {
            name: "core",
            family: "hadoop",
            profiles: &[HADOOP_3_4, HADOOP_3_3],
            keys: hadoop_ipc_keys::ALL,
        },
        KeySection {
            name: "hdfs",
            family: "hadoop",
            profiles: &[HADOOP_3_4, HADOOP_3_3],
            keys: keys::ALL,
        },
    ],
    services: &[&clients::SERVICES],
    sizes: &[&namenode_roles::SIZES, &controllers::SIZES],
    marks: &[
        &namenode_roles::MARKS,
        quorum_journal::marks::MARKS,
        journalnode::marks::MARKS,
        zkfc::MARKS,
    ],
    notes: &[
        &namenode_roles::NOTES,
        quorum_journal::marks::NOTES,
        journalnode::marks::NOTES,
        zkfc::NOTES,
        haadmin::NOTES,
        &clients::NOTES,
    ],
    selectors: &[&namenode_roles::SELECTORS, &SELECTORS],
    commands: &[&controllers::COMMANDS],
    plants: &[&journal_roles::PLANTS],
    companions: controllers::companions,
};

const SELECTORS: [SelectorSpec; 4] = [
    SelectorSpec {
        name: "active-zkfc",
        of: "zkfc",
        who: Who::Holds(history::Role::Controller),
        meaning: "the failover controller that holds the lock",
    },
    SelectorSpec {
        name: "standby-zkfc",
        of: "zkfc",
        who: Who::HoldsNot(history::Role::Controller),
        meaning: "the failover controllers that wait for the lock",
    },
    SelectorSpec {
        name: "jn-minority",
        of: "journalnode",
        who: Who::Minority,
        meaning: "as many JournalNodes as a majority can lose",
    },
    SelectorSpec {
        name: "jn-majority",
        of: "journalnode",
        who: Who::Majority,
        meaning: "so many JournalNodes that the rest is no quorum",
    },
];
