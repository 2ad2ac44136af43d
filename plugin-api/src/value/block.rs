//! The memory of strings and aggregates: refcounted blocks that are written once and then only read.
//!
//! Invariant: a block is immutable from the moment a handle to it exists, so any thread may read it;
//! the thread that drops the last handle frees it, through the function the block itself names
//! (each plugin has an allocator of its own). The layout is `VALUE_FORMAT` 1, specified byte by byte
//! in `docs/abi.md` and pinned by golden files: it is inlined into plugins and may not change within
//! a format. All offsets are relative to the block's head, so the bytes may move to another place.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use abi_stable::StableAbi;

use super::view::View;
use super::{Kind, Shape, Value};
use crate::abi::{Callable, Object};

/// The version of the layout below. Plugin and host must agree on it exactly.
pub const VALUE_FORMAT: u32 = 1;

/// The longest string, in bytes: a length has 32 bits everywhere.
pub const MAX_STRING_BYTES: usize = u32::MAX as usize - 64;

/// The largest aggregate, in bytes of its one block: offsets have 32 bits.
pub const MAX_BLOCK_BYTES: usize = u32::MAX as usize - 64;

/// What every block begins with.
#[repr(C)]
pub(crate) struct Head {
    free: unsafe extern "C" fn(*mut Head),
    refs: AtomicUsize,
}

/// A string block's head; the bytes follow at once.
#[repr(C)]
pub(crate) struct StrHead {
    head: Head,
    len: u32,
    flags: u32,
}

/// Set on strings that stand for bytes rather than text (a JavaScript `Uint8Array`).
pub(crate) const FLAG_BYTES: u8 = 1;
/// Set on views whose bytes lie in a string block of their own, so that owning them is a count.
pub(crate) const FLAG_BLOCK: u8 = 2;

/// An aggregate block's head; nodes, string bytes, keys and references follow.
#[repr(C)]
pub(crate) struct AggregateHead {
    head: Head,
    /// Bytes of the whole block, this head included.
    bytes: u32,
    /// Offset and number of the key slots, one for each distinct key.
    keys: u32,
    key_count: u32,
    /// Offset and number of the callables and Objects inside, stored as whole Values.
    refs: u32,
    ref_count: u32,
    /// Offset of the outermost node.
    root: u32,
    reserved: [u32; 2],
}

/// One aggregate inside a block: this head, its list slots, its pair slots, its pairs' key ids.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Node {
    /// Distance from the block's head to this node.
    pub(crate) back: u32,
    pub(crate) list_len: u32,
    pub(crate) pair_len: u32,
    /// Values in this subtree, itself included.
    pub(crate) size: u32,
    /// Levels: a flat aggregate has 1.
    pub(crate) depth: u16,
    /// `Shape` as a number.
    pub(crate) shape: u16,
    pub(crate) reserved: u32,
}

/// One value inside a block: like a `View`, but with offsets where a view has addresses.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Slot {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) reserved: u16,
    pub(crate) len: u32,
    pub(crate) payload: u64,
}

pub(crate) const AGGREGATE_HEAD_BYTES: usize = size_of::<AggregateHead>();
pub(crate) const NODE_BYTES: usize = size_of::<Node>();
pub(crate) const SLOT_BYTES: usize = size_of::<Slot>();

const _: () = assert!(size_of::<StrHead>() == 24 && size_of::<AggregateHead>() == 48);
const _: () = assert!(NODE_BYTES == 24 && SLOT_BYTES == 16 && align_of::<Slot>() == 8);

fn str_layout(len: usize) -> Layout {
    // SAFETY: `len` is at most MAX_STRING_BYTES, so the sum is far below isize::MAX; 8 is a power of two.
    unsafe { Layout::from_size_align_unchecked(size_of::<StrHead>() + len, 8) }
}

fn aggregate_layout(bytes: usize) -> Layout {
    // SAFETY: `bytes` is at most MAX_BLOCK_BYTES plus one head; 8 is a power of two.
    unsafe { Layout::from_size_align_unchecked(bytes, 8) }
}

unsafe extern "C" fn free_str(head: *mut Head) {
    // SAFETY: only a block made by `Str::new` below carries this function; its count is zero, so
    // nobody else reads it, and its layout follows from its length.
    unsafe {
        let len = (*head.cast::<StrHead>()).len as usize;
        dealloc(head.cast(), str_layout(len));
    }
}

