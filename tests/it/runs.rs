//! Runs: a committed scenario, perhaps with values set, and its runs.
//!
//! Here: what the tests of determinism, campaigns and keys share.
//! Never here: assertions.
//! Modelled on: `hadr run FILE --set PATH=VALUE --seed N`.

use std::path::Path;
use std::sync::Arc;

use hadr::runner::record::Record;
use hadr::runner::{Session, Watch};
use hadr::scenario::{Document, Scenario, Vocabulary, load};
use hadr::systems::Registry;

use crate::cases::Disk;

/// A scenario and who can run it.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) registry: Arc<Registry>,
}

impl Case {
    /// A file below `scenarios/cases`, with values set as after `--set`.
    pub(crate) fn load(name: &str, sets: &[&str]) -> Result<Case, String> {
        let registry = Arc::new(Registry::builtin());
        let words = Vocabulary::of(&registry);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/cases");
        let file = folder.join(name).with_extension("toml");
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        let loaded = load(&file.to_string_lossy(), &sets, &Disk, &words);
        match loaded.map_err(|complaint| complaint.to_string())?.document {
            Document::Scenario(scenario) => Ok(Case { scenario: Arc::new(*scenario), registry }),
            Document::Disaster(_) => Err(format!("{name} is a disaster")),
        }
    }

    /// A run that has not begun.
    pub(crate) fn open(&self, seed: u64, watch: Watch) -> Session {
        let session = Session::open(self.scenario.clone(), self.registry.clone(), seed, watch);
        session.expect("a committed scenario can be built")
    }

    /// A whole run.
    pub(crate) fn run(&self, seed: u64) -> Record {
        self.open(seed, Watch::default()).finish()
    }
}
