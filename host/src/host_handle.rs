//! The host as one context holds it: what `Host` does, on the context's thread.

use std::mem::ManuallyDrop;
use std::os::unix::ffi::OsStringExt;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use calog_plugin_api::host_side::HostType;
use calog_plugin_api::{
    Access, CallInfo, Callable, Code, Completion, ContextOptions, Error, FunctionKey, KeptInfo, Level, Native, Object,
    ObjectKey, Result, RuntimeHandle, Value, WaitKey,
};

use crate::context::ContextShared;
use crate::function::DeadFunction;
use crate::limits::{Limit, What};
use crate::local::LocalContext;
use crate::object::{DeadObject, ScriptObject};
use crate::worker::Worker;

/// What a `Host` points to.
///
/// Plugins cannot bring it to another thread, but the C code of an interpreter may. What belongs to
/// the context's thread is therefore touched on that thread only; elsewhere the answer is that the
/// context is not there.
pub(crate) struct ContextHost {
    owned: Owned,
    shared: Arc<ContextShared>,
    base: KeptInfo,
}

impl ContextHost {
    // The handle counts with an Arc, though it never leaves its thread.
    #[allow(clippy::arc_with_non_send_sync)]
    pub(crate) fn new(worker: &Rc<Worker>, local: &Rc<LocalContext>) -> Arc<ContextHost> {
        Arc::new(ContextHost {
            owned: Owned::new(worker, local),
            shared: Arc::clone(&local.shared),
            base: local.base.clone(),
        })
    }

    fn here(&self) -> Result<(Rc<Worker>, Rc<LocalContext>)> {
        let owned = self.owned.get().ok_or_else(|| self.elsewhere())?;
        owned.worker.upgrade().zip(owned.local.upgrade()).ok_or_else(|| self.shared.dead())
    }

    #[cold]
    fn elsewhere(&self) -> Error {
        let message = format!("context '{}' is not of this thread: its host was taken to another", self.shared.name);
        Error::new(Code::Dead, message)
    }

    fn is_mine(&self, identity: calog_plugin_api::Identity) -> bool {
        identity.runtime == self.shared.core.id && identity.context == self.shared.id.number()
    }
}

/// What only the context's thread may touch.
struct Owned {
    thread: usize,
    of_thread: ManuallyDrop<OfThread>,
}

struct OfThread {
    worker: Weak<Worker>,
    local: Weak<LocalContext>,
}

impl Owned {
    fn new(worker: &Rc<Worker>, local: &Rc<LocalContext>) -> Owned {
        let of_thread = OfThread { worker: Rc::downgrade(worker), local: Rc::downgrade(local) };
        Owned { thread: this_thread(), of_thread: ManuallyDrop::new(of_thread) }
    }

    #[inline]
    fn get(&self) -> Option<&OfThread> {
        (self.thread == this_thread()).then_some(&*self.of_thread)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // On another thread it is leaked: its counts are not for that one to change.
        if self.thread == this_thread() {
            let OfThread { worker, local } = &mut *self.of_thread;
            drop((std::mem::take(worker), std::mem::take(local)));
        }
    }
}

/// A number that no other thread has which runs.
#[inline]
fn this_thread() -> usize {
    std::thread_local! {
        static HERE: u8 = const { 0 };
    }
    HERE.with(|here| std::ptr::from_ref(here).addr())
}

impl HostType for ContextHost {
    fn runtime(&self) -> RuntimeHandle {
        self.shared.core.handle().clone()
    }

    fn native_names(&self) -> Value {
        self.shared.core.natives().names()
    }

    fn native(&self, index: usize) -> Option<Native> {
        let native = self.shared.core.natives().get(index)?;
        Some(match &self.shared.rights {
            Some(rights) => crate::natives::permitted(rights, native),
            None => native,
        })
    }

    fn function(&self, known: Option<FunctionKey>) -> Result<(Callable, FunctionKey)> {
        match self.here() {
            Ok((worker, local)) => {
                worker.flush_many_releases();
                let (function, key) = local.function(known.map(|key| key.0))?;
                Ok((Callable::new(function), FunctionKey(key)))
            }
            // Nobody is there who could run it: it is dead from the start, and its key never released.
            Err(error) => {
                let function = DeadFunction { runtime: self.shared.core.id, error };
                Ok((Callable::new(Arc::new(function)), FunctionKey(u64::MAX)))
            }
        }
    }

    fn own_key(&self, callable: &Callable) -> Option<FunctionKey> {
        let identity = callable.identity();
        (self.is_mine(identity) && !callable.is_lenient()).then_some(FunctionKey(identity.key))
    }

    fn object(&self, known: Option<ObjectKey>, type_name: &str, members: Value) -> (Object, ObjectKey) {
        let type_name = type_name.to_owned();
        match self.here() {
            Ok((_, local)) => {
                let make = |key| ScriptObject { owner: Arc::clone(&self.shared), key, type_name, members };
                let (object, key) = local.object(known.map(|key| key.0), make);
                (Object::new(object), ObjectKey(key))
            }
            // As for functions.
            Err(error) => (Object::new(Arc::new(DeadObject { type_name, members, error })), ObjectKey(u64::MAX)),
        }
    }

    fn own_object_key(&self, object: &Object) -> Option<ObjectKey> {
        let identity = object.identity();
        self.is_mine(identity).then_some(ObjectKey(identity.key))
    }

    fn wait(&self, completion: Completion, info: &CallInfo) -> Result<Value> {
        let (worker, local) = self.here()?;
        worker.wait(Some(&local), completion, info)
    }

    fn watch(&self, completion: Completion, key: WaitKey, info: &CallInfo) {
        if let Ok((worker, local)) = self.here() {
            worker.watch(&local, completion, key, info);
        }
    }

    fn options(&self) -> ContextOptions {
        self.shared.options.clone()
    }

    fn info(&self) -> KeptInfo {
        self.base.clone()
    }

    fn stop_flag(&self) -> &AtomicU32 {
        &self.shared.stop
    }

    fn remaining_depth(&self) -> u32 {
        let worker = self.owned.get().and_then(|owned| owned.worker.upgrade());
        worker.map_or(0, |worker| worker.remaining_nesting())
    }

    fn print(&self, bytes: &[u8]) {
        // What is beyond the limit is dropped: nobody is there to be told.
        let _ = self.try_print(bytes);
    }

    fn try_print(&self, bytes: &[u8]) -> Result<()> {
        if let Some(rights) = &self.shared.rights {
            let counted = rights.take(&Limit::Output.into(), bytes.len() as u64);
            counted.map_err(|error| self.shared.at_limit(error))?;
        }
        self.shared.printer.print(bytes);
        Ok(())
    }

    fn reached(&self, limit: &str) -> Error {
        let rights = self.shared.rights.as_ref();
        let error = match (rights, What::named(limit)) {
            (Some(rights), What::Known(limit)) => rights.reached(limit),
            _ => Error::new(Code::Limit, format!("context '{}' has reached its limit of {limit}", self.shared.name)),
        };
        self.shared.at_limit(error)
    }

    fn permit(&self, access: Access, path: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some(rights) = &self.shared.rights else { return Ok(None) };
        Ok(rights.permit(access, path)?.map(|path| path.into_os_string().into_vec()))
    }

    fn log(&self, level: Level, message: &str) {
        crate::runtime_handle::log(level, &self.shared.name, None, message);
    }

    fn report(&self, error: Error) {
        let error = if error.frames().next().is_some() { error } else { error.with_frame(self.shared.frame()) };
        debug_assert!(Code::ALL.contains(&error.code()));
        self.shared.core.report(self.shared.id, error);
    }
}
