//! Controller tests: the reference's timelines, through the engine, with stubs around.
//!
//! Here: one row of sections 10 and 13 a test, in milliseconds after the fault.
//! Never here: promotion inside a NameNode, sessions inside ZooKeeper.
//! Modelled on: the reference, sections 4, 10, 13.

use super::stage::{Promotion, Setting, Stage};
use crate::engine::time::SimDuration;
use crate::systems::hdfs::haadmin::{HaAdminCommand, HaAdminConsole};

/// A launch of `/bin/true`.
const SHELL: u64 = 21;
/// What a few messages take.
const WIRE: u64 = 10;

fn near(ms: u64, expected: u64) -> bool {
    expected <= ms + WIRE && ms <= expected + WIRE
}

/// The first controller is active, the second follows, both at rest.
fn at_rest(setting: &Setting) -> Stage {
    let mut stage = Stage::new(setting);
    stage.until(20_000);
    let [zkfc1, zkfc2] = stage.zkfc;
    assert_eq!(stage.times(zkfc1, "zkfc/promoted").len(), 1);
    assert!(stage.times(zkfc2, "zkfc/promoted").is_empty());
    stage.fault();
    stage
}

fn with(keys: &[(&'static str, &'static str)]) -> Setting {
    Setting { keys: keys.to_vec(), ..Setting::default() }
}

/// Reference 13.1: next round, the lock goes at once, refused + 1 s, command, promotion.
#[test]
fn a_killed_namenode_is_replaced_a_second_after_it_was_missed() {
    let mut stage = at_rest(&Setting::default());
    let ([nn1, _], [zkfc1, zkfc2]) = (stage.nn, stage.zkfc);
    stage.world.kill(nn1);
    stage.until(10_000);
    let missed = stage.once(zkfc1, "elector/quit");
    assert!(missed <= 1_000, "{missed}");
    let won = stage.once(zkfc2, "elector/won");
    assert!(near(won, missed), "{won}");
    let fenced = stage.once(zkfc2, "zkfc/fenced");
    assert!(near(fenced, won + 1_000 + SHELL), "{fenced}");
    assert!(near(stage.once(zkfc2, "elector/breadcrumb"), fenced));
    assert!(near(stage.once(zkfc2, "zkfc/promoted"), fenced + 500));
}

/// Reference 13.2: expiry, then two connects of 20 s.
#[test]
fn a_silent_host_costs_two_connects_of_20_s_after_the_session() {
    let mut stage = at_rest(&Setting::default());
    let ([nn1, _], [_, zkfc2]) = (stage.nn, stage.zkfc);
    let host = stage.host(nn1);
    stage.world.power_off(host);
    stage.until(60_000);
    let won = stage.once(zkfc2, "elector/won");
    assert!((6_666..=10_000).contains(&won), "{won}"); // the stub does not round to ticks
    assert!(near(stage.once(zkfc2, "zkfc/fenced"), won + 40_000 + SHELL));
}

/// Reference 13.3: next round + 45 s, dump 20 s, graceful call 5 s.
#[test]
fn a_stopped_namenode_is_missed_after_45_s_and_dumped_for_20() {
    let mut stage = at_rest(&Setting::default());
    let ([nn1, _], [zkfc1, zkfc2]) = (stage.nn, stage.zkfc);
    stage.world.stop(nn1);
    stage.until(80_000);
    let missed = stage.once(zkfc1, "zkfc/health");
    assert!((45_000..=46_000 + WIRE).contains(&missed), "{missed}");
    assert!(near(stage.once(zkfc1, "elector/quit"), missed + 20_000));
    let won = stage.once(zkfc2, "elector/won");
    assert!(near(won, missed + 20_000), "{won}");
    assert!(near(stage.once(zkfc2, "zkfc/fenced"), won + 5_000 + SHELL));
}

