//! Zoo: what ZooKeeper would read out of zoo.cfg.
//!
//! Here: Java's properties syntax, the server list, hosts files.
//! Never here: what a key does.
//! Modelled on: ZooKeeper 3.8.4 `QuorumPeerConfig.parseProperties`, `java.util.Properties.load`.

use std::collections::BTreeMap;

use super::super::complaint::{Place, Wrong, shortened};

/// One line of zoo.cfg.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) place: Place,
}

/// A member of the ensemble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) id: String,
    pub(super) host: String,
    /// Its quorum and election ports.
    pub(super) ports: (String, String),
    /// It follows without a vote.
    pub(super) observer: bool,
    pub(super) place: Place,
}

/// Reads properties: `key=value`, `key: value`, `key value`; `#` and `!` comment; a backslash at
/// the end of a line goes on; the last of two equal keys wins.
pub(super) fn read_lines(source: usize, text: &str) -> Vec<Line> {
    let mut found: BTreeMap<String, Line> = BTreeMap::new();
    let mut offset = 0;
    let mut rest = text.split_inclusive('\n');
    while let Some(line) = rest.next() {
        let indent = line.len() - line.trim_start().len();
        let place = Place { source, offset: offset + indent };
        offset += line.len();
        let mut logical = line.trim().to_string();
        if logical.is_empty() || logical.starts_with(['#', '!']) {
            continue;
        }
        while logical.ends_with('\\') && !logical.ends_with("\\\\") {
            logical.pop();
            let Some(line) = rest.next() else { break };
            offset += line.len();
            logical.push_str(line.trim());
        }
        let end = logical.find(|c: char| "=:".contains(c) || c.is_whitespace());
        let (key, value) = logical.split_at(end.unwrap_or(logical.len()));
        let value = value.trim_start();
        let value = value.strip_prefix(['=', ':']).unwrap_or(value).trim();
        let (key, value) = (key.to_string(), value.to_string());
        found.insert(key.clone(), Line { key, value, place });
    }
    let mut lines: Vec<Line> = found.into_values().collect();
    lines.sort_by_key(|line| line.place);
    lines
}

/// Reads `server.1=host:2888:3888:observer;2181`.
pub(super) fn read_server(line: &Line) -> Option<Result<Server, Wrong>> {
    let id = line.key.strip_prefix("server.")?.to_string();
    Some(parse_server(line, id))
}

fn parse_server(line: &Line, id: String) -> Result<Server, Wrong> {
    let wrong = || {
        Wrong::at(line.place, format!("server.{} = \"{}\"", id, shortened(&line.value)))
            .hint("expected host:2888:3888, perhaps with :observer and ;2181")
    };
    if id.parse::<u32>().is_err() {
        return Err(wrong());
    }
    let address = line.value.split([';', '|']).next().unwrap_or_default();
    // An address of version 6 stands in brackets.
    let (host, rest) = match address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':').ok_or_else(wrong)?),
        None => address.split_once(':').ok_or_else(wrong)?,
    };
    let mut parts = rest.split(':').map(str::trim);
    let port = |part: Option<&str>| {
        part.filter(|port| port.parse::<u16>().is_ok()).map(str::to_string).ok_or_else(wrong)
    };
    let ports = (port(parts.next())?, port(parts.next())?);
    let observer = match parts.next() {
        None | Some("participant") => false,
        Some("observer") => true,
        Some(_) => return Err(wrong()),
    };
    let host = host.trim();
    if host.is_empty() {
        return Err(wrong());
    }
    Ok(Server { id, host: host.to_string(), ports, observer, place: line.place })
}

/// Names of hosts, and where they stand: lines of `/etc/hosts` (`10.0.0.1 nn1 nn1.example`) or of
/// Hadoop's topology table (`nn1 /dc1/rack1`).
#[derive(Default)]
pub(super) struct HostTable {
    /// Any name or address to the name that is used.
    names: BTreeMap<String, String>,
    /// Site and rack by any name.
    places: BTreeMap<String, (String, String)>,
}

impl HostTable {
    pub(super) fn read(source: usize, text: &str) -> Result<HostTable, Wrong> {
        let mut table = HostTable::default();
        let mut offset = 0;
        for line in text.split_inclusive('\n') {
            let place = Place { source, offset };
            offset += line.len();
            let words: Vec<&str> =
                line.split('#').next().unwrap_or_default().split_whitespace().collect();
            match words.as_slice() {
                [] => {}
                [host, path] if path.starts_with('/') => {
                    let mut steps = path.split('/').filter(|step| !step.is_empty());
                    let (first, second) = (steps.next(), steps.next());
                    let (site, rack) = match (first, second) {
                        (Some(site), Some(rack)) => (site, rack),
                        (Some(rack), None) => ("site1", rack),
                        (None, _) => return Err(Wrong::at(place, "an empty path to a rack")),
                    };
                    let at = (site.to_string(), rack.to_string());
                    table.places.insert((*host).to_string(), at);
                }
                [address, name, others @ ..] => {
                    for alias in [address, name].into_iter().chain(others) {
                        table.names.insert((*alias).to_string(), (*name).to_string());
                    }
                }
                [word] => {
                    let claim = format!("\"{}\" alone says nothing", shortened(word));
                    let hint = "expected \"address name\" or \"host /site/rack\"";
                    return Err(Wrong::at(place, claim).hint(hint));
                }
            }
        }
        Ok(table)
    }

    /// The one name of a host.
    pub(super) fn name(&self, host: &str) -> String {
        self.names.get(host).map_or_else(|| host.to_string(), String::clone)
    }

    /// Its site and rack.
    pub(super) fn place(&self, host: &str) -> Option<&(String, String)> {
        let aliases = self.names.iter().filter(|(_, name)| *name == host).map(|(alias, _)| alias);
        let host = host.to_string();
        [&host].into_iter().chain(aliases).find_map(|name| self.places.get(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_as_java_reads_them() {
        let text = "# c\n tickTime = 2000\ndataDir:/tmp/\\\n  zk\ninitLimit 10\ntickTime=3000\n";
        let lines = read_lines(0, text);
        let pairs: Vec<(&str, &str)> =
            lines.iter().map(|line| (line.key.as_str(), line.value.as_str())).collect();
        assert_eq!(pairs, [("dataDir", "/tmp/zk"), ("initLimit", "10"), ("tickTime", "3000")]);
    }

    #[test]
    fn servers_in_every_spelling() {
        let read = |value: &str| {
            let place = Place::default();
            let line = Line { key: "server.2".to_string(), value: value.to_string(), place };
            read_server(&line).unwrap()
        };
        let server = read("zk2.example : 2888:3888:observer;2181").unwrap();
        assert_eq!((server.host.as_str(), server.observer), ("zk2.example", true));
        assert_eq!(read("[2001:db8::1]:2888:3888").unwrap().host, "2001:db8::1");
        assert!(read("zk2").is_err() && read("zk2:2888").is_err() && read(":1:2").is_err());
    }
}
