//! Import: an operator's files, by Hadoop's and ZooKeeper's own reading rules.
//!
//! Here: the shipped example, quirks seen in the field, hostile files.
//! Never here: files copied from anybody.
//! Modelled on: `Configuration`, `QuorumPeerConfig`.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use hadr::engine::SimDuration;
use hadr::scenario::import::{Files as Paths, Imported, import};
use hadr::scenario::{Document, Scenario, load};
use hadr::systems::hdfs::keys::{
    DFS_HA_FENCING_METHODS, DFS_HA_TAIL_EDITS_PERIOD, DFS_NAMENODE_CHECKPOINT_PERIOD,
};

use super::{Files, words};

const CORE: &str = include_str!("../../../scenarios/architectures/example/core-site.xml");
const HDFS: &str = include_str!("../../../scenarios/architectures/example/hdfs-site.xml");
const ZOO: &str = include_str!("../../../scenarios/architectures/example/zoo.cfg");
const HOSTS: &str = include_str!("../../../scenarios/architectures/example/hosts");

fn import_files(files: &[(&str, &str)]) -> Result<Imported, String> {
    let has = |name: &str| files.iter().any(|file| file.0 == name);
    let one = |name: &str| has(name).then(|| name.to_string());
    let paths = Paths {
        core_site: one("core-site.xml").into_iter().collect(),
        hdfs_site: one("hdfs-site.xml").into_iter().collect(),
        zoo_cfg: one("zoo.cfg"),
        hosts: one("hosts"),
        profile: None,
    };
    import(&paths, &Files::of(files), &words()).map_err(|complaint| complaint.to_string())
}

/// What was imported is a scenario as it is, and no key of it is unused.
#[track_caller]
fn runs(imported: &Imported) -> Scenario {
    let files = Files::of(&[("imported.toml", &imported.toml)]);
    let loaded = load("imported.toml", &[], &files, &words());
    let loaded = loaded.unwrap_or_else(|why| panic!("{why}\n{}", imported.toml));
    assert_eq!(loaded.unused, [""; 0]);
    match loaded.document {
        Document::Scenario(scenario) => *scenario,
        Document::Disaster(_) => panic!("it has a topology"),
    }
}

fn properties(pairs: &[(&str, &str)]) -> String {
    let row = |(name, value): &(&str, &str)| {
        format!("<property><name>{name}</name><value>{value}</value></property>\n")
    };
    format!("<configuration>\n{}</configuration>\n", pairs.iter().map(row).collect::<String>())
}

/// Two NameNodes and one JournalNode; without automatic failover.
const PAIR: &[(&str, &str)] = &[
    ("dfs.nameservices", "ns"),
    ("dfs.ha.namenodes.ns", "a,b"),
    ("dfs.namenode.rpc-address.ns.a", "host-a:8020"),
    ("dfs.namenode.rpc-address.ns.b", "host-b:8020"),
    ("dfs.namenode.shared.edits.dir", "qjournal://host-c:8485/ns"),
];

fn pair_and(more: &[(&str, &str)]) -> String {
    properties(&[PAIR, more].concat())
}

fn roles(scenario: &Scenario) -> Vec<String> {
    let place = |p: &hadr::scenario::model::Placed| {
        format!("{} {}", p.name, scenario.topology.hosts[p.host].name)
    };
    scenario.topology.processes.iter().filter(|p| p.load.is_none()).map(place).collect()
}

