//! Names, atomics and wait groups; what each native says of wrong arguments.

use calog_plugin_api::{Descriptor, Object, Value};

use super::{bundle, call, came, make, said, waits};

#[test]
fn the_same_name_is_the_same_object_in_its_own_space_and_bundle() {
    let (one, other) = (bundle(), bundle());
    let kinds = ["sync.Atomic", "sync.Shared", "sync.WaitGroup", "sync.Queue"];
    let mut all: Vec<Object> = Vec::new();
    for bundle in [&one, &other] {
        for kind in kinds {
            let object = make(bundle, kind, &["x".into()]).expect("it is made");
            assert_eq!(make(bundle, kind, &["x".into()]), Ok(object.clone()), "{kind}");
            assert_ne!(make(bundle, kind, &["y".into()]), Ok(object.clone()), "{kind}");
            assert!(!all.contains(&object), "{kind} has names of its own");
            all.push(object);
        }
    }
    assert_eq!(all[3].text(), "<queue 'x'>");
    assert_eq!(all[3].type_name(), "queue");
}

#[test]
fn the_first_creators_values_hold() {
    let bundle = bundle();
    let make = |kind: &str, value: Value| make(&bundle, kind, &["x".into(), value]).expect("it is made");
    make("sync.Atomic", 5.into());
    assert_eq!(said(call(&make("sync.Atomic", 9.into()), "get", &[])), "5");
    make("sync.Shared", "first".into());
    assert_eq!(said(call(&make("sync.Shared", "second".into()), "get", &[])), "\"first\"");
    make("sync.Queue", 1.into());
    let queue = make("sync.Queue", 2.into());
    assert_eq!(said(call(&queue, "put", &[1.into()])), "nil");
    assert_eq!(said(call(&queue, "put", &[2.into()])), "waits");
}

#[test]
fn an_atomic_counts_and_wraps() {
    let atomic = make(&bundle(), "sync.Atomic", &["x".into()]).expect("an atomic");
    let most = Value::Int(i64::MAX);
    let cases: [(&str, &[Value], &str); 8] = [
        ("get", &[], "0"),
        ("add", &[], "1"),
        ("add", &[(-5).into()], "-4"),
        ("add", &[2.0.into()], "-2"),
        ("set", std::slice::from_ref(&most), "nil"),
        ("add", &[], "-9223372036854775808"),
        ("add", &[(-1).into()], "9223372036854775807"),
        ("get", &[], "9223372036854775807"),
    ];
    for (method, args, gives) in cases {
        assert_eq!(said(call(&atomic, method, args)), gives, "{method} {args:?}");
    }
}

#[test]
fn a_wait_group_waits_for_zero_and_is_never_below() {
    let group = make(&bundle(), "sync.WaitGroup", &["x".into()]).expect("a wait group");
    assert_eq!(said(call(&group, "wait", &[])), "nil", "it begins at zero");
    let below = "range: waitgroup.done: the count of wait group 'x' is 0: -1 takes it below zero";
    assert_eq!(said(call(&group, "done", &[])), below);
    assert_eq!(said(call(&group, "add", &[2.into()])), "nil");
    let mut first = Some(waits(call(&group, "wait", &[])));
    let mut second = Some(waits(call(&group, "wait", &[])));
    let left = waits(call(&group, "wait", &[]));
    let below = "range: waitgroup.add: argument 1 'delta': the count of wait group 'x' is 2: -3 takes it below zero";
    assert_eq!(said(call(&group, "add", &[(-3).into()])), below);
    let beyond = said(call(&group, "add", &[i64::MAX.into()]));
    assert!(beyond.starts_with("range:") && beyond.ends_with("beyond 64 bits"), "{beyond}");
    assert_eq!(said(call(&group, "done", &[])), "nil");
    drop(left);
    assert_eq!((came(&mut first), came(&mut second)), ("waits".into(), "waits".into()));
    assert_eq!(said(call(&group, "done", &[])), "nil");
    assert_eq!((came(&mut first), came(&mut second)), ("nil".into(), "nil".into()));
    assert_eq!(said(call(&group, "add", &[])), "nil", "it can be used again");
    assert_eq!(said(call(&group, "wait", &[])), "waits");
}

