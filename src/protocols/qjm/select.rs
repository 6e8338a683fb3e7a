//! Select: how a reader finds out, from a quorum, which edits there are to read.
//!
//! Here: manifests merged into redundant streams; edits over RPC, cut to what is durable.
//! Never here: the streams' transport, gaps between them (the NameNode's log checks), timers.
//! Modelled on: Hadoop `QuorumJournalManager.selectInputStreams`,
//! `JournalSet.chainAndMakeRedundantStreams`, `RedundantEditLogInputStream` (3.4.1).
//! Left out: the reader's threads per journal: one selection runs at a time, and calls that a
//! silent journal never answers cost only memory.

use super::channel::Failure;
use super::quorum_call::{Need, QuorumCall, Verdict, majority};
use super::writer::QuorumFailure;
use super::{Answer, Call, LoggerId, Manifest, SegmentState, TxId};
use crate::engine::time::{Monotonic, SimDuration};
use crate::protocols::Outbox;

/// What a reader is given.
#[derive(Clone, Copy, Debug)]
pub struct SelectSettings {
    /// How many journals there are.
    pub loggers: usize,
    /// `dfs.qjournal.select-input-streams.timeout.ms`.
    pub timeout: SimDuration,
    /// `dfs.ha.tail-edits.qjm.rpc.max-txns`.
    pub rpc_max_txns: u64,
}

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// First edit.
    pub from: TxId,
    /// Whether a segment in progress counts.
    pub in_progress_ok: bool,
    /// Only edits that a quorum has.
    pub only_durable: bool,
    /// Try getJournaledEdits first; upstream: whenever segments in progress count and in-progress
    /// tailing is configured.
    pub over_rpc: bool,
}

/// One run of edits and who can serve it, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// First edit.
    pub start: TxId,
    /// The sources, those that reach furthest first; the end that each vouches for.
    pub sources: Vec<(LoggerId, TxId)>,
    /// Whether the segment may still grow.
    pub in_progress: bool,
}

impl Stream {
    /// The furthest end that a source vouches for.
    pub fn end(&self) -> TxId {
        self.sources.first().map(|source| source.1).unwrap_or_default()
    }
}

/// What there is to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection<E> {
    /// Segments to be fetched, in order of their starts.
    Streams(Vec<Stream>),
    /// The edits themselves, from the first one wanted on; may be none.
    Edits(Vec<E>),
}

/// What the reader's timer and IPC library tell it.
#[derive(Clone, Debug)]
pub enum Input<E> {
    /// A call is over, whatever selection it was for.
    RpcEnded {
        /// The selection's number, as in the call's effect.
        number: u64,
        /// Which journal.
        logger: LoggerId,
        /// How.
        result: Result<Answer<E>, Failure>,
    },
    /// The span last armed is over.
    Woke,
}

/// What the process around it is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask<E> {
    /// Send a call to every journal; each end comes back as `RpcEnded` under this number.
    CallAll {
        /// The selection's number.
        number: u64,
        /// What.
        call: Call<E>,
    },
    /// Forget the calls of a selection that are still under way.
    CancelCalls {
        /// The selection's number.
        number: u64,
    },
    /// Wake me after this span; replaces the last one.
    Arm(SimDuration),
    /// Do not wake me.
    Disarm,
    /// The selection is over.
    Done(Result<Selection<E>, QuorumFailure>),
}

#[derive(Clone, Debug)]
struct Doing<E> {
    number: u64,
    wanted: Wanted,
    over_rpc: bool,
    quorum: QuorumCall<Answer<E>, Failure>,
}

/// A reader of the shared log.
#[derive(Clone, Debug)]
pub struct Selector<E> {
    settings: SelectSettings,
    doing: Option<Doing<E>>,
    number_last: u64,
}

impl<E: Clone> Selector<E> {
    /// A reader at rest.
    pub const fn new(settings: SelectSettings) -> Selector<E> {
        Selector { settings, doing: None, number_last: 0 }
    }

    /// Whether a selection is under way.
    pub const fn is_busy(&self) -> bool {
        self.doing.is_some()
    }

    /// `selectInputStreams`. A selection under way is given up (its thread was interrupted).
    pub fn select(&mut self, wanted: Wanted, now: Monotonic, out: &mut Outbox<Ask<E>>) {
        self.begin(wanted, wanted.over_rpc && wanted.in_progress_ok, now, out);
    }

    /// Gives the selection under way up.
    pub fn stop(&mut self, out: &mut Outbox<Ask<E>>) {
        if let Some(doing) = self.doing.take() {
            out.ask(Ask::CancelCalls { number: doing.number });
            out.ask(Ask::Disarm);
        }
    }

    /// One step of the selection under way.
    pub fn step(&mut self, input: Input<E>, now: Monotonic, out: &mut Outbox<Ask<E>>) {
        let Some(doing) = &mut self.doing else { return };
        match input {
            Input::RpcEnded { number, logger, result } => {
                if number != doing.number {
                    return; // of an earlier selection
                }
                doing.quorum.answer(logger, result);
            }
            Input::Woke => {}
        }
        self.look(now, out);
    }

