//! The natives of the module `t`: those that scripts count calls with, and those that take part in them.

use std::collections::HashMap;
use std::sync::Arc;

use calog::plugin_api::{
    Args, CallInfo, Callable, Descriptor, Native, NativeType, Object, Outcome, Rest, Result, RuntimeHandle, View,
};
use calog::{Code, Error, Function, RuntimeBuilder, Value};
use parking_lot::Mutex;

use crate::courier::Counter;
use crate::ledger::{Caller, Ledger};
use crate::model::{failure, mix_native};
use crate::program::{CODES, GONE, Kind, MODULUS};

/// What the natives of one runtime share.
pub(crate) struct Shared {
    pub(crate) ledger: Ledger,
    pub(crate) counter: Counter,
    /// What `keep` holds, by session.
    kept: Mutex<HashMap<i64, Callable>>,
    /// The contexts that scripts may close.
    pub(crate) closable: Mutex<HashMap<usize, Object>>,
}

impl Shared {
    pub(crate) fn new(counter: Counter) -> Arc<Shared> {
        Arc::new(Shared { ledger: Ledger::default(), counter, kept: Mutex::default(), closable: Mutex::default() })
    }

    /// Drops what `keep` holds, on another thread.
    pub(crate) fn forget_kept(&self) {
        let kept = std::mem::take(&mut *self.kept.lock());
        self.counter.give(0, move || drop(kept));
    }
}

/// Adds the natives to a runtime.
pub(crate) fn add(builder: RuntimeBuilder, shared: &Arc<Shared>) -> RuntimeBuilder {
    let with = |act: fn(&Arc<Shared>, &CallInfo, Args<'_>) -> Outcome| {
        let shared = Arc::clone(shared);
        move |info: &CallInfo, args: Rest<'_>| act(&shared, info, args.0)
    };
    let builder = builder
        .inline_native(Function::new("t.begin", with(begin)))
        .inline_native(Function::new("t.enter", with(enter)))
        .inline_native(Function::new("t.done", with(done)))
        .inline_native(Function::new("t.record", with(record)))
        .inline_native(Function::new("t.throw", with(throw)))
        .inline_native(Function::new("t.detach", with(detach)))
        .inline_native(Function::new("t.close", with(close)));
    Kind::ALL.into_iter().fold(builder, |builder, kind| {
        let shared = Arc::clone(shared);
        let run = move |info: &CallInfo, args: Rest<'_>| take_part(&shared, kind, info, args.0);
        let function = Function::new(format!("t.{}", kind.name()), run);
        match kind {
            Kind::Host => builder.native(function),
            Kind::Pool => builder.inline_native(function.flags(Descriptor::BLOCKING)),
            Kind::Wait => builder.inline_native(function.flags(Descriptor::WAITS)),
            _ => builder.inline_native(function),
        }
    })
}

fn int(args: Args<'_>, at: usize) -> i64 {
    // Whatever else a script passed shows as a wrong result.
    args.get(at).as_int().unwrap_or(-1)
}

fn nothing() -> Outcome {
    Outcome::Ready(Value::Nil)
}

/// `begin(context, form)` gives a number for the call that follows.
fn begin(shared: &Arc<Shared>, _info: &CallInfo, args: Args<'_>) -> Outcome {
    let (context, form) = (int(args, 0) as usize, int(args, 1) as usize);
    Outcome::Ready(Value::Int(shared.ledger.begin(Caller::Context(context), form)))
}

fn enter(shared: &Arc<Shared>, _info: &CallInfo, args: Args<'_>) -> Outcome {
    shared.ledger.enter(int(args, 0));
    nothing()
}

fn done(shared: &Arc<Shared>, _info: &CallInfo, args: Args<'_>) -> Outcome {
    shared.ledger.answer(int(args, 0));
    nothing()
}

fn record(shared: &Arc<Shared>, _info: &CallInfo, args: Args<'_>) -> Outcome {
    shared.ledger.record(int(args, 0));
    nothing()
}

