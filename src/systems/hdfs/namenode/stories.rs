//! Stories: NameNodes through the engine, over a filer and over three JournalNodes.
//!
//! Here: what an operator and a client see of promotion, demotion, tailing, failure of journals.
//! Never here: controllers; the client library's retries.
//! Modelled on: hdfs-ha.md 0b, 3, 13.

use super::stage::{Order, Stage, at, config};
use crate::engine::config::Config;
use crate::engine::time::SimDuration;
use crate::history::Role;
use crate::systems::hdfs::keys;

const OK: Option<u64> = Some(0);
const STANDBY: Option<u64> = Some(2);
const NO_ANSWER: Option<u64> = Some(5);

#[test]
fn a_promoted_namenode_serves_and_its_standby_follows_what_is_finalized() {
    let mut stage = Stage::with_filer(&config());
    let early = stage.order(500, 0, Order::Status); // the JVM is not up yet
    let refused = stage.order(4_000, 0, Order::Mkdir(1));
    let active = stage.order(5_000, 0, Order::ToActive);
    let again = stage.order(6_000, 0, Order::ToActive);
    let written = stage.order(7_000, 0, Order::Mkdir(1));
    let read = stage.order(8_000, 0, Order::Look(1));
    let health = stage.order(9_000, 1, Order::Health);
    stage.ready();
    stage.advance(300);
    let record = stage.record();
    assert_eq!(stage.answer(early), NO_ANSWER, "{record}");
    assert_eq!(stage.answer(refused), STANDBY, "{record}");
    assert_eq!(stage.answer(active), OK, "{record}");
    assert_eq!(stage.answer(again), OK, "{record}");
    assert_eq!(stage.answer(written), OK, "{record}");
    assert_eq!(stage.answer(read), OK, "{record}");
    assert_eq!(stage.answer(health), OK, "{record}");
    // Promotion of an almost empty namespace: the sum of the settings and a few disk syncs.
    let [promoted] = stage.moments("is active in")[..] else { panic!("{record}") };
    assert!((5_030..5_060).contains(&promoted), "{record}");
    // The standby sees what the active has finalized, when it has asked for a roll: every second
    // round. The first roll ends edits 1 to 4 (start, two directories, end), the second two more.
    let rounds: Vec<u64> =
        stage.moments("nn2 applied").iter().map(|millis| millis / 1_000).collect();
    assert_eq!(rounds, [122, 122, 122, 122, 242, 242], "{record}");
}

#[test]
fn a_graceful_failover_loses_nothing_and_the_new_active_has_caught_up() {
    let mut stage = Stage::with_filer(&config());
    stage.order(5_000, 0, Order::ToActive);
    stage.order(6_000, 0, Order::Mkdir(1));
    let down = stage.order(7_000, 0, Order::ToStandby);
    let up = stage.order(8_000, 1, Order::ToActive);
    let seen = stage.order(9_000, 1, Order::Look(1));
    let late = stage.order(9_000, 0, Order::Mkdir(2));
    let status = stage.order(9_500, 0, Order::Status);
    stage.ready();
    stage.advance(20);
    let record = stage.record();
    assert_eq!((stage.answer(down), stage.answer(up)), (OK, OK), "{record}");
    assert_eq!((stage.answer(seen), stage.answer(late)), (OK, STANDBY), "{record}");
    assert_eq!(stage.answer(status), Some(11), "{record}");
    assert_eq!(stage.claims(Role::Standby), 3, "{record}");
}

#[test]
fn a_standby_has_the_active_roll_every_second_round_and_reads_what_was_finalized() {
    let mut stage = Stage::with_filer(&config());
    stage.order(5_000, 0, Order::ToActive);
    stage.order(6_000, 0, Order::ToStandby); // leaves a finalized segment
    stage.order(7_000, 1, Order::ToActive);
    for n in 0..60 {
        stage.order(10_000 + n * 10_000, 1, Order::Mkdir(n));
    }
    stage.ready();
    stage.advance(600);
    let record = stage.record();
    let applied = stage.moments("nn1 applied");
    let mut rounds: Vec<u64> = applied.iter().map(|millis| millis / 1_000).collect();
    rounds.dedup();
    // Its tailer began at 6 s; rounds every 60 s; the first read comes with the first roll.
    assert_eq!(rounds, [126, 246, 366, 486], "{record}");
}

