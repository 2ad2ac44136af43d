//! Errors: codes, frames, the thrown value, and what they keep while they grow.

use calog_plugin_api::{Code, Error, Frame, MAX_DEPTH, MAX_FRAMES, Value};

use crate::common::{Drops, callable, list, map, nested};

fn frame(line: u32) -> Frame {
    Frame {
        language: "lua".into(),
        context: "main".into(),
        function: "f".into(),
        file: "m.lua".into(),
        line,
        column: 2,
    }
}

#[test]
fn each_code_has_a_word_and_comes_back_by_it() {
    let words: Vec<&str> = Code::ALL.iter().map(|code| code.word()).collect();
    let wanted = "type range arity depth cycle unsupported not_found dead closed cancelled timeout limit permission \
                  panic script io";
    assert_eq!(words.join(" "), wanted);
    for &code in Code::ALL {
        assert_eq!(Code::from_word(code.word()), Some(code));
        assert_eq!(Error::new(code, "m").code(), code);
    }
    assert_eq!(Code::from_word("Type"), None);
}

#[test]
fn an_error_keeps_all_its_parts_while_it_grows() {
    let thrown = map(&[("why", "because".into())]);
    let error = Error::new(Code::Range, "too far")
        .with_frame(frame(3))
        .with_thrown(thrown.clone())
        .with_help("go nearer")
        .inside("argument 1")
        .with_frames([frame(9), Frame::default()]);
    assert_eq!((error.code(), &*error.message()), (Code::Range, "argument 1: too far"));
    assert_eq!(error.help().as_deref(), Some("go nearer"));
    assert_eq!(error.thrown(), Some(thrown.view()));
    assert_eq!(error.frames().collect::<Vec<_>>(), [frame(3), frame(9), Frame::default()]);
    assert_eq!(error.to_string(), "argument 1: too far");
    assert_eq!(
        format!("{error:?}"),
        "range: argument 1: too far\n  at m.lua:3:2 in f (lua)\n  at m.lua:9:2 in f (lua)\n  at ?"
    );
    let plain = Error::new(Code::Io, "");
    assert_eq!((plain.thrown(), plain.help(), plain.frames().count()), (None, None, 0));
    assert_eq!(error, error.clone());
    assert_ne!(error, plain);
}

#[test]
fn a_trace_is_seen_by_scripts_as_a_list_of_maps() {
    let error = Error::new(Code::Script, "m").with_frame(frame(3)).with_frame(Frame::default());
    let first = r#"{language: "lua", context: "main", function: "f", file: "m.lua", line: 3, column: 2}"#;
    assert_eq!(format!("{:?}", error.trace()), format!("[{first}, {{}}]"));
    let back = Frame::from_value(error.trace().view().as_aggregate().unwrap().element(0).unwrap());
    assert_eq!(back, Some(frame(3)));
    assert_eq!(Frame::from_value(frame(1).to_value().unwrap().view()), Some(frame(1)));
    assert_eq!(Frame::from_value(Value::Nil.view()), None);
    // A frame that a script made up: what is not understood is left out.
    let odd = map(&[("line", (-1).into()), ("file", 5.into()), ("column", "x".into()), ("function", "g".into())]);
    assert_eq!(Frame::from_value(odd.view()), Some(Frame { function: "g".into(), ..Frame::default() }));
}

#[test]
fn the_innermost_frames_are_kept() {
    let lines = |error: &Error| error.frames().map(|frame| frame.line).collect::<Vec<_>>();
    let kept: Vec<u32> = (1..=MAX_FRAMES as u32).collect();
    let one_by_one =
        (1..=MAX_FRAMES as u32 + 5).fold(Error::new(Code::Depth, "m"), |e, line| e.with_frame(frame(line)));
    assert_eq!(lines(&one_by_one), kept);
    let at_once = Error::new(Code::Depth, "m").with_frame(frame(1)).with_frames((2..1000).map(frame));
    assert_eq!(lines(&at_once), kept);
    assert_eq!(lines(&at_once.with_frames([frame(7)])), kept);
}

#[test]
fn a_thrown_value_may_have_every_allowed_level() {
    let drops = Drops::default();
    for levels in [0, 1, 127, MAX_DEPTH] {
        let thrown = if levels == 0 { callable(1, &drops).into() } else { nested(levels).unwrap() };
        let error = Error::new(Code::Script, "m").with_thrown(thrown.clone()).with_frame(frame(1)).with_help("h");
        assert_eq!(error.thrown().map(|view| view.to_value()), Some(thrown.clone()), "{levels} levels");
        let again = Error::new(Code::Script, "n").with_thrown(error.thrown().unwrap().to_value());
        drop(error);
        assert_eq!(again.thrown(), Some(thrown.view()), "{levels} levels, thrown on");
    }
    let taken = Error::new(Code::Script, "m").with_thrown(nested(MAX_DEPTH).unwrap());
    let taken = taken.thrown().unwrap().to_value();
    assert_eq!(taken.depth(), MAX_DEPTH);
    assert_eq!(Value::list([taken]).map_err(|error| error.code()), Err(Code::Depth), "the limit is still the limit");
    assert_eq!(drops.count(), 1);
}

#[test]
fn an_error_is_of_any_thread_and_lets_its_thrown_value_go() {
    let drops = Drops::default();
    let error = Error::new(Code::Script, "m").with_thrown(list(&[callable(1, &drops).into()]));
    let clone = error.clone();
    std::thread::spawn(move || drop(error)).join().unwrap();
    assert_eq!(drops.count(), 0);
    drop(clone);
    assert_eq!(drops.count(), 1);
}

#[test]
fn errors_of_the_system_keep_their_reason() {
    let error = Error::from(std::io::Error::from(std::io::ErrorKind::NotFound));
    assert_eq!((error.code(), error.message().contains("not found")), (Code::Io, true), "{error:?}");
}
