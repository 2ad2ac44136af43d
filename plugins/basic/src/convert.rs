//! Values both ways.
//!
//! In: a list is a LIST, a map a DICT; where both come in one, the list part goes under 0, 1, ...
//! Out: LIST and ARRAY are lists, a DICT is a map, TRUE and FALSE stay booleans. Instances,
//! iterators and types cannot leave; in lenient mode an instance leaves as its variables, the others
//! as nil.

use std::borrow::Cow;

use calog_plugin_api::{AggregateView, Builder, Code, Error, Kind, Result, Shape, Value, View};

use crate::core::Core;
use crate::fault::{Fault, Outcome};
use crate::memory::PAIR;
use crate::value::{Array, Class, Dict, Items, Key, Text, Val};

/// Steps of the path to a bad value that an error shows.
const SHOWN_STEPS: usize = 8;

impl Core {
    /// A value from outside.
    ///
    /// # Errors
    /// `unsupported` when a pair's key meets the list part, in strict mode.
    pub(crate) fn take_in(&self, view: View<'_>, lenient: bool) -> Outcome<Val> {
        Ok(match view.kind() {
            Kind::Nil => Val::Nil,
            Kind::Bool => Val::Bool(view.as_bool() == Some(true)),
            Kind::Int => Val::Int(view.as_int().unwrap_or_default()),
            Kind::Real => Val::Real(view.as_real().unwrap_or_default()),
            Kind::String => {
                let bytes = view.as_bytes().unwrap_or_default();
                self.budget.spend(bytes.len());
                Val::text(bytes)
            }
            Kind::Callable => view.as_callable().map_or(Val::Nil, |it| self.function(it)),
            Kind::Object => view.as_object().map_or(Val::Nil, |it| Val::Object(self.types.hold(it))),
            Kind::Aggregate => match view.as_aggregate() {
                Some(aggregate) => self.take_aggregate(aggregate, lenient)?,
                None => Val::Nil,
            },
        })
    }

    fn take_aggregate(&self, aggregate: AggregateView<'_>, lenient: bool) -> Outcome<Val> {
        if aggregate.shape() == Shape::List && aggregate.pair_len() == 0 {
            let elements = aggregate.elements().map(|it| self.take_in(it, lenient)).collect::<Outcome<Vec<Val>>>()?;
            return Ok(Val::List(self.heap.list(Items::Listed(elements))));
        }
        let dict = self.heap.dict();
        self.budget.spend((aggregate.list_len() + aggregate.pair_len()) * PAIR);
        for (index, element) in (0..).zip(aggregate.elements()) {
            dict.set(Val::Int(index), self.take_in(element, lenient)?)?;
        }
        for pair in aggregate.pairs() {
            let key = self.take_in(pair.key, lenient)?;
            if aggregate.list_len() > 0 && !lenient && dict.has(&Key::of(&key)) {
                return Err(unsupported(format!("the key {:?} is also a place of the list part", pair.key)).into());
            }
            dict.set(key, self.take_in(pair.value, lenient)?)?;
        }
        Ok(Val::Dict(dict))
    }

    /// A value for the outside.
    ///
    /// # Errors
    /// `unsupported`, `cycle`, `depth` or `limit`, saying where inside the value.
    pub(crate) fn give_out(&self, value: &Val, lenient: bool) -> Result<Value> {
        Ok(match value {
            Val::Unset => Value::Int(0),
            Val::Nil | Val::Unknown => Value::Nil,
            Val::Bool(is) => Value::Bool(*is),
            Val::Int(int) => Value::Int(*int),
            Val::Real(real) => Value::Real(*real),
            Val::Object(held) => Value::Object(held.object.clone()),
            _ => match self.callable(value) {
                Some(callable) => Value::Callable(callable?),
                None => {
                    let mut writer =
                        Writer { core: self, builder: Builder::new(), inside: Vec::new(), lenient, path: Vec::new() };
                    match writer.value(value) {
                        Ok(()) => writer.builder.finish()?,
                        Err(error) if writer.path.is_empty() => return Err(error),
                        Err(error) => return Err(error.inside(&writer.place())),
                    }
                }
            },
        })
    }
}

