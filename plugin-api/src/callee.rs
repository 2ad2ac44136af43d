//! What is called, for the messages of arguments that cannot leave their language.

use crate::abi::{Native, Object};
use crate::descriptor::Descriptor;
use crate::error::Error;

/// What a script calls. An engine that cannot convert an argument says with it what the argument was for.
#[derive(Clone, Copy)]
pub enum Callee<'a> {
    /// A native.
    Native(&'a Native),
    /// A method of an Object.
    Method(&'a Object, &'a str),
    /// A function of another context, whose parameters nobody knows.
    Function,
}

impl Callee<'_> {
    /// The error of converting argument `index`, counted from 0: `queue.put: argument 1 'item': ...`,
    /// as typed natives name theirs.
    #[cold]
    pub fn argument(self, index: usize, error: &Error) -> Error {
        let place = match self {
            Callee::Native(native) => {
                let descriptor = native.descriptor();
                format!("{}: {}", descriptor.name, parameter(Some(&descriptor), index))
            }
            Callee::Method(object, method) => {
                let members = object.members();
                let member = members.iter().find(|member| member.name.rsplit('.').next() == Some(method));
                format!("{}.{method}: {}", object.type_name(), parameter(member, index))
            }
            Callee::Function => parameter(None, index),
        };
        error.inside(&place)
    }
}

fn parameter(descriptor: Option<&Descriptor>, index: usize) -> String {
    match descriptor.and_then(|it| it.params.get(index)).filter(|it| !it.name.is_empty()) {
        Some(param) => format!("argument {} '{}'", index + 1, param.name),
        None => format!("argument {}", index + 1),
    }
}
