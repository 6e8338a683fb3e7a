//! Format: every field that a scenario file may have.
//!
//! Here: one table per kind of table in the file; `docs/SCENARIOS.md` and the schema follow it.
//! Never here: defaults that need a thought (they live with the reader of the field).
//! Modelled on: Cargo.toml's manifest format.

use super::shape::{Field, Keys, Names, Shape};

const NAME: Shape = Shape::Text("a name");
const NAMES: Shape = Shape::List(&NAME);
const GROUP: Shape = Shape::Text(
    "whom: a selector, a role, a process, \"everything\", or \"host:\", \"rack:\", \"site:\", \
     \"region:\" and a name",
);
const GROUPS: Shape = Shape::Either(&[GROUP, Shape::List(&GROUP)]);
const PLACES: Shape = Shape::Either(&[PLACE, Shape::List(&PLACE)]);
const PLACE: Shape = Shape::Text("\"host:\", \"rack:\" or \"site:\" and a name");
const BANDWIDTH: Shape = Shape::Amount("bytes a second, such as 1250000000 or \"1250m\"");
const RESTART: Shape = Shape::Either(&[
    Shape::OneOf(&["none", "systemd"]),
    Shape::Table(&[Field::must("systemd", Shape::Span, "pause before it is started again")]),
]);

/// The root of a file.
pub const ROOT: &[Field] = &[
    Field::may(
        "include",
        Shape::Either(&[NAME, NAMES]),
        "files laid under this one, in order, relative to it",
    ),
    Field::may("name", NAME, "short name; the file's stem if left out"),
    Field::may("about", Shape::Text("a text"), "what happens and why"),
    Field::may("run", Shape::Table(RUN), "spans of the run"),
    Field::may("topology", Shape::Table(TOPOLOGY), "hosts, processes, sites"),
    Field::may("network", Shape::Table(NETWORK), "what the wires are like"),
    Field::may("disk", Shape::Table(DISK), "what disks are like"),
    Field::may(
        "config",
        Shape::Map(
            Keys::Of(Names::Section),
            &Shape::Map(Keys::Any("an upstream key"), &Shape::Scalar),
        ),
        "what the operator wrote, by section and upstream key, plus `profile`",
    ),
    Field::may(
        "override",
        Shape::Map(
            Keys::Any("a role or process"),
            &Shape::Map(Keys::Any("an upstream key"), &Shape::Scalar),
        ),
        "keys, and `profile`, of one role or process over those of `config`",
    ),
    Field::may(
        "sizes",
        Shape::Map(Keys::Of(Names::Size), &Shape::Count),
        "sizes that models ask for",
    ),
    Field::may("workload", Shape::List(&Shape::Table(LOAD)), "who calls which service"),
    Field::may("fault", Shape::List(&Shape::Table(FAULT)), "what goes wrong"),
    Field::may(
        "objectives",
        Shape::List(&Shape::Text("a bound such as \"rto_p99 < 60s\"")),
        "what must hold, else the verdict is violated",
    ),
    Field::may("expect", Shape::Table(EXPECT), "what a test expects of this file"),
    Field::may("plants", Shape::List(&Shape::Name(Names::Plant)), "historic bugs to plant"),
];

const RUN: &[Field] = &[
    Field::may("warm_up", Shape::Span, "load without faults before the clock starts; 30s"),
    Field::may("horizon", Shape::Span, "the clock runs at most until here; 10m"),
    Field::may("jitter", Shape::Span, "faults on the clock are put off by up to this; 60s"),
    Field::may("measure_from", Shape::Span, "overrides the onset of the RTO"),
    Field::may("stability", Shape::Span, "bad intervals closer than this are one outage; 30s"),
];

