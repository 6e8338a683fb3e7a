//! Log matching: under one term one position holds one content, wherever it is stored or applied.
//!
//! Here: contents per resource, term and position; bounded, and a gap where the bound was met.
//! Never here: whether an entry is committed; entries without a term.
//! Modelled on: Raft, log matching (Ongaro 2014, 3.5); ZAB, total order.

use std::collections::BTreeMap;

use super::positions::{Forgotten, Positions};
use super::{Checker, Evidence, Findings, Property};
use crate::engine::id::EventId;
use crate::engine::note::Stamped;
use crate::history::{ContentHash, Fact, ResourceName, Term};

/// See the file's first line.
pub const PROPERTY: Property = Property {
    name: "log/matching",
    meaning: "under one term one position holds one content, wherever it is stored or applied",
    source: "Raft's log matching; ZAB's total order",
};

/// Terms kept per resource; copies of older ones are not compared any more.
const TERMS_MAX: usize = 64;

/// One log's contents.
type Contents = BTreeMap<Term, Positions<(ContentHash, EventId)>>;

/// Contents by resource and term.
#[derive(Clone, Debug, Default)]
pub(super) struct LogMatching {
    seen: BTreeMap<ResourceName, Contents>,
}

impl Checker for LogMatching {
    fn observe(&mut self, entry: &Stamped, fact: &Fact, findings: &mut Findings) {
        let (Fact::Durable { resource, term, position, content }
        | Fact::Applied { resource, term, position, content }
        | Fact::Acknowledged { resource, term, position, content }) = *fact
        else {
            return;
        };
        if term == Term::default() {
            return;
        }
        let terms = self.seen.entry(resource).or_default();
        if terms.len() == TERMS_MAX && !terms.contains_key(&term) {
            if terms.first_key_value().is_some_and(|(oldest, _)| term < *oldest) {
                return findings.gave_up(PROPERTY.name);
            }
            terms.pop_first();
        }
        let (there, event) =
            match terms.entry(term).or_default().get_or_insert(position, (content, entry.event)) {
                Ok(there) => there,
                Err(Forgotten) => return findings.gave_up(PROPERTY.name),
            };
        if there != content {
            let claim = format!(
                "{} holds other content at {} of {}, term {}, than was seen before",
                findings.names.process(entry.by),
                position.0,
                findings.names.resource(resource),
                term.0
            );
            let events = vec![event, entry.event];
            findings.violated(entry.at, PROPERTY.name, Evidence { claim, events });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge;
    use super::*;
    use crate::engine::id::ProcessId;
    use crate::history::Position;

    fn stored(by: u32, term: u64, content: u64) -> (ProcessId, Fact) {
        let (resource, position) = (ResourceName(0), Position(7));
        let (term, content) = (Term(term), ContentHash(content));
        (ProcessId(by), Fact::Durable { resource, term, position, content })
    }

    #[test]
    fn catches_two_contents_of_one_term_and_spares_an_overwrite_by_the_next() {
        let spared = [stored(1, 1, 10), stored(2, 1, 10), stored(1, 2, 20), stored(2, 2, 20)];
        assert_eq!(judge(LogMatching::default(), &spared), (vec![], vec![]));
        let (found, _) = judge(LogMatching::default(), &[stored(1, 1, 10), stored(2, 1, 20)]);
        assert_eq!(found[0].evidence, [EventId(1), EventId(2)]);
    }

    #[test]
    fn without_terms_nothing_can_be_compared() {
        let nfs = [stored(1, 0, 10), stored(2, 0, 20)];
        assert_eq!(judge(LogMatching::default(), &nfs), (vec![], vec![]));
    }
}
