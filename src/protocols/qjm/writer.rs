//! Writer: the quorum writer inside an active NameNode, one per promotion.
//!
//! Here: becoming the writer, recovery of the last segment, and each write as a quorum call.
//! Never here: buffering and batching of edits, connections, timers, what failure does to the
//! NameNode.
//! Modelled on: Hadoop `QuorumJournalManager`, `QuorumOutputStream`, `AsyncLoggerSet` (3.4.1).
//! Left out: upgrade, rollback, discardSegments.

use std::sync::Arc;

use super::channel::{Channel, Event, Failure, Task};
use super::quorum_call::{Need, QuorumCall, Verdict};
use super::recovery::{self, Assertion, Choice, Rank};
use super::{Answer, Call, Epoch, LoggerId, Prepared, SegmentState, TxId};
use crate::engine::id::ProcessId;
use crate::engine::time::{Monotonic, SimDuration};
use crate::protocols::Outbox;

/// The decisions that a planted bug replaces.
#[derive(Clone, Copy, Debug)]
pub struct WriterRules {
    /// Which copy wins in recovery.
    pub rank: Rank,
}

impl WriterRules {
    /// As upstream.
    pub const HONEST: WriterRules = WriterRules { rank: recovery::rank };
}

/// How long each kind of quorum call may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// `dfs.qjournal.get-journal-state.timeout.ms`.
    pub get_journal_state: SimDuration,
    /// `dfs.qjournal.new-epoch.timeout.ms`.
    pub new_epoch: SimDuration,
    /// `dfs.qjournal.prepare-recovery.timeout.ms`.
    pub prepare_recovery: SimDuration,
    /// `dfs.qjournal.accept-recovery.timeout.ms`.
    pub accept_recovery: SimDuration,
    /// `dfs.qjournal.finalize-segment.timeout.ms`.
    pub finalize_segment: SimDuration,
    /// `dfs.qjournal.start-segment.timeout.ms`.
    pub start_segment: SimDuration,
    /// `dfs.qjournal.write-txns.timeout.ms`.
    pub write_txns: SimDuration,
    /// `dfs.qjm.operations.timeout`.
    pub operations: SimDuration,
}

/// What a writer is given.
#[derive(Clone, Debug)]
pub struct WriterSettings {
    /// The journals, in the order of the shared edits URI.
    pub loggers: Arc<[ProcessId]>,
    /// The namespace id.
    pub namespace: u64,
    /// See there.
    pub timeouts: Timeouts,
    /// `dfs.qjournal.queued-edits.limit.mb`, in bytes, per journal.
    pub queue_limit_bytes: u64,
    /// See there.
    pub rules: WriterRules,
}

/// What the NameNode, its timer and its IPC library tell the writer. One operation at a time,
/// from its input to `Done`.
#[derive(Clone, Debug)]
pub enum Input<E> {
    /// `recoverUnfinalizedSegments`: once, before any other write.
    Recover,
    /// `startLogSegment`.
    StartLogSegment {
        /// First edit.
        txid: TxId,
    },
    /// `flushAndSync` with edits in the ready buffer.
    Flush {
        /// The open segment.
        segment: TxId,
        /// Place of the first edit.
        first: TxId,
        /// The edits; at least one.
        edits: Arc<[E]>,
        /// Their size.
        bytes: u64,
    },
    /// `finalizeLogSegment`.
    Finalize {
        /// First edit.
        start: TxId,
        /// Last edit.
        end: TxId,
    },
    /// `format`, by an operator: every journal must agree.
    Format,
    /// `purgeLogsOlderThan`: beside any operation; nobody waits for it.
    Purge {
        /// Edits from here on are kept.
        min: TxId,
    },
    /// The one call under way to a journal is over.
    RpcEnded {
        /// Which journal.
        logger: LoggerId,
        /// How.
        result: Result<Answer<E>, Failure>,
    },
    /// The span last armed is over.
    Woke,
}

/// Protocol steps that a trigger or a phase may hang on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// getJournalState goes out.
    StateAsked,
    /// newEpoch goes out.
    NewEpochSent,
    /// A quorum promised.
    EpochEstablished,
    /// prepareRecovery goes out.
    PrepareSent,
    /// acceptRecovery goes out.
    AcceptSent,
    /// finalizeLogSegment of the recovered segment goes out.
    RecoveryFinalizeSent,
    /// The writer may write.
    Recovered,
    /// startLogSegment goes out.
    StartSent,
    /// A batch goes out.
    EditsSent,
    /// finalizeLogSegment goes out.
    FinalizeSent,
}

