//! A provider that does as it is told in each step, and notes what it was asked.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use calog::plugin_api::CancelToken;
use calog::providers::{
    BoxError, Error, Provider, Registry, ReloadState, Reloadable, Restart, Result, Runnable, priority,
};

/// What was asked of whom, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, line: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    /// All so far; the next look begins anew.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What the providers of a test share.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) log: Log,
    /// What its own reload does.
    pub(crate) deed: Mutex<Deed>,
}

impl ReloadState for Shared {
    fn reload(&self) -> Result<()> {
        self.log.add("reload state".into());
        let deed = *self.deed.lock().unwrap();
        deed.perform()
    }
}

/// What a step does.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) enum Deed {
    #[default]
    Fine,
    /// Fails with this text.
    Fail(&'static str),
    /// Fails with an error of the system's.
    Io,
    /// Fails with an error of calog's own kind.
    Typed(fn() -> Error),
    Panic,
    /// Runs until it is asked to end.
    UntilStopped,
    /// Does not return.
    Never,
}

impl Deed {
    pub(crate) fn perform(self) -> Result<()> {
        match self {
            Deed::Fine | Deed::UntilStopped => Ok(()),
            Deed::Fail(text) => Err(text.into()),
            Deed::Io => Err(io::Error::new(io::ErrorKind::NotFound, "no such file").into()),
            Deed::Typed(make) => Err(make().into()),
            Deed::Panic => panic!("as told"),
            Deed::Never => loop {
                std::thread::park();
            },
        }
    }
}

/// The provider.
pub(crate) struct Stub {
    pub(crate) name: &'static str,
    pub(crate) boot_priority: u8,
    pub(crate) run_priority: u8,
    pub(crate) reload_priority: u8,
    pub(crate) after: &'static [&'static str],
    pub(crate) before: &'static [&'static str],
    pub(crate) enabled: bool,
    pub(crate) validate: Deed,
    pub(crate) boot: Deed,
    pub(crate) reload: Option<Deed>,
    pub(crate) shutdown: Deed,
    pub(crate) limit: Duration,
    /// What its runs do, one after another; none is what does not run.
    pub(crate) runs: Vec<Deed>,
    pub(crate) restart: Restart,
    pub(crate) recoverable: bool,
    /// How many runs there were.
    pub(crate) ran: Mutex<usize>,
}

/// Longer than anything takes that ends.
pub(crate) const LONG: Duration = Duration::from_secs(600);

/// One that is fine in all steps.
pub(crate) fn stub(name: &'static str) -> Stub {
    Stub {
        name,
        boot_priority: priority::NORMAL,
        run_priority: priority::NORMAL,
        reload_priority: priority::NORMAL,
        after: &[],
        before: &[],
        enabled: true,
        validate: Deed::Fine,
        boot: Deed::Fine,
        reload: Some(Deed::Fine),
        shutdown: Deed::Fine,
        limit: LONG,
        runs: Vec::new(),
        restart: Restart::NEVER,
        recoverable: false,
        ran: Mutex::new(0),
    }
}

impl Stub {
    fn note(&self, state: &Shared, step: &str) {
        state.log.add(format!("{step} {}", self.name));
    }
}

impl Provider<Shared> for Stub {
    fn name(&self) -> &str {
        self.name
    }

    fn boot_priority(&self) -> u8 {
        self.boot_priority
    }

    fn after(&self) -> Vec<String> {
        self.after.iter().map(|name| name.to_string()).collect()
    }

    fn before(&self) -> Vec<String> {
        self.before.iter().map(|name| name.to_string()).collect()
    }

    fn is_enabled(&self, state: &Shared) -> bool {
        self.note(state, "start");
        self.enabled
    }

    fn validate(&self, state: &Shared) -> Result<()> {
        self.note(state, "validate");
        self.validate.perform()
    }

    fn boot(&self, state: &Shared) -> Result<()> {
        self.note(state, "boot");
        self.boot.perform()
    }

    fn shutdown(&self, state: &Shared) -> Result<()> {
        self.note(state, "shutdown");
        self.shutdown.perform()
    }

    fn shutdown_limit(&self) -> Duration {
        self.limit
    }

    fn as_runnable(&self) -> Option<&dyn Runnable<Shared>> {
        (!self.runs.is_empty()).then_some(self as _)
    }

    fn as_reloadable(&self) -> Option<&dyn Reloadable<Shared>> {
        self.reload.map(|_| self as _)
    }
}

impl Runnable<Shared> for Stub {
    fn priority(&self) -> u8 {
        self.run_priority
    }

    fn restart(&self) -> Restart {
        self.restart
    }

    fn is_recoverable(&self) -> bool {
        self.recoverable
    }

    fn run(&self, state: &Shared, stop: &CancelToken) -> Result<()> {
        let number = {
            let mut ran = self.ran.lock().unwrap();
            *ran += 1;
            *ran - 1
        };
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        state.log.add(format!("run {} on '{thread}'", self.name));
        let deed = self.runs.get(number).copied().unwrap_or(Deed::UntilStopped);
        if matches!(deed, Deed::UntilStopped) {
            stop.wait();
            self.note(state, "stopped");
        }
        deed.perform()
    }
}

impl Reloadable<Shared> for Stub {
    fn priority(&self) -> u8 {
        self.reload_priority
    }

    fn reload(&self, state: &Shared) -> Result<()> {
        self.note(state, "reload");
        self.reload.unwrap_or_default().perform()
    }
}

/// A registry of these.
pub(crate) fn registry(stubs: impl IntoIterator<Item = Stub>) -> (Registry<Shared>, Log) {
    let shared = Shared::default();
    let log = shared.log.clone();
    let registry = Registry::new(shared);
    for stub in stubs {
        registry.insert_named(Arc::new(stub)).expect("no two have one name");
    }
    (registry, log)
}

/// A registry of these that has booted; nothing of that is in the log.
pub(crate) fn booted(stubs: impl IntoIterator<Item = Stub>) -> (Registry<Shared>, Log) {
    let (registry, log) = registry(stubs);
    registry.boot_all().expect("they boot");
    log.take();
    (registry, log)
}

/// Who is told of what runs, as texts.
pub(crate) struct Told(Receiver<String>);

/// What hears notices, and who is told.
pub(crate) fn told() -> (impl Fn(calog::providers::Notice<'_>) + Send + Sync + 'static, Told) {
    use calog::providers::Notice;
    let (tell, told): (Sender<String>, _) = channel();
    let hear = move |notice: Notice<'_>| {
        let line = match notice {
            Notice::Fatal(error) => format!("fatal: {error}"),
            Notice::Recoverable(error) => format!("recoverable: {error}"),
            Notice::Restarted { name, error: Some(error) } => format!("again {name}: {error}"),
            Notice::Restarted { name, error: None } => format!("again {name}"),
            other => format!("{other:?}"),
        };
        // A test that has seen enough has left.
        let _ = tell.send(line);
    };
    (hear, Told(told))
}

impl Told {
    /// The next thing that is told.
    pub(crate) fn next(&self) -> String {
        self.0.recv_timeout(LONG).expect("something is told")
    }

    /// All that was told; nobody may tell anything any more.
    pub(crate) fn all(self) -> Vec<String> {
        self.0.iter().collect()
    }
}

/// The errors that lead to this one, itself first.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> Vec<String> {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect()
}

/// Any error as one.
pub(crate) fn any(error: impl Into<BoxError>) -> BoxError {
    error.into()
}
