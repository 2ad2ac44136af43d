//! Cancel tokens: a flag with hooks on two levels, each raised once, together with its children.

use std::sync::{Arc, OnceLock};

use calog_plugin_api::CancelToken;
use calog_plugin_api::host_side::{Callback, CancelType};

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU8, Ordering};

/// How far a token is raised.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Level {
    /// Asked to end.
    Cancelled = 1,
    /// Ended.
    Aborted = 2,
}

#[derive(Default)]
struct Token {
    /// A [`Level`], or 0.
    raised: AtomicU8,
    hooks: Mutex<Hooks>,
    /// The token it is raised with, and the hooks there.
    parent: OnceLock<(CancelToken, [u64; 2])>,
}

#[derive(Default)]
struct Hooks {
    next: u64,
    /// Each with the level that it waits for.
    waiting: Vec<(u64, Level, Callback)>,
}

/// A new token, raised with its parent.
pub(crate) fn cancel_token(parent: Option<&CancelToken>) -> CancelToken {
    let token = Arc::new(Token::default());
    if let Some(parent) = parent {
        // The parent does not keep its children, nor what hangs on them.
        let raise = |level| {
            let child = Arc::downgrade(&token);
            move || child.upgrade().into_iter().for_each(|child| child.raise(level))
        };
        let cancelled = parent.on_cancel(raise(Level::Cancelled));
        let aborted = parent.on_abort(raise(Level::Aborted));
        // Set once, here.
        let _ = token.parent.set((parent.clone(), [cancelled, aborted]));
    }
    CancelToken::new(token)
}

impl Drop for Token {
    fn drop(&mut self) {
        if let Some((parent, hooks)) = self.parent.get() {
            hooks.iter().for_each(|hook| parent.forget(*hook));
        }
    }
}

impl Token {
    fn is_raised(&self, level: Level) -> bool {
        // ORDERING: acquire, so that who sees the request sees what led to it.
        self.raised.load(Ordering::Acquire) >= level as u8
    }

    /// Raises it to a level, and runs the hooks of all levels up to it.
    fn raise(&self, level: Level) {
        let mut due: Vec<_> = {
            let mut hooks = self.hooks.lock();
            self.raised.fetch_max(level as u8, Ordering::AcqRel);
            hooks.waiting.extract_if(.., |(_, waits_for, _)| *waits_for <= level).collect()
        };
        due.sort_by_key(|(_, waits_for, _)| *waits_for);
        due.into_iter().for_each(|(_, _, hook)| hook.ring());
    }

    /// Runs the hook when it is raised to a level.
    fn on(&self, level: Level, hook: Callback) -> u64 {
        let mut hooks = self.hooks.lock();
        // Under the lock: `raise` raises the flag and takes the hooks in one go.
        if self.raised.load(Ordering::Relaxed) >= level as u8 {
            drop(hooks);
            hook.ring();
            return 0;
        }
        hooks.next += 1;
        let number = hooks.next;
        hooks.waiting.push((number, level, hook));
        number
    }
}

impl CancelType for Token {
    fn is_cancelled(&self) -> bool {
        self.is_raised(Level::Cancelled)
    }

    fn cancel(&self) {
        self.raise(Level::Cancelled);
    }

    fn on_cancel(&self, hook: Callback) -> u64 {
        self.on(Level::Cancelled, hook)
    }

    fn forget(&self, hook: u64) {
        // The hook is dropped after the lock: it is foreign code.
        let _dropped = {
            let mut hooks = self.hooks.lock();
            let at = hooks.waiting.iter().position(|(number, _, _)| *number == hook);
            at.map(|at| hooks.waiting.swap_remove(at))
        };
    }

    fn is_aborted(&self) -> bool {
        self.is_raised(Level::Aborted)
    }

    fn abort(&self) {
        self.raise(Level::Aborted);
    }

    fn on_abort(&self, hook: Callback) -> u64 {
        self.on(Level::Aborted, hook)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_are_raised_with_their_parent_and_leave_nothing_behind_when_they_are_dropped() {
        let data = Arc::new(Token::default());
        let parent = CancelToken::new(Arc::clone(&data));
        let (kept, dropped) = (cancel_token(Some(&parent)), cancel_token(Some(&parent)));
        assert_eq!(data.hooks.lock().waiting.len(), 4);
        drop(dropped);
        assert_eq!(data.hooks.lock().waiting.len(), 2);
        parent.cancel();
        assert!(kept.is_cancelled() && !kept.is_aborted());
        assert!(cancel_token(Some(&parent)).is_cancelled(), "a child of a raised token is raised");
        parent.abort();
        assert!(kept.is_aborted());
        assert!(cancel_token(Some(&parent)).is_aborted(), "and as far as its parent");
        assert_eq!(data.hooks.lock().waiting.len(), 0);
    }

    #[test]
    fn aborting_cancels_first() {
        let token = cancel_token(None);
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = |word: &'static str| {
            let told = Arc::clone(&told);
            move || told.lock().push(word)
        };
        token.on_abort(tell("aborted"));
        token.on_cancel(tell("cancelled"));
        token.abort();
        token.abort();
        assert_eq!(*told.lock(), ["cancelled", "aborted"]);
    }
}
