//! World: a run: built once, stepped event by event, cloned to fork.
//!
//! Here: building, the dispatch of events to processes, and what a run tells those who watch it.
//! Never here: what goes wrong (that is `control`), a loop over runs.
//! Modelled on: discrete-event simulation's event loop.

use super::cause::{CriticalPath, What};
use super::census::CensusRow;
use super::core::{
    Bound, Broken, Core, Delivery, HostState, Life, MarkHit, Parked, ProcessState, Turn,
};
use super::ctx::Ctx;
use super::dice::{Purpose, below, weather_word};
use super::digest::Digest;
use super::disk::{Device, DiskOptions};
use super::event::Event;
use super::event_list::{Due, Handle};
use super::id::{BeatId, EventId, HostId, InterfaceId, ProcessId, RackId, ResourceId, SiteId};
use super::net::{HostNet, LinkClasses, LinkOptions};
use super::note::{Note, Stamped};
use super::process::{ConnEvent, Input, Process, Tag};
use super::time::{SimDuration, SimTime};
use super::volume::Volume;

/// When a host had booted, before the run: what counts from there (a grid of expiry) has a random
/// phase against all else.
const BOOTED: Purpose = Purpose::named("engine/booted");
const BOOTED_NS_MAX: u64 = 3_600_000_000_000;

/// How a host is equipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostOptions {
    /// Cores that its processes share.
    pub cores: u32,
    /// Its first disk.
    pub disk: DiskOptions,
    /// Drift of its clock, parts per million.
    pub drift_ppm: i32,
}

impl Default for HostOptions {
    fn default() -> HostOptions {
        HostOptions { cores: 8, disk: DiskOptions::default(), drift_ppm: 0 }
    }
}

/// How a process is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessOptions {
    /// Starts so long after the world does.
    pub start_after: SimDuration,
    /// Is not started by itself.
    pub manual_start: bool,
    /// Is started again so long after it ended; `None`: stays down.
    pub restart_after: Option<SimDuration>,
    /// May look at and kill its neighbours on the host.
    pub agent: bool,
    /// Has a disk of its own instead of the host's first.
    pub disk: Option<DiskOptions>,
}

/// One run. Cloning forks it.
#[derive(Clone)]
pub struct World {
    pub(super) core: Core,
    processes: Vec<Option<Box<dyn Process>>>,
    blueprints: Vec<Option<Box<dyn Process>>>,
}

fn id(index: usize) -> u32 {
    u32::try_from(index).expect("ids are u32")
}

impl World {
    /// An empty world: the root of every draw and the links by distance.
    pub fn new(seed: u64, classes: LinkClasses) -> World {
        World { core: Core::new(seed, classes), processes: Vec::new(), blueprints: Vec::new() }
    }

    /// Adds a data centre that is a region of its own.
    pub fn add_site(&mut self, name: &str) -> SiteId {
        self.add_site_in(name, name)
    }

    /// Adds a data centre to a region (a city).
    pub fn add_site_in(&mut self, name: &str, region: &str) -> SiteId {
        self.core.sites.push((name.to_string(), region.to_string()));
        SiteId(id(self.core.sites.len() - 1))
    }

    /// Adds a rack to a site.
    pub fn add_rack(&mut self, name: &str, site: SiteId) -> RackId {
        self.core.racks.push((name.to_string(), site));
        RackId(id(self.core.racks.len() - 1))
    }

    /// Adds a host to a rack.
    pub fn add_host(&mut self, name: &str, rack: RackId, options: HostOptions) -> HostId {
        let host = HostId(id(self.core.hosts.len()));
        let site = self.core.racks[rack.index()].1;
        self.core.net.hosts.push(HostNet {
            rack,
            site,
            up: true,
            frozen: false,
            silent: false,
            nic_free_at: SimTime::START,
        });
        let address = self.core.address(&format!("host:{name}"));
        let clock = super::core::Clock {
            drift_ppm: options.drift_ppm,
            booted_ns: below(weather_word(address, BOOTED, 0), BOOTED_NS_MAX),
            ..super::core::Clock::default()
        };
        let cores = vec![SimTime::START; options.cores.max(1) as usize];
        let name = name.to_string();
        self.add_device(host, &name, options.disk);
        self.core.hosts.push(HostState {
            name,
            clock,
            cores,
            was_running: Vec::new(),
            power_losses: 0,
        });
        host
    }

