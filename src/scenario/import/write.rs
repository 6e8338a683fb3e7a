//! Write: the text of an imported scenario.
//!
//! Here: TOML with a comment behind each value that says which line it came from.
//! Never here: what a value means.
//! Modelled on: docs/SCENARIOS.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::super::complaint::Place;
use super::super::vocabulary::{Section, Vocabulary};
use super::Files;
use super::cluster::{Cluster, NAMENODE, Run, clean};
use super::zoo::HostTable;
use crate::engine::config::Key;

/// The keys of one section, as they are found.
pub(super) struct Keys {
    pub(super) section: &'static str,
    pub(super) family: &'static str,
    pub(super) rows: BTreeMap<&'static str, &'static dyn Key>,
    profile: Option<&'static str>,
    found: BTreeMap<String, (String, Place)>,
}

impl Keys {
    pub(super) fn of(section: &Section) -> Keys {
        let mut rows: BTreeMap<&'static str, &'static dyn Key> = BTreeMap::new();
        for key in section.keys.iter().copied() {
            rows.extend(key.deprecated().iter().map(|old| (*old, key)));
            rows.insert(key.name(), key);
        }
        let profile = section.profiles.first().map(|profile| profile.0);
        let (section, family) = (section.name, section.family);
        Keys { section, family, rows, profile, found: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, name: String, value: String, place: Place) {
        self.found.insert(name, (value, place));
    }
}

pub(super) struct Writing<'a> {
    pub(super) words: &'a Vocabulary,
    pub(super) cluster: &'a Cluster,
    pub(super) table: &'a HostTable,
    pub(super) at: &'a dyn Fn(Place) -> String,
}

impl Writing<'_> {
    /// The whole file.
    pub(super) fn toml(
        &self,
        files: &Files,
        keys: &[Keys],
        (notes, unused): (&[String], &[String]),
    ) -> String {
        let mut out = String::new();
        let paths = files.core_site.iter().chain(&files.hdfs_site).chain(&files.zoo_cfg);
        let paths: Vec<&str> = paths.chain(&files.hosts).map(String::as_str).collect();
        let _ = writeln!(out, "# Imported from {}.", commented(&paths.join(", ")));
        let _ = writeln!(out, "# Add faults here, or compare it under disasters as it is.");
        for note in notes {
            let _ = writeln!(out, "# NOTE {}", commented(note));
        }
        self.sites(&mut out);
        self.hosts(&mut out);
        for keys in keys {
            self.section(&mut out, keys, files.profile.as_deref());
        }
        self.workload(&mut out);
        if !unused.is_empty() {
            let _ = writeln!(out, "\n# Keys that no model reads ({}):", unused.len());
        }
        for row in unused {
            let _ = writeln!(out, "#   {}", commented(row));
        }
        out
    }

    fn sites(&self, out: &mut String) {
        let mut sites: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let hosts = self.cluster.hosts.iter();
        for (site, rack) in hosts.filter_map(|(host, _)| self.table.place(host)) {
            sites.entry(clean(site)).or_default().insert(rack_name(site, rack));
        }
        for (site, racks) in sites {
            let racks: Vec<String> = racks.iter().map(|rack| quoted(rack)).collect();
            let (site, racks) = (quoted(&site), racks.join(", "));
            let _ = writeln!(out, "\n[[topology.site]]\nname = {site}\nracks = [{racks}]");
        }
    }

    fn hosts(&self, out: &mut String) {
        for (host, runs) in &self.cluster.hosts {
            let _ = writeln!(out, "\n[[topology.host]]\nname = {}", quoted(host));
            if let Some((site, rack)) = self.table.place(host) {
                let _ = writeln!(out, "rack = {}", quoted(&rack_name(site, rack)));
            }
            let runs: Vec<String> = runs.iter().map(entry).collect();
            let _ = writeln!(out, "runs = [\n    {},\n]", runs.join(",\n    "));
        }
    }

    fn section(&self, out: &mut String, keys: &Keys, profile: Option<&str>) {
        if !self.has_family(keys.family) {
            return;
        }
        let _ = writeln!(out, "\n[config.{}]", keys.section);
        let profile = profile.filter(|_| keys.family == "hadoop").or(keys.profile);
        if let Some(profile) = profile {
            let _ = writeln!(out, "profile = {} # where nothing is said", quoted(profile));
        }
        for (name, (value, place)) in &keys.found {
            let at = commented(&(self.at)(*place));
            let _ = writeln!(out, "{} = {} # {at}", quoted(name), bare_or_quoted(value));
        }
    }

    fn has_family(&self, family: &str) -> bool {
        let mut runs = self.cluster.hosts.iter().flat_map(|(_, runs)| runs);
        runs.any(|run| self.words.role(run.role).is_some_and(|role| role.family == family))
    }

    fn workload(&self, out: &mut String) {
        for group in &self.cluster.groups {
            let services = self.words.services.iter().filter(|service| service.needs == NAMENODE);
            for service in services {
                let _ = writeln!(out, "\n[[workload]]\nservice = {}", quoted(service.name));
                let _ = writeln!(out, "clients = 4\nrate = \"20/s\"");
                if let Some(group) = group {
                    let _ = writeln!(out, "group = {}", quoted(group));
                }
            }
        }
    }
}

/// Racks of different sites may share a name in the table; here they may not.
fn rack_name(site: &str, rack: &str) -> String {
    clean(&format!("{site}-{rack}"))
}

fn entry(run: &Run) -> String {
    let mut entry = format!("{{ role = {}", quoted(run.role));
    for (field, value) in [("name", &run.name), ("group", &run.group)] {
        if let Some(value) = value {
            let _ = write!(entry, ", {field} = {}", quoted(value));
        }
    }
    entry.push_str(" }");
    entry
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_string()).to_string()
}

fn bare_or_quoted(text: &str) -> String {
    let is_count = text.parse::<i64>().is_ok_and(|number| number.to_string() == text);
    if is_count || text == "true" || text == "false" { text.to_string() } else { quoted(text) }
}

/// Fit for a comment: one line, no control characters.
fn commented(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
