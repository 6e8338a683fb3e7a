//! Failover: an active or leading role that another process takes over.
//!
//! Here: who held each role last, and each change of hands.
//! Never here: whether the change was wanted.
//! Modelled on: the line "Failover to" of Hadoop's ZKFailoverController.

use std::collections::BTreeMap;

use crate::engine::id::ProcessId;
use crate::engine::note::Stamped;
use crate::engine::time::SimTime;
use crate::history::{ResourceName, Role};

/// A role changed hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failover {
    /// Of what.
    pub resource: ResourceName,
    /// Who held it last.
    pub from: ProcessId,
    /// Who holds it now.
    pub to: ProcessId,
    /// When it was claimed.
    pub at: SimTime,
}

/// The last holder of every role.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracker {
    holders: BTreeMap<(ResourceName, Role), ProcessId>,
    found: Vec<Failover>,
}

impl Tracker {
    pub(super) fn claimed(&mut self, entry: &Stamped, resource: ResourceName, role: Role) {
        match role {
            Role::Active | Role::Leader => {}
            Role::Standby | Role::Follower | Role::Controller => return,
        }
        let before = self.holders.insert((resource, role), entry.by);
        if let Some(from) = before.filter(|from| *from != entry.by) {
            self.found.push(Failover { resource, from, to: entry.by, at: entry.at });
        }
    }

    pub(super) fn finish(self) -> Vec<Failover> {
        self.found
    }
}
