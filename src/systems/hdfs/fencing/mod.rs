//! Fencing: how a failover controller or `haadmin` makes an old active harmless.
//!
//! Here: the graceful call, ssh sessions and shell commands, one fencing at a time.
//! Never here: when to fence (`protocols::elector::election`), in which order (`…::fencing`).
//! Modelled on: Hadoop `FailoverController.tryGracefulFence`, `NodeFencer`, `SshFenceByTcpPort`,
//! `ShellCommandFencer`.

pub mod methods;

use std::sync::Arc;

use self::methods::{Method, Methods, Shell, ShellEnd, Shells};
use super::api::ha_service::{HaRequest, HaService, RequestSource};
use super::keys;
use super::sshd::{Ssh, SshCommand, SshMessage};
use super::zkfc::node_info::HaTarget;
use crate::clients::hadoop_ipc::{
    CallId, CallOutcome, CallPolicy, Completion, ConnectionKey, IpcClient, ServerAddress,
};
use crate::engine::config::Config;
use crate::engine::ctx::Ctx;
use crate::engine::process::{Conn, ConnEvent, Port, Tag, Timer};
use crate::engine::time::SimDuration;
use crate::protocols::Outbox;
use crate::protocols::elector::fencing::{
    AfterCommand, Effect, Fenced, Fencing, Input, Manner, Side, after_fuser, after_nc,
};

/// Values of `Tag::kind` that a fencer claims, from the base that its owner gives it.
pub const TAG_KINDS: u32 = 2;

const SHELL: u32 = 0;
const SSH_CONNECT: u32 = 1;

/// What a fencer reads from the configuration.
#[derive(Clone, Debug)]
pub struct FencerSettings {
    /// `dfs.ha.fencing.methods`.
    pub methods: Methods,
    /// Of the graceful call: a refused connection is repeated once whatever the key says.
    pub graceful: CallPolicy,
    /// `dfs.ha.fencing.ssh.connect-timeout`.
    pub ssh_connect_timeout: SimDuration,
    /// Whether `sshfence` has a key to log in with.
    pub ssh_key: bool,
}

impl FencerSettings {
    /// Of one NameNode's scope.
    ///
    /// # Errors
    /// The outcomes of commands cannot be read.
    pub fn from_config(config: &Config) -> Result<FencerSettings, String> {
        let span = config.get(keys::HADR_FENCING_COMMAND_SPAN);
        let outcomes = config.get(keys::HADR_FENCING_SHELL_OUTCOMES);
        let shells = Shells::parse(&outcomes, span)
            .map_err(|why| format!("{}: {why}", keys::HADR_FENCING_SHELL_OUTCOMES.name))?;
        let retries = config.get(keys::HA_FAILOVER_CONTROLLER_GRACEFUL_FENCE_CONNECTION_RETRIES);
        Ok(FencerSettings {
            methods: Methods::parse(&config.get(keys::DFS_HA_FENCING_METHODS), &shells),
            graceful: CallPolicy::generic(config)
                .with_rpc_timeout(graceful_fence_timeout(config))
                .with_retries(u32::try_from(retries).unwrap_or(u32::MAX), 1),
            ssh_connect_timeout: config.get(keys::DFS_HA_FENCING_SSH_CONNECT_TIMEOUT),
            ssh_key: !config.get(keys::DFS_HA_FENCING_SSH_PRIVATE_KEY_FILES).is_empty(),
        })
    }
}

/// `FailoverController.getGracefulFenceTimeout`.
pub fn graceful_fence_timeout(config: &Config) -> SimDuration {
    config.get(keys::HA_FAILOVER_CONTROLLER_GRACEFUL_FENCE_RPC_TIMEOUT_MS)
}

/// Runs fencings, one at a time, for the process that it is part of.
#[derive(Clone)]
pub struct Fencer {
    settings: Arc<FencerSettings>,
    tag_base: u32,
    by: RequestSource,
    run: Option<Run>,
    ended: Option<Fenced>,
}

#[derive(Clone)]
struct Run {
    fencing: Fencing,
    source: HaTarget,
    target: Option<HaTarget>,
    waits: Waits,
}

/// What the running step waits for.
#[derive(Clone, Copy)]
enum Waits {
    /// The graceful call.
    Graceful(CallId),
    /// A shell command; one that hangs has no timer.
    Shell,
    /// A session with sshd.
    Ssh(Session),
}

