//! An engine as the host sees it: opens contexts, from any thread.

use std::marker::PhantomData;
use std::sync::Arc;

use super::{
    ContextHandle, Fallible, Head, Host, RuntimeHandle, arc_ref, guard, release_arc, retain_arc, shared_handle, suffix,
};
use crate::engine::{ContextOptions, Engine, Threading};
use crate::error::{Code, Error, Result};
use crate::value::{Value, View};

#[repr(C)]
pub(crate) struct EngineTable {
    head: Head,
    retain: unsafe extern "C" fn(*mut ()),
    release: unsafe extern "C" fn(*mut ()),
    open: unsafe extern "C" fn(*const (), *mut Host, *const Value, *mut Fallible<ContextHandle>),
    /// Takes a changed section over; gives whether it can.
    reload: unsafe extern "C" fn(*const (), *const View<'_>, *mut Fallible<Value>),
}

shared_handle! {
    /// The host's handle to an engine of one runtime.
    EngineHandle, EngineTable
}

struct Maker<E>(PhantomData<E>);

impl<E: Engine> Maker<E> {
    const TABLE: EngineTable = EngineTable {
        head: Head::of::<EngineTable>(),
        retain: retain_arc::<E>,
        release: release_arc::<E>,
        open: open::<E>,
        reload: reload::<E>,
    };
}

impl EngineHandle {
    /// A handle to this engine.
    pub fn new<E: Engine>(engine: E) -> EngineHandle {
        EngineHandle::from_arc(&Maker::<E>::TABLE, Arc::new(engine))
    }

    /// Has an engine of this making look at a section.
    ///
    /// # Errors
    /// The engine's; `panic` when it panicked.
    pub fn validate<E: Engine>(config: View<'_>) -> Result<()> {
        guard(|| E::validate(config)).and_then(|it| it)
    }

    /// Makes an engine.
    ///
    /// # Errors
    /// The engine's; `panic` when it panicked.
    pub fn make<E: Engine>(runtime: RuntimeHandle, config: View<'_>) -> Result<EngineHandle> {
        guard(|| E::new(runtime, config)).and_then(|engine| engine).map(EngineHandle::new)
    }

    /// Has it take a changed section over. Whether it can.
    ///
    /// # Errors
    /// The engine's; `panic` when it panicked.
    pub fn reload(&self, config: View<'_>) -> Result<bool> {
        // SAFETY: the handle keeps the engine alive.
        let Some(reload) = (unsafe { suffix!(self.table.as_ptr(), EngineTable, reload) }) else { return Ok(false) };
        let mut result = Fallible::Fine(Value::Nil);
        // SAFETY: as above; the configuration is borrowed for the call and `result` is initialised.
        unsafe { reload(self.data.as_ptr(), &config, &mut result) };
        Result::from(result).map(|can| can == Value::Bool(true))
    }

    /// Opens a context on this thread, which owns it from now on.
    ///
    /// # Errors
    /// The engine's; `panic` when it panicked.
    pub fn open(&self, host: Host, options: &ContextOptions) -> Result<ContextHandle> {
        let mut host = std::mem::ManuallyDrop::new(host);
        let options = options.clone().into_value();
        let mut result = Fallible::Failed(Error::new(Code::Dead, "the engine did not answer"));
        // SAFETY: the handle keeps the engine alive; the host is handed over; `result` is initialised.
        unsafe { ((*self.table.as_ptr()).open)(self.data.as_ptr(), &raw mut *host, &options, &mut result) };
        result.into()
    }
}

unsafe extern "C" fn open<E: Engine>(
    data: *const (),
    host: *mut Host,
    options: *const Value,
    out: *mut Fallible<ContextHandle>,
) {
    // SAFETY: the engine and the options are borrowed for the call; the host is handed over; `out`
    // is initialised.
    unsafe {
        let engine = arc_ref::<E>(data);
        let (host, options) = (host.read(), ContextOptions::new((*options).clone()));
        let context = guard(|| engine.open(host, &options)).and_then(|result| result);
        *out = context.map(ContextHandle::new).into();
    }
}

unsafe extern "C" fn reload<E: Engine>(data: *const (), config: *const View<'_>, out: *mut Fallible<Value>) {
    // SAFETY: the engine and the configuration are borrowed for the call; `out` is initialised.
    unsafe {
        let engine = arc_ref::<E>(data);
        *out = guard(|| engine.reload(*config)).and_then(|it| it).map(Value::Bool).into();
    }
}

/// An engine in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EngineDescription {
    /// Its name.
    pub name: String,
    /// Its language.
    pub language: String,
    /// Its scripts' extensions, without dots.
    pub extensions: Vec<String>,
    /// Where its contexts may run.
    pub threading: Threading,
}

impl EngineDescription {
    /// The description of this engine.
    pub fn of<E: Engine>() -> EngineDescription {
        EngineDescription {
            name: E::NAME.into(),
            language: E::LANGUAGE.into(),
            extensions: E::EXTENSIONS.iter().map(|&it| it.into()).collect(),
            threading: E::THREADING,
        }
    }
}
