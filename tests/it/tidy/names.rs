//! Names: every registered name is unique, so is its hash, and `hadr list` tells it.
//!
//! Here: marks, notes, gates, purposes, and the rows of the registry.
//! Never here: what a name stands for.
//! Modelled on: DESIGN, Registry.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use hadr::engine::Gate;
use hadr::history::NoteName;
use hadr::systems::Registry;

use super::{Source, files, nothing_wrong};

/// Whether a file is a room of tests: its parent says so.
fn is_of_tests(source: &Source, all: &[Source]) -> bool {
    let name = source.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
    let parent = source.module();
    let parent = parent.rsplit_once("::").map_or("", |(parent, _)| parent);
    let declared = format!("#[cfg(test)]\nmod {name};");
    source.path.contains("/tests/")
        || all.iter().any(|other| other.module() == parent && other.text.contains(&declared))
}

/// The literals behind a constructor in code that is not a test, with their places.
fn literals(constructor: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let sources = files(&["src"], "rs");
    for source in sources.iter().filter(|source| !is_of_tests(source, &sources)) {
        let code = source.code();
        let honest = code.split("#[cfg(test)]").next().unwrap_or_default();
        for rest in honest.split(constructor).skip(1) {
            if let Some(name) = rest.trim_start().strip_prefix('"') {
                let name = name.split('"').next().unwrap_or_default();
                found.push((name.to_string(), source.path.clone()));
            }
        }
    }
    found
}

fn unique<'a, K: Ord>(
    what: &str,
    names: impl Iterator<Item = (&'a str, K)>,
    wrong: &mut Vec<String>,
) {
    let (mut seen, mut hashes) = (BTreeSet::new(), BTreeMap::new());
    for (name, hash) in names {
        if !seen.insert(name) {
            wrong.push(format!("{what} {name} stands twice"));
        } else if let Some(other) = hashes.insert(hash, name) {
            wrong.push(format!("{what} {name} has the hash of {other}"));
        }
    }
}

#[test]
fn every_registered_name_is_unique_and_so_is_its_hash() {
    let registry = Registry::builtin();
    let mut wrong = Vec::new();
    unique("mark", registry.marks().map(|spec| (spec.name, spec.mark())), &mut wrong);
    unique("note", registry.notes().map(|spec| (spec.name, spec.note())), &mut wrong);
    let gates = literals("Gate::named(");
    unique("gate", gates.iter().map(|(name, _)| (&**name, Gate::named(name))), &mut wrong);
    let purposes = literals("Purpose::named(");
    let hashed = purposes.iter().map(|(name, _)| (&**name, hadr::engine::dice::entity(name)));
    unique("purpose", hashed, &mut wrong);
    for (what, names) in [
        ("role", registry.roles().map(|one| one.name).collect::<Vec<_>>()),
        ("service", registry.services().map(|one| one.name).collect()),
        ("size", registry.sizes().map(|one| one.name).collect()),
        ("selector", registry.selectors().map(|one| one.name).collect()),
        ("command", registry.commands().map(|one| one.name).collect()),
        ("plant", registry.plants().map(|one| one.name).collect()),
    ] {
        unique(what, names.iter().map(|name| (*name, *name)), &mut wrong);
    }
    nothing_wrong(&wrong);
}

#[test]
fn every_mark_and_note_that_a_model_passes_is_registered() {
    let registry = Registry::builtin();
    let mut wrong = Vec::new();
    let marks: BTreeSet<&str> = registry.marks().map(|spec| spec.name).collect();
    for (name, path) in literals("Mark::named(") {
        if !marks.contains(&*name) {
            wrong.push(format!("{path}: nobody registers the mark {name}"));
        }
    }
    let notes: BTreeSet<NoteName> = registry.notes().map(|spec| spec.note()).collect();
    for (name, path) in literals("NoteName::named(") {
        if !notes.contains(&NoteName::named(&name)) {
            wrong.push(format!("{path}: nobody registers the note {name}"));
        }
    }
    nothing_wrong(&wrong);
}

fn listed(what: &str) -> String {
    let hadr = Command::new(env!("CARGO_BIN_EXE_hadr")).args(["list", what]).output();
    let hadr = hadr.expect("the command runs");
    assert!(hadr.status.success(), "hadr list {what}");
    String::from_utf8(hadr.stdout).expect("UTF-8")
}

#[test]
fn everything_that_a_scenario_can_name_is_listed_with_its_meaning() {
    let registry = Registry::builtin();
    let keys = registry.sections().flat_map(|section| section.keys);
    let mut wrong = Vec::new();
    for (what, rows) in [
        ("roles", registry.roles().map(|one| (one.name, one.meaning)).collect::<Vec<_>>()),
        ("services", registry.services().map(|one| (one.name, one.meaning)).collect()),
        ("selectors", registry.selectors().map(|one| (one.name, one.meaning)).collect()),
        ("commands", registry.commands().map(|one| (one.name, one.meaning)).collect()),
        ("sizes", registry.sizes().map(|one| (one.name, one.meaning)).collect()),
        ("marks", registry.marks().map(|one| (one.name, one.meaning)).collect()),
        ("notes", registry.notes().map(|one| (one.name, one.phrase)).collect()),
        ("plants", registry.plants().map(|one| (one.name, one.meaning)).collect()),
        ("keys", keys.map(|key| (key.name(), key.meaning())).collect()),
        ("properties", hadr::oracle::PROPERTIES.map(|one| (one.name, one.meaning)).to_vec()),
    ] {
        let told = listed(what);
        for (name, meaning) in rows {
            let line = told.lines().find(|line| line.split("  ").any(|cell| cell.trim() == name));
            if meaning.is_empty() || !line.is_some_and(|line| line.ends_with(meaning)) {
                wrong.push(format!("hadr list {what} does not explain {name}"));
            }
        }
    }
    nothing_wrong(&wrong);
}
