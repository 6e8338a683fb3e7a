//! Build: what a role's builder can ask while a world is assembled.
//!
//! Here: who is placed where under which configuration, and the dense names of the run.
//! Never here: the scenario's file format, the world's clock.
//! Modelled on: -

use std::collections::BTreeMap;

use crate::engine::config::Config;
use crate::engine::id::{HostId, ProcessId};
use crate::engine::time::SimDuration;
use crate::history::{ResourceName, ServiceName};

/// A process at its place.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Unique: `nn1`.
    pub name: String,
    /// Its role: `namenode`.
    pub role: String,
    /// Its id in the world.
    pub process: ProcessId,
    /// Where it runs.
    pub host: HostId,
    /// What it belongs to: a nameservice.
    pub group: Option<String>,
    /// What it reads, not yet scoped to a nameservice.
    pub config: Config,
    /// What it calls, if it is a client.
    pub load: Option<Load>,
}

/// Who calls a service, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// A registered service: `hdfs-meta-write`.
    pub service: String,
    /// Client processes.
    pub clients: u32,
    /// Threads in each, sharing its connections.
    pub threads: u32,
    /// When they call.
    pub arrival: Arrival,
    /// Whether each call comes from a new client that shares nothing.
    pub fresh: bool,
    /// Operation names of the service and their weights.
    pub mix: Vec<(String, u32)>,
}

/// When clients call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// At random instants, whether or not earlier calls have ended.
    Open {
        /// Mean time between two calls of all clients of the load together.
        mean_gap: SimDuration,
    },
    /// Each thread calls, waits for the end, then for the rest of a pace.
    Closed {
        /// From one call of a thread to the next, unless the call takes longer.
        pace: SimDuration,
    },
}

/// Everybody who is placed.
#[derive(Clone, Debug, Default)]
pub struct Population {
    placed: Vec<Placed>,
}

impl Population {
    /// Of these.
    pub const fn new(placed: Vec<Placed>) -> Population {
        Population { placed }
    }

    /// Everybody, in the order of placement.
    pub fn all(&self) -> &[Placed] {
        &self.placed
    }

    /// Those of a role, in order.
    pub fn of_role<'a>(&'a self, role: &'a str) -> impl Iterator<Item = &'a Placed> {
        self.placed.iter().filter(move |placed| placed.role == role)
    }

    /// Those of a role and a group, in order.
    pub fn of_group<'a>(
        &'a self,
        role: &'a str,
        group: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Placed> {
        self.of_role(role).filter(move |placed| placed.group.as_deref() == group)
    }

    /// One by name.
    pub fn named(&self, name: &str) -> Option<&Placed> {
        self.placed.iter().find(|placed| placed.name == name)
    }

    /// One by id.
    pub fn of_process(&self, process: ProcessId) -> Option<&Placed> {
        self.placed.iter().find(|placed| placed.process == process)
    }
}

/// The assembly of one world.
pub struct Build<'a> {
    /// Everybody who is placed; ids are reserved, so that peers can be named.
    pub population: &'a Population,
    /// Root of every draw.
    pub seed: u64,
    /// Bugs to plant.
    pub plants: &'a [String],
    sizes: &'a BTreeMap<String, u64>,
    names: &'a mut Names,
}

/// The dense names of a run.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// By [`ResourceName`].
    pub resources: Vec<String>,
    /// By [`ServiceName`].
    pub services: Vec<String>,
}

fn intern(names: &mut Vec<String>, name: &str) -> u32 {
    let known = names.iter().position(|known| known == name);
    let index = known.unwrap_or_else(|| {
        names.push(name.to_string());
        names.len() - 1
    });
    u32::try_from(index).expect("names are few")
}

impl<'a> Build<'a> {
    /// Begins an assembly.
    pub const fn new(
        population: &'a Population,
        seed: u64,
        plants: &'a [String],
        sizes: &'a BTreeMap<String, u64>,
        names: &'a mut Names,
    ) -> Build<'a> {
        Build { population, seed, plants, sizes, names }
    }

    /// The dense name of a thing that can have one holder.
    pub fn resource(&mut self, name: &str) -> ResourceName {
        ResourceName(intern(&mut self.names.resources, name))
    }

    /// The dense name of a service.
    pub fn service(&mut self, name: &str) -> ServiceName {
        ServiceName(intern(&mut self.names.services, name))
    }

    /// A size that the scenario gives. The loader has filled in the defaults.
    ///
    /// # Panics
    /// If no system registers the size.
    pub fn size(&self, name: &str) -> u64 {
        let size = self.sizes.get(name).copied();
        size.unwrap_or_else(|| panic!("no system registers the size {name}"))
    }

    /// Whether a historic bug is planted.
    pub fn planted(&self, name: &str) -> bool {
        self.plants.iter().any(|plant| plant == name)
    }
}
