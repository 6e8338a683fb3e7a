//! Digest: a running hash over what happened.
//!
//! Here: two of them per run, over kernel events and over the neutral history.
//! Never here: pointers, text, anything that tracing could move.
//! Modelled on: TigerBeetle's and madsim's run checks; XXH3.

use xxhash_rust::const_xxh3;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// The identity of a name, known when the program is built.
pub const fn name_hash(name: &str) -> u64 {
    const_xxh3::xxh3_64(name.as_bytes())
}

/// The identity of a text or record.
pub fn hash(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// A running XXH3 over records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(pub u64);

impl Digest {
    /// The digest after one more record of words.
    #[must_use]
    #[inline]
    pub fn with_words<const N: usize>(self, words: [u64; N]) -> Digest {
        // Little-endian bytes on every machine, without an allocation.
        let words = words.map(u64::to_le_bytes);
        Digest(xxh3_64_with_seed(words.as_flattened(), self.0))
    }

    /// The digest after one more record of bytes.
    #[must_use]
    pub fn with(self, record: &[u8]) -> Digest {
        Digest(xxh3_64_with_seed(record, self.0))
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_pinned() {
        assert_eq!(Digest(7).with(b"nn1 active"), Digest(0x4de7_0e78_11d2_ba76));
        assert_eq!(name_hash("nn1"), hash(b"nn1"));
        assert_eq!(Digest(7).with_words([1]), Digest(7).with(&1_u64.to_le_bytes()));
    }
}
