//! Cancel tokens as scripts hold them.

use std::sync::Arc;

use calog_plugin_api::prelude::*;

use crate::check;

/// A token: `cancel()`, `is_cancelled()`, `check()`.
pub(crate) struct TokenObject(CancelToken);

impl TokenObject {
    pub(crate) fn object(token: &CancelToken) -> Object {
        Object::new(Arc::new(TokenObject(token.clone())))
    }
}

impl ObjectType for TokenObject {
    fn type_name(&self) -> &str {
        "cancel_token"
    }

    fn members(&self) -> Value {
        members(["cancel", "is_cancelled", "check"].map(Descriptor::method))
    }

    fn call(&self, _info: &CallInfo, method: &str, args: Args<'_>) -> Outcome {
        if let Err(error) = no_arguments("cancel_token", method, args) {
            return Outcome::Failed(error);
        }
        match method {
            "cancel" => {
                self.0.cancel();
                Outcome::Ready(Value::Nil)
            }
            "is_cancelled" => Outcome::Ready(Value::Bool(self.0.is_cancelled())),
            "check" => check(self.0.is_cancelled()).map(|()| Value::Nil).into(),
            _ => no_member("cancel_token", method),
        }
    }
}

/// The list of an Object's members.
pub(crate) fn members<const N: usize>(members: [Descriptor; N]) -> Value {
    // They have no defaults, so they are neither deep nor large.
    let members: Result<Vec<Value>> = members.iter().map(Descriptor::to_value).collect();
    members.and_then(Value::list).unwrap_or_default()
}

/// Refuses arguments.
pub(crate) fn no_arguments(object: &str, method: &str, args: Args<'_>) -> Result<()> {
    if args.is_empty() {
        return Ok(());
    }
    Err(Error::new(Code::Arity, format!("{object}.{method}: takes no arguments, got {}", args.len())))
}

pub(crate) fn no_member(object: &str, member: &str) -> Outcome {
    Outcome::Failed(Error::new(Code::NotFound, format!("a {object} has no method '{member}'")))
}
