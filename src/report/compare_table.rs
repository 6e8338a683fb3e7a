//! Compare, as tables: one for each disaster and service, shared by terminal and web page.
//!
//! Here: which columns there are, and what a cell says.
//! Never here: alignment, markup.
//! Modelled on: the tables of a design review.

use super::decimal::{brief, brief_signed};
use super::paint::Ink;
use super::run_text::plural;
use crate::campaign::summary::{
    CellSummary, Difference, Paired, Quantile, Rpo, Rto, ServiceSummary, Share, Summary,
};

/// What a cell says, with what qualifies it beneath.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: String,
    /// Its interval, or nothing.
    pub beneath: String,
    /// How it is meant.
    pub ink: Option<Ink>,
}

/// One architecture's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The design's name.
    pub architecture: String,
    /// A cell for each column; `Err`: why there are none.
    pub entries: Result<Vec<Entry>, String>,
}

/// One disaster, one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The disaster's name.
    pub disaster: String,
    /// The service's name.
    pub service: String,
    /// Headings of the columns after the architecture's, and what each means.
    pub columns: Vec<(&'static str, &'static str)>,
    /// In the order of the plan.
    pub rows: Vec<Row>,
}

/// The columns that say something in some table.
const COLUMNS: [(&str, &str); 9] = [
    ("p50", "RTO of half of the runs is no longer, in seconds"),
    ("p95", "RTO of 95 % of the runs is no longer"),
    ("p99", "RTO of 99 % of the runs is no longer"),
    ("max", "longest RTO seen; beneath: share of runs that may exceed it, with 95 % confidence"),
    ("never", "runs that ended within an outage"),
    ("lost", "runs that lost acknowledged writes"),
    ("RPO", "greatest age of a loss seen, in seconds; beneath: most writes lost in one run"),
    ("split brain", "worst grade seen and runs that reached it"),
    ("against first", "median of the paired RTO differences from the first design, in seconds"),
];

/// All tables of a comparison; disasters and services in the order of the plan.
pub fn tables(summary: &Summary) -> Vec<Table> {
    let mut found: Vec<Table> = Vec::new();
    for cell in &summary.cells {
        for service in &cell.services {
            let place =
                found.iter().position(|t| t.disaster == cell.disaster && t.service == service.name);
            let place = place.unwrap_or_else(|| {
                let (disaster, service) = (cell.disaster.clone(), service.name.clone());
                let columns = COLUMNS.to_vec();
                found.push(Table { disaster, service, columns, rows: Vec::new() });
                found.len() - 1
            });
            let entries = Ok(entries(summary, cell, service));
            found[place].rows.push(Row { architecture: cell.architecture.clone(), entries });
        }
    }
    for table in &mut found {
        for cell in summary.cells.iter().filter(|cell| cell.disaster == table.disaster) {
            if let Some(why) = &cell.not_applicable {
                let (architecture, why) = (cell.architecture.clone(), why.clone());
                table.rows.push(Row { architecture, entries: Err(why) });
            }
        }
        table.drop_empty_columns();
    }
    found
}

impl Table {
    /// A service that nobody writes has no losses; few runs have no p99.
    fn drop_empty_columns(&mut self) {
        let says = |at: usize| {
            let mut rows = self.rows.iter().filter_map(|row| row.entries.as_ref().ok());
            rows.any(|entries| entries[at].value != NOTHING)
        };
        let kept: Vec<bool> = (0..self.columns.len()).map(says).collect();
        let mut keep = kept.iter().copied();
        self.columns.retain(|_| keep.next().unwrap_or(true));
        for entries in self.rows.iter_mut().filter_map(|row| row.entries.as_mut().ok()) {
            let mut keep = kept.iter().copied();
            entries.retain(|_| keep.next().unwrap_or(true));
        }
    }
}

fn entries(summary: &Summary, cell: &CellSummary, service: &ServiceSummary) -> Vec<Entry> {
    let paired = summary.paired.iter().find(|pair| {
        (&pair.disaster, &pair.service, &pair.second)
            == (&cell.disaster, &service.name, &cell.architecture)
    });
    let rto = &service.rto;
    let max = Entry {
        value: rto.max.map_or(NOTHING.into(), rto_text),
        beneath: percent("≤", rto.beyond_max),
        ink: None,
    };
    vec![
        quantile(rto.p50.as_ref()),
        quantile(rto.p95.as_ref()),
        quantile(rto.p99.as_ref()),
        max,
        share(service.censored, service.runs, None),
        share(service.lost.events, service.lost.of, Some(&service.lost)),
        rpo(service),
        split_brain(cell),
        paired.map_or(plain(NOTHING), |pair| difference(&pair.rto)),
    ]
}

