//! Held journal: one journal of a JournalNode with its files, its monitor and its facts.
//!
//! Here: carrying the journal's wishes out on the disk, in order; what the history hears of it.
//! Never here: guards and decisions (`protocols::qjm`); connections.
//! Modelled on: Hadoop `qjournal/server/Journal.java` as an object with a monitor (3.4.1).

use std::sync::Arc;

use super::disk::{Files, Number};
use super::options::{JournalSetup, Options};
use super::syncer::Syncer;
use super::{ACCEPT_FETCH, DOWNLOAD_DISK, JOURNAL_DISK, WRITEBACK, marks};
use crate::clients::hadoop_ipc::server::ReplyTo;
use crate::engine::ctx::Ctx;
use crate::engine::process::{Resource, Tag};
use crate::history::{ContentHash, Fact, Position, ResourceName, Term};
use crate::protocols::Outbox;
use crate::protocols::namenode::edit::Edit;
use crate::protocols::qjm::journal::{Ask, Input, Journal};
use crate::protocols::qjm::segments::LogFile;
use crate::protocols::qjm::{Epoch, Refusal, Reply, TxId};
use crate::systems::hdfs::segment_fetch::SegmentFetch;

/// A batch in the page cache.
#[derive(Clone, Debug)]
struct Unsynced {
    edits: Arc<[Edit]>,
    term: Epoch,
}

/// What the call under way waits for, where the history or a mark wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    Promise,
    Batch,
    Decision,
    Other,
}

/// One journal of this process.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) files: Files,
    pub(super) resource: ResourceName,
    /// `synchronized (Journal)`: held from the grant to the answer.
    pub(super) monitor: Resource,
    pub(super) journal: Journal<Edit>,
    /// Whose call holds the monitor.
    pub(super) caller: Option<ReplyTo>,
    /// acceptRecovery's download.
    pub(super) fetch: Option<SegmentFetch>,
    pub(super) syncer: Syncer,
    waits: Waits,
    download: Option<(TxId, Epoch)>,
    unsynced: Vec<Unsynced>,
    /// Batches of a finalized segment that the kernel writes back by itself.
    writeback: Vec<Unsynced>,
}

impl Held {
    /// `getOrCreateJournal`: reads the storage and looks for its last edit.
    pub(super) fn load(setup: &JournalSetup, options: &Options, ctx: &mut Ctx<'_>) -> Held {
        let files = Files(setup.id);
        let mut out = Outbox::default();
        let journal = Journal::recovered(options.settings, files.read(ctx), &mut out);
        let mut held = Held {
            files,
            resource: setup.resource,
            monitor: ctx.lock("Journal"),
            journal,
            caller: None,
            fetch: None,
            syncer: Syncer::new(setup.peers.clone()),
            waits: Waits::Other,
            download: None,
            unsynced: Vec::new(),
            writeback: Vec::new(),
        };
        for ask in out.effects {
            let answered = held.perform(ask, options, ctx);
            assert!(answered.is_none(), "nobody called yet");
        }
        held
    }

    fn tag(&self, kind: u32) -> Tag {
        Tag::with(kind, u64::from(self.files.0.0))
    }

    /// The local disk has, or has not, done what the call waits for.
    pub(super) fn on_disk(
        &mut self,
        ok: bool,
        options: &Options,
        ctx: &mut Ctx<'_>,
    ) -> Option<Reply<Edit>> {
        let waits = std::mem::replace(&mut self.waits, Waits::Other);
        match waits {
            Waits::Promise => ctx.mark(marks::PROMISED.mark()),
            Waits::Batch => ctx.mark(marks::SYNCED.mark()),
            Waits::Decision => ctx.mark(marks::DECIDED.mark()),
            Waits::Other => {}
        }
        if ok && waits == Waits::Batch {
            let unsynced = std::mem::take(&mut self.unsynced);
            self.note_durable(&unsynced, ctx);
        }
        self.advance(Input::Stored { ok }, options, ctx)
    }

