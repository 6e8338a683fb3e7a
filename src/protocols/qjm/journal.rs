//! Journal: one copy of the shared edit log, on one JournalNode.
//!
//! Here: promises, the open segment, every guard, and the order in which the disk is asked.
//! Never here: sockets, the monitor around it, dice, clocks, names of NameNodes, faults.
//! Modelled on: Hadoop `qjournal/server/Journal.java` (3.4.1) — docs/MODELS.md, "qjm".
//! Left out: upgrade and rollback of the storage layout; Java `assert` (off in production).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use super::journal_words::{
    Accepted, Ask, Fence, Input, JournalRules, JournalSettings, Stored,
};

use super::cache::Cache;
use super::segments::{LogFile, Segments};
use super::{Answer, Call, Epoch, Manifest, Refusal, RequestInfo, TxId};
use crate::protocols::Outbox;

/// The segment that edits go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    /// First edit.
    pub start: TxId,
    /// Place of the next edit.
    pub next: TxId,
}

/// What the call that holds the journal does once the disk has answered.
#[derive(Clone, Debug)]
pub(super) enum Waiting<E> {
    Fencing { epoch: Epoch, call: Call<E> },
    NewEpoch { epoch: Epoch },
    Writer { epoch: Epoch, txid: TxId },
    Creating { txid: TxId },
    Syncing { last: TxId },
    Downloading { accepted: Accepted },
    Accepting { accepted: Accepted, downloaded: Option<u64> },
    Formatting { namespace: u64 },
}

/// One copy of the log.
#[derive(Clone, Debug)]
pub struct Journal<E> {
    pub(super) settings: JournalSettings,
    // On disk.
    pub(super) namespace: Option<u64>,
    pub(super) promised: Epoch,
    pub(super) writer: Epoch,
    pub(super) committed: Option<TxId>,
    pub(super) segments: Segments,
    pub(super) accepted: BTreeMap<TxId, Accepted>,
    pub(super) downloads: BTreeMap<(TxId, Epoch), u64>,
    // In memory.
    pub(super) serial: Option<u64>,
    pub(super) open: Option<Open>,
    pub(super) highest: TxId,
    pub(super) cache: Option<Cache<E>>,
    pub(super) waiting: Option<Waiting<E>>,
}

impl<E: Clone> Journal<E> {
    /// The journal of a JournalNode that has just started.
    pub fn recovered(
        settings: JournalSettings,
        stored: Stored,
        out: &mut Outbox<Ask<E>>,
    ) -> Journal<E> {
        let Stored { namespace, promised, writer, committed, .. } = stored;
        let downloads = stored.downloads.into_iter().map(|(at, epoch, n)| ((at, epoch), n));
        let mut journal = Journal {
            settings,
            namespace,
            promised,
            writer,
            committed,
            segments: Segments::found(stored.segments),
            accepted: stored.accepted.into_iter().collect(),
            downloads: downloads.collect(),
            serial: None,
            open: None,
            highest: TxId::default(),
            cache: settings.cache_bytes.map(Cache::new),
            waiting: None,
        };
        if let Some(latest) = journal.scan_for_latest(out) {
            journal.highest = latest.last().unwrap_or_default();
        }
        journal
    }

    /// One call's next step.
    pub fn step(&mut self, input: Input<E>, out: &mut Outbox<Ask<E>>) {
        match (input, self.waiting.take()) {
            (Input::Called(call), None) => self.on_called(call, out),
            (Input::Stored { ok: true }, Some(waiting)) => self.on_stored(waiting, out),
            (Input::Stored { ok: false }, Some(_)) => refuse(Refusal::DiskFailed, out),
            (Input::Downloaded { edits }, Some(Waiting::Downloading { accepted })) => {
                self.on_downloaded(accepted, edits, out);
            }
            (Input::Called(_), Some(_))
            | (Input::Stored { .. }, None)
            | (Input::Downloaded { .. }, None | Some(_)) => {
                unreachable!("the monitor lets one call in, until its answer")
            }
        }
    }

