//! What comes: whole, in order, to who asked first.

use std::thread;

use calog::plugin_api::{Code, Value};
use calog_tests::{LANGUAGES, Scene};

use crate::stage::{WORKERS, Worker, every_language, every_pair, finish, in_lua, options, read, text, write};

#[test]
fn two_scripts_talk_in_any_two_languages() {
    every_pair(|a, b| {
        let (listener, port) = a.listen(Value::Nil);
        let accepting = a.waits("accept", std::slice::from_ref(&listener));
        let out = b.get("connect", &["127.0.0.1".into(), port.into(), Value::Nil]);
        let inward = a.answer(&accepting).expect("a connection");
        assert_eq!(a.get("peer", std::slice::from_ref(&inward)), b.get("address", std::slice::from_ref(&out)));
        assert_eq!(b.get("peer", std::slice::from_ref(&out)), a.get("address", std::slice::from_ref(&listener)));
        assert_eq!(b.get("send", &[out.clone(), "hello\0\u{e4}".into()]), Value::Nil);
        assert_eq!(a.recv(&inward), "hello\0\u{e4}");
        // Either context may use what the other has opened.
        assert_eq!(b.get("send", &[inward.clone(), "back".into()]), Value::Nil);
        assert_eq!(a.recv(&out), "back");
        assert_eq!(a.get("close", std::slice::from_ref(&inward)), Value::Nil);
        assert_eq!(b.get("recv", &[out, Value::Nil]), Value::Nil);
    });
}

#[test]
fn what_comes_is_bytes() {
    every_language(|a| {
        let (connection, mut peer) = a.meet(Value::Nil);
        write(&mut peer, "text");
        assert_eq!(a.get("is_bytes", &[connection]), true.into(), "{}", a.scene.what);
    });
}

#[test]
fn recv_gives_what_there_is_at_most_so_much_then_nil() {
    every_language(|a| {
        let (connection, mut peer) = a.welcome(Value::Nil);
        let recv = |most: Value| a.call("recv", &[connection.clone(), most]);
        write(&mut peer, "abcdef");
        finish(&peer);
        assert_eq!(text(recv(2.into())), "ab", "{}", a.scene.what);
        let mut rest = text(recv(Value::Nil));
        while rest.len() < 4 {
            rest += &text(recv(Value::Nil));
        }
        assert_eq!(rest, "cdef");
        for _ in 0..3 {
            assert_eq!(recv(Value::Nil), Ok(Value::Nil), "{}", a.scene.what);
        }
        // It can still send.
        assert_eq!(a.get("send", &[connection.clone(), "after".into()]), Value::Nil);
        assert_eq!(read(&mut peer, 5), "after");
    });
}

#[test]
fn lines_come_without_their_end_then_the_rest_then_nil() {
    every_language(|a| {
        let (connection, mut peer) = a.meet(Value::Nil);
        write(&mut peer, "one\ntwo\r\n\nthe rest");
        finish(&peer);
        for line in ["one", "two", "", "the rest"] {
            assert_eq!(text(a.call("recv_line", std::slice::from_ref(&connection))), line, "{}", a.scene.what);
        }
        assert_eq!(a.get("recv_line", std::slice::from_ref(&connection)), Value::Nil, "{}", a.scene.what);
    });
}

#[test]
fn recv_exact_gives_so_many_and_fails_at_the_end() {
    every_language(|a| {
        let (connection, mut peer) = a.meet(Value::Nil);
        write(&mut peer, "abcdefgh");
        finish(&peer);
        let exact = |count: i64| a.call("recv_exact", &[connection.clone(), count.into()]);
        assert_eq!(text(exact(0)), "", "{}", a.scene.what);
        assert_eq!(text(exact(3)), "abc", "{}", a.scene.what);
        let error = exact(6).expect_err("there are 5");
        assert_eq!(error.code(), Code::Closed, "{}", a.scene.what);
        assert!(error.message().ends_with("the stream ended after 5 of 6 bytes"), "{error}");
        // What came is not lost with that.
        assert_eq!(text(exact(5)), "defgh", "{}", a.scene.what);
    });
}

