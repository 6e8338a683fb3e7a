//! Control: what those outside the world may do to it: faults, heals, commands, triggers.
//!
//! Here: operations on processes, hosts, links, disks and clocks, each an event of its own.
//! Never here: when they happen and why (that is `faults` and the runner).
//! Modelled on: kill(1), a hypervisor's pause, netfilter, a rack's power switch.

use super::cause::What;
use super::core::{Delivery, Life, MarkTrigger, Parked};
use super::dice::{Purpose, weather};
use super::event::Event;
use super::id::{HostId, ProcessId};
use super::net::CutId;
use super::process::{Input, Interface, Slot};
use super::time::SimDuration;
use super::world::World;
use crate::engine::dice::Words;

const POWER_LOSS: Purpose = Purpose::named("engine/power-loss");

impl World {
    fn fault_at(&mut self, process: ProcessId) {
        self.intervene(process, What::Fault);
    }

    fn fault_on(&mut self, host: HostId) {
        let first = self.processes_on(host).first().copied().unwrap_or_default();
        self.intervene(first, What::Fault);
    }

    /// SIGKILL; its sockets end when its memory is freed. `false`: it was not alive.
    pub fn kill(&mut self, process: ProcessId) -> bool {
        let alive = self.is_alive(process);
        if alive {
            self.fault_at(process);
            self.core.kill_process(process);
        }
        alive
    }

    /// An operator takes it down: no supervisor starts it again. `false`: it was not alive.
    pub fn take_down(&mut self, process: ProcessId) -> bool {
        self.core.processes[process.index()].kept_down = self.is_alive(process);
        self.kill(process)
    }

    /// SIGSTOP: its kernel still accepts and buffers. `false`: it was stopped or dead.
    pub fn stop(&mut self, process: ProcessId) -> bool {
        let state = &self.core.processes[process.index()];
        if !state.alive || state.stopped {
            return false;
        }
        self.fault_at(process);
        self.core.processes[process.index()].stopped = true;
        self.core.refresh_waits(process);
        self.core.turn(process, Life::Stopped);
        true
    }

    /// SIGCONT: what waited goes on, in order; but a poll that the signal interrupts (on Linux even
    /// without a handler) finds its time over before it looks at its sockets: due timers go first.
    pub fn resume(&mut self, process: ProcessId) {
        self.fault_at(process);
        let state = &mut self.core.processes[process.index()];
        if std::mem::replace(&mut state.stopped, state.dying) && !state.dying {
            self.core.refresh_waits(process);
            let state = &mut self.core.processes[process.index()];
            let parked = std::mem::take(&mut state.parked);
            let is_timer =
                |waiting: &Parked| matches!(waiting.delivery, Delivery::Input(Input::Timer(_)));
            let (timers, others): (Vec<_>, Vec<_>) = parked.into_iter().partition(is_timer);
            state.parked = timers.into_iter().chain(others).collect();
            self.core.turn(process, Life::Resumed);
            self.core.unpark(process);
        }
    }

    /// Starts a process that is not running, now.
    pub fn start(&mut self, process: ProcessId) {
        self.fault_at(process);
        self.core.schedule(self.core.now, Event::Start { process });
    }

    /// A paused virtual machine: nothing of it runs, packets wait for it; its clocks go on.
    pub fn freeze(&mut self, host: HostId) {
        self.fault_on(host);
        self.core.net.disturb(host, |net| &mut net.frozen, true);
        self.turn_all(host, Life::Stopped);
        self.core.flows_path_changed();
    }

    /// The virtual machine goes on.
    pub fn thaw(&mut self, host: HostId) {
        self.fault_on(host);
        self.core.net.disturb(host, |net| &mut net.frozen, false);
        self.turn_all(host, Life::Resumed);
        for process in self.processes_on(host) {
            self.core.unpark(process);
        }
        self.core.thawed(host);
        self.heal_paths();
    }

    fn turn_all(&mut self, host: HostId, life: Life) {
        for process in self.processes_on(host) {
            self.core.refresh_waits(process);
            if self.is_alive(process) {
                self.core.turn(process, life);
            }
        }
    }

