//! Core: the state of a run apart from the processes themselves.
//!
//! Here: the tables, the present, and what every room of the engine shares.
//! Never here: stepping a process (that is `world`), connections, disks, flows (rooms of their
//! own).
//! Modelled on: -

use std::collections::{BTreeMap, VecDeque};

use super::beat::Beat;
use super::cause::{Cause, Causes, What};
use super::census::Census;
use super::dice::{Address, Noise, Purpose, entity};
use super::digest::Digest;
use super::disk::{Device, Operation};
use super::event::Event;
use super::event_list::{EventList, Handle};
use super::flow::{FlowProgress, Flows};
use super::held::Held;
use super::id::{EventId, FlowId, HostId, ProcessId, ResourceId, SiteId};
use super::limits::{EVENTS_PENDING_MAX, PARKED_MAX};
use super::net::{LinkClasses, Net};
use super::note::{Note, Stamped};
use super::process::{Conn, ConnEvent, Gate, Input, Mark, Port, Slot};
use super::resource::{Grant, ResourceState};
use super::slab::Slabs;
use super::tcp::Connection;
use super::time::{LocalTime, Monotonic, SimDuration, SimTime, Wall};
use super::volume::Volume;

/// What became of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It started.
    Started,
    /// It ended itself: upstream's own assertion or `terminate`.
    Exited(&'static str),
    /// It was killed, or its host lost power.
    Killed,
    /// It was stopped or frozen.
    Stopped,
    /// It goes on.
    Resumed,
}

/// A turn in a process's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// When.
    pub at: SimTime,
    /// Whose.
    pub process: ProcessId,
    /// Which.
    pub life: Life,
}

/// An armed trigger on a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkTrigger {
    /// Which mark.
    pub mark: Mark,
    /// The n-th from now, 1 the next.
    pub nth: u32,
    /// The process dies after so many effects of the step, if any number is given.
    pub crash_after: Option<u32>,
}

/// A trigger that was hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkHit {
    /// The number that arming it returned.
    pub trigger: u32,
    /// When.
    pub at: SimTime,
    /// By whom.
    pub process: ProcessId,
}

/// An invariant of a model that did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// When.
    pub at: SimTime,
    /// In which process.
    pub process: ProcessId,
    /// Its name, without `model/`.
    pub name: &'static str,
}

/// What let an input through; enough to tell its cause if anybody keeps causes.
#[derive(Clone, Copy, Default)]
pub(super) struct Bound {
    pub(super) cause: EventId,
    pub(super) gate: EventId,
    /// Of a message its sender, of a grant its wait in microseconds.
    pub(super) detail: u32,
    /// Of a grant: which resource.
    pub(super) resource: u16,
}

/// What waits for a process that does not run.
#[derive(Clone, Copy)]
pub(super) enum Delivery {
    Input(Input),
    /// Effects behind work that was done meanwhile.
    Worked(u32),
}

impl Delivery {
    /// The message in it, if it holds one.
    pub(super) const fn message(self) -> Option<Slot> {
        match self {
            Delivery::Input(
                Input::Connection(_, ConnEvent::Message(slot)) | Input::Admin(slot),
            ) => Some(slot),
            Delivery::Input(_) | Delivery::Worked(_) => None,
        }
    }

    /// The connection that it concerns, with what happened to it.
    pub(super) const fn connection(self) -> Option<(Conn, ConnEvent)> {
        match self {
            Delivery::Input(Input::Connection(conn, event)) => Some((conn, event)),
            Delivery::Input(_) | Delivery::Worked(_) => None,
        }
    }
}

#[derive(Clone)]
pub(super) struct Parked {
    pub(super) delivery: Delivery,
    pub(super) handle: Handle,
    pub(super) bound: Bound,
}

