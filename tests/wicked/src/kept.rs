//! What outlives whatever it is of: values, circumstances, promises and runtimes, kept by name in the
//! process, and hosts, kept on their threads.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use calog_plugin_api::prelude::*;
use calog_plugin_api::{Function, KeptInfo, Native};

use crate::deed::lock;

/// What can be kept under a name.
enum Kept {
    Value(Value, KeptInfo),
    /// A promise's finisher, and what can cancel it.
    Promise(Finisher),
}

static KEPT: Mutex<BTreeMap<String, Kept>> = Mutex::new(BTreeMap::new());

thread_local! {
    /// Hosts of contexts of this thread, dead ones as well.
    static HOSTS: RefCell<BTreeMap<String, Host>> = const { RefCell::new(BTreeMap::new()) };
}

/// Adds the natives that keep.
pub(crate) fn add(bundle: Bundle) -> Bundle {
    bundle
        .function("keep", |info: &CallInfo, name: String, value: Value| {
            let kept = Kept::Value(value, info.keep());
            drop(lock(&KEPT).insert(name, kept));
        })
        .params(["name", "value"])
        .doc("Keeps a value, and the circumstances.")
        .function("kept", |name: &str| match lock(&KEPT).get(name) {
            Some(Kept::Value(value, _)) => value.clone(),
            _ => Value::Nil,
        })
        .params(["name"])
        .doc("Gives a value that was kept.")
        .function("let_go", |name: &str| lock(&KEPT).remove(name).is_some())
        .params(["name"])
        .doc("Drops what was kept.")
        .function("call_kept", call_kept)
        .params(["name", "arguments"])
        .doc("Calls a function that was kept, in the circumstances it was kept in.")
        .function("use_kept", use_kept)
        .params(["name"])
        .doc("Asks the runtime that something was kept in for all it can do, and lists what it said.")
        .function("promise", |info: &CallInfo, name: String| {
            let (completion, finisher) = info.runtime().completion("what is kept");
            drop(lock(&KEPT).insert(name, Kept::Promise(finisher)));
            completion
        })
        .params(["name"])
        .doc("Gives a completion, and keeps its finisher.")
        .function("finish", |name: &str, value: Value| match take(name) {
            Some(Kept::Promise(finisher)) => Ok(match finisher.finish(Ok(value)) {
                Ok(()) => "taken".to_owned(),
                Err(back) => format!("handed back: {back:?}"),
            }),
            _ => Err(Error::new(Code::NotFound, "wicked: no such promise")),
        })
        .params(["name", "value"])
        .doc("Finishes it, and says what became of the value.")
        .function("awaited", |name: &str| match lock(&KEPT).get(name) {
            Some(Kept::Promise(finisher)) => finisher.is_awaited(),
            _ => false,
        })
        .params(["name"])
        .doc("Says whether anybody waits for it still.")
}

fn take(name: &str) -> Option<Kept> {
    lock(&KEPT).remove(name)
}

fn kept_value(name: &str) -> Result<(Value, KeptInfo)> {
    match lock(&KEPT).get(name) {
        Some(Kept::Value(value, info)) => Ok((value.clone(), info.clone())),
        _ => Err(Error::new(Code::NotFound, "wicked: nothing of that name is kept")),
    }
}

fn call_kept(name: &str, args: Rest<'_>) -> Result<Outcome> {
    let (value, info) = kept_value(name)?;
    match value {
        Value::Callable(function) => Ok(function.call(&info, args.0)),
        Value::Object(object) => Ok(object.call(&info, "obey", args.0)),
        _ => Err(Error::new(Code::Type, "wicked: what is kept cannot be called")),
    }
}

/// In words, what became of a request.
fn said<T>(result: Result<T>, fine: &str) -> String {
    result.map_or_else(|error| error.code().to_string(), |_| fine.to_owned())
}

fn promised(completion: Completion) -> String {
    match completion.try_take() {
        Ok(Ok(value)) => format!("{value:?}"),
        Ok(Err(error)) => error.code().to_string(),
        Err(_) => "pending".into(),
    }
}

