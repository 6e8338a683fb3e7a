//! Typed: what right files mean.
//!
//! Here: counts, placement, settings, faults, disasters.
//! Never here: complaints.
//! Modelled on: docs/SCENARIOS.md, statement by statement.

use hadr::engine::time::SimDuration;
use hadr::faults::{Direction, End, Group, Kind, Trigger};
use hadr::scenario::model::{Arrival, Restart};
use hadr::scenario::{Document, load};
use hadr::systems::hdfs::keys::{
    DFS_HA_FENCING_METHODS, DFS_HA_LOG_ROLL_PERIOD, DFS_NAMENODE_CHECKPOINT_PERIOD, HADOOP_3_3,
    HADOOP_3_4,
};

use super::{CLUSTER, Files, read, scenario, words};

fn secs(s: u64) -> SimDuration {
    SimDuration::from_secs(s)
}

#[test]
fn counted_roles_get_hosts_of_their_own_and_a_controller_stands_beside_its_namenode() {
    let topology = scenario(CLUSTER).topology;
    let names: Vec<&str> = topology.processes.iter().map(|p| p.name.as_str()).collect();
    let all = ["zk1", "zk2", "zk3", "jn1", "jn2", "jn3", "nn1", "nn2", "zkfc1", "zkfc2"];
    assert_eq!(names, all);
    assert_eq!(topology.hosts.len(), 8);
    let host = |name: &str| topology.processes.iter().find(|p| p.name == name).unwrap().host;
    assert_eq!(host("zkfc2"), host("nn2"));
    assert_eq!(topology.processes[0].restart, Restart::None);
}

