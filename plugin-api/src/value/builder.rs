//! Writes an aggregate's block, front to back, in one pass.
//!
//! Children are written before their parent: while an aggregate is open its slots wait on a stack,
//! and `end` moves them to the tape in one piece. So nothing has to be known ahead, every list is
//! random access, and depth and size are known when the block is finished.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use super::block::{self, AGGREGATE_HEAD_BYTES, FLAG_BYTES, MAX_BLOCK_BYTES, NODE_BYTES, Node, SLOT_BYTES, Slot};
use super::view::{AggregateView, View};
use super::{Aggregate, Kind, MAX_DEPTH, Shape, Value, check_string_length, no_memory};
use crate::abi::{Callable, Object};
use crate::error::{Code, Error, Result};

/// Entries of the cache that knows a key by its address, at first and at most: each context keeps
/// one, and most send few keys. Powers of two, each by a power of four.
const FIRST_ADDRESSES: usize = 32;
const MOST_ADDRESSES: usize = 512;

/// Up to this many pairs, a key that comes twice is looked for pair by pair.
const FEW_PAIRS: usize = 16;

/// Builds a [`Value`] that may hold aggregates.
///
/// Push values; between [`begin`](Builder::begin) and [`end`](Builder::end) they go into that
/// aggregate, after [`key`](Builder::key) as a pair. The list part comes before the pairs.
/// [`finish`](Builder::finish) gives the value and leaves the builder empty, its memory kept for the
/// next one; so does [`reset`](Builder::reset) after an error.
///
/// ```
/// use calog_plugin_api::{Builder, Shape};
/// let mut builder = Builder::new();
/// builder.begin(Shape::Map)?;
/// builder.key_str(b"name")?;
/// builder.string(b"Ada")?;
/// builder.key_str(b"years")?;
/// builder.begin(Shape::List)?;
/// builder.int(1815);
/// builder.int(1852);
/// builder.end()?;
/// builder.end()?;
/// assert_eq!(format!("{:?}", builder.finish()?), r#"{name: "Ada", years: [1815, 1852]}"#);
/// # Ok::<(), calog_plugin_api::Error>(())
/// ```
#[derive(Default)]
pub struct Builder {
    /// Nodes and string bytes, as they will stand in the block behind its head.
    tape: Vec<u8>,
    /// Slots of the open aggregates.
    slots: Vec<Slot>,
    /// Key ids of the open aggregates' pairs.
    pair_keys: Vec<u32>,
    /// One slot for each key id.
    keys: Vec<Slot>,
    refs: Vec<Value>,
    open: Vec<Open>,
    /// Set between `key` and the value that belongs to it.
    key_waits: bool,
    by_address: Vec<(usize, u32, u32)>,
    /// Marks which entries of `by_address` belong to the value under construction.
    generation: u32,
    by_content: HashMap<u64, u32>,
    hasher: RandomState,
    /// Levels beyond `MAX_DEPTH`, for the wrapping an error puts around a thrown value.
    extra_depth: usize,
}

/// An aggregate that has begun and not ended.
struct Open {
    slots_from: usize,
    keys_from: usize,
    shape: Shape,
    /// Whether it is the value of its parent's last key.
    keyed: bool,
    /// The deepest child's depth.
    depth: u16,
    size: u32,
}

impl Builder {
    /// An empty builder.
    pub fn new() -> Builder {
        Builder::default()
    }

    pub(crate) fn with_extra_depth(levels: usize) -> Builder {
        Builder { extra_depth: levels, ..Builder::default() }
    }

    /// Forgets what was begun.
    pub fn reset(&mut self) {
        self.tape.clear();
        self.slots.clear();
        self.pair_keys.clear();
        self.keys.clear();
        self.refs.clear();
        self.open.clear();
        self.key_waits = false;
        self.by_content.clear();
        self.generation = self.generation.wrapping_add(1);
        if self.generation == 0 {
            self.by_address.clear();
        }
    }

    /// How many aggregates are open.
    pub fn depth(&self) -> usize {
        self.open.len()
    }

