//! Options: what a JournalNode is told before it starts.
//!
//! Here: its journals and peers, every key it reads, and the spans of its own work.
//! Never here: state.
//! Modelled on: Hadoop `JournalNode`, `DFSConfigKeys`; spans without a citable figure are
//! assumptions and stand so in docs/MODELS.md, "journalnode".

use crate::clients::hadoop_ipc::CallPolicy;
use crate::engine::config::{Config, key_table};
use crate::engine::id::ProcessId;
use crate::engine::time::SimDuration;
use crate::history::ResourceName;
use crate::protocols::qjm::journal::{JournalRules, JournalSettings};
use crate::systems::hdfs::api::qjournal::JournalId;
use crate::systems::hdfs::keys::{self, HADOOP_3_3, HADOOP_3_4};
use crate::systems::hdfs::segment_fetch::FetchTimeouts;

const fn us(us: u64) -> SimDuration {
    SimDuration::from_micros(us)
}

const fn ms(ms: u64) -> SimDuration {
    SimDuration::from_millis(ms)
}

key_table! {
    /// From the start of the JVM to its open ports; assumption.
    HADR_JOURNALNODE_JVM_START: SimDuration {
        name: "hadr.journalnode.jvm-start",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(1_500))],
        sweep: (ms(0), ms(20_000)),
        mechanism: "hdfs/journalnode-start",
    }
    /// A handler's work on a call, beside the disk; assumption.
    HADR_JOURNALNODE_CALL_WORK: SimDuration {
        name: "hadr.journalnode.call-work",
        unit: Millis,
        stock: &[(HADOOP_3_4, us(40))],
        sweep: (us(1), ms(10)),
        mechanism: "hdfs/journalnode",
    }
    /// Decoding one edit while a segment is scanned for its end; assumption.
    HADR_JOURNALNODE_SCAN_WORK: SimDuration {
        name: "hadr.journalnode.scan-work",
        unit: Millis,
        stock: &[(HADOOP_3_4, us(2))],
        sweep: (us(1), ms(1)),
        mechanism: "hdfs/journalnode",
    }
    /// Heap of a JournalNode, of which its cache may fill a share; bytes; assumption.
    HADR_JOURNALNODE_HEAP: u64 {
        name: "hadr.journalnode.heap",
        unit: Bytes,
        stock: &[(HADOOP_3_4, 1_073_741_824)],
        sweep: (67_108_864, 17_179_869_184),
        mechanism: "hdfs/journalnode-cache",
    }
}

/// `GetJournalEditServlet` and `Journal.syncLog` open and read with these limits.
const ACCEPT_TIMEOUTS: FetchTimeouts = FetchTimeouts { open: ms(60_000), read: ms(60_000) };

/// One journal of a JournalNode.
#[derive(Clone, Debug)]
pub struct JournalSetup {
    /// Which log.
    pub id: JournalId,
    /// The log in the history.
    pub resource: ResourceName,
    /// The namespace id that it was formatted with before the run; none: it never was.
    pub formatted_for: Option<u64>,
    /// The other JournalNodes of its set, in the order of the shared edits URI.
    pub peers: Vec<ProcessId>,
}

/// Where a JournalNode stands, as the builder of a world knows it.
#[derive(Clone, Debug)]
pub struct JournalNodeSetup {
    /// What the operator wrote.
    pub config: Config,
    /// Its journals.
    pub journals: Vec<JournalSetup>,
    /// The rules of its journals; a planted bug replaces one.
    pub rules: JournalRules,
}

/// All that a JournalNode reads of its configuration.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) handlers: u32,
    pub(super) settings: JournalSettings,
    pub(super) sync_interval: Option<SimDuration>,
    pub(super) sync_timeouts: FetchTimeouts,
    pub(super) accept_timeouts: FetchTimeouts,
    pub(super) policy: CallPolicy,
    pub(super) jvm_start: SimDuration,
    pub(super) call_work: SimDuration,
    pub(super) scan_work: SimDuration,
}

impl Options {
    pub(super) fn read(config: &Config, rules: JournalRules) -> Options {
        let release_3_3 = config.profile() == HADOOP_3_3;
        let bytes_key = keys::DFS_JOURNALNODE_EDIT_CACHE_SIZE_BYTES;
        let cache_bytes = if release_3_3 || config.written(bytes_key.name).is_some() {
            config.get(bytes_key)
        } else {
            let share = config.get(keys::DFS_JOURNALNODE_EDIT_CACHE_SIZE_FRACTION);
            config.get(HADR_JOURNALNODE_HEAP) / 1_000_000 * u64::from(share.0)
        };
        let transfer = config.get(keys::DFS_EDIT_LOG_TRANSFER_TIMEOUT);
        let handlers = config.get(keys::DFS_JOURNALNODE_HANDLER_COUNT);
        Options {
            handlers: u32::try_from(handlers).unwrap_or(u32::MAX).max(1),
            settings: JournalSettings {
                rules,
                cache_bytes: config.get(keys::DFS_HA_TAIL_EDITS_IN_PROGRESS).then_some(cache_bytes),
                refuses_newer_txid: !release_3_3,
            },
            sync_interval: config
                .get(keys::DFS_JOURNALNODE_ENABLE_SYNC)
                .then(|| config.get(keys::DFS_JOURNALNODE_SYNC_INTERVAL)),
            sync_timeouts: FetchTimeouts { open: transfer, read: transfer },
            accept_timeouts: ACCEPT_TIMEOUTS,
            policy: CallPolicy::generic(config),
            jvm_start: config.get(HADR_JOURNALNODE_JVM_START),
            call_work: config.get(HADR_JOURNALNODE_CALL_WORK),
            scan_work: config.get(HADR_JOURNALNODE_SCAN_WORK),
        }
    }
}
