//! QJM: the shared edit log of an HDFS nameservice, kept by a quorum of journals.
//!
//! Here: the words of the protocol; the journal (server) and the quorum writer (client) below.
//! Never here: sockets, locks, dice, clocks, what an edit means.
//! Modelled on: Hadoop `qjournal` (3.4.1, 3.3.6) — fidelity notes in docs/MODELS.md, "qjm".

use std::sync::Arc;

use crate::engine::id::ProcessId;

pub mod cache;
pub mod channel;
pub mod journal;
mod journal_recovery;
mod journal_words;
pub mod quorum_call;
pub mod recovery;
pub mod segments;
pub mod select;
pub mod writer;

#[cfg(test)]
mod exhaustive;
#[cfg(test)]
mod journal_tests;

/// A writer's generation: compared and succeeded, never added to or averaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(pub u64);

impl Epoch {
    /// Nothing promised, nothing written yet.
    pub const NONE: Epoch = Epoch(0);

    /// The epoch after this one.
    #[must_use]
    pub fn next(self) -> Epoch {
        Epoch(self.0.checked_add(1).expect("epochs exhausted"))
    }
}

/// An edit's place in the log; the first edit of a fresh log has 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TxId(pub u64);

impl TxId {
    /// Index plus count gives an index.
    #[must_use]
    pub fn plus(self, count: u64) -> TxId {
        TxId(self.0.checked_add(count).expect("transaction ids exhausted"))
    }

    /// The last of `count` edits that begin here; `None` if there are none.
    pub fn last_of(self, count: u64) -> Option<TxId> {
        count.checked_sub(1).map(|before| self.plus(before))
    }

    /// How many edits lie from here to `end`, both included.
    pub fn through(self, end: TxId) -> u64 {
        (end.0 + 1).saturating_sub(self.0)
    }
}

/// Which journal of a writer's set; an index into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoggerId(pub u32);

impl LoggerId {
    /// As an index into the set.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// `SegmentStateProto`: a run of edits that begins at `start`; it holds at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SegmentState {
    /// First edit.
    pub start: TxId,
    /// Last edit.
    pub end: TxId,
    /// Whether more may follow.
    pub in_progress: bool,
}

impl SegmentState {
    /// Whether `txid` lies in it.
    pub fn contains(&self, txid: TxId) -> bool {
        self.start <= txid && txid <= self.end
    }

    /// How many edits it holds.
    pub fn edits(&self) -> u64 {
        self.start.through(self.end)
    }
}

/// `RequestInfo`: goes with every call of the write side except newEpoch and getJournalState.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestInfo {
    /// The writer's epoch.
    pub epoch: Epoch,
    /// `ipcSerialNumber`: counts the requests of one channel, from 0.
    pub serial: u64,
    /// The last edit that the writer knows a quorum has.
    pub committed: Option<TxId>,
}

/// What a journal is asked; the calls that a channel sends one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call<E> {
    /// `getJournalState`.
    JournalState,
    /// `newEpoch`.
    NewEpoch {
        /// The caller's namespace id; must be the one the journal was formatted with.
        namespace: u64,
        /// Proposed.
        epoch: Epoch,
    },
    /// `startLogSegment`.
    StartLogSegment {
        /// Who, in which order.
        info: RequestInfo,
        /// First edit of the new segment.
        txid: TxId,
    },
    /// `journal`.
    Journal {
        /// Who, in which order.
        info: RequestInfo,
        /// The segment that the writer believes open.
        segment: TxId,
        /// Place of the first edit.
        first: TxId,
        /// The edits, in order.
        edits: Arc<[E]>,
        /// Their serialized size in bytes.
        bytes: u64,
    },
    /// `heartbeat`.
    Heartbeat {
        /// Who, in which order.
        info: RequestInfo,
    },
    /// `finalizeLogSegment`.
    FinalizeLogSegment {
        /// Who, in which order.
        info: RequestInfo,
        /// First edit.
        start: TxId,
        /// Last edit.
        end: TxId,
    },
    /// `prepareRecovery`.
    PrepareRecovery {
        /// Who, in which order.
        info: RequestInfo,
        /// First edit of the segment in question.
        segment: TxId,
    },
    /// `acceptRecovery`.
    AcceptRecovery {
        /// Who, in which order.
        info: RequestInfo,
        /// What the segment shall be.
        segment: SegmentState,
        /// The journal to fetch it from (upstream: a URL).
        from: ProcessId,
    },
    /// `purgeLogsOlderThan`.
    PurgeLogsOlderThan {
        /// Who, in which order.
        info: RequestInfo,
        /// Edits from here on are kept.
        min: TxId,
    },
    /// `isFormatted`.
    IsFormatted,
    /// `format`.
    Format {
        /// The namespace id to write down.
        namespace: u64,
    },
    /// `getEditLogManifest`.
    EditLogManifest {
        /// Segments that hold this edit or later ones.
        since: TxId,
        /// Whether a segment in progress counts.
        in_progress_ok: bool,
    },
    /// `getJournaledEdits`.
    JournaledEdits {
        /// First edit wanted.
        since: TxId,
        /// At most so many.
        max: u64,
    },
}

