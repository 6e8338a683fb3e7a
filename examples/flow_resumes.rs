//! 5. A bulk transfer is cut half way and resumes.
//!
//! ```text
//!   sender ══ 1 GB at 100 MB/s ══► receiver     cut from 5 s to 12 s: done at 17 s, not at 10 s
//! ```
//!
//! Shows: flows, cuts and heals from outside the world.
#![expect(clippy::wildcard_enum_match_arm, reason = "an example shows what it is about")]

use hadr::engine::id::ProcessId;
use hadr::engine::net::LinkClasses;
use hadr::engine::note::Note;
use hadr::engine::{
    Ctx, FlowProgress, HostOptions, Input, Process, ProcessOptions, SimDuration, SimTime, World,
};

#[derive(Clone)]
struct Sender(Option<ProcessId>);

impl Process for Sender {
    fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Started => {
                if let Some(receiver) = self.0 {
                    ctx.start_flow(receiver, 1_000_000_000, Some(100_000_000));
                }
            }
            Input::Flow(_, progress) => {
                let code = match progress {
                    FlowProgress::Done => 0,
                    FlowProgress::Stalled => 1,
                    FlowProgress::Resumed => 2,
                    FlowProgress::Failed => 3,
                };
                ctx.note(Note { kind: 99, fields: [code, 0, 0, 0, 0] });
            }
            _ => {}
        }
    }
}

/// What the sender was told, and when.
pub(crate) fn run() -> Vec<(SimTime, &'static str)> {
    let mut world = World::new(7, LinkClasses::default());
    let site = world.add_site("lab");
    let rack = world.add_rack("r1", site);
    let [here, there] = ["h1", "h2"].map(|name| world.add_host(name, rack, HostOptions::default()));
    let options = ProcessOptions::default();
    let receiver = world.add_process("receiver", there, options, Box::new(Sender(None)));
    world.add_process("sender", here, options, Box::new(Sender(Some(receiver))));
    let at = |s| SimTime::START + SimDuration::from_secs(s);
    world.advance(at(5));
    let cut = world.cut(&[here], &[there], true);
    world.advance(at(12));
    world.heal(cut);
    world.advance(at(60));
    let words = ["done", "stalled", "resumed", "failed"];
    let told = |code| usize::try_from(code).ok().and_then(|code| words.get(code)).copied();
    let notes: Vec<_> = world.drain_notes().collect();
    let notes = notes.iter();
    notes.map(|stamped| (stamped.at, told(stamped.note.fields[0]).unwrap_or("?"))).collect()
}

#[expect(clippy::print_stdout, reason = "an example prints")]
fn main() {
    for (at, told) in run() {
        println!("{at:>14} s  {told}");
    }
}
