//! Schema: the format as a JSON Schema, for editors and for files written by programs.
//!
//! Here: shapes and vocabulary turned into `$schema` 2020-12.
//! Never here: a field that the reader does not check.
//! Modelled on: taplo and VS Code's use of JSON Schema for TOML.

use serde_json::{Map, Value, json};

use super::format::ROOT;
use super::shape::{Field, Keys, Shape};
use super::vocabulary::{Section, Vocabulary};
use crate::engine::config::{Key, Suffix};

/// The schema of scenario files, sorted and indented.
pub fn schema(words: &Vocabulary) -> String {
    let mut root = table(ROOT, words);
    let sections = words.sections.iter().map(|part| (part.name.to_string(), section(part)));
    root["properties"]["config"]["properties"] = Value::Object(sections.collect());
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["title"] = json!("hadr scenario");
    let text = serde_json::to_string_pretty(&root).expect("a tree of plain values");
    format!("{text}\n")
}

fn table(fields: &[Field], words: &Vocabulary) -> Value {
    let property = |field: &Field| {
        let mut shape = shape(&field.shape, words);
        shape["description"] = json!(field.meaning);
        (field.name.to_string(), shape)
    };
    let properties: Map<String, Value> = fields.iter().map(property).collect();
    let required: Vec<&str> =
        fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn shape(shape: &Shape, words: &Vocabulary) -> Value {
    match shape {
        Shape::Text(what) => json!({ "type": "string", "title": what }),
        Shape::OneOf(known) => json!({ "type": "string", "enum": known }),
        Shape::Name(names) => json!({ "type": "string", "enum": names.of(words) }),
        Shape::Span => json!({ "type": "string", "pattern": SPAN }),
        Shape::SignedSpan => json!({ "type": "string", "pattern": SPAN.replace('^', "^-?") }),
        Shape::Count => json!({ "type": "integer", "minimum": 0 }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Scalar => json!({ "type": ["string", "number", "boolean"] }),
        Shape::Amount(what) => json!({ "type": ["string", "number"], "title": what }),
        Shape::List(of) => json!({ "type": "array", "items": self::shape(of, words) }),
        Shape::Table(fields) => table(fields, words),
        Shape::Map(keys, of) => {
            let names = match keys {
                Keys::Any(what) => json!({ "title": what }),
                Keys::Of(names) => json!({ "enum": names.of(words) }),
            };
            let of = self::shape(of, words);
            json!({ "type": "object", "propertyNames": names, "additionalProperties": of })
        }
        Shape::Either(shapes) => {
            let shapes: Vec<Value> = shapes.iter().map(|shape| self::shape(shape, words)).collect();
            json!({ "anyOf": shapes })
        }
    }
}

/// As `parse_span` reads it.
const SPAN: &str = "^[0-9]+(\\.[0-9]+)? *(ns|us|ms|s|m|min|h|d)$";

fn section(section: &Section) -> Value {
    let scalar = json!({ "type": ["string", "number", "boolean"] });
    let mut properties = Map::new();
    let mut patterns = Map::new();
    for key in section.keys {
        properties.insert(key.name().to_string(), row(*key));
        let parts = match key.suffix() {
            Suffix::None => continue,
            Suffix::Nameservice => "{1}",
            Suffix::NameNode => "{1,2}",
        };
        let name = key.name().replace('.', "\\.");
        patterns.insert(format!("^{name}(\\.[A-Za-z0-9_-]+){parts}$"), row(*key));
    }
    let profiles: Vec<&str> = section.profiles.iter().map(|profile| profile.0).collect();
    properties.insert("profile".to_string(), json!({ "type": "string", "enum": profiles }));
    json!({
        "type": "object",
        "properties": properties,
        "patternProperties": patterns,
        "additionalProperties": scalar,
    })
}

fn row(key: &dyn Key) -> Value {
    let stock: Map<String, Value> = key
        .profiles()
        .into_iter()
        .map(|profile| (profile.0.to_string(), json!(key.stock_text(profile))))
        .collect();
    json!({
        "type": ["string", "number", "boolean"],
        "title": key.expected(),
        "description": key.meaning(),
        "x-stock": stock,
        "x-unit": format!("{:?}", key.unit()).to_lowercase(),
    })
}
