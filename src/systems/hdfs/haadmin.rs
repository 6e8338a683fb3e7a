//! Haadmin: the operator's tool for changing who is active.
//!
//! Here: `-failover` through the controllers or by hand, `-transitionToActive/Standby`.
//! Never here: why an operator gives a command.
//! Modelled on: Hadoop `DFSHAAdmin.java`, `HAAdmin.java`, `FailoverController.java` (3.4.1).
//! Left out: reports (`-getServiceState`, `-checkHealth`), observers, the prompt before a forced
//! transition.

use std::collections::VecDeque;
use std::sync::Arc;

use super::api::ha_service::{HaRequest, HaResponse, HaService, RequestSource, ServiceState};
use super::api::zkfc_protocol::{ZkfcProtocol, ZkfcRequest};
use super::fencing::{Fencer, FencerSettings, Manual, key};
use super::keys;
use super::zkfc::node_info::HaTarget;
use crate::clients::hadoop_ipc::{CallId, CallOutcome, CallPolicy, Completion, IpcClient};
use crate::engine::config::Config;
use crate::engine::ctx::Ctx;
use crate::engine::process::{ConnEvent, Input, Interface, Process, Tag};
use crate::engine::time::SimDuration;
use crate::history::{Fact, NoteName};
use crate::protocols::Outbox;
use crate::protocols::elector::Fenced;
use crate::protocols::elector::manual::{Effect, Input as Step, ManualFailover, Node};
use crate::systems::NoteSpec;

/// What an operator types. Nodes are indices in the nameservice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HaAdminCommand {
    /// `-failover [-forcefence] [-forceactive] <from> <to>`.
    Failover {
        /// The active, and the node to become active; none: the operator asks all nodes first
        /// (`-getAllServiceState`) and takes the active and the first standby.
        between: Option<(usize, usize)>,
        /// `-forcefence`; only without automatic failover.
        force_fence: bool,
        /// `-forceactive`; only without automatic failover.
        force_active: bool,
    },
    /// `-transitionToActive [-forceactive] [-forcemanual] <node>`.
    TransitionToActive {
        /// Which.
        node: usize,
        /// `-forceactive`: although another is active.
        force_active: bool,
        /// `-forcemanual`: although failover is automatic.
        force_manual: bool,
    },
    /// `-transitionToStandby [-forcemanual] <node>`.
    TransitionToStandby {
        /// Which.
        node: usize,
        /// `-forcemanual`: although failover is automatic.
        force_manual: bool,
    },
}

/// The operator's terminal.
pub struct HaAdminConsole;

impl Interface for HaAdminConsole {
    const NAME: &'static str = "HaAdminConsole";
    type Message = HaAdminCommand;

    fn kind(command: &HaAdminCommand) -> &'static str {
        match command {
            HaAdminCommand::Failover { .. } => "-failover",
            HaAdminCommand::TransitionToActive { .. } => "-transitionToActive",
            HaAdminCommand::TransitionToStandby { .. } => "-transitionToStandby",
        }
    }

    fn bytes(_command: &HaAdminCommand) -> u32 {
        0
    }
}

const DONE: NoteName = NoteName::named("haadmin/done");

/// Every note.
pub const NOTES: &[NoteSpec] = &[NoteSpec {
    name: "haadmin/done",
    phrase: "the command {0:failed|succeeded}",
    headline: true,
}];

const HA_CALLS: u32 = 0x100;
const ZKFC_CALLS: u32 = 0x110;
const FENCER: u32 = 0x120;

/// What the tool reads.
#[derive(Clone, Debug)]
pub struct HaAdminSettings {
    nodes: Vec<HaTarget>,
    automatic: bool,
    fencer: Arc<FencerSettings>,
    /// `getProxy(conf, rpcTimeoutToNewActive)`; of `gracefulFailover` too.
    promotion: CallPolicy,
    /// `getProxy(conf, rpcTimeoutForChecks)`.
    checks: CallPolicy,
    /// `getProxy(conf, 0)`: transitions by command wait for ever.
    patient: CallPolicy,
}