unsafe extern "C" fn free_aggregate(head: *mut Head) {
    let head = head.cast::<AggregateHead>();
    // SAFETY: only a block made by `Aggregate::assemble` carries this function; its count is zero.
    // The references were moved in there and are dropped here, once; they hold no aggregates, so
    // this does not recurse. A drop that panics would leave the ABI, so it is caught and the rest leaks.
    unsafe {
        let first = head.byte_add((*head).refs as usize).cast::<Value>();
        let refs = std::ptr::slice_from_raw_parts_mut(first, (*head).ref_count as usize);
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| std::ptr::drop_in_place(refs)));
        dealloc(head.cast(), aggregate_layout((*head).bytes as usize));
    }
}

/// Adds a reference.
///
/// # Safety
/// `head` points to a live block.
#[inline]
unsafe fn retain(head: *mut Head) {
    // ORDERING: relaxed, as in Arc: a new reference is made from an existing one, which already
    // orders every access.
    // SAFETY: the caller vouches for `head`.
    unsafe { (*head).refs.fetch_add(1, Ordering::Relaxed) };
}

/// Gives a reference back, and the block with the last one.
///
/// # Safety
/// `head` points to a live block, and the caller owns the reference it gives back.
#[inline]
unsafe fn release(head: *mut Head) {
    // ORDERING: release on every drop and acquire before the free, as in Arc: the free must come
    // after every other thread's last read.
    // SAFETY: the caller vouches for `head`; the block's own `free` knows how it was allocated.
    unsafe {
        if (*head).refs.fetch_sub(1, Ordering::Release) == 1 {
            fence(Ordering::Acquire);
            ((*head).free)(head);
        }
    }
}

/// A binary-safe string: immutable bytes, shared by counting, of any thread.
///
/// It may be *marked as bytes*, which languages with a type for raw bytes (JavaScript's
/// `Uint8Array`) keep apart from text; all others see a string.
#[repr(transparent)]
#[derive(StableAbi)]
pub struct Str {
    #[sabi(unsafe_opaque_field)]
    head: NonNull<StrHead>,
}

// SAFETY: the block is immutable and its count atomic.
unsafe impl Send for Str {}
// SAFETY: as above.
unsafe impl Sync for Str {}

impl Str {
    /// A string of these bytes, copied.
    ///
    /// # Panics
    /// When the bytes are more than [`MAX_STRING_BYTES`]; [`Str::try_new`] gives an error instead.
    pub fn new(bytes: impl AsRef<[u8]>) -> Str {
        Str::make(bytes.as_ref(), 0)
    }

    /// A string of these bytes, marked as bytes.
    ///
    /// # Panics
    /// As [`Str::new`].
    pub fn from_bytes(bytes: impl AsRef<[u8]>) -> Str {
        Str::make(bytes.as_ref(), FLAG_BYTES.into())
    }

    /// A string of these bytes, or a `limit` error when they are more than [`MAX_STRING_BYTES`], or more
    /// than there is memory for.
    pub fn try_new(bytes: &[u8]) -> crate::Result<Str> {
        super::check_string_length(bytes.len())?;
        Str::allocate(bytes, 0).ok_or_else(|| super::no_memory(bytes.len()))
    }

    fn make(bytes: &[u8], flags: u32) -> Str {
        assert!(bytes.len() <= MAX_STRING_BYTES, "a string of {} bytes", bytes.len());
        Str::allocate(bytes, flags).unwrap_or_else(|| handle_alloc_error(str_layout(bytes.len())))
    }

