//! Retransmission: what cannot arrive waits, and is sent again when the path is open.
//!
//! Here: stalled streams, the backed-off retransmission after a heal, a thaw, giving up.
//! Never here: connecting, closing, what is delivered in order (`tcp`).
//! Modelled on: Linux TCP: RTO 0.2 s doubling to 120 s, `tcp_retries2` 15.

use super::{RTO_MIN, end_of, other, split};
use crate::engine::core::Core;
use crate::engine::dice::below;
use crate::engine::event::{Event, Kind, Segment};
use crate::engine::id::HostId;
use crate::engine::process::{ConnEvent, Slot};
use crate::engine::time::{SimDuration, SimTime};

/// `TCP_RTO_MAX`.
const RTO_MAX: SimDuration = SimDuration::from_secs(120);
/// `tcp_retries2` 15: the hypothetical 924.6 s of ip-sysctl.
const GIVE_UP_AFTER: SimDuration = SimDuration::from_millis(924_600);

impl Core {
    /// What cannot arrive waits for TCP to send it again, in order.
    pub(super) fn stall(&mut self, slot: usize, from: usize, segment: Segment) {
        if self.conns[slot].ends[from].gone {
            if segment.kind == Kind::Data {
                let interface = self.conns[slot].interface;
                self.slabs.discard(Slot { interface, index: segment.index });
            }
            return self.free_if_done(slot);
        }
        let established = self.conns[slot].established;
        let now = self.now;
        let waiting = self.conns[slot].ends[from].stream.waiting();
        let after = waiting.stalled.partition_point(|other| other.sequence < segment.sequence);
        waiting.stalled.insert(after, segment);
        let first = waiting.stalled.len() == 1 && established;
        if first {
            waiting.since = now;
        }
        if segment.kind == Kind::Data {
            self.buffer(slot, from, segment.index);
        }
        if first {
            let end = end_of(slot, from);
            let give_up = self.schedule(self.now + GIVE_UP_AFTER, Event::GiveUp { end });
            let connection = &mut self.conns[slot];
            connection.pending += 1;
            connection.ends[from].stream.waiting().give_up = Some(give_up);
            self.stalled.push(end);
            self.plan_retransmission(end);
        }
    }

    /// After a heal: every stalled stream whose path is open again is sent at its next RTO.
    pub(in crate::engine) fn path_changed(&mut self) {
        for index in 0..self.stalled.len() {
            self.plan_retransmission(self.stalled[index]);
        }
    }

    /// A virtual machine goes on: its hypervisor kept what came for it (a tap holds hundreds of
    /// packets), and its own kernel's timers are overdue. What is stalled arrives now.
    pub(in crate::engine) fn thawed(&mut self, host: HostId) {
        for index in 0..self.stalled.len() {
            let end = self.stalled[index];
            let (slot, side) = split(end);
            let connection = &self.conns[slot];
            let [from, to] = [connection.end(side), connection.end(other(side))];
            let Some(waiting) = &from.stream.waiting else { continue };
            let idle = waiting.retransmit.is_none() && !waiting.stalled.is_empty();
            let touched = from.host == host || to.host == host;
            if idle && touched && self.net.open_both_ways(from.host, to.host) {
                self.retransmit_at(self.now, end);
            }
        }
        self.syns_arrive_at(host);
    }

    fn retransmit_at(&mut self, at: SimTime, end: u32) {
        let (slot, side) = split(end);
        let handle = self.schedule(at, Event::Retransmit { end });
        self.conns[slot].pending += 1;
        self.conns[slot].ends[side].stream.waiting().retransmit = Some(handle);
    }

    fn plan_retransmission(&mut self, end: u32) {
        let (slot, side) = split(end);
        let connection = &self.conns[slot];
        let [from, to] = [connection.end(side), connection.end(other(side))];
        let Some(waiting) = &from.stream.waiting else { return };
        let since = waiting.since;
        let idle = waiting.retransmit.is_none() && !waiting.stalled.is_empty();
        if !idle || !self.net.open_both_ways(from.host, to.host) {
            return;
        }
        let mut rto = RTO_MIN;
        let mut at = since + rto;
        while at < self.now {
            rto = rto.times(2).min(RTO_MAX);
            at = at + rto;
        }
        // Up to 5 % later: timer slack and the smoothed round trip.
        let word = from.stream.noise.at(u64::MAX - u64::from(from.stream.sent)).first();
        let late = below(word, at.since(since).as_nanos() / 20 + 1);
        self.retransmit_at(at + SimDuration::from_nanos(late), end);
    }

    pub(in crate::engine) fn on_retransmit(&mut self, end: u32) {
        let (slot, side) = split(end);
        self.conns[slot].pending -= 1;
        self.conns[slot].ends[side].stream.waiting().retransmit = None;
        let [from, to] = [self.conns[slot].end(side), self.conns[slot].end(other(side))];
        if self.net.open_both_ways(from.host, to.host) {
            self.flush_stalled(slot, side);
        }
        self.free_if_done(slot);
    }

    pub(super) fn flush_stalled(&mut self, slot: usize, side: usize) {
        self.unstall(slot, side);
        let waiting = self.conns[slot].ends[side].stream.take_stalled();
        for segment in waiting {
            if segment.kind == Kind::Data {
                self.unbuffer(slot, side, segment.index);
            }
            let latency = self.latency(slot, side);
            let stream = &mut self.conns[slot].ends[side].stream;
            let arrival = stream.last_arrival.max(self.now + latency);
            stream.last_arrival = arrival;
            let segment = Segment { sequence: stream.sent, ..segment };
            self.conns[slot].pending += 1;
            self.schedule(arrival, Event::Segment { end: end_of(slot, other(side)), segment });
        }
    }

    /// Forgets the timers of a stalled stream; what was stalled stays with the caller.
    fn unstall(&mut self, slot: usize, side: usize) {
        let end = end_of(slot, side);
        self.stalled.retain(|stalled| *stalled != end);
        let Some(waiting) = &mut self.conns[slot].ends[side].stream.waiting else { return };
        for handle in [waiting.retransmit.take(), waiting.give_up.take()].into_iter().flatten() {
            if self.list.cancel(handle).is_some() {
                self.conns[slot].pending -= 1;
            }
        }
    }

    pub(in crate::engine) fn on_give_up(&mut self, end: u32) {
        let (slot, side) = split(end);
        self.conns[slot].pending -= 1;
        self.conns[slot].ends[side].stream.waiting().give_up = None;
        self.drop_stalled(slot, side);
        if std::mem::replace(&mut self.conns[slot].ends[side].open, false) {
            self.tell_end(slot, side, ConnEvent::TimedOut);
        }
        self.free_if_done(slot);
    }

    pub(super) fn drop_stalled(&mut self, slot: usize, side: usize) {
        self.unstall(slot, side);
        let interface = self.conns[slot].interface;
        let waiting = self.conns[slot].ends[side].stream.take_stalled();
        for segment in waiting {
            if segment.kind == Kind::Data {
                self.slabs.discard(Slot { interface, index: segment.index });
            }
        }
    }
}
