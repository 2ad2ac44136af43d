//! What waits: promises of scripts for what the host will finish, and tasks of the host for promises.

use std::cell::{Cell, RefCell};

use calog_plugin_api::{CallInfo, Error, Finisher, KeptInfo, KeyMap, Outcome, Result, Step, TaskKey, Value, WaitKey};
use rquickjs::{Ctx, Function, Promise, Value as Js, promise::PromiseState};

use crate::errors;
use crate::evaluate::Opening;
use crate::ffi::{self, Pin};
use crate::realm::Realm;

/// Waits and tasks share their numbers, as the host's keys do.
#[derive(Default)]
pub(crate) struct Promises {
    last: Cell<u64>,
    waits: RefCell<KeyMap<u64, Wait>>,
    /// How many waits the code of each of the host's tasks is in, by the host's numbers.
    waiting: RefCell<KeyMap<u64, usize>>,
    tasks: RefCell<KeyMap<u64, Task>>,
    /// Those that were asked to end while their code waits, by the host's numbers: they end with their
    /// last wait, if their promise was not settled by then.
    asked: RefCell<KeyMap<u64, u64>>,
}

/// A script's promise, and under which circumstances its code goes on.
pub(crate) struct Wait {
    resolve: Pin,
    reject: Pin,
    /// The stack of the call that waits, as QuickJS writes it: a script that is stuck is shown where.
    stack: String,
    pub(crate) info: KeptInfo,
}

/// A task of the host.
pub(crate) enum Task {
    /// A main chunk that waits for modules of other languages.
    Opening(Box<Opening>),
    /// A promise decides it. `namespace` is the main chunk's, whose exports are the value then; `asked`
    /// is why it was asked to end.
    Settling { finisher: Finisher, namespace: Option<Pin>, info: KeptInfo, text: &'static str, asked: Option<Error> },
    /// Its promise was settled when the host had just ended its wait; this is what it came to.
    Settled(Result<Value>),
}

impl Promises {
    /// A number for a wait or a task.
    pub(crate) fn next_key(&self) -> u64 {
        let key = self.last.get() + 1;
        self.last.set(key);
        key
    }

    /// Whether the number is that of a script's wait.
    pub(crate) fn is_wait(&self, key: u64) -> bool {
        self.waits.borrow().contains_key(&key)
    }

    /// The stack of what waits under this number: a script's wait, or a main chunk's for a module.
    pub(crate) fn stack_of(&self, key: u64) -> Option<String> {
        if let Some(wait) = self.waits.borrow().get(&key) {
            return Some(wait.stack.clone());
        }
        match self.tasks.borrow().get(&key)? {
            Task::Opening(opening) => Some(opening.stack()),
            // Decided by what the script waits for, which is shown instead.
            Task::Settling { .. } | Task::Settled(_) => None,
        }
    }

    /// Whether code of this task waits for something.
    fn has_waits_of(&self, info: &CallInfo) -> bool {
        self.waiting.borrow().contains_key(&info.task())
    }

    fn put_wait(&self, key: u64, wait: Wait) {
        *self.waiting.borrow_mut().entry(wait.info.task()).or_default() += 1;
        self.waits.borrow_mut().insert(key, wait);
    }

    pub(crate) fn take_wait(&self, key: u64) -> Option<Wait> {
        let wait = self.waits.borrow_mut().remove(&key)?;
        let mut waiting = self.waiting.borrow_mut();
        if let Some(count) = waiting.get_mut(&wait.info.task()) {
            *count -= 1;
            if *count == 0 {
                waiting.remove(&wait.info.task());
            }
        }
        drop(waiting);
        Some(wait)
    }

    pub(crate) fn take_task(&self, key: u64) -> Option<Task> {
        let task = self.tasks.borrow_mut().remove(&key);
        if let Some(Task::Settling { info, asked: Some(_), .. }) = &task {
            self.asked.borrow_mut().remove(&info.task());
        }
        task
    }

    /// A wait of this task has ended, and its code has gone on: if that waits for nothing any more, a
    /// task that was asked to end does.
    pub(crate) fn end_if_asked(&self, info: &CallInfo) {
        if self.has_waits_of(info) {
            return;
        }
        let key = self.asked.borrow().get(&info.task()).copied();
        if let Some(Task::Settling { finisher, asked: Some(error), .. }) = key.and_then(|key| self.take_task(key)) {
            // A context that closes has ended the wait.
            let _ = finisher.finish(Err(error));
        }
    }

