//! Proxies: which of several servers a client calls next.
//!
//! Here: the choice of the configured-failover and the request-hedging provider.
//! Never here: calls; how a list is shuffled (the owner draws).
//! Modelled on: Hadoop `ConfiguredFailoverProxyProvider`, `RequestHedgingProxyProvider`,
//! `RetryInvocationHandler.ProxyDescriptor`.

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
        assert!(!order.is_empty(), "a nameservice has NameNodes");
        ConfiguredFailover { order, current: 0, failover_count: 0 }
    }
}

impl RequestHedging {
    /// A client that tries that many servers at once.
    pub fn new(servers: usize) -> RequestHedging {
        assert!(0 < servers, "a nameservice has NameNodes");
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
    pub fn targets(&self) -> Vec<usize> {
        match self {
            ProxyProvider::Configured(turn) => vec![turn.order[turn.current]],
            ProxyProvider::Hedging(RequestHedging { current: Some(server), .. }) => vec![*server],
            ProxyProvider::Hedging(hedge) => {
                (0..hedge.servers).filter(|server| hedge.ignored != Some(*server)).collect()
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

    /// hdfs-ha.md, 5.2: "a thread toggles the index only if the counter still equals the value
    /// read when its attempt started".
    #[test]
    fn threads_that_fail_together_fail_over_once() {
        let mut proxy = ProxyProvider::Configured(ConfiguredFailover::new(vec![1, 0]));
        assert_eq!(proxy.targets(), [1]);
        let remembered = proxy.failover_count();
        for _thread in 0..4 {
            proxy.fail_over(remembered);
            assert_eq!(proxy.targets(), [0]);
        }
        proxy.fail_over(proxy.failover_count());
        assert_eq!(proxy.targets(), [1], "round robin");
    }

    /// hdfs-ha.md, 5.1: first all in parallel, the first success becomes current, on failover all
    /// but the failed one; with two that is a plain call to the other.
    #[test]
    fn a_hedging_client_asks_all_then_the_winner_then_the_others() {
        let mut proxy = ProxyProvider::Hedging(RequestHedging::new(2));
        assert_eq!(proxy.targets(), [0, 1]);
        proxy.used(1);
        assert_eq!(proxy.targets(), [1]);
        proxy.fail_over(proxy.failover_count());
        assert_eq!(proxy.targets(), [0]);
        proxy.used(0);
        proxy.fail_over(proxy.failover_count());
        assert_eq!(proxy.targets(), [1]);
        let mut lone = ProxyProvider::Hedging(RequestHedging::new(1));
        lone.used(0);
        lone.fail_over(0);
        assert_eq!(lone.targets(), [0; 0], "\"No valid proxies left\"");
    }
}
