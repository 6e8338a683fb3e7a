//! Outage: when a service's clients were not served, and for how long (RTO).
//!
//! A request is *bad* if it fails, if its client never hears of it, or if it takes longer than the
//! noticeable delay: 1 s, or three times the 99 % quantile of the requests that were served before
//! the first fault, whichever is larger. It is bad from invocation to failure, or from invocation
//! plus that delay to completion or to the horizon. The union of bad intervals, joined across gaps
//! under the stability window, are the outages. RTO: end minus onset, the last fault that struck
//! before the outage began or within a noticeable delay after (the calls that it breaks were
//! invoked before it), but not after the outage ended; without a fault the outage's own beginning.
//! An outage that a longer run might have prolonged is censored: never dropped, never rounded down.
//!
//! The first good request is the first to complete of the good requests that were invoked after
//! both the onset and the invocation of the outage's first bad request: what a new client sees. One
//! that was served before an onset without a fault (a hung request is bad later) counts as zero.
//! Unavailable is the union of the bad intervals, and of the times between the ends of two bad
//! requests, less than a stability window apart, between which no good one ended: requests that
//! fail at once add up to the time in which all do.
//! A gap between acknowledgements belongs to the faults that struck in it and to the last one
//! before it.
//!
//! Here: one service's requests, online.
//! Never here: how the service works.
//! Modelled on: hyperfine's distrust of its own numbers.

use std::collections::{BTreeMap, BTreeSet};

use super::latency::Latencies;
use super::{ServiceMeasure, Setup, loss};
use crate::engine::id::EventId;
use crate::engine::note::Stamped;
use crate::engine::time::{SimDuration, SimTime};
use crate::history::{OpId, Outcome};

/// How long an outage lasted, from its onset. What was not seen to end sorts last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rto {
    /// It was seen to end.
    Lasted(SimDuration),
    /// The run ended first.
    LongerThan(SimDuration),
}

impl Rto {
    /// The span, seen to its end or not.
    pub const fn span(self) -> SimDuration {
        match self {
            Rto::Lasted(span) | Rto::LongerThan(span) => span,
        }
    }

    /// Whether its end was not seen.
    pub const fn censored(self) -> bool {
        match self {
            Rto::Lasted(_) => false,
            Rto::LongerThan(_) => true,
        }
    }
}

/// A request that was served in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Good {
    /// When it was invoked.
    pub invoked: SimTime,
    /// When it was answered.
    pub ended: SimTime,
    /// In whose step its client heard the answer.
    pub event: EventId,
}

/// A stretch of time in which the service was bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// The fault that is held responsible.
    pub onset: SimTime,
    /// Start of the first bad interval.
    pub from: SimTime,
    /// End of the last.
    pub to: SimTime,
    /// From onset to end.
    pub rto: Rto,
    /// The event of the answer that ended it: the late one, or after a failure the first good one;
    /// `None`: at the horizon.
    pub ended_by: Option<EventId>,
    /// What a new client saw.
    pub first_good: Option<Good>,
}

/// The noticeable delay is settled by the first fault, or when so many slow requests wait for it.
const UNSETTLED_MAX: usize = 65_536;
/// So many parted bad intervals are kept before those that nothing can touch any more are summed.
const BARE_MAX: usize = 1_024;

#[derive(Clone, Copy, Debug)]
struct Pending {
    invoked: SimTime,
    good_after: Option<Good>,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    from: SimTime,
    to: SimTime,
    ended_by: Option<EventId>,
    broke: SimTime,
    good_after: Option<Good>,
}

#[derive(Clone, Copy, Debug)]
struct Strike {
    at: SimTime,
    first_good: Option<Good>,
    ack_gap: SimDuration,
}

/// A request that ended badly, or late by the least noticeable delay.
#[derive(Clone, Copy, Debug)]
struct Slow {
    request: Pending,
    ended: SimTime,
    served: bool,
    event: EventId,
    /// When the bad request before it ended, if no good one ended since, and not long ago.
    barren_since: Option<SimTime>,
}

