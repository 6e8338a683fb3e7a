//! Flow: bulk transfers that share links by processor sharing.
//!
//! Here: max-min fair rates over the two interfaces and the rate cap, stalls in a cut, resumption.
//! Never here: what is transferred.
//! Modelled on: flow-level models of SimGrid (max-min fairness).

use super::core::Core;
use super::event::Event;
use super::event_list::Handle;
use super::id::{FlowId, HostId, ProcessId};
use super::time::{SimDuration, SimTime};

/// What a flow tells the process that started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowProgress {
    /// All bytes are there.
    Done,
    /// The path is cut; the transport waits.
    Stalled,
    /// It goes on.
    Resumed,
    /// The other end is gone.
    Failed,
}

#[derive(Clone)]
struct Flow {
    id: FlowId,
    owner: ProcessId,
    peer: ProcessId,
    hosts: [HostId; 2],
    bytes_left: u64,
    rate_cap: u64,
    rate: u64,
    stalled: bool,
}

/// The running flows of a world.
#[derive(Clone, Default)]
pub(super) struct Flows {
    running: Vec<Flow>,
    next: u32,
    updated: SimTime,
    due: Option<Handle>,
}

/// Without a rate cap and a limit of the link: 10 Gbit/s.
const UNLIMITED_BYTES_S: u64 = 1_250_000_000;

impl Core {
    pub(super) fn start_flow(
        &mut self,
        owner: ProcessId,
        peer: ProcessId,
        bytes: u64,
        rate_cap: Option<u64>,
    ) -> FlowId {
        let id = FlowId(self.flows.next);
        self.flows.next += 1;
        let hosts = [owner, peer].map(|process| self.processes[process.index()].host);
        let link = self.net.link(self.net.link_between(hosts[0], hosts[1]));
        let limit = match link.bandwidth_bytes_s {
            0 => UNLIMITED_BYTES_S,
            limit => limit,
        };
        let rate_cap = rate_cap.filter(|cap| *cap != 0).map_or(limit, |cap| cap.min(limit));
        self.advance_flows();
        let flow = Flow {
            id,
            owner,
            peer,
            hosts,
            bytes_left: bytes,
            rate_cap: rate_cap.max(1),
            rate: 0,
            stalled: !self.net.open_both_ways(hosts[0], hosts[1]),
        };
        if !self.processes[peer.index()].alive {
            self.tell_flow(owner, id, FlowProgress::Failed);
            return id;
        }
        if flow.stalled {
            self.tell_flow(owner, id, FlowProgress::Stalled);
        }
        self.flows.running.push(flow);
        self.plan_flows();
        id
    }

    pub(super) fn stop_flow(&mut self, id: FlowId) {
        self.advance_flows();
        self.flows.running.retain(|flow| flow.id != id);
        self.plan_flows();
    }

    /// Flows of a dead owner stop; flows towards a dead peer fail.
    pub(super) fn flows_of_dead(&mut self, process: ProcessId) {
        if self.flows.running.is_empty() {
            return;
        }
        self.advance_flows();
        self.flows.running.retain(|flow| flow.owner != process);
        let failed: Vec<Flow> =
            self.flows.running.extract_if(.., |flow| flow.peer == process).collect();
        for flow in failed {
            self.tell_flow(flow.owner, flow.id, FlowProgress::Failed);
        }
        self.plan_flows();
    }

    /// After a cut or a heal: flows stall or go on.
    pub(super) fn flows_path_changed(&mut self) {
        if self.flows.running.is_empty() {
            return;
        }
        self.advance_flows();
        let mut turned = Vec::new();
        for flow in &mut self.flows.running {
            let stalled = !self.net.open_both_ways(flow.hosts[0], flow.hosts[1]);
            if stalled != flow.stalled {
                flow.stalled = stalled;
                turned.push((flow.owner, flow.id, stalled));
            }
        }
        for (owner, id, stalled) in turned {
            let progress = if stalled { FlowProgress::Stalled } else { FlowProgress::Resumed };
            self.tell_flow(owner, id, progress);
        }
        self.plan_flows();
    }

    /// The first flow is done.
    pub(super) fn on_flow(&mut self) {
        self.flows.due = None;
        self.advance_flows();
        let done: Vec<Flow> =
            self.flows.running.extract_if(.., |flow| flow.bytes_left == 0).collect();
        for flow in done {
            self.tell_flow(flow.owner, flow.id, FlowProgress::Done);
        }
        self.plan_flows();
    }

    fn advance_flows(&mut self) {
        let span = self.now.since(self.flows.updated.min(self.now)).as_nanos();
        for flow in &mut self.flows.running {
            let moved = u128::from(flow.rate) * u128::from(span) / 1_000_000_000;
            let moved = u64::try_from(moved).unwrap_or(u64::MAX);
            flow.bytes_left = flow.bytes_left.saturating_sub(moved);
        }
        self.flows.updated = self.now;
    }

    /// Progressive filling: raise all rates together; who meets a cap or a full interface stays.
    fn plan_flows(&mut self) {
        let flows = &mut self.flows.running;
        for flow in flows.iter_mut() {
            flow.rate = 0;
        }
        let mut open: Vec<usize> = (0..flows.len()).filter(|at| !flows[*at].stalled).collect();
        while !open.is_empty() {
            let used = |flows: &[Flow], host: HostId, side: usize| -> u64 {
                flows.iter().filter(|flow| flow.hosts[side] == host).map(|flow| flow.rate).sum()
            };
            let sharing = |host: HostId, side: usize, flows: &[Flow]| -> u64 {
                open.iter().filter(|at| flows[**at].hosts[side] == host).count() as u64
            };
            let room = |at: usize, flows: &[Flow]| {
                let flow = &flows[at];
                let side = |side: usize| {
                    let host = flow.hosts[side];
                    let left = UNLIMITED_BYTES_S.saturating_sub(used(flows, host, side));
                    left / sharing(host, side, flows).max(1)
                };
                side(0).min(side(1)).min(flow.rate_cap - flow.rate)
            };
            let step = open.iter().map(|at| room(*at, flows)).min().unwrap_or(0);
            for at in &open {
                flows[*at].rate += step;
            }
            let before = open.len();
            let full: Vec<usize> =
                open.iter().copied().filter(|at| room(*at, flows) == 0).collect();
            open.retain(|at| !full.contains(at));
            if open.len() == before {
                break;
            }
        }
        let left = |flow: &Flow| {
            let ns = u128::from(flow.bytes_left) * 1_000_000_000 / u128::from(flow.rate);
            SimDuration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX).saturating_add(1))
        };
        let first = flows.iter().filter(|flow| flow.rate != 0).map(left).min();
        if let Some(due) = self.flows.due.take() {
            self.list.cancel(due);
        }
        if let Some(span) = first {
            let due = self.schedule(self.now + span, Event::Flow);
            self.flows.due = Some(due);
        }
    }
}
