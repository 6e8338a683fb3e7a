//! Finish: the last act of a run, and the record that it leaves behind.
//!
//! Here: the audit, the critical paths cut into phases, names in place of ids.
//! Never here: a measure's definition.
//! Modelled on: DESIGN 7, `hadr.run/1`.

use std::collections::BTreeMap;

use super::objectives::Asked;
use super::record::{
    CensusRow, ExitRecord, FailoverRecord, FaultRecord, Phase, Record, ResourceRecord,
    ServiceRecord, TimelineLine, Weight,
};
use super::session::Session;
use crate::engine::cause::{CriticalPath, Stretch, What};
use crate::engine::note::Stamped;
use crate::engine::time::{SimDuration, SimTime};
use crate::engine::world::World;
use crate::faults::{Fate, Unstruck};
use crate::measure::{Measured, ServiceMeasure};
use crate::oracle::Gap;
use crate::systems::Registry;

impl Session {
    /// Runs to the end, audits, and tells what happened.
    pub fn finish(self) -> Record {
        self.finish_with_history().0
    }

    /// The same, with the history if it was watched for.
    pub fn finish_with_history(mut self) -> (Record, Vec<Stamped>) {
        self.advance_to_end();
        let end = self.now();
        // The audit's own events are no part of the paths: they are cut first.
        let before_audit = self.clone();
        if !self.scenario.loads.is_empty() && self.world.limit_hit().is_none() {
            self.audit();
        }
        let mut record = self.record(end, before_audit.measures.clone().finish(end));
        let holders = before_audit.holders(crate::history::Role::Active);
        record.active_at_end = holders.into_iter().map(str::to_string).collect();
        let paths = Paths { world: &before_audit.world, registry: &self.registry };
        for service in &mut record.services {
            service.phases = paths.phases(&service.name, &service.measure, &mut record.gaps);
        }
        let (violations, gaps) = Asked::by(&self.scenario).of_run(&record);
        record.violations.extend(violations);
        record.gaps.extend(gaps);
        (record, self.history)
    }

    /// `before`: what was measured before the audit; the audit tells of losses and nothing else.
    fn record(&mut self, end: SimTime, before: Measured) -> Record {
        let name = |process| self.world.process_name(process).to_string();
        let measured = self.measures.clone().finish(end);
        let (violations, mut gaps) = self.oracle.clone().finish(end);
        if let Some(limit) = self.world.limit_hit() {
            gaps.push(Gap::Unseen { what: format!("the run hit {limit} and was ended") });
        }
        let faults = self.fault_records(&mut gaps);
        let failovers = before.failovers.iter().map(|found| FailoverRecord {
            resource: self.names.resources[found.resource.0 as usize].clone(),
            from: name(found.from),
            to: name(found.to),
            at: found.at,
        });
        let failovers = failovers.collect();
        let exits = self.exits.iter().map(|(at, process, reason)| ExitRecord {
            process: name(*process),
            at: *at,
            reason: (*reason).to_string(),
        });
        let exits = exits.filter(|exit| exit.at <= end).collect();
        let mut split_brain: Vec<ResourceRecord> = Vec::new();
        for (resource, found) in self.names.resources.iter().zip(before.split_brain) {
            split_brain.push(ResourceRecord { resource: resource.clone(), found });
        }
        split_brain.sort_by(|one, other| one.resource.cmp(&other.resource));
        let mut services: Vec<ServiceRecord> = Vec::new();
        let all = self.names.services.iter().zip(measured.services);
        for (service, measure) in all.filter(|(_, measure)| 0 < measure.requests()) {
            if let Some(loss) = measure.loss.as_ref().filter(|loss| loss.unaudited != 0) {
                let (service, unaudited) = (service.clone(), loss.unaudited);
                gaps.push(Gap::AuditIncomplete { service, unaudited });
            }
            let phases = Vec::new();
            services.push(ServiceRecord { name: service.clone(), measure, phases });
        }
        services.sort_by(|one, other| one.name.cmp(&other.name));
        let census = self.world.census();
        let mut census: Vec<CensusRow> = census
            .iter()
            .map(|row| CensusRow {
                kind: format!("{}.{}", row.interface, row.kind),
                from: name(row.from),
                to: name(row.to),
                count: row.count,
                bytes: row.bytes,
            })
            .collect();
        census.sort_by_key(|row| std::cmp::Reverse(row.count)); // stable: then by pair
        let mut timeline = self.story.clone().into_lines();
        for service in &services {
            timeline.extend(service_lines(service));
        }
        timeline.sort_by_key(|line| line.at);
        Record {
            scenario: self.scenario.name.clone(),
            seed: self.seed,
            lineage: self.lineage.texts(),
            digest: self.digest(),
            history_digest: self.history_digest(),
            events: self.events(),
            ended_at: end,
            faults,
            services,
            split_brain,
            failovers,
            active_at_end: Vec::new(), // as it was before the audit: the caller knows
            exits,
            violations,
            gaps,
            reproduce: String::new(), // the caller knows the file's path
            timeline,
            census,
        }
    }

