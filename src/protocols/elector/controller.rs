//! Controller: what a failover controller decides from its node's health and state.
//!
//! Here: electability, the state check of each round, the delay after ceding.
//! Never here: the election, calls, locks, clocks (readings come as arguments).
//! Modelled on: `ZKFailoverController.java`: `recheckElectability`, `verifyChangedServiceState`,
//! `doCedeActive`. The caller holds the elector's lock and the controller's.

use super::health::{Health, ServiceState};
use crate::engine::time::{Monotonic, SimDuration};

/// A node whose state was wrong twice stays out of the election for so long.
pub const DELAY_AFTER_MISMATCH: SimDuration = SimDuration::from_millis(1_000);

/// What `recheckElectability` calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recheck {
    /// `joinElection`.
    Join,
    /// `quitElection`.
    Quit {
        /// Whether the next active has to fence this node.
        need_fence: bool,
    },
    /// Not before the delay ends: look again then.
    Later(SimDuration),
    /// An observer takes no part.
    Nothing,
}

/// What `verifyChangedServiceState` calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As expected, or the first mismatch.
    Nothing,
    /// Expected nothing, but it had quit for a mismatch: `recheckElectability`.
    Recheck,
    /// The node became an observer: quit, fencing necessary.
    QuitAsObserver,
    /// The second mismatch in a row: quit, fencing necessary.
    QuitAsChanged,
}

/// The controller's own fields.
#[derive(Clone, Debug)]
pub struct Controller {
    last_health: Health,
    service_state: ServiceState,
    delay_joining_until: Monotonic,
    mismatches: u32,
    quit_on_bad_state: bool,
}

impl Default for Controller {
    fn default() -> Controller {
        Controller {
            last_health: Health::Initializing,
            service_state: ServiceState::Initializing,
            delay_joining_until: Monotonic::default(),
            mismatches: 0,
            quit_on_bad_state: false,
        }
    }
}

impl Controller {
    /// `getLastHealthState`.
    pub const fn last_health(&self) -> Health {
        self.last_health
    }

    /// What the controller holds its node for.
    pub const fn service_state(&self) -> ServiceState {
        self.service_state
    }

    /// `setLastHealthState`; true if the node's threads are to be dumped now.
    pub const fn set_last_health(&mut self, health: Health) -> bool {
        self.last_health = health;
        match health {
            Health::NotResponding | Health::Unhealthy => true,
            Health::Initializing | Health::Healthy => false,
        }
    }

    /// The elector's callbacks set it once their call to the node has ended.
    pub const fn set_service_state(&mut self, state: ServiceState) {
        self.service_state = state;
    }

    /// `recheckElectability`.
    pub fn recheck(&mut self, now: Monotonic) -> Recheck {
        let remaining = self.delay_joining_until.since(now);
        if !remaining.is_zero() {
            return Recheck::Later(remaining);
        }
        match self.last_health {
            Health::Healthy => {
                self.quit_on_bad_state = false;
                match self.service_state {
                    ServiceState::Observer => Recheck::Nothing,
                    ServiceState::Initializing | ServiceState::Active | ServiceState::Standby => {
                        Recheck::Join
                    }
                }
            }
            Health::Initializing => {
                self.service_state = ServiceState::Initializing;
                Recheck::Quit { need_fence: false }
            }
            Health::Unhealthy | Health::NotResponding => {
                self.service_state = ServiceState::Initializing;
                Recheck::Quit { need_fence: true }
            }
        }
    }

    /// `verifyChangedServiceState`, after each round that heard a status.
    pub fn verify(&mut self, reported: ServiceState, now: Monotonic) -> Verdict {
        if self.service_state == ServiceState::Initializing {
            return if self.quit_on_bad_state { Verdict::Recheck } else { Verdict::Nothing };
        }
        if reported == ServiceState::Observer {
            self.service_state = ServiceState::Observer;
            return Verdict::QuitAsObserver;
        }
        if reported == self.service_state {
            self.mismatches = 0;
            return Verdict::Nothing;
        }
        if self.mismatches == 0 {
            self.mismatches = 1;
            return Verdict::Nothing;
        }
        self.delay_joining_until = now + DELAY_AFTER_MISMATCH;
        self.quit_on_bad_state = true;
        self.mismatches = 0;
        self.service_state = ServiceState::Initializing;
        Verdict::QuitAsChanged
    }

