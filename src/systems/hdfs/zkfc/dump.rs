//! Dump: the thread dump of a NameNode that does not answer or says that it is unhealthy.
//!
//! Here: one HTTP request with its two limits; the monitor waits for it with a lock held.
//! Never here: what is in the dump.
//! Modelled on: `DFSZKFailoverController.getLocalNNThreadDump`.

use super::{Life, tags};
use crate::engine::ctx::Ctx;
use crate::engine::process::{Conn, ConnEvent, Tag, Timer};
use crate::systems::hdfs::api::nn_http::{NnHttp, NnHttpMessage};

/// A request under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dump {
    conn: Conn,
    limit: Timer,
}

impl Life {
    pub(super) fn begin_dump(&mut self, ctx: &mut Ctx<'_>) {
        let (server, port) = self.settings.local().http;
        let conn = ctx.connect::<NnHttp>(server, port);
        let limit = ctx.arm(self.settings.http_timeout, Tag::new(tags::DUMP));
        self.dump = Some(Dump { conn, limit });
    }

    /// A connection's input. False: it is not that of a dump.
    pub(super) fn on_dump_connection(
        &mut self,
        conn: Conn,
        event: ConnEvent,
        ctx: &mut Ctx<'_>,
    ) -> bool {
        let Some(dump) = self.dump.filter(|dump| dump.conn == conn) else { return false };
        match event {
            ConnEvent::Connected => {
                ctx.cancel(dump.limit);
                let limit = ctx.arm(self.settings.http_timeout, Tag::new(tags::DUMP));
                self.dump = Some(Dump { limit, ..dump });
                ctx.send::<NnHttp>(conn, NnHttpMessage::GetStacks);
            }
            ConnEvent::Message(slot) => {
                ctx.discard(slot);
                ctx.close(conn);
                self.end_dump(dump, ctx);
            }
            ConnEvent::Refused
            | ConnEvent::Unreachable
            | ConnEvent::TimedOut
            | ConnEvent::Reset
            | ConnEvent::Closed => self.end_dump(dump, ctx),
            ConnEvent::Accepted { .. } | ConnEvent::Drained => {}
        }
        true
    }

    pub(super) fn on_dump_limit(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(dump) = self.dump {
            ctx.abort(dump.conn);
            self.end_dump(dump, ctx);
        }
    }

    fn end_dump(&mut self, dump: Dump, ctx: &mut Ctx<'_>) {
        ctx.cancel(dump.limit);
        self.dump = None;
        self.on_health_set(ctx);
    }
}
