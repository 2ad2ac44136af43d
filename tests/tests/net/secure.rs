//! TLS, with certificates that the tests make themselves.

use calog::plugin_api::{Code, Value};
use calog_tests::Folder;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::stage::{HERE, dial, every_language, every_pair, finish, in_lua, options, read_all, text, write};

/// A folder with an authority, a certificate that it gave `localhost`, and another authority.
struct Papers(Folder);

impl Papers {
    fn new() -> Papers {
        let authority = || {
            let mut params = CertificateParams::new([]).expect("no names");
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate")
        };
        let (ours, other, key) = (authority(), authority(), KeyPair::generate().expect("a key"));
        let params = CertificateParams::new(["localhost".to_owned(), HERE.to_owned()]).expect("names");
        let certificate = params.signed_by(&key, &ours).expect("a certificate");
        let folder = Folder::new();
        folder.write("ca.pem", ours.pem());
        folder.write("other.pem", other.pem());
        folder.write("cert.pem", certificate.pem());
        folder.write("key.pem", key.serialize_pem());
        folder.write("junk.pem", "nothing of use");
        Papers(folder)
    }

    fn path(&self, file: &str) -> Value {
        self.0.join(file).display().to_string().into()
    }

    /// Options of a server.
    fn server(&self) -> Value {
        options([("tls", options([("cert", self.path("cert.pem")), ("key", self.path("key.pem"))]))])
    }

    /// Options of a client that trusts this authority.
    fn client(&self, ca: &str) -> Value {
        options([("tls", options([("ca", self.path(ca))]))])
    }
}

#[test]
fn two_scripts_talk_in_secret() {
    let papers = Papers::new();
    every_pair(|a, b| {
        let (listener, port) = a.listen(papers.server());
        let accepting = a.waits("accept", std::slice::from_ref(&listener));
        let out = b.get("connect", &["localhost".into(), port.into(), papers.client("ca.pem")]);
        let inward = a.answer(&accepting).expect("a connection");
        b.get("send", &[out.clone(), "first line\nsecret".into()]);
        assert_eq!(text(a.call("recv_line", std::slice::from_ref(&inward))), "first line", "{}", a.scene.what);
        assert_eq!(text(a.call("recv_exact", &[inward.clone(), 6.into()])), "secret", "{}", a.scene.what);
        b.get("shutdown", std::slice::from_ref(&out));
        assert_eq!(a.get("recv", &[inward.clone(), Value::Nil]), Value::Nil, "{}", a.scene.what);
        a.get("send", &[inward.clone(), "answer".into()]);
        a.get("close", &[inward]);
        assert_eq!(text(b.call("recv_exact", &[out.clone(), 6.into()])), "answer", "{}", a.scene.what);
        assert_eq!(b.get("recv", &[out, Value::Nil]), Value::Nil, "{}", a.scene.what);
    });
}

#[test]
fn much_goes_both_ways_at_once() {
    let papers = Papers::new();
    in_lua(|a| {
        let (listener, port) = a.listen(papers.server());
        let accepting = a.waits("accept", std::slice::from_ref(&listener));
        let out = a.get("connect", &[HERE.into(), port.into(), papers.client("ca.pem")]);
        let inward = a.answer(&accepting).expect("a connection");
        let (there, back) = ("there ".repeat(2_000_000), "and back ".repeat(1_000_000));
        let sending =
            [(&out, &there), (&inward, &back)].map(|(c, text)| a.begin("send", &[c.clone(), text.as_str().into()]));
        let receiving = [(&inward, &there), (&out, &back)]
            .map(|(c, text)| (a.begin("recv_exact", &[c.clone(), (text.len() as i64).into()]), text));
        for (asked, wanted) in receiving {
            assert!(text(a.answer(&asked)) == *wanted);
        }
        sending.iter().for_each(|asked| assert_eq!(a.answer(asked), Ok(Value::Nil)));
    });
}

#[test]
fn whom_one_does_not_trust_is_refused() {
    let papers = Papers::new();
    every_language(|a| {
        let (listener, port) = a.listen(papers.server());
        let accepting = a.waits("accept", std::slice::from_ref(&listener));
        let (code, said) = a.fails("connect", &["localhost".into(), port.into(), papers.client("other.pem")]);
        assert_eq!(code, Code::Io, "{}", a.scene.what);
        assert!(said.contains("certificate"), "{said}");
        let stranger = options([("tls", options([("ca", papers.path("ca.pem")), ("name", "elsewhere".into())]))]);
        let (code, said) = a.fails("connect", &["localhost".into(), port.into(), stranger]);
        assert_eq!(code, Code::Io, "{}", a.scene.what);
        assert!(said.contains("certificate"), "{said}");
        // One that speaks no TLS, and one that says nothing, hold nobody up.
        let (mut rude, silent) = (dial(port), dial(port));
        write(&mut rude, "GET / HTTP/1.0\r\n\r\n");
        let named = options([("tls", options([("ca", papers.path("ca.pem")), ("name", "localhost".into())]))]);
        let out = a.get("connect", &[HERE.into(), port.into(), named]);
        let inward = a.answer(&accepting).expect("a connection");
        a.get("send", &[out, "hello".into()]);
        assert_eq!(a.recv(&inward), "hello", "{}", a.scene.what);
        drop(silent);
    });
}

