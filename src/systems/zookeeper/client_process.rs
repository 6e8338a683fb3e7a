//! Client process: sessions that call the ensemble, and those that own or watch ephemeral nodes.
//!
//! Here: operations as facts, the application's reaction to Expired, the audit.
//! Never here: reconnecting (`clients::zookeeper`); whether a result is good (`measure`).
//! Modelled on: the clients of the ZooKeeper calibration: each session works on a node of its
//! own; what fails is not repeated, the next operation follows.

use super::api::{
    AUDIT_ENDED, EPHEMERAL_GONE, EPHEMERAL_OWNED, SESSION_STATE, WatchKind, ZkAnswer, ZkError,
    ZkLoadAdmin, ZkLoadCommand, ZkRequest, ZkResult, ZnodeData, ZnodeMode, ZnodePath,
};
use crate::clients::zookeeper::{RequestId, ZkClientLib, ZkEvent, ZkOptions};
use crate::engine::ctx::Ctx;
use crate::engine::dice::Purpose;
use crate::engine::digest::hash;
use crate::engine::distributions::{exponential, uniform};
use crate::engine::id::ProcessId;
use crate::engine::log::Log;
use crate::engine::process::{Input, Port, Process, Tag};
use crate::engine::time::{Monotonic, SimDuration};
use crate::history::{ContentHash, Fact, NoteName, OpId, Outcome, ServiceName};

const START_PHASE: Purpose = Purpose::named("zk-client/start-phase");
const ARRIVAL: Purpose = Purpose::named("zk-client/arrival");

/// A session's next operation; `arg`: which session.
const NEXT: u32 = 0;
/// The first tag kind of the first session's client library.
const LIBRARY: u32 = 1;

/// Payload of a write, in bytes.
const WRITE_BYTES: u32 = 16;
/// Bits of an operation's number that count within a client.
const COUNT_BITS: u32 = 40;
/// Operations under way in an open loop; a session that has more refuses further ones.
const UNDER_WAY_MAX: usize = 65_536;

/// When a session calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// One operation, its end, then the rest of a period from its start.
    Closed(SimDuration),
    /// At random instants, whatever became of the earlier ones; the mean gap.
    Open(SimDuration),
}

/// What a session does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Sets the data of a node of its own, which it creates first.
    Write(Pace),
    /// Reads a node of its own, which it creates first.
    Read(Pace),
    /// Holds the ephemeral node of that number; while another holds it, waits for its deletion.
    Own {
        /// Which.
        owner: u64,
        /// Reads it at this pace; none: only the library pings.
        busy: Option<Pace>,
    },
    /// Watches the ephemeral nodes of these numbers and notes their end.
    Watch(Vec<u64>),
}

/// What a client process is made with.
#[derive(Clone, Debug)]
pub struct ZkWorkload {
    /// The ensemble's client ports.
    pub servers: Vec<(ProcessId, Port)>,
    /// Wished session time-out.
    pub session_timeout: SimDuration,
    /// One session each.
    pub tasks: Vec<Task>,
    /// `zk-write`: what writers call.
    pub write: ServiceName,
    /// `zk-read`: what readers and busy owners call.
    pub read: ServiceName,
}

/// Why a request was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// To create the node that the operations work on.
    SetUp,
    /// An operation, and when it began.
    Operation(OpId, Monotonic),
    /// To own an ephemeral node.
    Claim,
    /// To see an ephemeral node's end.
    Look(u64),
    /// That the audit's read sees all that was committed before.
    AuditSync,
    /// The audit's read.
    AuditRead,
}

#[derive(Clone)]
struct Session {
    zk: ZkClientLib,
    task: Task,
    path: ZnodePath,
    /// The node of the operations is there.
    ready: bool,
    under_way: Vec<(RequestId, Why)>, // in the order of their answers
    acknowledged: Log<OpId>,
    arrivals: u64,
}

/// A client process.
#[derive(Clone)]
pub struct ZkWorkloadClient {
    sessions: Vec<Session>,
    write: ServiceName,
    read: ServiceName,
    /// Number of the next operation.
    count: u64,
    stopped: bool,
    audit: Option<Audit>,
}

/// An audit under way.
#[derive(Clone, Copy, Debug, Default)]
struct Audit {
    open: usize,
    absent: u64,
    looked_for: u64,
    unread: u64,
}

/// The ephemeral node of that number.
pub fn owner_path(owner: u64) -> ZnodePath {
    ZnodePath::from(format!("/owner-{owner}"))
}

fn content_of(op: OpId) -> ContentHash {
    ContentHash(hash(&op.0.to_le_bytes()))
}

impl Session {
    const fn is_write(&self) -> bool {
        matches!(self.task, Task::Write(_))
    }

