//! Objects and functions of the plugin's own making: they panic, do not return, and lie about who
//! they are.

use std::sync::Arc;

use calog_plugin_api::prelude::*;
use calog_plugin_api::{CallableType, Identity};

use crate::deed::{note, perform};

/// An Object that does its deed wherever it is touched, its drop included.
pub(crate) struct Trap {
    deed: String,
}

impl Trap {
    pub(crate) fn new(deed: &str) -> Trap {
        Trap { deed: deed.to_owned() }
    }

    fn spring(&self, info: &CallInfo) -> Result<Value> {
        note(info.runtime().id(), "object");
        perform(&self.deed).map(|()| Value::Nil)
    }
}

impl ObjectType for Trap {
    fn type_name(&self) -> &str {
        "wicked.Trap"
    }
    fn members(&self) -> Value {
        let members = [Descriptor::property("value"), Descriptor::method("spring")];
        let maps: Result<Vec<Value>> = members.iter().map(Descriptor::to_value).collect();
        maps.and_then(Value::list).unwrap_or_default()
    }
    fn get(&self, info: &CallInfo, _property: &str) -> Result<Value> {
        self.spring(info)
    }
    fn set(&self, info: &CallInfo, _property: &str, _value: View<'_>) -> Result<()> {
        self.spring(info).map(drop)
    }
    fn call(&self, info: &CallInfo, _method: &str, _args: Args<'_>) -> Outcome {
        self.spring(info).into()
    }
    fn text(&self) -> String {
        // A text cannot fail.
        let _ = perform(&self.deed);
        "trap".into()
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        if self.deed == "panic" || self.deed == "payload" {
            panic!("wicked: dropping an object");
        }
    }
}

/// An Object whose answers about itself are false, or panics.
pub(crate) struct Liar {
    /// Whose it says it is; nothing panics.
    identity: Option<Identity>,
}

impl Liar {
    pub(crate) fn new(info: &CallInfo, context: Option<u64>, key: Option<u64>) -> Liar {
        Liar { identity: identity(info, context, key) }
    }
}

fn identity(info: &CallInfo, context: Option<u64>, key: Option<u64>) -> Option<Identity> {
    context.zip(key).map(|(context, key)| Identity { runtime: info.facts().runtime, context, key })
}

impl ObjectType for Liar {
    fn type_name(&self) -> &str {
        assert!(self.identity.is_some(), "wicked: it has no type");
        "a\0type\nof \"its\" own"
    }
    fn members(&self) -> Value {
        assert!(self.identity.is_some(), "wicked: it has no members");
        Value::list(["no", "descriptors"]).unwrap_or_default()
    }
    fn call(&self, _info: &CallInfo, method: &str, _args: Args<'_>) -> Outcome {
        Outcome::Ready(Value::from(format!("{method}!")))
    }
    fn identity(&self) -> Identity {
        match self.identity {
            Some(identity) => identity,
            None => panic!("wicked: it is nobody's"),
        }
    }
}

/// A function that says it is a context's own. Without a context it panics when it is asked.
pub(crate) struct False {
    deed: String,
    identity: Option<Identity>,
}

impl False {
    pub(crate) fn callable(info: &CallInfo, deed: &str, context: Option<u64>, key: Option<u64>) -> Callable {
        Callable::new(Arc::new(False { deed: deed.to_owned(), identity: identity(info, context, key) }))
    }
}

impl CallableType for False {
    fn call(&self, info: &CallInfo, args: Args<'_>) -> Outcome {
        note(info.runtime().id(), "function");
        perform(&self.deed).map(|()| Value::Int(args.len() as i64)).into()
    }
    fn identity(&self) -> Identity {
        match self.identity {
            Some(identity) => identity,
            None => panic!("wicked: it is nobody's"),
        }
    }
    fn flags(&self) -> u32 {
        // Among them: lenient.
        u32::MAX
    }
}

impl Drop for False {
    fn drop(&mut self) {
        if self.deed == "drop" {
            panic!("wicked: dropping a function");
        }
    }
}
