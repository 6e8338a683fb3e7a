//! Source: from a path to one tree: reading, including, laying over, setting.
//!
//! Here: the order in which files and `--set` win over each other; limits on hostile input.
//! Never here: what a field means; the disk (a [`FileReader`] is passed in).
//! Modelled on: Hadoop's resources (last wins), cargo's `--config`.

use super::complaint::{Complaint, Place, Sources, Wrong};
use super::json::read_json;
use super::tree::{Entry, Node, Table, Value, read_set_value, read_toml};

/// Reads files. Only `cli` has one that touches the disk.
pub trait FileReader {
    /// The whole content of a file.
    ///
    /// # Errors
    /// A phrase that says why not.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;
}

/// A scenario file is small; a larger one is a mistake.
const FILE_BYTES_MAX: usize = 4 << 20;
/// Includes of includes.
const INCLUDE_DEPTH_MAX: usize = 8;
/// Files in one scenario.
const FILES_MAX: usize = 64;

/// Reads a file, what it includes, and what is set over it, into one tree.
///
/// # Errors
/// The first thing that cannot be read.
pub fn read_tree(
    path: &str,
    sets: &[String],
    reader: &dyn FileReader,
    sources: &mut Sources,
) -> Result<Node, Complaint> {
    let mut root = read_file(path, reader, sources, 0)?;
    for set in sets {
        let source = sources.add("--set", set);
        apply_set(&mut root, source, set).map_err(|wrong| sources.complaint(wrong))?;
    }
    Ok(root)
}

/// The text of a file, as UTF-8.
///
/// # Errors
/// Unreadable, too large or not UTF-8.
pub(super) fn read_text(
    path: &str,
    reader: &dyn FileReader,
    bytes_max: usize,
) -> Result<String, Complaint> {
    let bytes = reader.read(path).map_err(|why| Complaint::of_file(path, why))?;
    if bytes.len() > bytes_max {
        let claim = format!("{} bytes; at most {bytes_max} are read", bytes.len());
        return Err(Complaint::of_file(path, claim));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        Complaint::of_file(path, format!("not UTF-8: line {line}, byte {at} of the file"))
    })?;
    Ok(text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_string))
}

fn read_file(
    path: &str,
    reader: &dyn FileReader,
    sources: &mut Sources,
    depth: usize,
) -> Result<Node, Complaint> {
    let text = read_text(path, reader, FILE_BYTES_MAX)?;
    let source = sources.add(path, &text);
    let is_json = path.ends_with(".json") || text.trim_start().starts_with('{');
    let read = if is_json { read_json } else { read_toml };
    let mut root =
        read(source, &text).and_then(flatten_keys).map_err(|wrong| sources.complaint(wrong))?;
    let Value::Table(table) = &mut root.value else { return Ok(root) };
    let Some(include) = table.remove("include") else { return Ok(root) };
    let names: Vec<Node> = match include.node.value {
        Value::List(list) => list,
        Value::Text(_) | Value::Number(_) | Value::Flag(_) | Value::Table(_) => vec![include.node],
    };
    let mut below: Option<Node> = None;
    for name in names {
        let too_many = depth >= INCLUDE_DEPTH_MAX || sources.len() >= FILES_MAX;
        let wrong = match name.text() {
            None => Some(format!("expected the name of a file, found {}", name.kind())),
            Some(_) if too_many => Some(
                "too many files or includes of includes; does a file include itself?".to_string(),
            ),
            Some(_) => None,
        };
        if let Some(claim) = wrong {
            return Err(sources.complaint(Wrong::at(name.place, claim)));
        }
        let other = beside(path, name.text().unwrap_or_default());
        let included = read_file(&other, reader, sources, depth + 1).map_err(|complaint| {
            let missing = complaint.file == other && complaint.line == 0;
            match missing {
                true => sources.complaint(Wrong::at(name.place, complaint.to_string())),
                false => complaint,
            }
        })?;
        match &mut below {
            Some(below) => below.lay(included),
            None => below = Some(included),
        }
    }
    Ok(match below {
        Some(mut below) => {
            let place = root.place;
            below.lay(root);
            Node { place, ..below }
        }
        None => root,
    })
}

/// `other`, as seen from the folder of `path`.
pub(super) fn beside(path: &str, other: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, _)) if !other.starts_with('/') => format!("{folder}/{other}"),
        Some(_) | None => other.to_string(),
    }
}

/// `config.hdfs.dfs.ha.log-roll.period = 5`, unquoted, is a table in a table; make it one key.
fn flatten_keys(mut root: Node) -> Result<Node, Wrong> {
    for part in ["config", "override"] {
        let Value::Table(table) = &mut root.value else { return Ok(root) };
        let Some(sections) = table.get_mut(part) else { continue };
        let Value::Table(sections) = &mut sections.node.value else { continue };
        for section in sections.values_mut() {
            let Value::Table(keys) = &mut section.node.value else { continue };
            let mut flat = Table::new();
            flatten(String::new(), std::mem::take(keys), &mut flat)?;
            *keys = flat;
        }
    }
    Ok(root)
}

