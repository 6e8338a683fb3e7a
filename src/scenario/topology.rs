//! Topology: hosts, racks, sites and what runs where, out of counts and explicit hosts.
//!
//! Here: numbering, placement in turn, processes beside others, wires.
//! Never here: keys; a role's meaning.
//! Modelled on: turmoil's topology; Hadoop's rack awareness (site/rack/host).

use std::collections::{BTreeMap, BTreeSet};

use super::complaint::{Place, Wrong};
use super::fields::{Fields, count_in};
use super::model::{Disk, Host, Link, Network, Placed, Rack, Restart, Site, Topology};
use super::tree::Node;
use super::vocabulary::{RoleWord, Vocabulary};
use crate::engine::time::SimDuration;

/// As many hosts as the engine carries.
const HOSTS_MAX: u32 = 16_384;

/// A topology that is being built.
pub(super) struct Builder<'a> {
    words: &'a Vocabulary,
    root: Fields<'a>,
    disk: Disk,
    topology: Topology,
    names: BTreeSet<String>,
    host_names: BTreeSet<String>,
    numbers: BTreeMap<&'static str, u32>,
    turns: BTreeMap<usize, usize>,
}

impl<'a> Builder<'a> {
    /// Sites, racks and explicit hosts with what runs there.
    pub(super) fn new(root: &'a Node, words: &'a Vocabulary) -> Result<Builder<'a>, Wrong> {
        let root = Fields(root);
        let stock = Disk {
            sync_min: SimDuration::from_millis(1),
            sync_excess_mean: SimDuration::from_millis(1),
            bandwidth_bytes_s: 200 << 20,
        };
        let disk = root.table("disk").map_or(Ok(stock), |fields| read_disk(fields, stock))?;
        let network = Network {
            rack: LAN,
            site: LAN,
            wan: WAN,
            pairs: BTreeMap::new(),
            unreachable_after: None,
        };
        let (sites, racks, hosts, processes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let topology = Topology { sites, racks, hosts, processes, network };
        let mut builder = Builder {
            words,
            root,
            disk,
            topology,
            names: BTreeSet::new(),
            host_names: BTreeSet::new(),
            numbers: BTreeMap::new(),
            turns: BTreeMap::new(),
        };
        builder.sites()?;
        builder.hosts()?;
        builder.roles()?;
        Ok(builder)
    }

    /// The finished topology: processes in the order in which they start.
    pub(super) fn finish(mut self) -> Result<Topology, Wrong> {
        self.network()?;
        let order = |process: &Placed| {
            let place = self.words.roles.iter().position(|role| role.name == process.role);
            (place, process.load)
        };
        self.topology.processes.sort_by_key(order);
        Ok(self.topology)
    }

    fn sites(&mut self) -> Result<(), Wrong> {
        let topology = self.root.table("topology");
        for node in topology.map_or(&[][..], |fields| fields.items("site")) {
            let fields = Fields(node);
            let name = fields.text("name").unwrap_or_default();
            let taken = self.topology.sites.iter().any(|site| site.name == name);
            check_name(fields.node("name"), name, taken)?;
            let region = fields.text("region").unwrap_or(name).to_string();
            let site = self.topology.sites.len();
            self.topology.sites.push(Site { name: name.to_string(), region });
            let racks = match fields.items("racks") {
                [] => vec![(fields.0.place, name)],
                racks => racks.iter().filter_map(|rack| Some((rack.place, rack.text()?))).collect(),
            };
            for (place, name) in racks {
                let taken = self.topology.racks.iter().any(|rack| rack.name == name);
                check_name_at(place, name, taken)?;
                self.topology.racks.push(Rack { name: name.to_string(), site });
            }
        }
        if self.topology.sites.is_empty() {
            let name = "site1".to_string();
            self.topology.sites.push(Site { name: name.clone(), region: name });
            self.topology.racks.push(Rack { name: "rack1".to_string(), site: 0 });
        }
        Ok(())
    }

