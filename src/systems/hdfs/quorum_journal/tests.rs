//! Quorum journal tests: a scribe in a NameNode's place, real JournalNodes, the real network.
//!
//! Here: the times of hdfs-ha.md 0b and 1.8 (S7, S8, S9, S15, S28), recovery, the syncer, reading.
//! Never here: the protocol's own rules (`protocols::qjm`).
//! Modelled on: Hadoop `TestQuorumJournalManager`, `TestJournalNodeSync`.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it is about")]

use super::*;
use crate::engine::config::Config;
use crate::engine::core::MarkTrigger;
use crate::engine::id::{HostId, ProcessId};
use crate::engine::net::LinkClasses;
use crate::engine::note::{Note, Stamped};
use crate::engine::process::{Interface, Process};
use crate::engine::time::{SimDuration, SimTime};
use crate::engine::world::{HostOptions, ProcessOptions, World};
use crate::history::ResourceName;
use crate::protocols::namenode::edit::EditOp;
use crate::protocols::qjm::journal::JournalRules;
use crate::protocols::qjm::writer::WriterRules;
use crate::systems::hdfs::api::qjournal::{JournalId, edits_bytes};
use crate::systems::hdfs::journalnode::{self, JournalNode, JournalNodeSetup, JournalSetup};
use crate::systems::hdfs::keys::HADOOP_3_4;

const NAMESPACE: u64 = 5;
const JOURNAL: JournalId = JournalId(0);
const LOG: ResourceName = ResourceName(0);

/// What a test tells the scribe.
#[derive(Clone, Copy, Debug)]
enum Order {
    /// An operator formats through a new writer.
    Format,
    /// A new writer recovers.
    Recover,
    /// Opens a segment and writes its first edit.
    Start(u64),
    /// Writes so many edits in one batch.
    Write(u64),
    /// Writes an edit, and the next one 50 ms after its acknowledgement, and so on.
    Load,
    Finalize,
    Read {
        from: u64,
        in_progress_ok: bool,
    },
}

struct Orders;

impl Interface for Orders {
    const NAME: &'static str = "Orders";
    type Message = Order;
    fn kind(_message: &Order) -> &'static str {
        "order"
    }
    fn bytes(_message: &Order) -> u32 {
        0
    }
}

const PACE: Tag = Tag::new(90);
/// The note of an outcome: its name and its number.
const HEARD: u16 = 901;

#[derive(Clone)]
struct Scribe {
    log: QuorumJournal,
    segment: u64,
    next: u64,
    load: bool,
    runs: VecDeque<Readable>,
}

impl Scribe {
    fn write(&mut self, count: u64, ctx: &mut Ctx<'_>) {
        let edit = |txid| Edit { txid, op: EditOp::StartLogSegment, call: None };
        let edits: Arc<[Edit]> = (self.next..self.next + count).map(edit).collect();
        let bytes = edits_bytes(&edits);
        self.log.flush(TxId(self.segment), (TxId(self.next), edits), bytes, ctx);
        self.next += count;
    }

    fn order(&mut self, order: Order, ctx: &mut Ctx<'_>) {
        match order {
            Order::Format => {
                self.log.open_for_write(ctx);
                self.log.format(ctx);
            }
            Order::Recover => {
                self.log.open_for_write(ctx);
                self.log.recover(ctx);
            }
            Order::Start(txid) => {
                (self.segment, self.next) = (txid, txid);
                self.log.start_log_segment(TxId(txid), ctx);
            }
            Order::Write(count) => self.write(count, ctx),
            Order::Load => {
                self.load = true;
                self.write(1, ctx);
            }
            Order::Finalize => {
                self.load = false;
                self.log.finalize(TxId(self.segment), TxId(self.next - 1), ctx);
            }
            Order::Read { from, in_progress_ok } => {
                self.log.select(TxId(from), in_progress_ok, true, ctx);
            }
        }
    }

