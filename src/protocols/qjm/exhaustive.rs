//! Exhaustive tests: three journals, writers that die anywhere, calls that get lost.
//!
//! Here: every pair of lost calls and every moment of death of one writer; every moment of death
//! of two writers under every choice of absent journals; the planted bug that both must find.
//! Never here: time-outs, disks that fail.
//! Modelled on: Hadoop `TestQJMWithFaults.testRecoverAfterDoubleFailures`, which samples two calls.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names the one call it needs")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::channel::{Failure, IpcFailure};
use super::journal::{self, Journal, JournalRules, JournalSettings, Stored};
use super::recovery;
use super::writer::{self, Outcome, Timeouts, Writer, WriterRules, WriterSettings};
use super::{Answer, Call, Refusal, TxId};
use crate::engine::id::ProcessId;
use crate::engine::time::{Monotonic, SimDuration};
use crate::protocols::Outbox;

const JOURNALS: usize = 3;
const NAMESPACE: u64 = 1;

/// A journal on a disk of its own.
#[derive(Clone)]
struct Node {
    journal: Journal<u64>,
    in_progress: BTreeMap<u64, Vec<u64>>,
    finalized: BTreeMap<u64, Vec<u64>>,
    downloads: BTreeMap<(u64, u64), Vec<u64>>,
}

impl Node {
    fn new(rules: JournalRules) -> Node {
        let settings = JournalSettings { rules, cache_bytes: None, refuses_newer_txid: true };
        let stored = Stored { namespace: Some(NAMESPACE), ..Stored::default() };
        Node {
            journal: Journal::recovered(settings, stored, &mut Outbox::default()),
            in_progress: BTreeMap::new(),
            finalized: BTreeMap::new(),
            downloads: BTreeMap::new(),
        }
    }

    fn file(&self, start: TxId) -> Option<&Vec<u64>> {
        self.finalized.get(&start.0).or_else(|| self.in_progress.get(&start.0))
    }

    /// The whole call; `source` is the file that a download would fetch.
    fn call(&mut self, call: Call<u64>, source: Option<Vec<u64>>) -> Result<Answer<u64>, Refusal> {
        let mut input = journal::Input::Called(call);
        loop {
            let mut out = Outbox::default();
            self.journal.step(input, &mut out);
            input = journal::Input::Stored { ok: true };
            for ask in out.effects {
                match ask {
                    journal::Ask::Answer(reply) => return reply,
                    journal::Ask::Create(start) => {
                        self.in_progress.insert(start.0, Vec::new());
                    }
                    journal::Ask::Append { segment, edits, .. } => {
                        self.in_progress.entry(segment.0).or_default().extend_from_slice(&edits);
                    }
                    journal::Ask::MoveAside(start) => {
                        self.in_progress.remove(&start.0);
                    }
                    journal::Ask::Finalize { start, end } => {
                        let file = self.in_progress.remove(&start.0).expect("it was open");
                        assert_eq!(file.len() as u64, start.through(end));
                        let before = self.finalized.insert(start.0, file);
                        assert!(before.is_none(), "a finalized segment changed");
                    }
                    journal::Ask::Download { segment, epoch, .. } => {
                        let edits = source.as_ref().map(|file| file.len() as u64);
                        if let Some(file) = source.clone() {
                            self.downloads.insert((segment.start.0, epoch.0), file);
                        }
                        input = journal::Input::Downloaded { edits };
                    }
                    journal::Ask::TakeDownload { start, epoch } => {
                        let file = self.downloads.remove(&(start.0, epoch.0)).expect("it came");
                        assert!(!self.finalized.contains_key(&start.0));
                        self.in_progress.insert(start.0, file);
                    }
                    journal::Ask::Committed(_)
                    | journal::Ask::Scan { .. }
                    | journal::Ask::ForgetAccepted(_)
                    | journal::Ask::Purge(_)
                    | journal::Ask::PurgeDownload { .. }
                    | journal::Ask::Promise(_)
                    | journal::Ask::Writer(_)
                    | journal::Ask::Sync(_)
                    | journal::Ask::Accept(_)
                    | journal::Ask::Format { .. } => {}
                }
            }
        }
    }
}