    /// Nothing where there is no memory for it.
    #[inline]
    fn allocate(bytes: &[u8], flags: u32) -> Option<Str> {
        let layout = str_layout(bytes.len());
        // SAFETY: the layout is not empty; the head and the bytes are written before a handle exists.
        unsafe {
            let head = NonNull::new(alloc(layout).cast::<StrHead>())?;
            head.write(StrHead {
                head: Head { free: free_str, refs: AtomicUsize::new(1) },
                len: bytes.len() as u32,
                flags,
            });
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), head.add(1).cast().as_ptr(), bytes.len());
            Some(Str { head })
        }
    }

    /// Its bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: the block lives as long as this handle, and `len` bytes follow its head.
        unsafe {
            let head = self.head.as_ptr();
            std::slice::from_raw_parts(head.add(1).cast(), (*head).len as usize)
        }
    }

    /// Its text, when it is valid UTF-8.
    pub fn to_str(&self) -> Option<&str> {
        std::str::from_utf8(self.as_bytes()).ok()
    }

    /// Whether it is marked as bytes rather than text.
    pub fn is_bytes(&self) -> bool {
        self.flags() & FLAG_BYTES != 0
    }

    #[inline]
    fn flags(&self) -> u8 {
        // SAFETY: the block lives as long as this handle.
        unsafe { (*self.head.as_ptr()).flags as u8 }
    }

    /// A view of it, which remembers the block so that owning it again is a count.
    #[inline]
    pub fn view(&self) -> View<'_> {
        View::from_raw_bytes(self.as_bytes(), self.flags() | FLAG_BLOCK)
    }

    /// The string a view with `FLAG_BLOCK` came from.
    ///
    /// # Safety
    /// `bytes` is the bytes of a live string block, as `Str::view` gives them.
    unsafe fn from_block_bytes(bytes: &[u8]) -> Str {
        // SAFETY: the head lies right before the bytes, and the block is alive: a count may be added.
        unsafe {
            let head = bytes.as_ptr().cast_mut().cast::<StrHead>().sub(1);
            retain(head.cast());
            Str { head: NonNull::new_unchecked(head) }
        }
    }
}

impl Clone for Str {
    #[inline]
    fn clone(&self) -> Str {
        // SAFETY: this handle keeps the block alive.
        unsafe { retain(self.head.as_ptr().cast()) };
        Str { head: self.head }
    }
}

impl Drop for Str {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this handle owns one reference.
        unsafe { release(self.head.as_ptr().cast()) };
    }
}

/// A list, a map, or both in one: a place inside an immutable, shared block.
///
/// Handing one on costs a count; so does taking a nested aggregate out of it, which then keeps the
/// whole block alive ([`Aggregate::compact`] copies it out).
#[repr(transparent)]
#[derive(StableAbi)]
pub struct Aggregate {
    #[sabi(unsafe_opaque_field)]
    node: NonNull<Node>,
}

// SAFETY: the block is immutable and its count atomic; the callables and Objects inside are of any thread.
unsafe impl Send for Aggregate {}
// SAFETY: as above.
unsafe impl Sync for Aggregate {}

impl Aggregate {
    /// Makes a block of a builder's parts. `tape` holds nodes and string bytes; offsets in it count
    /// from the block's head. `root` is the offset of the outermost node. Nothing where there is no memory
    /// for it; the parts are left as they were.
    pub(super) fn assemble(tape: &[u8], keys: &[Slot], refs: &mut Vec<Value>, root: u32) -> Option<Aggregate> {
        debug_assert!(tape.len().is_multiple_of(8));
        let keys_at = AGGREGATE_HEAD_BYTES + tape.len();
        let refs_at = keys_at + size_of_val(keys);
        let bytes = refs_at + size_of_val(refs.as_slice());
        assert!(bytes <= MAX_BLOCK_BYTES && (root as usize) < keys_at, "a block of {bytes} bytes");
        let layout = aggregate_layout(bytes);
        // SAFETY: the layout is not empty and large enough for all parts, each of which is copied to
        // its offset; the references are moved, not copied: their vector forgets them. The root
        // offset lies within the tape.
        unsafe {
            let block = alloc(layout);
            let head = NonNull::new(block.cast::<AggregateHead>())?;
            head.write(AggregateHead {
                head: Head { free: free_aggregate, refs: AtomicUsize::new(1) },
                bytes: bytes as u32,
                keys: keys_at as u32,
                key_count: keys.len() as u32,
                refs: refs_at as u32,
                ref_count: refs.len() as u32,
                root,
                reserved: [0; 2],
            });
            std::ptr::copy_nonoverlapping(tape.as_ptr(), block.add(AGGREGATE_HEAD_BYTES), tape.len());
            std::ptr::copy_nonoverlapping(keys.as_ptr(), block.add(keys_at).cast(), keys.len());
            std::ptr::copy_nonoverlapping(refs.as_ptr(), block.add(refs_at).cast(), refs.len());
            refs.set_len(0);
            Some(Aggregate { node: NonNull::new_unchecked(block.add(root as usize).cast()) })
        }
    }

