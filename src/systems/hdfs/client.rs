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
    ClientLoad, OpSet, Operation, content_of, first_count, op_at, op_id, path_of,
};
use super::keys;
use crate::clients::hadoop_ipc::{CallId, CallPolicy, ServerAddress};
use crate::clients::hadoop_ipc_keys;
use crate::clients::retry::{
    ConfiguredFailover, FailoverOnNetworkException, Finished, Proxy, ProxyId, ProxyProvider,
    RequestHedging, RetryInvocationHandler,
};
use crate::engine::config::Config;
use crate::engine::ctx::Ctx;
use crate::engine::dice::{self, below};
use crate::engine::distributions::{exponential, uniform};
use crate::engine::process::{ConnEvent, Input, Process, Tag};
use crate::engine::time::{Monotonic, SimDuration};
use crate::history::{Fact, OpId, Outcome};
use crate::systems::Arrival;

const START_PHASE: dice::Purpose = dice::Purpose::named("hdfs-client/start-phase");
const ARRIVAL: dice::Purpose = dice::Purpose::named("hdfs-client/arrival");
const OPERATION: dice::Purpose = dice::Purpose::named("hdfs-client/operation");
const READ_TARGET: dice::Purpose = dice::Purpose::named("hdfs-client/read-target");
const NAMENODE_ORDER: dice::Purpose = dice::Purpose::named("hdfs-client/namenode-order");

/// A thread's next operation, or the next arrival of an open loop; `arg`: thread.
const NEXT: u32 = 0;
/// Another try to make a directory to read.
const CANARY: u32 = 1;
/// Timers of the calls.
const CALLS: u32 = 2;

