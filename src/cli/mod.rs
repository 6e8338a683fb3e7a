//! Cli: the command line, one subcommand per file.
//!
//! Here: files, terminal, exit status.
//! Never here: logic worth a unit test.
//! Modelled on: ripgrep.
