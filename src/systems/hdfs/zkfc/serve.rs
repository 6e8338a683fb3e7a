//! Serve: what peers and `haadmin` ask a failover controller.
//!
//! Here: ceding, and the graceful failover from the winner's side.
//! Never here: the election that follows; what a caller does with the answer.
//! Modelled on: `ZKFCRpcServer`, `ZKFailoverController.doCedeActive`, `doGracefulFailover`,
//! `waitForActiveAttempt`. Left out: who may call (`checkRpcAdminAccess`).

use std::collections::VecDeque;

use super::tags::{self, Thread};
use super::{Life, record};
use crate::clients::hadoop_ipc::{CallId, CallOutcome, Completion, RemoteException, ReplyTo};
use crate::engine::ctx::Ctx;
use crate::engine::process::{Tag, Timer};
use crate::engine::time::{Monotonic, SimDuration};
use crate::protocols::elector::{Code, Contents, Health, Input, ServiceState};
use crate::systems::hdfs::api::ha_service::{HaRequest, HaService, RequestSource, SERVICE_FAILED};
use crate::systems::hdfs::api::zkfc_protocol::{ZkfcDone, ZkfcProtocol, ZkfcRequest};
use crate::systems::hdfs::fencing::key;

/// What `doGracefulFailover` waits for an attempt beyond the time that the others cede.
const WAIT_FOR_ATTEMPT: SimDuration = SimDuration::from_secs(60);
/// `waitForActiveAttempt` looks at the health so often.
const LOOK_EVERY: SimDuration = SimDuration::from_millis(1_000);

const IO_EXCEPTION: RemoteException = RemoteException::Other("java.io.IOException");

/// `ActiveAttemptRecord`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    at: Monotonic,
    succeeded: bool,
}

/// A handler of the RPC server at work.
#[derive(Clone, Debug)]
pub(super) struct Handler {
    reply_to: ReplyTo,
    stage: Stage,
}

/// The others that a graceful failover asks to cede.
#[derive(Clone, Debug)]
struct Round {
    since: Monotonic,
    left: VecDeque<usize>,
    asked: Vec<usize>,
}

/// Where a handler is.
#[derive(Clone, Debug)]
enum Stage {
    /// cedeActive: will demote, or demotes, with both locks.
    Ceding { span: SimDuration },
    /// cedeActive: quits, with both locks.
    Quitting,
    /// cedeActive: rechecks electability, with both locks; the last step.
    Rechecking,
    /// cedeActive without a span: lifts the delay and rechecks.
    Lifting,
    /// gracefulFailover: looks at the own health, with the controller's lock.
    CheckingSelf,
    /// gracefulFailover: reads the lock node, with both locks.
    FindingActive { found: Option<Result<Option<Contents>, Code>> },
    /// gracefulFailover: asks the others to cede, one after another.
    AskingPeers { round: Round, call: Option<CallId> },
    /// gracefulFailover: waits for an attempt to become active.
    Waiting { since: Monotonic, asked: Vec<usize>, timer: Timer },
    /// gracefulFailover: takes the controller's lock to look at the own health.
    Looking { since: Monotonic, asked: Vec<usize> },
    /// gracefulFailover: lets the others rejoin.
    Releasing { succeeded: bool, left: VecDeque<usize>, call: Option<CallId> },
}

impl Life {
    pub(super) fn on_handler_free(&mut self, tag: Tag, ctx: &mut Ctx<'_>) {
        let server = self.server.as_mut().expect("handlers come with a server");
        let Some(incoming) = server.on_granted(tag, ctx) else { return };
        self.handlers_count += 1;
        let call = self.handlers_count;
        let stage = match incoming.request {
            ZkfcRequest::CedeActive { span } if span.is_zero() => Stage::Lifting,
            ZkfcRequest::CedeActive { span } => Stage::Ceding { span },
            ZkfcRequest::GracefulFailover => Stage::CheckingSelf,
        };
        match stage {
            Stage::CheckingSelf => self.want_controller_lock(Thread::Handler(call), ctx),
            Stage::Ceding { .. }
            | Stage::Quitting
            | Stage::Rechecking
            | Stage::Lifting
            | Stage::FindingActive { .. }
            | Stage::AskingPeers { .. }
            | Stage::Waiting { .. }
            | Stage::Looking { .. }
            | Stage::Releasing { .. } => self.want_elector_lock(Thread::Handler(call), ctx),
        }
        self.handlers.insert(call, Handler { reply_to: incoming.reply_to, stage });
    }

