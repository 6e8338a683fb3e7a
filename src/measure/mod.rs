//! Measure: outages, loss, split brain, quantiles and intervals.
//!
//! Here: definitions in words at the top of each file; floats only here and in report.
//! Never here: a replication flow's schedule or lag; protocol or system types.
//! Modelled on: hyperfine, order-statistic intervals.

pub mod failover;
pub mod interval;
pub mod latency;
pub mod loss;
pub mod outage;
pub mod quantile;
pub mod split_brain;

use crate::engine::note::Stamped;
use crate::engine::time::{SimDuration, SimTime};
use crate::history::{Fact, ResourceName, ServiceName};

pub use failover::Failover;
pub use loss::Loss;
pub use outage::{Good, Outage, Rto};
pub use split_brain::{Moment, SplitBrain};

/// What is measured, and by which windows.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Number of services; their names are `0..services`.
    pub services: u32,
    /// Number of resources; their names are `0..resources`.
    pub resources: u32,
    /// Outages parted by less are one; a run ends no sooner after the last of them.
    pub stability: SimDuration,
    /// The least noticeable delay.
    pub noticeable_min: SimDuration,
    /// The onset of every outage, in place of the fault that struck last.
    pub measure_from: Option<SimTime>,
    /// The end of the warm-up: requests invoked before are no part of an outage, nor of what is
    /// noticeable. (Their writes are part of the audit.)
    pub since: SimTime,
}

impl Setup {
    /// The windows of the definition: stability 30 s, noticeable delay of at least 1 s.
    pub fn new(services: u32, resources: u32) -> Setup {
        Setup {
            services,
            resources,
            stability: SimDuration::from_secs(30),
            noticeable_min: SimDuration::from_secs(1),
            measure_from: None,
            since: SimTime::START,
        }
    }
}

/// All measures of one run, fed online with its history.
#[derive(Clone, Debug)]
pub struct Measures {
    stability: SimDuration,
    since: SimTime,
    disturbed: Option<SimTime>,
    services: Vec<outage::Tracker>,
    losses: Vec<loss::Tracker>,
    resources: Vec<split_brain::Tracker>,
    failovers: failover::Tracker,
}

/// What one service's clients went through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceMeasure {
    /// A request that takes longer is bad.
    pub noticeable: SimDuration,
    /// Every outage, in order of time.
    pub outages: Vec<Outage>,
    /// The longest outage's; zero if nobody noticed anything.
    pub rto: Rto,
    /// Which of `outages` that is.
    pub worst: Option<usize>,
    /// From the worst outage's onset to the end of the first good request that was invoked after
    /// the onset and no sooner than the outage's first bad request.
    pub rto_first: Option<SimDuration>,
    /// The longest gap between acknowledgements around the onset.
    pub ack_gap: Option<SimDuration>,
    /// The length of the union of bad intervals, gaps not included.
    pub unavailable: SimDuration,
    /// Requests served.
    pub acked: u64,
    /// Requests answered with failure.
    pub failed: u64,
    /// Requests whose outcome the client never heard, those open at the end included.
    pub unknown: u64,
    /// The mean span between two invocations: no onset or end is known more finely.
    pub resolution: Option<SimDuration>,
    /// What the audit found; `None` if no write was acknowledged.
    pub loss: Option<Loss>,
}

impl ServiceMeasure {
    /// All requests, however they ended; zero if nobody calls the service.
    pub const fn requests(&self) -> u64 {
        self.acked + self.failed + self.unknown
    }
}

/// Everything that was measured in one run; services and resources by their dense names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// By `ServiceName`.
    pub services: Vec<ServiceMeasure>,
    /// By `ResourceName`.
    pub split_brain: Vec<SplitBrain>,
    /// In order of time.
    pub failovers: Vec<Failover>,
}

impl Measures {
    /// Nothing seen yet.
    pub fn new(setup: &Setup) -> Measures {
        let Setup { services, resources, .. } = *setup;
        Measures {
            stability: setup.stability,
            since: setup.since,
            disturbed: None,
            services: (0..services).map(|_| outage::Tracker::new(setup)).collect(),
            losses: (0..services).map(|_| loss::Tracker::default()).collect(),
            resources: (0..resources).map(|_| split_brain::Tracker::default()).collect(),
            failovers: failover::Tracker::default(),
        }
    }

