//! Injuries: the plan of a run carried out: faults strike, heal, or are said never to have struck.
//!
//! Here: the agenda, triggers, what became of each fault.
//! Never here: who answers to a name (that is `targets`), what a fault does to a service.
//! Modelled on: Jepsen's nemesis; DESIGN 3.6.

use std::collections::BTreeMap;

use super::claims::Claims;
use super::targets::{Struck, Targets};
use crate::engine::core::{MarkHit, MarkTrigger};
use crate::engine::dice::{Address, Purpose, below, entity, weather_word};
use crate::engine::id::{HostId, ProcessId};
use crate::engine::net::CutId;
use crate::engine::note::Stamped;
use crate::engine::process::Mark;
use crate::engine::time::{SimDuration, SimTime};
use crate::engine::world::World;
use crate::faults::{Direction, End, Fate, Fault, Group, Injury, Kind, Trigger, Unstruck, When};
use crate::history::Fact;
use crate::scenario::Scenario;
use crate::systems::{Population, Registry};

/// A host boots in so long (an assumption: firmware and kernel of a server).
const BOOT: SimDuration = SimDuration::from_secs(60);
/// A fault that is due and finds nobody looks again this often.
const LOOK_AGAIN: SimDuration = SimDuration::from_millis(10);

const JITTER: Purpose = Purpose::named("faults/jitter");

/// What is on the agenda.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// The warm-up is over: triggers count from now on.
    Arm(usize),
    /// Due since then.
    Strike(usize, SimTime),
    Heal(usize),
    /// A flap goes down or up, a rolling restart stops or starts the n-th.
    Next(usize, u32),
}

/// Which side of a fault a trigger sets off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    Strike,
    Heal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Armed {
    edge: Edge,
    seen: u32,
    /// The engine's number of the mark's trigger.
    number: Option<u32>,
}

#[derive(Clone, Debug)]
struct State {
    fault: Fault,
    armed: Option<Armed>,
    struck: Option<(SimTime, Struck)>,
    cuts: Vec<CutId>,
    unstruck: Option<Unstruck>,
    until: Option<SimTime>,
    over: bool,
}

/// The faults of a run.
#[derive(Clone, Debug)]
pub(super) struct Injuries {
    states: Vec<State>,
    agenda: BTreeMap<(SimTime, u32), Action>,
    planned: u32,
    seed: u64,
}

/// With what a name is resolved.
pub(super) type Who<'a> = (&'a Population, &'a Registry, &'a Claims);

/// What happened in one act of the plan.
#[derive(Clone, Debug, Default)]
pub(super) struct Happened {
    pub(super) struck: Vec<SimTime>,
    pub(super) healed: Vec<SimTime>,
    pub(super) lines: Vec<(SimTime, (String, String))>,
}

impl Injuries {
    pub(super) fn plan(scenario: &Scenario, _registry: &Registry, seed: u64) -> Injuries {
        let zero = SimTime::START + scenario.run.warm_up;
        let address = Address { seed, lineage: 0, entity: entity("plan") };
        let word = weather_word(address, JITTER, 0);
        let jitter = scenario.run.jitter.as_nanos();
        let put_off = SimDuration::from_nanos(if jitter == 0 { 0 } else { below(word, jitter) });
        let state = |fault: &Fault| State {
            fault: fault.clone(),
            armed: None,
            struck: None,
            cuts: Vec::new(),
            unstruck: None,
            until: None,
            over: false,
        };
        let mut injuries = Injuries {
            states: scenario.faults.iter().map(state).collect(),
            agenda: BTreeMap::new(),
            planned: 0,
            seed,
        };
        for index in 0..scenario.faults.len() {
            let when = &scenario.faults[index].when;
            match when.trigger {
                Trigger::Clock => {
                    let due = zero + when.after + put_off;
                    injuries.put(due, Action::Strike(index, due));
                }
                Trigger::Mark { .. }
                | Trigger::RoleClaimed { .. }
                | Trigger::RoleLost { .. }
                | Trigger::Noted { .. } => injuries.put(zero, Action::Arm(index)),
            }
        }
        injuries
    }

