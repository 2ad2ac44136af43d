//! A scope: tasks that end before it does.
//!
//! Invariant: a scope ends once, when its body has ended and no task of it is left; from then on it
//! takes none.

use std::sync::{Arc, Mutex, Weak};

use calog_plugin_api::Facts;
use calog_plugin_api::prelude::*;

use crate::options::{Driver, SpawnOptions};
use crate::registry::{Place, Registry, Under, lock};
use crate::task::{Handle, Task, cancelled};
use crate::timeout::{Alarm, Limits};
use crate::token::{TokenObject, members, no_arguments, no_member};

/// A scope.
pub(crate) struct Scope {
    /// It may hold scopes itself.
    all: Weak<Registry>,
    pub(crate) name: Option<String>,
    /// What its body and its tasks run under.
    pub(crate) token: CancelToken,
    pub(crate) runtime: RuntimeHandle,
    /// The spawned task whose scope it is.
    pub(crate) task: Option<Arc<Task>>,
    /// The scope that it is within, which does not end before.
    within: Option<Arc<Scope>>,
    /// Where it was begun.
    context: u64,
    limits: Option<Limits>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many tasks of it, and scopes within it, have not ended.
    inside: usize,
    /// What the body came to.
    body: Option<Result<Value>>,
    timed_out: bool,
    /// The deadline of the call that waits for it has passed.
    late: bool,
    ended: bool,
    /// The deadline, or the grace after it.
    alarm: Option<Alarm>,
    /// Who waits for it; nobody waits for a root.
    waiter: Option<Finisher>,
}

impl Scope {
    /// The scope of what a context spawns outside of all others. It ends with the context.
    pub(crate) fn root(all: &Arc<Registry>, info: &CallInfo) -> Result<Arc<Scope>> {
        let token = info.runtime().cancel_token(None)?;
        Ok(Arc::new(Scope::new(all, token, info)))
    }

    fn new(all: &Arc<Registry>, token: CancelToken, info: &CallInfo) -> Scope {
        Scope {
            all: Arc::downgrade(all),
            name: None,
            token,
            runtime: info.runtime().clone(),
            task: None,
            within: None,
            context: info.context(),
            limits: None,
            state: Mutex::default(),
        }
    }

    /// Calls a function with a new scope. The completion has its result when all tasks have ended.
    pub(crate) fn run(
        all: &Arc<Registry>,
        info: &CallInfo,
        name: Option<String>,
        function: &Callable,
        limits: Option<Limits>,
    ) -> Result<Completion> {
        let runtime = info.runtime();
        let token = runtime.cancel_token(info.cancel_token())?;
        let waits_for = name.as_deref().map_or_else(|| "a scope".to_owned(), |name| format!("scope '{name}'"));
        let (completion, finisher) = runtime.internal_completion(&waits_for);
        let Place { scope: around, task } = all.place(info)?;
        // Code of a scope that has ended is being ended itself.
        let within = around.begin_inside().is_ok().then_some(around);
        let scope = Arc::new(Scope { name, task, within, limits, ..Scope::new(all, token, info) });
        scope.be_waited_for(finisher, info);
        if let Err(error) = all.awaited(info, &scope) {
            scope.body_ended(Err(error));
            return Ok(completion);
        }
        all.enter(&scope.token, Under::Body(Arc::clone(&scope)));
        if let Some(limits) = &scope.limits {
            let alarm = Alarm::set(&scope, limits.limit.duration, Scope::time_out);
            let mut state = lock(&scope.state);
            // It may have rung by now; then the grace has taken its place.
            let rung = if state.timed_out { Some(alarm) } else { state.alarm.replace(alarm) };
            drop(state);
            drop(rung);
        }
        let mut facts = info.facts();
        facts.deadline_ns = 0;
        let within = KeptInfo::new(runtime.clone(), Some(scope.token.clone()), facts);
        let object = Value::Object(Object::new(Arc::new(ScopeObject(Arc::clone(&scope)))));
        function.start(&within, Args::new(&[object.view()]), move |result| scope.body_ended(result));
        Ok(completion)
    }

    /// Who waits is not let go before all tasks have ended: a cancelled call's scope is cancelled with
    /// it, being a child of its token; at the call's deadline the scope is cancelled here.
    fn be_waited_for(self: &Arc<Scope>, finisher: Finisher, info: &CallInfo) {
        finisher.be_patient();
        let scope = Arc::downgrade(self);
        let deadline = info.deadline_ns();
        finisher.on_cancel(move || {
            let Some(scope) = scope.upgrade() else { return };
            if deadline.is_some_and(|deadline| scope.runtime.now_ns() >= deadline) {
                lock(&scope.state).late = true;
            }
            scope.token.cancel();
        });
        lock(&self.state).waiter = Some(finisher);
    }

    /// Starts a task here. It begins when its parent waits next.
    ///
    /// # Errors
    /// `closed` when the scope has ended.
    pub(crate) fn spawn(
        self: &Arc<Scope>,
        info: &CallInfo,
        function: Callable,
        options: SpawnOptions,
    ) -> Result<Value> {
        let all = self.all.upgrade().ok_or_else(|| Error::new(Code::Dead, "the runtime is closed"))?;
        let number = all.number();
        let token = info.runtime().cancel_token(Some(&self.token))?;
        self.begin_inside()?;
        let task = Arc::new(Task::new(number, options.name, self, token, info));
        all.enter(&task.token, Under::Task(Arc::clone(&task)));
        let spawned = Spawned(Arc::clone(&task));
        let mut facts = info.facts();
        (facts.deadline_ns, facts.depth) = (0, 0);
        facts.flags &= !Facts::GIVES_WAY;
        if options.driver == Driver::Coroutine {
            facts.flags |= Facts::GIVES_WAY;
        }
        let within = KeptInfo::new(info.runtime().clone(), Some(task.token.clone()), facts);
        Registry::in_turn(info, move || match options.driver {
            Driver::Coroutine if within.is_cancelled() => spawned.end(Err(cancelled())),
            _ => function.start(&within, Args::new(&[]), move |result| spawned.end(result)),
        })?;
        Ok(Value::Object(Object::new(Arc::new(Handle(task)))))
    }

