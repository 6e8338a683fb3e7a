//! Xml: the properties of one Hadoop configuration file, each with its place.
//!
//! Here: elements, attributes, CDATA, includes, and what is refused as hostile.
//! Never here: which of two values wins; what a key means.
//! Modelled on: Hadoop 3.4.1 `Configuration.Parser` (StAX).

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::super::complaint::{Complaint, Place, Sources, Wrong};
use super::super::source::{FileReader, beside, read_text};

/// The largest real export known is half a megabyte.
pub(super) const FILE_BYTES_MAX: usize = 16 << 20;
/// Hadoop needs four.
const DEPTH_MAX: usize = 32;
/// Includes of includes.
const INCLUDE_DEPTH_MAX: usize = 8;
/// Over all files of an import.
const PROPERTIES_MAX: usize = 100_000;

/// One `<property>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Property {
    /// Trimmed.
    pub(super) name: String,
    /// As written; getters trim.
    pub(super) value: String,
    /// Later resources may not change it.
    pub(super) is_final: bool,
    /// Where it stands.
    pub(super) place: Place,
}

/// Reads one file and what it includes.
pub(super) fn read_properties(
    path: &str,
    reader: &dyn FileReader,
    sources: &mut Sources,
    into: &mut Vec<Property>,
) -> Result<(), Complaint> {
    read_file(path, reader, sources, into, 0)
}

fn read_file(
    path: &str,
    reader: &dyn FileReader,
    sources: &mut Sources,
    into: &mut Vec<Property>,
    depth: usize,
) -> Result<(), Complaint> {
    let text = read_text(path, reader, FILE_BYTES_MAX)?;
    let source = sources.add(path, &text);
    let steps = parse(source, &text).map_err(|wrong| sources.complaint(wrong))?;
    for step in steps {
        match step {
            Step::Property(property) if into.len() < PROPERTIES_MAX => into.push(property),
            Step::Property(property) => {
                let claim = format!("more than {PROPERTIES_MAX} properties");
                return Err(sources.complaint(Wrong::at(property.place, claim)));
            }
            Step::Include { href, place, fallback } => {
                if depth == INCLUDE_DEPTH_MAX {
                    let wrong = Wrong::at(place, "includes of includes without end");
                    return Err(sources.complaint(wrong.hint("does a file include itself?")));
                }
                let other = beside(path, &href);
                match reader.read(&other) {
                    Ok(_) => read_file(&other, reader, sources, into, depth + 1)?,
                    Err(_) if fallback.is_some() => into.extend(fallback.unwrap_or_default()),
                    Err(why) => {
                        let claim = format!("included {other}: {why}");
                        return Err(sources.complaint(Wrong::at(place, claim)));
                    }
                }
            }
        }
    }
    Ok(())
}

enum Step {
    Property(Property),
    Include { href: String, place: Place, fallback: Option<Vec<Property>> },
}

/// Where the parser stands.
#[derive(Default)]
struct State {
    steps: Vec<Step>,
    open: Vec<String>,
    property: Option<Property>,
    text: String,
    include: Option<Include>,
    roots: usize,
}

struct Include {
    href: String,
    place: Place,
    fallback: Option<Vec<Property>>,
}

