//! The terms on which a context is opened, as its options say: a preset, and what differs from it.

use std::path::{Path, PathBuf};

use calog_plugin_api::{Code, Error, Result, Section, View};

use super::limit::{Bytes, Caps, Limit, Unit, What};
use super::pattern::Pattern;

/// The keys of a context's options that are read here.
pub(crate) const KEYS: [&str; 10] =
    ["preset", "allow", "deny", "read", "write", "load_native", "processes", "environment", "on_limit", "limits"];

/// What holds where the options say nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Preset {
    /// Everything is allowed, nothing limited.
    #[default]
    Trusted,
    /// All natives, and what calog itself has; no files, native modules, processes, environment. Limited.
    Limited,
    /// Nothing is allowed. Limited.
    Untrusted,
}

impl Preset {
    pub(crate) const WANTED: &'static str = r#""trusted", "limited" or "untrusted""#;
    const ALL: [Preset; 3] = [Preset::Trusted, Preset::Limited, Preset::Untrusted];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Preset::Trusted => "trusted",
            Preset::Limited => "limited",
            Preset::Untrusted => "untrusted",
        }
    }

    /// The preset of this word.
    pub fn from_word(word: &str) -> Option<Preset> {
        Preset::ALL.into_iter().find(|it| it.word() == word)
    }

    fn caps(self) -> Caps {
        let mut caps = Caps::default();
        let most: &[(Limit, u64)] = match self {
            Preset::Trusted => &[],
            Preset::Limited => &[
                (Limit::Output, 64 << 20),
                (Limit::Contexts, 100),
                (Limit::Callables, 100_000),
                (Limit::TimePerCall, 10_000),
                (Limit::Tasks, 10_000),
                (Limit::Memory, 256 << 20),
                (Limit::QueueItems, 1_000_000),
                (Limit::Sockets, 1000),
            ],
            Preset::Untrusted => &[
                (Limit::Output, 1 << 20),
                (Limit::Contexts, 0),
                (Limit::Callables, 1000),
                (Limit::TimePerCall, 1000),
                (Limit::Cpu, 60_000),
                (Limit::Nesting, 10),
                (Limit::Tasks, 100),
                (Limit::Memory, 64 << 20),
                (Limit::QueueItems, 1000),
                (Limit::Sockets, 10),
            ],
        };
        most.iter().for_each(|(limit, most)| caps.set(*limit, *most));
        caps
    }
}

/// What becomes of a context that has reached a limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnLimit {
    /// It gets an error, and goes on.
    Error,
    /// It gets an error, and is closed.
    Close,
}

impl OnLimit {
    pub(crate) const WANTED: &'static str = r#""error" or "close""#;

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            OnLimit::Error => "error",
            OnLimit::Close => "close",
        }
    }

    /// The policy of this word.
    pub fn from_word(word: &str) -> Option<OnLimit> {
        [OnLimit::Error, OnLimit::Close].into_iter().find(|it| it.word() == word)
    }
}

/// What a context's options say of its rights.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Terms {
    preset: Option<Preset>,
    pub(super) allow: Option<Vec<Pattern>>,
    pub(super) deny: Option<Vec<Pattern>>,
    pub(super) read: Option<Vec<PathBuf>>,
    pub(super) write: Option<Vec<PathBuf>>,
    pub(super) load_native: Option<bool>,
    pub(super) processes: Option<bool>,
    pub(super) environment: Option<bool>,
    pub(super) on_limit: Option<OnLimit>,
    caps: Caps,
}