    fn hosts(&mut self) -> Result<(), Wrong> {
        let topology = self.root.table("topology");
        for node in topology.map_or(&[][..], |fields| fields.items("host")) {
            let fields = Fields(node);
            let rack = fields.node("rack").map_or(Ok(0), |node| self.rack(node, ""))?;
            let name = fields.text("name").unwrap_or_default();
            let place = fields.node("name").map_or(fields.0.place, |node| node.place);
            let disk = self.disk;
            let disk = fields.table("disk").map_or(Ok(disk), |fields| read_disk(fields, disk))?;
            let host = self.host(name, rack, place)?;
            self.topology.hosts[host].disk = disk;
            for runs in fields.items("runs") {
                let entry = Fields(runs);
                let role = runs.text().or_else(|| entry.text("role")).unwrap_or_default();
                let role = *self.words.role(role).expect("the shape checks roles");
                let name = entry.text("name");
                let place = entry.node("name").unwrap_or(runs).place;
                let group = entry.text("group").map(str::to_string);
                self.process(&role, name, At { host, group, place })?;
            }
        }
        Ok(())
    }

    /// Roles by count: those with hosts of their own first, then those that stand beside them.
    fn roles(&mut self) -> Result<(), Wrong> {
        let topology = self.root.table("topology");
        let Some(roles) = topology.and_then(|fields| fields.node("roles")) else { return Ok(()) };
        for (name, entry) in roles.table().into_iter().flatten() {
            if self.words.role(name).is_some_and(|role| role.is_client) {
                let claim = format!("a {name} comes with a load and is not counted");
                return Err(Wrong::at(entry.place, claim).hint("see [[workload]]"));
            }
        }
        let (beside, alone): (Vec<&RoleWord>, Vec<&RoleWord>) =
            self.words.roles.iter().partition(|role| role.beside.is_some());
        for role in alone.into_iter().chain(beside) {
            let Some(node) = roles.get(role.name) else { continue };
            for entry in node.list().unwrap_or(std::slice::from_ref(node)) {
                self.counted(role, entry)?;
            }
        }
        Ok(())
    }

    fn counted(&mut self, role: &RoleWord, node: &Node) -> Result<(), Wrong> {
        let fields = Fields(node);
        let count = count_in(fields.node("count").unwrap_or(node), 0..=HOSTS_MAX)?;
        let group = fields.text("group").map(str::to_string);
        let places = fields.items("on");
        let others: Vec<usize> = self
            .topology
            .processes
            .iter()
            .filter(|other| Some(other.role.as_str()) == role.beside)
            .filter(|other| group.is_none() || other.group == group)
            .map(|other| other.host)
            .collect();
        for k in 0..count as usize {
            let at = |host| At { host, group: group.clone(), place: node.place };
            if !places.is_empty() {
                let name = self.next_name(role);
                let host = self.host_at(&places[k % places.len()], &name)?;
                self.process(role, Some(&name), at(host))?;
            } else if others.is_empty() {
                let name = self.next_name(role);
                let host = self.host(&name, 0, node.place)?;
                self.process(role, Some(&name), at(host))?;
            } else {
                let host = *others.get(k).ok_or_else(|| {
                    let (beside, found) = (role.beside.unwrap_or_default(), others.len());
                    let claim = format!("{count} {} for {found} {beside}", role.name);
                    Wrong::at(node.place, claim)
                        .hint(format!("each stands beside a {beside}; say where with `on`"))
                })?;
                self.process(role, None, at(host))?;
            }
        }
        Ok(())
    }

    /// The clients of one load.
    pub(super) fn clients(&mut self, load: usize, role: &str, node: &Node) -> Result<(), Wrong> {
        let fields = Fields(node);
        let role = *self.words.role(role).expect("the vocabulary names a client's role");
        let places = fields.items("on");
        let group = fields.text("group").map(str::to_string);
        let count = fields.count_in("clients", 4, 1..=4_096)?;
        for k in 0..count as usize {
            let name = self.next_name(&role);
            let host = match places {
                [] => self.host(&name, 0, node.place)?,
                places => self.host_at(&places[k % places.len()], &name)?,
            };
            self.process(&role, Some(&name), At { host, group: group.clone(), place: node.place })?;
            self.topology.processes.last_mut().expect("just added").load = Some(load);
        }
        Ok(())
    }

