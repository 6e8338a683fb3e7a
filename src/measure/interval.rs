//! Interval: how sure a share or a difference between two designs is.
//!
//! Shares of rare events carry Clopper-Pearson intervals (they cover at least 95 %); of none in n
//! the rule of three, 3/n, bounds the share; shares near one half carry Wilson's. Two designs are
//! compared on the same replications: the median of the paired differences has an interval between
//! two order statistics, without assumptions. A pair in which only one run came back is longer or
//! shorter than every finite difference; one in which neither did could be either, so the lower
//! end takes it for the shortest and the upper end for the longest.
//!
//! Here: exact and near-exact 95 % intervals.
//! Never here: the normal approximation of a mean; resampling.
//! Modelled on: Clopper and Pearson 1934; Wilson 1927; Hollander and Wolfe, the sign test.
#![expect(clippy::float_arithmetic, reason = "measure: probabilities")]

use statrs::distribution::{Beta, ContinuousCDF};

use super::outage::Rto;
use super::quantile::{COVERAGE, Level, Ranks, ranks};
use crate::engine::floats;

/// A share with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// How many.
    pub events: u64,
    /// Of how many.
    pub of: u64,
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

/// 97.5 % quantile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

#[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^53")]
fn float(n: u64) -> f64 {
    n as f64
}

/// For rare events: exact, at least 95 %; none or all of them give the rule of three.
pub fn rare(events: u64, of: u64) -> Share {
    let (k, n) = (float(events), float(of));
    let tail = (1.0 - COVERAGE) / 2.0;
    let beta =
        |a: f64, b: f64, p: f64| Beta::new(a, b).map_or(f64::NAN, |beta| beta.inverse_cdf(p));
    let three = if of == 0 { 1.0 } else { (3.0 / n).min(1.0) };
    let (lower, upper) = match (events, of - events) {
        (0, _) => (0.0, three),
        (_, 0) => (1.0 - three, 1.0),
        (_, _) => (beta(k, n - k + 1.0, tail), beta(k + 1.0, n - k, 1.0 - tail)),
    };
    Share { events, of, lower, upper }
}

/// Wilson's score interval.
pub fn wilson(events: u64, of: u64) -> Share {
    if of == 0 {
        return Share { events, of, lower: 0.0, upper: 1.0 };
    }
    let n = float(of);
    let share = float(events) / n;
    let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let spread = share * (1.0 - share) / n + Z * Z / (4.0 * n * n);
    let half = Z / (1.0 + Z * Z / n) * floats::sqrt(spread);
    Share { events, of, lower: (middle - half).max(0.0), upper: (middle + half).min(1.0) }
}

/// A difference between two runs of one replication, in nanoseconds; ends that were not seen sort
/// outside of all that were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// The first did not come back, the second did.
    Shorter,
    /// Second minus first.
    By(i128),
    /// The second did not come back, the first did.
    Longer,
}

/// The comparison of two designs on the same replications.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// Pairs.
    pub pairs: u64,
    /// Pairs in which neither came back.
    pub neither: u64,
    /// Median of second minus first, the undecided pairs left out.
    pub median: Option<Difference>,
    /// Its 95 % interval, if there are enough pairs.
    pub interval: Option<(Difference, Difference)>,
    /// Pairs in which the second was shorter.
    pub shorter: Share,
    /// Pairs in which the second was longer.
    pub longer: Share,
    /// Variance of independent samples over that of the pairs, among those both seen to end.
    pub variance_reduction: Option<f64>,
}

/// Compares `second` with `first`, replication by replication.
pub fn paired(first: &[Rto], second: &[Rto]) -> Paired {
    assert!(first.len() == second.len(), "designs are compared on the same replications");
    let of = first.len() as u64;
    let pairs = || first.iter().copied().zip(second.iter().copied());
    let mut known: Vec<_> = pairs().filter_map(|(one, two)| difference(one, two)).collect();
    known.sort_unstable();
    let neither = first.len() - known.len();
    let with_unknown = |rank: usize| -> (Difference, Difference) {
        let low = rank.checked_sub(neither).map_or(Difference::Shorter, |rank| known[rank]);
        (low, known.get(rank).copied().unwrap_or(Difference::Longer))
    };
    let ends = |ranks: Ranks| (with_unknown(ranks.lower).0, with_unknown(ranks.upper).1);
    let count = |is: fn(&Difference) -> bool| known.iter().filter(|one| is(one)).count() as u64;
    Paired {
        pairs: of,
        neither: neither as u64,
        median: known.get(known.len().div_ceil(2).saturating_sub(1)).copied(),
        interval: ranks(first.len(), Level::MEDIAN).map(ends),
        shorter: wilson(count(|one| *one < Difference::By(0)), of),
        longer: wilson(count(|one| Difference::By(0) < *one), of),
        variance_reduction: variance_reduction(pairs()),
    }
}

