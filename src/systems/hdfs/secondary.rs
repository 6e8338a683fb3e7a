//! Secondary NameNode: merges the edits of a single NameNode into its image, now and then.
//!
//! Here: its rounds: roll, fetch, merge, save, upload.
//! Never here: a promotion; it serves no client.
//! Modelled on: Hadoop `SecondaryNameNode.doWork/doCheckpoint`, `CheckpointConf` (3.4.1).
//! Left out: the reload of the image after a failed merge takes no shorter way here.

use std::collections::VecDeque;
use std::sync::Arc;

use super::api::namenode_protocol::{
    HTTP_PORT, NAMENODE_PORT, NamenodeProtocol, NamenodeRequest, NamenodeResponse,
    SECONDARY_HTTP_PORT, SegmentRange,
};
use super::api::nn_http::{NnHttp, NnHttpMessage};
use super::image_transfer::{GetStep, HttpGet, HttpPut, PutStep, Shelf};
use super::keys;
use super::namenode::options::Options;
use super::namenode::storage::{self, ImageRecord};
use crate::clients::hadoop_ipc::client::IpcClient;
use crate::clients::hadoop_ipc::{CallId, CallOutcome, CallPolicy, ConnectionKey, ServerAddress};
use crate::engine::config::Config;
use crate::engine::ctx::Ctx;
use crate::engine::flow::FlowProgress;
use crate::engine::id::{FlowId, ProcessId};
use crate::engine::process::{Conn, ConnEvent, DiskOutcome, Input, Port, Process, Tag};
use crate::engine::time::{Monotonic, SimDuration};
use crate::history::{Fact, Position, ResourceName};
use crate::protocols::namenode::edit::{Edit, EditOp};
use crate::protocols::namenode::image::Image;

const JVM_START: u32 = 1;
const PERIOD: u32 = 2;
const MERGED: u32 = 3;
const SAVED: u32 = 4;
const GET_SILENCE: u32 = 5;
const PUT_SILENCE: u32 = 6;
const IPC: u32 = 10;

/// Where a Secondary NameNode stands, as the builder of a world knows it.
#[derive(Clone, Debug)]
pub struct SecondarySetup {
    /// What the operator wrote.
    pub config: Config,
    /// The namespace in the history.
    pub resource: ResourceName,
    /// Its NameNode.
    pub namenode: ProcessId,
}

/// What it does.
#[derive(Clone, Debug)]
enum Doing {
    Asleep,
    /// `getTransactionID`.
    Counting(CallId),
    /// `rollEditLog`.
    Rolling(CallId),
    /// `getEditLogManifest` after a checkpoint.
    Listing {
        call: CallId,
        checkpoint: u64,
    },
    FetchingImage {
        get: HttpGet,
        segments: VecDeque<SegmentRange>,
    },
    FetchingEdits {
        get: HttpGet,
        segments: VecDeque<SegmentRange>,
    },
    Merging,
    Saving(Arc<Image>),
    Uploading(HttpPut),
}

/// A Secondary NameNode.
#[derive(Clone)]
pub struct SecondaryNameNode {
    setup: Arc<SecondarySetup>,
    options: Arc<Options>,
    policy: CallPolicy,
    merge_errors_max: u64,
    client: IpcClient<NamenodeProtocol>,
    shelf: Shelf,
    doing: Doing,
    /// `lastCheckpointTime`: none since it was started.
    last_checkpoint: Option<Monotonic>,
    /// When the round that runs began.
    began: Monotonic,
    image: Option<Arc<Image>>,
    edits: Vec<Edit>,
    merge_errors: u64,
}

