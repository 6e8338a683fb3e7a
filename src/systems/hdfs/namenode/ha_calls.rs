//! HA calls: what controllers ask, one at a time under the HA monitors; and calls of peers.
//!
//! Here: health, status, the admission of transitions; roll, transaction ids, local manifests.
//! Never here: how a transition is made (`procedures`).
//! Modelled on: Hadoop `NameNodeRpcServer`, `NameNode.monitorHealth/getServiceStatus` (3.4.1).

use std::collections::BTreeMap;

use super::procedures::{Caller, ProcedureKind};
use super::shared_journal::SharedJournal;
use super::{NameNode, local_journal, tags};
use crate::clients::hadoop_ipc::RemoteException;
use crate::clients::hadoop_ipc::server::{Incoming, ReplyTo};
use crate::engine::ctx::Ctx;
use crate::engine::process::Tag;
use crate::engine::volume::FileName;
use crate::protocols::namenode::transition::{
    HaState, RequestSource, TransitionCheck, TransitionRefusal,
};
use crate::systems::hdfs::api::ha_service::{
    HEALTH_CHECK_FAILED, HaRequest, HaResponse, HaService, HaStatus, SERVICE_FAILED, ServiceState,
};
use crate::systems::hdfs::api::namenode_protocol::{
    NamenodeProtocol, NamenodeRequest, NamenodeResponse, SegmentRange,
};

/// The name under which the disks' state is asked for.
pub(super) const DISK_PROBE: FileName = FileName("resource_check", 0);

/// Calls that wait for the HA monitors.
#[derive(Clone, Default)]
pub(super) struct HaCalls {
    waiting: BTreeMap<u64, (ReplyTo, HaRequest)>,
    last: u64,
    /// A health check that waits for the shared journal's volume, and whether the disks are well.
    probing: Option<(u64, bool)>,
}

const fn exception(of: TransitionRefusal) -> RemoteException {
    match of {
        TransitionRefusal::Starting => RemoteException::Retriable,
        TransitionRefusal::ManualWhileAutomatic | TransitionRefusal::AutomaticIsOff => {
            RemoteException::AccessControl
        }
        TransitionRefusal::HaNotEnabled | TransitionRefusal::InSafeMode => SERVICE_FAILED,
    }
}

