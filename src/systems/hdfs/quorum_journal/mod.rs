//! Quorum journal: a NameNode's end of the log that JournalNodes keep, embedded in its process.
//!
//! Here: the writer of this promotion, the reader, and the calls, timers and facts around them.
//! Never here: decisions of the protocol (`protocols::qjm`); when a NameNode writes or reads.
//! Modelled on: Hadoop `qjournal/client/QuorumJournalManager.java`, `IPCLoggerChannel.java`
//! (3.4.1).
//! Left out: what a closed writer had queued is dropped, not finished.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use self::options::Options;
pub use self::options::QuorumJournalSetup;
use crate::clients::hadoop_ipc::client::{IpcClient, TAG_KINDS};
use crate::clients::hadoop_ipc::{
    CallId, CallOutcome, Completion, ConnectionKey, LocalFailure, ServerAddress,
};
use crate::engine::ctx::Ctx;
use crate::engine::process::{Conn, ConnEvent, Input, Tag, Timer};
use crate::history::{Fact, Term};
use crate::protocols::Outbox;
use crate::protocols::namenode::edit::Edit;
use crate::protocols::qjm::channel::{Failure, IpcFailure};
use crate::protocols::qjm::select::{self, Selection, Selector, Stream, Wanted};
use crate::protocols::qjm::writer::{self, Outcome, QuorumFailure, Step, Writer};
use crate::protocols::qjm::{Answer, Call, Epoch, LoggerId, TxId};
use crate::systems::hdfs::api::qjournal::{Asker, JOURNAL_RPC_PORT, JournalRequest, QJournal};
use crate::systems::hdfs::segment_fetch::{FetchFailure, FetchStep, SegmentFetch};

pub mod marks;
mod options;
#[cfg(test)]
mod tests;

const WRITER_WAIT: u32 = TAG_KINDS;
const READER_WAIT: u32 = TAG_KINDS + 1;
const FETCH: u32 = TAG_KINDS + 2;

/// How many values of `Tag::kind` it claims, from the base that its owner gives it.
pub const QUORUM_JOURNAL_TAG_KINDS: u32 = TAG_KINDS + 3;

/// One run of edits that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readable {
    /// First edit.
    pub start: TxId,
    /// Last edit that may be read.
    pub end: TxId,
    /// Whether more may follow.
    pub in_progress: bool,
}

/// What it tells its NameNode. Each operation ends with one.
#[derive(Clone, Debug)]
pub enum QuorumEvent {
    /// Recover, start, flush, finalize or format has ended.
    Written(Outcome),
    /// What can be read, or that a quorum did not say.
    Selected(Result<Vec<Readable>, QuorumFailure>),
    /// The edits of a run, in order, up to its end; or that no source had them.
    Fetched(Result<Arc<[Edit]>, FetchFailure>),
}

/// Whose call it was.
#[derive(Clone, Copy, Debug)]
enum Asked {
    Writer { logger: LoggerId },
    Reader { number: u64, logger: LoggerId },
}

/// A run that is being fetched, and who else has it.
#[derive(Clone, Debug)]
struct Fetching {
    start: TxId,
    end: TxId,
    others: VecDeque<(LoggerId, TxId)>,
    fetch: SegmentFetch,
}

/// Edits that came with the selection itself.
#[derive(Clone, Debug)]
struct ByRpc {
    start: TxId,
    edits: Arc<[Edit]>,
}

/// A NameNode's end of the shared log. One write and one read at a time. Its owner hands it every
/// `Connection` and `Timer` input and then drains [`QuorumJournal::event`].
#[derive(Clone)]
pub struct QuorumJournal {
    setup: Arc<QuorumJournalSetup>,
    options: Arc<Options>,
    tag_base: u32,
    ipc: IpcClient<QJournal>,
    calls: BTreeMap<CallId, Asked>,
    writer: Option<Writer<Edit>>,
    writer_timer: Timer,
    selector: Selector<Edit>,
    selector_timer: Timer,
    wanted_from: TxId,
    streams: Vec<Stream>,
    by_rpc: Option<ByRpc>,
    fetching: Option<Fetching>,
    events: VecDeque<QuorumEvent>,
}

