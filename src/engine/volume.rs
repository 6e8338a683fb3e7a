//! Volume: what survives a process, and what a power loss takes.
//!
//! Here: files of typed records with a synced mark; devices that many volumes may share.
//! Never here: what a record means; when an operation is due (that is `disk`).
//! Modelled on: turmoil-fs's pending and durable writes; POSIX fsync and rename.

use std::any::Any;
use std::collections::BTreeMap;

use super::dice::{Words, below};
use super::log::Log;

/// Kind and number: `("edits_inprogress", 1001)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName(pub &'static str, pub u64);

/// What a file holds.
pub trait Record: Clone + Send + Sync + 'static {
    /// Its size on the disk.
    fn bytes(&self) -> u32;
}

pub(super) trait AnyFile: Send {
    fn clone_box(&self) -> Box<dyn AnyFile>;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
    fn len(&self) -> usize;
    fn truncate(&mut self, keep: usize);
}

impl<R: Record> AnyFile for Log<R> {
    fn clone_box(&self) -> Box<dyn AnyFile> {
        Box::new(self.clone())
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
    fn len(&self) -> usize {
        Log::len(self)
    }
    fn truncate(&mut self, keep: usize) {
        Log::truncate(self, keep);
    }
}

/// A one-record file's content.
pub(super) fn single<R: Record>(record: R) -> Box<dyn AnyFile> {
    let mut log = Log::new();
    log.push(record);
    Box::new(log)
}

struct File {
    data: Box<dyn AnyFile>,
    /// Records that a power loss leaves.
    synced: usize,
    /// What the platter holds instead, after an unsynced change that was no append.
    platter: Option<Box<dyn AnyFile>>,
    /// Counts changes that were no appends: an older sync does not cover them.
    version: u64,
    bytes_unsynced: u64,
    /// A write found no room: the next sync reports it.
    short: bool,
}

impl Clone for File {
    fn clone(&self) -> File {
        File {
            data: self.data.clone_box(),
            synced: self.synced,
            platter: self.platter.as_ref().map(|data| data.clone_box()),
            version: self.version,
            bytes_unsynced: self.bytes_unsynced,
            short: self.short,
        }
    }
}

/// What a sync that was asked for now will cover.
#[derive(Clone, Copy)]
pub(super) struct Coverage {
    pub(super) records: usize,
    pub(super) version: u64,
    pub(super) bytes: u64,
}

/// The files of one process.
#[derive(Clone, Default)]
pub(super) struct Volume {
    files: BTreeMap<FileName, File>,
    pub(super) full: bool,
}

impl Volume {
    pub(super) fn records<R: Record>(&self, name: FileName) -> Option<&Log<R>> {
        let file = self.files.get(&name)?;
        Some(file.data.as_any().downcast_ref().unwrap_or_else(|| wrong_type(name)))
    }

    pub(super) fn names(&self, kind: &'static str) -> Vec<FileName> {
        let range = FileName(kind, 0)..=FileName(kind, u64::MAX);
        self.files.range(range).map(|(name, _)| *name).collect()
    }

    pub(super) fn append<R: Record>(&mut self, name: FileName, record: R) {
        let file = self.files.entry(name).or_insert_with(|| File {
            data: Box::new(Log::<R>::new()),
            synced: 0,
            platter: None,
            version: 0,
            bytes_unsynced: 0,
            short: false,
        });
        if self.full {
            file.short = true;
            return;
        }
        file.bytes_unsynced += u64::from(record.bytes());
        let log = file.data.as_any_mut().downcast_mut::<Log<R>>();
        log.unwrap_or_else(|| wrong_type(name)).push(record);
    }

    /// In place, unsynced: a power loss may bring the old content back.
    pub(super) fn overwrite(&mut self, name: FileName, data: Box<dyn AnyFile>, bytes: u64) {
        let full = self.full;
        match self.files.get_mut(&name) {
            Some(file) if full => file.short = true,
            Some(file) => {
                let old = std::mem::replace(&mut file.data, data);
                file.platter.get_or_insert(old);
                file.version += 1;
                file.bytes_unsynced += bytes;
            }
            None => {
                let file = File {
                    data,
                    synced: 0,
                    platter: None,
                    version: 0,
                    bytes_unsynced: bytes,
                    short: full,
                };
                self.files.insert(name, file);
            }
        }
    }