impl HaAdminSettings {
    /// Reads a configuration scoped to the nameservice.
    ///
    /// # Errors
    /// The outcomes of fencing commands cannot be read.
    pub fn from_config(config: &Config, nodes: &[HaTarget]) -> Result<HaAdminSettings, String> {
        let generic = CallPolicy::generic(config);
        let proxy = |timeout: SimDuration| {
            generic.with_rpc_timeout(timeout).with_retries(generic.max_retries_on_timeouts, 1)
        };
        Ok(HaAdminSettings {
            nodes: nodes.to_vec(),
            automatic: config.get(keys::DFS_HA_AUTOMATIC_FAILOVER_ENABLED),
            fencer: Arc::new(FencerSettings::from_config(config)?),
            promotion: proxy(config.get(keys::HA_FAILOVER_CONTROLLER_NEW_ACTIVE_RPC_TIMEOUT_MS)),
            checks: proxy(config.get(keys::HA_FAILOVER_CONTROLLER_CLI_CHECK_RPC_TIMEOUT_MS)),
            patient: proxy(SimDuration::ZERO),
        })
    }
}

/// The tool, one command after another.
#[derive(Clone)]
pub struct HaAdmin {
    settings: Arc<HaAdminSettings>,
    ha: IpcClient<HaService>,
    zkfc: IpcClient<ZkfcProtocol>,
    fencer: Fencer,
    waiting: VecDeque<HaAdminCommand>,
    doing: Option<Doing>,
}

/// The command under way and what it waits for.
#[derive(Clone)]
enum Doing {
    /// A controller's `gracefulFailover`.
    Graceful(CallId),
    /// A failover by hand; none: it waits for the fencer.
    Manual { failover: ManualFailover, from: usize, to: usize, call: Option<(CallId, HaRequest)> },
    /// `isOtherTargetNodeActive`, one node after another.
    Looking { node: usize, source: RequestSource, left: VecDeque<usize>, call: CallId },
    /// `-getAllServiceState` before a failover.
    Surveying { command: HaAdminCommand, states: Vec<Option<ServiceState>>, call: CallId },
    /// A transition.
    Transition(CallId),
}

impl HaAdmin {
    /// A tool that waits for commands.
    pub fn new(settings: Arc<HaAdminSettings>) -> HaAdmin {
        let fencer = Fencer::new(settings.fencer.clone(), RequestSource::User, FENCER);
        HaAdmin {
            settings,
            ha: IpcClient::new(HA_CALLS),
            zkfc: IpcClient::new(ZKFC_CALLS),
            fencer,
            waiting: VecDeque::new(),
            doing: None,
        }
    }

    fn next(&mut self, ctx: &mut Ctx<'_>) {
        while self.doing.is_none()
            && let Some(command) = self.waiting.pop_front()
        {
            self.begin(command, ctx);
        }
    }

    fn begin(&mut self, command: HaAdminCommand, ctx: &mut Ctx<'_>) {
        let automatic = self.settings.automatic;
        match command {
            HaAdminCommand::Failover { between: None, .. } => {
                self.survey(command, Vec::new(), ctx);
            }
            HaAdminCommand::Failover { between: Some((_, to)), force_fence, force_active }
                if automatic =>
            {
                match self.settings.nodes[to].zkfc {
                    Some(zkfc) if !force_fence && !force_active => {
                        let to = key(zkfc, self.settings.promotion);
                        let call = self.zkfc.call(to, ZkfcRequest::GracefulFailover, ctx);
                        self.doing = Some(Doing::Graceful(call));
                    }
                    Some(_) | None => self.end(false, ctx), // the flags are not supported
                }
            }
            HaAdminCommand::Failover { between: Some((from, to)), .. } if from == to => {
                self.end(false, ctx);
            }
            HaAdminCommand::Failover { between: Some((from, to)), force_fence, force_active } => {
                let failover = ManualFailover::new(force_fence, force_active);
                self.doing = Some(Doing::Manual { failover, from, to, call: None });
                self.go_on(Step::Start, ctx);
            }
            HaAdminCommand::TransitionToActive { force_manual: false, .. }
            | HaAdminCommand::TransitionToStandby { force_manual: false, .. }
                if automatic =>
            {
                self.end(false, ctx);
            }
            HaAdminCommand::TransitionToActive { node, force_active, force_manual } => {
                let nodes = 0..self.settings.nodes.len();
                let others = nodes.filter(|other| *other != node && !force_active);
                self.look(node, source(force_manual), others.collect(), ctx);
            }
            HaAdminCommand::TransitionToStandby { node, force_manual } => {
                let request = HaRequest::TransitionToStandby { source: source(force_manual) };
                let to = key(self.settings.nodes[node].namenode, self.settings.patient);
                self.doing = Some(Doing::Transition(self.ha.call(to, request, ctx)));
            }
        }
    }