const TOPOLOGY: &[Field] = &[
    Field::may(
        "roles",
        Shape::Map(
            Keys::Of(Names::Role),
            &Shape::Either(&[Shape::Count, COUNTED, Shape::List(&COUNTED)]),
        ),
        "how many processes of each role, each on a host of its own or beside another role",
    ),
    Field::may("site", Shape::List(&Shape::Table(SITE)), "data centres and their racks"),
    Field::may("host", Shape::List(&Shape::Table(HOST)), "hosts by name, and what runs there"),
    Field::may(
        "replace",
        Shape::Map(Keys::Of(Names::Role), &Shape::Name(Names::Role)),
        "roles that another registered role builds: zkfc = \"my-controller\"",
    ),
    Field::may(
        "restart",
        Shape::Map(Keys::Of(Names::Role), &RESTART),
        "what the supervisor does when a process of a role ends; none",
    ),
];

const COUNTED: Shape = Shape::Table(&[
    Field::must("count", Shape::Count, "how many"),
    Field::may("on", PLACES, "racks, sites or hosts, in turn"),
    Field::may("group", NAME, "what they belong to, such as a nameservice"),
]);

const SITE: &[Field] = &[
    Field::must("name", NAME, "unique"),
    Field::may("region", NAME, "its city; the site's name if left out"),
    Field::may("racks", NAMES, "its racks; one, named like the site, if left out"),
];

const HOST: &[Field] = &[
    Field::must("name", NAME, "unique"),
    Field::may("rack", NAME, "its rack; the first if left out"),
    Field::may("disk", Shape::Table(DISK), "its disk, where it differs"),
    Field::may(
        "runs",
        Shape::List(&Shape::Either(&[Shape::Name(Names::Role), Shape::Table(RUNS)])),
        "roles that run there",
    ),
];

const RUNS: &[Field] = &[
    Field::must("role", Shape::Name(Names::Role), "its role"),
    Field::may("name", NAME, "unique; the role's short name and a number if left out"),
    Field::may("group", NAME, "what it belongs to, such as a nameservice"),
];

const NETWORK: &[Field] = &[
    Field::may("rack", Shape::Table(LINK), "between hosts of one rack"),
    Field::may("site", Shape::Table(LINK), "between racks of one site"),
    Field::may("wan", Shape::Table(LINK), "between sites"),
    Field::may("pair", Shape::List(&Shape::Table(PAIR)), "between two sites, where it differs"),
    Field::may(
        "unreachable_after",
        Shape::Text("a span or \"never\""),
        "how long until a silent host is reported unreachable; never",
    ),
];

const LATENCY_MIN: Field = Field::may("latency_min", Shape::Span, "shortest one-way latency");
const LATENCY_EXCESS: Field =
    Field::may("latency_excess_mean", Shape::Span, "mean of the exponential part above it");
const BANDWIDTH_FIELD: Field = Field::may("bandwidth", BANDWIDTH, "bytes a second");
const LOSS: Field =
    Field::may("loss", Shape::Amount("a fraction such as 0.0001"), "lost share of packets");

const LINK: &[Field] = &[LATENCY_MIN, LATENCY_EXCESS, BANDWIDTH_FIELD, LOSS];

const PAIR: &[Field] = &[
    Field::must("between", NAMES, "two sites"),
    LATENCY_MIN,
    LATENCY_EXCESS,
    BANDWIDTH_FIELD,
    LOSS,
];

const DISK: &[Field] = &[
    Field::may("sync_min", Shape::Span, "shortest sync; 1ms"),
    Field::may("sync_excess_mean", Shape::Span, "mean of the exponential part above it; 1ms"),
    Field::may("bandwidth", BANDWIDTH, "bytes a second; 200m"),
];

const LOAD: &[Field] = &[
    Field::must("service", Shape::Name(Names::Service), "what is called"),
    Field::may("clients", Shape::Count, "client processes; 4"),
    Field::may("threads", Shape::Count, "threads in each, sharing its connections; 1"),
    Field::may(
        "rate",
        Shape::Text("calls of all clients together, such as \"20/s\""),
        "open loop at random instants; 20/s",
    ),
    Field::may("pace", Shape::Span, "closed loop instead: from one call of a thread to the next"),
    Field::may("fresh", Shape::Flag, "each call by a new client that shares nothing; false"),
    Field::may(
        "mix",
        Shape::Map(Keys::Any("an operation"), &Shape::Count),
        "weights of operations",
    ),
    Field::may("on", PLACES, "where the clients are, in turn"),
    Field::may("group", NAME, "whom they call, where there are several: a nameservice"),
];

