//! Stage: a small world for the tests of NameNodes: hosts, daemons, an operator with a script.
//!
//! Here: building, commands at given moments, and what was heard, as lines.
//! Never here: what must hold (the tests').
//! Modelled on: etcd/raft's interaction tests.

use std::collections::BTreeMap;

use super::shared_journal::SharedJournal;
use super::{ImageSource, NameNode, NameNodeSetup, SHARED_JOURNAL_TAGS};
use crate::clients::hadoop_ipc::client::IpcClient;
use crate::clients::hadoop_ipc::{
    CallId, CallOutcome, CallPolicy, ConnectionKey, RemoteException, ServerAddress,
};
use crate::engine::config::Config;
use crate::engine::ctx::Ctx;
use crate::engine::id::ProcessId;
use crate::engine::net::LinkClasses;
use crate::engine::process::{Input, Process, Tag};
use crate::engine::time::{SimDuration, SimTime};
use crate::engine::world::{HostOptions, ProcessOptions, World};
use crate::history::{ContentHash, Fact, NoteName, ResourceName, Role};
use crate::protocols::namenode::transition::RequestSource;
use crate::protocols::qjm::journal::JournalRules;
use crate::protocols::qjm::writer::WriterRules;
use crate::systems::hdfs::api::client_namenode::{
    ClientNamenode, ClientRequest, ClientResponse, FilePath,
};
use crate::systems::hdfs::api::ha_service::{HaRequest, HaResponse, HaService, ServiceState};
use crate::systems::hdfs::api::namenode_protocol::{
    CLIENT_PORT, HA_PORT, HTTP_PORT, SECONDARY_HTTP_PORT,
};
use crate::systems::hdfs::api::qjournal::JournalId;
use crate::systems::hdfs::journalnode::{JournalNode, JournalNodeSetup, JournalSetup};
use crate::systems::hdfs::keys::HADOOP_3_4;
use crate::systems::hdfs::nfs::{Filer, NfsJournal};
use crate::systems::hdfs::quorum_journal::{QuorumJournal, QuorumJournalSetup};
use crate::systems::hdfs::secondary::{SecondaryNameNode, SecondarySetup};

const RESOURCE: ResourceName = ResourceName(0);
const NAMESPACE: u64 = 5;
const ANSWERED: NoteName = NoteName::named("stage/answered");

/// A command of the script.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    ToActive,
    ToStandby,
    Health,
    Status,
    Mkdir(u64),
    Look(u64),
}

#[derive(Clone)]
struct Operator {
    script: Vec<(SimDuration, ProcessId, Order)>,
    ha: IpcClient<HaService>,
    client: IpcClient<ClientNamenode>,
    policy: Option<CallPolicy>,
    asked: BTreeMap<(bool, CallId), u64>,
}

/// What the operator hears: 0 ok, 1 a negative answer, 2 standby, 3 retriable, 4 other, 5 no
/// answer; 10 and more: a state.
fn code(outcome: &CallOutcome<u64>) -> u64 {
    match outcome {
        CallOutcome::Reply(code) => *code,
        CallOutcome::Remote(RemoteException::Standby) => 2,
        CallOutcome::Remote(RemoteException::Retriable) => 3,
        CallOutcome::Remote(RemoteException::AccessControl | RemoteException::Other(_)) => 4,
        CallOutcome::Failed(_) => 5,
    }
}

fn mapped<R>(outcome: CallOutcome<R>, read: impl Fn(R) -> u64) -> CallOutcome<u64> {
    match outcome {
        CallOutcome::Reply(reply) => CallOutcome::Reply(read(reply)),
        CallOutcome::Remote(exception) => CallOutcome::Remote(exception),
        CallOutcome::Failed(failure) => CallOutcome::Failed(failure),
    }
}

impl Operator {
    fn give(&mut self, line: u64, ctx: &mut Ctx<'_>) {
        let (_, process, order) = self.script[usize::try_from(line).unwrap()];
        let policy = self.policy.unwrap();
        let key = |port| ConnectionKey { server: ServerAddress { process, port }, user: 0, policy };
        let source = RequestSource::Zkfc;
        let path = |name| FilePath { directory: 1, name };
        let ha = match order {
            Order::ToActive => Some(HaRequest::TransitionToActive { source }),
            Order::ToStandby => Some(HaRequest::TransitionToStandby { source }),
            Order::Health => Some(HaRequest::MonitorHealth),
            Order::Status => Some(HaRequest::GetServiceStatus),
            Order::Mkdir(_) | Order::Look(_) => None,
        };
        let request = match order {
            Order::Mkdir(name) => {
                Some(ClientRequest::Mkdirs { path: path(name), content: ContentHash(name) })
            }
            Order::Look(name) => Some(ClientRequest::GetFileInfo { path: path(name) }),
            Order::ToActive | Order::ToStandby | Order::Health | Order::Status => None,
        };
        if let Some(request) = ha {
            let call = self.ha.call(key(HA_PORT), request, ctx);
            self.asked.insert((true, call), line);
        }
        if let Some(request) = request {
            let call = self.client.call(key(CLIENT_PORT), request, ctx);
            self.asked.insert((false, call), line);
        }
    }

