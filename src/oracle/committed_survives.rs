//! Committed survives: an acknowledged entry stands in the log of its term and of every later one.
//!
//! No copy may store, and no replica apply, other content at its position under the same or a
//! later term; no writer of any term may acknowledge other content there; and the holder of the
//! active or leading role may not drop it. A copy may still store what an *older* writer had sent
//! before it was deposed: that is an entry nobody acknowledged.
//!
//! Here: the acknowledged contents; bounded, and a gap where the bound was met.
//! Never here: how many copies make an entry safe.
//! Modelled on: Raft, leader completeness (Ongaro 2014, 3.6); ZAB, agreement.

use std::collections::BTreeMap;

use super::positions::{Forgotten, Positions};
use super::{Checker, Evidence, Findings, Property};
use crate::engine::id::{EventId, ProcessId};
use crate::engine::note::Stamped;
use crate::history::{ContentHash, Fact, Position, ResourceName, Role, Term};

/// See the file's first line.
pub const PROPERTY: Property = Property {
    name: "log/committed-survives",
    meaning: "an acknowledged entry stands in the log of its term and of every later one",
    source: "Raft's leader completeness; ZAB's agreement",
};

/// An acknowledged entry.
#[derive(Clone, Copy, Debug)]
struct Acked {
    term: Term,
    content: ContentHash,
    event: EventId,
}

#[derive(Clone, Debug, Default)]
struct Resource {
    acked: Positions<Acked>,
    last: Option<(Position, EventId)>,
    holder: Option<ProcessId>,
}

/// Acknowledged contents by resource.
#[derive(Clone, Debug, Default)]
pub(super) struct CommittedSurvives {
    resources: BTreeMap<ResourceName, Resource>,
}

impl Checker for CommittedSurvives {
    fn observe(&mut self, entry: &Stamped, fact: &Fact, findings: &mut Findings) {
        match *fact {
            Fact::Acknowledged { resource, term, position, content } => {
                let state = self.resources.entry(resource).or_default();
                let acked = Acked { term, content, event: entry.event };
                match state.acked.get_or_insert(position, acked) {
                    Ok(there) if there.content != content => {
                        self.contradicted(entry, (resource, position, there), findings);
                    }
                    Ok(_) => {
                        let last = Some((position, entry.event));
                        state.last = state.last.max(last);
                    }
                    Err(Forgotten) => findings.gave_up(PROPERTY.name),
                }
            }
            Fact::Durable { resource, term, position, content }
            | Fact::Applied { resource, term, position, content } => {
                let Some(state) = self.resources.get(&resource) else { return };
                match state.acked.get(position) {
                    Ok(Some(there)) if there.content != content && there.term <= term => {
                        self.contradicted(entry, (resource, position, there), findings);
                    }
                    Ok(_) => {}
                    Err(Forgotten) => findings.gave_up(PROPERTY.name),
                }
            }
            Fact::Truncated { resource, position } => {
                self.truncated(entry, resource, position, findings)
            }
            Fact::RoleClaimed { resource, role: Role::Active | Role::Leader, .. } => {
                self.resources.entry(resource).or_default().holder = Some(entry.by);
            }
            Fact::RoleLost { resource, role: Role::Active | Role::Leader, .. } => {
                let state = self.resources.entry(resource).or_default();
                state.holder = state.holder.filter(|holder| *holder != entry.by);
            }
            Fact::RoleClaimed { .. }
            | Fact::RoleLost { .. }
            | Fact::Invoked { .. }
            | Fact::Ended { .. }
            | Fact::Audited { .. }
            | Fact::RoleServed { .. }
            | Fact::TermBegun { .. }
            | Fact::CopyShipped { .. }
            | Fact::CopyPromoted { .. }
            | Fact::Noted { .. } => {}
        }
    }
}

impl CommittedSurvives {
    fn contradicted(
        &self,
        entry: &Stamped,
        (resource, position, there): (ResourceName, Position, Acked),
        findings: &mut Findings,
    ) {
        let claim = format!(
            "{} has other content at {} of {} than was acknowledged under term {}",
            findings.names.process(entry.by),
            position.0,
            findings.names.resource(resource),
            there.term.0
        );
        let events = vec![there.event, entry.event];
        findings.violated(entry.at, PROPERTY.name, Evidence { claim, events });
    }

    fn truncated(
        &self,
        entry: &Stamped,
        resource: ResourceName,
        keep: Position,
        findings: &mut Findings,
    ) {
        let Some(state) = self.resources.get(&resource) else { return };
        let Some((last, event)) = state.last.filter(|(last, _)| keep < *last) else { return };
        if state.holder != Some(entry.by) {
            return; // one copy of several: what it lost it may fetch again
        }
        let claim = format!(
            "{}, which serves {}, dropped everything after {}, acknowledged up to {}",
            findings.names.process(entry.by),
            findings.names.resource(resource),
            keep.0,
            last.0
        );
        let events = vec![event, entry.event];
        findings.violated(entry.at, PROPERTY.name, Evidence { claim, events });
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge;
    use super::*;

    const LOG: ResourceName = ResourceName(0);

    fn acked(by: u32, term: u64, content: u64) -> (ProcessId, Fact) {
        let (term, position, content) = (Term(term), Position(7), ContentHash(content));
        (ProcessId(by), Fact::Acknowledged { resource: LOG, term, position, content })
    }

    fn stored(by: u32, term: u64, content: u64) -> (ProcessId, Fact) {
        let (term, position, content) = (Term(term), Position(7), ContentHash(content));
        (ProcessId(by), Fact::Durable { resource: LOG, term, position, content })
    }

    fn leads(by: u32) -> (ProcessId, Fact) {
        let fact = Fact::RoleClaimed { resource: LOG, role: Role::Leader, term: Term(1) };
        (ProcessId(by), fact)
    }

    fn truncates(by: u32, keep: u64) -> (ProcessId, Fact) {
        (ProcessId(by), Fact::Truncated { resource: LOG, position: Position(keep) })
    }

    #[test]
    fn catches_a_later_term_that_overwrites_and_spares_an_older_writer_under_way() {
        let spared = [stored(1, 1, 9), acked(8, 2, 10), stored(2, 2, 10), stored(3, 1, 9)];
        assert_eq!(judge(CommittedSurvives::default(), &spared), (vec![], vec![]));
        let (found, _) = judge(CommittedSurvives::default(), &[acked(8, 1, 10), stored(3, 2, 11)]);
        assert_eq!(found[0].evidence, [EventId(1), EventId(2)]);
    }

    #[test]
    fn catches_two_acknowledgements_whatever_their_terms_and_spares_a_repeated_one() {
        let spared = [acked(8, 1, 10), acked(9, 2, 10)];
        assert_eq!(judge(CommittedSurvives::default(), &spared), (vec![], vec![]));
        let (found, _) = judge(CommittedSurvives::default(), &[acked(9, 2, 10), acked(8, 1, 11)]);
        assert_eq!(found[0].evidence, [EventId(1), EventId(2)]);
    }

    #[test]
    fn catches_a_leader_that_drops_what_it_acknowledged_and_spares_a_follower_in_resync() {
        let spared = [leads(8), acked(8, 1, 10), truncates(3, 6), truncates(8, 7)];
        assert_eq!(judge(CommittedSurvives::default(), &spared), (vec![], vec![]));
        let dropped = [leads(8), acked(8, 1, 10), truncates(8, 6)];
        let (found, _) = judge(CommittedSurvives::default(), &dropped);
        assert_eq!(found[0].evidence, [EventId(2), EventId(3)]);
    }
}
