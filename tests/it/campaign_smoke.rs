//! Campaign smoke: the death of the active NameNode in clusters of several shapes, over seeds.
//!
//! Here: all come back, nothing acknowledged is lost, nobody else writes; and twice the same.
//! Never here: how long it takes (that is `scenarios/cases`).
//! Modelled on: STYLE, "campaign smoke".

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;

use hadr::campaign::pool::Pool;
use hadr::engine::digest::hash;
use hadr::oracle::Verdict;
use hadr::runner::record::Record;
use hadr::runner::{Session, Watch};

use crate::runs::Case;

/// Runs of each shape. In a build without optimization a run takes half a second.
const SEEDS: u64 = if cfg!(debug_assertions) { 2 } else { 6 };

/// Clusters, as values set on `nn-process-kill`.
const SHAPES: [&[&str]; 8] = [
    &[],
    &["config.hdfs.profile=hadoop-3.3"],
    &["topology.roles.journalnode.count=5", "topology.roles.zookeeper.count=5"],
    &["topology.roles.namenode.count=3", "topology.roles.zkfc=3"],
    &[
        "config.hdfs.dfs.ha.tail-edits.in-progress=true",
        "config.hdfs.dfs.ha.tail-edits.period=100ms",
    ],
    &["config.hdfs.dfs.namenode.edits.asynclogging=false"],
    &["config.zookeeper.tickTime=500", "config.hdfs.ha.zookeeper.session-timeout.ms=5000"],
    &["sizes.namespace-inodes=5000000", "workload.0.rate=40/s"],
];

fn campaign(jobs: usize, watch: Watch) -> Vec<Record> {
    let shapes: Vec<Case> = SHAPES
        .iter()
        .map(|sets| Case::load("nn-process-kill", sets).expect("a shape of the case"))
        .collect();
    let pool =
        Pool { jobs: NonZeroUsize::new(jobs), progress: &|_| {}, stop: &AtomicBool::new(false) };
    let records = pool.run(shapes.len() * usize::try_from(SEEDS).expect("few"), |index| {
        let seed = (index / SHAPES.len()) as u64;
        let session: Session = shapes[index % SHAPES.len()].open(seed, watch);
        session.finish()
    });
    records.expect("no run panics")
}

/// One number for them all.
fn digest_of_digests(records: &[Record]) -> u64 {
    let digests = records.iter().flat_map(|run| [run.digest, run.history_digest]);
    hash(&digests.flat_map(u64::to_le_bytes).collect::<Vec<u8>>())
}

#[test]
fn every_shape_survives_the_death_of_its_active_and_does_so_twice() {
    let records = campaign(0, Watch::default());
    for (index, record) in records.iter().enumerate() {
        let shape = SHAPES[index % SHAPES.len()];
        let told = format!("{shape:?}: {}", record.reproduce);
        assert_eq!(record.verdict(), Verdict::Passed, "{told}");
        assert_eq!(record.failovers.len(), 1, "{told}");
        assert_eq!(record.exits, [], "{told}");
    }
    let again = campaign(1, Watch { story: true, census: true, history: false });
    assert_eq!(digest_of_digests(&again), digest_of_digests(&records));
}
