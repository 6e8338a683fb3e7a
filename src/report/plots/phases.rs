//! Phases: where the mean RTO of every design goes.
//!
//! Here: stacked bars along the critical path, over the runs that ended.
//! Never here: statistics.
//! Modelled on: flame charts, one level deep.

use super::canvas::{Anchor, COLOURS, Canvas, DARK, Drawn, LIGHT, Lettering, MIDDLE, picture};
use super::scale::Scale;
use super::{Line, Table};
use crate::campaign::summary::ServiceSummary;
use crate::engine::time::SimDuration;
use crate::report::decimal::brief;
use plotters::style::{RGBColor, WHITE};

const WIDTH: u32 = 1_000;
const TOP: i32 = 84;
const ROW: i32 = 40;
const NAME: i32 = 196;
const LEFT: i32 = 212;
const RIGHT: i32 = 820;

pub(super) fn draw(table: &Table, lines: &[Line<'_>], names: &[&str]) -> Option<String> {
    let with: Vec<(&str, &ServiceSummary)> = lines
        .iter()
        .filter_map(|line| Some((line.cell.architecture.as_str(), line.service?)))
        .filter(|(_, service)| !service.phases.is_empty())
        .collect();
    let most = with.iter().map(|(_, service)| whole(service)).max()?;
    let scale = Scale::even(most, (LEFT, RIGHT));
    let bottom = TOP + ROW * i32::try_from(with.len()).ok()?;
    let height = u32::try_from(bottom + 30).ok()?;
    picture((WIDTH, height), |canvas| {
        let (service, disaster) = (&table.service, &table.disaster);
        let title = format!("Where the mean RTO of {service} goes under {disaster}");
        canvas.text((16, 24), &title, Lettering::new(17, DARK, Anchor::Left))?;
        let here = |name: &&&str| with.iter().any(|one| one.1.phases.iter().any(|p| p.0 == **name));
        legend(canvas, names, &names.iter().filter(here).copied().collect::<Vec<_>>())?;
        for (at, label) in scale.marks() {
            canvas.line((at, TOP - 6), (at, bottom + 4), (LIGHT, 1))?;
            canvas.text((at, bottom + 16), &label, Lettering::new(11, MIDDLE, Anchor::Middle))?;
        }
        for ((architecture, service), n) in with.iter().zip(0..) {
            let top = TOP + ROW * n;
            let name = Lettering::new(13, DARK, Anchor::Right);
            canvas.text((NAME, top + 14), architecture, name)?;
            bars(canvas, service, (top, names), &scale)?;
        }
        Ok(())
    })
}

fn whole(service: &ServiceSummary) -> SimDuration {
    service.phases.iter().fold(SimDuration::ZERO, |sum, (_, span)| sum + *span)
}

fn colour(names: &[&str], name: &str) -> RGBColor {
    let place = names.iter().position(|one| *one == name).unwrap_or(0);
    COLOURS[place % COLOURS.len()]
}

/// White on dark colours, dark on light ones.
fn ink_on(ground: RGBColor) -> RGBColor {
    let light = 3 * u32::from(ground.0) + 6 * u32::from(ground.1) + u32::from(ground.2);
    if 1_350 < light { DARK } else { WHITE }
}

fn legend(canvas: &Canvas<'_>, names: &[&str], here: &[&str]) -> Drawn {
    let mut left = 16;
    for name in here {
        canvas.fill((left, 44), (left + 12, 56), colour(names, name))?;
        canvas.text((left + 18, 50), name, Lettering::new(12, DARK, Anchor::Left))?;
        left += 18 + 26 + 6 * i32::try_from(name.chars().count()).unwrap_or(0);
    }
    Ok(())
}

fn bars(
    canvas: &Canvas<'_>,
    service: &ServiceSummary,
    place: (i32, &[&str]),
    scale: &Scale,
) -> Drawn {
    let (top, names) = place;
    let mut reached = SimDuration::ZERO;
    for (name, span) in &service.phases {
        let from = scale.place(reached);
        reached += *span;
        let to = scale.place(reached);
        if from < to {
            canvas.fill((from, top), (to, top + 26), colour(names, name))?;
            canvas.line((to, top), (to, top + 26), (WHITE, 1))?;
        }
        if from + 44 < to {
            let middle = (i32::midpoint(from, to), top + 13);
            let letters = Lettering::new(11, ink_on(colour(names, name)), Anchor::Middle);
            canvas.text(middle, &brief(*span), letters)?;
        }
    }
    let end = (scale.place(reached) + 8, top + 13);
    let came_back = service.runs - service.censored;
    let text = if 0 < service.censored {
        format!("{} s ({came_back} of {} runs)", brief(reached), service.runs)
    } else {
        format!("{} s", brief(reached))
    };
    canvas.text(end, &text, Lettering::new(12, DARK, Anchor::Left))
}