fn flatten(prefix: String, table: Table, into: &mut Table) -> Result<(), Wrong> {
    for (name, entry) in table {
        let name = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match entry.node.value {
            Value::Table(inner) => flatten(name, inner, into)?,
            Value::Text(_) | Value::Number(_) | Value::Flag(_) | Value::List(_) => {
                let place = entry.place;
                if into.insert(name.clone(), entry).is_some() {
                    return Err(Wrong::at(place, format!("\"{name}\" stands here twice")));
                }
            }
        }
    }
    Ok(())
}

fn apply_set(root: &mut Node, source: usize, set: &str) -> Result<(), Wrong> {
    let place = Place { source, offset: 0 };
    let (path, value) = split_set(set)
        .ok_or_else(|| Wrong::at(place, "expected path=value, such as run.horizon=5m"))?;
    let steps = steps(path);
    let value = read_set_value(source, path.len() + 1, value);
    let mut node = root;
    for step in &steps {
        node = match &mut node.value {
            Value::Table(table) => {
                let empty = Node { place, value: Value::Table(Table::new()) };
                let entry = || Entry { place, node: empty };
                &mut table.entry(step.clone()).or_insert_with(entry).node
            }
            Value::List(list) => {
                let claim = format!("no item {step}: the list has {}", list.len());
                let item = step.parse::<usize>().ok().and_then(|index| list.get_mut(index));
                item.ok_or_else(|| Wrong::at(place, claim).hint("items count from 0"))?
            }
            Value::Text(_) | Value::Number(_) | Value::Flag(_) => {
                return Err(Wrong::at(place, format!("nothing lies below \"{step}\"'s parent")));
            }
        };
    }
    *node = value;
    Ok(())
}

/// At the first `=` outside double quotes.
fn split_set(set: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let at = set.char_indices().find_map(|(at, c)| {
        quoted ^= c == '"';
        (c == '=' && !quoted).then_some(at)
    })?;
    let path = set[..at].trim();
    (!path.is_empty()).then(|| (&set[..at], set[at + 1..].trim()))
}

/// A path's steps. Below `config.<section>` and `override.<name>` the rest is one upstream key.
fn steps(path: &str) -> Vec<String> {
    let mut steps = vec![String::new()];
    let mut quoted = false;
    for c in path.trim().chars() {
        let is_key = steps.len() == 3 && matches!(steps[0].as_str(), "config" | "override");
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted && !is_key => steps.push(String::new()),
            c => steps.last_mut().expect("never empty").push(c),
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    struct Files(BTreeMap<&'static str, &'static str>);

    impl FileReader for Files {
        fn read(&self, path: &str) -> Result<Vec<u8>, String> {
            let text = self.0.get(path).ok_or("no such file")?;
            Ok(text.as_bytes().to_vec())
        }
    }

    fn tree(files: &[(&'static str, &'static str)], sets: &[&str]) -> Result<String, String> {
        let files = Files(files.iter().copied().collect());
        let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
        let read = read_tree("d/a.toml", &sets, &files, &mut Sources::default());
        read.map(|node| node.canonical()).map_err(|complaint| complaint.to_string())
    }

    #[test]
    fn the_including_file_wins_and_what_is_set_wins_over_all() {
        let a = ("d/a.toml", "include = \"b.toml\"\n[run]\nhorizon = \"1m\"\n");
        let b = ("d/b.toml", "[run]\nhorizon = \"9m\"\njitter = \"0s\"\n");
        let run =
            |horizon| Ok(format!("{{\"run\":{{\"horizon\":\"{horizon}\",\"jitter\":\"0s\",}},}}"));
        assert_eq!(tree(&[a, b], &[]), run("1m"));
        assert_eq!(tree(&[a, b], &["run.horizon=3m"]), run("3m"));
    }

    #[test]
    fn keys_need_no_quotes_neither_in_a_file_nor_when_set() {
        let a = ("d/a.toml", "[config.hdfs]\ndfs.ha.log-roll.period = 5\n");
        let keys = |period| {
            Ok(format!("{{\"config\":{{\"hdfs\":{{\"dfs.ha.log-roll.period\":{period},}},}},}}"))
        };
        assert_eq!(tree(&[a], &[]), keys("5"));
        assert_eq!(tree(&[a], &["config.hdfs.dfs.ha.log-roll.period=7"]), keys("7"));
    }

    #[test]
    fn a_file_that_includes_itself_is_refused_at_the_place() {
        let error = tree(&[("d/a.toml", "include = [\"a.toml\"]")], &[]).unwrap_err();
        assert!(error.starts_with("d/a.toml:1:12: too many files"), "{error}");
        let error = tree(&[("d/a.toml", "include = \"x.toml\"")], &[]).unwrap_err();
        assert!(error.starts_with("d/a.toml:1:11: d/x.toml: no such file"), "{error}");
    }
}
