//! Retry: what a proxy does with a failed call.
//!
//! Here: the policy as a function of the failure and the counters, and the choice of a server.
//! Never here: connections, timers, dice; a retry that upstream does not make.
//! Modelled on: Hadoop `io/retry/RetryPolicies.java`, `RetryInvocationHandler.java`.

pub mod failover;
pub mod handler;
pub mod proxies;

pub use failover::{
    CallCounters, FailoverOnNetworkException, Failure, MethodClass, RetryAction, back_off,
};
pub use handler::{Finished, Proxy, ProxyId, RetryInvocationHandler};
pub use proxies::{ConfiguredFailover, ProxyProvider, RequestHedging, Servers};
