//! The `hadr` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    hadr::cli::run(hadr::systems::Registry::builtin())
}
