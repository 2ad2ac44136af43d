//! Cancel tokens: a flag with hooks, raised once, together with its children.

use std::sync::Arc;

use calog_plugin_api::CancelToken;
use calog_plugin_api::host_side::{Callback, CancelType};

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};

#[derive(Default)]
struct Token {
    raised: AtomicBool,
    hooks: Mutex<Hooks>,
}

#[derive(Default)]
struct Hooks {
    next: u64,
    waiting: Vec<(u64, Callback)>,
}

/// A new token, raised with its parent.
pub(crate) fn cancel_token(parent: Option<&CancelToken>) -> CancelToken {
    let token = CancelToken::new(Arc::new(Token::default()));
    if let Some(parent) = parent {
        let child = token.clone();
        parent.on_cancel(move || child.cancel());
    }
    token
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
