//! Connections: the election port's connection manager, one connection per pair of servers.
//!
//! Here: who dials, which of two connections stays, the send queue of one, the last message.
//! Never here: what is said; sockets (the process maps links to them).
//! Modelled on: 3.8.4 `QuorumCnxManager`. Left out: SASL, multiple addresses, the accept thread
//! that waits for a silent peer's hello, name resolution under the manager's lock.

use std::collections::BTreeMap;

use super::types::{Link, Notification, Settings, Sid};
use crate::engine::time::SimDuration;
use crate::protocols::Outbox;

/// What the manager asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Dial a server's election port, for at most so long.
    Dial {
        /// Whom.
        to: Sid,
        /// `cnxTimeout`.
        within: SimDuration,
    },
    /// Write who we are: the first bytes of a connection we dialled.
    Hello(Link),
    /// Write a notification.
    Write(Link, Notification),
    /// Close the connection.
    Close(Link),
}

#[derive(Clone, Debug, Default)]
struct Peer {
    /// Send and receive worker.
    worker: Option<Link>,
    dialling: bool,
    /// `SEND_CAPACITY` 1, the newest wins.
    queue: Option<Notification>,
    /// Whether anything was ever queued: only then the manager has a queue for this peer.
    has_queue: bool,
    last_sent: Option<Notification>,
}

/// The connections of one server. All volatile.
#[derive(Clone, Debug)]
pub struct Connections {
    me: Sid,
    cnx_timeout: SimDuration,
    peers: BTreeMap<Sid, Peer>,
}

impl Connections {
    /// Nobody is connected yet.
    pub fn new(settings: &Settings) -> Connections {
        let others = settings.voters.iter().filter(|sid| **sid != settings.me);
        Connections {
            me: settings.me,
            cnx_timeout: settings.cnx_timeout,
            peers: others.map(|sid| (*sid, Peer::default())).collect(),
        }
    }

    /// `haveDelivered`: any of the queues is empty.
    pub fn delivered(&self) -> bool {
        self.peers.values().any(|peer| peer.has_queue && peer.queue.is_none())
    }

    /// `toSend`: queue it, and dial unless there is a worker.
    pub fn send(&mut self, to: Sid, notification: Notification, out: &mut Outbox<Effect>) {
        let Some(peer) = self.peers.get_mut(&to) else { return };
        peer.has_queue = true;
        match peer.worker {
            Some(link) => {
                peer.last_sent = Some(notification);
                out.ask(Effect::Write(link, notification));
            }
            None => {
                peer.queue = Some(notification);
                self.connect_one(to, out);
            }
        }
    }

    /// `connectAll`: dial every peer without a worker.
    pub fn connect_all(&mut self, out: &mut Outbox<Effect>) {
        let all: Vec<Sid> = self.peers.keys().copied().collect();
        for sid in all {
            self.connect_one(sid, out);
        }
    }

    /// `startConnection`: a dial came through. The larger sid keeps it.
    pub fn dialled(&mut self, to: Sid, link: Link, out: &mut Outbox<Effect>) {
        let Some(peer) = self.peers.get_mut(&to) else { return out.ask(Effect::Close(link)) };
        peer.dialling = false;
        out.ask(Effect::Hello(link));
        if self.me < to {
            return out.ask(Effect::Close(link)); // the other dials back
        }
        self.take(to, link, out);
    }

    /// A dial was refused, timed out or found no route. The next send dials again.
    pub fn dial_failed(&mut self, to: Sid) {
        if let Some(peer) = self.peers.get_mut(&to) {
            peer.dialling = false;
        }
    }

    /// `handleConnection`: who accepted hears who dialled.
    pub fn hello(&mut self, from: Sid, link: Link, out: &mut Outbox<Effect>) {
        let Some(peer) = self.peers.get_mut(&from) else { return out.ask(Effect::Close(link)) };
        if self.me < from {
            return self.take(from, link, out);
        }
        if let Some(older) = peer.worker.take() {
            out.ask(Effect::Close(older));
        }
        out.ask(Effect::Close(link));
        self.connect_one(from, out);
    }

    /// From whom a message on this link is; none if the link is not a worker's.
    pub fn sender(&self, link: Link) -> Option<Sid> {
        self.peers.iter().find(|(_, peer)| peer.worker == Some(link)).map(|(sid, _)| *sid)
    }