    fn hear(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(event) = self.log.event() {
            let (name, number) = match event {
                QuorumEvent::Written(Outcome::Recovered { epoch, segment }) => {
                    (0, epoch.0 * 1_000 + segment.map_or(0, |found| found.end.0))
                }
                QuorumEvent::Written(Outcome::SegmentStarted) => {
                    self.write(1, ctx);
                    (1, self.segment)
                }
                QuorumEvent::Written(Outcome::Flushed { last }) => {
                    if self.load {
                        ctx.arm(SimDuration::from_millis(50), PACE);
                    }
                    (2, last.0)
                }
                QuorumEvent::Written(Outcome::Finalized) => (3, self.next - 1),
                QuorumEvent::Written(Outcome::Formatted) => (4, 0),
                QuorumEvent::Written(Outcome::Failed(QuorumFailure::TimedOut)) => (5, 0),
                QuorumEvent::Written(Outcome::Failed(QuorumFailure::TooManyFailures {
                    successes,
                })) => (6, successes as u64),
                QuorumEvent::Written(Outcome::Failed(QuorumFailure::Assertion(_))) => (7, 0),
                QuorumEvent::Selected(Ok(runs)) => {
                    self.runs = runs.into();
                    let count = self.runs.len() as u64;
                    if let Some(run) = self.runs.pop_front() {
                        self.log.fetch(run, ctx);
                    }
                    (8, count)
                }
                QuorumEvent::Selected(Err(_)) => (9, 0),
                QuorumEvent::Fetched(Ok(edits)) => {
                    if let Some(run) = self.runs.pop_front() {
                        self.log.fetch(run, ctx);
                    }
                    let ends = edits.first().zip(edits.last());
                    (10, ends.map_or(0, |(first, last)| first.txid * 1_000 + last.txid))
                }
                QuorumEvent::Fetched(Err(_)) => (11, 0),
            };
            ctx.note(Note { kind: HEARD, fields: [name, number, 0, 0, 0] });
        }
    }
}

const WORDS: [&str; 12] = [
    "recovered",
    "started",
    "acked",
    "finalized",
    "formatted",
    "timed out",
    "failed",
    "contradicted",
    "selected",
    "no selection",
    "read",
    "unreadable",
];

impl Process for Scribe {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Admin(slot) => {
                let order = ctx.take::<Orders>(slot);
                self.order(order, ctx);
            }
            Input::Timer(PACE) => {
                if self.load {
                    self.write(1, ctx);
                }
            }
            input => {
                self.log.on_input(input, ctx);
            }
        }
        self.hear(ctx);
    }
}

/// Two scribes and some JournalNodes, each on a host of its own.
#[derive(Clone)]
struct Cluster {
    world: World,
    journals: Vec<ProcessId>,
    hosts: Vec<HostId>,
    scribes: [ProcessId; 2],
    notes: Vec<Stamped>,
}

impl Cluster {
    fn with(config: &Config, journals: u32) -> Cluster {
        let mut world = World::new(7, LinkClasses::default());
        let site = world.add_site("lab");
        let rack = world.add_rack("r1", site);
        let names = (1..=journals).map(|n| format!("jn{n}"));
        let placed: Vec<(ProcessId, HostId)> = names
            .map(|name| {
                let host = world.add_host(&name, rack, HostOptions::default());
                (world.reserve(&name, host, ProcessOptions::default()), host)
            })
            .collect();
        let nodes: Vec<ProcessId> = placed.iter().map(|(process, _)| *process).collect();
        for node in &nodes {
            let peers = nodes.iter().copied().filter(|peer| peer != node).collect();
            let formatted_for = Some(NAMESPACE);
            let journals = vec![JournalSetup { id: JOURNAL, resource: LOG, formatted_for, peers }];
            let (config, rules) = (config.clone(), JournalRules::HONEST);
            let setup = JournalNodeSetup { config, journals, rules };
            world.install(*node, Box::new(JournalNode::new(setup)));
        }
        let scribes = ["nn1", "nn2"].map(|name| {
            let setup = QuorumJournalSetup {
                config: config.clone(),
                journal: JOURNAL,
                resource: LOG,
                namespace: NAMESPACE,
                journal_nodes: nodes.clone(),
                rules: WriterRules::HONEST,
            };
            let log = QuorumJournal::new(setup, 10);
            let scribe = Scribe { log, segment: 0, next: 1, load: false, runs: VecDeque::new() };
            let host = world.add_host(name, rack, HostOptions::default());
            world.add_process(name, host, ProcessOptions::default(), Box::new(scribe))
        });
        let hosts = placed.into_iter().map(|(_, host)| host).collect();
        let mut cluster = Cluster { world, journals: nodes, hosts, scribes, notes: Vec::new() };
        cluster.advance(5_000);
        cluster
    }