    /// Begins an aggregate. `Shape` decides what it is when it stays empty; one that gets pairs is a map.
    ///
    /// # Errors
    /// `depth` when it would be level 129.
    pub fn begin(&mut self, shape: Shape) -> Result<()> {
        if self.open.len() >= MAX_DEPTH + self.extra_depth {
            return Err(too_deep());
        }
        self.open.push(Open {
            slots_from: self.slots.len(),
            keys_from: self.pair_keys.len(),
            shape,
            keyed: self.key_waits,
            depth: 0,
            size: 1,
        });
        self.key_waits = false;
        Ok(())
    }

    /// Ends the innermost aggregate, whose keys came from anywhere.
    ///
    /// # Errors
    /// `unsupported` for a key that comes twice, `type` for a key without a value, `limit` when the
    /// block grows beyond [`MAX_BLOCK_BYTES`].
    pub fn end(&mut self) -> Result<()> {
        let from = self.open.last().ok_or_else(nothing_open)?.keys_from;
        self.check_distinct(from)?;
        self.end_distinct()
    }

    /// Ends the innermost aggregate, whose keys the caller knows to be distinct, as an engine does
    /// that walks a table of its own.
    ///
    /// # Errors
    /// As [`end`](Builder::end), but that keys are not compared.
    pub fn end_distinct(&mut self) -> Result<()> {
        if self.key_waits {
            return Err(Error::new(Code::Type, "a map's key has no value"));
        }
        let open = self.open.pop().ok_or_else(nothing_open)?;
        self.pad_tape();
        let back = AGGREGATE_HEAD_BYTES + self.tape.len();
        let pairs = self.pair_keys.len() - open.keys_from;
        let list = self.slots.len() - open.slots_from - pairs;
        let shape = if pairs > 0 { Shape::Map } else { open.shape };
        let depth = open.depth + 1;
        let bytes = NODE_BYTES + (list + pairs) * SLOT_BYTES + pairs * size_of::<u32>();
        self.check_room(bytes)?;
        let node = Node {
            back: back as u32,
            list_len: list as u32,
            pair_len: pairs as u32,
            size: open.size,
            depth,
            shape: shape as u16,
            reserved: 0,
        };
        self.tape.extend_from_slice(block::bytes_of(&[node]));
        self.tape.extend_from_slice(block::bytes_of(&self.slots[open.slots_from..]));
        self.tape.extend_from_slice(block::bytes_of(&self.pair_keys[open.keys_from..]));
        self.slots.truncate(open.slots_from);
        self.pair_keys.truncate(open.keys_from);
        self.key_waits = open.keyed;
        self.push(Slot { len: 0, payload: back as u64, ..slot(Kind::Aggregate) });
        if let Some(parent) = self.open.last_mut() {
            parent.depth = parent.depth.max(depth);
            // `push` counted the node itself.
            parent.size += open.size - 1;
        }
        Ok(())
    }

    /// The value, and an empty builder.
    ///
    /// # Errors
    /// `type` when nothing or more than one value was pushed outside of any aggregate, or one is
    /// still open; `limit` beyond [`MAX_BLOCK_BYTES`].
    pub fn finish(&mut self) -> Result<Value> {
        let value = self.take();
        self.reset();
        value
    }

    fn take(&mut self) -> Result<Value> {
        if !self.open.is_empty() || self.slots.len() != 1 {
            let (open, values) = (self.open.len(), self.slots.len());
            return Err(Error::new(
                Code::Type,
                format!("a builder must hold one value when it finishes: {values} here, {open} still open"),
            ));
        }
        let root = self.slots[0];
        match Kind::from_number(root.kind) {
            Kind::Aggregate => {
                self.pad_tape();
                self.check_room(size_of_val(self.keys.as_slice()) + size_of_val(self.refs.as_slice()))?;
                let root = root.payload as u32;
                Aggregate::assemble(&self.tape, &self.keys, &mut self.refs, root)
                    .map(Value::Aggregate)
                    .ok_or_else(|| no_memory(self.tape.len()))
            }
            Kind::Callable | Kind::Object => Ok(self.refs.swap_remove(root.payload as usize)),
            Kind::String => {
                let start = root.payload as usize - AGGREGATE_HEAD_BYTES;
                let bytes = &self.tape[start..start + root.len as usize];
                let own = block::try_own_str(bytes, root.flags).ok_or_else(|| no_memory(bytes.len()))?;
                Ok(Value::String(own))
            }
            Kind::Nil => Ok(Value::Nil),
            Kind::Bool => Ok(Value::Bool(root.payload != 0)),
            Kind::Int => Ok(Value::Int(root.payload as i64)),
            Kind::Real => Ok(Value::Real(f64::from_bits(root.payload))),
        }
    }

