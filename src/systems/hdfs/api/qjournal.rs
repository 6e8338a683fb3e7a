//! QJournal: how NameNodes, and other JournalNodes, speak to a JournalNode.
//!
//! Here: the calls on one journal, their sizes, the ports of a JournalNode.
//! Never here: what a call does (`protocols::qjm`); segments themselves (`journal_http`).
//! Modelled on: Hadoop `qjournal/protocol/QJournalProtocol.java`, `InterQJournalProtocol.java`.

use crate::clients::hadoop_ipc::RpcInterface;
use crate::protocols::namenode::edit::Edit;
use crate::protocols::qjm::{Answer, Call, Reply};

/// `dfs.journalnode.rpc-address`.
pub const JOURNAL_RPC_PORT: u16 = 8485;
/// `dfs.journalnode.http-address`.
pub const JOURNAL_HTTP_PORT: u16 = 8480;

/// One shared log of a cluster: the path of its shared edits URI. Dense.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct JournalId(pub u16);

/// `QJournalProtocol`, version 1.
#[derive(Clone, Copy, Debug)]
pub struct QJournal;

/// Who asks; it decides the name under which a call is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// Over `QJournalProtocol`.
    NameNode,
    /// Over `InterQJournalProtocol`.
    JournalNode,
}

/// One call on one journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRequest {
    /// Which log.
    pub journal: JournalId,
    /// Who asks.
    pub asker: Asker,
    /// What.
    pub call: Call<Edit>,
}

/// Headers, journal id and `RequestInfo`: an assumption.
const REQUEST_BYTES: u32 = 180;
/// Headers and a few numbers, or an exception's text: an assumption.
const RESPONSE_BYTES: u32 = 60;
/// One `RemoteEditLogProto`.
const SEGMENT_BYTES: u32 = 20;

fn saturated(bytes: u64) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// Size of a run of edits, serialized.
pub fn edits_bytes(edits: &[Edit]) -> u64 {
    edits.iter().map(|edit| u64::from(edit.bytes())).sum()
}

impl RpcInterface for QJournal {
    const PROTOCOL: &'static str = "QJournalProtocol";
    type Request = JournalRequest;
    type Response = Reply<Edit>;

    fn method(request: &JournalRequest) -> &'static str {
        match (&request.call, request.asker) {
            (Call::JournalState, _) => "getJournalState",
            (Call::NewEpoch { .. }, _) => "newEpoch",
            (Call::StartLogSegment { .. }, _) => "startLogSegment",
            (Call::Journal { .. }, _) => "journal",
            (Call::Heartbeat { .. }, _) => "heartbeat",
            (Call::FinalizeLogSegment { .. }, _) => "finalizeLogSegment",
            (Call::PrepareRecovery { .. }, _) => "prepareRecovery",
            (Call::AcceptRecovery { .. }, _) => "acceptRecovery",
            (Call::PurgeLogsOlderThan { .. }, _) => "purgeLogsOlderThan",
            (Call::IsFormatted, _) => "isFormatted",
            (Call::Format { .. }, _) => "format",
            (Call::EditLogManifest { .. }, Asker::NameNode) => "getEditLogManifest",
            (Call::EditLogManifest { .. }, Asker::JournalNode) => "getEditLogManifestFromJournal",
            (Call::JournaledEdits { .. }, _) => "getJournaledEdits",
        }
    }

    fn request_bytes(request: &JournalRequest) -> u32 {
        let edits = match &request.call {
            Call::Journal { bytes, .. } => saturated(*bytes),
            Call::JournalState
            | Call::NewEpoch { .. }
            | Call::StartLogSegment { .. }
            | Call::Heartbeat { .. }
            | Call::FinalizeLogSegment { .. }
            | Call::PrepareRecovery { .. }
            | Call::AcceptRecovery { .. }
            | Call::PurgeLogsOlderThan { .. }
            | Call::IsFormatted
            | Call::Format { .. }
            | Call::EditLogManifest { .. }
            | Call::JournaledEdits { .. } => 0,
        };
        REQUEST_BYTES.saturating_add(edits)
    }

    fn response_bytes(response: &Reply<Edit>) -> u32 {
        let more = match response {
            Ok(Answer::Edits { edits }) => saturated(edits_bytes(edits)),
            Ok(Answer::Manifest(manifest)) => {
                saturated(manifest.segments.len() as u64).saturating_mul(SEGMENT_BYTES)
            }
            Ok(
                Answer::State { .. }
                | Answer::Epoch { .. }
                | Answer::Prepared(_)
                | Answer::Formatted(_)
                | Answer::Done,
            )
            | Err(_) => 0,
        };
        RESPONSE_BYTES.saturating_add(more)
    }
}
