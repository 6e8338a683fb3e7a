//! NFS journal: the shared edits directory as a NameNode's shared journal.
//!
//! Here: which file operations each operation of the journal is.
//! Never here: the mount's persistence.
//! Modelled on: Hadoop `FileJournalManager`, `EditLogFileOutputStream` (3.4.1).

use std::collections::VecDeque;

use super::mount::Mount;
use crate::engine::ctx::Ctx;
use crate::engine::id::ProcessId;
use crate::engine::process::{Input, Tag};
use crate::systems::hdfs::api::nfs::{FileHandle, NfsOp, NfsResult, NfsSegment};
use crate::systems::hdfs::namenode::SHARED_JOURNAL_TAGS;
use crate::systems::hdfs::namenode::shared_journal::{
    FlushBatch, JournalEvent, Selection, SharedJournal, Stream,
};
use crate::systems::registry::MarkSpec;

/// What the writing thread waits for.
#[derive(Clone, Debug)]
enum Writing {
    Idle,
    /// The list of open segments.
    Scanning(u64),
    /// Finalizing them, one after the other.
    Recovering(u64, VecDeque<NfsSegment>),
    /// Any other call.
    Calling(u64),
}

/// What the reading thread waits for.
#[derive(Clone, Copy, Debug)]
enum Reading {
    Idle,
    Listing(u64, Selection),
    Fetching(u64, Stream),
}

/// A shared edits directory on a filer.
#[derive(Clone, Debug)]
pub struct NfsJournal {
    mount: Mount,
    writing: Writing,
    reading: Reading,
    probing: Option<u64>,
    /// The open segment's file.
    open: Option<FileHandle>,
    events: VecDeque<JournalEvent>,
}

/// The directory has no open segment: the end of the phase "journal recovery".
pub const RECOVERED: MarkSpec = MarkSpec {
    name: "nfs/recovered",
    ends_phase: Some("journal recovery"),
    meaning: "a new writer has closed the open segments of the shared edits directory",
};

const FAILED: JournalEvent = JournalEvent::Ended(Err("the shared edits directory failed"));

impl NfsJournal {
    /// The directory that `filer` serves.
    pub const fn new(filer: ProcessId) -> NfsJournal {
        NfsJournal {
            mount: Mount::new(filer, SHARED_JOURNAL_TAGS),
            writing: Writing::Idle,
            reading: Reading::Idle,
            probing: None,
            open: None,
            events: VecDeque::new(),
        }
    }

    fn write(&mut self, op: NfsOp, ctx: &mut Ctx<'_>) {
        let xid = self.mount.call(op, ctx);
        self.writing = Writing::Calling(xid);
    }

    fn answered(&mut self, xid: u64, result: NfsResult, ctx: &mut Ctx<'_>) {
        if self.probing == Some(xid) {
            self.probing = None;
            return self.events.push_back(JournalEvent::Probed(result == NfsResult::Done));
        }
        match self.reading {
            Reading::Listing(mine, selection) if mine == xid => {
                self.reading = Reading::Idle;
                return self.events.push_back(JournalEvent::Selected(select(result, selection)));
            }
            Reading::Fetching(mine, stream) if mine == xid => {
                self.reading = Reading::Idle;
                return self.events.push_back(JournalEvent::Fetched(content(result, stream)));
            }
            Reading::Idle | Reading::Listing(..) | Reading::Fetching(..) => {}
        }
        match std::mem::replace(&mut self.writing, Writing::Idle) {
            Writing::Scanning(mine) if mine == xid => match result {
                NfsResult::Listing(segments) => {
                    let open = segments.into_iter().filter(|segment| segment.in_progress);
                    self.recover_next(open.collect(), ctx);
                }
                NfsResult::Created(_)
                | NfsResult::Done
                | NfsResult::Content(_)
                | NfsResult::NoEntry
                | NfsResult::Failed => self.events.push_back(FAILED),
            },
            Writing::Recovering(mine, rest) if mine == xid => {
                if result == NfsResult::Done {
                    self.recover_next(rest, ctx);
                } else {
                    self.events.push_back(FAILED);
                }
            }
            Writing::Calling(mine) if mine == xid => self.called(&result),
            // A purge, or a read that was interrupted.
            waiting @ (Writing::Idle
            | Writing::Scanning(_)
            | Writing::Recovering(..)
            | Writing::Calling(_)) => self.writing = waiting,
        }
    }

    /// `recoverUnfinalizedSegments`: the next open segment ends where its content does.
    fn recover_next(&mut self, mut open: VecDeque<NfsSegment>, ctx: &mut Ctx<'_>) {
        let Some(segment) = open.pop_front() else {
            ctx.mark(RECOVERED.mark());
            return self.events.push_back(JournalEvent::Ended(Ok(())));
        };
        let first = segment.first;
        let op = match segment.last {
            Some(last) => NfsOp::Finalize { first, last },
            None => NfsOp::RemoveEmpty { first },
        };
        let xid = self.mount.call(op, ctx);
        self.writing = Writing::Recovering(xid, open);
    }

