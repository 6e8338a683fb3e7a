//! Vocabulary: the names that a scenario may use, as the registered systems give them.
//!
//! Here: roles, selectors, marks, services, commands, sizes, sections of keys, as data.
//! Never here: a match on any of them; what they do.
//! Modelled on: DESIGN 2, Registry.

use std::collections::BTreeMap;

use crate::engine::config::{Key, Profile};
use crate::systems::Registry;

/// All names. A registry builds one.
#[derive(Clone, Default)]
pub struct Vocabulary {
    /// Kinds of process, in the order in which their processes are started.
    pub roles: Vec<RoleWord>,
    /// Selectors of fault targets: `active-namenode`.
    pub selectors: Vec<SelectorWord>,
    /// Protocol steps: `qjm/accept-recovery:sent`.
    pub marks: Vec<Word>,
    /// Notes in the history: `zkfc/fenced`.
    pub notes: Vec<Word>,
    /// What users call.
    pub services: Vec<ServiceWord>,
    /// What operators can command: `haadmin-failover`.
    pub commands: Vec<Word>,
    /// Sizes that models ask for: `namespace-files`.
    pub sizes: Vec<SizeWord>,
    /// Where keys stand: `[config.hdfs]`.
    pub sections: Vec<Section>,
    /// Historic bugs.
    pub plants: Vec<Word>,
}

/// A name and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// As written.
    pub name: &'static str,
    /// In a line.
    pub meaning: &'static str,
}

/// A selector of fault targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelectorWord {
    /// As written: `active-namenode`.
    pub name: &'static str,
    /// Role of those that it finds.
    pub role: &'static str,
    /// In a line.
    pub meaning: &'static str,
}

/// A kind of process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleWord {
    /// As written: `namenode`.
    pub name: &'static str,
    /// Its processes are called this and a number: `nn`.
    pub short: &'static str,
    /// Role on whose hosts its processes stand unless someone says otherwise.
    pub beside: Option<&'static str>,
    /// Family of sections that it reads: `hadoop`.
    pub family: &'static str,
    /// It comes with a load and is not counted.
    pub is_client: bool,
    /// In a line.
    pub meaning: &'static str,
}

/// What users call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceWord {
    /// As written: `hdfs-meta-write`.
    pub name: &'static str,
    /// Role of its client processes.
    pub client: &'static str,
    /// Role without which there is no such service.
    pub needs: &'static str,
    /// Operations; the first is the whole mix if nothing is said.
    pub operations: &'static [&'static str],
    /// In a line.
    pub meaning: &'static str,
}

/// A size that models ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeWord {
    /// As written, unit in the name: `fsimage-bytes`.
    pub name: &'static str,
    /// If nothing is said.
    pub stock: u64,
    /// In a line.
    pub meaning: &'static str,
}

/// A section of keys, after the upstream file that they stand in.
#[derive(Clone)]
pub struct Section {
    /// As written: `hdfs`.
    pub name: &'static str,
    /// Sections of one family make one configuration, later sections over earlier ones.
    pub family: &'static str,
    /// The rows.
    pub keys: &'static [&'static dyn Key],
    /// Releases with stock values; the first unless someone says otherwise.
    pub profiles: &'static [Profile],
}

impl Vocabulary {
    /// The names that registered systems give.
    pub fn of(registry: &Registry) -> Vocabulary {
        let word = |name, meaning| Word { name, meaning };
        Vocabulary {
            roles: registry
                .roles()
                .map(|role| RoleWord {
                    name: role.name,
                    short: role.short,
                    beside: role.beside,
                    family: role.family,
                    is_client: role.client.is_some(),
                    meaning: role.meaning,
                })
                .collect(),
            selectors: registry
                .selectors()
                .map(|selector| SelectorWord {
                    name: selector.name,
                    role: selector.of,
                    meaning: selector.meaning,
                })
                .collect(),
            marks: registry.marks().map(|mark| word(mark.name, mark.meaning)).collect(),
            notes: registry.notes().map(|note| word(note.name, note.phrase)).collect(),
            services: registry
                .services()
                .map(|service| ServiceWord {
                    name: service.name,
                    client: service.client_role,
                    needs: service.needs,
                    operations: service.operations,
                    meaning: service.meaning,
                })
                .collect(),
            commands: registry.commands().map(|given| word(given.name, given.meaning)).collect(),
            sizes: registry
                .sizes()
                .map(|size| SizeWord {
                    name: size.name,
                    stock: size.default,
                    meaning: size.meaning,
                })
                .collect(),
            sections: registry
                .sections()
                .map(|section| Section {
                    name: section.name,
                    family: section.family,
                    keys: section.keys,
                    profiles: section.profiles,
                })
                .collect(),
            plants: registry.plants().map(|plant| word(plant.name, plant.meaning)).collect(),
        }
    }

    /// A role by name.
    pub fn role(&self, name: &str) -> Option<&RoleWord> {
        self.roles.iter().find(|role| role.name == name)
    }

    /// A selector by name.
    pub fn selector(&self, name: &str) -> Option<&SelectorWord> {
        self.selectors.iter().find(|selector| selector.name == name)
    }

    /// A service by name.
    pub fn service(&self, name: &str) -> Option<&ServiceWord> {
        self.services.iter().find(|service| service.name == name)
    }

    /// A section by name.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// Rows of a family by every name that they answer to, deprecated ones included.
    pub fn keys_of(&self, family: &str) -> BTreeMap<&'static str, &'static dyn Key> {
        let sections = self.sections.iter().filter(|section| section.family == family);
        let mut rows = BTreeMap::new();
        for key in sections.flat_map(|section| section.keys.iter().copied()) {
            rows.extend(key.deprecated().iter().map(|old| (*old, key)));
            rows.insert(key.name(), key);
        }
        rows
    }

    /// The releases of a family.
    pub fn profiles_of(&self, family: &str) -> Vec<Profile> {
        let sections = self.sections.iter().filter(|section| section.family == family);
        let mut profiles: Vec<Profile> = Vec::new();
        for profile in sections.flat_map(|section| section.profiles) {
            if !profiles.contains(profile) {
                profiles.push(*profile);
            }
        }
        profiles
    }
}
