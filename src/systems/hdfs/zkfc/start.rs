//! Start: the main thread: what it checks before it serves, and how it ends.
//!
//! Here: the order of the checks, exit codes, the fatal error.
//! Never here: the election.
//! Modelled on: `ZKFailoverController.run`, `doRun`, `mainLoop`, `fatalError`.
//! Left out: waiting for the monitor's thread to end, which the process's end overtakes.

use super::tags::{self, Thread};
use super::{Life, record};
use crate::clients::hadoop_ipc::IpcServer;
use crate::clients::zookeeper::wire::{ZkError, ZnodeData, ZnodeMode};
use crate::engine::ctx::Ctx;
use crate::protocols::elector::Input;

use super::ballots::Asked;

/// `ZKFCRpcServer.HANDLER_COUNT`.
const HANDLERS: u32 = 3;

/// Where the main thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MainStage {
    /// Waits for ZooKeeper, in the elector's constructor.
    Starting,
    /// The constructor heard from a server, or did not.
    Met(bool),
    /// `-formatZK`: makes the n-th node on the way to the parent.
    Formatting(usize),
    /// Looks for the parent node.
    CheckingParent,
    /// `mainLoop`.
    Serving,
    /// Quits the election after a fatal error.
    Ending(&'static str),
}

impl Life {
    pub(super) fn start(&mut self, ctx: &mut Ctx<'_>) {
        if !self.settings.automatic {
            return ctx.exit("exit(5): automatic failover is not enabled");
        }
        self.want_elector_lock(Thread::Main, ctx);
    }

    /// The main thread has the elector's lock.
    pub(super) fn on_main_locked(&mut self, ctx: &mut Ctx<'_>) {
        match self.main {
            MainStage::Starting => self.elect(Input::Start, ctx),
            MainStage::Ending(_) => self.elect(Input::Quit { need_fence: true }, ctx),
            MainStage::Met(_)
            | MainStage::Formatting(_)
            | MainStage::CheckingParent
            | MainStage::Serving => {
                unreachable!("the main thread takes the lock to start and to end")
            }
        }
    }

    pub(super) const fn on_zookeeper_met(&mut self, met: bool) {
        self.main = MainStage::Met(met);
    }

    /// The elector's operation of the main thread is over.
    pub(super) fn on_main_returned(&mut self, ctx: &mut Ctx<'_>) {
        match self.main {
            MainStage::Met(true) if self.formats(ctx) => self.format(0, ctx),
            MainStage::Met(true) => self.check_parent(ctx),
            MainStage::Met(false) if self.formats(ctx) => {
                self.main = MainStage::Starting; // the operator repeats the command
                self.want_elector_lock(Thread::Main, ctx);
            }
            MainStage::Met(false) => ctx.exit("exit(6): unable to connect to ZooKeeper"),
            MainStage::Ending(why) => ctx.exit(why),
            MainStage::Starting
            | MainStage::Formatting(_)
            | MainStage::CheckingParent
            | MainStage::Serving => {
                unreachable!("the main thread asks the elector to start and to end")
            }
        }
    }

    /// Before its first start the operator ran `hdfs zkfc -formatZK` on this host.
    fn formats(&self, ctx: &Ctx<'_>) -> bool {
        self.settings.format && ctx.starts() == 1
    }

    /// `ensureParentZNode`: each node on the way, one after another.
    fn format(&mut self, nth: usize, ctx: &mut Ctx<'_>) {
        let parent = &self.settings.parent;
        let ends = parent.match_indices('/').map(|(at, _)| at).skip(1).chain([parent.len()]);
        let Some(end) = ends.into_iter().nth(nth) else { return self.check_parent(ctx) };
        let path = parent[..end].into();
        self.main = MainStage::Formatting(nth);
        let id = self.zookeeper.create(&path, ZnodeData::default(), ZnodeMode::PERSISTENT, ctx);
        self.await_reply(id, Asked::Parent);
    }

    fn check_parent(&mut self, ctx: &mut Ctx<'_>) {
        self.main = MainStage::CheckingParent;
        let path = self.settings.parent.clone();
        let id = self.zookeeper.exists(&path, false, ctx);
        self.await_reply(id, Asked::Parent);
    }

    /// A node was made, or the parent node exists.
    pub(super) fn on_parent(&mut self, result: Result<(), ZkError>, ctx: &mut Ctx<'_>) {
        if let MainStage::Formatting(nth) = self.main {
            return match result {
                Ok(()) | Err(ZkError::NodeExists) => self.format(nth + 1, ctx),
                Err(ZkError::ConnectionLoss) => self.format(nth, ctx),
                Err(_) => ctx.exit("exit(1): cannot make the parent znode"),
            };
        }
        match result {
            Ok(()) if self.settings.fencer.methods.is_configured() => self.serve(ctx),
            Ok(()) => ctx.exit("exit(4): fencing is not configured"),
            Err(ZkError::NoNode) => ctx.exit("exit(3): parent znode does not exist"),
            Err(_) => ctx.exit("exit(1): cannot determine existence of the parent znode"),
        }
    }

    fn serve(&mut self, ctx: &mut Ctx<'_>) {
        self.main = MainStage::Serving;
        let handlers = ctx.pool("zkfc handlers", HANDLERS);
        self.server = Some(IpcServer::listen(self.settings.port, handlers, tags::HANDLER, ctx));
        self.begin_round(ctx);
    }

    /// `fatalError`: the main thread stops serving, quits the election and exits with 1.
    pub(super) fn on_fatal(&mut self, why: &'static str, ctx: &mut Ctx<'_>) {
        if self.main == MainStage::Serving {
            self.note(record::FATAL, [self.me(), 0, 0, 0], ctx);
            self.main = MainStage::Ending(why);
            ctx.unlisten(self.settings.port);
            self.want_elector_lock(Thread::Main, ctx);
        }
    }
}
