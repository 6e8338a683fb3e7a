//! Replay: runs what a stored run or manifest says, and compares the digests.
//!
//! Here: reading the stored file, finding the first event that differs.
//! Never here: a second way to run anything: the stored command line is parsed again.
//! Modelled on: DESIGN 3.7; madsim's determinism check.

use std::sync::Arc;

use clap::{Args, Parser};
use serde_json::Value;

use super::common::{complain, print, read_scenario, unquoted};
use super::files::Disk;
use super::run::RunArgs;
use super::{Cli, Command, Failure, Outcome, compare};
use crate::report::run_json::hex;
use crate::runner::{Session, Watch};
use crate::scenario::{FileReader, Vocabulary};
use crate::systems::Registry;

/// Run a stored run.json or manifest.json again and check its digests
#[derive(Args)]
#[command(after_long_help = super::EXIT_STATUS)]
pub(super) struct ReplayArgs {
    /// run.json of `hadr run --out`, or manifest.json of `hadr compare`
    file: String,
}

pub(super) fn run(args: &ReplayArgs, registry: Registry) -> Outcome {
    let bad = |why: &str| Failure::BadInput(format!("{}: {why}", args.file));
    let bytes = Disk.read(&args.file).map_err(|why| bad(&why))?;
    let stored: Value = serde_json::from_slice(&bytes).map_err(|error| bad(&error.to_string()))?;
    let line = stored["reproduce"].as_str().ok_or_else(|| bad("it has no field \"reproduce\""))?;
    let words = unquoted(line).ok_or_else(|| bad("its field \"reproduce\" is no command"))?;
    let cli = Cli::try_parse_from(words).map_err(|error| bad(&error.to_string()))?;
    match (stored["schema"].as_str(), cli.command) {
        (Some("hadr.run/1"), Command::Run(again)) => one(&stored, &again, registry),
        (Some("hadr.manifest/1"), Command::Compare(again)) => many(&stored, &again, registry),
        (schema, _) => {
            let found = schema.unwrap_or("none");
            Err(bad(&format!("expected schema hadr.run/1 or hadr.manifest/1, found {found}")))
        }
    }
}

fn one(stored: &Value, again: &RunArgs, registry: Registry) -> Outcome {
    let (record, _) = again.simulate(registry.clone(), Watch::default())?;
    let found = [record.digest, record.history_digest].map(hex);
    let wanted = ["digest", "history_digest"].map(|field| stored[field].as_str().unwrap_or(""));
    if found[0] == wanted[0] && found[1] == wanted[1] {
        print(&format!("same run: digest {}, history digest {}", found[0], found[1]));
        return Ok(());
    }
    if found[1] == wanted[1] {
        print(&format!("same history ({}); kernel events differ by version", found[1]));
        return Ok(());
    }
    complain(&format!("history digest: stored {}, now {}", wanted[1], found[1]));
    first_difference(again, registry)?;
    Err(Failure::Status(1))
}

/// Two fresh runs side by side: if they part, the program is not deterministic and the first event
/// that differs is named; if they agree, the models have changed since the file was stored.
fn first_difference(again: &RunArgs, registry: Registry) -> Outcome {
    let words = Vocabulary::of(&registry);
    let scenario = read_scenario(&again.scenario, &again.set, &words)?;
    let registry = Arc::new(registry);
    let open = || {
        let lineage = again.lineage.clone().unwrap_or_default();
        let how = (Watch::default(), &lineage);
        Session::open_lineage(scenario.clone(), registry.clone(), again.seed, how)
    };
    let (one, other) = (open(), open());
    let (Ok(mut one), Ok(mut other)) = (one, other) else { return Ok(()) };
    while one.now() < one.horizon() {
        let next = one.events() + 1;
        one.advance_to_event(next);
        other.advance_to_event(next);
        if one.digest() != other.digest() {
            complain(&format!("not deterministic: event {next} at {} s differs", one.now()));
            return Ok(());
        }
        if one.events() < next {
            break;
        }
    }
    complain("two runs of this version agree: a model has changed since the file was stored");
    Ok(())
}

fn many(stored: &Value, again: &compare::CompareArgs, registry: Registry) -> Outcome {
    let models = compare::models(&registry);
    let comparison = again.simulate(registry)?;
    let found = hex(comparison.digest_of_digests());
    let wanted = stored["digest_of_digests"].as_str().unwrap_or("");
    if found == wanted {
        let cells = comparison.plan.cells.len();
        let runs = comparison.plan.runs;
        print(&format!("same campaign: {cells} cells of {runs} runs, digest of digests {found}"));
        return Ok(());
    }
    complain(&format!("digest of digests: stored {wanted}, now {found}"));
    for (name, version) in &models {
        let before = stored["models"][name].as_str().unwrap_or("none");
        if before != version {
            complain(&format!("model {name}: stored version {before}, now {version}"));
        }
    }
    let cells = stored["cells"].as_array().map(Vec::as_slice).unwrap_or_default();
    let pairs = comparison.plan.cells.iter().zip(&comparison.records).zip(cells);
    for ((cell, records), before) in pairs {
        let before = before["runs"].as_array().map(Vec::as_slice).unwrap_or_default();
        let differs = records.iter().zip(before).find(|(record, before)| {
            Some(hex(record.history_digest).as_str()) != before["history_digest"].as_str()
        });
        if let Some((record, _)) = differs {
            let (one, other, seed) = (&cell.architecture, &cell.disaster, record.seed);
            complain(&format!("first difference: {one} under {other}, seed {seed}"));
            break;
        }
    }
    Err(Failure::Status(1))
}
