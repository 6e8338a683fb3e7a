//! NnHttp: what a NameNode or a Secondary NameNode serves over HTTP.
//!
//! Here: images and edits to fetch, images to take, the page that says who is active, thread dumps.
//! Never here: who may take an image (`protocols::namenode::checkpoint`).
//! Modelled on: Hadoop `ImageServlet`, `TransferFsImage`, `IsNameNodeActiveServlet`.

use std::sync::Arc;

use crate::engine::process::Interface;
use crate::protocols::namenode::edit::Edit;
use crate::protocols::namenode::image::Image;

/// HTTP of a NameNode.
pub struct NnHttp;

/// Status of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 200.
    Ok,
    /// 404: no such image or segment.
    NotFound,
    /// 405: `/isActive` of a NameNode that is not.
    MethodNotAllowed,
    /// 409: a newer image is here or on its way, or the last one is too recent.
    Conflict,
    /// 417: an image offered to a NameNode that is not active.
    ExpectationFailed,
}

/// What travels. The bytes of an image or segment move as a flow before the message that
/// hands it over.
#[derive(Clone, Debug)]
pub enum NnHttpMessage {
    /// `GET /stacks`.
    GetStacks,
    /// `GET /isActive`.
    GetIsActive,
    /// `GET /imagetransfer?getimage=1`: the newest image.
    GetImage,
    /// `GET /imagetransfer?getedit=1`: a finalized segment.
    GetEdits {
        /// First transaction.
        first: u64,
        /// Last transaction.
        last: u64,
    },
    /// `PUT /imagetransfer`: an image is offered; it comes if the answer is 200.
    PutImage {
        /// Its transaction.
        txid: u64,
        /// Its size in bytes.
        bytes: u64,
    },
    /// The answer, or the answer's head if a body follows.
    Answer(Status),
    /// A thread dump.
    Stacks,
    /// A part of a body has come.
    Part,
    /// The end of an image's body.
    ImageBody(Arc<Image>),
    /// The end of a segment's body.
    EditsBody(Arc<[Edit]>),
}

/// A body flows in parts of this size, so that whoever waits for it hears that it comes.
pub const PART_BYTES: u64 = 67_108_864;
/// A thread dump of some hundred threads.
const STACKS_BYTES: u32 = 200_000;
/// Request line or status line and headers.
const HEAD_BYTES: u32 = 400;

impl Interface for NnHttp {
    const NAME: &'static str = "NnHttp";
    type Message = NnHttpMessage;

    fn kind(message: &NnHttpMessage) -> &'static str {
        match message {
            NnHttpMessage::GetStacks => "GET /stacks",
            NnHttpMessage::GetIsActive => "GET /isActive",
            NnHttpMessage::GetImage => "GET image",
            NnHttpMessage::GetEdits { .. } => "GET edits",
            NnHttpMessage::PutImage { .. } => "PUT image",
            NnHttpMessage::Answer(_) => "answer",
            NnHttpMessage::Stacks => "stacks",
            NnHttpMessage::Part => "part",
            NnHttpMessage::ImageBody(_) => "image",
            NnHttpMessage::EditsBody(_) => "edits",
        }
    }

    fn bytes(message: &NnHttpMessage) -> u32 {
        match message {
            NnHttpMessage::Stacks => STACKS_BYTES,
            NnHttpMessage::GetStacks
            | NnHttpMessage::GetIsActive
            | NnHttpMessage::GetImage
            | NnHttpMessage::GetEdits { .. }
            | NnHttpMessage::PutImage { .. }
            | NnHttpMessage::Answer(_)
            | NnHttpMessage::ImageBody(_)
            | NnHttpMessage::EditsBody(_) => HEAD_BYTES,
            NnHttpMessage::Part => 0,
        }
    }
}
