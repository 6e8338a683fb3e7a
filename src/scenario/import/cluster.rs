//! Cluster: who runs where, as the operator's files say without saying it.
//!
//! Here: nameservices, NameNodes, journals, controllers and ZooKeeper servers out of keys.
//! Never here: XML, substitution, the text of the scenario.
//! Modelled on: Hadoop `DFSUtil.getAddresses`, `HAUtil`, `QuorumJournalManager`'s URIs.

use std::collections::{BTreeMap, BTreeSet};

use super::super::complaint::{Place, Wrong, shortened};
use super::resources::Resources;
use super::zoo::{HostTable, Server};

/// A process on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) role: &'static str,
    pub(super) name: Option<String>,
    pub(super) group: Option<String>,
}

/// What was derived.
#[derive(Default)]
pub(super) struct Cluster {
    /// In the order in which the files name them.
    pub(super) hosts: Vec<(String, Vec<Run>)>,
    /// Nameservices; one without a name if there is no HA.
    pub(super) groups: Vec<Option<String>>,
    /// NameNode ids that two nameservices share get new names; suffixes of keys follow.
    pub(super) renamed: BTreeMap<(String, String), String>,
    /// Remarks on what was read.
    pub(super) notes: Vec<(Place, String)>,
}

pub(super) const NAMENODE: &str = "namenode";
pub(super) const JOURNALNODE: &str = "journalnode";
pub(super) const ZKFC: &str = "zkfc";
pub(super) const ZOOKEEPER: &str = "zookeeper";
pub(super) const SECONDARY: &str = "secondary-namenode";
pub(super) const FILER: &str = "filer";

const SHARED: &str = "dfs.namenode.shared.edits.dir";

/// Keys that say where things are and who logs in, which the topology stands for.
const PLACES: &[&str] = &[
    "dfs.nameservice.id",
    "dfs.ha.namenode.id",
    "dfs.namenode.http-address",
    "dfs.namenode.https-address",
    "dfs.namenode.secondary.http-address",
    "dfs.namenode.rpc-address",
];

/// Derives the cluster. `servers` are those of zoo.cfg, if there is one.
pub(super) fn derive(
    keys: &mut Resources,
    servers: Option<Vec<Server>>,
    table: &HostTable,
) -> Result<Cluster, Wrong> {
    let (journals, cluster) = (BTreeSet::new(), Cluster::default());
    let mut deriver = Deriver { keys, table, journals, cluster };
    let automatic = deriver.nameservices()?;
    deriver.zookeeper(servers, automatic)?;
    let used: Vec<String> = deriver.keys.set.keys().filter(|key| is_place(key)).cloned().collect();
    for key in used {
        deriver.keys.take(&key);
    }
    Ok(deriver.cluster)
}

fn is_place(key: &str) -> bool {
    let suffixed = |base: &&str| key.strip_prefix(*base).is_some_and(|rest| rest.starts_with('.'));
    PLACES.contains(&key) || PLACES.iter().any(suffixed)
}

struct Deriver<'a> {
    keys: &'a mut Resources,
    table: &'a HostTable,
    journals: BTreeSet<(String, String)>,
    cluster: Cluster,
}