#[derive(Clone, Copy)]
struct Session {
    conn: Conn,
    stage: Stage,
    /// Of connecting and logging in; commands have none.
    limit: Timer,
    /// Of the NameNode to kill.
    port: Port,
}

#[derive(Clone, Copy)]
enum Stage {
    Connecting,
    LoggingIn,
    Fuser,
    Nc,
}

/// A wish of a manual failover beyond what a controller does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manual<'a> {
    /// The node to become active: each method is run on it first.
    pub target: Option<&'a HaTarget>,
    /// `-forcefence`.
    pub force: bool,
}

impl Fencer {
    /// A fencer whose timers have tags of kind `tag_base .. tag_base + TAG_KINDS`.
    pub const fn new(settings: Arc<FencerSettings>, by: RequestSource, tag_base: u32) -> Fencer {
        Fencer { settings, tag_base, by, run: None, ended: None }
    }

    /// Begins to fence `source`.
    pub fn start(
        &mut self,
        source: &HaTarget,
        manual: Manual<'_>,
        ha: &mut IpcClient<HaService>,
        ctx: &mut Ctx<'_>,
    ) {
        assert!(self.run.is_none(), "one fencing at a time");
        let manner = Manner {
            methods: self.settings.methods.list().len(),
            force: manual.force,
            target_first: manual.target.is_some(),
        };
        let (mut fencing, mut out) = (Fencing::new(manner), Outbox::default());
        fencing.step(Input::Start, &mut out);
        assert_eq!(out.effects, [Effect::AskGracefully]);
        let request = HaRequest::TransitionToStandby { source: self.by };
        let call = ha.call(key(source.namenode, self.settings.graceful), request, ctx);
        self.run = Some(Run {
            fencing,
            source: *source,
            target: manual.target.copied(),
            waits: Waits::Graceful(call),
        });
    }

    /// How the fencing ended, once.
    pub const fn take_ended(&mut self) -> Option<Fenced> {
        self.ended.take()
    }

    /// A call that ended. False: it is none of this fencer's.
    pub fn on_completed(&mut self, done: &Completion<HaService>, ctx: &mut Ctx<'_>) -> bool {
        let Some(Run { waits: Waits::Graceful(call), .. }) = self.run else { return false };
        if call != done.call {
            return false;
        }
        let worked = match done.outcome {
            CallOutcome::Reply(_) => true,
            CallOutcome::Remote(_) | CallOutcome::Failed(_) => false,
        };
        self.go_on(Input::Graceful(worked), ctx);
        true
    }

    /// A timer's input. False: it is none of this fencer's.
    pub fn on_timer(&mut self, tag: Tag, ctx: &mut Ctx<'_>) -> bool {
        match (tag.kind.checked_sub(self.tag_base), self.run.as_ref().map(|run| run.waits)) {
            (Some(SHELL), Some(Waits::Shell)) => self.go_on(Input::Tried(tag.arg == 1), ctx),
            (Some(SSH_CONNECT), Some(Waits::Ssh(session))) => {
                ctx.abort(session.conn);
                self.go_on(Input::Tried(false), ctx);
            }
            (Some(SHELL | SSH_CONNECT), _) => {}
            (Some(_) | None, _) => return false,
        }
        true
    }

