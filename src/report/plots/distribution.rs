//! Distribution: the RTO of every run of every design, on one line each.
//!
//! A column of the skyline is a count of runs. Left of the axis stand the runs in which nobody
//! noticed anything, right of it, in vermilion, those that did not come back before the horizon.
//! Below the skyline: median, p95 and p99 (filled dots, from light to dark) over their intervals.
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
use crate::report::decimal::brief;
use plotters::style::RGBColor;

const WIDTH: u32 = 1_000;
const TOP: i32 = 64;
const ROW: i32 = 74;
const SKYLINE: i32 = 40;
const NAME: i32 = 196;
/// Where the runs stand in which nobody noticed anything.
const ZERO: i32 = 226;
const LEFT: i32 = 262;
const RIGHT: i32 = 744;
/// Where the runs stand that did not come back.
const NEVER: i32 = 812;
const TEXT: i32 = 872;
const COLUMN: i32 = 4;

pub(super) fn draw(table: &Table, lines: &[Line<'_>]) -> Option<String> {
    let all = || lines.iter().filter_map(|line| line.service).flat_map(|one| &one.rto.sorted);
    let seen = || all().map(|rto| rto.span()).filter(|span| !span.is_zero());
    let (least, most) = (seen().min()?, seen().max()?);
    let scale = Scale::logarithmic(least, most, (LEFT, RIGHT));
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
        if all().any(|rto| rto.span().is_zero()) {
            canvas.text((ZERO, bottom + 16), "not", below)?;
            canvas.text((ZERO, bottom + 30), "noticed", below)?;
        }
        if all().any(|rto| rto.censored()) {
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
        return canvas.text((LEFT, base - 12), &text, Lettering::new(12, MIDDLE, Anchor::Left));
    };
    canvas.line((LEFT, base), (RIGHT, base), (LIGHT, 1))?;
    skyline(canvas, service, (base, colour), scale)?;
    let rto = &service.rto;
    for (quantile, n) in [&rto.p50, &rto.p95, &rto.p99].into_iter().zip(0..) {
        if let Some(quantile) = quantile {
            interval(canvas, quantile, (base + 7 + n * 7, tint(colour, n)), scale)?;
        }
    }
    let text = |of: &Option<Quantile<Rto>>, label: &str| match of {
        Some(Quantile { at: Rto::Lasted(span), .. }) => format!("{label}  {} s", brief(*span)),
        Some(Quantile { at: Rto::LongerThan(span), .. }) => {
            format!("{label}  > {} s", brief(*span))
        }
        None => format!("{label}  too few runs"),
    };
    let plain = Lettering::new(11, DARK, Anchor::Left);
    canvas.text((TEXT, top + 16), &text(&rto.p50, "p50"), plain)?;
    canvas.text((TEXT, top + 32), &text(&rto.p95, "p95"), plain)?;
    canvas.text((TEXT, top + 48), &text(&rto.p99, "p99"), plain)
}

/// Counts of runs by column; each row to a scale of its own.
fn skyline(
    canvas: &Canvas<'_>,
    service: &ServiceSummary,
    place: (i32, RGBColor),
    scale: &Scale,
) -> Drawn {
    let (base, colour) = place;
    let (mut columns, mut zero, mut never) = (BTreeMap::<i32, i32>::new(), 0, 0);
    for rto in &service.rto.sorted {
        match rto {
            Rto::LongerThan(_) => never += 1,
            Rto::Lasted(SimDuration::ZERO) => zero += 1,
            Rto::Lasted(span) => {
                *columns.entry((scale.place(*span) - LEFT) / COLUMN).or_insert(0) += 1;
            }
        }
    }
    let most = columns.values().copied().max().unwrap_or(1).max(5);
    for (column, count) in columns {
        let left = LEFT + column * COLUMN;
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
