//! A TOML document whose every value still knows its place, so that each complaint can name key and
//! line.

use std::cell::RefCell;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::nearest;
use super::problem::{ManifestError, Place, Problem};

/// The document's text and where it lies.
pub(super) struct Document<'a> {
    pub path: &'a Path,
    pub text: &'a str,
    /// All that is wrong with it, as it is found: one complaint does not hide the next.
    problems: RefCell<Vec<ManifestError>>,
}

impl<'a> Document<'a> {
    pub(super) fn new(path: &'a Path, text: &'a str) -> Document<'a> {
        Document { path, text, problems: RefCell::default() }
    }

    /// Notes what was found wrong. What could be read goes on.
    pub(super) fn note<T>(&self, read: Result<T, ManifestError>) -> Option<T> {
        read.map_err(|error| {
            let mut problems = self.problems.borrow_mut();
            // A table's error is one of those within it.
            if !problems.contains(&error) {
                problems.push(error);
            }
        })
        .ok()
    }

    /// All that was noted, in the order of the document.
    pub(super) fn into_problems(self) -> Vec<ManifestError> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.place.map(|place| (place.line, place.column)));
        problems
    }

    pub(super) fn parse(&self) -> Result<Spanned<DeTable<'a>>, ManifestError> {
        DeTable::parse(self.text).map_err(|error| {
            let place = error.span().map(|span| self.place(span.start));
            ManifestError::new(self.path, place, Problem::Syntax(error.message().to_owned()))
        })
    }

    /// Line and column of a byte offset, both from 1; the column counts characters.
    fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = 1 + before.matches('\n').count();
        Place { line, column: 1 + before[start..].chars().count() }
    }
}

/// A value in the document and the keys that lead to it.
pub(super) struct Node<'a> {
    document: &'a Document<'a>,
    /// Dotted; empty for the whole document.
    key: String,
    offset: usize,
    value: Option<&'a DeValue<'a>>,
}

impl<'a> Node<'a> {
    /// The whole document, which is a table.
    pub(super) fn root(document: &'a Document<'a>, table: &Spanned<DeTable<'a>>) -> Node<'a> {
        Node { document, key: String::new(), offset: table.span().start, value: None }
    }

    /// A value within this one; an element of a list has no key of its own.
    pub(super) fn child<'b>(&'b self, key: &str, value: &'b Spanned<DeValue<'b>>) -> Node<'b> {
        let key = match (self.key.as_str(), key) {
            (own, "") => own.to_owned(),
            ("", key) => key.to_owned(),
            (own, key) => format!("{own}.{key}"),
        };
        Node { document: self.document, key, offset: value.span().start, value: Some(value.get_ref()) }
    }

    /// The value. The document itself, which is no value, reads as false.
    pub(super) fn value(&self) -> &DeValue<'a> {
        self.value.unwrap_or(&DeValue::Boolean(false))
    }

    /// The dotted key.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// The folder that paths are relative to.
    pub(super) fn folder(&self) -> &Path {
        self.document.path.parent().unwrap_or(Path::new(""))
    }

    /// The file that the document is.
    pub(super) fn file(&self) -> &Path {
        self.document.path
    }

    /// Where it stands.
    pub(super) fn place(&self) -> Place {
        self.document.place(self.offset)
    }

    /// Where a key of a table in the document stands.
    pub(super) fn place_of(&self, table: &DeTable<'_>, key: &str) -> Option<Place> {
        let found = table.keys().find(|known| known.get_ref() == key)?;
        Some(self.document.place(found.span().start))
    }

    /// A table's entries in the document's order.
    pub(super) fn entries<'t>(&self, table: &'t DeTable<'t>) -> Vec<(&'t str, &'t Spanned<DeValue<'t>>)> {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries.into_iter().map(|(key, value)| (key.get_ref().as_ref(), value)).collect()
    }

    /// Notes what was found wrong with something in it.
    pub(super) fn note<T>(&self, read: Result<T, ManifestError>) -> Option<T> {
        self.document.note(read)
    }

    /// What stands for all that was noted, once something was.
    pub(super) fn noted(&self) -> ManifestError {
        let problems = self.document.problems.borrow();
        problems.last().cloned().unwrap_or_else(|| self.error(Problem::Syntax("it cannot be read".into())))
    }

    /// Fails when there are keys that are not known; all of them are noted.
    pub(super) fn refuse_unknown(
        &self,
        table: &DeTable<'_>,
        known: &'static [&'static str],
    ) -> Result<(), ManifestError> {
        self.refuse_unknown_but(table, known, |_| false)
    }

    /// The same where keys with some values may have any name.
    pub(super) fn refuse_unknown_but(
        &self,
        table: &DeTable<'_>,
        known: &'static [&'static str],
        may_be_any: impl Fn(&DeValue<'_>) -> bool,
    ) -> Result<(), ManifestError> {
        let is_unknown = |key: &str, value: &DeValue<'_>| !known.contains(&key) && !may_be_any(value);
        let found = table.iter().filter(|(key, value)| is_unknown(key.get_ref(), value.get_ref()));
        let mut unknown: Vec<_> = found.map(|(key, _)| key).collect();
        unknown.sort_by_key(|key| key.span().start);
        let mut result = Ok(());
        for key in unknown {
            let problem = Problem::UnknownKey {
                key: self.child_key(key.get_ref()),
                nearest: nearest(key.get_ref(), known.iter().copied()),
                known,
            };
            let place = self.document.place(key.span().start);
            result = Err(ManifestError::new(self.document.path, Some(place), problem));
            self.note(result.clone());
        }
        result
    }

    fn child_key(&self, key: &str) -> String {
        if self.key.is_empty() { key.to_owned() } else { format!("{}.{key}", self.key) }
    }

    /// A problem at this place.
    pub(super) fn error(&self, problem: Problem) -> ManifestError {
        ManifestError::new(self.document.path, Some(self.document.place(self.offset)), problem)
    }

    /// The complaint that the value is of another type.
    pub(super) fn wrong_type(&self, wanted: &'static str) -> ManifestError {
        let found = match self.value() {
            DeValue::String(text) => format!("the string {text:?}"),
            DeValue::Integer(number) => format!("the integer {number}"),
            DeValue::Float(number) => format!("the number {number}"),
            DeValue::Boolean(it) => it.to_string(),
            DeValue::Datetime(it) => format!("the date {it}"),
            DeValue::Array(_) => "a list".into(),
            DeValue::Table(_) => "a table".into(),
        };
        self.error(Problem::WrongType { key: self.key.clone(), found, wanted })
    }
}
