//! Ending code that never ends by itself, in each way there is.

use std::fmt::Debug;

use calog::plugin_api::Value;
use calog::{ContextRef, Open, Result};
use calog_tests::{Endless, LANGUAGES, Language, Scene, script};

/// What ends endless code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum By {
    /// `time_per_call_ms`.
    Time,
    /// Its call is aborted, as a task is.
    Abort,
    /// Its context closes.
    Closing,
}

const ALL: [By; 3] = [By::Time, By::Abort, By::Closing];

/// A context that exports the code as `run`.
pub(crate) fn opened(scene: &Scene, language: &Language, code: &str) -> ContextRef {
    scene.script("endless", language, None, &script(language, code, true))
}

/// Calls the code, or runs it, and ends it; what it came to.
pub(crate) fn end(scene: &Scene, language: &Language, code: &str, by: By) -> (ContextRef, Result<Value>) {
    if by == By::Time {
        let path = scene.world.write(&format!("endless.{}", language.extension), &script(language, code, false));
        let limits = Value::map([("time_per_call_ms", Value::Int(50))]).expect("a map");
        let open = Open::file(path).name("endless").option("limits", limits);
        let context = scene.world.runtime.open(open).expect("a context");
        let answer = scene.world.runtime.wait_for(&context);
        return (context, answer);
    }
    let context = opened(scene, language, code);
    let token = scene.world.runtime.handle().cancel_token(None).expect("a token");
    let asked = scene.world.ask_with(&scene.world.info_with(Some(token.clone()), 0), &context, "run", &[]);
    scene.world.wait_until("the loop", || !scene.gates.notes().is_empty());
    if by == By::Abort {
        token.abort();
    } else {
        context.ask_to_close();
    }
    (context, scene.world.answer(&asked))
}

pub(crate) fn check_all(
    mut check: impl FnMut(&Language, &Endless, By) -> std::result::Result<(), String>,
    of: fn(&Language) -> &'static [Endless],
) {
    let mut wrong = Vec::new();
    for language in &LANGUAGES {
        for one in of(language) {
            for by in ALL {
                let what = format!("{}: {} by {by:?}", language.name, one.0);
                wrong.extend(check(language, one, by).err().map(|error| format!("{what}: {error}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

pub(crate) fn same<T: PartialEq + Debug>(what: &str, found: T, wanted: T) -> std::result::Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{what}: {found:?}, not {wanted:?}")) }
}
