//! What a program is told of tasks that nobody joins.

use calog_tests::{Calog, Folder};

/// A program in which a task of a scope fails, and nobody joins it; then another one waits for ever.
const PROGRAMS: [(&str, &str); 4] = [
    (
        "main.lua",
        "task.scope('works', function(s) s:spawn(function() error('no luck', 0) end, { name = 'bad' }) end) print('goes on')",
    ),
    (
        "main.js",
        "await task.scope('works', async (s) => { s.spawn(async () => { throw new Error('no luck') }, { name: 'bad' }) }); console.log('goes on')",
    ),
    (
        "main.nut",
        "task.scope(\"works\", function(s) { s.spawn(function() { throw \"no luck\" }, { name = \"bad\" }) }); print(\"goes on\\n\")",
    ),
    (
        "main.bas",
        "DEF bad()\nRAISE(\"no luck\")\nENDDEF\nDEF body(s)\ns.spawn(bad, DICT(\"name\", \"bad\"))\nENDDEF\ntask.scope(\"works\", body)\nPRINT \"goes on\";\n",
    ),
];

#[test]
fn a_failure_that_nobody_joins_is_a_warning_with_task_scope_and_trace() {
    for (name, text) in PROGRAMS {
        let folder = Folder::with([(name, text)]);
        let ran = Calog::new(["run", name]).within(folder.path()).run();
        assert_eq!((ran.code, ran.out.as_str()), (Some(0), "goes on\n"), "{name}: {}", ran.err);
        for part in ["WARN", "'bad'", "scope 'works'", "no luck", name] {
            assert!(ran.err.contains(part), "{name}: {part}: {}", ran.err);
        }
    }
}

/// The same four, each of which joins the failing task, after it has written a log line.
const JOINED: [(&str, &str); 4] = [
    (
        "main.lua",
        "task.scope('works', function(s) s:spawn(function() calog.log('warn', 'hi') error('no luck', 0) end, { name = 'bad' }):join() end)",
    ),
    (
        "main.js",
        "await task.scope('works', async (s) => { await s.spawn(async () => { calog.log('warn', 'hi'); throw new Error('no luck') }, { name: 'bad' }).join() })",
    ),
    (
        "main.nut",
        "task.scope(\"works\", function(s) { s.spawn(function() { calog.log(\"warn\", \"hi\"); throw \"no luck\" }, { name = \"bad\" }).join() })",
    ),
    (
        "main.bas",
        "DEF bad()\ncalog.log(\"warn\", \"hi\")\nRAISE(\"no luck\")\nENDDEF\nDEF body(s)\nLET h = s.spawn(bad, DICT(\"name\", \"bad\"))\nh.join()\nENDDEF\ntask.scope(\"works\", body)\n",
    ),
];

#[test]
fn log_lines_and_traces_name_the_task_and_its_scope() {
    for (name, text) in JOINED {
        let folder = Folder::with([(name, text)]);
        let ran = Calog::new(["run", name]).within(folder.path()).run();
        assert_eq!(ran.code, Some(1), "{name}: {}", ran.err);
        let logged = ran.err.lines().find(|line| line.contains("WARN hi")).unwrap_or_default();
        assert!(logged.contains("task=\"task-1 'bad' of scope 'works'\""), "{name}: {}", ran.err);
        assert!(ran.err.contains("\n  at task-1 'bad' of scope 'works'\n"), "{name}: {}", ran.err);
    }
}
