//! Plugins as files: a third engine nobody foresaw, files that are refused, names that collide, and a
//! plugin that misbehaves wherever it can.

use std::cell::Cell;
use std::fs;
use std::mem::offset_of;
use std::path::Path;
use std::rc::Rc;

use calog::plugin_api::header::{Entry, Header, MAGIC};
use calog::plugin_api::{ABI_VERSION, Code, Function, Value};
use calog::plugins::{Refusal, inspect};
use calog::{CLOSE_LIMIT, ContextRef, Open, Runtime, RuntimeBuilder, SearchPath};
use calog_tests::{Calog, Folder, World, build_standalone, command, plugin_folder};
use object::{Endianness, Object, ObjectSymbol};

const LUA: &str = "libcalog_engine_lua.so";
const JAVASCRIPT: &str = "libcalog_engine_quickjs.so";
const STATS: &str = "libcalog_natives_stats.so";

// ---- a third engine

#[test]
fn a_third_engine_joins_the_command_that_was_built_without_it() {
    let before = fs::read(command()).expect("the command can be read");
    let plugins = Folder::new();
    let tally = plugins.copy(&build_standalone("tally"));
    let program = Folder::with([
        ("double.lua", "return { double = function(x) return 2 * x end }"),
        ("sums.tly", "40\nimport double\ncall double double   # 40 + 80\n2\n"),
        (
            "main.js",
            "import { total } from './sums.tly'
             console.log(total())
             console.log(total(sum => { console.log(`watched ${sum}`); return -sum }, 20))
             // While Tally waits for the watcher, the watcher calls Tally.
             console.log(total(sum => total() + sum))",
        ),
    ]);
    let run = |args: &[&str]| Calog::new([&["run", "main.js"], args].concat()).within(program.path()).run();
    run(&[]).ended_with(1).said(&["no engine for .tly", "folders searched"]);
    run(&["--plugins", &plugins.path().display().to_string()]).printed("122\nwatched 142\n-142\n284\n");
    assert!(before == fs::read(command()).expect("the command can be read"), "the command has changed");
    // It has not even heard of it.
    assert!(!contains(&before, b"calog-engine-tally"), "the command knows the engine's name");
    assert!(contains(&fs::read(tally).expect("the plugin can be read"), b"calog-engine-tally"), "which its file holds");
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

// ---- what a file says of itself

#[test]
fn a_plugin_exports_its_root_and_nothing_else() {
    let workspace = [LUA, JAVASCRIPT, STATS].map(|name| plugin_folder().join(name));
    for path in workspace.into_iter().chain([build_standalone("tally")]) {
        let bytes = fs::read(&path).expect("a plugin");
        let file = object::read::elf::ElfFile64::<Endianness>::parse(&*bytes).expect("an ELF file");
        let exported: Vec<_> =
            file.dynamic_symbols().filter(|it| it.is_definition()).flat_map(|it| it.name()).collect();
        assert_eq!(exported, ["_1as_0lib_1header_0root_bmodule_bloader"], "{}", path.display());
    }
}

#[test]
fn a_plugin_is_judged_without_being_opened() {
    let folder = Folder::new();
    for (file, name, engines, bundles) in [
        (plugin_folder().join(LUA), "calog-engine-lua", &[("lua", "lua", "lua")][..], &[][..]),
        (plugin_folder().join(JAVASCRIPT), "calog-engine-quickjs", &[("quickjs", "javascript", "js mjs")], &[]),
        (plugin_folder().join(STATS), "calog-natives-stats", &[], &["stats"]),
        (build_standalone("tally"), "calog-engine-tally", &[("tally", "tally", "tly")], &[]),
        (build_standalone("wicked"), "calog-test-wicked", &[("wicked", "wicked", "wkd")], &["wicked"]),
    ] {
        let path = folder.copy(&file);
        let offer = inspect(&path).expect("an offer");
        assert_eq!((offer.plugin.name.as_str(), offer.abi), (name, ABI_VERSION));
        let found: Vec<_> =
            offer.engines.iter().map(|it| (&*it.name, &*it.language, it.extensions.join(" "))).collect();
        let wanted: Vec<_> = engines.iter().map(|&(name, language, all)| (name, language, all.to_owned())).collect();
        assert_eq!((found, offer.bundles), (wanted, bundles.iter().map(|&it| it.to_owned()).collect()), "{name}");
        assert!(!is_open(&path), "{name}");
    }
    let aborting = folder.copy(&build_standalone("aborting"));
    assert_eq!(inspect(&aborting), Err(Refusal::PanicAborts));
    assert!(!is_open(&aborting));
}

#[test]
fn an_engine_is_opened_when_a_script_needs_it() {
    let plugins = Folder::new();
    let [lua, javascript] = [LUA, JAVASCRIPT].map(|name| plugins.copy(&plugin_folder().join(name)));
    let world = World::with(|builder| builder.plugins(SearchPath::of([plugins.path()])));
    assert_eq!((is_open(&lua), is_open(&javascript)), (false, false));
    world.open("main.lua", "");
    assert_eq!((is_open(&lua), is_open(&javascript)), (true, false));
}

/// Whether a library is part of this process.
fn is_open(library: &Path) -> bool {
    let maps = fs::read_to_string("/proc/self/maps").expect("what is mapped");
    maps.contains(&*library.to_string_lossy())
}

// ---- refused files

/// A plugin's bytes with others at this offset of its header.
fn patched(plugin: &[u8], offset: usize, bytes: &[u8]) -> Vec<u8> {
    let header = plugin.windows(MAGIC.len()).position(|window| window == MAGIC).expect("a header");
    let mut patched = plugin.to_vec();
    patched[header + offset..][..bytes.len()].copy_from_slice(bytes);
    patched
}

#[test]
fn files_that_are_no_plugins_are_listed_with_their_reasons_and_the_rest_works() {
    let folder = Folder::with_command();
    let calog = |args: &[&str]| Calog::at(&folder.join("calog"), args).within(folder.path()).run().ended_with(0);
    for name in [LUA, JAVASCRIPT, STATS] {
        folder.copy_as(&plugin_folder().join(name), &format!("plugins/{name}"));
    }
    folder.copy_as(&build_standalone("aborting"), "plugins/aborting.so");
    let lua = fs::read(plugin_folder().join(LUA)).expect("a plugin");
    let refused = [
        ("aborting.so", None, "it was built with `panic = \"abort\"`"),
        ("text.so", Some(b"A text named .so\n".to_vec()), "it is no shared library: it begins with \"A text named"),
        ("cut0.so", Some(Vec::new()), "it is no shared library: the file is empty"),
        ("cut3.so", Some(lua[..3].to_vec()), "it is no shared library: it begins with"),
        ("cut10.so", Some(lua[..10].to_vec()), "it is damaged: it ends after 10 bytes"),
        ("cut60.so", Some(lua[..60].to_vec()), "it is damaged: "),
        ("cut100.so", Some(lua[..100].to_vec()), "it is damaged: "),
        ("cut4096.so", Some(lua[..4096].to_vec()), "it is damaged: "),
        ("cut_half.so", Some(lua[..lua.len() / 2].to_vec()), "it is damaged: "),
        ("cut_last.so", Some(lua[..lua.len() - 1].to_vec()), "it is damaged: "),
        (
            "minor.so",
            Some(patched(&lua, offset_of!(Header, abi_minor), &77u32.to_ne_bytes())),
            "it was built for ABI 0.77, this host speaks ABI 0.1 and no other: build it with calog-plugin-api ",
        ),
        (
            "major.so",
            Some(patched(&lua, offset_of!(Header, abi_major), &9u32.to_ne_bytes())),
            "it was built for ABI 9.1, this host speaks ABI 0.1 and no other: build it with calog-plugin-api ",
        ),
        (
            "format.so",
            Some(patched(&lua, offset_of!(Header, value_format), &99u32.to_ne_bytes())),
            "its values have format 99",
        ),
    ];
    for (name, bytes, _) in &refused {
        bytes.iter().for_each(|bytes| drop(folder.write(&format!("plugins/{name}"), bytes)));
    }
    for args in [&["plugins"][..], &["plugins", "--verbose"]] {
        let listing = calog(args).out;
        for (name, _, reason) in &refused {
            let (row, below) = row_of(&listing, name);
            assert!(row.ends_with("refused"), "{name}: {row}");
            assert!(below.first().is_some_and(|line| line.trim_start().starts_with(reason)), "{name}: {below:?}");
        }
        let state = if args.len() > 1 { "loaded" } else { "available" };
        for (name, offer) in
            [(LUA, "engine lua: .lua"), (JAVASCRIPT, "engine quickjs (javascript): .js .mjs"), (STATS, "bundle stats")]
        {
            let (row, below) = row_of(&listing, name);
            assert!(row.contains(state) && row.contains("ABI 0.1") && row.ends_with(offer), "{row}");
            assert_eq!(below, Vec::<&str>::new(), "{name}");
        }
        let summary = format!("engines: 2, bundles: 1, files refused: {}", refused.len());
        assert_eq!(listing.lines().last(), Some(&*summary), "{listing}");
    }
    // Beside them, in the same folder, everything works.
    folder.write("add.js", "export const add = (a, b) => stats.mean([a, b]) * 2");
    folder.write("main.lua", "print(math.tointeger(calog.import('add').add(19, 23)))");
    let ran = calog(&["run", "main.lua"]);
    assert_eq!(ran.out, "42\n");
    for (name, _, reason) in &refused {
        let warned = ran.err.lines().any(|line| line.contains(&format!("{name} is refused: {reason}")));
        assert!(warned, "{name} in\n{}", ran.err);
    }
}

/// A file's line in the listing, and what is said about it below.
fn row_of<'a>(listing: &'a str, file: &str) -> (&'a str, Vec<&'a str>) {
    let mut lines = listing.lines().skip_while(|line| line.split_whitespace().next() != Some(file));
    let row = lines.next().unwrap_or_else(|| panic!("{file} is not in\n{listing}"));
    (row, lines.take_while(|line| line.starts_with("      ")).collect())
}