    fn put(&mut self, at: SimTime, action: Action) {
        self.agenda.insert((at, self.planned), action);
        self.planned += 1;
    }

    pub(super) fn next_due(&self) -> Option<SimTime> {
        self.agenda.keys().next().map(|(at, _)| *at)
    }

    /// Whether nothing is left that may strike or heal.
    pub(super) fn all_over(&self) -> bool {
        self.states.iter().all(|state| state.over)
    }

    /// Whether each fault that struck was healed or was an act: nothing stays broken by plan.
    pub(super) fn all_heal(&self) -> bool {
        self.states.iter().all(|state| state.fault.until != End::Never)
    }

    /// What became of the faults, in the plan's order.
    pub(super) fn fates(&self) -> Vec<Injury> {
        let fate = |state: &State| match (&state.struck, state.unstruck) {
            (Some((at, struck)), _) => Fate::Struck {
                at: *at,
                processes: struck.processes.clone(),
                hosts: struck.hosts.clone(),
                until: state.until,
            },
            (None, why) => Fate::NeverStruck(why.unwrap_or(Unstruck::NoTrigger)),
        };
        let states = self.states.iter().enumerate();
        states.map(|(fault, state)| Injury { fault, fate: fate(state) }).collect()
    }

    /// Carries out everything that is due now.
    pub(super) fn act(
        &mut self,
        world: &mut World,
        population: &Population,
        registry: &Registry,
        claims: &Claims,
    ) -> Happened {
        let mut happened = Happened::default();
        while let Some(entry) = self.agenda.first_entry() {
            if world.now() < entry.key().0 {
                break;
            }
            let action = entry.remove();
            let targets = Targets { population, registry, claims, seed: self.seed };
            match action {
                Action::Arm(index) => self.arm(index, Edge::Strike, world),
                Action::Strike(index, due) => {
                    self.strike((index, due), world, &targets, &mut happened);
                }
                Action::Heal(index) => self.heal(index, world, &mut happened),
                Action::Next(index, nth) => {
                    self.next_step((index, nth), world, &targets, &mut happened);
                }
            }
        }
        happened
    }

    fn when(&self, index: usize, edge: Edge) -> Option<&When> {
        let fault = &self.states[index].fault;
        match (edge, &fault.until) {
            (Edge::Strike, _) => Some(&fault.when),
            (Edge::Heal, End::On(when)) => Some(when),
            (Edge::Heal, End::After(_) | End::Never | End::Act) => None,
        }
    }

    fn arm(&mut self, index: usize, edge: Edge, world: &mut World) {
        let number = self.arm_mark(index, edge, world);
        self.states[index].armed = Some(Armed { edge, seen: 0, number });
    }

    fn arm_mark(&self, index: usize, edge: Edge, world: &mut World) -> Option<u32> {
        let Trigger::Mark { mark, .. } = &self.when(index, edge)?.trigger else { return None };
        let trigger = MarkTrigger { mark: Mark::named(mark), nth: 1, crash_after: None };
        Some(world.arm_mark(trigger))
    }

    /// A mark was passed that a trigger waits for.
    pub(super) fn on_hit(&mut self, hit: MarkHit, world: &mut World, who: &Who<'_>) {
        let waits =
            |state: &State| state.armed.is_some_and(|armed| armed.number == Some(hit.trigger));
        let Some(index) = self.states.iter().position(waits) else { return };
        let Some(armed) = self.states[index].armed else { return };
        if !self.count(index, (hit.at, hit.process), world, who) {
            let number = self.arm_mark(index, armed.edge, world);
            if let Some(armed) = &mut self.states[index].armed {
                armed.number = number;
            }
        }
    }

