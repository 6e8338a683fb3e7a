//! Core: what outlives the roles of a peer, and the turn in which a role acts.
//!
//! Here: epochs, database, log thread; the effects that every role asks for in the same way.
//! Never here: what a leader or a learner decides.
//! Modelled on: 3.8.4 `QuorumPeer` (fields), `ZooKeeperServer` (shared pipeline).

use super::database::Database;
use super::interface::{Effect, Logged, Machine, Ticket, Volume, WriteKind};
use super::log_thread::LogThread;
use super::rules::Rules;
use super::types::{Epoch, Settings, Zxid};
use crate::engine::time::Monotonic;
use crate::protocols::Outbox;

/// What outlives the roles.
#[derive(Clone, Debug)]
pub struct Core<M: Machine> {
    /// What the operator wrote.
    pub settings: Settings,
    /// The decisions.
    pub rules: Rules,
    /// The tree.
    pub db: Database<M>,
    /// The log thread.
    pub log: LogThread<M::Txn>,
    /// As in the file, since its last write.
    pub accepted_epoch: Epoch,
    /// As in the file, since its last write.
    pub current_epoch: Epoch,
    /// Roles taken so far.
    pub reign: u32,
}

/// One step: the moment, the volume, and where effects go.
pub struct Turn<'a, M: Machine> {
    /// The host's clock.
    pub now: Monotonic,
    /// What lies on the disk.
    pub volume: &'a dyn Volume<M>,
    /// Effects so far.
    pub out: &'a mut Outbox<Effect<M>>,
}

impl<M: Machine> Turn<'_, M> {
    /// Asks for one more effect.
    pub fn ask(&mut self, effect: Effect<M>) {
        self.out.ask(effect);
    }
}

impl<M: Machine> Core<M> {
    /// The ticket of a write of the present role.
    pub const fn ticket(&self, kind: WriteKind) -> Ticket {
        Ticket { kind, reign: self.reign }
    }

    /// Whether so many servers are a quorum.
    pub fn is_quorum(&self, servers: usize) -> bool {
        (self.rules.quorum)(servers, self.settings.voters.len())
    }

    /// Commits and applies.
    pub fn commit(&mut self, logged: Logged<M::Txn>, turn: &mut Turn<'_, M>) {
        let outcome = self.db.commit(&logged);
        turn.ask(Effect::Committed { logged, outcome });
    }

    /// Lets the log thread begin its next batch.
    pub fn kick_log(&mut self, turn: &mut Turn<'_, M>) {
        let Some(batch) = self.log.next_batch() else { return };
        for logged in batch.append {
            turn.ask(Effect::Append(logged));
        }
        turn.ask(Effect::SyncLog(self.ticket(WriteKind::Log)));
        if batch.roll {
            turn.ask(Effect::RollLog);
            // A background copy, not fsynced; taken whole here.
            let (zxid, state) = (self.db.last_processed(), self.db.tree().clone());
            turn.ask(Effect::WriteSnapshot(zxid, state, None));
        }
    }

    /// The fsync is over; says what is durable and begins the next batch.
    pub fn log_flushed(&mut self, turn: &mut Turn<'_, M>) -> Vec<Zxid> {
        let durable = self.log.flushed();
        self.kick_log(turn);
        durable
    }
}
