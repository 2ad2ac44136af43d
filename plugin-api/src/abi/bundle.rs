//! A bundle of natives as the host sees it: its natives and its lifecycle.

use std::sync::Arc;

use super::{
    CancelToken, Fallible, Head, Native, RuntimeHandle, arc_ref, guard, release_arc, retain_arc, shared_handle, suffix,
};
use crate::bundle::{Bundle, MakeBundle};
use crate::error::{Code, Error, Result};
use crate::lifecycle::Lifecycle;
use crate::value::{Value, View};

/// The steps of a bundle's life.
#[repr(u32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hook {
    /// Looks at the configuration, before anything boots.
    Validate = 0,
    /// Starts what the natives need.
    Boot = 1,
    /// Works on a thread of its own until told to stop.
    Run = 2,
    /// Takes a changed configuration over.
    Reload = 3,
    /// Ends what was started.
    Shutdown = 4,
}

impl Hook {
    /// All of them, in the order of a life.
    pub const ALL: [Hook; 5] = [Hook::Validate, Hook::Boot, Hook::Run, Hook::Reload, Hook::Shutdown];

    fn from_number(number: u32) -> Option<Hook> {
        Hook::ALL.into_iter().find(|&hook| hook as u32 == number)
    }
}

#[repr(C)]
pub(crate) struct BundleTable {
    head: Head,
    retain: unsafe extern "C" fn(*mut ()),
    release: unsafe extern "C" fn(*mut ()),
    native_count: unsafe extern "C" fn(*const ()) -> usize,
    native: unsafe extern "C" fn(*const (), usize, *mut Fallible<Native>),
    /// The hook's priority, or -1 when the bundle has no such hook.
    priority: unsafe extern "C" fn(*const (), u32) -> i32,
    hook:
        unsafe extern "C" fn(*const (), u32, &RuntimeHandle, *const View<'_>, *const CancelToken, *mut Fallible<Value>),
    /// What the bundle asks for in its life, as a map; it is given its configuration.
    lifecycle: unsafe extern "C" fn(*const (), *const View<'_>, *mut Fallible<Value>),
}

static TABLE: BundleTable = BundleTable {
    head: Head::of::<BundleTable>(),
    retain: retain_arc::<Bundle>,
    release: release_arc::<Bundle>,
    native_count,
    native,
    priority,
    hook,
    lifecycle,
};

shared_handle! {
    /// The host's handle to a bundle of one runtime.
    BundleHandle, BundleTable
}

impl BundleHandle {
    /// A handle to this bundle.
    pub fn new(bundle: Bundle) -> BundleHandle {
        BundleHandle::from_arc(&TABLE, Arc::new(bundle))
    }

    /// Makes a bundle.
    ///
    /// # Errors
    /// The function's; `panic` when it panicked.
    pub fn make<F: MakeBundle<M>, M>(make: &F, runtime: RuntimeHandle) -> Result<BundleHandle> {
        guard(|| make.make(runtime)).and_then(|bundle| bundle).map(BundleHandle::new)
    }

    /// Its natives.
    ///
    /// # Errors
    /// Only when the bundle itself fails.
    pub fn natives(&self) -> Result<Vec<Native>> {
        // SAFETY: here and below, the handle keeps the bundle alive, results are initialised, and
        // arguments are borrowed for the call.
        let count = unsafe { ((*self.table.as_ptr()).native_count)(self.data.as_ptr()) };
        (0..count)
            .map(|index| {
                let mut result = Fallible::Failed(Error::new(Code::Dead, "the bundle did not answer"));
                // SAFETY: see above.
                unsafe { ((*self.table.as_ptr()).native)(self.data.as_ptr(), index, &mut result) };
                result.into()
            })
            .collect()
    }

    /// The priority of a hook; `None` when it has no such hook.
    pub fn priority(&self, hook: Hook) -> Option<u8> {
        // SAFETY: see `natives`.
        let priority = unsafe { ((*self.table.as_ptr()).priority)(self.data.as_ptr(), hook as u32) };
        u8::try_from(priority).ok()
    }

    /// What it asks for in its life; it is given its configuration. Of one that does not say, or fails to
    /// say, nothing.
    pub fn lifecycle(&self, config: View<'_>) -> Lifecycle {
        // SAFETY: see `natives`.
        let Some(ask) = (unsafe { suffix!(self.table.as_ptr(), BundleTable, lifecycle) }) else {
            return Lifecycle::default();
        };
        let mut result = Fallible::Fine(Value::Nil);
        // SAFETY: see `natives`.
        unsafe { ask(self.data.as_ptr(), &config, &mut result) };
        let asked = Result::from(result);
        asked.map_or_else(|_| Lifecycle::default(), |asked| Lifecycle::from_view(asked.view()))
    }

    /// Runs a hook. `stop` is raised when a running one shall end.
    ///
    /// # Errors
    /// The hook's; `panic` when it panicked.
    pub fn hook(
        &self,
        hook: Hook,
        runtime: &RuntimeHandle,
        config: View<'_>,
        stop: Option<&CancelToken>,
    ) -> Result<()> {
        let mut result = Fallible::Fine(Value::Nil);
        let stop = stop.map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: see `natives`.
        unsafe { ((*self.table.as_ptr()).hook)(self.data.as_ptr(), hook as u32, runtime, &config, stop, &mut result) };
        Result::from(result).map(drop)
    }
}

unsafe extern "C" fn native_count(data: *const ()) -> usize {
    // SAFETY: here and below, the bundle and the arguments are borrowed for the call; `out` is initialised.
    unsafe { arc_ref::<Bundle>(data) }.natives().len()
}

unsafe extern "C" fn native(data: *const (), index: usize, out: *mut Fallible<Native>) {
    // SAFETY: see `native_count`.
    unsafe {
        let missing = || Error::new(Code::NotFound, format!("the bundle has no native number {index}"));
        *out = arc_ref::<Bundle>(data).natives().get(index).cloned().ok_or_else(missing).into();
    }
}

unsafe extern "C" fn priority(data: *const (), hook: u32) -> i32 {
    // SAFETY: see `native_count`.
    let bundle = unsafe { arc_ref::<Bundle>(data) };
    Hook::from_number(hook).and_then(|hook| bundle.priority(hook)).map_or(-1, i32::from)
}

unsafe extern "C" fn hook(
    data: *const (),
    hook: u32,
    runtime: &RuntimeHandle,
    config: *const View<'_>,
    stop: *const CancelToken,
    out: *mut Fallible<Value>,
) {
    // SAFETY: see `native_count`; `stop` is null or borrowed.
    unsafe {
        let bundle = arc_ref::<Bundle>(data);
        let result = match Hook::from_number(hook) {
            Some(hook) => guard(|| bundle.run_hook(hook, runtime, *config, stop.as_ref())).and_then(|it| it),
            // A step that a newer host knows and this bundle does not: nothing to do.
            None => Ok(()),
        };
        *out = result.map(|()| Value::Nil).into();
    }
}

unsafe extern "C" fn lifecycle(data: *const (), config: *const View<'_>, out: *mut Fallible<Value>) {
    // SAFETY: see `native_count`.
    unsafe {
        let bundle = arc_ref::<Bundle>(data);
        *out = guard(|| bundle.asks(*config).to_value()).and_then(|it| it).into();
    }
}
