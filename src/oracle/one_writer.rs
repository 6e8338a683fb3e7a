//! A term has one writer: no two processes begin the same one.
//!
//! Here: who began each term that is still young.
//! Never here: whether an older writer still writes (that is `log/fenced-copy`).
//! Modelled on: Raft, election safety (Ongaro 2014, 3.4); QJM's unique epochs.

use std::collections::BTreeMap;

use super::{Checker, Evidence, Findings, Property};
use crate::engine::id::{EventId, ProcessId};
use crate::engine::note::Stamped;
use crate::history::{Fact, ResourceName, Term};

/// See the file's first line.
pub const PROPERTY: Property = Property {
    name: "log/one-writer-per-term",
    meaning: "no two processes begin the same term of a resource",
    source: "Raft's election safety; QJM's newEpoch",
};

/// So many young terms are kept per resource.
const TERMS_MAX: usize = 1_024;

/// Who began which term.
#[derive(Clone, Debug, Default)]
pub(super) struct OneWriter {
    writers: BTreeMap<ResourceName, BTreeMap<Term, (ProcessId, EventId)>>,
}

impl Checker for OneWriter {
    fn observe(&mut self, entry: &Stamped, fact: &Fact, findings: &mut Findings) {
        let Fact::TermBegun { resource, term } = *fact else { return };
        let terms = self.writers.entry(resource).or_default();
        let (by, event) = *terms.entry(term).or_insert((entry.by, entry.event));
        if by != entry.by {
            let name = |id| findings.names.process(id);
            let claim = format!(
                "term {} of {} was begun by {} and by {}",
                term.0,
                findings.names.resource(resource),
                name(by),
                name(entry.by)
            );
            let events = vec![event, entry.event];
            findings.violated(entry.at, PROPERTY.name, Evidence { claim, events });
        }
        if TERMS_MAX < terms.len() {
            terms.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge;
    use super::*;

    fn begins(by: u32, resource: u32, term: u64) -> (ProcessId, Fact) {
        let (resource, term) = (ResourceName(resource), Term(term));
        (ProcessId(by), Fact::TermBegun { resource, term })
    }

    #[test]
    fn catches_two_writers_of_one_term_and_spares_terms_of_other_resources() {
        let spared = [begins(1, 0, 1), begins(2, 0, 2), begins(2, 1, 1), begins(1, 0, 1)];
        assert_eq!(judge(OneWriter::default(), &spared), (vec![], vec![]));
        let (found, _) = judge(OneWriter::default(), &[begins(1, 0, 1), begins(2, 0, 1)]);
        assert_eq!(found[0].evidence, [EventId(1), EventId(2)]);
    }
}
