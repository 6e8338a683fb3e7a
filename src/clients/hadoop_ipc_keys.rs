//! Hadoop IPC keys: what an operator may say about connecting, waiting and pinging.
//!
//! Here: one row per `ipc.*` key that the client library reads.
//! Never here: keys of one system; the retries themselves.
//! Modelled on: Hadoop `CommonConfigurationKeysPublic`, `ipc/Client.java`.

use crate::engine::config::{Profile, key_table};
use crate::engine::time::SimDuration;

/// Stock values of Hadoop 3.3.6.
pub const HADOOP_3_3: Profile = Profile("hadoop-3.3");
/// Stock values of Hadoop 3.4.1.
pub const HADOOP_3_4: Profile = Profile("hadoop-3.4");

const fn ms(ms: u64) -> SimDuration {
    SimDuration::from_millis(ms)
}

key_table! {
    /// Limit of one attempt to open a connection; milliseconds.
    IPC_CLIENT_CONNECT_TIMEOUT: SimDuration {
        name: "ipc.client.connect.timeout",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(20_000))],
        sweep: (ms(1_000), ms(60_000)),
        mechanism: "hadoop-ipc/connect",
    }
    /// Repeats after a refused or unreachable attempt to connect.
    IPC_CLIENT_CONNECT_MAX_RETRIES: u64 {
        name: "ipc.client.connect.max.retries",
        unit: Plain,
        stock: &[(HADOOP_3_4, 10)],
        sweep: (0, 100),
        mechanism: "hadoop-ipc/connect",
    }
    /// Fixed sleep before a repeat after a refused attempt; milliseconds.
    IPC_CLIENT_CONNECT_RETRY_INTERVAL: SimDuration {
        name: "ipc.client.connect.retry.interval",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(1_000))],
        sweep: (ms(100), ms(10_000)),
        mechanism: "hadoop-ipc/connect",
    }
    /// Repeats, without a pause, after an attempt to connect that timed out.
    IPC_CLIENT_CONNECT_MAX_RETRIES_ON_TIMEOUTS: u64 {
        name: "ipc.client.connect.max.retries.on.timeouts",
        unit: Plain,
        stock: &[(HADOOP_3_4, 45)],
        sweep: (0, 45),
        mechanism: "hadoop-ipc/connect",
    }
    /// After how long an idle connection is closed; milliseconds.
    IPC_CLIENT_CONNECTION_MAXIDLETIME: SimDuration {
        name: "ipc.client.connection.maxidletime",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(10_000))],
        sweep: (ms(1_000), ms(120_000)),
        mechanism: "hadoop-ipc/idle",
    }
    /// Whether the reader of an open call pings when nothing arrives, instead of giving up.
    IPC_CLIENT_PING: bool {
        name: "ipc.client.ping",
        unit: Plain,
        stock: &[(HADOOP_3_4, true)],
        sweep: (false, true),
        mechanism: "hadoop-ipc/call",
    }
    /// Silence after which the reader of an open call pings; milliseconds.
    IPC_PING_INTERVAL: SimDuration {
        name: "ipc.ping.interval",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(60_000))],
        sweep: (ms(5_000), ms(120_000)),
        mechanism: "hadoop-ipc/call",
    }
    /// Silence after which all calls of a connection fail, checked once a ping interval;
    /// milliseconds; 0 means never.
    IPC_CLIENT_RPC_TIMEOUT_MS: SimDuration {
        name: "ipc.client.rpc-timeout.ms",
        unit: Millis,
        stock: &[(HADOOP_3_3, ms(0)), (HADOOP_3_4, ms(120_000))],
        sweep: (ms(0), ms(300_000)),
        mechanism: "hadoop-ipc/call",
    }
    /// Limit of waiting connections in a server's kernel.
    IPC_SERVER_LISTEN_QUEUE_SIZE: u64 {
        name: "ipc.server.listen.queue.size",
        unit: Plain,
        stock: &[(HADOOP_3_4, 256)],
        sweep: (16, 4_096),
        mechanism: "hadoop-ipc/server",
    }
}
