//! Structured tasks: the bundle `task`.
//!
//! | native | does |
//! | --- | --- |
//! | `task.spawn(fn, opts)` | starts a task in the current scope; gives its handle |
//! | `task.sleep(ms)`, `task.yield()`, `task.yield_now()` | wait; give way |
//! | `task.checkpoint()` | fails when the task is cancelled |
//! | `task.scope([name,] fn)` | calls `fn(scope)`, and waits for every task that was spawned in it |
//! | `task.with_timeout(ms, fn, opts)` | the same with a deadline, then a grace, then an end |
//! | `task.cancel_token()` | a token by itself |
//! | `task.current()` | who the running task is |
//!
//! What belongs to which scope follows the cancel token that every call carries: a scope is a token
//! with tasks. So a function of another context that is called, or spawned, in a scope is in that
//! scope, and is cancelled with it.
#![forbid(unsafe_code)]

mod options;
mod registry;
mod scope;
mod task;
mod timeout;
mod token;

use std::sync::Arc;
use std::time::Duration;

use calog_plugin_api::Milliseconds;
use calog_plugin_api::prelude::*;

use options::{ScopeArgs, SpawnOptions, TimeoutOptions};
use registry::Registry;
use scope::Scope;
use token::TokenObject;

#[cfg(feature = "plugin")]
export_plugin! { bundle: task }

/// The bundle, with its own state.
pub fn task() -> Bundle {
    let all = Arc::new(Registry::default());
    let with = |act: fn(&Arc<Registry>, &CallInfo) -> Result<Outcome>| {
        let all = Arc::clone(&all);
        move |info: &CallInfo| act(&all, info)
    };
    let [spawn, scope, timeout, boot, reload, names] = std::array::from_fn(|_| Arc::clone(&all));
    Bundle::new("task")
        .function("spawn", move |info: &CallInfo, function: Callable, opts: Option<View<'_>>| {
            let options = SpawnOptions::read(info, opts)?;
            spawn.place(info)?.scope.spawn(info, function, options)
        })
        .params(["fn", "opts"])
        .returns("handle")
        .doc("Starts a task in the current scope.")
        .function("sleep", sleep)
        .params(["ms"])
        .flags(Descriptor::WAITS)
        .doc("Waits so many milliseconds.")
        .function("yield", with(give_way))
        .flags(Descriptor::WAITS)
        .doc("Lets others run.")
        .function("yield_now", with(give_way))
        .flags(Descriptor::WAITS)
        .doc("Lets others run; for languages whose keyword the other name is.")
        .function("checkpoint", |info: &CallInfo| check(info.is_cancelled()))
        .doc("Fails when the task is cancelled.")
        .function("scope", move |info: &CallInfo, args: Rest<'_>| {
            let ScopeArgs { name, function } = ScopeArgs::read(args.0)?;
            Ok::<Outcome, Error>(Outcome::Pending(Scope::run(&scope, info, name, &function, None)?))
        })
        .params(["arguments"])
        .flags(Descriptor::WAITS)
        .doc("Calls a function with a new scope, and waits for every task that was spawned in it.")
        .function("with_timeout", move |info: &CallInfo, ms: View<'_>, function: Callable, opts: Option<View<'_>>| {
            let limit = Milliseconds::read("task.with_timeout", "ms", ms)?;
            let options = TimeoutOptions::read(opts, timeout.grace())?;
            let limits = timeout::Limits { limit, grace: options.grace };
            Ok::<Outcome, Error>(Outcome::Pending(Scope::run(&timeout, info, None, &function, Some(limits))?))
        })
        .params(["ms", "fn", "opts"])
        .flags(Descriptor::WAITS)
        .doc("As scope, with a deadline: then its tasks are cancelled, and after a grace they are ended.")
        .function("cancel_token", |info: &CallInfo| {
            info.runtime().cancel_token(None).map(|token| TokenObject::object(&token))
        })
        .returns("token")
        .doc("A cancel token by itself.")
        .function("current", with(current))
        .returns("map")
        .doc("The running task: id, name, cancelled. Outside of spawned tasks nil.")
        .validate(|config| grace(config).map(drop))
        .boot(priority::EARLY, move |runtime, config| {
            boot.set_grace(grace(config)?);
            let names = Arc::clone(&names);
            let label = move |info: &CallInfo| label(&names, info);
            runtime.name_tasks(&calog_plugin_api::Function::new("task.label", label).build()?);
            Ok(())
        })
        .reload(priority::EARLY, move |config| {
            reload.set_grace(grace(config)?);
            Ok(())
        })
}

/// The section `[natives.task]`.
fn grace(config: View<'_>) -> Result<Duration> {
    let section = Section::new(config)?;
    let grace = section.int("grace_ms", 0..)?;
    section.finish()?;
    Ok(grace.and_then(|ms| u64::try_from(ms).ok()).map_or(options::GRACE, Duration::from_millis))
}

/// How the log calls the task that the call is made in.
fn label(all: &Registry, info: &CallInfo) -> Option<String> {
    let task = all.running(info)?.task?;
    Some(task.label())
}

/// Fails when cancelled.
fn check(cancelled: bool) -> Result<()> {
    if cancelled { Err(task::cancelled()) } else { Ok(()) }
}

/// Who is cancelled is told by the wait itself, in a turn of the mailbox: one that catches it and tries
/// again for ever does not keep the thread from others.
fn sleep(info: &CallInfo, ms: View<'_>) -> Result<Completion> {
    let time = Milliseconds::read("task.sleep", "ms", ms)?.duration;
    // A short sleep may be over before the wait has begun to listen.
    let time = if info.is_cancelled() { time.max(UNTIL_TOLD) } else { time };
    Ok(info.runtime().after(time))
}

/// Longer than it takes to tell who waits that it is cancelled.
const UNTIL_TOLD: Duration = Duration::from_secs(3600);

fn give_way(_all: &Arc<Registry>, info: &CallInfo) -> Result<Outcome> {
    let (completion, finisher) = info.runtime().internal_completion("its turn");
    // A wait that was cancelled meanwhile needs no turn.
    Registry::in_turn(info, move || _ = finisher.finish(Ok(Value::Nil)))?;
    Ok(Outcome::Pending(completion))
}

fn current(all: &Arc<Registry>, info: &CallInfo) -> Result<Outcome> {
    let place = all.place(info)?;
    let Some(task) = place.task else { return Ok(Outcome::Ready(Value::Nil)) };
    let map = Value::map([
        ("id", Value::from(task.id().as_str())),
        ("name", task.name.as_deref().map_or(Value::Nil, Value::from)),
        ("cancelled", Value::Bool(info.is_cancelled())),
    ])?;
    Ok(Outcome::Ready(map))
}
