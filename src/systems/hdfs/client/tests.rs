//! Tests: the client through the engine, against NameNodes that only answer.
//!
//! Here: the client's side of the measured timelines (hdfs-ha.md 13.1, 13.2, S24, S25), the audit.
//! Never here: a real NameNode, a failover controller.
//! Modelled on: hdfs-ha.md 5.2, 13; the calibration's workload.

use std::collections::BTreeMap;

use super::super::api::client_namenode::{FilePath, LISTING_LIMIT};
use super::super::api::namenode_protocol::CLIENT_PORT;
use super::*;
use crate::clients::hadoop_ipc::{IpcServer, RemoteException};
use crate::engine::id::{HostId, ProcessId};
use crate::engine::net::LinkClasses;
use crate::engine::process::Port;
use crate::engine::time::SimTime;
use crate::engine::world::{HostOptions, ProcessOptions, World};
use crate::history::{ContentHash, ServiceName};

const WRITE: ServiceName = ServiceName(1);
const READ: ServiceName = ServiceName(2);
const FAULT_S: u64 = 30;

/// Active from some moment on; keeps what it is told but for the names it forgets.
#[derive(Clone)]
struct NameNode {
    active_from: Option<SimDuration>,
    forgets: Vec<u64>,
    namespace: BTreeMap<FilePath, FileStatus>,
    ipc: Option<IpcServer<ClientNamenode>>,
}

impl NameNode {
    fn answer(&mut self, request: ClientRequest) -> ClientResponse {
        let status = |directory, content: ContentHash| FileStatus { directory, content };
        let (path, status) = match request {
            ClientRequest::Mkdirs { path, content } => (path, status(true, content)),
            ClientRequest::Create { path, content } => (path, status(false, content)),
            ClientRequest::GetFileInfo { path } => {
                return ClientResponse::FileInfo(self.namespace.get(&path).copied());
            }
            ClientRequest::GetListing { directory, after } => {
                let first = FilePath { directory, name: after.map_or(0, |name| name + 1) };
                let last = FilePath { directory, name: u64::MAX };
                let mut entries: Vec<(u64, FileStatus)> =
                    self.namespace.range(first..=last).map(|(p, s)| (p.name, *s)).collect();
                let more = entries.len() > LISTING_LIMIT;
                entries.truncate(LISTING_LIMIT);
                return ClientResponse::Listing { entries, more };
            }
            ClientRequest::Delete { .. } | ClientRequest::Rename { .. } => {
                unreachable!("no load asks for it")
            }
        };
        if !self.forgets.contains(&path.name) {
            self.namespace.insert(path, status);
        }
        ClientResponse::Done(true)
    }
}

impl Process for NameNode {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => {
                let pool = ctx.pool("handlers", 10);
                self.ipc = Some(IpcServer::listen(Port(CLIENT_PORT), pool, 0, ctx));
            }
            Input::Connection(conn, event) => {
                self.ipc.as_mut().expect("started").on_connection(conn, event, ctx);
            }
            Input::Granted(tag) => {
                let mut ipc = self.ipc.take().expect("started");
                if let Some(incoming) = ipc.on_granted(tag, ctx) {
                    let now = SimDuration::from_nanos(ctx.now().wall.as_nanos());
                    let result = if self.active_from.is_some_and(|from| from <= now) {
                        Ok(self.answer(incoming.request))
                    } else {
                        Err(RemoteException::Standby)
                    };
                    ipc.reply(incoming.reply_to, result, ctx);
                    ipc.free_handler(ctx);
                }
                self.ipc = Some(ipc);
            }
            Input::Timer(_)
            | Input::Disk(..)
            | Input::Flow(..)
            | Input::Beat(..)
            | Input::Admin(_) => {}
        }
    }
}

/// The calibration's workload: four writers on one connection, new clients, one a second.
fn writers(threads: u32) -> ClientLoad {
    let arrival = Arrival::Closed { pace: SimDuration::from_millis(50) };
    let mix = vec![(Operation::Mkdirs, 1)];
    ClientLoad { service: WRITE, writes: true, mix, arrival, threads, fresh: false }
}

fn fresh() -> ClientLoad {
    let arrival = Arrival::Open { mean_gap: SimDuration::from_secs(1) };
    ClientLoad { arrival, fresh: true, ..writers(1) }
}

/// An operation: seconds from the fault, as milliseconds from the start.
#[derive(Clone, Copy, Debug)]
struct Op {
    service: ServiceName,
    began_ms: u64,
    ended_ms: Option<u64>,
    outcome: Option<Outcome>,
}