// ---- names that collide

#[test]
fn of_two_with_one_name_the_first_wins_and_the_other_is_shadowed() {
    let folder = Folder::new();
    let tally = fs::read(build_standalone("tally")).expect("a plugin");
    let name = offset_of!(Header, entries) + offset_of!(Entry, name);
    // One file of the same engine, one of another engine for the same extension.
    let [one, two] = ["one", "two"].map(|it| folder.join(it));
    folder.write("one/libb.so", &tally);
    folder.write("two/liba.so", &tally);
    folder.write("two/libz.so", patched(&tally, name, b"tolly\0"));
    folder.copy_as(&plugin_folder().join(STATS), "one/stats.so");
    folder.copy_as(&plugin_folder().join(STATS), "two/stats.so");
    folder.write("main.tly", "1");
    let search = ["--plugins".into(), one.display().to_string(), "--plugins".into(), two.display().to_string()];
    let listing = Calog::new([&["plugins".to_owned()], &search[..]].concat()).run().ended_with(0).out;
    let by = |file: &str| format!("is shadowed by {}/{file}", one.display());
    let in_two = &listing[listing.find(&format!("{} (", two.display())).expect("the second folder")..];
    for (text, file, state, below) in [
        (&*listing, "libb.so", "available", vec![]),
        (&*listing, "stats.so", "available", vec![]),
        (in_two, "liba.so", "shadowed", vec![format!("engine tally {}", by("libb.so"))]),
        (in_two, "libz.so", "available", vec![format!("extension .tly of engine tolly {}", by("libb.so"))]),
        (in_two, "stats.so", "shadowed", vec![format!("bundle stats {}", by("stats.so"))]),
    ] {
        let (row, found) = row_of(text, file);
        assert_eq!(row.split_whitespace().nth(5), Some(state), "{row}");
        assert_eq!(found.into_iter().map(str::trim).collect::<Vec<_>>(), below, "{row}");
    }
    // Whoever comes first is opened, and nobody else.
    for (first, second) in [(&one, &two), (&two, &one)] {
        let copies = Folder::new();
        let paths = [first, second].map(|from| {
            let file = fs::read_dir(from)
                .expect("a folder")
                .flatten()
                .map(|it| it.path())
                .find(|path| path.file_name().is_some_and(|name| name == "liba.so" || name == "libb.so"));
            copies.copy_as(&file.expect("a tally"), &format!("{}/tally.so", from.ends_with("one")))
        });
        let folders = paths.each_ref().map(|path| path.parent().expect("it lies in a folder"));
        let world = World::with(|builder| builder.plugins(SearchPath::of(folders)));
        world.open("main.tly", "1");
        assert_eq!(paths.map(|path| is_open(&path)), [true, false], "{}", first.display());
    }
}

