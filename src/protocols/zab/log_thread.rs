//! Log thread: appends, makes durable in batches, and says what is durable.
//!
//! Here: the queue, the batch under way, when the log is rolled.
//! Never here: to whom an acknowledgement goes.
//! Modelled on: 3.8.4 `SyncRequestProcessor` (flushDelay 0): what arrives during one fsync is the
//! next batch.

use std::collections::VecDeque;

use super::interface::Logged;
use super::types::Zxid;

/// `SyncRequestProcessor`. Volatile.
#[derive(Clone, Debug)]
pub struct LogThread<T> {
    queue: VecDeque<Logged<T>>,
    /// `toFlush` of the fsync under way.
    flushing: Vec<Zxid>,
    /// Counts on over elections, as upstream's per-process counter does.
    appended_since_roll: u64,
    roll_after: u64,
    batch_max: usize,
}

/// What the thread does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<T> {
    /// Append these, then ask for the fsync.
    pub append: Vec<Logged<T>>,
    /// Begin a new file after them and take a snapshot.
    pub roll: bool,
}

impl<T: Clone> LogThread<T> {
    /// Rolls first after more than `roll_after` transactions; makes `batch_max` durable at once.
    pub const fn new(roll_after: u64, batch_max: usize) -> LogThread<T> {
        LogThread {
            queue: VecDeque::new(),
            flushing: Vec::new(),
            appended_since_roll: 0,
            roll_after,
            batch_max,
        }
    }

    /// The next roll: `snapCount / 2` plus a draw below that.
    pub const fn set_roll_after(&mut self, transactions: u64) {
        self.roll_after = transactions;
    }

    /// Queues a transaction.
    pub fn submit(&mut self, logged: Logged<T>) {
        self.queue.push_back(logged);
    }

    /// Begins the next batch, unless an fsync is under way or nothing waits.
    pub fn next_batch(&mut self) -> Option<Batch<T>> {
        if !self.flushing.is_empty() || self.queue.is_empty() {
            return None;
        }
        let size = self.queue.len().min(self.batch_max);
        let append: Vec<Logged<T>> = self.queue.drain(..size).collect();
        self.flushing = append.iter().map(|logged| logged.zxid).collect();
        Some(Batch { roll: self.count(append.len()), append })
    }

    /// Whether everything submitted is durable.
    pub fn idle(&self) -> bool {
        self.flushing.is_empty() && self.queue.is_empty()
    }

    /// The fsync is done: these are durable.
    pub fn flushed(&mut self) -> Vec<Zxid> {
        std::mem::take(&mut self.flushing)
    }

    /// The leader's shutdown joins the thread: what is left, to append and make durable.
    pub fn drain(&mut self) -> Vec<Logged<T>> {
        self.flushing.clear();
        let rest: Vec<Logged<T>> = self.queue.drain(..).collect();
        self.count(rest.len());
        rest
    }

    /// The learner's shutdown does not stop the thread; it dies when it acknowledges the batch
    /// under way on the closed socket (ZOOKEEPER-4712), so its queue is never appended.
    pub fn die(&mut self) {
        self.flushing.clear();
        self.queue.clear();
    }

    /// A cut log goes on in a new file.
    pub const fn rolled(&mut self) {
        self.appended_since_roll = 0;
    }

    fn count(&mut self, appended: usize) -> bool {
        self.appended_since_roll += appended as u64;
        let roll = self.roll_after < self.appended_since_roll;
        if roll {
            self.appended_since_roll = 0;
        }
        roll
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(n: u64) -> Logged<()> {
        Logged { zxid: Zxid(n), txn: () }
    }

    #[test]
    fn what_arrives_during_one_fsync_is_the_next_batch() {
        let mut thread = LogThread::new(1_000, 1_000);
        thread.submit(logged(1));
        assert_eq!(thread.next_batch().map(|batch| batch.append.len()), Some(1));
        for n in 2..=4 {
            thread.submit(logged(n));
            assert_eq!(thread.next_batch(), None);
        }
        assert_eq!(thread.flushed(), [Zxid(1)]);
        assert_eq!(thread.next_batch().map(|batch| batch.append.len()), Some(3));
        assert_eq!(thread.flushed(), [Zxid(2), Zxid(3), Zxid(4)]);
        assert!(thread.idle());
    }

    #[test]
    fn the_log_rolls_once_more_than_so_many_transactions_lie_in_it() {
        let mut thread = LogThread::new(2, 1_000);
        let rolls: Vec<bool> = (1..=4)
            .map(|n| {
                thread.submit(logged(n));
                let batch = thread.next_batch().expect("idle");
                thread.flushed();
                batch.roll
            })
            .collect();
        assert_eq!(rolls, [false, false, true, false]);
    }
}