    /// A fact of the history that a trigger may wait for.
    pub(super) fn on_fact(&mut self, entry: &Stamped, fact: &Fact, world: &World, who: &Who<'_>) {
        for index in 0..self.states.len() {
            let Some(armed) = self.states[index].armed else { continue };
            let Some(when) = self.when(index, armed.edge) else { continue };
            let is_it = match (&when.trigger, fact) {
                (Trigger::RoleClaimed { role, .. }, Fact::RoleClaimed { role: found, .. })
                | (Trigger::RoleLost { role, .. }, Fact::RoleLost { role: found, .. }) => {
                    role == found
                }
                (Trigger::Noted { note, .. }, Fact::Noted { name, .. }) => note == name,
                (
                    Trigger::Clock
                    | Trigger::Mark { .. }
                    | Trigger::RoleClaimed { .. }
                    | Trigger::RoleLost { .. }
                    | Trigger::Noted { .. },
                    _,
                ) => false,
            };
            if is_it {
                self.count(index, (entry.at, entry.by), world, who);
            }
        }
    }

    /// Counts one passage. `true`: it was the one that was waited for.
    fn count(
        &mut self,
        index: usize,
        passed: (SimTime, ProcessId),
        world: &World,
        who: &Who<'_>,
    ) -> bool {
        let (at, by) = passed;
        let Some(mut armed) = self.states[index].armed else { return false };
        let Some(when) = self.when(index, armed.edge).cloned() else { return false };
        let by_whom = when.trigger.by();
        let (population, registry, claims) = *who;
        let targets = Targets { population, registry, claims, seed: self.seed };
        if by_whom.is_some_and(|group| !targets.processes_of(group, world).contains(&by)) {
            return false;
        }
        armed.seen += 1;
        let nth = match when.trigger {
            Trigger::Clock => 1,
            Trigger::Mark { nth, .. }
            | Trigger::RoleClaimed { nth, .. }
            | Trigger::RoleLost { nth, .. }
            | Trigger::Noted { nth, .. } => nth,
        };
        if armed.seen < nth {
            self.states[index].armed = Some(armed);
            return false;
        }
        self.states[index].armed = None;
        let due = at + when.after;
        self.put(
            due,
            match armed.edge {
                Edge::Strike => Action::Strike(index, due),
                Edge::Heal => Action::Heal(index),
            },
        );
        true
    }

    fn strike(
        &mut self,
        what: (usize, SimTime),
        world: &mut World,
        targets: &Targets<'_>,
        happened: &mut Happened,
    ) {
        let (index, due) = what;
        let fault = self.states[index].fault.clone();
        let found = targets.resolve(&fault, world);
        let now = world.now();
        if found.is_empty() {
            if now < due + fault.give_up {
                return self.put(now + LOOK_AGAIN, Action::Strike(index, due));
            }
            self.states[index].unstruck = Some(Unstruck::NoTarget);
            self.states[index].over = true;
            return;
        }
        world.record_causes(); // from the first fault on
        let effect = self.apply(index, &found, world, targets);
        if !effect {
            self.states[index].unstruck = Some(Unstruck::NoEffect);
            self.states[index].over = true;
            return;
        }
        happened.struck.push(now);
        let phrase = fault.kind.phrase(&fault.until);
        happened.lines.push((now, (found.phrase(world), phrase)));
        self.states[index].struck = Some((now, found));
        match (&fault.until, &fault.kind) {
            (End::After(span), _) => self.put(now + *span, Action::Heal(index)),
            (End::On(_), _) => self.arm(index, Edge::Heal, world),
            (End::Never, _) => self.states[index].over = true,
            (End::Act, Kind::Restart { .. }) => {}
            (End::Act, _) => {
                self.states[index].until = Some(now);
                self.states[index].over = true;
            }
        }
    }

