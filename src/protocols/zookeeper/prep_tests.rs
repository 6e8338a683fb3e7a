//! Prep tests: requests in, transactions out; against a brute-force tree at random.
//!
//! Here: tables of single requests, requests in flight, and E1-E4 over random sequences.
//! Never here: timing of sessions (that is in `sessions`).
//! Modelled on: the reference, sections 5.2 and 8.

use proptest::prelude::*;

use super::*;
use crate::engine::time::SimDuration;
use crate::protocols::zab::Epoch;
use crate::protocols::zookeeper::tree::Applied;
use crate::protocols::zookeeper::types::{Answer, Read};

const TEN: SimDuration = SimDuration::from_secs(10);
const ANN: SessionId = SessionId(1);
const BOB: SessionId = SessionId(2);

/// A leader alone: what it proposes is agreed on when `agree` says so.
struct Stage {
    prep: Prep,
    db: DataTree,
    tracker: SessionTracker,
    zxid: Zxid,
    agreed: VecDeque<(Zxid, SessionTxn)>,
}

impl Stage {
    fn new() -> Stage {
        let tracker = SessionTracker::new(SimDuration::from_secs(2), Monotonic::default(), []);
        let (prep, db) = (Prep::default(), DataTree::new());
        Stage { prep, db, tracker, zxid: Zxid::of(Epoch(1), 0), agreed: VecDeque::new() }
    }

    fn with_sessions() -> Stage {
        let mut stage = Stage::new();
        for session in [ANN, BOB] {
            stage.ask(session, Op::CreateSession { timeout: TEN });
        }
        stage.agree_all();
        stage
    }

    fn ask(&mut self, session: SessionId, op: Op) -> Txn {
        let source = Source { session, cxid: Cxid(1), owner: Owner::Leader };
        let zxid = self.zxid.next();
        let at = (Monotonic::default(), &self.db, &mut self.tracker);
        match self.prep.prepare(source, &Request::Write(op), zxid, at) {
            Prepared::Propose(entry) => {
                self.zxid = zxid;
                self.agreed.push_back((zxid, entry.clone()));
                entry.txn
            }
            Prepared::Pass | Prepared::Refused(_) => panic!("a write becomes a transaction"),
        }
    }

    fn agree(&mut self) -> Option<(SessionTxn, Applied)> {
        let (zxid, entry) = self.agreed.pop_front()?;
        let applied = self.db.apply(zxid, &entry);
        self.prep.applied(zxid);
        if let Txn::CloseSession { .. } = entry.txn {
            self.tracker.remove(entry.session);
        }
        Some((entry, applied))
    }

    fn agree_all(&mut self) {
        while self.agree().is_some() {}
    }
}

fn create(path: &str, mode: CreateMode) -> Op {
    Op::Create { path: path.into(), data: Data::default(), mode }
}

fn delete(path: &str) -> Op {
    Op::Delete { path: path.into(), version: Version::Any }
}

fn set(path: &str, version: Version) -> Op {
    Op::SetData { path: path.into(), data: Data::default(), version }
}

fn error(code: Code) -> Txn {
    Txn::Error { code }
}

#[test]
fn a_refused_write_takes_a_zxid_and_says_why() {
    let mut stage = Stage::with_sessions();
    stage.ask(ANN, create("/e", CreateMode::EPHEMERAL));
    stage.ask(ANN, create("/p", CreateMode::PERSISTENT));
    stage.ask(ANN, create("/p/c", CreateMode::PERSISTENT));
    stage.agree_all();
    let before = stage.zxid;
    let rows = [
        (create("/p", CreateMode::PERSISTENT), Code::NodeExists),
        (create("/no/c", CreateMode::PERSISTENT), Code::NoNode),
        (create("/e/c", CreateMode::PERSISTENT), Code::NoChildrenForEphemerals),
        (delete("/p"), Code::NotEmpty),
        (delete("/no"), Code::NoNode),
        (set("/p", Version::Exactly(3)), Code::BadVersion),
        (set("/no", Version::Any), Code::NoNode),
    ];
    for (op, code) in rows.clone() {
        assert_eq!(stage.ask(BOB, op.clone()), error(code), "{op:?}");
    }
    assert_eq!(stage.zxid.0 - before.0, rows.len() as u64);
}

