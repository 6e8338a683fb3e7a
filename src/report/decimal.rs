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

/// For tables: three digits that count.
pub fn brief(span: SimDuration) -> String {
    let (digits, unit) = match span.as_nanos() / 10_000_000 {
        0..1_000 => (2, 10_000_000),
        1_000..10_000 => (1, 100_000_000),
        10_000.. => (0, 1_000_000_000),
    };
    fixed(i128::from(span.as_nanos()), unit, digits)
}

/// A signed difference for tables.
pub fn brief_signed(ns: i128) -> String {
    let text = brief(SimDuration::from_nanos(u64::try_from(ns.abs()).unwrap_or(u64::MAX)));
    let sign = match ns {
        _ if text == brief(SimDuration::ZERO) => "",
        ..0 => "-",
        0.. => "+",
    };
    format!("{sign}{text}")
}

/// For timelines: always thousandths, so that columns line up.
pub fn thousandths(at: SimTime) -> String {
    fixed(i128::from(at.as_nanos()), 1_000_000, 3)
}

/// A signed difference in nanoseconds, exactly.
pub fn signed(ns: i128) -> Value {
    let (whole, part) = (ns.abs() / 1_000_000_000, ns.abs() % 1_000_000_000);
    let sign = if ns < 0 { "-" } else { "" };
    let digits = format!("{part:09}");
    let digits = digits.trim_end_matches('0');
    let point = if digits.is_empty() { "" } else { "." };
    let text = format!("{sign}{whole}{point}{digits}");
    text.parse::<Number>().map_or(Value::Null, Value::Number)
}

/// A share or a factor, to six digits after the point.
pub fn ratio(value: f64) -> Value {
    if !value.is_finite() {
        return Value::Null;
    }
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.parse::<Number>().map_or(Value::Null, Value::Number)
}

/// `ns` in units, rounded half up, with that many digits after the point.
fn fixed(ns: i128, unit: i128, digits: usize) -> String {
    let units = (ns + unit / 2) / unit;
    let one = 1_000_000_000 / unit;
    if digits == 0 {
        return units.to_string();
    }
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
        let show = |ms| brief(SimDuration::from_millis(ms));
        assert_eq!(
            [show(4), show(2_531), show(42_149), show(99_990), show(120_600)],
            ["0.00", "2.53", "42.1", "100.0", "121"]
        );
        assert_eq!(brief_signed(-1_250_000_000), "-1.25");
    }

    #[test]
    fn machines_see_all_of_them() {
        let long = SimDuration::from_nanos(31_536_000_000_000_001);
        assert_eq!(seconds(long).to_string(), "31536000.000000001");
        assert_eq!(seconds(SimDuration::from_millis(2_500)).to_string(), "2.5");
        assert_eq!(signed(-1_000_000_001).to_string(), "-1.000000001");
        assert_eq!(signed(3_000_000_000).to_string(), "3");
        assert_eq!(ratio(0.012_5).to_string(), "0.0125");
        assert_eq!(ratio(1.0).to_string(), "1");
    }
}
