//! Functions of collections and of what walks through them.

use super::super::steps::{dict_iterator, list_iterator, list_of, list_place, set_in_list};
use super::strings::count_points;
use crate::builtin::Builtin;
use crate::core::Core;
use crate::fault::{Number, Outcome};
use crate::value::{Dict, Items, Key, List, MAX_ELEMENTS, Val, bury, equals, index_of, order, shallow};

pub(super) fn call(core: &Core, which: Builtin, arguments: &mut [Val]) -> Outcome<Val> {
    match which {
        Builtin::List => Ok(list_of(core, super::taken(arguments))),
        Builtin::Range => range(core, arguments),
        Builtin::Dict => dict(core, arguments),
        Builtin::Len => len(arguments),
        Builtin::Push => {
            let Some((target, values)) = arguments.split_first_mut() else { return Err(Number::ListExpected.into()) };
            let list = list_in(target)?;
            let mut items = list.0.borrow_mut();
            let items = items.listed()?;
            check_room(items.len() + values.len())?;
            items.extend(values.iter_mut().map(std::mem::take));
            Ok(target.clone())
        }
        Builtin::Pop | Builtin::Back => end(core, which, arguments),
        Builtin::Insert => insert(arguments),
        Builtin::Sort => {
            let [target] = arguments else { return Err(Number::ListExpected.into()) };
            list_in(target)?.0.borrow_mut().listed()?.sort_by(order);
            Ok(target.clone())
        }
        Builtin::Exists => exists(arguments),
        Builtin::IndexOf => {
            let [target, value] = arguments else { return Err(Number::ListExpected.into()) };
            let place = find(list_in(target)?, value);
            Ok(place.map_or(Val::Unknown, |place| Val::Int(place as i64)))
        }
        Builtin::Get => get(arguments),
        Builtin::Set => set(arguments),
        Builtin::Remove => remove(arguments),
        Builtin::Clear => clear(arguments),
        Builtin::Clone => {
            arguments.first().map_or(Err(Number::CollectionExpected.into()), |it| shallow(it, &core.heap))
        }
        Builtin::ToArray => {
            let [target] = arguments else { return Err(Number::ListExpected.into()) };
            let values = list_in(target)?.0.borrow().to_vec()?;
            Ok(Val::Array(core.heap.array(vec![values.len()], values, None)))
        }
        Builtin::Iterator => match arguments {
            [Val::List(list)] => Ok(list_iterator(list)),
            [Val::Dict(dict)] => Ok(dict_iterator(dict)),
            _ => Err(Number::CollectionExpected.into()),
        },
        Builtin::MoveNext => match arguments {
            [Val::ListIter(iterator)] => Ok(Val::Bool(iterator.move_next())),
            [Val::DictIter(iterator)] => Ok(Val::Bool(iterator.move_next())),
            _ => Err(Number::InvalidIterator.into()),
        },
        _ => Err(Number::UnexpectedType.into()),
    }
}

fn list_in(value: &Val) -> Outcome<&List> {
    match value {
        Val::List(list) => Ok(list),
        _ => Err(Number::ListExpected.into()),
    }
}

fn check_room(elements: usize) -> Outcome<()> {
    if elements <= MAX_ELEMENTS { Ok(()) } else { Err(Number::OutOfMemory.into()) }
}

fn range(core: &Core, arguments: &[Val]) -> Outcome<Val> {
    let [from, to] = arguments else { return Err(Number::CommaExpected.into()) };
    let number = |value| index_of(value).map_err(|_| Number::IntegerExpected);
    let (from, to) = (number(from)?, number(to)?);
    // Its length is to be an integer.
    if i64::try_from(from.abs_diff(to)).is_ok_and(|steps| steps < i64::MAX) {
        Ok(Val::List(core.heap.list(Items::Range { from, to })))
    } else {
        Err(Number::IndexOutOfBound.into())
    }
}

fn dict(core: &Core, arguments: &mut [Val]) -> Outcome<Val> {
    let dict = core.heap.dict();
    if !arguments.len().is_multiple_of(2) {
        return Err(Number::CommaExpected.into());
    }
    let mut arguments = arguments.iter_mut().map(std::mem::take);
    while let (Some(key), Some(value)) = (arguments.next(), arguments.next()) {
        dict.set(key, value)?;
    }
    Ok(Val::Dict(dict))
}

fn len(arguments: &[Val]) -> Outcome<Val> {
    let length = match arguments {
        [Val::Text(text)] => count_points(text),
        [Val::Array(array)] => array.cells.borrow().len(),
        [Val::List(list)] => list.0.borrow().len(),
        [Val::Dict(dict)] => dict.len(),
        _ => return Err(Number::UnexpectedType.into()),
    };
    Ok(Val::Int(length as i64))
}

