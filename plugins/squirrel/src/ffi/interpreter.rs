//! One Squirrel interpreter: made, tied to its core, and closed.

use std::rc::Rc;

use calog_plugin_api::{Code, Error, Result};

use super::api::{self, Vm};
use super::hooks;
use super::shared::Shared;
use super::source;
use super::stack::Stack;
use crate::core::Core;

/// Slots of the main thread's stack, which runs nothing but is a workbench for values.
const MAIN_SLOTS: i64 = 256;

/// Owns an interpreter with all its threads and values.
pub(crate) struct Interpreter {
    main: Stack,
    /// What it points to, alive until it is closed.
    shared: Rc<Shared>,
    /// What its natives use. Dropped after it is closed, since release hooks use it.
    core: Option<Rc<Core>>,
}

impl Interpreter {
    /// An interpreter with the whole standard library.
    ///
    /// # Errors
    /// `limit` when there is no memory for it.
    pub(crate) fn new() -> Result<Interpreter> {
        hooks::install();
        let shared = Rc::new(Shared::new());
        let _account = shared.account();
        // SAFETY: a new interpreter on this thread; it points to `shared`, which it keeps alive.
        unsafe {
            let vm = api::sq_open(MAIN_SLOTS);
            if vm.is_null() {
                return Err(Error::new(Code::Limit, "no memory for a Squirrel interpreter"));
            }
            api::sq_setsharedforeignptr(vm, Rc::as_ptr(&shared).cast_mut().cast());
            api::sq_setcompilererrorhandler(vm, source::note_error);
            api::sq_pushroottable(vm);
            api::sqstd_register_bloblib(vm);
            api::sqstd_register_iolib(vm);
            api::sqstd_register_systemlib(vm);
            api::sqstd_register_mathlib(vm);
            api::sqstd_register_stringlib(vm);
            api::sq_settop(vm, 0);
            Ok(Interpreter { main: Stack::new(vm), shared, core: None })
        }
    }

    /// The stack of the main thread, which runs nothing itself.
    pub(crate) fn main(&self) -> Stack {
        self.main
    }

    pub(crate) fn shared(&self) -> &Rc<Shared> {
        &self.shared
    }

    /// Ties it to its core, before any of our functions can run.
    pub(crate) fn attach(&mut self, core: Rc<Core>) {
        self.shared.set_core(Rc::as_ptr(&core));
        self.core = Some(core);
    }
}

impl Drop for Interpreter {
    fn drop(&mut self) {
        let _account = self.shared.account();
        // SAFETY: it is alive, on its thread, and nobody uses it after its owner; the core that its
        // release hooks need is dropped after this.
        unsafe { api::sq_close(self.main.raw()) };
    }
}

/// What a thread's interpreter shares with us.
///
/// # Safety
/// The thread belongs to an [`Interpreter`] that lives for 'a.
#[inline(always)]
pub(super) unsafe fn shared<'a>(vm: Vm) -> &'a Shared {
    // SAFETY: the caller vouches for it; set when it was made.
    unsafe { &*api::sq_getsharedforeignptr(vm).cast::<Shared>() }
}
