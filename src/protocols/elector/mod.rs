//! Elector: the pure state machines of a ZooKeeper failover controller.
//!
//! Here: the election, the health monitor, the controller's decisions, the order of fencing.
//! Never here: sockets, locks, dice, clocks, names of hosts, any word about faults.
//! Modelled on: Hadoop 3.4.1 `org.apache.hadoop.ha`: the classes that each file names.

pub mod ballot;
pub mod controller;
pub mod election;
pub mod fencing;
pub mod health;
pub mod manual;
mod steps;

pub use ballot::{Code, Contents, Crumb, Effect, Input, LockNode, NodeEvent, SessionEvent, State};
pub use controller::{Controller, Recheck, Verdict};
pub use election::Election;
pub use fencing::{Fenced, Fencing};
pub use health::{Failure, Health, HealthMonitor, ServiceState};
