//! The tutorial's programs do what they say.

use std::sync::Arc;

use hadr::engine::SimDuration;
use hadr::measure::Rto;
use hadr::oracle::Verdict;
use hadr::runner::{Record, Session, Watch};
use hadr::scenario::{Document, Scenario, Vocabulary, load};
use hadr::systems::Registry;

use crate::cases::Disk;

#[expect(dead_code, reason = "its main prints")]
#[path = "../../examples/flow_resumes.rs"]
mod flow_resumes;
#[expect(dead_code, reason = "its main prints")]
#[path = "../../examples/fork_at_a_mark.rs"]
mod fork_at_a_mark;
#[expect(dead_code, reason = "its main prints")]
#[path = "../../examples/gate_found_open.rs"]
mod gate_found_open;
#[expect(dead_code, reason = "its main prints")]
#[path = "../../examples/lock_on_the_path.rs"]
mod lock_on_the_path;
#[expect(dead_code, reason = "its main is the command line")]
#[path = "../../examples/my_controller/main.rs"]
mod my_controller;
#[expect(dead_code, reason = "its main prints")]
#[path = "../../examples/power_cut.rs"]
mod power_cut;

fn ms(ns: SimDuration) -> u64 {
    ns.as_millis()
}

#[test]
fn the_critical_path_names_the_lock_and_what_held_it() {
    let path = lock_on_the_path::run();
    let total: u64 = path.iter().map(|(_, span)| span.as_nanos()).sum();
    assert_eq!(total / 1_000_000_000, 2, "the reader waited for the scan: {path:?}");
    let waited = path.iter().find(|(label, _)| label.contains("for the store lock"));
    assert!(waited.is_some_and(|(label, _)| label.starts_with("waited 1.9 s")), "{path:?}");
    let scan = path.iter().find(|(label, _)| label == "store worked");
    assert_eq!(scan.map(|(_, span)| ms(*span)), Some(2_000), "{path:?}");
}

#[test]
fn a_back_off_that_outlasts_the_gate_is_the_clients_phase() {
    let (phases, wait) = gate_found_open::run();
    let spans: Vec<_> = phases.iter().map(|(name, span)| (*name, ms(*span))).collect();
    assert_eq!(spans[0], ("start-up", 5_000));
    assert_eq!((spans.len(), spans[1].0, spans[1].1 / 10), (2, "client retry", 200));
    assert_eq!(wait, "client back-off");
}

#[test]
fn both_futures_of_a_fork_replay_from_their_lineage() {
    let [straight, one, two, again] = fork_at_a_mark::run();
    assert!(straight != one && one != two && straight != two);
    assert_eq!(one, again);
}

#[test]
fn what_was_acknowledged_was_synced_and_what_was_synced_survives() {
    use power_cut::{Outcome, SYNCED, WRITTEN, run};
    assert_eq!(run(1, None), Outcome { acked: true, lines_found: 1 });
    assert_eq!(run(1, Some(SYNCED)), Outcome { acked: false, lines_found: 1 });
    let unsynced: Vec<_> = (0..32).map(|seed| run(seed, Some(WRITTEN))).collect();
    assert!(unsynced.iter().all(|outcome| !outcome.acked));
    // The kernel may have written it back, or not: both happen.
    let kept = unsynced.iter().filter(|outcome| outcome.lines_found == 1).count();
    assert!((4..=28).contains(&kept), "{kept} of 32");
}

#[test]
fn a_flow_stalls_in_a_cut_and_loses_only_the_time_of_it() {
    let told = flow_resumes::run();
    let words: Vec<_> = told.iter().map(|(_, word)| *word).collect();
    assert_eq!(words, ["stalled", "resumed", "done"]);
    let times: Vec<_> = told.iter().map(|(at, _)| at.as_nanos() / 1_000_000).collect();
    assert_eq!(times, [5_000, 12_000, 17_000]);
}

/// The scenario beside the example, with what is set over it.
fn leased(seed: u64, sets: &[&str], plants: &[&str]) -> Record {
    let registry = Arc::new(Registry::builtin().with(my_controller::MINE));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/my_controller/scenario.toml");
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    let loaded = load(path, &sets, &Disk, &Vocabulary::of(&registry)).expect("it is right");
    let Document::Scenario(scenario) = loaded.document else { panic!("it has a topology") };
    let plants = plants.iter().map(ToString::to_string).collect();
    let scenario = Arc::new(Scenario { plants, ..*scenario });
    Session::open(scenario, registry, seed, Watch::default()).expect("it can be built").finish()
}

#[test]
fn a_foreign_controllers_key_moves_its_phase_and_its_plant_is_found() {
    for seed in 0..8 {
        let [stock, long] = ["6000", "12000"].map(|span| {
            let record = leased(seed, &[&format!("config.lease.lease.span.ms={span}")], &[]);
            assert_eq!(record.verdict(), Verdict::Passed, "seed {seed}");
            let service = &record.services[0];
            let names: Vec<_> = service.phases.iter().map(|phase| phase.name.as_str()).collect();
            assert_eq!(names, ["lease expiry", "client retry"], "seed {seed}");
            let sum = service.phases.iter().fold(SimDuration::ZERO, |sum, one| sum + one.span);
            assert_eq!(service.measure.rto, Rto::Lasted(sum), "phases sum to the RTO");
            ms(service.phases[0].span)
        });
        // The lease was last renewed at most a third of it before the fault.
        assert!((4_000..8_100).contains(&stock), "{stock}");
        assert!((8_000..16_100).contains(&long) && stock + 3_900 < long, "{stock} {long}");

        let planted = leased(seed, &[], &["no-fencing"]);
        let mut found = planted.violations.iter().map(|violation| violation.property);
        assert!(found.any(|property| property == "log/fenced-copy"), "seed {seed}");
    }
}