fn difference(first: Rto, second: Rto) -> Option<Difference> {
    let ns = |rto: Rto| i128::from(rto.span().as_nanos());
    match (first.censored(), second.censored()) {
        (false, false) => Some(Difference::By(ns(second) - ns(first))),
        (true, false) => Some(Difference::Shorter),
        (false, true) => Some(Difference::Longer),
        (true, true) => None,
    }
}

/// Folded in order of replication.
fn variance_reduction(pairs: impl Iterator<Item = (Rto, Rto)>) -> Option<f64> {
    let seconds = |rto: Rto| float(rto.span().as_nanos()) / 1e9;
    let ended = pairs.filter(|(first, second)| !first.censored() && !second.censored());
    let ended: Vec<_> = ended.map(|(first, second)| (seconds(first), seconds(second))).collect();
    let variance = |of: fn(&(f64, f64)) -> f64| {
        let n = float(ended.len() as u64);
        let mean = ended.iter().map(of).sum::<f64>() / n;
        ended.iter().map(of).map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0)
    };
    let of_pairs = variance(|(first, second)| second - first);
    let apart = variance(|(first, _)| *first) + variance(|(_, second)| *second);
    (2 <= ended.len() && 0.0 < of_pairs && 0.0 < apart).then(|| apart / of_pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::time::SimDuration;
    use proptest::prelude::*;

    fn lasted(s: u64) -> Rto {
        Rto::Lasted(SimDuration::from_secs(s))
    }

    fn near(found: f64, known: f64) {
        assert!((found - known).abs() < 5e-5, "{found} is not {known}");
    }

    #[test]
    fn shares_agree_with_printed_tables() {
        let share = rare(2, 20); // R: binom.test(2, 20)
        near(share.lower, 0.012_35);
        near(share.upper, 0.316_98);
        let none = rare(0, 300);
        assert_eq!((none.lower, none.upper), (0.0, 0.01));
        let share = wilson(5, 20); // R: prop.test(5, 20, correct = FALSE)
        near(share.lower, 0.111_86);
        near(share.upper, 0.468_70);
    }

    /// Exact probability that the interval of Binomial(n, p) covers p.
    fn coverage(of: u64, p: f64, interval: fn(u64, u64) -> Share) -> f64 {
        let mut term = floats::pow(1.0 - p, float(of));
        let mut sum = 0.0;
        for k in 0..=of {
            let share = interval(k, of);
            if share.lower <= p && p <= share.upper {
                sum += term;
            }
            term *= float(of - k) / float(k + 1) * p / (1.0 - p);
        }
        sum
    }

    proptest! {
        #[test]
        fn rare_shares_cover(of in 1_u64..60, p in 0.01_f64..0.5) {
            // The rule of three is a one-sided bound of 95 %, the rest two-sided.
            prop_assert!(0.925 <= coverage(of, p, rare));
            // Wilson's covers 95 % on average; near one half it comes close.
            prop_assert!(0.90 <= coverage(of + 20, 0.25 + p / 2.0, wilson));
        }
    }

    #[test]
    fn paired_differences_see_through_common_weather() {
        let first: Vec<_> = (0..100).map(|n| lasted(10 + n * 37 % 100)).collect();
        let second: Vec<_> = (0..100).map(|n| lasted(8 + n * 37 % 100 + n % 2)).collect();
        let found = paired(&first, &second);
        assert_eq!(found.median, Some(Difference::By(-2_000_000_000)));
        let seconds = |s: i128| Difference::By(s * 1_000_000_000);
        assert_eq!(found.interval, Some((seconds(-2), seconds(-1))));
        assert_eq!((found.shorter.events, found.longer.events), (100, 0));
        assert!(1_000.0 < found.variance_reduction.expect("variance"));
    }

    #[test]
    fn what_did_not_come_back_widens_the_interval() {
        let never = Rto::LongerThan(SimDuration::from_secs(300));
        let first = [[lasted(5); 4], [never; 4]].concat();
        let second = [[lasted(7); 4], [never; 4]].concat();
        let found = paired(&first, &second);
        assert_eq!((found.neither, found.median), (4, Some(Difference::By(2_000_000_000))));
        assert_eq!(found.interval, Some((Difference::Shorter, Difference::Longer)));
        let (gone, back) = ([never; 8], [lasted(1); 8]);
        assert_eq!(paired(&gone, &back).median, Some(Difference::Shorter));
        assert_eq!(paired(&[], &[]).median, None);
    }
}