    /// Read or write error, or end of stream: both workers stop. What is queued stays.
    pub fn lost(&mut self, link: Link) {
        for peer in self.peers.values_mut() {
            if peer.worker == Some(link) {
                peer.worker = None;
            }
        }
    }

    fn connect_one(&mut self, to: Sid, out: &mut Outbox<Effect>) {
        let Some(peer) = self.peers.get_mut(&to) else { return };
        if peer.worker.is_none() && !peer.dialling {
            peer.dialling = true;
            out.ask(Effect::Dial { to, within: self.cnx_timeout });
        }
    }

    /// New workers: an older pair stops; what is queued goes out, else the last message again.
    fn take(&mut self, sid: Sid, link: Link, out: &mut Outbox<Effect>) {
        let Some(peer) = self.peers.get_mut(&sid) else { return };
        if let Some(older) = peer.worker.replace(link) {
            out.ask(Effect::Close(older));
        }
        if let Some(notification) = peer.queue.take().or(peer.last_sent) {
            peer.last_sent = Some(notification);
            out.ask(Effect::Write(link, notification));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::zab::types::{Ballot, PeerState, Round};

    fn vote(round: u64) -> Notification {
        let (ballot, state) = (Ballot::default(), PeerState::Looking);
        Notification { from: Sid(2), ballot, round: Round(round), state }
    }

    fn ask(run: impl FnOnce(&mut Outbox<Effect>)) -> Vec<Effect> {
        let mut out = Outbox::default();
        run(&mut out);
        out.effects
    }

    fn server_2() -> Connections {
        Connections::new(&Settings::sample(2, 3))
    }

    #[test]
    fn one_dial_at_a_time_and_the_newest_message_wins() {
        let mut c = server_2();
        let within = SimDuration::from_millis(5_000);
        assert_eq!(ask(|out| c.send(Sid(1), vote(1), out)), [Effect::Dial { to: Sid(1), within }]);
        assert_eq!(ask(|out| c.send(Sid(1), vote(2), out)), []);
        assert!(!c.delivered());
        let effects = ask(|out| c.dialled(Sid(1), Link(7), out));
        assert_eq!(effects, [Effect::Hello(Link(7)), Effect::Write(Link(7), vote(2))]);
        assert!(c.delivered());
        assert_eq!(c.sender(Link(7)), Some(Sid(1)));
    }

    #[test]
    fn the_smaller_sid_hangs_up_and_waits_to_be_called() {
        let mut c = server_2();
        ask(|out| c.send(Sid(3), vote(1), out));
        let effects = ask(|out| c.dialled(Sid(3), Link(7), out));
        assert_eq!(effects, [Effect::Hello(Link(7)), Effect::Close(Link(7))]);
        let effects = ask(|out| c.hello(Sid(3), Link(8), out));
        assert_eq!(effects, [Effect::Write(Link(8), vote(1))]);
    }

    #[test]
    fn a_smaller_sid_that_calls_is_called_back_and_resets_the_old_connection() {
        let mut c = server_2();
        ask(|out| c.send(Sid(1), vote(1), out));
        ask(|out| c.dialled(Sid(1), Link(7), out));
        let within = SimDuration::from_millis(5_000);
        let effects = ask(|out| c.hello(Sid(1), Link(9), out));
        let closes = [Effect::Close(Link(7)), Effect::Close(Link(9))];
        assert_eq!(effects[..2], closes);
        assert_eq!(effects[2], Effect::Dial { to: Sid(1), within });
        // The last message goes out again on the new connection.
        let effects = ask(|out| c.dialled(Sid(1), Link(10), out));
        assert_eq!(effects, [Effect::Hello(Link(10)), Effect::Write(Link(10), vote(1))]);
    }

    #[test]
    fn after_a_loss_the_next_send_dials_and_a_refusal_waits_for_the_one_after() {
        let mut c = server_2();
        ask(|out| c.hello(Sid(3), Link(8), out));
        c.lost(Link(8));
        assert_eq!(c.sender(Link(8)), None);
        assert_eq!(ask(|out| c.send(Sid(3), vote(1), out)).len(), 1);
        c.dial_failed(Sid(3));
        assert_eq!(ask(|out| c.connect_all(out)).len(), 2); // 1 was never connected
    }
}
