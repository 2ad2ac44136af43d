//! What a context may: the natives, files and powers it has, and how much it may use of what.
//!
//! Rights are made when a context is opened, from its options, and never change. Invariant: a context
//! has no more than whoever opened it. So rights hold on to those of the opener: what is asked for is
//! asked of both, and what is used is counted at both.
//!
//! A context without rights of its own is trusted: nothing is asked of it, nothing counted.

mod folders;
mod limit;
mod pattern;
mod permissions;
mod terms;
mod time;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use calog_plugin_api::{Access, Code, Error, Result};

use crate::sync::atomic::AtomicU64;
pub use limit::{Bytes, Caps};
pub(crate) use limit::{Count, Limit, Unit, What};
pub use pattern::Pattern;
use permissions::Permissions;
pub(crate) use terms::{KEYS, Terms};
pub use terms::{OnLimit, Preset};
pub(crate) use time::{Paused, Time, Watch};

/// Whether any context of this process has rights of its own.
static IN_USE: AtomicBool = AtomicBool::new(false);

/// Whether it is worth asking what a context may.
#[inline]
pub(crate) fn are_in_use() -> bool {
    // ORDERING: see `Rights::new`.
    IN_USE.load(Ordering::Relaxed)
}

/// Something that is counted as used, until it is dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    rights: Arc<Rights>,
    what: What,
    amount: u64,
}

impl Taken {
    /// So much.
    ///
    /// # Errors
    /// `limit` when there may be no more.
    pub(crate) fn some(rights: &Arc<Rights>, what: What, amount: u64) -> Result<Taken> {
        rights.take(&what, amount)?;
        Ok(Taken { rights: Arc::clone(rights), what, amount })
    }

    /// One of these.
    ///
    /// # Errors
    /// As `some`.
    pub(crate) fn one(rights: &Arc<Rights>, limit: Limit) -> Result<Taken> {
        Taken::some(rights, limit.into(), 1)
    }

    /// It is never given back.
    pub(crate) fn keep(mut self) {
        self.amount = 0;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.rights.give_back(&self.what, self.amount);
    }
}

/// What one context may, and what it has used.
#[derive(Debug)]
pub(crate) struct Rights {
    /// The context's name and where its options stand, for messages.
    context: String,
    place: Option<String>,
    permissions: Permissions,
    preset: Preset,
    /// What its options name themselves.
    own_caps: Caps,
    caps: Caps,
    used: [AtomicU64; Limit::COUNT],
    /// In the order of the caps.
    used_of_bundles: Box<[AtomicU64]>,
    /// For how many nanoseconds its code has run.
    ran_ns: AtomicU64,
    on_limit: OnLimit,
    opener: Option<Arc<Rights>>,
}

impl Rights {
    /// The rights of a context that is opened on these terms, which stand at this place; none when it is
    /// trusted.
    pub(crate) fn new(
        context: &str,
        place: Option<&str>,
        terms: &Terms,
        opener: Option<&Arc<Rights>>,
    ) -> Option<Arc<Rights>> {
        if terms.are_trusting() {
            // The opener's are its own: a name in a message matters less than that both are one.
            return opener.cloned();
        }
        // ORDERING: relaxed, as the context that makes a difference is opened, and told of, only after this.
        IN_USE.store(true, Ordering::Relaxed);
        let inherited = opener.map_or(OnLimit::Error, |opener| opener.on_limit);
        let caps = terms.caps();
        Some(Arc::new(Rights {
            context: context.to_owned(),
            place: place.map(str::to_owned),
            permissions: Permissions::new(terms),
            preset: terms.preset(),
            own_caps: terms.own_caps().clone(),
            used: Default::default(),
            used_of_bundles: caps.of_bundles().iter().map(|_| AtomicU64::default()).collect(),
            caps,
            ran_ns: AtomicU64::new(0),
            on_limit: terms.on_limit.unwrap_or(inherited),
            opener: opener.cloned(),
        }))
    }

    /// These, and those they were opened under.
    fn line(&self) -> impl Iterator<Item = &Rights> {
        std::iter::successors(Some(self), |rights| rights.opener.as_deref())
    }

    /// Whether the native of this name may be used.
    ///
    /// # Errors
    /// `permission`, with the line of configuration that would allow it.
    pub(crate) fn check_native(&self, name: &str) -> Result<()> {
        self.line().try_for_each(|rights| {
            rights.permissions.check_native(name).map_err(|line| rights.refusal(&format!("use {name}"), &line))
        })
    }

    /// Whether the interpreter's own library may do this; with the path to use in the place of the given
    /// one, if it is about a file: no link leads out of it any more.
    ///
    /// # Errors
    /// As `check_native`.
    pub(crate) fn permit(&self, access: Access, path: &[u8]) -> Result<Option<PathBuf>> {
        let mut found = None;
        for rights in self.line() {
            let checked = rights.permissions.permit(access, path);
            found = checked.map_err(|refused| rights.refusal(&refused.what, &refused.line))?.or(found);
        }
        Ok(found)
    }

