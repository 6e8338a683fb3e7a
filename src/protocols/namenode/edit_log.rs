//! Edit log: transaction ids, the pending queue and the group commit of the sync thread.
//!
//! Here: the order of edits, what one flush takes, who is answered after it, the queue's limit.
//! Never here: journals, the network, what an edit says.
//! Modelled on: Hadoop `FSEditLogAsync`, `FSEditLog.beginTransaction/logSync`,
//! `EditsDoubleBuffer` (3.4.1).
//! Left out: the 8-permit semaphore of callers without the monitor: in 3.4.1 every caller of
//! `logEdit` holds it, and the namespace lock with it, so that one caller at a time waits.

use std::collections::VecDeque;

/// `QuorumJournalManager.outputBufferCapacity`: a buffer that holds so many bytes is synced
/// although edits are still queued.
pub const BUFFER_CAPACITY_BYTES: u64 = 512 * 1024;

/// The queue is full: the caller waits, with its locks, until the running flush has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueFull;

#[derive(Clone, Copy, Debug)]
enum Entry<E, W> {
    Edit {
        edit: E,
        bytes: u32,
        waiter: Option<W>,
    },
    /// `logSyncAll`: all that lies before it is durable when its caller goes on.
    Barrier {
        waiter: W,
    },
}

/// What one flush carries: the ready half of the double buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<E> {
    /// Transaction id of the first edit; of the next one if there are none.
    pub first: u64,
    /// In order; empty when only a barrier asked for the flush.
    pub edits: Vec<E>,
    /// Together.
    pub bytes: u64,
}

/// The log of a NameNode that may write. `E` is an edit, `W` whom to tell when it is durable.
#[derive(Clone, Debug)]
pub struct EditLog<E, W> {
    queue_limit: usize,
    queue: VecDeque<Entry<E, W>>,
    /// `txid`: the last one given out.
    last: u64,
    /// `synctxid`: the last one that is durable.
    synced: u64,
    /// Of the batch under way, in order; none while the sync thread is idle.
    flushing: Option<(u64, Vec<W>)>,
    /// First transaction of the open segment.
    segment_first: Option<u64>,
}

impl<E: Clone, W: Copy> EditLog<E, W> {
    /// A log whose next transaction is the one after `last`; `queue_limit` edits may be pending.
    pub fn open_after(last: u64, queue_limit: usize) -> EditLog<E, W> {
        assert!(0 < queue_limit);
        EditLog {
            queue_limit,
            queue: VecDeque::new(),
            last,
            synced: last,
            flushing: None,
            segment_first: None,
        }
    }

    /// The last transaction id given out.
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// The last transaction id that every required journal holds.
    pub const fn synced(&self) -> u64 {
        self.synced
    }

    /// Edits that wait for a flush (metric PendingEditsCount).
    pub fn pending(&self) -> usize {
        self.queue.len()
    }

    /// The open segment's first transaction.
    pub const fn segment_first(&self) -> Option<u64> {
        self.segment_first
    }

    /// `getCurSegmentTxId` against `lastWritten`: how many transactions the open segment holds.
    pub fn segment_transactions(&self) -> u64 {
        self.segment_first.map_or(0, |first| self.last + 1 - first)
    }

    /// A segment begins with the next transaction.
    pub fn segment_started(&mut self) {
        assert!(self.segment_first.is_none(), "a segment is open");
        self.segment_first = Some(self.last + 1);
    }

    /// The open segment is finalized; gives its first and last transaction.
    pub fn segment_ended(&mut self) -> (u64, u64) {
        let first = self.segment_first.take().expect("a segment is open");
        (first, self.last)
    }

    /// `logEdit`: gives the next transaction id and queues the edit made for it, both under the
    /// monitor of the log.
    ///
    /// # Errors
    /// So many edits are pending that the caller must wait.
    pub fn enqueue(
        &mut self,
        bytes: u32,
        waiter: Option<W>,
        make: impl FnOnce(u64) -> E,
    ) -> Result<u64, QueueFull> {
        if !self.has_room(1) {
            return Err(QueueFull);
        }
        self.last += 1;
        let edit = make(self.last);
        self.queue.push_back(Entry::Edit { edit, bytes, waiter });
        Ok(self.last)
    }

    /// An edit of the log itself, the start or end of a segment: its writer holds the namespace
    /// lock, so that it may exceed the limit by one.
    pub fn force(&mut self, edit: E, bytes: u32) -> u64 {
        self.last += 1;
        self.queue.push_back(Entry::Edit { edit, bytes, waiter: None });
        self.last
    }

    /// Whether `edits` more may be queued now.
    pub fn has_room(&self, edits: usize) -> bool {
        self.queue.len() + edits <= self.queue_limit
    }

    /// `logSyncAll`: `waiter` hears when all that was queued before is durable. (One caller at a
    /// time, under the namespace lock: it may exceed the limit by one.)
    pub fn barrier(&mut self, waiter: W) {
        self.queue.push_back(Entry::Barrier { waiter });
    }

    /// The sync thread's round: takes edits until the queue is empty, the buffer is full or a
    /// barrier comes. `None`: a flush is under way, or there is nothing to do.
    pub fn take_batch(&mut self) -> Option<Batch<E>> {
        if self.flushing.is_some() || self.queue.is_empty() {
            return None;
        }
        let mut batch = Batch { first: self.synced + 1, edits: Vec::new(), bytes: 0 };
        let mut waiters = Vec::new();
        while batch.bytes < BUFFER_CAPACITY_BYTES {
            match self.queue.pop_front() {
                Some(Entry::Edit { edit, bytes, waiter }) => {
                    batch.edits.push(edit);
                    batch.bytes += u64::from(bytes);
                    waiters.extend(waiter);
                }
                Some(Entry::Barrier { waiter }) => {
                    waiters.push(waiter);
                    break;
                }
                None => break,
            }
        }
        let last = self.synced + batch.edits.len() as u64;
        assert!(last <= self.last, "a batch holds only what was given a transaction id");
        self.flushing = Some((last, waiters));
        Some(batch)
    }

