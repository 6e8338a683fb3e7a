//! JournalNode's disk: the files of one journal, and what a restart finds in them.
//!
//! Here: file names, records, the reading of `Stored`.
//! Never here: when something is written (`protocols::qjm::journal` decides).
//! Modelled on: Hadoop `qjournal/server/JNStorage.java`, `PersistentLongFile`,
//! `BestEffortLongFile` (3.4.1); docs/MODELS.md, "journalnode".
//! Left out: a finalized file's last edit is what it holds, not what its name says; an empty file
//! in progress leaves no trace.

use crate::engine::ctx::Ctx;
use crate::engine::volume::{FileName, Record};
use crate::protocols::namenode::edit::Edit;
use crate::protocols::qjm::journal::{Accepted, Stored};
use crate::protocols::qjm::segments::LogFile;
use crate::protocols::qjm::{Epoch, TxId};
use crate::systems::hdfs::api::qjournal::JournalId;

const VERSION: &str = "VERSION";
const PROMISED: &str = "last-promised-epoch";
const WRITER: &str = "last-writer-epoch";
const COMMITTED: &str = "committed-txid";
const PAXOS: &str = "paxos";
const IN_PROGRESS: &str = "edits_inprogress";
const FINALIZED: &str = "edits";
const DOWNLOAD: &str = "edits_inprogress.epoch";
const SYNCED: &str = "edits.sync";

/// Kinds of file of a journal, all but the log itself.
const SMALL_FILES: [&str; 4] = [VERSION, PROMISED, WRITER, COMMITTED];
/// Kinds of file that hold edits.
const EDIT_FILES: [&str; 4] = [IN_PROGRESS, FINALIZED, DOWNLOAD, SYNCED];

const TXID_BITS: u32 = 36;
const EPOCH_BITS: u32 = 18;
const JOURNAL_BITS: u32 = 10;
const _: () = assert!(TXID_BITS + EPOCH_BITS + JOURNAL_BITS == u64::BITS);

/// A number in one of those files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number(pub(super) u64);

impl Record for Number {
    fn bytes(&self) -> u32 {
        8
    }
}

impl Record for Accepted {
    fn bytes(&self) -> u32 {
        40
    }
}

/// The files of one journal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Files(pub(super) JournalId);

impl Files {
    fn number(self, txid: TxId, epoch: Epoch) -> u64 {
        let journal = u64::from(self.0.0);
        assert!(journal >> JOURNAL_BITS == 0, "a JournalNode holds at most 1,024 journals");
        assert!(txid.0 >> TXID_BITS == 0, "a run writes at most 2^36 edits");
        assert!(epoch.0 >> EPOCH_BITS == 0, "a run has at most 2^18 epochs");
        journal << (TXID_BITS + EPOCH_BITS) | epoch.0 << TXID_BITS | txid.0
    }

    fn at(self, kind: &'static str, txid: TxId) -> FileName {
        FileName(kind, self.number(txid, Epoch::NONE))
    }

    pub(super) fn version(self) -> FileName {
        self.at(VERSION, TxId(0))
    }

    pub(super) fn promised(self) -> FileName {
        self.at(PROMISED, TxId(0))
    }

    pub(super) fn writer(self) -> FileName {
        self.at(WRITER, TxId(0))
    }

    pub(super) fn committed(self) -> FileName {
        self.at(COMMITTED, TxId(0))
    }

    pub(super) fn paxos(self, start: TxId) -> FileName {
        self.at(PAXOS, start)
    }

    pub(super) fn in_progress(self, start: TxId) -> FileName {
        self.at(IN_PROGRESS, start)
    }

    pub(super) fn finalized(self, start: TxId) -> FileName {
        self.at(FINALIZED, start)
    }

    pub(super) fn download(self, start: TxId, epoch: Epoch) -> FileName {
        FileName(DOWNLOAD, self.number(start, epoch))
    }

    pub(super) fn synced(self, start: TxId) -> FileName {
        self.at(SYNCED, start)
    }

    pub(super) fn log(self, file: &LogFile) -> FileName {
        if file.in_progress { self.in_progress(file.start) } else { self.finalized(file.start) }
    }

    fn own(self, kind: &'static str, ctx: &Ctx<'_>) -> impl Iterator<Item = FileName> + use<> {
        let mine = move |file: &FileName| file.1 >> (TXID_BITS + EPOCH_BITS) == u64::from(self.0.0);
        ctx.files(kind).into_iter().filter(mine)
    }

    fn logs(
        self,
        kind: &'static str,
        in_progress: bool,
        ctx: &Ctx<'_>,
    ) -> impl Iterator<Item = LogFile> {
        self.own(kind, ctx).map(move |file| {
            let edits = ctx.records::<Edit>(file).map_or(0, |edits| edits.len() as u64);
            LogFile { start: txid_of(file), edits, in_progress }
        })
    }

    /// What a process that has just started finds.
    pub(super) fn read(self, ctx: &Ctx<'_>) -> Stored {
        let number = |file| ctx.records::<Number>(file).and_then(|log| log.last()).map(|n| n.0);
        let in_progress = self.logs(IN_PROGRESS, true, ctx);
        let finalized = self.logs(FINALIZED, false, ctx);
        let accepted = self.own(PAXOS, ctx).filter_map(|file| {
            let accepted = ctx.records::<Accepted>(file)?.last()?;
            Some((txid_of(file), *accepted))
        });
        let downloads = self.own(DOWNLOAD, ctx).filter_map(|file| {
            let edits = ctx.records::<Edit>(file)?.len() as u64;
            let epoch = file.1 >> TXID_BITS & ((1 << EPOCH_BITS) - 1);
            Some((txid_of(file), Epoch(epoch), edits))
        });
        Stored {
            namespace: number(self.version()),
            promised: Epoch(number(self.promised()).unwrap_or(0)),
            writer: Epoch(number(self.writer()).unwrap_or(0)),
            committed: number(self.committed()).map(TxId),
            segments: in_progress.chain(finalized).collect(),
            accepted: accepted.collect(),
            downloads: downloads.collect(),
        }
    }

    /// Deletes everything of this journal: the first half of `format`.
    pub(super) fn clear(self, ctx: &mut Ctx<'_>) {
        for kind in SMALL_FILES.into_iter().chain(EDIT_FILES).chain([PAXOS]) {
            for file in self.own(kind, ctx).collect::<Vec<_>>() {
                ctx.remove(file);
            }
        }
    }
}

fn txid_of(file: FileName) -> TxId {
    TxId(file.1 & ((1 << TXID_BITS) - 1))
}
