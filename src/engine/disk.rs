//! Disk: devices, and when an operation on them ends.
//!
//! Here: one queue per device that the volumes on it share; sync, replace, bulk reads; stalls,
//! lies.
//! Never here: what a file holds (that is `volume`).
//! Modelled on: a single-spindle FIFO; `fsync` of ext4 on one device.

use super::core::Core;
use super::dice::{Address, Noise, Purpose};
use super::distributions::Latency;
use super::event::Event;
use super::id::{HostId, ProcessId};
use super::process::{DiskOutcome, Tag};
use super::time::{SimDuration, SimTime};
use super::volume::{AnyFile, Coverage, FileName};

/// How fast a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskOptions {
    /// Of one sync.
    pub sync: Latency,
    /// Sequential reads and writes; 0: no limit.
    pub bytes_s: u64,
}

impl Default for DiskOptions {
    /// A data-centre SSD: 0.3 ms and an excess of 0.2 ms for a sync, 400 MB/s. An assumption: no
    /// citable percentiles exist (docs/MODELS.md).
    fn default() -> DiskOptions {
        let us = SimDuration::from_micros;
        DiskOptions { sync: Latency::Excess { min: us(300), mean: us(200) }, bytes_s: 400_000_000 }
    }
}

#[derive(Clone)]
pub(super) struct Device {
    pub(super) host: HostId,
    options: DiskOptions,
    noise: Noise,
    operations: u64,
    free_at: SimTime,
    pub(super) stalled: bool,
    /// Says that it synced and did not.
    pub(super) lies: bool,
    pub(super) fails: bool,
    waiting: Vec<u32>,
}

#[derive(Clone)]
pub(super) struct Operation {
    process: ProcessId,
    device: u32,
    tag: Tag,
    bytes: u64,
    syncs: bool,
    kind: OperationKind,
}

enum OperationKind {
    Sync { file: FileName, covered: Coverage },
    Replace { file: FileName, data: Box<dyn AnyFile> },
    Read,
}

impl Clone for OperationKind {
    fn clone(&self) -> OperationKind {
        match self {
            OperationKind::Sync { file, covered } => {
                OperationKind::Sync { file: *file, covered: *covered }
            }
            OperationKind::Replace { file, data } => {
                OperationKind::Replace { file: *file, data: data.clone_box() }
            }
            OperationKind::Read => OperationKind::Read,
        }
    }
}

const DEVICE: Purpose = Purpose::named("engine/device");

impl Device {
    pub(super) fn new(host: HostId, options: DiskOptions, address: Address) -> Device {
        Device {
            host,
            options,
            noise: Noise::of(address, DEVICE, 0),
            operations: 0,
            free_at: SimTime::START,
            stalled: false,
            lies: false,
            fails: false,
            waiting: Vec::new(),
        }
    }

    pub(super) fn rekey(&mut self, address: Address) {
        self.noise = Noise::of(address, DEVICE, 0);
    }
}

impl Core {
    pub(super) fn start_sync(&mut self, process: ProcessId, file: FileName, tag: Tag) {
        let state = &self.processes[process.index()];
        let covered = state.volume.coverage(file);
        let kind = OperationKind::Sync { file, covered };
        let (device, bytes) = (state.device, covered.bytes);
        self.start(Operation { process, device, tag, bytes, syncs: true, kind });
    }

    pub(super) fn start_replace(
        &mut self,
        process: ProcessId,
        file: FileName,
        content: (Box<dyn AnyFile>, u64),
        tag: Tag,
    ) {
        let device = self.processes[process.index()].device;
        let (data, bytes) = content;
        let kind = OperationKind::Replace { file, data };
        self.start(Operation { process, device, tag, bytes, syncs: true, kind });
    }

    pub(super) fn start_read(&mut self, process: ProcessId, bytes: u64, tag: Tag) {
        let device = self.processes[process.index()].device;
        let kind = OperationKind::Read;
        self.start(Operation { process, device, tag, bytes, syncs: false, kind });
    }

    fn start(&mut self, operation: Operation) {
        let device = operation.device as usize;
        let slot = match self.operations_free.pop() {
            Some(slot) => {
                self.operations[slot as usize] = Some(operation);
                slot
            }
            None => {
                self.operations.push(Some(operation));
                u32::try_from(self.operations.len() - 1).expect("operations are limited")
            }
        };
        if self.devices[device].stalled {
            self.devices[device].waiting.push(slot);
        } else {
            self.run_operation(slot);
        }
    }

    fn run_operation(&mut self, slot: u32) {
        let Some(operation) = &self.operations[slot as usize] else { return };
        let device = &mut self.devices[operation.device as usize];
        let bytes_s = device.options.bytes_s;
        let mut span = SimDuration::ZERO;
        if bytes_s != 0 {
            span = SimDuration::from_secs(1).scaled(operation.bytes, bytes_s);
        }
        if operation.syncs {
            device.operations += 1;
            span += device.options.sync.of(device.noise.at(device.operations));
        }
        device.free_at = device.free_at.max(self.now) + span;
        let at = device.free_at;
        self.schedule(at, Event::Disk { operation: slot });
    }

    /// An operation ends. `None`: its process died meanwhile.
    pub(super) fn on_disk(&mut self, slot: u32) -> Option<(ProcessId, Tag, DiskOutcome)> {
        self.operations_free.push(slot);
        let operation = self.operations[slot as usize].take()?;
        let device = &self.devices[operation.device as usize];
        let (lies, fails) = (device.lies, device.fails);
        let volume = &mut self.processes[operation.process.index()].volume;
        let short = match operation.kind {
            OperationKind::Sync { file, .. } => volume.take_short(file),
            OperationKind::Replace { .. } | OperationKind::Read => false,
        };
        let failed = fails || short || (volume.full && operation.syncs);
        match operation.kind {
            OperationKind::Sync { file, covered } if !failed && !lies => {
                volume.synced(file, covered);
            }
            OperationKind::Replace { file, data } if !failed => {
                if lies {
                    volume.overwrite(file, data, operation.bytes);
                } else {
                    volume.install(file, data);
                }
            }
            OperationKind::Sync { .. } | OperationKind::Replace { .. } | OperationKind::Read => {}
        }
        let outcome = if failed { DiskOutcome::Failed } else { DiskOutcome::Done };
        Some((operation.process, operation.tag, outcome))
    }

    /// The process is gone; the kernel finishes nothing that matters to it.
    pub(super) fn forget_operations(&mut self, process: ProcessId) {
        for operation in &mut self.operations {
            if operation.as_ref().is_some_and(|operation| operation.process == process) {
                *operation = None;
            }
        }
    }

    pub(super) fn set_stalled(&mut self, device: u32, stalled: bool) {
        let device = device as usize;
        self.devices[device].stalled = stalled;
        if !stalled {
            for slot in std::mem::take(&mut self.devices[device].waiting) {
                // A slot whose process died is freed here: no event names it.
                if self.operations[slot as usize].is_some() {
                    self.run_operation(slot);
                } else {
                    self.operations_free.push(slot);
                }
            }
        }
    }
}
