//! What the tests stand on: a runtime that records, handles that count their drops, and short ways
//! to write values.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use calog_plugin_api::host_side::{Callback, CancelType, RuntimeType, promise};
use calog_plugin_api::{
    Args, Builder, CallInfo, Callable, CallableType, CancelToken, Code, Completion, Descriptor, Error, Facts, Finisher,
    Frame, Identity, KeptInfo, Level, Native, Object, ObjectType, Outcome, Result, RuntimeHandle, Shape, Value, View,
};

/// A runtime that does everything at once and writes down what it was asked.
#[derive(Default)]
pub(crate) struct TestRuntime {
    pub(crate) kept_alive: AtomicI32,
    pub(crate) lines: Mutex<Vec<String>>,
}

impl RuntimeType for TestRuntime {
    fn id(&self) -> u64 {
        7
    }
    fn now_ns(&self) -> u64 {
        1
    }
    fn completion(&self, text: &str, external: bool) -> (Completion, Finisher) {
        promise(text, external, None)
    }
    fn after_ns(&self, nanoseconds: u64) -> Completion {
        let (completion, finisher) = promise(format!("{nanoseconds} ns").as_str(), true, None);
        finisher.finish(Ok(Value::Nil)).expect("it was just made");
        completion
    }
    fn cancel_token(&self, parent: Option<&CancelToken>) -> CancelToken {
        let token = Arc::new(TestToken::default());
        if let Some(parent) = parent {
            let child = CancelToken::new(token.clone());
            parent.on_cancel(move || child.cancel());
        }
        CancelToken::new(token)
    }
    fn blocking(&self, work: Callback) {
        work.ring();
    }
    fn keep_alive(&self, change: i32) {
        self.kept_alive.fetch_add(change, Ordering::SeqCst);
    }
    fn callable(&self, native: Native) -> Callable {
        Callable::new(Arc::new(NativeAsCallable(native)))
    }
    fn post(&self, context: u64, callable: &Callable, info: &CallInfo, args: Args<'_>) -> Result<()> {
        if context == 0 {
            return Err(Error::new(Code::Dead, "no such context"));
        }
        callable.call(info, args).settled().expect("tests post what is ready").map(drop)
    }
    fn permission(&self, _info: &CallInfo, name: &str) -> Result<()> {
        if name == "allowed" { Ok(()) } else { Err(Error::new(Code::Permission, format!("no {name}"))) }
    }
    fn site(&self, context: u64) -> Option<Frame> {
        (context == 3).then(|| Frame { file: "there.tly".into(), line: 5, ..Frame::default() })
    }
    fn log(&self, level: Level, context: u64, message: &str) {
        self.lines.lock().expect("no test panics here").push(format!("{} {context} {message}", level.word()));
    }
    fn name_tasks(&self, _names: Native) {}
    fn when_closed(&self, context: u64, hook: Callback) {
        // Context 9 has closed; the others never do.
        if context == 9 {
            hook.ring();
        }
    }
}

struct NativeAsCallable(Native);

impl CallableType for NativeAsCallable {
    fn call(&self, info: &CallInfo, args: Args<'_>) -> Outcome {
        self.0.call(info, args)
    }
    fn identity(&self) -> Identity {
        Identity { runtime: 7, context: 0, key: 1 }
    }
}

/// A cancel token as a host may make it.
#[derive(Default)]
pub(crate) struct TestToken {
    raised: AtomicBool,
    aborted: AtomicBool,
    hooks: Mutex<Vec<(u64, Callback)>>,
    next: AtomicUsize,
}

impl CancelType for TestToken {
    fn is_cancelled(&self) -> bool {
        self.raised.load(Ordering::SeqCst)
    }
    fn cancel(&self) {
        self.raised.store(true, Ordering::SeqCst);
        let hooks = std::mem::take(&mut *self.hooks.lock().expect("no test panics here"));
        hooks.into_iter().for_each(|(_, hook)| hook.ring());
    }
    fn on_cancel(&self, hook: Callback) -> u64 {
        if self.is_cancelled() {
            hook.ring();
            return 0;
        }
        let id = 1 + self.next.fetch_add(1, Ordering::SeqCst) as u64;
        self.hooks.lock().expect("no test panics here").push((id, hook));
        id
    }
    fn forget(&self, hook: u64) {
        self.hooks.lock().expect("no test panics here").retain(|(id, _)| *id != hook);
    }
    fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::SeqCst)
    }
    fn abort(&self) {
        self.aborted.store(true, Ordering::SeqCst);
        self.cancel();
    }
    fn parent(&self) -> Option<CancelToken> {
        None
    }
    fn on_abort(&self, hook: Callback) -> u64 {
        // Tests set no hook of this level before they abort.
        if self.is_aborted() {
            hook.ring();
        }
        0
    }
}

