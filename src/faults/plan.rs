//! Plan: one fault as someone wrote it: what, whom, when, until when.
//!
//! Here: the data, names unresolved. Who answers to a name is found when the fault strikes.
//! Never here: ids, hosts' states, a system's word.
//! Modelled on: Jepsen's nemesis operations; DESIGN 3.6, triggers and targets.

use crate::engine::time::SimDuration;
use crate::history::{NoteName, Role};

/// One planned fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Unique in a plan: reports name it, draws are addressed by it.
    pub name: String,
    /// What is done.
    pub kind: Kind,
    /// To whom. Bound when the fault strikes; the heal goes to the same.
    pub target: Target,
    /// When.
    pub when: When,
    /// Until when.
    pub until: End,
    /// How long the fault waits for a target that nobody is, once it is due.
    pub give_up: SimDuration,
}

/// What is done to a target. Kinds of a process, aimed at a host or at more, strike every process
/// there; kinds of a host, aimed at a process, strike the host that it runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SIGKILL to a process; its kernel closes the sockets. Heal: it is started.
    Kill,
    /// SIGSTOP to a process, or a long garbage collection: its kernel still accepts. Heal: SIGCONT.
    Stop,
    /// A host's virtual machine does not run: nothing there moves, not even the kernel.
    Freeze,
    /// A host loses power and what was not synced. Heal: it boots, its processes are started.
    PowerLoss,
    /// A host's network interface is silent; its processes go on.
    Silence,
    /// Packets between the target's hosts and others are dropped.
    Cut(Reach),
    /// A cut that comes and goes.
    Flap {
        /// Between whom.
        reach: Reach,
        /// How long it is cut each time.
        down: SimDuration,
        /// How long it is whole in between.
        up: SimDuration,
    },
    /// A host's disks answer nothing.
    DiskStall,
    /// A host's disks refuse to store.
    DiskFull,
    /// A host's disks report a sync that they have not made.
    DiskLie,
    /// A process is killed and what it stored is erased. Heal: it is started on the empty volume.
    DiskWipe,
    /// Processes are stopped in order and started again, one after the other.
    Restart {
        /// How long each is down.
        down: SimDuration,
        /// From the start of one to the stop of the next.
        pause: SimDuration,
    },
    /// A host's wall clock is set forward or back; nanoseconds.
    ClockJump {
        /// Positive: forward.
        by_ns: i64,
    },
    /// An operator gives a command of a system's list.
    Admin {
        /// Its name there.
        command: String,
        /// The words after it.
        arguments: Vec<String>,
    },
    /// A process is stopped, its volume replaced by a copy of another process's, and started.
    Restore {
        /// Whose volume is copied.
        from: Group,
    },
}

/// The other side of a cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Whom the target loses; [`Group::Everything`] leaves out only itself.
    pub from: Vec<Group>,
    /// Whom it keeps all the same.
    pub except: Vec<Group>,
    /// Which packets are lost.
    pub direction: Direction,
}

/// Which packets a cut drops, seen from its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// All.
    Both,
    /// What the target sends.
    Outgoing,
    /// What is sent to the target.
    Incoming,
}

/// A set of processes or hosts that a name stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Those that a registered selector finds in the history: `active-namenode`.
    Selector(String),
    /// Every process of a role: `journalnode`.
    Role(String),
    /// One process: `nn1`.
    Process(String),
    /// One host.
    Host(String),
    /// Every host of a rack.
    Rack(String),
    /// Every host of a site.
    Site(String),
    /// Every host of every site of a region.
    Region(String),
    /// All hosts.
    Everything,
}

/// Whom a fault strikes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Out of these.
    pub of: Group,
    /// Which ones, if a selector finds several.
    pub pick: Pick,
}

/// Which of several that a selector finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The one whose claim is newest.
    Newest,
    /// The one whose claim is oldest.
    Oldest,
    /// All of them.
    All,
}

/// When a fault strikes or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// What must have happened.
    pub trigger: Trigger,
    /// How long after it.
    pub after: SimDuration,
}

/// What sets a fault off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The end of the warm-up; with [`When::after`] a time of the scenario's clock.
    Clock,
    /// The n-th passage of a mark after the warm-up.
    Mark {
        /// Its registered name.
        mark: String,
        /// Counted from 1.
        nth: u32,
        /// By whom; anybody if nothing is said.
        by: Option<Group>,
    },
    /// The n-th time after the warm-up that a process takes a role.
    RoleClaimed {
        /// Which role.
        role: Role,
        /// Counted from 1.
        nth: u32,
        /// By whom; anybody if nothing is said.
        by: Option<Group>,
    },
    /// The n-th time after the warm-up that a process gives a role up, or ends in it.
    RoleLost {
        /// Which role.
        role: Role,
        /// Counted from 1.
        nth: u32,
        /// By whom; anybody if nothing is said.
        by: Option<Group>,
    },
    /// The n-th note of a name after the warm-up.
    Noted {
        /// Its registered name.
        note: NoteName,
        /// Counted from 1.
        nth: u32,
        /// By whom; anybody if nothing is said.
        by: Option<Group>,
    },
}

/// When a fault is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// A span after it struck.
    After(SimDuration),
    /// On a trigger after it struck.
    On(When),
    /// Never, and someone said so.
    Never,
    /// It is an act, with nothing to heal.
    Act,
}