#[derive(Clone)]
pub(super) struct ProcessState {
    pub(super) name: String,
    pub(super) host: HostId,
    pub(super) noise: Noise,
    pub(super) alive: bool,
    pub(super) stopped: bool,
    /// Killed, and its kernel frees its memory: `death`.
    pub(super) dying: bool,
    /// From SIGKILL to closed sockets.
    pub(super) teardown: SimDuration,
    /// Someone started it while it died.
    pub(super) start_again: bool,
    /// An operator took it down: no supervisor starts it again.
    pub(super) kept_down: bool,
    /// Dies when it wants to or is killed, and is started again so long after.
    pub(super) restart_after: Option<SimDuration>,
    /// May look at and kill its neighbours on the host (sshd, a supervisor).
    pub(super) agent: bool,
    pub(super) starts: u32,
    pub(super) parked: VecDeque<Parked>,
    pub(super) listening: Vec<(Port, super::id::InterfaceId)>,
    pub(super) resources: Vec<ResourceState>,
    pub(super) volume: Volume,
    pub(super) device: u32,
}

#[derive(Clone)]
pub(super) struct HostState {
    pub(super) name: String,
    pub(super) clock: Clock,
    /// When each core is free again.
    pub(super) cores: Vec<SimTime>,
    /// Processes to start when the host boots.
    pub(super) was_running: Vec<ProcessId>,
    /// How often it lost power.
    pub(super) power_losses: u64,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Clock {
    /// What the monotonic clock reads at the start of the run: the host booted before it.
    pub(super) booted_ns: u64,
    pub(super) drift_ppm: i32,
    pub(super) wall_offset_ns: i64,
}

impl Clock {
    pub(super) fn read(self, now: SimTime) -> LocalTime {
        let ns = now.as_nanos();
        let local = if self.drift_ppm == 0 { ns } else { self.drifted(ns) };
        LocalTime {
            monotonic: Monotonic::from_nanos(self.booted_ns + local),
            wall: Wall::from_nanos(local.saturating_add_signed(self.wall_offset_ns)),
        }
    }

    fn drifted(self, ns: u64) -> u64 {
        let scaled = i128::from(ns) * (1_000_000 + i128::from(self.drift_ppm)) / 1_000_000;
        u64::try_from(scaled).unwrap_or(0)
    }

    /// A span of this clock in the engine's time.
    #[inline]
    pub(super) fn to_sim(self, span: SimDuration) -> SimDuration {
        if self.drift_ppm == 0 {
            return span;
        }
        let rate = 1_000_000_i64 + i64::from(self.drift_ppm);
        span.scaled(1_000_000, u64::try_from(rate).unwrap_or(1).max(1))
    }
}

#[derive(Clone)]
pub(super) struct Core {
    pub(super) now: SimTime,
    pub(super) seed: u64,
    pub(super) lineage: u64,
    pub(super) list: EventList<Event>,
    /// The event whose step runs.
    pub(super) event: EventId,
    pub(super) processes: Vec<ProcessState>,
    /// Per process: its inputs wait.
    pub(super) waits: Vec<bool>,
    pub(super) hosts: Vec<HostState>,
    pub(super) racks: Vec<(String, SiteId)>,
    /// Name and region.
    pub(super) sites: Vec<(String, String)>,
    pub(super) net: Net,
    pub(super) conns: Vec<Connection>,
    pub(super) conns_free: Vec<u32>,
    pub(super) conn_numbers: BTreeMap<(ProcessId, ProcessId), u64>,
    pub(super) stalled: Vec<u32>,
    pub(super) slabs: Slabs,
    pub(super) held: Held,
    pub(super) devices: Vec<Device>,
    pub(super) operations: Vec<Option<Operation>>,
    pub(super) operations_free: Vec<u32>,
    pub(super) flows: Flows,
    pub(super) beats: Vec<Beat>,
    pub(super) gates: BTreeMap<(ProcessId, Gate), EventId>,
    pub(super) causes: Causes,
    pub(super) digest: Digest,
    pub(super) history_digest: Digest,
    pub(super) notes: Vec<Stamped>,
    pub(super) turns: Vec<Turn>,
    pub(super) hits: Vec<MarkHit>,
    pub(super) broken: Vec<Broken>,
    pub(super) triggers: Vec<(u32, MarkTrigger)>,
    pub(super) trigger_next: u32,
    pub(super) census: Option<Census>,
    pub(super) limit_hit: Option<&'static str>,
    pub(super) events_max: u64,
}

const PROCESS_KEY: Purpose = Purpose::named("engine/process");

impl Core {
    pub(super) fn new(seed: u64, classes: LinkClasses) -> Core {
        Core {
            now: SimTime::START,
            seed,
            lineage: 0,
            list: EventList::new(),
            event: EventId(0),
            processes: Vec::new(),
            waits: Vec::new(),
            hosts: Vec::new(),
            racks: Vec::new(),
            sites: Vec::new(),
            net: Net::new(classes),
            conns: Vec::new(),
            conns_free: Vec::new(),
            conn_numbers: BTreeMap::new(),
            stalled: Vec::new(),
            slabs: Slabs::default(),
            held: Held::default(),
            devices: Vec::new(),
            operations: Vec::new(),
            operations_free: Vec::new(),
            flows: Flows::default(),
            beats: Vec::new(),
            gates: BTreeMap::new(),
            causes: Causes::default(),
            digest: Digest(seed),
            history_digest: Digest(seed),
            notes: Vec::new(),
            turns: Vec::new(),
            hits: Vec::new(),
            broken: Vec::new(),
            triggers: Vec::new(),
            trigger_next: 0,
            census: None,
            limit_hit: None,
            events_max: super::limits::EVENTS_PER_RUN_MAX,
        }
    }

