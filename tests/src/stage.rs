//! Scenarios as data: steps that a player, one script per language, plays one after another.
//!
//! Each test has players of its own, who know the steps that it needs: its module `players` lists
//! them. What is the same for all is here: how steps are written, whom they are played by, and what a
//! test does with a scene meanwhile.

use calog::{ContextRef, Ended};
use calog_plugin_api::{Result, Value};

use crate::actor::{in_every_language, in_every_pair};
use crate::{Asked, Language, Scene, ended};

/// How many turns `Scene::turns` lets go by: more than what any scenario still has to do takes.
const TURNS: usize = 50;

/// Steps, each with what it is done with: `steps![["note", "it runs"], ["gate", "open"]]`.
#[macro_export]
macro_rules! steps {
    ($([$deed:literal $(, $with:expr)* $(,)?]),* $(,)?) => {
        $crate::stage::list(vec![$($crate::stage::step($deed, vec![$(::core::convert::Into::into($with)),*])),*])
    };
}
pub use crate::steps;

/// Steps that a test puts together by itself.
pub fn list(steps: Vec<Value>) -> Value {
    Value::list(steps).expect("a list")
}

/// A step. All have the same length: what is left out is false.
pub fn step(deed: &str, mut with: Vec<Value>) -> Value {
    with.insert(0, deed.into());
    with.resize(4, false.into());
    list(with)
}

/// A result as scripts and tests read it; of an error, `code: message`.
pub fn outcome(result: Result<Value>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{}: {}", error.code(), error.message()),
    }
}

/// A script for each language, all of which play the same part.
pub struct Players {
    /// In Lua.
    pub lua: &'static str,
    /// In JavaScript.
    pub javascript: &'static str,
    /// In Squirrel.
    pub squirrel: &'static str,
    /// In BASIC.
    pub basic: &'static str,
}

impl Players {
    /// The script in this language.
    pub fn script(&self, language: &Language) -> &'static str {
        match language.name {
            "lua" => self.lua,
            "javascript" => self.javascript,
            "squirrel" => self.squirrel,
            "basic" => self.basic,
            other => panic!("{other}: write its player beside the others"),
        }
    }

    /// A player in this language.
    pub fn player(&self, scene: &Scene, name: &str, language: &Language, thread: Option<&str>) -> ContextRef {
        scene.script(name, language, thread, self.script(language))
    }

    /// A scenario for every language. No error may be left to the program.
    pub fn every_language(&self, scenario: impl Fn(&Scene, &ContextRef)) {
        in_every_language(
            |language| self.script(language),
            |scene, a| {
                scenario(scene, a);
                scene.left_no_errors();
            },
        );
    }

    /// A scenario for every ordered pair, on threads of their own and on one. No error may be left to
    /// the program.
    pub fn every_pair(&self, scenario: impl Fn(&Scene, &ContextRef, &ContextRef)) {
        in_every_pair(
            |language| self.script(language),
            |scene, a, b| {
                scenario(scene, a, b);
                scene.left_no_errors();
            },
        );
    }
}

/// What tests do with a scene of players.
impl Scene {
    /// Plays steps, and does not wait.
    pub fn begin(&self, player: &ContextRef, steps: Value) -> Asked {
        self.world.ask(player, "play", &[steps])
    }

    /// Plays steps: what came of it.
    #[track_caller]
    pub fn play(&self, player: &ContextRef, steps: Value) -> Result<Value> {
        self.world.try_call(player, "play", &[steps])
    }

    /// Plays steps that end well.
    #[track_caller]
    pub fn done(&self, player: &ContextRef, steps: Value) -> Value {
        self.play(player, steps).unwrap_or_else(|error| panic!("{}: {error:?}", self.what))
    }

    /// A function that plays steps.
    #[track_caller]
    pub fn make(&self, player: &ContextRef, steps: Value) -> Value {
        self.world.try_call(player, "make", &[steps]).unwrap_or_else(|error| panic!("{}: {error:?}", self.what))
    }

    /// What was noted.
    pub fn told(&self) -> Vec<String> {
        self.gates.notes()
    }

    /// Waits for a note.
    #[track_caller]
    pub fn hear(&self, note: &str) {
        self.world.wait_until(note, || self.gates.notes().iter().any(|it| it == note));
    }

    /// Waits until somebody waits at a gate, for which it has suspended.
    #[track_caller]
    pub fn meet(&self, player: &ContextRef, gate: &str) {
        self.world.wait_until(gate, || self.gates.is_closed(gate));
        self.settle(player);
    }

    /// Lets many turns of this context go by.
    #[track_caller]
    pub fn turns(&self, player: &ContextRef) {
        for _ in 0..TURNS {
            self.settle(player);
        }
    }

    /// Runs it as a program, which must end by itself.
    #[track_caller]
    pub fn run(&self) {
        assert_eq!(ended(&self.world.runtime), Ended::Idle, "{}: the program ends by itself", self.what);
    }

    #[track_caller]
    fn left_no_errors(&self) {
        assert_eq!(self.world.errors(), [], "{}", self.what);
    }
}
