//! Monitor: the health monitor's thread and the delay timer's.
//!
//! Here: its calls, what it does with the locks, rechecks of electability.
//! Never here: what a round means (`protocols::elector::health`, `…::controller`).
//! Modelled on: `HealthMonitor.MonitorDaemon`, `ZKFailoverController.recheckElectability`.

use super::tags::{self, Thread};
use super::{Life, MonitorJob, record};
use crate::clients::hadoop_ipc::{CallOutcome, Completion};
use crate::engine::ctx::Ctx;
use crate::engine::process::Tag;
use crate::protocols::Outbox;
use crate::protocols::elector::health::{Effect, Input};
use crate::protocols::elector::{Failure, Health, Input as ElectorInput, Recheck, Verdict};
use crate::systems::hdfs::api::ha_service::{
    HEALTH_CHECK_FAILED, HaRequest, HaResponse, HaService,
};
use crate::systems::hdfs::fencing::key;

impl Life {
    pub(super) fn begin_round(&mut self, ctx: &mut Ctx<'_>) {
        self.observe(Input::Round, ctx);
    }

    fn observe(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        let mut out = Outbox::default();
        self.monitor.step(input, &mut out);
        for effect in out.effects {
            match effect {
                Effect::GetServiceStatus => self.check(HaRequest::GetServiceStatus, ctx),
                Effect::MonitorHealth => self.check(HaRequest::MonitorHealth, ctx),
                Effect::Report(status) => {
                    self.monitor_job = Some(MonitorJob::Verify(status));
                    self.want_elector_lock(Thread::Monitor, ctx);
                }
                Effect::Enter(health) => {
                    self.monitor_job = Some(MonitorJob::SetHealth(health));
                    self.want_controller_lock(Thread::Monitor, ctx);
                }
                Effect::Sleep(span) => drop(ctx.arm(span, Tag::new(tags::ROUND))),
            }
        }
    }

    fn check(&mut self, request: HaRequest, ctx: &mut Ctx<'_>) {
        let to = key(self.settings.local().namenode, self.settings.health);
        self.monitor_call = Some((self.ha.call(to, request, ctx), request));
    }

    /// A call to a NameNode ended that was not made by the fencer.
    pub(super) fn on_called(&mut self, done: &Completion<HaService>, ctx: &mut Ctx<'_>) {
        let monitor_call = self.monitor_call.filter(|(call, _)| *call == done.call);
        if let Some((_, request)) = monitor_call {
            self.monitor_call = None;
            let answer = match done.outcome {
                CallOutcome::Reply(response) => Ok(response),
                CallOutcome::Remote(HEALTH_CHECK_FAILED) => Err(Failure::HealthCheck),
                CallOutcome::Remote(_) | CallOutcome::Failed(_) => Err(Failure::Transport),
            };
            let input = match (request, answer) {
                (HaRequest::GetServiceStatus, Ok(HaResponse::Status(status))) => {
                    Input::Status(Ok(status.state))
                }
                (HaRequest::GetServiceStatus, Ok(HaResponse::Done)) => {
                    Input::Status(Err(Failure::Transport))
                }
                (HaRequest::GetServiceStatus, Err(failure)) => Input::Status(Err(failure)),
                (_, answer) => Input::Checked(answer.map(|_| ())),
            };
            self.observe(input, ctx);
        } else if !self.on_callback_called(done, ctx) {
            self.on_cede_called(done, ctx);
        }
    }

    /// The monitor's thread has the controller's lock, and the elector's if its job needs it.
    pub(super) fn on_monitor_locked(&mut self, ctx: &mut Ctx<'_>) {
        match self.monitor_job {
            Some(MonitorJob::SetHealth(health)) => {
                let code = match health {
                    Health::Initializing => 0,
                    Health::NotResponding => 1,
                    Health::Healthy => 2,
                    Health::Unhealthy => 3,
                };
                self.note(record::HEALTH, [self.me(), code, 0, 0], ctx);
                if self.controller.set_last_health(health) && !self.settings.http_timeout.is_zero()
                {
                    self.begin_dump(ctx); // still with the lock
                } else {
                    self.on_health_set(ctx);
                }
            }
            Some(MonitorJob::Recheck) => self.recheck(ctx),
            Some(MonitorJob::Verify(status)) => {
                match self.controller.verify(status, ctx.now().monotonic) {
                    Verdict::Nothing => self.on_elector_returned(ctx),
                    Verdict::Recheck => self.recheck(ctx),
                    Verdict::QuitAsObserver | Verdict::QuitAsChanged => {
                        self.note(record::CHANGED, [self.me(), 0, 0, 0], ctx);
                        self.quit(true, ctx);
                    }
                }
            }
            None => unreachable!("the monitor takes a lock for a job"),
        }
    }

    /// `setLastHealthState` is over; `recheckElectability` takes the locks in their order.
    pub(super) fn on_health_set(&mut self, ctx: &mut Ctx<'_>) {
        ctx.release(self.controller_lock);
        self.monitor_job = Some(MonitorJob::Recheck);
        self.want_elector_lock(Thread::Monitor, ctx);
    }

    pub(super) fn on_monitor_job_done(&mut self, ctx: &mut Ctx<'_>) {
        match self.monitor_job.take() {
            Some(MonitorJob::Verify(_)) => self.observe(Input::Reported, ctx),
            Some(MonitorJob::Recheck | MonitorJob::SetHealth(_)) => {
                self.observe(Input::Entered, ctx);
            }
            None => unreachable!("the monitor gives the locks back after a job"),
        }
    }

    /// `recheckElectability`, with both locks.
    pub(super) fn recheck(&mut self, ctx: &mut Ctx<'_>) {
        match self.controller.recheck(ctx.now().monotonic) {
            Recheck::Join => self.elect(ElectorInput::Join(self.own_contents()), ctx),
            Recheck::Quit { need_fence } => self.quit(need_fence, ctx),
            Recheck::Later(span) => {
                ctx.arm(span, Tag::new(tags::RECHECK));
                self.on_elector_returned(ctx);
            }
            Recheck::Nothing => self.on_elector_returned(ctx),
        }
    }

    /// `quitElection`, with both locks.
    pub(super) fn quit(&mut self, need_fence: bool, ctx: &mut Ctx<'_>) {
        if need_fence {
            ctx.mark(record::NOT_RESPONDING_QUIT);
        }
        self.note(record::QUIT, [self.me(), need_fence.into(), 0, 0], ctx);
        self.elect(ElectorInput::Quit { need_fence }, ctx);
    }

    /// A delay of joining is over.
    pub(super) fn on_recheck_due(&mut self, ctx: &mut Ctx<'_>) {
        self.rechecks_due += 1;
        if self.rechecks_due == 1 {
            self.want_elector_lock(Thread::Delay, ctx);
        }
    }

    pub(super) fn on_recheck_done(&mut self, ctx: &mut Ctx<'_>) {
        self.rechecks_due -= 1;
        if 0 < self.rechecks_due {
            self.want_elector_lock(Thread::Delay, ctx);
        }
    }
}