#[test]
fn roles_are_dealt_out_over_racks_and_sites_and_named_hosts_keep_what_runs_there() {
    let topology = scenario(
        "
[[topology.site]]
name = \"beijing\"
racks = [\"b1\", \"b2\"]
[[topology.site]]
name = \"shanghai\"
[[topology.host]]
name = \"master1\"
rack = \"b2\"
runs = [\"zookeeper\", { role = \"namenode\", name = \"nnA\", group = \"ns1\" }, \"zkfc\"]
[topology.roles]
journalnode = { count = 3, on = [\"site:beijing\", \"rack:shanghai\"] }
[[network.pair]]
between = [\"shanghai\", \"beijing\"]
latency_min = \"13ms\"
",
    )
    .topology;
    let placed: Vec<String> = topology
        .processes
        .iter()
        .map(|p| {
            let host = &topology.hosts[p.host];
            format!("{} {} {}", p.name, host.name, topology.racks[host.rack].name)
        })
        .collect();
    let expected = [
        "zk1 master1 b2",
        "jn1 jn1 b1",
        "jn2 jn2 shanghai",
        "jn3 jn3 b2",
        "nnA master1 b2",
        "zkfc1 master1 b2",
    ];
    assert_eq!(placed, expected);
    assert_eq!(topology.processes[4].group.as_deref(), Some("ns1"));
    assert_eq!(topology.network.pairs[&(0, 1)].latency_min, SimDuration::from_millis(13));
}

#[test]
fn keys_are_read_under_old_names_with_suffixes_and_per_process() {
    let scenario = scenario(&format!(
        "{CLUSTER}
[config.core]
dfs.ha.log-roll.period = \"10m\"
[config.hdfs]
dfs.ha.log-roll.period = 60
fs.checkpoint.period = 120
\"dfs.ha.fencing.methods.ns1.nn1\" = \"shell(/bin/true)\"
[override.nn2]
profile = \"hadoop-3.3\"
\"dfs.ha.log-roll.period\" = 5
"
    ));
    let process = |name: &str| scenario.topology.processes.iter().find(|p| p.name == name);
    let config = |name: &str| scenario.settings.config_of(process(name).unwrap());
    assert_eq!(config("nn1").get(DFS_HA_LOG_ROLL_PERIOD), secs(60), "hdfs-site wins over core");
    assert_eq!(config("nn2").get(DFS_HA_LOG_ROLL_PERIOD), secs(5));
    assert_eq!(config("nn1").get(DFS_NAMENODE_CHECKPOINT_PERIOD), secs(120));
    let nn1 = config("nn1").scoped(Some("ns1"), Some("nn1"));
    assert_eq!(nn1.get(DFS_HA_FENCING_METHODS), "shell(/bin/true)");
    assert_eq!((config("nn1").profile(), config("nn2").profile()), (HADOOP_3_4, HADOOP_3_3));
}

#[test]
fn a_real_key_that_no_model_reads_is_reported_with_its_line() {
    let text = format!("{CLUSTER}[config.hdfs]\n\"dfs.blocksize\" = \"128m\"\n");
    assert_eq!(read(&text).unwrap().unused, ["a.toml:8: dfs.blocksize"]);
}

#[test]
fn a_load_has_clients_with_hosts_and_a_rate() {
    let scenario = scenario(&format!(
        "{CLUSTER}
[[workload]]
service = \"hdfs-meta-write\"
clients = 2
rate = \"3/m\"
mix = {{ mkdir = 3, create = 1 }}
[[workload]]
service = \"hdfs-meta-write\"
clients = 1
threads = 4
pace = \"50ms\"
on = \"host:nn1\"
"
    ));
    assert_eq!(scenario.loads[0].arrival, Arrival::Open { mean_gap: secs(20) });
    assert_eq!(scenario.loads[0].mix, [("create".to_string(), 1), ("mkdir".to_string(), 3)]);
    let pace = SimDuration::from_millis(50);
    assert_eq!(scenario.loads[1].arrival, Arrival::Closed { pace });
    let clients: Vec<_> = scenario.topology.processes.iter().filter(|p| p.load.is_some()).collect();
    let loads: Vec<_> = clients.iter().map(|p| (p.name.as_str(), p.load)).collect();
    assert_eq!(loads, [("client1", Some(0)), ("client2", Some(0)), ("client3", Some(1))]);
    assert_eq!(scenario.topology.hosts[clients[2].host].name, "nn1");
}

#[test]
fn faults_keep_their_trigger_their_reach_and_the_end_that_someone_wrote() {
    let faults = scenario(&format!(
        "{CLUSTER}
[[fault]]
kind = \"cut\"
target = \"active-namenode\"
from = [\"zookeeper\", \"journalnode\"]
direction = \"outgoing\"
at = \"60s\"
for = \"50s\"
[[fault]]
kind = \"power-loss\"
target = \"host:jn1\"
on = {{ mark = \"qjm/accept-recovery:sent\", nth = 2, by = \"namenode\", after = \"5ms\" }}
until = {{ claimed = \"active\" }}
[[fault]]
kind = \"pause\"
target = \"nn1\"
at = \"1s\"
until = \"never\"
[[fault]]
kind = \"clock-jump\"
target = \"nn1\"
at = \"1s\"
by = \"-5s\"
"
    ))
    .faults;
    let Kind::Cut(reach) = &faults[0].kind else { panic!("{:?}", faults[0]) };
    let role = |name: &str| Group::Role(name.to_string());
    assert_eq!(reach.from, [role("zookeeper"), role("journalnode")]);
    assert_eq!(reach.direction, Direction::Outgoing);
    assert_eq!(faults[0].name, "cut active-namenode");
    assert_eq!((&faults[0].until, faults[0].when.after), (&End::After(secs(50)), secs(60)));
    let Trigger::Mark { nth: 2, by: Some(by), .. } = &faults[1].when.trigger else { panic!() };
    assert_eq!(*by, role("namenode"));
    assert!(matches!(&faults[1].until, End::On(when) if when.trigger.by().is_none()));
    assert_eq!((&faults[2].kind, &faults[2].until), (&Kind::Stop, &End::Never));
    assert_eq!(
        (&faults[3].kind, &faults[3].until),
        (&Kind::ClockJump { by_ns: -5_000_000_000 }, &End::Act)
    );
}

#[test]
fn a_disaster_strikes_designs_that_have_what_it_names() {
    let text =
        "[[fault]]\nkind = \"kill\"\ntarget = \"zk-leader\"\nat = \"1s\"\nuntil = \"never\"\n";
    let Document::Disaster(disaster) = read(text).unwrap().document else { panic!() };
    let with = scenario(CLUSTER);
    let without = scenario("[topology.roles]\nnamenode = 1\n");
    let struck = with.under(&disaster, &words()).unwrap();
    assert_eq!(struck.faults, disaster.faults);
    assert_ne!(struck.hash, with.hash);
    assert_eq!(without.under(&disaster, &words()), Err("it has no zookeeper".to_string()));
}

#[test]
fn the_hash_is_of_what_can_move_a_run() {
    let hash = |text: &str| scenario(&format!("{text}{CLUSTER}")).hash;
    assert_eq!(hash(""), hash("# a remark\nabout = \"words\"\nobjectives = [\"rto < 1s\"]\n"));
    assert_ne!(hash(""), hash("run.horizon = \"5m\"\n"));
}

#[test]
fn json_says_the_same_as_toml() {
    let toml = scenario("name = \"a\"\n[topology.roles]\nnamenode = 2\n[run]\nhorizon = \"5m\"\n");
    let json = r#"{"name": "a", "topology": {"roles": {"namenode": 2}}, "run": {"horizon": "5m"}}"#;
    let files = Files::of(&[("b.json", json)]);
    let loaded = load("b.json", &[], &files, &words()).unwrap();
    assert_eq!(loaded.document, Document::Scenario(Box::new(toml)));
}
