//! hadr: a deterministic simulator of the Hadoop stack's high availability and disaster recovery.
//!
//! Here: the layers of docs/ARCHITECTURE.md, one folder each.
//! Never here: anything that reads a clock, the environment or a terminal below `cli`.
//! Modelled on: the upstream systems named in docs/MODELS.md.

pub mod campaign;
pub mod cli;
pub mod clients;
pub mod engine;
pub mod faults;
pub mod history;
pub mod measure;
pub mod oracle;
pub mod protocols;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod systems;