    fn on_called(&mut self, call: Call<E>, out: &mut Outbox<Ask<E>>) {
        let unformatted_ok = match &call {
            Call::Heartbeat { .. }
            | Call::IsFormatted
            | Call::Format { .. }
            | Call::JournaledEdits { .. } => true,
            Call::JournalState
            | Call::NewEpoch { .. }
            | Call::StartLogSegment { .. }
            | Call::Journal { .. }
            | Call::FinalizeLogSegment { .. }
            | Call::PrepareRecovery { .. }
            | Call::AcceptRecovery { .. }
            | Call::PurgeLogsOlderThan { .. }
            | Call::EditLogManifest { .. } => false,
        };
        if self.namespace.is_none() && !unformatted_ok {
            return refuse(Refusal::NotFormatted, out);
        }
        let Some(info) = call.info().copied() else { return self.dispatch(call, out) };
        match (self.settings.rules.fence)(info.epoch, self.promised) {
            Fence::Refuse => {
                refuse(Refusal::EpochBelowPromise { promised: self.promised }, out);
            }
            Fence::Keep => self.on_fenced(&info, call, out),
            Fence::Adopt => {
                self.waiting = Some(Waiting::Fencing { epoch: info.epoch, call });
                out.ask(Ask::Promise(info.epoch));
            }
        }
    }

    /// The rest of `checkRequest`: what it admits is consumed even if a later guard refuses.
    fn on_fenced(&mut self, info: &RequestInfo, call: Call<E>, out: &mut Outbox<Ask<E>>) {
        if let Some(last) = self.serial.filter(|last| info.serial <= *last) {
            return refuse(Refusal::SerialNotNewer { last }, out);
        }
        self.serial = Some(info.serial);
        if let Some(committed) = info.committed {
            if let Some(stored) = self.committed.filter(|stored| committed < *stored) {
                return refuse(Refusal::CommittedMovedBack { stored }, out);
            }
            self.committed = Some(committed);
            out.ask(Ask::Committed(committed));
        }
        self.dispatch(call, out);
    }

    fn dispatch(&mut self, call: Call<E>, out: &mut Outbox<Ask<E>>) {
        match call {
            Call::JournalState => answer(Answer::State { promised: self.promised }, out),
            Call::NewEpoch { namespace, epoch } => self.on_new_epoch(namespace, epoch, out),
            Call::StartLogSegment { info, txid } => self.on_start(&info, txid, out),
            Call::Journal { info, segment, first, edits, bytes } => {
                self.on_batch(&info, Batch { segment, first, edits, bytes }, out);
            }
            Call::Heartbeat { .. } => answer(Answer::Done, out),
            Call::FinalizeLogSegment { start, end, .. } => self.on_finalize(start, end, out),
            Call::PrepareRecovery { segment, .. } => self.on_prepare(segment, out),
            Call::AcceptRecovery { info, segment, from } => {
                self.on_accept(Accepted { epoch: info.epoch, segment }, from, out);
            }
            Call::PurgeLogsOlderThan { min, .. } => self.on_purge(min, out),
            Call::IsFormatted => answer(Answer::Formatted(self.namespace.is_some()), out),
            Call::Format { namespace } => self.on_format(namespace, out),
            Call::EditLogManifest { since, in_progress_ok } => {
                let segments = self.segments.manifest(since, in_progress_ok, self.highest);
                let committed = self.committed;
                answer(Answer::Manifest(Manifest { segments, committed }), out);
            }
            Call::JournaledEdits { since, max } => {
                let found = self.journaled_edits(since, max);
                out.ask(Ask::Answer(found.map(|edits| Answer::Edits { edits })));
            }
        }
    }

    fn on_stored(&mut self, waiting: Waiting<E>, out: &mut Outbox<Ask<E>>) {
        match waiting {
            Waiting::Fencing { epoch, call } => {
                self.promise(epoch, out);
                let info = *call.info().expect("only requests with an epoch are fenced");
                self.on_fenced(&info, call, out);
            }
            Waiting::NewEpoch { epoch } => {
                self.promise(epoch, out);
                self.after_new_epoch(out);
            }
            Waiting::Writer { epoch, txid } => {
                self.writer = epoch;
                self.create(txid, out);
            }
            Waiting::Creating { txid } => {
                self.segments.put(LogFile { start: txid, edits: 0, in_progress: true });
                self.open = Some(Open { start: txid, next: txid });
                answer(Answer::Done, out);
            }
            Waiting::Syncing { last } => self.written(last, out),
            Waiting::Accepting { accepted, downloaded } => {
                self.after_accept(accepted, downloaded, out);
            }
            Waiting::Formatting { namespace } => {
                let fresh = Stored { namespace: Some(namespace), ..Stored::default() };
                *self = Journal::recovered(self.settings, fresh, out);
                answer(Answer::Done, out);
            }
            Waiting::Downloading { .. } => unreachable!("a download is not the local disk's"),
        }
    }

    fn promise(&mut self, epoch: Epoch, out: &mut Outbox<Ask<E>>) {
        out.invariant("model/qjm-promise-never-retreats", self.promised <= epoch);
        self.promised = epoch;
        self.serial = None; // a new writer counts from 0 again
    }

