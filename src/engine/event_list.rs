//! Event list: what is due, in one total order (time, then order of scheduling).
//!
//! Here: a radix wheel of 64-way digits over nanoseconds above a short sorted bottom. A node knows
//! its place in its bucket, or its neighbours in the bottom: a cancelled event leaves at once.
//! Never here: what an event means.
//! Modelled on: hierarchical timing wheels (Varghese and Lauck) and ladder queues (Tang et al.).
#![expect(clippy::cast_possible_truncation, reason = "levels and lists are few; digits are masked")]

use super::id::EventId;
use super::time::SimTime;

const DIGIT_BITS: u32 = 6;
const DIGITS: usize = 64;
const LEVELS: usize = 11; // 11 x 6 bits cover 64
const NONE: u32 = u32::MAX;
/// A bucket of at most so many events is sorted instead of being dealt out further.
const BOTTOM_MAX: usize = 48;
/// A bottom that grew beyond this goes back to the wheel, so that an insertion stays short.
const BOTTOM_SPILL: usize = 2 * BOTTOM_MAX;
/// Where a node is if it is not in a bucket.
const BOTTOM: u16 = u16::MAX;

/// Which event; stale once it fired or was cancelled (the generation tells later tenants apart).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handle {
    slot: u32,
    generation: u32,
}

impl Handle {
    /// A handle of no event.
    pub const NONE: Handle = Handle { slot: NONE, generation: 0 };
}

/// An event that fell due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due<E> {
    /// The handle it had.
    pub handle: Handle,
    /// When.
    pub at: SimTime,
    /// The event in whose step it was scheduled.
    pub cause: EventId,
    /// What.
    pub event: E,
}

#[derive(Clone, Copy)]
struct Node<E> {
    time: u64,
    event: Option<E>,
    /// [`EventId`]; a run has fewer events than fit.
    cause: u32,
    /// In a bucket the index there; in the bottom the neighbour before.
    prev: u32,
    /// In the bottom the neighbour behind; in a free slot the next free one.
    next: u32,
    generation: u32,
    bucket: u16,
}

/// What a bucket holds of an event: enough to deal out and to sort without a look at its node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    time: u64,
    sequence: u64,
    slot: u32,
}

/// The pending events of a run.
#[derive(Clone)]
pub struct EventList<E> {
    nodes: Vec<Node<E>>,
    free: u32,
    buckets: Vec<Vec<Entry>>,
    occupied: [u64; LEVELS],
    head: u32,
    tail: u32,
    bottom_len: usize,
    /// When the last event left.
    now: u64,
    /// The wheel's hand; the bottom holds all events before `bottom_end`.
    hand: u64,
    bottom_end: u64,
    sequence_next: u64,
    len: usize,
}

impl<E: Copy> Default for EventList<E> {
    fn default() -> Self {
        EventList::new()
    }
}

impl<E: Copy> EventList<E> {
    /// An empty list at the start of time.
    pub fn new() -> EventList<E> {
        EventList {
            nodes: Vec::new(),
            free: NONE,
            buckets: vec![Vec::new(); LEVELS * DIGITS],
            occupied: [0; LEVELS],
            head: NONE,
            tail: NONE,
            bottom_len: 0,
            now: 0,
            hand: 0,
            bottom_end: 0,
            sequence_next: 0,
            len: 0,
        }
    }

    /// How many events are pending.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether none is pending.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds an event; `at` must not lie before the last one that left.
    #[inline]
    pub fn schedule(&mut self, at: SimTime, cause: EventId, event: E) -> Handle {
        let time = at.as_nanos();
        assert!(self.now <= time, "scheduled into the past: {time} < {}", self.now);
        let sequence = self.sequence_next;
        self.sequence_next += 1;
        let slot = self.occupy(Node {
            time,
            cause: u32::try_from(cause.0).expect("EVENTS_PER_RUN_MAX fits"),
            prev: NONE,
            next: NONE,
            generation: 0,
            bucket: BOTTOM,
            event: Some(event),
        });
        self.len += 1;
        if time < self.bottom_end {
            self.insert_in_bottom(slot, time);
            let full = BOTTOM_SPILL < self.bottom_len;
            if full && self.hand.max(self.now) < self.bottom_end {
                self.spill_bottom();
            }
        } else {
            self.put_in_bucket(Entry { time, sequence, slot });
        }
        Handle { slot, generation: self.nodes[slot as usize].generation }
    }

