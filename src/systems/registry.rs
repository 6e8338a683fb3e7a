//! Registry: what a system exports, and the list of systems that a run can draw on.
//!
//! Here: the rows of the tables: roles, services, marks, notes, selectors, commands, plants.
//! Never here: a match on a system's or a role's name.
//! Modelled on: DESIGN, Registry.

use crate::engine::config::{Key, Profile};
use crate::engine::id::ProcessId;
use crate::engine::process::{Mark, Process};
use crate::engine::world::World;
use crate::history::{self, NoteName};

use super::build::{Build, Placed, Population};

/// One system: all that scenario, runner, lists and reports know of it. Tables come in parts, one
/// from each room of the system.
#[derive(Clone, Copy)]
pub struct System {
    /// `hdfs` say.
    pub name: &'static str,
    /// Moves when a change of the model may move a history.
    pub model_version: u32,
    /// Daemons and clients that a scenario can place.
    pub roles: &'static [&'static [RoleSpec]],
    /// Configuration keys, in the sections in which an operator writes them.
    pub sections: &'static [KeySection],
    /// What its users call.
    pub services: &'static [&'static [ServiceSpec]],
    /// Sizes that its models ask a scenario for.
    pub sizes: &'static [&'static [SizeSpec]],
    /// Named protocol steps.
    pub marks: &'static [&'static [MarkSpec]],
    /// Named lines of its timeline.
    pub notes: &'static [&'static [NoteSpec]],
    /// Names for whoever plays a part at the moment.
    pub selectors: &'static [&'static [SelectorSpec]],
    /// Commands that an operator can give.
    pub commands: &'static [&'static [CommandSpec]],
    /// Historic bugs that can be planted.
    pub plants: &'static [&'static [PlantSpec]],
    /// Processes that come with others (an sshd with each NameNode's host).
    pub companions: fn(&[Placed]) -> Vec<Companion>,
}

/// A kind of process.
#[derive(Clone, Copy)]
pub struct RoleSpec {
    /// `namenode` say.
    pub name: &'static str,
    /// Its processes are called this and a number: `nn`.
    pub short: &'static str,
    /// The role on whose hosts its processes stand unless someone says otherwise.
    pub beside: Option<&'static str>,
    /// Which family of key sections it reads: `hadoop`.
    pub family: &'static str,
    /// It calls services, as the scenario's loads say; and how it is asked to stop and to audit.
    pub client: Option<ClientSpec>,
    /// It belongs to a group (a nameservice).
    pub grouped: bool,
    /// What it is.
    pub meaning: &'static str,
    /// Makes one of them.
    pub build: Builder,
}

/// Makes one process of a role; `Err`: why that cannot be, in a sentence.
pub type Builder = fn(&mut Build<'_>, &Placed) -> Result<Box<dyn Process>, String>;

/// What whoever runs a scenario asks a client process.
#[derive(Clone, Copy)]
pub struct ClientSpec {
    /// To begin no further operation. `false`: it is not alive.
    pub stop_load: fn(&mut World, ProcessId) -> bool,
    /// To read every acknowledged write back and note `Audited` for each. `false`: it is not alive.
    pub audit: fn(&mut World, ProcessId) -> bool,
    /// What it notes when the audit has ended.
    pub audit_ended: NoteName,
}

/// A section of keys, after the upstream file that they stand in.
#[derive(Clone, Copy)]
pub struct KeySection {
    /// `hdfs` say: `[config.hdfs]`.
    pub name: &'static str,
    /// Sections of one family make one configuration, later sections over earlier ones.
    pub family: &'static str,
    /// The releases whose stock values are known; the first unless someone says otherwise.
    pub profiles: &'static [Profile],
    /// The rows.
    pub keys: &'static [&'static dyn Key],
}

/// What users call.
#[derive(Clone, Copy, Debug)]
pub struct ServiceSpec {
    /// `hdfs-meta-write` say.
    pub name: &'static str,
    /// Which role's processes call it.
    pub client_role: &'static str,
    /// The role without which there is no such service.
    pub needs: &'static str,
    /// Names of its operations.
    pub operations: &'static [&'static str],
    /// Whether it writes, so that losses can be found.
    pub writes: bool,
    /// What the time after the last phase mark on the critical path is called.
    pub last_phase: &'static str,
    /// What it is.
    pub meaning: &'static str,
}

/// A size that a scenario can give.
#[derive(Clone, Copy, Debug)]
pub struct SizeSpec {
    /// `namespace-files` say.
    pub name: &'static str,
    /// If the scenario says nothing.
    pub default: u64,
    /// What it is, with its unit.
    pub meaning: &'static str,
}

/// A named protocol step.
#[derive(Clone, Copy, Debug)]
pub struct MarkSpec {
    /// `qjm/accept-recovery:sent` say.
    pub name: &'static str,
    /// The phase of a recovery that ends with it.
    pub ends_phase: Option<&'static str>,
    /// What it is.
    pub meaning: &'static str,
}

impl MarkSpec {
    /// The mark that processes pass.
    pub const fn mark(&self) -> Mark {
        Mark::named(self.name)
    }
}

/// A named line of the timeline.
#[derive(Clone, Copy, Debug)]
pub struct NoteSpec {
    /// `zkfc/fenced` say.
    pub name: &'static str,
    /// What it says. `{0}` is the first field as a number, `{0p}` as a process's name, `{0s}` as
    /// nanoseconds in seconds, `{0:no|yes}` as one of these words.
    pub phrase: &'static str,
    /// Whether a short timeline shows it.
    pub headline: bool,
}

impl NoteSpec {
    /// The name that facts carry.
    pub const fn note(&self) -> NoteName {
        NoteName::named(self.name)
    }