#[test]
fn the_manifest_decides_which_engine_runs_an_extension() {
    let tally = fs::read(build_standalone("tally")).expect("a plugin");
    let extensions = offset_of!(Header, entries) + offset_of!(Entry, extensions);
    let folder = Folder::with([
        ("calog.toml", "plugins = [\"plugins\"]\nengines = [\"tally\"]\n[[context]]\nscript = \"main.lua\"\n"),
        ("main.lua", "40\nfour"),
    ]);
    folder.write("plugins/greedy.so", patched(&tally, extensions, b"lua\0"));
    let ran = Calog::new(["run", "."]).within(folder.path()).run().ended_with(1);
    ran.said(&["'four': invalid digit found in string", "main.lua:2 (tally)"]);
}

// ---- a plugin that misbehaves

/// A runtime that has the wicked plugin beside the workspace's, and two contexts that must go on
/// whatever happens.
struct Wicked {
    neighbour: ContextRef,
    world: World,
    _plugins: Folder,
}

fn with_wicked(plugins: &Folder, builder: RuntimeBuilder) -> RuntimeBuilder {
    let wicked = plugins.copy(&build_standalone("wicked"));
    let folder = wicked.parent().expect("it lies in a folder");
    builder.plugins(SearchPath::of([plugin_folder(), folder]))
}