/// Reference 10 B: without the dump the lock goes at once; and a resumed NameNode ends the dump.
#[test]
fn the_dump_ends_with_the_pause_or_is_not_taken() {
    let mut stage = at_rest(&with(&[
        ("dfs.ha.fencing.methods", "shell(/bin/true)"),
        ("dfs.ha.zkfc.nn.http.timeout.ms", "0"),
    ]));
    let (nn1, zkfc1) = (stage.nn[0], stage.zkfc[0]);
    stage.world.stop(nn1);
    stage.until(50_000);
    let missed = stage.once(zkfc1, "zkfc/health");
    assert!(near(stage.once(zkfc1, "elector/quit"), missed));

    let mut stage = at_rest(&Setting::default());
    let (nn1, [zkfc1, zkfc2]) = (stage.nn[0], stage.zkfc);
    stage.world.stop(nn1);
    stage.until(46_500).world.resume(nn1);
    stage.until(60_000);
    assert!(near(stage.once(zkfc1, "elector/quit"), 46_500)); // quits all the same
    assert_eq!(stage.fields(zkfc2, "zkfc/fenced", 1), [0]); // gracefully
}

/// A pause below the health check's limit changes nothing.
#[test]
fn a_pause_of_44_s_is_no_failover() {
    let mut stage = at_rest(&Setting::default());
    let (nn1, [zkfc1, zkfc2]) = (stage.nn[0], stage.zkfc);
    stage.world.stop(nn1);
    stage.until(44_000).world.resume(nn1);
    stage.until(100_000);
    assert!(stage.times(zkfc1, "elector/quit").is_empty());
    assert!(stage.times(zkfc2, "elector/won").is_empty());
}

/// Reference 10 D: the healthy active is demoted gracefully, nobody is shot.
#[test]
fn a_killed_controller_costs_its_session_and_a_graceful_demotion() {
    let mut stage = at_rest(&Setting::default());
    let [zkfc1, zkfc2] = stage.zkfc;
    stage.world.kill(zkfc1);
    stage.until(20_000);
    let won = stage.once(zkfc2, "elector/won");
    assert!((6_666..=10_000).contains(&won), "{won}");
    assert!(near(stage.once(zkfc2, "zkfc/fenced"), won));
    assert_eq!(stage.fields(zkfc2, "zkfc/fenced", 1), [0]);
}

const SSH: [(&str, &str); 2] = [
    ("dfs.ha.fencing.methods", "sshfence"),
    ("dfs.ha.fencing.ssh.private-key-files", "/home/hdfs/.ssh/id_rsa"),
];

/// Reference 4.6: `fuser` finds nobody (1), `nc` says that nobody listens: fenced.
#[test]
fn sshfence_finds_a_dead_namenode_and_kills_a_stopped_one() {
    let mut stage = at_rest(&with(&SSH));
    let (nn1, zkfc2) = (stage.nn[0], stage.zkfc[1]);
    stage.world.kill(nn1);
    stage.until(10_000);
    let won = stage.once(zkfc2, "elector/won");
    // Login, fuser and nc take a command's span each.
    assert!(near(stage.once(zkfc2, "zkfc/fenced"), won + 1_000 + 3 * SHELL));

    let mut stage = at_rest(&with(&SSH));
    let (nn1, zkfc2) = (stage.nn[0], stage.zkfc[1]);
    stage.world.stop(nn1);
    stage.until(80_000);
    let won = stage.once(zkfc2, "elector/won");
    assert!(near(stage.once(zkfc2, "zkfc/fenced"), won + 5_000 + 2 * SHELL));
    assert!(!stage.world.is_alive(nn1));
}

/// S3 and S6: without a host there is no ssh; the period is 40 s + 30 s + about 1.1 s, for ever.
#[test]
fn sshfence_alone_never_fences_a_silent_host() {
    let mut stage = at_rest(&with(&SSH));
    let (nn1, zkfc2) = (stage.nn[0], stage.zkfc[1]);
    let host = stage.host(nn1);
    stage.world.power_off(host);
    stage.until(600_000);
    let failed = stage.times(zkfc2, "zkfc/fence-failed");
    assert_eq!(failed.len(), 8, "{failed:?}"); // (600 - 8.x) / 71.1
    for pair in failed.windows(2) {
        let period = pair[1] - pair[0];
        assert!((71_000..=71_200).contains(&period), "{period}");
    }
    assert!(stage.times(zkfc2, "zkfc/promoted").is_empty());
}

/// [M] 2.1 s: a dead process with a broken sshfence.
#[test]
fn a_broken_sshfence_fails_every_two_seconds() {
    let mut stage = at_rest(&with(&[("dfs.ha.fencing.methods", "sshfence")])); // no key
    let (nn1, zkfc2) = (stage.nn[0], stage.zkfc[1]);
    stage.world.kill(nn1);
    stage.until(60_000);
    let failed = stage.times(zkfc2, "zkfc/fence-failed");
    for pair in failed.windows(2) {
        let period = pair[1] - pair[0];
        assert!((2_000..=2_200).contains(&period), "{period}");
    }
    assert!(20 < failed.len(), "{failed:?}");
}

