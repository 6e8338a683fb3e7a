//! Keys of failover: the ZooKeeper failover controller, its fencing, `haadmin`.
//!
//! Here: one row per `ha.*` and `dfs.ha.*` key that a controller reads.
//! Never here: how it is read.
//! Modelled on: Hadoop `CommonConfigurationKeys`, `ZKFailoverController`, `SshFenceByTcpPort`.

use crate::clients::hadoop_ipc_keys::HADOOP_3_4;
use crate::engine::config::key_table;
use crate::engine::time::SimDuration;

const fn ms(ms: u64) -> SimDuration {
    SimDuration::from_millis(ms)
}

key_table! {
    /// Whether ZooKeeper decides who is active; plain `haadmin` transitions are then refused.
    DFS_HA_AUTOMATIC_FAILOVER_ENABLED: bool {
        name: "dfs.ha.automatic-failover.enabled",
        suffix: Nameservice,
        unit: Plain,
        stock: &[(HADOOP_3_4, false)],
        sweep: (false, true),
        mechanism: "hdfs/zkfc",
    }
    /// Fencing methods in order, one a line: `sshfence`, `sshfence(user:port)`, `shell(command)`.
    DFS_HA_FENCING_METHODS: &'static str {
        name: "dfs.ha.fencing.methods",
        suffix: NameNode,
        unit: Plain,
        stock: &[(HADOOP_3_4, "")],
        sweep: ("", ""),
        mechanism: "hdfs/fencing",
    }
    /// Limit of opening an ssh session for fencing; milliseconds.
    DFS_HA_FENCING_SSH_CONNECT_TIMEOUT: SimDuration {
        name: "dfs.ha.fencing.ssh.connect-timeout",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(30_000))],
        sweep: (ms(1_000), ms(120_000)),
        mechanism: "hdfs/fencing",
    }
    /// Private keys of `sshfence`; without one it cannot log in.
    DFS_HA_FENCING_SSH_PRIVATE_KEY_FILES: &'static str {
        name: "dfs.ha.fencing.ssh.private-key-files",
        unit: Plain,
        stock: &[(HADOOP_3_4, "")],
        sweep: ("", ""),
        mechanism: "hdfs/fencing",
    }
    /// Port on which a controller serves its peers.
    DFS_HA_ZKFC_PORT: u64 {
        name: "dfs.ha.zkfc.port",
        suffix: NameNode,
        unit: Plain,
        stock: &[(HADOOP_3_4, 8_019)],
        sweep: (1_024, 65_535),
        mechanism: "hdfs/zkfc",
    }
    /// Limit of connecting and of reading the thread dump of an unhealthy NameNode; milliseconds;
    /// 0 takes none.
    DFS_HA_ZKFC_NN_HTTP_TIMEOUT_MS: SimDuration {
        name: "dfs.ha.zkfc.nn.http.timeout.ms",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(20_000))],
        sweep: (ms(0), ms(60_000)),
        mechanism: "hdfs/health-monitor",
    }
    /// ZooKeeper session that the elector asks for; milliseconds; the server has its bounds.
    HA_ZOOKEEPER_SESSION_TIMEOUT_MS: SimDuration {
        name: "ha.zookeeper.session-timeout.ms",
        suffix: NameNode,
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(10_000))],
        sweep: (ms(1_000), ms(60_000)),
        mechanism: "hdfs/elector",
    }
    /// Node under which the locks of the nameservices lie.
    HA_ZOOKEEPER_PARENT_ZNODE: &'static str {
        name: "ha.zookeeper.parent-znode",
        suffix: NameNode,
        unit: Plain,
        stock: &[(HADOOP_3_4, "/hadoop-ha")],
        sweep: ("/hadoop-ha", "/hadoop-ha"),
        mechanism: "hdfs/elector",
    }
    /// Pause before the monitor makes another proxy; milliseconds.
    HA_HEALTH_MONITOR_CONNECT_RETRY_INTERVAL_MS: SimDuration {
        name: "ha.health-monitor.connect-retry-interval.ms",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(1_000))],
        sweep: (ms(100), ms(10_000)),
        mechanism: "hdfs/health-monitor",
    }
    /// Pause between two health checks; milliseconds.
    HA_HEALTH_MONITOR_CHECK_INTERVAL_MS: SimDuration {
        name: "ha.health-monitor.check-interval.ms",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(1_000))],
        sweep: (ms(100), ms(10_000)),
        mechanism: "hdfs/health-monitor",
    }
    /// Pause after a failed health check; milliseconds.
    HA_HEALTH_MONITOR_SLEEP_AFTER_DISCONNECT_MS: SimDuration {
        name: "ha.health-monitor.sleep-after-disconnect.ms",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(1_000))],
        sweep: (ms(100), ms(10_000)),
        mechanism: "hdfs/health-monitor",
    }
    /// Repeats of a refused connection of the monitor.
    HA_HEALTH_MONITOR_RPC_CONNECT_MAX_RETRIES: u64 {
        name: "ha.health-monitor.rpc.connect.max.retries",
        unit: Plain,
        stock: &[(HADOOP_3_4, 1)],
        sweep: (0, 10),
        mechanism: "hdfs/health-monitor",
    }
    /// Limit of one health check; milliseconds.
    HA_HEALTH_MONITOR_RPC_TIMEOUT_MS: SimDuration {
        name: "ha.health-monitor.rpc-timeout.ms",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(45_000))],
        sweep: (ms(1_000), ms(120_000)),
        mechanism: "hdfs/health-monitor",
    }
    /// How long a controller waits for its NameNode's promotion; milliseconds.
    HA_FAILOVER_CONTROLLER_NEW_ACTIVE_RPC_TIMEOUT_MS: SimDuration {
        name: "ha.failover-controller.new-active.rpc-timeout.ms",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(60_000))],
        sweep: (ms(5_000), ms(600_000)),
        mechanism: "hdfs/zkfc",
    }
    /// Limit of asking the old active to step down; milliseconds.
    HA_FAILOVER_CONTROLLER_GRACEFUL_FENCE_RPC_TIMEOUT_MS: SimDuration {
        name: "ha.failover-controller.graceful-fence.rpc-timeout.ms",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(5_000))],
        sweep: (ms(500), ms(60_000)),
        mechanism: "hdfs/fencing",
    }
    /// Repeats of a timed-out connection to the old active; a refused one is always repeated
    /// once.
    HA_FAILOVER_CONTROLLER_GRACEFUL_FENCE_CONNECTION_RETRIES: u64 {
        name: "ha.failover-controller.graceful-fence.connection.retries",
        unit: Plain,
        stock: &[(HADOOP_3_4, 1)],
        sweep: (0, 10),
        mechanism: "hdfs/fencing",
    }
    /// Repeats of a lost ZooKeeper operation before the controller ends itself.
    HA_FAILOVER_CONTROLLER_ACTIVE_STANDBY_ELECTOR_ZK_OP_RETRIES: u64 {
        name: "ha.failover-controller.active-standby-elector.zk.op.retries",
        unit: Plain,
        stock: &[(HADOOP_3_4, 3)],
        sweep: (0, 20),
        mechanism: "hdfs/elector",
    }
    /// Limit of one call of `haadmin`; milliseconds.
    HA_FAILOVER_CONTROLLER_CLI_CHECK_RPC_TIMEOUT_MS: SimDuration {
        name: "ha.failover-controller.cli-check.rpc-timeout.ms",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(20_000))],
        sweep: (ms(1_000), ms(120_000)),
        mechanism: "hdfs/haadmin",
    }
    /// What fencing commands do, one a line: `command => success|failure|hang [after SPAN]`; a
    /// command that no line names succeeds. Of the simulator: upstream runs the command.
    HADR_FENCING_SHELL_OUTCOMES: &'static str {
        name: "hadr.fencing.shell.outcomes",
        unit: Plain,
        stock: &[(HADOOP_3_4, "")],
        sweep: ("", ""),
        mechanism: "hdfs/fencing",
    }
    /// Launch to end of a fencing command, locally or over ssh; milliseconds; 21 in the median of
    /// 40 measured. Of the simulator.
    HADR_FENCING_COMMAND_SPAN: SimDuration {
        name: "hadr.fencing.command.span.ms",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(21))],
        sweep: (ms(5), ms(1_000)),
        mechanism: "hdfs/fencing",
    }
}
