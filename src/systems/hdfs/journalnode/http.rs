//! JournalNode's HTTP: segments to whoever fetches them.
//!
//! Here: connections, and how far each answer has been sent.
//! Never here: which file a segment is (the JournalNode looks it up).
//! Modelled on: Hadoop `qjournal/server/GetJournalEditServlet.java` (3.4.1).
//! Left out: Jetty's thread pool; the file is read from the page cache, at no cost.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::ctx::Ctx;
use crate::engine::log::Log;
use crate::engine::process::{Conn, ConnEvent, Port};
use crate::protocols::namenode::edit::Edit;
use crate::protocols::qjm::TxId;
use crate::systems::hdfs::api::journal_http::{JournalHttp, JournalHttpMessage, PART_BYTES};
use crate::systems::hdfs::api::qjournal::{JOURNAL_HTTP_PORT, JournalId};

/// What remains of an answer: the file as it was opened, and the next edit.
#[derive(Clone, Debug)]
struct Body {
    edits: Log<Edit>,
    next: usize,
}

/// A connection's input, understood.
pub(super) enum HttpStep {
    NotMine,
    Goes,
    Asked { conn: Conn, journal: JournalId, segment: TxId },
}

/// The accept side.
#[derive(Clone, Debug, Default)]
pub(super) struct HttpServer {
    connections: BTreeMap<Conn, Option<Body>>,
}

impl HttpServer {
    pub(super) fn listen(ctx: &mut Ctx<'_>) -> HttpServer {
        ctx.listen::<JournalHttp>(Port(JOURNAL_HTTP_PORT));
        HttpServer::default()
    }

    pub(super) fn on_connection(
        &mut self,
        conn: Conn,
        event: ConnEvent,
        ctx: &mut Ctx<'_>,
    ) -> HttpStep {
        if let ConnEvent::Accepted { port: Port(JOURNAL_HTTP_PORT), .. } = event {
            self.connections.insert(conn, None);
            return HttpStep::Goes;
        }
        if !self.connections.contains_key(&conn) {
            return HttpStep::NotMine;
        }
        match event {
            ConnEvent::Message(slot) => match ctx.take::<JournalHttp>(slot) {
                JournalHttpMessage::Get { journal, segment } => {
                    HttpStep::Asked { conn, journal, segment }
                }
                JournalHttpMessage::Part(_)
                | JournalHttpMessage::End
                | JournalHttpMessage::NotFound => HttpStep::Goes, // no client sends it
            },
            ConnEvent::Drained => {
                self.send_on(conn, ctx);
                HttpStep::Goes
            }
            ConnEvent::Accepted { .. } | ConnEvent::Connected => HttpStep::Goes,
            ConnEvent::Refused
            | ConnEvent::Unreachable
            | ConnEvent::TimedOut
            | ConnEvent::Reset
            | ConnEvent::Closed => {
                self.connections.remove(&conn);
                HttpStep::Goes
            }
        }
    }

    /// Answers with the file, or that there is none.
    pub(super) fn answer(&mut self, conn: Conn, edits: Option<Log<Edit>>, ctx: &mut Ctx<'_>) {
        match edits {
            Some(edits) => {
                self.connections.insert(conn, Some(Body { edits, next: 0 }));
                self.send_on(conn, ctx);
            }
            None => ctx.send::<JournalHttp>(conn, JournalHttpMessage::NotFound),
        }
    }

    fn send_on(&mut self, conn: Conn, ctx: &mut Ctx<'_>) {
        let Some(Some(body)) = self.connections.get_mut(&conn) else { return };
        while body.next < body.edits.len() {
            if ctx.is_blocked(conn) {
                return;
            }
            let mut bytes = 0;
            let part: Arc<[Edit]> = body
                .edits
                .iter_from(body.next)
                .take_while(|edit| {
                    let fits = bytes < PART_BYTES;
                    bytes += u64::from(edit.bytes());
                    fits
                })
                .copied()
                .collect();
            body.next += part.len();
            ctx.send::<JournalHttp>(conn, JournalHttpMessage::Part(part));
        }
        ctx.send::<JournalHttp>(conn, JournalHttpMessage::End);
        self.connections.insert(conn, None);
    }
}
