//! NameNode: the HDFS master as a process: its servers, locks, threads and files.
//!
//! Here: the state of one NameNode and the way of an input to the thread that waits for it.
//! Never here: decisions (`protocols::namenode`), how the shared journal works.
//! Modelled on: Hadoop `NameNode`, `NameNodeRpcServer`, `FSNamesystem`, `FSImage` (3.4.1, 3.3.6) —
//! fidelity notes in docs/MODELS.md, "namenode".

mod checkpointing;
mod client_calls;
pub mod costs;
mod ha_calls;
mod http;
mod import;
mod journals;
mod loading;
pub(crate) mod local_journal;
pub mod marks;
mod monitors;
pub(crate) mod options;
mod procedures;
mod quorum;
pub mod shared_journal;
#[cfg(test)]
mod stage;
mod start;
pub(crate) mod storage;
#[cfg(test)]
mod stories;
mod tags;
mod tailing;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

pub use options::{ImageSource, LOCAL_EDITS_DIRS_MAX, NameNodeSetup};
pub(crate) use tags::SHARED_JOURNAL_TAGS;

use self::client_calls::{ClientCall, Waiter};
use self::journals::{Ended, Journals};
use self::options::Options;
use self::shared_journal::{JournalEvent, SharedJournal};
use crate::clients::hadoop_ipc::server::IpcServer;
use crate::engine::ctx::Ctx;
use crate::engine::process::{ConnEvent, Gate, Input, Process, Resource, Tag};
use crate::engine::time::SimDuration;
use crate::history::{Fact, Role, Term};
use crate::protocols::namenode::edit::Edit;
use crate::protocols::namenode::edit_log::EditLog;
use crate::protocols::namenode::journal_set::Operation;
use crate::protocols::namenode::namespace::{Change, Namespace};
use crate::protocols::namenode::retry_cache::RetryCache;
use crate::protocols::namenode::safe_mode::SafeMode;
use crate::protocols::namenode::transition::{HaState, StepOutcome};
use crate::systems::hdfs::api::client_namenode::ClientNamenode;
use crate::systems::hdfs::api::ha_service::HaService;
use crate::systems::hdfs::api::namenode_protocol::NamenodeProtocol;
use crate::systems::registry::NoteSpec;

/// Opens when a NameNode serves as the active one; decides every answer to a client.
pub const ROLE_ACTIVE: Gate = Gate::named("nn/role-active");
/// Locks and pools, made at every start.
#[derive(Clone, Copy)]
struct Threads {
    /// `FSNamesystemLock`.
    namesystem: Resource,
    /// `synchronized (NameNodeRpcServer, NameNode)`.
    ha_monitor: Resource,
    /// `FSNamesystem.cpLock`.
    cp_lock: Resource,
    /// `dfs.namenode.handler.count`.
    handlers: Resource,
    /// The same, or the pool of the service address.
    service_handlers: Resource,
}

/// A NameNode. `S` is the journal that it shares with its peers.
#[derive(Clone)]
pub struct NameNode<S> {
    setup: Arc<NameNodeSetup>,
    options: Arc<Options>,
    threads: Option<Threads>,
    client_server: Option<IpcServer<ClientNamenode>>,
    ha_server: Option<IpcServer<HaService>>,
    namenode_server: Option<IpcServer<NamenodeProtocol>>,
    http: http::Http,
    import: Option<import::Import>,

    state: HaState,
    /// Under which it writes: the journal's, or how often it was active if the journal has none.
    term: Term,
    namespace: Namespace,
    /// The last transaction in `namespace`.
    last_applied: u64,
    retry_cache: RetryCache,
    safe_mode: SafeMode,
    /// `nameNodeHasResourcesAvailable` is false: safe mode of its own.
    low_on_space: bool,
    /// The transaction of the newest image on the volume.
    checkpoint: u64,
    edit_log: Option<EditLog<Edit, Waiter>>,
    journals: Journals<S>,

