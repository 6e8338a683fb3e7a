//! Health: the loop that asks the local node, round after round, how it is.
//!
//! Here: the two calls of a round, what their failure means, when the controller is told.
//! Never here: the calls themselves, their time-outs, the locks that a callback needs.
//! Modelled on: `HealthMonitor.java`.
//! Left out: `HEALTH_MONITOR_FAILED`, which needs an unchecked exception in a callback; the loop
//! around creating a proxy, which never fails because it does not connect; stopping the proxy,
//! which closes no connection that still works, because the controller's proxies share a client.

use crate::engine::time::SimDuration;
use crate::protocols::Outbox;

/// `HealthMonitor.State`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Nothing was heard yet.
    Initializing,
    /// `SERVICE_NOT_RESPONDING`: a call failed in transport, or was not answered in time.
    NotResponding,
    /// `SERVICE_HEALTHY`.
    Healthy,
    /// `SERVICE_UNHEALTHY`: the node says so itself.
    Unhealthy,
}

/// `HAServiceProtocol.HAServiceState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceState {
    /// Not started, or (in the controller) not known.
    Initializing,
    /// Serves and writes.
    Active,
    /// Follows.
    Standby,
    /// Serves reads, never takes over.
    Observer,
}

/// How a call of a round failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// `HealthCheckFailedException`.
    HealthCheck,
    /// Any other: refused, reset, timed out, a remote error such as that of a starting node.
    Transport,
}

/// What the monitor hears. One outstanding request at a time, as in the original's one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The thread starts, or its sleep is over.
    Round,
    /// To [`Effect::GetServiceStatus`].
    Status(Result<ServiceState, Failure>),
    /// To [`Effect::MonitorHealth`].
    Checked(Result<(), Failure>),
    /// To [`Effect::Report`].
    Reported,
    /// To [`Effect::Enter`].
    Entered,
}

/// What the monitor asks for, one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Call `getServiceStatus`.
    GetServiceStatus,
    /// Call `monitorHealth`.
    MonitorHealth,
    /// Tell the controller what the node says it is (`reportServiceStatus`).
    Report(ServiceState),
    /// Tell the controller that the health changed (`enteredState`).
    Enter(Health),
    /// Sleep until the next round.
    Sleep(SimDuration),
}

/// The two sleeps of the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// `ha.health-monitor.check-interval.ms`, after the end of a round.
    pub check_interval: SimDuration,
    /// `ha.health-monitor.sleep-after-disconnect.ms`, after a failed round.
    pub sleep_after_disconnect: SimDuration,
}

/// What a round has still to do once the controller took what it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Asleep,
    AskingStatus,
    Checking,
    /// Reporting the status; healthy rounds then enter the state.
    Reporting {
        healthy: bool,
    },
    /// Entering `Unhealthy`; the status is reported afterwards.
    EnteringUnhealthy,
    EnteringHealthy,
    EnteringNotResponding,
}

/// The monitor of one controller.
#[derive(Clone, Debug)]
pub struct HealthMonitor {
    pace: Pace,
    state: Health,
    status: ServiceState,
    step: Step,
}

impl HealthMonitor {
    /// A monitor that has heard nothing.
    pub const fn new(pace: Pace) -> HealthMonitor {
        HealthMonitor {
            pace,
            state: Health::Initializing,
            status: ServiceState::Initializing,
            step: Step::Asleep,
        }
    }

    /// One input, to be followed by its effects in order.
    pub fn step(&mut self, input: Input, out: &mut Outbox<Effect>) {
        let step = std::mem::replace(&mut self.step, Step::Asleep);
        match input {
            Input::Round => {
                assert!(step == Step::Asleep, "a round starts after the last, found {step:?}");
                self.step = Step::AskingStatus;
                out.ask(Effect::GetServiceStatus);
            }
            Input::Status(answer) => {
                assert!(step == Step::AskingStatus, "no status was asked for in {step:?}");
                match answer {
                    Ok(status) => {
                        self.status = status;
                        self.step = Step::Checking;
                        out.ask(Effect::MonitorHealth);
                    }
                    // Without a status there is nothing to report after the change.
                    Err(Failure::HealthCheck) => self.enter(Health::Unhealthy, Step::Asleep, out),
                    Err(Failure::Transport) => self.lose(out),
                }
            }
            Input::Checked(answer) => {
                assert!(step == Step::Checking, "no check was asked for in {step:?}");
                match answer {
                    Ok(()) => {
                        self.step = Step::Reporting { healthy: true };
                        out.ask(Effect::Report(self.status));
                    }
                    Err(Failure::HealthCheck) => {
                        self.enter(Health::Unhealthy, Step::EnteringUnhealthy, out);
                    }
                    Err(Failure::Transport) => self.lose(out),
                }
            }
            Input::Reported => match step {
                Step::Reporting { healthy: true } => {
                    self.enter(Health::Healthy, Step::EnteringHealthy, out);
                }
                Step::Reporting { healthy: false } => self.sleep(self.pace.check_interval, out),
                Step::Asleep
                | Step::AskingStatus
                | Step::Checking
                | Step::EnteringUnhealthy
                | Step::EnteringHealthy
                | Step::EnteringNotResponding => panic!("no report was made in {step:?}"),
            },
            Input::Entered => self.entered(step, out),
        }
    }