    /// A handler has the controller's lock, and the elector's if its stage needs it.
    pub(super) fn on_handler_locked(&mut self, call: u64, ctx: &mut Ctx<'_>) {
        match self.stage(call) {
            Stage::Ceding { .. } => {
                let request = HaRequest::TransitionToStandby { source: RequestSource::Zkfc };
                let to = key(self.settings.local().namenode, self.settings.demotion);
                self.cede_call = Some(self.ha.call(to, request, ctx));
            }
            Stage::Rechecking => self.recheck(ctx),
            Stage::Lifting => {
                self.controller.end_cede();
                self.recheck(ctx);
            }
            Stage::CheckingSelf => {
                ctx.release(self.controller_lock);
                self.on_self_checked(call, ctx);
            }
            Stage::FindingActive { .. } => self.elect(Input::GetActive, ctx),
            Stage::Looking { since, asked } => {
                ctx.release(self.controller_lock);
                self.on_looked(call, since, asked, ctx);
            }
            Stage::Quitting
            | Stage::AskingPeers { .. }
            | Stage::Waiting { .. }
            | Stage::Releasing { .. } => unreachable!("this stage takes no lock"),
        }
    }

    /// The elector's operation of a handler is over.
    pub(super) fn on_handler_returned(&mut self, call: u64, ctx: &mut Ctx<'_>) {
        self.release_both(ctx);
        match self.stage(call) {
            Stage::Quitting => {
                self.set_stage(call, Stage::Rechecking);
                self.want_elector_lock(Thread::Handler(call), ctx);
            }
            Stage::Rechecking | Stage::Lifting => self.answer(call, Ok(ZkfcDone), ctx),
            Stage::FindingActive { found: Some(found) } => self.on_active_known(call, found, ctx),
            Stage::FindingActive { found: None }
            | Stage::Ceding { .. }
            | Stage::CheckingSelf
            | Stage::AskingPeers { .. }
            | Stage::Waiting { .. }
            | Stage::Looking { .. }
            | Stage::Releasing { .. } => unreachable!("this stage asks nothing of the elector"),
        }
    }

    fn stage(&self, call: u64) -> Stage {
        self.handlers[&call].stage.clone()
    }

    fn set_stage(&mut self, call: u64, stage: Stage) {
        self.handlers.get_mut(&call).expect("a handler at work").stage = stage;
    }

    fn answer(&mut self, call: u64, result: Result<ZkfcDone, RemoteException>, ctx: &mut Ctx<'_>) {
        let handler = self.handlers.remove(&call).expect("a handler at work");
        let server = self.server.as_ref().expect("handlers come with a server");
        server.reply(handler.reply_to, result, ctx);
        server.free_handler(ctx);
    }
}

/// `doCedeActive`.
impl Life {
    /// The demotion of the local NameNode ended. Both locks are held since before it.
    pub(super) fn on_cede_called(&mut self, done: &Completion<HaService>, ctx: &mut Ctx<'_>) {
        let Some(Thread::Handler(call)) = self.elector_holder else { return };
        if self.cede_call != Some(done.call) {
            return;
        }
        self.cede_call = None;
        let Stage::Ceding { span } = self.stage(call) else { return };
        let demoted = match done.outcome {
            CallOutcome::Reply(_) => true,
            CallOutcome::Remote(_) | CallOutcome::Failed(_) => false,
        };
        self.note(record::CEDED, [self.me(), demoted.into(), span.as_nanos(), 0], ctx);
        self.controller.cede(span, ctx.now().monotonic);
        self.set_stage(call, Stage::Quitting);
        self.quit(!demoted, ctx);
    }
}

/// `doGracefulFailover`.
impl Life {
    /// `checkEligibleForFailover`.
    fn on_self_checked(&mut self, call: u64, ctx: &mut Ctx<'_>) {
        let healthy = self.controller.last_health() == Health::Healthy;
        if !healthy || self.controller.service_state() == ServiceState::Observer {
            return self.answer(call, Err(SERVICE_FAILED), ctx);
        }
        self.set_stage(call, Stage::FindingActive { found: None });
        self.want_elector_lock(Thread::Handler(call), ctx);
    }

    pub(super) fn on_active_found(&mut self, answer: Result<Option<Contents>, Code>) {
        let Some(Thread::Handler(call)) = self.elector_holder else {
            unreachable!("only a graceful failover looks for the active")
        };
        self.set_stage(call, Stage::FindingActive { found: Some(answer) });
    }

    fn on_active_known(
        &mut self,
        call: u64,
        found: Result<Option<Contents>, Code>,
        ctx: &mut Ctx<'_>,
    ) {
        let active = match found {
            Err(_) => return self.answer(call, Err(IO_EXCEPTION), ctx),
            Ok(None) => return self.answer(call, Err(SERVICE_FAILED), ctx),
            Ok(Some(data)) => data,
        };
        if active == self.own_contents() {
            return self.answer(call, Ok(ZkfcDone), ctx); // active already
        }
        let nodes = self.settings.nodes.iter().enumerate();
        let others = nodes.filter(|(index, _)| *index != self.settings.me);
        let (actives, standbys): (VecDeque<_>, VecDeque<_>) =
            others.partition(|(_, node)| node.info.word == active.0);
        let left = standbys.into_iter().chain(actives).map(|(index, _)| index).collect();
        let since = ctx.now().monotonic;
        self.ask_next_peer(call, Round { since, left, asked: Vec::new() }, ctx);
    }

