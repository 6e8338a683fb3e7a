//! Facts: what the neutral history can say, and how the engine carries it.
//!
//! Here: the vocabulary and its lossless encoding into five integers.
//! Never here: a verdict; a name of a protocol or system.
//! Modelled on: Jepsen operations; openraft's (term, index); Hadoop's (epoch, txid).

use crate::engine::digest::name_hash;
use crate::engine::note::Note;

/// A thing that can have one holder: a nameservice's active role, a ZooKeeper ensemble's log.
/// Dense, given by the builder of the world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourceName(pub u32);

/// A service that users call. Dense, given by the builder of the world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceName(pub u32);

/// An operation: unique in a run, chosen by the client (client number and count).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpId(pub u64);

/// A writer's generation: epoch, ballot, reign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term(pub u64);

/// An entry's place in a log: transaction id, zxid, offset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(pub u64);

/// What an entry says, hashed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContentHash(pub u64);

/// A registered name of a note; the hash of its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NoteName(pub u32);

impl NoteName {
    /// The name's identity.
    pub const fn named(name: &str) -> NoteName {
        #[expect(clippy::cast_possible_truncation, reason = "a hash may be cut")]
        NoteName(name_hash(name) as u32)
    }
}

/// How an operation ended, as its client heard it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It was answered with success.
    Served,
    /// It was answered with failure, or the client gave up before anything was sent.
    Failed,
    /// The client gave up and cannot know whether it took effect.
    Unknown,
}

/// What a process holds itself for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Serves and writes.
    Active,
    /// Follows and may take over.
    Standby,
    /// Leads a quorum.
    Leader,
    /// Follows a leader of a quorum.
    Follower,
    /// Watches over another process and holds the right to make it active.
    Controller,
}

/// One fact. `term` is that of the writer who had the entry stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A client called a service.
    Invoked {
        /// Which service.
        service: ServiceName,
        /// Which operation.
        op: OpId,
        /// Whether it changes anything.
        write: bool,
        /// Payload in bytes.
        bytes: u64,
        /// What it writes or reads, hashed: the key of the later audit.
        content: ContentHash,
    },
    /// The client heard how it ended.
    Ended {
        /// Which service.
        service: ServiceName,
        /// Which operation.
        op: OpId,
        /// How.
        outcome: Outcome,
    },
    /// The auditor read an acknowledged write back.
    Audited {
        /// Which service.
        service: ServiceName,
        /// The operation that wrote it.
        op: OpId,
        /// Whether it was there.
        present: bool,
    },
    /// A process took a role.
    RoleClaimed {
        /// Of what.
        resource: ResourceName,
        /// Which role.
        role: Role,
        /// Under which term.
        term: Term,
    },
    /// A process gave a role up, or ended. (The runner writes it for a process that dies.)
    RoleLost {
        /// Of what.
        resource: ResourceName,
        /// Which role.
        role: Role,
        /// Under which term it was held.
        term: Term,
    },
    /// The holder of a role answered a read out of its own state.
    RoleServed {
        /// Of what.
        resource: ResourceName,
        /// Under which term.
        term: Term,
        /// How far the state had been applied.
        position: Position,
    },
    /// A writer's term was accepted by whoever has to accept it.
    TermBegun {
        /// Of what.
        resource: ResourceName,
        /// Which term.
        term: Term,
    },
    /// The writer told the caller that an entry is safe.
    Acknowledged {
        /// In which log.
        resource: ResourceName,
        /// The writer's term.
        term: Term,
        /// Where.
        position: Position,
        /// What.
        content: ContentHash,
    },
    /// A copy has an entry on its disk.
    Durable {
        /// In which log.
        resource: ResourceName,
        /// The term of the writer who had it stored.
        term: Term,
        /// Where.
        position: Position,
        /// What.
        content: ContentHash,
    },
    /// A replica applied an entry to its state.
    Applied {
        /// In which log.
        resource: ResourceName,
        /// The term under which it was learnt.
        term: Term,
        /// Where.
        position: Position,
        /// What.
        content: ContentHash,
    },
    /// A copy dropped all entries after a position.
    Truncated {
        /// In which log.
        resource: ResourceName,
        /// The last position that is kept.
        position: Position,
    },
    /// A copy of state was shipped elsewhere.
    CopyShipped {
        /// Of what.
        resource: ResourceName,
        /// Up to where.
        position: Position,
    },
    /// A shipped copy became the one that serves.
    CopyPromoted {
        /// Of what.
        resource: ResourceName,
        /// Up to where.
        position: Position,
    },
    /// A registered name with integer fields: for timelines and role selectors of one system.
    Noted {
        /// Which name.
        name: NoteName,
        /// Its fields.
        fields: [u64; 4],
    },
}

impl Outcome {
    const ALL: [Outcome; 3] = [Outcome::Served, Outcome::Failed, Outcome::Unknown];
}

impl Role {
    const ALL: [Role; 5] =
        [Role::Active, Role::Standby, Role::Leader, Role::Follower, Role::Controller];