/// One service.
#[derive(Clone, Debug)]
pub(super) struct Tracker {
    stability: SimDuration,
    noticeable_min: SimDuration,
    noticeable: Option<SimDuration>,
    onset_fixed: bool,
    horizon: Option<SimTime>,
    calm: Latencies,
    unsettled: Vec<Slow>,
    pending: BTreeMap<OpId, Pending>,
    without_good: BTreeSet<(SimTime, OpId)>,
    joined: Vec<Span>,
    bare: Vec<(SimTime, SimTime)>,
    bare_summed: SimDuration,
    bad_last: Option<SimTime>,
    strikes: Vec<Strike>,
    struck: Vec<SimTime>,
    ack_last: Option<SimTime>,
    ack_gap_max: SimDuration,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    acked: u64,
    failed: u64,
    unknown: u64,
    invoked: u64,
    invoked_first: SimTime,
    invoked_last: SimTime,
}

impl Tracker {
    pub(super) fn new(setup: &Setup) -> Tracker {
        let fixed = |at| Strike { at, first_good: None, ack_gap: SimDuration::ZERO };
        Tracker {
            stability: setup.stability,
            noticeable_min: setup.noticeable_min,
            noticeable: None,
            onset_fixed: setup.measure_from.is_some(),
            horizon: None,
            calm: Latencies::default(),
            unsettled: Vec::new(),
            pending: BTreeMap::new(),
            without_good: BTreeSet::new(),
            joined: Vec::new(),
            bare: Vec::new(),
            bare_summed: SimDuration::ZERO,
            bad_last: None,
            strikes: setup.measure_from.map(fixed).into_iter().collect(),
            struck: Vec::new(),
            ack_last: None,
            ack_gap_max: SimDuration::ZERO,
            counts: Counts::default(),
        }
    }

    /// As settled by the first fault; the least one before.
    pub(super) fn noticeable(&self) -> SimDuration {
        self.noticeable.unwrap_or(self.noticeable_min)
    }

    pub(super) fn invoked(&mut self, at: SimTime, op: OpId) {
        if self.horizon.is_some() {
            return; // the audit's own
        }
        if self.counts.invoked == 0 {
            self.counts.invoked_first = at;
            self.ack_last = Some(at);
        }
        self.counts.invoked += 1;
        self.counts.invoked_last = at;
        self.pending.insert(op, Pending { invoked: at, good_after: None });
        self.without_good.insert((at, op));
    }

    pub(super) fn ended(&mut self, entry: &Stamped, op: OpId, outcome: Outcome) {
        let Some(request) = self.pending.remove(&op) else { return };
        self.without_good.remove(&(request.invoked, op));
        let latency = entry.at.since(request.invoked);
        let served = match outcome {
            Outcome::Served => {
                self.counts.acked += 1;
                self.gap_ends(entry.at);
                if self.noticeable.is_none() {
                    self.calm.record(latency);
                }
                true
            }
            Outcome::Failed => {
                self.counts.failed += 1;
                false
            }
            Outcome::Unknown => {
                self.counts.unknown += 1;
                false
            }
        };
        if served && latency <= self.noticeable() {
            let good = Good { invoked: request.invoked, ended: entry.at, event: entry.event };
            return self.good(good);
        }
        let lately = |last: &SimTime| entry.at < *last + self.stability;
        let barren_since = self.bad_last.replace(entry.at).filter(lately);
        let slow = Slow { request, ended: entry.at, served, event: entry.event, barren_since };
        if self.noticeable.is_some() {
            return self.bad(slow);
        }
        self.unsettled.push(slow);
        if UNSETTLED_MAX <= self.unsettled.len() {
            self.settle();
        }
    }

    pub(super) fn struck(&mut self, at: SimTime) {
        self.settle();
        self.struck.push(at);
        if !self.onset_fixed {
            self.strikes.push(Strike { at, first_good: None, ack_gap: SimDuration::ZERO });
        }
    }

