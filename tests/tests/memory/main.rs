//! Memory that ends wherever it ends: the limit of a context is swept over all that its script needs,
//! so that one after another of its allocations is the first that it may not have. Always an error that
//! names the limit, or the script gets by; its context still closes, and the others never notice.
//!
//! `CALOG_MEMORY_STEPS=1000` sweeps in finer steps. `.ci/stress asan` runs this under AddressSanitizer.

use std::ops::Range;

use calog::{Code, ContextRef, Error, Open, Result, Value};
use calog_tests::{LANGUAGES, Language, Scene, field, function};

/// Steps of a sweep, unless the environment says otherwise.
const STEPS: u64 = 100;

/// How many times a script does all that it can.
const ROUNDS: i64 = 5;

/// More than any of these scripts need.
const PLENTY: u64 = 64 << 20;

/// Calls what it is given, and fails when that is nothing.
const PARTNER: &str = "return { ask = function(f, data, n)
    if not f then error({ code = 'script', message = 'nothing to call' }) end
    return { f(n), data }
end }";

fn work(language: &Language) -> &'static str {
    match language.name {
        "lua" => include_str!("work.lua"),
        "javascript" => include_str!("work.js"),
        "squirrel" => include_str!("work.nut"),
        "basic" => include_str!("work.bas"),
        other => panic!("how does one work in {other}?"),
    }
}

/// A language, and a partner in another context that nothing limits.
struct Stage<'l> {
    scene: Scene,
    language: &'l Language,
    partner: ContextRef,
}

impl Stage<'_> {
    fn new(language: &Language) -> Stage<'_> {
        let scene = Scene::new(language.name);
        let partner = scene.script("partner", &LANGUAGES[0], None, PARTNER);
        Stage { scene, language, partner }
    }

    /// Opens a worker with so much memory.
    fn open(&self, bytes: u64) -> Result<ContextRef> {
        let path = self.scene.world.write(&format!("worker.{}", self.language.extension), work(self.language));
        let limits = Value::map([("memory", bytes as i64)]).expect("a map");
        self.scene.world.runtime.open(Open::file(path).name("worker").option("limits", limits))
    }

    /// Opens a worker, runs its main chunk and more, and closes it, whatever came of it.
    fn opened(&self, bytes: u64, more: impl FnOnce(&ContextRef) -> Result<()>) -> Result<()> {
        let runtime = &self.scene.world.runtime;
        let worker = self.open(bytes)?;
        let done = runtime.wait_for(&worker).and_then(|_| more(&worker));
        assert!(runtime.close_context(&worker), "{}: {bytes} bytes: it does not close", self.scene.what);
        done
    }

    /// All that a worker does in its life.
    fn live(&self, bytes: u64) -> Result<()> {
        self.opened(bytes, |worker| {
            let args = [function(&self.partner, "ask"), ROUNDS.into()];
            // A second time, in whatever state the first one left it.
            let both = [(); 2].map(|()| self.scene.world.try_call(worker, "work", &args));
            both.into_iter().try_for_each(|done| self.check(&done?))
        })
    }

    fn check(&self, done: &Value) -> Result<()> {
        assert!(field(done, "count").view().as_int() >= Some(ROUNDS), "{}: {done:?}", self.scene.what);
        let given = field(done, "f");
        let again = self.scene.world.runtime.call(given.view().as_callable().expect("a function"), &[])?;
        assert_eq!(again, ROUNDS.into(), "{}", self.scene.what);
        Ok(())
    }

    /// The least limit, to some bytes, with which this works.
    fn least(&self, works: impl Fn(u64) -> bool) -> u64 {
        let Range { mut start, mut end } = 0..PLENTY;
        assert!(works(end), "{}: {PLENTY} bytes are plenty", self.scene.what);
        while end - start > 256 {
            let middle = start.midpoint(end);
            if works(middle) { end = middle } else { start = middle }
        }
        end
    }
}

/// It says which limit it was.
fn names_the_limit(error: &Error) -> bool {
    error.code() == Code::Limit && error.message().contains("limits.memory")
}

/// Sweeps the limit in steps from nothing to what is more than enough. Whether the engine has one.
fn sweep(language: &Language, steps: u64) -> bool {
    let stage = Stage::new(language);
    let loads = |bytes| stage.opened(bytes, |_| Ok(()));
    if loads(PLENTY).is_err_and(|error| error.code() == Code::Unsupported) {
        return false;
    }
    let loads = stage.least(|bytes| loads(bytes).is_ok());
    let works = stage.least(|bytes| stage.live(bytes).is_ok()).max(loads);
    // Few of what fails before the script runs, many of what fails while it does, some beyond.
    let before = (0..steps / 4).map(|at| loads * at * 4 / steps);
    let within = (0..steps).map(|at| loads + (works + works / 8 - loads) * at / steps);
    let (mut failed, mut worked) = (0, 0);
    for bytes in before.chain(within) {
        match stage.live(bytes) {
            Ok(()) => worked += 1,
            Err(error) => {
                assert!(names_the_limit(&error), "{}: {bytes} bytes: {error:?}", language.name);
                failed += 1;
            }
        }
    }
    assert!(failed > steps / 4 && worked > 0, "{}: {failed} failed and {worked} worked", language.name);
    for error in stage.scene.world.errors() {
        assert_eq!(error.code(), Code::Limit, "{}: {error:?}", language.name);
    }
    let asked = stage.scene.world.try_call(&stage.partner, "ask", &[]);
    assert_eq!(asked.expect_err("nothing to call").message(), "nothing to call", "its partner is as it was");
    println!("{}: loads with {loads} bytes, works with {works}: {failed} failed, {worked} worked", language.name);
    true
}

#[test]
fn whichever_allocation_is_too_much_there_is_an_error() {
    let steps = std::env::var("CALOG_MEMORY_STEPS").ok().and_then(|it| it.parse().ok()).unwrap_or(STEPS);
    let limited: Vec<_> = LANGUAGES.iter().filter(|it| sweep(it, steps)).map(|it| it.name).collect();
    assert!(["lua", "javascript", "squirrel"].iter().all(|it| limited.contains(it)), "only {limited:?} limit memory");
}