    /// Does it. `false`: nobody could take it.
    fn apply(
        &mut self,
        index: usize,
        found: &Struck,
        world: &mut World,
        targets: &Targets<'_>,
    ) -> bool {
        let kind = self.states[index].fault.kind.clone();
        let any = |found: &mut dyn Iterator<Item = bool>| found.fold(false, |any, one| any | one);
        let processes = found.processes.iter().copied();
        let hosts = found.hosts.iter().copied();
        match kind {
            Kind::Kill => any(&mut processes.map(|process| world.kill(process))),
            Kind::Stop => any(&mut processes.map(|process| world.stop(process))),
            Kind::DiskWipe => any(&mut processes.map(|process| {
                world.kill(process);
                world.wipe_disk(process);
                true
            })),
            Kind::Freeze => any(&mut hosts.map(|host| {
                world.freeze(host);
                true
            })),
            Kind::PowerLoss => any(&mut hosts.map(|host| world.power_off(host))),
            Kind::Silence => any(&mut hosts.map(|host| {
                world.silence(host, true);
                true
            })),
            Kind::Cut(_) => {
                self.set_cut(index, found, world, targets);
                true
            }
            Kind::Flap { down, .. } => {
                self.set_cut(index, found, world, targets);
                self.put(world.now() + down, Action::Next(index, 1));
                true
            }
            Kind::DiskStall => on_disks(found, world, |world, at| world.stall_disk(at, true)),
            Kind::DiskFull => on_disks(found, world, |world, at| world.fill_disk(at, true)),
            Kind::DiskLie => on_disks(found, world, |world, at| world.lying_disk(at, true)),
            Kind::Restart { .. } => {
                self.put(world.now(), Action::Next(index, 0));
                true
            }
            Kind::ClockJump { by_ns } => any(&mut hosts.map(|host| {
                world.jump_clock(host, by_ns);
                true
            })),
            Kind::Admin { command, arguments } => {
                let spec = targets.registry.commands().find(|spec| spec.name == command);
                let given = spec.map(|spec| (spec.give)(world, targets.population, &arguments));
                given.is_some_and(|given| given == Ok(true))
            }
            Kind::Restore { from } => {
                let source = targets.processes_of(&from, world).first().copied();
                let Some(source) = source else { return false };
                any(&mut processes.map(|process| {
                    world.kill(process);
                    world.copy_disk(source, process);
                    world.start(process);
                    true
                }))
            }
        }
    }

    fn set_cut(&mut self, index: usize, found: &Struck, world: &mut World, targets: &Targets<'_>) {
        let (Kind::Cut(reach) | Kind::Flap { reach, .. }) = &self.states[index].fault.kind else {
            return;
        };
        let reach = reach.clone();
        let hosts_of = |groups: &[Group], world: &World| -> Vec<HostId> {
            groups.iter().flat_map(|group| targets.hosts_of(group, world)).collect()
        };
        let kept = hosts_of(&reach.except, world);
        let mut lost = hosts_of(&reach.from, world);
        lost.retain(|host| !kept.contains(host) && !found.hosts.contains(host));
        lost.sort_unstable();
        lost.dedup();
        let cut = match reach.direction {
            Direction::Both => world.cut(&found.hosts, &lost, true),
            Direction::Outgoing => world.cut(&found.hosts, &lost, false),
            Direction::Incoming => world.cut(&lost, &found.hosts, false),
        };
        self.states[index].cuts.push(cut);
    }

