//! Options: what one server is made with.
//!
//! Here: the configuration as numbers, the ensemble, the spans that no key gives.
//! Never here: how a configuration file is read.
//! Modelled on: ZooKeeper 3.8.4 `QuorumPeerConfig`; the spans are measured (reference 12.2, 12.4).

use crate::engine::config::{Config, Millionths};
use crate::engine::distributions::Latency;
use crate::engine::id::ProcessId;
use crate::engine::time::SimDuration;
use crate::history::ResourceName;
use crate::protocols::zab::{Rules, Settings, Sid};

use super::keys;

/// One server.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// `server.N` lines: who is who, ascending.
    pub ensemble: Vec<(Sid, ProcessId)>,
    /// What the protocol reads.
    pub zab: Settings,
    /// The protocol's decisions.
    pub rules: Rules,
    /// Shortest session granted.
    pub session_timeout_min: SimDuration,
    /// Longest session granted.
    pub session_timeout_max: SimDuration,
    /// Most connections of one client process; 0: no limit.
    pub client_cnxns_max: u64,
    /// Whether the leader serves clients.
    pub leader_serves: bool,
    /// Whether an acknowledgement waits for the fsync.
    pub force_sync: bool,
    /// `snapshotSizeFactor`.
    pub snapshot_size_factor: Millionths,
    /// What no key gives.
    pub spans: Spans,
    /// The ensemble's log, in the history.
    pub log: ResourceName,
}

/// Time that the JVM takes; parameters of the model.
#[derive(Clone, Copy, Debug)]
pub struct Spans {
    /// From the process's start to its open ports. Measured: 0.6-0.7 s.
    pub start: Latency,
    /// Of a role's shutdown: processors, threads, replay of the log. Measured: 4-37 ms, median 11.
    pub shutdown: Latency,
    /// Of a learner's shutdown whose server never ran: there is nothing to stop.
    pub shutdown_unserved: Latency,
    /// From the end of an election to the bound quorum port. Measured: 0-12 ms.
    pub bind: Latency,
    /// From the end of an election to a follower's first connect. With `bind`, it decides how
    /// often that is refused. Measured: 47 of 61.
    pub connect: Latency,
    /// `startZkServer`: from the quorum to the first client. Measured: 1-160 ms.
    pub start_server: Latency,
    /// Of a notification through the receiver's threads. Measured through the election's modes.
    pub hop: Latency,
}

/// Bytes per second at which a new leader writes its snapshot (reference 7: 34-43 s for 15 million
/// nodes).
pub const SNAPSHOT_BYTES_S: u64 = 80_000_000;

const fn ms(ms: u64) -> SimDuration {
    SimDuration::from_millis(ms)
}

const fn excess(min: SimDuration, mean: SimDuration) -> Latency {
    Latency::Excess { min, mean }
}

impl Spans {
    /// As measured on a calm host, but for the start of the process and the mean excess of a
    /// shutdown over 4 ms, which a scenario may size.
    pub const fn measured(start: SimDuration, shutdown_mean: SimDuration) -> Spans {
        Spans {
            start: excess(start, ms(50)),
            shutdown: excess(ms(4), shutdown_mean),
            shutdown_unserved: excess(ms(1), ms(2)),
            bind: excess(SimDuration::from_micros(300), ms(2)),
            connect: excess(SimDuration::from_micros(300), SimDuration::from_micros(1_200)),
            start_server: excess(ms(1), ms(8)),
            hop: excess(SimDuration::from_micros(50), SimDuration::from_micros(600)),
        }
    }
}

/// What the protocol reads of a configuration.
pub fn settings(config: &Config, me: Sid, voters: Vec<Sid>) -> Settings {
    let count = |text: u64| usize::try_from(text).expect("counts fit");
    Settings {
        me,
        voters,
        tick: config.get(keys::TICK_TIME),
        init_limit: config.get(keys::INIT_LIMIT),
        sync_limit: config.get(keys::SYNC_LIMIT),
        connect_limit: config.get(keys::CONNECT_TO_LEARNER_MASTER_LIMIT),
        commit_log_count: count(config.get(keys::COMMIT_LOG_COUNT).max(500)),
        snap_count: config.get(keys::SNAP_COUNT),
        batch_max: count(config.get(keys::MAX_BATCH_SIZE)),
        cnx_timeout: config.get(keys::CNX_TIMEOUT),
        notification_min: config.get(keys::FASTLEADER_MIN_NOTIFICATION_INTERVAL),
        notification_max: config.get(keys::FASTLEADER_MAX_NOTIFICATION_INTERVAL),
        connect_retry: config.get(keys::LEADER_CONNECT_DELAY_DURING_RETRY_MS),
    }
}

impl ServerOptions {
    /// The `me`-th server of `ensemble` under `config`.
    pub fn read(
        config: &Config,
        me: Sid,
        ensemble: Vec<(Sid, ProcessId)>,
        spans: Spans,
        log: ResourceName,
    ) -> ServerOptions {
        let zab = settings(config, me, ensemble.iter().map(|(sid, _)| *sid).collect());
        let or_ticks = |key, ticks| {
            let written: SimDuration = config.get(key);
            if written.is_zero() { zab.tick.times(ticks) } else { written }
        };
        ServerOptions {
            session_timeout_min: or_ticks(keys::MIN_SESSION_TIMEOUT, 2),
            session_timeout_max: or_ticks(keys::MAX_SESSION_TIMEOUT, 20),
            client_cnxns_max: config.get(keys::MAX_CLIENT_CNXNS),
            leader_serves: config.get(keys::LEADER_SERVES) != "no",
            force_sync: config.get(keys::FORCE_SYNC) != "no",
            snapshot_size_factor: config.get(keys::SNAPSHOT_SIZE_FACTOR),
            ensemble,
            rules: Rules::V3_8_4,
            spans,
            log,
            zab,
        }
    }

    /// The process of a server.
    pub fn process(&self, sid: Sid) -> Option<ProcessId> {
        self.ensemble.iter().find(|(known, _)| *known == sid).map(|(_, process)| *process)
    }
}
