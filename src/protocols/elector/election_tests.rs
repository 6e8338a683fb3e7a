//! Election tests: one row of the reference's state table (4.5, 14.4) after the other.
//!
//! Here: the table as transcripts of inputs and effects.
//! Never here: the process around the elector.
//! Modelled on: etcd/raft's transcripts.

use super::*;

const RETRIES: u32 = 3;

fn me() -> Contents {
    Contents(1)
}

fn other() -> Contents {
    Contents(2)
}

fn crumb(data: Contents) -> Result<Crumb, Code> {
    Ok(Crumb { data, version: 7 })
}

/// Feeds inputs and returns the effects of the last.
fn feed(elector: &mut Election, inputs: impl IntoIterator<Item = Input>) -> Vec<Effect> {
    let mut effects = Vec::new();
    for input in inputs {
        let mut out = Outbox::default();
        elector.step(input, &mut out);
        assert!(out.broken.is_empty());
        effects = out.effects;
    }
    effects
}

fn started() -> Election {
    let mut elector = Election::new(RETRIES);
    assert_eq!(feed(&mut elector, [Input::Start]), [Effect::Connect]);
    let effects = feed(&mut elector, [Input::Connected(true)]);
    assert_eq!(effects, [Effect::Started(true), Effect::Returned]);
    feed(&mut elector, [Input::Session(SessionEvent::SyncConnected)]);
    elector
}

fn joined() -> Election {
    let mut elector = started();
    let effects = feed(&mut elector, [Input::Join(me())]);
    assert_eq!(effects, [Effect::CreateLock(me()), Effect::Returned]);
    elector
}

fn active() -> Election {
    let mut elector = joined();
    feed(
        &mut elector,
        [
            Input::LockCreated(Ok(())),
            Input::Read(Err(Code::NoNode)),
            Input::Written(Ok(())),
            Input::BecameActive(true),
            Input::LockChecked(Ok(LockNode::Mine)),
        ],
    );
    assert_eq!(elector.state(), State::Active);
    elector
}

fn standby() -> Election {
    let mut elector = joined();
    let effects = feed(&mut elector, [Input::LockCreated(Err(Code::NodeExists))]);
    assert_eq!(effects, [Effect::BecomeStandby]);
    let effects = feed(&mut elector, [Input::BecameStandby]);
    assert_eq!(effects, [Effect::WatchLock, Effect::Returned]);
    feed(&mut elector, [Input::LockChecked(Ok(LockNode::Others))]);
    elector
}

#[test]
fn the_first_attempt_to_connect_is_the_only_one() {
    let mut elector = Election::new(RETRIES);
    feed(&mut elector, [Input::Start]);
    assert_eq!(feed(&mut elector, [Input::Connected(false)]), [Effect::Close]);
    assert_eq!(feed(&mut elector, [Input::Closed]), [Effect::Started(false), Effect::Returned]);
}

#[test]
fn the_winner_reads_fences_writes_and_then_promotes() {
    let mut elector = joined();
    assert_eq!(feed(&mut elector, [Input::LockCreated(Ok(()))]), [Effect::ReadBreadcrumb]);
    let effects = feed(&mut elector, [Input::Read(crumb(other()))]);
    assert_eq!(effects, [Effect::FenceOldActive(other())]);
    let effects = feed(&mut elector, [Input::Fenced(true)]);
    assert_eq!(effects, [Effect::SetBreadcrumb { data: me(), version: 7 }]);
    assert_eq!(feed(&mut elector, [Input::Written(Ok(()))]), [Effect::BecomeActive]);
    let effects = feed(&mut elector, [Input::BecameActive(true)]);
    assert_eq!(effects, [Effect::WatchLock, Effect::Returned]);
    assert_eq!(elector.state(), State::Active);
}

