//! Fencing: in which order an old active is made harmless, and when that has succeeded.
//!
//! Here: the graceful attempt, the configured methods in turn, what an ssh exit status means.
//! Never here: calls, ssh connections, shells and their time-outs.
//! Modelled on: `ZKFailoverController.doFence`, `FailoverController.java`, `NodeFencer.java`,
//! `SshFenceByTcpPort.java`.

use crate::protocols::Outbox;

/// How a fencing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fenced {
    /// The old active became standby when asked.
    Gracefully,
    /// The method with this index succeeded.
    ByMethod(usize),
    /// No method is configured.
    NotConfigured,
    /// All methods failed.
    Failed,
}

impl Fenced {
    /// Whether the old active is out of the way.
    pub const fn worked(self) -> bool {
        match self {
            Fenced::Gracefully | Fenced::ByMethod(_) => true,
            Fenced::NotConfigured | Fenced::Failed => false,
        }
    }
}

/// Which of the two nodes of a manual failover a method is tried on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The old active.
    Source,
    /// The node to become active; manual failovers run each method on it first.
    Target,
}

/// What the fencing hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Begin with the graceful attempt.
    Start,
    /// To [`Effect::AskGracefully`]: whether the old active became standby.
    Graceful(bool),
    /// To [`Effect::Try`]: whether the method succeeded.
    Tried(bool),
}

/// What the fencing asks for, one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Call `transitionToStandby` on the old active.
    AskGracefully,
    /// Run the method with this index.
    Try {
        /// Index in the configured list.
        method: usize,
        /// On whom.
        side: Side,
    },
    /// It is over.
    Ended(Fenced),
}

/// What a caller wants beyond the graceful attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// Number of configured methods.
    pub methods: usize,
    /// `-forcefence`: the methods run although the graceful attempt worked.
    pub force: bool,
    /// `NodeFencer.fence(from, to)`: each method runs on the target first.
    pub target_first: bool,
}

/// One fencing.
#[derive(Clone, Debug)]
pub struct Fencing {
    manner: Manner,
    method: usize,
    side: Side,
}

impl Fencing {
    /// A fencing that has not begun.
    pub const fn new(manner: Manner) -> Fencing {
        Fencing { manner, method: 0, side: Side::Source }
    }

    /// One input, to be followed by its effect.
    pub fn step(&mut self, input: Input, out: &mut Outbox<Effect>) {
        match input {
            Input::Start => out.ask(Effect::AskGracefully),
            Input::Graceful(true) if !self.manner.force => {
                out.ask(Effect::Ended(Fenced::Gracefully));
            }
            Input::Graceful(_) if self.manner.methods == 0 => {
                out.ask(Effect::Ended(Fenced::NotConfigured));
            }
            Input::Graceful(_) => self.try_method(0, out),
            Input::Tried(true) => match self.side {
                Side::Target => self.try_on(Side::Source, out),
                Side::Source => out.ask(Effect::Ended(Fenced::ByMethod(self.method))),
            },
            Input::Tried(false) if self.method + 1 < self.manner.methods => {
                self.try_method(self.method + 1, out);
            }
            Input::Tried(false) => out.ask(Effect::Ended(Fenced::Failed)),
        }
    }

    fn try_method(&mut self, method: usize, out: &mut Outbox<Effect>) {
        self.method = method;
        let side = if self.manner.target_first { Side::Target } else { Side::Source };
        self.try_on(side, out);
    }

    fn try_on(&mut self, side: Side, out: &mut Outbox<Effect>) {
        self.side = side;
        out.ask(Effect::Try { method: self.method, side });
    }
}

/// What `sshfence` does after a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterCommand {
    /// The old active is dead.
    Fenced,
    /// `fuser` killed nobody: ask `nc -z` whether the port still listens.
    AskNc,
    /// It lives, or nobody can tell.
    NotFenced,
}

/// The exit status of `fuser -v -k -n tcp <port>`.
pub const fn after_fuser(exit_status: i32) -> AfterCommand {
    match exit_status {
        0 => AfterCommand::Fenced,
        1 => AfterCommand::AskNc,
        _ => AfterCommand::NotFenced,
    }
}

/// The exit status of `nc -z host port`: 0 is a port that still listens.
pub const fn after_nc(exit_status: i32) -> AfterCommand {
    if exit_status == 0 { AfterCommand::NotFenced } else { AfterCommand::Fenced }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Manner = Manner { methods: 2, force: false, target_first: false };

    fn run(manner: Manner, inputs: &[Input]) -> Vec<Effect> {
        let (mut fencing, mut out) = (Fencing::new(manner), Outbox::default());
        for input in inputs {
            fencing.step(*input, &mut out);
        }
        out.effects
    }

    const fn on(method: usize, side: Side) -> Effect {
        Effect::Try { method, side }
    }

    #[test]
    fn an_obedient_node_is_not_shot() {
        let effects = run(TWO, &[Input::Start, Input::Graceful(true)]);
        assert_eq!(effects, [Effect::AskGracefully, Effect::Ended(Fenced::Gracefully)]);
        let forced = Manner { force: true, ..TWO };
        let effects = run(forced, &[Input::Start, Input::Graceful(true), Input::Tried(true)]);
        assert_eq!(effects[1..], [on(0, Side::Source), Effect::Ended(Fenced::ByMethod(0))]);
    }

    #[test]
    fn the_first_success_wins_and_the_last_failure_loses() {
        let begin = [Input::Start, Input::Graceful(false), Input::Tried(false)];
        let won = run(TWO, &[&begin[..], &[Input::Tried(true)]].concat());
        let tries = [on(0, Side::Source), on(1, Side::Source)];
        assert_eq!(won[1..3], tries);
        assert_eq!(won[3], Effect::Ended(Fenced::ByMethod(1)));
        let lost = run(TWO, &[&begin[..], &[Input::Tried(false)]].concat());
        assert_eq!(lost[3], Effect::Ended(Fenced::Failed));
        let none = Manner { methods: 0, ..TWO };
        let effects = run(none, &[Input::Start, Input::Graceful(false)]);
        assert_eq!(effects[1], Effect::Ended(Fenced::NotConfigured));
    }

    #[test]
    fn a_manual_failover_spares_the_source_when_the_target_cannot_be_fenced() {
        let manual = Manner { target_first: true, ..TWO };
        let inputs = [
            Input::Start,
            Input::Graceful(false),
            Input::Tried(false), // the first method, on the target
            Input::Tried(true),  // the second, on the target
            Input::Tried(true),  // and on the source
        ];
        let expected = [
            Effect::AskGracefully,
            on(0, Side::Target),
            on(1, Side::Target),
            on(1, Side::Source),
            Effect::Ended(Fenced::ByMethod(1)),
        ];
        assert_eq!(run(manual, &inputs), expected);
    }

    #[test]
    fn ssh_verdicts_follow_the_exit_status() {
        let fuser = [0, 1, 2, 127].map(after_fuser);
        use AfterCommand::{AskNc, Fenced, NotFenced};
        assert_eq!(fuser, [Fenced, AskNc, NotFenced, NotFenced]);
        assert_eq!([0, 1].map(after_nc), [NotFenced, Fenced]);
    }
}
