//! NameNode: the decisions of an HDFS master, as pure functions.
//!
//! Here: namespace, edit log, journal set, retry cache, safe mode, tailing, checkpoints,
//! transitions.
//! Never here: sockets, locks, timers, dice; how edits reach a journal.
//! Modelled on: Hadoop `namenode` (3.4.1) — fidelity notes in docs/MODELS.md, "namenode".

pub mod checkpoint;
pub mod edit;
pub mod edit_log;
pub mod image;
pub mod journal_set;
pub mod namespace;
pub mod retry_cache;
pub mod safe_mode;
pub mod shared_map;
pub mod tailer;
pub mod transition;
