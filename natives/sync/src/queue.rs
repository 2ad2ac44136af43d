//! `sync.Queue`: first in, first out; who waited first is served first; no item is lost or doubled.
//!
//! Whether a wait ends by being served or by being cancelled is decided when its promise is finished,
//! and finishing runs code of others, so no lock may be held. So one thread at a time serves: it
//! takes who is first in line and the item, leaves the item's place in the queue empty ("undecided"),
//! finishes the promise without the lock, and then fills the place or removes it, as it turned out.
//! Others put, get and stand in line meanwhile; what they leave to be done, the serving thread does.
//!
//! Invariants, while nobody serves: nobody waits for an item that is there, nor for room that is
//! there; a closed queue has nobody who waits for room, nor an empty one who waits for items. At any
//! time: at most one place is undecided, and only while somebody serves; what is put goes behind it,
//! and nothing is taken from behind it.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

use calog_plugin_api::{CallInfo, Code, Counted, Descriptor, Error, Finisher, Function, Outcome, Result, Value};

use crate::handle::Handle;
use crate::line::{Line, Promises};
use crate::locks::{Condvar, Mutex, MutexGuard, lock, thread};

/// A queue.
pub(crate) struct Queue {
    name: String,
    /// How many items it holds at most.
    most: usize,
    state: Mutex<State>,
    /// Told when an undecided place is decided.
    decided: Condvar,
}

/// Something in a queue, or that waits for room in it. It is counted for who put it.
struct Item {
    value: Value,
    counted: Counted,
}

impl Item {
    /// # Errors
    /// `limit` when whoever puts it has as many in queues as it may.
    fn new(promises: &impl Promises, value: Value) -> Result<Item> {
        Ok(Item { value, counted: promises.count_item()? })
    }
}

#[derive(Default)]
struct State {
    /// A place is empty while it is undecided.
    items: VecDeque<Option<Item>>,
    getters: Line<Finisher>,
    putters: Line<(Item, Finisher)>,
    closed: bool,
    /// The thread that serves.
    server: Option<thread::ThreadId>,
    /// Whether a place is empty.
    undecided: bool,
}

/// What is done next for those in line. The lock is free while it is done.
enum Step {
    /// The first item, to who waits for one.
    Hand(Item, Finisher),
    /// An item of who waits for room.
    Admit(Item, Finisher),
    /// The queue is closed: said to who waits in this method, whose item goes.
    Refuse(&'static str, Option<Item>, Finisher),
}

/// What came of it.
enum Done {
    Handed,
    /// Nobody was there any more: the item comes back.
    Returned(Item),
    Admitted(Item),
    /// Who waited for room was gone, and with him goes the item.
    Withdrawn(Item),
    Refused,
}

impl State {
    /// Takes the first item, if it is there and nobody waits for one.
    fn take(&mut self) -> Option<Item> {
        if !self.getters.is_empty() {
            return None;
        }
        let item = self.items.front_mut()?.take()?;
        self.items.pop_front();
        Some(item)
    }

    /// Whether there is room, and nobody waits for it.
    fn has_room(&self, most: usize) -> bool {
        self.putters.is_empty() && self.items.len() < most
    }

    fn is_drained(&self) -> bool {
        self.closed && self.items.is_empty()
    }

    /// The next step for those in line, taken out of it.
    fn step(&mut self, most: usize) -> Option<Step> {
        if !self.getters.is_empty()
            && let Some(first) = self.items.front_mut()
            && let Some(item) = first.take()
        {
            let Some(finisher) = self.getters.first() else {
                // It was looked whether somebody is there.
                *first = Some(item);
                return None;
            };
            self.undecided = true;
            return Some(Step::Hand(item, finisher));
        }
        if self.closed {
            if let Some((item, finisher)) = self.putters.first() {
                return Some(Step::Refuse("put", Some(item), finisher));
            }
            let getter = self.items.is_empty().then(|| self.getters.first()).flatten();
            return getter.map(|finisher| Step::Refuse("get", None, finisher));
        }
        if self.items.len() >= most {
            return None;
        }
        let (item, finisher) = self.putters.first()?;
        self.items.push_back(None);
        self.undecided = true;
        Some(Step::Admit(item, finisher))
    }

