//! Settings: what the operator wrote, checked against the rows of the keys.
//!
//! Here: names old and new, suffixes, values in the key's unit, profiles, keys nobody reads.
//! Never here: rows; stock values.
//! Modelled on: Hadoop `Configuration` and its deprecations; DESIGN 2, Keys.

use std::collections::BTreeMap;

use super::complaint::{Place, Wrong, distance};
use super::model::{Placed, Settings, Written};
use super::tree::{Entry, Node};
use super::vocabulary::Vocabulary;
use crate::engine::config::{Key, Profile, Suffix};

/// A key that no model reads, where it stands.
#[derive(Clone, Debug)]
pub(super) struct Unused {
    /// Its name.
    pub(super) key: String,
    /// Where.
    pub(super) place: Place,
}

/// A key as found under an operator's name: its row, its newest name with the suffix kept.
pub(super) struct Found {
    pub(super) key: &'static dyn Key,
    pub(super) name: String,
}

/// Finds the row of a name: itself, an older name, either with a suffix that the row allows.
pub(super) fn find(rows: &BTreeMap<&'static str, &'static dyn Key>, name: &str) -> Option<Found> {
    if let Some(key) = rows.get(name) {
        return Some(Found { key: *key, name: key.name().to_string() });
    }
    let dots = name.char_indices().rev().filter(|(_, c)| *c == '.').map(|(at, _)| at);
    for (parts, at) in dots.take(2).enumerate() {
        let Some(key) = rows.get(&name[..at]) else { continue };
        let allowed = match key.suffix() {
            Suffix::None => 0,
            Suffix::Nameservice => 1,
            Suffix::NameNode => 2,
        };
        if parts < allowed {
            return Some(Found { key: *key, name: format!("{}{}", key.name(), &name[at..]) });
        }
    }
    None
}

/// Reads `config` and `override`.
pub(super) fn read_settings(
    root: &Node,
    processes: &[Placed],
    words: &Vocabulary,
) -> Result<(Settings, Vec<Unused>), Wrong> {
    let mut reader = Reader { words, settings: Settings::default(), unused: Vec::new() };
    for role in &words.roles {
        let family = role.family.to_string();
        reader.settings.family_of_role.insert(role.name.to_string(), family);
    }
    for family in words.sections.iter().map(|section| section.family) {
        let profile = words.profiles_of(family).first().copied();
        let written = Written { profile, keys: BTreeMap::new() };
        reader.settings.families.insert(family.to_string(), written);
    }
    let config = root.get("config").and_then(Node::table);
    // In the order of the vocabulary, so that hdfs-site wins over core-site.
    let mut profiles: BTreeMap<&str, Profile> = BTreeMap::new();
    for section in &words.sections {
        let Some(entry) = config.and_then(|config| config.get(section.name)) else { continue };
        let written = reader.section(section.family, entry)?;
        if let Some(profile) = written.profile {
            let before = profiles.insert(section.family, profile);
            if before.is_some_and(|before| before != profile) {
                let claim = format!("another section of {} has another profile", section.family);
                return Err(Wrong::at(entry.place, claim));
            }
        }
        let family = reader.settings.families.entry(section.family.to_string()).or_default();
        family.profile = written.profile.or(family.profile);
        family.keys.extend(written.keys);
    }
    for (name, entry) in root.get("override").and_then(Node::table).into_iter().flatten() {
        let process = processes.iter().find(|process| process.name == *name);
        let role = process.map_or(name.as_str(), |process| process.role.as_str());
        let Some(role) = words.role(role) else {
            let names = processes.iter().map(|process| process.name.as_str());
            let known = names.chain(words.roles.iter().map(|role| role.name));
            return Err(Wrong::unknown(entry.place, "role or process", name, known));
        };
        let written = reader.section(role.family, entry)?;
        reader.settings.overrides.insert(name.clone(), written);
    }
    Ok((reader.settings, reader.unused))
}

struct Reader<'a> {
    words: &'a Vocabulary,
    settings: Settings,
    unused: Vec<Unused>,
}

impl Reader<'_> {
    fn section(&mut self, family: &str, entry: &Entry) -> Result<Written, Wrong> {
        let rows = self.words.keys_of(family);
        let mut written = Written::default();
        for (name, entry) in entry.node.table().into_iter().flatten() {
            let text = entry.node.scalar().unwrap_or_default();
            if name == "profile" {
                written.profile = Some(self.profile(family, &entry.node, &text)?);
                continue;
            }
            let Some(found) = find(&rows, name) else {
                let near = rows.keys().copied().filter(|_| name.len() <= 200);
                let near = near.map(|known| (distance(name, known), known)).min();
                if let Some((0..=2, near)) = near {
                    return Err(Wrong::at(entry.place, format!("unknown key \"{name}\""))
                        .hint(format!("did you mean \"{near}\"?")));
                }
                self.unused.push(Unused { key: name.clone(), place: entry.place });
                continue;
            };
            found.key.check(&text).map_err(|why| {
                let claim = format!("{}: {}", found.key.name(), super::complaint::shortened(&why));
                Wrong::at(entry.node.place, claim).hint(found.key.meaning())
            })?;
            if written.keys.insert(found.name.clone(), text).is_some() {
                let claim = format!("\"{name}\" is another name of {}", found.name);
                return Err(Wrong::at(entry.place, claim).hint("both stand here"));
            }
        }
        Ok(written)
    }

    fn profile(&self, family: &str, node: &Node, text: &str) -> Result<Profile, Wrong> {
        let profiles = self.words.profiles_of(family);
        let found = profiles.iter().find(|profile| profile.0 == text).copied();
        let known = profiles.iter().map(|profile| profile.0);
        found.ok_or_else(|| Wrong::unknown(node.place, "profile", text, known))
    }
}