impl QuorumJournal {
    /// Neither writing nor reading. Its tags have kinds `tag_base ..` of
    /// [`QUORUM_JOURNAL_TAG_KINDS`].
    pub fn new(setup: QuorumJournalSetup, tag_base: u32) -> QuorumJournal {
        let options = Options::read(&setup);
        QuorumJournal {
            tag_base,
            ipc: IpcClient::new(tag_base),
            calls: BTreeMap::new(),
            writer: None,
            writer_timer: Timer::NONE,
            selector: Selector::new(options.select),
            selector_timer: Timer::NONE,
            wanted_from: TxId::default(),
            streams: Vec::new(),
            by_rpc: None,
            fetching: None,
            events: VecDeque::new(),
            setup: Arc::new(setup),
            options: Arc::new(options),
        }
    }

    /// The next event, in the order in which they happened.
    pub fn event(&mut self) -> Option<QuorumEvent> {
        self.events.pop_front()
    }

    /// The name of one of its tags, for phases.
    pub fn tag_name(&self, tag: Tag) -> Option<&'static str> {
        match tag.kind.checked_sub(self.tag_base)? {
            WRITER_WAIT => Some("quorum write time-out"),
            READER_WAIT => Some("quorum read time-out"),
            FETCH => Some("segment transfer time-out"),
            _ => self.ipc.tag_name(tag),
        }
    }

    // Writing.

    /// `initJournalsForWrite`: a new writer, with new channels and without an epoch.
    pub fn open_for_write(&mut self, ctx: &mut Ctx<'_>) {
        self.close_writer(ctx);
        self.writer = Some(Writer::new(self.options.writer.clone()));
    }

    /// Drops the writer with all that it had under way.
    pub fn close_writer(&mut self, ctx: &mut Ctx<'_>) {
        if self.writer.take().is_none() {
            return;
        }
        ctx.cancel(self.writer_timer);
        self.abandon(|asked| matches!(asked, Asked::Writer { .. }), ctx);
    }

    /// The writer's epoch; none before a quorum promised it.
    pub fn epoch(&self) -> Epoch {
        self.writer.as_ref().map_or(Epoch::NONE, Writer::epoch)
    }

    /// `recoverUnfinalizedSegments`.
    pub fn recover(&mut self, ctx: &mut Ctx<'_>) {
        self.write(writer::Input::Recover, ctx);
    }

    /// `startLogSegment`.
    pub fn start_log_segment(&mut self, txid: TxId, ctx: &mut Ctx<'_>) {
        self.write(writer::Input::StartLogSegment { txid }, ctx);
    }

    /// `flushAndSync` of a ready buffer that holds at least one edit.
    pub fn flush(
        &mut self,
        segment: TxId,
        (first, edits): (TxId, Arc<[Edit]>),
        bytes: u64,
        ctx: &mut Ctx<'_>,
    ) {
        self.write(writer::Input::Flush { segment, first, edits, bytes }, ctx);
    }

    /// `finalizeLogSegment`.
    pub fn finalize(&mut self, start: TxId, end: TxId, ctx: &mut Ctx<'_>) {
        self.write(writer::Input::Finalize { start, end }, ctx);
    }

    /// `purgeLogsOlderThan`: no event follows.
    pub fn purge(&mut self, min: TxId, ctx: &mut Ctx<'_>) {
        self.write(writer::Input::Purge { min }, ctx);
    }

    /// `format`, by an operator, through a writer that was opened for it.
    pub fn format(&mut self, ctx: &mut Ctx<'_>) {
        self.write(writer::Input::Format, ctx);
    }

    fn write(&mut self, input: writer::Input<Edit>, ctx: &mut Ctx<'_>) {
        self.step_writer(input, ctx);
        self.settle(ctx);
    }

    fn step_writer(&mut self, input: writer::Input<Edit>, ctx: &mut Ctx<'_>) {
        let Some(writer) = &mut self.writer else { return };
        let mut out = Outbox::default();
        writer.step(input, ctx.now().monotonic, &mut out);
        let epoch = writer.epoch();
        for broken in out.broken {
            ctx.invariant(broken, false);
        }
        for ask in out.effects {
            match ask {
                writer::Ask::Call { logger, call } => {
                    self.call(Asked::Writer { logger }, call, ctx);
                }
                writer::Ask::Arm(span) => {
                    ctx.cancel(self.writer_timer);
                    self.writer_timer = ctx.arm(span, Tag::new(self.tag_base + WRITER_WAIT));
                }
                writer::Ask::Disarm => {
                    ctx.cancel(self.writer_timer);
                }
                writer::Ask::Step(step) => self.pass(step, epoch, ctx),
                writer::Ask::Done(outcome) => {
                    note_outcome(&outcome, ctx);
                    self.events.push_back(QuorumEvent::Written(outcome));
                }
            }
        }
    }

    fn pass(&self, step: Step, epoch: Epoch, ctx: &mut Ctx<'_>) {
        ctx.mark(marks::of(step).mark());
        if step == Step::EpochEstablished {
            let (resource, term) = (self.setup.resource, Term(epoch.0));
            ctx.note(Fact::TermBegun { resource, term });
        }
    }

    // Reading.

    /// `selectInputStreams`; one under way is given up.
    pub fn select(
        &mut self,
        from: TxId,
        in_progress_ok: bool,
        only_durable: bool,
        ctx: &mut Ctx<'_>,
    ) {
        self.cancel_read(ctx);
        self.wanted_from = from;
        let over_rpc = self.options.over_rpc;
        let wanted = Wanted { from, in_progress_ok, only_durable, over_rpc };
        let mut out = Outbox::default();
        self.selector.select(wanted, ctx.now().monotonic, &mut out);
        self.perform_reads(out, ctx);
        self.settle(ctx);
    }

    /// Reads a run of the last selection, from its first source that has it.
    pub fn fetch(&mut self, run: Readable, ctx: &mut Ctx<'_>) {
        if let Some(by_rpc) = self.by_rpc.as_ref().filter(|held| held.start == run.start) {
            let edits = Arc::clone(&by_rpc.edits);
            return self.events.push_back(QuorumEvent::Fetched(Ok(edits)));
        }
        let stream = self.streams.iter().find(|stream| stream.start == run.start);
        let mut others: VecDeque<_> =
            stream.map_or(&[][..], |found| &found.sources).to_vec().into();
        let Some(source) = others.pop_front() else {
            return self.events.push_back(QuorumEvent::Fetched(Err(FetchFailure::NotFound)));
        };
        self.fetch_from(source, run.start, others, ctx);
    }

    fn fetch_from(
        &mut self,
        (logger, end): (LoggerId, TxId),
        start: TxId,
        others: VecDeque<(LoggerId, TxId)>,
        ctx: &mut Ctx<'_>,
    ) {
        let from = self.setup.journal_nodes[logger.index()];
        let (what, tag) = ((self.setup.journal, start), Tag::new(self.tag_base + FETCH));
        let fetch = SegmentFetch::start(from, what, self.options.fetch, tag, ctx);
        self.fetching = Some(Fetching { start, end, others, fetch });
    }

    /// `RedundantEditLogInputStream`: another source after a failure, until there is none.
    fn fetched(&mut self, result: Result<Arc<[Edit]>, FetchFailure>, ctx: &mut Ctx<'_>) {
        let Fetching { start, end, mut others, .. } =
            self.fetching.take().expect("a fetch that ends was under way");
        let whole = result.and_then(|edits| match edits.last() {
            Some(last) if end.0 <= last.txid => Ok(edits),
            Some(_) | None => Err(FetchFailure::Broken), // shorter than it was said to be
        });
        match (whole, others.pop_front()) {
            (Err(_), Some(source)) => self.fetch_from(source, start, others, ctx),
            (Err(failure), None) => {
                self.events.push_back(QuorumEvent::Fetched(Err(failure)));
            }
            (Ok(edits), _) => {
                let wanted = self.wanted_from.0..=end.0;
                let within = edits.iter().filter(|edit| wanted.contains(&edit.txid));
                let edits = within.copied().collect();
                self.events.push_back(QuorumEvent::Fetched(Ok(edits)));
            }
        }
    }

    /// The reading thread was interrupted: no event will come.
    pub fn cancel_read(&mut self, ctx: &mut Ctx<'_>) {
        let mut out = Outbox::default();
        self.selector.stop(&mut out);
        self.perform_reads(out, ctx);
        if let Some(fetching) = self.fetching.take() {
            fetching.fetch.stop(ctx);
        }
        self.events.retain(|event| matches!(event, QuorumEvent::Written(_)));
    }

    fn perform_reads(&mut self, out: Outbox<select::Ask<Edit>>, ctx: &mut Ctx<'_>) {
        for ask in out.effects {
            match ask {
                select::Ask::CallAll { number, call } => {
                    for logger in (0..).map(LoggerId).take(self.setup.journal_nodes.len()) {
                        self.call(Asked::Reader { number, logger }, call.clone(), ctx);
                    }
                }
                select::Ask::CancelCalls { number } => {
                    let same = |asked: &Asked| match asked {
                        Asked::Reader { number: of, .. } => *of == number,
                        Asked::Writer { .. } => false,
                    };
                    self.abandon(same, ctx);
                }
                select::Ask::Arm(span) => {
                    ctx.cancel(self.selector_timer);
                    self.selector_timer = ctx.arm(span, Tag::new(self.tag_base + READER_WAIT));
                }
                select::Ask::Disarm => {
                    ctx.cancel(self.selector_timer);
                }
                select::Ask::Done(result) => {
                    let found = result.map(|selection| self.selected(selection));
                    self.events.push_back(QuorumEvent::Selected(found));
                }
            }
        }
    }

    fn selected(&mut self, selection: Selection<Edit>) -> Vec<Readable> {
        (self.streams, self.by_rpc) = (Vec::new(), None);
        match selection {
            Selection::Streams(streams) => {
                self.streams = streams;
                let readable = |stream: &Stream| Readable {
                    start: stream.start,
                    end: stream.end(),
                    in_progress: stream.in_progress,
                };
                self.streams.iter().map(readable).collect()
            }
            Selection::Edits(edits) => {
                let start = self.wanted_from;
                let Some(end) = start.last_of(edits.len() as u64) else { return Vec::new() };
                self.by_rpc = Some(ByRpc { start, edits: edits.into() });
                vec![Readable { start, end, in_progress: true }]
            }
        }
    }

    // Inputs.

    /// An input. False: it is none of its.
    pub fn on_input(&mut self, input: Input, ctx: &mut Ctx<'_>) -> bool {
        let mine = match input {
            Input::Connection(conn, event) => self.on_connection(conn, event, ctx),
            Input::Timer(tag) => self.on_timer(tag, ctx),
            Input::Started
            | Input::Disk(..)
            | Input::Granted(_)
            | Input::Flow(..)
            | Input::Beat(..)
            | Input::Admin(_) => false,
        };
        if mine {
            self.settle(ctx);
        }
        mine
    }

    fn on_connection(&mut self, conn: Conn, event: ConnEvent, ctx: &mut Ctx<'_>) -> bool {
        if self.ipc.on_connection(conn, event, ctx) {
            return true;
        }
        let Some(fetching) = &mut self.fetching else { return false };
        match fetching.fetch.on_connection(conn, event, ctx) {
            FetchStep::NotMine => return false,
            FetchStep::Goes => {}
            FetchStep::Ended(result) => self.fetched(result, ctx),
        }
        true
    }

    fn on_timer(&mut self, tag: Tag, ctx: &mut Ctx<'_>) -> bool {
        match tag.kind.checked_sub(self.tag_base) {
            Some(WRITER_WAIT) => self.step_writer(writer::Input::Woke, ctx),
            Some(READER_WAIT) => {
                let mut out = Outbox::default();
                self.selector.step(select::Input::Woke, ctx.now().monotonic, &mut out);
                self.perform_reads(out, ctx);
            }
            Some(FETCH) => {
                if let Some(fetching) = &self.fetching {
                    let failure = fetching.fetch.on_timer(ctx);
                    self.fetched(Err(failure), ctx);
                }
            }
            Some(_) | None => return self.ipc.on_timer(tag, ctx),
        }
        true
    }

    // Calls.

    fn call(&mut self, asked: Asked, call: Call<Edit>, ctx: &mut Ctx<'_>) {
        let (Asked::Writer { logger } | Asked::Reader { logger, .. }) = asked;
        let process = self.setup.journal_nodes[logger.index()];
        let server = ServerAddress { process, port: JOURNAL_RPC_PORT };
        let key = ConnectionKey { server, user: 0, policy: self.options.policy };
        let journal = self.setup.journal;
        let request = JournalRequest { journal, asker: Asker::NameNode, call };
        let id = self.ipc.call(key, request, ctx);
        self.calls.insert(id, asked);
    }

    fn abandon(&mut self, which: impl Fn(&Asked) -> bool, ctx: &mut Ctx<'_>) {
        let gone: Vec<CallId> =
            self.calls.extract_if(.., |_, asked| which(asked)).map(|(call, _)| call).collect();
        for call in gone {
            self.ipc.abandon(call, ctx);
        }
    }

    /// Calls that ended, and what they set off, until nothing more ends at once.
    fn settle(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(Completion { call, outcome, .. }) = self.ipc.completed() {
            let Some(asked) = self.calls.remove(&call) else { continue };
            let result = result_of(outcome);
            match asked {
                Asked::Writer { logger } => {
                    self.step_writer(writer::Input::RpcEnded { logger, result }, ctx);
                }
                Asked::Reader { number, logger } => {
                    let input = select::Input::RpcEnded { number, logger, result };
                    let mut out = Outbox::default();
                    self.selector.step(input, ctx.now().monotonic, &mut out);
                    self.perform_reads(out, ctx);
                }
            }
        }
    }
}