    fn hear(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(done) = self.ha.completed() {
            let outcome = mapped(done.outcome, |response| match response {
                HaResponse::Done => 0,
                HaResponse::Status(status) => match status.state {
                    ServiceState::Active => 10,
                    ServiceState::Standby => 11,
                    ServiceState::Initializing | ServiceState::Observer => 12,
                },
            });
            self.heard((true, done.call), &outcome, ctx);
        }
        while let Some(done) = self.client.completed() {
            let outcome = mapped(done.outcome, |response| match response {
                ClientResponse::Done(done) => u64::from(!done),
                ClientResponse::FileInfo(found) => u64::from(found.is_none()),
                ClientResponse::Listing { .. } => 0,
            });
            self.heard((false, done.call), &outcome, ctx);
        }
    }

    fn heard(&mut self, call: (bool, CallId), outcome: &CallOutcome<u64>, ctx: &mut Ctx<'_>) {
        let line = self.asked.remove(&call).unwrap();
        let fields = [line, code(outcome), 0, 0];
        ctx.note(Fact::Noted { name: ANSWERED, fields });
    }
}

impl Process for Operator {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => {
                for (line, (at, ..)) in (0_u64..).zip(&self.script) {
                    ctx.arm(*at, Tag::with(1, line));
                }
            }
            Input::Timer(tag) if tag.kind == 1 => self.give(tag.arg, ctx),
            Input::Timer(tag) => {
                let _taken = self.ha.on_timer(tag, ctx) || self.client.on_timer(tag, ctx);
            }
            Input::Connection(conn, event) => {
                let _taken = self.ha.on_connection(conn, event, ctx)
                    || self.client.on_connection(conn, event, ctx);
            }
            Input::Disk(..)
            | Input::Granted(_)
            | Input::Flow(..)
            | Input::Beat(..)
            | Input::Admin(_) => {}
        }
        self.hear(ctx);
    }
}

/// A world with two NameNodes, each on a host of its own, and what keeps their shared edits.
pub(super) struct Stage {
    pub(super) world: World,
    pub(super) namenodes: [ProcessId; 2],
    /// The filer, or the JournalNodes.
    pub(super) journals: Vec<ProcessId>,
    operator: ProcessId,
    script: Vec<(SimDuration, ProcessId, Order)>,
    heard: Vec<String>,
    codes: BTreeMap<u64, u64>,
}

pub(super) fn config() -> Config {
    Config::stock(HADOOP_3_4).with("dfs.ha.automatic-failover.enabled", "true")
}

pub(super) fn at(secs: u64) -> SimTime {
    SimTime::from_nanos(secs * 1_000_000_000)
}

impl Stage {
    /// Two NameNodes whose shared edits lie on a filer.
    pub(super) fn with_filer(config: &Config) -> Stage {
        let mut stage = Stage::with_hosts(&["filer"]);
        let filer = stage.journals[0];
        stage.world.install(filer, Box::new(Filer::new(RESOURCE)));
        stage.install(config, |_| NfsJournal::new(filer));
        stage
    }

    /// Two NameNodes whose shared edits lie with three JournalNodes.
    pub(super) fn with_quorum(config: &Config) -> Stage {
        let mut stage = Stage::with_hosts(&["jn1", "jn2", "jn3"]);
        let all = stage.journals.clone();
        for node in &all {
            let journal = JournalSetup {
                id: JournalId(0),
                resource: RESOURCE,
                formatted_for: Some(NAMESPACE),
                peers: all.iter().copied().filter(|peer| peer != node).collect(),
            };
            let (config, journals) = (config.clone(), vec![journal]);
            let setup = JournalNodeSetup { config, journals, rules: JournalRules::HONEST };
            stage.world.install(*node, Box::new(JournalNode::new(setup)));
        }
        stage.install(config, |config| {
            let setup = QuorumJournalSetup {
                config: config.clone(),
                journal: JournalId(0),
                resource: RESOURCE,
                namespace: NAMESPACE,
                journal_nodes: all.clone(),
                rules: WriterRules::HONEST,
            };
            QuorumJournal::new(setup, SHARED_JOURNAL_TAGS)
        });
        stage
    }

