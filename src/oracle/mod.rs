//! Oracle: one property per file, on history only.
//!
//! Here: checkers and verdicts.
//! Never here: protocol or system types.
//! Modelled on: porcupine, openraft's invariants.

pub mod verdict;

pub use verdict::{Gap, Verdict, Violation};
