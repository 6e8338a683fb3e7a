//! Dice: draws addressed by what they decide.
//!
//! Here: the address, ChaCha for keys and weather, a counter-based generator for the rest.
//! Never here: a "next" draw, entropy of this machine.
//! Modelled on: Random123 (Philox); JAX's keys. Source: Salmon et al., SC'11.

use rand::SeedableRng;
use rand::rand_core::Rng;
use rand_chacha::ChaCha8Rng;

use super::digest::{hash, name_hash};

/// What a draw decides: the XXH3 of a registered name. A rename is a break for recorded seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose(u64);

impl Purpose {
    /// The purpose of that name.
    pub const fn named(name: &str) -> Purpose {
        Purpose(name_hash(name))
    }
}

/// The identity of a named entity of a run.
pub fn entity(name: &str) -> u64 {
    hash(name.as_bytes())
}

/// Where a draw belongs: the run and the entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// Root of every draw of the run.
    pub seed: u64,
    /// 0: never forked.
    pub lineage: u64,
    /// Hash of the entity's name.
    pub entity: u64,
}

/// The words of one piece of weather, as many as it takes.
#[derive(Clone, Debug)]
pub struct Weather(ChaCha8Rng);

impl Weather {
    /// One more word.
    pub fn word(&mut self) -> u64 {
        self.0.next_u64()
    }
}

/// Weather and keys. Nothing is stored: the address is the key, the ordinal the stream.
pub fn weather(of: Address, purpose: Purpose, ordinal: u64) -> Weather {
    let mut key = [0; 32]; // our own expansion: no library release may move it
    for (place, word) in key.chunks_exact_mut(8).zip([of.seed, of.lineage, of.entity, purpose.0]) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(ordinal);
    Weather(rng)
}

/// One word of weather.
pub fn weather_word(of: Address, purpose: Purpose, ordinal: u64) -> u64 {
    weather(of, purpose, ordinal).word()
}

/// Two words of a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words(pub [u64; 2]);

impl Words {
    /// The first word.
    pub const fn first(self) -> u64 {
        self.0[0]
    }
    /// The second word.
    pub const fn second(self) -> u64 {
        self.0[1]
    }
}

/// A stateless generator: Philox 2x64-10, keyed by two words of weather.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noise {
    key: u64,
    salt: u64,
}

impl Noise {
    /// A generator of that key.
    pub const fn keyed(key: u64, salt: u64) -> Noise {
        Noise { key, salt }
    }

    /// The generator of an entity's purpose.
    pub fn of(address: Address, purpose: Purpose, ordinal: u64) -> Noise {
        let mut weather = weather(address, purpose, ordinal);
        Noise { key: weather.word(), salt: weather.word() }
    }

    /// For one message, say: its latency and its loss.
    #[inline]
    pub fn at(self, ordinal: u64) -> Words {
        Words(philox(self.key, ordinal, self.salt))
    }

    /// For one decision of a process: purpose and ordinal address it.
    #[inline]
    pub fn decide(self, purpose: Purpose, ordinal: u64) -> Words {
        Words(philox(self.key ^ purpose.0, ordinal, self.salt))
    }
}

#[inline]
fn philox(mut key: u64, mut left: u64, mut right: u64) -> [u64; 2] {
    for _round in 0..10 {
        let (low, high) = left.carrying_mul(0xd2b7_4407_b1ce_6e93, 0);
        (left, right) = (high ^ key ^ right, low);
        key = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    }
    [left, right]
}

/// Uniform in `0..bound`: the high half of a product. No loop, no float, ours to keep stable.
#[inline]
pub fn below(word: u64, bound: u64) -> u64 {
    assert!(0 < bound);
    word.carrying_mul(bound, 0).1
}

/// An exact probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    numerator: u32,
    denominator: u32,
}

impl Ratio {
    /// Never.
    pub const ZERO: Ratio = Ratio { numerator: 0, denominator: 1 };

    /// `numerator` in `denominator`.
    pub const fn new(numerator: u32, denominator: u32) -> Ratio {
        assert!(0 < denominator);
        assert!(numerator <= denominator);
        Ratio { numerator, denominator }
    }

    /// Whether a draw hits.
    #[inline]
    pub fn hits(self, word: u64) -> bool {
        self.numerator != 0 && below(word, u64::from(self.denominator)) < u64::from(self.numerator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_pinned() {
        let host1 = Address { seed: 7, lineage: 0, entity: entity("beijing/host1") };
        let third = weather_word(host1, Purpose::named("engine/host-failure"), 3);
        assert_eq!(third, 0xef37_05dc_60f4_b46d); // moves only by an announced break
        // Random123's first known answer for Philox 2x64-10.
        assert_eq!(Noise::keyed(0, 0).at(0), Words([0xca00_a045_9843_d731, 0x66c2_4222_c9a8_45b5]));
    }

    #[test]
    fn a_ratio_hits_as_often_as_it_says() {
        let noise = Noise::keyed(1, 2);
        let hits = (0..100_000).filter(|n| Ratio::new(1, 10).hits(noise.at(*n).first())).count();
        assert!((9_600..10_400).contains(&hits), "{hits}");
    }
}
