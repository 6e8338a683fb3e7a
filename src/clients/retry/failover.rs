//! Failover on network exceptions: the policy of every HDFS client.
//!
//! Here: the order of the checks, the back-off, and the counters of a call.
//! Never here: which server comes next (`proxies`); a draw (the caller hands in its word).
//! Modelled on: Hadoop `RetryPolicies.FailoverOnNetworkExceptionRetry`.

use crate::clients::hadoop_ipc::{LocalFailure, RemoteException};
use crate::engine::dice::below;
use crate::engine::time::SimDuration;

/// Whether a method may be executed twice (upstream's annotations).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodClass {
    /// `@Idempotent`.
    Idempotent,
    /// `@AtMostOnce`: the server's retry cache answers the second one.
    AtMostOnce,
    /// Neither: a call whose fate is unknown is not repeated.
    Neither,
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// In the library.
    Local(LocalFailure),
    /// At the server.
    Remote(RemoteException),
}

/// What to do. In upstream's order of strength: of several, the strongest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RetryAction {
    /// The caller gets the failure.
    Fail,
    /// Again at the same server.
    Retry {
        /// Sleep before it.
        delay: SimDuration,
    },
    /// Again at the next server.
    FailoverAndRetry {
        /// Sleep before it.
        delay: SimDuration,
    },
}

/// What a call has been through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallCounters {
    /// Repeats of any kind.
    pub retries: u32,
    /// Those of them that failed over.
    pub failovers: u32,
}

impl CallCounters {
    /// The counters after a repeat.
    #[must_use]
    pub const fn after(self, action: RetryAction) -> CallCounters {
        match action {
            RetryAction::Fail => self,
            RetryAction::Retry { .. } => CallCounters { retries: self.retries + 1, ..self },
            RetryAction::FailoverAndRetry { .. } => {
                CallCounters { retries: self.retries + 1, failovers: self.failovers + 1 }
            }
        }
    }
}

/// The policy, with its fallback `TRY_ONCE_THEN_FAIL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailoverOnNetworkException {
    /// Failovers after which a call fails.
    pub max_failovers: u32,
    /// Repeats without failover after which a call fails.
    pub max_retries: u32,
    /// First step of the back-off.
    pub delay: SimDuration,
    /// Longest step of the back-off.
    pub max_delay: SimDuration,
}

impl FailoverOnNetworkException {
    /// All checks, in the original's order. `word` decides the length of a back-off.
    pub fn decide(
        &self,
        failure: Failure,
        counters: CallCounters,
        class: MethodClass,
        word: u64,
    ) -> RetryAction {
        let CallCounters { retries, failovers } = counters;
        if failovers >= self.max_failovers || retries - failovers > self.max_retries {
            return RetryAction::Fail;
        }
        let sleep = |times| back_off(self.delay, times, self.max_delay, word);
        match failure {
            Failure::Local(
                LocalFailure::ConnectRefused
                | LocalFailure::ConnectTimedOut
                | LocalFailure::NoRoute
                | LocalFailure::Eof,
            )
            | Failure::Remote(RemoteException::Standby) => {
                RetryAction::FailoverAndRetry { delay: sleep(failovers) }
            }
            Failure::Remote(RemoteException::Retriable) => {
                RetryAction::Retry { delay: sleep(retries) }
            }
            Failure::Local(
                LocalFailure::Reset
                | LocalFailure::SocketTimeout
                | LocalFailure::ConnectionTimedOut,
            ) => match class {
                MethodClass::Idempotent | MethodClass::AtMostOnce => {
                    RetryAction::FailoverAndRetry { delay: sleep(retries) }
                }
                MethodClass::Neither => RetryAction::Fail,
            },
            Failure::Remote(RemoteException::AccessControl | RemoteException::Other(_)) => {
                RetryAction::Fail
            }
        }
    }

    /// Several servers failed at once (`MultiException`): the strongest action and the longest
    /// delay of its kind of all.
    pub fn decide_many(
        &self,
        failures: &[Failure],
        counters: CallCounters,
        class: MethodClass,
        word: u64,
    ) -> RetryAction {
        let actions = failures.iter().map(|f| self.decide(*f, counters, class, word));
        let (mut strongest, mut longest) = (RetryAction::Fail, SimDuration::ZERO);
        for action in actions {
            match action {
                RetryAction::Fail => {}
                RetryAction::Retry { delay } | RetryAction::FailoverAndRetry { delay } => {
                    longest = longest.max(delay);
                }
            }
            strongest = strongest.max(action);
        }
        match strongest {
            RetryAction::Fail => RetryAction::Fail,
            RetryAction::Retry { .. } => RetryAction::Retry { delay: longest },
            RetryAction::FailoverAndRetry { .. } => {
                RetryAction::FailoverAndRetry { delay: longest }
            }
        }
    }
}

