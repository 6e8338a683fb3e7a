//! World: three peers, their disks and connections, and a clock; every run is a function of its
//! options.
//!
//! Here: delivery in order per connection, crashes and cuts at the n-th event, the ghost state of
//! the safety predicates.
//! Never here: the engine.
//! Modelled on: reference/zookeeper.md 8 (P1, P3, P4, P8, P9, P15).

use std::collections::BTreeMap;

use super::super::interface::{
    Effect, Input, Logged, Ticket, Timer, ToLeader, ToLearner, WriteKind,
};
use super::super::peer::Peer;
use super::super::rules::Rules;
use super::super::types::{Epoch, Link, Notification, Settings, Sid, Zxid};
use super::disk::{Counted, Disk};
use crate::engine::time::Monotonic;
use crate::protocols::Outbox;

const MS: u64 = 1_000_000;

/// What befalls the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blow {
    /// A server dies at the n-th event and returns after two seconds; its disk keeps what was
    /// written.
    Kill(usize),
    /// The same; its disk keeps what was synced.
    Power(usize),
    /// Every connection of a server breaks.
    Cut(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) rules: Rules,
    pub(crate) seed: u64,
    /// At which event, what.
    pub(crate) blows: Vec<(u64, Blow)>,
    pub(crate) transactions: u64,
    pub(crate) run_ms: u64,
}

#[derive(Clone, Debug)]
enum Event {
    Start,
    Notified(Notification),
    Fires(Timer, u64),
    Written(Done),
    ShutDown,
    Loaded,
    Started,
    /// A connect arrives at the leader.
    Connects(Link),
    /// Its outcome returns.
    Connected(Link, bool),
    Up(Link, ToLeader),
    Down(Link, ToLearner<Counted>),
    UpEnds(Link),
    DownEnds(Link),
}

#[derive(Clone, Debug)]
enum Done {
    Accepted(Epoch, Ticket),
    Current(Epoch, Ticket),
    Snapshot(Zxid, Counted, Ticket),
    Log(usize, Ticket),
}

#[derive(Clone, Debug, Default)]
struct Server {
    peer: Option<Peer<Counted>>,
    disk: Disk,
    incarnation: u64,
    timers: BTreeMap<Timer, u64>,
    port_open: bool,
    upstream: Option<Link>,
}

pub(crate) struct World {
    options: Options,
    now: u64,
    sequence: u64,
    events: BTreeMap<(u64, u64), (usize, u64, Event)>,
    servers: Vec<Server>,
    /// Learner, leader, latest arrival each way, whether open.
    links: BTreeMap<Link, (usize, usize, [u64; 2], bool)>,
    notified_last: BTreeMap<(usize, usize), u64>,
    rng: u64,
    links_made: u64,
    pub(crate) steps: u64,
    next_txn: u64,
    /// Reign to who established it.
    established: BTreeMap<Epoch, usize>,
    /// The committed sequence.
    pub(crate) committed: Vec<(Zxid, u64)>,
    pub(crate) wrongs: Vec<String>,
    pub(crate) leaves: Vec<(usize, &'static str)>,
    looking_since: [u64; 3],
    /// Who won which election in how many nanoseconds.
    pub(crate) won_in: Vec<(usize, u64)>,
    pub(crate) leader_at_end: usize,
}

impl World {
    pub(crate) fn run(options: Options) -> World {
        let mut world = World {
            now: 0,
            sequence: 0,
            events: BTreeMap::new(),
            servers: vec![Server::default(); 3],
            links: BTreeMap::new(),
            notified_last: BTreeMap::new(),
            rng: options.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            links_made: 0,
            steps: 0,
            next_txn: 0,
            established: BTreeMap::new(),
            committed: Vec::new(),
            wrongs: Vec::new(),
            leaves: Vec::new(),
            looking_since: [0; 3],
            won_in: Vec::new(),
            leader_at_end: 0,
            options,
        };
        for who in 0..3 {
            world.after(who, world.options.seed % 7 * MS, Event::Start);
        }
        let end = world.options.run_ms * MS;
        while let Some(((at, _), (who, incarnation, event))) = world.events.pop_first() {
            if end < at {
                break;
            }
            world.now = at;
            if incarnation == world.servers[who].incarnation {
                world.strike(who, event);
            }
        }
        world.judge_end();
        world
    }

