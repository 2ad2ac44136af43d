//! Calls, elements and members: what a bracket or a dot does depends on what stands before it.

use std::rc::Rc;

use super::execute::Next;
use super::{MAX_NESTING, Out};
use crate::builtin::Builtin;
use crate::core::Core;
use crate::fault::{Fault, Number, Outcome};
use crate::names::Sym;
use crate::number::show_real;
use crate::value::{Class, Dict, DictIter, Items, Key, List, ListIter, Method, Val};

/// The most elements one array may have.
pub(super) const MAX_CELLS: usize = 1 << 28;

/// Takes arguments out of their registers.
pub(super) fn taken(arguments: &mut [Val]) -> Vec<Val> {
    arguments.iter_mut().map(std::mem::take).collect()
}

/// An index as the place of a list's element.
pub(super) fn list_place(list: &List, index: &Val) -> Outcome<usize> {
    let index = crate::value::index_of(index)?;
    let length = list.0.borrow().len();
    usize::try_from(index).ok().filter(|place| *place < length).ok_or_else(|| Number::NotFound.into())
}

impl Core {
    /// Whether the program may go on.
    #[inline(always)]
    pub(super) fn check_stop(&self) -> Outcome<()> {
        if self.host.stopping() { Err(Fault::Stopped) } else { Ok(()) }
    }

    /// Prints a value.
    pub(super) fn print(&self, value: &Val) -> Outcome<()> {
        let printed = match value {
            Val::Text(text) => self.host.try_print(text),
            value => self.host.try_print(self.shown(value).as_bytes()),
        };
        printed.map_err(Fault::from)
    }

    /// What is printed of a value that is no string.
    pub(super) fn shown(&self, value: &Val) -> String {
        match value {
            Val::Unset => "0".to_owned(),
            Val::Bool(is) => i32::from(*is).to_string(),
            Val::Int(int) => int.to_string(),
            Val::Real(real) => show_real(*real),
            Val::Type(kind) => kind.name().to_owned(),
            value => value.kind().name().to_owned(),
        }
    }

    /// Whether a key is an instance that hashes itself, so that its methods must be called.
    pub(super) fn hashes_itself(&self, key: &Val) -> bool {
        matches!(key, Val::Class(class) if class.method(self.special.hash).is_some())
    }

    /// Calls or indexes a value.
    pub(super) fn apply(&self, callee: &Val, arguments: &mut [Val], is_statement: bool) -> Outcome<Next> {
        Ok(match callee {
            Val::Routine(routine) => Next::Enter(routine.clone(), None),
            Val::Method(method) => Next::Enter(method.routine.clone(), Some(method.me.clone())),
            Val::Native(native) => Next::Out(Out::Native(native.clone(), taken(arguments))),
            Val::Foreign(foreign) => Next::Out(Out::Foreign(foreign.clone(), taken(arguments))),
            Val::List(list) => match arguments {
                [index] => {
                    let place = list_place(list, index)?;
                    Next::Value(list.0.borrow().get(place).unwrap_or(Val::Nil))
                }
                _ => return Err(Number::RankOutOfBound.into()),
            },
            Val::Dict(dict) => match arguments {
                [key] if self.hashes_itself(key) => {
                    Next::Out(Out::Builtin(Builtin::Get, vec![callee.clone(), std::mem::take(key)]))
                }
                [key] => Next::Value(dict.get(&Key::of(key)).unwrap_or(Val::Nil)),
                _ => return Err(Number::RankOutOfBound.into()),
            },
            Val::Array(array) => Next::Value(array.get(array.place(arguments)?)),
            Val::Unset if is_statement => return Err(Number::AssignExpected.into()),
            Val::Unset => return Err(Number::InvalidIdentifier.into()),
            value => {
                let name = value.kind().name();
                return Err(Fault::with(Number::InvalidIdentifier, format!("a {name} cannot be called or indexed")));
            }
        })
    }

    /// Calls a member.
    pub(super) fn invoke(&self, object: &Val, sym: Sym, name: &Rc<str>, arguments: &mut [Val]) -> Outcome<Next> {
        match object {
            Val::Class(class) => {
                if let Some(method) = class.method(sym) {
                    return Ok(Next::Enter(method, Some(class.clone())));
                }
                let value = class.get(sym).ok_or_else(|| no_member(name))?;
                self.apply(&value, arguments, false)
            }
            Val::Dict(dict) => {
                let value = dict.name(name).and_then(|key| dict.get(&key));
                let value = value.ok_or_else(|| Fault::with(Number::NotFound, name.to_string()))?;
                self.apply(&value, arguments, false)
            }
            Val::Object(held) => {
                let (name, _) = held.member(name);
                Ok(Next::Out(Out::Method(held.clone(), name, taken(arguments))))
            }
            _ => Err(no_member(name)),
        }
    }

    /// A variable or method of ME.
    pub(super) fn own_member(&self, me: &Rc<Class>, name: Sym) -> Option<Val> {
        let method = || Some(Val::Method(Rc::new(Method { me: me.clone(), routine: me.method(name)? })));
        me.get(name).or_else(method)
    }

    /// Reads a member.
    pub(super) fn member(&self, object: &Val, sym: Sym, name: &Rc<str>) -> Outcome<Next> {
        match object {
            Val::Class(class) => self.own_member(class, sym).map(Next::Value).ok_or_else(|| no_member(name)),
            Val::Dict(dict) => Ok(Next::Value(dict.name(name).and_then(|key| dict.get(&key)).unwrap_or(Val::Nil))),
            Val::Object(held) => match held.member(name) {
                (_, false) if held.has(name) => {
                    Err(Fault::with(Number::InvalidIdentifier, format!("{name} is a method: it can only be called")))
                }
                (name, _) => Ok(Next::Out(Out::Get(held.clone(), name))),
            },
            _ => Err(no_member(name)),
        }
    }