    /// `cedeRemoteActive`, for the standbys and then for the active.
    fn ask_next_peer(&mut self, call: u64, mut round: Round, ctx: &mut Ctx<'_>) {
        let Some(peer) = round.left.pop_front() else {
            return self.look_again(call, round.since, round.asked, ctx);
        };
        round.asked.push(peer);
        let made = self.call_peer(peer, self.settings.peers.rpc_timeout, ctx);
        self.set_stage(call, Stage::AskingPeers { round, call: made });
        if made.is_none() {
            self.answer(call, Err(IO_EXCEPTION), ctx); // a NameNode without a controller
        }
    }

    fn call_peer(&mut self, peer: usize, span: SimDuration, ctx: &mut Ctx<'_>) -> Option<CallId> {
        let to = self.settings.nodes[peer].zkfc?;
        let request = ZkfcRequest::CedeActive { span };
        Some(self.peers.call(key(to, self.settings.peers), request, ctx))
    }

    /// A call to another controller ended.
    pub(super) fn on_peer_called(&mut self, done: &Completion<ZkfcProtocol>, ctx: &mut Ctx<'_>) {
        let waits = |handler: &Handler| match &handler.stage {
            Stage::AskingPeers { call, .. } | Stage::Releasing { call, .. } => {
                *call == Some(done.call)
            }
            Stage::Ceding { .. }
            | Stage::Quitting
            | Stage::Rechecking
            | Stage::Lifting
            | Stage::CheckingSelf
            | Stage::FindingActive { .. }
            | Stage::Waiting { .. }
            | Stage::Looking { .. } => false,
        };
        let waiting = self.handlers.iter().find(|(_, handler)| waits(handler));
        let Some(call) = waiting.map(|(call, _)| *call) else { return };
        match done.outcome {
            CallOutcome::Reply(_) => {}
            CallOutcome::Remote(exception) => return self.answer(call, Err(exception), ctx),
            CallOutcome::Failed(_) => return self.answer(call, Err(IO_EXCEPTION), ctx),
        }
        match self.stage(call) {
            Stage::AskingPeers { round, .. } => self.ask_next_peer(call, round, ctx),
            Stage::Releasing { succeeded, left, .. } => {
                self.release_next_peer(call, succeeded, left, ctx);
            }
            Stage::Ceding { .. }
            | Stage::Quitting
            | Stage::Rechecking
            | Stage::Lifting
            | Stage::CheckingSelf
            | Stage::FindingActive { .. }
            | Stage::Waiting { .. }
            | Stage::Looking { .. } => unreachable!("it waits for a peer"),
        }
    }

    /// One turn of the loop of `waitForActiveAttempt`.
    fn look_again(&mut self, call: u64, since: Monotonic, asked: Vec<usize>, ctx: &mut Ctx<'_>) {
        self.set_stage(call, Stage::Looking { since, asked });
        self.want_controller_lock(Thread::Handler(call), ctx);
    }

    fn on_looked(&mut self, call: u64, since: Monotonic, asked: Vec<usize>, ctx: &mut Ctx<'_>) {
        if self.controller.last_health() != Health::Healthy {
            return self.answer(call, Err(SERVICE_FAILED), ctx);
        }
        let attempt = self.last_attempt.filter(|attempt| since <= attempt.at);
        if let Some(Attempt { succeeded, .. }) = attempt {
            return self.release_next_peer(call, succeeded, asked.into(), ctx);
        }
        let timer = ctx.arm(LOOK_EVERY, Tag::with(tags::ATTEMPT, call));
        self.set_stage(call, Stage::Waiting { since, asked, timer });
    }

    /// A second is over.
    pub(super) fn look_for_attempt(&mut self, call: u64, ctx: &mut Ctx<'_>) {
        let Stage::Waiting { since, asked, .. } = self.stage(call) else { return };
        let until = since + (self.settings.peers.rpc_timeout + WAIT_FOR_ATTEMPT);
        if until <= ctx.now().monotonic {
            return self.answer(call, Err(SERVICE_FAILED), ctx);
        }
        self.look_again(call, since, asked, ctx);
    }

    /// `recordActiveAttempt`: whoever waits for one is woken.
    pub(super) fn record_attempt(&mut self, succeeded: bool, ctx: &mut Ctx<'_>) {
        self.last_attempt = Some(Attempt { at: ctx.now().monotonic, succeeded });
        let calls: Vec<u64> = self.handlers.keys().copied().collect();
        for call in calls {
            if let Stage::Waiting { timer, .. } = self.stage(call) {
                ctx.cancel(timer);
                self.look_for_attempt(call, ctx);
            }
        }
    }

    fn release_next_peer(
        &mut self,
        call: u64,
        succeeded: bool,
        mut left: VecDeque<usize>,
        ctx: &mut Ctx<'_>,
    ) {
        let next = left.pop_front();
        match next.and_then(|peer| self.call_peer(peer, SimDuration::ZERO, ctx)) {
            Some(made) => {
                self.set_stage(call, Stage::Releasing { succeeded, left, call: Some(made) });
            }
            None if succeeded => self.answer(call, Ok(ZkfcDone), ctx),
            None => self.answer(call, Err(SERVICE_FAILED), ctx),
        }
    }
}
