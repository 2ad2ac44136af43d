//! What is sent: whole, in order, and no more than the peer takes.

use std::io::{Read, Write};
use std::thread;

use calog::plugin_api::{Code, Value};

use crate::stage::{every_language, finish, in_lua, options, read, read_all, text, write};

/// What fills every buffer of the system between two sockets, and more.
const MUCH: usize = 32 << 20;

#[test]
fn a_hundred_megabytes_go_in_one_send() {
    in_lua(|a| {
        let (connection, mut peer) = a.meet(Value::Nil);
        let block: String = (0..1 << 20).map(|n: u32| char::from(b'a' + (n % 23) as u8)).collect();
        let whole = block.repeat(100);
        let sending = a.waits("send", &[connection.clone(), whole.as_str().into()]);
        let reader = thread::spawn(move || read_all(&mut peer));
        assert_eq!(a.answer(&sending), Ok(Value::Nil));
        a.get("close", &[connection]);
        assert!(reader.join().expect("it reads") == whole.as_bytes());
    });
}

#[test]
fn a_hundred_megabytes_come_in_one_recv_exact() {
    in_lua(|a| {
        let (connection, mut peer) = a.meet(Value::Nil);
        let whole = "0123456789".repeat(10 << 20);
        let sent = whole.clone();
        let writer = thread::spawn(move || write(&mut peer, &sent));
        let came = a.get("recv_exact", &[connection, (whole.len() as i64).into()]);
        assert!(came.view().as_bytes() == Some(whole.as_bytes()));
        writer.join().expect("it writes");
    });
}

#[test]
fn send_waits_while_the_peer_does_not_read() {
    every_language(|a| {
        let (connection, mut peer) = a.meet(Value::Nil);
        let sending = a.waits("send", &[connection.clone(), "x".repeat(MUCH).into()]);
        // Those behind it wait as well, even if they are short; others are served meanwhile.
        let short = a.waits("send", &[connection.clone(), "end".into()]);
        assert!(!sending.is_answered(), "{}", a.scene.what);
        let mut bytes = vec![0; MUCH];
        peer.read_exact(&mut bytes).expect("it comes");
        assert!(bytes.iter().all(|byte| *byte == b'x'), "{}", a.scene.what);
        assert_eq!(a.answer(&sending), Ok(Value::Nil), "{}", a.scene.what);
        assert_eq!(a.answer(&short), Ok(Value::Nil), "{}", a.scene.what);
        assert_eq!(read(&mut peer, 3), "end", "{}", a.scene.what);
    });
}

#[test]
fn what_is_sent_keeps_its_order() {
    every_language(|a| {
        let (connection, mut peer) = a.meet(options([("send_limit", 10.into())]));
        // Without waiting for one before the next is begun.
        let all: Vec<_> = (0..300)
            .map(|n| a.scene.world.ask(&a.context, "send", &[connection.clone(), format!("{n},").into()]))
            .collect();
        all.iter().for_each(|asked| assert_eq!(a.answer(asked), Ok(Value::Nil), "{}", a.scene.what));
        a.get("close", std::slice::from_ref(&connection));
        let came = String::from_utf8(read_all(&mut peer)).expect("text");
        assert_eq!(came, (0..300).map(|n| format!("{n},")).collect::<String>(), "{}", a.scene.what);
    });
}

#[test]
fn a_send_that_is_cancelled_goes_whole_or_not_at_all() {
    in_lua(|a| {
        let (connection, mut peer) = a.meet(Value::Nil);
        let first = a.waits("send", &[connection.clone(), "x".repeat(MUCH).into()]);
        let world = &a.scene.world;
        let info = world.info_with(None, world.runtime.handle().now_ns() + 1_000_000);
        let none = world.ask_with(&info, &a.context, "send", &[connection.clone(), "never".into()]);
        assert_eq!(a.answer(&none).expect_err("its time is up").code(), Code::Timeout);
        let last = a.waits("send", &[connection.clone(), "last".into()]);
        let reader = thread::spawn(move || read_all(&mut peer));
        [first, last].iter().for_each(|asked| assert_eq!(a.answer(asked), Ok(Value::Nil)));
        a.get("close", &[connection]);
        let came = reader.join().expect("it reads");
        assert!(came[..MUCH].iter().all(|byte| *byte == b'x'));
        assert_eq!(String::from_utf8_lossy(&came[MUCH..]), "last");
    });
}

#[test]
fn shutdown_ends_one_direction() {
    every_language(|a| {
        let (connection, mut peer) = a.meet(Value::Nil);
        assert_eq!(a.get("send", &[connection.clone(), "question".into()]), Value::Nil);
        for _ in 0..2 {
            assert_eq!(a.get("shutdown", std::slice::from_ref(&connection)), Value::Nil);
        }
        assert_eq!(read_all(&mut peer), b"question", "{}", a.scene.what);
        let (code, said) = a.fails("send", &[connection.clone(), "more".into()]);
        assert_eq!(code, Code::Closed, "{}", a.scene.what);
        assert!(said.ends_with("there is no more sending after shutdown"), "{said}");
        write(&mut peer, "answer");
        finish(&peer);
        assert_eq!(text(a.call("recv", &[connection.clone(), Value::Nil])), "answer", "{}", a.scene.what);
        assert_eq!(a.get("recv", &[connection, Value::Nil]), Value::Nil, "{}", a.scene.what);
    });
}

#[test]
fn a_reader_that_does_not_ask_holds_the_peer_up() {
    in_lua(|a| {
        let (connection, mut peer) = a.meet(options([("receive_limit", 4096.into())]));
        peer.set_nonblocking(true).expect("a socket");
        let (block, mut gone) = (vec![b'y'; 1 << 16], 0);
        loop {
            let before = gone;
            while let Ok(count) = peer.write(&block) {
                gone += count;
                assert!(gone < MUCH, "nobody asked for it");
            }
            // Whatever the worker's side would still have taken, it has taken by now.
            a.turn();
            if gone == before {
                break;
            }
        }
        let came = a.get("recv_exact", &[connection, (gone as i64).into()]);
        assert!(came.view().as_bytes().expect("bytes").iter().all(|byte| *byte == b'y'));
    });
}
