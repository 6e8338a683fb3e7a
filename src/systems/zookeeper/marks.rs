//! Marks: the named steps of an ensemble, for triggers, crash points, phases and timelines.
//!
//! Here: one row per mark and per note, the gate that clients wait for.
//! Never here: who passes them.
//! Modelled on: the log lines of ZooKeeper 3.8.4 that operators look for.

use crate::engine::process::Gate;
use crate::systems::registry::{MarkSpec, NoteSpec};

/// Opens when a server begins to serve clients.
pub const SERVING: Gate = Gate::named("zk/serving");

const fn step(name: &'static str, meaning: &'static str) -> MarkSpec {
    MarkSpec { name, ends_phase: None, meaning }
}

/// LOOKING.
pub const ELECTION_STARTED: MarkSpec =
    step("zk/election-started", "a server enters LOOKING and sends its first votes");
/// `lookForLeader` returned.
pub const ELECTED: MarkSpec = step("zk/elected", "a server's election ends");
/// LEADING.
pub const LEADING: MarkSpec = step("zk/leading", "the winner begins discovery");
/// BROADCAST.
pub const BROADCAST: MarkSpec = step("zk/broadcast", "the leader has its quorum and serves");
/// FOLLOWING and serving.
pub const FOLLOWING: MarkSpec = step("zk/following", "a follower is up to date and serves");
/// The tracker's sweep.
pub const SESSION_EXPIRED: MarkSpec = MarkSpec {
    name: "zk/session-expired",
    ends_phase: Some("detection"),
    meaning: "the leader finds a session silent for its time-out and proposes its end",
};
/// closeSession applied at the leader.
pub const CLOSE_SESSION_APPLIED: MarkSpec =
    step("zk/close-session-applied", "a session's ephemeral nodes are gone at the leader");

/// Every mark of a server.
pub const MARKS: &[MarkSpec] = &[
    ELECTION_STARTED,
    ELECTED,
    LEADING,
    BROADCAST,
    FOLLOWING,
    SESSION_EXPIRED,
    CLOSE_SESSION_APPLIED,
];

/// Into an election.
pub const LOOKING: NoteSpec =
    NoteSpec { name: "zk/looking", phrase: "looks for a leader", headline: false };
/// Out of it.
pub const CHOSEN: NoteSpec =
    NoteSpec { name: "zk/chosen", phrase: "election over: server {0} leads", headline: false };
/// A session is over: its server, that server's start, its number since.
pub const EXPIRED: NoteSpec =
    NoteSpec { name: "zk/expired", phrase: "session {0}.{1}.{2} expires", headline: true };

/// Every note of a server.
pub const NOTES: &[NoteSpec] = &[LOOKING, CHOSEN, EXPIRED];
