//! Election: who may be active, by an ephemeral lock node and a persistent breadcrumb.
//!
//! Here: joining, winning, losing, quitting; which ZooKeeper operation follows which answer.
//! Never here: the ZooKeeper client, the fencing itself, the threads and locks around it.
//! Modelled on: `ActiveStandbyElector.java`. Every method of the original is synchronized: one
//! operation runs from its start to [`Effect::Returned`], and what it waits for is a `Step`.

use super::ballot::{
    Code, Contents, Crumb, Effect, Input, LockNode, NodeEvent, SessionEvent, State,
};
use super::steps::{After, Closing, Origin, Reading, Sleeping, Step, Why, Writing};
use crate::engine::time::SimDuration;
use crate::protocols::Outbox;

/// `SLEEP_AFTER_FAILURE_TO_BECOME_ACTIVE`, before a failed winner tries again.
pub const SLEEP_AFTER_FAILURE_TO_BECOME_ACTIVE: SimDuration = SimDuration::from_millis(1_000);
/// `reEstablishSession` sleeps so long after each attempt that met no server.
pub const SLEEP_AFTER_FAILURE_TO_CONNECT: SimDuration = SimDuration::from_millis(5_000);

/// `ActiveStandbyElector.ConnectionState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connection {
    Disconnected,
    Connected,
    Terminated,
}

/// Why the controller ends after `reEstablishSession` gave up.
const NO_CONNECTION: &str = "no connection to ZooKeeper";

/// The elector of one controller.
#[derive(Clone, Debug)]
pub struct Election {
    /// `ha.failover-controller.active-standby-elector.zk.op.retries`.
    op_retries: u32,
    app_data: Option<Contents>,
    state: State,
    connection: Connection,
    /// Whether `zkClient` is not null.
    client: bool,
    /// `wantToBeInElection`.
    wants: bool,
    create_retries: u32,
    check_retries: u32,
    /// `monitorLockNodePending`, of the present client.
    check_pending: bool,
    step: Step,
}

impl Election {
    /// Out of the election, without a client.
    pub const fn new(op_retries: u32) -> Election {
        Election {
            op_retries,
            app_data: None,
            state: State::Init,
            connection: Connection::Terminated,
            client: false,
            wants: false,
            create_retries: 0,
            check_retries: 0,
            check_pending: false,
            step: Step::Idle,
        }
    }

    /// The state, for timelines.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Whether an operation is running.
    pub fn is_busy(&self) -> bool {
        self.step != Step::Idle
    }

    /// One input, to be followed by its effects in order.
    pub fn step(&mut self, input: Input, out: &mut Outbox<Effect>) {
        let step = std::mem::replace(&mut self.step, Step::Idle);
        match input {
            Input::Start => self.begin(&step, out, |it, out| it.connect(Why::Start, out)),
            Input::Join(data) => self.begin(&step, out, |it, out| it.on_join(data, out)),
            Input::Quit { need_fence } => {
                self.begin(&step, out, |it, out| it.on_quit(need_fence, out));
            }
            Input::GetActive => self.begin(&step, out, Election::on_get_active),
            Input::LockCreated(result) => {
                self.begin(&step, out, |it, out| it.on_lock_created(result, out));
            }
            Input::LockChecked(result) => {
                self.begin(&step, out, |it, out| it.on_lock_checked(result, out));
            }
            Input::Session(event) => {
                self.begin(&step, out, |it, out| it.on_session(event, out));
            }
            Input::Node(event) => self.begin(&step, out, |it, out| it.on_node(event, out)),

            Input::Connected(heard) => self.on_connected(&step, heard, out),
            Input::Closed => self.on_closed(&step, out),
            Input::Slept => self.on_slept(&step, out),
            Input::Read(result) => self.on_read(&step, result, out),
            Input::Written(result) => self.on_written(&step, result, out),
            Input::Fenced(worked) => self.on_fenced(&step, worked, out),
            Input::BecameActive(worked) => self.on_became_active(&step, worked, out),
            Input::BecameStandby => self.on_became_standby(&step, out),
        }
    }