    pub(super) fn address(&self, name: &str) -> Address {
        Address { seed: self.seed, lineage: self.lineage, entity: entity(name) }
    }

    pub(super) fn process_noise(&self, name: &str) -> Noise {
        Noise::of(self.address(name), PROCESS_KEY, 0)
    }

    #[inline]
    pub(super) fn schedule(&mut self, at: SimTime, event: Event) -> Handle {
        if EVENTS_PENDING_MAX <= self.list.len() {
            self.limit_hit.get_or_insert("EVENTS_PENDING_MAX");
        }
        self.list.schedule(at, self.event, event)
    }

    /// Begins an event: counts it, folds it into the digest, keeps its cause.
    #[inline]
    pub(super) fn begin(&mut self, process: ProcessId, bound: Bound, what: impl Fn(&Core) -> What) {
        self.event.0 += 1;
        if self.events_max < self.event.0 {
            self.limit_hit.get_or_insert("EVENTS_PER_RUN_MAX");
        }
        if self.causes.recording() {
            let Bound { cause, gate, .. } = bound;
            let what = what(self);
            self.causes.record(Cause { at: self.now, process, what, cause, gate });
        }
    }

    /// What an input is to a path.
    pub(super) fn what(&self, input: Input, bound: Bound) -> What {
        match input {
            Input::Started => What::Started,
            Input::Timer(tag) => What::Timer(tag),
            Input::Disk(tag, _) => What::Disk(tag),
            Input::Granted(tag) => What::Granted {
                resource: ResourceId(bound.resource.into()),
                tag,
                waited: SimDuration::from_micros(bound.detail.into()),
            },
            Input::Connection(_, ConnEvent::Message(slot)) => What::Message {
                interface: slot.interface,
                kind: self.slabs.kind(slot),
                from: ProcessId(bound.detail),
            },
            Input::Connection(_, event) => What::Connection(event.word()),
            Input::Flow(..) => What::Flow,
            Input::Beat(..) => What::Beat,
            Input::Admin(_) => What::Admin,
        }
    }

    #[inline]
    pub(super) fn fold(&mut self, process: ProcessId, kind: u64, arg: u64) {
        let who = u64::from(process.0) << 32 | kind;
        self.digest = self.digest.with_words([self.now.as_nanos(), who, arg]);
    }

    pub(super) fn note(&mut self, by: ProcessId, note: Note) {
        let [a, b, c, d, e] = note.fields;
        let who = u64::from(by.0) << 16 | u64::from(note.kind);
        self.history_digest =
            self.history_digest.with_words([self.now.as_nanos(), who, a, b, c, d, e]);
        self.notes.push(Stamped { at: self.now, by, event: self.event, note });
    }

    pub(super) fn turn(&mut self, process: ProcessId, life: Life) {
        self.turns.push(Turn { at: self.now, process, life });
    }

    pub(super) fn is_running(&self, process: ProcessId) -> bool {
        let state = &self.processes[process.index()];
        state.alive && !state.stopped && self.kernel_runs(state.host)
    }

    pub(super) fn kernel_runs(&self, host: HostId) -> bool {
        let net = &self.net.hosts[host.index()];
        net.up && !net.frozen
    }

