//! The thread by itself, over a runtime without interpreters: no wake-up is lost, commands keep their
//! order, whatever is taken is given back.

mod mock;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use calog_plugin_api::host_side::{BundleHandle, promise};
use calog_plugin_api::{
    Args, Canceller, Code, Error, Finisher, Hook, KeptInfo, Native, Object, Outcome, Result, RuntimeHandle, Str, Value,
    View,
};
use mock::{Runtime, function};

use crate::net;
use crate::options::Options;
use crate::place::Target;
use crate::reactor::{Deed, Goal, Opening, Prepared, Thread};

/// How long anything may take before its test fails. No test waits for it to pass.
const SAFETY_NET: Duration = Duration::from_secs(20);

/// The bundle over a runtime.
struct Stage {
    runtime: Arc<Runtime>,
    handle: RuntimeHandle,
    bundle: BundleHandle,
    natives: Vec<Native>,
}

/// An answer that comes on the I/O thread, or at once.
struct Answer(Receiver<Result<Value>>, Option<Canceller>);

impl Answer {
    fn of(outcome: Outcome) -> Answer {
        let (sender, receiver) = channel();
        let canceller = match &outcome {
            Outcome::Pending(completion) => Some(completion.canceller()),
            _ => None,
        };
        // A test that failed listens no more.
        outcome.then(move |result| _ = sender.send(result));
        Answer(receiver, canceller)
    }

    #[track_caller]
    fn get(self) -> Result<Value> {
        self.0.recv_timeout(SAFETY_NET).expect("an answer comes")
    }

    /// Whether it was cancelled; otherwise it has, or gets, a result.
    fn cancel(&self) -> bool {
        self.1.as_ref().is_some_and(|it| it.cancel(&Error::new(Code::Cancelled, "cancelled")))
    }
}

impl Stage {
    fn new() -> Stage {
        let (runtime, handle) = mock::runtime();
        let bundle = BundleHandle::make(&net, handle.clone()).expect("names match parameters");
        let natives = bundle.natives().expect("natives");
        Stage { runtime, handle, bundle, natives }
    }

    fn info(&self, context: u64) -> KeptInfo {
        mock::info(&self.handle, context)
    }

    fn native(&self, context: u64, name: &str, port: u16) -> Result<Object> {
        let native = self.natives.iter().find(|it| it.descriptor().name == name).expect("a native");
        let (host, port) = (Value::from("127.0.0.1"), Value::from(port));
        let outcome = native.call(&self.info(context), Args::new(&[host.view(), port.view()]));
        Answer::of(outcome).get().map(|value| value.view().as_object().expect("an object").clone())
    }

    fn call(&self, context: u64, object: &Object, method: &str, args: &[Value]) -> Answer {
        let views: Vec<View<'_>> = args.iter().map(Value::view).collect();
        Answer::of(object.call(&self.info(context), method, Args::new(&views)))
    }

    /// A connection of a context to a peer.
    fn meet(&self, context: u64) -> (Object, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let connection = self.native(context, "net.connect", port).expect("it connects");
        let (peer, _) = listener.accept().expect("it connects");
        peer.set_read_timeout(Some(SAFETY_NET)).expect("a limit");
        peer.set_nodelay(true).expect("at once");
        (connection, peer)
    }

    fn end(&self) {
        self.bundle.hook(Hook::Shutdown, &self.handle, View::NIL, None).expect("it ends");
    }

    /// Waits until something that the I/O thread does is done.
    #[track_caller]
    fn until(&self, what: &str, done: impl Fn(&Runtime) -> bool) {
        let until = Instant::now() + SAFETY_NET;
        while !done(&self.runtime) {
            assert!(Instant::now() < until, "waited in vain for {what}");
            thread::yield_now();
        }
    }
}

#[test]
fn no_wake_up_is_lost() {
    let stage = Stage::new();
    let (connection, mut peer) = stage.meet(7);
    let echo = thread::spawn(move || {
        let mut byte = [0];
        while peer.read(&mut byte).expect("it comes") > 0 {
            peer.write_all(&byte).expect("it goes");
        }
    });
    // The thread falls asleep between any two of them.
    for n in 0..5000_i64 {
        let text = Value::String(Str::from_bytes([b'a' + (n % 26) as u8]));
        let waiting = stage.call(7, &connection, "recv", &[]);
        assert_eq!(stage.call(7, &connection, "send", std::slice::from_ref(&text)).get(), Ok(Value::Nil));
        assert_eq!(waiting.get(), Ok(text));
    }
    assert_eq!(stage.call(7, &connection, "close", &[]).get(), Ok(Value::Nil));
    echo.join().expect("it echoes");
}