    const fn pace(&self) -> Option<Pace> {
        match self.task {
            Task::Write(pace) | Task::Read(pace) => Some(pace),
            Task::Own { busy, .. } => busy,
            Task::Watch(_) => None,
        }
    }

    fn ask(&mut self, request: ZkRequest, why: Why, ctx: &mut Ctx<'_>) {
        let id = self.zk.request(request, ctx);
        self.under_way.push((id, why));
    }

    fn create(&mut self, mode: ZnodeMode, why: Why, ctx: &mut Ctx<'_>) {
        let data = ZnodeData { word: 0, bytes: WRITE_BYTES };
        self.ask(ZkRequest::Create { path: self.path.clone(), data, mode }, why, ctx);
    }

    /// What the task begins with, and again with each new session.
    fn begin(&mut self, ctx: &mut Ctx<'_>) {
        match self.task.clone() {
            Task::Write(_) | Task::Read(_) => {}
            Task::Own { .. } => self.create(ZnodeMode::EPHEMERAL, Why::Claim, ctx),
            Task::Watch(owners) => owners.into_iter().for_each(|owner| self.look(owner, ctx)),
        }
    }

    fn look(&mut self, owner: u64, ctx: &mut Ctx<'_>) {
        let request = ZkRequest::Exists { path: owner_path(owner), watch: true };
        self.ask(request, Why::Look(owner), ctx);
    }

    fn owner_at(&self, path: &ZnodePath) -> Option<u64> {
        match &self.task {
            Task::Own { owner, .. } => Some(*owner),
            Task::Watch(owners) => owners.iter().copied().find(|owner| owner_path(*owner) == *path),
            Task::Write(_) | Task::Read(_) => None,
        }
    }
}

impl ZkWorkloadClient {
    /// A client whose sessions begin at random phases after its start.
    pub fn new(me: &str, workload: ZkWorkload) -> ZkWorkloadClient {
        let session = |(n, task): (u32, Task)| {
            let path = match &task {
                Task::Own { owner, .. } => owner_path(*owner),
                Task::Write(_) | Task::Read(_) | Task::Watch(_) => {
                    ZnodePath::from(format!("/{me}-{n}"))
                }
            };
            let options = ZkOptions {
                servers: workload.servers.clone(),
                session_timeout: workload.session_timeout,
                base_kind: LIBRARY + n * ZkClientLib::TIMER_KINDS,
            };
            Session {
                zk: ZkClientLib::new(options),
                task,
                path,
                ready: false,
                under_way: Vec::new(),
                acknowledged: Log::new(),
                arrivals: 0,
            }
        };
        ZkWorkloadClient {
            sessions: (0..).zip(workload.tasks.clone()).map(session).collect(),
            write: workload.write,
            read: workload.read,
            count: 0,
            stopped: false,
            audit: None,
        }
    }

    fn on_started(&mut self, ctx: &mut Ctx<'_>) {
        // A restarted process numbers on: it cannot have begun an operation each millisecond.
        self.count = ctx.now().monotonic.as_nanos() / 1_000_000;
        for n in 0..self.sessions.len() {
            let session = &mut self.sessions[n];
            session.zk.start(ctx);
            session.begin(ctx);
            let first = match session.pace() {
                None => continue,
                Some(Pace::Closed(period)) => {
                    let word = ctx.dice(START_PHASE, n as u64).first();
                    uniform(SimDuration::ZERO, period, word)
                }
                Some(Pace::Open(mean)) => arrival(mean, n, 0, ctx),
            };
            ctx.arm(first, Tag::with(NEXT, n as u64));
        }
    }

    /// The session's next operation is due; before its node is there, that is what it asks for.
    fn on_next(&mut self, n: usize, ctx: &mut Ctx<'_>) {
        let session = &mut self.sessions[n];
        let Some(pace) = session.pace().filter(|_| !self.stopped) else { return };
        let tag = Tag::with(NEXT, n as u64);
        if let Pace::Open(mean) = pace {
            session.arrivals += 1;
            ctx.arm(arrival(mean, n, session.arrivals, ctx), tag);
        }
        if session.ready {
            return self.operate(n, ctx);
        }
        if session.under_way.is_empty() && !matches!(session.task, Task::Own { .. }) {
            session.create(ZnodeMode::PERSISTENT, Why::SetUp, ctx);
        }
        if let Pace::Closed(period) = pace {
            ctx.arm(period, tag);
        }
    }