impl Deriver<'_> {
    fn nameservices(&mut self) -> Result<bool, Wrong> {
        if let Some(place) = self.keys.place("fs.defaultFs") {
            let note =
                "fs.defaultFs is not fs.defaultFS: Hadoop reads neither host nor nameservice";
            self.note(place, note);
        }
        let listed = self.keys.take("dfs.nameservices").unwrap_or_default();
        let internal = self.keys.take("dfs.internal.nameservices");
        let mut ids: Vec<(String, Vec<String>)> = Vec::new();
        for name in list(internal.as_deref().unwrap_or(&listed)) {
            let key = format!("dfs.ha.namenodes.{name}");
            let of = list(&self.keys.take(&key).unwrap_or_default());
            if of.is_empty() && listed.contains(',') {
                let note = format!("no {key}: nameservice {name} is left out");
                self.note(self.place("dfs.nameservices"), &note);
            } else if !of.is_empty() {
                ids.push((name, of));
            }
        }
        if ids.is_empty() {
            self.single_namenode()?;
            return Ok(false);
        }
        let ids = self.served_here(ids)?;
        let mut taken: BTreeSet<String> = BTreeSet::new();
        for (group, ids) in &ids {
            for id in ids {
                let name = match taken.contains(&clean(id)) {
                    false => clean(id),
                    true => clean(&format!("{group}-{id}")),
                };
                if *id != name {
                    self.cluster.renamed.insert((group.clone(), id.clone()), name.clone());
                }
                taken.insert(name);
            }
        }
        let mut automatic = false;
        for (group, ids) in &ids {
            automatic |= self.nameservice(group, ids)?;
        }
        self.default_filesystem(&ids.iter().map(|(group, _)| group.as_str()).collect::<Vec<_>>());
        Ok(automatic)
    }

    /// Those whose journals these files name: others are somebody else's clusters, which clients
    /// here can reach.
    fn served_here(
        &mut self,
        ids: Vec<(String, Vec<String>)>,
    ) -> Result<Vec<(String, Vec<String>)>, Wrong> {
        let mut here = Vec::new();
        let mut others = Vec::new();
        for (group, ids) in ids {
            match self.shared_of(&group, &ids) {
                Some(_) => here.push((group, ids)),
                None => others.push(group),
            }
        }
        let place = self.place("dfs.nameservices");
        if here.is_empty() {
            let claim =
                format!("no {SHARED}: a client's configuration, the servers' side is unknown");
            return Err(Wrong::at(place, claim).hint("import the files of a NameNode's host"));
        }
        for group in others {
            let note = format!("no {SHARED} for {group}: another cluster, left out");
            self.note(place, &note);
        }
        Ok(here)
    }

    fn shared_of(&mut self, group: &str, ids: &[String]) -> Option<String> {
        let each = ids.iter().filter_map(|id| self.keys.take_scoped(SHARED, &[group, id]));
        each.collect::<Vec<_>>().into_iter().next()
    }

    /// One nameservice with several NameNodes. Whether ZooKeeper decides who is active.
    fn nameservice(&mut self, group: &str, ids: &[String]) -> Result<bool, Wrong> {
        let key = "dfs.ha.automatic-failover.enabled";
        let automatic = self.keys.take_scoped(key, &[group]).as_deref() == Some("true");
        self.cluster.groups.push(Some(clean(group)));
        for id in ids {
            let key = format!("dfs.namenode.rpc-address.{group}.{id}");
            let list = format!("dfs.ha.namenodes.{group}");
            let Some(address) = self.keys.take(&key) else {
                let place = self.place(&list);
                return Err(Wrong::at(place, format!("no {key}: where does {id} run?")));
            };
            let host = self.host_of(&address, &key)?;
            let renamed = self.cluster.renamed.get(&(group.to_string(), id.clone()));
            let name = Some(renamed.cloned().unwrap_or_else(|| id.clone()));
            let group = Some(clean(group));
            self.run(&host, Run { role: NAMENODE, name, group: group.clone() });
            if automatic {
                self.run(&host, Run { role: ZKFC, name: None, group });
            }
        }
        let provider = format!("dfs.client.failover.proxy.provider.{group}");
        if self.keys.place(&provider).is_none() {
            let place = self.place("dfs.nameservices");
            let note =
                format!("no {provider}: clients of these files do not know how to fail over");
            self.note(place, &note);
        }
        let shared = self.shared_of(group, ids).unwrap_or_default();
        self.shared_edits(group, &shared)?;
        Ok(automatic)
    }

    fn shared_edits(&mut self, group: &str, shared: &str) -> Result<(), Wrong> {
        let (key, place) = (SHARED, self.place(SHARED));
        let Some(rest) = shared.strip_prefix("qjournal://") else {
            if shared.contains("://") && !shared.starts_with("file:") {
                let claim = format!("{key}: \"{}\" is no journal known here", shortened(shared));
                return Err(Wrong::at(place, claim).hint("qjournal://jn1:8485;…/id or file:///dir"));
            }
            let note = "shared edits in a directory: taken as a mount of one NFS server that \
                        all NameNodes reach; a plain local directory would share nothing";
            self.note(place, note);
            self.run("nfs1", Run { role: FILER, name: None, group: Some(clean(group)) });
            return Ok(());
        };
        let authority = rest.split('/').next().unwrap_or_default();
        let mut journals = 0;
        for address in authority.split(';').filter(|address| !address.trim().is_empty()) {
            if address.contains(',') {
                let claim = format!("{key}: journals are parted by ';', not ','");
                return Err(Wrong::at(place, claim));
            }
            let host = self.host_of(address, key)?;
            // One daemon on a host serves the journals of all nameservices; another port is
            // another daemon.
            let port = address.rsplit_once(':').map_or("8485", |(_, port)| port.trim());
            if self.journals.insert((host.clone(), port.to_string())) {
                self.run(&host, Run { role: JOURNALNODE, name: None, group: None });
            }
            journals += 1;
        }
        match journals {
            0 => return Err(Wrong::at(place, format!("{key}: no JournalNode in it"))),
            n if n % 2 == 0 => {
                let note = format!("{n} JournalNodes tolerate no more losses than {}", n - 1);
                self.note(place, &note);
            }
            _ => {}
        }
        Ok(())
    }

    fn single_namenode(&mut self) -> Result<(), Wrong> {
        let address = self.keys.take("dfs.namenode.rpc-address");
        let default = self.keys.take("fs.defaultFS");
        let from_default = || {
            let rest = default.as_deref()?.strip_prefix("hdfs://")?;
            rest.split('/').next().filter(|authority| !authority.is_empty())
        };
        let Some(address) = address.as_deref().or_else(from_default) else {
            return Err(Wrong::at(Place::default(), "no NameNode in these files")
                .hint("looked for dfs.nameservices, dfs.namenode.rpc-address and fs.defaultFS"));
        };
        let host = self.host_of(address, "fs.defaultFS")?;
        self.run(&host, Run { role: NAMENODE, name: None, group: None });
        let secondary = self.keys.take("dfs.namenode.secondary.http-address");
        let beside = secondary.as_deref().filter(|address| !address.starts_with("0.0.0.0"));
        let key = "dfs.namenode.secondary.http-address";
        let host = beside.map_or(Ok(host), |address| self.host_of(address, key))?;
        self.run(&host, Run { role: SECONDARY, name: None, group: None });
        self.cluster.groups.push(None);
        Ok(())
    }

    fn default_filesystem(&mut self, groups: &[&str]) {
        let Some(default) = self.keys.take("fs.defaultFS") else { return };
        let authority = default.strip_prefix("hdfs://").unwrap_or_default();
        let authority = authority.split('/').next().unwrap_or_default();
        if !groups.contains(&authority) {
            let note = format!(
                "fs.defaultFS = \"{}\" is none of the nameservices {}: clients that do not name \
                 one miss the failover",
                shortened(&default),
                groups.join(", ")
            );
            self.note(self.place("fs.defaultFS"), &note);
        }
    }

    fn zookeeper(&mut self, servers: Option<Vec<Server>>, automatic: bool) -> Result<(), Wrong> {
        let key = "ha.zookeeper.quorum";
        let quorum = self.keys.take(key);
        let place = self.place(key);
        let mut named = Vec::new();
        if let Some(quorum) = &quorum {
            if quorum.contains(';') {
                let note = "';' parts nothing in this list: as written, no controller ever \
                            reaches ZooKeeper; imported as if it were ','";
                self.note(place, note);
            }
            let addresses = quorum.split('/').next().unwrap_or_default();
            for address in addresses.split([',', ';']).filter(|a| !a.trim().is_empty()) {
                named.push(self.host_of(address, key)?);
            }
        }
        let voters = match servers {
            Some(servers) => self.voters(servers, &named, place)?,
            None => (1..).map(|n: u32| format!("zk{n}")).zip(named.iter().cloned()).collect(),
        };
        if automatic && voters.is_empty() {
            let place = self.place("dfs.ha.automatic-failover.enabled");
            return Err(Wrong::at(place, "automatic failover, and no ZooKeeper anywhere")
                .hint("ha.zookeeper.quorum stands in core-site.xml; zoo.cfg lists the servers"));
        }
        for (name, host) in voters {
            self.run(&host, Run { role: ZOOKEEPER, name: Some(name), group: None });
        }
        Ok(())
    }

    /// The voting servers of zoo.cfg; those of the quorum string if it lists none.
    fn voters(
        &mut self,
        servers: Vec<Server>,
        named: &[String],
        quorum: Place,
    ) -> Result<Vec<(String, String)>, Wrong> {
        if servers.is_empty() {
            // Stand-alone: what clients connect to is all there is.
            let hosts = named.first().cloned().unwrap_or_else(|| "zk1".to_string());
            return Ok(vec![("zk1".to_string(), hosts)]);
        }
        let mut voters = Vec::new();
        let mut endpoints = BTreeSet::new();
        for server in servers {
            let host = self.checked(&server.host, server.place)?;
            if !endpoints.insert((host.clone(), server.ports.0.clone()))
                || !endpoints.insert((host.clone(), server.ports.1.clone()))
            {
                let claim = format!("server.{}: {host} has this port already", server.id);
                return Err(Wrong::at(server.place, claim).hint("such servers form no ensemble"));
            }
            if server.observer {
                let note =
                    format!("server.{} is an observer: it has no vote and is left out", server.id);
                self.note(server.place, &note);
                continue;
            }
            voters.push((format!("zk{}", server.id), host));
        }
        let strangers: Vec<&str> = named
            .iter()
            .filter(|name| voters.iter().all(|(_, host)| host != *name))
            .map(String::as_str)
            .collect();
        if !strangers.is_empty() {
            let note =
                format!("{} of ha.zookeeper.quorum: no voter of zoo.cfg", strangers.join(", "));
            self.note(quorum, &note);
        }
        Ok(voters)
    }

    /// The host of `host:port`, under its one name.
    fn host_of(&self, address: &str, key: &str) -> Result<String, Wrong> {
        let address = address.trim();
        let host = match address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, _)) => host,
            None => address.split(':').next().unwrap_or_default(),
        };
        self.checked(host, self.place(key))
    }

    fn checked(&self, host: &str, place: Place) -> Result<String, Wrong> {
        let host = self.table.name(host.trim()).replace(':', "-");
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let is_token = host.starts_with("__") && host.ends_with("__");
        if host.is_empty() || host.len() > 253 || is_token || !host.chars().all(fits) {
            return Err(Wrong::at(place, format!("\"{}\" is no host", shortened(&host)))
                .hint("a template? render it first"));
        }
        Ok(host)
    }

    fn run(&mut self, host: &str, run: Run) {
        match self.cluster.hosts.iter_mut().find(|(name, _)| name == host) {
            Some((_, runs)) => runs.push(run),
            None => self.cluster.hosts.push((host.to_string(), vec![run])),
        }
    }

    fn note(&mut self, place: Place, note: &str) {
        self.cluster.notes.push((place, note.to_string()));
    }

    /// Where a key or one of its suffixed forms was set.
    fn place(&self, key: &str) -> Place {
        let suffixed =
            |name: &str| name.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
        let mut set = self.keys.set.iter();
        let found = set.find(|(name, _)| *name == key || suffixed(name));
        found.map_or_else(Place::default, |(_, set)| set.place)
    }
}

/// A list with commas; blanks around them are legal.
fn list(text: &str) -> Vec<String> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    items.map(str::to_string).collect()
}

/// With characters that a name of the scenario cannot have replaced.
pub(super) fn clean(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    name.chars().map(|c| if fits(c) { c } else { '-' }).take(253).collect()
}
