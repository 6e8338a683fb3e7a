//! NFS: a shared edits directory on a filer that all NameNodes mount.
//!
//! Here: the filer, the kernel's mount, and the journal upon it.
//! Never here: epochs: a filer takes what any mount writes, so that safety rests on fencing.
//! Modelled on: Hadoop `FileJournalManager` on a hard NFS mount (HDFSHighAvailabilityWithNFS.md) —
//! fidelity notes in docs/MODELS.md, "nfs".

pub mod filer;
pub mod journal;
mod mount;

pub use filer::Filer;
pub use journal::NfsJournal;