struct Stage {
    world: World,
    nn1: ProcessId,
    nn1_host: HostId,
    client: ProcessId,
    ops: BTreeMap<OpId, Op>,
    audited: Vec<(OpId, bool)>,
    audit_ended: Option<[u64; 4]>,
}

impl Stage {
    /// Two NameNodes: nn1 active at once, nn2 so many milliseconds after the fault, if ever.
    fn new(config: &Config, nn2_active_ms: Option<u64>, loads: &[ClientLoad], seed: u64) -> Stage {
        let mut world = World::new(seed, LinkClasses::default());
        let site = world.add_site("site");
        let rack = world.add_rack("rack", site);
        let hosts =
            ["nn1", "nn2", "client"].map(|n| world.add_host(n, rack, HostOptions::default()));
        let start = Some(SimDuration::ZERO);
        let later = nn2_active_ms.map(|ms| SimDuration::from_millis(FAULT_S * 1_000 + ms));
        let [nn1, nn2] = [("nn1", hosts[0], start), ("nn2", hosts[1], later)].map(
            |(name, host, active_from)| {
                let (forgets, namespace) = (Vec::new(), BTreeMap::new());
                let namenode = NameNode { active_from, forgets, namespace, ipc: None };
                world.add_process(name, host, ProcessOptions::default(), Box::new(namenode))
            },
        );
        let addresses =
            [nn1, nn2].map(|process| ServerAddress { process, port: CLIENT_PORT }).to_vec();
        let options = ClientOptions::new(config, addresses);
        let clients = loads.iter().zip(["client1", "client2"]).map(|(load, name)| {
            let client = HdfsClient::new(options.clone(), load.clone());
            world.add_process(name, hosts[2], ProcessOptions::default(), Box::new(client))
        });
        let client = clients.collect::<Vec<_>>()[0];
        Stage {
            world,
            nn1,
            nn1_host: hosts[0],
            client,
            ops: BTreeMap::new(),
            audited: Vec::new(),
            audit_ended: None,
        }
    }

    /// Until so many seconds after the fault.
    fn advance(&mut self, after_fault_s: u64) {
        self.world.advance(SimTime::START + SimDuration::from_secs(FAULT_S + after_fault_s));
        for stamped in self.world.drain_notes() {
            let at_ms = stamped.at.since_start().as_millis();
            match Fact::read(&stamped.note) {
                Some(Fact::Invoked { service, op, .. }) => {
                    let began = Op { service, began_ms: at_ms, ended_ms: None, outcome: None };
                    assert!(self.ops.insert(op, began).is_none());
                }
                Some(Fact::Ended { op, outcome, .. }) => {
                    let known = self.ops.get_mut(&op).expect("invoked");
                    assert!(known.ended_ms.is_none());
                    (known.ended_ms, known.outcome) = (Some(at_ms), Some(outcome));
                }
                Some(Fact::Audited { op, present, .. }) => self.audited.push((op, present)),
                Some(Fact::Noted { name, fields }) => {
                    assert_eq!(name, AUDIT_ENDED);
                    self.audit_ended = Some(fields);
                }
                other => panic!("a client notes no {other:?}"),
            }
        }
    }

    /// Milliseconds from the fault to the end of each operation that the fault caught, in order.
    fn caught(&self) -> Vec<u64> {
        let fault_ms = FAULT_S * 1_000;
        let caught = self.ops.values().filter(|op| {
            op.began_ms <= fault_ms + 100 && op.ended_ms.is_some_and(|end| fault_ms + 200 < end)
        });
        let mut ends: Vec<u64> =
            caught.map(|op| op.ended_ms.expect("filtered") - fault_ms).collect();
        ends.sort_unstable();
        ends
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.ops.values().filter(|op| op.outcome == Some(outcome)).count()
    }
}

fn stock(profile: crate::engine::config::Profile) -> Config {
    Config::stock(profile)
}

/// As in the measured runs the writers have found nn1 before the fault.
fn nn1_first(config: Config) -> Config {
    config.with("dfs.client.failover.random.order", "false")
}