    /// Pushes nil.
    #[inline]
    pub fn nil(&mut self) {
        self.push(slot(Kind::Nil));
    }

    /// Pushes a truth value.
    #[inline]
    pub fn bool(&mut self, value: bool) {
        self.push(Slot { payload: value.into(), ..slot(Kind::Bool) });
    }

    /// Pushes an integer.
    #[inline]
    pub fn int(&mut self, value: i64) {
        self.push(Slot { payload: value as u64, ..slot(Kind::Int) });
    }

    /// Pushes a double.
    #[inline]
    pub fn real(&mut self, value: f64) {
        self.push(Slot { payload: value.to_bits(), ..slot(Kind::Real) });
    }

    /// Pushes a string of these bytes.
    ///
    /// # Errors
    /// `limit` beyond [`MAX_STRING_BYTES`](super::MAX_STRING_BYTES) or [`MAX_BLOCK_BYTES`].
    #[inline]
    pub fn string(&mut self, bytes: &[u8]) -> Result<()> {
        let slot = self.write_string(bytes, 0)?;
        self.push(slot);
        Ok(())
    }

    /// Pushes a string marked as bytes; errors as [`string`](Builder::string).
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let slot = self.write_string(bytes, FLAG_BYTES)?;
        self.push(slot);
        Ok(())
    }

    /// Pushes a callable.
    pub fn callable(&mut self, callable: Callable) {
        self.reference(Kind::Callable, Value::Callable(callable));
    }

    /// Pushes an Object.
    pub fn object(&mut self, object: Object) {
        self.reference(Kind::Object, Value::Object(object));
    }

    /// Pushes any value; an aggregate is copied into the block.
    ///
    /// # Errors
    /// `depth` and `limit`, as the pushing of its parts.
    pub fn value(&mut self, value: &Value) -> Result<()> {
        self.view(value.view())
    }

    /// Pushes what a view shows; errors as [`value`](Builder::value).
    pub fn view(&mut self, view: View<'_>) -> Result<()> {
        match view.kind() {
            Kind::Nil => self.nil(),
            Kind::Bool => self.bool(view.as_bool() == Some(true)),
            Kind::Int => self.int(view.as_int().unwrap_or_default()),
            Kind::Real => self.real(view.as_real().unwrap_or_default()),
            Kind::String => {
                let flags = if view.is_bytes() { FLAG_BYTES } else { 0 };
                let slot = self.write_string(view.as_bytes().unwrap_or_default(), flags)?;
                self.push(slot);
            }
            Kind::Aggregate => {
                if let Some(aggregate) = view.as_aggregate() {
                    self.copy(aggregate)?;
                }
            }
            Kind::Callable => {
                if let Some(callable) = view.as_callable() {
                    self.callable(callable.clone());
                }
            }
            Kind::Object => {
                if let Some(object) = view.as_object() {
                    self.object(object.clone());
                }
            }
        }
        Ok(())
    }

    pub(super) fn copy(&mut self, aggregate: AggregateView<'_>) -> Result<()> {
        if self.open.len() + aggregate.depth() > MAX_DEPTH + self.extra_depth {
            return Err(too_deep());
        }
        self.begin(aggregate.shape())?;
        for element in aggregate.elements() {
            self.view(element)?;
        }
        for pair in aggregate.pairs() {
            self.key_view(pair.key)?;
            self.view(pair.value)?;
        }
        self.end_distinct()
    }

    /// The key of the next value; see [`key_view`](Builder::key_view).
    pub fn key(&mut self, key: &Value) -> Result<()> {
        self.key_view(key.view())
    }

    /// The key of the next value: a string, an int, or a real. A real that equals an int is that int.
    ///
    /// # Errors
    /// `type` for another kind or NaN, and when no map is open.
    pub fn key_view(&mut self, key: View<'_>) -> Result<()> {
        match key.kind() {
            Kind::String => self.key_str(key.as_bytes().unwrap_or_default()),
            Kind::Int => self.key_int(key.as_int().unwrap_or_default()),
            Kind::Real => self.key_real(key.as_real().unwrap_or_default()),
            other => {
                Err(Error::new(Code::Type, format!("a {} is no key: keys are strings, ints and reals", other.name())))
            }
        }
    }

    /// A string as the key of the next value; errors as [`key_view`](Builder::key_view).
    pub fn key_str(&mut self, key: &[u8]) -> Result<()> {
        let hash = self.hasher.hash_one(key);
        if let Some(&id) = self.by_content.get(&hash)
            && self.key_bytes(id) == Some(key)
        {
            return self.take_key(id);
        }
        let id = self.new_str_key(key)?;
        self.by_content.insert(hash, id);
        self.take_key(id)
    }

    /// A string as the key of the next value, by an engine that can tell keys by a number: `address`
    /// stands for these bytes and no others until [`finish`](Builder::finish), as the address of an
    /// interned string does. Errors as [`key_view`](Builder::key_view).
    #[inline]
    pub fn key_interned(&mut self, address: usize, key: &[u8]) -> Result<()> {
        let hash = (address >> 4) ^ (address >> 13);
        if let Some(last) = self.by_address.len().checked_sub(1) {
            let (known, generation, id) = self.by_address[hash & last];
            if known == address && generation == self.generation {
                return self.take_key(id);
            }
        }
        let id = self.new_str_key(key)?;
        let last = self.room_for_address() - 1;
        self.by_address[hash & last] = (address, self.generation, id);
        self.take_key(id)
    }

    /// Makes the cache of addresses larger when this value has many keys, be they new or forgotten.
    /// Gives its length.
    fn room_for_address(&mut self) -> usize {
        let length = self.by_address.len();
        if length >= MOST_ADDRESSES || self.keys.len() <= length / 2 {
            return length;
        }
        // What it knew is forgotten: the places are others now.
        let larger = if length == 0 { FIRST_ADDRESSES } else { length * 4 };
        self.by_address.clear();
        self.by_address.resize(larger, (0, 0, 0));
        self.generation = self.generation.max(1);
        larger
    }

    /// An int as the key of the next value; errors as [`key_view`](Builder::key_view).
    pub fn key_int(&mut self, key: i64) -> Result<()> {
        let id = self.new_key(Slot { payload: key as u64, ..slot(Kind::Int) })?;
        self.take_key(id)
    }

    /// A real as the key of the next value; errors as [`key_view`](Builder::key_view).
    pub fn key_real(&mut self, key: f64) -> Result<()> {
        if key.is_nan() {
            return Err(Error::new(Code::Type, "NaN is no key: it does not even equal itself"));
        }
        // The upper bound is 2^63 itself, which no i64 reaches.
        if key.fract() == 0.0 && key >= i64::MIN as f64 && key < i64::MAX as f64 {
            return self.key_int(key as i64);
        }
        let id = self.new_key(Slot { payload: key.to_bits(), ..slot(Kind::Real) })?;
        self.take_key(id)
    }

    fn new_str_key(&mut self, key: &[u8]) -> Result<u32> {
        let slot = self.write_string(key, 0)?;
        self.new_key(slot)
    }

    fn new_key(&mut self, slot: Slot) -> Result<u32> {
        self.check_room(SLOT_BYTES)?;
        self.keys.push(slot);
        Ok(self.keys.len() as u32 - 1)
    }

    #[inline]
    fn take_key(&mut self, id: u32) -> Result<()> {
        if self.open.is_empty() {
            return Err(nothing_open());
        }
        if self.key_waits {
            return Err(Error::new(Code::Type, "a map's key has no value"));
        }
        self.pair_keys.push(id);
        self.key_waits = true;
        Ok(())
    }

    fn key_bytes(&self, id: u32) -> Option<&[u8]> {
        let key = self.keys.get(id as usize)?;
        (key.kind == Kind::String as u8).then(|| {
            let start = key.payload as usize - AGGREGATE_HEAD_BYTES;
            &self.tape[start..start + key.len as usize]
        })
    }

    /// A key as something that compares by content.
    fn key_content(&self, id: u32) -> (u8, &[u8], u64) {
        let key = &self.keys[id as usize];
        match self.key_bytes(id) {
            Some(bytes) => (key.kind, bytes, 0),
            None => (key.kind, &[], key.payload),
        }
    }

    fn check_distinct(&self, from: usize) -> Result<()> {
        let ids = &self.pair_keys[from..];
        let twice = if ids.len() <= FEW_PAIRS {
            (1..ids.len()).find(|&at| {
                ids[..at].iter().any(|&id| id == ids[at] || self.key_content(id) == self.key_content(ids[at]))
            })
        } else {
            let mut seen = HashSet::with_capacity(ids.len());
            ids.iter().position(|&id| !seen.insert(self.key_content(id)))
        };
        match twice {
            None => Ok(()),
            Some(at) => {
                let (kind, bytes, payload) = self.key_content(ids[at]);
                let key = if kind == Kind::String as u8 {
                    format!("{:?}", String::from_utf8_lossy(bytes))
                } else if kind == Kind::Int as u8 {
                    (payload as i64).to_string()
                } else {
                    f64::from_bits(payload).to_string()
                };
                Err(Error::new(Code::Unsupported, format!("the key {key} comes twice in one map")))
            }
        }
    }

    #[inline]
    fn write_string(&mut self, bytes: &[u8], flags: u8) -> Result<Slot> {
        check_string_length(bytes.len())?;
        self.check_room(bytes.len())?;
        let at = AGGREGATE_HEAD_BYTES + self.tape.len();
        self.tape.try_reserve(bytes.len()).map_err(|_| no_memory(bytes.len()))?;
        self.tape.extend_from_slice(bytes);
        Ok(Slot { flags, len: bytes.len() as u32, payload: at as u64, ..slot(Kind::String) })
    }

    #[inline]
    fn push(&mut self, slot: Slot) {
        if let Some(open) = self.open.last_mut() {
            open.size += 1;
            if self.key_waits {
                self.key_waits = false;
            } else if self.pair_keys.len() > open.keys_from {
                // A list element behind a pair: it moves before the pairs, where the list part is.
                let pairs = self.pair_keys.len() - open.keys_from;
                let at = self.slots.len() - pairs;
                self.slots.insert(at, slot);
                return;
            }
        }
        self.slots.push(slot);
    }

    fn reference(&mut self, kind: Kind, value: Value) {
        self.push(Slot { payload: self.refs.len() as u64, ..slot(kind) });
        self.refs.push(value);
    }

    fn pad_tape(&mut self) {
        let padded = self.tape.len().next_multiple_of(8);
        self.tape.resize(padded, 0);
    }

    /// The block's parts, with `more` bytes added, stay within the limit.
    #[inline]
    fn check_room(&self, more: usize) -> Result<()> {
        let now = AGGREGATE_HEAD_BYTES + self.tape.len() + (self.keys.len() + self.slots.len()) * SLOT_BYTES;
        if now + more + 8 <= MAX_BLOCK_BYTES - self.refs.len() * size_of::<Value>() {
            return Ok(());
        }
        Err(Error::new(Code::Limit, format!("the value is too large: at most {MAX_BLOCK_BYTES} bytes can cross")))
    }
}

#[inline]
fn slot(kind: Kind) -> Slot {
    Slot { kind: kind as u8, flags: 0, reserved: 0, len: 0, payload: 0 }
}

fn too_deep() -> Error {
    Error::new(Code::Depth, format!("the value nests deeper than {MAX_DEPTH} levels"))
}

fn nothing_open() -> Error {
    Error::new(Code::Type, "no aggregate is open in this builder")
}
