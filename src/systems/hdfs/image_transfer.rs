//! Image transfer: fetching and handing out images and edits over HTTP.
//!
//! Here: one GET and one PUT with their time-outs of silence; bodies that flow in parts.
//! Never here: what is done with an image; who may take one.
//! Modelled on: Hadoop `TransferFsImage.getFileClient`, `ImageServlet.doGet` (3.4.1).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::ctx::Ctx;
use crate::engine::flow::FlowProgress;
use crate::engine::id::{FlowId, ProcessId};
use crate::engine::process::{Conn, ConnEvent, Port, Tag, Timer};
use crate::engine::time::SimDuration;
use crate::protocols::namenode::image::Image;
use crate::systems::hdfs::api::namenode_protocol::HTTP_PORT;
use crate::systems::hdfs::api::nn_http::{NnHttp, NnHttpMessage, PART_BYTES, Status};
use crate::systems::hdfs::namenode::storage;

/// How a GET goes.
#[derive(Clone, Debug)]
pub(crate) enum GetStep {
    /// The input was not its.
    NotMine,
    /// It goes on.
    Goes,
    /// It is over: the body, or nothing.
    Ended(Option<NnHttpMessage>),
}

/// One GET under way.
#[derive(Clone, Debug)]
pub(crate) struct HttpGet {
    conn: Conn,
    request: NnHttpMessage,
    silence: SimDuration,
    tag: Tag,
    timer: Timer,
}

impl HttpGet {
    /// Asks `(process, port)`; after `silence` without a byte the timer `tag` goes off.
    pub(crate) fn start(
        (process, port): (ProcessId, u16),
        request: NnHttpMessage,
        silence: SimDuration,
        tag: Tag,
        ctx: &mut Ctx<'_>,
    ) -> HttpGet {
        let conn = ctx.connect::<NnHttp>(process, Port(port));
        let timer = ctx.arm(silence, tag);
        HttpGet { conn, request, silence, tag, timer }
    }

    /// A connection's input.
    pub(crate) fn on_connection(
        &mut self,
        conn: Conn,
        event: ConnEvent,
        ctx: &mut Ctx<'_>,
    ) -> GetStep {
        if conn != self.conn {
            return GetStep::NotMine;
        }
        match event {
            ConnEvent::Connected => {
                ctx.send::<NnHttp>(conn, self.request.clone());
                self.heard(ctx)
            }
            ConnEvent::Message(slot) => match ctx.take::<NnHttp>(slot) {
                NnHttpMessage::Answer(Status::Ok) | NnHttpMessage::Part => self.heard(ctx),
                body @ (NnHttpMessage::ImageBody(_) | NnHttpMessage::EditsBody(_)) => {
                    self.stop(ctx);
                    GetStep::Ended(Some(body))
                }
                NnHttpMessage::Answer(_)
                | NnHttpMessage::GetStacks
                | NnHttpMessage::GetIsActive
                | NnHttpMessage::GetImage
                | NnHttpMessage::GetEdits { .. }
                | NnHttpMessage::PutImage { .. }
                | NnHttpMessage::Stacks => {
                    self.stop(ctx);
                    GetStep::Ended(None)
                }
            },
            ConnEvent::Refused
            | ConnEvent::Unreachable
            | ConnEvent::TimedOut
            | ConnEvent::Reset
            | ConnEvent::Closed => {
                ctx.cancel(self.timer);
                GetStep::Ended(None)
            }
            ConnEvent::Accepted { .. } | ConnEvent::Drained => GetStep::Goes,
        }
    }

    fn heard(&mut self, ctx: &mut Ctx<'_>) -> GetStep {
        ctx.cancel(self.timer);
        self.timer = ctx.arm(self.silence, self.tag);
        GetStep::Goes
    }

    /// Gives it up, as when its timer went off.
    pub(crate) fn stop(&self, ctx: &mut Ctx<'_>) {
        ctx.cancel(self.timer);
        ctx.close(self.conn);
    }
}

