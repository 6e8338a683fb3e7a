//! Sample: a finished run, written by hand, for golden files.
//!
//! Here: one record in which everything happens.
//! Never here: a simulation.
//! Modelled on: the timeline of a killed NameNode.

use crate::engine::id::EventId;
use crate::engine::time::{SimDuration, SimTime};
use crate::runner::record::*;

fn at(ms: u64) -> SimTime {
    SimTime::START + SimDuration::from_millis(ms)
}

/// The active NameNode was killed; a zombie wrote; an audit found a loss.
pub(crate) fn record() -> Record {
    let ms = SimDuration::from_millis;
    let line = |ms, who: &str, what: &str, weight| TimelineLine {
        at: at(ms),
        event: EventId(ms),
        who: who.into(),
        what: what.into(),
        weight,
    };
    let phase = |name: &str, span, parts: &[(&str, u64)]| Phase {
        name: name.into(),
        span: ms(span),
        parts: parts.iter().map(|(name, part)| ((*name).into(), ms(*part))).collect(),
    };
    let outage = Outage {
        onset: at(29_871),
        from: at(29_874),
        to: at(32_402),
        rto: Rto::Lasted(ms(2_531)),
        ended_by: Some(EventId(4_711)),
        first_good: None,
    };
    let writes = ServiceMeasure {
        noticeable: ms(1_000),
        outages: vec![outage],
        rto: outage.rto,
        worst: Some(0),
        rto_first: Some(ms(2_204)),
        ack_gap: Some(ms(2_529)),
        unavailable: ms(2_528),
        acked: 8_117,
        failed: 4,
        unknown: 2,
        resolution: Some(SimDuration::from_nanos(50_312_345)),
        loss: Some(Loss {
            rpo: Some(ms(1_250)),
            lost_ops: 25,
            lost_bytes: 3_200,
            oldest_lost: Some(at(28_621)),
            unaudited: 0,
        }),
    };
    let hung = Outage { to: at(412_500), rto: Rto::LongerThan(ms(382_629)), ..outage };
    let reads = ServiceMeasure {
        outages: vec![Outage { ended_by: None, ..hung }],
        rto: hung.rto,
        rto_first: None,
        ack_gap: None,
        loss: None,
        ..writes.clone()
    };
    let moment = |ms, events: &[u64]| {
        Some(Moment { at: at(ms), evidence: events.iter().copied().map(EventId).collect() })
    };
    Record {
        scenario: "nn-process-kill".into(),
        seed: 7,
        lineage: vec![],
        digest: 0x4de7_0e78_11d2_ba76,
        history_digest: 0x0f00_0000_0000_0001,
        events: 123_456,
        ended_at: at(412_500),
        faults: vec![
            FaultRecord {
                at: Some(at(29_871)),
                kind: "kill".into(),
                target: "nn1".into(),
                until: None,
            },
            FaultRecord { at: None, kind: "cut".into(), target: "zk-leader".into(), until: None },
        ],
        services: vec![
            ServiceRecord { name: "hdfs-meta-read".into(), measure: reads, phases: vec![] },
            ServiceRecord {
                name: "hdfs-meta-write".into(),
                measure: writes,
                phases: vec![
                    phase("detection", 1_003, &[("health check", 1_000)]),
                    phase("lock", 3, &[]),
                    phase("fencing", 0, &[]),
                    phase("journal recovery", 120, &[("disk", 80), ("network", 40)]),
                    phase("promotion", 305, &[("work", 305)]),
                    phase("client retry", 1_100, &[("client back-off", 1_090)]),
                ],
            },
        ],
        split_brain: vec![
            ResourceRecord {
                resource: "hdfs:ns1".into(),
                found: SplitBrain {
                    dual_belief: ms(18_000),
                    stale_reads: 12,
                    conflicting_writes: 3,
                    first: [
                        moment(31_000, &[10, 20]),
                        moment(31_100, &[10, 20, 30]),
                        moment(31_200, &[20, 40, 41]),
                    ],
                },
            },
            ResourceRecord { resource: "zookeeper".into(), found: SplitBrain::default() },
        ],
        failovers: vec![FailoverRecord {
            resource: "hdfs:ns1".into(),
            from: "nn1".into(),
            to: "nn2".into(),
            at: at(31_299),
        }],
        active_at_end: vec!["nn2".into()],
        exits: vec![ExitRecord {
            process: "nn1".into(),
            at: at(49_000),
            reason: "flush failed for required journal".into(),
        }],
        violations: vec![Violation {
            property: "audit/acked-writes-survive",
            at: at(400_000),
            claim: "25 acknowledged writes of hdfs-meta-write are gone".into(),
            evidence: vec![EventId(4_000), EventId(120_000)],
        }],
        gaps: vec![Gap::FaultNeverStruck { index: 1, why: "its trigger never came".into() }],
        reproduce: "hadr run scenarios/cases/nn-process-kill.toml --seed 7".into(),
        timeline: vec![
            line(29_871, "fault 1", "kill nn1", Weight::Fault),
            line(29_874, "hdfs-meta-write", "clients are not served", Weight::Alarm),
            line(30_874, "zkfc1", "health check: connection refused", Weight::Detail),
            line(30_877, "zkfc2", "takes the lock", Weight::Step),
            line(31_299, "nn2", "active, epoch 2", Weight::Step),
            line(32_402, "hdfs-meta-write", "back after 2.531 s", Weight::Alarm),
        ],
        census: vec![CensusRow {
            kind: "QJournalProtocol.journal".into(),
            from: "nn1".into(),
            to: "jn1".into(),
            count: 8_117,
            bytes: 1_234_567,
        }],
    }
}
