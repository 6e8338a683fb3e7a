//! Ballots: between the elector and the ZooKeeper client.
//!
//! Here: the event thread, which answer belongs to which request, the wait for a connection.
//! Never here: what follows from an answer (`protocols::elector::election`).
//! Modelled on: `ActiveStandbyElector.connectToZooKeeper`, `WatcherWithClientRef`, `isStaleClient`.

use super::callbacks::Callback;
use super::tags::{self, Thread};
use super::{Life, record};
use crate::clients::zookeeper::wire::{
    WatchKind, ZkAnswer, ZkError, ZkResult, ZnodeData, ZnodeMode,
};
use crate::clients::zookeeper::{RequestId, ZkEvent};
use crate::engine::ctx::Ctx;
use crate::engine::process::Tag;
use crate::history::Term;
use crate::protocols::Outbox;
use crate::protocols::elector::{
    Code, Contents, Crumb, Effect, Input, LockNode, NodeEvent, SessionEvent,
};

/// What a request was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Asynchronous: its answer comes through the event thread.
    CreateLock,
    /// Likewise.
    WatchLock,
    /// Synchronous: the thread that holds the elector's lock waits for it.
    Read,
    /// Likewise.
    Write,
    /// Of the main thread, before there is an election.
    Parent,
}

/// What the event thread will tell the elector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// Of which client: the elector drops what an older one says.
    handle: Option<u32>,
    input: Input,
}

impl Life {
    /// The local node's data, as the elector knows it.
    pub(super) fn own_contents(&self) -> Contents {
        Contents(self.settings.local().info.word)
    }

    /// The elector writes nothing but the local node's data.
    fn payload(&self, contents: Contents) -> ZnodeData {
        assert_eq!(contents, self.own_contents());
        self.settings.local().info
    }

    /// One input of the elector and what follows from it. The elector's lock is held.
    pub(super) fn elect(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        let mut out = Outbox::default();
        self.election.step(input, &mut out);
        for name in out.broken {
            ctx.invariant(name, false);
        }
        for effect in out.effects {
            self.carry_out(effect, ctx);
        }
    }

    fn carry_out(&mut self, effect: Effect, ctx: &mut Ctx<'_>) {
        match effect {
            Effect::Connect => {
                self.handles += 1;
                self.handle = Some(self.handles);
                self.zookeeper.start(ctx);
                let limit = self.settings.zookeeper.session_timeout;
                self.first_event = Some(ctx.arm(limit, Tag::new(tags::FIRST_EVENT)));
            }
            Effect::Close => {
                self.disclaim(ctx);
                self.handle = None;
                self.zookeeper.close(ctx);
            }
            Effect::Sleep(span) => drop(ctx.arm(span, Tag::new(tags::ELECTOR_SLEEP))),
            Effect::CreateLock(data) => {
                let (path, data) = (self.settings.lock.clone(), self.payload(data));
                let id = self.zookeeper.create(&path, data, ZnodeMode::EPHEMERAL, ctx);
                self.await_reply(id, Asked::CreateLock);
            }
            Effect::WatchLock => {
                let path = self.settings.lock.clone();
                let id = self.zookeeper.exists(&path, true, ctx);
                self.await_reply(id, Asked::WatchLock);
            }
            Effect::ReadBreadcrumb => {
                let path = self.settings.breadcrumb.clone();
                let id = self.zookeeper.get_data(&path, false, ctx);
                self.await_reply(id, Asked::Read);
            }
            Effect::ReadLock => {
                let path = self.settings.lock.clone();
                let id = self.zookeeper.get_data(&path, false, ctx);
                self.await_reply(id, Asked::Read);
            }
            Effect::CreateBreadcrumb(data) => {
                let (path, data) = (self.settings.breadcrumb.clone(), self.payload(data));
                let id = self.zookeeper.create(&path, data, ZnodeMode::PERSISTENT, ctx);
                self.await_reply(id, Asked::Write);
            }
            Effect::SetBreadcrumb { data, version } => {
                let (path, data) = (self.settings.breadcrumb.clone(), self.payload(data));
                let id = self.zookeeper.set_data(&path, data, Some(version), ctx);
                self.await_reply(id, Asked::Write);
            }
            Effect::DeleteBreadcrumb { version } => {
                let path = self.settings.breadcrumb.clone();
                let id = self.zookeeper.delete(&path, Some(version), ctx);
                self.await_reply(id, Asked::Write);
            }
            Effect::FenceOldActive(data) => self.want_callback(Callback::Fence(data), ctx),
            Effect::BecomeActive => {
                self.note(record::BREADCRUMB, [self.me(), 0, 0, 0], ctx);
                ctx.mark(record::BREADCRUMB_WRITTEN);
                self.want_callback(Callback::BecomeActive, ctx);
            }
            Effect::BecomeStandby => self.want_callback(Callback::BecomeStandby, ctx),
            Effect::EnterNeutral => {
                self.disclaim(ctx);
                self.note(record::NEUTRAL, [self.me(), 0, 0, 0], ctx);
            }
            Effect::Started(met) => self.on_zookeeper_met(met),
            Effect::ActiveIs(answer) => self.on_active_found(answer),
            Effect::Fatal(why) => self.on_fatal(why, ctx),
            Effect::Returned => self.on_elector_returned(ctx),
        }
    }

    pub(super) fn await_reply(&mut self, id: RequestId, asked: Asked) {
        self.requests.insert(id, (self.handle, asked));
    }

    pub(super) fn on_elector_slept(&mut self, ctx: &mut Ctx<'_>) {
        self.elect(Input::Slept, ctx);
    }

