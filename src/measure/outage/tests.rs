//! Tests of outages: the definition by example, and against a scan of every instant.
//!
//! Here: hand-written histories; a brute-force twin on small integers.
//! Never here: a simulated system.
//! Modelled on: STYLE rule 22.

use proptest::prelude::*;

use super::*;
use crate::engine::id::ProcessId;
use crate::history::{ContentHash, Fact, ServiceName};
use crate::measure::{Measured, Measures};

const SERVICE: ServiceName = ServiceName(0);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Struck,
    Stopped,
    Invoked,
    Ended(Outcome),
}

/// Builds a run second by second; events of one second keep the order of insertion.
#[derive(Clone, Default)]
struct Script {
    events: Vec<(u64, u64, What)>,
    ops: u64,
}

impl Script {
    fn request(mut self, from: u64, to: Option<u64>, outcome: Outcome) -> Script {
        self.ops += 1;
        self.events.push((from, self.ops, What::Invoked));
        self.events.extend(to.map(|to| (to, self.ops, What::Ended(outcome))));
        self
    }
    fn failed(self, from: u64, to: u64) -> Script {
        self.request(from, Some(to), Outcome::Failed)
    }
    fn served(self, from: u64, to: u64) -> Script {
        self.request(from, Some(to), Outcome::Served)
    }
    fn never(self, from: u64) -> Script {
        self.request(from, None, Outcome::Unknown)
    }
    fn struck(mut self, at: u64) -> Script {
        self.events.push((at, 0, What::Struck));
        self
    }

    fn stopped(mut self, at: u64) -> Script {
        self.events.push((at, 0, What::Stopped));
        self
    }

    fn play(mut self, setup: &Setup, scale: u64, end: u64) -> Measured {
        self.events.sort_by_key(|event| event.0);
        let mut measures = Measures::new(setup);
        for (event, (at, op, what)) in self.events.into_iter().enumerate() {
            let at = SimTime::from_nanos(at * scale);
            let fact = match what {
                What::Struck => {
                    measures.fault_struck(at);
                    continue;
                }
                What::Stopped => {
                    measures.load_stopped(at);
                    continue;
                }
                What::Invoked => {
                    let content = ContentHash(op);
                    Fact::Invoked { service: SERVICE, op: OpId(op), write: true, bytes: 1, content }
                }
                What::Ended(outcome) => Fact::Ended { service: SERVICE, op: OpId(op), outcome },
            };
            let (by, event) = (ProcessId(1), EventId(event as u64));
            measures.observe(&Stamped { at, by, event, note: fact.into() });
        }
        measures.finish(SimTime::from_nanos(end * scale))
    }

    fn seconds(self, end: u64) -> ServiceMeasure {
        self.play(&Setup::new(1, 0), 1_000_000_000, end).services.remove(0)
    }
}

fn s(s: u64) -> SimTime {
    SimTime::from_nanos(s * 1_000_000_000)
}

fn spans(measure: &ServiceMeasure) -> Vec<(SimTime, SimTime)> {
    measure.outages.iter().map(|outage| (outage.from, outage.to)).collect()
}

#[test]
fn bad_requests_join_and_a_run_cut_off_stays_in_the_tail() {
    let requests = Script::default()
        .failed(97, 98)
        .served(99, 120)
        .failed(101, 110)
        .failed(130, 131)
        .struck(40)
        .struck(98);
    let ended = requests.clone().seconds(300);
    assert_eq!(spans(&ended), [(s(97), s(131))]);
    assert_eq!(ended.rto, Rto::Lasted(s(131).since(s(98))));
    // No good request ended between them.
    assert_eq!(ended.unavailable, SimDuration::from_secs(131 - 97));
    assert_eq!((ended.acked, ended.failed, ended.unknown), (1, 3, 0));

    let cut_off = requests.seconds(160);
    assert_eq!(cut_off.rto, Rto::LongerThan(s(160).since(s(98))));
    assert!(ended.rto < cut_off.rto);
    assert!(Rto::Lasted(SimDuration::from_secs(999)) < cut_off.rto);
}

