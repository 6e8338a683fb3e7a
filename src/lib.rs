//! hadr: a deterministic simulator of the Hadoop stack's high availability and disaster recovery.
//!
//! Here: the layers of docs/ARCHITECTURE.md, one folder each.
//! Never here: anything that reads a clock, the environment or a terminal below `cli`.
//! Modelled on: the upstream systems named in docs/MODELS.md.

pub mod engine;
pub mod history;
