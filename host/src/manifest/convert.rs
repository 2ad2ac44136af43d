//! From TOML to calog's values: tables become maps in the document's order, dates become strings.

use calog_plugin_api::{Builder, Shape, Value};
use toml::de::{DeFloat, DeInteger, DeValue};

use super::document::Node;
use super::problem::{ManifestError, Place, Problem};
use super::{Origin, Section};

/// The section at this node, which is a table.
pub(super) fn to_section(node: &Node<'_>) -> Result<Section, ManifestError> {
    let value = to_value(node)?;
    let mut keys = Vec::new();
    places(node, "", &mut keys);
    Ok(Section { value, origin: Origin { file: node.file().to_path_buf(), place: node.place(), keys } })
}

/// Where each key of a table stands, with the keys within it.
fn places(node: &Node<'_>, prefix: &str, keys: &mut Vec<(String, Place)>) {
    let DeValue::Table(table) = node.value() else { return };
    for (key, value) in node.entries(table) {
        let child = node.child(key, value);
        let path = format!("{prefix}{key}");
        keys.push((path.clone(), node.place_of(table, key).unwrap_or_else(|| child.place())));
        places(&child, &format!("{path}."), keys);
    }
}

/// The value at this node.
pub(super) fn to_value(node: &Node<'_>) -> Result<Value, ManifestError> {
    let mut builder = Builder::new();
    write(node, &mut builder)?;
    builder.finish().map_err(|error| refused(node, &error))
}

fn refused(node: &Node<'_>, error: &calog_plugin_api::Error) -> ManifestError {
    node.error(Problem::Value { key: node.key().to_owned(), reason: error.to_string() })
}

fn write(node: &Node<'_>, builder: &mut Builder) -> Result<(), ManifestError> {
    let fine = match node.value() {
        DeValue::String(text) => builder.string(text.as_bytes()),
        DeValue::Datetime(date) => builder.string(date.to_string().as_bytes()),
        DeValue::Boolean(it) => builder.value(&Value::Bool(*it)),
        DeValue::Integer(number) => builder.value(&Value::Int(integer(node, number)?)),
        DeValue::Float(number) => builder.value(&Value::Real(real(node, number)?)),
        DeValue::Array(items) => {
            builder.begin(Shape::List).map_err(|error| refused(node, &error))?;
            items.iter().try_for_each(|item| write(&node.child("", item), builder))?;
            builder.end()
        }
        DeValue::Table(table) => {
            builder.begin(Shape::Map).map_err(|error| refused(node, &error))?;
            for (key, value) in node.entries(table) {
                builder.key_str(key.as_bytes()).map_err(|error| refused(node, &error))?;
                write(&node.child(key, value), builder)?;
            }
            builder.end()
        }
    };
    fine.map_err(|error| refused(node, &error))
}

fn integer(node: &Node<'_>, number: &DeInteger<'_>) -> Result<i64, ManifestError> {
    i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| node.wrong_type("an integer of 64 bits"))
}

fn real(node: &Node<'_>, number: &DeFloat<'_>) -> Result<f64, ManifestError> {
    number.as_str().parse().map_err(|_| node.wrong_type("a number"))
}
