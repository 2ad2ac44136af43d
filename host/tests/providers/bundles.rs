//! Bundles, engines and a program's own services are providers of one registry: the runtime's.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calog::manifest::Manifest;
use calog::plugin_api::prelude::*;
use calog::providers::{self, Provider, Reloadable};
use calog::{Bundle, Configuration, Ended, Lost, Runtime, RuntimeBuilder, Surroundings};

use crate::stub::Log;

/// A bundle that notes each step with what it is told, and asks for what its section says.
fn noting(name: &'static str, log: &Log) -> impl Fn() -> Bundle + Send + Sync + 'static {
    let log = log.clone();
    move || {
        let note = |step: &'static str| {
            let log = log.clone();
            move |config: View<'_>| log.add(format!("{step} {name} {config:?}"))
        };
        let [validate, boot, reload] = ["validate", "boot", "reload"].map(note);
        let end = log.clone();
        Bundle::new(name)
            .lifecycle(|config| {
                let list = |key| {
                    let list = config.field(key).as_aggregate();
                    list.into_iter().flat_map(|list| list.elements()).filter_map(|it| it.as_str()).collect::<Vec<_>>()
                };
                Lifecycle::new().after(list("after")).before(list("before"))
            })
            .validate(move |config| {
                validate(config);
                let section = Section::new(config)?;
                section.value("after");
                section.value("before");
                section.int("size", 1..=10)?;
                section.finish()
            })
            .boot(priority::NORMAL, move |_, config| {
                boot(config);
                Ok(())
            })
            .reload(priority::NORMAL, move |config| {
                reload(config);
                if config.field("size").as_int() == Some(9) {
                    return Err(Error::new(Code::Range, "nine is a bad size"));
                }
                Ok(())
            })
            .shutdown(priority::NORMAL, move || {
                end.add(format!("shutdown {name}"));
                Ok(())
            })
    }
}

fn build(more: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder) -> (Result<Runtime, providers::Failures>, Log) {
    let log = Log::default();
    let builder = Runtime::builder().bundle("a", noting("a", &log)).bundle("b", noting("b", &log));
    (more(builder).start(), log)
}

fn parse(text: &str) -> Manifest {
    Manifest::parse(text, "app/calog.toml".as_ref()).expect("a manifest")
}

#[test]
fn bundles_live_one_life_each_with_its_section() {
    let manifest = parse("[natives.a]\nafter = ['b']\nsize = 3");
    let (runtime, log) = build(|builder| builder.configuration(Configuration::of([&manifest])));
    let runtime = runtime.unwrap();
    let section = "{after: [\"b\"], size: 3}";
    let wanted =
        ["validate b nil".into(), format!("validate a {section}"), "boot b nil".into(), format!("boot a {section}")];
    assert_eq!(log.take(), wanted);
    assert_eq!(runtime.providers().list_names(), ["a", "b"]);
    assert_eq!(runtime.close(Duration::from_secs(60)).lost, Vec::<Lost>::new());
    assert_eq!(log.take(), ["shutdown a", "shutdown b"]);
}

#[test]
fn what_is_wrong_with_sections_is_told_with_key_and_line_all_at_once() {
    let manifest = parse("\n[natives.a]\nsize = 11\n\n[natives.b]\n  colour = 'red'\n");
    let (runtime, log) = build(|builder| builder.configuration(Configuration::of([&manifest])));
    let failures = runtime.err().expect("it is refused");
    let texts: Vec<String> = failures.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "provider 'a' failed during validate: app/calog.toml:3:1: 'size' is 11, wanted an integer from 1 to 10",
            "provider 'b' failed during validate: app/calog.toml:6:3: unknown key 'colour'; known here: after, before, \
             size",
        ]
    );
    let log = log.take();
    assert!(log.iter().all(|line| line.starts_with("validate")), "nothing boots, so nothing ends: {log:?}");
}

#[test]
fn bundles_that_wait_for_each_other_are_told_so() {
    let manifest = parse("[natives]\na = { after = ['b'] }\nb = { after = ['a'] }");
    let (runtime, log) = build(|builder| builder.configuration(Configuration::of([&manifest])));
    assert_eq!(
        runtime.err().expect("it is refused").to_string(),
        "providers wait for each other: 'a' after 'b' after 'a'"
    );
    assert!(log.take().iter().all(|line| line.starts_with("validate")));
}

/// A service of the program's own.
struct Service {
    log: Log,
    boots: bool,
}

impl Provider<Surroundings> for Service {
    fn name(&self) -> &str {
        "service"
    }

    fn after(&self) -> Vec<String> {
        vec!["a".into()]
    }

    fn before(&self) -> Vec<String> {
        vec!["b".into()]
    }

    fn boot(&self, state: &Surroundings) -> providers::Result<()> {
        self.log.add(format!("boot service {}", state.configuration().of_bundle("a").view().field("size").is_nil()));
        if self.boots { Ok(()) } else { Err("not today".into()) }
    }