/// Why a quorum call failed. Upstream: an exception to the JournalSet, where the shared journal
/// is required, so the NameNode terminates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuorumFailure {
    /// `IOException: Timed out waiting`.
    TimedOut,
    /// `QuorumException`: too few successes.
    TooManyFailures {
        /// Successes then.
        successes: usize,
    },
    /// Recovery found a contradiction.
    Assertion(Assertion),
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The writer may write.
    Recovered {
        /// Under this epoch.
        epoch: Epoch,
        /// The segment that was finalized on the way, if any journal had one.
        segment: Option<SegmentState>,
    },
    /// The segment is open.
    SegmentStarted,
    /// A quorum has the batch.
    Flushed {
        /// Its last edit.
        last: TxId,
    },
    /// The segment is closed.
    Finalized,
    /// Every journal is formatted.
    Formatted,
    /// It failed.
    Failed(QuorumFailure),
}

/// What the process around it is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask<E> {
    /// Send a call to a journal; its end comes back as `RpcEnded`.
    Call {
        /// To whom.
        logger: LoggerId,
        /// What.
        call: Call<E>,
    },
    /// Wake me after this span; replaces the last one.
    Arm(SimDuration),
    /// Do not wake me.
    Disarm,
    /// A protocol step is taken.
    Step(Step),
    /// The operation is over.
    Done(Outcome),
}

/// What the operation under way does next.
#[derive(Clone, Copy, Debug)]
enum Stage {
    JournalStates,
    NewEpoch { epoch: Epoch },
    Prepare { segment: TxId },
    Accept { choice: Choice },
    FinalizeRecovered { segment: SegmentState },
    Start,
    Flush { last: TxId },
    Finalize,
    HasSomeData,
    Format,
}

#[derive(Clone, Debug)]
struct Doing<E> {
    number: u64,
    stage: Stage,
    quorum: QuorumCall<Answer<E>, Failure>,
}

/// One promotion's writer.
#[derive(Clone, Debug)]
pub struct Writer<E> {
    settings: WriterSettings,
    channels: Vec<Channel<E>>,
    epoch: Epoch,
    is_active_writer: bool,
    doing: Option<Doing<E>>,
    number_last: u64,
}

impl<E: Clone> Writer<E> {
    /// A new instance, without an epoch.
    pub fn new(settings: WriterSettings) -> Writer<E> {
        let channel = || Channel::new(settings.queue_limit_bytes);
        let channels = settings.loggers.iter().map(|_| channel()).collect();
        Writer {
            settings,
            channels,
            epoch: Epoch::NONE,
            is_active_writer: false,
            doing: None,
            number_last: 0,
        }
    }

    /// Its epoch; none before a quorum promised.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whether it may write.
    pub const fn is_active_writer(&self) -> bool {
        self.is_active_writer
    }

    /// Whether an operation is under way.
    pub const fn is_busy(&self) -> bool {
        self.doing.is_some()
    }

    /// The channels, in the order of the journals.
    pub fn channels(&self) -> &[Channel<E>] {
        &self.channels
    }

    /// One step. `now` is the process's own clock.
    pub fn step(&mut self, input: Input<E>, now: Monotonic, out: &mut Outbox<Ask<E>>) {
        match input {
            Input::Recover => {
                assert!(self.epoch == Epoch::NONE, "an instance gets one epoch for life");
                out.ask(Ask::Step(Step::StateAsked));
                self.begin(Stage::JournalStates, |_| Task::JournalState, now, out);
            }
            Input::StartLogSegment { txid } => {
                assert!(self.is_active_writer, "segments are recovered before one is started");
                out.ask(Ask::Step(Step::StartSent));
                self.begin(Stage::Start, |_| Task::StartLogSegment { txid }, now, out);
            }
            Input::Flush { segment, first, edits, bytes } => {
                assert!(self.is_active_writer, "only the active writer writes");
                let last = first.last_of(edits.len() as u64).expect("no empty batch is sent");
                out.ask(Ask::Step(Step::EditsSent));
                let task = |_| Task::SendEdits { segment, first, edits: Arc::clone(&edits), bytes };
                self.begin(Stage::Flush { last }, task, now, out);
            }
            Input::Finalize { start, end } => {
                assert!(self.is_active_writer, "only the active writer finalizes");
                out.ask(Ask::Step(Step::FinalizeSent));
                let task = |_| Task::FinalizeLogSegment { start, end };
                self.begin(Stage::Finalize, task, now, out);
            }
            Input::Format => {
                self.begin(Stage::HasSomeData, |_| Task::IsFormatted, now, out);
            }
            Input::Purge { min } => {
                self.number_last += 1;
                let number = self.number_last;
                self.submit_all(number, |_| Task::PurgeLogsOlderThan { min }, now, out);
            }
            Input::RpcEnded { logger, result } => {
                let mut events = Vec::new();
                self.channels[logger.index()].ended(result, now, &mut events);
                if self.take(logger, events, out) {
                    self.look(now, out);
                }
            }
            Input::Woke => self.look(now, out),
        }
    }

