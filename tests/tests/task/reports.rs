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
