//! Journal recovery: the calls by which a new writer takes a journal over.
//!
//! Here: newEpoch, prepareRecovery and acceptRecovery, with its one point of commitment.
//! Never here: which copy wins (the writer decides), the transfer itself.
//! Modelled on: Hadoop `qjournal/server/Journal.java` (3.4.1) — docs/MODELS.md, "qjm".

use super::journal::{Accepted, Ask, Journal, Waiting, answer, refuse};
use super::segments::LogFile;
use super::{Answer, Epoch, Prepared, Refusal, SegmentState, TxId};
use crate::engine::id::ProcessId;
use crate::protocols::Outbox;

impl<E: Clone> Journal<E> {
    /// `newEpoch`.
    pub(super) fn on_new_epoch(&mut self, namespace: u64, epoch: Epoch, out: &mut Outbox<Ask<E>>) {
        if self.namespace != Some(namespace) {
            return refuse(Refusal::WrongNamespace, out);
        }
        if epoch <= self.promised {
            return refuse(Refusal::EpochNotNewer { promised: self.promised }, out);
        }
        self.waiting = Some(Waiting::NewEpoch { epoch });
        out.ask(Ask::Promise(epoch));
    }

    /// The promise is on disk: close what the old writer had open and say where it wrote last.
    pub(super) fn after_new_epoch(&mut self, out: &mut Outbox<Ask<E>>) {
        self.open = None;
        let latest = self.scan_for_latest(out);
        answer(Answer::Epoch { last_segment: latest.map(|file| file.start) }, out);
    }

    /// `scanStorageForLatestEdits`: the last file that holds an edit; empty ones are moved aside.
    pub(super) fn scan_for_latest(&mut self, out: &mut Outbox<Ask<E>>) -> Option<LogFile> {
        while let Some(latest) = self.segments.latest() {
            out.ask(Ask::Scan { edits: latest.edits });
            if 0 < latest.edits || !latest.in_progress {
                return Some(latest);
            }
            self.move_aside(latest.start, out);
        }
        None
    }

    fn move_aside(&mut self, start: TxId, out: &mut Outbox<Ask<E>>) {
        self.segments.drop_in_progress(start);
        out.ask(Ask::MoveAside(start));
    }

    /// `getSegmentInfo`.
    fn segment_info(
        &mut self,
        start: TxId,
        out: &mut Outbox<Ask<E>>,
    ) -> Result<Option<SegmentState>, Refusal> {
        let Some(file) = self.segments.at(start)? else { return Ok(None) };
        if file.in_progress {
            out.ask(Ask::Scan { edits: file.edits });
            if file.edits == 0 {
                self.move_aside(start, out);
            }
        }
        Ok(file.state())
    }

    /// `prepareRecovery`.
    pub(super) fn on_prepare(&mut self, segment: TxId, out: &mut Outbox<Ask<E>>) {
        self.open = None;
        let accepted = self.accepted.get(&segment).copied();
        self.complete_half_done_accept(segment, accepted, out);

        let on_disk = match self.segment_info(segment, out) {
            Ok(on_disk) => on_disk,
            Err(refusal) => return refuse(refusal, out),
        };
        let finalized = on_disk.is_some_and(|state| !state.in_progress);
        let accepted = accepted.filter(|_| !finalized);
        let prepared = Prepared {
            segment: accepted.map_or(on_disk, |accepted| Some(accepted.segment)),
            accepted_in: accepted.map(|accepted| accepted.epoch),
            last_writer: self.writer,
            committed: self.committed,
        };
        answer(Answer::Prepared(prepared), out);
    }

    /// The node died between decision and rename: the decision stands, so rename now.
    fn complete_half_done_accept(
        &mut self,
        start: TxId,
        accepted: Option<Accepted>,
        out: &mut Outbox<Ask<E>>,
    ) {
        let Some(Accepted { epoch, .. }) = accepted else { return };
        if let Some(edits) = self.downloads.remove(&(start, epoch)) {
            self.segments.put(LogFile { start, edits, in_progress: true });
            out.ask(Ask::TakeDownload { start, epoch });
        }
    }

    /// `acceptRecovery`.
    pub(super) fn on_accept(
        &mut self,
        accepted: Accepted,
        from: ProcessId,
        out: &mut Outbox<Ask<E>>,
    ) {
        self.open = None;
        let Accepted { epoch, segment } = accepted;
        if segment.start == TxId(0) || segment.end < segment.start {
            return refuse(Refusal::BadSegment, out);
        }
        if let Some(newer) = self.accepted.get(&segment.start).filter(|old| epoch < old.epoch) {
            return refuse(Refusal::AcceptedByNewer { epoch: newer.epoch }, out);
        }
        let on_disk = match self.segment_info(segment.start, out) {
            Ok(on_disk) => on_disk,
            Err(refusal) => return refuse(refusal, out),
        };

        match on_disk {
            Some(current) if current.end == segment.end => {
                self.decide(accepted, None, out); // the length is compared, not the content
                return;
            }
            Some(current) => {
                if let Err(refusal) = self.admit_replacement(&current, &segment) {
                    return refuse(refusal, out);
                }
                if current.contains(self.highest) {
                    self.highest = segment.end;
                }
            }
            None => self.highest = self.highest.max(segment.end),
        }
        self.waiting = Some(Waiting::Downloading { accepted });
        out.ask(Ask::Download { from, segment, epoch });
    }

    fn admit_replacement(
        &self,
        current: &SegmentState,
        wanted: &SegmentState,
    ) -> Result<(), Refusal> {
        let dropped = |txid: &TxId| current.contains(*txid) && !wanted.contains(*txid);
        if let Some(committed) = self.committed.filter(dropped) {
            return Err(Refusal::WouldDropCommitted { committed });
        }
        if !current.in_progress {
            return Err(Refusal::OverFinalized { end: current.end });
        }
        Ok(())
    }

    /// The copy lies beside the log, or did not come.
    pub(super) fn on_downloaded(
        &mut self,
        accepted: Accepted,
        edits: Option<u64>,
        out: &mut Outbox<Ask<E>>,
    ) {
        let Some(edits) = edits else { return refuse(Refusal::DownloadFailed, out) };
        self.downloads.insert((accepted.segment.start, accepted.epoch), edits);
        self.decide(accepted, Some(edits), out);
    }

    fn decide(&mut self, accepted: Accepted, downloaded: Option<u64>, out: &mut Outbox<Ask<E>>) {
        self.waiting = Some(Waiting::Accepting { accepted, downloaded });
        out.ask(Ask::Accept(accepted));
    }

    /// The decision is on disk: it is taken, whatever happens to this node.
    pub(super) fn after_accept(
        &mut self,
        accepted: Accepted,
        downloaded: Option<u64>,
        out: &mut Outbox<Ask<E>>,
    ) {
        let Accepted { epoch, segment } = accepted;
        let start = segment.start;
        self.accepted.insert(start, accepted);
        if let Some(edits) = downloaded {
            self.downloads.remove(&(start, epoch));
            self.segments.put(LogFile { start, edits, in_progress: true });
            out.ask(Ask::TakeDownload { start, epoch });
        }
        answer(Answer::Done, out);
    }
}
