//! Expect: whether the runs of a scenario do what its file says.
//!
//! Here: the `expect` block held against records.
//! Never here: running them.
//! Modelled on: DESIGN 2: every file in `scenarios/` is run by a test.

use std::collections::BTreeSet;

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
        let exited = record.exits.iter().map(|exit| exit.process.as_str()).collect();
        let active = record.active_at_end.iter().map(String::as_str).collect();
        for (claim, expected, found) in [
            ("active at the end", &expect.active_at_end, active),
            ("to end themselves", &expect.exits, exited),
        ] {
            let Some(wanted) = expected else { continue };
            if !these(scenario, wanted, &found) {
                say(format!("expected {claim}: {wanted:?}, found {found:?}"));
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

/// Whether exactly the wanted ones were found: each by its name, as some process of a role, or as
/// whoever it is (`*`).
fn these(scenario: &Scenario, wanted: &[String], found: &BTreeSet<&str>) -> bool {
    let processes = &scenario.topology.processes;
    let of_role = |name: &str, role: &str| {
        processes.iter().any(|process| process.name == name && process.role == role)
    };
    let is_name = |word: &str| processes.iter().any(|process| process.name == word);
    let mut left = found.clone();
    let mut take = |fits: &dyn Fn(&str) -> bool| {
        let one = left.iter().copied().find(|name| fits(name));
        one.is_some_and(|name| left.remove(name))
    };
    // The choosy ones first.
    let (names, others): (Vec<&String>, Vec<&String>) =
        wanted.iter().partition(|word| is_name(word));
    let (any, roles): (Vec<&String>, Vec<&String>) =
        others.into_iter().partition(|word| *word == "*");
    names.into_iter().all(|name| take(&|one| one == name))
        && roles.into_iter().all(|role| take(&|one| of_role(one, role)))
        && any.into_iter().all(|_| take(&|_| true))
        && left.is_empty()
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