    /// A host named by `host:h1`, or a new one in a rack or site.
    fn host_at(&mut self, node: &Node, name: &str) -> Result<usize, Wrong> {
        let text = node.text().unwrap_or_default();
        let (kind, of) = text.split_once(':').unwrap_or(("", text));
        match kind {
            "host" => {
                self.topology.hosts.iter().position(|host| host.name == of).ok_or_else(|| {
                    let known = self.topology.hosts.iter().map(|host| host.name.as_str());
                    Wrong::unknown(node.place, "host", of, known)
                })
            }
            "rack" => {
                let rack = self.rack(node, "rack:")?;
                self.host(name, rack, node.place)
            }
            "site" => {
                let site = self.topology.sites.iter().position(|site| site.name == of);
                let site = site.ok_or_else(|| {
                    let known = self.topology.sites.iter().map(|site| site.name.as_str());
                    Wrong::unknown(node.place, "site", of, known)
                })?;
                let racks = self.topology.racks.iter().enumerate();
                let racks: Vec<usize> =
                    racks.filter(|(_, rack)| rack.site == site).map(|(index, _)| index).collect();
                let turn = self.turns.entry(site).or_default();
                let rack = racks[*turn % racks.len()];
                *turn += 1;
                self.host(name, rack, node.place)
            }
            _ => Err(Wrong::at(node.place, format!("\"{text}\" is no place"))
                .hint("write \"host:\", \"rack:\" or \"site:\" and a name")),
        }
    }

    fn rack(&self, node: &Node, prefix: &str) -> Result<usize, Wrong> {
        let text = node.text().unwrap_or_default();
        let name = text.strip_prefix(prefix).unwrap_or(text);
        self.topology.racks.iter().position(|rack| rack.name == name).ok_or_else(|| {
            let known = self.topology.racks.iter().map(|rack| rack.name.as_str());
            Wrong::unknown(node.place, "rack", name, known)
        })
    }

    fn host(&mut self, name: &str, rack: usize, place: Place) -> Result<usize, Wrong> {
        check_name_at(place, name, !self.host_names.insert(name.to_string()))?;
        if self.topology.hosts.len() == HOSTS_MAX as usize {
            return Err(Wrong::at(place, format!("more than {HOSTS_MAX} hosts")));
        }
        self.topology.hosts.push(Host { name: name.to_string(), rack, disk: self.disk });
        Ok(self.topology.hosts.len() - 1)
    }

    /// `nn1`, `nn2`, … past names that someone gave.
    fn next_name(&mut self, role: &RoleWord) -> String {
        let number = self.numbers.entry(role.name).or_default();
        loop {
            *number += 1;
            let name = format!("{}{number}", role.short);
            if !self.names.contains(&name) {
                return name;
            }
        }
    }

    fn process(&mut self, role: &RoleWord, name: Option<&str>, at: At) -> Result<(), Wrong> {
        let name = name.map_or_else(|| self.next_name(role), str::to_string);
        check_name_at(at.place, &name, !self.names.insert(name.clone()))?;
        let topology = self.root.table("topology");
        let entry = |table: &str| topology.and_then(|fields| fields.node(table)?.get(role.name));
        let built_by = entry("replace").and_then(Node::text).unwrap_or(role.name).to_string();
        let restart = entry("restart").map_or(Restart::None, read_restart);
        let (role, load) = (role.name.to_string(), None);
        let At { host, group, .. } = at;
        let placed = Placed { name, role, built_by, host, group, restart, load };
        self.topology.processes.push(placed);
        Ok(())
    }

