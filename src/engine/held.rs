//! Held: the effects behind a step's work, which happen when it is done.
//!
//! Here: batches of effects and their release.
//! Never here: when work is done (that is `ctx`, from the host's cores).
//! Modelled on: -

use super::core::Core;
use super::id::{EventId, ProcessId, ResourceId};
use super::note::Note;
use super::process::{Conn, Gate, Mark, Port, Slot, Tag};
use super::volume::{AnyFile, FileName};

/// An effect as data.
pub(super) enum Effect {
    Send { conn: Conn, message: Slot, gate: Option<Gate> },
    Close { conn: Conn, abort: bool },
    Listen { port: Port, interface: super::id::InterfaceId },
    Unlisten { port: Port },
    Acquire { resource: ResourceId, tag: Tag, shared: bool },
    Release { resource: ResourceId, shared: bool },
    Sync { file: FileName, tag: Tag },
    Replace { file: FileName, data: Box<dyn AnyFile>, bytes: u64, tag: Tag },
    Read { bytes: u64, tag: Tag },
    Note(Note),
    Invariant(&'static str),
    OpenGate(Gate),
    Mark(Mark),
    Exit(&'static str),
    Volume(Box<dyn VolumeChange>),
}

/// A change of the volume that is no disk operation of its own: append, overwrite, truncate,
/// rename.
pub(super) trait VolumeChange: Send {
    fn clone_box(&self) -> Box<dyn VolumeChange>;
    fn apply(self: Box<Self>, volume: &mut super::volume::Volume);
}

impl<F: Fn(&mut super::volume::Volume) + Clone + Send + 'static> VolumeChange for F {
    fn clone_box(&self) -> Box<dyn VolumeChange> {
        Box::new(self.clone())
    }
    fn apply(self: Box<Self>, volume: &mut super::volume::Volume) {
        self(volume);
    }
}

impl Clone for Effect {
    fn clone(&self) -> Effect {
        match self {
            Effect::Send { conn, message, gate } => {
                Effect::Send { conn: *conn, message: *message, gate: *gate }
            }
            Effect::Close { conn, abort } => Effect::Close { conn: *conn, abort: *abort },
            Effect::Listen { port, interface } => {
                Effect::Listen { port: *port, interface: *interface }
            }
            Effect::Unlisten { port } => Effect::Unlisten { port: *port },
            Effect::Acquire { resource, tag, shared } => {
                Effect::Acquire { resource: *resource, tag: *tag, shared: *shared }
            }
            Effect::Release { resource, shared } => {
                Effect::Release { resource: *resource, shared: *shared }
            }
            Effect::Sync { file, tag } => Effect::Sync { file: *file, tag: *tag },
            Effect::Replace { file, data, bytes, tag } => {
                Effect::Replace { file: *file, data: data.clone_box(), bytes: *bytes, tag: *tag }
            }
            Effect::Read { bytes, tag } => Effect::Read { bytes: *bytes, tag: *tag },
            Effect::Note(note) => Effect::Note(*note),
            Effect::Invariant(name) => Effect::Invariant(name),
            Effect::OpenGate(gate) => Effect::OpenGate(*gate),
            Effect::Mark(mark) => Effect::Mark(*mark),
            Effect::Exit(reason) => Effect::Exit(reason),
            Effect::Volume(change) => Effect::Volume(change.clone_box()),
        }
    }
}

#[derive(Clone)]
struct Batch {
    process: ProcessId,
    effects: Vec<Effect>,
}

/// The batches that wait for their work; slots and vectors are used again.
#[derive(Clone, Default)]
pub(super) struct Held {
    batches: Vec<Option<Batch>>,
    free: Vec<u32>,
    spare: Vec<Vec<Effect>>,
}

impl Held {
    pub(super) fn open(&mut self, process: ProcessId) -> u32 {
        let batch = Some(Batch { process, effects: self.spare.pop().unwrap_or_default() });
        if let Some(slot) = self.free.pop() {
            self.batches[slot as usize] = batch;
            return slot;
        }
        self.batches.push(batch);
        u32::try_from(self.batches.len() - 1).expect("batches are limited by events")
    }

    pub(super) fn push(&mut self, batch: u32, effect: Effect) {
        let batch = self.batches[batch as usize].as_mut().expect("an open batch");
        batch.effects.push(effect);
    }

