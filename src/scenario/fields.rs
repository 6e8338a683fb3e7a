//! Fields: typed access to a table whose shape has been checked.
//!
//! Here: spans, counts, fractions, bandwidths, names, out of a node.
//! Never here: defaults.
//! Modelled on: serde's field access, with places kept.

use super::complaint::Wrong;
use super::tree::Node;
use crate::engine::config::{Millionths, Unit, Value as _, parse_bytes, parse_span};
use crate::engine::time::SimDuration;

/// A table of a checked tree.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a Node);

impl<'a> Fields<'a> {
    pub(super) fn node(self, name: &str) -> Option<&'a Node> {
        self.0.get(name)
    }

    pub(super) fn table(self, name: &str) -> Option<Fields<'a>> {
        self.node(name).map(Fields)
    }

    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.node(name)?.text()
    }

    pub(super) fn flag(self, name: &str) -> bool {
        self.node(name).and_then(Node::scalar).is_some_and(|text| text == "true")
    }

    pub(super) fn span(self, name: &str) -> Option<SimDuration> {
        parse_span(self.text(name)?, None).ok()
    }

    /// A count that must lie in a range.
    pub(super) fn count_in(
        self,
        name: &str,
        stock: u32,
        range: std::ops::RangeInclusive<u32>,
    ) -> Result<u32, Wrong> {
        let Some(node) = self.node(name) else { return Ok(stock) };
        count_in(node, range)
    }

    /// The items of a list, or the one thing that stands instead of a list.
    pub(super) fn items(self, name: &str) -> &'a [Node] {
        self.node(name).map_or(&[], |node| node.list().unwrap_or(std::slice::from_ref(node)))
    }

    pub(super) fn bandwidth(self, name: &str, stock: u64) -> Result<u64, Wrong> {
        let Some(node) = self.node(name) else { return Ok(stock) };
        match parse_bytes(&node.scalar().unwrap_or_default()) {
            Ok(0) => Err(Wrong::at(node.place, "a bandwidth of nothing").hint("cut it instead")),
            Ok(bytes) => Ok(bytes),
            Err(why) => Err(Wrong::at(node.place, why)),
        }
    }

    pub(super) fn fraction_ppm(self, name: &str, stock: u32) -> Result<u32, Wrong> {
        let Some(node) = self.node(name) else { return Ok(stock) };
        let text = node.scalar().unwrap_or_default();
        match Millionths::parse(&text, Unit::Plain) {
            Ok(Millionths(ppm)) if ppm <= 1_000_000 => Ok(ppm),
            Ok(_) => Err(Wrong::at(node.place, "a fraction above 1")),
            Err(why) => Err(Wrong::at(node.place, why)),
        }
    }
}

/// A count that must lie in a range.
pub(super) fn count_in(node: &Node, range: std::ops::RangeInclusive<u32>) -> Result<u32, Wrong> {
    let count = node.scalar().and_then(|text| text.parse::<u32>().ok());
    count.filter(|count| range.contains(count)).ok_or_else(|| {
        let claim = format!("expected a number from {} to {}", range.start(), range.end());
        Wrong::at(node.place, claim)
    })
}