    fn begin(&mut self, wanted: Wanted, over_rpc: bool, now: Monotonic, out: &mut Outbox<Ask<E>>) {
        self.stop(out);
        let SelectSettings { loggers, timeout, rpc_max_txns } = self.settings;
        let call = if over_rpc {
            Call::JournaledEdits { since: wanted.from, max: rpc_max_txns }
        } else {
            let in_progress_ok = wanted.in_progress_ok;
            Call::EditLogManifest { since: wanted.from, in_progress_ok }
        };
        self.number_last += 1;
        let number = self.number_last;
        let quorum = QuorumCall::asked(loggers, Need::write_quorum(loggers), timeout, now);
        self.doing = Some(Doing { number, wanted, over_rpc, quorum });
        out.ask(Ask::CallAll { number, call });
        self.look(now, out);
    }

    fn look(&mut self, now: Monotonic, out: &mut Outbox<Ask<E>>) {
        let Some(doing) = &mut self.doing else { return };
        let verdict = doing.quorum.look(now);
        if let Verdict::Wait(span) = verdict {
            return out.ask(Ask::Arm(span));
        }
        let doing = self.doing.take().expect("it was there");
        out.ask(Ask::Disarm);
        if doing.over_rpc {
            out.ask(Ask::CancelCalls { number: doing.number });
        }
        let failure = match verdict {
            Verdict::Reached => {
                let majority = majority(self.settings.loggers);
                let selection = if doing.over_rpc {
                    Selection::Edits(durable_edits(&doing.quorum, &doing.wanted, majority))
                } else {
                    Selection::Streams(merge(manifests(&doing.quorum), &doing.wanted))
                };
                return out.ask(Ask::Done(Ok(selection)));
            }
            Verdict::TooManyFailures => {
                let successes = doing.quorum.successes().count();
                QuorumFailure::TooManyFailures { successes }
            }
            Verdict::TimedOut => QuorumFailure::TimedOut,
            Verdict::Wait(_) => unreachable!("handled above"),
        };
        if doing.over_rpc {
            self.begin(doing.wanted, false, now, out); // fall back to streaming
        } else {
            out.ask(Ask::Done(Err(failure)));
        }
    }
}

fn manifests<E>(
    quorum: &QuorumCall<Answer<E>, Failure>,
) -> impl Iterator<Item = (LoggerId, &Manifest)> {
    quorum.successes().filter_map(|(logger, answer)| match answer {
        Answer::Manifest(manifest) => Some((logger, manifest)),
        Answer::State { .. }
        | Answer::Epoch { .. }
        | Answer::Prepared(_)
        | Answer::Formatted(_)
        | Answer::Edits { .. }
        | Answer::Done => None,
    })
}

/// `selectRpcInputStreams`: the count that a majority of *all* journals share, among those that
/// answered; without `only_durable` the highest.
fn durable_edits<E: Clone>(
    quorum: &QuorumCall<Answer<E>, Failure>,
    wanted: &Wanted,
    majority: usize,
) -> Vec<E> {
    let answered = quorum.successes().filter_map(|(_, answer)| match answer {
        Answer::Edits { edits } => Some(edits),
        Answer::State { .. }
        | Answer::Epoch { .. }
        | Answer::Prepared(_)
        | Answer::Formatted(_)
        | Answer::Manifest(_)
        | Answer::Done => None,
    });
    let mut answered: Vec<&Vec<E>> = answered.collect();
    answered.sort_by_key(|edits| edits.len());
    let Some(longest) = answered.last() else { return Vec::new() };
    let allowed = match wanted.only_durable {
        true => answered[answered.len() - majority].len(),
        false => longest.len(),
    };
    longest[..allowed].to_vec()
}