/// hdfs-ha.md 13.2, last line, with the RPC time-out of 30 s: "acks at 52.8, 71.9, 93.1, 112.3:
/// 30 s RPC timeout, StandbyException, sleep about 1 s, connect to the dead NN one thread after
/// another, 20 s each, then served by the new active".
#[test]
fn four_writers_return_from_a_dead_host_one_by_one() {
    let config = nn1_first(stock(keys::HADOOP_3_4)).with("ipc.client.rpc-timeout.ms", "30000");
    for seed in 0..4 {
        let mut stage = Stage::new(&config, Some(46_460), &[writers(4)], seed);
        stage.advance(0);
        assert!(stage.world.power_off(stage.nn1_host));
        stage.advance(150);
        let ends = stage.caught();
        assert_eq!(ends.len(), 4, "{ends:?}");
        for (k, end) in (1..).zip(&ends) {
            // The first sleep, of 0.5 to 1.5 s, is the shortest of four; the second is 1 to 3 s.
            let low = 30_000 + 500 + k * 20_000 + 1_000;
            let high = 30_100 + 1_500 + k * 20_000 + 3_000;
            assert!((low..=high).contains(end), "seed {seed}: {end} of {ends:?}");
        }
        assert_eq!(stage.count(Outcome::Failed) + stage.count(Outcome::Unknown), 0);
    }
}

/// hdfs-ha.md S24 and 13.2: 120.27 s for the calls in flight, while new clients are served as soon
/// as the other is active (calibration: 120.14 to 120.20 s, and 49.1 to 51.6 s).
#[test]
fn after_a_power_loss_old_connections_wait_for_120_s_and_new_clients_do_not() {
    let config = nn1_first(stock(keys::HADOOP_3_4));
    for seed in 0..3 {
        let mut stage = Stage::new(&config, Some(50_000), &[writers(4), fresh()], seed);
        stage.advance(0);
        assert!(stage.world.power_off(stage.nn1_host));
        stage.advance(180);
        let ends = stage.caught();
        let writers = ends.iter().filter(|end| 100_000 < **end).count();
        assert_eq!(writers, 4, "{ends:?}");
        assert!(ends.iter().all(|end| *end < 120_200), "{ends:?}");
        // A new client that begins after the promotion: one connect of 20 s to the dead host.
        let fresh = stage.ops.values().filter(|op| {
            (FAULT_S * 1_000 + 51_000..FAULT_S * 1_000 + 100_000).contains(&op.began_ms)
        });
        for op in fresh {
            let took = op.ended_ms.expect("served") - op.began_ms;
            assert!((20_000..20_100).contains(&took), "{took}");
        }
    }
}

/// S24: "3.3.6 has no RPC timeout, it pings every 60 s until TCP gives up".
#[test]
fn without_an_rpc_timeout_old_connections_wait_for_tcp() {
    let mut stage = Stage::new(&stock(keys::HADOOP_3_3), Some(50_000), &[writers(4)], 3);
    stage.advance(0);
    assert!(stage.world.power_off(stage.nn1_host));
    stage.advance(1_000);
    let ends = stage.caught();
    assert_eq!(ends.len(), 4, "{ends:?}");
    assert!(ends.iter().all(|end| (924_600..924_800).contains(end)), "{ends:?}");
}

/// 5.2: "attempt at the standby (0 s), StandbyException, sleep 0.5 to 1.5 s, refused at the dead
/// NN, sleep 1 to 3 s, standby again". Threads that share a proxy also take the turns of one
/// another.
#[test]
fn a_killed_process_costs_the_back_off() {
    for provider in ["ConfiguredFailoverProxyProvider", "RequestHedgingProxyProvider"] {
        let config =
            nn1_first(stock(keys::HADOOP_3_4)).with("dfs.client.failover.proxy.provider", provider);
        for (threads, high) in [(1, 4_500), (4, 10_600)] {
            for seed in 0..4 {
                let mut stage = Stage::new(&config, Some(1_400), &[writers(threads)], seed);
                stage.advance(0);
                assert!(stage.world.kill(stage.nn1));
                stage.advance(12);
                let ends = stage.caught();
                assert_eq!(ends.len(), threads as usize, "{provider}: {ends:?}");
                let within = |end: &u64| (1_400..=high + 150).contains(end);
                assert!(ends.iter().all(within), "{provider}, seed {seed}: {ends:?}");
                assert_eq!(stage.count(Outcome::Served), stage.ops.len() - under_way(&stage));
            }
        }
    }
}

fn under_way(stage: &Stage) -> usize {
    stage.ops.values().filter(|op| op.outcome.is_none()).count()
}

