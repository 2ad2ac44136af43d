//! serde in both directions: Rust structures to values and back.

use std::collections::BTreeMap;
use std::fmt::Debug;

use calog_plugin_api::{Code, Value, from_value, to_value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::common::{Drops, callable, list, map, mixed, nested, show};

#[derive(Serialize, Deserialize, PartialEq, Debug)]
enum Form {
    Unit,
    Newtype(i64),
    Tuple(i64, String),
    Struct { x: f64, y: Option<bool> },
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Newtype(u8);

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Unit;

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Person {
    name: String,
    age: u8,
    nick: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    more: BTreeMap<String, Vec<Form>>,
}

/// Bytes as serde knows them, without a crate for it.
#[derive(PartialEq, Debug)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        <&[u8]>::deserialize(deserializer).map(|bytes| Bytes(bytes.to_vec()))
    }
}

/// Writes, compares what was written, reads back.
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(data: T, text: &str) {
    let value = to_value(&data).unwrap();
    assert_eq!(format!("{value:?}"), text);
    assert_eq!(from_value::<T>(value.view()).unwrap(), data, "{text}");
}

#[test]
fn structures_become_values_and_come_back() {
    check((), "nil");
    check(true, "true");
    check((i8::MIN, i64::MIN, i64::MAX, u32::MAX), "[-128, -9223372036854775808, 9223372036854775807, 4294967295]");
    check((1.5_f32, -0.0_f64), "[1.5, -0.0]");
    check('é', r#""é""#);
    check("text".to_owned(), r#""text""#);
    check(Bytes(vec![0, 255]), r#"b"\x00\xff""#);
    check(Bytes(b"text".to_vec()), r#"b"text""#);
    check(Some(5), "5");
    check(None::<i64>, "nil");
    check(vec![Some(1), None], "[1, nil]");
    check(Vec::<i64>::new(), "[]");
    check(BTreeMap::<String, i64>::new(), "{}");
    check(BTreeMap::from([(1, "a".to_owned()), (-2, "b".to_owned())]), r#"{-2: "b", 1: "a"}"#);
    check(Unit, "nil");
    check(Newtype(7), "7");
    check(Form::Unit, r#""Unit""#);
    check(Form::Newtype(-3), "{Newtype: -3}");
    check(Form::Tuple(1, "x".into()), r#"{Tuple: [1, "x"]}"#);
    check(Form::Struct { x: 0.5, y: Some(true) }, "{Struct: {x: 0.5, y: true}}");
    let person = Person {
        name: "Ada".into(),
        age: 36,
        nick: None,
        tags: vec!["x".into()],
        more: BTreeMap::from([("forms".into(), vec![Form::Unit, Form::Struct { x: 1.0, y: None }])]),
    };
    let text = r#"{name: "Ada", age: 36, nick: nil, tags: ["x"], more: {forms: ["Unit", {Struct: {x: 1.0, y: nil}}]}}"#;
    check(person, text);
}

/// Reads a structure from a value that no Rust structure wrote.
fn reads<T: DeserializeOwned + PartialEq + Debug>(value: Value, data: T) {
    assert_eq!(from_value::<T>(value.view()).unwrap(), data, "{value:?}");
}

#[test]
fn what_scripts_write_is_understood() {
    // An empty Lua table is a list, whatever it was meant to be.
    reads(list(&[]), BTreeMap::<String, i64>::new());
    reads(map(&[]), Vec::<i64>::new());
    let person = |fields: &[(&str, Value)]| map(&[&[("name", "A".into()), ("age", 3.into())], fields].concat());
    let wanted = || Person { name: "A".into(), age: 3, nick: None, tags: vec![], more: BTreeMap::new() };
    reads(person(&[]), wanted());
    reads(person(&[("tags", list(&[])), ("more", list(&[])), ("unknown", 1.into())]), wanted());
    reads(Value::Int(3), 3.0_f64);
    reads(mixed(&["a".into()], &[("b".into(), "c".into())]), BTreeMap::from([(Key::Int(0), 'a'), (Key::Text, 'c')]));
}

/// A key of either kind.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[serde(from = "Value")]
enum Key {
    Int(i64),
    Text,
}

impl From<Value> for Key {
    fn from(value: Value) -> Key {
        value.view().as_int().map_or(Key::Text, Key::Int)
    }
}

/// What is wrong, and where.
fn refused<T: DeserializeOwned + Debug>(value: Value, code: Code, message: &str) {
    let error = from_value::<T>(value.view()).expect_err(message);
    assert_eq!((error.code(), &*error.message()), (code, message), "{value:?}");
}

#[test]
fn what_does_not_fit_is_an_error_with_its_place() {
    let people = |age: Value| map(&[("people", list(&[map(&[("name", "A".into()), ("age", age)])]))]);
    type People = BTreeMap<String, Vec<Person>>;
    let wanted = "people: element 0: age: invalid type: string \"x\", expected u8";
    refused::<People>(people("x".into()), Code::Type, wanted);
    let wanted = "people: element 0: age: invalid value: integer `256`, expected u8";
    refused::<People>(people(256.into()), Code::Type, wanted);
    refused::<Person>(map(&[("name", "A".into())]), Code::Type, "missing field `age`");
    refused::<Vec<i64>>(list(&[1.into(), Value::Nil]), Code::Type, "element 1: invalid type: unit value, expected i64");
    refused::<Vec<i64>>(Value::Nil, Code::Type, "invalid type: unit value, expected a sequence");
    refused::<Vec<i64>>(map(&[("a", 1.into())]), Code::Type, "invalid type: map, expected a sequence");
    refused::<(i64, i64)>(list(&[1.into()]), Code::Type, "invalid length 1, expected a tuple of size 2");
    refused::<(i64, i64)>(
        list(&[1.into(), 2.into(), 3.into()]),
        Code::Type,
        "invalid length 3, expected a list of 2 elements",
    );
    refused::<Form>(
        "Nought".into(),
        Code::Type,
        "unknown variant `Nought`, expected one of `Unit`, `Newtype`, `Tuple`, `Struct`",
    );
    refused::<Form>(map(&[("Newtype", "x".into())]), Code::Type, "Newtype: invalid type: string \"x\", expected i64");
    refused::<String>(b"\xff"[..].into(), Code::Type, "invalid value: byte array, expected a string");
    let drops = Drops::default();
    refused::<Value>(
        list(&[callable(1, &drops).into()]),
        Code::Unsupported,
        "element 0: a function cannot be read as data",
    );
}

#[test]
fn what_no_value_can_hold_is_an_error() {
    let written = |data: &dyn Fn() -> calog_plugin_api::Result<Value>| show(&data());
    let too_large = "unsupported: 9223372036854775808 does not fit into 64 bits with a sign";
    assert_eq!(written(&|| to_value(&(1_u64 << 63))), too_large);
    assert_eq!(written(&|| to_value(&vec![i128::from(i64::MAX) + 1])), too_large);
    let keys = "type: a bool is no key: keys are strings, ints and reals";
    assert_eq!(written(&|| to_value(&BTreeMap::from([(true, 1)]))), keys);
    let drops = Drops::default();
    let function = Value::from(callable(1, &drops));
    assert_eq!(written(&|| to_value(&vec![function.clone()])), "unsupported: a function cannot be written as data");
    assert!(serde_json::to_string(&list(std::slice::from_ref(&function))).is_err());
    let deepest = nested(128).unwrap();
    assert_eq!(written(&|| to_value(&(deepest.clone(),))), "depth: the value nests deeper than 128 levels");
    assert_eq!(to_value(&deepest).unwrap(), deepest);
}

#[test]
fn json_reads_into_values() {
    let read = |text: &str| serde_json::from_str::<Value>(text).map_err(|error| error.to_string());
    assert_eq!(
        read("[1, 1.0, null, true, \"x\", {}]").map(|it| format!("{it:?}")).unwrap(),
        "[1, 1.0, nil, true, \"x\", {}]"
    );
    assert!(read("18446744073709551615").unwrap_err().contains("does not fit into 64 bits"));
    assert!(read(r#"{"a": 1, "b": 2, "a": 3}"#).unwrap_err().contains("the key \"a\" comes twice"));
    assert!(read("[[1,").is_err());
    let mixed = mixed(&["a".into()], &[(7.into(), "b".into()), ("c".into(), Value::bytes("d"))]);
    assert_eq!(serde_json::to_string(&mixed).unwrap(), r#"{"0":"a","7":"b","c":[100]}"#);
}
