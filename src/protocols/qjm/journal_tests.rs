//! Journal tests: every row of the journal's table in the reference sheet (hdfs-ha.md, 14.1).
//!
//! Here: a journal on a disk that always works, unless a test says otherwise.
//! Never here: a quorum, a writer.
//! Modelled on: Hadoop `TestJournal.java`.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names the asks that may end a step")]

use std::sync::Arc;

use super::journal::{Accepted, Ask, Input, Journal, JournalRules, JournalSettings, Open, Stored};
use super::segments::LogFile;
use super::{
    Answer, Call, Epoch, Manifest, Prepared, Refusal, Reply, RequestInfo, SegmentState, TxId,
};
use crate::engine::id::ProcessId;
use crate::protocols::Outbox;

const NAMESPACE: u64 = 77;
const SETTINGS: JournalSettings = JournalSettings {
    rules: JournalRules::HONEST,
    cache_bytes: Some(1_000),
    refuses_newer_txid: true,
};

struct Stage {
    journal: Journal<u64>,
    serial: u64,
    asked: Vec<String>,
    download: Option<u64>,
}

fn short(ask: &Ask<u64>) -> Option<String> {
    Some(match ask {
        Ask::Committed(txid) => format!("committed {}", txid.0),
        Ask::Scan { edits } => format!("scan {edits}"),
        Ask::Append { first, edits, .. } => format!("append {}+{}", first.0, edits.len()),
        Ask::MoveAside(start) => format!("aside {}", start.0),
        Ask::Finalize { start, end } => format!("finalize {}-{}", start.0, end.0),
        Ask::TakeDownload { start, epoch } => format!("take {}@{}", start.0, epoch.0),
        Ask::ForgetAccepted(start) => format!("forget {}", start.0),
        Ask::Purge(file) => format!("purge {}", file.start.0),
        Ask::PurgeDownload { start, epoch } => format!("purge {}@{}", start.0, epoch.0),
        Ask::Promise(epoch) => format!("promise {}", epoch.0),
        Ask::Writer(epoch) => format!("writer {}", epoch.0),
        Ask::Create(start) => format!("create {}", start.0),
        Ask::Sync(start) => format!("sync {}", start.0),
        Ask::Download { segment, .. } => format!("download {}-{}", segment.start.0, segment.end.0),
        Ask::Accept(accepted) => {
            format!("accept {}-{}", accepted.segment.start.0, accepted.segment.end.0)
        }
        Ask::Format { .. } => "format".to_string(),
        Ask::Answer(_) => return None,
    })
}

impl Stage {
    fn found(stored: Stored) -> Stage {
        let mut out = Outbox::default();
        let journal = Journal::recovered(SETTINGS, stored, &mut out);
        let asked = out.effects.iter().filter_map(short).collect();
        Stage { journal, serial: 0, asked, download: None }
    }

    fn formatted() -> Stage {
        Stage::found(Stored { namespace: Some(NAMESPACE), ..Stored::default() })
    }

    /// Formatted, promised to `epoch`, which began a segment at 1 and wrote `edits` edits.
    fn writing(epoch: u64, edits: u64) -> Stage {
        let mut stage = Stage::formatted();
        stage.new_epoch(epoch).unwrap();
        stage.start(epoch, 1).unwrap();
        for txid in 1..=edits {
            stage.journal(epoch, 1, txid, 1).unwrap();
        }
        stage.asked.clear();
        stage
    }

    fn call(&mut self, call: Call<u64>) -> Reply<u64> {
        let mut input = Input::Called(call);
        loop {
            let mut out = Outbox::default();
            self.journal.step(input, &mut out);
            assert_eq!(out.broken, [""; 0]);
            self.asked.extend(out.effects.iter().filter_map(short));
            input = match out.effects.pop().expect("a step asks for something") {
                Ask::Answer(reply) => return reply,
                Ask::Download { .. } => Input::Downloaded { edits: self.download },
                Ask::Promise(_)
                | Ask::Writer(_)
                | Ask::Create(_)
                | Ask::Sync(_)
                | Ask::Accept(_)
                | Ask::Format { .. } => Input::Stored { ok: true },
                other => panic!("a step ends with an answer or a wait, not {other:?}"),
            };
        }
    }

