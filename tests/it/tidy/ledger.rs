//! Ledger: what the documentation names exists: sections, tests, files.
//!
//! Here: both directions of reference.
//! Never here: whether the ledger is right.
//! Modelled on: STYLE, docs/MODELS.md.

use super::{file, files, nothing_wrong};

#[test]
fn the_ledger_has_the_sections_that_modules_refer_to() {
    let ledger = file("docs/MODELS.md");
    let mut wrong = Vec::new();
    for source in files(&["src"], "rs") {
        let text = source.text.replace("\n//!", "");
        for rest in text.split("docs/MODELS.md, \"").skip(1) {
            let section = rest.split('"').next().unwrap_or_default();
            if !ledger.lines().any(|line| line == format!("## {section}")) {
                wrong.push(format!("{}: docs/MODELS.md has no section {section}", source.path));
            }
        }
    }
    nothing_wrong(&wrong);
}

#[test]
fn every_test_that_the_ledger_names_exists() {
    let sources = files(&["src", "tests"], "rs");
    let ledger = file("docs/MODELS.md");
    let mut wrong = Vec::new();
    // A name of a test is a sentence: at least four words.
    let words = ledger.split('`').skip(1).step_by(2);
    for name in words.filter(|word| 3 <= word.matches('_').count() && !word.contains(['.', ' '])) {
        let declared = format!("fn {name}(");
        if !sources.iter().any(|source| source.text.contains(&declared)) {
            wrong.push(format!("docs/MODELS.md names {name}, which is no test"));
        }
    }
    nothing_wrong(&wrong);
}

#[test]
fn every_link_of_the_documentation_leads_somewhere() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = files(&["docs", "reports/gallery"], "md");
    for page in ["README.md", "CHANGELOG.md"] {
        pages.push(super::Source { path: page.to_string(), text: file(page) });
    }
    let mut wrong = Vec::new();
    for page in pages {
        for rest in page.text.split("](").skip(1) {
            let link = rest.split([')', '#']).next().unwrap_or_default();
            let beside = root.join(&page.path).with_file_name(link);
            if !link.is_empty() && !link.starts_with("https:") && !beside.exists() {
                wrong.push(format!("{} links to {link}, which is not there", page.path));
            }
        }
    }
    nothing_wrong(&wrong);
}