    fn begin(
        &mut self,
        stage: Stage,
        task: impl Fn(LoggerId) -> Task<E>,
        now: Monotonic,
        out: &mut Outbox<Ask<E>>,
    ) {
        assert!(self.doing.is_none(), "one operation at a time");
        self.number_last += 1;
        let number = self.number_last;
        let loggers = self.channels.len();
        let need = match stage {
            Stage::HasSomeData | Stage::Format => Need::all(loggers),
            Stage::JournalStates
            | Stage::NewEpoch { .. }
            | Stage::Prepare { .. }
            | Stage::Accept { .. }
            | Stage::FinalizeRecovered { .. }
            | Stage::Start
            | Stage::Flush { .. }
            | Stage::Finalize => Need::write_quorum(loggers),
        };
        let quorum = QuorumCall::asked(loggers, need, self.timeout_of(&stage), now);
        self.doing = Some(Doing { number, stage, quorum });
        self.submit_all(number, task, now, out);
        self.look(now, out);
    }

    const fn timeout_of(&self, stage: &Stage) -> SimDuration {
        let timeouts = &self.settings.timeouts;
        match stage {
            Stage::JournalStates => timeouts.get_journal_state,
            Stage::NewEpoch { .. } => timeouts.new_epoch,
            Stage::Prepare { .. } => timeouts.prepare_recovery,
            Stage::Accept { .. } => timeouts.accept_recovery,
            Stage::FinalizeRecovered { .. } | Stage::Finalize => timeouts.finalize_segment,
            Stage::Start => timeouts.start_segment,
            Stage::Flush { .. } => timeouts.write_txns,
            Stage::HasSomeData | Stage::Format => timeouts.operations,
        }
    }

    fn submit_all(
        &mut self,
        number: u64,
        task: impl Fn(LoggerId) -> Task<E>,
        now: Monotonic,
        out: &mut Outbox<Ask<E>>,
    ) {
        for logger in self.loggers() {
            let mut events = Vec::new();
            self.channels[logger.index()].submit(number, task(logger), now, &mut events);
            self.take(logger, events, out);
        }
    }

    fn loggers(&self) -> impl Iterator<Item = LoggerId> + use<E> {
        (0..).map(LoggerId).take(self.channels.len())
    }

    /// Whether an event was an answer to the operation under way; a late one changes nothing.
    fn take(&mut self, logger: LoggerId, events: Vec<Event<E>>, out: &mut Outbox<Ask<E>>) -> bool {
        let mut answered = false;
        for event in events {
            match event {
                Event::Send(call) => out.ask(Ask::Call { logger, call }),
                Event::Ended { number, result } => {
                    if let Some(doing) = self.doing.as_mut().filter(|d| d.number == number) {
                        doing.quorum.answer(logger, result);
                        answered = true;
                    }
                }
            }
        }
        answered
    }

    fn look(&mut self, now: Monotonic, out: &mut Outbox<Ask<E>>) {
        let Some(doing) = &mut self.doing else { return };
        let verdict = doing.quorum.look(now);
        if let Verdict::Wait(span) = verdict {
            return out.ask(Ask::Arm(span));
        }
        let Doing { stage, quorum, .. } = self.doing.take().expect("it was there");
        out.ask(Ask::Disarm);
        match verdict {
            Verdict::Reached => self.reached(stage, &quorum, now, out),
            Verdict::TooManyFailures => {
                let successes = quorum.successes().count();
                fail(QuorumFailure::TooManyFailures { successes }, out);
            }
            Verdict::TimedOut => fail(QuorumFailure::TimedOut, out),
            Verdict::Wait(_) => unreachable!("handled above"),
        }
    }

