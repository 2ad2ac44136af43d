//! Engines and bundles through their handles: every entry, every panic, and the header's bytes.

use std::cell::RefCell;
use std::mem::offset_of;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};

use calog_plugin_api::header::{Entry, Header, MAGIC};
use calog_plugin_api::host_side::{
    BundleEntry, BundleHandle, ContextHandle, EngineDescription, EngineEntry, EngineHandle, Entered, HostType,
    LoadedPlugin, PluginTable, promise,
};
use calog_plugin_api::prelude::*;
use calog_plugin_api::{Native, ObjectKey, Threading, WaitKey};

use crate::common::{Drops, callable, info, list, object, runtime, show};

/// A host that answers for one context and writes down what it heard.
#[derive(Default)]
struct TestHost {
    heard: RefCell<Vec<String>>,
    stop: AtomicU32,
    drops: Drops,
}

impl HostType for TestHost {
    fn runtime(&self) -> RuntimeHandle {
        runtime()
    }
    fn native_names(&self) -> Value {
        list(&["math.one".into()])
    }
    fn native(&self, index: usize) -> Option<Native> {
        (index == 0).then(|| calog_plugin_api::Function::new("math.one", || 1).build().unwrap())
    }
    fn function(&self, known: Option<FunctionKey>) -> Result<(Callable, FunctionKey)> {
        let key = known.map_or(41, |key| key.0 + 1);
        Ok((callable(key, &self.drops), FunctionKey(key)))
    }
    fn own_key(&self, callable: &Callable) -> Option<FunctionKey> {
        (callable.identity().key == 41).then_some(FunctionKey(41))
    }
    fn object(&self, _known: Option<ObjectKey>, type_name: &str, members: Value) -> (Object, ObjectKey) {
        self.heard.borrow_mut().push(format!("object {type_name} {members:?}"));
        (object(&self.drops), ObjectKey(8))
    }
    fn own_object_key(&self, _object: &Object) -> Option<ObjectKey> {
        None
    }
    fn wait(&self, completion: Completion, _info: &CallInfo) -> Result<Value> {
        completion.try_take().unwrap_or_else(|_| Err(Error::new(Code::Depth, "no pump here")))
    }
    fn watch(&self, completion: Completion, key: WaitKey, _info: &CallInfo) {
        self.heard.borrow_mut().push(format!("watch {} {}", completion.text(), key.0));
    }
    fn options(&self) -> ContextOptions {
        ContextOptions::new(Value::map([("name", "test")]).unwrap())
    }
    fn info(&self) -> calog_plugin_api::KeptInfo {
        info()
    }
    fn stop_flag(&self) -> &AtomicU32 {
        &self.stop
    }
    fn remaining_depth(&self) -> u32 {
        40
    }
    fn print(&self, bytes: &[u8]) {
        self.heard.borrow_mut().push(format!("print {}", bytes.escape_ascii()));
    }
    fn log(&self, level: Level, message: &str) {
        self.heard.borrow_mut().push(format!("{} {message}", level.word()));
    }
    fn report(&self, error: Error) {
        self.heard.borrow_mut().push(format!("report {error:?}"));
    }
}

/// An engine that does what its script's words say.
struct Obeys;

impl Engine for Obeys {
    const NAME: &'static str = "obeys";
    const LANGUAGE: &'static str = "orders";
    const EXTENSIONS: &'static [&'static str] = &["ord", "orders"];
    const THREADING: Threading = Threading::OneThread;
    type Context = Order;

    fn new(_runtime: RuntimeHandle, config: View<'_>) -> Result<Obeys> {
        assert!(config.field("panic").is_nil(), "in new");
        if config.field("fail").is_nil() { Ok(Obeys) } else { Err(Error::new(Code::Type, "bad configuration")) }
    }

    fn validate(config: View<'_>) -> Result<()> {
        assert!(config.field("panic").is_nil(), "in validate");
        let section = Section::new(config)?;
        section.flag("fail")?;
        section.finish()
    }

    fn reload(&self, config: View<'_>) -> Result<bool> {
        assert!(config.field("panic").is_nil(), "in reload");
        Section::new(config)?.flag("can").map(|can| can == Some(true))
    }

    fn open(&self, host: Host, options: &ContextOptions) -> Result<Order> {
        assert!(options.name() != "panic", "in open");
        if options.name() == "fail" {
            return Err(Error::new(Code::Io, "cannot open"));
        }
        Ok(Order { host, bad_drop: options.name() == "bad drop" })
    }
}

