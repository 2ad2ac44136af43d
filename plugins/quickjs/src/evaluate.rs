//! Main chunks: a file is a module, other code a script whose last expression is its value.

use std::collections::VecDeque;

use calog_plugin_api::{CallInfo, Error, KeptInfo, Result, Source, SourceMode, Step, TaskKey, Value};
use rquickjs::context::EvalOptions;
use rquickjs::{Ctx, Object, Value as Js};

use crate::errors;
use crate::ffi;
use crate::modules;
use crate::promises::{self, Task};

/// A main chunk on its way to be run: some foreign modules are still to be opened.
pub(crate) struct Opening {
    module: String,
    text: Vec<u8>,
    /// The one that is waited for.
    current: String,
    todo: VecDeque<String>,
    pub(crate) info: KeptInfo,
}

impl Opening {
    /// The importing file, as a stack of QuickJS's would name it.
    pub(crate) fn stack(&self) -> String {
        format!("    at {}", self.module)
    }
}

/// Runs a piece of source code.
pub(crate) fn load(ctx: &Ctx<'_>, source: &Source<'_>) -> Step {
    let step = match source.mode {
        SourceMode::File => load_file(ctx, source),
        SourceMode::Check => check(ctx, source).map(|()| Step::Done(Ok(Value::Nil))),
        _ => evaluate(ctx, source),
    };
    step.unwrap_or_else(|error| Step::Done(Err(error)))
}

/// A module's name in its context: relative imports start from it.
fn module_name(source: &Source<'_>) -> String {
    if source.path.is_empty() { source.name.to_owned() } else { source.path.to_owned() }
}

/// What is foreign in it is not opened, as nothing of it runs.
fn check(ctx: &Ctx<'_>, source: &Source<'_>) -> Result<()> {
    source.as_str()?;
    modules::walk(ffi::realm_of(ctx), &module_name(source), source.text).map(drop)
}

fn load_file(ctx: &Ctx<'_>, source: &Source<'_>) -> Result<Step> {
    let realm = ffi::realm_of(ctx);
    source.as_str()?;
    let module = module_name(source);
    realm.names.borrow_mut().set_main(source.name, source.path);
    realm.modules.set_main(source.path);
    let todo = modules::scan(realm, &module, source.text)?;
    let opening = Opening {
        module,
        text: source.text.to_vec(),
        current: String::new(),
        todo: todo.into(),
        info: source.info.keep(),
    };
    Ok(open_next(ctx, opening))
}

/// Opens what is still to be opened, then runs the main chunk.
fn open_next(ctx: &Ctx<'_>, mut opening: Opening) -> Step {
    let realm = ffi::realm_of(ctx);
    while let Some(module) = opening.todo.pop_front() {
        if realm.modules.is_open(&module) {
            continue;
        }
        match modules::open(realm, &module, &opening.info).settled() {
            Ok(Ok(exports)) => realm.modules.put(&module, exports),
            Ok(Err(error)) => return Step::Done(Err(in_file(ctx, &opening, error))),
            Err(completion) => {
                let key = realm.promises.next_key();
                opening.current = module;
                realm.promises.put_task(key, Task::Opening(Box::new(opening)));
                return Step::Waiting { task: TaskKey(key), on: completion };
            }
        }
    }
    run(ctx, &opening)
}

/// A foreign module's exports are there, or it failed.
pub(crate) fn opened(ctx: &Ctx<'_>, opening: Opening, result: Result<Value>) -> Step {
    match result {
        Ok(exports) => {
            ffi::realm_of(ctx).modules.put(&opening.current, exports);
            open_next(ctx, opening)
        }
        Err(error) => Step::Done(Err(in_file(ctx, &opening, error))),
    }
}

/// The error of an import, with the file that imports.
fn in_file(ctx: &Ctx<'_>, opening: &Opening, error: Error) -> Error {
    let names = ffi::realm_of(ctx).names.borrow();
    let frames = names.frames(&opening.stack());
    error.with_frames(frames)
}

fn run(ctx: &Ctx<'_>, opening: &Opening) -> Step {
    let compiled = ffi::compile(ctx, &opening.module, &opening.text);
    let module = match compiled {
        Ok(module) => module,
        Err(fail) => return Step::Done(Err(errors::of_fail(ctx, fail))),
    };
    match ffi::link_and_run(&module) {
        Ok((namespace, promise)) => {
            promises::conclude(ctx, promise, Some(namespace), &opening.info, "the main script's end")
        }
        Err(error) => Step::Done(Err(errors::of_rquickjs(ctx, error))),
    }
}

/// Code from a command line or a REPL: its names are the context's globals and stay.
fn evaluate(ctx: &Ctx<'_>, source: &Source<'_>) -> Result<Step> {
    let text = source.as_str()?;
    let awaits = text.contains("await");
    let mut options = EvalOptions::default();
    options.strict = false;
    options.promise = awaits;
    options.filename = Some(source.name.to_owned());
    let value = evaluate_unwrapped(ctx, text, options).map_err(|error| errors::of_rquickjs(ctx, error))?;
    if value.is_promise() {
        return Ok(promises::conclude(ctx, value, None, source.info, "the code's end"));
    }
    Ok(Step::Done(result_value(ctx, source.info, &value, source.mode == SourceMode::Repl)))
}

/// With top-level `await` QuickJS wraps the value: `{ value }`.
fn evaluate_unwrapped<'js>(ctx: &Ctx<'js>, text: &str, options: EvalOptions) -> rquickjs::Result<Js<'js>> {
    let wrapped = options.promise;
    let value: Js<'js> = ctx.eval_with_options(text, options)?;
    let Some(promise) = value.as_promise().filter(|_| wrapped) else {
        return Ok(value);
    };
    let unwrap = ffi::function(ctx, |ctx, _this, args| match args.first().and_then(Js::as_object) {
        Some(object) => Object::get(object, "value"),
        None => Ok(Js::new_undefined(ctx.clone())),
    })?;
    promise.then()?.call((rquickjs::function::This(promise.clone()), unwrap))
}

fn result_value(ctx: &Ctx<'_>, info: &CallInfo, value: &Js<'_>, lenient: bool) -> Result<Value> {
    let realm = ffi::realm_of(ctx);
    let lenient = lenient || realm.lenient || info.lenient();
    ffi::read(realm, value, lenient).map_err(|fail| errors::of_fail(ctx, fail))
}