/// A runtime handle.
pub(crate) fn runtime() -> RuntimeHandle {
    RuntimeHandle::new(Arc::new(TestRuntime::default()))
}

/// Circumstances of a call.
pub(crate) fn info() -> KeptInfo {
    KeptInfo::new(runtime(), None, Facts::default())
}

/// Counts drops of what it was given to.
#[derive(Clone, Default)]
pub(crate) struct Drops(Arc<AtomicUsize>);

impl Drops {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

struct CountsDrop(Drops);

impl Drop for CountsDrop {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
    }
}

struct TestCallable {
    key: u64,
    _counted: CountsDrop,
}

impl CallableType for TestCallable {
    fn call(&self, _info: &CallInfo, args: Args<'_>) -> Outcome {
        Value::list(args.to_values()).into()
    }
    fn identity(&self) -> Identity {
        Identity { runtime: 7, context: 3, key: self.key }
    }
    fn flags(&self) -> u32 {
        if self.key == 99 { Callable::LENIENT } else { 0 }
    }
}

/// A callable whose drop is counted. Called, it gives its arguments as a list.
pub(crate) fn callable(key: u64, drops: &Drops) -> Callable {
    Callable::new(Arc::new(TestCallable { key, _counted: CountsDrop(drops.clone()) }))
}

struct TestObject {
    value: Mutex<Value>,
    _counted: CountsDrop,
}

impl ObjectType for TestObject {
    fn type_name(&self) -> &str {
        "test.Cell"
    }
    fn members(&self) -> Value {
        let members = [Descriptor::property("value"), Descriptor::method("twice")];
        Value::list(members.iter().map(|it| it.to_value().expect("a flat map"))).expect("a short list")
    }
    fn get(&self, _info: &CallInfo, property: &str) -> Result<Value> {
        match property {
            "value" => Ok(self.value.lock().expect("no test panics here").clone()),
            "panics" => panic!("get"),
            _ => Err(Error::new(Code::NotFound, property)),
        }
    }
    fn set(&self, _info: &CallInfo, property: &str, value: View<'_>) -> Result<()> {
        assert!(property != "panics", "set");
        *self.value.lock().expect("no test panics here") = value.to_value();
        Ok(())
    }
    fn call(&self, _info: &CallInfo, method: &str, args: Args<'_>) -> Outcome {
        assert!(method != "panics", "call");
        Value::list([args.get(0), args.get(0)]).into()
    }
}

/// An Object whose drop is counted, with one property and one method.
pub(crate) fn object(drops: &Drops) -> Object {
    Object::new(Arc::new(TestObject { value: Mutex::new(Value::Nil), _counted: CountsDrop(drops.clone()) }))
}

/// A list.
pub(crate) fn list(items: &[Value]) -> Value {
    Value::list(items.iter().cloned()).expect("tests name lists that can be built")
}

/// A map with string keys.
pub(crate) fn map(pairs: &[(&str, Value)]) -> Value {
    Value::map(pairs.iter().cloned()).expect("tests name maps that can be built")
}

/// A list part and pairs in one.
pub(crate) fn mixed(items: &[Value], pairs: &[(Value, Value)]) -> Value {
    let mut builder = Builder::new();
    let mut fill = || {
        builder.begin(Shape::List)?;
        items.iter().try_for_each(|item| builder.value(item))?;
        for (key, value) in pairs {
            builder.key(key)?;
            builder.value(value)?;
        }
        builder.end()?;
        builder.finish()
    };
    fill().expect("tests name aggregates that can be built")
}

/// Lists in lists, this many levels.
pub(crate) fn nested(levels: usize) -> Result<Value> {
    let mut builder = Builder::new();
    (0..levels).try_for_each(|_| builder.begin(Shape::List))?;
    (0..levels).try_for_each(|_| builder.end())?;
    builder.finish()
}

/// An outcome as a short text: the value, or code and message.
pub(crate) fn show(result: &Result<Value>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{}: {}", error.code(), error.message()),
    }
}