#[test]
fn what_each_thread_sends_keeps_its_order() {
    let stage = Stage::new();
    let (connection, mut peer) = stage.meet(7);
    thread::scope(|scope| {
        for sender in 0..4_u8 {
            let (stage, connection) = (&stage, &connection);
            scope.spawn(move || {
                for n in 0..2000_u16 {
                    let [high, low] = n.to_be_bytes();
                    let bytes = Value::from([sender, high, low].as_slice());
                    drop(stage.call(7, connection, "send", &[bytes]));
                }
            });
        }
    });
    assert_eq!(stage.call(7, &connection, "close", &[]).get(), Ok(Value::Nil));
    let (mut came, mut next) = (Vec::new(), [0_u16; 4]);
    peer.read_to_end(&mut came).expect("an orderly end");
    for message in came.chunks(3) {
        let [sender, high, low] = message else { panic!("{message:?} is torn") };
        let next = &mut next[usize::from(*sender)];
        assert_eq!(u16::from_be_bytes([*high, *low]), *next, "of {sender}");
        *next += 1;
    }
    assert_eq!(next, [2000; 4]);
}

#[test]
fn a_connection_that_a_cancelled_wait_does_not_take_goes_to_the_next() {
    let stage = Stage::new();
    let listener = stage.native(7, "net.listen", 0).expect("it listens");
    let address = stage.call(7, &listener, "address", &[]).get().expect("an address");
    let port = u16::try_from(address.view().field("port").as_int().expect("a port")).expect("a port");
    for round in 0..300 {
        let [first, second] = [(); 2].map(|()| stage.call(7, &listener, "accept", &[]));
        let mut peer = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        // Before, while and after it is handed over.
        (0..round * 10).for_each(|_| std::hint::spin_loop());
        let (taker, other) = if first.cancel() { (second, None) } else { (first, Some(second)) };
        let connection = taker.get().expect("a connection");
        let connection = connection.view().as_object().expect("an object").clone();
        peer.write_all(b"x").expect("it goes");
        assert_eq!(
            stage.call(7, &connection, "recv", &[]).get(),
            Ok(Value::String(Str::from_bytes("x"))),
            "round {round}"
        );
        if let Some(other) = other {
            assert!(other.cancel(), "round {round}: it waits");
        }
    }
}

/// Holds the I/O thread when it comes to a wait's end, until told to let go.
struct Hold {
    held: Receiver<()>,
    let_go: Sender<()>,
}

impl Hold {
    /// The wait is that for a byte of this connection.
    fn at(stage: &Stage, connection: &Object) -> Hold {
        let ((tell, held), (let_go, gate)) = (channel(), channel());
        let outcome = connection.call(&stage.info(7), "recv", Args::new(&[]));
        outcome.then(move |_| {
            // A test that failed neither listens nor tells.
            let _ = tell.send(());
            let _ = gate.recv_timeout(SAFETY_NET);
        });
        Hold { held, let_go }
    }

    #[track_caller]
    fn wait(&self) {
        self.held.recv_timeout(SAFETY_NET).expect("the thread comes to it");
    }
}

/// What comes is for a wait that is cancelled when the thread has begun its turn: too late for it to
/// hear of that before. `come` makes something come.
fn cancelled_within_the_turn(stage: &Stage, first: &Answer, come: impl FnOnce()) {
    let ((one, mut peer_of_one), (two, mut peer_of_two)) = (stage.meet(7), stage.meet(7));
    let (before, within) = (Hold::at(stage, &one), Hold::at(stage, &two));
    peer_of_one.write_all(b"x").expect("it goes");
    before.wait();
    // Both are there when the next turn begins, in this order.
    peer_of_two.write_all(b"x").expect("it goes");
    come();
    before.let_go.send(()).expect("it waits");
    within.wait();
    assert!(first.cancel(), "it has not been answered");
    within.let_go.send(()).expect("it waits");
}

