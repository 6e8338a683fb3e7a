//! Channel: how a writer talks to one journal.
//!
//! Here: one request at a time in order, the queue's limit, out of sync until the next segment.
//! Never here: connections and their time-outs (the IPC library's), quorums, timers.
//! Modelled on: Hadoop `qjournal/client/IPCLoggerChannel.java` (3.4.1).
//! Left out: lag metrics, security, the HTTP address (a journal is one process id).

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Answer, Call, Epoch, Refusal, RequestInfo, SegmentState, TxId};
use crate::engine::id::ProcessId;
use crate::engine::time::{Monotonic, SimDuration};

/// `HEARTBEAT_INTERVAL_MILLIS`: an out-of-sync journal hears no more often, counted from the end
/// of the last heartbeat.
const HEARTBEAT_INTERVAL: SimDuration = SimDuration::from_millis(1_000);

/// How a call failed below the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpcFailure {
    /// No connection: the journal heard nothing.
    NotSent,
    /// The connection broke after the request: it may or may not have been done.
    SentAndLost,
    /// The connection was silent for too long.
    TimedOut,
}

/// Why a journal counts as failed in a quorum call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The journal said no.
    Refused(Refusal),
    /// It answered with an exception that is none of the protocol's.
    Remote,
    /// It could not be asked, or did not answer.
    Ipc(IpcFailure),
    /// `LoggerTooFarBehindException`: too much waits for it already.
    TooFarBehind,
    /// `JournalOutOfSyncException`: disabled until the next roll.
    Disabled,
}

/// What a channel may be told to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task<E> {
    /// `getJournalState`.
    JournalState,
    /// `newEpoch`.
    NewEpoch {
        /// The writer's namespace id.
        namespace: u64,
        /// Proposed.
        epoch: Epoch,
    },
    /// `startLogSegment`.
    StartLogSegment {
        /// First edit.
        txid: TxId,
    },
    /// `sendEdits`.
    SendEdits {
        /// The segment they belong to.
        segment: TxId,
        /// Place of the first edit.
        first: TxId,
        /// The edits.
        edits: Arc<[E]>,
        /// Their size.
        bytes: u64,
    },
    /// `finalizeLogSegment`.
    FinalizeLogSegment {
        /// First edit.
        start: TxId,
        /// Last edit.
        end: TxId,
    },
    /// `prepareRecovery`.
    PrepareRecovery {
        /// First edit.
        segment: TxId,
    },
    /// `acceptRecovery`.
    AcceptRecovery {
        /// The decision.
        segment: SegmentState,
        /// Where it lies.
        from: ProcessId,
    },
    /// `purgeLogsOlderThan`.
    PurgeLogsOlderThan {
        /// Edits from here on are kept.
        min: TxId,
    },
    /// `isFormatted`.
    IsFormatted,
    /// `format`.
    Format {
        /// The namespace id.
        namespace: u64,
    },
}

impl<E> Task<E> {
    const fn bytes(&self) -> u64 {
        match self {
            Task::SendEdits { bytes, .. } => *bytes,
            Task::JournalState
            | Task::NewEpoch { .. }
            | Task::StartLogSegment { .. }
            | Task::FinalizeLogSegment { .. }
            | Task::PrepareRecovery { .. }
            | Task::AcceptRecovery { .. }
            | Task::PurgeLogsOlderThan { .. }
            | Task::IsFormatted
            | Task::Format { .. } => 0,
        }
    }

    /// Whether an out-of-sync channel fails it.
    const fn needs_sync(&self) -> bool {
        match self {
            Task::SendEdits { .. } | Task::FinalizeLogSegment { .. } => true,
            Task::JournalState
            | Task::NewEpoch { .. }
            | Task::StartLogSegment { .. }
            | Task::PrepareRecovery { .. }
            | Task::AcceptRecovery { .. }
            | Task::PurgeLogsOlderThan { .. }
            | Task::IsFormatted
            | Task::Format { .. } => false,
        }
    }
}

