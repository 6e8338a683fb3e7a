//! Keys of the NameNode: edits, tailing, checkpoints, safe mode, promotion.
//!
//! Here: one row per key that a NameNode or Secondary NameNode reads.
//! Never here: how it is read; keys of DataNodes and blocks.
//! Modelled on: Hadoop `DFSConfigKeys`, `hdfs-default.xml`.

use crate::clients::hadoop_ipc_keys::HADOOP_3_4;
use crate::engine::config::{Millionths, key_table};
use crate::engine::time::SimDuration;

const fn ms(ms: u64) -> SimDuration {
    SimDuration::from_millis(ms)
}

const fn s(s: u64) -> SimDuration {
    SimDuration::from_secs(s)
}

/// Java's `Long.MAX_VALUE`: no limit.
const LONG_MAX: u64 = 9_223_372_036_854_775_807;

key_table! {
    /// Whether edits are queued and synced by a thread of their own, freeing the handlers.
    DFS_NAMENODE_EDITS_ASYNCLOGGING: bool {
        name: "dfs.namenode.edits.asynclogging",
        unit: Plain,
        stock: &[(HADOOP_3_4, true)],
        sweep: (false, true),
        mechanism: "hdfs/edit-log",
    }
    /// Most edits that wait for the syncing thread; fixed in 3.3.
    DFS_NAMENODE_EDITS_ASYNCLOGGING_PENDING_QUEUE_SIZE: u64 {
        name: "dfs.namenode.edits.asynclogging.pending.queue.size",
        unit: Plain,
        stock: &[(HADOOP_3_4, 4_096)],
        sweep: (16, 65_536),
        mechanism: "hdfs/edit-log",
    }
    /// Directories for images; they number the local edits directories unless those are given.
    DFS_NAMENODE_NAME_DIR: &'static str {
        name: "dfs.namenode.name.dir",
        deprecated: &["dfs.name.dir"],
        suffix: NameNode,
        unit: Plain,
        stock: &[(HADOOP_3_4, "file://${hadoop.tmp.dir}/dfs/name")],
        sweep: ("file:///d1", "file:///d1,file:///d2"),
        mechanism: "hdfs/edit-log",
    }
    /// Directories for local edits, each written and synced in turn after the shared journal.
    DFS_NAMENODE_EDITS_DIR: &'static str {
        name: "dfs.namenode.edits.dir",
        suffix: NameNode,
        unit: Plain,
        stock: &[(HADOOP_3_4, "${dfs.namenode.name.dir}")],
        sweep: ("file:///d1", "file:///d1,file:///d2"),
        mechanism: "hdfs/edit-log",
    }
    /// Local edits directories that must remain, else the NameNode ends itself.
    DFS_NAMENODE_EDITS_DIR_MINIMUM: u64 {
        name: "dfs.namenode.edits.dir.minimum",
        unit: Plain,
        stock: &[(HADOOP_3_4, 1)],
        sweep: (1, 4),
        mechanism: "hdfs/edit-log",
    }
    /// How long since the last roll before the standby asks the active to roll; seconds.
    DFS_HA_LOG_ROLL_PERIOD: SimDuration {
        name: "dfs.ha.log-roll.period",
        unit: Secs,
        stock: &[(HADOOP_3_4, s(120))],
        sweep: (s(10), s(3_600)),
        mechanism: "hdfs/edit-log-tailer",
    }
    /// Limit of one call of the standby that asks for a roll; milliseconds.
    DFS_HA_LOG_ROLL_RPC_TIMEOUT: SimDuration {
        name: "dfs.ha.log-roll.rpc.timeout",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(20_000))],
        sweep: (ms(1_000), ms(120_000)),
        mechanism: "hdfs/edit-log-tailer",
    }
    /// Pause between two rounds of the standby's tailer; seconds.
    DFS_HA_TAIL_EDITS_PERIOD: SimDuration {
        name: "dfs.ha.tail-edits.period",
        unit: Secs,
        stock: &[(HADOOP_3_4, s(60))],
        sweep: (s(1), s(600)),
        mechanism: "hdfs/edit-log-tailer",
    }
    /// Longest pause of a tailer that doubles its pause while it finds nothing; seconds; 0 is
    /// off.
    DFS_HA_TAIL_EDITS_PERIOD_BACKOFF_MAX: SimDuration {
        name: "dfs.ha.tail-edits.period.backoff-max",
        unit: Secs,
        stock: &[(HADOOP_3_4, s(0))],
        sweep: (s(0), s(60)),
        mechanism: "hdfs/edit-log-tailer",
    }
    /// Whether the standby reads the open segment too.
    DFS_HA_TAIL_EDITS_IN_PROGRESS: bool {
        name: "dfs.ha.tail-edits.in-progress",
        unit: Plain,
        stock: &[(HADOOP_3_4, false)],
        sweep: (false, true),
        mechanism: "hdfs/edit-log-tailer",
    }
    /// Rounds through the other NameNodes when asking for a roll.
    DFS_HA_TAIL_EDITS_NAMENODE_RETRIES: u64 {
        name: "dfs.ha.tail-edits.namenode-retries",
        unit: Plain,
        stock: &[(HADOOP_3_4, 3)],
        sweep: (1, 10),
        mechanism: "hdfs/edit-log-tailer",
    }
    /// How long the standby waits for a roll before it interrupts it; seconds.
    DFS_HA_TAIL_EDITS_ROLLEDITS_TIMEOUT: SimDuration {
        name: "dfs.ha.tail-edits.rolledits.timeout",
        unit: Secs,
        stock: &[(HADOOP_3_4, s(60))],
        sweep: (s(1), s(300)),
        mechanism: "hdfs/edit-log-tailer",
    }
    /// Most transactions that the standby applies under one hold of the namesystem lock.
    DFS_HA_TAIL_EDITS_MAX_TXNS_PER_LOCK: u64 {
        name: "dfs.ha.tail-edits.max-txns-per-lock",
        unit: Plain,
        stock: &[(HADOOP_3_4, LONG_MAX)],
        sweep: (100, LONG_MAX),
        mechanism: "hdfs/edit-log-tailer",
    }
    /// Share of the checkpoint's transactions after which the active rolls by itself.
    DFS_NAMENODE_EDIT_LOG_AUTOROLL_MULTIPLIER_THRESHOLD: Millionths {
        name: "dfs.namenode.edit.log.autoroll.multiplier.threshold",
        unit: Plain,
        stock: &[(HADOOP_3_4, Millionths(500_000))],
        sweep: (Millionths(100_000), Millionths(2_000_000)),
        mechanism: "hdfs/edit-log-roller",
    }
    /// Pause between two looks whether the active should roll; milliseconds.
    DFS_NAMENODE_EDIT_LOG_AUTOROLL_CHECK_INTERVAL_MS: SimDuration {
        name: "dfs.namenode.edit.log.autoroll.check.interval.ms",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(300_000))],
        sweep: (ms(10_000), ms(3_600_000)),
        mechanism: "hdfs/edit-log-roller",
    }
    /// Whether the standby writes checkpoints.
    DFS_HA_STANDBY_CHECKPOINTS: bool {
        name: "dfs.ha.standby.checkpoints",
        unit: Plain,
        stock: &[(HADOOP_3_4, true)],
        sweep: (false, true),
        mechanism: "hdfs/checkpointer",
    }
    /// Longest time between two checkpoints; seconds.
    DFS_NAMENODE_CHECKPOINT_PERIOD: SimDuration {
        name: "dfs.namenode.checkpoint.period",
        deprecated: &["fs.checkpoint.period"],
        unit: Secs,
        stock: &[(HADOOP_3_4, s(3_600))],
        sweep: (s(60), s(86_400)),
        mechanism: "hdfs/checkpointer",
    }
    /// Transactions after which a checkpoint is due.
    DFS_NAMENODE_CHECKPOINT_TXNS: u64 {
        name: "dfs.namenode.checkpoint.txns",
        unit: Plain,
        stock: &[(HADOOP_3_4, 1_000_000)],
        sweep: (10_000, 10_000_000),
        mechanism: "hdfs/checkpointer",
    }
    /// Pause between two looks whether a checkpoint is due; seconds.
    DFS_NAMENODE_CHECKPOINT_CHECK_PERIOD: SimDuration {
        name: "dfs.namenode.checkpoint.check.period",
        unit: Secs,
        stock: &[(HADOOP_3_4, s(60))],
        sweep: (s(5), s(600)),
        mechanism: "hdfs/checkpointer",
    }
    /// Periods without a good upload after which a standby uploads though it is not the primary.
    DFS_NAMENODE_CHECKPOINT_CHECK_QUIET_MULTIPLIER: Millionths {
        name: "dfs.namenode.checkpoint.check.quiet-multiplier",
        unit: Plain,
        stock: &[(HADOOP_3_4, Millionths(1_500_000))],
        sweep: (Millionths(1_000_000), Millionths(3_000_000)),
        mechanism: "hdfs/checkpointer",
    }
    /// Failed merges after which the Secondary NameNode ends itself.
    DFS_NAMENODE_CHECKPOINT_MAX_RETRIES: u64 {
        name: "dfs.namenode.checkpoint.max-retries",
        unit: Plain,
        stock: &[(HADOOP_3_4, 3)],
        sweep: (1, 10),
        mechanism: "hdfs/secondary-namenode",
    }
    /// Images that are kept.
    DFS_NAMENODE_NUM_CHECKPOINTS_RETAINED: u64 {
        name: "dfs.namenode.num.checkpoints.retained",
        unit: Plain,
        stock: &[(HADOOP_3_4, 2)],
        sweep: (1, 10),
        mechanism: "hdfs/fsimage",
    }
    /// Transactions kept beyond those that the oldest kept image needs.
    DFS_NAMENODE_NUM_EXTRA_EDITS_RETAINED: u64 {
        name: "dfs.namenode.num.extra.edits.retained",
        unit: Plain,
        stock: &[(HADOOP_3_4, 1_000_000)],
        sweep: (0, 10_000_000),
        mechanism: "hdfs/fsimage",
    }
    /// Most segments kept beyond those that the oldest kept image needs.
    DFS_NAMENODE_MAX_EXTRA_EDITS_SEGMENTS_RETAINED: u64 {
        name: "dfs.namenode.max.extra.edits.segments.retained",
        unit: Plain,
        stock: &[(HADOOP_3_4, 10_000)],
        sweep: (1, 100_000),
        mechanism: "hdfs/fsimage",
    }
    /// Limit of silence while an image is copied; milliseconds.
    DFS_IMAGE_TRANSFER_TIMEOUT: SimDuration {
        name: "dfs.image.transfer.timeout",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(60_000))],
        sweep: (ms(1_000), ms(600_000)),
        mechanism: "hdfs/image-transfer",
    }
    /// Rate of the copy of an image; bytes a second; 0 is no limit.
    DFS_IMAGE_TRANSFER_BANDWIDTH_PER_SEC: u64 {
        name: "dfs.image.transfer.bandwidthPerSec",
        unit: Bytes,
        stock: &[(HADOOP_3_4, 52_428_800)],
        sweep: (0, 1_073_741_824),
        mechanism: "hdfs/image-transfer",
    }
    /// Share of blocks that must be reported before safe mode may end.
    DFS_NAMENODE_SAFEMODE_THRESHOLD_PCT: Millionths {
        name: "dfs.namenode.safemode.threshold-pct",
        deprecated: &["dfs.safemode.threshold.pct"],
        unit: Plain,
        stock: &[(HADOOP_3_4, Millionths(999_000))],
        sweep: (Millionths(0), Millionths(1_000_000)),
        mechanism: "hdfs/safe-mode",
    }
    /// DataNodes that must be alive before safe mode may end.
    DFS_NAMENODE_SAFEMODE_MIN_DATANODES: u64 {
        name: "dfs.namenode.safemode.min.datanodes",
        unit: Plain,
        stock: &[(HADOOP_3_4, 0)],
        sweep: (0, 5_000),
        mechanism: "hdfs/safe-mode",
    }
    /// How long safe mode goes on once its threshold is met; milliseconds.
    DFS_NAMENODE_SAFEMODE_EXTENSION: SimDuration {
        name: "dfs.namenode.safemode.extension",
        deprecated: &["dfs.safemode.extension"],
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(30_000))],
        sweep: (ms(0), ms(120_000)),
        mechanism: "hdfs/safe-mode",
    }
    /// Replicas that make a block safe.
    DFS_NAMENODE_REPLICATION_MIN: u64 {
        name: "dfs.namenode.replication.min",
        deprecated: &["dfs.replication.min"],
        unit: Plain,
        stock: &[(HADOOP_3_4, 1)],
        sweep: (1, 3),
        mechanism: "hdfs/safe-mode",
    }
    /// Whether a NameNode in safe mode refuses to become active.
    DFS_HA_NN_NOT_BECOME_ACTIVE_IN_SAFEMODE: bool {
        name: "dfs.ha.nn.not-become-active-in-safemode",
        unit: Plain,
        stock: &[(HADOOP_3_4, false)],
        sweep: (false, true),
        mechanism: "hdfs/promotion",
    }
    /// Threads that recompute quotas at promotion.
    DFS_NAMENODE_QUOTA_INIT_THREADS: u64 {
        name: "dfs.namenode.quota.init-threads",
        unit: Plain,
        stock: &[(HADOOP_3_4, 12)],
        sweep: (1, 64),
        mechanism: "hdfs/promotion",
    }
    /// Blocks looked at under one hold of the lock by the scan after a promotion.
    DFS_BLOCK_MISREPLICATION_PROCESSING_LIMIT: u64 {
        name: "dfs.block.misreplication.processing.limit",
        unit: Plain,
        stock: &[(HADOOP_3_4, 10_000)],
        sweep: (100, 1_000_000),
        mechanism: "hdfs/promotion",
    }
    /// Threads of a NameNode that serve clients.
    DFS_NAMENODE_HANDLER_COUNT: u64 {
        name: "dfs.namenode.handler.count",
        unit: Plain,
        stock: &[(HADOOP_3_4, 10)],
        sweep: (1, 512),
        mechanism: "hdfs/namenode-rpc",
    }
    /// The address apart from the clients' for controllers and other daemons; empty: there is none,
    /// and they share the clients' handlers.
    DFS_NAMENODE_SERVICERPC_ADDRESS: &'static str {
        name: "dfs.namenode.servicerpc-address",
        suffix: NameNode,
        unit: Plain,
        stock: &[(HADOOP_3_4, "")],
        sweep: ("", ""),
        mechanism: "hdfs/namenode-rpc",
    }
    /// Threads that serve controllers and DataNodes where a service address is set.
    DFS_NAMENODE_SERVICE_HANDLER_COUNT: u64 {
        name: "dfs.namenode.service.handler.count",
        unit: Plain,
        stock: &[(HADOOP_3_4, 10)],
        sweep: (1, 512),
        mechanism: "hdfs/namenode-rpc",
    }
    /// Pause between two looks at the space on the NameNode's volumes; milliseconds.
    DFS_NAMENODE_RESOURCE_CHECK_INTERVAL: SimDuration {
        name: "dfs.namenode.resource.check.interval",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(5_000))],
        sweep: (ms(500), ms(60_000)),
        mechanism: "hdfs/resource-monitor",
    }
    /// Free space below which a volume of the NameNode counts as full; bytes.
    DFS_NAMENODE_RESOURCE_DU_RESERVED: u64 {
        name: "dfs.namenode.resource.du.reserved",
        unit: Bytes,
        stock: &[(HADOOP_3_4, 104_857_600)],
        sweep: (0, 10_737_418_240),
        mechanism: "hdfs/resource-monitor",
    }
    /// How stale an access time must be for a read to write an edit; milliseconds; 0 is never.
    DFS_NAMENODE_ACCESSTIME_PRECISION: SimDuration {
        name: "dfs.namenode.accesstime.precision",
        deprecated: &["dfs.access.time.precision"],
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(3_600_000))],
        sweep: (ms(0), ms(86_400_000)),
        mechanism: "hdfs/edit-log",
    }
    /// How long an answer is kept for repeated calls; milliseconds.
    DFS_NAMENODE_RETRYCACHE_EXPIRYTIME_MILLIS: SimDuration {
        name: "dfs.namenode.retrycache.expirytime.millis",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(600_000))],
        sweep: (ms(10_000), ms(3_600_000)),
        mechanism: "hdfs/retry-cache",
    }
    /// Share of the heap that kept answers may fill, as upstream writes it.
    DFS_NAMENODE_RETRYCACHE_HEAP_PERCENT: Millionths {
        name: "dfs.namenode.retrycache.heap.percent",
        unit: Plain,
        stock: &[(HADOOP_3_4, Millionths(30_000))],
        sweep: (Millionths(1_000), Millionths(100_000)),
        mechanism: "hdfs/retry-cache",
    }
}
