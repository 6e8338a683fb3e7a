//! Retry cache: a call that is repeated is executed at most once.
//!
//! Here: outcomes by (client, call), their expiry, the rule for a call that is still running.
//! Never here: clocks (the caller passes the time), connections.
//! Modelled on: Hadoop `RetryCache`, `LightWeightCache`, `FSNamesystem.addCacheEntry` (3.4.1).

use super::shared_map::SharedMap;
use crate::engine::time::{Monotonic, SimDuration};

/// Who asked, and for which of its calls: the same in every repetition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallKey {
    /// `clientId`: one per client object, 16 bytes upstream.
    pub client: u64,
    /// `callId`: counted by the client.
    pub call: u64,
}

/// What became of the first execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    InProgress,
    Success { payload: u64 },
    Failed,
}

/// What a handler shall do with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Execute it and report the outcome with [`RetryCache::finish`].
    Execute,
    /// It was done before: give this answer again.
    Answer {
        /// What the first execution returned.
        payload: u64,
    },
    /// An earlier copy is being executed: wait for its end.
    Wait,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    state: State,
    expires: Monotonic,
}

/// Outcomes of calls that may not be executed twice.
#[derive(Clone, Debug)]
pub struct RetryCache {
    expiry: SimDuration,
    entries: SharedMap<CallKey, Entry>,
    /// The same keys in the order in which they expire.
    by_expiry: SharedMap<(Monotonic, CallKey), ()>,
}

impl RetryCache {
    /// An empty cache; its entries live for `dfs.namenode.retrycache.expirytime.millis`.
    pub fn new(expiry: SimDuration) -> RetryCache {
        RetryCache { expiry, entries: SharedMap::default(), by_expiry: SharedMap::default() }
    }

    /// How many calls are remembered.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is remembered.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// `waitForCompletion`: asked before the operation takes any lock.
    pub fn admit(&mut self, key: CallKey, now: Monotonic) -> Admission {
        self.evict(now);
        match self.entries.get(key).map(|entry| entry.state) {
            Some(State::Success { payload }) => Admission::Answer { payload },
            Some(State::InProgress) => Admission::Wait,
            Some(State::Failed) | None => {
                self.put(key, State::InProgress, now);
                Admission::Execute
            }
        }
    }

    /// What a call was answered that is over; an edit replayed meanwhile tells it too.
    pub fn answered(&self, key: CallKey) -> Option<u64> {
        match self.entries.get(key)?.state {
            State::Success { payload } => Some(payload),
            State::InProgress | State::Failed => None,
        }
    }

    /// `setState`: the operation is over (its edit need not be durable yet).
    pub fn finish(&mut self, key: CallKey, success: Option<u64>) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.state = match success {
                Some(payload) => State::Success { payload },
                None => State::Failed,
            };
        }
    }

    /// `addCacheEntryWithPayload`: an edit that was replayed names the call that caused it.
    pub fn replayed(&mut self, key: CallKey, payload: u64, now: Monotonic) {
        self.evict(now);
        self.put(key, State::Success { payload }, now);
    }

    fn put(&mut self, key: CallKey, state: State, now: Monotonic) {
        let expires = Monotonic::from_nanos(now.as_nanos().saturating_add(self.expiry.as_nanos()));
        if let Some(old) = self.entries.insert(key, Entry { state, expires }) {
            self.by_expiry.remove((old.expires, key));
        }
        self.by_expiry.insert((expires, key), ());
    }

    fn evict(&mut self, now: Monotonic) {
        while let Some(((expires, key), ())) = self.by_expiry.first() {
            if now < expires {
                break;
            }
            self.by_expiry.remove((expires, key));
            self.entries.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EXPIRY: SimDuration = SimDuration::from_secs(600);

    fn at(secs: u64) -> Monotonic {
        Monotonic::from_nanos(secs * 1_000_000_000)
    }

    #[test]
    fn a_repeated_call_hears_the_first_answer_and_a_failed_one_is_tried_again() {
        let mut cache = RetryCache::new(EXPIRY);
        let key = CallKey { client: 1, call: 7 };
        assert_eq!(cache.admit(key, at(0)), Admission::Execute);
        assert_eq!(cache.admit(key, at(0)), Admission::Wait);
        cache.finish(key, None);
        assert_eq!(cache.admit(key, at(1)), Admission::Execute);
        cache.finish(key, Some(42));
        assert_eq!(cache.admit(key, at(2)), Admission::Answer { payload: 42 });
        assert_eq!(cache.admit(CallKey { client: 2, call: 7 }, at(2)), Admission::Execute);
    }

    #[test]
    fn an_entry_lives_for_its_expiry_and_not_longer() {
        let mut cache = RetryCache::new(EXPIRY);
        let key = CallKey { client: 1, call: 1 };
        cache.replayed(key, 5, at(0));
        assert_eq!(cache.admit(key, at(599)), Admission::Answer { payload: 5 });
        assert_eq!(cache.admit(key, at(600)), Admission::Execute);
        assert_eq!(cache.len(), 1);
    }

    proptest! {
        /// Within the expiry no call is executed successfully twice, whatever the repetitions.
        #[test]
        fn at_most_once(calls in prop::collection::vec((0..20_u64, any::<bool>()), 1..300)) {
            let mut cache = RetryCache::new(EXPIRY);
            let mut done = std::collections::BTreeSet::new();
            for (second, (call, works)) in calls.into_iter().enumerate() {
                let key = CallKey { client: 1, call };
                match cache.admit(key, at(second as u64)) {
                    Admission::Execute => {
                        prop_assert!(!done.contains(&call));
                        cache.finish(key, works.then_some(call));
                        if works {
                            done.insert(call);
                        }
                    }
                    Admission::Answer { payload } => prop_assert_eq!(payload, call),
                    Admission::Wait => prop_assert!(false, "nothing runs"),
                }
            }
        }
    }
}
