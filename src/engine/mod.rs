//! Engine: time, the event list, draws, network, disks, resources and the process contract.
//!
//! Here: everything an operating system, a wire and a clock do to a process.
//! Never here: a protocol's or a system's word, files, threads, wall clock, printing.
//! Modelled on: docs/ARCHITECTURE.md, "engine".

pub mod config;
pub mod id;
pub mod note;
pub mod time;