#[test]
fn the_second_method_is_tried_after_the_first_failed_and_a_hanging_one_for_ever() {
    let methods = "shell(/bin/false)\nshell(/bin/true)";
    let mut stage = at_rest(&with(&[("dfs.ha.fencing.methods", methods)]));
    let (nn1, zkfc2) = (stage.nn[0], stage.zkfc[1]);
    stage.world.kill(nn1);
    stage.until(10_000);
    assert_eq!(stage.fields(zkfc2, "zkfc/fenced", 1), [2]);

    let mut stage = at_rest(&with(&[
        ("dfs.ha.fencing.methods", "shell(/sbin/stonith)\nshell(/bin/true)"),
        ("hadr.fencing.shell.outcomes", "/sbin/stonith => hang"),
    ]));
    let (nn1, zkfc2) = (stage.nn[0], stage.zkfc[1]);
    stage.world.kill(nn1);
    stage.until(600_000);
    assert_eq!(stage.times(zkfc2, "elector/won").len(), 1);
    assert!(stage.times(zkfc2, "zkfc/fenced").is_empty());
}

/// Reference 4.2.
#[test]
fn a_controller_that_cannot_start_says_why() {
    let automatic_off = [("dfs.ha.automatic-failover.enabled", "false")];
    let rows: [(Setting, &str); 5] = [
        (with(&[]), "exit(4)"),
        (with(&[("dfs.ha.fencing.methods", "stonith")]), "exit(4)"),
        (Setting { formatted: false, ..Setting::default() }, "exit(3)"),
        (Setting { ensemble: false, ..Setting::default() }, "exit(6)"),
        (with(&automatic_off), "exit(5)"),
    ];
    for (setting, code) in rows {
        let mut stage = Stage::new(&setting);
        let zkfc1 = stage.zkfc[0];
        let (_, why) = stage.until(30_000).exit(zkfc1).expect("it ends");
        assert!(why.starts_with(code), "{why}, not {code}");
    }
}

/// `hdfs zkfc -formatZK` before the first start, repeated until ZooKeeper is there.
#[test]
fn a_first_start_finds_a_formatted_zookeeper_and_a_restart_does_not_format() {
    let late = Setting { formatted: false, format: true, ensemble: false, ..Setting::default() };
    let mut stage = Stage::new(&late);
    let (zk, zkfc1) = (stage.zk, stage.zkfc[0]);
    stage.until(25_000).world.start(zk);
    stage.until(60_000);
    let promoted = stage.zkfc.map(|zkfc| stage.times(zkfc, "zkfc/promoted").len());
    assert_eq!(promoted.iter().sum::<usize>(), 1);
    assert_eq!(stage.exit(zkfc1), None);
    stage.world.kill(zk);
    stage.world.kill(zkfc1);
    stage.until(61_000).world.start(zkfc1);
    stage.until(90_000);
    assert!(stage.exit(zkfc1).is_some_and(|(_, why)| why.starts_with("exit(6)")));
}

/// An unhealthy NameNode is asked for a dump, answers it, and is demoted gracefully.
#[test]
fn an_unhealthy_namenode_loses_the_lock_at_the_next_round() {
    let mut stage = Stage::new(&Setting { ill_from: Some(30), ..Setting::default() });
    let [zkfc1, zkfc2] = stage.zkfc;
    stage.until(29_000).fault();
    stage.until(20_000);
    assert_eq!(stage.fields(zkfc1, "zkfc/health", 1), [3]);
    let quit = stage.once(zkfc1, "elector/quit");
    assert!((1_000..=2_000 + WIRE).contains(&quit), "{quit}");
    assert_eq!(stage.fields(zkfc2, "zkfc/fenced", 1), [0]);
}

