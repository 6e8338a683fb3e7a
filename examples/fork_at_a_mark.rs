//! 3. A world is forked at a mark, and both futures replay from their lineage.
//!
//! ```text
//!   0 ──walk──► mark "walker/tenth-step" ──┬── branch 1 ──►
//!                                          └── branch 2 ──►
//! ```
//!
//! Shows: addressed draws, triggers on marks, `fork`, digests.

use hadr::engine::core::MarkTrigger;
use hadr::engine::digest::Digest;
use hadr::engine::net::LinkClasses;
use hadr::engine::note::Note;
use hadr::engine::{
    Ctx, HostOptions, Input, Mark, Process, ProcessOptions, Purpose, SimDuration, SimTime, Tag,
    World, below,
};

const STEP: Purpose = Purpose::named("walker/step");
const TENTH: Mark = Mark::named("walker/tenth-step");

#[derive(Clone, Default)]
struct Walker {
    steps: u64,
    place: u64,
}

impl Process for Walker {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        if matches!(input, Input::Timer(_)) {
            // Addressed by its number: no other draw can move this one.
            self.place += below(ctx.dice(STEP, self.steps).first(), 6);
            self.steps += 1;
            ctx.note(Note { kind: 99, fields: [self.place, 0, 0, 0, 0] });
            if self.steps == 10 {
                ctx.mark(TENTH);
            }
        }
        ctx.arm(SimDuration::from_secs(1), Tag::new(0));
    }
}

fn at_the_mark() -> World {
    let mut world = World::new(7, LinkClasses::default());
    let site = world.add_site("lab");
    let rack = world.add_rack("r1", site);
    let host = world.add_host("h1", rack, HostOptions::default());
    let options = ProcessOptions::default();
    world.add_process("walker", host, options, Box::new(Walker::default()));
    let trigger = world.arm_mark(MarkTrigger { mark: TENTH, nth: 1, crash_after: None });
    while !world.take_hits().iter().any(|hit| hit.trigger == trigger) {
        world.step();
    }
    world
}

fn finish(mut world: World) -> Digest {
    world.advance(SimTime::START + SimDuration::from_secs(60));
    world.history_digest()
}

/// The history digests of: no fork, branch 1, branch 2, branch 1 forked from a second run.
pub(crate) fn run() -> [Digest; 4] {
    let world = at_the_mark();
    let again = at_the_mark().fork(1);
    [finish(world.clone()), finish(world.fork(1)), finish(world.fork(2)), finish(again)]
}

#[expect(clippy::print_stdout, reason = "an example prints")]
fn main() {
    let [straight, one, two, again] = run();
    println!("not forked {straight}\nbranch 1   {one}\nbranch 2   {two}\nbranch 1   {again} again");
}