    /// An operation starts only when no other runs: the original is synchronized.
    fn begin(
        &mut self,
        step: &Step,
        out: &mut Outbox<Effect>,
        operation: impl FnOnce(&mut Election, &mut Outbox<Effect>),
    ) {
        assert!(*step == Step::Idle, "the elector's lock admits one operation, found {step:?}");
        operation(self, out);
    }

    /// An answer nobody waits for means that the process around lost its place.
    fn misplaced(step: &Step, answer: &str) -> ! {
        panic!("{answer} answers nothing that the elector asked for in {step:?}")
    }
}

/// Operations.
impl Election {
    fn on_join(&mut self, data: Contents, out: &mut Outbox<Effect>) {
        if self.wants {
            return out.ask(Effect::Returned);
        }
        self.app_data = Some(data);
        self.join(out);
    }

    fn on_quit(&mut self, need_fence: bool, out: &mut Outbox<Effect>) {
        if !need_fence && self.state == State::Active {
            self.step = Step::Reading(Reading::OwnCrumb);
            return out.ask(Effect::ReadBreadcrumb);
        }
        self.close(After::Quit, out);
    }

    fn on_get_active(&mut self, out: &mut Outbox<Effect>) {
        if self.client {
            self.step = Step::Reading(Reading::Lock { tries: 1 });
            return out.ask(Effect::ReadLock);
        }
        self.connect(Why::GetActive, out);
    }

    fn on_lock_created(&mut self, result: Result<(), Code>, out: &mut Outbox<Effect>) {
        match result {
            Ok(()) => self.become_active(Origin::Created, out),
            // A repeated create may have met its own first attempt: only `exists` can tell.
            Err(Code::NodeExists) if self.create_retries == 0 => self.become_standby(true, out),
            Err(Code::NodeExists) => {
                self.watch_lock(out);
                out.ask(Effect::Returned);
            }
            Err(code) if code.is_retried() && self.create_retries < self.op_retries => {
                self.create_retries += 1;
                self.create_lock(out);
                out.ask(Effect::Returned);
            }
            Err(Code::SessionExpired) => out.ask(Effect::Returned), // the watcher deals with it
            Err(
                Code::NoNode
                | Code::BadVersion
                | Code::ConnectionLoss
                | Code::OperationTimeout
                | Code::Other,
            ) => self.close(After::Fatal("create of the lock node failed"), out),
        }
    }

    fn on_lock_checked(&mut self, result: Result<LockNode, Code>, out: &mut Outbox<Effect>) {
        self.check_pending = false;
        match result {
            Ok(LockNode::Mine) => self.become_active(Origin::Checked, out),
            Ok(LockNode::Others) => self.become_standby(false, out),
            Ok(LockNode::Absent) | Err(Code::NoNode) => {
                self.enter_neutral(out);
                self.join(out);
            }
            Err(code) if code.is_retried() && self.check_retries < self.op_retries => {
                self.check_retries += 1;
                self.ask_watch(out);
                out.ask(Effect::Returned);
            }
            Err(Code::SessionExpired) => out.ask(Effect::Returned),
            Err(
                Code::NodeExists
                | Code::BadVersion
                | Code::ConnectionLoss
                | Code::OperationTimeout
                | Code::Other,
            ) => self.close(After::Fatal("exists on the lock node failed"), out),
        }
    }

    fn on_session(&mut self, event: SessionEvent, out: &mut Outbox<Effect>) {
        match event {
            SessionEvent::SyncConnected => {
                let before = std::mem::replace(&mut self.connection, Connection::Connected);
                if before == Connection::Disconnected && self.wants {
                    self.watch_lock(out);
                }
                out.ask(Effect::Returned);
            }
            SessionEvent::Disconnected => {
                self.connection = Connection::Disconnected;
                self.enter_neutral(out);
                out.ask(Effect::Returned);
            }
            SessionEvent::Expired => {
                self.enter_neutral(out);
                self.close(After::Rejoin { sleep: SimDuration::ZERO }, out);
            }
            SessionEvent::Unexpected => {
                self.close(After::Fatal("unexpected session state"), out);
            }
        }
    }