    /// `doCedeActive` with a span, after the demotion of the local node ended: no join until then.
    pub fn cede(&mut self, span: SimDuration, now: Monotonic) {
        self.delay_joining_until = now + span;
        self.service_state = ServiceState::Initializing;
    }

    /// `doCedeActive` without a span: the delay is over.
    pub fn end_cede(&mut self) {
        self.delay_joining_until = Monotonic::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: SimDuration = SimDuration::from_secs(1);

    fn at(seconds: u64) -> Monotonic {
        Monotonic::default() + S.times(seconds)
    }

    fn controller(health: Health, state: ServiceState) -> Controller {
        let mut controller = Controller::default();
        controller.set_last_health(health);
        controller.set_service_state(state);
        controller
    }

    #[test]
    fn electability_follows_health() {
        let rows = [
            (Health::Healthy, ServiceState::Standby, Recheck::Join),
            (Health::Healthy, ServiceState::Observer, Recheck::Nothing),
            (Health::Initializing, ServiceState::Active, Recheck::Quit { need_fence: false }),
            (Health::Unhealthy, ServiceState::Active, Recheck::Quit { need_fence: true }),
            (Health::NotResponding, ServiceState::Active, Recheck::Quit { need_fence: true }),
        ];
        for (health, state, expected) in rows {
            assert_eq!(controller(health, state).recheck(at(100)), expected);
        }
    }

    #[test]
    fn quitting_forgets_what_the_node_was_and_a_join_does_not() {
        let mut quitter = controller(Health::NotResponding, ServiceState::Active);
        quitter.recheck(at(1));
        assert_eq!(quitter.service_state(), ServiceState::Initializing);
        let mut joiner = controller(Health::Healthy, ServiceState::Active);
        joiner.recheck(at(1));
        assert_eq!(joiner.service_state(), ServiceState::Active);
    }

    #[test]
    fn the_second_mismatch_in_a_row_quits_for_a_second() {
        let mut zkfc = controller(Health::Healthy, ServiceState::Active);
        assert_eq!(zkfc.verify(ServiceState::Standby, at(1)), Verdict::Nothing);
        assert_eq!(zkfc.verify(ServiceState::Active, at(2)), Verdict::Nothing);
        assert_eq!(zkfc.verify(ServiceState::Standby, at(3)), Verdict::Nothing);
        assert_eq!(zkfc.verify(ServiceState::Standby, at(4)), Verdict::QuitAsChanged);
        // Out of the election until a later round, which joins when the delay is over.
        assert_eq!(zkfc.verify(ServiceState::Standby, at(4)), Verdict::Recheck);
        assert_eq!(zkfc.recheck(at(4)), Recheck::Later(S));
        assert_eq!(zkfc.recheck(at(5)), Recheck::Join);
        assert_eq!(zkfc.verify(ServiceState::Standby, at(6)), Verdict::Nothing);
    }

    #[test]
    fn a_controller_that_expects_nothing_checks_nothing() {
        let mut zkfc = controller(Health::Healthy, ServiceState::Initializing);
        for second in 0..3 {
            assert_eq!(zkfc.verify(ServiceState::Active, at(second)), Verdict::Nothing);
        }
    }

    #[test]
    fn an_observer_leaves_at_once() {
        let mut zkfc = controller(Health::Healthy, ServiceState::Standby);
        assert_eq!(zkfc.verify(ServiceState::Observer, at(1)), Verdict::QuitAsObserver);
        assert_eq!(zkfc.recheck(at(2)), Recheck::Nothing);
    }

    #[test]
    fn who_ceded_stays_out_until_the_delay_ends_or_is_lifted() {
        let mut zkfc = controller(Health::Healthy, ServiceState::Active);
        zkfc.cede(S.times(10), at(5));
        assert_eq!(zkfc.recheck(at(6)), Recheck::Later(S.times(9)));
        assert_eq!(zkfc.clone().recheck(at(15)), Recheck::Join);
        zkfc.end_cede();
        assert_eq!(zkfc.recheck(at(7)), Recheck::Join);
    }

    #[test]
    fn a_delay_also_holds_back_a_quit() {
        let mut zkfc = controller(Health::NotResponding, ServiceState::Active);
        zkfc.cede(S.times(10), at(5));
        assert_eq!(zkfc.recheck(at(5)), Recheck::Later(S.times(10)));
    }
}
