//! Journal words: what a journal is told, what it asks for, what it is made with.
//!
//! Here: inputs and effects as data; the rules that a planted bug replaces.
//! Never here: state, decisions (`journal`).
//! Modelled on: Hadoop `qjournal/server/Journal.java`, `JNStorage.java` (3.4.1).

use std::sync::Arc;

use super::segments::LogFile;
use super::{Call, Epoch, Reply, SegmentState, TxId};
use crate::engine::id::ProcessId;

/// What a request's epoch does to the promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence {
    /// It is too old.
    Refuse,
    /// It is the one promised to.
    Keep,
    /// It is newer: promise it, which fences older writers.
    Adopt,
}

/// The decisions that a planted bug replaces.
#[derive(Clone, Copy, Debug)]
pub struct JournalRules {
    /// How the epoch of a request meets the promise (request, promise).
    pub fence: fn(Epoch, Epoch) -> Fence,
    /// Whether a batch must be on disk before its answer (its last edit, the committed edit).
    pub needs_sync: fn(TxId, Option<TxId>) -> bool,
    /// Whether starting a segment drops the recovery decision about it.
    pub start_forgets_decision: bool,
}

impl JournalRules {
    /// As upstream.
    pub const HONEST: JournalRules = JournalRules {
        fence: |asked, promised| match asked.cmp(&promised) {
            std::cmp::Ordering::Less => Fence::Refuse,
            std::cmp::Ordering::Equal => Fence::Keep,
            std::cmp::Ordering::Greater => Fence::Adopt,
        },
        needs_sync: |last, committed| committed.is_none_or(|committed| committed < last),
        start_forgets_decision: true,
    };
}

/// How a journal behaves.
#[derive(Clone, Copy, Debug)]
pub struct JournalSettings {
    /// See there.
    pub rules: JournalRules,
    /// Bytes of the edits cache; `None` without in-progress tailing.
    pub cache_bytes: Option<u64>,
    /// getJournaledEdits beyond the end is refused (3.4.1), or answered with nothing (3.3.6).
    pub refuses_newer_txid: bool,
}

/// `PersistedRecoveryPaxosData`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The recovering writer.
    pub epoch: Epoch,
    /// What the segment shall be.
    pub segment: SegmentState,
}

/// What a restarted JournalNode finds on its volume.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// `VERSION`; `None`: not formatted.
    pub namespace: Option<u64>,
    /// `last-promised-epoch`.
    pub promised: Epoch,
    /// `last-writer-epoch`.
    pub writer: Epoch,
    /// `committed-txid`.
    pub committed: Option<TxId>,
    /// `edits_…` and `edits_inprogress_…`.
    pub segments: Vec<LogFile>,
    /// `paxos/…`, by first edit.
    pub accepted: Vec<(TxId, Accepted)>,
    /// `edits_inprogress_….epoch=…`: first edit, epoch, number of edits.
    pub downloads: Vec<(TxId, Epoch, u64)>,
}

/// What the process around it tells a journal; one call at a time, from call to answer.
#[derive(Clone, Debug)]
pub enum Input<E> {
    /// A request, after its caller got the monitor.
    Called(Call<E>),
    /// The disk did, or did not, do what the last step asked for at its end.
    Stored {
        /// Whether it did.
        ok: bool,
    },
    /// The download asked for ended; on success it lies synced beside the log.
    Downloaded {
        /// How many edits came; `None`: it failed and left nothing.
        edits: Option<u64>,
    },
}

/// What the process around it is asked to do, in this order. A step ends with an answer or with
/// one effect that waits (marked "waits").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask<E> {
    /// Overwrite `committed-txid`, without a sync.
    Committed(TxId),
    /// Decode a file to find its last edit: time, nothing else.
    Scan {
        /// How many edits it holds.
        edits: u64,
    },
    /// Write a batch to the file in progress.
    Append {
        /// The open segment.
        segment: TxId,
        /// Place of the first edit.
        first: TxId,
        /// The edits.
        edits: Arc<[E]>,
    },
    /// Rename the empty file in progress out of the way.
    MoveAside(TxId),
    /// Rename the file in progress to its final name.
    Finalize {
        /// First edit.
        start: TxId,
        /// Last edit.
        end: TxId,
    },
    /// Rename a download over the file in progress.
    TakeDownload {
        /// First edit.
        start: TxId,
        /// Whose recovery.
        epoch: Epoch,
    },
    /// Delete the recovery decision about a segment.
    ForgetAccepted(TxId),
    /// Delete a log file that is too old.
    Purge(LogFile),
    /// Delete a download that is too old.
    PurgeDownload {
        /// First edit.
        start: TxId,
        /// Whose recovery.
        epoch: Epoch,
    },
    /// Waits: replace `last-promised-epoch`.
    Promise(Epoch),
    /// Waits: replace `last-writer-epoch`.
    Writer(Epoch),
    /// Waits: create the file in progress, empty, with its header on disk.
    Create(TxId),
    /// Waits: sync the file in progress.
    Sync(TxId),
    /// Waits: fetch a segment from another journal, beside the log, and sync it.
    Download {
        /// From whom.
        from: ProcessId,
        /// What.
        segment: SegmentState,
        /// Whose recovery.
        epoch: Epoch,
    },
    /// Waits: replace `paxos/…`.
    Accept(Accepted),
    /// Waits: clear the storage and write `VERSION`.
    Format {
        /// The namespace id.
        namespace: u64,
    },
    /// The call is over.
    Answer(Reply<E>),
}
