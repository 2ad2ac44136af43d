//! A section of `calog.toml` as its plugin reads it: each complaint names its key, by which the host
//! finds the line.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeBounds;

use crate::error::{Code, Error, Result};
use crate::value::{AggregateView, View};

/// A section: the map that an engine or a bundle is given as its configuration. Nil is an empty one.
///
/// ```
/// use calog_plugin_api::{Section, Value};
/// let config = Value::map([("port", 80_000)])?;
/// let read = |config: &Value| {
///     let section = Section::new(config.view())?;
///     let port = section.int("port", 1..=65_535)?.unwrap_or(8080);
///     section.finish()?;
///     Ok::<i64, calog_plugin_api::Error>(port)
/// };
/// assert_eq!(read(&Value::Nil)?, 8080);
/// let error = read(&config).unwrap_err();
/// assert_eq!(error.message(), "'port' is 80000, wanted an integer from 1 to 65535");
/// assert_eq!(error.key().as_deref(), Some("port"));
/// # Ok::<(), calog_plugin_api::Error>(())
/// ```
pub struct Section<'a> {
    map: Option<AggregateView<'a>>,
    /// The keys that were asked for: all others are unknown.
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    /// The section that a plugin was given.
    ///
    /// # Errors
    /// `type` when it is neither a map nor nil.
    pub fn new(config: View<'a>) -> Result<Section<'a>> {
        let map = config.as_aggregate().filter(|map| map.list_len() == 0);
        if map.is_none() && !config.is_nil() {
            return Err(Error::new(Code::Type, format!("the section is {config:?}, wanted a table")));
        }
        Ok(Section { map, known: RefCell::default() })
    }

    fn get(&self, key: &'static str) -> Option<View<'a>> {
        let mut known = self.known.borrow_mut();
        if !known.contains(&key) {
            known.push(key);
        }
        self.map.and_then(|map| map.get(key)).filter(|value| !value.is_nil())
    }

    /// What a reader makes of the value of a key.
    fn read<T>(
        &self,
        key: &'static str,
        wanted: impl Display,
        of: impl Fn(View<'a>) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let wrong = || Error::new(Code::Type, format!("'{key}' is {value:?}, wanted {wanted}")).at_key(key);
        of(value).map(Some).ok_or_else(wrong)
    }

    /// A text.
    ///
    /// # Errors
    /// `type` when it is none; here and below with the key.
    pub fn text(&self, key: &'static str) -> Result<Option<&'a str>> {
        self.read(key, "a string", |value| value.as_str())
    }

    /// Yes or no.
    ///
    /// # Errors
    /// `type` when it is neither.
    pub fn flag(&self, key: &'static str) -> Result<Option<bool>> {
        self.read(key, "true or false", |value| value.as_bool())
    }

    /// An integer within these bounds.
    ///
    /// # Errors
    /// `type` when it is none or outside of them.
    pub fn int(&self, key: &'static str, bounds: impl RangeBounds<i64>) -> Result<Option<i64>> {
        self.read(key, wanted_int(&bounds), |value| value.as_int().filter(|number| bounds.contains(number)))
    }

    /// Texts.
    ///
    /// # Errors
    /// `type` when it is no list of them.
    pub fn texts(&self, key: &'static str) -> Result<Option<Vec<&'a str>>> {
        let texts = |value: View<'a>| {
            let list = value.as_aggregate().filter(|list| list.pairs().next().is_none())?;
            list.elements().map(|it| it.as_str()).collect()
        };
        self.read(key, "a list of strings", texts)
    }

    /// Any value.
    pub fn value(&self, key: &'static str) -> Option<View<'a>> {
        self.get(key)
    }

    /// Refuses whatever was not asked for.
    ///
    /// # Errors
    /// `not_found` for the first key that nothing has read, with the keys that are known.
    pub fn finish(&self) -> Result<()> {
        let known = self.known.borrow();
        let mut keys = self.map.into_iter().flat_map(AggregateView::pairs).map(|pair| pair.key);
        let Some(key) = keys.find(|key| !key.as_str().is_some_and(|key| known.contains(&key))) else { return Ok(()) };
        let key = key.as_str().map_or_else(|| format!("{key:?}"), str::to_owned);
        let known = if known.is_empty() {
            "nothing can be set here".into()
        } else {
            format!("known here: {}", known.join(", "))
        };
        Err(Error::new(Code::NotFound, format!("unknown key '{key}'; {known}")).at_key(&key))
    }
}

fn wanted_int(bounds: &impl RangeBounds<i64>) -> String {
    use std::ops::Bound::{Excluded, Included, Unbounded};
    let from = match bounds.start_bound() {
        Included(from) => format!(" from {from}"),
        Excluded(from) => format!(" above {from}"),
        Unbounded => String::new(),
    };
    let to = match bounds.end_bound() {
        Included(to) => format!(" to {to}"),
        Excluded(to) => format!(" below {to}"),
        Unbounded => String::new(),
    };
    format!("an integer{from}{to}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    fn config() -> Value {
        let hosts = Value::list(["a", "b"]).expect("a list");
        Value::map([("port", Value::Int(80)), ("host", "x".into()), ("fast", true.into()), ("hosts", hosts)])
            .expect("a map")
    }

    #[test]
    fn what_is_there_is_read_and_what_is_not_is_none() {
        let config = config();
        let section = Section::new(config.view()).expect("a section");
        assert_eq!(section.int("port", 1..), Ok(Some(80)));
        assert_eq!(section.text("host"), Ok(Some("x")));
        assert_eq!(section.flag("fast"), Ok(Some(true)));
        assert_eq!(section.texts("hosts"), Ok(Some(vec!["a", "b"])));
        assert_eq!((section.int("none", ..), section.value("nothing").is_none()), (Ok(None), true));
        assert_eq!(section.finish(), Ok(()));
        let empty = Section::new(View::NIL).expect("nil is an empty one");
        assert_eq!((empty.flag("fast"), empty.finish()), (Ok(None), Ok(())));
    }

    #[test]
    fn each_complaint_names_its_key() {
        let config = config();
        let section = Section::new(config.view()).expect("a section");
        for (error, message) in [
            (section.int("port", 100..).map(drop), "'port' is 80, wanted an integer from 100"),
            (section.int("host", ..).map(drop), "'host' is \"x\", wanted an integer"),
            (section.int("port", 1..80).map(drop), "'port' is 80, wanted an integer from 1 below 80"),
            (section.text("port").map(drop), "'port' is 80, wanted a string"),
            (section.flag("host").map(drop), "'host' is \"x\", wanted true or false"),
            (section.texts("host").map(drop), "'host' is \"x\", wanted a list of strings"),
            (section.finish(), "unknown key 'fast'; known here: port, host"),
        ] {
            let error = error.expect_err(message);
            assert!(error.message().starts_with(message.split("; known").next().expect("a part")), "{error}");
            let key = error.key().expect("a key").into_owned();
            assert!(error.message().contains(&format!("'{key}'")), "{error}");
        }
        let nothing = Section::new(config.view()).expect("a section").finish().expect_err("keys that nobody reads");
        assert_eq!(nothing.message(), "unknown key 'port'; nothing can be set here");
        let wrong = Section::new(View::int(3)).err().expect("an error");
        assert_eq!(wrong.message(), "the section is 3, wanted a table");
    }
}
