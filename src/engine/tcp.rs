//! Tcp: connections as an operating system shows them.
//!
//! Here: connect with SYN retries, ordered delivery, FIN, RST, accept backlog, buffers.
//! Never here: a time-out of a library, a message's meaning; what waits for a path (`retransmit`).
//! Modelled on: Linux TCP: `tcp_syn_retries` 6, one RTO of 0.2 s for a lost segment.
#![expect(clippy::cast_possible_truncation, reason = "slots are u32 by CONNECTIONS_MAX")]

mod retransmit;

use std::collections::VecDeque;

use super::core::{Core, Parked};
use super::dice::{Noise, Purpose};
use super::event::{Event, Kind, Segment};
use super::event_list::Handle;
use super::id::{EventId, HostId, InterfaceId, ProcessId};
use super::limits::{ACCEPT_BACKLOG_MAX, CONNECTIONS_MAX, SOCKET_BUFFER_BYTES_MAX};
use super::process::{Conn, ConnEvent, Input, Port, Slot};
use super::time::{SimDuration, SimTime};

/// First retransmission; doubles.
const RTO_MIN: SimDuration = SimDuration::from_millis(200);
/// SYN again after 1, 3, 7, 15, 31, 63 s; given up after 127 s.
const SYN_RETRIES: u8 = 6;
/// The number of a request that waited at a frozen machine: none of the client's retries.
const SYN_AT_THAW: u8 = u8::MAX;

const LINK_NOISE: Purpose = Purpose::named("engine/link");

/// A stream from one end to the other. What a healthy stream does not need lies apart.
#[derive(Clone, Default)]
struct Stream {
    noise: Noise,
    last_arrival: SimTime,
    waiting: Option<Box<Waiting>>,
    sent: u32,
}

/// What waits on a stream: for the path, or for a peer that does not read.
#[derive(Clone, Default)]
struct Waiting {
    stalled: VecDeque<Segment>,
    since: SimTime,
    retransmit: Option<Handle>,
    give_up: Option<Handle>,
    /// Stalled here or unread at the peer.
    buffered_bytes: u64,
    full: bool,
}

impl Stream {
    fn is_stalled(&self) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| !waiting.stalled.is_empty())
    }

    fn waiting(&mut self) -> &mut Waiting {
        self.waiting.get_or_insert_default()
    }

    /// Takes all that was stalled.
    fn take_stalled(&mut self) -> VecDeque<Segment> {
        self.waiting
            .as_mut()
            .map(|waiting| std::mem::take(&mut waiting.stalled))
            .unwrap_or_default()
    }

    /// A stream that flows again needs nothing of this.
    fn tidy(&mut self) {
        if self.waiting.as_ref().is_some_and(|waiting| {
            waiting.stalled.is_empty()
                && waiting.buffered_bytes == 0
                && waiting.retransmit.is_none()
                && waiting.give_up.is_none()
        }) {
            self.waiting = None;
        }
    }
}

#[derive(Clone)]
struct End {
    process: ProcessId,
    host: HostId,
    open: bool,
    /// Its kernel lost power: nothing of the stream will be sent again.
    gone: bool,
    stream: Stream,
}

#[derive(Clone)]
pub(super) struct Connection {
    generation: u32,
    interface: InterfaceId,
    port: Port,
    link: u16,
    established: bool,
    syn_since: SimTime,
    /// Events under way that name this connection.
    pending: u32,
    freed: bool,
    ends: [End; 2], // client, server
}

impl Connection {
    const fn end(&self, side: usize) -> &End {
        &self.ends[side]
    }
}

const fn other(side: usize) -> usize {
    side ^ 1
}

fn end_of(slot: usize, side: usize) -> u32 {
    u32::try_from(slot << 1 | side).expect("connections are limited")
}

const fn split(end: u32) -> (usize, usize) {
    ((end >> 1) as usize, (end & 1) as usize)
}

