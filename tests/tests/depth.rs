//! How deep calls may nest: the bounds come as errors that scripts can catch, before the thread's
//! stack ends, whatever the scripts do in between.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use calog::plugin_api::{Function, Value};
use calog::{ContextRef, Runtime};
use calog_tests::{LANGUAGES, Language, Scene, THREADS, World, every_pair, field, function, guarded};
use parking_lot::Mutex;

/// Nested pumps and same-thread calls of one thread.
const MAX_NESTING: i64 = 40;

/// Calls that wait for each other.
const MAX_LOGICAL_DEPTH: i64 = 200;

/// What must be left of a thread's stack at the deepest level, also after a script's own recursion there.
const STACK_TO_SPARE_BYTES: usize = 1 << 20;

/// Has a and b call each other until it fails, and gives what the deepest found.
fn sink(scene: &Scene, how: &str, a: &ContextRef, b: &ContextRef, more: &[Value]) -> Value {
    let mut args = vec![function(b, how), function(a, how), 1.into()];
    args.extend_from_slice(more);
    let found = scene.world.try_call(a, how, &args);
    found.unwrap_or_else(|error| panic!("{}: {how}: {error:?}", scene.what))
}

fn level(found: &Value) -> i64 {
    field(found, "level").view().as_int().unwrap_or_default()
}

fn is_shared(scene: &Scene) -> bool {
    scene.what.contains("Some")
}

#[test]
fn nesting_ends_in_a_depth_error_that_the_deepest_level_catches() {
    every_pair(|scene, a, b| {
        for how in ["sink_in_place", "sink_far"] {
            for _ in 0..2 {
                let found = sink(scene, how, a, b, &[]);
                assert_eq!(field(&found, "code"), Value::from("depth"), "{}: {how} {found:?}", scene.what);
                // The first level lies on none; each of two threads nests by itself. With recursion of
                // its own in between a language may come to its own limit before that.
                let most = 1 + MAX_NESTING * if is_shared(scene) { 1 } else { 2 };
                let levels = level(&found);
                match how {
                    "sink_far" => assert!((5..=most).contains(&levels), "{}: {how} {levels}", scene.what),
                    _ => assert_eq!(levels, most, "{}: {how}", scene.what),
                }
                scene.settle(a);
                scene.settle(b);
            }
        }
        assert_eq!(scene.world.errors(), [], "{}", scene.what);
    });
}

#[test]
fn suspended_recursion_ends_in_a_depth_error_at_the_logical_limit() {
    every_pair(|scene, a, b| {
        for _ in 0..2 {
            let found = sink(scene, "sink", a, b, &[]);
            assert_eq!(field(&found, "code"), Value::from("depth"), "{}: {found:?}", scene.what);
            if !is_shared(scene) {
                assert_eq!(level(&found), MAX_LOGICAL_DEPTH, "{}: {found:?}", scene.what);
            }
            scene.settle(a);
            scene.settle(b);
        }
        assert_eq!(scene.world.errors(), [], "{}", scene.what);
    });
}

/// Of each thread that called: the bounds of its stack, and the deepest place.
#[derive(Clone, Default)]
struct Depths(Arc<Mutex<BTreeMap<String, Depth>>>);

#[derive(Clone, Copy)]
struct Depth {
    low: usize,
    high: usize,
    deepest: usize,
}

impl Depths {
    /// Where this thread's stack pointer is, about.
    fn mark(&self) {
        let here = 0_u8;
        let here = (&raw const here).addr();
        let (low, high) = stack_around(here);
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        let mut depths = self.0.lock();
        let depth = depths.entry(name).or_insert(Depth { low, high, deepest: here });
        depth.deepest = depth.deepest.min(here);
    }

    /// A function that marks.
    fn callable(&self, scene: &Scene) -> Value {
        let own = self.clone();
        let mark = Function::new("mark", move || own.mark()).build().expect("a native");
        scene.world.runtime.handle().callable(&mark).expect("a callable").into()
    }
}

/// The range of addresses that a line of the process's mappings begins with.
fn range(line: &str) -> Option<(usize, usize)> {
    let (low, high) = line.split_whitespace().next()?.split_once('-')?;
    Some((usize::from_str_radix(low, 16).ok()?, usize::from_str_radix(high, 16).ok()?))
}

/// The mapping that holds this address: a thread's stack.
fn stack_around(address: usize) -> (usize, usize) {
    let maps = fs::read_to_string("/proc/self/maps").expect("the process's mappings");
    maps.lines().filter_map(range).find(|(low, high)| (*low..*high).contains(&address)).expect("a stack is mapped")
}

/// How much of the stack that starts here was ever touched, by its threads so far.
fn touched_bytes(low: usize) -> usize {
    let maps = fs::read_to_string("/proc/self/smaps").expect("the process's mappings");
    let of_stack = maps.lines().skip_while(|line| range(line).is_none_or(|(from, _)| from != low));
    let resident = of_stack.filter_map(|line| line.strip_prefix("Rss:")).next().expect("a stack is mapped");
    resident.trim().trim_end_matches(" kB").parse::<usize>().expect("a size") << 10
}

#[test]
fn the_limits_are_reached_well_before_the_stack_ends() {
    every_pair(|scene, a, b| {
        for how in ["sink", "sink_in_place", "sink_far"] {
            let depths = Depths::default();
            sink(scene, how, a, b, &[depths.callable(scene)]);
            for (thread, Depth { low, high, deepest }) in &*depths.0.lock() {
                let (used, left) = (high - deepest, deepest - low);
                println!("{}: {how}: {thread}: {} KiB used, {} KiB left", scene.what, used >> 10, left >> 10);
                assert!(left >= STACK_TO_SPARE_BYTES, "{}: {how}: {left} of {}", scene.what, high - low);
            }
            assert!(!depths.0.lock().is_empty(), "{}: {how}: somebody marked", scene.what);
        }
    });
}

