//! Claims: who holds which role now, so far as the history says.
//!
//! Here: the open claims, oldest first, and what a death ends.
//! Never here: whether a claim is right (that is `measure::split_brain`).
//! Modelled on: DESIGN 3.6, selectors over claims.

use crate::engine::id::ProcessId;
use crate::history::{Fact, ResourceName, Role, Term};

/// One open claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) process: ProcessId,
    pub(super) resource: ResourceName,
    pub(super) role: Role,
    pub(super) term: Term,
}

/// The open claims, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    open: Vec<Claim>,
}

impl Claims {
    pub(super) fn observe(&mut self, by: ProcessId, fact: &Fact) {
        if let Fact::RoleClaimed { resource, role, term } = *fact {
            self.drop_claim(by, resource, role);
            self.open.push(Claim { process: by, resource, role, term });
        } else if let Fact::RoleLost { resource, role, .. } = *fact {
            self.drop_claim(by, resource, role);
        }
    }

    fn drop_claim(&mut self, by: ProcessId, resource: ResourceName, role: Role) {
        self.open
            .retain(|claim| (claim.process, claim.resource, claim.role) != (by, resource, role));
    }

    /// Claims of one process.
    pub(super) fn of(&self, process: ProcessId) -> Vec<Claim> {
        self.open.iter().filter(|claim| claim.process == process).copied().collect()
    }

    /// Holders of a role, oldest claim first.
    pub(super) fn holders(&self, role: Role) -> Vec<ProcessId> {
        let mut holders = Vec::new();
        for claim in self.open.iter().filter(|claim| claim.role == role) {
            holders.retain(|holder| *holder != claim.process);
            holders.push(claim.process);
        }
        holders
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_claim_comes_last_and_a_lost_one_goes() {
        let (a, b) = (ProcessId(1), ProcessId(2));
        let (resource, role, term) = (ResourceName(0), Role::Active, Term(1));
        let claimed = Fact::RoleClaimed { resource, role, term };
        let mut claims = Claims::default();
        claims.observe(a, &claimed);
        claims.observe(b, &claimed);
        claims.observe(a, &claimed);
        assert_eq!(claims.holders(role), [b, a]);
        claims.observe(b, &Fact::RoleLost { resource, role, term });
        assert_eq!((claims.holders(role), claims.of(b).len()), (vec![a], 0));
    }
}
