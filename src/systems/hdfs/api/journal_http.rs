//! JournalHttp: what a JournalNode serves over HTTP.
//!
//! Here: one log segment, in parts, in the order of its edits.
//! Never here: which segments there are (`qjournal`).
//! Modelled on: Hadoop `qjournal/server/GetJournalEditServlet.java`, `TransferFsImage`.

use std::sync::Arc;

use super::qjournal::{JournalId, edits_bytes};
use crate::engine::process::Interface;
use crate::protocols::namenode::edit::Edit;
use crate::protocols::qjm::TxId;

/// HTTP of a JournalNode.
#[derive(Clone, Copy, Debug)]
pub struct JournalHttp;

/// What travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalHttpMessage {
    /// `GET /getJournal?jid=…&segmentTxId=…`.
    Get {
        /// Of which log.
        journal: JournalId,
        /// First edit of the segment.
        segment: TxId,
    },
    /// A part of the body.
    Part(Arc<[Edit]>),
    /// The body is complete.
    End,
    /// 404, or 500 of a look-up that failed.
    NotFound,
}

/// Request line or status line and headers.
const HEAD_BYTES: u32 = 400;
/// Edits of one [`JournalHttpMessage::Part`] have about this size, so that a reader hears
/// something while a long segment comes.
pub const PART_BYTES: u64 = 1_048_576;

impl Interface for JournalHttp {
    const NAME: &'static str = "JournalHttp";
    type Message = JournalHttpMessage;

    fn kind(message: &JournalHttpMessage) -> &'static str {
        match message {
            JournalHttpMessage::Get { .. } => "GET segment",
            JournalHttpMessage::Part(_) => "part",
            JournalHttpMessage::End => "end",
            JournalHttpMessage::NotFound => "not found",
        }
    }

    fn bytes(message: &JournalHttpMessage) -> u32 {
        match message {
            JournalHttpMessage::Part(edits) => {
                u32::try_from(edits_bytes(edits)).unwrap_or(u32::MAX)
            }
            JournalHttpMessage::Get { .. }
            | JournalHttpMessage::End
            | JournalHttpMessage::NotFound => HEAD_BYTES,
        }
    }
}
