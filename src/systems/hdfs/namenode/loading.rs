//! Loading: selecting streams of the shared journal and applying their edits.
//!
//! Here: one load at a time, for a tail round, a catch-up, a start, or the check before writing.
//! Never here: when to tail (`tailing`), how streams are found (the shared journal).
//! Modelled on: Hadoop `EditLogTailer.doTailEdits`, `FSImage.loadEdits`, `FSEditLogLoader` (3.4.1).

use std::collections::VecDeque;
use std::sync::Arc;

use super::shared_journal::{Selection, SharedJournal, Stream};
use super::{NameNode, tags};
use crate::engine::ctx::Ctx;
use crate::engine::process::Tag;
use crate::history::{ContentHash, Fact, Position};
use crate::protocols::namenode::edit::{Edit, EditOp};
use crate::protocols::namenode::transition::StepOutcome;

/// For whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A round of the tailer.
    Tail,
    /// A round of `catchupDuringFailover`, with the namesystem lock held.
    CatchUp,
    /// The start of a NameNode.
    Start,
    /// `openForWrite`: there must be nothing to read beyond the end.
    CheckStreams,
}

/// How a load ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoadEnd {
    /// So many edits were applied and there is no more.
    Loaded(u64),
    /// `EditLogInputException`: a stream broke off; a tailer tries again.
    Broken(&'static str),
    /// Any other error: the edits do not fit.
    Unusable(&'static str),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Selecting,
    /// Waits for the namesystem lock, or (3.3.6) has it before it selects.
    Locking(Vec<Stream>),
    Fetching,
    Applying(Arc<[Edit]>),
}

#[derive(Clone, Debug)]
struct Load {
    purpose: Purpose,
    stage: Stage,
    streams: VecDeque<Stream>,
    /// `lastApplied` when the streams were selected.
    from: u64,
    applied: u64,
    /// Whether this load took the namesystem lock.
    locked: bool,
}

/// The one load that runs; loads are numbered so that what comes late is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Loader {
    load: Option<Load>,
    number: u64,
    /// Edits that the rounds of a catch-up have applied so far.
    caught_up: u64,
}

impl Loader {
    /// What a catch-up has applied, all rounds together.
    pub(super) const fn take_caught_up(&mut self) -> u64 {
        std::mem::replace(&mut self.caught_up, 0)
    }
}

