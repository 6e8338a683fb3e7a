//! JournalNode: the process that keeps one copy of each shared log.
//!
//! Here: handlers, monitors, the HTTP side and the syncer around `protocols::qjm::journal`.
//! Never here: guards and decisions, a writer's side, a word about faults.
//! Modelled on: Hadoop `qjournal/server/JournalNode.java`, `JournalNodeRpcServer.java` (3.4.1);
//! docs/MODELS.md, "journalnode".
//! Left out: metrics, upgrade and rollback, access control.

use std::collections::BTreeMap;
use std::sync::Arc;

use self::disk::{Files, Number};
use self::held::Held;
use self::http::{HttpServer, HttpStep};
use self::options::Options;
pub use self::options::{JournalNodeSetup, JournalSetup};
use self::syncer::Round;
use crate::clients::hadoop_ipc::client::IpcClient;
use crate::clients::hadoop_ipc::server::{Incoming, IpcServer};
use crate::clients::hadoop_ipc::{CallOutcome, ConnectionKey, ServerAddress};
use crate::engine::ctx::Ctx;
use crate::engine::process::{Conn, ConnEvent, DiskOutcome, Input, Port, Process, Resource, Tag};
use crate::protocols::namenode::edit::Edit;
use crate::protocols::qjm::segments::LogFile;
use crate::protocols::qjm::{Answer, Call, Manifest, Refusal, Reply, TxId, journal};
use crate::systems::hdfs::api::qjournal::{
    Asker, JOURNAL_RPC_PORT, JournalId, JournalRequest, QJournal,
};
use crate::systems::hdfs::segment_fetch::FetchStep;

mod disk;
mod held;
mod http;
pub mod marks;
pub mod options;
mod syncer;

const RPC_HANDLER: u32 = 1;
const MONITOR: u32 = 2;
const JOURNAL_DISK: u32 = 3;
const ACCEPT_FETCH: u32 = 4;
const DOWNLOAD_DISK: u32 = 5;
const SYNC_PERIOD: u32 = 6;
const SYNC_FETCH: u32 = 7;
const SYNC_DISK: u32 = 8;
const SYNC_MONITOR: u32 = 9;
const WRITEBACK: u32 = 10;
const JVM_START: u32 = 11;
const FORMATTED: u32 = 12;
const PEER_CLIENT: u32 = 20;

/// A JournalNode.
#[derive(Clone)]
pub struct JournalNode {
    setup: Arc<JournalNodeSetup>,
    options: Arc<Options>,
    node: Option<Node>,
}

/// One life of it, from open ports on.
#[derive(Clone)]
struct Node {
    setup: Arc<JournalNodeSetup>,
    options: Arc<Options>,
    server: IpcServer<QJournal>,
    http: HttpServer,
    peers: IpcClient<QJournal>,
    journals: BTreeMap<JournalId, Held>,
    calls: BTreeMap<u64, Incoming<QJournal>>,
    call_last: u64,
}

impl JournalNode {
    /// The blueprint of a JournalNode.
    pub fn new(setup: JournalNodeSetup) -> JournalNode {
        let options = Options::read(&setup.config, setup.rules);
        JournalNode { setup: Arc::new(setup), options: Arc::new(options), node: None }
    }

    /// Before the first start an operator formatted the journals that say so.
    fn on_started(&self, ctx: &mut Ctx<'_>) {
        if ctx.starts() == 1 {
            for journal in &self.setup.journals {
                if let Some(namespace) = journal.formatted_for {
                    let version = Files(journal.id).version();
                    ctx.replace(version, Number(namespace), Tag::new(FORMATTED));
                }
            }
        }
        ctx.arm(self.options.jvm_start, Tag::new(JVM_START));
    }
}

