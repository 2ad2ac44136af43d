//! Exports and imports: once per runtime, in circles, across languages, each in its own idiom.

use calog::plugin_api::{Code, Value};
use calog_tests::World;

#[test]
fn what_a_chunk_returns_and_a_file_exports_is_exported() {
    let world = World::new();
    let lua = world.open("l.lua", "calog.export('one', 1) calog.export('one', 11) return { two = 2 }");
    assert_eq!((lua.export("one"), lua.export("two")), (Some(Value::Int(11)), Some(Value::Int(2))));
    let js = world.open("j.js", "calog.export('one', 1); export const two = 2; export default 3");
    assert_eq!(js.export("one"), Some(Value::Int(1)));
    assert_eq!((js.export("two"), js.export("default")), (Some(Value::Int(2)), Some(Value::Int(3))));
}

#[test]
fn javascript_imports_other_languages_by_import_declarations() {
    let world = World::new();
    world
        .write("users.lua", "return { find = function(id) return { id = id, name = 'user ' .. id } end, VERSION = 3 }");
    world.write("own.js", "export const loads = (globalThis.loads = (globalThis.loads ?? 0) + 1)");
    let js = world.open(
        "main.js",
        "import { find, VERSION } from './users.lua'
         import { loads } from './own.js'
         import * as users from './users.lua'
         export const name = find(7).name, version = VERSION, same = users.find === find, loaded = loads",
    );
    assert_eq!(js.export("name"), Some(Value::from("user 7")));
    assert_eq!(js.export("version"), Some(Value::Int(3)));
    assert_eq!(js.export("same"), Some(Value::Bool(true)));
    assert_eq!(js.export("loaded"), Some(Value::Int(1)));
    let bad = world.start("bad.js", "import { nothing } from './users.lua'");
    let error = world.runtime.wait_for(&bad).unwrap_err();
    assert!(error.message().contains("nothing"), "{error:?}");
}

#[test]
fn lua_requires_modules_of_any_language() {
    let world = World::new();
    world.write("tools.js", "export function shout(s) { return s.toUpperCase() }");
    world.write("own.lua", "return { own = true }");
    let lua = world.open(
        "main.lua",
        "local tools, own = require 'tools', require 'own'
         return { loud = tools.shout('hey'), own = own.own, again = require('tools') == tools }",
    );
    assert_eq!(lua.export("loud"), Some(Value::from("HEY")));
    assert_eq!((lua.export("own"), lua.export("again")), (Some(Value::Bool(true)), Some(Value::Bool(true))));
}

#[test]
fn a_module_is_opened_once_and_shared() {
    let world = World::new();
    world.write("counter.lua", "local n = 0 return { next = function() n = n + 1 return n end }");
    world.open("a.lua", "calog.import('counter').next()");
    world.open("b.js", "calog.import('counter.lua').next()");
    let c = world.open("c.lua", "return { n = calog.import('counter').next() }");
    assert_eq!(c.export("n"), Some(Value::Int(3)));
}

#[test]
fn modules_that_import_each_other_get_what_is_there_so_far() {
    for (extension, text) in [
        ("lua", |other: &str| {
            format!(
                "calog.export('early', 1) local o = calog.import('{other}') calog.export('seen', o.early ~= nil) return {{ late = o.late == nil }}"
            )
        }),
        ("js", |other: &str| {
            format!(
                "calog.export('early', 1); const o = calog.import('{other}'); calog.export('seen', o.early !== undefined); export const late = o.late === undefined"
            )
        }),
    ] as [(&str, fn(&str) -> String); 2]
    {
        let world = World::new();
        world.write(&format!("one.{extension}"), &text("two"));
        let two = world.open(&format!("two.{extension}"), &text("one"));
        assert_eq!(two.export("seen"), Some(Value::Bool(true)), "{extension}");
        assert_eq!(two.export("late"), Some(Value::Bool(false)), "{extension}: one had ended");
    }
}

#[test]
fn a_missing_module_lists_what_was_tried() {
    for (name, text) in [("main.lua", "calog.import('nowhere')"), ("main.js", "calog.import('nowhere')")] {
        let world = World::new();
        let context = world.start(name, text);
        let error = world.runtime.wait_for(&context).unwrap_err();
        assert_eq!(error.code(), Code::NotFound, "{name}: {error:?}");
        for tried in ["nowhere.lua", "nowhere.js"] {
            assert!(error.message().contains(tried), "{name}: {error:?}");
        }
    }
}

