//! The control socket of a running program: a file in the user's runtime folder, named by the process,
//! that only this user may open. It takes one word, `reload`, and answers in lines.
//!
//! The first line of an answer is its verdict: `fine`, `failed` (some could not take the change over) or
//! `refused` (everything is as it was); the others say what happened.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::unistd::getuid;

/// The folder with the sockets, for nobody but the user.
const FOLDER_MODE: u32 = 0o700;

/// Who may open a socket: the user.
const SOCKET_MODE: u32 = 0o600;

/// How long somebody who has connected may take to say what for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is said to a program, and how much of a line is read.
const RELOAD: &str = "reload";
const MAX_LINE_BYTES: u64 = 64;

/// What a reload came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    Fine,
    Failed,
    Refused,
}

impl Verdict {
    const WORDS: [(&'static str, Verdict); 3] =
        [("fine", Verdict::Fine), ("failed", Verdict::Failed), ("refused", Verdict::Refused)];

    fn word(self) -> &'static str {
        Verdict::WORDS.iter().find(|(_, verdict)| *verdict == self).map_or("refused", |(word, _)| word)
    }
}

/// An answer: the verdict, and lines for a person.
pub(super) struct Answer {
    pub(super) verdict: Verdict,
    pub(super) lines: Vec<String>,
}

/// Where the sockets are: in `$XDG_RUNTIME_DIR`, or in a folder of the user's among the temporary ones.
pub(super) fn folder() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    runtime.map_or_else(|| std::env::temp_dir().join(format!("calog-{}", getuid())), |path| path.join("calog"))
}

fn socket_of(folder: &Path, pid: u32) -> PathBuf {
    folder.join(format!("{pid}.sock"))
}

/// A socket that is listened on. Its file goes with it.
pub(super) struct Control(PathBuf);

impl Control {
    /// Listens until the process ends. Each request is answered on a thread for all of them, in turn.
    ///
    /// # Errors
    /// The system's, and when the folder is not this user's alone.
    pub(super) fn open(reload: Arc<dyn Fn() -> Answer + Send + Sync>) -> io::Result<Control> {
        let folder = folder();
        make_private(&folder)?;
        let path = socket_of(&folder, std::process::id());
        // One of this number that is left is of a process that ended without a chance to remove it.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        let control = Control(path);
        fs::set_permissions(&control.0, fs::Permissions::from_mode(SOCKET_MODE))?;
        let serve = move || {
            for client in listener.incoming().flatten() {
                // A client that left, or says nothing that is understood, gets nothing.
                let _ = answer(client, &*reload);
            }
        };
        std::thread::Builder::new().name("calog control".into()).spawn(serve)?;
        Ok(control)
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // One that is gone already is as good.
        let _ = fs::remove_file(&self.0);
    }
}

/// Makes the folder if it is not there. Another's, or one that others may write to, is refused.
fn make_private(folder: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(FOLDER_MODE).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(folder)?;
    let private = found.is_dir() && found.uid() == getuid().as_raw() && found.mode() & 0o077 == 0;
    let refused = || io::Error::other(format!("{} is not a folder for this user alone", folder.display()));
    private.then_some(()).ok_or_else(refused)
}

fn answer(mut client: UnixStream, reload: &dyn Fn() -> Answer) -> io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    client.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new((&client).take(MAX_LINE_BYTES)).read_line(&mut line)?;
    let answer = match line.trim_end() {
        RELOAD => reload(),
        other => Answer { verdict: Verdict::Refused, lines: vec![format!("'{other}' is not understood")] },
    };
    let mut text = format!("{}\n", answer.verdict.word());
    answer.lines.iter().for_each(|line| text.push_str(&format!("{line}\n")));
    client.write_all(text.as_bytes())
}

/// The programs of this user that listen, by their process ids.
pub(super) fn programs() -> Vec<u32> {
    let entries = fs::read_dir(folder()).into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".sock")?.parse().ok());
    let mut pids: Vec<u32> = pids.filter(|pid| connect(*pid).is_ok()).collect();
    pids.sort_unstable();
    pids
}

fn connect(pid: u32) -> io::Result<UnixStream> {
    UnixStream::connect(socket_of(&folder(), pid))
}

/// Asks a program to reload, and waits for its answer, however long it takes.
///
/// # Errors
/// The system's, and when it ends before it has answered.
pub(super) fn ask(pid: u32) -> io::Result<Answer> {
    let mut program = connect(pid)?;
    program.write_all(format!("{RELOAD}\n").as_bytes())?;
    let mut text = String::new();
    program.read_to_string(&mut text)?;
    let mut lines = text.lines().map(str::to_owned);
    let word = lines.next().ok_or_else(|| io::Error::other("it ended before it had answered"))?;
    let verdict = Verdict::WORDS.iter().find(|(known, _)| *known == word).map(|(_, verdict)| *verdict);
    let verdict = verdict.ok_or_else(|| io::Error::other(format!("its answer '{word}' is not understood")))?;
    Ok(Answer { verdict, lines: lines.collect() })
}
