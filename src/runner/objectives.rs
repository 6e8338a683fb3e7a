//! Objectives: bounds that a scenario sets on measures, held against finished runs.
//!
//! A bound on each run is held against every run by itself. A bound on a statistic is held against
//! a campaign, of which a single run is the smallest: its statistic is its value. A quantile that
//! lies in its bound over too few runs for an interval is a gap.
//!
//! Here: a measure's value in a record, statistics over records.
//! Never here: the definition of a measure.
//! Modelled on: service level objectives.

use super::record::{Gap, Record, ServiceRecord, Violation};
use crate::engine::time::SimTime;
use crate::measure::Rto;
use crate::measure::quantile::{Level, ranks};
use crate::scenario::Scenario;
use crate::scenario::model::{Measure, Objective, Statistic};

/// The name under which a missed objective is a violation.
pub const PROPERTY: &str = "objective";

/// What a scenario asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// In the order of its file.
    pub objectives: Vec<Objective>,
    /// The service that is meant where an objective names none.
    pub service: String,
}

impl Asked {
    /// By a scenario; its first load's service is meant.
    pub fn by(scenario: &Scenario) -> Asked {
        let service = scenario.loads.first().map_or("", |load| load.service.as_str());
        Asked { objectives: scenario.objectives.clone(), service: service.to_owned() }
    }

    /// Bounds on each run that this one misses.
    pub fn of_run(&self, record: &Record) -> (Vec<Violation>, Vec<Gap>) {
        held(self, std::slice::from_ref(record), |statistic| statistic == Statistic::Each)
    }

    /// Bounds on statistics that these runs miss.
    pub fn of_campaign(&self, records: &[Record]) -> (Vec<Violation>, Vec<Gap>) {
        held(self, records, |statistic| statistic != Statistic::Each)
    }
}

fn held(
    asked: &Asked,
    records: &[Record],
    meant: fn(Statistic) -> bool,
) -> (Vec<Violation>, Vec<Gap>) {
    let (mut violations, mut gaps) = (Vec::new(), Vec::new());
    for objective in asked.objectives.iter().filter(|objective| meant(objective.statistic)) {
        let service = &asked.service;
        match hold(objective, service, records) {
            Held::Yes => {}
            Held::No { value, at } => violations.push(Violation {
                property: PROPERTY,
                at,
                claim: format!("{}: it was {}", objective.text, shown(objective.measure, value)),
                evidence: vec![],
            }),
            Held::Unseen(why) => {
                gaps.push(Gap::Unseen { what: format!("{}: {why}", objective.text) });
            }
        }
    }
    (violations, gaps)
}