/// A journal's positive answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<E> {
    /// To `JournalState`.
    State {
        /// `lastPromisedEpoch`.
        promised: Epoch,
    },
    /// To `NewEpoch`.
    Epoch {
        /// First edit of the journal's latest segment that holds any.
        last_segment: Option<TxId>,
    },
    /// To `PrepareRecovery`.
    Prepared(Prepared),
    /// To `IsFormatted`.
    Formatted(bool),
    /// To `EditLogManifest`.
    Manifest(Manifest),
    /// To `JournaledEdits`.
    Edits {
        /// From the edit asked for on, in order; may be none.
        edits: Vec<E>,
    },
    /// To every other call.
    Done,
}

/// `PrepareRecoveryResponseProto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The segment as the journal has it, or as it once accepted it.
    pub segment: Option<SegmentState>,
    /// The epoch of the recovery that it accepted, if the segment was not finalized since.
    pub accepted_in: Option<Epoch>,
    /// `lastWriterEpoch`.
    pub last_writer: Epoch,
    /// `committedTxId`.
    pub committed: Option<TxId>,
}

/// `RemoteEditLogManifest`, ordered by start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// What there is to read; a segment in progress ends at the journal's highest written edit.
    pub segments: Vec<SegmentState>,
    /// `committedTxId`.
    pub committed: Option<TxId>,
}

/// A journal's negative answer, named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `JournalNotFormattedException`.
    NotFormatted,
    /// Format asked of a journal that holds another namespace.
    AlreadyFormatted,
    /// The caller's namespace is not the one written down.
    WrongNamespace,
    /// The epoch in the request lies below the promise.
    EpochBelowPromise {
        /// What was promised.
        promised: Epoch,
    },
    /// newEpoch with an epoch that is not above the promise.
    EpochNotNewer {
        /// What was promised.
        promised: Epoch,
    },
    /// `JournalOutOfSyncException`: the serial is not above the last seen.
    SerialNotNewer {
        /// The last one seen.
        last: u64,
    },
    /// The request would move the committed edit backward.
    CommittedMovedBack {
        /// The stored one.
        stored: TxId,
    },
    /// The last segment was started by another writer.
    NotTheCurrentWriter {
        /// Who.
        writer: Epoch,
    },
    /// `JournalOutOfSyncException`: no segment is open.
    NoSegmentOpen,
    /// `JournalOutOfSyncException`: another segment is open; it is given up.
    WrongSegment {
        /// The open one.
        open: TxId,
    },
    /// `JournalOutOfSyncException`: a gap or an overlap.
    OutOfOrder {
        /// The place of the next edit.
        expected: TxId,
    },
    /// startLogSegment where a finalized segment lies.
    SegmentFinalized,
    /// startLogSegment over a segment in progress with other than one edit.
    SegmentHasEdits,
    /// `JournalOutOfSyncException`: finalize with another end than was written.
    WrongEnd {
        /// What was written, if anything.
        written: Option<TxId>,
    },
    /// `JournalOutOfSyncException`: finalize of a segment that is not here.
    NoSuchSegment,
    /// Finalize of a segment that is finalized with another end.
    FinalizedOtherwise {
        /// Its end.
        end: TxId,
    },
    /// A finalized segment and one in progress lie at the same start.
    MoreThanOneSegment,
    /// acceptRecovery of an empty or inverted segment.
    BadSegment,
    /// acceptRecovery after a recovery by a newer writer.
    AcceptedByNewer {
        /// Who.
        epoch: Epoch,
    },
    /// `AssertionError`: acceptRecovery would drop a committed edit.
    WouldDropCommitted {
        /// Which.
        committed: TxId,
    },
    /// `AssertionError`: acceptRecovery of another end than the finalized segment has.
    OverFinalized {
        /// Its end.
        end: TxId,
    },
    /// The segment could not be fetched from its source.
    DownloadFailed,
    /// The disk did not take it.
    DiskFailed,
    /// getJournaledEdits without in-progress tailing.
    CacheDisabled,
    /// `CacheMissException`: older than the cache.
    CacheMiss,
    /// `NewerTxnIdException`: edits were asked for that should exist and do not here (3.4.1).
    NewerTxnId {
        /// The highest one here; 0 if there is none.
        highest: TxId,
    },
}

/// A journal's answer.
pub type Reply<E> = Result<Answer<E>, Refusal>;

impl<E> Call<E> {
    /// The call's `RequestInfo`, if it carries one.
    pub const fn info(&self) -> Option<&RequestInfo> {
        match self {
            Call::StartLogSegment { info, .. }
            | Call::Journal { info, .. }
            | Call::Heartbeat { info }
            | Call::FinalizeLogSegment { info, .. }
            | Call::PrepareRecovery { info, .. }
            | Call::AcceptRecovery { info, .. }
            | Call::PurgeLogsOlderThan { info, .. } => Some(info),
            Call::JournalState
            | Call::NewEpoch { .. }
            | Call::IsFormatted
            | Call::Format { .. }
            | Call::EditLogManifest { .. }
            | Call::JournaledEdits { .. } => None,
        }
    }
}