impl Kind {
    /// As written in a file and printed.
    pub const fn name(&self) -> &'static str {
        match self {
            Kind::Kill => "kill",
            Kind::Stop => "stop",
            Kind::Freeze => "freeze",
            Kind::PowerLoss => "power-loss",
            Kind::Silence => "silence",
            Kind::Cut(_) => "cut",
            Kind::Flap { .. } => "flap",
            Kind::DiskStall => "disk-stall",
            Kind::DiskFull => "disk-full",
            Kind::DiskLie => "disk-lie",
            Kind::DiskWipe => "disk-wipe",
            Kind::Restart { .. } => "restart",
            Kind::ClockJump { .. } => "clock-jump",
            Kind::Admin { .. } => "admin",
            Kind::Restore { .. } => "restore",
        }
    }

    /// Whether it strikes hosts; else it strikes processes.
    pub const fn strikes_hosts(&self) -> bool {
        match self {
            Kind::Freeze
            | Kind::PowerLoss
            | Kind::Silence
            | Kind::Cut(_)
            | Kind::Flap { .. }
            | Kind::DiskStall
            | Kind::DiskFull
            | Kind::DiskLie
            | Kind::ClockJump { .. } => true,
            Kind::Kill
            | Kind::Stop
            | Kind::DiskWipe
            | Kind::Restart { .. }
            | Kind::Admin { .. }
            | Kind::Restore { .. } => false,
        }
    }

    /// Whether it is an act that has no end of its own.
    pub const fn is_act(&self) -> bool {
        match self {
            Kind::Restart { .. }
            | Kind::ClockJump { .. }
            | Kind::Admin { .. }
            | Kind::Restore { .. } => true,
            Kind::Kill
            | Kind::Stop
            | Kind::Freeze
            | Kind::PowerLoss
            | Kind::Silence
            | Kind::Cut(_)
            | Kind::Flap { .. }
            | Kind::DiskStall
            | Kind::DiskFull
            | Kind::DiskLie
            | Kind::DiskWipe => false,
        }
    }
}

impl Group {
    /// As printed: `active-namenode`, `host h1`.
    pub fn phrase(&self) -> String {
        match self {
            Group::Selector(name) | Group::Role(name) | Group::Process(name) => name.clone(),
            Group::Host(name) => format!("host {name}"),
            Group::Rack(name) => format!("rack {name}"),
            Group::Site(name) => format!("site {name}"),
            Group::Region(name) => format!("region {name}"),
            Group::Everything => "everything".to_string(),
        }
    }
}

impl Fault {
    /// Every group that the fault names.
    pub fn groups(&self) -> Vec<&Group> {
        let mut groups = vec![&self.target.of];
        match &self.kind {
            Kind::Cut(reach) | Kind::Flap { reach, .. } => {
                groups.extend(reach.from.iter().chain(&reach.except));
            }
            Kind::Restore { from } => groups.push(from),
            Kind::Kill
            | Kind::Stop
            | Kind::Freeze
            | Kind::PowerLoss
            | Kind::Silence
            | Kind::DiskStall
            | Kind::DiskFull
            | Kind::DiskLie
            | Kind::DiskWipe
            | Kind::Restart { .. }
            | Kind::ClockJump { .. }
            | Kind::Admin { .. } => {}
        }
        groups.extend(self.when.trigger.by());
        if let End::On(when) = &self.until {
            groups.extend(when.trigger.by());
        }
        groups
    }
}

impl Trigger {
    /// By whom.
    pub const fn by(&self) -> Option<&Group> {
        match self {
            Trigger::Clock => None,
            Trigger::Mark { by, .. }
            | Trigger::RoleClaimed { by, .. }
            | Trigger::RoleLost { by, .. }
            | Trigger::Noted { by, .. } => by.as_ref(),
        }
    }
}

impl Kind {
    /// What happens when it strikes, in a line: `loses power, for 30 s`.
    pub fn phrase(&self, until: &End) -> String {
        let what = match self {
            Kind::Kill => "is killed",
            Kind::Stop => "is stopped (SIGSTOP)",
            Kind::Freeze => "is frozen",
            Kind::PowerLoss => "loses power",
            Kind::Silence => "falls silent",
            Kind::Cut(_) => "is cut off",
            Kind::Flap { .. } => "is cut off again and again",
            Kind::DiskStall => "has a stalled disk",
            Kind::DiskFull => "has a full disk",
            Kind::DiskLie => "has a disk that lies about syncs",
            Kind::DiskWipe => "is killed and its disk wiped",
            Kind::Restart { .. } => "are restarted one after the other",
            Kind::ClockJump { .. } => "has its clock set",
            Kind::Admin { command, .. } => return format!("an operator runs {command}"),
            Kind::Restore { .. } => "is restored from a copy",
        };
        match until {
            End::After(span) => format!("{what}, for {span} s"),
            End::On(_) | End::Never | End::Act => what.to_string(),
        }
    }

    /// What happens when it is over.
    pub const fn healed_phrase(&self) -> &'static str {
        match self {
            Kind::Kill | Kind::DiskWipe => "is started again",
            Kind::Stop => "goes on (SIGCONT)",
            Kind::Freeze => "thaws",
            Kind::PowerLoss => "has power again",
            Kind::Silence | Kind::Cut(_) | Kind::Flap { .. } => "is connected again",
            Kind::DiskStall | Kind::DiskFull | Kind::DiskLie => "has a good disk again",
            Kind::Restart { .. }
            | Kind::ClockJump { .. }
            | Kind::Admin { .. }
            | Kind::Restore { .. } => "is done",
        }
    }
}
