//! Procedures: promotion, demotion, log roll and a start alone, step by step.
//!
//! Here: what each step does, under which lock, and what the caller hears.
//! Never here: the order of steps (`protocols::namenode::transition`).
//! Modelled on: Hadoop `FSNamesystem.startActiveServices/stopActiveServices/rollEditLog`,
//! `FSEditLog.openForWrite/rollEditLog` (3.4.1).

use std::collections::BTreeMap;

use super::client_calls::Waiter;
use super::journals::Work;
use super::loading::Purpose;
use super::shared_journal::SharedJournal;
use super::{NameNode, ROLE_ACTIVE, marks, tags};
use crate::clients::hadoop_ipc::RemoteException;
use crate::clients::hadoop_ipc::server::ReplyTo;
use crate::engine::ctx::Ctx;
use crate::engine::process::Tag;
use crate::engine::time::SimDuration;
use crate::history::{Role, Term};
use crate::protocols::namenode::edit::{Edit, EditOp};
use crate::protocols::namenode::edit_log::EditLog;
use crate::protocols::namenode::transition::{
    DEMOTION, HaState, NextStep, PROMOTION, Procedure, ROLL, START_ALONE, Step, StepOutcome,
};
use crate::systems::hdfs::api::ha_service::HaResponse;
use crate::systems::hdfs::api::namenode_protocol::NamenodeResponse;

/// Counts the procedures of one life.
pub(super) type ProcedureId = u64;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProcedureKind {
    Promotion,
    Demotion,
    Roll,
    StartAlone,
}

impl ProcedureKind {
    const fn steps(self) -> &'static [Step] {
        match self {
            ProcedureKind::Promotion => PROMOTION,
            ProcedureKind::Demotion => DEMOTION,
            ProcedureKind::Roll => ROLL,
            ProcedureKind::StartAlone => START_ALONE,
        }
    }
}

/// Who waits for the end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Caller {
    /// A controller; it holds the HA monitors and a service handler.
    Ha(ReplyTo),
    /// A standby or Secondary NameNode; it holds a service handler.
    Namenode(ReplyTo),
    /// A thread of this NameNode.
    Own,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    kind: ProcedureKind,
    procedure: Procedure,
    caller: Caller,
}

/// Procedures that wait for the namesystem lock, and the one that holds it.
#[derive(Clone, Default)]
pub(super) struct Procedures {
    running: BTreeMap<ProcedureId, Running>,
    last: ProcedureId,
    current: Option<ProcedureId>,
}

