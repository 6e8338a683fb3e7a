//! Overview: every design under every disaster at a glance, one table a service.
//!
//! Here: what a cell says in three words, and what has to be said beside an RTO so that it misleads
//! nobody: a design that diverges may be the one whose clients notice least.
//! Never here: alignment, markup, intervals (the tables that follow have them).
//! Modelled on: the first slide of a design review.

use super::compare_table::{rto_text, worst_grade};
use super::paint::Ink;
use crate::campaign::summary::{CellSummary, Rto, ServiceSummary, Summary};
use crate::engine::time::SimDuration;

/// One service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// The service's name.
    pub service: String,
    /// Names of the disasters, in the order of the plan.
    pub disasters: Vec<String>,
    /// A design's name, and a cell for each disaster.
    pub rows: Vec<(String, Vec<Glance>)>,
}

/// One design under one disaster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// The RTO of half of the runs, or the longest if there are too few.
    pub value: String,
    /// What went wrong beside it.
    pub flags: Vec<Flag>,
    /// Nothing was run.
    pub lacking: bool,
}

/// What went wrong in some runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// `divergence 60/60`.
    pub text: String,
    /// How bad it is.
    pub ink: Ink,
}

/// The overview of each service.
pub fn overviews(summary: &Summary) -> Vec<Overview> {
    let mut services: Vec<&str> = Vec::new();
    let (mut designs, mut disasters): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let add = |names: &mut Vec<_>, name| {
        if !names.contains(&name) {
            names.push(name);
        }
    };
    for cell in &summary.cells {
        add(&mut designs, cell.architecture.as_str());
        add(&mut disasters, cell.disaster.as_str());
        cell.services.iter().for_each(|one| add(&mut services, one.name.as_str()));
    }
    let of_service = |service: &&str| {
        let glance_at = |design: &str, disaster: &str| {
            let here =
                |cell: &&CellSummary| (&*cell.architecture, &*cell.disaster) == (design, disaster);
            summary
                .cells
                .iter()
                .find(here)
                .map_or_else(Glance::default, |cell| glance(cell, service))
        };
        let row = |design: &&str| {
            let cells = disasters.iter().map(|disaster| glance_at(design, disaster));
            ((*design).to_owned(), cells.collect())
        };
        Overview {
            service: (*service).to_owned(),
            disasters: disasters.iter().map(|name| (*name).to_owned()).collect(),
            rows: designs.iter().map(row).collect(),
        }
    };
    services.iter().map(of_service).collect()
}

fn glance(cell: &CellSummary, service: &str) -> Glance {
    let Some(service) = cell.services.iter().find(|one| one.name == service) else {
        return Glance { value: "n/a".into(), lacking: true, ..Glance::default() };
    };
    const UNNOTICED: Rto = Rto::Lasted(SimDuration::ZERO);
    let seen = service.rto.p50.as_ref().map(|p50| p50.at);
    let mut flags = flags(cell, service);
    let value = match (seen, service.rto.max) {
        (Some(UNNOTICED), _) | (None, Some(UNNOTICED) | None) => {
            let noticed = service.noticed;
            if 0 < noticed.events {
                let text = format!("noticed {}/{}", noticed.events, noticed.of);
                flags.insert(0, Flag { text, ink: Ink::Doubt });
            }
            "not noticed".to_owned()
        }
        (Some(at), _) => rto_text(at),
        (None, Some(max)) => format!("≤ {}", rto_text(max)),
    };
    Glance { value, flags, lacking: false }
}

/// What has to be said beside an RTO.
pub fn flags(cell: &CellSummary, service: &ServiceSummary) -> Vec<Flag> {
    let flag = |name: &str, (events, of): (u64, u64), ink| {
        (0 < events).then(|| Flag { text: format!("{name} {events}/{of}"), ink })
    };
    let grade = worst_grade(cell).filter(|(grade, _, _)| *grade != 0);
    let grade = grade.and_then(|(grade, name, share)| {
        let ink = if grade == 1 { Ink::Doubt } else { Ink::Bad };
        flag(name, (share.events, share.of), ink)
    });
    let never = flag("never back", (service.censored, service.runs), Ink::Bad);
    let lost = flag("loses writes", (service.lost.events, service.lost.of), Ink::Bad);
    [never, grade, lost].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::sample;
    use crate::campaign::summary::summarize;

    #[test]
    fn a_cell_says_what_its_rto_does_not() {
        let overviews = overviews(&summarize(&sample::comparison(120)));
        let [Overview { disasters, rows, .. }] = &overviews[..] else { panic!("one service") };
        assert_eq!(disasters.len(), 2);
        let (design, glances) = &rows[2];
        let texts: Vec<_> = glances[0].flags.iter().map(|flag| flag.text.as_str()).collect();
        assert_eq!(design, "nfs-unfenced");
        assert_eq!(texts, ["divergence 120/120", "loses writes 120/120"]);
        assert_eq!((glances[1].value.as_str(), glances[1].lacking), ("n/a", true));
    }
}