    /// Whose batch it is; `None`: its process died.
    pub(super) fn owner(&self, batch: u32) -> Option<ProcessId> {
        self.batches[batch as usize].as_ref().map(|batch| batch.process)
    }

    fn close(&mut self, batch: u32) -> Option<Batch> {
        self.free.push(batch);
        self.batches[batch as usize].take()
    }
}

impl Core {
    /// The work is done: what was asked for behind it happens. The owner's effects begin an event.
    pub(super) fn release_held(&mut self, batch: u32) {
        let Some(Batch { process, mut effects }) = self.held.close(batch) else { return };
        for effect in effects.drain(..) {
            if self.processes[process.index()].alive {
                self.apply(process, effect);
            } else if let Effect::Send { message, .. } = effect {
                self.discard(message);
            }
        }
        self.held.spare.push(effects);
    }

    pub(super) fn forget_held(&mut self, process: ProcessId) {
        for slot in 0..self.held.batches.len() {
            let mine = self.held.batches[slot].as_ref().is_some_and(|b| b.process == process);
            if !mine {
                continue;
            }
            let batch = self.held.batches[slot].take().expect("checked");
            for effect in batch.effects {
                if let Effect::Send { message, .. } = effect {
                    self.discard(message);
                }
            }
        }
    }

    /// Carries one effect of a process out.
    pub(super) fn apply(&mut self, process: ProcessId, effect: Effect) {
        match effect {
            Effect::Send { conn, message, gate } => {
                let gate = gate.and_then(|gate| self.gates.get(&(process, gate)).copied());
                self.send(conn, message, gate.unwrap_or(EventId(0)));
            }
            Effect::Close { conn, abort } => self.close(conn, abort),
            Effect::Listen { port, interface } => {
                let listening = &mut self.processes[process.index()].listening;
                listening.retain(|(open, _)| *open != port);
                listening.push((port, interface));
            }
            Effect::Unlisten { port } => {
                self.processes[process.index()].listening.retain(|(open, _)| *open != port);
            }
            Effect::Acquire { resource, tag, shared } => {
                self.acquire(process, resource, (tag, shared));
            }
            Effect::Release { resource, shared } => self.release(process, resource, shared),
            Effect::Sync { file, tag } => self.start_sync(process, file, tag),
            Effect::Replace { file, data, bytes, tag } => {
                self.start_replace(process, file, (data, bytes), tag);
            }
            Effect::Read { bytes, tag } => self.start_read(process, bytes, tag),
            Effect::Note(note) => self.note(process, note),
            Effect::Invariant(name) => {
                self.broken.push(super::core::Broken { at: self.now, process, name });
            }
            Effect::OpenGate(gate) => {
                self.gates.insert((process, gate), self.event);
            }
            Effect::Mark(mark) => {
                let _crash = self.hit_mark(process, mark);
            }
            Effect::Exit(reason) => {
                self.end_process(process, super::core::Life::Exited(reason), false);
            }
            Effect::Volume(change) => {
                change.apply(&mut self.processes[process.index()].volume);
            }
        }
    }

    pub(super) fn acquire(&mut self, process: ProcessId, resource: ResourceId, how: (Tag, bool)) {
        let (tag, shared) = how;
        let state = &mut self.processes[process.index()].resources[resource.index()];
        if super::limits::WAITERS_MAX <= state.waiting() {
            self.limit_hit.get_or_insert("WAITERS_MAX");
            return;
        }
        if let Some(grant) = state.acquire(tag, shared, self.now) {
            self.deliver_grant(process, resource, grant);
        }
    }

    /// Records a mark; returns after how many further effects of this step the process dies.
    pub(super) fn hit_mark(&mut self, process: ProcessId, mark: Mark) -> Option<u32> {
        self.causes.mark(self.event, mark);
        let mut crash = None;
        let (now, hits) = (self.now, &mut self.hits);
        self.triggers.retain_mut(|(trigger, armed)| {
            if armed.mark != mark {
                return true;
            }
            armed.nth -= 1;
            if armed.nth == 0 {
                hits.push(super::core::MarkHit { trigger: *trigger, at: now, process });
                crash = crash.or(armed.crash_after);
            }
            armed.nth != 0
        });
        crash
    }
}