impl<S: SharedJournal + Clone + Send + 'static> NameNode<S> {
    pub(super) fn on_ha_call(&mut self, call: Incoming<HaService>, ctx: &mut Ctx<'_>) {
        ctx.work(self.options.costs.call);
        self.ha_calls.last += 1;
        let id = self.ha_calls.last;
        self.ha_calls.waiting.insert(id, (call.reply_to, call.request));
        ctx.acquire(self.threads().ha_monitor, Tag::with(tags::HA_MONITOR, id));
    }

    /// The monitors are held.
    pub(super) fn on_ha_monitor(&mut self, id: u64, ctx: &mut Ctx<'_>) {
        let (reply_to, request) = self.ha_calls.waiting[&id];
        if self.state == HaState::Initializing {
            self.ha_calls.waiting.remove(&id);
            return self.answer_ha(reply_to, Err(RemoteException::Retriable), ctx);
        }
        match request {
            HaRequest::GetServiceStatus => {
                self.ha_calls.waiting.remove(&id);
                self.answer_ha(reply_to, Ok(HaResponse::Status(self.service_status())), ctx);
            }
            // The disks are looked at with the monitors held: a hung one hangs all HA calls.
            HaRequest::MonitorHealth => ctx.sync(DISK_PROBE, Tag::with(tags::HEALTH_DISK, id)),
            HaRequest::TransitionToActive { source } => {
                self.ha_calls.waiting.remove(&id);
                self.transition(HaState::Active, source, reply_to, ctx);
            }
            HaRequest::TransitionToStandby { source } => {
                self.ha_calls.waiting.remove(&id);
                self.transition(HaState::Standby, source, reply_to, ctx);
            }
        }
    }

    fn service_status(&self) -> HaStatus {
        let forbidden = self.safe_mode_forbids();
        match self.state {
            HaState::Standby => HaStatus {
                state: ServiceState::Standby,
                not_ready: forbidden.then_some("The NameNode is in safemode."),
            },
            HaState::Active => HaStatus { state: ServiceState::Active, not_ready: None },
            HaState::Initializing => HaStatus {
                state: ServiceState::Initializing,
                not_ready: Some("State is initializing"),
            },
        }
    }

    fn safe_mode_forbids(&self) -> bool {
        self.options.not_active_in_safe_mode && (self.safe_mode.is_on() || self.low_on_space)
    }

    /// `monitorHealth`, after the look at the disks; a mounted directory is looked at, too.
    pub(super) fn on_health_checked(&mut self, id: u64, disks: bool, ctx: &mut Ctx<'_>) {
        let probes = self.journals.shared.as_mut().is_some_and(|shared| shared.probe(ctx));
        if probes {
            self.ha_calls.probing = Some((id, disks));
        } else {
            self.health_checked(id, disks, ctx);
        }
    }

    pub(super) fn on_shared_probed(&mut self, healthy: bool, ctx: &mut Ctx<'_>) {
        if let Some((id, disks)) = self.ha_calls.probing.take() {
            self.health_checked(id, disks && healthy, ctx);
        }
    }

    fn health_checked(&mut self, id: u64, disks: bool, ctx: &mut Ctx<'_>) {
        let (reply_to, _) = self.ha_calls.waiting.remove(&id).expect("it held the monitors");
        let healthy = disks && !self.safe_mode_forbids();
        let answer = if healthy { Ok(HaResponse::Done) } else { Err(HEALTH_CHECK_FAILED) };
        self.answer_ha(reply_to, answer, ctx);
    }

    fn transition(
        &mut self,
        target: HaState,
        source: RequestSource,
        reply_to: ReplyTo,
        ctx: &mut Ctx<'_>,
    ) {
        let check = TransitionCheck {
            state: self.state,
            ha_enabled: self.ha_enabled(),
            automatic_failover: self.options.automatic_failover,
            safe_mode_forbids: self.safe_mode_forbids(),
        };
        match check.admit(target, source) {
            Err(refusal) => self.answer_ha(reply_to, Err(exception(refusal)), ctx),
            Ok(false) => self.answer_ha(reply_to, Ok(HaResponse::Done), ctx),
            Ok(true) => {
                let kind = if target == HaState::Active {
                    ProcedureKind::Promotion
                } else {
                    ProcedureKind::Demotion
                };
                self.begin_procedure(kind, Caller::Ha(reply_to), ctx);
            }
        }
    }

    /// Ends an HA call: the monitors go first, then the answer.
    pub(super) fn answer_ha(
        &mut self,
        to: ReplyTo,
        answer: Result<HaResponse, RemoteException>,
        ctx: &mut Ctx<'_>,
    ) {
        ctx.release(self.threads().ha_monitor);
        let server = self.ha_server.as_ref().expect("a call came in");
        server.reply(to, answer, ctx);
        server.free_handler(ctx);
    }

    pub(super) fn on_namenode_call(&mut self, call: Incoming<NamenodeProtocol>, ctx: &mut Ctx<'_>) {
        ctx.work(self.options.costs.call);
        let answer = match call.request {
            NamenodeRequest::RollEditLog => match self.check_operation() {
                Ok(()) => {
                    let caller = Caller::Namenode(call.reply_to);
                    return self.begin_procedure(ProcedureKind::Roll, caller, ctx);
                }
                Err(refused) => Err(refused),
            },
            NamenodeRequest::GetTransactionId => Ok(NamenodeResponse::TxId(self.last_applied)),
            NamenodeRequest::GetMostRecentCheckpointTxId => {
                Ok(NamenodeResponse::TxId(self.checkpoint))
            }
            NamenodeRequest::GetEditLogManifest { since } => {
                let segments = local_journal::finalized(0, ctx).into_iter();
                let segments = segments.map(|(first, last)| SegmentRange { first, last });
                let wanted = segments.filter(|segment| since <= segment.last);
                Ok(NamenodeResponse::Manifest(wanted.collect()))
            }
        };
        let server = self.namenode_server.as_ref().expect("a call came in");
        server.reply(call.reply_to, answer, ctx);
        server.free_handler(ctx);
    }
}