    /// One NameNode that keeps its edits alone, and in the place of the second a Secondary.
    pub(super) fn with_secondary(config: &Config) -> Stage {
        let mut stage = Stage::with_hosts(&[]);
        let [namenode, secondary] = stage.namenodes;
        let setup = NameNodeSetup {
            config: config.clone(),
            resource: RESOURCE,
            peers: Vec::new(),
            base_inodes: 1_000,
            local_edits_dirs: 2,
            sources: vec![ImageSource { process: secondary, port: SECONDARY_HTTP_PORT }],
        };
        let alone = NameNode::<NfsJournal>::new(setup, None);
        stage.world.install(namenode, Box::new(alone));
        let (config, resource) = (config.clone(), RESOURCE);
        let setup = SecondarySetup { config, resource, namenode };
        stage.world.install(secondary, Box::new(SecondaryNameNode::new(setup)));
        stage
    }

    fn with_hosts(journals: &[&str]) -> Stage {
        let mut world = World::new(7, LinkClasses::default());
        let site = world.add_site("lab");
        let rack = world.add_rack("r1", site);
        let mut reserve = |name: &str| {
            let host = world.add_host(&format!("{name}-host"), rack, HostOptions::default());
            world.reserve(name, host, ProcessOptions::default())
        };
        let journals = journals.iter().map(|name| reserve(name)).collect();
        let namenodes = ["nn1", "nn2"].map(&mut reserve);
        let operator = reserve("operator");
        let (script, heard, codes) = (Vec::new(), Vec::new(), BTreeMap::new());
        Stage { world, namenodes, journals, operator, script, heard, codes }
    }

    fn install<S>(&mut self, config: &Config, shared: impl Fn(&Config) -> S)
    where
        S: SharedJournal + Clone + Send + 'static,
    {
        let [first, second] = self.namenodes;
        for (namenode, peer) in [(first, second), (second, first)] {
            let setup = NameNodeSetup {
                config: config.clone(),
                resource: RESOURCE,
                peers: vec![peer],
                base_inodes: 1_000,
                local_edits_dirs: 1,
                sources: vec![ImageSource { process: peer, port: HTTP_PORT }],
            };
            let blueprint = NameNode::new(setup, Some(shared(config)));
            self.world.install(namenode, Box::new(blueprint));
        }
    }

    /// Adds a line to the script: at `millis`, to NameNode `to`. Gives the line's number.
    pub(super) fn order(&mut self, millis: u64, to: usize, order: Order) -> u64 {
        let span = SimDuration::from_millis(millis);
        self.script.push((span, self.namenodes[to], order));
        self.script.len() as u64 - 1
    }

    /// The script is complete.
    pub(super) fn ready(&mut self) {
        let operator = Operator {
            script: self.script.clone(),
            ha: IpcClient::new(10),
            client: IpcClient::new(20),
            policy: Some(CallPolicy::generic(&Config::stock(HADOOP_3_4)).with_retries(0, 0)),
            asked: BTreeMap::new(),
        };
        self.world.install(self.operator, Box::new(operator));
    }

    /// Runs, and writes down the facts.
    pub(super) fn advance(&mut self, secs: u64) {
        self.world.advance(at(secs));
        let stamped: Vec<_> = self.world.drain_notes().collect();
        for stamped in stamped {
            let who = self.world.process_name(stamped.by).to_string();
            let millis = stamped.at.as_nanos() / 1_000_000;
            let line = match Fact::read(&stamped.note) {
                Some(Fact::RoleClaimed { role, term, .. }) => {
                    format!("{millis} {who} is {} in {}", role.name(), term.0)
                }
                Some(Fact::RoleLost { role, .. }) => {
                    format!("{millis} {who} is no longer {}", role.name())
                }
                Some(Fact::Acknowledged { term, position, .. }) => {
                    format!("{millis} {who} acknowledged {} in {}", position.0, term.0)
                }
                Some(Fact::Applied { position, .. }) => {
                    format!("{millis} {who} applied {}", position.0)
                }
                Some(Fact::CopyShipped { position, .. }) => {
                    format!("{millis} {who} shipped an image of {}", position.0)
                }
                Some(Fact::CopyPromoted { position, .. }) => {
                    format!("{millis} {who} serves from an image of {}", position.0)
                }
                Some(Fact::Noted { name: ANSWERED, fields: [line, code, ..] }) => {
                    self.codes.insert(line, code);
                    format!("{millis} operator hears {code} to {line}")
                }
                Some(_) | None => continue,
            };
            self.heard.push(line);
        }
    }

    /// What the operator heard to a line; none yet.
    pub(super) fn answer(&self, line: u64) -> Option<u64> {
        self.codes.get(&line).copied()
    }

    /// Moments in milliseconds at which a line of the record contains `text`.
    pub(super) fn moments(&self, text: &str) -> Vec<u64> {
        let lines = self.heard.iter().filter(|line| line.contains(text));
        lines.map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect()
    }

    /// The record, for a failing test.
    pub(super) fn record(&self) -> String {
        self.heard.join("\n")
    }

    /// Whether a claim of the role is heard.
    pub(super) fn claims(&self, role: Role) -> usize {
        self.moments(&format!("is {} in", role.name())).len()
    }
}
