//! Time: a moment of the run, a span, and the clocks of a host.
//!
//! Here: the only arithmetic on time that means something.
//! Never here: a wall clock of this machine, floats.
//! Modelled on: TigerBeetle's `Instant` and `Duration`.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// A moment of the run, in nanoseconds since its start. Only the engine moves it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime {
    ns: u64,
}

/// A span, never negative, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimDuration {
    ns: u64,
}

/// A host's monotonic clock: nanoseconds since the host's first boot; drifts, never jumps back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Monotonic {
    ns: u64,
}

/// A host's wall clock: nanoseconds since its epoch; drifts and may jump.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wall {
    ns: u64,
}

/// What a process sees instead of [`SimTime`]: the clocks of its host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalTime {
    /// Never runs backwards.
    pub monotonic: Monotonic,
    /// May jump.
    pub wall: Wall,
}

impl SimDuration {
    /// No time at all.
    pub const ZERO: SimDuration = SimDuration { ns: 0 };
    /// Longer than any run.
    pub const MAX: SimDuration = SimDuration { ns: u64::MAX };

    /// A span of `ns` nanoseconds.
    pub const fn from_nanos(ns: u64) -> SimDuration {
        SimDuration { ns }
    }
    /// A span of `us` microseconds.
    pub const fn from_micros(us: u64) -> SimDuration {
        SimDuration { ns: us * 1_000 }
    }
    /// A span of `ms` milliseconds.
    pub const fn from_millis(ms: u64) -> SimDuration {
        SimDuration { ns: ms * 1_000_000 }
    }
    /// A span of `s` seconds.
    pub const fn from_secs(s: u64) -> SimDuration {
        SimDuration { ns: s * 1_000_000_000 }
    }
    /// In nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.ns
    }
    /// In whole milliseconds, rounded down.
    pub const fn as_millis(self) -> u64 {
        self.ns / 1_000_000
    }
    /// Whether it is no time at all.
    pub const fn is_zero(self) -> bool {
        self.ns == 0
    }
    /// `self - other`, or zero.
    pub const fn saturating_sub(self, other: SimDuration) -> SimDuration {
        SimDuration { ns: self.ns.saturating_sub(other.ns) }
    }
    /// `self + other`, or [`SimDuration::MAX`].
    pub const fn saturating_add(self, other: SimDuration) -> SimDuration {
        SimDuration { ns: self.ns.saturating_add(other.ns) }
    }
    /// `n` times this span, or [`SimDuration::MAX`].
    pub const fn times(self, n: u64) -> SimDuration {
        SimDuration { ns: self.ns.saturating_mul(n) }
    }
    /// This span times `numerator / denominator`, rounded down, without overflow.
    pub fn scaled(self, numerator: u64, denominator: u64) -> SimDuration {
        assert!(0 < denominator);
        let ns = u128::from(self.ns) * u128::from(numerator) / u128::from(denominator);
        SimDuration { ns: u64::try_from(ns).unwrap_or(u64::MAX) }
    }
}

impl SimTime {
    /// The start of every run.
    pub const START: SimTime = SimTime { ns: 0 };
    /// After the end of every run.
    pub const NEVER: SimTime = SimTime { ns: u64::MAX };

    /// The moment `ns` nanoseconds after the start.
    pub const fn from_nanos(ns: u64) -> SimTime {
        SimTime { ns }
    }
    /// Nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.ns
    }
    /// The span from an earlier moment to this one.
    pub fn since(self, earlier: SimTime) -> SimDuration {
        assert!(earlier <= self, "time ran backwards: {earlier:?} is after {self:?}");
        SimDuration { ns: self.ns - earlier.ns }
    }
    /// The span since the start.
    pub const fn since_start(self) -> SimDuration {
        SimDuration { ns: self.ns }
    }
}

impl Monotonic {
    /// The reading `ns` nanoseconds after the host's first boot.
    pub const fn from_nanos(ns: u64) -> Monotonic {
        Monotonic { ns }
    }
    /// Nanoseconds since the host's first boot.
    pub const fn as_nanos(self) -> u64 {
        self.ns
    }
    /// The span since an earlier reading; zero if `earlier` is later.
    pub const fn since(self, earlier: Monotonic) -> SimDuration {
        SimDuration { ns: self.ns.saturating_sub(earlier.ns) }
    }
}

impl Wall {
    /// The reading `ns` nanoseconds after the host's epoch.
    pub const fn from_nanos(ns: u64) -> Wall {
        Wall { ns }
    }
    /// Nanoseconds since the host's epoch.
    pub const fn as_nanos(self) -> u64 {
        self.ns
    }
}

impl Add<SimDuration> for SimTime {
    type Output = SimTime;
    fn add(self, span: SimDuration) -> SimTime {
        SimTime { ns: self.ns.saturating_add(span.ns) }
    }
}

impl Add<SimDuration> for Monotonic {
    type Output = Monotonic;
    fn add(self, span: SimDuration) -> Monotonic {
        Monotonic { ns: self.ns.saturating_add(span.ns) }
    }
}

impl Add for SimDuration {
    type Output = SimDuration;
    fn add(self, other: SimDuration) -> SimDuration {
        self.saturating_add(other)
    }
}

impl AddAssign for SimDuration {
    fn add_assign(&mut self, other: SimDuration) {
        *self = *self + other;
    }
}

impl Sub for SimDuration {
    type Output = SimDuration;
    fn sub(self, other: SimDuration) -> SimDuration {
        assert!(other <= self, "a span is never negative: {self:?} - {other:?}");
        SimDuration { ns: self.ns - other.ns }
    }
}

/// Seconds as an exact decimal, for people and for JSON: `12.5`, `0`, `0.000000001`.
fn seconds(ns: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (whole, part) = (ns / 1_000_000_000, ns % 1_000_000_000);
    if part == 0 {
        return write!(f, "{whole}");
    }
    let digits = format!("{part:09}");
    write!(f, "{whole}.{}", digits.trim_end_matches('0'))
}

/// In seconds, exactly.
impl fmt::Display for SimDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        seconds(self.ns, f)
    }
}

/// In seconds since the start, exactly.
impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        seconds(self.ns, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_printed_exactly() {
        assert_eq!(SimDuration::from_millis(12_500).to_string(), "12.5");
        assert_eq!(SimDuration::from_nanos(1).to_string(), "0.000000001");
        assert_eq!(SimTime::START.to_string(), "0");
    }

    #[test]
    fn a_share_of_a_long_span_does_not_overflow() {
        let year = SimDuration::from_secs(31_536_000);
        assert_eq!(year.scaled(2, 3).as_nanos(), year.as_nanos() / 3 * 2);
    }
}