const TRIGGER: &[Field] = &[
    Field::may("mark", Shape::Name(Names::Mark), "a protocol step"),
    Field::may("note", Shape::Name(Names::Note), "a note in the history"),
    Field::may("claimed", ROLE_STATE, "a process takes this role"),
    Field::may("lost", ROLE_STATE, "a process gives this role up, or ends in it"),
    Field::may("nth", Shape::Count, "which time after the warm-up; 1"),
    Field::may("by", GROUP, "by whom; anybody"),
    Field::may("after", Shape::Span, "how long after it; 0s"),
];

const ROLE_STATE: Shape = Shape::OneOf(&["active", "standby", "leader", "follower", "controller"]);

/// Kinds of fault, as written.
pub const KINDS: &[&str] = &[
    "kill",
    "stop",
    "pause",
    "freeze",
    "power-loss",
    "silence",
    "cut",
    "flap",
    "disk-stall",
    "disk-full",
    "disk-lie",
    "disk-wipe",
    "restart",
    "clock-jump",
    "admin",
    "restore",
];

const FAULT: &[Field] = &[
    Field::may("name", NAME, "unique; kind and target if left out"),
    Field::must("kind", Shape::OneOf(KINDS), "what is done"),
    Field::must("target", GROUP, "whom"),
    Field::may("pick", Shape::OneOf(&["newest", "oldest", "all"]), "if several; newest"),
    Field::may("at", Shape::Span, "time of the scenario's clock"),
    Field::may("on", Shape::Table(TRIGGER), "or a trigger"),
    Field::may("for", Shape::Span, "how long"),
    Field::may(
        "until",
        Shape::Either(&[Shape::OneOf(&["never"]), Shape::Table(TRIGGER)]),
        "or until a trigger, or \"never\"",
    ),
    Field::may("give_up", Shape::Span, "how long it waits for a target that nobody is; 60s"),
    Field::may("from", GROUPS, "cut, flap: whom the target loses; restore: whose volume"),
    Field::may("except", GROUPS, "cut, flap: whom it keeps all the same"),
    Field::may(
        "direction",
        Shape::OneOf(&["both", "outgoing", "incoming"]),
        "cut, flap: which packets are lost, seen from the target; both",
    ),
    Field::may("down", Shape::Span, "flap: cut for; restart: each is down for"),
    Field::may("up", Shape::Span, "flap: whole in between for"),
    Field::may("pause", Shape::Span, "restart: from the start of one to the stop of the next"),
    Field::may("by", Shape::SignedSpan, "clock-jump: how far, forward or back"),
    Field::may("command", Shape::Name(Names::Command), "admin: which command"),
    Field::may("arguments", NAMES, "admin: its arguments"),
];

const MEASURE: Shape = Shape::Amount("a value, \"10s..13s\", \"< 60s\" or the like");

const EXPECT: &[Field] = &[
    Field::may("seeds", Shape::Count, "how many runs; 20"),
    Field::may(
        "measures",
        Shape::Map(Keys::Any("a measure"), &MEASURE),
        "bounds: rto_p50 = \"10s..13s\"",
    ),
    Field::may(
        "phases",
        Shape::Map(Keys::Any("a phase"), &MEASURE),
        "bounds on phases in every run",
    ),
    Field::may("active_at_end", NAMES, "who is active at the end of every run"),
    Field::may("exits", NAMES, "who ends by itself in every run"),
    Field::may(
        "verdict",
        Shape::OneOf(&["passed", "violated", "inconclusive"]),
        "the verdict of every run",
    ),
];
