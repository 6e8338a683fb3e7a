//! Sample: a comparison, written by hand, for golden files.
//!
//! Here: three designs under two disasters; one design lacks a role, one run never ends.
//! Never here: a simulation.
//! Modelled on: the built-in designs.

use super::compare::{Cell, Comparison, Plan};
use crate::engine::time::SimDuration;
use crate::runner::objectives::Asked;
use crate::runner::record::{Outage, Record, Rto};
use crate::runner::sample;
use crate::scenario::model::{Bound, Measure, Objective, Statistic};

const DESIGNS: [&str; 3] = ["tutorial-sshfence", "qjm-stock", "nfs-unfenced"];
const DISASTERS: [&str; 2] = ["nn-host-power-loss", "jn-majority-loss"];

/// As many replications of each.
pub(crate) fn comparison(runs: u64) -> Comparison {
    let mut cells = Vec::new();
    let mut records = Vec::new();
    for (disaster, disaster_name) in DISASTERS.into_iter().enumerate() {
        for (design, design_name) in DESIGNS.into_iter().enumerate() {
            let scenario = match (design, disaster) {
                (2, 1) => Err("it has no journalnode".to_owned()),
                (_, _) => Ok((design * 10 + disaster) as u64),
            };
            let ran = if scenario.is_ok() { runs } else { 0 };
            records.push((0..ran).map(|seed| record(design, disaster, seed)).collect());
            let (architecture, disaster) = (design_name.into(), disaster_name.into());
            let bound = Bound { low: 0, high: Some(60_000_000_000) };
            let text = "rto_p95 < 60s".to_owned();
            let (measure, statistic) = (Measure::Rto, Statistic::Quantile(950));
            let objective = Objective { text, service: None, measure, statistic, bound };
            let service = "hdfs-meta-write".to_owned();
            let asked = Asked { objectives: vec![objective], service };
            cells.push(Cell { architecture, disaster, scenario, asked });
        }
    }
    Comparison { plan: Plan { cells, root: 0, runs }, records }
}

fn record(design: usize, disaster: usize, seed: u64) -> Record {
    let mut record = sample::record().without_story();
    record.seed = seed;
    record.history_digest = seed * 7 + design as u64;
    record.services.remove(0);
    record.violations.retain(|_| design == 2);
    record.gaps.clear();
    let weather = seed * 7_919 % 997; // the same for every design
    let ms = match (design, disaster) {
        (0, 0) => 400_000,
        (1, 0) => 50_000 + weather * 15 + seed % 5 * 900,
        (_, 0) => 12_000 + weather * 8,
        (_, _) => 2_000 + weather,
    };
    let span = SimDuration::from_millis(ms);
    let service = &mut record.services[0];
    let measure = &mut service.measure;
    let never = (design, disaster) == (0, 0) && !seed.is_multiple_of(9) || weather == 500;
    measure.rto =
        if never { Rto::LongerThan(SimDuration::from_secs(600)) } else { Rto::Lasted(span) };
    measure.outages = vec![Outage { rto: measure.rto, ..measure.outages[0] }];
    if (design, disaster) == (1, 1) && seed.is_multiple_of(2) {
        (measure.rto, measure.worst) = (Rto::Lasted(SimDuration::ZERO), None);
        measure.outages.clear();
    }
    if design < 2 {
        measure.loss = measure.loss.map(|loss| crate::measure::Loss {
            rpo: Some(SimDuration::ZERO),
            lost_ops: 0,
            lost_bytes: 0,
            ..loss
        });
        record.split_brain[0].found = Default::default();
    }
    let whole = service.phases.iter().fold(SimDuration::ZERO, |sum, phase| sum + phase.span);
    for phase in &mut service.phases {
        phase.span = span.scaled(phase.span.as_nanos(), whole.as_nanos());
    }
    if service.measure.rto.censored() {
        service.phases.clear();
    }
    record
}
