//! Scenario: the file format, its validation, and import of upstream configuration.
//!
//! Here: trees with spans, typed scenarios, complaints with line and column.
//! Never here: running anything.
//! Modelled on: rust-analyzer's configuration, miette's spans.

pub mod model;
