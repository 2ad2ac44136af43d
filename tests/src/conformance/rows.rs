//! The table of values: each row goes into every language and comes out again, and goes from each
//! language to each.
//!
//! A language's file says of each row how it makes the value, how it knows it, and which row it is when
//! it comes home: itself, or what the language cannot tell from it.

use std::collections::BTreeMap;

use calog::{Error, SearchPath};
use calog_plugin_api::{Function, Value};
use serde::Deserialize;
use toml::Value as Toml;

use super::language::{Language, Spelling, fill};
use super::notation::{brief, same, value};
use super::scenario::Threads;
use super::stage::{Combination, Stage};
use super::verdict::{Line, Verdict};
use super::{Orders, pairs};

const FILE: &str = include_str!("../../conformance/values.toml");

/// A row of the table.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// The value.
    pub value: Toml,
    /// It is no row of its own, but what another is when it comes home.
    #[serde(default)]
    pub only_home: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    row: Vec<Row>,
}

impl Row {
    /// All of them.
    pub fn all() -> Vec<Row> {
        let file: File = toml::from_str(FILE).unwrap_or_else(|error| panic!("values.toml: {error}"));
        file.row
    }
}

impl Language {
    /// How it writes a row.
    fn spelling(&self, row: &str) -> Result<&Spelling, Verdict> {
        self.values.get(row).ok_or_else(|| match self.why_not(&format!("values/{row}")) {
            Some(why) => Verdict::NotOffered(why.to_owned()),
            None => Verdict::Failed(format!("no [values.{row}] for {}", self.language)),
        })
    }

    /// The row that a row is when it comes home.
    fn home<'a>(&'a self, row: &'a str) -> &'a str {
        self.values.get(row).and_then(|spelling| spelling.home.as_deref()).unwrap_or(row)
    }

    fn template(&self, name: &str) -> Option<&str> {
        self.templates.get(name).map(String::as_str)
    }

    /// A script with a function for everything that is asked of each row.
    fn values_script(&self) -> String {
        let mut pieces = vec![self.snippets.get("echo").cloned().unwrap_or_default()];
        pieces.extend(self.template("describe").map(str::to_owned));
        for (row, spelling) in &self.values {
            pieces.extend(self.template("is").map(|text| fill(text, row, &spelling.is)));
            let make = spelling.make.as_deref();
            pieces.extend(make.zip(self.template("make")).map(|(make, text)| fill(text, row, make)));
            pieces.extend(make.zip(self.template("send")).map(|(make, text)| fill(text, row, make)));
        }
        for (index, refused) in self.refused.iter().enumerate() {
            let name = format!("refused_{index}");
            pieces.extend(self.template("make").map(|text| fill(text, &name, &refused.make)));
        }
        pieces.join("\n")
    }
}

/// A stage with a context for the values of each language.
pub(super) struct Values {
    pub(super) stage: Stage,
    rows: BTreeMap<String, Row>,
}

impl Values {
    /// One with two contexts; the second is there for pairs.
    pub(super) fn new(search: &SearchPath, with: Combination<'_>, lenient: bool) -> Result<Values, String> {
        let mut stage = Stage::empty(search);
        let native = Function::new("kit.function", || 42).build().map_err(|error| error.to_string())?;
        let function = stage.world.runtime.handle().callable(&native).map_err(|error| error.to_string())?;
        stage.save("function", function.into());
        stage.save("box", Value::Object(stage.props.object("box")));
        for (name, language) in [("a", with.a), ("b", with.b)] {
            stage.add(name, language, language.values_script(), with.shared, lenient);
            stage.load(name)?.map_err(|error| format!("the script of '{name}': {error:?}"))?;
        }
        let rows = Row::all().into_iter().map(|row| (row.name.clone(), row)).collect();
        Ok(Values { stage, rows })
    }

    pub(super) fn value(&self, row: &str) -> Result<Value, String> {
        let found = self.rows.get(row).ok_or_else(|| format!("there is no row '{row}'"))?;
        value(&found.value, &self.stage)
    }

    /// Calls an export of one of the contexts.
    pub(super) fn call(&self, path: &str, args: &[Value]) -> Result<Result<Value, Error>, String> {
        let asked = self.stage.ask(path, &self.stage.world.info(), args)?;
        self.stage.answer(&asked)
    }

