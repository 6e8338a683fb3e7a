//! The client: what is measured, and what is read back when all is over.

use std::collections::BTreeMap;

use hadr::engine::distributions::exponential;
use hadr::engine::id::ProcessId;
use hadr::engine::{Conn, ConnEvent, Ctx, Input, Process, Purpose, SimDuration, Tag};
use hadr::history::{Fact, OpId, Outcome, ServiceName};
use hadr::systems::{Arrival, Build, Placed};

use super::AUDIT_ENDED;
use super::words::{PORT, Word, Words, content};

const ARRIVAL: Purpose = Purpose::named("lease-client/arrival");
const NEXT: u32 = 0;
const AGAIN: u32 = 1;
const LATE: u32 = 2;
const BACK_OFF: SimDuration = SimDuration::from_millis(200);
const CALL_TIMEOUT: SimDuration = SimDuration::from_secs(1);
const TRIES_MAX: u32 = 60;

#[derive(Clone)]
struct Client {
    servers: Vec<ProcessId>,
    service: ServiceName,
    mean_gap: SimDuration,
    conns: Vec<Option<Conn>>,
    /// Whom it asks.
    at: usize,
    count: u64,
    stopped: bool,
    auditing: bool,
    /// Tries so far, and whom the last one asked.
    under_way: BTreeMap<OpId, (u32, usize)>,
    acknowledged: Vec<OpId>,
}

impl Client {
    fn next(&mut self, ctx: &mut Ctx<'_>) {
        if self.stopped {
            return;
        }
        let gap = exponential(self.mean_gap, ctx.dice(ARRIVAL, self.count).first());
        ctx.arm(gap, Tag::new(NEXT));
        self.count += 1;
        let (service, op) = (self.service, OpId((u64::from(ctx.me().0) << 32) | self.count));
        let (write, bytes) = (true, 64);
        ctx.note(Fact::Invoked { service, op, write, bytes, content: content(op) });
        self.under_way.insert(op, (0, self.at));
        self.call(op, ctx);
    }

    fn call(&mut self, op: OpId, ctx: &mut Ctx<'_>) {
        let Some((tries, asked)) = self.under_way.get_mut(&op) else { return };
        (*tries, *asked) = (*tries + 1, self.at);
        if TRIES_MAX < *tries && self.auditing {
            self.under_way.remove(&op); // not read: the run will say so
            return self.end_audit(ctx);
        }
        if TRIES_MAX < *tries {
            return self.ended(op, Outcome::Unknown, ctx);
        }
        ctx.arm(CALL_TIMEOUT, Tag::with(LATE, op.0 | (u64::from(*tries) << 48)));
        let server = self.servers[self.at];
        let conn = *self.conns[self.at].get_or_insert_with(|| ctx.connect::<Words>(server, PORT));
        ctx.send::<Words>(conn, if self.auditing { Word::Read { op } } else { Word::Write { op } });
    }

    /// The next server is tried, after a pause; calls that fail together move on once.
    fn again(&mut self, op: OpId, ctx: &mut Ctx<'_>) {
        if self.under_way.get(&op).is_some_and(|(_, asked)| *asked == self.at) {
            self.at = (self.at + 1) % self.servers.len();
        }
        ctx.arm(BACK_OFF, Tag::with(AGAIN, op.0));
    }

    fn ended(&mut self, op: OpId, outcome: Outcome, ctx: &mut Ctx<'_>) {
        self.under_way.remove(&op);
        ctx.note(Fact::Ended { service: self.service, op, outcome });
        if outcome == Outcome::Served {
            self.acknowledged.push(op);
        }
    }

    fn heard(&mut self, word: Word, ctx: &mut Ctx<'_>) {
        match word {
            Word::Done { op, .. } if !self.under_way.contains_key(&op) => {} // a second answer
            Word::Done { op, found } if self.auditing => {
                self.under_way.remove(&op);
                ctx.note(Fact::Audited { service: self.service, op, present: found });
                self.end_audit(ctx);
            }
            Word::Done { op, .. } => self.ended(op, Outcome::Served, ctx),
            Word::NotMine { op } => self.again(op, ctx),
            Word::StopLoad => self.stopped = true,
            Word::Audit => {
                self.auditing = true;
                self.under_way = self.acknowledged.iter().map(|op| (*op, (0, self.at))).collect();
                for op in self.acknowledged.clone() {
                    self.call(op, ctx);
                }
                self.end_audit(ctx);
            }
            _ => {}
        }
    }

    fn end_audit(&self, ctx: &mut Ctx<'_>) {
        if self.under_way.is_empty() {
            ctx.note(Fact::Noted { name: AUDIT_ENDED, fields: [self.count, 0, 0, 0] });
        }
    }
}

impl Process for Client {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started | Input::Timer(Tag { kind: NEXT, .. }) => self.next(ctx),
            Input::Timer(Tag { kind: AGAIN, arg }) => self.call(OpId(arg), ctx),
            Input::Timer(Tag { arg, .. }) => {
                let (op, tries) = (OpId(arg & ((1 << 48) - 1)), arg >> 48);
                if self.under_way.get(&op).is_some_and(|(now, _)| u64::from(*now) == tries) {
                    self.again(op, ctx);
                }
            }
            Input::Connection(_, ConnEvent::Message(slot)) | Input::Admin(slot) => {
                let word = ctx.take::<Words>(slot);
                self.heard(word, ctx);
            }
            Input::Connection(_, ConnEvent::Connected) => {}
            Input::Connection(conn, _) => {
                let lost = self.conns.iter_mut().find(|known| **known == Some(conn));
                lost.into_iter().for_each(|known| *known = None);
            }
            _ => {}
        }
    }

    fn tag_name(&self, tag: Tag) -> &'static str {
        match tag.kind {
            NEXT => "client think time",
            AGAIN => "client back-off",
            _ => "call time-out",
        }
    }
}

/// As the scenario places it.
pub(crate) fn build(build: &mut Build<'_>, placed: &Placed) -> Result<Box<dyn Process>, String> {
    let load = placed.load.as_ref().ok_or("a lease-client has a load")?;
    let Arrival::Open { mean_gap } = load.arrival else {
        return Err("a lease-client calls at a rate, not at a pace".to_string());
    };
    let servers: Vec<_> = build.population.of_role("lease-server").map(|one| one.process).collect();
    Ok(Box::new(Client {
        conns: vec![None; servers.len()],
        servers,
        service: build.service(&load.service),
        mean_gap: mean_gap.times(load.clients.into()),
        at: 0,
        count: 0,
        stopped: false,
        auditing: false,
        under_way: BTreeMap::new(),
        acknowledged: Vec::new(),
    }))
}
