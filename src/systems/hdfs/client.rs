//! Client: a process that uses the nameservice, measures it and audits what it was promised.
//!
//! Here: threads and probes, their operations as facts, the audit.
//! Never here: time-outs and retries (`clients`); whether a result is good (`measure`).
//! Modelled on: Hadoop `hdfs/DFSClient.java`, `NameNodeProxiesClient.java`; the calibration's
//! workload. Fidelity notes in docs/MODELS.md, "hdfs client".

use std::collections::BTreeMap;

use super::api::client_admin::{AUDIT_ENDED, ClientAdmin, ClientCommand};
use super::api::client_namenode::{ClientNamenode, ClientRequest, ClientResponse, FileStatus};
use super::client_load::{
    Arrivals, Load, OpSet, Operation, Session, content_of, first_count, op_at, op_id, path_of,
};
use super::keys;
use crate::clients::hadoop_ipc::{CallId, CallPolicy, ServerAddress};
use crate::clients::retry::{
    ConfiguredFailover, FailoverOnNetworkException, Finished, Proxy, ProxyId, ProxyProvider,
    RequestHedging, RetryInvocationHandler,
};
use crate::engine::config::Config;
use crate::engine::ctx::Ctx;
use crate::engine::dice::{Purpose, below};
use crate::engine::distributions::{exponential, uniform};
use crate::engine::process::{Input, Process, Tag};
use crate::engine::time::{Monotonic, SimDuration};
use crate::history::{Fact, OpId, Outcome, ServiceName};

const START_PHASE: Purpose = Purpose::named("hdfs-client/start-phase");
const ARRIVAL: Purpose = Purpose::named("hdfs-client/arrival");
const READ_TARGET: Purpose = Purpose::named("hdfs-client/read-target");
const NAMENODE_ORDER: Purpose = Purpose::named("hdfs-client/namenode-order");

/// A thread's next operation, or the next arrival of an open loop; `arg`: load and thread.
const NEXT: u32 = 0;
/// Timers of the calls.
const CALLS: u32 = 1;

/// Operations under way in an open loop; a client that has more refuses further ones.
const UNDER_WAY_MAX: usize = 65_536;

/// The process's own `FileSystem`.
const SHARED: ProxyId = ProxyId(0);

/// How a client finds the active NameNode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Provider {
    Configured { random_order: bool },
    Hedging,
}

/// How the `FileSystem`s of a process behave.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    namenodes: Vec<ServerAddress>,
    policy: CallPolicy,
    retry: FailoverOnNetworkException,
    provider: Provider,
}

impl ClientOptions {
    /// Reads what `NameNodeProxiesClient` reads. Refused connects are never retried
    /// (`TRY_ONCE_THEN_FAIL`), whatever `dfs.client.failover.connection.retries` says.
    pub fn new(config: &Config, namenodes: Vec<ServerAddress>) -> ClientOptions {
        let count = |key| u32::try_from(config.get(key)).unwrap_or(u32::MAX);
        let on_timeouts = count(keys::DFS_CLIENT_FAILOVER_CONNECTION_RETRIES_ON_TIMEOUTS);
        let class = config.get(keys::DFS_CLIENT_FAILOVER_PROXY_PROVIDER);
        ClientOptions {
            namenodes,
            policy: CallPolicy::generic(config).with_retries(on_timeouts, 0),
            retry: FailoverOnNetworkException {
                max_failovers: count(keys::DFS_CLIENT_FAILOVER_MAX_ATTEMPTS),
                max_retries: count(keys::DFS_CLIENT_RETRY_MAX_ATTEMPTS),
                delay: config.get(keys::DFS_CLIENT_FAILOVER_SLEEP_BASE_MILLIS),
                max_delay: config.get(keys::DFS_CLIENT_FAILOVER_SLEEP_MAX_MILLIS),
            },
            provider: if class.ends_with("RequestHedgingProxyProvider") {
                Provider::Hedging
            } else {
                let random_order = config.get(keys::DFS_CLIENT_FAILOVER_RANDOM_ORDER);
                Provider::Configured { random_order }
            },
        }
    }
}

