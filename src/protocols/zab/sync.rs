//! Sync: how a learner is brought to the leader's history: DIFF, TRUNC or SNAP.
//!
//! Here: the choice and the packets that follow from it; nothing is sent here.
//! Never here: handlers, sockets, what is outstanding.
//! Modelled on: 3.8.4 `LearnerHandler#syncFollower`, `#queueCommittedProposals`.
//! Left out: `zookeeper.forceSnapshotSync`, throttling (participants are exempt).

use super::database::Database;
use super::interface::{Logged, Machine, ToLearner, Volume};
use super::types::Zxid;

/// What to send before forwarding starts.
#[derive(Clone, Debug)]
pub struct Plan<M: Machine> {
    /// DIFF or TRUNC with PROPOSAL and COMMIT pairs; empty: SNAP.
    pub packets: Vec<ToLearner<M>>,
    /// Forward what is outstanding after this.
    pub forward_after: Zxid,
}

/// Chooses for a learner whose last zxid is `peer`.
pub fn plan<M: Machine>(db: &Database<M>, volume: &dyn Volume<M>, peer: Zxid) -> Plan<M> {
    let last = db.last_processed();
    let log = db.committed_log();
    let min = log.front().map_or(last, |logged| logged.zxid);
    let max = log.back().map_or(last, |logged| logged.zxid);
    let snap = || Plan { packets: Vec::new(), forward_after: last };

    if last == peer {
        return Plan { packets: vec![ToLearner::Diff { zxid: peer }], forward_after: peer };
    }
    if max < peer && !is_new_epoch(peer) {
        // No look at the epochs: this may cross one.
        return Plan { packets: vec![ToLearner::Trunc { zxid: max }], forward_after: max };
    }
    let mut walk = Walk { peer, max, head: None, pairs: Vec::new(), queued: peer };
    if min <= peer && peer <= max {
        walk.over(log.iter(), None);
    } else if peer < min {
        let Some(on_disk) = volume.log_for_sync(peer) else { return snap() };
        walk.over(on_disk.iter(), Some(min));
        if walk.queued < min {
            return snap(); // a gap between the log on disk and the one in memory
        }
        walk.peer = walk.queued;
        walk.over(log.iter(), None);
    } else {
        return snap();
    }
    let forward_after = walk.queued;
    match walk.head {
        Some(head) => {
            let packets = std::iter::once(head).chain(walk.pairs).collect();
            Plan { packets, forward_after }
        }
        None => Plan { packets: Vec::new(), forward_after },
    }
}

/// A leader that has proposed nothing yet.
const fn is_new_epoch(zxid: Zxid) -> bool {
    zxid.counter() == 0
}

struct Walk<M: Machine> {
    peer: Zxid,
    max: Zxid,
    head: Option<ToLearner<M>>,
    pairs: Vec<ToLearner<M>>,
    queued: Zxid,
}

