//! Legal: histories of an honest replicated log, of which no checker may complain.
//!
//! Here: a writer per term, three copies of which any two may be reached, late arrivals from the
//! term before, truncation of what was never acknowledged.
//! Never here: a simulated system.
//! Modelled on: QJM and ZAB, reduced to who stores what.

use proptest::prelude::*;

use super::*;
use crate::history::{ContentHash, OpId, Outcome, Position, Role, Term};

const LOG: ResourceName = ResourceName(0);
const SERVICE: ServiceName = ServiceName(0);
const COPIES: [ProcessId; 3] = [ProcessId(10), ProcessId(11), ProcessId(12)];

/// What one reign does: its writer, the copy it never reaches, how many entries it stores, and how
/// many of the last of them it does not acknowledge any more.
type Reign = (u32, usize, u64, u64);

#[derive(Default)]
struct Honest {
    facts: Vec<(ProcessId, Fact)>,
    log: Vec<ContentHash>,
    acked: usize,
    ops: u64,
}

impl Honest {
    fn store(&mut self, term: u64, position: usize, missing: usize) {
        let content = self.log[position];
        let (term, position) = (Term(term), Position(position as u64 + 1));
        for copy in COPIES.iter().enumerate().filter(|(n, _)| *n != missing).map(|(_, copy)| *copy)
        {
            self.facts.push((copy, Fact::Durable { resource: LOG, term, position, content }));
        }
    }

    fn reign(&mut self, term: u64, (writer, missing, entries, unacked): Reign) {
        let by = ProcessId(writer);
        self.facts.push((by, Fact::TermBegun { resource: LOG, term: Term(term) }));
        let claim = Fact::RoleClaimed { resource: LOG, role: Role::Leader, term: Term(term) };
        self.facts.push((by, claim));
        // Recovery: what was acknowledged stays, the rest may go; what stays is stored anew.
        let lost = self.log.len() - self.acked;
        self.log.truncate(self.acked);
        if 0 < lost {
            let position = Position(self.acked as u64);
            self.facts.push((COPIES[missing], Fact::Truncated { resource: LOG, position }));
        }
        let recovered = self.log.len().saturating_sub(3)..self.log.len();
        recovered.for_each(|position| self.store(term, position, missing));
        for n in 0..entries {
            let content = ContentHash(term << 32 | n);
            self.log.push(content);
            let position = self.log.len() - 1;
            self.write(term, by, (content, n + unacked < entries), (position, missing));
        }
        let lost = Fact::RoleLost { resource: LOG, role: Role::Leader, term: Term(term) };
        self.facts.push((by, lost));
    }

    fn write(
        &mut self,
        term: u64,
        by: ProcessId,
        (content, acked): (ContentHash, bool),
        (position, missing): (usize, usize),
    ) {
        self.ops += 1;
        let op = OpId(self.ops);
        let invoked = Fact::Invoked { service: SERVICE, op, write: true, bytes: 1, content };
        self.facts.push((ProcessId(20), invoked));
        self.store(term, position, missing);
        let outcome = if acked { Outcome::Served } else { Outcome::Unknown };
        if acked {
            self.acked = position + 1;
            let position = Position(self.acked as u64);
            let term = Term(term);
            self.facts.push((by, Fact::Acknowledged { resource: LOG, term, position, content }));
        }
        self.facts.push((ProcessId(20), Fact::Ended { service: SERVICE, op, outcome }));
        let present = acked;
        self.facts.push((ProcessId(21), Fact::Audited { service: SERVICE, op, present }));
    }
}

fn judge_all(facts: &[(ProcessId, Fact)], fork_at: usize) -> [(Vec<Violation>, Vec<Gap>); 2] {
    let mut oracle = Oracle::new(Names::default());
    let mut fork = None;
    let mut at = SimTime::START;
    for (event, (by, fact)) in (1..).zip(facts) {
        if event == fork_at as u64 + 1 {
            fork = Some(oracle.clone());
        }
        at = at + SimDuration::from_millis(1);
        let entry = Stamped { at, by: *by, event: EventId(event), note: (*fact).into() };
        oracle.observe(&entry);
        if let Some(fork) = &mut fork {
            fork.observe(&entry);
        }
    }
    let fork = fork.unwrap_or_else(|| oracle.clone());
    [oracle.finish(at), fork.finish(at)]
}

proptest! {
    #[test]
    fn an_honest_log_is_never_accused_and_forks_judge_alike(
        reigns in proptest::collection::vec((1_u32..4, 0_usize..3, 0_u64..12, 0_u64..4), 1..12),
        fork_at in 0_usize..200,
    ) {
        let mut honest = Honest::default();
        (1..).zip(&reigns).for_each(|(term, reign)| honest.reign(term, *reign));
        let [whole, forked] = judge_all(&honest.facts, fork_at);
        prop_assert_eq!(&whole, &(vec![], vec![]));
        prop_assert_eq!(whole, forked);
    }

    #[test]
    fn a_later_reign_that_forgets_an_acknowledged_entry_is_always_accused(
        reigns in proptest::collection::vec((1_u32..4, 0_usize..3, 1_u64..12, 0_u64..1), 2..8),
    ) {
        let mut dishonest = Honest::default();
        for (term, reign) in (1..).zip(&reigns) {
            if term == reigns.len() as u64 {
                dishonest.acked -= 1; // recovery overlooks the last acknowledged entry
            }
            dishonest.reign(term, *reign);
        }
        let [(found, _), _] = judge_all(&dishonest.facts, 0);
        let name = committed_survives::PROPERTY.name;
        prop_assert!(found.iter().any(|violation| violation.property == name));
    }
}
