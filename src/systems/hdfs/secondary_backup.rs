//! Image backup: an operator's job that fetches the newest image, now and then, to another place.
//!
//! Here: its rounds; the copies that it keeps and hands out again.
//! Never here: edits: what follows the image is lost with the rest.
//! Modelled on: `hdfs dfsadmin -fetchImage` from cron (article B, 5.4).
//! Left out: the active is not asked for first; NameNodes are asked in turn.

use std::sync::Arc;

use super::api::namenode_protocol::{HTTP_PORT, SECONDARY_HTTP_PORT};
use super::api::nn_http::{NnHttp, NnHttpMessage};
use super::image_transfer::{GetStep, HttpGet, Shelf};
use super::namenode::options::Options;
use super::namenode::storage::{self, ImageRecord};
use crate::engine::config::{Config, key_table};
use crate::engine::ctx::Ctx;
use crate::engine::id::ProcessId;
use crate::engine::process::{DiskOutcome, Input, Port, Process, Tag};
use crate::engine::time::SimDuration;
use crate::history::{Fact, Position, ResourceName};
use crate::systems::hdfs::keys::HADOOP_3_4;

key_table! {
    /// Pause between two fetches of the newest image; seconds; an operator's choice.
    HADR_FSIMAGE_BACKUP_PERIOD: SimDuration {
        name: "hadr.fsimage-backup.period",
        unit: Secs,
        stock: &[(HADOOP_3_4, SimDuration::from_secs(86_400))],
        sweep: (SimDuration::from_secs(600), SimDuration::from_secs(604_800)),
        mechanism: "hdfs/fsimage-backup",
    }
}

const PERIOD: u32 = 1;
const SILENCE: u32 = 2;
const SAVED: u32 = 3;

/// A backup of images.
#[derive(Clone)]
pub struct ImageBackup {
    resource: ResourceName,
    namenodes: Vec<ProcessId>,
    period: SimDuration,
    options: Arc<Options>,
    shelf: Shelf,
    /// The fetch under way, from the n-th NameNode.
    fetch: Option<(usize, HttpGet)>,
    /// What is being saved.
    saving: Option<u64>,
}

impl ImageBackup {
    /// The blueprint of a backup of the namespace that `namenodes` keep.
    pub fn new(config: &Config, resource: ResourceName, namenodes: Vec<ProcessId>) -> ImageBackup {
        ImageBackup {
            resource,
            namenodes,
            period: config.get(HADR_FSIMAGE_BACKUP_PERIOD),
            options: Arc::new(Options::read(config)),
            shelf: Shelf::default(),
            fetch: None,
            saving: None,
        }
    }

    fn fetch_from(&mut self, at: usize, ctx: &mut Ctx<'_>) {
        let Some(namenode) = self.namenodes.get(at) else {
            ctx.arm(self.period, Tag::new(PERIOD));
            return;
        };
        let (from, silence) = ((*namenode, HTTP_PORT), self.options.image_timeout);
        let get = HttpGet::start(from, NnHttpMessage::GetImage, silence, Tag::new(SILENCE), ctx);
        self.fetch = Some((at, get));
    }

    fn on_step(&mut self, step: GetStep, ctx: &mut Ctx<'_>) {
        let Some((at, _)) = self.fetch else { return };
        match step {
            GetStep::NotMine | GetStep::Goes => {}
            GetStep::Ended(Some(NnHttpMessage::ImageBody(image))) => {
                self.fetch = None;
                self.saving = Some(image.txid);
                ctx.replace(storage::file(image.txid), ImageRecord(image), Tag::new(SAVED));
            }
            GetStep::Ended(_) => {
                self.fetch = None;
                self.fetch_from(at + 1, ctx);
            }
        }
    }

    fn on_saved(&mut self, done: bool, ctx: &mut Ctx<'_>) {
        if let Some(txid) = self.saving.take().filter(|_| done) {
            let (resource, position) = (self.resource, Position(txid));
            ctx.note(Fact::CopyShipped { resource, position });
            storage::purge_images(&self.options.retention, ctx);
        }
        ctx.arm(self.period, Tag::new(PERIOD));
    }
}

impl Process for ImageBackup {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => {
                ctx.listen::<NnHttp>(Port(SECONDARY_HTTP_PORT));
                ctx.arm(self.period, Tag::new(PERIOD));
            }
            Input::Timer(tag) if tag.kind == PERIOD => self.fetch_from(0, ctx),
            Input::Timer(_) => {
                if let Some((_, get)) = &self.fetch {
                    get.stop(ctx);
                    self.on_step(GetStep::Ended(None), ctx);
                }
            }
            Input::Connection(conn, event) => {
                let sizes = (self.options.costs.image_inode_bytes, self.options.image_rate);
                if self.shelf.on_connection(conn, event, sizes, ctx) {
                    return;
                }
                if let Some((_, get)) = &mut self.fetch {
                    let step = get.on_connection(conn, event, ctx);
                    self.on_step(step, ctx);
                }
            }
            Input::Disk(_, outcome) => self.on_saved(outcome == DiskOutcome::Done, ctx),
            Input::Flow(flow, progress) => {
                self.shelf.bodies.on_flow(flow, progress, ctx);
            }
            Input::Admin(slot) => ctx.discard(slot),
            Input::Granted(_) | Input::Beat(..) => {}
        }
    }

    fn tag_name(&self, tag: Tag) -> &'static str {
        match tag.kind {
            PERIOD => "image backup period",
            SILENCE => "image transfer time-out",
            _ => "image sync",
        }
    }
}
