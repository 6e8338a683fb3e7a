//! Segment fetch: one log segment over HTTP from a JournalNode.
//!
//! Here: connect, ask, collect; the limits of opening and of silence.
//! Never here: what is done with the edits; another source after a failure (the caller's).
//! Modelled on: Hadoop `TransferFsImage.doGetUrl`, `EditLogFileInputStream.URLLog` (3.4.1).
//! Left out: checksums of the body; keep-alive connections.

use std::sync::Arc;

use super::api::journal_http::{JournalHttp, JournalHttpMessage};
use super::api::qjournal::{JOURNAL_HTTP_PORT, JournalId};
use crate::engine::ctx::Ctx;
use crate::engine::id::ProcessId;
use crate::engine::process::{Conn, ConnEvent, Port, Tag, Timer};
use crate::engine::time::SimDuration;
use crate::protocols::namenode::edit::Edit;
use crate::protocols::qjm::TxId;

/// How long a fetch waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchTimeouts {
    /// For the connection.
    pub open: SimDuration,
    /// For the next part of the answer.
    pub read: SimDuration,
}

/// Why a fetch failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchFailure {
    /// Nobody listens, or no route.
    NoConnection,
    /// No connection within the limit.
    OpenTimedOut,
    /// Silence for longer than the limit.
    ReadTimedOut,
    /// The source has no such segment, or not one alone.
    NotFound,
    /// The connection broke off.
    Broken,
}

/// What an input did to a fetch.
#[derive(Clone, Debug)]
pub enum FetchStep {
    /// Nothing: it is none of this fetch's.
    NotMine,
    /// It goes on.
    Goes,
    /// It is over.
    Ended(Result<Arc<[Edit]>, FetchFailure>),
}

/// One fetch under way.
#[derive(Clone, Debug)]
pub struct SegmentFetch {
    conn: Conn,
    timer: Timer,
    tag: Tag,
    timeouts: FetchTimeouts,
    wanted: JournalHttpMessage,
    edits: Vec<Edit>,
    connected: bool,
}

impl SegmentFetch {
    /// Starts to fetch the segment that begins at `segment`. Its timers have the tag `tag`.
    pub fn start(
        from: ProcessId,
        (journal, segment): (JournalId, TxId),
        timeouts: FetchTimeouts,
        tag: Tag,
        ctx: &mut Ctx<'_>,
    ) -> SegmentFetch {
        SegmentFetch {
            conn: ctx.connect::<JournalHttp>(from, Port(JOURNAL_HTTP_PORT)),
            timer: ctx.arm(timeouts.open, tag),
            tag,
            timeouts,
            wanted: JournalHttpMessage::Get { journal, segment },
            edits: Vec::new(),
            connected: false,
        }
    }

    /// A connection's input.
    pub fn on_connection(&mut self, conn: Conn, event: ConnEvent, ctx: &mut Ctx<'_>) -> FetchStep {
        if conn != self.conn {
            return FetchStep::NotMine;
        }
        ctx.cancel(self.timer);
        match event {
            ConnEvent::Connected => {
                self.connected = true;
                ctx.send::<JournalHttp>(conn, self.wanted.clone());
                self.goes(ctx)
            }
            ConnEvent::Message(slot) => match ctx.take::<JournalHttp>(slot) {
                JournalHttpMessage::Part(edits) => {
                    self.edits.extend_from_slice(&edits);
                    self.goes(ctx)
                }
                JournalHttpMessage::End => {
                    ctx.close(conn);
                    FetchStep::Ended(Ok(std::mem::take(&mut self.edits).into()))
                }
                JournalHttpMessage::NotFound => {
                    ctx.close(conn);
                    FetchStep::Ended(Err(FetchFailure::NotFound))
                }
                JournalHttpMessage::Get { .. } => self.goes(ctx), // no server sends it
            },
            ConnEvent::Drained | ConnEvent::Accepted { .. } => self.goes(ctx),
            ConnEvent::Refused | ConnEvent::Unreachable | ConnEvent::TimedOut
                if !self.connected =>
            {
                FetchStep::Ended(Err(FetchFailure::NoConnection))
            }
            ConnEvent::Refused
            | ConnEvent::Unreachable
            | ConnEvent::TimedOut
            | ConnEvent::Reset
            | ConnEvent::Closed => FetchStep::Ended(Err(FetchFailure::Broken)),
        }
    }

    fn goes(&mut self, ctx: &mut Ctx<'_>) -> FetchStep {
        self.timer = ctx.arm(self.timeouts.read, self.tag);
        FetchStep::Goes
    }

    /// The time is up; the caller knows its tag.
    pub fn on_timer(&self, ctx: &mut Ctx<'_>) -> FetchFailure {
        ctx.abort(self.conn);
        if self.connected { FetchFailure::ReadTimedOut } else { FetchFailure::OpenTimedOut }
    }

    /// Gives the fetch up.
    pub fn stop(&self, ctx: &mut Ctx<'_>) {
        ctx.cancel(self.timer);
        ctx.abort(self.conn);
    }
}