    /// `-getAllServiceState`, one node after another; then the failover, if there is one to make.
    fn survey(
        &mut self,
        command: HaAdminCommand,
        states: Vec<Option<ServiceState>>,
        ctx: &mut Ctx<'_>,
    ) {
        if let Some(node) = self.settings.nodes.get(states.len()) {
            let to = key(node.namenode, self.settings.checks);
            let call = self.ha.call(to, HaRequest::GetServiceStatus, ctx);
            self.doing = Some(Doing::Surveying { command, states, call });
            return;
        }
        let first = |state| states.iter().position(|known| *known == Some(state));
        let between = first(ServiceState::Active).zip(first(ServiceState::Standby));
        match (command, between) {
            (HaAdminCommand::Failover { force_fence, force_active, .. }, Some(_)) => {
                self.begin(HaAdminCommand::Failover { between, force_fence, force_active }, ctx);
            }
            (_, _) => self.end(false, ctx),
        }
    }

    /// `isOtherTargetNodeActive`; a node that does not answer counts as not active.
    fn look(
        &mut self,
        node: usize,
        source: RequestSource,
        mut left: VecDeque<usize>,
        ctx: &mut Ctx<'_>,
    ) {
        self.doing = Some(match left.pop_front() {
            Some(other) => {
                let to = key(self.settings.nodes[other].namenode, self.settings.checks);
                let call = self.ha.call(to, HaRequest::GetServiceStatus, ctx);
                Doing::Looking { node, source, left, call }
            }
            None => {
                let to = key(self.settings.nodes[node].namenode, self.settings.patient);
                let request = HaRequest::TransitionToActive { source };
                Doing::Transition(self.ha.call(to, request, ctx))
            }
        });
    }

    fn go_on(&mut self, step: Step, ctx: &mut Ctx<'_>) {
        let Some(Doing::Manual { failover, from, to, call }) = &mut self.doing else { return };
        let nodes = |node| &self.settings.nodes[if node == Node::From { *from } else { *to }];
        let policy = self.settings.promotion;
        let source = RequestSource::User;
        let mut out = Outbox::default();
        failover.step(step, &mut out);
        for effect in out.effects {
            let (node, request) = match effect {
                Effect::GetStatus(node) => (node, HaRequest::GetServiceStatus),
                Effect::CheckHealth(node) => (node, HaRequest::MonitorHealth),
                Effect::Promote(node) => (node, HaRequest::TransitionToActive { source }),
                Effect::Fence { source, force } => {
                    let target = nodes(if source == Node::From { Node::To } else { Node::From });
                    let manual = Manual { target: Some(target), force };
                    *call = None;
                    return self.fencer.start(nodes(source), manual, &mut self.ha, ctx);
                }
                Effect::Ended(worked) => return self.end(worked, ctx),
            };
            let made = self.ha.call(key(nodes(node).namenode, policy), request, ctx);
            *call = Some((made, request));
        }
    }

