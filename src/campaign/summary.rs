//! Summary: what a comparison says, in numbers.
//!
//! Here: quantiles, shares, mean phases and paired differences of a comparison's records.
//! Never here: formatting; the definition of a measure.
//! Modelled on: DESIGN sections 7 and 8, `hadr.compare/1`.

use std::collections::BTreeMap;

use super::compare::Comparison;
use crate::engine::time::SimDuration;
use crate::measure::Loss;
use crate::measure::interval;
use crate::measure::quantile::{Level, beyond_max, quantile};
use crate::oracle::{Gap, Verdict, Violation};
use crate::runner::record::{Record, ServiceRecord};

pub use crate::measure::interval::{Difference, Paired, Share};
pub use crate::measure::quantile::Quantile;
pub use crate::runner::record::Rto;

/// Age of a loss in one run; what could not be audited sorts last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rpo {
    /// The audit saw everything.
    Lost(SimDuration),
    /// It did not.
    NotAudited,
}

/// Where the values of a sample lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread<T> {
    /// Median, if there are enough runs.
    pub p50: Option<Quantile<T>>,
    /// 95 % of runs are no longer, if there are enough.
    pub p95: Option<Quantile<T>>,
    /// 99 %.
    pub p99: Option<Quantile<T>>,
    /// The greatest seen.
    pub max: Option<T>,
    /// The share of runs that may exceed it, at most, with 95 % confidence.
    pub beyond_max: f64,
    /// The sample, sorted.
    pub sorted: Vec<T>,
}

/// Everything that is said of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Seed of the first replication.
    pub root: u64,
    /// Replications.
    pub runs: u64,
    /// In the plan's order.
    pub cells: Vec<CellSummary>,
    /// Every architecture against the first one, disaster by disaster.
    pub paired: Vec<PairSummary>,
}

/// One architecture under one disaster.
#[derive(Clone, Debug, PartialEq)]
pub struct CellSummary {
    /// The design's name.
    pub architecture: String,
    /// The disaster's name.
    pub disaster: String,
    /// Why nothing was run.
    pub not_applicable: Option<String>,
    /// In order of name.
    pub services: Vec<ServiceSummary>,
    /// In order of name.
    pub split_brain: Vec<ResourceSummary>,
    /// Runs that passed.
    pub passed: u64,
    /// Runs in which a property or an objective was violated.
    pub violated: u64,
    /// Runs in which too little was seen.
    pub inconclusive: u64,
    /// Bounds on statistics that the runs miss.
    pub missed: Vec<Violation>,
    /// Bounds on statistics that so few runs cannot decide.
    pub undecided: Vec<Gap>,
}

/// One service in one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceSummary {
    /// `hdfs-meta-write` say.
    pub name: String,
    /// Runs.
    pub runs: u64,
    /// Runs that ended within an outage.
    pub censored: u64,
    /// Runs in which anyone noticed anything.
    pub noticed: Share,
    /// Of all runs; where nobody noticed anything it is zero.
    pub rto: Spread<Rto>,
    /// Of the runs in which writes were acknowledged.
    pub rpo: Spread<Rpo>,
    /// Runs whose audit was not complete.
    pub rpo_censored: u64,
    /// Runs that lost anything acknowledged.
    pub lost: Share,
    /// Most acknowledged operations lost in one run.
    pub lost_most: u64,
    /// Mean time per phase, over the runs that have phases, in the order of the path.
    pub phases: Vec<(String, SimDuration)>,
}

/// One resource in one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceSummary {
    /// `hdfs:ns1` say.
    pub resource: String,
    /// Share of the runs that ended in grade 0, 1, 2, 3.
    pub grades: [Share; 4],
}

/// Two architectures on the same replications.
#[derive(Clone, Debug, PartialEq)]
pub struct PairSummary {
    /// The disaster's name.
    pub disaster: String,
    /// The service's.
    pub service: String,
    /// The first architecture's.
    pub first: String,
    /// The other's.
    pub second: String,
    /// RTO of the second minus that of the first.
    pub rto: Paired,
}

impl Summary {
    /// Every bound on a statistic that is missed or not decided, by cell.
    pub fn verdict(&self) -> Verdict {
        let missed = self.cells.iter().flat_map(|cell| cell.missed.iter().cloned());
        let undecided = self.cells.iter().flat_map(|cell| cell.undecided.iter().cloned());
        Verdict::of(missed.collect(), undecided.collect())
    }
}

impl<T: Ord + Copy> Spread<T> {
    fn of(sample: impl Iterator<Item = T>) -> Spread<T> {
        let mut sorted: Vec<T> = sample.collect();
        sorted.sort_unstable();
        Spread {
            p50: quantile(&sorted, Level::MEDIAN),
            p95: quantile(&sorted, Level::P95),
            p99: quantile(&sorted, Level::P99),
            max: sorted.last().copied(),
            beyond_max: beyond_max(sorted.len()),
            sorted,
        }
    }
}

impl Rpo {
    fn of(loss: &Loss) -> Rpo {
        loss.rpo.map_or(Rpo::NotAudited, Rpo::Lost)
    }
}

