//! Determinism: the same scenario, seed and lineage give the same run, whoever watches and on
//! however many threads.
//!
//! Here: digests and whole records compared; what a fork repeats and what it costs.
//! Never here: what runs should do.
//! Modelled on: madsim's check, openraft's two-run comparison; STYLE rule 24, DESIGN 3.5.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;

use hadr::campaign::pool::Pool;
use hadr::engine::time::{SimDuration, SimTime};
use hadr::runner::record::Record;
use hadr::runner::{Session, Watch};

use crate::runs::Case;

fn case(name: &str) -> Case {
    Case::load(name, &[]).expect("a committed scenario")
}

const fn at(seconds: u64) -> SimTime {
    SimTime::from_nanos(seconds * 1_000_000_000)
}

/// Both digests: of the kernel's events and of the history.
fn digests(session: &Session) -> (u64, u64) {
    (session.digest(), session.history_digest())
}

#[test]
fn the_same_seed_is_the_same_run_and_another_is_another() {
    for name in ["nn-process-kill", "jn-rolling-restart", "zk-quorum-loss"] {
        let case = case(name);
        let run = case.run(3);
        assert_eq!(case.run(3), run, "{name}: whole records");
        let other = case.run(4);
        assert_ne!(
            (other.digest, other.history_digest),
            (run.digest, run.history_digest),
            "{name}"
        );
    }
}

#[test]
fn whoever_watches_moves_nothing() {
    let case = case("nn-process-kill");
    let unseen = case.run(1);
    for bits in 1..8 {
        let [story, census, history] = [bits & 1, bits & 2, bits & 4].map(|bit| bit != 0);
        let watch = Watch { story, census, history };
        let (seen, notes) = case.open(1, watch).finish_with_history();
        assert_eq!((!seen.census.is_empty(), !notes.is_empty()), (census, history));
        let seen = Record { timeline: Vec::new(), census: Vec::new(), ..seen };
        let plain = Record { timeline: Vec::new(), census: Vec::new(), ..unseen.clone() };
        assert_eq!(seen, plain, "{watch:?}");
    }
}

#[test]
fn in_however_small_steps_it_is_advanced_the_run_is_the_same() {
    let case = case("zk-leader-and-nn-kill");
    let mut whole = case.open(2, Watch::default());
    whole.advance(at(140));
    let mut steps = case.open(2, Watch::default());
    let mut until = SimTime::START;
    while until < at(140) {
        until = at(140).min(until + SimDuration::from_millis(337));
        steps.advance(until);
    }
    assert_eq!(digests(&steps), digests(&whole));
}

#[test]
fn threads_divide_the_runs_and_never_a_run() {
    let case = case("nn-process-kill");
    let stop = AtomicBool::new(false);
    let campaign = |jobs: usize| {
        let pool = Pool { jobs: NonZeroUsize::new(jobs), progress: &|_| {}, stop: &stop };
        pool.run(8, |seed| case.run(seed as u64)).expect("no run panics")
    };
    assert_eq!(campaign(4), campaign(1));
}

#[test]
fn a_fork_repeats_the_past_and_draws_a_future_of_its_own() {
    let case = case("nn-process-kill");
    let mut trunk = case.open(0, Watch::default());
    trunk.advance(at(65));
    let (mut left, mut right) = (trunk.fork(1), trunk.fork(2));
    let again = trunk.fork(1);
    assert_eq!(digests(&left).1, digests(&trunk).1, "the past is one");
    for session in [&mut trunk, &mut left, &mut right] {
        session.advance(at(75));
    }
    let all = [digests(&trunk), digests(&left), digests(&right)];
    assert!(all[0] != all[1] && all[0] != all[2] && all[1] != all[2], "{all:?}");
    let record = left.finish();
    assert_eq!(again.finish(), record, "the same branch is the same run");
    assert_eq!(record.lineage.len(), 1);

    // From the start, by the lineage that the record names.
    let lineage = record.lineage.join("/").parse().expect("what is printed can be read");
    let how = (Watch::default(), &lineage);
    let replayed = Session::open_lineage(case.scenario.clone(), case.registry.clone(), 0, how)
        .expect("it ran");
    assert_eq!(replayed.finish(), record);
}

#[test]
fn a_fork_of_a_fork_replays_too() {
    let case = case("jn-and-nn-kill");
    let mut session = case.open(5, Watch::default());
    for (until, branch) in [(50, 7), (80, 1)] {
        session.advance(at(until));
        session = session.fork(branch);
    }
    let record = session.finish();
    let lineage = record.lineage.join("/").parse().expect("what is printed can be read");
    let how = (Watch::default(), &lineage);
    let replayed = Session::open_lineage(case.scenario.clone(), case.registry.clone(), 5, how)
        .expect("it ran");
    assert_eq!(replayed.finish(), record);
}

/// What grows with a run is shared between clones; the rest of a cluster of three ZooKeeper
/// servers, three JournalNodes, two NameNodes with controllers and six clients is copied.
#[test]
fn a_clone_of_the_world_is_small_however_long_it_ran() {
    let calm = Case::load("nn-process-kill", &["fault.0.at=9m", "run.jitter=0s"]).expect("a case");
    let mut session = calm.open(0, Watch::default());
    for minute in [1, 2, 4, 8] {
        session.advance(at(60 * minute));
        let world = session.world();
        let cost = allocation_counter::measure(|| drop(std::hint::black_box(world.clone())));
        let told = format!("minute {minute}: {cost:?}");
        assert!(cost.bytes_total < 256 << 10 && cost.count_total < 500, "{told}");
    }
}
