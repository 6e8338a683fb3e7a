//! Ctx: all that a process may see and ask for during one step.
//!
//! Here: one method per effect of the contract; effects happen in the order asked for, those behind
//! `work` when the work is done.
//! Never here: simulated time (a process sees its host's clocks), other processes' state.
//! Modelled on: system calls.

use super::beat::BeatSpec;
use super::core::{Core, Life};
use super::dice::{Purpose, Words};
use super::event::Event;
use super::held::Effect;
use super::id::{BeatId, EventId, FlowId, HostId, ProcessId, ResourceId};
use super::log::Log;
use super::note::Note;
use super::process::{Conn, Gate, Interface, Mark, Port, Resource, Slot, Tag, Timer};
use super::resource::ResourceState;
use super::time::{LocalTime, SimDuration, SimTime};
use super::volume::{FileName, Record, Volume, single};

/// The step's view of the world.
pub struct Ctx<'a> {
    pub(super) core: &'a mut Core,
    me: ProcessId,
    host: HostId,
    /// The batch behind the step's last work, and when that is done.
    held: Option<(u32, SimTime)>,
    /// How many effects the process still has before it dies of a crash point.
    fuse: u32,
    /// It has ended during this step.
    dead: bool,
}

impl<'a> Ctx<'a> {
    #[inline]
    pub(super) fn new(core: &'a mut Core, me: ProcessId) -> Ctx<'a> {
        let host = core.processes[me.index()].host;
        Ctx { core, me, host, held: None, fuse: u32::MAX, dead: false }
    }

    /// Ends the step: the process dies here if a crash point was hit.
    #[inline]
    pub(super) fn finish(self) {
        if self.fuse != u32::MAX {
            self.core.end_process(self.me, Life::Killed, false);
        }
    }

    #[inline]
    fn spend(&mut self) -> bool {
        if self.fuse == u32::MAX {
            return !self.dead;
        }
        let left = self.fuse != 0;
        self.fuse = self.fuse.saturating_sub(1);
        left
    }

    #[inline]
    fn ask(&mut self, effect: Effect) {
        if !self.spend() {
            if let Effect::Send { message, .. } = effect {
                self.core.discard(message);
            }
            return;
        }
        match self.held {
            Some((batch, _)) => self.core.held.push(batch, effect),
            None => {
                self.dead = matches!(effect, Effect::Exit(_));
                self.core.apply(self.me, effect);
            }
        }
    }

    /// The clocks of the host.
    pub fn now(&self) -> LocalTime {
        self.core.hosts[self.host.index()].clock.read(self.core.now)
    }

    /// The process itself.
    pub const fn me(&self) -> ProcessId {
        self.me
    }

    /// How often the process has been started, this time included.
    pub fn starts(&self) -> u32 {
        self.core.processes[self.me.index()].starts
    }

    /// A draw that decides `purpose` for the `ordinal`-th time.
    #[inline]
    pub fn dice(&self, purpose: Purpose, ordinal: u64) -> Words {
        self.core.processes[self.me.index()].noise.decide(purpose, ordinal)
    }

    /// Opens a port to an interface.
    pub fn listen<I: Interface>(&mut self, port: Port) {
        let interface = self.core.slabs.interface::<I>();
        self.ask(Effect::Listen { port, interface });
    }

    /// Closes a port; what is connected stays.
    pub fn unlisten(&mut self, port: Port) {
        self.ask(Effect::Unlisten { port });
    }

    /// Starts to connect. The outcome comes as an event; the only time-out is the kernel's (127 s).
    pub fn connect<I: Interface>(&mut self, to: ProcessId, port: Port) -> Conn {
        let interface = self.core.slabs.interface::<I>();
        self.spend();
        self.core.connect(self.me, to, port, interface)
    }

    /// Sends. A dead connection shows as an event, or has shown.
    pub fn send<I: Interface>(&mut self, conn: Conn, message: I::Message) {
        self.send_message::<I>(conn, message, None);
    }

    /// Sends an answer and names the gate that decided it.
    pub fn send_gated<I: Interface>(&mut self, conn: Conn, message: I::Message, gate: Gate) {
        self.send_message::<I>(conn, message, Some(gate));
    }

    #[inline]
    fn send_message<I: Interface>(&mut self, conn: Conn, message: I::Message, gate: Option<Gate>) {
        let interface = self.core.slabs.interface::<I>();
        let index = self.core.slabs.put::<I>(interface, message);
        self.ask(Effect::Send { conn, message: Slot { interface, index }, gate });
    }

    /// Whether the socket buffer is full: a thread that sends blocks until `Drained`.
    pub fn is_blocked(&self, conn: Conn) -> bool {
        self.core.is_blocked(conn)
    }

    /// Takes a message that arrived; once.
    #[inline]
    pub fn take<I: Interface>(&mut self, slot: Slot) -> I::Message {
        self.core.slabs.take::<I>(slot)
    }

    /// Looks at a message that has not been taken.
    pub fn peek<I: Interface>(&mut self, slot: Slot) -> &I::Message {
        self.core.slabs.peek::<I>(slot)
    }

    /// Drops a message that nobody wants.
    pub fn discard(&mut self, slot: Slot) {
        self.core.discard(slot);
    }

    /// Closes after what was sent. No event follows.
    pub fn close(&mut self, conn: Conn) {
        self.ask(Effect::Close { conn, abort: false });
    }

    /// Resets.
    pub fn abort(&mut self, conn: Conn) {
        self.ask(Effect::Close { conn, abort: true });
    }

    /// Arms a timer: a span of the host's own clock.
    #[inline]
    pub fn arm(&mut self, span: SimDuration, tag: Tag) -> Timer {
        if !self.spend() {
            return Timer::NONE;
        }
        let from = self.held.map_or(self.core.now, |(_, done)| done);
        let span = self.core.hosts[self.host.index()].clock.to_sim(span);
        Timer(self.core.schedule(from + span, Event::timer(self.me, tag)))
    }

    /// Disarms a timer. `false`: it had gone off or was never armed.
    #[inline]
    pub fn cancel(&mut self, timer: Timer) -> bool {
        if self.core.list.cancel(timer.0).is_some() {
            return true;
        }
        // Due while the process was stopped: it waits among the parked inputs.
        let parked = &mut self.core.processes[self.me.index()].parked;
        if timer == Timer::NONE || parked.is_empty() {
            return false;
        }
        let at = parked.iter().position(|waiting| waiting.handle == timer.0);
        let removed = at.is_some_and(|at| parked.remove(at).is_some());
        self.core.refresh_waits(self.me);
        removed
    }

    fn change_volume(&mut self, change: impl Fn(&mut Volume) + Clone + Send + 'static) {
        if self.held.is_some() {
            return self.ask(Effect::Volume(Box::new(change)));
        }
        if self.spend() {
            change(&mut self.core.processes[self.me.index()].volume);
        }
    }

    /// Writes behind a file's end; buffered until synced.
    pub fn append<R: Record>(&mut self, file: FileName, record: R) {
        self.change_volume(move |volume| volume.append(file, record.clone()));
    }

    /// Replaces a one-record file in place, unsynced.
    pub fn overwrite<R: Record>(&mut self, file: FileName, record: R) {
        let bytes = u64::from(record.bytes());
        self.change_volume(move |volume| volume.overwrite(file, single(record.clone()), bytes));
    }

    /// Cuts a file after its first `keep` records, unsynced.
    pub fn truncate(&mut self, file: FileName, keep: usize) {
        self.change_volume(move |volume| volume.truncate(file, keep));
    }

    /// Renames a file over another.
    pub fn rename(&mut self, from: FileName, to: FileName) {
        self.change_volume(move |volume| volume.rename(from, to));
    }

    /// Removes a file.
    pub fn remove(&mut self, file: FileName) {
        self.change_volume(move |volume| volume.remove(file));
    }

    /// Makes what was written durable; the outcome comes when the device is done.
    pub fn sync(&mut self, file: FileName, tag: Tag) {
        self.ask(Effect::Sync { file, tag });
    }

    /// Replaces a one-record file durably: temporary file, sync, rename.
    pub fn replace<R: Record>(&mut self, file: FileName, record: R, tag: Tag) {
        let bytes = u64::from(record.bytes());
        self.ask(Effect::Replace { file, data: single(record), bytes, tag });
    }

    /// Reads so many bytes off the device.
    pub fn read(&mut self, bytes: u64, tag: Tag) {
        self.ask(Effect::Read { bytes, tag });
    }

    /// The files of a kind, in the order of their numbers.
    pub fn files(&self, kind: &'static str) -> Vec<FileName> {
        self.core.processes[self.me.index()].volume.names(kind)
    }

    /// What a file holds. `None`: there is no such file.
    pub fn records<R: Record>(&self, file: FileName) -> Option<&Log<R>> {
        self.core.processes[self.me.index()].volume.records(file)
    }

    /// Makes a lock: exclusive or shared, fair.
    pub fn lock(&mut self, name: &'static str) -> Resource {
        self.pool(name, 1)
    }

    /// Makes a lane: one thread that takes one thing after another.
    pub fn lane(&mut self, name: &'static str) -> Resource {
        self.pool(name, 1)
    }

    /// Makes a pool of `places`.
    pub fn pool(&mut self, name: &'static str, places: u32) -> Resource {
        let resources = &mut self.core.processes[self.me.index()].resources;
        resources.push(ResourceState::new(name, places));
        Resource(ResourceId(u32::try_from(resources.len() - 1).expect("resources are few")))
    }

    /// Asks for a resource; the grant comes as an input, in order.
    pub fn acquire(&mut self, resource: Resource, tag: Tag) {
        self.ask(Effect::Acquire { resource: resource.0, tag, shared: false });
    }

    /// Asks for a share of a lock.
    pub fn acquire_shared(&mut self, resource: Resource, tag: Tag) {
        self.ask(Effect::Acquire { resource: resource.0, tag, shared: true });
    }

    /// Leaves the queue of a resource. `false`: it was not waiting there (any more).
    pub fn give_up(&mut self, resource: Resource, tag: Tag) -> bool {
        let resources = &mut self.core.processes[self.me.index()].resources;
        resources[resource.0.index()].give_up(tag)
    }

    /// Gives an exclusive hold or a place back.
    pub fn release(&mut self, resource: Resource) {
        self.ask(Effect::Release { resource: resource.0, shared: false });
    }

    /// Gives a share back.
    pub fn release_shared(&mut self, resource: Resource) {
        self.ask(Effect::Release { resource: resource.0, shared: true });
    }

    /// Spends time on a core of the host: what is asked for later in this step happens after it.
    pub fn work(&mut self, span: SimDuration) {
        let from = self.held.map_or(self.core.now, |(_, done)| done);
        let done = self.core.occupy_core(self.host, from, span);
        self.hold_until(done);
    }

    /// Lets time pass without a core: what is asked for later in this step happens after it.
    pub fn wait(&mut self, span: SimDuration) {
        let from = self.held.map_or(self.core.now, |(_, done)| done);
        self.hold_until(from + span);
    }

    fn hold_until(&mut self, done: SimTime) {
        if !self.spend() {
            return;
        }
        let batch = self.core.held.open(self.me);
        self.core.schedule(done, Event::Worked { batch });
        self.held = Some((batch, done));
    }

    /// Starts a bulk transfer; `rate_cap` in bytes per second.
    pub fn start_flow(&mut self, to: ProcessId, bytes: u64, rate_cap: Option<u64>) -> FlowId {
        self.core.start_flow(self.me, to, bytes, rate_cap)
    }

    /// Stops a bulk transfer.
    pub fn stop_flow(&mut self, flow: FlowId) {
        self.core.stop_flow(flow);
    }

    /// Declares a periodic exchange: sends `payload` each period, tells of silence.
    pub fn declare_beat<I: Interface>(
        &mut self,
        spec: BeatSpec,
        payload: Option<I::Message>,
    ) -> BeatId {
        let interface = self.core.slabs.interface::<I>();
        let payload = payload.map(|message| {
            let index = self.core.slabs.put::<I>(interface, message);
            Slot { interface, index }
        });
        self.core.declare(self.me, spec, payload)
    }

    /// Upstream's own assertion or `terminate`: the process ends, its kernel closes the sockets.
    pub fn exit(&mut self, reason: &'static str) {
        self.ask(Effect::Exit(reason));
    }

    /// Ends the process after a span, as a JVM that runs its shutdown hooks.
    pub fn exit_after(&mut self, span: SimDuration, reason: &'static str) {
        if self.spend() {
            let at = self.core.now + span;
            self.core.schedule(at, Event::Exit { process: self.me, reason });
        }
    }

    /// Writes a fact into the history.
    pub fn note(&mut self, fact: impl Into<Note>) {
        self.ask(Effect::Note(fact.into()));
    }

    /// Records `name` as a violation of `model/<name>` unless it holds.
    pub fn invariant(&mut self, name: &'static str, holds: bool) {
        if !holds {
            self.ask(Effect::Invariant(name));
        }
    }

    /// Remembers that the condition others wait for came true now.
    pub fn open_gate(&mut self, gate: Gate) {
        self.ask(Effect::OpenGate(gate));
    }

    /// Passes a registered protocol step.
    pub fn mark(&mut self, mark: Mark) {
        if self.held.is_some() {
            return self.ask(Effect::Mark(mark));
        }
        if self.spend()
            && let Some(effects) = self.core.hit_mark(self.me, mark)
        {
            self.fuse = effects;
        }
    }

    /// For agents: whether a live process of this host listens on the port.
    pub fn is_listening(&self, port: Port) -> bool {
        self.listener(port).is_some()
    }

    fn listener(&self, port: Port) -> Option<ProcessId> {
        let states = self.core.processes.iter().enumerate();
        let mut here = states.filter(|(_, state)| state.host == self.host && state.alive);
        let found = here.find(|(_, state)| state.listening.iter().any(|(open, _)| *open == port));
        found.map(|(index, _)| ProcessId(u32::try_from(index).expect("ids are u32")))
    }

    /// For agents: kills the process of this host that listens on the port. `false`: nobody does.
    pub fn kill_listener(&mut self, port: Port) -> bool {
        assert!(self.core.processes[self.me.index()].agent, "only an agent may kill");
        let found = self.listener(port);
        if let Some(process) = found {
            self.core.kill_process(process);
            self.dead |= process == self.me;
        }
        found.is_some()
    }

    /// For agents: starts a process of this host that is not running.
    pub fn start_process(&mut self, process: ProcessId) {
        assert!(self.core.processes[self.me.index()].agent, "only an agent may start");
        let state = &self.core.processes[process.index()];
        if state.host == self.host && !state.alive {
            self.core.schedule(self.core.now, Event::Start { process });
        }
    }

    /// The event whose step this is, for records that point at it.
    pub const fn event(&self) -> EventId {
        self.core.event
    }
}