impl<S: SharedJournal + Clone + Send + 'static> NameNode<S> {
    pub(super) fn begin_load(&mut self, purpose: Purpose, ctx: &mut Ctx<'_>) {
        assert!(self.loader.load.is_none(), "one load at a time");
        self.loader.number += 1;
        self.loader.load = Some(Load {
            purpose,
            stage: Stage::Selecting,
            streams: VecDeque::new(),
            from: self.last_applied,
            applied: 0,
            locked: false,
        });
        if purpose == Purpose::Tail && self.options.release_3_3 {
            let tag = Tag::with(tags::LOAD_LOCK, self.loader.number);
            ctx.acquire(self.threads().namesystem, tag);
        } else {
            self.select_streams(purpose, ctx);
        }
    }

    /// A start without a shared journal: all that its own directories hold.
    pub(super) fn begin_local_load(&mut self, edits: Arc<[Edit]>) {
        self.loader.number += 1;
        let new = edits.iter().filter(|edit| self.last_applied < edit.txid).count();
        self.loader.load = Some(Load {
            purpose: Purpose::Start,
            stage: Stage::Applying(edits),
            streams: VecDeque::new(),
            from: self.last_applied,
            applied: 0,
            locked: false,
        });
        let tag = Tag::with(tags::LOAD_WORK, self.loader.number);
        self.compute(self.options.costs.replay.times(new as u64), tag);
    }

    fn select_streams(&mut self, purpose: Purpose, ctx: &mut Ctx<'_>) {
        let in_progress_ok = match purpose {
            Purpose::Tail => self.options.in_progress,
            // HDFS-16689 (3.4.1): finalized segments only; 3.3.6 may use the RPC path.
            Purpose::CatchUp => self.options.in_progress && self.options.release_3_3,
            Purpose::Start => false,
            Purpose::CheckStreams => true,
        };
        let only_durable = purpose == Purpose::Tail || purpose == Purpose::CatchUp;
        let from = self.last_applied + 1;
        let shared = self.journals.shared.as_mut().expect("streams are of the shared journal");
        shared.select(Selection { from, in_progress_ok, only_durable }, ctx);
    }

    /// The tailer has the namesystem lock.
    pub(super) fn on_load_locked(&mut self, number: u64, ctx: &mut Ctx<'_>) {
        let current = number == self.loader.number;
        let Some(load) = self.loader.load.as_mut().filter(|_| current) else {
            ctx.release(self.threads().namesystem); // granted to a thread that was interrupted
            return;
        };
        load.locked = true;
        match std::mem::replace(&mut load.stage, Stage::Selecting) {
            Stage::Selecting => self.select_streams(Purpose::Tail, ctx), // 3.3.6
            Stage::Locking(streams) => {
                if load.from == self.last_applied {
                    load.streams = streams.into();
                }
                self.next_stream(ctx);
            }
            Stage::Fetching | Stage::Applying(_) => unreachable!("they hold the lock"),
        }
    }

    pub(super) fn on_selected(&mut self, streams: Vec<Stream>, ctx: &mut Ctx<'_>) {
        let number = self.loader.number;
        let Some(load) = &mut self.loader.load else { return };
        match load.purpose {
            Purpose::CheckStreams => {
                self.loader.load = None;
                let beyond = streams.iter().any(|stream| self.last_applied < stream.last);
                let outcome = if beyond {
                    StepOutcome::Failed("a stream is available for read beyond the last edit")
                } else {
                    StepOutcome::Done
                };
                self.step_ended(outcome, ctx);
            }
            Purpose::Tail if !load.locked && !streams.is_empty() => {
                load.stage = Stage::Locking(streams);
                ctx.acquire(self.threads().namesystem, Tag::with(tags::LOAD_LOCK, number));
            }
            Purpose::Tail | Purpose::CatchUp | Purpose::Start => {
                load.streams = streams.into();
                self.next_stream(ctx);
            }
        }
    }

    fn next_stream(&mut self, ctx: &mut Ctx<'_>) {
        let last_applied = self.last_applied;
        let limit = self.options.txns_per_lock;
        let Some(load) = &mut self.loader.load else { return };
        while load.streams.front().is_some_and(|stream| stream.last <= last_applied) {
            load.streams.pop_front();
        }
        match load.streams.pop_front() {
            Some(stream) if load.applied < limit => {
                load.stage = Stage::Fetching;
                let shared = self.journals.shared.as_mut().expect("it gave the stream");
                shared.fetch(stream, ctx);
            }
            Some(_) | None => {
                let applied = load.applied;
                self.end_load(LoadEnd::Loaded(applied), ctx);
            }
        }
    }

    pub(super) fn on_fetched(
        &mut self,
        result: Result<Arc<[Edit]>, &'static str>,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(load) = &mut self.loader.load else { return };
        match result {
            Err(why) => self.end_load(LoadEnd::Broken(why), ctx),
            Ok(edits) => {
                let new = edits.iter().filter(|edit| self.last_applied < edit.txid).count();
                load.stage = Stage::Applying(edits);
                let tag = Tag::with(tags::LOAD_WORK, self.loader.number);
                self.compute(self.options.costs.replay.times(new as u64), tag);
            }
        }
    }

    /// The replay of a stream is done.
    pub(super) fn on_load_worked(&mut self, number: u64, ctx: &mut Ctx<'_>) {
        let limit = self.options.txns_per_lock;
        let Some(load) = self.loader.load.as_mut().filter(|_| number == self.loader.number) else {
            return;
        };
        let stage = std::mem::replace(&mut load.stage, Stage::Fetching);
        let Stage::Applying(edits) = stage else { unreachable!("only a replay takes work") };
        let room = limit.saturating_sub(load.applied);
        let first_new = edits.partition_point(|edit| edit.txid <= self.last_applied);
        let mut applied = 0;
        for edit in &edits[first_new..] {
            if applied == room {
                break;
            }
            if edit.txid != self.last_applied + 1 {
                return self.end_load(LoadEnd::Unusable("There is a gap in the edit log"), ctx);
            }
            if !self.apply(edit, ctx) {
                return self.end_load(LoadEnd::Unusable("an edit could not be applied"), ctx);
            }
            applied += 1;
        }
        if let Some(load) = &mut self.loader.load {
            load.applied += applied;
        }
        self.next_stream(ctx);
    }

    /// `applyEditLogOp`.
    pub(super) fn apply(&mut self, edit: &Edit, ctx: &mut Ctx<'_>) -> bool {
        let fits = match edit.op {
            EditOp::StartLogSegment | EditOp::EndLogSegment => true,
            EditOp::Change(change) => self.namespace.apply(change),
        };
        if let Some(call) = edit.call {
            self.retry_cache.replayed(call, 1, ctx.now().monotonic);
        }
        self.last_applied = edit.txid;
        let (resource, term) = (self.setup.resource, self.log_term());
        let (position, content) = (Position(edit.txid), ContentHash(edit.content()));
        ctx.note(Fact::Applied { resource, term, position, content });
        fits
    }

    fn end_load(&mut self, end: LoadEnd, ctx: &mut Ctx<'_>) {
        let load = self.loader.load.take().expect("a load ends");
        if load.locked {
            ctx.release(self.threads().namesystem);
        }
        match load.purpose {
            Purpose::Tail => self.on_tailed(end, ctx),
            Purpose::CatchUp => {
                let outcome = match end {
                    LoadEnd::Loaded(edits) => {
                        self.loader.caught_up += edits;
                        StepOutcome::Applied(edits)
                    }
                    LoadEnd::Broken(why) | LoadEnd::Unusable(why) => StepOutcome::Failed(why),
                };
                self.step_ended(outcome, ctx);
            }
            Purpose::Start => self.on_start_loaded(end, ctx),
            Purpose::CheckStreams => unreachable!("nothing is loaded"),
        }
    }

    /// The tailer is interrupted. (While edits are applied nobody else has the lock to do so.)
    pub(super) fn cancel_load(&mut self, ctx: &mut Ctx<'_>) {
        let Some(load) = self.loader.load.take() else { return };
        assert!(!load.locked, "whoever interrupts holds the namesystem lock");
        let tag = Tag::with(tags::LOAD_LOCK, self.loader.number);
        ctx.give_up(self.threads().namesystem, tag);
        if load.stage == Stage::Selecting
            && let Some(shared) = &mut self.journals.shared
        {
            shared.cancel_read(ctx);
        }
    }
}