/// Reference 13.9 and 4.4: the deposed NameNode's own controller finds out by its second check,
/// quits, and gives up after three attempts at ZooKeeper.
#[test]
fn a_controller_cut_from_zookeeper_quits_on_the_second_mismatch_and_then_ends() {
    let mut stage = at_rest(&Setting::default());
    let [zkfc1, zkfc2] = stage.zkfc;
    let hosts = [zkfc1, stage.zk].map(|process| stage.host(process));
    stage.world.cut(&hosts[..1], &hosts[1..], true);
    stage.until(90_000);
    let demoted = stage.once(zkfc2, "zkfc/fenced");
    let changed = stage.once(zkfc1, "zkfc/state-changed");
    assert!((1_000..=2_000 + WIRE).contains(&(changed - demoted)), "{demoted} {changed}");
    // A round after the join delay, then 3 x (10 s + close + 5 s).
    let fatal = stage.once(zkfc1, "zkfc/fatal");
    assert!((46_500..=52_000).contains(&(fatal - changed)), "{changed} {fatal}");
    assert_eq!(stage.exit(zkfc1).map(|exit| exit.1), Some("no connection to ZooKeeper"));
}

/// The same, with ZooKeeper back before the third attempt ends: it rejoins as a standby.
#[test]
fn a_controller_rejoins_when_zookeeper_comes_back_in_time() {
    let mut stage = at_rest(&Setting::default());
    let zkfc1 = stage.zkfc[0];
    let hosts = [zkfc1, stage.zk].map(|process| stage.host(process));
    let cut = stage.world.cut(&hosts[..1], &hosts[1..], true);
    stage.until(50_000).world.heal(cut);
    stage.until(90_000);
    assert!(stage.times(zkfc1, "zkfc/fatal").is_empty());
    let demoted = stage.times(zkfc1, "zkfc/demoted");
    assert!(demoted.len() == 1 && 50_000 < demoted[0], "{demoted:?}");
}

/// Reference 13.6: a stopped controller comes back, hears of its expiry, and follows.
#[test]
fn a_stopped_controller_comes_back_as_a_standby() {
    let mut stage = at_rest(&Setting::default());
    let [zkfc1, zkfc2] = stage.zkfc;
    stage.world.stop(zkfc1);
    stage.until(30_000).world.resume(zkfc1);
    stage.until(60_000);
    assert!(stage.once(zkfc2, "zkfc/promoted") < 12_000);
    // Its sleep of U(0, 1) s before the reconnect decides: it is told to be standby, or the second
    // mismatch of its monitor lets it quit before.
    let demoted = stage.times(zkfc1, "zkfc/demoted");
    let quit = stage.times(zkfc1, "elector/quit");
    let back = demoted.iter().chain(&quit).any(|at| (30_000..32_500).contains(at));
    assert!(back, "{demoted:?} {quit:?}");
}

/// Reference 13.7: a NameNode that dies in its promotion, and a monitor parked on the elector's
/// lock: seen 3 s later.
#[test]
fn a_parked_monitor_sees_its_namenode_die_three_seconds_late() {
    let dies = Promotion::Dies(SimDuration::from_secs(10));
    let mut stage = at_rest(&Setting { promotion: dies, ..Setting::default() });
    let (nn1, zkfc2) = (stage.nn[0], stage.zkfc[1]);
    stage.world.kill(nn1);
    stage.until(30_000);
    let fenced = stage.once(zkfc2, "zkfc/fenced");
    let failed = stage.times(zkfc2, "zkfc/not-promoted");
    assert!(near(failed[0], fenced + 10_000), "{failed:?}");
    // Close 0.1 s, sleep 1 s, win again without fencing; refused + 1 s.
    assert!((2_000..=2_200).contains(&(failed[1] - failed[0])), "{failed:?}");
    let missed = stage.once(zkfc2, "zkfc/health");
    assert!((3_000..=3_300).contains(&(missed - failed[0])), "{missed} {failed:?}");
    assert!(missed <= stage.once(zkfc2, "elector/quit"));
}

/// Reference 10 I: the controller gives up at 60 s; the NameNode goes on, and the next call finds
/// it active.
#[test]
fn a_promotion_of_70_s_is_called_twice() {
    let slow = Promotion::Takes(SimDuration::from_secs(70));
    let mut stage = at_rest(&Setting { promotion: slow, ..Setting::default() });
    let (nn1, zkfc2) = (stage.nn[0], stage.zkfc[1]);
    stage.world.kill(nn1);
    stage.until(120_000);
    let fenced = stage.once(zkfc2, "zkfc/fenced"); // once: the second time finds its own breadcrumb
    assert!(near(stage.once(zkfc2, "zkfc/not-promoted"), fenced + 60_000));
    assert!(near(stage.once(zkfc2, "zkfc/promoted"), fenced + 70_000));
    assert!(stage.times(zkfc2, "elector/quit").is_empty());
}

