//! Stage: a nameservice of two for the tests of controllers: stub NameNodes, a stub ensemble.
//!
//! Here: what a controller's surroundings do, as little as it needs; a clock and a transcript.
//! Never here: real NameNodes and ZooKeeper servers (the scenarios have them).
//! Modelled on: the test bed of the calibration.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Zkfc;
use super::node_info::{ActiveNodeInfo, HaTarget};
use super::record::NOTES;
use super::settings::{Place, Settings};
use crate::clients::hadoop_ipc::{Incoming, IpcServer, ServerAddress};
use crate::clients::hadoop_ipc_keys::HADOOP_3_4;
use crate::clients::zookeeper::wire::{
    WatchKind, ZkAnswer, ZkClient, ZkError, ZkMessage, ZkRequest, ZkResult, ZnodeData, ZnodeStat,
};
use crate::engine::config::Config;
use crate::engine::core::Life;
use crate::engine::ctx::Ctx;
use crate::engine::id::{HostId, ProcessId};
use crate::engine::net::LinkClasses;
use crate::engine::process::{Conn, ConnEvent, Input, Port, Process, Tag, Timer};
use crate::engine::time::{SimDuration, SimTime};
use crate::engine::world::{HostOptions, ProcessOptions, World};
use crate::history::{Fact, ResourceName};
use crate::systems::hdfs::api::ha_service::{
    HEALTH_CHECK_FAILED, HaRequest, HaResponse, HaService, HaStatus, SERVICE_FAILED, ServiceState,
};
use crate::systems::hdfs::api::nn_http::{NnHttp, NnHttpMessage};
use crate::systems::hdfs::haadmin::{self, HaAdmin, HaAdminSettings};
use crate::systems::hdfs::sshd::Sshd;

/// One process at three addresses: what counts is how long the client tries each.
const ZK_PORTS: [Port; 3] = [Port(2_181), Port(2_182), Port(2_183)];
const HA_PORT: Port = Port(8_021);
const HTTP_PORT: Port = Port(9_870);
const SSH_PORT: Port = Port(22);

/// One server that never fails: a lock node, a breadcrumb, sessions.
#[derive(Clone, Default)]
struct Ensemble {
    /// Whether `/hadoop-ha/ns1` was made.
    formatted: bool,
    sessions: BTreeMap<u64, Session>,
    lock: Option<(u64, ZnodeData)>,
    breadcrumb: Option<(u32, ZnodeData)>,
    watchers: Vec<Conn>,
}

#[derive(Clone)]
struct Session {
    conn: Conn,
    timeout: SimDuration,
    expiry: Timer,
}

impl Ensemble {
    fn heard(&mut self, conn: Conn, ctx: &mut Ctx<'_>) {
        for (id, session) in &mut self.sessions {
            if session.conn == conn {
                ctx.cancel(session.expiry);
                session.expiry = ctx.arm(session.timeout, Tag::with(0, *id));
            }
        }
    }

    fn end_session(&mut self, id: u64, ctx: &mut Ctx<'_>) {
        if let Some(session) = self.sessions.remove(&id) {
            ctx.cancel(session.expiry);
        }
        if self.lock.is_some_and(|(owner, _)| owner == id) {
            self.lock = None;
            for conn in std::mem::take(&mut self.watchers) {
                let (path, kind) = (LOCK.into(), WatchKind::Deleted);
                ctx.send::<ZkClient>(conn, ZkMessage::Watch { path, kind });
            }
        }
    }

