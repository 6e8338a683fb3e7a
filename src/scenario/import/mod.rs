//! Import: an operator's own files become a scenario that runs as it is.
//!
//! Here: the order of reading, and which key lands where.
//! Never here: a guess that is not noted; the disk.
//! Modelled on: Hadoop `Configuration`, ZooKeeper `QuorumPeerConfig`.

mod cluster;
mod resources;
mod write;
mod xml;
mod zoo;

use super::complaint::{Complaint, Place, Sources, Wrong, shortened};
use super::settings::find;
use super::source::{FileReader, read_text};
use super::vocabulary::Vocabulary;
use crate::engine::config::Key;

use cluster::{Cluster, derive};
use resources::{Resources, Set};
use write::{Keys, Writing};
use xml::{FILE_BYTES_MAX, read_properties};
use zoo::{HostTable, Line, read_lines, read_server};

/// What is imported. Paths go to the reader as they are.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// `core-site.xml`, as many as there are, the last one wins.
    pub core_site: Vec<String>,
    /// `hdfs-site.xml`, over `core-site.xml`.
    pub hdfs_site: Vec<String>,
    /// `zoo.cfg`.
    pub zoo_cfg: Option<String>,
    /// `/etc/hosts`, or a topology table (`host /site/rack`).
    pub hosts: Option<String>,
    /// The release of Hadoop, `hadoop-3.3` say; the vocabulary's first if none.
    pub profile: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// A scenario, in TOML.
    pub toml: String,
    /// `file:line: remark` on what was read otherwise than someone may think.
    pub notes: Vec<String>,
    /// `file:line: key = value` for each key that no model reads.
    pub unused: Vec<String>,
}

/// Imports files.
///
/// # Errors
/// The first thing that cannot be read, or that the daemons themselves would refuse.
pub fn import(
    files: &Files,
    reader: &dyn FileReader,
    words: &Vocabulary,
) -> Result<Imported, Complaint> {
    if let Some(profile) = &files.profile {
        let known: Vec<&str> = words.profiles_of("hadoop").iter().map(|known| known.0).collect();
        if !known.contains(&profile.as_str()) {
            let wrong = Wrong::unknown(Place::default(), "profile", profile, known);
            let Wrong { claim, hint, .. } = wrong;
            return Err(Complaint { hint, ..Complaint::of_file("--profile", claim) });
        }
    }
    let mut sources = Sources::default();
    let mut properties = Vec::new();
    for path in files.core_site.iter().chain(&files.hdfs_site) {
        read_properties(path, reader, &mut sources, &mut properties)?;
    }
    let mut lines = None;
    if let Some(path) = &files.zoo_cfg {
        let text = read_text(path, reader, FILE_BYTES_MAX)?;
        let source = sources.add(path, &text);
        lines = Some(read_lines(source, &text));
    }
    let mut hosts = (0, String::new());
    if let Some(path) = &files.hosts {
        let text = read_text(path, reader, FILE_BYTES_MAX)?;
        hosts = (sources.add(path, &text), text);
    }
    let work = || -> Result<Imported, Wrong> {
        let table = HostTable::read(hosts.0, &hosts.1)?;
        let mut keys = Resources::load(properties)?;
        let mut importer = Importer { words, sources: &sources, notes: Vec::new() };
        let servers = lines
            .as_ref()
            .map(|lines| lines.iter().filter_map(read_server).collect::<Result<Vec<_>, _>>())
            .transpose()?;
        let cluster = derive(&mut keys, servers, &table)?;
        importer.finish(files, cluster, keys, (lines.unwrap_or_default(), &table))
    };
    work().map_err(|wrong| match wrong.place == Place::default() && sources.is_empty() {
        true => Complaint::of_file("import", wrong.claim),
        false => sources.complaint(wrong),
    })
}

struct Importer<'a> {
    words: &'a Vocabulary,
    sources: &'a Sources,
    notes: Vec<(Place, String)>,
}

