//! Controllers: the roles by which a scenario places what decides who is active.
//!
//! Here: `zkfc`, `sshd`, `haadmin`; the companions of NameNodes; operators' commands.
//! Never here: what a controller does (`zkfc`), who serves whom else (`clients`).
//! Modelled on: `DFSZKFailoverController.create`, `DFSHAAdmin`; DESIGN, Registry.

use std::sync::Arc;

use super::api::namenode_protocol::{HA_PORT, HTTP_PORT};
use super::fencing::FencerSettings;
use super::fencing::methods::{Method, SSH_PORT};
use super::haadmin::{HaAdmin, HaAdminCommand, HaAdminConsole, HaAdminSettings};
use super::keys;
use super::sshd::Sshd;
use super::zkfc::Zkfc;
use super::zkfc::node_info::{ActiveNodeInfo, HaTarget};
use super::zkfc::settings::{Place, Settings};
use crate::clients::hadoop_ipc::ServerAddress;
use crate::engine::config::Config;
use crate::engine::id::ProcessId;
use crate::engine::process::{Port, Process};
use crate::engine::world::World;
use crate::systems::zookeeper::api::CLIENT_PORT;
use crate::systems::{Build, CommandSpec, Companion, Placed, Population, RoleSpec, SizeSpec};

const NAMENODE: &str = "namenode";
const ZOOKEEPER: &str = "zookeeper";
const ZKFC: &str = "zkfc";
const SSHD: &str = "sshd";
const HAADMIN: &str = "haadmin";

/// Who decides, who kills, who commands.
pub const ROLES: [RoleSpec; 3] = [
    RoleSpec {
        name: ZKFC,
        short: "zkfc",
        beside: Some(NAMENODE),
        family: "hadoop",
        client: None,
        grouped: true,
        meaning: "ZooKeeper failover controller: watches the NameNode of its host",
        build: zkfc,
    },
    RoleSpec {
        name: SSHD,
        short: "sshd",
        beside: Some(NAMENODE),
        family: "hadoop",
        client: None,
        grouped: false,
        meaning: "ssh daemon of a NameNode's host, through which sshfence kills",
        build: sshd,
    },
    RoleSpec {
        name: HAADMIN,
        short: "haadmin",
        beside: Some(NAMENODE),
        family: "hadoop",
        client: None,
        grouped: true,
        meaning: "the operator's tool for changing who is active",
        build: haadmin,
    },
];

const FORMAT_ZK: &str = "zkfc-format-zk";

/// What a scenario may say of them.
pub const SIZES: [SizeSpec; 1] = [SizeSpec {
    name: FORMAT_ZK,
    default: 1,
    meaning: "whether `hdfs zkfc -formatZK` was run before the first start of a controller: 0 or 1",
}];

/// What operators can command.
pub const COMMANDS: [CommandSpec; 3] = [
    CommandSpec {
        name: "haadmin-failover",
        meaning: "[-forcefence] [-forceactive] [FROM TO]; without names, from whoever is active \
                  to the first standby",
        give: failover,
    },
    CommandSpec {
        name: "haadmin-transition-to-active",
        meaning: "[-forceactive] [-forcemanual] NAMENODE",
        give: transition_to_active,
    },
    CommandSpec {
        name: "haadmin-transition-to-standby",
        meaning: "[-forcemanual] NAMENODE",
        give: transition_to_standby,
    },
];

/// An sshd on each NameNode's host, and one `haadmin` for each nameservice of several NameNodes.
pub fn companions(placed: &[Placed]) -> Vec<Companion> {
    let namenodes = || placed.iter().filter(|placed| placed.role == NAMENODE);
    let mut companions = Vec::new();
    for namenode in namenodes() {
        let first = namenodes().find(|other| other.host == namenode.host);
        if first.is_some_and(|first| first.process == namenode.process) {
            companions.push(Companion {
                name: sshd_beside(&namenode.name),
                role: SSHD,
                beside: namenode.name.clone(),
                group: None,
            });
        }
        let mut group = namenodes().filter(|other| other.group == namenode.group);
        let last = group.next_back().is_some_and(|last| last.process == namenode.process);
        if last && group.next().is_some() {
            companions.push(Companion {
                name: format!("haadmin-{}", namenode.group.as_deref().unwrap_or(HAADMIN)),
                role: HAADMIN,
                beside: namenode.name.clone(),
                group: namenode.group.clone(),
            });
        }
    }
    companions
}

fn sshd_beside(namenode: &str) -> String {
    format!("sshd-{namenode}")
}

fn ports(config: &Config) -> (u16, u16) {
    let zkfc = u16::try_from(config.get(keys::DFS_HA_ZKFC_PORT)).unwrap_or(u16::MAX);
    (HA_PORT, zkfc)
}

