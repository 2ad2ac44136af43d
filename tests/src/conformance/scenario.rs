//! Scenarios as data: which contexts with which snippets, and what happens step by step.

use serde::{Deserialize, Deserializer, de};
use toml::Value as Toml;

/// The scenarios of the kit, a file for each subject.
const FILES: [(&str, &str); 12] = [
    ("broker", include_str!("../../conformance/scenarios/broker.toml")),
    ("calls", include_str!("../../conformance/scenarios/calls.toml")),
    ("closing", include_str!("../../conformance/scenarios/closing.toml")),
    ("errors", include_str!("../../conformance/scenarios/errors.toml")),
    ("functions", include_str!("../../conformance/scenarios/functions.toml")),
    ("identity", include_str!("../../conformance/scenarios/identity.toml")),
    ("limits", include_str!("../../conformance/scenarios/limits.toml")),
    ("loading", include_str!("../../conformance/scenarios/loading.toml")),
    ("modules", include_str!("../../conformance/scenarios/modules.toml")),
    ("natives", include_str!("../../conformance/scenarios/natives.toml")),
    ("objects", include_str!("../../conformance/scenarios/objects.toml")),
    ("waiting", include_str!("../../conformance/scenarios/waiting.toml")),
];

/// One thing that every engine does.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its subject and name: `calls/arguments`.
    pub name: String,
    /// What it shows.
    pub shows: String,
    /// The snippets of the context `a`.
    pub a: Vec<String>,
    /// Those of the context `b`, of the other language: where two sides matter.
    #[serde(default)]
    pub b: Vec<String>,
    /// Those of a further context, of `a`'s language.
    #[serde(default)]
    pub c: Vec<String>,
    /// The contexts that are not opened at first.
    #[serde(default)]
    pub later: Vec<String>,
    /// On which threads the contexts are.
    #[serde(default)]
    pub threads: Threads,
    /// The contexts are lenient.
    #[serde(default)]
    pub lenient: bool,
    /// Contexts that scripts open, and whose error may reach the program before they ask for it.
    #[serde(default)]
    pub may_report: Vec<String>,
    /// What happens.
    pub steps: Vec<Step>,
}

/// On which threads the contexts of a scenario are.
#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
pub enum Threads {
    /// It is run on threads of their own, and once more on one that they share.
    #[default]
    Both,
    /// Each on its own.
    Own,
    /// All on one.
    Shared,
}

/// The file of one subject.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    scenario: Vec<Scenario>,
}

impl Scenario {
    /// All of the kit's.
    pub fn all() -> Vec<Scenario> {
        FILES.iter().flat_map(|(subject, text)| Scenario::of(subject, text)).collect()
    }

    fn of(subject: &str, text: &str) -> Vec<Scenario> {
        let file: Subject = toml::from_str(text).unwrap_or_else(|error| panic!("scenarios/{subject}.toml: {error}"));
        let named = |mut scenario: Scenario| {
            scenario.name = format!("{subject}/{}", scenario.name);
            scenario
        };
        file.scenario.into_iter().map(named).collect()
    }

    /// Whether a second language takes part.
    pub fn is_of_two(&self) -> bool {
        !self.b.is_empty()
    }
}

/// What must come of something.
#[derive(Clone, Default, Deserialize, Debug)]
pub struct Outcome {
    /// The value.
    pub gives: Option<Toml>,
    /// The error.
    pub fails: Option<Fails>,
}

/// An error that is wanted.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Fails {
    /// Its code, or one of several.
    pub code: Codes,
    /// What its message has in it.
    #[serde(default)]
    pub says: Vec<String>,
    /// Frames of its trace, innermost first; there may be more between.
    #[serde(default)]
    pub trace: Vec<FrameLike>,
    /// The value that was thrown.
    pub thrown: Option<Toml>,
}

/// One code, or several of which each will do.
#[derive(Clone, Deserialize, Debug)]
#[serde(untagged)]
pub enum Codes {
    /// This one.
    One(String),
    /// One of these.
    AnyOf(Vec<String>),
}

impl Codes {
    /// Whether this code is among them.
    pub fn have(&self, code: &str) -> bool {
        match self {
            Codes::One(one) => one == code,
            Codes::AnyOf(all) => all.iter().any(|one| one == code),
        }
    }
}

/// A frame that is wanted in a trace.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct FrameLike {
    /// The context whose code it is, in whose language and file. A frame need not name it.
    pub context: String,
    /// The line with this text in it.
    pub at: Option<String>,
}