impl SecondaryNameNode {
    /// The blueprint of a Secondary NameNode.
    pub fn new(setup: SecondarySetup) -> SecondaryNameNode {
        SecondaryNameNode {
            options: Arc::new(Options::read(&setup.config)),
            policy: CallPolicy::generic(&setup.config),
            merge_errors_max: setup.config.get(keys::DFS_NAMENODE_CHECKPOINT_MAX_RETRIES),
            client: IpcClient::new(IPC),
            shelf: Shelf::default(),
            doing: Doing::Asleep,
            last_checkpoint: None,
            began: Monotonic::default(),
            image: None,
            edits: Vec::new(),
            merge_errors: 0,
            setup: Arc::new(setup),
        }
    }

    fn ask(&mut self, request: NamenodeRequest, ctx: &mut Ctx<'_>) -> CallId {
        let server = ServerAddress { process: self.setup.namenode, port: NAMENODE_PORT };
        let key = ConnectionKey { server, user: 0, policy: self.policy };
        self.client.call(key, request, ctx)
    }

    fn sleep(&mut self, ctx: &mut Ctx<'_>) {
        self.doing = Doing::Asleep;
        ctx.arm(self.options.checkpoint.check_period, Tag::new(PERIOD));
    }

    /// Awake: is it time, or must the transactions be counted?
    fn on_awake(&mut self, ctx: &mut Ctx<'_>) {
        self.began = ctx.now().monotonic;
        let call = self.ask(NamenodeRequest::GetTransactionId, ctx);
        self.doing = Doing::Counting(call);
    }

    fn is_due(&self, last_txid: u64) -> bool {
        let own = self.image.as_ref().map_or(0, |image| image.txid);
        let by_count = self.options.checkpoint.txns <= last_txid.saturating_sub(own);
        let by_time = self
            .last_checkpoint
            .is_none_or(|last| self.options.checkpoint.period <= self.began.since(last));
        by_count || by_time
    }

    fn on_answers(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(completion) = self.client.completed() {
            let (Doing::Counting(call) | Doing::Rolling(call) | Doing::Listing { call, .. }) =
                self.doing
            else {
                continue;
            };
            if completion.call != call {
                continue;
            }
            match completion.outcome {
                CallOutcome::Reply(response) => self.on_answer(response, ctx),
                CallOutcome::Remote(_) | CallOutcome::Failed(_) => self.sleep(ctx),
            }
        }
    }

    fn on_answer(&mut self, response: NamenodeResponse, ctx: &mut Ctx<'_>) {
        match (&self.doing, response) {
            (Doing::Counting(_), NamenodeResponse::TxId(txid)) if self.is_due(txid) => {
                let call = self.ask(NamenodeRequest::RollEditLog, ctx);
                self.doing = Doing::Rolling(call);
            }
            (Doing::Rolling(_), NamenodeResponse::Rolled { checkpoint, .. }) => {
                let since = checkpoint + 1;
                let call = self.ask(NamenodeRequest::GetEditLogManifest { since }, ctx);
                self.doing = Doing::Listing { call, checkpoint };
            }
            (Doing::Listing { checkpoint, .. }, NamenodeResponse::Manifest(segments)) => {
                let segments: VecDeque<SegmentRange> = segments.into();
                let own = self.image.as_ref().map(|image| image.txid);
                self.edits.clear();
                if own == Some(*checkpoint) {
                    self.fetch_next(segments, ctx); // "Image has not changed. Will not download"
                } else {
                    let get = self.get(NnHttpMessage::GetImage, ctx);
                    self.doing = Doing::FetchingImage { get, segments };
                }
            }
            _ => self.sleep(ctx),
        }
    }

    fn get(&self, request: NnHttpMessage, ctx: &mut Ctx<'_>) -> HttpGet {
        let (from, tag) = ((self.setup.namenode, HTTP_PORT), Tag::new(GET_SILENCE));
        HttpGet::start(from, request, self.options.image_timeout, tag, ctx)
    }

