//! The example servers, with clients over real sockets: what their README files promise.

mod chat;
mod kv;
mod peer;

use std::net::TcpListener;

use calog_tests::{Calog, root};

#[test]
fn a_port_that_cannot_be_had_is_said_in_a_line() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    for example in ["chat", "kv"] {
        let folder = root().join("examples").join(example).to_string_lossy().into_owned();
        let said = |port: &str| Calog::new(["run", &folder, "--", port]).run().ended_with(1).err;
        let in_use = format!("{example}: net.listen: 127.0.0.1:{port}: Address already in use (os error 98)\n");
        assert_eq!(said(&port), in_use);
        let no_port = format!("{example}: net.listen: argument 2 'port': wanted int, got string \"http\"\n");
        assert_eq!(said("http"), no_port);
    }
}
