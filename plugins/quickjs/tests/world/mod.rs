//! A host small enough to see through: one thread, one context, natives given by the test.

#![allow(dead_code)]

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use calog_engine_quickjs::QuickJs;
use calog_plugin_api::host_side::{ContextHandle, EngineHandle, Entered, HostType, promise};
use calog_plugin_api::mock;
use calog_plugin_api::prelude::*;
use calog_plugin_api::{CallableType, FunctionKey, Identity, KeptInfo, Native, NativeType, ObjectKey};

thread_local! {
    static CONTEXT: RefCell<Option<Rc<ContextHandle>>> = const { RefCell::new(None) };
}

/// What the mock keeps; shared by its handles.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) printed: Mutex<String>,
    pub(crate) logged: Mutex<Vec<String>>,
    pub(crate) reported: Mutex<Vec<Error>>,
    released: Mutex<Vec<u64>>,
    living: Mutex<HashMap<u64, Weak<Own>>>,
    watches: Mutex<VecDeque<(u64, Completion)>>,
    later: Mutex<VecDeque<Box<dyn FnOnce() + Send>>>,
    last_key: AtomicU64,
    stop: AtomicU32,
    depth: AtomicU32,
}

/// A function of the context.
struct Own {
    key: u64,
    shared: Arc<Shared>,
}

impl Drop for Own {
    fn drop(&mut self) {
        self.shared.released.lock().unwrap().push(self.key);
    }
}

impl CallableType for Own {
    fn call(&self, info: &CallInfo, args: Args<'_>) -> Outcome {
        let context = CONTEXT.with_borrow(|context| context.clone());
        let Some(context) = context else {
            return Outcome::Failed(Error::new(Code::Dead, "the context is closed"));
        };
        let step = context.call(FunctionKey(self.key), info, args).unwrap();
        finish(&self.shared, &context, step).into()
    }

    fn identity(&self) -> Identity {
        Identity { runtime: 1, context: 1, key: self.key }
    }
}

/// A function of another context, in Rust.
pub(crate) struct Foreign<F>(pub(crate) F);

