//! Story: the run as lines for people.
//!
//! Here: which facts make a line, and what it says.
//! Never here: colours, widths (that is `report`).
//! Modelled on: a tired operator's incident log.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::record::{TimelineLine, Weight};
use crate::engine::core::Life;
use crate::engine::id::{EventId, ProcessId};
use crate::engine::note::Stamped;
use crate::engine::time::SimTime;
use crate::history::{Fact, NoteName, Role};
use crate::systems::{NoteSpec, Registry};

/// A run that tells more has said enough.
const LINES_MAX: usize = 20_000;

/// A larger term is no count but a session's id, which says nothing to people.
const TERM_TOLD_MAX: u64 = 0xffff_ffff;

/// The lines so far.
#[derive(Clone)]
pub(super) struct Story {
    told: bool,
    specs: Arc<BTreeMap<NoteName, NoteSpec>>,
    lines: Vec<TimelineLine>,
}

impl Story {
    pub(super) fn new(told: bool, registry: &Registry) -> Story {
        let specs = registry.notes().map(|spec| (spec.note(), *spec)).collect();
        Story { told, specs: Arc::new(specs), lines: Vec::new() }
    }

    fn line(&mut self, at: (SimTime, EventId), who: &str, what: String, weight: Weight) {
        if self.told && self.lines.len() < LINES_MAX {
            let (at, event) = at;
            self.lines.push(TimelineLine { at, event, who: who.to_string(), what, weight });
        }
    }

    pub(super) fn fault(&mut self, at: SimTime, event: EventId, line: (String, String)) {
        let (who, what) = line;
        self.line((at, event), &who, what, Weight::Fault);
    }

    pub(super) fn turn(&mut self, at: SimTime, event: EventId, who: &str, life: Life) {
        let (what, weight) = match life {
            Life::Started => ("started".to_string(), Weight::Detail),
            Life::Exited(reason) => (format!("exits: {reason}"), Weight::Alarm),
            // The fault's own line says so.
            Life::Killed | Life::Stopped | Life::Resumed => return,
        };
        self.line((at, event), who, what, weight);
    }

    pub(super) fn fact(
        &mut self,
        entry: &Stamped,
        fact: &Fact,
        resources: &[String],
        name: impl Fn(ProcessId) -> String,
    ) {
        if !self.told {
            return;
        }
        let of = |index: u32| resources.get(index as usize).map_or("?", String::as_str);
        let weight_of = |role: Role| match role {
            Role::Active | Role::Leader => Weight::Step,
            Role::Standby | Role::Follower | Role::Controller => Weight::Detail,
        };
        let (what, weight) = match *fact {
            Fact::RoleClaimed { resource, role, term } => {
                let counts = (1..=TERM_TOLD_MAX).contains(&term.0);
                let term = if counts { format!(" (term {})", term.0) } else { String::new() };
                let what = format!("{} of {}{term}", role.name(), of(resource.0));
                (what, weight_of(role))
            }
            Fact::RoleLost { resource, role, .. } => {
                (format!("no longer {} of {}", role.name(), of(resource.0)), weight_of(role))
            }
            Fact::Noted { name: note, fields } => {
                let Some(spec) = self.specs.get(&note) else { return };
                let process = |id: u64| name(ProcessId(u32::try_from(id).unwrap_or(u32::MAX)));
                let weight = if spec.headline { Weight::Step } else { Weight::Detail };
                (spec.say(fields, process), weight)
            }
            Fact::CopyPromoted { resource, position } => {
                let what = format!("serves a copy of {} up to {}", of(resource.0), position.0);
                (what, Weight::Step)
            }
            Fact::Truncated { resource, position } => {
                (format!("drops {} after {}", of(resource.0), position.0), Weight::Detail)
            }
            Fact::Invoked { .. }
            | Fact::Ended { .. }
            | Fact::Audited { .. }
            | Fact::RoleServed { .. }
            | Fact::TermBegun { .. }
            | Fact::Acknowledged { .. }
            | Fact::Durable { .. }
            | Fact::Applied { .. }
            | Fact::CopyShipped { .. } => return,
        };
        let who = name(entry.by);
        self.line((entry.at, entry.event), &who, what, weight);
    }

    pub(super) fn into_lines(self) -> Vec<TimelineLine> {
        self.lines
    }
}
