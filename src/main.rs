//! Main: the `hadr` command, with the systems that come with it.
//!
//! Here: one call.
//! Never here: anything that a library's user could not call.
//! Modelled on: DESIGN, Registry.

use std::process::ExitCode;

fn main() -> ExitCode {
    hadr::cli::run(hadr::systems::Registry::builtin())
}