    fn operate(&mut self, n: usize, ctx: &mut Ctx<'_>) {
        let (op, word) = (OpId(u64::from(ctx.me().0) << COUNT_BITS | self.count), self.count);
        self.count += 1;
        let session = &mut self.sessions[n];
        let write = session.is_write();
        let service = if write { self.write } else { self.read };
        let bytes = if write { WRITE_BYTES.into() } else { 0 };
        ctx.note(Fact::Invoked { service, op, write, bytes, content: content_of(op) });
        if UNDER_WAY_MAX <= session.under_way.len() {
            ctx.note(Fact::Ended { service, op, outcome: Outcome::Failed });
            return;
        }
        let path = session.path.clone();
        let request = if write {
            let data = ZnodeData { word, bytes: WRITE_BYTES };
            ZkRequest::SetData { path, data, version: None }
        } else {
            ZkRequest::GetData { path, watch: false }
        };
        session.ask(request, Why::Operation(op, ctx.now().monotonic), ctx);
    }

    /// What the libraries have to tell, until none has more.
    fn drain(&mut self, ctx: &mut Ctx<'_>) {
        for n in 0..self.sessions.len() {
            while let Some(event) = self.sessions[n].zk.poll() {
                self.on_event(n, event, ctx);
            }
        }
    }

    fn on_event(&mut self, n: usize, event: ZkEvent, ctx: &mut Ctx<'_>) {
        let say = |state: u64, session: &Session, ctx: &mut Ctx<'_>| {
            note(SESSION_STATE, [state, n as u64, session.zk.session(), 0], ctx);
        };
        let session = &mut self.sessions[n];
        match event {
            ZkEvent::SyncConnected => say(1, session, ctx),
            ZkEvent::Disconnected => say(2, session, ctx),
            ZkEvent::Expired => {
                say(3, session, ctx);
                session.zk.start(ctx); // as upstream's recipes: a new handle
                session.ready &= !matches!(session.task, Task::Own { .. });
                session.begin(ctx);
            }
            ZkEvent::Closed => unreachable!("a workload session is never closed"),
            ZkEvent::Reply { id, result } => {
                let at = session.under_way.iter().position(|(asked, _)| *asked == id);
                let (_, why) = session.under_way.remove(at.expect("each request ends once"));
                self.on_reply(n, why, result, ctx);
            }
            ZkEvent::Watch { path, kind } => {
                let owner = session.owner_at(&path).expect("only such nodes are watched");
                match (&session.task, kind) {
                    (Task::Own { .. }, WatchKind::Deleted) => {
                        session.create(ZnodeMode::EPHEMERAL, Why::Claim, ctx);
                    }
                    (Task::Watch(_), WatchKind::Deleted) => {
                        note(EPHEMERAL_GONE, [owner, 0, 0, 0], ctx);
                        session.look(owner, ctx);
                    }
                    (_, _) => session.look(owner, ctx),
                }
            }
        }
    }

    fn on_reply(&mut self, n: usize, why: Why, result: ZkResult, ctx: &mut Ctx<'_>) {
        let session = &mut self.sessions[n];
        match (why, result) {
            (Why::SetUp, Ok(_) | Err(ZkError::NodeExists)) => session.ready = true,
            (Why::SetUp, Err(_)) => {} // the next turn of the loop asks again
            (Why::Operation(op, began), result) => self.on_ended(n, (op, began), result, ctx),
            (Why::Claim, Ok(_)) => {
                session.ready = true;
                if let Task::Own { owner, .. } = session.task {
                    note(EPHEMERAL_OWNED, [owner, session.zk.session(), 0, 0], ctx);
                }
            }
            // It may be the session's own, left by a try whose answer was lost: look whose it is.
            (Why::Claim, Err(ZkError::NodeExists)) => {
                if let Task::Own { owner, .. } = session.task {
                    session.look(owner, ctx);
                }
            }
            (Why::Look(owner), Ok(ZkAnswer::Stat(stat))) => {
                let mine = stat.ephemeral_owner == session.zk.session();
                if mine && matches!(session.task, Task::Own { .. }) && !session.ready {
                    session.ready = true;
                    note(EPHEMERAL_OWNED, [owner, stat.ephemeral_owner, 0, 0], ctx);
                }
            }
            (Why::Look(_), Err(ZkError::NoNode)) => {
                if matches!(session.task, Task::Own { .. }) {
                    session.create(ZnodeMode::EPHEMERAL, Why::Claim, ctx);
                }
            }
            (Why::Look(owner), Err(ZkError::ConnectionLoss)) => session.look(owner, ctx),
            (Why::Claim, Err(ZkError::ConnectionLoss)) => {
                session.create(ZnodeMode::EPHEMERAL, Why::Claim, ctx);
            }
            // The handle is dead: what it began is begun anew with the next one.
            (Why::Claim | Why::Look(_), Ok(_) | Err(_)) => {}
            (Why::AuditSync, Ok(_) | Err(_)) => {} // if it failed, so will the read
            (Why::AuditRead, result) => self.on_audited(n, result, ctx),
        }
    }

    fn on_ended(
        &mut self,
        n: usize,
        (op, began): (OpId, Monotonic),
        result: ZkResult,
        ctx: &mut Ctx<'_>,
    ) {
        let session = &mut self.sessions[n];
        let write = session.is_write();
        let outcome = match result {
            Ok(_) => Outcome::Served,
            Err(ZkError::ConnectionLoss) if write => Outcome::Unknown,
            Err(_) => Outcome::Failed,
        };
        let service = if write { self.write } else { self.read };
        ctx.note(Fact::Ended { service, op, outcome });
        if write && outcome == Outcome::Served {
            session.acknowledged.push(op);
        }
        if let Some(Pace::Closed(period)) = session.pace() {
            // In whole milliseconds, as `Thread.sleep` of the calibration's clients.
            let took = SimDuration::from_millis(ctx.now().monotonic.since(began).as_millis());
            ctx.arm(period.saturating_sub(took), Tag::with(NEXT, n as u64));
        }
    }

    fn on_command(&mut self, command: ZkLoadCommand, ctx: &mut Ctx<'_>) {
        match command {
            ZkLoadCommand::StopLoad => self.stopped = true,
            ZkLoadCommand::Audit => {
                let mut audit = Audit::default();
                for session in &mut self.sessions {
                    if !session.acknowledged.is_empty() {
                        audit.open += 1;
                        session.ask(ZkRequest::Sync, Why::AuditSync, ctx);
                        let path = session.path.clone();
                        let read = ZkRequest::GetData { path, watch: false };
                        session.ask(read, Why::AuditRead, ctx);
                    }
                }
                self.audit = Some(audit);
                self.end_audit(ctx);
            }
        }
    }

    /// A write is there if the node holds it or a later one of the session: nobody else writes.
    fn on_audited(&mut self, n: usize, result: ZkResult, ctx: &mut Ctx<'_>) {
        let Some(mut audit) = self.audit else { return };
        audit.open -= 1;
        let acknowledged = &self.sessions[n].acknowledged;
        let newest = match result {
            Ok(ZkAnswer::Data(data, _)) => Some(data.word),
            Ok(_) | Err(ZkError::NoNode) => None,
            Err(_) => {
                audit.unread += acknowledged.len() as u64;
                self.audit = Some(audit);
                return self.end_audit(ctx);
            }
        };
        for op in acknowledged.iter().copied() {
            let count = op.0 & ((1 << COUNT_BITS) - 1);
            let present = newest.is_some_and(|newest| count <= newest);
            ctx.note(Fact::Audited { service: self.write, op, present });
            audit.looked_for += 1;
            audit.absent += u64::from(!present);
        }
        self.audit = Some(audit);
        self.end_audit(ctx);
    }

    fn end_audit(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(Audit { open: 0, absent, looked_for, unread }) = self.audit {
            self.audit = None;
            note(AUDIT_ENDED, [looked_for, absent, unread, 0], ctx);
        }
    }
}

