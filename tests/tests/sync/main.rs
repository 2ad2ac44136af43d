//! The bundle `sync` in all languages: what each sentence of `docs/sync.md` promises, on threads of
//! their own and on a shared one.

mod workers;

use calog::plugin_api::{Code, Value};
use calog::{CLOSE_LIMIT, ContextRef};
use calog_tests::{Asked, Calog, Folder, LANGUAGES, Language, Scene, THREADS, World, function};
use workers::{WORKERS, flood};

/// A worker in each language, on threads of their own and on one.
fn every_crowd(scenario: impl Fn(&Scene, &[ContextRef])) {
    for thread in THREADS {
        let scene = Scene::new(format!("all on {thread:?}"));
        let workers: Vec<_> = LANGUAGES.iter().map(|it| WORKERS.player(&scene, it.name, it, thread)).collect();
        scenario(&scene, &workers);
        assert_eq!(scene.world.errors(), [], "{}", scene.what);
    }
}

/// Calls an export: its value, or its error's code.
#[track_caller]
fn call(scene: &Scene, context: &ContextRef, name: &str, args: impl AsRef<[Value]>) -> Result<Value, Code> {
    scene.world.try_call(context, name, args.as_ref()).map_err(|error| error.code())
}

/// Calls an export that gives this.
#[track_caller]
fn gives(scene: &Scene, context: &ContextRef, name: &str, args: impl AsRef<[Value]>, value: impl Into<Value>) {
    let args = args.as_ref();
    let came = scene.world.try_call(context, name, args);
    assert_eq!(came, Ok(value.into()), "{}: {name}{args:?} of {}", scene.what, context.name());
}

/// Calls an export that waits.
#[track_caller]
fn waits(scene: &Scene, context: &ContextRef, name: &str, args: impl AsRef<[Value]>) -> Asked {
    let asked = scene.world.ask(context, name, args.as_ref());
    scene.settle(context);
    assert!(!asked.is_answered(), "{}: {name} waits: {:?}", scene.what, asked.answers());
    asked
}

#[track_caller]
fn answers(scene: &Scene, asked: &Asked, wanted: Result<Value, Code>) {
    assert_eq!(scene.world.answer(asked).map_err(|error| error.code()), wanted, "{}", scene.what);
}

#[test]
fn a_name_is_one_object_in_all_languages_and_the_first_values_hold() {
    WORKERS.every_pair(|scene, a, b| {
        let x = Value::from("x");
        gives(scene, a, "same", ["same".into()], true);
        let objects: Vec<_> = [("atomic", 5), ("shared", 6), ("queue", 1)]
            .map(|(kind, initial)| (kind, call(scene, a, kind, [x.clone(), initial.into()]).expect("an object")))
            .into();
        for (kind, object) in &objects {
            let (again, group) = (call(scene, b, kind, [x.clone(), 9.into()]), call(scene, b, "group", [x.clone()]));
            assert_eq!(again.as_ref(), Ok(object), "{}: {kind}", scene.what);
            assert_ne!(again, group, "{}", scene.what);
        }
        gives(scene, b, "value", [x.clone()], 6);
        gives(scene, b, "count", [x.clone(), 1.into()], Value::list([6]).expect("a list"));
        gives(scene, b, "try_put", [x.clone(), 1.into()], true);
        gives(scene, a, "try_put", [x.clone(), 1.into()], false);
        gives(scene, a, "size", [x], 1);
    });
}

#[test]
fn runtimes_have_names_of_their_own() {
    for language in &LANGUAGES {
        let worlds = [(); 2].map(|()| World::new());
        for world in &worlds {
            let context = world.open(&format!("a.{}", language.extension), WORKERS.script(language));
            assert_eq!(
                world.try_call(&context, "count", &["x".into(), 1.into()]),
                Ok(Value::list([1]).expect("a list"))
            );
        }
    }
}

#[test]
fn eight_workers_add_eight_thousand_and_no_value_comes_twice() {
    for thread in THREADS {
        let scene = Scene::new(format!("all on {thread:?}"));
        let two = |language: &'static Language| {
            [1, 2].map(|n| WORKERS.player(&scene, &format!("{}{n}", language.name), language, thread))
        };
        let workers: Vec<ContextRef> = LANGUAGES.iter().flat_map(two).collect();
        assert_eq!(workers.len(), 8);
        let asked: Vec<_> = workers.iter().map(|it| scene.world.ask(it, "count", &["n".into(), 1000.into()])).collect();
        let mut all: Vec<i64> = Vec::new();
        for asked in asked {
            let values = scene.world.answer(&asked).expect("values");
            all.extend(values.view().as_aggregate().expect("a list").elements().filter_map(|it| it.as_int()));
        }
        all.sort_unstable();
        assert!(all.into_iter().eq(1..=8000), "{}", scene.what);
    }
}

