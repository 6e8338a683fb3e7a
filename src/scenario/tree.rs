//! Tree: a TOML or JSON document in which every value knows where it stands.
//!
//! Here: the tree, reading TOML, laying one tree over another, `--set`.
//! Never here: what a field means.
//! Modelled on: toml's spanned `DeValue`; deep merge as in Hadoop's "last resource wins".

use std::collections::BTreeMap;
use std::fmt::Write as _;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::complaint::{Place, Wrong};

/// A value and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// What a document can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A quoted text.
    Text(String),
    /// A number, as written.
    Number(String),
    /// `true` or `false`.
    Flag(bool),
    /// In the order written.
    List(Vec<Node>),
    /// By name.
    Table(Table),
}

/// Entries by name, each with the place of its name.
pub type Table = BTreeMap<String, Entry>;

/// A named value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where the name stands.
    pub place: Place,
    /// The value.
    pub node: Node,
}

impl Node {
    /// What kind of value it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Text(_) => "a text",
            Value::Number(_) => "a number",
            Value::Flag(_) => "true or false",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    /// As a text.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Number(_) | Value::Flag(_) | Value::List(_) | Value::Table(_) => None,
        }
    }

    /// A text, number or flag as it would stand in an upstream file.
    pub fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) | Value::Number(text) => Some(text.clone()),
            Value::Flag(flag) => Some(flag.to_string()),
            Value::List(_) | Value::Table(_) => None,
        }
    }

    /// As a table.
    pub fn table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            Value::Text(_) | Value::Number(_) | Value::Flag(_) | Value::List(_) => None,
        }
    }

    /// As a list.
    pub fn list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(list) => Some(list),
            Value::Text(_) | Value::Number(_) | Value::Flag(_) | Value::Table(_) => None,
        }
    }

    /// The entry of a table, if this is one and has it.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.table()?.get(name).map(|entry| &entry.node)
    }

    /// Lays `over` on top: tables entry by entry, everything else replaced.
    pub fn lay(&mut self, over: Node) {
        match (&mut self.value, over) {
            (Value::Table(under), Node { value: Value::Table(over), .. }) => {
                for (name, entry) in over {
                    match under.get_mut(&name) {
                        Some(below) => below.node.lay(entry.node),
                        None => drop(under.insert(name, entry)),
                    }
                }
            }
            (_, over) => *self = over,
        }
    }

    /// The same content in one fixed spelling: what a scenario's hash is taken of.
    pub fn canonical(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match &self.value {
            Value::Text(text) => drop(write!(out, "{text:?}")),
            Value::Number(number) => out.push_str(number),
            Value::Flag(flag) => drop(write!(out, "{flag}")),
            Value::List(list) => {
                out.push('[');
                for node in list {
                    node.write(out);
                    out.push(',');
                }
                out.push(']');
            }
            Value::Table(table) => {
                out.push('{');
                for (name, entry) in table {
                    let _ = write!(out, "{name:?}:");
                    entry.node.write(out);
                    out.push(',');
                }
                out.push('}');
            }
        }
    }
}

/// Reads a TOML document.
///
/// # Errors
/// The first thing that is not TOML.
pub fn read_toml(source: usize, text: &str) -> Result<Node, Wrong> {
    match DeTable::parse(text) {
        Ok(root) => {
            let place = Place { source, offset: root.span().start };
            let value = Value::Table(table(source, root.into_inner())?);
            Ok(Node { place, value })
        }
        Err(error) => {
            let offset = error.span().map_or(0, |span| span.start);
            let claim = format!("not TOML: {}", error.message().replace('\n', ", "));
            Err(Wrong::at(Place { source, offset }, claim))
        }
    }
}

/// Reads the right side of `--set path=value`: a TOML value, or else a bare text.
pub fn read_set_value(source: usize, offset: usize, text: &str) -> Node {
    let place = Place { source, offset };
    let bare = || Node { place, value: Value::Text(text.to_string()) };
    let parsed = DeValue::parse(text).ok().and_then(|value| node(source, value).ok());
    parsed.map_or_else(bare, |node| Node { place, value: node.value })
}

fn table(source: usize, from: DeTable<'_>) -> Result<Table, Wrong> {
    from.into_iter()
        .map(|(name, value)| {
            let place = Place { source, offset: name.span().start };
            let node = node(source, value)?;
            Ok((name.into_inner().into_owned(), Entry { place, node }))
        })
        .collect()
}

fn node(source: usize, from: Spanned<DeValue<'_>>) -> Result<Node, Wrong> {
    let place = Place { source, offset: from.span().start };
    let value = match from.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => match number.radix() {
            10 => Value::Number(number.as_str().to_string()),
            radix => i64::from_str_radix(number.as_str(), radix)
                .map(|number| Value::Number(number.to_string()))
                .map_err(|_| Wrong::at(place, "a number too large to read"))?,
        },
        DeValue::Float(number) => Value::Number(number.as_str().to_string()),
        DeValue::Boolean(flag) => Value::Flag(flag),
        DeValue::Datetime(_) => {
            return Err(Wrong::at(place, "a date has no meaning here").hint("quote it"));
        }
        DeValue::Array(list) => {
            let nodes = list.into_iter().map(|value| node(source, value));
            Value::List(nodes.collect::<Result<_, _>>()?)
        }
        DeValue::Table(entries) => Value::Table(table(source, entries)?),
    };
    Ok(Node { place, value })
}
