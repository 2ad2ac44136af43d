//! What a context exports: values by name, in the order in which the names were first published. A name
//! is found in the same time however many there are.

use std::collections::HashMap;

use calog_plugin_api::Value;

/// The exports of one context.
#[derive(Default)]
pub(crate) struct Exports {
    all: Vec<(String, Value)>,
    /// Where each name stands in `all`.
    places: HashMap<String, usize>,
}

impl Exports {
    /// Publishes a value, and gives the one that had the name before.
    pub(crate) fn set(&mut self, name: &str, value: Value) -> Option<Value> {
        if let Some(&at) = self.places.get(name) {
            return Some(std::mem::replace(&mut self.all[at].1, value));
        }
        self.places.insert(name.to_owned(), self.all.len());
        self.all.push((name.to_owned(), value));
        None
    }

    /// The value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.places.get(name).map(|&at| &self.all[at].1)
    }

    /// All of them, in their order.
    pub(crate) fn all(&self) -> &[(String, Value)] {
        &self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_place_and_has_its_latest_value() {
        let mut exports = Exports::default();
        assert_eq!(exports.get("a"), None);
        assert_eq!(exports.set("b", Value::Int(1)), None);
        assert_eq!(exports.set("a", Value::Int(2)), None);
        assert_eq!(exports.set("b", Value::Int(3)), Some(Value::Int(1)));
        assert_eq!((exports.get("a"), exports.get("b")), (Some(&Value::Int(2)), Some(&Value::Int(3))));
        let names: Vec<&str> = exports.all().iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["b", "a"]);
    }
}
