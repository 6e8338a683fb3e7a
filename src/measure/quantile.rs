//! Quantile: order statistics of a sample, with distribution-free intervals.
//!
//! The q-quantile of a sorted sample is its ceil(nq)-th value. Its interval runs between two order
//! statistics, the narrowest pair of ranks l < u for which Binomial(n, q) falls into l..u with a
//! probability of at least 95 %, whatever the distribution. A quantile for which no such pair
//! exists is not given: p99 needs 299 runs, p99.9 needs 2,995. Values only need an order, so what
//! was not seen to end (and sorts last) takes part like any other.
//!
//! Here: ranks and what stands there.
//! Never here: interpolation, assumptions on a distribution.
//! Modelled on: David and Nagaraja, Order Statistics, 7.1.
#![expect(clippy::float_arithmetic, reason = "measure: probabilities of ranks")]

use statrs::distribution::{Binomial, DiscreteCDF};

use crate::engine::floats;

/// Probability with which an interval covers what it estimates.
pub const COVERAGE: f64 = 0.95;

/// A level between 0 and 1, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level {
    numerator: u32,
    denominator: u32,
}

impl Level {
    /// The median.
    pub const MEDIAN: Level = Level { numerator: 1, denominator: 2 };
    /// 95 %.
    pub const P95: Level = Level { numerator: 95, denominator: 100 };
    /// 99 %.
    pub const P99: Level = Level { numerator: 99, denominator: 100 };

    /// 990 is p99.
    pub const fn thousandths(numerator: u32) -> Level {
        assert!(numerator <= 1_000);
        Level { numerator, denominator: 1_000 }
    }

    fn share(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }

    /// The rank of the sample quantile among `n`, from 0.
    fn rank(self, n: usize) -> usize {
        let rank = (n * self.numerator as usize).div_ceil(self.denominator as usize);
        rank.max(1) - 1
    }
}

/// Ranks from 0 within a sorted sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranks {
    /// Of the interval's lower end.
    pub lower: usize,
    /// Of the sample quantile.
    pub at: usize,
    /// Of the interval's upper end.
    pub upper: usize,
}

/// Tails that differ by less are equal on paper.
const TIE: f64 = 1e-9;

/// The narrowest interval of ranks that covers; of equals the one whose tails are most alike, and
/// of two mirror images the higher.
pub fn ranks(n: usize, level: Level) -> Option<Ranks> {
    let binomial = Binomial::new(level.share(), n as u64).ok()?;
    // below[k]: the probability that fewer than k of the sample lie under the quantile.
    let below: Vec<f64> =
        (0..=n as u64).map(|k| k.checked_sub(1).map_or(0.0, |k| binomial.cdf(k))).collect();
    let mut best: Option<(usize, f64, usize)> = None; // width, unlikeness of tails, lower
    let mut upper = 1;
    for lower in 1..n {
        upper = upper.max(lower + 1);
        while upper <= n && below[upper] - below[lower] < COVERAGE {
            upper += 1;
        }
        if n < upper {
            break;
        }
        let tails = (below[lower] - (1.0 - below[upper])).abs();
        let width = upper - lower;
        let better = |(narrowest, unlike, _): (usize, f64, usize)| {
            width < narrowest || (width == narrowest && tails < unlike + TIE)
        };
        if best.is_none_or(better) {
            best = Some((width, tails, lower));
        }
    }
    let (width, _, lower) = best?;
    Some(Ranks { lower: lower - 1, at: level.rank(n), upper: lower + width - 1 })
}

/// A quantile with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantile<T> {
    /// The sample's.
    pub at: T,
    /// Lower end of its 95 % interval.
    pub lower: T,
    /// Upper end.
    pub upper: T,
}

/// The quantile of a sorted sample, if there is enough of it.
pub fn quantile<T: Ord + Copy>(sorted: &[T], level: Level) -> Option<Quantile<T>> {
    debug_assert!(sorted.is_sorted());
    let Ranks { lower, at, upper } = ranks(sorted.len(), level)?;
    Some(Quantile { at: sorted[at], lower: sorted[lower], upper: sorted[upper] })
}

/// The largest share of runs that may exceed the greatest of `n`, with 95 % confidence.
pub fn beyond_max(n: usize) -> f64 {
    let n = u32::try_from(n).map_or(f64::from(u32::MAX), f64::from);
    1.0 - floats::exp(floats::log(1.0 - COVERAGE) / n)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition: sums of exact binomial terms.
    fn covered(n: usize, level: Level, lower: usize, upper: usize) -> f64 {
        let (q, mut term) = (level.share(), 1.0);
        (0..n).for_each(|_| term *= q);
        let mut sum = 0.0;
        for k in (lower..=n).rev() {
            if k < upper {
                sum += term;
            }
            term *= k as f64 / (n - k + 1) as f64 * (1.0 - q) / q;
        }
        sum
    }

    #[test]
    fn every_interval_covers_and_no_narrower_one_does() {
        for level in [Level::MEDIAN, Level::P95, Level::P99] {
            for n in (1..130).chain([299, 400]) {
                let narrowest = ranks(n, level).map(|ranks| ranks.upper - ranks.lower);
                let covers = |width: usize| {
                    (1..=n.saturating_sub(width))
                        .any(|lower| COVERAGE <= covered(n, level, lower, lower + width) + 1e-12)
                };
                match narrowest {
                    Some(width) => assert!(covers(width) && !covers(width - 1), "{n} {level:?}"),
                    None => assert!(!covers(n - 1), "{n} {level:?}"),
                }
            }
        }
    }

    #[test]
    fn small_samples_support_no_high_quantile() {
        let least = |level| (1..).find(|n| ranks(*n, level).is_some());
        assert_eq!(least(Level::MEDIAN), Some(6));
        assert_eq!(least(Level::P95), Some(59));
        assert_eq!(least(Level::P99), Some(299));
        assert_eq!(ranks(2_994, Level::thousandths(999)), None);
        assert!(ranks(2_995, Level::thousandths(999)).is_some());
    }

    #[test]
    fn the_median_of_a_hundred_lies_near_ranks_41_and_61() {
        let sorted: Vec<u32> = (1..=100).collect();
        let found = quantile(&sorted, Level::MEDIAN);
        assert_eq!(found, Some(Quantile { at: 50, lower: 41, upper: 61 }));
        assert!((beyond_max(100) - 0.029_513).abs() < 1e-6); // a little under 3/n
    }
}