/// How a PUT goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PutStep {
    /// The input was not its.
    NotMine,
    /// It goes on.
    Goes,
    /// The receiver has the image, or does not want it.
    Answered {
        /// Whether it has it.
        accepted: bool,
    },
    /// The connection broke, or nothing was heard for too long.
    Broken,
}

/// One PUT of an image under way.
#[derive(Clone, Debug)]
pub(crate) struct HttpPut {
    conn: Conn,
    peer: ProcessId,
    image: Arc<Image>,
    bytes: u64,
    rate: Option<u64>,
    flow: Option<FlowId>,
    silence: SimDuration,
    tag: Tag,
    timer: Timer,
}

impl HttpPut {
    /// Offers `image`, of `bytes`, to a NameNode; it flows at no more than `rate` if it is wanted.
    /// After `silence` the timer `tag` goes off.
    pub(crate) fn start(
        peer: ProcessId,
        (image, bytes): (Arc<Image>, u64),
        rate: Option<u64>,
        (silence, tag): (SimDuration, Tag),
        ctx: &mut Ctx<'_>,
    ) -> HttpPut {
        let conn = ctx.connect::<NnHttp>(peer, Port(HTTP_PORT));
        let timer = ctx.arm(silence, tag);
        HttpPut { conn, peer, image, bytes, rate, flow: None, silence, tag, timer }
    }

    /// The image's transaction.
    pub(crate) fn txid(&self) -> u64 {
        self.image.txid
    }

    /// The tag of its timer.
    pub(crate) const fn tag(&self) -> Tag {
        self.tag
    }

    /// A connection's input.
    pub(crate) fn on_connection(
        &mut self,
        conn: Conn,
        event: ConnEvent,
        ctx: &mut Ctx<'_>,
    ) -> PutStep {
        if conn != self.conn {
            return PutStep::NotMine;
        }
        match event {
            ConnEvent::Connected => {
                let (txid, bytes) = (self.image.txid, self.bytes);
                ctx.send::<NnHttp>(conn, NnHttpMessage::PutImage { txid, bytes });
                PutStep::Goes
            }
            ConnEvent::Message(slot) => {
                let wanted = matches!(ctx.take::<NnHttp>(slot), NnHttpMessage::Answer(Status::Ok));
                if wanted && self.flow.is_none() {
                    ctx.cancel(self.timer);
                    self.flow = Some(ctx.start_flow(self.peer, self.bytes, self.rate));
                    return PutStep::Goes;
                }
                self.stop(ctx);
                PutStep::Answered { accepted: wanted }
            }
            ConnEvent::Refused
            | ConnEvent::Unreachable
            | ConnEvent::TimedOut
            | ConnEvent::Reset
            | ConnEvent::Closed => {
                self.stop(ctx);
                PutStep::Broken
            }
            ConnEvent::Accepted { .. } | ConnEvent::Drained => PutStep::Goes,
        }
    }

    /// A flow's input.
    pub(crate) fn on_flow(
        &mut self,
        flow: FlowId,
        progress: FlowProgress,
        ctx: &mut Ctx<'_>,
    ) -> PutStep {
        if self.flow != Some(flow) {
            return PutStep::NotMine;
        }
        match progress {
            FlowProgress::Done => {
                ctx.send::<NnHttp>(self.conn, NnHttpMessage::ImageBody(Arc::clone(&self.image)));
                self.timer = ctx.arm(self.silence, self.tag);
            }
            FlowProgress::Stalled => self.timer = ctx.arm(self.silence, self.tag),
            FlowProgress::Resumed => {
                ctx.cancel(self.timer);
            }
            FlowProgress::Failed => {
                self.stop(ctx);
                return PutStep::Broken;
            }
        }
        PutStep::Goes
    }

    /// Gives it up, as when its timer went off.
    pub(crate) fn stop(&self, ctx: &mut Ctx<'_>) {
        ctx.cancel(self.timer);
        if let Some(flow) = self.flow {
            ctx.stop_flow(flow);
        }
        ctx.close(self.conn);
    }
}

