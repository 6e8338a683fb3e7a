//! Read: from a path to a typed scenario or disaster.
//!
//! Here: the order of reading, and the parts of a file that need no module of their own.
//! Never here: running anything; the disk.
//! Modelled on: cargo's manifest reading: tree, then shape, then meaning.

use std::collections::BTreeMap;

use super::bounds::{read_bound, read_measure, read_objective};
use super::complaint::{Complaint, Place, Sources, Wrong, shortened};
use super::fields::Fields;
use super::format::ROOT;
use super::model::{
    Arrival, Disaster, Expect, ExpectedVerdict, Load, Objective, Placed, RunSpans, Scenario,
    Topology,
};
use super::plan::PlanReader;
use super::settings::{Unused, read_settings};
use super::shape::Shape;
use super::source::{FileReader, read_tree};
use super::topology::Builder;
use super::tree::{Node, Value};
use super::vocabulary::Vocabulary;
use crate::engine::config::{Unit, parse_span};
use crate::engine::digest::hash;
use crate::engine::time::SimDuration;
use crate::faults::{Fault, Group};

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    /// A topology, with or without faults.
    Scenario(Box<Scenario>),
    /// Faults without a topology.
    Disaster(Disaster),
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// What it holds.
    pub document: Document,
    /// Keys that no model reads: `file:line: key`.
    pub unused: Vec<String>,
}

/// Reads a file, what it includes, and what `sets` (`path=value`) change.
///
/// # Errors
/// The first complaint.
pub fn load(
    path: &str,
    sets: &[String],
    reader: &dyn FileReader,
    words: &Vocabulary,
) -> Result<Loaded, Complaint> {
    let mut sources = Sources::default();
    let root = read_tree(path, sets, reader, &mut sources)?;
    let stem = path.rsplit('/').next().unwrap_or(path);
    let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
    let (document, unused) =
        read_root(&root, stem, words).map_err(|wrong| sources.complaint(wrong))?;
    let unused = unused
        .iter()
        .map(|Unused { key, place }| {
            let (line, _) = sources.line_and_column(*place);
            format!("{}:{line}: {}", sources.name(place.source), shortened(key))
        })
        .collect();
    Ok(Loaded { document, unused })
}

fn read_root(
    root: &Node,
    stem: &str,
    words: &Vocabulary,
) -> Result<(Document, Vec<Unused>), Wrong> {
    Shape::Table(ROOT).check(root, words)?;
    let fields = Fields(root);
    let name = fields.text("name").unwrap_or(stem).to_string();
    let about = fields.text("about").unwrap_or_default().trim().to_string();
    if fields.node("topology").is_none() {
        let stray = root.table().into_iter().flatten();
        let mut stray =
            stray.filter(|(name, _)| !["name", "about", "fault"].contains(&name.as_str()));
        if fields.node("fault").is_none() || stray.next().is_some() {
            let wrong = Wrong::at(root.place, "no [topology]: nothing can run");
            return Err(wrong.hint("a file with nothing but faults is a disaster, for `compare`"));
        }
        let faults = PlanReader { words, topology: None }.read(fields.items("fault"))?;
        return Ok((Document::Disaster(Disaster { name, about, faults }), Vec::new()));
    }
    let mut builder = Builder::new(root, words)?;
    let loads = read_loads(fields, words, &mut builder)?;
    let topology = builder.finish()?;
    if topology.processes.is_empty() {
        let place = fields.node("topology").map_or(root.place, |node| node.place);
        return Err(Wrong::at(place, "no process runs anywhere")
            .hint("[topology.roles] counts them, [[topology.host]] places them"));
    }
    check_loads(fields, &loads, &topology, words)?;
    let (settings, unused) = read_settings(root, &topology.processes, words)?;
    let faults = PlanReader { words, topology: Some(&topology) }.read(fields.items("fault"))?;
    let objectives = fields
        .items("objectives")
        .iter()
        .map(|node| read_objective(node.place, node.text().unwrap_or_default(), words))
        .collect::<Result<_, _>>()?;
    let expect = fields
        .table("expect")
        .map_or(Ok(Expect::default()), |fields| read_expect(fields, &topology, words))?;
    let plants = fields.items("plants").iter().filter_map(Node::text).map(str::to_string);
    let scenario = Scenario {
        name,
        about,
        hash: tree_hash(root),
        settings,
        sizes: read_sizes(fields, words),
        loads,
        faults,
        objectives,
        expect,
        run: read_run(fields.table("run"))?,
        plants: plants.collect(),
        topology,
    };
    Ok((Document::Scenario(Box::new(scenario)), unused))
}

