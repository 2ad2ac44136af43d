//! What the scripts of tests call.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{LATER, find};
use crate::host_side::promise;
use crate::{
    Args, CallInfo, Callable, Code, Completion, Descriptor, Error, Frame, Function, Native, NativeType, Object,
    ObjectType, Outcome, Rest, Result, Value, View,
};

/// All natives, by their dotted names.
pub(super) fn all(modules: HashMap<String, Value>, stop: &Arc<AtomicU32>) -> Vec<(String, Native)> {
    let kept: Arc<Mutex<Vec<Value>>> = Arc::default();
    let (keep, stop) = (Arc::clone(&kept), Arc::clone(stop));
    let keep = move |value: Value| keep.lock().unwrap_or_else(PoisonError::into_inner).push(value);
    let kept = move || kept.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let import = move |name: &str| {
        modules.get(name).cloned().ok_or_else(|| Error::new(Code::NotFound, format!("no module '{name}' anywhere")))
    };
    let stop = move |info: &CallInfo| {
        stop.store(1, Ordering::Relaxed);
        find(info.context()).expect("an open context").interrupt();
    };
    let call = |info: &CallInfo, function: &Callable, rest: Rest<'_>| function.call(info, rest.0);
    let fail_later =
        |code: &str, message: &str| finished_later(Err(Error::new(Code::from_word(code).expect("a code"), message)));
    vec![
        build(Function::new("test.id", |value: Value| value)),
        build(Function::new("test.add", |a: i64, b: i64| a + b)),
        build(Function::new("test.text", |text: &[u8]| Value::from(text))),
        build(Function::new("test.show", |value: View<'_>| format!("{value:?}"))),
        build(Function::new("test.count", |rest: Rest<'_>| rest.0.len() as i64)),
        build(Function::new("test.call", call)),
        build(Function::new("test.keep", keep)),
        build(Function::new("test.kept", kept)),
        build(Function::new("test.later", |value: Value| finished_later(Ok(value)))),
        build(Function::new("test.fail_later", fail_later)),
        build(Function::new("test.filter", |value: i64| format!("filtered {value}"))),
        build(Function::new("test.site", |info: &CallInfo| info.site().map(|it| it.to_string()))),
        build(Function::new("test.counter", || Object::new(Arc::new(Counter(AtomicU32::new(0)))))),
        build(Function::new("test.stop", stop)),
        build(Function::new("test.inner.deep", || "deep")),
        build(Function::new("calog.import", import)),
        build(Function::new("string.shout", |text: &str| text.to_uppercase())),
        ("test.fail".to_owned(), Native::new(Arc::new(Fail))),
    ]
}

fn build(function: Function) -> (String, Native) {
    let name = function.name().to_owned();
    (name, function.build().expect("a sound native"))
}

/// A promise that the test finishes, or a wait in place.
fn finished_later(result: Result<Value>) -> Completion {
    let (completion, finisher) = promise("later", false, None);
    let finish = move || {
        // Who waited may have given up.
        let _ = finisher.finish(result);
    };
    LATER.with_borrow_mut(|all| all.push(Box::new(finish)));
    completion
}

/// An Object with methods and a property.
struct Counter(AtomicU32);

impl ObjectType for Counter {
    fn type_name(&self) -> &str {
        "test.Counter"
    }
    fn members(&self) -> Value {
        let members = [Descriptor::method("add"), Descriptor::method("same"), Descriptor::property("count")];
        Value::list(members.iter().map(|it| it.to_value().expect("plain descriptors"))).expect("a short list")
    }
    fn get(&self, _info: &CallInfo, property: &str) -> Result<Value> {
        assert_eq!(property, "count");
        Ok(Value::Int(self.0.load(Ordering::Relaxed).into()))
    }
    fn set(&self, _info: &CallInfo, property: &str, value: View<'_>) -> Result<()> {
        if property != "count" {
            return Err(Error::new(Code::NotFound, format!("no member '{property}'")));
        }
        self.0.store(value.as_int().unwrap_or(0) as u32, Ordering::Relaxed);
        Ok(())
    }
    fn call(&self, _info: &CallInfo, method: &str, args: Args<'_>) -> Outcome {
        match method {
            "add" => {
                let by = args.get(0).as_int().unwrap_or(1) as u32;
                Outcome::Ready(Value::Int((self.0.fetch_add(by, Ordering::Relaxed) + by).into()))
            }
            _ => Outcome::Ready(Value::Int(args.len() as i64)),
        }
    }
    fn text(&self) -> String {
        format!("<Counter at {}>", self.0.load(Ordering::Relaxed))
    }
}

/// `test.fail(code, message, thrown)`.
struct Fail;

impl NativeType for Fail {
    fn call(&self, _info: &CallInfo, args: Args<'_>) -> Outcome {
        let code = args.get(0).as_str().and_then(Code::from_word).unwrap_or(Code::Script);
        let foreign = Frame { language: "rust".into(), function: "fail".into(), ..Frame::default() };
        let error = Error::new(code, args.get(1).as_str().unwrap_or("failed")).with_frame(foreign);
        match args.get(2) {
            view if view.is_nil() => Outcome::Failed(error),
            view => Outcome::Failed(error.with_thrown(view.to_value())),
        }
    }
    fn descriptor(&self) -> Value {
        Value::Nil
    }
    fn flags(&self) -> u32 {
        0
    }
}
