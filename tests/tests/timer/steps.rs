//! Scenarios as data: steps that a player, one script per language, plays one after another.
//!
//! A step is a list: what to do, and up to three things to do it with. Where a step takes steps, it
//! may take a function instead, of any context.
//!
//! | step | does |
//! | --- | --- |
//! | `note text`, `gate name` | notes; waits at a gate |
//! | `mark text` | notes in a turn of the mailbox that is asked for now: behind all that wait there |
//! | `after name ms steps`, `every name ms steps` | the natives; the timer is kept under the name |
//! | `cancel name`, `give name`, `take name timer` | with a timer that was kept; with one of elsewhere |
//! | `tick name most` | notes how often it was done; at `most` cancels the timer of that name |
//! | `spin ms` | holds the thread so long, by `timer.now` |
//! | `now`, `here`, `task` | takes the time; notes the context's name; notes whether it is in a task |
//! | `catch steps` | notes `fine`, or `code: message` |
//! | `fail message`, `return value`, `last` | ends so; `last` with what came of the last step |
//! | `call function`, `bad path arguments` | calls; notes what came of a wrong call |

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;

use calog::plugin_api::{Result, Value};
use calog::{ContextRef, Ended, Runtime};
use calog_tests::{Asked, LANGUAGES, Language, SAFETY_NET, Scene, THREADS};

/// Longer than any test takes.
pub(crate) const HOUR: i64 = 3_600_000;

/// Steps, each with what it is done with.
macro_rules! steps {
    ($([$deed:literal $(, $with:expr)* $(,)?]),* $(,)?) => {
        $crate::steps::list(vec![$($crate::steps::step($deed, vec![$(::calog::plugin_api::Value::from($with)),*])),*])
    };
}
pub(crate) use steps;

pub(crate) fn list(values: Vec<Value>) -> Value {
    Value::list(values).expect("a list")
}

/// All steps have the same length: what is left out is false.
pub(crate) fn step(deed: &str, mut with: Vec<Value>) -> Value {
    with.insert(0, deed.into());
    with.resize(4, false.into());
    list(with)
}

/// A player in this language.
pub(crate) fn player(scene: &Scene, name: &str, language: &Language, thread: Option<&str>) -> ContextRef {
    let text = match language.name {
        "lua" => include_str!("player.lua"),
        "javascript" => include_str!("player.js"),
        "squirrel" => include_str!("player.nut"),
        _ => include_str!("player.bas"),
    };
    scene.script(name, language, thread, text)
}

/// A scenario for every language. No error may be left to the program.
pub(crate) fn every_language(scenario: impl Fn(&Scene, &ContextRef)) {
    for language in &LANGUAGES {
        let scene = Scene::new(language.name);
        let a = player(&scene, "a", language, None);
        // Shown when the scenario fails.
        println!("{}", scene.what);
        scenario(&scene, &a);
        assert_eq!(scene.world.errors(), [], "{}", scene.what);
    }
}

/// A scenario for every ordered pair, on threads of their own and on one.
pub(crate) fn every_pair(scenario: impl Fn(&Scene, &ContextRef, &ContextRef)) {
    for one in &LANGUAGES {
        for other in &LANGUAGES {
            for thread in THREADS {
                let scene = Scene::new(format!("{} and {} on {thread:?}", one.name, other.name));
                let (a, b) = (player(&scene, "a", one, thread), player(&scene, "b", other, thread));
                // Shown when the scenario fails.
                println!("{}", scene.what);
                scenario(&scene, &a, &b);
                assert_eq!(scene.world.errors(), [], "{}", scene.what);
            }
        }
    }
}

/// What tests do with a scene of players.
pub(crate) trait Stage {
    /// Plays steps, and does not wait.
    fn begin(&self, player: &ContextRef, steps: Value) -> Asked;
    /// Plays steps: what came of it.
    fn play(&self, player: &ContextRef, steps: Value) -> Result<Value>;
    /// Plays steps that end well.
    fn done(&self, player: &ContextRef, steps: Value) -> Value;
    /// A function that plays steps.
    fn make(&self, player: &ContextRef, steps: Value) -> Value;
    /// What was noted.
    fn told(&self) -> Vec<String>;
    /// Waits for a note.
    fn hear(&self, note: &str);
    /// Waits until somebody waits at a gate, for which it has suspended.
    fn meet(&self, player: &ContextRef, gate: &str);
    /// Runs it as a program, which must end by itself.
    fn run(&self);
}

impl Stage for Scene {
    fn begin(&self, player: &ContextRef, steps: Value) -> Asked {
        self.world.ask(player, "play", &[steps])
    }

    #[track_caller]
    fn play(&self, player: &ContextRef, steps: Value) -> Result<Value> {
        self.world.try_call(player, "play", &[steps])
    }

    #[track_caller]
    fn done(&self, player: &ContextRef, steps: Value) -> Value {
        self.play(player, steps).unwrap_or_else(|error| panic!("{}: {error:?}", self.what))
    }

    #[track_caller]
    fn make(&self, player: &ContextRef, steps: Value) -> Value {
        self.world.try_call(player, "make", &[steps]).unwrap_or_else(|error| panic!("{}: {error:?}", self.what))
    }

    fn told(&self) -> Vec<String> {
        self.gates.notes()
    }

    #[track_caller]
    fn hear(&self, note: &str) {
        self.world.wait_until(note, || self.gates.notes().iter().any(|it| it == note));
    }

    #[track_caller]
    fn meet(&self, player: &ContextRef, gate: &str) {
        self.world.wait_until(gate, || self.gates.is_closed(gate));
        self.settle(player);
    }

    #[track_caller]
    fn run(&self) {
        assert_eq!(ended(&self.world.runtime), Ended::Idle, "{}: the program ends by itself", self.what);
    }
}

/// Runs as a program, but not for ever.
pub(crate) fn ended(runtime: &Runtime) -> Ended {
    let (over, is_over) = channel();
    let stopper = runtime.stopper();
    let watch = thread::spawn(move || {
        if is_over.recv_timeout(SAFETY_NET) == Err(RecvTimeoutError::Timeout) {
            stopper.exit(99);
        }
    });
    let ended = runtime.run();
    // It hears this at once, or has given up.
    _ = over.send(());
    watch.join().expect("it does not panic");
    ended
}
