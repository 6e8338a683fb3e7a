//! Sessions: who is alive, as the leader sees it, and what a learner reports to it.
//!
//! Here: the buckets of expiry, owners, closing sessions; the learner's table of touches.
//! Never here: clocks (the caller's reading is passed in), the closeSession transaction itself.
//! Modelled on: ZooKeeper 3.8.4 `SessionTrackerImpl.java`, `ExpiryQueue.java`,
//! `quorum/LearnerSessionTracker.java`.
//! Left out: local sessions, passwords.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::time::{Monotonic, SimDuration};

use super::types::{Code, SessionId};

/// Through whom a session speaks to the leader: its own port, or one learner's handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A connection of the leader itself.
    Leader,
    /// The handler of one learner connection, by a number that no other handler had.
    Handler(u64),
}

/// Why a session may not speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not in the table: never created, or closed.
    Unknown,
    /// Its closeSession is under way.
    Closing,
    /// It belongs to another server by now.
    Moved,
}

impl From<Refusal> for Code {
    fn from(refusal: Refusal) -> Code {
        match refusal {
            Refusal::Unknown | Refusal::Closing => Code::SessionExpired,
            Refusal::Moved => Code::SessionMoved,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Session {
    timeout: SimDuration,
    owner: Option<Owner>,
    closing: bool,
    bucket_ms: Option<u64>,
}

/// The leader's view of sessions. Volatile: built anew from the replicated table by each leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionTracker {
    tick_ms: u64,
    next_sweep_ms: u64,
    sessions: BTreeMap<SessionId, Session>,
    buckets: BTreeMap<u64, BTreeSet<SessionId>>,
}

const fn millis(now: Monotonic) -> u64 {
    now.as_nanos() / 1_000_000
}

impl SessionTracker {
    /// A new leader's: each session of the table gets its full time-out from `now`, no owner.
    pub fn new(
        tick: SimDuration,
        now: Monotonic,
        table: impl IntoIterator<Item = (SessionId, SimDuration)>,
    ) -> SessionTracker {
        assert!(0 < tick.as_millis(), "the tick is at least a millisecond");
        let mut tracker = SessionTracker {
            tick_ms: tick.as_millis(),
            next_sweep_ms: 0,
            sessions: BTreeMap::new(),
            buckets: BTreeMap::new(),
        };
        tracker.next_sweep_ms = tracker.grid(millis(now));
        for (session, timeout) in table {
            tracker.track(session, timeout, now);
        }
        tracker
    }

    /// The grid point after `ms`: where what is due at `ms` expires.
    const fn grid(&self, ms: u64) -> u64 {
        (ms / self.tick_ms + 1) * self.tick_ms
    }

    /// Begins to track a session; from then on its expiry runs. Known ones are touched.
    pub fn track(&mut self, session: SessionId, timeout: SimDuration, now: Monotonic) {
        let new = Session { timeout, owner: None, closing: false, bucket_ms: None };
        self.sessions.entry(session).or_insert(new);
        self.enter_bucket(session, timeout, now);
    }

    /// The session is alive at `now`, for `timeout` more. False: unknown or closing.
    pub fn touch(&mut self, session: SessionId, timeout: SimDuration, now: Monotonic) -> bool {
        match self.sessions.get(&session) {
            None | Some(Session { closing: true, .. }) => false,
            Some(_) => {
                self.enter_bucket(session, timeout, now);
                true
            }
        }
    }

    /// [`SessionTracker::touch`] for what the table says of its time-out: a request or ping on a
    /// connection of the leader.
    pub fn touch_local(&mut self, session: SessionId, now: Monotonic) -> bool {
        let Some(timeout) = self.sessions.get(&session).map(|known| known.timeout) else {
            return false;
        };
        self.touch(session, timeout, now)
    }

    /// May `session` speak through `owner`? A session without owner takes this one.
    ///
    /// # Errors
    /// Unknown, closing, or owned by another.
    pub fn check(&mut self, session: SessionId, owner: Owner) -> Result<(), Refusal> {
        let known = self.sessions.get_mut(&session).ok_or(Refusal::Unknown)?;
        if known.closing {
            return Err(Refusal::Closing);
        }
        match known.owner {
            Some(holder) if holder != owner => Err(Refusal::Moved),
            Some(_) => Ok(()),
            None => {
                known.owner = Some(owner);
                Ok(())
            }
        }
    }

    /// The session reconnected through `owner`. Ignored if it is unknown or closing.
    pub fn set_owner(&mut self, session: SessionId, owner: Owner) {
        if let Some(known) = self.sessions.get_mut(&session).filter(|known| !known.closing) {
            known.owner = Some(owner);
        }
    }

    /// Its closeSession is under way: no more touches.
    pub fn set_closing(&mut self, session: SessionId) {
        if let Some(known) = self.sessions.get_mut(&session) {
            known.closing = true;
        }
    }

    /// Its closeSession was applied.
    pub fn remove(&mut self, session: SessionId) {
        if let Some(known) = self.sessions.remove(&session) {
            self.leave_bucket(session, known.bucket_ms);
        }
    }

    /// How long until [`SessionTracker::sweep`] has something to do. Zero: now.
    pub fn until_sweep(&self, now: Monotonic) -> SimDuration {
        let due = SimDuration::from_millis(self.next_sweep_ms);
        due.saturating_sub(SimDuration::from_nanos(now.as_nanos()))
    }

    /// Takes one bucket whose grid point has come: its sessions are closing from here on, and the
    /// caller submits a closeSession for each. To be called again until `until_sweep` is positive:
    /// after a pause every missed bucket is taken in turn.
    pub fn sweep(&mut self, now: Monotonic) -> Vec<SessionId> {
        if millis(now) < self.next_sweep_ms {
            return Vec::new();
        }
        let due = self.buckets.remove(&self.next_sweep_ms).unwrap_or_default();
        self.next_sweep_ms += self.tick_ms;
        for session in &due {
            let known = self.sessions.get_mut(session).expect("a bucket holds known sessions");
            known.bucket_ms = None;
            known.closing = true;
        }
        due.into_iter().collect()
    }

    /// The grid point at which a session expires unless touched, in ms of the leader's clock.
    pub fn expires_at_ms(&self, session: SessionId) -> Option<u64> {
        self.sessions.get(&session)?.bucket_ms
    }

    fn enter_bucket(&mut self, session: SessionId, timeout: SimDuration, now: Monotonic) {
        let due_ms = self.grid(millis(now) + timeout.as_millis());
        let known = self.sessions.get_mut(&session).expect("only known sessions have a bucket");
        let before = known.bucket_ms.replace(due_ms);
        if before != Some(due_ms) {
            self.leave_bucket(session, before);
            self.buckets.entry(due_ms).or_default().insert(session);
        }
    }

    fn leave_bucket(&mut self, session: SessionId, bucket_ms: Option<u64>) {
        let Some(due_ms) = bucket_ms else { return };
        let bucket = self.buckets.get_mut(&due_ms).expect("a session's bucket is there");
        bucket.remove(&session);
        if bucket.is_empty() {
            self.buckets.remove(&due_ms);
        }
    }
}

/// What a learner has heard of its clients since the leader's last ping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TouchTable {
    touched: BTreeMap<SessionId, SimDuration>,
}

impl TouchTable {
    /// A request or ping of a client here, or an applied createSession of any client. A learner
    /// knows nothing of expiry: it believes every id.
    pub fn touch(&mut self, session: SessionId, timeout: SimDuration) {
        self.touched.insert(session, timeout);
    }