/// `selectStreamingInputStreams`: one stream per start; a finalized copy beats those in progress;
/// of equals, the one that ends later comes first.
fn merge<'a>(
    manifests: impl Iterator<Item = (LoggerId, &'a Manifest)>,
    wanted: &Wanted,
) -> Vec<Stream> {
    let mut all: Vec<(SegmentState, LoggerId)> = Vec::new();
    for (logger, manifest) in manifests {
        for segment in &manifest.segments {
            let mut segment = *segment;
            if wanted.only_durable && wanted.in_progress_ok && segment.in_progress {
                let durable = manifest.committed.unwrap_or_default();
                segment.end = segment.end.min(durable).max(segment.start);
            }
            all.push((segment, logger));
        }
    }
    all.sort_by_key(|(segment, logger)| {
        (segment.start, segment.in_progress, std::cmp::Reverse(segment.end), *logger)
    });

    let mut streams: Vec<Stream> = Vec::new();
    for (segment, logger) in all {
        match streams.last_mut().filter(|stream| stream.start == segment.start) {
            Some(stream) if stream.in_progress == segment.in_progress => {
                stream.sources.push((logger, segment.end));
            }
            Some(_finalized_beats_it) => {}
            None => streams.push(Stream {
                start: segment.start,
                sources: vec![(logger, segment.end)],
                in_progress: segment.in_progress,
            }),
        }
    }
    streams
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: SelectSettings =
        SelectSettings { loggers: 3, timeout: SimDuration::from_secs(20), rpc_max_txns: 5_000 };
    const NOW: Monotonic = Monotonic::from_nanos(0);
    const FROM_1: Wanted =
        Wanted { from: TxId(1), in_progress_ok: true, only_durable: true, over_rpc: true };

    fn answers(wanted: Wanted, answers: &[(u32, Answer<u64>)]) -> Vec<Ask<u64>> {
        let (mut selector, mut out) = (Selector::new(SETTINGS), Outbox::default());
        selector.select(wanted, NOW, &mut out);
        out.effects.clear();
        for (logger, answer) in answers {
            let (logger, result) = (LoggerId(*logger), Ok(answer.clone()));
            selector.step(Input::RpcEnded { number: 1, logger, result }, NOW, &mut out);
        }
        out.effects
    }

    fn edits(count: u64) -> Answer<u64> {
        Answer::Edits { edits: (1..=count).collect() }
    }

    fn done(effects: &[Ask<u64>]) -> Option<&Selection<u64>> {
        effects.iter().find_map(|effect| match effect {
            Ask::Done(Ok(selection)) => Some(selection),
            Ask::Done(Err(_))
            | Ask::CallAll { .. }
            | Ask::CancelCalls { .. }
            | Ask::Arm(_)
            | Ask::Disarm => None,
        })
    }

    /// hdfs-ha.md 1.10: usable = counts[answers - majority]; two answers of three are enough.
    #[test]
    fn durable_edits_are_those_that_a_majority_of_all_shares() {
        let heard = answers(FROM_1, &[(0, edits(5)), (2, edits(3))]);
        assert_eq!(done(&heard), Some(&Selection::Edits(vec![1, 2, 3])));
        let any = Wanted { only_durable: false, ..FROM_1 };
        let heard = answers(any, &[(0, edits(5)), (2, edits(3))]);
        assert_eq!(done(&heard), Some(&Selection::Edits(vec![1, 2, 3, 4, 5])));
        let heard = answers(FROM_1, &[(0, edits(5)), (2, edits(0))]); // HDFS-16659's mix
        assert_eq!(done(&heard), Some(&Selection::Edits(vec![])));
    }

    #[test]
    fn a_cache_miss_of_the_majority_falls_back_to_streaming() {
        let (mut selector, mut out) = (Selector::<u64>::new(SETTINGS), Outbox::default());
        selector.select(FROM_1, NOW, &mut out);
        for logger in [0, 1, 2].map(LoggerId) {
            let result = Err(Failure::Refused(super::super::Refusal::CacheMiss));
            selector.step(Input::RpcEnded { number: 1, logger, result }, NOW, &mut out);
        }
        let manifest = Call::EditLogManifest { since: TxId(1), in_progress_ok: true };
        assert!(out.effects.contains(&Ask::CallAll { number: 2, call: manifest }));
    }

    #[test]
    fn streams_are_merged_over_journals_with_holes() {
        let manifest = |rows: &[(u64, u64, bool)], committed| {
            let state = |(start, end, in_progress): &(u64, u64, bool)| SegmentState {
                start: TxId(*start),
                end: TxId(*end),
                in_progress: *in_progress,
            };
            let committed = Some(TxId(committed));
            Answer::Manifest(Manifest { segments: rows.iter().map(state).collect(), committed })
        };
        // HDFS-3725: journal 0 lacks 4-6; journal 1 never heard that 4 was finalized.
        let zero = manifest(&[(1, 3, false), (7, 9, true)], 8);
        let one = manifest(&[(1, 3, false), (4, 6, true)], 6);
        let two = manifest(&[(1, 3, false), (4, 6, false), (7, 8, true)], 7);
        let wanted = Wanted { over_rpc: false, ..FROM_1 };
        let heard = answers(wanted, &[(1, one.clone()), (2, two.clone())]);
        let Some(Selection::Streams(streams)) = done(&heard) else { panic!("{heard:?}") };
        let shape = |stream: &Stream| (stream.start.0, stream.end().0, stream.sources.len());
        assert_eq!(
            streams.iter().map(shape).collect::<Vec<_>>(),
            [(1, 3, 2), (4, 6, 1), (7, 7, 1)]
        );
        let heard = answers(wanted, &[(0, zero), (1, one)]);
        let Some(Selection::Streams(streams)) = done(&heard) else { panic!("{heard:?}") };
        assert_eq!(
            streams.iter().map(shape).collect::<Vec<_>>(),
            [(1, 3, 2), (4, 6, 1), (7, 8, 1)]
        );
    }
}
