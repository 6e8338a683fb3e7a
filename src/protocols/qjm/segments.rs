//! Segments: which log files one journal has, and how far each reaches.
//!
//! Here: files by first edit; look-up, listing, and the states a file goes through.
//! Never here: edits themselves, the order in which the disk is asked.
//! Modelled on: Hadoop `FileJournalManager.java`, `qjournal/server/JNStorage.java` (3.4.1).
//! Left out: corrupt headers; a file ends at its last whole edit.

use std::collections::BTreeMap;

use super::{Refusal, SegmentState, TxId};

/// The files that begin at one edit, each with the number of edits in it. Both at once is a
/// state that upstream can reach (the syncer's copy beside a left-over) and then stumbles over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Files {
    in_progress: Option<u64>,
    finalized: Option<u64>,
}

/// A log file; unlike a [`SegmentState`] it may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// First edit, as in its name.
    pub start: TxId,
    /// How many edits it holds.
    pub edits: u64,
    /// Whether its name says so.
    pub in_progress: bool,
}

impl LogFile {
    /// Last edit, if there is any.
    pub fn last(&self) -> Option<TxId> {
        self.start.last_of(self.edits)
    }

    /// As a segment, unless it is empty.
    pub fn state(&self) -> Option<SegmentState> {
        let in_progress = self.in_progress;
        self.last().map(|end| SegmentState { start: self.start, end, in_progress })
    }
}

/// All log files of a journal, by first edit.
#[derive(Clone, Debug, Default)]
pub struct Segments {
    files: BTreeMap<TxId, Files>,
}

impl Segments {
    /// As found on disk.
    pub fn found(files: impl IntoIterator<Item = LogFile>) -> Segments {
        let mut segments = Segments::default();
        for file in files {
            segments.put(file);
        }
        segments
    }

    /// A file is there now, with so many edits; it replaces one of its name.
    pub fn put(&mut self, file: LogFile) {
        let files = self.files.entry(file.start).or_default();
        let place = if file.in_progress { &mut files.in_progress } else { &mut files.finalized };
        *place = Some(file.edits);
    }

    /// `count` more edits are in the file in progress at `start`.
    pub fn grow(&mut self, start: TxId, count: u64) {
        let files = self.files.entry(start).or_default();
        *files.in_progress.get_or_insert(0) += count;
    }

    /// The file in progress at `start` is gone, renamed or deleted.
    pub fn drop_in_progress(&mut self, start: TxId) {
        self.change(start, |files| files.in_progress = None);
    }

    /// The finalized file at `start` is gone.
    pub fn drop_finalized(&mut self, start: TxId) {
        self.change(start, |files| files.finalized = None);
    }

    fn change(&mut self, start: TxId, how: impl FnOnce(&mut Files)) {
        if let Some(files) = self.files.get_mut(&start) {
            how(files);
            if *files == Files::default() {
                self.files.remove(&start);
            }
        }
    }

    /// The file in progress at `start` now ends at `end` for good.
    pub fn finalize(&mut self, start: TxId, end: TxId) {
        self.drop_in_progress(start);
        self.put(LogFile { start, edits: start.through(end), in_progress: false });
    }

    /// `getLogFile`.
    ///
    /// # Errors
    /// There are two at this start.
    pub fn at(&self, start: TxId) -> Result<Option<LogFile>, Refusal> {
        let files = self.files.get(&start).copied().unwrap_or_default();
        match (files.in_progress, files.finalized) {
            (Some(_), Some(_)) => Err(Refusal::MoreThanOneSegment),
            (Some(edits), None) => Ok(Some(LogFile { start, edits, in_progress: true })),
            (None, Some(edits)) => Ok(Some(LogFile { start, edits, in_progress: false })),
            (None, None) => Ok(None),
        }
    }

    /// Whether there is a finalized file from `start` to `end`.
    pub fn has_finalized(&self, start: TxId, end: TxId) -> bool {
        let edits = self.files.get(&start).and_then(|files| files.finalized);
        edits == Some(start.through(end))
    }

    /// The file that sorts last; at one start a finalized file sorts after one in progress.
    pub fn latest(&self) -> Option<LogFile> {
        self.iter().last()
    }

    /// All files in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = LogFile> {
        self.files.iter().flat_map(|(start, files)| {
            let file =
                |in_progress| move |edits: u64| LogFile { start: *start, edits, in_progress };
            [files.in_progress.map(file(true)), files.finalized.map(file(false))]
                .into_iter()
                .flatten()
        })
    }

    /// `getRemoteEditLogs`, with the first file in progress moved to the end and ended at
    /// `highest`, as getEditLogManifest does.
    pub fn manifest(&self, since: TxId, in_progress_ok: bool, highest: TxId) -> Vec<SegmentState> {
        let mut in_progress = None;
        let mut listed = Vec::new();
        for file in self.iter() {
            let end = file.last().unwrap_or(TxId(file.start.0.saturating_sub(1)));
            let wanted = since <= file.start || since <= end;
            if !wanted || (file.in_progress && !in_progress_ok) {
                continue;
            }
            if file.in_progress && in_progress.is_none() {
                in_progress =
                    Some(SegmentState { start: file.start, end: highest, in_progress: true });
            } else {
                listed.push(SegmentState { start: file.start, end, in_progress: file.in_progress });
            }
        }
        listed.extend(in_progress);
        listed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(start: u64, edits: u64, in_progress: bool) -> LogFile {
        LogFile { start: TxId(start), edits, in_progress }
    }

    #[test]
    fn two_files_at_one_start_are_an_error_until_one_is_purged() {
        let mut segments = Segments::found([file(1, 3, true), file(1, 5, false)]);
        assert_eq!(segments.at(TxId(1)), Err(Refusal::MoreThanOneSegment));
        assert_eq!(segments.latest(), Some(file(1, 5, false)));
        segments.drop_in_progress(TxId(1));
        assert_eq!(segments.at(TxId(1)), Ok(Some(file(1, 5, false))));
        segments.drop_finalized(TxId(1));
        assert_eq!(segments.at(TxId(1)), Ok(None));
        assert_eq!(segments.latest(), None);
    }

    #[test]
    fn a_manifest_starts_with_the_segment_that_holds_the_edit() {
        let segments = Segments::found([file(1, 3, false), file(4, 3, false), file(7, 2, true)]);
        let end = |state: &SegmentState| (state.start.0, state.end.0);
        let ends = |since, ok| -> Vec<_> {
            segments.manifest(TxId(since), ok, TxId(9)).iter().map(end).collect()
        };
        assert_eq!(ends(1, false), [(1, 3), (4, 6)]);
        assert_eq!(ends(5, false), [(4, 6)]);
        assert_eq!(ends(5, true), [(4, 6), (7, 9)]); // the highest written edit, not the file's
        assert_eq!(ends(9, true), []);
    }
}