    fn called(&mut self, result: &NfsResult) {
        let event = match result {
            NfsResult::Created(handle) => {
                self.open = Some(*handle);
                JournalEvent::Ended(Ok(()))
            }
            NfsResult::Done => JournalEvent::Ended(Ok(())),
            NfsResult::Listing(_)
            | NfsResult::Content(_)
            | NfsResult::NoEntry
            | NfsResult::Failed => FAILED,
        };
        self.events.push_back(event);
    }
}

fn select(result: NfsResult, selection: Selection) -> Vec<Stream> {
    let NfsResult::Listing(segments) = result else { return Vec::new() };
    let wanted = segments.into_iter().filter_map(|segment| {
        let NfsSegment { first, last, in_progress } = segment;
        let last = last.filter(|last| selection.from <= *last)?;
        (!in_progress || selection.in_progress_ok).then_some(Stream { first, last, in_progress })
    });
    wanted.collect()
}

fn content(
    result: NfsResult,
    stream: Stream,
) -> Result<std::sync::Arc<[crate::protocols::namenode::edit::Edit]>, &'static str> {
    match result {
        // What a writer that was not fenced put behind a segment's end is not read.
        NfsResult::Content(edits) => {
            Ok(edits.iter().filter(|edit| edit.txid <= stream.last).copied().collect())
        }
        NfsResult::Created(_)
        | NfsResult::Done
        | NfsResult::Listing(_)
        | NfsResult::NoEntry
        | NfsResult::Failed => Err("a segment of the shared edits directory cannot be read"),
    }
}

impl SharedJournal for NfsJournal {
    fn open_for_write(&mut self, _ctx: &mut Ctx<'_>) {
        self.open = None;
    }

    fn close_writer(&mut self, _ctx: &mut Ctx<'_>) {
        self.open = None;
    }

    fn recover(&mut self, ctx: &mut Ctx<'_>) {
        let xid = self.mount.call(NfsOp::List, ctx);
        self.writing = Writing::Scanning(xid);
    }

    fn term(&self) -> u64 {
        0
    }

    fn start_segment(&mut self, txid: u64, ctx: &mut Ctx<'_>) {
        self.write(NfsOp::Create { first: txid }, ctx);
    }

    fn flush(&mut self, batch: FlushBatch, ctx: &mut Ctx<'_>) {
        let handle = self.open.expect("a segment is open");
        self.write(NfsOp::Write { handle, edits: batch.edits }, ctx);
    }

    fn finalize(&mut self, first: u64, last: u64, ctx: &mut Ctx<'_>) {
        self.open = None;
        self.write(NfsOp::Finalize { first, last }, ctx);
    }

    fn purge(&mut self, min: u64, ctx: &mut Ctx<'_>) {
        self.mount.call(NfsOp::Purge { min }, ctx);
    }

    fn select(&mut self, selection: Selection, ctx: &mut Ctx<'_>) {
        let xid = self.mount.call(NfsOp::List, ctx);
        self.reading = Reading::Listing(xid, selection);
    }

    fn fetch(&mut self, stream: Stream, ctx: &mut Ctx<'_>) {
        let xid = self.mount.call(NfsOp::Read { first: stream.first }, ctx);
        self.reading = Reading::Fetching(xid, stream);
    }

    fn cancel_read(&mut self, _ctx: &mut Ctx<'_>) {
        self.reading = Reading::Idle;
    }

    fn probe(&mut self, ctx: &mut Ctx<'_>) -> bool {
        self.probing = Some(self.mount.call(NfsOp::Stat, ctx));
        true
    }

    fn on_input(&mut self, input: Input, ctx: &mut Ctx<'_>) -> bool {
        match input {
            Input::Connection(conn, event) => match self.mount.on_connection(conn, event, ctx) {
                Some(answer) => {
                    if let Some((xid, result)) = answer {
                        self.answered(xid, result, ctx);
                    }
                    true
                }
                None => false,
            },
            Input::Timer(tag) => self.mount.on_timer(tag, ctx),
            Input::Started
            | Input::Disk(..)
            | Input::Granted(_)
            | Input::Flow(..)
            | Input::Beat(..)
            | Input::Admin(_) => false,
        }
    }

    fn event(&mut self) -> Option<JournalEvent> {
        self.events.pop_front()
    }

    fn tag_name(&self, tag: Tag) -> Option<&'static str> {
        self.mount.tag_name(tag)
    }
}
