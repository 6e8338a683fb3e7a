//! Client calls: from a handler through the namesystem lock to the answer.
//!
//! Here: the checks before and after the lock, execution, the edit, group commit, the answer.
//! Never here: what an operation does to the tree (`protocols::namenode::namespace`).
//! Modelled on: Hadoop `NameNodeRpcServer`, `FSNamesystem.mkdirs/startFile/delete/renameTo`,
//! `FSEditLogAsync` (3.4.1).

use std::sync::Arc;

use super::journals::Work;
use super::options::EDITS_PER_CALL_MAX;
use super::procedures::ProcedureId;
use super::shared_journal::{FlushBatch, SharedJournal};
use super::{NameNode, ROLE_ACTIVE, marks, tags};
use crate::clients::hadoop_ipc::RemoteException;
use crate::clients::hadoop_ipc::server::{Incoming, ReplyTo};
use crate::clients::retry::MethodClass;
use crate::engine::ctx::Ctx;
use crate::engine::process::Tag;
use crate::history::{ContentHash, Fact, Position};
use crate::protocols::namenode::edit::{Edit, EditOp};
use crate::protocols::namenode::edit_log::QueueFull;
use crate::protocols::namenode::namespace::{Inode, Kind, Name, Refusal};
use crate::protocols::namenode::retry_cache::{Admission, CallKey};
use crate::protocols::namenode::transition::{HaState, StepOutcome};
use crate::systems::hdfs::api::client_namenode::{
    ClientNamenode, ClientRequest, ClientResponse, FILE_ALREADY_EXISTS, FILE_NOT_FOUND, FilePath,
    FileStatus, LISTING_LIMIT, SAFE_MODE,
};

type Answer = Result<ClientResponse, RemoteException>;

/// A call between its handler and its answer.
#[derive(Clone, Debug)]
pub(super) struct ClientCall {
    reply_to: ReplyTo,
    /// Its place in the retry cache, if it may be executed at most once.
    key: Option<CallKey>,
    request: ClientRequest,
    /// Another copy of it is being executed.
    waits_for_twin: bool,
}

/// Whom to tell when an edit is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiter {
    /// A client: its answer was postponed.
    Client { reply_to: ReplyTo, done: bool, txid: u64, content: u64 },
    /// A transition or roll that waits for all before it.
    Procedure(ProcedureId),
}

const fn path(of: FilePath) -> [Name; 2] {
    [Name(of.directory), Name(of.name)]
}

fn status(of: Inode) -> FileStatus {
    FileStatus { directory: of.kind == Kind::Directory, content: ContentHash(of.content) }
}

const fn exception(of: Refusal) -> RemoteException {
    RemoteException::Other(match of {
        Refusal::NotFound => FILE_NOT_FOUND,
        Refusal::AlreadyExists => FILE_ALREADY_EXISTS,
        Refusal::ParentNotDirectory => "ParentNotDirectoryException",
        Refusal::NotEmpty => "PathIsNotEmptyDirectoryException",
        Refusal::NotUnderConstruction => "LeaseExpiredException",
        Refusal::IntoItself => "IOException",
    })
}