/// `throw(code, message)` fails with the code of this number.
fn throw(_shared: &Arc<Shared>, _info: &CallInfo, args: Args<'_>) -> Outcome {
    let code = CODES.get(int(args, 0) as usize).and_then(|word| Code::from_word(word));
    Outcome::Failed(Error::new(code.unwrap_or(Code::Panic), args.get(1).as_str().unwrap_or("no message")))
}

/// `detach(form, session, fuel, x, f, argument)` calls f and waits for nothing; gives the new x.
fn detach(shared: &Arc<Shared>, info: &CallInfo, args: Args<'_>) -> Outcome {
    let (s, fuel, x) = (int(args, 1), int(args, 2), int(args, 3));
    let function = args.get(4).as_callable().filter(|_| fuel > 0);
    if let Some(function) = function {
        let recorder = Arc::clone(shared);
        let outcome = call(shared, info, function, [-s.abs(), fuel - 1, x], args.get(5));
        outcome.then(move |result| recorder.ledger.record(number_of(&result)));
    }
    Outcome::Ready(Value::Int((x + if function.is_some() { 2 } else { 1 }) % MODULUS))
}

/// `close(context)` asks a context to close that a script has opened.
fn close(shared: &Arc<Shared>, info: &CallInfo, args: Args<'_>) -> Outcome {
    let object = shared.closable.lock().get(&(int(args, 0) as usize)).cloned();
    object.map_or_else(nothing, |object| object.call(info, "close", Args::new(&[])))
}

/// A native of this kind: `(id, session, fuel, x, argument)`.
fn take_part(shared: &Arc<Shared>, kind: Kind, info: &CallInfo, args: Args<'_>) -> Outcome {
    shared.ledger.enter(int(args, 0));
    let (s, fuel, x) = (int(args, 1), int(args, 2), int(args, 3));
    let (callable, sum) = find(args.get(4));
    let x = mix_native(kind, x, sum);
    match kind {
        Kind::Fail => {
            let (code, message) = failure(x);
            let code = Code::from_word(CODES[code]).unwrap_or(Code::Panic);
            Outcome::Failed(Error::new(code, format!("m{message}")))
        }
        Kind::Keep => keep(shared, s, x, callable).into(),
        Kind::Wait | Kind::Later => {
            let (completion, finisher) = info.runtime().completion("a courier");
            let (info, own) = (info.keep(), Arc::clone(shared));
            // Also when nobody waits for it any more, the program is not over before it is done.
            let keep_alive = info.runtime().keep_alive();
            shared.counter.give(x, move || {
                call_back(&own, &info, callable, s, fuel, x).then(move |result| {
                    // Whoever waited may have been closed.
                    let _ = finisher.finish(result);
                });
                drop(keep_alive);
            });
            Outcome::Pending(completion)
        }
        Kind::Pass | Kind::Host | Kind::Pool => call_back(shared, info, callable, s, fuel, x),
    }
}

/// Holds the callable for the session, and gives what was held before.
fn keep(shared: &Shared, s: i64, x: i64, callable: Option<Callable>) -> Result<Value> {
    if s < 0 {
        shared.counter.give(x, move || drop(callable));
        return Ok(Value::Int(x));
    }
    let before = {
        let mut kept = shared.kept.lock();
        let before = kept.remove(&s);
        kept.extend(callable.map(|callable| (s, callable)));
        before
    };
    match before {
        Some(before) => Value::map([("v", Value::Int(x)), ("f", Value::Callable(before))]),
        None => Ok(Value::Int(x)),
    }
}

/// Calls what a native was given, if it was given anything.
fn call_back(shared: &Arc<Shared>, info: &CallInfo, callable: Option<Callable>, s: i64, fuel: i64, x: i64) -> Outcome {
    let Some(callable) = callable.filter(|_| fuel > 0) else { return Outcome::Ready(Value::Int(x)) };
    let add = move |result: Result<Value>| result.map(|value| Value::Int((x + find(value.view()).1) % MODULUS));
    match call(shared, info, &callable, [s, fuel - 1, x], View::NIL).settled() {
        Ok(result) => match add(result) {
            Ok(value) => Outcome::Ready(value),
            Err(error) => Outcome::Failed(error),
        },
        Err(pending) => {
            let (completion, finisher) = info.runtime().internal_completion("a native's own call");
            pending.then(move |result| {
                // As in `take_part`.
                let _ = finisher.finish(add(result));
            });
            Outcome::Pending(completion)
        }
    }
}

