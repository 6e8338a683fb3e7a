//! Configuration: what an operator may write, one row per key, and what a process reads.
//!
//! Here: the types of a row and of a configuration; parsing of values in the operator's units.
//! Never here: the rows themselves (they live with the client library or system that reads them).
//! Modelled on: Hadoop `Configuration.getTimeDuration`, `getLongBytes`; rust-analyzer's config
//! rows.

use std::collections::BTreeMap;
use std::fmt;

use super::time::SimDuration;

/// A named set of stock values, `hadoop-3.4` say; each process has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Profile(pub &'static str);

/// Which suffixes may follow the key's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suffix {
    /// None.
    None,
    /// `.nameservice`.
    Nameservice,
    /// `.nameservice` and then `.namenode`.
    NameNode,
}

/// The unit of a bare number in the operator's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Millis,
    /// Seconds.
    Secs,
    /// Bytes; `k`, `m`, `g` suffixes are powers of 1,024.
    Bytes,
    /// Mebibytes.
    Mebibytes,
    /// A plain count, a flag or a text.
    Plain,
}

/// One configuration key.
pub struct KeySpec<T: 'static> {
    /// As upstream writes it.
    pub name: &'static str,
    /// Older names that upstream still reads.
    pub deprecated: &'static [&'static str],
    /// Whether nameservice and NameNode ids may follow.
    pub suffix: Suffix,
    /// Unit of a bare number.
    pub unit: Unit,
    /// Stock value per profile; the last row whose profile matches, else the first row.
    pub defaults: &'static [(Profile, T)],
    /// A sensible range for sweeps, both ends included.
    pub sweep: (T, T),
    /// What it means, in a line.
    pub meaning: &'static str,
    /// The room of the model that reads it.
    pub mechanism: &'static str,
}

/// A type that a key can have.
pub trait Value: Copy + fmt::Debug + Send + Sync {
    /// What a process gets.
    type Out;
    /// What the type is called in an error message.
    const EXPECTED: &'static str;
    /// Reads an operator's text.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    fn parse(text: &str, unit: Unit) -> Result<Self::Out, String>;
    /// The stock value as a process gets it.
    fn out(self) -> Self::Out;
    /// As an operator would write it.
    fn print(self, unit: Unit) -> String;
}

impl Value for u64 {
    type Out = u64;
    const EXPECTED: &'static str = "a whole number";
    fn parse(text: &str, unit: Unit) -> Result<u64, String> {
        let text = text.trim();
        if unit == Unit::Bytes {
            return parse_bytes(text);
        }
        text.parse().map_err(|_| format!("expected a whole number, found \"{text}\""))
    }
    fn out(self) -> u64 {
        self
    }
    fn print(self, _unit: Unit) -> String {
        self.to_string()
    }
}

impl Value for bool {
    type Out = bool;
    const EXPECTED: &'static str = "true or false";
    fn parse(text: &str, _unit: Unit) -> Result<bool, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(format!("expected true or false, found \"{other}\"")),
        }
    }
    fn out(self) -> bool {
        self
    }
    fn print(self, _unit: Unit) -> String {
        self.to_string()
    }
}

impl Value for &'static str {
    type Out = String;
    const EXPECTED: &'static str = "a text";
    fn parse(text: &str, _unit: Unit) -> Result<String, String> {
        Ok(text.trim().to_string())
    }
    fn out(self) -> String {
        self.to_string()
    }
    fn print(self, _unit: Unit) -> String {
        self.to_string()
    }
}

/// A fraction between 0 and 1 in parts per million, so that no float takes part in a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millionths(pub u32);

