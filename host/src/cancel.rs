//! Cancel tokens: a flag with hooks on two levels, each raised once, together with its children.

use std::sync::{Arc, Weak};

use calog_plugin_api::CancelToken;
use calog_plugin_api::host_side::{Callback, CancelType};
use smallvec::SmallVec;

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU8, AtomicU64, Ordering};

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
    /// The token it is raised with.
    parent: Option<Parent>,
}

/// The token that another is raised with, and the hook there: first for being cancelled, then for
/// being aborted.
struct Parent {
    token: CancelToken,
    hook: AtomicU64,
}

/// A new token, raised with its parent.
pub(crate) fn cancel_token(parent: Option<&CancelToken>) -> CancelToken {
    let hangs_on = parent.map(|token| Parent { token: token.clone(), hook: AtomicU64::new(0) });
    let token = Arc::new(Token { raised: AtomicU8::new(0), hooks: Mutex::default(), parent: hangs_on });
    if let Some(parent) = parent {
        // The parent does not keep its children, nor what hangs on them.
        let child = Arc::downgrade(&token);
        token.hangs_on(parent.on_cancel(move || with(&child, Token::parent_was_cancelled)));
    }
    CancelToken::new(token)
}

/// Does something with a token that still lives.
fn with(token: &Weak<Token>, act: fn(&Arc<Token>)) {
    token.upgrade().iter().for_each(act);
}

impl Drop for Token {
    fn drop(&mut self) {
        if let Some(parent) = &self.parent {
            parent.token.forget(parent.hook.load(Ordering::Acquire));
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
        let due = {
            let mut hooks = self.hooks.lock();
            self.raised.fetch_max(level as u8, Ordering::AcqRel);
            hooks.take_due(level)
        };
        due.into_iter().for_each(Callback::ring);
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
        hooks.add(level, hook)
    }

    fn parent_was_cancelled(self: &Arc<Token>) {
        let Some(parent) = &self.parent else { return };
        if parent.token.is_aborted() {
            // In one go: what runs under it would take a cancellation for one that it may answer.
            return self.raise(Level::Aborted);
        }
        self.raise(Level::Cancelled);
        let child = Arc::downgrade(self);
        self.hangs_on(parent.token.on_abort(move || with(&child, |child| child.raise(Level::Aborted))));
    }

    fn hangs_on(&self, hook: u64) {
        if let Some(parent) = &self.parent {
            // The one that is later has the higher number: while a new token is made, its parent may be
            // cancelled by another thread.
            parent.hook.fetch_max(hook, Ordering::AcqRel);
        }
    }
}

/// The hooks of a token. Most tokens have one, a scope's has one for each of its tasks.
#[derive(Default)]
struct Hooks {
    last: u64,
    /// By their numbers, which rise. Those that were forgotten leave gaps, until these are half of it.
    waiting: SmallVec<[Hook; 1]>,
    gaps: u32,
}

/// A hook. There is one for each token that another is raised with, and for each wait.
struct Hook {
    /// Twice its number, and one more if it waits for `Level::Aborted`: one word for both.
    key: u64,
    act: Option<Callback>,
}

impl Hook {
    fn new(number: u64, level: Level, act: Callback) -> Hook {
        Hook { key: number * 2 + u64::from(level == Level::Aborted), act: Some(act) }
    }

    fn number(&self) -> u64 {
        self.key / 2
    }

    fn level(&self) -> Level {
        if self.key % 2 == 1 { Level::Aborted } else { Level::Cancelled }
    }
}

impl Hooks {
    fn add(&mut self, level: Level, act: Callback) -> u64 {
        self.last += 1;
        self.waiting.push(Hook::new(self.last, level, act));
        self.last
    }

    /// Takes a hook away, for its dropping.
    fn forget(&mut self, number: u64) -> Option<Callback> {
        let at = self.waiting.binary_search_by_key(&number, Hook::number).ok()?;
        let act = self.waiting[at].act.take();
        self.gaps += u32::from(act.is_some());
        if self.gaps as usize * 2 > self.waiting.len() {
            self.waiting.retain(|hook| hook.act.is_some());
            self.gaps = 0;
        }
        act
    }

