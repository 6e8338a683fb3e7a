//! Run, as text: what a tired operator reads.
//!
//! Here: timeline, measures, where the seconds went, verdict; the line that repeats it comes last.
//! Never here: terminal detection.
//! Modelled on: hyperfine's summary, ripgrep's restraint.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::decimal::{rounded, thousandths};
use super::paint::{Ink, Paint, bar};
use super::run_json::hex;
use crate::engine::time::{SimDuration, SimTime};
use crate::runner::record::{
    CensusRow, Loss, Record, ResourceRecord, Rto, ServiceRecord, SplitBrain, TimelineLine, Verdict,
    Weight,
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
    split_brain(&mut page, &record.split_brain, paint);
    census(&mut page, &record.census, paint);
    verdict(&mut page, record, shown);
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
    let fault = lines.iter().find(|line| line.weight == Weight::Fault).map(|line| line.at);
    let since_fault = |when: SimTime| {
        let since = fault.filter(|fault| *fault < when).map(|fault| when.since(fault));
        since.map_or(String::new(), |span| format!("+{}", thousandths(SimTime::START + span)))
    };
    let since = lines.iter().map(|line| columns(&since_fault(line.at))).max().unwrap_or(0);
    for TimelineLine { at: when, who: name, what, weight, .. } in lines {
        let (sign, ink) = match weight {
            Weight::Detail => (" ", Some(Ink::Faint)),
            Weight::Step => (" ", None),
            Weight::Fault => ("×", Some(Ink::Bad)),
            Weight::Alarm => ("!", Some(Ink::Strong)),
        };
        let text = format!("{sign} {name:who$}  {what}");
        let text = ink.map_or(text.clone(), |ink| shown.paint.with(ink, &text));
        let (when, since_fault) = (thousandths(*when), since_fault(*when));
        line(page, &format!("{when:>at$}s {since_fault:>since$} {text}"));
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
    let bytes =
        if loss.lost_bytes == 0 { String::new() } else { format!(", {} bytes", loss.lost_bytes) };
    let sum = format!("lost {} acknowledged writes{bytes}", loss.lost_ops);
    match (loss.rpo, loss.lost_ops) {
        (Some(_), 0) => (Ink::Good, "nothing lost".to_owned()),
        (Some(SimDuration::ZERO), _) => {
            (Ink::Bad, format!("0 s, yet {sum}: all were written after the fault"))
        }
        (Some(age), _) => (Ink::Bad, format!("{} s: {sum}", rounded(age))),
        (None, 0) => (Ink::Doubt, format!("not known: {} writes not audited", loss.unaudited)),
        (None, _) => (Ink::Bad, format!("{sum} at least; {} writes not audited", loss.unaudited)),
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

fn split_brain(page: &mut String, resources: &[ResourceRecord], paint: Paint) {
    let title = paint.with(Ink::Strong, "split brain");
    let (whole, split): (Vec<_>, Vec<_>) =
        resources.iter().partition(|resource| resource.found.grade() == 0);
    let none = whole.iter().map(|resource| resource.resource.as_str()).collect::<Vec<_>>();
    let none = format!("{} of {}", paint.with(Ink::Good, "none"), none.join(", "));
    match (split.is_empty(), whole.is_empty()) {
        (true, true) => return,
        (true, false) => return line(page, &format!("\n{title}  {none}")),
        (false, _) => line(page, &format!("\n{title}")),
    }
    for resource in split {
        let (ink, text) = divided(&resource.found);
        line(page, &format!("  {}  {}", resource.resource, paint.with(ink, &text)));
    }
    if !whole.is_empty() {
        line(page, &format!("  {none}"));
    }
}

fn divided(found: &SplitBrain) -> (Ink, String) {
    let dual = rounded(found.dual_belief);
    let (ink, text) = match found.grade() {
        0 | 1 => (Ink::Doubt, format!("dual belief for {dual} s")),
        2 => {
            let reads = found.stale_reads;
            (Ink::Bad, format!("stale service: {reads} reads; dual belief for {dual} s"))
        }
        3.. => {
            let (writes, reads) = (found.conflicting_writes, found.stale_reads);
            let counts = format!("{writes} conflicting writes, {reads} stale reads");
            (Ink::Bad, format!("divergence: {counts}; dual belief for {dual} s"))
        }
    };
    let since = found.first_at().map(|at| format!(", from {} s", thousandths(at)));
    (ink, text + &since.unwrap_or_default())
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

/// So many violations of a property are told unless everything is asked for; all stand in the JSON.
const VIOLATIONS_TOLD: usize = 2;

fn verdict(page: &mut String, record: &Record, shown: Shown) {
    let (verdict, paint) = (record.verdict(), shown.paint);
    let ink = match verdict {
        Verdict::Passed => Ink::Good,
        Verdict::Violated(_) => Ink::Bad,
        Verdict::Inconclusive(_) => Ink::Doubt,
    };
    line(page, &format!("\nverdict  {}", paint.with(ink, verdict.name())));
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for violation in &record.violations {
        let count = counts.entry(violation.property).or_default();
        *count += 1;
        if !shown.details && VIOLATIONS_TOLD < *count {
            continue;
        }
        let at = thousandths(violation.at);
        line(page, &format!("  {} at {at} s: {}", violation.property, violation.claim));
        let events: Vec<_> = violation.evidence.iter().map(|event| event.0.to_string()).collect();
        if !events.is_empty() {
            line(page, &format!("    events {}", events.join(", ")));
        }
    }
    for (property, count) in counts.into_iter().filter(|(_, count)| VIOLATIONS_TOLD < *count) {
        if !shown.details {
            let more = count - VIOLATIONS_TOLD;
            line(page, &format!("  {property}: {more} more (--details)"));
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