    /// Whether the process must wait with its inputs: a flag, since every input asks.
    #[inline]
    pub(super) fn parks(&self, process: ProcessId) -> bool {
        self.waits[process.index()]
    }

    /// Sets the flag anew after a stop, a freeze, a change of what is parked, or a death.
    pub(super) fn refresh_waits(&mut self, process: ProcessId) {
        let state = &self.processes[process.index()];
        let frozen = self.net.hosts[state.host.index()].frozen;
        self.waits[process.index()] = state.stopped || frozen || !state.parked.is_empty();
    }

    pub(super) fn park(&mut self, process: ProcessId, parked: Parked) {
        let queue = &mut self.processes[process.index()].parked;
        if PARKED_MAX <= queue.len() {
            self.limit_hit.get_or_insert("PARKED_MAX");
            return;
        }
        queue.push_back(parked);
        self.refresh_waits(process);
    }

    /// An input of the local kernel, at once, behind what already waits.
    pub(super) fn tell(&mut self, process: ProcessId, input: Input) {
        let bound = Bound { cause: self.event, ..Bound::default() };
        let delivery = Delivery::Input(input);
        self.park(process, Parked { delivery, handle: Handle::NONE, bound });
        if self.processes[process.index()].parked.len() == 1 {
            self.unpark(process);
        }
    }

    pub(super) fn tell_flow(&mut self, owner: ProcessId, id: FlowId, progress: FlowProgress) {
        self.tell(owner, Input::Flow(id, progress));
    }

    /// What waited goes on, one input an event.
    pub(super) fn unpark(&mut self, process: ProcessId) {
        if !self.processes[process.index()].parked.is_empty() && self.is_running(process) {
            self.schedule(self.now, Event::Unpark { process });
        }
    }

    pub(super) fn resource_name(&self, process: ProcessId, resource: ResourceId) -> &'static str {
        let resources = &self.processes[process.index()].resources;
        resources.get(resource.index()).map_or("resource", |state| state.name)
    }

    /// When work of `span` that may start now on this host will be done: the first free core.
    pub(super) fn occupy_core(
        &mut self,
        host: HostId,
        from: SimTime,
        span: SimDuration,
    ) -> SimTime {
        let cores = &mut self.hosts[host.index()].cores;
        let free = cores.iter_mut().min().expect("a host has a core");
        let done = (*free).max(from) + span;
        *free = done;
        done
    }

    pub(super) fn release(&mut self, process: ProcessId, resource: ResourceId, shared: bool) {
        let Some(state) = self.processes[process.index()].resources.get_mut(resource.index())
        else {
            return;
        };
        state.release(shared);
        while let Some(grant) = self.processes[process.index()].resources[resource.index()].pass() {
            self.deliver_grant(process, resource, grant);
        }
    }

    pub(super) fn deliver_grant(&mut self, process: ProcessId, resource: ResourceId, grant: Grant) {
        let waited_us = self.now.since(grant.since).as_nanos() / 1_000;
        let event = Event::granted(process, resource, grant.tag, waited_us);
        self.schedule(self.now, event);
    }

    /// The host's kernel runs: packets find it, and what had run starts.
    pub(super) fn boot(&mut self, host: HostId) {
        self.net.disturb(host, |net| &mut net.up, true);
        for process in std::mem::take(&mut self.hosts[host.index()].was_running) {
            self.schedule(self.now, Event::Start { process });
        }
        self.path_changed();
        self.flows_path_changed();
    }

    /// Takes the starts and boots that are due on a host out of the list.
    pub(super) fn take_starts(&mut self, host: HostId) -> Vec<ProcessId> {
        let mut starts = Vec::new();
        let processes = &self.processes;
        let elsewhere = |event: &Event| {
            if let Event::Start { process } = event {
                processes[process.index()].host != host
            } else {
                *event != Event::Boot { host }
            }
        };
        self.list.retain(elsewhere, |event| {
            if let Event::Start { process } = event {
                starts.push(process);
            }
        });
        starts.sort_unstable();
        starts
    }

    pub(super) fn name_of(&self, process: ProcessId) -> &str {
        &self.processes[process.index()].name
    }

    pub(super) fn discard(&mut self, slot: Slot) {
        self.slabs.discard(slot);
    }
}
