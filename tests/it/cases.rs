//! Every scenario file runs, and does what its `expect` block says.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use hadr::campaign::expect::disappointments;
use hadr::campaign::pool::Pool;
use hadr::runner::{Session, Watch};
use hadr::scenario::{Document, FileReader, Loaded, Scenario, Vocabulary, load};
use hadr::systems::Registry;

pub(crate) struct Disk;

impl FileReader for Disk {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(path).map_err(|error| error.to_string())
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            found.push(path);
        }
    }
}

/// The scenario files of a folder below `scenarios/`, without what is only included.
pub(crate) fn scenarios(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(folder), &mut found);
    found.retain(|path| path.file_stem().is_none_or(|stem| stem != "base"));
    found.sort();
    found
}

/// What is wrong with the files of a folder; their runs are spread over the cores.
fn check_all(folder: &str) {
    let registry = Arc::new(Registry::builtin());
    let words = Vocabulary::of(&registry);
    let mut wrong = String::new();
    let mut cases = Vec::new();
    for path in scenarios(folder) {
        match load(&path.to_string_lossy(), &[], &Disk, &words) {
            Ok(Loaded { document: Document::Scenario(scenario), .. }) => {
                cases.push((path, Arc::new(*scenario)));
            }
            Ok(_) => {}
            Err(complaint) => wrong.push_str(&format!("\n{complaint}\n")),
        }
    }
    assert!(!cases.is_empty(), "no scenario below {folder}");
    let seeds = |scenario: &Scenario| 0..u64::from(scenario.expect.seeds.max(1));
    let runs: Vec<_> =
        cases.iter().flat_map(|(_, case)| seeds(case).map(move |seed| (case, seed))).collect();
    let pool = Pool { jobs: None, progress: &|_| {}, stop: &AtomicBool::new(false) };
    let records = pool.run(runs.len(), |index| {
        let (scenario, seed) = runs[index];
        let session = Session::open(scenario.clone(), registry.clone(), seed, Watch::default());
        session.expect("a committed scenario can be built").finish()
    });
    let mut records = records.expect("no run panics").into_iter();
    for (path, scenario) in &cases {
        let of_case: Vec<_> = seeds(scenario).filter_map(|_| records.next()).collect();
        let found = disappointments(scenario, &of_case);
        if !found.is_empty() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            wrong.push_str(&format!("\n{name}:\n  {}\n", found.join("\n  ")));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_case_does_what_its_file_says() {
    check_all("cases");
}
