//! Transitions: the steps of promotion, demotion and log roll, in order, and what a failure of
//! each means.
//!
//! Here: who may ask, which step is next, which failure ends the process.
//! Never here: how a step is done, locks, timers.
//! Modelled on: Hadoop `NameNode.transitionToActive/checkHaStateChange`, `HAState`,
//! `FSNamesystem.startActiveServices/stopActiveServices`, `FSImage.rollEditLog` (3.4.1).

/// `HAServiceState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HaState {
    /// The constructor runs: HA calls are answered with a RetriableException.
    Initializing,
    /// Serves and writes.
    Active,
    /// Follows.
    Standby,
}

/// `HAServiceProtocol.RequestSource`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestSource {
    /// `haadmin -transitionTo...`.
    User,
    /// The same with `-forcemanual`.
    UserForced,
    /// A failover controller.
    Zkfc,
}

/// Why a transition does not begin; the process lives on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransitionRefusal {
    /// `RetriableException`: still starting.
    Starting,
    /// `ServiceFailedException`: HA is not set up.
    HaNotEnabled,
    /// `AccessControlException`: automatic failover is on and a person asks without force.
    ManualWhileAutomatic,
    /// `AccessControlException`: automatic failover is off and a controller asks.
    AutomaticIsOff,
    /// `ServiceFailedException`: in safe mode, with `not-become-active-in-safemode`.
    InSafeMode,
}

/// What a transition call finds.
#[derive(Clone, Copy, Debug)]
pub struct TransitionCheck {
    /// Where the NameNode stands.
    pub state: HaState,
    /// More than one NameNode in the nameservice.
    pub ha_enabled: bool,
    /// `dfs.ha.automatic-failover.enabled`.
    pub automatic_failover: bool,
    /// In safe mode, and the key forbids to become active there.
    pub safe_mode_forbids: bool,
}

impl TransitionCheck {
    /// Whether work is to be done: false if the NameNode is in `target` already.
    ///
    /// # Errors
    /// The call is refused.
    pub fn admit(&self, target: HaState, source: RequestSource) -> Result<bool, TransitionRefusal> {
        if self.state == HaState::Initializing {
            return Err(TransitionRefusal::Starting);
        }
        match source {
            RequestSource::User if self.automatic_failover => {
                return Err(TransitionRefusal::ManualWhileAutomatic);
            }
            RequestSource::Zkfc if !self.automatic_failover => {
                return Err(TransitionRefusal::AutomaticIsOff);
            }
            RequestSource::User | RequestSource::UserForced | RequestSource::Zkfc => {}
        }
        if !self.ha_enabled {
            return Err(TransitionRefusal::HaNotEnabled);
        }
        if target == HaState::Active && self.safe_mode_forbids {
            return Err(TransitionRefusal::InSafeMode);
        }
        Ok(self.state != target)
    }
}