    fn stock() -> Cluster {
        Cluster::with(&Config::stock(HADOOP_3_4), 3)
    }

    fn now(&mut self) -> SimTime {
        self.world.now()
    }

    fn advance(&mut self, ms: u64) {
        let until = self.now() + SimDuration::from_millis(ms);
        self.world.advance(until);
        self.notes.extend(self.world.drain_notes());
        assert_eq!(self.world.take_broken(), []);
    }

    /// Gives an order and waits; what was heard, with milliseconds since the order.
    fn tell(&mut self, scribe: usize, order: Order, wait_ms: u64) -> Vec<(&'static str, u64, u64)> {
        let from = self.now();
        let seen = self.notes.len();
        assert!(self.world.command::<Orders>(self.scribes[scribe], order));
        self.advance(wait_ms);
        self.heard(scribe, seen, from)
    }

    fn heard(&self, scribe: usize, seen: usize, from: SimTime) -> Vec<(&'static str, u64, u64)> {
        let by = self.scribes[scribe];
        let mine = self.notes[seen..].iter().filter(|note| note.by == by);
        mine.filter(|note| note.note.kind == HEARD)
            .map(|note| {
                let [name, number, ..] = note.note.fields;
                let word = WORDS[usize::try_from(name).unwrap()];
                (word, number, note.at.since(from).as_millis())
            })
            .collect()
    }

    /// The words and numbers only.
    fn say(&mut self, scribe: usize, order: Order) -> Vec<(&'static str, u64)> {
        let heard = self.tell(scribe, order, 1_000);
        heard.into_iter().map(|(word, number, _)| (word, number)).collect()
    }

    /// A segment from 1 with `edits` edits, by the first scribe.
    fn writing(edits: u64) -> Cluster {
        let mut cluster = Cluster::stock();
        cluster.say(0, Order::Recover);
        cluster.say(0, Order::Start(1));
        if 1 < edits {
            cluster.say(0, Order::Write(edits - 1));
        }
        cluster
    }

    /// The edits that a JournalNode said are on its disk, in its order.
    fn durable(&self, journal: usize) -> Vec<u64> {
        let mine = self.notes.iter().filter(|note| note.by == self.journals[journal]);
        mine.filter_map(|note| match Fact::read(&note.note)? {
            Fact::Durable { position, .. } => Some(position.0),
            _ => None,
        })
        .collect()
    }

    /// When the load ended, in milliseconds after `from`.
    fn load_failed(&self, from: SimTime) -> Option<(&'static str, u64)> {
        let heard = self.heard(0, 0, SimTime::START);
        let since = from.since_start().as_millis();
        heard
            .iter()
            .rev()
            .find(|(word, ..)| ["failed", "timed out"].contains(word))
            .map(|(word, _, at)| (*word, at - since))
    }
}

