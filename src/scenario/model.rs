//! Model: a scenario with every name checked and every default filled in.
//!
//! Here: what the runner builds a world from.
//! Never here: the file it came from; a system's word (names are data, see `vocabulary`).
//! Modelled on: DESIGN 1 (words), 2 (keys), 3.4 (hosts, network, disks).

use std::collections::BTreeMap;

use crate::engine::config::{Config, Profile};
use crate::engine::time::SimDuration;
use crate::faults::Fault;

pub use crate::systems::{Arrival, Load};

/// One design under one load and one list of faults.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Short; the file's stem unless it says otherwise.
    pub name: String,
    /// What happens and why, in the author's words.
    pub about: String,
    /// Hash of all that was read, includes and `--set` applied: part of a run's identity.
    pub hash: u64,
    /// Hosts, what runs there, and the wires between them.
    pub topology: Topology,
    /// What the operator wrote.
    pub settings: Settings,
    /// Sizes that models ask for, by registered name: `namespace-files`.
    pub sizes: BTreeMap<String, u64>,
    /// Who calls which service, and how.
    pub loads: Vec<Load>,
    /// What goes wrong. Empty: an architecture.
    pub faults: Vec<Fault>,
    /// What must hold, else the verdict is `violated`.
    pub objectives: Vec<Objective>,
    /// What a test expects of this file.
    pub expect: Expect,
    /// Spans of the run.
    pub run: RunSpans,
    /// Historic bugs to plant, by name.
    pub plants: Vec<String>,
}

/// Spans of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunSpans {
    /// Load without faults before the scenario's clock starts at zero.
    pub warm_up: SimDuration,
    /// The scenario's clock runs at most until here.
    pub horizon: SimDuration,
    /// All faults on the clock are put off together by one draw in `0..jitter`, so that they
    /// strike at a random phase of every timer. Zero pins them.
    pub jitter: SimDuration,
    /// Overrides the onset of the RTO: a time of the scenario's clock, before the jitter.
    pub measure_from: Option<SimDuration>,
    /// Bad intervals closer than this are one outage.
    pub stability: SimDuration,
}

/// Hosts, processes and wires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// Data centres.
    pub sites: Vec<Site>,
    /// Racks, in sites.
    pub racks: Vec<Rack>,
    /// Hosts, in racks.
    pub hosts: Vec<Host>,
    /// Processes, clients included, in the order in which they are started.
    pub processes: Vec<Placed>,
    /// What the wires are like.
    pub network: Network,
}

/// A data centre.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Unique.
    pub name: String,
    /// Its city.
    pub region: String,
}

/// A rack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rack {
    /// Unique.
    pub name: String,
    /// Index into [`Topology::sites`].
    pub site: usize,
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Unique among hosts.
    pub name: String,
    /// Index into [`Topology::racks`].
    pub rack: usize,
    /// Its disk, shared by its processes.
    pub disk: Disk,
}

/// A disk's service times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Shortest sync.
    pub sync_min: SimDuration,
    /// Mean of the exponential part above it.
    pub sync_excess_mean: SimDuration,
    /// Bytes a second.
    pub bandwidth_bytes_s: u64,
}

/// A process at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Unique among processes: `nn1`.
    pub name: String,
    /// A registered role: `namenode`.
    pub role: String,
    /// Which registered role builds it: the same, or what the scenario puts in its place.
    pub built_by: String,
    /// Index into [`Topology::hosts`].
    pub host: usize,
    /// What it belongs to, where a system has several of the kind: a nameservice.
    pub group: Option<String>,
    /// What its host's supervisor does when it ends.
    pub restart: Restart,
    /// Of a client: index into [`Scenario::loads`].
    pub load: Option<usize>,
}

/// What a supervisor does when a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Nothing.
    None,
    /// As systemd with `Restart=always`: starts it after a pause.
    Systemd {
        /// `RestartSec`.
        delay: SimDuration,
    },
}

/// What the wires are like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Between hosts of one rack.
    pub rack: Link,
    /// Between racks of one site.
    pub site: Link,
    /// Between sites without a link of their own.
    pub wan: Link,
    /// Between two sites (indices, the lower first).
    pub pairs: BTreeMap<(usize, usize), Link>,
    /// After how long a silent host is reported unreachable; none: never, it is silence.
    pub unreachable_after: Option<SimDuration>,
}

/// One class of wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Shortest one-way latency.
    pub latency_min: SimDuration,
    /// Mean of the exponential part above it.
    pub latency_excess_mean: SimDuration,
    /// Bytes a second.
    pub bandwidth_bytes_s: u64,
    /// Lost packets in a million.
    pub loss_ppm: u32,
}

