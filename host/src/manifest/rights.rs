//! What a context may, as its keys say.

use calog_plugin_api::{Result as CalogResult, Value};

use super::document::Node;
use super::keys::{Field, field};
use super::problem::ManifestError;
use crate::limits::{Bytes, Caps, Count, Limit, OnLimit, Pattern, Preset, Unit};

/// Fields that are one word.
macro_rules! words {
    ($($name:ident)*) => {
        $(impl Field for $name {
            const WANTED: &'static str = $name::WANTED;

            fn read(node: &Node<'_>) -> Result<Option<$name>, ManifestError> {
                Ok(node.value().as_str().and_then($name::from_word))
            }

            fn missing() -> Option<$name> {
                None
            }

            fn to_value(&self) -> CalogResult<Option<Value>> {
                Ok(Some(Value::from(self.word())))
            }
        })*
    };
}
words!(Preset OnLimit);

impl Field for Pattern {
    const WANTED: &'static str = Pattern::WANTED;
    const WANTED_LIST: &'static str = "a list of names of natives";

    fn read(node: &Node<'_>) -> Result<Option<Pattern>, ManifestError> {
        Ok(node.value().as_str().and_then(Pattern::new))
    }

    fn missing() -> Option<Pattern> {
        None
    }

    fn to_value(&self) -> CalogResult<Option<Value>> {
        Ok(Some(Value::from(self.as_str())))
    }
}

impl Field for Count {
    const WANTED: &'static str = Count::WANTED;

    fn read(node: &Node<'_>) -> Result<Option<Count>, ManifestError> {
        let number = node.value().as_integer();
        Ok(number.and_then(|it| u64::from_str_radix(it.as_str(), it.radix()).ok()).filter(|it| fits(*it)).map(Count))
    }

    fn missing() -> Option<Count> {
        None
    }

    fn to_value(&self) -> CalogResult<Option<Value>> {
        Ok(i64::try_from(self.0).ok().map(Value::Int))
    }
}

impl Field for Bytes {
    const WANTED: &'static str = Bytes::WANTED;

    fn read(node: &Node<'_>) -> Result<Option<Bytes>, ManifestError> {
        match node.value().as_str() {
            Some(text) => Ok(Bytes::parse(text).filter(|it| fits(it.0))),
            None => Ok(Count::read(node)?.map(|count| Bytes(count.0))),
        }
    }

    fn missing() -> Option<Bytes> {
        None
    }

    fn to_value(&self) -> CalogResult<Option<Value>> {
        Count(self.0).to_value()
    }
}

/// Whether it can be told to an engine, whose integers have a sign.
fn fits(number: u64) -> bool {
    i64::try_from(number).is_ok()
}

impl Field for Caps {
    const WANTED: &'static str = "a table";

    fn read(node: &Node<'_>) -> Result<Option<Caps>, ManifestError> {
        let Some(table) = node.value().as_table() else { return Ok(None) };
        // All keys are looked at, whatever is wrong with some.
        let mut fine = node.note(node.refuse_unknown(table, Limit::KEYS)).is_some();
        let mut caps = Caps::default();
        for limit in Limit::ALL {
            let most = match limit.unit() {
                Unit::Bytes => field::<Option<Bytes>>(node, table, limit.key()).map(|it| it.map(|it| it.0)),
                Unit::Count => field::<Option<Count>>(node, table, limit.key()).map(|it| it.map(|it| it.0)),
            };
            match node.note(most) {
                Some(most) => most.into_iter().for_each(|most| caps.set(*limit, most)),
                None => fine = false,
            }
        }
        if fine { Ok(Some(caps)) } else { Err(node.noted()) }
    }

    fn missing() -> Option<Caps> {
        Some(Caps::default())
    }

    fn to_value(&self) -> CalogResult<Option<Value>> {
        if self.is_empty() {
            return Ok(None);
        }
        let set = Limit::ALL.iter().filter_map(|limit| Some((limit.key(), self.get(*limit)?)));
        let set = set.map(|(key, most)| (key, Value::Int(i64::try_from(most).unwrap_or(i64::MAX))));
        Value::map(set).map(Some)
    }
}
