//! The natives that scenarios use: the bundle `kit`.
//!
//! | native | does |
//! | --- | --- |
//! | `kit.add(a, b)` | adds two ints |
//! | `kit.echo(value)` | gives its argument |
//! | `kit.scale(x, factor = 2, label = nil)` | has a default and an optional parameter; gives a real |
//! | `kit.sum(...)` | adds any number of ints |
//! | `kit.fail(code, message)` | fails |
//! | `kit.panic(message)` | panics |
//! | `kit.apply(function, value)` | calls a function, and gives its answer |
//! | `kit.all()` | has no parameters; gives a value of each kind |
//! | `kit.box(name)` | gives the Object of that name: its type is `box` |
//!
//! A box has the property `name`, the property `label` that can be written, and the methods `add(n)`,
//! `value()`, `me()`, `fail(message)`, `apply(function, value)` and `later(value)`, which waits.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use calog::RuntimeBuilder;
use calog_plugin_api::{
    Args, CallInfo, Callable, Code, Descriptor, Error, Function, Object, ObjectType, Outcome, Rest, Result, Value,
    View, to_value,
};
use parking_lot::Mutex;

/// The props of one runtime; clones are the same.
#[derive(Clone, Default)]
pub(super) struct Props(Arc<State>);

#[derive(Default)]
struct State {
    /// Those that still live are the same under their names.
    boxes: Mutex<BTreeMap<String, Weak<BoxObject>>>,
    dropped: Arc<AtomicUsize>,
}

impl Props {
    /// Adds the natives.
    pub(super) fn add_to(&self, builder: RuntimeBuilder) -> RuntimeBuilder {
        let own = self.clone();
        builder
            .inline_native(Function::new("kit.add", |a: i64, b: i64| a.wrapping_add(b)).params(["a", "b"]))
            .inline_native(Function::new("kit.echo", |value: Value| value).params(["value"]))
            .inline_native(Function::new("kit.scale", scale).params(["x", "factor = 2", "label"]))
            .inline_native(Function::new("kit.sum", sum).params(["numbers"]))
            .inline_native(Function::new("kit.fail", fail).params(["code", "message"]))
            .inline_native(Function::new("kit.panic", panics).params(["message"]))
            .inline_native(Function::new("kit.apply", apply).params(["function", "value"]))
            .inline_native(Function::new("kit.all", all))
            .inline_native(Function::new("kit.box", move |name: &str| own.object(name)).params(["name"]))
    }

    /// The Object of a name.
    pub(super) fn object(&self, name: &str) -> Object {
        let mut boxes = self.0.boxes.lock();
        let found = boxes.get(name).and_then(Weak::upgrade).unwrap_or_else(|| {
            let label = Mutex::new(Value::Nil);
            let dropped = Arc::clone(&self.0.dropped);
            let made = Arc::new_cyclic(|me| BoxObject {
                name: name.to_owned(),
                label,
                sum: Mutex::new(0),
                me: Weak::clone(me),
                dropped,
            });
            boxes.insert(name.to_owned(), Arc::downgrade(&made));
            made
        });
        Object::new(found)
    }

    /// How many Objects are gone.
    pub(super) fn dropped(&self) -> usize {
        self.0.dropped.load(Ordering::Acquire)
    }
}

fn scale(x: f64, factor: i64, label: Option<&str>) -> Result<f64> {
    match label {
        Some("") => Err(Error::new(Code::Range, "kit.scale: 'label' is empty")),
        _ => Ok(x * factor as f64),
    }
}

fn sum(numbers: Rest<'_>) -> Result<i64> {
    let wrong = |at: usize, found: View<'_>| {
        Error::new(Code::Type, format!("kit.sum: argument {}: wanted int, got {found:?}", at + 1))
    };
    let number = |(at, found): (usize, View<'_>)| found.as_int().ok_or_else(|| wrong(at, found));
    numbers.0.iter().enumerate().map(number).sum()
}