    /// Decides the undecided place. Gives what nobody has any more, to be dropped without the lock.
    fn decide(&mut self, done: Done) -> Option<Item> {
        // Few were put behind it meanwhile, so it is near the end, or it is the first.
        let place = if self.undecided { self.items.iter().rposition(Option::is_none) } else { None };
        self.undecided = false;
        let (content, dropped) = match done {
            Done::Handed => (None, None),
            Done::Returned(item) | Done::Admitted(item) => (Some(item), None),
            Done::Withdrawn(item) => (None, Some(item)),
            Done::Refused => return None,
        };
        match (place, content) {
            (Some(place), Some(item)) => self.items[place] = Some(item),
            (Some(place), None) => _ = self.items.remove(place),
            // Whoever takes a step that needs a place leaves one.
            (None, _) => {}
        }
        dropped
    }
}

impl Queue {
    pub(crate) fn new(name: &str, most: Option<usize>) -> Queue {
        let most = most.unwrap_or(usize::MAX);
        Queue { name: name.into(), most, state: Mutex::default(), decided: Condvar::new() }
    }

    /// Puts an item at the end, or waits for room.
    pub(crate) fn put(self: &Arc<Self>, promises: &impl Promises, value: Value) -> Outcome {
        let item = match Item::new(promises, value) {
            Ok(item) => item,
            Err(error) => return Outcome::Failed(error),
        };
        let ticket = {
            let mut state = lock(&self.state);
            if state.closed {
                return Outcome::Failed(self.is_closed("put"));
            }
            if state.has_room(self.most) {
                state.items.push_back(Some(item));
                self.serve(state);
                return Outcome::Ready(Value::Nil);
            }
            state.putters.ticket()
        };
        let (completion, finisher) = promises.promise(&format!("room in queue '{}'", self.name));
        let queue = Arc::downgrade(self);
        finisher.on_cancel(move || {
            if let Some(queue) = queue.upgrade() {
                let left = lock(&queue.state).putters.leave(ticket);
                drop(left);
            }
        });
        let mut state = lock(&self.state);
        state.putters.join(ticket, (item, finisher));
        self.serve(state);
        Outcome::Pending(completion)
    }

    /// Takes the first item, or waits for one.
    pub(crate) fn get(self: &Arc<Self>, promises: &impl Promises) -> Outcome {
        let ticket = {
            let mut state = lock(&self.state);
            if let Some(item) = state.take() {
                self.serve(state);
                return Outcome::Ready(item.value);
            }
            if state.is_drained() {
                return Outcome::Failed(self.is_closed("get"));
            }
            state.getters.ticket()
        };
        let (completion, finisher) = promises.promise(&format!("an item of queue '{}'", self.name));
        let queue = Arc::downgrade(self);
        finisher.on_cancel(move || {
            if let Some(queue) = queue.upgrade() {
                let left = lock(&queue.state).getters.leave(ticket);
                drop(left);
            }
        });
        let mut state = lock(&self.state);
        state.getters.join(ticket, finisher);
        self.serve(state);
        Outcome::Pending(completion)
    }

    /// Puts an item if there is room. Whether there was.
    ///
    /// # Errors
    /// `closed`, `limit`.
    pub(crate) fn try_put(&self, promises: &impl Promises, value: Value) -> Result<bool> {
        let item = Item::new(promises, value)?;
        let mut state = self.settled(|state| state.closed || state.has_room(self.most));
        if state.closed {
            return Err(self.is_closed("try_put"));
        }
        if !state.has_room(self.most) {
            return Ok(false);
        }
        state.items.push_back(Some(item));
        self.serve(state);
        Ok(true)
    }

    /// Takes the first item, if there is one that nobody waits for.
    ///
    /// # Errors
    /// `closed`, when nothing is left.
    pub(crate) fn try_get(&self) -> Result<Option<Value>> {
        let mut state = self.settled(|state| state.items.front().is_none_or(Option::is_some));
        let item = state.take();
        if item.is_none() && state.is_drained() {
            return Err(self.is_closed("try_get"));
        }
        self.serve(state);
        Ok(item.map(|item| item.value))
    }

