//! Compare: architectures under disasters, each pair over the same replications.
//!
//! Replication k of every cell is the run of seed root + k: designs meet the same weather. Tasks
//! are ordered by replication first, so that a campaign that is stopped keeps whole replications.
//!
//! Here: the grid, its order, the records by cell and replication.
//! Never here: how a world is built from an architecture and a disaster (the caller's `run`).
//! Modelled on: common random numbers; ranking and selection on paired samples.

use super::pool::{Panicked, Pool};
use crate::engine::digest::hash;
use crate::runner::objectives::Asked;
use crate::runner::record::Record;

/// One architecture under one disaster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The design's name.
    pub architecture: String,
    /// The disaster's name.
    pub disaster: String,
    /// Hash of the scenario that the two make; `Err`: why they make none.
    pub scenario: Result<u64, String>,
    /// What its runs must hold.
    pub asked: Asked,
}

/// What is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In the order of the report; architectures are listed disaster by disaster.
    pub cells: Vec<Cell>,
    /// Seed of the first replication.
    pub root: u64,
    /// Replications.
    pub runs: u64,
}

/// The records of all cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// What was asked; `runs` is what was finished.
    pub plan: Plan,
    /// By cell, then replication; empty where the disaster is not applicable. Without timelines.
    pub records: Vec<Vec<Record>>,
}

/// Runs the plan; `run` is given a cell's index and a seed.
///
/// # Errors
/// A run that panicked, with the cell and the seed that repeat it.
pub fn compare(
    plan: Plan,
    pool: &Pool<'_>,
    run: impl Fn(usize, u64) -> Record + Sync,
) -> Result<Comparison, (Panicked, usize, u64)> {
    let applicable: Vec<_> =
        (0..plan.cells.len()).filter(|cell| plan.cells[*cell].scenario.is_ok()).collect();
    let width = applicable.len().max(1);
    let task = |index: usize| (applicable[index % width], plan.root + (index / width) as u64);
    let count = applicable.len() * usize::try_from(plan.runs).unwrap_or(usize::MAX);
    let told = pool.run(count, |index| {
        let (cell, seed) = task(index);
        run(cell, seed).without_story()
    });
    let mut told = told.map_err(|panicked| {
        let (cell, seed) = task(panicked.index);
        (panicked, cell, seed)
    })?;

    let runs = told.len() / width;
    told.truncate(runs * width);
    let mut records = vec![Vec::with_capacity(runs); plan.cells.len()];
    for (index, record) in told.into_iter().enumerate() {
        records[applicable[index % width]].push(record);
    }
    Ok(Comparison { plan: Plan { runs: runs as u64, ..plan }, records })
}

impl Comparison {
    /// One number for every run in it: over the history digests, cell by cell.
    pub fn digest_of_digests(&self) -> u64 {
        let digests = self.records.iter().flatten().map(|record| record.history_digest);
        let bytes: Vec<u8> = digests.flat_map(u64::to_le_bytes).collect();
        hash(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::sample;
    use std::num::NonZeroUsize;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn plan(runs: u64) -> Plan {
        let cell = |architecture: &str, scenario| Cell {
            architecture: architecture.into(),
            disaster: "kill".into(),
            scenario,
            asked: Asked::default(),
        };
        let none = Err("it has no JournalNodes".into());
        Plan {
            cells: vec![cell("qjm", Ok(1)), cell("nfs", none), cell("tuned", Ok(2))],
            root: 7,
            runs,
        }
    }

    fn run(cell: usize, seed: u64) -> Record {
        Record { scenario: cell.to_string(), seed, ..sample::record() }
    }

    #[test]
    fn a_replication_is_a_seed_and_every_cell_meets_it() {
        let stop = AtomicBool::new(false);
        let pool = |jobs| Pool { jobs: NonZeroUsize::new(jobs), progress: &|_| {}, stop: &stop };
        let one = compare(plan(3), &pool(1), run).expect("no panic");
        assert_eq!(one, compare(plan(3), &pool(4), run).expect("no panic"));
        let seeds = |cell: usize| one.records[cell].iter().map(|record| record.seed);
        assert!(seeds(0).eq(7..10) && seeds(1).eq(0..0) && seeds(2).eq(7..10));
        assert!(one.records[2].iter().all(|record| record.scenario == "2"));
    }

    #[test]
    fn a_stopped_campaign_keeps_whole_replications() {
        let stop = AtomicBool::new(false);
        let pool = Pool { jobs: NonZeroUsize::new(1), progress: &|_| {}, stop: &stop };
        let stopping = |cell, seed| {
            stop.fetch_or(seed == 9, Ordering::Relaxed);
            run(cell, seed)
        };
        let found = compare(plan(100), &pool, stopping).expect("no panic");
        assert!(found.plan.runs < 100);
        assert_eq!(found.records[0].len(), found.records[2].len());
    }
}
