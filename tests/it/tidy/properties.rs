//! Properties: none without a planted violation that it catches and a look-alike that it spares.
//!
//! Here: that each has its file, its two-sided test and its row in docs/PROPERTIES.md, and that
//! every historic bug has a row and a test.
//! Never here: what the properties say.
//! Modelled on: STYLE, rule 20; the mutation ledger.

use hadr::oracle::PROPERTIES;
use hadr::systems::Registry;

use super::{file, files, nothing_wrong};

#[test]
fn every_property_has_a_planted_violation_that_it_catches() {
    let oracle = files(&["src/oracle"], "rs");
    let ledger = file("docs/PROPERTIES.md");
    let mut wrong = Vec::new();
    for property in PROPERTIES {
        let home =
            oracle.iter().find(|source| source.text.contains(&format!("\"{}\"", property.name)));
        let Some(home) = home else {
            wrong.push(format!("{} has no file", property.name));
            continue;
        };
        let tested = home.text.lines().any(|line| {
            let line = line.trim_start();
            line.starts_with("fn catches_") && line.contains("_spares_")
        });
        if !tested {
            wrong.push(format!("{}: no test `catches_…_and_spares_…`", home.path));
        }
        if !ledger.lines().any(|line| line.starts_with(&format!("| `{}` |", property.name))) {
            wrong.push(format!("docs/PROPERTIES.md has no row of {}", property.name));
        }
    }
    nothing_wrong(&wrong);
}

#[test]
fn every_plant_has_a_row_and_a_test_that_names_it() {
    let tests = files(&["tests", "src"], "rs");
    let ledger = file("docs/PROPERTIES.md");
    let mut wrong = Vec::new();
    for plant in Registry::builtin().plants() {
        if !ledger.lines().any(|line| line.starts_with(&format!("| `{}` |", plant.name))) {
            wrong.push(format!("docs/PROPERTIES.md has no row of {}", plant.name));
        }
        // As it is named, or as the constant that holds its name.
        let constant = plant.name.replace('-', "_").to_uppercase();
        let tested = tests.iter().any(|source| {
            let behind = source.text.split("#[test]").skip(1);
            let mut names = behind.filter(|_| !source.path.contains("tidy"));
            names.any(|test| test.contains(plant.name) || test.contains(&constant))
        });
        if !tested {
            wrong.push(format!("no test names the plant {}", plant.name));
        }
    }
    nothing_wrong(&wrong);
}