    /// A reference to what is inside.
    #[inline]
    pub(super) fn node(&self) -> NodeRef<'_> {
        NodeRef { node: self.node, block: PhantomData }
    }

    fn head(&self) -> *mut AggregateHead {
        self.node().head()
    }

    /// The position-independent bytes of its block, from the first node to the end of the keys:
    /// what golden files pin.
    pub fn block_bytes(&self) -> &[u8] {
        // SAFETY: the block lives as long as this handle; the range lies within it.
        unsafe {
            let head = self.head();
            let end = (*head).refs as usize;
            let start = head.cast::<u8>().add(AGGREGATE_HEAD_BYTES);
            std::slice::from_raw_parts(start, end - AGGREGATE_HEAD_BYTES)
        }
    }

    /// Whether two handles stand for the same place of the same block.
    pub fn same(&self, other: &Aggregate) -> bool {
        self.node == other.node
    }
}

impl Clone for Aggregate {
    #[inline]
    fn clone(&self) -> Aggregate {
        // SAFETY: this handle keeps the block alive.
        unsafe { retain(self.head().cast()) };
        Aggregate { node: self.node }
    }
}

impl Drop for Aggregate {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this handle owns one reference of the block.
        unsafe { release(self.head().cast()) };
    }
}

/// A borrowed node: what views of aggregates read through.
#[derive(Clone, Copy)]
pub(super) struct NodeRef<'a> {
    node: NonNull<Node>,
    block: PhantomData<&'a Aggregate>,
}

impl<'a> NodeRef<'a> {
    /// The node's numbers.
    #[inline]
    pub(super) fn get(self) -> Node {
        // SAFETY: the block outlives 'a and is immutable.
        unsafe { *self.node.as_ptr() }
    }

    pub(super) fn shape(self) -> Shape {
        if self.get().shape == Shape::Map as u16 { Shape::Map } else { Shape::List }
    }

    #[inline]
    fn head(self) -> *mut AggregateHead {
        // SAFETY: `back` is the distance from the head of the block this node lies in.
        unsafe { self.node.as_ptr().byte_sub((*self.node.as_ptr()).back as usize).cast() }
    }

    #[inline]
    pub(super) fn address(self) -> u64 {
        self.node.as_ptr() as u64
    }

    /// The node that an address in a view stands for.
    ///
    /// # Safety
    /// The address is one that `address` gave, of a block that outlives 'a.
    unsafe fn from_address(address: u64) -> NodeRef<'a> {
        // SAFETY: the caller vouches for the address, which is never zero.
        NodeRef { node: unsafe { NonNull::new_unchecked(address as *mut Node) }, block: PhantomData }
    }

    #[inline]
    fn slots(self) -> *const Slot {
        // SAFETY: the slots follow the node's head, within the block.
        unsafe { self.node.as_ptr().add(1).cast() }
    }

    /// List element `index`; the caller has checked it against `list_len`.
    #[inline]
    pub(super) fn element(self, index: usize) -> View<'a> {
        debug_assert!(index < self.get().list_len as usize);
        // SAFETY: the node has `list_len` list slots.
        unsafe { self.resolve(*self.slots().add(index)) }
    }

    /// The value of pair `index`; the caller has checked it against `pair_len`.
    #[inline]
    pub(super) fn pair_value(self, index: usize) -> View<'a> {
        debug_assert!(index < self.get().pair_len as usize);
        // SAFETY: the pairs' slots follow the list slots.
        unsafe { self.resolve(*self.slots().add(self.get().list_len as usize + index)) }
    }

    /// The id of the key of pair `index`; the caller has checked it against `pair_len`.
    #[inline]
    pub(super) fn pair_key_id(self, index: usize) -> u32 {
        let node = self.get();
        debug_assert!(index < node.pair_len as usize);
        // SAFETY: the key ids follow all slots.
        unsafe {
            let ids = self.slots().add(node.list_len as usize + node.pair_len as usize).cast::<u32>();
            *ids.add(index)
        }
    }

    /// How many distinct key ids the whole block has.
    pub(super) fn key_count(self) -> u32 {
        // SAFETY: the block outlives 'a.
        unsafe { (*self.head()).key_count }
    }

    /// The key with this id: an int, a real or a string.
    #[inline]
    pub(super) fn key(self, id: u32) -> View<'a> {
        debug_assert!(id < self.key_count());
        // SAFETY: ids in a block are below its key count.
        unsafe {
            let head = self.head();
            let keys = head.byte_add((*head).keys as usize).cast::<Slot>();
            self.resolve(*keys.add(id as usize))
        }
    }

    /// A slot's view: its offsets become addresses.
    ///
    /// # Safety
    /// The slot belongs to this node's block.
    #[inline]
    unsafe fn resolve(self, slot: Slot) -> View<'a> {
        // SAFETY: the slot's offsets lie within the block, which outlives 'a; a reference's index
        // lies below `ref_count`, and the payload of a Value begins 8 bytes after its tag.
        unsafe {
            let payload = match slot.kind {
                k if k == Kind::String as u8 || k == Kind::Aggregate as u8 => {
                    self.head().byte_add(slot.payload as usize) as u64
                }
                k if k == Kind::Callable as u8 || k == Kind::Object as u8 => {
                    let head = self.head();
                    let refs = head.byte_add((*head).refs as usize).cast::<Value>();
                    refs.add(slot.payload as usize).byte_add(8) as u64
                }
                _ => slot.payload,
            };
            View::from_raw(slot.kind, slot.flags, slot.len, payload)
        }
    }
}