#[test]
fn a_module_without_an_engine_says_so() {
    let world = World::new();
    world.write("sums.tly", "1");
    let context = world.start("main.lua", "calog.import('sums.tly')");
    let error = world.runtime.wait_for(&context).unwrap_err();
    assert_eq!(error.code(), Code::NotFound, "{error:?}");
    assert!(error.message().contains(".tly") && !error.message().contains("sums.tly.lua"), "{error:?}");
}

#[test]
fn a_modules_error_is_its_importers() {
    let world = World::new();
    world.write("broken.lua", "\nerror('not today')");
    let js = world.start("main.js", "import './broken.lua'");
    let error = world.runtime.wait_for(&js).unwrap_err();
    assert!(error.message().contains("not today"), "{error:?}");
    assert!(error.frames().any(|frame| frame.file.ends_with("broken.lua") && frame.line == 2), "{error:?}");
    let others: Vec<_> = world.reports().into_iter().filter(|(context, _)| *context != js.id()).collect();
    assert_eq!(others, [], "the importer was told");
}

#[test]
fn open_makes_a_context_of_its_own_each_time() {
    let world = World::new();
    world.write("worker.lua", "return { who = calog.self().name, args = calog.args() }");
    let lua = world.open(
        "main.lua",
        "local w = calog.open('worker.lua', { name = 'w1' })
         local v = calog.open('worker.lua', { name = 'w2' })
         local value = w.wait()
         local ok, e = pcall(calog.open, 'worker.lua', { nme = 'x' })
         return { name = w.name, differ = w.id ~= v.id, who = value.who, exports = v:exports() ~= nil, code = e.code }",
    );
    assert_eq!(lua.export("name"), Some(Value::from("w1")));
    assert_eq!((lua.export("differ"), lua.export("who")), (Some(Value::Bool(true)), Some(Value::from("w1"))));
    assert_eq!(lua.export("code"), Some(Value::from("type")));
    let js = world.open(
        "main.js",
        "const w = calog.open('worker.lua')
         export const who = (await w.wait()).who
         export const sync = w.wait.sync().who",
    );
    assert_eq!((js.export("who"), js.export("sync")), (Some(Value::from("worker")), Some(Value::from("worker"))));
}

#[test]
fn javascript_waits_by_promises() {
    let world = World::new();
    world.write("slow.lua", "return { add = function(a, b) return a + b end, fail = function() error('no', 0) end }");
    let js = world.open(
        "main.js",
        "import { add, fail } from './slow.lua'
         export const one = await add.async(1, 2)
         export let failed; try { await fail.async() } catch (e) { failed = e.message }
         export async function later(x) { return await add.async(x, 1) }
         export const order = []
         const p = Promise.resolve().then(() => order.push('job'))
         order.push('main'); await p",
    );
    assert_eq!(js.export("one"), Some(Value::Int(3)));
    assert_eq!(js.export("failed"), Some(Value::from("no")));
    assert_eq!(world.call(&js, "later", &[41.into()]), Ok(Value::Int(42)));
    assert_eq!(js.export("order"), Some(Value::list(["main", "job"]).unwrap()));
}

#[test]
fn an_uncaught_rejection_is_reported() {
    let world = World::new();
    world.open("main.js", "Promise.reject(new Error('nobody looks'))");
    world.runtime.pump_until(|| !world.errors().is_empty(), calog::CLOSE_LIMIT);
    assert!(world.errors()[0].message().contains("nobody looks"), "{:?}", world.errors());
}

#[test]
fn a_base_name_stands_for_the_first_registered_extension_that_exists() {
    let world = World::new();
    let both = world.write("both.js", "export const language = 'javascript'").with_extension("");
    world.write("both.lua", "return { language = 'lua' }");
    let one = world.write("one.js", "export const language = 'javascript'").with_extension("");
    for (base, language) in [(&both, "lua"), (&one, "javascript")] {
        let context = world.runtime.open(calog::Open::base(base)).unwrap_or_else(|error| panic!("{error:?}"));
        world.runtime.wait_for(&context).unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(context.export("language"), Some(Value::from(language)));
    }
    let none = world.runtime.open(calog::Open::base(both.with_file_name("none"))).map(|context| context.id());
    let error = none.expect_err("there is no such script");
    assert_eq!(error.code(), Code::NotFound);
    assert!(["none.lua", "none.js"].iter().all(|tried| error.message().contains(tried)), "{error:?}");
}
