//! Net: hosts in racks in sites, the links between them, and what is cut.
//!
//! Here: which link class two hosts share, and whether a packet gets through.
//! Never here: connections (that is `tcp`), processes.
//! Modelled on: ns-3's point-to-point links; Linux netfilter drops.

use std::collections::{BTreeMap, BTreeSet};

use super::dice::Ratio;
use super::distributions::Latency;
use super::id::{HostId, RackId, SiteId};
use super::time::{SimDuration, SimTime};

/// How packets travel between two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkOptions {
    /// One way.
    pub latency: Latency,
    /// Of a packet; TCP turns it into a retransmission.
    pub loss: Ratio,
    /// Bytes per second of the sender's interface on this link; 0: no limit.
    pub bandwidth_bytes_s: u64,
    /// After so long a neighbour or router answers that a silent host cannot be reached; `None`:
    /// silence for ever.
    pub unreachable_after: Option<SimDuration>,
}

impl LinkOptions {
    /// A link of that latency, without loss or limit.
    pub const fn of(latency: Latency) -> LinkOptions {
        LinkOptions { latency, loss: Ratio::ZERO, bandwidth_bytes_s: 0, unreachable_after: None }
    }
}

/// Links by how far apart two hosts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkClasses {
    /// Within one host.
    pub loopback: LinkOptions,
    /// Within one rack.
    pub rack: LinkOptions,
    /// Within one site.
    pub site: LinkOptions,
    /// Between sites that have no options of their own.
    pub far: LinkOptions,
}

impl Default for LinkClasses {
    /// A switched data centre: 100 us within a rack, 200 us within a site, 15 ms between sites.
    fn default() -> LinkClasses {
        let excess = |min_us, mean_us| {
            LinkOptions::of(Latency::Excess {
                min: SimDuration::from_micros(min_us),
                mean: SimDuration::from_micros(mean_us),
            })
        };
        LinkClasses {
            loopback: LinkOptions::of(Latency::Fixed(SimDuration::from_micros(20))),
            rack: excess(80, 20),
            site: excess(150, 50),
            far: excess(14_000, 1_000),
        }
    }
}

/// An installed cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CutId(pub u32);

#[derive(Clone)]
struct Cut {
    id: CutId,
    from: BTreeSet<HostId>,
    to: BTreeSet<HostId>,
    both: bool,
}

#[derive(Clone, Copy)]
pub(super) struct HostNet {
    pub(super) rack: RackId,
    pub(super) site: SiteId,
    /// Powered and its kernel runs.
    pub(super) up: bool,
    /// Its kernel is frozen (a paused virtual machine): packets wait for it.
    pub(super) frozen: bool,
    /// All its packets are dropped, both ways.
    pub(super) silent: bool,
    pub(super) nic_free_at: SimTime,
}

/// Hosts, links and cuts.
#[derive(Clone)]
pub(super) struct Net {
    pub(super) hosts: Vec<HostNet>,
    links: Vec<LinkOptions>,
    between_sites: BTreeMap<(SiteId, SiteId), u16>,
    overrides: BTreeMap<(HostId, HostId), u16>,
    cuts: Vec<Cut>,
    cut_next: u32,
    /// How many cuts, silent, frozen and powered-off hosts there are: 0 is the fast path.
    pub(super) disturbances: u32,
}

const LOOPBACK: u16 = 0;
const RACK: u16 = 1;
const SITE: u16 = 2;
const FAR: u16 = 3;

impl Net {
    pub(super) fn new(classes: LinkClasses) -> Net {
        Net {
            hosts: Vec::new(),
            links: vec![classes.loopback, classes.rack, classes.site, classes.far],
            between_sites: BTreeMap::new(),
            overrides: BTreeMap::new(),
            cuts: Vec::new(),
            cut_next: 0,
            disturbances: 0,
        }
    }

    fn add_link(&mut self, options: LinkOptions) -> u16 {
        self.links.push(options);
        u16::try_from(self.links.len() - 1).expect("link classes are few")
    }

    pub(super) fn connect_sites(&mut self, one: SiteId, other: SiteId, options: LinkOptions) {
        let link = self.add_link(options);
        self.between_sites.insert((one, other), link);
        self.between_sites.insert((other, one), link);
    }

    pub(super) fn override_link(&mut self, from: HostId, to: HostId, options: LinkOptions) {
        let link = self.add_link(options);
        self.overrides.insert((from, to), link);
    }