#[test]
fn requests_see_what_is_under_way_before_it_is_applied() {
    let mut stage = Stage::with_sessions();
    stage.ask(ANN, create("/lock", CreateMode::EPHEMERAL));
    assert_eq!(stage.ask(BOB, create("/lock", CreateMode::EPHEMERAL)), error(Code::NodeExists));
    stage.ask(ANN, set("/lock", Version::Exactly(0)));
    let second = stage.ask(ANN, set("/lock", Version::Exactly(1)));
    let expected = Txn::SetData { path: "/lock".into(), data: Data::default(), version: 2 };
    assert_eq!(second, expected);
    stage.agree(); // the create; the two sets are still under way
    assert_eq!(stage.ask(BOB, set("/lock", Version::Exactly(1))), error(Code::BadVersion));
    stage.agree_all();
    assert_eq!(stage.db.stat(&"/lock".into()).map(|stat| stat.version), Some(2));
    assert_eq!((stage.prep.outstanding(), stage.prep.newest.len()), (0, 0));
}

#[test]
fn sequential_names_never_repeat_though_nodes_go() {
    let mut stage = Stage::with_sessions();
    stage.ask(ANN, create("/q", CreateMode::PERSISTENT));
    let mut names = Vec::new();
    for _ in 0..3 {
        let txn = stage.ask(ANN, create("/q/n-", CreateMode::EPHEMERAL_SEQUENTIAL));
        let Txn::Create { path, .. } = txn else { panic!("{txn:?}") };
        stage.ask(ANN, delete(path.as_str()));
        names.push(path.name().to_string());
    }
    assert_eq!(names, ["n-0000000000", "n-0000000001", "n-0000000002"]);
}

#[test]
fn a_closing_session_takes_along_what_is_under_way_and_is_heard_no_more() {
    let mut stage = Stage::with_sessions();
    stage.ask(ANN, create("/a", CreateMode::EPHEMERAL));
    stage.agree_all();
    stage.ask(ANN, create("/b", CreateMode::EPHEMERAL));
    stage.ask(BOB, delete("/a"));
    let closed = stage.ask(ANN, Op::CloseSession);
    assert_eq!(closed, Txn::CloseSession { paths_to_delete: Arc::from(["/b".into()]) });
    // Already free for the next holder, though nothing is applied yet.
    assert!(matches!(stage.ask(BOB, create("/b", CreateMode::EPHEMERAL)), Txn::Create { .. }));
    assert_eq!(stage.ask(ANN, set("/b", Version::Any)), error(Code::SessionExpired));
    stage.agree_all();
    assert_eq!(stage.db.ephemerals(BOB).len(), 1);
    assert_eq!(stage.ask(ANN, delete("/b")), error(Code::SessionExpired));
}

#[test]
fn a_multi_is_all_or_nothing_and_says_which_part_failed() {
    let mut stage = Stage::with_sessions();
    let part = |path| create(path, CreateMode::PERSISTENT);
    stage.ask(ANN, Op::Multi(Arc::from([part("/a"), part("/a/b")])));
    let failing = Op::Multi(Arc::from([part("/c"), part("/a"), part("/d")]));
    stage.ask(ANN, failing);
    assert!(matches!(stage.ask(BOB, part("/c")), Txn::Create { .. })); // rolled back
    let (_, first) = stage.agree().expect("proposed");
    let created = |path: &str| Ok(Answer::Created(path.into()));
    assert_eq!(first.answer, Ok(Answer::Multi(vec![created("/a"), created("/a/b")])));
    let (_, second) = stage.agree().expect("proposed");
    let results = vec![Ok(Answer::Done), Err(Code::NodeExists), Err(Code::RuntimeInconsistency)];
    assert_eq!((second.answer, second.changes), (Ok(Answer::Multi(results)), vec![]));
}

#[test]
fn reads_pass_or_are_refused_without_a_transaction() {
    let mut stage = Stage::with_sessions();
    let mut read = |session, owner| {
        let source = Source { session, cxid: Cxid(1), owner };
        let request = Request::Read(Read::Exists { path: "/".into(), watch: false });
        let at = (Monotonic::default(), &stage.db, &mut stage.tracker);
        stage.prep.prepare(source, &request, Zxid::of(Epoch(1), 99), at)
    };
    assert_eq!(read(ANN, Owner::Leader), Prepared::Pass);
    assert_eq!(read(ANN, Owner::Handler(1)), Prepared::Refused(Code::SessionMoved));
    assert_eq!(read(SessionId(9), Owner::Leader), Prepared::Refused(Code::SessionExpired));
}