/// The value where it lies, if it is plain data.
pub(crate) fn plain(value: &Val) -> Option<View<'_>> {
    Some(match value {
        Val::Unset => View::int(0),
        Val::Nil | Val::Unknown => View::NIL,
        Val::Bool(is) => View::bool(*is),
        Val::Int(int) => View::int(*int),
        Val::Real(real) => View::real(*real),
        Val::Text(text) if text.len() <= calog_plugin_api::MAX_STRING_BYTES => View::string(text),
        Val::Object(held) => View::object(&held.object),
        Val::Foreign(foreign) => View::callable(&foreign.callable),
        _ => return None,
    })
}

fn unsupported(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(Code::Unsupported, message.into())
}

/// Writes one value into a block. The builder bounds its depth, and so the recursion.
struct Writer<'c> {
    core: &'c Core,
    builder: Builder,
    /// The addresses of the collections that are being written.
    inside: Vec<usize>,
    lenient: bool,
    /// The way to the value that failed, innermost step first.
    path: Vec<String>,
}

impl Writer<'_> {
    /// The way to the value that failed, as a program would write it.
    fn place(&self) -> String {
        let dots = if self.path.len() > SHOWN_STEPS { "..." } else { "" };
        let steps: String = self.path.iter().rev().take(SHOWN_STEPS).map(String::as_str).collect();
        format!("at {steps}{dots}")
    }

    fn value(&mut self, value: &Val) -> Result<()> {
        match value {
            Val::Unset => self.builder.int(0),
            Val::Nil | Val::Unknown => self.builder.nil(),
            Val::Bool(is) => self.builder.bool(*is),
            Val::Int(int) => self.builder.int(*int),
            Val::Real(real) => self.builder.real(*real),
            Val::Text(text) => self.builder.string(text)?,
            Val::Object(held) => self.builder.object(held.object.clone()),
            Val::Routine(_) | Val::Method(_) | Val::Native(_) | Val::Foreign(_) => {
                if let Some(callable) = self.core.callable(value) {
                    self.builder.callable(callable?);
                }
            }
            Val::List(list) => {
                let items = list.0.borrow().to_vec().map_err(|fault| fault.to_error())?;
                self.nested(value, |this| this.list(&items))?;
            }
            Val::Array(array) => self.nested(value, |this| this.array(array, 0, 0))?,
            Val::Dict(dict) => self.nested(value, |this| this.dict(dict))?,
            Val::Class(class) if self.lenient => self.nested(value, |this| this.instance(class))?,
            _ if self.lenient => self.builder.nil(),
            _ => {
                let name = value.kind().name();
                return Err(unsupported(format!("a {name} cannot leave BASIC: wanted data, a routine or an object")));
            }
        }
        Ok(())
    }

    fn nested(&mut self, value: &Val, write: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let address = value.address().unwrap_or_default();
        if self.inside.contains(&address) {
            return Err(Error::new(Code::Cycle, format!("the {} contains itself", value.kind().name())));
        }
        self.inside.push(address);
        write(self)?;
        self.inside.pop();
        Ok(())
    }

    fn list(&mut self, items: &[Val]) -> Result<()> {
        self.builder.begin(Shape::List)?;
        for (index, item) in items.iter().enumerate() {
            self.value(item).inspect_err(|_| self.path.push(format!("({index})")))?;
        }
        self.builder.end_distinct()
    }

    /// One dimension of an array; lists of lists where it has more.
    fn array(&mut self, array: &Array, dimension: usize, start: usize) -> Result<()> {
        let Some(size) = array.sizes.get(dimension) else { return self.value(&array.get(start)) };
        let stride: usize = array.sizes.iter().skip(dimension + 1).product();
        self.builder.begin(Shape::List)?;
        for index in 0..*size {
            let inside = self.array(array, dimension + 1, start + index * stride);
            inside.inspect_err(|_| self.path.push(format!("({index})")))?;
        }
        self.builder.end_distinct()
    }

    fn dict(&mut self, dict: &Dict) -> Result<()> {
        let pairs = dict.pairs();
        self.builder.begin(Shape::Map)?;
        for (key, value) in &pairs {
            if !self.is_wanted(key, &pairs)? {
                continue;
            }
            match key {
                Val::Text(text) => self.builder.key_str(text)?,
                Val::Int(int) => self.builder.key_int(*int)?,
                Val::Bool(is) => self.builder.key_int((*is).into())?,
                Val::Real(real) => self.builder.key_real(*real)?,
                _ => continue,
            }
            self.value(value).inspect_err(|_| self.path.push(step(key)))?;
        }
        self.builder.end_distinct()
    }

    /// Whether a pair goes out. In lenient mode keys that are none outside are left out, and of two
    /// numbers that are one key outside the later one stays.
    fn is_wanted(&self, key: &Val, pairs: &[(Val, Val)]) -> Result<bool> {
        let twin = match key {
            Val::Text(_) | Val::Int(_) | Val::Bool(_) => return self.has_no_later_twin(key, pairs),
            Val::Real(real) if real.is_nan() => None,
            Val::Real(_) => Some(key),
            _ => None,
        };
        match twin {
            Some(key) => self.has_no_later_twin(key, pairs),
            None if self.lenient => Ok(false),
            None => {
                let name = key.kind().name();
                Err(unsupported(format!("a {name} as a key cannot leave BASIC: keys are strings and numbers")))
            }
        }
    }

    fn has_no_later_twin(&self, key: &Val, pairs: &[(Val, Val)]) -> Result<bool> {
        let other = match key {
            Val::Real(real) if real.fract() == 0.0 && real.abs() < 9.3e18 => Val::Int(*real as i64),
            Val::Int(int) => Val::Real(*int as f64),
            _ => return Ok(true),
        };
        // Only a dictionary with reals among its keys can have two.
        if !pairs.iter().any(|(it, _)| matches!(it, Val::Real(_))) {
            return Ok(true);
        }
        let of = |wanted: &Val| pairs.iter().position(|(it, _)| Key::of(it) == Key::of(wanted));
        match (of(key), of(&other)) {
            (Some(own), Some(twin)) if crate::value::equals(key, &other) => {
                if self.lenient {
                    return Ok(own > twin);
                }
                Err(unsupported(format!("the keys {} and its real are one key outside of BASIC", step(key))))
            }
            _ => Ok(true),
        }
    }

    fn instance(&mut self, class: &Class) -> Result<()> {
        let variables = class.variables.borrow().clone();
        self.builder.begin(Shape::Map)?;
        for (name, value) in &variables {
            let name = self.core.names.text(*name);
            self.builder.key_str(name.as_bytes())?;
            self.value(value).inspect_err(|_| self.path.push(format!(".{name}")))?;
        }
        self.builder.end_distinct()
    }
}