/// The last element, taken off or not.
fn end(core: &Core, which: Builtin, arguments: &[Val]) -> Outcome<Val> {
    let [target] = arguments else { return Err(Number::ListExpected.into()) };
    let mut items = list_in(target)?.0.borrow_mut();
    let value = match (which, &mut *items) {
        (Builtin::Back, items) => items.len().checked_sub(1).and_then(|last| items.get(last)),
        (_, items) => items.listed()?.pop(),
    };
    if value.is_none() {
        core.warn_here("Empty collection");
    }
    Ok(value.unwrap_or(Val::Nil))
}

fn insert(arguments: &mut [Val]) -> Outcome<Val> {
    let [target, index, value] = arguments else { return Err(Number::ListExpected.into()) };
    let list = list_in(target)?;
    let mut items = list.0.borrow_mut();
    let items = items.listed()?;
    let place = usize::try_from(index_of(index)?).ok().filter(|place| *place <= items.len());
    check_room(items.len() + 1)?;
    items.insert(place.ok_or(Number::InvalidExpression)?, std::mem::take(value));
    Ok(target.clone())
}

fn find(list: &List, value: &Val) -> Option<usize> {
    match (&*list.0.borrow(), value) {
        (Items::Listed(values), value) => values.iter().position(|it| equals(it, value)),
        (Items::Range { from, to }, Val::Int(int)) => {
            let (low, high) = (from.min(to), from.max(to));
            (low..=high).contains(&int).then(|| usize::try_from(int.abs_diff(*from)).unwrap_or(usize::MAX))
        }
        (Items::Range { .. }, Val::Real(real)) if real.fract() == 0.0 && real.abs() < 9.2e18 => {
            find(list, &Val::Int(*real as i64))
        }
        (Items::Range { .. }, Val::Bool(is)) => find(list, &Val::Int((*is).into())),
        (Items::Range { .. }, _) => None,
    }
}

fn exists(arguments: &[Val]) -> Outcome<Val> {
    match arguments {
        [Val::List(list), value] => Ok(Val::Bool(find(list, value).is_some())),
        [Val::Dict(dict), key] => Ok(Val::Bool(dict.has(&Key::of(key)))),
        _ => Err(Number::CollectionExpected.into()),
    }
}

fn get(arguments: &[Val]) -> Outcome<Val> {
    match arguments {
        [Val::List(list), index] => {
            let place = list_place(list, index)?;
            Ok(list.0.borrow().get(place).unwrap_or(Val::Nil))
        }
        [Val::Dict(dict), key] => Ok(dict.get(&Key::of(key)).unwrap_or(Val::Nil)),
        [Val::ListIter(iterator)] => iterator.get().ok_or_else(|| Number::InvalidIterator.into()),
        [Val::DictIter(iterator)] => iterator.key().cloned().ok_or_else(|| Number::InvalidIterator.into()),
        _ => Err(Number::CollectionExpected.into()),
    }
}

/// One element of a list, or any number of pairs of a dictionary.
fn set(arguments: &mut [Val]) -> Outcome<Val> {
    let Some((target, rest)) = arguments.split_first_mut() else { return Err(Number::CollectionExpected.into()) };
    match (&*target, rest) {
        (Val::List(list), [index, value]) => set_in_list(list, index, std::mem::take(value))?,
        (Val::Dict(dict), pairs) if pairs.len().is_multiple_of(2) => set_pairs(dict, pairs)?,
        (Val::List(_) | Val::Dict(_), _) => return Err(Number::CommaExpected.into()),
        _ => return Err(Number::CollectionExpected.into()),
    }
    Ok(target.clone())
}

fn set_pairs(dict: &Dict, pairs: &mut [Val]) -> Outcome<()> {
    let mut pairs = pairs.iter_mut().map(std::mem::take);
    while let (Some(key), Some(value)) = (pairs.next(), pairs.next()) {
        dict.set(key, value)?;
    }
    Ok(())
}

fn remove(arguments: &[Val]) -> Outcome<Val> {
    match arguments {
        [target @ Val::List(list), index] => {
            let place = list_place(list, index)?;
            let mut items = list.0.borrow_mut();
            let old = items.listed()?.remove(place);
            drop(items);
            drop(old);
            Ok(target.clone())
        }
        [target @ Val::Dict(dict), key] => {
            if dict.remove(&Key::of(key)) {
                Ok(target.clone())
            } else {
                Err(Number::NotFound.into())
            }
        }
        _ => Err(Number::CollectionExpected.into()),
    }
}

fn clear(arguments: &[Val]) -> Outcome<Val> {
    match arguments {
        [target @ Val::List(list)] => {
            let old = list.0.take();
            if let Items::Listed(values) = old {
                bury(values);
            }
            Ok(target.clone())
        }
        [target @ Val::Dict(dict)] => {
            dict.clear();
            Ok(target.clone())
        }
        _ => Err(Number::CollectionExpected.into()),
    }
}
