//! What a context under test sees of its host.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Weak};

use super::runtime::ID;
use super::{LOGGED, PRINTED, PUMPED, RELEASED, enter, finish, info, next, runtime};
use crate::host_side::HostType;
use crate::{
    Args, CallInfo, Callable, CallableType, Completion, ContextOptions, Error, FunctionKey, Identity, KeptInfo, Level,
    Native, Object, ObjectKey, Outcome, Result, RuntimeHandle, Value, WaitKey,
};

/// How deep calls may nest, and pumps.
pub(super) const DEEPEST: u32 = 40;

pub(super) struct MockHost {
    id: u64,
    natives: Vec<(String, Native)>,
    functions: RefCell<HashMap<u64, Weak<Exported>>>,
    options: ContextOptions,
    stop: Arc<AtomicU32>,
}

impl MockHost {
    pub(super) fn new(
        id: u64,
        natives: Vec<(String, Native)>,
        options: ContextOptions,
        stop: Arc<AtomicU32>,
    ) -> MockHost {
        MockHost { id, natives, functions: RefCell::default(), options, stop }
    }
}

impl HostType for MockHost {
    fn runtime(&self) -> RuntimeHandle {
        runtime()
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
        panic!("the mock knows no Objects of contexts")
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
        info(0)
    }
    fn stop_flag(&self) -> &AtomicU32 {
        &self.stop
    }
    fn remaining_depth(&self) -> u32 {
        DEEPEST
    }
    fn print(&self, bytes: &[u8]) {
        PRINTED.with_borrow_mut(|all| all.extend_from_slice(bytes));
    }
    fn log(&self, _level: Level, message: &str) {
        LOGGED.with_borrow_mut(|all| all.push(message.to_owned()));
    }
    fn report(&self, error: Error) {
        println!("{error:?}");
    }
}

/// A function that left its context.
struct Exported {
    context: u64,
    key: u64,
}

impl CallableType for Exported {
    fn call(&self, info: &CallInfo, args: Args<'_>) -> Outcome {
        enter(self.context, FunctionKey(self.key), info, args).into()
    }
    fn identity(&self) -> Identity {
        Identity { runtime: ID, context: self.context, key: self.key }
    }
}

impl Drop for Exported {
    fn drop(&mut self) {
        // Once the thread ends, nobody is left to release it for.
        let _ = RELEASED.try_with(|it| it.borrow_mut().push((self.context, self.key)));
    }
}