/// The services that a client measures.
#[derive(Clone, Copy, Debug)]
pub struct ClientServices {
    /// `hdfs-meta-write`.
    pub write: ServiceName,
    /// `hdfs-meta-read`.
    pub read: ServiceName,
}

/// An operation under way.
#[derive(Clone, Copy)]
struct UnderWay {
    op: OpId,
    load: usize,
    thread: u32,
    session: ProxyId,
    began: Monotonic,
    /// The acknowledged write that a read must find.
    reads: Option<OpId>,
}

/// An audit under way: what is still to be read back, page by page.
#[derive(Clone)]
struct Audit {
    open: OpSet,
    present: u64,
    absent: u64,
    page: CallId,
}

/// A client process.
#[derive(Clone)]
pub struct HdfsClient {
    options: ClientOptions,
    services: ClientServices,
    loads: Vec<Load>,
    calls: RetryInvocationHandler<ClientNamenode>,
    under_way: BTreeMap<CallId, UnderWay>,
    /// Number of the next operation.
    count: u64,
    sessions: u32,
    arrivals: Vec<u64>,
    acknowledged: OpSet,
    audit: Option<Audit>,
    stopped: bool,
}

impl HdfsClient {
    /// A client whose loads begin at a random phase after its start.
    pub fn new(options: ClientOptions, services: ClientServices, loads: Vec<Load>) -> HdfsClient {
        HdfsClient {
            options,
            services,
            arrivals: vec![0; loads.len()],
            loads,
            calls: RetryInvocationHandler::new(CALLS),
            under_way: BTreeMap::new(),
            count: 0,
            sessions: 0,
            acknowledged: OpSet::default(),
            audit: None,
            stopped: false,
        }
    }

    fn on_started(&mut self, ctx: &mut Ctx<'_>) {
        // A restarted process numbers on.
        self.count = first_count(ctx.starts());
        self.open(SHARED, ctx);
        for (load, arrivals) in self.loads.iter().map(|load| load.arrivals).enumerate() {
            let (threads, period) = match arrivals {
                Arrivals::Closed { threads, period } => (threads, period),
                Arrivals::Every { period } => (1, period),
                Arrivals::Poisson { mean } => {
                    let word = ctx.dice(ARRIVAL, arrival_number(load, 0)).first();
                    ctx.arm(exponential(mean, word), next_tag(load, 0));
                    continue;
                }
            };
            for thread in 0..threads {
                let tag = next_tag(load, thread);
                let word = ctx.dice(START_PHASE, tag.arg).first();
                ctx.arm(uniform(SimDuration::ZERO, period, word), tag);
            }
        }
    }

    fn open(&mut self, id: ProxyId, ctx: &Ctx<'_>) {
        let options = &self.options;
        let count = options.namenodes.len();
        let provider = match options.provider {
            Provider::Hedging => ProxyProvider::Hedging(RequestHedging::new(count)),
            Provider::Configured { random_order } => {
                let mut order: Vec<usize> = (0..count).collect();
                if random_order {
                    shuffle(&mut order, |step| {
                        ctx.dice(NAMENODE_ORDER, u64::from(id.0) << 8 | step).first()
                    });
                }
                ProxyProvider::Configured(ConfiguredFailover::new(order))
            }
        };
        let proxy = Proxy {
            servers: options.namenodes.clone(),
            user: id.0,
            policy: options.policy,
            retry: options.retry,
            provider,
        };
        self.calls.open(id, proxy);
    }