    /// A quorum answered: the next stage, or the end.
    fn reached(
        &mut self,
        stage: Stage,
        quorum: &QuorumCall<Answer<E>, Failure>,
        now: Monotonic,
        out: &mut Outbox<Ask<E>>,
    ) {
        match stage {
            Stage::JournalStates => self.propose_epoch(quorum, now, out),
            Stage::NewEpoch { epoch } => self.epoch_established(epoch, quorum, now, out),
            Stage::Prepare { segment } => self.decide(segment, quorum, now, out),
            Stage::Accept { choice: Choice { segment, .. } } => {
                out.ask(Ask::Step(Step::RecoveryFinalizeSent));
                let SegmentState { start, end, .. } = segment;
                let task = |_| Task::FinalizeLogSegment { start, end };
                self.begin(Stage::FinalizeRecovered { segment }, task, now, out);
            }
            Stage::FinalizeRecovered { segment } => self.recovered(Some(segment), out),
            Stage::Start => out.ask(Ask::Done(Outcome::SegmentStarted)),
            Stage::Flush { last } => {
                for channel in &mut self.channels {
                    channel.set_committed(last);
                }
                out.ask(Ask::Done(Outcome::Flushed { last }));
            }
            Stage::Finalize => out.ask(Ask::Done(Outcome::Finalized)),
            Stage::HasSomeData => {
                // What the operator answers to "re-format?" is settled: this call is the answer.
                let namespace = self.settings.namespace;
                self.begin(Stage::Format, |_| Task::Format { namespace }, now, out);
            }
            Stage::Format => out.ask(Ask::Done(Outcome::Formatted)),
        }
    }

    /// `createNewUniqueEpoch`, second half: above every promise heard of.
    fn propose_epoch(
        &mut self,
        quorum: &QuorumCall<Answer<E>, Failure>,
        now: Monotonic,
        out: &mut Outbox<Ask<E>>,
    ) {
        let promised = quorum.successes().filter_map(|(_, answer)| match answer {
            Answer::State { promised } => Some(*promised),
            Answer::Epoch { .. }
            | Answer::Prepared(_)
            | Answer::Formatted(_)
            | Answer::Manifest(_)
            | Answer::Edits { .. }
            | Answer::Done => None,
        });
        let epoch = promised.max().unwrap_or(Epoch::NONE).next();
        let namespace = self.settings.namespace;
        out.ask(Ask::Step(Step::NewEpochSent));
        let task = |_| Task::NewEpoch { namespace, epoch };
        self.begin(Stage::NewEpoch { epoch }, task, now, out);
    }

    fn epoch_established(
        &mut self,
        epoch: Epoch,
        quorum: &QuorumCall<Answer<E>, Failure>,
        now: Monotonic,
        out: &mut Outbox<Ask<E>>,
    ) {
        self.epoch = epoch;
        for channel in &mut self.channels {
            channel.set_epoch(epoch);
        }
        out.ask(Ask::Step(Step::EpochEstablished));
        let latest = quorum.successes().filter_map(|(_, answer)| match answer {
            Answer::Epoch { last_segment } => *last_segment,
            Answer::State { .. }
            | Answer::Prepared(_)
            | Answer::Formatted(_)
            | Answer::Manifest(_)
            | Answer::Edits { .. }
            | Answer::Done => None,
        });
        let Some(segment) = latest.max() else { return self.recovered(None, out) };
        out.ask(Ask::Step(Step::PrepareSent));
        let task = |_| Task::PrepareRecovery { segment };
        self.begin(Stage::Prepare { segment }, task, now, out);
    }

    /// `recoverUnclosedSegment`, between prepare and accept.
    fn decide(
        &mut self,
        asked: TxId,
        quorum: &QuorumCall<Answer<E>, Failure>,
        now: Monotonic,
        out: &mut Outbox<Ask<E>>,
    ) {
        let prepared = quorum.successes().filter_map(|(logger, answer)| match answer {
            Answer::Prepared(prepared) => Some((logger, *prepared)),
            Answer::State { .. }
            | Answer::Epoch { .. }
            | Answer::Formatted(_)
            | Answer::Manifest(_)
            | Answer::Edits { .. }
            | Answer::Done => None,
        });
        let answers: Vec<(LoggerId, Prepared)> = prepared.collect();
        let choice = match recovery::choose(&answers, self.settings.rules.rank) {
            Err(assertion) => return fail(QuorumFailure::Assertion(assertion), out),
            Ok(None) => return self.recovered(None, out),
            Ok(Some(choice)) => choice,
        };
        out.invariant("model/qjm-recovers-what-it-asked-for", choice.segment.start == asked);
        let from = self.settings.loggers[choice.from.index()];
        out.ask(Ask::Step(Step::AcceptSent));
        let task = |_| Task::AcceptRecovery { segment: choice.segment, from };
        self.begin(Stage::Accept { choice }, task, now, out);
    }

    fn recovered(&mut self, segment: Option<SegmentState>, out: &mut Outbox<Ask<E>>) {
        self.is_active_writer = true;
        out.ask(Ask::Step(Step::Recovered));
        out.ask(Ask::Done(Outcome::Recovered { epoch: self.epoch, segment }));
    }
}

fn fail<E>(failure: QuorumFailure, out: &mut Outbox<Ask<E>>) {
    out.ask(Ask::Done(Outcome::Failed(failure)));
}