#[test]
fn endless_recursion_of_a_script_at_the_deepest_level_is_an_error() {
    for one in &LANGUAGES {
        for other in &LANGUAGES {
            for thread in THREADS {
                for how in ["sink", "sink_in_place", "sink_far"] {
                    overflow_everything(one, other, thread, how);
                }
            }
        }
    }
}

fn overflow_everything(one: &Language, other: &Language, thread: Option<&str>, how: &str) {
    let scene = Scene::new(format!("{} and {} on {thread:?}", one.name, other.name));
    let (a, b) = (scene.actor("a", one, thread), scene.actor("b", other, thread));
    let depths = Depths::default();
    sink(&scene, how, &a, &b, &[depths.callable(&scene)]);
    for (context, language) in [(&a, one), (&b, other)] {
        for kind in language.overflows {
            let overflow = field(&function(context, "overflow"), kind);
            let what = format!("{}: {how}: {} {kind}", scene.what, language.name);
            let found = sink(&scene, how, &a, &b, &[overflow]);
            let deepest = field(&found, "deepest");
            assert_ne!(field(&deepest, "message"), Value::Nil, "{what}: {found:?}");
            scene.settle(&a);
            scene.settle(&b);
        }
    }
    for (thread, Depth { low, high, .. }) in &*depths.0.lock() {
        let left = high - low - touched_bytes(*low);
        println!("{}: {how}: {thread}: {} KiB never touched", scene.what, left >> 10);
        assert!(left >= STACK_TO_SPARE_BYTES, "{}: {how}: {left} of {}", scene.what, high - low);
    }
    assert_eq!(scene.world.runtime.close(calog::CLOSE_LIMIT), calog::Closed::default(), "{}", scene.what);
}

/// The same without any nesting.
#[test]
fn endless_recursion_of_a_script_is_an_error() {
    for language in &LANGUAGES {
        let scene = Scene::new(language.name);
        let a = scene.actor("a", language, None);
        for kind in language.overflows {
            let overflow = field(&function(&a, "overflow"), kind);
            let found = scene.world.try_call(&a, "catches", &[overflow]).expect("it is caught");
            assert_ne!(field(&found, "message"), Value::Nil, "{}: {kind}: {found:?}", scene.what);
            scene.settle(&a);
        }
    }
}

/// The program's own thread counts as well: its calls nest when natives of its call back.
#[test]
fn natives_of_the_program_that_call_back_end_in_a_depth_error_too() {
    thread_local! {
        static RUNTIME: std::cell::RefCell<Option<(std::rc::Rc<Runtime>, ContextRef)>> = const { std::cell::RefCell::new(None) };
    }
    for language in &LANGUAGES {
        let call_back = |level: i64| {
            let (runtime, context) = RUNTIME.with_borrow(Clone::clone).expect("it is set below");
            runtime.call_export(&context, "down", &[level.into()])
        };
        let world = calog_tests::World::with(|builder| builder.native(Function::new("call_back", call_back)));
        let text = match language.name {
            "lua" => {
                "return { down = function(level)
                 local ok, found = pcall(call_back, level + 1)
                 if ok then return found end
                 return { level = level, code = found.code }
             end }"
            }
            "javascript" => {
                "export function down(level) {
                 try { return call_back(level + 1) } catch (error) { return { level, code: error.code } }
             }"
            }
            "squirrel" => {
                "return { down = function(level) {
                 try { return call_back(level + 1) } catch (e) { return { level = level, code = e.code } }
             } }"
            }
            "basic" => {
                "DEF down(level)
                     TRY
                         RETURN call_back(level + 1)
                     CATCH e
                         RETURN DICT(\"level\", level, \"code\", e.code)
                     ENDTRY
                 ENDDEF
                 calog.export(\"down\", down)"
            }
            other => panic!("{other}: say here how it calls a native"),
        };
        let context = world.open(&format!("a.{}", language.extension), text);
        let runtime = std::rc::Rc::new(world.runtime);
        RUNTIME.set(Some((std::rc::Rc::clone(&runtime), context.clone())));
        let found = guarded(&runtime, || runtime.call_export(&context, "down", &[1.into()]));
        RUNTIME.take();
        let found = found.unwrap_or_else(|error| panic!("{}: {error:?}", language.name));
        assert_eq!(field(&found, "code"), Value::from("depth"), "{}: {found:?}", language.name);
    }
}

#[test]
fn what_the_host_gives_to_call_functions_does_not_recurse_without_bound() {
    // So many that a stack would end, but not what a language can pass on.
    for (name, wrapped, called) in [
        (
            "a.lua",
            "return { find = function()
               local f = function() return 7 end
               for i = 1, 300000 do f = calog.lenient(f) end
               return f()
             end }",
            "return { find = function()
               local all = {}
               for i = 1, 100000 do all[i] = calog.call end
               local ok, e = pcall(calog.call, table.unpack(all))
               return e.code
             end }",
        ),
        (
            "b.js",
            "export function find() {
               let f = () => 7
               for (let i = 0; i < 300000; i++) f = calog.lenient(f)
               return f()
             }",
            "export function find() {
               try { calog.call(...Array(60000).fill(calog.call)) } catch (e) { return e.code }
             }",
        ),
    ] {
        for (text, wanted) in [(wrapped, Value::Int(7)), (called, "depth".into())] {
            let world = World::new();
            let context = world.open(name, text);
            assert_eq!(world.try_call(&context, "find", &[]), Ok(wanted), "{name}: {text}");
        }
    }
}