    /// As printed.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Active => "active",
            Role::Standby => "standby",
            Role::Leader => "leader",
            Role::Follower => "follower",
            Role::Controller => "controller",
        }
    }
}

impl From<Fact> for Note {
    fn from(fact: Fact) -> Note {
        let note = |kind: u16, fields: [u64; 5]| Note { kind, fields };
        match fact {
            Fact::Invoked { service, op, write, bytes, content } => {
                note(1, [service.0.into(), op.0, write.into(), bytes, content.0])
            }
            Fact::Ended { service, op, outcome } => {
                note(2, [service.0.into(), op.0, outcome as u64, 0, 0])
            }
            Fact::Audited { service, op, present } => {
                note(3, [service.0.into(), op.0, present.into(), 0, 0])
            }
            Fact::RoleClaimed { resource, role, term } => {
                note(4, [resource.0.into(), role as u64, term.0, 0, 0])
            }
            Fact::RoleLost { resource, role, term } => {
                note(5, [resource.0.into(), role as u64, term.0, 0, 0])
            }
            Fact::RoleServed { resource, term, position } => {
                note(6, [resource.0.into(), term.0, position.0, 0, 0])
            }
            Fact::TermBegun { resource, term } => note(7, [resource.0.into(), term.0, 0, 0, 0]),
            Fact::Acknowledged { resource, term, position, content } => {
                note(8, [resource.0.into(), term.0, position.0, content.0, 0])
            }
            Fact::Durable { resource, term, position, content } => {
                note(9, [resource.0.into(), term.0, position.0, content.0, 0])
            }
            Fact::Applied { resource, term, position, content } => {
                note(10, [resource.0.into(), term.0, position.0, content.0, 0])
            }
            Fact::Truncated { resource, position } => {
                note(11, [resource.0.into(), position.0, 0, 0, 0])
            }
            Fact::CopyShipped { resource, position } => {
                note(12, [resource.0.into(), position.0, 0, 0, 0])
            }
            Fact::CopyPromoted { resource, position } => {
                note(13, [resource.0.into(), position.0, 0, 0, 0])
            }
            Fact::Noted { name, fields: [a, b, c, d] } => note(14, [name.0.into(), a, b, c, d]),
        }
    }
}

impl Fact {
    /// Reads a note back. `None`: no system writes this.
    #[expect(clippy::cast_possible_truncation, reason = "fields hold what `from` put there")]
    pub fn read(note: &Note) -> Option<Fact> {
        let [a, b, c, d, e] = note.fields;
        let resource = ResourceName(a as u32);
        let service = ServiceName(a as u32);
        let role = || Role::ALL.get(b as usize).copied();
        Some(match note.kind {
            1 => Fact::Invoked {
                service,
                op: OpId(b),
                write: c != 0,
                bytes: d,
                content: ContentHash(e),
            },
            2 => {
                let outcome = *Outcome::ALL.get(c as usize)?;
                Fact::Ended { service, op: OpId(b), outcome }
            }
            3 => Fact::Audited { service, op: OpId(b), present: c != 0 },
            4 => Fact::RoleClaimed { resource, role: role()?, term: Term(c) },
            5 => Fact::RoleLost { resource, role: role()?, term: Term(c) },
            6 => Fact::RoleServed { resource, term: Term(b), position: Position(c) },
            7 => Fact::TermBegun { resource, term: Term(b) },
            8 => Fact::Acknowledged {
                resource,
                term: Term(b),
                position: Position(c),
                content: ContentHash(d),
            },
            9 => Fact::Durable {
                resource,
                term: Term(b),
                position: Position(c),
                content: ContentHash(d),
            },
            10 => Fact::Applied {
                resource,
                term: Term(b),
                position: Position(c),
                content: ContentHash(d),
            },
            11 => Fact::Truncated { resource, position: Position(b) },
            12 => Fact::CopyShipped { resource, position: Position(b) },
            13 => Fact::CopyPromoted { resource, position: Position(b) },
            14 => Fact::Noted { name: NoteName(a as u32), fields: [b, c, d, e] },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_survives_the_engine() {
        let (resource, term, position) = (ResourceName(3), Term(4), Position(5));
        let (service, op, content) = (ServiceName(1), OpId(2), ContentHash(6));
        let facts = [
            Fact::Invoked { service, op, write: true, bytes: 9, content },
            Fact::Ended { service, op, outcome: Outcome::Unknown },
            Fact::Audited { service, op, present: true },
            Fact::RoleClaimed { resource, role: Role::Controller, term },
            Fact::RoleLost { resource, role: Role::Active, term },
            Fact::RoleServed { resource, term, position },
            Fact::TermBegun { resource, term },
            Fact::Acknowledged { resource, term, position, content },
            Fact::Durable { resource, term, position, content },
            Fact::Applied { resource, term, position, content },
            Fact::Truncated { resource, position },
            Fact::CopyShipped { resource, position },
            Fact::CopyPromoted { resource, position },
            Fact::Noted { name: NoteName::named("zkfc/fenced"), fields: [1, 2, 3, 4] },
        ];
        for fact in facts {
            assert_eq!(Fact::read(&fact.into()), Some(fact));
        }
    }
}
