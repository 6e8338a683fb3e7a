//! Tests of the election: one per row of the reference's table 13.2 and of the receiver's rules.
//!
//! Here: one server, fed by hand.
//! Never here: several servers (see `zab::tests`).
//! Modelled on: reference/zookeeper.md 1.3, 1.4, 12.2, 13.2.

use super::*;
use crate::protocols::zab::types::Zxid;

const MS_200: SimDuration = SimDuration::from_millis(200);

fn ballot(epoch: u32, counter: u32, leader: u32) -> Ballot {
    let epoch = Epoch(epoch);
    Ballot { epoch, zxid: Zxid::of(epoch, counter), leader: Sid(leader) }
}

fn heard(from: u32, ballot: Ballot, round: u64, state: PeerState) -> Notification {
    Notification { from: Sid(from), ballot, round: Round(round), state }
}

fn looking(from: u32, ballot: Ballot, round: u64) -> Notification {
    heard(from, ballot, round, PeerState::Looking)
}

struct Stage(Election);

impl Stage {
    /// Server 1 of three, LOOKING in round 1 with zxid (1, 5), its own vote not yet looped back.
    fn looking() -> Stage {
        let own = ballot(1, 5, 1);
        let mut election = Election::new(&Settings::sample(1, 3), Rules::V3_8_4, own);
        election.enter(own, &mut Outbox::default());
        Stage(election)
    }

    fn hears(&mut self, n: Notification) -> Vec<Effect> {
        let mut out = Outbox::default();
        self.0.receive(&n, &mut out);
        out.effects
    }

    fn silence(&mut self, delivered: bool) -> Vec<Effect> {
        let mut out = Outbox::default();
        self.0.poll_empty(delivered, &mut out);
        out.effects
    }
}

fn sends(effects: &[Effect]) -> Vec<(u32, u32, u64)> {
    let sent = |effect: &Effect| match effect {
        Effect::Send { to, notification } => {
            Some((to.0, notification.ballot.leader.0, notification.round.0))
        }
        Effect::ConnectAll | Effect::ArmPoll(_) | Effect::Elected(_) => None,
    };
    effects.iter().filter_map(sent).collect()
}

fn elected(effects: &[Effect]) -> Option<u32> {
    effects.iter().find_map(|effect| match effect {
        Effect::Elected(vote) => Some(vote.ballot.leader.0),
        Effect::Send { .. } | Effect::ConnectAll | Effect::ArmPoll(_) => None,
    })
}

#[test]
fn enter_votes_for_oneself_in_a_new_round_and_sends_to_all_voters() {
    let own = ballot(1, 5, 1);
    let mut election = Election::new(&Settings::sample(1, 3), Rules::V3_8_4, own);
    let mut out = Outbox::default();
    election.enter(own, &mut out);
    assert_eq!(sends(&out.effects), [(1, 1, 1), (2, 1, 1), (3, 1, 1)]);
    assert_eq!(out.effects.last(), Some(&Effect::ArmPoll(MS_200)));
}

#[test]
fn an_empty_poll_sends_again_or_dials_and_doubles_up_to_a_minute() {
    let mut stage = Stage::looking();
    let effects = stage.silence(true);
    assert_eq!(sends(&effects).len(), 3);
    assert_eq!(effects.last(), Some(&Effect::ArmPoll(MS_200.times(2))));
    let effects = stage.silence(false);
    assert_eq!(effects, [Effect::ConnectAll, Effect::ArmPoll(MS_200.times(4))]);
    // Sends at 0.2, 0.6, 1.4, 3.0, 6.2, 12.6 ... seconds; the step is capped.
    for _ in 0..12 {
        stage.silence(true);
    }
    let cap = SimDuration::from_millis(60_000);
    assert_eq!(stage.silence(true).last(), Some(&Effect::ArmPoll(cap)));
}

#[test]
fn a_notification_restarts_the_wait_but_not_the_back_off() {
    let mut stage = Stage::looking();
    stage.silence(true);
    assert_eq!(stage.hears(looking(1, ballot(1, 5, 1), 1)), [Effect::ArmPoll(MS_200.times(2))]);
}

#[test]
fn a_better_vote_is_adopted_sent_and_with_ones_own_loop_back_makes_a_quorum() {
    let mut stage = Stage::looking();
    let effects = stage.hears(looking(3, ballot(1, 5, 3), 1));
    assert_eq!(sends(&effects), [(1, 3, 1), (2, 3, 1), (3, 3, 1)]);
    assert_eq!(effects.last(), Some(&Effect::ArmPoll(MS_200))); // own vote not yet looped back
    let effects = stage.hears(looking(1, ballot(1, 5, 3), 1));
    assert_eq!(effects, [Effect::ArmPoll(FINALIZE_WAIT)]);
    assert_eq!(elected(&stage.silence(true)), Some(3));
    assert_eq!(stage.0.state(), PeerState::Following);
}