impl Process for JournalNode {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match (input, &mut self.node) {
            (Input::Started, None) => self.on_started(ctx),
            (Input::Timer(Tag { kind: JVM_START, .. }), None) => {
                let (setup, options) = (Arc::clone(&self.setup), Arc::clone(&self.options));
                self.node = Some(Node::open(setup, options, ctx));
            }
            (Input::Disk(Tag { kind: FORMATTED, .. }, _), _) => {}
            (Input::Admin(slot), _) => ctx.discard(slot), // it takes no commands
            (input, Some(node)) => node.step(input, ctx),
            (_, None) => unreachable!("nothing was asked for before the ports are open"),
        }
    }

    fn tag_name(&self, tag: Tag) -> &'static str {
        match tag.kind {
            RPC_HANDLER => "journalnode rpc handler",
            MONITOR => "journal monitor",
            JOURNAL_DISK => "journal disk",
            ACCEPT_FETCH => "segment transfer time-out",
            DOWNLOAD_DISK => "downloaded segment sync",
            SYNC_PERIOD => "journalnode sync interval",
            SYNC_FETCH => "journalnode sync transfer time-out",
            SYNC_DISK => "journalnode sync disk",
            SYNC_MONITOR => "journal monitor of the syncer",
            WRITEBACK => "kernel writeback",
            JVM_START => "jvm start",
            FORMATTED => "journal format",
            _ => self.node.as_ref().and_then(|node| node.peers.tag_name(tag)).unwrap_or("timer"),
        }
    }
}

fn journal_of(tag: Tag) -> JournalId {
    JournalId(u16::try_from(tag.arg).expect("tags of journals carry their ids"))
}

