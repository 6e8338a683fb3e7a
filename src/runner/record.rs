//! Record: everything that a finished run leaves behind, as plain data.
//!
//! Here: what `hadr run` prints and what a campaign folds, with names instead of ids.
//! Never here: formatting; anything that needs the world to be alive.
//! Modelled on: DESIGN section 7, `hadr.run/1`.

use crate::engine::id::EventId;
use crate::engine::time::{SimDuration, SimTime};

pub use crate::measure::{Loss, Moment, Outage, Rto, ServiceMeasure, SplitBrain};
pub use crate::oracle::{Gap, Verdict, Violation};

/// A finished run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The scenario's name.
    pub scenario: String,
    /// Root of every draw.
    pub seed: u64,
    /// Where the run was forked and which branch it took, oldest fork first; empty: never.
    pub lineage: Vec<String>,
    /// Over every kernel event; compared within one version only.
    pub digest: u64,
    /// Over the neutral history; what is cited.
    pub history_digest: u64,
    /// Events dispatched.
    pub events: u64,
    /// Where the run ended.
    pub ended_at: SimTime,
    /// The faults of the plan, in its order.
    pub faults: Vec<FaultRecord>,
    /// The services, in order of their names.
    pub services: Vec<ServiceRecord>,
    /// The resources, in order of their names.
    pub split_brain: Vec<ResourceRecord>,
    /// In order of time.
    pub failovers: Vec<FailoverRecord>,
    /// Who holds an active role where the run ended, the audit not included.
    pub active_at_end: Vec<String>,
    /// Daemons that ended themselves, in order of time.
    pub exits: Vec<ExitRecord>,
    /// Properties and objectives that do not hold.
    pub violations: Vec<Violation>,
    /// Reasons for not believing a pass.
    pub gaps: Vec<Gap>,
    /// The command that repeats the run.
    pub reproduce: String,
    /// What happened, for people, in order of time.
    pub timeline: Vec<TimelineLine>,
    /// Calls per kind and pair, most frequent first; empty unless asked for.
    pub census: Vec<CensusRow>,
}

/// What became of a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRecord {
    /// When it struck; `None`: never.
    pub at: Option<SimTime>,
    /// What it does, `power-loss` say.
    pub kind: String,
    /// Whom it struck, or at whom it was aimed.
    pub target: String,
    /// When it was healed; `None`: not in this run.
    pub until: Option<SimTime>,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRecord {
    /// `hdfs-meta-write` say.
    pub name: String,
    /// What its clients went through.
    pub measure: ServiceMeasure,
    /// Where the RTO went, along the critical path; sums to it. Empty if nothing was noticed, or
    /// if the outage did not end.
    pub phases: Vec<Phase>,
}

/// A stretch of the critical path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// `detection` say.
    pub name: String,
    /// How long.
    pub span: SimDuration,
    /// What it was spent on, largest first: a timer's name, a lock's, a link's.
    pub parts: Vec<(String, SimDuration)>,
}

/// One resource that may have one holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceRecord {
    /// `hdfs:ns1` say.
    pub resource: String,
    /// What was found.
    pub found: SplitBrain,
}

/// A role changed hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailoverRecord {
    /// Of what.
    pub resource: String,
    /// Who held it last.
    pub from: String,
    /// Who holds it now.
    pub to: String,
    /// When.
    pub at: SimTime,
}

/// A daemon ended itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitRecord {
    /// Which.
    pub process: String,
    /// When.
    pub at: SimTime,
    /// Upstream's own reason.
    pub reason: String,
}

/// One line for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineLine {
    /// When.
    pub at: SimTime,
    /// In which event, for `--trace` and evidence.
    pub event: EventId,
    /// Who did it or whom it hit.
    pub who: String,
    /// What happened.
    pub what: String,
    /// How it is drawn.
    pub weight: Weight,
}

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Said in passing.
    Detail,
    /// A step of the story.
    Step,
    /// A fault struck or healed.
    Fault,
    /// A service was lost or came back, a property broke.
    Alarm,
}

/// Calls of one kind between one pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CensusRow {
    /// `QJournal.journal` say.
    pub kind: String,
    /// Who sent.
    pub from: String,
    /// To whom.
    pub to: String,
    /// How often.
    pub count: u64,
    /// How much, in bytes.
    pub bytes: u64,
}

impl Record {
    /// What the run says.
    pub fn verdict(&self) -> Verdict {
        Verdict::of(self.violations.clone(), self.gaps.clone())
    }

    /// What a campaign keeps of it: all but the lines for people and the census.
    pub fn without_story(self) -> Record {
        Record { timeline: Vec::new(), census: Vec::new(), ..self }
    }
}
