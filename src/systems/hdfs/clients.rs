//! Clients: the role and services by which a scenario places users of a nameservice.
//!
//! Here: `hdfs-client`; the services `hdfs-meta-write` and `hdfs-meta-read`; their notes.
//! Never here: what a client does (`client`).
//! Modelled on: the calibration's clients; DESIGN, Registry.

use super::api::client_admin::{AUDIT_ENDED, ClientAdmin, ClientCommand};
use super::api::namenode_protocol::CLIENT_PORT;
use super::client::{ClientOptions, HdfsClient};
use super::client_load::{ClientLoad, Operation};
use crate::clients::hadoop_ipc::ServerAddress;
use crate::engine::id::ProcessId;
use crate::engine::process::Process;
use crate::engine::world::World;
use crate::systems::{Arrival, Build, ClientSpec, NoteSpec, Placed, RoleSpec, ServiceSpec};

/// The role of NameNodes.
const NAMENODE: &str = "namenode";
const CLIENT: &str = "hdfs-client";
const WRITE: &str = "hdfs-meta-write";
const READ: &str = "hdfs-meta-read";

/// Who uses a nameservice.
pub const ROLES: [RoleSpec; 1] = [RoleSpec {
    name: CLIENT,
    short: "client",
    beside: None,
    family: "hadoop",
    client: Some(ASKED),
    grouped: true,
    meaning: "a process whose threads share a FileSystem, or that makes a new one for each call",
    build: client,
}];

const ASKED: ClientSpec = ClientSpec { stop_load, audit, audit_ended: AUDIT_ENDED };

/// What they call.
pub const SERVICES: [ServiceSpec; 2] = [
    ServiceSpec {
        name: WRITE,
        client_role: CLIENT,
        needs: NAMENODE,
        operations: &["mkdirs", "create"],
        writes: true,
        last_phase: "client retry",
        meaning: "changes of the namespace, acknowledged when their edits are durable",
    },
    ServiceSpec {
        name: READ,
        client_role: CLIENT,
        needs: NAMENODE,
        operations: &["getFileInfo"],
        writes: false,
        last_phase: "client retry",
        meaning: "reads of the namespace of whoever holds itself active, perhaps stale",
    },
];

/// What their timeline says.
pub const NOTES: [NoteSpec; 1] = [NoteSpec {
    name: "hdfs-client/audit-ended",
    phrase: "audit: {0} writes looked for, {1} absent, {2} not read",
    headline: false,
}];

fn stop_load(world: &mut World, process: ProcessId) -> bool {
    world.command::<ClientAdmin>(process, ClientCommand::StopLoad)
}

fn audit(world: &mut World, process: ProcessId) -> bool {
    world.command::<ClientAdmin>(process, ClientCommand::Audit)
}

fn client(build: &mut Build<'_>, placed: &Placed) -> Result<Box<dyn Process>, String> {
    let load = placed.load.as_ref().ok_or("an hdfs-client has a load")?;
    let spec = SERVICES
        .iter()
        .find(|spec| spec.name == load.service)
        .ok_or_else(|| format!("{}: an hdfs-client does not call {}", placed.name, load.service))?;
    let operation = |name: &str| {
        let known = spec.operations.contains(&name).then(|| Operation::named(name)).flatten();
        known.ok_or_else(|| format!("{}: {} has no operation {name}", placed.name, spec.name))
    };
    let mut mix = Vec::new();
    for (name, weight) in load.mix.iter().filter(|(_, weight)| *weight > 0) {
        mix.push((operation(name)?, *weight));
    }
    if mix.is_empty() {
        mix.push((operation(spec.operations[0])?, 1));
    }
    let group = placed.group.as_deref();
    let namenodes: Vec<ServerAddress> = build
        .population
        .of_group(NAMENODE, group)
        .map(|namenode| ServerAddress { process: namenode.process, port: CLIENT_PORT })
        .collect();
    if namenodes.is_empty() {
        return Err(format!("{}: no NameNode to call", placed.name));
    }
    let arrival = match load.arrival {
        Arrival::Closed { pace } => Arrival::Closed { pace },
        Arrival::Open { mean_gap } => {
            Arrival::Open { mean_gap: mean_gap.times(u64::from(load.clients)) }
        }
    };
    let options = ClientOptions::new(&placed.config.clone().scoped(group, None), namenodes);
    let load = ClientLoad {
        service: build.service(spec.name),
        writes: spec.writes,
        mix,
        arrival,
        threads: load.threads,
        fresh: load.fresh,
    };
    Ok(Box::new(HdfsClient::new(options, load)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_call_and_the_note_a_phrase() {
        for spec in SERVICES {
            assert!(spec.operations.iter().all(|name| Operation::named(name).is_some()));
        }
        assert_eq!(NOTES.map(|spec| spec.note()), [AUDIT_ENDED]);
    }
}
