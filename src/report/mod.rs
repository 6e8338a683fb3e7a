//! Report: text, JSON, CSV, SVG of finished records.
//!
//! Here: formatting only.
//! Never here: recomputing a measure; files.
//! Modelled on: hyperfine's exports.
#![expect(clippy::float_arithmetic, reason = "report: places on a page, shares as percent")]

pub mod compare_json;
pub mod compare_overview;
pub mod compare_table;
pub mod compare_text;
pub mod decimal;
pub mod html;
pub mod paint;
pub mod plots;
pub mod run_json;
pub mod run_text;
pub mod runs_csv;

/// As written to a file or standard output: two spaces a level, sorted keys, a line feed last.
pub fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}
