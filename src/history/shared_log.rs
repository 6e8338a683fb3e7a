//! Shared log: what grows with a run, in chunks that clones share.
//!
//! Here: append and iteration; a clone copies at most one chunk.
//! Never here: removal, lookup.
//! Modelled on: ropes of `Arc`ed leaves.

use std::sync::Arc;

const CHUNK: usize = 256;

/// An append-only list that is cheap to clone.
#[derive(Clone, Debug)]
pub struct SharedLog<T> {
    full: Vec<Arc<[T]>>,
    tail: Vec<T>,
}

impl<T> Default for SharedLog<T> {
    fn default() -> SharedLog<T> {
        SharedLog { full: Vec::new(), tail: Vec::new() }
    }
}

impl<T> SharedLog<T> {
    /// Appends.
    pub fn push(&mut self, value: T) {
        self.tail.push(value);
        if self.tail.len() == CHUNK {
            self.full.push(std::mem::take(&mut self.tail).into());
        }
    }

    /// In the order of appending.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.full.iter().flat_map(|chunk| chunk.iter()).chain(&self.tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_keeps_its_past_and_shares_it() {
        let mut log = SharedLog::default();
        (0..CHUNK * 2 + 3).for_each(|n| log.push(n));
        let before = log.clone();
        log.push(99_999);
        assert!(Arc::ptr_eq(&before.full[0], &log.full[0]));
        assert_eq!(before.iter().count() + 1, log.iter().count());
        assert!(before.iter().copied().eq(0..CHUNK * 2 + 3));
    }
}
