//! Run, as text: what a tired operator reads.
//!
//! Here: timeline, measures, where the seconds went, verdict; the line that repeats it comes last.
//! Never here: terminal detection.
//! Modelled on: hyperfine's summary, ripgrep's restraint.

use std::fmt::Write;

use super::decimal::{rounded, thousandths};
use super::paint::{Ink, Paint, bar};
use super::run_json::hex;
use crate::engine::time::SimDuration;
use crate::runner::record::{
    CensusRow, Loss, Record, ResourceRecord, Rto, ServiceRecord, TimelineLine, Verdict, Weight,
};

/// What is shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// Colours, or none.
    pub paint: Paint,
    /// Whether the timeline tells everything or the story only.
    pub details: bool,
}

/// The whole page.
pub fn run(record: &Record, shown: Shown) -> String {
    let mut page = String::new();
    let paint = shown.paint;
    let title = paint.with(Ink::Strong, &record.scenario);
    let branch = if record.lineage.is_empty() {
        String::new()
    } else {
        format!(" · lineage {}", record.lineage.join("/"))
    };
    let (ended, seed, events) =
        (rounded(record.ended_at.since_start()), record.seed, record.events);
    line(
        &mut page,
        &format!("{title} · seed {seed}{branch} · {ended} s simulated, {events} events"),
    );

    timeline(&mut page, &record.timeline, shown);
    for service in &record.services {
        page.push('\n');
        measures(&mut page, service, paint);
    }
    if !record.split_brain.is_empty() {
        line(&mut page, &format!("\n{}", paint.with(Ink::Strong, "split brain")));
        for resource in &record.split_brain {
            split_brain(&mut page, resource, paint);
        }
    }
    census(&mut page, &record.census, paint);
    verdict(&mut page, record, paint);
    page
}

fn line(page: &mut String, text: &str) {
    page.push_str(text);
    page.push('\n');
}

fn timeline(page: &mut String, lines: &[TimelineLine], shown: Shown) {
    let told = |line: &&TimelineLine| shown.details || Weight::Detail < line.weight;
    let lines: Vec<_> = lines.iter().filter(told).collect();
    if lines.is_empty() {
        return;
    }
    page.push('\n');
    let columns = |text: &str| text.chars().count();
    let who = lines.iter().map(|line| columns(&line.who)).max().unwrap_or(0);
    let at = lines.iter().map(|line| columns(&thousandths(line.at))).max().unwrap_or(0);
    for TimelineLine { at: when, who: name, what, weight, .. } in lines {
        let (sign, ink) = match weight {
            Weight::Detail => (" ", Some(Ink::Faint)),
            Weight::Step => (" ", None),
            Weight::Fault => ("×", Some(Ink::Bad)),
            Weight::Alarm => ("!", Some(Ink::Strong)),
        };
        let text = format!("{sign} {name:who$}  {what}");
        let text = ink.map_or(text.clone(), |ink| shown.paint.with(ink, &text));
        line(page, &format!("{:>at$}s {text}", thousandths(*when)));
    }
}

fn measures(page: &mut String, service: &ServiceRecord, paint: Paint) {
    let measure = &service.measure;
    let total = measure.requests();
    let resolution = measure.resolution.map(|span| format!(", one every {} s", rounded(span)));
    let (name, asked) = (paint.with(Ink::Strong, &service.name), resolution.unwrap_or_default());
    let noticeable = rounded(measure.noticeable);
    line(page, &format!("{name}  {total} requests{asked}; noticeable after {noticeable} s"));
    let mut row = |label: &str, text: &str| line(page, &format!("  {label:<13}{text}"));

    match (measure.worst, measure.rto) {
        (None, _) => row("RTO", &paint.with(Ink::Good, "nobody noticed")),
        (Some(worst), rto) => {
            let outage = &measure.outages[worst];
            let (onset, end) = (thousandths(outage.onset), thousandths(outage.to));
            let text = match rto {
                Rto::Lasted(span) => format!("{} s, {onset} to {end}", rounded(span)),
                Rto::LongerThan(span) => {
                    format!("> {} s, from {onset}; the run ended first", rounded(span))
                }
            };
            let ink = if rto.censored() { Ink::Bad } else { Ink::Strong };
            row("RTO", &paint.with(ink, &text));
            let first = measure.rto_first.map_or("none".to_owned(), |span| rounded(span) + " s");
            row("new clients", &format!("first served in time: {first}"));
        }
    }
    if let Some(gap) = measure.ack_gap {
        row("silence", &format!("{} s between acknowledgements at most", rounded(gap)));
    }
    let (unavailable, outages) =
        (rounded(measure.unavailable), plural(measure.outages.len(), "outage"));
    let (failed, unknown) = (measure.failed, measure.unknown);
    row(
        "unavailable",
        &format!("{unavailable} s in {outages}; {failed} failed, {unknown} unknown"),
    );
    if let Some(loss) = &measure.loss {
        let (ink, text) = lost(loss);
        row("RPO", &paint.with(ink, &text));
    }
    phases(page, service, paint);
}

