//! Complaints, golden: file, line, column, what was expected, a remedy.
//!
//! Here: one wrong file per way to be wrong.
//! Never here: what a right file means.
//! Modelled on: rustc's UI tests; `UPDATE_EXPECT=1` rewrites them.

use expect_test::{Expect, expect};

use super::{CLUSTER, read};

#[track_caller]
fn complains(text: &str, expected: Expect) {
    let complaint = read(text).expect_err("the file is wrong");
    expected.assert_eq(&complaint.to_string());
}

/// After the usual cluster.
#[track_caller]
fn cluster_complains(rest: &str, expected: Expect) {
    complains(&format!("{CLUSTER}{rest}"), expected);
}

#[test]
fn not_toml() {
    complains(
        "a = 'x\nb = 2\n",
        expect![[r#"
        a.toml:1:7: not TOML: invalid literal string, expected `'`
            a = 'x
                  ^"#]],
    );
    complains(
        "",
        expect![
            "a.toml:1:1: no [topology]: nothing can run; a file with nothing but faults is a \
             disaster, for `compare`"
        ],
    );
}

#[test]
fn names_that_nobody_knows() {
    complains(
        "[topology.roles]\nnamenodes = 2\n",
        expect![[r#"
        a.toml:2:1: unknown role "namenodes"; did you mean "namenode"?
            namenodes = 2
            ^"#]],
    );
    complains(
        "[topolgy]\n",
        expect![[r#"
        a.toml:1:2: unknown field "topolgy"; did you mean "topology"?
            [topolgy]
             ^"#]],
    );
    cluster_complains(
        "[[workload]]\nservice = \"hdfs-meta-wirte\"\n",
        expect![[r#"
        a.toml:8:11: unknown service "hdfs-meta-wirte"; did you mean "hdfs-meta-write"?
            service = "hdfs-meta-wirte"
                      ^"#]],
    );
    cluster_complains(
        "[sizes]\nnamespace-file = 3\n",
        expect![[r#"
        a.toml:8:1: unknown size "namespace-file"; did you mean "namespace-files"?
            namespace-file = 3
            ^"#]],
    );
    cluster_complains(
        "[override.nn3]\n",
        expect![[r#"
            a.toml:7:11: unknown role or process "nn3"; did you mean "nn1"?
                [override.nn3]
                          ^"#]],
    );
    cluster_complains(
        "[expect]\nexits = [\"nn9\"]\n",
        expect![[r#"
        a.toml:8:10: unknown process "nn9"; did you mean "nn1"?
            exits = ["nn9"]
                     ^"#]],
    );
    let fault = "[[fault]]\nkind = \"kill\"\ntarget = \"active-namenod\"\nat = \"1s\"\n";
    cluster_complains(
        &format!("{fault}until = \"never\"\n"),
        expect![[r#"
        a.toml:9:10: unknown target "active-namenod"; did you mean "active-namenode"?
            target = "active-namenod"
                     ^"#]],
    );
}

#[test]
fn values_of_the_wrong_kind() {
    complains(
        "[topology.roles]\nnamenode = \"two\"\n",
        expect![[r#"
        a.toml:2:12: expected a whole number or a table or a list, found a text
            namenode = "two"
                       ^"#]],
    );
    complains(
        "[topology.roles]\nnamenode = -2\n",
        expect![[r#"
        a.toml:2:12: expected a whole number of at most 18446744073709551615, not below zero
            namenode = -2
                       ^"#]],
    );
    complains(
        "[topology.roles]\nnamenode = 99999\n",
        expect![[r#"
        a.toml:2:12: expected a number from 0 to 16384
            namenode = 99999
                       ^"#]],
    );
    cluster_complains(
        "[run]\nhorizon = 60\n",
        expect![[r#"
        a.toml:8:11: expected a span such as "500ms" or "60s", found a number; a bare number has no unit
            horizon = 60
                      ^"#]],
    );
    cluster_complains(
        "[run]\nhorizon = \"60 parsecs\"\n",
        expect![[r#"
        a.toml:8:11: unknown unit "parsecs" in "60 parsecs"; use ns, us, ms, s, m, h or d
            horizon = "60 parsecs"
                      ^"#]],
    );
    cluster_complains(
        "[run]\nhorizon = \"0s\"\n",
        expect![[r#"
        a.toml:8:11: a run of no time
            horizon = "0s"
                      ^"#]],
    );
    cluster_complains(
        "[network.wan]\nloss = 1.5\n",
        expect![[r#"
        a.toml:8:8: a fraction above 1
            loss = 1.5
                   ^"#]],
    );
    complains(
        &format!("objectives = [\"rto\"]\n{CLUSTER}"),
        expect![[r#"
            a.toml:1:15: "rto" compares nothing; such as "rto_p99 < 60s" or "lost_acked = 0"
                objectives = ["rto"]
                              ^"#]],
    );
}

#[test]
fn upstream_keys() {
    cluster_complains(
        "[config.hdfs]\ndfs.ha.log-roll.perod = 5\n",
        expect![[r#"
        a.toml:8:17: unknown key "dfs.ha.log-roll.perod"; did you mean "dfs.ha.log-roll.period"?
            dfs.ha.log-roll.perod = 5
                            ^"#]],
    );
    cluster_complains(
        "[config.hdfs]\n\"dfs.ha.log-roll.period\" = \"often\"\n",
        expect![[r#"
        a.toml:8:28: dfs.ha.log-roll.period: unknown unit "often" in "often"; use ns, us, ms, s, m, h or d; How long since the last roll before the standby asks the active to roll; seconds.
            "dfs.ha.log-roll.period" = "often"
                                       ^"#]],
    );
    cluster_complains(
        "[config.hfds]\n",
        expect![[r#"
            a.toml:7:9: unknown section of keys "hfds"; did you mean "hdfs"?
                [config.hfds]
                        ^"#]],
    );
    cluster_complains(
        "[config.hdfs]\nprofile = \"hadoop-2.7\"\n",
        expect![[r#"
        a.toml:8:11: unknown profile "hadoop-2.7"; did you mean "hadoop-3.3"?
            profile = "hadoop-2.7"
                      ^"#]],
    );
    let both = "\"fs.checkpoint.period\" = 1\n\"dfs.namenode.checkpoint.period\" = 2\n";
    cluster_complains(
        &format!("[config.hdfs]\n{both}"),
        expect![[r#"
        a.toml:8:1: "fs.checkpoint.period" is another name of dfs.namenode.checkpoint.period; both stand here
            "fs.checkpoint.period" = 1
            ^"#]],
    );
}

#[test]
fn faults_that_make_no_sense() {
    let fault = |rest: &str| format!("[[fault]]\nkind = \"kill\"\ntarget = \"nn1\"\n{rest}");
    cluster_complains(
        &fault("at = \"1s\"\n"),
        expect![[r#"
        a.toml:7:1: until when? there is no default; for = "20s", until = "never", or until = { mark = … }
            [[fault]]
            ^"#]],
    );
    cluster_complains(
        &fault("for = \"1s\"\n"),
        expect![[r#"
        a.toml:7:1: when? a fault has `at` or `on`; at = "60s", or on = { mark = … }
            [[fault]]
            ^"#]],
    );
    cluster_complains(
        &fault("at = \"1s\"\nfor = \"1s\"\nfrom = \"zk1\"\n"),
        expect![[r#"
            a.toml:12:1: `kill` takes no `from`
                from = "zk1"
                ^"#]],
    );
    cluster_complains(
        &fault("on = { nth = 2 }\nfor = \"1s\"\n"),
        expect![[r#"
        a.toml:10:6: a trigger has one of mark, note, claimed, lost
            on = { nth = 2 }
                 ^"#]],
    );
    cluster_complains(
        "[[fault]]\nkind = \"kil\"\ntarget = \"nn1\"\n",
        expect![[r#"
            a.toml:8:8: unknown kind "kil"; did you mean "kill"?
                kind = "kil"
                       ^"#]],
    );
    cluster_complains(
        "[[fault]]\nkind = \"kill\"\n",
        expect![[r#"
        a.toml:7:1: "target" is missing: whom
            [[fault]]
            ^"#]],
    );
    let restart = "[[fault]]\nkind = \"restart\"\ntarget = \"journalnode\"\nat = \"1s\"\n";
    cluster_complains(
        &format!("{restart}until = \"never\"\n"),
        expect![[r#"
            a.toml:11:9: `restart` is an act, without end
                until = "never"
                        ^"#]],
    );
    let admin = "[[fault]]\nkind = \"admin\"\ntarget = \"nn1\"\nat = \"1s\"\n";
    cluster_complains(
        admin,
        expect![[r#"
            a.toml:8:8: `admin` needs `command`; known: haadmin-failover
                kind = "admin"
                       ^"#]],
    );
    let elsewhere = "[[fault]]\nkind = \"power-loss\"\ntarget = \"host:nn7\"\nat = \"1s\"\n";
    cluster_complains(
        &format!("{elsewhere}until = \"never\"\n"),
        expect![[r#"
        a.toml:9:10: unknown host "nn7"; did you mean "nn1"?
            target = "host:nn7"
                     ^"#]],
    );
}

#[test]
fn topologies_that_cannot_stand() {
    complains(
        "[topology.roles]\nnamenode = 1\nzkfc = 2\n",
        expect![[r#"
        a.toml:3:8: 2 zkfc for 1 namenode; each stands beside a namenode; say where with `on`
            zkfc = 2
                   ^"#]],
    );
    complains(
        "[topology]\n",
        expect![[r#"
        a.toml:1:1: no process runs anywhere; [topology.roles] counts them, [[topology.host]] places them
            [topology]
            ^"#]],
    );
    let twice = "[[topology.host]]\nname = \"a\"\n[[topology.host]]\nname = \"a\"\n";
    complains(
        twice,
        expect![[r#"
        a.toml:4:8: "a" stands twice
            name = "a"
                   ^"#]],
    );
    let rack = "[[topology.host]]\nname = \"a\"\nrack = \"r9\"\nruns = [\"namenode\"]\n";
    complains(
        rack,
        expect![[r#"
        a.toml:3:8: unknown rack "r9"; known: rack1
            rack = "r9"
                   ^"#]],
    );
    complains(
        "[topology.roles]\nzookeeper = 3\n[[workload]]\nservice = \"hdfs-meta-write\"\n",
        expect![[r#"
            a.toml:4:11: hdfs-meta-write needs a namenode, and there is none
                service = "hdfs-meta-write"
                          ^"#]],
    );
}
