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
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use calog_plugin_api::{Access, Code, Error, Result};

pub use limit::{Bytes, Caps};
pub(crate) use limit::{Count, Limit, Unit};
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
    limit: Limit,
}

impl Taken {
    /// One of these.
    ///
    /// # Errors
    /// `limit` when there may be no more.
    pub(crate) fn one(rights: &Arc<Rights>, limit: Limit) -> Result<Taken> {
        rights.take(limit, 1)?;
        Ok(Taken { rights: Arc::clone(rights), limit })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.rights.give_back(self.limit, 1);
    }
}

/// What one context may, and what it has used.
#[derive(Debug)]
pub(crate) struct Rights {
    /// The context's name, for messages.
    context: String,
    permissions: Permissions,
    caps: Caps,
    used: [AtomicU64; Limit::COUNT],
    /// For how many nanoseconds its code has run.
    ran_ns: AtomicU64,
    on_limit: OnLimit,
    /// Memory is limited by its own terms, not by a preset alone.
    demands_memory: bool,
    opener: Option<Arc<Rights>>,
}

impl Rights {
    /// The rights of a context that is opened on these terms; none when it is trusted.
    pub(crate) fn new(context: &str, terms: &Terms, opener: Option<&Arc<Rights>>) -> Option<Arc<Rights>> {
        if terms.are_trusting() {
            // The opener's are its own: a name in a message matters less than that both are one.
            return opener.cloned();
        }
        // ORDERING: relaxed, as the context that makes a difference is opened, and told of, only after this.
        IN_USE.store(true, Ordering::Relaxed);
        let inherited = opener.map_or(OnLimit::Error, |opener| opener.on_limit);
        Some(Arc::new(Rights {
            context: context.to_owned(),
            permissions: Permissions::new(terms),
            caps: terms.caps(),
            used: Default::default(),
            ran_ns: AtomicU64::new(0),
            on_limit: terms.on_limit.unwrap_or(inherited),
            demands_memory: terms.demand(Limit::Memory),
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
        let message = format!("context '{}' may not {what}: its [[context]] would need `{line}`", self.context);
        Error::new(Code::Permission, message)
    }

    /// How much there may be of something: the least that any of these says.
    pub(crate) fn most(&self, limit: Limit) -> Option<u64> {
        self.line().filter_map(|rights| rights.caps.get(limit)).min()
    }

    /// Whether an engine that cannot limit memory will not do. A preset limits it where that can be had.
    pub(crate) fn demands_memory(&self) -> bool {
        self.line().any(|rights| rights.demands_memory)
    }

    /// Counts what is used now, until it is given back.
    ///
    /// # Errors
    /// `limit` when there is not so much left; then nothing is counted.
    pub(crate) fn take(&self, limit: Limit, amount: u64) -> Result<()> {
        for (at, rights) in self.line().enumerate() {
            if let Err(error) = rights.take_own(limit, amount) {
                // Those before have counted it.
                self.line().take(at).for_each(|rights| rights.give_own(limit, amount));
                return Err(error);
            }
        }
        Ok(())
    }

    /// Counts what is used no more.
    pub(crate) fn give_back(&self, limit: Limit, amount: u64) {
        self.line().for_each(|rights| rights.give_own(limit, amount));
    }

    fn take_own(&self, limit: Limit, amount: u64) -> Result<()> {
        let Some(most) = self.caps.get(limit) else { return Ok(()) };
        // ORDERING: relaxed, as nothing else is read by what the count says.
        let more = |used: u64| used.checked_add(amount).filter(|used| *used <= most);
        let taken = self.used[limit as usize].fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.map(drop).map_err(|_| self.reached(limit, most))
    }

    fn give_own(&self, limit: Limit, amount: u64) {
        if self.caps.get(limit).is_some() {
            // ORDERING: as in `take_own`.
            self.used[limit as usize].fetch_sub(amount, Ordering::Relaxed);
        }
    }

    /// How long its code may still run, all in all, and for how many milliseconds it may; none for ever.
    fn time_left(&self) -> Option<(Duration, u64)> {
        let left = |rights: &Rights| {
            let most = rights.caps.get(Limit::Cpu)?;
            // ORDERING: as in `take_own`.
            let ran = Duration::from_nanos(rights.ran_ns.load(Ordering::Relaxed));
            Some((Duration::from_millis(most).saturating_sub(ran), most))
        };
        self.line().filter_map(left).min()
    }

    /// Its code has run for some time.
    fn add_time(&self, ran: Duration) {
        let ran = u64::try_from(ran.as_nanos()).unwrap_or(u64::MAX);
        // ORDERING: as in `take_own`.
        self.line().for_each(|rights| _ = rights.ran_ns.fetch_add(ran, Ordering::Relaxed));
    }

    /// The error of a limit that is reached.
    #[cold]
    pub(crate) fn reached(&self, limit: Limit, most: u64) -> Error {
        let (context, what, key) = (&self.context, limit.shown(most), limit.key());
        let message = format!("context '{context}' may have {what} at most: `limits.{key}` in its [[context]] says so");
        Error::new(Code::Limit, message)
    }

    /// Whether the context ends when it reaches a limit.
    pub(crate) fn closes_at_limit(&self) -> bool {
        self.on_limit == OnLimit::Close
    }
}

#[cfg(test)]
mod tests;
