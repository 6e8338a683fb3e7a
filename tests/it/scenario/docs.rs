//! Docs: docs/SCENARIOS.md says what the reader does.
//!
//! Here: every field is described; the worked example is a scenario.
//! Never here: prose.
//! Modelled on: doc tests.

use hadr::scenario::format::{KINDS, ROOT};
use hadr::scenario::shape::{Field, Shape};

use super::{CLUSTER, read, scenario};

const PAGE: &str = include_str!("../../../docs/SCENARIOS.md");

fn fields(shape: &Shape, into: &mut Vec<&'static str>) {
    match shape {
        Shape::Table(table) => table.iter().for_each(|field| of_field(field, into)),
        Shape::List(of) | Shape::Map(_, of) => fields(of, into),
        Shape::Either(shapes) => shapes.iter().for_each(|shape| fields(shape, into)),
        Shape::Text(_)
        | Shape::OneOf(_)
        | Shape::Name(_)
        | Shape::Span
        | Shape::Count
        | Shape::SignedSpan
        | Shape::Flag
        | Shape::Scalar
        | Shape::Amount(_) => {}
    }
}

fn of_field(field: &Field, into: &mut Vec<&'static str>) {
    into.push(field.name);
    fields(&field.shape, into);
}

#[test]
fn every_field_and_kind_is_described() {
    let mut names = Vec::new();
    ROOT.iter().for_each(|field| of_field(field, &mut names));
    for name in names.iter().chain(KINDS) {
        let said = [format!("`{name}`"), format!("`{name} ="), format!("{name} = ")];
        let headed = [format!("[[topology.{name}]]"), format!("[topology.{name}]")];
        let wired = [format!("[network.{name}]"), format!("[[network.{name}]]")];
        let all = said.iter().chain(&headed).chain(&wired);
        assert!(all.into_iter().any(|text| PAGE.contains(text)), "{name} is not described");
    }
}

#[test]
fn the_examples_are_scenarios() {
    let blocks: Vec<&str> =
        PAGE.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 3);
    let worked = scenario(blocks[0]);
    assert_eq!((worked.topology.processes.len(), worked.faults.len()), (14, 1));
    for block in &blocks[1..] {
        let whole = match block.contains("[[topology") {
            true => format!("[[topology.site]]\nname = \"x\"\nracks = [\"a\"]\n{block}"),
            false => format!("{CLUSTER}{block}"),
        };
        read(&whole).unwrap_or_else(|complaint| panic!("{complaint}"));
    }
}