impl Wicked {
    fn new() -> Wicked {
        Wicked::with(|builder| builder)
    }

    fn with(more: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder) -> Wicked {
        let plugins = Folder::new();
        let world = World::with(|builder| more(with_wicked(&plugins, builder)));
        world.write("adds.js", "export const add = (a, b) => a + b");
        let neighbour = world.open(
            "neighbour.lua",
            "local adds = calog.import('adds') return { sum = function(a, b) return adds.add(a, b) end }",
        );
        Wicked { neighbour, world, _plugins: plugins }
    }

    /// All others go on: those that were there before, and new ones, also of the wicked engine.
    fn others_go_on(&self, what: &str) {
        let sum = self.world.call(&self.neighbour, "sum", &[1.into(), 2.into()]);
        assert_eq!(sum, Ok(Value::Int(3)), "{what}: the neighbours");
        let newcomer = self.world.open("newcomer.wkd", "fine");
        assert_eq!(self.world.call(&newcomer, "obey", &["hello".into()]), Ok("hello".into()), "{what}: a newcomer");
        self.world.runtime.close_context(&newcomer);
    }

    fn closes(self) {
        assert_eq!(self.world.runtime.close(CLOSE_LIMIT).lost, Vec::<calog::Lost>::new());
    }
}

/// How a wicked engine is told its word.
#[derive(Clone, Copy, Debug)]
enum By {
    /// The script says it.
    Load,
    /// Code that is evaluated later.
    Eval,
    /// A call of its export.
    Call,
    /// A method of its Object, called by Lua.
    Method,
}

