//! Providers: whatever runs beside the scripts, with one lifecycle for all of it.
//!
//! A bundle of natives, an engine, a service of the embedding program: each is registered, validated,
//! booted, run, reloaded and shut down by one [`Registry`]. A runtime has one
//! ([`Runtime::providers`](crate::Runtime::providers)); a program may have further ones of its own:
//!
//! ```
//! use std::sync::Arc;
//! use calog::providers::{Provider, Registry, Result};
//!
//! struct Clock;
//! impl Provider for Clock {
//!     fn name(&self) -> &str { "clock" }
//!     fn boot(&self, _state: &()) -> Result<()> { Ok(()) }
//! }
//!
//! let registry = Registry::new(());
//! registry.insert(Arc::new(Clock))?;
//! registry.validate_all()?;
//! registry.boot_all()?;
//! assert!(registry.resolve::<Clock>().is_some());
//! assert!(registry.shutdown_all().is_clean());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Invariants: all are valid before the first boots; what did not boot is not shut down, and what did is,
//! once; of one provider no two of validate, boot, reload and shutdown run at the same time; no lock but
//! that one is held while a provider's code runs.
//!
//! | module | holds |
//! | --- | --- |
//! | `order` | who comes before whom |
//! | `registry` | who is there; validating and booting |
//! | `running` | what runs, each on a thread of its own, and what becomes of it when it ends |
//! | `restart` | how often something is started again |
//! | `reloading` | taking a changed state over |
//! | `ending`, `line` | the end, each within its limit |
//! | `job` | a thread that is waited for within a limit |
//! | `error` | what fails, and in which step |

mod ending;
mod error;
mod job;
mod line;
mod order;
mod registry;
mod reloading;
mod restart;
mod running;

use std::time::Duration;

use calog_plugin_api::CancelToken;
pub use calog_plugin_api::{Restart, RestartWhen, priority};

pub use ending::{Exceeded, Shutdown};
pub use error::{BoxError, Error, Failures};
pub use registry::Registry;
pub(crate) use reloading::guarded_state;
pub use reloading::{ReloadState, Reloaded};
pub(crate) use restart::{Intensity, Verdict};
pub use running::Notice;

/// What a provider's own code gives: any error will do. One of [`Error`]'s is passed on unchanged, every
/// other is wrapped into the one that names the provider and the step.
pub type Result<T, E = BoxError> = std::result::Result<T, E>;

/// How long a provider's shutdown may take, and the end of what it runs, unless it says otherwise.
pub const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);

/// Something with a lifecycle. `S` is what all providers of a registry share.
///
/// 1. It is made and registered: it may look at nothing else, as others may not be there yet.
/// 2. `validate`: looks at its configuration, and changes nothing. All are asked before the first boots,
///    and again before a changed configuration is taken over.
/// 3. `boot`: makes it usable. What it depends on has booted, if it says so by `after`.
/// 4. `run`, of one that is [`Runnable`]: the only place for work that goes on.
/// 5. `reload`, of one that is [`Reloadable`]: takes a changed state over, so that readers see the old
///    one or the new one, and nothing in between.
/// 6. `shutdown`: lets go of what must not outlive the program. Best effort.
pub trait Provider<S = ()>: Send + Sync + 'static {
    /// Its name, which no other of the registry has.
    fn name(&self) -> &str;

    /// When it boots: lower comes first, and shuts down last.
    fn boot_priority(&self) -> u8 {
        priority::NORMAL
    }

    /// When it shuts down: higher comes first. By default the reverse of booting.
    fn shutdown_priority(&self) -> u8 {
        self.boot_priority()
    }

    /// Whom it comes after in every step, by name; in shutting down, before. Names that nobody has do not
    /// matter.
    fn after(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whom it comes before.
    fn before(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether it runs. One that does not is booted and can be resolved all the same.
    fn is_enabled(&self, state: &S) -> bool {
        let _ = state;
        true
    }

    /// Looks at its configuration.
    ///
    /// # Errors
    /// What is wrong with it. The others are asked all the same.
    fn validate(&self, state: &S) -> Result<()> {
        let _ = state;
        Ok(())
    }

    /// Makes it usable.
    ///
    /// # Errors
    /// Then nothing boots after it, and what has booted is shut down.
    fn boot(&self, state: &S) -> Result<()> {
        let _ = state;
        Ok(())
    }

    /// Lets go of what must not outlive the program. Runs on another thread than that which booted it.
    ///
    /// # Errors
    /// They are logged, and the others are shut down.
    fn shutdown(&self, state: &S) -> Result<()> {
        let _ = state;
        Ok(())
    }

    /// Whether there is anything to shut down. Where nobody says so there is no need of a thread for it.
    fn has_shutdown(&self) -> bool {
        true
    }

    /// How long its shutdown may take, and the end of what it runs. After that it is left alone and named.
    fn shutdown_limit(&self) -> Duration {
        SHUTDOWN_LIMIT
    }

    /// What it runs, if it does.
    fn as_runnable(&self) -> Option<&dyn Runnable<S>> {
        None
    }

    /// How it is reloaded, if it can be.
    fn as_reloadable(&self) -> Option<&dyn Reloadable<S>> {
        None
    }
}

/// A provider that works on a thread of its own.
pub trait Runnable<S = ()>: Send + Sync {
    /// When it is started: lower comes first.
    fn priority(&self) -> u8 {
        priority::NORMAL
    }

    /// When it is started again.
    fn restart(&self) -> Restart {
        Restart::NEVER
    }

    /// Whether a failure is logged and the others go on, instead of being the program's end. (One failure
    /// may say so by itself: [`Error::recoverable`].)
    fn is_recoverable(&self) -> bool {
        false
    }

    /// Works until `stop` is raised, or there is nothing left to do.
    ///
    /// # Errors
    /// What [`restart`](Runnable::restart) and [`is_recoverable`](Runnable::is_recoverable) decide about.
    /// A panic counts as one.
    fn run(&self, state: &S, stop: &CancelToken) -> Result<()>;
}

/// A provider that takes a changed state over while it is in use.
pub trait Reloadable<S = ()>: Send + Sync {
    /// When it is reloaded: lower comes first.
    fn priority(&self) -> u8 {
        priority::NORMAL
    }

    /// Takes the state over.
    ///
    /// # Errors
    /// Then it goes on with what it had, and the others are reloaded.
    fn reload(&self, state: &S) -> Result<()>;
}
