//! Verdict: what a run proved, and what it left open.
//!
//! Here: violations, gaps, their weight, the exit status.
//! Never here: how a property is checked.
//! Modelled on: porcupine's three results; openraft's Jepsen suite.

use std::fmt;

use crate::engine::id::EventId;
use crate::engine::time::SimTime;

/// A property that does not hold, with proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its registered name, `log/fenced-copy` say.
    pub property: &'static str,
    /// When it was seen.
    pub at: SimTime,
    /// What happened, in a sentence.
    pub claim: String,
    /// The events that show it, oldest first.
    pub evidence: Vec<EventId>,
}

/// A reason for not believing a pass.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// A fault of the plan found no one to strike.
    FaultNeverStruck {
        /// Its place in the plan, from 0.
        index: usize,
        /// Why.
        why: String,
    },
    /// A checker met its limit and stopped looking.
    CheckerGaveUp {
        /// Of which property.
        property: &'static str,
    },
    /// Acknowledged writes were not read back.
    AuditIncomplete {
        /// Of which service.
        service: String,
        /// How many.
        unaudited: u64,
    },
    /// Anything else that was not looked at: a ring that overflowed, a limit of the engine.
    Unseen {
        /// What.
        what: String,
    },
}

/// What a run or a campaign says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every property was looked at and held.
    Passed,
    /// At least one does not hold.
    Violated(Vec<Violation>),
    /// Nothing bad was seen, but too little was looked at.
    Inconclusive(Vec<Gap>),
}

impl Verdict {
    /// A violation is proof and outweighs any gap; a gap outweighs silence.
    pub fn of(found: Vec<Violation>, gaps: Vec<Gap>) -> Verdict {
        match (found.is_empty(), gaps.is_empty()) {
            (false, _) => Verdict::Violated(found),
            (true, false) => Verdict::Inconclusive(gaps),
            (true, true) => Verdict::Passed,
        }
    }

    /// 2 is left to usage errors, 101 to our own panics.
    pub const fn exit_status(&self) -> u8 {
        match self {
            Verdict::Passed => 0,
            Verdict::Violated(_) => 1,
            Verdict::Inconclusive(_) => 3,
        }
    }

    /// As printed.
    pub const fn name(&self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Violated(_) => "violated",
            Verdict::Inconclusive(_) => "inconclusive",
        }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Gap::FaultNeverStruck { index, why } => {
                write!(f, "fault {} never struck: {why}", index + 1)
            }
            Gap::CheckerGaveUp { property } => write!(f, "{property}: the checker gave up"),
            Gap::AuditIncomplete { service, unaudited } => {
                write!(f, "{service}: {unaudited} acknowledged writes were not read back")
            }
            Gap::Unseen { what } => f.write_str(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proof_outweighs_gaps_and_gaps_outweigh_silence() {
        let found = Violation {
            property: "log/fenced-copy",
            at: SimTime::START,
            claim: "stored".into(),
            evidence: vec![EventId(1)],
        };
        let gap = Gap::CheckerGaveUp { property: "log/fenced-copy" };
        assert_eq!(Verdict::of(vec![found], vec![gap.clone()]).exit_status(), 1);
        assert_eq!(Verdict::of(vec![], vec![gap]).exit_status(), 3);
        assert_eq!(Verdict::of(vec![], vec![]).exit_status(), 0);
    }
}
