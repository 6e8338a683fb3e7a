//! Protocols: pure state machines of the modelled systems.
//!
//! Here: functions from an input to effects, typed by their own messages.
//! Never here: dice, clocks, host names, sockets, faults, a client's retries.
//! Modelled on: etcd/raft's Ready; the upstream classes each file names.

pub mod elector;
pub mod namenode;
pub mod qjm;
pub mod zab;
pub mod zookeeper;

/// Effects in the order asked for, and invariants that did not hold.
#[derive(Clone, Debug)]
pub struct Outbox<E> {
    /// What the process around the protocol is asked to do.
    pub effects: Vec<E>,
    /// Names of invariants that a planted bug broke; recorded as `model/<name>`.
    pub broken: Vec<&'static str>,
}

impl<E> Default for Outbox<E> {
    fn default() -> Outbox<E> {
        Outbox { effects: Vec::new(), broken: Vec::new() }
    }
}

impl<E> Outbox<E> {
    /// Asks for one more effect.
    pub fn ask(&mut self, effect: E) {
        self.effects.push(effect);
    }

    /// Records `name` as broken unless it holds.
    pub fn invariant(&mut self, name: &'static str, holds: bool) {
        if !holds {
            self.broken.push(name);
        }
    }
}
