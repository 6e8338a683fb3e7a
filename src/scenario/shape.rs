//! Shape: what a document may look like, as data that checking, schema and docs share.
//!
//! Here: the shapes, and the check of a tree against one.
//! Never here: the format itself (see `format`), what a value means.
//! Modelled on: JSON Schema's types, kept to what a person writes.

use super::complaint::{Wrong, shortened};
use super::tree::{Node, Value};
use super::vocabulary::Vocabulary;
use crate::engine::config::parse_span;
use crate::engine::time::SimDuration;

/// Longer spans are refused, so that no sum of a few can overflow a run's clock.
const SPAN_MAX: SimDuration = SimDuration::from_secs(100 * 365 * 86_400);

/// What may stand at a place.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Any text; what it says.
    Text(&'static str),
    /// One of a few words.
    OneOf(&'static [&'static str]),
    /// A registered name.
    Name(Names),
    /// A span with its unit: `60s`.
    Span,
    /// A whole number.
    Count,
    /// A whole number, perhaps below zero, or a span with a sign: `-5s`.
    SignedSpan,
    /// `true` or `false`.
    Flag,
    /// A text, a number or a flag, as upstream would write it.
    Scalar,
    /// A number, or a text with it.
    Amount(&'static str),
    /// All of one shape.
    List(&'static Shape),
    /// Fields.
    Table(&'static [Field]),
    /// Entries by name; what the names are.
    Map(Keys, &'static Shape),
    /// Whichever fits the kind of the value.
    Either(&'static [Shape]),
}

/// What the entries of a map are named after.
#[derive(Clone, Copy, Debug)]
pub enum Keys {
    /// Anything; what it says.
    Any(&'static str),
    /// Registered names.
    Of(Names),
}

/// Which names of the vocabulary.
#[derive(Clone, Copy, Debug)]
pub enum Names {
    /// Roles.
    Role,
    /// Marks.
    Mark,
    /// Notes.
    Note,
    /// Services.
    Service,
    /// Operators' commands.
    Command,
    /// Historic bugs.
    Plant,
    /// Sizes.
    Size,
    /// Sections of keys.
    Section,
}

/// A field of a table.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// As written.
    pub name: &'static str,
    /// What may stand there.
    pub shape: Shape,
    /// Whether it must be there.
    pub required: bool,
    /// In a line.
    pub meaning: &'static str,
}

impl Field {
    /// A field that may be left out.
    pub const fn may(name: &'static str, shape: Shape, meaning: &'static str) -> Field {
        Field { name, shape, required: false, meaning }
    }

    /// A field that must be there.
    pub const fn must(name: &'static str, shape: Shape, meaning: &'static str) -> Field {
        Field { name, shape, required: true, meaning }
    }
}

impl Names {
    /// What one is called.
    pub const fn what(self) -> &'static str {
        match self {
            Names::Role => "role",
            Names::Mark => "mark",
            Names::Note => "note",
            Names::Service => "service",
            Names::Command => "command",
            Names::Plant => "plant",
            Names::Size => "size",
            Names::Section => "section of keys",
        }
    }

    /// All of them.
    pub fn of(self, words: &Vocabulary) -> Vec<&'static str> {
        match self {
            Names::Role => words.roles.iter().map(|role| role.name).collect(),
            Names::Mark => words.marks.iter().map(|mark| mark.name).collect(),
            Names::Note => words.notes.iter().map(|note| note.name).collect(),
            Names::Service => words.services.iter().map(|service| service.name).collect(),
            Names::Command => words.commands.iter().map(|command| command.name).collect(),
            Names::Plant => words.plants.iter().map(|plant| plant.name).collect(),
            Names::Size => words.sizes.iter().map(|size| size.name).collect(),
            Names::Section => words.sections.iter().map(|section| section.name).collect(),
        }
    }
}

impl Shape {
    /// What is expected, a phrase.
    pub fn expected(&self) -> String {
        match self {
            Shape::Text(what) | Shape::Amount(what) => (*what).to_string(),
            Shape::OneOf(words) => format!("one of {}", words.join(", ")),
            Shape::Name(names) => format!("a {}", names.what()),
            Shape::Span => "a span such as \"500ms\" or \"60s\"".to_string(),
            Shape::SignedSpan => "a span such as \"60s\" or \"-500ms\"".to_string(),
            Shape::Count => "a whole number".to_string(),
            Shape::Flag => "true or false".to_string(),
            Shape::Scalar => "a text, a number, true or false".to_string(),
            Shape::List(_) => "a list".to_string(),
            Shape::Table(_) | Shape::Map(..) => "a table".to_string(),
            Shape::Either(shapes) => {
                let phrases: Vec<String> = shapes.iter().map(Shape::expected).collect();
                phrases.join(" or ")
            }
        }
    }

    fn fits_kind(&self, node: &Node) -> bool {
        match (&node.value, self) {
            (_, Shape::Either(shapes)) => shapes.iter().any(|shape| shape.fits_kind(node)),
            (
                Value::Text(_),
                Shape::Text(_)
                | Shape::OneOf(_)
                | Shape::Name(_)
                | Shape::Span
                | Shape::SignedSpan
                | Shape::Scalar
                | Shape::Amount(_),
            )
            | (Value::Number(_), Shape::Count | Shape::Scalar | Shape::Amount(_))
            | (Value::Flag(_), Shape::Flag | Shape::Scalar)
            | (Value::List(_), Shape::List(_))
            | (Value::Table(_), Shape::Table(_) | Shape::Map(..)) => true,
            (
                Value::Text(_)
                | Value::Number(_)
                | Value::Flag(_)
                | Value::List(_)
                | Value::Table(_),
                Shape::Text(_)
                | Shape::OneOf(_)
                | Shape::Name(_)
                | Shape::Span
                | Shape::SignedSpan
                | Shape::Count
                | Shape::Flag
                | Shape::Scalar
                | Shape::Amount(_)
                | Shape::List(_)
                | Shape::Table(_)
                | Shape::Map(..),
            ) => false,
        }
    }

    /// Checks a tree: kinds, names, spans, fields that must be there and fields that may not.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn check(&self, node: &Node, words: &Vocabulary) -> Result<(), Wrong> {
        if !self.fits_kind(node) {
            let claim = format!("expected {}, found {}", self.expected(), node.kind());
            let wrong = Wrong::at(node.place, claim);
            return Err(match (self, &node.value) {
                (Shape::Span, Value::Number(_)) => wrong.hint("a bare number has no unit"),
                _ => wrong,
            });
        }
        match self {
            Shape::OneOf(known) => one_of(node, known, "word"),
            Shape::Name(names) => one_of(node, &names.of(words), names.what()),
            Shape::Span => span(node, node.text().unwrap_or_default()),
            Shape::SignedSpan => {
                span(node, node.text().unwrap_or_default().trim_start_matches('-'))
            }
            Shape::Count => match node.scalar().map(|text| text.parse::<u64>()) {
                Some(Ok(_)) => Ok(()),
                Some(Err(_)) | None => Err(Wrong::at(
                    node.place,
                    "expected a whole number of at most 18446744073709551615, not below zero",
                )),
            },
            Shape::List(of) => {
                node.list().unwrap_or_default().iter().try_for_each(|node| of.check(node, words))
            }
            Shape::Map(keys, of) => node.table().into_iter().flatten().try_for_each(|entry| {
                let (name, entry) = entry;
                if let Keys::Of(names) = keys {
                    let known = names.of(words);
                    if !known.contains(&name.as_str()) {
                        return Err(Wrong::unknown(entry.place, names.what(), name, known));
                    }
                }
                of.check(&entry.node, words)
            }),
            Shape::Table(fields) => check_table(node, fields, words),
            Shape::Either(shapes) => {
                let fitting = shapes.iter().find(|shape| shape.fits_kind(node));
                fitting.map_or(Ok(()), |shape| shape.check(node, words))
            }
            Shape::Text(_) | Shape::Flag | Shape::Scalar | Shape::Amount(_) => Ok(()),
        }
    }
}

fn one_of(node: &Node, known: &[&str], what: &str) -> Result<(), Wrong> {
    let text = node.text().unwrap_or_default();
    if known.contains(&text) {
        return Ok(());
    }
    Err(Wrong::unknown(node.place, what, text, known.iter().copied()))
}

fn span(node: &Node, text: &str) -> Result<(), Wrong> {
    match parse_span(text, None) {
        Ok(span) if span <= SPAN_MAX => Ok(()),
        Ok(_) => Err(Wrong::at(node.place, "a span of more than 100 years")),
        Err(why) => Err(Wrong::at(node.place, shortened(&why))),
    }
}

fn check_table(node: &Node, fields: &[Field], words: &Vocabulary) -> Result<(), Wrong> {
    for (name, entry) in node.table().into_iter().flatten() {
        match fields.iter().find(|field| field.name == name) {
            Some(Field { name, shape: Shape::OneOf(known), .. }) if entry.node.text().is_some() => {
                one_of(&entry.node, known, name)?;
            }
            Some(field) => field.shape.check(&entry.node, words)?,
            None => {
                let known = fields.iter().map(|field| field.name);
                return Err(Wrong::unknown(entry.place, "field", name, known));
            }
        }
    }
    match fields.iter().find(|field| field.required && node.get(field.name).is_none()) {
        Some(missing) => {
            let claim = format!("\"{}\" is missing: {}", missing.name, missing.meaning);
            Err(Wrong::at(node.place, claim))
        }
        None => Ok(()),
    }
}