    fn fetch_next(&mut self, mut segments: VecDeque<SegmentRange>, ctx: &mut Ctx<'_>) {
        match segments.pop_front() {
            Some(SegmentRange { first, last }) => {
                let get = self.get(NnHttpMessage::GetEdits { first, last }, ctx);
                self.doing = Doing::FetchingEdits { get, segments };
            }
            None => self.merge(ctx),
        }
    }

    /// A connection's input. False: no transfer waits for it.
    fn on_transfer(&mut self, conn: Conn, event: ConnEvent, ctx: &mut Ctx<'_>) -> bool {
        let (get, image) = match &mut self.doing {
            Doing::FetchingImage { get, .. } => (get, true),
            Doing::FetchingEdits { get, .. } => (get, false),
            Doing::Uploading(put) => {
                let step = put.on_connection(conn, event, ctx);
                return self.on_upload(step, ctx);
            }
            Doing::Asleep
            | Doing::Counting(_)
            | Doing::Rolling(_)
            | Doing::Listing { .. }
            | Doing::Merging
            | Doing::Saving(_) => return false,
        };
        match get.on_connection(conn, event, ctx) {
            GetStep::NotMine => return false,
            GetStep::Goes => {}
            GetStep::Ended(Some(NnHttpMessage::ImageBody(body))) if image => {
                self.image = Some(body);
                self.fetched(ctx);
            }
            GetStep::Ended(Some(NnHttpMessage::EditsBody(body))) if !image => {
                self.edits.extend(body.iter().copied());
                self.fetched(ctx);
            }
            GetStep::Ended(_) => self.sleep(ctx),
        }
        true
    }

    fn fetched(&mut self, ctx: &mut Ctx<'_>) {
        let doing = std::mem::replace(&mut self.doing, Doing::Merging);
        let (Doing::FetchingImage { segments, .. } | Doing::FetchingEdits { segments, .. }) = doing
        else {
            return;
        };
        self.fetch_next(segments, ctx);
    }

    /// `doMerge`: replays the edits, then writes the image; a core is busy so long.
    fn merge(&mut self, ctx: &mut Ctx<'_>) {
        self.doing = Doing::Merging;
        let costs = &self.options.costs;
        let inodes = self.image.as_ref().map_or(0, |image| image.namespace.inodes());
        let bytes = self.image.as_ref().map_or(0, |image| image.bytes(costs.image_inode_bytes));
        let span = costs
            .replay
            .times(self.edits.len() as u64)
            .saturating_add(costs.image_load.times(inodes))
            .saturating_add(costs.write_span(bytes));
        ctx.work(span);
        ctx.arm(SimDuration::ZERO, Tag::new(MERGED));
    }

    fn on_merged(&mut self, ctx: &mut Ctx<'_>) {
        match self.image.as_ref().and_then(|image| merged(image, &self.edits)) {
            Some(image) => {
                let image = Arc::new(image);
                self.merge_errors = 0;
                let record = ImageRecord(Arc::clone(&image));
                ctx.replace(storage::file(image.txid), record, Tag::new(SAVED));
                self.doing = Doing::Saving(image);
            }
            None => {
                self.merge_errors += 1;
                if self.merge_errors_max < self.merge_errors {
                    return ctx.exit("Merging failed too often");
                }
                self.sleep(ctx);
            }
        }
    }

    fn on_saved(&mut self, done: bool, ctx: &mut Ctx<'_>) {
        let Doing::Saving(image) = std::mem::replace(&mut self.doing, Doing::Asleep) else {
            return;
        };
        if !done {
            return self.sleep(ctx);
        }
        let (resource, position) = (self.setup.resource, Position(image.txid));
        ctx.note(Fact::CopyShipped { resource, position });
        self.image = Some(Arc::clone(&image));
        storage::purge_images(&self.options.retention, ctx);
        let bytes = image.bytes(self.options.costs.image_inode_bytes);
        let silence = (self.options.image_timeout, Tag::new(PUT_SILENCE));
        let rate = self.options.image_rate;
        let put = HttpPut::start(self.setup.namenode, (image, bytes), rate, silence, ctx);
        self.doing = Doing::Uploading(put);
    }

