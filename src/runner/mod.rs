//! Runner: the only place that assembles and runs a world.
//!
//! Here: `Session`: open, advance, fork, finish.
//! Never here: loops over seeds, files, output.
//! Modelled on: madsim's runtime handle.

mod assemble;
mod claims;
mod finish;
mod injuries;
pub mod lineage;
pub mod objectives;
pub mod record;
#[cfg(test)]
pub(crate) mod sample;
pub mod session;
mod story;
mod targets;

pub use lineage::Lineage;
pub use record::Record;
pub use session::{Session, Watch};
