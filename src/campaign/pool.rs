//! Pool: whole runs on many threads, their records in the order of their numbers.
//!
//! Here: threads, a stop flag, and what becomes of a run that panics.
//! Never here: two threads in a run; a result that depends on who was first.
//! Modelled on: rayon; madsim's test runner.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;

/// How a campaign is carried out; none of it may move a result.
pub struct Pool<'a> {
    /// Threads; none: one for each core.
    pub jobs: Option<NonZeroUsize>,
    /// Told the number of runs done, from any thread.
    pub progress: &'a (dyn Fn(usize) + Sync),
    /// Set by Ctrl-C: no further run is begun.
    pub stop: &'a AtomicBool,
}

/// A run ended in our own assertion.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("run {index} panicked: {message}")]
pub struct Panicked {
    /// Its number.
    pub index: usize,
    /// What it said.
    pub message: String,
}

impl Pool<'_> {
    /// Runs `0..count`; what was finished before a stop, up to the first gap.
    ///
    /// # Errors
    /// The first run, by number, that panicked.
    ///
    /// # Panics
    /// If the operating system starts no threads.
    pub fn run<T: Send>(
        &self,
        count: usize,
        run: impl Fn(usize) -> T + Sync,
    ) -> Result<Vec<T>, Panicked> {
        let threads = self.jobs.map_or(0, NonZeroUsize::get);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.expect("the operating system starts threads");
        let (done, broken) = (AtomicUsize::new(0), AtomicBool::new(false));
        let one = |index: usize| {
            if self.stop.load(Ordering::Relaxed) || broken.load(Ordering::Relaxed) {
                return None;
            }
            let outcome = catch_unwind(AssertUnwindSafe(|| run(index)));
            (self.progress)(done.fetch_add(1, Ordering::Relaxed) + 1);
            Some(outcome.map_err(|cause| {
                broken.store(true, Ordering::Relaxed);
                Panicked { index, message: said(cause.as_ref()) }
            }))
        };
        let all: Vec<_> =
            pool.install(|| (0..count).into_par_iter().with_max_len(1).map(one).collect());
        if let Some(Err(panicked)) = all.iter().flatten().find(|one| one.is_err()) {
            return Err(panicked.clone());
        }
        all.into_iter().map_while(|one| one).collect()
    }
}

fn said(cause: &(dyn std::any::Any + Send)) -> String {
    let text = cause.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| cause.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no words".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(jobs: usize, stop: &AtomicBool) -> Pool<'_> {
        Pool { jobs: NonZeroUsize::new(jobs), progress: &|_| {}, stop }
    }

    #[test]
    fn records_lie_by_number_on_any_number_of_threads() {
        let go = AtomicBool::new(false);
        let slow_first = |n: usize| (0..(100 - n) * 1_000).fold(n, |a, b| a.max(b % 2));
        let one = pool(1, &go).run(100, slow_first);
        assert_eq!(one, pool(5, &go).run(100, slow_first));
        assert_eq!(one, Ok((0..100).map(|n| n.max(1)).collect()));
    }

    #[test]
    fn a_stop_keeps_a_prefix() {
        let stop = AtomicBool::new(false);
        let run = |n: usize| {
            stop.fetch_or(10 <= n, Ordering::Relaxed);
            n
        };
        let done = pool(1, &stop).run(100, run).expect("nothing panics");
        assert!(done.iter().copied().eq(0..done.len()) && done.len() <= 100);
    }

    #[test]
    fn a_panic_names_its_run() {
        let go = AtomicBool::new(false);
        let run = |n: usize| assert!(n != 3, "time ran backwards");
        let panicked = pool(1, &go).run(4, run).expect_err("it panics");
        assert_eq!(panicked.to_string(), "run 3 panicked: time ran backwards");
    }
}
