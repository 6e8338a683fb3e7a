//! Resources: what Hadoop would read out of several files, one over the other.
//!
//! Here: `final`, later values, older names, `${}` substitution.
//! Never here: XML; what a key means.
//! Modelled on: Hadoop 3.4.1 `Configuration.loadProperty`, `substituteVars`, `addDeprecations`.

use std::collections::{BTreeMap, BTreeSet};

use super::super::complaint::{Place, Wrong, shortened};
use super::xml::Property;

/// Substitutions in one value, as in `Configuration.MAX_SUBST`.
const SUBSTITUTIONS_MAX: usize = 20;
/// A value that grows beyond this is hostile.
const VALUE_BYTES_MAX: usize = 1 << 20;

/// Older names of keys that shape the cluster (those of rows stand in the rows).
const OLDER: &[(&str, &str)] = &[
    ("dfs.federation.nameservices", "dfs.nameservices"),
    ("dfs.federation.nameservice.id", "dfs.nameservice.id"),
    ("fs.default.name", "fs.defaultFS"),
    ("dfs.http.address", "dfs.namenode.http-address"),
    ("dfs.secondary.http.address", "dfs.namenode.secondary.http-address"),
    ("dfs.name.dir", "dfs.namenode.name.dir"),
    ("dfs.name.edits.dir", "dfs.namenode.edits.dir"),
];

/// A value, and where it was set.
#[derive(Clone, Debug)]
pub(super) struct Set {
    /// Substituted and trimmed.
    pub(super) value: String,
    /// Where it stands.
    pub(super) place: Place,
    /// Whether a model or the topology took it.
    pub(super) used: bool,
}

/// What Hadoop would see.
#[derive(Default)]
pub(super) struct Resources {
    /// By newest name.
    pub(super) set: BTreeMap<String, Set>,
    /// Overruled values, with the reason.
    pub(super) notes: Vec<(Place, String)>,
}

impl Resources {
    /// Loads properties in the order of their files.
    pub(super) fn load(properties: Vec<Property>) -> Result<Resources, Wrong> {
        let mut raw: BTreeMap<String, Property> = BTreeMap::new();
        let mut notes = Vec::new();
        for property in properties {
            let name = newest(&property.name).to_string();
            if let Some(before) = raw.get(&name) {
                let same = before.value.trim() == property.value.trim();
                if before.is_final {
                    if !same {
                        let note =
                            format!("{name} is final and keeps \"{}\"", short(&before.value));
                        notes.push((property.place, note));
                    }
                    continue;
                }
                if !same && before.place.source == property.place.source {
                    let note = format!(
                        "{name} stands again: the later \"{}\" wins",
                        short(&property.value)
                    );
                    notes.push((property.place, note));
                }
            }
            raw.insert(name, property);
        }
        let mut set = BTreeMap::new();
        for (name, property) in &raw {
            let value = substituted(&property.value, &raw)
                .map_err(|why| Wrong::at(property.place, format!("{}: {why}", shortened(name))))?;
            let value = value.trim().to_string();
            set.insert(name.clone(), Set { value, place: property.place, used: false });
        }
        Ok(Resources { set, notes })
    }

    /// A value, which counts as used from now on.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let set = self.set.get_mut(name)?;
        set.used = true;
        (!set.value.is_empty()).then(|| set.value.clone())
    }

    /// The value under the longest suffix that is set.
    pub(super) fn take_scoped(&mut self, name: &str, suffixes: &[&str]) -> Option<String> {
        (0..=suffixes.len()).rev().find_map(|n| {
            let full = [&[name], &suffixes[..n]].concat().join(".");
            self.take(&full)
        })
    }

    /// Where a key was set.
    pub(super) fn place(&self, name: &str) -> Option<Place> {
        self.set.get(name).map(|set| set.place)
    }
}

fn short(text: &str) -> String {
    shortened(text.trim())
}