// What a view needs of raw memory. Its fields are private to it and made by the functions above, or
// from borrowed Rust values; so its addresses are good for its lifetime.

/// The bytes of a string view.
#[inline]
pub(super) fn view_bytes<'a>(address: u64, len: u32) -> &'a [u8] {
    // SAFETY: see above; `len` bytes are readable at the address.
    unsafe { std::slice::from_raw_parts(address as *const u8, len as usize) }
}

/// The node of an aggregate view.
#[inline]
pub(super) fn view_node<'a>(address: u64) -> NodeRef<'a> {
    // SAFETY: see above.
    unsafe { NodeRef::from_address(address) }
}

/// The callable of a callable view.
#[inline]
pub(super) fn view_callable<'a>(address: u64) -> &'a Callable {
    // SAFETY: see above.
    unsafe { &*(address as *const Callable) }
}

/// The Object of an object view.
#[inline]
pub(super) fn view_object<'a>(address: u64) -> &'a Object {
    // SAFETY: see above.
    unsafe { &*(address as *const Object) }
}

/// Owns a string view: by count where it has a block, else by copy.
pub(super) fn own_str(bytes: &[u8], flags: u8) -> Str {
    if flags & FLAG_BLOCK != 0 {
        // SAFETY: the flag is set by `Str::view` alone.
        unsafe { Str::from_block_bytes(bytes) }
    } else {
        Str::make(bytes, (flags & FLAG_BYTES).into())
    }
}

/// The string of a builder's bytes, if there is memory for it.
pub(super) fn try_own_str(bytes: &[u8], flags: u8) -> Option<Str> {
    debug_assert_eq!(flags & FLAG_BLOCK, 0, "a builder's strings lie on its tape");
    Str::allocate(bytes, (flags & FLAG_BYTES).into())
}

/// Owns an aggregate view, by count.
pub(super) fn own_aggregate(node: NodeRef<'_>) -> Aggregate {
    // SAFETY: the view's block is alive, so a count may be added.
    unsafe { retain(node.head().cast()) };
    Aggregate { node: node.node }
}

/// The bytes of some plain numbers, for the builder's tape.
pub(super) fn bytes_of<T: Plain>(items: &[T]) -> &[u8] {
    // SAFETY: Plain types have no padding and no pointers; the length is theirs.
    unsafe { std::slice::from_raw_parts(items.as_ptr().cast(), size_of_val(items)) }
}

/// Types made of numbers only, without padding.
///
/// # Safety
/// As it says.
pub(super) unsafe trait Plain {}
// SAFETY: its fields fill it: u8, u8, u16, u32, u64.
unsafe impl Plain for Slot {}
// SAFETY: its fields fill it: six u32 and two u16.
unsafe impl Plain for Node {}
// SAFETY: a number.
unsafe impl Plain for u32 {}