impl<F: Fn(&CallInfo, Args<'_>) -> Outcome + Send + Sync + 'static> CallableType for Foreign<F> {
    fn call(&self, info: &CallInfo, args: Args<'_>) -> Outcome {
        (self.0)(info, args)
    }

    fn identity(&self) -> Identity {
        Identity { runtime: 1, context: 2, key: 1 }
    }
}

/// A callable that leads into Rust.
pub(crate) fn foreign(f: impl Fn(&CallInfo, Args<'_>) -> Outcome + Send + Sync + 'static) -> Callable {
    Callable::new(Arc::new(Foreign(f)))
}

struct RustNative<F> {
    call: F,
    flags: u32,
}

impl<F: Fn(&CallInfo, Args<'_>) -> Outcome + Send + Sync + 'static> NativeType for RustNative<F> {
    fn call(&self, info: &CallInfo, args: Args<'_>) -> Outcome {
        (self.call)(info, args)
    }

    fn descriptor(&self) -> Value {
        Descriptor { flags: self.flags, ..Descriptor::default() }.to_value().unwrap()
    }

    fn flags(&self) -> u32 {
        self.flags
    }
}

/// A native with flags.
pub(crate) fn native(flags: u32, call: impl Fn(&CallInfo, Args<'_>) -> Outcome + Send + Sync + 'static) -> Native {
    Native::new(Arc::new(RustNative { call, flags }))
}

struct MockHost {
    shared: Arc<Shared>,
    natives: Vec<(String, Native)>,
    runtime: RuntimeHandle,
    info: KeptInfo,
    options: Value,
}

impl HostType for MockHost {
    fn runtime(&self) -> RuntimeHandle {
        self.runtime.clone()
    }
    fn native_names(&self) -> Value {
        Value::list(self.natives.iter().map(|(name, _)| name.as_str())).unwrap()
    }
    fn native(&self, index: usize) -> Option<Native> {
        self.natives.get(index).map(|(_, native)| native.clone())
    }
    fn function(&self, known: Option<FunctionKey>) -> Result<(Callable, FunctionKey)> {
        let mut living = self.shared.living.lock().unwrap();
        if let Some(own) = known.and_then(|key| living.get(&key.0)).and_then(Weak::upgrade) {
            let key = own.key;
            return Ok((Callable::new(own), FunctionKey(key)));
        }
        let key = self.shared.last_key.fetch_add(1, Ordering::Relaxed) + 1;
        let own = Arc::new(Own { key, shared: self.shared.clone() });
        living.insert(key, Arc::downgrade(&own));
        Ok((Callable::new(own), FunctionKey(key)))
    }
    fn own_key(&self, callable: &Callable) -> Option<FunctionKey> {
        let identity = callable.identity();
        (identity.context == 1).then_some(FunctionKey(identity.key))
    }
    fn object(&self, _known: Option<ObjectKey>, _type_name: &str, _members: Value) -> (Object, ObjectKey) {
        panic!("no objects here")
    }
    fn own_object_key(&self, _object: &Object) -> Option<ObjectKey> {
        None
    }
    fn wait(&self, completion: Completion, _info: &CallInfo) -> Result<Value> {
        let context = CONTEXT.with_borrow(|context| context.clone());
        self.shared.depth.fetch_add(1, Ordering::Relaxed);
        let result = match context {
            Some(context) => wait(&self.shared, &context, completion),
            None => Err(Error::new(Code::Dead, "closed")),
        };
        self.shared.depth.fetch_sub(1, Ordering::Relaxed);
        result
    }
    fn watch(&self, completion: Completion, key: WaitKey, _info: &CallInfo) {
        self.shared.watches.lock().unwrap().push_back((key.0, completion));
    }
    fn options(&self) -> ContextOptions {
        ContextOptions::new(self.options.clone())
    }
    fn info(&self) -> KeptInfo {
        self.info.clone()
    }
    fn stop_flag(&self) -> &AtomicU32 {
        &self.shared.stop
    }
    fn remaining_depth(&self) -> u32 {
        40
    }
    fn print(&self, bytes: &[u8]) {
        self.shared.printed.lock().unwrap().push_str(std::str::from_utf8(bytes).unwrap());
    }
    fn log(&self, level: Level, message: &str) {
        self.shared.logged.lock().unwrap().push(format!("{}: {message}", level.word()));
    }
    fn report(&self, error: Error) {
        self.shared.reported.lock().unwrap().push(error);
    }
}

/// Serves one thing that is due; whether there was one.
fn pump(shared: &Arc<Shared>, context: &ContextHandle) -> bool {
    let released = std::mem::take(&mut *shared.released.lock().unwrap());
    for &key in &released {
        shared.living.lock().unwrap().remove(&key);
        context.release(FunctionKey(key)).unwrap();
    }
    let later = shared.later.lock().unwrap().pop_front();
    if let Some(later) = later {
        later();
        return true;
    }
    let watches = std::mem::take(&mut *shared.watches.lock().unwrap());
    let mut served = !released.is_empty();
    for (key, completion) in watches {
        match completion.try_take() {
            Ok(result) => {
                served = true;
                context.resume(WaitKey(key), result).unwrap();
            }
            Err(completion) => shared.watches.lock().unwrap().push_back((key, completion)),
        }
    }
    served
}

fn wait(shared: &Arc<Shared>, context: &ContextHandle, mut completion: Completion) -> Result<Value> {
    loop {
        match completion.try_take() {
            Ok(result) => return result,
            Err(still) => completion = still,
        }
        if !pump(shared, context) {
            return Err(Error::new(Code::Dead, "stuck"));
        }
    }
}

fn finish(shared: &Arc<Shared>, context: &ContextHandle, mut entered: Entered) -> Result<Value> {
    loop {
        match entered {
            Entered::Done(outcome) => return outcome.settled().unwrap(),
            Entered::Waiting(task, on) => {
                let result = wait(shared, context, on);
                entered = context.resume(WaitKey(task.0), result).unwrap();
            }
            Entered::Yielded(..) => return Err(Error::new(Code::Unsupported, "yielded")),
        }
    }
}

/// A context and its host.
pub(crate) struct World {
    pub(crate) shared: Arc<Shared>,
    pub(crate) info: KeptInfo,
    context: Option<Rc<ContextHandle>>,
}

impl World {
    pub(crate) fn new(natives: Vec<(&str, Native)>) -> World {
        World::with_options(natives, Value::map([("name", "test")]).unwrap())
    }

    pub(crate) fn with_options(natives: Vec<(&str, Native)>, options: Value) -> World {
        let shared = Arc::new(Shared::default());
        let (runtime, info) = (mock::runtime(), mock::info(0));
        let natives = natives.into_iter().map(|(name, native)| (name.to_owned(), native)).collect();
        let host = MockHost { shared: shared.clone(), natives, runtime, info: info.clone(), options: options.clone() };
        let engine = EngineHandle::new(QuickJs);
        let context = engine.open(Host::new(Arc::new(host)), &ContextOptions::new(options)).unwrap();
        let context = Rc::new(context);
        CONTEXT.set(Some(context.clone()));
        World { shared, info, context: Some(context) }
    }

    pub(crate) fn handle(&self) -> &ContextHandle {
        self.context.as_ref().unwrap()
    }

    fn source(&self, mode: SourceMode, name: &str, path: &str, text: &str) -> Result<Value> {
        let source = Source { mode, name, path, text: text.as_bytes(), info: &self.info };
        let step = self.handle().load(&source).unwrap();
        let result = finish(&self.shared, self.handle(), step);
        while pump(&self.shared, self.handle()) {}
        result
    }

    /// Runs a module.
    pub(crate) fn load(&self, text: &str) -> Result<Value> {
        self.source(SourceMode::File, "main.js", "", text)
    }

    /// Runs a module from a file.
    pub(crate) fn load_file(&self, path: &std::path::Path) -> Result<Value> {
        let text = std::fs::read_to_string(path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        self.source(SourceMode::File, name, path.to_str().unwrap(), &text)
    }

    /// The value of an expression.
    pub(crate) fn eval(&self, text: &str) -> Result<Value> {
        self.source(SourceMode::Eval, "eval", "", text)
    }

    pub(crate) fn mode(&self, mode: SourceMode, text: &str) -> Result<Value> {
        self.source(mode, "input.js", "", text)
    }

    /// Calls a function value.
    pub(crate) fn call(&self, function: &Value, args: &[Value]) -> Result<Value> {
        let views: Vec<View<'_>> = args.iter().map(Value::view).collect();
        let callable = function.view().as_callable().expect("a function").clone();
        match callable.call(&self.info, Args::new(&views)).settled() {
            Ok(result) => result,
            Err(completion) => wait(&self.shared, self.handle(), completion),
        }
    }

    pub(crate) fn pump(&self) {
        while pump(&self.shared, self.handle()) {}
    }

    pub(crate) fn printed(&self) -> String {
        std::mem::take(&mut *self.shared.printed.lock().unwrap())
    }

    pub(crate) fn reports(&self) -> Vec<String> {
        self.shared.reported.lock().unwrap().drain(..).map(|error| format!("{error:?}")).collect()
    }

    pub(crate) fn stop(&self) {
        self.shared.stop.store(1, Ordering::Relaxed);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        CONTEXT.set(None);
        let context = self.context.take().unwrap();
        assert_eq!(Rc::strong_count(&context), 1, "the context is still in use");
    }
}

/// A native that waits: finished with its argument when the world pumps.
pub(crate) fn slow_native(flags: u32) -> (Native, Arc<Mutex<Option<Arc<Shared>>>>) {
    let place: Arc<Mutex<Option<Arc<Shared>>>> = Arc::default();
    let seen = place.clone();
    let native = native(flags, move |_info, args| {
        let (completion, finisher) = promise("slow", true, None);
        let value = args.get(0).to_value();
        let shared = seen.lock().unwrap().clone().expect("the test sets it");
        shared.later.lock().unwrap().push_back(Box::new(move || {
            let result = match value.view().as_str() {
                Some("fail") => Err(Error::new(Code::Io, "it failed")),
                _ => Ok(value),
            };
            let _ = finisher.finish(result);
        }));
        Outcome::Pending(completion)
    });
    (native, place)
}
