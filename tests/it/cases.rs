//! Every scenario file runs, and does what its `expect` block says.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hadr::campaign::expect::disappointments;
use hadr::runner::{Session, Watch};
use hadr::scenario::{Document, FileReader, Vocabulary, load};
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

/// What is wrong with one file, in sentences.
fn check(path: &Path) -> Vec<String> {
    let registry = Arc::new(Registry::builtin());
    let words = Vocabulary::of(&registry);
    let loaded = match load(&path.to_string_lossy(), &[], &Disk, &words) {
        Ok(loaded) => loaded,
        Err(complaint) => return vec![complaint.to_string()],
    };
    let Document::Scenario(scenario) = loaded.document else { return Vec::new() };
    let scenario = Arc::new(*scenario);
    let runs = scenario.expect.seeds.max(1);
    let records: Vec<_> = (0..u64::from(runs))
        .map(|seed| {
            let watch = Watch::default();
            let session = Session::open(scenario.clone(), registry.clone(), seed, watch);
            session.expect("a committed scenario can be built").finish()
        })
        .collect();
    disappointments(&scenario, &records)
}

fn check_all(folder: &str) {
    let files = scenarios(folder);
    assert!(!files.is_empty(), "no scenario below {folder}");
    let mut wrong = String::new();
    for path in files {
        let found = check(&path);
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