    /// The flush has reached every required journal: whom to tell, in order.
    pub fn flushed(&mut self) -> Vec<W> {
        let (last, waiters) = self.flushing.take().expect("a flush was under way");
        assert!(self.synced <= last);
        self.synced = last;
        waiters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn txid_order_is_queue_order_and_answers_come_after_the_flush() {
        let mut log = EditLog::open_after(100, 4_096);
        assert_eq!(log.enqueue(200, Some('a'), |txid| txid), Ok(101));
        let batch = log.take_batch().unwrap();
        assert_eq!((batch.first, batch.edits), (101, vec![101]));
        log.enqueue(200, Some('b'), |txid| txid).unwrap();
        log.enqueue(200, None, |txid| txid).unwrap();
        log.enqueue(200, Some('c'), |txid| txid).unwrap();
        assert_eq!(log.take_batch(), None, "one flush at a time");
        assert_eq!((log.flushed(), log.synced()), (vec!['a'], 101));
        let batch = log.take_batch().unwrap();
        assert_eq!((batch.first, batch.edits, batch.bytes), (102, vec![102, 103, 104], 600));
        assert_eq!((log.flushed(), log.synced()), (vec!['b', 'c'], 104));
        assert_eq!(log.take_batch(), None);
    }

    #[test]
    fn a_full_queue_turns_callers_away_until_a_batch_is_taken() {
        let mut log: EditLog<u64, ()> = EditLog::open_after(0, 3);
        for _ in 0..3 {
            log.enqueue(1, None, |txid| txid).unwrap();
        }
        assert_eq!(log.enqueue(1, None, |txid| txid), Err(QueueFull));
        assert_eq!(log.last(), 3, "a refused edit consumes no transaction id");
        log.take_batch().unwrap();
        assert_eq!(log.enqueue(1, None, |txid| txid), Ok(4));
    }

    #[test]
    fn a_full_buffer_is_synced_although_edits_wait() {
        let mut log: EditLog<u64, ()> = EditLog::open_after(0, 4_096);
        for _ in 0..10 {
            log.enqueue(200 * 1024, None, |txid| txid).unwrap();
        }
        let mut sizes = Vec::new();
        while let Some(batch) = log.take_batch() {
            sizes.push(batch.edits.len());
            log.flushed();
        }
        assert_eq!(sizes, [3, 3, 3, 1]); // 3 x 200 KB is the first sum of at least 512 KB
    }

    #[test]
    fn a_barrier_ends_its_batch_and_an_empty_one_carries_no_edit() {
        let mut log = EditLog::open_after(0, 10);
        log.enqueue(1, Some(1), |txid| txid).unwrap();
        log.barrier(2);
        log.enqueue(1, Some(3), |txid| txid).unwrap();
        assert_eq!(log.take_batch().unwrap().edits, [1]);
        assert_eq!(log.flushed(), [1, 2]);
        assert_eq!(log.take_batch().unwrap().edits, [2]);
        log.flushed();
        log.barrier(4);
        assert!(log.take_batch().unwrap().edits.is_empty());
        assert_eq!((log.flushed(), log.synced()), (vec![4], 2));
    }

    #[test]
    fn a_segment_counts_its_transactions() {
        let mut log: EditLog<u64, ()> = EditLog::open_after(40, 10);
        log.segment_started();
        assert_eq!(log.segment_transactions(), 0);
        log.enqueue(1, None, |txid| txid).unwrap();
        log.enqueue(1, None, |txid| txid).unwrap();
        assert_eq!((log.segment_transactions(), log.segment_ended()), (2, (41, 42)));
    }

    /// The closed form: flush k starts when flush k-1 has ended and something is there; it takes
    /// exactly what arrived after the start of flush k-1 and not after its own.
    fn batches_by_hand(arrivals: &[u64], flush: u64) -> Vec<(u64, usize)> {
        let (mut batches, mut taken, mut free) = (Vec::new(), 0, 0);
        while taken < arrivals.len() {
            let start = free.max(arrivals[taken]);
            let upto = arrivals.partition_point(|at| *at <= start);
            batches.push((start, upto - taken));
            (taken, free) = (upto, start + flush);
        }
        batches
    }

    proptest! {
        #[test]
        fn a_batch_is_what_arrived_during_the_flush_before(
            mut arrivals in prop::collection::vec(0..2_000_u64, 0..200),
            flush in 1..60_u64,
        ) {
            arrivals.sort_unstable();
            let mut log: EditLog<u64, u64> = EditLog::open_after(0, 4_096);
            let (mut batches, mut ends, mut next) = (Vec::new(), None, 0);
            for now in 0..4_000 + 60 * 200 {
                if ends == Some(now) {
                    log.flushed();
                    ends = None;
                }
                while next < arrivals.len() && arrivals[next] == now {
                    log.enqueue(200, Some(now), |txid| txid).unwrap();
                    next += 1;
                }
                if let Some(batch) = log.take_batch() {
                    batches.push((now, batch.edits.len()));
                    ends = Some(now + flush);
                }
            }
            prop_assert_eq!(batches, batches_by_hand(&arrivals, flush));
        }
    }
}
