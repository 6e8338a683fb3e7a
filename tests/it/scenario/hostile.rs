//! Hostile: no bytes make the readers panic or run away.
//!
//! Here: random texts and mutated right ones.
//! Never here: what is complained about.
//! Modelled on: proptest; a few KB each.

use proptest::prelude::*;

use super::{CLUSTER, Files, read, words};
use hadr::scenario::load;

const LONG: &str = "
include = []
about = \"x\"
[run]
horizon = \"5m\"
[config.hdfs]
dfs.ha.log-roll.period = 60
[[workload]]
service = \"hdfs-meta-write\"
rate = \"20/s\"
[[fault]]
kind = \"cut\"
target = \"active-namenode\"
from = [\"zookeeper\"]
at = \"60s\"
for = \"50s\"
";

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..4_096)) {
        for path in ["a.toml", "a.json"] {
            let files = Files([(path.to_string(), bytes.clone())].into());
            let _ = load(path, &[], &files, &words());
        }
    }

    #[test]
    fn random_text(text in "[\\[\\]{}\"'=.,:#\n a-z0-9é-]{0,400}") {
        let _ = read(&text);
        let files = Files::of(&[("a.json", &text)]);
        let _ = load("a.json", &[], &files, &words());
        let files = Files::of(&[("a.toml", CLUSTER)]);
        let _ = load("a.toml", &[text], &files, &words());
    }

    #[test]
    fn a_right_file_with_a_piece_replaced(
        from in 0_usize..500,
        length in 0_usize..20,
        piece in "[\\[\\]{}\"=. \na-z0-9é<-]{0,12}",
    ) {
        let mut text = format!("{LONG}{CLUSTER}");
        let chars: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let start = chars[from % chars.len()];
        let end = chars[(from % chars.len() + length).min(chars.len() - 1)];
        text.replace_range(start..end, &piece);
        if let Err(complaint) = read(&text) {
            prop_assert!(!complaint.claim.is_empty());
            prop_assert!(complaint.line > 0, "{complaint}");
        }
    }
}
