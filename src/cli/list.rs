//! List: what the registered systems offer.
//!
//! Here: one table a word.
//! Never here: a system's name.
//! Modelled on: DESIGN 6.

use clap::{Args, ValueEnum};

use super::builtin;
use super::common::{SetArgs, print, read};
use super::{Failure, Outcome};
use crate::oracle::PROPERTIES;
use crate::scenario::{Document, Vocabulary};
use crate::systems::Registry;

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Systems and their model versions
    Systems,
    /// Kinds of process
    Roles,
    /// What users call
    Services,
    /// Kinds of fault
    Faults,
    /// Names for whoever plays a part
    Selectors,
    /// Commands of operators
    Commands,
    /// Protocol steps
    Marks,
    /// Lines of the timeline
    Notes,
    /// What every run is judged by
    Properties,
    /// Historic bugs
    Plants,
    /// Sizes that a scenario can give
    Sizes,
    /// Configuration keys with stock value and meaning
    Keys,
    /// Designs and disasters that come with hadr
    Scenarios,
}

/// List systems, roles, services, faults, marks, properties, plants, keys or scenarios
#[derive(Args)]
pub(super) struct ListArgs {
    /// What to list
    #[arg(value_enum)]
    what: What,
}

/// The kinds of fault, as a scenario writes them.
const FAULTS: &[(&str, &str)] = &[
    ("kill", "SIGKILL; its kernel closes the sockets"),
    ("stop", "SIGSTOP: its kernel still accepts, it answers nothing"),
    ("freeze", "a host's virtual machine does not run"),
    ("power-loss", "a host ends without a word; what was not synced is lost"),
    ("silence", "all packets of a host are dropped; its processes go on"),
    ("cut", "packets between the target and others are dropped, one way or both"),
    ("flap", "a cut that comes and goes"),
    ("disk-stall", "a host's disks answer nothing"),
    ("disk-full", "a host's disks refuse to store"),
    ("disk-lie", "a host's disks report a sync that they have not made"),
    ("disk-wipe", "a process is killed and what it stored is erased"),
    ("restart", "processes are taken down and started one after the other"),
    ("clock-jump", "a host's wall clock is set forward or back"),
    ("admin", "an operator gives a command"),
    ("restore", "a process starts from a copy of another's files"),
];

pub(super) fn run(args: &ListArgs, registry: &Registry) -> Outcome {
    let pair = |name: &str, meaning: &str| vec![name.to_string(), meaning.to_string()];
    let rows: Vec<Vec<String>> = match args.what {
        What::Systems => registry
            .systems()
            .iter()
            .map(|system| pair(system.name, &format!("model version {}", system.model_version)))
            .collect(),
        What::Roles => registry.roles().map(|role| pair(role.name, role.meaning)).collect(),
        What::Services => registry.services().map(|one| pair(one.name, one.meaning)).collect(),
        What::Faults => FAULTS.iter().map(|(name, meaning)| pair(name, meaning)).collect(),
        What::Selectors => registry.selectors().map(|one| pair(one.name, one.meaning)).collect(),
        What::Commands => registry.commands().map(|one| pair(one.name, one.meaning)).collect(),
        What::Marks => registry
            .marks()
            .map(|mark| {
                let phase = mark.ends_phase.map_or(String::new(), |name| format!("ends {name}"));
                vec![mark.name.to_string(), phase, mark.meaning.to_string()]
            })
            .collect(),
        What::Notes => registry.notes().map(|note| pair(note.name, note.phrase)).collect(),
        What::Properties => PROPERTIES.iter().map(|one| pair(one.name, one.meaning)).collect(),
        What::Plants => registry.plants().map(|one| pair(one.name, one.meaning)).collect(),
        What::Sizes => registry
            .sizes()
            .map(|size| {
                vec![size.name.to_string(), size.default.to_string(), size.meaning.to_string()]
            })
            .collect(),
        What::Keys => keys(registry),
        What::Scenarios => scenarios(registry)?,
    };
    print(&table(&rows));
    Ok(())
}

fn scenarios(registry: &Registry) -> Result<Vec<Vec<String>>, Failure> {
    let words = Vocabulary::of(registry);
    let about = |path: String| {
        let about = match read(&path, &SetArgs::default(), &words)? {
            Document::Scenario(scenario) => scenario.about,
            Document::Disaster(disaster) => disaster.about,
        };
        Ok(vec![path, about])
    };
    builtin::comparison().into_iter().map(about).collect()
}

fn keys(registry: &Registry) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for section in registry.sections() {
        for key in section.keys {
            let stock = section.profiles.iter().map(|profile| key.stock_text(*profile));
            let mut stock: Vec<String> = stock.collect();
            stock.dedup();
            rows.push(vec![
                section.name.to_string(),
                key.name().to_string(),
                stock.join(" | "),
                format!("{:?}", key.unit()).to_lowercase(),
                key.meaning().to_string(),
            ]);
        }
    }
    rows
}

/// Columns as wide as their widest cell; the last is not padded.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| {
        rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|at| width(at).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(at, (cell, width))| {
            if at + 1 == row.len() { cell.clone() } else { format!("{cell:<width$}") }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}
