//! Session: one run, from open to finish; the only way to run anything.
//!
//! Here: the clock that advances world and plan together, and the watchers of its history.
//! Never here: files, output, a loop over seeds.
//! Modelled on: madsim's runtime; DESIGN 2, `runner::Session`.

use std::sync::Arc;

use super::assemble::{Assembled, assemble};
use super::claims::Claims;
use super::injuries::Injuries;
use super::lineage::Lineage;
use super::story::Story;
use crate::engine::core::{Life, Turn};
use crate::engine::id::{EventId, ProcessId};
use crate::engine::note::Stamped;
use crate::engine::time::{SimDuration, SimTime};
use crate::engine::world::World;
use crate::history::{Fact, NoteName, Role};
use crate::measure::{Measures, Setup};
use crate::oracle::{self, Oracle};
use crate::scenario::Scenario;
use crate::systems::{Names, Population, Registry};

/// What a run is watched for, beyond what is always watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// Lines for people.
    pub story: bool,
    /// Counts of messages.
    pub census: bool,
    /// The whole history, for `finish` to hand out.
    pub history: bool,
}

/// One run under way. Cloning it forks it.
#[derive(Clone)]
pub struct Session {
    pub(super) scenario: Arc<Scenario>,
    pub(super) registry: Arc<Registry>,
    pub(super) seed: u64,
    pub(super) lineage: Lineage,
    pub(super) watch: Watch,
    pub(super) world: World,
    pub(super) population: Arc<Population>,
    pub(super) names: Arc<Names>,
    pub(super) measures: Measures,
    pub(super) oracle: Oracle,
    pub(super) claims: Claims,
    pub(super) injuries: Injuries,
    pub(super) story: Story,
    pub(super) exits: Vec<(SimTime, ProcessId, &'static str)>,
    pub(super) history: Vec<Stamped>,
    pub(super) audits_open: u32,
    audit_names: Arc<[NoteName]>,
    healed_demanded: bool,
    asks_each_event: bool,
}

/// An audit that takes longer says nothing about the writes that it did not reach.
const AUDIT_MAX: SimDuration = SimDuration::from_secs(1_800);
/// After the last heal a service has so long to come back before that is a violation.
const RETURN_GRACE: SimDuration = SimDuration::from_secs(600);

impl Session {
    /// Assembles a world and installs the plan.
    ///
    /// # Errors
    /// What a role's builder refuses.
    pub fn open(
        scenario: Arc<Scenario>,
        registry: Arc<Registry>,
        seed: u64,
        watch: Watch,
    ) -> Result<Session, String> {
        let Assembled { mut world, population, names } = assemble(&scenario, &registry, seed)?;
        if watch.census {
            world.take_census();
        }
        let count = |names: &[String]| u32::try_from(names.len()).expect("names are few");
        let zero = SimTime::START + scenario.run.warm_up;
        let setup = Setup {
            stability: scenario.run.stability,
            measure_from: scenario.run.measure_from.map(|from| zero + from),
            since: zero,
            ..Setup::new(count(&names.services), count(&names.resources))
        };
        let processes: Vec<String> = (0..world.process_count())
            .map(|index| {
                let index = u32::try_from(index).expect("ids are u32");
                world.process_name(ProcessId(index)).to_string()
            })
            .collect();
        let oracle = Oracle::new(oracle::Names {
            processes: processes.into(),
            resources: names.resources.clone().into(),
            services: names.services.clone().into(),
        });
        let injuries = Injuries::plan(&scenario, &registry, seed);
        let audit_names: Vec<NoteName> =
            registry.roles().filter_map(|role| role.client).map(|spec| spec.audit_ended).collect();
        Ok(Session {
            measures: Measures::new(&setup),
            story: Story::new(watch.story, &registry),
            scenario,
            registry,
            seed,
            lineage: Lineage::default(),
            watch,
            world,
            population: Arc::new(population),
            names: Arc::new(names),
            oracle,
            claims: Claims::default(),
            injuries,
            exits: Vec::new(),
            history: Vec::new(),
            audits_open: 0,
            audit_names: audit_names.into(),
            healed_demanded: false,
            asks_each_event: false,
        })
    }

