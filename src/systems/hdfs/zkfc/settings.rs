//! Settings: what a failover controller reads when it is built.
//!
//! Here: keys and places, read once.
//! Never here: what is done with them.
//! Modelled on: `ZKFailoverController.initZK`, `HealthMonitor`, `DFSZKFailoverController.create`.

use std::sync::Arc;

use super::node_info::HaTarget;
use super::tags;
use crate::clients::hadoop_ipc::CallPolicy;
use crate::clients::zookeeper::ZkOptions;
use crate::clients::zookeeper::wire::ZnodePath;
use crate::engine::config::Config;
use crate::engine::id::ProcessId;
use crate::engine::process::Port;
use crate::engine::time::SimDuration;
use crate::history::ResourceName;
use crate::protocols::elector::Contents;
use crate::protocols::elector::health::Pace;
use crate::systems::hdfs::fencing::{FencerSettings, graceful_fence_timeout};
use crate::systems::hdfs::keys;

/// Where a controller stands, given by the builder of the world.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// The nameservice.
    pub nameservice: &'a str,
    /// Its active role, in history.
    pub resource: ResourceName,
    /// All NameNodes of the nameservice.
    pub nodes: &'a [HaTarget],
    /// Which of them is this controller's.
    pub me: usize,
    /// `ha.zookeeper.quorum`.
    pub zookeeper: &'a [(ProcessId, Port)],
    /// Whether `hdfs zkfc -formatZK` was run before the first start.
    pub format: bool,
}

/// All that a controller reads.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The nameservice's active role, in history.
    pub resource: ResourceName,
    /// All NameNodes of the nameservice.
    pub nodes: Vec<HaTarget>,
    /// Which of them is this controller's.
    pub me: usize,
    /// Whether `hdfs zkfc -formatZK` was run before the first start.
    pub format: bool,
    /// `dfs.ha.automatic-failover.enabled`.
    pub automatic: bool,
    /// The port on which peers and `haadmin` call.
    pub port: Port,
    /// The ZooKeeper client.
    pub zookeeper: ZkOptions,
    /// `<ha.zookeeper.parent-znode>/<nameservice>`.
    pub parent: ZnodePath,
    /// The ephemeral node below it.
    pub lock: ZnodePath,
    /// The persistent node below it.
    pub breadcrumb: ZnodePath,
    /// `ha.failover-controller.active-standby-elector.zk.op.retries`.
    pub op_retries: u32,
    /// Fencing.
    pub fencer: Arc<FencerSettings>,
    /// Sleeps of the health monitor.
    pub pace: Pace,
    /// Its calls.
    pub health: CallPolicy,
    /// `transitionToActive` of the local NameNode.
    pub promotion: CallPolicy,
    /// `transitionToStandby` of the local NameNode.
    pub demotion: CallPolicy,
    /// Calls to other controllers; the time-out is twice that of the graceful call.
    pub peers: CallPolicy,
    /// Limit of connecting and of reading a thread dump; zero: none is taken.
    pub http_timeout: SimDuration,
}

/// `ActiveStandbyElector.LOCK_FILENAME`.
const LOCK: &str = "ActiveStandbyElectorLock";
/// `ActiveStandbyElector.BREADCRUMB_FILENAME`.
const BREADCRUMB: &str = "ActiveBreadCrumb";

impl Settings {
    /// Reads a configuration scoped to the nameservice and the NameNode.
    ///
    /// # Errors
    /// The outcomes of fencing commands cannot be read.
    pub fn from_config(config: &Config, place: &Place<'_>) -> Result<Settings, String> {
        let parent_key = config.get(keys::HA_ZOOKEEPER_PARENT_ZNODE);
        let parent = format!("{}/{}", parent_key.trim_end_matches('/'), place.nameservice);
        let count = |key| u32::try_from(config.get(key)).unwrap_or(u32::MAX);
        let generic = CallPolicy::generic(config);
        // HAServiceTarget overrides the key: a refused connection is repeated once.
        let proxy = |timeout: SimDuration, refused: u32| {
            generic.with_rpc_timeout(timeout).with_retries(generic.max_retries_on_timeouts, refused)
        };
        let graceful = graceful_fence_timeout(config);
        let span = |key| config.get(key);
        Ok(Settings {
            resource: place.resource,
            nodes: place.nodes.to_vec(),
            me: place.me,
            format: place.format,
            automatic: config.get(keys::DFS_HA_AUTOMATIC_FAILOVER_ENABLED),
            port: Port(u16::try_from(config.get(keys::DFS_HA_ZKFC_PORT)).unwrap_or(u16::MAX)),
            zookeeper: ZkOptions {
                servers: place.zookeeper.to_vec(),
                session_timeout: span(keys::HA_ZOOKEEPER_SESSION_TIMEOUT_MS),
                base_kind: tags::ZOOKEEPER,
            },
            lock: format!("{parent}/{LOCK}").into(),
            breadcrumb: format!("{parent}/{BREADCRUMB}").into(),
            parent: parent.into(),
            op_retries: count(keys::HA_FAILOVER_CONTROLLER_ACTIVE_STANDBY_ELECTOR_ZK_OP_RETRIES),
            fencer: Arc::new(FencerSettings::from_config(config)?),
            pace: Pace {
                check_interval: span(keys::HA_HEALTH_MONITOR_CHECK_INTERVAL_MS),
                sleep_after_disconnect: span(keys::HA_HEALTH_MONITOR_SLEEP_AFTER_DISCONNECT_MS),
            },
            health: proxy(
                span(keys::HA_HEALTH_MONITOR_RPC_TIMEOUT_MS),
                count(keys::HA_HEALTH_MONITOR_RPC_CONNECT_MAX_RETRIES),
            ),
            promotion: proxy(span(keys::HA_FAILOVER_CONTROLLER_NEW_ACTIVE_RPC_TIMEOUT_MS), 1),
            demotion: proxy(graceful, 1),
            peers: proxy(graceful.times(2), 1),
            http_timeout: span(keys::DFS_HA_ZKFC_NN_HTTP_TIMEOUT_MS),
        })
    }

    /// Whom a breadcrumb or a lock names (`dataToTarget`).
    pub fn target(&self, data: Contents) -> Option<&HaTarget> {
        self.nodes.iter().find(|node| node.info.word == data.0)
    }

    /// This controller's own NameNode.
    pub fn local(&self) -> &HaTarget {
        &self.nodes[self.me]
    }
}
