//! Quorum: the log that JournalNodes keep, as a NameNode's shared journal.
//!
//! Here: the words of one in the words of the other.
//! Never here: behaviour (`quorum_journal`).
//! Modelled on: Hadoop `QuorumJournalManager implements JournalManager`.

use super::shared_journal::{FlushBatch, JournalEvent, Selection, SharedJournal, Stream};
use crate::engine::ctx::Ctx;
use crate::engine::process::{Input, Tag};
use crate::protocols::qjm::TxId;
use crate::protocols::qjm::writer::{Outcome, QuorumFailure};
use crate::systems::hdfs::quorum_journal::{QuorumEvent, QuorumJournal, Readable};

const fn written(outcome: Outcome) -> Result<(), &'static str> {
    match outcome {
        Outcome::Recovered { .. }
        | Outcome::SegmentStarted
        | Outcome::Flushed { .. }
        | Outcome::Finalized
        | Outcome::Formatted => Ok(()),
        Outcome::Failed(QuorumFailure::TimedOut) => Err("timed out waiting for a quorum"),
        Outcome::Failed(QuorumFailure::TooManyFailures { .. }) => {
            Err("too many exceptions to achieve quorum size")
        }
        Outcome::Failed(QuorumFailure::Assertion(_)) => Err("AssertionError in recovery"),
    }
}

const fn stream(of: Readable) -> Stream {
    Stream { first: of.start.0, last: of.end.0, in_progress: of.in_progress }
}

impl SharedJournal for QuorumJournal {
    fn open_for_write(&mut self, ctx: &mut Ctx<'_>) {
        self.open_for_write(ctx);
    }

    fn close_writer(&mut self, ctx: &mut Ctx<'_>) {
        self.close_writer(ctx);
    }

    fn recover(&mut self, ctx: &mut Ctx<'_>) {
        self.recover(ctx);
    }

    fn term(&self) -> u64 {
        self.epoch().0
    }

    fn start_segment(&mut self, txid: u64, ctx: &mut Ctx<'_>) {
        self.start_log_segment(TxId(txid), ctx);
    }

    fn flush(&mut self, batch: FlushBatch, ctx: &mut Ctx<'_>) {
        let FlushBatch { segment, first, edits, bytes } = batch;
        self.flush(TxId(segment), (TxId(first), edits), bytes, ctx);
    }

    fn finalize(&mut self, first: u64, last: u64, ctx: &mut Ctx<'_>) {
        self.finalize(TxId(first), TxId(last), ctx);
    }

    fn purge(&mut self, min: u64, ctx: &mut Ctx<'_>) {
        self.purge(TxId(min), ctx);
    }

    fn select(&mut self, selection: Selection, ctx: &mut Ctx<'_>) {
        let Selection { from, in_progress_ok, only_durable } = selection;
        self.select(TxId(from), in_progress_ok, only_durable, ctx);
    }

    fn fetch(&mut self, stream: Stream, ctx: &mut Ctx<'_>) {
        let Stream { first, last, in_progress } = stream;
        self.fetch(Readable { start: TxId(first), end: TxId(last), in_progress }, ctx);
    }

    fn cancel_read(&mut self, ctx: &mut Ctx<'_>) {
        self.cancel_read(ctx);
    }

    fn on_input(&mut self, input: Input, ctx: &mut Ctx<'_>) -> bool {
        self.on_input(input, ctx)
    }

    fn event(&mut self) -> Option<JournalEvent> {
        self.event().map(|event| match event {
            QuorumEvent::Written(outcome) => JournalEvent::Ended(written(outcome)),
            QuorumEvent::Selected(found) => {
                JournalEvent::Selected(found.unwrap_or_default().into_iter().map(stream).collect())
            }
            QuorumEvent::Fetched(edits) => {
                JournalEvent::Fetched(edits.map_err(|_| "no JournalNode has the segment"))
            }
        })
    }

    fn tag_name(&self, tag: Tag) -> Option<&'static str> {
        self.tag_name(tag)
    }
}