    fn fault_records(&self, gaps: &mut Vec<Gap>) -> Vec<FaultRecord> {
        let mut records = Vec::new();
        for injury in self.injuries.fates() {
            let fault = &self.scenario.faults[injury.fault];
            let kind = fault.kind.name().to_string();
            let record = match injury.fate {
                Fate::Struck { at, processes, hosts, until } => {
                    let processes = processes.iter().map(|one| self.world.process_name(*one));
                    let hosts = hosts.iter().map(|one| self.world.host_name(*one));
                    let target = processes.chain(hosts).collect::<Vec<_>>().join(" ");
                    FaultRecord { at: Some(at), kind, target, until }
                }
                Fate::NeverStruck(why) => {
                    let why = Unstruck::phrase(why).to_string();
                    gaps.push(Gap::FaultNeverStruck { index: injury.fault, why });
                    let target = fault.target.of.phrase();
                    FaultRecord { at: None, kind, target, until: None }
                }
            };
            records.push(record);
        }
        records
    }
}

fn service_lines(service: &ServiceRecord) -> Vec<TimelineLine> {
    let mut lines = Vec::new();
    for outage in &service.measure.outages {
        let mut line = |at, what: String| {
            let event = outage.ended_by.unwrap_or_default();
            let (who, weight) = (service.name.clone(), Weight::Alarm);
            lines.push(TimelineLine { at, event, who, what, weight });
        };
        line(outage.from, "requests begin to fail or hang".to_string());
        if !outage.rto.censored() {
            let after = outage.rto.span() + SimDuration::from_micros(500); // to the nearest
            let after = SimDuration::from_millis(after.as_millis());
            line(outage.to, format!("good again, {after} s after the fault"));
        }
    }
    lines
}

/// Cuts critical paths into phases.
struct Paths<'a> {
    world: &'a World,
    registry: &'a Registry,
}

impl Paths<'_> {
    fn phases(&self, service: &str, measure: &ServiceMeasure, gaps: &mut Vec<Gap>) -> Vec<Phase> {
        let worst = measure.worst.and_then(|worst| measure.outages.get(worst));
        let Some((outage, end)) = worst.and_then(|outage| Some((outage, outage.ended_by?))) else {
            return Vec::new();
        };
        if outage.rto.censored() {
            return Vec::new();
        }
        // After failures the path goes on to the answer that proves the end; the outage does not.
        let mut path = self.world.critical_path(end, outage.onset);
        path.stretches.retain(|stretch| stretch.from < outage.to);
        if let Some(last) = path.stretches.last_mut() {
            last.to = last.to.min(outage.to);
        }
        if path.gap {
            let what = format!("the critical path of {service}: its causes overflowed");
            gaps.push(Gap::Unseen { what });
        }
        let last = self.registry.services().find(|spec| spec.name == service);
        self.cut(&path, last.map_or("rest", |spec| spec.last_phase))
    }

    fn cut(&self, path: &CriticalPath, last: &str) -> Vec<Phase> {
        let mut phases: Vec<Phase> = Vec::new();
        let mut open: BTreeMap<String, SimDuration> = BTreeMap::new();
        for (index, stretch) in path.stretches.iter().enumerate() {
            let span = stretch.to.since(stretch.from);
            if !span.is_zero() {
                *open.entry(self.label(stretch)).or_default() += span;
            }
            let here = path.marks.iter().filter(|(at, _)| *at == index);
            let mut ended = here.filter_map(|(_, mark)| self.registry.phase_ended_by(*mark));
            if let Some(name) = ended.next_back() {
                close(&mut phases, name, std::mem::take(&mut open));
            }
        }
        if !open.is_empty() {
            close(&mut phases, last, open);
        }
        phases
    }

    /// What a stretch was spent on.
    fn label(&self, stretch: &Stretch) -> String {
        let name = self.world.process_name(stretch.process);
        let after = if stretch.after_gate { " (nothing to wait for any more)" } else { "" };
        match stretch.what {
            What::Timer(tag) => {
                format!("{}: {}{after}", name, self.world.tag_name(stretch.process, tag))
            }
            What::Disk(tag) => {
                format!("{}: {}", name, self.world.tag_name(stretch.process, tag))
            }
            What::Granted { resource, .. } => {
                format!("{name}: {}", self.world.resource_name(stretch.process, resource))
            }
            What::Message { interface, kind, .. } => {
                format!("{name}: network, {}.{kind}", self.world.interface_name(interface))
            }
            What::Connection(event) => format!("{name}: network, {event}"),
            What::Freed => format!("{name}: its memory is freed"),
            What::Worked => format!("{name}: work"),
            What::Started => format!("{name}: down"),
            What::Flow => format!("{name}: bulk transfer"),
            What::Beat => format!("{name}: silence"),
            What::Admin => format!("{name}: operator"),
            What::Fault => format!("{name}: until the fault's end"),
        }
    }
}

fn close(phases: &mut Vec<Phase>, name: &str, parts: BTreeMap<String, SimDuration>) {
    let span = parts.values().fold(SimDuration::ZERO, |sum, part| sum + *part);
    let mut parts: Vec<_> = parts.into_iter().collect();
    match phases.last_mut() {
        Some(phase) if phase.name == name => {
            phase.span += span;
            phase.parts.append(&mut parts);
            phase.parts.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(&other.0)));
        }
        Some(_) | None => {
            parts.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(&other.0)));
            phases.push(Phase { name: name.to_string(), span, parts });
        }
    }
}
