//! Checkpoints: when a standby saves its namespace, to whom it sends it, who takes it, what is
//! kept.
//!
//! Here: the decisions.
//! Never here: saving, transferring, timers, locks.
//! Modelled on: Hadoop `StandbyCheckpointer`, `ImageServlet.doPut`, `NNStorageRetentionManager`
//! (3.4.1).

use crate::engine::time::{Monotonic, SimDuration};

/// `StandbyCheckpointer.PREVENT_AFTER_CANCEL_MS`: after a cancel no checkpoint begins so long.
pub const PREVENT_AFTER_CANCEL: SimDuration = SimDuration::from_secs(120);

/// `ImageServlet.RECENT_IMAGE_CHECK_TIME_PRECISION_DEFAULT` (0.75), as numerator and denominator.
const RECENT_IMAGE_SHARE: (u64, u64) = (3, 4);

/// What the operator said.
#[derive(Clone, Copy, Debug)]
pub struct CheckpointOptions {
    /// `dfs.namenode.checkpoint.period`.
    pub period: SimDuration,
    /// `dfs.namenode.checkpoint.txns`.
    pub txns: u64,
    /// `dfs.namenode.checkpoint.check.period`.
    pub check_period: SimDuration,
    /// Period times `dfs.namenode.checkpoint.check.quiet-multiplier`.
    pub quiet_period: SimDuration,
}

/// What the standby's checkpointer finds when it wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Neither transactions nor time ask for one.
    NotDue,
    /// Due, but cancelled less than two minutes ago.
    Prevented,
    /// Due, but nothing was applied since the last one; the period starts anew.
    NothingNew,
    /// Save the namespace.
    Save,
}

/// One other NameNode that images go to.
#[derive(Clone, Copy, Debug)]
struct Receiver {
    last_upload: Monotonic,
    /// Whether its last image came from here.
    primary: bool,
}

/// A standby's checkpointer.
#[derive(Clone, Debug)]
pub struct Checkpointer {
    options: CheckpointOptions,
    last_checkpoint: Monotonic,
    prevented_until: Monotonic,
    receivers: Vec<Receiver>,
}

impl Checkpointer {
    /// A checkpointer as it enters the standby state: the period starts now.
    pub fn new(options: CheckpointOptions, receivers: usize, now: Monotonic) -> Checkpointer {
        let receiver = Receiver { last_upload: now, primary: true };
        Checkpointer {
            options,
            last_checkpoint: now,
            prevented_until: Monotonic::default(),
            receivers: vec![receiver; receivers],
        }
    }

    /// `cancelAndPreventCheckpoints`, before a promotion.
    pub const fn cancel(&mut self, now: Monotonic) {
        let until = now.as_nanos().saturating_add(PREVENT_AFTER_CANCEL.as_nanos());
        self.prevented_until = Monotonic::from_nanos(until);
    }

    /// Awake: `applied` is the last transaction applied, `saved` that of the newest image.
    pub fn decide(&mut self, now: Monotonic, applied: u64, saved: u64) -> Decision {
        let due_by_count = self.options.txns <= applied.saturating_sub(saved);
        let due_by_time = self.options.period <= now.since(self.last_checkpoint);
        if !due_by_count && !due_by_time {
            return Decision::NotDue;
        }
        if now < self.prevented_until {
            return Decision::Prevented;
        }
        if applied == saved {
            self.last_checkpoint = now;
            return Decision::NothingNew;
        }
        Decision::Save
    }

    /// The checkpoint that began at `began` is on disk.
    pub const fn saved(&mut self, began: Monotonic) {
        self.last_checkpoint = began;
    }

    /// Whether an image is sent to this receiver: it took the last one from here, or has heard
    /// of none for the quiet period.
    pub fn sends_to(&self, receiver: usize, now: Monotonic) -> bool {
        let to = self.receivers[receiver];
        to.primary || self.options.quiet_period <= now.since(to.last_upload)
    }

    /// How the receiver answered.
    pub fn sent(&mut self, receiver: usize, accepted: bool, now: Monotonic) {
        self.receivers[receiver] = Receiver { last_upload: now, primary: accepted };
    }
}

/// What the receiver of an image knows when it is offered one.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// Whether the receiver is ACTIVE (or OBSERVER).
    pub receiver_may_take: bool,
    /// Transaction of the offered image.
    pub txid: u64,
    /// Transaction of the largest image that is just being received.
    pub receiving: Option<u64>,
    /// Transaction of the receiver's newest image.
    pub newest: Option<u64>,
    /// How old the receiver's newest image is.
    pub newest_age: SimDuration,
}

/// The receiver's answer to an offered image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferAnswer {
    /// 200: send it.
    Take,
    /// 417 `SC_EXPECTATION_FAILED`: this is no active NameNode.
    NotActive,
    /// 409 `SC_CONFLICT`: this image, or a newer one, is here or on its way.
    Conflict,
    /// 409 `SC_CONFLICT`: the last image is too recent.
    TooRecent,
}

impl CheckpointOptions {
    /// `ImageServlet.doPut`, before any byte of the image is read.
    pub fn answer(&self, offer: &Offer) -> OfferAnswer {
        if !offer.receiver_may_take {
            return OfferAnswer::NotActive;
        }
        if offer.receiving.is_some_and(|txid| offer.txid <= txid) {
            return OfferAnswer::Conflict;
        }
        if offer.newest == Some(offer.txid) {
            return OfferAnswer::Conflict;
        }
        if let Some(newest) = offer.newest {
            let (share, of) = RECENT_IMAGE_SHARE;
            let recent = offer.newest_age < self.period.scaled(share, of);
            if recent && offer.txid.saturating_sub(newest) < self.txns {
                return OfferAnswer::TooRecent;
            }
        }
        OfferAnswer::Take
    }
}

