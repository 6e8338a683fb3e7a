//! Split brain: whether two processes held themselves for the only one, and what came of it.
//!
//! Per resource. Grade 0: none. Grade 1, *dual belief*: two processes hold themselves active (or
//! leading) at one instant. A process is *deposed* from the moment another claims the role it
//! holds, until it claims the role anew. Grade 2, *stale service*: a deposed process answered a
//! read out of its own state. Grade 3, *divergence*: a deposed process acknowledged a write at or
//! beyond the first position that its successor acknowledged under the claim. (A write of before
//! whose confirmation arrives late lies below that position: the successor has recovered it.)
//!
//! Here: one resource's claims, reads and acknowledgements.
//! Never here: how a claim is won.
//! Modelled on: DESIGN section 1.

use std::collections::BTreeMap;

use crate::engine::id::{EventId, ProcessId};
use crate::engine::note::Stamped;
use crate::engine::time::{SimDuration, SimTime};
use crate::history::{Position, Role};

/// When something happened first, and the events that show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: SimTime,
    /// What shows it, oldest first.
    pub evidence: Vec<EventId>,
}

/// What was found for one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SplitBrain {
    /// Time in which two or more held themselves active.
    pub dual_belief: SimDuration,
    /// Reads answered by a deposed process.
    pub stale_reads: u64,
    /// Writes acknowledged by a deposed process where its successor acknowledged others.
    pub conflicting_writes: u64,
    /// The first moment of grades 1, 2 and 3.
    pub first: [Option<Moment>; 3],
}

impl SplitBrain {
    /// 0 none, 1 dual belief, 2 stale service, 3 divergence.
    pub fn grade(&self) -> u8 {
        (1..=3).rev().find(|grade| self.first[usize::from(*grade) - 1].is_some()).unwrap_or(0)
    }

    /// The first moment of the grade.
    pub fn first_at(&self) -> Option<SimTime> {
        let moment = self.first[usize::from(self.grade().checked_sub(1)?)].as_ref()?;
        Some(moment.at)
    }
}

/// A deposed process's acknowledgements that wait for its successor's first; more are not counted.
const UNDECIDED_MAX: usize = 65_536;

#[derive(Clone, Debug)]
struct Claim {
    by: ProcessId,
    role: Role,
    event: EventId,
    held: bool,
    acknowledged_first: Option<(Position, EventId)>,
}

/// One resource: claims in order, a process's last one only.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracker {
    claims: Vec<Claim>,
    dual_since: Option<SimTime>,
    undecided: BTreeMap<Position, (EventId, u64)>,
    found: SplitBrain,
}

impl Tracker {
    pub(super) fn claimed(&mut self, entry: &Stamped, role: Role) {
        match role {
            Role::Active | Role::Leader => {}
            Role::Standby | Role::Follower | Role::Controller => return,
        }
        self.claims.retain(|claim| (claim.by, claim.role) != (entry.by, role));
        self.claims.push(Claim {
            by: entry.by,
            role,
            event: entry.event,
            held: true,
            acknowledged_first: None,
        });
        self.undecided.clear(); // they concern the claim before
        self.believe(entry, role);
    }

    pub(super) fn lost(&mut self, entry: &Stamped, role: Role) {
        let lost = |claim: &&mut Claim| (claim.by, claim.role) == (entry.by, role);
        if let Some(claim) = self.claims.iter_mut().find(lost) {
            claim.held = false;
        }
        self.believe(entry, role);
    }

    /// A read answered by its holder.
    pub(super) fn served(&mut self, entry: &Stamped) {
        let Some((deposed, successor)) = self.deposed(entry.by) else { return };
        let evidence = [deposed.event, successor.event, entry.event];
        self.found.stale_reads += 1;
        self.note(2, entry.at, evidence);
    }

    /// A write acknowledged by its writer.
    pub(super) fn acknowledged(&mut self, entry: &Stamped, position: Position) {
        let Some((_, successor)) = self.deposed(entry.by) else {
            return self.acknowledged_by_the_last(entry, position);
        };
        let claimed = successor.event;
        match successor.acknowledged_first {
            Some((first, event)) if first <= position => {
                self.found.conflicting_writes += 1;
                self.note(3, entry.at, [claimed, event, entry.event]);
            }
            Some(_) => {}
            None if self.undecided.len() < UNDECIDED_MAX => {
                self.undecided.entry(position).or_insert((entry.event, 0)).1 += 1;
            }
            None => {}
        }
    }

    pub(super) fn finish(mut self, end: SimTime) -> SplitBrain {
        if let Some(since) = self.dual_since.take() {
            self.found.dual_belief += end.max(since).since(since);
        }
        self.found
    }

    fn acknowledged_by_the_last(&mut self, entry: &Stamped, position: Position) {
        let held = |claim: &&mut Claim| claim.by == entry.by && claim.held;
        let Some(claim) = self.claims.iter_mut().rev().find(held) else { return };
        if claim.acknowledged_first.is_some() {
            return;
        }
        claim.acknowledged_first = Some((position, entry.event));
        let claimed = claim.event;
        let conflicting = std::mem::take(&mut self.undecided).split_off(&position);
        self.found.conflicting_writes += conflicting.values().map(|(_, count)| count).sum::<u64>();
        if let Some((event, _)) = conflicting.values().min_by_key(|(event, _)| *event) {
            self.note(3, entry.at, [claimed, *event, entry.event]);
        }
    }

