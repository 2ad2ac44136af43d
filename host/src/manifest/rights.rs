//! What a context may, as its keys say.

use calog_plugin_api::{Result as CalogResult, Value};
use toml::de::DeValue;

use super::document::Node;
use super::keys::{Field, field, of_node};
use super::problem::ManifestError;
use crate::limits::{Bytes, Caps, Count, Limit, OnLimit, Pattern, Preset, Unit, What};

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
        // All keys are looked at, whatever is wrong with some. Tables are those of bundles.
        let is_table = |value: &DeValue<'_>| value.as_table().is_some();
        let mut fine = node.note(node.refuse_unknown_but(table, Limit::KEYS, is_table)).is_some();
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
        let others = node.entries(table).into_iter().filter(|(key, _)| !Limit::KEYS.contains(key));
        for (bundle, value) in others {
            let child = node.child(bundle, value);
            for (key, value) in child.value().as_table().into_iter().flat_map(|table| child.entries(table)) {
                let count = of_node::<Count>(&child.child(key, value));
                match node.note(count) {
                    Some(Count(most)) => caps.set(What::OfBundle(format!("{bundle}.{key}").into()), most),
                    None => fine = false,
                }
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
        let known = Limit::ALL.iter().filter_map(|limit| Some((limit.key().to_owned(), shown(self.get(*limit)?))));
        let mut all: Vec<(String, Value)> = known.collect();
        for (bundle, of_bundle) in by_bundle(self) {
            all.push((bundle.to_owned(), Value::map(of_bundle)?));
        }
        Value::map(all).map(Some)
    }
}

fn shown(most: u64) -> Value {
    Value::Int(i64::try_from(most).unwrap_or(i64::MAX))
}

/// The limits of bundles, each with those of one.
fn by_bundle(caps: &Caps) -> Vec<(&str, Vec<(&str, Value)>)> {
    let mut all: Vec<(&str, Vec<_>)> = Vec::new();
    for (key, most) in caps.of_bundles() {
        let (bundle, own) = key.split_once('.').unwrap_or((key, ""));
        match all.iter_mut().find(|(known, _)| *known == bundle) {
            Some((_, of_bundle)) => of_bundle.push((own, shown(*most))),
            None => all.push((bundle, vec![(own, shown(*most))])),
        }
    }
    all
}
