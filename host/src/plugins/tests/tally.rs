//! A whole plugin for the loader's tests: an engine that does nothing and a bundle of one native.
#![forbid(unsafe_code)]
use calog_plugin_api::prelude::*;

export_plugin! { engine: Tally, bundle: sums }

struct Tally;

impl Engine for Tally {
    const NAME: &'static str = "tally";
    const LANGUAGE: &'static str = "counting";
    const EXTENSIONS: &'static [&'static str] = &["tly", "tal"];
    type Context = Sum;

    fn new(_: RuntimeHandle, _: View<'_>) -> Result<Tally> {
        Ok(Tally)
    }

    fn open(&self, _: Host, _: &ContextOptions) -> Result<Sum> {
        Ok(Sum)
    }
}

struct Sum;

impl Context for Sum {
    fn load(&self, _: Source<'_>) -> Step {
        Step::Done(Ok(Value::Nil))
    }

    fn call(&self, _: FunctionKey, _: &CallInfo, _: Args<'_>) -> Step {
        Step::Done(Ok(Value::Nil))
    }

    fn release(&self, _: FunctionKey) {}
}

fn sums() -> Bundle {
    Bundle::new("sums").function("add", |a: i64, b: i64| a.wrapping_add(b))
}
