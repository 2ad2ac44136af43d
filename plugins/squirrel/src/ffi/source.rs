//! Source code into functions: read by ourselves, so that any byte is read as it is, and its end noted.

use std::ffi::{CStr, CString, c_char, c_void};

use super::api::{self, Vm};
use super::interpreter;
use super::stack::Stack;

/// Why a source cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misspelt {
    pub(crate) message: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
    /// The end was met before: more text could mend it.
    pub(crate) at_end: bool,
}

/// A source as the compiler reads it, with a line end after it.
struct Reader<'a> {
    parts: [&'a [u8]; 3],
    part: usize,
    at: usize,
    ended: bool,
}

/// Gives the compiler its next byte; 0 at the end.
unsafe extern "C-unwind" fn next_byte(reader: *mut c_void) -> i64 {
    // SAFETY: `compile` passes its own reader, which nobody else uses meanwhile.
    let reader = unsafe { &mut *reader.cast::<Reader<'_>>() };
    while let Some(part) = reader.parts.get(reader.part) {
        if let Some(&byte) = part.get(reader.at) {
            reader.at += 1;
            return byte.into();
        }
        reader.part += 1;
        reader.at = 0;
    }
    reader.ended = true;
    0
}

/// Notes where and why the compiler gave up.
pub(super) unsafe extern "C-unwind" fn note_error(
    vm: Vm,
    message: *const c_char,
    _file: *const c_char,
    line: i64,
    column: i64,
) {
    // SAFETY: the compiler passes its thread and a C string.
    let (shared, message) = unsafe { (interpreter::shared(vm), CStr::from_ptr(message)) };
    if let Some(core) = shared.core() {
        let message = message.to_string_lossy().into_owned();
        let number = |it: i64| u32::try_from(it).unwrap_or(0);
        core.misspelt.set(Some(Misspelt { message, line: number(line), column: number(column), at_end: false }));
    }
}

impl Stack {
    /// Compiles text, between what is put around it, and pushes the function. The text holds no NUL.
    ///
    /// # Errors
    /// Why it cannot.
    pub(crate) fn compile(self, before: &[u8], text: &[u8], after: &[u8], name: &str) -> Result<(), Misspelt> {
        // A name is cut at a NUL; nothing but messages depends on it.
        let name = CString::new(name.replace('\0', "")).unwrap_or_default();
        let mut reader = Reader { parts: [before, text, after], part: 0, at: 0, ended: false };
        let data = (&raw mut reader).cast();
        // SAFETY: see the head of `ffi`; reader and name live for the call.
        let done = unsafe { api::sq_compile(self.raw(), next_byte, data, name.as_ptr(), 1) };
        if done >= 0 {
            return Ok(());
        }
        // SAFETY: as above.
        let noted = unsafe { interpreter::shared(self.raw()) }.core().and_then(|core| core.misspelt.take());
        let unknown = || Misspelt { message: "the code cannot be compiled".into(), line: 0, column: 0, at_end: false };
        Err(Misspelt { at_end: reader.ended, ..noted.unwrap_or_else(unknown) })
    }
}
