//! What scripts of a test wait for: gates, which the test opens, cancels or leaves closed.

use std::collections::BTreeMap;
use std::sync::Arc;

use calog::RuntimeBuilder;
use calog_plugin_api::{
    Args, CallInfo, Callable, Canceller, Completion, Descriptor, Error, Finisher, Function, Rest, Result, Value,
};
use parking_lot::Mutex;

/// The gates of one runtime; clones are the same.
///
/// Its natives: `gate.wait(name)` and `gate.outside(name)`, which somebody outside the scripts may
/// open, wait; `gate.open(name, value)` opens; `gate.later(value)` waits for a turn of the thread's
/// own mailbox, so it surely suspends or pumps; `gate.post(f, ...)` starts a task of the calling
/// context; `gate.note(text)` notes down.
#[derive(Clone, Default)]
pub struct Gates(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    closed: BTreeMap<String, Gate>,
    /// How often each gate's cancel hook ran.
    hooks: BTreeMap<String, usize>,
    notes: Vec<String>,
}

/// A gate that somebody waits at.
pub struct Gate {
    /// By which it is opened.
    pub finisher: Finisher,
    /// By which the wait is cancelled.
    pub canceller: Canceller,
}

impl Gates {
    /// Adds the natives.
    pub fn add_to(&self, builder: RuntimeBuilder) -> RuntimeBuilder {
        let (wait, outside, open, note) = (self.clone(), self.clone(), self.clone(), self.clone());
        let wait = move |info: &CallInfo, name: &str| wait.wait(name, info.runtime().internal_completion(&text(name)));
        let outside = move |info: &CallInfo, name: &str| outside.wait(name, info.runtime().completion(&text(name)));
        let open = move |name: &str, value: Value| open.open(name, value).is_ok();
        let note = move |text: &str| note.0.lock().notes.push(text.to_owned());
        builder
            .inline_native(Function::new("gate.wait", wait).flags(Descriptor::WAITS))
            .inline_native(Function::new("gate.outside", outside).flags(Descriptor::WAITS))
            .inline_native(Function::new("gate.open", open))
            .inline_native(Function::new("gate.note", note))
            .inline_native(Function::new("gate.later", later).flags(Descriptor::WAITS))
            .inline_native(Function::new("gate.post", post))
    }

    fn wait(&self, name: &str, (completion, finisher): (Completion, Finisher)) -> Completion {
        let (gates, own) = (self.clone(), name.to_owned());
        finisher.on_cancel(move || *gates.0.lock().hooks.entry(own).or_default() += 1);
        let gate = Gate { finisher, canceller: completion.canceller() };
        let before = self.0.lock().closed.insert(name.to_owned(), gate);
        assert!(before.is_none(), "two wait at gate '{name}'");
        completion
    }

    /// Whether somebody waits there, or will as soon as the native has returned.
    pub fn is_closed(&self, name: &str) -> bool {
        self.0.lock().closed.contains_key(name)
    }

    /// Takes a gate, to open it later, or never.
    pub fn take(&self, name: &str) -> Gate {
        self.0.lock().closed.remove(name).unwrap_or_else(|| panic!("nobody waits at gate '{name}'"))
    }

    /// Opens a gate.
    ///
    /// # Errors
    /// The value, when nobody waits there any more.
    pub fn open(&self, name: &str, value: impl Into<Value>) -> Result<(), Result<Value>> {
        self.take(name).finisher.finish(Ok(value.into()))
    }

    /// Cancels the wait at a gate, which stays. Whether it did.
    pub fn cancel(&self, name: &str, error: &Error) -> bool {
        let canceller = self.0.lock().closed.get(name).map(|gate| gate.canceller.clone());
        canceller.is_some_and(|canceller| canceller.cancel(error))
    }

    /// How often a gate's cancel hook ran.
    pub fn hooks(&self, name: &str) -> usize {
        self.0.lock().hooks.get(name).copied().unwrap_or_default()
    }

    /// What was noted so far.
    pub fn notes(&self) -> Vec<String> {
        self.0.lock().notes.clone()
    }
}

fn text(name: &str) -> String {
    format!("gate '{name}'")
}

/// Waits for a turn of the calling context's own mailbox.
pub(crate) fn later(info: &CallInfo, value: Value) -> Result<Completion> {
    let (completion, finisher) = info.runtime().internal_completion("a turn of its thread");
    let turn = Mutex::new(Some((finisher, value)));
    let finish = move || {
        if let Some((finisher, value)) = turn.lock().take() {
            // The wait may have been cancelled; then nobody needs the turn.
            let _ = finisher.finish(Ok(value));
        }
    };
    let native = info.runtime().callable(&Function::new("turn", finish).build()?)?;
    info.runtime().post(info.context(), &native, info, Args::new(&[]))?;
    Ok(completion)
}

fn post(info: &CallInfo, function: &Callable, args: Rest<'_>) -> Result<()> {
    info.runtime().post(info.context(), function, info, args.0)
}