impl Value for Millionths {
    type Out = Millionths;
    const EXPECTED: &'static str = "a fraction between 0 and 1";
    fn parse(text: &str, _unit: Unit) -> Result<Millionths, String> {
        let wrong = || format!("expected a fraction between 0 and 1, found \"{text}\"");
        let text = text.trim().trim_end_matches('f');
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{part:0<6}");
        let whole: u32 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| wrong())? };
        let part: u32 = digits.get(..6).and_then(|d| d.parse().ok()).ok_or_else(wrong)?;
        whole
            .checked_mul(1_000_000)
            .and_then(|w| w.checked_add(part))
            .map(Millionths)
            .ok_or_else(wrong)
    }
    fn out(self) -> Millionths {
        self
    }
    fn print(self, _unit: Unit) -> String {
        let text = format!("{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000);
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    }
}

impl Value for SimDuration {
    type Out = SimDuration;
    const EXPECTED: &'static str = "a span such as 60s, 500ms or a bare number";
    fn parse(text: &str, unit: Unit) -> Result<SimDuration, String> {
        parse_span(text, Some(unit))
    }
    fn out(self) -> SimDuration {
        self
    }
    fn print(self, unit: Unit) -> String {
        match unit {
            Unit::Secs if self.as_nanos().is_multiple_of(1_000_000_000) => {
                (self.as_nanos() / 1_000_000_000).to_string()
            }
            Unit::Millis if self.as_nanos().is_multiple_of(1_000_000) => {
                self.as_millis().to_string()
            }
            Unit::Millis | Unit::Secs | Unit::Bytes | Unit::Mebibytes | Unit::Plain => {
                format!("{self}s")
            }
        }
    }
}

/// Reads `60s`, `1m`, `500ms`, or a bare number in `bare` (none: a unit is required). Units as in
/// Hadoop's `getTimeDuration`: ns, us, ms, s, m, h, d.
///
/// # Errors
/// A sentence that says what was expected.
pub fn parse_span(text: &str, bare: Option<Unit>) -> Result<SimDuration, String> {
    let text = text.trim();
    let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = (&text[..split], text[split..].trim());
    let scale: u64 = match unit {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" | "min" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        "" => match bare {
            Some(Unit::Millis) => 1_000_000,
            Some(Unit::Secs) => 1_000_000_000,
            Some(Unit::Bytes | Unit::Mebibytes | Unit::Plain) | None => {
                return Err(format!(
                    "expected a span with a unit, such as 500ms or 60s, found \"{text}\""
                ));
            }
        },
        other => {
            return Err(format!(
                "unknown unit \"{other}\" in \"{text}\"; use ns, us, ms, s, m, h or d"
            ));
        }
    };
    let wrong = || format!("expected a span such as 500ms or 60s, found \"{text}\"");
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let mut ns: u64 =
        whole.parse::<u64>().map_err(|_| wrong())?.checked_mul(scale).ok_or_else(wrong)?;
    let mut place = scale;
    for digit in part.chars() {
        place /= 10;
        let part = u64::from(digit.to_digit(10).ok_or_else(wrong)?) * place;
        ns = ns.checked_add(part).ok_or_else(wrong)?;
    }
    Ok(SimDuration::from_nanos(ns))
}

/// Reads `1024`, `64k`, `128m`, `1g`: powers of 1,024, as Hadoop's `getLongBytes`.
///
/// # Errors
/// A sentence that says what was expected.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("expected a number of bytes such as 1048576 or 64m, found \"{text}\"");
    let text = text.trim().to_ascii_lowercase();
    let (number, scale) = match text.strip_suffix(['k', 'm', 'g', 't']) {
        Some(number) => {
            let power = "kmgt".find(&text[number.len()..]).ok_or_else(wrong)?;
            (number, 1024_u64.pow(u32::try_from(power).map_err(|_| wrong())? + 1))
        }
        None => (text.as_str(), 1),
    };
    number.trim().parse::<u64>().ok().and_then(|n| n.checked_mul(scale)).ok_or_else(wrong)
}

