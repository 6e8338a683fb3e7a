//! Slab: messages at rest, one typed slab per interface, reached by index.
//!
//! Here: storing, taking and duplicating messages without an allocation for each.
//! Never here: what a message means.
//! Modelled on: typed arenas behind a vtable, in safe Rust.

use std::any::{Any, TypeId};

use super::id::InterfaceId;
use super::process::{Interface, Slot};

struct Slab<I: Interface> {
    entries: Vec<Option<I::Message>>,
    free: Vec<u32>,
}

impl<I: Interface> Slab<I> {
    #[inline]
    fn put(&mut self, message: I::Message) -> u32 {
        if let Some(index) = self.free.pop() {
            self.entries[index as usize] = Some(message);
            return index;
        }
        self.entries.push(Some(message));
        u32::try_from(self.entries.len() - 1).expect("messages at rest are limited by events")
    }

    #[inline]
    fn take(&mut self, index: u32) -> I::Message {
        let message = self.entries[index as usize].take().expect("a message is taken once");
        self.free.push(index);
        message
    }

    fn peek(&self, index: u32) -> &I::Message {
        self.entries[index as usize].as_ref().expect("the message has not been taken")
    }
}

trait AnySlab: Send {
    fn clone_box(&self) -> Box<dyn AnySlab>;
    fn as_any_mut(&mut self) -> &mut dyn Any;
    fn discard(&mut self, index: u32);
    fn duplicate(&mut self, index: u32) -> u32;
    fn kind(&self, index: u32) -> &'static str;
    fn bytes(&self, index: u32) -> u32;
    fn holds(&self, index: u32) -> bool;
}

impl<I: Interface> AnySlab for Slab<I> {
    fn clone_box(&self) -> Box<dyn AnySlab> {
        Box::new(Slab::<I> { entries: self.entries.clone(), free: self.free.clone() })
    }
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
    fn discard(&mut self, index: u32) {
        drop(self.take(index));
    }
    fn duplicate(&mut self, index: u32) -> u32 {
        let message = self.peek(index).clone();
        self.put(message)
    }
    fn kind(&self, index: u32) -> &'static str {
        I::kind(self.peek(index))
    }
    fn bytes(&self, index: u32) -> u32 {
        I::bytes(self.peek(index))
    }
    fn holds(&self, index: u32) -> bool {
        self.entries[index as usize].is_some()
    }
}

/// The slabs of all interfaces that have been spoken.
#[derive(Default)]
pub(super) struct Slabs {
    types: Vec<(TypeId, &'static str)>,
    slabs: Vec<Box<dyn AnySlab>>,
}

impl Clone for Slabs {
    fn clone(&self) -> Slabs {
        let slabs = self.slabs.iter().map(|slab| slab.clone_box()).collect();
        Slabs { types: self.types.clone(), slabs }
    }
}

impl Slabs {
    /// The id of an interface; given at its first use.
    #[inline]
    pub(super) fn interface<I: Interface>(&mut self) -> InterfaceId {
        let wanted = TypeId::of::<I>();
        let known = self.types.iter().position(|(id, _)| *id == wanted);
        let index = known.unwrap_or_else(|| {
            self.types.push((wanted, I::NAME));
            self.slabs.push(Box::new(Slab::<I> { entries: Vec::new(), free: Vec::new() }));
            self.types.len() - 1
        });
        InterfaceId(u32::try_from(index).expect("interfaces are few"))
    }

    /// The name of an interface.
    pub(super) fn name(&self, interface: InterfaceId) -> &'static str {
        self.types[interface.index()].1
    }

    #[inline]
    pub(super) fn put<I: Interface>(&mut self, at: InterfaceId, message: I::Message) -> u32 {
        self.typed::<I>(at).put(message)
    }

    #[inline]
    pub(super) fn take<I: Interface>(&mut self, slot: Slot) -> I::Message {
        self.typed::<I>(slot.interface).take(slot.index)
    }

    pub(super) fn peek<I: Interface>(&mut self, slot: Slot) -> &I::Message {
        self.typed::<I>(slot.interface).peek(slot.index)
    }

    #[inline]
    fn typed<I: Interface>(&mut self, at: InterfaceId) -> &mut Slab<I> {
        let found = self.types[at.index()].1;
        let slab = self.slabs[at.index()].as_any_mut().downcast_mut::<Slab<I>>();
        slab.unwrap_or_else(|| panic!("the connection speaks {found}, not {}", I::NAME))
    }

    /// Drops a message unless it has been taken.
    pub(super) fn discard(&mut self, slot: Slot) {
        let slab = &mut self.slabs[slot.interface.index()];
        if slab.holds(slot.index) {
            slab.discard(slot.index);
        }
    }

    pub(super) fn duplicate(&mut self, slot: Slot) -> Slot {
        let index = self.slabs[slot.interface.index()].duplicate(slot.index);
        Slot { interface: slot.interface, index }
    }

    pub(super) fn kind(&self, slot: Slot) -> &'static str {
        self.slabs[slot.interface.index()].kind(slot.index)
    }

    pub(super) fn bytes(&self, slot: Slot) -> u32 {
        self.slabs[slot.interface.index()].bytes(slot.index)
    }
}