/// A key as a step of a path.
fn step(key: &Val) -> String {
    match key {
        Val::Text(text) => format!("({:?})", String::from_utf8_lossy(text)),
        Val::Int(int) => format!("({int})"),
        Val::Real(real) => format!("({real:?})"),
        Val::Bool(is) => format!("({})", i32::from(*is)),
        _ => "(...)".to_owned(),
    }
}

/// A string of text.
pub(crate) fn text(text: &str) -> Val {
    Val::Text(Text::new(text.as_bytes().to_vec()))
}

impl Core {
    /// What CATCH gets: a DICT with code, message, file, row and column.
    pub(crate) fn caught(&self, fault: &Fault, place: crate::syntax::Place) -> Val {
        let dict = self.heap.dict();
        // A table or dictionary that some script threw comes as itself, with the five beside.
        if let Fault::Broker(error) = fault
            && let Some(thrown) = error.thrown()
            && let Ok(Val::Dict(thrown)) = self.take_in(thrown, true)
        {
            for (key, value) in thrown.pairs() {
                let _ = dict.set(key, value);
            }
        }
        let code = match fault {
            Fault::Own(number, _) => Val::Int(*number as i64),
            _ => text(fault.to_error().code().word()),
        };
        let pairs = [
            ("code", code),
            ("message", text(&fault.message())),
            ("file", text(&self.file(place))),
            ("row", Val::Int(place.row.into())),
            ("col", Val::Int(place.column.into())),
        ];
        for (key, value) in pairs {
            // Five pairs are not too many.
            let key = text(key);
            if !dict.has(&Key::of(&key)) {
                let _ = dict.set(key, value);
            }
        }
        if let Fault::Broker(error) = fault {
            *dict.origin.borrow_mut() = Some(error.clone());
        }
        Val::Dict(dict)
    }
}
