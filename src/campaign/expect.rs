//! Expect: whether the runs of a scenario do what its file says.
//!
//! Here: the `expect` block held against records.
//! Never here: running them.
//! Modelled on: DESIGN 2: every file in `scenarios/` is run by a test.

use crate::engine::time::SimDuration;
use crate::oracle::Verdict;
use crate::runner::objectives::Asked;
use crate::runner::record::Record;
use crate::scenario::model::{Bound, ExpectedVerdict, Scenario};

/// What did not come out as the file says; empty: all did.
pub fn disappointments(scenario: &Scenario, records: &[Record]) -> Vec<String> {
    let mut wrong = Vec::new();
    let expect = &scenario.expect;
    let asked = Asked { objectives: expect.measures.clone(), ..Asked::by(scenario) };
    let service = &asked.service;
    for record in records {
        let mut say = |what: String| wrong.push(format!("seed {}: {what}", record.seed));
        if let Some(expected) = expect.verdict {
            let verdict = record.verdict();
            if word(&verdict) != expected {
                say(format!("expected the verdict {expected:?}, it is {verdict:?}"));
            }
        }
        if let Some(expected) = &expect.active_at_end {
            let mut found = record.active_at_end.clone();
            found.sort();
            let mut wanted = expected.clone();
            wanted.sort();
            // `*` stands for exactly one, whoever it is.
            let any = wanted == ["*"] && found.len() == 1;
            if !any && found != wanted {
                say(format!("expected active at the end: {wanted:?}, it is {found:?}"));
            }
        }
        if let Some(expected) = &expect.exits {
            let mut found: Vec<&str> =
                record.exits.iter().map(|exit| exit.process.as_str()).collect();
            found.sort_unstable();
            found.dedup();
            let mut wanted: Vec<&str> = expected.iter().map(String::as_str).collect();
            wanted.sort_unstable();
            if found != wanted {
                say(format!("expected these to end themselves: {wanted:?}, found {found:?}"));
            }
        }
        for (phase, bound) in &expect.phases {
            let phases = record.services.iter().find(|one| one.name == *service);
            let spans = phases.into_iter().flat_map(|service| &service.phases);
            let span = spans
                .filter(|found| found.name == *phase)
                .fold(SimDuration::ZERO, |sum, found| sum + found.span);
            if !bound.holds(Some(span.as_nanos())) {
                say(format!("phase {phase} lasted {span} s, expected {}", shown(*bound)));
            }
        }
        for violation in asked.of_run(record).0 {
            say(violation.claim);
        }
    }
    let (violations, gaps) = asked.of_campaign(records);
    wrong.extend(violations.into_iter().map(|violation| violation.claim));
    wrong.extend(gaps.into_iter().map(|gap| gap.to_string()));
    wrong
}

const fn word(verdict: &Verdict) -> ExpectedVerdict {
    match verdict {
        Verdict::Passed => ExpectedVerdict::Passed,
        Verdict::Violated(_) => ExpectedVerdict::Violated,
        Verdict::Inconclusive(_) => ExpectedVerdict::Inconclusive,
    }
}

fn shown(bound: Bound) -> String {
    let low = SimDuration::from_nanos(bound.low);
    match bound.high {
        Some(high) => format!("{low} to {} s", SimDuration::from_nanos(high)),
        None => format!("at least {low} s"),
    }
}
