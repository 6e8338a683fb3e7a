//! Systems: one folder each, and the list of them.
//!
//! Here: the `System` values that registries list.
//! Never here: a match on a system's name.
//! Modelled on: DESIGN, Registry.

pub mod build;
pub mod hdfs;
pub mod registry;
pub mod zookeeper;

pub use build::{Arrival, Build, Load, Names, Placed, Population};
pub use registry::{
    Builder, ClientSpec, CommandSpec, Companion, KeySection, MarkSpec, NoteSpec, PlantSpec,
    Registry, RoleSpec, SelectorSpec, ServiceSpec, SizeSpec, System, Who,
};

/// The systems that come with hadr, one line each.
pub const ALL: &[System] = &[zookeeper::system::SYSTEM, hdfs::system::SYSTEM];
