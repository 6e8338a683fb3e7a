//! Lineage: where a run was forked, and which branch it took.
//!
//! Here: the list, as written after `--lineage`.
//! Never here: forking.
//! Modelled on: DESIGN 3.2, a run's identity.

use std::fmt;
use std::str::FromStr;

/// Forks, oldest first: after how many events, into which branch. Empty: never forked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineage(Vec<(u64, u64)>);

impl Lineage {
    /// Adds a fork.
    pub fn push(&mut self, events: u64, branch: u64) {
        self.0.push((events, branch));
    }

    /// Oldest first.
    pub fn forks(&self) -> &[(u64, u64)] {
        &self.0
    }

    /// One text a fork.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(|(events, branch)| format!("{events}:{branch}")).collect()
    }
}

impl fmt::Display for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.texts().join("/"))
    }
}

impl FromStr for Lineage {
    type Err = String;
    fn from_str(text: &str) -> Result<Lineage, String> {
        let fork = |part: &str| {
            let (events, branch) = part.split_once(':')?;
            Some((events.parse().ok()?, branch.parse().ok()?))
        };
        let forks: Option<Vec<_>> =
            text.split('/').filter(|part| !part.is_empty()).map(fork).collect();
        forks.map(Lineage).ok_or_else(|| {
            format!("expected EVENTS:BRANCH, several joined by '/', found \"{text}\"")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_read() {
        let mut lineage = Lineage::default();
        lineage.push(4_711, 1);
        lineage.push(9_000, 2);
        assert_eq!(lineage.to_string(), "4711:1/9000:2");
        assert_eq!("4711:1/9000:2".parse(), Ok(lineage));
        assert!("here".parse::<Lineage>().is_err());
    }
}