    /// `enterState`: the controller hears of changes only.
    fn enter(&mut self, state: Health, step: Step, out: &mut Outbox<Effect>) {
        if std::mem::replace(&mut self.state, state) == state {
            self.entered(step, out);
        } else {
            self.step = step;
            out.ask(Effect::Enter(state));
        }
    }

    fn entered(&mut self, step: Step, out: &mut Outbox<Effect>) {
        match step {
            Step::EnteringUnhealthy => {
                self.step = Step::Reporting { healthy: false };
                out.ask(Effect::Report(self.status));
            }
            Step::EnteringNotResponding => self.sleep(self.pace.sleep_after_disconnect, out),
            Step::EnteringHealthy | Step::Asleep => self.sleep(self.pace.check_interval, out),
            Step::AskingStatus | Step::Checking | Step::Reporting { .. } => {
                panic!("no state was entered in {step:?}")
            }
        }
    }

    fn lose(&mut self, out: &mut Outbox<Effect>) {
        self.enter(Health::NotResponding, Step::EnteringNotResponding, out);
    }

    fn sleep(&mut self, span: SimDuration, out: &mut Outbox<Effect>) {
        self.step = Step::Asleep;
        out.ask(Effect::Sleep(span));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        check_interval: SimDuration::from_millis(1_000),
        sleep_after_disconnect: SimDuration::from_millis(1_500),
    };
    const CHECK_SLEEP: Effect = Effect::Sleep(PACE.check_interval);
    const LOST_SLEEP: Effect = Effect::Sleep(PACE.sleep_after_disconnect);

    fn feed(monitor: &mut HealthMonitor, inputs: &[Input]) -> Vec<Effect> {
        let mut out = Outbox::default();
        for input in inputs {
            monitor.step(*input, &mut out);
        }
        out.effects
    }

    const HEALTHY_ROUND: [Input; 4] = [
        Input::Round,
        Input::Status(Ok(ServiceState::Standby)),
        Input::Checked(Ok(())),
        Input::Reported,
    ];

    #[test]
    fn a_good_round_reports_the_status_before_it_enters_healthy() {
        let mut monitor = HealthMonitor::new(PACE);
        let effects = feed(&mut monitor, &HEALTHY_ROUND);
        let report = Effect::Report(ServiceState::Standby);
        let calls = [Effect::GetServiceStatus, Effect::MonitorHealth, report];
        assert_eq!(effects[..3], calls);
        assert_eq!(effects[3..], [Effect::Enter(Health::Healthy)]);
        assert_eq!(feed(&mut monitor, &[Input::Entered]), [CHECK_SLEEP]);
        // The next good round changes nothing and sleeps at once.
        assert_eq!(feed(&mut monitor, &HEALTHY_ROUND)[3..], [CHECK_SLEEP]);
    }

    #[test]
    fn a_failed_check_enters_unhealthy_before_it_reports_the_status() {
        let mut monitor = HealthMonitor::new(PACE);
        let failed = Input::Checked(Err(Failure::HealthCheck));
        let round = [Input::Round, Input::Status(Ok(ServiceState::Active)), failed];
        let effects = feed(&mut monitor, &round);
        assert_eq!(effects[2..], [Effect::Enter(Health::Unhealthy)]);
        let effects = feed(&mut monitor, &[Input::Entered]);
        assert_eq!(effects, [Effect::Report(ServiceState::Active)]);
        assert_eq!(feed(&mut monitor, &[Input::Reported]), [CHECK_SLEEP]);
        assert_eq!(feed(&mut monitor, &round)[2..], [Effect::Report(ServiceState::Active)]);
    }

    #[test]
    fn a_lost_call_is_told_once() {
        let mut monitor = HealthMonitor::new(PACE);
        let lost = Input::Status(Err(Failure::Transport));
        let effects = feed(&mut monitor, &[Input::Round, lost]);
        assert_eq!(effects[1..], [Effect::Enter(Health::NotResponding)]);
        assert_eq!(feed(&mut monitor, &[Input::Entered]), [LOST_SLEEP]);
        let effects = feed(&mut monitor, &[Input::Round, lost]);
        assert_eq!(effects[1..], [LOST_SLEEP]);
        let lost_later = Input::Checked(Err(Failure::Transport));
        let status = Input::Status(Ok(ServiceState::Active));
        let effects = feed(&mut monitor, &[Input::Round, status, lost_later]);
        assert_eq!(effects[2..], [LOST_SLEEP]);
    }
}