    /// The link of two hosts; kept by a connection.
    pub(super) fn link_between(&self, from: HostId, to: HostId) -> u16 {
        if let Some(link) = self.overrides.get(&(from, to)) {
            return *link;
        }
        let (a, b) = (&self.hosts[from.index()], &self.hosts[to.index()]);
        if from == to {
            LOOPBACK
        } else if a.rack == b.rack {
            RACK
        } else if a.site == b.site {
            SITE
        } else {
            self.between_sites.get(&(a.site, b.site)).copied().unwrap_or(FAR)
        }
    }

    pub(super) fn link(&self, link: u16) -> &LinkOptions {
        &self.links[link as usize]
    }

    /// Whether a packet from one host reaches the other's kernel now.
    pub(super) fn open(&self, from: HostId, to: HostId) -> bool {
        if self.disturbances == 0 {
            return true;
        }
        let (a, b) = (&self.hosts[from.index()], &self.hosts[to.index()]);
        if !(a.up && b.up) || a.frozen || b.frozen {
            return false;
        }
        if from == to {
            return true;
        }
        !(a.silent || b.silent || self.cuts.iter().any(|cut| cut.stops(from, to)))
    }

    /// Whether both directions are open.
    pub(super) fn open_both_ways(&self, one: HostId, other: HostId) -> bool {
        self.open(one, other) && self.open(other, one)
    }

    pub(super) fn cut(&mut self, from: &[HostId], to: &[HostId], both: bool) -> CutId {
        let id = CutId(self.cut_next);
        self.cut_next += 1;
        let set = |hosts: &[HostId]| hosts.iter().copied().collect();
        self.cuts.push(Cut { id, from: set(from), to: set(to), both });
        self.disturbances += 1;
        id
    }

    /// `false`: it had been healed before.
    pub(super) fn heal(&mut self, id: CutId) -> bool {
        let before = self.cuts.len();
        self.cuts.retain(|cut| cut.id != id);
        let healed = self.cuts.len() < before;
        self.disturbances -= u32::from(healed);
        healed
    }

    /// Sets one of a host's flags and keeps count.
    pub(super) fn disturb(&mut self, host: HostId, flag: fn(&mut HostNet) -> &mut bool, to: bool) {
        let place = flag(&mut self.hosts[host.index()]);
        let was = std::mem::replace(place, to);
        if was != to {
            let disturbed = self.hosts.iter().map(HostNet::disturbances).sum::<u32>();
            self.disturbances = disturbed + u32::try_from(self.cuts.len()).expect("few cuts");
        }
    }
}

impl HostNet {
    fn disturbances(&self) -> u32 {
        u32::from(!self.up) + u32::from(self.frozen) + u32::from(self.silent)
    }
}

impl Cut {
    fn stops(&self, from: HostId, to: HostId) -> bool {
        (self.from.contains(&from) && self.to.contains(&to))
            || (self.both && self.from.contains(&to) && self.to.contains(&from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn four_hosts() -> Net {
        let mut net = Net::new(LinkClasses::default());
        for (rack, site) in [(0, 0), (0, 0), (1, 0), (2, 1)] {
            net.hosts.push(HostNet {
                rack: RackId(rack),
                site: SiteId(site),
                up: true,
                frozen: false,
                silent: false,
                nic_free_at: SimTime::START,
            });
        }
        net
    }

    #[test]
    fn a_link_is_as_far_as_its_hosts_are_apart() {
        let net = four_hosts();
        let links = [0, 1, 2, 3].map(|to| net.link_between(HostId(0), HostId(to)));
        assert_eq!(links, [LOOPBACK, RACK, SITE, FAR]);
    }

    #[test]
    fn cuts_stop_one_way_or_both_and_heal() {
        let (a, b, mut net) = (HostId(0), HostId(2), four_hosts());
        let one_way = net.cut(&[a], &[b], false);
        assert_eq!((net.open(a, b), net.open(b, a)), (false, true));
        let both = net.cut(&[a], &[b], true);
        assert!(net.heal(one_way) && !net.heal(one_way));
        assert_eq!((net.open(a, b), net.open(b, a)), (false, false));
        net.heal(both);
        net.disturb(b, |host| &mut host.silent, true);
        assert!(!net.open(a, b) && net.open(b, b));
        net.disturb(b, |host| &mut host.silent, false);
        assert_eq!(net.disturbances, 0);
    }
}
