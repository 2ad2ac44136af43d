//! A plugin whose panics would end the process: its header says so, and the host must refuse it.
#![forbid(unsafe_code)]

use calog_plugin_api::prelude::*;

export_plugin! { bundle: aborting }

fn aborting() -> Bundle {
    Bundle::new("aborting").function("hello", || "hello")
}
