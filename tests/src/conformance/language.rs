//! A language under test: its file of snippets.
//!
//! A snippet is a piece of a script that exports one function, of the name and meaning that the table
//! in `tests/conformance/README.md` says. A context's script is some snippets one after another.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use toml::Value as Toml;

/// The languages of this workspace.
const FILES: [(&str, &str); 4] = [
    ("lua", include_str!("../../conformance/languages/lua.toml")),
    ("javascript", include_str!("../../conformance/languages/javascript.toml")),
    ("squirrel", include_str!("../../conformance/languages/squirrel.toml")),
    ("basic", include_str!("../../conformance/languages/basic.toml")),
];

/// A language, as its file of snippets describes it.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Language {
    /// Its name, as `calog.self()` gives it.
    pub language: String,
    /// The extension of its scripts.
    pub extension: String,
    /// What the language does not have, and why: names of snippets, or of scenarios, which have a
    /// slash; `values/*` is all that begins so.
    #[serde(default)]
    pub not_offered: BTreeMap<String, String>,
    /// Exports whose names the language cannot choose: the wanted name, and the real one.
    #[serde(default)]
    pub exports: BTreeMap<String, String>,
    /// Pieces of scripts, by what they export.
    #[serde(default)]
    pub snippets: BTreeMap<String, String>,
    /// Pieces with holes.
    #[serde(default)]
    pub templates: BTreeMap<String, String>,
    /// How it writes each row of the table of values.
    #[serde(default)]
    pub values: BTreeMap<String, Spelling>,
    /// What cannot leave its interpreters.
    #[serde(default)]
    pub refused: Vec<Refused>,
}

/// How a language writes a row of the table of values.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Spelling {
    /// An expression that makes the value. Without, the language cannot make it.
    pub make: Option<String>,
    /// An expression that says whether `v` is it.
    pub is: String,
    /// The row that it is when it leaves: itself, or what the language cannot tell from it.
    pub home: Option<String>,
    /// The code of the error when it is to enter in strict mode; in lenient mode it enters, as
    /// `home` says.
    pub refused: Option<String>,
}

/// A value that cannot leave.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// What it is.
    pub what: String,
    /// An expression that makes it.
    pub make: String,
    /// The code of the error in strict mode.
    pub code: String,
    /// What comes out in lenient mode; without, the same error.
    pub lenient: Option<Toml>,
}

/// Why a scenario does not run in a language.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Missing {
    /// The language says that it has no such thing.
    NotOffered(String),
    /// The file lacks a snippet.
    Lacks(String),
}

impl Language {
    /// Those of this workspace.
    pub fn all() -> Vec<Language> {
        let read = |(name, text): &(&str, &str)| {
            Language::parse(text).unwrap_or_else(|error| panic!("languages/{name}.toml: {error}"))
        };
        FILES.iter().map(read).collect()
    }

    /// One of them.
    pub fn named(name: &str) -> Option<Language> {
        Language::all().into_iter().find(|it| it.language == name)
    }

    /// Reads a file of snippets.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn read(path: &Path) -> Result<Language, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Language::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn parse(text: &str) -> Result<Language, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| error.to_string())
    }

    /// Why the language says that it does not have what a scenario is about.
    pub fn why_not(&self, scenario: &str) -> Option<&str> {
        self.not_offered.iter().find(|(pattern, _)| pattern.contains('/') && covers(pattern, scenario)).map(reason)
    }

    /// Why the language says that it does not have a snippet: by its name, or by a pattern where the
    /// file has no such snippet.
    fn why_not_snippet(&self, name: &str, is_there: bool) -> Option<&str> {
        let says = |pattern: &str| if is_there { pattern == name } else { covers(pattern, name) };
        self.not_offered.iter().find(|(pattern, _)| says(pattern)).map(reason)
    }

    /// The script of a context: its snippets one after another. Every context has `answer`, if the
    /// language has it. `{b.answer}` in a snippet is what the other language calls its `answer`.
    ///
    /// # Errors
    /// The first snippet that is missing.
    pub fn script(&self, snippets: &[String], other: &Language) -> Result<String, Missing> {
        let mut pieces = Vec::new();
        if !snippets.iter().any(|it| it == "answer" || it == "nothing") {
            pieces.extend(self.snippets.get("answer").cloned());
        }
        for name in snippets.iter().filter(|it| *it != "nothing") {
            pieces.push(self.piece(name)?);
        }
        Ok(pieces.join("\n").replace("{b.answer}", other.export("answer")))
    }

    fn piece(&self, name: &str) -> Result<String, Missing> {
        let found = match name.split_once(':') {
            Some((template, native)) => self.templates.get(template).map(|text| fill_native(text, template, native)),
            None => self.snippets.get(name).cloned(),
        };
        match (self.why_not_snippet(name, found.is_some()), found) {
            (Some(why), _) => Err(Missing::NotOffered(why.to_owned())),
            (None, found) => found.ok_or_else(|| self.missing(name)),
        }
    }

    fn missing(&self, name: &str) -> Missing {
        let what = name.split_once(':').map_or(name, |(template, _)| template);
        Missing::Lacks(format!(
            "no snippet '{what}' for {}: write it, or say under [not_offered] why there is none",
            self.language
        ))
    }

    /// The name under which an export is found.
    pub fn export<'a>(&'a self, name: &'a str) -> &'a str {
        self.exports.get(name).map_or(name, String::as_str)
    }
}

/// Whether a name is meant by what `not_offered` says.
fn covers(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |prefix| name.starts_with(prefix))
}

fn reason<'a>((_, why): (&'a String, &'a String)) -> &'a str {
    why
}

/// `call2:calog.export` is a function `calog_export_2` of two parameters that calls the native.
fn fill_native(text: &str, template: &str, native: &str) -> String {
    let arity = template.trim_start_matches(|c: char| !c.is_ascii_digit());
    let name = format!("{}_{arity}", native.replace('.', "_"));
    text.replace("{name}", &name).replace("{native}", native)
}

/// Fills a template of the table of values.
pub fn fill(text: &str, name: &str, expression: &str) -> String {
    text.replace("{name}", name).replace("{expression}", expression)
}
