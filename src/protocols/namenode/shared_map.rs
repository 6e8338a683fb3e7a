//! Shared map: an ordered map whose clone costs one small vector, not its contents.
//!
//! Here: sorted chunks behind counted references, copied only where a clone writes.
//! Never here: what keys and values mean.
//! Modelled on: copy-on-write B-tree leaves (LMDB, Btrfs); needed because a world is forked.

use std::sync::Arc;

/// Entries of one chunk; a full one is split in half.
const CHUNK_ENTRIES_MAX: usize = 256;

/// An ordered map that clones share until one of them writes.
#[derive(Clone, Debug)]
pub struct SharedMap<K, V> {
    /// Sorted, none empty; all keys of a chunk lie below those of the next.
    chunks: Vec<Arc<Vec<(K, V)>>>,
    len: usize,
}

impl<K, V> Default for SharedMap<K, V> {
    fn default() -> SharedMap<K, V> {
        SharedMap { chunks: Vec::new(), len: 0 }
    }
}

impl<K: Ord + Copy, V: Clone> SharedMap<K, V> {
    /// How many entries there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no entry.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The chunk that holds `key`, or would.
    fn chunk_of(&self, key: K) -> usize {
        self.chunks.partition_point(|chunk| chunk[0].0 <= key).saturating_sub(1)
    }

    fn place_in(chunk: &[(K, V)], key: K) -> Result<usize, usize> {
        chunk.binary_search_by(|entry| entry.0.cmp(&key))
    }

    /// The value under `key`.
    pub fn get(&self, key: K) -> Option<&V> {
        let chunk = self.chunks.get(self.chunk_of(key))?;
        Self::place_in(chunk, key).ok().map(|place| &chunk[place].1)
    }

    /// The value under `key`, to be changed.
    pub fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let at = self.chunk_of(key);
        let chunk = self.chunks.get_mut(at)?;
        let place = Self::place_in(chunk, key).ok()?;
        Some(&mut Arc::make_mut(chunk)[place].1)
    }

    /// Puts `value` under `key`; gives back what was there.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let at = self.chunk_of(key);
        let Some(chunk) = self.chunks.get_mut(at) else {
            self.chunks.push(Arc::new(vec![(key, value)]));
            self.len = 1;
            return None;
        };
        let place = match Self::place_in(chunk, key) {
            Ok(place) => {
                let entry = &mut Arc::make_mut(chunk)[place];
                return Some(std::mem::replace(&mut entry.1, value));
            }
            Err(place) => place,
        };
        let entries = Arc::make_mut(chunk);
        entries.insert(place, (key, value));
        self.len += 1;
        if CHUNK_ENTRIES_MAX < entries.len() {
            // A log-like key lands at the very end: leave the full chunk behind.
            let keep = if place + 1 == entries.len() { place } else { entries.len() / 2 };
            let upper = entries.split_off(keep);
            self.chunks.insert(at + 1, Arc::new(upper));
        }
        None
    }

    /// Takes `key` out.
    pub fn remove(&mut self, key: K) -> Option<V> {
        let at = self.chunk_of(key);
        let chunk = self.chunks.get_mut(at)?;
        let place = Self::place_in(chunk, key).ok()?;
        let entries = Arc::make_mut(chunk);
        let (_, value) = entries.remove(place);
        if entries.is_empty() {
            self.chunks.remove(at);
        }
        self.len -= 1;
        Some(value)
    }

    /// The entry with the smallest key.
    pub fn first(&self) -> Option<(K, &V)> {
        self.chunks.first().map(|chunk| (chunk[0].0, &chunk[0].1))
    }

    /// All entries from `key` on, in order.
    pub fn range_from(&self, key: K) -> impl Iterator<Item = (K, &V)> {
        let at = self.chunk_of(key);
        let skip = self.chunks.get(at).map_or(0, |chunk| match Self::place_in(chunk, key) {
            Ok(place) | Err(place) => place,
        });
        let entries = self.chunks[at.min(self.chunks.len())..].iter();
        entries.flat_map(|chunk| chunk.iter()).skip(skip).map(|(key, value)| (*key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_agrees_with_the_standard_map(
            steps in prop::collection::vec((0..3_u8, 0..900_u32), 0..3_000),
        ) {
            let (mut shared, mut plain) = (SharedMap::default(), BTreeMap::new());
            let mut forks: Vec<(SharedMap<u32, usize>, BTreeMap<u32, usize>)> = Vec::new();
            for (count, (step, key)) in steps.into_iter().enumerate() {
                if step < 2 {
                    prop_assert_eq!(shared.insert(key, count), plain.insert(key, count));
                } else {
                    prop_assert_eq!(shared.remove(key), plain.remove(&key));
                }
                if count % 701 == 0 {
                    forks.push((shared.clone(), plain.clone()));
                }
            }
            forks.push((shared, plain));
            for (shared, plain) in forks {
                prop_assert_eq!(shared.len(), plain.len());
                for from in [0, 1, 450, 899, 900] {
                    let seen: Vec<_> = shared.range_from(from).map(|(k, v)| (k, *v)).collect();
                    let wanted: Vec<_> = plain.range(from..).map(|(k, v)| (*k, *v)).collect();
                    prop_assert_eq!(seen, wanted);
                }
            }
        }
    }

    #[test]
    fn a_clone_of_many_entries_is_a_short_vector() {
        let mut map = SharedMap::default();
        for key in 0..100_000_u64 {
            map.insert(key, key);
        }
        assert!(map.chunks.len() < 400, "{}", map.chunks.len());
        let mut fork = map.clone();
        *fork.get_mut(7).unwrap() = 0;
        assert_eq!((map.get(7), fork.get(7)), (Some(&7), Some(&0)));
        let copied = map.chunks.iter().zip(&fork.chunks).filter(|(a, b)| !Arc::ptr_eq(a, b));
        assert_eq!(copied.count(), 1);
    }
}