    /// The asks since the last time.
    fn asked(&mut self) -> Vec<String> {
        std::mem::take(&mut self.asked)
    }

    fn info(&mut self, epoch: u64) -> RequestInfo {
        self.serial += 1;
        RequestInfo { epoch: Epoch(epoch), serial: self.serial, committed: None }
    }

    fn new_epoch(&mut self, epoch: u64) -> Reply<u64> {
        self.call(Call::NewEpoch { namespace: NAMESPACE, epoch: Epoch(epoch) })
    }

    fn start(&mut self, epoch: u64, txid: u64) -> Reply<u64> {
        let info = self.info(epoch);
        self.call(Call::StartLogSegment { info, txid: TxId(txid) })
    }

    fn journal(&mut self, epoch: u64, segment: u64, first: u64, count: u64) -> Reply<u64> {
        let info = self.info(epoch);
        self.journal_as(info, segment, first, count)
    }

    fn journal_as(
        &mut self,
        info: RequestInfo,
        segment: u64,
        first: u64,
        count: u64,
    ) -> Reply<u64> {
        let edits: Arc<[u64]> = (first..first + count).collect();
        let (segment, first) = (TxId(segment), TxId(first));
        self.call(Call::Journal { info, segment, first, edits, bytes: 10 * count })
    }

    fn heartbeat(&mut self, info: RequestInfo) -> Reply<u64> {
        self.call(Call::Heartbeat { info })
    }

    fn finalize(&mut self, epoch: u64, start: u64, end: u64) -> Reply<u64> {
        let info = self.info(epoch);
        self.call(Call::FinalizeLogSegment { info, start: TxId(start), end: TxId(end) })
    }

    fn prepare(&mut self, epoch: u64, segment: u64) -> Prepared {
        let info = self.info(epoch);
        match self.call(Call::PrepareRecovery { info, segment: TxId(segment) }) {
            Ok(Answer::Prepared(prepared)) => prepared,
            other => panic!("{other:?}"),
        }
    }

    fn accept(&mut self, epoch: u64, start: u64, end: u64) -> Reply<u64> {
        let info = self.info(epoch);
        let segment = in_progress(start, end);
        self.call(Call::AcceptRecovery { info, segment, from: ProcessId(9) })
    }

    fn manifest(&mut self, since: u64, in_progress_ok: bool) -> Manifest {
        match self.call(Call::EditLogManifest { since: TxId(since), in_progress_ok }) {
            Ok(Answer::Manifest(manifest)) => manifest,
            other => panic!("{other:?}"),
        }
    }
}

fn in_progress(start: u64, end: u64) -> SegmentState {
    SegmentState { start: TxId(start), end: TxId(end), in_progress: true }
}

fn file(start: u64, edits: u64, in_progress: bool) -> LogFile {
    LogFile { start: TxId(start), edits, in_progress }
}

const YES: Reply<u64> = Ok(Answer::Done);

#[test]
fn any_request_epochs_serials_and_commits() {
    let mut stage = Stage::formatted();
    stage.new_epoch(5).unwrap();
    let info = |epoch, serial, committed: Option<u64>| RequestInfo {
        epoch: Epoch(epoch),
        serial,
        committed: committed.map(TxId),
    };
    stage.asked();
    let promised = Epoch(5);
    assert_eq!(stage.heartbeat(info(4, 9, Some(9))), Err(Refusal::EpochBelowPromise { promised }));
    assert_eq!(stage.asked(), [""; 0]); // nothing is consumed
    assert_eq!(stage.heartbeat(info(5, 0, None)), YES);
    assert_eq!(stage.heartbeat(info(5, 0, None)), Err(Refusal::SerialNotNewer { last: 0 }));
    assert_eq!(stage.heartbeat(info(5, 3, Some(10))), YES);
    assert_eq!(stage.asked(), ["committed 10"]);
    let stored = TxId(10);
    assert_eq!(stage.heartbeat(info(5, 4, Some(9))), Err(Refusal::CommittedMovedBack { stored }));
    assert_eq!(stage.heartbeat(info(5, 4, None)), Err(Refusal::SerialNotNewer { last: 4 }));
    // A newer epoch is adopted and its serials begin anew.
    assert_eq!(stage.heartbeat(info(7, 0, None)), YES);
    assert_eq!(stage.asked(), ["promise 7"]);
    assert_eq!(stage.journal.promised(), Epoch(7));
}

