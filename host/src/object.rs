//! Objects that a context made: their methods run on its thread.

use std::sync::Arc;

use calog_plugin_api::{Args, CallInfo, Code, Error, Identity, ObjectKey, ObjectType, Outcome, Result, Value};

use crate::context::{ContextShared, State};
use crate::envelope::{Callee, Envelope};
use crate::function::check_runtime;
use crate::worker;

/// An Object of a context. Its last drop releases it on the owner's thread.
pub(crate) struct ScriptObject {
    pub(crate) owner: Arc<ContextShared>,
    pub(crate) key: u64,
    pub(crate) type_name: String,
    pub(crate) members: Value,
}

impl ObjectType for ScriptObject {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn members(&self) -> Value {
        self.members.clone()
    }

    /// A property is a method without arguments, where that can be had at once.
    fn get(&self, info: &CallInfo, property: &str) -> Result<Value> {
        let outcome = self.call(info, property, Args::new(&[]));
        outcome.settled().unwrap_or_else(|_pending| {
            let name = &self.type_name;
            Err(Error::new(Code::Unsupported, format!("{name}.{property} belongs to a context on another thread")))
        })
    }

    fn call(&self, info: &CallInfo, method: &str, args: Args<'_>) -> Outcome {
        if let Err(error) = check_runtime(&self.owner, info, "an Object", "used") {
            return Outcome::Failed(error);
        }
        let object = ObjectKey(self.key);
        if let Some(worker) = worker::current_on(&self.owner.thread) {
            if self.owner.state() == State::Closed {
                // Its thread has forgotten it, and with it its name.
                return Outcome::Failed(self.owner.dead());
            }
            return worker.call_method(self.owner.id, object, method, info, args);
        }
        self.owner.ask(Callee::Method(self.owner.id, object, method.to_owned()), info, args)
    }

    fn identity(&self) -> Identity {
        Identity { runtime: self.owner.core.id, context: self.owner.id.number(), key: self.key }
    }
}

impl Drop for ScriptObject {
    fn drop(&mut self) {
        let envelope = Envelope::ReleaseObject { context: self.owner.id, object: ObjectKey(self.key) };
        self.owner.core.send(&self.owner.thread, envelope);
    }
}

/// An Object that was dead before anybody could use it: its context is gone, or not on this thread.
pub(crate) struct DeadObject {
    pub(crate) type_name: String,
    pub(crate) members: Value,
    pub(crate) error: Error,
}

impl ObjectType for DeadObject {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn members(&self) -> Value {
        self.members.clone()
    }

    fn get(&self, _info: &CallInfo, _property: &str) -> Result<Value> {
        Err(self.error.clone())
    }

    fn call(&self, _info: &CallInfo, _method: &str, _args: Args<'_>) -> Outcome {
        Outcome::Failed(self.error.clone())
    }
}
