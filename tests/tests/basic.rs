//! BASIC among the other languages: imports, exports, callbacks, errors, waiting, Objects.

use std::io::Write;
use std::sync::{Arc, Mutex};

use calog::plugin_api::{CallInfo, Code, Completion, Finisher, Function, Value};
use calog_tests::{Calog, Folder, World};
use nix::sys::signal::Signal;

/// Promises that a test finishes when it wants to.
#[derive(Clone, Default)]
struct Gates(Arc<Mutex<Vec<Finisher>>>);

impl Gates {
    fn native(&self) -> Function {
        let gates = self.clone();
        Function::new("gate.wait", move |info: &CallInfo| -> Completion {
            let (completion, finisher) = info.runtime().completion("the gate");
            gates.0.lock().expect("no panic").push(finisher);
            completion
        })
    }

    fn count(&self) -> usize {
        self.0.lock().expect("no panic").len()
    }

    /// Opens one of them.
    fn open(&self, index: usize, value: Value) {
        let finisher = self.0.lock().expect("no panic").remove(index);
        finisher.finish(Ok(value)).expect("somebody waits");
    }
}

const MATH: &str = "
DEF double(x)
    RETURN x * 2
ENDDEF
calog.export(\"double\", double)
calog.export(\"square\", LAMBDA (x) (RETURN x ^ 2))
calog.export(\"version\", 1.0)
calog.export(\"ready\", TRUE)
calog.export(\"names\", LIST(\"a\", \"b\"))
DEF each(items, f)
    result = LIST()
    FOR x IN items
        PUSH(result, f(x))
    NEXT
    RETURN result
ENDDEF
calog.export(\"each\", each)
DEF fail(what)
    RETURN what + 1
ENDDEF
calog.export(\"fail\", fail)
";

#[test]
fn lua_and_javascript_use_a_basic_module() {
    let world = World::new();
    world.write("sums.bas", MATH);
    let lua = world.open(
        "main.lua",
        "local m = calog.import 'sums'
         local l = m.each({1, 2, 3}, function(x) return x + 0.5 end)
         return { d = m.double(21), s = m.square(9), v = math.type(m.version), r = m.ready, l = l[3], n = m.names[2] }",
    );
    let of = |name: &str| lua.export(name);
    assert_eq!((of("d"), of("s"), of("n")), (Some(Value::Int(42)), Some(Value::Int(81)), Some(Value::from("b"))));
    assert_eq!(
        (of("v"), of("r"), of("l")),
        (Some(Value::from("float")), Some(Value::Bool(true)), Some(Value::Real(3.5)))
    );
    let js = world.open(
        "main.js",
        "import { double, each, ready } from './sums.bas'
         export const d = double(21), l = each([1, 2], (x) => x * 10), r = ready === true
         export const a = await double.async(4)",
    );
    assert_eq!((js.export("d"), js.export("a")), (Some(Value::Int(42)), Some(Value::Int(8))));
    assert_eq!((js.export("l"), js.export("r")), (Some(Value::list([10, 20]).unwrap()), Some(Value::Bool(true))));
    assert_eq!(world.errors(), []);
}

#[test]
fn basic_uses_modules_of_other_languages() {
    let world = World::new();
    world.write("users.lua", "return { find = function(id) return { id = id, name = 'user ' .. id } end, map = function(f, n) return f(n) end }");
    world.write("tools.js", "export const shout = (s) => s.toUpperCase(); export const apply = (f, x) => f(x)");
    let basic = world.open(
        "main.bas",
        "users = calog.import(\"users\")
         tools = calog.import(\"tools\")
         user = users.find(7)
         calog.export(\"name\", tools.shout(user.name))
         calog.export(\"id\", user(\"id\"))
         DEF triple(x)
            RETURN x * 3
         ENDDEF
         calog.export(\"three\", users.map(triple, 5))
         calog.export(\"lambda\", tools.apply(LAMBDA (x) (RETURN x + 1), 41))
         calog.export(\"home\", tools.apply(LAMBDA (f) (RETURN f = triple), triple))
         calog.export(\"called\", calog.call(users(\"find\"), 1).name)
         own = calog.self()
         calog.export(\"language\", own.language + \" \" + own.engine + \" \" + own.name)
         calog.export(\"mean\", stats.mean(LIST(1, 2, 3)))",
    );
    for (name, value) in [
        ("name", Value::from("USER 7")),
        ("id", Value::Int(7)),
        ("three", Value::Int(15)),
        ("lambda", Value::Int(42)),
        ("home", Value::Bool(true)),
        ("called", Value::from("user 1")),
        ("language", Value::from("basic basic main")),
        ("mean", Value::Real(2.0)),
    ] {
        assert_eq!(basic.export(name), Some(value), "{name}");
    }
    assert_eq!(world.errors(), []);
}

#[test]
fn errors_go_both_ways_with_row_and_column() {
    let world = World::new();
    world.write("sums.bas", MATH);
    let lua = world.open(
        "main.lua",
        "local m = calog.import 'sums'
         local ok, e = pcall(m.fail, 'x')
         return { code = e.code, message = tostring(e), file = e.trace[1].file, line = e.trace[1].line, column = e.trace[1].column, f = e.trace[1]['function'] }",
    );
    let of = |name: &str| lua.export(name);
    assert_eq!(
        (of("code"), of("message")),
        (Some(Value::from("script")), Some(Value::from("String expected (error 18)")))
    );
    assert_eq!(
        (of("line"), of("column"), of("f")),
        (Some(Value::Int(19)), Some(Value::Int(17)), Some(Value::from("FAIL")))
    );
    assert!(of("file").is_some_and(|file| file.view().as_str().is_some_and(|file| file.ends_with("sums.bas"))));

    world.write("broken.lua", "return { go = function() error('not today') end }");
    let basic = world.open(
        "catches.bas",
        "m = calog.import(\"broken\")\nTRY\n    m.go()\nCATCH e\n    calog.export(\"e\", e)\nENDTRY\nTRY\n  calog.import(\"nowhere\")\nCATCH e\n  calog.export(\"code\", e.code)\nENDTRY",
    );
    let caught = basic.export("e").unwrap();
    let caught = caught.view();
    assert_eq!(caught.field("code").as_str(), Some("script"));
    assert!(caught.field("message").as_str().is_some_and(|it| it.ends_with("not today")), "{caught:?}");
    assert_eq!((caught.field("row").as_int(), caught.field("col").as_int()), (Some(3), Some(5)));
    assert!(caught.field("file").as_str().is_some_and(|it| it.ends_with("catches.bas")));
    assert_eq!(basic.export("code"), Some(Value::from("not_found")));

    let fails = world.start("fails.bas", "m = calog.import(\"broken\")\nDEF f()\n  m.go()\nENDDEF\nf()");
    let error = world.runtime.wait_for(&fails).unwrap_err();
    assert_eq!(error.code(), Code::Script);
    let lines: Vec<(u32, u32)> =
        error.frames().filter(|it| it.language == "basic").map(|it| (it.line, it.column)).collect();
    assert_eq!(lines, [(3, 3), (5, 1)], "{error:?}");
    assert!(error.frames().any(|it| it.file.ends_with("broken.lua")), "{error:?}");
}

#[test]
fn waiting_routines_are_suspended_and_others_run() {
    let gates = Gates::default();
    let world = World::with(|builder| builder.inline_native(gates.native()));
    let basic = world.open(
        "waits.bas",
        "done = LIST()
         DEF slow(name)
            VAR mine = name
            value = gate.wait()
            PUSH(done, mine)
            RETURN LIST(mine, value)
         ENDDEF
         calog.export(\"slow\", slow)
         calog.export(\"quick\", LAMBDA (x) (RETURN x + LEN(done)))
         calog.export(\"order\", LAMBDA () (RETURN CLONE(done)))",
    );
    let js = world.open(
        "main.js",
        "import { slow, quick } from './waits.bas'
         export const results = []
         export function start(name) { slow.async(name).then((it) => results.push(it)) }
         export function now(x) { return quick(x) }
         export function all() { return results }",
    );
    for name in ["a", "b", "c"] {
        world.call(&js, "start", &[name.into()]).unwrap();
    }
    let limit = calog::CLOSE_LIMIT;
    assert!(world.runtime.pump_until(|| gates.count() == 3, limit), "all three wait");
    assert_eq!(world.call(&js, "now", &[5.into()]), Ok(Value::Int(5)), "the context is callable");
    gates.open(1, 10.into());
    let order = |wanted: &[&str]| {
        let wanted = Value::list(wanted.iter().copied()).unwrap();
        world.runtime.pump_until(|| world.call(&basic, "order", &[]) == Ok(wanted.clone()), limit)
    };
    assert!(order(&["b"]));
    gates.open(1, 20.into());
    assert!(order(&["b", "c"]));
    gates.open(0, 30.into());
    assert!(order(&["b", "c", "a"]));
    let all = |name: &str, value: i64| Value::list([Value::from(name), Value::Int(value)]).unwrap();
    let wanted = Value::list([all("b", 10), all("c", 20), all("a", 30)]).unwrap();
    assert!(world.runtime.pump_until(|| world.call(&js, "all", &[]) == Ok(wanted.clone()), limit));
    assert_eq!(world.errors(), []);
}

#[test]
fn contexts_are_objects_with_methods_and_properties() {
    let world = World::new();
    world.write("worker.lua", "return { who = calog.self().name }");
    let basic = world.open(
        "main.bas",
        "w = calog.open(\"worker.lua\", DICT(\"name\", \"w1\"))
         value = w.WAIT()
         calog.export(\"who\", value.who)
         calog.export(\"name\", w.name)
         calog.export(\"exported\", w.exports().who)
         w.close()",
    );
    assert_eq!(basic.export("who"), Some(Value::from("w1")));
    assert_eq!((basic.export("name"), basic.export("exported")), (Some(Value::from("w1")), Some(Value::from("w1"))));
}

#[test]
fn modules_that_import_each_other_get_what_is_there_so_far() {
    let text = |other: &str| {
        format!(
            "calog.export(\"early\", 1)\no = calog.import(\"{other}\")\ncalog.export(\"seen\", o.early <> NIL)\ncalog.export(\"ended\", o.late <> NIL)\ncalog.export(\"late\", 1)"
        )
    };
    let world = World::new();
    world.write("one.bas", &text("two"));
    let two = world.open("two.bas", &text("one"));
    assert_eq!((two.export("seen"), two.export("ended")), (Some(Value::Bool(true)), Some(Value::Bool(true))));
}

#[test]
fn printing_follows_basic_and_lines_are_whole() {
    let world = World::new();
    world.open("main.bas", "PRINT \"a\", 1;\nPRINT TRUE, 1e6, NIL;\nPRINT \"unfinished\"");
    world.runtime.close(calog::CLOSE_LIMIT);
    assert_eq!(world.output.text(), "a1\n11e+06NIL\nunfinished");
}

/// Two contexts on one thread: the second runs when the first waits in INPUT.
const READS: [(&str, &str); 3] = [
    (
        "calog.toml",
        "[[context]]\nscript = \"reads.bas\"\nthread = \"one\"\n[[context]]\nscript = \"beside.lua\"\nthread = \"one\"\n",
    ),
    ("reads.bas", "INPUT a$\nINPUT b\nPRINT \"got \", a$, \" \", b;"),
    ("beside.lua", "print 'waits'"),
];

#[test]
fn lines_of_input_go_to_who_waits_while_others_run() {
    let folder = Folder::with(READS);
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let mut running = Calog::new(["run", "."]).within(folder.path()).input(reader).start();
    running.wait_for_line("waits");
    writer.write_all(b"one\n41.5\r\n").expect("it reads");
    running.wait_for_line("got one 41.5");
    drop(writer);
    running.end().printed("waits\ngot one 41.5\n");
}

#[test]
fn a_program_that_waits_for_input_ends_as_soon_as_it_is_told_to() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let folder = Folder::with(READS);
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let mut running = Calog::new(["run", "."]).within(folder.path()).input(reader).start();
        running.wait_for_line("waits");
        running.signal(signal);
        let ran = running.end().ended_with(code);
        assert_eq!(ran.err, "", "nothing is left that would not end");
        drop(writer);
    }
}