/// `d(k)`: none at `times` = 0, then `min(base * 2^k, cap) * U(0.5, 1.5)`, in whole milliseconds.
pub fn back_off(base: SimDuration, times: u32, cap: SimDuration, word: u64) -> SimDuration {
    if times == 0 {
        return SimDuration::ZERO;
    }
    let step = base.times(1 << times.min(32)).min(cap);
    if step.is_zero() {
        return SimDuration::ZERO;
    }
    let slept = step.scaled(1, 2) + SimDuration::from_nanos(below(word, step.as_nanos()));
    SimDuration::from_millis(slept.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOCK: FailoverOnNetworkException = FailoverOnNetworkException {
        max_failovers: 15,
        max_retries: 10,
        delay: SimDuration::from_millis(500),
        max_delay: SimDuration::from_millis(15_000),
    };
    const MIDDLE: u64 = 1 << 63; // U = 1.0
    const ALL: [Failure; 11] = [
        Failure::Local(LocalFailure::ConnectRefused),
        Failure::Local(LocalFailure::ConnectTimedOut),
        Failure::Local(LocalFailure::NoRoute),
        Failure::Local(LocalFailure::Eof),
        Failure::Local(LocalFailure::Reset),
        Failure::Local(LocalFailure::SocketTimeout),
        Failure::Local(LocalFailure::ConnectionTimedOut),
        Failure::Remote(RemoteException::Standby),
        Failure::Remote(RemoteException::Retriable),
        Failure::Remote(RemoteException::AccessControl),
        Failure::Remote(RemoteException::Other("FileNotFoundException")),
    ];

    fn ms(delay: u64) -> SimDuration {
        SimDuration::from_millis(delay)
    }

    /// hdfs-ha.md, 14.6, row by row: F(ail), R(etry), O(ver); then the step of the back-off.
    #[test]
    fn the_table_of_the_reference() {
        let counters = CallCounters { retries: 3, failovers: 1 };
        let by_failovers = Some(ms(1_000)); // d(1)
        let by_retries = Some(ms(4_000)); // d(3)
        let expected = [
            ('O', by_failovers),
            ('O', by_failovers),
            ('O', by_failovers),
            ('O', by_failovers),
            ('O', by_retries),
            ('O', by_retries),
            ('O', by_retries),
            ('O', by_failovers),
            ('R', by_retries),
            ('F', None),
            ('F', None),
        ];
        for (failure, (kind, step)) in ALL.into_iter().zip(expected) {
            let action = STOCK.decide(failure, counters, MethodClass::AtMostOnce, MIDDLE);
            let found = match action {
                RetryAction::Fail => ('F', None),
                RetryAction::Retry { delay } => ('R', Some(delay)),
                RetryAction::FailoverAndRetry { delay } => ('O', Some(delay)),
            };
            assert_eq!(found, (kind, step), "{failure:?}");
        }
    }

    #[test]
    fn a_call_of_unknown_fate_is_repeated_only_where_that_is_harmless() {
        let counters = CallCounters::default();
        for failure in ALL {
            let once = STOCK.decide(failure, counters, MethodClass::Neither, MIDDLE);
            let unknown = match failure {
                Failure::Local(local) => !local.not_sent() && local != LocalFailure::Eof,
                Failure::Remote(_) => false,
            };
            let harmless = STOCK.decide(failure, counters, MethodClass::Idempotent, MIDDLE);
            assert_eq!(once == RetryAction::Fail && harmless != RetryAction::Fail, unknown);
        }
    }

    #[test]
    fn the_limits_come_before_everything_else() {
        let worn = [(15, 15), (11, 0), (20, 9)];
        let fresh = [(14, 14), (10, 0), (19, 9)];
        for (counts, fails) in [(worn, true), (fresh, false)] {
            for (retries, failovers) in counts {
                let counters = CallCounters { retries, failovers };
                let action = STOCK.decide(ALL[7], counters, MethodClass::Idempotent, MIDDLE);
                assert_eq!(action == RetryAction::Fail, fails, "{counters:?}");
            }
        }
    }

    /// hdfs-ha.md, 5.2: nominal 0, 1, 2, 4, 8, 15, 15 ... s; over 15 failovers 165 s on average,
    /// 82 to 247 s.
    #[test]
    fn back_off_stays_within_half_and_one_and_a_half_steps() {
        let total = |word| -> u64 {
            (0..15).map(|k| back_off(STOCK.delay, k, STOCK.max_delay, word).as_millis()).sum()
        };
        let nominal = [0, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000];
        for (times, step) in (0..).zip(nominal) {
            assert_eq!(back_off(STOCK.delay, times, STOCK.max_delay, MIDDLE), ms(step));
            assert_eq!(back_off(STOCK.delay, times, STOCK.max_delay, 0), ms(step / 2));
            let longest = back_off(STOCK.delay, times, STOCK.max_delay, u64::MAX).as_millis();
            assert_eq!(longest, (step + step / 2).saturating_sub(1));
        }
        assert_eq!(total(MIDDLE), 165_000);
        assert_eq!(total(0), 82_500);
        assert!((247_000..=247_500).contains(&total(u64::MAX)));
    }

    #[test]
    fn of_several_failures_the_strongest_action_and_the_longest_delay_count() {
        let counters = CallCounters { retries: 3, failovers: 1 };
        let [timed_out, standby, retriable, other] = [ALL[5], ALL[7], ALL[8], ALL[10]];
        let decide = |failures: &[Failure]| {
            STOCK.decide_many(failures, counters, MethodClass::Idempotent, MIDDLE)
        };
        assert_eq!(decide(&[other, other]), RetryAction::Fail);
        assert_eq!(decide(&[other, retriable]), RetryAction::Retry { delay: ms(4_000) });
        let over = RetryAction::FailoverAndRetry { delay: ms(4_000) };
        assert_eq!(decide(&[standby, retriable]), over);
        assert_eq!(decide(&[timed_out, standby]), over);
    }
}