    fn as_reloadable(&self) -> Option<&dyn Reloadable<Surroundings>> {
        Some(self)
    }
}

impl Reloadable<Surroundings> for Service {
    fn reload(&self, state: &Surroundings) -> providers::Result<()> {
        self.log.add(format!("reload service {:?}", state.configuration().of_bundle("a")));
        Ok(())
    }
}

#[test]
fn a_programs_own_service_boots_between_bundles() {
    for boots in [true, false] {
        let own: Arc<Mutex<Option<Log>>> = Arc::default();
        let (runtime, log) = build(|builder| {
            let log = Log::default();
            *own.lock().unwrap() = Some(log.clone());
            builder.provider(Arc::new(Service { log, boots }))
        });
        let service = own.lock().unwrap().take().unwrap();
        assert_eq!(service.take(), ["boot service true"]);
        let bundles = log.take();
        if boots {
            let runtime = runtime.unwrap();
            assert!(runtime.providers().resolve::<Service>().is_some());
            assert_eq!(bundles[2..], ["boot a nil", "boot b nil"]);
        } else {
            let error = runtime.err().expect("it does not boot").to_calog();
            assert_eq!(error.message(), "provider 'service' failed during boot: not today");
            assert_eq!(bundles[2..], ["boot a nil", "shutdown a"], "what had booted is shut down, and nobody else");
        }
    }
}

#[test]
fn a_changed_configuration_is_validated_whole_before_anybody_takes_it_over() {
    let programs_own: Arc<Mutex<Vec<String>>> = Arc::default();
    let (first, second) = (parse("[natives.a]\nsize = 1"), "[natives.a]\nsize = 2\n[natives.b]\nsize = 9");
    let own = Arc::clone(&programs_own);
    let (runtime, log) = build(|builder| {
        builder.configuration(Configuration::of([&first])).on_reload(move |configuration| {
            own.lock().unwrap().push(format!("{:?}", configuration.of_bundle("a")));
            if configuration.of_bundle("a").view().field("size").as_int() == Some(7) {
                Err("not seven".into())
            } else {
                Ok(())
            }
        })
    });
    let runtime = runtime.unwrap();
    let reloader = runtime.reloader();
    let current = || format!("{:?}", runtime.providers().state().configuration().of_bundle("a"));
    log.take();

    // One that is wrong leaves everything as it was.
    let refused = reloader.reload(Configuration::of([&parse("[natives.a]\nsize = 2\n[natives.b]\nsise = 2")]));
    assert!(refused.unwrap_err().to_string().contains("app/calog.toml:4:1: unknown key 'sise'"));
    assert_eq!(log.take(), ["validate a {size: 2}", "validate b {sise: 2}"]);
    assert_eq!((current().as_str(), programs_own.lock().unwrap().len()), ("{size: 1}", 0));

    // So does one that the program itself does not take.
    let refused = reloader.reload(Configuration::of([&parse("[natives.a]\nsize = 7")]));
    assert_eq!(refused.unwrap_err().to_string(), "not seven");
    assert_eq!(log.take(), ["validate a {size: 7}", "validate b nil"]);
    assert_eq!(current(), "{size: 1}");

    // One that is right is everybody's; who fails then is told of, and holds up nobody.
    let old = runtime.providers().state().configuration();
    let outcome = reloader.reload(Configuration::of([&parse(second)])).unwrap();
    assert_eq!(log.take()[2..], ["reload a {size: 2}", "reload b {size: 9}"]);
    assert_eq!(outcome.reloaded, ["a"]);
    assert_eq!(outcome.failures[0].to_string(), "reload of 'b' failed: nine is a bad size");
    assert_eq!(current(), "{size: 2}");
    assert_eq!(format!("{:?}", old.of_bundle("a")), "{size: 1}", "who holds the old one has it whole");
    assert_eq!(*programs_own.lock().unwrap(), ["{size: 7}", "{size: 2}"]);
    assert_eq!(
        reloader.reload_one("c").unwrap_err().to_string(),
        "reload_by_name: no provider registered with name 'c'"
    );
}

#[test]
fn a_bundle_without_a_hook_for_it_keeps_what_it_has_and_is_named() {
    let quiet = || Bundle::new("quiet");
    let runtime = Runtime::builder().bundle("quiet", quiet).build().unwrap();
    let reload = |size: i64| {
        let section = Value::map([("size", size)]).unwrap();
        runtime.reloader().reload(Configuration::default().bundle("quiet", section)).unwrap().kept
    };
    assert_eq!((reload(1), reload(1), reload(2)), (vec!["quiet".to_owned()], vec![], vec!["quiet".to_owned()]));
    assert_eq!(
        runtime.reloader().reload_one("quiet").unwrap_err().to_string(),
        "reload_by_name: provider 'quiet' is not reloadable"
    );
}

