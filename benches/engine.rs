//! The engine beside a plain binary heap with tombstones, in one run: the hold model and W1 to W3.
//!
//! Rates on a shared machine move by a third; read the ratios. Medians of five.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_types,
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a bench reads a clock, and prints"
)]

#[path = "workloads/heap.rs"]
mod heap_file;
mod workloads;

use hadr::engine::World;
use hadr::engine::dice::{Noise, below};
use hadr::engine::event_list::EventList;
use hadr::engine::id::EventId;
use hadr::engine::time::SimTime;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::time::Instant;

use workloads::NODES;

const REPEATS: usize = 5;

/// Nanoseconds an event of one call.
fn timed(events: u64, work: impl FnOnce() -> u64) -> f64 {
    let start = Instant::now();
    black_box(work());
    start.elapsed().as_nanos() as f64 / events as f64
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// Interleaved, so that a drift of the machine hits both.
fn compare(name: &str, ours: impl Fn() -> f64, theirs: impl Fn() -> f64) {
    let pairs: Vec<_> = (0..REPEATS).map(|_| (ours(), theirs())).collect();
    let (one, other) = (
        median(pairs.iter().map(|pair| pair.0).collect()),
        median(pairs.iter().map(|pair| pair.1).collect()),
    );
    let (rate, ratio) = (1e3 / one, other / one);
    println!("{name:<34} {one:>8.1} ns {other:>8.1} ns {rate:>8.2} M/s {ratio:>6.2}x");
}

fn world(build: fn() -> World, events: u64) -> f64 {
    let mut world = build();
    workloads::run(&mut world, events / 10); // past connecting and the first time-outs
    let target = world.events() + events;
    timed(events, || workloads::run(&mut world, target).0)
}

/// Pop and push again at random increments, so many pending.
fn hold(pending: u64, events: u64) -> (impl Fn() -> f64, impl Fn() -> f64) {
    let increment = |n: u64| below(Noise::keyed(1, 2).at(n).first(), 2_000_000_000);
    let ours = move || {
        let mut list = EventList::new();
        for n in 0..pending {
            list.schedule(SimTime::from_nanos(increment(n)), EventId(0), (n, n));
        }
        timed(events, || {
            for n in 0..events {
                let due = list.pop().expect("pending");
                let at = due.at.as_nanos() + increment(n);
                list.schedule(SimTime::from_nanos(at), due.cause, due.event);
            }
            list.len() as u64
        })
    };
    let theirs = move || {
        let mut heap = BinaryHeap::new();
        for n in 0..pending {
            heap.push(Reverse((increment(n), n, (n, n))));
        }
        timed(events, || {
            for n in 0..events {
                let Reverse((at, _, event)) = heap.pop().expect("pending");
                heap.push(Reverse((at + increment(n), pending + n, event)));
            }
            heap.len() as u64
        })
    };
    (ours, theirs)
}

/// `cargo bench --bench engine -- W1 100000`: one row, so many events.
fn main() {
    let words: Vec<String> = std::env::args().filter(|word| !word.starts_with("--")).collect();
    let wanted = words.get(1).map_or("", String::as_str);
    let events = words.get(2).and_then(|word| word.parse().ok()).unwrap_or(2_000_000);
    println!("{:<34} {:>11} {:>11} {:>12} {:>7}", "", "hadr", "bare heap", "hadr", "ratio");
    for pending in [1_000, 16_384, 1_000_000] {
        let name = format!("hold model, {pending} pending");
        if name.contains(wanted) {
            let (ours, theirs) = hold(pending, events);
            compare(&name, ours, theirs);
        }
    }
    assert_eq!(NODES, 1_024);
    type Row = (&'static str, fn() -> World, fn(u64) -> u64);
    let rows: [Row; 3] = [
        ("W1 PHOLD", workloads::w1, heap_file::w1),
        ("W2 heartbeats", workloads::w2, heap_file::w2),
        ("W3 quorum writes", workloads::w3, heap_file::w3),
    ];
    for (name, ours, theirs) in rows.into_iter().filter(|row| row.0.contains(wanted)) {
        compare(name, || world(ours, events), || timed(events, || theirs(events)));
    }
}
