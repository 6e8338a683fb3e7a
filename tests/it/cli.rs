//! Cli: the program as its users start it.
//!
//! Here: exit statuses, streams, files that it writes, what a stored run is worth.
//! Never here: what a number should be.
//! Modelled on: DESIGN 6 and 7.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use expect_test::expect_file;
use serde_json::Value;
use tempfile::TempDir;

/// One NameNode that is killed for five seconds, and nobody else: a run of a few milliseconds.
const SMALL: &str = r#"
[run]
warm_up = "5s"
horizon = "60s"
jitter = "0s"
stability = "5s"

[topology.roles]
namenode = 1

[[workload]]
service = "hdfs-meta-write"
clients = 1
rate = "5/s"
"#;
const KILL: &str = r#"
[[fault]]
kind = "kill"
target = "active-namenode"
at = "5s"
for = "5s"
"#;

/// A folder of one test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a folder for temporary files"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).expect("it can be written");
        self.path(name).to_string_lossy().into_owned()
    }

    fn read(&self, name: &str) -> String {
        let path = self.path(name);
        let bytes = std::fs::read(&path);
        let bytes = bytes.unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        String::from_utf8(bytes).expect("UTF-8")
    }
}

fn hadr(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hadr"));
    command.args(arguments).env_remove("NO_COLOR");
    command
}

/// What it prints on stdout, on stderr, and its exit status.
fn outcome(arguments: &[&str]) -> (String, String, i32) {
    let output = hadr(arguments).output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints UTF-8");
    (text(output.stdout), text(output.stderr), output.status.code().expect("it was not killed"))
}

fn with(more: &str) -> String {
    // Single values come before the first table.
    format!("{more}\n{SMALL}{KILL}")
}

#[test]
fn the_exit_status_is_the_verdict() {
    let folder = Folder::new();
    let passed = folder.file("passed.toml", &with(""));
    let (text, complaints, status) = outcome(&["run", &passed]);
    assert_eq!((complaints.as_str(), status), ("", 0), "{text}");
    assert!(text.contains("\nverdict  passed\n"), "{text}");
    assert!(text.ends_with(&format!("repeat it: hadr run {passed} --seed 0\n")), "{text}");

    let missed = folder.file("missed.toml", &with("objectives = [\"rto < 2s\"]"));
    let (text, _, status) = outcome(&["run", &missed]);
    assert_eq!(status, 1);
    assert!(text.contains("\nverdict  violated\n") && text.contains("rto < 2s"), "{text}");

    let trigger = "\n[[fault]]\nkind = \"kill\"\ntarget = \"namenode\"\nuntil = \"never\"\n\
                   on = { claimed = \"follower\" }\n";
    let never = folder.file("never.toml", &format!("{SMALL}{trigger}"));
    let (text, _, status) = outcome(&["run", &never]);
    assert_eq!(status, 3, "{text}");
    assert!(text.contains("\nverdict  inconclusive\n") && text.contains("not seen:"), "{text}");
}

#[test]
fn bad_input_is_one_complaint_with_its_place_and_nothing_is_written() {
    let folder = Folder::new();
    let file = folder.file("bad.toml", &with("").replace("\"kill\"", "\"kil\""));
    let out = folder.path("out");
    let out = out.to_string_lossy();
    for command in ["run", "compare"] {
        let (text, complaint, status) = outcome(&[command, &file, "--out", &out]);
        assert_eq!((text.as_str(), status), ("", 2));
        let place = format!("error: {file}:18:8: ");
        assert!(complaint.starts_with(&place) && complaint.contains("\"kill\"?"), "{complaint}");
        assert!(!Path::new(&*out).exists(), "{command} wrote something");
    }
    let wrong: [&[&str]; 6] = [
        &["run", "nowhere.toml"],
        &["run", "builtin/disasters/process-kill.toml"],
        &["compare", "builtin/disasters/process-kill.toml"],
        &["run", &file, "--lineage", "x"],
        &["run"],
        &["import"],
    ];
    for arguments in wrong {
        let (text, complaint, status) = outcome(arguments);
        assert_eq!((text.as_str(), status), ("", 2), "{arguments:?}: {complaint}");
        assert!(complaint.starts_with("error: "), "{arguments:?}: {complaint}");
    }
}