#[test]
fn an_engine_that_panics_leaves_its_context_dead_and_all_others_alive() {
    use By::{Call, Eval, Load, Method};
    let wicked = Wicked::new();
    let world = &wicked.world;
    let lua = world.open("caller.lua", "return { obey = function(object, word) return object.obey(word) end }");
    // By which entry, the word, the code it ends with, and whether the context is dead then.
    for (by, word, code, dead) in [
        (Load, "fine", None, false),
        (Load, "panic", Some(Code::Panic), true),
        (Load, "payload", Some(Code::Panic), true),
        (Load, "forgotten", Some(Code::Dead), false),
        (Load, "yield", None, false),
        (Load, "resume-panic", Some(Code::Panic), true),
        (Load, "drop-panic", None, false),
        (Call, "panic", Some(Code::Panic), true),
        (Call, "payload", Some(Code::Panic), true),
        (Call, "forgotten", Some(Code::Dead), false),
        (Call, "yield", None, false),
        (Call, "resume-panic", Some(Code::Panic), true),
        (Call, "deep", None, false),
        (Call, "drop-panic", None, false),
        // What it evaluates to is a function, which is released when this test drops it.
        (Eval, "fine", None, false),
        (Eval, "release-panic", None, true),
        (Eval, "panic", Some(Code::Panic), true),
        (Method, "fine", None, false),
        (Method, "panic", Some(Code::Panic), true),
        (Method, "payload", Some(Code::Panic), true),
        (Method, "resume-panic", Some(Code::Panic), true),
        (Method, "release-panic", None, true),
    ] {
        let what = format!("{by:?} {word}");
        let victim = world.start("victim.wkd", if let Load = by { word } else { "fine" });
        let main = world.runtime.wait_for(&victim);
        let result = match by {
            Load => main,
            Eval => world.runtime.evaluate(&victim, word),
            Call => world.call(&victim, "obey", &[word.into()]),
            Method => {
                let object = world.call(&victim, "obey", &["object".into()]).expect("an Object");
                world.call(&lua, "obey", &[object, word.into()])
            }
        };
        assert_eq!(result.as_ref().err().map(calog::Error::code), code, "{what}: {result:?}");
        // The last reference to what it gave is gone now, as far as this test holds it.
        drop(result);
        if let (Method, "release-panic") = (by, word) {
            world.runtime.evaluate(&lua, "collectgarbage()").expect("Lua forgets the Object");
        }
        let after = world.runtime.evaluate(&victim, "fine");
        assert_eq!(after.is_err(), dead, "{what}: {after:?}");
        if let Err(error) = after {
            assert!(matches!(error.code(), Code::Panic | Code::Dead), "{what}: {error:?}");
        }
        wicked.others_go_on(&what);
        // For some, this is when they panic.
        world.runtime.close_context(&victim);
        assert!(victim.is_closed(), "{what}");
        wicked.others_go_on(&what);
    }
    wicked.closes();
}

#[test]
fn callers_of_a_dead_context_get_errors_in_their_languages() {
    let wicked = Wicked::new();
    let world = &wicked.world;
    for (name, text) in [
        (
            "caller.lua",
            "local victim = calog.open('victim.wkd') victim.wait()
             local obey = victim.exports().obey
             local codes = {}
             for i, word in ipairs { 'fine', 'panic', 'fine' } do
               local ok, e = pcall(obey, word)
               codes[i] = ok and 'ok' or e.code
             end
             return { codes = codes }",
        ),
        (
            "caller.js",
            "const victim = calog.open('victim.wkd'); await victim.wait()
             const { obey } = victim.exports()
             export const codes = []
             for (const word of ['fine', 'panic', 'fine'])
               try { obey(word); codes.push('ok') } catch (e) { codes.push(e.code) }",
        ),
    ] {
        world.write("victim.wkd", "fine");
        let caller = world.open(name, text);
        assert_eq!(caller.export("codes"), Some(Value::list(["ok", "panic", "dead"]).unwrap()), "{name}");
        wicked.others_go_on(name);
    }
    wicked.closes();
}