impl<S: SharedJournal + Clone + Send + 'static> NameNode<S> {
    pub(super) fn begin_procedure(
        &mut self,
        kind: ProcedureKind,
        caller: Caller,
        ctx: &mut Ctx<'_>,
    ) {
        self.procedures.last += 1;
        let id = self.procedures.last;
        let procedure = Procedure::begin(kind.steps());
        self.procedures.running.insert(id, Running { kind, procedure, caller });
        match kind {
            ProcedureKind::Promotion => {
                ctx.mark(marks::TRANSITION_STARTED.mark());
                self.say(marks::TRANSITION_NOTE, self.last_applied, ctx);
            }
            ProcedureKind::Demotion => {
                ctx.mark(marks::DEMOTION_STARTED.mark());
                self.say(marks::DEMOTION_NOTE, self.last_applied, ctx);
            }
            ProcedureKind::Roll | ProcedureKind::StartAlone => {}
        }
        self.do_step(id, procedure.step(), ctx);
    }

    /// The namesystem lock is held.
    pub(super) fn on_procedure_locked(&mut self, id: ProcedureId, ctx: &mut Ctx<'_>) {
        let running = self.procedures.running[&id];
        if running.kind == ProcedureKind::Roll {
            let refused = self.check_operation().and_then(|()| self.check_safe_mode());
            if let Err(refused) = refused {
                self.procedures.running.remove(&id);
                ctx.release(self.threads().namesystem);
                return self.answer_roll(running.caller, Err(refused), ctx);
            }
        }
        self.procedures.current = Some(id);
        self.step_ended_of(id, StepOutcome::Done, ctx);
    }

    /// A step's own work is done.
    pub(super) fn on_step_worked(&mut self, id: ProcedureId, ctx: &mut Ctx<'_>) {
        self.step_ended_of(id, StepOutcome::Done, ctx);
    }

    /// The step of the procedure that holds the lock has ended.
    pub(super) fn step_ended(&mut self, outcome: StepOutcome, ctx: &mut Ctx<'_>) {
        let id = self.procedures.current.expect("only the holder of the lock uses the journals");
        self.step_ended_of(id, outcome, ctx);
    }

    pub(super) fn step_ended_of(
        &mut self,
        id: ProcedureId,
        outcome: StepOutcome,
        ctx: &mut Ctx<'_>,
    ) {
        let running = self.procedures.running.get_mut(&id).expect("it runs");
        match running.procedure.ended(outcome) {
            NextStep::Do(step) => self.do_step(id, step, ctx),
            NextStep::Exit(why) => self.terminate(why, ctx),
            NextStep::Finished => self.procedure_finished(id, ctx),
        }
    }

    fn do_step(&mut self, id: ProcedureId, step: Step, ctx: &mut Ctx<'_>) {
        let costs = self.options.costs;
        match step {
            Step::CancelCheckpoint => {
                self.cancel_checkpoint(ctx);
                self.step_ended_of(id, StepOutcome::Done, ctx);
            }
            Step::TakeLocks => {
                ctx.acquire(self.threads().namesystem, Tag::with(tags::PROCEDURE_LOCK, id));
            }
            Step::StopStandby => {
                self.stop_standby(ctx);
                self.work_on_step(id, costs.stop_standby);
            }
            Step::InitJournals => {
                if let Some(shared) = &mut self.journals.shared {
                    shared.open_for_write(ctx);
                }
                self.work_on_step(id, costs.init_journals);
            }
            Step::RecoverJournals => self.on_step_journals(Work::Recover, ctx),
            Step::CatchUp => self.begin_load(Purpose::CatchUp, ctx),
            Step::ReprocessDatanodes => {
                ctx.mark(marks::CAUGHT_UP.mark());
                let edits = self.loader.take_caught_up();
                self.say(marks::CAUGHT_UP_NOTE, edits, ctx);
                self.work_on_step(id, costs.clear_queues);
            }
            Step::CheckStreams => self.check_streams(id, ctx),
            Step::StartSegment => {
                let txid = self.last_applied + 1;
                self.on_step_journals(Work::Start { txid }, ctx);
            }
            Step::SyncHeader => self.sync_marker(id, EditOp::StartLogSegment, ctx),
            Step::WalkQuota => {
                let inodes = self.namespace.inodes();
                self.work_on_step(id, costs.quota_walk(inodes, self.options.quota_threads));
            }
            Step::StartActive => {
                self.start_active(ctx);
                self.step_ended_of(id, StepOutcome::Done, ctx);
            }
            Step::StopActive => {
                self.stop_active();
                self.step_ended_of(id, StepOutcome::Done, ctx);
            }
            Step::SyncTrailer => self.sync_marker(id, EditOp::EndLogSegment, ctx),
            Step::FinalizeSegment => {
                let log = self.edit_log.as_ref().expect("open for writing");
                let first = log.segment_first().expect("a segment is open");
                let last = log.last();
                self.on_step_journals(Work::Finalize { first, last }, ctx);
            }
            Step::StartStandby => {
                self.note_role(Role::Active, false, ctx);
                self.edit_log = None;
                if let Some(shared) = &mut self.journals.shared {
                    shared.close_writer(ctx);
                }
                self.start_standby(ctx);
                self.step_ended_of(id, StepOutcome::Done, ctx);
            }
            Step::Unlock => {
                self.procedures.current = None;
                ctx.release(self.threads().namesystem);
                self.step_ended_of(id, StepOutcome::Done, ctx);
            }
        }
    }

    fn work_on_step(&mut self, id: ProcedureId, span: SimDuration) {
        self.compute(span, Tag::with(tags::STEP_WORK, id));
    }

    fn on_step_journals(&mut self, work: Work, ctx: &mut Ctx<'_>) {
        let ended = self.journals.begin(work, ctx);
        self.on_journals(ended, ctx);
    }

    /// The end and the start of a segment are edits; the step waits for their flush.
    fn sync_marker(&mut self, id: ProcedureId, op: EditOp, ctx: &mut Ctx<'_>) {
        let log = self.edit_log.as_mut().expect("open for writing");
        let edit = Edit { txid: log.last() + 1, op, call: None };
        log.force(edit, edit.bytes());
        log.barrier(Waiter::Procedure(id));
        self.last_applied = log.last();
        self.sync_edits(ctx);
    }

    fn stop_standby(&mut self, ctx: &mut Ctx<'_>) {
        self.stop_checkpointer(ctx);
        self.stop_tailer(ctx);
        self.note_role(Role::Standby, false, ctx);
        // From here on a client's write passes the first check and waits for the lock.
        self.state = HaState::Active;
    }

    fn check_streams(&mut self, id: ProcedureId, ctx: &mut Ctx<'_>) {
        let log = EditLog::open_after(self.last_applied, self.options.queue_limit);
        let next = log.last() + 1;
        self.edit_log = Some(log);
        // A journal without terms: its writer is known by the first transaction it may write.
        let journal_term = self.log_term();
        self.term = if journal_term == Term::default() { Term(next) } else { journal_term };
        if self.journals.shared.is_some() {
            self.begin_load(Purpose::CheckStreams, ctx);
        } else {
            self.step_ended_of(id, StepOutcome::Done, ctx);
        }
    }

    fn start_active(&mut self, ctx: &mut Ctx<'_>) {
        self.state = HaState::Active;
        self.start_monitors(ctx);
        self.note_role(Role::Active, true, ctx);
        ctx.mark(marks::ACTIVE.mark());
        ctx.open_gate(ROLE_ACTIVE);
    }

    /// `startStandbyServices`: at a start and after a demotion.
    pub(super) fn start_standby(&mut self, ctx: &mut Ctx<'_>) {
        self.state = HaState::Standby;
        self.term = Term::default();
        self.note_role(Role::Standby, true, ctx);
        ctx.mark(marks::STANDBY.mark());
        self.start_tailer(ctx);
        self.start_checkpointer(ctx);
    }

    fn procedure_finished(&mut self, id: ProcedureId, ctx: &mut Ctx<'_>) {
        let running = self.procedures.running.remove(&id).expect("it ran");
        match running.kind {
            ProcedureKind::Promotion | ProcedureKind::Demotion => {
                let Caller::Ha(reply_to) = running.caller else { return };
                self.answer_ha(reply_to, Ok(HaResponse::Done), ctx);
            }
            ProcedureKind::Roll => {
                ctx.mark(marks::ROLLED.mark());
                let log = self.edit_log.as_ref().expect("open for writing");
                let segment = log.segment_first().expect("a segment is open");
                let rolled = NamenodeResponse::Rolled { checkpoint: self.checkpoint, segment };
                self.answer_roll(running.caller, Ok(rolled), ctx);
            }
            ProcedureKind::StartAlone => self.open_ports(ctx),
        }
    }

    fn answer_roll(
        &mut self,
        caller: Caller,
        answer: Result<NamenodeResponse, RemoteException>,
        ctx: &mut Ctx<'_>,
    ) {
        match caller {
            Caller::Namenode(reply_to) => {
                let server = self.namenode_server.as_ref().expect("a call came in");
                server.reply(reply_to, answer, ctx);
                server.free_handler(ctx);
            }
            Caller::Own | Caller::Ha(_) => {}
        }
    }
}
