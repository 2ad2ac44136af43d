//! The page that says what becomes of values: made from what the engines do, so that it cannot lie.

use std::fmt::Write;

use calog::{Error, SearchPath};
use calog_plugin_api::Value;

use super::language::Language;
use super::notation::same;
use super::rows::{Row, Values};
use super::stage::Combination;

const BEFORE: &str = "\
# Fidelity

What becomes of a value that goes into a language and comes out again. This page is written by the
conformance kit from what the engines do:
`CALOG_WRITE=1 cargo test -p calog-tests --test conformance fidelity` writes it, and the tests compare it.

A cell says what the language sees, in its own word for the type. Behind an arrow is what comes out
again, where that is something else.

";

/// What becomes of a row in a language.
#[derive(Clone, PartialEq)]
enum Fate {
    /// What the language calls it, and what comes home if it is something else.
    Enters(String, Option<String>),
    /// The code of the error.
    Refused(String),
}

impl Fate {
    fn cell(&self) -> String {
        match self {
            Fate::Enters(seen, None) => seen.clone(),
            Fate::Enters(seen, Some(home)) => format!("{seen} → `{home}`"),
            Fate::Refused(code) => format!("error `{code}`"),
        }
    }
}

/// The page.
///
/// # Errors
/// When a language could not be asked.
pub fn page(search: &SearchPath, languages: &[Language]) -> Result<String, String> {
    let strict = ask_all(search, languages, false)?;
    let lenient = ask_all(search, languages, true)?;
    let rows: Vec<Row> = Row::all().into_iter().filter(|row| !row.only_home).collect();
    let mut page = BEFORE.to_owned();
    write_in(&mut page, "Strict mode", languages, &rows, &strict, |_| true);
    page.push('\n');
    write_in(&mut page, "Lenient mode, where it differs", languages, &rows, &lenient, |row| {
        strict[row] != lenient[row]
    });
    page.push('\n');
    write_out(&mut page, search, languages)?;
    Ok(page)
}

fn heading(page: &mut String, title: &str, columns: &[&str]) {
    let _ = writeln!(page, "## {title}\n\n| {} |\n|{}", columns.join(" | "), " --- |".repeat(columns.len()));
}

/// Writes what becomes of the values that enter.
fn write_in(
    page: &mut String,
    title: &str,
    languages: &[Language],
    rows: &[Row],
    fates: &[Vec<Fate>],
    wanted: impl Fn(usize) -> bool,
) {
    let mut columns = vec!["value"];
    columns.extend(languages.iter().map(|language| language.language.as_str()));
    heading(page, title, &columns);
    for (index, row) in rows.iter().enumerate().filter(|(index, _)| wanted(*index)) {
        let cells: Vec<String> = fates[index].iter().map(Fate::cell).collect();
        let _ = writeln!(page, "| {} | {} |", row.name.replace('_', " "), cells.join(" | "));
    }
}

/// Writes what cannot leave.
fn write_out(page: &mut String, search: &SearchPath, languages: &[Language]) -> Result<(), String> {
    heading(page, "What cannot leave", &["language", "value", "strict mode", "lenient mode"]);
    for language in languages {
        let modes = [false, true].map(|lenient| alone(search, language, lenient));
        let [strict, lenient] = modes;
        let (strict, lenient) = (strict?, lenient?);
        for (index, refused) in language.refused.iter().enumerate() {
            let leaves = |values: &Values| -> Result<String, String> {
                Ok(match values.call(&format!("a.make_refused_{index}"), &[])? {
                    Ok(value) => format!("`{value:?}`"),
                    Err(error) => format!("error `{}`", error.code()),
                })
            };
            let (strict, lenient) = (leaves(&strict)?, leaves(&lenient)?);
            let _ = writeln!(page, "| {} | {} | {strict} | {lenient} |", language.language, refused.what);
        }
    }
    Ok(())
}

fn alone(search: &SearchPath, language: &Language, lenient: bool) -> Result<Values, String> {
    Values::new(search, Combination { a: language, b: language, shared: true, pair: false }, lenient)
}

/// For each row what becomes of it in each language.
fn ask_all(search: &SearchPath, languages: &[Language], lenient: bool) -> Result<Vec<Vec<Fate>>, String> {
    let stages: Result<Vec<Values>, String> = languages.iter().map(|it| alone(search, it, lenient)).collect();
    let stages = stages?;
    let rows = Row::all().into_iter().filter(|row| !row.only_home);
    rows.map(|row| stages.iter().map(|values| ask(values, &row.name)).collect()).collect()
}

fn ask(values: &Values, row: &str) -> Result<Fate, String> {
    let given = values.value(row)?;
    let refused = |error: Error| Fate::Refused(error.code().word().to_owned());
    let seen = match values.call("a.describe", std::slice::from_ref(&given))? {
        Ok(seen) => seen.view().as_str().unwrap_or_default().to_owned(),
        Err(error) => return Ok(refused(error)),
    };
    Ok(match values.call("a.echo", std::slice::from_ref(&given))? {
        Ok(home) => Fate::Enters(seen, (!same(home.view(), given.view())).then(|| shown(&home))),
        Err(error) => refused(error),
    })
}

/// A value as the page shows it: a real is seen to be one.
fn shown(value: &Value) -> String {
    format!("{value:?}").replace('|', "\\|")
}

/// What of the values that cannot leave is not as the languages' files say.
///
/// # Errors
/// When the language could not be asked.
pub fn check_refused(search: &SearchPath, language: &Language) -> Result<Vec<String>, String> {
    let (strict, lenient) = (alone(search, language, false)?, alone(search, language, true)?);
    let mut wrong = Vec::new();
    for (index, refused) in language.refused.iter().enumerate() {
        let export = format!("a.make_refused_{index}");
        let is_refused =
            |result: &calog::Result<Value>| result.as_ref().is_err_and(|error| error.code().word() == refused.code);
        let found = strict.call(&export, &[])?;
        if !is_refused(&found) {
            wrong.push(format!("{}: wanted an error '{}', got {found:?}", refused.what, refused.code));
        }
        let found = lenient.call(&export, &[])?;
        let as_wanted = match &refused.lenient {
            None => is_refused(&found),
            Some(wanted) => {
                let wanted = super::notation::value(wanted, &lenient.stage)?;
                found.as_ref().is_ok_and(|found| same(found.view(), wanted.view()))
            }
        };
        if !as_wanted {
            wrong.push(format!("{} in lenient mode: wanted {:?}, got {found:?}", refused.what, refused.lenient));
        }
    }
    Ok(wrong)
}
