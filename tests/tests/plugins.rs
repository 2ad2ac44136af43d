//! Plugins as files: a third engine nobody foresaw, files that are refused, and names that collide.

use std::fs;
use std::mem::offset_of;
use std::path::Path;

use calog::plugin_api::ABI_VERSION;
use calog::plugin_api::header::{Entry, Header};
use calog::plugins::{Refusal, inspect};
use calog::{Open, SearchPath};
use calog_tests::{Calog, Folder, World, build_standalone, command, plugin_folder, with_header};
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
            Some(with_header(&lua, offset_of!(Header, abi_minor), &77u32.to_ne_bytes())),
            "it was built for ABI 0.77, this host speaks ABI 0.1 and no other: build it with calog-plugin-api ",
        ),
        (
            "major.so",
            Some(with_header(&lua, offset_of!(Header, abi_major), &9u32.to_ne_bytes())),
            "it was built for ABI 9.1, this host speaks ABI 0.1 and no other: build it with calog-plugin-api ",
        ),
        (
            "format.so",
            Some(with_header(&lua, offset_of!(Header, value_format), &99u32.to_ne_bytes())),
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

#[test]
fn a_header_that_promises_what_is_not_there_is_an_error_of_who_wants_it() {
    let tally = fs::read(build_standalone("tally")).expect("a plugin");
    let name = offset_of!(Header, entries) + offset_of!(Entry, name);
    let plugins = Folder::new();
    plugins.write("liar.so", with_header(&tally, name, b"tolly\0"));
    let world = World::with(|builder| builder.plugins(SearchPath::of([plugin_folder(), plugins.path()])));
    let error = world.runtime.open(Open::file(world.write("main.tly", "1"))).err().expect("no context");
    assert_eq!(error.message(), "the plugin's table has no engine 'tolly', though its header says so");
    let other = world.open("other.lua", "return { there = 1 }");
    assert_eq!(other.export("there"), Some(1.into()));
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
    folder.write("two/libz.so", with_header(&tally, name, b"tolly\0"));
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
    folder.write("plugins/greedy.so", with_header(&tally, extensions, b"lua\0"));
    let ran = Calog::new(["run", "."]).within(folder.path()).run().ended_with(1);
    ran.said(&["'four': invalid digit found in string", "main.lua:2 (tally)"]);
}
