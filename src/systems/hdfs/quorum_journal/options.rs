//! Options: what a NameNode's end of the shared log is told.
//!
//! Here: the journals and every key of the quorum writer and reader.
//! Never here: state.
//! Modelled on: Hadoop `QuorumJournalManager` constructor, `IPCLoggerChannel` constructor (3.4.1).

use std::sync::Arc;

use crate::clients::hadoop_ipc::CallPolicy;
use crate::engine::config::Config;
use crate::engine::id::ProcessId;
use crate::history::ResourceName;
use crate::protocols::qjm::select::SelectSettings;
use crate::protocols::qjm::writer::{Timeouts, WriterRules, WriterSettings};
use crate::systems::hdfs::api::qjournal::JournalId;
use crate::systems::hdfs::keys;
use crate::systems::hdfs::segment_fetch::FetchTimeouts;

/// Where a NameNode's shared log lies, as the builder of a world knows it.
#[derive(Clone, Debug)]
pub struct QuorumJournalSetup {
    /// Scoped to the nameservice and the NameNode.
    pub config: Config,
    /// Which log of the JournalNodes.
    pub journal: JournalId,
    /// The log in the history.
    pub resource: ResourceName,
    /// The namespace id.
    pub namespace: u64,
    /// The JournalNodes, in the order of the shared edits URI; at least one.
    pub journal_nodes: Vec<ProcessId>,
    /// The rules of the writer; a planted bug replaces one.
    pub rules: WriterRules,
}

/// All that is read of the configuration.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) writer: WriterSettings,
    pub(super) select: SelectSettings,
    pub(super) fetch: FetchTimeouts,
    pub(super) policy: CallPolicy,
    /// getJournaledEdits is tried first where segments in progress count.
    pub(super) over_rpc: bool,
}

impl Options {
    pub(super) fn read(setup: &QuorumJournalSetup) -> Options {
        let config = &setup.config;
        let loggers: Arc<[ProcessId]> = setup.journal_nodes.as_slice().into();
        let timeouts = Timeouts {
            get_journal_state: config.get(keys::DFS_QJOURNAL_GET_JOURNAL_STATE_TIMEOUT_MS),
            new_epoch: config.get(keys::DFS_QJOURNAL_NEW_EPOCH_TIMEOUT_MS),
            prepare_recovery: config.get(keys::DFS_QJOURNAL_PREPARE_RECOVERY_TIMEOUT_MS),
            accept_recovery: config.get(keys::DFS_QJOURNAL_ACCEPT_RECOVERY_TIMEOUT_MS),
            finalize_segment: config.get(keys::DFS_QJOURNAL_FINALIZE_SEGMENT_TIMEOUT_MS),
            start_segment: config.get(keys::DFS_QJOURNAL_START_SEGMENT_TIMEOUT_MS),
            write_txns: config.get(keys::DFS_QJOURNAL_WRITE_TXNS_TIMEOUT_MS),
            operations: config.get(keys::DFS_QJM_OPERATIONS_TIMEOUT),
        };
        let limit_mebibytes = config.get(keys::DFS_QJOURNAL_QUEUED_EDITS_LIMIT_MB);
        Options {
            select: SelectSettings {
                loggers: loggers.len(),
                timeout: config.get(keys::DFS_QJOURNAL_SELECT_INPUT_STREAMS_TIMEOUT_MS),
                rpc_max_txns: config.get(keys::DFS_HA_TAIL_EDITS_QJM_RPC_MAX_TXNS),
            },
            writer: WriterSettings {
                loggers,
                namespace: setup.namespace,
                timeouts,
                queue_limit_bytes: limit_mebibytes.saturating_mul(1_048_576),
                rules: setup.rules,
            },
            fetch: FetchTimeouts {
                open: config.get(keys::DFS_QJOURNAL_HTTP_OPEN_TIMEOUT_MS),
                read: config.get(keys::DFS_QJOURNAL_HTTP_READ_TIMEOUT_MS),
            },
            policy: CallPolicy::generic(config),
            over_rpc: config.get(keys::DFS_HA_TAIL_EDITS_IN_PROGRESS),
        }
    }
}
