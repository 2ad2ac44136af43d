//! The functions of the language. A class may have a method in the place of one; then the method is
//! called.

mod collections;
mod numbers;
mod objects;
mod strings;

use super::Out;
use super::execute::Next;
pub(super) use super::steps::taken;
use crate::builtin::Builtin;
use crate::core::Core;
use crate::fault::{Number, Outcome};
use crate::value::{Items, Val};

impl Core {
    /// Calls a function of the language with these arguments, whose number is right.
    pub(super) fn builtin(&self, which: Builtin, arguments: &mut [Val]) -> Outcome<Next> {
        if let Some(Val::Class(class)) = arguments.first()
            && let Some(name) = self.special.method(which)
        {
            // What FOR IN is at may be told by GET or by VAL.
            let or = if which == Builtin::Get && arguments.len() == 1 { class.method(self.special.val) } else { None };
            if let Some(method) = class.method(name).or(or) {
                return Ok(Next::Enter(method, Some(class.clone())));
            }
        }
        if self.takes_methods(which, arguments) {
            return Ok(Next::Out(Out::Builtin(which, taken(arguments))));
        }
        self.own_builtin(which, arguments).map(Next::Value)
    }

    /// Whether methods of instances have to be called for it: to hash keys, to compare elements.
    fn takes_methods(&self, which: Builtin, arguments: &[Val]) -> bool {
        match (which, arguments) {
            (Builtin::Sort, [Val::List(list)]) => match &*list.0.borrow() {
                Items::Listed(values) => values.iter().any(|it| self.compares_itself(it)),
                Items::Range { .. } => false,
            },
            (Builtin::Dict, arguments) => arguments.iter().step_by(2).any(|it| self.hashes_itself(it)),
            (Builtin::Get | Builtin::Set | Builtin::Exists | Builtin::Remove, [Val::Dict(_), key, ..]) => {
                self.hashes_itself(key)
            }
            // A class is looked for among the globals.
            (Builtin::New | Builtin::Reflect, [Val::Text(_)]) => true,
            _ => false,
        }
    }

    pub(super) fn compares_itself(&self, value: &Val) -> bool {
        matches!(value, Val::Class(class) if class.method(self.special.compare).is_some())
    }

    /// A function of the language that calls no method.
    pub(super) fn own_builtin(&self, which: Builtin, arguments: &mut [Val]) -> Outcome<Val> {
        use Builtin as B;
        match which {
            B::Abs | B::Sgn | B::Sqr | B::Floor | B::Ceil | B::Fix | B::Round | B::Sin | B::Cos | B::Tan => {
                numbers::of_one(self, which, first(arguments)?)
            }
            B::Asin | B::Acos | B::Atan | B::Exp | B::Log => numbers::of_one(self, which, first(arguments)?),
            B::Srnd | B::Rnd | B::Ticks => numbers::random(self, which, arguments),
            B::Asc | B::Chr | B::Left | B::Mid | B::Right | B::Str => strings::call(self, which, arguments),
            B::Val => strings::val(first(arguments)?),
            B::Type | B::New | B::Reflect | B::Raise => objects::call(self, which, arguments),
            B::Get | B::Set if matches!(arguments.first(), Some(Val::Class(_))) => {
                objects::call(self, which, arguments)
            }
            _ => collections::call(self, which, arguments),
        }
    }
}

fn first(arguments: &[Val]) -> Outcome<&Val> {
    arguments.first().ok_or_else(|| Number::CommaExpected.into())
}
