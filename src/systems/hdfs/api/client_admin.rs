//! ClientAdmin: what the one who runs a scenario asks a client process.
//!
//! Here: the end of its load, and the audit of what it was promised.
//! Never here: a measure.
//! Modelled on: nothing upstream; DESIGN, "RPO is found by an audit after recovery".

use crate::engine::process::Interface;
use crate::history::NoteName;

/// Commands of a scenario to a client.
#[derive(Clone, Copy, Debug)]
pub struct ClientAdmin;

/// One command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCommand {
    /// No operation begins from now on; those under way go on.
    StopLoad,
    /// Read every write that was acknowledged so far back through the service; note `Audited` for
    /// each, then [`AUDIT_ENDED`].
    Audit,
}

/// Noted when an audit ended: writes read back, writes absent, writes that could not be read.
pub const AUDIT_ENDED: NoteName = NoteName::named("hdfs-client/audit-ended");

impl Interface for ClientAdmin {
    const NAME: &'static str = "ClientAdmin";
    type Message = ClientCommand;

    fn kind(command: &ClientCommand) -> &'static str {
        match command {
            ClientCommand::StopLoad => "stop-load",
            ClientCommand::Audit => "audit",
        }
    }

    fn bytes(_command: &ClientCommand) -> u32 {
        0 // not on the wire
    }
}
