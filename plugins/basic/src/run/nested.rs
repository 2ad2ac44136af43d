//! Functions of the language that call methods of instances: sorting with COMPARE, keys with HASH.
//!
//! Such a method runs inside of the function, so what waits in it waits in place: the thread serves
//! its mailbox meanwhile.

use std::cmp::Ordering;
use std::rc::Rc;

use calog_plugin_api::CallInfo;

use super::drive::Progress;
use super::{Frame, Task};
use crate::builtin::Builtin;
use crate::core::Core;
use crate::fault::{Fault, Number, Outcome};
use crate::names::Sym;
use crate::value::{Class, Dict, Key, List, Method, Val, index_of, order};

impl Core {
    /// Calls a routine and waits for its end.
    fn call_inside(&self, function: &Val, arguments: Vec<Val>, info: &CallInfo) -> Outcome<Val> {
        let _nested = self.nest()?;
        let mut task = Task { is_nested: true, ..self.task_of(function, arguments)? };
        let mut progress = self.advance(&mut task, info);
        loop {
            match progress {
                Progress::Done(Err(Fault::Broker(error))) => {
                    return Err(self.trace(&task, &Fault::Broker(error)).into());
                }
                Progress::Done(result) => return result,
                Progress::Waits(wait, completion) => {
                    // Whoever asks where the program waits hears of the method, not of what called it.
                    let before = self.site.replace(task.frames.last().map(Frame::site));
                    let result = {
                        let _outer = self.outer(&task);
                        self.host.wait(completion, info)
                    };
                    self.site.set(before);
                    progress = self.go_on(&mut task, wait, result, info);
                }
            }
        }
    }

    fn call_method(&self, me: &Rc<Class>, name: Sym, arguments: Vec<Val>, info: &CallInfo) -> Outcome<Val> {
        let routine = me.method(name).ok_or(Number::InvalidIdentifier)?;
        self.call_inside(&Val::Method(Rc::new(Method { me: me.clone(), routine })), arguments, info)
    }

    /// A function of the language that may call methods.
    pub(super) fn calling_builtin(&self, which: Builtin, mut arguments: Vec<Val>, info: &CallInfo) -> Outcome<Val> {
        match (which, arguments.as_mut_slice()) {
            (Builtin::Sort, [target]) => {
                if let Val::List(list) = &*target {
                    self.sort(list, info)?;
                }
                Ok(target.clone())
            }
            (Builtin::Dict, _) => {
                let dict = self.heap.dict();
                let target = Val::Dict(dict);
                let mut pairs = arguments.into_iter();
                while let Some(key) = pairs.next() {
                    let value = pairs.next().ok_or(Number::CommaExpected)?;
                    self.set_hashed(&target, vec![key], value, info)?;
                }
                Ok(target)
            }
            (Builtin::Set, [target, pairs @ ..]) => {
                for pair in pairs.chunks_mut(2) {
                    let [key, value] = pair else { return Err(Number::CommaExpected.into()) };
                    self.set_hashed(target, vec![std::mem::take(key)], std::mem::take(value), info)?;
                }
                Ok(target.clone())
            }
            (_, [target @ Val::Dict(_), key]) => {
                if let Val::Dict(dict) = &*target {
                    *key = self.known_key(dict, std::mem::take(key), info)?;
                }
                self.own_builtin(which, &mut arguments)
            }
            _ => self.own_builtin(which, &mut arguments),
        }
    }

    /// Sets a pair whose key may hash itself.
    pub(super) fn set_hashed(&self, target: &Val, key: Vec<Val>, value: Val, info: &CallInfo) -> Outcome<()> {
        let (Val::Dict(dict), Some(key)) = (target, key.into_iter().next()) else {
            return Err(Number::CollectionExpected.into());
        };
        let key = self.known_key(dict, key, info)?;
        dict.set(key, value)
    }

    /// The instance that already is the key in the dictionary and equals this one, or this one.
    fn known_key(&self, dict: &Dict, key: Val, info: &CallInfo) -> Outcome<Val> {
        let Val::Class(own) = &key else { return Ok(key) };
        if !self.hashes_itself(&key) || dict.has(&Key::of(&key)) {
            return Ok(key);
        }
        let hash = self.call_method(own, self.special.hash, Vec::new(), info)?;
        for other in dict.keys() {
            let Val::Class(known) = &other else { continue };
            if !self.hashes_itself(&other) {
                continue;
            }
            let known_hash = self.call_method(known, self.special.hash, Vec::new(), info)?;
            if crate::value::equals(&hash, &known_hash) && self.compare_instances(own, &other, info)? == Ordering::Equal
            {
                return Ok(other);
            }
        }
        Ok(key)
    }

    /// What COMPARE says: below, at or above zero.
    fn compare_instances(&self, own: &Rc<Class>, other: &Val, info: &CallInfo) -> Outcome<Ordering> {
        let answer = self.call_method(own, self.special.compare, vec![other.clone()], info)?;
        match answer {
            Val::Real(real) => Ok(real.partial_cmp(&0.0).unwrap_or(Ordering::Equal)),
            answer => Ok(index_of(&answer)?.cmp(&0)),
        }
    }

    fn compare_elements(&self, a: &Val, b: &Val, info: &CallInfo) -> Outcome<Ordering> {
        match (a, b) {
            (Val::Class(own), other) if self.compares_itself(a) && matches!(other, Val::Class(_)) => {
                self.compare_instances(own, other, info)
            }
            _ => Ok(order(a, b)),
        }
    }

    /// Sorts by merging, so that whatever COMPARE says, it ends.
    fn sort(&self, list: &List, info: &CallInfo) -> Outcome<()> {
        let mut values = list.0.borrow().to_vec()?;
        let mut width = 1;
        while width < values.len() {
            let mut merged = Vec::with_capacity(values.len());
            for run in values.chunks(width * 2) {
                let (mut left, mut right) = run.split_at(width.min(run.len()));
                while let (Some(a), Some(b)) = (left.first(), right.first()) {
                    let from =
                        if self.compare_elements(a, b, info)? == Ordering::Greater { &mut right } else { &mut left };
                    merged.push(from.first().cloned().unwrap_or(Val::Nil));
                    *from = from.get(1..).unwrap_or_default();
                }
                merged.extend_from_slice(left);
                merged.extend_from_slice(right);
            }
            values = merged;
            width *= 2;
        }
        let old = std::mem::replace(list.0.borrow_mut().listed()?, values);
        drop(old);
        Ok(())
    }
}
