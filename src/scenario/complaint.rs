//! Complaint: what is wrong with something an operator wrote, where, and what would be right.
//!
//! Here: places in files, the complaint, the nearest known name.
//! Never here: printing; more than one complaint at a time.
//! Modelled on: rustc's diagnostics; STYLE rule 17.

use std::fmt;

/// Where in which file something stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Index into [`Sources`].
    pub source: usize,
    /// Byte offset of its first character.
    pub offset: usize,
}

/// Everything that was read, to turn places into lines.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<(String, String)>,
}

/// What is wrong, not yet turned into line and column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Where.
    pub place: Place,
    /// What is wrong and what was expected, a phrase.
    pub claim: String,
    /// What would be right.
    pub hint: Option<String>,
}

/// One complaint, ready to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The file, or what stands for it (`--set`).
    pub file: String,
    /// From 1; 0 if the whole file is meant.
    pub line: usize,
    /// From 1, in characters; 0 if the whole file is meant.
    pub column: usize,
    /// What is wrong and what was expected.
    pub claim: String,
    /// What would be right.
    pub hint: Option<String>,
    /// The line itself.
    pub excerpt: String,
}

impl Wrong {
    /// Wrong at a place.
    pub fn at(place: Place, claim: impl Into<String>) -> Wrong {
        Wrong { place, claim: claim.into(), hint: None }
    }

    /// With a remedy.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Wrong {
        self.hint = Some(hint.into());
        self
    }

    /// `what` is not among `known`: names the nearest, else lists them if they are few.
    pub fn unknown<'a>(
        place: Place,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Wrong {
        let known: Vec<&str> = known.into_iter().collect();
        let wrong = Wrong::at(place, format!("unknown {what} \"{}\"", shortened(name)));
        match nearest(name, &known) {
            Some(near) => wrong.hint(format!("did you mean \"{near}\"?")),
            None if known.is_empty() => wrong.hint("there is none here"),
            None if known.len() <= 24 => wrong.hint(format!("known: {}", known.join(", "))),
            None => wrong.hint(format!("`hadr list` shows all {} of them", known.len())),
        }
    }
}

impl Sources {
    /// Adds a file; its index goes into places.
    pub fn add(&mut self, name: &str, text: &str) -> usize {
        self.files.push((name.to_string(), text.to_string()));
        self.files.len() - 1
    }

    /// How many were read.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The name of a file.
    pub fn name(&self, source: usize) -> &str {
        self.files.get(source).map_or("", |file| &file.0)
    }

    /// Line and column of a place, both from 1.
    pub fn line_and_column(&self, place: Place) -> (usize, usize) {
        let (line, column, _) = self.locate(place);
        (line, column)
    }

    /// Ready to print.
    pub fn complaint(&self, wrong: Wrong) -> Complaint {
        let (line, column, excerpt) = self.locate(wrong.place);
        let file = self.name(wrong.place.source).to_string();
        let Wrong { claim, hint, .. } = wrong;
        Complaint { file, line, column, claim, hint, excerpt: shortened(excerpt) }
    }

    fn locate(&self, place: Place) -> (usize, usize, &str) {
        let text = self.files.get(place.source).map_or("", |file| file.1.as_str());
        let before = text.get(..place.offset).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        let excerpt = text[start..].lines().next().unwrap_or_default();
        (line, before[start..].chars().count() + 1, excerpt)
    }
}

impl Complaint {
    /// About a file as a whole.
    pub fn of_file(file: &str, claim: impl Into<String>) -> Complaint {
        let (file, claim) = (file.to_string(), claim.into());
        Complaint { file, line: 0, column: 0, claim, hint: None, excerpt: String::new() }
    }
}

impl std::error::Error for Complaint {}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.claim)?,
            line => write!(f, "{}:{line}:{}: {}", self.file, self.column, self.claim)?,
        }
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        if !self.excerpt.trim().is_empty() {
            let pad = " ".repeat(self.column.saturating_sub(1).min(self.excerpt.chars().count()));
            let tabs_as_spaces = self.excerpt.replace('\t', " ");
            write!(f, "\n    {tabs_as_spaces}\n    {pad}^")?;
        }
        Ok(())
    }
}

/// At most 120 characters of a text that may be hostile.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

/// The known name with the smallest edit distance, if it is near: at most a third of its length.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    if name.len() > 200 {
        return None;
    }
    let lower = name.to_lowercase();
    let shared = |known: &str| lower.chars().zip(known.chars()).take_while(|(a, b)| a == b).count();
    known
        .iter()
        .map(|known| (distance(&lower, &known.to_lowercase()), *known))
        .filter(|(far, known)| *far <= (known.chars().count() / 3).max(1))
        .min_by_key(|(far, known)| (*far, std::cmp::Reverse(shared(known)), *known))
        .map(|(_, known)| known)
}

/// Edit distance in characters; two neighbours that changed places count once.
pub(super) fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let differs = usize::from(one[i - 1] != other[j - 1]);
            let mut least = (above[j - 1] + differs).min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_and_a_far_one_is_not() {
        let known = ["namenode", "journalnode", "zookeeper"];
        assert_eq!(nearest("nameNodes", &known), Some("namenode"));
        assert_eq!(nearest("database", &known), None);
        assert_eq!(nearest("hfds", &["core", "hdfs"]), Some("hdfs"));
        assert_eq!((distance("kitten", "sitting"), distance("abc", "acb")), (3, 1));
    }

    #[test]
    fn columns_count_characters_and_lines_start_at_one() {
        let mut sources = Sources::default();
        let source = sources.add("a.toml", "x = 1\nä = \"ö\" # ü\n");
        let place = Place { source, offset: "x = 1\nä = ".len() };
        let complaint = sources.complaint(Wrong::at(place, "not a count"));
        assert_eq!(complaint.to_string(), "a.toml:2:5: not a count\n    ä = \"ö\" # ü\n        ^");
    }
}