impl Core {
    pub(super) fn connect(
        &mut self,
        from: ProcessId,
        to: ProcessId,
        port: Port,
        interface: InterfaceId,
    ) -> Conn {
        let (from_host, to_host) =
            (self.processes[from.index()].host, self.processes[to.index()].host);
        let number = self.conn_numbers.entry((from, to)).or_insert(0);
        *number += 1;
        let number = *number;
        // Each direction has its own noise, keyed by the pair's names and the connection's number.
        let address = self.address(&self.processes[from.index()].name);
        let to_name = super::dice::entity(&self.processes[to.index()].name);
        let key = Noise::of(address, LINK_NOISE, to_name ^ number.rotate_left(48));
        let [a, b] = key.at(0).0;
        let [c, d] = key.at(1).0;
        let end = |process, host, open, noise| End {
            process,
            host,
            open,
            gone: false,
            stream: Stream { noise, last_arrival: self.now, ..Stream::default() },
        };
        let ends = [
            end(from, from_host, true, Noise::keyed(a, b)),
            end(to, to_host, false, Noise::keyed(c, d)),
        ];
        let connection = Connection {
            generation: 0,
            interface,
            port,
            link: self.net.link_between(from_host, to_host),
            established: false,
            syn_since: self.now,
            pending: 0,
            freed: false,
            ends,
        };
        let slot = self.occupy_connection(connection);
        self.send_syn(slot, 0);
        Conn { end: end_of(slot, 0), generation: self.conns[slot].generation }
    }

    fn occupy_connection(&mut self, mut connection: Connection) -> usize {
        if let Some(slot) = self.conns_free.pop() {
            let slot = slot as usize;
            connection.generation = self.conns[slot].generation.wrapping_add(1);
            self.conns[slot] = connection;
            return slot;
        }
        if CONNECTIONS_MAX <= self.conns.len() {
            self.limit_hit.get_or_insert("CONNECTIONS_MAX");
        }
        self.conns.push(connection);
        self.conns.len() - 1
    }

    #[inline]
    fn latency(&mut self, slot: usize, from: usize) -> SimDuration {
        let connection = &mut self.conns[slot];
        let link = self.net.link(connection.link);
        let stream = &mut connection.ends[from].stream;
        stream.sent = stream.sent.wrapping_add(1);
        let words = stream.noise.at(u64::from(stream.sent));
        let lost = link.loss.hits(words.second());
        link.latency.of(words) + if lost { RTO_MIN } else { SimDuration::ZERO }
    }

    fn send_syn(&mut self, slot: usize, attempt: u8) {
        let latency = self.latency(slot, 0);
        self.conns[slot].pending += 1;
        let slot = slot as u32;
        self.schedule(self.now + latency, Event::Syn { slot, attempt });
    }

    /// The requests of those who connect to a host that was frozen reach it now.
    fn syns_arrive_at(&mut self, host: HostId) {
        for slot in 0..self.conns.len() {
            let Connection { ends: [client, server], established, freed, .. } = &self.conns[slot];
            if client.open && server.host == host && !established && !freed {
                self.send_syn(slot, SYN_AT_THAW);
            }
        }
    }

    /// The n-th SYN arrives, or nobody hears it.
    pub(super) fn on_syn(&mut self, slot: u32, attempt: u8) {
        let at = slot as usize;
        self.conns[at].pending -= 1;
        let Connection { ends: [client, server], port, .. } = &self.conns[at];
        let (client_open, from, to) = (client.open, client.host, server.host);
        let (process, port) = (server.process, *port);
        if !client_open || self.conns[at].established {
            return self.free_if_done(at);
        }
        if !self.net.open_both_ways(from, to) || self.backlog_full(process) {
            return match attempt {
                SYN_AT_THAW => self.free_if_done(at),
                attempt => self.retry_syn(at, attempt),
            };
        }
        let state = &self.processes[process.index()];
        let listener = state.listening.iter().find(|(listening, _)| *listening == port);
        match listener.filter(|_| state.alive) {
            None => self.transmit((at, 1), Kind::Refused, u32::MAX, EventId(0)),
            Some((_, interface)) => {
                assert!(
                    *interface == self.conns[at].interface,
                    "{} speaks {} on port {}, its client {}",
                    state.name,
                    self.slabs.name(*interface),
                    port.0,
                    self.slabs.name(self.conns[at].interface)
                );
                let connection = &mut self.conns[at];
                connection.established = true;
                connection.ends[1].open = true;
                self.transmit((at, 1), Kind::Connected, u32::MAX, EventId(0));
                // The client's ACK opens the stream towards the server.
                self.transmit((at, 0), Kind::Accepted, u32::MAX, EventId(0));
            }
        }
    }

