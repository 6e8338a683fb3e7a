//! A server: serves while it holds the lease.

use std::collections::BTreeMap;

use hadr::engine::id::ProcessId;
use hadr::engine::{Conn, ConnEvent, Ctx, Input, Monotonic, Process, SimDuration, Tag, Timer};
use hadr::history::{Fact, OpId, Position, ResourceName, Role, Term};
use hadr::systems::{Build, Placed};

use super::words::{ACTIVE, PORT, Word, Words, content};
use super::{GRANTED, LEASE_SPAN};

const ASK: u32 = 0;
const EXPIRED: u32 = 1;

#[derive(Clone)]
struct Server {
    keeper: ProcessId,
    log: ResourceName,
    span: SimDuration,
    conn: Option<Conn>,
    asked: Monotonic,
    token: Option<u64>,
    expiry: Timer,
    /// Whom to answer, and under which token it was asked for.
    callers: BTreeMap<OpId, (Conn, u64)>,
}

impl Server {
    fn ask(&mut self, ctx: &mut Ctx<'_>) {
        ctx.arm(self.span.scaled(1, 3), Tag::new(ASK));
        match self.conn {
            None => self.conn = Some(ctx.connect::<Words>(self.keeper, PORT)),
            Some(conn) => {
                self.asked = ctx.now().monotonic;
                ctx.send::<Words>(conn, Word::Lease);
            }
        }
    }

    fn granted(&mut self, token: u64, ctx: &mut Ctx<'_>) {
        // The lease counts from the question: no later than the keeper's own count.
        let used = ctx.now().monotonic.since(self.asked);
        ctx.cancel(self.expiry);
        self.expiry = ctx.arm(self.span.saturating_sub(used), Tag::new(EXPIRED));
        if self.token == Some(token) {
            return;
        }
        self.token = Some(token);
        let (resource, term) = (self.log, Term(token));
        ctx.mark(GRANTED.mark());
        ctx.open_gate(ACTIVE);
        ctx.note(Fact::RoleClaimed { resource, role: Role::Active, term });
        ctx.note(Fact::TermBegun { resource, term });
    }

    fn step_down(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(token) = self.token.take() {
            let (resource, term) = (self.log, Term(token));
            ctx.note(Fact::RoleLost { resource, role: Role::Active, term });
        }
    }

    fn answer(&mut self, op: OpId, word: Word, ctx: &mut Ctx<'_>) {
        if let Some((caller, _)) = self.callers.remove(&op) {
            ctx.send_gated::<Words>(caller, word, ACTIVE);
        }
    }

    fn heard(&mut self, conn: Conn, word: Word, ctx: &mut Ctx<'_>) {
        match word {
            Word::Granted { token } => self.granted(token, ctx),
            Word::Write { op } | Word::Read { op } => {
                let (Some(token), Some(keeper)) = (self.token, self.conn) else {
                    return ctx.send_gated::<Words>(conn, Word::NotMine { op }, ACTIVE);
                };
                self.callers.insert(op, (conn, token));
                let writes = matches!(word, Word::Write { .. });
                let asks = if writes { Word::Store { token, op } } else { word };
                ctx.send::<Words>(keeper, asks);
            }
            Word::Stored { op, at } => {
                if let Some((_, token)) = self.callers.get(&op).copied() {
                    let (resource, position) = (self.log, Position(at));
                    let (term, content) = (Term(token), content(op));
                    ctx.note(Fact::Acknowledged { resource, term, position, content });
                }
                self.answer(op, Word::Done { op, found: true }, ctx);
            }
            Word::Done { op, .. } => self.answer(op, word, ctx),
            Word::Fenced { op } => {
                self.step_down(ctx);
                self.answer(op, Word::NotMine { op }, ctx);
            }
            _ => {}
        }
    }
}

impl Process for Server {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => {
                ctx.listen::<Words>(PORT);
                self.ask(ctx);
            }
            Input::Timer(Tag { kind: ASK, .. }) => self.ask(ctx),
            Input::Timer(_) => self.step_down(ctx),
            Input::Connection(conn, ConnEvent::Message(slot)) => {
                let word = ctx.take::<Words>(slot);
                self.heard(conn, word, ctx);
            }
            Input::Connection(_, ConnEvent::Accepted { .. } | ConnEvent::Connected) => {}
            Input::Connection(conn, _) if self.conn == Some(conn) => self.conn = None,
            _ => {}
        }
    }

    fn tag_name(&self, tag: Tag) -> &'static str {
        if tag.kind == ASK { "pause between two requests for the lease" } else { "own lease" }
    }
}

/// As the scenario places it.
pub(crate) fn build(build: &mut Build<'_>, placed: &Placed) -> Result<Box<dyn Process>, String> {
    let keeper = build.population.of_role("lease-keeper").next().ok_or("there is no keeper")?;
    Ok(Box::new(Server {
        keeper: keeper.process,
        log: build.resource("lease"),
        span: placed.config.get(LEASE_SPAN),
        conn: None,
        asked: Monotonic::from_nanos(0),
        token: None,
        expiry: Timer::NONE,
        callers: BTreeMap::new(),
    }))
}
