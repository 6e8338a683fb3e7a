//! Filer: a machine that serves one shared edits directory.
//!
//! Here: its files, their names, and answers after the disk.
//! Never here: who may write (nobody asks).
//! Modelled on: an NFS 4 server with stable writes; duplicate requests are recognised by their
//! transaction id as in a session's slot table.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::engine::ctx::Ctx;
use crate::engine::id::ProcessId;
use crate::engine::process::{Conn, ConnEvent, DiskOutcome, Input, Port, Process, Tag};
use crate::engine::volume::{FileName, Record};
use crate::history::{ContentHash, Fact, Position, ResourceName, Term};
use crate::protocols::namenode::edit::Edit;
use crate::systems::hdfs::api::nfs::{
    FileHandle, NFS_PORT, Nfs, NfsMessage, NfsOp, NfsResult, NfsSegment,
};

/// The disk has answered.
const DISK: u32 = 1;

/// More calls than a mount has open at a time.
const DUPLICATES_KEPT: usize = 16;

/// One name in the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    handle: FileHandle,
    first: u64,
    /// In the name of a finalized segment.
    last: Option<u64>,
}

/// The directory as the disk has it.
#[derive(Clone, Debug, Default)]
struct Directory {
    entries: Vec<Entry>,
    handle_last: u64,
}

impl Record for Directory {
    fn bytes(&self) -> u32 {
        4_096
    }
}

/// Edits as they were written together.
#[derive(Clone, Debug)]
struct Written(Arc<[Edit]>);

impl Record for Written {
    fn bytes(&self) -> u32 {
        self.0.iter().fold(0, |sum, edit| edit.bytes().saturating_add(sum))
    }
}

const DIRECTORY: FileName = FileName("directory", 0);

const fn content(handle: FileHandle) -> FileName {
    FileName("file", handle.0)
}

/// A call that waits for the disk.
#[derive(Clone, Debug)]
struct Pending {
    conn: Conn,
    xid: u64,
    result: NfsResult,
    /// Edits that are then on the disk.
    durable: Option<Arc<[Edit]>>,
}

/// The filer.
#[derive(Clone)]
pub struct Filer {
    resource: ResourceName,
    directory: Directory,
    connections: BTreeMap<Conn, ProcessId>,
    pending: BTreeMap<u64, Pending>,
    pending_last: u64,
    /// The newest results of each mount, by transaction id: the duplicate request cache.
    answered: BTreeMap<ProcessId, VecDeque<(u64, NfsResult)>>,
}

impl Filer {
    /// A filer for the log of a nameservice.
    pub fn new(resource: ResourceName) -> Filer {
        Filer {
            resource,
            directory: Directory::default(),
            connections: BTreeMap::new(),
            pending: BTreeMap::new(),
            pending_last: 0,
            answered: BTreeMap::new(),
        }
    }

    fn on_call(&mut self, conn: Conn, xid: u64, op: NfsOp, ctx: &mut Ctx<'_>) {
        let from = self.connections.get(&conn).copied();
        let seen = from.and_then(|from| self.answered.get(&from));
        if let Some((_, result)) = seen.and_then(|seen| seen.iter().find(|seen| seen.0 == xid)) {
            let result = result.clone();
            return ctx.send::<Nfs>(conn, NfsMessage::Reply { xid, result });
        }
        match op {
            NfsOp::Create { first } => {
                self.directory.handle_last += 1;
                let handle = FileHandle(self.directory.handle_last);
                self.directory.entries.retain(|entry| (entry.first, entry.last) != (first, None));
                self.directory.entries.push(Entry { handle, first, last: None });
                self.store_directory(conn, xid, NfsResult::Created(handle), ctx);
            }
            NfsOp::Write { handle, edits } => self.write(conn, xid, (handle, edits), ctx),
            NfsOp::Finalize { first, last } => {
                let mut entries = self.directory.entries.iter_mut();
                let result = match entries.find(|e| (e.first, e.last) == (first, None)) {
                    Some(entry) => {
                        entry.last = Some(last);
                        NfsResult::Done
                    }
                    None => NfsResult::NoEntry,
                };
                self.store_directory(conn, xid, result, ctx);
            }
            NfsOp::Purge { min } => {
                self.directory.entries.retain(|entry| entry.last.is_none() || min <= entry.first);
                self.store_directory(conn, xid, NfsResult::Done, ctx);
            }
            NfsOp::RemoveEmpty { first } => {
                self.directory.entries.retain(|entry| (entry.first, entry.last) != (first, None));
                self.store_directory(conn, xid, NfsResult::Done, ctx);
            }
            NfsOp::List => {
                let listing = self.list(ctx);
                self.answer(conn, xid, NfsResult::Listing(listing), ctx);
            }
            NfsOp::Read { first } => {
                let result = match self.directory.entries.iter().find(|e| e.first == first) {
                    Some(entry) => NfsResult::Content(read(entry.handle, ctx)),
                    None => NfsResult::NoEntry,
                };
                self.answer(conn, xid, result, ctx);
            }
            NfsOp::Stat => self.answer(conn, xid, NfsResult::Done, ctx),
        }
    }

