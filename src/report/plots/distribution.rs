//! Distribution: the RTO of every run of every design, on one line each.
//!
//! A column of the skyline is a count of runs. Left of the axis stand the runs in which nobody
//! noticed anything, right of it, in vermilion, those that did not come back before the horizon.
//! Below the skyline: median, p95 and p99 (filled dots, from light to dark) over their intervals.
//! Beneath a design's name: what its RTO does not say.
//!
//! Here: geometry.
//! Never here: statistics.
//! Modelled on: raincloud plots.

use std::collections::BTreeMap;

use super::canvas::{
    Anchor, BAD, COLOURS, Canvas, DARK, Drawn, LIGHT, Lettering, MIDDLE, PALE, picture,
};
use super::scale::Scale;
use super::{Line, Table};
use crate::campaign::summary::{Quantile, Rto, ServiceSummary};
use crate::engine::time::SimDuration;
use crate::report::compare_overview::flags;
use crate::report::decimal::brief;
use crate::report::paint::Ink;
use plotters::style::RGBColor;

const WIDTH: u32 = 1_000;
const TOP: i32 = 64;
const ROW: i32 = 74;
const SKYLINE: i32 = 40;
const NAME: i32 = 196;
/// Where the runs stand in which nobody noticed anything.
const ZERO: i32 = 226;
/// The axis, with and without runs beside it.
const LEFT: [i32; 2] = [262, 216];
const RIGHT: [i32; 2] = [744, 842];
/// Where the runs stand that did not come back.
const NEVER: i32 = 812;
const TEXT: i32 = 872;
const COLUMN: i32 = 4;