/// Declares rows: each is a documented `pub const NAME: &KeySpec<T>` whose doc comment is its
/// meaning, and `ALL` lists them in order, so that no row can be forgotten.
macro_rules! key_table {
    ($(
        $(#[doc = $meaning:literal])+
        $name:ident: $type:ty {
            name: $key:literal,
            $(deprecated: $deprecated:expr,)?
            $(suffix: $suffix:ident,)?
            unit: $unit:ident,
            stock: $stock:expr,
            sweep: $sweep:expr,
            mechanism: $mechanism:literal $(,)?
        }
    )+) => {
        $(
            $(#[doc = $meaning])+
            pub const $name: &$crate::engine::config::KeySpec<$type> =
                &$crate::engine::config::KeySpec {
                    name: $key,
                    deprecated: $crate::engine::config::key_table!(@or &[], $($deprecated)?),
                    suffix: $crate::engine::config::key_table!(
                        @or $crate::engine::config::Suffix::None,
                        $($crate::engine::config::Suffix::$suffix)?
                    ),
                    unit: $crate::engine::config::Unit::$unit,
                    defaults: $stock,
                    sweep: $sweep,
                    meaning: concat!($($meaning),+).trim_ascii(),
                    mechanism: $mechanism,
                };
        )+
        /// Every row of this table, in order.
        pub const ALL: &[&dyn $crate::engine::config::Key] = &[$($name),+];
    };
    (@or $stock:expr,) => { $stock };
    (@or $stock:expr, $given:expr) => { $given };
}
pub(crate) use key_table;

/// A row without its type: what import, schema, `list`, sweeps and docs read.
pub trait Key: Sync {
    /// As upstream writes it.
    fn name(&self) -> &'static str;
    /// Older names that upstream still reads.
    fn deprecated(&self) -> &'static [&'static str];
    /// Which suffixes may follow.
    fn suffix(&self) -> Suffix;
    /// Unit of a bare number.
    fn unit(&self) -> Unit;
    /// What it means.
    fn meaning(&self) -> &'static str;
    /// The room of the model that reads it.
    fn mechanism(&self) -> &'static str;
    /// What a value must look like.
    fn expected(&self) -> &'static str;
    /// The stock value, as an operator would write it.
    fn stock_text(&self, profile: Profile) -> String;
    /// The profiles that have a row.
    fn profiles(&self) -> Vec<Profile>;
    /// The sweep range, as an operator would write it.
    fn sweep_text(&self) -> (String, String);
    /// Whether `text` is a value of this key.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    fn check(&self, text: &str) -> Result<(), String>;
}

impl<T: Value> KeySpec<T> {
    fn stock(&self, profile: Profile) -> T {
        let row = self.defaults.iter().rev().find(|row| row.0 == profile);
        row.or(self.defaults.first()).expect("a key has a stock value").1
    }
}

impl<T: Value> Key for KeySpec<T> {
    fn name(&self) -> &'static str {
        self.name
    }
    fn deprecated(&self) -> &'static [&'static str] {
        self.deprecated
    }
    fn suffix(&self) -> Suffix {
        self.suffix
    }
    fn unit(&self) -> Unit {
        self.unit
    }
    fn meaning(&self) -> &'static str {
        self.meaning
    }
    fn mechanism(&self) -> &'static str {
        self.mechanism
    }
    fn expected(&self) -> &'static str {
        T::EXPECTED
    }
    fn stock_text(&self, profile: Profile) -> String {
        self.stock(profile).print(self.unit)
    }
    fn profiles(&self) -> Vec<Profile> {
        self.defaults.iter().map(|row| row.0).collect()
    }
    fn sweep_text(&self) -> (String, String) {
        (self.sweep.0.print(self.unit), self.sweep.1.print(self.unit))
    }
    fn check(&self, text: &str) -> Result<(), String> {
        T::parse(text, self.unit).map(|_| ())
    }
}

/// What one process reads: the operator's words over the stock values of its profile.
#[derive(Clone, Debug)]
pub struct Config {
    profile: Profile,
    written: BTreeMap<String, String>,
    nameservice: Option<String>,
    namenode: Option<String>,
}