    /// Power loss: processes end without a word, disks keep what was synced.
    pub fn power_off(&mut self, host: HostId) -> bool {
        if !self.core.net.hosts[host.index()].up {
            return false;
        }
        self.fault_on(host);
        self.core.net.disturb(host, |net| &mut net.up, false);
        // What was about to start again, after a crash or in an earlier boot, starts with the host.
        let mut running = self.core.take_starts(host);
        self.core.hosts[host.index()].power_losses += 1;
        let losses = self.core.hosts[host.index()].power_losses;
        for process in self.processes_on(host) {
            if self.is_alive(process) {
                running.push(process);
            }
            self.core.end_process(process, Life::Killed, true);
            let address = self.core.address(&self.core.processes[process.index()].name);
            let mut weather = weather(address, POWER_LOSS, losses);
            let volume = &mut self.core.processes[process.index()].volume;
            volume.lose_power(|| Words([weather.word(), weather.word()]));
        }
        self.core.hosts[host.index()].was_running = running;
        self.core.flows_path_changed();
        true
    }

    /// Power is back: after `boot` the kernel runs and starts what had run (if `start`).
    pub fn power_on(&mut self, host: HostId, boot: SimDuration, start: bool) {
        self.fault_on(host);
        if !start {
            self.core.hosts[host.index()].was_running.clear();
        }
        self.core.schedule(self.core.now + boot, Event::Boot { host });
    }

    /// All packets from and to the host are dropped, or no longer.
    pub fn silence(&mut self, host: HostId, silent: bool) {
        self.fault_on(host);
        self.core.net.disturb(host, |net| &mut net.silent, silent);
        self.heal_paths();
    }

    /// Drops packets from one set of hosts to another, or between them.
    pub fn cut(&mut self, from: &[HostId], to: &[HostId], both: bool) -> CutId {
        self.fault_on(from.first().copied().unwrap_or_default());
        let cut = self.core.net.cut(from, to, both);
        self.core.flows_path_changed();
        cut
    }

    /// Heals a cut.
    pub fn heal(&mut self, cut: CutId) {
        self.fault_on(HostId(0));
        if self.core.net.heal(cut) {
            self.heal_paths();
        }
    }

    fn heal_paths(&mut self) {
        self.core.path_changed();
        self.core.flows_path_changed();
    }

    /// The process's device stalls or goes on.
    pub fn stall_disk(&mut self, process: ProcessId, stalled: bool) {
        self.fault_at(process);
        let device = self.core.processes[process.index()].device;
        self.core.set_stalled(device, stalled);
    }

    /// The process's device refuses every write, or no longer.
    pub fn fail_disk(&mut self, process: ProcessId, fails: bool) {
        self.fault_at(process);
        let device = self.core.processes[process.index()].device;
        self.core.devices[device as usize].fails = fails;
    }

    /// The process's device says that it synced and does not, or is honest again.
    pub fn lying_disk(&mut self, process: ProcessId, lies: bool) {
        self.fault_at(process);
        let device = self.core.processes[process.index()].device;
        self.core.devices[device as usize].lies = lies;
    }

    /// The process's volume is full, or has room again.
    pub fn fill_disk(&mut self, process: ProcessId, full: bool) {
        self.fault_at(process);
        self.core.processes[process.index()].volume.full = full;
    }

    /// All files of the process are gone.
    pub fn wipe_disk(&mut self, process: ProcessId) {
        self.fault_at(process);
        self.core.processes[process.index()].volume.wipe();
    }

    /// Gives a process a copy of another's files.
    pub fn copy_disk(&mut self, from: ProcessId, to: ProcessId) {
        self.fault_at(to);
        let volume = self.core.processes[from.index()].volume.clone();
        self.core.processes[to.index()].volume = volume;
    }

    /// The wall clock of a host jumps.
    pub fn jump_clock(&mut self, host: HostId, by_ns: i64) {
        self.fault_on(host);
        self.core.hosts[host.index()].clock.wall_offset_ns += by_ns;
    }

    /// An operator's command to a process. `false`: it is not alive.
    pub fn command<I: Interface>(&mut self, process: ProcessId, message: I::Message) -> bool {
        if !self.is_alive(process) {
            return false;
        }
        self.intervene(process, What::Admin);
        let interface = self.core.slabs.interface::<I>();
        let index = self.core.slabs.put::<I>(interface, message);
        self.core.tell(process, Input::Admin(Slot { interface, index }));
        true
    }

    /// Arms a trigger; its hits come with `take_hits` under the number returned.
    pub fn arm_mark(&mut self, trigger: MarkTrigger) -> u32 {
        let number = self.core.trigger_next;
        self.core.trigger_next += 1;
        self.core.triggers.push((number, trigger));
        number
    }
}
