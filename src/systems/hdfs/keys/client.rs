//! Keys of the HDFS client: which NameNode is tried, and how long.
//!
//! Here: one row per `dfs.client.*` key of the failover proxy.
//! Never here: how it is read; keys of the write pipeline.
//! Modelled on: Hadoop `HdfsClientConfigKeys`.

use crate::clients::hadoop_ipc_keys::{HADOOP_3_3, HADOOP_3_4};
use crate::engine::config::key_table;
use crate::engine::time::SimDuration;

const fn ms(ms: u64) -> SimDuration {
    SimDuration::from_millis(ms)
}

key_table! {
    /// Class that finds the active: `ConfiguredFailoverProxyProvider`,
    /// `RequestHedgingProxyProvider`.
    DFS_CLIENT_FAILOVER_PROXY_PROVIDER: &'static str {
        name: "dfs.client.failover.proxy.provider",
        suffix: Nameservice,
        unit: Plain,
        stock: &[(HADOOP_3_4, "")],
        sweep: ("", ""),
        mechanism: "hdfs/client",
    }
    /// Failovers after which a client's call fails.
    DFS_CLIENT_FAILOVER_MAX_ATTEMPTS: u64 {
        name: "dfs.client.failover.max.attempts",
        unit: Plain,
        stock: &[(HADOOP_3_4, 15)],
        sweep: (1, 100),
        mechanism: "hdfs/client",
    }
    /// First back-off of a client between failovers; doubles each time; milliseconds.
    DFS_CLIENT_FAILOVER_SLEEP_BASE_MILLIS: SimDuration {
        name: "dfs.client.failover.sleep.base.millis",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(500))],
        sweep: (ms(10), ms(5_000)),
        mechanism: "hdfs/client",
    }
    /// Longest back-off of a client between failovers; milliseconds.
    DFS_CLIENT_FAILOVER_SLEEP_MAX_MILLIS: SimDuration {
        name: "dfs.client.failover.sleep.max.millis",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(15_000))],
        sweep: (ms(500), ms(60_000)),
        mechanism: "hdfs/client",
    }
    /// Repeats of a client's connection that timed out, before it fails over.
    DFS_CLIENT_FAILOVER_CONNECTION_RETRIES_ON_TIMEOUTS: u64 {
        name: "dfs.client.failover.connection.retries.on.timeouts",
        unit: Plain,
        stock: &[(HADOOP_3_4, 0)],
        sweep: (0, 45),
        mechanism: "hdfs/client",
    }
    /// Repeats of a client's refused connection; without effect on HDFS clients.
    DFS_CLIENT_FAILOVER_CONNECTION_RETRIES: u64 {
        name: "dfs.client.failover.connection.retries",
        unit: Plain,
        stock: &[(HADOOP_3_4, 0)],
        sweep: (0, 10),
        mechanism: "hdfs/client",
    }
    /// Whether each client shuffles the list of NameNodes once.
    DFS_CLIENT_FAILOVER_RANDOM_ORDER: bool {
        name: "dfs.client.failover.random.order",
        suffix: Nameservice,
        unit: Plain,
        stock: &[(HADOOP_3_3, false), (HADOOP_3_4, true)],
        sweep: (false, true),
        mechanism: "hdfs/client",
    }
    /// Repeats at one NameNode that asks for a retry, after which a call fails.
    DFS_CLIENT_RETRY_MAX_ATTEMPTS: u64 {
        name: "dfs.client.retry.max.attempts",
        unit: Plain,
        stock: &[(HADOOP_3_4, 10)],
        sweep: (1, 50),
        mechanism: "hdfs/client",
    }
}
