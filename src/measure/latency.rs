//! Latency: how long requests took while nothing was wrong.
//!
//! Here: a histogram with buckets of under one per cent; its quantiles err upwards, by one bucket.
//! Never here: requests after the first fault.
//! Modelled on: HdrHistogram, with 128 buckets to an octave.

use std::collections::BTreeMap;

use crate::engine::time::SimDuration;

const BITS: u32 = 7;

/// Counts per bucket; only buckets in use take room.
#[derive(Clone, Debug, Default)]
pub(super) struct Latencies {
    counts: BTreeMap<u32, u64>,
    total: u64,
}

impl Latencies {
    pub(super) fn record(&mut self, latency: SimDuration) {
        *self.counts.entry(bucket(latency.as_nanos())).or_insert(0) += 1;
        self.total += 1;
    }

    /// The least bucket bound that `numerator / denominator` of all requests do not exceed.
    pub(super) fn quantile(&self, numerator: u64, denominator: u64) -> Option<SimDuration> {
        let rank = (self.total * numerator).div_ceil(denominator);
        let mut below = 0;
        self.counts.iter().find_map(|(bucket, count)| {
            below += count;
            (rank <= below).then(|| SimDuration::from_nanos(bound(*bucket)))
        })
    }
}

/// The first `BITS + 1` significant bits and the place of the first of them.
fn bucket(ns: u64) -> u32 {
    let octave = (u64::BITS - ns.leading_zeros()).saturating_sub(BITS + 1);
    let mantissa = u32::try_from(ns >> octave).unwrap_or(u32::MAX);
    (octave << BITS) + mantissa
}

/// The largest value in a bucket.
fn bound(bucket: u32) -> u64 {
    let octave = (bucket >> BITS).saturating_sub(1);
    let mantissa = u64::from(bucket - (octave << BITS));
    ((u128::from(mantissa) + 1) << octave).saturating_sub(1).try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_bucket_holds_its_values_and_is_narrow(ns in any::<u64>()) {
            let bound = bound(bucket(ns));
            prop_assert!(ns <= bound);
            prop_assert!(bound - ns <= ns >> BITS);
            prop_assert_eq!(bucket(bound), bucket(ns));
            if let Some(next) = bound.checked_add(1) {
                prop_assert_eq!(bucket(next), bucket(ns) + 1);
            }
        }
    }

    #[test]
    fn a_quantile_is_a_rank() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.quantile(99, 100), None);
        (1..=100).for_each(|ns| latencies.record(SimDuration::from_nanos(ns)));
        assert_eq!(latencies.quantile(99, 100), Some(SimDuration::from_nanos(99)));
        assert_eq!(latencies.quantile(1, 2), Some(SimDuration::from_nanos(50)));
    }
}