/// The NameNodes of a nameservice with what stands around them.
fn targets(build: &Build<'_>, group: Option<&str>) -> Result<Vec<HaTarget>, String> {
    let population = build.population;
    let namenodes: Vec<&Placed> = population.of_group(NAMENODE, group).collect();
    let mut nodes = Vec::new();
    for namenode in &namenodes {
        let config = namenode.config.clone().scoped(group, Some(&namenode.name));
        let (port, zkfc_port) = ports(&config);
        let info = ActiveNodeInfo {
            nameservice: group.unwrap_or_default(),
            namenode: &namenode.name,
            host: &namenode.name,
            port,
            zkfc_port,
        };
        let same_host = |placed: &&Placed| placed.host == namenode.host;
        let zkfc = population.of_group(ZKFC, group).find(same_host);
        let sshd = population.of_role(SSHD).find(same_host);
        nodes.push(HaTarget {
            info: info.data(),
            namenode: ServerAddress { process: namenode.process, port },
            http: (namenode.process, Port(HTTP_PORT)),
            zkfc: zkfc.map(|zkfc| ServerAddress { process: zkfc.process, port: zkfc_port }),
            sshd: sshd.ok_or_else(|| format!("{} has no sshd", namenode.name))?.process,
        });
    }
    Ok(nodes)
}

fn zkfc(build: &mut Build<'_>, placed: &Placed) -> Result<Box<dyn Process>, String> {
    let group = placed.group.as_deref();
    let nodes = targets(build, group)?;
    let namenodes: Vec<&Placed> = build.population.of_group(NAMENODE, group).collect();
    let me = namenodes.iter().position(|namenode| namenode.host == placed.host);
    let me = me.ok_or("it stands beside no NameNode of its nameservice")?;
    let zookeeper: Vec<(ProcessId, Port)> =
        build.population.of_role(ZOOKEEPER).map(|server| (server.process, CLIENT_PORT)).collect();
    if zookeeper.is_empty() {
        return Err("no ZooKeeper server to call".to_string());
    }
    let nameservice = group.unwrap_or_default();
    let config = placed.config.clone().scoped(group, Some(&namenodes[me].name));
    let place = Place {
        nameservice,
        resource: build.resource(&format!("{nameservice}/lock")),
        nodes: &nodes,
        me,
        zookeeper: &zookeeper,
        format: build.size(FORMAT_ZK) != 0,
    };
    Ok(Box::new(Zkfc::new(Arc::new(Settings::from_config(&config, &place)?))))
}

fn sshd(build: &mut Build<'_>, placed: &Placed) -> Result<Box<dyn Process>, String> {
    // It listens where the fencing of its neighbours expects it.
    let mut port = SSH_PORT;
    for node in build.population.of_role(NAMENODE).filter(|node| node.host == placed.host) {
        let config = node.config.clone().scoped(node.group.as_deref(), Some(&node.name));
        for method in FencerSettings::from_config(&config)?.methods.list() {
            match method {
                Method::Ssh { port: expected } => port = *expected,
                Method::Shell { .. } | Method::Powershell => {}
            }
        }
    }
    Ok(Box::new(Sshd::new(&placed.config, Port(port))))
}

fn haadmin(build: &mut Build<'_>, placed: &Placed) -> Result<Box<dyn Process>, String> {
    let group = placed.group.as_deref();
    let nodes = targets(build, group)?;
    let config = placed.config.clone().scoped(group, None);
    Ok(Box::new(HaAdmin::new(Arc::new(HaAdminSettings::from_config(&config, &nodes)?))))
}

/// A typed command: flags and names.
struct Line<'a> {
    flags: Vec<&'a str>,
    names: Vec<&'a str>,
}

