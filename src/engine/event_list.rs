//! Event list: what is due, in one total order (time, then order of scheduling).
//!
//! Here: a radix wheel of 64-way digits over nanoseconds with a short sorted bottom; every event is
//! a node of an intrusive list, so that a cancelled one leaves at once, without search.
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
const BOTTOM_MAX: u32 = 48;
/// A bottom that grew beyond this goes back to the wheel, so that an insertion stays short.
const BOTTOM_SPILL: u32 = 2 * BOTTOM_MAX;
/// The list that the bottom is kept in, behind the lists of the buckets.
const BOTTOM: usize = LEVELS * DIGITS;

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
    sequence: u64,
    event: Option<E>,
    /// [`EventId`]; a run has fewer events than fit.
    cause: u32,
    prev: u32,
    next: u32,
    generation: u32,
    list: u16,
}

#[derive(Clone, Copy)]
struct List {
    head: u32,
    tail: u32,
    len: u32,
}

const EMPTY: List = List { head: NONE, tail: NONE, len: 0 };

/// The pending events of a run.
#[derive(Clone)]
pub struct EventList<E> {
    nodes: Vec<Node<E>>,
    free: u32,
    lists: Vec<List>,
    occupied: [u64; LEVELS],
    /// When the last event left.
    now: u64,
    /// The wheel's hand; the bottom holds all events before `bottom_end`.
    hand: u64,
    bottom_end: u64,
    sequence_next: u64,
    len: usize,
    scratch: Vec<(u64, u64, u32)>,
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
            lists: vec![EMPTY; BOTTOM + 1],
            occupied: [0; LEVELS],
            now: 0,
            hand: 0,
            bottom_end: 0,
            sequence_next: 0,
            len: 0,
            scratch: Vec::new(),
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
    pub fn schedule(&mut self, at: SimTime, cause: EventId, event: E) -> Handle {
        let time = at.as_nanos();
        assert!(self.now <= time, "scheduled into the past: {time} < {}", self.now);
        let sequence = self.sequence_next;
        self.sequence_next += 1;
        let slot = self.occupy(Node {
            time,
            sequence,
            cause: u32::try_from(cause.0).expect("EVENTS_PER_RUN_MAX fits"),
            prev: NONE,
            next: NONE,
            generation: 0,
            list: 0,
            event: Some(event),
        });
        self.len += 1;
        if time < self.bottom_end {
            self.insert_in_bottom(slot, time);
            if BOTTOM_SPILL < self.lists[BOTTOM].len {
                self.spill_bottom();
            }
        } else {
            let list = self.bucket_of(time);
            self.push_back(list, slot);
        }
        Handle { slot, generation: self.nodes[slot as usize].generation }
    }

    /// Takes an event out. `None`: it fired or was cancelled before.
    pub fn cancel(&mut self, handle: Handle) -> Option<E> {
        let node = self.nodes.get(handle.slot as usize)?;
        if node.generation != handle.generation || node.event.is_none() {
            return None;
        }
        self.unlink(handle.slot);
        Some(self.vacate(handle.slot).event)
    }

    /// When the next event is due.
    pub fn peek(&mut self) -> Option<SimTime> {
        self.fill_bottom();
        let head = self.lists[BOTTOM].head;
        (head != NONE).then(|| SimTime::from_nanos(self.nodes[head as usize].time))
    }

