//! 6. A crate of your own: a failover controller that this program has never heard of.
//!
//! ```text
//!   client ─write─► srv1 (holds the lease) ─store under its token─► keeper: lease, log
//!          ─write─► srv2 (asks again and again) ──────────────────►
//! ```
//!
//! Whoever holds the lease serves. What a holder had written before it was cut off arrives when the
//! other has the lease; the keeper refuses its old token. The plant takes that check away.
//!
//! Shows: a `System` of one's own (roles, a key, a mark that ends a phase, a service with its
//! client, a selector, a plant), and the whole command line for it:
//! `cargo run --example my_controller -- run examples/my_controller/scenario.toml`.
//! Source: M. Kleppmann, How to do distributed locking (2016): fencing tokens.
#![expect(clippy::wildcard_enum_match_arm, reason = "an example shows what it is about")]

mod client;
mod keeper;
mod server;
mod words;

use std::process::ExitCode;

use hadr::engine::config::{KeySpec, Profile, Suffix, Unit};
use hadr::engine::{SimDuration, World};
use hadr::history::{NoteName, Role};
use hadr::systems::{
    Builder, ClientSpec, KeySection, MarkSpec, NoteSpec, PlantSpec, Registry, RoleSpec,
    SelectorSpec, ServiceSpec, System, Who,
};
use words::{Word, Words};

const AUDIT_ENDED: NoteName = NoteName::named("lease-client/audit-ended");
const NO_FENCING: &str = "no-fencing";
const RELEASE_1: Profile = Profile("lease-1");

const LEASE_SPAN: &KeySpec<SimDuration> = &KeySpec {
    name: "lease.span.ms",
    deprecated: &[],
    suffix: Suffix::None,
    unit: Unit::Millis,
    defaults: &[(RELEASE_1, SimDuration::from_secs(6))],
    sweep: (SimDuration::from_secs(1), SimDuration::from_secs(60)),
    meaning: "How long a lease lasts unless it is renewed, which is tried thrice; milliseconds.",
    mechanism: "lease/expiry",
};

const GRANTED: MarkSpec = MarkSpec {
    name: "lease/granted",
    ends_phase: Some("lease expiry"),
    meaning: "a server hears that the lease is its own",
};

const fn role(
    name: &'static str,
    short: &'static str,
    meaning: &'static str,
    build: Builder,
) -> RoleSpec {
    let (beside, family) = (None, "lease");
    RoleSpec { name, short, beside, family, client: None, grouped: false, meaning, build }
}

/// The system: one value, and scenarios, faults, measures, reports and `list` know it.
pub(crate) const MINE: System = System {
    name: "lease",
    model_version: 1,
    roles: &[&[
        role("lease-keeper", "keeper", "grants one lease and keeps one log", keeper::build),
        role("lease-server", "srv", "serves while it holds the lease", server::build),
        RoleSpec {
            client: Some(ClientSpec {
                stop_load: |world: &mut World, me| world.command::<Words>(me, Word::StopLoad),
                audit: |world: &mut World, me| world.command::<Words>(me, Word::Audit),
                audit_ended: AUDIT_ENDED,
            }),
            ..role(
                "lease-client",
                "client",
                "writes through whichever server serves",
                client::build,
            )
        },
    ]],
    sections: &[KeySection {
        name: "lease",
        family: "lease",
        profiles: &[RELEASE_1],
        keys: &[LEASE_SPAN],
    }],
    services: &[&[ServiceSpec {
        name: "lease-write",
        client_role: "lease-client",
        needs: "lease-server",
        operations: &["append"],
        writes: true,
        last_phase: "client retry",
        meaning: "appends to the log through the server that holds the lease",
    }]],
    sizes: &[],
    marks: &[&[GRANTED]],
    notes: &[&[NoteSpec {
        name: "lease-client/audit-ended",
        phrase: "audit ended after {0} writes",
        headline: false,
    }]],
    selectors: &[&[SelectorSpec {
        name: "lease-holder",
        of: "lease-server",
        who: Who::Holds(Role::Active),
        meaning: "the server that holds the lease",
    }]],
    commands: &[],
    plants: &[&[PlantSpec {
        name: NO_FENCING,
        meaning: "the keeper stores under any token, also under one older than the newest",
    }]],
    companions: |_| Vec::new(),
};

fn main() -> ExitCode {
    hadr::cli::run(Registry::builtin().with(MINE))
}
