//! Files: the disk, and the scenarios that come with the program.
//!
//! Here: the only reader of files.
//! Never here: what is in them.
//! Modelled on: -

use super::builtin;
use crate::scenario::FileReader;

/// Larger files are a mistake, or an attack.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Reads the disk; `builtin/…` is read from the program itself.
pub(super) struct Disk;

impl FileReader for Disk {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        if let Some(content) = builtin::read(path) {
            return Ok(content.as_bytes().to_vec());
        }
        let found = std::fs::metadata(path).map_err(|error| error.to_string())?;
        if found.is_dir() {
            return Err("it is a folder".to_string());
        }
        if FILE_BYTES_MAX < found.len() {
            return Err(format!("it has {} bytes; at most {FILE_BYTES_MAX} are read", found.len()));
        }
        std::fs::read(path).map_err(|error| error.to_string())
    }
}