    /// Takes an event out. `None`: it fired or was cancelled before.
    #[inline]
    pub fn cancel(&mut self, handle: Handle) -> Option<E> {
        let node = self.nodes.get(handle.slot as usize)?;
        if node.generation != handle.generation || node.event.is_none() {
            return None;
        }
        self.unlink(handle.slot);
        Some(self.vacate(handle.slot).event)
    }

    /// When the next event is due.
    #[inline]
    pub fn peek(&mut self) -> Option<SimTime> {
        if self.head == NONE {
            self.fill_bottom();
        }
        let head = self.head;
        (head != NONE).then(|| SimTime::from_nanos(self.nodes[head as usize].time))
    }

    /// Takes the next event.
    #[inline]
    pub fn pop(&mut self) -> Option<Due<E>> {
        if self.head == NONE {
            self.fill_bottom();
        }
        let head = self.head;
        let node = self.nodes.get(head as usize)?; // none if nothing is pending
        self.head = node.next;
        match self.head {
            NONE => self.tail = NONE,
            next => self.nodes[next as usize].prev = NONE,
        }
        self.bottom_len -= 1;
        let due = self.vacate(head);
        assert!(self.now <= due.at.as_nanos(), "time ran backwards");
        self.now = due.at.as_nanos();
        Some(due)
    }

    /// Takes every event that `keep` refuses out, in no order; for the death of a process.
    pub fn retain(&mut self, mut keep: impl FnMut(&E) -> bool, mut dropped: impl FnMut(E)) {
        for slot in 0..self.nodes.len() {
            let Some(event) = self.nodes[slot].event else { continue };
            if !keep(&event) {
                let slot = u32::try_from(slot).expect("slots are u32");
                self.unlink(slot);
                dropped(self.vacate(slot).event);
            }
        }
    }

    #[inline]
    fn occupy(&mut self, mut node: Node<E>) -> u32 {
        if self.free == NONE {
            self.nodes.push(node);
            return u32::try_from(self.nodes.len() - 1).expect("slots are u32");
        }
        let slot = self.free;
        let old = &mut self.nodes[slot as usize];
        self.free = old.next;
        node.generation = old.generation;
        *old = node;
        slot
    }

    #[inline]
    fn vacate(&mut self, slot: u32) -> Due<E> {
        let node = &mut self.nodes[slot as usize];
        let event = node.event.take().expect("an occupied slot");
        let handle = Handle { slot, generation: node.generation };
        let due = Due {
            handle,
            at: SimTime::from_nanos(node.time),
            cause: EventId(u64::from(node.cause)),
            event,
        };
        node.generation = node.generation.wrapping_add(1);
        node.next = self.free;
        self.free = slot;
        self.len -= 1;
        due
    }

    /// Into the bucket of a time at or after the end of the bottom: its highest digit that differs
    /// from the hand's gives the level.
    #[inline]
    fn put_in_bucket(&mut self, entry: Entry) {
        let differ = entry.time ^ self.hand;
        let level = (63 - (differ | 1).leading_zeros()) / DIGIT_BITS;
        let digit = (entry.time >> (DIGIT_BITS * level)) as usize & (DIGITS - 1);
        let level = level as usize;
        let at = level * DIGITS + digit;
        self.occupied[level] |= 1 << digit;
        let bucket = &mut self.buckets[at];
        let node = &mut self.nodes[entry.slot as usize];
        node.bucket = at as u16;
        node.prev = bucket.len() as u32;
        bucket.push(entry);
    }