/// What becomes of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<E> {
    /// Send this call now.
    Send(Call<E>),
    /// A task is over.
    Ended {
        /// The quorum call that it belongs to.
        number: u64,
        /// How.
        result: Result<Answer<E>, Failure>,
    },
}

/// What the one request under way is for.
#[derive(Clone, Debug)]
enum Running {
    /// The task itself: an edit batch, the start of a segment, or anything else.
    Edits {
        number: u64,
        bytes: u64,
    },
    Start {
        number: u64,
    },
    Other {
        number: u64,
    },
    /// A heartbeat, after which a task of so many bytes fails.
    Heartbeat {
        number: u64,
        bytes: u64,
    },
}

/// The writer's end of one journal.
#[derive(Clone, Debug)]
pub struct Channel<E> {
    queue: VecDeque<(u64, Task<E>)>,
    queue_limit_bytes: u64,
    queued_bytes: u64,
    running: Option<Running>,
    epoch: Epoch,
    serial_next: u64,
    committed: Option<TxId>,
    out_of_sync: bool,
    heartbeat_ended: Option<Monotonic>,
}

impl<E> Channel<E> {
    /// A channel that has said nothing yet.
    pub const fn new(queue_limit_bytes: u64) -> Channel<E> {
        Channel {
            queue: VecDeque::new(),
            queue_limit_bytes,
            queued_bytes: 0,
            running: None,
            epoch: Epoch::NONE,
            serial_next: 0,
            committed: None,
            out_of_sync: false,
            heartbeat_ended: None,
        }
    }

    /// `setEpoch`.
    pub const fn set_epoch(&mut self, epoch: Epoch) {
        self.epoch = epoch;
    }

    /// `setCommittedTxId`: travels with the next request.
    pub fn set_committed(&mut self, txid: TxId) {
        assert!(self.committed.is_none_or(|before| before <= txid), "commits only advance");
        self.committed = Some(txid);
    }

    /// Whether batches are failed until the next segment starts.
    pub const fn is_out_of_sync(&self) -> bool {
        self.out_of_sync
    }

    /// Bytes of edits that wait or are under way.
    pub const fn queued_bytes(&self) -> u64 {
        self.queued_bytes
    }

    /// Takes a task into the queue, or fails it at once if too much waits already.
    pub fn submit(
        &mut self,
        number: u64,
        task: Task<E>,
        now: Monotonic,
        events: &mut Vec<Event<E>>,
    ) {
        let bytes = task.bytes();
        if 0 < self.queued_bytes && self.queue_limit_bytes < self.queued_bytes + bytes {
            return events.push(Event::Ended { number, result: Err(Failure::TooFarBehind) });
        }
        self.queued_bytes += bytes;
        self.queue.push_back((number, task));
        self.run_next(now, events);
    }

    /// The request under way is over.
    pub fn ended(
        &mut self,
        result: Result<Answer<E>, Failure>,
        now: Monotonic,
        events: &mut Vec<Event<E>>,
    ) {
        let running = self.running.take().expect("a request that ends was under way");
        let (number, result) = match running {
            Running::Edits { number, bytes } => {
                self.queued_bytes -= bytes;
                self.out_of_sync |= result.is_err();
                (number, result)
            }
            Running::Start { number } => {
                self.out_of_sync &= result.is_err();
                (number, result)
            }
            Running::Other { number } => (number, result),
            Running::Heartbeat { number, bytes } => {
                self.queued_bytes -= bytes;
                self.heartbeat_ended = Some(now);
                (number, Err(result.err().unwrap_or(Failure::Disabled)))
            }
        };
        events.push(Event::Ended { number, result });
        self.run_next(now, events);
    }

    fn run_next(&mut self, now: Monotonic, events: &mut Vec<Event<E>>) {
        while self.running.is_none() {
            let Some((number, task)) = self.queue.pop_front() else { return };
            if !(self.out_of_sync && task.needs_sync()) {
                self.run(number, task, events);
            } else if self.heartbeat_is_due(now) {
                self.running = Some(Running::Heartbeat { number, bytes: task.bytes() });
                let info = self.request_info();
                events.push(Event::Send(Call::Heartbeat { info }));
            } else {
                self.queued_bytes -= task.bytes();
                events.push(Event::Ended { number, result: Err(Failure::Disabled) });
            }
        }
    }

