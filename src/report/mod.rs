//! Report: text, JSON, CSV, SVG of finished records.
//!
//! Here: formatting only.
//! Never here: recomputing a measure.
//! Modelled on: hyperfine's exports.
