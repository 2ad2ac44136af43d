//! Errors rendered whole, as a user would see them.

use std::fs;

use calog_plugin_api::Code;

use super::*;

fn frame(file: &str, line: u32, column: u32, function: &str, language: &str) -> Frame {
    let (file, function, language) = (file.into(), function.into(), language.into());
    Frame { file, line, column, function, language, ..Frame::default() }
}

#[test]
fn an_error_shows_its_line_its_trace_and_its_help() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.lua");
    fs::write(&path, "local users = {}\nfunction find(id)\n  return users[id].name\nend\n").unwrap();
    let file = path.to_str().unwrap();
    let error = Error::new(Code::Script, "attempt to index a nil value")
        .with_frames([
            frame(file, 3, 10, "find", "lua"),
            frame("web.js", 12, 5, "show", "javascript"),
            frame("web.js", 12, 5, "show", "javascript"),
            frame("main.bas", 1, 0, "", "basic"),
        ])
        .with_help("look the user up first");
    let wanted = format!(
        "error[script]: attempt to index a nil value\n \
         --> {file}:3:10\n  \
         |\n\
         3 |   return users[id].name\n  \
         |          ^^^^^\n  \
         at {file}:3:10 in find (lua)\n  \
         at web.js:12:5 in show (javascript) [2 times]\n  \
         at main.bas:1 (basic)\n\
         help: look the user up first\n"
    );
    assert_eq!(render(&error, false), wanted);
    let coloured = render(&error, true);
    assert!(coloured.contains("\x1b[") && coloured.contains("attempt to index"), "{coloured}");
}

#[test]
fn without_a_file_the_rest_is_shown() {
    let error = Error::new(Code::NotFound, "no module 'users'");
    assert_eq!(render(&error, false), "error[not_found]: no module 'users'\n");
    let error = error.with_frame(frame("/nonexistent.lua", 3, 1, "", "lua"));
    assert_eq!(render(&error, false), "error[not_found]: no module 'users'\n  at /nonexistent.lua:3:1 (lua)\n");
}

#[test]
fn a_line_without_column_and_a_message_of_several_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.bas");
    fs::write(&path, "PRINT 1\n  PRIMT 2").unwrap();
    let file = path.to_str().unwrap();
    let error = Error::new(Code::Script, "first\nsecond").with_frame(frame(file, 2, 0, "", "basic"));
    let text = render(&error, false);
    assert!(text.starts_with("error[script]: first\n"), "{text}");
    assert!(text.contains("second\n"), "{text}");
    assert!(text.contains("2 |   PRIMT 2\n  |   ^^^^^^^\n"), "{text}");
}

#[test]
fn nothing_in_an_error_steers_the_terminal() {
    let error = Error::new(Code::Script, "\x1b[2Jgone\x07")
        .with_frame(frame("\x1b]0;title\x07", 0, 0, "\x1b[31m", "lua"))
        .with_help("\x1b[1m");
    assert!(!render(&error, false).contains(['\x1b', '\x07']));
}