impl Config {
    /// Stock values only.
    pub fn stock(profile: Profile) -> Config {
        Config { profile, written: BTreeMap::new(), nameservice: None, namenode: None }
    }

    /// The profile whose stock values apply.
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// Adds the operator's word for a key (already checked, under its newest name, suffix kept).
    #[must_use]
    pub fn with(mut self, name: &str, text: &str) -> Config {
        self.written.insert(name.to_string(), text.to_string());
        self
    }

    /// The same configuration as read by one nameservice and NameNode: suffixed keys apply.
    #[must_use]
    pub fn scoped(mut self, nameservice: Option<&str>, namenode: Option<&str>) -> Config {
        self.nameservice = nameservice.map(str::to_string);
        self.namenode = namenode.map(str::to_string);
        self
    }

    /// What the operator wrote under `name` itself, suffixes included.
    pub fn written(&self, name: &str) -> Option<&str> {
        self.written.get(name).map(String::as_str)
    }

    /// What the operator wrote, the longest suffix first, else the stock value of the profile.
    /// Read once, when a process is built: this is no hot path.
    pub fn get<T: Value>(&self, key: &KeySpec<T>) -> T::Out {
        match self.written_for(key.name, key.suffix) {
            Some(text) => T::parse(text, key.unit)
                .unwrap_or_else(|why| panic!("{}: {why}; the loader checks every value", key.name)),
            None => key.stock(self.profile).out(),
        }
    }

    fn written_for(&self, name: &str, suffix: Suffix) -> Option<&str> {
        let nameservice = self.nameservice.as_deref().filter(|_| suffix != Suffix::None);
        let namenode = self.namenode.as_deref().filter(|_| suffix == Suffix::NameNode);
        let both = nameservice.zip(namenode).map(|(ns, nn)| format!("{name}.{ns}.{nn}"));
        let one = nameservice.map(|ns| format!("{name}.{ns}"));
        [both, one, Some(name.to_string())]
            .into_iter()
            .flatten()
            .find_map(|candidate| self.written.get(&candidate))
            .map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Profile = Profile("hadoop-3.3");
    const NEW: Profile = Profile("hadoop-3.4");
    const RPC_TIMEOUT: &KeySpec<SimDuration> = &KeySpec {
        name: "ipc.client.rpc-timeout.ms",
        deprecated: &[],
        suffix: Suffix::NameNode,
        unit: Unit::Millis,
        defaults: &[(OLD, SimDuration::ZERO), (NEW, SimDuration::from_millis(120_000))],
        sweep: (SimDuration::from_millis(5_000), SimDuration::from_millis(300_000)),
        meaning: "",
        mechanism: "",
    };

    #[test]
    fn the_operators_word_the_longest_suffix_first_then_the_profiles() {
        let config = Config::stock(NEW);
        assert_eq!(config.get(RPC_TIMEOUT), SimDuration::from_secs(120));
        assert_eq!(Config::stock(OLD).get(RPC_TIMEOUT), SimDuration::ZERO);
        let config = config.with("ipc.client.rpc-timeout.ms", "60000");
        let config = config.with("ipc.client.rpc-timeout.ms.ns1.nn2", "5s");
        assert_eq!(config.get(RPC_TIMEOUT), SimDuration::from_secs(60));
        let nn2 = config.scoped(Some("ns1"), Some("nn2"));
        assert_eq!(nn2.get(RPC_TIMEOUT), SimDuration::from_secs(5));
    }

    #[test]
    fn values_in_the_operators_units() {
        assert_eq!(parse_span("1.5s", None), Ok(SimDuration::from_millis(1_500)));
        assert_eq!(parse_span("2m", None), Ok(SimDuration::from_secs(120)));
        assert!(parse_span("60", None).is_err());
        assert_eq!(parse_bytes("64k"), Ok(65_536));
        assert_eq!(Millionths::parse("0.999f", Unit::Plain), Ok(Millionths(999_000)));
        assert_eq!(Millionths(320_000).print(Unit::Plain), "0.32");
    }
}
