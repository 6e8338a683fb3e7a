//! Decimal: exact seconds for machines, rounded ones for people.
//!
//! Here: integer nanoseconds to digits.
//! Never here: binary fractions.
//! Modelled on: DESIGN section 7, "decimals from integer nanoseconds".

use serde_json::{Number, Value};

use crate::engine::time::{SimDuration, SimTime};

/// `{"x_s": 12.5}`: all digits, no more.
pub fn seconds(span: SimDuration) -> Value {
    span.to_string().parse::<Number>().map_or(Value::Null, Value::Number)
}

/// Seconds since the start.
pub fn moment(at: SimTime) -> Value {
    seconds(at.since_start())
}

/// `null` for what is absent or censored.
pub fn maybe(span: Option<SimDuration>) -> Value {
    span.map_or(Value::Null, seconds)
}

/// For people: thousandths below a minute, hundredths below ten, tenths above.
pub fn rounded(span: SimDuration) -> String {
    let (digits, unit) = match span.as_nanos() / 1_000_000_000 {
        0..60 => (3, 1_000_000),
        60..600 => (2, 10_000_000),
        600.. => (1, 100_000_000),
    };
    fixed(i128::from(span.as_nanos()), unit, digits)
}

/// For timelines: always thousandths, so that columns line up.
pub fn thousandths(at: SimTime) -> String {
    fixed(i128::from(at.as_nanos()), 1_000_000, 3)
}

/// A signed difference in nanoseconds, for people: `+1.250`, `-0.003`.
pub fn signed(ns: i128) -> String {
    let digits = fixed(ns.abs(), 1_000_000, 3);
    if ns < 0 { format!("-{digits}") } else { format!("+{digits}") }
}

/// `ns` in units, rounded half up, with that many digits after the point.
fn fixed(ns: i128, unit: i128, digits: usize) -> String {
    let units = (ns + unit / 2) / unit;
    let one = 1_000_000_000 / unit;
    format!("{}.{:0digits$}", units / one, units % one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_as_many_digits_as_they_can_use() {
        let show = |ns| rounded(SimDuration::from_nanos(ns));
        assert_eq!(show(0), "0.000");
        assert_eq!(show(1_234_500_000), "1.235");
        assert_eq!(show(59_999_999_999), "60.000");
        assert_eq!(show(121_006_000_000), "121.01");
        assert_eq!(show(3_600_050_000_000), "3600.1");
        assert_eq!(signed(-1_250_000_000), "-1.250");
    }

    #[test]
    fn machines_see_all_of_them() {
        let long = SimDuration::from_nanos(31_536_000_000_000_001);
        assert_eq!(seconds(long).to_string(), "31536000.000000001");
        assert_eq!(seconds(SimDuration::from_millis(2_500)).to_string(), "2.5");
    }
}
