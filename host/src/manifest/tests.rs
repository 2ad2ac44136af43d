//! Manifests and folders as their users would write them, right and wrong.

use std::fs;
use std::path::Path;

use super::*;

fn parse(text: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(text, Path::new("app/calog.toml"))
}

#[track_caller]
fn check_error(text: &str, wanted: &str) {
    assert_eq!(parse(text).unwrap_err().to_string(), wanted);
}

const WHOLE: &str = r#"
name = "shop"
plugins = ["plugins", "/opt/calog"]
shared_plugins = true

[engines]
order = ["quickjs", "lua"]

[engines.lua]
memory = 1_000_000

[natives.net]
started = 2026-01-02T03:04:05Z
rate = 0.5
hosts = ["a", "b"]
tls = { on = true, ports = [0x10, 443] }

[[context]]
script = "users.lua"
thread = "ui"
args = ["-v"]
restart = "on_failure"

[[context]]
name = "web"
script = "web/index.js"
lenient = true
"#;

#[test]
fn a_whole_manifest_is_understood() {
    let manifest = parse(WHOLE).unwrap();
    assert_eq!(manifest.name.as_deref(), Some("shop"));
    assert_eq!(manifest.plugins, [PathBuf::from("app/plugins"), "/opt/calog".into()]);
    assert!(manifest.shared_plugins && !parse("").unwrap().shared_plugins);
    assert_eq!(manifest.engines.order, ["quickjs", "lua"]);
    assert_eq!(manifest.engines.sections.get("lua"), Value::map([("memory", 1_000_000)]).unwrap());
    let net = format!("{:?}", manifest.natives.get("net"));
    let wanted = r#"{started = "2026-01-02T03:04:05Z", rate = 0.5, hosts = ["a", "b"], "#;
    assert!(net.replace(": ", " = ").starts_with(wanted), "{net}");
    assert_eq!(
        manifest.natives.get("net").view().field("tls").field("ports").to_value(),
        Value::list([16, 443]).unwrap()
    );
    assert_eq!(manifest.natives.get("sync"), Value::Nil);
    let [users, web] = manifest.context.as_slice() else { panic!("two contexts") };
    assert_eq!((users.shown_name().as_str(), users.thread.as_deref()), ("users", Some("ui")));
    assert_eq!((users.args.as_deref(), users.restart), (Some(&["-v".to_owned()][..]), Restart::on_failure()));
    assert_eq!((web.name.as_deref(), web.lenient), (Some("web"), true));
    assert_eq!(web.script, Path::new("app/web/index.js"));
}

#[test]
fn the_order_of_engines_may_stand_alone() {
    assert_eq!(parse("engines = ['lua', 'quickjs']").unwrap().engines.order, ["lua", "quickjs"]);
}

#[test]
fn a_contexts_options_are_its_keys() {
    let manifest = parse(WHOLE).unwrap();
    let options = calog_plugin_api::ContextOptions::new(manifest.context[0].to_value().unwrap());
    assert_eq!(options.script(), "app/users.lua");
    assert_eq!(options.get("thread").as_str(), Some("ui"));
    assert_eq!(options.get("restart").as_str(), Some("on_failure"));
    assert_eq!((options.name(), options.lenient()), ("", false));
}

/// As they come to the runtime: amounts as numbers, paths relative to the manifest.
#[test]
fn a_contexts_rights_are_options_too() {
    let text = "[[context]]\nscript = 'a.lua'\npreset = 'untrusted'\nallow = ['net.*']\nread = ['data']\n\
                processes = false\non_limit = 'close'\n[context.limits]\noutput = '1 KiB'\ncontexts = 3\n\
                db.connections = 5\nmail = { sent = 0, kept = 9 }\n";
    let manifest = parse(text).unwrap();
    let options = calog_plugin_api::ContextOptions::new(manifest.context[0].to_value().unwrap());
    assert_eq!(options.get("preset").as_str(), Some("untrusted"));
    assert_eq!(options.get("allow").to_value(), Value::list(["net.*"]).unwrap());
    assert_eq!(options.get("read").to_value(), Value::list(["app/data"]).unwrap());
    assert_eq!(options.get("processes").as_bool(), Some(false));
    assert_eq!(options.get("on_limit").as_str(), Some("close"));
    let db = Value::map([("connections", 5)]).unwrap();
    let mail = Value::map([("sent", 0), ("kept", 9)]).unwrap();
    let limits = [("output", 1024.into()), ("contexts", 3.into()), ("db", db), ("mail", mail)];
    assert_eq!(options.get("limits").to_value(), Value::map(limits).unwrap());
    assert_eq!(manifest.context[0].standing.as_str(), Some("app/calog.toml:1"));
    assert!(options.get("deny").is_nil());
}