#[test]
fn nobody_is_fenced_without_a_breadcrumb_or_with_the_own_one() {
    let mut elector = joined();
    feed(&mut elector, [Input::LockCreated(Ok(()))]);
    let effects = feed(&mut elector, [Input::Read(Err(Code::NoNode))]);
    assert_eq!(effects, [Effect::CreateBreadcrumb(me())]);

    let mut elector = joined();
    feed(&mut elector, [Input::LockCreated(Ok(()))]);
    let effects = feed(&mut elector, [Input::Read(crumb(me()))]);
    assert_eq!(effects, [Effect::SetBreadcrumb { data: me(), version: 7 }]);
}

#[test]
fn a_failed_winner_closes_its_session_sleeps_a_second_and_tries_again() {
    let won = [Input::LockCreated(Ok(())), Input::Read(crumb(other()))];
    let failures: [&[Input]; 3] = [
        &[Input::Fenced(false)],
        &[Input::Fenced(true), Input::Written(Err(Code::BadVersion))],
        &[Input::Fenced(true), Input::Written(Ok(())), Input::BecameActive(false)],
    ];
    for failure in failures {
        let mut elector = joined();
        feed(&mut elector, won);
        assert_eq!(feed(&mut elector, failure.to_vec()), [Effect::Close]);
        let slept = Effect::Sleep(SimDuration::from_secs(1));
        assert_eq!(feed(&mut elector, [Input::Closed]), [slept]);
        assert_eq!(feed(&mut elector, [Input::Slept]), [Effect::Connect]);
        let effects = feed(&mut elector, [Input::Connected(true)]);
        assert_eq!(effects, [Effect::CreateLock(me()), Effect::Returned]);
    }
}

#[test]
fn a_standby_that_failed_to_win_is_not_demoted_again() {
    let mut elector = standby();
    feed(
        &mut elector,
        [
            Input::Node(NodeEvent::Deleted),
            Input::LockCreated(Ok(())),
            Input::Read(crumb(other())),
            Input::Fenced(false),
            Input::Closed,
            Input::Slept,
            Input::Connected(true),
        ],
    );
    let effects = feed(&mut elector, [Input::LockCreated(Err(Code::NodeExists))]);
    assert_eq!(effects, [Effect::WatchLock, Effect::Returned]);
    assert_eq!(elector.state(), State::Standby);
}

#[test]
fn a_lost_create_is_repeated_three_times_and_the_fourth_loss_is_fatal() {
    let mut elector = joined();
    for _repeat in 0..RETRIES {
        let effects = feed(&mut elector, [Input::LockCreated(Err(Code::ConnectionLoss))]);
        assert_eq!(effects, [Effect::CreateLock(me()), Effect::Returned]);
    }
    let effects = feed(&mut elector, [Input::LockCreated(Err(Code::OperationTimeout))]);
    assert_eq!(effects, [Effect::Close]);
    let effects = feed(&mut elector, [Input::Closed]);
    assert_eq!(effects, [Effect::Fatal("create of the lock node failed"), Effect::Returned]);
}

#[test]
fn a_repeated_create_that_meets_a_node_asks_whose_it_is() {
    let mut elector = joined();
    feed(&mut elector, [Input::LockCreated(Err(Code::ConnectionLoss))]);
    let effects = feed(&mut elector, [Input::LockCreated(Err(Code::NodeExists))]);
    assert_eq!(effects, [Effect::WatchLock, Effect::Returned]);
    let effects = feed(&mut elector, [Input::LockChecked(Ok(LockNode::Mine))]);
    assert_eq!(effects, [Effect::ReadBreadcrumb]);
}

#[test]
fn a_lost_check_is_repeated_three_times_and_the_fourth_loss_is_fatal() {
    let mut elector = standby();
    feed(&mut elector, [Input::Node(NodeEvent::Changed)]);
    for _repeat in 0..RETRIES {
        let effects = feed(&mut elector, [Input::LockChecked(Err(Code::ConnectionLoss))]);
        assert_eq!(effects, [Effect::WatchLock, Effect::Returned]);
    }
    let effects = feed(&mut elector, [Input::LockChecked(Err(Code::ConnectionLoss))]);
    assert_eq!(effects, [Effect::Close]);
}