#[test]
fn wrong_arguments_of_natives_are_named() {
    let bundle = bundle();
    let cases: [(&str, &[Value], &str); 10] = [
        ("sync.Queue", &[7.into()], "type: sync.Queue: argument 1 'name': wanted string, got int 7"),
        ("sync.Queue", &[], "arity: sync.Queue: argument 1 'name' is missing"),
        ("sync.Queue", &["q".into(), (-1).into()], "range: sync.Queue: argument 2 'maxsize': wanted 0 or more, got -1"),
        (
            "sync.Queue",
            &["q".into(), "1".into()],
            "type: sync.Queue: argument 2 'maxsize': wanted int, got string \"1\"",
        ),
        ("sync.Queue", &["q".into(), 1.5.into()], "range: sync.Queue: argument 2 'maxsize': wanted int, got real 1.5"),
        ("sync.Queue", &["q".into(), 1.into(), 2.into()], "arity: sync.Queue: takes at most 2 arguments, got 3"),
        ("sync.Atomic", &[true.into()], "type: sync.Atomic: argument 1 'name': wanted string, got bool true"),
        (
            "sync.Atomic",
            &["a".into(), true.into()],
            "type: sync.Atomic: argument 2 'initial': wanted int, got bool true",
        ),
        ("sync.Shared", &[Value::Nil], "type: sync.Shared: argument 1 'name': wanted string, got nil"),
        ("sync.WaitGroup", &[1.5.into()], "type: sync.WaitGroup: argument 1 'name': wanted string, got real 1.5"),
    ];
    for (native, args, wanted) in cases {
        let error = make(&bundle, native, args).expect_err("it is wrong");
        assert_eq!(format!("{}: {}", error.code(), error.message()), wanted);
    }
    assert!(make(&bundle, "sync.Queue", &["q".into()]).is_ok(), "what was wrong made nothing");
}

#[test]
fn wrong_arguments_of_methods_are_named() {
    let bundle = bundle();
    let cases: [(&str, &str, &[Value], &str); 8] = [
        ("sync.Atomic", "add", &["1".into()], "type: atomic.add: argument 1 'delta': wanted int, got string \"1\""),
        ("sync.Atomic", "set", &[], "arity: atomic.set: argument 1 'value' is missing"),
        ("sync.Atomic", "get", &[1.into()], "arity: atomic.get: takes at most 0 arguments, got 1"),
        (
            "sync.Shared",
            "update",
            &[1.into()],
            "type: shared.update: argument 1 'function': wanted function, got int 1",
        ),
        ("sync.WaitGroup", "add", &[1.5.into()], "range: waitgroup.add: argument 1 'delta': wanted int, got real 1.5"),
        ("sync.WaitGroup", "wait", &[1.into()], "arity: waitgroup.wait: takes at most 0 arguments, got 1"),
        ("sync.Queue", "put", &[1.into(), 2.into()], "arity: queue.put: takes at most 1 argument, got 2"),
        ("sync.Queue", "shift", &[], "not_found: a queue has no method 'shift'"),
    ];
    for (kind, method, args, wanted) in cases {
        let object = make(&bundle, kind, &["x".into()]).expect("it is made");
        assert_eq!(said(call(&object, method, args)), wanted);
    }
}

#[test]
fn everything_describes_itself() {
    let bundle = bundle();
    let mut signatures: Vec<String> = Vec::new();
    for native in bundle.natives() {
        let descriptor = native.descriptor();
        assert!(descriptor.doc.ends_with('.'), "{}", descriptor.name);
        signatures.push(descriptor.signature());
        let object = make(&bundle, &descriptor.name, &["x".into()]).expect("it is made");
        for member in object.members() {
            assert!(member.doc.ends_with('.'), "{}", member.name);
            let waits = if member.has(Descriptor::WAITS) { " waits" } else { "" };
            signatures.push(format!("  {}{waits}", member.signature()));
        }
    }
    let wanted = "
sync.Atomic(name: string, initial: int = 0) -> object
  add(delta: int = 1) -> int
  get() -> int
  set(value: int)
sync.Shared(name: string, initial?: any) -> object
  get() -> any
  set(value?: any) waits
  update(function: function) -> any waits
sync.WaitGroup(name: string) -> object
  add(delta: int = 1)
  done()
  wait() waits
sync.Queue(name: string, maxsize: int = 0) -> object
  put(item?: any) waits
  get() -> any waits
  try_put(item?: any) -> bool
  try_get() -> any
  size() -> int
  close()";
    assert_eq!(format!("\n{}", signatures.join("\n")), wanted);
}