    /// Takes a main chunk that waits for modules.
    pub(crate) fn take_opening(&self, key: u64) -> Option<Box<Opening>> {
        let mut tasks = self.tasks.borrow_mut();
        match tasks.remove(&key)? {
            Task::Opening(opening) => Some(opening),
            other => {
                tasks.insert(key, other);
                None
            }
        }
    }

    pub(crate) fn put_task(&self, key: u64, task: Task) {
        self.tasks.borrow_mut().insert(key, task);
    }

    /// Ends the tasks whose code waits for nothing: there was no memory to go on with it. Whether none is
    /// left that might be stranded once what it waits for is there.
    pub(crate) fn end_stranded(&self, error: impl Fn() -> Error) -> bool {
        let is_stranded = |task: &Task| match task {
            Task::Settling { info, .. } => !self.has_waits_of(info),
            Task::Opening(_) | Task::Settled(_) => false,
        };
        let keys: Vec<u64> =
            self.tasks.borrow().iter().filter(|(_, task)| is_stranded(task)).map(|(key, _)| *key).collect();
        for key in keys {
            if let Some(Task::Settling { finisher, .. }) = self.take_task(key) {
                // Who was cancelled needs no answer.
                let _ = finisher.finish(Err(error()));
            }
        }
        !self.tasks.borrow().values().any(|task| matches!(task, Task::Settling { .. }))
    }

    pub(crate) fn clear(&self) {
        let waits = std::mem::take(&mut *self.waits.borrow_mut());
        let tasks = std::mem::take(&mut *self.tasks.borrow_mut());
        self.waiting.borrow_mut().clear();
        self.asked.borrow_mut().clear();
        drop((waits, tasks));
    }
}

/// The promise that a call returns which may not wait in place.
pub(crate) fn of_outcome<'js>(ctx: &Ctx<'js>, outcome: Outcome, info: &CallInfo) -> rquickjs::Result<Js<'js>> {
    let realm = ffi::realm_of(ctx);
    let (promise, resolve, reject) = ctx.promise()?;
    match outcome.settled() {
        Ok(result) => settle(ctx, &resolve, &reject, result)?,
        Err(completion) => {
            let key = realm.promises.next_key();
            let (resolve, reject) = (Pin::new(resolve.as_value()), Pin::new(reject.as_value()));
            let wait = Wait { resolve, reject, stack: ffi::backtrace(ctx), info: info.keep() };
            realm.promises.put_wait(key, wait);
            realm.host.watch(completion, WaitKey(key), info);
        }
    }
    Ok(promise.into_value())
}

fn settle<'js>(
    ctx: &Ctx<'js>,
    resolve: &Function<'js>,
    reject: &Function<'js>,
    result: Result<Value>,
) -> rquickjs::Result<()> {
    let realm = ffi::realm_of(ctx);
    let lenient = realm.lenient_now();
    let written = result.map(|value| ffi::write(ctx, value.view(), lenient));
    // Whoever waits goes on, also when there is no memory left.
    let _lifted = realm.memory.lift();
    let written = match written {
        Ok(written) => written,
        Err(error) => {
            let error = errors::to_js(ctx, &error)?;
            return reject.call((error,));
        }
    };
    match written {
        Ok(value) => resolve.call((value,)),
        Err(_) => reject.call((ctx.catch(),)),
    }
}

impl Wait {
    /// The result is there.
    pub(crate) fn finish(&self, ctx: &Ctx<'_>, result: Result<Value>) -> Result<()> {
        let functions = self.resolve.get(ctx).into_function().zip(self.reject.get(ctx).into_function());
        let Some((resolve, reject)) = functions else { return Ok(()) };
        settle(ctx, &resolve, &reject, result).map_err(|error| errors::of_rquickjs(ctx, error))
    }
}

/// The step of a call or main chunk that returned a promise: done if the jobs that are due settle
/// it, else a task that waits.
pub(crate) fn conclude<'js>(
    ctx: &Ctx<'js>,
    promise: Js<'js>,
    namespace: Option<Js<'js>>,
    info: &CallInfo,
    text: &'static str,
) -> Step {
    let realm = ffi::realm_of(ctx);
    crate::jobs::run_jobs(realm);
    let Some(promise) = promise.into_promise() else {
        return Step::Done(Ok(Value::Nil));
    };
    match promise.state() {
        PromiseState::Pending => match wait_for(ctx, &promise, namespace, info, text) {
            Ok(step) => step,
            Err(error) => Step::Done(Err(errors::of_rquickjs(ctx, error))),
        },
        state => {
            realm.rejections.forget(promise.as_value());
            Step::Done(result_of(ctx, &promise, state, namespace.as_ref()))
        }
    }
}

