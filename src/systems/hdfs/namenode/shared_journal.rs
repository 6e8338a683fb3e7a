//! Shared journal: the log that the NameNodes of a nameservice share, whatever keeps it.
//!
//! Here: what a NameNode asks of it and what it answers; which kinds there are.
//! Never here: how a kind does it (`qjm_writer`, `nfs`).
//! Modelled on: Hadoop `JournalManager`, `FileJournalManager`, `QuorumJournalManager`.

use std::sync::Arc;

use crate::engine::ctx::Ctx;
use crate::engine::process::{Input, Tag};
use crate::protocols::namenode::edit::Edit;

/// One run of edits that can be read (`EditLogInputStream`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// First transaction.
    pub first: u64,
    /// Last transaction that may be read.
    pub last: u64,
    /// Whether more may follow.
    pub in_progress: bool,
}

/// Edits to be flushed.
#[derive(Clone, Debug)]
pub struct FlushBatch {
    /// The open segment.
    pub segment: u64,
    /// First transaction.
    pub first: u64,
    /// At least one, in order.
    pub edits: Arc<[Edit]>,
    /// Their size.
    pub bytes: u64,
}

/// What to select.
#[derive(Clone, Copy, Debug)]
pub struct Selection {
    /// First transaction wanted.
    pub from: u64,
    /// Whether the open segment counts.
    pub in_progress_ok: bool,
    /// Whether only what a quorum holds may be read.
    pub only_durable: bool,
}

/// What a shared journal tells its NameNode.
#[derive(Clone, Debug)]
pub enum JournalEvent {
    /// Recover, start, flush or finalize has ended.
    Ended(Result<(), &'static str>),
    /// What can be read; nothing, if that could not be found out (`JournalSet` only warns).
    Selected(Vec<Stream>),
    /// The edits of a stream, in order; an error is an `EditLogInputException`.
    Fetched(Result<Arc<[Edit]>, &'static str>),
    /// The state of its volume, if it has one that the NameNode looks at.
    Probed(bool),
}

/// A journal shared by NameNodes. One write operation and one read at a time; each ends with one
/// event.
pub trait SharedJournal {
    /// A new instance for writing, with new connections (`initJournalsForWrite`).
    fn open_for_write(&mut self, ctx: &mut Ctx<'_>);
    /// The writer is done (`close`, after its last segment was finalized).
    fn close_writer(&mut self, ctx: &mut Ctx<'_>);
    /// `recoverUnfinalizedSegments`.
    fn recover(&mut self, ctx: &mut Ctx<'_>);
    /// The writer's term, once recovered; 0 if the journal knows none.
    fn term(&self) -> u64;
    /// `startLogSegment`.
    fn start_segment(&mut self, txid: u64, ctx: &mut Ctx<'_>);
    /// `flushAndSync` of a ready buffer that holds something.
    fn flush(&mut self, batch: FlushBatch, ctx: &mut Ctx<'_>);
    /// `finalizeLogSegment`.
    fn finalize(&mut self, first: u64, last: u64, ctx: &mut Ctx<'_>);
    /// `purgeLogsOlderThan`; nobody waits for it.
    fn purge(&mut self, min: u64, ctx: &mut Ctx<'_>);
    /// `selectInputStreams`.
    fn select(&mut self, selection: Selection, ctx: &mut Ctx<'_>);
    /// Reads a stream that was selected.
    fn fetch(&mut self, stream: Stream, ctx: &mut Ctx<'_>);
    /// The reading thread was interrupted: no event will come.
    fn cancel_read(&mut self, ctx: &mut Ctx<'_>);
    /// `NameNodeResourceChecker`: looks at the volume, if it is a mounted one. False: it is none.
    fn probe(&mut self, _ctx: &mut Ctx<'_>) -> bool {
        false
    }
    /// An input. False: it is none of this journal's.
    fn on_input(&mut self, input: Input, ctx: &mut Ctx<'_>) -> bool;
    /// The next event.
    fn event(&mut self) -> Option<JournalEvent>;
    /// The name of one of its tags.
    fn tag_name(&self, tag: Tag) -> Option<&'static str>;
}
