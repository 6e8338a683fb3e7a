//! Options: what a NameNode is told before it starts.
//!
//! Here: its place in the nameservice, and every key it reads, read once.
//! Never here: state.
//! Modelled on: Hadoop `NameNode.initializeGenericKeys`, `DFSConfigKeys`, `CheckpointConf`.

use super::costs;
use crate::clients::hadoop_ipc::CallPolicy;
use crate::engine::config::{Config, Millionths};
use crate::engine::id::ProcessId;
use crate::engine::time::SimDuration;
use crate::history::ResourceName;
use crate::protocols::namenode::checkpoint::{CheckpointOptions, Retention};
use crate::protocols::namenode::safe_mode::SafeModeOptions;
use crate::protocols::namenode::tailer::TailerOptions;
use crate::systems::hdfs::keys;

/// Most local edits directories of one NameNode.
pub const LOCAL_EDITS_DIRS_MAX: usize = 4;

/// An operation of a client writes at most so many edits: two parents, a file and its close.
pub(super) const EDITS_PER_CALL_MAX: usize = 4;

/// Where a NameNode stands, as the builder of a world knows it.
#[derive(Clone, Debug)]
pub struct NameNodeSetup {
    /// Scoped to the nameservice and the NameNode.
    pub config: Config,
    /// The nameservice's active role and its log.
    pub resource: ResourceName,
    /// The other NameNodes of the nameservice; none: no HA.
    pub peers: Vec<ProcessId>,
    /// Inodes that the namespace has before the run.
    pub base_inodes: u64,
    /// Local edits directories, each written after the shared journal: at most
    /// [`LOCAL_EDITS_DIRS_MAX`].
    pub local_edits_dirs: usize,
    /// Where an operator who starts it on an empty volume takes an image from, in order.
    pub sources: Vec<ImageSource>,
}

/// Who has images of a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageSource {
    /// A NameNode, Secondary NameNode or backup.
    pub process: ProcessId,
    /// Its HTTP port.
    pub port: u16,
}

/// All that a NameNode reads of its configuration.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Edits are synced by a thread of their own.
    pub(crate) asynclogging: bool,
    pub(crate) queue_limit: usize,
    pub(crate) edits_dir_minimum: usize,
    pub(crate) tailer: TailerOptions,
    pub(crate) in_progress: bool,
    pub(crate) roll_attempts: u64,
    pub(crate) roll_limit: SimDuration,
    pub(crate) roll_policy: CallPolicy,
    pub(crate) txns_per_lock: u64,
    pub(crate) autoroll_txns: u64,
    pub(crate) autoroll_period: SimDuration,
    pub(crate) standby_checkpoints: bool,
    pub(crate) checkpoint: CheckpointOptions,
    pub(crate) retention: Retention,
    pub(crate) image_rate: Option<u64>,
    pub(crate) image_timeout: SimDuration,
    pub(crate) safe_mode: SafeModeOptions,
    pub(crate) not_active_in_safe_mode: bool,
    pub(crate) automatic_failover: bool,
    pub(crate) quota_threads: u64,
    pub(crate) handlers: u32,
    pub(crate) service_handlers: Option<u32>,
    pub(crate) resource_period: SimDuration,
    pub(crate) retry_cache_expiry: SimDuration,
    /// 3.3.6 selects the streams to tail under the namesystem lock, and may read the open
    /// segment while it catches up at a promotion.
    pub(crate) release_3_3: bool,
    pub(crate) costs: Costs,
}

/// How long its own work takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Costs {
    pub(crate) jvm_start: SimDuration,
    pub(crate) jvm_exit: SimDuration,
    pub(crate) kill_teardown: SimDuration,
    pub(crate) call: SimDuration,
    pub(crate) read: SimDuration,
    pub(crate) write: SimDuration,
    pub(crate) replay: SimDuration,
    pub(crate) image_load: SimDuration,
    pub(crate) image_inode_bytes: u64,
    pub(crate) image_write_rate: u64,
    pub(crate) quota: SimDuration,
    pub(crate) quota_fixed: SimDuration,
    pub(crate) stop_standby: SimDuration,
    pub(crate) init_journals: SimDuration,
    pub(crate) clear_queues: SimDuration,
}

fn share(of: u64, share: Millionths) -> u64 {
    let whole = u128::from(of) * u128::from(share.0) / 1_000_000;
    u64::try_from(whole).unwrap_or(u64::MAX)
}