    /// A stopped process accepts in its kernel until the backlog is full.
    fn backlog_full(&self, process: ProcessId) -> bool {
        let parked = &self.processes[process.index()].parked;
        let accepted = |waiting: &&Parked| {
            matches!(waiting.delivery.connection(), Some((_, ConnEvent::Accepted { .. })))
        };
        ACCEPT_BACKLOG_MAX as usize <= parked.len()
            && ACCEPT_BACKLOG_MAX as usize <= parked.iter().filter(accepted).count()
    }

    fn retry_syn(&mut self, slot: usize, attempt: u8) {
        let since = self.conns[slot].syn_since;
        let again = since + SimDuration::from_secs((2_u64 << attempt) - 1);
        let unreachable = self.net.link(self.conns[slot].link).unreachable_after;
        if attempt == 0
            && let Some(span) = unreachable
        {
            self.conns[slot].pending += 1;
            let at = (since + span).max(self.now);
            self.schedule(at, Event::Unreachable { slot: slot as u32 });
        }
        self.conns[slot].pending += 1;
        let event = Event::Syn { slot: slot as u32, attempt: attempt + 1 };
        if attempt < SYN_RETRIES {
            self.schedule(again.max(self.now), event);
        } else {
            self.conns[slot].pending -= 1;
            self.conns[slot].ends[0].open = false;
            self.tell_end(slot, 0, ConnEvent::TimedOut);
            self.free_if_done(slot);
        }
    }

    /// The neighbour's ARP gave up on a host that is down.
    pub(super) fn on_unreachable(&mut self, slot: u32) {
        let at = slot as usize;
        self.conns[at].pending -= 1;
        let [client, server] = &self.conns[at].ends;
        let silent = !self.net.open_both_ways(client.host, server.host);
        if client.open && !self.conns[at].established && silent {
            self.conns[at].ends[0].open = false;
            self.tell_end(at, 0, ConnEvent::Unreachable);
        }
        self.free_if_done(at);
    }

    /// Puts a piece of the stream of `from` on its way.
    #[inline]
    fn transmit(&mut self, end: (usize, usize), kind: Kind, index: u32, gate: EventId) {
        let (slot, from) = end;
        let latency = self.latency(slot, from);
        let connection = &mut self.conns[slot];
        let (host, to) = (connection.ends[from].host, connection.ends[other(from)].host);
        let stream = &mut connection.ends[from].stream;
        let gate = u32::try_from(gate.0).expect("EVENTS_PER_RUN_MAX fits");
        let segment = Segment { gate, index, sequence: stream.sent, kind };
        let early = kind == Kind::Data && !connection.established;
        if early || stream.is_stalled() || !self.net.open(host, to) {
            return self.stall(slot, from, segment);
        }
        let mut start = self.now;
        let bandwidth = self.net.link(connection.link).bandwidth_bytes_s;
        if bandwidth != 0 && kind == Kind::Data {
            let slot = Slot { interface: connection.interface, index };
            let bytes = u64::from(self.slabs.bytes(slot));
            let busy = SimDuration::from_nanos(bytes * 1_000_000_000 / bandwidth);
            let nic = &mut self.net.hosts[host.index()].nic_free_at;
            start = (*nic).max(start) + busy;
            *nic = start;
        }
        let stream = &mut self.conns[slot].ends[from].stream;
        let arrival = stream.last_arrival.max(start + latency);
        stream.last_arrival = arrival;
        self.conns[slot].pending += 1;
        self.schedule(arrival, Event::Segment { end: end_of(slot, other(from)), segment });
    }