    fn on_next(&mut self, tag: Tag, ctx: &mut Ctx<'_>) {
        if self.stopped {
            return;
        }
        let (load, thread) = load_and_thread(tag);
        match self.loads[load].arrivals {
            Arrivals::Closed { .. } => {}
            Arrivals::Every { period } => {
                ctx.arm(period, tag);
            }
            Arrivals::Poisson { mean } => {
                self.arrivals[load] += 1;
                let word = ctx.dice(ARRIVAL, arrival_number(load, self.arrivals[load])).first();
                ctx.arm(exponential(mean, word), tag);
            }
        }
        self.begin(load, thread, ctx);
    }

    fn begin(&mut self, load: usize, thread: u32, ctx: &mut Ctx<'_>) {
        let Load { operation, session, .. } = self.loads[load];
        let op = op_id(ctx.me().0, self.count);
        self.count += 1;
        let write = operation.is_write();
        let reads = if write { None } else { self.read_target(op, ctx) };
        let content = content_of(reads.unwrap_or(op));
        let service = self.service(operation);
        ctx.note(Fact::Invoked { service, op, write, bytes: 0, content });
        if self.under_way.len() >= UNDER_WAY_MAX {
            ctx.note(Fact::Ended { service, op, outcome: Outcome::Failed });
            return;
        }
        let session = match session {
            Session::Shared => SHARED,
            Session::Fresh => {
                self.sessions += 1;
                let fresh = ProxyId(self.sessions);
                self.open(fresh, ctx);
                fresh
            }
        };
        let request = operation.request(reads.unwrap_or(op));
        let call = self.calls.invoke(session, request.class(), request, ctx);
        let began = ctx.now().monotonic;
        self.under_way.insert(call, UnderWay { op, load, thread, session, began, reads });
    }

    /// Any of the acknowledged writes.
    fn read_target(&self, op: OpId, ctx: &Ctx<'_>) -> Option<OpId> {
        let count = self.acknowledged.len();
        (count > 0)
            .then(|| below(ctx.dice(READ_TARGET, op.0).first(), count))
            .and_then(|n| self.acknowledged.nth(n))
    }

    const fn service(&self, operation: Operation) -> ServiceName {
        if operation.is_write() { self.services.write } else { self.services.read }
    }

    fn drain(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(finished) = self.calls.finished() {
            if self.audit.as_ref().is_some_and(|audit| audit.page == finished.call) {
                self.on_page(finished.result.ok(), ctx);
            } else {
                self.on_finished(finished, ctx);
            }
        }
    }

    fn on_finished(&mut self, finished: Finished<ClientResponse>, ctx: &mut Ctx<'_>) {
        let ended = self.under_way.remove(&finished.call).expect("a call of an operation");
        let Load { operation, arrivals, session } = self.loads[ended.load];
        let write = operation.is_write();
        let served = match finished.result {
            Ok(ClientResponse::Done(done)) => done,
            Ok(ClientResponse::FileInfo(found)) => {
                ended.reads.is_none_or(|of| found.is_some_and(|f| f.content == content_of(of)))
            }
            Ok(ClientResponse::Listing { .. }) | Err(_) => false,
        };
        let outcome = match (served, write && finished.maybe_executed) {
            (true, _) => Outcome::Served,
            (false, false) => Outcome::Failed,
            (false, true) => Outcome::Unknown,
        };
        ctx.note(Fact::Ended { service: self.service(operation), op: ended.op, outcome });
        if served && write {
            self.acknowledged.insert(ended.op);
        }
        if session == Session::Fresh {
            self.calls.close(ended.session);
        }
        if let Arrivals::Closed { period, .. } = arrivals {
            // In whole milliseconds, as `Thread.sleep` of the calibration's writers.
            let took = ctx.now().monotonic.since(ended.began).as_millis();
            let rest = period.saturating_sub(SimDuration::from_millis(took));
            ctx.arm(rest, next_tag(ended.load, ended.thread));
        }
    }