    /// One more entry of the history, in order of time.
    pub fn observe(&mut self, entry: &Stamped) {
        let Some(fact) = Fact::read(&entry.note) else { return };
        match fact {
            Fact::Invoked { service, op, write, bytes, content: _ } => {
                let tracker = self.services.get_mut(service.0 as usize);
                if let Some(tracker) = tracker.filter(|_| self.since <= entry.at) {
                    tracker.invoked(entry.at, op);
                }
                if let (true, Some(loss)) = (write, self.losses.get_mut(service.0 as usize)) {
                    loss.invoked(op, bytes);
                }
            }
            Fact::Ended { service, op, outcome } => {
                if let Some(tracker) = self.services.get_mut(service.0 as usize) {
                    tracker.ended(entry, op, outcome);
                }
                if let Some(loss) = self.losses.get_mut(service.0 as usize) {
                    loss.ended(entry.at, op, outcome);
                }
            }
            Fact::Audited { service, op, present } => {
                if let Some(loss) = self.losses.get_mut(service.0 as usize) {
                    loss.audited(entry.at, op, present);
                }
            }
            Fact::RoleClaimed { resource, role, .. } => {
                if let Some(tracker) = self.resource(resource) {
                    tracker.claimed(entry, role);
                }
                self.failovers.claimed(entry, resource, role);
            }
            Fact::RoleLost { resource, role, .. } => {
                if let Some(tracker) = self.resource(resource) {
                    tracker.lost(entry, role);
                }
            }
            Fact::RoleServed { resource, .. } => {
                if let Some(tracker) = self.resource(resource) {
                    tracker.served(entry);
                }
            }
            Fact::Acknowledged { resource, position, .. } => {
                if let Some(tracker) = self.resource(resource) {
                    tracker.acknowledged(entry, position);
                }
            }
            Fact::TermBegun { .. }
            | Fact::Durable { .. }
            | Fact::Applied { .. }
            | Fact::Truncated { .. }
            | Fact::CopyShipped { .. }
            | Fact::CopyPromoted { .. }
            | Fact::Noted { .. } => {}
        }
    }

    /// A fault struck: from here on outages have an onset.
    pub fn fault_struck(&mut self, at: SimTime) {
        self.disturbed = self.disturbed.max(Some(at));
        for tracker in &mut self.services {
            tracker.struck(at);
        }
    }

    /// A fault ended; no onset, but the service has to be watched for a stability window more.
    pub fn fault_healed(&mut self, at: SimTime) {
        self.disturbed = self.disturbed.max(Some(at));
    }

    /// The clients begin no more requests: their outages' horizon. What follows is the audit.
    pub fn load_stopped(&mut self, at: SimTime) {
        for tracker in &mut self.services {
            tracker.load_stopped(at);
        }
    }

    /// Whether every service has been good for a stability window that no fault disturbed: the
    /// run may end as far as the measures go.
    pub fn settled(&self, now: SimTime) -> bool {
        self.disturbed.is_none_or(|at| at + self.stability <= now)
            && self.services.iter().all(|service| service.settled(now))
    }

    /// How long a request of this service may take before anyone notices, so far as is known.
    pub fn noticeable(&self, service: ServiceName) -> Option<SimDuration> {
        self.services.get(service.0 as usize).map(outage::Tracker::noticeable)
    }

    /// The run ended: what was open stays open, to the horizon: `end`, or where the load stopped.
    pub fn finish(self, end: SimTime) -> Measured {
        let services = self.services.into_iter().zip(self.losses);
        Measured {
            services: services.map(|(outages, loss)| outages.finish(end, loss)).collect(),
            split_brain: self.resources.into_iter().map(|one| one.finish(end)).collect(),
            failovers: self.failovers.finish(),
        }
    }

    fn resource(&mut self, resource: ResourceName) -> Option<&mut split_brain::Tracker> {
        self.resources.get_mut(resource.0 as usize)
    }
}
