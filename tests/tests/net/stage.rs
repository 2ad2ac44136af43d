//! A scene with a worker of each language, and peers of its own: plain sockets of Rust.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

use calog::plugin_api::{Code, Value};
use calog::{ContextRef, Result};
use calog_tests::stage::Players;
use calog_tests::{Asked, LANGUAGES, SAFETY_NET, Scene, field};

/// The loopback address that all tests use.
pub(crate) const HERE: &str = "127.0.0.1";

/// A loopback address that nobody else uses: a port that is free there stays free.
pub(crate) const ALONE: &str = "127.0.7.1";

pub(crate) const WORKERS: Players = Players {
    lua: include_str!("worker.lua"),
    javascript: include_str!("worker.js"),
    squirrel: include_str!("worker.nut"),
    basic: include_str!("worker.bas"),
};

/// A worker on a stage: its exports, called and answered.
pub(crate) struct Worker<'a> {
    pub(crate) scene: &'a Scene,
    pub(crate) context: ContextRef,
}

/// A scenario for every language. No error may be left to the program.
pub(crate) fn every_language(scenario: impl Fn(&Worker<'_>)) {
    WORKERS.every_language(|scene, a| scenario(&Worker { scene, context: a.clone() }));
}

/// A scenario for every ordered pair of languages, on threads of their own and on one.
pub(crate) fn every_pair(scenario: impl Fn(&Worker<'_>, &Worker<'_>)) {
    WORKERS.every_pair(|scene, a, b| {
        let [a, b] = [a, b].map(|context| Worker { scene, context: context.clone() });
        scenario(&a, &b);
    });
}

/// A worker in Lua, for what is the same in every language.
pub(crate) fn in_lua(scenario: impl Fn(&Worker<'_>)) {
    let language = &LANGUAGES[0];
    let scene = Scene::new(language.name);
    let context = WORKERS.player(&scene, "a", language, None);
    scenario(&Worker { scene: &scene, context });
    assert_eq!(scene.world.errors(), []);
}

pub(crate) fn options<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    Value::map(pairs).expect("a map")
}

/// The text of what came.
#[track_caller]
pub(crate) fn text(value: Result<Value>) -> String {
    let value = value.expect("bytes");
    String::from_utf8_lossy(value.view().as_bytes().unwrap_or_else(|| panic!("{value:?}"))).into_owned()
}

impl Worker<'_> {
    /// Calls an export, and waits.
    #[track_caller]
    pub(crate) fn call(&self, name: &str, args: &[Value]) -> Result<Value> {
        self.scene.world.try_call(&self.context, name, args)
    }

    /// Calls an export that gives something.
    #[track_caller]
    pub(crate) fn get(&self, name: &str, args: &[Value]) -> Value {
        self.call(name, args).unwrap_or_else(|error| panic!("{}: {name}: {error:?}", self.scene.what))
    }

    /// Calls an export that fails: what it says.
    #[track_caller]
    pub(crate) fn fails(&self, name: &str, args: &[Value]) -> (Code, String) {
        match self.call(name, args) {
            Ok(value) => panic!("{}: {name} gives {value:?}", self.scene.what),
            Err(error) => (error.code(), error.message().into_owned()),
        }
    }

    /// Calls an export, and does not wait. The call has been made when this returns.
    #[track_caller]
    pub(crate) fn begin(&self, name: &str, args: &[Value]) -> Asked {
        let asked = self.scene.world.ask(&self.context, name, args);
        self.scene.settle(&self.context);
        asked
    }

    /// Calls an export that waits.
    #[track_caller]
    pub(crate) fn waits(&self, name: &str, args: &[Value]) -> Asked {
        let asked = self.begin(name, args);
        assert!(!asked.is_answered(), "{}: {name} waits: {:?}", self.scene.what, asked.answers());
        asked
    }

    #[track_caller]
    pub(crate) fn answer(&self, asked: &Asked) -> Result<Value> {
        self.scene.world.answer(asked)
    }

    /// Waits for a note.
    #[track_caller]
    pub(crate) fn hear(&self, note: &str) {
        self.scene.hear(note);
    }

    /// Whatever the I/O thread could do by now, it has done.
    #[track_caller]
    pub(crate) fn turn(&self) {
        for _ in 0..3 {
            let (listener, _) = self.listen(Value::Nil);
            self.get("close", &[listener]);
            self.scene.settle(&self.context);
        }
    }

    /// A listener, and its port.
    #[track_caller]
    pub(crate) fn listen(&self, options: Value) -> (Value, u16) {
        let listener = self.get("listen", &[HERE.into(), 0.into(), options]);
        let port = self.port(&listener);
        (listener, port)
    }

    #[track_caller]
    pub(crate) fn port(&self, socket: &Value) -> u16 {
        let address = self.get("address", std::slice::from_ref(socket));
        assert_eq!(field(&address, "host"), HERE.into(), "{}", self.scene.what);
        field(&address, "port").view().as_int().and_then(|port| port.try_into().ok()).expect("a port")
    }

    /// A connection to a peer of the test.
    #[track_caller]
    pub(crate) fn meet(&self, options: Value) -> (Value, TcpStream) {
        let (listener, port) = peer_listener();
        let connection = self.get("connect", &[HERE.into(), port.into(), options]);
        let (peer, _) = listener.accept().expect("the worker connects");
        (connection, careful(peer))
    }

    /// A connection from a peer of the test, accepted.
    #[track_caller]
    pub(crate) fn welcome(&self, options: Value) -> (Value, TcpStream) {
        let (listener, port) = self.listen(options);
        let peer = dial(port);
        (self.get("accept", &[listener]), peer)
    }

    /// What this asked for comes.
    #[track_caller]
    pub(crate) fn recv(&self, connection: &Value) -> String {
        text(self.call("recv", &[connection.clone(), Value::Nil]))
    }
}

/// A listener of the test.
pub(crate) fn peer_listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind((HERE, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    (listener, port)
}

/// A peer of the test that connects.
#[track_caller]
pub(crate) fn dial(port: u16) -> TcpStream {
    careful(TcpStream::connect((HERE, port)).expect("the worker listens"))
}

/// One that does not wait for ever.
pub(crate) fn careful(peer: TcpStream) -> TcpStream {
    peer.set_read_timeout(Some(SAFETY_NET)).expect("a limit");
    peer.set_write_timeout(Some(SAFETY_NET)).expect("a limit");
    peer.set_nodelay(true).expect("at once");
    peer
}

/// So many bytes of a peer, as text.
#[track_caller]
pub(crate) fn read(peer: &mut TcpStream, count: usize) -> String {
    let mut bytes = vec![0; count];
    peer.read_exact(&mut bytes).expect("bytes come");
    String::from_utf8(bytes).expect("text")
}

/// All that comes to a peer until the end.
#[track_caller]
pub(crate) fn read_all(peer: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    peer.read_to_end(&mut bytes).expect("an orderly end");
    bytes
}

#[track_caller]
pub(crate) fn write(peer: &mut TcpStream, text: &str) {
    peer.write_all(text.as_bytes()).expect("it goes");
}

/// The peer sends no more.
pub(crate) fn finish(peer: &TcpStream) {
    peer.shutdown(Shutdown::Write).expect("it is open");
}

/// The peer resets the connection: what was under way is lost.
pub(crate) fn reset(peer: TcpStream) {
    socket2::SockRef::from(&peer).set_linger(Some(std::time::Duration::ZERO)).expect("a socket");
    drop(peer);
}
