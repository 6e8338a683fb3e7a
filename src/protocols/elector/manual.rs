//! Manual: a failover by hand, without ZooKeeper.
//!
//! Here: the checks before it, the order of fencing and promotion, the failback.
//! Never here: calls and their time-outs; how a node is fenced.
//! Modelled on: `FailoverController.failover`, `preFailoverChecks`.

use super::fencing::Fenced;
use super::health::ServiceState;
use crate::protocols::Outbox;

/// Which node a step is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// `fromNode` of the command.
    From,
    /// `toNode` of the command.
    To,
}

impl Node {
    const fn other(self) -> Node {
        match self {
            Node::From => Node::To,
            Node::To => Node::From,
        }
    }
}

/// What the failover hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Begin.
    Start,
    /// To [`Effect::GetStatus`]: its state and whether it is ready; none: no answer.
    Status(Option<(ServiceState, bool)>),
    /// To [`Effect::CheckHealth`].
    Healthy(bool),
    /// To [`Effect::Fence`].
    Fenced(Fenced),
    /// To [`Effect::Promote`].
    Promoted(bool),
}

/// What the failover asks for, one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// `getServiceStatus` of the node to become active.
    GetStatus(Node),
    /// `monitorHealth` of it.
    CheckHealth(Node),
    /// Ask `source` to step down, and fence it if that fails or `force` is set.
    Fence {
        /// The old active.
        source: Node,
        /// `-forcefence`.
        force: bool,
    },
    /// `transitionToActive`.
    Promote(Node),
    /// It is over; true: the node that was asked for is active.
    Ended(bool),
}

/// One failover, and the failback after a failed one.
#[derive(Clone, Debug)]
pub struct ManualFailover {
    target: Node,
    force_fence: bool,
    force_active: bool,
    fenced: bool,
}

impl ManualFailover {
    /// A failover that has not begun.
    pub const fn new(force_fence: bool, force_active: bool) -> ManualFailover {
        ManualFailover { target: Node::To, force_fence, force_active, fenced: false }
    }

    /// One input, to be followed by its effect.
    pub fn step(&mut self, input: Input, out: &mut Outbox<Effect>) {
        match input {
            Input::Start => out.ask(Effect::GetStatus(self.target)),
            Input::Status(Some((ServiceState::Standby, ready))) if ready || self.force_active => {
                out.ask(Effect::CheckHealth(self.target));
            }
            Input::Healthy(true) => {
                let source = self.target.other();
                out.ask(Effect::Fence { source, force: self.force_fence });
            }
            Input::Fenced(fenced) if fenced.worked() => {
                self.fenced = fenced != Fenced::Gracefully;
                out.ask(Effect::Promote(self.target));
            }
            Input::Promoted(true) => out.ask(Effect::Ended(self.target == Node::To)),
            // The old active is not dead: give its role back to it, fencing the failed one.
            Input::Promoted(false) if !self.fenced => {
                (self.target, self.force_fence, self.force_active) =
                    (self.target.other(), true, true);
                out.ask(Effect::GetStatus(self.target));
            }
            Input::Status(_)
            | Input::Healthy(false)
            | Input::Fenced(_)
            | Input::Promoted(false) => {
                out.ask(Effect::Ended(false));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(failover: &mut ManualFailover, inputs: &[Input]) -> Effect {
        let mut out = Outbox::default();
        for input in inputs {
            failover.step(*input, &mut out);
        }
        *out.effects.last().expect("each input has an effect")
    }

    const FIT: Input = Input::Status(Some((ServiceState::Standby, true)));

    #[test]
    fn a_fit_target_is_promoted_after_the_source_stepped_down() {
        let mut failover = ManualFailover::new(false, false);
        assert_eq!(last(&mut failover, &[Input::Start]), Effect::GetStatus(Node::To));
        assert_eq!(last(&mut failover, &[FIT]), Effect::CheckHealth(Node::To));
        let fence = Effect::Fence { source: Node::From, force: false };
        assert_eq!(last(&mut failover, &[Input::Healthy(true)]), fence);
        let graceful = Input::Fenced(Fenced::Gracefully);
        assert_eq!(last(&mut failover, &[graceful]), Effect::Promote(Node::To));
        assert_eq!(last(&mut failover, &[Input::Promoted(true)]), Effect::Ended(true));
    }

    #[test]
    fn an_unfit_target_stops_it_before_anybody_is_fenced() {
        let unfit = [
            Input::Status(None),
            Input::Status(Some((ServiceState::Active, true))),
            Input::Status(Some((ServiceState::Standby, false))),
        ];
        for status in unfit {
            let mut failover = ManualFailover::new(false, false);
            assert_eq!(last(&mut failover, &[Input::Start, status]), Effect::Ended(false));
        }
        let mut forced = ManualFailover::new(false, true);
        let unready = Input::Status(Some((ServiceState::Standby, false)));
        assert_eq!(last(&mut forced, &[Input::Start, unready]), Effect::CheckHealth(Node::To));
        assert_eq!(last(&mut forced, &[Input::Healthy(false)]), Effect::Ended(false));
    }

    #[test]
    fn a_failed_promotion_fails_back_unless_the_old_active_was_fenced() {
        let begun = |fenced| [Input::Start, FIT, Input::Healthy(true), Input::Fenced(fenced)];
        let mut shot = ManualFailover::new(false, false);
        last(&mut shot, &begun(Fenced::ByMethod(0)));
        assert_eq!(last(&mut shot, &[Input::Promoted(false)]), Effect::Ended(false));

        let mut alive = ManualFailover::new(false, false);
        last(&mut alive, &begun(Fenced::Gracefully));
        assert_eq!(last(&mut alive, &[Input::Promoted(false)]), Effect::GetStatus(Node::From));
        let fence = Effect::Fence { source: Node::To, force: true };
        assert_eq!(last(&mut alive, &[FIT, Input::Healthy(true)]), fence);
        let fenced = Input::Fenced(Fenced::ByMethod(0));
        assert_eq!(last(&mut alive, &[fenced]), Effect::Promote(Node::From));
        assert_eq!(last(&mut alive, &[Input::Promoted(true)]), Effect::Ended(false));
    }

    #[test]
    fn an_old_active_that_cannot_be_fenced_stops_it() {
        let mut failover = ManualFailover::new(false, false);
        let failed = Input::Fenced(Fenced::Failed);
        let inputs = [Input::Start, FIT, Input::Healthy(true), failed];
        assert_eq!(last(&mut failover, &inputs), Effect::Ended(false));
    }
}