#[test]
fn an_expired_operation_is_left_to_the_watcher() {
    let mut elector = joined();
    let effects = feed(&mut elector, [Input::LockCreated(Err(Code::SessionExpired))]);
    assert_eq!(effects, [Effect::Returned]);
    let effects = feed(&mut elector, [Input::Session(SessionEvent::Expired)]);
    assert_eq!(effects, [Effect::EnterNeutral, Effect::Close]);
    assert_eq!(feed(&mut elector, [Input::Closed]), [Effect::Connect]); // without a sleep
}

#[test]
fn an_expiry_before_the_first_join_does_not_join() {
    let mut elector = started();
    feed(&mut elector, [Input::Session(SessionEvent::Expired)]);
    assert_eq!(feed(&mut elector, [Input::Closed]), [Effect::Returned]);
    assert_eq!(feed(&mut elector, [Input::Join(me())]), [Effect::Connect]);
}

#[test]
fn a_reconnected_active_writes_its_breadcrumb_again_and_promotes_again() {
    let mut elector = active();
    let effects = feed(&mut elector, [Input::Session(SessionEvent::Disconnected)]);
    assert_eq!(effects, [Effect::EnterNeutral, Effect::Returned]);
    let effects = feed(&mut elector, [Input::Session(SessionEvent::SyncConnected)]);
    assert_eq!(effects, [Effect::WatchLock, Effect::Returned]);
    let effects = feed(&mut elector, [Input::LockChecked(Ok(LockNode::Mine))]);
    assert_eq!(effects, [Effect::ReadBreadcrumb]);
    let effects = feed(&mut elector, [Input::Read(crumb(me()))]);
    assert_eq!(effects, [Effect::SetBreadcrumb { data: me(), version: 7 }]);
    assert_eq!(feed(&mut elector, [Input::Written(Ok(()))]), [Effect::BecomeActive]);
    assert_eq!(feed(&mut elector, [Input::BecameActive(true)]), [Effect::Returned]);
}

#[test]
fn a_reconnected_active_that_loses_the_connection_three_times_gives_its_session_up() {
    let mut elector = active();
    feed(
        &mut elector,
        [
            Input::Session(SessionEvent::Disconnected),
            Input::Session(SessionEvent::SyncConnected),
            Input::LockChecked(Ok(LockNode::Mine)),
            Input::Read(crumb(me())),
        ],
    );
    for _try in 1..RETRIES {
        let effects = feed(&mut elector, [Input::Written(Err(Code::ConnectionLoss))]);
        assert_eq!(effects, [Effect::SetBreadcrumb { data: me(), version: 7 }]);
    }
    let effects = feed(&mut elector, [Input::Written(Err(Code::ConnectionLoss))]);
    assert_eq!(effects, [Effect::Close]);
}

#[test]
fn a_deposed_elector_that_reconnects_becomes_standby() {
    let mut elector = active();
    feed(
        &mut elector,
        [Input::Session(SessionEvent::Disconnected), Input::Session(SessionEvent::SyncConnected)],
    );
    let effects = feed(&mut elector, [Input::LockChecked(Ok(LockNode::Others))]);
    assert_eq!(effects, [Effect::BecomeStandby]);
}

#[test]
fn without_a_server_three_attempts_and_three_sleeps_end_the_controller() {
    let mut elector = standby();
    feed(&mut elector, [Input::Quit { need_fence: true }, Input::Closed]);
    assert_eq!(feed(&mut elector, [Input::Join(me())]), [Effect::Connect]);
    for attempt in 1..=RETRIES {
        assert_eq!(feed(&mut elector, [Input::Connected(false)]), [Effect::Close]);
        let slept = Effect::Sleep(SimDuration::from_secs(5));
        assert_eq!(feed(&mut elector, [Input::Closed]), [slept]);
        let effects = feed(&mut elector, [Input::Slept]);
        if attempt < RETRIES {
            assert_eq!(effects, [Effect::Connect]);
        } else {
            assert_eq!(effects, [Effect::Fatal("no connection to ZooKeeper"), Effect::Returned]);
        }
    }
}