    /// No request begins from here on: it is the horizon, whatever is still heard later.
    pub(super) fn load_stopped(&mut self, at: SimTime) {
        self.gap_ends(at);
        self.horizon = Some(at);
    }

    pub(super) fn settled(&self, now: SimTime) -> bool {
        let in_time = |request: &Pending| now <= request.invoked + self.noticeable();
        let acked_lately = self.ack_last.is_none_or(|at| now < at + self.stability);
        let bad_long_ago = self.joined.last().is_none_or(|span| span.to + self.stability <= now);
        acked_lately && bad_long_ago && self.pending.values().all(in_time)
    }

    pub(super) fn finish(mut self, end: SimTime, loss: loss::Tracker) -> ServiceMeasure {
        self.settle();
        let end = self.horizon.unwrap_or(end);
        self.gap_ends(end);
        let noticeable = self.noticeable();
        for request in std::mem::take(&mut self.pending).into_values() {
            self.counts.unknown += 1;
            let from = request.invoked + noticeable;
            if from < end {
                self.add(Span { from, to: end, ended_by: None, ..Span::of(request) });
            }
        }
        let outages: Vec<_> = self.joined.iter().map(|span| self.outage(span, end)).collect();
        let worst = (0..outages.len()).max_by_key(|n| (outages[*n].rto, usize::MAX - n));
        let onset = worst.map(|worst| outages[worst].onset);
        let first_good = worst.and_then(|worst| outages[worst].first_good);
        let gap_of = |strike: &&Strike| onset.is_none_or(|onset| strike.at == onset);
        let gap = self.strikes.iter().filter(gap_of).map(|strike| strike.ack_gap).max();
        let bare = self.bare.iter().map(|(from, to)| to.since(*from));
        let onsets: Vec<_> = match outages.is_empty() {
            true => self.struck.clone(),
            false => outages.iter().map(|outage| outage.onset).collect(),
        };
        let counts = self.counts;
        ServiceMeasure {
            noticeable,
            rto: worst.map_or(Rto::Lasted(SimDuration::ZERO), |worst| outages[worst].rto),
            worst,
            rto_first: first_good
                .zip(onset)
                .map(|(good, onset)| good.ended.max(onset).since(onset)),
            ack_gap: gap.or((0 < counts.acked).then_some(self.ack_gap_max)),
            unavailable: bare.fold(self.bare_summed, |sum, span| sum + span),
            acked: counts.acked,
            failed: counts.failed,
            unknown: counts.unknown,
            resolution: (1 < counts.invoked).then(|| {
                let watched = counts.invoked_last.since(counts.invoked_first);
                watched.scaled(1, counts.invoked - 1)
            }),
            loss: loss.finish(&onsets),
            outages,
        }
    }

    fn outage(&self, span: &Span, end: SimTime) -> Outage {
        let seen_by = span.to.min(span.from + self.noticeable());
        let strike = self.strikes.iter().rev().find(|strike| strike.at <= seen_by);
        let onset = strike.map_or(span.from, |strike| strike.at);
        let first_good = match strike {
            Some(strike) if span.broke <= strike.at => strike.first_good,
            Some(_) | None => span.good_after,
        };
        let rto = if end < span.to + self.stability {
            Rto::LongerThan(end.since(onset))
        } else {
            Rto::Lasted(span.to.since(onset))
        };
        let Span { from, to, ended_by, .. } = *span;
        Outage { onset, from, to, rto, ended_by, first_good }
    }

    /// From here on the noticeable delay stands.
    fn settle(&mut self) {
        if self.noticeable.is_some() {
            return;
        }
        let calm = self.calm.quantile(99, 100).unwrap_or(SimDuration::ZERO);
        self.noticeable = Some(self.noticeable_min.max(calm.times(3)));
        for slow in std::mem::take(&mut self.unsettled) {
            self.bad(slow);
        }
    }

