//! The `calog` command as a user runs it, in an environment that holds nothing of the tester's own.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::command;

/// How long a program may take before its test fails. No test waits for it to pass.
const SAFETY_NET: Duration = Duration::from_secs(120);

/// A run of `calog` to be.
pub struct Calog(Command);

/// A `calog` that runs.
pub struct Running {
    pid: Pid,
    lines: Receiver<String>,
    error: thread::JoinHandle<String>,
    status: Receiver<ExitStatus>,
    seen: String,
}

/// How a run ended. Its `Debug` is for messages.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Calog {
    /// With these arguments.
    pub fn new<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Calog {
        Calog::at(&command(), args)
    }

    /// A copy of the command that lies elsewhere.
    pub fn at<A: AsRef<OsStr>>(command: &Path, args: impl IntoIterator<Item = A>) -> Calog {
        let mut command = Command::new(command);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for variable in ["CALOG_PLUGIN_PATH", "CALOG_LOG", "NO_COLOR", "RUST_LOG"] {
            command.env_remove(variable);
        }
        command.env("XDG_DATA_HOME", "/nonexistent").env("XDG_RUNTIME_DIR", std::env::temp_dir());
        Calog(command)
    }

    /// With this variable in its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Calog {
        self.0.env(name, value);
        self
    }

    /// In this folder.
    #[must_use]
    pub fn within(mut self, folder: &Path) -> Calog {
        self.0.current_dir(folder);
        self
    }

    /// With this as its standard input; otherwise it has none.
    #[must_use]
    pub fn input(mut self, from: impl Into<Stdio>) -> Calog {
        self.0.stdin(from);
        self
    }

    /// Runs it to its end.
    pub fn run(self) -> Ran {
        self.start().end()
    }

    /// Starts it.
    pub fn start(mut self) -> Running {
        let mut child = self.0.spawn().expect("calog can be started");
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
        let lines = lines(&mut child);
        let mut error = child.stderr.take().expect("standard error is piped");
        let error = thread::spawn(move || {
            let mut bytes = Vec::new();
            error.read_to_end(&mut bytes).expect("standard error can be read");
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let (sender, status) = channel();
        thread::spawn(move || sender.send(child.wait().expect("a child can be waited for")));
        Running { pid, lines, error, status, seen: String::new() }
    }
}

/// The lines of a child's standard output, as they come.
fn lines(child: &mut Child) -> Receiver<String> {
    let (sender, lines) = channel();
    let mut output = BufReader::new(child.stdout.take().expect("standard output is piped"));
    thread::spawn(move || {
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line).expect("standard output can be read") > 0 {
            // A test that looked away has failed already.
            let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
            line.clear();
        }
    });
    lines
}

impl Running {
    /// Waits until it has printed this line.
    pub fn wait_for_line(&mut self, wanted: &str) {
        loop {
            let line = match self.lines.recv_timeout(SAFETY_NET) {
                Ok(line) => line,
                Err(error) => self.give_up(&format!("no line '{wanted}' came: {error}")),
            };
            self.seen.push_str(&line);
            if line.trim_end() == wanted {
                return;
            }
        }
    }

    /// Waits for the next line that it prints.
    pub fn next_line(&mut self) -> String {
        let line = match self.lines.recv_timeout(SAFETY_NET) {
            Ok(line) => line,
            Err(error) => self.give_up(&format!("no line came: {error}")),
        };
        self.seen.push_str(&line);
        line
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid, signal).expect("a child that was not waited for can be sent a signal");
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ran {
        let status = match self.status.recv_timeout(SAFETY_NET) {
            Ok(status) => status,
            Err(error) => self.give_up(&format!("it did not end: {error}")),
        };
        loop {
            match self.lines.recv_timeout(SAFETY_NET) {
                Ok(line) => self.seen.push_str(&line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("its standard output is held open by others"),
            }
        }
        let err = self.error.join().expect("standard error was read");
        Ran { code: status.code(), out: self.seen, err }
    }

    /// Ends it, and the test.
    fn give_up(&self, reason: &str) -> ! {
        self.signal(Signal::SIGKILL);
        panic!("{reason}; so far it printed:\n{}", self.seen);
    }
}

impl Ran {
    /// It ended with this code; otherwise the test fails and shows all that was printed.
    #[track_caller]
    pub fn ended_with(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "\n--- out\n{}\n--- err\n{}", self.out, self.err);
        self
    }

    /// It ended well, printed exactly this, and complained of nothing.
    #[track_caller]
    pub fn printed(self, wanted: &str) {
        let Ran { out, err, .. } = self.ended_with(0);
        assert_eq!((out.as_str(), err.as_str()), (wanted, ""));
    }

    /// Standard error has all of these.
    #[track_caller]
    pub fn said(self, wanted: &[&str]) -> Ran {
        for part in wanted {
            assert!(self.err.contains(part), "'{part}' is not in\n{}", self.err);
        }
        self
    }
}
