//! Disk: the server's writes, in the order in which the protocol asks for them.
//!
//! Here: which file a record goes to, what each outcome means, what the history says is durable.
//! Never here: the protocol's view of the volume (`files`).
//! Modelled on: ZooKeeper 3.8.4 `FileTxnLog#append`, `#commit`, `FileTxnSnapLog#save`.

use std::collections::BTreeMap;

use std::sync::Arc;

use crate::engine::ctx::Ctx;
use crate::engine::process::{DiskOutcome, Tag};
use crate::engine::volume::FileName;
use crate::history::{ContentHash, Fact, Position, Term};
use crate::protocols::zab::{self, Epoch, Logged, Peer, Ticket, Zxid};
use crate::protocols::zookeeper::{DataTree, SessionTxn};

use super::files::{self, EpochRecord, Files, LogRecord, SnapshotRecord};
use super::{ZooKeeperServer, kind};

/// An entry written and perhaps not yet durable.
#[derive(Clone, Copy)]
struct Stored {
    term: Term,
    position: Position,
    content: ContentHash,
}

#[derive(Clone)]
struct Write {
    ticket: Option<Ticket>,
    stored: Vec<Stored>,
}

/// What is open and under way. All volatile.
#[derive(Clone, Default)]
pub(super) struct DiskEnd {
    /// The log file that appends go to; none: the next append begins one.
    log: Option<FileName>,
    /// The file last appended to.
    log_last: Option<FileName>,
    /// The newest reign under which anything was stored.
    term: Term,
    unsynced: Vec<Stored>,
    writes: BTreeMap<u64, Write>,
    writes_begun: u64,
}

impl DiskEnd {
    fn begin(&mut self, ticket: Option<Ticket>, stored: Vec<Stored>) -> Tag {
        self.writes_begun += 1;
        self.writes.insert(self.writes_begun, Write { ticket, stored });
        Tag::with(kind::DISK, self.writes_begun)
    }
}

impl ZooKeeperServer {
    /// An empty volume (`db.autocreate`): the epochs' files and `snapshot.0`.
    pub(super) fn first_files(&mut self, peer: &Peer<DataTree>, ctx: &mut Ctx<'_>) {
        let (accepted, current) = peer.epochs();
        let tag = self.disk.begin(None, Vec::new());
        ctx.replace(files::CURRENT_EPOCH, EpochRecord(current), tag);
        let tag = self.disk.begin(None, Vec::new());
        ctx.replace(files::ACCEPTED_EPOCH, EpochRecord(accepted), tag);
        let empty = peer.database().tree().clone();
        ctx.overwrite(files::snapshot(Zxid::ZERO), SnapshotRecord(empty));
    }

    pub(super) fn write_epoch(
        &mut self,
        (file, epoch): (FileName, Epoch),
        ticket: Ticket,
        ctx: &mut Ctx<'_>,
    ) {
        let tag = self.disk.begin(Some(ticket), Vec::new());
        ctx.replace(file, EpochRecord(epoch), tag);
    }

    /// With a ticket durably, else in place.
    pub(super) fn write_snapshot(
        &mut self,
        (zxid, state): (Zxid, DataTree),
        ticket: Option<Ticket>,
        ctx: &mut Ctx<'_>,
    ) {
        let file = files::snapshot(zxid);
        if ticket.is_some() {
            let tag = self.disk.begin(ticket, Vec::new());
            ctx.replace(file, SnapshotRecord(state), tag);
        } else {
            ctx.overwrite(file, SnapshotRecord(state));
        }
    }

    pub(super) fn append(&mut self, logged: Logged<Arc<SessionTxn>>, ctx: &mut Ctx<'_>) {
        let file = *self.disk.log.get_or_insert_with(|| files::log(logged.zxid));
        self.disk.log_last = Some(file);
        // What still waited when a role ended is stored under the reign that proposed it.
        self.disk.term = self.disk.term.max(self.term());
        self.disk.unsynced.push(Stored {
            term: self.disk.term,
            position: Position(logged.zxid.0),
            content: ContentHash(logged.txn.content()),
        });
        ctx.append(file, LogRecord(logged));
    }

    pub(super) fn sync_log(&mut self, ticket: Ticket, ctx: &mut Ctx<'_>) {
        let file = self.disk.log_last.filter(|_| self.options.force_sync);
        let stored = std::mem::take(&mut self.disk.unsynced);
        match file {
            Some(file) => {
                let tag = self.disk.begin(Some(ticket), stored);
                ctx.sync(file, tag);
            }
            None => self.follow_ups.push_back(zab::Input::Written(ticket, true)),
        }
    }

    /// The next append begins a new file.
    pub(super) fn roll_log(&mut self, ctx: &Ctx<'_>) {
        self.disk.log = None;
        let roll_after = self.roll_after(ctx);
        if let Some(peer) = &mut self.peer {
            peer.set_roll_after(roll_after);
        }
    }

    pub(super) fn truncate_log(&mut self, keep: Zxid, ctx: &mut Ctx<'_>) {
        let files = Files { ctx, snapshot_size_factor: self.options.snapshot_size_factor };
        for (file, records) in files.cuts(keep) {
            if records == 0 {
                ctx.remove(file);
            } else {
                ctx.truncate(file, records);
            }
        }
        (self.disk.log, self.disk.log_last) = (None, None);
        let (resource, position) = (self.options.log, Position(keep.0));
        ctx.note(Fact::Truncated { resource, position });
    }

    pub(super) fn written(&mut self, write: u64, outcome: DiskOutcome, ctx: &mut Ctx<'_>) {
        let Some(write) = self.disk.writes.remove(&write) else { return };
        let done = outcome == DiskOutcome::Done;
        if done {
            let resource = self.options.log;
            for Stored { term, position, content } in write.stored {
                ctx.note(Fact::Durable { resource, term, position, content });
            }
        }
        if let Some(ticket) = write.ticket {
            self.run(zab::Input::Written(ticket, done), ctx);
        }
    }
}
