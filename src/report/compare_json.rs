//! Compare, as JSON: `summary.json` (`hadr.compare/1`) and `manifest.json` (`hadr.manifest/1`).
//!
//! Here: a summary's fields, keys sorted; what `replay` verifies.
//! Never here: wall-clock times, names of machines.
//! Modelled on: DESIGN section 7.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::decimal::{ratio, seconds, signed};
use super::run_json::hex;
use crate::campaign::compare::Comparison;
use crate::campaign::summary::{
    CellSummary, Difference, PairSummary, Quantile, Rpo, Rto, ServiceSummary, Share, Spread,
    Summary,
};
use crate::engine::time::SimDuration;

/// `summary.json`.
pub fn summary(summary: &Summary) -> Value {
    json!({
        "schema": "hadr.compare/1",
        "seed": summary.root,
        "runs": summary.runs,
        "cells": summary.cells.iter().map(cell).collect::<Vec<_>>(),
        "paired": summary.paired.iter().map(paired).collect::<Vec<_>>(),
    })
}

/// `manifest.json`: what was run, so exactly that it can be run again and compared.
pub fn manifest(
    comparison: &Comparison,
    models: &BTreeMap<String, String>,
    reproduce: &str,
) -> Value {
    let plan = &comparison.plan;
    let cells = plan.cells.iter().zip(&comparison.records).map(|(cell, records)| {
        let runs = records.iter().map(|record| {
            json!({
                "seed": record.seed,
                "digest": hex(record.digest),
                "history_digest": hex(record.history_digest),
            })
        });
        json!({
            "architecture": cell.architecture,
            "disaster": cell.disaster,
            "scenario_hash": cell.scenario.as_ref().ok().map(|hash| hex(*hash)),
            "runs": runs.collect::<Vec<_>>(),
        })
    });
    json!({
        "schema": "hadr.manifest/1",
        "version": env!("CARGO_PKG_VERSION"),
        "models": models,
        "seed": plan.root,
        "runs": plan.runs,
        "cells": cells.collect::<Vec<_>>(),
        "digest_of_digests": hex(comparison.digest_of_digests()),
        "reproduce": reproduce,
    })
}

fn cell(cell: &CellSummary) -> Value {
    let services: Map<_, _> =
        cell.services.iter().map(|one| (one.name.clone(), service(one))).collect();
    let split_brain: Map<_, _> = cell
        .split_brain
        .iter()
        .map(|one| {
            let grades = one.grades.iter().map(share).collect::<Vec<_>>();
            (one.resource.clone(), json!({ "grades": grades }))
        })
        .collect();
    json!({
        "architecture": cell.architecture,
        "disaster": cell.disaster,
        "not_applicable": cell.not_applicable,
        "services": services,
        "split_brain": split_brain,
        "objectives_missed": cell.missed.iter().map(|one| &one.claim).collect::<Vec<_>>(),
        "objectives_open": cell.undecided.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "verdicts": {
            "passed": cell.passed,
            "violated": cell.violated,
            "inconclusive": cell.inconclusive,
        },
    })
}

fn service(service: &ServiceSummary) -> Value {
    json!({
        "runs": service.runs,
        "censored": service.censored,
        "noticed": share(&service.noticed),
        "rto": spread(&service.rto, |rto| match rto {
            Rto::Lasted(span) => Some(span),
            Rto::LongerThan(_) => None,
        }),
        "rpo": spread(&service.rpo, |rpo| match rpo {
            Rpo::Lost(age) => Some(age),
            Rpo::NotAudited => None,
        }),
        "rpo_censored": service.rpo_censored,
        "lost": share(&service.lost),
        "lost_acked_max": service.lost_most,
        "phases": service.phases.iter().map(|(name, mean)| json!({
            "name": name,
            "mean_s": seconds(*mean),
        })).collect::<Vec<_>>(),
    })
}

fn share(share: &Share) -> Value {
    json!({
        "events": share.events,
        "of": share.of,
        "lower": ratio(share.lower),
        "upper": ratio(share.upper),
    })
}

/// A value that was not seen is `null` beside its flag; a quantile without support is `null`.
fn spread<T: Copy + Ord>(spread: &Spread<T>, span: fn(T) -> Option<SimDuration>) -> Value {
    let value = |at: T| span(at).map_or(Value::Null, seconds);
    let quantile = |quantile: &Option<Quantile<T>>| {
        quantile.as_ref().map(|quantile| {
            json!({
                "s": value(quantile.at),
                "censored": span(quantile.at).is_none(),
                "lower_s": value(quantile.lower),
                "lower_censored": span(quantile.lower).is_none(),
                "upper_s": value(quantile.upper),
                "upper_censored": span(quantile.upper).is_none(),
            })
        })
    };
    json!({
        "p50": quantile(&spread.p50),
        "p95": quantile(&spread.p95),
        "p99": quantile(&spread.p99),
        "max": spread.max.map(|max| json!({
            "s": value(max),
            "censored": span(max).is_none(),
            "exceeded_at_most": ratio(spread.beyond_max),
        })),
    })
}

fn paired(pair: &PairSummary) -> Value {
    let difference = |difference: Difference| match difference {
        Difference::Shorter => json!("shorter"),
        Difference::By(ns) => signed(ns),
        Difference::Longer => json!("longer"),
    };
    let rto = &pair.rto;
    json!({
        "disaster": pair.disaster,
        "service": pair.service,
        "first": pair.first,
        "second": pair.second,
        "pairs": rto.pairs,
        "neither_returned": rto.neither,
        "rto_difference_median_s": rto.median.map(difference),
        "rto_difference_interval_s": rto.interval.map(|(lower, upper)| {
            vec![difference(lower), difference(upper)]
        }),
        "second_shorter": share(&rto.shorter),
        "second_longer": share(&rto.longer),
        "variance_reduction": rto.variance_reduction.map(ratio),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::sample;
    use crate::campaign::summary::summarize;
    use crate::report::pretty;
    use expect_test::expect_file;

    #[test]
    fn the_contracts_are_golden() {
        let comparison = sample::comparison(7);
        let text = pretty(&super::summary(&summarize(&comparison)));
        expect_file!["golden/summary.json"].assert_eq(&text);
        let models = [("hdfs", "1"), ("zookeeper", "1")];
        let models = models.map(|(name, version)| (name.to_owned(), version.to_owned())).into();
        let text = pretty(&manifest(&comparison, &models, "hadr compare --runs 7"));
        expect_file!["golden/manifest.json"].assert_eq(&text);
    }
}
