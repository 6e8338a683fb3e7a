//! Docs: schema, completions and manual page.
//!
//! Here: three generators.
//! Never here: text of their own.
//! Modelled on: clap_complete, clap_mangen.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::common::print;
use super::{Cli, Failure, Outcome};
use crate::scenario::{Vocabulary, schema as scenario_schema};
use crate::systems::Registry;

/// Print the JSON Schema of a scenario
#[derive(Args)]
pub(super) struct SchemaArgs {}

/// Print completions for a shell
#[derive(Args)]
pub(super) struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Print the manual page
#[derive(Args)]
pub(super) struct ManArgs {}

pub(super) fn schema(_args: &SchemaArgs, registry: &Registry) -> Outcome {
    print(&scenario_schema::schema(&Vocabulary::of(registry)));
    Ok(())
}

pub(super) fn completions(args: &CompletionsArgs) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "hadr", &mut text);
    print(&String::from_utf8_lossy(&text));
    Ok(())
}

pub(super) fn man(_args: &ManArgs) -> Outcome {
    let mut text = Vec::new();
    let page = clap_mangen::Man::new(Cli::command());
    page.render(&mut text).map_err(|error| Failure::BadInput(error.to_string()))?;
    print(&String::from_utf8_lossy(&text));
    Ok(())
}