    procedures: procedures::Procedures,
    ha_calls: ha_calls::HaCalls,
    tail: tailing::TailThread,
    loader: loading::Loader,
    checkpointer: checkpointing::CheckpointThread,
    calls: BTreeMap<u64, ClientCall>,
    calls_last: u64,
    /// Calls that hold the namesystem lock and wait for room in the edit queue: at most one.
    blocked: VecDeque<u64>,
    /// Changes of the operation that runs; kept to save allocations.
    scratch: Vec<Change>,
    /// Work that threads begin at the end of this step.
    work: Vec<(SimDuration, Tag)>,
    exiting: bool,
}

impl<S: SharedJournal + Clone + Send + 'static> NameNode<S> {
    /// A NameNode that shares `shared` with its peers; without it, it keeps its edits alone.
    pub fn new(setup: NameNodeSetup, shared: Option<S>) -> NameNode<S> {
        assert!(setup.local_edits_dirs <= LOCAL_EDITS_DIRS_MAX);
        let options = Options::read(&setup.config);
        NameNode {
            threads: None,
            client_server: None,
            ha_server: None,
            namenode_server: None,
            http: http::Http::default(),
            import: None,
            state: HaState::Initializing,
            term: Term::default(),
            namespace: Namespace::formatted(setup.base_inodes),
            last_applied: 0,
            retry_cache: RetryCache::new(options.retry_cache_expiry),
            safe_mode: SafeMode::activate(options.safe_mode, 0),
            low_on_space: false,
            checkpoint: 0,
            edit_log: None,
            journals: Journals::new(shared, setup.local_edits_dirs, options.edits_dir_minimum),
            procedures: procedures::Procedures::default(),
            ha_calls: ha_calls::HaCalls::default(),
            tail: tailing::TailThread::new(),
            loader: loading::Loader::default(),
            checkpointer: checkpointing::CheckpointThread::default(),
            calls: BTreeMap::new(),
            calls_last: 0,
            blocked: VecDeque::new(),
            scratch: Vec::new(),
            work: Vec::new(),
            exiting: false,
            setup: Arc::new(setup),
            options: Arc::new(options),
        }
    }

    fn threads(&self) -> Threads {
        self.threads.expect("made at the start")
    }

    /// Whether the NameNode is one of several.
    fn ha_enabled(&self) -> bool {
        self.journals.shared.is_some()
    }

    /// A thread works for `span`; the timer `tag` goes off when it is done.
    fn compute(&mut self, span: SimDuration, tag: Tag) {
        self.work.push((span, tag));
    }

    /// `terminate(1)`: from now on nothing is answered; the sockets close when the JVM ends.
    fn terminate(&mut self, why: &'static str, ctx: &mut Ctx<'_>) {
        if !self.exiting {
            self.exiting = true;
            self.say(marks::TERMINATING_NOTE, 0, ctx);
            ctx.exit_after(self.options.costs.jvm_exit, why);
        }
    }

    /// A line of the timeline.
    fn say(&self, note: NoteSpec, field: u64, ctx: &mut Ctx<'_>) {
        ctx.note(Fact::Noted { name: note.note(), fields: [field, 0, 0, 0] });
    }

    fn note_role(&self, role: Role, claimed: bool, ctx: &mut Ctx<'_>) {
        let (resource, term) = (self.setup.resource, self.term);
        ctx.note(if claimed {
            Fact::RoleClaimed { resource, role, term }
        } else {
            Fact::RoleLost { resource, role, term }
        });
    }

    /// The term under which entries are known: none, where the journal has no terms.
    fn log_term(&self) -> Term {
        Term(self.journals.shared.as_ref().map_or(0, SharedJournal::term))
    }

    fn on_connection(
        &mut self,
        input: Input,
        (conn, event): (crate::engine::process::Conn, ConnEvent),
        ctx: &mut Ctx<'_>,
    ) {
        let taken = self.client_server.as_mut().is_some_and(|s| s.on_connection(conn, event, ctx))
            || self.ha_server.as_mut().is_some_and(|s| s.on_connection(conn, event, ctx))
            || self.namenode_server.as_mut().is_some_and(|s| s.on_connection(conn, event, ctx))
            || self.journals.shared.as_mut().is_some_and(|s| s.on_input(input, ctx))
            || self.tail.client.on_connection(conn, event, ctx);
        if taken {
            return;
        }
        if !self.on_http(conn, event, ctx)
            && !self.on_import_connection(conn, event, ctx)
            && let ConnEvent::Message(slot) = event
        {
            ctx.discard(slot);
        }
    }

    fn on_granted(&mut self, tag: Tag, ctx: &mut Ctx<'_>) {
        match tag.kind {
            tags::CLIENT_HANDLER => {
                let server = self.client_server.as_mut().expect("the port is open");
                if let Some(incoming) = server.on_granted(tag, ctx) {
                    self.on_client_call(incoming, ctx);
                }
            }
            tags::HA_HANDLER => {
                let server = self.ha_server.as_mut().expect("the port is open");
                if let Some(incoming) = server.on_granted(tag, ctx) {
                    self.on_ha_call(incoming, ctx);
                }
            }
            tags::NAMENODE_HANDLER => {
                let server = self.namenode_server.as_mut().expect("the port is open");
                if let Some(incoming) = server.on_granted(tag, ctx) {
                    self.on_namenode_call(incoming, ctx);
                }
            }
            tags::CALL_LOCK => self.on_call_locked(tag.arg, ctx),
            tags::HA_MONITOR => self.on_ha_monitor(tag.arg, ctx),
            tags::PROCEDURE_LOCK => self.on_procedure_locked(tag.arg, ctx),
            tags::TAIL_CP_LOCK => self.on_tail_cp_lock(tag.arg, ctx),
            tags::LOAD_LOCK => self.on_load_locked(tag.arg, ctx),
            tags::CHECKPOINT_CP_LOCK => self.on_checkpoint_cp_lock(tag.arg, ctx),
            _ => self.on_shared_input(Input::Granted(tag), ctx),
        }
    }

    fn on_timer(&mut self, tag: Tag, ctx: &mut Ctx<'_>) {
        match tag.kind {
            tags::STEP_WORK => self.on_step_worked(tag.arg, ctx),
            tags::TAIL_PERIOD => self.on_tail_awake(tag.arg, ctx),
            tags::TAIL_ROLL_LIMIT => self.on_roll_limit(tag.arg, ctx),
            tags::LOAD_WORK => self.on_load_worked(tag.arg, ctx),
            tags::CHECKPOINT_PERIOD => self.on_checkpoint_awake(tag.arg, ctx),
            tags::CHECKPOINT_SAVE => self.on_image_built(tag.arg, ctx),
            tags::ROLLER_PERIOD => self.on_roller_awake(tag.arg, ctx),
            tags::RESOURCE_PERIOD => self.on_resource_check(tag.arg, ctx),
            tags::SAFE_MODE_POLL => self.watch_safe_mode(ctx),
            tags::JVM_START => self.on_jvm_started(ctx),
            tags::IMAGE_LOAD => self.on_image_loaded(ctx),
            tags::IMPORT_SILENCE => self.on_import_silent(ctx),
            tags::UPLOAD_SILENCE => self.on_transfer_silent(tag, ctx),
            _ => {
                if self.tail.client.on_timer(tag, ctx) {
                    self.on_roll_answers(ctx);
                } else {
                    self.on_shared_input(Input::Timer(tag), ctx);
                }
            }
        }
    }

    fn on_disk(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        let Input::Disk(tag, outcome) = input else { return };
        let done = outcome == crate::engine::process::DiskOutcome::Done;
        match tag.kind {
            tags::LOCAL_SYNC => {
                let ended = self.journals.answered(done, ctx);
                self.on_journals(ended, ctx);
            }
            tags::CHECKPOINT_DISK => self.on_image_synced(tag.arg, done, ctx),
            tags::IMAGE_TAKEN => self.on_image_taken(tag.arg, done, ctx),
            tags::HEALTH_DISK => self.on_health_checked(tag.arg, done, ctx),
            tags::RESOURCE_DISK => self.on_resources_checked(tag.arg, done, ctx),
            tags::FORMATTED => {}
            tags::IMPORTED => self.on_imported(tag.arg, done, ctx),
            tags::IMAGE_READ => self.on_image_read(done, ctx),
            _ => self.on_shared_input(input, ctx),
        }
    }

    fn on_shared_input(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        if let Some(shared) = &mut self.journals.shared {
            shared.on_input(input, ctx);
        }
    }

    /// What the shared journal has to say after any input.
    fn drain_shared(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(event) = self.journals.shared.as_mut().and_then(SharedJournal::event) {
            match event {
                JournalEvent::Ended(result) => {
                    let ended = self.journals.answered(result.is_ok(), ctx);
                    self.on_journals(ended, ctx);
                }
                JournalEvent::Selected(streams) => self.on_selected(streams, ctx),
                JournalEvent::Fetched(result) => self.on_fetched(result, ctx),
                JournalEvent::Probed(healthy) => self.on_shared_probed(healthy, ctx),
            }
        }
    }

    /// An operation of the journal set has ended, or goes on.
    fn on_journals(&mut self, ended: Option<Ended>, ctx: &mut Ctx<'_>) {
        match ended {
            None => {}
            Some(Ended::Exit(why)) => self.terminate(why, ctx),
            Some(Ended::Done(Operation::Flush)) => self.on_flushed(ctx),
            Some(Ended::Done(Operation::Recover)) => {
                self.step_ended(StepOutcome::Done, ctx);
            }
            Some(Ended::Done(Operation::StartSegment)) => {
                self.edit_log.as_mut().expect("open for writing").segment_started();
                self.step_ended(StepOutcome::Done, ctx);
            }
            Some(Ended::Done(Operation::Finalize)) => {
                self.edit_log.as_mut().expect("open for writing").segment_ended();
                self.step_ended(StepOutcome::Done, ctx);
            }
        }
    }
}

