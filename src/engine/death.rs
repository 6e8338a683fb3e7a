//! Death: how a process ends, and what its kernel does with what it leaves.
//!
//! Here: SIGKILL with the time in which memory is freed, the end of sockets, locks and timers.
//! Never here: why it ends (`control`, `ctx`), files (they stay on the volume).
//! Modelled on: Linux `do_exit`: `exit_mm` before `exit_files`, so that the sockets of a process
//! with a large heap stay open, and its port accepts, until its memory is freed.

use super::cause::What;
use super::core::{Bound, Core, Delivery, Life};
use super::event::Event;
use super::id::{EventId, ProcessId};
use super::time::SimDuration;

impl Core {
    /// SIGKILL: it runs no more, and its sockets end when its memory is freed. `false`: it was not
    /// alive, or dies already.
    pub(super) fn kill_process(&mut self, process: ProcessId) -> bool {
        let state = &mut self.processes[process.index()];
        if !state.alive || state.dying {
            return false;
        }
        if state.teardown.is_zero() {
            self.end_process(process, Life::Killed, false);
            return true;
        }
        state.stopped = true;
        let freed = self.now + state.teardown;
        self.turn(process, Life::Killed);
        self.processes[process.index()].dying = true;
        self.refresh_waits(process);
        self.schedule(freed, Event::Freed { process });
        true
    }

    /// The memory of a killed process is freed: its sockets end.
    pub(super) fn on_freed(&mut self, process: ProcessId, cause: EventId) {
        self.begin(process, Bound { cause, ..Bound::default() }, |_| What::Freed);
        self.fold(process, 11, 0);
        self.end_process(process, Life::Killed, false);
    }

    /// Ends a process: the kernel closes its sockets, takes its locks and forgets its timers.
    pub(super) fn end_process(&mut self, process: ProcessId, life: Life, power: bool) {
        if !self.processes[process.index()].alive {
            return;
        }
        if !self.processes[process.index()].dying {
            self.turn(process, life);
        }
        let parked = std::mem::take(&mut self.processes[process.index()].parked);
        self.close_sockets(process, &parked, power);
        let mut batches = Vec::new();
        for waiting in parked {
            if let Some(slot) = waiting.delivery.message() {
                self.slabs.discard(slot);
            }
            if let Delivery::Worked(batch) = waiting.delivery {
                batches.push(batch);
            }
        }
        self.list.retain(|event| event.owner() != Some(process), |_| ());
        self.forget_held(process);
        batches.into_iter().for_each(|batch| self.release_held(batch)); // gives its slot back
        self.forget_operations(process);
        self.forget_beats(process);
        self.flows_of_dead(process);
        let state = &mut self.processes[process.index()];
        state.alive = false;
        state.stopped = false;
        state.dying = false;
        state.listening.clear();
        state.resources.clear();
        self.refresh_waits(process);
        let state = &mut self.processes[process.index()];
        let again = std::mem::take(&mut state.start_again).then_some(SimDuration::ZERO);
        let restart_after = state.restart_after.filter(|_| !std::mem::take(&mut state.kept_down));
        if let Some(span) = again.or(restart_after).filter(|_| !power) {
            self.schedule(self.now + span, Event::Start { process });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::net::LinkClasses;
    use crate::engine::note::Note;
    use crate::engine::process::{Conn, ConnEvent, Input, Interface, Port, Process, Tag};
    use crate::engine::world::{HostOptions, ProcessOptions, World};
    use crate::engine::{Ctx, time::SimTime};

    struct Echo;

    impl Interface for Echo {
        const NAME: &'static str = "Echo";
        type Message = ();
        fn kind((): &()) -> &'static str {
            "echo"
        }
        fn bytes((): &()) -> u32 {
            8
        }
    }

    const PORT: Port = Port(1);
    const TEARDOWN: SimDuration = SimDuration::from_millis(500);

    #[derive(Clone)]
    struct Server;

    impl Process for Server {
        fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
            if input == Input::Started {
                ctx.listen::<Echo>(PORT);
            } else if let Input::Connection(conn, ConnEvent::Message(slot)) = input {
                ctx.take::<Echo>(slot);
                ctx.send::<Echo>(conn, ());
            }
        }

        fn teardown(&self) -> SimDuration {
            TEARDOWN
        }
    }

    /// Calls every 100 ms on a connection that it opens anew when it is reset; notes what it hears.
    #[derive(Clone)]
    struct Caller(ProcessId, Option<Conn>);

    impl Process for Caller {
        fn step(&mut self, input: Input, ctx: &mut Ctx<'_>) {
            let mut hear = |what| ctx.note(Note { kind: 99, fields: [what, 0, 0, 0, 0] });
            if let Input::Connection(_, event) = input {
                if let ConnEvent::Message(slot) = event {
                    hear(1);
                    ctx.take::<Echo>(slot);
                } else if event == ConnEvent::Reset {
                    hear(2);
                    self.1 = None;
                } else if event == ConnEvent::Refused {
                    hear(3);
                    self.1 = None;
                }
                return;
            }
            ctx.arm(SimDuration::from_millis(100), Tag::new(0));
            let conn = *self.1.get_or_insert_with(|| ctx.connect::<Echo>(self.0, PORT));
            ctx.send::<Echo>(conn, ());
        }
    }

    #[test]
    fn the_sockets_of_a_killed_process_last_until_its_memory_is_freed() {
        let mut world = World::new(7, LinkClasses::default());
        let site = world.add_site("dc1");
        let rack = world.add_rack("a", site);
        let hosts = ["h1", "h2"].map(|name| world.add_host(name, rack, HostOptions::default()));
        let server =
            world.add_process("server", hosts[0], ProcessOptions::default(), Box::new(Server));
        let caller = Box::new(Caller(server, None));
        world.add_process("caller", hosts[1], ProcessOptions::default(), caller);
        let at = |ms| SimTime::START + SimDuration::from_millis(ms);
        world.advance(at(1_050));
        assert!(world.kill(server) && !world.is_alive(server) && !world.kill(server));
        world.resume(server); // SIGCONT does not raise the dead
        world.advance(at(1_400));
        world.start(server); // it can be started when it is gone
        let told = |world: &mut World| -> Vec<(u64, u64)> {
            let heard = world.drain_notes();
            heard.map(|entry| (entry.at.as_nanos() / 100_000_000, entry.note.fields[0])).collect()
        };
        let before = told(&mut world);
        assert!(before.iter().all(|(tenth, what)| *tenth <= 10 && *what == 1), "{before:?}");
        world.advance(at(1_560));
        assert_eq!(told(&mut world), [(15, 2)], "unread calls: a reset");
        assert!(world.is_alive(server));
        world.advance(at(1_650));
        assert_eq!(told(&mut world), [(16, 1)]);
    }
}
