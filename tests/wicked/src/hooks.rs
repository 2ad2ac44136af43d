//! The bundle's life. Its configuration orders the hooks `validate`, `boot`, `run`, `reload` and `shutdown`,
//! `stop` (what runs when the run hook is asked to end) and `end` (the bundle's drop). Before there is a
//! configuration, the variable `WICKED_BUNDLE` orders the making: a deed, `usurp` (natives of another bundle's
//! name) or `twice` (two of one name).
//!
//! Further orders of `run` are `stop` (until it is asked to), `wake` (the same, and then until `wicked.wake` was
//! called) and `once` (it fails the first time). What else it asks for in its life: `after`, `before` (a name),
//! `recoverable`, `disabled`, `restart` (a word), `at_most`, and `lifecycle` is a deed of the asking.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use calog_plugin_api::prelude::*;

use crate::deed::{Orders, lock, never, note, noted, perform, say};
use crate::natives::natives;

/// The bundle `wicked`.
pub(crate) fn wicked(runtime: RuntimeHandle) -> Result<Bundle> {
    // Its panics are as ordered, so nobody needs to read of them. This hook is the plugin's alone.
    std::panic::set_hook(Box::new(|_| {}));
    let order = std::env::var("WICKED_BUNDLE").unwrap_or_default();
    perform(&order)?;
    Ok(match order.as_str() {
        "usurp" => Bundle::new("calog").function("log", || "not the log"),
        "twice" => Bundle::new("wicked").function("one", || 1).function("one", || 2),
        _ => with_hooks(natives(), runtime),
    })
}

fn with_hooks(bundle: Bundle, runtime: RuntimeHandle) -> Bundle {
    // Known from the start on; `run` and `shutdown` get no configuration.
    let orders: Arc<Mutex<Orders>> = Arc::default();
    let (run, shutdown, end) = (Arc::clone(&orders), Arc::clone(&orders), End(Arc::clone(&orders)));
    let (again, id) = (Arc::clone(&orders), runtime.id());
    bundle
        .lifecycle(asks)
        .validate(|config| {
            let done = perform(Orders::of(config).deed("validate"));
            done.map_err(|error| error.at_key("validate"))
        })
        .boot(priority::NORMAL, move |_, config| {
            *lock(&orders) = Orders::of(config);
            say("boot", Orders::of(config).deed("boot"));
            perform(Orders::of(config).deed("boot"))
        })
        .run(priority::NORMAL, move |runtime, stop| {
            let orders = lock(&run).clone();
            let told = runtime.id();
            stop.on_cancel(move || note(told, "stop"));
            if orders.deed("stop") == "never" {
                stop.on_cancel(|| never());
            } else if orders.deed("stop") == "panic" {
                stop.on_cancel(|| panic!("wicked: as ordered"));
            }
            note(runtime.id(), "run");
            match orders.deed("run") {
                "stop" => stop.wait(),
                "wake" => {
                    stop.wait();
                    while noted(runtime.id(), "wake") == 0 {
                        std::thread::yield_now();
                    }
                }
                "once" if noted(runtime.id(), "run") == 1 => return perform("fail"),
                _ => {}
            }
            perform(orders.deed("run"))
        })
        .reload(priority::NORMAL, move |config| {
            let new = Orders::of(config);
            perform(new.deed("reload"))?;
            *lock(&again) = new;
            note(id, "reload");
            Ok(())
        })
        .shutdown(priority::NORMAL, move || {
            let _end = &end;
            runtime.log(Level::Info, 0, "wicked: the shutdown hook");
            perform(lock(&shutdown).clone().deed("shutdown"))
        })
}

/// What it asks for in its life.
fn asks(config: View<'_>) -> Lifecycle {
    let orders = Orders::of(config);
    // It cannot fail, but panic.
    let _ = perform(orders.deed("lifecycle"));
    let names = |key| Some(orders.deed(key).to_owned()).filter(|name| !name.is_empty());
    let mut life = Lifecycle::new().after(names("after")).before(names("before"));
    life = life.enabled(orders.deed("disabled").is_empty());
    if !orders.deed("recoverable").is_empty() {
        life = life.recoverable();
    }
    let restart = Restart::of(RestartWhen::from_word(orders.deed("restart")).unwrap_or_default());
    let at_most = orders.deed("at_most").parse().unwrap_or(Restart::AT_MOST);
    // Nothing leaves this window while a test runs.
    life.restart(restart.bounded(at_most, Duration::from_secs(3600)))
}

/// What the bundle's drop drops.
struct End(Arc<Mutex<Orders>>);

impl Drop for End {
    fn drop(&mut self) {
        let orders = lock(&self.0).clone();
        // A drop cannot fail.
        let _ = perform(orders.deed("end"));
    }
}
