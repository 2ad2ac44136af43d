//! A host of the smallest sort: one thread, contexts in a list, waits that are finished in turn.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use calog_plugin_api::host_side::{Callback, HostType, RuntimeType, promise};
use calog_plugin_api::prelude::*;
use calog_plugin_api::{CallableType, CancelToken, Facts, Function, Identity, KeptInfo, Native, NativeType, Object};

use crate::{Squirrel, SquirrelContext};

thread_local! {
    static CONTEXTS: RefCell<HashMap<u64, Rc<SquirrelContext>>> = RefCell::default();
    static RELEASED: RefCell<Vec<(u64, u64)>> = RefCell::default();
    static LATER: RefCell<Vec<Box<dyn FnOnce()>>> = RefCell::default();
    static NEXT: Cell<u64> = const { Cell::new(1) };
    pub(super) static PRINTED: RefCell<Vec<u8>> = RefCell::default();
}

fn next() -> u64 {
    NEXT.with(|it| it.replace(it.get() + 1))
}

struct Runtime;

/// A native as a callable.
struct Wrapped(Native, u64);

impl CallableType for Wrapped {
    fn call(&self, info: &CallInfo, args: Args<'_>) -> Outcome {
        self.0.call(info, args)
    }
    fn identity(&self) -> Identity {
        Identity { runtime: 1, context: 0, key: self.1 }
    }
}

impl RuntimeType for Runtime {
    fn id(&self) -> u64 {
        1
    }
    fn now_ns(&self) -> u64 {
        1
    }
    fn completion(&self, text: &str, external: bool) -> (Completion, Finisher) {
        promise(text, external, None)
    }
    fn after_ns(&self, _nanoseconds: u64) -> Completion {
        promise("time", true, None).0
    }
    fn cancel_token(&self, _parent: Option<&CancelToken>) -> CancelToken {
        panic!("no test needs tokens")
    }
    fn blocking(&self, work: Callback) {
        work.ring();
    }
    fn keep_alive(&self, _change: i32) {}
    fn callable(&self, native: Native) -> Callable {
        Callable::new(Arc::new(Wrapped(native, next())))
    }
    fn post(&self, _context: u64, _callable: &Callable, _info: &CallInfo, _args: Args<'_>) -> Result<()> {
        Ok(())
    }
    fn permission(&self, _info: &CallInfo, _name: &str) -> Result<()> {
        Ok(())
    }
    fn site(&self, context: u64) -> Option<Frame> {
        find(context)?.site()
    }
    fn log(&self, _level: Level, _context: u64, message: &str) {
        println!("{message}");
    }

    fn when_closed(&self, _context: u64, _hook: calog_plugin_api::host_side::Callback) {}
    fn name_tasks(&self, _names: Native) {}
}

fn find(context: u64) -> Option<Rc<SquirrelContext>> {
    CONTEXTS.with_borrow(|all| all.get(&context).cloned())
}

/// A Squirrel function that left its context.
struct Exported {
    context: u64,
    key: u64,
}

impl CallableType for Exported {
    fn call(&self, info: &CallInfo, args: Args<'_>) -> Outcome {
        let Some(context) = find(self.context) else { return Error::new(Code::Dead, "closed").into() };
        let mut facts = info.facts();
        facts.depth += 1;
        if facts.depth > 40 {
            return Error::new(Code::Depth, "too deep").into();
        }
        facts.context = self.context;
        let info = info.derive(facts);
        settle(&context, context.call(FunctionKey(self.key), &info, args)).into()
    }
    fn identity(&self) -> Identity {
        Identity { runtime: 1, context: self.context, key: self.key }
    }
}

impl Drop for Exported {
    fn drop(&mut self) {
        let _ = RELEASED.try_with(|it| it.borrow_mut().push((self.context, self.key)));
    }
}

/// Runs waits to their end.
fn settle(context: &SquirrelContext, mut step: Step) -> Result<Value> {
    loop {
        match step {
            Step::Done(result) => return result,
            Step::Waiting { task, on } => step = context.resume(WaitKey(task.0), finish(on)),
            Step::Yielded { .. } => unreachable!("the engine yields nothing yet"),
        }
    }
}

/// Finishes pending promises until this one is there.
fn finish(mut on: Completion) -> Result<Value> {
    loop {
        match on.try_take() {
            Ok(result) => return result,
            Err(still) => on = still,
        }
        if !finish_next() {
            return Err(Error::new(Code::Dead, "nobody will finish this"));
        }
    }
}

/// Finishes the oldest pending promise. Whether there was one.
pub(super) fn finish_next() -> bool {
    let first = LATER.with_borrow_mut(|all| (!all.is_empty()).then(|| all.remove(0)));
    first.map(|first| first()).is_some()
}

/// Delivers what was released, as the owner's thread does between calls.
pub(super) fn deliver_releases() {
    for (context, key) in RELEASED.take() {
        if let Some(context) = find(context) {
            context.release(FunctionKey(key));
        }
    }
}

