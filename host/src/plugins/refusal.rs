//! Why a file is not used as a plugin: each reason says what was found, what was wanted and what to
//! do. The file itself is named by whoever shows the reason.

use std::path::{Path, PathBuf};

use calog_plugin_api::AbiVersion;
use calog_plugin_api::header::{API_VERSION, SECTION, TARGET};
use semver::Version;

use super::header::PluginName;
use super::lock::{LockError, Locked};

/// Why a file is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It is a folder, a socket, a pipe or a device.
    #[error("it is {found}, not a regular file: take it out of the folder")]
    NotAFile {
        /// What it is, with its article.
        found: &'static str,
    },
    /// The operating system does not let us read it.
    #[error("it cannot be read: {reason}")]
    Unreadable {
        /// The system's reason.
        reason: String,
    },
    /// Others could change the code that would run here.
    #[error("{what} is writable by {whom} (mode {mode:04o}): run `chmod {remedy}` on it{}", or_share())]
    Writable {
        /// "it", or its folder.
        what: String,
        /// Who they are.
        whom: String,
        /// The permission bits.
        mode: u32,
        /// What takes the permission away.
        remedy: &'static str,
    },
    /// Somebody else could change the code that would run here.
    #[error("{what} belongs to {owner}, neither to you nor to root: make it your own with `chown`{}", or_share())]
    Foreign {
        /// "it", or its folder.
        what: String,
        /// Whose it is.
        owner: String,
    },
    /// A lock file does not have it as it is.
    #[error("{}", not_locked(plugin, sha256, lock, wanted))]
    NotLocked {
        /// What its header says it is.
        plugin: PluginName,
        /// The SHA-256 of its bytes.
        sha256: String,
        /// The lock file.
        lock: PathBuf,
        /// The plugins of this name that the lock file has.
        wanted: Vec<Locked>,
    },
    /// There is a lock file, but it does not say what is locked.
    #[error("its folder is locked, but {0}")]
    Lock(LockError),
    /// It is no ELF file.
    #[error("it is no shared library: {found}")]
    NotElf {
        /// What it begins with.
        found: String,
    },
    /// It was built for another machine.
    #[error("it was built for {found}, this is {wanted}: build it for {TARGET}")]
    OtherMachine {
        /// Class, byte order and machine of the file.
        found: String,
        /// And of this program.
        wanted: String,
    },
    /// It is an ELF file of another type.
    #[error("it is {found}, not a shared library: give its crate `crate-type = [\"cdylib\"]`")]
    NotSharedObject {
        /// The file's type, with its article.
        found: String,
    },
    /// Its own tables contradict its size: it was cut short or overwritten. To open it would end the process.
    #[error("it is damaged: {what}; copy or build it again")]
    Damaged {
        /// What does not fit.
        what: String,
    },
    /// A shared library without our header.
    #[error("it is not a calog plugin: it has no section `{SECTION}`, which `export_plugin!` makes")]
    NoHeader,
    /// The header contradicts itself.
    #[error("its plugin header is invalid: {what}; build it again with calog-plugin-api {}", API_VERSION)]
    BadHeader {
        /// What is wrong in it.
        what: String,
    },
    /// Built for another version of the ABI.
    #[error(
        "it was built for ABI {found}, this host speaks ABI {wanted}{}: build it with calog-plugin-api {}",
        exactly(wanted),
        API_VERSION
    )]
    Abi {
        /// The plugin's.
        found: AbiVersion,
        /// The host's.
        wanted: AbiVersion,
    },
    /// Its values have another form in memory.
    #[error(
        "its values have format {found}, this host's have format {wanted}: build it with calog-plugin-api {}",
        API_VERSION
    )]
    ValueFormat {
        /// The plugin's.
        found: u32,
        /// The host's.
        wanted: u32,
    },
    /// Built with an incompatible calog-plugin-api.
    #[error("it was built with calog-plugin-api {found}, this host takes {wanted}: build it with {}", API_VERSION)]
    ApiIncompatible {
        /// The plugin's version.
        found: Version,
        /// What the host takes.
        wanted: semver::VersionReq,
    },
    /// Built with a calog-plugin-api that knows more than this host.
    #[error(
        "it needs a host with calog-plugin-api ^{found}, this one has {wanted}: update calog, or build it with {wanted}"
    )]
    ApiNewer {
        /// The plugin's version.
        found: Version,
        /// The host's.
        wanted: Version,
    },
    /// Built for another target triple.
    #[error("it was built for target {found}, this host for {wanted}: build it with `--target {wanted}`")]
    Target {
        /// The plugin's.
        found: String,
        /// The host's.
        wanted: &'static str,
    },
    /// A panic in it would end the whole program.
    #[error("it was built with `panic = \"abort\"`: a panic would end the program; build it with `panic = \"unwind\"`")]
    PanicAborts,
    /// It is not the file that was seen at the start.
    #[error("its header changed after the folder was searched: start again")]
    Changed,
    /// The dynamic linker refused it.
    #[error("it cannot be opened: {reason}")]
    Open {
        /// The linker's reason.
        reason: String,
    },
    /// It has no root module, or the module or `Value` is laid out differently.
    #[error("its root module is refused: {}; build it with this host's calog-plugin-api", last_words(report))]
    Root {
        /// The whole report, hundreds of lines.
        report: String,
    },
}

impl Refusal {
    /// The whole report behind the reason, where there is more than the reason says.
    pub fn report(&self) -> Option<&str> {
        match self {
            Refusal::Root { report } => Some(report),
            _ => None,
        }
    }
}

fn or_share() -> &'static str {
    ", or allow such plugins with `shared_plugins = true` in calog.toml or with --shared-plugins"
}

fn not_locked(plugin: &PluginName, sha256: &str, lock: &Path, wanted: &[Locked]) -> String {
    let lock = lock.display();
    let wanted: Vec<String> =
        wanted.iter().map(|it| format!("{} {} with SHA-256 {}", it.name, it.version, it.sha256)).collect();
    let difference = match wanted.as_slice() {
        [] => format!("which {lock} does not have"),
        wanted => format!("{lock} wants {}", wanted.join(" or ")),
    };
    format!("it is {plugin} with SHA-256 {sha256}, {difference}: if you trust it, lock it with `calog plugins lock`")
}

/// While the major version is 0, nothing but the same version is compatible.
fn exactly(wanted: &AbiVersion) -> &'static str {
    if wanted.major == 0 { " and no other" } else { "" }
}

/// Lines of a report that are shown unless somebody asks for all.
const SHOWN_LINES: usize = 6;

/// What a report says in the end, as one line: its last "Error:" and what follows, or its last lines.
fn last_words(report: &str) -> String {
    let lines: Vec<&str> = report.lines().map(str::trim).filter(|line| line.contains(char::is_alphanumeric)).collect();
    let from =
        lines.iter().rposition(|line| line.starts_with("Error:")).unwrap_or(lines.len().saturating_sub(SHOWN_LINES));
    let shown: Vec<&str> = lines[from..].iter().copied().take(SHOWN_LINES).collect();
    shown.join(" ").replacen("Error:", "Error: ", 1).split_whitespace().collect::<Vec<_>>().join(" ")
}