    fn execute(&mut self, session: u64, conn: Conn, request: &ZkRequest) -> ZkResult {
        let stat = |owner: u64, version: u32| ZnodeStat {
            ephemeral_owner: owner,
            version,
            ..ZnodeStat::default()
        };
        match request {
            ZkRequest::Create { path, data, .. } if path.ends_with("Lock") => {
                if self.lock.is_some() {
                    return Err(ZkError::NodeExists);
                }
                self.lock = Some((session, *data));
                Ok(ZkAnswer::Created(path.clone()))
            }
            ZkRequest::Create { path, .. } if !path.ends_with("Crumb") => {
                self.formatted |= path.ends_with("ns1");
                Ok(ZkAnswer::Created(path.clone()))
            }
            ZkRequest::Create { path, data, .. } => {
                self.breadcrumb = Some((0, *data));
                Ok(ZkAnswer::Created(path.clone()))
            }
            ZkRequest::Exists { path, watch } if path.ends_with("Lock") => {
                if *watch && !self.watchers.contains(&conn) {
                    self.watchers.push(conn);
                }
                let (owner, _) = self.lock.ok_or(ZkError::NoNode)?;
                Ok(ZkAnswer::Stat(stat(owner, 0)))
            }
            ZkRequest::Exists { .. } if self.formatted => Ok(ZkAnswer::Stat(stat(0, 0))),
            ZkRequest::Exists { .. } => Err(ZkError::NoNode),
            ZkRequest::GetData { path, .. } if path.ends_with("Lock") => {
                let (owner, data) = self.lock.ok_or(ZkError::NoNode)?;
                Ok(ZkAnswer::Data(data, stat(owner, 0)))
            }
            ZkRequest::GetData { .. } => {
                let (version, data) = self.breadcrumb.ok_or(ZkError::NoNode)?;
                Ok(ZkAnswer::Data(data, stat(0, version)))
            }
            ZkRequest::SetData { data, version, .. } => {
                let (known, _) = self.breadcrumb.ok_or(ZkError::NoNode)?;
                if *version != Some(known) {
                    return Err(ZkError::BadVersion);
                }
                self.breadcrumb = Some((known + 1, *data));
                Ok(ZkAnswer::Stat(stat(0, known + 1)))
            }
            ZkRequest::Delete { .. } => {
                self.breadcrumb = None;
                Ok(ZkAnswer::Done)
            }
            ZkRequest::SetWatches { .. } => {
                self.watchers.push(conn);
                Ok(ZkAnswer::Done)
            }
            ZkRequest::Check { .. }
            | ZkRequest::Multi(_)
            | ZkRequest::GetChildren { .. }
            | ZkRequest::Sync
            | ZkRequest::CloseSession => Ok(ZkAnswer::Done),
        }
    }

    fn on_message(&mut self, conn: Conn, message: ZkMessage, ctx: &mut Ctx<'_>) {
        self.heard(conn, ctx);
        let answer = match message {
            ZkMessage::Connect { session: 0, timeout, .. } => {
                let id = ctx.now().monotonic.as_nanos();
                let expiry = ctx.arm(timeout, Tag::with(0, id));
                self.sessions.insert(id, Session { conn, timeout, expiry });
                ZkMessage::Connected { timeout, session: id }
            }
            ZkMessage::Connect { session: id, timeout, .. } => match self.sessions.get_mut(&id) {
                Some(session) => {
                    session.conn = conn;
                    ZkMessage::Connected { timeout, session: id }
                }
                None => ZkMessage::Connected { timeout: SimDuration::ZERO, session: 0 },
            },
            ZkMessage::Ping => ZkMessage::Pong,
            ZkMessage::Request { xid, request } => {
                let owner = self.sessions.iter().find(|(_, session)| session.conn == conn);
                let Some(id) = owner.map(|(id, _)| *id) else { return };
                let result = self.execute(id, conn, &request);
                if request == ZkRequest::CloseSession {
                    self.end_session(id, ctx);
                }
                ZkMessage::Reply { xid, zxid: 1, result }
            }
            ZkMessage::Connected { .. }
            | ZkMessage::Pong
            | ZkMessage::Reply { .. }
            | ZkMessage::Watch { .. } => panic!("a client does not say this"),
        };
        ctx.send::<ZkClient>(conn, answer);
    }
}

impl Process for Ensemble {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => ZK_PORTS.iter().for_each(|port| ctx.listen::<ZkClient>(*port)),
            Input::Connection(conn, ConnEvent::Message(slot)) => {
                let message = ctx.take::<ZkClient>(slot);
                self.on_message(conn, message, ctx);
            }
            Input::Connection(conn, _) => self.watchers.retain(|watcher| *watcher != conn),
            Input::Timer(tag) => self.end_session(tag.arg, ctx),
            Input::Disk(..)
            | Input::Granted(_)
            | Input::Flow(..)
            | Input::Beat(..)
            | Input::Admin(_) => {}
        }
    }
}

/// What a stub NameNode does when asked to take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Promotion {
    /// Does so, after that long.
    Takes(SimDuration),
    /// Refuses.
    Refuses,
    /// Dies after that long.
    Dies(SimDuration),
}

#[derive(Clone)]
struct NameNode {
    server: Option<IpcServer<HaService>>,
    state: ServiceState,
    promotion: Promotion,
    /// Says that it is unhealthy from this second of its host on.
    ill_from: Option<u64>,
    promoting: Option<Incoming<HaService>>,
}

const GRANTED: u32 = 1;
const PROMOTED: u32 = 2;

