//! NameNode roles: how a scenario places NameNodes, and who keeps their edits and images.
//!
//! Here: `namenode`, `filer`, `secondary-namenode`, `fsimage-backup`; what keeps a nameservice's
//! edits; sizes, marks, notes, selectors.
//! Never here: what a NameNode does (`namenode`), where JournalNodes stand (`journal_roles`).
//! Modelled on: Hadoop `dfs.nameservices`, `dfs.ha.namenodes`, `dfs.namenode.shared.edits.dir`.

use super::api::namenode_protocol::{HTTP_PORT, SECONDARY_HTTP_PORT};
use super::journal_roles::{quorum_journal, shared_log};
use super::keys;
use super::namenode::{
    ImageSource, LOCAL_EDITS_DIRS_MAX, NameNode, NameNodeSetup, SHARED_JOURNAL_TAGS, marks,
};
use super::nfs::{Filer, NfsJournal, journal};
use super::quorum_journal::QuorumJournal;
use super::secondary::{SecondaryNameNode, SecondarySetup};
use super::secondary_backup::ImageBackup;
use crate::engine::config::Config;
use crate::engine::process::Process;
use crate::history;
use crate::systems::{Build, MarkSpec, NoteSpec, Placed, RoleSpec, SelectorSpec, SizeSpec, Who};

const NAMENODE: &str = "namenode";
const FILER: &str = "filer";
const SECONDARY: &str = "secondary-namenode";
const BACKUP: &str = "fsimage-backup";
const INODES: &str = "namespace-inodes";

/// Who keeps the namespace, and on what.
pub const ROLES: [RoleSpec; 4] = [
    RoleSpec {
        name: NAMENODE,
        short: "nn",
        beside: None,
        family: "hadoop",
        client: None,
        grouped: true,
        meaning: "NameNode: its edits lie with the JournalNodes, on the filer, or with it alone",
        build: namenode,
    },
    RoleSpec {
        name: FILER,
        short: "filer",
        beside: None,
        family: "hadoop",
        client: None,
        grouped: true,
        meaning: "NFS server of the shared edits directory of a nameservice",
        build: filer,
    },
    RoleSpec {
        name: SECONDARY,
        short: "snn",
        beside: None,
        family: "hadoop",
        client: None,
        grouped: true,
        meaning: "Secondary NameNode of a nameservice with one NameNode: merges its edits",
        build: secondary,
    },
    RoleSpec {
        name: BACKUP,
        short: "backup",
        beside: None,
        family: "hadoop",
        client: None,
        grouped: true,
        meaning: "an operator's job that copies the newest image away",
        build: backup,
    },
];

/// How large a namespace is.
pub const SIZES: [SizeSpec; 1] = [SizeSpec {
    name: INODES,
    default: 10_000,
    meaning: "files and directories that a namespace has before the run",
}];

/// Protocol steps.
pub const MARKS: [MarkSpec; marks::MARKS.len() + 1] = {
    let mut all = [journal::RECOVERED; marks::MARKS.len() + 1];
    let mut at = 0;
    while at < marks::MARKS.len() {
        all[at] = marks::MARKS[at];
        at += 1;
    }
    all
};

/// Lines of the timeline.
pub const NOTES: [NoteSpec; 5] = marks::NOTES;

/// Who plays which part.
pub const SELECTORS: [SelectorSpec; 2] = [
    SelectorSpec {
        name: "active-namenode",
        of: NAMENODE,
        who: Who::Holds(history::Role::Active),
        meaning: "a NameNode that holds itself active",
    },
    SelectorSpec {
        name: "standby-namenode",
        of: NAMENODE,
        who: Who::Holds(history::Role::Standby),
        meaning: "a NameNode that follows",
    },
];

fn local_edits_dirs(config: &Config) -> usize {
    let given = config.get(keys::DFS_NAMENODE_EDITS_DIR);
    let dirs =
        if given.starts_with("${") { config.get(keys::DFS_NAMENODE_NAME_DIR) } else { given };
    dirs.split(',').filter(|dir| !dir.trim().is_empty()).count()
}

/// Another NameNode of the nameservice first, then whoever keeps copies.
fn image_sources(build: &Build<'_>, placed: &Placed) -> Vec<ImageSource> {
    let group = placed.group.as_deref();
    let of = |role, port| {
        let found = build.population.of_group(role, group);
        let others = found.filter(|other| other.process != placed.process);
        others.map(move |other| ImageSource { process: other.process, port })
    };
    of(NAMENODE, HTTP_PORT)
        .chain(of(SECONDARY, SECONDARY_HTTP_PORT))
        .chain(of(BACKUP, SECONDARY_HTTP_PORT))
        .collect()
}

fn namenode(build: &mut Build<'_>, placed: &Placed) -> Result<Box<dyn Process>, String> {
    let group = placed.group.as_deref();
    let config = placed.config.clone().scoped(group, Some(&placed.name));
    let peers: Vec<_> = build
        .population
        .of_group(NAMENODE, group)
        .map(|peer| peer.process)
        .filter(|peer| *peer != placed.process)
        .collect();
    let local_edits_dirs = local_edits_dirs(&config);
    if LOCAL_EDITS_DIRS_MAX < local_edits_dirs {
        return Err(format!("at most {LOCAL_EDITS_DIRS_MAX} local edits directories"));
    }
    let alone = peers.is_empty();
    let setup = NameNodeSetup {
        config,
        resource: shared_log(build, group),
        peers,
        base_inodes: build.size(INODES),
        local_edits_dirs,
        sources: image_sources(build, placed),
    };
    if let Some(filer) = build.population.of_group(FILER, group).next() {
        let shared = NfsJournal::new(filer.process);
        return Ok(Box::new(NameNode::new(setup, Some(shared))));
    }
    match quorum_journal(build, placed) {
        Some(journal) => {
            let shared = QuorumJournal::new(journal, SHARED_JOURNAL_TAGS);
            Ok(Box::new(NameNode::new(setup, Some(shared))))
        }
        None if alone => Ok(Box::new(NameNode::<NfsJournal>::new(setup, None))),
        None => {
            Err("NameNodes of one nameservice share edits: place journalnodes or a filer".into())
        }
    }
}

fn filer(build: &mut Build<'_>, placed: &Placed) -> Result<Box<dyn Process>, String> {
    Ok(Box::new(Filer::new(shared_log(build, placed.group.as_deref()))))
}

fn secondary(build: &mut Build<'_>, placed: &Placed) -> Result<Box<dyn Process>, String> {
    let group = placed.group.as_deref();
    let mut namenodes = build.population.of_group(NAMENODE, group);
    let (Some(namenode), None) = (namenodes.next(), namenodes.next()) else {
        return Err("a Secondary NameNode serves exactly one NameNode".into());
    };
    let namenode = namenode.process;
    let resource = shared_log(build, group);
    let config = placed.config.clone().scoped(group, None);
    Ok(Box::new(SecondaryNameNode::new(SecondarySetup { config, resource, namenode })))
}

fn backup(build: &mut Build<'_>, placed: &Placed) -> Result<Box<dyn Process>, String> {
    let group = placed.group.as_deref();
    let namenodes = build.population.of_group(NAMENODE, group).map(|other| other.process);
    let namenodes = namenodes.collect();
    let config = placed.config.clone().scoped(group, None);
    Ok(Box::new(ImageBackup::new(&config, shared_log(build, group), namenodes)))
}
