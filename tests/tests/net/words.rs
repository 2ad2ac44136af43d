//! What wrong arguments are told, in every language: scripts match on these.

use calog::plugin_api::{Code, Value};

use crate::stage::{HERE, every_language, options};

#[test]
fn of_the_natives() {
    every_language(|a| {
        let known = "no_delay, keep_alive, connect_timeout, read_timeout, send_limit, receive_limit, line_limit, tls";
        for (name, args, code, said) in [
            (
                "connect",
                [7.into(), 80.into(), Value::Nil],
                Code::Type,
                "argument 1 'host': wanted string of valid UTF-8, got int 7",
            ),
            (
                "connect",
                [HERE.into(), "80".into(), Value::Nil],
                Code::Type,
                "argument 2 'port': wanted int, got string \"80\"",
            ),
            (
                "connect",
                [HERE.into(), 0.into(), Value::Nil],
                Code::Range,
                "argument 2 'port': wanted int from 1 to 65535, got 0",
            ),
            ("connect", [HERE.into(), Value::Nil, Value::Nil], Code::Arity, "argument 2 'port' is missing"),
            (
                "listen",
                [HERE.into(), 65_536.into(), Value::Nil],
                Code::Range,
                "argument 2 'port': wanted int from 0 to 65535, got 65536",
            ),
            (
                "udp",
                [HERE.into(), (-1).into(), Value::Nil],
                Code::Range,
                "argument 2 'port': wanted int from 0 to 65535, got -1",
            ),
            (
                "udp",
                ["".into(), 1.into(), Value::Nil],
                Code::Range,
                "argument 1 'host': wanted a name or an address, got \"\"",
            ),
            ("connect", [HERE.into(), 1.into(), "x".into()], Code::Type, "'options': wanted a map, got string"),
            (
                "connect",
                [HERE.into(), 1.into(), options([("nodelay", true.into())])],
                Code::Type,
                &format!("unknown option 'nodelay' (known are {known})"),
            ),
            (
                "connect",
                [HERE.into(), 1.into(), options([("send_limit", 0.into())])],
                Code::Range,
                "option 'send_limit': wanted int from 1 to 4294967231, got 0",
            ),
        ] {
            let (is, message) = a.fails(name, &args);
            assert_eq!((is, message), (code, format!("net.{name}: {said}")), "{}", a.scene.what);
        }
        let (code, said) = a.fails("udp", &["unix:/nowhere".into(), Value::Nil, Value::Nil]);
        assert_eq!((code, said), (Code::Io, "net.udp: unix:/nowhere: datagrams have a host and a port".into()));
    });
}

#[test]
fn of_the_methods() {
    every_language(|a| {
        let (connection, _peer) = a.meet(Value::Nil);
        let udp = a.get("udp", &[HERE.into(), 0.into(), Value::Nil]);
        let c = || connection.clone();
        for (name, args, code, said) in [
            ("send", vec![c(), 5.into()], Code::Type, "connection.send: argument 1 'bytes': wanted string, got int 5"),
            (
                "recv",
                vec![c(), 0.into()],
                Code::Range,
                "connection.recv: argument 1 'max': wanted int from 1 to 4294967231, got 0",
            ),
            (
                "recv",
                vec![c(), "x".into()],
                Code::Type,
                "connection.recv: argument 1 'max': wanted int, got string \"x\"",
            ),
            (
                "recv_exact",
                vec![c(), (-1).into()],
                Code::Range,
                "connection.recv_exact: argument 1 'count': wanted int from 0 to 4294967231, got -1",
            ),
            (
                "send_to",
                vec![udp.clone(), "x".into(), HERE.into(), 0.into()],
                Code::Range,
                "udp.send_to: argument 3 'port': wanted int from 1 to 65535, got 0",
            ),
            (
                "send_to",
                vec![udp.clone(), "x".into(), 1.into(), 1.into()],
                Code::Type,
                "udp.send_to: argument 2 'host': wanted string of valid UTF-8, got int 1",
            ),
        ] {
            assert_eq!(a.fails(name, &args), (code, said.into()), "{}: {name} {args:?}", a.scene.what);
        }
    });
}