    fn on_node(&mut self, event: NodeEvent, out: &mut Outbox<Effect>) {
        match event {
            NodeEvent::Deleted => {
                if self.state == State::Active {
                    self.enter_neutral(out);
                }
                self.join(out);
            }
            NodeEvent::Changed => {
                self.watch_lock(out);
                out.ask(Effect::Returned);
            }
        }
    }
}

/// Answers.
impl Election {
    fn on_connected(&mut self, step: &Step, heard: bool, out: &mut Outbox<Effect>) {
        let Step::Connecting(why) = *step else { Election::misplaced(step, "Connected") };
        if !heard {
            self.step = Step::Closing(Closing::Unconnected(why));
            return out.ask(Effect::Close);
        }
        self.client = true;
        self.check_pending = false;
        match why {
            Why::Start => {
                out.ask(Effect::Started(true));
                out.ask(Effect::Returned);
            }
            Why::Join { .. } => self.join(out),
            Why::GetActive => self.on_get_active(out),
        }
    }

    fn on_closed(&mut self, step: &Step, out: &mut Outbox<Effect>) {
        let Step::Closing(closing) = step else { Election::misplaced(step, "Closed") };
        match *closing {
            Closing::Unconnected(Why::Start) => {
                out.ask(Effect::Started(false));
                out.ask(Effect::Returned);
            }
            Closing::Unconnected(Why::Join { attempt }) => {
                self.step = Step::Sleeping(Sleeping::Unconnected { attempt });
                out.ask(Effect::Sleep(SLEEP_AFTER_FAILURE_TO_CONNECT));
            }
            Closing::Unconnected(Why::GetActive) => {
                out.ask(Effect::ActiveIs(Err(Code::ConnectionLoss)));
                out.ask(Effect::Returned);
            }
            Closing::Session(after) => {
                self.connection = Connection::Terminated;
                self.wants = false;
                self.closed(after, out);
            }
        }
    }

    fn on_slept(&mut self, step: &Step, out: &mut Outbox<Effect>) {
        let Step::Sleeping(sleeping) = step else { Election::misplaced(step, "Slept") };
        match *sleeping {
            Sleeping::Unconnected { attempt } if attempt < self.op_retries => {
                self.connect(Why::Join { attempt: attempt + 1 }, out);
            }
            Sleeping::Unconnected { .. } => {
                self.close(After::Fatal(NO_CONNECTION), out);
            }
            Sleeping::ToRejoin => self.rejoin(out),
        }
    }

    fn on_read(&mut self, step: &Step, result: Result<Crumb, Code>, out: &mut Outbox<Effect>) {
        let Step::Reading(reading) = step else { Election::misplaced(step, "Read") };
        match *reading {
            Reading::Crumb { origin, tries } => match result {
                Ok(crumb) if Some(crumb.data) == self.app_data => {
                    self.write_crumb(origin, Some(crumb.version), out);
                }
                Ok(crumb) => {
                    self.step = Step::Fencing { origin, version: crumb.version };
                    out.ask(Effect::FenceOldActive(crumb.data));
                }
                Err(Code::NoNode) => self.write_crumb(origin, None, out),
                Err(code) if self.is_repeated(code, tries) => {
                    self.step = Step::Reading(Reading::Crumb { origin, tries: tries + 1 });
                    out.ask(Effect::ReadBreadcrumb);
                }
                Err(_) => self.rejoin_after_failure(out),
            },
            // Read once, without repetition; whatever fails leaves the crumb to the next active.
            Reading::OwnCrumb => match result {
                Ok(crumb) if Some(crumb.data) == self.app_data => {
                    self.step =
                        Step::Writing(Writing::OwnCrumbsEnd { version: crumb.version, tries: 1 });
                    out.ask(Effect::DeleteBreadcrumb { version: crumb.version });
                }
                Ok(_) | Err(_) => self.close(After::Quit, out),
            },
            Reading::Lock { tries } => match result {
                Err(code) if self.is_repeated(code, tries) => {
                    self.step = Step::Reading(Reading::Lock { tries: tries + 1 });
                    out.ask(Effect::ReadLock);
                }
                Ok(_) | Err(_) => {
                    out.ask(Effect::ActiveIs(match result {
                        Ok(lock) => Ok(Some(lock.data)),
                        Err(Code::NoNode) => Ok(None),
                        Err(code) => Err(code),
                    }));
                    out.ask(Effect::Returned);
                }
            },
        }
    }