#[test]
fn mistakes_are_named_with_their_place() {
    check_error(
        "nmae = 'x'",
        "app/calog.toml:1:1: unknown key 'nmae', did you mean 'name'?; known here are: name, plugins, shared_plugins, engines, \
         natives, context",
    );
    check_error(
        "[[context]]\nscript = 'a.lua'\n  threads = 'ui'",
        "app/calog.toml:3:3: unknown key 'context.threads', did you mean 'thread'?; \
         known here are: name, script, thread, lenient, args, restart, preset, allow, deny, read, write, load_native, \
         processes, environment, on_limit, limits",
    );
    check_error("\nname = 3", "app/calog.toml:2:8: 'name' is the integer 3, wanted a string");
    check_error("plugins = 'x'", "app/calog.toml:1:11: 'plugins' is the string \"x\", wanted a list of paths");
    check_error("plugins = ['x', 4]", "app/calog.toml:1:17: 'plugins' is the integer 4, wanted a path");
    check_error("plugins = ['']", "app/calog.toml:1:12: 'plugins' is empty, wanted a path");
    check_error("[[context]]\nname = 'a'", "app/calog.toml:1:1: the key 'script' is missing, wanted a path");
    check_error(
        "context = 1",
        "app/calog.toml:1:11: 'context' is the integer 1, wanted a list of tables, written [[context]]",
    );
    check_error(
        "[[context]]\nscript = 'a.lua'\nrestart = 'sometimes'",
        "app/calog.toml:3:11: 'context.restart' is the string \"sometimes\", \
         wanted \"never\", \"on_failure\", \"always\", or a table with `when`, `at_most`, `within_s`",
    );
    check_error(
        "[[context]]\nscript = 'a.lua'\npreset = 'safe'",
        "app/calog.toml:3:10: 'context.preset' is the string \"safe\", wanted \"trusted\", \"limited\" or \"untrusted\"",
    );
    check_error(
        "[[context]]\nscript = 'a.lua'\ndeny = ['net.*', 'n*']",
        "app/calog.toml:3:18: 'context.deny' is the string \"n*\", wanted the name of a native, \"MODULE.*\" or \"*\"",
    );
    check_error(
        "[[context]]\nscript = 'a.lua'\n[context.limits]\noutptu = 1",
        "app/calog.toml:4:1: unknown key 'context.limits.outptu', did you mean 'output'?; \
         known here are: output, contexts, callables, time_per_call_ms, cpu_ms, nesting, tasks, memory, \
         queue_items, sockets",
    );
    check_error(
        "[[context]]\nscript = 'a.lua'\n[context.limits]\ndb.connections = 'many'",
        "app/calog.toml:4:18: 'context.limits.db.connections' is the string \"many\", wanted a number from 0",
    );
    check_error(
        "[[context]]\nscript = 'a.lua'\n[context.limits]\noutput = '1 MB'",
        "app/calog.toml:4:10: 'context.limits.output' is the string \"1 MB\", wanted a number of bytes from 0, \
         or one with a unit, as \"64 MiB\" (KiB, MiB, GiB)",
    );
    check_error(
        "[[context]]\nscript = 'a.lua'\n[context.limits]\ncontexts = -1",
        "app/calog.toml:4:12: 'context.limits.contexts' is the integer -1, wanted a number from 0",
    );
    check_error("[natives]\nnet = 1", "app/calog.toml:2:7: 'natives.net' is the integer 1, wanted a table");
    check_error(
        "[natives.net]\nbig = 99999999999999999999",
        "app/calog.toml:2:7: 'natives.net.big' is the integer 99999999999999999999, wanted an integer of 64 bits",
    );
    check_error(
        "[[context]]\nscript = 'a.lua'\n[[context]]\nscript = 'x/a.js'",
        "app/calog.toml: two contexts are named 'a': give one of them another `name`",
    );
    let error = parse("name = \n").unwrap_err().to_string();
    assert!(error.starts_with("app/calog.toml:1:"), "{error}");
}

#[test]
fn all_that_is_wrong_is_found_in_the_documents_order() {
    let text = "name = 3\n[[context]]\nscript = 'a.lua'\nthred = 1\nlenient = 'x'\n[[context]]\nname = 'b'\n[natives]\n\
                net = 1\n[nativs]\n";
    let problems = Manifest::parse_all(text, Path::new("app/calog.toml")).unwrap_err();
    let places: Vec<String> = problems.iter().map(|it| it.to_string().split(';').next().unwrap().to_owned()).collect();
    assert_eq!(
        places,
        [
            "app/calog.toml:1:8: 'name' is the integer 3, wanted a string",
            "app/calog.toml:4:1: unknown key 'context.thred', did you mean 'thread'?",
            "app/calog.toml:5:11: 'context.lenient' is the string \"x\", wanted true or false",
            "app/calog.toml:6:1: the key 'script' is missing, wanted a path",
            "app/calog.toml:9:7: 'natives.net' is the integer 1, wanted a table",
            "app/calog.toml:10:2: unknown key 'nativs', did you mean 'natives'?",
        ]
    );
    assert_eq!(parse(text).unwrap_err(), problems[0]);
    assert_eq!(Manifest::parse_all("name = ", Path::new("x")).unwrap_err().len(), 1);
}

