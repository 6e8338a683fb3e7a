//! Distributions: spans as functions of a word.
//!
//! Here: uniform, exponential, and the latency models built of them.
//! Never here: a platform's `ln`; a float that leaves its function.
//! Modelled on: `+ - * /` and the pinned pure-Rust libm, rounded to whole nanoseconds.

use super::dice::{Words, below};
use super::floats;
use super::time::SimDuration;

/// Uniform in `low..high` (`low` if the range is empty).
#[inline]
pub fn uniform(low: SimDuration, high: SimDuration, word: u64) -> SimDuration {
    let width = high.as_nanos().saturating_sub(low.as_nanos());
    if width == 0 {
        return low;
    }
    SimDuration::from_nanos(low.as_nanos() + below(word, width))
}

/// Exponential of that mean, in whole nanoseconds.
#[inline]
#[expect(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "+ - * / and the pinned libm, rounded at the end"
)]
pub fn exponential(mean: SimDuration, word: u64) -> SimDuration {
    let rest = ((1_u64 << 53) - (word >> 11)) as f64 / (1_u64 << 53) as f64; // in (0, 1], exact
    let ns = -floats::log(rest) * mean.as_nanos() as f64;
    SimDuration::from_nanos((ns + 0.5) as u64)
}

/// How long a thing takes, as a function of a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// Always the same.
    Fixed(SimDuration),
    /// Uniform in `low..high`.
    Uniform {
        /// Shortest.
        low: SimDuration,
        /// Longest, excluded.
        high: SimDuration,
    },
    /// A minimum and an exponential excess.
    Excess {
        /// Shortest.
        min: SimDuration,
        /// Mean of what comes on top.
        mean: SimDuration,
    },
}

impl Latency {
    /// The span of this draw.
    #[inline]
    pub fn of(self, words: Words) -> SimDuration {
        match self {
            Latency::Fixed(span) => span,
            Latency::Uniform { low, high } => uniform(low, high, words.first()),
            Latency::Excess { min, mean } => min + exponential(mean, words.first()),
        }
    }

    /// The mean span.
    pub fn mean(self) -> SimDuration {
        match self {
            Latency::Fixed(span) => span,
            Latency::Uniform { low, high } => (low + high).scaled(1, 2),
            Latency::Excess { min, mean } => min + mean,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_all_draws_lie_below_ln_2_means() {
        let mean = SimDuration::from_millis(1_000);
        assert_eq!(exponential(mean, 1 << 63).as_nanos(), 693_147_181);
        assert_eq!(exponential(mean, u64::MAX).as_nanos(), 36_736_800_570);
    }

    #[test]
    fn uniform_covers_its_range_and_no_more() {
        let (low, high) = (SimDuration::from_nanos(5), SimDuration::from_nanos(8));
        assert_eq!(uniform(low, high, 0), low);
        assert_eq!(uniform(low, high, u64::MAX).as_nanos(), 7);
        assert_eq!(uniform(high, low, 9), high);
    }
}
