//! Compare, as text: the tables in a terminal.
//!
//! Here: alignment; a value and its interval beneath.
//! Never here: what a cell says.
//! Modelled on: hyperfine's comparison.

use super::compare_overview::{Glance, Overview, overviews};
use super::compare_table::{Entry, Row, Table, tables};
use super::decimal::brief;
use super::paint::{Ink, Paint, bar};
use super::run_json::hex;
use crate::campaign::summary::Summary;

/// The whole page; `digest` is that of all digests, `reproduce` the command that repeats it.
pub fn compare(summary: &Summary, paint: Paint, digest: u64, reproduce: &str) -> String {
    let mut page = String::new();
    let (runs, root) = (summary.runs, summary.root);
    let last = (root + runs).saturating_sub(1);
    page.push_str(&format!("{runs} replications of each design, seeds {root} to {last}\n"));
    page.push_str(
        "RTO of half of the runs, in seconds; beneath, what else went wrong in how many\n",
    );
    for overview in overviews(summary) {
        write_overview(&mut page, &overview, paint);
    }
    page.push_str("\nRTO in seconds, 95 % intervals beneath; beneath max, the share of runs that ");
    page.push_str("may exceed it\n");
    for table in tables(summary) {
        write_table(&mut page, &table, paint);
        write_phases(&mut page, summary, &table, paint);
    }
    objectives(&mut page, summary, paint);
    verdicts(&mut page, summary, paint);
    page.push_str(&paint.with(Ink::Faint, &format!("digest of digests {}", hex(digest))));
    page.push_str(&format!("\nrepeat it: {reproduce}\n"));
    page
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Names of disasters are broken at their hyphens into lines no longer than this.
const HEADING: usize = 16;

fn write_overview(page: &mut String, overview: &Overview, paint: Paint) {
    page.push_str(&format!("\n{}\n", paint.with(Ink::Strong, &overview.service)));
    let names = overview.rows.iter().map(|(name, _)| width(name)).max().unwrap_or(0).max(6);
    let headings: Vec<_> = overview.disasters.iter().map(|name| broken(name)).collect();
    let mut widths: Vec<usize> = headings
        .iter()
        .map(|lines| lines.iter().map(|line| width(line)).max().unwrap_or(0))
        .collect();
    for glances in overview.rows.iter().map(|(_, glances)| glances) {
        for (widest, glance) in widths.iter_mut().zip(glances) {
            let flags = glance.flags.iter().map(|flag| width(&flag.text));
            *widest = flags.chain([width(&glance.value)]).fold(*widest, usize::max);
        }
    }
    let deepest = headings.iter().map(Vec::len).max().unwrap_or(0);
    for n in 0..deepest {
        let name = if n + 1 == deepest { "design" } else { "" };
        let part = |lines: &Vec<String>| {
            let part = (n + lines.len()).checked_sub(deepest).and_then(|at| lines.get(at));
            (part.cloned().unwrap_or_default(), Some(Ink::Faint))
        };
        let name = paint.with(Ink::Faint, &format!("  {name:names$}"));
        write_line(page, &name, headings.iter().map(part).zip(&widths), paint);
    }
    for (name, glances) in &overview.rows {
        let value = |glance: &Glance| {
            let ink = if glance.lacking { Some(Ink::Faint) } else { None };
            (glance.value.clone(), ink)
        };
        let name = format!("  {name:names$}");
        write_line(page, &name, glances.iter().map(value).zip(&widths), paint);
        let most = glances.iter().map(|glance| glance.flags.len()).max().unwrap_or(0);
        for n in 0..most {
            let flag = |glance: &Glance| {
                let flag = glance.flags.get(n).map(|flag| (flag.text.clone(), Some(flag.ink)));
                flag.unwrap_or_default()
            };
            write_line(page, &" ".repeat(names + 2), glances.iter().map(flag).zip(&widths), paint);
        }
    }
}

fn broken(name: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for part in name.split_inclusive('-') {
        match lines.last_mut() {
            Some(line) if line.is_empty() || width(line) + width(part) <= HEADING => {
                line.push_str(part);
            }
            Some(_) | None => lines.push(part.to_owned()),
        }
    }
    lines
}

fn write_table(page: &mut String, table: &Table, paint: Paint) {
    let title = format!("{} · {}", table.disaster, table.service);
    page.push_str(&format!("\n{}\n", paint.with(Ink::Strong, &title)));
    let names = table.rows.iter().map(|row| width(&row.architecture)).max().unwrap_or(0).max(6);
    let mut widths: Vec<usize> = table.columns.iter().map(|(heading, _)| width(heading)).collect();
    for entries in table.rows.iter().filter_map(|row| row.entries.as_ref().ok()) {
        for (widest, entry) in widths.iter_mut().zip(entries) {
            *widest = (*widest).max(width(&entry.value)).max(width(&entry.beneath));
        }
    }
    let mut heading = format!("  {:names$}", "design");
    for ((text, _), width) in table.columns.iter().zip(&widths) {
        heading.push_str(&format!("  {text:>width$}"));
    }
    page.push_str(&format!("{}\n", paint.with(Ink::Faint, &heading)));
    for Row { architecture, entries } in &table.rows {
        match entries {
            Err(why) => {
                let why = paint.with(Ink::Faint, &format!("not applicable: {why}"));
                page.push_str(&format!("  {architecture:names$}  {why}\n"));
            }
            Ok(entries) => {
                let value = |entry: &Entry| (entry.value.clone(), entry.ink);
                let beneath = |entry: &Entry| (entry.beneath.clone(), Some(Ink::Faint));
                let name = format!("  {architecture:names$}");
                write_line(page, &name, entries.iter().map(value).zip(&widths), paint);
                let blank = " ".repeat(names + 2);
                write_line(page, &blank, entries.iter().map(beneath).zip(&widths), paint);
            }
        }
    }
}

fn write_line<'a>(
    page: &mut String,
    name: &str,
    cells: impl Iterator<Item = ((String, Option<Ink>), &'a usize)>,
    paint: Paint,
) {
    let mut line = name.to_owned();
    for ((text, ink), width) in cells {
        let padded = format!("{text:>width$}");
        line.push_str("  ");
        line.push_str(&ink.map_or(padded.clone(), |ink| paint.with(ink, &padded)));
    }
    page.push_str(line.trim_end());
    page.push('\n');
}

fn write_phases(page: &mut String, summary: &Summary, table: &Table, paint: Paint) {
    let rows: Vec<_> = summary
        .cells
        .iter()
        .filter(|cell| cell.disaster == table.disaster)
        .filter_map(|cell| {
            let service = cell.services.iter().find(|one| one.name == table.service)?;
            (!service.phases.is_empty()).then_some((&cell.architecture, &service.phases))
        })
        .collect();
    let names = rows.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    for (name, phases) in rows {
        let whole: u64 = phases.iter().map(|(_, span)| span.as_nanos()).sum();
        let share = |ns: u64| u128::from(ns) * 100 / u128::from(whole.max(1));
        let told: Vec<_> = phases
            .iter()
            .filter(|(_, span)| 0 < share(span.as_nanos()))
            .map(|(phase, span)| {
                format!("{phase} {} {}", brief(*span), bar(span.as_nanos(), whole, 6))
            })
            .collect();
        let line = format!("  {name:names$}  mean phases: {}", told.join("  "));
        page.push_str(&format!("{}\n", paint.with(Ink::Faint, line.trim_end())));
    }
}

fn objectives(page: &mut String, summary: &Summary, paint: Paint) {
    let mut title = format!("\n{}\n", paint.with(Ink::Strong, "objectives"));
    for cell in &summary.cells {
        let (design, disaster) = (&cell.architecture, &cell.disaster);
        let missed = cell.missed.iter().map(|one| (Ink::Bad, format!("missed: {}", one.claim)));
        let undecided = cell.undecided.iter().map(|gap| (Ink::Doubt, format!("open: {gap}")));
        for (ink, text) in missed.chain(undecided) {
            page.push_str(&std::mem::take(&mut title));
            page.push_str(&format!("  {design} under {disaster}  {}\n", paint.with(ink, &text)));
        }
    }
}

fn verdicts(page: &mut String, summary: &Summary, paint: Paint) {
    let sum = |count: fn(&crate::campaign::summary::CellSummary) -> u64| {
        summary.cells.iter().map(count).sum::<u64>()
    };
    let (passed, violated) = (sum(|cell| cell.passed), sum(|cell| cell.violated));
    let inconclusive = sum(|cell| cell.inconclusive);
    let text = format!("{passed} runs passed, {violated} violated, {inconclusive} inconclusive");
    let ink = match (violated, inconclusive) {
        (0, 0) => Ink::Good,
        (0, _) => Ink::Doubt,
        (_, _) => Ink::Bad,
    };
    page.push_str(&format!("\n{}\n", paint.with(ink, &text)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::sample;
    use crate::campaign::summary::summarize;
    use expect_test::expect_file;

    #[test]
    fn the_page_is_golden() {
        let comparison = sample::comparison(120);
        let digest = comparison.digest_of_digests();
        let summary = summarize(&comparison);
        let page = compare(&summary, Paint::PLAIN, digest, "hadr compare --runs 120");
        expect_file!["golden/compare.txt"].assert_eq(&page);
        assert!(page.lines().all(|line| width(line) <= 130));
    }
}
