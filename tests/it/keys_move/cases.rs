//! Cases: small clusters under little load, and what happens to each.
//!
//! Here: their texts, and a run with one key set.
//! Never here: which key matters in which.
//! Modelled on: `scenarios/cases`, shortened.

use std::collections::BTreeMap;
use std::sync::Arc;

use hadr::runner::{Session, Watch};
use hadr::scenario::{Document, FileReader, Vocabulary, load};
use hadr::systems::Registry;

/// A small cluster under little load, and what happens to it.
pub(super) struct Small {
    pub(super) name: &'static str,
    horizon: &'static str,
    roles: &'static str,
    /// Section, key, value.
    config: &'static [(&'static str, &'static str, &'static str)],
    load: &'static str,
    faults: &'static str,
}

const TWO: &str = "zookeeper = 3\njournalnode = 3\nnamenode = 2\nzkfc = 2\n";

const LOAD: &str = r#"
[[workload]]
service = "hdfs-meta-write"
clients = 2
rate = "10/s"
[[workload]]
service = "hdfs-meta-read"
clients = 1
rate = "5/s"
"#;

const KILL: &str = r#"
[[fault]]
kind = "kill"
target = "active-namenode"
at = "2s"
until = "never"
"#;

const KILL_LATE: &str = r#"
[[fault]]
kind = "kill"
target = "active-namenode"
at = "110s"
until = "never"
"#;