    /// The kernel wrote the rest of a finalized segment back.
    pub(super) fn on_writeback(&mut self, ctx: &mut Ctx<'_>) {
        let written = std::mem::take(&mut self.writeback);
        self.note_durable(&written, ctx);
    }

    /// The download lies beside the log; it is synced before it counts.
    pub(super) fn on_fetched(&mut self, edits: &[Edit], ctx: &mut Ctx<'_>) {
        let (start, epoch) = self.download.expect("a download was asked for");
        let file = self.files.download(start, epoch);
        ctx.remove(file);
        for edit in edits {
            ctx.append(file, *edit);
        }
        ctx.sync(file, self.tag(DOWNLOAD_DISK));
    }

    /// It is synced.
    pub(super) fn on_download_synced(
        &mut self,
        ok: bool,
        options: &Options,
        ctx: &mut Ctx<'_>,
    ) -> Option<Reply<Edit>> {
        let (start, epoch) = self.download.expect("a download was asked for");
        let file = self.files.download(start, epoch);
        let edits = ctx.records::<Edit>(file).map(|edits| edits.len() as u64);
        self.downloaded(edits.filter(|_| ok), options, ctx)
    }

    /// It is there, or did not come and left nothing.
    pub(super) fn downloaded(
        &mut self,
        edits: Option<u64>,
        options: &Options,
        ctx: &mut Ctx<'_>,
    ) -> Option<Reply<Edit>> {
        self.fetch = None;
        let (start, epoch) = self.download.take().expect("a download was asked for");
        if edits.is_none() {
            ctx.remove(self.files.download(start, epoch));
        }
        self.advance(Input::Downloaded { edits }, options, ctx)
    }

    /// One step of the call that holds the monitor. Its answer, if it is over.
    pub(super) fn advance(
        &mut self,
        input: Input<Edit>,
        options: &Options,
        ctx: &mut Ctx<'_>,
    ) -> Option<Reply<Edit>> {
        let mut out = Outbox::default();
        self.journal.step(input, &mut out);
        for broken in out.broken {
            ctx.invariant(broken, false);
        }
        let mut answered = None;
        for ask in out.effects {
            answered = self.perform(ask, options, ctx);
        }
        answered
    }

