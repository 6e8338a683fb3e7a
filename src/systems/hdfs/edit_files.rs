//! Edit files: an edit as a record on a disk, of a NameNode or of a JournalNode.
//!
//! Here: its size there.
//! Never here: which files there are (each daemon's own).
//! Modelled on: Hadoop `EditLogFileOutputStream` (preallocation costs no time here).

use crate::engine::volume::Record;
use crate::protocols::namenode::edit::Edit;

impl Record for Edit {
    fn bytes(&self) -> u32 {
        Edit::bytes(self)
    }
}
