//! Mount: the kernel's NFS client of one host: a hard mount, which never gives up.
//!
//! Here: one connection, calls sent again until they are answered.
//! Never here: what the calls are for.
//! Modelled on: Linux `net/sunrpc` over TCP, `hard,timeo=600` (nfs(5)).

use std::collections::BTreeMap;

use crate::engine::ctx::Ctx;
use crate::engine::id::ProcessId;
use crate::engine::process::{Conn, ConnEvent, Port, Tag, Timer};
use crate::engine::time::SimDuration;
use crate::systems::hdfs::api::nfs::{NFS_PORT, Nfs, NfsMessage, NfsOp, NfsResult};

/// `timeo=600`: a call that is not answered so long is sent again on a new connection.
const CALL_TIMEOUT: SimDuration = SimDuration::from_secs(60);
/// `XS_TCP_INIT_REEST_TO`: the first pause before a new connection.
const RECONNECT_FIRST: SimDuration = SimDuration::from_secs(3);
/// Longest pause between attempts.
const RECONNECT_MAX: SimDuration = SimDuration::from_secs(60);

const RECONNECT: u32 = 0;
const CALL: u32 = 1;

#[derive(Clone, Copy, Debug)]
enum Link {
    Down,
    Connecting(Conn),
    Up(Conn),
    Pausing,
}

/// A hard mount.
#[derive(Clone, Debug)]
pub(super) struct Mount {
    filer: ProcessId,
    tag_base: u32,
    link: Link,
    pause: SimDuration,
    calls: BTreeMap<u64, NfsOp>,
    xid_last: u64,
    limit: Timer,
}

impl Mount {
    pub(super) const fn new(filer: ProcessId, tag_base: u32) -> Mount {
        Mount {
            filer,
            tag_base,
            link: Link::Down,
            pause: RECONNECT_FIRST,
            calls: BTreeMap::new(),
            xid_last: 0,
            limit: Timer::NONE,
        }
    }

    /// Sends a call; it will be answered, be it in a year.
    pub(super) fn call(&mut self, op: NfsOp, ctx: &mut Ctx<'_>) -> u64 {
        if self.xid_last == 0 {
            self.xid_last = u64::from(ctx.starts()) << 32; // no boot repeats another's numbers
        }
        self.xid_last += 1;
        let xid = self.xid_last;
        if let Link::Up(conn) = self.link {
            ctx.send::<Nfs>(conn, NfsMessage::Call { xid, op: op.clone() });
        }
        self.calls.insert(xid, op);
        self.watch(ctx);
        if matches!(self.link, Link::Down) {
            self.connect(ctx);
        }
        xid
    }

    /// One timer for the oldest call that is open.
    fn watch(&mut self, ctx: &mut Ctx<'_>) {
        ctx.cancel(self.limit);
        self.limit = Timer::NONE;
        if !self.calls.is_empty() {
            self.limit = ctx.arm(CALL_TIMEOUT, Tag::new(self.tag_base + CALL));
        }
    }

    fn connect(&mut self, ctx: &mut Ctx<'_>) {
        self.link = Link::Connecting(ctx.connect::<Nfs>(self.filer, Port(NFS_PORT)));
    }

    fn lost(&mut self, ctx: &mut Ctx<'_>) {
        self.link = Link::Pausing;
        ctx.arm(self.pause, Tag::new(self.tag_base + RECONNECT));
        self.pause = self.pause.times(2).min(RECONNECT_MAX);
    }

    /// A connection's input. `None`: it is not the mount's; else the call that was answered.
    pub(super) fn on_connection(
        &mut self,
        conn: Conn,
        event: ConnEvent,
        ctx: &mut Ctx<'_>,
    ) -> Option<Option<(u64, NfsResult)>> {
        let (Link::Connecting(mine) | Link::Up(mine)) = self.link else { return None };
        if mine != conn {
            return None;
        }
        match event {
            ConnEvent::Connected => {
                self.link = Link::Up(conn);
                self.pause = RECONNECT_FIRST;
                for (xid, op) in &self.calls {
                    ctx.send::<Nfs>(conn, NfsMessage::Call { xid: *xid, op: op.clone() });
                }
            }
            ConnEvent::Message(slot) => {
                if let NfsMessage::Reply { xid, result } = ctx.take::<Nfs>(slot)
                    && self.calls.remove(&xid).is_some()
                {
                    self.watch(ctx);
                    return Some(Some((xid, result)));
                }
            }
            ConnEvent::Refused
            | ConnEvent::Unreachable
            | ConnEvent::TimedOut
            | ConnEvent::Reset
            | ConnEvent::Closed => self.lost(ctx),
            ConnEvent::Accepted { .. } | ConnEvent::Drained => {}
        }
        Some(None)
    }

    /// A timer's input. False: it is not the mount's.
    pub(super) fn on_timer(&mut self, tag: Tag, ctx: &mut Ctx<'_>) -> bool {
        if tag.kind == self.tag_base + RECONNECT {
            self.connect(ctx);
            return true;
        }
        let mine = tag.kind == self.tag_base + CALL;
        if mine {
            // "server not responding, still trying"
            if let Link::Connecting(conn) | Link::Up(conn) = self.link {
                ctx.abort(conn);
                self.connect(ctx);
            }
            self.watch(ctx);
        }
        mine
    }

    pub(super) const fn tag_name(&self, tag: Tag) -> Option<&'static str> {
        if tag.kind == self.tag_base + RECONNECT {
            Some("nfs reconnect")
        } else if tag.kind == self.tag_base + CALL {
            Some("nfs timeo")
        } else {
            None
        }
    }
}