#[test]
fn without_fencing_two_writers_of_a_filer_acknowledge_at_the_same_place() {
    let mut stage = Stage::with_filer(&config());
    stage.order(5_000, 0, Order::ToActive);
    stage.order(6_000, 0, Order::Mkdir(1));
    let second = stage.order(7_000, 1, Order::ToActive); // nobody demoted the first
    stage.order(8_000, 0, Order::Mkdir(2));
    stage.order(8_100, 0, Order::Mkdir(3));
    stage.order(8_200, 1, Order::Mkdir(4));
    stage.order(8_300, 1, Order::Mkdir(5));
    stage.ready();
    stage.advance(20);
    let record = stage.record();
    assert_eq!(stage.answer(second), OK, "{record}");
    // 1 start, 2-3 both directories of the first path; 4 and 5 twice.
    assert_eq!(stage.moments("acknowledged 5 in 0").len(), 2, "{record}");
    assert!(!stage.moments("nn1 acknowledged 5 in 0").is_empty(), "{record}");
    assert!(!stage.moments("nn2 acknowledged 5 in 0").is_empty(), "{record}");
}

#[test]
fn a_filer_that_is_silent_hangs_writes_and_health_and_nobody_exits() {
    let mut stage = Stage::with_filer(&config());
    stage.order(5_000, 0, Order::ToActive);
    let hangs = stage.order(11_000, 0, Order::Mkdir(1));
    let health = stage.order(12_000, 0, Order::Health);
    stage.ready();
    stage.advance(10);
    let filer = stage.world.host_of(stage.journals[0]);
    stage.world.silence(filer, true);
    stage.advance(60);
    assert_eq!((stage.answer(hangs), stage.answer(health)), (None, None), "{}", stage.record());
    stage.world.silence(filer, false);
    stage.advance(130);
    assert_eq!((stage.answer(hangs), stage.answer(health)), (OK, OK), "{}", stage.record());
    assert!(stage.namenodes.iter().all(|namenode| stage.world.is_alive(*namenode)));
}

#[test]
fn a_killed_active_comes_back_as_a_standby_with_all_that_is_finalized() {
    let mut stage = Stage::with_filer(&config());
    stage.order(5_000, 0, Order::ToActive);
    stage.order(6_000, 0, Order::Mkdir(1));
    stage.order(8_000, 1, Order::ToActive);
    let seen = stage.order(9_000, 1, Order::Look(1));
    let status = stage.order(20_000, 0, Order::Status);
    stage.ready();
    stage.advance(7);
    stage.world.kill(stage.namenodes[0]);
    stage.advance(10);
    let first = stage.namenodes[0];
    stage.world.start(first);
    stage.advance(30);
    let record = stage.record();
    assert_eq!((stage.answer(seen), stage.answer(status)), (OK, Some(11)), "{record}");
    assert_eq!(stage.moments("nn1 applied").len(), 3, "{record}");
}

#[test]
fn a_full_edit_queue_blocks_callers_and_loses_none() {
    let config: Config = config().with("dfs.namenode.edits.asynclogging.pending.queue.size", "4");
    let mut stage = Stage::with_filer(&config);
    stage.order(5_000, 0, Order::ToActive);
    let calls: Vec<u64> = (0..200).map(|n| stage.order(6_000, 0, Order::Mkdir(n))).collect();
    stage.ready();
    stage.advance(20);
    assert!(calls.iter().all(|call| stage.answer(*call) == OK), "{}", stage.record());
    assert_eq!(stage.moments("acknowledged").len(), 200);
}

#[test]
fn group_commit_answers_many_calls_after_one_flush() {
    let mut stage = Stage::with_filer(&config());
    stage.order(5_000, 0, Order::ToActive);
    let calls: Vec<u64> = (0..100).map(|n| stage.order(6_000, 0, Order::Mkdir(n))).collect();
    stage.ready();
    stage.world.take_census();
    stage.advance(20);
    assert!(calls.iter().all(|call| stage.answer(*call) == OK), "{}", stage.record());
    let census = stage.world.census();
    let writes = census.iter().filter(|row| row.kind == "WRITE+COMMIT").map(|row| row.count);
    let writes: u64 = writes.sum();
    assert!(writes < 30, "{writes} flushes for 100 calls");
}