struct MockHost {
    id: u64,
    natives: Vec<(String, Native)>,
    functions: RefCell<HashMap<u64, Weak<Exported>>>,
    options: ContextOptions,
    stop: Arc<AtomicU32>,
}

impl HostType for MockHost {
    fn runtime(&self) -> RuntimeHandle {
        RuntimeHandle::new(Arc::new(Runtime))
    }
    fn native_names(&self) -> Value {
        Value::list(self.natives.iter().map(|(name, _)| name.as_str())).expect("a flat list of names")
    }
    fn native(&self, index: usize) -> Option<Native> {
        self.natives.get(index).map(|(_, native)| native.clone())
    }
    fn function(&self, known: Option<FunctionKey>) -> Result<(Callable, FunctionKey)> {
        let mut all = self.functions.borrow_mut();
        if let Some(key) = known
            && let Some(function) = all.get(&key.0).and_then(Weak::upgrade)
        {
            return Ok((Callable::new(function), key));
        }
        let key = next();
        let function = Arc::new(Exported { context: self.id, key });
        all.retain(|_, it| it.strong_count() > 0);
        all.insert(key, Arc::downgrade(&function));
        Ok((Callable::new(function), FunctionKey(key)))
    }
    fn own_key(&self, callable: &Callable) -> Option<FunctionKey> {
        let identity = callable.identity();
        (identity.context == self.id).then_some(FunctionKey(identity.key))
    }
    fn object(&self, _known: Option<ObjectKey>, _type_name: &str, _members: Value) -> (Object, ObjectKey) {
        panic!("Squirrel makes no Objects")
    }
    fn own_object_key(&self, _object: &Object) -> Option<ObjectKey> {
        None
    }
    fn wait(&self, completion: Completion, _info: &CallInfo) -> Result<Value> {
        PUMPED.set(PUMPED.get() + 1);
        finish(completion)
    }
    fn watch(&self, _completion: Completion, _key: WaitKey, _info: &CallInfo) {}
    fn options(&self) -> ContextOptions {
        self.options.clone()
    }
    fn info(&self) -> KeptInfo {
        KeptInfo::new(self.runtime(), None, Facts::default())
    }
    fn stop_flag(&self) -> &AtomicU32 {
        &self.stop
    }
    fn remaining_depth(&self) -> u32 {
        40
    }
    fn print(&self, bytes: &[u8]) {
        PRINTED.with_borrow_mut(|all| all.extend_from_slice(bytes));
    }
    fn log(&self, _level: Level, message: &str) {
        println!("{message}");
    }
    fn report(&self, error: Error) {
        println!("{error:?}");
    }
}

thread_local! {
    /// How many waits pumped instead of suspending.
    pub(super) static PUMPED: Cell<u32> = const { Cell::new(0) };
}

/// An Object with a method and a property.
struct Counter(AtomicU32);

impl ObjectType for Counter {
    fn type_name(&self) -> &str {
        "test.Counter"
    }
    fn members(&self) -> Value {
        let members = [Descriptor::method("add"), Descriptor::method("same"), Descriptor::property("count")];
        Value::list(members.iter().map(|it| it.to_value().expect("plain descriptors"))).expect("a short list")
    }
    fn get(&self, _info: &CallInfo, property: &str) -> Result<Value> {
        assert_eq!(property, "count");
        Ok(Value::Int(self.0.load(Ordering::Relaxed).into()))
    }
    fn set(&self, _info: &CallInfo, property: &str, value: View<'_>) -> Result<()> {
        if property != "count" {
            return Err(Error::new(Code::NotFound, format!("no member '{property}'")));
        }
        self.0.store(value.as_int().unwrap_or(0) as u32, Ordering::Relaxed);
        Ok(())
    }
    fn call(&self, _info: &CallInfo, method: &str, args: Args<'_>) -> Outcome {
        match method {
            "add" => {
                let by = args.get(0).as_int().unwrap_or(1) as u32;
                Outcome::Ready(Value::Int((self.0.fetch_add(by, Ordering::Relaxed) + by).into()))
            }
            _ => Outcome::Ready(Value::Int(args.len() as i64)),
        }
    }
    fn text(&self) -> String {
        format!("<Counter at {}>", self.0.load(Ordering::Relaxed))
    }
}

/// `test.fail(code, message, thrown)`.
struct Throw;

impl NativeType for Throw {
    fn call(&self, _info: &CallInfo, args: Args<'_>) -> Outcome {
        let code = args.get(0).as_str().and_then(Code::from_word).unwrap_or(Code::Script);
        let foreign = Frame { language: "rust".into(), function: "throw".into(), ..Frame::default() };
        let error = Error::new(code, args.get(1).as_str().unwrap_or("failed")).with_frame(foreign);
        match args.get(2) {
            view if view.is_nil() => Outcome::Failed(error),
            view => Outcome::Failed(error.with_thrown(view.to_value())),
        }
    }
    fn descriptor(&self) -> Value {
        Value::Nil
    }
    fn flags(&self) -> u32 {
        0
    }
}

fn build(function: Function) -> (String, Native) {
    let name = function.name().to_owned();
    (name, function.build().expect("a sound native"))
}