const fn failover(between: Option<(usize, usize)>) -> HaAdminCommand {
    HaAdminCommand::Failover { between, force_fence: false, force_active: false }
}

/// Reference 4.7: the active cedes, the other wins without fencing, the first one rejoins.
#[test]
fn a_graceful_failover_moves_the_role_and_lets_the_old_active_rejoin() {
    let mut stage = at_rest(&Setting::default());
    let [zkfc1, zkfc2] = stage.zkfc;
    let command = failover(None);
    let haadmin = stage.haadmin;
    assert!(stage.world.command::<HaAdminConsole>(haadmin, command));
    stage.until(30_000);
    assert!(stage.once(zkfc1, "zkfc/ceded") < WIRE);
    assert_eq!(stage.fields(zkfc1, "elector/quit", 1), [0]); // no fencing is needed
    assert!(stage.times(zkfc2, "zkfc/should-fence").is_empty());
    let promoted = stage.once(zkfc2, "zkfc/promoted");
    assert!(near(promoted, 500), "{promoted}");
    assert_eq!(stage.fields(haadmin, "haadmin/done", 0), [1]);
    assert!(near(stage.once(haadmin, "haadmin/done"), promoted));
    let back = stage.once(zkfc1, "zkfc/demoted"); // rejoined, before the 10 s are over
    assert!(back < promoted + 200, "{back}");
}

#[test]
fn a_graceful_failover_to_the_active_is_a_success_and_to_the_unhealthy_none() {
    let to = |to| failover(Some((1 - to, to)));
    let mut stage = at_rest(&Setting::default());
    let haadmin = stage.haadmin;
    stage.world.command::<HaAdminConsole>(haadmin, to(0));
    stage.until(5_000);
    assert_eq!(stage.fields(haadmin, "haadmin/done", 0), [1]);

    stage.world.kill(stage.nn[1]);
    stage.until(8_000).world.command::<HaAdminConsole>(haadmin, to(1));
    stage.until(10_000);
    assert_eq!(stage.fields(haadmin, "haadmin/done", 0), [1, 0]);
}

/// A failed promotion is told to the operator; the role goes back by election.
#[test]
fn a_graceful_failover_to_a_node_that_refuses_fails() {
    let setting = Setting { promotion: Promotion::Refuses, ..Setting::default() };
    let mut stage = at_rest(&setting);
    let (haadmin, zkfc1) = (stage.haadmin, stage.zkfc[0]);
    let command = failover(Some((0, 1)));
    stage.world.command::<HaAdminConsole>(haadmin, command);
    stage.until(60_000);
    assert_eq!(stage.fields(haadmin, "haadmin/done", 0), [0]);
    assert_eq!(stage.times(zkfc1, "zkfc/promoted").len(), 1);
}

/// Without automatic failover the tool does it all: status, health, graceful call, promotion.
#[test]
fn a_manual_failover_needs_no_controllers() {
    let mut stage = Stage::new(&with(&[
        ("dfs.ha.automatic-failover.enabled", "false"),
        ("dfs.ha.fencing.methods", "sshfence"),
    ]));
    let haadmin = stage.haadmin;
    stage.until(10_000).fault();
    let activate =
        HaAdminCommand::TransitionToActive { node: 0, force_active: false, force_manual: false };
    stage.world.command::<HaAdminConsole>(haadmin, activate);
    stage.world.command::<HaAdminConsole>(haadmin, failover(Some((0, 1))));
    let second_active =
        HaAdminCommand::TransitionToActive { node: 0, force_active: false, force_manual: false };
    stage.world.command::<HaAdminConsole>(haadmin, second_active);
    stage.until(10_000);
    assert_eq!(stage.fields(haadmin, "haadmin/done", 0), [1, 1, 0]);
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let digest = || {
        let mut stage = at_rest(&Setting::default());
        let nn1 = stage.nn[0];
        stage.world.kill(nn1);
        stage.until(10_000);
        (stage.world.digest(), stage.world.history_digest())
    };
    assert_eq!(digest(), digest());
}