#[test]
fn a_refused_request_has_consumed_what_came_before_its_guard() {
    let mut stage = Stage::writing(1, 2);
    let info = RequestInfo { epoch: Epoch(1), serial: 50, committed: Some(TxId(2)) };
    assert_eq!(stage.journal_as(info, 1, 9, 1), Err(Refusal::OutOfOrder { expected: TxId(3) }));
    assert_eq!(stage.asked(), ["committed 2"]);
    assert_eq!(stage.heartbeat(info), Err(Refusal::SerialNotNewer { last: 50 }));
}

#[test]
fn everything_but_heartbeats_and_cached_edits_needs_a_formatted_journal() {
    let mut stage = Stage::found(Stored::default());
    let info = stage.info(1);
    let [txid, segment, start, min, since, end] = [TxId(1); 6];
    let from = ProcessId(9);
    let refused = [
        Call::JournalState,
        Call::NewEpoch { namespace: NAMESPACE, epoch: Epoch(1) },
        Call::StartLogSegment { info, txid },
        Call::Journal { info, segment, first: txid, edits: Arc::from([]), bytes: 0 },
        Call::FinalizeLogSegment { info, start, end },
        Call::PrepareRecovery { info, segment },
        Call::AcceptRecovery { info, segment: in_progress(1, 1), from },
        Call::PurgeLogsOlderThan { info, min },
        Call::EditLogManifest { since, in_progress_ok: true },
    ];
    for call in refused {
        assert_eq!(stage.call(call), Err(Refusal::NotFormatted));
    }
    assert_eq!(stage.heartbeat(info), YES);
    assert_eq!(
        stage.call(Call::JournaledEdits { since, max: 1 }),
        Ok(Answer::Edits { edits: vec![] })
    );
    assert_eq!(stage.call(Call::IsFormatted), Ok(Answer::Formatted(false)));
    assert_eq!(stage.call(Call::Format { namespace: NAMESPACE }), YES);
    assert_eq!(stage.call(Call::JournalState), Ok(Answer::State { promised: Epoch::NONE }));
    assert_eq!(stage.call(Call::Format { namespace: 78 }), Err(Refusal::AlreadyFormatted));
    let foreign = Call::NewEpoch { namespace: 78, epoch: Epoch(1) };
    assert_eq!(stage.call(foreign), Err(Refusal::WrongNamespace));
}

#[test]
fn format_forgets_promises_in_memory_too() {
    let mut stage = Stage::writing(5, 1);
    assert_eq!(stage.call(Call::Format { namespace: NAMESPACE }), YES); // HDFS-3884
    assert_eq!(stage.call(Call::JournalState), Ok(Answer::State { promised: Epoch::NONE }));
    assert_eq!(stage.new_epoch(1), Ok(Answer::Epoch { last_segment: None }));
}

#[test]
fn new_epoch_promises_before_it_looks_and_moves_empty_files_aside() {
    let mut stage = Stage::writing(1, 2);
    stage.finalize(1, 1, 2).unwrap();
    stage.start(1, 3).unwrap(); // opened, never written
    stage.asked();
    let promised = Epoch(1);
    assert_eq!(stage.new_epoch(1), Err(Refusal::EpochNotNewer { promised }));
    assert_eq!(stage.new_epoch(2), Ok(Answer::Epoch { last_segment: Some(TxId(1)) }));
    assert_eq!(stage.asked(), ["promise 2", "scan 0", "aside 3", "scan 2"]);
    assert_eq!(stage.journal.open(), None); // closed, not finalized
    let promised = Epoch(2);
    assert_eq!(stage.journal(1, 3, 3, 1), Err(Refusal::EpochBelowPromise { promised }));
}

