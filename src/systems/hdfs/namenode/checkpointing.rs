//! Checkpointing: the thread of a standby that saves the namespace and sends the image.
//!
//! Here: its rounds under the checkpoint lock, the uploads, their cancellation.
//! Never here: when one is due, who takes it (`protocols::namenode::checkpoint`).
//! Modelled on: Hadoop `StandbyCheckpointer`, `TransferFsImage.uploadImageFromStorage` (3.4.1).

use std::sync::Arc;

use super::shared_journal::SharedJournal;
use super::storage::{self, ImageRecord};
use super::{NameNode, marks, tags};
use crate::engine::ctx::Ctx;
use crate::engine::flow::FlowProgress;
use crate::engine::id::FlowId;
use crate::engine::process::{Conn, ConnEvent, Tag, Timer};
use crate::engine::time::Monotonic;
use crate::history::{Fact, Position};
use crate::protocols::namenode::checkpoint::{Checkpointer, Decision};
use crate::protocols::namenode::image::Image;
use crate::systems::hdfs::image_transfer::{HttpPut, PutStep};

#[derive(Clone, Debug, Default)]
enum State {
    #[default]
    Off,
    Asleep(Timer),
    /// Waits for the checkpoint lock.
    Locking {
        began: Monotonic,
    },
    /// Holds it and writes.
    Saving {
        began: Monotonic,
        image: Arc<Image>,
    },
    /// Has given it back and waits for the uploads.
    Uploading,
}

/// The checkpointer's thread and its uploads.
#[derive(Clone, Default)]
pub(super) struct CheckpointThread {
    state: State,
    rules: Option<Checkpointer>,
    serial: u64,
    /// Receivers' numbers, and what is on its way to them.
    uploads: Vec<(usize, HttpPut)>,
}