    fn on_written(&mut self, step: &Step, result: Result<(), Code>, out: &mut Outbox<Effect>) {
        let Step::Writing(writing) = step else { Election::misplaced(step, "Written") };
        match *writing {
            Writing::Crumb { origin, over, tries } => match result {
                Ok(()) => {
                    self.step = Step::Promoting(origin);
                    out.ask(Effect::BecomeActive);
                }
                Err(code) if self.is_repeated(code, tries) => {
                    self.step = Step::Writing(Writing::Crumb { origin, over, tries: tries + 1 });
                    self.ask_crumb_write(over, out);
                }
                Err(_) => self.rejoin_after_failure(out),
            },
            Writing::OwnCrumbsEnd { version, tries } => match result {
                Err(code) if self.is_repeated(code, tries) => {
                    self.step = Step::Writing(Writing::OwnCrumbsEnd { version, tries: tries + 1 });
                    out.ask(Effect::DeleteBreadcrumb { version });
                }
                Ok(()) | Err(_) => self.close(After::Quit, out),
            },
        }
    }

    fn on_fenced(&mut self, step: &Step, worked: bool, out: &mut Outbox<Effect>) {
        let Step::Fencing { origin, version } = *step else { Election::misplaced(step, "Fenced") };
        if worked {
            self.write_crumb(origin, Some(version), out);
        } else {
            self.rejoin_after_failure(out);
        }
    }

    fn on_became_active(&mut self, step: &Step, worked: bool, out: &mut Outbox<Effect>) {
        let Step::Promoting(origin) = *step else { Election::misplaced(step, "BecameActive") };
        if !worked {
            return self.rejoin_after_failure(out);
        }
        self.state = State::Active;
        self.is_active(origin, out);
    }

    fn on_became_standby(&mut self, step: &Step, out: &mut Outbox<Effect>) {
        let Step::Demoting { then_watch } = *step else {
            Election::misplaced(step, "BecameStandby")
        };
        if then_watch {
            self.watch_lock(out);
        }
        out.ask(Effect::Returned);
    }
}

/// The private methods of the original.
impl Election {
    /// `joinElectionInternal`.
    fn join(&mut self, out: &mut Outbox<Effect>) {
        if !self.client {
            return match self.op_retries {
                0 => self.close(After::Fatal(NO_CONNECTION), out),
                _ => self.connect(Why::Join { attempt: 1 }, out),
            };
        }
        self.create_retries = 0;
        self.wants = true;
        self.create_lock(out);
        out.ask(Effect::Returned);
    }

    fn connect(&mut self, why: Why, out: &mut Outbox<Effect>) {
        assert!(!self.client, "a client is closed before the next is made");
        self.step = Step::Connecting(why);
        out.ask(Effect::Connect);
    }

    /// `terminateConnection`, and `reset` where the original resets.
    fn close(&mut self, after: After, out: &mut Outbox<Effect>) {
        match after {
            After::Quit | After::Fatal(_) => self.state = State::Init,
            After::Rejoin { .. } => {}
        }
        if !std::mem::replace(&mut self.client, false) {
            return self.closed(after, out);
        }
        self.step = Step::Closing(Closing::Session(after));
        out.ask(Effect::Close);
    }

