//! Journals: the shared journal and the local ones of a NameNode, one after the other.
//!
//! Here: carrying one operation through the set.
//! Never here: what the operation is for; the set's rules (`protocols::namenode::journal_set`).
//! Modelled on: Hadoop `JournalSet` (3.4.1).

use std::sync::Arc;

use super::local_journal::{self, EditsRecord};
use super::shared_journal::{FlushBatch, SharedJournal};
use super::tags;
use crate::engine::ctx::Ctx;
use crate::engine::process::Tag;
use crate::protocols::namenode::journal_set::{JournalSet, Next, Operation};

/// What is being done.
#[derive(Clone, Debug)]
pub(super) enum Work {
    Recover,
    Start { txid: u64 },
    Flush(FlushBatch),
    Finalize { first: u64, last: u64 },
}

impl Work {
    const fn operation(&self) -> Operation {
        match self {
            Work::Recover => Operation::Recover,
            Work::Start { .. } => Operation::StartSegment,
            Work::Flush(_) => Operation::Flush,
            Work::Finalize { .. } => Operation::Finalize,
        }
    }
}

/// How the set's operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// All journals that count have done it.
    Done(Operation),
    /// The process ends.
    Exit(&'static str),
}

/// The set and what runs on it.
#[derive(Clone)]
pub(super) struct Journals<S> {
    set: JournalSet,
    pub(super) shared: Option<S>,
    local_dirs: usize,
    work: Option<Work>,
}

impl<S: SharedJournal> Journals<S> {
    pub(super) fn new(shared: Option<S>, local_dirs: usize, minimum: usize) -> Journals<S> {
        let mut required = vec![true; usize::from(shared.is_some())];
        required.resize(required.len() + local_dirs, false);
        Journals { set: JournalSet::new(&required, minimum), shared, local_dirs, work: None }
    }

    pub(super) const fn local_dirs(&self) -> usize {
        self.local_dirs
    }

    /// Starts an operation. The end may come at once.
    pub(super) fn begin(&mut self, work: Work, ctx: &mut Ctx<'_>) -> Option<Ended> {
        assert!(self.work.is_none(), "one operation at a time");
        let next = self.set.begin(work.operation());
        self.work = Some(work);
        self.go_on(next, ctx)
    }

    /// The journal that was asked has answered.
    pub(super) fn answered(&mut self, ok: bool, ctx: &mut Ctx<'_>) -> Option<Ended> {
        let next = self.set.answered(ok);
        self.go_on(next, ctx)
    }

    fn go_on(&mut self, mut next: Next, ctx: &mut Ctx<'_>) -> Option<Ended> {
        loop {
            match next {
                Next::Exit(why) => return Some(Ended::Exit(why)),
                Next::Done => {
                    let work = self.work.take().expect("an operation runs");
                    return Some(Ended::Done(work.operation()));
                }
                Next::Ask(journal) if self.ask(journal, ctx) => {
                    next = self.set.answered(true);
                }
                Next::Ask(_) => return None,
            }
        }
    }

    /// True: done at once. A local file system answers a rename without delay worth a span.
    fn ask(&mut self, journal: usize, ctx: &mut Ctx<'_>) -> bool {
        let work = self.work.clone().expect("an operation runs");
        let directory = match (&mut self.shared, journal) {
            (Some(shared), 0) => {
                match work {
                    Work::Recover => shared.recover(ctx),
                    Work::Start { txid } => shared.start_segment(txid, ctx),
                    Work::Flush(batch) => shared.flush(batch, ctx),
                    Work::Finalize { first, last } => shared.finalize(first, last, ctx),
                }
                return false;
            }
            (Some(_), local) => local - 1,
            (None, local) => local,
        };
        match work {
            Work::Recover => local_journal::recover(directory, ctx),
            Work::Start { .. } => {}
            Work::Flush(batch) => {
                let file = local_journal::in_progress(directory, batch.segment);
                let bytes = u32::try_from(batch.bytes).unwrap_or(u32::MAX);
                ctx.append(file, EditsRecord { edits: Arc::clone(&batch.edits), bytes });
                ctx.sync(file, Tag::new(tags::LOCAL_SYNC));
                return false;
            }
            Work::Finalize { first, .. } => local_journal::finalize(directory, first, ctx),
        }
        true
    }
}