/// A call by native code, counted.
fn call(shared: &Arc<Shared>, info: &CallInfo, callable: &Callable, numbers: [i64; 3], argument: View<'_>) -> Outcome {
    let id = shared.ledger.begin(Caller::Native, 0);
    let [s, fuel, x] = numbers;
    let args = [View::int(id), View::int(s), View::int(fuel), View::int(x), argument];
    match callable.call(info, Args::new(&args)).settled() {
        Ok(result) => {
            shared.ledger.answer(id);
            match result {
                Ok(value) => Outcome::Ready(value),
                Err(error) => Outcome::Failed(error),
            }
        }
        Err(pending) => {
            let (completion, finisher) = info.runtime().internal_completion("a native's call");
            let shared = Arc::clone(shared);
            pending.then(move |result| {
                shared.ledger.answer(id);
                // As in `take_part`.
                let _ = finisher.finish(result);
            });
            Outcome::Pending(completion)
        }
    }
}

/// The callable in data, and the sum of its integers; two different callables show in the sum.
pub(crate) fn find(view: View<'_>) -> (Option<Callable>, i64) {
    if let Some(callable) = view.as_callable() {
        return (Some(callable.clone()), 0);
    }
    let Some(data) = view.as_aggregate() else { return (None, view.as_int().unwrap_or_default()) };
    let parts = data.elements().chain(data.pairs().map(|pair| pair.value)).map(find);
    parts.fold((None, 0), |(found, sum), (callable, n)| {
        let differs = found.is_some() && callable.is_some() && found != callable;
        (found.or(callable), sum + n + if differs { 500_000 } else { 0 })
    })
}

/// An error's code, and its message without what JavaScript puts before it. A thrown value says both itself.
pub(crate) fn words_of(error: &Error) -> (String, String) {
    let word = |key: &str| error.thrown().and_then(|it| it.field(key).as_str().map(str::to_owned));
    let code = word("code").unwrap_or_else(|| error.code().word().to_owned());
    let message = word("message").unwrap_or_else(|| error.message().into_owned());
    (code, message.strip_prefix("Error: ").unwrap_or(&message).to_owned())
}

/// What a script that catches an error has in `x`, if that was 0.
fn number_of(result: &Result<Value>) -> i64 {
    let error = match result {
        Ok(value) => return find(value.view()).1,
        Err(error) => error,
    };
    let (code, message) = words_of(error);
    if ["dead", "cancelled"].contains(&&*code) {
        return GONE % MODULUS;
    }
    let code = CODES.iter().position(|it| *it == code);
    let message = message.strip_prefix('m').and_then(|number| number.parse::<i64>().ok());
    // An error that no program throws is no number either.
    code.zip(message).map_or(-1, |(code, message)| (code as i64 * 1000 + message) % MODULUS)
}

/// A native as a function value of its own, whose end is noticed.
struct Token {
    kind: Kind,
    shared: Arc<Shared>,
}

impl NativeType for Token {
    fn call(&self, info: &CallInfo, args: Args<'_>) -> Outcome {
        take_part(&self.shared, self.kind, info, args)
    }

    fn descriptor(&self) -> Value {
        Descriptor::method("token").to_value().unwrap_or_default()
    }

    fn flags(&self) -> u32 {
        0
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.shared.ledger.token_dropped();
    }
}

/// A function value made of a native of this kind.
pub(crate) fn token(runtime: &RuntimeHandle, shared: &Arc<Shared>, kind: Kind) -> Result<Callable> {
    shared.ledger.token_made();
    runtime.callable(&Native::new(Arc::new(Token { kind, shared: Arc::clone(shared) })))
}