    fn unlink(&mut self, slot: u32) {
        let Node { prev, next, bucket, .. } = self.nodes[slot as usize];
        if bucket == BOTTOM {
            match prev {
                NONE => self.head = next,
                _ => self.nodes[prev as usize].next = next,
            }
            match next {
                NONE => self.tail = prev,
                _ => self.nodes[next as usize].prev = prev,
            }
            self.bottom_len -= 1;
            return;
        }
        let entries = &mut self.buckets[bucket as usize];
        entries.swap_remove(prev as usize);
        if let Some(moved) = entries.get(prev as usize) {
            self.nodes[moved.slot as usize].prev = prev;
        }
        if entries.is_empty() {
            let (level, digit) = (bucket as usize / DIGITS, bucket as usize % DIGITS);
            self.occupied[level] &= !(1 << digit);
        }
    }

    #[inline]
    fn push_to_bottom(&mut self, slot: u32) {
        let tail = std::mem::replace(&mut self.tail, slot);
        let node = &mut self.nodes[slot as usize];
        (node.prev, node.next, node.bucket) = (tail, NONE, BOTTOM);
        match tail {
            NONE => self.head = slot,
            _ => self.nodes[tail as usize].next = slot,
        }
        self.bottom_len += 1;
    }

    /// From the nearer end; among equals what is scheduled last comes last.
    fn insert_in_bottom(&mut self, slot: u32, time: u64) {
        let (head, tail) = (self.head, self.tail);
        if tail == NONE || self.nodes[tail as usize].time <= time {
            return self.push_to_bottom(slot);
        }
        let (first, last) = (self.nodes[head as usize].time, self.nodes[tail as usize].time);
        let mut before; // the node that the new one precedes
        if time.saturating_sub(first) < last - time {
            before = head;
            while self.nodes[before as usize].time <= time {
                before = self.nodes[before as usize].next;
            }
        } else {
            before = tail;
            loop {
                let prev = self.nodes[before as usize].prev;
                if prev == NONE || self.nodes[prev as usize].time <= time {
                    break;
                }
                before = prev;
            }
        }
        let after = std::mem::replace(&mut self.nodes[before as usize].prev, slot);
        let node = &mut self.nodes[slot as usize];
        (node.prev, node.next, node.bucket) = (after, before, BOTTOM);
        match after {
            NONE => self.head = slot,
            _ => self.nodes[after as usize].next = slot,
        }
        self.bottom_len += 1;
    }

    /// Deals the bottom out again around the present. What was scheduled before an event that had
    /// already been looked at stays: the wheel does not turn back.
    fn spill_bottom(&mut self) {
        self.hand = self.hand.max(self.now);
        self.bottom_end = self.hand;
        let mut slot = self.head;
        while slot != NONE && self.nodes[slot as usize].time < self.hand {
            slot = self.nodes[slot as usize].next;
        }
        while slot != NONE {
            // New numbers in the old order: no event outside the bottom is due at these times.
            let Node { next, time, .. } = self.nodes[slot as usize];
            self.unlink(slot);
            let sequence = self.sequence_next;
            self.sequence_next += 1;
            self.put_in_bucket(Entry { time, sequence, slot });
            slot = next;
        }
    }

