//! Image: a saved namespace.
//!
//! Here: what an image holds, and how large it is.
//! Never here: where images lie, how they travel.
//! Modelled on: Hadoop `FSImage`, `FSImageFormatProtobuf` (3.4.1): the retry cache is not in it.

use super::namespace::Namespace;

/// `fsimage_<txid>`: all that was applied up to a transaction.
#[derive(Clone, Debug)]
pub struct Image {
    /// The last transaction applied.
    pub txid: u64,
    /// The tree.
    pub namespace: Namespace,
}

impl Image {
    /// What a format writes: an empty tree beside the ballast that a scenario asks for.
    pub fn formatted(base_inodes: u64) -> Image {
        Image { txid: 0, namespace: Namespace::formatted(base_inodes) }
    }

    /// Size on disk and on the wire, for so many bytes an inode.
    pub const fn bytes(&self, bytes_per_inode: u64) -> u64 {
        HEADER_BYTES + self.namespace.inodes() * bytes_per_inode
    }
}

/// Magic, summary and sections that every image has.
const HEADER_BYTES: u64 = 1_024;
