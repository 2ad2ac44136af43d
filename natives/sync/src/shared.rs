//! `sync.Shared`: a variable whose changes come one after another.
//!
//! A change is a `set` or an `update`. Whoever has the turn changes; others stand in line. An update
//! keeps the turn while its function runs, which may wait and be of any context. Reading needs no
//! turn: it gives the value that the last finished change left.
//!
//! An update that had to stand in line begins as a new task of its caller's context, and never within
//! whatever the thread does that has just given the turn up.
//!
//! Invariants: at most one `Turn` exists for a variable, and exactly one while anybody stands in line;
//! a turn that is dropped, whatever became of its holder, goes to the next.

use std::sync::Arc;

use calog_plugin_api::{
    Args, CallInfo, Callable, CancelToken, Code, Completion, Descriptor, Error, Finisher, Function, KeptInfo, Outcome,
    Result, Value,
};

use crate::chain::{Chains, Linked};
use crate::handle::Handle;
use crate::line::{Line, Promises, Ticket};
use crate::locks::{Mutex, lock};

/// A variable.
pub(crate) struct Shared {
    name: String,
    chains: Arc<Chains>,
    state: Mutex<State>,
}

struct State {
    value: Value,
    /// Whether somebody has the turn.
    taken: bool,
    waiting: Line<Change>,
}

/// A change that waits for its turn.
enum Change {
    Set(Value, Finisher),
    Update(Update),
}

/// An update that had to wait.
struct Update {
    function: Callable,
    /// The circumstances of the call of `update`.
    info: KeptInfo,
    finisher: Finisher,
}

impl Shared {
    pub(crate) fn new(name: &str, initial: Value, chains: Arc<Chains>) -> Shared {
        let state = State { value: initial, taken: false, waiting: Line::default() };
        Shared { name: name.into(), chains, state: Mutex::new(state) }
    }

    pub(crate) fn get(&self) -> Value {
        lock(&self.state).value.clone()
    }

    /// Sets the value, at once or when the changes before it have ended.
    pub(crate) fn set(self: &Arc<Self>, info: &CallInfo, value: Value) -> Outcome {
        if let Err(error) = self.check_not_within(info, "set") {
            return Outcome::Failed(error);
        }
        let ticket = {
            let mut state = lock(&self.state);
            if !state.taken {
                let before = std::mem::replace(&mut state.value, value);
                drop(state);
                drop(before);
                return Outcome::Ready(Value::Nil);
            }
            state.waiting.ticket()
        };
        let (completion, finisher) = self.promise(info, ticket);
        self.stand_in_line(ticket, Change::Set(value, finisher));
        Outcome::Pending(completion)
    }

    /// Changes the value to what the function makes of it; gives the new value.
    pub(crate) fn update(self: &Arc<Self>, info: &CallInfo, function: &Callable) -> Outcome {
        if let Err(error) = self.check_not_within(info, "update") {
            return Outcome::Failed(error);
        }
        let ticket = {
            let mut state = lock(&self.state);
            if !std::mem::replace(&mut state.taken, true) {
                drop(state);
                return Turn(Arc::clone(self)).update(info, function);
            }
            state.waiting.ticket()
        };
        let (completion, finisher) = self.promise(info, ticket);
        let update = Update { function: function.clone(), info: info.keep(), finisher };
        self.stand_in_line(ticket, Change::Update(update));
        Outcome::Pending(completion)
    }

    fn promise(self: &Arc<Self>, promises: &impl Promises, ticket: Ticket) -> (Completion, Finisher) {
        let (completion, finisher) = promises.promise(&format!("a turn to change shared variable '{}'", self.name));
        let shared = Arc::downgrade(self);
        finisher.on_cancel(move || {
            if let Some(shared) = shared.upgrade() {
                let left = lock(&shared.state).waiting.leave(ticket);
                drop(left);
            }
        });
        (completion, finisher)
    }

    fn stand_in_line(self: &Arc<Self>, ticket: Ticket, change: Change) {
        let mut state = lock(&self.state);
        state.waiting.join(ticket, change);
        let taken = std::mem::replace(&mut state.taken, true);
        drop(state);
        if !taken {
            // The turn was given up meanwhile; it goes to who is first.
            drop(Turn(Arc::clone(self)));
        }
    }

    fn address(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self) as usize
    }

    /// A change from within the function of an update would wait for that update, which waits for it.
    fn check_not_within(self: &Arc<Self>, info: &CallInfo, method: &str) -> Result<()> {
        if !self.chains.contain(info.cancel_token(), self.address()) {
            return Ok(());
        }
        let name = &self.name;
        let message = format!(
            "shared.{method}: called within an update of shared variable '{name}', which it would wait for for ever"
        );
        let help = "the function of an update gives the new value back, and may call only get";
        Err(Error::new(Code::Unsupported, message).with_help(help))
    }

    /// At the end.
    pub(crate) fn clear(&self) {
        let mut state = lock(&self.state);
        let value = std::mem::take(&mut state.value);
        let all = state.waiting.all();
        drop(state);
        drop((value, all));
    }
}

/// The right to change a variable.
struct Turn(Arc<Shared>);