impl NameNode {
    fn answer(&mut self, call: Incoming<HaService>, ctx: &mut Ctx<'_>) {
        let server = self.server.as_ref().expect("started");
        let now_s = ctx.now().wall.as_nanos() / 1_000_000_000;
        let result = match call.request {
            HaRequest::GetServiceStatus => {
                Ok(HaResponse::Status(HaStatus { state: self.state, not_ready: None }))
            }
            HaRequest::MonitorHealth if self.ill_from.is_some_and(|from| from <= now_s) => {
                Err(HEALTH_CHECK_FAILED)
            }
            HaRequest::MonitorHealth => Ok(HaResponse::Done),
            HaRequest::TransitionToStandby { .. } => {
                self.state = ServiceState::Standby;
                Ok(HaResponse::Done)
            }
            HaRequest::TransitionToActive { .. } if self.state == ServiceState::Active => {
                Ok(HaResponse::Done)
            }
            HaRequest::TransitionToActive { .. } => match self.promotion {
                Promotion::Refuses => Err(SERVICE_FAILED),
                Promotion::Takes(span) | Promotion::Dies(span) => {
                    if self.promoting.is_none() {
                        ctx.arm(span, Tag::new(PROMOTED));
                    }
                    self.promoting = Some(call);
                    server.free_handler(ctx);
                    return;
                }
            },
        };
        server.reply(call.reply_to, result, ctx);
        server.free_handler(ctx);
    }
}

impl Process for NameNode {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => {
                let handlers = ctx.pool("handlers", 10);
                self.server = Some(IpcServer::listen(HA_PORT, handlers, GRANTED, ctx));
                ctx.listen::<NnHttp>(HTTP_PORT);
            }
            Input::Connection(conn, event) => {
                let server = self.server.as_mut().expect("started");
                if !server.on_connection(conn, event, ctx)
                    && let ConnEvent::Message(slot) = event
                {
                    ctx.take::<NnHttp>(slot);
                    ctx.send::<NnHttp>(conn, NnHttpMessage::Stacks);
                }
            }
            Input::Granted(tag) => {
                let server = self.server.as_mut().expect("started");
                if let Some(call) = server.on_granted(tag, ctx) {
                    self.answer(call, ctx);
                }
            }
            Input::Timer(_) => {
                if let Promotion::Dies(_) = self.promotion {
                    return ctx.exit("cannot take over");
                }
                self.state = ServiceState::Active;
                let (server, call) = (self.server.as_ref(), self.promoting.take());
                if let (Some(server), Some(call)) = (server, call) {
                    server.reply(call.reply_to, Ok(HaResponse::Done), ctx);
                }
            }
            Input::Disk(..) | Input::Flow(..) | Input::Beat(..) | Input::Admin(_) => {}
        }
    }
}

const LOCK: &str = "/hadoop-ha/ns1/ActiveStandbyElectorLock";

/// How a stage is set.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) keys: Vec<(&'static str, &'static str)>,
    pub(super) formatted: bool,
    /// Whether the controllers format it.
    pub(super) format: bool,
    pub(super) ensemble: bool,
    /// Of the second NameNode.
    pub(super) promotion: Promotion,
    /// Of the first.
    pub(super) ill_from: Option<u64>,
}

impl Default for Setting {
    fn default() -> Setting {
        Setting {
            keys: vec![("dfs.ha.fencing.methods", "shell(/bin/true)")],
            formatted: true,
            format: false,
            ensemble: true,
            promotion: Promotion::Takes(SimDuration::from_millis(500)),
            ill_from: None,
        }
    }
}