    /// Its closeSession was applied.
    pub fn remove(&mut self, session: SessionId) {
        self.touched.remove(&session);
    }

    /// The report for the reply to a leader's ping; the table is empty afterwards.
    pub fn take(&mut self) -> Vec<(SessionId, SimDuration)> {
        std::mem::take(&mut self.touched).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TICK: SimDuration = SimDuration::from_secs(2);
    const TEN: SimDuration = SimDuration::from_secs(10);
    const S: SessionId = SessionId(1);

    fn ms(ms: u64) -> Monotonic {
        Monotonic::from_nanos(ms * 1_000_000)
    }

    fn tracker(now_ms: u64) -> SessionTracker {
        SessionTracker::new(TICK, ms(now_ms), [(S, TEN)])
    }

    #[test]
    fn expiry_is_rounded_up_to_the_grid() {
        // (last touch, grid point): ((now + T) / tick + 1) * tick
        let rows = [(0, 12_000), (1, 12_000), (1_999, 12_000), (2_000, 14_000), (2_001, 14_000)];
        for (touch_ms, expires_ms) in rows {
            let mut tracker = tracker(0);
            assert!(tracker.touch(S, TEN, ms(touch_ms)));
            assert_eq!(tracker.expires_at_ms(S), Some(expires_ms), "touched at {touch_ms}");
        }
    }

    /// The measured case: T = 4 s, a leader that came up at 10.56 s with tick 2 s.
    #[test]
    fn a_new_leader_gives_every_session_its_full_time_out() {
        let four = SimDuration::from_secs(4);
        let tracker = SessionTracker::new(TICK, ms(10_560), [(S, four)]);
        assert_eq!(tracker.expires_at_ms(S), Some(16_000)); // the grid of that host's clock
        assert_eq!(tracker.until_sweep(ms(10_560)), SimDuration::from_millis(1_440));
    }

    #[test]
    fn a_paused_leader_catches_up_bucket_by_bucket() {
        let late = SessionId(2);
        let mut tracker = tracker(0);
        tracker.track(late, TEN, ms(2_500)); // due at 14 s
        let mut swept = Vec::new();
        while tracker.until_sweep(ms(15_000)).is_zero() {
            swept.push(tracker.sweep(ms(15_000)));
        }
        let told: Vec<_> = swept.into_iter().filter(|bucket| !bucket.is_empty()).collect();
        assert_eq!(told, [vec![S], vec![late]]);
        assert!(!tracker.touch(S, TEN, ms(15_000)));
        assert_eq!(tracker.until_sweep(ms(15_000)), SimDuration::from_millis(1_000));
    }

    /// The rows of the reference, section 13.5.
    #[test]
    fn who_may_speak() {
        let (one, other) = (Owner::Handler(1), Owner::Handler(2));
        let mut tracker = tracker(0);
        assert_eq!(tracker.check(SessionId(9), one), Err(Refusal::Unknown));
        assert_eq!(tracker.check(S, one), Ok(())); // owner none: taken
        assert_eq!(tracker.check(S, other), Err(Refusal::Moved));
        tracker.set_owner(S, other);
        assert_eq!(tracker.check(S, one), Err(Refusal::Moved));
        assert_eq!(tracker.check(S, other), Ok(()));
        tracker.set_closing(S);
        tracker.set_owner(S, one);
        assert_eq!(tracker.check(S, one), Err(Refusal::Closing));
        assert!(!tracker.touch_local(S, ms(1)));
        tracker.remove(S);
        assert_eq!(tracker.check(S, one), Err(Refusal::Unknown));
        assert_eq!(tracker.expires_at_ms(S), None);
    }

    #[test]
    fn a_learner_reports_each_touch_once() {
        let mut table = TouchTable::default();
        table.touch(S, TEN);
        table.touch(S, TEN);
        table.touch(SessionId(2), TEN);
        table.remove(SessionId(2));
        assert_eq!(table.take(), [(S, TEN)]);
        assert_eq!(table.take(), []);
    }

    proptest! {
        /// E5: an expiry comes in (T, T + tick] after the last touch, whatever the touches were,
        /// and never before a touch that was granted.
        #[test]
        fn expiry_lies_within_a_tick_after_the_time_out(
            start_ms in 0_u64..10_000,
            tick_ms in 1_u64..4_000,
            timeout_ms in 1_u64..20_000,
            gaps in prop::collection::vec(0_u64..30_000, 0..20),
        ) {
            let (tick, timeout) =
                (SimDuration::from_millis(tick_ms), SimDuration::from_millis(timeout_ms));
            let mut tracker = SessionTracker::new(tick, ms(start_ms), [(S, timeout)]);
            let (mut last_ms, mut now_ms) = (start_ms, start_ms);
            let mut expired_ms = None;
            for gap in gaps.into_iter().chain([timeout_ms + 2 * tick_ms]) {
                let until_ms = now_ms + gap;
                loop {
                    let due = tracker.until_sweep(ms(now_ms)).as_millis();
                    if until_ms < now_ms + due {
                        break;
                    }
                    now_ms += due;
                    if tracker.sweep(ms(now_ms)) == [S] {
                        prop_assert_eq!(expired_ms, None);
                        expired_ms = Some(now_ms);
                    }
                }
                now_ms = until_ms;
                let alive = tracker.touch(S, timeout, ms(now_ms));
                prop_assert_eq!(alive, expired_ms.is_none());
                if alive {
                    last_ms = now_ms;
                }
            }
            let expired_ms = expired_ms.expect("the last gap is longer than any life");
            prop_assert!(last_ms + timeout_ms < expired_ms);
            prop_assert!(expired_ms <= last_ms + timeout_ms + tick_ms);
        }
    }
}