    /// Takes all that wait for a level or a lower one: the lower first.
    fn take_due(&mut self, level: Level) -> Vec<Callback> {
        let mut due: Vec<(Level, Callback)> = Vec::new();
        for hook in &mut self.waiting {
            let waits_for = hook.level();
            if waits_for <= level {
                due.extend(hook.act.take().map(|act| (waits_for, act)));
            }
        }
        self.waiting.retain(|hook| hook.act.is_some());
        self.gaps = 0;
        due.sort_by_key(|(level, _)| *level);
        due.into_iter().map(|(_, act)| act).collect()
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
        let _dropped = self.hooks.lock().forget(hook);
    }

    /// As soon as any token is that it comes from: hooks are told one after another, and meanwhile
    /// nothing of what is aborted may run.
    fn is_aborted(&self) -> bool {
        self.is_raised(Level::Aborted) || self.parent.as_ref().is_some_and(|parent| parent.token.is_aborted())
    }

    fn abort(&self) {
        self.raise(Level::Aborted);
    }

    fn on_abort(&self, hook: Callback) -> u64 {
        self.on(Level::Aborted, hook)
    }

    fn parent(&self) -> Option<CancelToken> {
        self.parent.as_ref().map(|parent| parent.token.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::*;

    #[test]
    fn children_are_raised_with_their_parent_and_leave_nothing_behind_when_they_are_dropped() {
        let data = Arc::new(Token::default());
        let parent = CancelToken::new(Arc::clone(&data));
        let (kept, dropped) = (cancel_token(Some(&parent)), cancel_token(Some(&parent)));
        assert_eq!(waiting(&data), 2);
        drop(dropped);
        assert_eq!(waiting(&data), 1);
        parent.cancel();
        assert_eq!(waiting(&data), 1, "the one that lives waits for the second level");
        assert!(kept.is_cancelled() && !kept.is_aborted());
        assert!(cancel_token(Some(&parent)).is_cancelled(), "a child of a raised token is raised");
        parent.abort();
        assert!(kept.is_aborted());
        assert!(cancel_token(Some(&parent)).is_aborted(), "and as far as its parent");
        assert_eq!(waiting(&data), 0);
    }

    fn waiting(token: &Token) -> usize {
        let hooks = token.hooks.lock();
        hooks.waiting.iter().filter(|hook| hook.act.is_some()).count()
    }

    #[test]
    fn hooks_that_are_forgotten_leave_no_room_behind() {
        let data = Token::default();
        let ring = || Callback::new(|_outcome| {});
        let numbers: Vec<u64> = (0..1000).map(|_| data.on_cancel(ring())).collect();
        for number in &numbers[..999] {
            data.forget(*number);
            data.forget(*number);
            let hooks = data.hooks.lock();
            assert!(hooks.gaps as usize * 2 <= hooks.waiting.len(), "{} gaps in {}", hooks.gaps, hooks.waiting.len());
        }
        assert_eq!((waiting(&data), data.hooks.lock().waiting.len() <= 2), (1, true));
        data.cancel();
        assert_eq!(data.hooks.lock().waiting.len(), 0);
    }

    #[test]
    fn all_that_comes_from_a_token_is_aborted_at_once() {
        let (root, leaf) = (cancel_token(None), Arc::new(OnceLock::<CancelToken>::new()));
        let (sees, seen) = (Arc::clone(&leaf), Arc::new(Mutex::new(None)));
        let told = Arc::clone(&seen);
        // Told before the leaf is, whose hook is set later.
        root.on_cancel(move || *told.lock() = sees.get().map(CancelToken::is_aborted));
        let _ = leaf.set(cancel_token(Some(&cancel_token(Some(&root)))));
        root.abort();
        assert_eq!(*seen.lock(), Some(true));
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

    #[test]
    fn who_hears_of_being_cancelled_by_an_abort_is_aborted_by_then() {
        let parent = cancel_token(None);
        let child = cancel_token(Some(&parent));
        let grandchild = cancel_token(Some(&child));
        let seen = Arc::new(Mutex::new(None));
        let (seen_then, below) = (Arc::clone(&seen), grandchild.clone());
        grandchild.on_cancel(move || *seen_then.lock() = Some(below.is_aborted()));
        parent.abort();
        assert_eq!(*seen.lock(), Some(true));
    }
}