#[test]
fn a_standby_saves_its_namespace_and_the_active_takes_the_image() {
    let config =
        config().with("dfs.namenode.checkpoint.period", "200").with("dfs.ha.log-roll.period", "30");
    let mut stage = Stage::with_filer(&config);
    stage.order(5_000, 0, Order::ToActive);
    stage.order(6_000, 0, Order::ToStandby);
    stage.order(7_000, 1, Order::ToActive);
    for n in 0..20 {
        stage.order(10_000 + n * 10_000, 1, Order::Mkdir(n));
    }
    stage.ready();
    stage.advance(400);
    assert_eq!(stage.moments("nn1 shipped an image").len(), 1, "{}", stage.record());
    assert_eq!(stage.world.now(), at(400));
}

#[test]
fn over_a_quorum_a_promotion_is_the_sum_of_its_steps_and_a_write_is_acknowledged_in_its_epoch() {
    let mut stage = Stage::with_quorum(&config());
    let active = stage.order(5_000, 0, Order::ToActive);
    let written = stage.order(7_000, 0, Order::Mkdir(1));
    stage.ready();
    stage.advance(20);
    let record = stage.record();
    assert_eq!((stage.answer(active), stage.answer(written)), (OK, OK), "{record}");
    assert_eq!(stage.moments("nn1 acknowledged 3 in 1").len(), 1, "{record}");
    // 169 ms is the fastest of 48 real runs on a machine under load (13.0).
    let [promoted] = stage.moments("nn1 is active in 1")[..] else { panic!("{record}") };
    assert!((5_030..5_169).contains(&promoted), "{record}");
}

#[test]
fn the_next_epoch_recovers_what_the_last_left_open() {
    let mut stage = Stage::with_quorum(&config());
    stage.order(5_000, 0, Order::ToActive);
    stage.order(6_000, 0, Order::Mkdir(1));
    let up = stage.order(8_000, 1, Order::ToActive);
    let seen = stage.order(9_000, 1, Order::Look(1));
    stage.ready();
    stage.advance(7);
    stage.world.kill(stage.namenodes[0]);
    stage.advance(20);
    let record = stage.record();
    assert_eq!((stage.answer(up), stage.answer(seen)), (OK, OK), "{record}");
    assert_eq!(stage.moments("nn2 is active in 2").len(), 1, "{record}");
}

#[test]
fn a_deposed_active_answers_reads_until_its_next_write_ends_it() {
    let mut stage = Stage::with_quorum(&config());
    stage.order(5_000, 0, Order::ToActive);
    stage.order(6_000, 0, Order::Mkdir(1));
    let up = stage.order(8_000, 1, Order::ToActive); // nobody demoted the first
    let newer = stage.order(9_000, 1, Order::Mkdir(2));
    let stale = stage.order(10_000, 0, Order::Look(1));
    let absent = stage.order(10_100, 0, Order::Look(2));
    let refused = stage.order(11_000, 0, Order::Mkdir(3));
    stage.ready();
    stage.advance(30);
    let record = stage.record();
    assert_eq!((stage.answer(up), stage.answer(newer)), (OK, OK), "{record}");
    assert_eq!((stage.answer(stale), stage.answer(absent)), (OK, Some(1)), "{record}");
    assert_eq!(stage.answer(refused), NO_ANSWER, "{record}");
    assert!(!stage.world.is_alive(stage.namenodes[0]), "{record}");
    // The JVM ends 360 ms after `terminate`: then the client's connection is closed.
    let [ended] = stage.moments(&format!("hears 5 to {refused}"))[..] else { panic!("{record}") };
    assert!((11_360..11_375).contains(&ended), "{record}");
}

#[test]
fn an_idle_deposed_active_stays_active_until_it_is_demoted_and_that_write_ends_it() {
    let mut stage = Stage::with_quorum(&config());
    stage.order(5_000, 0, Order::ToActive);
    stage.order(8_000, 1, Order::ToActive);
    let idle = stage.order(100_000, 0, Order::Status);
    let demoted = stage.order(101_000, 0, Order::ToStandby);
    stage.ready();
    stage.advance(110);
    let record = stage.record();
    assert_eq!((stage.answer(idle), stage.answer(demoted)), (Some(10), NO_ANSWER), "{record}");
    assert!(!stage.world.is_alive(stage.namenodes[0]), "{record}");
}

