//! Oracle: one property per file, on history only.
//!
//! Here: checkers, the findings they share, and verdicts.
//! Never here: protocol or system types.
//! Modelled on: porcupine, openraft's invariants.

pub mod acked_writes;
pub mod committed_survives;
pub mod fenced_copy;
#[cfg(test)]
mod legal;
pub mod log_matching;
pub mod monotone_terms;
pub mod one_writer;
mod positions;
pub mod returns;
pub mod verdict;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::id::{EventId, ProcessId};
use crate::engine::note::Stamped;
use crate::engine::time::{SimDuration, SimTime};
use crate::history::{Fact, ResourceName, ServiceName};

pub use verdict::{Gap, Verdict, Violation};

/// A property that every run is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property {
    /// Its registered name.
    pub name: &'static str,
    /// What must hold, in a sentence.
    pub meaning: &'static str,
    /// Where that is written.
    pub source: &'static str,
}

/// All of them, in order of name. Broken invariants of models are `model/<name>`.
pub const PROPERTIES: [Property; 7] = [
    acked_writes::PROPERTY,
    committed_survives::PROPERTY,
    fenced_copy::PROPERTY,
    log_matching::PROPERTY,
    monotone_terms::PROPERTY,
    one_writer::PROPERTY,
    returns::PROPERTY,
];

/// What the dense names of a history mean, for people.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// By `ProcessId`.
    pub processes: Arc<[String]>,
    /// By `ResourceName`.
    pub resources: Arc<[String]>,
    /// By `ServiceName`.
    pub services: Arc<[String]>,
}

impl Names {
    fn process(&self, id: ProcessId) -> &str {
        self.processes.get(id.index()).map_or("an unnamed process", String::as_str)
    }

    fn resource(&self, name: ResourceName) -> &str {
        self.resources.get(name.0 as usize).map_or("an unnamed resource", String::as_str)
    }

    fn service(&self, name: ServiceName) -> &str {
        self.services.get(name.0 as usize).map_or("an unnamed service", String::as_str)
    }
}

/// So many violations of one property are told; more say nothing new.
const TOLD_MAX: usize = 8;

/// What was found so far.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    names: Names,
    told: BTreeMap<&'static str, usize>,
    violations: Vec<Violation>,
    gaps: Vec<Gap>,
}

impl Findings {
    /// One more violation, unless its property has had enough.
    fn violated(&mut self, at: SimTime, property: &'static str, evidence: Evidence) {
        let told = self.told.entry(property).or_insert(0);
        *told += 1;
        if *told <= TOLD_MAX {
            let Evidence { claim, events } = evidence;
            self.violations.push(Violation { property, at, claim, evidence: events });
        }
    }

    fn gave_up(&mut self, property: &'static str) {
        let gap = Gap::CheckerGaveUp { property };
        if !self.gaps.contains(&gap) {
            self.gaps.push(gap);
        }
    }
}

/// Why a property is held to be violated.
struct Evidence {
    claim: String,
    events: Vec<EventId>,
}

/// One property, fed online; a plain value, so that a run can be forked.
trait Checker: CloneChecker + Send + Sync + std::fmt::Debug {
    /// One more fact, in order of time.
    fn observe(&mut self, entry: &Stamped, fact: &Fact, findings: &mut Findings);

    /// The run ended at `end`.
    fn finish(&mut self, end: SimTime, findings: &mut Findings) {
        let _ = (end, findings);
    }
}

trait CloneChecker {
    fn clone_box(&self) -> Box<dyn Checker>;
}

impl<C: Checker + Clone + 'static> CloneChecker for C {
    fn clone_box(&self) -> Box<dyn Checker> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Checker> {
    fn clone(&self) -> Box<dyn Checker> {
        (**self).clone_box()
    }
}

/// Every property at once.
#[derive(Clone, Debug)]
pub struct Oracle {
    checkers: Vec<Box<dyn Checker>>,
    returns: returns::Returns,
    findings: Findings,
}

impl Oracle {
    /// A judge of one run.
    pub fn new(names: Names) -> Oracle {
        Oracle {
            checkers: vec![
                Box::new(acked_writes::AckedWrites::default()),
                Box::new(committed_survives::CommittedSurvives::default()),
                Box::new(fenced_copy::FencedCopy::default()),
                Box::new(log_matching::LogMatching::default()),
                Box::new(monotone_terms::MonotoneTerms::default()),
                Box::new(one_writer::OneWriter::default()),
            ],
            returns: returns::Returns::default(),
            findings: Findings { names, ..Findings::default() },
        }
    }

    /// One more entry of the history, in order of time.
    pub fn observe(&mut self, entry: &Stamped) {
        let Some(fact) = Fact::read(&entry.note) else { return };
        for checker in &mut self.checkers {
            checker.observe(entry, &fact, &mut self.findings);
        }
        self.returns.observe(entry, &fact, &mut self.findings);
    }

    /// A model says that one of its invariants does not hold; `name` is `model/<name>`.
    pub fn broken(&mut self, name: &'static str, entry: (SimTime, EventId, ProcessId)) {
        let (at, event, by) = entry;
        let claim = format!("{} broke its invariant", self.findings.names.process(by));
        self.findings.violated(at, name, Evidence { claim, events: vec![event] });
    }

    /// All faults that end have ended: from here each service has to come back within `grace`.
    pub fn demand_return(&mut self, healed: SimTime, grace: SimDuration) {
        self.returns.demand(healed, grace);
    }

    /// Whether anything was found so far.
    pub fn violated(&self) -> bool {
        !self.findings.violations.is_empty()
    }

    /// Violations in order of time, and what was not looked at.
    pub fn finish(mut self, end: SimTime) -> (Vec<Violation>, Vec<Gap>) {
        for checker in &mut self.checkers {
            checker.finish(end, &mut self.findings);
        }
        self.returns.finish(end, &mut self.findings);
        let Findings { mut violations, gaps, .. } = self.findings;
        violations.sort_by_key(|violation| (violation.at, violation.property));
        (violations, gaps)
    }
}

/// Runs one checker over hand-written facts, a second apart; the n-th is event n, from 1.
#[cfg(test)]
fn judge(mut checker: impl Checker, facts: &[(ProcessId, Fact)]) -> (Vec<Violation>, Vec<Gap>) {
    let mut findings = Findings::default();
    let mut at = SimTime::START;
    for (event, (by, fact)) in (1..).zip(facts) {
        at = at + SimDuration::from_secs(1);
        let entry = Stamped { at, by: *by, event: EventId(event), note: (*fact).into() };
        checker.observe(&entry, fact, &mut findings);
    }
    checker.finish(at, &mut findings);
    (findings.violations, findings.gaps)
}