#[test]
fn a_restart_is_a_word_or_a_table() {
    use std::time::Duration;
    for (text, wanted) in [
        ("'never'", Restart::NEVER),
        ("'always'", Restart::always()),
        ("{ when = 'on_failure' }", Restart::on_failure()),
        ("{ when = 'always', at_most = 7, within_s = 0x10 }", Restart::always().bounded(7, Duration::from_secs(16))),
    ] {
        let manifest = parse(&format!("[[context]]\nscript = 'a.lua'\nrestart = {text}")).unwrap();
        assert_eq!(manifest.context[0].restart, wanted, "{text}");
    }
    let table = parse("[[context]]\nscript = 'a.lua'\nrestart = { when = 'always', at_most = 7 }").unwrap();
    let options = calog_plugin_api::ContextOptions::new(table.context[0].to_value().unwrap());
    assert_eq!(format!("{:?}", options.get("restart")), "{when: \"always\", at_most: 7, within_s: 5}");
    check_error(
        "[[context]]\nscript = 'a.lua'\nrestart = { when = 'always', at_most = -1 }",
        "app/calog.toml:3:40: 'context.restart.at_most' is the integer -1, wanted a number from 0",
    );
}

#[test]
fn a_section_knows_where_each_of_its_keys_stands() {
    let manifest = parse(WHOLE).unwrap();
    let net = &manifest.natives.section("net").unwrap().origin;
    for (key, place) in [
        ("rate", "14:1"),
        ("tls", "16:1"),
        ("tls.ports", "16:20"),
        // What is not there stands where it would be.
        ("tls.key", "16:1"),
        ("tls.ports.3", "16:20"),
        ("port", "12:1"),
        ("", "12:1"),
    ] {
        assert_eq!(net.of_key(key), format!("app/calog.toml:{place}"), "{key}");
    }
    let lua = &manifest.engines.sections.section("lua").unwrap().origin;
    assert_eq!(lua.of_key("memory"), "app/calog.toml:10:1");
}

fn names(program: &Program) -> Result<Vec<String>, ManifestError> {
    let known = |extension: &str| ["lua", "js", "bas"].contains(&extension);
    Ok(program
        .contexts(known)?
        .iter()
        .map(|it| it.script.file_name().unwrap().to_string_lossy().into_owned())
        .collect())
}

#[test]
fn a_folder_says_what_to_run() {
    let check = |files: &[&str], wanted: Result<&[&str], &str>| {
        let folder = tempfile::tempdir().unwrap();
        files.iter().for_each(|name| fs::write(folder.path().join(name), "").unwrap());
        let found = names(&Program::find(folder.path()).unwrap());
        match wanted {
            Ok(wanted) => assert_eq!(found.unwrap(), wanted, "{files:?}"),
            Err(wanted) => assert!(found.unwrap_err().to_string().contains(wanted), "{files:?}"),
        }
    };
    check(&["main.lua", "users.js", "README.md"], Ok(&["main.lua"]));
    check(&["main.lua", "main.md", "users.js"], Ok(&["main.lua"]));
    check(&["b.js", "a.lua", "c.bas", "notes.txt"], Ok(&["a.lua", "b.js", "c.bas"]));
    check(&["main.nut"], Ok(&["main.nut"]));
    check(&["main.lua", "main.js"], Err("several files could be the main script: main.js, main.lua; name one"));
    check(&["notes.txt"], Err("the folder holds notes.txt; wanted calog.toml"));
    check(&[], Err("the folder is empty; wanted"));
}

#[test]
fn a_path_is_a_script_a_manifest_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("x.lua");
    fs::write(&script, "").unwrap();
    assert_eq!(names(&Program::find(&script).unwrap()).unwrap(), ["x.lua"]);
    let file = folder.path().join(MANIFEST);
    fs::write(&file, "[[context]]\nscript = 'y.lua'").unwrap();
    for path in [folder.path(), &file] {
        assert_eq!(names(&Program::find(path).unwrap()).unwrap(), ["y.lua"]);
    }
    let missing = Program::find(Path::new("/nonexistent.lua")).unwrap_err();
    assert_eq!(missing.to_string(), "/nonexistent.lua: there is no such file or folder");
}