#[test]
fn journals_that_are_silent_end_an_active_twenty_seconds_after_its_first_edit() {
    let mut stage = Stage::with_quorum(&config());
    stage.order(5_000, 0, Order::ToActive);
    let hangs = stage.order(15_000, 0, Order::Mkdir(1));
    stage.ready();
    stage.advance(10);
    for journal in stage.journals.clone() {
        let host = stage.world.host_of(journal);
        stage.world.silence(host, true);
    }
    stage.advance(34);
    assert!(stage.world.is_alive(stage.namenodes[0]), "no edit, no exit: the edit came at 15");
    stage.advance(40);
    let record = stage.record();
    assert_eq!(stage.answer(hangs), NO_ANSWER, "{record}");
    let [ended] = stage.moments(&format!("hears 5 to {hangs}"))[..] else { panic!("{record}") };
    assert!((35_360..35_380).contains(&ended), "{record}");
}

#[test]
fn a_promotion_without_a_quorum_of_journals_ends_the_process() {
    let mut stage = Stage::with_quorum(&config());
    let up = stage.order(30_000, 0, Order::ToActive);
    stage.ready();
    stage.advance(4);
    stage.world.kill(stage.journals[0]);
    stage.world.kill(stage.journals[1]);
    stage.advance(60);
    let record = stage.record();
    assert_eq!(stage.answer(up), NO_ANSWER, "{record}");
    // The tailer's connections are closed since 12 s. Refused connects: 10 retries of 1 s each,
    // then the third answer is there.
    let [ended] = stage.moments(&format!("hears 5 to {up}"))[..] else { panic!("{record}") };
    assert!((40_360..40_450).contains(&ended), "{record}");
}

#[test]
fn a_namenode_alone_restarts_from_its_own_image_and_edits() {
    let mut stage = Stage::with_secondary(&config());
    let written = stage.order(5_000, 0, Order::Mkdir(1));
    let seen = stage.order(30_000, 0, Order::Look(1));
    stage.ready();
    stage.advance(10);
    let namenode = stage.namenodes[0];
    let host = stage.world.host_of(namenode);
    stage.world.power_off(host);
    stage.advance(11);
    stage.world.power_on(host, SimDuration::from_secs(5), true);
    stage.advance(40);
    let record = stage.record();
    assert_eq!((stage.answer(written), stage.answer(seen)), (OK, OK), "{record}");
}

#[test]
fn a_lost_disk_costs_what_was_written_since_the_last_checkpoint() {
    let config = config().with("dfs.namenode.checkpoint.period", "300");
    let mut stage = Stage::with_secondary(&config);
    for n in 0..79 {
        stage.order(10_000 + n * 10_000, 0, Order::Mkdir(n));
    }
    let looks: Vec<u64> = (0..79).map(|n| stage.order(900_000 + n, 0, Order::Look(n))).collect();
    stage.ready();
    stage.advance(800);
    let namenode = stage.namenodes[0];
    stage.world.kill(namenode);
    stage.world.wipe_disk(namenode);
    stage.advance(810);
    stage.world.start(namenode);
    stage.advance(910);
    let record = stage.record();
    // Checkpoints: at its first look, then every 300 s, looked for every minute.
    let checkpoints = stage.moments("nn2 shipped an image");
    let seconds: Vec<u64> = checkpoints.iter().map(|millis| millis / 1_000).collect();
    assert_eq!(seconds, [62, 362, 662], "{record}");
    assert_eq!(stage.moments("nn1 serves from an image of").len(), 1, "{record}");
    let found = looks.iter().filter(|look| stage.answer(**look) == OK).count();
    assert_eq!(found, 66, "written until 660 s\n{record}");
}

