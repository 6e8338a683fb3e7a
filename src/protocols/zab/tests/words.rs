//! Words: the effects of a peer as short text, for tests that read as stories.
//!
//! Here: one word per effect; what tests never look at is left out.
//! Never here: assertions.
//! Modelled on: the names of ZooKeeper's packets.

use super::super::interface::{Effect, Logged, Ticket, ToLeader, ToLearner};
use super::super::types::Zxid;
use super::disk::Counted;

fn z(zxid: Zxid) -> String {
    format!("{}.{}", zxid.epoch().0, zxid.counter())
}

fn up(packet: &ToLeader) -> String {
    match packet {
        ToLeader::FollowerInfo { accepted_epoch, .. } => {
            format!("FOLLOWERINFO {}", accepted_epoch.0)
        }
        ToLeader::AckEpoch { current_epoch: Some(epoch), last_zxid } => {
            format!("ACKEPOCH {} {}", epoch.0, z(*last_zxid))
        }
        ToLeader::AckEpoch { current_epoch: None, last_zxid } => {
            format!("ACKEPOCH - {}", z(*last_zxid))
        }
        ToLeader::Ack { zxid } => format!("ACK {}", z(*zxid)),
        ToLeader::Other => "OTHER".into(),
    }
}

fn down(packet: &ToLearner<Counted>) -> String {
    match packet {
        ToLearner::LeaderInfo { epoch } => format!("LEADERINFO {}", epoch.0),
        ToLearner::Diff { zxid } => format!("DIFF {}", z(*zxid)),
        ToLearner::Trunc { zxid } => format!("TRUNC {}", z(*zxid)),
        ToLearner::Snap { zxid, .. } => format!("SNAP {}", z(*zxid)),
        ToLearner::NewLeader { epoch } => format!("NEWLEADER {}", epoch.0),
        ToLearner::UpToDate => "UPTODATE".into(),
        ToLearner::Proposal(Logged { zxid, .. }) => format!("PROPOSAL {}", z(*zxid)),
        ToLearner::Commit { zxid } => format!("COMMIT {}", z(*zxid)),
        ToLearner::Ping { .. } => "PING".into(),
        ToLearner::Other => "OTHER".into(),
    }
}

/// Empty for timers and votes.
fn word(effect: &Effect<Counted>) -> String {
    match effect {
        Effect::Notify { .. }
        | Effect::ConnectAll
        | Effect::Arm(..)
        | Effect::Cancel(_)
        | Effect::Elected(_) => String::new(),
        Effect::Looking => "looking".into(),
        Effect::OpenQuorumPort => "open".into(),
        Effect::StartServer { epoch } => format!("start {}", epoch.0),
        Effect::ToLearner(link, packet) => format!("{}<{}", link.0, down(packet)),
        Effect::CloseLearner(link) => format!("{}<close", link.0),
        Effect::DialLeader(sid) => format!("dial {}", sid.0),
        Effect::HangUp => "hang up".into(),
        Effect::ToLeader(packet) => up(packet),
        Effect::ReplyPing(_) => "PONG".into(),
        Effect::WriteAcceptedEpoch(epoch, _) => format!("acceptedEpoch:={}", epoch.0),
        Effect::WriteCurrentEpoch(epoch, _) => format!("currentEpoch:={}", epoch.0),
        Effect::WriteSnapshot(zxid, _, None) => format!("snapshot {}", z(*zxid)),
        Effect::WriteSnapshot(zxid, _, Some(_)) => format!("snapshot+fsync {}", z(*zxid)),
        Effect::Append(logged) => format!("append {}", z(logged.zxid)),
        Effect::SyncLog(_) => "fsync".into(),
        Effect::RollLog => "roll".into(),
        Effect::TruncateLog(zxid) => format!("cut {}", z(*zxid)),
        Effect::Committed { logged, .. } => format!("commit {}", z(logged.zxid)),
        Effect::Leads(epoch) => format!("leads {}", epoch.0),
        Effect::Follows(epoch) => format!("follows {}", epoch.0),
        Effect::StepDown { leave, .. } => format!("leave: {}", leave.0),
        Effect::Exit(why) => format!("exit: {why}"),
    }
}

pub(crate) fn words(effects: &[Effect<Counted>]) -> Vec<String> {
    effects.iter().map(word).filter(|word| !word.is_empty()).collect()
}

/// The writes that were asked for, oldest first.
pub(crate) fn tickets(effects: &[Effect<Counted>]) -> Vec<Ticket> {
    let ticket = |effect: &Effect<Counted>| match effect {
        Effect::WriteAcceptedEpoch(_, ticket)
        | Effect::WriteCurrentEpoch(_, ticket)
        | Effect::WriteSnapshot(_, _, Some(ticket))
        | Effect::SyncLog(ticket) => Some(*ticket),
        Effect::Notify { .. }
        | Effect::ConnectAll
        | Effect::Arm(..)
        | Effect::Cancel(_)
        | Effect::Elected(_)
        | Effect::Looking
        | Effect::OpenQuorumPort
        | Effect::StartServer { .. }
        | Effect::ToLearner(..)
        | Effect::CloseLearner(_)
        | Effect::DialLeader(_)
        | Effect::HangUp
        | Effect::ToLeader(_)
        | Effect::ReplyPing(_)
        | Effect::WriteSnapshot(_, _, None)
        | Effect::Append(_)
        | Effect::RollLog
        | Effect::TruncateLog(_)
        | Effect::Committed { .. }
        | Effect::Leads(_)
        | Effect::Follows(_)
        | Effect::StepDown { .. }
        | Effect::Exit(_) => None,
    };
    effects.iter().filter_map(ticket).collect()
}