const NOTHING: &str = "–";

fn plain(value: impl Into<String>) -> Entry {
    Entry { value: value.into(), beneath: String::new(), ink: None }
}

pub(super) fn rto_text(rto: Rto) -> String {
    match rto {
        Rto::Lasted(span) => brief(span),
        Rto::LongerThan(span) => format!("> {}", brief(span)),
    }
}

fn quantile(quantile: Option<&Quantile<Rto>>) -> Entry {
    let Some(Quantile { at, lower, upper }) = quantile else { return plain(NOTHING) };
    let beneath = format!("{}…{}", rto_text(*lower), rto_text(*upper));
    Entry { value: rto_text(*at), beneath, ink: at.censored().then_some(Ink::Bad) }
}

fn share(events: u64, of: u64, interval: Option<&Share>) -> Entry {
    if of == 0 {
        return plain(NOTHING);
    }
    let beneath = match interval {
        Some(share) if events == 0 => percent("≤", share.upper),
        Some(share) => format!("{:.1}…{}", share.lower * 100.0, percent("", share.upper)),
        None => String::new(),
    };
    Entry { value: format!("{events}/{of}"), beneath, ink: (0 < events).then_some(Ink::Bad) }
}

fn percent(sign: &str, share: f64) -> String {
    format!("{sign}{:.1} %", share * 100.0)
}

fn rpo(service: &ServiceSummary) -> Entry {
    let censored = service.rpo_censored;
    match service.rpo.max {
        None => plain(NOTHING),
        Some(Rpo::Lost(_) | Rpo::NotAudited) if 0 < censored => Entry {
            value: "?".into(),
            beneath: format!(
                "{} not audited",
                plural(usize::try_from(censored).unwrap_or(0), "run")
            ),
            ink: Some(Ink::Doubt),
        },
        Some(Rpo::Lost(age)) => {
            let lost = service.lost_most;
            let beneath = if lost == 0 { String::new() } else { format!("≤ {lost} writes") };
            Entry { value: brief(age), beneath, ink: (lost != 0).then_some(Ink::Bad) }
        }
        Some(Rpo::NotAudited) => plain("?"),
    }
}

/// The worst grade that was seen of any resource, and in how many runs.
pub(super) fn worst_grade(cell: &CellSummary) -> Option<(usize, &'static str, Share)> {
    const GRADES: [&str; 4] = ["none", "dual belief", "stale reads", "divergence"];
    (0..4).rev().find_map(|grade| {
        let seen = cell.split_brain.iter().map(|one| one.grades[grade]);
        let most = seen.max_by_key(|share| share.events)?;
        (0 < most.events).then_some((grade, GRADES[grade], most))
    })
}

fn split_brain(cell: &CellSummary) -> Entry {
    let Some((grade, name, share)) = worst_grade(cell) else { return plain(NOTHING) };
    let ink = match grade {
        0 => None,
        1 => Some(Ink::Doubt),
        _ => Some(Ink::Bad),
    };
    let beneath =
        if grade == 0 { String::new() } else { format!("{}/{} runs", share.events, share.of) };
    Entry { value: name.into(), beneath, ink }
}

fn difference(paired: &Paired) -> Entry {
    let text = |difference: Difference| match difference {
        Difference::Shorter => "first never".to_owned(),
        Difference::By(ns) => brief_signed(ns),
        Difference::Longer => "never".to_owned(),
    };
    let Some(median) = paired.median else { return plain("both never") };
    let interval = paired.interval;
    let ink = interval.and_then(|(lower, upper)| {
        if upper < Difference::By(0) {
            Some(Ink::Good)
        } else {
            (Difference::By(0) < lower).then_some(Ink::Bad)
        }
    });
    let beneath = match interval {
        Some((lower, upper)) if text(lower) != text(upper) => {
            format!("{}…{}", text(lower), text(upper))
        }
        Some(_) | None => String::new(),
    };
    Entry { value: text(median), beneath, ink }
}