    /// The name of a timer of this fencer, for phases.
    pub fn tag_name(&self, tag: Tag) -> Option<&'static str> {
        match tag.kind.checked_sub(self.tag_base)? {
            SHELL => Some("fencing command"),
            SSH_CONNECT => Some("ssh connect time-out"),
            _ => None,
        }
    }

    /// A connection's input. False: it is none of this fencer's.
    pub fn on_connection(&mut self, conn: Conn, event: ConnEvent, ctx: &mut Ctx<'_>) -> bool {
        let Some(Run { waits: Waits::Ssh(session), .. }) = self.run else { return false };
        if session.conn != conn {
            return false;
        }
        match event {
            ConnEvent::Connected => {
                ctx.cancel(session.limit);
                let limit = ctx
                    .arm(self.settings.ssh_connect_timeout, Tag::new(self.tag_base + SSH_CONNECT));
                ctx.send::<Ssh>(conn, SshMessage::Open { authorized: self.settings.ssh_key });
                self.wait_for(Session { stage: Stage::LoggingIn, limit, ..session });
            }
            ConnEvent::Message(slot) => {
                let message = ctx.take::<Ssh>(slot);
                self.on_ssh(session, message, ctx);
            }
            ConnEvent::Refused
            | ConnEvent::Unreachable
            | ConnEvent::TimedOut
            | ConnEvent::Reset
            | ConnEvent::Closed => {
                ctx.cancel(session.limit);
                self.go_on(Input::Tried(false), ctx);
            }
            ConnEvent::Accepted { .. } | ConnEvent::Drained => {}
        }
        true
    }

    fn on_ssh(&mut self, session: Session, message: SshMessage, ctx: &mut Ctx<'_>) {
        let verdict = match (session.stage, message) {
            (Stage::LoggingIn, SshMessage::Opened) => {
                ctx.cancel(session.limit); // and commands have no limit
                self.exec(Session { stage: Stage::Fuser, ..session }, ctx);
                return;
            }
            (Stage::LoggingIn, SshMessage::AuthFailed) => {
                ctx.cancel(session.limit);
                AfterCommand::NotFenced
            }
            (Stage::Fuser, SshMessage::Exited { status }) => after_fuser(status),
            (Stage::Nc, SshMessage::Exited { status }) => after_nc(status),
            (
                Stage::Connecting | Stage::LoggingIn | Stage::Fuser | Stage::Nc,
                SshMessage::Open { .. }
                | SshMessage::Opened
                | SshMessage::AuthFailed
                | SshMessage::Exec(_)
                | SshMessage::Exited { .. },
            ) => return, // nothing that a server says at this stage
        };
        match verdict {
            AfterCommand::AskNc => self.exec(Session { stage: Stage::Nc, ..session }, ctx),
            AfterCommand::Fenced | AfterCommand::NotFenced => {
                ctx.close(session.conn);
                self.go_on(Input::Tried(verdict == AfterCommand::Fenced), ctx);
            }
        }
    }

    fn exec(&mut self, session: Session, ctx: &mut Ctx<'_>) {
        let port = session.port;
        let command = match session.stage {
            Stage::Nc => SshCommand::Nc { port },
            Stage::Connecting | Stage::LoggingIn | Stage::Fuser => SshCommand::Fuser { port },
        };
        ctx.send::<Ssh>(session.conn, SshMessage::Exec(command));
        self.wait_for(session);
    }

    fn wait_for(&mut self, session: Session) {
        if let Some(run) = &mut self.run {
            run.waits = Waits::Ssh(session);
        }
    }

    /// Feeds the order of fencing and begins what it asks for; methods that end at once are fed
    /// back until something takes time.
    fn go_on(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        let mut next = Some(input);
        while let Some(input) = next.take() {
            let Some(run) = &mut self.run else { return };
            let mut out = Outbox::default();
            run.fencing.step(input, &mut out);
            for effect in out.effects {
                match effect {
                    Effect::AskGracefully => unreachable!("asked once, at the start"),
                    Effect::Try { method, side } => next = self.try_method(method, side, ctx),
                    Effect::Ended(fenced) => {
                        self.run = None;
                        self.ended = Some(fenced);
                    }
                }
            }
        }
    }

    /// Begins a method; some end at once.
    fn try_method(&mut self, method: usize, side: Side, ctx: &mut Ctx<'_>) -> Option<Input> {
        let run = self.run.as_mut()?;
        let on = match side {
            Side::Source => &run.source,
            Side::Target => run.target.as_ref().unwrap_or(&run.source),
        };
        match &self.settings.methods.list()[method] {
            Method::Powershell => return Some(Input::Tried(false)),
            Method::Shell { outcome: Shell { ends, after } } => {
                run.waits = Waits::Shell;
                let tag = |worked: bool| Tag::with(self.tag_base + SHELL, worked.into());
                match ends {
                    ShellEnd::Succeeds => drop(ctx.arm(*after, tag(true))),
                    ShellEnd::Fails => drop(ctx.arm(*after, tag(false))),
                    ShellEnd::Hangs => {}
                }
            }
            Method::Ssh { port } => {
                let conn = ctx.connect::<Ssh>(on.sshd, Port(*port));
                let limit = ctx
                    .arm(self.settings.ssh_connect_timeout, Tag::new(self.tag_base + SSH_CONNECT));
                let port = Port(on.namenode.port);
                run.waits = Waits::Ssh(Session { conn, stage: Stage::Connecting, limit, port });
            }
        }
        None
    }
}

/// A connection to an HA server, as this process makes it.
pub const fn key(server: ServerAddress, policy: CallPolicy) -> ConnectionKey {
    ConnectionKey { server, user: 0, policy }
}
