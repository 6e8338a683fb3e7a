//! Scale: seconds to pixels, by logarithm or evenly, with marks that people read.
//!
//! Here: places and labels.
//! Never here: shapes.
//! Modelled on: clocks; a decade reads as 1 s, 10 s, but 60 s reads as 1 min.

use crate::engine::floats;
use crate::engine::time::SimDuration;

/// Marks in nanoseconds, with their labels.
const MARKS: [(u64, &str); 27] = [
    (1_000_000, "1 ms"),
    (10_000_000, "10 ms"),
    (100_000_000, "0.1 s"),
    (200_000_000, "0.2 s"),
    (500_000_000, "0.5 s"),
    (1_000_000_000, "1 s"),
    (2_000_000_000, "2 s"),
    (3_000_000_000, "3 s"),
    (4_000_000_000, "4 s"),
    (5_000_000_000, "5 s"),
    (10_000_000_000, "10 s"),
    (20_000_000_000, "20 s"),
    (30_000_000_000, "30 s"),
    (40_000_000_000, "40 s"),
    (60_000_000_000, "1 min"),
    (120_000_000_000, "2 min"),
    (180_000_000_000, "3 min"),
    (300_000_000_000, "5 min"),
    (600_000_000_000, "10 min"),
    (1_200_000_000_000, "20 min"),
    (1_800_000_000_000, "30 min"),
    (3_600_000_000_000, "1 h"),
    (7_200_000_000_000, "2 h"),
    (14_400_000_000_000, "4 h"),
    (28_800_000_000_000, "8 h"),
    (86_400_000_000_000, "1 day"),
    (604_800_000_000_000, "1 week"),
];

/// From spans to places on a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    left: i32,
    right: i32,
    even: bool,
}

#[expect(clippy::cast_precision_loss, reason = "pixels")]
fn ns(span: SimDuration) -> f64 {
    span.as_nanos() as f64
}

impl Scale {
    /// By logarithm, wide enough for both spans.
    pub(super) fn logarithmic(least: SimDuration, most: SimDuration, ends: (i32, i32)) -> Scale {
        let least = least.max(SimDuration::from_millis(1));
        let high = floats::log10(ns(most.max(least))) + 0.04;
        let low = (floats::log10(ns(least)) - 0.04).min(high - 0.5);
        Scale { low, high, left: ends.0, right: ends.1, even: false }
    }

    /// Evenly from zero.
    pub(super) fn even(most: SimDuration, ends: (i32, i32)) -> Scale {
        let high = ns(most.max(SimDuration::from_millis(1)));
        Scale { low: 0.0, high, left: ends.0, right: ends.1, even: true }
    }

    /// Where it begins and ends.
    pub(super) const fn ends(&self) -> (i32, i32) {
        (self.left, self.right)
    }

    #[expect(clippy::cast_possible_truncation, reason = "pixels, within the ends")]
    pub(super) fn place(&self, span: SimDuration) -> i32 {
        let value = if self.even { ns(span) } else { floats::log10(ns(span).max(1.0)) };
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.left + floats::round(share * f64::from(self.right - self.left)) as i32
    }

    /// Marks far enough apart to be labelled, and their places.
    pub(super) fn marks(&self) -> Vec<(i32, String)> {
        let inside = |span: SimDuration| {
            let value = if self.even { ns(span) } else { floats::log10(ns(span)) };
            self.low <= value && value <= self.high
        };
        let mut found: Vec<(i32, String)> = Vec::new();
        for (span, label) in self.candidates() {
            let at = self.place(span);
            let apart = found.last().is_none_or(|(last, _)| last + 44 <= at);
            if inside(span) && apart {
                found.push((at, label));
            }
        }
        found
    }

    fn candidates(&self) -> Vec<(SimDuration, String)> {
        if !self.even {
            let mark =
                |(ns, label): &(u64, &str)| (SimDuration::from_nanos(*ns), (*label).to_owned());
            return MARKS.iter().map(mark).collect();
        }
        // The first step of which at most eight fit.
        let step = MARKS.iter().map(|(ns, _)| *ns).find(|step| self.fits(*step, 8));
        let step = SimDuration::from_nanos(step.unwrap_or(MARKS[MARKS.len() - 1].0));
        (0..=8).map(|n| step.times(n)).map(|span| (span, format!("{span} s"))).collect()
    }

    fn fits(&self, step: u64, at_most: u32) -> bool {
        self.high <= ns(SimDuration::from_nanos(step)) * f64::from(at_most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_lie_within_and_marks_do_not_touch() {
        let (least, most) = (SimDuration::from_millis(900), SimDuration::from_secs(700));
        let scale = Scale::logarithmic(least, most, (100, 800));
        assert!(100 < scale.place(least) && scale.place(most) < 800);
        let marks = scale.marks();
        assert!(marks.windows(2).all(|two| two[0].0 + 44 <= two[1].0));
        assert_eq!(marks.first().map(|mark| mark.1.as_str()), Some("1 s"));
        let even = Scale::even(SimDuration::from_secs(65), (0, 650));
        assert_eq!(even.place(SimDuration::from_secs(13)), 130);
        assert_eq!(even.marks().len(), 7);
    }
}