pub(super) fn draw(table: &Table, lines: &[Line<'_>]) -> Option<String> {
    let all = || lines.iter().filter_map(|line| line.service).flat_map(|one| &one.rto.sorted);
    let (unnoticed, never) =
        (all().any(|rto| rto.span().is_zero()), all().any(|rto| rto.censored()));
    let within = all().filter(|rto| !rto.censored() && !rto.span().is_zero()).map(|rto| rto.span());
    let (least, most) = match (within.clone().min(), within.max()) {
        (Some(least), Some(most)) => (least, most),
        (_, _) if never => (SimDuration::from_secs(1), SimDuration::from_secs(600)),
        (_, _) => return None,
    };
    let ends = (LEFT[usize::from(!unnoticed)], RIGHT[usize::from(!never)]);
    let scale = Scale::logarithmic(least, most, ends);
    let bottom = TOP + ROW * i32::try_from(lines.len()).ok()?;
    let height = u32::try_from(bottom + 46).ok()?;
    picture((WIDTH, height), |canvas| {
        let title = format!("RTO of {} under {}", table.service, table.disaster);
        canvas.text((16, 24), &title, Lettering::new(17, DARK, Anchor::Left))?;
        let note =
            "skyline: runs · dots below: p50, p95, p99 with 95 % intervals · logarithmic time";
        canvas.text((16, 45), note, Lettering::new(11, MIDDLE, Anchor::Left))?;
        for n in (0..lines.len()).step_by(2) {
            let top = TOP + ROW * i32::try_from(n).unwrap_or(0);
            canvas.fill((0, top), (1_000, top + ROW), PALE)?;
        }
        for (at, label) in scale.marks() {
            canvas.line((at, TOP), (at, bottom + 4), (LIGHT, 1))?;
            canvas.text((at, bottom + 16), &label, Lettering::new(11, MIDDLE, Anchor::Middle))?;
        }
        let below = Lettering::new(11, MIDDLE, Anchor::Middle);
        if unnoticed {
            canvas.text((ZERO, bottom + 16), "not", below)?;
            canvas.text((ZERO, bottom + 30), "noticed", below)?;
        }
        if never {
            let bad = Lettering { colour: BAD, ..below };
            canvas.text((NEVER, bottom + 16), "not back by", bad)?;
            canvas.text((NEVER, bottom + 30), "the horizon", bad)?;
        }
        for ((line, n), colour) in lines.iter().zip(0..).zip(COLOURS.iter().cycle()) {
            row(canvas, line, (TOP + ROW * n, *colour), &scale)?;
        }
        Ok(())
    })
}

fn row(canvas: &Canvas<'_>, line: &Line<'_>, place: (i32, RGBColor), scale: &Scale) -> Drawn {
    let (top, colour) = place;
    let name = Lettering::new(13, DARK, Anchor::Right);
    let base = top + 6 + SKYLINE;
    canvas.text((NAME, base - 12), &line.cell.architecture, name)?;
    let Some(service) = line.service else {
        let why = line.cell.not_applicable.as_deref().unwrap_or("nothing was run");
        let text = format!("not applicable: {why}");
        let left = scale.ends().0;
        return canvas.text((left, base - 12), &text, Lettering::new(12, MIDDLE, Anchor::Left));
    };
    for (flag, y) in flags(line.cell, service).iter().zip((base + 4..).step_by(14)) {
        let colour = if flag.ink == Ink::Bad { BAD } else { MIDDLE };
        canvas.text((NAME, y), &flag.text, Lettering::new(11, colour, Anchor::Right))?;
    }
    let (left, right) = scale.ends();
    canvas.line((left, base), (right, base), (LIGHT, 1))?;
    skyline(canvas, service, (base, colour), scale)?;
    let rto = &service.rto;
    for (quantile, n) in [&rto.p50, &rto.p95, &rto.p99].into_iter().zip(0..) {
        if let Some(quantile) = quantile {
            interval(canvas, quantile, (base + 7 + n * 7, tint(colour, n)), scale)?;
        }
    }
    // What the runs support, and the longest.
    let quantiles = [(&rto.p50, "p50"), (&rto.p95, "p95"), (&rto.p99, "p99")];
    let known = quantiles.into_iter().filter_map(|(of, label)| Some((of.as_ref()?.at, label)));
    let told = known.chain(rto.max.map(|max| (max, "max")));
    for ((rto, label), y) in told.zip((top + 14..).step_by(15)) {
        let value = match rto {
            Rto::Lasted(SimDuration::ZERO) => "not noticed".to_owned(),
            Rto::Lasted(span) => format!("{} s", brief(span)),
            Rto::LongerThan(span) => format!("> {} s", brief(span)),
        };
        canvas.text((TEXT, y), label, Lettering::new(11, MIDDLE, Anchor::Left))?;
        canvas.text((TEXT + 32, y), &value, Lettering::new(11, DARK, Anchor::Left))?;
    }
    Ok(())
}

/// Counts of runs by column; each row to a scale of its own.
fn skyline(
    canvas: &Canvas<'_>,
    service: &ServiceSummary,
    place: (i32, RGBColor),
    scale: &Scale,
) -> Drawn {
    let (base, colour) = place;
    let axis = scale.ends().0;
    let (mut columns, mut zero, mut never) = (BTreeMap::<i32, i32>::new(), 0, 0);
    for rto in &service.rto.sorted {
        match rto {
            Rto::LongerThan(_) => never += 1,
            Rto::Lasted(SimDuration::ZERO) => zero += 1,
            Rto::Lasted(span) => {
                *columns.entry((scale.place(*span) - axis) / COLUMN).or_insert(0) += 1;
            }
        }
    }
    let most = columns.values().copied().max().unwrap_or(1).max(5);
    for (column, count) in columns {
        let left = axis + column * COLUMN;
        let height = (SKYLINE * count / most).max(2);
        canvas.fill((left, base - height), (left + COLUMN - 1, base), colour)?;
    }
    let all = i32::try_from(service.rto.sorted.len()).unwrap_or(i32::MAX).max(1);
    for (at, count, colour) in [(ZERO, zero, colour), (NEVER, never, BAD)] {
        if 0 < count {
            let height = ((SKYLINE - 12) * count / all).max(2);
            canvas.fill((at - 9, base - height), (at + 9, base), colour)?;
            let text = format!("{count}");
            let above = (at, base - height - 8);
            canvas.text(above, &text, Lettering::new(11, colour, Anchor::Middle))?;
        }
    }
    Ok(())
}

fn interval(
    canvas: &Canvas<'_>,
    quantile: &Quantile<Rto>,
    place: (i32, RGBColor),
    scale: &Scale,
) -> Drawn {
    let (y, colour) = place;
    let x = |rto: Rto| match rto {
        Rto::Lasted(SimDuration::ZERO) => ZERO,
        Rto::Lasted(span) => scale.place(span),
        Rto::LongerThan(_) => NEVER,
    };
    canvas.line((x(quantile.lower), y), (x(quantile.upper), y), (colour, 2))?;
    canvas.dot((x(quantile.at), y), 3, colour)
}

/// Darker with the level.
fn tint(colour: RGBColor, step: i32) -> RGBColor {
    let part = |value: u8| {
        let darker = i32::from(value) * (5 - step) / 5;
        u8::try_from(darker).unwrap_or(0)
    };
    RGBColor(part(colour.0), part(colour.1), part(colour.2))
}