    /// How many items are in it.
    pub(crate) fn size(&self) -> usize {
        let state = lock(&self.state);
        state.items.len() - usize::from(state.undecided)
    }

    /// Closes it.
    pub(crate) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        self.serve(state);
    }

    /// At the end: drops the items, and whoever waits is answered.
    pub(crate) fn clear(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        // An undecided place is for whoever serves to remove.
        let mut items = VecDeque::new();
        if !state.undecided {
            std::mem::swap(&mut state.items, &mut items);
        }
        self.serve(state);
        drop(items);
    }

    fn is_closed(&self, method: &str) -> Error {
        Error::new(Code::Closed, format!("queue.{method}: the queue '{}' is closed", self.name))
    }

    /// The state once it is as wished, or nothing is undecided: what cannot wait in line must not
    /// take an open question for a no. Another thread decides at once; within this thread's own
    /// serving nothing can be waited for.
    fn settled(&self, wished: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let mut state = lock(&self.state);
        while state.undecided && !wished(&state) && state.server != Some(thread::current().id()) {
            state = self.decided.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    /// Serves those in line, unless somebody does.
    fn serve<'a>(&'a self, mut state: MutexGuard<'a, State>) {
        if state.server.is_some() {
            return;
        }
        while let Some(step) = state.step(self.most) {
            state.server = Some(thread::current().id());
            drop(state);
            let done = self.take(step);
            state = lock(&self.state);
            let dropped = state.decide(done);
            self.decided.notify_all();
            if let Some(dropped) = dropped {
                drop(state);
                drop(dropped);
                state = lock(&self.state);
            }
        }
        state.server = None;
    }

    /// Does a step. It runs code of others: of whoever waits.
    fn take(&self, step: Step) -> Done {
        match step {
            Step::Hand(Item { value, counted }, finisher) => match finisher.finish(Ok(value)) {
                Err(Ok(value)) => Done::Returned(Item { value, counted }),
                Ok(()) | Err(Err(_)) => Done::Handed,
            },
            Step::Admit(item, finisher) => match finisher.finish(Ok(Value::Nil)) {
                Ok(()) => Done::Admitted(item),
                Err(_) => Done::Withdrawn(item),
            },
            Step::Refuse(method, _item, finisher) => {
                // Who was cancelled meanwhile need not hear it.
                let _ = finisher.finish(Err(self.is_closed(method)));
                Done::Refused
            }
        }
    }
}

/// The Object of a queue.
pub(crate) fn handle(queue: &Arc<Queue>) -> Result<Handle> {
    let [put, get, try_put, try_get, size, close] = std::array::from_fn(|_| Arc::clone(queue));
    let put = Function::new("queue.put", move |info: &CallInfo, item: Value| put.put(info, item))
        .params(["item"])
        .flags(Descriptor::WAITS)
        .doc("Puts an item at the end; waits while the queue is full.");
    let get = Function::new("queue.get", move |info: &CallInfo| get.get(info))
        .returns("any")
        .flags(Descriptor::WAITS)
        .doc("Takes the first item; waits while there is none.");
    let try_put = Function::new("queue.try_put", move |info: &CallInfo, item: Value| try_put.try_put(info, item))
        .params(["item"])
        .returns("bool")
        .doc("Puts an item if there is room, and says whether there was.");
    let try_get = Function::new("queue.try_get", move || try_get.try_get())
        .returns("any")
        .doc("Takes the first item, or gives nil if there is none.");
    let size = Function::new("queue.size", move || size.size() as i64).returns("int").doc("How many items are in it.");
    let close =
        Function::new("queue.close", move || close.close()).doc("Closes it: nothing more is put, who waits is told.");
    let methods =
        [("put", put), ("get", get), ("try_put", try_put), ("try_get", try_get), ("size", size), ("close", close)];
    Handle::new("queue", &queue.name, methods)
}
