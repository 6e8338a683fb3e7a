//! Zkfc: the daemon that watches one NameNode and may make it active.
//!
//! Here: its state, its two locks, and which room takes which input.
//! Never here: decisions (`protocols::elector`), time-outs of libraries (`clients`).
//! Modelled on: Hadoop 3.4.1 `ZKFailoverController`, `DFSZKFailoverController`; docs/MODELS.md,
//! "zkfc". Locks in the original's order: the elector's, then the controller's.

mod ballots;
mod callbacks;
mod dump;
mod monitor;
pub mod node_info;
mod record;
mod serve;
pub mod settings;
#[cfg(test)]
mod stage;
mod start;
mod tags;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

pub use record::{MARKS, NOTES};

use self::ballots::{Asked, Event};
use self::callbacks::Callback;
use self::dump::Dump;
use self::record::Claim;
use self::serve::{Attempt, Handler};
use self::settings::Settings;
use self::start::MainStage;
use self::tags::Thread;
use super::api::ha_service::{HaRequest, HaService, RequestSource};
use super::api::zkfc_protocol::ZkfcProtocol;
use super::fencing::Fencer;
use crate::clients::hadoop_ipc::{CallId, IpcClient, IpcServer};
use crate::clients::zookeeper::{RequestId, ZkClientLib};
use crate::engine::ctx::Ctx;
use crate::engine::process::{Conn, ConnEvent, Input, Process, Resource, Tag, Timer};
use crate::protocols::elector::{Controller, Election, Health, HealthMonitor, ServiceState};

/// A failover controller.
#[derive(Clone)]
pub struct Zkfc {
    settings: Arc<Settings>,
    /// What only a started one has.
    life: Option<Box<Life>>,
}

/// A started failover controller.
#[derive(Clone)]
struct Life {
    settings: Arc<Settings>,

    election: Election,
    controller: Controller,
    monitor: HealthMonitor,

    zookeeper: ZkClientLib,
    ha: IpcClient<HaService>,
    peers: IpcClient<ZkfcProtocol>,
    server: Option<IpcServer<ZkfcProtocol>>,
    fencer: Fencer,

    elector_lock: Resource,
    controller_lock: Resource,
    /// Who holds the elector's lock.
    elector_holder: Option<Thread>,

    /// The main thread.
    main: MainStage,
    /// The health monitor's thread: what it waits for.
    monitor_call: Option<(CallId, HaRequest)>,
    monitor_job: Option<MonitorJob>,
    dump: Option<Dump>,
    /// The event thread: what it has still to tell the elector, and whether it waits for the lock
    /// or holds it.
    events: VecDeque<Event>,
    events_busy: bool,
    /// The delay timer's thread: rechecks that are due, the first of them under way.
    rechecks_due: u32,
    /// The handlers of the RPC server.
    handlers: BTreeMap<u64, Handler>,
    handlers_count: u64,
    last_attempt: Option<Attempt>,

    /// The client that the elector uses (`zkClient`); none: null.
    handle: Option<u32>,
    handles: u32,
    requests: BTreeMap<RequestId, (Option<u32>, Asked)>,
    first_event: Option<Timer>,
    /// What the elector asked of the controller, and the call that carries it out.
    callback: Option<Callback>,
    callback_call: Option<CallId>,
    /// The demotion of a handler that cedes.
    cede_call: Option<CallId>,

    claim: Option<Claim>,
}

/// What the health monitor's thread does with the locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MonitorJob {
    /// `setLastHealthState`, with the controller's lock.
    SetHealth(Health),
    /// `recheckElectability`, with both.
    Recheck,
    /// `verifyChangedServiceState`, with both.
    Verify(ServiceState),
}

impl Zkfc {
    /// A controller that will be started.
    pub const fn new(settings: Arc<Settings>) -> Zkfc {
        Zkfc { settings, life: None }
    }
}

impl Process for Zkfc {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        if input == Input::Started {
            self.life = Some(Box::new(Life::new(&self.settings, ctx)));
        }
        let Some(life) = &mut self.life else { return };
        match input {
            Input::Started => life.start(ctx),
            Input::Connection(conn, event) => life.on_connection(conn, event, ctx),
            Input::Timer(tag) => life.on_timer(tag, ctx),
            Input::Granted(tag) => life.on_granted(tag, ctx),
            Input::Admin(slot) => ctx.discard(slot), // it takes its orders over RPC
            Input::Disk(..) | Input::Flow(..) | Input::Beat(..) => {}
        }
        life.settle(ctx);
    }

    fn tag_name(&self, tag: Tag) -> &'static str {
        let of_libraries = self.life.as_ref().and_then(|life| {
            let ha = life.ha.tag_name(tag).or_else(|| life.peers.tag_name(tag));
            ha.or_else(|| life.zookeeper.tag_name(tag)).or_else(|| life.fencer.tag_name(tag))
        });
        of_libraries.unwrap_or(tags::name(tag))
    }
}

impl Life {
    fn new(settings: &Arc<Settings>, ctx: &mut Ctx<'_>) -> Life {
        Life {
            election: Election::new(settings.op_retries),
            controller: Controller::default(),
            monitor: HealthMonitor::new(settings.pace),
            zookeeper: ZkClientLib::new(settings.zookeeper.clone()),
            ha: IpcClient::new(tags::HA_CALLS),
            peers: IpcClient::new(tags::PEER_CALLS),
            server: None,
            fencer: Fencer::new(settings.fencer.clone(), RequestSource::Zkfc, tags::FENCER),
            elector_lock: ctx.lock("elector lock"),
            controller_lock: ctx.lock("zkfc lock"),
            elector_holder: None,
            main: MainStage::Starting,
            monitor_call: None,
            monitor_job: None,
            dump: None,
            events: VecDeque::new(),
            events_busy: false,
            rechecks_due: 0,
            handlers: BTreeMap::new(),
            handlers_count: 0,
            last_attempt: None,
            handle: None,
            handles: 0,
            requests: BTreeMap::new(),
            first_event: None,
            callback: None,
            callback_call: None,
            cede_call: None,
            claim: None,
            settings: settings.clone(),
        }
    }

