//! Cache: the newest edits of one journal in memory, for standbys that tail over RPC.
//!
//! Here: what is kept, what is evicted, what a reader gets.
//! Never here: the disk, what an edit means.
//! Modelled on: Hadoop `qjournal/server/JournaledEditsCache.java` (3.4.1).
//! Left out: layout versions; the search for a batch's middle is by count, not by byte.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Refusal, TxId};

/// One batch as it was written.
#[derive(Clone, Debug)]
struct Batch<E> {
    first: TxId,
    edits: Arc<[E]>,
    bytes: u64,
}

/// A contiguous run of batches that ends at the newest edit.
#[derive(Clone, Debug)]
pub struct Cache<E> {
    capacity_bytes: u64,
    held_bytes: u64,
    batches: VecDeque<Batch<E>>,
}

impl<E: Clone> Cache<E> {
    /// An empty cache.
    pub fn new(capacity_bytes: u64) -> Cache<E> {
        Cache { capacity_bytes, held_bytes: 0, batches: VecDeque::new() }
    }

    fn next(&self) -> Option<TxId> {
        self.batches.back().map(|last| last.first.plus(last.edits.len() as u64))
    }

    /// `storeEdits`: a batch that does not follow on the last one starts the cache anew.
    pub fn store(&mut self, first: TxId, edits: &Arc<[E]>, bytes: u64) {
        if self.next().is_some_and(|next| next != first) {
            self.batches.clear();
            self.held_bytes = 0;
        }
        while self.capacity_bytes < self.held_bytes + bytes {
            let Some(oldest) = self.batches.pop_front() else { return }; // larger than the cache
            self.held_bytes -= oldest.bytes;
        }
        self.held_bytes += bytes;
        self.batches.push_back(Batch { first, edits: Arc::clone(edits), bytes });
    }

    /// `retrieveEdits`: at most `max` edits from `since` on.
    ///
    /// # Errors
    /// `since` lies before the oldest edit held.
    pub fn retrieve(&self, since: TxId, max: u64) -> Result<Vec<E>, Refusal> {
        let oldest = self.batches.front().ok_or(Refusal::CacheMiss)?.first;
        if since < oldest {
            return Err(Refusal::CacheMiss);
        }
        let start = self.batches.partition_point(|batch| batch.first <= since) - 1;
        let behind = since.0 - self.batches[start].first.0;
        let edits = self.batches.range(start..).flat_map(|batch| batch.edits.iter());
        let wanted = edits.skip(usize::try_from(behind).expect("a batch fits in memory"));
        Ok(wanted.take(usize::try_from(max).unwrap_or(usize::MAX)).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(capacity_bytes: u64, batches: &[(u64, &[u32])]) -> Cache<u32> {
        let mut cache = Cache::new(capacity_bytes);
        for (first, edits) in batches {
            cache.store(TxId(*first), &Arc::from(*edits), 10 * edits.len() as u64);
        }
        cache
    }

    #[test]
    fn readers_get_a_run_across_batches_and_the_oldest_batch_leaves_first() {
        let cache = filled(40, &[(1, &[11, 12]), (3, &[13]), (4, &[14, 15])]);
        assert_eq!(cache.retrieve(TxId(1), 9), Err(Refusal::CacheMiss));
        assert_eq!(cache.retrieve(TxId(3), 9), Ok(vec![13, 14, 15]));
        assert_eq!(cache.retrieve(TxId(3), 2), Ok(vec![13, 14]));
        assert_eq!(cache.retrieve(TxId(5), 9), Ok(vec![15]));
        assert_eq!(cache.retrieve(TxId(6), 9), Ok(vec![]));
    }

    #[test]
    fn a_gap_or_a_step_back_starts_anew_and_a_giant_is_not_held() {
        let cache = filled(100, &[(1, &[11, 12]), (2, &[22])]);
        assert_eq!(cache.retrieve(TxId(1), 9), Err(Refusal::CacheMiss));
        assert_eq!(cache.retrieve(TxId(2), 9), Ok(vec![22]));
        let cache = filled(20, &[(1, &[11]), (2, &[12, 13, 14])]);
        assert_eq!(cache.retrieve(TxId(2), 9), Err(Refusal::CacheMiss));
    }
}
