//! Canvas: the few shapes that our plots are made of.
//!
//! Here: rectangles, lines, text in whole pixels; colours that colour-blind readers tell apart.
//! Never here: data.
//! Modelled on: plotters' SVG back end (text is left to the viewer's fonts).

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Okabe and Ito: blue, orange, green, vermilion, purple, sky, yellow.
pub(super) const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(213, 94, 0),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(240, 228, 66),
];
/// For what went wrong.
pub(super) const BAD: RGBColor = RGBColor(213, 94, 0);
/// For text.
pub(super) const DARK: RGBColor = RGBColor(34, 34, 34);
/// For what qualifies.
pub(super) const MIDDLE: RGBColor = RGBColor(110, 110, 110);
/// For rules.
pub(super) const LIGHT: RGBColor = RGBColor(222, 222, 222);
/// Behind every other line.
pub(super) const PALE: RGBColor = RGBColor(247, 247, 247);

pub(super) type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Which end of a text stands at its place.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Left,
    Middle,
    Right,
}

/// Size, colour and anchor of a text.
#[derive(Clone, Copy)]
pub(super) struct Lettering {
    pub(super) size: i32,
    pub(super) colour: RGBColor,
    pub(super) anchor: Anchor,
}

impl Lettering {
    pub(super) const fn new(size: i32, colour: RGBColor, anchor: Anchor) -> Lettering {
        Lettering { size, colour, anchor }
    }
}

pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

/// Draws on a white ground of that size; `None` if the back end fails, which memory does not.
pub(super) fn picture(size: (u32, u32), draw: impl FnOnce(&Canvas<'_>) -> Drawn) -> Option<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE).ok()?;
        let canvas = Canvas { area };
        draw(&canvas).ok()?;
        canvas.area.present().ok()?;
    }
    Some(svg)
}

impl Canvas<'_> {
    pub(super) fn fill(&self, from: (i32, i32), to: (i32, i32), colour: RGBColor) -> Drawn {
        self.area.draw(&Rectangle::new([from, to], colour.filled()))
    }

    pub(super) fn line(&self, from: (i32, i32), to: (i32, i32), stroke: (RGBColor, u32)) -> Drawn {
        let style = ShapeStyle::from(stroke.0).stroke_width(stroke.1);
        self.area.draw(&PathElement::new([from, to], style))
    }

    pub(super) fn dot(&self, at: (i32, i32), radius: i32, colour: RGBColor) -> Drawn {
        self.area.draw(&Circle::new(at, radius + 1, WHITE.filled()))?;
        self.area.draw(&Circle::new(at, radius, colour.filled()))
    }

    pub(super) fn text(&self, at: (i32, i32), text: &str, lettering: Lettering) -> Drawn {
        let Lettering { size, colour, anchor } = lettering;
        let horizontal = match anchor {
            Anchor::Left => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        // The back end divides sizes by 1.24.
        let size = f64::from(size) * 1.24;
        let style = TextStyle::from(("Helvetica, Arial, sans-serif", size).into_font())
            .color(&colour)
            .pos(Pos::new(horizontal, VPos::Center));
        self.area.draw(&Text::new(text.to_owned(), at, style))
    }
}
