//! A connection that was accepted and is not yet secure. Nobody waits for one that takes its time:
//! each is a socket of its own until it has greeted.

use std::time::{Duration, Instant};

use calog_plugin_api::Level;

use super::Id;
use super::turn::{Fate, Shop};
use super::wire::Wire;

/// How long a greeting may take.
const LIMIT: Duration = Duration::from_secs(10);

/// A connection that greets.
pub(super) struct Greeting {
    id: Id,
    /// Who accepted it, and gets it.
    listener: Id,
    /// The context it closes with.
    pub(super) owner: u64,
    wire: Option<Wire>,
    until: Instant,
}

impl Greeting {
    pub(super) fn new(id: Id, listener: Id, owner: u64, wire: Wire) -> Greeting {
        Greeting { id, listener, owner, wire: Some(wire), until: Instant::now() + LIMIT }
    }

    pub(super) fn close(&mut self) {
        self.wire = None;
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        Some(self.until)
    }

    pub(super) fn work(&mut self, shop: &mut Shop) -> Fate {
        let Some(mut wire) = self.wire.take() else {
            shop.greeted.push((self.listener, None));
            return Fate::Gone;
        };
        let failed = match wire.greet() {
            Ok(true) => {
                shop.greeted.push((self.listener, Some((self.id, wire))));
                return Fate::Gone;
            }
            Ok(false) if shop.now < self.until => {
                self.wire = Some(wire);
                return Fate::Stays;
            }
            Ok(false) => "it took too long".to_owned(),
            Err(error) => error.to_string(),
        };
        let whose = wire.ends().map_or_else(|_| "somebody".to_owned(), |(peer, ..)| peer);
        shop.line.runtime.log(Level::Info, self.owner, &format!("net: {whose} did not become secure: {failed}"));
        shop.greeted.push((self.listener, None));
        Fate::Gone
    }
}
