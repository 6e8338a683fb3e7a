//! The protocols: `nn-process-kill` for ten simulated minutes, as simulated seconds and events per
//! second of one core, with all measures and checkers on; and the cost of watching.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_types,
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "a bench reads a clock, and prints"
)]

use std::sync::Arc;
use std::time::Instant;

use hadr::engine::time::{SimDuration, SimTime};
use hadr::runner::{Session, Watch};
use hadr::scenario::{Document, FileReader, Scenario, Vocabulary, load};
use hadr::systems::Registry;

struct Disk;

impl FileReader for Disk {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(path).map_err(|error| error.to_string())
    }
}

fn scenario(registry: &Registry) -> Scenario {
    let path = format!("{}/scenarios/cases/nn-process-kill.toml", env!("CARGO_MANIFEST_DIR"));
    let loaded = load(&path, &[], &Disk, &Vocabulary::of(registry)).expect("it loads");
    let Document::Scenario(scenario) = loaded.document else { panic!("a scenario") };
    *scenario
}

/// Wall seconds, simulated seconds, events.
fn one(scenario: &Arc<Scenario>, registry: &Arc<Registry>, watch: Watch) -> (f64, f64, u64) {
    let minutes = SimDuration::from_secs(600);
    let session = Session::open(scenario.clone(), registry.clone(), 0, watch);
    let mut session = session.expect("it can be built");
    let start = Instant::now();
    session.advance(SimTime::START + minutes);
    let wall = start.elapsed().as_nanos() as f64 / 1e9;
    (wall, minutes.as_nanos() as f64 / 1e9, session.events())
}

fn main() {
    let registry = Arc::new(Registry::builtin());
    let scenario = Arc::new(scenario(&registry));
    let everything = Watch { story: true, census: true, history: true };
    for (name, watch) in [("measured", Watch::default()), ("and fully watched", everything)] {
        let mut runs: Vec<_> = (0..5).map(|_| one(&scenario, &registry, watch)).collect();
        runs.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (wall, simulated, events) = runs[2];
        let (ratio, rate) = (simulated / wall, events as f64 / wall / 1e6);
        println!("nn-process-kill, {name:<18} {ratio:>8.0}x real time, {rate:.2} M events/s");
    }
}