fn natives(modules: HashMap<String, Value>, stop: Arc<AtomicU32>) -> Vec<(String, Native)> {
    let kept: Arc<std::sync::Mutex<Vec<Value>>> = Arc::default();
    let again = kept.clone();
    vec![
        build(Function::new("test.id", |value: Value| value)),
        build(Function::new("test.add", |a: i64, b: i64| a + b)),
        build(Function::new("test.text", |text: &[u8]| Value::from(text))),
        build(Function::new("test.show", |value: View<'_>| format!("{value:?}"))),
        build(Function::new("test.count", |rest: Rest<'_>| rest.0.len() as i64)),
        build(Function::new("test.call", |info: &CallInfo, function: &Callable, rest: Rest<'_>| {
            function.call(info, rest.0)
        })),
        build(Function::new("test.keep", move |value: Value| kept.lock().expect("one thread").push(value))),
        build(Function::new("test.kept", move || again.lock().expect("one thread").pop())),
        build(Function::new("test.later", |value: Value| {
            let (completion, finisher) = promise("later", false, None);
            LATER.with_borrow_mut(|all| {
                all.push(Box::new(move || {
                    let _ = finisher.finish(Ok(value));
                }));
            });
            completion
        })),
        build(Function::new("test.fail_later", |code: &str, message: &str| {
            let (completion, finisher) = promise("later", false, None);
            let error = Error::new(Code::from_word(code).expect("a code"), message);
            LATER.with_borrow_mut(|all| {
                all.push(Box::new(move || {
                    let _ = finisher.finish(Err(error));
                }));
            });
            completion
        })),
        build(Function::new("test.filter", |value: i64| format!("filtered {value}"))),
        build(Function::new("test.site", |info: &CallInfo| info.site().map(|it| it.to_string()))),
        build(Function::new("test.counter", || Object::new(Arc::new(Counter(AtomicU32::new(0)))))),
        build(Function::new("test.stop", move |info: &CallInfo| {
            stop.store(1, Ordering::Relaxed);
            find(info.context()).expect("an open context").interrupt();
        })),
        build(Function::new("test.inner.deep", || "deep")),
        build(Function::new("calog.import", move |name: &str| {
            modules.get(name).cloned().ok_or_else(|| Error::new(Code::NotFound, format!("no module '{name}' anywhere")))
        })),
        build(Function::new("string.shout", |text: &str| text.to_uppercase())),
        ("test.fail".to_owned(), Native::new(Arc::new(Throw))),
    ]
}

/// A context, closed when it is dropped.
pub(super) struct Opened {
    pub(super) context: Rc<SquirrelContext>,
    pub(super) id: u64,
    pub(super) stop: Arc<AtomicU32>,
}

impl Drop for Opened {
    fn drop(&mut self) {
        CONTEXTS.with_borrow_mut(|all| all.remove(&self.id));
    }
}

pub(super) fn open() -> Opened {
    open_with(false, HashMap::new())
}

pub(super) fn open_with(lenient: bool, modules: HashMap<String, Value>) -> Opened {
    let id = next() << 32;
    let options = Value::map([("name", Value::from("main")), ("lenient", Value::Bool(lenient))]).expect("a small map");
    let options = ContextOptions::new(options);
    let stop = Arc::new(AtomicU32::new(0));
    let host = MockHost {
        id,
        natives: natives(modules, stop.clone()),
        functions: RefCell::default(),
        options: options.clone(),
        stop: stop.clone(),
    };
    // A host handle stays on its thread; the contract counts it in an Arc all the same.
    #[allow(clippy::arc_with_non_send_sync)]
    let host = Host::new(Arc::new(host));
    let engine = Squirrel::new(host.runtime().expect("the mock answers"), View::NIL).expect("no configuration");
    let context = Rc::new(engine.open(host, &options).expect("a new context"));
    CONTEXTS.with_borrow_mut(|all| all.insert(id, context.clone()));
    Opened { context, id, stop }
}

impl Opened {
    pub(super) fn load(&self, mode: SourceMode, name: &str, path: &str, code: &str) -> Result<Value> {
        let runtime = RuntimeHandle::new(Arc::new(Runtime));
        let facts = Facts::default();
        let info = KeptInfo::new(runtime, None, facts);
        let mut facts = info.facts();
        facts.context = self.id;
        let info = info.derive(facts);
        let source = Source { mode, name, path, text: code.as_bytes(), info: &info };
        settle(&self.context, self.context.load(source))
    }

    pub(super) fn run(&self, code: &str) -> Result<Value> {
        self.load(SourceMode::File, "main.nut", "", code)
    }

    /// Calls a function value.
    pub(super) fn call(&self, function: &Value, args: &[View<'_>]) -> Result<Value> {
        let info = KeptInfo::new(RuntimeHandle::new(Arc::new(Runtime)), None, Facts::default());
        let view = function.view();
        let outcome = view.as_callable().expect("a function").call(&info, Args::new(args));
        outcome.settled().expect("the mock settles")
    }
}
