//! Keys move: a key that is registered is read, and what it says changes some history.
//!
//! Each key is set to the ends of its sweep range in one case, in which its mechanism matters.
//!
//! Here: which key matters in which case, and the keys that matter in none, with reasons.
//! Never here: in which direction a key moves a measure.
//! Modelled on: DESIGN section 2, "Keys".

mod cases;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use hadr::campaign::pool::Pool;
use hadr::engine::config::Key;
use hadr::systems::Registry;

use cases::{CASES, KILLED, Small};

/// Where a key matters, other than in a plain failover.
const WHERE: &[(&str, &[&str])] = &[
    (
        "calm",
        &[
            "dfs.ha.log-roll.period",
            "dfs.ha.standby.checkpoints",
            "dfs.ha.tail-edits.period.backoff-max",
            "dfs.namenode.checkpoint.period",
        ],
    ),
    (
        "busy",
        &[
            "dfs.namenode.checkpoint.txns",
            "dfs.namenode.edit.log.autoroll.check.interval.ms",
            "dfs.namenode.edit.log.autoroll.multiplier.threshold",
        ],
    ),
    (
        "in-progress",
        &["dfs.ha.tail-edits.qjm.rpc.max-txns", "dfs.journalnode.edit-cache-size.bytes"],
    ),
    (
        "cache",
        &[
            "dfs.journalnode.edit-cache-size.fraction",
            "dfs.journalnode.handler.count",
            "hadr.journalnode.heap",
        ],
    ),
    ("silent-stream", &["dfs.qjournal.http.read.timeout.ms"]),
    ("dark-stream", &["dfs.qjournal.http.open.timeout.ms"]),
    ("graceful-hung", &["ha.failover-controller.cli-check.rpc-timeout.ms"]),
    ("zk-twice", &["ha.failover-controller.active-standby-elector.zk.op.retries"]),
    ("bounce", &["ha.health-monitor.sleep-after-disconnect.ms"]),
    ("hang", &["ha.health-monitor.rpc-timeout.ms", "hadr.namenode.jvm-exit"]),
    (
        "power",
        &[
            "dfs.client.failover.connection.retries.on.timeouts",
            "dfs.namenode.edits.asynclogging",
            "dfs.namenode.edits.asynclogging.pending.queue.size",
            "ha.failover-controller.graceful-fence.connection.retries",
            "ipc.client.connect.timeout",
            "ipc.client.rpc-timeout.ms",
        ],
    ),
    ("power-3.3", &["ipc.client.ping"]),
    ("ssh", &["dfs.ha.fencing.ssh.private-key-files"]),
    ("ssh-power", &["dfs.ha.fencing.ssh.connect-timeout"]),
    ("safe-mode", &["dfs.client.retry.max.attempts", "dfs.ha.nn.not-become-active-in-safemode"]),
    (
        "three-namenodes",
        &[
            "dfs.ha.log-roll.rpc.timeout",
            "dfs.ha.tail-edits.namenode-retries",
            "dfs.ha.tail-edits.rolledits.timeout",
        ],
    ),
    (
        "checkpoint-hang",
        &[
            "dfs.image.transfer.timeout",
            "dfs.namenode.checkpoint.check.quiet-multiplier",
            "dfs.namenode.servicerpc-address",
        ],
    ),
    (
        "secondary",
        &[
            "dfs.image.transfer.bandwidthPerSec",
            "dfs.namenode.checkpoint.check.period",
            "hadr.fsimage-backup.period",
            "hadr.namenode.image-write-rate",
        ],
    ),
    ("jn-behind", &["dfs.journalnode.enable.sync", "dfs.journalnode.sync.interval"]),
    (
        "jn-majority",
        &[
            "dfs.qjournal.get-journal-state.timeout.ms",
            "dfs.qjournal.write-txns.timeout.ms",
            "ipc.ping.interval",
        ],
    ),
    ("jn-power", &["ipc.client.connect.max.retries.on.timeouts"]),
    ("jn-stop-loaded", &["dfs.qjournal.queued-edits.limit.mb"]),
    ("silent-new-epoch", &["dfs.qjournal.new-epoch.timeout.ms"]),
    ("silent-prepare", &["dfs.qjournal.prepare-recovery.timeout.ms"]),
    ("silent-accept", &["dfs.qjournal.accept-recovery.timeout.ms"]),
    ("silent-finalize", &["dfs.qjournal.finalize-segment.timeout.ms"]),
    ("silent-select", &["dfs.qjournal.select-input-streams.timeout.ms"]),
    ("silent-start", &["dfs.qjournal.start-segment.timeout.ms"]),
    (
        "zk",
        &[
            "commitLogCount",
            "maxBatchSize",
            "maxClientCnxns",
            "snapCount",
            "snapshotSizeFactor",
            "syncLimit",
        ],
    ),
    ("zk-majority", &["fastleader.maxNotificationInterval"]),
    ("zk-winner-dies", &["connectToLearnerMasterLimit", "initLimit"]),
];

/// What is set where the ends of the sweep range say nothing.
const ENDS: &[(&str, &str)] = &[
    (
        "dfs.client.failover.proxy.provider",
        "org.apache.hadoop.hdfs.server.namenode.ha.RequestHedgingProxyProvider",
    ),
    ("dfs.namenode.servicerpc-address", "nn:8040"),
    ("ha.zookeeper.parent-znode", "/ha"),
    ("hadr.fencing.shell.outcomes", "/bin/true => fail"),
    ("hadr.fsimage-backup.period", "20s"),
    ("maxClientCnxns", "1"),
    ("maxSessionTimeout", "5000"),
];