/// One step of a change of state or of a log roll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `prepareToExitState`: cancel a running checkpoint, prevent new ones; no lock yet.
    CancelCheckpoint,
    /// Take the namesystem's write lock and that of the retry cache.
    TakeLocks,
    /// `stopStandbyServices`: end and join checkpointer and tailer, close the log for reading;
    /// then the state is ACTIVE.
    StopStandby,
    /// `initJournalsForWrite`: a new writer with new channels.
    InitJournals,
    /// `recoverUnclosedStreams`: the shared journal, then each local one.
    RecoverJournals,
    /// `catchupDuringFailover`: one round of tailing, again until one loads nothing.
    CatchUp,
    /// Stale marks on all storages, pending DataNode messages, replication queues.
    ReprocessDatanodes,
    /// `openForWrite`: no readable stream may lie at or beyond the next transaction.
    CheckStreams,
    /// `startLogSegment` on every journal.
    StartSegment,
    /// OP_START_LOG_SEGMENT, flushed alone.
    SyncHeader,
    /// `updateCountForQuota`.
    WalkQuota,
    /// Lease, resource, roller monitors; a promoted NameNode serves from here on.
    StartActive,
    /// `stopActiveServices`: end the monitors.
    StopActive,
    /// OP_END_LOG_SEGMENT and all before it, flushed.
    SyncTrailer,
    /// `finalizeLogSegment` on every journal.
    FinalizeSegment,
    /// `startStandbyServices`: the state is STANDBY; tailer and checkpointer run.
    StartStandby,
    /// Give the locks back, answer the caller.
    Unlock,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// Well.
    Done,
    /// Well, and so many edits were applied (catch-up only).
    Applied(u64),
    /// Any Throwable, with its message.
    Failed(&'static str),
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// This step.
    Do(Step),
    /// Nothing: it is over.
    Finished,
    /// `doImmediateShutdown` / `terminate(1)`.
    Exit(&'static str),
}

/// The steps of a promotion.
pub const PROMOTION: &[Step] = &[
    Step::CancelCheckpoint,
    Step::TakeLocks,
    Step::StopStandby,
    Step::InitJournals,
    Step::RecoverJournals,
    Step::CatchUp,
    Step::ReprocessDatanodes,
    Step::CheckStreams,
    Step::StartSegment,
    Step::SyncHeader,
    Step::WalkQuota,
    Step::StartActive,
    Step::Unlock,
];

/// The steps of a demotion.
pub const DEMOTION: &[Step] = &[
    Step::TakeLocks,
    Step::StopActive,
    Step::SyncTrailer,
    Step::FinalizeSegment,
    Step::StartStandby,
    Step::Unlock,
];

/// The steps of `rollEditLog`.
pub const ROLL: &[Step] = &[
    Step::TakeLocks,
    Step::SyncTrailer,
    Step::FinalizeSegment,
    Step::StartSegment,
    Step::SyncHeader,
    Step::Unlock,
];

/// The steps of a start without HA: the NameNode writes as soon as it has loaded its image.
pub const START_ALONE: &[Step] = &[
    Step::TakeLocks,
    Step::InitJournals,
    Step::RecoverJournals,
    Step::CheckStreams,
    Step::StartSegment,
    Step::SyncHeader,
    Step::WalkQuota,
    Step::StartActive,
    Step::Unlock,
];

/// A run through one of the lists.
#[derive(Clone, Copy, Debug)]
pub struct Procedure {
    steps: &'static [Step],
    at: usize,
}

impl Procedure {
    /// Begins with the first step.
    pub const fn begin(steps: &'static [Step]) -> Procedure {
        assert!(!steps.is_empty());
        Procedure { steps, at: 0 }
    }

    /// The step that runs now.
    pub const fn step(&self) -> Step {
        self.steps[self.at]
    }

    /// The step that ran has ended: which is next. There is no way back from any of them.
    pub fn ended(&mut self, outcome: StepOutcome) -> NextStep {
        match outcome {
            StepOutcome::Failed(why) => NextStep::Exit(why),
            StepOutcome::Applied(edits) if 0 < edits && self.step() == Step::CatchUp => {
                NextStep::Do(Step::CatchUp)
            }
            StepOutcome::Applied(_) | StepOutcome::Done => {
                self.at += 1;
                match self.steps.get(self.at) {
                    Some(step) => NextStep::Do(*step),
                    None => NextStep::Finished,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANDBY: TransitionCheck = TransitionCheck {
        state: HaState::Standby,
        ha_enabled: true,
        automatic_failover: true,
        safe_mode_forbids: false,
    };

    #[test]
    fn the_steps_of_a_promotion_come_in_the_order_of_the_sheet() {
        let mut promotion = Procedure::begin(PROMOTION);
        let mut seen = vec![promotion.step()];
        let mut catch_ups = [1_500, 20, 0].into_iter();
        loop {
            let outcome = if promotion.step() == Step::CatchUp {
                StepOutcome::Applied(catch_ups.next().unwrap())
            } else {
                StepOutcome::Done
            };
            match promotion.ended(outcome) {
                NextStep::Do(step) => seen.push(step),
                NextStep::Finished => break,
                NextStep::Exit(why) => panic!("{why}"),
            }
        }
        let catch_up = seen.iter().filter(|step| **step == Step::CatchUp).count();
        assert_eq!(catch_up, 3, "until a round loads nothing");
        seen.dedup();
        assert_eq!(seen, PROMOTION);
    }

    #[test]
    fn every_step_that_fails_ends_the_process() {
        for list in [PROMOTION, DEMOTION, ROLL, START_ALONE] {
            for failing in 0..list.len() {
                let mut procedure = Procedure::begin(list);
                for _ in 0..failing {
                    assert!(matches!(procedure.ended(StepOutcome::Done), NextStep::Do(_)));
                }
                assert_eq!(procedure.ended(StepOutcome::Failed("why")), NextStep::Exit("why"));
            }
        }
    }

    #[test]
    fn a_request_for_the_same_state_is_a_success_without_effect() {
        assert_eq!(STANDBY.admit(HaState::Standby, RequestSource::Zkfc), Ok(false));
        assert_eq!(STANDBY.admit(HaState::Active, RequestSource::Zkfc), Ok(true));
    }

    #[test]
    fn who_may_ask() {
        let refused = |check: TransitionCheck, source| check.admit(HaState::Active, source).err();
        let manual = TransitionCheck { automatic_failover: false, ..STANDBY };
        let why = TransitionRefusal::ManualWhileAutomatic;
        assert_eq!(refused(STANDBY, RequestSource::User), Some(why));
        assert_eq!(refused(STANDBY, RequestSource::UserForced), None);
        assert_eq!(refused(manual, RequestSource::Zkfc), Some(TransitionRefusal::AutomaticIsOff));
        assert_eq!(refused(manual, RequestSource::User), None);
        let starting = TransitionCheck { state: HaState::Initializing, ..STANDBY };
        assert_eq!(refused(starting, RequestSource::Zkfc), Some(TransitionRefusal::Starting));
        let safe = TransitionCheck { safe_mode_forbids: true, ..STANDBY };
        assert_eq!(refused(safe, RequestSource::Zkfc), Some(TransitionRefusal::InSafeMode));
        assert_eq!(safe.admit(HaState::Standby, RequestSource::Zkfc), Ok(false));
    }
}