    fn perform(
        &mut self,
        ask: Ask<Edit>,
        options: &Options,
        ctx: &mut Ctx<'_>,
    ) -> Option<Reply<Edit>> {
        let files = self.files;
        let disk = self.tag(JOURNAL_DISK);
        match ask {
            Ask::Committed(txid) => ctx.overwrite(files.committed(), Number(txid.0)),
            Ask::Scan { edits } => ctx.work(options.scan_work.times(edits)),
            Ask::Append { segment, first, edits } => {
                let placed = edits.iter().zip(first.0..).all(|(edit, txid)| edit.txid == txid);
                ctx.invariant("model/qjm-edits-at-their-place", placed);
                for edit in edits.iter() {
                    ctx.append(files.in_progress(segment), *edit);
                }
                self.unsynced.push(Unsynced { edits, term: self.journal.last_writer() });
            }
            Ask::MoveAside(start) => ctx.remove(files.in_progress(start)),
            Ask::Finalize { start, .. } => {
                ctx.rename(files.in_progress(start), files.finalized(start));
                ctx.mark(marks::FINALIZED.mark());
                if !self.unsynced.is_empty() {
                    self.writeback.append(&mut self.unsynced);
                    ctx.sync(files.finalized(start), self.tag(WRITEBACK));
                }
            }
            Ask::TakeDownload { start, epoch } => self.take_download(start, epoch, ctx),
            Ask::ForgetAccepted(start) => ctx.remove(files.paxos(start)),
            Ask::Purge(file) => ctx.remove(files.log(&file)),
            Ask::PurgeDownload { start, epoch } => ctx.remove(files.download(start, epoch)),
            Ask::Promise(epoch) => {
                self.waits = Waits::Promise;
                ctx.replace(files.promised(), Number(epoch.0), disk);
            }
            Ask::Writer(epoch) => ctx.replace(files.writer(), Number(epoch.0), disk),
            Ask::Create(start) => {
                let file = files.in_progress(start);
                if ctx.records::<Edit>(file).is_some() {
                    self.note_truncated(TxId(start.0 - 1), ctx);
                }
                self.unsynced.clear();
                ctx.remove(file);
                ctx.sync(file, disk);
            }
            Ask::Sync(segment) => {
                self.waits = Waits::Batch;
                ctx.sync(files.in_progress(segment), disk);
            }
            Ask::Download { from, segment, epoch } => {
                self.download = Some((segment.start, epoch));
                let what = (files.0, segment.start);
                let tag = self.tag(ACCEPT_FETCH);
                let timeouts = options.accept_timeouts;
                self.fetch = Some(SegmentFetch::start(from, what, timeouts, tag, ctx));
            }
            Ask::Accept(accepted) => {
                self.waits = Waits::Decision;
                ctx.replace(files.paxos(accepted.segment.start), accepted, disk);
            }
            Ask::Format { namespace } => {
                files.clear(ctx);
                self.unsynced.clear();
                ctx.replace(files.version(), Number(namespace), disk);
            }
            Ask::Answer(reply) => {
                if let Err(Refusal::EpochBelowPromise { promised }) = reply {
                    let fields = [promised.0, 0, 0, 0];
                    ctx.note(Fact::Noted { name: marks::REFUSED_EPOCH.note(), fields });
                }
                return Some(reply);
            }
        }
        None
    }

    /// The decided segment replaces what was written here.
    fn take_download(&mut self, start: TxId, epoch: Epoch, ctx: &mut Ctx<'_>) {
        let (download, log) = (self.files.download(start, epoch), self.files.in_progress(start));
        let before = ctx.records::<Edit>(log).map_or(0, |edits| edits.len());
        let edits: Arc<[Edit]> = match ctx.records::<Edit>(download) {
            Some(edits) => edits.iter().copied().collect(),
            None => Arc::from([]),
        };
        self.unsynced.clear();
        ctx.rename(download, log);
        if edits.len() < before {
            self.note_truncated(TxId(start.0 + edits.len() as u64 - 1), ctx);
        }
        self.note_durable(&[Unsynced { edits, term: epoch }], ctx);
    }

    /// The syncer's download becomes a finalized segment, if the journal lets it.
    pub(super) fn take_synced(&mut self, file: &LogFile, ctx: &mut Ctx<'_>) -> bool {
        let (start, end) = (file.start, file.last().unwrap_or_default());
        let synced = self.files.synced(start);
        let taken = self.journal.take_synced(start, end);
        if taken {
            let edits = ctx.records::<Edit>(synced);
            let edits: Arc<[Edit]> =
                edits.map_or(Arc::from([]), |log| log.iter().copied().collect());
            ctx.rename(synced, self.files.finalized(start));
            self.note_durable(&[Unsynced { edits, term: self.journal.promised() }], ctx);
        } else {
            ctx.remove(synced);
        }
        taken
    }

    fn note_durable(&self, batches: &[Unsynced], ctx: &mut Ctx<'_>) {
        for batch in batches {
            for edit in batch.edits.iter() {
                ctx.note(Fact::Durable {
                    resource: self.resource,
                    term: Term(batch.term.0),
                    position: Position(edit.txid),
                    content: ContentHash(edit.content()),
                });
            }
        }
    }

    fn note_truncated(&self, keep: TxId, ctx: &mut Ctx<'_>) {
        ctx.note(Fact::Truncated { resource: self.resource, position: Position(keep.0) });
    }
}
