//! Tailing: the thread of a standby that follows the shared log and has the active roll it.
//!
//! Here: its rounds, the roll call, its interruption.
//! Never here: the rules of a round (`protocols::namenode::tailer`), loading (`loading`).
//! Modelled on: Hadoop `EditLogTailer`, `MultipleNameNodeProxy` (3.4.1).

use super::loading::{LoadEnd, Purpose};
use super::shared_journal::SharedJournal;
use super::{NameNode, marks, tags};
use crate::clients::hadoop_ipc::client::IpcClient;
use crate::clients::hadoop_ipc::{
    CallId, CallOutcome, ConnectionKey, RemoteException, ServerAddress,
};
use crate::engine::ctx::Ctx;
use crate::engine::process::{Tag, Timer};
use crate::protocols::namenode::tailer::Tailer;
use crate::systems::hdfs::api::namenode_protocol::{
    NAMENODE_PORT, NamenodeProtocol, NamenodeRequest,
};

/// What the thread does.
#[derive(Clone, Copy, Debug)]
enum State {
    Off,
    Asleep(Timer),
    /// Waits for a peer to roll.
    Rolling {
        call: CallId,
        attempts: u64,
        limit: Timer,
    },
    /// Waits for the checkpoint lock.
    Locking,
    /// Holds the checkpoint lock and loads.
    Tailing,
}

/// The tailer's thread and the proxy with which it asks for a roll.
#[derive(Clone)]
pub(super) struct TailThread {
    state: State,
    tailer: Option<Tailer>,
    /// Counts waits, so that what comes late is known.
    serial: u64,
    /// The peer that is asked next.
    peer: usize,
    pub(super) client: IpcClient<NamenodeProtocol>,
}

impl TailThread {
    pub(super) const fn new() -> TailThread {
        let client = IpcClient::new(tags::ROLL_CLIENT);
        TailThread { state: State::Off, tailer: None, serial: 0, peer: 0, client }
    }
}

impl<S: SharedJournal + Clone + Send + 'static> NameNode<S> {
    /// The standby state is entered: the first round comes at once.
    pub(super) fn start_tailer(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now().monotonic;
        self.tail.tailer = Some(Tailer::new(self.options.tailer, now));
        self.tail_round(ctx);
    }

    /// `stop`: interrupted wherever it waits, and joined.
    pub(super) fn stop_tailer(&mut self, ctx: &mut Ctx<'_>) {
        match self.tail.state {
            State::Off => {}
            State::Asleep(timer) => {
                ctx.cancel(timer);
            }
            State::Rolling { call, limit, .. } => {
                ctx.cancel(limit);
                self.tail.client.abandon(call, ctx);
            }
            State::Locking => {
                let tag = Tag::with(tags::TAIL_CP_LOCK, self.tail.serial);
                ctx.give_up(self.threads().cp_lock, tag);
            }
            State::Tailing => {
                self.cancel_load(ctx);
                ctx.release(self.threads().cp_lock);
            }
        }
        self.tail.serial += 1;
        self.tail.state = State::Off;
        self.tail.tailer = None;
    }

    pub(super) fn on_tail_awake(&mut self, serial: u64, ctx: &mut Ctx<'_>) {
        if serial == self.tail.serial {
            self.tail_round(ctx);
        }
    }

    fn tail_round(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now().monotonic;
        let wants_roll = self.tail.tailer.is_some_and(|tailer| tailer.wants_roll(now));
        if wants_roll && !self.setup.peers.is_empty() {
            self.trigger_roll(ctx);
        } else {
            self.tail_after_roll(ctx);
        }
    }

    /// `triggerActiveLogRoll`.
    fn trigger_roll(&mut self, ctx: &mut Ctx<'_>) {
        ctx.mark(marks::ROLL_TRIGGERED.mark());
        self.tail.serial += 1;
        let tag = Tag::with(tags::TAIL_ROLL_LIMIT, self.tail.serial);
        let limit = ctx.arm(self.options.roll_limit, tag);
        self.ask_for_roll(1, limit, ctx);
    }

    fn ask_for_roll(&mut self, attempts: u64, limit: Timer, ctx: &mut Ctx<'_>) {
        let peers = &self.setup.peers;
        let process = peers[self.tail.peer % peers.len()];
        let server = ServerAddress { process, port: NAMENODE_PORT };
        let key = ConnectionKey { server, user: 0, policy: self.options.roll_policy };
        let call = self.tail.client.call(key, NamenodeRequest::RollEditLog, ctx);
        self.tail.state = State::Rolling { call, attempts, limit };
    }

    /// Answers that came to the roll proxy.
    pub(super) fn on_roll_answers(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(completion) = self.tail.client.completed() {
            let State::Rolling { call, attempts, limit } = self.tail.state else { continue };
            if completion.call != call {
                continue;
            }
            match completion.outcome {
                CallOutcome::Reply(_) => {
                    ctx.cancel(limit);
                    let now = ctx.now().monotonic;
                    if let Some(tailer) = &mut self.tail.tailer {
                        tailer.rolled(now);
                    }
                    self.tail_after_roll(ctx);
                }
                // Not the active one, or not reached: the next in turn, some rounds of them.
                CallOutcome::Remote(RemoteException::Standby) | CallOutcome::Failed(_) => {
                    self.tail.peer += 1;
                    let peers = self.setup.peers.len() as u64;
                    if attempts < self.options.roll_attempts * peers {
                        self.ask_for_roll(attempts + 1, limit, ctx);
                    } else {
                        ctx.cancel(limit);
                        self.tail_after_roll(ctx);
                    }
                }
                CallOutcome::Remote(
                    RemoteException::Retriable
                    | RemoteException::AccessControl
                    | RemoteException::Other(_),
                ) => {
                    ctx.cancel(limit);
                    self.tail_after_roll(ctx);
                }
            }
        }
    }

    /// `dfs.ha.tail-edits.rolledits.timeout`: the call is interrupted, the round goes on.
    pub(super) fn on_roll_limit(&mut self, serial: u64, ctx: &mut Ctx<'_>) {
        let State::Rolling { call, .. } = self.tail.state else { return };
        if serial == self.tail.serial {
            self.tail.client.abandon(call, ctx);
            self.tail_after_roll(ctx);
        }
    }

    fn tail_after_roll(&mut self, ctx: &mut Ctx<'_>) {
        self.tail.serial += 1;
        self.tail.state = State::Locking;
        ctx.acquire(self.threads().cp_lock, Tag::with(tags::TAIL_CP_LOCK, self.tail.serial));
    }

    pub(super) fn on_tail_cp_lock(&mut self, serial: u64, ctx: &mut Ctx<'_>) {
        if serial != self.tail.serial {
            ctx.release(self.threads().cp_lock); // granted to a thread that was interrupted
            return;
        }
        self.tail.state = State::Tailing;
        self.begin_load(Purpose::Tail, ctx);
    }

    /// The round has loaded what there was.
    pub(super) fn on_tailed(&mut self, end: LoadEnd, ctx: &mut Ctx<'_>) {
        ctx.release(self.threads().cp_lock);
        let edits = match end {
            LoadEnd::Loaded(edits) => edits,
            LoadEnd::Broken(_) => 0,
            LoadEnd::Unusable(why) => return self.terminate(why, ctx),
        };
        let last = self.last_applied;
        let Some(tailer) = &mut self.tail.tailer else { return };
        let sleep = tailer.tailed(edits, last);
        self.tail.serial += 1;
        let timer = ctx.arm(sleep, Tag::with(tags::TAIL_PERIOD, self.tail.serial));
        self.tail.state = State::Asleep(timer);
    }
}
