//! Resource: locks, pools and lanes, with their queues.
//!
//! Here: who holds, who waits, and whom a release lets through; fair, first come first served.
//! Never here: what the holder does.
//! Modelled on: Java monitors and fair ReentrantReadWriteLock; thread pools; single-thread
//! executors.

use std::collections::VecDeque;

use super::process::Tag;
use super::time::SimTime;

#[derive(Clone, Copy)]
struct Waiter {
    tag: Tag,
    shared: bool,
    since: SimTime,
}

/// A grant, to be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) tag: Tag,
    pub(super) since: SimTime,
}

/// A lock (capacity 1, exclusive or shared), a pool (capacity n) or a lane (capacity 1).
#[derive(Clone)]
pub(super) struct ResourceState {
    pub(super) name: &'static str,
    capacity: u32,
    exclusive: u32,
    shared: u32,
    queue: VecDeque<Waiter>,
}

impl ResourceState {
    pub(super) const fn new(name: &'static str, capacity: u32) -> ResourceState {
        ResourceState { name, capacity, exclusive: 0, shared: 0, queue: VecDeque::new() }
    }

    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    const fn admits(&self, shared: bool) -> bool {
        if shared {
            self.exclusive == 0
        } else {
            self.shared == 0 && self.exclusive < self.capacity
        }
    }

    fn admit(&mut self, shared: bool) {
        if shared {
            self.shared += 1;
        } else {
            self.exclusive += 1;
        }
    }

    /// The grant, at once if nobody is before.
    pub(super) fn acquire(&mut self, tag: Tag, shared: bool, now: SimTime) -> Option<Grant> {
        if self.queue.is_empty() && self.admits(shared) {
            self.admit(shared);
            return Some(Grant { tag, since: now });
        }
        self.queue.push_back(Waiter { tag, shared, since: now });
        None
    }

    /// Takes a waiter out of the queue. `false`: it was not waiting.
    pub(super) fn give_up(&mut self, tag: Tag) -> bool {
        let at = self.queue.iter().position(|waiter| waiter.tag == tag);
        at.is_some_and(|at| self.queue.remove(at).is_some())
    }

    pub(super) fn release(&mut self, shared: bool) {
        let held = if shared { &mut self.shared } else { &mut self.exclusive };
        *held = held.checked_sub(1).expect("released what is held");
    }

    /// The next waiter that may pass; call until `None`.
    pub(super) fn pass(&mut self) -> Option<Grant> {
        let shared = self.queue.front()?.shared;
        if !self.admits(shared) {
            return None;
        }
        let waiter = self.queue.pop_front()?;
        self.admit(shared);
        Some(Grant { tag: waiter.tag, since: waiter.since })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(state: &mut ResourceState) -> Vec<u32> {
        std::iter::from_fn(|| state.pass()).map(|grant| grant.tag.kind).collect()
    }

    #[test]
    fn readers_share_a_writer_waits_and_nobody_overtakes() {
        let mut lock = ResourceState::new("namesystem", 1);
        let now = SimTime::START;
        assert!(lock.acquire(Tag::new(1), true, now).is_some());
        assert!(lock.acquire(Tag::new(2), true, now).is_some());
        assert!(lock.acquire(Tag::new(3), false, now).is_none());
        assert!(lock.acquire(Tag::new(4), true, now).is_none()); // behind the writer
        lock.release(true);
        assert_eq!(tags(&mut lock), [0_u32; 0]);
        lock.release(true);
        assert_eq!(tags(&mut lock), [3]);
        lock.release(false);
        assert_eq!(tags(&mut lock), [4]);
    }

    #[test]
    fn a_pool_has_so_many_places() {
        let mut pool = ResourceState::new("handlers", 2);
        let now = SimTime::START;
        let granted = (1..=3).filter(|n| pool.acquire(Tag::new(*n), false, now).is_some());
        assert_eq!(granted.count(), 2);
        assert!(pool.give_up(Tag::new(3)) && !pool.give_up(Tag::new(3)));
    }
}
