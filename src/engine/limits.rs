//! Limits: every queue, loop and table of the engine has its bound here, next to its reason.
//!
//! Here: numbers, related to one another at compile time.
//! Never here: a limit of an upstream system (that is a key).
//! Modelled on: TigerBeetle's `constants.zig`.

/// Five centres of 3,000 hosts; larger fleets are cohorts. Ids are dense `u32`.
pub const HOSTS_MAX: usize = 16_384;
/// Several daemons a host.
pub const PROCESSES_MAX: usize = 4 * HOSTS_MAX;
/// Open connections of a run; a run that holds more leaks them.
pub const CONNECTIONS_MAX: usize = 2 * 1_024 * 1_024;
/// A run that holds more events has a retry storm that feeds itself.
pub const EVENTS_PENDING_MAX: usize = 4_000_000;
/// A run that needs more is a livelock, not a long test. A scenario may set its own.
pub const EVENTS_PER_RUN_MAX: u64 = 2_000_000_000;
/// Waiters of one lock, pool or lane.
pub const WAITERS_MAX: usize = 1_000_000;
/// Inputs that wait for a stopped process.
pub const PARKED_MAX: usize = 1_000_000;
/// Bytes that a sender may have unread at its peer: send and receive buffer of the kernel.
pub const SOCKET_BUFFER_BYTES_MAX: u64 = 8 * 1_024 * 1_024;
/// Connections that wait for `accept` (Linux `somaxconn`).
pub const ACCEPT_BACKLOG_MAX: u32 = 4_096;
/// Causes kept between onset and stability; beyond that the path has a gap.
pub const CAUSES_MAX: usize = 1 << 20;

const _: () = assert!(EVENTS_PENDING_MAX as u64 * 2 < EVENTS_PER_RUN_MAX);
const _: () = assert!(EVENTS_PER_RUN_MAX < u32::MAX as u64); // the event list keeps 32 bits
const _: () = assert!(HOSTS_MAX < PROCESSES_MAX);
