//! Echo servers, a script's and one by hand on mio, and the crowd that talks to them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use calog::{ContextRef, Open, Runtime, SearchPath, Value};
use calog_tests::plugin_folder;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// How many connections talk at once.
const CONNECTIONS: usize = 1000;

/// How long a message is.
const MESSAGE: [u8; 64] = [b'm'; 64];

const LISTENER: Token = Token(usize::MAX);

/// Each server and each crowd holds so many descriptors.
fn enough_descriptors() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, most.min(8192), most).expect("as many as are allowed");
}

/// The server as a script: one Lua context, a task for each connection.
pub(crate) struct Script {
    _runtime: Runtime,
    _lua: ContextRef,
    pub(crate) port: u16,
}

impl Script {
    pub(crate) fn new() -> Script {
        enough_descriptors();
        let runtime = Runtime::builder()
            .plugins(SearchPath::of([plugin_folder()]))
            .build()
            .expect("a runtime over the workspace's plugins");
        let text = "local l = net.listen('127.0.0.1', 0)
            local function echo(c)
                while true do
                    local data = c.recv()
                    if not data then return c.close() end
                    c.send(data)
                end
            end
            task.spawn(function()
                while true do
                    local c = l.accept()
                    task.spawn(function() echo(c) end)
                end
            end)
            return { port = l.address().port }";
        let lua = runtime.open(Open::source("lua", text).name("echo")).expect("a context");
        runtime.wait_for(&lua).unwrap_or_else(|error| panic!("{error:?}"));
        let port = lua.export("port").and_then(|port: Value| port.view().as_int()).expect("a port");
        Script { _runtime: runtime, _lua: lua, port: u16::try_from(port).expect("a port") }
    }
}

/// The server by hand: one thread over mio.
pub(crate) struct ByHand {
    pub(crate) port: u16,
}

impl ByHand {
    pub(crate) fn new() -> ByHand {
        let mut listener = TcpListener::bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let poll = Poll::new().expect("a poll");
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE).expect("it can be watched");
        // It ends with the process.
        thread::spawn(move || serve(poll, &listener));
        ByHand { port }
    }
}

fn serve(mut poll: Poll, listener: &TcpListener) {
    let mut events = Events::with_capacity(1024);
    let mut streams: HashMap<usize, TcpStream> = HashMap::new();
    let mut buffer = [0; 65_536];
    loop {
        poll.poll(&mut events, None).expect("it polls");
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true).expect("a socket");
                    let token = streams.len();
                    poll.registry().register(&mut stream, Token(token), Interest::READABLE).expect("it can be watched");
                    streams.insert(token, stream);
                }
            } else if let Some(stream) = streams.get_mut(&event.token().0) {
                echo(stream, &mut buffer);
            }
        }
    }
}

/// Messages are so short that the system takes them whole.
fn echo(stream: &mut TcpStream, buffer: &mut [u8]) {
    loop {
        match stream.read(buffer) {
            Ok(0) => return,
            Ok(count) => stream.write_all(&buffer[..count]).expect("it goes"),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Connections that each send a message, wait until it has come back, and send the next.
pub(crate) struct Crowd(RefCell<Talkers>);

struct Talkers {
    poll: Poll,
    events: Events,
    streams: Vec<Talker>,
}

struct Talker {
    stream: TcpStream,
    /// How many messages are still to be sent, and how many bytes of the one that is out have come back.
    left: u64,
    back: usize,
}

impl Crowd {
    pub(crate) fn new(port: u16) -> Crowd {
        let poll = Poll::new().expect("a poll");
        let streams = (0..CONNECTIONS).map(|n| {
            let stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("it listens");
            stream.set_nodelay(true).expect("a socket");
            stream.set_nonblocking(true).expect("a socket");
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(n), Interest::READABLE).expect("it can be watched");
            Talker { stream, left: 0, back: 0 }
        });
        let streams = streams.collect();
        Crowd(RefCell::new(Talkers { poll, events: Events::with_capacity(1024), streams }))
    }

    /// So many messages on each connection.
    pub(crate) fn talk(&self, messages: u64) -> Duration {
        let Talkers { poll, events, streams } = &mut *self.0.borrow_mut();
        let start = Instant::now();
        for talker in &mut *streams {
            talker.left = messages;
            talker.say();
        }
        let mut busy = streams.len();
        while busy > 0 {
            poll.poll(events, None).expect("it polls");
            for event in &*events {
                busy -= usize::from(streams[event.token().0].hear());
            }
        }
        start.elapsed()
    }
}

impl Talker {
    fn say(&mut self) {
        self.stream.write_all(&MESSAGE).expect("it goes");
        self.left -= 1;
        self.back = 0;
    }

    /// Takes what came back. Whether that was the last.
    fn hear(&mut self) -> bool {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => panic!("the server has closed"),
                Ok(count) => self.back += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) => panic!("{error}"),
            }
            if self.back == MESSAGE.len() {
                if self.left == 0 {
                    self.back = 0;
                    return true;
                }
                self.say();
            }
        }
    }
}
