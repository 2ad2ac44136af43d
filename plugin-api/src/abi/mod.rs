//! What crosses between host and plugins: handles over tables of functions.
//!
//! Every table begins with its size and version and grows only at its end. A handle is a table and a
//! pointer; what it points to belongs to the side that made it and is freed by that side's functions,
//! so no allocator and no Rust layout is shared. Both sides of each table stand together in one
//! file: the trait that the maker implements, the table built from it, the handle the other side
//! holds. Every function in a table catches panics; none unwinds across.

mod bundle;
mod callable;
mod callback;
mod cancel;
mod context;
mod engine;
mod host;
mod info;
mod native;
mod object;
mod outcome;
mod root;
mod runtime;

pub use bundle::{BundleHandle, Hook};
pub use callable::{Callable, CallableType, Identity};
pub use callback::Callback;
pub use cancel::{CancelToken, CancelType};
pub use context::{ContextHandle, Entered};
pub use engine::{EngineDescription, EngineHandle};
pub use host::{Access, Host, HostType, STOP_CONTEXT, STOP_TASK};
pub use info::{CallInfo, Derived, Facts, KeptInfo};
pub use native::{Args, Native, NativeType};
pub use object::{Object, ObjectType};
pub(crate) use outcome::Fallible;
pub use outcome::Outcome;
use outcome::answered;
pub(crate) use root::PluginRoot;
pub(crate) use root::nil;
pub use root::{BundleEntry, EngineEntry, PluginRoot_Ref, PluginTable};
#[cfg(feature = "host")]
pub use root::{LoadedPlugin, open_root};
pub use runtime::{KeepAlive, RuntimeHandle, RuntimeType};

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Code, Error, Result};

/// The version of this contract. While the major number is 0 a plugin must have exactly this version.
pub const ABI_VERSION: AbiVersion = AbiVersion { major: 0, minor: 1 };

/// A version of the contract between host and plugins.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AbiVersion {
    /// Changes that older plugins do not survive.
    pub major: u32,
    /// Additions at the end of tables.
    pub minor: u32,
}

impl std::fmt::Display for AbiVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What every table begins with.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Head {
    /// Bytes of the table as its maker knows it.
    pub size: u32,
    /// The minor version its maker was built with.
    pub version: u32,
}

impl Head {
    pub(crate) const fn of<T>() -> Head {
        Head { size: size_of::<T>() as u32, version: ABI_VERSION.minor }
    }

    /// Whether the table reaches to this offset: whether its maker knew the field that ends there.
    #[inline]
    fn reaches(self, end: usize) -> bool {
        self.size as usize >= end
    }
}

/// Reads a function that not every maker of a table knows: `None` when the table is too short.
///
/// Later fields are one word each (function pointers), which is what the size is checked for. To be
/// used in an `unsafe` block whose SAFETY line says that the table is alive: fields within its stated
/// size are initialised.
macro_rules! suffix {
    ($table:expr, $type:ty, $field:ident) => {{
        let table: *const $type = $table;
        let end = std::mem::offset_of!($type, $field) + size_of::<usize>();
        (*table).head.reaches(end).then(|| (*table).$field)
    }};
}
pub(crate) use suffix;

/// A borrowed text in a table's call; valid during the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Text {
    start: *const u8,
    len: usize,
}

impl Text {
    fn of(text: &str) -> Text {
        Text { start: text.as_ptr(), len: text.len() }
    }

    /// The text again.
    ///
    /// # Safety
    /// It was made from a `&str` (or bytes) that is still borrowed.
    unsafe fn bytes<'a>(self) -> &'a [u8] {
        // SAFETY: the caller vouches for it; a pointer from a slice is never null.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }

    /// The text again, with what is not UTF-8 replaced.
    ///
    /// # Safety
    /// As `bytes`.
    unsafe fn text<'a>(self) -> std::borrow::Cow<'a, str> {
        // SAFETY: the caller vouches for it.
        String::from_utf8_lossy(unsafe { self.bytes() })
    }
}

/// Runs an entry; a panic becomes a `panic` error.
pub(crate) fn guard<T>(entry: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(entry)).map_err(|payload| Error::new(Code::Panic, panic_message(payload)))
}

/// Runs a drop; a panic in it is swallowed, as there is nobody to tell.
pub(crate) fn guard_drop(drop: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(drop)) {
        panic_message(payload);
    }
}

/// What a panic says. A payload of a type of its own is leaked: dropping it might panic again, out of
/// here.
#[cold]
fn panic_message(payload: Box<dyn std::any::Any + Send>) -> String {
    let text = payload
        .downcast::<&str>()
        .map(|text| text.to_string())
        .or_else(|payload| payload.downcast::<String>().map(|text| *text));
    let text = text.unwrap_or_else(|payload| {
        std::mem::forget(payload);
        "without a message".into()
    });
    format!("panicked: {text}")
}