    /// The present.
    pub const fn now(&self) -> SimTime {
        self.world.now()
    }

    /// Events so far.
    pub const fn events(&self) -> u64 {
        self.world.events()
    }

    /// The digest of kernel events so far.
    pub const fn digest(&self) -> u64 {
        self.world.digest().0
    }

    /// The digest of the history so far.
    pub const fn history_digest(&self) -> u64 {
        self.world.history_digest().0
    }

    /// The world, for those who look and do not touch.
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// When the scenario's clock runs out.
    pub fn horizon(&self) -> SimTime {
        let run = &self.scenario.run;
        SimTime::START + run.warm_up + run.horizon
    }

    /// Advances to `until`; faults strike and heal at their moments.
    pub fn advance(&mut self, until: SimTime) {
        self.advance_unless(until, |_| false);
    }

    /// Advances event by event until so many have been dispatched.
    pub fn advance_to_event(&mut self, events: u64) {
        let horizon = self.horizon() + AUDIT_MAX;
        self.asks_each_event = true;
        self.advance_unless(horizon, |session| events <= session.world.events());
        self.asks_each_event = false;
    }

    /// Advances until everything is over: faults healed, services stable, or the horizon.
    pub fn advance_to_end(&mut self) {
        let horizon = self.horizon();
        self.advance_unless(horizon, |session| session.is_over());
    }

    fn is_over(&self) -> bool {
        let run = &self.scenario.run;
        let calm_first = SimTime::START + run.warm_up + run.stability; // if nothing goes wrong
        let now = self.world.now();
        self.injuries.all_over() && calm_first <= now && self.measures.settled(now)
    }

    /// The one loop. `done` is asked at whole seconds and after each event that made news, so that
    /// where a run ends does not depend on where it was forked.
    fn advance_unless(&mut self, until: SimTime, done: impl Fn(&Session) -> bool) {
        loop {
            if self.world.limit_hit().is_some() || done(self) {
                return;
            }
            let second = self.world.now().as_nanos() / 1_000_000_000 + 1;
            let look_at = SimTime::START + SimDuration::from_secs(second);
            let planned = self.injuries.next_due().unwrap_or(SimTime::NEVER);
            let stop = until.min(look_at).min(planned);
            while self.world.next_due().is_some_and(|due| due <= stop) {
                self.world.step();
                if self.world.has_news() || self.asks_each_event {
                    self.absorb();
                    if done(self) {
                        return;
                    }
                    if self.injuries.next_due().is_some_and(|due| due < stop) {
                        break; // a trigger planned something sooner
                    }
                }
                if self.world.limit_hit().is_some() {
                    return;
                }
            }
            let stop = stop.min(self.injuries.next_due().unwrap_or(SimTime::NEVER));
            if self.world.next_due().is_none_or(|due| stop < due) {
                self.world.advance(stop.max(self.world.now()));
            }
            while self.injuries.next_due().is_some_and(|due| due <= self.world.now()) {
                self.act();
                self.absorb();
            }
            if until <= self.world.now() {
                return;
            }
        }
    }

    /// Carries out what the plan has due.
    fn act(&mut self) {
        let Session { injuries, world, population, registry, claims, .. } = self;
        let struck = injuries.act(world, population, registry, claims);
        for (at, line) in struck.lines {
            self.story.fault(at, EventId(self.world.events()), line);
        }
        for at in struck.struck {
            self.measures.fault_struck(at);
        }
        for at in struck.healed {
            self.measures.fault_healed(at);
        }
        if self.injuries.all_over() && !self.healed_demanded && self.injuries.all_heal() {
            self.healed_demanded = true;
            self.oracle.demand_return(self.world.now(), RETURN_GRACE);
        }
    }

