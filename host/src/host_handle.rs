//! The host as one context holds it: what `Host` does, on the context's thread.

use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use calog_plugin_api::host_side::HostType;
use calog_plugin_api::{
    CallInfo, Callable, Code, Completion, ContextOptions, Error, FunctionKey, KeptInfo, Level, Native, Object,
    ObjectKey, Result, RuntimeHandle, Value, WaitKey,
};

use crate::context::ContextShared;
use crate::local::LocalContext;
use crate::object::ScriptObject;
use crate::worker::Worker;

/// What a `Host` points to.
pub(crate) struct ContextHost {
    worker: Weak<Worker>,
    local: Weak<LocalContext>,
    shared: Arc<ContextShared>,
    base: KeptInfo,
}

impl ContextHost {
    // The handle counts with an Arc, though it never leaves its thread.
    #[allow(clippy::arc_with_non_send_sync)]
    pub(crate) fn new(worker: &Rc<Worker>, local: &Rc<LocalContext>) -> Arc<ContextHost> {
        Arc::new(ContextHost {
            worker: Rc::downgrade(worker),
            local: Rc::downgrade(local),
            shared: Arc::clone(&local.shared),
            base: local.base.clone(),
        })
    }

    fn here(&self) -> Result<(Rc<Worker>, Rc<LocalContext>)> {
        self.worker.upgrade().zip(self.local.upgrade()).ok_or_else(|| self.shared.dead())
    }

    fn is_mine(&self, identity: calog_plugin_api::Identity) -> bool {
        identity.runtime == self.shared.core.id && identity.context == self.shared.id.number()
    }
}

impl HostType for ContextHost {
    fn runtime(&self) -> RuntimeHandle {
        self.shared.core.handle().clone()
    }

    fn native_names(&self) -> Value {
        self.shared.core.natives().names()
    }

    fn native(&self, index: usize) -> Option<Native> {
        self.shared.core.natives().get(index)
    }

    fn function(&self, known: Option<FunctionKey>) -> (Callable, FunctionKey) {
        match self.here() {
            Ok((worker, local)) => {
                worker.flush_many_releases();
                let (function, key) = local.function(known.map(|key| key.0));
                (Callable::new(function), FunctionKey(key))
            }
            // While the interpreter is being ended: a callable that is dead from the start. Its key
            // is never released, as nobody is left to do so.
            Err(_) => {
                let function = crate::function::ScriptFunction::new(Arc::clone(&self.shared), u64::MAX);
                (Callable::new(Arc::new(function)), FunctionKey(u64::MAX))
            }
        }
    }

    fn own_key(&self, callable: &Callable) -> Option<FunctionKey> {
        let identity = callable.identity();
        (self.is_mine(identity) && !callable.is_lenient()).then_some(FunctionKey(identity.key))
    }

    fn object(&self, known: Option<ObjectKey>, type_name: &str, members: Value) -> (Object, ObjectKey) {
        let make =
            |key| ScriptObject { owner: Arc::clone(&self.shared), key, type_name: type_name.to_owned(), members };
        match self.local.upgrade() {
            Some(local) => {
                let (object, key) = local.object(known.map(|key| key.0), make);
                (Object::new(object), ObjectKey(key))
            }
            None => (Object::new(Arc::new(make(u64::MAX))), ObjectKey(u64::MAX)),
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
        self.worker.upgrade().map_or(0, |worker| worker.remaining_nesting())
    }

    fn print(&self, bytes: &[u8]) {
        self.shared.printer.print(bytes);
    }

    fn log(&self, level: Level, message: &str) {
        crate::runtime_handle::log(level, &self.shared.name, message);
    }

    fn report(&self, error: Error) {
        let error = if error.frames().next().is_some() { error } else { error.with_frame(self.shared.frame()) };
        debug_assert!(Code::ALL.contains(&error.code()));
        self.shared.core.report(self.shared.id, error);
    }
}
