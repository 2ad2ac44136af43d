//! What a heap may hold, and the allocator that keeps to it.
//!
//! Each block begins with its size, which QuickJS does not tell when it frees one.

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, realloc};
use std::cell::Cell;
use std::ptr;
use std::rc::Rc;

use rquickjs::allocator::Allocator;

/// Before each block; as large as blocks are aligned.
const HEAD: usize = 16;

/// A request below this that is refused may have been one of QuickJS's own, which it does not tell of.
const SMALL: usize = 64 << 10;

/// The account of one heap. Never leaves its thread.
#[derive(Default)]
pub(crate) struct Memory {
    used: Cell<usize>,
    limit: Cell<Option<usize>>,
    /// How many of those that lift the limit lie within each other.
    lifted: Cell<u32>,
    /// A small request came to nothing, and what that may have left has not been looked after.
    starved: Cell<bool>,
}

impl Memory {
    /// Bounds what it may hold, or does so no more.
    pub(crate) fn set_limit(&self, bytes: Option<u64>) {
        self.limit.set(bytes.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)));
    }

    /// To how many bytes it is bound.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.limit.get().map(|bytes| bytes as u64)
    }

    /// Whether a small request came to nothing: then QuickJS may have left something half done, a promise
    /// that was to go on, or what a new context begins with.
    pub(crate) fn is_starved(&self) -> bool {
        self.starved.get()
    }

    /// Nothing is half done any more.
    pub(crate) fn forget_starved(&self) {
        self.starved.set(false);
    }

    /// Has nothing refused as long as the guard lives.
    pub(crate) fn lift(&self) -> Lifted<'_> {
        self.lifted.set(self.lifted.get() + 1);
        Lifted(self)
    }

    /// Whether there may be so many bytes more in the place of so many.
    fn may_grow(&self, before: usize, size: usize) -> bool {
        let grown = (self.used.get() - before).saturating_add(size);
        let is_over = self.limit.get().is_some_and(|limit| grown > limit);
        #[cfg(test)]
        let is_over = is_over || (self.lifted.get() == 0 && super::refusing::is_refused());
        let is_refused = is_over && size > before && self.lifted.get() == 0;
        if is_refused {
            self.note_failure(size);
        }
        !is_refused
    }

    fn note_failure(&self, size: usize) {
        if size < SMALL {
            self.starved.set(true);
        }
    }

    fn count(&self, before: usize, size: usize) {
        self.used.set(self.used.get() - before + size);
    }
}

/// Nothing is refused while it lives.
pub(crate) struct Lifted<'m>(&'m Memory);

impl Drop for Lifted<'_> {
    fn drop(&mut self) {
        self.0.lifted.set(self.0.lifted.get() - 1);
    }
}

/// The allocator of one heap, with its account.
pub(crate) struct Counted(pub(crate) Rc<Memory>);

fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_add(HEAD)?, HEAD).ok()
}

/// The size that a block of ours begins with.
///
/// # Safety
/// The block is one of ours.
unsafe fn size_of_block(block: *mut u8) -> usize {
    // SAFETY: its head lies before it.
    unsafe { block.sub(HEAD).cast::<usize>().read() }
}

impl Counted {
    fn make(&self, size: usize, make: unsafe fn(Layout) -> *mut u8) -> *mut u8 {
        let Some(layout) = layout(size) else { return ptr::null_mut() };
        if !self.0.may_grow(0, size) {
            return ptr::null_mut();
        }
        // SAFETY: the layout is not empty; what is made has room for its head.
        unsafe { self.begin(make(layout), size) }
    }

    /// Writes the head of a block that begins here, if there is one.
    ///
    /// # Safety
    /// Null, or room for a block of this size and its head.
    unsafe fn begin(&self, head: *mut u8, size: usize) -> *mut u8 {
        if head.is_null() {
            self.0.note_failure(size);
            return head;
        }
        self.0.count(0, size);
        // SAFETY: the caller vouches for it; the allocator aligns it.
        unsafe {
            head.cast::<usize>().write(size);
            head.add(HEAD)
        }
    }
}

// SAFETY: blocks are as large as asked for, aligned for all C types, and their sizes are in their heads.
unsafe impl Allocator for Counted {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        self.make(size, alloc)
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        count.checked_mul(size).map_or(ptr::null_mut(), |size| self.make(size, alloc_zeroed))
    }

    unsafe fn dealloc(&mut self, block: *mut u8) {
        // SAFETY: QuickJS frees what it got here, once.
        unsafe {
            let size = size_of_block(block);
            self.0.count(size, 0);
            if let Some(layout) = layout(size) {
                dealloc(block.sub(HEAD), layout);
            }
        }
    }

    unsafe fn realloc(&mut self, block: *mut u8, size: usize) -> *mut u8 {
        if block.is_null() {
            return self.alloc(size);
        }
        // SAFETY: QuickJS got the block here; where it is refused it stays as it is.
        unsafe {
            let before = size_of_block(block);
            let (Some(old), Some(new)) = (layout(before), layout(size)) else { return ptr::null_mut() };
            if !self.0.may_grow(before, size) {
                return ptr::null_mut();
            }
            let head = realloc(block.sub(HEAD), old, new.size());
            if !head.is_null() {
                self.0.count(before, 0);
            }
            self.begin(head, size)
        }
    }

    unsafe fn usable_size(block: *mut u8) -> usize {
        // SAFETY: the caller got it here.
        unsafe { size_of_block(block) }
    }
}