    /// Takes the world's news to all who watch.
    fn absorb(&mut self) {
        for turn in self.world.take_turns() {
            self.on_turn(turn);
        }
        let notes: Vec<Stamped> = self.world.drain_notes().collect();
        for entry in &notes {
            self.on_note(entry);
        }
        for broken in self.world.take_broken() {
            let event = EventId(self.world.events());
            self.oracle.broken(broken.name, (broken.at, event, broken.process));
        }
        for hit in self.world.take_hits() {
            let Session { injuries, world, population, registry, claims, .. } = self;
            injuries.on_hit(hit, world, &(&**population, &**registry, &*claims));
        }
    }

    fn on_turn(&mut self, Turn { at, process, life }: Turn) {
        if let Life::Exited(reason) = life {
            self.exits.push((at, process, reason));
        }
        let ended = matches!(life, Life::Exited(_) | Life::Killed);
        self.story.turn(at, EventId(self.world.events()), self.world.process_name(process), life);
        if ended {
            // The dead hold nothing; nobody else can say so.
            for claim in self.claims.of(process) {
                let (resource, role, term) = (claim.resource, claim.role, claim.term);
                self.world.note(process, Fact::RoleLost { resource, role, term });
            }
        }
    }

    fn on_note(&mut self, entry: &Stamped) {
        self.measures.observe(entry);
        self.oracle.observe(entry);
        let Some(fact) = Fact::read(&entry.note) else { return };
        self.claims.observe(entry.by, &fact);
        if let Fact::Noted { name, .. } = fact
            && self.audit_names.contains(&name)
        {
            self.audits_open = self.audits_open.saturating_sub(1);
        }
        let who = (&*self.population, &*self.registry, &self.claims);
        self.injuries.on_fact(entry, &fact, &self.world, &who);
        let Session { story, world, names, .. } = self;
        story.fact(entry, &fact, &names.resources, |process| {
            world.process_name(process).to_string()
        });
        if self.watch.history {
            self.history.push(*entry);
        }
    }

    /// Goes on under another lineage, with new draws.
    #[must_use]
    pub fn fork(&self, branch: u64) -> Session {
        let mut fork = self.clone();
        fork.world = self.world.fork(branch);
        fork.lineage.push(self.world.events(), branch);
        fork
    }

    /// Repeats a lineage from the start.
    ///
    /// # Errors
    /// What a role's builder refuses.
    pub fn open_lineage(
        scenario: Arc<Scenario>,
        registry: Arc<Registry>,
        seed: u64,
        how: (Watch, &Lineage),
    ) -> Result<Session, String> {
        let (watch, lineage) = how;
        let mut session = Session::open(scenario, registry, seed, watch)?;
        for (events, branch) in lineage.forks() {
            session.advance_to_event(*events);
            session = session.fork(*branch);
        }
        Ok(session)
    }

    /// Asks every client to stop, and then to read back what was acknowledged; waits for them.
    pub(super) fn audit(&mut self) {
        self.measures.load_stopped(self.now());
        self.for_clients(|spec| spec.stop_load);
        self.advance(self.now() + SimDuration::from_secs(1));
        self.audits_open = self.for_clients(|spec| spec.audit);
        let deadline = self.now() + AUDIT_MAX;
        self.advance_unless(deadline, |session| session.audits_open == 0);
    }

    fn for_clients(
        &mut self,
        command: impl Fn(&crate::systems::ClientSpec) -> fn(&mut World, ProcessId) -> bool,
    ) -> u32 {
        let mut heard = 0;
        for index in 0..self.population.all().len() {
            let (role, process) = {
                let placed = &self.population.all()[index];
                (self.registry.role(&placed.role).and_then(|role| role.client), placed.process)
            };
            if let Some(spec) = role {
                heard += u32::from(command(&spec)(&mut self.world, process));
            }
        }
        heard
    }

    /// Who holds a role now, oldest claim first.
    pub fn holders(&self, role: Role) -> Vec<&str> {
        let holders = self.claims.holders(role);
        holders.into_iter().map(|process| self.world.process_name(process)).collect()
    }
}
