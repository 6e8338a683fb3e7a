//! Quorum call: one question to every journal, and when enough answers are in.
//!
//! Here: counting, the deadline, the slices of the wait, making up for an own pause.
//! Never here: what is asked, timers (the caller passes readings of its clock in).
//! Modelled on: Hadoop `qjournal/client/QuorumCall.java`, `AsyncLoggerSet.waitForWriteQuorum`
//! (3.4.1, 3.3.6).

use super::LoggerId;
use crate::engine::time::{Monotonic, SimDuration};

/// `WAIT_PROGRESS_INFO_THRESHOLD`: the first look-around of a wait, and the shortest pause that
/// counts, in per cent of the time-out.
const PROGRESS_FIRST_PERCENT: u64 = 30;
/// `WAIT_PROGRESS_INTERVAL_MILLIS`: later look-arounds.
const PROGRESS_INTERVAL: SimDuration = SimDuration::from_millis(1_000);
/// Java waits in whole milliseconds, at least one.
const WAIT_MIN: SimDuration = SimDuration::from_millis(1);

/// When a call is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// So many answers of any kind end it.
    pub responses: usize,
    /// So many successes end it, and are needed for its success.
    pub successes: usize,
    /// *More* than so many failures end it.
    pub failures_max: usize,
}

/// `getMajoritySize`; of an even set, more than half.
pub const fn majority(loggers: usize) -> usize {
    loggers / 2 + 1
}

impl Need {
    /// `waitForWriteQuorum`.
    pub const fn write_quorum(loggers: usize) -> Need {
        let majority = majority(loggers);
        Need { responses: loggers, successes: majority, failures_max: majority }
    }

    /// Format and its like: every journal must agree.
    pub const fn all(loggers: usize) -> Need {
        Need { responses: loggers, successes: loggers, failures_max: 0 }
    }
}

/// What a look at the call says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Look again after this span, or at the next answer.
    Wait(SimDuration),
    /// Enough successes.
    Reached,
    /// It is over without them.
    TooManyFailures,
    /// Its time is up.
    TimedOut,
}

/// One question to every journal.
#[derive(Clone, Debug)]
pub struct QuorumCall<T, F> {
    need: Need,
    timeout: SimDuration,
    deadline: Monotonic,
    look_next: Monotonic,
    wait_from: Monotonic,
    wait_planned: SimDuration,
    answers: Vec<Option<Result<T, F>>>,
}

impl<T, F> QuorumCall<T, F> {
    /// Asked now; the caller looks at it at once.
    pub fn asked(
        loggers: usize,
        need: Need,
        timeout: SimDuration,
        now: Monotonic,
    ) -> QuorumCall<T, F> {
        assert!(0 < loggers, "a quorum of nobody");
        QuorumCall {
            need,
            timeout,
            deadline: now + timeout,
            look_next: now + timeout.scaled(PROGRESS_FIRST_PERCENT, 100),
            wait_from: now,
            wait_planned: SimDuration::ZERO,
            answers: std::iter::repeat_with(|| None).take(loggers).collect(),
        }
    }

    /// A journal answered; each answers once.
    pub fn answer(&mut self, from: LoggerId, answer: Result<T, F>) {
        let place = &mut self.answers[from.index()];
        assert!(place.is_none(), "two answers of one journal to one call");
        *place = Some(answer);
    }

    /// The successes so far, by journal.
    pub fn successes(&self) -> impl Iterator<Item = (LoggerId, &T)> {
        (0..).map(LoggerId).zip(&self.answers).filter_map(|(logger, answer)| match answer {
            Some(Ok(success)) => Some((logger, success)),
            Some(Err(_)) | None => None,
        })
    }

    /// The failures so far, by journal.
    pub fn failures(&self) -> impl Iterator<Item = (LoggerId, &F)> {
        (0..).map(LoggerId).zip(&self.answers).filter_map(|(logger, answer)| match answer {
            Some(Err(failure)) => Some((logger, failure)),
            Some(Ok(_)) | None => None,
        })
    }

    /// `waitFor`, from one wake-up to the next: an answer came or the wait is over.
    pub fn look(&mut self, now: Monotonic) -> Verdict {
        self.make_up_for_pause(now, self.wait_planned);
        let successes = self.successes().count();
        let failures = self.failures().count();
        let enough = self.need.responses <= successes + failures
            || self.need.successes <= successes
            || self.need.failures_max < failures;
        if enough {
            return if self.need.successes <= successes {
                Verdict::Reached
            } else {
                Verdict::TooManyFailures
            };
        }

        if self.look_next < now {
            self.look_next = now + PROGRESS_INTERVAL;
        }
        if self.deadline <= now {
            return Verdict::TimedOut;
        }
        let slice = self.deadline.since(now).min(self.look_next.since(now)).max(WAIT_MIN);
        self.wait_from = now;
        self.wait_planned = slice;
        Verdict::Wait(slice)
    }