    pub(super) fn on_no_first_event(&mut self, ctx: &mut Ctx<'_>) {
        self.first_event = None;
        self.elect(Input::Connected(false), ctx);
    }

    /// Something that the ZooKeeper client tells.
    pub(super) fn on_zookeeper(&mut self, event: ZkEvent, ctx: &mut Ctx<'_>) {
        match event {
            ZkEvent::SyncConnected => self.on_session(SessionEvent::SyncConnected, ctx),
            ZkEvent::Disconnected => self.on_session(SessionEvent::Disconnected, ctx),
            ZkEvent::Expired => self.on_session(SessionEvent::Expired, ctx),
            ZkEvent::Closed => self.elect(Input::Closed, ctx),
            ZkEvent::Watch { path: _, kind } => {
                let node = match kind {
                    WatchKind::Deleted => NodeEvent::Deleted,
                    WatchKind::Created | WatchKind::DataChanged | WatchKind::ChildrenChanged => {
                        NodeEvent::Changed
                    }
                };
                self.queue(self.handle, Input::Node(node), ctx);
            }
            ZkEvent::Reply { id, result } => match self.requests.remove(&id) {
                Some((handle, Asked::CreateLock)) => {
                    let created = result.map(|_| ()).map_err(code);
                    self.queue(handle, Input::LockCreated(created), ctx);
                }
                Some((handle, Asked::WatchLock)) => {
                    let found = self.lock_node(&result);
                    self.queue(handle, Input::LockChecked(found), ctx);
                }
                Some((_, Asked::Read)) => self.elect(Input::Read(crumb(&result)), ctx),
                Some((_, Asked::Write)) => {
                    self.elect(Input::Written(result.map(|_| ()).map_err(code)), ctx);
                }
                Some((_, Asked::Parent)) => self.on_parent(result.map(|_| ()), ctx),
                None => {}
            },
        }
    }

    fn on_session(&mut self, event: SessionEvent, ctx: &mut Ctx<'_>) {
        self.queue(self.handle, Input::Session(event), ctx);
        // `hasReceivedEvent`: whoever waits for the connection goes on, with the lock.
        if let Some(limit) = self.first_event.take() {
            ctx.cancel(limit);
            self.elect(Input::Connected(true), ctx);
        }
    }

    fn lock_node(&self, result: &ZkResult) -> Result<LockNode, Code> {
        match result {
            Ok(ZkAnswer::Stat(stat)) if stat.ephemeral_owner == self.zookeeper.session() => {
                Ok(LockNode::Mine)
            }
            Ok(_) => Ok(LockNode::Others),
            Err(ZkError::NoNode) => Ok(LockNode::Absent),
            Err(error) => Err(code(*error)),
        }
    }
}

/// The event thread: one event after another, each with the elector's lock.
impl Life {
    fn queue(&mut self, handle: Option<u32>, input: Input, ctx: &mut Ctx<'_>) {
        self.events.push_back(Event { handle, input });
        if !self.events_busy {
            self.next_event(ctx);
        }
    }

    pub(super) fn next_event(&mut self, ctx: &mut Ctx<'_>) {
        self.events_busy = !self.events.is_empty();
        if self.events_busy {
            self.want_elector_lock(Thread::Events, ctx);
        }
    }

    pub(super) fn tell_elector(&mut self, ctx: &mut Ctx<'_>) {
        let Some(Event { handle, input }) = self.events.pop_front() else {
            unreachable!("the event thread takes the lock for an event");
        };
        if self.handle.is_none() || self.handle != handle {
            return self.on_elector_returned(ctx); // `isStaleClient`
        }
        match input {
            Input::LockCreated(Ok(())) => {
                ctx.mark(record::LOCK_ACQUIRED);
                self.note(record::WON, [self.me(), 0, 0, 0], ctx);
                self.claim(Term(self.zookeeper.session()), ctx);
            }
            Input::LockChecked(Ok(LockNode::Mine)) => {
                self.claim(Term(self.zookeeper.session()), ctx);
            }
            Input::LockChecked(_)
            | Input::Node(NodeEvent::Deleted)
            | Input::Session(SessionEvent::Expired) => self.disclaim(ctx),
            Input::LockCreated(Err(_)) | Input::Node(NodeEvent::Changed) | Input::Session(_) => {}
            Input::Start
            | Input::Join(_)
            | Input::Quit { .. }
            | Input::GetActive
            | Input::Connected(_)
            | Input::Closed
            | Input::Slept
            | Input::Read(_)
            | Input::Written(_)
            | Input::Fenced(_)
            | Input::BecameActive(_)
            | Input::BecameStandby => unreachable!("not an event of the ZooKeeper client"),
        }
        self.elect(input, ctx);
    }
}

fn crumb(result: &ZkResult) -> Result<Crumb, Code> {
    match result {
        Ok(ZkAnswer::Data(data, stat)) => {
            Ok(Crumb { data: Contents(data.word), version: stat.version })
        }
        Ok(_) => Err(Code::Other),
        Err(error) => Err(code(*error)),
    }
}

const fn code(error: ZkError) -> Code {
    match error {
        ZkError::ConnectionLoss => Code::ConnectionLoss,
        ZkError::SessionExpired => Code::SessionExpired,
        ZkError::NoNode => Code::NoNode,
        ZkError::BadVersion => Code::BadVersion,
        ZkError::NodeExists => Code::NodeExists,
        ZkError::RuntimeInconsistency
        | ZkError::BadArguments
        | ZkError::NoChildrenForEphemerals
        | ZkError::NotEmpty
        | ZkError::SessionMoved => Code::Other,
    }
}