    /// Turns the hand to the next occupied bucket until the bottom holds its events, sorted.
    fn fill_bottom(&mut self) {
        while self.head == NONE {
            let Some(level) = self.occupied.iter().position(|digits| *digits != 0) else { return };
            let digit = self.occupied[level].trailing_zeros() as usize;
            let shift = DIGIT_BITS * level as u32;
            let above = shift + DIGIT_BITS;
            let high = if above < 64 { self.hand >> above << above } else { 0 };
            self.hand = high | (digit as u64) << shift;
            self.occupied[level] &= !(1 << digit);
            let at = level * DIGITS + digit;
            let mut entries = std::mem::take(&mut self.buckets[at]);
            if level == 0 || entries.len() <= BOTTOM_MAX {
                entries.sort_unstable();
                for entry in &entries {
                    self.push_to_bottom(entry.slot);
                }
                self.bottom_end = self.hand.saturating_add(1_u64 << shift);
            } else {
                self.bottom_end = self.hand;
                for entry in &entries {
                    self.put_in_bucket(*entry);
                }
            }
            entries.clear();
            self.buckets[at] = entries; // with its capacity; nothing was put there meanwhile
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::dice::{Noise, below};
    use crate::engine::time::SimDuration;
    use std::collections::BTreeMap;

    #[test]
    fn a_crowd_scheduled_before_an_event_that_was_already_looked_at_leaves_before_it() {
        let mut list = EventList::new();
        let at = |us: u64| SimTime::from_nanos(us * 1_000);
        for us in [70_000, 70_010, 90_000] {
            list.schedule(at(us), EventId(0), us);
        }
        assert_eq!(list.peek(), Some(at(70_000))); // the hand goes there
        let crowd: Vec<u64> = (0..200).map(|n| 10 + 7 * n % 300).collect();
        for us in &crowd {
            list.schedule(at(*us), EventId(0), *us);
        }
        let mut sorted = [crowd, vec![70_000, 70_010, 90_000]].concat();
        sorted.sort_unstable();
        let order: Vec<_> = std::iter::from_fn(|| list.pop()).map(|due| due.event).collect();
        assert_eq!(order, sorted);
    }

    #[test]
    fn ties_leave_in_the_order_they_came_and_the_cancelled_not_at_all() {
        let mut list = EventList::new();
        let due = SimTime::START + SimDuration::from_millis(5);
        let [_, jn2, _] = ["jn1", "jn2", "jn3"].map(|event| list.schedule(due, EventId(0), event));
        assert_eq!(list.cancel(jn2), Some("jn2"));
        list.schedule(due, EventId(0), "jn4"); // in the slot of jn2
        assert_eq!(list.cancel(jn2), None);
        let order: Vec<_> = std::iter::from_fn(|| list.pop()).map(|due| due.event).collect();
        assert_eq!(order, ["jn1", "jn3", "jn4"]);
    }

    /// A tree is the brute-force twin: same pushes, pops and cancels, same order.
    #[test]
    fn a_million_operations_as_a_sorted_tree_does_them() {
        let noise = Noise::keyed(11, 13);
        let mut list = EventList::new();
        let mut twin: BTreeMap<(u64, u64), (u64, Handle)> = BTreeMap::new();
        let mut now = 0;
        for n in 0..200_000_u64 {
            let [a, b] = noise.at(n).0;
            if below(a, 100) < 30 {
                let popped = list.pop().map(|due| (due.at.as_nanos(), due.event));
                let expected = twin.pop_first().map(|((time, _), (event, _))| (time, event));
                assert_eq!(popped, expected);
                now = popped.map_or(now, |due| due.0);
            } else if below(a, 100) < 50 && !twin.is_empty() {
                let nth = below(b, twin.len() as u64);
                let key = *twin.keys().nth(usize::try_from(nth).unwrap().min(50)).unwrap();
                let (event, handle) = twin.remove(&key).unwrap();
                assert_eq!(list.cancel(handle), Some(event));
                assert_eq!(list.cancel(handle), None);
            } else {
                // Spans from nothing to hours, many of them equal.
                let span = below(b, 1 << (4 * below(a >> 32, 11))) / 5 * 5;
                let handle = list.schedule(SimTime::from_nanos(now + span), EventId(0), n);
                twin.insert((now + span, n), (n, handle));
            }
            if n % 7 == 0 {
                let first = twin.keys().next().map(|key| SimTime::from_nanos(key.0));
                assert_eq!(list.peek(), first);
            }
            assert_eq!(list.len(), twin.len());
        }
    }
}