fn parse(source: usize, text: &str) -> Result<Vec<Step>, Wrong> {
    let mut reader = Reader::from_str(text);
    let mut state = State::default();
    loop {
        let offset = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let place = Place { source, offset };
        let event = reader.read_event().map_err(|error| {
            let offset = usize::try_from(reader.error_position()).unwrap_or(offset);
            Wrong::at(Place { source, offset }, format!("not well-formed XML: {error}"))
        })?;
        match event {
            Event::Start(tag) => state.start(&tag, place)?,
            Event::Empty(tag) => {
                state.start(&tag, place)?;
                state.end();
            }
            Event::End(_) => state.end(),
            Event::Text(text) => state.say(&text, place)?,
            Event::CData(text) => state.say(&text, place)?,
            Event::GeneralRef(name) => {
                let text = reference(&name).ok_or_else(|| {
                    Wrong::at(place, format!("entity &{};", shortened(&name)))
                        .hint("only &amp; &lt; &gt; &quot; &apos; and character numbers are read")
                })?;
                state.say(&text, place)?;
            }
            Event::DocType(doctype) if doctype.contains("<!ENTITY") => {
                return Err(Wrong::at(place, "the document declares entities")
                    .hint("they are a way to blow a small file up; write the values out"));
            }
            Event::DocType(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    let end = Place { source, offset: text.len() };
    match (state.open.last(), state.roots) {
        (Some(open), _) => {
            Err(Wrong::at(end, format!("the file ends inside <{}>", shortened(open))))
        }
        (None, 0) => Err(Wrong::at(Place { source, offset: 0 }, "no <configuration> element")
            .hint("is this a Hadoop configuration file?")),
        (None, _) => Ok(state.steps),
    }
}

/// Predefined entities and character numbers; nothing else.
fn reference(name: &str) -> Option<String> {
    match name {
        "amp" => Some("&".to_string()),
        "lt" => Some("<".to_string()),
        "gt" => Some(">".to_string()),
        "quot" => Some("\"".to_string()),
        "apos" => Some("'".to_string()),
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code).map(String::from)
        }
    }
}

fn shortened(text: &str) -> String {
    super::super::complaint::shortened(text)
}

/// Without a namespace's prefix: `xi:include` is `include`.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

impl State {
    fn start(&mut self, tag: &BytesStart<'_>, place: Place) -> Result<(), Wrong> {
        let name = local(tag.name().into_inner()).to_string();
        if self.open.len() == DEPTH_MAX {
            return Err(Wrong::at(place, format!("nested deeper than {DEPTH_MAX}")));
        }
        if self.open.is_empty() {
            self.roots += 1;
            if self.roots > 1 || name != "configuration" {
                let claim = format!("expected one <configuration>, found <{}>", shortened(&name));
                let hint = "Hadoop refuses it too: put all properties into one <configuration>";
                return Err(Wrong::at(place, claim).hint(hint));
            }
        }
        self.text.clear();
        let attribute = |name: &str| -> Result<Option<String>, Wrong> {
            let found = tag.try_get_attribute(name);
            let wrong = |error| Wrong::at(place, format!("not well-formed XML: {error}"));
            let Some(found) = found.map_err(|error| wrong(error.to_string()))? else {
                return Ok(None);
            };
            let value = found.normalized_value(quick_xml::XmlVersion::default());
            Ok(Some(value.map_err(|error| wrong(error.to_string()))?.into_owned()))
        };
        match name.as_str() {
            "property" => {
                self.property = Some(Property {
                    name: attribute("name")?.unwrap_or_default(),
                    value: attribute("value")?.unwrap_or_else(|| ABSENT.to_string()),
                    is_final: attribute("final")?.is_some_and(|text| text == "true"),
                    place,
                });
            }
            "include" => {
                let href = attribute("href")?.ok_or_else(|| {
                    Wrong::at(place, "an include without href").hint("nothing would be included")
                })?;
                self.include = Some(Include { href, place, fallback: None });
            }
            "fallback" => {
                if let Some(include) = &mut self.include {
                    include.fallback = Some(Vec::new());
                }
            }
            _ => {}
        }
        self.open.push(name);
        Ok(())
    }

    fn say(&mut self, text: &str, place: Place) -> Result<(), Wrong> {
        if self.open.is_empty() && !text.trim().is_empty() {
            return Err(Wrong::at(place, "text outside <configuration>"));
        }
        self.text.push_str(text);
        Ok(())
    }

    fn end(&mut self) {
        let Some(name) = self.open.pop() else { return };
        let text = std::mem::take(&mut self.text);
        match (name.as_str(), &mut self.property) {
            ("name", Some(property)) => property.name = text.trim().to_string(),
            ("value", Some(property)) => property.value = text,
            ("final", Some(property)) => property.is_final = text.trim() == "true",
            ("property", _) => {
                let Some(property) = self.property.take() else { return };
                if property.name.is_empty() || property.value == ABSENT {
                    return;
                }
                match self.include.as_mut().and_then(|include| include.fallback.as_mut()) {
                    Some(fallback) => fallback.push(property),
                    None => self.steps.push(Step::Property(property)),
                }
            }
            ("include", _) => {
                if let Some(Include { href, place, fallback }) = self.include.take() {
                    self.steps.push(Step::Include { href, place, fallback });
                }
            }
            _ => {}
        }
    }
}

/// A property without `<value>`: Hadoop sets nothing. No XML text can hold this character.
const ABSENT: &str = "\u{0}";
