//! Paint: colour and bars for a terminal.
//!
//! Here: the few escape sequences in use, or none.
//! Never here: whether this is a terminal (that is `cli`).
//! Modelled on: ripgrep's termcolor specs; <https://no-color.org>.

/// What a stretch of text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// A heading.
    Strong,
    /// Said in passing.
    Faint,
    /// It went wrong.
    Bad,
    /// It went well.
    Good,
    /// It is not known.
    Doubt,
}

/// Colours, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    /// Whether escape sequences are written.
    pub colour: bool,
}

impl Paint {
    /// Plain text.
    pub const PLAIN: Paint = Paint { colour: false };

    /// `text` in the ink.
    pub fn with(self, ink: Ink, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Strong => "1",
            Ink::Faint => "2",
            Ink::Bad => "1;31",
            Ink::Good => "32",
            Ink::Doubt => "33",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// A bar of `part` in `whole`, `width` columns at most, in eighths of a column.
pub fn bar(part: u64, whole: u64, width: u64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = u128::from(part) * u128::from(width * 8) / u128::from(whole.max(1));
    let eighths =
        usize::try_from(eighths).unwrap_or(0).min(usize::try_from(width * 8).unwrap_or(0));
    let shown = eighths.max(usize::from(0 < part));
    format!("{}{}", "█".repeat(shown / 8), EIGHTHS[shown % 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_proportional_and_what_is_there_shows() {
        assert_eq!(bar(1, 2, 4), "██");
        assert_eq!(bar(1, 1_000_000, 4), "▏");
        assert_eq!(bar(0, 5, 4), "");
        assert_eq!(bar(9, 5, 4), "████");
    }
}
