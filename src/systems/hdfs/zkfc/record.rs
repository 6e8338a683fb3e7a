//! Record: what a controller writes into history, and the marks of its steps.
//!
//! Here: names of notes with their fields, marks with the phases they end, the claim to the lock.
//! Never here: a reader of them.
//! Modelled on: the log lines of `ZKFailoverController` and `ActiveStandbyElector`.

use super::Life;
use crate::engine::ctx::Ctx;
use crate::engine::process::Mark;
use crate::history::{Fact, NoteName, Role, Term};
use crate::systems::{MarkSpec, NoteSpec};

/// A claim to the nameservice's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// The session that owns the lock node.
    term: Term,
}

pub(super) const HEALTH: NoteName = NoteName::named("zkfc/health");
pub(super) const WON: NoteName = NoteName::named("elector/won");
pub(super) const QUIT: NoteName = NoteName::named("elector/quit");
pub(super) const NEUTRAL: NoteName = NoteName::named("elector/neutral");
pub(super) const BREADCRUMB: NoteName = NoteName::named("elector/breadcrumb");
pub(super) const SHOULD_FENCE: NoteName = NoteName::named("zkfc/should-fence");
pub(super) const FENCED: NoteName = NoteName::named("zkfc/fenced");
pub(super) const FENCE_FAILED: NoteName = NoteName::named("zkfc/fence-failed");
pub(super) const PROMOTED: NoteName = NoteName::named("zkfc/promoted");
pub(super) const NOT_PROMOTED: NoteName = NoteName::named("zkfc/not-promoted");
pub(super) const DEMOTED: NoteName = NoteName::named("zkfc/demoted");
pub(super) const CHANGED: NoteName = NoteName::named("zkfc/state-changed");
pub(super) const CEDED: NoteName = NoteName::named("zkfc/ceded");
pub(super) const FATAL: NoteName = NoteName::named("zkfc/fatal");

const fn note(name: &'static str, phrase: &'static str, headline: bool) -> NoteSpec {
    NoteSpec { name, phrase, headline }
}

/// Every note. The first field is the NameNode in question.
pub const NOTES: &[NoteSpec] = &[
    note("zkfc/health", "the health of {0p} is {1:unknown|not responding|healthy|unhealthy}", true),
    note("elector/won", "holds the lock, for {0p}", true),
    note("elector/quit", "leaves the election; {0p} {1:need not|must} be fenced", true),
    note("elector/neutral", "cannot know who is active; {0p} is not told", false),
    note("elector/breadcrumb", "the breadcrumb names {0p}", false),
    note("zkfc/should-fence", "begins to fence {0p}", true),
    note(
        "zkfc/fenced",
        "{0p} is fenced {1:gracefully|by the first method|by the second method|by a later method}",
        true,
    ),
    note("zkfc/fence-failed", "could not fence the old active, tries again", true),
    note("zkfc/promoted", "{0p} is active, says its controller", true),
    note("zkfc/not-promoted", "could not make {0p} active", true),
    note("zkfc/demoted", "told {0p} to be standby, {1:in vain|which it is}", false),
    note("zkfc/state-changed", "{0p} is not what its controller made it", true),
    note("zkfc/ceded", "cedes: {0p} {1:was not demoted|is standby}; stays out for {2s} s", true),
    note("zkfc/fatal", "the controller of {0p} gives up", true),
];

pub(super) const NOT_RESPONDING_QUIT: Mark = Mark::named("zkfc/not-responding-quit");
pub(super) const LOCK_ACQUIRED: Mark = Mark::named("elector/lock-acquired");
pub(super) const FENCING: Mark = Mark::named("zkfc/fencing");
pub(super) const FENCED_MARK: Mark = Mark::named("zkfc/fenced");
pub(super) const BREADCRUMB_WRITTEN: Mark = Mark::named("elector/breadcrumb-written");
pub(super) const PROMOTING: Mark = Mark::named("zkfc/transition-to-active:sent");

/// Every mark.
pub const MARKS: &[MarkSpec] = &[
    MarkSpec {
        name: "zkfc/not-responding-quit",
        ends_phase: Some("detection"),
        meaning: "a controller leaves the election because its NameNode must be fenced",
    },
    MarkSpec {
        name: "elector/lock-acquired",
        ends_phase: Some("lock"),
        meaning: "a controller learns that it created the lock",
    },
    MarkSpec {
        name: "zkfc/fencing",
        ends_phase: None,
        meaning: "a controller begins to fence the old active",
    },
    MarkSpec {
        name: "zkfc/fenced",
        ends_phase: Some("fencing"),
        meaning: "the old active is out of the way",
    },
    MarkSpec {
        name: "elector/breadcrumb-written",
        ends_phase: None,
        meaning: "the breadcrumb names the node to be promoted",
    },
    MarkSpec {
        name: "zkfc/transition-to-active:sent",
        ends_phase: None,
        meaning: "a controller calls its NameNode to take over",
    },
];

impl Life {
    /// The local NameNode, as the field of a note.
    pub(super) fn me(&self) -> u64 {
        self.settings.local().namenode.process.0.into()
    }

    pub(super) fn note(&self, name: NoteName, fields: [u64; 4], ctx: &mut Ctx<'_>) {
        ctx.note(Fact::Noted { name, fields });
    }

    pub(super) fn claim(&mut self, term: Term, ctx: &mut Ctx<'_>) {
        if self.claim.is_none() {
            self.claim = Some(Claim { term });
            let resource = self.settings.resource;
            ctx.note(Fact::RoleClaimed { resource, role: Role::Controller, term });
        }
    }

    pub(super) fn disclaim(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(Claim { term }) = self.claim.take() {
            let resource = self.settings.resource;
            ctx.note(Fact::RoleLost { resource, role: Role::Controller, term });
        }
    }
}
