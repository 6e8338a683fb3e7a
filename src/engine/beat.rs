//! Beat: a declared periodic exchange on a connection.
//!
//! Here: sending the payload each period, noticing silence and its end.
//! Never here: eliding (the engine may do it later: a beat at rest decides nothing).
//! Modelled on: heartbeats with a failure detector of one time-out.

use super::core::Core;
use super::event::Event;
use super::event_list::Handle;
use super::id::{BeatId, EventId, ProcessId};
use super::process::{BeatEvent, Conn, Slot};
use super::time::SimDuration;

/// What to exchange, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeatSpec {
    /// On which connection.
    pub conn: Conn,
    /// Until the first beat.
    pub first: SimDuration,
    /// Between beats; none are sent if it is zero.
    pub period: SimDuration,
    /// Silence of the peer that counts as missed; none is noticed if it is zero.
    pub timeout: SimDuration,
}

#[derive(Clone)]
pub(super) struct Beat {
    owner: Option<ProcessId>,
    spec: BeatSpec,
    payload: Option<Slot>,
    due: Handle,
    silent: Handle,
    missed: bool,
}

impl Core {
    pub(super) fn declare(
        &mut self,
        owner: ProcessId,
        spec: BeatSpec,
        payload: Option<Slot>,
    ) -> BeatId {
        let beat = u32::try_from(self.beats.len()).expect("beats are few");
        let none = Handle::NONE;
        let state =
            Beat { owner: Some(owner), spec, payload, due: none, silent: none, missed: false };
        self.beats.push(state);
        if payload.is_some() {
            let due = self.schedule(self.now + spec.first, Event::BeatDue { beat });
            self.beats[beat as usize].due = due;
        }
        self.listen_for(beat);
        BeatId(beat)
    }

    fn listen_for(&mut self, beat: u32) {
        let timeout = self.beats[beat as usize].spec.timeout;
        if !timeout.is_zero() {
            let silent = self.schedule(self.now + timeout, Event::BeatSilent { beat });
            self.beats[beat as usize].silent = silent;
        }
    }

    /// Sends the payload again, unless the process does not run: then it beats when it does.
    pub(super) fn on_beat_due(&mut self, beat: u32) {
        let Beat { owner, spec, payload, .. } = &self.beats[beat as usize];
        let (Some(owner), Some(payload), spec) = (*owner, *payload, *spec) else { return };
        if self.is_running(owner) {
            let copy = self.slabs.duplicate(payload);
            self.send(spec.conn, copy, EventId(0));
        }
        let due = self.schedule(self.now + spec.period, Event::BeatDue { beat });
        self.beats[beat as usize].due = due;
    }

    pub(super) fn on_beat_silent(&mut self, beat: u32) -> Option<(ProcessId, BeatEvent)> {
        let state = &mut self.beats[beat as usize];
        state.missed = true;
        state.owner.map(|owner| (owner, BeatEvent::Missed))
    }

    /// A message came on a connection: the silence that beats wait for begins anew.
    pub(super) fn heard(&mut self, conn: Conn) -> Vec<(BeatId, ProcessId)> {
        let mut returned = Vec::new();
        for beat in 0..self.beats.len() {
            let Beat { owner: Some(owner), spec, silent, missed, .. } = &self.beats[beat] else {
                continue;
            };
            if spec.conn != conn || spec.timeout.is_zero() {
                continue;
            }
            let (owner, silent, missed) = (*owner, *silent, *missed);
            let id = u32::try_from(beat).expect("beats are few");
            self.list.cancel(silent);
            self.beats[beat].missed = false;
            self.listen_for(id);
            if missed {
                returned.push((BeatId(id), owner));
            }
        }
        returned
    }

    pub(super) fn forget_beats(&mut self, process: ProcessId) {
        for beat in 0..self.beats.len() {
            if self.beats[beat].owner == Some(process) {
                self.beats[beat].owner = None;
                let Beat { due, silent, payload, .. } = self.beats[beat].clone();
                self.list.cancel(due);
                self.list.cancel(silent);
                if let Some(payload) = payload {
                    self.slabs.discard(payload);
                }
            }
        }
    }
}
