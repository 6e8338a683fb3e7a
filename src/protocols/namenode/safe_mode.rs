//! Safe mode: a NameNode that has not seen enough blocks refuses to change anything.
//!
//! Here: the thresholds, the extension, and when safe mode is left.
//! Never here: where blocks are, timers.
//! Modelled on: Hadoop `BlockManagerSafeMode` (3.4.1).
//! Left out: blocks with generation stamps from the future.

use crate::engine::time::{Monotonic, SimDuration};

/// What the operator said.
#[derive(Clone, Copy, Debug)]
pub struct SafeModeOptions {
    /// `dfs.namenode.safemode.threshold-pct`, in parts per million.
    pub threshold_millionths: u32,
    /// `dfs.namenode.safemode.min.datanodes`.
    pub datanodes_min: u64,
    /// `dfs.namenode.safemode.extension`.
    pub extension: SimDuration,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SafeModeStatus {
    /// Waits for blocks or DataNodes.
    PendingThreshold,
    /// Has seen enough; leaves when the extension has passed.
    Extension {
        /// When the thresholds were reached.
        reached: Monotonic,
    },
    /// Changes are allowed.
    Off,
}

/// The block part of safe mode.
#[derive(Clone, Copy, Debug)]
pub struct SafeMode {
    options: SafeModeOptions,
    status: SafeModeStatus,
    blocks_total: u64,
    blocks_safe: u64,
    datanodes_live: u64,
}

impl SafeMode {
    /// `activate`: entered at start-up with the blocks of the loaded namespace, left at once
    /// when the thresholds are met already.
    pub fn activate(options: SafeModeOptions, blocks_total: u64) -> SafeMode {
        let status = SafeModeStatus::PendingThreshold;
        let (blocks_safe, datanodes_live) = (0, 0);
        let mut mode = SafeMode { options, status, blocks_total, blocks_safe, datanodes_live };
        if mode.thresholds_met() {
            mode.status = SafeModeStatus::Off;
        }
        mode
    }

    /// Whether changes are refused.
    pub fn is_on(&self) -> bool {
        self.status != SafeModeStatus::Off
    }

    /// How far it is.
    pub const fn status(&self) -> SafeModeStatus {
        self.status
    }

    /// `dfsadmin -safemode leave`.
    pub fn leave(&mut self) {
        self.status = SafeModeStatus::Off;
    }

    /// `setBlockTotal`, `incrementSafeBlockCount`, a DataNode registered or died.
    pub fn reported(&mut self, blocks_total: u64, blocks_safe: u64, datanodes_live: u64) {
        assert!(blocks_safe <= blocks_total);
        self.blocks_total = blocks_total;
        self.blocks_safe = blocks_safe;
        self.datanodes_live = datanodes_live;
    }

    /// `checkSafeMode` and the monitor's poll (every second while the extension runs): true when
    /// this call left safe mode.
    pub fn check(&mut self, now: Monotonic) -> bool {
        match self.status {
            SafeModeStatus::Off => false,
            SafeModeStatus::PendingThreshold if !self.thresholds_met() => false,
            SafeModeStatus::PendingThreshold => {
                let waits = !self.options.extension.is_zero() && 0 < self.blocks_total;
                self.status = if waits {
                    SafeModeStatus::Extension { reached: now }
                } else {
                    SafeModeStatus::Off
                };
                !waits
            }
            SafeModeStatus::Extension { reached } => {
                let over = self.options.extension <= now.since(reached);
                if over && self.thresholds_met() {
                    self.status = SafeModeStatus::Off;
                }
                !self.is_on()
            }
        }
    }

    fn thresholds_met(&self) -> bool {
        let share = u128::from(self.options.threshold_millionths);
        let needed = u128::from(self.blocks_total) * share / 1_000_000;
        needed <= u128::from(self.blocks_safe) && self.options.datanodes_min <= self.datanodes_live
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOCK: SafeModeOptions = SafeModeOptions {
        threshold_millionths: 999_000,
        datanodes_min: 0,
        extension: SimDuration::from_secs(30),
    };

    fn at(secs: u64) -> Monotonic {
        Monotonic::from_nanos(secs * 1_000_000_000)
    }

    #[test]
    fn no_blocks_no_safe_mode() {
        assert!(!SafeMode::activate(STOCK, 0).is_on());
        let waits_for_a_datanode = SafeModeOptions { datanodes_min: 1, ..STOCK };
        let mut mode = SafeMode::activate(waits_for_a_datanode, 0);
        assert!(mode.is_on());
        mode.reported(0, 0, 1);
        assert!(mode.check(at(5)), "the extension is skipped when there are no blocks");
    }

    #[test]
    fn the_threshold_is_rounded_down_and_the_extension_runs_from_there() {
        let mut mode = SafeMode::activate(STOCK, 1_500);
        mode.reported(1_500, 1_497, 3); // 1,498.5 are asked for
        assert!(!mode.check(at(10)));
        assert_eq!(mode.status(), SafeModeStatus::PendingThreshold);
        mode.reported(1_500, 1_498, 3);
        assert!(!mode.check(at(11)));
        assert_eq!(mode.status(), SafeModeStatus::Extension { reached: at(11) });
        assert!(!mode.check(at(40)));
        assert!(mode.check(at(41)));
        assert!(!mode.check(at(42)), "left once");
    }

    #[test]
    fn it_stays_when_blocks_are_lost_again_during_the_extension() {
        let mut mode = SafeMode::activate(STOCK, 1_000);
        mode.reported(1_000, 999, 3);
        mode.check(at(0));
        mode.reported(1_000, 900, 2);
        assert!(!mode.check(at(31)));
        mode.reported(1_000, 1_000, 3);
        assert!(mode.check(at(32)));
    }
}
