//! Edit log tailer: when a standby asks the active to roll, and how long it sleeps.
//!
//! Here: the rules of one round.
//! Never here: reading edits, RPCs, timers.
//! Modelled on: Hadoop `EditLogTailer.EditLogTailerThread.doWork` (3.4.1).

use crate::engine::time::{Monotonic, SimDuration};

/// What the operator said.
#[derive(Clone, Copy, Debug)]
pub struct TailerOptions {
    /// `dfs.ha.tail-edits.period`.
    pub period: SimDuration,
    /// `dfs.ha.tail-edits.period.backoff-max`; zero: no back-off.
    pub backoff_max: SimDuration,
    /// `dfs.ha.log-roll.period`; none: never roll.
    pub roll_period: Option<SimDuration>,
}

/// What one tailer remembers.
#[derive(Clone, Copy, Debug)]
pub struct Tailer {
    options: TailerOptions,
    last_roll: Monotonic,
    /// `lastLoadedTxnId` when a roll was last asked for with success.
    last_roll_trigger: Option<u64>,
    /// `lastLoadedTxnId`: none before the first round.
    last_loaded: Option<u64>,
    sleep: SimDuration,
}

impl Tailer {
    /// A tailer as it enters the standby state.
    pub const fn new(options: TailerOptions, now: Monotonic) -> Tailer {
        Tailer {
            options,
            last_roll: now,
            last_roll_trigger: None,
            last_loaded: None,
            sleep: options.period,
        }
    }

    /// Whether this round asks the active to roll: long since the last roll, and something was
    /// read since then.
    pub fn wants_roll(&self, now: Monotonic) -> bool {
        let Some(period) = self.options.roll_period else { return false };
        period < now.since(self.last_roll) && self.last_roll_trigger < self.last_loaded
    }

    /// The active has rolled. (A failure is tried again in the next round.)
    pub const fn rolled(&mut self, now: Monotonic) {
        self.last_roll = now;
        self.last_roll_trigger = self.last_loaded;
    }

    /// The round has read `edits` edits, up to `last`: how long to sleep.
    pub fn tailed(&mut self, edits: u64, last: u64) -> SimDuration {
        self.last_loaded = Some(last);
        self.sleep = if 0 < edits || self.options.backoff_max.is_zero() {
            self.options.period
        } else {
            self.sleep.max(SimDuration::from_millis(1)).times(2).min(self.options.backoff_max)
        };
        self.sleep
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOCK: TailerOptions = TailerOptions {
        period: SimDuration::from_secs(60),
        backoff_max: SimDuration::ZERO,
        roll_period: Some(SimDuration::from_secs(120)),
    };

    fn at(millis: u64) -> Monotonic {
        Monotonic::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn the_roll_comes_in_every_second_round() {
        let mut tailer = Tailer::new(STOCK, at(0));
        let mut rolls = Vec::new();
        let mut last = 0;
        for round in 0..7_u64 {
            let now = at(round * 60_010); // a round's own work is not subtracted
            if tailer.wants_roll(now) {
                rolls.push(round);
                tailer.rolled(now);
                last += 2; // what the roll itself writes
            }
            assert_eq!(tailer.tailed(1, last), SimDuration::from_secs(60));
        }
        assert_eq!(rolls, [2, 4, 6]);
    }

    #[test]
    fn exactly_the_period_is_not_yet_longer_than_it() {
        let mut tailer = Tailer::new(STOCK, at(0));
        tailer.tailed(1, 10);
        assert!(!tailer.wants_roll(at(120_000)));
        assert!(tailer.wants_roll(at(120_001)));
    }

    #[test]
    fn nothing_read_since_the_last_roll_no_roll() {
        let mut tailer = Tailer::new(STOCK, at(0));
        assert!(!tailer.wants_roll(at(500_000)), "nothing read at all");
        tailer.tailed(5, 10);
        assert!(tailer.wants_roll(at(500_000)));
        tailer.rolled(at(500_000));
        tailer.tailed(0, 10);
        assert!(!tailer.wants_roll(at(900_000)));
        tailer.tailed(1, 11);
        assert!(tailer.wants_roll(at(900_000)));
    }

    #[test]
    fn empty_polls_double_the_sleep_up_to_the_maximum() {
        let period = SimDuration::ZERO;
        let options = TailerOptions { period, backoff_max: SimDuration::from_millis(10), ..STOCK };
        let mut tailer = Tailer::new(options, at(0));
        let sleeps: Vec<_> = (0..4).map(|_| tailer.tailed(0, 1).as_millis()).collect();
        assert_eq!(sleeps, [2, 4, 8, 10]);
        assert_eq!(tailer.tailed(3, 4), SimDuration::ZERO);
    }
}