/// One step.
#[derive(Clone, Debug)]
pub enum Step {
    /// Calls an export and waits for its answer.
    Call(Call),
    /// Calls an export and does not wait; the answer is asked for later, by a name.
    Start(Start),
    /// The answer of a call that was started.
    Answers(Answers),
    /// A call that was started has no answer yet.
    Pending(String),
    /// Waits until somebody waits at this gate.
    WaitsAt(String),
    /// Opens a gate.
    Opens(Opens),
    /// Cancels who waits at a gate.
    Cancels(String),
    /// Opens a context that was left for later, and waits until its main chunk has run.
    Loads(Loads),
    /// Opens one and does not wait.
    Begins(String),
    /// Closes a context, which is then gone.
    Closes(String),
    /// A context is served: it answers at once.
    Alive(String),
    /// What a context exports, without a call.
    Exports(Exports),
    /// All that was printed so far.
    Prints(String),
    /// What was noted so far.
    Noted(Vec<String>),
    /// Waits until this was noted.
    UntilNoted(String),
    /// The errors that reached nobody but the program.
    Reports(Vec<Report>),
    /// Saves an Object of the kit's, under its name.
    Holds(String),
    /// Forgets a saved answer.
    Forgets(String),
    /// So many of the kit's Objects are gone.
    Dropped(usize),
    /// Runs as a program, to its end.
    Runs(Runs),
}

/// Calls an export and waits for its answer.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Which: `a.add`.
    pub call: String,
    /// With what.
    #[serde(default)]
    pub args: Vec<Toml>,
    /// Milliseconds until its deadline.
    pub within: Option<u64>,
    /// The value it must give.
    pub gives: Option<Toml>,
    /// The error it must fail with.
    pub fails: Option<Fails>,
    /// Saves the answer.
    #[serde(rename = "as")]
    pub name: Option<String>,
}

/// Calls an export and does not wait.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Which.
    pub start: String,
    /// With what.
    #[serde(default)]
    pub args: Vec<Toml>,
    /// Under which name it is asked for.
    #[serde(rename = "as")]
    pub name: String,
}

/// The answer of a call that was started.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// Of which.
    pub answers: String,
    /// The value it must give.
    pub gives: Option<Toml>,
    /// The error it must fail with.
    pub fails: Option<Fails>,
}

/// Opens a gate.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Opens {
    /// Which.
    pub opens: String,
    /// With what.
    pub with: Option<Toml>,
}

/// Opens a context and waits for its main chunk.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Loads {
    /// Which.
    pub loads: String,
    /// The value of its main chunk.
    pub gives: Option<Toml>,
    /// The error of its main chunk.
    pub fails: Option<Fails>,
}

/// What a context exports.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Exports {
    /// Which: `a.x`.
    pub exports: String,
    /// The value.
    pub gives: Toml,
    /// Saves it.
    #[serde(rename = "as")]
    pub name: Option<String>,
}

/// An error that reached the program.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Of which context.
    pub context: String,
    /// Its code.
    pub code: String,
}

/// How a program ends.
#[derive(Clone, PartialEq, Eq, Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
pub enum Runs {
    /// Nothing is left to do.
    Idle,
    /// Something asked it to end.
    Exit(i32),
    /// So many wait for what cannot come.
    Stuck(usize),
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Step, D::Error> {
        let table = toml::Table::deserialize(deserializer)?;
        read_step(table).map_err(de::Error::custom)
    }
}

/// Reads a step by the word that says what it does.
fn read_step(table: toml::Table) -> Result<Step, String> {
    macro_rules! step {
        ($(whole $word:literal $step:ident,)* $(just $other:literal $of:ident,)*) => {
            $(if table.contains_key($word) { return read(table.clone()).map(Step::$step); })*
            $(if let Some(of) = table.get($other) {
                return match table.len() {
                    1 => of.clone().try_into().map(Step::$of).map_err(|error| format!("{table}: {error}")),
                    _ => Err(format!("{table}: '{}' stands alone", $other)),
                };
            })*
        };
    }
    step! {
        whole "call" Call,
        whole "start" Start,
        whole "answers" Answers,
        whole "opens" Opens,
        whole "loads" Loads,
        whole "exports" Exports,
        just "pending" Pending,
        just "waits_at" WaitsAt,
        just "cancels" Cancels,
        just "begins" Begins,
        just "closes" Closes,
        just "alive" Alive,
        just "prints" Prints,
        just "noted" Noted,
        just "until_noted" UntilNoted,
        just "reports" Reports,
        just "holds" Holds,
        just "forgets" Forgets,
        just "dropped" Dropped,
        just "runs" Runs,
    }
    Err(format!("{table}: no step begins so"))
}

fn read<T: for<'de> Deserialize<'de>>(table: toml::Table) -> Result<T, String> {
    let text = table.to_string();
    table.try_into().map_err(|error| format!("{text}: {error}"))
}