fn lost(loss: &Loss) -> (Ink, String) {
    let sum = format!("{} acknowledged writes, {} bytes", loss.lost_ops, loss.lost_bytes);
    match (loss.rpo, loss.lost_ops) {
        (Some(_), 0) => (Ink::Good, "nothing lost".to_owned()),
        (Some(age), _) => (Ink::Bad, format!("{} s: lost {sum}", rounded(age))),
        (None, 0) => (Ink::Doubt, format!("not known: {} writes not audited", loss.unaudited)),
        (None, _) => {
            (Ink::Bad, format!("lost {sum} at least; {} writes not audited", loss.unaudited))
        }
    }
}

/// So many of a phase's parts are told, the largest; all of them stand in the JSON.
const PARTS_TOLD: usize = 2;

fn phases(page: &mut String, service: &ServiceRecord, paint: Paint) {
    let whole = service.phases.iter().fold(SimDuration::ZERO, |sum, phase| sum + phase.span);
    let Some(widest) = service.phases.iter().map(|phase| phase.name.chars().count()).max() else {
        return;
    };
    for phase in &service.phases {
        let (name, span) = (&phase.name, rounded(phase.span));
        let bar = bar(phase.span.as_nanos(), whole.as_nanos(), 20);
        let large = |(_, part): &&(String, SimDuration)| whole.scaled(1, 100) <= *part;
        let told = phase.parts.iter().filter(large).take(PARTS_TOLD);
        let mut parts: Vec<_> =
            told.map(|(name, part)| format!("{name} {}", rounded(*part))).collect();
        if parts.len() == PARTS_TOLD && PARTS_TOLD < phase.parts.iter().filter(large).count() {
            parts.push("…".to_owned());
        }
        let parts = paint.with(Ink::Faint, &parts.join(", "));
        let text = format!("    {name:<widest$}  {span:>8} s  {bar:<20}  {parts}");
        line(page, text.trim_end());
    }
}

fn split_brain(page: &mut String, resource: &ResourceRecord, paint: Paint) {
    let found = &resource.found;
    let dual = rounded(found.dual_belief);
    let (ink, text) = match found.grade() {
        0 => (Ink::Good, "none".to_owned()),
        1 => (Ink::Doubt, format!("dual belief for {dual} s")),
        2 => (
            Ink::Bad,
            format!("stale service: {} reads; dual belief for {dual} s", found.stale_reads),
        ),
        3.. => (
            Ink::Bad,
            format!(
                "divergence: {} conflicting writes, {} stale reads; dual belief for {dual} s",
                found.conflicting_writes, found.stale_reads
            ),
        ),
    };
    let since =
        found.first_at().map_or(String::new(), |at| format!(", from {} s", thousandths(at)));
    line(page, &format!("  {}  {}", resource.resource, paint.with(ink, &(text + &since))));
}

fn census(page: &mut String, rows: &[CensusRow], paint: Paint) {
    let Some(most) = rows.iter().map(|row| row.count).max() else { return };
    let count = most.to_string().len();
    let kind = rows.iter().map(|row| row.kind.chars().count()).max().unwrap_or(0);
    line(page, &format!("\n{}", paint.with(Ink::Strong, "calls")));
    for CensusRow { kind: name, from, to, count: calls, bytes } in rows {
        line(page, &format!("  {calls:>count$}  {name:<kind$}  {from} → {to}, {bytes} bytes"));
    }
}

fn verdict(page: &mut String, record: &Record, paint: Paint) {
    let verdict = record.verdict();
    let ink = match verdict {
        Verdict::Passed => Ink::Good,
        Verdict::Violated(_) => Ink::Bad,
        Verdict::Inconclusive(_) => Ink::Doubt,
    };
    line(page, &format!("\nverdict  {}", paint.with(ink, verdict.name())));
    for violation in &record.violations {
        let at = thousandths(violation.at);
        line(page, &format!("  {} at {at} s: {}", violation.property, violation.claim));
        let events: Vec<_> = violation.evidence.iter().map(|event| event.0.to_string()).collect();
        if !events.is_empty() {
            line(page, &format!("    events {}", events.join(", ")));
        }
    }
    for gap in &record.gaps {
        line(page, &format!("  not seen: {gap}"));
    }
    let (digest, history) = (hex(record.digest), hex(record.history_digest));
    let text = format!("digest {digest}, history {history}");
    line(page, &paint.with(Ink::Faint, &text));
    let _ = writeln!(page, "repeat it: {}", record.reproduce);
}

/// `1 outage`, `2 outages`.
pub(super) fn plural(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::sample;
    use expect_test::expect_file;

    #[test]
    fn the_page_is_golden_and_narrow() {
        let page = run(&sample::record(), Shown { paint: Paint::PLAIN, details: true });
        expect_file!["golden/run.txt"].assert_eq(&page);
        assert!(page.lines().all(|line| line.chars().count() <= 110));
    }

    #[test]
    fn colours_change_no_letter() {
        let shown = |colour| Shown { paint: Paint { colour }, details: false };
        let coloured = run(&sample::record(), shown(true));
        let mut plain = String::new();
        for (n, part) in coloured.split('\u{1b}').enumerate() {
            let from = if n == 0 { 0 } else { part.find('m').expect("an end") + 1 };
            plain.push_str(&part[from..]);
        }
        assert_eq!(plain, run(&sample::record(), shown(false)));
    }
}