impl<'a> Line<'a> {
    fn parse(arguments: &'a [String], allowed: &[&str]) -> Result<Line<'a>, String> {
        let (flags, names): (Vec<&str>, Vec<&str>) =
            arguments.iter().map(String::as_str).partition(|word| word.starts_with('-'));
        match flags.iter().find(|flag| !allowed.contains(flag)) {
            Some(flag) => Err(format!("unknown option {flag}; it may be {}", allowed.join(", "))),
            None => Ok(Line { flags, names }),
        }
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.contains(&flag)
    }
}

const FORCE_FENCE: &str = "-forcefence";
const FORCE_ACTIVE: &str = "-forceactive";
const FORCE_MANUAL: &str = "-forcemanual";

/// The tool of a NameNode's nameservice, and the NameNode's number there.
fn tool_of(population: &Population, name: &str) -> Result<(ProcessId, usize), String> {
    let namenode = population.named(name).filter(|placed| placed.role == NAMENODE);
    let namenode = namenode.ok_or_else(|| format!("{name} is no NameNode"))?;
    let group = namenode.group.as_deref();
    let tool = population.of_group(HAADMIN, group).next();
    let tool = tool.ok_or_else(|| format!("the nameservice of {name} has no haadmin"))?;
    let mut nodes = population.of_group(NAMENODE, group);
    let node = nodes.position(|other| other.process == namenode.process);
    Ok((tool.process, node.expect("it is in its own nameservice")))
}

fn failover(
    world: &mut World,
    population: &Population,
    arguments: &[String],
) -> Result<bool, String> {
    let line = Line::parse(arguments, &[FORCE_FENCE, FORCE_ACTIVE])?;
    let (force_fence, force_active) = (line.has(FORCE_FENCE), line.has(FORCE_ACTIVE));
    let (tool, between) = match line.names[..] {
        [] => {
            let mut tools = population.of_role(HAADMIN);
            let tool = tools.next().ok_or("no nameservice has several NameNodes")?;
            if tools.next().is_some() {
                return Err("several nameservices: name the NameNodes".to_string());
            }
            (tool.process, None)
        }
        [from, to] => {
            let ((tool, from), (of_to, to)) =
                (tool_of(population, from)?, tool_of(population, to)?);
            if tool != of_to {
                return Err("the two NameNodes are of two nameservices".to_string());
            }
            (tool, Some((from, to)))
        }
        _ => return Err("expected two NameNodes or none".to_string()),
    };
    let command = HaAdminCommand::Failover { between, force_fence, force_active };
    Ok(world.command::<HaAdminConsole>(tool, command))
}

fn transition_to_active(
    world: &mut World,
    population: &Population,
    arguments: &[String],
) -> Result<bool, String> {
    let line = Line::parse(arguments, &[FORCE_ACTIVE, FORCE_MANUAL])?;
    let [name] = line.names[..] else { return Err("expected one NameNode".to_string()) };
    let (tool, node) = tool_of(population, name)?;
    let (force_active, force_manual) = (line.has(FORCE_ACTIVE), line.has(FORCE_MANUAL));
    let command = HaAdminCommand::TransitionToActive { node, force_active, force_manual };
    Ok(world.command::<HaAdminConsole>(tool, command))
}

fn transition_to_standby(
    world: &mut World,
    population: &Population,
    arguments: &[String],
) -> Result<bool, String> {
    let line = Line::parse(arguments, &[FORCE_MANUAL])?;
    let [name] = line.names[..] else { return Err("expected one NameNode".to_string()) };
    let (tool, node) = tool_of(population, name)?;
    let force_manual = line.has(FORCE_MANUAL);
    let command = HaAdminCommand::TransitionToStandby { node, force_manual };
    Ok(world.command::<HaAdminConsole>(tool, command))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::hadoop_ipc_keys::HADOOP_3_4;
    use crate::engine::id::HostId;

    fn placed(name: &str, role: &str, group: Option<&str>, host: u32) -> Placed {
        Placed {
            name: name.to_string(),
            role: role.to_string(),
            process: ProcessId(host * 10),
            host: HostId(host),
            group: group.map(str::to_string),
            config: Config::stock(HADOOP_3_4),
            load: None,
        }
    }

    #[test]
    fn each_host_has_one_sshd_and_each_nameservice_of_several_one_tool() {
        let two = Some("ns1");
        let placed = [
            placed("nn1", NAMENODE, two, 1),
            placed("nn2", NAMENODE, two, 2),
            placed("nn3", NAMENODE, Some("ns2"), 3),
            placed("jn1", "journalnode", None, 1),
        ];
        let names: Vec<String> =
            companions(&placed).into_iter().map(|companion| companion.name).collect();
        assert_eq!(names, ["sshd-nn1", "sshd-nn2", "haadmin-ns1", "sshd-nn3"]);
    }

    #[test]
    fn a_command_is_checked_before_it_is_given() {
        let mut world = World::new(1, crate::engine::net::LinkClasses::default());
        let group = Some("ns1");
        let population = Population::new(vec![
            placed("nn1", NAMENODE, group, 1),
            placed("nn2", NAMENODE, group, 2),
            placed("jn1", "journalnode", None, 3),
        ]);
        let mut given = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_string()).collect();
            failover(&mut world, &population, &words).expect_err("it is wrong")
        };
        assert!(given(&["-forceful"]).starts_with("unknown option -forceful; it may be -force"));
        assert_eq!(given(&["nn1"]), "expected two NameNodes or none");
        assert_eq!(given(&["nn1", "jn1"]), "the nameservice of nn1 has no haadmin");
        assert_eq!(given(&[]), "no nameservice has several NameNodes");
    }
}
