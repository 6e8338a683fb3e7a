//! Import: upstream configuration becomes a scenario.
//!
//! Here: the flags of `hadr import`.
//! Never here: Hadoop's reading rules (that is `scenario::import`).
//! Modelled on: DESIGN 6.

use std::path::PathBuf;

use clap::Args;

use super::common::{complain, print, write_files};
use super::files::Disk;
use super::{Failure, Outcome};
use crate::scenario::Vocabulary;
use crate::scenario::import::{Files, import};
use crate::systems::Registry;

/// Make a scenario of hdfs-site.xml, core-site.xml and zoo.cfg
#[derive(Args)]
#[command(after_long_help = super::EXIT_STATUS)]
pub(super) struct ImportArgs {
    /// hdfs-site.xml; may be given several times, the last one wins
    #[arg(long, value_name = "FILE")]
    hdfs_site: Vec<String>,

    /// core-site.xml; may be given several times, the last one wins
    #[arg(long, value_name = "FILE")]
    core_site: Vec<String>,

    /// zoo.cfg of the ensemble
    #[arg(long, value_name = "FILE")]
    zoo_cfg: Option<String>,

    /// Hosts file, or a topology table (`host /site/rack`)
    #[arg(long, value_name = "FILE")]
    hosts: Option<String>,

    /// Release of Hadoop: hadoop-3.3 or hadoop-3.4
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,

    /// Write the scenario there instead of printing it
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Do not list remarks and unused keys on stderr
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(args: &ImportArgs, registry: &Registry) -> Outcome {
    if args.hdfs_site.is_empty() && args.core_site.is_empty() && args.zoo_cfg.is_none() {
        let message = "nothing to import: give --hdfs-site, --core-site or --zoo-cfg";
        return Err(Failure::BadInput(message.to_string()));
    }
    let files = Files {
        core_site: args.core_site.clone(),
        hdfs_site: args.hdfs_site.clone(),
        zoo_cfg: args.zoo_cfg.clone(),
        hosts: args.hosts.clone(),
        profile: args.profile.clone(),
    };
    let imported = import(&files, &Disk, &Vocabulary::of(registry))
        .map_err(|complaint| Failure::BadInput(complaint.to_string()))?;
    if !args.quiet {
        for note in &imported.notes {
            complain(&format!("note: {note}"));
        }
        for unused in &imported.unused {
            complain(&format!("unused: {unused}"));
        }
    }
    match &args.output {
        None => print(&imported.toml),
        Some(path) => {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            let name = name.ok_or_else(|| {
                Failure::BadInput(format!("{}: not the name of a file", path.display()))
            })?;
            let folder = path.parent().unwrap_or(std::path::Path::new("."));
            write_files(folder, &[(name, imported.toml.into_bytes())])?;
        }
    }
    Ok(())
}
