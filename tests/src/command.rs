//! The `calog` command as a user runs it, in an environment that holds nothing of the tester's own.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::mem;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use crate::command;

/// How long a program may take before its test fails. No test waits for it to pass.
const SAFETY_NET: Duration = Duration::from_secs(120);

/// A run of `calog` to be.
pub struct Calog(Command);

/// A `calog` that runs, but for no longer than its test: dropped, it is killed.
///
/// Nobody but its owner takes its exit status. So its process id is its own as long as this exists, even
/// if it has ended, and a signal reaches nobody else.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    error: Receiver<String>,
    /// Hears once that it has ended.
    over: Receiver<()>,
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

    /// Another command than that beside the plugins: a copy of it, or a shell that becomes it.
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
        let (lines, error) = (lines(&mut child), error(&mut child));
        let over = over(pid_of(&child));
        Running { child, lines, error, over, seen: String::new() }
    }
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("a process id"))
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

/// A child's standard error, when it is complete.
fn error(child: &mut Child) -> Receiver<String> {
    let (sender, error) = channel();
    let mut output = child.stderr.take().expect("standard error is piped");
    thread::spawn(move || {
        let mut bytes = Vec::new();
        output.read_to_end(&mut bytes).expect("standard error can be read");
        // A test that looked away has failed already.
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    error
}

/// Hears when a child has ended, and leaves its exit status where it is.
fn over(pid: Pid) -> Receiver<()> {
    let (sender, over) = channel();
    thread::spawn(move || {
        while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(Errno::EINTR) {}
        // A test that looked away has failed already.
        let _ = sender.send(());
    });
    over
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
        kill(pid_of(&self.child), signal).expect("a child that was not waited for can be sent a signal");
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        pid_of(&self.child).as_raw()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ran {
        if let Err(error) = self.over.recv_timeout(SAFETY_NET) {
            self.give_up(&format!("it did not end: {error}"));
        }
        loop {
            match self.lines.recv_timeout(SAFETY_NET) {
                Ok(line) => self.seen.push_str(&line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("its standard output is held open by others"),
            }
        }
        let err = self.error.recv_timeout(SAFETY_NET).expect("its standard error is read to the end");
        let status = self.child.wait().expect("a child can be waited for");
        Ran { code: status.code(), out: mem::take(&mut self.seen), err }
    }

    /// Ends the test, and thereby the program.
    fn give_up(&self, reason: &str) -> ! {
        panic!("{reason}; so far it printed:\n{}", self.seen);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Neither does anything to a child that was waited for. That one of them fails is no news: the
        // test fails already, or has looked away.
        let _ = self.child.kill();
        let _ = self.child.wait();
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