    fn draw(&mut self, bound: u64) -> u64 {
        self.rng ^= self.rng << 13;
        self.rng ^= self.rng >> 7;
        self.rng ^= self.rng << 17;
        self.rng % bound
    }

    fn at(&mut self, who: usize, at: u64, event: Event) {
        self.sequence += 1;
        let incarnation = self.servers[who].incarnation;
        self.events.insert((at, self.sequence), (who, incarnation, event));
    }

    fn after(&mut self, who: usize, span: u64, event: Event) {
        self.at(who, self.now + span, event);
    }

    fn strike(&mut self, who: usize, event: Event) {
        self.steps += 1;
        let step = self.steps;
        let blows: Vec<Blow> =
            self.options.blows.iter().filter(|blow| blow.0 == step).map(|blow| blow.1).collect();
        let mut spared = true;
        for blow in blows {
            match blow {
                Blow::Kill(victim) | Blow::Power(victim) => {
                    self.kill(victim, matches!(blow, Blow::Power(_)));
                    spared &= victim != who;
                }
                Blow::Cut(victim) => self.cut(victim),
            }
        }
        if spared {
            self.deliver(who, event);
        }
    }

    fn kill(&mut self, who: usize, power: bool) {
        self.cut(who);
        let server = &mut self.servers[who];
        server.peer = None;
        server.incarnation += 1;
        server.timers.clear();
        server.port_open = false;
        server.upstream = None;
        if power {
            server.disk.lose_power();
        }
        self.after(who, 2_000 * MS, Event::Start);
    }

    fn cut(&mut self, who: usize) {
        let links: Vec<Link> = self.links.keys().copied().collect();
        for link in links {
            let (learner, leader, ..) = self.links[&link];
            if learner == who || leader == who {
                self.break_link(link);
            }
        }
    }

    fn break_link(&mut self, link: Link) {
        let Some(end) = self.links.get_mut(&link).filter(|end| end.3) else { return };
        end.3 = false;
        let (learner, leader, ..) = *end;
        self.after(leader, MS / 10, Event::UpEnds(link));
        self.after(learner, MS / 10, Event::DownEnds(link));
    }

    /// Clients: a leader that broadcasts is given the next transaction.
    fn maybe_propose(&mut self, who: usize) {
        let wants = self.next_txn < self.options.transactions;
        let leads = |peer: &Peer<Counted>| peer.next_zxid().is_some();
        if wants && self.servers[who].peer.as_ref().is_some_and(leads) && self.draw(2) == 0 {
            self.next_txn += 1;
            self.input(who, Input::Propose(self.next_txn));
        }
    }

    fn deliver(&mut self, who: usize, event: Event) {
        match event {
            Event::Start => self.start(who),
            Event::Notified(n) => self.input(who, Input::Notification(n)),
            Event::Fires(timer, armed) => {
                if self.servers[who].timers.get(&timer) == Some(&armed) {
                    self.servers[who].timers.remove(&timer);
                    self.input(who, Input::Timer { timer, delivered: true });
                }
            }
            Event::Written(done) => self.written(who, done),
            Event::ShutDown => self.input(who, Input::ShutDown),
            Event::Loaded => self.input(who, Input::LeaderLoaded),
            Event::Started => self.input(who, Input::ServerStarted),
            Event::Connects(link) => self.connects(who, link),
            Event::Connected(link, yes) => {
                if self.servers[who].upstream == Some(link) {
                    let input = if yes { Input::LeaderConnected } else { Input::LeaderRefused };
                    self.input(who, input);
                }
            }
            Event::Up(link, packet) => self.input(who, Input::LearnerPacket(link, packet)),
            Event::Down(link, packet) => {
                if self.servers[who].upstream == Some(link) {
                    self.input(who, Input::LeaderPacket(packet));
                }
            }
            Event::UpEnds(link) => self.input(who, Input::LearnerLost(link)),
            Event::DownEnds(link) => {
                if self.servers[who].upstream == Some(link) {
                    self.input(who, Input::LeaderLost);
                }
            }
        }
        self.maybe_propose(who);
    }

    fn start(&mut self, who: usize) {
        let settings = Settings::sample(u32::try_from(who).expect("few") + 1, 3);
        let server = &mut self.servers[who];
        let mut peer = Peer::recover(settings, self.options.rules, &server.disk);
        if !peer.may_start() {
            self.wrongs.push(format!("server {who} refuses to start"));
            return;
        }
        let mut out = Outbox::default();
        peer.start(&mut out);
        server.peer = Some(peer);
        self.perform(who, out);
    }