fn result_of<'js>(
    ctx: &Ctx<'js>,
    promise: &Promise<'js>,
    state: PromiseState,
    namespace: Option<&Js<'js>>,
) -> Result<Value> {
    let realm = ffi::realm_of(ctx);
    // For a rejected promise rquickjs throws its reason.
    match promise.result::<Js<'js>>() {
        Some(Ok(value)) if state == PromiseState::Resolved => value_of(ctx, &value, namespace),
        Some(Err(_)) => Err(errors::of_exception(realm, &ctx.catch())),
        _ => Ok(Value::Nil),
    }
}

fn value_of<'js>(ctx: &Ctx<'js>, value: &Js<'js>, namespace: Option<&Js<'js>>) -> Result<Value> {
    let realm = ffi::realm_of(ctx);
    let lenient = realm.lenient_now();
    let read = match namespace {
        Some(namespace) => ffi::exports(realm, namespace, lenient).map(|exports| match exports.size() {
            // A module that exports nothing has no value.
            1 => Value::Nil,
            _ => exports,
        }),
        None => ffi::read(realm, value, lenient),
    };
    read.map_err(|fail| errors::of_fail(ctx, fail))
}

fn wait_for<'js>(
    ctx: &Ctx<'js>,
    promise: &Promise<'js>,
    namespace: Option<Js<'js>>,
    info: &CallInfo,
    text: &'static str,
) -> rquickjs::Result<Step> {
    let realm = ffi::realm_of(ctx);
    let key = realm.promises.next_key();
    let done = |fulfilled: bool| {
        ffi::function(ctx, move |ctx, _this, args| {
            settled(ctx, key, fulfilled, args.first());
            Ok(Js::new_undefined(ctx.clone()))
        })
    };
    let (fulfilled, rejected) = (done(true)?, done(false)?);
    promise.then()?.call::<_, Js<'js>>((rquickjs::function::This(promise.clone()), fulfilled, rejected))?;
    let (completion, finisher) = realm.runtime.internal_completion(text);
    let namespace = namespace.map(|it| Pin::new(&it));
    realm.promises.put_task(key, Task::Settling { finisher, namespace, info: info.keep(), text, asked: None });
    Ok(Step::Waiting { task: TaskKey(key), on: completion })
}

/// A promise that a task waits for was settled.
fn settled<'js>(ctx: &Ctx<'js>, key: u64, fulfilled: bool, value: Option<&Js<'js>>) {
    let realm = ffi::realm_of(ctx);
    let Some(Task::Settling { finisher, namespace, info, .. }) = realm.promises.take_task(key) else {
        return;
    };
    let undefined = Js::new_undefined(ctx.clone());
    let value = value.unwrap_or(&undefined);
    let result = realm.info.during(&info, || match fulfilled {
        true => value_of(ctx, value, namespace.as_ref().map(|pin| pin.get(ctx)).as_ref()),
        false => Err(errors::of_exception(realm, value)),
    });
    if let Err(result) = finisher.finish(result) {
        // A deadline or a cancel token has ended the wait, and the script had a last word.
        realm.promises.put_task(key, Task::Settled(result));
    }
}

/// What becomes of a task whose wait has ended: by its promise, or by a deadline or a cancel token.
/// These also end what the script itself waits for, or ask it to end, so it hears of them and decides
/// the promise; one that waits for nothing any more is ended here, or when its last wait has ended.
pub(crate) fn resume_task(realm: &Realm, key: u64, result: Result<Value>) -> Step {
    match (realm.promises.take_task(key), result) {
        (Some(Task::Settled(result)), _) => Step::Done(result),
        (Some(Task::Settling { namespace, info, text, .. }), Err(error)) if realm.promises.has_waits_of(&info) => {
            let (on, finisher) = realm.runtime.internal_completion(text);
            // It was asked already.
            finisher.be_patient();
            realm.promises.asked.borrow_mut().insert(info.task(), key);
            realm.promises.put_task(key, Task::Settling { finisher, namespace, info, text, asked: Some(error) });
            Step::Waiting { task: TaskKey(key), on }
        }
        (_, result) => Step::Done(result),
    }
}
