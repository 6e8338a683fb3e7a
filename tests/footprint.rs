//! What a world costs in memory: a clone of the stock cluster, and an event on the hot path.
//!
//! A binary of its own: it counts every allocation of the process.

#[path = "../benches/workloads/mod.rs"]
mod workloads;

use std::sync::Arc;

use hadr::engine::time::{SimDuration, SimTime};
use hadr::runner::{Session, Watch};
use hadr::scenario::{Document, FileReader, Vocabulary, load};
use hadr::systems::Registry;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

struct Disk;

impl FileReader for Disk {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(path).map_err(|error| error.to_string())
    }
}

/// Blocks and bytes that `work` allocates in all.
fn allocated(work: impl FnOnce()) -> (u64, u64) {
    let before = dhat::HeapStats::get();
    work();
    let after = dhat::HeapStats::get();
    (after.total_blocks - before.total_blocks, after.total_bytes - before.total_bytes)
}

/// One test, since the counter is one.
#[test]
fn a_clone_is_small_and_an_event_allocates_nothing() {
    let _profiler = dhat::Profiler::builder().testing().build();

    // Two NameNodes with controllers, three JournalNodes, three ZooKeeper servers, clients.
    let registry = Arc::new(Registry::builtin());
    let path = format!("{}/scenarios/cases/nn-process-kill.toml", env!("CARGO_MANIFEST_DIR"));
    let loaded = load(&path, &[], &Disk, &Vocabulary::of(&registry)).expect("it loads");
    let Document::Scenario(scenario) = loaded.document else { panic!("a scenario") };
    let session = Session::open(Arc::new(*scenario), registry, 1, Watch::default());
    let mut session = session.expect("it can be built");
    session.advance(SimTime::START + SimDuration::from_secs(60));
    let (blocks, bytes) = allocated(|| drop(session.world().clone()));
    assert!(blocks <= 500, "a clone makes {blocks} allocations");
    assert!(bytes <= 256 * 1_024, "a clone copies {bytes} bytes");

    for build in [workloads::w1, workloads::w2, workloads::w3] {
        let mut world = build();
        workloads::run(&mut world, 60_000); // connected, and every table has its size
        let events = world.events() + 40_000;
        let (blocks, _) = allocated(|| {
            workloads::run(&mut world, events);
        });
        // A bucket of the event list may still grow; an event allocates nothing.
        assert!(blocks <= 100, "{blocks} allocations in 40,000 events");
    }
}
