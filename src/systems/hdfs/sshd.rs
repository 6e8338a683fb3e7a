//! Sshd: the agent on a NameNode's host through which `sshfence` kills.
//!
//! Here: logging in, and the two commands that fencing runs.
//! Never here: what their exit status means (`protocols::elector::fencing`).
//! Modelled on: OpenSSH as `SshFenceByTcpPort` uses it; `fuser -v -k -n tcp`, `nc -z`.
//! Left out: key exchange round by round, host keys, limits on sessions.

use std::collections::BTreeMap;

use super::keys;
use crate::engine::config::Config;
use crate::engine::ctx::Ctx;
use crate::engine::process::{Conn, ConnEvent, Input, Interface, Port, Process, Tag};
use crate::engine::time::SimDuration;

/// What is spoken with sshd.
pub struct Ssh;

/// A command that fencing runs on the old active's host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SshCommand {
    /// `fuser -v -k -n tcp <port>`: 0 if it killed whoever has the port, 1 if nobody has.
    Fuser {
        /// The NameNode's port.
        port: Port,
    },
    /// `nc -z <host> <port>`: 0 if somebody listens. A stopped process still does.
    Nc {
        /// The NameNode's port.
        port: Port,
    },
}

/// Messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SshMessage {
    /// Client: log in.
    Open {
        /// Whether it has a key that this host accepts.
        authorized: bool,
    },
    /// Server: logged in.
    Opened,
    /// Server: no such key.
    AuthFailed,
    /// Client: run this.
    Exec(SshCommand),
    /// Server: it ended.
    Exited {
        /// Its exit status.
        status: i32,
    },
}

impl Interface for Ssh {
    const NAME: &'static str = "Ssh";
    type Message = SshMessage;

    fn kind(message: &SshMessage) -> &'static str {
        match message {
            SshMessage::Open { .. } => "login",
            SshMessage::Opened => "logged-in",
            SshMessage::AuthFailed => "auth-failed",
            SshMessage::Exec(SshCommand::Fuser { .. }) => "fuser",
            SshMessage::Exec(SshCommand::Nc { .. }) => "nc",
            SshMessage::Exited { .. } => "exit-status",
        }
    }

    fn bytes(message: &SshMessage) -> u32 {
        match message {
            SshMessage::Open { .. } => 3_000, // both sides of a key exchange, about
            SshMessage::Opened
            | SshMessage::AuthFailed
            | SshMessage::Exec(_)
            | SshMessage::Exited { .. } => 120,
        }
    }
}

/// The daemon. Must be an agent of its host.
#[derive(Clone)]
pub struct Sshd {
    port: Port,
    /// Of logging in and of each command.
    span: SimDuration,
    count: u64,
    running: BTreeMap<u64, (Conn, SshMessage)>,
}

impl Sshd {
    /// A daemon listening on `port`.
    pub fn new(config: &Config, port: Port) -> Sshd {
        let span = config.get(keys::HADR_FENCING_COMMAND_SPAN);
        Sshd { port, span, count: 0, running: BTreeMap::new() }
    }

    fn answer(asked: SshMessage, ctx: &mut Ctx<'_>) -> Option<SshMessage> {
        let status = |zero: bool| Some(SshMessage::Exited { status: i32::from(!zero) });
        match asked {
            SshMessage::Open { authorized: true } => Some(SshMessage::Opened),
            SshMessage::Open { authorized: false } => Some(SshMessage::AuthFailed),
            SshMessage::Exec(SshCommand::Fuser { port }) => status(ctx.kill_listener(port)),
            SshMessage::Exec(SshCommand::Nc { port }) => status(ctx.is_listening(port)),
            SshMessage::Opened | SshMessage::AuthFailed | SshMessage::Exited { .. } => None,
        }
    }
}

impl Process for Sshd {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => ctx.listen::<Ssh>(self.port),
            Input::Connection(conn, ConnEvent::Message(slot)) => {
                let asked = ctx.take::<Ssh>(slot);
                self.count += 1;
                self.running.insert(self.count, (conn, asked));
                ctx.arm(self.span, Tag::with(0, self.count));
            }
            // A command goes on without its client, as a shell does until it writes.
            Input::Timer(tag) => {
                if let Some((conn, asked)) = self.running.remove(&tag.arg)
                    && let Some(answer) = Sshd::answer(asked, ctx)
                {
                    ctx.send::<Ssh>(conn, answer);
                }
            }
            Input::Connection(
                _,
                ConnEvent::Accepted { .. }
                | ConnEvent::Connected
                | ConnEvent::Refused
                | ConnEvent::Unreachable
                | ConnEvent::TimedOut
                | ConnEvent::Drained
                | ConnEvent::Reset
                | ConnEvent::Closed,
            )
            | Input::Disk(..)
            | Input::Granted(_)
            | Input::Flow(..)
            | Input::Beat(..)
            | Input::Admin(_) => {}
        }
    }

    fn tag_name(&self, _tag: Tag) -> &'static str {
        "ssh command"
    }
}