    fn add_device(&mut self, host: HostId, name: &str, options: DiskOptions) -> u32 {
        let address = self.core.address(&format!("disk:{name}"));
        self.core.devices.push(Device::new(host, options, address));
        id(self.core.devices.len() - 1)
    }

    /// Gives two sites a link of their own.
    pub fn connect_sites(&mut self, one: SiteId, other: SiteId, options: LinkOptions) {
        self.core.net.connect_sites(one, other, options);
    }

    /// Gives the link from one host to another options of its own.
    pub fn override_link(&mut self, from: HostId, to: HostId, options: LinkOptions) {
        self.core.net.override_link(from, to, options);
    }

    /// Reserves a process's id, so that its peers can be told before it is made.
    pub fn reserve(&mut self, name: &str, host: HostId, options: ProcessOptions) -> ProcessId {
        let process = ProcessId(id(self.core.processes.len()));
        let device = match options.disk {
            Some(disk) => self.add_device(host, name, disk),
            None => {
                let first = self.core.devices.iter().position(|device| device.host == host);
                id(first.expect("a host has a disk"))
            }
        };
        let noise = self.core.process_noise(name);
        let twin = self.core.processes.iter().find(|state| state.noise == noise);
        assert!(twin.is_none(), "two processes share the name or hash of {name}");
        self.core.processes.push(ProcessState {
            name: name.to_string(),
            host,
            noise,
            alive: false,
            stopped: false,
            dying: false,
            teardown: SimDuration::ZERO,
            start_again: false,
            kept_down: false,
            restart_after: options.restart_after,
            agent: options.agent,
            starts: 0,
            parked: Default::default(),
            listening: Vec::new(),
            resources: Vec::new(),
            volume: Volume::default(),
            device,
        });
        self.core.waits.push(false);
        self.processes.push(None);
        self.blueprints.push(None);
        if !options.manual_start {
            let at = SimTime::START + options.start_after;
            self.core.schedule(at, Event::Start { process });
        }
        process
    }

    /// Puts the process in its place: every start takes a copy of it.
    pub fn install(&mut self, process: ProcessId, blueprint: Box<dyn Process>) {
        self.blueprints[process.index()] = Some(blueprint);
    }

    /// Reserves and installs.
    pub fn add_process(
        &mut self,
        name: &str,
        host: HostId,
        options: ProcessOptions,
        blueprint: Box<dyn Process>,
    ) -> ProcessId {
        let process = self.reserve(name, host, options);
        self.install(process, blueprint);
        process
    }

    /// Ends the run after so many events, with a finding.
    pub fn limit_events(&mut self, events: u64) {
        self.core.events_max = events;
    }

    /// Counts messages from now on.
    pub fn take_census(&mut self) {
        self.core.census = Some(Default::default());
    }

    /// The counts so far.
    pub fn census(&self) -> Vec<CensusRow> {
        let name = |interface: InterfaceId| self.core.slabs.name(interface);
        self.core.census.as_ref().map(|census| census.rows(name)).unwrap_or_default()
    }

    /// The present.
    pub const fn now(&self) -> SimTime {
        self.core.now
    }

    /// When the next event is due.
    #[inline]
    pub fn next_due(&mut self) -> Option<SimTime> {
        self.core.list.peek()
    }

    /// Events so far.
    pub const fn events(&self) -> u64 {
        self.core.event.0
    }

    /// Over every kernel event; compared only within one version.
    pub const fn digest(&self) -> Digest {
        self.core.digest
    }

    /// Over the neutral history; what is cited.
    pub const fn history_digest(&self) -> Digest {
        self.core.history_digest
    }

