//! Loss: what an audit after recovery could not read back (RPO).
//!
//! A write is lost if it was acknowledged and the auditor's last look did not find it. The RPO is
//! the age of the loss: from the acknowledgement of the oldest lost write to the onset that
//! followed it (of an outage; if nobody noticed one, the fault itself). A write acknowledged after
//! every onset, by a deposed server say, has age zero, but counts among operations and bytes. A
//! write whose outcome the client never heard is unknown, never lost. The RPO is censored unless
//! every write acknowledged before the audit began was audited.
//!
//! Here: acknowledged writes, audits, and the sum of what is missing.
//! Never here: a replication flow's schedule or lag.
//! Modelled on: Jepsen's set checker.

use std::collections::BTreeMap;

use crate::engine::time::{SimDuration, SimTime};
use crate::history::{OpId, Outcome, SharedLog};

/// What was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Age of the loss; zero if nothing is lost; `None`: the audit could not look at everything.
    pub rpo: Option<SimDuration>,
    /// Acknowledged writes that are gone.
    pub lost_ops: u64,
    /// Their payload, in bytes.
    pub lost_bytes: u64,
    /// When the oldest of them was acknowledged.
    pub oldest_lost: Option<SimTime>,
    /// Writes acknowledged before the audit that nobody looked for.
    pub unaudited: u64,
}

#[derive(Clone, Copy, Debug)]
struct Write {
    op: OpId,
    at: SimTime,
    bytes: u64,
}

/// The writes of one service.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracker {
    pending: BTreeMap<OpId, u64>,
    acknowledged: SharedLog<Write>,
    audit_began: Option<SimTime>,
    present: BTreeMap<OpId, bool>,
}

impl Tracker {
    pub(super) fn invoked(&mut self, op: OpId, bytes: u64) {
        self.pending.insert(op, bytes);
    }

    pub(super) fn ended(&mut self, at: SimTime, op: OpId, outcome: Outcome) {
        let Some(bytes) = self.pending.remove(&op) else { return };
        match outcome {
            Outcome::Served => self.acknowledged.push(Write { op, at, bytes }),
            Outcome::Failed | Outcome::Unknown => {}
        }
    }

    pub(super) fn audited(&mut self, at: SimTime, op: OpId, present: bool) {
        self.audit_began.get_or_insert(at);
        self.present.insert(op, present);
    }

    /// `onsets` in order of time: of the outages, or the faults if there is no outage.
    pub(super) fn finish(&self, onsets: &[SimTime]) -> Option<Loss> {
        self.acknowledged.iter().next()?;
        let due = |at: SimTime| self.audit_began.is_none_or(|began| at < began);
        let nothing =
            Loss { rpo: None, lost_ops: 0, lost_bytes: 0, oldest_lost: None, unaudited: 0 };
        let mut loss = self.acknowledged.iter().fold(nothing, |loss, write| {
            match self.present.get(&write.op) {
                Some(true) => loss,
                Some(false) => Loss {
                    lost_ops: loss.lost_ops + 1,
                    lost_bytes: loss.lost_bytes.saturating_add(write.bytes),
                    oldest_lost: loss.oldest_lost.or(Some(write.at)),
                    ..loss
                },
                None => Loss { unaudited: loss.unaudited + u64::from(due(write.at)), ..loss },
            }
        });
        let age = |lost: SimTime| {
            let onset = onsets.iter().find(|onset| lost <= **onset);
            onset.map_or(SimDuration::ZERO, |onset| onset.since(lost))
        };
        if loss.unaudited == 0 {
            loss.rpo = Some(loss.oldest_lost.map_or(SimDuration::ZERO, age));
        }
        Some(loss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(s: u64) -> SimTime {
        SimTime::from_nanos(s * 1_000_000_000)
    }

    fn acknowledged(writes: &[(u64, u64)]) -> Tracker {
        let mut tracker = Tracker::default();
        for (op, at) in writes {
            tracker.invoked(OpId(*op), 100);
            tracker.ended(s(*at), OpId(*op), Outcome::Served);
        }
        tracker
    }

    #[test]
    fn the_age_is_that_of_the_oldest_lost_write_before_its_onset() {
        let mut tracker = acknowledged(&[(1, 10), (2, 20), (3, 25), (4, 35)]);
        for (op, present) in [(1, true), (2, false), (3, false), (4, false)] {
            tracker.audited(s(90), OpId(op), present);
        }
        let loss = tracker.finish(&[s(15), s(30), s(60)]).expect("writes");
        assert_eq!((loss.lost_ops, loss.lost_bytes), (3, 300));
        assert_eq!(loss.rpo, Some(SimDuration::from_secs(10)));
    }

    #[test]
    fn an_unknown_write_is_never_lost_and_a_later_audit_may_find_what_was_missing() {
        let mut tracker = acknowledged(&[(1, 10)]);
        tracker.invoked(OpId(2), 100);
        tracker.ended(s(11), OpId(2), Outcome::Unknown);
        tracker.audited(s(40), OpId(1), false);
        tracker.audited(s(40), OpId(2), false);
        tracker.audited(s(50), OpId(1), true);
        let loss = tracker.finish(&[s(30)]).expect("writes");
        assert_eq!((loss.rpo, loss.lost_ops), (Some(SimDuration::ZERO), 0));
    }

    #[test]
    fn an_audit_that_missed_a_write_is_censored_one_that_came_before_it_is_not() {
        let mut tracker = acknowledged(&[(1, 10), (2, 20)]);
        assert_eq!(tracker.finish(&[s(15)]).expect("writes").rpo, None);
        tracker.audited(s(15), OpId(1), true);
        assert_eq!(tracker.finish(&[s(15)]).expect("writes").rpo, Some(SimDuration::ZERO));
        let mut late = acknowledged(&[(1, 10), (2, 20)]);
        late.audited(s(21), OpId(1), true);
        assert_eq!(late.finish(&[s(15)]).expect("writes").unaudited, 1);
    }

    #[test]
    fn what_a_deposed_server_acknowledged_after_the_onset_is_lost_at_age_zero() {
        let mut tracker = acknowledged(&[(1, 50)]);
        tracker.audited(s(90), OpId(1), false);
        let loss = tracker.finish(&[s(30)]).expect("writes");
        assert_eq!((loss.rpo, loss.lost_ops), (Some(SimDuration::ZERO), 1));
    }
}
