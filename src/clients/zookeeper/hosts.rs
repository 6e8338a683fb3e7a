//! Hosts: the servers a client knows, in the order in which it tries them.
//!
//! Here: the shuffle, the next server, when a round is over.
//! Never here: connections, sleeping.
//! Modelled on: ZooKeeper 3.8.4 `client/StaticHostProvider.java`.
//! Left out: `updateServerList` (rebalancing after a change of the list).

use crate::engine::dice::below;
use crate::engine::id::ProcessId;
use crate::engine::process::Port;

/// The list of one handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hosts {
    servers: Vec<(ProcessId, Port)>,
    current: Option<usize>,
    /// The last server with which a session was set up; before that, the first of the list.
    last: Option<usize>,
}

impl Hosts {
    /// A list, shuffled by one word for each place but the first.
    pub(super) fn shuffled(
        mut servers: Vec<(ProcessId, Port)>,
        mut word: impl FnMut(u64) -> u64,
    ) -> Hosts {
        assert!(!servers.is_empty(), "a client knows at least one server");
        for place in (1..servers.len()).rev() {
            let other = below(word(place as u64), place as u64 + 1);
            servers.swap(place, usize::try_from(other).expect("a place of the list"));
        }
        Hosts { servers, current: None, last: None }
    }

    /// How many servers share the connect time-out.
    pub(super) fn count(&self) -> u64 {
        self.servers.len() as u64
    }

    /// The next server, and whether a round is over (upstream then sleeps): it is the one last
    /// used, but not at the very first attempt.
    pub(super) fn next(&mut self) -> ((ProcessId, Port), bool) {
        let index = self.current.map_or(0, |current| (current + 1) % self.servers.len());
        self.current = Some(index);
        let round_over = self.last == Some(index);
        self.last = self.last.or(Some(0));
        (self.servers[index], round_over)
    }

    /// A session was set up with the current server.
    pub(super) fn connected(&mut self) {
        self.last = self.current;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Hosts {
        let servers = (1..4).map(|id| (ProcessId(id), Port(2_181))).collect();
        Hosts::shuffled(servers, |_| u64::MAX) // each place keeps its own
    }

    #[test]
    fn the_lost_server_comes_last_and_costs_a_pause() {
        let mut hosts = three();
        let mut next = || {
            let ((server, _), pause) = hosts.next();
            (server.0, pause)
        };
        // Never before the first attempt; then each time the list begins anew.
        let first_rounds = [next(), next(), next(), next()];
        assert_eq!(first_rounds, [(1, false), (2, false), (3, false), (1, true)]);
        assert_eq!(next(), (2, false));
        hosts.connected();
        let after_loss: Vec<_> = (0..4).map(|_| hosts.next()).map(|(s, p)| (s.0.0, p)).collect();
        assert_eq!(after_loss, [(3, false), (1, false), (2, true), (3, false)]);
    }

    #[test]
    fn with_one_server_every_attempt_but_the_first_waits() {
        let mut hosts = Hosts::shuffled(vec![(ProcessId(1), Port(2_181))], |_| 0);
        let pauses: Vec<_> = (0..3).map(|_| hosts.next().1).collect();
        assert_eq!(pauses, [false, true, true]);
    }

    #[test]
    fn every_order_is_drawn() {
        let servers: Vec<_> = (1..4).map(|id| (ProcessId(id), Port(1))).collect();
        let words = [u64::MAX, u64::MAX / 2, 0];
        let mut orders = std::collections::BTreeSet::new();
        for second in words {
            for third in words {
                let word = |place| if place == 1 { second } else { third };
                let hosts = Hosts::shuffled(servers.clone(), word);
                orders.insert(hosts.servers.iter().map(|s| s.0).collect::<Vec<_>>());
            }
        }
        assert_eq!(orders.len(), 6);
    }
}
