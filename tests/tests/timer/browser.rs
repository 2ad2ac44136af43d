//! What JavaScript's scripts take for granted: `setTimeout` and its kin.

use calog::SearchPath;
use calog_tests::{Folder, World, ended, plugin_folder};

/// Runs a script as a program. What it printed, line by line.
#[track_caller]
fn printed(world: &World, script: &str) -> Vec<String> {
    let context = world.open("main.js", script);
    assert_eq!(ended(&world.runtime), calog::Ended::Idle, "{script}");
    assert!(!context.is_closed());
    world.output.text().lines().map(str::to_owned).collect()
}

/// Scripts, and what they print.
const SCRIPTS: [(&str, &str, &[&str]); 17] = [
    ("a timeout comes after the code that set it, and after its microtasks", "
        setTimeout(() => console.log('timeout'))
        Promise.resolve().then(() => console.log('microtask'))
        console.log('main')",
        &["main", "microtask", "timeout"]),
    ("equal delays are first in, first out", "
        for (let i = 0; i < 50; i++) setTimeout((i) => { if (i % 10 === 0) console.log(i) }, 2, i)",
        &["0", "10", "20", "30", "40"]),
    ("shorter ones come first", "
        const far = setTimeout(() => console.log('far'), 3600000)
        setTimeout(() => { console.log('near'); clearTimeout(far) }, 5)",
        &["near"]),
    ("arguments pass, and so does `this`", "
        setTimeout(function (a, b) { console.log(a, b, arguments.length, this === globalThis) }, 1, 'a', { b: 1 })
        setInterval(function (...all) { console.log(all); clearInterval(id) }, 1, 1, 2)
        const id = 2",
        &["a { b: 1 } 2 true", "[ 1, 2 ]"]),
    ("a delay that is none is 0", "
        for (const ms of [undefined, null, NaN, 'soon', -5, {}, Infinity, -Infinity, '1', true]) {
          setTimeout((ms) => console.log(String(ms)), ms, ms)
        }
        const stop = setTimeout(() => {}, 1e300); clearTimeout(stop)",
        &["undefined", "null", "NaN", "soon", "-5", "[object Object]", "Infinity", "-Infinity", "1", "true"]),
    ("a delay may be longer than 32 bits", "
        const far = setTimeout(() => console.log('too early'), 2 ** 32)
        setTimeout(() => clearTimeout(far), 5)",
        &[]),
    ("ids are numbers above 0, each another", "
        const ids = [setTimeout(() => {}), setTimeout(() => {}), setInterval(() => {}, 1), setImmediate(() => {})]
        console.log(ids.every((id) => Number.isInteger(id) && id > 0), new Set(ids).size)
        clearInterval(ids[2])",
        &["true 4"]),
    ("an interval goes on until it is cleared", "
        let count = 0
        const id = setInterval(() => { console.log(++count); if (count === 3) clearInterval(id) }, 1)",
        &["1", "2", "3"]),
    ("an interval without a delay is as short as may be", "
        let count = 0
        const id = setInterval(() => { if (++count === 3) { clearInterval(id); console.log(count) } })",
        &["3"]),
    ("either clears what the other set", "
        clearInterval(setTimeout(() => console.log('no'), 1))
        clearTimeout(setInterval(() => console.log('no'), 1))
        clearTimeout(setImmediate(() => console.log('no')))
        clearTimeout(String(setTimeout(() => console.log('no'), 1)))
        clearImmediate(setImmediate(() => console.log('no')))",
        &[]),
    ("what is unknown is cleared without a word", "
        for (const id of [undefined, null, 0, -1, 99999, NaN, 'x', {}, Symbol('x'), 1n, () => {}]) {
          clearTimeout(id); clearInterval(id); clearImmediate(id)
        }
        clearTimeout()
        const id = setTimeout(() => {}, 1); clearTimeout(id); clearTimeout(id)
        console.log('fine')",
        &["fine"]),
    ("what is no function is refused", "
        for (const [set, it] of [[setTimeout, 'alert(1)'], [setInterval, 'x'], [setTimeout, null], [setTimeout, undefined],
                                 [setImmediate, {}]]) {
          try { set(it, 1) } catch (e) { console.log(e instanceof TypeError, e.message) }
        }
        console.log(setTimeout.name, setTimeout.length >= 1)",
        &[
            "true setTimeout: the callback must be a function, not string",
            "true setInterval: the callback must be a function, not string",
            "true setTimeout: the callback must be a function, not null",
            "true setTimeout: the callback must be a function, not undefined",
            "true setImmediate: the callback must be a function, not object",
            "setTimeout true",
        ]),
    ("an immediate comes in its turn", "
        setImmediate((a) => console.log('immediate', a), 1)
        Promise.resolve().then(() => console.log('microtask'))",
        &["microtask", "immediate 1"]),
    ("a timeout makes a promise", "
        const sleep = (ms) => new Promise((done) => setTimeout(done, ms))
        const start = timer.now()
        await sleep(20)
        console.log(timer.now() - start >= 20)
        console.log(await Promise.race([sleep(3600000).then(() => 'far'), sleep(1).then(() => 'near')]))
        calog.exit(0)",
        &["true", "near"]),
    ("microtasks run after each callback", "
        setTimeout(() => { console.log('one'); Promise.resolve().then(() => console.log('microtask of one')) }, 1)
        setTimeout(() => console.log('two'), 1)",
        &["one", "microtask of one", "two"]),
    ("an async callback of an interval is not waited for", "
        let count = 0
        const never = new Promise(() => {})
        const id = setInterval(async () => { console.log(++count); if (count === 2) clearInterval(id); else await never }, 1)
        setTimeout(() => calog.exit(0), 200)",
        &["1", "2"]),
    ("they do not need the global `timer`", "
        globalThis.timer = 'mine'
        setTimeout(() => console.log(timer), 1)",
        &["mine"]),
];

