//! What is to be sent, in the order of the calls.
//!
//! Invariant: of a send either all bytes go out or none, unless the connection breaks: one that is
//! cancelled is taken back whole if no byte of it has gone, and goes out whole otherwise.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use calog_plugin_api::{Error, Finisher, Str, Value};

use super::Ticket;

/// How many pieces the system is given at once.
const PIECES: usize = 64;

/// What a call of `send` wants.
pub(crate) struct Sending {
    pub(crate) bytes: Str,
    /// Who waits until there is room again; nobody when there was.
    pub(crate) waiter: Option<(Ticket, Finisher)>,
}

/// The bytes of a connection that wait to go out.
#[derive(Default)]
pub(crate) struct Outgoing {
    queue: VecDeque<Sending>,
    /// How many bytes of the first have gone.
    gone: usize,
    /// How many of the queue somebody waits for.
    waiters: usize,
}

impl Outgoing {
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(crate) fn has_waiters(&self) -> bool {
        self.waiters > 0
    }

    pub(crate) fn push(&mut self, sending: Sending) {
        self.waiters += usize::from(sending.waiter.is_some());
        self.queue.push_back(sending);
    }

    /// Gives as much as the system takes at once. How many bytes went.
    ///
    /// # Errors
    /// The writer's.
    pub(crate) fn write(&mut self, write: impl FnOnce(&[IoSlice<'_>]) -> io::Result<usize>) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); PIECES];
        let mut count = 0;
        let mut skip = self.gone;
        for (slice, sending) in slices.iter_mut().zip(&self.queue) {
            *slice = IoSlice::new(&sending.bytes.as_bytes()[skip..]);
            (skip, count) = (0, count + 1);
        }
        let written = write(&slices[..count])?;
        self.advance(written);
        Ok(written)
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(first) = self.queue.front_mut() {
            let rest = first.bytes.as_bytes().len() - self.gone;
            if written < rest {
                self.gone += written;
                return;
            }
            written -= rest;
            self.gone = 0;
            let gone = self.queue.pop_front();
            if let Some((_, finisher)) = gone.and_then(|it| it.waiter) {
                self.waiters -= 1;
                // A send that was cancelled too late to be taken back has gone.
                let _ = finisher.finish(Ok(Value::Nil));
            }
        }
    }

    /// Tells those whose bytes are within the limit now.
    pub(crate) fn release(&mut self, limit: usize) {
        if self.waiters == 0 {
            return;
        }
        let (mut before, mut skip) = (0_usize, self.gone);
        for sending in &mut self.queue {
            before = before.saturating_add(sending.bytes.as_bytes().len() - skip);
            skip = 0;
            if before > limit {
                return;
            }
            if let Some((_, finisher)) = sending.waiter.take() {
                self.waiters -= 1;
                // As above.
                let _ = finisher.finish(Ok(Value::Nil));
            }
        }
    }

    /// Takes back a send that was cancelled. How many bytes do not go.
    pub(crate) fn cancel(&mut self, ticket: Ticket) -> usize {
        let is_his = |it: &Sending| it.waiter.as_ref().is_some_and(|(other, _)| *other == ticket);
        let Some(at) = self.queue.iter().position(is_his) else { return 0 };
        self.waiters -= 1;
        if at == 0 && self.gone > 0 {
            // It goes on, and nobody waits.
            self.queue[0].waiter = None;
            return 0;
        }
        self.queue.remove(at).map_or(0, |taken| taken.bytes.as_bytes().len())
    }

    /// Whoever waits does so no more; the bytes stay.
    pub(crate) fn fail(&mut self, error: impl Fn() -> Error) {
        self.waiters = 0;
        for (_, finisher) in self.queue.iter_mut().filter_map(|it| it.waiter.take()) {
            // Who was cancelled meanwhile needs no answer.
            let _ = finisher.finish(Err(error()));
        }
    }

    /// Nothing goes any more. How many bytes that were.
    pub(crate) fn clear(&mut self) -> usize {
        let all: usize = self.queue.iter().map(|sending| sending.bytes.as_bytes().len()).sum();
        let rest = all - self.gone;
        *self = Outgoing::default();
        rest
    }
}

#[cfg(test)]
mod tests {
    use calog_plugin_api::host_side::promise;
    use calog_plugin_api::{Code, Completion};

    use super::*;

    /// Puts a send that waits.
    fn put(outgoing: &mut Outgoing, ticket: Ticket, text: &str) -> Completion {
        let (completion, finisher) = promise("room", true, None);
        outgoing.push(Sending { bytes: Str::new(text), waiter: Some((ticket, finisher)) });
        completion
    }

    /// Lets so many bytes go.
    fn go(outgoing: &mut Outgoing, count: usize) -> String {
        let mut went = Vec::new();
        let written = outgoing.write(|slices| {
            slices.iter().for_each(|slice| went.extend_from_slice(slice));
            went.truncate(count);
            Ok(went.len())
        });
        assert_eq!(written.expect("it writes"), went.len());
        String::from_utf8_lossy(&went).into_owned()
    }

    #[test]
    fn whoever_waits_is_told_when_his_bytes_are_within_the_limit() {
        let mut outgoing = Outgoing::default();
        let [one, two, three] = [(1, "aaaa"), (2, "bbbb"), (3, "cccc")].map(|(n, text)| put(&mut outgoing, n, text));
        outgoing.release(4);
        assert!(one.try_take().is_ok());
        let two = two.try_take().expect_err("8 bytes are more than 4");
        assert_eq!(go(&mut outgoing, 5), "aaaab");
        outgoing.release(4);
        assert!(two.try_take().is_ok());
        let three = three.try_take().expect_err("7 bytes are more than 4");
        outgoing.fail(|| Error::new(Code::Closed, "closed"));
        assert_eq!(three.try_take().expect("an answer").expect_err("an error").code(), Code::Closed);
        assert_eq!(go(&mut outgoing, 100), "bbbcccc");
        assert!(outgoing.is_empty() && !outgoing.has_waiters());
    }

    #[test]
    fn a_cancelled_send_goes_whole_or_not_at_all() {
        let mut outgoing = Outgoing::default();
        let _all = [(1, "aaaa"), (2, "bbbb"), (3, "cccc")].map(|(n, text)| put(&mut outgoing, n, text));
        assert_eq!(go(&mut outgoing, 2), "aa");
        assert_eq!((outgoing.cancel(1), outgoing.cancel(2), outgoing.cancel(2)), (0, 4, 0));
        assert_eq!(go(&mut outgoing, 100), "aacccc");
        assert!(!outgoing.has_waiters());
    }

    #[test]
    fn more_pieces_than_the_system_takes_go_in_order() {
        let mut outgoing = Outgoing::default();
        let sent: String = (0..1000).map(|n| format!("{n},")).collect();
        (0..1000).for_each(|n| outgoing.push(Sending { bytes: Str::new(format!("{n},")), waiter: None }));
        let mut went = String::new();
        while !outgoing.is_empty() {
            went += &go(&mut outgoing, 37);
        }
        assert_eq!(went, sent);
    }
}