#[test]
fn a_stored_run_is_the_same_bytes_and_replays_until_it_is_tampered_with() {
    let folder = Folder::new();
    let file = folder.file("small.toml", &with(""));
    let out = folder.path("out");
    let out = out.to_string_lossy();
    let arguments = ["run", &file, "--seed", "7", "--format", "json", "--out", &out];
    let (first, _, status) = outcome(&arguments);
    assert_eq!(status, 0);
    assert_eq!(outcome(&arguments).0, first);
    assert_eq!(folder.read("out/run.json"), first);
    let run: Value = serde_json::from_str(&first).expect("it is JSON");
    assert_eq!((&run["schema"], &run["seed"]), (&Value::from("hadr.run/1"), &Value::from(7)));
    for line in folder.read("out/history.jsonl").lines() {
        serde_json::from_str::<Value>(line).expect("a line is JSON");
    }

    let stored = folder.path("out/run.json").to_string_lossy().into_owned();
    let (text, _, status) = outcome(&["replay", &stored]);
    assert_eq!(status, 0);
    assert!(text.starts_with("same run: "), "{text}");

    let digest = run["history_digest"].as_str().expect("a digest");
    let tampered = first.replace(digest, "0123456789abcdef");
    let tampered = folder.file("tampered.json", &tampered);
    let (_, complaint, status) = outcome(&["replay", &tampered]);
    assert_eq!(status, 1);
    let named = format!("history digest: stored 0123456789abcdef, now {digest}");
    assert!(complaint.starts_with(&named), "{complaint}");

    let (_, complaint, status) = outcome(&["replay", &file]);
    assert_eq!(status, 2, "{complaint}");
}

#[test]
fn a_campaign_is_the_same_bytes_on_any_number_of_threads_and_replays() {
    let folder = Folder::new();
    let design = folder.file("small.toml", SMALL);
    let disaster = folder.file("kill.toml", KILL);
    let compare = |jobs: &str, out: &str| {
        let out = folder.path(out);
        let out = out.to_string_lossy();
        let runs = ["--runs", "8", "--jobs", jobs, "--out", &out];
        outcome(&[&["compare", &design, &disaster], &runs[..]].concat())
    };
    let (text, complaints, status) = compare("1", "one");
    assert_eq!((complaints.as_str(), status), ("", 0), "{text}");
    compare("2", "two");
    for name in ["summary.json", "runs.csv", "manifest.json", "report.html"] {
        assert_eq!(folder.read(&format!("one/{name}")), folder.read(&format!("two/{name}")));
    }
    let plot = folder.read("one/plots/rto-hdfs-meta-write-kill.svg");
    assert!(plot.starts_with("<svg"), "{plot}");

    let manifest = folder.path("one/manifest.json").to_string_lossy().into_owned();
    let (text, _, status) = outcome(&["replay", &manifest]);
    assert_eq!(status, 0);
    assert!(text.starts_with("same campaign: 1 cells of 8 runs"), "{text}");

    let mut stored: Value = serde_json::from_str(&folder.read("one/manifest.json")).expect("JSON");
    stored["digest_of_digests"] = "0123456789abcdef".into();
    stored["cells"][0]["runs"][3]["history_digest"] = "0123456789abcdef".into();
    let tampered = folder.file("tampered.json", &stored.to_string());
    let (_, complaint, status) = outcome(&["replay", &tampered]);
    assert_eq!(status, 1);
    assert!(complaint.contains("first difference: small under kill, seed 3"), "{complaint}");
}

#[test]
fn colour_is_asked_for_and_changes_no_letter() {
    let folder = Folder::new();
    let file = folder.file("small.toml", &with(""));
    let (plain, _, _) = outcome(&["run", &file]);
    assert!(!plain.contains('\u{1b}'), "a pipe is no terminal");
    let (coloured, _, _) = outcome(&["run", &file, "--color", "always"]);
    let letters = coloured.split('\u{1b}').enumerate().map(|(n, part)| {
        let end = if n == 0 { 0 } else { part.find('m').expect("an end") + 1 };
        &part[end..]
    });
    assert_eq!(letters.collect::<String>(), plain);
    let no_color = hadr(&["run", &file]).env("NO_COLOR", "1").output().expect("it starts");
    assert_eq!(String::from_utf8_lossy(&no_color.stdout), plain);
    assert_eq!(outcome(&["run", &file, "--quiet"]), (String::new(), String::new(), 0));
}