    /// Writes a member.
    pub(super) fn set_member(&self, object: &Val, sym: Sym, name: &Rc<str>, value: Val) -> Outcome<Option<Out>> {
        match object {
            Val::Class(class) if class.set(sym, value.clone()) => Ok(None),
            Val::Dict(dict) => {
                let key = match dict.name(name) {
                    Some(Key::Text(text)) => Val::Text(text),
                    _ => crate::convert::text(name),
                };
                dict.set(key, value).map(|()| None)
            }
            Val::Object(held) => Ok(Some(Out::Set(held.clone(), held.member(name).0, value))),
            _ => Err(no_member(name)),
        }
    }

    /// Writes an element.
    pub(super) fn set_element(&self, object: &Val, indices: &mut [Val], value: Val) -> Outcome<Option<Out>> {
        match (object, indices) {
            (Val::List(list), [index]) => set_in_list(list, index, value)?,
            (Val::Dict(_), [key]) if self.hashes_itself(key) => {
                return Ok(Some(Out::SetElement(object.clone(), vec![std::mem::take(key)], value)));
            }
            (Val::Dict(dict), [key]) => dict.set(std::mem::take(key), value)?,
            (Val::Array(array), indices) => array.set(array.place(indices)?, value)?,
            (Val::List(_) | Val::Dict(_), _) => return Err(Number::RankOutOfBound.into()),
            _ => return Err(Number::InvalidIdentifier.into()),
        }
        Ok(None)
    }

    /// A class with these parents.
    pub(super) fn new_class(&self, name: Sym, parents: &[Val]) -> Outcome<Rc<Class>> {
        let parents = parents.iter().map(|parent| match parent {
            Val::Class(class) => Ok(class.clone()),
            _ => Err(Fault::from(Number::ClassExpected)),
        });
        let parents = parents.collect::<Outcome<Vec<_>>>()?;
        Ok(self.heap.class(Class::derive(name, parents, &self.heap)?))
    }

    /// An array of these sizes.
    pub(super) fn new_array(&self, sizes: &[Val], is_text: bool) -> Outcome<Val> {
        let mut lengths = Vec::with_capacity(sizes.len());
        let mut cells = 1_usize;
        for size in sizes {
            let size = usize::try_from(crate::value::index_of(size)?).ok().filter(|it| *it > 0);
            let size = size.ok_or(Number::IndexOutOfBound)?;
            cells = cells.checked_mul(size).filter(|it| *it <= MAX_CELLS).ok_or(Number::OutOfMemory)?;
            lengths.push(size);
        }
        let empty = is_text.then(|| self.empty.clone());
        Ok(Val::Array(self.heap.array(lengths, vec![Val::Unset; cells], empty)))
    }

    /// What FOR IN walks with.
    pub(super) fn each(&self, collection: &Val) -> Outcome<Next> {
        Ok(match collection {
            Val::List(list) => Next::Value(list_iterator(list)),
            Val::Dict(dict) => Next::Value(dict_iterator(dict)),
            Val::ListIter(_) | Val::DictIter(_) => Next::Value(collection.clone()),
            Val::Class(class) => {
                let own = |builtin| self.special.method(builtin).and_then(|name| class.method(name));
                match (own(Builtin::Iterator), own(Builtin::MoveNext)) {
                    (Some(method), _) => Next::Enter(method, Some(class.clone())),
                    (None, Some(_)) => Next::Value(collection.clone()),
                    (None, None) => return Err(Number::IterableExpected.into()),
                }
            }
            _ => return Err(Number::IterableExpected.into()),
        })
    }

    /// One more routine runs inside of a function of the language, until the guard goes.
    pub(super) fn nest(&self) -> Outcome<Nested<'_>> {
        if self.nesting.get() >= MAX_NESTING {
            return Err(Fault::depth("methods that functions of the language call are nested too deeply"));
        }
        self.nesting.set(self.nesting.get() + 1);
        Ok(Nested(self))
    }
}

/// See [`Core::nest`].
pub(super) struct Nested<'c>(&'c Core);

impl Drop for Nested<'_> {
    fn drop(&mut self) {
        self.0.nesting.set(self.0.nesting.get() - 1);
    }
}

pub(super) fn no_member(name: &str) -> Fault {
    Fault::with(Number::InvalidIdentifier, format!("there is no member {name}"))
}

pub(super) fn set_in_list(list: &List, index: &Val, value: Val) -> Outcome<()> {
    let place = list_place(list, index)?;
    let mut items = list.0.borrow_mut();
    let old = items.listed()?.get_mut(place).map(|it| std::mem::replace(it, value));
    drop(items);
    drop(old);
    Ok(())
}

pub(super) fn list_iterator(list: &Rc<List>) -> Val {
    Val::ListIter(Rc::new(ListIter { list: list.clone(), next: 0.into() }))
}

pub(super) fn dict_iterator(dict: &Rc<Dict>) -> Val {
    Val::DictIter(Rc::new(DictIter { dict: dict.clone(), keys: dict.keys(), next: 0.into() }))
}

/// A list of these values.
pub(super) fn list_of(core: &Core, values: Vec<Val>) -> Val {
    Val::List(core.heap.list(Items::Listed(values)))
}