#[test]
fn what_comes_for_a_wait_that_is_cancelled_at_that_moment_is_for_the_next() {
    let stage = Stage::new();
    let port = |socket: &Object| {
        let address = stage.call(7, socket, "address", &[]).get().expect("an address");
        u16::try_from(address.view().field("port").as_int().expect("a port")).expect("a port")
    };

    let (connection, mut peer) = stage.meet(7);
    let first = stage.call(7, &connection, "recv", &[]);
    cancelled_within_the_turn(&stage, &first, || peer.write_all(b"bytes").expect("they go"));
    assert_eq!(stage.call(7, &connection, "recv", &[]).get(), Ok(Value::String(Str::from_bytes("bytes"))));

    let socket = stage.native(7, "net.udp", 0).expect("a socket");
    let from = UdpSocket::bind(("127.0.0.1", 0)).expect("a port");
    let first = stage.call(7, &socket, "recv_from", &[]);
    cancelled_within_the_turn(&stage, &first, || _ = from.send_to(b"data", ("127.0.0.1", port(&socket))));
    let came = stage.call(7, &socket, "recv_from", &[]).get().expect("a datagram");
    assert_eq!(came.view().field("data").as_bytes(), Some(b"data".as_slice()));

    let listener = stage.native(7, "net.listen", 0).expect("it listens");
    let mut peer = None;
    let first = stage.call(7, &listener, "accept", &[]);
    let port = port(&listener);
    cancelled_within_the_turn(&stage, &first, || peer = TcpStream::connect(("127.0.0.1", port)).ok());
    assert!(stage.call(7, &listener, "accept", &[]).get().is_ok());
}

/// What a callback was given, and its end.
type Call = (Vec<u8>, Finisher);

#[test]
fn callbacks_come_one_after_the_other_and_what_they_hold_is_given_back() {
    let stage = Stage::new();
    let (connection, mut peer) = stage.meet(7);
    let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
    let noted = Arc::clone(&calls);
    let on_data = function(7, move |bytes| {
        let (completion, finisher) = promise("its end", true, None);
        noted.lock().expect("no panics").push((bytes.as_bytes().unwrap_or_default().to_vec(), finisher));
        Outcome::Pending(completion)
    });
    let (ended, end) = channel();
    let ended = Mutex::new(ended);
    let on_close = function(7, move |reason| {
        // A test that failed listens no more.
        let _ = ended.lock().expect("no panics").send(reason.to_value());
        Outcome::Ready(Value::Nil)
    });
    assert_eq!(stage.call(7, &connection, "on_data", &[on_data.into()]).get(), Ok(Value::Nil));
    assert_eq!(stage.call(7, &connection, "on_close", &[on_close.into()]).get(), Ok(Value::Nil));
    assert_eq!(stage.runtime.alive.load(Ordering::SeqCst), 2);
    let mut came = Vec::new();
    for word in ["one", "two", "three"] {
        peer.write_all(word.as_bytes()).expect("it goes");
        stage.until(word, |_| !calls.lock().expect("no panics").is_empty());
        // More comes while it runs, and waits.
        peer.write_all(b"+").expect("it goes");
        let mut taken = calls.lock().expect("no panics");
        assert_eq!(taken.len(), 1, "one at a time");
        let (bytes, finisher) = taken.remove(0);
        drop(taken);
        came.extend(bytes);
        finisher.finish(Err(Error::new(Code::Script, "it failed"))).expect("somebody listens");
        // The rest of it.
        while came.last() != Some(&b'+') {
            stage.until("the rest", |_| !calls.lock().expect("no panics").is_empty());
            let (bytes, finisher) = calls.lock().expect("no panics").remove(0);
            came.extend(bytes);
            finisher.finish(Ok(Value::Nil)).expect("somebody listens");
        }
    }
    drop(peer);
    assert_eq!(end.recv_timeout(SAFETY_NET), Ok(Value::Nil));
    assert_eq!(String::from_utf8_lossy(&came), "one+two+three+");
    stage.until("all to be given back", |runtime| runtime.alive.load(Ordering::SeqCst) == 0);
    let logged = stage.runtime.logged.lock().expect("no panics").clone();
    assert_eq!(logged.len(), 3, "{logged:?}");
    assert!(logged[0].starts_with("the function given to connection.on_data failed: script: it failed"), "{logged:?}");
}

/// A function whose thread is too busy so often, then gives its argument on.
fn busy(times: usize, give: Sender<Value>) -> Value {
    let (left, give) = (AtomicUsize::new(times), Mutex::new(give));
    let run = move |value: View<'_>| {
        if left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Outcome::Failed(Error::new(Code::Limit, "the mailbox is full"));
        }
        // A test that failed listens no more.
        let _ = give.lock().expect("no panics").send(value.to_value());
        Outcome::Ready(Value::Nil)
    };
    function(7, run).into()
}