#[test]
fn a_promise_that_did_not_reach_the_disk_is_none() {
    let mut stage = Stage::writing(1, 1);
    let mut out = Outbox::default();
    let call = Call::NewEpoch { namespace: NAMESPACE, epoch: Epoch(2) };
    stage.journal.step(Input::Called(call), &mut out);
    stage.journal.step(Input::Stored { ok: false }, &mut out);
    assert_eq!(out.effects, [Ask::Promise(Epoch(2)), Ask::Answer(Err(Refusal::DiskFailed))]);
    assert_eq!(stage.journal(1, 1, 2, 1), YES); // the old writer goes on
}

#[test]
fn start_log_segment() {
    let mut stage = Stage::formatted();
    stage.new_epoch(1).unwrap();
    stage.asked();
    assert_eq!(stage.start(1, 1), YES);
    assert_eq!(stage.asked(), ["writer 1", "create 1"]);
    assert_eq!(stage.journal.open(), Some(Open { start: TxId(1), next: TxId(1) }));
    assert_eq!(stage.start(1, 1), Err(Refusal::SegmentHasEdits)); // none is not one
    assert_eq!(stage.journal(1, 1, 1, 1), Err(Refusal::NoSegmentOpen)); // it was given up
    assert_eq!(stage.new_epoch(2), Ok(Answer::Epoch { last_segment: None }));
    assert_eq!(stage.start(2, 1), YES);
    stage.journal(2, 1, 1, 1).unwrap();
    stage.asked();
    assert_eq!(stage.start(2, 1), YES); // one edit: the writer died right after the start
    assert_eq!(stage.asked(), ["scan 1", "create 1"]);
    stage.journal(2, 1, 1, 2).unwrap();
    assert_eq!(stage.start(2, 1), Err(Refusal::SegmentHasEdits));
    stage.finalize(2, 1, 2).unwrap();
    assert_eq!(stage.start(2, 1), Err(Refusal::SegmentFinalized));
    assert_eq!(stage.start(2, 3), YES);
}

#[test]
fn start_drops_an_older_decision_about_the_segment() {
    let accepted = Accepted { epoch: Epoch(1), segment: in_progress(1, 1) };
    let mut stage = Stage::found(Stored {
        namespace: Some(NAMESPACE),
        promised: Epoch(2),
        segments: vec![file(1, 1, true)],
        accepted: vec![(TxId(1), accepted)],
        ..Stored::default()
    });
    stage.asked();
    assert_eq!(stage.start(2, 1), YES);
    assert_eq!(stage.asked(), ["scan 1", "writer 2", "forget 1", "create 1"]);
}

#[test]
fn journal_row_in_the_order_of_its_guards() {
    let mut stage = Stage::writing(1, 0);
    let info = stage.info(2); // promised, but it never started a segment
    let writer = Epoch(1);
    assert_eq!(stage.journal_as(info, 1, 1, 1), Err(Refusal::NotTheCurrentWriter { writer }));
    assert_eq!(stage.asked(), ["promise 2"]);

    let mut stage = Stage::writing(1, 0);
    assert_eq!(stage.journal(1, 1, 1, 2), YES);
    assert_eq!(stage.asked(), ["append 1+2", "sync 1"]);
    assert_eq!(stage.journal(1, 9, 3, 0), YES); // no edits: nothing else is looked at
    let expected = TxId(3);
    assert_eq!(stage.journal(1, 1, 4, 1), Err(Refusal::OutOfOrder { expected }));
    assert_eq!(stage.journal(1, 1, 2, 1), Err(Refusal::OutOfOrder { expected }));
    assert_eq!(stage.journal(1, 1, 3, 1), YES); // the segment stayed open
    let open = TxId(1);
    assert_eq!(stage.journal(1, 4, 4, 1), Err(Refusal::WrongSegment { open }));
    assert_eq!(stage.journal(1, 1, 4, 1), Err(Refusal::NoSegmentOpen)); // and now it is not
}

