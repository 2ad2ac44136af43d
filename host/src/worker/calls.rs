//! Calls into contexts of this thread: from the mailbox, and in place by code that runs here.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use calog_plugin_api::host_side::{ContextHandle, Entered};
use calog_plugin_api::{Args, CallInfo, Callable, Code, Error, FunctionKey, KeptInfo, ObjectKey, Outcome, Result};

use super::{Worker, answer};
use crate::envelope::{Callee, Parameters, Request};
use crate::function::callee_facts;
use crate::ids::ContextId;
use crate::interrupt::Debt;
use crate::local::LocalContext;

impl Worker {
    /// Calls a function of a context of this thread, in place.
    #[inline]
    pub(crate) fn call(
        self: &Rc<Worker>,
        context: ContextId,
        function: FunctionKey,
        info: &CallInfo,
        args: Args<'_>,
    ) -> Outcome {
        match self.nest() {
            Ok(_nested) => self.enter(context, info, |handle, info| handle.call(function, info, args)),
            Err(error) => Outcome::Failed(error),
        }
    }

    /// Calls a method of an Object of a context of this thread, in place.
    pub(crate) fn call_method(
        self: &Rc<Worker>,
        context: ContextId,
        object: ObjectKey,
        member: &str,
        info: &CallInfo,
        args: Args<'_>,
    ) -> Outcome {
        match self.nest() {
            Ok(_nested) => self.enter(context, info, |handle, info| handle.method(object, member, info, args)),
            Err(error) => Outcome::Failed(error),
        }
    }

    /// Enters a context of this thread for a call that `info`'s code makes.
    #[inline]
    pub(super) fn enter(
        self: &Rc<Worker>,
        context: ContextId,
        info: &CallInfo,
        entry: impl FnOnce(&ContextHandle, &CallInfo) -> Result<Entered>,
    ) -> Outcome {
        let Some(local) = self.local(context) else {
            return Outcome::Failed(Error::new(Code::Dead, "the context is closed"));
        };
        let facts = match callee_facts(info.facts(), &local.shared, self.take_task()) {
            Ok(facts) => facts,
            Err(error) => return Outcome::Failed(error),
        };
        match info.cancel_token() {
            // It most likely waits, and is kept for that by the engine and by us: once for both.
            Some(token) => {
                let info = KeptInfo::new(self.core.handle().clone(), Some(token.clone()), facts);
                self.enter_with(&local, &info, entry)
            }
            None => self.enter_with(&local, &info.derive(facts), entry),
        }
    }

    #[inline]
    fn enter_with(
        self: &Rc<Worker>,
        local: &Rc<LocalContext>,
        info: &CallInfo,
        entry: impl FnOnce(&ContextHandle, &CallInfo) -> Result<Entered>,
    ) -> Outcome {
        if let Err(error) = local.check_nesting() {
            return Outcome::Failed(error);
        }
        let entered = local.enter(info.cancel_token(), |handle| entry(handle, info));
        self.after(local, entered, info)
    }

    /// Makes a call that came from another thread.
    pub(super) fn answer_call(self: &Rc<Worker>, request: Request) {
        let Request { callee, parameters, reply } = request;
        if !reply.is_awaited() {
            // Nobody waits any more, so nothing is done in their name.
            return;
        }
        let debt = Debt::answer(&reply);
        let owing = debt.owe();
        let outcome = self.with_call(&parameters, |info, args| match &callee {
            Callee::Function(context, function) => {
                self.enter(*context, info, |handle, info| handle.call(*function, info, args))
            }
            Callee::Method(context, object, member) => {
                self.enter(*context, info, |handle, info| handle.method(*object, member, info, args))
            }
            Callee::Native(native) => native.call(info, args),
        });
        drop(owing);
        answer(outcome, reply);
    }

    /// Starts a callable as a new task; its failure is reported, unless it ended with its context.
    pub(super) fn start(self: &Rc<Worker>, callable: &Callable, parameters: &Parameters) {
        // The pump that serves it has counted this level already.
        let _served = Served::new(&self.nesting);
        let outcome = self.with_call(parameters, |info, args| callable.call(info, args));
        let (core, context) = (Arc::clone(&self.core), ContextId(callable.identity().context));
        outcome.then(move |result| {
            if let Err(error) = result
                && (error.code() == Code::Panic || !core.is_ending(context))
            {
                core.report(context, error);
            }
        });
    }

    /// Runs with the arguments and circumstances of a caller on another thread.
    fn with_call<T>(&self, parameters: &Parameters, run: impl FnOnce(&CallInfo, Args<'_>) -> T) -> T {
        parameters.with_args(|args| match &parameters.cancel {
            None => run(&self.base.derive(parameters.facts), args),
            token => run(&KeptInfo::new(self.core.handle().clone(), token.clone(), parameters.facts), args),
        })
    }
}

/// Takes one level of nesting back while it is on the stack.
struct Served<'a> {
    nesting: &'a Cell<u32>,
    before: u32,
}

impl<'a> Served<'a> {
    fn new(nesting: &'a Cell<u32>) -> Served<'a> {
        let before = nesting.get();
        nesting.set(before.saturating_sub(1));
        Served { nesting, before }
    }
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        self.nesting.set(self.before);
    }
}
