//! Cancel tokens: a flag with hooks, raised once, together with its children.

use std::sync::{Arc, OnceLock};

use calog_plugin_api::CancelToken;
use calog_plugin_api::host_side::{Callback, CancelType};

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};

#[derive(Default)]
struct Token {
    raised: AtomicBool,
    hooks: Mutex<Hooks>,
    /// The token it is raised with, and the hook there.
    parent: OnceLock<(CancelToken, u64)>,
}

#[derive(Default)]
struct Hooks {
    next: u64,
    waiting: Vec<(u64, Callback)>,
}

/// A new token, raised with its parent.
pub(crate) fn cancel_token(parent: Option<&CancelToken>) -> CancelToken {
    let token = Arc::new(Token::default());
    if let Some(parent) = parent {
        // The parent does not keep its children, nor what hangs on them.
        let child = Arc::downgrade(&token);
        let hook = parent.on_cancel(move || {
            if let Some(child) = child.upgrade() {
                child.cancel();
            }
        });
        // Set once, here.
        let _ = token.parent.set((parent.clone(), hook));
    }
    CancelToken::new(token)
}

impl Drop for Token {
    fn drop(&mut self) {
        if let Some((parent, hook)) = self.parent.get() {
            parent.forget(*hook);
        }
    }
}

impl CancelType for Token {
    fn is_cancelled(&self) -> bool {
        // ORDERING: acquire, so that who sees the request sees what led to it.
        self.raised.load(Ordering::Acquire)
    }

    fn cancel(&self) {
        let waiting = {
            let mut hooks = self.hooks.lock();
            self.raised.store(true, Ordering::Release);
            std::mem::take(&mut hooks.waiting)
        };
        waiting.into_iter().for_each(|(_, hook)| hook.ring());
    }

    fn on_cancel(&self, hook: Callback) -> u64 {
        let mut hooks = self.hooks.lock();
        // Under the lock: `cancel` raises the flag and takes the hooks in one go.
        if self.raised.load(Ordering::Relaxed) {
            drop(hooks);
            hook.ring();
            return 0;
        }
        hooks.next += 1;
        let number = hooks.next;
        hooks.waiting.push((number, hook));
        number
    }

    fn forget(&self, hook: u64) {
        // The hook is dropped after the lock: it is foreign code.
        let _dropped = {
            let mut hooks = self.hooks.lock();
            let at = hooks.waiting.iter().position(|(number, _)| *number == hook);
            at.map(|at| hooks.waiting.swap_remove(at))
        };
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
        assert_eq!(data.hooks.lock().waiting.len(), 2);
        drop(dropped);
        assert_eq!(data.hooks.lock().waiting.len(), 1);
        parent.cancel();
        assert!(kept.is_cancelled());
        assert!(cancel_token(Some(&parent)).is_cancelled(), "a child of a raised token is raised");
    }
}