/// What becomes of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    RequestLost,
    AnswerLost,
}

/// How one writer's life goes.
#[derive(Clone)]
struct Life {
    /// The n-th call to a journal, and what becomes of it.
    lost: Vec<(usize, usize, Fate)>,
    /// A journal that hears nothing at all.
    absent: Option<usize>,
    /// Calls that are carried before it dies.
    dies_after: usize,
}

impl Life {
    const WHOLE: Life = Life { lost: Vec::new(), absent: None, dies_after: usize::MAX };

    fn fate(&self, logger: usize, nth: usize) -> Fate {
        if self.absent == Some(logger) {
            return Fate::RequestLost;
        }
        let lost = self.lost.iter().find(|(at, number, _)| (*at, *number) == (logger, nth));
        lost.map_or(Fate::Answered, |lost| lost.2)
    }
}

#[derive(Clone, Copy)]
enum Op {
    Recover,
    Start,
    Write(u64),
    Finalize,
}

/// A first segment, closed in order, and a second one left open.
const WORK: [Op; 8] = [
    Op::Recover,
    Op::Start,
    Op::Write(1),
    Op::Write(2),
    Op::Finalize,
    Op::Start,
    Op::Write(1),
    Op::Write(2),
];
/// What a successor does.
const SHORT_WORK: [Op; 4] = [Op::Recover, Op::Start, Op::Write(1), Op::Write(2)];

#[derive(Clone)]
struct Cluster {
    nodes: Vec<Node>,
    rules: WriterRules,
    acked: BTreeMap<u64, u64>,
    writers: u64,
    now_ms: u64,
}

impl Cluster {
    fn new(journals: JournalRules, rules: WriterRules) -> Cluster {
        let nodes = (0..JOURNALS).map(|_| Node::new(journals)).collect();
        Cluster { nodes, rules, acked: BTreeMap::new(), writers: 0, now_ms: 0 }
    }

    fn writer(&self) -> Writer<u64> {
        let span = SimDuration::from_secs(1_000_000);
        let timeouts = Timeouts {
            get_journal_state: span,
            new_epoch: span,
            prepare_recovery: span,
            accept_recovery: span,
            finalize_segment: span,
            start_segment: span,
            write_txns: span,
            operations: span,
        };
        let loggers: Arc<[ProcessId]> = (0..).map(ProcessId).take(JOURNALS).collect();
        Writer::new(WriterSettings {
            loggers,
            namespace: NAMESPACE,
            timeouts,
            queue_limit_bytes: 1_000,
            rules: self.rules,
        })
    }

    fn carry(
        &mut self,
        logger: usize,
        call: Call<u64>,
        fate: Fate,
    ) -> Result<Answer<u64>, Failure> {
        const LOST: Failure = Failure::Ipc(IpcFailure::SentAndLost);
        if fate == Fate::RequestLost {
            return Err(LOST);
        }
        let source = match &call {
            Call::AcceptRecovery { segment, from, .. } => {
                self.nodes[from.index()].file(segment.start).cloned()
            }
            _ => None,
        };
        let reply = self.nodes[logger].call(call, source);
        if fate == Fate::AnswerLost { Err(LOST) } else { reply.map_err(Failure::Refused) }
    }

    /// What a writer writes at a place. The edit that begins a segment is the same whoever writes
    /// it: acceptRecovery compares lengths, not contents, and only that edit can stand alone on two
    /// journals for two writers.
    fn edit(&self, segment: TxId, at: u64) -> u64 {
        if segment.0 == at { at } else { self.writers * 1_000 + at }
    }

