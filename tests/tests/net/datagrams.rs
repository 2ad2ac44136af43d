//! UDP, Unix-domain sockets, IPv6: what differs.

use std::net::UdpSocket;

use calog::plugin_api::{Code, Value};
use calog_tests::{Folder, field};

use crate::stage::{HERE, every_language, every_pair, options, text};

#[test]
fn datagrams_go_from_one_to_the_other_with_their_senders() {
    every_pair(|a, b| {
        let [one, two] = [a, b].map(|it| it.get("udp", &[HERE.into(), 0.into(), Value::Nil]));
        let (from, to) = (a.port(&one), b.port(&two));
        let waiting = b.waits("recv_from", std::slice::from_ref(&two));
        a.get("send_to", &[one.clone(), "first".into(), HERE.into(), to.into()]);
        let came = b.answer(&waiting).expect("a datagram");
        assert_eq!(field(&came, "host"), HERE.into(), "{}", a.scene.what);
        assert_eq!(field(&came, "port"), from.into(), "{}", a.scene.what);
        assert_eq!(text(Ok(field(&came, "data"))), "first", "{}", a.scene.what);
        // By name, and by number behind it: in the order of the calls.
        let names = [("localhost", "2"), (HERE, "3"), ("localhost", ""), (HERE, "5")];
        let sent: Vec<_> = names
            .map(|(host, data)| {
                a.scene.world.ask(&a.context, "send_to", &[one.clone(), data.into(), host.into(), to.into()])
            })
            .into();
        sent.iter().for_each(|asked| assert_eq!(a.answer(asked), Ok(Value::Nil), "{}", a.scene.what));
        for (_, data) in names {
            assert_eq!(
                text(Ok(field(&b.get("recv_from", std::slice::from_ref(&two)), "data"))),
                data,
                "{}",
                a.scene.what
            );
        }
    });
}

#[test]
fn what_a_datagram_cannot_do_is_told() {
    every_language(|a| {
        let udp = a.get("udp", &[HERE.into(), 0.into(), options([("read_timeout", 10.into())])]);
        let send = |data: String, host: &str, port: i64| {
            a.fails("send_to", &[udp.clone(), data.into(), host.into(), port.into()])
        };
        let (code, said) = send("x".repeat(65_508), HERE, 9);
        assert_eq!(code, Code::Io, "{}", a.scene.what);
        assert!(said.ends_with("Message too long (os error 90)"), "{said}");
        let (code, said) = send("x".into(), "name.invalid", 9);
        assert_eq!(code, Code::Io, "{}", a.scene.what);
        assert!(said.starts_with("udp.send_to: 127.0.0.1:"), "{said}");
        let (code, said) = send("x".into(), "::1", 9);
        assert_eq!(code, Code::Io, "{}", a.scene.what);
        assert!(said.ends_with("it has no IPv4 address"), "{said}");
        assert_eq!(send("x".into(), HERE, 0).0, Code::Range, "{}", a.scene.what);
        let (code, said) = a.fails("recv_from", std::slice::from_ref(&udp));
        assert_eq!(code, Code::Timeout, "{}", a.scene.what);
        assert!(said.ends_with("nothing came within 10 ms"), "{said}");
        // The largest that there is.
        let peer = UdpSocket::bind((HERE, 0)).expect("a port");
        let port = peer.local_addr().expect("an address").port();
        let most = "y".repeat(65_507);
        assert_eq!(a.get("send_to", &[udp.clone(), most.as_str().into(), HERE.into(), port.into()]), Value::Nil);
        let mut bytes = vec![0; 70_000];
        assert_eq!(peer.recv(&mut bytes).expect("it comes"), most.len());
    });
}

