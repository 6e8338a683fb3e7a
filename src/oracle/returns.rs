//! Returns: a service comes back within the grace that follows the last heal.
//!
//! Here: per service the first request served that was invoked after the heal.
//! Never here: which faults are expected to heal (the runner demands).
//! Modelled on: TigerBeetle's liveness mode; Jepsen's final phase.

use std::collections::BTreeMap;

use super::{Checker, Evidence, Findings, Property};
use crate::engine::note::Stamped;
use crate::engine::time::{SimDuration, SimTime};
use crate::history::{Fact, OpId, Outcome, ServiceName};
use crate::oracle::Gap;

/// See the file's first line.
pub const PROPERTY: Property = Property {
    name: "service/returns-after-heal",
    meaning: "a service comes back within the grace that follows the last heal",
    source: "TigerBeetle's liveness mode; Jepsen's final phase",
};

#[derive(Clone, Copy, Debug)]
struct Demand {
    healed: SimTime,
    by: SimTime,
}

#[derive(Clone, Debug, Default)]
struct Service {
    since: BTreeMap<OpId, SimTime>,
    returned: bool,
}

/// Requests under way, by service.
#[derive(Clone, Debug, Default)]
pub(super) struct Returns {
    demand: Option<Demand>,
    services: BTreeMap<ServiceName, Service>,
}

impl Returns {
    pub(super) fn demand(&mut self, healed: SimTime, grace: SimDuration) {
        self.demand = Some(Demand { healed, by: healed + grace });
        for service in self.services.values_mut() {
            service.returned = false;
        }
    }
}

impl Checker for Returns {
    fn observe(&mut self, entry: &Stamped, fact: &Fact, _findings: &mut Findings) {
        if let Fact::Invoked { service, op, .. } = *fact {
            let service = self.services.entry(service).or_default();
            if !service.returned {
                service.since.insert(op, entry.at);
            }
        }
        if let Fact::Ended { service, op, outcome } = *fact {
            let Some(service) = self.services.get_mut(&service) else { return };
            let Some(invoked) = service.since.remove(&op) else { return };
            let Some(demand) = self.demand else { return };
            let in_time = demand.healed <= invoked && entry.at <= demand.by;
            if outcome == Outcome::Served && in_time {
                service.returned = true;
                service.since.clear();
            }
        }
    }

    fn finish(&mut self, end: SimTime, findings: &mut Findings) {
        let Some(demand) = self.demand else { return };
        for (name, service) in &self.services {
            if service.returned {
                continue;
            }
            let name = findings.names.service(*name).to_owned();
            if end < demand.by {
                let what = format!("{name}: the run ended before its grace to come back was over");
                findings.gaps.push(Gap::Unseen { what });
                continue;
            }
            let (healed, by) = (demand.healed, demand.by);
            let claim = format!("{name} served nothing between {healed} s, healed, and {by} s");
            findings.violated(by, PROPERTY.name, Evidence { claim, events: vec![] });
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

    fn called(op: u64, outcome: Outcome) -> [(ProcessId, Fact); 2] {
        let (op, content) = (OpId(op), ContentHash(0));
        let invoked = Fact::Invoked { service: SERVICE, op, write: false, bytes: 1, content };
        let ended = Fact::Ended { service: SERVICE, op, outcome };
        [(ProcessId(1), invoked), (ProcessId(1), ended)]
    }

    fn returns(healed_s: u64, grace_s: u64) -> Returns {
        let mut returns = Returns::default();
        let healed = SimTime::START + SimDuration::from_secs(healed_s);
        returns.demand(healed, SimDuration::from_secs(grace_s));
        returns
    }

    #[test]
    fn catches_a_service_that_stays_away_and_spares_one_that_comes_back() {
        // Events at 1 s, 2 s and so on: the second call is invoked at 3 s and ends at 4 s.
        let back = [called(1, Outcome::Served), called(2, Outcome::Served)].concat();
        assert_eq!(judge(returns(2, 2), &back), (vec![], vec![]));
        let away = [called(1, Outcome::Served), called(2, Outcome::Failed)].concat();
        let (found, _) = judge(returns(2, 2), &away);
        assert_eq!(found[0].property, PROPERTY.name);
        let (found, gaps) = judge(returns(2, 9), &away);
        assert_eq!((found.len(), gaps.len()), (0, 1));
    }
}