#[test]
fn a_request_that_never_ends_is_bad_to_the_horizon_and_unknown() {
    let hung = Script::default().struck(20).never(30).served(50, 50).seconds(100);
    assert_eq!(spans(&hung), [(s(31), s(100))]);
    assert_eq!(hung.rto, Rto::LongerThan(SimDuration::from_secs(80)));
    assert_eq!(hung.unknown, 1);
    // To a new client the service was there.
    assert_eq!(hung.rto_first, Some(SimDuration::from_secs(30)));
}

#[test]
fn outages_a_stability_window_apart_are_two_and_the_longest_counts() {
    let two = Script::default().struck(10).failed(11, 14).struck(40).failed(44, 60).seconds(200);
    assert_eq!(spans(&two), [(s(11), s(14)), (s(44), s(60))]);
    assert_eq!(two.outages.iter().map(|outage| outage.onset).collect::<Vec<_>>(), [s(10), s(40)]);
    assert_eq!((two.rto, two.worst), (Rto::Lasted(SimDuration::from_secs(20)), Some(1)));
    let one = Script::default().struck(10).failed(11, 14).failed(43, 60).seconds(200);
    assert_eq!(spans(&one), [(s(11), s(60))]);
}

#[test]
fn the_noticeable_delay_is_three_times_the_calm_99th_percentile() {
    let slow = (0..100).fold(Script::default(), |script, n| script.served(n * 3, n * 3 + 2));
    let measure = slow.struck(301).served(302, 307).served(310, 317).seconds(400);
    assert!(SimDuration::from_secs(6) <= measure.noticeable);
    assert!(measure.noticeable < SimDuration::from_millis(6_050));
    assert_eq!(spans(&measure), [(s(310) + measure.noticeable, s(317))]);
}

#[test]
fn the_first_good_request_comes_after_onset_and_first_bad_request() {
    // Writes go on for 6 s after the fault, then break: what was good before does not count.
    let later = Script::default()
        .struck(10)
        .served(12, 12)
        .served(15, 15)
        .failed(16, 40)
        .failed(30, 41)
        .served(29, 29) // a new client, while the old ones hang
        .served(60, 60)
        .seconds(200);
    assert_eq!(later.rto, Rto::Lasted(SimDuration::from_secs(31)));
    assert_eq!(later.rto_first, Some(SimDuration::from_secs(19)));
    let good = later.outages[0].first_good.expect("a good request");
    assert_eq!((good.invoked, good.ended), (s(29), s(29)));
}

#[test]
fn the_gap_between_acknowledgements_is_that_around_the_onset() {
    let gaps = Script::default()
        .served(1, 1)
        .served(9, 9) // 8 s, long before
        .served(18, 18)
        .struck(20)
        .served(24, 24) // 6 s around the onset
        .failed(20, 25)
        .served(26, 26)
        .seconds(100);
    assert_eq!(gaps.ack_gap, Some(SimDuration::from_secs(74)), "up to the end of the run");
    let served = (27..100).fold(
        Script::default().served(1, 1).served(9, 9).served(18, 18).struck(20).failed(20, 25),
        |script, at| script.served(at, at),
    );
    assert_eq!(served.seconds(100).ack_gap, Some(SimDuration::from_secs(9)));
}

#[test]
fn nobody_noticed_is_an_rto_of_zero_and_measure_from_overrides() {
    let calm = Script::default().served(1, 1).struck(5).served(6, 6).served(99, 99);
    let measure = calm.clone().seconds(200);
    assert_eq!((measure.rto, measure.worst), (Rto::Lasted(SimDuration::ZERO), None));
    let setup = Setup { measure_from: Some(s(2)), ..Setup::new(1, 0) };
    let bad = calm.failed(7, 9).play(&setup, 1_000_000_000, 200).services.remove(0);
    assert_eq!(bad.rto, Rto::Lasted(SimDuration::from_secs(7)));
}

#[test]
fn settled_means_good_for_a_stability_window() {
    let mut measures = Measures::new(&Setup::new(1, 0));
    let mut event = 0;
    let mut tell = |measures: &mut Measures, at: u64, fact: Fact| {
        event += 1;
        let (by, event) = (ProcessId(1), EventId(event));
        measures.observe(&Stamped { at: s(at), by, event, note: fact.into() });
    };
    let content = ContentHash(0);
    for at in 1..100 {
        let op = OpId(at);
        let invoked = Fact::Invoked { service: SERVICE, op, write: false, bytes: 0, content };
        tell(&mut measures, at, invoked);
        if at == 50 {
            measures.fault_struck(s(50));
        }
        let outcome = if (50..60).contains(&at) { Outcome::Failed } else { Outcome::Served };
        tell(&mut measures, at, Fact::Ended { service: SERVICE, op, outcome });
        assert_eq!(measures.settled(s(at)), !(50..89).contains(&at), "at {at} s");
    }
    assert!(!measures.clone().settled(s(150)), "nothing was acknowledged since");
}