/// Says it.
pub fn summarize(comparison: &Comparison) -> Summary {
    let cells = comparison.plan.cells.iter().zip(&comparison.records);
    let cells = cells.map(|(cell, records)| {
        let count = |is: fn(&Verdict) -> bool| {
            records.iter().filter(|record| is(&record.verdict())).count() as u64
        };
        let (missed, undecided) = match records.is_empty() {
            true => (Vec::new(), Vec::new()),
            false => cell.asked.of_campaign(records),
        };
        CellSummary {
            missed,
            undecided,
            architecture: cell.architecture.clone(),
            disaster: cell.disaster.clone(),
            not_applicable: cell.scenario.as_ref().err().cloned(),
            services: services(records).map(|name| service(records, name)).collect(),
            split_brain: resources(records),
            passed: count(|verdict| matches!(verdict, Verdict::Passed)),
            violated: count(|verdict| matches!(verdict, Verdict::Violated(_))),
            inconclusive: count(|verdict| matches!(verdict, Verdict::Inconclusive(_))),
        }
    });
    Summary {
        root: comparison.plan.root,
        runs: comparison.plan.runs,
        cells: cells.collect(),
        paired: paired(comparison),
    }
}

fn services(records: &[Record]) -> impl Iterator<Item = &str> {
    records.iter().take(1).flat_map(|record| &record.services).map(|one| one.name.as_str())
}

/// In order of replication; a service stands at the same place in every run of a cell.
fn of_service<'a>(records: &'a [Record], name: &'a str) -> impl Iterator<Item = &'a ServiceRecord> {
    records.iter().flat_map(|record| &record.services).filter(move |one| one.name == name)
}

fn service(records: &[Record], name: &str) -> ServiceSummary {
    let all: Vec<_> = of_service(records, name).collect();
    let count =
        |is: &dyn Fn(&ServiceRecord) -> bool| all.iter().filter(|one| is(one)).count() as u64;
    let runs = all.len() as u64;
    let losses = || all.iter().filter_map(|one| one.measure.loss.as_ref());
    let lost = losses().filter(|loss| 0 < loss.lost_ops).count() as u64;
    ServiceSummary {
        name: name.to_owned(),
        runs,
        censored: count(&|one| one.measure.rto.censored()),
        noticed: interval::rare(count(&|one| one.measure.worst.is_some()), runs),
        rto: Spread::of(all.iter().map(|one| one.measure.rto)),
        rpo: Spread::of(losses().map(Rpo::of)),
        rpo_censored: losses().filter(|loss| loss.rpo.is_none()).count() as u64,
        lost: interval::rare(lost, losses().count() as u64),
        lost_most: losses().map(|loss| loss.lost_ops).max().unwrap_or(0),
        phases: phases(&all),
    }
}

fn phases(all: &[&ServiceRecord]) -> Vec<(String, SimDuration)> {
    let with: Vec<_> = all.iter().filter(|one| !one.phases.is_empty()).collect();
    let mut order: Vec<&str> = Vec::new();
    let mut sums: BTreeMap<&str, SimDuration> = BTreeMap::new();
    for phase in with.iter().flat_map(|one| &one.phases) {
        if !order.contains(&phase.name.as_str()) {
            order.push(&phase.name);
        }
        *sums.entry(&phase.name).or_default() += phase.span;
    }
    let mean = |name: &str| sums[name].scaled(1, with.len() as u64);
    order.into_iter().map(|name| (name.to_owned(), mean(name))).collect()
}

fn resources(records: &[Record]) -> Vec<ResourceSummary> {
    let mut counts: BTreeMap<&str, [u64; 4]> = BTreeMap::new();
    for resource in records.iter().flat_map(|record| &record.split_brain) {
        let grades = counts.entry(&resource.resource).or_default();
        grades[usize::from(resource.found.grade())] += 1;
    }
    let share = |count| interval::rare(count, records.len() as u64);
    let summary = |(resource, grades): (&str, [u64; 4])| ResourceSummary {
        resource: resource.to_owned(),
        grades: grades.map(share),
    };
    counts.into_iter().map(summary).collect()
}

fn paired(comparison: &Comparison) -> Vec<PairSummary> {
    let cells: Vec<_> = comparison.plan.cells.iter().zip(&comparison.records).collect();
    let Some(baseline) = cells.first().map(|(cell, _)| &cell.architecture) else { return vec![] };
    let ran = |records: &[Record]| !records.is_empty();
    let mut found = Vec::new();
    for (other, records) in cells.iter().filter(|(cell, _)| cell.architecture != *baseline) {
        let first = cells
            .iter()
            .find(|(cell, _)| cell.architecture == *baseline && cell.disaster == other.disaster);
        let Some((_, base)) = first.filter(|(_, base)| ran(base) && ran(records)) else { continue };
        for name in services(records) {
            let rtos = |of| of_service(of, name).map(|one| one.measure.rto).collect::<Vec<_>>();
            let (first, second) = (rtos(base), rtos(records));
            if first.len() != second.len() {
                continue; // a service that only one of the designs has
            }
            found.push(PairSummary {
                disaster: other.disaster.clone(),
                service: name.to_owned(),
                first: baseline.clone(),
                second: other.architecture.clone(),
                rto: interval::paired(&first, &second),
            });
        }
    }
    found
}