struct Order {
    host: Host,
    bad_drop: bool,
}

impl Order {
    fn obey(&self, order: &str) -> Step {
        match order {
            "panic" => panic!("as ordered"),
            "fail" => Step::Done(Err(Error::new(Code::Script, "as ordered"))),
            "wait" => Step::Waiting { task: TaskKey(5), on: promise("an order", true, None).0 },
            "yield" => Step::Yielded { task: TaskKey(6), value: 7.into() },
            other => Step::Done(Ok(other.into())),
        }
    }

    fn must_obey(number: u64) {
        assert!(number != 13, "as ordered");
    }
}

impl Drop for Order {
    fn drop(&mut self) {
        self.host.log(Level::Info, "closed");
        assert!(!self.bad_drop, "in drop");
    }
}

impl Context for Order {
    fn load(&self, source: Source<'_>) -> Step {
        let text = match source.as_str() {
            Ok(text) => text,
            Err(error) => return Step::Done(Err(error)),
        };
        match text {
            "source" => {
                let folder = source.folder().map(|it| it.display().to_string());
                let text = format!("{:?} {} {} {folder:?}", source.mode, source.name, source.path);
                Step::Done(Ok(text.into()))
            }
            order => self.obey(order),
        }
    }
    fn call(&self, function: FunctionKey, _info: &CallInfo, args: Args<'_>) -> Step {
        match args.get(0).as_str() {
            Some(order) => self.obey(order),
            None => Step::Done(Value::list([Value::Int(function.0 as i64), args.get(0).to_value()])),
        }
    }
    fn release(&self, function: FunctionKey) {
        Order::must_obey(function.0);
    }
    fn method(&self, _object: ObjectKey, member: &str, _info: &CallInfo, _args: Args<'_>) -> Step {
        self.obey(member)
    }
    fn release_object(&self, object: ObjectKey) {
        Order::must_obey(object.0);
    }
    fn resume(&self, _key: WaitKey, result: Result<Value>) -> Step {
        match result {
            Ok(value) => self.obey(value.view().as_str().unwrap_or("nothing")),
            Err(error) => Step::Done(Err(error.inside("resumed"))),
        }
    }
    fn abandon(&self, task: TaskKey) {
        Order::must_obey(task.0);
    }
    fn memory_used(&self) -> u64 {
        1024
    }
    fn set_memory_limit(&self, bytes: u64) -> bool {
        assert!(bytes != 13, "as ordered");
        true
    }
    fn signature(&self, function: FunctionKey) -> Option<Descriptor> {
        Order::must_obey(function.0);
        (function.0 == 1).then(|| Descriptor::method("first"))
    }
    fn is_complete(&self, input: &str) -> bool {
        assert!(input != "panic", "as ordered");
        !input.ends_with('(')
    }
    fn site(&self) -> Option<Frame> {
        Some(Frame { file: "here".into(), line: 3, ..Frame::default() })
    }
}

fn open(name: &str) -> (Result<ContextHandle>, Arc<TestHost>) {
    let engine = EngineHandle::new(Obeys);
    #[allow(clippy::arc_with_non_send_sync)]
    let host = Arc::new(TestHost::default());
    let options = ContextOptions::new(Value::map([("name", name)]).unwrap());
    (engine.open(Host::new(host.clone()), &options), host)
}