    /// A segment reaches the kernel at `end`, unless the path was cut under it.
    /// Returns to whom it goes, as what, and from whom.
    #[inline]
    pub(super) fn on_segment(
        &mut self,
        end: u32,
        segment: Segment,
    ) -> Option<(ProcessId, Input, u32)> {
        let (slot, side) = split(end);
        self.conns[slot].pending -= 1;
        let [to, from] = [self.conns[slot].end(side), self.conns[slot].end(other(side))];
        if from.stream.is_stalled() || !self.net.open(from.host, to.host) {
            self.stall(slot, other(side), segment);
            return None;
        }
        let interface = self.conns[slot].interface;
        let message = Slot { interface, index: segment.index };
        if !to.open {
            if segment.kind == Kind::Data {
                self.slabs.discard(message);
            }
            let answers = matches!(segment.kind, Kind::Data | Kind::Connected);
            if answers && from.open {
                self.transmit((slot, side), Kind::Reset, u32::MAX, EventId(0));
            }
            self.free_if_done(slot);
            return None;
        }
        let (process, peer, port) = (to.process, from.process, self.conns[slot].port);
        let event = match segment.kind {
            Kind::Data => ConnEvent::Message(message),
            Kind::Connected => ConnEvent::Connected,
            Kind::Accepted => ConnEvent::Accepted { port, from: peer },
            Kind::Fin => ConnEvent::Closed,
            Kind::Reset => ConnEvent::Reset,
            Kind::Refused => ConnEvent::Refused,
        };
        let conn = Conn { end, generation: self.conns[slot].generation };
        if matches!(segment.kind, Kind::Fin | Kind::Reset | Kind::Refused) {
            self.conns[slot].ends[side].open = false;
            self.drop_stalled(slot, side);
        } else if segment.kind == Kind::Connected {
            self.flush_early(slot);
        }
        self.free_if_done(slot);
        Some((process, Input::Connection(conn, event), peer.0))
    }

    /// What the client sent before it was connected.
    fn flush_early(&mut self, slot: usize) {
        if self.conns[slot].ends[0].stream.is_stalled() {
            self.flush_stalled(slot, 0);
        }
    }

    /// Bytes of the stream from `side` wait: stalled, or unread at a stopped peer.
    fn buffer(&mut self, slot: usize, side: usize, index: u32) {
        let interface = self.conns[slot].interface;
        let bytes = u64::from(self.slabs.bytes(Slot { interface, index }));
        let waiting = self.conns[slot].ends[side].stream.waiting();
        waiting.buffered_bytes += bytes;
        waiting.full |= SOCKET_BUFFER_BYTES_MAX < waiting.buffered_bytes;
    }

    /// Bytes of the stream from `side` go on: a sender that was blocked has room again.
    fn unbuffer(&mut self, slot: usize, side: usize, index: u32) {
        let interface = self.conns[slot].interface;
        let bytes = u64::from(self.slabs.bytes(Slot { interface, index }));
        let end = &mut self.conns[slot].ends[side];
        let waiting = end.stream.waiting();
        waiting.buffered_bytes = waiting.buffered_bytes.saturating_sub(bytes);
        let drained = waiting.full && waiting.buffered_bytes <= SOCKET_BUFFER_BYTES_MAX / 2;
        waiting.full &= !drained;
        let open = end.open;
        end.stream.tidy();
        if drained && open {
            self.tell_end(slot, side, ConnEvent::Drained);
        }
    }

    /// A message stays in the receive buffer of a process that does not run.
    pub(super) fn unread(&mut self, conn: Conn, message: Slot) {
        if self.conns[conn.slot()].generation == conn.generation {
            self.buffer(conn.slot(), other(conn.side()), message.index);
        }
    }

    /// It is read now.
    pub(super) fn read_late(&mut self, conn: Conn, message: Slot) {
        if self.conns[conn.slot()].generation == conn.generation {
            self.unbuffer(conn.slot(), other(conn.side()), message.index);
        }
    }

