//! The bundle's life. Its configuration orders the hooks `validate`, `boot`, `run` and `shutdown`, `stop`
//! (what runs when the run hook is asked to end) and `end` (the bundle's drop). Before there is a configuration,
//! the variable `WICKED_BUNDLE` orders the making: a deed, `usurp` (natives of another bundle's name) or
//! `twice` (two of one name).

use std::sync::{Arc, Mutex};

use calog_plugin_api::prelude::*;

use crate::deed::{Orders, lock, never, note, perform, say};
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
    bundle
        .validate(|config| perform(Orders::of(config).deed("validate")))
        .boot(priority::NORMAL, move |_, config| {
            *lock(&orders) = Orders::of(config);
            say("boot", Orders::of(config).deed("boot"));
            perform(Orders::of(config).deed("boot"))
        })
        .run(priority::NORMAL, move |runtime, stop| {
            let orders = lock(&run).clone();
            if orders.deed("stop") == "never" {
                stop.on_cancel(|| never());
            } else if orders.deed("stop") == "panic" {
                stop.on_cancel(|| panic!("wicked: as ordered"));
            }
            note(runtime.id(), "run");
            perform(orders.deed("run"))
        })
        .reload(priority::NORMAL, |_| panic!("wicked: nobody asks for this yet"))
        .shutdown(priority::NORMAL, move || {
            let _end = &end;
            runtime.log(Level::Info, 0, "wicked: the shutdown hook");
            perform(lock(&shutdown).clone().deed("shutdown"))
        })
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
