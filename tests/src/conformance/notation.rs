//! Values as scenarios write them, in TOML, and what an answer must be like.
//!
//! TOML's own values are themselves: a table is a map with string keys. What TOML cannot say is a
//! table with one key that begins with `_`:
//!
//! ```toml
//! { _nil = true }                               # nil
//! { _bytes = "00ff" }                           # a string marked as bytes, in hexadecimal
//! { _raw = "00ff" }                             # a string of any bytes without that mark
//! { _map = [[1, "one"], [2.5, "more"]] }        # a map with any keys, in this order
//! { _mixed = { list = [1, 2], pairs = [["n", 3]] } }
//! { _nested = 128 }                             # an empty list in a list in ..., so many levels
//! { _text = "ab", times = 1000 }                # a long string
//! { _range = 1000 }                             # the list 0, 1, ..., 999
//! { _export = "b.add" }                         # what a context exports
//! { _saved = "f" }                              # an answer that was saved
//! { _object = "box" }                           # an Object of the kit's own, by its name
//! { _file = "b" }                               # the file name of a context's script
//! { _language = "a" }                           # the name of a context's language
//! ```
//!
//! A wanted answer may also be one of these:
//!
//! ```toml
//! { _any = true }                               # whatever it is
//! { _kind = "function" }                        # something of this kind
//! { _has = { code = "depth" } }                 # a map with at least this
//! { _contains = "text" }                        # a string with this in it
//! { _from = 1, to = 40 }                        # an int within these bounds
//! { _one_of = ["depth", "limit"] }              # one of these
//! { _first = { _has = { line = 3 } } }          # a list whose first element is so
//! ```
//!
//! These may be inside of tables and arrays, too.

use calog_plugin_api::{Builder, Shape, Value, View};
use toml::{Table, Value as Toml};

/// What names in a scenario stand for.
pub trait Names {
    /// What a context exports: `b.add`.
    fn export(&self, path: &str) -> Result<Value, String>;
    /// An answer that was saved.
    fn saved(&self, name: &str) -> Result<Value, String>;
    /// An Object of the kit's.
    fn object(&self, name: &str) -> Value;
    /// The file name of a context's script.
    fn file(&self, name: &str) -> Result<Value, String>;
    /// The name of a context's language.
    fn language(&self, name: &str) -> Result<Value, String>;
}

/// The tag of a table that stands for something else, with what it is of.
fn tag(table: &Table) -> Option<(&str, &Toml)> {
    table.iter().find(|(key, _)| key.starts_with('_')).map(|(key, of)| (key.as_str(), of))
}

/// The value that is written so.
///
/// # Errors
/// What was found and what was wanted.
pub fn value(toml: &Toml, names: &dyn Names) -> Result<Value, String> {
    match toml {
        Toml::Integer(int) => Ok(Value::Int(*int)),
        Toml::Float(real) => Ok(Value::Real(*real)),
        Toml::Boolean(bool) => Ok(Value::Bool(*bool)),
        Toml::String(text) => Ok(Value::from(text.as_str())),
        Toml::Array(items) => Value::list(values(items, names)?).map_err(|error| error.to_string()),
        Toml::Table(table) => match tag(table) {
            Some((tag, of)) => tagged(tag, of, table, names),
            None => {
                let pairs: Result<Vec<_>, String> =
                    table.iter().map(|(key, of)| Ok((key.as_str(), value(of, names)?))).collect();
                Value::map(pairs?).map_err(|error| error.to_string())
            }
        },
        Toml::Datetime(_) => Err("a date is no value".into()),
    }
}

/// Several.
///
/// # Errors
/// As [`value`].
pub fn values(items: &[Toml], names: &dyn Names) -> Result<Vec<Value>, String> {
    items.iter().map(|item| value(item, names)).collect()
}

fn tagged(tag: &str, of: &Toml, table: &Table, names: &dyn Names) -> Result<Value, String> {
    match tag {
        "_nil" => Ok(Value::Nil),
        "_bytes" => Ok(Value::bytes(from_hex(text(of)?)?)),
        "_raw" => Ok(Value::from(from_hex(text(of)?)?.as_slice())),
        "_map" => map(&[], list(of)?, names),
        "_mixed" => {
            let parts = of.as_table().ok_or("'_mixed' has a list and pairs")?;
            let part = |key| parts.get(key).map_or(Ok(&[][..]), list);
            map(part("list")?, part("pairs")?, names)
        }
        "_nested" => nested(count(of)?),
        "_text" => {
            Ok(Value::from(text(of)?.repeat(count(table.get("times").ok_or("'_text' says 'times'")?)?).as_str()))
        }
        "_range" => Value::list((0..count(of)?).map(|n| Value::Int(n as i64))).map_err(|error| error.to_string()),
        "_export" => names.export(text(of)?),
        "_saved" => names.saved(text(of)?),
        "_object" => Ok(names.object(text(of)?)),
        "_file" => names.file(text(of)?),
        "_language" => names.language(text(of)?),
        other => Err(format!("'{other}' is none of the tags that values have")),
    }
}

fn text(toml: &Toml) -> Result<&str, String> {
    toml.as_str().ok_or_else(|| format!("wanted a string, got {toml}"))
}

fn list(toml: &Toml) -> Result<&[Toml], String> {
    toml.as_array().map(Vec::as_slice).ok_or_else(|| format!("wanted an array, got {toml}"))
}

fn count(toml: &Toml) -> Result<usize, String> {
    toml.as_integer().and_then(|n| usize::try_from(n).ok()).ok_or_else(|| format!("wanted a count, got {toml}"))
}

