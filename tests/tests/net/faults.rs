//! What goes wrong with the net, each with what scripts are told.

use std::net::TcpListener;

use calog::plugin_api::{Code, Value};
use calog_tests::field;

use crate::stage::{ALONE, HERE, dial, every_language, every_pair, in_lua, options, read, reset, text, write};

#[test]
fn a_refused_connection_names_where() {
    every_language(|a| {
        let listener = TcpListener::bind((ALONE, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let (code, said) = a.fails("connect", &[ALONE.into(), port.into(), Value::Nil]);
        assert_eq!(code, Code::Io, "{}", a.scene.what);
        assert_eq!(said, format!("net.connect: {ALONE}:{port}: Connection refused (os error 111)"));
    });
}

#[test]
fn an_unknown_host_is_told_with_the_systems_reason() {
    every_language(|a| {
        for name in ["connect", "listen", "udp"] {
            let (code, said) = a.fails(name, &["name.invalid".into(), 80.into(), Value::Nil]);
            assert_eq!(code, Code::Io, "{}", a.scene.what);
            assert!(said.starts_with(&format!("net.{name}: name.invalid:80: ")), "{said}");
            assert!(said.contains("lookup") || said.contains("no address"), "{said}");
        }
    });
}

#[test]
fn a_name_is_looked_up() {
    every_language(|a| {
        let (_listener, port) = a.listen(Value::Nil);
        let connection = a.get("connect", &["localhost".into(), port.into(), Value::Nil]);
        assert_eq!(a.get("send", &[connection, "hello".into()]), Value::Nil);
    });
}

#[test]
fn a_port_in_use_is_told() {
    every_language(|a| {
        let listener = a.get("listen", &[ALONE.into(), 0.into(), Value::Nil]);
        let port = field(&a.get("address", std::slice::from_ref(&listener)), "port");
        let (code, said) = a.fails("listen", &[ALONE.into(), port.clone(), Value::Nil]);
        assert_eq!(code, Code::Io, "{}", a.scene.what);
        assert_eq!(said, format!("net.listen: {ALONE}:{port:?}: Address already in use (os error 98)"));
        // Closed, it is free at once.
        a.get("close", &[listener]);
        let again = a.get("listen", &[ALONE.into(), port.clone(), Value::Nil]);
        assert_eq!(field(&a.get("address", &[again]), "port"), port);
    });
}

#[test]
fn a_reset_in_mid_message_is_told_to_who_waits() {
    every_language(|a| {
        let (connection, mut peer) = a.meet(Value::Nil);
        write(&mut peer, "half a mess");
        assert_eq!(text(a.call("recv_exact", &[connection.clone(), 4.into()])), "half");
        let waiting = a.waits("recv_line", std::slice::from_ref(&connection));
        reset(peer);
        let error = a.answer(&waiting).expect_err("it was reset");
        assert_eq!(error.code(), Code::Io, "{}", a.scene.what);
        assert!(error.message().contains("connection.recv_line: 127.0.0.1:"), "{error}");
        assert!(error.message().ends_with("Connection reset by peer (os error 104)"), "{error}");
        // What came whole is there, and the fault stays.
        assert_eq!(text(a.call("recv", &[connection.clone(), Value::Nil])), " a mess", "{}", a.scene.what);
        assert_eq!(a.fails("recv", &[connection.clone(), Value::Nil]).0, Code::Io, "{}", a.scene.what);
        assert_eq!(a.fails("send", &[connection.clone(), "x".into()]).0, Code::Io, "{}", a.scene.what);
        assert_eq!(a.get("close", &[connection]), Value::Nil);
    });
}

#[test]
fn a_reset_is_told_to_who_sends() {
    every_language(|a| {
        let (connection, peer) = a.meet(Value::Nil);
        let sending = a.waits("send", &[connection.clone(), "x".repeat(32 << 20).into()]);
        let behind = a.waits("send", &[connection.clone(), "x".into()]);
        reset(peer);
        for asked in [sending, behind] {
            assert_eq!(a.answer(&asked).expect_err("it was reset").code(), Code::Io, "{}", a.scene.what);
        }
        assert_eq!(a.fails("send", &[connection, "x".into()]).0, Code::Io, "{}", a.scene.what);
    });
}

#[test]
fn a_closed_handle_says_so() {
    every_language(|a| {
        let (connection, _peer) = a.meet(Value::Nil);
        let (listener, _) = a.listen(Value::Nil);
        let udp = a.get("udp", &[HERE.into(), 0.into(), Value::Nil]);
        for socket in [&connection, &listener, &udp] {
            for _ in 0..2 {
                assert_eq!(a.get("close", std::slice::from_ref(socket)), Value::Nil);
            }
        }
        for (name, args, kind) in [
            ("send", vec![connection.clone(), "x".into()], "connection"),
            ("recv", vec![connection.clone(), Value::Nil], "connection"),
            ("recv_line", vec![connection.clone()], "connection"),
            ("recv_exact", vec![connection.clone(), 1.into()], "connection"),
            ("shutdown", vec![connection.clone()], "connection"),
            ("on_data", vec![connection.clone(), "x".into()], "connection"),
            ("accept", vec![listener.clone()], "listener"),
            ("on_connection", vec![listener.clone(), "x".into()], "listener"),
            ("send_to", vec![udp.clone(), "x".into(), HERE.into(), 1.into()], "udp"),
            ("recv_from", vec![udp.clone()], "udp"),
        ] {
            let (code, said) = a.fails(name, &args);
            assert_eq!(code, Code::Closed, "{}: {name}", a.scene.what);
            assert!(said.starts_with(&format!("{kind}.{name}: ")), "{said}");
            assert!(said.ends_with(&format!("the {kind} is closed")), "{said}");
        }
        // Where it was, it still knows.
        assert!(a.call("address", &[connection]).is_ok());
    });
}

#[test]
fn closing_wakes_whoever_waits() {
    every_pair(|a, b| {
        let (connection, _peer) = a.meet(Value::Nil);
        let (listener, _) = a.listen(Value::Nil);
        let udp = a.get("udp", &[HERE.into(), 0.into(), Value::Nil]);
        let waiting = [
            a.waits("recv", &[connection.clone(), Value::Nil]),
            b.waits("recv_line", std::slice::from_ref(&connection)),
            b.waits("send", &[connection.clone(), "x".repeat(32 << 20).into()]),
            b.waits("accept", std::slice::from_ref(&listener)),
            b.waits("recv_from", std::slice::from_ref(&udp)),
        ];
        for socket in [connection, listener, udp] {
            b.get("close", &[socket]);
        }
        for asked in waiting {
            assert_eq!(a.answer(&asked).expect_err("it is closed").code(), Code::Closed, "{}", a.scene.what);
        }
    });
}

#[test]
fn connecting_may_take_so_long() {
    in_lua(|a| {
        // A listener that never accepts, whose backlog is full, leaves connections unanswered.
        let (_listener, port) = a.listen(options([("backlog", 1.into())]));
        let wish = || vec![HERE.into(), port.into(), options([("connect_timeout", 50.into())])];
        let mut open = Vec::new();
        let error = loop {
            match a.call("connect", &wish()) {
                Ok(connection) => open.push(connection),
                Err(error) => break error,
            }
            assert!(open.len() < 20, "the backlog is 1");
        };
        assert_eq!(error.code(), Code::Timeout);
        assert_eq!(error.message(), format!("net.connect: 127.0.0.1:{port}: no answer within 50 ms"));
    });
}

#[test]
fn one_handle_serves_two_contexts_while_its_owner_lives() {
    every_pair(|a, b| {
        let (listener, port) = a.listen(Value::Nil);
        let mut peer = dial(port);
        let connection = b.get("accept", std::slice::from_ref(&listener));
        let (one, two) = (
            a.waits("recv_exact", &[connection.clone(), 2.into()]),
            b.waits("recv_exact", &[connection.clone(), 2.into()]),
        );
        write(&mut peer, "1122");
        assert_eq!((text(a.answer(&one)), text(b.answer(&two))), ("11".into(), "22".into()), "{}", a.scene.what);
        a.get("send", &[connection.clone(), "a".into()]);
        b.get("send", &[connection.clone(), "b".into()]);
        assert_eq!(read(&mut peer, 2), "ab", "{}", a.scene.what);
        // Who accepted it owns it.
        let waiting = a.waits("recv", &[connection.clone(), Value::Nil]);
        assert!(a.scene.world.runtime.close_context(&b.context));
        assert_eq!(a.answer(&waiting).expect_err("it is closed").code(), Code::Closed, "{}", a.scene.what);
        assert_eq!(a.fails("send", &[connection, "x".into()]).0, Code::Closed, "{}", a.scene.what);
    });
}