#[test]
fn a_stream_that_is_cut_off_is_no_end() {
    let papers = Papers::new();
    in_lua(|a| {
        // A peer in the middle that passes on what is said, and cuts it off.
        let (listener, port) = a.listen(papers.server());
        let accepting = a.waits("accept", std::slice::from_ref(&listener));
        let (middle, middle_port) = crate::stage::peer_listener();
        let passing = std::thread::spawn(move || {
            let (mut client, _) = middle.accept().expect("a client");
            let mut server = dial(port);
            let mut back = (server.try_clone().expect("a handle"), client.try_clone().expect("a handle"));
            let answers = std::thread::spawn(move || std::io::copy(&mut back.0, &mut back.1));
            let mut bytes = [0; 4096];
            use std::io::{Read, Write};
            let mut seen = 0;
            // The greeting, and then the one word that is said.
            while seen < 1_000_000 {
                let count = client.read(&mut bytes).expect("it comes");
                if count == 0 {
                    break;
                }
                seen += count;
                server.write_all(&bytes[..count]).expect("it goes");
            }
            finish(&server);
            (answers, server)
        });
        let out = a.get("connect", &["localhost".into(), middle_port.into(), papers.client("ca.pem")]);
        let inward = a.answer(&accepting).expect("a connection");
        a.get("send", &[out.clone(), "x".repeat(2_000_000).into()]);
        let (code, said) = a.fails("recv_exact", &[inward, 2_000_000.into()]);
        assert_eq!(code, Code::Io, "{said}");
        drop(passing);
    });
}

#[test]
fn papers_that_are_of_no_use_are_named() {
    let papers = Papers::new();
    every_language(|a| {
        let (_listener, port) = a.listen(Value::Nil);
        let client = |tls: Value| a.fails("connect", &[HERE.into(), port.into(), options([("tls", tls)])]);
        let (code, said) = client(options([("ca", papers.path("missing.pem"))]));
        assert_eq!(code, Code::Io, "{}", a.scene.what);
        assert!(said.contains("option 'tls': 'ca': ") && said.contains("missing.pem"), "{said}");
        let (code, said) = client(options([("ca", papers.path("junk.pem"))]));
        assert_eq!(code, Code::Io, "{}", a.scene.what);
        assert!(said.ends_with("junk.pem: there is no certificate in it"), "{said}");
        for (tls, wanted) in [
            (true.into(), "wanted a map with 'ca' and 'name', got bool"),
            (options([]), "'ca' is missing"),
            (options([("name", 5.into())]), "'name': wanted string of valid UTF-8, got int 5"),
            (options([("cert", "x".into())]), "unknown key \"cert\" (known are 'ca' and 'name')"),
        ] {
            assert_eq!(client(tls), (Code::Type, format!("net.connect: option 'tls': {wanted}")), "{}", a.scene.what);
        }
        let server = |tls: Value| a.fails("listen", &[HERE.into(), 0.into(), options([("tls", tls)])]);
        assert_eq!(
            server(options([("cert", "x".into())])),
            (Code::Type, "net.listen: option 'tls': 'key' is missing".into()),
            "{}",
            a.scene.what
        );
        let (code, said) = server(options([("cert", papers.path("cert.pem")), ("key", papers.path("ca.pem"))]));
        assert_eq!(code, Code::Io, "{}", a.scene.what);
        assert!(said.contains("option 'tls': 'key': "), "{said}");
    });
}

#[test]
fn callbacks_and_closing_are_the_same() {
    let papers = Papers::new();
    every_language(|a| {
        let (listener, port) = a.listen(papers.server());
        a.get("on_connection", &[listener, "l".into()]);
        let out = a.get("connect", &["localhost".into(), port.into(), papers.client("ca.pem")]);
        a.get("send", &[out.clone(), "question\n".into()]);
        assert_eq!(text(a.call("recv_line", std::slice::from_ref(&out))), "l got question", "{}", a.scene.what);
        a.get("on_data", &[out.clone(), "d".into()]);
        a.get("on_close", &[out, "d".into()]);
        a.hear("d closed well");
    });
}

#[test]
fn a_plain_client_learns_that_it_must_not() {
    let papers = Papers::new();
    in_lua(|a| {
        let (listener, port) = a.listen(papers.server());
        let _accepting = a.waits("accept", std::slice::from_ref(&listener));
        let mut rude = dial(port);
        write(&mut rude, "hello\r\n");
        finish(&rude);
        // An alert, then the end.
        assert!(read_all(&mut rude).len() < 16);
    });
}
