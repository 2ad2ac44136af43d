//! The languages as data: each has an actor, a script that exports the same functions in all of them,
//! so that one scenario runs on every engine, and on every ordered pair.

use calog::{ContextRef, Open};
use calog_plugin_api::Value;

use crate::{Gates, World};

/// A language under test. An engine that is added adds one of these, and its actor.
pub struct Language {
    /// Its name, as errors and lists show it.
    pub name: &'static str,
    /// Of its scripts.
    pub extension: &'static str,
    /// What the scenarios call: see the scripts themselves.
    pub actor: &'static str,
    /// The members of the actor's `overflow`: ways to use up the stack.
    pub overflows: &'static [&'static str],
}

/// All of them.
pub const LANGUAGES: [Language; 4] = [
    Language {
        name: "lua",
        extension: "lua",
        actor: include_str!("actor/actor.lua"),
        overflows: &[
            "plain",
            "compare",
            "replace",
            "protected",
            "coroutine",
            "metamethod",
            "tostring",
            "parse",
            "pattern",
            "handler",
        ],
    },
    Language {
        name: "javascript",
        extension: "js",
        actor: include_str!("actor/actor.js"),
        overflows: &[
            "plain",
            "compare",
            "replace",
            "caught",
            "getter",
            "proxy",
            "text",
            "json",
            "json_deep",
            "json_parse",
            "parse",
            "pattern",
            "apply",
            "construct",
            "generator",
        ],
    },
    Language {
        name: "squirrel",
        extension: "nut",
        actor: include_str!("actor/actor.nut"),
        overflows: &[
            "plain",
            "compare",
            "map",
            "metamethod",
            "tostring",
            "arithmetic",
            "construct",
            "thread",
            "acall",
            "caught",
            "generator",
            "parse",
        ],
    },
    Language {
        name: "basic",
        extension: "bas",
        actor: include_str!("actor/actor.bas"),
        overflows: &[
            "plain",
            "mutual",
            "caught",
            "lambda",
            "compare",
            "hash",
            "to_string",
            "get",
            "iterator",
            "method",
            "calls",
            "value",
        ],
    },
];

/// Two contexts on threads of their own, and on one thread.
pub const THREADS: [Option<&str>; 2] = [None, Some("shared")];

/// A runtime with gates, of which a scenario opens its actors.
pub struct Scene {
    /// The runtime.
    pub world: World,
    /// What scripts wait for.
    pub gates: Gates,
    /// Which languages and threads, for messages.
    pub what: String,
}

impl Scene {
    /// One for this combination.
    pub fn new(what: impl Into<String>) -> Scene {
        let gates = Gates::default();
        let world = World::with(|builder| gates.add_to(builder));
        Scene { world, gates, what: what.into() }
    }

    /// One for this combination, which is shown when the scenario fails.
    fn shown(what: impl Into<String>) -> Scene {
        let scene = Scene::new(what);
        println!("{}", scene.what);
        scene
    }

    /// Opens an actor.
    pub fn actor(&self, name: &str, language: &Language, thread: Option<&str>) -> ContextRef {
        self.script(name, language, thread, language.actor)
    }

    /// Opens another script, and waits until its main chunk has run.
    pub fn script(&self, name: &str, language: &Language, thread: Option<&str>, text: &str) -> ContextRef {
        let context = self.start(name, language, thread, text);
        self.world.runtime.wait_for(&context).unwrap_or_else(|error| panic!("{}: {name}: {error:?}", self.what));
        context
    }

    /// Opens another script, and does not wait.
    pub fn start(&self, name: &str, language: &Language, thread: Option<&str>, text: &str) -> ContextRef {
        let path = self.world.write(&format!("{name}.{}", language.extension), text);
        let open = Open::file(path).name(name);
        let open = thread.into_iter().fold(open, Open::thread);
        self.world.runtime.open(open).unwrap_or_else(|error| panic!("{}: {name}: {error:?}", self.what))
    }

    /// Everything that was started by now on this context's thread has got as far as it gets: to a
    /// wait, suspended or in place, or to its end. A call of its own went through the same mailbox.
    #[track_caller]
    pub fn settle(&self, context: &ContextRef) {
        let sum = self.world.try_call(context, "add", &[20.into(), 22.into()]);
        assert_eq!(sum, Ok(Value::Int(42)), "{}: {} serves calls", self.what, context.name());
    }
}

/// Runs a scenario for every language, with one actor.
pub fn every_language(scenario: impl Fn(&Scene, &ContextRef)) {
    in_every_language(|language| language.actor, scenario);
}

/// Runs a scenario for every ordered pair of languages, on threads of their own and on one thread.
pub fn every_pair(scenario: impl Fn(&Scene, &ContextRef, &ContextRef)) {
    in_every_pair(|language| language.actor, scenario);
}

/// The same with this script of each language.
pub(crate) fn in_every_language(script: impl Fn(&Language) -> &'static str, scenario: impl Fn(&Scene, &ContextRef)) {
    for language in &LANGUAGES {
        let scene = Scene::shown(language.name);
        let a = scene.script("a", language, None, script(language));
        scenario(&scene, &a);
    }
}

/// The same with this script of each language.
pub(crate) fn in_every_pair(
    script: impl Fn(&Language) -> &'static str,
    scenario: impl Fn(&Scene, &ContextRef, &ContextRef),
) {
    for one in &LANGUAGES {
        for other in &LANGUAGES {
            for thread in THREADS {
                let scene = Scene::shown(format!("{} and {} on {thread:?}", one.name, other.name));
                let [a, b] = [("a", one), ("b", other)]
                    .map(|(name, language)| scene.script(name, language, thread, script(language)));
                scenario(&scene, &a, &b);
            }
        }
    }
}

/// A function that a context exports.
pub fn function(context: &ContextRef, name: &str) -> Value {
    context.export(name).unwrap_or_else(|| panic!("{} exports {name}", context.name()))
}

/// A field of a map.
pub fn field(value: &Value, key: &str) -> Value {
    value.view().field(key).to_value()
}
