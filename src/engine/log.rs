//! Log: a list that grows with the run and is shared between forks.
//!
//! Here: append, read, truncate; whole chunks are shared, only the tail is copied.
//! Never here: what is synced (that is `volume`).
//! Modelled on: persistent vectors, one level deep.

use std::sync::Arc;

const CHUNK: usize = 64;

/// An append-mostly list; cloning copies less than one chunk.
#[derive(Clone, Debug)]
pub struct Log<R> {
    chunks: Vec<Arc<Vec<R>>>,
    tail: Vec<R>,
}

impl<R> Default for Log<R> {
    fn default() -> Log<R> {
        Log { chunks: Vec::new(), tail: Vec::new() }
    }
}

impl<R: Clone> Log<R> {
    /// An empty list.
    pub fn new() -> Log<R> {
        Log::default()
    }

    /// How many records it has.
    pub const fn len(&self) -> usize {
        self.chunks.len() * CHUNK + self.tail.len()
    }

    /// Whether it has none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a record.
    pub fn push(&mut self, record: R) {
        self.tail.push(record);
        if self.tail.len() == CHUNK {
            self.chunks.push(Arc::new(std::mem::take(&mut self.tail)));
        }
    }

    /// The record at an index.
    pub fn get(&self, index: usize) -> Option<&R> {
        match self.chunks.get(index / CHUNK) {
            Some(chunk) => chunk.get(index % CHUNK),
            None => self.tail.get(index - self.chunks.len() * CHUNK),
        }
    }

    /// The last record.
    pub fn last(&self) -> Option<&R> {
        self.len().checked_sub(1).and_then(|index| self.get(index))
    }

    /// All records in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &R> {
        self.chunks.iter().flat_map(|chunk| chunk.iter()).chain(self.tail.iter())
    }

    /// The records from an index on, in order.
    pub fn iter_from(&self, index: usize) -> impl Iterator<Item = &R> {
        (index..self.len()).filter_map(|at| self.get(at))
    }

    /// Keeps the first `keep` records.
    pub fn truncate(&mut self, keep: usize) {
        while keep < self.chunks.len() * CHUNK {
            let chunk = self.chunks.pop().expect("the loop's condition");
            self.tail = Arc::unwrap_or_clone(chunk);
        }
        self.tail.truncate(keep - self.chunks.len() * CHUNK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behaves_as_a_vector_does() {
        let (mut log, mut twin) = (Log::new(), Vec::new());
        for n in 0..1_000_usize {
            log.push(n);
            twin.push(n);
            if n % 97 == 96 {
                let keep = twin.len() - n % 90;
                log.truncate(keep);
                twin.truncate(keep);
            }
            assert_eq!((log.len(), log.last()), (twin.len(), twin.last()));
        }
        assert_eq!(log.iter().collect::<Vec<_>>(), twin.iter().collect::<Vec<_>>());
        assert_eq!(log.iter_from(70).count(), twin.len() - 70);
        assert_eq!(log.get(twin.len()), None);
    }
}
