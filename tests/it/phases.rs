//! Phases: the parts of an outage, in their order, and which knob shortens which.
//!
//! Here: the order and sum of the six phases; for each a knob that shortens it, turned as on the
//! command line.
//! Never here: how a path is cut (`runner::finish`).
//! Modelled on: DESIGN 3.6.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use hadr::engine::SimDuration;
use hadr::measure::Rto;
use hadr::runner::record::{Record, ServiceRecord};
use hadr::runner::{Session, Watch};
use hadr::scenario::{Document, Vocabulary, load};
use hadr::systems::Registry;

use crate::cases::Disk;

const SERVICE: &str = "hdfs-meta-write";
const PHASES: [&str; 6] =
    ["detection", "lock", "fencing", "journal recovery", "promotion", "client retry"];

fn run(case: &str, sets: &[&str], seed: u64) -> Record {
    let registry = Arc::new(Registry::builtin());
    let words = Vocabulary::of(&registry);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/cases/{case}.toml"));
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_string()).collect();
    let loaded = load(&path.to_string_lossy(), &sets, &Disk, &words).expect("a committed case");
    let Document::Scenario(scenario) = loaded.document else { panic!("{case} has a topology") };
    let session = Session::open(Arc::new(*scenario), registry, seed, Watch::default());
    session.expect("a committed case can be built").finish()
}

fn writes(record: &Record) -> &ServiceRecord {
    record.services.iter().find(|service| service.name == SERVICE).expect("it is called")
}

/// The six phases of a run, in order, in nanoseconds.
fn phases(record: &Record) -> [u64; 6] {
    let found = &writes(record).phases;
    let names: Vec<&str> = found.iter().map(|phase| phase.name.as_str()).collect();
    assert_eq!(names, PHASES, "{} seed {}", record.scenario, record.seed);
    PHASES.map(|name| {
        let phase = found.iter().find(|phase| phase.name == name).expect("just seen");
        phase.span.as_nanos()
    })
}

/// The means of the phases over some seeds.
fn means(case: &str, sets: &[&str]) -> [SimDuration; 6] {
    let runs = [0, 1, 2].map(|seed| phases(&run(case, sets, seed)));
    std::array::from_fn(|phase| {
        let sum: u64 = runs.iter().map(|run| run[phase]).sum();
        SimDuration::from_nanos(sum / runs.len() as u64)
    })
}

fn at(phase: &str) -> usize {
    PHASES.iter().position(|name| *name == phase).expect("one of the six")
}

#[test]
fn the_phases_stand_in_order_and_sum_to_the_outage() {
    for case in ["nn-process-kill", "nn-host-power-loss"] {
        for seed in 0..6 {
            let record = run(case, &[], seed);
            let service = writes(&record);
            let worst = service.measure.worst.expect("there was an outage");
            let Rto::Lasted(rto) = service.measure.outages[worst].rto else {
                panic!("{case} seed {seed}: the outage has no end")
            };
            assert_eq!(phases(&record).iter().sum::<u64>(), rto.as_nanos(), "{case} seed {seed}");
        }
    }
}

#[test]
fn shortening_a_timer_shortens_the_phase_that_bears_its_name() {
    const KILL: &str = "nn-process-kill";
    const POWER: &str = "nn-host-power-loss";
    // Case, phase, knob, and by what share of itself the phase must shrink at least, in percent.
    let knobs = [
        (KILL, "detection", "hdfs.ha.health-monitor.check-interval.ms=200", 60),
        (POWER, "detection", "hdfs.ha.zookeeper.session-timeout.ms=5000", 30),
        (POWER, "fencing", "core.ipc.client.connect.timeout=5000", 70),
        (POWER, "fencing", "core.ha.failover-controller.graceful-fence.connection.retries=0", 45),
        (POWER, "client retry", "core.ipc.client.rpc-timeout.ms=60000", 80),
        (KILL, "client retry", "hdfs.dfs.client.failover.sleep.base.millis=50", 25),
        (KILL, "client retry", "hdfs.dfs.client.failover.sleep.max.millis=200", 70),
        (KILL, "promotion", "hdfs.hadr.namenode.quota-fixed=0ms", 10),
        (KILL, "journal recovery", "hdfs.hadr.namenode.init-journals=0ms", 40),
    ];
    let stock = BTreeMap::from([KILL, POWER].map(|case| (case, means(case, &[]))));
    for (case, phase, knob, percent) in knobs {
        let stock = stock[case][at(phase)];
        let tuned = means(case, &[&format!("config.{knob}")])[at(phase)];
        let most = stock.scaled(100 - percent, 100);
        assert!(tuned <= most, "{case}, {phase}: {stock} s, with {knob} {tuned} s");
    }
}

/// The disks of the journals are in the two phases that write to them.
#[test]
fn a_slow_disk_lengthens_recovery_and_promotion() {
    let stock = means("nn-process-kill", &[]);
    let slow = means("nn-process-kill", &["disk.sync_min=10ms"]);
    for phase in ["journal recovery", "promotion"] {
        let (stock, slow) = (stock[at(phase)], slow[at(phase)]);
        assert!(stock + SimDuration::from_millis(8) < slow, "{phase}: {stock} s, {slow} s");
    }
}
