//! Engines as providers: their sections are validated, and taken over while they live.

use std::sync::Mutex;

use calog::manifest::Manifest;
use calog::plugin_api::prelude::*;
use calog::{Configuration, Open, Runtime};

/// What the engines below were told, in order.
static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn told() -> Vec<String> {
    std::mem::take(&mut *TOLD.lock().unwrap())
}

/// An engine whose contexts do nothing. One that can takes sections over.
struct Idle<const CAN: bool>;

impl<const CAN: bool> Engine for Idle<CAN> {
    const NAME: &'static str = if CAN { "open" } else { "fixed" };
    const EXTENSIONS: &'static [&'static str] = &[Self::NAME];
    type Context = Nothing;

    fn validate(config: View<'_>) -> Result<()> {
        let section = Section::new(config)?;
        section.int("size", 1..=9)?;
        section.finish()
    }

    fn new(_runtime: RuntimeHandle, config: View<'_>) -> Result<Self> {
        TOLD.lock().unwrap().push(format!("new {} {config:?}", Self::NAME));
        Ok(Idle)
    }

    fn reload(&self, config: View<'_>) -> Result<bool> {
        if CAN {
            TOLD.lock().unwrap().push(format!("reload {} {config:?}", Self::NAME));
        }
        Ok(CAN)
    }

    fn open(&self, _host: Host, _options: &ContextOptions) -> Result<Nothing> {
        Ok(Nothing)
    }
}

struct Nothing;

impl Context for Nothing {
    fn load(&self, _source: Source<'_>) -> Step {
        Step::Done(Ok(Value::Nil))
    }
    fn call(&self, _function: FunctionKey, _info: &CallInfo, _args: Args<'_>) -> Step {
        Step::Done(Ok(Value::Nil))
    }
    fn release(&self, _function: FunctionKey) {}
}

fn of(text: &str) -> Configuration {
    Configuration::of([&Manifest::parse(text, "app/calog.toml".as_ref()).expect("a manifest")])
}

/// One test, as what engines are told is one list.
#[test]
fn engines_read_their_sections_like_bundles() {
    let builder = || Runtime::builder().engine::<Idle<true>>().engine::<Idle<false>>();
    let refused = builder().configuration(of("[engines.open]\nsize = 10\n[engines.fixed]\nsise = 1")).start();
    assert_eq!(
        refused.err().expect("it is refused").to_string(),
        "2 failures:\n  provider 'engines.fixed' failed during validate: app/calog.toml:4:1: unknown key 'sise'; known \
         here: size\n  provider 'engines.open' failed during validate: app/calog.toml:2:1: 'size' is 10, wanted an integer \
         from 1 to 9"
    );
    let runtime = builder().configuration(of("[engines.open]\nsize = 1\n[engines.fixed]\nsize = 1")).start().unwrap();
    assert_eq!(told(), [""; 0], "none is made before a script needs it");
    let reload = |size: i64| {
        let text = format!("[engines.open]\nsize = {size}\n[engines.fixed]\nsize = {size}");
        let outcome = runtime.reloader().reload(of(&text));
        outcome.map(|it| it.failures.iter().map(ToString::to_string).collect::<Vec<_>>()).map_err(|it| it.to_string())
    };
    // What is not made yet is made with what is said by then.
    assert_eq!(reload(2), Ok(vec![]));
    for engine in ["open", "fixed"] {
        let context = runtime.open(Open::empty(engine)).unwrap();
        runtime.evaluate(&context, "").unwrap();
    }
    assert_eq!(told(), ["new open {size: 2}", "new fixed {size: 2}"]);
    assert_eq!(reload(2), Ok(vec![]), "nothing has changed");
    assert_eq!(told(), ["reload open {size: 2}"]);
    let once =
        "reload of 'engines.fixed' failed: its section has changed, which it reads only once: start the program again";
    assert_eq!(reload(3), Ok(vec![once.to_owned()]));
    assert_eq!(told(), ["reload open {size: 3}"]);
    assert!(reload(0).unwrap_err().contains("app/calog.toml:2:1: 'size' is 0"));
    assert_eq!(told(), [""; 0]);
    assert_eq!(runtime.reloader().reload_one("engines.open").map_err(|it| it.to_string()), Ok(()));
}