#[test]
fn an_engine_that_cannot_be_made_or_opened_is_an_error_of_its_contexts() {
    for (key, word, code) in [("new", "panic", Code::Panic), ("new", "fail", Code::Io)] {
        let plugins = Folder::new();
        let config = Value::map([(key, word)]).expect("a map");
        let world = World::with(|builder| with_wicked(&plugins, builder).engine_config("wicked", config));
        for _ in 0..2 {
            let error = world.runtime.open(Open::file(world.write("a.wkd", "fine"))).err().expect("no context");
            assert_eq!(error.code(), code, "{error:?}");
        }
        let lua = world.open("a.lua", "return { n = 1 }");
        assert_eq!(lua.export("n"), Some(Value::Int(1)));
        assert_eq!(world.runtime.close(CLOSE_LIMIT).lost, Vec::<calog::Lost>::new());
    }
    let wicked = Wicked::new();
    for (word, code) in [("panic", Code::Panic), ("fail", Code::Io)] {
        let script = wicked.world.write("a.wkd", "fine");
        let context = wicked.world.runtime.open(Open::file(script).option("open", word)).expect("a context");
        let error = wicked.world.runtime.wait_for(&context).expect_err("it was not opened");
        assert_eq!(error.code(), code, "{error:?}");
        assert!(context.is_closed());
        wicked.others_go_on(word);
    }
    wicked.closes();
    // The engine's own drop, at the end of its runtime.
    let config = Value::map([("drop", "panic")]).expect("a map");
    let wicked = Wicked::with(|builder| builder.engine_config("wicked", config));
    wicked.others_go_on("an engine whose drop will panic");
    wicked.closes();
}

/// Calls of natives, as both languages write them, and the code each ends with.
const NATIVES: &[(&str, &str)] = &[
    ("wicked.panic()", "panic"),
    ("wicked.panic('wicked: in these words')", "panic"),
    ("wicked.payload()", "panic"),
    ("wicked.blocking()", "panic"),
    ("wicked.forgets()", "dead"),
    ("wicked.object()", "ok"),
    ("wicked.object().value", "panic"),
    ("wicked.object().spring()", "panic"),
    ("wicked.deep(128)", "ok"),
    ("wicked.deep(129)", "depth"),
    ("wicked.call(calog.self, null)", "arity"),
    ("wicked.call(calog.log, 'none')", "range"),
    ("wicked.later(1, 'x')", "ok"),
];