fn result_of(
    outcome: CallOutcome<Result<Answer<Edit>, crate::protocols::qjm::Refusal>>,
) -> Result<Answer<Edit>, Failure> {
    match outcome {
        CallOutcome::Reply(Ok(answer)) => Ok(answer),
        CallOutcome::Reply(Err(refusal)) => Err(Failure::Refused(refusal)),
        CallOutcome::Remote(_) => Err(Failure::Remote),
        CallOutcome::Failed(failure) => Err(Failure::Ipc(match failure {
            LocalFailure::ConnectRefused
            | LocalFailure::ConnectTimedOut
            | LocalFailure::NoRoute => IpcFailure::NotSent,
            LocalFailure::SocketTimeout => IpcFailure::TimedOut,
            LocalFailure::Eof | LocalFailure::Reset | LocalFailure::ConnectionTimedOut => {
                IpcFailure::SentAndLost
            }
        })),
    }
}

fn note_outcome(outcome: &Outcome, ctx: &mut Ctx<'_>) {
    let (note, fields) = match outcome {
        Outcome::Recovered { epoch, segment } => {
            let (start, end) = segment.map_or((0, 0), |found| (found.start.0, found.end.0));
            (marks::RECOVERED_NOTE, [epoch.0, start, end, 0])
        }
        Outcome::Failed(failure) => {
            let why = match failure {
                QuorumFailure::TimedOut => 0,
                QuorumFailure::TooManyFailures { .. } => 1,
                QuorumFailure::Assertion(_) => 2,
            };
            (marks::QUORUM_LOST, [why, 0, 0, 0])
        }
        Outcome::SegmentStarted
        | Outcome::Flushed { .. }
        | Outcome::Finalized
        | Outcome::Formatted => return,
    };
    ctx.note(Fact::Noted { name: note.note(), fields });
}
