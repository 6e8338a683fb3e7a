//! HTTP: what a NameNode serves beside its RPCs.
//!
//! Here: images and edits handed out, images taken, thread dumps, the page of the active one.
//! Never here: sending images (`checkpointing`).
//! Modelled on: Hadoop `ImageServlet`, `TransferFsImage`, `IsNameNodeActiveServlet` (3.4.1).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::shared_journal::SharedJournal;
use super::storage::{self, ImageRecord};
use super::{NameNode, local_journal, marks, tags};
use crate::engine::ctx::Ctx;
use crate::engine::flow::FlowProgress;
use crate::engine::id::{FlowId, ProcessId};
use crate::engine::process::{Conn, ConnEvent, Tag};
use crate::engine::time::Monotonic;
use crate::protocols::namenode::checkpoint::{Offer, OfferAnswer};
use crate::protocols::namenode::image::Image;
use crate::protocols::namenode::transition::HaState;
use crate::systems::hdfs::api::namenode_protocol::HTTP_PORT;
use crate::systems::hdfs::api::nn_http::{NnHttp, NnHttpMessage, Status};
use crate::systems::hdfs::image_transfer::Bodies;

/// An image that is being received.
#[derive(Clone, Debug)]
struct Receiving {
    conn: Conn,
    txid: u64,
}

/// The HTTP server.
#[derive(Clone, Default)]
pub(super) struct Http {
    connections: BTreeMap<Conn, ProcessId>,
    bodies: Bodies,
    receiving: Option<Receiving>,
    /// When the newest image came to this volume, in this life.
    pub(super) checkpoint_at: Monotonic,
}