#[test]
fn shared_variables_are_values_and_change_one_after_another() {
    WORKERS.every_pair(|scene, a, b| {
        let s = Value::from("s");
        let map = Value::map([("x", "as it was")]).expect("a map");
        gives(scene, a, "value", [s.clone()], Value::Nil);
        gives(scene, a, "assign", [s.clone(), map.clone()], Value::Nil);
        gives(scene, b, "spoil", [s.clone()], "spoilt");
        gives(scene, b, "value", [s.clone()], map);
        // Functions go in as well, and come out the same.
        gives(scene, b, "assign", [s.clone(), function(a, "add")], Value::Nil);
        gives(scene, a, "value", [s.clone()], function(a, "add"));
    });
}

/// What updates call: it doubles, fails, reads the variable, changes it, waits at a gate.
fn changer(language: &Language) -> &'static str {
    match language.name {
        "lua" => {
            "return {
                add = function(a, b) return a + b end,
                double = function(v) return 2 * v end,
                fail = function(v) error('no') end,
                read = function(v) return v + sync.Shared('s').get() end,
                set = function(v) sync.Shared('s').set(1) return 2 end,
                update = function(v) local r = sync.Shared('s').update(function(v) return 1 end) return 2 end,
                slow = function(v) return v + gate.wait('slow') end,
            }"
        }
        "javascript" => {
            "export const add = (a, b) => a + b
             export const double = v => 2 * v
             export const fail = v => { throw new Error('no') }
             export const read = v => v + sync.Shared('s').get()
             export const set = async v => { await sync.Shared('s').set(1); return 2 }
             export const update = async v => { await sync.Shared('s').update(v => 1); return 2 }
             export const slow = async v => v + await gate.wait('slow')"
        }
        "squirrel" => {
            "return {
                add = @(a, b) a + b
                double = @(v) 2 * v
                fail = function(v) { throw \"no\" }
                read = @(v) v + sync.Shared(\"s\").get()
                set = function(v) { sync.Shared(\"s\").set(1); return 2 }
                update = function(v) { sync.Shared(\"s\").update(@(v) 1); return 2 }
                slow = function(v) { return v + gate.wait(\"slow\") }
            }"
        }
        "basic" => {
            "calog.export(\"add\", LAMBDA (a, b) (RETURN a + b))
             calog.export(\"double\", LAMBDA (v) (RETURN 2 * v))
             calog.export(\"fail\", LAMBDA (v) (RAISE(\"no\")))
             calog.export(\"read\", LAMBDA (v) (RETURN v + sync.Shared(\"s\").get()))
             DEF set_it(v)
                 sync.Shared(\"s\").set(1)
                 RETURN 2
             ENDDEF
             calog.export(\"set\", set_it)
             DEF update_it(v)
                 sync.Shared(\"s\").update(LAMBDA (v) (RETURN 1))
                 RETURN 2
             ENDDEF
             calog.export(\"update\", update_it)
             calog.export(\"slow\", LAMBDA (v) (RETURN v + gate.wait(\"slow\")))"
        }
        other => panic!("{other}: say here what an update calls"),
    }
}

#[test]
fn an_update_is_one_change_whatever_language_its_function_is_of() {
    for one in &LANGUAGES {
        for other in &LANGUAGES {
            for thread in THREADS {
                let scene = Scene::new(format!("{} updates with {} on {thread:?}", one.name, other.name));
                let (a, b) = (WORKERS.player(&scene, "a", one, thread), WORKERS.player(&scene, "b", one, thread));
                let changes = scene.script("changes", other, thread, changer(other));
                updates(&scene, &a, &b, &changes);
                assert_eq!(scene.world.errors(), [], "{}", scene.what);
            }
        }
    }
}

fn updates(scene: &Scene, a: &ContextRef, b: &ContextRef, changes: &ContextRef) {
    let s = Value::from("s");
    let with = |name: &str| [s.clone(), function(changes, name)];
    gives(scene, a, "assign", [s.clone(), 5.into()], Value::Nil);
    gives(scene, a, "update", with("double"), 10);
    gives(scene, a, "update", with("read"), 20);
    for (name, code) in [("fail", Code::Script), ("set", Code::Unsupported), ("update", Code::Unsupported)] {
        assert_eq!(call(scene, a, "update", with(name)), Err(code), "{}: {name}", scene.what);
        gives(scene, b, "value", [s.clone()], 20);
    }
    // Others wait for one that takes its time, in order; who reads does not.
    let slow = waits(scene, a, "update", with("slow"));
    scene.world.wait_until("the gate", || scene.gates.is_closed("slow"));
    let set = waits(scene, b, "assign", [s.clone(), 100.into()]);
    let double = waits(scene, b, "update", with("double"));
    gives(scene, b, "value", [s.clone()], 20);
    scene.gates.open("slow", 1).expect("somebody waits there");
    answers(scene, &slow, Ok(21.into()));
    answers(scene, &set, Ok(Value::Nil));
    answers(scene, &double, Ok(200.into()));
    gives(scene, a, "value", [s.clone()], 200);
    // One that runs out of time changes nothing, and holds nobody up.
    let info = scene.world.info_with(None, scene.world.runtime.handle().now_ns() + 1_000_000);
    let late = scene.world.ask_with(&info, a, "update", &with("slow"));
    answers(scene, &late, Err(Code::Timeout));
    gives(scene, b, "update", with("double"), 400);
}

#[test]
fn items_go_from_one_to_the_other_in_order() {
    WORKERS.every_pair(|scene, a, b| {
        let q = Value::from("q");
        assert!(call(scene, a, "queue", [q.clone(), 2.into()]).is_ok());
        let getters = [waits(scene, b, "get", [q.clone()]), waits(scene, b, "get", [q.clone()])];
        for item in 1..=4 {
            gives(scene, a, "put", [q.clone(), item.into()], Value::Nil);
        }
        getters.iter().zip(1..).for_each(|(getter, item)| answers(scene, getter, Ok(item.into())));
        let putters = [5, 6].map(|item| waits(scene, a, "put", [q.clone(), item.into()]));
        gives(scene, b, "size", [q.clone()], 2);
        for item in 3..=6 {
            gives(scene, b, "get", [q.clone()], item);
        }
        putters.iter().for_each(|putter| answers(scene, putter, Ok(Value::Nil)));
        gives(scene, b, "try_get", [q.clone()], Value::Nil);
        // A function goes by reference.
        gives(scene, a, "put", [q.clone(), function(a, "add")], Value::Nil);
        gives(scene, b, "get", [q], function(a, "add"));
    });
}

#[test]
fn who_runs_out_of_time_takes_and_gives_nothing() {
    WORKERS.every_pair(|scene, a, b| {
        let q = Value::from("q");
        assert!(call(scene, a, "queue", [q.clone(), 1.into()]).is_ok());
        let soon = || scene.world.info_with(None, scene.world.runtime.handle().now_ns() + 1_000_000);
        let late = scene.world.ask_with(&soon(), b, "get", std::slice::from_ref(&q));
        answers(scene, &late, Err(Code::Timeout));
        let wait = scene.world.ask_with(&soon(), b, "wait", std::slice::from_ref(&q));
        answers(scene, &wait, Ok("waited".into()));
        gives(scene, a, "put", [q.clone(), 1.into()], Value::Nil);
        let late = scene.world.ask_with(&soon(), a, "put", &[q.clone(), 2.into()]);
        answers(scene, &late, Err(Code::Timeout));
        gives(scene, b, "get", [q.clone()], 1);
        gives(scene, b, "size", [q.clone()], 0);
        gives(scene, a, "more", [q.clone(), 1.into()], Value::Nil);
        let late = scene.world.ask_with(&soon(), b, "wait", std::slice::from_ref(&q));
        answers(scene, &late, Err(Code::Timeout));
        gives(scene, a, "done", [q], Value::Nil);
    });
}

#[test]
fn a_context_that_closes_while_it_waits_leaves_all_as_it_was() {
    WORKERS.every_pair(|scene, a, b| {
        let q = Value::from("q");
        assert!(call(scene, a, "queue", [q.clone(), 1.into()]).is_ok());
        gives(scene, a, "more", [q.clone(), 1.into()], Value::Nil);
        gives(scene, a, "assign", [q.clone(), 1.into()], Value::Nil);
        let lost = [waits(scene, b, "get", [q.clone()]), waits(scene, b, "wait", [q.clone()])];
        let stays = waits(scene, a, "get", [q.clone()]);
        assert!(scene.world.runtime.close_context(b), "{}", scene.what);
        lost.iter().for_each(|asked| answers(scene, asked, Err(Code::Dead)));
        gives(scene, a, "put", [q.clone(), 1.into()], Value::Nil);
        answers(scene, &stays, Ok(1.into()));
        gives(scene, a, "done", [q.clone()], Value::Nil);
        gives(scene, a, "wait", [q], "waited");
    });
}

#[test]
fn closing_a_queue_wakes_a_getter_and_a_putter_of_each_language() {
    every_crowd(|scene, workers| {
        let q = Value::from("q");
        let getters: Vec<_> = workers.iter().map(|it| waits(scene, it, "get", [q.clone()])).collect();
        gives(scene, &workers[0], "close", [q.clone()], Value::Nil);
        gives(scene, &workers[1], "close", [q.clone()], Value::Nil);
        getters.iter().for_each(|it| answers(scene, it, Err(Code::Closed)));

        let full = Value::from("full");
        assert!(call(scene, &workers[0], "queue", [full.clone(), 1.into()]).is_ok());
        gives(scene, &workers[0], "put", [full.clone(), 1.into()], Value::Nil);
        let putters: Vec<_> = workers.iter().map(|it| waits(scene, it, "put", [full.clone(), 2.into()])).collect();
        gives(scene, &workers[3], "close", [full.clone()], Value::Nil);
        putters.iter().for_each(|it| answers(scene, it, Err(Code::Closed)));
        gives(scene, &workers[2], "get", [full.clone()], 1);
        for worker in workers {
            let args = [full.clone(), 3.into()];
            for (name, args) in [("put", &args[..]), ("try_put", &args), ("get", &args[..1]), ("try_get", &args[..1])] {
                assert_eq!(call(scene, worker, name, args), Err(Code::Closed), "{}: {name}", scene.what);
            }
        }
    });
}

#[test]
fn who_waits_for_a_group_can_be_called_by_who_ends_the_wait() {
    WORKERS.every_pair(|scene, a, b| {
        let g = Value::from("g");
        gives(scene, b, "more", [g.clone(), 1.into()], Value::Nil);
        let wait = waits(scene, a, "wait", [g.clone()]);
        // B calls a function of A's, through an update of B's, and then ends the wait.
        gives(scene, b, "assign", ["v".into(), g.clone()], Value::Nil);
        let calls_a = [Value::from("v"), function(a, "value")];
        gives(scene, b, "update", &calls_a, Value::Nil);
        assert!(!wait.is_answered(), "{}", scene.what);
        gives(scene, b, "done", [g.clone()], Value::Nil);
        answers(scene, &wait, Ok("waited".into()));
        assert_eq!(call(scene, b, "done", [g.clone()]), Err(Code::Range), "{}", scene.what);
        gives(scene, a, "wait", [g], "waited");
    });
}

#[test]
fn javascript_waits_in_place_as_well() {
    for thread in THREADS {
        let scene = Scene::new(format!("javascript in place on {thread:?}"));
        let javascript = LANGUAGES.iter().find(|it| it.name == "javascript").expect("JavaScript");
        let (a, b) =
            (WORKERS.player(&scene, "a", javascript, thread), WORKERS.player(&scene, "b", &LANGUAGES[0], thread));
        let q = Value::from("q");
        assert!(call(&scene, &a, "queue", [q.clone(), 1.into()]).is_ok());
        let get = waits(&scene, &a, "get_in_place", [q.clone()]);
        gives(&scene, &b, "put", [q.clone(), 1.into()], Value::Nil);
        answers(&scene, &get, Ok(1.into()));
        gives(&scene, &a, "put_in_place", [q.clone(), 2.into()], Value::Nil);
        let put = waits(&scene, &a, "put_in_place", [q.clone(), 3.into()]);
        gives(&scene, &b, "get", [q.clone()], 2);
        answers(&scene, &put, Ok(Value::Nil));
        gives(&scene, &a, "more", [q.clone(), 1.into()], Value::Nil);
        let wait = waits(&scene, &a, "wait_in_place", [q.clone()]);
        gives(&scene, &b, "done", [q.clone()], Value::Nil);
        answers(&scene, &wait, Ok("waited".into()));
        gives(&scene, &a, "assign", [q.clone(), 4.into()], Value::Nil);
        let changes = scene.script("changes", &LANGUAGES[0], thread, changer(&LANGUAGES[0]));
        gives(&scene, &a, "update_in_place", [q, function(&changes, "double")], 8);
    }
}

#[test]
fn wrong_values_are_errors_that_say_where_and_leave_all_as_it_was() {
    every_crowd(|scene, workers| {
        let q = Value::from("q");
        for worker in workers {
            let said = |name: &str, args: &[Value]| {
                let error = scene.world.try_call(worker, name, args).expect_err("it is wrong");
                format!("{}: {}", error.code(), error.message())
            };
            let cases: [(&str, &[Value], &str); 6] = [
                ("queue", &[7.into(), 0.into()], "type: sync.Queue: argument 1 'name': wanted string, got int 7"),
                (
                    "queue",
                    &[q.clone(), (-1).into()],
                    "range: sync.Queue: argument 2 'maxsize': wanted 0 or more, got -1",
                ),
                (
                    "atomic",
                    &["a".into(), "x".into()],
                    "type: sync.Atomic: argument 2 'initial': wanted int, got string \"x\"",
                ),
                ("group", &[true.into()], "type: sync.WaitGroup: argument 1 'name': wanted string, got bool true"),
                (
                    "update",
                    &["s".into(), 1.into()],
                    "type: shared.update: argument 1 'function': wanted function, got int 1",
                ),
                (
                    "more",
                    &["g".into(), (-1).into()],
                    "range: waitgroup.add: argument 1 'delta': the count of wait group 'g' is 0: -1 takes it below zero",
                ),
            ];
            for (name, args, wanted) in cases {
                assert_eq!(said(name, args), wanted, "{}: {}", scene.what, worker.name());
            }
            let wrong = said("wrong", std::slice::from_ref(&q));
            assert!(wrong.starts_with("unsupported: "), "{}: {wrong}", worker.name());
        }
        gives(scene, &workers[0], "size", [q], 0);
        gives(scene, &workers[0], "wait", ["g".into()], "waited");
    });
}

#[test]
fn every_item_of_four_languages_comes_once_and_in_its_producers_order() {
    for size in [1, 100] {
        flood(2_000, size, |tally| assert!(tally.count() <= 8_000));
    }
}

#[test]
fn a_runtime_that_closes_answers_all_who_wait() {
    for language in &LANGUAGES {
        let scene = Scene::new(language.name);
        let a = WORKERS.player(&scene, "a", language, None);
        let q = Value::from("q");
        gives(&scene, &a, "more", [q.clone(), 1.into()], Value::Nil);
        let asked = [waits(&scene, &a, "get", [q.clone()]), waits(&scene, &a, "wait", [q.clone()])];
        assert_eq!(scene.world.runtime.close(CLOSE_LIMIT).lost, [], "{}", scene.what);
        for asked in asked {
            assert_eq!(asked.answers().len(), 1, "{}", scene.what);
        }
    }
}

/// A scope within an update is within it, though it makes a token of its own.
#[test]
fn a_change_within_a_scope_within_an_update_is_an_error() {
    let world = World::new();
    let lua = world.open(
        "lua.lua",
        "local v = sync.Shared('v', 1)
        return { run = function()
            local ok, e = pcall(v.update, function(old)
                return task.scope(function() return v.update(function(x) return x + 1 end) end)
            end)
            return e.code
        end }",
    );
    let asked = world.ask(&lua, "run", &[]);
    assert_eq!(world.answer(&asked), Ok(Value::from("unsupported")));
}

/// Programs that put what cannot leave their language into a queue, and print what they hear of it.
const REFUSED: [(&str, &str, &str); 4] = [
    (
        "main.lua",
        "local _, error = pcall(sync.Queue('q').put, io.stdout) print(error.code .. ': ' .. tostring(error))",
        "a userdata cannot leave Lua: wanted data, a function or an object",
    ),
    (
        "main.js",
        "try { await sync.Queue('q').put(Symbol('x')) } catch (error) { console.log(`${error.code}: ${error.message}`) }",
        "a Symbol cannot leave JavaScript: wanted data, a function or an object",
    ),
    (
        "main.nut",
        "try { sync.Queue(\"q\").put(class {}) } catch (error) { print(error.code + \": \" + error.message + \"\\n\") }",
        "a class cannot leave Squirrel: wanted data, a function or an object",
    ),
    (
        "main.bas",
        "LET q = sync.Queue(\"q\")\nTRY\nq.put(TYPE(1))\nCATCH e\nPRINT e(\"code\") + \": \" + e(\"message\");\nENDTRY\n",
        "a TYPE cannot leave BASIC: wanted data, a routine or an object",
    ),
];

#[test]
fn what_cannot_leave_its_language_is_refused_by_function_and_parameter() {
    for (name, text, why) in REFUSED {
        let folder = Folder::with([(name, text)]);
        let ran = Calog::new(["run", name]).within(folder.path()).run();
        let wanted = format!("unsupported: queue.put: argument 1 'item': {why}\n");
        assert_eq!((ran.code, ran.out.replace("\n\n", "\n")), (Some(0), wanted), "{name}: {}", ran.err);
    }
}