    /// The upload has ended, well or not; the copy here stays.
    fn on_upload(&mut self, step: PutStep, ctx: &mut Ctx<'_>) -> bool {
        match step {
            PutStep::NotMine => return false,
            PutStep::Goes => {}
            PutStep::Broken => self.sleep(ctx),
            PutStep::Answered { .. } => {
                self.last_checkpoint = Some(self.began);
                self.sleep(ctx);
            }
        }
        true
    }

    fn on_flow(&mut self, flow: FlowId, progress: FlowProgress, ctx: &mut Ctx<'_>) {
        if self.shelf.bodies.on_flow(flow, progress, ctx) {
            return;
        }
        if let Doing::Uploading(put) = &mut self.doing {
            let step = put.on_flow(flow, progress, ctx);
            self.on_upload(step, ctx);
        }
    }

    fn on_silence(&mut self, ctx: &mut Ctx<'_>) {
        match &self.doing {
            Doing::FetchingImage { get, .. } | Doing::FetchingEdits { get, .. } => get.stop(ctx),
            Doing::Uploading(put) => put.stop(ctx),
            Doing::Asleep
            | Doing::Counting(_)
            | Doing::Rolling(_)
            | Doing::Listing { .. }
            | Doing::Merging
            | Doing::Saving(_) => return,
        }
        self.sleep(ctx);
    }

    fn on_connection(&mut self, conn: Conn, event: ConnEvent, ctx: &mut Ctx<'_>) {
        let costs = (self.options.costs.image_inode_bytes, self.options.image_rate);
        let _taken = self.shelf.on_connection(conn, event, costs, ctx)
            || self.client.on_connection(conn, event, ctx)
            || self.on_transfer(conn, event, ctx);
    }
}

/// The image with the edits that follow it. `None`: they do not fit.
fn merged(image: &Image, edits: &[Edit]) -> Option<Image> {
    let mut merged = image.clone();
    for edit in edits.iter().filter(|edit| image.txid < edit.txid) {
        let fits = match edit.op {
            EditOp::StartLogSegment | EditOp::EndLogSegment => true,
            EditOp::Change(change) => merged.namespace.apply(change),
        };
        if !fits || edit.txid != merged.txid + 1 {
            return None;
        }
        merged.txid = edit.txid;
    }
    Some(merged)
}

impl Process for SecondaryNameNode {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => {
                ctx.arm(self.options.costs.jvm_start, Tag::new(JVM_START));
            }
            Input::Timer(tag) => match tag.kind {
                JVM_START => {
                    self.image = storage::newest(ctx);
                    ctx.listen::<NnHttp>(Port(SECONDARY_HTTP_PORT));
                    self.sleep(ctx);
                }
                PERIOD => self.on_awake(ctx),
                MERGED => self.on_merged(ctx),
                GET_SILENCE | PUT_SILENCE => self.on_silence(ctx),
                _ => {
                    self.client.on_timer(tag, ctx);
                }
            },
            Input::Connection(conn, event) => self.on_connection(conn, event, ctx),
            Input::Disk(_, outcome) => self.on_saved(outcome == DiskOutcome::Done, ctx),
            Input::Flow(flow, progress) => self.on_flow(flow, progress, ctx),
            Input::Admin(slot) => ctx.discard(slot),
            Input::Granted(_) | Input::Beat(..) => {}
        }
        self.on_answers(ctx);
    }

    fn tag_name(&self, tag: Tag) -> &'static str {
        match tag.kind {
            JVM_START => "jvm start",
            PERIOD => "secondary check period",
            MERGED => "merge",
            SAVED => "image sync",
            GET_SILENCE | PUT_SILENCE => "image transfer time-out",
            _ => self.client.tag_name(tag).unwrap_or("secondary timer"),
        }
    }
}
