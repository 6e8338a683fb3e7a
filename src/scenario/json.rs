//! JSON: the same tree out of a JSON document.
//!
//! Here: a reader that keeps places, which serde_json does not.
//! Never here: what a field means; comments or trailing commas.
//! Modelled on: RFC 8259.

use super::complaint::{Place, Wrong};
use super::tree::{Entry, Node, Table, Value};

/// Deeper nesting is refused: no scenario needs it.
const DEPTH_MAX: usize = 64;

struct Reader<'a> {
    source: usize,
    text: &'a str,
    offset: usize,
}

/// Reads a JSON document whose root is an object.
///
/// # Errors
/// The first thing that is not JSON.
pub fn read_json(source: usize, text: &str) -> Result<Node, Wrong> {
    let mut reader = Reader { source, text, offset: 0 };
    reader.skip_blanks();
    if reader.peek() != Some(b'{') {
        return Err(reader.expected("an object in braces"));
    }
    let root = reader.node(0)?;
    reader.skip_blanks();
    match reader.peek() {
        None => Ok(root),
        Some(_) => Err(reader.expected("nothing after the object")),
    }
}

impl Reader<'_> {
    fn node(&mut self, depth: usize) -> Result<Node, Wrong> {
        let place = self.place();
        if depth > DEPTH_MAX {
            return Err(Wrong::at(place, format!("nested deeper than {DEPTH_MAX}")));
        }
        let value = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(_) | None => self.word()?,
        };
        Ok(Node { place, value })
    }

    fn object(&mut self, depth: usize) -> Result<Value, Wrong> {
        self.offset += 1;
        let mut table = Table::new();
        if self.closed(b'}') {
            return Ok(Value::Table(table));
        }
        loop {
            self.skip_blanks();
            let place = self.place();
            if self.peek() != Some(b'"') {
                return Err(self.expected("a name in double quotes"));
            }
            let name = self.string()?;
            self.skip_blanks();
            if self.peek() != Some(b':') {
                return Err(self.expected("a colon"));
            }
            self.offset += 1;
            self.skip_blanks();
            let node = self.node(depth + 1)?;
            if table.insert(name.clone(), Entry { place, node }).is_some() {
                return Err(Wrong::at(place, format!("\"{name}\" stands here twice")));
            }
            if self.closed(b'}') {
                return Ok(Value::Table(table));
            }
            self.comma("a comma or a closing brace")?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Wrong> {
        self.offset += 1;
        let mut list = Vec::new();
        if self.closed(b']') {
            return Ok(Value::List(list));
        }
        loop {
            self.skip_blanks();
            list.push(self.node(depth + 1)?);
            if self.closed(b']') {
                return Ok(Value::List(list));
            }
            self.comma("a comma or a closing bracket")?;
        }
    }

    fn string(&mut self) -> Result<String, Wrong> {
        let place = self.place();
        let bytes = self.text.as_bytes();
        let mut end = self.offset + 1;
        while let Some(byte) = bytes.get(end) {
            match byte {
                b'\\' => end += 2,
                b'"' => break,
                _ => end += 1,
            }
        }
        let literal = self.text.get(self.offset..=end).unwrap_or_default();
        self.offset = (end + 1).min(self.text.len());
        serde_json::from_str(literal)
            .map_err(|_| Wrong::at(place, "expected a text in double quotes, as JSON writes it"))
    }

    fn number(&mut self) -> Result<Value, Wrong> {
        let place = self.place();
        let rest = &self.text[self.offset..];
        let is_number = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
        let literal = &rest[..rest.find(|c| !is_number(c)).unwrap_or(rest.len())];
        self.offset += literal.len();
        match serde_json::from_str::<serde_json::Number>(literal) {
            Ok(_) => Ok(Value::Number(literal.to_string())),
            Err(_) => Err(Wrong::at(place, "expected a number, as JSON writes it")),
        }
    }

    fn word(&mut self) -> Result<Value, Wrong> {
        for (word, value) in [("true", Value::Flag(true)), ("false", Value::Flag(false))] {
            if self.text[self.offset..].starts_with(word) {
                self.offset += word.len();
                return Ok(value);
            }
        }
        Err(self.expected("a value"))
    }

    fn closed(&mut self, by: u8) -> bool {
        self.skip_blanks();
        let closed = self.peek() == Some(by);
        self.offset += usize::from(closed);
        closed
    }

    fn comma(&mut self, expected: &str) -> Result<(), Wrong> {
        if self.peek() != Some(b',') {
            return Err(self.expected(expected));
        }
        self.offset += 1;
        Ok(())
    }

    fn skip_blanks(&mut self) {
        let rest = &self.text.as_bytes()[self.offset..];
        self.offset += rest.iter().take_while(|byte| b" \t\r\n".contains(byte)).count();
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.offset).copied()
    }

    const fn place(&self) -> Place {
        Place { source: self.source, offset: self.offset }
    }

    fn expected(&self, what: &str) -> Wrong {
        Wrong::at(self.place(), format!("not JSON: expected {what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::read_toml;
    use super::*;

    #[test]
    fn the_same_tree_as_from_toml() {
        let json = r#"{ "a": [1, 2.5, true], "b": { "c.d": "x\n\u00e4" } }"#;
        let toml = "a = [1, 2.5, true]\n[b]\n\"c.d\" = \"x\\nä\"\n";
        let (json, toml) = (read_json(0, json).unwrap(), read_toml(0, toml).unwrap());
        assert_eq!(json.canonical(), toml.canonical());
    }

    #[test]
    fn places_are_kept_and_errors_have_one() {
        let root = read_json(3, "{\n  \"a\": [7]\n}").unwrap();
        let seven = &root.get("a").unwrap().list().unwrap()[0];
        assert_eq!(seven.place, Place { source: 3, offset: 10 });
        let offsets =
            [("{", 1), ("{\"a\" 1}", 5), ("{\"a\": nul}", 6), ("{\"a\": \"\\q\"}", 6), ("", 0)];
        for (text, offset) in offsets {
            assert_eq!(read_json(0, text).unwrap_err().place.offset, offset, "{text}");
        }
        let deep = format!("{{\"a\": {}", "[".repeat(10_000));
        assert_eq!(read_json(0, &deep).unwrap_err().claim, "nested deeper than 64");
    }
}
