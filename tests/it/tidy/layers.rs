//! Layers: who may know whom.
//!
//! Here: the table of docs/ARCHITECTURE.md as a test over `crate::` and `super::` paths, and that
//! no system leads back to itself.
//! Never here: what a layer does.
//! Modelled on: rust-analyzer's invariants between crates.

use std::collections::BTreeMap;

use petgraph::algo::is_cyclic_directed;
use petgraph::graph::DiGraph;

use super::{Source, file, files, nothing_wrong};

/// A layer may name only what its row lists, and itself; `*` stands for any one name. What a system
/// exports and what a registry lists (`registry`, `build` and their names in `systems`) is open to
/// every system. Tests inside `src/` obey the same rows.
const LAYERS: &[(&str, &[&str])] = &[
    ("engine", &[]),
    ("history", &["engine::id", "engine::time", "engine::note", "engine::digest"]),
    ("protocols", &["engine::id", "engine::time", "engine::limits"]),
    ("clients", &["engine"]),
    ("faults", &["engine", "history"]),
    (
        "systems::*",
        &["engine", "history", "protocols", "clients", "systems::EXPORT", "systems::*::api"],
    ),
    ("systems", &["engine", "history", "systems"]),
    ("scenario", &["engine", "history", "faults", "systems"]),
    ("oracle", &["engine::id", "engine::time", "engine::note", "history"]),
    ("measure", &["engine::id", "engine::time", "engine::note", "engine::floats", "history"]),
    (
        "runner",
        &[
            "engine",
            "history",
            "protocols",
            "clients",
            "faults",
            "systems",
            "scenario",
            "oracle",
            "measure",
        ],
    ),
    ("check", &["engine::id", "engine::time", "runner", "scenario", "faults", "oracle", "measure"]),
    (
        "campaign",
        &[
            "engine::id",
            "engine::time",
            "engine::digest",
            "runner",
            "scenario",
            "faults",
            "oracle",
            "measure",
        ],
    ),
    ("report", &["engine::id", "engine::time", "engine::floats", "runner", "check", "campaign"]),
    ("cli", &["*"]),
];

fn under(path: &str, row: &str) -> bool {
    let mut names = path.split("::");
    row.split("::").all(|part| names.next().is_some_and(|name| part == "*" || part == name))
}

/// The row of a module: the longest that fits.
fn row(module: &str) -> Option<&'static (&'static str, &'static [&'static str])> {
    LAYERS.iter().filter(|row| under(module, row.0)).max_by_key(|row| row.0.len())
}

/// The module itself and what is below it, as far as its layer reaches: `systems::hdfs`.
fn layer(module: &str) -> String {
    let depth = row(module).map_or(1, |row| row.0.split("::").count());
    module.split("::").take(depth).collect::<Vec<_>>().join("::")
}

/// `systems::Build` and `systems::registry::System` are what every system may name.
fn exported(path: &str) -> String {
    let Some(name) = path.strip_prefix("systems::") else { return path.to_string() };
    let first = name.split("::").next().unwrap_or_default();
    let open = first.starts_with(char::is_uppercase) || ["registry", "build"].contains(&first);
    if open { "systems::EXPORT".to_string() } else { path.to_string() }
}

/// Every path below a prefix that ends before `rest`, its groups in braces taken apart.
fn paths(rest: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut stack = vec![String::new()];
    let mut word = String::new();
    let mut renamed = false; // behind `name as`
    for character in rest.chars() {
        let top = stack.last().expect("the root stays").clone();
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | ':' | '*' if !renamed => word.push(character),
            '{' if word.is_empty() || word.ends_with("::") => {
                stack.push(top + &std::mem::take(&mut word));
            }
            ',' | '}' => {
                if !word.is_empty() {
                    found.push(top + &std::mem::take(&mut word));
                }
                renamed = false;
                if character == '}' {
                    stack.pop();
                }
                if stack.len() < 2 {
                    return found;
                }
            }
            ' ' | '\n' if stack.len() > 1 => renamed |= !word.is_empty(),
            _ if renamed => {}
            _ => break,
        }
    }
    if !word.is_empty() {
        found.push(stack.last().expect("the root stays").clone() + &word);
    }
    found
}