#[test]
fn a_lagging_copy_skips_the_sync_for_edits_that_a_quorum_has() {
    let mut stage = Stage::writing(1, 1);
    let info = RequestInfo { epoch: Epoch(1), serial: 10, committed: Some(TxId(3)) };
    assert_eq!(stage.journal_as(info, 1, 2, 2), YES);
    assert_eq!(stage.asked(), ["committed 3", "append 2+2"]);
    let info = RequestInfo { serial: 11, ..info };
    assert_eq!(stage.journal_as(info, 1, 4, 1), YES);
    assert_eq!(stage.asked(), ["committed 3", "append 4+1", "sync 1"]);
    assert_eq!(stage.journal.highest(), TxId(4));
}

#[test]
fn a_batch_that_the_disk_refused_is_not_written() {
    let mut stage = Stage::writing(1, 1);
    let mut out = Outbox::default();
    let info = stage.info(1);
    let edits: Arc<[u64]> = Arc::from([2]);
    let call = Call::Journal { info, segment: TxId(1), first: TxId(2), edits, bytes: 10 };
    stage.journal.step(Input::Called(call), &mut out);
    stage.journal.step(Input::Stored { ok: false }, &mut out);
    assert_eq!(out.effects.last(), Some(&Ask::Answer(Err(Refusal::DiskFailed))));
    assert_eq!(stage.journal.highest(), TxId(1));
    // It may be in the file all the same: a recovery may find it.
    stage.new_epoch(2).unwrap();
    assert_eq!(stage.prepare(2, 1).segment, Some(in_progress(1, 2)));
}

#[test]
fn finalize_row() {
    let mut stage = Stage::writing(1, 3);
    assert_eq!(stage.finalize(1, 1, 3), YES);
    assert_eq!(stage.asked(), ["finalize 1-3"]); // what it wrote itself needs no scan
    assert_eq!(stage.finalize(1, 1, 3), YES); // again: the same end is agreed to
    assert_eq!(stage.finalize(1, 1, 4), Err(Refusal::FinalizedOtherwise { end: TxId(3) }));
    assert_eq!(stage.finalize(1, 4, 4), Err(Refusal::NoSuchSegment));

    let mut open = Stage::writing(1, 2);
    let written = Some(TxId(2));
    assert_eq!(open.finalize(1, 1, 3), Err(Refusal::WrongEnd { written }));
    assert_eq!(open.asked(), [""; 0]); // no scan
    assert_eq!(open.journal.open(), None); // closed now
    assert_eq!(open.finalize(1, 1, 2), YES);
    assert_eq!(open.asked(), ["scan 2", "finalize 1-2"]);

    let mut left = Stage::writing(1, 2);
    left.new_epoch(2).unwrap();
    assert_eq!(left.finalize(2, 1, 3), Err(Refusal::WrongEnd { written }));
    assert_eq!(left.finalize(2, 1, 2), YES);
}

#[test]
fn finalize_drops_the_decision() {
    let mut stage = Stage::writing(1, 2);
    stage.new_epoch(2).unwrap();
    stage.prepare(2, 1);
    stage.accept(2, 1, 2).unwrap();
    stage.asked();
    assert_eq!(stage.finalize(2, 1, 2), YES);
    assert_eq!(stage.asked(), ["scan 2", "finalize 1-2", "forget 1"]);
    let prepared = stage.prepare(2, 1);
    assert_eq!(prepared.accepted_in, None);
    assert_eq!(prepared.segment, Some(SegmentState { in_progress: false, ..in_progress(1, 2) }));
}

#[test]
fn prepare_row() {
    let mut stage = Stage::writing(1, 2);
    let info = RequestInfo { epoch: Epoch(1), serial: 99, committed: Some(TxId(1)) };
    stage.heartbeat(info).unwrap();
    stage.new_epoch(2).unwrap();
    stage.asked();
    let expected = Prepared {
        segment: Some(in_progress(1, 2)),
        accepted_in: None,
        last_writer: Epoch(1),
        committed: Some(TxId(1)),
    };
    assert_eq!(stage.prepare(2, 1), expected);
    assert_eq!(stage.asked(), ["scan 2"]);
    assert_eq!(stage.prepare(2, 7).segment, None);
    stage.accept(2, 1, 2).unwrap();
    let accepted_in = Some(Epoch(2));
    assert_eq!(stage.prepare(3, 1), Prepared { accepted_in, ..expected });
}