    fn on_called(&mut self, done: &Completion<HaService>, ctx: &mut Ctx<'_>) {
        let reply = match done.outcome {
            CallOutcome::Reply(response) => Some(response),
            CallOutcome::Remote(_) | CallOutcome::Failed(_) => None,
        };
        let status = match reply {
            Some(HaResponse::Status(status)) => Some((status.state, status.not_ready.is_none())),
            Some(HaResponse::Done) | None => None,
        };
        match self.doing.take() {
            Some(Doing::Manual { failover, from, to, call: Some((call, request)) })
                if call == done.call =>
            {
                let step = match request {
                    HaRequest::GetServiceStatus => Step::Status(status),
                    HaRequest::MonitorHealth => Step::Healthy(reply.is_some()),
                    HaRequest::TransitionToActive { .. }
                    | HaRequest::TransitionToStandby { .. } => Step::Promoted(reply.is_some()),
                };
                self.doing = Some(Doing::Manual { failover, from, to, call: None });
                self.go_on(step, ctx);
            }
            Some(Doing::Looking { node, source, left, call }) if call == done.call => {
                match status {
                    Some((ServiceState::Active, _)) => self.end(false, ctx),
                    Some(_) | None => self.look(node, source, left, ctx),
                }
            }
            Some(Doing::Surveying { command, mut states, call }) if call == done.call => {
                states.push(status.map(|(state, _)| state));
                self.survey(command, states, ctx);
            }
            Some(Doing::Transition(call)) if call == done.call => self.end(reply.is_some(), ctx),
            other => self.doing = other,
        }
    }

    fn on_zkfc_called(&mut self, done: &Completion<ZkfcProtocol>, ctx: &mut Ctx<'_>) {
        let worked = match done.outcome {
            CallOutcome::Reply(_) => true,
            CallOutcome::Remote(_) | CallOutcome::Failed(_) => false,
        };
        if let Some(Doing::Graceful(call)) = self.doing
            && call == done.call
        {
            self.end(worked, ctx);
        }
    }

    fn on_fenced(&mut self, fenced: Fenced, ctx: &mut Ctx<'_>) {
        self.go_on(Step::Fenced(fenced), ctx);
    }

    fn end(&mut self, worked: bool, ctx: &mut Ctx<'_>) {
        self.doing = None;
        ctx.note(Fact::Noted { name: DONE, fields: [worked.into(), 0, 0, 0] });
    }
}

const fn source(force_manual: bool) -> RequestSource {
    if force_manual { RequestSource::UserForced } else { RequestSource::User }
}

impl Process for HaAdmin {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Admin(slot) => self.waiting.push_back(ctx.take::<HaAdminConsole>(slot)),
            Input::Connection(conn, event) => {
                let taken = self.ha.on_connection(conn, event, ctx)
                    || self.zkfc.on_connection(conn, event, ctx)
                    || self.fencer.on_connection(conn, event, ctx);
                if let (false, ConnEvent::Message(slot)) = (taken, event) {
                    ctx.discard(slot); // said on a connection that was given up
                }
            }
            Input::Timer(tag) => {
                let _taken = self.ha.on_timer(tag, ctx)
                    || self.zkfc.on_timer(tag, ctx)
                    || self.fencer.on_timer(tag, ctx);
            }
            Input::Started
            | Input::Disk(..)
            | Input::Granted(_)
            | Input::Flow(..)
            | Input::Beat(..) => {}
        }
        self.next(ctx);
        loop {
            if let Some(done) = self.ha.completed() {
                if !self.fencer.on_completed(&done, ctx) {
                    self.on_called(&done, ctx);
                }
            } else if let Some(done) = self.zkfc.completed() {
                self.on_zkfc_called(&done, ctx);
            } else if let Some(fenced) = self.fencer.take_ended() {
                self.on_fenced(fenced, ctx);
            } else if self.doing.is_none() && !self.waiting.is_empty() {
                self.next(ctx);
            } else {
                return;
            }
        }
    }

    fn tag_name(&self, tag: Tag) -> &'static str {
        let ipc = self.ha.tag_name(tag).or_else(|| self.zkfc.tag_name(tag));
        ipc.or_else(|| self.fencer.tag_name(tag)).unwrap_or("haadmin timer")
    }
}
