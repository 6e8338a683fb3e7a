//! Common: flags that several commands share, and what goes to which stream.
//!
//! Here: reading scenarios, colour, output folders.
//! Never here: a command.
//! Modelled on: ripgrep's grouped flags; <https://no-color.org>.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::files::Disk;
use super::{Failure, Outcome};
use crate::report::paint::Paint;
use crate::scenario::{Document, Scenario, Vocabulary, load};

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// In which form results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For programs: stable, versioned, byte-identical for the same input
    Json,
}

/// Flags of every command that prints a result.
#[derive(Args)]
pub(super) struct OutputArgs {
    /// In which form the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text, help_heading = "Output")]
    pub(super) format: Format,

    /// Print nothing but what went wrong
    #[arg(long, help_heading = "Output")]
    pub(super) quiet: bool,

    /// When to colour
    #[arg(long, value_enum, default_value_t = Colour::Auto, value_name = "WHEN",
          help_heading = "Output")]
    pub(super) color: Colour,
}

impl OutputArgs {
    pub(super) fn paint(&self) -> Paint {
        let colour = match self.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                std::env::var_os("NO_COLOR").is_none() && std::io::stdout().is_terminal()
            }
        };
        Paint { colour }
    }

    /// Prints a result, unless it is quiet.
    pub(super) fn print(&self, text: &str) {
        if !self.quiet {
            print(text);
        }
    }
}

/// Flags of every command that reads scenarios.
#[derive(Args, Clone, Default)]
pub(super) struct SetArgs {
    /// Change a value of the scenario: `--set topology.roles.journalnode=5`
    #[arg(long = "set", value_name = "PATH=VALUE", help_heading = "Scenario")]
    pub(super) sets: Vec<String>,
}

/// To stdout; a closed pipe is nobody's mistake.
pub(super) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _closed = out.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _closed = out.write_all(b"\n");
    }
}

/// To stderr.
pub(super) fn complain(text: &str) {
    let mut out = std::io::stderr().lock();
    let _closed = writeln!(out, "{text}");
}

/// Reads one scenario or disaster.
pub(super) fn read(path: &str, sets: &SetArgs, words: &Vocabulary) -> Result<Document, Failure> {
    let loaded = load(path, &sets.sets, &Disk, words);
    Ok(loaded.map_err(|complaint| Failure::BadInput(complaint.to_string()))?.document)
}

/// Reads one scenario.
pub(super) fn read_scenario(
    path: &str,
    sets: &SetArgs,
    words: &Vocabulary,
) -> Result<Arc<Scenario>, Failure> {
    match read(path, sets, words)? {
        Document::Scenario(scenario) => Ok(Arc::new(*scenario)),
        Document::Disaster(_) => Err(Failure::BadInput(format!(
            "{path}: a disaster has no topology and cannot run by itself; give it to `hadr \
             compare` beside an architecture"
        ))),
    }
}

/// Writes files into a folder, each whole or not at all.
pub(super) fn write_files(folder: &Path, files: &[(String, Vec<u8>)]) -> Outcome {
    let failed = |path: &Path, error: std::io::Error| {
        Failure::BadInput(format!("{}: cannot be written: {error}", path.display()))
    };
    for (name, content) in files {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(|error| failed(parent, error))?;
        let half = path.with_extension("part");
        std::fs::write(&half, content).map_err(|error| failed(&half, error))?;
        std::fs::rename(&half, &path).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}

/// A command line as a shell would read it.
pub(super) fn quoted(words: &[String]) -> String {
    let words = words.iter().map(|word| match shlex::try_quote(word) {
        Ok(quoted) => quoted.into_owned(),
        Err(_) => format!("{word:?}"),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The words of a command line, as a shell would read it.
pub(super) fn unquoted(line: &str) -> Option<Vec<String>> {
    shlex::split(line)
}
