//! Positions: a log's entries by position, in chunks that clones share.
//!
//! Here: a sparse array with a limit; what falls off its lower end is remembered as unknown.
//! Never here: what an entry means.
//! Modelled on: paged arrays.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::history::Position;

const CHUNK: usize = 256;
/// Half a million positions: seven hours of twenty writes a second.
const CHUNKS_MAX: usize = 2_048;

#[derive(Clone, Debug)]
pub(super) struct Positions<T> {
    chunks: BTreeMap<u64, Arc<[Option<T>; CHUNK]>>,
    forgotten_below: u64,
}

impl<T> Default for Positions<T> {
    fn default() -> Positions<T> {
        Positions { chunks: BTreeMap::new(), forgotten_below: 0 }
    }
}

impl<T: Copy> Positions<T> {
    /// What stands there, or puts `value` there. `Err`: it was too long ago to know.
    pub(super) fn get_or_insert(&mut self, at: Position, value: T) -> Result<T, Forgotten> {
        let (chunk, place) = place(at);
        if chunk < self.forgotten_below {
            return Err(Forgotten);
        }
        let entries = self.chunks.entry(chunk).or_insert_with(|| Arc::new([None; CHUNK]));
        if let Some(there) = entries[place] {
            return Ok(there);
        }
        Arc::make_mut(entries)[place] = Some(value);
        if CHUNKS_MAX < self.chunks.len()
            && let Some((oldest, _)) = self.chunks.pop_first()
        {
            self.forgotten_below = oldest + 1;
        }
        Ok(value)
    }

    /// What stands there.
    pub(super) fn get(&self, at: Position) -> Result<Option<T>, Forgotten> {
        let (chunk, place) = place(at);
        match self.chunks.get(&chunk) {
            Some(entries) => Ok(entries[place]),
            None if chunk < self.forgotten_below => Err(Forgotten),
            None => Ok(None),
        }
    }
}

/// Fell off the lower end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forgotten;

#[expect(clippy::cast_possible_truncation, reason = "a remainder below 256")]
fn place(at: Position) -> (u64, usize) {
    (at.0 / CHUNK as u64, (at.0 % CHUNK as u64) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_stays_and_the_oldest_are_forgotten_as_such() {
        let mut positions = Positions::default();
        assert_eq!(positions.get_or_insert(Position(3), 'a'), Ok('a'));
        assert_eq!(positions.get_or_insert(Position(3), 'b'), Ok('a'));
        let before = positions.clone();
        for chunk in 1..=CHUNKS_MAX as u64 {
            assert_eq!(positions.get_or_insert(Position(chunk * 256), 'c'), Ok('c'));
        }
        assert_eq!(positions.get(Position(3)), Err(Forgotten));
        assert_eq!(positions.get(Position(257)), Ok(None));
        assert_eq!(before.get(Position(3)), Ok(Some('a')));
    }
}
