//! Monotone terms: a process that began or held a term never begins or claims an older one.
//!
//! Here: terms per process and resource.
//! Never here: who else holds the term.
//! Modelled on: ZAB's accepted epoch, QJM's last writer epoch, Raft's current term.

use std::collections::BTreeMap;

use super::{Checker, Evidence, Findings, Property};
use crate::engine::id::{EventId, ProcessId};
use crate::engine::note::Stamped;
use crate::history::{Fact, ResourceName, Role, Term};

/// See the file's first line.
pub const PROPERTY: Property = Property {
    name: "log/monotone-terms",
    meaning: "a process that began or held a term never begins or claims an older one",
    source: "ZAB's accepted epoch; QJM's last writer epoch; Raft's current term",
};

/// Bounded by the processes.
#[derive(Clone, Debug, Default)]
pub(super) struct MonotoneTerms {
    newest: BTreeMap<(ResourceName, ProcessId), (Term, EventId)>,
}

impl Checker for MonotoneTerms {
    fn observe(&mut self, entry: &Stamped, fact: &Fact, findings: &mut Findings) {
        let (Fact::TermBegun { resource, term }
        | Fact::RoleClaimed { resource, role: Role::Active | Role::Leader, term }) = *fact
        else {
            return;
        };
        let newest = self.newest.entry((resource, entry.by)).or_insert((term, entry.event));
        if newest.0 <= term {
            *newest = (term, entry.event);
            return;
        }
        let claim = format!(
            "{} went back from term {} to term {} of {}",
            findings.names.process(entry.by),
            newest.0.0,
            term.0,
            findings.names.resource(resource)
        );
        let events = vec![newest.1, entry.event];
        findings.violated(entry.at, PROPERTY.name, Evidence { claim, events });
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge;
    use super::*;

    fn claims(by: u32, role: Role, term: u64) -> (ProcessId, Fact) {
        let (resource, term) = (ResourceName(0), Term(term));
        (ProcessId(by), Fact::RoleClaimed { resource, role, term })
    }

    #[test]
    fn catches_a_step_back_and_spares_a_slower_process_and_a_standby() {
        let spared = [
            claims(1, Role::Leader, 5),
            claims(2, Role::Leader, 4),
            claims(1, Role::Standby, 0),
            claims(1, Role::Leader, 5),
        ];
        assert_eq!(judge(MonotoneTerms::default(), &spared), (vec![], vec![]));
        let back = [claims(1, Role::Leader, 5), claims(1, Role::Leader, 4)];
        let (found, _) = judge(MonotoneTerms::default(), &back);
        assert_eq!(found[0].evidence, [EventId(1), EventId(2)]);
    }
}