#[test]
fn a_native_that_panics_is_an_error_of_that_call() {
    let wicked = Wicked::new();
    let wanted = Value::list(NATIVES.iter().map(|(_, code)| *code)).expect("a list");
    let lua: String =
        NATIVES.iter().map(|(call, _)| format!("try(function() local null = nil return {call} end)\n")).collect();
    let lua = format!(
        "local codes = {{}}
         local function try(f) local ok, e = pcall(f) codes[#codes + 1] = ok and 'ok' or e.code end
         {lua}
         -- Writing a property, printing, and dropping.
         local o = wicked.object()
         local ok, e = pcall(function() o.value = 1 end)
         tostring(o) o = nil collectgarbage()
         local _, said = pcall(wicked.panic, 'wicked: in these words')
         return {{ codes = codes, written = e.code, message = tostring(said) }}"
    );
    let js: String = NATIVES.iter().map(|(call, _)| format!("await attempt(() => {call})\n")).collect();
    let js = format!(
        "export const codes = []
         async function attempt(f) {{ try {{ await f(); codes.push('ok') }} catch (e) {{ codes.push(e.code) }} }}
         {js}
         let o = wicked.object()
         export let written
         try {{ o.value = 1 }} catch (e) {{ written = e.code }}
         try {{ String(o) }} catch (e) {{ }}
         o = undefined
         export let message
         try {{ wicked.panic('wicked: in these words') }} catch (e) {{ message = e.message }}"
    );
    for (name, text) in [("a.lua", lua), ("a.js", js)] {
        let context = wicked.world.open(name, &text);
        assert_eq!(context.export("codes"), Some(wanted.clone()), "{name}");
        assert_eq!(context.export("written"), Some("panic".into()), "{name}");
        let message = context.export("message").expect("a message");
        let message = message.view().as_str().unwrap_or_default().to_owned();
        assert!(message.contains("panicked: wicked: in these words"), "{name}: {message}");
        wicked.others_go_on(name);
        wicked.world.runtime.close_context(&context);
    }
    assert_eq!(wicked.world.errors(), []);
    wicked.closes();
}

#[test]
fn waits_that_nobody_ends_end_when_their_context_closes() {
    for (name, text) in [
        ("wait.lua", "started() wicked.never()"),
        ("wait.js", "started(); wicked.never()"),
        ("promise.js", "started(); await wicked.never.async()"),
        ("nested.lua", "table.sort({ 2, 1 }, function() started() wicked.never() end)"),
        ("hook.js", "started(); wicked.hook_panics()"),
        (
            "call.lua",
            "local o = calog.open('victim.wkd') o.wait() local obey = o.exports().obey started() obey('waiting')",
        ),
    ] {
        let started = Rc::new(Cell::new(false));
        let set = sets(&started);
        let wicked = Wicked::with(|builder| builder.native(set));
        let world = &wicked.world;
        world.write("victim.wkd", "fine");
        let context = world.start(name, text);
        assert!(world.runtime.pump_until(|| started.get(), CLOSE_LIMIT), "{name}: it runs");
        world.runtime.close_context(&context);
        assert!(context.is_closed(), "{name}");
        // Whether it was waiting already or on its way there.
        let code = world.runtime.wait_for(&context).map_err(|error| error.code());
        assert!(matches!(code, Err(Code::Dead | Code::Cancelled)), "{name}: {code:?}");
        if name == "hook.js" {
            assert_eq!(world.runtime.evaluate(&wicked.neighbour, "return wicked.hooks()"), Ok(Value::Int(1)));
        }
        wicked.others_go_on(name);
        wicked.closes();
    }
}

/// The native `started`, which runs on the test's thread.
fn sets(flag: &Rc<Cell<bool>>) -> Function {
    thread_local! {
        static FLAG: std::cell::RefCell<Rc<Cell<bool>>> = std::cell::RefCell::default();
    }
    FLAG.set(Rc::clone(flag));
    Function::new("started", || FLAG.with_borrow(|flag| flag.set(true)))
}

#[test]
fn hooks_that_panic_are_errors_of_building_or_nobodys() {
    for (hook, word, code) in [
        ("validate", "panic", Some(Code::Panic)),
        ("validate", "fail", Some(Code::Io)),
        ("boot", "panic", Some(Code::Panic)),
        ("boot", "fail", Some(Code::Io)),
        ("run", "panic", None),
        ("shutdown", "panic", None),
        ("shutdown", "fail", None),
    ] {
        let plugins = Folder::new();
        let config = Value::map([(hook, word)]).expect("a map");
        match with_wicked(&plugins, Runtime::builder()).bundle_config("wicked", config).build() {
            Ok(runtime) => {
                assert_eq!(code, None, "{hook} {word}");
                let lua = runtime.open(Open::source("lua", "return { n = wicked.hooks() }")).expect("a context");
                runtime.wait_for(&lua).expect("it runs");
                assert_eq!(runtime.close(CLOSE_LIMIT).lost, Vec::<calog::Lost>::new(), "{hook} {word}");
            }
            Err(error) => {
                assert_eq!(Some(error.code()), code, "{hook} {word}: {error:?}");
                let wanted = format!("provider 'wicked' failed during {hook}");
                assert!(error.message().contains(&wanted), "{error:?}");
            }
        }
    }
    Wicked::new().closes();
}
