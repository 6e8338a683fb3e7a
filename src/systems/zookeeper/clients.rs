//! Clients: the roles and services by which a scenario places workload clients.
//!
//! Here: `zk-client`, `zk-owner`, `zk-watcher`; the services `zk-write` and `zk-read`; their notes.
//! Never here: what a session does (`client_process`).
//! Modelled on: the calibration's clients; DESIGN, Registry.

use super::api::{AUDIT_ENDED, CLIENT_PORT, ZkLoadAdmin, ZkLoadCommand};
use super::client_process::{Pace, Task, ZkWorkload, ZkWorkloadClient};
use crate::engine::id::ProcessId;
use crate::engine::process::Process;
use crate::engine::time::SimDuration;
use crate::engine::world::World;
use crate::systems::{
    Arrival, Build, ClientSpec, Load, NoteSpec, Placed, RoleSpec, ServiceSpec, SizeSpec,
};

/// The role of the ensemble's members.
pub const SERVER_ROLE: &str = "zookeeper";
const WRITE: &str = "zk-write";
const READ: &str = "zk-read";
const SESSION_TIMEOUT: &str = "zk-session-timeout-ms";

/// Who uses an ensemble for its own sake.
pub const ROLES: [RoleSpec; 3] = [
    RoleSpec {
        name: "zk-client",
        short: "zkclient",
        beside: None,
        family: "zookeeper",
        client: Some(ClientSpec { stop_load, audit, audit_ended: AUDIT_ENDED }),
        grouped: false,
        meaning: "sessions that write or read nodes of their own, one a thread",
        build: client,
    },
    RoleSpec {
        name: "zk-owner",
        short: "zkowner",
        beside: None,
        family: "zookeeper",
        client: None,
        grouped: false,
        meaning: "a session that owns an ephemeral node and is otherwise idle",
        build: owner,
    },
    RoleSpec {
        name: "zk-watcher",
        short: "zkwatcher",
        beside: None,
        family: "zookeeper",
        client: None,
        grouped: false,
        meaning: "a session that watches the nodes of all owners",
        build: watcher,
    },
];

fn stop_load(world: &mut World, client: ProcessId) -> bool {
    world.command::<ZkLoadAdmin>(client, ZkLoadCommand::StopLoad)
}

fn audit(world: &mut World, client: ProcessId) -> bool {
    world.command::<ZkLoadAdmin>(client, ZkLoadCommand::Audit)
}

/// What they call.
pub const SERVICES: [ServiceSpec; 2] = [
    ServiceSpec {
        name: WRITE,
        client_role: "zk-client",
        needs: SERVER_ROLE,
        operations: &["setData"],
        writes: true,
        last_phase: "client reconnect",
        meaning: "changes of znodes, acknowledged by a quorum",
    },
    ServiceSpec {
        name: READ,
        client_role: "zk-client",
        needs: SERVER_ROLE,
        operations: &["getData"],
        writes: false,
        last_phase: "client reconnect",
        meaning: "reads of znodes by the connected server, perhaps stale",
    },
];

/// What a scenario may say of them.
pub const SIZES: [SizeSpec; 1] = [SizeSpec {
    name: SESSION_TIMEOUT,
    default: 10_000,
    meaning: "session time-out that workload clients of ZooKeeper ask for, in milliseconds",
}];

/// What their timeline says.
pub const NOTES: [NoteSpec; 4] = [
    NoteSpec {
        name: "zk-client/session-state",
        phrase: "session {1} {0:?|connected|disconnected|expired}",
        headline: false,
    },
    NoteSpec {
        name: "zk-client/ephemeral-owned",
        phrase: "owns the ephemeral node {0}",
        headline: true,
    },
    NoteSpec {
        name: "zk-client/ephemeral-gone",
        phrase: "hears that the ephemeral node {0} is gone",
        headline: true,
    },
    NoteSpec {
        name: "zk-client/audit-ended",
        phrase: "audit: {0} writes looked for, {1} absent, {2} not read",
        headline: true,
    },
];

fn client(build: &mut Build<'_>, placed: &Placed) -> Result<Box<dyn Process>, String> {
    let load = placed.load.as_ref().ok_or("a zk-client has a load")?;
    if load.fresh {
        return Err(format!(
            "{}: a ZooKeeper session outlives a call: no fresh clients",
            placed.name
        ));
    }
    let pace = pace(load);
    let task = match load.service.as_str() {
        WRITE => Task::Write(pace),
        READ => Task::Read(pace),
        other => return Err(format!("{}: a zk-client does not call {other}", placed.name)),
    };
    let tasks = vec![task; load.threads as usize];
    Ok(workload(build, placed, tasks))
}

/// An open load is shared by all its sessions.
fn pace(load: &Load) -> Pace {
    match load.arrival {
        Arrival::Closed { pace } => Pace::Closed(pace),
        Arrival::Open { mean_gap } => {
            Pace::Open(mean_gap.times(u64::from(load.clients) * u64::from(load.threads)))
        }
    }
}

fn owner(build: &mut Build<'_>, placed: &Placed) -> Result<Box<dyn Process>, String> {
    let mut owners = build.population.of_role(&placed.role);
    let number = owners.position(|other| other.name == placed.name);
    let owner = number.ok_or("an owner is one of the owners")? as u64;
    Ok(workload(build, placed, vec![Task::Own { owner, busy: None }]))
}

fn watcher(build: &mut Build<'_>, placed: &Placed) -> Result<Box<dyn Process>, String> {
    let owners = build.population.of_role("zk-owner").count() as u64;
    Ok(workload(build, placed, vec![Task::Watch((0..owners).collect())]))
}

fn workload(build: &mut Build<'_>, placed: &Placed, tasks: Vec<Task>) -> Box<dyn Process> {
    let servers = build.population.of_role(SERVER_ROLE);
    let workload = ZkWorkload {
        servers: servers.map(|server| (server.process, CLIENT_PORT)).collect(),
        session_timeout: SimDuration::from_millis(build.size(SESSION_TIMEOUT)),
        tasks,
        write: build.service(WRITE),
        read: build.service(READ),
    };
    Box::new(ZkWorkloadClient::new(&placed.name, workload))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::zookeeper::api;

    #[test]
    fn every_note_has_a_phrase_and_every_phrase_a_note() {
        let noted =
            [api::SESSION_STATE, api::EPHEMERAL_OWNED, api::EPHEMERAL_GONE, api::AUDIT_ENDED];
        assert_eq!(NOTES.map(|spec| spec.note()), noted);
    }
}
