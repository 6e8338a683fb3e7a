//! Recovery: which journal's copy of the last segment wins.
//!
//! Here: the ranking of answers to prepareRecovery, and the checks on the winner.
//! Never here: asking, waiting, the copies themselves.
//! Modelled on: Hadoop `qjournal/client/SegmentRecoveryComparator.java`,
//! `QuorumJournalManager.recoverUnclosedSegment` (3.4.1, 3.3.6).

use std::cmp::Ordering;

use super::{Epoch, LoggerId, Prepared, SegmentState, TxId};

/// `AssertionError` or `IllegalArgumentException` in the writer: the NameNode terminates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assertion {
    /// Two answers about one segment name different starts.
    StartsDiffer,
    /// Two finalized copies end differently.
    FinalizedEndsDiffer,
    /// A journal knows of a committed edit behind the end of the winner.
    WouldDropCommitted {
        /// Which edit.
        committed: TxId,
        /// Who knows of it.
        known_to: LoggerId,
    },
}

/// How two answers rank; the greater wins.
pub type Rank = fn(&Prepared, &Prepared) -> Result<Ordering, Assertion>;

/// `SegmentRecoveryComparator.compare`.
///
/// # Errors
/// The answers contradict each other.
pub fn rank(one: &Prepared, other: &Prepared) -> Result<Ordering, Assertion> {
    let (Some(a), Some(b)) = (one.segment, other.segment) else {
        return Ok(one.segment.is_some().cmp(&other.segment.is_some()));
    };
    if a.start != b.start {
        return Err(Assertion::StartsDiffer);
    }
    match (a.in_progress, b.in_progress) {
        (false, true) => Ok(Ordering::Greater),
        (true, false) => Ok(Ordering::Less),
        (false, false) if a.end == b.end => Ok(Ordering::Equal),
        (false, false) => Err(Assertion::FinalizedEndsDiffer),
        (true, true) => {
            let seen = |answer: &Prepared| {
                answer.accepted_in.unwrap_or(Epoch::NONE).max(answer.last_writer)
            };
            Ok(seen(one).cmp(&seen(other)).then(a.end.cmp(&b.end)))
        }
    }
}

/// The copy that wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What every journal shall have.
    pub segment: SegmentState,
    /// Where those that lack it fetch it.
    pub from: LoggerId,
}

/// The best of the answers, or nothing to recover: no answer names a segment.
///
/// # Errors
/// The answers contradict each other, or the winner would drop a committed edit.
pub fn choose(answers: &[(LoggerId, Prepared)], rank: Rank) -> Result<Option<Choice>, Assertion> {
    let mut best: Option<&(LoggerId, Prepared)> = None;
    for answer in answers {
        let better = match best {
            Some(best) => rank(&answer.1, &best.1)? == Ordering::Greater,
            None => true,
        };
        if better {
            best = Some(answer);
        }
    }
    let Some((from, Prepared { segment: Some(segment), .. })) = best else { return Ok(None) };
    let known = answers.iter().filter_map(|(logger, answer)| Some((*logger, answer.committed?)));
    for (known_to, committed) in known {
        if segment.end < committed {
            return Err(Assertion::WouldDropCommitted { committed, known_to });
        }
    }
    Ok(Some(Choice { segment: *segment, from: *from }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_progress(end: u64, accepted_in: u64, last_writer: u64) -> Prepared {
        Prepared {
            segment: Some(SegmentState { start: TxId(101), end: TxId(end), in_progress: true }),
            accepted_in: (accepted_in != 0).then_some(Epoch(accepted_in)),
            last_writer: Epoch(last_writer),
            committed: None,
        }
    }

    fn finalized(end: u64) -> Prepared {
        let segment = Some(SegmentState { start: TxId(101), end: TxId(end), in_progress: false });
        Prepared { segment, accepted_in: None, last_writer: Epoch(1), committed: None }
    }

    const NOTHING: Prepared =
        Prepared { segment: None, accepted_in: None, last_writer: Epoch(9), committed: None };

    /// hdfs-ha.md 1.3, rule by rule; each row is (lesser, greater) or two equals.
    #[test]
    fn the_ranking_of_the_reference_row_by_row() {
        let rows = [
            (NOTHING, in_progress(101, 0, 1), Ordering::Less), // 1: has a segment
            (NOTHING, NOTHING, Ordering::Equal),               // 1: none against none
            (in_progress(900, 7, 7), finalized(101), Ordering::Less), // 3: finalized first
            (finalized(150), finalized(150), Ordering::Equal), // 4
            (in_progress(900, 0, 1), in_progress(101, 0, 2), Ordering::Less), // 5: the newer writer
            (in_progress(900, 0, 1), in_progress(101, 2, 1), Ordering::Less), // 5: or decision
            (in_progress(101, 2, 1), in_progress(150, 0, 3), Ordering::Less), // 5: HDFS-3845
            (in_progress(101, 2, 0), in_progress(102, 0, 2), Ordering::Less), // 5: then the end
            (in_progress(102, 2, 1), in_progress(102, 0, 2), Ordering::Equal),
        ];
        for (one, other, expected) in rows {
            assert_eq!(rank(&one, &other), Ok(expected), "{one:?} against {other:?}");
            assert_eq!(rank(&other, &one), Ok(expected.reverse()));
        }
        assert_eq!(rank(&finalized(150), &finalized(151)), Err(Assertion::FinalizedEndsDiffer));
        let mut elsewhere = finalized(150);
        elsewhere.segment = elsewhere.segment.map(|s| SegmentState { start: TxId(1), ..s });
        assert_eq!(rank(&elsewhere, &finalized(150)), Err(Assertion::StartsDiffer)); // 2
    }

    #[test]
    fn the_winner_names_its_source_and_may_not_drop_what_is_known_committed() {
        let [a, b, c] = [0, 1, 2].map(LoggerId);
        let short = in_progress(103, 0, 1);
        let long = in_progress(105, 0, 1);
        let won = choose(&[(a, short), (b, long), (c, long)], rank).unwrap().unwrap();
        assert_eq!((won.segment.end, won.from), (TxId(105), b)); // the first of the equals
        assert_eq!(choose(&[(a, NOTHING), (b, NOTHING)], rank), Ok(None));
        let knows = Prepared { committed: Some(TxId(104)), ..short };
        assert!(choose(&[(a, knows), (b, long)], rank).is_ok());
        assert_eq!(
            choose(&[(a, knows), (b, short)], rank),
            Err(Assertion::WouldDropCommitted { committed: TxId(104), known_to: a })
        );
    }
}