    fn on_command(&mut self, command: ClientCommand, ctx: &mut Ctx<'_>) {
        match command {
            ClientCommand::StopLoad => self.stopped = true,
            ClientCommand::Audit => {
                let open = self.acknowledged.clone();
                let audit = Audit { open, present: 0, absent: 0, page: CallId::default() };
                self.read_page(audit, None, ctx);
            }
        }
    }

    /// Reads on after the name `after`, or ends.
    fn read_page(&mut self, mut audit: Audit, after: Option<u64>, ctx: &mut Ctx<'_>) {
        if audit.open.is_empty() {
            return self.end_audit(&audit, ctx);
        }
        let directory = path_of(op_id(ctx.me().0, 0)).directory;
        let request = ClientRequest::GetListing { directory, after };
        audit.page = self.calls.invoke(SHARED, request.class(), request, ctx);
        self.audit = Some(audit);
    }

    fn on_page(&mut self, response: Option<ClientResponse>, ctx: &mut Ctx<'_>) {
        let mut audit = self.audit.take().expect("a page of an audit");
        let Some(ClientResponse::Listing { entries, more }) = response else {
            return self.end_audit(&audit, ctx);
        };
        let directory = path_of(op_id(ctx.me().0, 0)).directory;
        let last = entries.last().map(|entry| entry.0).filter(|_| more);
        let found: BTreeMap<u64, FileStatus> = entries.into_iter().collect();
        let through = last.unwrap_or(path_of(OpId(u64::MAX)).name);
        let read = super::api::client_namenode::FilePath { directory, name: through };
        for op in audit.open.take_through(op_at(read)) {
            let status = found.get(&path_of(op).name);
            let present = status.is_some_and(|status| status.content == content_of(op));
            if present {
                audit.present += 1;
            } else {
                audit.absent += 1;
            }
            ctx.note(Fact::Audited { service: self.services.write, op, present });
        }
        self.read_page(audit, last, ctx);
    }

    fn end_audit(&self, audit: &Audit, ctx: &mut Ctx<'_>) {
        let fields = [audit.present + audit.absent, audit.absent, audit.open.len(), 0];
        ctx.note(Fact::Noted { name: AUDIT_ENDED, fields });
    }
}

impl Process for HdfsClient {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => self.on_started(ctx),
            Input::Connection(conn, event) => {
                self.calls.on_connection(conn, event, ctx);
            }
            Input::Timer(tag) => {
                if !self.calls.on_timer(tag, ctx) {
                    self.on_next(tag, ctx);
                }
            }
            Input::Admin(slot) => {
                let command = ctx.take::<ClientAdmin>(slot);
                self.on_command(command, ctx);
            }
            Input::Disk(..) | Input::Granted(_) | Input::Flow(..) | Input::Beat(..) => {
                unreachable!("a client asks for none of these: {input:?}")
            }
        }
        self.drain(ctx);
    }

    fn tag_name(&self, tag: Tag) -> &'static str {
        self.calls.tag_name(tag).unwrap_or("client think time")
    }
}

const fn next_tag(load: usize, thread: u32) -> Tag {
    Tag::with(NEXT, (load as u64) << 32 | thread as u64)
}

#[expect(clippy::cast_possible_truncation, reason = "the halves that `next_tag` joined")]
const fn load_and_thread(tag: Tag) -> (usize, u32) {
    ((tag.arg >> 32) as usize, tag.arg as u32)
}

/// Weather: nothing that a NameNode does shifts an arrival.
const fn arrival_number(load: usize, count: u64) -> u64 {
    (load as u64) << COUNT_SHIFT | count
}

const COUNT_SHIFT: u32 = 48;

/// Fisher and Yates; `word` draws for a step.
fn shuffle(order: &mut [usize], word: impl Fn(u64) -> u64) {
    for (step, last) in (1..order.len()).rev().enumerate() {
        let bound = last as u64 + 1;
        let with = usize::try_from(below(word(step as u64), bound)).expect("below a length");
        order.swap(last, with);
    }
}

#[cfg(test)]
mod tests;