    /// Takes the next event.
    pub fn pop(&mut self) -> Option<Due<E>> {
        self.fill_bottom();
        let head = self.lists[BOTTOM].head;
        if head == NONE {
            return None;
        }
        self.unlink(head);
        let due = self.vacate(head);
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

    /// The bucket of a time at or after the end of the bottom: its highest digit that differs from
    /// the hand's gives the level.
    fn bucket_of(&self, time: u64) -> usize {
        let differ = time ^ self.hand;
        let level =
            if differ == 0 { 0 } else { ((63 - differ.leading_zeros()) / DIGIT_BITS) as usize };
        let digit = (time >> (DIGIT_BITS * level as u32)) as usize & (DIGITS - 1);
        level * DIGITS + digit
    }

    fn push_back(&mut self, list: usize, slot: u32) {
        let tail = self.lists[list].tail;
        {
            let node = &mut self.nodes[slot as usize];
            node.prev = tail;
            node.next = NONE;
            node.list = list as u16;
        }
        if tail == NONE {
            self.lists[list].head = slot;
            if list < BOTTOM {
                self.occupied[list / DIGITS] |= 1 << (list % DIGITS);
            }
        } else {
            self.nodes[tail as usize].next = slot;
        }
        self.lists[list].tail = slot;
        self.lists[list].len += 1;
    }

    fn unlink(&mut self, slot: u32) {
        let Node { prev, next, list, .. } = self.nodes[slot as usize];
        let list_at = list as usize;
        if prev == NONE {
            self.lists[list_at].head = next;
        } else {
            self.nodes[prev as usize].next = next;
        }
        if next == NONE {
            self.lists[list_at].tail = prev;
        } else {
            self.nodes[next as usize].prev = prev;
        }
        self.lists[list_at].len -= 1;
        if self.lists[list_at].head == NONE && list_at < BOTTOM {
            self.occupied[list_at / DIGITS] &= !(1 << (list_at % DIGITS));
        }
    }

    /// From the nearer end; among equals what is scheduled last comes last.
    fn insert_in_bottom(&mut self, slot: u32, time: u64) {
        let List { head, tail, .. } = self.lists[BOTTOM];
        if tail == NONE || self.nodes[tail as usize].time <= time {
            return self.push_back(BOTTOM, slot);
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
        let after = self.nodes[before as usize].prev;
        {
            let node = &mut self.nodes[slot as usize];
            node.prev = after;
            node.next = before;
            node.list = BOTTOM as u16;
        }
        self.nodes[before as usize].prev = slot;
        if after == NONE {
            self.lists[BOTTOM].head = slot;
        } else {
            self.nodes[after as usize].next = slot;
        }
        self.lists[BOTTOM].len += 1;
    }

    /// Deals the bottom out again around the present.
    fn spill_bottom(&mut self) {
        let mut slot = self.lists[BOTTOM].head;
        self.lists[BOTTOM] = EMPTY;
        self.hand = self.hand.max(self.now);
        self.bottom_end = self.hand;
        while slot != NONE {
            let Node { next, time, .. } = self.nodes[slot as usize];
            let bucket = self.bucket_of(time);
            self.push_back(bucket, slot);
            slot = next;
        }
    }

    /// Turns the hand to the next occupied bucket until the bottom holds its events, sorted.
    fn fill_bottom(&mut self) {
        while self.lists[BOTTOM].head == NONE {
            let Some(level) = self.occupied.iter().position(|digits| *digits != 0) else { return };
            let digit = self.occupied[level].trailing_zeros() as usize;
            let list = level * DIGITS + digit;
            let shift = DIGIT_BITS * level as u32;
            let above = shift + DIGIT_BITS;
            let high = if above < 64 { self.hand >> above << above } else { 0 };
            self.hand = high | (digit as u64) << shift;
            let end = self.hand.saturating_add(1_u64 << shift);
            if level == 0 || self.lists[list].len <= BOTTOM_MAX {
                self.sort_into_bottom(list);
                self.bottom_end = end;
            } else {
                self.deal_out(list);
            }
        }
    }

    fn take_list(&mut self, list: usize) -> u32 {
        let head = self.lists[list].head;
        self.lists[list] = EMPTY;
        self.occupied[list / DIGITS] &= !(1 << (list % DIGITS));
        head
    }

    fn deal_out(&mut self, list: usize) {
        self.bottom_end = self.hand;
        let mut slot = self.take_list(list);
        while slot != NONE {
            let Node { next, time, .. } = self.nodes[slot as usize];
            let bucket = self.bucket_of(time);
            self.push_back(bucket, slot);
            slot = next;
        }
    }

    fn sort_into_bottom(&mut self, list: usize) {
        let mut slot = self.take_list(list);
        let mut sorted = std::mem::take(&mut self.scratch);
        sorted.clear();
        while slot != NONE {
            let node = &self.nodes[slot as usize];
            sorted.push((node.time, node.sequence, slot));
            slot = node.next;
        }
        sorted.sort_unstable();
        for (_, _, slot) in &sorted {
            self.push_back(BOTTOM, *slot);
        }
        self.scratch = sorted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::dice::{Noise, below};
    use crate::engine::time::SimDuration;
    use std::collections::BTreeMap;

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
