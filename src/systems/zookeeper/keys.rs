//! Keys of ZooKeeper: what an operator may say in zoo.cfg.
//!
//! Here: one row per key that a server reads, system properties without their `zookeeper.`.
//! Never here: the server list (topology), how a key is read.
//! Modelled on: ZooKeeper 3.8.4 `QuorumPeerConfig`; conf/zoo_sample.cfg for the three ticks.

use crate::engine::config::{Millionths, Profile, key_table};
use crate::engine::time::SimDuration;

/// Stock values of ZooKeeper 3.8.4, `tickTime`, `initLimit` and `syncLimit` as in its
/// conf/zoo_sample.cfg.
pub const ZOOKEEPER_3_8: Profile = Profile("zookeeper-3.8");

const fn ms(ms: u64) -> SimDuration {
    SimDuration::from_millis(ms)
}

key_table! {
    /// The unit of all other limits; milliseconds. Stock is the 2000 of conf/zoo_sample.cfg,
    /// which every installation starts from; the code's own default is 3000.
    TICK_TIME: SimDuration {
        name: "tickTime",
        unit: Millis,
        stock: &[(ZOOKEEPER_3_8, ms(2_000))],
        sweep: (ms(100), ms(10_000)),
        mechanism: "zookeeper/ticks",
    }
    /// Ticks that a follower may take to connect to a leader and to catch up; the 10 of
    /// conf/zoo_sample.cfg, the code has no default.
    INIT_LIMIT: u64 {
        name: "initLimit",
        unit: Plain,
        stock: &[(ZOOKEEPER_3_8, 10)],
        sweep: (1, 100),
        mechanism: "zookeeper/quorum",
    }
    /// Ticks of silence after which leader and follower part; the 5 of conf/zoo_sample.cfg, the
    /// code has no default.
    SYNC_LIMIT: u64 {
        name: "syncLimit",
        unit: Plain,
        stock: &[(ZOOKEEPER_3_8, 5)],
        sweep: (1, 50),
        mechanism: "zookeeper/quorum",
    }
    /// Ticks that a follower may take to connect to a leader; 0 means `initLimit`.
    CONNECT_TO_LEARNER_MASTER_LIMIT: u64 {
        name: "connectToLearnerMasterLimit",
        unit: Plain,
        stock: &[(ZOOKEEPER_3_8, 0)],
        sweep: (0, 100),
        mechanism: "zookeeper/quorum",
    }
    /// Shortest session that a server grants; milliseconds; 0 (upstream's -1) means 2 ticks.
    MIN_SESSION_TIMEOUT: SimDuration {
        name: "minSessionTimeout",
        unit: Millis,
        stock: &[(ZOOKEEPER_3_8, ms(0))],
        sweep: (ms(0), ms(60_000)),
        mechanism: "zookeeper/sessions",
    }
    /// Longest session that a server grants; milliseconds; 0 (upstream's -1) means 20 ticks.
    MAX_SESSION_TIMEOUT: SimDuration {
        name: "maxSessionTimeout",
        unit: Millis,
        stock: &[(ZOOKEEPER_3_8, ms(0))],
        sweep: (ms(0), ms(600_000)),
        mechanism: "zookeeper/sessions",
    }
    /// Most connections of one client host to one server; 0 is no limit.
    MAX_CLIENT_CNXNS: u64 {
        name: "maxClientCnxns",
        unit: Plain,
        stock: &[(ZOOKEEPER_3_8, 60)],
        sweep: (0, 1_000),
        mechanism: "zookeeper/client-port",
    }
    /// Whether the leader serves clients: yes or no.
    LEADER_SERVES: &'static str {
        name: "leaderServes",
        unit: Plain,
        stock: &[(ZOOKEEPER_3_8, "yes")],
        sweep: ("no", "yes"),
        mechanism: "zookeeper/client-port",
    }
    /// Limit of opening a connection to an election port; milliseconds.
    CNX_TIMEOUT: SimDuration {
        name: "cnxTimeout",
        unit: Millis,
        stock: &[(ZOOKEEPER_3_8, ms(5_000))],
        sweep: (ms(500), ms(60_000)),
        mechanism: "zookeeper/election-port",
    }
    /// Limit of the first message on an election connection; milliseconds; 0 (upstream's -1)
    /// means `syncLimit` ticks.
    QUORUM_CNXN_TIMEOUT_MS: SimDuration {
        name: "quorumCnxnTimeoutMs",
        unit: Millis,
        stock: &[(ZOOKEEPER_3_8, ms(0))],
        sweep: (ms(0), ms(60_000)),
        mechanism: "zookeeper/election-port",
    }
    /// Transactions after which a server writes a snapshot and rolls its log, a random half to
    /// whole of them.
    SNAP_COUNT: u64 {
        name: "snapCount",
        unit: Plain,
        stock: &[(ZOOKEEPER_3_8, 100_000)],
        sweep: (100, 1_000_000),
        mechanism: "zookeeper/log",
    }
    /// Committed transactions kept in memory to bring a follower up to date.
    COMMIT_LOG_COUNT: u64 {
        name: "commitLogCount",
        unit: Plain,
        stock: &[(ZOOKEEPER_3_8, 500)],
        sweep: (500, 100_000),
        mechanism: "zookeeper/sync",
    }
    /// Share of the snapshot's size up to which the log on disk is sent instead of the snapshot.
    SNAPSHOT_SIZE_FACTOR: Millionths {
        name: "snapshotSizeFactor",
        unit: Plain,
        stock: &[(ZOOKEEPER_3_8, Millionths(330_000))],
        sweep: (Millionths(0), Millionths(1_000_000)),
        mechanism: "zookeeper/sync",
    }
    /// Whether a transaction is synced to disk before it is acknowledged: yes or no.
    FORCE_SYNC: &'static str {
        name: "forceSync",
        unit: Plain,
        stock: &[(ZOOKEEPER_3_8, "yes")],
        sweep: ("no", "yes"),
        mechanism: "zookeeper/log",
    }
    /// Most transactions synced together.
    MAX_BATCH_SIZE: u64 {
        name: "maxBatchSize",
        unit: Plain,
        stock: &[(ZOOKEEPER_3_8, 1_000)],
        sweep: (1, 10_000),
        mechanism: "zookeeper/log",
    }
    /// How long a sync waits for more transactions; milliseconds.
    FLUSH_DELAY: SimDuration {
        name: "flushDelay",
        unit: Millis,
        stock: &[(ZOOKEEPER_3_8, ms(0))],
        sweep: (ms(0), ms(100)),
        mechanism: "zookeeper/log",
    }
    /// Requests in progress, in the whole ensemble, above which clients are throttled.
    GLOBAL_OUTSTANDING_LIMIT: u64 {
        name: "globalOutstandingLimit",
        unit: Plain,
        stock: &[(ZOOKEEPER_3_8, 1_000)],
        sweep: (10, 100_000),
        mechanism: "zookeeper/requests",
    }
    /// After how long a leader gives up waiting for voters that left; milliseconds; 0 (upstream's
    /// -1) is off.
    LEADER_MAX_TIME_TO_WAIT_FOR_EPOCH: SimDuration {
        name: "leader.maxTimeToWaitForEpoch",
        unit: Millis,
        stock: &[(ZOOKEEPER_3_8, ms(0))],
        sweep: (ms(0), ms(60_000)),
        mechanism: "zookeeper/quorum",
    }
    /// First pause before votes are sent again; doubles each time; milliseconds.
    FASTLEADER_MIN_NOTIFICATION_INTERVAL: SimDuration {
        name: "fastleader.minNotificationInterval",
        unit: Millis,
        stock: &[(ZOOKEEPER_3_8, ms(200))],
        sweep: (ms(50), ms(5_000)),
        mechanism: "zookeeper/election",
    }
    /// Longest pause before votes are sent again; milliseconds.
    FASTLEADER_MAX_NOTIFICATION_INTERVAL: SimDuration {
        name: "fastleader.maxNotificationInterval",
        unit: Millis,
        stock: &[(ZOOKEEPER_3_8, ms(60_000))],
        sweep: (ms(1_000), ms(60_000)),
        mechanism: "zookeeper/election",
    }
    /// Pause before a follower tries again to connect to its leader, five times at most;
    /// milliseconds.
    LEADER_CONNECT_DELAY_DURING_RETRY_MS: SimDuration {
        name: "leaderConnectDelayDuringRetryMs",
        unit: Millis,
        stock: &[(ZOOKEEPER_3_8, ms(100))],
        sweep: (ms(10), ms(5_000)),
        mechanism: "zookeeper/quorum",
    }
    /// Attempts to bind the election port, one a second, before the server ends itself; 0 means
    /// no limit.
    ELECTION_PORT_BIND_RETRY: u64 {
        name: "electionPortBindRetry",
        unit: Plain,
        stock: &[(ZOOKEEPER_3_8, 3)],
        sweep: (0, 99),
        mechanism: "zookeeper/election-port",
    }
}
