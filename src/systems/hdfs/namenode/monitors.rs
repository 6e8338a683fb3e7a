//! Monitors: the small periodic threads of a NameNode.
//!
//! Here: the roller of an active, the look at the disks, the poll of safe mode.
//! Never here: DataNode and lease monitors.
//! Modelled on: Hadoop `NameNodeEditLogRoller`, `NameNodeResourceMonitor`,
//! `BlockManagerSafeMode.SafeModeMonitor` (3.4.1).

use super::ha_calls::DISK_PROBE;
use super::procedures::{Caller, ProcedureKind};
use super::shared_journal::SharedJournal;
use super::{NameNode, tags};
use crate::engine::ctx::Ctx;
use crate::engine::process::Tag;
use crate::engine::time::SimDuration;
use crate::protocols::namenode::safe_mode::SafeModeStatus;
use crate::protocols::namenode::transition::HaState;

/// `SafeModeMonitor.DEFAULT_RECHECK_INTERVAL`.
const SAFE_MODE_POLL: SimDuration = SimDuration::from_secs(1);

impl<S: SharedJournal + Clone + Send + 'static> NameNode<S> {
    /// An active's monitors; they are known by its term, so that a demotion ends them.
    pub(super) fn start_monitors(&mut self, ctx: &mut Ctx<'_>) {
        let roller = Tag::with(tags::ROLLER_PERIOD, self.term.0);
        ctx.arm(self.options.autoroll_period, roller);
        ctx.arm(self.options.resource_period, Tag::with(tags::RESOURCE_PERIOD, self.term.0));
        self.watch_safe_mode(ctx);
    }

    fn is_active_in(&self, term: u64) -> bool {
        self.state == HaState::Active && self.term.0 == term
    }

    pub(super) fn stop_active(&mut self) {
        if !self.options.release_3_3 {
            self.low_on_space = false;
        }
    }

    /// `NameNodeEditLogRoller`: too many transactions in the open segment.
    pub(super) fn on_roller_awake(&mut self, term: u64, ctx: &mut Ctx<'_>) {
        if !self.is_active_in(term) {
            return;
        }
        let open = self.edit_log.as_ref().map_or(0, |log| log.segment_transactions());
        if self.options.autoroll_txns < open {
            self.begin_procedure(ProcedureKind::Roll, Caller::Own, ctx);
        }
        ctx.arm(self.options.autoroll_period, Tag::with(tags::ROLLER_PERIOD, term));
    }

    /// `NameNodeResourceMonitor`.
    pub(super) fn on_resource_check(&mut self, term: u64, ctx: &mut Ctx<'_>) {
        if self.is_active_in(term) {
            ctx.sync(DISK_PROBE, Tag::with(tags::RESOURCE_DISK, term));
        }
    }

    pub(super) fn on_resources_checked(&mut self, term: u64, disks: bool, ctx: &mut Ctx<'_>) {
        if !self.is_active_in(term) {
            return;
        }
        // 3.4.1 leaves this safe mode by itself, 3.3.6 never does.
        self.low_on_space = !disks || (self.low_on_space && self.options.release_3_3);
        ctx.arm(self.options.resource_period, Tag::with(tags::RESOURCE_PERIOD, term));
    }

    /// Polls while safe mode waits for its extension.
    pub(super) fn watch_safe_mode(&mut self, ctx: &mut Ctx<'_>) {
        self.safe_mode.check(ctx.now().monotonic);
        if matches!(self.safe_mode.status(), SafeModeStatus::Extension { .. }) {
            ctx.arm(SAFE_MODE_POLL, Tag::new(tags::SAFE_MODE_POLL));
        }
    }
}
