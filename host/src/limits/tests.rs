//! Rights as options give them, each with what it comes to.

use std::path::Path;

use calog_plugin_api::Value;

use super::*;

fn strings(items: &[&str]) -> Value {
    Value::list(items.iter().copied()).expect("a list")
}

fn rights_under(options: &[(&str, Value)], opener: Option<&Arc<Rights>>) -> Option<Arc<Rights>> {
    let options = Value::map(options.iter().cloned()).expect("a map");
    let terms = Terms::read(options.view(), Some(Path::new("/app"))).expect("options that are right");
    Rights::new("plug", None, &terms, opener)
}

fn rights(options: &[(&str, Value)]) -> Arc<Rights> {
    rights_under(options, None).expect("options that take something away")
}

#[track_caller]
fn refused(result: Result<impl Sized>, code: Code, message: &str) {
    let error = result.err().expect(message);
    assert_eq!((error.code(), &*error.message()), (code, message));
}

#[test]
fn what_is_not_said_is_trusted() {
    assert!(rights_under(&[], None).is_none());
    assert!(rights_under(&[("preset", "trusted".into()), ("processes", true.into())], None).is_none());
}

#[test]
fn natives_are_allowed_and_denied_by_name_and_by_module() {
    let some = rights(&[("allow", strings(&["net.*", "sync.Queue"])), ("deny", strings(&["net.listen"]))]);
    for (name, line) in [
        ("net.connect", None),
        ("sync.Queue", None),
        ("net.listen", Some("deny = []")),
        ("sync.Queues", Some(r#"allow = ["net.*", "sync.Queue", "sync.Queues"]"#)),
        ("network.x", Some(r#"allow = ["net.*", "sync.Queue", "network.x"]"#)),
    ] {
        let checked = some.check_native(name);
        match line {
            None => assert_eq!(checked, Ok(()), "{name}"),
            Some(line) => {
                let message = format!("context 'plug' may not use {name}: its [[context]] would need `{line}`");
                refused(checked, Code::Permission, &message);
            }
        }
    }
    let untrusted = rights(&[("preset", "untrusted".into())]);
    let message = "context 'plug' may not use calog.log: its [[context]] would need `allow = [\"calog.log\"]`";
    refused(untrusted.check_native("calog.log"), Code::Permission, message);
    assert_eq!(rights(&[("preset", "limited".into())]).check_native("net.connect"), Ok(()));
}

#[test]
fn powers_are_refused_with_their_key() {
    for preset in ["limited", "untrusted"] {
        let rights = rights(&[("preset", preset.into()), ("environment", true.into())]);
        for (access, what, line) in [
            (Access::LoadNative, "load machine code", "load_native = true"),
            (Access::Processes, "start or end processes", "processes = true"),
            (Access::Read, "read the file '/etc/passwd'", r#"read = ["/etc"]"#),
            (Access::Write, "write the file '/etc/passwd'", r#"write = ["/etc"]"#),
        ] {
            let message = format!("context 'plug' may not {what}: its [[context]] would need `{line}`");
            refused(rights.permit(access, b"/etc/passwd"), Code::Permission, &message);
        }
        assert_eq!(rights.permit(Access::Environment, b""), Ok(None));
    }
    let rights = rights(&[("processes", false.into())]);
    assert_eq!(rights.permit(Access::Read, b"/etc/passwd"), Ok(None), "nothing else is taken away");
    assert!(rights.permit(Access::Processes, b"").is_err());
}

#[test]
fn nobody_has_more_than_who_opened_it() {
    let opener =
        rights(&[("allow", strings(&["net.*", "calog.open"])), ("limits", Value::map([("contexts", 2)]).unwrap())]);
    let same = rights_under(&[], Some(&opener)).expect("the opener's");
    assert!(Arc::ptr_eq(&same, &opener));
    let limits = Value::map([("contexts", 100)]).unwrap();
    let more = rights_under(&[("allow", strings(&["*"])), ("limits", limits)], Some(&opener)).expect("rights");
    assert_eq!(more.check_native("net.connect"), Ok(()));
    assert!(more.check_native("sync.Queue").is_err());
    assert_eq!(more.most(Limit::Contexts), Some(2));
    // Both count, and what was refused is counted at none.
    assert_eq!((more.take(&Limit::Contexts.into(), 1), opener.take(&Limit::Contexts.into(), 1)), (Ok(()), Ok(())));
    let message =
        "context 'plug' may have 2 contexts that it opened at most: `limits.contexts` in its [[context]] says so";
    refused(more.take(&Limit::Contexts.into(), 1), Code::Limit, message);
    assert_eq!(more.used[Limit::Contexts as usize].load(Ordering::Relaxed), 1);
    opener.give_back(&Limit::Contexts.into(), 1);
    assert_eq!(more.take(&Limit::Contexts.into(), 1), Ok(()));
}

/// A message says where the line stands or would have to, and what sets the limit.
#[test]
fn messages_name_the_place_and_the_key() {
    let options = Value::map([("preset", Value::from("untrusted")), ("limits", Value::map([("tasks", 1)]).unwrap())]);
    let options = options.expect("a map");
    let terms = Terms::read(options.view(), None).expect("terms");
    let rights = Rights::new("plug", Some("calog.toml:7"), &terms, None).expect("rights");
    let message = "context 'plug' may not use net.connect: \
                   its [[context]] (calog.toml:7) would need `allow = [\"net.connect\"]`";
    refused(rights.check_native("net.connect"), Code::Permission, message);
    let _one = Taken::one(&rights, Limit::Tasks).expect("one");
    let message =
        "context 'plug' may have 1 tasks that wait at most: `limits.tasks` in its [[context]] (calog.toml:7) says so";
    refused(Taken::one(&rights, Limit::Tasks), Code::Limit, message);
    let message = "context 'plug' may have 64 MiB of memory at most: `preset = \"untrusted\"` in its [[context]] \
                   (calog.toml:7) says so, as there is no `limits.memory`";
    assert_eq!(rights.reached(Limit::Memory).message(), message);
    // The one that says least says why, whoever of the family it is.
    let limits = Value::map([("memory", "1 GiB")]).expect("a map");
    let child = rights_under(&[("limits", limits)], Some(&rights)).expect("rights");
    assert_eq!(child.reached(Limit::Memory).message(), message);
}

#[test]
fn bundles_count_under_keys_of_their_own() {
    let own = Value::map([("connections", 2), ("cursors", 1)]).expect("a map");
    let some = rights(&[("limits", Value::map([("db", own)]).expect("a map"))]);
    let of = |key: &str, amount| Taken::some(&some, What::named(key), amount);
    let two = of("db.connections", 2).expect("two");
    refused(
        of("db.connections", 1),
        Code::Limit,
        "context 'plug' may have 2 db.connections at most: `limits.db.connections` in its [[context]] says so",
    );
    let _cursor = of("db.cursors", 1).expect("another key");
    assert!(of("db.others", 1 << 40).is_ok(), "nobody limits it");
    drop(two);
    of("db.connections", 2).expect("it was given back").keep();
    assert!(of("db.connections", 1).is_err(), "for ever");
}

#[test]
fn amounts_are_written_with_and_without_units() {
    for (text, bytes) in [
        ("64 MiB", Some(64 << 20)),
        ("1KiB", Some(1024)),
        (" 2 GiB ", Some(2 << 30)),
        ("12 B", Some(12)),
        ("12", None),
        ("MiB", None),
        ("-1 MiB", None),
        ("1.5 MiB", None),
        ("20000000000 GiB", None),
        ("64 MB", None),
    ] {
        assert_eq!(Bytes::parse(text).map(|it| it.0), bytes, "{text}");
    }
    let shown: Vec<String> = [64 << 20, 1000, 0, 1536].map(|it| Bytes(it).to_string()).into();
    assert_eq!(shown, ["64 MiB", "1000 bytes", "0 bytes", "1536 bytes"]);
}

#[test]
fn options_that_are_wrong_name_key_found_and_wanted() {
    let map = |key: &str, value: Value| Value::map([(key, value)]).expect("a map");
    for (options, message) in [
        (map("preset", "safe".into()), r#"'preset' is "safe", wanted "trusted", "limited" or "untrusted""#),
        (map("allow", "net".into()), r#"'allow' is "net", wanted a list of strings"#),
        (map("deny", strings(&["n*"])), r#"'deny' is "n*", wanted the name of a native, "MODULE.*" or "*""#),
        (map("processes", 1.into()), "'processes' is 1, wanted true or false"),
        (map("on_limit", "die".into()), r#"'on_limit' is "die", wanted "error" or "close""#),
        (map("limits", 3.into()), "'limits' is 3, wanted a table"),
        (map("limits", map("contexts", "many".into())), r#"'limits.contexts' is "many", wanted a number from 0"#),
        (
            map("limits", map("db", map("connections", "many".into()))),
            r#"'limits.db.connections' is "many", wanted a number from 0"#,
        ),
        (map("limits", map("contexts", (-1).into())), "'limits.contexts' is -1, wanted a number from 0"),
        (
            map("limits", map("output", "1 MB".into())),
            r#"'limits.output' is "1 MB", wanted a number of bytes from 0, or one with a unit, as "64 MiB" (KiB, MiB, GiB)"#,
        ),
    ] {
        let error = Terms::read(options.view(), None).expect_err(message);
        assert_eq!(&*error.message(), message);
        assert!(error.key().is_some(), "{message}");
    }
    let error = Terms::read(map("limits", map("outptu", 1.into())).view(), None).expect_err("a key that is not there");
    assert!(error.message().starts_with("unknown key 'limits.outptu'; known here: output, "), "{error}");
}