    /// Requests end in order of time: the first good one after a moment is the one seen first.
    fn good(&mut self, good: Good) {
        while let Some((invoked, op)) = self.without_good.first().copied() {
            if good.invoked < invoked {
                break;
            }
            self.without_good.remove(&(invoked, op));
            if let Some(request) = self.pending.get_mut(&op) {
                request.good_after = Some(good);
            }
        }
        for strike in self.strikes.iter_mut().filter(|strike| strike.at <= good.invoked) {
            strike.first_good.get_or_insert(good);
        }
        for span in self.joined.iter_mut().filter(|span| span.broke <= good.invoked) {
            span.good_after.get_or_insert(good);
        }
        if let Some(span) = self.joined.last_mut() {
            span.ended_by.get_or_insert(good.event);
        }
        self.bad_last = None;
    }

    fn bad(&mut self, slow: Slow) {
        let Slow { request, ended, served, event, barren_since } = slow;
        if let Some(since) = barren_since {
            self.add_bare(since, ended);
        }
        let from = if served { request.invoked + self.noticeable() } else { request.invoked };
        if from < ended || !served {
            let ended_by = served.then_some(event);
            self.add(Span { from, to: ended, ended_by, ..Span::of(request) });
        }
    }

    fn add(&mut self, span: Span) {
        let Some(span) = span.within(self.horizon) else { return };
        let stability = self.stability;
        let first = self.joined.partition_point(|other| other.to + stability <= span.from);
        let after = self.joined.partition_point(|other| other.from < span.to + stability);
        let hull = self.joined.drain(first..after.max(first)).fold(span, Span::hull);
        self.joined.insert(first, hull);

        self.add_bare(span.from, span.to);
    }

    fn add_bare(&mut self, from: SimTime, to: SimTime) {
        let to = self.horizon.map_or(to, |horizon| horizon.min(to));
        if to <= from {
            return;
        }
        let first = self.bare.partition_point(|other| other.1 <= from);
        let after = self.bare.partition_point(|other| other.0 < to);
        let wider = |one: (SimTime, SimTime), other: (SimTime, SimTime)| {
            (one.0.min(other.0), one.1.max(other.1))
        };
        let hull = self.bare.drain(first..after.max(first)).fold((from, to), wider);
        self.bare.insert(first, hull);
        if BARE_MAX <= self.bare.len() {
            self.sum_bare();
        }
    }

    /// No request that is still open can reach back before its invocation.
    fn sum_bare(&mut self) {
        let open = self.pending.values().map(|request| request.invoked).min();
        let done = self.bare.partition_point(|span| open.is_none_or(|open| span.1 <= open));
        let done = done.min(self.bare.len() - 1);
        for (from, to) in self.bare.drain(..done) {
            self.bare_summed += to.since(from);
        }
    }

    fn gap_ends(&mut self, at: SimTime) {
        if self.horizon.is_some_and(|horizon| horizon < at) {
            return;
        }
        let Some(before) = self.ack_last.replace(at) else { return };
        let gap = at.since(before);
        self.ack_gap_max = self.ack_gap_max.max(gap);
        for strike in self.strikes.iter_mut().rev().filter(|strike| strike.at <= at) {
            strike.ack_gap = strike.ack_gap.max(gap);
            if strike.at <= before {
                break;
            }
        }
    }
}

impl Span {
    fn of(request: Pending) -> Span {
        Span {
            from: request.invoked,
            to: request.invoked,
            ended_by: None,
            broke: request.invoked,
            good_after: request.good_after,
        }
    }

    fn within(self, horizon: Option<SimTime>) -> Option<Span> {
        match horizon.filter(|horizon| *horizon < self.to) {
            None => Some(self),
            Some(horizon) if self.from < horizon => {
                Some(Span { to: horizon, ended_by: None, ..self })
            }
            Some(_) => None,
        }
    }

    fn hull(self, other: Span) -> Span {
        let last = if other.to <= self.to { self } else { other };
        let first = if self.broke <= other.broke { self } else { other };
        Span {
            from: self.from.min(other.from),
            to: last.to,
            ended_by: last.ended_by,
            broke: first.broke,
            good_after: first.good_after,
        }
    }
}

#[cfg(test)]
mod tests;
