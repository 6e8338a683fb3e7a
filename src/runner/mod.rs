//! Runner: the only place that assembles and runs a world.
//!
//! Here: `Session`: open, advance, fork, finish.
//! Never here: loops over seeds, files, output.
//! Modelled on: madsim's runtime handle.

pub mod objectives;
pub mod record;
#[cfg(test)]
pub(crate) mod sample;