    fn connects(&mut self, who: usize, link: Link) {
        let learner = self.links[&link].0;
        let open = self.servers[who].port_open && self.links[&link].3;
        if !open {
            self.links.get_mut(&link).expect("made by the dial").3 = false;
        }
        self.after(learner, MS / 10, Event::Connected(link, open));
        if open {
            self.input(who, Input::LearnerConnected(link));
        }
    }

    fn written(&mut self, who: usize, done: Done) {
        let disk = &mut self.servers[who].disk;
        let ticket = match done {
            Done::Accepted(epoch, ticket) => {
                disk.accepted_epoch = Some(epoch);
                ticket
            }
            Done::Current(epoch, ticket) => {
                disk.current_epoch = Some(epoch);
                ticket
            }
            Done::Snapshot(zxid, state, ticket) => {
                disk.snapshots.push((zxid, state, true));
                ticket
            }
            Done::Log(length, ticket) => {
                disk.synced = disk.synced.max(length.min(disk.log.len()));
                ticket
            }
        };
        self.input(who, Input::Written(ticket, true));
    }

    fn input(&mut self, who: usize, input: Input<Counted>) {
        let now = Monotonic::from_nanos(self.now);
        let server = &mut self.servers[who];
        let Some(peer) = &mut server.peer else { return };
        let mut out = Outbox::default();
        peer.step(now, input, &server.disk, &mut out);
        self.perform(who, out);
    }

    fn perform(&mut self, who: usize, out: Outbox<Effect<Counted>>) {
        for name in out.broken {
            self.wrongs.push(name.to_string());
        }
        for effect in out.effects {
            match effect {
                Effect::Notify { to, notification } => self.notify(who, to, notification),
                Effect::Arm(timer, span) => {
                    self.sequence += 1;
                    let armed = self.sequence;
                    self.servers[who].timers.insert(timer, armed);
                    self.after(who, span.as_nanos(), Event::Fires(timer, armed));
                }
                Effect::Cancel(timer) => {
                    self.servers[who].timers.remove(&timer);
                }
                Effect::ConnectAll | Effect::RollLog | Effect::Follows(_) => {}
                Effect::ReplyPing(_) => self.send_up(who, ToLeader::Other),
                Effect::Looking => self.looking_since[who] = self.now,
                Effect::Elected(vote) if vote.ballot.leader.0 as usize == who + 1 => {
                    self.won_in.push((who, self.now - self.looking_since[who]));
                }
                Effect::Elected(_) => {}
                Effect::OpenQuorumPort => {
                    self.servers[who].port_open = true;
                    let load = self.draw(4 * MS);
                    self.after(who, load, Event::Loaded);
                }
                Effect::StartServer { .. } => self.after(who, 3 * MS, Event::Started),
                Effect::ToLearner(link, packet) => {
                    let at = self.arrival(link, 1);
                    let (learner, _, _, open) = self.links[&link];
                    if open {
                        self.at(learner, at, Event::Down(link, packet));
                    }
                }
                Effect::CloseLearner(link) => self.break_link(link),
                Effect::DialLeader(to) => self.dial(who, to),
                Effect::HangUp => {
                    if let Some(link) = self.servers[who].upstream.take() {
                        self.break_link(link);
                    }
                }
                Effect::ToLeader(packet) => self.send_up(who, packet),
                Effect::Committed { logged, .. } => self.judge_commit(who, &logged),
                Effect::Leads(epoch) => self.judge_reign(who, epoch),
                Effect::StepDown { leave, .. } => {
                    self.leaves.push((who, leave.0));
                    self.servers[who].port_open = false;
                    let span = 5 * MS + self.draw(25 * MS);
                    self.after(who, span, Event::ShutDown);
                }
                Effect::Exit(why) => {
                    self.wrongs.push(format!("server {who} exits: {why}"));
                    self.kill(who, false);
                }
                Effect::WriteAcceptedEpoch(epoch, ticket) => {
                    self.write(who, Done::Accepted(epoch, ticket));
                }
                Effect::WriteCurrentEpoch(epoch, ticket) => {
                    self.write(who, Done::Current(epoch, ticket));
                }
                Effect::WriteSnapshot(zxid, state, Some(ticket)) => {
                    self.write(who, Done::Snapshot(zxid, state, ticket));
                }
                Effect::WriteSnapshot(zxid, state, None) => {
                    self.servers[who].disk.snapshots.push((zxid, state, false));
                }
                Effect::Append(logged) => self.servers[who].disk.log.push(logged),
                Effect::SyncLog(ticket) => {
                    assert_eq!(ticket.kind, WriteKind::Log);
                    let length = self.servers[who].disk.log.len();
                    self.write(who, Done::Log(length, ticket));
                }
                Effect::TruncateLog(zxid) => self.servers[who].disk.truncate(zxid),
            }
        }
    }