/// One thing that may happen.
#[derive(Clone, Debug)]
enum Step {
    Ask(u64, Op),
    Agree,
}

/// A tree by brute force: path to owner; everything applied at once.
#[derive(Default)]
struct Plain {
    nodes: BTreeMap<String, Option<u64>>,
    alive: std::collections::BTreeSet<u64>,
}

impl Plain {
    /// Whether the request is granted.
    fn ask(&mut self, session: u64, op: &Op) -> bool {
        match op {
            Op::CreateSession { .. } => self.alive.insert(session),
            Op::CloseSession => {
                self.nodes.retain(|_, owner| *owner != Some(session));
                self.alive.remove(&session)
            }
            Op::Create { path, mode, .. } => {
                let parent = path.parent().expect("no root is drawn");
                let parent_owner = match parent.as_str() {
                    "/" => Some(&None),
                    text => self.nodes.get(text),
                };
                let granted = self.alive.contains(&session)
                    && parent_owner == Some(&None)
                    && !self.nodes.contains_key(path.as_str());
                if granted {
                    let owner = mode.ephemeral.then_some(session);
                    self.nodes.insert(path.as_str().to_string(), owner);
                }
                granted
            }
            Op::Delete { path, .. } => {
                let below = format!("{}/", path.as_str());
                let childless = !self.nodes.keys().any(|node| node.starts_with(&below));
                let granted = self.alive.contains(&session)
                    && childless
                    && self.nodes.contains_key(path.as_str());
                if granted {
                    self.nodes.remove(path.as_str());
                }
                granted
            }
            Op::SetData { .. } | Op::Check { .. } | Op::Multi(_) => panic!("not drawn"),
        }
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    let path = prop::sample::select(vec!["/a", "/b", "/a/x", "/a/y", "/b/x"]);
    let op = prop_oneof![
        1 => Just(Op::CloseSession),
        6 => (path.clone(), any::<bool>()).prop_map(|(path, ephemeral)| {
            create(path, CreateMode { ephemeral, sequential: false })
        }),
        3 => path.prop_map(delete),
    ];
    prop_oneof![
        3 => (1_u64..4, op).prop_map(|(session, op)| Step::Ask(session, op)),
        2 => Just(Step::Agree),
    ]
}

proptest! {
    /// E1-E4, and that validation against changes under way is validation in sequence.
    #[test]
    fn what_is_agreed_late_ends_as_if_each_request_had_been_applied_at_once(
        steps in prop::collection::vec(any_step(), 0..60),
    ) {
        let (mut stage, mut plain) = (Stage::new(), Plain::default());
        for session in 1..4 {
            let op = Op::CreateSession { timeout: TEN };
            plain.ask(session, &op);
            stage.ask(SessionId(session), op);
        }
        stage.agree_all();
        for step in steps {
            match step {
                Step::Ask(session, op) => {
                    let granted = plain.ask(session, &op);
                    let txn = stage.ask(SessionId(session), op.clone());
                    let refused = matches!(txn, Txn::Error { .. });
                    let is_close = op == Op::CloseSession; // a second one is granted, and empty
                    prop_assert!(is_close || granted != refused, "{op:?}: {txn:?}");
                }
                Step::Agree => {
                    if let Some((entry, applied)) = stage.agree() {
                        if let Txn::CloseSession { .. } = entry.txn {
                            prop_assert!(stage.db.ephemerals(entry.session).is_empty()); // E2
                        }
                        let refused = matches!(entry.txn, Txn::Error { .. });
                        prop_assert_eq!(applied.answer.is_err(), refused);
                    }
                }
            }
        }
        stage.agree_all();
        for path in ["/a", "/b", "/a/x", "/a/y", "/b/x"] {
            let owner = stage.db.stat(&path.into()).map(|stat| stat.ephemeral_owner);
            let expected = plain.nodes.get(path).map(|owner| owner.map(SessionId));
            prop_assert_eq!(owner, expected, "{}", path);
            if let Some(Some(owner)) = owner {
                prop_assert!(stage.db.session_timeout(owner).is_some()); // E1
                prop_assert_eq!(stage.db.stat(&path.into()).map(|s| s.num_children), Some(0)); // E3
            }
        }
        prop_assert_eq!(stage.prep.newest.len(), 0);
    }
}