    fn network(&mut self) -> Result<(), Wrong> {
        let Some(fields) = self.root.table("network") else { return Ok(()) };
        let mut network = self.topology.network.clone();
        for (name, link) in
            [("rack", &mut network.rack), ("site", &mut network.site), ("wan", &mut network.wan)]
        {
            *link = fields.table(name).map_or(Ok(*link), |fields| read_link(fields, *link))?;
        }
        for pair in fields.items("pair") {
            let pair = Fields(pair);
            let ends: Vec<usize> = pair
                .items("between")
                .iter()
                .map(|node| {
                    let name = node.text().unwrap_or_default();
                    let sites = &self.topology.sites;
                    sites.iter().position(|site| site.name == name).ok_or_else(|| {
                        let known = sites.iter().map(|site| site.name.as_str());
                        Wrong::unknown(node.place, "site", name, known)
                    })
                })
                .collect::<Result<_, _>>()?;
            let &[one, other] = ends.as_slice() else {
                return Err(Wrong::at(pair.0.place, "a pair is between two sites"));
            };
            if one == other {
                return Err(Wrong::at(pair.0.place, "a pair is between two different sites"));
            }
            let link = read_link(pair, network.wan)?;
            network.pairs.insert((one.min(other), one.max(other)), link);
        }
        network.unreachable_after = match fields.node("unreachable_after") {
            Some(node) if node.text() != Some("never") => {
                let span = fields.span("unreachable_after");
                Some(span.ok_or_else(|| Wrong::at(node.place, "expected a span or \"never\""))?)
            }
            Some(_) | None => None,
        };
        self.topology.network = network;
        Ok(())
    }
}

/// Where a process goes.
struct At {
    host: usize,
    group: Option<String>,
    place: Place,
}

/// 0.1 ms and a little, 10 Gbit/s.
const LAN: Link = Link {
    latency_min: SimDuration::from_micros(50),
    latency_excess_mean: SimDuration::from_micros(50),
    bandwidth_bytes_s: 1_250_000_000,
    loss_ppm: 0,
};

/// Another data centre of the same region: 1 ms.
const WAN: Link = Link {
    latency_min: SimDuration::from_millis(1),
    latency_excess_mean: SimDuration::from_micros(100),
    bandwidth_bytes_s: 1_250_000_000,
    loss_ppm: 0,
};

fn read_link(fields: Fields<'_>, stock: Link) -> Result<Link, Wrong> {
    Ok(Link {
        latency_min: fields.span("latency_min").unwrap_or(stock.latency_min),
        latency_excess_mean: fields
            .span("latency_excess_mean")
            .unwrap_or(stock.latency_excess_mean),
        bandwidth_bytes_s: fields.bandwidth("bandwidth", stock.bandwidth_bytes_s)?,
        loss_ppm: fields.fraction_ppm("loss", stock.loss_ppm)?,
    })
}

fn read_disk(fields: Fields<'_>, stock: Disk) -> Result<Disk, Wrong> {
    Ok(Disk {
        sync_min: fields.span("sync_min").unwrap_or(stock.sync_min),
        sync_excess_mean: fields.span("sync_excess_mean").unwrap_or(stock.sync_excess_mean),
        bandwidth_bytes_s: fields.bandwidth("bandwidth", stock.bandwidth_bytes_s)?,
    })
}

fn read_restart(node: &Node) -> Restart {
    let systemd = |delay| Restart::Systemd { delay };
    match node.text() {
        Some("none") => Restart::None,
        Some(_) => systemd(SimDuration::from_millis(100)),
        None => systemd(Fields(node).span("systemd").unwrap_or_default()),
    }
}

fn check_name(node: Option<&Node>, name: &str, taken: bool) -> Result<(), Wrong> {
    check_name_at(node.map_or_else(Place::default, |node| node.place), name, taken)
}

fn check_name_at(place: Place, name: &str, taken: bool) -> Result<(), Wrong> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > 253 || !name.chars().all(fits) {
        return Err(Wrong::at(
            place,
            format!("\"{}\" is no name", super::complaint::shortened(name)),
        )
        .hint("letters, digits, '-', '_' and '.'"));
    }
    match taken {
        true => Err(Wrong::at(place, format!("\"{name}\" stands twice"))),
        false => Ok(()),
    }
}
