//! Which updates a call is made within.
//!
//! A function that is given to `update` runs with a cancel token of its own, a child of its caller's.
//! Every call that comes of it carries that token, through other contexts and languages, too; so a
//! call is within an update when it carries its token, or that of an update within it. Where someone
//! in between makes a token of his own, the chain is not seen: such a program waits for itself, and is
//! told that it is stuck.

use std::sync::Arc;

use calog_plugin_api::CancelToken;

use crate::locks::{Mutex, lock};

/// The updates under way.
#[derive(Default)]
pub(crate) struct Chains(Mutex<Vec<Link>>);

struct Link {
    /// The token its function runs with.
    token: CancelToken,
    /// That of the call of `update`.
    outer: Option<CancelToken>,
    /// Whose update it is: the variable's address.
    owner: usize,
}

/// An update's entry, until it is dropped.
pub(crate) struct Linked {
    chains: Arc<Chains>,
    token: CancelToken,
}

impl Chains {
    /// Enters an update.
    pub(crate) fn enter(self: &Arc<Self>, token: CancelToken, outer: Option<CancelToken>, owner: usize) -> Linked {
        lock(&self.0).push(Link { token: token.clone(), outer, owner });
        Linked { chains: Arc::clone(self), token }
    }

    /// Whether a call with this token is made within an update of `owner`.
    pub(crate) fn contain(&self, token: Option<&CancelToken>, owner: usize) -> bool {
        let links = lock(&self.0);
        let mut token = token;
        while let Some(link) = token.and_then(|token| links.iter().find(|link| link.token == *token)) {
            if link.owner == owner {
                return true;
            }
            token = link.outer.as_ref();
        }
        false
    }
}

impl Drop for Linked {
    fn drop(&mut self) {
        // A token's last drop is the host's code, so it comes after the lock.
        let _link = {
            let mut links = lock(&self.chains.0);
            let at = links.iter().position(|link| link.token == self.token);
            at.map(|at| links.swap_remove(at))
        };
    }
}