    fn write(&mut self, who: usize, done: Done) {
        let span = MS / 2 + self.draw(MS);
        self.after(who, span, Event::Written(done));
    }

    fn latency(&mut self) -> u64 {
        MS / 10 + self.draw(MS)
    }

    fn notify(&mut self, who: usize, to: Sid, notification: Notification) {
        let to = to.0 as usize - 1;
        let latency = if to == who { self.draw(MS) } else { self.latency() };
        let last = self.notified_last.get(&(who, to)).copied().unwrap_or(0);
        let at = (self.now + latency).max(last + 1);
        self.notified_last.insert((who, to), at);
        self.at(to, at, Event::Notified(notification));
    }

    fn dial(&mut self, who: usize, to: Sid) {
        self.links_made += 1;
        let link = Link(self.links_made);
        let leader = to.0 as usize - 1;
        self.links.insert(link, (who, leader, [0, 0], true));
        self.servers[who].upstream = Some(link);
        let latency = self.latency();
        if self.servers[leader].peer.is_some() {
            self.after(leader, latency, Event::Connects(link));
        } else {
            self.links.get_mut(&link).expect("just made").3 = false;
            self.after(who, latency, Event::Connected(link, false));
        }
    }

    fn send_up(&mut self, who: usize, packet: ToLeader) {
        let Some(link) = self.servers[who].upstream else { return };
        let at = self.arrival(link, 0);
        let (_, leader, _, open) = self.links[&link];
        if open {
            self.at(leader, at, Event::Up(link, packet));
        }
    }

    fn arrival(&mut self, link: Link, way: usize) -> u64 {
        let at = self.now + self.latency();
        let last = &mut self.links.get_mut(&link).expect("dialled").2[way];
        *last = at.max(*last + 1);
        *last
    }

    /// P1, P9: one leader per reign, and it knows all that was committed. Its history is then
    /// committed.
    fn judge_reign(&mut self, who: usize, epoch: Epoch) {
        if let Some(other) = self.established.insert(epoch, who) {
            self.wrongs.push(format!("{epoch:?} established by {other} and {who}"));
        }
        let history = self.history(who);
        if !history.starts_with(&self.committed) {
            self.wrongs.push(format!(
                "{epoch:?} of {who} begins without what was committed: {:?} of {:?}",
                history.last(),
                self.committed.last()
            ));
        }
        self.committed = history;
        self.leader_at_end = who;
    }

    /// P3, P4: all commit the same transactions in the same order.
    fn judge_commit(&mut self, who: usize, logged: &Logged<u64>) {
        let entry = (logged.zxid, logged.txn);
        if self.committed.contains(&entry) {
            return;
        }
        let leads = self.servers[who].peer.as_ref().is_some_and(|p| p.next_zxid().is_some());
        let after = self.committed.last().is_none_or(|last| last.0 < entry.0);
        if leads && after {
            return self.committed.push(entry);
        }
        self.wrongs.push(format!("{who} commits {entry:?}, which is no one's next"));
    }

    fn history(&self, who: usize) -> Vec<(Zxid, u64)> {
        let peer = self.servers[who].peer.as_ref().expect("alive");
        peer.database().tree().applied.clone()
    }

    /// After the last blow everybody returns and agrees.
    fn judge_end(&mut self) {
        for who in 0..3 {
            if self.servers[who].peer.is_none() {
                self.wrongs.push(format!("server {who} did not return"));
            } else if self.history(who) != self.committed {
                let (last, all) = (self.history(who).last().copied(), self.committed.last());
                self.wrongs.push(format!("server {who} ends at {last:?}, committed is {all:?}"));
            }
        }
        if self.next_txn < self.options.transactions {
            self.wrongs.push("not all transactions were proposed: no leader in time".into());
        }
    }
}
