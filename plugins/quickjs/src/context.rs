//! What the host calls: each entry runs under its own circumstances and leaves an empty job queue.

use std::rc::Rc;

use calog_plugin_api::prelude::*;
use rquickjs::{Context as JsContext, Ctx, Runtime};

use crate::evaluate;
use crate::ffi::{self, Called, Counted, Memory, RawContext};
use crate::globals;
use crate::jobs::entry;
use crate::natives;
use crate::promises;
use crate::realm::Realm;

/// One QuickJS interpreter. Fields are dropped in their order: the realm outlives the heap.
pub struct Interpreter {
    context: JsContext,
    runtime: Runtime,
    realm: Box<Realm>,
}

fn no_memory(error: rquickjs::Error) -> Error {
    Error::new(Code::Limit, format!("cannot open a JavaScript context: {error}"))
}

impl Interpreter {
    /// A new interpreter on this thread.
    ///
    /// # Errors
    /// `limit` when there is no memory for it.
    pub(crate) fn open(host: Host, options: &ContextOptions) -> Result<Interpreter> {
        let memory = Rc::new(Memory::default());
        let runtime = Runtime::new_with_alloc(Counted(Rc::clone(&memory))).map_err(no_memory)?;
        let context = JsContext::full(&runtime);
        if context.is_err() || memory.is_starved() {
            // QuickJS looks at few of the failures while it makes a context, and what it has half made is in
            // no state to be used, or freed.
            std::mem::forget((runtime, context));
            return Err(no_memory(rquickjs::Error::Allocation));
        }
        let context = context.map_err(no_memory)?;
        let raw = RawContext::new(&context);
        let stop = host.clone();
        runtime.set_interrupt_handler(Some(Box::new(move || stop.stopping())));
        runtime.set_host_promise_rejection_tracker(Some(Box::new(|ctx, promise, reason, handled| {
            ffi::realm_of(&ctx).rejections.track(&promise, &reason, handled);
        })));
        let realm = Box::new(Realm::new(host, raw, memory, options.lenient())?);
        // From here on it is dropped in the right order, whatever fails.
        let interpreter = Interpreter { context, runtime, realm };
        ffi::attach(raw, &interpreter.realm);
        ffi::limit_stack(raw);
        ffi::install_loader(raw);
        ffi::enter(&interpreter.realm, install).map_err(no_memory)?;
        Ok(interpreter)
    }

    fn resume_wait(&self, key: u64, result: Result<Value>) -> Option<Step> {
        let wait = self.realm.promises.take_wait(key)?;
        let step = entry(&self.realm, &wait.info, |ctx| Step::Done(wait.finish(ctx, result).map(|()| Value::Nil)));
        self.realm.promises.end_if_asked(&wait.info);
        Some(step)
    }

    fn resume_task(&self, key: u64, result: Result<Value>) -> Step {
        match self.realm.promises.take_opening(key) {
            Some(opening) => {
                let info = opening.info.clone();
                entry(&self.realm, &info, |ctx| evaluate::opened(ctx, *opening, result))
            }
            None => promises::resume_task(&self.realm, key, result),
        }
    }

    /// How many functions are pinned for others.
    pub fn pinned_functions(&self) -> usize {
        self.realm.functions.count()
    }
}

/// Fills a new context.
fn install(ctx: &Ctx<'_>) -> rquickjs::Result<()> {
    let realm = ffi::realm_of(ctx);
    let object: rquickjs::Object<'_> = ctx.globals().get("Object")?;
    let prototype: rquickjs::Value<'_> = object.get("prototype")?;
    realm.object_prototype.set(ffi::address(&prototype));
    natives::install(ctx)?;
    globals::install(ctx)
}

impl Context for Interpreter {
    fn load(&self, source: Source<'_>) -> Step {
        entry(&self.realm, source.info, |ctx| evaluate::load(ctx, &source))
    }

    fn call(&self, function: FunctionKey, info: &CallInfo, args: Args<'_>) -> Step {
        entry(&self.realm, info, |ctx| match ffi::call_pinned(ctx, function, info, args) {
            Some(Called::Done(result)) => Step::Done(result),
            Some(Called::Promise(promise)) => promises::conclude(ctx, promise, None, info, "an async function's end"),
            None => Step::Done(Err(Error::new(Code::Dead, "the function is gone"))),
        })
    }

    fn release(&self, function: FunctionKey) {
        self.realm.functions.release(function);
        self.realm.clear_graves();
    }

    fn resume(&self, key: WaitKey, result: Result<Value>) -> Step {
        if self.realm.promises.is_wait(key.0) {
            return self.resume_wait(key.0, result).unwrap_or(Step::Done(Ok(Value::Nil)));
        }
        self.resume_task(key.0, result)
    }

    fn abandon(&self, task: TaskKey) {
        drop(self.realm.promises.take_task(task.0));
        // A script's wait may have that number, too: its promise is never settled.
        if let Some(wait) = self.realm.promises.take_wait(task.0) {
            self.realm.promises.end_if_asked(&wait.info);
        }
        self.realm.clear_graves();
    }

    fn memory_used(&self) -> u64 {
        self.runtime.memory_usage().malloc_size.try_into().unwrap_or(0)
    }

    fn set_memory_limit(&self, bytes: u64) -> bool {
        let memory = &self.realm.memory;
        let limit = Some(bytes).filter(|bytes| *bytes != 0);
        // Before there is one: what it makes is whole.
        if limit.is_some() && memory.limit().is_none() && ffi::enter(&self.realm, globals::limit_compilers).is_err() {
            return false;
        }
        memory.set_limit(limit);
        true
    }

    fn site(&self) -> Option<Frame> {
        if self.realm.entries.get() == 0 {
            return None;
        }
        let stack = ffi::enter(&self.realm, ffi::backtrace);
        self.realm.names.borrow().frames(&stack).into_iter().next()
    }

    fn wait_site(&self, key: WaitKey) -> Option<Frame> {
        let stack = self.realm.promises.stack_of(key.0)?;
        self.realm.names.borrow().frames(&stack).into_iter().next()
    }
}

impl Drop for Interpreter {
    fn drop(&mut self) {
        self.realm.clear();
        self.realm.clear_graves();
        // What is left in the heap is freed with the context, after this.
        let _ = &self.context;
    }
}
