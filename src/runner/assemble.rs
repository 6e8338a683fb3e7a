//! Assemble: from a scenario and the registered systems to a world.
//!
//! Here: hosts, wires, processes at their places, dense names.
//! Never here: stepping, faults, measures.
//! Modelled on: -

use crate::engine::Ratio;
use crate::engine::dice::{Address, Purpose, below, entity, weather_word};
use crate::engine::disk::DiskOptions;
use crate::engine::distributions::Latency;
use crate::engine::net::{LinkClasses, LinkOptions};
use crate::engine::time::SimDuration;
use crate::engine::world::{HostOptions, ProcessOptions, World};
use crate::scenario::Scenario;
use crate::scenario::model::{self, Restart};
use crate::systems::{Build, Names, Placed, Population, Registry};

/// A world before its first event, and who is in it.
pub(super) struct Assembled {
    pub(super) world: World,
    pub(super) population: Population,
    pub(super) names: Names,
}

/// Processes do not start at one instant: each after a draw below this.
const START_SPREAD: SimDuration = SimDuration::from_millis(1_000);
const START_PHASE: Purpose = Purpose::named("runner/start-phase");

fn link(of: &model::Link, unreachable_after: Option<SimDuration>) -> LinkOptions {
    LinkOptions {
        latency: Latency::Excess { min: of.latency_min, mean: of.latency_excess_mean },
        loss: Ratio::new(of.loss_ppm.min(1_000_000), 1_000_000),
        bandwidth_bytes_s: of.bandwidth_bytes_s,
        unreachable_after,
    }
}

/// What a process belongs to if nobody says it: there is one nameservice then.
const ONLY_GROUP: &str = "ns1";

fn group_of(process: &model::Placed, registry: &Registry) -> Option<String> {
    let grouped = registry.role(&process.built_by).is_some_and(|role| role.grouped);
    process.group.clone().or_else(|| grouped.then(|| ONLY_GROUP.to_string()))
}

/// Builds the world of a scenario.
///
/// # Errors
/// What a role's builder refuses, with the process's name.
pub(super) fn assemble(
    scenario: &Scenario,
    registry: &Registry,
    seed: u64,
) -> Result<Assembled, String> {
    let topology = &scenario.topology;
    let network = &topology.network;
    // Only neighbours on one segment hear that nobody answers.
    let unreachable = network.unreachable_after;
    let classes = LinkClasses {
        rack: link(&network.rack, unreachable),
        site: link(&network.site, unreachable),
        far: link(&network.wan, None),
        ..LinkClasses::default()
    };
    let mut world = World::new(seed, classes);
    let sites: Vec<_> =
        topology.sites.iter().map(|site| world.add_site_in(&site.name, &site.region)).collect();
    let racks: Vec<_> =
        topology.racks.iter().map(|rack| world.add_rack(&rack.name, sites[rack.site])).collect();
    let hosts: Vec<_> = topology
        .hosts
        .iter()
        .map(|host| {
            let sync =
                Latency::Excess { min: host.disk.sync_min, mean: host.disk.sync_excess_mean };
            let disk = DiskOptions { sync, bytes_s: host.disk.bandwidth_bytes_s };
            let options = HostOptions { disk, ..HostOptions::default() };
            world.add_host(&host.name, racks[host.rack], options)
        })
        .collect();
    for ((one, other), wire) in &network.pairs {
        world.connect_sites(sites[*one], sites[*other], link(wire, None));
    }

    let start_after = |name: &str| {
        let address = Address { seed, lineage: 0, entity: entity(name) };
        let word = weather_word(address, START_PHASE, 0);
        SimDuration::from_nanos(below(word, START_SPREAD.as_nanos()))
    };
    let mut placed: Vec<Placed> = Vec::new();
    for process in &topology.processes {
        let options = ProcessOptions {
            start_after: start_after(&process.name),
            restart_after: match process.restart {
                Restart::None => None,
                Restart::Systemd { delay } => Some(delay),
            },
            ..ProcessOptions::default()
        };
        let host = hosts[process.host];
        placed.push(Placed {
            name: process.name.clone(),
            role: process.built_by.clone(),
            process: world.reserve(&process.name, host, options),
            host,
            group: group_of(process, registry),
            config: scenario.settings.config_of(process),
            load: process.load.map(|load| scenario.loads[load].clone()),
        });
    }
    for system in registry.systems() {
        for companion in (system.companions)(&placed) {
            let beside = placed.iter().find(|other| other.name == companion.beside);
            let beside =
                beside.ok_or_else(|| format!("{} stands beside nobody", companion.name))?;
            let (host, config) = (beside.host, beside.config.clone());
            let options = ProcessOptions { agent: true, ..ProcessOptions::default() };
            let process = world.reserve(&companion.name, host, options);
            placed.push(Placed {
                name: companion.name,
                role: companion.role.to_string(),
                process,
                host,
                group: companion.group,
                config,
                load: None,
            });
        }
    }

    let population = Population::new(placed);
    let mut names = Names::default();
    let mut build = Build::new(&population, seed, &scenario.plants, &scenario.sizes, &mut names);
    for load in &scenario.loads {
        build.service(&load.service);
    }
    for placed in population.all() {
        let role = registry.role(&placed.role);
        let role = role.ok_or_else(|| format!("no system registers the role {}", placed.role))?;
        let blueprint = (role.build)(&mut build, placed)
            .map_err(|why| format!("{} cannot be built: {why}", placed.name))?;
        world.install(placed.process, blueprint);
    }
    Ok(Assembled { world, population, names })
}
