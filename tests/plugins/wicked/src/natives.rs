//! Natives that misbehave, each in its own way, and hooks that do so on order: the bundle's
//! configuration gives `panic` or `fail` to `validate`, `boot`, `run` or `shutdown`.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calog_plugin_api::prelude::*;
use calog_plugin_api::priority;

use crate::order;

/// Cancel hooks that have run, and panicked, in this process.
static HOOKS: AtomicI64 = AtomicI64::new(0);

/// The bundle `wicked`.
pub(crate) fn wicked(runtime: RuntimeHandle) -> Result<Bundle> {
    // Its panics are as ordered, so nobody needs to read of them. This hook is the plugin's alone.
    std::panic::set_hook(Box::new(|_| {}));
    // What the hooks without a configuration of their own are ordered to do: known from the start.
    let orders = Arc::new(Mutex::new(Value::Nil));
    let (run, shutdown) = (Arc::clone(&orders), Arc::clone(&orders));
    let ordered = |orders: &Mutex<Value>| orders.lock().unwrap_or_else(|it| it.into_inner()).clone();
    let bundle = natives()
        .validate(|config| order(config.field("validate")))
        .boot(priority::NORMAL, move |_, config| {
            *orders.lock().unwrap_or_else(|it| it.into_inner()) = config.to_value();
            order(config.field("boot"))
        })
        .run(priority::NORMAL, move |_, _stop| order(ordered(&run).view().field("run")))
        .shutdown(priority::NORMAL, move || {
            runtime.log(Level::Info, 0, "wicked: the shutdown hook");
            order(ordered(&shutdown).view().field("shutdown"))
        });
    Ok(bundle)
}

fn natives() -> Bundle {
    Bundle::new("wicked")
        .function("panic", |text: Option<&str>| -> Value { panic!("{}", text.unwrap_or("wicked: as ordered")) })
        .doc("Panics.")
        .function("payload", || -> Value { std::panic::panic_any(Payload) })
        .doc("Panics with a payload whose drop panics.")
        .function("never", |info: &CallInfo| {
            let (completion, finisher) = info.runtime().completion("something that never comes");
            std::mem::forget(finisher);
            completion
        })
        .doc("Gives a completion that nobody will finish.")
        .function("forgets", |info: &CallInfo| info.runtime().completion("somebody who forgets").0)
        .doc("Gives a completion whose finisher is gone: a `dead` error.")
        .function("later", |info: &CallInfo, ms: u64, value: Value| {
            let (completion, finisher) = info.runtime().completion("a thread of its own");
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(ms));
                // A waiter that left does not miss the value.
                let _ = finisher.finish(Ok(value));
            });
            completion
        })
        .params(["ms", "value"])
        .doc("Finishes on another thread, after some time.")
        .function("hook_panics", |info: &CallInfo| {
            let (completion, finisher) = info.runtime().completion("something that never comes");
            finisher.on_cancel(|| {
                HOOKS.fetch_add(1, Ordering::Relaxed);
                panic!("wicked: in the cancel hook")
            });
            std::mem::forget(finisher);
            completion
        })
        .doc("As never, with a cancel hook that panics.")
        .function("hooks", || HOOKS.load(Ordering::Relaxed))
        .doc("Says how many of those hooks have run.")
        .function("blocking", |info: &CallInfo| info.runtime().blocking("a panic", || panic!("wicked: at work")))
        .doc("Panics on the pool for blocking work.")
        .function("object", || Object::new(Arc::new(Trap)))
        .doc("Gives an Object whose members and drop panic.")
        .function("deep", |levels: usize| nested(levels))
        .params(["levels"])
        .doc("Gives lists in lists.")
        .function("call", |info: &CallInfo, function: &Callable, argument: Value| {
            function.call(info, Args::new(&[argument.view()]))
        })
        .params(["function", "argument"])
        .doc("Calls back in place.")
}

struct Payload;

impl Drop for Payload {
    fn drop(&mut self) {
        panic!("wicked: dropping the payload");
    }
}

/// Lists in lists.
pub(crate) fn nested(levels: usize) -> Result<Value> {
    let mut builder = Builder::new();
    (0..levels).try_for_each(|_| builder.begin(Shape::List))?;
    (0..levels).try_for_each(|_| builder.end())?;
    builder.finish()
}

/// An Object that panics wherever it is touched.
struct Trap;

impl ObjectType for Trap {
    fn type_name(&self) -> &str {
        "wicked.Trap"
    }
    fn members(&self) -> Value {
        let members = [Descriptor::property("value"), Descriptor::method("spring")];
        let maps: Result<Vec<Value>> = members.iter().map(Descriptor::to_value).collect();
        maps.and_then(Value::list).unwrap_or_default()
    }
    fn get(&self, _info: &CallInfo, _property: &str) -> Result<Value> {
        panic!("wicked: reading a property")
    }
    fn set(&self, _info: &CallInfo, _property: &str, _value: View<'_>) -> Result<()> {
        panic!("wicked: writing a property")
    }
    fn call(&self, _info: &CallInfo, _method: &str, _args: Args<'_>) -> Outcome {
        panic!("wicked: calling a method")
    }
    fn text(&self) -> String {
        panic!("wicked: printing")
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        panic!("wicked: dropping an object");
    }
}
