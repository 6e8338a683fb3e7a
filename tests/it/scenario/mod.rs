//! Scenario: files as people write them, and the one complaint that a wrong one gets.
//!
//! Here: a vocabulary and files of the tests' own, independent of any registered system.
//! Never here: running anything.
//! Modelled on: rustc's UI tests.

mod complaints;
mod docs;
mod hostile;
mod import;
mod schema;
mod typed;

use std::collections::BTreeMap;

use hadr::clients::hadoop_ipc_keys;
use hadr::scenario::vocabulary::{
    RoleWord, Section, SelectorWord, ServiceWord, SizeWord, Vocabulary, Word,
};
use hadr::scenario::{Complaint, Document, FileReader, Loaded, Scenario, load};
use hadr::systems::{hdfs, zookeeper};

/// Files by path.
pub(crate) struct Files(pub(crate) BTreeMap<String, Vec<u8>>);

impl Files {
    pub(crate) fn of(files: &[(&str, &str)]) -> Files {
        let bytes = |text: &str| text.as_bytes().to_vec();
        Files(files.iter().map(|(path, text)| ((*path).to_string(), bytes(text))).collect())
    }
}

impl FileReader for Files {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.0.get(path).cloned().ok_or_else(|| "no such file".to_string())
    }
}

pub(crate) fn words() -> Vocabulary {
    let role = |name, short, beside, family| RoleWord {
        name,
        short,
        beside,
        family,
        is_client: name == "hdfs-client",
        meaning: "",
    };
    let hadoop = "hadoop";
    let profiles = &[hdfs::keys::HADOOP_3_4, hdfs::keys::HADOOP_3_3];
    let section = |name,
                   family,
                   keys: &'static [&'static dyn hadr::engine::config::Key],
                   profiles| { Section { name, family, keys, profiles } };
    Vocabulary {
        roles: vec![
            role("zookeeper", "zk", None, "zookeeper"),
            role("journalnode", "jn", None, hadoop),
            role("namenode", "nn", None, hadoop),
            role("zkfc", "zkfc", Some("namenode"), hadoop),
            role("secondary-namenode", "snn", None, hadoop),
            role("nfs-filer", "nfs", None, hadoop),
            role("hdfs-client", "client", None, hadoop),
        ],
        selectors: vec![
            SelectorWord { name: "active-namenode", role: "namenode", meaning: "" },
            SelectorWord { name: "zk-leader", role: "zookeeper", meaning: "" },
            SelectorWord { name: "jn-minority", role: "journalnode", meaning: "" },
        ],
        marks: vec![Word { name: "qjm/accept-recovery:sent", meaning: "" }],
        notes: vec![Word { name: "zkfc/fenced", meaning: "" }],
        services: vec![ServiceWord {
            name: "hdfs-meta-write",
            client: "hdfs-client",
            needs: "namenode",
            operations: &["mkdir", "create"],
            meaning: "",
        }],
        commands: vec![Word { name: "haadmin-failover", meaning: "" }],
        sizes: vec![SizeWord { name: "namespace-files", stock: 1_000_000, meaning: "" }],
        sections: vec![
            section("core", hadoop, hadoop_ipc_keys::ALL, profiles),
            section("hdfs", hadoop, hdfs::keys::ALL, profiles),
            section(
                "zookeeper",
                "zookeeper",
                zookeeper::keys::ALL,
                &[zookeeper::keys::ZOOKEEPER_3_8],
            ),
        ],
        plants: vec![Word { name: "HDFS-3845", meaning: "" }],
    }
}

pub(crate) fn read(text: &str) -> Result<Loaded, Complaint> {
    load("a.toml", &[], &Files::of(&[("a.toml", text)]), &words())
}

pub(crate) fn scenario(text: &str) -> Scenario {
    match read(text).unwrap_or_else(|complaint| panic!("{complaint}")).document {
        Document::Scenario(scenario) => *scenario,
        Document::Disaster(disaster) => panic!("a disaster: {disaster:?}"),
    }
}

/// The usual small cluster.
pub(crate) const CLUSTER: &str = "
[topology.roles]
zookeeper = 3
journalnode = 3
namenode = 2
zkfc = 2
";
