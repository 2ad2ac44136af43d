//! A server that runs, and clients of it that speak in lines.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{Shutdown, TcpStream};

use calog_tests::{Calog, Ran, Running, SAFETY_NET, root};
use nix::sys::signal::Signal;

/// An example that serves, on a port that the system picked.
pub(crate) struct Server {
    running: Running,
    port: u16,
}

/// A client.
pub(crate) struct Peer {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Server {
    /// Starts the example of this name, which says first where it listens.
    pub(crate) fn start(example: &str) -> Server {
        let folder = root().join("examples").join(example).to_string_lossy().into_owned();
        let mut running = Calog::new(["run", &folder, "--", "0"]).start();
        let line = running.next_line().trim_end().to_owned();
        let said = format!("{example}: listening at 127.0.0.1 port ");
        let port = line.strip_prefix(&said).and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(|| panic!("it says where it listens, not '{line}'"));
        Server { running, port }
    }

    /// A new client.
    pub(crate) fn connect(&self) -> Peer {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server listens");
        stream.set_read_timeout(Some(SAFETY_NET)).expect("a socket can be set a timeout");
        stream.set_write_timeout(Some(SAFETY_NET)).expect("a socket can be set a timeout");
        let reader = BufReader::new(stream.try_clone().expect("a socket can be cloned"));
        Peer { stream, reader }
    }

    /// Ends it by a signal: in order, with this code, and without a complaint.
    #[track_caller]
    pub(crate) fn end(self, signal: Signal, code: i32) {
        self.running.signal(signal);
        let Ran { out, err, .. } = self.running.end().ended_with(code);
        assert_eq!((out.lines().count(), err.as_str()), (1, ""), "{out}");
    }
}

impl Peer {
    /// Sends bytes as they are.
    #[track_caller]
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the server takes it");
    }

    /// Says a line.
    #[track_caller]
    pub(crate) fn say(&mut self, line: &str) {
        self.send(format!("{line}\n"));
    }

    /// The next line; none at the end of the stream.
    #[track_caller]
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        match self.reader.read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()),
            // Who was put out with bytes unread hears of it so.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
            Err(error) => panic!("no line came: {error}"),
        }
    }

    /// These are the next lines.
    #[track_caller]
    pub(crate) fn hears<const N: usize>(&mut self, lines: [&str; N]) {
        for line in lines {
            assert_eq!(self.line().as_deref(), Some(line));
        }
    }

    /// Says a line, and hears these.
    #[track_caller]
    pub(crate) fn asks<const N: usize>(&mut self, line: &str, lines: [&str; N]) {
        self.say(line);
        self.hears(lines);
    }

    /// Nothing more comes.
    #[track_caller]
    pub(crate) fn is_over(&mut self) {
        assert_eq!(self.line(), None);
    }

    /// Says that it will say nothing more.
    pub(crate) fn hang_up(&self) {
        self.stream.shutdown(Shutdown::Write).expect("it is connected");
    }
}