/// A bundle whose run hook does this at each start, and says that it runs.
fn running(
    life: Lifecycle,
    ends: Vec<Result<(), &'static str>>,
    started: Sender<()>,
) -> impl Fn() -> Bundle + Send + Sync + 'static {
    let (ends, started) = (Arc::new(Mutex::new(ends)), Mutex::new(started));
    let started = Arc::new(started);
    move || {
        let (ends, started, life) = (Arc::clone(&ends), Arc::clone(&started), life.clone());
        Bundle::new("runs").lifecycle(move |_| life.clone()).run(priority::NORMAL, move |_, stop| {
            // A test that has seen enough has left.
            let _ = started.lock().unwrap().send(());
            let end = { ends.lock().unwrap().pop() };
            match end {
                None => stop.wait(),
                Some(Err("panic")) => panic!("as told"),
                Some(Err(message)) => return Err(Error::new(Code::Io, message)),
                Some(Ok(())) => {}
            }
            Ok(())
        })
    }
}

/// What a program comes to beside such a bundle: how it ends, what it is told, how often it was started.
fn run(life: Lifecycle, ends: &[Result<(), &'static str>]) -> (Ended, Vec<String>, usize) {
    let (started, starts) = channel();
    let errors: std::rc::Rc<std::cell::RefCell<Vec<String>>> = std::rc::Rc::default();
    let seen = std::rc::Rc::clone(&errors);
    let mut left = ends.to_vec();
    left.reverse();
    let runtime = Runtime::builder()
        .bundle("runs", running(life, left, started))
        .on_error(move |_, error| seen.borrow_mut().push(format!("{}: {}", error.code(), error.message())))
        .build()
        .unwrap();
    let fatal = ends.last().is_some_and(Result::is_err);
    // Until it has come to rest: to its end, or to a run that goes on.
    let mut times = 0;
    for _ in 0..ends.len() + usize::from(!fatal) {
        if starts.recv_timeout(crate::stub::LONG).is_ok() {
            times += 1;
        }
    }
    if fatal {
        // The program's end comes from the thread that runs.
        let _alive = runtime.handle().keep_alive();
        let ended = runtime.run();
        runtime.close(crate::stub::LONG);
        let told = errors.borrow().clone();
        return (ended, told, times);
    }
    let ended = runtime.run();
    runtime.close(crate::stub::LONG);
    let told = errors.borrow().clone();
    (ended, told, times)
}

#[test]
fn a_bundle_that_fails_ends_the_program_with_one_unless_it_asks_for_otherwise() {
    let told = |text: &str| vec![format!("io: runnable 'runs' failed: {text}")];
    let on_failure = Lifecycle::new().restart(Restart::on_failure().bounded(1, crate::stub::LONG));
    for (life, ends, wanted) in [
        (Lifecycle::new(), &[Err("m")][..], (Ended::Exit(1), told("m"), 1)),
        (
            Lifecycle::new(),
            &[Err("panic")],
            (Ended::Exit(1), vec!["panic: runnable 'runs' failed: panicked: as told".into()], 1),
        ),
        (on_failure.clone(), &[Err("m"), Err("n")], (Ended::Exit(1), told("n"), 2)),
        (on_failure.recoverable(), &[Err("m"), Err("n")], (Ended::Exit(1), told("n"), 2)),
        (Lifecycle::new().restart(Restart::always()), &[Ok(()), Ok(())], (Ended::Idle, vec![], 3)),
        (Lifecycle::new().restart(Restart::on_failure()), &[], (Ended::Idle, vec![], 1)),
    ] {
        assert_eq!(run(life.clone(), ends), wanted, "{life:?} {ends:?}");
    }
}

#[test]
fn a_recoverable_failure_is_not_the_programs_end() {
    let (started, starts) = channel();
    let mends = move || {
        let started = started.clone();
        let fails = move |_: &RuntimeHandle, _: &CancelToken| {
            // The test waits for it.
            let _ = started.send(());
            Err(Error::new(Code::Io, "m"))
        };
        Bundle::new("mends").lifecycle(|_| Lifecycle::new().recoverable()).run(priority::NORMAL, fails)
    };
    let runtime = Runtime::builder().bundle("mends", mends).build().unwrap();
    starts.recv_timeout(crate::stub::LONG).unwrap();
    // No other thread of this process has that name: what becomes of it is decided when it is gone.
    let runs = || {
        let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        let names = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("comm")).ok());
        names.into_iter().any(|name| name.trim_end() == "calog mends")
    };
    while runs() {
        runtime.pump_for(Duration::from_millis(1));
    }
    assert_eq!(runtime.run(), Ended::Idle);
}

#[test]
fn a_bundle_that_is_disabled_does_not_run() {
    let (started, starts) = channel();
    let bundle = running(Lifecycle::new().enabled(false), vec![], started);
    let runtime = Runtime::builder().bundle("runs", bundle).build().unwrap();
    assert!(runtime.providers().named("runs").is_some());
    drop(runtime);
    assert!(starts.try_recv().is_err());
}