/// A line of the transcript: milliseconds since the fault, who, what.
pub(super) type Line = (u64, ProcessId, &'static str, [u64; 4]);

pub(super) struct Stage {
    pub(super) world: World,
    pub(super) nn: [ProcessId; 2],
    pub(super) zkfc: [ProcessId; 2],
    pub(super) zk: ProcessId,
    pub(super) haadmin: ProcessId,
    lines: Vec<Line>,
    exits: Vec<(u64, ProcessId, &'static str)>,
    fault: u64,
}

impl Stage {
    pub(super) fn new(setting: &Setting) -> Stage {
        let mut world = World::new(7, LinkClasses::default());
        let site = world.add_site("site");
        let rack = world.add_rack("rack", site);
        let mut host = |name: &str| world.add_host(name, rack, HostOptions::default());
        let hosts: [HostId; 3] = ["h1", "h2", "hzk"].map(&mut host);
        let plain = ProcessOptions::default();
        let agent = ProcessOptions { agent: true, ..plain };
        let after = |ms| ProcessOptions { start_after: SimDuration::from_millis(ms), ..plain };
        let silent = ProcessOptions { manual_start: !setting.ensemble, ..plain };
        let zk = world.reserve("zk", hosts[2], silent);
        let nn = [0, 1].map(|n| world.reserve(&format!("nn{n}"), hosts[n], plain));
        let sshd = [0, 1].map(|n| world.reserve(&format!("sshd{n}"), hosts[n], agent));
        // The first controller wins; their rounds have different phases.
        let zkfc =
            [0, 1].map(|n| world.reserve(&format!("zkfc{n}"), hosts[n], after([1_000, 5_300][n])));
        let haadmin = world.reserve("haadmin", hosts[2], plain);

        let mut config =
            Config::stock(HADOOP_3_4).with("dfs.ha.automatic-failover.enabled", "true");
        for (key, value) in &setting.keys {
            config = config.with(key, value);
        }
        let nodes = [0, 1].map(|n| {
            let (namenode, host) = (["nn1", "nn2"][n], ["h1", "h2"][n]);
            let (port, zkfc_port) = (HA_PORT.0, 8_019);
            let info = ActiveNodeInfo { nameservice: "ns1", namenode, host, port, zkfc_port };
            HaTarget {
                info: info.data(),
                namenode: ServerAddress { process: nn[n], port },
                http: (nn[n], HTTP_PORT),
                zkfc: Some(ServerAddress { process: zkfc[n], port: zkfc_port }),
                sshd: sshd[n],
            }
        });
        let ensemble = Ensemble { formatted: setting.formatted, ..Ensemble::default() };
        world.install(zk, Box::new(ensemble));
        for n in [0, 1] {
            world.install(
                nn[n],
                Box::new(NameNode {
                    server: None,
                    state: ServiceState::Standby,
                    promotion: [Promotion::Takes(SimDuration::ZERO), setting.promotion][n],
                    ill_from: setting.ill_from.filter(|_| n == 0),
                    promoting: None,
                }),
            );
            world.install(sshd[n], Box::new(Sshd::new(&config, SSH_PORT)));
            let place = Place {
                nameservice: "ns1",
                resource: ResourceName(0),
                nodes: &nodes,
                me: n,
                zookeeper: &ZK_PORTS.map(|port| (zk, port)),
                format: setting.format,
            };
            let settings = Arc::new(Settings::from_config(&config, &place).expect("settings"));
            world.install(zkfc[n], Box::new(Zkfc::new(settings)));
        }
        let tool = HaAdmin::new(Arc::new(
            HaAdminSettings::from_config(&config, &nodes).expect("settings"),
        ));
        world.install(haadmin, Box::new(tool));
        let (lines, exits) = (Vec::new(), Vec::new());
        Stage { world, nn, zkfc, zk, haadmin, lines, exits, fault: 0 }
    }

    /// Runs on to that many milliseconds after the last fault.
    pub(super) fn until(&mut self, ms: u64) -> &mut Stage {
        let until = SimTime::START + SimDuration::from_millis(self.fault + ms);
        self.world.advance(until);
        let fault = self.fault;
        let since = |at: SimTime| at.since_start().as_millis().saturating_sub(fault);
        for turn in self.world.take_turns() {
            if let Life::Exited(why) = turn.life {
                self.exits.push((since(turn.at), turn.process, why));
            }
        }
        for stamped in self.world.drain_notes() {
            if let Some(Fact::Noted { name, fields }) = Fact::read(&stamped.note) {
                let mut names = NOTES.iter().chain(haadmin::NOTES);
                let spec = names.find(|spec| spec.note() == name).expect("a listed note");
                self.lines.push((since(stamped.at), stamped.by, spec.name, fields));
            }
        }
        self
    }

    /// From now on times count from here, and the transcript begins anew.
    pub(super) fn fault(&mut self) -> &mut Stage {
        self.fault = self.world.now().since_start().as_millis();
        self.lines.clear();
        self
    }

    pub(super) fn host(&self, process: ProcessId) -> HostId {
        self.world.host_of(process)
    }

    /// When a controller noted it, in ms since the fault.
    pub(super) fn times(&self, by: ProcessId, name: &str) -> Vec<u64> {
        self.lines.iter().filter(|line| line.1 == by && line.2 == name).map(|l| l.0).collect()
    }

    /// When a controller noted it, once.
    pub(super) fn once(&self, by: ProcessId, name: &str) -> u64 {
        let times = self.times(by, name);
        assert_eq!(times.len(), 1, "{name} by {by:?} in {:#?}", self.lines);
        times[0]
    }

    /// A field of each note of that name.
    pub(super) fn fields(&self, by: ProcessId, name: &str, field: usize) -> Vec<u64> {
        let lines = self.lines.iter().filter(|line| line.1 == by && line.2 == name);
        lines.map(|line| line.3[field]).collect()
    }

    /// How a process ended.
    pub(super) fn exit(&self, process: ProcessId) -> Option<(u64, &'static str)> {
        self.exits.iter().find(|exit| exit.1 == process).map(|exit| (exit.0, exit.2))
    }
}
