//! Functions of scripts that are called when something comes.

use std::sync::{Arc, Mutex, PoisonError};

use calog_plugin_api::{
    Args, CallInfo, Callable, Code, Error, Facts, Function, KeepAlive, KeptInfo, Level, Outcome, Result, Value,
};

/// What came of calling.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Called {
    Begun,
    /// Its thread's mailbox is full, or it has all that it may: nothing has happened.
    Full,
    /// Its context is closed: nothing has happened, nor will.
    Gone,
}

impl Called {
    pub(super) fn refused(error: &Error) -> Called {
        if error.code() == Code::Limit { Called::Full } else { Called::Gone }
    }
}

/// A function, with the circumstances of its calls. While somebody has it, the program does not end.
pub(crate) struct Callback {
    /// For reports: "connection.on_data".
    name: &'static str,
    function: Callable,
    info: KeptInfo,
    alive: Arc<KeepAlive>,
}

impl Callback {
    /// A function that was given to `name`.
    pub(crate) fn new(name: &'static str, info: &CallInfo, function: Callable) -> Callback {
        let mut facts = info.facts();
        // Its calls are nobody's: no deadline, no token, no depth.
        (facts.deadline_ns, facts.depth) = (0, 0);
        facts.flags &= !Facts::GIVES_WAY;
        let alive = Arc::new(info.runtime().keep_alive());
        let info = KeptInfo::new(info.runtime().clone(), None, facts);
        Callback { name, function, info, alive }
    }

    /// The context whose sockets it is given.
    pub(crate) fn context(&self) -> u64 {
        match self.function.identity().context {
            0 => self.info.context(),
            context => context,
        }
    }

    /// Calls it on its home thread; `done` is told when it has ended. An error is reported, and is
    /// nobody else's.
    pub(crate) fn call(&self, value: &Value, done: impl FnOnce() + Send + 'static) -> Called {
        let (name, info, alive) = (self.name, self.info.clone(), Arc::clone(&self.alive));
        let ended = move |result: Result<Value>| {
            if let Err(error) = result {
                report(name, &info, &error);
            }
            drop(alive);
            done();
        };
        if self.function.identity().context == 0 {
            return self.call_native(value, ended);
        }
        match self.function.call(&self.info, Args::new(&[value.view()])) {
            Outcome::Failed(error) => Called::refused(&error),
            outcome => {
                outcome.then(ended);
                Called::Begun
            }
        }
    }

    /// A native runs where it is called: on the thread of the context that gave it, not on this one.
    fn call_native(&self, value: &Value, ended: impl FnOnce(Result<Value>) + Send + 'static) -> Called {
        let (function, ended) = (self.function.clone(), Mutex::new(Some(ended)));
        let turn = move |info: &CallInfo, value: Value| {
            let ended = ended.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(ended) = ended {
                function.call(info, Args::new(&[value.view()])).then(ended);
            }
        };
        let runtime = self.info.runtime();
        let turn = Function::new("net.turn", turn).build().and_then(|native| runtime.callable(&native));
        let posted =
            turn.and_then(|turn| runtime.post(self.info.context(), &turn, &self.info, Args::new(&[value.view()])));
        posted.map_or_else(|error| Called::refused(&error), |()| Called::Begun)
    }
}

fn report(name: &str, info: &CallInfo, error: &Error) {
    // Who ended with its context, or was asked to end, has not failed.
    if !matches!(error.code(), Code::Dead | Code::Cancelled) {
        info.runtime().log(Level::Error, info.context(), &format!("the function given to {name} failed: {error:?}"));
    }
}