    #[cold]
    fn refusal(&self, what: &str, line: &str) -> Error {
        let (context, own) = (&self.context, self.options());
        let message = format!("context '{context}' may not {what}: {own} would need `{line}`");
        Error::new(Code::Permission, message)
    }

    /// Its options, in words.
    fn options(&self) -> String {
        self.place.as_ref().map_or_else(|| "its [[context]]".into(), |place| format!("its [[context]] ({place})"))
    }

    /// How much there may be of something: the least that any of these says.
    pub(crate) fn most(&self, limit: Limit) -> Option<u64> {
        self.strictest(limit).map(|(_, most)| most)
    }

    fn strictest(&self, limit: Limit) -> Option<(&Rights, u64)> {
        let all = self.line().filter_map(|rights| Some((rights, rights.caps.get(limit)?)));
        all.min_by_key(|(_, most)| *most)
    }

    /// Whether an engine that cannot limit memory will not do. A preset limits it where that can be had.
    pub(crate) fn demands_memory(&self) -> bool {
        self.line().any(|rights| rights.own_caps.get(Limit::Memory).is_some())
    }

    /// Counts what is used now, until it is given back.
    ///
    /// # Errors
    /// `limit` when there is not so much left; then nothing is counted.
    pub(crate) fn take(&self, what: &What, amount: u64) -> Result<()> {
        for (at, rights) in self.line().enumerate() {
            if let Err(error) = rights.take_own(what, amount) {
                // Those before have counted it.
                self.line().take(at).for_each(|rights| rights.give_own(what, amount));
                return Err(error);
            }
        }
        Ok(())
    }

    /// Counts what is used no more.
    pub(crate) fn give_back(&self, what: &What, amount: u64) {
        self.line().for_each(|rights| rights.give_own(what, amount));
    }

    /// How much is used of something that is limited, and how much may be.
    fn account(&self, what: &What) -> Option<(&AtomicU64, u64)> {
        match what {
            What::Known(limit) => Some((&self.used[*limit as usize], self.caps.get(*limit)?)),
            What::OfBundle(key) => {
                let of_bundles = self.caps.of_bundles().iter().zip(&self.used_of_bundles);
                of_bundles.filter(|((known, _), _)| known == key).map(|((_, most), used)| (used, *most)).next()
            }
        }
    }

    fn take_own(&self, what: &What, amount: u64) -> Result<()> {
        let Some((used, most)) = self.account(what) else { return Ok(()) };
        // ORDERING: relaxed, as nothing else is read by what the count says.
        let more = |used: u64| used.checked_add(amount).filter(|used| *used <= most);
        let taken = used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.map(drop).map_err(|_| self.own_reached(what, most))
    }

    fn give_own(&self, what: &What, amount: u64) {
        if let Some((used, _)) = self.account(what) {
            // ORDERING: as in `take_own`.
            used.fetch_sub(amount, Ordering::Relaxed);
        }
    }

    /// How long its code may still run, all in all; none for ever.
    fn time_left(&self) -> Option<Duration> {
        let left = |rights: &Rights| {
            let most = rights.caps.get(Limit::Cpu)?;
            // ORDERING: as in `take_own`.
            let ran = Duration::from_nanos(rights.ran_ns.load(Ordering::Relaxed));
            Some(Duration::from_millis(most).saturating_sub(ran))
        };
        self.line().filter_map(left).min()
    }

    /// Its code has run for some time.
    fn add_time(&self, ran: Duration) {
        let ran = u64::try_from(ran.as_nanos()).unwrap_or(u64::MAX);
        // ORDERING: as in `take_own`.
        self.line().for_each(|rights| _ = rights.ran_ns.fetch_add(ran, Ordering::Relaxed));
    }

    /// The error of a limit that is reached, in the name of whoever is limited most.
    #[cold]
    pub(crate) fn reached(&self, limit: Limit) -> Error {
        let (rights, most) = self.strictest(limit).unwrap_or((self, u64::MAX));
        rights.own_reached(&limit.into(), most)
    }

    #[cold]
    fn own_reached(&self, what: &What, most: u64) -> Error {
        let (context, own) = (&self.context, self.options());
        let (most, key) = (what.shown(most), what.key());
        let why = if self.own_caps.name(what) {
            format!("`limits.{key}` in {own} says so")
        } else {
            format!("`preset = \"{}\"` in {own} says so, as there is no `limits.{key}`", self.preset.word())
        };
        Error::new(Code::Limit, format!("context '{context}' may have {most} at most: {why}"))
    }

    /// Whether the context ends when it reaches a limit.
    pub(crate) fn closes_at_limit(&self) -> bool {
        self.on_limit == OnLimit::Close
    }
}

#[cfg(test)]
mod tests;
