//! Callbacks: what the elector asks of the controller.
//!
//! Here: fencing the old active, promoting and demoting the local NameNode, under both locks.
//! Never here: when (`protocols::elector::election`), how fencing goes (`hdfs::fencing`).
//! Modelled on: `ZKFailoverController.ElectorCallbacks`, `becomeActive`, `becomeStandby`,
//! `doFence`.

use super::tags::Thread;
use super::{Life, record};
use crate::clients::hadoop_ipc::{CallOutcome, Completion};
use crate::engine::ctx::Ctx;
use crate::protocols::elector::{Contents, Fenced, Input, ServiceState};
use crate::systems::hdfs::api::ha_service::{HaRequest, HaService, RequestSource};
use crate::systems::hdfs::fencing::{Manual, key};

/// A callback that waits for the controller's lock or holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callback {
    /// `fenceOldActive`.
    Fence(Contents),
    /// `becomeActive`.
    BecomeActive,
    /// `becomeStandby`.
    BecomeStandby,
}

impl Life {
    /// Only the event thread calls back; it does not hold the controller's lock yet.
    pub(super) fn want_callback(&mut self, callback: Callback, ctx: &mut Ctx<'_>) {
        assert_eq!(self.elector_holder, Some(Thread::Events));
        self.callback = Some(callback);
        self.want_controller_lock(Thread::Events, ctx);
    }

    pub(super) fn begin_callback(&mut self, ctx: &mut Ctx<'_>) {
        let callback = self.callback.expect("the lock was taken for a callback");
        let source = RequestSource::Zkfc;
        let local = self.settings.local().namenode;
        match callback {
            Callback::Fence(data) => self.fence(data, ctx),
            Callback::BecomeActive => {
                ctx.mark(record::PROMOTING);
                let request = HaRequest::TransitionToActive { source };
                let call = self.ha.call(key(local, self.settings.promotion), request, ctx);
                self.callback_call = Some(call);
            }
            Callback::BecomeStandby => {
                let request = HaRequest::TransitionToStandby { source };
                let call = self.ha.call(key(local, self.settings.demotion), request, ctx);
                self.callback_call = Some(call);
            }
        }
    }

    fn fence(&mut self, data: Contents, ctx: &mut Ctx<'_>) {
        let Some(target) = self.settings.target(data) else {
            // The breadcrumb names a node that the configuration does not know.
            return self.end_callback(Input::Fenced(false), ctx);
        };
        let whom = target.namenode.process.0.into();
        self.note(record::SHOULD_FENCE, [whom, 0, 0, 0], ctx);
        ctx.mark(record::FENCING);
        self.fencer.start(target, Manual::default(), &mut self.ha, ctx);
    }

    pub(super) fn on_fenced(&mut self, fenced: Fenced, ctx: &mut Ctx<'_>) {
        let how = match fenced {
            Fenced::Gracefully => 0,
            Fenced::ByMethod(method) => (method as u64 + 1).min(3),
            Fenced::NotConfigured | Fenced::Failed => {
                self.note(record::FENCE_FAILED, [self.me(), 0, 0, 0], ctx);
                self.record_attempt(false, ctx);
                return self.end_callback(Input::Fenced(false), ctx);
            }
        };
        let Some(Callback::Fence(data)) = self.callback else {
            unreachable!("a fencing runs for the elector")
        };
        let whom = self.settings.target(data).map_or(0, |node| node.namenode.process.0.into());
        self.note(record::FENCED, [whom, how, 0, 0], ctx);
        ctx.mark(record::FENCED_MARK);
        self.end_callback(Input::Fenced(true), ctx);
    }

    /// A call of a callback ended. False: it is none of theirs.
    pub(super) fn on_callback_called(
        &mut self,
        done: &Completion<HaService>,
        ctx: &mut Ctx<'_>,
    ) -> bool {
        if self.callback_call != Some(done.call) {
            return false;
        }
        self.callback_call = None;
        let worked = match done.outcome {
            CallOutcome::Reply(_) => true,
            CallOutcome::Remote(_) | CallOutcome::Failed(_) => false,
        };
        match self.callback {
            Some(Callback::BecomeActive) => {
                if worked {
                    self.controller.set_service_state(ServiceState::Active);
                    self.note(record::PROMOTED, [self.me(), 0, 0, 0], ctx);
                } else {
                    self.note(record::NOT_PROMOTED, [self.me(), 0, 0, 0], ctx);
                }
                self.record_attempt(worked, ctx);
                self.end_callback(Input::BecameActive(worked), ctx);
            }
            Some(Callback::BecomeStandby) => {
                // Whatever came of it.
                self.controller.set_service_state(ServiceState::Standby);
                self.note(record::DEMOTED, [self.me(), worked.into(), 0, 0], ctx);
                self.end_callback(Input::BecameStandby, ctx);
            }
            Some(Callback::Fence(_)) | None => unreachable!("fencing makes its own calls"),
        }
        true
    }

    fn end_callback(&mut self, answer: Input, ctx: &mut Ctx<'_>) {
        self.callback = None;
        ctx.release(self.controller_lock);
        self.elect(answer, ctx);
    }
}
