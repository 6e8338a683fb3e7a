//! Keys: every row against the default files of the releases.
//!
//! Here: stock values, uniqueness, sweep ranges.
//! Never here: what a key does to a model.
//! Modelled on: tests/data/hadoop-defaults.tsv, taken from hdfs-default.xml and core-default.xml.

use std::collections::{BTreeMap, BTreeSet};

use hadr::clients::hadoop_ipc_keys::{self, HADOOP_3_3, HADOOP_3_4};
use hadr::engine::config::{Key, Profile, Unit, parse_span};
use hadr::systems::{hdfs, zookeeper};

/// Keys that the default files do not list: their stock values stand in the sources.
const SOURCE_ONLY: &[&str] = &[
    "dfs.ha.log-roll.rpc.timeout",
    "dfs.ha.tail-edits.max-txns-per-lock",
    "dfs.ha.tail-edits.qjm.rpc.max-txns",
];

/// Where the code runs otherwise than the default file says (reference sheet, 1.5).
const CODE_DIFFERS: &[(&str, Profile)] = &[("dfs.qjournal.parallel-read.num-threads", HADOOP_3_3)];

fn hadoop_keys() -> impl Iterator<Item = &'static dyn Key> {
    hdfs::keys::ALL.iter().chain(hadoop_ipc_keys::ALL).copied()
}

fn normal(key: &dyn Key, text: &str) -> String {
    match key.unit() {
        unit @ (Unit::Millis | Unit::Secs) => parse_span(text, Some(unit)).unwrap().to_string(),
        Unit::Bytes | Unit::Mebibytes | Unit::Plain => {
            let number = text.strip_suffix('f').filter(|n| n.starts_with(char::is_numeric));
            number.unwrap_or(text).to_string()
        }
    }
}

#[test]
fn stock_values_are_those_of_the_default_files() {
    let table = include_str!("../data/hadoop-defaults.tsv");
    let mut rows: BTreeMap<&str, [&str; 2]> = BTreeMap::new();
    for line in table.lines().skip(1) {
        let mut fields = line.split('\t').skip(1);
        let mut field = || fields.next().unwrap_or_default();
        rows.insert(field(), [field(), field()]);
    }
    for key in hadoop_keys() {
        let Some(row) = rows.get(key.name()) else {
            let ours = key.name().starts_with("hadr.");
            assert!(ours || SOURCE_ONLY.contains(&key.name()), "{} has no row", key.name());
            continue;
        };
        for (profile, stock) in [HADOOP_3_3, HADOOP_3_4].into_iter().zip(*row) {
            let absent = stock == "-" || stock.is_empty();
            if absent || CODE_DIFFERS.contains(&(key.name(), profile)) {
                continue;
            }
            let ours = key.stock_text(profile);
            let place = format!("{} in {}", key.name(), profile.0);
            assert_eq!(normal(key, &ours), normal(key, stock), "{place}");
        }
    }
}

#[test]
fn a_sample_ensemble_ticks_every_two_seconds() {
    let stock = |name: &str| {
        let key = zookeeper::keys::ALL.iter().find(|key| key.name() == name).unwrap();
        key.stock_text(zookeeper::keys::ZOOKEEPER_3_8)
    };
    assert_eq!(["tickTime", "initLimit", "syncLimit"].map(stock), ["2000", "10", "5"]);
}

#[test]
fn every_row_has_one_name_a_meaning_and_values_that_it_accepts() {
    let mut names = BTreeSet::new();
    for key in hadoop_keys().chain(zookeeper::keys::ALL.iter().copied()) {
        for name in [key.name()].iter().chain(key.deprecated()) {
            assert!(names.insert(*name), "{name} stands twice");
        }
        assert!(key.meaning().ends_with('.') && !key.meaning().contains("  "), "{}", key.name());
        let (low, high) = key.sweep_text();
        let stock = key.profiles().into_iter().map(|profile| key.stock_text(profile));
        for text in stock.chain([low, high]) {
            assert_eq!(key.check(&text), Ok(()), "{} = {text}", key.name());
        }
    }
}
