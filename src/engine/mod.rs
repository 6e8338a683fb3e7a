//! Engine: time, the event list, draws, network, disks, resources and the process contract.
//!
//! Here: everything an operating system, a wire and a clock do to a process.
//! Never here: a protocol's or a system's word, files, threads, wall clock, printing.
//! Modelled on: docs/ARCHITECTURE.md, "engine".

pub mod beat;
pub mod cause;
pub mod census;
pub mod config;
pub mod control;
pub mod core;
pub mod ctx;
mod death;
pub mod dice;
pub mod digest;
pub mod disk;
pub mod distributions;
mod event;
pub mod event_list;
pub mod floats;
pub mod flow;
mod held;
pub mod id;
pub mod limits;
pub mod log;
pub mod net;
pub mod note;
pub mod process;
mod resource;
mod slab;
mod tcp;
pub mod time;
pub mod volume;
pub mod world;

pub use beat::BeatSpec;
pub use ctx::Ctx;
pub use dice::{Noise, Purpose, Ratio, Words, below};
pub use distributions::Latency;
pub use flow::FlowProgress;
pub use log::Log;
pub use process::{
    BeatEvent, CloneBox, Conn, ConnEvent, DiskOutcome, Gate, Input, Interface, Mark, Port, Process,
    Resource, Slot, Tag, Timer,
};
pub use time::{LocalTime, Monotonic, SimDuration, SimTime, Wall};
pub use volume::{FileName, Record};
pub use world::{HostOptions, ProcessOptions, World};