/// What a file names, as paths from the crate's root.
fn named(source: &Source) -> Vec<String> {
    let code = source.code();
    let mut found: Vec<String> = Vec::new();
    for rest in code.split("crate::").skip(1) {
        found.extend(paths(rest));
    }
    // `super::` climbs from the file's module, or from a module inside it.
    let module = source.module();
    let mut inside: Vec<usize> = Vec::new();
    for line in code.lines() {
        let indent = line.len() - line.trim_start().len();
        if line.trim() == "}" && inside.last() == Some(&indent) {
            inside.pop();
        }
        for (at, _) in line.match_indices("super::") {
            if line[..at].ends_with("super::") {
                continue; // counted with the first of its chain
            }
            let chain = &line[at..];
            let tail = chain.trim_start_matches("super::");
            let climbed = (chain.len() - tail.len()) / "super::".len();
            let parts: Vec<&str> = module.split("::").collect();
            let up = climbed.saturating_sub(inside.len());
            let kept = parts.len().saturating_sub(up);
            for path in paths(tail) {
                found.push(
                    parts[..kept].iter().copied().chain([&*path]).collect::<Vec<_>>().join("::"),
                );
            }
        }
        if line.trim_start().starts_with("mod ") && line.ends_with('{') {
            inside.push(indent);
        }
    }
    found
}

/// What a module names and may not.
fn forbidden<'a>(module: &str, named: &'a [String]) -> Vec<&'a str> {
    let (_, allowed) = row(module).unwrap_or_else(|| panic!("{module} has no row"));
    let own = layer(module);
    let lawful = |path: &str| {
        let path = exported(path);
        under(&path, &own) || allowed.iter().any(|row| under(&path, row))
    };
    named.iter().map(String::as_str).filter(|path| !lawful(path)).collect()
}

fn source(path: &str, text: &str) -> Source {
    Source { path: path.to_string(), text: text.to_string() }
}

#[test]
fn a_system_sees_only_the_api_of_another_and_a_fault_none() {
    let text = "use crate::systems::{Build, hdfs::api::HaService, hdfs::{keys, api as x}};\n\
                use super::super::zookeeper::server;\nuse super::registry::System;";
    let impala = source("src/systems/impala/mod.rs", text);
    let found = named(&impala);
    let wrong = forbidden("systems::impala", &found);
    assert_eq!(wrong, ["systems::hdfs::keys", "zookeeper::server"]);
    assert_eq!(forbidden("faults", &found).len(), 6);
    let inner =
        "mod tests {\n    use super::super::build::Build;\n    use super::*;\n}\nuse super::x;";
    let found = named(&source("src/systems/impala/daemon.rs", inner));
    assert_eq!(
        found,
        ["systems::impala::build::Build", "systems::impala::daemon::*", "systems::impala::x"]
    );
}

#[test]
fn every_module_names_only_what_its_row_of_the_table_lists() {
    let mut wrong = Vec::new();
    for source in files(&["src"], "rs") {
        if ["src/lib.rs", "src/main.rs"].contains(&source.path.as_str()) {
            continue; // they hold the layers
        }
        let named = named(&source);
        for path in forbidden(&source.module(), &named) {
            wrong.push(format!("{} may not know {path}", source.path));
        }
    }
    nothing_wrong(&wrong);
}

#[test]
fn the_table_stands_in_the_documentation() {
    let text = file("docs/ARCHITECTURE.md");
    let cell = |name: &str| format!("`{}`", name.trim_end_matches("::*"));
    for (layer, allowed) in LAYERS {
        let line = text.lines().find(|line| line.starts_with(&format!("| {} |", cell(layer))));
        let line = line.unwrap_or_else(|| panic!("docs/ARCHITECTURE.md has no row of {layer}"));
        for name in *allowed {
            let word = name.split("::EXPORT").next().unwrap_or_default();
            let known = line.contains(word.trim_start_matches('*').trim_start_matches("::"));
            assert!(known, "the row of {layer} does not list {name}");
        }
    }
}

#[test]
fn no_system_leads_back_to_itself() {
    let mut graph = DiGraph::<String, ()>::new();
    let mut nodes = BTreeMap::new();
    for source in files(&["src/systems"], "rs") {
        let from = layer(&source.module());
        for to in named(&source).iter().filter(|path| path.starts_with("systems::")) {
            let to = layer(&exported(to));
            if from == to || from == "systems" || to == "systems::EXPORT" {
                continue; // the list of systems names each
            }
            let [one, other] = [&from, &to].map(|name| {
                *nodes.entry(name.clone()).or_insert_with(|| graph.add_node(name.clone()))
            });
            graph.update_edge(one, other, ());
        }
    }
    assert!(graph.edge_count() > 0, "HDFS speaks to ZooKeeper");
    let edges = graph.edge_indices().filter_map(|edge| graph.edge_endpoints(edge));
    let told: Vec<_> = edges.map(|(a, b)| format!("{} -> {}", graph[a], graph[b])).collect();
    assert!(!is_cyclic_directed(&graph), "{told:?}");
}