#[test]
fn the_shipped_example_becomes_a_scenario_that_says_where_each_value_came_from() {
    let files =
        [("core-site.xml", CORE), ("hdfs-site.xml", HDFS), ("zoo.cfg", ZOO), ("hosts", HOSTS)];
    let imported = import_files(&files).unwrap();
    let scenario = runs(&imported);
    let nn1 = scenario.topology.processes.iter().find(|p| p.name == "nn1").unwrap();
    let config = scenario.settings.config_of(nn1);
    assert_eq!(config.get(DFS_HA_TAIL_EDITS_PERIOD), SimDuration::from_secs(30));
    assert_eq!(config.get(DFS_NAMENODE_CHECKPOINT_PERIOD), SimDuration::from_secs(1_800));
    assert_eq!(config.get(DFS_HA_FENCING_METHODS), "sshfence\nshell(/bin/true)");
    expect![[r##"
        # Imported from core-site.xml, hdfs-site.xml, zoo.cfg, hosts.
        # Add faults here, or compare it under disasters as it is.

        [[topology.site]]
        name = "dc1"
        racks = ["dc1-rack-a", "dc1-rack-b", "dc1-rack-c"]

        [[topology.host]]
        name = "master-a1.corp.example"
        rack = "dc1-rack-a"
        runs = [
            { role = "namenode", name = "nn1", group = "warehouse" },
            { role = "zkfc", group = "warehouse" },
        ]

        [[topology.host]]
        name = "master-b1.corp.example"
        rack = "dc1-rack-b"
        runs = [
            { role = "namenode", name = "nn2", group = "warehouse" },
            { role = "zkfc", group = "warehouse" },
        ]

        [[topology.host]]
        name = "jn-a1.corp.example"
        rack = "dc1-rack-a"
        runs = [
            { role = "journalnode" },
        ]

        [[topology.host]]
        name = "jn-b1.corp.example"
        rack = "dc1-rack-b"
        runs = [
            { role = "journalnode" },
        ]

        [[topology.host]]
        name = "jn-c1.corp.example"
        rack = "dc1-rack-c"
        runs = [
            { role = "journalnode" },
        ]

        [[topology.host]]
        name = "zk-a1.corp.example"
        rack = "dc1-rack-a"
        runs = [
            { role = "zookeeper", name = "zk1" },
        ]

        [[topology.host]]
        name = "zk-b1.corp.example"
        rack = "dc1-rack-b"
        runs = [
            { role = "zookeeper", name = "zk2" },
        ]

        [[topology.host]]
        name = "zk-c1.corp.example"
        rack = "dc1-rack-c"
        runs = [
            { role = "zookeeper", name = "zk3" },
        ]

        [config.core]
        profile = "hadoop-3.4" # where nothing is said
        "ipc.client.connect.max.retries.on.timeouts" = 3 # core-site.xml:25

        [config.hdfs]
        profile = "hadoop-3.4" # where nothing is said
        "dfs.client.failover.proxy.provider.warehouse" = "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider" # hdfs-site.xml:40
        "dfs.ha.automatic-failover.enabled" = true # hdfs-site.xml:44
        "dfs.ha.fencing.methods" = """
        sshfence
        shell(/bin/true)""" # hdfs-site.xml:49
        "dfs.ha.fencing.ssh.connect-timeout" = 10000 # hdfs-site.xml:58
        "dfs.ha.fencing.ssh.private-key-files" = "/home/hdfs/.ssh/id_rsa" # hdfs-site.xml:54
        "dfs.ha.tail-edits.period" = "30s" # hdfs-site.xml:62
        "dfs.namenode.checkpoint.period" = 1800 # hdfs-site.xml:66
        "dfs.namenode.handler.count" = 64 # hdfs-site.xml:70
        "dfs.namenode.name.dir" = "file:///data/1/nn,file:///data/2/nn" # hdfs-site.xml:36
        "ha.zookeeper.session-timeout.ms" = 10000 # core-site.xml:13

        [config.zookeeper]
        profile = "zookeeper-3.8" # where nothing is said
        "initLimit" = 10 # zoo.cfg:3
        "maxClientCnxns" = 100 # zoo.cfg:8
        "syncLimit" = 5 # zoo.cfg:4
        "tickTime" = 2000 # zoo.cfg:2

        [[workload]]
        service = "hdfs-meta-write"
        clients = 4
        rate = "20/s"
        group = "warehouse"

        # Keys that no model reads (11):
        #   core-site.xml:17: hadoop.tmp.dir = /data/tmp/${user.name}
        #   core-site.xml:21: io.file.buffer.size = 131072
        #   core-site.xml:30: fs.trash.interval = 1440
        #   hdfs-site.xml:32: dfs.journalnode.edits.dir = /data/jn
        #   hdfs-site.xml:74: dfs.replication = 3
        #   hdfs-site.xml:78: dfs.blocksize = 268435456
        #   zoo.cfg:5: dataDir = /data/zookeeper
        #   zoo.cfg:6: dataLogDir = /log/zookeeper
        #   zoo.cfg:7: clientPort = 2181
        #   zoo.cfg:9: autopurge.snapRetainCount = 5
        #   zoo.cfg:10: autopurge.purgeInterval = 24
    "##]].assert_eq(&imported.toml);
}

#[test]
fn several_nameservices_keep_their_own_keys_though_their_ids_are_the_same() {
    let hdfs = properties(&[
        ("dfs.nameservices", "one,two"),
        ("dfs.ha.namenodes.one", "nn1,nn2"),
        ("dfs.ha.namenodes.two", "nn1,nn2"),
        ("dfs.namenode.rpc-address.one.nn1", "h1:8020"),
        ("dfs.namenode.rpc-address.one.nn2", "h2:8020"),
        ("dfs.namenode.rpc-address.two.nn1", "h3:8020"),
        ("dfs.namenode.rpc-address.two.nn2", "h4:8020"),
        ("dfs.namenode.shared.edits.dir.one", "qjournal://j1:8485;j2:8485;j3:8485/one"),
        ("dfs.namenode.shared.edits.dir.two", "qjournal://j1:8485;j2:8485;j3:8485/two"),
        ("dfs.ha.automatic-failover.enabled.two", "true"),
        ("dfs.ha.fencing.methods.two.nn1", "shell(/bin/two)"),
        ("ha.zookeeper.quorum", "z1:2181"),
    ]);
    let imported = import_files(&[("hdfs-site.xml", &hdfs)]).unwrap();
    let scenario = runs(&imported);
    assert_eq!(
        roles(&scenario),
        [
            "zk1 z1",
            "jn1 j1",
            "jn2 j2",
            "jn3 j3",
            "nn1 h1",
            "nn2 h2",
            "two-nn1 h3",
            "two-nn2 h4",
            "zkfc1 h3",
            "zkfc2 h4"
        ]
    );
    let process = |name: &str| scenario.topology.processes.iter().find(|p| p.name == name).unwrap();
    let fencing = |name: &str| {
        let process = process(name);
        let config = scenario.settings.config_of(process);
        config.scoped(process.group.as_deref(), Some(name)).get(DFS_HA_FENCING_METHODS)
    };
    assert_eq!((fencing("nn1").as_str(), fencing("two-nn1").as_str()), ("", "shell(/bin/two)"));
}

#[test]
fn a_cluster_that_is_only_reached_from_here_is_left_out() {
    let hdfs = properties(&[
        ("dfs.nameservices", "ns,remote,old"),
        ("dfs.ha.namenodes.ns", "a,b"),
        ("dfs.namenode.rpc-address.ns.a", "host-a:8020"),
        ("dfs.namenode.rpc-address.ns.b", "host-b:8020"),
        ("dfs.namenode.shared.edits.dir.ns", "qjournal://host-c/ns"),
        ("dfs.client.failover.proxy.provider.ns", "ConfiguredFailoverProxyProvider"),
        ("dfs.ha.namenodes.remote", "a,b"),
        ("dfs.namenode.rpc-address.remote.a", "far-a:8020"),
        ("dfs.namenode.rpc-address.remote.b", "far-b:8020"),
    ]);
    let imported = import_files(&[("hdfs-site.xml", &hdfs)]).unwrap();
    assert_eq!(roles(&runs(&imported)), ["jn1 host-c", "a host-a", "b host-b"]);
    expect![[r#"
        hdfs-site.xml:2: no dfs.ha.namenodes.old: nameservice old is left out
        hdfs-site.xml:2: no dfs.namenode.shared.edits.dir for remote: another cluster, left out"#]]
    .assert_eq(&imported.notes.join("\n"));
}

#[test]
fn a_single_namenode_has_a_secondary() {
    let core = properties(&[("fs.default.name", "hdfs://master:8020")]);
    let hdfs = properties(&[("dfs.secondary.http.address", "other:50090")]);
    let imported = import_files(&[("core-site.xml", &core), ("hdfs-site.xml", &hdfs)]).unwrap();
    assert_eq!(roles(&runs(&imported)), ["nn1 master", "snn1 other"]);
}

#[test]
fn xml_as_hadoop_takes_it() {
    let hdfs = format!(
        "<!DOCTYPE configuration SYSTEM \"x.dtd\">
<configuration xmlns:xi=\"http://www.w3.org/2001/XInclude\">
  <!-- <property><name>dfs.ha.tail-edits.period</name><value>1</value></property> -->
  <xi:include href=\"common/more.xml\"/>
  <xi:include href=\"absent.xml\"><xi:fallback>
    <property name=\"dfs.namenode.checkpoint.period\" value=\"7\"/>
  </xi:fallback></xi:include>
  <property><name>dfs.ha.fencing.methods</name>
    <value><![CDATA[shell(test 1 < 2 && echo \"a\")]]></value></property>
  <property><name> dfs.ha.tail-edits.period </name><value>${{period}}</value></property>
  <property><name>period</name><value> 5s
  </value></property>
{}</configuration>",
        pair_and(&[]).replace("<configuration>", "").replace("</configuration>", "")
    );
    let more = properties(&[("dfs.namenode.safemode.extension", "0")]);
    let files = [("hdfs-site.xml", hdfs.as_str()), ("common/more.xml", more.as_str())];
    let imported = import_files(&files).unwrap();
    let scenario = runs(&imported);
    let config = scenario.settings.config_of(&scenario.topology.processes[0]);
    assert_eq!(config.get(DFS_HA_TAIL_EDITS_PERIOD), SimDuration::from_secs(5));
    assert_eq!(config.get(DFS_NAMENODE_CHECKPOINT_PERIOD), SimDuration::from_secs(7));
    assert_eq!(config.get(DFS_HA_FENCING_METHODS), "shell(test 1 < 2 && echo \"a\")");
    assert!(imported.toml.contains("common/more.xml:2"), "{}", imported.toml);
}

#[test]
fn what_was_read_otherwise_than_written_is_noted() {
    let core =
        properties(&[("fs.defaultFs", "hdfs://ns"), ("ha.zookeeper.quorum", "z1:2181;z2:2181")]);
    let hdfs = pair_and(&[
        ("dfs.ha.nn.not-become-active-in-safemode", "true"),
        ("dfs.ha.nn.not-become-active-in-safemode", "yes"),
        ("dfs.ha.automatic-failover.enabled.ns", "true"),
        ("dfs.namenode.name.dir", "/data/${user.name}"),
        ("dfs.ha.fencing.methods", "sshfence\n  shell(/opt/fence.sh $target_host)"),
    ]);
    let zoo = "tickTime=2000\nServer.1=z1:2888:3888\nminSessionTimeout=-1\nweight.1=3\n\
               server.1=z1:2888:3888\nserver.2=z9:2888:3888:observer\n";
    let files = [("core-site.xml", core.as_str()), ("hdfs-site.xml", &hdfs), ("zoo.cfg", zoo)];
    let imported = import_files(&files).unwrap();
    runs(&imported);
    expect![[r#"
        core-site.xml:2: fs.defaultFs is not fs.defaultFS: Hadoop reads neither host nor nameservice
        core-site.xml:3: ';' parts nothing in this list: as written, no controller ever reaches ZooKeeper; imported as if it were ','
        core-site.xml:3: z2 of ha.zookeeper.quorum: no voter of zoo.cfg
        hdfs-site.xml:2: no dfs.client.failover.proxy.provider.ns: clients of these files do not know how to fail over
        hdfs-site.xml:8: dfs.ha.nn.not-become-active-in-safemode stands again: the later "yes" wins
        hdfs-site.xml:8: dfs.ha.nn.not-become-active-in-safemode: neither true nor false: the stock value is taken
        hdfs-site.xml:10: dfs.namenode.name.dir: "/data/${user.name}" refers to nothing known here
        hdfs-site.xml:11: what shell(/opt/fence.sh $target_host) does is not known here: it is taken to succeed; hadr.fencing.shell.outcomes can say otherwise
        zoo.cfg:2: ZooKeeper reads `server.`, in small letters, and ignores this line: each such server stands alone
        zoo.cfg:4: groups and weights are not modelled: every server has one vote
        zoo.cfg:6: server.2 is an observer: it has no vote and is left out"#]].assert_eq(&imported.notes.join("\n"));
    expect![[r#"
        core-site.xml:2: fs.defaultFs = hdfs://ns
        zoo.cfg:2: Server.1 = z1:2888:3888
        zoo.cfg:4: weight.1 = 3"#]]
    .assert_eq(&imported.unused.join("\n"));
}

#[track_caller]
fn refused(files: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&import_files(files).expect_err("it is wrong"));
}

#[test]
fn what_cannot_be_imported_is_said_at_its_line() {
    let hdfs = |text: &str| vec![("hdfs-site.xml".to_string(), text.to_string())];
    let complains = |text: &str, expected: Expect| {
        let files = hdfs(text);
        let files: Vec<(&str, &str)> =
            files.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        refused(&files, expected);
    };
    complains(
        "",
        expect![
            "hdfs-site.xml:1:1: no <configuration> element; is this a Hadoop configuration file?"
        ],
    );
    complains(
        "<property><name>a</name></property>\n<property/>",
        expect![[r#"
        hdfs-site.xml:1:1: expected one <configuration>, found <property>; Hadoop refuses it too: put all properties into one <configuration>
            <property><name>a</name></property>
            ^"#]],
    );
    complains(
        "<configuration>\n<property>\n</configuration>",
        expect![[r#"
        hdfs-site.xml:3:1: not well-formed XML: ill-formed document: expected `</property>`, but `</configuration>` was found
            </configuration>
            ^"#]],
    );
    complains(
        "<configuration>\n<property><name>a &b; c</name>",
        expect![[r#"
        hdfs-site.xml:2:19: entity &b;; only &amp; &lt; &gt; &quot; &apos; and character numbers are read
            <property><name>a &b; c</name>
                              ^"#]],
    );
    let bomb = "<!DOCTYPE x [\n<!ENTITY a \"aaaa\">\n<!ENTITY b \"&a;&a;\">\n]>\n<configuration/>";
    complains(
        bomb,
        expect![[r#"
        hdfs-site.xml:1:1: the document declares entities; they are a way to blow a small file up; write the values out
            <!DOCTYPE x [
            ^"#]],
    );
    complains(
        &format!("<configuration>{}", "<a>".repeat(100_000)),
        expect![[r#"
        hdfs-site.xml:1:109: nested deeper than 32
            <configuration><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>…
                                                                                                                        ^"#]],
    );
    complains(
        &properties(&PAIR[..4]),
        expect![[r#"
        hdfs-site.xml:2:1: no dfs.namenode.shared.edits.dir: a client's configuration, the servers' side is unknown; import the files of a NameNode's host
            <property><name>dfs.nameservices</name><value>ns</value></property>
            ^"#]],
    );
    complains(
        &properties(&[&PAIR[..3], &PAIR[4..]].concat()),
        expect![[r#"
            hdfs-site.xml:3:1: no dfs.namenode.rpc-address.ns.b: where does b run?
                <property><name>dfs.ha.namenodes.ns</name><value>a,b</value></property>
                ^"#]],
    );
    complains(
        &pair_and(&[("dfs.ha.tail-edits.period", "soon")]),
        expect![[r#"
        hdfs-site.xml:7:1: dfs.ha.tail-edits.period: unknown unit "soon" in "soon"; use ns, us, ms, s, m, h or d; Pause between two rounds of the standby's tailer; seconds.
            <property><name>dfs.ha.tail-edits.period</name><value>soon</value></property>
            ^"#]],
    );
    complains(
        &pair_and(&[("dfs.namenode.rpc-address.ns.b", "{{ nn2 }}:8020")]),
        expect![[r#"
        hdfs-site.xml:7:1: "{{ nn2 }}" is no host; a template? render it first
            <property><name>dfs.namenode.rpc-address.ns.b</name><value>{{ nn2 }}:8020</value></property>
            ^"#]],
    );
    complains(
        &pair_and(&[("dfs.namenode.rpc-address.ns.b", "__NN2__:8020")]),
        expect![[r#"
        hdfs-site.xml:7:1: "__NN2__" is no host; a template? render it first
            <property><name>dfs.namenode.rpc-address.ns.b</name><value>__NN2__:8020</value></property>
            ^"#]],
    );
    complains(
        &pair_and(&[("dfs.ha.automatic-failover.enabled", "true")]),
        expect![[r#"
        hdfs-site.xml:7:1: automatic failover, and no ZooKeeper anywhere; ha.zookeeper.quorum stands in core-site.xml; zoo.cfg lists the servers
            <property><name>dfs.ha.automatic-failover.enabled</name><value>true</value></property>
            ^"#]],
    );
    let include = "<configuration>\n<include href=\"hdfs-site.xml\"/>\n</configuration>";
    complains(
        include,
        expect![[r#"
        hdfs-site.xml:2:1: includes of includes without end; does a file include itself?
            <include href="hdfs-site.xml"/>
            ^"#]],
    );
    let ok = pair_and(&[]);
    refused(
        &[("hdfs-site.xml", &ok), ("zoo.cfg", "server.1=z1\n")],
        expect![[r#"
        zoo.cfg:1:1: server.1 = "z1"; expected host:2888:3888, perhaps with :observer and ;2181
            server.1=z1
            ^"#]],
    );
    let same = "server.1=z:2888:3888\nserver.2=z:2889:3888\n";
    refused(
        &[("hdfs-site.xml", &ok), ("zoo.cfg", same)],
        expect![[r#"
        zoo.cfg:2:1: server.2: z has this port already; such servers form no ensemble
            server.2=z:2889:3888
            ^"#]],
    );
}

#[test]
fn bytes_that_are_no_text_and_files_without_measure_are_refused() {
    let paths = Paths { hdfs_site: vec!["h.xml".to_string()], ..Paths::default() };
    let of = |bytes: Vec<u8>| {
        let files = Files([("h.xml".to_string(), bytes)].into());
        import(&paths, &files, &words()).unwrap_err().to_string()
    };
    expect!["h.xml: not UTF-8: line 2, byte 16 of the file"]
        .assert_eq(&of(b"<configuration>\n\xff\xfe".to_vec()));
    expect!["h.xml: 100000000 bytes; at most 16777216 are read"]
        .assert_eq(&of(vec![b' '; 100_000_000]));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_bytes_make_it_panic(
        from in 0_usize..10_000,
        length in 0_usize..200,
        piece in "[<>/!&;\\[\\]$\\{\\}a-z0-9é.:=\n -]{0,16}",
    ) {
        let mut files = [
            ("core-site.xml", CORE.to_string()),
            ("hdfs-site.xml", HDFS.to_string()),
            ("zoo.cfg", ZOO.to_string()),
            ("hosts", HOSTS.to_string()),
        ];
        let text = &mut files[from % 4].1;
        let start = from % text.len();
        let end = (start + length).min(text.len());
        text.replace_range(start..end, &piece);
        let files: Vec<(&str, &str)> = files.iter().map(|(a, b)| (*a, b.as_str())).collect();
        if let Ok(imported) = import_files(&files) {
            let files = Files::of(&[("i.toml", &imported.toml)]);
            let loaded = load("i.toml", &[], &files, &words());
            prop_assert!(loaded.is_ok(), "{}\n{}", loaded.unwrap_err(), imported.toml);
        }
    }
}
