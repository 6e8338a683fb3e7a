//! Start: from the JVM to the state in which calls are taken.
//!
//! Here: locks and pools, image, edits, ports.
//! Never here: transitions later in life.
//! Modelled on: Hadoop `NameNode.initialize`, `FSNamesystem.loadFromDisk`, `FSImage.loadFSImage`
//! (3.4.1).
//! Left out: saving the namespace at start when the image is stale.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::loading::LoadEnd;
use super::procedures::{Caller, ProcedureKind};
use super::shared_journal::SharedJournal;
use super::storage::{self, ImageRecord};
use super::{NameNode, Threads, local_journal, marks, tags};
use crate::clients::hadoop_ipc::server::IpcServer;
use crate::engine::ctx::Ctx;
use crate::engine::process::{Port, Tag};
use crate::protocols::namenode::edit::Edit;
use crate::protocols::namenode::image::Image;
use crate::protocols::namenode::safe_mode::SafeMode;
use crate::systems::hdfs::api::namenode_protocol::{
    CLIENT_PORT, HA_PORT, HTTP_PORT, NAMENODE_PORT,
};
use crate::systems::hdfs::api::nn_http::NnHttp;

impl<S: SharedJournal + Clone + Send + 'static> NameNode<S> {
    pub(super) fn on_started(&mut self, ctx: &mut Ctx<'_>) {
        ctx.mark(marks::STARTED.mark());
        let handlers = ctx.pool("namenode handlers", self.options.handlers);
        self.threads = Some(Threads {
            namesystem: ctx.lock("namesystem lock"),
            ha_monitor: ctx.lock("namenode ha monitor"),
            cp_lock: ctx.lock("checkpoint lock"),
            handlers,
            service_handlers: match self.options.service_handlers {
                Some(places) => ctx.pool("namenode service handlers", places),
                None => handlers,
            },
        });
        if ctx.starts() == 1 && storage::newest(ctx).is_none() {
            // The world begins with formatted NameNodes; a wiped volume stays wiped.
            let image = Arc::new(Image::formatted(self.setup.base_inodes));
            ctx.append(storage::file(0), ImageRecord(image));
            ctx.sync(storage::file(0), Tag::new(tags::FORMATTED));
        }
        ctx.arm(self.options.costs.jvm_start, Tag::new(tags::JVM_START));
    }

    pub(super) fn on_jvm_started(&mut self, ctx: &mut Ctx<'_>) {
        ctx.listen::<NnHttp>(Port(HTTP_PORT));
        match storage::newest(ctx) {
            Some(image) => {
                let bytes = image.bytes(self.options.costs.image_inode_bytes);
                ctx.read(bytes, Tag::new(tags::IMAGE_READ));
            }
            None => self.import_from(0, ctx),
        }
    }

    pub(super) fn on_image_read(&mut self, done: bool, ctx: &mut Ctx<'_>) {
        match storage::newest(ctx).filter(|_| done) {
            Some(image) => {
                let inodes = image.namespace.inodes();
                let span = self.options.costs.image_load.times(inodes);
                self.compute(span, Tag::new(tags::IMAGE_LOAD));
            }
            None => self.terminate("Failed to load FSImage file, see error(s) above", ctx),
        }
    }

    pub(super) fn on_image_loaded(&mut self, ctx: &mut Ctx<'_>) {
        let image = storage::newest(ctx).expect("it was read");
        self.namespace = image.namespace.clone();
        self.last_applied = image.txid;
        self.checkpoint = image.txid;
        self.http.checkpoint_at = ctx.now().monotonic;
        if self.journals.shared.is_some() {
            self.begin_load(super::loading::Purpose::Start, ctx);
        } else {
            for directory in 0..self.journals.local_dirs() {
                local_journal::recover(directory, ctx);
            }
            let edits = self.local_edits(ctx);
            self.begin_local_load(edits);
        }
    }

    /// All edits after the image, of any directory.
    fn local_edits(&self, ctx: &Ctx<'_>) -> Arc<[Edit]> {
        let mut edits: BTreeMap<u64, Edit> = BTreeMap::new();
        for directory in 0..self.journals.local_dirs() {
            for (first, last) in local_journal::finalized(directory, ctx) {
                if last <= self.last_applied {
                    continue;
                }
                let read = local_journal::edits(directory, first, ctx).unwrap_or_default();
                edits.extend(read.iter().map(|edit| (edit.txid, *edit)));
            }
        }
        edits.into_values().collect()
    }

    pub(super) fn on_start_loaded(&mut self, end: LoadEnd, ctx: &mut Ctx<'_>) {
        match end {
            LoadEnd::Loaded(_) => {}
            LoadEnd::Broken(why) | LoadEnd::Unusable(why) => return self.terminate(why, ctx),
        }
        // No DataNodes yet: nothing has to be reported before safe mode may end.
        self.safe_mode = SafeMode::activate(self.options.safe_mode, 0);
        self.watch_safe_mode(ctx);
        if self.ha_enabled() {
            self.open_ports(ctx);
            self.start_standby(ctx);
        } else {
            self.begin_procedure(ProcedureKind::StartAlone, Caller::Own, ctx);
        }
    }

    pub(super) fn open_ports(&mut self, ctx: &mut Ctx<'_>) {
        let Threads { handlers, service_handlers, .. } = self.threads();
        self.client_server =
            Some(IpcServer::listen(Port(CLIENT_PORT), handlers, tags::CLIENT_HANDLER, ctx));
        self.ha_server =
            Some(IpcServer::listen(Port(HA_PORT), service_handlers, tags::HA_HANDLER, ctx));
        let tag = tags::NAMENODE_HANDLER;
        self.namenode_server =
            Some(IpcServer::listen(Port(NAMENODE_PORT), service_handlers, tag, ctx));
    }
}
