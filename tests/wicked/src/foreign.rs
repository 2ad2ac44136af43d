//! A context's host on a thread that is not its own. Safe code cannot bring it there: `Host` is not
//! `Send`. C code with a pointer can.
#![allow(unsafe_code)]

use std::thread;

use calog_plugin_api::KeptInfo;
use calog_plugin_api::prelude::*;

use crate::kept;

/// What is taken to a thread where it does not belong.
struct Smuggled(Host, KeptInfo);

// SAFETY: it is not. The owner's thread waits while the host is used elsewhere, so that what the host
// does not look after races with nothing.
unsafe impl Send for Smuggled {}

impl Smuggled {
    fn ask(self) -> Result<Value> {
        kept::ask_all(&self.0, &self.1)
    }
}

/// Asks a host for all it can do, on another thread, while its own waits.
pub(crate) fn ask_elsewhere(host: &Host, info: &CallInfo) -> Result<Value> {
    let smuggled = Smuggled(host.clone(), info.keep());
    let asked = thread::spawn(move || smuggled.ask());
    asked.join().unwrap_or_else(|_| Err(Error::new(Code::Panic, "wicked: the other thread panicked")))
}
