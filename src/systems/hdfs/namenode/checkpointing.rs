//! Checkpointing: the thread of a standby that saves the namespace and sends the image.
//!
//! Here: its rounds under the checkpoint lock, the uploads, their cancellation.
//! Never here: when one is due, who takes it (`protocols::namenode::checkpoint`).
//! Modelled on: Hadoop `StandbyCheckpointer`, `TransferFsImage.uploadImageFromStorage` (3.4.1).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::shared_journal::SharedJournal;
use super::storage::{self, ImageRecord};
use super::{NameNode, marks, tags};
use crate::engine::ctx::Ctx;
use crate::engine::flow::FlowProgress;
use crate::engine::id::{FlowId, ProcessId};
use crate::engine::process::{Conn, ConnEvent, Port, Tag, Timer};
use crate::engine::time::Monotonic;
use crate::history::{Fact, Position};
use crate::protocols::namenode::checkpoint::{Checkpointer, Decision};
use crate::protocols::namenode::image::Image;
use crate::systems::hdfs::api::namenode_protocol::HTTP_PORT;
use crate::systems::hdfs::api::nn_http::{NnHttp, NnHttpMessage, Status};

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

/// One image on its way to one NameNode.
#[derive(Clone, Debug)]
struct Upload {
    receiver: usize,
    peer: ProcessId,
    image: Arc<Image>,
    flow: Option<FlowId>,
    silence: Timer,
    number: u64,
}

/// The checkpointer's thread and its uploads.
#[derive(Clone, Default)]
pub(super) struct CheckpointThread {
    state: State,
    rules: Option<Checkpointer>,
    serial: u64,
    uploads: BTreeMap<Conn, Upload>,
}