    #[inline]
    pub(super) fn send(&mut self, conn: Conn, message: Slot, gate: EventId) {
        let (slot, side) = (conn.slot(), conn.side());
        let live = self.conns.get(slot).filter(|connection| {
            connection.generation == conn.generation && connection.ends[side].open
        });
        let Some(connection) = live else { return self.slabs.discard(message) };
        assert!(connection.interface == message.interface, "a connection speaks one interface");
        if let Some(census) = &mut self.census {
            let pair = (connection.end(side).process, connection.end(other(side)).process);
            let (kind, bytes) = (self.slabs.kind(message), self.slabs.bytes(message));
            census.count(pair, message.interface, kind, bytes);
        }
        self.transmit((slot, side), Kind::Data, message.index, gate);
    }

    pub(super) fn is_blocked(&self, conn: Conn) -> bool {
        let connection = &self.conns[conn.slot()];
        let waiting = &connection.ends[conn.side()].stream.waiting;
        connection.generation == conn.generation
            && waiting.as_ref().is_some_and(|waiting| waiting.full)
    }

    /// Closes one end; the peer hears it after what was sent, or at once if `abort`.
    pub(super) fn close(&mut self, conn: Conn, abort: bool) {
        let (slot, side) = (conn.slot(), conn.side());
        if self.conns.get(slot).is_none_or(|found| found.generation != conn.generation) {
            return;
        }
        if std::mem::replace(&mut self.conns[slot].ends[side].open, false) {
            self.say_goodbye(slot, side, abort);
        }
        self.free_if_done(slot);
    }

    fn say_goodbye(&mut self, slot: usize, side: usize, abort: bool) {
        if self.conns[slot].established {
            if abort {
                self.drop_stalled(slot, side);
            }
            let kind = if abort { Kind::Reset } else { Kind::Fin };
            self.transmit((slot, side), kind, u32::MAX, EventId(0));
        }
    }

    /// The kernel closes what a dead process leaves: a reset where data was unread, else a FIN;
    /// after a power loss nothing is said.
    pub(super) fn close_sockets(
        &mut self,
        process: ProcessId,
        parked: &VecDeque<Parked>,
        power: bool,
    ) {
        for slot in 0..self.conns.len() {
            for side in [0, 1] {
                let end = &mut self.conns[slot].ends[side];
                if end.process != process || !std::mem::replace(&mut end.open, false) {
                    continue;
                }
                if power {
                    self.conns[slot].ends[side].gone = true;
                    self.drop_stalled(slot, side);
                } else {
                    let me = end_of(slot, side);
                    let unread = parked.iter().any(|waiting| {
                        let Some((conn, ConnEvent::Message(_))) = waiting.delivery.connection()
                        else {
                            return false;
                        };
                        conn.end == me && conn.generation == self.conns[slot].generation
                    });
                    self.say_goodbye(slot, side, unread);
                }
                self.free_if_done(slot);
            }
        }
    }

    /// Frees a connection that nobody holds and no event names.
    fn free_if_done(&mut self, slot: usize) {
        let connection = &self.conns[slot];
        let stalled = connection.ends.iter().any(|end| end.stream.is_stalled());
        let held = connection.ends.iter().any(|end| end.open);
        if held || connection.pending != 0 {
            return;
        }
        if stalled {
            for side in [0, 1] {
                self.drop_stalled(slot, side);
            }
        }
        // A freed slot is never open: its generation moves at the next use.
        if !std::mem::replace(&mut self.conns[slot].freed, true) {
            self.conns_free.push(slot as u32);
        }
    }

    /// An event of the local kernel, at once.
    fn tell_end(&mut self, slot: usize, side: usize, event: ConnEvent) {
        let process = self.conns[slot].ends[side].process;
        let conn = Conn { end: end_of(slot, side), generation: self.conns[slot].generation };
        self.tell(process, Input::Connection(conn, event));
    }

    /// Draws of the live connections move with the lineage of a fork.
    pub(super) fn rekey_connections(&mut self) {
        let (seed, lineage) = (self.seed, self.lineage);
        for connection in &mut self.conns {
            for end in &mut connection.ends {
                let [a, b] = end.stream.noise.at(lineage ^ seed.rotate_left(17)).0;
                end.stream.noise = Noise::keyed(a, b);
            }
        }
    }
}
