//! Report: text, JSON, CSV, SVG of finished records.
//!
//! Here: formatting only.
//! Never here: recomputing a measure; files.
//! Modelled on: hyperfine's exports.

pub mod decimal;
pub mod paint;
pub mod run_json;
pub mod run_text;

/// As written to a file or standard output: two spaces a level, sorted keys, a line feed last.
pub fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}