    fn expect(&self, what: &str, result: Result<Value, Error>, wanted: &Value) -> Result<(), String> {
        match result {
            Ok(found) if same(found.view(), wanted.view()) => Ok(()),
            Ok(found) => Err(brief(&format!("{what}: wanted {wanted:?}, got {found:?}"))),
            Err(error) => Err(brief(&format!("{what}: {error:?}"))),
        }
    }

    fn refuses(&self, what: &str, result: Result<Value, Error>, code: &str) -> Result<(), String> {
        match result {
            Err(error) if error.code().word() == code => Ok(()),
            other => Err(brief(&format!("{what}: wanted an error '{code}', got {other:?}"))),
        }
    }

    /// A value enters, is known there, and comes home; the language makes it, and it leaves.
    fn one(&self, row: &str, language: &Language) -> Result<(), String> {
        let spelling = &language.values[row];
        let given = self.value(row)?;
        if let Some(code) = &spelling.refused {
            return self.refuses("it enters", self.call("a.echo", std::slice::from_ref(&given))?, code);
        }
        let known = self.call(&format!("a.is_{row}"), std::slice::from_ref(&given))?;
        self.expect(&format!("it enters: {}", spelling.is), known, &Value::Bool(true))?;
        let home = self.value(language.home(row))?;
        self.expect("it comes home", self.call("a.echo", &[given])?, &home)?;
        match &spelling.make {
            Some(make) => self.expect(&format!("{make} leaves"), self.call(&format!("a.make_{row}"), &[])?, &home),
            None => Ok(()),
        }
    }

    /// A value goes from one language to the other, is known there, and comes back.
    fn two(&self, row: &str, a: &Language, b: &Language) -> Result<(), String> {
        let sent = a.home(row);
        let send = format!("a.send_{row}");
        let sends = |to: &str| self.call(&send, &[self.stage.exported(to)?]);
        if let Some(code) = b.values.get(sent).and_then(|it| it.refused.as_ref()) {
            return self.refuses("it is sent", sends("b.echo")?, code);
        }
        if b.values.contains_key(sent) {
            let known = sends(&format!("b.is_{sent}"))?;
            self.expect("it is known", known, &Value::Bool(true))?;
        }
        let back = b.home(sent);
        match a.values.get(back).and_then(|it| it.refused.as_ref()) {
            Some(code) => self.refuses("it comes back", sends("b.echo")?, code),
            None => self.expect("it comes back", sends("b.echo")?, &self.value(a.home(back))?),
        }
    }
}

/// Sends every row into a language and back, and to each of its peers and back.
pub fn run_values(search: &SearchPath, subject: &Language, peers: &[Language], orders: Orders) -> Vec<Line> {
    let rows: Vec<Row> = Row::all().into_iter().filter(|row| !row.only_home).collect();
    let mut lines: Vec<Line> = rows.iter().map(|row| Line::of(&format!("values/{}", row.name))).collect();
    for (a, b) in pairs(subject, peers, orders) {
        for &shared in Threads::Both.choices() {
            let with = Combination { a, b, shared, pair: true };
            add_pair(search, with, &rows, &mut lines);
        }
    }
    lines
}

fn add_pair(search: &SearchPath, with: Combination<'_>, rows: &[Row], lines: &mut [Line]) {
    let values = Values::new(search, with, false);
    for (row, line) in rows.iter().zip(lines) {
        let verdict = match &values {
            Ok(values) => judge(values, &row.name, with),
            Err(reason) => Verdict::Failed(reason.clone()),
        };
        line.add(&with.to_string(), verdict);
    }
}

fn judge(values: &Values, row: &str, with: Combination<'_>) -> Verdict {
    let made = match with.a.spelling(row) {
        Ok(spelling) => spelling.make.is_some() && spelling.refused.is_none(),
        Err(verdict) => return verdict,
    };
    if let Err(verdict) = with.b.spelling(row) {
        return verdict;
    }
    let one = values.one(row, with.a);
    let both = one.and_then(|()| if made { values.two(row, with.a, with.b) } else { Ok(()) });
    both.map_or_else(Verdict::Failed, |()| Verdict::Passed)
}
