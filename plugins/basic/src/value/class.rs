//! Classes and their instances, which are classes too: NEW clones a prototype.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Heap, Items, Routine, Val, bury};
use crate::fault::{Number, Outcome};
use crate::names::Sym;

/// Methods by name; instances share those of their class.
pub(crate) type Methods = Vec<(Sym, Rc<Routine>)>;

/// A class or an instance.
pub(crate) struct Class {
    pub(crate) name: Sym,
    /// What it is an instance of.
    pub(crate) class: Option<Rc<Class>>,
    pub(crate) parents: Vec<Rc<Class>>,
    /// Its variables, those of the parents included.
    pub(crate) variables: RefCell<Vec<(Sym, Val)>>,
    /// Its methods, those of the parents included; fixed once the class is complete.
    pub(crate) methods: RefCell<Rc<Methods>>,
}

impl std::fmt::Debug for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "class {:?}", self.name)
    }
}

impl Class {
    /// A class that begins with what its parents have; the first parent goes first.
    pub(crate) fn derive(name: Sym, parents: Vec<Rc<Class>>, heap: &Heap) -> Outcome<Class> {
        let (mut variables, mut methods) = (Vec::new(), Vec::new());
        for parent in &parents {
            for (sym, value) in parent.variables.borrow().iter() {
                if variables.iter().all(|(known, _)| known != sym) {
                    variables.push((*sym, value.clone()));
                }
            }
            for (sym, method) in parent.methods.borrow().iter() {
                if methods.iter().all(|(known, _)| known != sym) {
                    methods.push((*sym, method.clone()));
                }
            }
        }
        for (_, value) in &mut variables {
            *value = own_copy(value, heap)?;
        }
        let methods = RefCell::new(Rc::new(methods));
        Ok(Class { name, class: None, parents, variables: RefCell::new(variables), methods })
    }

    /// An instance: collections in its variables are its own.
    pub(crate) fn instance(self: &Rc<Class>, heap: &Heap) -> Outcome<Class> {
        let mut variables = self.variables.borrow().clone();
        for (_, value) in &mut variables {
            *value = own_copy(value, heap)?;
        }
        let class = self.class.clone().unwrap_or_else(|| self.clone());
        let methods = RefCell::new(self.methods.borrow().clone());
        Ok(Class {
            name: self.name,
            class: Some(class),
            parents: Vec::new(),
            variables: RefCell::new(variables),
            methods,
        })
    }

    pub(crate) fn get(&self, name: Sym) -> Option<Val> {
        self.variables.borrow().iter().find(|(sym, _)| *sym == name).map(|(_, value)| value.clone())
    }

    pub(crate) fn method(&self, name: Sym) -> Option<Rc<Routine>> {
        self.methods.borrow().iter().find(|(sym, _)| *sym == name).map(|(_, method)| method.clone())
    }

    /// Sets a variable it has. Whether it has it.
    pub(crate) fn set(&self, name: Sym, value: Val) -> bool {
        let mut variables = self.variables.borrow_mut();
        let Some(place) = variables.iter_mut().find(|(sym, _)| *sym == name) else { return false };
        let old = std::mem::replace(&mut place.1, value);
        drop(variables);
        drop(old);
        true
    }

    /// Adds or replaces a variable, while the class is made.
    pub(crate) fn define(&self, name: Sym, value: Val) -> Outcome<()> {
        if self.method(name).is_some() {
            return Err(Number::DuplicateIdentifier.into());
        }
        if !self.set(name, value.clone()) {
            self.variables.borrow_mut().push((name, value));
        }
        Ok(())
    }

    /// Adds or replaces a method, while the class is made.
    pub(crate) fn define_method(&self, name: Sym, method: Rc<Routine>) {
        self.variables.borrow_mut().retain(|(sym, _)| *sym != name);
        let mut methods = self.methods.borrow_mut();
        let methods = Rc::make_mut(&mut methods);
        match methods.iter_mut().find(|(sym, _)| *sym == name) {
            Some(place) => place.1 = method,
            None => methods.push((name, method)),
        }
    }

    /// Whether it is this class, an instance of it, or derived from it.
    pub(crate) fn is(self: &Rc<Class>, other: &Rc<Class>) -> bool {
        let mut left = vec![self.clone()];
        while let Some(class) = left.pop() {
            if Rc::ptr_eq(&class, other) {
                return true;
            }
            left.extend(class.class.iter().chain(&class.parents).cloned());
        }
        false
    }
}

impl Drop for Class {
    fn drop(&mut self) {
        bury(self.variables.take().into_iter().map(|(_, value)| value).collect());
    }
}

/// A member's value for an instance of its own.
fn own_copy(value: &Val, heap: &Heap) -> Outcome<Val> {
    Ok(match value {
        Val::List(_) | Val::Dict(_) | Val::Array(_) => shallow(value, heap)?,
        value => value.clone(),
    })
}

/// A copy of a collection, with the same elements.
pub(crate) fn shallow(value: &Val, heap: &Heap) -> Outcome<Val> {
    Ok(match value {
        Val::List(list) => {
            let items = match &*list.0.borrow() {
                Items::Listed(values) => Items::Listed(values.clone()),
                Items::Range { from, to } => Items::Range { from: *from, to: *to },
            };
            Val::List(heap.list(items))
        }
        Val::Dict(dict) => {
            let copy = heap.dict();
            copy.has_instances.set(dict.has_instances.get());
            for (key, value) in dict.pairs() {
                copy.set(key, value)?;
            }
            Val::Dict(copy)
        }
        Val::Array(array) => {
            let cells = array.cells.borrow().clone();
            Val::Array(heap.array(array.sizes.clone(), cells, array.empty.clone()))
        }
        Val::Class(class) => Val::Class(heap.class(class.instance(heap)?)),
        _ => return Err(Number::CollectionExpected.into()),
    })
}

/// A method of an instance as a value.
#[derive(Debug)]
pub(crate) struct Method {
    pub(crate) me: Rc<Class>,
    pub(crate) routine: Rc<Routine>,
}

impl Method {
    /// The same number for the same method of the same instance.
    pub(crate) fn identity(&self) -> usize {
        // Both addresses are of living things, and even: the sum of one with half of the other is as
        // good as unique, and equality looks at both.
        (Rc::as_ptr(&self.me) as usize).rotate_left(17) ^ (Rc::as_ptr(&self.routine) as usize)
    }

    pub(crate) fn is_same(&self, other: &Method) -> bool {
        Rc::ptr_eq(&self.me, &other.me) && Rc::ptr_eq(&self.routine, &other.routine)
    }
}