    /// `startLogSegment`.
    fn on_start(&mut self, info: &RequestInfo, txid: TxId, out: &mut Outbox<Ask<E>>) {
        self.open = None; // an open segment is given up
        match self.admit_start(txid) {
            Err(refusal) => return refuse(refusal, out),
            Ok(None) => {}
            Ok(Some(existing)) => out.ask(Ask::Scan { edits: existing.edits }),
        }

        if self.writer == info.epoch {
            self.create(txid, out);
        } else {
            self.waiting = Some(Waiting::Writer { epoch: info.epoch, txid });
            out.ask(Ask::Writer(info.epoch));
        }
    }

    /// A segment in progress may be replaced if it holds the one edit that begins a segment.
    fn admit_start(&self, txid: TxId) -> Result<Option<LogFile>, Refusal> {
        let existing = self.segments.at(txid)?;
        match existing {
            Some(file) if !file.in_progress => Err(Refusal::SegmentFinalized),
            Some(file) if file.edits != 1 => Err(Refusal::SegmentHasEdits),
            Some(_) | None => Ok(existing),
        }
    }

    fn create(&mut self, txid: TxId, out: &mut Outbox<Ask<E>>) {
        if self.settings.rules.start_forgets_decision {
            self.forget_accepted(txid, out);
        }
        self.waiting = Some(Waiting::Creating { txid });
        out.ask(Ask::Create(txid));
    }

    pub(super) fn forget_accepted(&mut self, start: TxId, out: &mut Outbox<Ask<E>>) {
        if self.accepted.remove(&start).is_some() {
            out.ask(Ask::ForgetAccepted(start));
        }
    }

    /// `journal`: append a batch to the open segment.
    fn on_batch(&mut self, info: &RequestInfo, batch: Batch<E>, out: &mut Outbox<Ask<E>>) {
        match self.admit_batch(info, &batch) {
            Ok(Admitted::Empty) => return answer(Answer::Done, out),
            Ok(Admitted::Edits) => {}
            Err(refusal) => {
                if let Refusal::WrongSegment { .. } = refusal {
                    self.open = None;
                }
                return refuse(refusal, out);
            }
        }

        let Batch { segment, first, edits, bytes } = batch;
        let count = edits.len() as u64;
        let last = first.last_of(count).expect("the batch is not empty");
        if let Some(cache) = &mut self.cache {
            cache.store(first, &edits, bytes);
        }
        self.segments.grow(segment, count);
        out.ask(Ask::Append { segment, first, edits });

        if (self.settings.rules.needs_sync)(last, self.committed) {
            self.waiting = Some(Waiting::Syncing { last });
            out.ask(Ask::Sync(segment));
        } else {
            self.written(last, out); // a quorum has it: this copy is catching up
        }
    }

    /// The guards of `journal` behind `checkRequest`, in the original's order.
    fn admit_batch(&self, info: &RequestInfo, batch: &Batch<E>) -> Result<Admitted, Refusal> {
        if info.epoch != self.writer {
            return Err(Refusal::NotTheCurrentWriter { writer: self.writer });
        }
        if batch.edits.is_empty() {
            return Ok(Admitted::Empty);
        }
        let Some(open) = self.open else { return Err(Refusal::NoSegmentOpen) };
        if open.start != batch.segment {
            return Err(Refusal::WrongSegment { open: open.start });
        }
        if open.next != batch.first {
            return Err(Refusal::OutOfOrder { expected: open.next });
        }
        Ok(Admitted::Edits)
    }

    fn written(&mut self, last: TxId, out: &mut Outbox<Ask<E>>) {
        let open = self.open.as_mut().expect("a batch is written to an open segment");
        assert!(open.next <= last, "edits are written in order");
        open.next = last.plus(1);
        self.highest = last;
        answer(Answer::Done, out);
    }

