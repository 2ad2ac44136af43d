//! Functions that are called when something comes: on their home thread, in order.

use std::sync::atomic::{AtomicUsize, Ordering};

use calog::plugin_api::{Code, Value};

use crate::stage::{dial, every_language, every_pair, finish, in_lua, read_all, reset, write};

#[test]
fn on_data_is_called_with_what_comes_in_order_and_on_close_at_the_end() {
    every_language(|a| {
        let (connection, mut peer) = a.meet(Value::Nil);
        a.get("on_data", &[connection.clone(), "d".into()]);
        a.get("on_close", &[connection.clone(), "d".into()]);
        for word in ["one", "two", "three"] {
            write(&mut peer, word);
            a.hear(&format!("d {word}"));
        }
        // What it sent arrives, though its stream has ended.
        a.get("send", &[connection, "bye".into()]);
        finish(&peer);
        assert_eq!(read_all(&mut peer), b"bye", "{}", a.scene.what);
        a.hear("d closed well");
        assert_eq!(a.scene.gates.notes(), ["d one", "d two", "d three", "d closed well"], "{}", a.scene.what);
    });
}

#[test]
fn the_next_call_comes_after_the_end_of_the_one_before() {
    every_language(|a| {
        let (connection, mut peer) = a.meet(Value::Nil);
        a.get("on_data", &[connection.clone(), "d".into()]);
        a.get("on_close", &[connection.clone(), "d".into()]);
        write(&mut peer, "wait");
        a.hear("d wait");
        a.scene.world.wait_until("the gate", || a.scene.gates.is_closed("d"));
        write(&mut peer, "more");
        finish(&peer);
        // The end, too, waits for it.
        a.turn();
        assert_eq!(a.scene.gates.notes(), ["d wait"], "{}", a.scene.what);
        a.scene.gates.open("d", Value::Nil).expect("it waits");
        a.hear("d closed well");
        assert_eq!(a.scene.gates.notes(), ["d wait", "d more", "d closed well"], "{}", a.scene.what);
    });
}

#[test]
fn a_failing_callback_closes_nothing() {
    every_language(|a| {
        let (connection, mut peer) = a.meet(Value::Nil);
        a.get("on_data", &[connection.clone(), "d".into()]);
        write(&mut peer, "boom");
        a.hear("d boom");
        write(&mut peer, "after");
        a.hear("d after");
        a.get("send", &[connection.clone(), "fine".into()]);
        a.get("close", &[connection]);
        assert_eq!(read_all(&mut peer), b"fine", "{}", a.scene.what);
    });
}

#[test]
fn on_connection_is_called_with_each_and_they_do_not_wait_for_each_other() {
    every_language(|a| {
        let (listener, port) = a.listen(Value::Nil);
        a.get("on_connection", &[listener.clone(), "l".into()]);
        let mut peers = [(); 3].map(|()| dial(port));
        a.scene.world.wait_until("three", || a.scene.gates.notes().len() == 3);
        for (n, peer) in peers.iter_mut().enumerate().rev() {
            write(peer, &format!("{n}\n"));
            let came = String::from_utf8(read_all(peer)).expect("text");
            assert_eq!(came, format!("l got {n}\n"), "{}", a.scene.what);
        }
    });
}

#[test]
fn a_callback_of_another_context_runs_there() {
    every_pair(|a, b| {
        let (connection, mut peer) = a.meet(Value::Nil);
        b.get("on_data", &[connection.clone(), "b".into()]);
        a.get("on_close", &[connection, "a".into()]);
        write(&mut peer, "hello");
        b.hear("b hello");
        finish(&peer);
        a.hear("a closed well");
    });
}

#[test]
fn what_breaks_a_connection_is_told_at_its_close() {
    every_language(|a| {
        let (connection, peer) = a.meet(Value::Nil);
        a.get("on_data", &[connection.clone(), "d".into()]);
        a.get("on_close", &[connection, "d".into()]);
        reset(peer);
        a.hear("d closed io");
    });
}

