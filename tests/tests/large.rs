//! A string of a GiB: from each language to each other one, and back. It is a value, or an error that says
//! how long a string may be.
//!
//! The command does it, in a process of its own, one language after another: nothing else of the tests holds
//! this much.

use std::process::{Command, Stdio};

use calog_tests::{Folder, command};

/// Measures what it gets, in each language. Squirrel also gives it back.
const SCRIPTS: [(&str, &str); 3] = [
    ("js.js", "export const size = s => s.length"),
    ("nut.nut", "return { size = @(s) s.len(), same = @(s) s }"),
    ("bas.bas", "DEF size(s)\nRETURN LEN(s)\nENDDEF\ncalog.export(\"size\", size)\n"),
];

const MAIN: &str = "
    local js, nut, bas = calog.import 'js', calog.import 'nut', calog.import 'bas'
    local text = ('x'):rep(1 << 30)
    print(nut.size(text), bas.size(text))
    print(select(2, pcall(js.size, text)).message)
    text = nut.same(text):sub(2)
    collectgarbage()
    print(js.size(text))
";

#[test]
fn a_string_of_a_gib_crosses_or_is_an_error() {
    let folder = Folder::with(SCRIPTS);
    folder.write("main.lua", MAIN);
    let mut run = Command::new(command());
    // Without a limit of time: that is spent copying, and others want the memory, too.
    let output = run.args(["run", "main.lua"]).current_dir(folder.path()).stdin(Stdio::null()).output();
    let output = output.expect("calog can be started");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!((&*out, &*err), ("1073741824\t1073741824\nRangeError: invalid string length\n1073741823\n", ""));
}