impl Turn {
    /// Runs the function on the value, in the place of its caller.
    fn update(self, info: &CallInfo, function: &Callable) -> Outcome {
        let (inner, linked) = match self.0.link(info) {
            Ok(linked) => linked,
            Err(error) => return Outcome::Failed(error),
        };
        let value = self.0.get();
        let turn = Held { _linked: linked, turn: self };
        match function.call(&inner, Args::new(&[value.view()])).settled() {
            Ok(result) => turn.end(result).into(),
            Err(pending) => {
                let name = &turn.turn.0.name;
                let (completion, finisher) = info.promise(&format!("an update of shared variable '{name}'"));
                turn.end_with(pending, finisher);
                Outcome::Pending(completion)
            }
        }
    }

    /// Runs an update that stood in line.
    fn go_on(self, update: Update) {
        let Update { function, info, finisher } = update;
        if !finisher.is_awaited() {
            return;
        }
        match self.update(&info, &function).settled() {
            // Who was cancelled meanwhile need not hear it.
            Ok(result) => _ = finisher.finish(result),
            Err(pending) => forward(pending, finisher),
        }
    }

    /// Has an update that stood in line begin.
    fn begin(self, update: Update) {
        let info = update.info.clone();
        let begun = Arc::new(Mutex::new(Some((self, update))));
        let native = {
            let begun = Arc::clone(&begun);
            move || {
                if let Some((turn, update)) = { lock(&begun).take() } {
                    turn.go_on(update);
                }
            }
        };
        // If the context closes before it comes to this, turn and update are dropped with the native:
        // the turn goes to the next, and nobody is there to hear of the update.
        let native = Function::new("shared.update", native).build();
        let callable = native.and_then(|native| info.runtime().callable(&native));
        let posted =
            callable.and_then(|callable| info.runtime().post(info.context(), &callable, &info, Args::new(&[])));
        if let Err(error) = posted
            && let Some((_turn, update)) = { lock(&begun).take() }
        {
            // Who was cancelled meanwhile need not hear it.
            let _ = update.finisher.finish(Err(error));
        }
    }
}

impl Drop for Turn {
    /// Gives the turn to who is first in line.
    fn drop(&mut self) {
        loop {
            let mut state = lock(&self.0.state);
            let Some(change) = state.waiting.first() else {
                state.taken = false;
                return;
            };
            drop(state);
            match change {
                Change::Set(value, finisher) => {
                    // Whoever is cancelled from here on has set it all the same.
                    if finisher.is_awaited() {
                        self.0.put(value);
                    }
                    let _ = finisher.finish(Ok(Value::Nil));
                }
                Change::Update(update) => return Turn(Arc::clone(&self.0)).begin(update),
            }
        }
    }
}

/// A turn while a function runs.
struct Held {
    /// Dropped before the turn is given up.
    _linked: Linked,
    turn: Turn,
}

impl Held {
    /// The function has ended.
    fn end(self, result: Result<Value>) -> Result<Value> {
        if let Ok(value) = &result {
            self.turn.0.put(value.clone());
        }
        result
    }

    /// The function waits: the update ends when it does. When its caller leaves before, the function's
    /// wait is cancelled, and the value stays.
    fn end_with(self, pending: Completion, finisher: Finisher) {
        let canceller = pending.canceller();
        finisher.on_cancel(move || _ = canceller.cancel(&gone()));
        pending.then(move |result| {
            let result = match result {
                Ok(_) if !finisher.is_awaited() => Err(gone()),
                result => result,
            };
            // Whoever is cancelled from here on has changed it all the same.
            let result = self.end(result);
            let _ = finisher.finish(result);
        });
    }
}

impl Shared {
    fn put(&self, value: Value) {
        let before = std::mem::replace(&mut lock(&self.state).value, value);
        drop(before);
    }

    /// The circumstances in which an update's function runs, and its entry among the updates.
    fn link(self: &Arc<Self>, info: &CallInfo) -> Result<(KeptInfo, Linked)> {
        let token: CancelToken = info.runtime().cancel_token(info.cancel_token())?;
        let inner = KeptInfo::new(info.runtime().clone(), Some(token.clone()), info.facts());
        let linked = self.chains.enter(token, info.cancel_token().cloned(), self.address());
        Ok((inner, linked))
    }
}

/// Finishes with what another promise comes to; who leaves cancels that one.
fn forward(pending: Completion, finisher: Finisher) {
    let canceller = pending.canceller();
    finisher.on_cancel(move || _ = canceller.cancel(&gone()));
    // Who was cancelled meanwhile need not hear it.
    pending.then(move |result| _ = finisher.finish(result));
}

fn gone() -> Error {
    Error::new(Code::Cancelled, "shared.update: whoever called it does not wait any more")
}

/// The Object of a variable.
pub(crate) fn handle(shared: &Arc<Shared>) -> Result<Handle> {
    let [get, set, update] = std::array::from_fn(|_| Arc::clone(shared));
    let get = Function::new("shared.get", move || get.get()).returns("any").doc("The value.");
    let set = Function::new("shared.set", move |info: &CallInfo, value: Value| set.set(info, value))
        .params(["value"])
        .flags(Descriptor::WAITS)
        .doc("Sets the value; waits while an update runs.");
    let update =
        Function::new("shared.update", move |info: &CallInfo, function: &Callable| update.update(info, function))
            .params(["function"])
            .returns("any")
            .flags(Descriptor::WAITS)
            .doc("Sets the value to what the function makes of it, and gives it; other changes wait meanwhile.");
    Handle::new("shared", &shared.name, [("get", get), ("set", set), ("update", update)])
}