impl Terms {
    /// Reads them from a context's options; folders are relative to `folder`.
    ///
    /// # Errors
    /// `type` for a value that is not what it should be, `not_found` for a limit that there is not; with
    /// the key.
    pub(crate) fn read(options: View<'_>, folder: Option<&Path>) -> Result<Terms> {
        let section = Section::new(options)?;
        let folders = |key| -> Result<Option<Vec<PathBuf>>> {
            let under = |it: &str| folder.map_or_else(|| PathBuf::from(it), |folder| folder.join(it));
            Ok(section.texts(key)?.map(|all| all.into_iter().map(under).collect()))
        };
        Ok(Terms {
            preset: word(&section, "preset", Preset::WANTED, Preset::from_word)?,
            allow: patterns(&section, "allow")?,
            deny: patterns(&section, "deny")?,
            read: folders("read")?,
            write: folders("write")?,
            load_native: section.flag("load_native")?,
            processes: section.flag("processes")?,
            environment: section.flag("environment")?,
            on_limit: word(&section, "on_limit", OnLimit::WANTED, OnLimit::from_word)?,
            caps: section.value("limits").map_or(Ok(Caps::default()), caps)?,
        })
    }

    /// Whether they take nothing away.
    pub(super) fn are_trusting(&self) -> bool {
        let trusting = Terms {
            preset: self.preset,
            load_native: self.load_native.filter(|it| *it),
            processes: self.processes.filter(|it| *it),
            environment: self.environment.filter(|it| *it),
            on_limit: self.on_limit,
            ..Terms::default()
        };
        self.preset() == Preset::Trusted && *self == trusting
    }

    pub(super) fn preset(&self) -> Preset {
        self.preset.unwrap_or_default()
    }

    /// The limits that they name themselves.
    pub(super) fn own_caps(&self) -> &Caps {
        &self.caps
    }

    pub(super) fn caps(&self) -> Caps {
        self.caps.or(self.preset().caps())
    }
}

fn wrong(key: &str, found: View<'_>, wanted: &str) -> Error {
    Error::new(Code::Type, format!("'{key}' is {found:?}, wanted {wanted}")).at_key(key)
}

fn word<T>(section: &Section<'_>, key: &'static str, wanted: &str, of: fn(&str) -> Option<T>) -> Result<Option<T>> {
    let Some(value) = section.value(key) else { return Ok(None) };
    value.as_str().and_then(of).map(Some).ok_or_else(|| wrong(key, value, wanted))
}

fn patterns(section: &Section<'_>, key: &'static str) -> Result<Option<Vec<Pattern>>> {
    let Some(texts) = section.texts(key)? else { return Ok(None) };
    let pattern =
        |text| Pattern::new(text).ok_or_else(|| wrong(key, View::string(str::as_bytes(text)), Pattern::WANTED));
    texts.into_iter().map(pattern).collect::<Result<_>>().map(Some)
}

fn caps(table: View<'_>) -> Result<Caps> {
    let map = table.as_aggregate().filter(|map| map.list_len() == 0);
    let map = map.ok_or_else(|| wrong("limits", table, "a table"))?;
    let mut caps = Caps::default();
    for pair in map.pairs() {
        let key = pair.key.as_str().unwrap_or_default();
        match (Limit::ALL.iter().find(|limit| limit.key() == key), pair.value.as_aggregate()) {
            (Some(limit), _) => caps.set(*limit, limited(key, limit.unit(), pair.value)?),
            // What a bundle has of its own: `db.connections`.
            (None, Some(bundle)) if bundle.list_len() == 0 => {
                for own in bundle.pairs() {
                    let key = format!("{key}.{}", own.key.as_str().unwrap_or_default());
                    caps.set(What::OfBundle(key.as_str().into()), limited(&key, Unit::Count, own.value)?);
                }
            }
            (None, _) => {
                let known = Limit::KEYS.join(", ");
                let message = format!("unknown key 'limits.{key}'; known here: {known}");
                return Err(Error::new(Code::NotFound, message).at_key(format!("limits.{key}")));
            }
        }
    }
    Ok(caps)
}

/// How much there may be.
fn limited(key: &str, unit: Unit, value: View<'_>) -> Result<u64> {
    amount(unit, value).ok_or_else(|| wrong(&format!("limits.{key}"), value, unit.wanted()))
}

fn amount(unit: Unit, value: View<'_>) -> Option<u64> {
    match value.as_int() {
        Some(number) => u64::try_from(number).ok(),
        None if unit == Unit::Bytes => Bytes::parse(value.as_str()?).map(|bytes| bytes.0),
        None => None,
    }
}