#[test]
fn a_failure_that_was_over_before_the_fault_is_not_the_faults() {
    let before = Script::default().failed(6, 6).struck(7).served(60, 60).seconds(100);
    assert_eq!(before.outages[0].onset, s(6));
    assert_eq!(before.rto, Rto::Lasted(SimDuration::ZERO));
    let through = Script::default().failed(6, 8).struck(7).served(60, 60).seconds(100);
    assert_eq!(through.rto, Rto::Lasted(SimDuration::from_secs(1)));
}

#[test]
fn where_the_load_stops_is_the_horizon() {
    // The audit goes on for an hour: no silence, and nothing in it is an outage.
    let calm = Script::default().served(1, 1).struck(10).failed(10, 12).served(50, 50).stopped(60);
    let measure = calm.clone().served(60, 61).seconds(3_660);
    assert_eq!(measure.rto, Rto::Lasted(SimDuration::from_secs(2)));
    assert_eq!(measure.ack_gap, Some(SimDuration::from_secs(49)));
    // What was hung then is bad to the horizon, though its end is heard of later.
    for hung in [calm.clone().failed(40, 90), calm.clone().never(39)] {
        let measure = hung.seconds(3_660);
        assert_eq!((measure.outages[0].to, measure.outages[0].ended_by), (s(60), None));
        assert_eq!(measure.rto, Rto::LongerThan(SimDuration::from_secs(50)));
    }
}

/// The definition, instant by instant, in units.
struct Naive {
    requests: Vec<(u64, Option<u64>, bool)>,
    noticeable: u64,
    stability: u64,
    end: u64,
}

impl Naive {
    fn bad(&self) -> Vec<(u64, u64)> {
        let interval = |&(from, to, served): &(u64, Option<u64>, bool)| match (to, served) {
            (Some(to), false) => Some((from, to)),
            (Some(to), true) => {
                (from + self.noticeable < to).then_some((from + self.noticeable, to))
            }
            (None, _) => {
                let late = from + self.noticeable;
                (late < self.end).then_some((late, self.end))
            }
        };
        self.requests.iter().filter_map(interval).collect()
    }

    /// An instant belongs to an outage if bad intervals lie around it, less than a window apart.
    fn outages(&self) -> Vec<(u64, u64)> {
        let mut bad = self.bad();
        bad.sort_unstable();
        let mut found: Vec<(u64, u64)> = Vec::new();
        for at in 0..=self.end {
            for (from, to) in bad.iter().filter(|span| span.0 <= at && at <= span.1) {
                match found.iter_mut().find(|one| *from < one.1 + self.stability) {
                    Some(one) => one.1 = one.1.max(*to),
                    None => found.push((*from, *to)),
                }
            }
        }
        found
    }

    /// From the end of one bad request to that of the next, if no good one ended between.
    fn barren(&self) -> Vec<(u64, u64)> {
        let mut ends: Vec<_> = self.requests.iter().filter(|one| one.1.is_some()).collect();
        ends.sort_by_key(|one| one.1);
        let is_bad = |one: &(u64, u64, bool)| !one.2 || one.0 + self.noticeable < one.1;
        let ends: Vec<_> = ends.into_iter().map(|one| (one.0, one.1.unwrap(), one.2)).collect();
        let pairs = ends.windows(2).filter(|two| two.iter().all(is_bad));
        let barren = pairs.map(|two| (two[0].1, two[1].1));
        barren.filter(|gap| gap.1 < gap.0 + self.stability).collect()
    }

    fn unavailable(&self) -> u64 {
        let bad = [self.bad(), self.barren()].concat();
        (0..self.end).filter(|at| bad.iter().any(|one| one.0 <= *at && *at < one.1)).count() as u64
    }
}