/// 5.2: 15 failovers, 82 to 247 s of sleep; without an answer the fate of a write is unknown.
#[test]
fn a_call_gives_up_after_fifteen_failovers() {
    let config = nn1_first(stock(keys::HADOOP_3_4));
    let mut stage = Stage::new(&config, None, &[writers(4), fresh()], 5);
    stage.advance(0);
    assert!(stage.world.kill(stage.nn1));
    stage.advance(400);
    let ends = stage.caught();
    assert!(ends.iter().all(|end| (82_000..248_000).contains(end)), "{ends:?}");
    assert!(0 < stage.count(Outcome::Failed), "those that were refused");
    let began_after = |op: &&Op| FAULT_S * 1_000 + 100 < op.began_ms;
    let served = |op: &Op| op.outcome == Some(Outcome::Served);
    assert_eq!(stage.ops.values().filter(began_after).filter(|op| served(op)).count(), 0);
}

/// Every acknowledged write is read back, page by page, and only what is absent is called absent.
#[test]
fn the_audit_finds_what_the_service_forgot() {
    let config = nn1_first(stock(keys::HADOOP_3_4));
    let mut stage = Stage::new(&config, None, &[writers(4)], 5);
    let forgets = vec![3, 700, 1_999];
    let (active_from, namespace) = (Some(SimDuration::ZERO), BTreeMap::new());
    let leaky = NameNode { active_from, forgets: forgets.clone(), namespace, ipc: None };
    stage.world.install(stage.nn1, Box::new(leaky));
    stage.advance(0);
    assert!(stage.world.command::<ClientAdmin>(stage.client, ClientCommand::StopLoad));
    stage.advance(1);
    assert!(stage.world.command::<ClientAdmin>(stage.client, ClientCommand::Audit));
    stage.advance(3);
    let acknowledged = stage.count(Outcome::Served);
    assert!(2_300 < acknowledged, "four writers, 20 a second, 30 s: {acknowledged}");
    assert_eq!(stage.audited.len(), acknowledged);
    let absent: Vec<u64> = stage
        .audited
        .iter()
        .filter(|(_, present)| !present)
        .map(|(op, _)| path_of(*op).name)
        .collect();
    assert_eq!(absent, forgets);
    let [audited, missing, unread, _] = stage.audit_ended.expect("ended");
    assert_eq!((audited, missing, unread), (acknowledged as u64, 3, 0));
}

/// Without a NameNode that answers, the audit ends without a word on any write.
#[test]
fn an_audit_that_cannot_run_says_so() {
    let config = nn1_first(stock(keys::HADOOP_3_4));
    let mut stage = Stage::new(&config, None, &[writers(4)], 5);
    stage.advance(0);
    assert!(stage.world.command::<ClientAdmin>(stage.client, ClientCommand::StopLoad));
    stage.advance(1);
    assert!(stage.world.kill(stage.nn1));
    assert!(stage.world.command::<ClientAdmin>(stage.client, ClientCommand::Audit));
    stage.advance(400);
    let acknowledged = stage.count(Outcome::Served) as u64;
    assert_eq!(stage.audit_ended, Some([0, 0, acknowledged, 0]));
    assert!(stage.audited.is_empty());
}

/// Probes: Poisson arrivals at the asked rate, whatever the cluster does; reads find what was
/// written.
#[test]
fn arrivals_of_an_open_loop_are_weather() {
    let arrival = Arrival::Open { mean_gap: SimDuration::from_millis(100) };
    let probe = ClientLoad { arrival, ..writers(1) };
    let mix = vec![(Operation::GetFileInfo, 1)];
    let reads = ClientLoad { service: READ, writes: false, mix, ..probe.clone() };
    let loads = [probe, reads];
    let run = |kill: bool| {
        let mut stage = Stage::new(&nn1_first(stock(keys::HADOOP_3_4)), Some(20_000), &loads, 11);
        stage.advance(0);
        if kill {
            stage.world.kill(stage.nn1);
        }
        stage.advance(70);
        stage
    };
    let (calm, killed) = (run(false), run(true));
    let began = |stage: &Stage, service| -> Vec<u64> {
        stage.ops.values().filter(|op| op.service == service).map(|op| op.began_ms).collect()
    };
    for service in [WRITE, READ] {
        assert_eq!(began(&calm, service), began(&killed, service));
        // 1,000 in 100 s, give or take four standard deviations.
        assert!((874..1_126).contains(&began(&calm, service).len()));
    }
    assert_eq!(calm.count(Outcome::Served), calm.ops.len(), "reads find what was written");
    assert!(killed.count(Outcome::Served) < killed.ops.len(), "the other NameNode knows nothing");
}
