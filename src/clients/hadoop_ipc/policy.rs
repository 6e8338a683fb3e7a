//! Policy: how long one connection tries, waits and idles.
//!
//! Here: the values that distinguish connections, and their stock values per configuration.
//! Never here: the state of a connection; a system's overrides (its owner makes them).
//! Modelled on: Hadoop `ipc/Client.ConnectionId`, `RetryUpToMaximumCountWithFixedSleep`.

use crate::clients::hadoop_ipc_keys as keys;
use crate::engine::config::Config;
use crate::engine::id::ProcessId;
use crate::engine::time::SimDuration;

/// How the connections of a proxy behave. Part of a connection's identity, as upstream: proxies
/// with different time-outs share none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallPolicy {
    /// Silence after which all calls of a connection fail; zero: never (`rpcTimeout`).
    pub rpc_timeout: SimDuration,
    /// Limit of one attempt to connect; zero: the kernel's (`ipc.client.connect.timeout`).
    pub connect_timeout: SimDuration,
    /// Repeats, without a pause, after an attempt that timed out (`maxRetriesOnSocketTimeouts`).
    pub max_retries_on_timeouts: u32,
    /// Repeats after an attempt that was refused or found no route.
    pub max_retries: u32,
    /// Fixed sleep before such a repeat (`ipc.client.connect.retry.interval`).
    pub retry_interval: SimDuration,
    /// Silence after which an open call pings; zero: never pings (`ipc.ping.interval`).
    pub ping_interval: SimDuration,
    /// Idle time after which the client closes the connection (`maxIdleTime`).
    pub max_idle: SimDuration,
}

impl CallPolicy {
    /// What a proxy gets that overrides nothing: the generic `ipc.client.*` keys.
    pub fn generic(config: &Config) -> CallPolicy {
        let count = |key| u32::try_from(config.get(key)).unwrap_or(u32::MAX);
        let ping = config.get(keys::IPC_CLIENT_PING);
        CallPolicy {
            rpc_timeout: config.get(keys::IPC_CLIENT_RPC_TIMEOUT_MS),
            connect_timeout: config.get(keys::IPC_CLIENT_CONNECT_TIMEOUT),
            max_retries_on_timeouts: count(keys::IPC_CLIENT_CONNECT_MAX_RETRIES_ON_TIMEOUTS),
            max_retries: count(keys::IPC_CLIENT_CONNECT_MAX_RETRIES),
            retry_interval: config.get(keys::IPC_CLIENT_CONNECT_RETRY_INTERVAL),
            ping_interval: if ping {
                config.get(keys::IPC_PING_INTERVAL)
            } else {
                SimDuration::ZERO
            },
            max_idle: config.get(keys::IPC_CLIENT_CONNECTION_MAXIDLETIME),
        }
    }

    /// What a client's proxy to a NameNode gets: without an RPC time-out and without pings the
    /// ping interval is the time-out (`ipc.Client.getTimeout`).
    pub fn of_client(config: &Config) -> CallPolicy {
        let generic = CallPolicy::generic(config);
        if generic.rpc_timeout.is_zero() && !config.get(keys::IPC_CLIENT_PING) {
            return generic.with_rpc_timeout(config.get(keys::IPC_PING_INTERVAL));
        }
        generic
    }

    /// The same with an RPC time-out of the proxy's own.
    #[must_use]
    pub const fn with_rpc_timeout(self, rpc_timeout: SimDuration) -> CallPolicy {
        CallPolicy { rpc_timeout, ..self }
    }

    /// The same with other numbers of repeated connects: after time-outs, and after refusals.
    #[must_use]
    pub const fn with_retries(self, on_timeouts: u32, refused: u32) -> CallPolicy {
        CallPolicy { max_retries_on_timeouts: on_timeouts, max_retries: refused, ..self }
    }

    /// How long the reader of an open call waits for a byte before it looks at the clock
    /// (`soTimeout`); zero: for ever.
    pub fn socket_timeout(&self) -> SimDuration {
        let ping_first = !self.ping_interval.is_zero() && self.ping_interval < self.rpc_timeout;
        if self.rpc_timeout.is_zero() || ping_first { self.ping_interval } else { self.rpc_timeout }
    }
}

/// Where a server listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    /// The daemon.
    pub process: ProcessId,
    /// Its port.
    pub port: u16,
}

/// Calls with equal keys share a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionKey {
    /// The server.
    pub server: ServerAddress,
    /// The user (`UserGroupInformation`): separate users have separate connections.
    pub user: u32,
    /// Time-outs and retries.
    pub policy: CallPolicy,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::hadoop_ipc_keys::{HADOOP_3_3, HADOOP_3_4};

    /// hdfs-ha.md, 5.4: "socket time-out = ping interval 60 s, or the RPC time-out if that is
    /// <= 60 s".
    #[test]
    fn the_reader_wakes_at_the_ping_interval_or_a_shorter_rpc_timeout() {
        let generic = CallPolicy::generic(&Config::stock(HADOOP_3_4));
        let secs = SimDuration::from_secs;
        assert_eq!(generic.rpc_timeout, secs(120));
        for (rpc_timeout, wakes) in [(0, 60), (5, 5), (45, 45), (60, 60), (61, 60), (120, 60)] {
            let policy = generic.with_rpc_timeout(secs(rpc_timeout));
            assert_eq!(policy.socket_timeout(), secs(wakes), "{rpc_timeout}");
        }
        let mute = CallPolicy { ping_interval: SimDuration::ZERO, ..generic };
        assert_eq!(mute.socket_timeout(), secs(120));
        assert!(mute.with_rpc_timeout(SimDuration::ZERO).socket_timeout().is_zero());
    }

    #[test]
    fn only_the_newer_release_has_an_rpc_timeout() {
        assert!(CallPolicy::generic(&Config::stock(HADOOP_3_3)).rpc_timeout.is_zero());
    }

    #[test]
    fn a_client_that_does_not_ping_gives_up_after_the_interval_in_which_it_would() {
        let of_client = |stock, ping| {
            let config = Config::stock(stock).with("ipc.client.ping", ping);
            CallPolicy::of_client(&config).socket_timeout()
        };
        assert_eq!(of_client(HADOOP_3_3, "false"), SimDuration::from_secs(60));
        assert_eq!(of_client(HADOOP_3_4, "false"), SimDuration::from_secs(120));
        assert!(CallPolicy::of_client(&Config::stock(HADOOP_3_3)).rpc_timeout.is_zero());
    }
}