#[test]
fn they_keep_the_rules_of_browsers_and_node() {
    for (what, script, wanted) in SCRIPTS {
        println!("{what}");
        let world = World::new();
        let context = world.start("main.js", script);
        let ended = ended(&world.runtime);
        assert!(matches!(ended, calog::Ended::Idle | calog::Ended::Exit(0)), "{what}: {ended:?}");
        assert_eq!(world.errors(), [], "{what}");
        assert_eq!(world.output.text().lines().collect::<Vec<_>>(), wanted, "{what}");
        drop(context);
    }
}

#[test]
fn a_callback_that_throws_is_reported_and_an_interval_goes_on() {
    let world = World::new();
    let lines = printed(
        &world,
        "let count = 0
        const id = setInterval(() => { if (++count === 2) clearInterval(id); throw new Error(`no luck ${count}`) }, 1)
        setTimeout(() => console.log('goes on'), 20)",
    );
    assert_eq!(lines, ["goes on"]);
    let errors: Vec<String> = world.errors().iter().map(|error| error.message().into_owned()).collect();
    assert_eq!(errors, ["Error: no luck 1", "Error: no luck 2"]);
}

#[test]
fn without_the_bundle_they_say_what_is_missing() {
    let folder = Folder::new();
    folder.copy(&plugin_folder().join("libcalog_engine_quickjs.so"));
    let world = World::over(SearchPath::of([folder.path()]), |builder| builder);
    let script = "
        for (const set of [setTimeout, setInterval, setImmediate]) {
          try { set(() => {}, 1) } catch (e) { console.log(e.message) }
        }
        clearTimeout(1); clearInterval(undefined)
        console.log(typeof timer)";
    let missing = "needs the bundle 'timer' (libcalog_natives_timer.so), which is not among the plugins";
    let wanted = ["setTimeout", "setInterval", "setImmediate"].map(|name| format!("{name} {missing}"));
    let lines = printed(&world, script);
    assert_eq!(lines[..3], wanted);
    assert_eq!(lines[3..], ["undefined"]);
}