impl Importer<'_> {
    fn finish(
        &mut self,
        files: &Files,
        cluster: Cluster,
        keys: Resources,
        (lines, table): (Vec<Line>, &HostTable),
    ) -> Result<Imported, Wrong> {
        self.notes.extend(cluster.notes.iter().cloned());
        self.notes.extend(keys.notes);
        let mut written: Vec<Keys> = self.words.sections.iter().map(Keys::of).collect();
        let mut unused = Vec::new();
        for (name, set) in keys.set {
            let name = renamed(&name, &cluster);
            let read = self.hadoop_key(&name, &set, &mut written)?;
            if !read && !set.used {
                unused.push((set.place, name, set.value));
            } else if set.value.contains("${") {
                let value = shortened(&set.value);
                let note = format!("{name}: \"{value}\" refers to nothing known here");
                self.notes.push((set.place, note));
            }
        }
        for line in lines {
            if !self.zoo_key(&line, &mut written)? {
                unused.push((line.place, line.key, line.value));
            }
        }
        unused.sort();
        self.notes.sort();
        let at = |place: Place| {
            let (line, _) = self.sources.line_and_column(place);
            format!("{}:{line}", self.sources.name(place.source))
        };
        let row = |(place, key, value): &(Place, String, String)| {
            format!("{}: {} = {}", at(*place), shortened(key), shortened(&value.replace('\n', " ")))
        };
        let unused: Vec<String> = unused.iter().map(row).collect();
        let note = |(place, note): &(Place, String)| format!("{}: {note}", at(*place));
        let notes: Vec<String> = self.notes.iter().map(note).collect();
        let writing = Writing { words: self.words, cluster: &cluster, table, at: &at };
        let toml = writing.toml(files, &written, (&notes, &unused));
        Ok(Imported { toml, notes, unused })
    }

    /// Puts a key into the first section that has its row. Whether one has.
    fn hadoop_key(&mut self, name: &str, set: &Set, written: &mut [Keys]) -> Result<bool, Wrong> {
        for keys in written.iter_mut().filter(|keys| keys.family == "hadoop") {
            let Some(found) = find(&keys.rows, name) else { continue };
            if set.value.is_empty() {
                let note = format!("{name} is empty: the stock value is taken");
                self.notes.push((set.place, note));
                return Ok(true);
            }
            if found.key.name() == "dfs.ha.fencing.methods" {
                self.note_scripts(set);
            }
            if let Some(value) = self.checked(found.key, name, (&set.value, set.place))? {
                keys.add(found.name, value, set.place);
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// What a script does cannot be read out of its name.
    fn note_scripts(&mut self, set: &Set) {
        let scripts = set.value.lines().map(str::trim).filter(|line| line.starts_with("shell("));
        for script in scripts.filter(|line| !["shell(/bin/true)", "shell(true)"].contains(line)) {
            let note = format!(
                "what {} does is not known here: it is taken to succeed; \
                 hadr.fencing.shell.outcomes can say otherwise",
                shortened(script)
            );
            self.notes.push((set.place, note));
        }
    }

    fn zoo_key(&mut self, line: &Line, written: &mut [Keys]) -> Result<bool, Wrong> {
        let lower = line.key.to_lowercase();
        if line.key.starts_with("server.") {
            return Ok(true);
        }
        if lower.starts_with("server.") {
            let note = "ZooKeeper reads `server.`, in small letters, and ignores this line: each \
                        such server stands alone";
            self.notes.push((line.place, note.to_string()));
            return Ok(false);
        }
        if line.key.starts_with("group.") || line.key.starts_with("weight.") {
            let note = "groups and weights are not modelled: every server has one vote";
            self.notes.push((line.place, note.to_string()));
            return Ok(false);
        }
        let name = line.key.strip_prefix("zookeeper.").unwrap_or(&line.key);
        for keys in written.iter_mut().filter(|keys| keys.family == "zookeeper") {
            let Some(found) = find(&keys.rows, name) else { continue };
            // -1 says what the stock value says.
            if line.value != "-1" {
                let value = (line.value.as_str(), line.place);
                if let Some(value) = self.checked(found.key, name, value)? {
                    keys.add(found.name, value, line.place);
                }
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// A value that the key takes. Hadoop takes a flag that is neither true nor false for unset.
    fn checked(
        &mut self,
        key: &dyn Key,
        name: &str,
        (value, place): (&str, Place),
    ) -> Result<Option<String>, Wrong> {
        match key.check(value) {
            Ok(()) => Ok(Some(value.to_string())),
            Err(_) if key.expected() == "true or false" => {
                let note = format!("{name}: neither true nor false: the stock value is taken");
                self.notes.push((place, note));
                Ok(None)
            }
            Err(why) => {
                let claim = format!("{}: {}", shortened(name), shortened(&why));
                Err(Wrong::at(place, claim).hint(key.meaning()))
            }
        }
    }
}

/// A key whose suffix names a NameNode that had to be renamed.
fn renamed(name: &str, cluster: &Cluster) -> String {
    let new = cluster.renamed.iter().find_map(|((group, id), new)| {
        let base = name.strip_suffix(&format!(".{group}.{id}"))?;
        Some(format!("{base}.{group}.{new}"))
    });
    new.unwrap_or_else(|| name.to_string())
}
