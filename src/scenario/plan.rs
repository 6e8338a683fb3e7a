//! Plan: the list of faults, out of a checked tree.
//!
//! Here: which fields a kind takes, whom a name can mean, an end that someone wrote.
//! Never here: who answers to a name when the fault strikes.
//! Modelled on: STYLE rule 18.

use super::complaint::Wrong;
use super::fields::Fields;
use super::model::Topology;
use super::tree::Node;
use super::vocabulary::Vocabulary;
use crate::engine::config::parse_span;
use crate::engine::time::SimDuration;
use crate::faults::{Direction, End, Fault, Group, Kind, Pick, Reach, Target, Trigger, When};
use crate::history::{NoteName, Role};

/// Fields that every fault may have; the others belong to a kind.
const COMMON: &[&str] = &["name", "kind", "target", "pick", "at", "on", "for", "until", "give_up"];

/// Reads faults. Without a topology (a disaster) names of hosts, racks and sites are taken as they
/// are, and names of processes are refused.
pub(super) struct PlanReader<'a> {
    pub(super) words: &'a Vocabulary,
    pub(super) topology: Option<&'a Topology>,
}

impl PlanReader<'_> {
    pub(super) fn read(&self, nodes: &[Node]) -> Result<Vec<Fault>, Wrong> {
        let mut faults: Vec<Fault> = Vec::new();
        for node in nodes {
            let fields = Fields(node);
            let mut fault = self.fault(fields)?;
            let taken = |name: &str| faults.iter().any(|fault| fault.name == name);
            if taken(&fault.name) {
                if let Some(name) = fields.node("name") {
                    return Err(Wrong::at(name.place, "another fault has this name"));
                }
                let numbered = |n: usize| format!("{} {n}", fault.name);
                let free = (2..).map(numbered).find(|name| !taken(name));
                fault.name = free.expect("some number is free");
            }
            faults.push(fault);
        }
        Ok(faults)
    }

    fn fault(&self, fields: Fields<'_>) -> Result<Fault, Wrong> {
        let kind = self.kind(fields)?;
        let target_node = fields.node("target").expect("the shape demands it");
        let of = self.group(target_node)?;
        let pick = match fields.text("pick") {
            Some("oldest") => Pick::Oldest,
            Some("all") => Pick::All,
            Some(_) | None => Pick::Newest,
        };
        let when = match (fields.node("at"), fields.node("on")) {
            (Some(_), None) => {
                let after = fields.span("at").unwrap_or_default();
                When { trigger: Trigger::Clock, after }
            }
            (None, Some(on)) => self.when(Fields(on))?,
            (None, None) => {
                let wrong = Wrong::at(fields.0.place, "when? a fault has `at` or `on`");
                return Err(wrong.hint("at = \"60s\", or on = { mark = … }"));
            }
            (Some(_), Some(on)) => {
                return Err(Wrong::at(on.place, "a fault has `at` or `on`, not both"));
            }
        };
        let until = self.end(fields, &kind)?;
        let stock_name = || format!("{} {}", kind.name(), of.phrase());
        let name = fields.text("name").map_or_else(stock_name, str::to_string);
        let give_up = fields.span("give_up").unwrap_or(SimDuration::from_secs(60));
        Ok(Fault { name, kind, target: Target { of, pick }, when, until, give_up })
    }

    fn end(&self, fields: Fields<'_>, kind: &Kind) -> Result<End, Wrong> {
        let written = (fields.node("for"), fields.node("until"));
        if kind.is_act() {
            return match written.0.or(written.1) {
                None => Ok(End::Act),
                Some(node) => {
                    Err(Wrong::at(node.place, format!("`{}` is an act, without end", kind.name())))
                }
            };
        }
        match written {
            (Some(_), None) => Ok(End::After(fields.span("for").unwrap_or_default())),
            (None, Some(node)) if node.text().is_some() => Ok(End::Never),
            (None, Some(node)) => self.when(Fields(node)).map(End::On),
            (None, None) => {
                let wrong = Wrong::at(fields.0.place, "until when? there is no default");
                Err(wrong.hint("for = \"20s\", until = \"never\", or until = { mark = … }"))
            }
            (Some(_), Some(node)) => {
                Err(Wrong::at(node.place, "a fault has `for` or `until`, not both"))
            }
        }
    }

    fn kind(&self, fields: Fields<'_>) -> Result<Kind, Wrong> {
        let node = fields.node("kind").expect("the shape demands it");
        let name = node.text().unwrap_or_default();
        let own: &[&str] = match name {
            "cut" => &["from", "except", "direction"],
            "flap" => &["from", "except", "direction", "down", "up"],
            "restart" => &["down", "pause"],
            "clock-jump" => &["by"],
            "admin" => &["command", "arguments"],
            "restore" => &["from"],
            _ => &[],
        };
        for (field, entry) in fields.0.table().into_iter().flatten() {
            if !COMMON.contains(&field.as_str()) && !own.contains(&field.as_str()) {
                let wrong = Wrong::at(entry.place, format!("`{name}` takes no `{field}`"));
                return Err(match own {
                    [] => wrong,
                    own => wrong.hint(format!("it takes {}", own.join(", "))),
                });
            }
        }
        let missing = |field: &str, example: &str| {
            Wrong::at(node.place, format!("`{name}` needs `{field}`")).hint(example)
        };
        Ok(match name {
            "kill" => Kind::Kill,
            "stop" | "pause" => Kind::Stop,
            "freeze" => Kind::Freeze,
            "power-loss" => Kind::PowerLoss,
            "silence" => Kind::Silence,
            "cut" => Kind::Cut(self.reach(fields)?),
            "flap" => Kind::Flap {
                reach: self.reach(fields)?,
                down: fields.span("down").ok_or_else(|| missing("down", "down = \"2s\""))?,
                up: fields.span("up").ok_or_else(|| missing("up", "up = \"3s\""))?,
            },
            "disk-stall" => Kind::DiskStall,
            "disk-full" => Kind::DiskFull,
            "disk-lie" => Kind::DiskLie,
            "disk-wipe" => Kind::DiskWipe,
            "restart" => Kind::Restart {
                down: fields.span("down").unwrap_or(SimDuration::from_secs(5)),
                pause: fields.span("pause").unwrap_or(SimDuration::from_secs(30)),
            },
            "clock-jump" => {
                let by = fields.text("by").ok_or_else(|| missing("by", "by = \"-5s\""))?;
                let size = parse_span(by.trim_start_matches('-'), None).unwrap_or_default();
                let by_ns = i64::try_from(size.as_nanos()).unwrap_or(i64::MAX);
                Kind::ClockJump { by_ns: if by.starts_with('-') { -by_ns } else { by_ns } }
            }
            "admin" => {
                let command = fields.text("command");
                let known = || self.words.commands.iter().map(|command| command.name);
                let example = || format!("known: {}", known().collect::<Vec<_>>().join(", "));
                let command = command.ok_or_else(|| missing("command", &example()))?.to_string();
                let arguments = fields.items("arguments").iter().filter_map(Node::text);
                Kind::Admin { command, arguments: arguments.map(str::to_string).collect() }
            }
            "restore" => {
                let from = fields
                    .node("from")
                    .and_then(|node| node.list().map_or(Some(node), <[_]>::first));
                let from = from.ok_or_else(|| missing("from", "from = \"snn1\""))?;
                Kind::Restore { from: self.group(from)? }
            }
            other => unreachable!("the shape lists the kinds, and {other} is none"),
        })
    }

    fn reach(&self, fields: Fields<'_>) -> Result<Reach, Wrong> {
        let groups = |name: &str| {
            fields.items(name).iter().map(|node| self.group(node)).collect::<Result<Vec<_>, _>>()
        };
        let mut from = groups("from")?;
        if from.is_empty() {
            from.push(Group::Everything);
        }
        let direction = match fields.text("direction") {
            Some("outgoing") => Direction::Outgoing,
            Some("incoming") => Direction::Incoming,
            Some(_) | None => Direction::Both,
        };
        Ok(Reach { from, except: groups("except")?, direction })
    }

    fn when(&self, fields: Fields<'_>) -> Result<When, Wrong> {
        let nth = fields.count_in("nth", 1, 1..=1_000_000)?;
        let by = || fields.node("by").map(|node| self.group(node)).transpose();
        let after = fields.span("after").unwrap_or_default();
        let sources = ["mark", "note", "claimed", "lost"];
        let mut written = sources.into_iter().filter_map(|name| Some((name, fields.text(name)?)));
        let (Some((source, text)), None) = (written.next(), written.next()) else {
            let claim = format!("a trigger has one of {}", sources.join(", "));
            return Err(Wrong::at(fields.0.place, claim));
        };
        let role = || ROLES.iter().find(|role| role.name() == text).copied();
        let role = || role().expect("the shape lists the roles");
        let trigger = match source {
            "mark" => Trigger::Mark { mark: text.to_string(), nth, by: by()? },
            "note" => Trigger::Noted { note: NoteName::named(text), nth, by: by()? },
            "claimed" => Trigger::RoleClaimed { role: role(), nth, by: by()? },
            _ => Trigger::RoleLost { role: role(), nth, by: by()? },
        };
        Ok(When { trigger, after })
    }

    /// A name can be a selector, a role, a process, or a place with its prefix; in this order.
    fn group(&self, node: &Node) -> Result<Group, Wrong> {
        let text = node.text().unwrap_or_default();
        let owned = |name: &str| name.to_string();
        if text == "everything" {
            return Ok(Group::Everything);
        }
        if let Some((kind, name)) = text.split_once(':') {
            let (group, known): (_, Option<Vec<&str>>) = match kind {
                "host" => (
                    Group::Host(owned(name)),
                    self.topology.map(|t| t.hosts.iter().map(|h| h.name.as_str()).collect()),
                ),
                "rack" => (
                    Group::Rack(owned(name)),
                    self.topology.map(|t| t.racks.iter().map(|r| r.name.as_str()).collect()),
                ),
                "site" => (
                    Group::Site(owned(name)),
                    self.topology.map(|t| t.sites.iter().map(|s| s.name.as_str()).collect()),
                ),
                "region" => (
                    Group::Region(owned(name)),
                    self.topology.map(|t| t.sites.iter().map(|s| s.region.as_str()).collect()),
                ),
                other => {
                    let kinds = ["host", "rack", "site", "region"];
                    return Err(Wrong::unknown(node.place, "kind of place", other, kinds));
                }
            };
            return match known {
                Some(known) if !known.contains(&name) => {
                    Err(Wrong::unknown(node.place, kind, name, known))
                }
                Some(_) | None => Ok(group),
            };
        }
        let processes = || self.topology.into_iter().flat_map(|t| &t.processes);
        let selector = self.words.selector(text);
        let role = self.words.role(text).map(|role| role.name);
        if let Some(needed) = selector.map(|selector| selector.role).or(role) {
            let lacking = self.topology.is_some() && processes().all(|p| p.role != needed);
            if lacking {
                return Err(Wrong::at(node.place, format!("no process is a {needed} here")));
            }
            let group = if selector.is_some() { Group::Selector } else { Group::Role };
            return Ok(group(owned(text)));
        }
        if processes().any(|process| process.name == text) {
            return Ok(Group::Process(owned(text)));
        }
        let selectors = self.words.selectors.iter().map(|selector| selector.name);
        let roles = self.words.roles.iter().map(|role| role.name);
        let names = processes().map(|process| process.name.as_str());
        let known = selectors.chain(roles).chain(names).chain(["everything"]);
        Err(Wrong::unknown(node.place, "target", text, known))
    }
}

const ROLES: [Role; 5] =
    [Role::Active, Role::Standby, Role::Leader, Role::Follower, Role::Controller];