impl<M: Machine> Walk<M> {
    /// `queueCommittedProposals`, up to `limit`.
    fn over<'a>(&mut self, log: impl Iterator<Item = &'a Logged<M::Txn>>, limit: Option<Zxid>)
    where
        M::Txn: 'a,
    {
        let mut previous = None;
        for logged in log {
            let zxid = logged.zxid;
            if limit.is_some_and(|limit| limit < zxid) {
                break;
            }
            if zxid < self.peer {
                previous = Some(zxid);
                continue;
            }
            if self.head.is_none() {
                if zxid == self.peer {
                    self.head = Some(ToLearner::Diff { zxid: self.max });
                    continue;
                }
                if is_new_epoch(self.peer) {
                    self.head = Some(ToLearner::Diff { zxid: self.max });
                } else if zxid.epoch() == self.peer.epoch() {
                    // The learner has proposals that this leader never saw.
                    self.head = Some(ToLearner::Trunc { zxid: previous.unwrap_or(Zxid::ZERO) });
                } else {
                    return; // this TRUNC never crosses an epoch: SNAP
                }
            }
            if zxid <= self.queued {
                continue;
            }
            self.pairs.push(ToLearner::Proposal(logged.clone()));
            self.pairs.push(ToLearner::Commit { zxid });
            self.queued = zxid;
        }
        if self.head.is_none() && is_new_epoch(self.peer) {
            self.head = Some(ToLearner::Diff { zxid: self.max });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::zab::tests::disk::{Counted, Disk};
    use crate::protocols::zab::types::Epoch;

    fn z(epoch: u32, counter: u32) -> Zxid {
        Zxid::of(Epoch(epoch), counter)
    }

    /// A leader whose committed log begins at (1, 3) while its disk begins at (1, 1); it reigns
    /// in epoch 3 and has committed (3, 1); its epoch 2 had one transaction.
    fn leader() -> (Database<Counted>, Disk) {
        let all = [z(1, 1), z(1, 2), z(1, 3), z(1, 4), z(2, 1), z(3, 1)];
        let mut db = Database::new(3);
        let mut disk = Disk::default();
        for zxid in all {
            let logged = Logged { zxid, txn: zxid.0 };
            db.commit(&logged);
            disk.log.push(logged);
        }
        (db, disk)
    }

    fn story(peer: Zxid) -> String {
        let (db, disk) = leader();
        let plan = plan(&db, &disk, peer);
        let words = plan.packets.iter().map(|packet| match packet {
            ToLearner::Diff { zxid } => format!("DIFF {}.{}", zxid.epoch().0, zxid.counter()),
            ToLearner::Trunc { zxid } => format!("TRUNC {}.{}", zxid.epoch().0, zxid.counter()),
            ToLearner::Proposal(logged) => {
                format!("P{}.{}", logged.zxid.epoch().0, logged.zxid.counter())
            }
            ToLearner::Commit { zxid } => format!("C{}.{}", zxid.epoch().0, zxid.counter()),
            ToLearner::LeaderInfo { .. }
            | ToLearner::Snap { .. }
            | ToLearner::NewLeader { .. }
            | ToLearner::UpToDate
            | ToLearner::Ping { .. }
            | ToLearner::Other => unreachable!("not part of a plan"),
        });
        let words: Vec<String> = words.collect();
        if words.is_empty() { "SNAP".into() } else { words.join(" ") }
    }

    #[test]
    fn the_mode_follows_the_reference_in_its_order() {
        assert_eq!(story(z(3, 1)), "DIFF 3.1"); // equal
        assert_eq!(story(z(3, 4)), "TRUNC 3.1"); // beyond, same epoch
        assert_eq!(story(z(4, 2)), "TRUNC 3.1"); // beyond, another epoch: no look at it
        assert_eq!(story(z(4, 0)), "SNAP"); // a leader of epoch 4 that proposed nothing
        assert_eq!(story(z(2, 1)), "DIFF 3.1 P3.1 C3.1"); // found in memory
        assert_eq!(story(z(3, 0)), "DIFF 3.1 P3.1 C3.1"); // (e, 0)
        assert_eq!(story(z(2, 5)), "SNAP"); // a tail of an old leader, next epoch has a txn
        let from_disk = "DIFF 3.1 P1.2 C1.2 P1.3 C1.3 P1.4 C1.4 P2.1 C2.1 P3.1 C3.1";
        assert_eq!(story(z(1, 1)), from_disk); // below memory, on disk
        assert_eq!(story(z(0, 0)), "SNAP"); // the disk's log begins after it
    }

    #[test]
    fn a_tail_within_the_epoch_is_cut_at_the_leaders_predecessor() {
        let mut db = Database::new(500);
        for zxid in [z(1, 1), z(1, 4)] {
            db.commit(&Logged { zxid, txn: 0 });
        }
        let plan = plan::<Counted>(&db, &Disk::default(), z(1, 2));
        let Some(ToLearner::Trunc { zxid }) = plan.packets.first() else { panic!("no TRUNC") };
        assert_eq!(*zxid, z(1, 1));
        assert_eq!(plan.forward_after, z(1, 4));
    }
}