#[test]
fn who_is_too_busy_to_be_called_is_called_later() {
    let stage = Stage::new();
    let listener = stage.native(7, "net.listen", 0).expect("it listens");
    let address = stage.call(7, &listener, "address", &[]).get().expect("an address");
    let port = u16::try_from(address.view().field("port").as_int().expect("a port")).expect("a port");
    let (give, given) = channel();
    assert_eq!(stage.call(7, &listener, "on_connection", &[busy(2, give.clone())]).get(), Ok(Value::Nil));
    let mut peer = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let connection = given.recv_timeout(SAFETY_NET).expect("it comes");
    let connection = connection.view().as_object().expect("an object");
    assert_eq!(stage.call(7, connection, "on_data", &[busy(2, give.clone())]).get(), Ok(Value::Nil));
    assert_eq!(stage.call(7, connection, "on_close", &[busy(2, give)]).get(), Ok(Value::Nil));
    peer.write_all(b"bytes").expect("they go");
    assert_eq!(given.recv_timeout(SAFETY_NET), Ok(Value::String(Str::from_bytes("bytes"))));
    drop(peer);
    assert_eq!(given.recv_timeout(SAFETY_NET), Ok(Value::Nil));
}

#[test]
fn what_would_go_to_a_context_that_has_closed_ends() {
    let stage = Stage::new();
    let (connection, mut peer) = stage.meet(7);
    let dead = function(8, |_| Outcome::Failed(Error::new(Code::Dead, "the context is closed")));
    assert_eq!(stage.call(7, &connection, "on_data", &[dead.into()]).get(), Ok(Value::Nil));
    peer.write_all(b"x").expect("it goes");
    assert_eq!(peer.read(&mut [0]).expect("an orderly end"), 0);
    stage.until("all to be given back", |runtime| runtime.alive.load(Ordering::SeqCst) == 0);
}

#[test]
fn every_address_of_a_name_is_tried() {
    let stage = Stage::new();
    let thread = Thread::new(stage.handle.clone());
    let line = thread.line().expect("a thread");
    let closed = TcpListener::bind(("127.0.7.1", 0)).expect("a port").local_addr().expect("an address");
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let open = listener.local_addr().expect("an address");
    let connect = |targets: Vec<SocketAddr>| {
        let (id, info) = (line.number(), stage.info(0));
        let (completion, _, finisher) = line.promise(&info, id, "a connection");
        let opening = Opening::new(id, Goal::Connect, "name:1".into(), 0, Options::default(), None, finisher);
        line.send(id, Deed::Open(Box::new(opening), calog_plugin_api::Counted::NOTHING));
        let targets = targets.into_iter().map(Target::Inet).collect();
        line.send(id, Deed::Resolved(Ok(Prepared { targets, security: None })));
        Answer::of(Outcome::Pending(completion)).get()
    };
    assert!(connect(vec![closed, closed, open]).is_ok());
    assert!(listener.accept().is_ok());
    let refused = "net.connect: name:1: Connection refused (os error 111)";
    assert_eq!(connect(vec![closed, closed]).expect_err("nobody listens").message(), refused);
    let none = "net.connect: name:1: the name has no address";
    assert_eq!(connect(vec![]).expect_err("nobody listens").message(), none);
    thread.end();
}

#[test]
fn a_context_is_watched_once_and_takes_its_own_sockets_alone() {
    let stage = Stage::new();
    let own: Vec<_> = (0..3).map(|_| stage.meet(7)).collect();
    let (others, mut peer) = stage.meet(8);
    assert_eq!((stage.runtime.closers(7), stage.runtime.closers(8)), (1, 1));
    let waiting: Vec<_> = own.iter().map(|(it, _)| stage.call(8, it, "recv", &[])).collect();
    stage.runtime.close_context(7);
    for answer in waiting {
        assert_eq!(answer.get().expect_err("it is closed").code(), Code::Closed);
    }
    peer.write_all(b"still").expect("it goes");
    assert_eq!(stage.call(8, &others, "recv", &[]).get(), Ok(Value::String(Str::from_bytes("still"))));
    stage.end();
    assert_eq!(stage.native(8, "net.listen", 0).expect_err("it has ended").code(), Code::Closed);
    assert!(stage.call(8, &others, "recv", &[]).get().is_err());
}