    fn list(&self, ctx: &Ctx<'_>) -> Vec<NfsSegment> {
        let mut listing: Vec<NfsSegment> = self
            .directory
            .entries
            .iter()
            .map(|entry| NfsSegment {
                first: entry.first,
                last: entry.last.or_else(|| last_of(entry.handle, ctx)),
                in_progress: entry.last.is_none(),
            })
            .collect();
        listing.sort_unstable_by_key(|segment| segment.first);
        listing
    }

    /// A write at an offset: what is there already is not written twice.
    fn write(
        &mut self,
        conn: Conn,
        xid: u64,
        (handle, edits): (FileHandle, Arc<[Edit]>),
        ctx: &mut Ctx<'_>,
    ) {
        let stored = last_of(handle, ctx);
        if edits.last().is_some_and(|edit| stored < Some(edit.txid)) {
            ctx.append(content(handle), Written(Arc::clone(&edits)));
        }
        let durable = Some(edits);
        let tag = self.wait_for_disk(Pending { conn, xid, result: NfsResult::Done, durable });
        ctx.sync(content(handle), tag);
    }

    fn store_directory(&mut self, conn: Conn, xid: u64, result: NfsResult, ctx: &mut Ctx<'_>) {
        let tag = self.wait_for_disk(Pending { conn, xid, result, durable: None });
        ctx.replace(DIRECTORY, self.directory.clone(), tag);
    }

    fn wait_for_disk(&mut self, pending: Pending) -> Tag {
        self.pending_last += 1;
        self.pending.insert(self.pending_last, pending);
        Tag::with(DISK, self.pending_last)
    }

    fn on_disk(&mut self, number: u64, outcome: DiskOutcome, ctx: &mut Ctx<'_>) {
        let Some(pending) = self.pending.remove(&number) else { return };
        let result = match outcome {
            DiskOutcome::Done => pending.result,
            DiskOutcome::Failed => NfsResult::Failed,
        };
        if result == NfsResult::Done {
            let (resource, term) = (self.resource, Term::default());
            for edit in pending.durable.iter().flat_map(|edits| edits.iter()) {
                let (position, content) = (Position(edit.txid), ContentHash(edit.content()));
                ctx.note(Fact::Durable { resource, term, position, content });
            }
        }
        self.answer(pending.conn, pending.xid, result, ctx);
    }

    fn answer(&mut self, conn: Conn, xid: u64, result: NfsResult, ctx: &mut Ctx<'_>) {
        let Some(from) = self.connections.get(&conn).copied() else { return };
        let answered = self.answered.entry(from).or_default();
        answered.push_back((xid, result.clone()));
        if DUPLICATES_KEPT < answered.len() {
            answered.pop_front();
        }
        ctx.send::<Nfs>(conn, NfsMessage::Reply { xid, result });
    }
}

fn read(handle: FileHandle, ctx: &Ctx<'_>) -> Arc<[Edit]> {
    let records = ctx.records::<Written>(content(handle));
    records.into_iter().flat_map(|log| log.iter()).flat_map(|w| w.0.iter().copied()).collect()
}

fn last_of(handle: FileHandle, ctx: &Ctx<'_>) -> Option<u64> {
    Some(ctx.records::<Written>(content(handle))?.last()?.0.last()?.txid)
}

impl Process for Filer {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => {
                if let Some(stored) = ctx.records::<Directory>(DIRECTORY).and_then(|log| log.last())
                {
                    self.directory = stored.clone();
                }
                ctx.listen::<Nfs>(Port(NFS_PORT));
            }
            Input::Connection(conn, event) => match event {
                ConnEvent::Accepted { from, .. } => {
                    self.connections.insert(conn, from);
                }
                ConnEvent::Message(slot) => match ctx.take::<Nfs>(slot) {
                    NfsMessage::Call { xid, op } => self.on_call(conn, xid, op, ctx),
                    NfsMessage::Reply { .. } => {}
                },
                ConnEvent::Closed
                | ConnEvent::Reset
                | ConnEvent::TimedOut
                | ConnEvent::Unreachable => {
                    self.connections.remove(&conn);
                }
                ConnEvent::Connected | ConnEvent::Refused | ConnEvent::Drained => {}
            },
            Input::Disk(tag, outcome) => self.on_disk(tag.arg, outcome, ctx),
            Input::Admin(slot) => ctx.discard(slot),
            Input::Timer(_) | Input::Granted(_) | Input::Flow(..) | Input::Beat(..) => {}
        }
    }

    fn tag_name(&self, _tag: Tag) -> &'static str {
        "filer disk"
    }
}
