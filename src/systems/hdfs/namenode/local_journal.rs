//! Local journal: edits in the directories of one NameNode's own volume.
//!
//! Here: which files a segment goes through, and what they hold.
//! Never here: the order of journals, failures of others.
//! Modelled on: Hadoop `FileJournalManager`, `EditLogFileOutputStream` (3.4.1).
//! Left out: preallocation of 1 MB chunks; the fsync of `seen_txid` at the start of a segment.

use std::sync::Arc;

use crate::engine::ctx::Ctx;
use crate::engine::volume::{FileName, Record};
use crate::protocols::namenode::edit::Edit;

use super::options::LOCAL_EDITS_DIRS_MAX;

/// Edits that were written together.
#[derive(Clone, Debug)]
pub(crate) struct EditsRecord {
    /// In order; at least one.
    pub(crate) edits: Arc<[Edit]>,
    /// Their size.
    pub(crate) bytes: u32,
}

impl Record for EditsRecord {
    fn bytes(&self) -> u32 {
        self.bytes
    }
}

const IN_PROGRESS: [&str; LOCAL_EDITS_DIRS_MAX] =
    ["edits_inprogress", "dir2/edits_inprogress", "dir3/edits_inprogress", "dir4/edits_inprogress"];
const FINALIZED: [&str; LOCAL_EDITS_DIRS_MAX] = ["edits", "dir2/edits", "dir3/edits", "dir4/edits"];

/// The open segment's file in a directory; its number is the first transaction.
pub(crate) const fn in_progress(directory: usize, first: u64) -> FileName {
    FileName(IN_PROGRESS[directory], first)
}

/// `recoverUnfinalizedSegments`: open segments end where their last valid transaction is; empty
/// ones go.
pub(crate) fn recover(directory: usize, ctx: &mut Ctx<'_>) {
    for open in ctx.files(IN_PROGRESS[directory]) {
        if segment_of(open, ctx).is_some() {
            ctx.rename(open, FileName(FINALIZED[directory], open.1));
        } else {
            ctx.remove(open);
        }
    }
}

/// `finalizeLogSegment`.
pub(crate) fn finalize(directory: usize, first: u64, ctx: &mut Ctx<'_>) {
    ctx.rename(in_progress(directory, first), FileName(FINALIZED[directory], first));
}

/// `purgeLogsOlderThan`: finalized segments that begin before `min`.
pub(crate) fn purge(directory: usize, min: u64, ctx: &mut Ctx<'_>) {
    for file in ctx.files(FINALIZED[directory]) {
        if file.1 < min {
            ctx.remove(file);
        }
    }
}

/// First and last transaction of the finalized segments of a directory, in order.
pub(crate) fn finalized(directory: usize, ctx: &Ctx<'_>) -> Vec<(u64, u64)> {
    let files = ctx.files(FINALIZED[directory]);
    files.into_iter().filter_map(|file| segment_of(file, ctx)).collect()
}

/// The edits of a finalized segment.
pub(crate) fn edits(directory: usize, first: u64, ctx: &Ctx<'_>) -> Option<Arc<[Edit]>> {
    let records = ctx.records::<EditsRecord>(FileName(FINALIZED[directory], first))?;
    Some(records.iter().flat_map(|record| record.edits.iter().copied()).collect())
}

fn segment_of(file: FileName, ctx: &Ctx<'_>) -> Option<(u64, u64)> {
    let last = ctx.records::<EditsRecord>(file)?.last()?.edits.last()?.txid;
    Some((file.1, last))
}