impl<S: SharedJournal + Clone + Send + 'static> NameNode<S> {
    /// The standby state is entered.
    pub(super) fn start_checkpointer(&mut self, ctx: &mut Ctx<'_>) {
        if !self.options.standby_checkpoints {
            return;
        }
        let now = ctx.now().monotonic;
        let peers = self.setup.peers.len();
        self.checkpointer.rules = Some(Checkpointer::new(self.options.checkpoint, peers, now));
        self.checkpointer_sleeps(ctx);
    }

    fn checkpointer_sleeps(&mut self, ctx: &mut Ctx<'_>) {
        self.checkpointer.serial += 1;
        let tag = Tag::with(tags::CHECKPOINT_PERIOD, self.checkpointer.serial);
        self.checkpointer.state = State::Asleep(ctx.arm(self.options.checkpoint.check_period, tag));
    }

    /// `cancelAndPreventCheckpoints`: what runs is given up, nothing new begins for two minutes.
    pub(super) fn cancel_checkpoint(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now().monotonic;
        if let Some(rules) = &mut self.checkpointer.rules {
            rules.cancel(now);
        }
        for (_, upload) in std::mem::take(&mut self.checkpointer.uploads) {
            upload.stop(ctx);
        }
        match self.checkpointer.state {
            State::Off | State::Asleep(_) => {}
            State::Locking { .. } => {
                let tag = Tag::with(tags::CHECKPOINT_CP_LOCK, self.checkpointer.serial);
                ctx.give_up(self.threads().cp_lock, tag);
                self.checkpointer_sleeps(ctx);
            }
            State::Saving { .. } => {
                ctx.release(self.threads().cp_lock);
                self.checkpointer_sleeps(ctx);
            }
            State::Uploading => self.checkpointer_sleeps(ctx),
        }
    }

    /// Interrupted and joined; after `cancel_checkpoint` it can only be asleep.
    pub(super) fn stop_checkpointer(&mut self, ctx: &mut Ctx<'_>) {
        if let State::Asleep(timer) = self.checkpointer.state {
            ctx.cancel(timer);
        }
        self.checkpointer.serial += 1;
        self.checkpointer.state = State::Off;
    }

    pub(super) fn on_checkpoint_awake(&mut self, serial: u64, ctx: &mut Ctx<'_>) {
        if serial != self.checkpointer.serial {
            return;
        }
        let now = ctx.now().monotonic;
        let (applied, saved) = (self.last_applied, self.checkpoint);
        let rules = self.checkpointer.rules.as_mut().expect("the thread runs");
        match rules.decide(now, applied, saved) {
            Decision::NotDue | Decision::Prevented | Decision::NothingNew => {
                self.checkpointer_sleeps(ctx);
            }
            Decision::Save => {
                self.checkpointer.state = State::Locking { began: now };
                let tag = Tag::with(tags::CHECKPOINT_CP_LOCK, serial);
                ctx.acquire(self.threads().cp_lock, tag);
            }
        }
    }

    pub(super) fn on_checkpoint_cp_lock(&mut self, serial: u64, ctx: &mut Ctx<'_>) {
        let State::Locking { began } = self.checkpointer.state else {
            ctx.release(self.threads().cp_lock); // granted to a thread that was interrupted
            return;
        };
        ctx.mark(marks::CHECKPOINT_STARTED.mark());
        let namespace = self.namespace.clone();
        let image = Arc::new(Image { txid: self.last_applied, namespace });
        let bytes = image.bytes(self.options.costs.image_inode_bytes);
        self.checkpointer.state = State::Saving { began, image };
        let tag = Tag::with(tags::CHECKPOINT_SAVE, serial);
        self.compute(self.options.costs.write_span(bytes), tag);
    }

    /// All bytes are written; the rest is sync and rename.
    pub(super) fn on_image_built(&mut self, serial: u64, ctx: &mut Ctx<'_>) {
        let State::Saving { image, .. } = &self.checkpointer.state else { return };
        if serial == self.checkpointer.serial {
            let record = ImageRecord(Arc::clone(image));
            let tag = Tag::with(tags::CHECKPOINT_DISK, serial);
            ctx.replace(storage::file(image.txid), record, tag);
        }
    }

    pub(super) fn on_image_synced(&mut self, serial: u64, done: bool, ctx: &mut Ctx<'_>) {
        if serial != self.checkpointer.serial {
            return;
        }
        let state = std::mem::replace(&mut self.checkpointer.state, State::Uploading);
        let State::Saving { began, image } = state else { unreachable!("one image at a time") };
        ctx.release(self.threads().cp_lock);
        if !done {
            return self.checkpointer_sleeps(ctx);
        }
        ctx.mark(marks::CHECKPOINT_SAVED.mark());
        self.image_saved(image.txid, ctx);
        self.checkpointer.rules.as_mut().expect("the thread runs").saved(began);
        self.upload(&image, ctx);
    }

    fn upload(&mut self, image: &Arc<Image>, ctx: &mut Ctx<'_>) {
        let now = ctx.now().monotonic;
        let rules = self.checkpointer.rules.as_ref().expect("the thread runs");
        let wanted: Vec<usize> =
            (0..self.setup.peers.len()).filter(|at| rules.sends_to(*at, now)).collect();
        let bytes = image.bytes(self.options.costs.image_inode_bytes);
        let (rate, silence) = (self.options.image_rate, self.options.image_timeout);
        for receiver in wanted {
            let peer = self.setup.peers[receiver];
            let tag = Tag::with(tags::UPLOAD_SILENCE, receiver as u64);
            let what = (Arc::clone(image), bytes);
            let upload = HttpPut::start(peer, what, rate, (silence, tag), ctx);
            self.checkpointer.uploads.push((receiver, upload));
        }
        self.uploads_ended(ctx);
    }

    fn uploads_ended(&mut self, ctx: &mut Ctx<'_>) {
        if self.checkpointer.uploads.is_empty()
            && matches!(self.checkpointer.state, State::Uploading)
        {
            self.checkpointer_sleeps(ctx);
        }
    }

    /// `dfs.image.transfer.timeout`.
    pub(super) fn on_transfer_silent(&mut self, tag: Tag, ctx: &mut Ctx<'_>) {
        let mut uploads = self.checkpointer.uploads.iter();
        if let Some(at) = uploads.position(|(_, upload)| upload.tag() == tag) {
            self.checkpointer.uploads[at].1.stop(ctx);
            self.upload_step(at, PutStep::Broken, ctx);
        }
    }

    /// A connection's input. False: it is no upload's.
    pub(super) fn on_upload_connection(
        &mut self,
        conn: Conn,
        event: ConnEvent,
        ctx: &mut Ctx<'_>,
    ) -> bool {
        for at in 0..self.checkpointer.uploads.len() {
            let step = self.checkpointer.uploads[at].1.on_connection(conn, event, ctx);
            if self.upload_step(at, step, ctx) {
                return true;
            }
        }
        false
    }

    /// A flow's input. False: it is no upload's.
    pub(super) fn on_upload_flow(
        &mut self,
        flow: FlowId,
        progress: FlowProgress,
        ctx: &mut Ctx<'_>,
    ) -> bool {
        for at in 0..self.checkpointer.uploads.len() {
            let step = self.checkpointer.uploads[at].1.on_flow(flow, progress, ctx);
            if self.upload_step(at, step, ctx) {
                return true;
            }
        }
        false
    }

    /// What became of an upload. False: nothing, the input was not its.
    fn upload_step(&mut self, at: usize, step: PutStep, ctx: &mut Ctx<'_>) -> bool {
        match step {
            PutStep::NotMine => return false,
            PutStep::Goes => {}
            // An exception: nothing is learnt of the receiver.
            PutStep::Broken => {
                self.checkpointer.uploads.remove(at);
                self.uploads_ended(ctx);
            }
            PutStep::Answered { accepted } => {
                let now = ctx.now().monotonic;
                let (receiver, upload) = self.checkpointer.uploads.remove(at);
                if let Some(rules) = &mut self.checkpointer.rules {
                    rules.sent(receiver, accepted, now);
                }
                if accepted {
                    let (resource, position) = (self.setup.resource, Position(upload.txid()));
                    ctx.note(Fact::CopyShipped { resource, position });
                }
                self.uploads_ended(ctx);
            }
        }
        true
    }
}
