//! JournalNode's syncer: finalized segments that this node misses, fetched from its peers.
//!
//! Here: one round: list at one peer, fetch what is missing, oldest first, until one fails.
//! Never here: segments in progress, epochs; whether a fetched one may be moved in (the journal).
//! Modelled on: Hadoop `qjournal/server/JournalNodeSyncer.java` (3.4.1).
//! Left out: formatting an empty journal from its peers (off by default).

use std::collections::VecDeque;
use std::sync::Arc;

use super::SYNC_FETCH;
use crate::clients::hadoop_ipc::CallId;
use crate::engine::ctx::Ctx;
use crate::engine::id::ProcessId;
use crate::engine::process::Tag;
use crate::protocols::namenode::edit::Edit;
use crate::protocols::qjm::{Manifest, SegmentState};
use crate::systems::hdfs::api::qjournal::JournalId;
use crate::systems::hdfs::segment_fetch::{FetchTimeouts, SegmentFetch};

/// Where a round stands.
#[derive(Clone, Debug)]
pub(super) enum Round {
    /// Between two rounds.
    Asleep,
    /// A peer was asked for its manifest.
    Listing { call: CallId },
    /// A segment comes.
    Fetching { segment: SegmentState, fetch: SegmentFetch },
    /// It is being synced beside the log, or waits for the monitor.
    Moving { segment: SegmentState, edits: Arc<[Edit]> },
}

/// The syncer of one journal.
#[derive(Clone, Debug)]
pub(super) struct Syncer {
    pub(super) round: Round,
    peers: Vec<ProcessId>,
    peer_next: usize,
    peer: ProcessId,
    missing: VecDeque<SegmentState>,
}

impl Syncer {
    pub(super) const fn new(peers: Vec<ProcessId>) -> Syncer {
        Syncer {
            round: Round::Asleep,
            peers,
            peer_next: 0,
            peer: ProcessId(0),
            missing: VecDeque::new(),
        }
    }

    /// The peer of the next round; they take turns.
    pub(super) fn next_peer(&mut self) -> Option<ProcessId> {
        let peer = *self.peers.get(self.peer_next)?;
        self.peer_next = (self.peer_next + 1) % self.peers.len();
        self.peer = peer;
        Some(peer)
    }

    /// `getMissingLogList`: by first edit only; another end is not repaired.
    pub(super) fn list(&mut self, own: &[SegmentState], peers: &Manifest) {
        let missing = |other: &&SegmentState| own.iter().all(|one| one.start != other.start);
        self.missing = peers.segments.iter().filter(missing).copied().collect();
    }

    /// Passes over segments that have come another way since they were listed.
    pub(super) fn skip(&mut self, is_here: impl Fn(&SegmentState) -> bool) {
        while self.missing.pop_front_if(|segment| is_here(segment)).is_some() {}
    }

    /// Fetches the next missing segment. `false`: there is none, the round is over.
    pub(super) fn fetch_next(
        &mut self,
        journal: JournalId,
        timeouts: FetchTimeouts,
        ctx: &mut Ctx<'_>,
    ) -> bool {
        let Some(segment) = self.missing.pop_front() else { return false };
        let tag = Tag::with(SYNC_FETCH, u64::from(journal.0));
        let fetch = SegmentFetch::start(self.peer, (journal, segment.start), timeouts, tag, ctx);
        self.round = Round::Fetching { segment, fetch };
        true
    }
}
