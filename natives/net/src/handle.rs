//! The Object around a socket. Methods of a kind stand in one table, so that a socket costs no more
//! than its own state.

use std::sync::Arc;

use calog_plugin_api::{Args, CallInfo, Code, Error, Object, ObjectType, Outcome, Result, Value, to_value};

use crate::arguments::{Arguments, Signature};

/// A method of a kind.
pub(crate) struct Method<T: 'static> {
    pub(crate) signature: Signature,
    pub(crate) run: fn(&T, &CallInfo, Arguments<'_>) -> Result<Outcome>,
}

/// A kind of Objects.
pub(crate) trait Kind: Send + Sync + Sized + 'static {
    /// As messages call it.
    const NAME: &str;
    /// What it can do.
    const METHODS: &'static [Method<Self>];
    /// How it prints.
    fn text(&self) -> String;
}

/// An Object of a kind.
pub(crate) struct Handle<T>(T);

impl<T: Kind> Handle<T> {
    pub(crate) fn object(socket: T) -> Value {
        Value::Object(Object::new(Arc::new(Handle(socket))))
    }
}

impl<T: Kind> ObjectType for Handle<T> {
    fn type_name(&self) -> &str {
        T::NAME
    }

    fn members(&self) -> Value {
        let members: Vec<_> = T::METHODS.iter().map(|method| method.signature.descriptor()).collect();
        // Descriptors without defaults are neither too deep nor too large.
        to_value(&members).unwrap_or_default()
    }

    fn call(&self, info: &CallInfo, method: &str, args: Args<'_>) -> Outcome {
        let Some(found) = T::METHODS.iter().find(|it| it.signature.method() == method) else {
            let message = format!("a {} has no method '{method}'", T::NAME);
            return Outcome::Failed(Error::new(Code::NotFound, message));
        };
        let done = Arguments::new(&found.signature, args).and_then(|args| (found.run)(&self.0, info, args));
        done.unwrap_or_else(Outcome::Failed)
    }

    fn text(&self) -> String {
        self.0.text()
    }
}