fn note(name: NoteName, fields: [u64; 4], ctx: &mut Ctx<'_>) {
    ctx.note(Fact::Noted { name, fields });
}

/// Weather: nothing that a server does shifts an arrival.
fn arrival(mean: SimDuration, session: usize, count: u64, ctx: &Ctx<'_>) -> SimDuration {
    exponential(mean, ctx.dice(ARRIVAL, (session as u64) << COUNT_BITS | count).first())
}

impl Process for ZkWorkloadClient {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => self.on_started(ctx),
            Input::Connection(conn, event) => {
                self.sessions.iter_mut().any(|session| session.zk.on_connection(conn, event, ctx));
            }
            Input::Timer(Tag { kind: NEXT, arg }) => {
                self.on_next(usize::try_from(arg).expect("a session's number"), ctx);
            }
            Input::Timer(tag) => {
                self.sessions.iter_mut().any(|session| session.zk.on_timer(tag, ctx));
            }
            Input::Admin(slot) => {
                let command = ctx.take::<ZkLoadAdmin>(slot);
                self.on_command(command, ctx);
            }
            Input::Disk(..) | Input::Granted(_) | Input::Flow(..) | Input::Beat(..) => {
                unreachable!("a client asks for none of these: {input:?}")
            }
        }
        self.drain(ctx);
    }

    fn tag_name(&self, tag: Tag) -> &'static str {
        let library = self.sessions.iter().find_map(|session| session.zk.tag_name(tag));
        library.unwrap_or("client think time")
    }
}
