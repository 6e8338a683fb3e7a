//! The bare reference: std's binary heap with tombstones, the model written into its loop.
//!
//! No network, no processes, no digest, a cheap generator: what a simulator that adds nothing can
//! do with the list that everybody has.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// SplitMix64: cheaper than anything addressed.
struct Cheap(u64);

impl Cheap {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        hadr::engine::below(self.next(), bound)
    }

    fn latency(&mut self) -> u64 {
        200_000 + self.below(1_800_000)
    }

    /// The workload's distribution is the same function on both sides: the list is compared.
    fn exponential_ns(&mut self) -> u64 {
        let mean = hadr::engine::SimDuration::from_millis(1_000);
        hadr::engine::distributions::exponential(mean, self.next()).as_nanos()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    time: u64,
    sequence: u64,
    what: u32,
    who: u32,
    slot: u32,
    generation: u32,
}

#[derive(Default)]
struct Heap {
    heap: BinaryHeap<Reverse<Entry>>,
    sequence: u64,
    generations: Vec<u32>,
    free: Vec<u32>,
}

const PLAIN: u32 = u32::MAX;

impl Heap {
    fn push(&mut self, time: u64, what: u32, who: u32) {
        self.sequence += 1;
        let (sequence, slot, generation) = (self.sequence, PLAIN, 0);
        self.heap.push(Reverse(Entry { time, sequence, what, who, slot, generation }));
    }

    /// A timer that can be cancelled: its slot and generation.
    fn arm(&mut self, time: u64, what: u32, who: u32) -> (u32, u32) {
        self.sequence += 1;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.generations.push(0);
            self.generations.len() as u32 - 1
        });
        let generation = self.generations[slot as usize];
        let sequence = self.sequence;
        self.heap.push(Reverse(Entry { time, sequence, what, who, slot, generation }));
        (slot, generation)
    }

    fn cancel(&mut self, timer: (u32, u32)) {
        let generation = &mut self.generations[timer.0 as usize];
        if *generation == timer.1 {
            *generation += 1;
            self.free.push(timer.0);
        }
    }

    fn pop(&mut self) -> Option<Entry> {
        loop {
            let Reverse(entry) = self.heap.pop()?;
            if entry.slot == PLAIN || self.generations[entry.slot as usize] == entry.generation {
                return Some(entry);
            }
        }
    }
}

/// W1: events done.
pub(crate) fn w1(events: u64) -> u64 {
    let (mut heap, mut cheap) = (Heap::default(), Cheap(42));
    let mut hop = |heap: &mut Heap, now: u64| {
        let to = cheap.below(crate::workloads::NODES) as u32;
        let at = now + 100_000_000 + cheap.exponential_ns();
        heap.push(at, 0, to);
    };
    for _ in 0..16 * crate::workloads::NODES {
        hop(&mut heap, 0);
    }
    let mut last = 0;
    for _ in 0..events {
        let entry = heap.pop().expect("always pending");
        last = entry.time;
        hop(&mut heap, entry.time);
    }
    last
}

/// W2: events done; none of the deadlines may fire.
pub(crate) fn w2(events: u64) -> u64 {
    const BEAT: u32 = 0;
    const DELIVERY: u32 = 1;
    const DEADLINE: u32 = 2;
    let (mut heap, mut cheap) = (Heap::default(), Cheap(42));
    let mut deadlines = vec![(0, u32::MAX); 3_000];
    heap.generations.push(0);
    for node in 0..1_000 {
        heap.push(cheap.below(1_000_000_000), BEAT, node);
    }
    for _ in 0..events {
        let entry = heap.pop().expect("always pending");
        match entry.what {
            BEAT => {
                heap.push(entry.time + 1_000_000_000, BEAT, entry.who);
                for monitor in 0..3 {
                    let at = entry.time + cheap.latency();
                    heap.push(at, DELIVERY, monitor * 1_000 + entry.who);
                }
            }
            DELIVERY => {
                let who = entry.who as usize;
                heap.cancel(deadlines[who]);
                deadlines[who] = heap.arm(entry.time + 10_000_000_000, DEADLINE, entry.who);
            }
            _ => panic!("a deadline fired"),
        }
    }
    heap.sequence
}

/// W3: events done.
pub(crate) fn w3(events: u64) -> u64 {
    const TO_LEADER: u32 = 0;
    const TO_FOLLOWER: u32 = 1;
    const ACK: u32 = 2;
    const TO_WRITER: u32 = 3;
    const DEADLINE: u32 = 4;
    let (mut heap, mut cheap) = (Heap::default(), Cheap(42));
    let (mut round, mut acks) = (0_u32, 0);
    let mut deadlines = [[(0, u32::MAX); 64]; 5];
    heap.generations.push(0);
    let mut own = heap.arm(20_000_000_000, DEADLINE, 0);
    heap.push(cheap.latency(), TO_LEADER, 0);
    for _ in 0..events {
        let entry = heap.pop().expect("always pending");
        let now = entry.time;
        match entry.what {
            TO_LEADER => {
                acks = 0;
                for follower in 0..5_u32 {
                    let deadline = heap.arm(now + 20_000_000_000, DEADLINE, 0);
                    deadlines[follower as usize][round as usize % 64] = deadline;
                    heap.push(
                        now + cheap.latency(),
                        TO_FOLLOWER,
                        (follower << 16) | (round % 65_536),
                    );
                }
            }
            TO_FOLLOWER => heap.push(now + cheap.latency(), ACK, entry.who),
            ACK => {
                let (follower, of) = ((entry.who >> 16) as usize, entry.who % 65_536);
                heap.cancel(deadlines[follower][of as usize % 64]);
                if of == round % 65_536 {
                    acks += 1;
                    if acks == 3 {
                        heap.push(now + cheap.latency(), TO_WRITER, 0);
                    }
                }
            }
            TO_WRITER => {
                heap.cancel(own);
                round += 1;
                own = heap.arm(now + 20_000_000_000, DEADLINE, 0);
                heap.push(now + cheap.latency(), TO_LEADER, 0);
            }
            _ => panic!("a deadline fired"),
        }
    }
    u64::from(round)
}