    /// The limit that ended the run, if one did.
    pub const fn limit_hit(&self) -> Option<&'static str> {
        self.core.limit_hit
    }

    /// A process's name.
    pub fn process_name(&self, process: ProcessId) -> &str {
        self.core.name_of(process)
    }

    /// A process by name.
    pub fn process_named(&self, name: &str) -> Option<ProcessId> {
        let found = self.core.processes.iter().position(|state| state.name == name);
        found.map(|index| ProcessId(id(index)))
    }

    /// How many processes there are.
    pub const fn process_count(&self) -> usize {
        self.core.processes.len()
    }

    /// The host of a process.
    pub fn host_of(&self, process: ProcessId) -> HostId {
        self.core.processes[process.index()].host
    }

    /// A host's name.
    pub fn host_name(&self, host: HostId) -> &str {
        &self.core.hosts[host.index()].name
    }

    /// A host by name.
    pub fn host_named(&self, name: &str) -> Option<HostId> {
        let found = self.core.hosts.iter().position(|state| state.name == name);
        found.map(|index| HostId(id(index)))
    }

    /// Hosts of a rack, by its name.
    pub fn hosts_in_rack(&self, name: &str) -> Vec<HostId> {
        self.hosts_where(|host| self.core.racks[host.rack.index()].0 == name)
    }

    /// Hosts of a site, by its name.
    pub fn hosts_in_site(&self, name: &str) -> Vec<HostId> {
        self.hosts_where(|host| self.core.sites[host.site.index()].0 == name)
    }

    /// Hosts of every site of a region, by its name.
    pub fn hosts_in_region(&self, name: &str) -> Vec<HostId> {
        self.hosts_where(|host| self.core.sites[host.site.index()].1 == name)
    }

    /// Every host.
    pub fn hosts(&self) -> Vec<HostId> {
        self.hosts_where(|_| true)
    }

    fn hosts_where(&self, wanted: impl Fn(&HostNet) -> bool) -> Vec<HostId> {
        let hosts = self.core.net.hosts.iter().enumerate();
        hosts.filter(|(_, host)| wanted(host)).map(|(index, _)| HostId(id(index))).collect()
    }

    /// Processes of a host.
    pub fn processes_on(&self, host: HostId) -> Vec<ProcessId> {
        let states = self.core.processes.iter().enumerate();
        let here = states.filter(|(_, state)| state.host == host);
        here.map(|(index, _)| ProcessId(id(index))).collect()
    }

    /// Whether a process has been started and has neither ended nor been killed (it may be
    /// stopped).
    pub fn is_alive(&self, process: ProcessId) -> bool {
        let state = &self.core.processes[process.index()];
        state.alive && !state.dying
    }

    /// What a timer, lock or disk operation of a process is called.
    pub fn tag_name(&self, process: ProcessId, tag: Tag) -> &'static str {
        let of = |place: &Vec<Option<Box<dyn Process>>>| {
            place[process.index()].as_ref().map(|process| process.tag_name(tag))
        };
        of(&self.processes).or_else(|| of(&self.blueprints)).unwrap_or("timer")
    }

    /// What a process calls one of its resources.
    pub fn resource_name(&self, process: ProcessId, resource: ResourceId) -> &'static str {
        self.core.resource_name(process, resource)
    }

    /// What an interface is called.
    pub fn interface_name(&self, interface: InterfaceId) -> &'static str {
        self.core.slabs.name(interface)
    }

    /// The notes since the last call.
    pub fn drain_notes(&mut self) -> std::vec::Drain<'_, Stamped> {
        self.core.notes.drain(..)
    }

    /// Whether there are notes, turns, hits or broken invariants that nobody has taken.
    #[inline]
    pub const fn has_news(&self) -> bool {
        !(self.core.notes.is_empty()
            && self.core.turns.is_empty()
            && self.core.hits.is_empty()
            && self.core.broken.is_empty())
    }

    /// Turns in the lives of processes since the last call.
    pub fn take_turns(&mut self) -> Vec<Turn> {
        std::mem::take(&mut self.core.turns)
    }

    /// Triggers hit since the last call.
    pub fn take_hits(&mut self) -> Vec<MarkHit> {
        std::mem::take(&mut self.core.hits)
    }

    /// Invariants found broken since the last call.
    pub fn take_broken(&mut self) -> Vec<Broken> {
        std::mem::take(&mut self.core.broken)
    }

    /// Writes a fact on behalf of a process that can no longer do so.
    pub fn note(&mut self, by: ProcessId, note: impl Into<Note>) {
        self.core.note(by, note.into());
    }

    /// Keeps causes from now on.
    pub fn record_causes(&mut self) {
        let next = EventId(self.core.event.0 + 1);
        self.core.causes.start(next, self.core.now);
    }

    /// Forgets all causes.
    pub fn forget_causes(&mut self) {
        self.core.causes.stop();
    }

    /// The path from the onset to an event.
    pub fn critical_path(&self, end: EventId, onset: SimTime) -> CriticalPath {
        self.core.causes.critical_path(end, onset)
    }

    /// Runs all events due up to and including `until`; the present becomes `until`.
    pub fn advance(&mut self, until: SimTime) {
        while self.next_due().is_some_and(|due| due <= until) && self.limit_hit().is_none() {
            self.step();
        }
        self.core.now = self.core.now.max(until);
    }

    /// Runs the next event. `false`: there is none.
    #[inline]
    pub fn step(&mut self) -> bool {
        let Some(due) = self.core.list.pop() else { return false };
        self.core.now = due.at;
        self.dispatch(due);
        true
    }

    #[inline]
    fn dispatch(&mut self, due: Due<Event>) {
        let Due { handle, cause, event, .. } = due;
        let bound = Bound { cause, ..Bound::default() };
        match event {
            Event::Timer { process, kind, arg } => {
                self.enter(process, Input::Timer(Tag { kind, arg }), (handle, bound));
            }
            Event::Segment { end, segment } => {
                if let Some((process, input, detail)) = self.core.on_segment(end, segment) {
                    let bound = Bound { gate: segment.gate(), detail, ..bound };
                    self.enter(process, input, (handle, bound));
                }
            }
            Event::Granted { process, resource, waited_us, kind, arg } => {
                let bound = Bound { detail: waited_us, resource, ..bound };
                let input = Input::Granted(Tag { kind, arg });
                self.enter(process, input, (handle, bound));
            }
            Event::Disk { operation } => {
                if let Some((process, tag, outcome)) = self.core.on_disk(operation) {
                    let input = Input::Disk(tag, outcome);
                    self.enter(process, input, (handle, bound));
                }
            }
            Event::Worked { batch } => self.on_worked(batch, cause),
            Event::Unpark { process } => {
                let state = &mut self.core.processes[process.index()];
                if let Some(parked) = state.parked.pop_front() {
                    self.core.refresh_waits(process);
                    if let Some((conn, ConnEvent::Message(slot))) = parked.delivery.connection() {
                        self.core.read_late(conn, slot);
                    }
                    // What kept it waiting lasted longer than what had sent it.
                    let gate = parked.bound.gate.max(cause);
                    let bound = Bound { gate, ..parked.bound };
                    match parked.delivery {
                        Delivery::Input(input) => self.deliver(process, input, bound),
                        Delivery::Worked(batch) => self.apply_worked((process, batch), bound),
                    }
                    self.core.unpark(process);
                }
            }
            Event::Syn { slot, attempt } => self.quietly(cause, |core| core.on_syn(slot, attempt)),
            Event::Unreachable { slot } => self.quietly(cause, |core| core.on_unreachable(slot)),
            Event::Retransmit { end } => self.quietly(cause, |core| core.on_retransmit(end)),
            Event::GiveUp { end } => self.quietly(cause, |core| core.on_give_up(end)),
            Event::Flow => self.quietly(cause, Core::on_flow),
            Event::Boot { host } => self.quietly(cause, |core| core.boot(host)),
            Event::BeatDue { beat } => self.quietly(cause, |core| core.on_beat_due(beat)),
            Event::BeatSilent { beat } => {
                if let Some((process, event)) = self.core.on_beat_silent(beat) {
                    let input = Input::Beat(BeatId(beat), event);
                    self.enter(process, input, (handle, bound));
                }
            }
            Event::Start { process } => self.start_now(process, bound),
            Event::Freed { process } => self.core.on_freed(process, cause),
            Event::Exit { process, reason } => {
                self.quietly(cause, |core| core.end_process(process, Life::Exited(reason), false));
            }
        }
    }

    /// An event of the kernel: what it lets through is caused by what scheduled it.
    fn quietly(&mut self, cause: EventId, act: impl FnOnce(&mut Core)) {
        let before = std::mem::replace(&mut self.core.event, cause);
        act(&mut self.core);
        self.core.event = before;
    }

    fn on_worked(&mut self, batch: u32, cause: EventId) {
        let Some(process) = self.core.held.owner(batch) else {
            return self.core.release_held(batch);
        };
        let bound = Bound { cause, ..Bound::default() };
        if self.core.parks(process) {
            let delivery = Delivery::Worked(batch);
            return self.core.park(process, Parked { delivery, handle: Handle::NONE, bound });
        }
        self.apply_worked((process, batch), bound);
    }

    fn apply_worked(&mut self, (process, batch): (ProcessId, u32), bound: Bound) {
        self.core.begin(process, bound, |_| What::Worked);
        self.core.fold(process, 1, 0);
        self.core.release_held(batch);
    }

    fn start_now(&mut self, process: ProcessId, bound: Bound) {
        let index = process.index();
        let host = self.core.processes[index].host;
        let Some(blueprint) = &self.blueprints[index] else { return };
        self.core.processes[index].start_again = self.core.processes[index].dying;
        if self.core.processes[index].alive || !self.core.net.hosts[host.index()].up {
            return;
        }
        self.processes[index] = Some(blueprint.clone());
        let state = &mut self.core.processes[index];
        state.alive = true;
        state.teardown = blueprint.teardown();
        state.starts += 1;
        self.core.turn(process, Life::Started);
        let (input, handle) = (Input::Started, Handle::NONE);
        self.enter(process, input, (handle, bound));
    }

    /// An input reaches a process, or waits until it runs.
    #[inline]
    fn enter(&mut self, process: ProcessId, input: Input, from: (Handle, Bound)) {
        let (handle, bound) = from;
        if self.core.parks(process) {
            if let Input::Connection(conn, ConnEvent::Message(slot)) = input {
                self.core.unread(conn, slot);
            }
            let delivery = Delivery::Input(input);
            return self.core.park(process, Parked { delivery, handle, bound });
        }
        self.deliver(process, input, bound);
    }

    #[inline]
    fn deliver(&mut self, process: ProcessId, input: Input, bound: Bound) {
        self.core.begin(process, bound, |core| core.what(input, bound));
        let (kind, arg) = match input {
            Input::Started => (2, 0),
            Input::Connection(conn, event) => (3, u64::from(conn.end) << 8 | code(event)),
            Input::Timer(tag) => (4, u64::from(tag.kind) << 48 ^ tag.arg),
            Input::Disk(tag, _) => (5, u64::from(tag.kind) << 48 ^ tag.arg),
            Input::Granted(tag) => (6, u64::from(tag.kind) << 48 ^ tag.arg),
            Input::Flow(flow, _) => (7, u64::from(flow.0)),
            Input::Beat(beat, _) => (8, u64::from(beat.0)),
            Input::Admin(_) => (9, 0),
        };
        self.core.fold(process, kind, arg);
        if !self.core.beats.is_empty()
            && let Input::Connection(conn, ConnEvent::Message(_)) = input
        {
            for (beat, owner) in self.core.heard(conn) {
                let back = Input::Beat(beat, super::process::BeatEvent::Returned);
                self.core.tell(owner, back);
            }
        }
        let Some(state) = self.processes[process.index()].as_mut() else { return };
        let mut ctx = Ctx::new(&mut self.core, process);
        state.step(input, &mut ctx);
        ctx.finish();
    }

    /// A fault or a command begins an event of its own, so that what follows has a cause.
    pub(super) fn intervene(&mut self, process: ProcessId, what: What) {
        self.core.begin(process, Bound::default(), |_| what);
        self.core.fold(process, 10, 0);
    }

    /// Goes on under another lineage: state and history stay, draws are new.
    #[must_use]
    pub fn fork(&self, branch: u64) -> World {
        let mut fork = self.clone();
        let core = &mut fork.core;
        core.lineage = Digest(core.lineage).with_words([core.event.0, branch]).0;
        for index in 0..core.processes.len() {
            core.processes[index].noise = core.process_noise(&core.processes[index].name);
        }
        for index in 0..core.devices.len() {
            let name = format!("disk:{}", core.hosts[core.devices[index].host.index()].name);
            let address = core.address(&format!("{name}/{index}"));
            core.devices[index].rekey(address);
        }
        core.rekey_connections();
        fork
    }

    /// The lineage as one word; 0: never forked.
    pub const fn lineage(&self) -> u64 {
        self.core.lineage
    }
}

const fn code(event: ConnEvent) -> u64 {
    match event {
        ConnEvent::Accepted { .. } => 1,
        ConnEvent::Connected => 2,
        ConnEvent::Refused => 3,
        ConnEvent::Unreachable => 4,
        ConnEvent::TimedOut => 5,
        ConnEvent::Message(_) => 6,
        ConnEvent::Drained => 7,
        ConnEvent::Reset => 8,
        ConnEvent::Closed => 9,
    }
}