#[test]
fn a_fresh_log_is_written_and_every_copy_has_it() {
    let mut cluster = Cluster::stock();
    cluster.world.take_census();
    assert_eq!(cluster.say(0, Order::Recover), [("recovered", 1_000)]); // epoch 1, no segment
    assert_eq!(cluster.say(0, Order::Start(1)), [("started", 1), ("acked", 1)]);
    assert_eq!(cluster.say(0, Order::Write(3)), [("acked", 4)]);
    assert_eq!(cluster.say(0, Order::Finalize), [("finalized", 4)]);
    for journal in 0..3 {
        assert_eq!(cluster.durable(journal), [1, 2, 3, 4]);
    }
    let asked = ["getJournalState", "newEpoch", "startLogSegment", "journal", "finalizeLogSegment"];
    for (kind, count) in asked.into_iter().zip([3, 3, 3, 6, 3]) {
        let rows = cluster.world.census();
        let of = rows.iter().filter(|row| row.kind == kind);
        assert_eq!(of.map(|row| row.count).sum::<u64>(), count, "{kind}");
    }
}

/// Formatting needs every JournalNode, and clears what the log held.
#[test]
fn format_needs_all_journals_and_clears_them() {
    let mut cluster = Cluster::writing(3);
    assert_eq!(cluster.say(1, Order::Format), [("formatted", 0)]);
    assert_eq!(cluster.say(1, Order::Recover), [("recovered", 1_000)]); // epochs begin anew
    cluster.world.stop(cluster.journals[2]);
    let heard = cluster.tell(1, Order::Format, 100_000);
    assert_eq!(heard[0].0, "timed out");
    assert!((60_000..60_010).contains(&heard[0].2), "{heard:?}");
}

#[test]
fn the_next_writer_recovers_the_segment_and_fences_the_old_one() {
    let mut cluster = Cluster::writing(10);
    assert_eq!(cluster.say(1, Order::Recover), [("recovered", 2_010)]);
    assert_eq!(cluster.say(1, Order::Start(11)), [("started", 11), ("acked", 11)]);
    // S15: the old writer hears of it when it writes, not before.
    assert_eq!(cluster.say(0, Order::Write(1)), [("failed", 0)]);
}

/// S20: what only one journal has may be committed by the recovery; the others fetch it.
#[test]
fn recovery_commits_what_never_reached_a_quorum() {
    let mut cluster = Cluster::writing(3);
    let cut = {
        let nn1 = cluster.world.host_of(cluster.scribes[0]);
        cluster.world.cut(&[nn1], &cluster.hosts[1..], true)
    };
    cluster.tell(0, Order::Write(2), 100); // 4 and 5 reach jn1 only
    assert_eq!(cluster.durable(0), [1, 2, 3, 4, 5]);
    cluster.world.heal(cut);
    let host = cluster.world.host_of(cluster.scribes[0]);
    cluster.world.power_off(host);
    // A majority without jn1 would end at 3; here jn3 is away, so jn1 is heard.
    cluster.world.kill(cluster.journals[2]);
    assert_eq!(cluster.say(1, Order::Recover), [("recovered", 2_005)]);
    assert_eq!(cluster.durable(1), [1, 2, 3, 1, 2, 3, 4, 5]); // taken over as a whole
}

/// S9, 1.8: two silent journals cost the whole 20 s; nothing else ends the call.
#[test]
fn silent_journals_end_the_writer_after_20_seconds() {
    let mut cluster = Cluster::writing(1);
    cluster.world.stop(cluster.journals[1]);
    cluster.world.stop(cluster.journals[2]);
    let heard = cluster.tell(0, Order::Write(1), 30_000);
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].0, "timed out");
    assert!((20_000..20_010).contains(&heard[0].2), "{heard:?}");
}

