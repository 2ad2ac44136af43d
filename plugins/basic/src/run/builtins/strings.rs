//! Functions of strings. They count in code points; a byte that is no part of one counts as one.

use crate::builtin::Builtin;
use crate::core::Core;
use crate::fault::{Number, Outcome};
use crate::number;
use crate::value::{Val, index_of};

pub(super) fn call(core: &Core, which: Builtin, arguments: &[Val]) -> Outcome<Val> {
    match (which, arguments) {
        (Builtin::Str, [Val::Text(text)]) => Ok(Val::Text(text.clone())),
        (Builtin::Str, [value @ (Val::Unset | Val::Bool(_) | Val::Int(_) | Val::Real(_))]) => {
            Ok(Val::text(core.shown(value)))
        }
        (Builtin::Str, [Val::Type(kind)]) => Ok(Val::text(kind.name())),
        // One with TO_STRING has been asked already.
        (Builtin::Str, [Val::Class(class)]) => Ok(Val::text(&*core.names.text(class.name))),
        (Builtin::Str, _) => Err(Number::Calculation.into()),
        (Builtin::Chr, [code]) => {
            let code = index_of(code).map_err(|_| Number::NotNumeric)?;
            let character = u32::try_from(code).ok().and_then(char::from_u32).ok_or(Number::IndexOutOfBound)?;
            Ok(Val::text(character.to_string()))
        }
        (Builtin::Asc, [text]) => {
            let bytes = bytes_of(text)?;
            let length = first_length(bytes).ok_or(Number::IndexOutOfBound)?;
            let character =
                std::str::from_utf8(bytes.get(..length).unwrap_or_default()).ok().and_then(|it| it.chars().next());
            let code =
                character.map_or_else(|| bytes.first().copied().map_or(0, i64::from), |it| i64::from(u32::from(it)));
            Ok(Val::Int(code))
        }
        (Builtin::Left, [text, count]) => part(bytes_of(text)?, 0, length_of(count)?),
        (Builtin::Right, [text, count]) => {
            let (bytes, count) = (bytes_of(text)?, length_of(count)?);
            let start = count_points(bytes).checked_sub(count).ok_or(Number::IndexOutOfBound)?;
            part(bytes, start, count)
        }
        (_, [text, start, count]) => {
            let start = usize::try_from(index_of(start)?).map_err(|_| Number::IndexOutOfBound)?;
            part(bytes_of(text)?, start, length_of(count)?)
        }
        _ => Err(Number::CommaExpected.into()),
    }
}

/// VAL of a string, or of what walks through a dictionary.
pub(super) fn val(value: &Val) -> Outcome<Val> {
    match value {
        Val::Text(text) => number::parse_signed(text).ok_or_else(|| Number::Calculation.into()),
        Val::DictIter(iterator) => {
            let key = iterator.key().ok_or(Number::InvalidIterator)?;
            Ok(iterator.dict.get(&crate::value::Key::of(key)).unwrap_or(Val::Nil))
        }
        _ => Err(Number::Calculation.into()),
    }
}

fn bytes_of(value: &Val) -> Outcome<&[u8]> {
    match value {
        Val::Text(text) => Ok(text),
        _ => Err(Number::StringExpected.into()),
    }
}

/// A count of characters, which must be above zero.
fn length_of(value: &Val) -> Outcome<usize> {
    usize::try_from(index_of(value)?).ok().filter(|it| *it > 0).ok_or_else(|| Number::IndexOutOfBound.into())
}

/// The bytes of the first code point.
fn first_length(bytes: &[u8]) -> Option<usize> {
    let length = match bytes.first()? {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => 1,
    };
    let is_whole = bytes.get(..length).is_some_and(|it| std::str::from_utf8(it).is_ok());
    Some(if is_whole { length } else { 1 })
}

/// How many code points there are.
pub(super) fn count_points(mut bytes: &[u8]) -> usize {
    if bytes.is_ascii() {
        return bytes.len();
    }
    let mut count = 0;
    while let Some(length) = first_length(bytes) {
        bytes = bytes.get(length..).unwrap_or_default();
        count += 1;
    }
    count
}

/// So many code points from `start` on, all of which must be there.
fn part(bytes: &[u8], start: usize, count: usize) -> Outcome<Val> {
    let end = start.checked_add(count).ok_or(Number::IndexOutOfBound)?;
    if bytes.is_ascii() {
        return Ok(Val::text(bytes.get(start..end).ok_or(Number::IndexOutOfBound)?));
    }
    let mut place = 0;
    let mut from = None;
    for point in 0..end {
        if point == start {
            from = Some(place);
        }
        let rest = bytes.get(place..).unwrap_or_default();
        place += first_length(rest).ok_or(Number::IndexOutOfBound)?;
    }
    Ok(Val::text(bytes.get(from.unwrap_or(0)..place).ok_or(Number::IndexOutOfBound)?))
}