    /// The claim that a process holds and the newest claim to the same role, if that is another's.
    fn deposed(&self, by: ProcessId) -> Option<(&Claim, &Claim)> {
        let own = self.claims.iter().rev().find(|claim| claim.by == by && claim.held)?;
        let newest = self.claims.iter().rev().find(|claim| claim.role == own.role)?;
        (newest.by != by).then_some((own, newest))
    }

    fn believe(&mut self, entry: &Stamped, role: Role) {
        let held = |role: Role| self.claims.iter().filter(move |one| one.held && one.role == role);
        let dual = 1 < held(Role::Active).count() || 1 < held(Role::Leader).count();
        match (self.dual_since, dual) {
            (None, true) => {
                let evidence: Vec<_> = held(role).map(|claim| claim.event).collect();
                self.dual_since = Some(entry.at);
                self.note(1, entry.at, evidence);
            }
            (Some(since), false) => {
                self.found.dual_belief += entry.at.since(since);
                self.dual_since = None;
            }
            (None, false) | (Some(_), true) => {}
        }
    }

    fn note(&mut self, grade: usize, at: SimTime, evidence: impl Into<Vec<EventId>>) {
        let moment = || Moment { at, evidence: evidence.into() };
        self.found.first[grade - 1].get_or_insert_with(moment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NN1: ProcessId = ProcessId(1);
    const NN2: ProcessId = ProcessId(2);

    enum Did {
        Claims,
        Dies,
        Reads,
        Acks(u64),
    }

    fn judge(script: &[(u64, ProcessId, Did)]) -> SplitBrain {
        let mut tracker = Tracker::default();
        for (second, by, did) in script {
            let at = SimTime::from_nanos(second * 1_000_000_000);
            let note = crate::engine::note::Note::default();
            let entry = Stamped { at, by: *by, event: EventId(*second), note };
            match did {
                Did::Claims => tracker.claimed(&entry, Role::Active),
                Did::Dies => tracker.lost(&entry, Role::Active),
                Did::Reads => tracker.served(&entry),
                Did::Acks(position) => tracker.acknowledged(&entry, Position(*position)),
            }
        }
        tracker.finish(SimTime::from_nanos(100_000_000_000))
    }

    #[test]
    fn a_clean_failover_is_no_split_brain() {
        use Did::{Acks, Claims, Dies, Reads};
        let script = [
            (1, NN1, Claims),
            (2, NN1, Acks(5)),
            (3, NN1, Dies),
            (4, NN2, Claims),
            (5, NN2, Acks(6)),
            (6, NN2, Reads),
        ];
        assert_eq!(judge(&script), SplitBrain::default());
    }

    #[test]
    fn two_that_believe_are_grade_one_and_the_seconds_are_counted() {
        use Did::{Claims, Dies};
        let found = judge(&[(1, NN1, Claims), (10, NN2, Claims), (25, NN1, Dies)]);
        assert_eq!((found.grade(), found.dual_belief), (1, SimDuration::from_secs(15)));
        assert_eq!(found.first[0].as_ref().expect("moment").evidence, [EventId(1), EventId(10)]);
        let to_the_end = judge(&[(1, NN1, Claims), (10, NN2, Claims)]);
        assert_eq!(to_the_end.dual_belief, SimDuration::from_secs(90));
    }

    #[test]
    fn a_read_of_the_deposed_is_grade_two_even_when_its_successor_is_dead() {
        use Did::{Claims, Dies, Reads};
        let found = judge(&[(1, NN1, Claims), (2, NN2, Claims), (3, NN2, Dies), (4, NN1, Reads)]);
        assert_eq!((found.grade(), found.stale_reads), (2, 1));
        assert_eq!(found.first_at(), Some(SimTime::from_nanos(4_000_000_000)));
        let again = judge(&[(1, NN1, Claims), (2, NN2, Claims), (3, NN1, Claims), (4, NN1, Reads)]);
        assert_eq!(again.stale_reads, 0, "it claimed the role anew");
    }

    #[test]
    fn two_that_acknowledge_the_same_place_are_grade_three_in_either_order() {
        use Did::{Acks, Claims};
        let script = [(1, NN1, Claims), (2, NN2, Claims), (3, NN2, Acks(6)), (4, NN1, Acks(6))];
        let found = judge(&script);
        assert_eq!((found.grade(), found.conflicting_writes), (3, 1));
        let evidence = &found.first[2].as_ref().expect("moment").evidence;
        assert_eq!(*evidence, [EventId(2), EventId(3), EventId(4)]);

        let script = [(1, NN1, Claims), (2, NN2, Claims), (3, NN1, Acks(6)), (4, NN2, Acks(6))];
        let found = judge(&script);
        assert_eq!((found.conflicting_writes, found.first_at()), (1, Some(t(4))));
    }

    #[test]
    fn a_confirmation_that_arrives_late_is_lawful() {
        use Did::{Acks, Claims};
        let late = [(1, NN1, Claims), (2, NN2, Claims), (3, NN1, Acks(5)), (4, NN2, Acks(6))];
        assert_eq!(judge(&late).conflicting_writes, 0);
        let later = [(1, NN1, Claims), (2, NN2, Claims), (3, NN2, Acks(6)), (4, NN1, Acks(5))];
        assert_eq!(judge(&later).grade(), 1);
    }

    fn t(second: u64) -> SimTime {
        SimTime::from_nanos(second * 1_000_000_000)
    }
}