#[test]
fn closing_it_oneself_is_told_as_well_once() {
    every_language(|a| {
        let (connection, mut peer) = a.meet(Value::Nil);
        a.get("on_close", &[connection.clone(), "d".into()]);
        write(&mut peer, "unread");
        a.get("close", std::slice::from_ref(&connection));
        a.get("close", std::slice::from_ref(&connection));
        a.hear("d closed well");
        assert_eq!(a.scene.gates.notes(), ["d closed well"], "{}", a.scene.what);
    });
}

#[test]
fn who_asks_after_the_end_is_told_at_once() {
    every_language(|a| {
        let (connection, peer) = a.meet(Value::Nil);
        a.get("close", std::slice::from_ref(&connection));
        a.turn();
        a.get("on_close", &[connection, "late".into()]);
        a.hear("late closed well");
        let (connection, other) = a.meet(Value::Nil);
        reset(other);
        assert_eq!(a.fails("recv", &[connection.clone(), Value::Nil]).0, Code::Io, "{}", a.scene.what);
        a.get("close", std::slice::from_ref(&connection));
        a.turn();
        a.get("on_close", &[connection, "later".into()]);
        a.hear("later closed io");
        drop(peer);
    });
}

#[test]
fn what_goes_to_a_callback_cannot_be_asked_for() {
    every_language(|a| {
        let (connection, _peer) = a.meet(Value::Nil);
        let (listener, _) = a.listen(Value::Nil);
        for (name, socket) in [("on_data", &connection), ("on_connection", &listener)] {
            a.get(name, &[socket.clone(), "x".into()]);
        }
        a.get("on_close", &[connection.clone(), "x".into()]);
        for (name, args, callback) in [
            ("recv", vec![connection.clone(), Value::Nil], "on_data"),
            ("recv_line", vec![connection.clone()], "on_data"),
            ("recv_exact", vec![connection.clone(), 1.into()], "on_data"),
            ("on_data", vec![connection.clone(), "y".into()], "on_data"),
            ("accept", vec![listener.clone()], "on_connection"),
            ("on_connection", vec![listener.clone(), "y".into()], "on_connection"),
        ] {
            let (code, said) = a.fails(name, &args);
            assert_eq!(code, Code::Unsupported, "{}: {name}", a.scene.what);
            assert!(said.ends_with(&format!("what comes goes to the function given to {callback}")), "{said}");
        }
        let (code, said) = a.fails("on_close", &[connection, "y".into()]);
        assert_eq!(code, Code::Unsupported, "{}", a.scene.what);
        assert!(said.ends_with("it has a function for its end already"), "{said}");
    });
}

#[test]
fn who_asked_before_the_callback_was_set_is_served_first() {
    in_lua(|a| {
        let (connection, mut peer) = a.meet(Value::Nil);
        let line = a.waits("recv_line", std::slice::from_ref(&connection));
        a.get("on_data", &[connection, "d".into()]);
        write(&mut peer, "line\nrest");
        assert_eq!(crate::stage::text(a.answer(&line)), "line");
        a.hear("d rest");
    });
}

#[test]
fn a_native_can_be_a_callback_and_runs_on_the_contexts_thread() {
    in_lua(|a| {
        let came = std::sync::Arc::new(AtomicUsize::new(0));
        let count = std::sync::Arc::clone(&came);
        let native = move |info: &calog::plugin_api::CallInfo, bytes: &[u8]| {
            assert!(info.site().is_some() || info.context() != 0);
            count.fetch_add(bytes.len(), Ordering::SeqCst);
        };
        let native = calog::plugin_api::Function::new("count", native).build().expect("a native");
        let native = a.scene.world.runtime.handle().callable(&native).expect("a callable");
        let (connection, mut peer) = a.meet(Value::Nil);
        let object = connection.view().as_object().expect("an object").clone();
        let mut facts = calog::plugin_api::Facts::default();
        (facts.runtime, facts.context) = (a.scene.world.runtime.handle().id(), a.context.id().number());
        let info = calog::plugin_api::KeptInfo::new(a.scene.world.runtime.handle(), None, facts);
        let function = Value::from(native);
        let args = [function.view()];
        object
            .call(&info, "on_data", calog::plugin_api::Args::new(&args))
            .settled()
            .expect("at once")
            .expect("it is set");
        write(&mut peer, "12345");
        write(&mut peer, "6789");
        a.scene.world.wait_until("all", || came.load(Ordering::SeqCst) == 9);
    });
}
