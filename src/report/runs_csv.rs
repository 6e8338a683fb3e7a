//! Runs, as CSV: a line for each run and service.
//!
//! Here: the columns of `runs.csv`.
//! Never here: statistics.
//! Modelled on: RFC 4180; DESIGN section 7.

use super::run_json::hex;
use crate::campaign::compare::{Cell, Comparison};
use crate::engine::time::SimDuration;
use crate::runner::record::{Record, Rto, ServiceRecord};

const HEADER: [&str; 25] = [
    "architecture",
    "disaster",
    "seed",
    "service",
    "rto_s",
    "rto_censored",
    "rto_first_s",
    "ack_gap_s",
    "noticed",
    "outages",
    "unavailable_s",
    "acked",
    "failed",
    "unknown",
    "rpo_s",
    "rpo_censored",
    "lost_acked",
    "lost_bytes",
    "split_brain_grade",
    "dual_belief_s",
    "stale_reads",
    "conflicting_writes",
    "verdict",
    "digest",
    "history_digest",
];

/// The whole file.
///
/// # Errors
/// None on a buffer in memory; the writer's type has them.
pub fn runs(comparison: &Comparison) -> Result<String, csv::Error> {
    let mut lines = csv::Writer::from_writer(Vec::new());
    lines.write_record(HEADER)?;
    for (cell, records) in comparison.plan.cells.iter().zip(&comparison.records) {
        for record in records {
            for service in &record.services {
                lines.write_record(line(cell, record, service))?;
            }
        }
    }
    let bytes = lines.into_inner().map_err(|error| error.into_error())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn line(cell: &Cell, record: &Record, service: &ServiceRecord) -> [String; 25] {
    let text = |span: Option<SimDuration>| span.map_or(String::new(), |span| span.to_string());
    let measure = &service.measure;
    let loss = measure.loss.as_ref();
    let found = || record.split_brain.iter().map(|one| &one.found);
    let dual = found().fold(SimDuration::ZERO, |sum, one| sum + one.dual_belief);
    [
        cell.architecture.clone(),
        cell.disaster.clone(),
        record.seed.to_string(),
        service.name.clone(),
        match measure.rto {
            Rto::Lasted(span) => span.to_string(),
            Rto::LongerThan(_) => String::new(),
        },
        measure.rto.censored().to_string(),
        text(measure.rto_first),
        text(measure.ack_gap),
        measure.worst.is_some().to_string(),
        measure.outages.len().to_string(),
        measure.unavailable.to_string(),
        measure.acked.to_string(),
        measure.failed.to_string(),
        measure.unknown.to_string(),
        text(loss.and_then(|loss| loss.rpo)),
        loss.is_some_and(|loss| loss.rpo.is_none()).to_string(),
        loss.map_or(0, |loss| loss.lost_ops).to_string(),
        loss.map_or(0, |loss| loss.lost_bytes).to_string(),
        found().map(|one| one.grade()).max().unwrap_or(0).to_string(),
        dual.to_string(),
        found().map(|one| one.stale_reads).sum::<u64>().to_string(),
        found().map(|one| one.conflicting_writes).sum::<u64>().to_string(),
        record.verdict().name().to_owned(),
        hex(record.digest),
        hex(record.history_digest),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::sample;
    use expect_test::expect_file;

    #[test]
    fn the_contract_is_golden() {
        let text = runs(&sample::comparison(3)).expect("memory takes it");
        expect_file!["golden/runs.csv"].assert_eq(&text);
        assert_eq!(text.lines().count(), 1 + 5 * 3);
    }
}
