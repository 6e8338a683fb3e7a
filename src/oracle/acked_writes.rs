//! Acknowledged writes: a write that its client heard acknowledged is found by the audit.
//!
//! Here: audits that did not find one; a later audit that does clears it.
//! Never here: writes of unknown outcome; how much is lost (that is `measure::loss`).
//! Modelled on: Jepsen's set checker.

use std::collections::BTreeMap;

use super::{Checker, Evidence, Findings, Property};
use crate::engine::id::EventId;
use crate::engine::note::Stamped;
use crate::engine::time::SimTime;
use crate::history::{Fact, OpId, Outcome, ServiceName, SharedLog};

/// See the file's first line.
pub const PROPERTY: Property = Property {
    name: "audit/acked-writes-survive",
    meaning: "a write that its client heard acknowledged is found by the audit",
    source: "Jepsen's set checker; dfs write semantics",
};

/// Acknowledged writes, and those an audit missed.
#[derive(Clone, Debug, Default)]
pub(super) struct AckedWrites {
    writing: BTreeMap<OpId, ServiceName>,
    acknowledged: SharedLog<(OpId, EventId)>,
    missing: BTreeMap<(ServiceName, OpId), (SimTime, EventId)>,
}

impl Checker for AckedWrites {
    fn observe(&mut self, entry: &Stamped, fact: &Fact, _findings: &mut Findings) {
        match *fact {
            Fact::Invoked { service, op, write: true, .. } => {
                self.writing.insert(op, service);
            }
            Fact::Ended { op, outcome, .. } => {
                let wrote = self.writing.remove(&op).is_some();
                if wrote && outcome == Outcome::Served {
                    self.acknowledged.push((op, entry.event));
                }
            }
            Fact::Audited { service, op, present: false } => {
                self.missing.insert((service, op), (entry.at, entry.event));
            }
            Fact::Audited { service, op, present: true } => {
                self.missing.remove(&(service, op));
            }
            Fact::Invoked { .. }
            | Fact::RoleClaimed { .. }
            | Fact::RoleLost { .. }
            | Fact::RoleServed { .. }
            | Fact::TermBegun { .. }
            | Fact::Acknowledged { .. }
            | Fact::Durable { .. }
            | Fact::Applied { .. }
            | Fact::Truncated { .. }
            | Fact::CopyShipped { .. }
            | Fact::CopyPromoted { .. }
            | Fact::Noted { .. } => {}
        }
    }

    fn finish(&mut self, _end: SimTime, findings: &mut Findings) {
        if self.missing.is_empty() {
            return;
        }
        let acknowledged: BTreeMap<_, _> = self.acknowledged.iter().copied().collect();
        let mut lost: BTreeMap<ServiceName, (SimTime, Vec<EventId>, u64)> = BTreeMap::new();
        for ((service, op), (at, event)) in &self.missing {
            if let Some(acked) = acknowledged.get(op) {
                let first = || (*at, vec![*acked, *event], 0);
                lost.entry(*service).or_insert_with(first).2 += 1;
            }
        }
        for (service, (at, events, count)) in lost {
            let service = findings.names.service(service);
            let claim = format!("{count} acknowledged writes of {service} are gone");
            findings.violated(at, PROPERTY.name, Evidence { claim, events });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge;
    use super::*;
    use crate::engine::id::ProcessId;
    use crate::history::ContentHash;

    const SERVICE: ServiceName = ServiceName(0);

    fn wrote(op: u64, outcome: Outcome) -> [(ProcessId, Fact); 2] {
        let (op, content) = (OpId(op), ContentHash(op));
        let invoked = Fact::Invoked { service: SERVICE, op, write: true, bytes: 1, content };
        let ended = Fact::Ended { service: SERVICE, op, outcome };
        [(ProcessId(1), invoked), (ProcessId(1), ended)]
    }

    fn audited(op: u64, present: bool) -> (ProcessId, Fact) {
        (ProcessId(2), Fact::Audited { service: SERVICE, op: OpId(op), present })
    }

    #[test]
    fn catches_a_lost_write_and_spares_the_unknown_and_the_found_again() {
        let mut facts = [wrote(1, Outcome::Served), wrote(2, Outcome::Unknown)].concat();
        facts.extend([audited(1, false), audited(2, false), audited(1, true)]);
        assert_eq!(judge(AckedWrites::default(), &facts), (vec![], vec![]));
        facts.truncate(6);
        let (found, _) = judge(AckedWrites::default(), &facts);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].evidence, [EventId(2), EventId(5)]);
    }
}