impl Options {
    pub(crate) fn read(config: &Config) -> Options {
        let count = |key| usize::try_from(config.get(key)).unwrap_or(usize::MAX);
        let small = |key| u32::try_from(config.get(key)).unwrap_or(u32::MAX).max(1);
        let checkpoint_txns = config.get(keys::DFS_NAMENODE_CHECKPOINT_TXNS);
        let checkpoint_period = config.get(keys::DFS_NAMENODE_CHECKPOINT_PERIOD);
        let quiet = config.get(keys::DFS_NAMENODE_CHECKPOINT_CHECK_QUIET_MULTIPLIER);
        let roll_period = config.get(keys::DFS_HA_LOG_ROLL_PERIOD);
        let service = config.get(keys::DFS_NAMENODE_SERVICERPC_ADDRESS);
        Options {
            asynclogging: config.get(keys::DFS_NAMENODE_EDITS_ASYNCLOGGING),
            queue_limit: count(keys::DFS_NAMENODE_EDITS_ASYNCLOGGING_PENDING_QUEUE_SIZE)
                .max(EDITS_PER_CALL_MAX),
            edits_dir_minimum: count(keys::DFS_NAMENODE_EDITS_DIR_MINIMUM),
            tailer: TailerOptions {
                period: config.get(keys::DFS_HA_TAIL_EDITS_PERIOD),
                backoff_max: config.get(keys::DFS_HA_TAIL_EDITS_PERIOD_BACKOFF_MAX),
                roll_period: Some(roll_period).filter(|period| !period.is_zero()),
            },
            in_progress: config.get(keys::DFS_HA_TAIL_EDITS_IN_PROGRESS),
            roll_attempts: config.get(keys::DFS_HA_TAIL_EDITS_NAMENODE_RETRIES),
            roll_limit: config.get(keys::DFS_HA_TAIL_EDITS_ROLLEDITS_TIMEOUT),
            roll_policy: CallPolicy::generic(config)
                .with_rpc_timeout(config.get(keys::DFS_HA_LOG_ROLL_RPC_TIMEOUT)),
            txns_per_lock: config.get(keys::DFS_HA_TAIL_EDITS_MAX_TXNS_PER_LOCK),
            autoroll_txns: share(
                checkpoint_txns,
                config.get(keys::DFS_NAMENODE_EDIT_LOG_AUTOROLL_MULTIPLIER_THRESHOLD),
            ),
            autoroll_period: config.get(keys::DFS_NAMENODE_EDIT_LOG_AUTOROLL_CHECK_INTERVAL_MS),
            standby_checkpoints: config.get(keys::DFS_HA_STANDBY_CHECKPOINTS),
            checkpoint: CheckpointOptions {
                period: checkpoint_period,
                txns: checkpoint_txns,
                check_period: config
                    .get(keys::DFS_NAMENODE_CHECKPOINT_CHECK_PERIOD)
                    .min(checkpoint_period),
                quiet_period: checkpoint_period.scaled(u64::from(quiet.0), 1_000_000),
            },
            retention: Retention {
                images: count(keys::DFS_NAMENODE_NUM_CHECKPOINTS_RETAINED),
                extra_edits: config.get(keys::DFS_NAMENODE_NUM_EXTRA_EDITS_RETAINED),
                extra_segments_max: count(keys::DFS_NAMENODE_MAX_EXTRA_EDITS_SEGMENTS_RETAINED),
            },
            image_rate: Some(config.get(keys::DFS_IMAGE_TRANSFER_BANDWIDTH_PER_SEC))
                .filter(|rate| *rate != 0),
            image_timeout: config.get(keys::DFS_IMAGE_TRANSFER_TIMEOUT),
            safe_mode: SafeModeOptions {
                threshold_millionths: config.get(keys::DFS_NAMENODE_SAFEMODE_THRESHOLD_PCT).0,
                datanodes_min: config.get(keys::DFS_NAMENODE_SAFEMODE_MIN_DATANODES),
                extension: config.get(keys::DFS_NAMENODE_SAFEMODE_EXTENSION),
            },
            not_active_in_safe_mode: config.get(keys::DFS_HA_NN_NOT_BECOME_ACTIVE_IN_SAFEMODE),
            automatic_failover: config.get(keys::DFS_HA_AUTOMATIC_FAILOVER_ENABLED),
            quota_threads: config.get(keys::DFS_NAMENODE_QUOTA_INIT_THREADS).max(1),
            handlers: small(keys::DFS_NAMENODE_HANDLER_COUNT),
            service_handlers: (!service.is_empty())
                .then(|| small(keys::DFS_NAMENODE_SERVICE_HANDLER_COUNT)),
            resource_period: config.get(keys::DFS_NAMENODE_RESOURCE_CHECK_INTERVAL),
            retry_cache_expiry: config.get(keys::DFS_NAMENODE_RETRYCACHE_EXPIRYTIME_MILLIS),
            release_3_3: config.profile() == keys::HADOOP_3_3,
            costs: Costs::read(config),
        }
    }
}

impl Costs {
    fn read(config: &Config) -> Costs {
        Costs {
            jvm_start: config.get(costs::HADR_NAMENODE_JVM_START),
            jvm_exit: config.get(costs::HADR_NAMENODE_JVM_EXIT),
            kill_teardown: config.get(costs::HADR_NAMENODE_KILL_TEARDOWN),
            call: config.get(costs::HADR_NAMENODE_CALL_WORK),
            read: config.get(costs::HADR_NAMENODE_READ_WORK),
            write: config.get(costs::HADR_NAMENODE_WRITE_WORK),
            replay: config.get(costs::HADR_NAMENODE_REPLAY_WORK),
            image_load: config.get(costs::HADR_NAMENODE_IMAGE_LOAD_WORK),
            image_inode_bytes: config.get(costs::HADR_NAMENODE_IMAGE_INODE_BYTES),
            image_write_rate: config.get(costs::HADR_NAMENODE_IMAGE_WRITE_RATE).max(1),
            quota: config.get(costs::HADR_NAMENODE_QUOTA_WORK),
            quota_fixed: config.get(costs::HADR_NAMENODE_QUOTA_FIXED),
            stop_standby: config.get(costs::HADR_NAMENODE_STOP_STANDBY),
            init_journals: config.get(costs::HADR_NAMENODE_INIT_JOURNALS),
            clear_queues: config.get(costs::HADR_NAMENODE_CLEAR_QUEUES),
        }
    }

    /// Bytes over a rate.
    pub(crate) fn write_span(&self, bytes: u64) -> SimDuration {
        SimDuration::from_secs(1).scaled(bytes, self.image_write_rate)
    }

    /// The quota walk of so many inodes.
    pub(crate) fn quota_walk(&self, inodes: u64, threads: u64) -> SimDuration {
        self.quota_fixed.saturating_add(self.quota.scaled(inodes, threads))
    }
}