/// `NNStorageRetentionManager.purgeOldStorage`: which images go, and the first transaction whose
/// edits are kept.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// `dfs.namenode.num.checkpoints.retained`.
    pub images: usize,
    /// `dfs.namenode.num.extra.edits.retained`.
    pub extra_edits: u64,
    /// `dfs.namenode.max.extra.edits.segments.retained`.
    pub extra_segments_max: usize,
}

impl Retention {
    /// The oldest image that is kept, of the transactions of all images.
    pub fn oldest_image_kept(&self, mut images: Vec<u64>) -> Option<u64> {
        images.sort_unstable();
        let keep = self.images.max(1).min(images.len());
        images.get(images.len() - keep).copied()
    }

    /// Edits from here on are kept, for an oldest kept image and the finalized segments' starts.
    pub fn oldest_edit_kept(&self, oldest_image: u64, segments: &[u64]) -> u64 {
        let required = oldest_image + 1;
        let wanted = required.saturating_sub(self.extra_edits);
        // Too many segments would be kept: those of the oldest edits go first.
        let mut extra: Vec<u64> =
            segments.iter().copied().filter(|at| wanted <= *at && *at < required).collect();
        extra.sort_unstable();
        match extra.len().checked_sub(self.extra_segments_max) {
            Some(over) if 0 < over => extra.get(over).copied().unwrap_or(required),
            Some(_) | None => wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOCK: CheckpointOptions = CheckpointOptions {
        period: SimDuration::from_secs(3_600),
        txns: 1_000_000,
        check_period: SimDuration::from_secs(60),
        quiet_period: SimDuration::from_secs(5_400),
    };

    fn at(secs: u64) -> Monotonic {
        Monotonic::from_nanos(secs * 1_000_000_000)
    }

    #[test]
    fn a_checkpoint_is_due_by_count_or_by_time() {
        let mut checkpointer = Checkpointer::new(STOCK, 1, at(0));
        assert_eq!(checkpointer.decide(at(60), 999_999, 0), Decision::NotDue);
        assert_eq!(checkpointer.decide(at(120), 1_000_000, 0), Decision::Save);
        checkpointer.saved(at(120));
        assert_eq!(checkpointer.decide(at(3_719), 1_000_500, 1_000_000), Decision::NotDue);
        assert_eq!(checkpointer.decide(at(3_720), 1_000_500, 1_000_000), Decision::Save);
    }

    #[test]
    fn none_begins_within_two_minutes_of_a_cancel_and_none_without_news() {
        let mut checkpointer = Checkpointer::new(STOCK, 1, at(0));
        checkpointer.cancel(at(3_590));
        assert_eq!(checkpointer.decide(at(3_600), 5, 0), Decision::Prevented);
        assert_eq!(checkpointer.decide(at(3_709), 5, 0), Decision::Prevented);
        assert_eq!(checkpointer.decide(at(3_710), 5, 5), Decision::NothingNew);
        assert_eq!(checkpointer.decide(at(3_770), 6, 5), Decision::NotDue);
    }

    #[test]
    fn a_standby_that_was_refused_is_quiet_for_one_and_a_half_periods() {
        let mut checkpointer = Checkpointer::new(STOCK, 2, at(0));
        assert!(checkpointer.sends_to(0, at(100)));
        checkpointer.sent(0, false, at(100));
        assert!(!checkpointer.sends_to(0, at(5_499)));
        assert!(checkpointer.sends_to(0, at(5_500)));
        assert!(checkpointer.sends_to(1, at(101)), "each receiver for itself");
    }

    #[test]
    fn the_receiver_takes_only_what_an_active_has_not_and_what_is_not_too_fresh() {
        let offer = Offer {
            receiver_may_take: true,
            txid: 2_000,
            receiving: None,
            newest: Some(1_000),
            newest_age: SimDuration::from_secs(2_700),
        };
        assert_eq!(STOCK.answer(&offer), OfferAnswer::Take);
        let standby = Offer { receiver_may_take: false, ..offer };
        assert_eq!(STOCK.answer(&standby), OfferAnswer::NotActive);
        let older = Offer { receiving: Some(2_000), ..offer };
        assert_eq!(STOCK.answer(&older), OfferAnswer::Conflict);
        assert_eq!(STOCK.answer(&Offer { newest: Some(2_000), ..offer }), OfferAnswer::Conflict);
        let fresh = Offer { newest_age: SimDuration::from_secs(2_699), ..offer };
        assert_eq!(STOCK.answer(&fresh), OfferAnswer::TooRecent);
        let large = Offer { txid: 1_001_000, ..fresh };
        assert_eq!(STOCK.answer(&large), OfferAnswer::Take);
    }

    #[test]
    fn two_images_and_a_million_extra_edits_are_kept() {
        let stock = Retention { images: 2, extra_edits: 1_000_000, extra_segments_max: 10_000 };
        assert_eq!(stock.oldest_image_kept(vec![30, 10, 20]), Some(20));
        assert_eq!(stock.oldest_image_kept(vec![10]), Some(10));
        assert_eq!(stock.oldest_image_kept(vec![]), None);
        assert_eq!(stock.oldest_edit_kept(5_000_000, &[]), 4_000_001);
        let few = Retention { extra_segments_max: 2, ..stock };
        let starts = [4_100_000, 4_200_000, 4_300_000, 4_400_000, 5_000_001];
        assert_eq!(few.oldest_edit_kept(5_000_000, &starts), 4_300_000);
    }
}