/// Declares a refcounted handle: a table and a pointer made from an `Arc`.
///
/// Tables are held by pointer, never by reference: one from an older maker is shorter than this
/// version's type, and only fields that it has are ever touched.
macro_rules! shared_handle {
    ($(#[$doc:meta])* $name:ident, $table:ident) => {
        $(#[$doc])*
        #[repr(C)]
        #[derive(abi_stable::StableAbi)]
        pub struct $name {
            #[sabi(unsafe_opaque_field)]
            table: std::ptr::NonNull<$table>,
            #[sabi(unsafe_opaque_field)]
            data: std::ptr::NonNull<()>,
        }

        // SAFETY: the maker's trait requires Send and Sync of what the handle points to.
        unsafe impl Send for $name {}
        // SAFETY: as above.
        unsafe impl Sync for $name {}

        impl Clone for $name {
            #[inline]
            fn clone(&self) -> Self {
                // SAFETY: this handle owns a reference, so the maker's data is alive.
                unsafe { ((*self.table.as_ptr()).retain)(self.data.as_ptr()) };
                $name { table: self.table, data: self.data }
            }
        }

        impl Drop for $name {
            #[inline]
            fn drop(&mut self) {
                // SAFETY: this handle owns one reference and gives it back once.
                unsafe { ((*self.table.as_ptr()).release)(self.data.as_ptr()) };
            }
        }

        impl $name {
            #[allow(dead_code)]
            fn from_arc<T>(table: &'static $table, data: std::sync::Arc<T>) -> Self {
                let data = std::sync::Arc::into_raw(data).cast_mut().cast::<()>();
                // SAFETY: a pointer from an Arc is never null.
                let data = unsafe { std::ptr::NonNull::new_unchecked(data) };
                $name { table: std::ptr::NonNull::from(table), data }
            }
        }
    };
}
pub(crate) use shared_handle;

/// `retain` of a handle made from an `Arc<T>`.
unsafe extern "C" fn retain_arc<T>(data: *mut ()) {
    // SAFETY: `data` came from `Arc::into_raw` of this T and a reference is alive.
    unsafe { std::sync::Arc::increment_strong_count(data.cast::<T>().cast_const()) };
}

/// `release` of a handle made from an `Arc<T>`.
unsafe extern "C" fn release_arc<T>(data: *mut ()) {
    // SAFETY: `data` came from `Arc::into_raw` of this T and the caller gives its reference back.
    guard_drop(|| drop(unsafe { std::sync::Arc::from_raw(data.cast::<T>().cast_const()) }));
}

/// The data of a handle made from an `Arc<T>`.
///
/// # Safety
/// `data` came from `Arc::into_raw` of this T, and the handle is borrowed for 'a.
#[inline]
unsafe fn arc_ref<'a, T>(data: *const ()) -> &'a T {
    // SAFETY: the caller vouches for it.
    unsafe { &*data.cast::<T>() }
}

#[cfg(test)]
mod tests {
    //! Tables of other ages: shorter ones lack their later fields, longer ones are read as far as known.

    use super::{Head, Text};

    #[repr(C)]
    struct Table {
        head: Head,
        old: extern "C" fn() -> u8,
        newer: extern "C" fn() -> u8,
        newest: extern "C" fn() -> u8,
    }

    extern "C" fn one() -> u8 {
        1
    }

    /// Which of the fields a table of this size has.
    fn fields(size: usize) -> [bool; 3] {
        let head = Head { size: size as u32, version: 1 };
        let table = Table { head, old: one, newer: one, newest: one };
        let table = &raw const table;
        // SAFETY: the table is alive until this returns; all its fields are initialised.
        let found =
            unsafe { [suffix!(table, Table, old), suffix!(table, Table, newer), suffix!(table, Table, newest)] };
        found.map(|field| field.is_some_and(|field| field() == 1))
    }

    #[test]
    fn a_field_is_there_only_if_the_tables_size_reaches_its_end() {
        for (size, wanted) in [
            (size_of::<Head>(), [false, false, false]),
            (15, [false, false, false]),
            (16, [true, false, false]),
            (23, [true, false, false]),
            (24, [true, true, false]),
            (size_of::<Table>(), [true, true, true]),
            (size_of::<Table>() + 8, [true, true, true]),
        ] {
            assert_eq!(fields(size), wanted, "a table of {size} bytes");
        }
    }

    #[test]
    fn texts_with_other_bytes_than_utf8_are_read_with_marks() {
        let text = Text { start: b"a\xffb".as_ptr(), len: 3 };
        // SAFETY: the bytes are a constant.
        assert_eq!(unsafe { text.text() }, "a\u{fffd}b");
        // SAFETY: an empty text points to no byte, but is not null.
        assert_eq!(unsafe { Text::of("").bytes() }, b"");
    }
}