fn fail(code: &str, message: &str) -> Result<()> {
    Err(Error::new(Code::from_word(code).unwrap_or(Code::Script), message))
}

fn panics(message: &str) -> Result<()> {
    panic!("{message}")
}

fn apply(info: &CallInfo, function: &Callable, value: View<'_>) -> Outcome {
    function.call(info, Args::new(&[value]))
}

fn all() -> Result<Value> {
    Value::map([
        ("nil", Value::Nil),
        ("bool", Value::Bool(true)),
        ("int", Value::Int(7)),
        ("real", Value::Real(1.5)),
        ("string", Value::from("text")),
        ("list", Value::list([1, 2, 3])?),
        ("map", Value::map([("key", "value")])?),
    ])
}

struct BoxObject {
    name: String,
    label: Mutex<Value>,
    sum: Mutex<i64>,
    me: Weak<BoxObject>,
    dropped: Arc<AtomicUsize>,
}

impl Drop for BoxObject {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::AcqRel);
    }
}

impl BoxObject {
    fn add(&self, args: Args<'_>) -> Result<Value> {
        let [term] = args.as_slice() else {
            return Err(Error::new(Code::Arity, format!("box.add: wanted 1 argument, got {}", args.len())));
        };
        let term = term.as_int();
        let term = term.ok_or_else(|| Error::new(Code::Type, "box.add: argument 1 'n': wanted int"))?;
        let mut sum = self.sum.lock();
        *sum = sum.wrapping_add(term);
        Ok(Value::Int(*sum))
    }

    fn myself(&self) -> Result<Value> {
        let me = self.me.upgrade().ok_or_else(|| Error::new(Code::Dead, "the box is gone"))?;
        Ok(Value::Object(Object::new(me)))
    }
}

impl ObjectType for BoxObject {
    fn type_name(&self) -> &str {
        "box"
    }

    fn members(&self) -> Value {
        let properties = ["name", "label"].map(Descriptor::property);
        let methods = ["add", "value", "me", "fail", "apply"].map(Descriptor::method);
        let later = Descriptor::method("later").with_flags(Descriptor::WAITS);
        // Descriptors have no defaults here, so they are not too deep.
        to_value(&[properties.as_slice(), methods.as_slice(), &[later]].concat()).unwrap_or_default()
    }

    fn get(&self, _info: &CallInfo, property: &str) -> Result<Value> {
        match property {
            "name" => Ok(Value::from(self.name.as_str())),
            "label" => Ok(self.label.lock().clone()),
            _ => Err(Error::new(Code::NotFound, format!("a box has no property '{property}'"))),
        }
    }

    fn set(&self, _info: &CallInfo, property: &str, value: View<'_>) -> Result<()> {
        match property {
            "label" => *self.label.lock() = value.to_value(),
            _ => return Err(Error::new(Code::Unsupported, format!("box.{property} cannot be assigned"))),
        }
        Ok(())
    }

    fn call(&self, info: &CallInfo, method: &str, args: Args<'_>) -> Outcome {
        match method {
            "add" => self.add(args).into(),
            "value" => Outcome::Ready(Value::Int(*self.sum.lock())),
            "me" => self.myself().into(),
            "fail" => Outcome::Failed(Error::new(Code::Range, args.get(0).as_str().unwrap_or_default())),
            "apply" => match args.get(0).as_callable() {
                Some(function) => function.call(info, args.from(1)),
                None => Outcome::Failed(Error::new(Code::Type, "box.apply: argument 1 'function': wanted function")),
            },
            "later" => crate::gates::later(info, args.get(0).to_value()).map_or_else(Outcome::Failed, Outcome::Pending),
            _ => Outcome::Failed(Error::new(Code::NotFound, format!("a box has no method '{method}'"))),
        }
    }

    fn text(&self) -> String {
        format!("<box '{}'>", self.name)
    }
}
