//! The engine against a mock host. Most tests are Squirrel code that asserts by itself, run through one
//! `check`.

mod errors;
mod functions;
mod library;
mod limits;
mod objects;
mod odd;
mod scripts;
mod stops;
mod values;
mod waits;

use calog_plugin_api::mock;
use calog_plugin_api::prelude::*;

use crate::Squirrel;

type Opened = mock::Opened<Squirrel>;

/// What the scripts of these tests find: `refused(code, place, f)` calls a function that shall fail so.
const PRELUDE: &str = r##"
function same(a, b) { if (a != b) throw "wanted " + b + ", got " + a }
function refused(code, text, f) {
    local e = null, done = false
    try { f(); done = true } catch (caught) { e = caught }
    if (done) throw "did not fail: wanted " + code + " " + text
    if (typeof e != "table") throw "threw " + typeof e + " " + e
    if (e.code != code) throw "wanted " + code + ", got " + e.code + ": " + e.message
    if (e.message.find(text) == null) throw "wanted " + text + ", got: " + e.message
    return e
}
"##;

/// The code with the prelude on its first line, so that lines keep their numbers.
fn with_prelude(code: &str) -> String {
    format!("{} {code}", PRELUDE.replace('\n', ";"))
}

/// Runs code that shall not fail.
#[track_caller]
fn check(code: &str) -> Value {
    check_in(&Opened::new(), code)
}

#[track_caller]
fn check_in(opened: &Opened, code: &str) -> Value {
    let result = opened.run(&with_prelude(code));
    result.unwrap_or_else(|error| panic!("{error:?}\nin: {code}"))
}

/// Runs code that shall fail.
#[track_caller]
fn fails(opened: &Opened, code: &str) -> Error {
    match opened.run(code) {
        Err(error) => error,
        Ok(value) => panic!("gave {value:?}: {code}"),
    }
}

/// Runs the body on a thread with the stack that calog's contexts have.
fn on_usual_stack(body: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(8 << 20).spawn(body).expect("a thread");
    if let Err(payload) = thread.join() {
        std::panic::resume_unwind(payload);
    }
}
