//! Outcome: what became of each planned fault.
//!
//! Here: who was struck, when, until when; or why nobody was.
//! Never here: what it did to a service.
//! Modelled on: ARCHITECTURE, absence 9: no attempt to injure goes unreported.

use crate::engine::id::{HostId, ProcessId};
use crate::engine::time::SimTime;

/// A planned fault and its fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injury {
    /// Its place in the plan.
    pub fault: usize,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a planned fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It struck.
    Struck {
        /// When.
        at: SimTime,
        /// Which processes; empty for a kind that strikes hosts.
        processes: Vec<ProcessId>,
        /// Which hosts; empty for a kind that strikes processes.
        hosts: Vec<HostId>,
        /// When it was over; none: not before the end of the run.
        until: Option<SimTime>,
    },
    /// It never struck: the run proves nothing about it.
    NeverStruck(Unstruck),
}

/// Why a planned fault never struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unstruck {
    /// Its trigger never came.
    NoTrigger,
    /// It was due, and until it gave up nobody answered to its target.
    NoTarget,
    /// Its target could not take it: the process was dead already, say.
    NoEffect,
}

impl Unstruck {
    /// As printed.
    pub const fn phrase(self) -> &'static str {
        match self {
            Unstruck::NoTrigger => "its trigger never came",
            Unstruck::NoTarget => "nobody answered to its target in time",
            Unstruck::NoEffect => "its target was already in that state",
        }
    }
}