    /// As written, synced and renamed.
    pub(super) fn install(&mut self, name: FileName, data: Box<dyn AnyFile>) {
        let version = self.files.get(&name).map_or(0, |file| file.version + 1);
        let synced = data.len();
        let (platter, bytes_unsynced, short) = (None, 0, false);
        self.files.insert(name, File { data, synced, platter, version, bytes_unsynced, short });
    }

    pub(super) fn truncate(&mut self, name: FileName, keep: usize) {
        let Some(file) = self.files.get_mut(&name) else { return };
        if file.data.len() <= keep {
            return;
        }
        file.version += 1; // a sync under way covers what was cut off
        if keep < file.synced {
            let old = file.data.clone_box();
            file.platter.get_or_insert(old);
        }
        file.data.truncate(keep);
        file.synced = file.synced.min(keep);
    }

    pub(super) fn rename(&mut self, from: FileName, to: FileName) {
        if let Some(file) = self.files.remove(&from) {
            self.files.insert(to, file);
        }
    }

    pub(super) fn remove(&mut self, name: FileName) {
        self.files.remove(&name);
    }

    pub(super) fn wipe(&mut self) {
        self.files.clear();
    }

    pub(super) fn coverage(&self, name: FileName) -> Coverage {
        self.files.get(&name).map_or(Coverage { records: 0, version: 0, bytes: 0 }, |file| {
            Coverage { records: file.data.len(), version: file.version, bytes: file.bytes_unsynced }
        })
    }

    /// Whether a write to the file found no room since the last sync; told once.
    pub(super) fn take_short(&mut self, name: FileName) -> bool {
        self.files.get_mut(&name).is_some_and(|file| std::mem::take(&mut file.short))
    }

    pub(super) fn synced(&mut self, name: FileName, covered: Coverage) {
        let Some(file) = self.files.get_mut(&name) else { return };
        file.bytes_unsynced = file.bytes_unsynced.saturating_sub(covered.bytes);
        if file.version == covered.version {
            file.synced = file.synced.max(covered.records.min(file.data.len()));
            file.platter = None;
        }
    }

    /// Drops what lies behind the synced mark: the kernel may have written a part of it back.
    pub(super) fn lose_power(&mut self, mut draw: impl FnMut() -> Words) {
        for file in self.files.values_mut() {
            let Words([first, second]) = draw();
            if let Some(platter) = file.platter.take_if(|_| first & 1 == 0) {
                file.data = platter;
                file.synced = file.data.len();
            }
            let behind = file.data.len() - file.synced.min(file.data.len());
            let kept = below(second, behind as u64 + 1);
            let kept = usize::try_from(kept).expect("a count of records");
            file.data.truncate(file.synced + kept);
            file.synced = file.data.len();
            (file.platter, file.bytes_unsynced) = (None, 0);
            file.version += 1;
        }
    }
}

fn wrong_type<T>(name: FileName) -> T {
    panic!("file {name:?} holds records of another type")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, PartialEq, Debug)]
    struct Batch(u32);
    impl Record for Batch {
        fn bytes(&self) -> u32 {
            100
        }
    }

    const EDITS: FileName = FileName("edits", 1);

    fn contents(volume: &Volume) -> Vec<u32> {
        volume.records::<Batch>(EDITS).unwrap().iter().map(|batch| batch.0).collect()
    }

    #[test]
    fn power_loss_takes_what_a_kill_leaves() {
        let mut volume = Volume::default();
        volume.append(EDITS, Batch(1));
        let covered = volume.coverage(EDITS);
        volume.append(EDITS, Batch(2));
        volume.synced(EDITS, covered); // the sync was asked for before batch 2
        assert_eq!(contents(&volume), [1, 2]); // after a kill
        volume.lose_power(|| Words([0, 0]));
        assert_eq!(contents(&volume), [1]);
    }

    #[test]
    fn an_unsynced_overwrite_may_come_undone() {
        let mut volume = Volume::default();
        volume.install(EDITS, single(Batch(1)));
        volume.overwrite(EDITS, single(Batch(2)), 8);
        let mut kept = volume.clone();
        kept.lose_power(|| Words([1, u64::MAX]));
        assert_eq!(contents(&kept), [2]);
        volume.lose_power(|| Words([0, 0]));
        assert_eq!(contents(&volume), [1]);
    }
}
