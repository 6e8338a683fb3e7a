//! Faults: what may go wrong, as data, and how it is installed and healed.
//!
//! Here: kinds, targets, triggers, ends; drawing plans from a seed.
//! Never here: knowledge of a system.
//! Modelled on: turmoil's rules, Jepsen's nemesis.
