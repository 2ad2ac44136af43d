//! What no host can stand, as it runs in the host's process: see "Beyond protection" in `docs/abi.md`.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::process;

use calog_plugin_api::prelude::*;

/// Adds the natives that end the process.
pub(crate) fn add(bundle: Bundle) -> Bundle {
    bundle
        .function("abort", || -> Value { process::abort() })
        .doc("Aborts.")
        .function("exit", |code: i32| -> Value { process::exit(code) })
        .params(["code"])
        .doc("Ends the process.")
        .function("wild_pointer", wild_pointer)
        .doc("Reads where nothing is.")
        .function("overflow", || recurse(0))
        .doc("Calls itself until there is no stack left.")
        .function("double_panic", double_panic)
        .doc("Panics while it panics.")
        .function("allocate", allocate)
        .doc("Wants more memory than there is.")
        .function("leave_behind", || LEFT.with_borrow_mut(|left| *left = Some(Left)))
        .doc("Leaves something on the thread that panics when the thread ends.")
}

fn wild_pointer() -> i64 {
    let nowhere = std::ptr::without_provenance::<u8>(8);
    // SAFETY: it is not, as ordered.
    i64::from(unsafe { nowhere.read_volatile() })
}

#[allow(unconditional_recursion)]
fn recurse(depth: i64) -> i64 {
    let frame = [depth; 64];
    recurse(std::hint::black_box(frame)[0] + 1) + std::hint::black_box(frame)[1]
}

struct Panics;

impl Drop for Panics {
    fn drop(&mut self) {
        panic!("wicked: while it panics");
    }
}

fn double_panic() {
    let _panics = Panics;
    panic!("wicked: as ordered");
}

fn allocate() -> i64 {
    let room: Vec<u8> = Vec::with_capacity(isize::MAX as usize);
    std::hint::black_box(room).capacity() as i64
}

struct Left;

impl Drop for Left {
    fn drop(&mut self) {
        panic!("wicked: while its thread ends");
    }
}

thread_local! {
    static LEFT: RefCell<Option<Left>> = const { RefCell::new(None) };
}

/// Runs when the library is opened, before anything of it can be looked at.
#[used]
// SAFETY: the section holds functions of this type, which the system's loader calls.
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn() = constructor;

extern "C" fn constructor() {
    match std::env::var("WICKED_CONSTRUCTOR").as_deref() {
        Ok("exit") => process::exit(77),
        Ok("leave quietly") => process::exit(0),
        Ok("abort") => process::abort(),
        Ok("never") => loop {
            std::thread::park();
        },
        _ => {}
    }
}
