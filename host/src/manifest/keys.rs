//! The keys a table may have, declared once: the struct, the list of known keys and the reading of
//! each follow from the same line.

use std::path::PathBuf;
use std::time::Duration;

use calog_plugin_api::{Builder, Restart, RestartWhen, Result as CalogResult, Shape, Value};
use toml::de::DeValue;

use super::convert::to_section;
use super::document::Node;
use super::problem::{ManifestError, Problem};
use super::{Engines, Sections};

/// Declares a struct whose fields are the keys of a table; one that is marked with `@` is its place.
macro_rules! keys {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$doc:meta])* pub $key:ident: $type:ty,)*
            $(@ $(#[$place_doc:meta])* pub $place:ident,)?
        }
    ) => {
        $(#[$meta])*
        pub struct $name {
            $($(#[$doc])* pub $key: $type,)*
            $($(#[$place_doc])* pub $place: $crate::manifest::Standing,)?
        }

        impl $name {
            /// The keys its table may have.
            pub const KEYS: &'static [&'static str] = &[$(stringify!($key)),*];

            fn read_table(
                node: &$crate::manifest::document::Node<'_>,
                table: &toml::de::DeTable<'_>,
            ) -> Result<$name, $crate::manifest::ManifestError> {
                // All keys are looked at, whatever is wrong with some.
                let all_known = node.note(node.refuse_unknown(table, Self::KEYS));
                $(let $key = node.note($crate::manifest::keys::field(node, table, stringify!($key)));)*
                match (all_known, $($key),*) {
                    (Some(()), $(Some($key)),*) => Ok($name {
                        $($key,)*
                        $($place: $crate::manifest::Standing::of(node),)?
                    }),
                    _ => Err(node.noted()),
                }
            }

            /// Its keys and values as a map; what is not set is left out.
            ///
            /// # Errors
            /// When a value in it is too deep or too large.
            pub fn to_value(&self) -> calog_plugin_api::Result<calog_plugin_api::Value> {
                let mut builder = calog_plugin_api::Builder::new();
                builder.begin(calog_plugin_api::Shape::Map)?;
                $(
                    if let Some(value) = $crate::manifest::keys::Field::to_value(&self.$key)? {
                        builder.key_str(stringify!($key).as_bytes())?;
                        builder.value(&value)?;
                    }
                )*
                builder.end()?;
                builder.finish()
            }
        }
    };
}
pub(super) use keys;

/// What a key's value may be.
pub(super) trait Field: Sized {
    /// The type in words, with its article.
    const WANTED: &'static str;
    /// A list of them in words.
    const WANTED_LIST: &'static str = "a list";

    /// The value at this node; `None` when it is of another type.
    fn read(node: &Node<'_>) -> Result<Option<Self>, ManifestError>;

    /// What it is when the key is missing; `None` when it must be there.
    fn missing() -> Option<Self>;

    /// The value for an engine; `None` when it says nothing.
    fn to_value(&self) -> CalogResult<Option<Value>>;
}

/// The value of a key in a table.
pub(super) fn field<T: Field>(
    node: &Node<'_>,
    table: &toml::de::DeTable<'_>,
    key: &'static str,
) -> Result<T, ManifestError> {
    match table.get(key) {
        Some(value) => of_node(&node.child(key, value)),
        None => T::missing().ok_or_else(|| node.error(Problem::Missing { key, wanted: T::WANTED })),
    }
}

pub(super) fn of_node<T: Field>(node: &Node<'_>) -> Result<T, ManifestError> {
    T::read(node)?.ok_or_else(|| node.wrong_type(T::WANTED))
}

/// The known word nearest to one that is not known, when it is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Jaro-Winkler similarity from which on a word was probably meant.
    const NEAR: f64 = 0.8;
    let scored = known.into_iter().map(|it| (strsim::jaro_winkler(word, it), it));
    scored.filter(|(score, _)| *score >= NEAR).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, it)| it)
}

impl Field for bool {
    const WANTED: &'static str = "true or false";

    fn read(node: &Node<'_>) -> Result<Option<bool>, ManifestError> {
        Ok(node.value().as_bool())
    }

    fn missing() -> Option<bool> {
        Some(false)
    }

    fn to_value(&self) -> CalogResult<Option<Value>> {
        Ok(Some(Value::Bool(*self)))
    }
}

impl Field for String {
    const WANTED: &'static str = "a string";
    const WANTED_LIST: &'static str = "a list of strings";

    fn read(node: &Node<'_>) -> Result<Option<String>, ManifestError> {
        Ok(node.value().as_str().map(str::to_owned))
    }

    fn missing() -> Option<String> {
        None
    }

    fn to_value(&self) -> CalogResult<Option<Value>> {
        Ok(Some(Value::from(self.as_str())))
    }
}

impl Field for PathBuf {
    const WANTED: &'static str = "a path";
    const WANTED_LIST: &'static str = "a list of paths";

    fn read(node: &Node<'_>) -> Result<Option<PathBuf>, ManifestError> {
        match node.value().as_str() {
            Some("") => Err(node.error(Problem::EmptyPath { key: node.key().into() })),
            path => Ok(path.map(|path| node.folder().join(path))),
        }
    }

    fn missing() -> Option<PathBuf> {
        None
    }

    fn to_value(&self) -> CalogResult<Option<Value>> {
        Ok(Some(Value::from(&*self.to_string_lossy())))
    }
}

impl<T: Field> Field for Option<T> {
    const WANTED: &'static str = T::WANTED;

    fn read(node: &Node<'_>) -> Result<Option<Option<T>>, ManifestError> {
        Ok(T::read(node)?.map(Some))
    }

    fn missing() -> Option<Option<T>> {
        Some(None)
    }

    fn to_value(&self) -> CalogResult<Option<Value>> {
        self.as_ref().map_or(Ok(None), T::to_value)
    }
}

impl<T: Field> Field for Vec<T> {
    const WANTED: &'static str = T::WANTED_LIST;

    fn read(node: &Node<'_>) -> Result<Option<Vec<T>>, ManifestError> {
        let Some(list) = node.value().as_array() else { return Ok(None) };
        // All are looked at, whatever is wrong with some.
        let read: Vec<_> = list.iter().map(|item| node.note(of_node(&node.child("", item)))).collect();
        read.into_iter().collect::<Option<_>>().map(Some).ok_or_else(|| node.noted())
    }

    fn missing() -> Option<Vec<T>> {
        Some(Vec::new())
    }

    fn to_value(&self) -> CalogResult<Option<Value>> {
        let mut builder = Builder::new();
        builder.begin(Shape::List)?;
        for item in self {
            builder.value(&item.to_value()?.unwrap_or_default())?;
        }
        builder.end()?;
        builder.finish().map(Some)
    }
}

impl Field for super::ContextEntry {
    const WANTED: &'static str = "a table";
    const WANTED_LIST: &'static str = "a list of tables, written [[context]]";

    fn read(node: &Node<'_>) -> Result<Option<super::ContextEntry>, ManifestError> {
        node.value().as_table().map(|table| super::ContextEntry::read_table(node, table)).transpose()
    }

    fn missing() -> Option<super::ContextEntry> {
        None
    }

    fn to_value(&self) -> CalogResult<Option<Value>> {
        super::ContextEntry::to_value(self).map(Some)
    }
}

impl Field for RestartWhen {
    const WANTED: &'static str = r#""never", "on_failure" or "always""#;

    fn read(node: &Node<'_>) -> Result<Option<RestartWhen>, ManifestError> {
        Ok(node.value().as_str().and_then(RestartWhen::from_word))
    }

    fn missing() -> Option<RestartWhen> {
        None
    }

    fn to_value(&self) -> CalogResult<Option<Value>> {
        Ok(Some(Value::from(self.word())))
    }
}

/// A count of something.
impl Field for u32 {
    const WANTED: &'static str = "a number from 0";

    fn read(node: &Node<'_>) -> Result<Option<u32>, ManifestError> {
        Ok(node.value().as_integer().and_then(|it| u32::from_str_radix(it.as_str(), it.radix()).ok()))
    }

    fn missing() -> Option<u32> {
        None
    }

    fn to_value(&self) -> CalogResult<Option<Value>> {
        Ok(Some(Value::Int((*self).into())))
    }
}

/// A word, or a table with the bounds as well.
impl Field for Restart {
    const WANTED: &'static str = r#""never", "on_failure", "always", or a table with `when`, `at_most`, `within_s`"#;

    fn read(node: &Node<'_>) -> Result<Option<Restart>, ManifestError> {
        let Some(table) = node.value().as_table() else {
            return Ok(RestartWhen::read(node)?.map(Restart::of));
        };
        node.refuse_unknown(table, &["when", "at_most", "within_s"])?;
        let (at_most, within_s) =
            (field::<Option<u32>>(node, table, "at_most")?, field::<Option<u32>>(node, table, "within_s")?);
        let within = within_s.map_or(Restart::WITHIN, |seconds| Duration::from_secs(seconds.into()));
        let restart = Restart::of(field(node, table, "when")?);
        Ok(Some(restart.bounded(at_most.unwrap_or(Restart::AT_MOST), within)))
    }

    fn missing() -> Option<Restart> {
        Some(Restart::NEVER)
    }

    fn to_value(&self) -> CalogResult<Option<Value>> {
        if *self == Restart::of(self.when) {
            return self.when.to_value();
        }
        let within_s = i64::try_from(self.within.as_secs()).unwrap_or(i64::MAX);
        let map = [
            ("when", Value::from(self.when.word())),
            ("at_most", Value::Int(self.at_most.into())),
            ("within_s", Value::Int(within_s)),
        ];
        Value::map(map).map(Some)
    }
}

impl Field for Sections {
    const WANTED: &'static str = "a table of tables, written [natives.NAME]";

    fn read(node: &Node<'_>) -> Result<Option<Sections>, ManifestError> {
        let Some(table) = node.value().as_table() else { return Ok(None) };
        let section = |(key, value): (&str, _)| {
            let child = node.child(key, value);
            match child.value() {
                DeValue::Table(_) => Ok((key.to_owned(), to_section(&child)?)),
                _ => Err(child.wrong_type("a table")),
            }
        };
        node.entries(table).into_iter().map(section).collect::<Result<_, _>>().map(|all| Some(Sections(all)))
    }

    fn missing() -> Option<Sections> {
        Some(Sections::default())
    }

    fn to_value(&self) -> CalogResult<Option<Value>> {
        Value::map(self.iter().map(|(name, section)| (name, section.clone()))).map(Some)
    }
}

impl Field for Engines {
    const WANTED: &'static str = "a list of names, or tables written [engines.NAME]";

    fn read(node: &Node<'_>) -> Result<Option<Engines>, ManifestError> {
        if let Some(order) = Vec::<String>::read(node)? {
            return Ok(Some(Engines { order, sections: Sections::default() }));
        }
        let Some(table) = node.value().as_table() else { return Ok(None) };
        let mut engines = Engines::default();
        for (key, value) in node.entries(table) {
            let child = node.child(key, value);
            match child.value() {
                DeValue::Table(_) => engines.sections.0.push((key.to_owned(), to_section(&child)?)),
                DeValue::Array(_) if key == "order" => engines.order = of_node(&child)?,
                _ if key == "order" => return Err(child.wrong_type("a list of names")),
                _ => return Err(child.wrong_type("a table")),
            }
        }
        Ok(Some(engines))
    }

    fn missing() -> Option<Engines> {
        Some(Engines::default())
    }

    fn to_value(&self) -> CalogResult<Option<Value>> {
        self.sections.to_value()
    }
}