    /// `finalizeLogSegment`.
    fn on_finalize(&mut self, start: TxId, end: TxId, out: &mut Outbox<Ask<E>>) {
        let mut needs_scan = true;
        if let Some(open) = self.open.filter(|open| open.start == start) {
            self.open = None;
            if open.next != end.plus(1) {
                let written = start.last_of(open.next.0 - start.0);
                return refuse(Refusal::WrongEnd { written }, out);
            }
            needs_scan = false;
        }
        match self.segments.at(start) {
            Err(refusal) => return refuse(refusal, out),
            Ok(None) => return refuse(Refusal::NoSuchSegment, out),
            Ok(Some(file)) if file.in_progress => {
                if needs_scan {
                    out.ask(Ask::Scan { edits: file.edits });
                    if file.last() != Some(end) {
                        return refuse(Refusal::WrongEnd { written: file.last() }, out);
                    }
                }
                self.segments.finalize(start, end);
                out.ask(Ask::Finalize { start, end });
            }
            Ok(Some(file)) => {
                let last = file.last().unwrap_or_default();
                if last != end {
                    return refuse(Refusal::FinalizedOtherwise { end: last }, out);
                }
            }
        }
        self.forget_accepted(start, out);
        answer(Answer::Done, out);
    }

    /// `purgeLogsOlderThan`.
    fn on_purge(&mut self, min: TxId, out: &mut Outbox<Ask<E>>) {
        let old = |file: &LogFile| match file.in_progress {
            true => file.start < min,
            false => file.last().is_none_or(|last| last < min),
        };
        let files: Vec<LogFile> = self.segments.iter().filter(old).collect();
        for file in files {
            if file.in_progress {
                self.segments.drop_in_progress(file.start);
            } else {
                self.segments.drop_finalized(file.start);
            }
            out.ask(Ask::Purge(file));
        }
        let downloads: BTreeSet<(TxId, Epoch)> = self.downloads.keys().copied().collect();
        for (start, epoch) in downloads.into_iter().filter(|(start, _)| *start < min) {
            self.downloads.remove(&(start, epoch));
            out.ask(Ask::PurgeDownload { start, epoch });
        }
        let decisions: Vec<TxId> = self.accepted.range(..min).map(|(start, _)| *start).collect();
        for start in decisions {
            self.forget_accepted(start, out);
        }
        answer(Answer::Done, out);
    }

    /// `format`: not over a journal that holds another namespace.
    fn on_format(&mut self, namespace: u64, out: &mut Outbox<Ask<E>>) {
        if self.namespace.is_some_and(|held| held != namespace) {
            return refuse(Refusal::AlreadyFormatted, out);
        }
        self.waiting = Some(Waiting::Formatting { namespace });
        out.ask(Ask::Format { namespace });
    }

    /// `getJournaledEdits`.
    fn journaled_edits(&self, since: TxId, max: u64) -> Result<Vec<E>, Refusal> {
        let Some(cache) = &self.cache else { return Err(Refusal::CacheDisabled) };
        let next = self.highest.plus(1);
        if since == next || (next < since && !self.settings.refuses_newer_txid) {
            return Ok(Vec::new());
        }
        if next < since {
            return Err(Refusal::NewerTxnId { highest: self.highest });
        }
        cache.retrieve(since, max)
    }

    /// `moveTmpSegmentToCurrent`: whether the syncer may move its download in. Only what a quorum
    /// is known to have is taken over unasked.
    pub fn take_synced(&mut self, start: TxId, end: TxId) -> bool {
        let taken = self.committed.is_some_and(|committed| end <= committed);
        if taken {
            let edits = start.through(end);
            self.segments.put(LogFile { start, edits, in_progress: false });
        }
        taken
    }

    /// All log files, for the syncer and the HTTP side.
    pub const fn segments(&self) -> &Segments {
        &self.segments
    }

    /// Whether `format` was ever done.
    pub const fn is_formatted(&self) -> bool {
        self.namespace.is_some()
    }

    /// `lastPromisedEpoch`.
    pub const fn promised(&self) -> Epoch {
        self.promised
    }

    /// `lastWriterEpoch`.
    pub const fn last_writer(&self) -> Epoch {
        self.writer
    }

    /// `committedTxId`.
    pub const fn committed(&self) -> Option<TxId> {
        self.committed
    }

    /// `highestWrittenTxId`; 0 before the first edit.
    pub const fn highest(&self) -> TxId {
        self.highest
    }

    /// The segment that is open for writing.
    pub const fn open(&self) -> Option<Open> {
        self.open
    }
}

/// The edits of a `journal` call.
struct Batch<E> {
    segment: TxId,
    first: TxId,
    edits: Arc<[E]>,
    bytes: u64,
}

/// What is to be done with an admitted batch.
enum Admitted {
    Empty,
    Edits,
}

pub(super) fn answer<E>(answer: Answer<E>, out: &mut Outbox<Ask<E>>) {
    out.ask(Ask::Answer(Ok(answer)));
}

pub(super) fn refuse<E>(refusal: Refusal, out: &mut Outbox<Ask<E>>) {
    out.ask(Ask::Answer(Err(refusal)));
}