fn from_hex(text: &str) -> Result<Vec<u8>, String> {
    let byte = |at| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..text.len()).step_by(2).map(|at| byte(at).ok_or_else(|| format!("'{text}' is not hexadecimal"))).collect()
}

/// A map with a list part.
fn map(elements: &[Toml], pairs: &[Toml], names: &dyn Names) -> Result<Value, String> {
    let mut builder = Builder::new();
    let mut build = || {
        builder.begin(Shape::Map)?;
        for element in elements {
            builder.value(&value(element, names).map_err(said)?)?;
        }
        for pair in pairs {
            let Some([key, of]) = pair.as_array().map(Vec::as_slice) else {
                return Err(said(format!("a pair is [key, value], not {pair}")));
            };
            builder.key(&value(key, names).map_err(said)?)?;
            builder.value(&value(of, names).map_err(said)?)?;
        }
        builder.end()
    };
    build().map_err(|error| error.to_string())?;
    builder.finish().map_err(|error| error.to_string())
}

fn said(message: String) -> calog_plugin_api::Error {
    calog_plugin_api::Error::new(calog_plugin_api::Code::Script, message)
}

fn nested(levels: usize) -> Result<Value, String> {
    let none: [Value; 0] = [];
    let innermost = Value::list(none).map_err(|error| error.to_string())?;
    (1..levels).try_fold(innermost, |inner, _| Value::list([inner]).map_err(|error| error.to_string()))
}

/// What is wrong with an answer; nothing if it is as wanted.
pub fn mismatch(wanted: &Toml, found: &Value, names: &dyn Names) -> Option<String> {
    match wanted.as_table().and_then(tag) {
        Some(("_any", _)) => None,
        Some(("_kind", kind)) => unlike(kind.as_str() == Some(found.kind().name()), wanted, found),
        Some(("_contains", part)) => {
            let text = found.view().as_str().unwrap_or_default();
            unlike(found.view().as_str().is_some() && text.contains(part.as_str().unwrap_or("\0")), wanted, found)
        }
        Some(("_from", low)) => {
            let high = wanted.get("to").unwrap_or(low);
            let within = |n: i64| Some(n) >= low.as_integer() && Some(n) <= high.as_integer();
            unlike(found.view().as_int().is_some_and(within), wanted, found)
        }
        Some(("_one_of", all)) => {
            let mut all = all.as_array().into_iter().flatten();
            unlike(all.any(|one| mismatch(one, found, names).is_none()), wanted, found)
        }
        Some(("_first", wanted)) => match found.view().as_aggregate().and_then(|list| list.element(0)) {
            Some(first) => mismatch(wanted, &first.to_value(), names),
            None => unlike(false, wanted, found),
        },
        Some(("_has", fields)) => {
            let mut fields = fields.as_table().into_iter().flatten();
            fields.find_map(|(key, wanted)| {
                let field = found.view().field(key).to_value();
                mismatch(wanted, &field, names).map(|reason| format!("'{key}' of {found:?}: {reason}"))
            })
        }
        Some(_) => unlike_value(wanted, found, names),
        None => match (wanted, found.view().as_aggregate()) {
            (Toml::Table(fields), Some(map)) if map.list_len() == 0 && map.pair_len() == fields.len() => {
                let field = |(key, wanted): (&String, &Toml)| {
                    let found = found.view().field(key).to_value();
                    mismatch(wanted, &found, names).map(|reason| format!("'{key}': {reason}"))
                };
                fields.iter().find_map(field)
            }
            (Toml::Array(items), Some(list)) if list.pair_len() == 0 && list.list_len() == items.len() => {
                let mut both = items.iter().zip(list.elements());
                both.find_map(|(wanted, found)| mismatch(wanted, &found.to_value(), names))
            }
            _ => unlike_value(wanted, found, names),
        },
    }
}

fn unlike_value(wanted: &Toml, found: &Value, names: &dyn Names) -> Option<String> {
    match value(wanted, names) {
        Ok(value) => unlike(same(value.view(), found.view()), wanted, found),
        Err(reason) => Some(reason),
    }
}

fn unlike(alike: bool, wanted: &Toml, found: &Value) -> Option<String> {
    (!alike).then(|| format!("wanted {}, got {}", brief(&wanted.to_string()), brief(&format!("{found:?}"))))
}

/// A text that fits into a line.
pub fn brief(text: &str) -> String {
    const LONGEST: usize = 200;
    let mut line: String = text.chars().take(LONGEST).map(|c| if c == '\n' { ' ' } else { c }).collect();
    if text.chars().count() > LONGEST {
        line.push_str("...");
    }
    line
}

/// As equality, but NaN is itself and -0.0 is not 0.0, inside of aggregates as well.
pub fn same(one: View<'_>, other: View<'_>) -> bool {
    if let (Some(one), Some(other)) = (one.as_aggregate(), other.as_aggregate()) {
        let alike =
            |key: View<'_>, value: View<'_>| other.pairs().any(|pair| pair.key == key && same(pair.value, value));
        return (one.list_len(), one.pair_len(), one.shape()) == (other.list_len(), other.pair_len(), other.shape())
            && one.elements().zip(other.elements()).all(|(one, other)| same(one, other))
            && one.pairs().all(|pair| alike(pair.key, pair.value));
    }
    match (one.as_real(), other.as_real()) {
        (Some(a), Some(b)) if one.kind() == other.kind() => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
        _ => one == other && one.is_bytes() == other.is_bytes(),
    }
}