    fn heartbeat_is_due(&self, now: Monotonic) -> bool {
        self.heartbeat_ended.is_none_or(|ended| HEARTBEAT_INTERVAL < now.since(ended))
    }

    fn run(&mut self, number: u64, task: Task<E>, events: &mut Vec<Event<E>>) {
        self.running = Some(match &task {
            Task::SendEdits { bytes, .. } => Running::Edits { number, bytes: *bytes },
            Task::StartLogSegment { .. } => Running::Start { number },
            Task::JournalState
            | Task::NewEpoch { .. }
            | Task::FinalizeLogSegment { .. }
            | Task::PrepareRecovery { .. }
            | Task::AcceptRecovery { .. }
            | Task::PurgeLogsOlderThan { .. }
            | Task::IsFormatted
            | Task::Format { .. } => Running::Other { number },
        });
        let call = match task {
            Task::JournalState => Call::JournalState,
            Task::NewEpoch { namespace, epoch } => Call::NewEpoch { namespace, epoch },
            Task::StartLogSegment { txid } => {
                Call::StartLogSegment { info: self.request_info(), txid }
            }
            Task::SendEdits { segment, first, edits, bytes } => {
                Call::Journal { info: self.request_info(), segment, first, edits, bytes }
            }
            Task::FinalizeLogSegment { start, end } => {
                Call::FinalizeLogSegment { info: self.request_info(), start, end }
            }
            Task::PrepareRecovery { segment } => {
                Call::PrepareRecovery { info: self.request_info(), segment }
            }
            Task::AcceptRecovery { segment, from } => {
                Call::AcceptRecovery { info: self.request_info(), segment, from }
            }
            Task::PurgeLogsOlderThan { min } => {
                Call::PurgeLogsOlderThan { info: self.request_info(), min }
            }
            Task::IsFormatted => Call::IsFormatted,
            Task::Format { namespace } => Call::Format { namespace },
        };
        events.push(Event::Send(call));
    }