#[test]
fn a_worse_vote_is_tallied_and_not_answered() {
    let mut stage = Stage::looking();
    let effects = stage.hears(looking(2, ballot(1, 4, 2), 1));
    assert_eq!(effects, [Effect::ArmPoll(MS_200)]);
}

#[test]
fn a_later_round_clears_the_tally_and_weighs_the_vote_against_ones_first() {
    let mut stage = Stage::looking();
    stage.hears(looking(3, ballot(1, 5, 3), 1)); // proposal is 3
    let effects = stage.hears(looking(2, ballot(1, 4, 2), 7));
    assert_eq!(sends(&effects), [(1, 1, 7), (2, 1, 7), (3, 1, 7)]); // back to oneself
}

#[test]
fn an_earlier_round_is_dropped_and_answered_by_the_receiver() {
    let mut stage = Stage::looking();
    stage.hears(looking(3, ballot(1, 5, 3), 4));
    let effects = stage.hears(looking(2, ballot(9, 9, 2), 2));
    assert_eq!(sends(&effects), [(2, 3, 4)]);
    assert_eq!(effects.last(), Some(&Effect::ArmPoll(MS_200)));
}

#[test]
fn the_final_wait_restarts_on_what_it_drops_and_ends_on_a_better_vote() {
    let mut stage = Stage::looking();
    stage.hears(looking(2, ballot(1, 5, 2), 1));
    stage.hears(looking(1, ballot(1, 5, 2), 1)); // quorum for 2
    // An answer of a follower is dropped here, too: it is lost.
    let answer = heard(3, ballot(1, 5, 2), 1, PeerState::Following);
    assert_eq!(stage.hears(answer), [Effect::ArmPoll(FINALIZE_WAIT)]);
    let effects = stage.hears(looking(3, ballot(1, 5, 3), 1));
    assert_eq!(sends(&effects).len(), 3); // back in the poll, adopted
    assert_eq!(stage.hears(looking(1, ballot(1, 5, 3), 1)), [Effect::ArmPoll(FINALIZE_WAIT)]);
}

#[test]
fn a_better_vote_of_an_old_round_ends_the_final_wait_and_is_then_dropped() {
    let mut stage = Stage::looking();
    stage.hears(looking(2, ballot(1, 5, 2), 3));
    stage.hears(looking(1, ballot(1, 5, 2), 3));
    let effects = stage.hears(looking(3, ballot(1, 9, 3), 2));
    assert_eq!(sends(&effects), [(3, 2, 3)]);
    // The quorum is not looked at again before another vote of the round is tallied.
    assert_eq!(effects.last(), Some(&Effect::ArmPoll(MS_200)));
    assert_eq!(elected(&stage.silence(true)), None);
    assert_eq!(stage.hears(looking(2, ballot(1, 5, 2), 3)), [Effect::ArmPoll(FINALIZE_WAIT)]);
}

#[test]
fn a_joiner_needs_a_quorum_without_itself_and_the_leaders_own_word() {
    let mut stage = Stage::looking();
    let of_2 = ballot(4, 0, 2);
    assert_eq!(elected(&stage.hears(heard(3, of_2, 9, PeerState::Following))), None);
    assert_eq!(elected(&stage.hears(heard(2, of_2, 9, PeerState::Leading))), Some(2));
    assert_eq!(stage.0.round(), Round(9));
}

#[test]
fn answers_that_name_another_epoch_do_not_agree() {
    let mut stage = Stage::looking();
    stage.hears(heard(3, ballot(3, 7, 2), 9, PeerState::Following)); // not yet synced
    let effects = stage.hears(heard(2, ballot(4, 0, 2), 9, PeerState::Leading));
    assert_eq!(elected(&effects), None);
}

#[test]
fn within_a_round_only_the_leader_counts() {
    let mut stage = Stage::looking();
    stage.hears(heard(3, ballot(3, 7, 2), 1, PeerState::Following));
    let effects = stage.hears(heard(2, ballot(4, 0, 2), 1, PeerState::Leading));
    assert_eq!(elected(&effects), Some(2));
}

#[test]
fn who_follows_answers_with_the_vote_of_its_election_and_keeps_nothing() {
    let mut stage = Stage::looking();
    stage.hears(looking(3, ballot(1, 5, 3), 1));
    stage.hears(looking(1, ballot(1, 5, 3), 1));
    stage.silence(true);
    let effects = stage.hears(looking(2, ballot(8, 8, 2), 5));
    assert_eq!(sends(&effects), [(2, 3, 1)]); // still names the old leader
    stage.0.update_vote(Epoch(2));
    let effects = stage.hears(looking(2, ballot(8, 8, 2), 5));
    let Some(Effect::Send { notification, .. }) = effects.first() else { panic!("no answer") };
    assert_eq!(notification.ballot.epoch, Epoch(2));
    assert_eq!(notification.state, PeerState::Following);
    // Answers of others are ignored.
    assert_eq!(stage.hears(heard(2, ballot(1, 5, 2), 5, PeerState::Leading)), []);
}