fn load(context: &ContextHandle, text: &[u8]) -> String {
    let info = info();
    let source = Source { mode: SourceMode::Eval, name: "a.ord", path: "", text, info: &info };
    step(context.load(&source))
}

fn step(entered: Result<Entered>) -> String {
    match entered {
        Err(error) => format!("dead: {error:?}"),
        Ok(Entered::Done(outcome)) => match outcome.settled() {
            Ok(result) => format!("done: {}", show(&result)),
            Err(on) => format!("done, but waits for {}", on.text()),
        },
        Ok(Entered::Waiting(task, on)) => format!("task {} waits for {}", task.0, on.text()),
        Ok(Entered::Yielded(task, value)) => format!("task {} yielded {value:?}", task.0),
    }
}

#[test]
fn every_step_crosses() {
    let (context, _host) = open("main");
    let context = context.unwrap();
    for (order, answer) in [
        ("hello", r#"done: "hello""#),
        ("fail", "done: script: as ordered"),
        ("wait", "task 5 waits for an order"),
        ("yield", "task 6 yielded 7"),
        ("panic", "dead: panic: panicked: as ordered"),
    ] {
        let text = Value::from(order);
        let info = info();
        assert_eq!(load(&context, order.as_bytes()), answer, "load");
        assert_eq!(step(context.call(FunctionKey(1), &info, Args::new(&[text.view()]))), answer, "call");
        assert_eq!(step(context.method(ObjectKey(1), order, &info, Args::new(&[]))), answer, "method");
        assert_eq!(step(context.resume(WaitKey(1), Ok(text.clone()))), answer, "resume");
    }
    let called = context.call(FunctionKey(u64::MAX >> 1), &info(), Args::new(&[View::int(2)]));
    assert_eq!(step(called), "done: [9223372036854775807, 2]");
    let resumed = context.resume(WaitKey(1), Err(Error::new(Code::Timeout, "late")));
    assert_eq!(step(resumed), "done: timeout: resumed: late");
}

#[test]
fn panics_in_plain_entries_are_told() {
    let (context, _host) = open("main");
    let context = context.unwrap();
    for number in [1, 13] {
        let sound = number != 13;
        let codes = [
            context.release(FunctionKey(number)),
            context.abandon(TaskKey(number)),
            context.release_object(ObjectKey(number)),
        ];
        for result in codes {
            assert_eq!(result.map_err(|error| error.code()), if sound { Ok(()) } else { Err(Code::Panic) });
        }
        assert_eq!(context.set_memory_limit(number), sound);
    }
    assert_eq!(context.memory_used(), 1024);
    assert_eq!(context.signature(FunctionKey(1)).map(|it| it.name).as_deref(), Some("first"));
    assert_eq!((context.signature(FunctionKey(2)), context.signature(FunctionKey(13))), (None, None));
    assert_eq!(["f()", "f(", "panic"].map(|input| context.is_complete(input)), [true, false, true]);
    assert_eq!(context.site().map(|frame| frame.to_string()).as_deref(), Some("here:3"));
}

#[test]
fn making_and_dropping_contain_panics() {
    for (name, answer) in [("fail", "io: cannot open"), ("panic", "panic: panicked: in open")] {
        let (context, host) = open(name);
        let error = context.map(drop).unwrap_err();
        assert_eq!(format!("{error:?}"), answer);
        assert_eq!(Arc::strong_count(&host), 1, "the host handle went with the failure");
    }
    for name in ["main", "bad drop"] {
        let (context, host) = open(name);
        drop(context.unwrap());
        assert_eq!(*host.heard.borrow(), ["info closed"], "{name}");
    }
}

#[test]
fn a_source_crosses_whole() {
    let (context, _host) = open("main");
    let context = context.unwrap();
    let info = info();
    for mode in [SourceMode::File, SourceMode::Eval, SourceMode::Repl, SourceMode::Check] {
        let source = Source { mode, name: "ä.ord", path: "/somewhere/x/ä.ord", text: b"source", info: &info };
        let text = format!("done: {:?}", format!("{mode:?} ä.ord /somewhere/x/ä.ord Some(\"/somewhere/x\")"));
        assert_eq!(step(context.load(&source)), text);
    }
    let source = Source { mode: SourceMode::Eval, name: "", path: "", text: b"source", info: &info };
    assert_eq!(step(context.load(&source)), r#"done: "Eval   None""#);
    assert_eq!(load(&context, b"one\ntwo\n\xff"), "done: script: the source is not valid UTF-8 from here on");
    let bad = Source { text: b"one\ntwo\n\xff", ..source };
    assert_eq!(bad.as_str().unwrap_err().frames().next().map(|frame| frame.line), Some(3));
}

#[test]
fn a_context_reaches_its_host() {
    #[allow(clippy::arc_with_non_send_sync)]
    let inner = Arc::new(TestHost::default());
    let host = Host::new(inner.clone());
    let info = host.info().unwrap();
    assert_eq!((host.runtime().unwrap().id(), host.remaining_depth(), host.stopping()), (7, 40, false));
    inner.stop.store(1, std::sync::atomic::Ordering::Relaxed);
    assert!(host.stopping());
    assert_eq!(format!("{:?}", host.native_names()), r#"["math.one"]"#);
    assert_eq!(host.native(0).unwrap().descriptor().name, "math.one");
    assert_eq!(host.native(1).map(drop).unwrap_err().code(), Code::NotFound);
    let (function, key) = host.function(None).unwrap();
    assert_eq!((key, host.own_key(&function)), (FunctionKey(41), Some(key)));
    let (other, key) = host.function(Some(key)).unwrap();
    assert_eq!((key, host.own_key(&other)), (FunctionKey(42), None));
    let members = list(&[Descriptor::method("m").to_value().unwrap()]);
    let (thing, key) = host.object(None, "T", &members).unwrap();
    assert_eq!((key, host.own_object_key(&thing)), (ObjectKey(8), None));
    let (completion, finisher) = promise("it", true, None);
    finisher.finish(Ok(3.into())).unwrap();
    assert_eq!(show(&host.wait(completion, &info)), "3");
    assert_eq!(show(&host.wait(promise("it", true, None).0, &info)), "depth: no pump here");
    host.watch(promise("a bell", true, None).0, WaitKey(6), &info);
    host.print(b"a\xff");
    host.log(Level::Debug, "line");
    host.report(&Error::new(Code::Script, "oops"));
    assert_eq!((host.options().name(), host.options().script(), host.options().lenient()), ("test", "", false));
    let heard = inner.heard.borrow()[1..].join("; ");
    assert_eq!(heard, r"watch a bell 6; print a\xff; debug line; report script: oops");
    drop((function, other, thing));
    assert_eq!(inner.drops.count(), 3);
}

fn tools() -> Bundle {
    Bundle::new("tools")
        .function("one", || 1)
        .function("two", || 2)
        .validate(
            |config| if config.is_nil() { Ok(()) } else { Err(Error::new(Code::Type, "no configuration wanted")) },
        )
        .boot(50, |_, _| panic!("at boot"))
        .shutdown(200, || Ok(()))
}

fn broken(_runtime: RuntimeHandle) -> Result<Bundle> {
    Err(Error::new(Code::Io, "no device"))
}

fn bad() -> Bundle {
    panic!("in making")
}

#[test]
fn a_bundle_through_its_handle() {
    use calog_plugin_api::Hook;
    let bundle = BundleHandle::new(tools().check().unwrap());
    let names: Vec<String> = bundle.natives().unwrap().iter().map(|native| native.descriptor().name).collect();
    assert_eq!(names, ["tools.one", "tools.two"]);
    let priorities = Hook::ALL.map(|hook| bundle.priority(hook));
    assert_eq!(priorities, [Some(100), Some(50), None, None, Some(200)]);
    let run = |hook, config: &Value| bundle.hook(hook, &runtime(), config.view(), None).map_err(|it| it.to_string());
    assert_eq!(run(Hook::Validate, &Value::Nil), Ok(()));
    assert_eq!(run(Hook::Validate, &Value::Int(1)), Err("no configuration wanted".into()));
    assert_eq!(run(Hook::Boot, &Value::Nil), Err("panicked: at boot".into()));
    assert_eq!((run(Hook::Run, &Value::Nil), run(Hook::Shutdown, &Value::Nil)), (Ok(()), Ok(())));
}

#[test]
fn what_a_bundle_asks_for_in_its_life_goes_through_its_handle() {
    let asks = |config: View<'_>| {
        assert!(config.field("panic").is_nil(), "in asking");
        Lifecycle::new().after([config.field("after").as_str().unwrap_or("nobody")]).recoverable()
    };
    let asking = BundleHandle::new(Bundle::new("asks").lifecycle(asks).check().unwrap());
    let config = Value::map([("after", "net")]).unwrap();
    assert_eq!(asking.lifecycle(config.view()), Lifecycle::new().after(["net"]).recoverable());
    let panics = Value::map([("panic", true)]).unwrap();
    for (bundle, config) in [(&asking, &panics), (&BundleHandle::new(tools().check().unwrap()), &Value::Nil)] {
        assert_eq!(bundle.lifecycle(config.view()), Lifecycle::default());
    }
}

#[test]
fn an_error_about_a_key_keeps_it_on_its_way() {
    let validate = |_: View<'_>| Err(Error::new(Code::Range, "too large").at_key("a.b").inside("'a'"));
    let bundle = BundleHandle::new(Bundle::new("keys").validate(validate).check().unwrap());
    let error = bundle.hook(calog_plugin_api::Hook::Validate, &runtime(), View::NIL, None).unwrap_err();
    assert_eq!((error.key().as_deref(), &*error.message()), (Some("a.b"), "'a': too large"));
    assert_eq!(error.with_help("less").with_frame(Frame::default()).key().as_deref(), Some("a.b"));
    assert_eq!(Error::new(Code::Range, "x").key(), None);
}

#[test]
fn an_engine_looks_at_sections_before_it_is_made_and_after() {
    let plugin = LoadedPlugin::compiled_in(&TABLE);
    let map = |key: &str| Value::map([(key, true)]).unwrap();
    let validate =
        |name: &str, config: Value| plugin.validate_engine(name, config.view()).map_err(|error| format!("{error:?}"));
    assert_eq!((validate("obeys", Value::Nil), validate("obeys", map("fail"))), (Ok(()), Ok(())));
    assert_eq!(validate("obeys", map("x")), Err("not_found: unknown key 'x'; known here: fail".into()));
    assert_eq!(validate("obeys", map("panic")), Err("panic: panicked: in validate".into()));
    assert!(validate("tools", Value::Nil).unwrap_err().starts_with("not_found"));
    let engine = plugin.engine("obeys", runtime(), View::NIL).unwrap();
    let reload = |config: Value| engine.reload(config.view()).map_err(|error| format!("{error:?}"));
    assert_eq!((reload(map("can")), reload(Value::Nil)), (Ok(true), Ok(false)));
    assert_eq!(reload(Value::Int(1)), Err("type: the section is 1, wanted a table".into()));
    assert_eq!(reload(map("panic")), Err("panic: panicked: in reload".into()));
}

static TABLE: PluginTable = PluginTable::new(
    &[&[EngineEntry::of::<Obeys>()], &[]],
    &[&[], &[BundleEntry::of("tools", &tools)], &[BundleEntry::of("broken", &broken)], &[BundleEntry::of("bad", &bad)]],
);

#[test]
fn a_plugins_table_gives_engines_and_bundles_by_name() {
    let plugin = LoadedPlugin::compiled_in(&TABLE);
    let engine = |name: &str, config: Value| {
        plugin.engine(name, runtime(), config.view()).map(drop).map_err(|error| format!("{error:?}"))
    };
    let config = |key: &str| Value::map([(key, true)]).unwrap();
    assert_eq!(engine("obeys", Value::Nil), Ok(()));
    assert_eq!(engine("obeys", config("fail")), Err("type: bad configuration".into()));
    assert_eq!(engine("obeys", config("panic")), Err("panic: panicked: in new".into()));
    assert!(engine("tools", Value::Nil).unwrap_err().starts_with("not_found"));
    let bundle = |name: &str| plugin.bundle(name, runtime()).map(drop).map_err(|error| format!("{error:?}"));
    assert_eq!(bundle("tools"), Ok(()));
    assert_eq!(bundle("broken"), Err("io: no device".into()));
    assert_eq!(bundle("bad"), Err("panic: panicked: in making".into()));
    assert!(bundle("obeys").unwrap_err().starts_with("not_found"));
}

#[test]
fn an_engine_in_words() {
    let description = EngineDescription::of::<Obeys>();
    assert_eq!((description.name.as_str(), description.language.as_str()), ("obeys", "orders"));
    assert_eq!(
        (description.extensions.join(" ").as_str(), description.threading),
        ("ord orders", Threading::OneThread)
    );
}

#[test]
fn the_header_has_the_bytes_of_the_document() {
    let header = Header::new("a plugin", "1.2.3", true, &[Entry::engine::<Obeys>(), Entry::bundle("tools")]);
    let until_zero = |bytes: &[u8]| String::from_utf8(bytes.split(|&byte| byte == 0).next().unwrap().to_vec()).unwrap();
    assert_eq!((size_of::<Header>(), size_of::<Entry>()), (3304, 192));
    let offsets = [
        offset_of!(Header, size),
        offset_of!(Header, abi_major),
        offset_of!(Header, abi_minor),
        offset_of!(Header, value_format),
        offset_of!(Header, api_version),
        offset_of!(Header, name),
        offset_of!(Header, version),
        offset_of!(Header, target),
        offset_of!(Header, panic),
        offset_of!(Header, entry_count),
        offset_of!(Header, entries),
    ];
    assert_eq!(offsets, [16, 20, 24, 28, 32, 64, 128, 160, 224, 225, 232]);
    let entry = [offset_of!(Entry, name), offset_of!(Entry, language), offset_of!(Entry, extensions)];
    assert_eq!(entry, [8, 56, 104]);
    assert_eq!((header.magic, header.size, header.panic, header.entry_count), (MAGIC, 3304, 1, 2));
    assert_eq!(Header::new("p", "1", false, &[]).panic, 2);
    let (engine, bundle) = (&header.entries[0], &header.entries[1]);
    assert_eq!((engine.kind, engine.threading, bundle.kind, header.entries[2].kind), (1, 1, 2, 0));
    let texts = [&engine.name[..], &engine.language, &engine.extensions, &bundle.name, &header.version].map(until_zero);
    assert_eq!(texts, ["obeys", "orders", "ord orders", "tools", "1.2.3"]);
    assert!(header.target.starts_with(std::env::consts::ARCH.as_bytes()));
}

#[test]
fn contexts_stay_usable_after_another_one_panicked() {
    let engine = EngineHandle::new(Obeys);
    let heard = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for order in ["panic", "hello"] {
            let (engine, heard) = (engine.clone(), &heard);
            scope.spawn(move || {
                #[allow(clippy::arc_with_non_send_sync)]
                let host = Host::new(Arc::new(TestHost::default()));
                let context = engine.open(host, &ContextOptions::default()).unwrap();
                heard.lock().unwrap().push(load(&context, order.as_bytes()));
            });
        }
    });
    let mut heard = heard.into_inner().unwrap();
    heard.sort();
    assert_eq!(heard, ["dead: panic: panicked: as ordered", r#"done: "hello""#]);
}
