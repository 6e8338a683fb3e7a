//! Plots: RTO distributions and phases of a comparison, as SVG.
//!
//! Here: which plots there are and what they are called.
//! Never here: statistics.
//! Modelled on: strip plots with order-statistic intervals; Okabe and Ito's colours.

mod canvas;
mod distribution;
mod phases;
mod scale;

use super::compare_table::{Table, tables};
use crate::campaign::summary::{CellSummary, ServiceSummary, Summary};

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plot {
    /// `rto-hdfs-meta-write-nn-process-kill`: a file's stem.
    pub name: String,
    /// The disaster's name.
    pub disaster: String,
    /// The service's name.
    pub service: String,
    /// The whole file.
    pub svg: String,
}

/// All of them: per disaster and service the distributions, and the phases where there are any.
pub fn plots(summary: &Summary) -> Vec<Plot> {
    let names = phase_names(summary);
    tables(summary).iter().flat_map(|table| of_table(summary, table, &names)).collect()
}

/// All phases in the order of the path, so that each has one colour in all plots. Each design has
/// its own in order; one that is new stands before those that follow it.
fn phase_names(summary: &Summary) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for service in summary.cells.iter().flat_map(|cell| &cell.services) {
        let mut at = names.len();
        for (name, _) in service.phases.iter().rev() {
            match names.iter().position(|known| known == name) {
                Some(known) => at = known,
                None => names.insert(at, name),
            }
        }
    }
    names
}

fn of_table(summary: &Summary, table: &Table, names: &[&str]) -> Vec<Plot> {
    let lines: Vec<Line<'_>> =
        table.rows.iter().filter_map(|row| line(summary, table, &row.architecture)).collect();
    let plot = |kind: &str, svg: String| Plot {
        name: file_stem(&format!("{kind}-{}-{}", table.service, table.disaster)),
        disaster: table.disaster.clone(),
        service: table.service.clone(),
        svg,
    };
    let distribution = distribution::draw(table, &lines).map(|svg| plot("rto", svg));
    let phases = phases::draw(table, &lines, names).map(|svg| plot("phases", svg));
    distribution.into_iter().chain(phases).collect()
}

/// Names of disasters are free text; names of files are not.
fn file_stem(name: &str) -> String {
    let safe = |letter: char| if letter.is_alphanumeric() || letter == '.' { letter } else { '-' };
    name.chars().map(safe).collect()
}

/// One architecture's line in a plot.
struct Line<'a> {
    cell: &'a CellSummary,
    /// `None`: the disaster is not applicable.
    service: Option<&'a ServiceSummary>,
}

fn line<'a>(summary: &'a Summary, table: &Table, architecture: &str) -> Option<Line<'a>> {
    let here =
        |cell: &&CellSummary| cell.disaster == table.disaster && cell.architecture == architecture;
    let cell = summary.cells.iter().find(here)?;
    let service = cell.services.iter().find(|one| one.name == table.service);
    Some(Line { cell, service })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::sample;
    use crate::campaign::summary::summarize;
    use expect_test::expect_file;

    #[test]
    fn pictures_are_golden() {
        let plots = plots(&summarize(&sample::comparison(120)));
        let names: Vec<_> = plots.iter().map(|plot| plot.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "rto-hdfs-meta-write-nn-host-power-loss",
                "phases-hdfs-meta-write-nn-host-power-loss",
                "rto-hdfs-meta-write-jn-majority-loss",
                "phases-hdfs-meta-write-jn-majority-loss"
            ]
        );
        expect_file!["../golden/rto.svg"].assert_eq(&plots[0].svg);
        expect_file!["../golden/phases.svg"].assert_eq(&plots[1].svg);
    }
}
