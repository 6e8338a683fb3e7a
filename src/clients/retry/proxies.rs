//! Proxies: which of several servers a client calls next.
//!
//! Here: the choice of the configured-failover and the request-hedging provider.
//! Never here: calls; how a list is shuffled (the owner draws).
//! Modelled on: Hadoop `ConfiguredFailoverProxyProvider`, `RequestHedgingProxyProvider`,
//! `RetryInvocationHandler.ProxyDescriptor`.

/// A set of servers: a bit for each number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Servers(u64);

impl Servers {
    /// The most servers that a nameservice may have.
    pub const MAX: usize = 64;

    fn one(server: usize) -> Servers {
        Servers(1 << server)
    }

    fn all(count: usize) -> Servers {
        assert!(0 < count && count <= Servers::MAX, "a nameservice of {count} servers");
        Servers(u64::MAX >> (Servers::MAX - count))
    }

    /// How many.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their numbers, ascending.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..Servers::MAX).filter(move |server| self.0 >> server & 1 == 1)
    }
}

/// One per client and nameservice, shared by all its threads. Servers are numbers into the
/// client's list.
#[derive(Clone, Debug)]
pub enum ProxyProvider {
    /// One at a time, in turn.
    Configured(ConfiguredFailover),
    /// All at once; the first success is kept.
    Hedging(RequestHedging),
}

/// Servers in turn.
#[derive(Clone, Debug)]
pub struct ConfiguredFailover {
    order: Vec<usize>,
    current: usize,
    failover_count: u64,
}

/// All servers at once at first; after a failover all but the one that failed.
#[derive(Clone, Debug)]
pub struct RequestHedging {
    servers: usize,
    current: Option<usize>,
    ignored: Option<usize>,
    failover_count: u64,
}

impl ConfiguredFailover {
    /// A client that tries its servers in that order.
    pub fn new(order: Vec<usize>) -> ConfiguredFailover {
        assert!(!order.is_empty(), "a nameservice has servers");
        assert!(order.iter().all(|server| *server < Servers::MAX));
        ConfiguredFailover { order, current: 0, failover_count: 0 }
    }
}

impl RequestHedging {
    /// A client that tries that many servers at once.
    pub fn new(servers: usize) -> RequestHedging {
        assert!(0 < servers && servers <= Servers::MAX, "a nameservice of {servers} servers");
        RequestHedging { servers, current: None, ignored: None, failover_count: 0 }
    }
}

impl ProxyProvider {
    /// The count that a thread remembers when its attempt starts.
    pub const fn failover_count(&self) -> u64 {
        match self {
            ProxyProvider::Configured(turn) => turn.failover_count,
            ProxyProvider::Hedging(hedge) => hedge.failover_count,
        }
    }

    /// The servers to call now. Several: the first success wins. None: nothing is left to call.
    pub fn targets(&self) -> Servers {
        match self {
            ProxyProvider::Configured(turn) => Servers::one(turn.order[turn.current]),
            ProxyProvider::Hedging(RequestHedging { current: Some(server), .. }) => {
                Servers::one(*server)
            }
            ProxyProvider::Hedging(hedge) => {
                let ignored = hedge.ignored.map_or(0, |server| Servers::one(server).0);
                Servers(Servers::all(hedge.servers).0 & !ignored)
            }
        }
    }

    /// A hedged call was answered by, or a lone call goes to, this server; of several failures,
    /// the last one.
    pub fn used(&mut self, server: usize) {
        match self {
            ProxyProvider::Configured(_) => {}
            ProxyProvider::Hedging(hedge) => hedge.current = Some(server),
        }
    }

    /// A thread whose attempt started at `remembered` fails over. Concurrent failures cause one
    /// failover: the later threads take whatever is current.
    pub fn fail_over(&mut self, remembered: u64) {
        if self.failover_count() != remembered {
            return;
        }
        match self {
            ProxyProvider::Configured(turn) => {
                turn.current = (turn.current + 1) % turn.order.len();
                turn.failover_count += 1;
            }
            ProxyProvider::Hedging(hedge) => {
                hedge.ignored = hedge.current.take();
                hedge.failover_count += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(proxy: &ProxyProvider) -> Vec<usize> {
        proxy.targets().iter().collect()
    }

    /// hdfs-ha.md, 5.2: "a thread toggles the index only if the counter still equals the value
    /// read when its attempt started".
    #[test]
    fn threads_that_fail_together_fail_over_once() {
        let mut proxy = ProxyProvider::Configured(ConfiguredFailover::new(vec![1, 0]));
        assert_eq!(targets(&proxy), [1]);
        let remembered = proxy.failover_count();
        for _thread in 0..4 {
            proxy.fail_over(remembered);
            assert_eq!(targets(&proxy), [0]);
        }
        proxy.fail_over(proxy.failover_count());
        assert_eq!(targets(&proxy), [1], "round robin");
    }

    /// hdfs-ha.md, 5.1: first all in parallel, the first success becomes current, on failover all
    /// but the failed one; with two that is a plain call to the other.
    #[test]
    fn a_hedging_client_asks_all_then_the_winner_then_the_others() {
        let mut proxy = ProxyProvider::Hedging(RequestHedging::new(2));
        assert_eq!(targets(&proxy), [0, 1]);
        proxy.used(1);
        assert_eq!(targets(&proxy), [1]);
        proxy.fail_over(proxy.failover_count());
        assert_eq!(targets(&proxy), [0]);
        proxy.used(0);
        proxy.fail_over(proxy.failover_count());
        assert_eq!(targets(&proxy), [1]);
        let mut lone = ProxyProvider::Hedging(RequestHedging::new(1));
        lone.used(0);
        lone.fail_over(0);
        assert_eq!(targets(&lone), [] as [usize; 0], "\"No valid proxies left\"");
    }
}