#[test]
fn a_full_disk_fails_the_health_check_and_puts_an_active_into_safe_mode() {
    let mut stage = Stage::with_quorum(&config());
    stage.order(5_000, 0, Order::ToActive);
    let healthy = stage.order(9_000, 0, Order::Health);
    let ill = stage.order(20_000, 0, Order::Health);
    let standby = stage.order(20_000, 1, Order::Health);
    let refused = stage.order(21_000, 0, Order::Mkdir(1));
    let read = stage.order(22_000, 0, Order::Look(1));
    let well = stage.order(40_000, 0, Order::Health);
    let written = stage.order(41_000, 0, Order::Mkdir(1));
    stage.ready();
    stage.advance(10);
    let namenode = stage.namenodes[0];
    stage.world.fill_disk(namenode, true);
    stage.advance(30);
    stage.world.fill_disk(namenode, false);
    stage.advance(50);
    let record = stage.record();
    assert_eq!((stage.answer(healthy), stage.answer(standby)), (OK, OK), "{record}");
    assert_eq!((stage.answer(ill), stage.answer(refused)), (Some(4), Some(4)), "{record}");
    assert_eq!(stage.answer(read), Some(1), "reads are served in safe mode\n{record}");
    // 3.4.1 leaves this safe mode by itself.
    assert_eq!((stage.answer(well), stage.answer(written)), (OK, OK), "{record}");
}

#[test]
fn an_active_rolls_by_itself_when_its_segment_is_long() {
    let config = config()
        .with("dfs.namenode.checkpoint.txns", "40") // half of it: 20 transactions
        .with("dfs.namenode.edit.log.autoroll.check.interval.ms", "10000")
        .with("dfs.ha.log-roll.period", "100000");
    let mut stage = Stage::with_filer(&config);
    stage.order(5_000, 0, Order::ToActive);
    for n in 0..30 {
        stage.order(6_000 + n * 1_000, 0, Order::Mkdir(n));
    }
    stage.ready();
    stage.world.take_census();
    stage.advance(60);
    let census = stage.world.census();
    let renames: u64 = census.iter().filter(|row| row.kind == "RENAME").map(|row| row.count).sum();
    // Looks at 15, 25, 35 and 45 s find 12, 22, 10 and 12 transactions.
    assert_eq!(renames, 1, "{}", stage.record());
}

#[test]
fn a_standby_that_reads_the_open_segment_lags_by_its_period() {
    for profile in [keys::HADOOP_3_3, keys::HADOOP_3_4] {
        let config = Config::stock(profile)
            .with("dfs.ha.automatic-failover.enabled", "true")
            .with("dfs.ha.tail-edits.in-progress", "true")
            .with("dfs.ha.tail-edits.period", "1");
        let mut stage = Stage::with_quorum(&config);
        stage.order(5_000, 0, Order::ToActive);
        stage.order(20_500, 0, Order::Mkdir(1));
        stage.order(40_500, 0, Order::Mkdir(2));
        stage.ready();
        stage.advance(60);
        let record = stage.record();
        let applied = stage.moments("nn2 applied 3");
        // What a quorum holds is announced with the next batch only (hdfs-ha.md 1.4), or read
        // over RPC from the caches at once.
        assert_eq!(applied.len(), 1, "{record}");
        assert!((20_500..22_000).contains(&applied[0]), "{record}");
    }
}

#[test]
fn without_asynclogging_handlers_wait_for_the_journals_themselves() {
    let config = config()
        .with("dfs.namenode.edits.asynclogging", "false")
        .with("dfs.namenode.handler.count", "2");
    let mut stage = Stage::with_quorum(&config);
    stage.order(5_000, 0, Order::ToActive);
    let calls: Vec<u64> = (0..20).map(|n| stage.order(6_000, 0, Order::Mkdir(n))).collect();
    stage.ready();
    stage.world.take_census();
    stage.advance(20);
    assert!(calls.iter().all(|call| stage.answer(*call) == OK), "{}", stage.record());
    let census = stage.world.census();
    let batches: u64 = census.iter().filter(|row| row.kind == "journal").map(|row| row.count).sum();
    // Three journals, one batch for the segment's start; no batch holds more than two calls.
    assert!(3 * (1 + 10) <= batches, "{batches}");
}

#[test]
fn the_same_story_twice_is_the_same_story() {
    let digests = [(); 2].map(|()| {
        let mut stage = Stage::with_quorum(&config());
        stage.order(5_000, 0, Order::ToActive);
        for n in 0..50 {
            stage.order(6_000 + n * 37, 0, Order::Mkdir(n));
        }
        stage.order(7_000, 1, Order::ToActive);
        stage.ready();
        stage.advance(200);
        (stage.world.digest(), stage.world.history_digest())
    });
    assert_eq!(digests[0], digests[1]);
}
