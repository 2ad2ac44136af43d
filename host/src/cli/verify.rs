//! `calog plugins verify`: all checks of a plugin file, the last of which opens it, in a process of its
//! own with a time limit: what a damaged or hostile file does there, it does to nobody else.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use calog::plugins::{describe, differences, inspect_under, try_opening};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::exit::{Exit, FAILED, FINE};
use super::{Common, trust};

/// What the other process says last when all went well. Its exit code alone says nothing: any library
/// may call `exit`.
const OPENED: &str = "calog: it is open";

/// Checks each file; fails when one is refused.
pub(super) fn verify(common: &Common, files: &[std::path::PathBuf], limit: u64) -> Result<u8, Exit> {
    let mut code = FINE;
    for file in files {
        let verdict = judge(common, file, Duration::from_secs(limit))?;
        let (text, below) = match verdict {
            Ok(description) => (description, Vec::new()),
            Err((reason, more)) => {
                code = FAILED;
                (format!("refused: {reason}"), more)
            }
        };
        let mut out = std::io::stdout().lock();
        // A reader that left (a closed pipe) has seen enough; the exit code is for the others.
        let _ = writeln!(out, "{}: {text}", file.display());
        below.iter().for_each(|line| drop(writeln!(out, "    {line}")));
    }
    Ok(code)
}

/// A plugin's description, or why it is refused and what more there is to say.
type Verdict = Result<String, (String, Vec<String>)>;

fn judge(common: &Common, file: &Path, limit: Duration) -> Result<Verdict, Exit> {
    let search = trust::unlocked(common, &[]);
    match inspect_under(file, search.trust()) {
        Ok(offer) => {
            let opened = open_elsewhere(common, file, limit)?;
            Ok(opened.map(|()| describe(&offer)))
        }
        Err(refusal) => Ok(Err((refusal.to_string(), differences(file)))),
    }
}

/// Has another process open the file.
fn open_elsewhere(common: &Common, file: &Path, limit: Duration) -> Result<Result<(), (String, Vec<String>)>, Exit> {
    let failed = |error: std::io::Error| Exit::new(FAILED, format!("error: no process to open it in: {error}"));
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command.args(["plugins", "open", "--log", "off"]).args(common.shared_plugins.then_some("--shared-plugins"));
    command.arg("--").arg(file).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().map_err(failed)?;
    let pid = child.id();
    let (sender, ended) = channel();
    // It ends with the child, unless what the child started holds its output open; it is not waited for.
    let wait = move || sender.send(output_of(child));
    if let Err(error) = std::thread::Builder::new().spawn(wait) {
        // Nobody waits for it, so the number is still its own.
        let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
        return Err(failed(error));
    }
    match ended.recv_timeout(limit) {
        Ok(output) => Ok(read(&output.map_err(failed)?)),
        Err(_) => {
            // It has not been waited for, so the number is still its own; if it just ended, so much the better.
            let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
            Ok(Err((format!("opening it did not end within {} s", limit.as_secs()), Vec::new())))
        }
    }
}

/// All that a process says, and its end. As `Child::wait_with_output`, which panics when it cannot read.
fn output_of(mut child: Child) -> std::io::Result<Output> {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let (out, mut err) = (child.stdout.take(), child.stderr.take());
    let errors = std::thread::Builder::new()
        .spawn(move || err.as_mut().map_or(Ok(0), |err| err.read_to_end(&mut stderr)).map(|_| stderr));
    let said = out.map_or(Ok(0), |mut out| out.read_to_end(&mut stdout));
    if said.is_err() || errors.is_err() {
        // It may wait for somebody to read; if it has ended, so much the better.
        let _ = child.kill();
    }
    let status = child.wait()?;
    said?;
    let stderr = errors?.join().unwrap_or_else(|_| Err(std::io::ErrorKind::Other.into()))?;
    Ok(Output { status, stdout, stderr })
}

/// What the other process came to.
fn read(output: &Output) -> Result<(), (String, Vec<String>)> {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let said = out.trim_end();
    match (output.status.code(), said.rsplit_once(REFUSED)) {
        (Some(0), _) if said.ends_with(OPENED) => Ok(()),
        (Some(1), Some((_, refusal))) => {
            let (reason, report) = refusal.split_once('\n').unwrap_or((refusal, ""));
            Err((reason.to_owned(), report.lines().map(str::to_owned).collect()))
        }
        _ => Err((format!("opening it {}", end(output.status)), err.lines().map(str::to_owned).collect())),
    }
}

fn end(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(number), _) => match Signal::try_from(number) {
            Ok(signal) => format!("ended the process with signal {number} ({signal})"),
            Err(_) => format!("ended the process with signal {number}"),
        },
        (_, code) => format!("ended the process with exit code {}", code.unwrap_or_default()),
    }
}

/// What the other process says before a refusal.
const REFUSED: &str = "calog: refused: ";

/// Opens a plugin in this process.
pub(super) fn open(common: &Common, file: &Path) -> Result<u8, Exit> {
    let search = trust::unlocked(common, &[]);
    let mut out = std::io::stdout();
    // Without a reader nobody wants to know.
    match try_opening(file, search.trust()) {
        Ok(_) => {
            let _ = writeln!(out, "{OPENED}");
            Ok(FINE)
        }
        Err(refusal) => {
            let _ = writeln!(out, "{REFUSED}{refusal}\n{}", refusal.report().unwrap_or_default());
            Ok(FAILED)
        }
    }
}
