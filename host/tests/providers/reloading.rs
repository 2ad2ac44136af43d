//! Taking a changed state over.

use std::sync::{Arc, Mutex, Weak};

use calog::providers::{Error, Provider, Registry, Reloadable, Result};

use crate::stub::{Deed, Shared, Stub, any, booted, chain, stub};

fn theirs() -> Error {
    Error::Boot { name: "other".into(), source: any("typed") }
}

#[test]
fn one_is_reloaded_by_its_name() {
    let (registry, log) = booted([
        stub("fine"),
        Stub { reload: None, ..stub("fixed") },
        Stub { reload: Some(Deed::Io), ..stub("bad") },
        Stub { reload: Some(Deed::Panic), ..stub("mad") },
        Stub { reload: Some(Deed::Typed(theirs)), ..stub("typed") },
    ]);
    for (name, wanted) in [
        ("fine", Ok(())),
        ("nobody", Err("reload_by_name: no provider registered with name 'nobody'")),
        ("fixed", Err("reload_by_name: provider 'fixed' is not reloadable")),
        ("bad", Err("reload of 'bad' failed: no such file")),
        ("mad", Err("reload of 'mad' failed: panicked: as told")),
        ("typed", Err("provider 'other' failed during boot: typed")),
    ] {
        let reloaded = registry.reload_one(name).map_err(|error| error.to_string());
        assert_eq!(reloaded.as_ref().map_err(String::as_str), wanted.as_ref().map_err(|it| *it), "{name}");
    }
    assert_eq!(log.take(), ["reload fine", "reload bad", "reload mad", "reload typed"], "and not the state");
    assert_eq!(chain(&registry.reload_one("bad").unwrap_err()).last().map(String::as_str), Some("no such file"));
}

#[test]
fn all_are_reloaded_after_the_state_and_every_failure_is_told() {
    let (registry, log) = booted([
        Stub { reload: Some(Deed::Fail("m")), ..stub("b") },
        Stub { reload: None, ..stub("c") },
        Stub { reload: Some(Deed::Panic), ..stub("d") },
        Stub { reload_priority: 255, ..stub("a") },
        stub("e"),
    ]);
    let outcome = registry.reload_all().unwrap();
    assert_eq!(log.take(), ["reload state", "reload b", "reload d", "reload e", "reload a"]);
    assert_eq!(outcome.reloaded, ["e", "a"]);
    let failures: Vec<String> = outcome.failures.iter().map(ToString::to_string).collect();
    assert_eq!(failures, ["reload of 'b' failed: m", "reload of 'd' failed: panicked: as told"]);
}

#[test]
fn nobody_is_reloaded_when_the_state_is_not() {
    let (registry, log) = booted([stub("a")]);
    for (deed, wanted) in [
        (Deed::Fail("no file"), "no file"),
        (Deed::Panic, "panicked: as told"),
        (Deed::Typed(theirs), "provider 'other' failed during boot: typed"),
    ] {
        *registry.state().deed.lock().unwrap() = deed;
        assert_eq!(registry.reload_all().unwrap_err().to_string(), wanted);
        assert_eq!(log.take(), ["reload state"]);
    }
}

/// Asks for a reload while it is reloaded.
struct Eager(Mutex<Weak<Registry<Shared>>>);

impl Provider<Shared> for Eager {
    fn name(&self) -> &str {
        "eager"
    }

    fn as_reloadable(&self) -> Option<&dyn Reloadable<Shared>> {
        Some(self)
    }
}

impl Reloadable<Shared> for Eager {
    fn reload(&self, _state: &Shared) -> Result<()> {
        let registry = self.0.lock().unwrap().upgrade().expect("it is reloaded");
        assert!(matches!(registry.reload_all(), Err(Error::Nested)));
        Ok(registry.reload_one("eager")?)
    }
}

#[test]
fn a_reload_within_a_reload_is_refused_and_waits_for_nobody() {
    let registry = Arc::new(Registry::new(Shared::default()));
    registry.insert(Arc::new(Eager(Mutex::new(Arc::downgrade(&registry))))).unwrap();
    registry.boot_all().unwrap();
    let wanted = "a provider's own reload may not ask for another one";
    assert_eq!(registry.reload_one("eager").unwrap_err().to_string(), wanted);
    let outcome = registry.reload_all().unwrap();
    assert_eq!(outcome.failures.iter().map(ToString::to_string).collect::<Vec<_>>(), [wanted]);
}

#[test]
fn what_is_shut_down_is_not_reloaded() {
    let (registry, log) = booted([stub("a")]);
    registry.shutdown_all();
    log.take();
    assert_eq!(registry.reload_one("a").unwrap_err().to_string(), "reload_by_name: provider 'a' is shut down");
    let outcome = registry.reload_all().unwrap();
    assert_eq!((outcome.reloaded.len(), outcome.failures.len()), (0, 1));
    assert_eq!(log.take(), ["reload state"]);
}