/// S28: under load, the first killed journal's channel is inside its heartbeat's ten connects; the
/// second killed 40 ms later fails at once; the third answer comes when that heartbeat ends.
#[test]
fn two_killed_journals_end_the_writer_after_10_seconds_if_not_in_one_batch() {
    let mut cluster = Cluster::writing(1);
    cluster.tell(0, Order::Load, 2_000);
    let from = cluster.now();
    cluster.world.kill(cluster.journals[0]);
    cluster.advance(120);
    cluster.world.kill(cluster.journals[1]);
    cluster.advance(30_000);
    let (word, at) = cluster.load_failed(from).unwrap();
    assert_eq!(word, "failed");
    assert!((10_000..10_200).contains(&at), "{at}");
}

/// One journal lost: no outage. G of hdfs-ha.md 10.
#[test]
fn a_killed_journal_of_three_costs_nothing() {
    let mut cluster = Cluster::writing(1);
    cluster.tell(0, Order::Load, 2_000);
    cluster.world.kill(cluster.journals[0]);
    let seen = cluster.notes.len();
    let from = cluster.now();
    cluster.advance(20_000);
    let acked: Vec<u64> = cluster.heard(0, seen, from).iter().map(|(.., at)| *at).collect();
    assert!(380 < acked.len());
    assert!(acked.windows(2).all(|pair| pair[1] - pair[0] < 100));
}

/// S7 and S8: a restarted journal has no open segment; it takes no edits until the next segment,
/// and so a second restart inside the same segment ends the writer at once.
#[test]
fn restarting_two_journals_one_after_another_in_one_segment_ends_the_writer() {
    let mut cluster = Cluster::writing(2);
    for journal in [0, 1] {
        cluster.world.kill(cluster.journals[journal]);
        cluster.advance(500);
        cluster.world.start(cluster.journals[journal]);
        cluster.advance(5_000);
    }
    assert_eq!(cluster.say(0, Order::Write(1)), [("failed", 1)]);

    let mut rolled = Cluster::writing(2);
    for journal in [0, 1] {
        rolled.world.kill(rolled.journals[journal]);
        rolled.advance(500);
        rolled.world.start(rolled.journals[journal]);
        rolled.advance(5_000);
        assert_eq!(rolled.say(0, Order::Write(1)).len(), 1);
        assert_eq!(rolled.say(0, Order::Finalize).len(), 1);
        let next = 4 + 2 * journal as u64;
        assert_eq!(rolled.say(0, Order::Start(next)), [("started", next), ("acked", next)]);
    }
    assert_eq!(rolled.say(0, Order::Write(1)).len(), 1);
    assert!(rolled.durable(0).ends_with(&[6, 7]));
}

/// F of hdfs-ha.md 10: recovery without a quorum fails after 10 s if refused, 120 s if silent.
#[test]
fn recovery_without_a_quorum() {
    let mut killed = Cluster::writing(1);
    killed.world.kill(killed.journals[0]);
    killed.world.kill(killed.journals[1]);
    let heard = killed.tell(1, Order::Recover, 200_000);
    assert_eq!(heard[0].0, "failed");
    assert!((10_000..10_050).contains(&heard[0].2), "{heard:?}");

    let mut stopped = Cluster::writing(1);
    stopped.world.stop(stopped.journals[0]);
    stopped.world.stop(stopped.journals[1]);
    let heard = stopped.tell(1, Order::Recover, 200_000);
    assert!((120_000..120_050).contains(&heard[0].2), "{heard:?}");
}

/// 2.6: the syncer begins with the first call after the start, and then has what was finalized.
#[test]
fn the_syncer_fetches_finalized_segments_that_a_journal_missed() {
    let mut cluster = Cluster::writing(4);
    cluster.world.kill(cluster.journals[2]);
    cluster.advance(500);
    cluster.say(0, Order::Write(1));
    cluster.say(0, Order::Finalize);
    cluster.say(0, Order::Start(6));
    cluster.say(0, Order::Write(3));
    cluster.say(0, Order::Finalize);
    let mut uncalled = cluster.clone();
    cluster.world.start(cluster.journals[2]);
    cluster.advance(30_000); // what waits in its channel reaches it
    assert!(cluster.durable(2).ends_with(&[6, 7, 8, 9]));
    assert!(cluster.durable(2).contains(&5));

    let nn1 = uncalled.world.host_of(uncalled.scribes[0]);
    uncalled.world.power_off(nn1);
    uncalled.world.start(uncalled.journals[2]);
    uncalled.advance(300_000);
    assert_eq!(uncalled.durable(2), [1, 2, 3, 4]);
    uncalled.say(1, Order::Read { from: 1, in_progress_ok: false });
    uncalled.advance(300_000);
    assert_eq!(uncalled.durable(2), [1, 2, 3, 4]); // no writer told it that 5 is committed
}