#[test]
fn one_byte_at_a_time_is_put_together() {
    every_language(|a| {
        let (connection, mut peer) = a.meet(Value::Nil);
        let sender = thread::spawn(move || {
            "first line\r\nsecond\n0123456789".bytes().for_each(|byte| write(&mut peer, &char::from(byte).to_string()));
            peer
        });
        let one = std::slice::from_ref(&connection);
        assert_eq!(text(a.call("recv_line", one)), "first line", "{}", a.scene.what);
        assert_eq!(text(a.call("recv_line", one)), "second", "{}", a.scene.what);
        assert_eq!(text(a.call("recv_exact", &[connection.clone(), 10.into()])), "0123456789", "{}", a.scene.what);
        drop(sender.join().expect("it sends"));
    });
}

#[test]
fn who_asked_first_is_served_first() {
    every_language(|a| {
        let (connection, mut peer) = a.meet(Value::Nil);
        let one = std::slice::from_ref(&connection);
        let exact = |count: i64| a.waits("recv_exact", &[connection.clone(), count.into()]);
        let waiting =
            [exact(3), a.waits("recv_line", one), exact(2), a.waits("recv_line", one), exact(1)].map(|it| (it, ()));
        write(&mut peer, "abcline\nxyother\nz");
        let came = waiting.map(|(asked, ())| text(a.answer(&asked)));
        assert_eq!(came, ["abc", "line", "xy", "other", "z"], "{}", a.scene.what);
    });
}

#[test]
fn a_wait_that_is_cancelled_takes_no_bytes() {
    every_language(|a| {
        let (connection, mut peer) = a.meet(Value::Nil);
        let world = &a.scene.world;
        let info = world.info_with(None, world.runtime.handle().now_ns() + 1_000_000);
        let late = world.ask_with(&info, &a.context, "recv_exact", &[connection.clone(), 5.into()]);
        // Some of what it waits for comes before, or after, it gives up.
        write(&mut peer, "abc");
        assert_eq!(a.answer(&late).expect_err("its time is up").code(), Code::Timeout, "{}", a.scene.what);
        let next = a.waits("recv_exact", &[connection.clone(), 6.into()]);
        write(&mut peer, "def");
        assert_eq!(text(a.answer(&next)), "abcdef", "{}", a.scene.what);
    });
}

#[test]
fn nothing_is_lost_however_often_who_waits_gives_up() {
    in_lua(|a| {
        let (connection, mut peer) = a.meet(Value::Nil);
        let world = &a.scene.world;
        let sender = thread::spawn(move || {
            (0..2000).for_each(|n| write(&mut peer, &format!("{n:04}")));
            finish(&peer);
            peer
        });
        let mut came = String::new();
        loop {
            // So short that the bytes come before, while and after it gives up.
            let info = world.info_with(None, world.runtime.handle().now_ns() + 20_000);
            let asked = world.ask_with(&info, &a.context, "recv", &[connection.clone(), 7.into()]);
            match a.answer(&asked) {
                Ok(Value::Nil) => break,
                Ok(value) => came += &text(Ok(value)),
                Err(error) => assert_eq!(error.code(), Code::Timeout),
            }
        }
        assert_eq!(came, (0..2000).map(|n| format!("{n:04}")).collect::<String>());
        drop(sender.join().expect("it sends"));
    });
}

#[test]
fn a_read_timeout_ends_the_wait_and_nothing_else() {
    every_language(|a| {
        let (connection, mut peer) = a.meet(options([("read_timeout", 20.into())]));
        for (name, args) in [("recv", vec![connection.clone(), Value::Nil]), ("recv_line", vec![connection.clone()])] {
            let (code, said) = a.fails(name, &args);
            assert_eq!(code, Code::Timeout, "{}", a.scene.what);
            assert!(said.ends_with("nothing came within 20 ms"), "{said}");
        }
        write(&mut peer, "late\n");
        assert_eq!(text(a.call("recv_line", &[connection])), "late", "{}", a.scene.what);
    });
}

#[test]
fn javascript_can_wait_in_place_and_can_be_called_meanwhile() {
    let language = LANGUAGES.iter().find(|it| it.name == "javascript").expect("a language");
    let scene = Scene::new(language.name);
    let a = Worker { context: WORKERS.player(&scene, "a", language, None), scene: &scene };
    let (connection, mut peer) = a.meet(Value::Nil);
    // That it is served shows that the context can be called.
    let waiting = a.waits("recv_in_place", &[connection]);
    write(&mut peer, "here");
    assert_eq!(text(a.answer(&waiting)), "here");
}