impl<S: SharedJournal + Clone + Send + 'static> NameNode<S> {
    /// A handler has taken a call: what is decided without the lock.
    pub(super) fn on_client_call(&mut self, call: Incoming<ClientNamenode>, ctx: &mut Ctx<'_>) {
        ctx.work(self.options.costs.call);
        if let Err(refused) = self.check_operation() {
            return self.answer_now(call.reply_to, Err(refused), ctx);
        }
        let key = (call.request.class() == MethodClass::AtMostOnce)
            .then(|| CallKey { client: call.client.0, call: u64::from(call.attempt.call.0) });
        self.calls_last += 1;
        let id = self.calls_last;
        let (reply_to, request) = (call.reply_to, call.request);
        self.calls.insert(id, ClientCall { reply_to, key, request, waits_for_twin: false });
        self.admit_once(id, ctx);
    }

    /// `checkOperation`: both before and under the lock.
    pub(super) fn check_operation(&self) -> Result<(), RemoteException> {
        match self.state {
            HaState::Initializing => Err(RemoteException::Retriable),
            HaState::Standby => Err(RemoteException::Standby),
            HaState::Active => Ok(()),
        }
    }

    /// `checkNameNodeSafeMode`: in startup safe mode an HA client shall come again.
    pub(super) fn check_safe_mode(&self) -> Result<(), RemoteException> {
        if self.safe_mode.is_on() && self.ha_enabled() {
            Err(RemoteException::Retriable)
        } else if self.safe_mode.is_on() || self.low_on_space {
            Err(RemoteException::Other(SAFE_MODE))
        } else {
            Ok(())
        }
    }

    /// The retry cache decides whether the call is executed.
    fn admit_once(&mut self, id: u64, ctx: &mut Ctx<'_>) {
        let call = self.calls.get_mut(&id).expect("a parked call");
        let admission = match call.key {
            Some(key) => self.retry_cache.admit(key, ctx.now().monotonic),
            None => Admission::Execute,
        };
        call.waits_for_twin = admission == Admission::Wait;
        match admission {
            Admission::Execute => {
                let tag = Tag::with(tags::CALL_LOCK, id);
                if call.request.is_write() {
                    ctx.acquire(self.threads().namesystem, tag);
                } else {
                    ctx.acquire_shared(self.threads().namesystem, tag);
                }
            }
            Admission::Answer { payload } => {
                let call = self.calls.remove(&id).expect("a parked call");
                self.answer_now(call.reply_to, Ok(ClientResponse::Done(payload != 0)), ctx);
            }
            Admission::Wait => {}
        }
    }

    /// The lock is held: the state may have changed meanwhile.
    pub(super) fn on_call_locked(&mut self, id: u64, ctx: &mut Ctx<'_>) {
        let call = &self.calls[&id];
        let write = call.request.is_write();
        if let Err(refused) = self.check_operation() {
            return self.end_call(id, Err(refused), ctx);
        }
        if !write {
            ctx.work(self.options.costs.read);
            let answer = self.read(call.request);
            let (resource, term) = (self.setup.resource, self.term);
            let position = Position(self.last_applied);
            ctx.note(Fact::RoleServed { resource, term, position });
            return self.end_call(id, Ok(answer), ctx);
        }
        // A transition holds the retry cache's lock, too: a repeat that came during the promotion
        // finds what the catch-up has replayed.
        if let Some(payload) = call.key.and_then(|key| self.retry_cache.answered(key)) {
            return self.end_call(id, Ok(ClientResponse::Done(payload != 0)), ctx);
        }
        if let Err(refused) = self.check_safe_mode() {
            return self.end_call(id, Err(refused), ctx);
        }
        let log = self.edit_log.as_ref().expect("an active NameNode writes");
        if log.has_room(EDITS_PER_CALL_MAX) {
            self.execute(id, ctx);
        } else {
            self.blocked.push_back(id); // with the lock, until a flush has ended
        }
    }

    fn read(&self, request: ClientRequest) -> ClientResponse {
        match request {
            ClientRequest::GetFileInfo { path: at } => {
                ClientResponse::FileInfo(self.namespace.lookup(&path(at)).map(status))
            }
            ClientRequest::GetListing { directory, after } => {
                let found = self.namespace.lookup(&[Name(directory)]);
                let (entries, more) = found.map_or((Vec::new(), false), |inode| {
                    self.namespace.list(inode.id, after.map(Name), LISTING_LIMIT)
                });
                let entries = entries.into_iter().map(|(name, inode)| (name.0, status(inode)));
                ClientResponse::Listing { entries: entries.collect(), more }
            }
            ClientRequest::Mkdirs { .. }
            | ClientRequest::Create { .. }
            | ClientRequest::Delete { .. }
            | ClientRequest::Rename { .. } => unreachable!("not a read"),
        }
    }

    /// Changes the tree and queues the edits, under the lock.
    fn execute(&mut self, id: u64, ctx: &mut Ctx<'_>) {
        ctx.work(self.options.costs.write);
        let ClientCall { reply_to, key, request, .. } = self.calls[&id];
        match self.change(request) {
            Err(refusal) => self.end_call(id, Err(exception(refusal)), ctx),
            Ok(done) if self.scratch.is_empty() => {
                self.end_call(id, Ok(ClientResponse::Done(done)), ctx);
            }
            Ok(done) => {
                self.log_changes(reply_to, key, done);
                self.calls.remove(&id);
                self.finish_once(key, Some(u64::from(done)), ctx);
                ctx.release(self.threads().namesystem);
                if self.options.asynclogging {
                    ctx.release(self.threads().handlers); // the answer is the sync thread's
                }
                self.sync_edits(ctx);
            }
        }
    }

    fn change(&mut self, request: ClientRequest) -> Result<bool, Refusal> {
        let (tree, scratch) = (&mut self.namespace, &mut self.scratch);
        scratch.clear();
        let mut log = |change| scratch.push(change);
        match request {
            ClientRequest::Mkdirs { path: at, content } => {
                tree.mkdirs(&path(at), content.0, log).map(|_| true)
            }
            ClientRequest::Create { path: at, content } => {
                tree.create(&path(at), content.0, false, &mut log)?;
                tree.complete(&path(at), log).map(|()| true)
            }
            ClientRequest::Delete { path: at } => tree.delete(&path(at), true, log),
            ClientRequest::Rename { from, to } => {
                tree.rename(&path(from), &path(to), log).map(|()| true)
            }
            ClientRequest::GetFileInfo { .. } | ClientRequest::GetListing { .. } => {
                unreachable!("not a write")
            }
        }
    }

    /// One edit for each change; the last names the call and has the answer wait for it.
    fn log_changes(&mut self, reply_to: ReplyTo, key: Option<CallKey>, done: bool) {
        let log = self.edit_log.as_mut().expect("an active NameNode writes");
        let count = self.scratch.len();
        for (at, change) in self.scratch.drain(..).enumerate() {
            let call = key.filter(|_| at + 1 == count);
            let edit = Edit { txid: log.last() + 1, op: EditOp::Change(change), call };
            let waiter = (at + 1 == count).then(|| {
                let (txid, content) = (edit.txid, edit.content());
                Waiter::Client { reply_to, done, txid, content }
            });
            let queued = log.enqueue(edit.bytes(), waiter, |_| edit);
            assert_ne!(queued, Err(QueueFull), "room was asked for");
        }
        self.last_applied = log.last();
    }

    /// A call ends under the lock without an edit.
    fn end_call(&mut self, id: u64, answer: Answer, ctx: &mut Ctx<'_>) {
        let call = self.calls.remove(&id).expect("it held the lock");
        if call.request.is_write() {
            ctx.release(self.threads().namesystem);
        } else {
            ctx.release_shared(self.threads().namesystem);
        }
        let payload = match &answer {
            Ok(ClientResponse::Done(done)) => Some(u64::from(*done)),
            Ok(ClientResponse::FileInfo(_) | ClientResponse::Listing { .. }) | Err(_) => None,
        };
        self.finish_once(call.key, payload, ctx);
        self.answer_now(call.reply_to, answer, ctx);
    }

    /// The retry cache learns the outcome; copies that waited look again.
    fn finish_once(&mut self, key: Option<CallKey>, payload: Option<u64>, ctx: &mut Ctx<'_>) {
        let Some(key) = key else { return };
        self.retry_cache.finish(key, payload);
        let twins: Vec<u64> = self
            .calls
            .iter()
            .filter(|(_, call)| call.waits_for_twin && call.key == Some(key))
            .map(|(id, _)| *id)
            .collect();
        for twin in twins {
            self.admit_once(twin, ctx);
        }
    }

    fn answer_now(&mut self, to: ReplyTo, answer: Answer, ctx: &mut Ctx<'_>) {
        let server = self.client_server.as_ref().expect("a call came in");
        server.reply_gated(to, answer, ROLE_ACTIVE, ctx);
        server.free_handler(ctx);
    }

    /// The sync thread: if it is idle, takes what is queued and flushes it.
    pub(super) fn sync_edits(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(batch) = self.edit_log.as_mut().and_then(|log| log.take_batch()) {
            if batch.edits.is_empty() {
                self.answer_flushed(ctx); // a barrier with nothing before it
                continue;
            }
            let log = self.edit_log.as_ref().expect("it gave a batch");
            let segment = log.segment_first().expect("edits go to an open segment");
            ctx.mark(marks::FLUSHING.mark());
            let edits: Arc<[Edit]> = batch.edits.into();
            let work = FlushBatch { segment, first: batch.first, edits, bytes: batch.bytes };
            let ended = self.journals.begin(Work::Flush(work), ctx);
            return self.on_journals(ended, ctx);
        }
    }

    /// Every journal that counts has the batch.
    pub(super) fn on_flushed(&mut self, ctx: &mut Ctx<'_>) {
        ctx.mark(marks::FLUSHED.mark());
        self.answer_flushed(ctx);
        self.sync_edits(ctx);
        if let Some(id) = self.blocked.pop_front() {
            self.on_call_locked(id, ctx);
        }
    }

    fn answer_flushed(&mut self, ctx: &mut Ctx<'_>) {
        let waiters = self.edit_log.as_mut().expect("it was flushed").flushed();
        let (resource, term) = (self.setup.resource, self.log_term());
        for waiter in waiters {
            match waiter {
                Waiter::Client { reply_to, done, txid, content } => {
                    let (position, content) = (Position(txid), ContentHash(content));
                    ctx.note(Fact::Acknowledged { resource, term, position, content });
                    let server = self.client_server.as_ref().expect("a call came in");
                    let answer = Ok(ClientResponse::Done(done));
                    server.reply_gated(reply_to, answer, ROLE_ACTIVE, ctx);
                    if !self.options.asynclogging {
                        server.free_handler(ctx); // it waited in logSync itself
                    }
                }
                Waiter::Procedure(procedure) => {
                    self.step_ended_of(procedure, StepOutcome::Done, ctx);
                }
            }
        }
    }
}
