//! Targets: who answers to a name at this moment.
//!
//! Here: selectors over claims, roles, hosts, racks and sites, resolved to ids.
//! Never here: what is done to them.
//! Modelled on: DESIGN 3.6: a role is a selector over claims in history.

use super::claims::Claims;
use crate::engine::dice::{Address, Purpose, below, entity, weather};
use crate::engine::id::{HostId, ProcessId};
use crate::engine::world::World;
use crate::faults::{Fault, Group, Pick};
use crate::systems::{Population, Registry, Who};

const CHOICE: Purpose = Purpose::named("faults/choice");

/// Whom a fault struck.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Struck {
    /// Empty for a kind that strikes hosts.
    pub(super) processes: Vec<ProcessId>,
    /// Empty for a kind that strikes processes.
    pub(super) hosts: Vec<HostId>,
}

impl Struck {
    pub(super) fn is_empty(&self) -> bool {
        self.processes.is_empty() && self.hosts.is_empty()
    }

    pub(super) fn phrase(&self, world: &World) -> String {
        let processes = self.processes.iter().map(|process| world.process_name(*process));
        let hosts = self.hosts.iter().map(|host| world.host_name(*host));
        processes.chain(hosts).collect::<Vec<_>>().join(" ")
    }
}

/// What names are resolved with.
pub(super) struct Targets<'a> {
    pub(super) population: &'a Population,
    pub(super) registry: &'a Registry,
    pub(super) claims: &'a Claims,
    pub(super) seed: u64,
}

impl Targets<'_> {
    /// Whom the fault strikes if it strikes now.
    pub(super) fn resolve(&self, fault: &Fault, world: &World) -> Struck {
        let (of, pick) = (&fault.target.of, fault.target.pick);
        if fault.kind.strikes_hosts() {
            let hosts = match of {
                Group::Selector(name) => {
                    let chosen = self.select(name, (&fault.name, pick), world);
                    let hosts = chosen.into_iter().map(|process| world.host_of(process));
                    hosts.collect()
                }
                Group::Role(_)
                | Group::Process(_)
                | Group::Host(_)
                | Group::Rack(_)
                | Group::Site(_)
                | Group::Region(_)
                | Group::Everything => self.hosts_of(of, world),
            };
            return Struck { processes: Vec::new(), hosts: unique(hosts) };
        }
        let processes = match of {
            Group::Selector(name) => self.select(name, (&fault.name, pick), world),
            Group::Role(_)
            | Group::Process(_)
            | Group::Host(_)
            | Group::Rack(_)
            | Group::Site(_)
            | Group::Region(_)
            | Group::Everything => self.processes_of(of, world),
        };
        Struck { processes: unique(processes), hosts: Vec::new() }
    }

    /// The processes that a group means.
    pub(super) fn processes_of(&self, group: &Group, world: &World) -> Vec<ProcessId> {
        match group {
            Group::Selector(name) => self.select(name, ("", Pick::All), world),
            Group::Role(role) => self.of_role(role),
            Group::Process(name) => world.process_named(name).into_iter().collect(),
            Group::Host(_)
            | Group::Rack(_)
            | Group::Site(_)
            | Group::Region(_)
            | Group::Everything => {
                let hosts = self.hosts_of(group, world);
                hosts.into_iter().flat_map(|host| world.processes_on(host)).collect()
            }
        }
    }

    /// The hosts that a group means.
    pub(super) fn hosts_of(&self, group: &Group, world: &World) -> Vec<HostId> {
        match group {
            Group::Selector(_) | Group::Role(_) | Group::Process(_) => {
                let processes = self.processes_of(group, world);
                processes.into_iter().map(|process| world.host_of(process)).collect()
            }
            Group::Host(name) => world.host_named(name).into_iter().collect(),
            Group::Rack(name) => world.hosts_in_rack(name),
            Group::Site(name) => world.hosts_in_site(name),
            Group::Region(name) => world.hosts_in_region(name),
            Group::Everything => world.hosts(),
        }
    }

    fn of_role(&self, role: &str) -> Vec<ProcessId> {
        self.population.of_role(role).map(|placed| placed.process).collect()
    }

    fn select(&self, name: &str, how: (&str, Pick), world: &World) -> Vec<ProcessId> {
        let (fault, pick) = how;
        let Some(spec) = self.registry.selectors().find(|spec| spec.name == name) else {
            return Vec::new();
        };
        let all = self.of_role(spec.of);
        let found = match spec.who {
            Who::Holds(role) => {
                let mut holders = self.claims.holders(role);
                holders.retain(|holder| all.contains(holder));
                holders
            }
            Who::HoldsNot(role) => {
                let holders = self.claims.holders(role);
                let not =
                    |process: &&ProcessId| world.is_alive(**process) && !holders.contains(process);
                all.iter().filter(not).copied().collect()
            }
            Who::Minority => return self.draw(all.clone(), (all.len() - 1) / 2, fault),
            Who::Majority => return self.draw(all.clone(), all.len() / 2 + 1, fault),
        };
        match pick {
            Pick::All => found,
            Pick::Newest => found.last().copied().into_iter().collect(),
            Pick::Oldest => found.first().copied().into_iter().collect(),
        }
    }

    /// So many of them, addressed by the fault's name.
    fn draw(&self, mut of: Vec<ProcessId>, count: usize, fault: &str) -> Vec<ProcessId> {
        let address = Address { seed: self.seed, lineage: 0, entity: entity(fault) };
        let mut weather = weather(address, CHOICE, 0);
        let mut drawn = Vec::new();
        while drawn.len() < count && !of.is_empty() {
            let at = below(weather.word(), of.len() as u64);
            drawn.push(of.swap_remove(usize::try_from(at).expect("an index")));
        }
        drawn.sort_unstable();
        drawn
    }
}

fn unique<T: Ord + Copy>(all: Vec<T>) -> Vec<T> {
    let mut seen = Vec::new();
    for one in all {
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen
}