impl<S: SharedJournal + Clone + Send + 'static> NameNode<S> {
    /// The standby state is entered.
    pub(super) fn start_checkpointer(&mut self, ctx: &mut Ctx<'_>) {
        if !self.options.standby_checkpoints {
            return;
        }
        let now = ctx.now().monotonic;
        match &mut self.checkpointer.rules {
            Some(rules) => rules.restarted(now),
            None => {
                let peers = self.setup.peers.len();
                self.checkpointer.rules =
                    Some(Checkpointer::new(self.options.checkpoint, peers, now));
            }
        }
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
        for (conn, upload) in std::mem::take(&mut self.checkpointer.uploads) {
            end_upload(conn, &upload, ctx);
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
        for receiver in wanted {
            let peer = self.setup.peers[receiver];
            let conn = ctx.connect::<NnHttp>(peer, Port(HTTP_PORT));
            self.checkpointer.serial += 1;
            let number = self.checkpointer.serial;
            let silence = self.watch_transfer(number, ctx);
            let image = Arc::clone(image);
            let upload = Upload { receiver, peer, image, flow: None, silence, number };
            self.checkpointer.uploads.insert(conn, upload);
        }
        self.uploads_ended(ctx);
    }

    fn watch_transfer(&self, number: u64, ctx: &mut Ctx<'_>) -> Timer {
        ctx.arm(self.options.image_timeout, Tag::with(tags::UPLOAD_SILENCE, number))
    }

    fn uploads_ended(&mut self, ctx: &mut Ctx<'_>) {
        if self.checkpointer.uploads.is_empty()
            && matches!(self.checkpointer.state, State::Uploading)
        {
            self.checkpointer_sleeps(ctx);
        }
    }

    /// `dfs.image.transfer.timeout`.
    pub(super) fn on_transfer_silent(&mut self, number: u64, ctx: &mut Ctx<'_>) {
        let mut uploads = self.checkpointer.uploads.iter();
        if let Some(conn) = uploads.find(|(_, upload)| upload.number == number).map(|(c, _)| *c) {
            self.drop_upload(conn, ctx);
        }
    }

    /// An exception: nothing is learnt of the receiver.
    fn drop_upload(&mut self, conn: Conn, ctx: &mut Ctx<'_>) {
        if let Some(upload) = self.checkpointer.uploads.remove(&conn) {
            end_upload(conn, &upload, ctx);
            self.uploads_ended(ctx);
        }
    }

    /// A connection's input. False: it is no upload's.
    pub(super) fn on_upload_connection(
        &mut self,
        conn: Conn,
        event: ConnEvent,
        ctx: &mut Ctx<'_>,
    ) -> bool {
        let Some(upload) = self.checkpointer.uploads.get(&conn).cloned() else { return false };
        match event {
            ConnEvent::Connected => {
                let txid = upload.image.txid;
                let bytes = upload.image.bytes(self.options.costs.image_inode_bytes);
                ctx.send::<NnHttp>(conn, NnHttpMessage::PutImage { txid, bytes });
            }
            ConnEvent::Message(slot) => {
                let NnHttpMessage::Answer(status) = ctx.take::<NnHttp>(slot) else {
                    self.drop_upload(conn, ctx);
                    return true;
                };
                if status == Status::Ok && upload.flow.is_none() {
                    ctx.cancel(upload.silence);
                    let bytes = upload.image.bytes(self.options.costs.image_inode_bytes);
                    let flow = ctx.start_flow(upload.peer, bytes, self.options.image_rate);
                    let entry = self.checkpointer.uploads.get_mut(&conn).expect("it is there");
                    entry.flow = Some(flow);
                } else {
                    self.upload_answered(conn, status == Status::Ok, ctx);
                }
            }
            ConnEvent::Refused
            | ConnEvent::Unreachable
            | ConnEvent::TimedOut
            | ConnEvent::Reset
            | ConnEvent::Closed => self.drop_upload(conn, ctx),
            ConnEvent::Accepted { .. } | ConnEvent::Drained => {}
        }
        true
    }

    fn upload_answered(&mut self, conn: Conn, accepted: bool, ctx: &mut Ctx<'_>) {
        let now = ctx.now().monotonic;
        let Some(upload) = self.checkpointer.uploads.remove(&conn) else { return };
        end_upload(conn, &upload, ctx);
        if let Some(rules) = &mut self.checkpointer.rules {
            rules.sent(upload.receiver, accepted, now);
        }
        if accepted {
            let (resource, position) = (self.setup.resource, Position(upload.image.txid));
            ctx.note(Fact::CopyShipped { resource, position });
        }
        self.uploads_ended(ctx);
    }

    /// A flow's input. False: it is no upload's.
    pub(super) fn on_upload_flow(
        &mut self,
        flow: FlowId,
        progress: FlowProgress,
        ctx: &mut Ctx<'_>,
    ) -> bool {
        let mut uploads = self.checkpointer.uploads.iter();
        let Some((conn, upload)) = uploads.find(|(_, upload)| upload.flow == Some(flow)) else {
            return false;
        };
        let (conn, upload) = (*conn, upload.clone());
        match progress {
            FlowProgress::Done => {
                ctx.send::<NnHttp>(conn, NnHttpMessage::ImageBody(Arc::clone(&upload.image)));
                self.set_silence(conn, upload.number, ctx);
            }
            FlowProgress::Stalled => self.set_silence(conn, upload.number, ctx),
            FlowProgress::Resumed => {
                ctx.cancel(upload.silence);
            }
            FlowProgress::Failed => self.drop_upload(conn, ctx),
        }
        true
    }

    fn set_silence(&mut self, conn: Conn, number: u64, ctx: &mut Ctx<'_>) {
        let silence = self.watch_transfer(number, ctx);
        let upload = self.checkpointer.uploads.get_mut(&conn).expect("it is there");
        upload.silence = silence;
    }
}

fn end_upload(conn: Conn, upload: &Upload, ctx: &mut Ctx<'_>) {
    ctx.cancel(upload.silence);
    if let Some(flow) = upload.flow {
        ctx.stop_flow(flow);
    }
    ctx.close(conn);
}
