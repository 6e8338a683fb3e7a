//! Fenced copy: a copy that stored an entry for one term's writer stores none for an older term's.
//!
//! Here: terms per copy. Across copies an older term may come later: an old write under way.
//! Never here: what an entry says.
//! Modelled on: epoch fencing of the quorum journal, HDFS-3077.

use std::collections::BTreeMap;

use super::{Checker, Evidence, Findings, Property};
use crate::engine::id::{EventId, ProcessId};
use crate::engine::note::Stamped;
use crate::history::{Fact, ResourceName, Term};

/// See the file's first line.
pub const PROPERTY: Property = Property {
    name: "log/fenced-copy",
    meaning: "a copy that stored an entry for one term's writer stores none for an older term's",
    source: "HDFS-3077, epoch fencing",
};

/// Bounded by the copies.
#[derive(Clone, Debug, Default)]
pub(super) struct FencedCopy {
    newest: BTreeMap<(ResourceName, ProcessId), (Term, EventId)>,
}

impl Checker for FencedCopy {
    fn observe(&mut self, entry: &Stamped, fact: &Fact, findings: &mut Findings) {
        let Fact::Durable { resource, term, position, .. } = *fact else { return };
        let newest = self.newest.entry((resource, entry.by)).or_insert((term, entry.event));
        if newest.0 <= term {
            *newest = (term, entry.event);
            return;
        }
        let claim = format!(
            "{} stored {} of {} for term {} after one for term {}",
            findings.names.process(entry.by),
            position.0,
            findings.names.resource(resource),
            term.0,
            newest.0.0
        );
        let events = vec![newest.1, entry.event];
        findings.violated(entry.at, PROPERTY.name, Evidence { claim, events });
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge;
    use super::*;
    use crate::history::{ContentHash, Position};

    fn stored(by: u32, term: u64) -> (ProcessId, Fact) {
        let (resource, position, content) = (ResourceName(0), Position(7), ContentHash(1));
        (ProcessId(by), Fact::Durable { resource, term: Term(term), position, content })
    }

    #[test]
    fn catches_a_forgotten_promise_and_spares_a_write_under_way() {
        let spared = [stored(1, 1), stored(1, 2), stored(2, 1), stored(1, 2)];
        assert_eq!(judge(FencedCopy::default(), &spared), (vec![], vec![]));
        let (found, _) = judge(FencedCopy::default(), &[stored(1, 1), stored(1, 2), stored(1, 1)]);
        assert_eq!(found[0].evidence, [EventId(2), EventId(3)]);
    }
}
