//! A spawned task, and the handle that scripts hold.

use std::sync::{Arc, Mutex};

use calog_plugin_api::prelude::*;

use crate::registry::lock;
use crate::scope::Scope;
use crate::token::{members, no_arguments, no_member};

/// A task: it runs until its function has given a result.
pub(crate) struct Task {
    number: u64,
    pub(crate) name: Option<Box<str>>,
    pub(crate) token: CancelToken,
    pub(crate) scope: Arc<Scope>,
    /// The context that spawned it.
    context: u64,
    /// When it began, on the runtime's clock.
    begun_ns: u64,
    state: Mutex<State>,
}

/// There may be very many tasks, so it is small.
#[derive(Default)]
struct State {
    /// Somebody joins it, or did.
    joined: bool,
    joiner: Option<Finisher>,
    /// What it came to, until it is joined.
    result: Option<Box<Result<Value>>>,
    /// Once it has ended.
    took_ns: Option<u64>,
}

/// The error of who is cancelled.
pub(crate) fn cancelled() -> Error {
    Error::new(Code::Cancelled, "task cancelled")
}

impl Task {
    pub(crate) fn new(
        number: u64,
        name: Option<String>,
        scope: &Arc<Scope>,
        token: CancelToken,
        info: &CallInfo,
    ) -> Task {
        let name = name.map(String::into_boxed_str);
        let (scope, context, begun_ns) = (Arc::clone(scope), info.context(), info.runtime().now_ns());
        Task { number, name, token, scope, context, begun_ns, state: Mutex::default() }
    }

    /// Its name among all tasks of the runtime.
    pub(crate) fn id(&self) -> String {
        format!("task-{}", self.number)
    }

    /// How logs and traces call it: its id, its name, its scope.
    pub(crate) fn label(&self) -> String {
        let name = self.name.as_deref().map(|name| format!(" '{name}'")).unwrap_or_default();
        let scope = self.scope.name.as_deref().map(|scope| format!(" of scope '{scope}'")).unwrap_or_default();
        format!("{}{name}{scope}", self.id())
    }

    /// Where an error of it has come through.
    fn frame(&self) -> Frame {
        Frame { function: self.label(), ..Frame::default() }
    }

    /// Its function has given a result: whoever joins gets it.
    pub(crate) fn end(&self, result: Result<Value>) {
        let result = result.map_err(|error| match error.code() {
            Code::Panic => Error::new(Code::Panic, "task panicked").with_frames(error.frames()),
            _ => error,
        });
        let result = result.map_err(|error| error.with_frame(self.frame()));
        let joiner = {
            let mut state = lock(&self.state);
            state.took_ns = Some(self.so_far_ns());
            match state.joiner.take() {
                Some(joiner) => joiner,
                None => return state.result = Some(Box::new(result)),
            }
        };
        if let Err(result) = joiner.finish(result) {
            // The joiner has left meanwhile: it can be joined again.
            let mut state = lock(&self.state);
            (state.joined, state.result) = (false, Some(Box::new(result)));
        }
    }

    /// Waits for its result. There is one, so one may join.
    pub(crate) fn join(self: &Arc<Task>, info: &CallInfo) -> Outcome {
        let mut state = lock(&self.state);
        if state.joined {
            return Outcome::Failed(Error::new(Code::Closed, "task already joined"));
        }
        state.joined = true;
        if let Some(result) = state.result.take() {
            return (*result).into();
        }
        let (completion, finisher) = info.runtime().internal_completion(&format!("the end of {}", self.id()));
        let me = Arc::downgrade(self);
        finisher.on_cancel(move || me.upgrade().into_iter().for_each(|task| task.joiner_left()));
        state.joiner = Some(finisher);
        Outcome::Pending(completion)
    }

    fn joiner_left(&self) {
        // Dropped after the lock.
        let _joiner = {
            let mut state = lock(&self.state);
            state.joined = false;
            state.joiner.take()
        };
    }

    pub(crate) fn is_finished(&self) -> bool {
        lock(&self.state).took_ns.is_some()
    }

    fn elapsed_ms(&self) -> f64 {
        let took = lock(&self.state).took_ns;
        took.unwrap_or_else(|| self.so_far_ns()) as f64 / 1e6
    }

    fn so_far_ns(&self) -> u64 {
        self.scope.runtime.now_ns().saturating_sub(self.begun_ns)
    }
}

impl Drop for Task {
    /// An error that nobody joined fails nobody; it is told.
    fn drop(&mut self) {
        let result = std::mem::take(&mut *lock(&self.state)).result;
        let Some(Err(error)) = result.map(|result| *result) else { return };
        // Who was asked to end, or ended with its context, has not failed.
        if matches!(error.code(), Code::Cancelled | Code::Dead) {
            return;
        }
        let message = format!("{} failed, and nobody joined it: {error:?}", self.label());
        self.scope.runtime.log(Level::Warn, self.context, &message);
    }
}

/// A task's handle: `join()`, `abort()`, `is_finished()`, `elapsed()`, `id`, `name`.
pub(crate) struct Handle(pub(crate) Arc<Task>);

impl ObjectType for Handle {
    fn type_name(&self) -> &str {
        "task"
    }

    fn members(&self) -> Value {
        members([
            Descriptor::property("id"),
            Descriptor::property("name"),
            Descriptor::method("join").with_flags(Descriptor::WAITS),
            Descriptor::method("abort"),
            Descriptor::method("is_finished"),
            Descriptor::method("elapsed"),
        ])
    }

    fn get(&self, _info: &CallInfo, property: &str) -> Result<Value> {
        match property {
            "id" => Ok(Value::from(self.0.id().as_str())),
            "name" => Ok(self.0.name.as_deref().map_or(Value::Nil, Value::from)),
            _ => Err(Error::new(Code::NotFound, format!("a task has no property '{property}'"))),
        }
    }

    fn call(&self, info: &CallInfo, method: &str, args: Args<'_>) -> Outcome {
        if let Err(error) = no_arguments("task", method, args) {
            return Outcome::Failed(error);
        }
        match method {
            "join" => self.0.join(info),
            "abort" => {
                self.0.token.abort();
                Outcome::Ready(Value::Nil)
            }
            "is_finished" => Outcome::Ready(Value::Bool(self.0.is_finished())),
            "elapsed" => Outcome::Ready(Value::Real(self.0.elapsed_ms())),
            _ => no_member("task", method),
        }
    }

    fn text(&self) -> String {
        match &self.0.name {
            Some(name) => format!("<{} '{name}'>", self.0.id()),
            None => format!("<{}>", self.0.id()),
        }
    }
}