impl<S: SharedJournal + Clone + Send + 'static> NameNode<S> {
    /// A connection's input. False: it is none of the HTTP server's, nor an upload's.
    pub(super) fn on_http(&mut self, conn: Conn, event: ConnEvent, ctx: &mut Ctx<'_>) -> bool {
        if let ConnEvent::Accepted { port, from } = event {
            let mine = port.0 == HTTP_PORT;
            if mine {
                self.http.connections.insert(conn, from);
            }
            return mine;
        }
        let Some(from) = self.http.connections.get(&conn).copied() else {
            return self.on_upload_connection(conn, event, ctx);
        };
        match event {
            ConnEvent::Message(slot) => {
                let message = ctx.take::<NnHttp>(slot);
                self.on_http_message((conn, from), message, ctx);
            }
            ConnEvent::Closed | ConnEvent::Reset | ConnEvent::TimedOut | ConnEvent::Unreachable => {
                self.http_closed(conn, ctx)
            }
            ConnEvent::Accepted { .. }
            | ConnEvent::Connected
            | ConnEvent::Refused
            | ConnEvent::Drained => {}
        }
        true
    }

    fn http_closed(&mut self, conn: Conn, ctx: &mut Ctx<'_>) {
        self.http.connections.remove(&conn);
        self.http.bodies.closed(conn, ctx);
        if self.http.receiving.as_ref().is_some_and(|receiving| receiving.conn == conn) {
            self.http.receiving = None;
        }
    }

    fn on_http_message(
        &mut self,
        (conn, from): (Conn, ProcessId),
        message: NnHttpMessage,
        ctx: &mut Ctx<'_>,
    ) {
        let answer = |status| NnHttpMessage::Answer(status);
        let reply = match message {
            NnHttpMessage::GetStacks => NnHttpMessage::Stacks,
            NnHttpMessage::GetIsActive if self.state == HaState::Active => answer(Status::Ok),
            NnHttpMessage::GetIsActive => answer(Status::MethodNotAllowed),
            NnHttpMessage::GetImage => match storage::newest(ctx) {
                Some(image) => {
                    let bytes = image.bytes(self.options.costs.image_inode_bytes);
                    self.send_body((conn, from), bytes, NnHttpMessage::ImageBody(image), ctx);
                    answer(Status::Ok)
                }
                None => answer(Status::NotFound),
            },
            NnHttpMessage::GetEdits { first, .. } => match local_journal::edits(0, first, ctx) {
                Some(edits) => {
                    let bytes = edits.iter().map(|edit| u64::from(edit.bytes())).sum();
                    self.send_body((conn, from), bytes, NnHttpMessage::EditsBody(edits), ctx);
                    answer(Status::Ok)
                }
                None => answer(Status::NotFound),
            },
            NnHttpMessage::PutImage { txid, .. } => answer(self.offered(conn, txid, ctx)),
            NnHttpMessage::ImageBody(image) => return self.take_image(conn, image, ctx),
            NnHttpMessage::Answer(_)
            | NnHttpMessage::Stacks
            | NnHttpMessage::Part
            | NnHttpMessage::EditsBody(_) => return,
        };
        ctx.send::<NnHttp>(conn, reply);
    }

    fn send_body(
        &mut self,
        to: (Conn, ProcessId),
        bytes: u64,
        body: NnHttpMessage,
        ctx: &mut Ctx<'_>,
    ) {
        self.http.bodies.send(to, (bytes, self.options.image_rate), body, ctx);
    }

    /// `ImageServlet.doPut`, the checks before the body.
    fn offered(&mut self, conn: Conn, txid: u64, ctx: &mut Ctx<'_>) -> Status {
        let offer = Offer {
            receiver_may_take: self.state == HaState::Active,
            txid,
            receiving: self.http.receiving.as_ref().map(|receiving| receiving.txid),
            newest: Some(self.checkpoint),
            newest_age: ctx.now().monotonic.since(self.http.checkpoint_at),
        };
        match self.options.checkpoint.answer(&offer) {
            OfferAnswer::Take => {
                self.http.receiving = Some(Receiving { conn, txid });
                Status::Ok
            }
            OfferAnswer::NotActive => Status::ExpectationFailed,
            OfferAnswer::Conflict | OfferAnswer::TooRecent => Status::Conflict,
        }
    }

    fn take_image(&mut self, conn: Conn, image: Arc<Image>, ctx: &mut Ctx<'_>) {
        let expected = self
            .http
            .receiving
            .as_ref()
            .is_some_and(|receiving| receiving.conn == conn && receiving.txid == image.txid);
        if expected {
            let tag = Tag::with(tags::IMAGE_TAKEN, image.txid);
            ctx.replace(storage::file(image.txid), ImageRecord(image), tag);
        }
    }

    /// A received image is on the disk.
    pub(super) fn on_image_taken(&mut self, txid: u64, done: bool, ctx: &mut Ctx<'_>) {
        let receiving = self.http.receiving.take_if(|receiving| receiving.txid == txid);
        if done {
            self.image_saved(txid, ctx);
        }
        if let Some(receiving) = receiving {
            let status = if done { Status::Ok } else { Status::Conflict };
            ctx.send::<NnHttp>(receiving.conn, NnHttpMessage::Answer(status));
        }
    }

    /// A new image is on the volume: old storage is purged, by an active also in the journals.
    pub(super) fn image_saved(&mut self, txid: u64, ctx: &mut Ctx<'_>) {
        self.checkpoint = self.checkpoint.max(txid);
        self.say(marks::IMAGE_NOTE, txid, ctx);
        self.http.checkpoint_at = ctx.now().monotonic;
        let retention = self.options.retention;
        let Some(oldest) = storage::purge_images(&retention, ctx) else { return };
        if self.state != HaState::Active {
            return;
        }
        let segments: Vec<u64> =
            local_journal::finalized(0, ctx).into_iter().map(|(first, _)| first).collect();
        let min = retention.oldest_edit_kept(oldest, &segments);
        if let Some(shared) = &mut self.journals.shared {
            shared.purge(min, ctx);
        }
        for directory in 0..self.journals.local_dirs() {
            local_journal::purge(directory, min, ctx);
        }
    }

    /// A flow's input. False: it is none of the HTTP server's, nor an upload's.
    pub(super) fn on_flow(
        &mut self,
        flow: FlowId,
        progress: FlowProgress,
        ctx: &mut Ctx<'_>,
    ) -> bool {
        self.http.bodies.on_flow(flow, progress, ctx) || self.on_upload_flow(flow, progress, ctx)
    }
}
