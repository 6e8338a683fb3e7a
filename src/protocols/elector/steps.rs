//! Steps: what a running operation of the elector waits for.
//!
//! Here: the places in the original's methods at which their thread blocks.
//! Never here: what happens there (`election`).
//! Modelled on: `ActiveStandbyElector.java`.

use crate::engine::time::SimDuration;

/// Why a connection is being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Start,
    /// `reEstablishSession`, the n-th of at most `op_retries` attempts.
    Join {
        attempt: u32,
    },
    GetActive,
}

/// What follows the end of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    Quit,
    Rejoin { sleep: SimDuration },
    Fatal(&'static str),
}

/// Which answer asked for the promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The create succeeded: the lock is watched once active.
    Created,
    /// The `exists` found the own session: it left a watch already.
    Checked,
}

/// What the running operation waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Idle,
    Connecting(Why),
    Closing(Closing),
    Sleeping(Sleeping),
    Reading(Reading),
    Fencing { origin: Origin, version: u32 },
    Writing(Writing),
    Promoting(Origin),
    Demoting { then_watch: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    Unconnected(Why),
    Session(After),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sleeping {
    Unconnected { attempt: u32 },
    ToRejoin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Crumb { origin: Origin, tries: u32 },
    OwnCrumb,
    Lock { tries: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    Crumb { origin: Origin, over: Option<u32>, tries: u32 },
    OwnCrumbsEnd { version: u32, tries: u32 },
}