/// The newest name of a key that shapes the cluster.
fn newest(name: &str) -> &str {
    OLDER.iter().find(|row| row.0 == name).map_or(name, |row| row.1)
}

/// `${name}`, innermost first, at most twenty times. A name that nobody set, or one that leads
/// back to itself, stays as it is.
fn substituted(text: &str, raw: &BTreeMap<String, Property>) -> Result<String, String> {
    let mut text = text.to_string();
    let mut seen = BTreeSet::new();
    for _ in 0..SUBSTITUTIONS_MAX {
        let Some((start, end)) = variable(&text) else { return Ok(text) };
        let name = &text[start + 2..end];
        let Some(value) = environment(name)
            .or_else(|| raw.get(newest(name)).map(|property| property.value.clone()))
        else {
            return Ok(text);
        };
        if !seen.insert(name.to_string()) {
            return Ok(text);
        }
        text = [&text[..start], &value, &text[end + 1..]].concat();
        if text.len() > VALUE_BYTES_MAX {
            return Err("a value that substitution blows up".to_string());
        }
    }
    match variable(&text) {
        Some(_) => Err(format!("more than {SUBSTITUTIONS_MAX} substitutions in one value")),
        None => Ok(text),
    }
}

/// The innermost `${…}`: no `$`, `}` or blank inside.
fn variable(text: &str) -> Option<(usize, usize)> {
    text.match_indices("${").map(|(start, _)| start).find_map(|start| {
        let inside = &text[start + 2..];
        let end = inside.find(['}', '$', ' '])?;
        (end > 0 && inside[end..].starts_with('}')).then_some((start, start + 2 + end))
    })
}

/// `${env.NAME:-other}` and `${env.NAME-other}`: the environment of the cluster is unknown here,
/// so only the default can be taken.
fn environment(name: &str) -> Option<String> {
    let (_, other) = name.strip_prefix("env.")?.split_once('-')?;
    Some(other.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(properties: &[(&str, &str)]) -> Result<BTreeMap<String, String>, Wrong> {
        let property = |(name, value): &(&str, &str)| Property {
            name: (*name).to_string(),
            value: (*value).to_string(),
            is_final: value.ends_with('!'),
            place: Place::default(),
        };
        let loaded = Resources::load(properties.iter().map(property).collect())?;
        Ok(loaded.set.into_iter().map(|(name, set)| (name, set.value)).collect())
    }

    #[test]
    fn later_wins_unless_final() {
        assert_eq!(load(&[("a", "1"), ("a", "2")]).unwrap()["a"], "2");
        assert_eq!(load(&[("a", "1!"), ("a", "2")]).unwrap()["a"], "1!");
    }

    #[test]
    fn variables_are_replaced_from_the_inside_and_loops_stay() {
        let set = load(&[("a", "${b}/x"), ("b", "${c.${d}}"), ("c.one", "deep"), ("d", "one")]);
        assert_eq!(set.unwrap()["a"], "deep/x");
        let set = load(&[("a", "${b}"), ("b", "${a}"), ("u", "/tmp/${user.name}")]).unwrap();
        assert_eq!((set["a"].as_str(), set["u"].as_str()), ("${b}", "/tmp/${user.name}"));
        assert_eq!(load(&[("p", "${env.PORT:-8020}")]).unwrap()["p"], "8020");
    }

    #[test]
    fn a_chain_too_long_and_a_value_too_large_are_refused() {
        let chain: Vec<(String, String)> =
            (0..30).map(|n| (format!("k{n}"), format!("${{k{}}}", n + 1))).collect();
        let chain: Vec<(&str, &str)> =
            chain.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let last = [&chain[..], &[("k30", "end")]].concat();
        assert!(load(&last).unwrap_err().claim.contains("more than 20 substitutions"));
        let wide = "x".repeat(600_000);
        let twice = format!("{wide}${{a}}");
        assert!(load(&[("a", &wide), ("b", &twice)]).unwrap_err().claim.contains("blows up"));
    }
}