/// Keys that move nothing here, and why.
const STILL: &[(&str, &str)] = &[
    // Read by no model.
    ("dfs.block.misreplication.processing.limit", "the namespace has no blocks yet"),
    ("dfs.namenode.accesstime.precision", "nobody opens a file"),
    ("dfs.namenode.replication.min", "the namespace has no blocks yet"),
    ("dfs.namenode.resource.du.reserved", "a full disk is full at once"),
    ("dfs.namenode.retrycache.heap.percent", "the cache is never full"),
    ("dfs.qjournal.parallel-read.num-threads", "reads of one channel never wait for each other"),
    ("electionPortBindRetry", "the port is never taken"),
    ("flushDelay", "stock 0: a sync begins with whatever is there"),
    ("globalOutstandingLimit", "requests are never throttled"),
    ("ipc.server.listen.queue.size", "so few callers do not fill it"),
    ("leader.maxTimeToWaitForEpoch", "stock: off"),
    ("quorumCnxnTimeoutMs", "a peer that connects says who it is"),
    // Read, but without effect upstream.
    ("dfs.client.failover.connection.retries", "upstream: none, for any number of refusals"),
    ("ha.health-monitor.connect-retry-interval.ms", "upstream: making a proxy never fails"),
    // Read, and without effect on what these cases can show.
    ("cnxTimeout", "an election does not wait for the connection to a dead peer"),
    ("dfs.edit.log.transfer.timeout", "nobody stalls within the milliseconds of a transfer"),
    ("dfs.namenode.checkpoint.max-retries", "a merge never fails"),
    ("dfs.namenode.max.extra.edits.segments.retained", "what is purged is not missed"),
    ("dfs.namenode.num.checkpoints.retained", "what is purged is not missed"),
    ("dfs.namenode.num.extra.edits.retained", "what is purged is not missed"),
    ("dfs.namenode.retrycache.expirytime.millis", "a repeat comes seconds after the first"),
    ("dfs.namenode.safemode.extension", "upstream: none without blocks"),
    ("dfs.namenode.safemode.threshold-pct", "the namespace has no blocks yet"),
    ("dfs.namenode.service.handler.count", "a controller makes one call at a time"),
    ("dfs.qjm.operations.timeout", "journals are formatted before a run"),
];

fn keys(registry: &Registry) -> Vec<(&'static str, &'static dyn Key)> {
    let rows = |section: &hadr::systems::KeySection| {
        let name = section.name;
        section.keys.iter().map(move |key| (name, *key)).collect::<Vec<_>>()
    };
    registry.sections().flat_map(rows).collect()
}

fn case_of(key: &str) -> &'static Small {
    let place = WHERE.iter().find(|(_, keys)| keys.contains(&key)).map_or("kill", |place| place.0);
    CASES.iter().find(|case| case.name == place).expect("WHERE names cases")
}

/// The values that a key is set to.
fn values(key: &dyn Key) -> Vec<String> {
    let own = ENDS.iter().find(|end| end.0 == key.name()).map(|end| end.1.to_owned());
    let (low, high) = key.sweep_text();
    own.into_iter().chain([low, high]).collect()
}

#[test]
fn every_key_moves_some_history_or_is_listed_as_still() {
    let registry = Arc::new(Registry::builtin());
    let stop = AtomicBool::new(false);
    let pool = Pool { jobs: None, progress: &|_| {}, stop: &stop };
    let stock = pool.run(CASES.len(), |index| CASES[index].history(None, &registry));
    let stock = stock.expect("no run panics");
    let is_still = |name: &str| STILL.iter().any(|still| still.0 == name);
    let moving: Vec<_> =
        keys(&registry).into_iter().filter(|(_, key)| !is_still(key.name())).collect();
    let moved = pool.run(moving.len(), |index| {
        let (section, key) = moving[index];
        let case = case_of(key.name());
        let place = CASES.iter().position(|other| other.name == case.name).expect("it is listed");
        let differs = |value: &String| {
            case.history(Some((section, key.name(), value)), &registry) != stock[place]
        };
        values(key).iter().any(differs)
    });
    let moved = moved.expect("no run panics");
    let without_effect: Vec<_> = (moving.iter().zip(moved))
        .filter(|(_, moved)| !moved)
        .map(|((_, key), _)| format!("{} in {}", key.name(), case_of(key.name()).name))
        .collect();
    assert!(without_effect.is_empty(), "these move nothing:\n  {}", without_effect.join("\n  "));

    let still: Vec<_> =
        keys(&registry).into_iter().filter(|(_, key)| is_still(key.name())).collect();
    let stirs = pool.run(still.len(), |index| {
        let (section, key) = still[index];
        let differs = |value: &String| {
            KILLED.history(Some((section, key.name(), value)), &registry) != stock[0]
        };
        values(key).iter().any(differs)
    });
    let stirs = stirs.expect("no run panics");
    let stirring: Vec<_> = (still.iter().zip(stirs))
        .filter(|(_, stirs)| *stirs)
        .map(|((_, key), _)| key.name())
        .collect();
    assert!(stirring.is_empty(), "these move something and are listed as still: {stirring:?}");
}

#[test]
fn what_is_listed_is_registered_and_listed_once() {
    let registry = Registry::builtin();
    let known: Vec<&str> = keys(&registry).iter().map(|(_, key)| key.name()).collect();
    let mut listed: Vec<&str> = WHERE.iter().flat_map(|(_, keys)| keys.iter().copied()).collect();
    listed.extend(STILL.iter().map(|still| still.0));
    listed.sort_unstable();
    let unknown: Vec<_> = listed.iter().filter(|key| !known.contains(*key)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert!(listed.windows(2).all(|pair| pair[0] != pair[1]), "{listed:?}");
}