#[test]
fn prepare_moves_an_empty_file_aside() {
    let mut stage = Stage::writing(1, 0);
    let prepared = stage.prepare(2, 1); // it heard no newEpoch
    assert_eq!((prepared.segment, prepared.last_writer), (None, Epoch(1)));
    assert_eq!(stage.asked(), ["promise 2", "scan 0", "aside 1"]);
    assert_eq!(stage.journal(2, 1, 1, 1), Err(Refusal::NotTheCurrentWriter { writer: Epoch(1) }));
}

#[test]
fn prepare_rolls_a_half_done_accept_forward() {
    let mut stage = Stage::found(Stored {
        namespace: Some(NAMESPACE),
        promised: Epoch(3),
        writer: Epoch(1),
        segments: vec![file(1, 2, true)],
        accepted: vec![(TxId(1), Accepted { epoch: Epoch(3), segment: in_progress(1, 5) })],
        downloads: vec![(TxId(1), Epoch(2), 4), (TxId(1), Epoch(3), 5)],
        ..Stored::default()
    });
    stage.asked();
    let prepared = stage.prepare(4, 1);
    assert_eq!(stage.asked(), ["promise 4", "take 1@3", "scan 5"]);
    assert_eq!((prepared.segment, prepared.accepted_in), (Some(in_progress(1, 5)), Some(Epoch(3))));
}

#[test]
fn accept_row() {
    let mut stage = Stage::writing(1, 2);
    assert_eq!(stage.accept(2, 1, 0), Err(Refusal::BadSegment));
    assert_eq!(stage.accept(2, 0, 1), Err(Refusal::BadSegment));
    stage.asked();
    assert_eq!(stage.accept(2, 1, 2), YES); // same length: not even the content is compared
    assert_eq!(stage.asked(), ["scan 2", "accept 1-2"]);

    stage.download = Some(4);
    assert_eq!(stage.accept(2, 1, 4), YES); // longer
    assert_eq!(stage.asked(), ["scan 2", "download 1-4", "accept 1-4", "take 1@2"]);
    assert_eq!(stage.journal.highest(), TxId(4));
    stage.download = Some(1);
    assert_eq!(stage.accept(3, 1, 1), YES); // shorter
    assert_eq!(stage.journal.highest(), TxId(1));
    assert_eq!(stage.finalize(3, 1, 1), YES);
    assert_eq!(stage.accept(3, 1, 2), Err(Refusal::OverFinalized { end: TxId(1) }));
    assert_eq!(stage.accept(3, 1, 1), YES); // the same again
}

#[test]
fn accept_never_drops_a_committed_edit_nor_a_newer_decision() {
    let mut stage = Stage::writing(1, 3);
    let info = RequestInfo { epoch: Epoch(1), serial: 99, committed: Some(TxId(3)) };
    stage.heartbeat(info).unwrap();
    stage.new_epoch(2).unwrap();
    let committed = TxId(3);
    assert_eq!(stage.accept(2, 1, 2), Err(Refusal::WouldDropCommitted { committed }));

    let mut decided = Stage::found(Stored {
        namespace: Some(NAMESPACE),
        promised: Epoch(1),
        accepted: vec![(TxId(1), Accepted { epoch: Epoch(5), segment: in_progress(1, 1) })],
        ..Stored::default()
    });
    assert_eq!(decided.accept(2, 1, 2), Err(Refusal::AcceptedByNewer { epoch: Epoch(5) }));
}

#[test]
fn accept_gives_the_open_segment_up_and_a_lost_download_changes_nothing() {
    let mut stage = Stage::writing(1, 2); // heard neither newEpoch nor prepare: HDFS-3914
    stage.download = None;
    assert_eq!(stage.accept(2, 1, 3), Err(Refusal::DownloadFailed));
    assert_eq!(stage.asked(), ["promise 2", "scan 2", "download 1-3"]);
    assert_eq!(stage.journal.open(), None);
    assert_eq!(stage.prepare(2, 1).segment, Some(in_progress(1, 2)));
    assert_eq!(stage.prepare(2, 1).accepted_in, None);
}

