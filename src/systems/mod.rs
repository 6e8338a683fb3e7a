//! Systems: one folder each, and the list of them.
//!
//! Here: the `System` values that registries list.
//! Never here: a match on a system's name.
//! Modelled on: DESIGN, Registry.

pub mod hdfs;
pub mod zookeeper;