/// What the operator wrote, by the family of daemons that reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Per family (`hadoop`, `zookeeper`): for all its processes.
    pub families: BTreeMap<String, Written>,
    /// Per role or process name, over the family's.
    pub overrides: BTreeMap<String, Written>,
    /// Which family a role reads.
    pub family_of_role: BTreeMap<String, String>,
}

/// Keys and profile as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The release whose stock values apply.
    pub profile: Option<Profile>,
    /// Checked texts by newest name, suffix kept.
    pub keys: BTreeMap<String, String>,
}

impl Settings {
    /// What one process reads: its family's words, then its role's, then its own. Not yet scoped
    /// to a nameservice: the builder knows which.
    pub fn config_of(&self, process: &Placed) -> Config {
        let family = self.family_of_role.get(&process.role);
        let layers = [
            family.and_then(|family| self.families.get(family)),
            self.overrides.get(&process.role),
            self.overrides.get(&process.name),
        ];
        let layers = || layers.into_iter().flatten();
        let profile = layers().filter_map(|layer| layer.profile).next_back();
        let stock = Config::stock(profile.unwrap_or(Profile("")));
        let words = layers().flat_map(|layer| &layer.keys);
        words.fold(stock, |config, (name, text)| config.with(name, text))
    }
}

/// What must hold over the runs of a campaign, or of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objective {
    /// As written: `rto_p99 < 60s`.
    pub text: String,
    /// Which service; none: the first load's, or the whole run's.
    pub service: Option<String>,
    /// What is measured.
    pub measure: Measure,
    /// Over which runs.
    pub statistic: Statistic,
    /// What it must lie in.
    pub bound: Bound,
}

/// What is measured; definitions in `measure`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// Recovery time.
    Rto,
    /// First good request invoked after the onset.
    RtoFirst,
    /// Longest gap between acknowledgements around the onset.
    AckGap,
    /// Time unavailable.
    Unavailable,
    /// Age of the loss.
    Rpo,
    /// Acknowledged operations lost.
    LostAcked,
    /// Acknowledged bytes lost.
    LostBytes,
    /// Failed operations.
    Failed,
    /// Operations whose outcome nobody heard.
    Unknown,
    /// Number of outages.
    Outages,
    /// Number of failovers.
    Failovers,
    /// Grade of split brain, 0 to 3.
    SplitBrain,
    /// Time of dual belief.
    DualBelief,
    /// Reads that a deposed process answered.
    StaleReads,
    /// Writes that both acknowledged.
    ConflictingWrites,
}

/// Over which runs a bound is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// Every run.
    Each,
    /// The mean.
    Mean,
    /// The quantile, in thousandths: 990 is p99.
    Quantile(u32),
}

/// What a value must lie in; nanoseconds for spans, else counts. Both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// At least this.
    pub low: u64,
    /// At most this; none: without limit, censored values too.
    pub high: Option<u64>,
}

impl Bound {
    /// Whether a value lies in it. `None`: longer than was seen.
    pub fn holds(self, value: Option<u64>) -> bool {
        match (value, self.high) {
            (Some(value), Some(high)) => self.low <= value && value <= high,
            (Some(value), None) => self.low <= value,
            (None, high) => high.is_none(),
        }
    }
}

/// What a test expects of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expect {
    /// How many seeds are run, from 0.
    pub seeds: u32,
    /// Bounds on measures.
    pub measures: Vec<Objective>,
    /// Bounds on phases of the RTO by name, in nanoseconds: in every run.
    pub phases: BTreeMap<String, Bound>,
    /// Who holds the active role at the end of every run; empty list: nobody; none: not asked.
    pub active_at_end: Option<Vec<String>>,
    /// Which processes end by themselves in every run; none: not asked.
    pub exits: Option<Vec<String>>,
    /// The verdict of every run.
    pub verdict: Option<ExpectedVerdict>,
}

/// A verdict that a file expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedVerdict {
    /// Nothing bad was seen.
    Passed,
    /// A property or an objective was violated.
    Violated,
    /// Too little was looked at.
    Inconclusive,
}

/// A list of faults without a topology.
#[derive(Clone, Debug, PartialEq)]
pub struct Disaster {
    /// Short.
    pub name: String,
    /// What happens, in the author's words.
    pub about: String,
    /// Aimed at selectors, roles and sites.
    pub faults: Vec<Fault>,
}