    /// Something begins that the scope waits for.
    ///
    /// # Errors
    /// `closed` when the scope has ended.
    fn begin_inside(&self) -> Result<()> {
        let mut state = lock(&self.state);
        if state.ended {
            return Err(Error::new(Code::Closed, "task.spawn: the scope has ended"));
        }
        state.inside += 1;
        Ok(())
    }

    fn end_inside(&self) {
        lock(&self.state).inside -= 1;
        self.end_if_done();
    }

    fn body_ended(&self, result: Result<Value>) {
        let failed = result.is_err();
        lock(&self.state).body = Some(result);
        if failed {
            self.token.cancel();
        }
        self.end_if_done();
    }

    fn end_if_done(&self) {
        let (waiter, timed_out, result) = {
            let mut state = lock(&self.state);
            if state.ended || state.inside > 0 {
                return;
            }
            let Some(result) = state.body.take() else { return };
            state.ended = true;
            (state.waiter.take(), state.timed_out, self.outcome(&state, result))
        };
        // Outside of the lock: it may ring just now.
        let alarm = lock(&self.state).alarm.take();
        drop(alarm);
        if let Some(all) = self.all.upgrade() {
            all.leave(&self.token);
            all.answered(self.context, self);
        }
        if timed_out {
            // Who called another context is let go when it is cancelled: what it called may still run.
            self.token.abort();
        }
        if let Some(waiter) = waiter {
            // A context that has closed meanwhile needs no result.
            let _ = waiter.finish(result);
        }
        if let Some(within) = &self.within {
            within.end_inside();
        }
    }

    fn outcome(&self, state: &State, body: Result<Value>) -> Result<Value> {
        match &self.limits {
            Some(limits) if state.timed_out => Err(limits.exceeded()),
            _ if state.late => Err(Error::new(Code::Timeout, "the call's deadline has passed")),
            _ => body,
        }
    }

    /// The deadline has passed: whoever is left may clean up.
    fn time_out(self: &Arc<Scope>) {
        let Some(limits) = &self.limits else { return };
        {
            let mut state = lock(&self.state);
            if state.ended {
                return;
            }
            state.timed_out = true;
        }
        if limits.grace.is_zero() {
            // In one go: nobody has the time to catch it.
            return self.token.abort();
        }
        self.token.cancel();
        let grace = Alarm::set(self, limits.grace, |scope| scope.token.abort());
        let mut state = lock(&self.state);
        let unneeded = if state.ended { Some(grace) } else { state.alarm.replace(grace) };
        drop(state);
        drop(unneeded);
    }
}

/// A task of a scope until it has ended. One that is dropped before it began has ended as well.
struct Spawned(Arc<Task>);

impl Spawned {
    fn end(self, result: Result<Value>) {
        self.0.end(result);
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        let Spawned(task) = self;
        if !task.is_finished() {
            task.end(Err(Error::new(Code::Dead, "the task's context has closed")));
        }
        if let Some(all) = task.scope.all.upgrade() {
            all.leave(&task.token);
        }
        task.scope.end_inside();
    }
}

/// A scope as its body holds it: `spawn(fn, opts)`, `cancel()`, `token()`, `name`.
struct ScopeObject(Arc<Scope>);

impl ScopeObject {
    fn spawn(&self, info: &CallInfo, args: Args<'_>) -> Result<Value> {
        if args.is_empty() || args.len() > 2 {
            let message = format!("scope.spawn: takes a function and options, got {} arguments", args.len());
            return Err(Error::new(Code::Arity, message));
        }
        let Some(function) = args.get(0).as_callable() else {
            let found = args.get(0).kind().name();
            return Err(Error::new(Code::Type, format!("scope.spawn: argument 1 'fn': wanted function, got {found}")));
        };
        let options = SpawnOptions::read(info, Some(args.get(1)))?;
        self.0.spawn(info, function.clone(), options)
    }
}

impl ObjectType for ScopeObject {
    fn type_name(&self) -> &str {
        "scope"
    }

    fn members(&self) -> Value {
        members([
            Descriptor::property("name"),
            Descriptor::method("spawn"),
            Descriptor::method("cancel"),
            Descriptor::method("token"),
        ])
    }

    fn get(&self, _info: &CallInfo, property: &str) -> Result<Value> {
        match property {
            "name" => Ok(self.0.name.as_deref().map_or(Value::Nil, Value::from)),
            _ => Err(Error::new(Code::NotFound, format!("a scope has no property '{property}'"))),
        }
    }

    fn call(&self, info: &CallInfo, method: &str, args: Args<'_>) -> Outcome {
        if method == "spawn" {
            return self.spawn(info, args).into();
        }
        if let Err(error) = no_arguments("scope", method, args) {
            return Outcome::Failed(error);
        }
        match method {
            "cancel" => {
                self.0.token.cancel();
                Outcome::Ready(Value::Nil)
            }
            "token" => Outcome::Ready(Value::Object(TokenObject::object(&self.0.token))),
            _ => no_member("scope", method),
        }
    }

    fn text(&self) -> String {
        match &self.0.name {
            Some(name) => format!("<scope '{name}'>"),
            None => "<scope>".into(),
        }
    }
}
