//! Footprint: an event on the hot path allocates nothing.
//!
//! Here: the benches' workloads, warm, with every allocation counted.
//! Never here: what a clone copies (`determinism`).
//! Modelled on: TigerBeetle's static allocation.

#[path = "../../benches/workloads/mod.rs"]
mod workloads;

#[test]
fn an_event_allocates_nothing() {
    for build in [workloads::w1, workloads::w2, workloads::w3] {
        let mut world = build();
        workloads::run(&mut world, 60_000); // connected, and every table has its size
        let events = world.events() + 40_000;
        let cost = allocation_counter::measure(|| {
            workloads::run(&mut world, events);
        });
        // Tables and slabs still double now and then.
        assert!(cost.count_total <= 200, "{} allocations in 40,000 events", cost.count_total);
    }
}
