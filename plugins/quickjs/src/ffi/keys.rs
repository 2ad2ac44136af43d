//! Small stores for one conversion: values that usually fit on the stack, and the keys read so far.

use std::mem::MaybeUninit;
use std::os::raw::c_char;

use rquickjs::qjs;

/// How many copies a [`Few`] keeps on the stack.
const FEW: usize = 8;

/// Up to eight copies on the stack, more on the heap.
pub(super) struct Few<T: Copy> {
    inline: [MaybeUninit<T>; FEW],
    count: usize,
    /// All of them, once they are more than `FEW`; a vector that stays empty is never allocated.
    spilled: Vec<T>,
}

impl<T: Copy> Few<T> {
    #[inline]
    pub(super) fn new() -> Few<T> {
        Few { inline: [const { MaybeUninit::uninit() }; FEW], count: 0, spilled: Vec::new() }
    }

    #[inline]
    pub(super) fn push(&mut self, item: T) {
        if self.count < FEW {
            self.inline[self.count].write(item);
            self.count += 1;
        } else {
            self.spill(item);
        }
    }

    #[cold]
    #[inline(never)]
    fn spill(&mut self, item: T) {
        if self.spilled.is_empty() {
            let all = self.as_slice().to_vec();
            self.spilled = all;
        }
        self.spilled.push(item);
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[T] {
        if self.spilled.is_empty() {
            // SAFETY: the first `count` were written, and a `MaybeUninit<T>` is laid out as a T.
            unsafe { std::slice::from_raw_parts(self.inline.as_ptr().cast(), self.count) }
        } else {
            &self.spilled
        }
    }
}

impl Few<qjs::JSValue> {
    /// Pushes a small integer, written part by part: made elsewhere and moved here as a whole it would
    /// wait for the parts to reach the cache.
    #[inline]
    pub(super) fn push_int(&mut self, int: i32) {
        if self.count < FEW {
            let place = self.inline[self.count].as_mut_ptr();
            // SAFETY: the place is one of ours, and both parts of the value are written.
            unsafe {
                (*place).u.int32 = int;
                (*place).tag = qjs::JS_TAG_INT.into();
            }
            self.count += 1;
        } else {
            self.spill(qjs::JS_MKVAL(qjs::JS_TAG_INT, int));
        }
    }
}

/// A key that was read: its atom and its bytes, both held until the conversion ends, so that the
/// atom's number stands for these bytes and no others for so long.
#[derive(Clone, Copy)]
struct Key {
    atom: qjs::JSAtom,
    start: *const c_char,
    len: usize,
}

/// Places of the table that finds a key by its atom. A power of two.
const PLACES: usize = 256;

/// The keys of one conversion.
pub(super) struct Keys {
    keys: Vec<Key>,
    /// Number in `keys` plus one, by atom; a later key with the same place takes it over.
    places: Box<[u32; PLACES]>,
}

impl Keys {
    pub(super) fn new() -> Keys {
        Keys { keys: Vec::new(), places: Box::new([0; PLACES]) }
    }

    #[inline]
    fn place(atom: qjs::JSAtom) -> usize {
        atom as usize & (PLACES - 1)
    }

    /// The bytes of an atom, which stay until `clear`; none when memory ran out, with an exception
    /// pending. The flag tells whether they were read just now.
    ///
    /// # Safety
    /// The context is alive and the atom is one of its own, alive.
    #[inline]
    pub(super) unsafe fn bytes<'a>(&mut self, ctx: *mut qjs::JSContext, atom: qjs::JSAtom) -> Option<(&'a [u8], bool)> {
        let place = Keys::place(atom);
        if let Some(key) = (self.places[place] as usize).checked_sub(1).map(|at| self.keys[at])
            && key.atom == atom
        {
            // SAFETY: the bytes are held until `clear`.
            return Some((unsafe { std::slice::from_raw_parts(key.start.cast(), key.len) }, false));
        }
        let mut len = 0;
        // SAFETY: the caller vouches for context and atom; both counts are given back by `clear`.
        unsafe {
            let start = qjs::JS_AtomToCStringLen(ctx, &mut len, atom);
            if start.is_null() {
                return None;
            }
            let len = len as usize;
            self.keys.push(Key { atom: qjs::JS_DupAtom(ctx, atom), start, len });
            self.places[place] = self.keys.len() as u32;
            Some((std::slice::from_raw_parts(start.cast(), len), true))
        }
    }

    /// Lets go of everything.
    ///
    /// # Safety
    /// The context is the one the keys were read in; nothing uses their bytes any more.
    pub(super) unsafe fn clear(&mut self, ctx: *mut qjs::JSContext) {
        for key in self.keys.drain(..) {
            self.places[Keys::place(key.atom)] = 0;
            // SAFETY: each count is given back once.
            unsafe {
                qjs::JS_FreeCString(ctx, key.start);
                qjs::JS_FreeAtom(ctx, key.atom);
            }
        }
    }
}