    /// A wait that lasted much longer than planned was a pause of this process: the deadline
    /// moves by the length of the pause.
    fn make_up_for_pause(&mut self, now: Monotonic, planned: SimDuration) {
        let pause = now.since(self.wait_from).saturating_sub(planned);
        if self.timeout.scaled(PROGRESS_FIRST_PERCENT, 100) < pause {
            self.deadline = self.deadline + pause;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDITS: SimDuration = SimDuration::from_secs(20);

    fn at(ms: u64) -> Monotonic {
        Monotonic::from_nanos(ms * 1_000_000)
    }

    fn asked(loggers: usize) -> QuorumCall<(), ()> {
        QuorumCall::asked(loggers, Need::write_quorum(loggers), EDITS, at(0))
    }

    /// Looks at every due moment until the verdict; gives it with its millisecond.
    fn settle(call: &mut QuorumCall<(), ()>, mut now_ms: u64) -> (Verdict, u64) {
        loop {
            match call.look(at(now_ms)) {
                Verdict::Wait(slice) => now_ms += slice.as_millis(),
                verdict @ (Verdict::Reached | Verdict::TooManyFailures | Verdict::TimedOut) => {
                    return (verdict, now_ms);
                }
            }
        }
    }

    /// Answers in order: true is a success. The verdict once all are in, if there is one.
    fn after(loggers: usize, answers: &[bool]) -> Option<Verdict> {
        let mut call = asked(loggers);
        for (logger, ok) in (0..).zip(answers) {
            call.answer(LoggerId(logger), if *ok { Ok(()) } else { Err(()) });
        }
        match call.look(at(1)) {
            Verdict::Wait(_) => None,
            verdict @ (Verdict::Reached | Verdict::TooManyFailures | Verdict::TimedOut) => {
                Some(verdict)
            }
        }
    }

    /// hdfs-ha.md S8, S9: two of three failed and one acknowledged is three answers, at once;
    /// two failed and one silent waits; of five, four failures or five answers end it.
    #[test]
    fn failures_end_a_call_only_above_the_majority_or_when_all_have_answered() {
        assert_eq!(after(3, &[false, false, true]), Some(Verdict::TooManyFailures));
        assert_eq!(after(3, &[false, false]), None);
        assert_eq!(after(3, &[true, true]), Some(Verdict::Reached));
        assert_eq!(after(5, &[false, false, false]), None);
        assert_eq!(after(5, &[false, false, false, false]), Some(Verdict::TooManyFailures));
        assert_eq!(after(5, &[false, false, false, true, true]), Some(Verdict::TooManyFailures));
        assert_eq!(after(2, &[true]), None); // an even set needs more than half
        assert_eq!(after(4, &[true, true]), None);
        assert_eq!(after(4, &[true, true, true]), Some(Verdict::Reached));
        assert_eq!(after(1, &[true]), Some(Verdict::Reached));
    }

    #[test]
    fn a_silent_journal_holds_two_failures_for_the_whole_time_out() {
        let mut call = asked(3);
        call.answer(LoggerId(0), Err(()));
        call.answer(LoggerId(1), Err(()));
        assert_eq!(settle(&mut call, 0), (Verdict::TimedOut, 20_000));
    }

    #[test]
    fn the_wait_is_sliced_at_30_percent_and_then_every_second() {
        let mut call = asked(3);
        assert_eq!(call.look(at(0)), Verdict::Wait(SimDuration::from_secs(6)));
        assert_eq!(call.look(at(6_000)), Verdict::Wait(WAIT_MIN));
        assert_eq!(call.look(at(6_001)), Verdict::Wait(SimDuration::from_secs(1)));
        assert_eq!(call.look(at(7_001)), Verdict::Wait(WAIT_MIN));
    }

    /// hdfs-ha.md S22, 1.6: only a pause above 6 s of 20 s counts, and by its own length.
    #[test]
    fn a_pause_of_the_writer_moves_the_deadline_by_its_length_if_it_is_long() {
        let mut long = asked(3);
        assert_eq!(long.look(at(0)), Verdict::Wait(SimDuration::from_secs(6)));
        assert_eq!(settle(&mut long, 16_000), (Verdict::TimedOut, 30_000)); // slept 10 s too long
        let mut short = asked(3);
        assert_eq!(short.look(at(0)), Verdict::Wait(SimDuration::from_secs(6)));
        assert_eq!(settle(&mut short, 11_900), (Verdict::TimedOut, 20_000));
        let mut beyond = asked(3);
        assert_eq!(beyond.look(at(0)), Verdict::Wait(SimDuration::from_secs(6)));
        assert_eq!(settle(&mut beyond, 66_000), (Verdict::TimedOut, 80_000));
    }

    #[test]
    fn format_needs_every_journal_and_fails_with_the_first_failure() {
        let mut call: QuorumCall<(), ()> = QuorumCall::asked(3, Need::all(3), EDITS, at(0));
        call.answer(LoggerId(0), Ok(()));
        call.answer(LoggerId(1), Ok(()));
        assert!(matches!(call.look(at(1)), Verdict::Wait(_)));
        call.answer(LoggerId(2), Err(()));
        assert_eq!(call.look(at(2)), Verdict::TooManyFailures);
    }
}