/// Directories that a reading client makes before it reads them.
const CANARIES: usize = 16;
/// A person would try again so soon.
const CANARY_RETRY: SimDuration = SimDuration::from_secs(1);

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
    /// (`TRY_ONCE_THEN_FAIL`), whatever `dfs.client.failover.connection.retries` says. With one
    /// NameNode nothing is (`createNonHAProxy`), but for connects that timed out.
    pub fn new(config: &Config, namenodes: Vec<ServerAddress>) -> ClientOptions {
        let count = |key| u32::try_from(config.get(key)).unwrap_or(u32::MAX);
        let (on_timeouts, max_failovers) = if namenodes.len() == 1 {
            (count(hadoop_ipc_keys::IPC_CLIENT_CONNECT_MAX_RETRIES_ON_TIMEOUTS), 0)
        } else {
            let on_timeouts = count(keys::DFS_CLIENT_FAILOVER_CONNECTION_RETRIES_ON_TIMEOUTS);
            (on_timeouts, count(keys::DFS_CLIENT_FAILOVER_MAX_ATTEMPTS))
        };
        let class = config.get(keys::DFS_CLIENT_FAILOVER_PROXY_PROVIDER);
        ClientOptions {
            namenodes,
            policy: CallPolicy::of_client(config).with_retries(on_timeouts, 0),
            retry: FailoverOnNetworkException {
                max_failovers,
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

/// What a call is for.
#[derive(Clone, Copy)]
enum Purpose {
    /// A directory to read later, not measured.
    Canary(OpId),
    /// A measured operation.
    Operation {
        op: OpId,
        thread: u32,
        session: ProxyId,
        began: Monotonic,
        /// The directory that a read must find.
        reads: Option<OpId>,
    },
    /// A page of the audit.
    AuditPage,
}

/// An audit under way: what is still to be read back, page by page.
#[derive(Clone)]
struct Audit {
    open: OpSet,
    present: u64,
    absent: u64,
}

/// A client process.
#[derive(Clone)]
pub struct HdfsClient {
    options: ClientOptions,
    load: ClientLoad,
    calls: RetryInvocationHandler<ClientNamenode>,
    under_way: BTreeMap<CallId, Purpose>,
    /// Number of the next operation.
    count: u64,
    sessions: u32,
    arrivals: u64,
    canaries: Vec<OpId>,
    acknowledged: OpSet,
    audit: Option<Audit>,
    stopped: bool,
}

impl HdfsClient {
    /// A client whose load begins at a random phase after its start.
    pub fn new(options: ClientOptions, load: ClientLoad) -> HdfsClient {
        HdfsClient {
            options,
            load,
            calls: RetryInvocationHandler::new(CALLS),
            under_way: BTreeMap::new(),
            count: 0,
            sessions: 0,
            arrivals: 0,
            canaries: Vec::new(),
            acknowledged: OpSet::default(),
            audit: None,
            stopped: false,
        }
    }

    fn on_started(&mut self, ctx: &mut Ctx<'_>) {
        self.count = first_count(ctx.starts()); // a restarted process numbers on
        self.open(SHARED, ctx);
        if !self.load.writes {
            self.make_canary(ctx);
        }
        match self.load.arrival {
            Arrival::Closed { pace } => {
                for thread in 0..u64::from(self.load.threads) {
                    let word = ctx.dice(START_PHASE, thread).first();
                    ctx.arm(uniform(SimDuration::ZERO, pace, word), Tag::with(NEXT, thread));
                }
            }
            Arrival::Open { mean_gap } => self.await_arrival(mean_gap, ctx),
        }
    }

    /// Weather: nothing that a NameNode does shifts an arrival.
    fn await_arrival(&mut self, mean_gap: SimDuration, ctx: &mut Ctx<'_>) {
        let word = ctx.dice(ARRIVAL, self.arrivals).first();
        self.arrivals += 1;
        ctx.arm(exponential(mean_gap, word), Tag::new(NEXT));
    }

    fn make_canary(&mut self, ctx: &mut Ctx<'_>) {
        let op = self.next_op(ctx);
        let request = Operation::Mkdirs.request(op);
        let call = self.calls.invoke(SHARED, request.class(), request, ctx);
        self.under_way.insert(call, Purpose::Canary(op));
    }

    fn next_op(&mut self, ctx: &Ctx<'_>) -> OpId {
        self.count += 1;
        op_id(ctx.me().0, self.count - 1)
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
        if let Arrival::Open { mean_gap } = self.load.arrival {
            self.await_arrival(mean_gap, ctx);
        }
        self.begin(u32::try_from(tag.arg).expect("a thread"), ctx);
    }

    fn begin(&mut self, thread: u32, ctx: &mut Ctx<'_>) {
        let op = self.next_op(ctx);
        let operation = self.load.operation(ctx.dice(OPERATION, op.0).first());
        let ClientLoad { service, writes: write, fresh, .. } = self.load;
        let reads = if write { None } else { self.read_target(op, ctx) };
        let of = reads.unwrap_or(op);
        ctx.note(Fact::Invoked { service, op, write, bytes: 0, content: content_of(of) });
        if self.under_way.len() >= UNDER_WAY_MAX {
            ctx.note(Fact::Ended { service, op, outcome: Outcome::Failed });
            return;
        }
        let session = if fresh {
            self.sessions += 1;
            self.open(ProxyId(self.sessions), ctx);
            ProxyId(self.sessions)
        } else {
            SHARED
        };
        let request = operation.request(of);
        let call = self.calls.invoke(session, request.class(), request, ctx);
        let began = ctx.now().monotonic;
        self.under_way.insert(call, Purpose::Operation { op, thread, session, began, reads });
    }

    fn read_target(&self, op: OpId, ctx: &Ctx<'_>) -> Option<OpId> {
        let count = self.canaries.len() as u64;
        let nth = (count > 0).then(|| below(ctx.dice(READ_TARGET, op.0).first(), count))?;
        self.canaries.get(usize::try_from(nth).ok()?).copied()
    }

    fn drain(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(finished) = self.calls.finished() {
            let purpose = self.under_way.remove(&finished.call).expect("a call has a purpose");
            match purpose {
                Purpose::AuditPage => self.on_page(finished.result.ok(), ctx),
                Purpose::Canary(op) => self.on_canary(op, finished.result.is_ok(), ctx),
                Purpose::Operation { op, thread, session, began, reads } => {
                    self.on_operation(op, reads, finished, ctx);
                    if session != SHARED {
                        self.calls.close(session);
                    }
                    self.think(thread, began, ctx);
                }
            }
        }
    }

    fn on_canary(&mut self, op: OpId, made: bool, ctx: &mut Ctx<'_>) {
        if made {
            self.canaries.push(op);
        }
        if self.canaries.len() == CANARIES {
            return;
        }
        if made {
            self.make_canary(ctx);
        } else {
            ctx.arm(CANARY_RETRY, Tag::new(CANARY));
        }
    }

    fn on_operation(
        &mut self,
        op: OpId,
        reads: Option<OpId>,
        finished: Finished<ClientResponse>,
        ctx: &mut Ctx<'_>,
    ) {
        let ClientLoad { service, writes, .. } = self.load;
        let served = match finished.result {
            Ok(ClientResponse::Done(done)) => done,
            Ok(ClientResponse::FileInfo(found)) => {
                reads.is_none_or(|of| found.is_some_and(|f| f.content == content_of(of)))
            }
            Ok(ClientResponse::Listing { .. }) | Err(_) => false,
        };
        let outcome = match (served, writes && finished.maybe_executed) {
            (true, _) => Outcome::Served,
            (false, false) => Outcome::Failed,
            (false, true) => Outcome::Unknown,
        };
        ctx.note(Fact::Ended { service, op, outcome });
        if served && writes {
            self.acknowledged.insert(op);
        }
    }

    /// A thread waits for the rest of its pace, in whole milliseconds as `Thread.sleep` does.
    fn think(&self, thread: u32, began: Monotonic, ctx: &mut Ctx<'_>) {
        if let Arrival::Closed { pace } = self.load.arrival {
            let took = SimDuration::from_millis(ctx.now().monotonic.since(began).as_millis());
            ctx.arm(pace.saturating_sub(took), Tag::with(NEXT, thread.into()));
        }
    }

    fn on_command(&mut self, command: ClientCommand, ctx: &mut Ctx<'_>) {
        match command {
            ClientCommand::StopLoad => self.stopped = true,
            ClientCommand::Audit => {
                let open = self.acknowledged.clone();
                let audit = Audit { open, present: 0, absent: 0 };
                self.read_page(audit, None, ctx);
            }
        }
    }

    /// Reads on after the name `after`, or ends.
    fn read_page(&mut self, audit: Audit, after: Option<u64>, ctx: &mut Ctx<'_>) {
        if audit.open.is_empty() {
            return self.end_audit(&audit, ctx);
        }
        let directory = path_of(op_id(ctx.me().0, 0)).directory;
        let request = ClientRequest::GetListing { directory, after };
        let call = self.calls.invoke(SHARED, request.class(), request, ctx);
        self.under_way.insert(call, Purpose::AuditPage);
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
            ctx.note(Fact::Audited { service: self.load.service, op, present });
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
                // An answer that waited while the process was stopped may come after its connection
                // was given up.
                if !self.calls.on_connection(conn, event, ctx)
                    && let ConnEvent::Message(slot) = event
                {
                    ctx.discard(slot);
                }
            }
            Input::Timer(tag) => {
                if !self.calls.on_timer(tag, ctx) {
                    match tag.kind {
                        CANARY => self.make_canary(ctx),
                        _ => self.on_next(tag, ctx),
                    }
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