    /// The phrase with its fields filled in.
    pub fn say(&self, fields: [u64; 4], name: impl Fn(u64) -> String) -> String {
        let mut said = String::new();
        let mut rest = self.phrase;
        while let Some((before, behind)) = rest.split_once('{') {
            said.push_str(before);
            let Some((inside, after)) = behind.split_once('}') else { break };
            let field = inside.chars().next().and_then(|digit| digit.to_digit(10)).unwrap_or(0);
            let value = fields.get(field as usize).copied().unwrap_or_default();
            match inside.get(1..).unwrap_or_default() {
                "p" => said.push_str(&name(value)),
                "s" => said.push_str(&crate::engine::SimDuration::from_nanos(value).to_string()),
                words if words.starts_with(':') => {
                    let nth = usize::try_from(value).unwrap_or(usize::MAX);
                    said.push_str(words[1..].split('|').nth(nth).unwrap_or("?"));
                }
                _ => said.push_str(&value.to_string()),
            }
            rest = after;
        }
        said.push_str(rest);
        said
    }
}

/// A name for whoever plays a part.
#[derive(Clone, Copy, Debug)]
pub struct SelectorSpec {
    /// `active-namenode` say.
    pub name: &'static str,
    /// Among the processes of which role.
    pub of: &'static str,
    /// Which of them.
    pub who: Who,
    /// What it is.
    pub meaning: &'static str,
}

/// Which processes of a role a selector means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Those that hold this role in the history.
    Holds(history::Role),
    /// Those that live and do not hold it.
    HoldsNot(history::Role),
    /// The largest number that a majority can lose, drawn.
    Minority,
    /// The smallest number that is a majority, drawn.
    Majority,
}

/// A command that an operator can give.
#[derive(Clone, Copy)]
pub struct CommandSpec {
    /// `haadmin -failover` say.
    pub name: &'static str,
    /// What it does, and its arguments.
    pub meaning: &'static str,
    /// Gives it. `false`: who should carry it out is not alive.
    pub give: fn(&mut World, &Population, &[String]) -> Result<bool, String>,
}

/// A historic bug that can be planted.
#[derive(Clone, Copy, Debug)]
pub struct PlantSpec {
    /// `HDFS-3845` say.
    pub name: &'static str,
    /// Which rule it breaks.
    pub meaning: &'static str,
}

/// A process that comes with another.
#[derive(Clone, Debug)]
pub struct Companion {
    /// Its name.
    pub name: String,
    /// Its role; of any registered system.
    pub role: &'static str,
    /// On the host of which placed process.
    pub beside: String,
    /// Its group.
    pub group: Option<String>,
}

/// The systems that a run can draw on.
#[derive(Clone)]
pub struct Registry {
    systems: Vec<System>,
}

impl Registry {
    /// The systems that come with hadr.
    pub fn builtin() -> Registry {
        Registry { systems: super::ALL.to_vec() }
    }

    /// A registry without systems.
    pub const fn empty() -> Registry {
        Registry { systems: Vec::new() }
    }

    /// The same with one more system.
    #[must_use]
    pub fn with(mut self, system: System) -> Registry {
        self.systems.push(system);
        self
    }

    /// In the order of registration.
    pub fn systems(&self) -> &[System] {
        &self.systems
    }

    /// Every role.
    pub fn roles(&self) -> impl Iterator<Item = &RoleSpec> {
        self.systems.iter().flat_map(|system| system.roles.iter().copied().flatten())
    }

    /// A role by name.
    pub fn role(&self, name: &str) -> Option<&RoleSpec> {
        self.roles().find(|role| role.name == name)
    }

    /// Every section of keys.
    pub fn sections(&self) -> impl Iterator<Item = &KeySection> {
        self.systems.iter().flat_map(|system| system.sections)
    }

    /// Every service.
    pub fn services(&self) -> impl Iterator<Item = &ServiceSpec> {
        self.systems.iter().flat_map(|system| system.services.iter().copied().flatten())
    }

    /// Every size.
    pub fn sizes(&self) -> impl Iterator<Item = &SizeSpec> {
        self.systems.iter().flat_map(|system| system.sizes.iter().copied().flatten())
    }

    /// Every mark.
    pub fn marks(&self) -> impl Iterator<Item = &MarkSpec> {
        self.systems.iter().flat_map(|system| system.marks.iter().copied().flatten())
    }

    /// The phase that ends with a mark.
    pub fn phase_ended_by(&self, mark: Mark) -> Option<&'static str> {
        self.marks().find(|spec| spec.mark() == mark).and_then(|spec| spec.ends_phase)
    }

    /// Every note.
    pub fn notes(&self) -> impl Iterator<Item = &NoteSpec> {
        self.systems.iter().flat_map(|system| system.notes.iter().copied().flatten())
    }

    /// Every selector.
    pub fn selectors(&self) -> impl Iterator<Item = &SelectorSpec> {
        self.systems.iter().flat_map(|system| system.selectors.iter().copied().flatten())
    }

    /// Every command.
    pub fn commands(&self) -> impl Iterator<Item = &CommandSpec> {
        self.systems.iter().flat_map(|system| system.commands.iter().copied().flatten())
    }

    /// Every plant.
    pub fn plants(&self) -> impl Iterator<Item = &PlantSpec> {
        self.systems.iter().flat_map(|system| system.plants.iter().copied().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_says_its_fields() {
        let spec = NoteSpec {
            name: "x/y",
            phrase: "{0p} fenced by {1:nobody|sshfence} after {2s} s ({3})",
            headline: true,
        };
        let said = spec.say([7, 1, 2_500_000_000, 9], |process| format!("nn{process}"));
        assert_eq!(said, "nn7 fenced by sshfence after 2.5 s (9)");
    }
}
