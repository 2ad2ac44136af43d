//! BASIC's lexer, parser, compiler and evaluator: whatever the program, its context runs it, fails in
//! words or is closed in the middle of it, and the next one runs.

#![no_main]

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use calog::{Code, ContextRef, Open, Runtime};
use calog_fuzz::languages::runtime;
use libfuzzer_sys::fuzz_target;

/// How long a program may run before it is closed: one without end should not take long.
const RUN: Duration = Duration::from_millis(30);

struct Basic {
    runtime: Runtime,
    /// Closes each context that it is given, unless told in time that it ended.
    watch: Sender<Option<ContextRef>>,
}

thread_local! {
    static BASIC: Basic = start();
}

fn start() -> Basic {
    let (watch, watched) = channel::<Option<ContextRef>>();
    std::thread::spawn(move || {
        while let Ok(context) = watched.recv() {
            let Some(context) = context else { continue };
            if matches!(watched.recv_timeout(RUN), Err(RecvTimeoutError::Timeout)) {
                context.ask_to_close();
            }
        }
    });
    Basic { runtime: runtime(), watch }
}

fuzz_target!(|program: &[u8]| {
    BASIC.with(|basic| {
        let open = Open::source("basic", program).thread("fuzz");
        let context = basic.runtime.open(open).expect("a context opens whatever it is to run");
        // The watcher lives as long as this.
        let _ = basic.watch.send(Some(context.clone()));
        let result = basic.runtime.wait_for(&context);
        let _ = basic.watch.send(None);
        if let Err(error) = result {
            assert_ne!(error.code(), Code::Panic, "{error:?}");
        }
        basic.runtime.close_context(&context);
        basic.runtime.pump();
    });
});