/// Of everything that can move a run; names, comments and expectations cannot.
fn tree_hash(root: &Node) -> u64 {
    let mut root = root.clone();
    if let Value::Table(table) = &mut root.value {
        table.retain(|name, _| !["name", "about", "objectives", "expect"].contains(&name.as_str()));
    }
    hash(root.canonical().as_bytes())
}

fn read_run(fields: Option<Fields<'_>>) -> Result<RunSpans, Wrong> {
    let span = |name: &str, stock: u64| {
        fields.and_then(|fields| fields.span(name)).unwrap_or(SimDuration::from_secs(stock))
    };
    let run = RunSpans {
        warm_up: span("warm_up", 30),
        horizon: span("horizon", 600),
        jitter: span("jitter", 60),
        measure_from: fields.and_then(|fields| fields.span("measure_from")),
        stability: span("stability", 30),
    };
    if run.horizon.is_zero() {
        let place = fields.and_then(|fields| fields.node("horizon")).map(|node| node.place);
        return Err(Wrong::at(place.unwrap_or_default(), "a run of no time"));
    }
    Ok(run)
}

fn read_sizes(fields: Fields<'_>, words: &Vocabulary) -> BTreeMap<String, u64> {
    let stock = words.sizes.iter().map(|size| (size.name.to_string(), size.stock));
    let mut sizes: BTreeMap<String, u64> = stock.collect();
    for (name, entry) in fields.node("sizes").and_then(Node::table).into_iter().flatten() {
        let count = entry.node.scalar().and_then(|text| text.parse().ok());
        sizes.insert(name.clone(), count.unwrap_or_default());
    }
    sizes
}

fn read_loads(
    fields: Fields<'_>,
    words: &Vocabulary,
    builder: &mut Builder<'_>,
) -> Result<Vec<Load>, Wrong> {
    let mut loads = Vec::new();
    for node in fields.items("workload") {
        let load = read_load(Fields(node), words)?;
        let service = words.service(&load.service).expect("the shape checks services");
        builder.clients(loads.len(), service.client, node)?;
        loads.push(load);
    }
    Ok(loads)
}

fn read_load(fields: Fields<'_>, words: &Vocabulary) -> Result<Load, Wrong> {
    let service = fields.text("service").unwrap_or_default();
    let operations = words.service(service).map_or(&[][..], |service| service.operations);
    let mut mix: Vec<(String, u32)> = Vec::new();
    for (name, entry) in fields.node("mix").and_then(Node::table).into_iter().flatten() {
        if !operations.contains(&name.as_str()) {
            let known = operations.iter().copied();
            return Err(Wrong::unknown(entry.place, "operation", name, known));
        }
        mix.push((name.clone(), super::fields::count_in(&entry.node, 0..=1_000_000)?));
    }
    if mix.is_empty() {
        mix = operations.first().map(|name| ((*name).to_string(), 1)).into_iter().collect();
    }
    if mix.iter().all(|(_, weight)| *weight == 0) {
        let place = fields.node("mix").map_or(fields.0.place, |node| node.place);
        return Err(Wrong::at(place, "every weight is zero"));
    }
    let arrival = match (fields.node("rate"), fields.node("pace")) {
        (Some(_), Some(pace)) => {
            return Err(Wrong::at(pace.place, "a load has a `rate` or a `pace`, not both"));
        }
        (None, Some(_)) => Arrival::Closed { pace: fields.span("pace").unwrap_or_default() },
        (rate, None) => {
            let text = rate.and_then(Node::text).unwrap_or("20/s");
            let place = rate.map_or(fields.0.place, |node| node.place);
            Arrival::Open { mean_gap: read_rate(place, text)? }
        }
    };
    Ok(Load {
        service: service.to_string(),
        clients: fields.count_in("clients", 4, 1..=4_096)?,
        threads: fields.count_in("threads", 1, 1..=4_096)?,
        arrival,
        fresh: fields.flag("fresh"),
        mix,
    })
}

/// `20/s`, `3/m`, `1/10s`: as the mean time between two calls.
fn read_rate(place: Place, text: &str) -> Result<SimDuration, Wrong> {
    let wrong = || {
        Wrong::at(place, format!("\"{}\" is no rate", shortened(text)))
            .hint("such as \"20/s\" or \"3/m\"; at most 1000000000/s")
    };
    let (count, per) = text.split_once('/').ok_or_else(wrong)?;
    let per = per.trim();
    let per = if per.starts_with(|c: char| c.is_ascii_digit()) {
        per.to_string()
    } else {
        format!("1{per}")
    };
    let per = parse_span(&per, Some(Unit::Secs)).map_err(|_| wrong())?;
    let count: u64 = count.trim().parse().map_err(|_| wrong())?;
    let gap = per.as_nanos().checked_div(count).filter(|gap| *gap > 0).ok_or_else(wrong)?;
    Ok(SimDuration::from_nanos(gap))
}