    /// One writer from its birth to its death or the end of its work. Whether it did all of it.
    fn live(&mut self, work: &[Op], life: &Life) -> bool {
        self.live_and_watch(work, life, &mut |_, _| {})
    }

    /// The same; `watch` sees the journals before each call: what a death at that moment leaves,
    /// and whether a call was lost before.
    fn live_and_watch(
        &mut self,
        work: &[Op],
        life: &Life,
        watch: &mut dyn FnMut(&Cluster, bool),
    ) -> bool {
        let mut disturbed = false;
        self.writers += 1;
        let mut writer = self.writer();
        let (mut carried, mut calls) = (0, [0; JOURNALS]);
        let (mut segment, mut next) = (TxId(1), TxId(1));
        for op in work {
            let input = match *op {
                Op::Recover => writer::Input::Recover,
                Op::Start => {
                    segment = next;
                    writer::Input::StartLogSegment { txid: next }
                }
                Op::Write(count) => {
                    let edits = (next.0..).take(usize::try_from(count).unwrap());
                    let edits = edits.map(|at| self.edit(segment, at)).collect();
                    let first = next;
                    next = next.plus(count);
                    writer::Input::Flush { segment, first, edits, bytes: 1 }
                }
                Op::Finalize => writer::Input::Finalize { start: segment, end: TxId(next.0 - 1) },
            };
            self.now_ms += 2_000; // heartbeats are due again
            let now = Monotonic::from_nanos(self.now_ms * 1_000_000);
            let mut queue = VecDeque::new();
            let mut ended = None;
            let mut out = Outbox::default();
            writer.step(input, now, &mut out);
            loop {
                for ask in out.effects.drain(..) {
                    match ask {
                        writer::Ask::Call { logger, call } => queue.push_back((logger, call)),
                        writer::Ask::Done(outcome) => ended = Some(outcome),
                        writer::Ask::Arm(_) | writer::Ask::Disarm | writer::Ask::Step(_) => {}
                    }
                }
                let Some((logger, call)) = queue.pop_front() else { break };
                if carried == life.dies_after {
                    return false;
                }
                carried += 1;
                watch(self, disturbed);
                let at = logger.index();
                let fate = life.fate(at, calls[at]);
                disturbed |= fate != Fate::Answered;
                calls[at] += 1;
                let result = self.carry(at, call, fate);
                writer.step(writer::Input::RpcEnded { logger, result }, now, &mut out);
            }
            match ended.expect("every call ends, so every operation does") {
                Outcome::Recovered { segment, .. } => {
                    next = segment.map_or(TxId(1), |found| found.end.plus(1));
                }
                Outcome::Flushed { last } => {
                    let new = (segment.0..=last.0).filter(|at| !self.acked.contains_key(at));
                    let new: Vec<u64> = new.collect();
                    for at in new {
                        self.acked.insert(at, self.edit(segment, at));
                    }
                }
                Outcome::Failed(_) => return false,
                Outcome::SegmentStarted | Outcome::Finalized | Outcome::Formatted => {}
            }
        }
        true
    }

    /// What is wrong once a last writer, undisturbed, has recovered and written.
    fn judge(mut self) -> Result<(), &'static str> {
        let work = [Op::Recover, Op::Start, Op::Write(1), Op::Finalize];
        if !self.live(&work, &Life::WHOLE) {
            return Err("the last writer cannot recover");
        }
        let mut log: BTreeMap<u64, u64> = BTreeMap::new();
        for node in &self.nodes {
            for (start, file) in &node.finalized {
                for (at, edit) in (*start..).zip(file) {
                    if *log.entry(at).or_insert(*edit) != *edit {
                        return Err("finalized copies differ");
                    }
                }
            }
        }
        let kept = self.acked.iter().all(|(at, edit)| log.get(at) == Some(edit));
        if kept { Ok(()) } else { Err("an acknowledged edit is lost") }
    }
}

