//! Tidy: what neither compiler nor clippy checks.
//!
//! Here: headers, widths, sizes, serde attributes, what the other rooms of tidy share.
//! Never here: behaviour.
//! Modelled on: TigerBeetle's tidy.zig, rust-analyzer's tidy.

mod homes;
mod layers;
mod ledger;
mod names;
mod properties;

use std::path::Path;

const LINES_MAX: usize = 600;
const COLUMNS_MAX: usize = 100;

/// A source file of ours.
struct Source {
    /// From the root of the repository: `src/engine/time.rs`.
    path: String,
    text: String,
}

impl Source {
    /// `engine::time`, for files of `src/`.
    fn module(&self) -> String {
        let inside = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        inside.trim_end_matches("/mod").replace('/', "::")
    }

    /// Each line with its number, without what stands behind `//`.
    fn code(&self) -> String {
        let lines = self.text.lines().map(|line| {
            let comment = line.find("// ").or_else(|| line.find("///"));
            let comment = comment.or_else(|| line.find("//!"));
            comment.map_or(line, |at| &line[..at])
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn collect(folder: &Path, ending: &str, found: &mut Vec<Source>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for entry in std::fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, ending, found);
        } else if path.extension().is_some_and(|found| found == ending) {
            let inside = path.strip_prefix(root).expect("below the root");
            let text = std::fs::read(&path).expect("a readable file");
            found.push(Source {
                path: inside.to_string_lossy().replace('\\', "/"),
                text: String::from_utf8(text).expect("UTF-8"),
            });
        }
    }
}

/// Files below these folders, in order of path.
fn files(folders: &[&str], ending: &str) -> Vec<Source> {
    let mut found = Vec::new();
    for folder in folders {
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), ending, &mut found);
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

/// One file of the repository.
fn file(path: &str) -> String {
    let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
    let bytes = bytes.unwrap_or_else(|error| panic!("{path}: {error}"));
    String::from_utf8(bytes).expect("UTF-8")
}

/// Fails with all that is wrong, a line each.
fn nothing_wrong(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n  {}\n", wrong.join("\n  "));
}

/// What is wrong with the first lines of a module.
fn header_flaw(text: &str) -> Option<&'static str> {
    let header: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//!")).collect();
    let says = |word: &str| header.iter().any(|line| line.trim_start().starts_with(word));
    let first = header.first().and_then(|line| line.split_once(": "));
    if first.is_none_or(|(name, sentence)| name.trim().is_empty() || sentence.is_empty()) {
        return Some("its first line is not `//! Name: one sentence.`");
    }
    let said = [
        ("Here:", "it does not say what lives here"),
        ("Never here:", "it does not say what may not live here"),
        ("Modelled on:", "it does not say what it is modelled on"),
    ];
    said.into_iter().find(|(word, _)| !says(word)).map(|(_, flaw)| flaw)
}

#[test]
fn every_module_says_what_lives_here_and_what_may_not() {
    let full = "//! Name: a sentence.\n//!\n//! Here: a.\n//! Never here: b.\n//! Modelled on: -\n";
    assert_eq!(header_flaw(full), None);
    assert!(header_flaw(&full.replace("Never h", "H")).is_some());
    assert!(header_flaw(&full.replace("Name: ", "")).is_some());
    let mut wrong = Vec::new();
    for source in files(&["src"], "rs") {
        if let Some(flaw) = header_flaw(&source.text) {
            wrong.push(format!("{}: {flaw}", source.path));
        }
    }
    nothing_wrong(&wrong);
}

#[test]
fn no_line_is_wider_than_a_page_and_no_file_longer_than_a_sitting() {
    let mut wrong = Vec::new();
    let mut sources = files(&["src", "tests", "examples", "benches"], "rs");
    sources.extend(files(&["scenarios", "examples"], "toml"));
    for source in sources {
        let mut expected = false; // inside what a program is expected to print
        for (number, line) in (1..).zip(source.text.lines()) {
            expected |= line.contains("expect![[r");
            if !expected && COLUMNS_MAX < line.chars().count() {
                wrong.push(format!("{}:{number}: over {COLUMNS_MAX} columns", source.path));
            }
            expected &= !line.contains("#]]");
        }
        let lines = source.text.lines().count();
        if source.path.starts_with("src/") && LINES_MAX < lines {
            wrong.push(format!("{}: {lines} lines; split it by reason to change", source.path));
        }
    }
    nothing_wrong(&wrong);
}

/// serde's `flatten` and tagged enums lose line and column of what a user wrote; `untagged` too.
fn loses_places(code: &str) -> bool {
    code.split("serde(").skip(1).any(|rest| {
        let inside = rest.split(')').next().unwrap_or_default();
        ["flatten", "tag", "untagged"].iter().any(|word| inside.contains(word))
    })
}

#[test]
fn nothing_between_a_users_file_and_its_error_loses_the_place() {
    assert!(loses_places("#[serde(tag = \"kind\")]") && loses_places("#[serde(default, flatten)]"));
    assert!(!loses_places("#[serde(default)] flatten"));
    let found = files(&["src"], "rs").into_iter().filter(|source| loses_places(&source.code()));
    nothing_wrong(&found.map(|source| source.path).collect::<Vec<_>>());
}