impl Node {
    fn open(setup: Arc<JournalNodeSetup>, options: Arc<Options>, ctx: &mut Ctx<'_>) -> Node {
        let handlers: Resource = ctx.pool("journalnode rpc handlers", options.handlers);
        Node {
            server: IpcServer::listen(Port(JOURNAL_RPC_PORT), handlers, RPC_HANDLER, ctx),
            http: HttpServer::listen(ctx),
            peers: IpcClient::new(PEER_CLIENT),
            journals: BTreeMap::new(),
            calls: BTreeMap::new(),
            call_last: 0,
            setup,
            options,
        }
    }

    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Connection(conn, event) => self.on_connection(conn, event, ctx),
            Input::Granted(tag) => match tag.kind {
                MONITOR => self.on_monitor(tag.arg, ctx),
                SYNC_MONITOR => self.on_sync_monitor(journal_of(tag), ctx),
                _ => {
                    if let Some(incoming) = self.server.on_granted(tag, ctx) {
                        self.on_call(incoming, ctx);
                    }
                }
            },
            Input::Disk(tag, outcome) => self.on_disk(tag, outcome == DiskOutcome::Done, ctx),
            Input::Timer(tag) => self.on_timer(tag, ctx),
            Input::Started | Input::Flow(..) | Input::Beat(..) | Input::Admin(_) => {}
        }
        self.on_completions(ctx);
    }

    fn on_connection(&mut self, conn: Conn, event: ConnEvent, ctx: &mut Ctx<'_>) {
        if self.server.on_connection(conn, event, ctx) || self.peers.on_connection(conn, event, ctx)
        {
            return;
        }
        match self.http.on_connection(conn, event, ctx) {
            HttpStep::NotMine => self.on_fetch_event(conn, event, ctx),
            HttpStep::Goes => {}
            HttpStep::Asked { conn, journal, segment } => {
                self.serve_segment(conn, (journal, segment), ctx);
            }
        }
    }

    /// `getOrCreateJournal`: a journal is read when it is first asked for; its syncer begins then.
    fn load(&mut self, id: JournalId, ctx: &mut Ctx<'_>) -> Option<&mut Held> {
        if !self.journals.contains_key(&id) {
            let setup = self.setup.journals.iter().find(|journal| journal.id == id)?;
            let held = Held::load(setup, &self.options, ctx);
            self.journals.insert(id, held);
            self.begin_sync_round(id, ctx);
        }
        self.journals.get_mut(&id)
    }

    // Calls.

    fn on_call(&mut self, incoming: Incoming<QJournal>, ctx: &mut Ctx<'_>) {
        let id = incoming.request.journal;
        let reply_to = incoming.reply_to;
        let Some(held) = self.load(id, ctx) else {
            self.server.reply(reply_to, Ok(Err(Refusal::NotFormatted)), ctx);
            return self.server.free_handler(ctx);
        };
        let monitor = held.monitor;
        self.call_last += 1;
        self.calls.insert(self.call_last, incoming);
        ctx.work(self.options.call_work);
        ctx.acquire(monitor, Tag::with(MONITOR, self.call_last));
    }

    fn on_monitor(&mut self, number: u64, ctx: &mut Ctx<'_>) {
        let incoming = self.calls.remove(&number).expect("a call waits for the monitor once");
        let id = incoming.request.journal;
        let held = self.journals.get_mut(&id).expect("its journal is loaded");
        held.caller = Some(incoming.reply_to);
        let input = journal::Input::Called(incoming.request.call);
        let answered = held.advance(input, &self.options, ctx);
        self.answer(id, answered, ctx);
    }

    fn answer(&mut self, id: JournalId, answered: Option<Reply<Edit>>, ctx: &mut Ctx<'_>) {
        let Some(reply) = answered else { return };
        let held = self.journals.get_mut(&id).expect("its journal is loaded");
        let caller = held.caller.take().expect("a call holds the monitor");
        self.server.reply(caller, Ok(reply), ctx);
        ctx.release(held.monitor);
        self.server.free_handler(ctx);
    }

    fn on_disk(&mut self, tag: Tag, ok: bool, ctx: &mut Ctx<'_>) {
        let id = journal_of(tag);
        let Some(held) = self.journals.get_mut(&id) else { return };
        let answered = match tag.kind {
            JOURNAL_DISK => held.on_disk(ok, &self.options, ctx),
            DOWNLOAD_DISK => held.on_download_synced(ok, &self.options, ctx),
            WRITEBACK => {
                held.on_writeback(ctx);
                None
            }
            SYNC_DISK => {
                return self.on_sync_stored(id, ok, ctx);
            }
            _ => None,
        };
        self.answer(id, answered, ctx);
    }

    fn on_timer(&mut self, tag: Tag, ctx: &mut Ctx<'_>) {
        match tag.kind {
            SYNC_PERIOD => self.begin_sync_round(journal_of(tag), ctx),
            ACCEPT_FETCH => {
                let id = journal_of(tag);
                let Some(held) = self.journals.get_mut(&id) else { return };
                let Some(fetch) = held.fetch.take() else { return };
                fetch.on_timer(ctx);
                let answered = held.downloaded(None, &self.options, ctx);
                self.answer(id, answered, ctx);
            }
            SYNC_FETCH => {
                let id = journal_of(tag);
                let Some(held) = self.journals.get_mut(&id) else { return };
                if let Round::Fetching { fetch, .. } = &held.syncer.round {
                    fetch.on_timer(ctx);
                    self.end_sync_round(id, ctx);
                }
            }
            _ => {
                self.peers.on_timer(tag, ctx);
            }
        }
    }

    // HTTP.

    fn serve_segment(&mut self, conn: Conn, (id, segment): (JournalId, TxId), ctx: &mut Ctx<'_>) {
        let found = self.load(id, ctx).and_then(|held| {
            let file = held.journal.segments().at(segment).ok().flatten()?;
            Some(held.files.log(&file))
        });
        let edits = found.and_then(|file| ctx.records::<Edit>(file)).cloned();
        self.http.answer(conn, edits, ctx);
    }

    fn on_fetch_event(&mut self, conn: Conn, event: ConnEvent, ctx: &mut Ctx<'_>) {
        let ids: Vec<JournalId> = self.journals.keys().copied().collect();
        for id in ids {
            let held = self.journals.get_mut(&id).expect("it was just listed");
            if let Some(fetch) = &mut held.fetch {
                match fetch.on_connection(conn, event, ctx) {
                    FetchStep::NotMine => {}
                    FetchStep::Goes => return,
                    FetchStep::Ended(Ok(edits)) => return held.on_fetched(&edits, ctx),
                    FetchStep::Ended(Err(_)) => {
                        let answered = held.downloaded(None, &self.options, ctx);
                        return self.answer(id, answered, ctx);
                    }
                }
            }
            if let Round::Fetching { segment, fetch } = &mut held.syncer.round {
                match fetch.on_connection(conn, event, ctx) {
                    FetchStep::NotMine => {}
                    FetchStep::Goes => return,
                    FetchStep::Ended(Err(_)) => return self.end_sync_round(id, ctx),
                    FetchStep::Ended(Ok(edits)) => {
                        let file = held.files.synced(segment.start);
                        let segment = *segment;
                        ctx.remove(file);
                        for edit in edits.iter() {
                            ctx.append(file, *edit);
                        }
                        ctx.sync(file, Tag::with(SYNC_DISK, u64::from(id.0)));
                        held.syncer.round = Round::Moving { segment, edits };
                        return;
                    }
                }
            }
        }
    }

    // The syncer.

    fn begin_sync_round(&mut self, id: JournalId, ctx: &mut Ctx<'_>) {
        if self.options.sync_interval.is_none() {
            return;
        }
        let policy = self.options.policy;
        let held = self.journals.get_mut(&id).expect("its journal is loaded");
        let peer = held.journal.is_formatted().then(|| held.syncer.next_peer()).flatten();
        let Some(process) = peer else { return self.end_sync_round(id, ctx) };
        let server = ServerAddress { process, port: JOURNAL_RPC_PORT };
        let call = Call::EditLogManifest { since: TxId(0), in_progress_ok: false };
        let request = JournalRequest { journal: id, asker: Asker::JournalNode, call };
        let call = self.peers.call(ConnectionKey { server, user: 0, policy }, request, ctx);
        held.syncer.round = Round::Listing { call };
    }

    fn end_sync_round(&mut self, id: JournalId, ctx: &mut Ctx<'_>) {
        let held = self.journals.get_mut(&id).expect("its journal is loaded");
        held.syncer.round = Round::Asleep;
        let interval = self.options.sync_interval.expect("only a syncer that is on has rounds");
        ctx.arm(interval, Tag::with(SYNC_PERIOD, u64::from(id.0)));
    }

    fn on_completions(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(done) = self.peers.completed() {
            let listing = |held: &Held| match held.syncer.round {
                Round::Listing { call } => call == done.call,
                Round::Asleep | Round::Fetching { .. } | Round::Moving { .. } => false,
            };
            let found = self.journals.iter().find(|(_, held)| listing(held));
            let Some(id) = found.map(|(id, _)| *id) else { continue };
            match done.outcome {
                CallOutcome::Reply(Ok(Answer::Manifest(manifest))) => {
                    self.on_peer_manifest(id, &manifest, ctx);
                }
                CallOutcome::Reply(_) | CallOutcome::Remote(_) | CallOutcome::Failed(_) => {
                    self.end_sync_round(id, ctx);
                }
            }
        }
    }

    fn on_peer_manifest(&mut self, id: JournalId, manifest: &Manifest, ctx: &mut Ctx<'_>) {
        let held = self.journals.get_mut(&id).expect("its journal is loaded");
        let own = held.journal.segments().manifest(TxId(0), false, held.journal.highest());
        held.syncer.list(&own, manifest);
        self.fetch_next(id, ctx);
    }

    fn fetch_next(&mut self, id: JournalId, ctx: &mut Ctx<'_>) {
        let timeouts = self.options.sync_timeouts;
        let held = self.journals.get_mut(&id).expect("its journal is loaded");
        let segments = held.journal.segments();
        held.syncer.skip(|missing| segments.has_finalized(missing.start, missing.end));
        if !held.syncer.fetch_next(id, timeouts, ctx) {
            self.end_sync_round(id, ctx);
        }
    }

    fn on_sync_stored(&mut self, id: JournalId, ok: bool, ctx: &mut Ctx<'_>) {
        if !ok {
            return self.end_sync_round(id, ctx);
        }
        let held = self.journals.get(&id).expect("its journal is loaded");
        ctx.acquire(held.monitor, Tag::with(SYNC_MONITOR, u64::from(id.0)));
    }

    /// `moveTmpSegmentToCurrent`, under the journal's monitor.
    fn on_sync_monitor(&mut self, id: JournalId, ctx: &mut Ctx<'_>) {
        let held = self.journals.get_mut(&id).expect("its journal is loaded");
        let Round::Moving { segment, edits } = &held.syncer.round else {
            return ctx.release(held.monitor);
        };
        let (start, count) = (segment.start, edits.len() as u64);
        let file = LogFile { start, edits: count, in_progress: false };
        let taken = held.take_synced(&file, ctx);
        ctx.release(held.monitor);
        if taken {
            self.fetch_next(id, ctx);
        } else {
            self.end_sync_round(id, ctx);
        }
    }
}
