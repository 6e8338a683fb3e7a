//! History: the neutral record that systems write and that checkers and measures read.
//!
//! Here: the fixed vocabulary over resource, term, position and content hash.
//! Never here: opinions, protocol or system types.
//! Modelled on: Jepsen histories and openraft's log ids; stored as JSON lines, `hadr.history/1`.

pub mod fact;
pub mod shared_log;

pub use fact::{
    ContentHash, Fact, NoteName, OpId, Outcome, Position, ResourceName, Role, ServiceName, Term,
};
pub use shared_log::SharedLog;
