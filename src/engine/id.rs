//! Identifiers: dense integers, given in the order in which a world is built.
//!
//! Here: one newtype per thing that events point at.
//! Never here: names (they live in the world's tables), meaning.
//! Modelled on: ECS entity indices; an id *is* the index on the event path.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// As an index into a dense table.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id!(/// A daemon, client or agent: a state machine on a host.
    ProcessId);
id!(/// A machine.
    HostId);
id!(/// A rack; lies in one site.
    RackId);
id!(/// A data centre; lies in one region.
    SiteId);
id!(/// A registered interface.
    InterfaceId);
id!(/// A lock, pool or lane of one process.
    ResourceId);
id!(/// A registered name of a protocol step.
    MarkId);
id!(/// A condition that others wait for, declared by the process that decides it.
    GateId);
id!(/// A bulk transfer.
    FlowId);
id!(/// A declared periodic exchange.
    BeatId);

/// The n-th event that the engine dispatched in a run; 0 before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub u64);
