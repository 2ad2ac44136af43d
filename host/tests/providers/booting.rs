//! Validating all, then booting in order. What fails, how it is told, and what is shut down then.

use std::io;

use calog::providers::{Error, Failures};

use crate::stub::{Deed, Stub, any, chain, registry, stub};

#[test]
fn all_are_validated_before_the_first_boots_and_all_failures_are_told() {
    let (registry, log) = registry([
        Stub { validate: Deed::Fail("no port"), ..stub("a") },
        stub("b"),
        Stub { validate: Deed::Panic, ..stub("c") },
        Stub { validate: Deed::Io, ..stub("d") },
    ]);
    let failures: Failures = registry.validate_all().unwrap_err();
    let texts: Vec<String> = failures.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "provider 'a' failed during validate: no port",
            "provider 'c' failed during validate: panicked: as told",
            "provider 'd' failed during validate: no such file",
        ]
    );
    assert_eq!(failures.to_string(), format!("3 failures:\n  {}", texts.join("\n  ")));
    assert_eq!(log.take(), ["validate a", "validate b", "validate c", "validate d"]);
}

#[test]
fn the_first_failure_stops_and_what_had_booted_is_shut_down_in_reverse() {
    let (registry, log) =
        registry([stub("a"), stub("b"), Stub { boot: Deed::Fail("no device"), ..stub("c") }, stub("d")]);
    let error = registry.boot_all().unwrap_err();
    assert_eq!(error.to_string(), "provider 'c' failed during boot: no device");
    assert_eq!(log.take(), ["boot a", "boot b", "boot c", "shutdown b", "shutdown a"]);
    // What was shut down is so once.
    assert!(registry.shutdown_all().is_clean());
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn a_shutdown_that_fails_then_holds_up_nobody() {
    let (registry, log) =
        registry([stub("a"), Stub { shutdown: Deed::Panic, ..stub("b") }, Stub { boot: Deed::Panic, ..stub("c") }]);
    assert_eq!(registry.boot_all().unwrap_err().to_string(), "provider 'c' failed during boot: panicked: as told");
    assert_eq!(log.take(), ["boot a", "boot b", "boot c", "shutdown b", "shutdown a"]);
}

#[test]
fn errors_are_wrapped_with_name_and_step() {
    let x = any("m");
    let name = || "x".to_owned();
    for (error, wanted) in [
        (Error::Boot { name: name(), source: x }, "provider 'x' failed during boot: m"),
        (Error::Validate { name: name(), source: any("m") }, "provider 'x' failed during validate: m"),
        (Error::Run { name: name(), source: any("m") }, "runnable 'x' failed: m"),
        (Error::Recoverable { name: name(), source: any("m") }, "runnable 'x' failed (recoverable): m"),
        (Error::Reload { name: name(), source: any("m") }, "reload of 'x' failed: m"),
        (Error::Unknown(name()), "reload_by_name: no provider registered with name 'x'"),
        (Error::NotReloadable(name()), "reload_by_name: provider 'x' is not reloadable"),
    ] {
        assert_eq!(error.to_string(), wanted);
    }
}

#[test]
fn typed_errors_pass_unchanged() {
    fn theirs() -> Error {
        Error::Reload { name: "somebody".into(), source: any("their own") }
    }
    let (boots, _log) = registry([Stub { boot: Deed::Typed(theirs), ..stub("x") }]);
    assert_eq!(boots.boot_all().unwrap_err().to_string(), "reload of 'somebody' failed: their own");
    let (validates, _log) = registry([Stub { validate: Deed::Typed(theirs), ..stub("x") }]);
    assert_eq!(validates.validate_all().unwrap_err().to_string(), "reload of 'somebody' failed: their own");
}

#[test]
fn causes_stay_reachable() {
    let (boots, _log) = registry([Stub { boot: Deed::Io, ..stub("x") }]);
    let error = boots.boot_all().unwrap_err();
    assert_eq!(chain(&error), ["provider 'x' failed during boot: no such file", "no such file"]);
    let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<io::Error>());
    assert_eq!(cause.map(io::Error::kind), Some(io::ErrorKind::NotFound));
    let (validates, _log) = registry([Stub { validate: Deed::Io, ..stub("x") }]);
    let failures = validates.validate_all().unwrap_err();
    assert!(std::error::Error::source(&failures).is_some_and(|cause| cause.is::<io::Error>()));
}

#[test]
fn an_error_of_calogs_keeps_code_and_trace() {
    use calog::plugin_api::Frame;
    use calog::{Code, Error as CalogError};
    let frame = Frame { file: "a.lua".into(), line: 3, ..Frame::default() };
    let source = CalogError::new(Code::Range, "too large").with_frame(frame.clone());
    let error = Error::Boot { name: "x".into(), source: source.into() }.to_calog();
    assert_eq!((error.code(), &*error.message()), (Code::Range, "provider 'x' failed during boot: too large"));
    assert_eq!(error.frames().collect::<Vec<_>>(), [frame]);
}