/// HDFS-3955: the decision is on disk, the segment is not in its place; the next recovery moves
/// it there.
#[test]
fn a_journal_that_dies_between_decision_and_rename_rolls_forward() {
    let mut cluster = Cluster::writing(3);
    let nn1 = cluster.world.host_of(cluster.scribes[0]);
    let cut = cluster.world.cut(&[nn1], &cluster.hosts[1..2], true);
    cluster.tell(0, Order::Write(2), 100); // jn2 has 3, the others 5
    cluster.world.heal(cut);
    cluster.world.power_off(nn1);
    cluster.world.kill(cluster.journals[2]);
    cluster.advance(100);
    // jn1 decides first, it needs no download; jn2 dies before the first effect of its decision.
    let mark = journalnode::marks::DECIDED.mark();
    cluster.world.arm_mark(MarkTrigger { mark, nth: 2, crash_after: Some(0) });
    let heard = cluster.tell(1, Order::Recover, 50_000); // jn3: four calls of ten connects
    assert_eq!(heard[0].0, "failed");
    assert!(!cluster.world.is_alive(cluster.journals[1]));
    assert_eq!(cluster.durable(1), [1, 2, 3]);
    cluster.world.start(cluster.journals[1]);
    cluster.advance(5_000);
    assert_eq!(cluster.say(1, Order::Recover), [("recovered", 3_005)]);
    assert_eq!(cluster.durable(1), [1, 2, 3, 1, 2, 3, 4, 5]);
}

#[test]
fn a_reader_gets_finalized_segments_and_another_source_when_one_is_gone() {
    let mut cluster = Cluster::writing(3);
    cluster.say(0, Order::Finalize);
    cluster.say(0, Order::Start(4));
    cluster.say(0, Order::Write(2));
    let finalized = Order::Read { from: 2, in_progress_ok: false };
    assert_eq!(cluster.say(1, finalized), [("selected", 1), ("read", 2_003)]);
    let all = Order::Read { from: 1, in_progress_ok: true };
    assert_eq!(cluster.say(1, all), [("selected", 2), ("read", 1_003), ("read", 4_004)]);
    cluster.world.kill(cluster.journals[0]);
    cluster.advance(100);
    assert_eq!(cluster.say(1, finalized), [("selected", 1), ("read", 2_003)]);
    cluster.world.kill(cluster.journals[1]);
    cluster.advance(100);
    let heard = cluster.tell(1, finalized, 30_000);
    assert_eq!(heard[0].0, "no selection");
    assert!((10_000..10_050).contains(&heard[0].2), "{heard:?}"); // refused ten times
}

#[test]
fn in_progress_tailing_reads_over_rpc() {
    let config = Config::stock(HADOOP_3_4).with("dfs.ha.tail-edits.in-progress", "true");
    let mut cluster = Cluster::with(&config, 3);
    cluster.world.take_census();
    cluster.say(0, Order::Recover);
    cluster.say(0, Order::Start(1));
    cluster.say(0, Order::Write(4));
    let order = Order::Read { from: 3, in_progress_ok: true };
    assert_eq!(cluster.say(1, order), [("selected", 1), ("read", 3_005)]);
    let rows = cluster.world.census();
    assert!(rows.iter().all(|row| row.kind != "getEditLogManifest"));
}