#[test]
fn help_is_golden() {
    let (help, _, status) = outcome(&["run", "--help"]);
    assert_eq!(status, 0);
    expect_file!["golden/run-help.txt"].assert_eq(&help);
    assert!(help.lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn every_word_can_be_looked_up() {
    let kinds = [
        "systems",
        "roles",
        "services",
        "faults",
        "selectors",
        "commands",
        "marks",
        "notes",
        "properties",
        "plants",
        "sizes",
        "keys",
        "scenarios",
    ];
    for kind in kinds {
        let (text, complaints, status) = outcome(&["list", kind]);
        assert_eq!((complaints.as_str(), status), ("", 0), "list {kind}");
        assert!(text.lines().all(|line| line.contains("  ")), "list {kind}: {text}");
    }
    let (schema, _, _) = outcome(&["schema"]);
    let schema: Value = serde_json::from_str(&schema).expect("the schema is JSON");
    assert!(schema["properties"]["topology"].is_object());
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(outcome(&["completions", shell]).0.contains("hadr"), "{shell}");
    }
    assert!(outcome(&["man"]).0.contains(".TH hadr"));
}

#[test]
fn the_shipped_configuration_is_imported_run_and_compared() {
    let folder = Folder::new();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/architectures/example");
    let shipped = |name: &str| example.join(name).to_string_lossy().into_owned();
    let [core, hdfs, zoo, hosts] =
        ["core-site.xml", "hdfs-site.xml", "zoo.cfg", "hosts"].map(shipped);
    let design = folder.path("example.toml").to_string_lossy().into_owned();
    let files = ["--core-site", &core, "--hdfs-site", &hdfs, "--zoo-cfg", &zoo, "--hosts", &hosts];
    let (_, notes, status) = outcome(&[&["import"], &files[..], &["-o", &design]].concat());
    assert_eq!(status, 0, "{notes}");
    assert!(notes.contains("unused: ") && notes.contains("dfs.blocksize"), "{notes}");
    assert_eq!(outcome(&["run", &design]).2, 0);
    let out = folder.path("out").to_string_lossy().into_owned();
    let disaster = "builtin/disasters/process-kill.toml";
    let (text, complaints, status) =
        outcome(&["compare", &design, disaster, "--runs", "2", "--out", &out]);
    assert_eq!((complaints.as_str(), status), ("", 0), "{text}");
}

/// NameNodes over a shared directory, and a lone one: what the importer derives can be built.
#[test]
fn the_older_designs_are_imported_and_run() {
    let property = |name: &str, value: &str| {
        format!("<property><name>{name}</name><value>{value}</value></property>")
    };
    let site = |rows: &[(&str, &str)]| {
        let rows: String = rows.iter().map(|(name, value)| property(name, value)).collect();
        format!("<configuration>{rows}</configuration>")
    };
    let shared = site(&[
        ("dfs.nameservices", "ns"),
        ("dfs.ha.namenodes.ns", "a,b"),
        ("dfs.namenode.rpc-address.ns.a", "host-a:8020"),
        ("dfs.namenode.rpc-address.ns.b", "host-b:8020"),
        ("dfs.namenode.shared.edits.dir", "file:///mnt/filer/ns"),
        ("dfs.ha.automatic-failover.enabled", "true"),
        ("dfs.ha.fencing.methods", "shell(/bin/true)"),
        ("ha.zookeeper.quorum", "host-a:2181,host-b:2181,host-c:2181"),
    ]);
    let alone = site(&[("dfs.namenode.rpc-address", "host-a:8020")]);
    let folder = Folder::new();
    for (name, text) in [("shared", shared), ("alone", alone)] {
        let file = folder.file("hdfs-site.xml", &text);
        let design = folder.path(&format!("{name}.toml")).to_string_lossy().into_owned();
        let (_, complaints, status) = outcome(&["import", "--hdfs-site", &file, "-o", &design]);
        assert_eq!(status, 0, "{complaints}");
        let (text, complaints, status) = outcome(&["run", &design]);
        assert_eq!((complaints.as_str(), status), ("", 0), "{text}");
        assert!(text.contains("nobody noticed"), "{text}");
    }
}

#[test]
fn without_arguments_the_designs_that_come_with_it_are_compared() {
    let folder = Folder::new();
    let out = folder.path("out").to_string_lossy().into_owned();
    let fewer = ["run.horizon=8m", "workload.0.rate=2/s", "workload.1.rate=1/s", "fault.0.at=1s"];
    let sets = fewer.map(|set| ["--set", set]).concat();
    let compare = ["compare", "--runs", "1", "--out", &out];
    let (text, complaints, status) = outcome(&[&compare[..], &sets].concat());
    assert_eq!((complaints.as_str(), status), ("", 0), "{text}");
    let summary: Value = serde_json::from_str(&folder.read("out/summary.json")).expect("JSON");
    let cells = summary["cells"].as_array().expect("cells");
    let lacking = cells.iter().filter(|cell| !cell["not_applicable"].is_null()).count();
    assert_eq!((cells.len(), lacking), (6 * 6, 4), "{text}");
}
