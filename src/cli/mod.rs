//! Cli: the command line, one subcommand per file.
//!
//! Here: files, terminal, exit status.
//! Never here: logic worth a unit test.
//! Modelled on: ripgrep.

mod builtin;
mod common;
mod compare;
mod docs;
mod files;
mod import;
mod list;
mod replay;
mod run;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::systems::Registry;

/// Simulates the high availability and disaster recovery of the Hadoop stack
///
/// Deterministic: the same scenario and seed give the same bytes on any machine and any number of
/// threads. Every number can be replayed from its seed and is explained by its critical path.
#[derive(Parser)]
#[command(name = "hadr", version, after_long_help = EXIT_STATUS)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_STATUS: &str = "\
Exit status:
  0    passed
  1    a property or an objective was violated
  2    bad usage or bad input
  3    inconclusive: a fault never struck, a checker gave up, too few runs
  101  our own bug";

#[derive(Subcommand)]
enum Command {
    Run(run::RunArgs),
    Compare(compare::CompareArgs),
    Replay(replay::ReplayArgs),
    Import(import::ImportArgs),
    List(list::ListArgs),
    Schema(docs::SchemaArgs),
    Completions(docs::CompletionsArgs),
    Man(docs::ManArgs),
}

/// How a command ended, if it did not succeed.
enum Failure {
    /// The user's input; one clear message.
    BadInput(String),
    /// Violated, inconclusive: the status says which, everything has been printed.
    Status(u8),
    /// A run ended in our own assertion; how to repeat it.
    Bug(String),
}

type Outcome = Result<(), Failure>;

/// Runs the command line with these systems; a user's crate adds its own to the registry.
pub fn run(registry: Registry) -> ExitCode {
    let cli = Cli::parse();
    match dispatch(cli.command, registry) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Status(status)) => ExitCode::from(status),
        Err(Failure::BadInput(message)) => {
            common::complain(&format!("error: {message}"));
            ExitCode::from(2)
        }
        Err(Failure::Bug(reproduce)) => {
            common::complain("error: this is a bug of hadr, not of the scenario; please report it");
            common::complain(&format!("reproduce: {reproduce}"));
            ExitCode::from(101)
        }
    }
}

fn dispatch(command: Command, registry: Registry) -> Outcome {
    match command {
        Command::Run(args) => run::run(&args, registry),
        Command::Compare(args) => compare::run(&args, registry),
        Command::Replay(args) => replay::run(&args, registry),
        Command::Import(args) => import::run(&args, &registry),
        Command::List(args) => list::run(&args, &registry),
        Command::Schema(args) => docs::schema(&args, &registry),
        Command::Completions(args) => docs::completions(&args),
        Command::Man(args) => docs::man(&args),
    }
}

#[cfg(test)]
mod tests {
    use super::Cli;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