    fn closed(&mut self, after: After, out: &mut Outbox<Effect>) {
        match after {
            After::Quit => {
                self.wants = false;
                out.ask(Effect::Returned);
            }
            After::Rejoin { sleep } if sleep.is_zero() => self.rejoin(out),
            After::Rejoin { sleep } => {
                self.step = Step::Sleeping(Sleeping::ToRejoin);
                out.ask(Effect::Sleep(sleep));
            }
            After::Fatal(why) => {
                out.ask(Effect::Fatal(why));
                out.ask(Effect::Returned);
            }
        }
    }

    /// The end of `reJoinElection`: a controller that never joined does not join now.
    fn rejoin(&mut self, out: &mut Outbox<Effect>) {
        if self.app_data.is_some() {
            self.join(out);
        } else {
            out.ask(Effect::Returned);
        }
    }

    /// `reJoinElectionAfterFailureToBecomeActive`. The state stays as it was.
    fn rejoin_after_failure(&mut self, out: &mut Outbox<Effect>) {
        self.close(After::Rejoin { sleep: SLEEP_AFTER_FAILURE_TO_BECOME_ACTIVE }, out);
    }

    /// `becomeActive`: read the breadcrumb, fence, write the breadcrumb, promote.
    fn become_active(&mut self, origin: Origin, out: &mut Outbox<Effect>) {
        if self.state == State::Active {
            return self.is_active(origin, out);
        }
        self.step = Step::Reading(Reading::Crumb { origin, tries: 1 });
        out.ask(Effect::ReadBreadcrumb);
    }

    fn is_active(&mut self, origin: Origin, out: &mut Outbox<Effect>) {
        match origin {
            Origin::Created => self.watch_lock(out),
            Origin::Checked => {}
        }
        out.ask(Effect::Returned);
    }

    fn become_standby(&mut self, then_watch: bool, out: &mut Outbox<Effect>) {
        if self.state != State::Standby {
            self.state = State::Standby;
            self.step = Step::Demoting { then_watch };
            return out.ask(Effect::BecomeStandby);
        }
        if then_watch {
            self.watch_lock(out);
        }
        out.ask(Effect::Returned);
    }

    fn enter_neutral(&mut self, out: &mut Outbox<Effect>) {
        if self.state != State::Neutral {
            self.state = State::Neutral;
            out.ask(Effect::EnterNeutral);
        }
    }

    fn write_crumb(&mut self, origin: Origin, over: Option<u32>, out: &mut Outbox<Effect>) {
        self.step = Step::Writing(Writing::Crumb { origin, over, tries: 1 });
        self.ask_crumb_write(over, out);
    }

    fn ask_crumb_write(&self, over: Option<u32>, out: &mut Outbox<Effect>) {
        let data = self.own_data();
        out.ask(match over {
            Some(version) => Effect::SetBreadcrumb { data, version },
            None => Effect::CreateBreadcrumb(data),
        });
    }

    fn create_lock(&self, out: &mut Outbox<Effect>) {
        out.ask(Effect::CreateLock(self.own_data()));
    }

    /// `monitorActiveStatus`.
    fn watch_lock(&mut self, out: &mut Outbox<Effect>) {
        self.check_retries = 0;
        self.ask_watch(out);
    }

    fn ask_watch(&mut self, out: &mut Outbox<Effect>) {
        if !std::mem::replace(&mut self.check_pending, true) {
            out.ask(Effect::WatchLock);
        }
    }

    fn own_data(&self) -> Contents {
        self.app_data.expect("only a controller with data joins")
    }

    /// `zkDoWithRetries`: `op_retries` attempts in all.
    const fn is_repeated(&self, code: Code, tries: u32) -> bool {
        code.is_retried() && tries < self.op_retries
    }
}

#[cfg(test)]
#[path = "election_tests.rs"]
mod tests;
