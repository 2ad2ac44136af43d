//! The Object around a primitive. Its methods are typed natives, so arguments convert themselves, and
//! a wrong one is named as it is with any native: `queue.put: ...`.

use calog_plugin_api::{
    Args, CallInfo, Code, Descriptor, Error, Function, Native, ObjectType, Outcome, Result, Value, to_value,
};

/// An Object of this bundle.
pub(crate) struct Handle {
    kind: &'static str,
    /// For prints: `<queue 'jobs'>`.
    text: String,
    methods: Vec<(&'static str, Native)>,
}

/// A method under construction.
pub(crate) type Method = (&'static str, Function);

impl Handle {
    /// One of this kind ("queue") and name.
    ///
    /// # Errors
    /// When a method's parameters and their names do not match.
    pub(crate) fn new(kind: &'static str, name: &str, methods: impl IntoIterator<Item = Method>) -> Result<Handle> {
        let methods = methods.into_iter().map(|(name, function)| Ok((name, function.build()?)));
        Ok(Handle { kind, text: format!("<{kind} '{name}'>"), methods: methods.collect::<Result<_>>()? })
    }
}

impl ObjectType for Handle {
    fn type_name(&self) -> &str {
        self.kind
    }

    fn members(&self) -> Value {
        let member = |(name, native): &(&str, Native)| Descriptor { name: (*name).into(), ..native.descriptor() };
        let members: Vec<Descriptor> = self.methods.iter().map(member).collect();
        // Descriptors with simple defaults are neither too deep nor too large.
        to_value(&members).unwrap_or_default()
    }

    fn call(&self, info: &CallInfo, method: &str, args: Args<'_>) -> Outcome {
        match self.methods.iter().find(|(name, _)| *name == method) {
            Some((_, native)) => native.call(info, args),
            None => {
                let message = format!("a {} has no method '{method}'", self.kind);
                Outcome::Failed(Error::new(Code::NotFound, message))
            }
        }
    }

    fn text(&self) -> String {
        self.text.clone()
    }
}
