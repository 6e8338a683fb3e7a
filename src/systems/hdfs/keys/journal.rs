//! Keys of the journal: the QJM writer and reader, and the JournalNode.
//!
//! Here: one row per key that the journal reads.
//! Never here: how it is read.
//! Modelled on: Hadoop `DFSConfigKeys`, `hdfs-default.xml`.

use crate::clients::hadoop_ipc_keys::{HADOOP_3_3, HADOOP_3_4};
use crate::engine::config::{Millionths, key_table};
use crate::engine::time::SimDuration;

const fn ms(ms: u64) -> SimDuration {
    SimDuration::from_millis(ms)
}

key_table! {
    /// How long the writer waits for a quorum to open a segment; milliseconds.
    DFS_QJOURNAL_START_SEGMENT_TIMEOUT_MS: SimDuration {
        name: "dfs.qjournal.start-segment.timeout.ms",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(20_000))],
        sweep: (ms(1_000), ms(120_000)),
        mechanism: "hdfs/qjm",
    }
    /// How long a flush waits for a quorum before the NameNode ends itself; milliseconds.
    DFS_QJOURNAL_WRITE_TXNS_TIMEOUT_MS: SimDuration {
        name: "dfs.qjournal.write-txns.timeout.ms",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(20_000))],
        sweep: (ms(1_000), ms(120_000)),
        mechanism: "hdfs/qjm",
    }
    /// How long a reader waits for a quorum to list segments or hand out edits; milliseconds.
    DFS_QJOURNAL_SELECT_INPUT_STREAMS_TIMEOUT_MS: SimDuration {
        name: "dfs.qjournal.select-input-streams.timeout.ms",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(20_000))],
        sweep: (ms(1_000), ms(120_000)),
        mechanism: "hdfs/qjm",
    }
    /// How long a promotion waits for a quorum's state of the last segment; milliseconds.
    DFS_QJOURNAL_PREPARE_RECOVERY_TIMEOUT_MS: SimDuration {
        name: "dfs.qjournal.prepare-recovery.timeout.ms",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(120_000))],
        sweep: (ms(1_000), ms(300_000)),
        mechanism: "hdfs/qjm",
    }
    /// How long a promotion waits for a quorum to take the recovered segment over; milliseconds.
    DFS_QJOURNAL_ACCEPT_RECOVERY_TIMEOUT_MS: SimDuration {
        name: "dfs.qjournal.accept-recovery.timeout.ms",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(120_000))],
        sweep: (ms(1_000), ms(300_000)),
        mechanism: "hdfs/qjm",
    }
    /// How long a roll, promotion or demotion waits for a quorum to close a segment;
    /// milliseconds.
    DFS_QJOURNAL_FINALIZE_SEGMENT_TIMEOUT_MS: SimDuration {
        name: "dfs.qjournal.finalize-segment.timeout.ms",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(120_000))],
        sweep: (ms(1_000), ms(300_000)),
        mechanism: "hdfs/qjm",
    }
    /// How long a promotion waits for a quorum's promised epochs; milliseconds.
    DFS_QJOURNAL_GET_JOURNAL_STATE_TIMEOUT_MS: SimDuration {
        name: "dfs.qjournal.get-journal-state.timeout.ms",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(120_000))],
        sweep: (ms(1_000), ms(300_000)),
        mechanism: "hdfs/qjm",
    }
    /// How long a promotion waits for a quorum to promise its epoch; milliseconds.
    DFS_QJOURNAL_NEW_EPOCH_TIMEOUT_MS: SimDuration {
        name: "dfs.qjournal.new-epoch.timeout.ms",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(120_000))],
        sweep: (ms(1_000), ms(300_000)),
        mechanism: "hdfs/qjm",
    }
    /// Edits queued for one JournalNode above which it counts as too far behind; mebibytes.
    DFS_QJOURNAL_QUEUED_EDITS_LIMIT_MB: u64 {
        name: "dfs.qjournal.queued-edits.limit.mb",
        unit: Mebibytes,
        stock: &[(HADOOP_3_4, 10)],
        sweep: (1, 256),
        mechanism: "hdfs/qjm",
    }
    /// Limit for opening a stream of edits over HTTP; milliseconds.
    DFS_QJOURNAL_HTTP_OPEN_TIMEOUT_MS: SimDuration {
        name: "dfs.qjournal.http.open.timeout.ms",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(60_000))],
        sweep: (ms(1_000), ms(120_000)),
        mechanism: "hdfs/edits-http",
    }
    /// Limit of silence on a stream of edits over HTTP; milliseconds.
    DFS_QJOURNAL_HTTP_READ_TIMEOUT_MS: SimDuration {
        name: "dfs.qjournal.http.read.timeout.ms",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(60_000))],
        sweep: (ms(1_000), ms(120_000)),
        mechanism: "hdfs/edits-http",
    }
    /// Threads of one channel that read from its JournalNode; 3.3 acts as if it were 1.
    DFS_QJOURNAL_PARALLEL_READ_NUM_THREADS: u64 {
        name: "dfs.qjournal.parallel-read.num-threads",
        unit: Plain,
        stock: &[(HADOOP_3_3, 1), (HADOOP_3_4, 5)],
        sweep: (1, 10),
        mechanism: "hdfs/qjm",
    }
    /// How long format and upgrade wait for all JournalNodes; milliseconds.
    DFS_QJM_OPERATIONS_TIMEOUT: SimDuration {
        name: "dfs.qjm.operations.timeout",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(60_000))],
        sweep: (ms(1_000), ms(300_000)),
        mechanism: "hdfs/qjm",
    }
    /// Most transactions that one call for in-progress edits brings.
    DFS_HA_TAIL_EDITS_QJM_RPC_MAX_TXNS: u64 {
        name: "dfs.ha.tail-edits.qjm.rpc.max-txns",
        unit: Plain,
        stock: &[(HADOOP_3_4, 5_000)],
        sweep: (100, 50_000),
        mechanism: "hdfs/qjm",
    }
    /// Whether a JournalNode fetches segments that it misses from its peers.
    DFS_JOURNALNODE_ENABLE_SYNC: bool {
        name: "dfs.journalnode.enable.sync",
        unit: Plain,
        stock: &[(HADOOP_3_4, true)],
        sweep: (false, true),
        mechanism: "hdfs/journalnode-syncer",
    }
    /// Pause between two looks for missing segments; milliseconds.
    DFS_JOURNALNODE_SYNC_INTERVAL: SimDuration {
        name: "dfs.journalnode.sync.interval",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(120_000))],
        sweep: (ms(10_000), ms(600_000)),
        mechanism: "hdfs/journalnode-syncer",
    }
    /// Size of a JournalNode's cache of recent edits; bytes; decides in 3.3, and in 3.4 when it
    /// is set.
    DFS_JOURNALNODE_EDIT_CACHE_SIZE_BYTES: u64 {
        name: "dfs.journalnode.edit-cache-size.bytes",
        unit: Bytes,
        stock: &[(HADOOP_3_4, 1_048_576)],
        sweep: (0, 1_073_741_824),
        mechanism: "hdfs/journalnode-cache",
    }
    /// Share of the heap that a JournalNode's cache of recent edits may fill, from 3.4 on.
    DFS_JOURNALNODE_EDIT_CACHE_SIZE_FRACTION: Millionths {
        name: "dfs.journalnode.edit-cache-size.fraction",
        unit: Plain,
        stock: &[(HADOOP_3_4, Millionths(500_000))],
        sweep: (Millionths(10_000), Millionths(900_000)),
        mechanism: "hdfs/journalnode-cache",
    }
    /// Threads of a JournalNode that serve calls.
    DFS_JOURNALNODE_HANDLER_COUNT: u64 {
        name: "dfs.journalnode.handler.count",
        unit: Plain,
        stock: &[(HADOOP_3_4, 5)],
        sweep: (1, 64),
        mechanism: "hdfs/journalnode",
    }
    /// Limit of a transfer of a segment between JournalNodes; milliseconds.
    DFS_EDIT_LOG_TRANSFER_TIMEOUT: SimDuration {
        name: "dfs.edit.log.transfer.timeout",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(30_000))],
        sweep: (ms(1_000), ms(120_000)),
        mechanism: "hdfs/journalnode-syncer",
    }
}