impl<S: SharedJournal + Clone + Send + 'static> Process for NameNode<S> {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        if self.exiting {
            if let Input::Connection(conn, event) = input {
                self.on_connection(input, (conn, event), ctx);
            }
            return;
        }
        match input {
            Input::Started => self.on_started(ctx),
            Input::Connection(conn, event) => {
                self.on_connection(input, (conn, event), ctx);
                self.on_roll_answers(ctx);
            }
            Input::Granted(tag) => self.on_granted(tag, ctx),
            Input::Timer(tag) => self.on_timer(tag, ctx),
            Input::Disk(..) => self.on_disk(input, ctx),
            Input::Flow(flow, progress) => {
                if !self.on_flow(flow, progress, ctx) {
                    self.on_shared_input(input, ctx);
                }
            }
            Input::Admin(slot) => ctx.discard(slot),
            Input::Beat(..) => {}
        }
        self.drain_shared(ctx);
        for (span, tag) in std::mem::take(&mut self.work) {
            ctx.work(span);
            ctx.arm(SimDuration::ZERO, tag);
        }
    }

    fn teardown(&self) -> SimDuration {
        self.options.costs.kill_teardown
    }

    fn tag_name(&self, tag: Tag) -> &'static str {
        tags::name(tag.kind)
            .or_else(|| self.tail.client.tag_name(tag))
            .or_else(|| self.journals.shared.as_ref().and_then(|shared| shared.tag_name(tag)))
            .unwrap_or("namenode timer")
    }
}
