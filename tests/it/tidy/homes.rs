//! Homes: each dependency is named in one place of the code.
//!
//! Here: that place, and that docs/ARCHITECTURE.md says in a line why the dependency is there.
//! Never here: versions (Cargo.toml).
//! Modelled on: DESIGN, Dependencies.

use std::collections::BTreeSet;

use super::{Source, file, files, nothing_wrong};

/// A crate, and the modules that may name it. Where there are two they do two things.
const HOMES: &[(&str, &[&str])] = &[
    ("clap", &["cli"]),
    ("clap_complete", &["cli::docs"]),
    ("clap_mangen", &["cli::docs"]),
    ("csv", &["report::runs_csv"]),
    ("ctrlc", &["cli::compare"]),
    ("indicatif", &["cli::compare"]),
    ("libm", &["engine::floats"]),
    ("plotters", &["report::plots"]),
    ("quick_xml", &["scenario::import::xml"]),
    ("rand", &["engine::dice"]),
    ("rand_chacha", &["engine::dice"]),
    ("rayon", &["campaign::pool"]),
    ("serde_json", &["scenario", "report", "cli"]), // each writes or reads a format of its own
    ("shlex", &["cli::common"]),
    ("statrs", &["measure"]),
    ("thiserror", &["campaign::pool"]),
    ("toml", &["scenario"]),
    ("xxhash_rust", &["engine::digest"]),
];

/// The names of a section of Cargo.toml.
fn dependencies(section: &str) -> Vec<String> {
    let manifest = file("Cargo.toml");
    let lines = manifest.lines().skip_while(|line| *line != format!("[{section}]")).skip(1);
    let names = lines.take_while(|line| !line.starts_with('[')).filter_map(|line| {
        let (name, _) = line.split_once('=')?;
        Some(name.trim().to_string())
    });
    names.collect()
}

fn names_crate(source: &Source, name: &str) -> bool {
    let code = source.code();
    code.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || "_:".contains(before))
    })
}

#[test]
fn each_dependency_has_one_home() {
    let sources = files(&["src"], "rs");
    let mut wrong = Vec::new();
    let known = dependencies("dependencies").into_iter().map(|name| name.replace('-', "_"));
    let listed = HOMES.iter().map(|home| home.0.to_string());
    assert_eq!(known.collect::<BTreeSet<_>>(), listed.collect::<BTreeSet<_>>());
    for (name, homes) in HOMES {
        let mut named = 0;
        for source in sources.iter().filter(|source| names_crate(source, name)) {
            let module = source.module();
            let home = homes.iter().find(|home| module.starts_with(**home));
            named += usize::from(home.is_some());
            if home.is_none() && module != *name {
                wrong.push(format!("{} names {name}, whose home is {homes:?}", source.path));
            }
        }
        if named == 0 {
            wrong.push(format!("{name} is named nowhere"));
        }
    }
    nothing_wrong(&wrong);
}

#[test]
fn each_dependency_is_justified_in_a_line() {
    let text = file("docs/ARCHITECTURE.md");
    let mut wrong = Vec::new();
    for name in dependencies("dependencies").into_iter().chain(dependencies("dev-dependencies")) {
        if !text.lines().any(|line| line.starts_with("| ") && line.contains(&format!("`{name}`"))) {
            wrong.push(format!("docs/ARCHITECTURE.md does not say why {name} is there"));
        }
    }
    nothing_wrong(&wrong);
}
