//! Commit processor: a session's requests pass in the order in which it asked.
//!
//! Here: which request waits behind which write of its session at the connected server.
//! Never here: the order of commits (that is the leader's), applying, answering.
//! Modelled on: ZooKeeper 3.8.4 `quorum/CommitProcessor.java`.
//! Left out: worker threads, batch sizes (1 logical executor; commits one at a time).

use std::collections::{BTreeMap, VecDeque};

use super::types::{Cxid, SessionId};

#[derive(Clone, Debug, PartialEq, Eq)]
struct Waiting<R> {
    /// The write's number; none for a read or ping.
    write: Option<Cxid>,
    request: R,
}

/// What waits at one server, by session. `R` is whatever the server needs to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitProcessor<R> {
    waiting: BTreeMap<SessionId, VecDeque<Waiting<R>>>,
}

/// What a commit lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released<R> {
    /// The local request that the commit answers; none if its client is elsewhere.
    pub answered: Option<R>,
    /// Reads and pings that waited behind it, in order, to be answered after it.
    pub reads: Vec<R>,
}

impl<R> Default for CommitProcessor<R> {
    fn default() -> CommitProcessor<R> {
        CommitProcessor { waiting: BTreeMap::new() }
    }
}

impl<R> CommitProcessor<R> {
    /// A request of a client of this server. Returned: it passes at once. `write` is its number
    /// if it needs a commit (`Request::needs_commit`).
    pub fn submit(&mut self, session: SessionId, write: Option<Cxid>, request: R) -> Option<R> {
        if write.is_none() && !self.waiting.contains_key(&session) {
            return Some(request);
        }
        self.waiting.entry(session).or_default().push_back(Waiting { write, request });
        None
    }

    /// A transaction was committed and is being applied: the local request it answers, if any,
    /// and the reads of that session up to its next write.
    pub fn committed(&mut self, session: SessionId, cxid: Cxid) -> Released<R> {
        let nothing = Released { answered: None, reads: Vec::new() };
        let Some(queue) = self.waiting.get_mut(&session) else { return nothing };
        if queue.front().and_then(|head| head.write) != Some(cxid) {
            return nothing;
        }
        let answered = queue.pop_front().map(|head| head.request);
        let mut reads = Vec::new();
        while let Some(head) = queue.pop_front_if(|head| head.write.is_none()) {
            reads.push(head.request);
        }
        if queue.is_empty() {
            self.waiting.remove(&session);
        }
        Released { answered, reads }
    }

    /// Whether a write of the session is under way here.
    pub fn is_pending(&self, session: SessionId) -> bool {
        self.waiting.contains_key(&session)
    }

    /// Requests that wait here, writes and those behind them.
    pub fn len(&self) -> usize {
        self.waiting.values().map(VecDeque::len).sum()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The server stepped down.
    pub fn clear(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: SessionId = SessionId(1);
    const BOB: SessionId = SessionId(2);

    #[test]
    fn reads_and_pings_wait_behind_their_sessions_write_and_no_other() {
        let mut gate = CommitProcessor::default();
        assert_eq!(gate.submit(ANN, None, "read"), Some("read"));
        assert_eq!(gate.submit(ANN, Some(Cxid(2)), "write 2"), None);
        assert_eq!(gate.submit(ANN, None, "ping"), None);
        assert_eq!(gate.submit(ANN, Some(Cxid(4)), "write 4"), None);
        assert_eq!(gate.submit(ANN, None, "read 5"), None);
        assert_eq!(gate.submit(BOB, None, "read"), Some("read"));

        let foreign = gate.committed(BOB, Cxid(1));
        assert_eq!(foreign, Released { answered: None, reads: vec![] });
        let first = gate.committed(ANN, Cxid(2));
        assert_eq!(first, Released { answered: Some("write 2"), reads: vec!["ping"] });
        let second = gate.committed(ANN, Cxid(4));
        assert_eq!(second, Released { answered: Some("write 4"), reads: vec!["read 5"] });
        assert!(gate.is_empty());
    }

    /// A session that moved here may see a commit of what it asked for elsewhere.
    #[test]
    fn a_commit_of_another_request_answers_nothing() {
        let mut gate = CommitProcessor::default();
        gate.submit(ANN, Some(Cxid(7)), "write 7");
        assert_eq!(gate.committed(ANN, Cxid(6)).answered, None);
        assert!(gate.is_pending(ANN));
        assert_eq!(gate.committed(ANN, Cxid(7)).answered, Some("write 7"));
    }
}