fn honest() -> Cluster {
    Cluster::new(JournalRules::HONEST, WriterRules::HONEST)
}

/// Calls of a life without disturbances.
fn calls_of(work: &[Op], cluster: &Cluster) -> usize {
    (0..).find(|n| cluster.clone().live(work, &Life { dies_after: *n, ..Life::WHOLE })).unwrap()
}

/// Schedules that differ only before anything was lost are counted once, as the death of an
/// undisturbed writer.
#[test]
fn one_writer_any_two_lost_calls_any_moment_of_death() {
    let each = calls_of(&WORK, &honest()) / JOURNALS;
    let fates = [Fate::RequestLost, Fate::AnswerLost];
    let mut schedules = 0_u32;
    let mut judge = |cluster: &Cluster, case: &dyn std::fmt::Debug| {
        schedules += 1;
        assert_eq!(cluster.clone().judge(), Ok(()), "{case:?}");
    };
    honest().live_and_watch(&WORK, &Life::WHOLE, &mut |left, _| judge(left, &"undisturbed"));
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        for (nth, mth) in (0..each).flat_map(|nth| (0..each).map(move |mth| (nth, mth))) {
            for (fate, rate) in fates.iter().flat_map(|f| fates.iter().map(move |g| (*f, *g))) {
                let lost = vec![(one, nth, fate), (other, mth, rate)];
                let life = Life { lost, ..Life::WHOLE };
                let mut cluster = honest();
                let case = (one, nth, other, mth);
                cluster.live_and_watch(&WORK, &life, &mut |left, disturbed| {
                    if disturbed {
                        judge(left, &case);
                    }
                });
                judge(&cluster, &case);
            }
        }
    }
    assert_eq!(schedules, 15_543);
}

/// Two writers die anywhere, a third writes and stops, a fourth judges; before each a journal may
/// be away. Verdicts that are not `Ok`, and how many schedules there were.
fn two_deaths(fresh: &Cluster) -> (u32, Vec<&'static str>) {
    let absences = [None, Some(0), Some(1), Some(2)];
    let first_calls = calls_of(&WORK, fresh);
    let mut schedules = 0;
    let mut wrong = Vec::new();
    for dies_after in first_calls / 2..=first_calls {
        let mut after_one = fresh.clone();
        after_one.live(&WORK, &Life { dies_after, ..Life::WHOLE });
        for absent in absences {
            for dies_after in 0.. {
                let mut after_two = after_one.clone();
                let life = Life { lost: Vec::new(), absent, dies_after };
                let whole = after_two.live(&SHORT_WORK, &life);
                for absent in absences {
                    let mut after_three = after_two.clone();
                    after_three.live(&SHORT_WORK, &Life { absent, ..Life::WHOLE });
                    schedules += 1;
                    wrong.extend(after_three.judge().err());
                }
                if whole || 3 * 12 < dies_after {
                    break;
                }
            }
        }
    }
    (schedules, wrong)
}

#[test]
fn two_writers_die_anywhere_and_nothing_acknowledged_is_lost() {
    let (schedules, wrong) = two_deaths(&honest());
    assert_eq!(wrong, [""; 0]);
    assert_eq!(schedules, 6_000);
}

/// HDFS-3845: an accepted decision outranks a newer writer's edits, and outlives their start.
#[test]
fn the_planted_ranking_loses_acknowledged_edits() {
    let journals = JournalRules { start_forgets_decision: false, ..JournalRules::HONEST };
    let rules = WriterRules {
        rank: |one, other| {
            let (Some(a), Some(b)) = (one.segment, other.segment) else {
                return recovery::rank(one, other);
            };
            let accepted = one.accepted_in.cmp(&other.accepted_in);
            Ok(accepted.then(a.end.cmp(&b.end)))
        },
    };
    let (_, wrong) = two_deaths(&Cluster::new(journals, rules));
    assert!(wrong.contains(&"an acknowledged edit is lost"), "{wrong:?}");
}