#[derive(Clone, Debug)]
struct Body {
    conn: Conn,
    to: ProcessId,
    bytes_left: u64,
    rate: Option<u64>,
    message: NnHttpMessage,
}

/// Bodies on their way out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bodies {
    flowing: BTreeMap<FlowId, Body>,
}

impl Bodies {
    /// Sends `bytes` at no more than `rate`, and then the message that hands them over.
    pub(crate) fn send(
        &mut self,
        (conn, to): (Conn, ProcessId),
        (bytes, rate): (u64, Option<u64>),
        message: NnHttpMessage,
        ctx: &mut Ctx<'_>,
    ) {
        self.next_part(Body { conn, to, bytes_left: bytes, rate, message }, ctx);
    }

    fn next_part(&mut self, mut body: Body, ctx: &mut Ctx<'_>) {
        let part = body.bytes_left.min(PART_BYTES);
        body.bytes_left -= part;
        let flow = ctx.start_flow(body.to, part, body.rate);
        self.flowing.insert(flow, body);
    }

    /// A flow's input. False: it is none of these.
    pub(crate) fn on_flow(
        &mut self,
        flow: FlowId,
        progress: FlowProgress,
        ctx: &mut Ctx<'_>,
    ) -> bool {
        if !self.flowing.contains_key(&flow) {
            return false;
        }
        match progress {
            FlowProgress::Done => {
                let body = self.flowing.remove(&flow).expect("it is there");
                if body.bytes_left == 0 {
                    ctx.send::<NnHttp>(body.conn, body.message);
                } else {
                    ctx.send::<NnHttp>(body.conn, NnHttpMessage::Part);
                    self.next_part(body, ctx);
                }
            }
            FlowProgress::Failed => {
                self.flowing.remove(&flow);
            }
            FlowProgress::Stalled | FlowProgress::Resumed => {}
        }
        true
    }

    /// A connection is gone, and what flowed to it.
    pub(crate) fn closed(&mut self, conn: Conn, ctx: &mut Ctx<'_>) {
        self.flowing.retain(|flow, body| {
            let gone = body.conn == conn;
            if gone {
                ctx.stop_flow(*flow);
            }
            !gone
        });
    }
}

/// What a Secondary NameNode or a backup serves: its newest image.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf {
    connections: BTreeMap<Conn, ProcessId>,
    pub(crate) bodies: Bodies,
}

impl Shelf {
    /// A connection's input. False: it is none of the shelf's.
    pub(crate) fn on_connection(
        &mut self,
        conn: Conn,
        event: ConnEvent,
        (inode_bytes, rate): (u64, Option<u64>),
        ctx: &mut Ctx<'_>,
    ) -> bool {
        if let ConnEvent::Accepted { from, .. } = event {
            self.connections.insert(conn, from);
            return true;
        }
        let Some(from) = self.connections.get(&conn).copied() else { return false };
        match event {
            ConnEvent::Message(slot) => {
                let asked = matches!(ctx.take::<NnHttp>(slot), NnHttpMessage::GetImage);
                match storage::newest(ctx).filter(|_| asked) {
                    Some(image) => {
                        let bytes = image.bytes(inode_bytes);
                        ctx.send::<NnHttp>(conn, NnHttpMessage::Answer(Status::Ok));
                        let body = NnHttpMessage::ImageBody(image);
                        self.bodies.send((conn, from), (bytes, rate), body, ctx);
                    }
                    None => ctx.send::<NnHttp>(conn, NnHttpMessage::Answer(Status::NotFound)),
                }
            }
            ConnEvent::Closed | ConnEvent::Reset | ConnEvent::TimedOut | ConnEvent::Unreachable => {
                self.connections.remove(&conn);
                self.bodies.closed(conn, ctx);
            }
            ConnEvent::Accepted { .. }
            | ConnEvent::Connected
            | ConnEvent::Refused
            | ConnEvent::Drained => {}
        }
        true
    }
}
