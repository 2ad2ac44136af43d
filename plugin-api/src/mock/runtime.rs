//! The mock's runtime: one, without a clock, a pool or tokens.

use std::sync::Arc;

use crate::host_side::{Callback, RuntimeType, promise};
use crate::{
    Args, CallInfo, Callable, CallableType, CancelToken, Completion, Finisher, Frame, Identity, Level, Native, Outcome,
    Result, Value,
};

/// Its number.
pub(super) const ID: u64 = 1;

pub(super) struct Runtime;

impl RuntimeType for Runtime {
    fn id(&self) -> u64 {
        ID
    }
    fn now_ns(&self) -> u64 {
        1
    }
    fn completion(&self, text: &str, external: bool) -> (Completion, Finisher) {
        promise(text, external, None)
    }
    fn after_ns(&self, _nanoseconds: u64) -> Completion {
        let (completion, finisher) = promise("time", true, None);
        finisher.finish(Ok(Value::Nil)).expect("it was just made");
        completion
    }
    fn cancel_token(&self, _parent: Option<&CancelToken>) -> CancelToken {
        panic!("the mock makes no tokens")
    }
    fn blocking(&self, work: Callback) {
        work.ring();
    }
    fn keep_alive(&self, _change: i32) {}
    fn callable(&self, native: Native) -> Callable {
        Callable::new(Arc::new(Wrapped(native, super::next())))
    }
    fn post(&self, _context: u64, _callable: &Callable, _info: &CallInfo, _args: Args<'_>) -> Result<()> {
        Ok(())
    }
    fn permission(&self, _info: &CallInfo, _name: &str) -> Result<()> {
        Ok(())
    }
    fn site(&self, context: u64) -> Option<Frame> {
        super::find(context)?.site()
    }
    fn log(&self, _level: Level, _context: u64, message: &str) {
        println!("{message}");
    }
    fn when_closed(&self, _context: u64, _hook: Callback) {}
    fn name_tasks(&self, _names: Native) {}
}

/// A native as a callable.
struct Wrapped(Native, u64);

impl CallableType for Wrapped {
    fn call(&self, info: &CallInfo, args: Args<'_>) -> Outcome {
        self.0.call(info, args)
    }
    fn identity(&self) -> Identity {
        Identity { runtime: ID, context: 0, key: self.1 }
    }
}
