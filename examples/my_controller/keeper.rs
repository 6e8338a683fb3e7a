//! The keeper: one lease and one log.

use std::collections::BTreeMap;

use hadr::engine::id::ProcessId;
use hadr::engine::{
    Conn, ConnEvent, Ctx, DiskOutcome, FileName, Input, Monotonic, Process, Record, SimDuration,
    Tag,
};
use hadr::history::{Fact, OpId, Position, ResourceName, Term};
use hadr::systems::{Build, Placed};

use super::words::{FREE, PORT, Word, Words, content};
use super::{LEASE_SPAN, NO_FENCING};

const TOKEN: FileName = FileName("token", 0);
const LOG: FileName = FileName("log", 0);
const GRANT: u32 = 0;
const SYNCED: u32 = 1;
const LEASE_ENDS: u32 = 2;

#[derive(Clone, Copy)]
struct Stored(u64);

impl Record for Stored {
    fn bytes(&self) -> u32 {
        64
    }
}

/// May a write under `token` enter when `newest` has been granted? The plant says: always.
type Admits = fn(token: u64, newest: u64) -> bool;

#[derive(Clone)]
struct Keeper {
    log: ResourceName,
    span: SimDuration,
    admits: Admits,
    token: u64,
    /// Who may write, until when.
    holder: Option<(ProcessId, Monotonic)>,
    peers: BTreeMap<Conn, ProcessId>,
    /// Whose grant waits for the disk.
    granting: Option<Conn>,
    /// Writes that wait for the disk: who asked, under which token, where in the log.
    syncing: BTreeMap<OpId, (Conn, u64, u64)>,
    /// Where in the log each write stands: one that is sent again is not stored again.
    known: BTreeMap<OpId, u64>,
}

impl Keeper {
    fn started(&mut self, ctx: &mut Ctx<'_>) {
        ctx.listen::<Words>(PORT);
        self.token = ctx.records::<Stored>(TOKEN).and_then(|log| log.last()).map_or(0, |t| t.0);
        if let Some(log) = ctx.records::<Stored>(LOG) {
            self.known = log.iter().map(|entry| OpId(entry.0)).zip(0..).collect();
        }
        if self.token == 0 {
            return ctx.open_gate(FREE);
        }
        // Somebody may hold the lease that this keeper's last life granted.
        self.holder = Some((ctx.me(), ctx.now().monotonic + self.span));
        ctx.arm(self.span, Tag::new(LEASE_ENDS));
    }

    fn is_free(&self, ctx: &Ctx<'_>) -> bool {
        self.holder.is_none_or(|(_, until)| until <= ctx.now().monotonic)
    }

    fn lease(&mut self, conn: Conn, ctx: &mut Ctx<'_>) {
        let (now, asks) = (ctx.now().monotonic, self.peers[&conn]);
        let renews = match self.holder {
            Some((holder, until)) if now < until => {
                if holder != asks {
                    return ctx.send_gated::<Words>(conn, Word::Held, FREE);
                }
                true
            }
            Some((holder, _)) => holder == asks,
            None => false,
        };
        if self.granting.is_some() {
            return ctx.send_gated::<Words>(conn, Word::Held, FREE);
        }
        self.holder = Some((asks, now + self.span));
        ctx.arm(self.span, Tag::new(LEASE_ENDS));
        if renews {
            return ctx.send_gated::<Words>(conn, Word::Granted { token: self.token }, FREE);
        }
        self.granting = Some(conn);
        self.token += 1;
        ctx.replace(TOKEN, Stored(self.token), Tag::new(GRANT));
    }

    fn store(&mut self, conn: Conn, (token, op): (u64, OpId), ctx: &mut Ctx<'_>) {
        if !(self.admits)(token, self.token) {
            return ctx.send::<Words>(conn, Word::Fenced { op });
        }
        let next = self.known.len() as u64;
        let at = *self.known.entry(op).or_insert(next);
        if at == next {
            ctx.append(LOG, Stored(op.0));
        }
        self.syncing.insert(op, (conn, token, at));
        ctx.sync(LOG, Tag::with(SYNCED, op.0));
    }

    fn synced(&mut self, op: OpId, ctx: &mut Ctx<'_>) {
        let Some((conn, token, at)) = self.syncing.remove(&op) else { return };
        let (resource, term, position) = (self.log, Term(token), Position(at));
        ctx.note(Fact::Durable { resource, term, position, content: content(op) });
        ctx.send::<Words>(conn, Word::Stored { op, at });
    }
}

impl Process for Keeper {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => self.started(ctx),
            Input::Connection(conn, ConnEvent::Accepted { from, .. }) => {
                self.peers.insert(conn, from);
            }
            Input::Connection(conn, ConnEvent::Message(slot)) => match ctx.take::<Words>(slot) {
                Word::Lease => self.lease(conn, ctx),
                Word::Store { token, op } => self.store(conn, (token, op), ctx),
                Word::Read { op } => {
                    ctx.send::<Words>(conn, Word::Done { op, found: self.known.contains_key(&op) });
                }
                _ => {}
            },
            Input::Disk(Tag { kind: GRANT, .. }, DiskOutcome::Done) => {
                if let Some(conn) = self.granting.take() {
                    ctx.send_gated::<Words>(conn, Word::Granted { token: self.token }, FREE);
                }
            }
            Input::Disk(Tag { kind: SYNCED, arg }, DiskOutcome::Done) => {
                self.synced(OpId(arg), ctx)
            }
            Input::Timer(_) if self.is_free(ctx) => ctx.open_gate(FREE),
            _ => {}
        }
    }

    fn tag_name(&self, tag: Tag) -> &'static str {
        if tag.kind == LEASE_ENDS { "lease" } else { "keeper's disk" }
    }
}

/// As the scenario places it.
pub(crate) fn build(build: &mut Build<'_>, placed: &Placed) -> Result<Box<dyn Process>, String> {
    Ok(Box::new(Keeper {
        log: build.resource("lease"),
        span: placed.config.get(LEASE_SPAN),
        admits: if build.planted(NO_FENCING) {
            |_, _| true
        } else {
            |token, newest| newest <= token
        },
        token: 0,
        holder: None,
        peers: BTreeMap::new(),
        granting: None,
        syncing: BTreeMap::new(),
        known: BTreeMap::new(),
    }))
}