proptest! {
    #[test]
    fn online_outages_are_those_of_a_scan(
        requests in proptest::collection::vec((0_u64..120, 0_u64..40, 0_u8..4), 0..24),
        strikes in proptest::collection::vec(0_u64..120, 0..3),
    ) {
        let (scale, end, noticeable, stability) = (1_000, 150, 3, 8);
        let mut script = Script::default().struck(0);
        script = strikes.iter().fold(script, |script, at| script.struck(*at));
        let mut naive = Naive { requests: vec![], noticeable, stability, end };
        for (from, span, kind) in requests {
            let (to, outcome) = match kind {
                0 => (None, Outcome::Unknown),
                1 => (Some(from + span), Outcome::Failed),
                2 => (Some(from + span), Outcome::Unknown),
                _ => (Some(from + span), Outcome::Served),
            };
            naive.requests.push((from, to.filter(|to| *to <= end), outcome == Outcome::Served));
            script = script.request(from, to.filter(|to| *to <= end), outcome);
        }
        // A fault at the very start: nothing is calm, the least noticeable delay stands.
        script.events.retain(|event| event.2 != What::Struck || event.0 != 0 || event.1 == 0);
        script.events.sort_by_key(|event| (event.0, event.2 != What::Struck));
        let setup = Setup {
            stability: SimDuration::from_nanos(stability * scale),
            noticeable_min: SimDuration::from_nanos(noticeable * scale),
            ..Setup::new(1, 0)
        };
        let measure = script.play(&setup, scale, end).services.remove(0);
        let in_units = |at: SimTime| at.as_nanos() / scale;
        let found = spans(&measure).into_iter();
        let found: Vec<_> = found.map(|s| (in_units(s.0), in_units(s.1))).collect();
        prop_assert_eq!(&found, &naive.outages());
        prop_assert_eq!(measure.unavailable.as_nanos() / scale, naive.unavailable());
        for outage in &measure.outages {
            let from = in_units(outage.from);
            let seen_by = in_units(outage.to).min(from + noticeable);
            let struck = strikes.iter().chain(&[0]).filter(|at| **at <= seen_by).max();
            prop_assert_eq!(Some(&in_units(outage.onset)), struck);
            prop_assert_eq!(outage.rto.censored(), end < in_units(outage.to) + stability);
        }
    }
}

proptest! {
    /// Whatever is observed, in whatever order of faults, load's end and slow requests.
    #[test]
    fn measures_are_consistent_whatever_happens(
        requests in proptest::collection::vec((0_u64..120, 0_u64..40, 0_u8..4), 0..24),
        strikes in proptest::collection::vec(0_u64..150, 0..3),
        stop in proptest::option::of(100_u64..150),
        measure_from in proptest::option::of(0_u64..150),
    ) {
        let (scale, end) = (1_000_000_000, 160);
        let script = strikes.iter().fold(Script::default(), |script, at| script.struck(*at));
        let script = stop.into_iter().fold(script, Script::stopped);
        let script = requests.iter().fold(script, |script, (from, span, kind)| {
            let outcomes = [Outcome::Unknown, Outcome::Failed, Outcome::Served];
            let outcome = outcomes[usize::from(*kind % 3)];
            script.request(*from, (*kind != 3).then_some(from + span), outcome)
        });
        let setup = Setup { measure_from: measure_from.map(s), ..Setup::new(1, 0) };
        let measure = script.play(&setup, scale, end).services.remove(0);
        let horizon = s(stop.unwrap_or(end));
        let loaded = requests.iter().filter(|one| stop.is_none_or(|stop| one.0 < stop)).count();
        prop_assert_eq!(measure.requests(), loaded as u64);
        prop_assert!(measure.unavailable <= horizon.since_start());
        let spans = measure.outages.iter();
        prop_assert!(spans.clone().all(|one| one.from <= one.to && one.to <= horizon));
        prop_assert!(spans.clone().all(|one| one.onset <= one.to));
        prop_assert!(measure.outages.windows(2).all(|two| two[0].to < two[1].from));
        prop_assert_eq!(spans.map(|one| one.rto).max(), measure.worst.map(|_| measure.rto));
        for outage in &measure.outages {
            let took = outage.first_good.map(|good| good.ended.since(good.invoked));
            prop_assert!(took.is_none_or(|took| took <= measure.noticeable));
            let from_strike = strikes.iter().chain(&measure_from).any(|at| s(*at) == outage.onset);
            prop_assert!(from_strike || outage.onset == outage.from);
        }
    }
}