fn check_loads(
    fields: Fields<'_>,
    loads: &[Load],
    topology: &Topology,
    words: &Vocabulary,
) -> Result<(), Wrong> {
    for (load, node) in loads.iter().zip(fields.items("workload")) {
        let service = words.service(&load.service).expect("the shape checks services");
        if topology.processes.iter().all(|process| process.role != service.needs) {
            let place = node.get("service").map_or(node.place, |node| node.place);
            let claim = format!("{} needs a {}, and there is none", service.name, service.needs);
            return Err(Wrong::at(place, claim));
        }
        let groups = || topology.processes.iter().filter(|process| process.load.is_none());
        let groups = || groups().filter_map(|process| process.group.as_deref());
        if let Some(group) = node.get("group") {
            let name = group.text().unwrap_or_default();
            if groups().all(|known| known != name) {
                return Err(Wrong::unknown(group.place, "group", name, groups()));
            }
        }
    }
    Ok(())
}

fn read_expect(
    fields: Fields<'_>,
    topology: &Topology,
    words: &Vocabulary,
) -> Result<Expect, Wrong> {
    let mut measures: Vec<Objective> = Vec::new();
    for (name, entry) in fields.node("measures").and_then(Node::table).into_iter().flatten() {
        let text = entry.node.scalar().unwrap_or_default();
        let bound = (entry.node.place, text.trim());
        measures.push(read_measure((entry.place, name), bound, words)?);
    }
    let mut phases = BTreeMap::new();
    for (name, entry) in fields.node("phases").and_then(Node::table).into_iter().flatten() {
        let text = entry.node.scalar().unwrap_or_default();
        phases.insert(name.clone(), read_bound(entry.node.place, &text, true)?);
    }
    let processes = |name: &str| -> Result<Option<Vec<String>>, Wrong> {
        let Some(_) = fields.node(name) else { return Ok(None) };
        let mut names = Vec::new();
        for node in fields.items(name) {
            let name = node.text().unwrap_or_default();
            // A name, a role (some process of it), or `*` (some process).
            let is = |process: &Placed| name == "*" || process.name == name || process.role == name;
            if !topology.processes.iter().any(is) {
                let known = topology.processes.iter().map(|process| process.name.as_str());
                return Err(Wrong::unknown(node.place, "process", name, known));
            }
            names.push(name.to_string());
        }
        Ok(Some(names))
    };
    Ok(Expect {
        seeds: fields.count_in("seeds", 20, 1..=100_000)?,
        measures,
        phases,
        active_at_end: processes("active_at_end")?,
        exits: processes("exits")?,
        verdict: fields.text("verdict").map(|text| match text {
            "passed" => ExpectedVerdict::Passed,
            "violated" => ExpectedVerdict::Violated,
            _ => ExpectedVerdict::Inconclusive,
        }),
    })
}

impl Scenario {
    /// This design under a disaster.
    ///
    /// # Errors
    /// It lacks a role, host or place that the disaster names: "not applicable", no mistake.
    pub fn under(&self, disaster: &Disaster, words: &Vocabulary) -> Result<Scenario, String> {
        for group in disaster.faults.iter().flat_map(Fault::groups) {
            let t = &self.topology;
            let runs = |role: &str| t.processes.iter().any(|process| process.role == role);
            let (has, what) = match group {
                Group::Everything => continue,
                Group::Selector(name) => {
                    let role = words.selector(name).map_or(name.as_str(), |s| s.role);
                    (runs(role), role.to_string())
                }
                Group::Role(role) => (runs(role), role.clone()),
                Group::Process(name) => {
                    (t.processes.iter().any(|process| process.name == *name), name.clone())
                }
                Group::Host(name) => {
                    (t.hosts.iter().any(|host| host.name == *name), format!("host {name}"))
                }
                Group::Rack(name) => {
                    (t.racks.iter().any(|rack| rack.name == *name), format!("rack {name}"))
                }
                Group::Site(name) => {
                    (t.sites.iter().any(|site| site.name == *name), format!("site {name}"))
                }
                Group::Region(name) => {
                    (t.sites.iter().any(|site| site.region == *name), format!("region {name}"))
                }
            };
            if !has {
                return Err(format!("it has no {what}"));
            }
        }
        let words: Vec<String> = disaster.faults.iter().map(|fault| format!("{fault:?}")).collect();
        let hash = hash(format!("{:016x} {}", self.hash, words.join(" ")).as_bytes());
        let faults = disaster.faults.clone();
        Ok(Scenario { hash, faults, ..self.clone() })
    }
}