/// A promotion, and all JournalNodes fall silent at one of its steps.
macro_rules! silent_at {
    ($name:literal, $mark:literal) => {
        Small {
            name: $name,
            faults: concat!(
                r#"
[[fault]]
kind = "kill"
target = "active-namenode"
at = "2s"
until = "never"
[[fault]]
kind = "stop"
target = "journalnode"
on = { mark = ""#,
                $mark,
                r#"" }
for = "3m"
"#
            ),
            ..KILLED
        }
    };
}

/// A plain failover.
pub(super) const KILLED: Small =
    Small { name: "kill", horizon: "40s", roles: TWO, config: &[], load: LOAD, faults: KILL };

/// The first is the plain one.
pub(super) const CASES: &[Small] = &[
    KILLED,
    Small {
        name: "calm",
        horizon: "2m",
        config: &[
            ("hdfs", "dfs.ha.log-roll.period", "10"),
            ("hdfs", "dfs.ha.tail-edits.period", "5"),
            ("hdfs", "dfs.namenode.checkpoint.period", "30"),
            ("hdfs", "dfs.namenode.checkpoint.check.period", "10"),
        ],
        faults: KILL_LATE,
        ..KILLED
    },
    Small {
        name: "busy",
        horizon: "2m",
        config: &[
            ("hdfs", "dfs.namenode.checkpoint.txns", "800"),
            ("hdfs", "dfs.namenode.checkpoint.check.period", "10"),
            ("hdfs", "dfs.namenode.edit.log.autoroll.check.interval.ms", "20000"),
            ("hdfs", "dfs.ha.tail-edits.period", "5"),
        ],
        faults: KILL_LATE,
        ..KILLED
    },
    Small {
        name: "in-progress",
        horizon: "70s",
        config: &[
            ("hdfs", "dfs.ha.tail-edits.in-progress", "true"),
            ("hdfs", "dfs.ha.tail-edits.period", "20"),
        ],
        faults: r#"
[[fault]]
kind = "kill"
target = "active-namenode"
at = "50s"
until = "never"
"#,
        ..KILLED
    },
    Small {
        name: "bounce",
        faults: r#"
[[fault]]
kind = "kill"
target = "active-namenode"
at = "2s"
for = "5s"
"#,
        ..KILLED
    },
    Small {
        name: "hang",
        horizon: "80s",
        faults: r#"
[[fault]]
kind = "stop"
target = "active-namenode"
at = "2s"
for = "75s"
"#,
        ..KILLED
    },
    Small {
        name: "power",
        horizon: "130s",
        load: r#"
[[workload]]
service = "hdfs-meta-write"
clients = 2
rate = "10/s"
[[workload]]
service = "hdfs-meta-write"
clients = 1
rate = "1/s"
fresh = true
"#,
        faults: r#"
[[fault]]
kind = "power-loss"
target = "active-namenode"
at = "2s"
until = "never"
"#,
        ..KILLED
    },
    Small {
        name: "power-3.3",
        horizon: "100s",
        config: &[("core", "profile", "hadoop-3.3"), ("hdfs", "profile", "hadoop-3.3")],
        faults: r#"
[[fault]]
kind = "power-loss"
target = "active-namenode"
at = "2s"
until = "never"
"#,
        ..KILLED
    },
    Small {
        name: "ssh",
        config: &[
            ("hdfs", "dfs.ha.fencing.methods", "sshfence\nshell(/bin/true)"),
            ("hdfs", "dfs.ha.fencing.ssh.private-key-files", "/id"),
        ],
        ..KILLED
    },
    Small {
        name: "ssh-power",
        horizon: "80s",
        config: &[
            ("hdfs", "dfs.ha.fencing.methods", "sshfence\nshell(/bin/true)"),
            ("hdfs", "dfs.ha.fencing.ssh.private-key-files", "/id"),
        ],
        faults: r#"
[[fault]]
kind = "power-loss"
target = "active-namenode"
at = "2s"
until = "never"
"#,
        ..KILLED
    },
    Small {
        name: "safe-mode",
        config: &[("hdfs", "dfs.namenode.safemode.min.datanodes", "1")],
        ..KILLED
    },
    Small {
        name: "three-namenodes",
        horizon: "70s",
        roles: "zookeeper = 3\njournalnode = 3\nnamenode = 3\nzkfc = 3\n",
        config: &[
            ("hdfs", "dfs.ha.log-roll.period", "5"),
            ("hdfs", "dfs.ha.tail-edits.period", "2"),
        ],
        faults: r#"
[[fault]]
kind = "stop"
target = "active-namenode"
at = "2s"
for = "45s"
"#,
        ..KILLED
    },
    Small {
        name: "checkpoint-hang",
        horizon: "2m",
        config: &[
            ("hdfs", "dfs.ha.log-roll.period", "10"),
            ("hdfs", "dfs.ha.tail-edits.period", "5"),
            ("hdfs", "dfs.namenode.checkpoint.period", "20"),
            ("hdfs", "dfs.namenode.checkpoint.check.period", "10"),
        ],
        faults: r#"
[[fault]]
kind = "stop"
target = "active-namenode"
on = { mark = "nn/checkpoint-saved" }
for = "40s"
[[fault]]
kind = "kill"
target = "active-namenode"
at = "110s"
until = "never"
"#,
        ..KILLED
    },
    Small {
        name: "secondary",
        horizon: "2m",
        roles: "namenode = 1\nsecondary-namenode = 1\nfsimage-backup = 1\n",
        config: &[
            ("hdfs", "dfs.ha.automatic-failover.enabled", "false"),
            ("hdfs", "dfs.namenode.checkpoint.period", "30"),
            ("hdfs", "dfs.namenode.checkpoint.check.period", "10"),
            ("hdfs", "hadr.fsimage-backup.period", "40s"),
        ],
        faults: r#"
[[fault]]
kind = "kill"
target = "namenode"
at = "60s"
for = "5s"
"#,
        ..KILLED
    },
    Small {
        name: "jn-behind",
        horizon: "130s",
        config: &[
            ("hdfs", "dfs.ha.log-roll.period", "10"),
            ("hdfs", "dfs.ha.tail-edits.period", "5"),
        ],
        faults: r#"
[[fault]]
kind = "kill"
target = "jn1"
at = "2s"
for = "40s"
[[fault]]
kind = "kill"
target = "active-namenode"
at = "120s"
until = "never"
"#,
        ..KILLED
    },
    Small {
        name: "jn-majority",
        faults: r#"
[[fault]]
kind = "kill"
target = "jn1"
at = "2s"
for = "15s"
[[fault]]
kind = "kill"
target = "jn2"
at = "2.5s"
for = "25s"
"#,
        ..KILLED
    },
    Small {
        name: "jn-power",
        horizon: "80s",
        faults: r#"
[[fault]]
kind = "power-loss"
target = "jn-majority"
at = "2s"
until = "never"
"#,
        ..KILLED
    },
    Small {
        name: "jn-stop-loaded",
        load: r#"
[[workload]]
service = "hdfs-meta-write"
clients = 2
threads = 20
rate = "2000/s"
"#,
        faults: r#"
[[fault]]
kind = "stop"
target = "jn1"
at = "1s"
for = "6s"
"#,
        ..KILLED
    },
    silent_at!("silent-new-epoch", "qjm/new-epoch:sent"),
    silent_at!("silent-prepare", "qjm/prepare-recovery:sent"),
    silent_at!("silent-accept", "qjm/accept-recovery:sent"),
    silent_at!("silent-finalize", "qjm/recovery-finalize:sent"),
    silent_at!("silent-select", "qjm/recovered"),
    silent_at!("silent-start", "qjm/start-segment:sent"),
    Small {
        name: "silent-stream",
        faults: r#"
[[fault]]
kind = "kill"
target = "active-namenode"
at = "2s"
until = "never"
[[fault]]
kind = "stop"
target = "journalnode"
on = { mark = "qjm/recovered", after = "300us" }
for = "3m"
"#,
        ..KILLED
    },
    Small {
        name: "dark-stream",
        faults: r#"
[[fault]]
kind = "kill"
target = "active-namenode"
at = "2s"
until = "never"
[[fault]]
kind = "silence"
target = "journalnode"
on = { mark = "qjm/recovered", after = "300us" }
for = "3m"
"#,
        ..KILLED
    },
    Small {
        name: "cache",
        horizon: "60s",
        config: &[
            ("hdfs", "dfs.ha.tail-edits.in-progress", "true"),
            ("hdfs", "dfs.ha.tail-edits.period", "20"),
            ("hdfs", "dfs.journalnode.edit-cache-size.fraction", "0.01"),
            ("hdfs", "hadr.journalnode.heap", "67108864"),
        ],
        load: r#"
[[workload]]
service = "hdfs-meta-write"
clients = 2
threads = 4
rate = "400/s"
"#,
        faults: r#"
[[fault]]
kind = "kill"
target = "active-namenode"
at = "40s"
until = "never"
"#,
        ..KILLED
    },
    Small {
        name: "graceful-hung",
        faults: r#"
[[fault]]
kind = "stop"
target = "active-namenode"
at = "2s"
for = "30s"
[[fault]]
kind = "admin"
command = "haadmin-failover"
target = "active-namenode"
at = "3s"
"#,
        ..KILLED
    },
    Small {
        name: "zk-twice",
        horizon: "80s",
        faults: r#"
[[fault]]
kind = "kill"
target = "zk-leader"
at = "2s"
for = "60s"
[[fault]]
kind = "kill"
target = "zookeeper"
on = { claimed = "controller" }
for = "60s"
"#,
        ..KILLED
    },
    Small {
        name: "zk",
        horizon: "1m",
        roles: "zookeeper = 3\n",
        config: &[
            ("hdfs", "dfs.ha.automatic-failover.enabled", "false"),
            ("zookeeper", "snapCount", "1000"),
        ],
        load: r#"
[[workload]]
service = "zk-write"
clients = 1
threads = 3
pace = "5ms"
"#,
        faults: r#"
[[fault]]
kind = "kill"
target = "zk-follower"
at = "2s"
for = "4s"
[[fault]]
kind = "power-loss"
target = "zk-leader"
at = "12s"
for = "4s"
"#,
    },
    Small {
        name: "zk-majority",
        horizon: "1m",
        faults: r#"
[[fault]]
kind = "kill"
target = "zk-majority"
at = "2s"
for = "40s"
"#,
        ..KILLED
    },
    Small {
        name: "zk-winner-dies",
        horizon: "1m",
        roles: "zookeeper = 3\n",
        config: &[("hdfs", "dfs.ha.automatic-failover.enabled", "false")],
        load: r#"
[[workload]]
service = "zk-write"
clients = 2
pace = "50ms"
"#,
        faults: r#"
[[fault]]
kind = "kill"
target = "zk-leader"
at = "2s"
until = "never"
[[fault]]
kind = "power-loss"
target = "zk3"
on = { mark = "zk/elected" }
for = "30s"
"#,
    },
];

impl Small {
    fn text(&self, set: Option<(&str, &str, &str)>) -> String {
        let mut config: BTreeMap<(&str, &str), &str> = BTreeMap::from([
            (("hdfs", "dfs.ha.automatic-failover.enabled"), "true"),
            (("hdfs", "dfs.ha.fencing.methods"), "shell(/bin/true)"),
        ]);
        config.extend(self.config.iter().map(|(section, key, value)| ((*section, *key), *value)));
        config.extend(set.iter().map(|(section, key, value)| ((*section, *key), *value)));
        let mut text = format!(
            "[run]\nwarm_up = \"8s\"\nhorizon = \"{}\"\njitter = \"0s\"\nstability = \"5s\"\n\
             [[topology.site]]\nname = \"dc1\"\nracks = [\"a\"]\n[topology.roles]\n{}{}{}",
            self.horizon, self.roles, self.load, self.faults,
        );
        let mut last = "";
        for ((section, key), value) in config {
            if section != last {
                text.push_str(&format!("[config.{section}]\n"));
                last = section;
            }
            text.push_str(&format!("{key:?} = {value:?}\n"));
        }
        text
    }

    /// The history's digest; section, key and value may be set.
    pub(super) fn history(&self, set: Option<(&str, &str, &str)>, registry: &Arc<Registry>) -> u64 {
        let words = Vocabulary::of(registry);
        let loaded = load("small.toml", &[], &Inline(self.text(set)), &words);
        let loaded = loaded.unwrap_or_else(|complaint| panic!("{}: {complaint}", self.name));
        let Document::Scenario(scenario) = loaded.document else { panic!("it has a topology") };
        let session = Session::open(Arc::new(*scenario), registry.clone(), 0, Watch::default());
        // Some ends of some ranges are refused, which is an effect as well.
        session.map_or(0, |session| session.finish().history_digest)
    }
}

struct Inline(String);

impl FileReader for Inline {
    fn read(&self, _path: &str) -> Result<Vec<u8>, String> {
        Ok(self.0.clone().into_bytes())
    }
}
