//! Journal roles: how a scenario places JournalNodes, and what a NameNode learns of its log.
//!
//! Here: which JournalNodes keep which nameservice's log; the bugs that can be planted in it.
//! Never here: what a JournalNode does (`journalnode`), what a NameNode writes.
//! Modelled on: Hadoop `dfs.namenode.shared.edits.dir`, `QuorumJournalManager.createLoggers`.

use std::cmp::Ordering;

use super::api::qjournal::JournalId;
use super::journalnode::{JournalNode, JournalNodeSetup, JournalSetup};
use super::quorum_journal::QuorumJournalSetup;
use crate::engine::id::ProcessId;
use crate::engine::process::Process;
use crate::history::ResourceName;
use crate::protocols::qjm::Prepared;
use crate::protocols::qjm::journal::JournalRules;
use crate::protocols::qjm::recovery::{self, Assertion};
use crate::protocols::qjm::writer::WriterRules;
use crate::systems::{Build, Placed, PlantSpec, Population, RoleSpec};

const NAMENODE: &str = "namenode";
const JOURNALNODE: &str = "journalnode";

/// Who keeps the shared log.
pub const ROLES: [RoleSpec; 1] = [RoleSpec {
    name: JOURNALNODE,
    short: "jn",
    beside: None,
    family: "hadoop",
    client: None,
    grouped: false,
    meaning: "JournalNode: keeps one copy of the log of each nameservice that names it",
    build: journal_node,
}];

/// Bugs of the shared log's history.
pub const PLANTS: [PlantSpec; 1] = [PlantSpec {
    name: HDFS_3845,
    meaning: "recovery ranks an accepted decision above a newer writer's edits, and starting a \
              segment does not drop the decision about it",
}];

const HDFS_3845: &str = "HDFS-3845";

fn journal_rules(build: &Build<'_>) -> JournalRules {
    let start_forgets_decision = !build.planted(HDFS_3845);
    JournalRules { start_forgets_decision, ..JournalRules::HONEST }
}

fn writer_rules(build: &Build<'_>) -> WriterRules {
    WriterRules { rank: if build.planted(HDFS_3845) { decisions_first } else { recovery::rank } }
}

/// The plant's ranking: whether and in which epoch a decision was accepted, then the length.
fn decisions_first(one: &Prepared, other: &Prepared) -> Result<Ordering, Assertion> {
    let (Some(a), Some(b)) = (one.segment, other.segment) else {
        return recovery::rank(one, other);
    };
    Ok(one.accepted_in.cmp(&other.accepted_in).then(a.end.cmp(&b.end)))
}

/// The nameservices in the order in which their NameNodes are placed.
fn nameservices(population: &Population) -> Vec<Option<&str>> {
    let mut groups: Vec<Option<&str>> = Vec::new();
    for namenode in population.of_role(NAMENODE) {
        if !groups.contains(&namenode.group.as_deref()) {
            groups.push(namenode.group.as_deref());
        }
    }
    groups
}

/// The JournalNodes of a nameservice: its own, or else those of nobody in particular.
fn journal_nodes<'a>(population: &'a Population, group: Option<&'a str>) -> Vec<&'a Placed> {
    let own: Vec<&Placed> = population.of_group(JOURNALNODE, group).collect();
    if own.is_empty() { population.of_group(JOURNALNODE, None).collect() } else { own }
}

/// The log of a nameservice as the history knows it, which is also what its active role is of.
pub fn shared_log(build: &mut Build<'_>, group: Option<&str>) -> ResourceName {
    build.resource(group.unwrap_or("hdfs"))
}

/// A nameservice's journal and its namespace id.
fn identity(population: &Population, group: Option<&str>) -> Option<(JournalId, u64)> {
    let place = nameservices(population).iter().position(|known| *known == group)?;
    let id = JournalId(u16::try_from(place).ok()?);
    Some((id, u64::from(id.0) + 1))
}

/// What a NameNode is told of its shared log; none, if no JournalNodes are placed for it.
pub fn quorum_journal(build: &mut Build<'_>, namenode: &Placed) -> Option<QuorumJournalSetup> {
    let group = namenode.group.as_deref();
    let nodes = journal_nodes(build.population, group);
    let (journal, namespace) = identity(build.population, group)?;
    let journal_nodes: Vec<ProcessId> = nodes.iter().map(|node| node.process).collect();
    if journal_nodes.is_empty() {
        return None;
    }
    Some(QuorumJournalSetup {
        config: namenode.config.clone().scoped(group, Some(&namenode.name)),
        journal,
        resource: shared_log(build, group),
        namespace,
        journal_nodes,
        rules: writer_rules(build),
    })
}

fn journal_node(build: &mut Build<'_>, placed: &Placed) -> Result<Box<dyn Process>, String> {
    let mut journals = Vec::new();
    for group in nameservices(build.population) {
        let set = journal_nodes(build.population, group);
        if set.iter().all(|node| node.process != placed.process) {
            continue;
        }
        let others = set.iter().filter(|node| node.process != placed.process);
        let peers = others.map(|node| node.process).collect();
        let (id, namespace) =
            identity(build.population, group).ok_or("more than 65,536 nameservices")?;
        let resource = shared_log(build, group);
        journals.push(JournalSetup { id, resource, formatted_for: Some(namespace), peers });
    }
    let config = placed.config.clone();
    let setup = JournalNodeSetup { config, journals, rules: journal_rules(build) };
    Ok(Box::new(JournalNode::new(setup)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::clients::hadoop_ipc_keys::HADOOP_3_4;
    use crate::engine::config::Config;
    use crate::engine::id::HostId;
    use crate::systems::Names;

    fn placed(name: &str, role: &str, group: Option<&str>, process: u32) -> Placed {
        Placed {
            name: name.to_string(),
            role: role.to_string(),
            process: ProcessId(process),
            host: HostId(process),
            group: group.map(str::to_string),
            config: Config::stock(HADOOP_3_4),
            load: None,
        }
    }

    #[test]
    fn nameservices_share_journal_nodes_unless_they_have_their_own() {
        let population = Population::new(vec![
            placed("nn1", NAMENODE, Some("ns1"), 1),
            placed("nn2", NAMENODE, Some("ns1"), 2),
            placed("nn3", NAMENODE, Some("ns2"), 3),
            placed("jn1", JOURNALNODE, None, 11),
            placed("jn2", JOURNALNODE, None, 12),
            placed("jn3", JOURNALNODE, Some("ns2"), 13),
        ]);
        let (sizes, mut names) = (BTreeMap::new(), Names::default());
        let mut build = Build::new(&population, 7, &[], &sizes, &mut names);
        let log_of = |build: &mut Build<'_>, name: &str| {
            let namenode = population.named(name).unwrap();
            let setup = quorum_journal(build, namenode).unwrap();
            let nodes = setup.journal_nodes.iter().map(|node| node.0).collect::<Vec<_>>();
            (setup.journal.0, setup.namespace, setup.resource.0, nodes)
        };
        assert_eq!(log_of(&mut build, "nn1"), (0, 1, 0, vec![11, 12]));
        assert_eq!(log_of(&mut build, "nn2"), (0, 1, 0, vec![11, 12]));
        assert_eq!(log_of(&mut build, "nn3"), (1, 2, 1, vec![13]));
        assert_eq!(names.resources, ["ns1", "ns2"]);
    }
}
