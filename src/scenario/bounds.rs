//! Bounds: objectives and expectations: a measure, over which runs, and what it must lie in.
//!
//! Here: `rto_p99 < 60s`, `hdfs-meta-read.rto = 10s..13s`, `lost_acked = 0`.
//! Never here: how a measure is computed.
//! Modelled on: service-level objectives as operators write them.

use super::complaint::{Place, Wrong, shortened};
use super::model::{Bound, Measure, Objective, Statistic};
use super::vocabulary::Vocabulary;
use crate::engine::config::parse_span;

/// Names of measures, and whether they are spans.
pub const MEASURES: &[(&str, Measure, bool)] = &[
    ("rto", Measure::Rto, true),
    ("rto_first", Measure::RtoFirst, true),
    ("ack_gap", Measure::AckGap, true),
    ("unavailable", Measure::Unavailable, true),
    ("rpo", Measure::Rpo, true),
    ("lost_acked", Measure::LostAcked, false),
    ("lost_bytes", Measure::LostBytes, false),
    ("failed", Measure::Failed, false),
    ("unknown", Measure::Unknown, false),
    ("outages", Measure::Outages, false),
    ("failovers", Measure::Failovers, false),
    ("split_brain", Measure::SplitBrain, false),
    ("dual_belief", Measure::DualBelief, true),
    ("stale_reads", Measure::StaleReads, false),
    ("conflicting_writes", Measure::ConflictingWrites, false),
];

/// Reads `rto_p99 < 60s`.
pub(super) fn read_objective(
    place: Place,
    text: &str,
    words: &Vocabulary,
) -> Result<Objective, Wrong> {
    let at = text.find(['<', '>', '=']).ok_or_else(|| {
        Wrong::at(place, format!("\"{}\" compares nothing", shortened(text)))
            .hint("such as \"rto_p99 < 60s\" or \"lost_acked = 0\"")
    })?;
    read_measure((place, text[..at].trim()), (place, text[at..].trim()), words)
}

/// Reads a measure's name and its bound.
pub(super) fn read_measure(
    (place, name): (Place, &str),
    (bound_place, bound): (Place, &str),
    words: &Vocabulary,
) -> Result<Objective, Wrong> {
    let (service, of) = match name.rsplit_once('.') {
        Some((service, of)) if words.service(service).is_some() => (Some(service), of),
        Some((service, _)) => {
            let known = words.services.iter().map(|service| service.name);
            return Err(Wrong::unknown(place, "service", service, known));
        }
        None => (None, name),
    };
    let row = |of: &str| MEASURES.iter().find(|row| row.0 == of);
    let (row, statistic) = match (row(of), of.rsplit_once('_')) {
        (Some(row), _) => (row, Statistic::Each),
        (None, Some((of, suffix))) => match (row(of), statistic(suffix)) {
            (Some(row), Some(statistic)) => (row, statistic),
            (Some(_), None) => {
                let claim = format!("unknown statistic \"{}\"", shortened(suffix));
                return Err(Wrong::at(place, claim).hint("p50, p95, p99, p999, mean or max"));
            }
            (None, _) => return Err(unknown_measure(place, name)),
        },
        (None, None) => return Err(unknown_measure(place, name)),
    };
    let text = match bound.starts_with(['<', '>', '=']) {
        true => format!("{name} {bound}"),
        false => format!("{name} = {bound}"),
    };
    let bound = read_bound(bound_place, bound, row.2)?;
    let service = service.map(str::to_string);
    Ok(Objective { text, service, measure: row.1, statistic, bound })
}

fn unknown_measure(place: Place, name: &str) -> Wrong {
    Wrong::unknown(place, "measure", name, MEASURES.iter().map(|row| row.0))
}

fn statistic(suffix: &str) -> Option<Statistic> {
    match suffix {
        "max" => Some(Statistic::Each),
        "mean" => Some(Statistic::Mean),
        _ => {
            let digits = suffix.strip_prefix('p')?;
            let fits =
                (2..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
            let thousandths: u32 = format!("{digits:0<3}").parse().ok()?;
            (fits && thousandths > 0).then_some(Statistic::Quantile(thousandths))
        }
    }
}

/// Reads `< 60s`, `>= 3`, `10s..13s`, `0`. Spans in nanoseconds.
pub(super) fn read_bound(place: Place, text: &str, is_span: bool) -> Result<Bound, Wrong> {
    let text = text.trim();
    let text = text.strip_prefix('=').unwrap_or(text).trim();
    let value = |text: &str| {
        let text = text.trim();
        match (is_span, text) {
            (true, "0") => Ok(0),
            (true, _) => parse_span(text, None)
                .map(|span| span.as_nanos())
                .map_err(|why| Wrong::at(place, shortened(&why))),
            (false, _) => text.parse::<u64>().map_err(|_| {
                let claim = format!("expected a whole number, found \"{}\"", shortened(text));
                Wrong::at(place, claim)
            }),
        }
    };
    let nothing = || Wrong::at(place, format!("nothing can be {}", shortened(text)));
    let upto = |high: u64| Bound { low: 0, high: Some(high) };
    let bound = if let Some(rest) = text.strip_prefix("<=") {
        upto(value(rest)?)
    } else if let Some(rest) = text.strip_prefix('<') {
        upto(value(rest)?.checked_sub(1).ok_or_else(nothing)?)
    } else if let Some(rest) = text.strip_prefix(">=") {
        Bound { low: value(rest)?, high: None }
    } else if let Some(rest) = text.strip_prefix('>') {
        Bound { low: value(rest)?.checked_add(1).ok_or_else(nothing)?, high: None }
    } else if let Some((low, high)) = text.split_once("..") {
        Bound { low: value(low)?, high: Some(value(high)?) }
    } else {
        let exact = value(text)?;
        Bound { low: exact, high: Some(exact) }
    };
    match bound.high {
        Some(high) if high < bound.low => Err(nothing()),
        Some(_) | None => Ok(bound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Objective, Wrong> {
        read_objective(Place::default(), text, &Vocabulary::default())
    }

    #[test]
    fn a_bound_is_read_with_its_statistic() {
        let objective = read("rto_p99 < 60s").unwrap();
        assert_eq!(objective.statistic, Statistic::Quantile(990));
        assert_eq!(objective.bound, Bound { low: 0, high: Some(59_999_999_999) });
        let objective = read("rto_first = 10s..13s").unwrap();
        assert_eq!((objective.measure, objective.statistic), (Measure::RtoFirst, Statistic::Each));
        assert!(objective.bound.holds(Some(13_000_000_000)) && !objective.bound.holds(None));
        assert_eq!(read("lost_acked=0").unwrap().bound, Bound { low: 0, high: Some(0) });
        assert!(read("rto > 5m").unwrap().bound.holds(None), "censored: longer than was seen");
    }

    #[test]
    fn nonsense_is_refused_with_the_nearest_word() {
        assert_eq!(read("rt0 < 1s").unwrap_err().hint.unwrap(), "did you mean \"rto\"?");
        assert_eq!(read("rto < 0").unwrap_err().claim, "nothing can be < 0");
        assert_eq!(read("rto_p9 < 1s").unwrap_err().claim, "unknown statistic \"p9\"");
        assert!(read("rto 5s").is_err() && read("lost_acked < 5s").is_err());
    }
}
