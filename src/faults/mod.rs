//! Faults: what may go wrong, as data, and how it is installed and healed.
//!
//! Here: kinds, targets, triggers, ends; what became of each planned fault.
//! Never here: knowledge of a system; where in a file a fault stood.
//! Modelled on: turmoil's rules, Jepsen's nemesis.

pub mod outcome;
pub mod plan;

pub use outcome::{Fate, Injury, Unstruck};
pub use plan::{Direction, End, Fault, Group, Kind, Pick, Reach, Target, Trigger, When};