#[test]
fn a_datagram_that_a_cancelled_wait_did_not_take_comes_to_the_next() {
    every_language(|a| {
        let udp = a.get("udp", &[HERE.into(), 0.into(), Value::Nil]);
        let world = &a.scene.world;
        let info = world.info_with(None, world.runtime.handle().now_ns() + 1_000_000);
        let late = world.ask_with(&info, &a.context, "recv_from", std::slice::from_ref(&udp));
        assert_eq!(a.answer(&late).expect_err("its time is up").code(), Code::Timeout, "{}", a.scene.what);
        let peer = UdpSocket::bind((HERE, 0)).expect("a port");
        peer.send_to(b"data", (HERE, a.port(&udp))).expect("it goes");
        assert_eq!(text(Ok(field(&a.get("recv_from", &[udp]), "data"))), "data", "{}", a.scene.what);
    });
}

#[test]
fn unix_domain_sockets_are_paths() {
    every_pair(|a, b| {
        let folder = Folder::new();
        let path = folder.join("socket");
        let host: Value = format!("unix:{}", path.display()).into();
        let listener = a.get("listen", &[host.clone(), Value::Nil, Value::Nil]);
        let accepting = a.waits("accept", std::slice::from_ref(&listener));
        // The options may stand where the port would.
        let out = b.get("connect", &[host.clone(), options([("read_timeout", 5.into())]), Value::Nil]);
        let inward = a.answer(&accepting).expect("a connection");
        let at = Value::from(path.to_string_lossy().as_ref());
        assert_eq!(field(&a.get("address", std::slice::from_ref(&listener)), "path"), at, "{}", a.scene.what);
        assert_eq!(field(&b.get("peer", std::slice::from_ref(&out)), "path"), at, "{}", a.scene.what);
        assert_eq!(field(&a.get("peer", std::slice::from_ref(&inward)), "path"), Value::Nil, "{}", a.scene.what);
        assert_eq!(b.fails("recv", &[out.clone(), Value::Nil]).0, Code::Timeout, "{}", a.scene.what);
        b.get("send", &[out.clone(), "hello".into()]);
        assert_eq!(a.recv(&inward), "hello", "{}", a.scene.what);
        let (code, said) = b.fails("listen", &[host.clone(), Value::Nil, Value::Nil]);
        assert_eq!((code, said.contains("Address already in use")), (Code::Io, true), "{said}");
        // The file goes with the listener, and the connections stay.
        a.get("close", &[listener]);
        let (code, said) = b.fails("connect", &[host, Value::Nil, Value::Nil]);
        assert_eq!((code, said.contains("No such file")), (Code::Io, true), "{said}");
        assert!(!path.exists(), "{}", a.scene.what);
        a.get("send", &[inward, "still".into()]);
        assert_eq!(b.recv(&out), "still", "{}", a.scene.what);
    });
}

#[test]
fn ipv6_is_like_ipv4() {
    every_language(|a| {
        let listener = a.get("listen", &["::1".into(), 0.into(), Value::Nil]);
        let address = a.get("address", std::slice::from_ref(&listener));
        assert_eq!(field(&address, "host"), "::1".into(), "{}", a.scene.what);
        let accepting = a.waits("accept", &[listener]);
        let out = a.get("connect", &["[::1]".into(), field(&address, "port"), Value::Nil]);
        let inward = a.answer(&accepting).expect("a connection");
        assert_eq!(field(&a.get("peer", std::slice::from_ref(&inward)), "host"), "::1".into(), "{}", a.scene.what);
        a.get("send", &[out, "six".into()]);
        assert_eq!(a.recv(&inward), "six", "{}", a.scene.what);
        let [one, two] = [(); 2].map(|()| a.get("udp", &["::1".into(), 0.into(), Value::Nil]));
        let port = field(&a.get("address", std::slice::from_ref(&two)), "port");
        a.get("send_to", &[one, "seven".into(), "::1".into(), port]);
        assert_eq!(text(Ok(field(&a.get("recv_from", &[two]), "data"))), "seven", "{}", a.scene.what);
    });
}