#[test]
fn manifest_row() {
    let mut stage = Stage::writing(1, 3);
    stage.finalize(1, 1, 3).unwrap();
    stage.start(1, 4).unwrap();
    stage.journal(1, 4, 4, 2).unwrap();
    let finalized = SegmentState { in_progress: false, ..in_progress(1, 3) };
    assert_eq!(stage.manifest(1, false).segments, [finalized]);
    assert_eq!(stage.manifest(1, true).segments, [finalized, in_progress(4, 5)]);
    assert_eq!(stage.manifest(5, true).segments, [in_progress(4, 5)]);
}

#[test]
fn journaled_edits_row_in_both_releases() {
    let mut stage = Stage::writing(1, 3);
    let ask =
        |stage: &mut Stage, since| stage.call(Call::JournaledEdits { since: TxId(since), max: 2 });
    let edits = |edits: &[u64]| Ok(Answer::Edits { edits: edits.to_vec() });
    assert_eq!(ask(&mut stage, 1), edits(&[1, 2]));
    assert_eq!(ask(&mut stage, 4), edits(&[]));
    let highest = TxId(3);
    assert_eq!(ask(&mut stage, 5), Err(Refusal::NewerTxnId { highest })); // 3.4.1
    stage.journal.settings.refuses_newer_txid = false;
    assert_eq!(ask(&mut stage, 5), edits(&[])); // 3.3.6: HDFS-16659
    stage.journal.cache = None;
    assert_eq!(ask(&mut stage, 1), Err(Refusal::CacheDisabled));
}

#[test]
fn purge_row() {
    let mut stage = Stage::found(Stored {
        namespace: Some(NAMESPACE),
        promised: Epoch(1),
        segments: vec![file(1, 3, false), file(4, 3, true), file(7, 3, false), file(10, 3, false)],
        accepted: vec![(TxId(4), Accepted { epoch: Epoch(1), segment: in_progress(4, 6) })],
        downloads: vec![(TxId(4), Epoch(1), 3)],
        ..Stored::default()
    });
    stage.asked();
    let info = stage.info(1);
    assert_eq!(stage.call(Call::PurgeLogsOlderThan { info, min: TxId(9) }), YES);
    assert_eq!(stage.asked(), ["purge 1", "purge 4", "purge 4@1", "forget 4"]); // 7-9 holds 9
    assert_eq!(stage.manifest(1, true).segments.len(), 2);
}

#[test]
fn restart_keeps_what_the_disk_has_and_opens_nothing() {
    let mut stage = Stage::found(Stored {
        namespace: Some(NAMESPACE),
        promised: Epoch(3),
        writer: Epoch(2),
        committed: Some(TxId(4)),
        segments: vec![file(1, 3, false), file(4, 2, true), file(6, 0, true)],
        ..Stored::default()
    });
    assert_eq!(stage.asked(), ["scan 0", "aside 6", "scan 2"]);
    assert_eq!(stage.journal.highest(), TxId(5));
    // The writer of epoch 3 goes on: its serial is not known any more, its segment is not open.
    let info = RequestInfo { epoch: Epoch(3), serial: 0, committed: None };
    assert_eq!(stage.heartbeat(info), YES);
    assert_eq!(stage.journal(2, 4, 6, 1), Err(Refusal::EpochBelowPromise { promised: Epoch(3) }));
    assert_eq!(stage.start(3, 6), YES);
}

#[test]
fn two_files_at_one_start_stop_every_look_up_until_the_purge() {
    let mut stage = Stage::writing(1, 2);
    let info = RequestInfo { epoch: Epoch(1), serial: 99, committed: Some(TxId(3)) };
    stage.heartbeat(info).unwrap();
    assert!(!stage.journal.take_synced(TxId(4), TxId(4))); // beyond what is known committed
    assert!(stage.journal.take_synced(TxId(1), TxId(3))); // the syncer fetched 1-3
    stage.serial = 100;
    assert_eq!(stage.finalize(1, 1, 2), Err(Refusal::MoreThanOneSegment));
    assert_eq!(stage.accept(2, 1, 3), Err(Refusal::MoreThanOneSegment));
}
