//! A call's arguments as views: numbers and strings are borrowed where they stand, everything else is
//! converted and kept until the call ends.

use std::os::raw::c_char;

use calog_plugin_api::{Str, Value, View};
use rquickjs::qjs;

use super::keys::Few;
use super::read::{Fail, is_text, lone_surrogate, read_raw, repair, scalar};
use crate::realm::Realm;

/// Views of a call's arguments.
type Views = Few<View<'static>>;

/// A call's arguments as views, and what they borrow from.
pub(super) struct Arguments<'r> {
    realm: &'r Realm,
    lenient: bool,
    views: Views,
    strings: Few<*const c_char>,
    /// What had to be converted. Its room is reserved before the first push: views point into it.
    values: Vec<Value>,
}

impl<'r> Arguments<'r> {
    #[inline]
    pub(super) fn new(realm: &'r Realm, lenient: bool) -> Arguments<'r> {
        Arguments { realm, lenient, views: Few::new(), strings: Few::new(), values: Vec::new() }
    }

    /// The views; they last as long as this.
    #[inline]
    pub(super) fn views(&self) -> &[View<'_>] {
        self.views.as_slice()
    }

    /// Reads the arguments.
    ///
    /// # Safety
    /// Inside an entry of the realm; the values are alive as long as this.
    #[inline(always)]
    pub(super) unsafe fn read(&mut self, args: &[qjs::JSValue]) -> Result<(), Fail> {
        for (at, &arg) in args.iter().enumerate() {
            // Each branch writes its view to its place: one that were handed around would be stored in
            // pieces and loaded whole, which stalls.
            // SAFETY: the caller vouches for the values.
            unsafe {
                if qjs::JS_IsInt(arg) {
                    self.views.push(View::int(qjs::JS_VALUE_GET_INT(arg).into()));
                } else if qjs::JS_IsString(arg) {
                    self.string(arg, args.len() - at)?;
                } else if let Some(view) = scalar(arg) {
                    self.views.push(view);
                } else {
                    self.converted(arg, args.len() - at)?;
                }
            }
        }
        Ok(())
    }

    /// # Safety
    /// As `read`, and the value is a string.
    #[inline(always)]
    unsafe fn string(&mut self, arg: qjs::JSValue, left: usize) -> Result<(), Fail> {
        // SAFETY: the caller vouches for it. The bytes are held until this is dropped, and `views`
        // gives views of no longer life out.
        unsafe {
            let mut len = 0;
            let start = qjs::JS_ToCStringLen2(self.realm.context.ptr(), &mut len, arg, false);
            if start.is_null() {
                return Err(Fail::Thrown);
            }
            self.strings.push(start);
            let bytes: &'static [u8] = std::slice::from_raw_parts(start.cast(), len as usize);
            if !is_text(bytes) {
                return self.broken_string(bytes, left);
            }
            self.views.push(View::string(bytes));
            Ok(())
        }
    }

    #[cold]
    fn broken_string(&mut self, bytes: &[u8], left: usize) -> Result<(), Fail> {
        if !self.lenient {
            return Err(lone_surrogate().into());
        }
        let value = Value::String(Str::try_new(&repair(bytes))?);
        self.keep(value, left);
        Ok(())
    }

    /// # Safety
    /// As `read`.
    #[inline(never)]
    unsafe fn converted(&mut self, arg: qjs::JSValue, left: usize) -> Result<(), Fail> {
        // SAFETY: the caller vouches for it.
        let value = unsafe { read_raw(self.realm, arg, self.lenient)? };
        self.keep(value, left);
        Ok(())
    }

    /// Keeps a converted value; `left` is how many arguments there are from this one on.
    fn keep(&mut self, value: Value, left: usize) {
        if self.values.len() == self.values.capacity() {
            // Once: no later argument can then move those that views already point to.
            debug_assert!(self.values.is_empty());
            self.values.reserve_exact(left);
        }
        self.values.push(value);
        let last = &self.values[self.values.len() - 1];
        // SAFETY: the value stays where it is until this is dropped, as the vector never grows beyond
        // what was reserved, and `views` gives views of no longer life out.
        let view = unsafe { std::mem::transmute::<View<'_>, View<'static>>(last.view()) };
        self.views.push(view);
    }
}

impl Drop for Arguments<'_> {
    #[inline]
    fn drop(&mut self) {
        for &start in self.strings.as_slice() {
            // SAFETY: alive; each is freed once.
            unsafe { qjs::JS_FreeCString(self.realm.context.ptr(), start) };
        }
    }
}