    fn next_step(
        &mut self,
        what: (usize, u32),
        world: &mut World,
        targets: &Targets<'_>,
        happened: &mut Happened,
    ) {
        let (index, nth) = what;
        let state = &self.states[index];
        let Some((_, found)) = state.struck.clone().filter(|_| state.until.is_none()) else {
            return;
        };
        let now = world.now();
        match state.fault.kind {
            Kind::Flap { down, up, .. } => {
                if nth % 2 == 1 {
                    self.heal_cuts(index, world);
                    self.put(now + up, Action::Next(index, nth + 1));
                } else {
                    self.set_cut(index, &found, world, targets);
                    happened.struck.push(now);
                    self.put(now + down, Action::Next(index, nth + 1));
                }
            }
            Kind::Restart { down, pause } => {
                let Some(process) = found.processes.get((nth / 2) as usize).copied() else {
                    self.states[index].until = Some(now);
                    self.states[index].over = true;
                    return happened.healed.push(now);
                };
                let name = world.process_name(process).to_string();
                let word = if nth % 2 == 0 {
                    world.take_down(process);
                    happened.struck.push(now);
                    self.put(now + down, Action::Next(index, nth + 1));
                    "is taken down"
                } else {
                    world.start(process);
                    self.put(now + pause, Action::Next(index, nth + 1));
                    "is started again"
                };
                happened.lines.push((now, (name, word.to_string())));
            }
            Kind::Kill
            | Kind::Stop
            | Kind::Freeze
            | Kind::PowerLoss
            | Kind::Silence
            | Kind::Cut(_)
            | Kind::DiskStall
            | Kind::DiskFull
            | Kind::DiskLie
            | Kind::DiskWipe
            | Kind::ClockJump { .. }
            | Kind::Admin { .. }
            | Kind::Restore { .. } => {}
        }
    }

    fn heal_cuts(&mut self, index: usize, world: &mut World) {
        for cut in std::mem::take(&mut self.states[index].cuts) {
            world.heal(cut);
        }
    }

    /// Takes it back, from the same whom it struck.
    fn heal(&mut self, index: usize, world: &mut World, happened: &mut Happened) {
        let Some((_, found)) = self.states[index].struck.clone() else { return };
        for process in &found.processes {
            match self.states[index].fault.kind {
                Kind::Kill | Kind::DiskWipe => world.start(*process),
                Kind::Stop => world.resume(*process),
                Kind::Freeze
                | Kind::PowerLoss
                | Kind::Silence
                | Kind::Cut(_)
                | Kind::Flap { .. }
                | Kind::DiskStall
                | Kind::DiskFull
                | Kind::DiskLie
                | Kind::Restart { .. }
                | Kind::ClockJump { .. }
                | Kind::Admin { .. }
                | Kind::Restore { .. } => {}
            }
        }
        let kind = self.states[index].fault.kind.clone();
        match kind {
            Kind::Freeze => found.hosts.iter().for_each(|host| world.thaw(*host)),
            Kind::PowerLoss => {
                found.hosts.iter().for_each(|host| world.power_on(*host, BOOT, true));
            }
            Kind::Silence => found.hosts.iter().for_each(|host| world.silence(*host, false)),
            Kind::Cut(_) | Kind::Flap { .. } => self.heal_cuts(index, world),
            Kind::DiskStall => {
                on_disks(&found, world, |world, at| world.stall_disk(at, false));
            }
            Kind::DiskFull => {
                on_disks(&found, world, |world, at| world.fill_disk(at, false));
            }
            Kind::DiskLie => {
                on_disks(&found, world, |world, at| world.lying_disk(at, false));
            }
            Kind::Kill
            | Kind::Stop
            | Kind::DiskWipe
            | Kind::Restart { .. }
            | Kind::ClockJump { .. }
            | Kind::Admin { .. }
            | Kind::Restore { .. } => {}
        }
        let now = world.now();
        self.states[index].until = Some(now);
        self.states[index].over = true;
        happened.healed.push(now);
        happened.lines.push((now, (found.phrase(world), kind.healed_phrase().to_string())));
    }
}

fn on_disks(found: &Struck, world: &mut World, act: impl Fn(&mut World, ProcessId)) -> bool {
    let processes: Vec<_> = found.hosts.iter().flat_map(|host| world.processes_on(*host)).collect();
    for process in &processes {
        act(world, *process);
    }
    !processes.is_empty()
}