    /// `createReqInfo`: built when the request leaves, so it carries the newest commit.
    fn request_info(&mut self) -> RequestInfo {
        assert!(self.epoch != Epoch::NONE, "a write before its epoch");
        let serial = self.serial_next;
        self.serial_next += 1;
        RequestInfo { epoch: self.epoch, serial, committed: self.committed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stage {
        channel: Channel<u8>,
        now_ms: u64,
    }

    const NO: Result<Answer<u8>, Failure> = Err(Failure::Refused(Refusal::NoSegmentOpen));
    const YES: Result<Answer<u8>, Failure> = Ok(Answer::Done);

    impl Stage {
        fn new() -> Stage {
            let mut channel = Channel::new(100);
            channel.set_epoch(Epoch(1));
            Stage { channel, now_ms: 0 }
        }

        fn heard(&mut self, events: Vec<Event<u8>>) -> Vec<String> {
            let name = |event| match event {
                Event::Send(Call::Journal { first, .. }) => format!("journal {}", first.0),
                Event::Send(Call::Heartbeat { .. }) => "heartbeat".to_string(),
                Event::Send(call) => format!("{call:?}").split(' ').next().unwrap().to_string(),
                Event::Ended { number, result: Ok(_) } => format!("{number} ok"),
                Event::Ended { number, result: Err(Failure::Disabled) } => {
                    format!("{number} disabled")
                }
                Event::Ended { number, result: Err(Failure::TooFarBehind) } => {
                    format!("{number} too far behind")
                }
                Event::Ended { number, result: Err(_) } => format!("{number} failed"),
            };
            events.into_iter().map(name).collect()
        }

        fn edits(&mut self, number: u64, bytes: u64) -> Vec<String> {
            let (edits, first) = (Arc::from([1_u8]), TxId(number));
            let task = Task::SendEdits { segment: TxId(1), first, edits, bytes };
            self.submit(number, task)
        }

        fn submit(&mut self, number: u64, task: Task<u8>) -> Vec<String> {
            let mut events = Vec::new();
            let now = Monotonic::from_nanos(self.now_ms * 1_000_000);
            self.channel.submit(number, task, now, &mut events);
            self.heard(events)
        }

        fn ended(&mut self, result: Result<Answer<u8>, Failure>) -> Vec<String> {
            let mut events = Vec::new();
            let now = Monotonic::from_nanos(self.now_ms * 1_000_000);
            self.channel.ended(result, now, &mut events);
            self.heard(events)
        }
    }

    #[test]
    fn one_request_at_a_time_in_order() {
        let mut stage = Stage::new();
        assert_eq!(stage.edits(1, 10), ["journal 1"]);
        assert_eq!(stage.edits(2, 10), [""; 0]);
        assert_eq!(stage.edits(3, 10), [""; 0]);
        assert_eq!(stage.ended(YES), ["1 ok", "journal 2"]);
        assert_eq!(stage.channel.queued_bytes(), 20);
    }

    /// hdfs-ha.md 1.5, S7, S28: the first failed batch disables the journal; what is queued
    /// behind it fails after one heartbeat; a heartbeat at most every second from its end.
    #[test]
    fn a_lost_batch_disables_until_the_next_segment_starts() {
        let mut stage = Stage::new();
        stage.edits(1, 10);
        stage.edits(2, 10);
        stage.edits(3, 10);
        assert_eq!(stage.ended(NO), ["1 failed", "heartbeat"]);
        stage.now_ms = 10_000; // ten refused connects
        assert_eq!(stage.ended(NO), ["2 failed", "3 disabled"]);
        stage.now_ms = 11_000;
        assert_eq!(stage.edits(4, 10), ["4 disabled"]); // not *more* than a second
        stage.now_ms = 11_001;
        assert_eq!(stage.edits(5, 10), ["heartbeat"]);
        assert_eq!(stage.ended(YES), ["5 disabled"]);
        let finalize = Task::FinalizeLogSegment { start: TxId(1), end: TxId(5) };
        assert_eq!(stage.submit(6, finalize), ["6 disabled"]);
        let start = Task::StartLogSegment { txid: TxId(6) };
        assert_eq!(stage.submit(7, start.clone()), ["StartLogSegment"]);
        stage.ended(NO);
        assert!(stage.channel.is_out_of_sync()); // a failed start changes nothing
        stage.submit(8, start);
        stage.ended(YES);
        assert_eq!(stage.edits(9, 10), ["journal 9"]);
        assert_eq!(stage.channel.queued_bytes(), 10);
    }

    #[test]
    fn a_full_queue_fails_the_batch_without_marking_the_journal() {
        let mut stage = Stage::new();
        assert_eq!(stage.edits(1, 500), ["journal 1"]); // an empty queue takes any size
        assert_eq!(stage.edits(2, 1), ["2 too far behind"]);
        assert_eq!(stage.ended(YES), ["1 ok"]);
        assert!(!stage.channel.is_out_of_sync());
        assert_eq!(stage.edits(3, 1), ["journal 3"]); // with a gap: the journal will refuse it
    }

    #[test]
    fn the_commit_travels_with_the_next_request_and_serials_count_requests() {
        let mut stage = Stage::new();
        let mut events = Vec::new();
        let edits = |first| Task::SendEdits {
            segment: TxId(1),
            first: TxId(first),
            edits: Arc::from([1]),
            bytes: 1,
        };
        let now = Monotonic::from_nanos(0);
        stage.channel.submit(1, edits(1), now, &mut events);
        stage.channel.submit(2, edits(2), now, &mut events);
        stage.channel.set_committed(TxId(1)); // while the second waits
        stage.channel.ended(YES, now, &mut events);
        let infos: Vec<RequestInfo> = events
            .iter()
            .filter_map(|event| match event {
                Event::Send(call) => call.info().copied(),
                Event::Ended { .. } => None,
            })
            .collect();
        let info = |serial, committed| RequestInfo { epoch: Epoch(1), serial, committed };
        assert_eq!(infos, [info(0, None), info(1, Some(TxId(1)))]);
    }
}
