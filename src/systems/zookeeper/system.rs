//! System: all that scenarios, runners, lists and reports know of ZooKeeper.
//!
//! Here: the server's role, sizes, selectors and plants; the `System` value.
//! Never here: behaviour; the clients' rows (`clients`).
//! Modelled on: DESIGN, Registry.

use crate::engine::process::Process;
use crate::engine::time::SimDuration;
use crate::history;
use crate::protocols::zab::{Rules, Sid};
use crate::systems::{
    Build, KeySection, Placed, PlantSpec, RoleSpec, SelectorSpec, SizeSpec, System, Who,
};

use super::clients::{self, SERVER_ROLE};
use super::keys::{self, ZOOKEEPER_3_8};
use super::marks::{self, MARKS};
use super::options::{ServerOptions, Spans};
use super::server::ZooKeeperServer;

/// The ensemble's log, in the history.
pub const LOG: &str = "zookeeper";

const START_MS: &str = "zk-start-ms";
const SHUTDOWN_MS: &str = "zk-shutdown-mean-ms";
const LOG_AFTER_UPTODATE: &str = "ZOOKEEPER-3911";

const SERVER: RoleSpec = RoleSpec {
    name: SERVER_ROLE,
    short: "zk",
    beside: None,
    family: "zookeeper",
    client: None,
    grouped: false,
    meaning: "a voting member of the ensemble; its number is its myid",
    build: server,
};

const START: SizeSpec = SizeSpec {
    name: START_MS,
    default: 700,
    meaning: "from a ZooKeeper server's process start to its open ports, in milliseconds",
};

const SHUTDOWN: SizeSpec = SizeSpec {
    name: SHUTDOWN_MS,
    default: 8,
    meaning: "mean time, beyond 4 ms, in which a ZooKeeper server ends a role, in milliseconds",
};

/// ZooKeeper.
pub const SYSTEM: System = System {
    name: "zookeeper",
    model_version: 1,
    roles: &[&[SERVER], &clients::ROLES],
    sections: &[KeySection {
        name: "zookeeper",
        family: "zookeeper",
        profiles: &[ZOOKEEPER_3_8],
        keys: keys::ALL,
    }],
    services: &[&clients::SERVICES],
    sizes: &[&[START, SHUTDOWN], &clients::SIZES],
    marks: &[MARKS],
    notes: &[marks::NOTES, &clients::NOTES],
    selectors: &[&SELECTORS],
    commands: &[],
    plants: &[&[PlantSpec {
        name: LOG_AFTER_UPTODATE,
        meaning: "a follower acknowledges NEWLEADER before it has logged what it was sent",
    }]],
    companions: |_| Vec::new(),
};

const SELECTORS: [SelectorSpec; 4] = [
    SelectorSpec {
        name: "zk-leader",
        of: SERVER_ROLE,
        who: Who::Holds(history::Role::Leader),
        meaning: "the ZooKeeper server that leads and has its quorum",
    },
    SelectorSpec {
        name: "zk-follower",
        of: SERVER_ROLE,
        who: Who::Holds(history::Role::Follower),
        meaning: "the ZooKeeper servers that follow and serve",
    },
    SelectorSpec {
        name: "zk-minority",
        of: SERVER_ROLE,
        who: Who::Minority,
        meaning: "as many ZooKeeper servers as a majority can lose",
    },
    SelectorSpec {
        name: "zk-majority",
        of: SERVER_ROLE,
        who: Who::Majority,
        meaning: "so many ZooKeeper servers that the rest is no quorum",
    },
];

fn server(build: &mut Build<'_>, placed: &Placed) -> Result<Box<dyn Process>, String> {
    let members = build.population.of_group(SERVER_ROLE, placed.group.as_deref());
    let ensemble: Vec<_> = (1..).map(Sid).zip(members.map(|member| member.process)).collect();
    let me = ensemble.iter().find(|(_, process)| *process == placed.process);
    let me = me.ok_or("a server is one of the servers")?.0;
    if 255 < me.0 {
        return Err(format!("{}: myid is at most 255", placed.name));
    }
    let span = |ms| SimDuration::from_millis(ms);
    let spans = Spans::measured(span(build.size(START_MS)), span(build.size(SHUTDOWN_MS)));
    let log = build.resource(LOG);
    let mut options = ServerOptions::read(&placed.config, me, ensemble, spans, log);
    if build.planted(LOG_AFTER_UPTODATE) {
        options.rules = Rules::LOGS_AFTER_UPTODATE;
    }
    Ok(Box::new(ZooKeeperServer::new(options)))
}
