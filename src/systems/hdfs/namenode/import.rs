//! Import: a NameNode that an operator starts on an empty volume.
//!
//! Here: the image comes from another NameNode (`-bootstrapStandby`), or from whoever keeps copies
//! (`-importCheckpoint`).
//! Never here: the operator's own time (the fault's end says when the process is started again).
//! Modelled on: Hadoop `BootstrapStandby`, `FSImage.doImportCheckpoint` (3.4.1).
//! Left out: the check that the shared edits cover what follows the image (the replay finds a gap).

use std::sync::Arc;

use super::shared_journal::SharedJournal;
use super::storage::{self, ImageRecord};
use super::{NameNode, tags};
use crate::engine::ctx::Ctx;
use crate::engine::process::{Conn, ConnEvent, Tag};
use crate::history::{Fact, Position};
use crate::systems::hdfs::api::nn_http::NnHttpMessage;
use crate::systems::hdfs::image_transfer::{GetStep, HttpGet};

/// An image on its way, from the n-th source.
#[derive(Clone, Debug)]
pub(super) struct Import {
    source: usize,
    get: HttpGet,
}

impl<S: SharedJournal + Clone + Send + 'static> NameNode<S> {
    /// Asks the n-th source.
    pub(super) fn import_from(&mut self, source: usize, ctx: &mut Ctx<'_>) {
        let Some(from) = self.setup.sources.get(source) else {
            return self.terminate("NameNode is not formatted.", ctx);
        };
        let (peer, tag) = ((from.process, from.port), Tag::new(tags::IMPORT_SILENCE));
        let silence = self.options.image_timeout;
        let get = HttpGet::start(peer, NnHttpMessage::GetImage, silence, tag, ctx);
        self.import = Some(Import { source, get });
    }

    /// A connection's input. False: it is not the import's.
    pub(super) fn on_import_connection(
        &mut self,
        conn: Conn,
        event: ConnEvent,
        ctx: &mut Ctx<'_>,
    ) -> bool {
        let Some(import) = &mut self.import else { return false };
        match import.get.on_connection(conn, event, ctx) {
            GetStep::NotMine => return false,
            GetStep::Goes => {}
            GetStep::Ended(Some(NnHttpMessage::ImageBody(image))) => {
                self.import = None;
                let tag = Tag::with(tags::IMPORTED, image.txid);
                ctx.replace(storage::file(image.txid), ImageRecord(Arc::clone(&image)), tag);
            }
            GetStep::Ended(_) => {
                let next = import.source + 1;
                self.import_from(next, ctx);
            }
        }
        true
    }

    pub(super) fn on_import_silent(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(import) = self.import.take() {
            import.get.stop(ctx);
            self.import_from(import.source + 1, ctx);
        }
    }

    /// The image is on the volume: the start goes on as usual.
    pub(super) fn on_imported(&mut self, txid: u64, done: bool, ctx: &mut Ctx<'_>) {
        if done && !self.ha_enabled() {
            let (resource, position) = (self.setup.resource, Position(txid));
            ctx.note(Fact::CopyPromoted { resource, position });
        }
        self.on_image_read(done, ctx);
    }
}