fn use_kept(name: &str) -> Result<Value> {
    let (value, info) = kept_value(name)?;
    let runtime = info.runtime();
    let (completion, finisher) = runtime.completion("what a closed runtime promises");
    let finished = finisher.finish(Ok("kept".into())).map_err(|_| Error::new(Code::Dead, "handed back"));
    runtime.log(Level::Debug, info.context(), "wicked: after the end");
    drop(runtime.keep_alive());
    let native = Function::new("wicked.late", || "late").build()?;
    let late = runtime.callable(&native)?;
    let post = |context| said(runtime.post(context, &late, &info, Args::new(&[])), "posted");
    let call = match &value {
        Value::Callable(function) => promised_outcome(function.call(&info, Args::new(&[]))),
        Value::Object(object) => promised_outcome(object.call(&info, "obey", Args::new(&[]))),
        _ => "no function".into(),
    };
    Ok([
        format!("call: {call}"),
        format!("completion: {}, {}", said(finished, "finished"), promised(completion)),
        format!("after: {}", promised(runtime.after(Duration::from_secs(3600)))),
        format!("blocking: {}", promised(runtime.blocking("late work", || Ok(Value::Nil)))),
        format!("post: {}, {}", post(info.context()), post(0)),
        format!("site: {:?}", info.site().map(|frame| frame.line)),
        format!("token: {}", said(runtime.cancel_token(None), "made")),
        format!("native: {}", promised_outcome(late.call(&info, Args::new(&[])))),
    ]
    .join("; ")
    .into())
}

fn promised_outcome(outcome: Outcome) -> String {
    match outcome.settled() {
        Ok(Ok(value)) => format!("{value:?}"),
        Ok(Err(error)) => error.code().to_string(),
        Err(completion) => promised(completion),
    }
}

/// Keeps a host on its thread.
pub(crate) fn keep_host(name: &str, host: &Host) {
    HOSTS.with_borrow_mut(|hosts| drop(hosts.insert(name.to_owned(), host.clone())));
}

/// Asks a host that was kept on this thread for all it can do.
pub(crate) fn use_host(name: &str, info: &CallInfo) -> Result<Value> {
    let host = HOSTS.with_borrow(|hosts| hosts.get(name).cloned());
    let host = host.ok_or_else(|| Error::new(Code::NotFound, "wicked: no such host is kept on this thread"))?;
    ask_all(&host, info)
}

/// All that a host can be asked, and in words what it said.
pub(crate) fn ask_all(host: &Host, info: &CallInfo) -> Result<Value> {
    let runtime = host.runtime()?;
    let (there, finisher) = runtime.completion("what is there");
    // It was just made.
    let _ = finisher.finish(Ok("there".into()));
    let later = runtime.after(Duration::from_millis(1));
    let (watched, watcher) = runtime.completion("what is watched");
    let function = host.function(None).map(|(function, key)| {
        let own = host.own_key(&function) == Some(key);
        format!("{}, own {own}", promised_outcome(function.call(info, Args::new(&[]))))
    });
    let object = host.object(None, "wicked.Late", &Value::Nil).map(|(object, key)| {
        let own = host.own_object_key(&object) == Some(key);
        format!("{}, own {own}", promised_outcome(object.call(info, "obey", Args::new(&[]))))
    });
    host.watch(watched, WaitKey(1), info);
    host.print(b"a late line\n");
    host.log(Level::Debug, "wicked: a late line");
    let named = host.options().name() == "victim";
    let native: Result<Native> = host.native(0);
    Ok([
        format!("wait: {}", said(host.wait(there, info), "there")),
        format!("wait for what comes later: {}", said(host.wait(later, info), "there")),
        format!("watch: awaited {}", watcher.is_awaited()),
        format!("function: {}", function.unwrap_or_else(|error| error.code().to_string())),
        format!("object: {}", object.unwrap_or_else(|error| error.code().to_string())),
        format!("native: {}", said(native, "given")),
        format!("depth: {}", if host.remaining_depth() > 0 { "some" } else { "none" }),
        format!("info: {}", said(host.info(), "given")),
        format!("options: {named}"),
        format!("stopping: {}", host.stopping()),
    ]
    .join("; ")
    .into())
}
