//! Storage: the images on a NameNode's volume.
//!
//! Here: what an image file is, the newest one, and which are purged.
//! Never here: saving and sending (`checkpointing`, `http`).
//! Modelled on: Hadoop `NNStorage`, `FSImage`, `NNStorageRetentionManager` (3.4.1).

use std::sync::Arc;

use crate::engine::ctx::Ctx;
use crate::engine::volume::{FileName, Record};
use crate::protocols::namenode::checkpoint::Retention;
use crate::protocols::namenode::image::Image;

/// `fsimage_<txid>`; the number is the transaction.
const FSIMAGE: &str = "fsimage";

/// An image on a volume. The time of its bytes is spent by whoever serializes it.
#[derive(Clone, Debug)]
pub(crate) struct ImageRecord(pub(crate) Arc<Image>);

impl Record for ImageRecord {
    /// The last page, the checksum and the rename; the rest was written back meanwhile.
    fn bytes(&self) -> u32 {
        4_096
    }
}

pub(crate) const fn file(txid: u64) -> FileName {
    FileName(FSIMAGE, txid)
}

/// The newest image.
pub(crate) fn newest(ctx: &Ctx<'_>) -> Option<Arc<Image>> {
    let name = *ctx.files(FSIMAGE).last()?;
    Some(Arc::clone(&ctx.records::<ImageRecord>(name)?.last()?.0))
}

/// Drops images that are not retained; gives the oldest one kept.
pub(crate) fn purge_images(retention: &Retention, ctx: &mut Ctx<'_>) -> Option<u64> {
    let images: Vec<u64> = ctx.files(FSIMAGE).into_iter().map(|name| name.1).collect();
    let oldest = retention.oldest_image_kept(images.clone())?;
    for txid in images.into_iter().filter(|txid| *txid < oldest) {
        ctx.remove(file(txid));
    }
    Some(oldest)
}