    fn on_connection(&mut self, conn: Conn, event: ConnEvent, ctx: &mut Ctx<'_>) {
        let taken = self.ha.on_connection(conn, event, ctx)
            || self.peers.on_connection(conn, event, ctx)
            || self.zookeeper.on_connection(conn, event, ctx)
            || self.fencer.on_connection(conn, event, ctx)
            || self.on_dump_connection(conn, event, ctx)
            || self.server.as_mut().is_some_and(|it| it.on_connection(conn, event, ctx));
        if let (false, ConnEvent::Message(slot)) = (taken, event) {
            ctx.discard(slot); // said on a connection that was given up
        }
    }

    fn on_timer(&mut self, tag: Tag, ctx: &mut Ctx<'_>) {
        let taken = self.ha.on_timer(tag, ctx)
            || self.peers.on_timer(tag, ctx)
            || self.zookeeper.on_timer(tag, ctx)
            || self.fencer.on_timer(tag, ctx);
        if taken {
            return;
        }
        match tag.kind {
            tags::ROUND => self.begin_round(ctx),
            tags::ELECTOR_SLEEP => self.on_elector_slept(ctx),
            tags::FIRST_EVENT => self.on_no_first_event(ctx),
            tags::RECHECK => self.on_recheck_due(ctx),
            tags::DUMP => self.on_dump_limit(ctx),
            tags::ATTEMPT => self.look_for_attempt(tag.arg, ctx),
            other => unreachable!("no timer of kind {other} was armed"),
        }
    }

    fn on_granted(&mut self, tag: Tag, ctx: &mut Ctx<'_>) {
        match tag.kind {
            tags::ELECTOR_LOCK => self.on_elector_lock(Thread::of(tag.arg), ctx),
            tags::CONTROLLER_LOCK => self.on_controller_lock(Thread::of(tag.arg), ctx),
            tags::HANDLER => self.on_handler_free(tag, ctx),
            other => unreachable!("nothing of kind {other} was asked for"),
        }
    }

    /// Hands on what the libraries have to tell until they have nothing more.
    fn settle(&mut self, ctx: &mut Ctx<'_>) {
        loop {
            if let Some(event) = self.zookeeper.poll() {
                self.on_zookeeper(event, ctx);
            } else if let Some(done) = self.ha.completed() {
                if !self.fencer.on_completed(&done, ctx) {
                    self.on_called(&done, ctx);
                }
            } else if let Some(done) = self.peers.completed() {
                self.on_peer_called(&done, ctx);
            } else if let Some(fenced) = self.fencer.take_ended() {
                self.on_fenced(fenced, ctx);
            } else {
                return;
            }
        }
    }
}

/// Locks. Both are fair here; Java's monitors are not.
impl Life {
    fn want_elector_lock(&self, thread: Thread, ctx: &mut Ctx<'_>) {
        ctx.acquire(self.elector_lock, Tag::with(tags::ELECTOR_LOCK, thread.code()));
    }

    fn want_controller_lock(&self, thread: Thread, ctx: &mut Ctx<'_>) {
        ctx.acquire(self.controller_lock, Tag::with(tags::CONTROLLER_LOCK, thread.code()));
    }

    fn on_elector_lock(&mut self, thread: Thread, ctx: &mut Ctx<'_>) {
        self.elector_holder = Some(thread);
        match thread {
            Thread::Main => self.on_main_locked(ctx),
            Thread::Events => self.tell_elector(ctx),
            Thread::Monitor | Thread::Delay | Thread::Handler(_) => {
                self.want_controller_lock(thread, ctx);
            }
        }
    }

    fn on_controller_lock(&mut self, thread: Thread, ctx: &mut Ctx<'_>) {
        match thread {
            Thread::Main => unreachable!("the main thread takes the elector's lock only"),
            Thread::Monitor => self.on_monitor_locked(ctx),
            Thread::Events => self.begin_callback(ctx),
            Thread::Delay => self.recheck(ctx),
            Thread::Handler(call) => self.on_handler_locked(call, ctx),
        }
    }

    /// The elector's operation is over: its thread gives the locks back and goes on.
    fn on_elector_returned(&mut self, ctx: &mut Ctx<'_>) {
        let thread = self.elector_holder.expect("an operation runs under the lock");
        match thread {
            Thread::Main => {
                self.release_elector_lock(ctx);
                self.on_main_returned(ctx);
            }
            Thread::Events => {
                self.release_elector_lock(ctx);
                self.next_event(ctx);
            }
            Thread::Monitor => {
                self.release_both(ctx);
                self.on_monitor_job_done(ctx);
            }
            Thread::Delay => {
                self.release_both(ctx);
                self.on_recheck_done(ctx);
            }
            Thread::Handler(call) => self.on_handler_returned(call, ctx),
        }
    }

    fn release_elector_lock(&mut self, ctx: &mut Ctx<'_>) {
        self.elector_holder = None;
        ctx.release(self.elector_lock);
    }

    fn release_both(&mut self, ctx: &mut Ctx<'_>) {
        ctx.release(self.controller_lock);
        self.release_elector_lock(ctx);
    }
}