enum Held {
    Yes,
    No { value: Option<u64>, at: SimTime },
    Unseen(&'static str),
}

fn hold(objective: &Objective, service: &str, records: &[Record]) -> Held {
    let service = objective.service.as_deref().unwrap_or(service);
    let seen = |record| Some((value(record, service, objective.measure)?, record));
    let mut values: Vec<_> = records.iter().filter_map(seen).collect();
    if values.is_empty() {
        return Held::Unseen("nothing was measured");
    }
    // Shortest first, what was not seen to end last.
    values.sort_by_key(|(value, _)| (value.is_none(), *value));
    let misses = |(value, _): &&(Option<u64>, &Record)| !objective.bound.holds(*value);
    let (missed, at) = match objective.statistic {
        Statistic::Each => match values.iter().rev().find(misses) {
            None => return Held::Yes,
            Some((value, record)) => (*value, record.ended_at),
        },
        Statistic::Mean => {
            let sum: Option<u128> = values.iter().map(|(value, _)| value.map(u128::from)).sum();
            let mean = sum.map(|sum| sum / values.len() as u128);
            (mean.map(|mean| u64::try_from(mean).unwrap_or(u64::MAX)), values[0].1.ended_at)
        }
        Statistic::Quantile(thousandths) => {
            let rank = (values.len() * thousandths as usize).div_ceil(1_000).max(1) - 1;
            let (value, record) = values[rank.min(values.len() - 1)];
            let few =
                1 < values.len() && ranks(values.len(), Level::thousandths(thousandths)).is_none();
            if few && objective.bound.holds(value) {
                return Held::Unseen("too few runs");
            }
            (value, record.ended_at)
        }
    };
    if objective.bound.holds(missed) { Held::Yes } else { Held::No { value: missed, at } }
}

/// Spans in nanoseconds; inner `None`: longer than was seen. Outer: not measured in this run.
pub fn value(record: &Record, service: &str, measure: Measure) -> Option<Option<u64>> {
    let named = |one: &&ServiceRecord| one.name == service;
    let service = record.services.iter().find(named).map(|one| &one.measure);
    let found = || record.split_brain.iter().map(|one| &one.found);
    let span =
        |span: Option<crate::engine::time::SimDuration>| Some(span.map(|one| one.as_nanos()));
    let sum = |values: &mut dyn Iterator<Item = u64>| Some(Some(values.sum()));
    match measure {
        Measure::Rto => match service?.rto {
            Rto::Lasted(lasted) => span(Some(lasted)),
            Rto::LongerThan(_) => Some(None),
        },
        Measure::RtoFirst => match (service?.rto_first, service?.worst) {
            (None, None) => Some(Some(0)),
            (first, _) => span(first),
        },
        Measure::AckGap => span(service?.ack_gap),
        Measure::Unavailable => span(Some(service?.unavailable)),
        Measure::Rpo => span(service?.loss?.rpo),
        Measure::LostAcked => Some(Some(service?.loss.map_or(0, |loss| loss.lost_ops))),
        Measure::LostBytes => Some(Some(service?.loss.map_or(0, |loss| loss.lost_bytes))),
        Measure::Failed => Some(Some(service?.failed)),
        Measure::Unknown => Some(Some(service?.unknown)),
        Measure::Outages => Some(Some(service?.outages.len() as u64)),
        Measure::Failovers => Some(Some(record.failovers.len() as u64)),
        Measure::SplitBrain => {
            Some(Some(found().map(|one| u64::from(one.grade())).max().unwrap_or(0)))
        }
        Measure::DualBelief => sum(&mut found().map(|one| one.dual_belief.as_nanos())),
        Measure::StaleReads => sum(&mut found().map(|one| one.stale_reads)),
        Measure::ConflictingWrites => sum(&mut found().map(|one| one.conflicting_writes)),
    }
}

fn shown(measure: Measure, value: Option<u64>) -> String {
    let Some(value) = value else { return "longer than was seen".to_owned() };
    match measure {
        Measure::Rto
        | Measure::RtoFirst
        | Measure::AckGap
        | Measure::Unavailable
        | Measure::Rpo
        | Measure::DualBelief => {
            format!("{} s", crate::engine::time::SimDuration::from_nanos(value))
        }
        Measure::LostAcked
        | Measure::LostBytes
        | Measure::Failed
        | Measure::Unknown
        | Measure::Outages
        | Measure::Failovers
        | Measure::SplitBrain
        | Measure::StaleReads
        | Measure::ConflictingWrites => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::sample;
    use crate::scenario::model::Bound;

    fn objective(measure: Measure, statistic: Statistic, high: u64) -> Objective {
        let bound = Bound { low: 0, high: Some(high) };
        Objective { text: "bound".into(), service: None, measure, statistic, bound }
    }

    fn with_rto(rto: Rto) -> Record {
        let mut record = sample::record();
        record.services[1].measure.rto = rto;
        record
    }

    fn judge(objective: Objective, records: &[Record]) -> (usize, usize) {
        let service = "hdfs-meta-write".to_owned();
        let asked = Asked { objectives: vec![objective], service };
        let each = records.iter().map(|record| asked.of_run(record));
        let all = each.chain([asked.of_campaign(records)]);
        all.fold((0, 0), |sum, (found, gaps)| (sum.0 + found.len(), sum.1 + gaps.len()))
    }

    #[test]
    fn one_run_is_its_own_statistic() {
        let run = [sample::record()]; // its RTO is 2.531 s
        for statistic in [Statistic::Each, Statistic::Mean, Statistic::Quantile(990)] {
            let bound = |high| objective(Measure::Rto, statistic, high);
            assert_eq!(judge(bound(2_531_000_000), &run), (0, 0));
            assert_eq!(judge(bound(2_530_999_999), &run), (1, 0));
        }
        assert_eq!(judge(objective(Measure::LostAcked, Statistic::Each, 0), &run), (1, 0));
        assert_eq!(judge(objective(Measure::SplitBrain, Statistic::Each, 3), &run), (0, 0));
    }

    #[test]
    fn what_did_not_end_is_longer_than_any_bound_and_few_runs_prove_no_quantile() {
        let second = crate::engine::time::SimDuration::from_secs(1);
        let mut runs = vec![with_rto(Rto::Lasted(second)); 20];
        let p95 = || objective(Measure::Rto, Statistic::Quantile(950), 2_000_000_000);
        assert_eq!(judge(p95(), &runs), (0, 1), "too few runs");
        runs.resize(100, with_rto(Rto::Lasted(second)));
        assert_eq!(judge(p95(), &runs), (0, 0));
        runs[17] = with_rto(Rto::LongerThan(second));
        assert_eq!(judge(p95(), &runs), (0, 0));
        assert_eq!(judge(objective(Measure::Rto, Statistic::Each, u64::MAX), &runs), (1, 0));
        assert_eq!(judge(objective(Measure::Rto, Statistic::Mean, u64::MAX), &runs), (1, 0));
    }
}
