//! Context ids: a slot and a generation in 64 bits, so that a stale id never reaches a newcomer.

use std::fmt::{self, Display, Formatter};

/// The id of a context: slot in the low, generation in the high half. 0 is the embedding program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct ContextId(pub(crate) u64);

impl ContextId {
    /// Context 0: the embedding program.
    pub const HOST: ContextId = ContextId(0);

    fn new(slot: u32, generation: u32) -> ContextId {
        ContextId(u64::from(generation) << 32 | u64::from(slot))
    }

    fn slot(self) -> u32 {
        self.0 as u32
    }

    /// The number that scripts see as `calog.self().id`.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl Display for ContextId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot(), self.0 >> 32)
    }
}

/// Things by id: a slot is used again after its thing is gone, under the next generation.
///
/// Slot 0 is never given out: it stands for the embedding program.
pub(crate) struct SlotTable<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

struct Slot<T> {
    generation: u32,
    content: Option<T>,
}

impl<T> SlotTable<T> {
    pub(crate) fn new() -> SlotTable<T> {
        SlotTable { slots: vec![Slot { generation: 0, content: None }], free: Vec::new() }
    }

    /// Puts a thing in; `make` learns its id.
    pub(crate) fn insert(&mut self, make: impl FnOnce(ContextId) -> T) -> ContextId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, content: None });
            self.slots.len() as u32 - 1
        });
        let place = &mut self.slots[slot as usize];
        // A generation of 0 is skipped, so that an id with slot and generation is never 0 or small.
        place.generation = place.generation.checked_add(1).unwrap_or(1);
        let id = ContextId::new(slot, place.generation);
        place.content = Some(make(id));
        id
    }

    pub(crate) fn get(&self, id: ContextId) -> Option<&T> {
        let place = self.slots.get(id.slot() as usize)?;
        (ContextId::new(id.slot(), place.generation) == id).then_some(place.content.as_ref()).flatten()
    }

    pub(crate) fn remove(&mut self, id: ContextId) -> Option<T> {
        self.get(id)?;
        self.free.push(id.slot());
        self.slots[id.slot() as usize].content.take()
    }

    pub(crate) fn is_empty(&self) -> bool {
        // Slot 0 is nobody's.
        self.slots.len() == self.free.len() + 1
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().filter_map(|slot| slot.content.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_id_finds_nothing() {
        let mut table = SlotTable::new();
        let first = table.insert(|_| "first");
        assert_eq!(table.remove(first), Some("first"));
        let second = table.insert(|_| "second");
        assert_eq!(second.slot(), first.slot());
        assert_eq!((table.get(first), table.get(second)), (None, Some(&"second")));
        assert_eq!(table.remove(first), None);
        assert!(!table.is_empty());
        table.remove(second);
        assert!(table.is_empty());
    }

    #[test]
    fn no_context_has_the_hosts_id() {
        let mut table = SlotTable::new();
        assert_ne!(table.insert(|_| ()), ContextId::HOST);
        assert_eq!(table.get(ContextId::HOST), None);
    }
}
