//! Process: the contract between a daemon and the engine.
//!
//! Here: the inputs a process gets, its handles, the interfaces it speaks.
//! Never here: how the engine carries anything out (that is `ctx` and the rooms behind it).
//! Modelled on: etcd/raft's Ready; unlike it, inputs are an operating system's outcomes.

use super::ctx::Ctx;
use super::digest::name_hash;
use super::event_list::Handle;
use super::flow::FlowProgress;
use super::id::{BeatId, FlowId, InterfaceId, ProcessId, ResourceId};
use super::time::SimDuration;

/// A daemon, client or agent. All that it may touch is in `ctx`. A plain value (no future, `Rc` or
/// cell), so that a world can be forked.
pub trait Process: CloneBox + Send {
    /// Takes one input; asks for effects through `ctx`.
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>);

    /// From SIGKILL to the end of its sockets: its kernel frees its memory first.
    fn teardown(&self) -> SimDuration {
        SimDuration::ZERO
    }

    /// The name of a timer, lock or disk operation, for phases and timelines.
    fn tag_name(&self, _tag: Tag) -> &'static str {
        "timer"
    }
}

/// Lets a `Box<dyn Process>` be cloned.
pub trait CloneBox {
    /// A copy of this process.
    fn clone_box(&self) -> Box<dyn Process>;
}

impl<T: Process + Clone + 'static> CloneBox for T {
    fn clone_box(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Process> {
    fn clone(&self) -> Self {
        (**self).clone_box()
    }
}

/// What an asked-for outcome is known by; its meaning is the process's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// Which kind of thing.
    pub kind: u32,
    /// Which one of them.
    pub arg: u64,
}

impl Tag {
    /// A tag without an argument.
    pub const fn new(kind: u32) -> Tag {
        Tag { kind, arg: 0 }
    }
    /// A tag with an argument.
    pub const fn with(kind: u32, arg: u64) -> Tag {
        Tag { kind, arg }
    }
}

/// What may happen to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// It was started, as a fresh value; all that survived is on its volume.
    Started,
    /// Something happened to a connection.
    Connection(Conn, ConnEvent),
    /// A timer went off.
    Timer(Tag),
    /// A disk operation ended.
    Disk(Tag, DiskOutcome),
    /// A lock, a place in a pool or a lane was granted.
    Granted(Tag),
    /// A bulk transfer got somewhere.
    Flow(FlowId, FlowProgress),
    /// A declared exchange was missed or came back.
    Beat(BeatId, BeatEvent),
    /// An operator's command: a message of an interface.
    Admin(Slot),
}

/// What an operating system tells of a connection. Every other time-out is a library's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnEvent {
    /// A peer connected to a port of ours.
    Accepted {
        /// Which port.
        port: Port,
        /// Who connected.
        from: ProcessId,
    },
    /// Our connect succeeded.
    Connected,
    /// The host answered that nobody listens.
    Refused,
    /// A neighbour or router answered that the host cannot be reached.
    Unreachable,
    /// The kernel gave up: SYN or retransmission limit.
    TimedOut,
    /// A message arrived.
    Message(Slot),
    /// A send buffer that was full has room again.
    Drained,
    /// The peer's kernel reset the connection.
    Reset,
    /// The peer closed it (end of file).
    Closed,
}

impl ConnEvent {
    /// In a word.
    pub const fn word(self) -> &'static str {
        match self {
            ConnEvent::Accepted { .. } => "accepted",
            ConnEvent::Connected => "connected",
            ConnEvent::Refused => "refused",
            ConnEvent::Unreachable => "unreachable",
            ConnEvent::TimedOut => "timed out",
            ConnEvent::Message(_) => "message",
            ConnEvent::Drained => "drained",
            ConnEvent::Reset => "reset",
            ConnEvent::Closed => "closed",
        }
    }
}

/// One endpoint of a connection. Dead after refused, unreachable, timed out, reset and closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conn {
    pub(super) end: u32, // slot << 1 | side
    pub(super) generation: u32,
}

impl Conn {
    pub(super) const fn slot(self) -> usize {
        (self.end >> 1) as usize
    }
    pub(super) const fn side(self) -> usize {
        (self.end & 1) as usize
    }
}

/// A port of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port(pub u16);

/// A message at rest in the engine: to be taken once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    pub(super) interface: InterfaceId,
    pub(super) index: u32,
}

/// An armed timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timer(pub(super) Handle);

impl Timer {
    /// A timer that was never armed.
    pub const NONE: Timer = Timer(Handle::NONE);
}

/// How a disk operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskOutcome {
    /// It is on the platter (or the device says so).
    Done,
    /// The device or the file system refused.
    Failed,
}

/// What became of a declared exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeatEvent {
    /// Nothing came within the time-out.
    Missed,
    /// Something came again.
    Returned,
}

/// A lock, pool or lane of the process that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource(pub(super) ResourceId);

/// A condition that others wait for, declared by the process that decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gate(u64);

impl Gate {
    /// The gate of that name.
    pub const fn named(name: &str) -> Gate {
        Gate(name_hash(name))
    }
}

/// A registered name of a protocol step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub u64);

impl Mark {
    /// The mark of that name.
    pub const fn named(name: &str) -> Mark {
        Mark(name_hash(name))
    }
}

/// What is spoken on a connection, declared by the system that serves it.
pub trait Interface: 'static {
    /// Its name, in traces and censuses.
    const NAME: &'static str;
    /// What travels.
    type Message: Clone + Send + 'static;
    /// The message's kind, upstream's name of the call: what a census counts.
    fn kind(message: &Self::Message) -> &'static str;
    /// Its size on the wire.
    fn bytes(message: &Self::Message) -> u32;
}