#[test]
fn with_no_attempts_allowed_the_first_join_without_a_client_is_the_end() {
    let mut elector = Election::new(0);
    let effects = feed(&mut elector, [Input::Join(me())]);
    assert_eq!(effects, [Effect::Fatal("no connection to ZooKeeper"), Effect::Returned]);
}

#[test]
fn a_quitter_that_needs_fencing_leaves_its_breadcrumb() {
    let mut elector = active();
    assert_eq!(feed(&mut elector, [Input::Quit { need_fence: true }]), [Effect::Close]);
    assert_eq!(feed(&mut elector, [Input::Closed]), [Effect::Returned]);
    assert_eq!(elector.state(), State::Init);
}

#[test]
fn a_clean_quitter_deletes_its_own_breadcrumb_and_no_other() {
    let mut elector = active();
    let effects = feed(&mut elector, [Input::Quit { need_fence: false }]);
    assert_eq!(effects, [Effect::ReadBreadcrumb]);
    let effects = feed(&mut elector, [Input::Read(crumb(me()))]);
    assert_eq!(effects, [Effect::DeleteBreadcrumb { version: 7 }]);
    assert_eq!(feed(&mut elector, [Input::Written(Ok(()))]), [Effect::Close]);

    let mut elector = active();
    feed(&mut elector, [Input::Quit { need_fence: false }]);
    assert_eq!(feed(&mut elector, [Input::Read(crumb(other()))]), [Effect::Close]);

    let mut elector = standby();
    assert_eq!(feed(&mut elector, [Input::Quit { need_fence: false }]), [Effect::Close]);
}

#[test]
fn a_deleted_lock_calls_for_a_create_and_takes_activity_from_the_active() {
    let mut elector = standby();
    let effects = feed(&mut elector, [Input::Node(NodeEvent::Deleted)]);
    assert_eq!(effects, [Effect::CreateLock(me()), Effect::Returned]);
    let mut elector = active();
    let effects = feed(&mut elector, [Input::Node(NodeEvent::Deleted)]);
    assert_eq!(effects, [Effect::EnterNeutral, Effect::CreateLock(me()), Effect::Returned]);
}

#[test]
fn a_check_that_finds_no_lock_calls_for_a_create() {
    let mut elector = standby();
    feed(&mut elector, [Input::Node(NodeEvent::Changed)]);
    let effects = feed(&mut elector, [Input::LockChecked(Ok(LockNode::Absent))]);
    assert_eq!(effects, [Effect::EnterNeutral, Effect::CreateLock(me()), Effect::Returned]);
}

#[test]
fn the_holder_is_read_through_the_lock_with_three_tries() {
    let mut elector = standby();
    assert_eq!(feed(&mut elector, [Input::GetActive]), [Effect::ReadLock]);
    let effects = feed(&mut elector, [Input::Read(crumb(other()))]);
    assert_eq!(effects, [Effect::ActiveIs(Ok(Some(other()))), Effect::Returned]);

    feed(&mut elector, [Input::GetActive]);
    let lost = || Input::Read(Err(Code::ConnectionLoss));
    assert_eq!(feed(&mut elector, [lost(), lost()]), [Effect::ReadLock]);
    let effects = feed(&mut elector, [lost()]);
    assert_eq!(effects, [Effect::ActiveIs(Err(Code::ConnectionLoss)), Effect::Returned]);
}

#[test]
fn an_unexpected_session_state_is_fatal() {
    let mut elector = standby();
    let event = Input::Session(SessionEvent::Unexpected);
    assert_eq!(feed(&mut elector, [event]), [Effect::Close]);
    let effects = feed(&mut elector, [Input::Closed]);
    assert_eq!(effects, [Effect::Fatal("unexpected session state"), Effect::Returned]);
}
