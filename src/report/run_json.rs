//! Run, as JSON: `hadr.run/1`.
//!
//! Here: a record's fields under their contracted names, keys sorted.
//! Never here: wall-clock times, names of machines.
//! Modelled on: DESIGN section 7.

use serde_json::{Map, Value, json};

use super::decimal::{maybe, moment, seconds};
use crate::engine::time::SimTime;
use crate::runner::record::{Moment, Record, ResourceRecord, Rto, ServiceRecord};

/// The whole record but for its timeline.
pub fn run(record: &Record) -> Value {
    let services: Map<_, _> =
        record.services.iter().map(|one| (one.name.clone(), service(one))).collect();
    let split_brain: Map<_, _> =
        record.split_brain.iter().map(|one| (one.resource.clone(), resource(one))).collect();
    let mut value = json!({
        "schema": "hadr.run/1",
        "scenario": record.scenario,
        "seed": record.seed,
        "lineage": record.lineage,
        "digest": hex(record.digest),
        "history_digest": hex(record.history_digest),
        "events": record.events,
        "sim_s": moment(record.ended_at),
        "verdict": record.verdict().name(),
        "faults": record.faults.iter().map(|fault| json!({
            "at_s": maybe_moment(fault.at),
            "kind": fault.kind,
            "target": fault.target,
            "until_s": maybe_moment(fault.until),
        })).collect::<Vec<_>>(),
        "services": services,
        "split_brain": split_brain,
        "failovers": record.failovers.iter().map(|one| json!({
            "resource": one.resource,
            "from": one.from,
            "to": one.to,
            "at_s": moment(one.at),
        })).collect::<Vec<_>>(),
        "active_at_end": record.active_at_end,
        "exits": record.exits.iter().map(|exit| json!({
            "process": exit.process,
            "at_s": moment(exit.at),
            "reason": exit.reason,
        })).collect::<Vec<_>>(),
        "violations": record.violations.iter().map(|one| json!({
            "property": one.property,
            "at_s": moment(one.at),
            "claim": one.claim,
            "evidence": one.evidence.iter().map(|event| event.0).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "gaps": record.gaps.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "reproduce": record.reproduce,
    });
    if !record.census.is_empty() {
        value["census"] = record
            .census
            .iter()
            .map(|row| {
                json!({
                    "kind": row.kind,
                    "from": row.from,
                    "to": row.to,
                    "count": row.count,
                    "bytes": row.bytes,
                })
            })
            .collect();
    }
    value
}

/// As digests are printed everywhere.
pub fn hex(digest: u64) -> String {
    format!("{digest:016x}")
}

fn maybe_moment(at: Option<SimTime>) -> Value {
    at.map_or(Value::Null, moment)
}

fn service(service: &ServiceRecord) -> Value {
    let measure = &service.measure;
    let loss = measure.loss.as_ref();
    json!({
        "rto_s": match measure.rto {
            Rto::Lasted(span) => seconds(span),
            Rto::LongerThan(_) => Value::Null,
        },
        "rto_censored": measure.rto.censored(),
        "rto_first_s": maybe(measure.rto_first),
        "ack_gap_s": maybe(measure.ack_gap),
        "noticed": measure.worst.is_some(),
        "noticeable_s": seconds(measure.noticeable),
        "outages": measure.outages.iter().map(|outage| json!({
            "onset_s": moment(outage.onset),
            "from_s": moment(outage.from),
            "to_s": moment(outage.to),
            "censored": outage.rto.censored(),
        })).collect::<Vec<_>>(),
        "unavailable_s": seconds(measure.unavailable),
        "acked": measure.acked,
        "failed": measure.failed,
        "unknown": measure.unknown,
        "resolution_s": maybe(measure.resolution),
        "rpo_s": maybe(loss.and_then(|loss| loss.rpo)),
        "rpo_censored": loss.is_some_and(|loss| loss.rpo.is_none()),
        "lost_acked": loss.map_or(0, |loss| loss.lost_ops),
        "lost_bytes": loss.map_or(0, |loss| loss.lost_bytes),
        "phases": service.phases.iter().map(|phase| json!({
            "name": phase.name,
            "s": seconds(phase.span),
            "parts": phase.parts.iter().map(|(name, span)| json!({
                "name": name,
                "s": seconds(*span),
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}

fn resource(resource: &ResourceRecord) -> Value {
    let found = &resource.found;
    let first = |moment: &Option<Moment>| {
        moment.as_ref().map(|moment| {
            json!({
                "at_s": super::decimal::moment(moment.at),
                "evidence": moment.evidence.iter().map(|event| event.0).collect::<Vec<_>>(),
            })
        })
    };
    json!({
        "grade": found.grade(),
        "dual_belief_s": seconds(found.dual_belief),
        "stale_reads": found.stale_reads,
        "conflicting_writes": found.conflicting_writes,
        "first_at_s": maybe_moment(found.first_at()),
        "first": {
            "dual_belief": first(&found.first[0]),
            "stale_service": first(&found.first[1]),
            "divergence": first(&found.first[2]),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{report::pretty, runner::sample};
    use expect_test::expect_file;

    #[test]
    fn the_contract_is_golden() {
        let text = pretty(&run(&sample::record()));
        expect_file!["golden/run.json"].assert_eq(&text);
    }

    #[test]
    fn keys_are_sorted_at_every_level() {
        fn check(value: &Value) {
            if let Value::Object(fields) = value {
                assert!(fields.keys().is_sorted());
                fields.values().for_each(check);
            }
            if let Value::Array(items) = value {
                items.iter().for_each(check);
            }
        }
        check(&run(&sample::record()));
    }
}
