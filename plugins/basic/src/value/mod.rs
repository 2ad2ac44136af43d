//! Values as BASIC code holds them: sixteen bytes, collections by reference.
//!
//! TRUE and FALSE are booleans that count and print as 1 and 0. A variable that was never assigned is
//! `Unset`, which no script can tell from 0.

mod burial;
mod class;
mod collections;
mod compare;
mod dict;
mod heap;
mod kind;

use std::cell::RefCell;
use std::rc::Rc;

pub(crate) use burial::bury;
pub(crate) use class::shallow;
pub(crate) use class::{Class, Method};
pub(crate) use collections::{Array, DictIter, Items, List, ListIter, MAX_ELEMENTS, index_of};
pub(crate) use compare::{compare, equals, order};
pub(crate) use dict::{Dict, Key};
pub(crate) use heap::Heap;
pub(crate) use kind::Kind;

use crate::compile::code::Proto;
use crate::foreign::{Bound, Foreign, Held};

/// A string: any bytes.
pub(crate) type Text = Rc<Vec<u8>>;

/// A value.
#[derive(Clone, Default, Debug)]
pub(crate) enum Val {
    #[default]
    Unset,
    Nil,
    /// What INDEX_OF gives when there is none.
    Unknown,
    Bool(bool),
    Int(i64),
    Real(f64),
    Type(Kind),
    Text(Text),
    Array(Rc<Array>),
    List(Rc<List>),
    ListIter(Rc<ListIter>),
    Dict(Rc<Dict>),
    DictIter(Rc<DictIter>),
    Class(Rc<Class>),
    Routine(Rc<Routine>),
    Method(Rc<Method>),
    Native(Rc<Bound>),
    Foreign(Rc<Foreign>),
    Object(Rc<Held>),
    /// A variable that lambdas share; scripts never see one.
    Shared(Rc<Shared>),
}

/// A routine or lambda with what it closes over.
pub(crate) struct Routine {
    pub(crate) proto: Rc<Proto>,
    pub(crate) shared: Vec<Rc<Shared>>,
    /// ME, for lambdas made in methods.
    pub(crate) me: Option<Rc<Class>>,
}

impl std::fmt::Debug for Routine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "routine at row {}", self.proto.at.row)
    }
}

/// A variable that lambdas share with the routine around them.
#[derive(Default, Debug)]
pub(crate) struct Shared(pub(crate) RefCell<Val>);

impl Drop for Shared {
    fn drop(&mut self) {
        bury(vec![self.0.take()]);
    }
}

impl Val {
    pub(crate) fn text(bytes: impl Into<Vec<u8>>) -> Val {
        Val::Text(Rc::new(bytes.into()))
    }

    /// The value, where a variable without one reads as 0.
    #[inline(always)]
    pub(crate) fn read(&self) -> Val {
        match self {
            Val::Int(int) => Val::Int(*int),
            Val::Unset => Val::Int(0),
            value => value.clone(),
        }
    }

    /// Drops it. Most values need no dropping, and saying so here spares a call.
    #[inline(always)]
    pub(crate) fn discard(self) {
        match self {
            Val::Unset | Val::Nil | Val::Unknown | Val::Bool(_) | Val::Int(_) | Val::Real(_) | Val::Type(_) => {
                std::mem::forget(self);
            }
            value => drop(value),
        }
    }

    #[inline]
    pub(crate) fn is_unset(&self) -> bool {
        matches!(self, Val::Unset)
    }

    /// NIL and zero are false, everything else is true.
    #[inline]
    pub(crate) fn is_true(&self) -> bool {
        match self {
            Val::Bool(is) => *is,
            Val::Int(int) => *int != 0,
            Val::Real(real) => *real != 0.0,
            Val::Unset | Val::Nil => false,
            _ => true,
        }
    }

    /// What it is, in the language's words.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Val::Nil => Kind::Nil,
            Val::Unknown => Kind::Unknown,
            Val::Unset | Val::Bool(_) | Val::Int(_) => Kind::Integer,
            Val::Real(_) => Kind::Real,
            Val::Text(_) => Kind::String,
            Val::Type(_) => Kind::Type,
            Val::Array(_) => Kind::Array,
            Val::List(_) => Kind::List,
            Val::ListIter(_) => Kind::ListIterator,
            Val::Dict(_) => Kind::Dict,
            Val::DictIter(_) => Kind::DictIterator,
            Val::Class(_) => Kind::Class,
            Val::Routine(_) | Val::Method(_) | Val::Native(_) | Val::Foreign(_) => Kind::Routine,
            Val::Object(_) => Kind::UserType,
            Val::Shared(_) => Kind::Unknown,
        }
    }

    /// Whether dropping it may drop others.
    pub(crate) fn holds_others(&self) -> bool {
        matches!(
            self,
            Val::Array(_)
                | Val::List(_)
                | Val::ListIter(_)
                | Val::Dict(_)
                | Val::DictIter(_)
                | Val::Class(_)
                | Val::Routine(_)
                | Val::Method(_)
                | Val::Shared(_)
        )
    }

    /// The address of what it refers to: two references are one when these are equal.
    pub(crate) fn address(&self) -> Option<usize> {
        fn of<T>(rc: &Rc<T>) -> usize {
            Rc::as_ptr(rc) as usize
        }
        Some(match self {
            Val::Array(it) => of(it),
            Val::List(it) => of(it),
            Val::ListIter(it) => of(it),
            Val::Dict(it) => of(it),
            Val::DictIter(it) => of(it),
            Val::Class(it) => of(it),
            Val::Routine(it) => of(it),
            Val::Native(it) => of(it),
            Val::Foreign(it) => it.callable.address(),
            Val::Object(it) => it.object.address(),
            Val::Method(it) => it.identity(),
            _ => return None,
        })
    }
}
