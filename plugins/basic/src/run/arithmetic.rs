//! Operators on any two values. The loop over instructions does pairs of integers and of reals by
//! itself and comes here with the rest.

use super::super::number::computed;
use crate::core::Core;
use crate::fault::{Fault, Number, Outcome};
use crate::syntax::Place;
use crate::value::Val;

use calog_plugin_api::MAX_STRING_BYTES;

/// A number.
#[derive(Clone, Copy)]
enum Num {
    Int(i64),
    Real(f64),
}

impl Num {
    fn real(self) -> f64 {
        match self {
            Num::Int(int) => int as f64,
            Num::Real(real) => real,
        }
    }
}

/// The value as a number; NIL counts as 0.
fn number(value: &Val) -> Outcome<Num> {
    match value {
        Val::Int(int) => Ok(Num::Int(*int)),
        Val::Real(real) => Ok(Num::Real(*real)),
        Val::Bool(is) => Ok(Num::Int((*is).into())),
        Val::Unset | Val::Nil => Ok(Num::Int(0)),
        _ => Err(Number::UnexpectedType.into()),
    }
}

/// The value as a real.
///
/// # Errors
/// When it is no number.
pub(super) fn real_of(value: &Val) -> Outcome<f64> {
    number(value).map(Num::real).map_err(|_| Number::NotNumeric.into())
}

fn both(
    a: &Val,
    b: &Val,
    ints: impl FnOnce(i64, i64) -> Option<i64>,
    reals: impl FnOnce(f64, f64) -> f64,
) -> Outcome<Val> {
    let (a, b) = (number(a)?, number(b)?);
    if let (Num::Int(a), Num::Int(b)) = (a, b) {
        // What overflows stays a real, as its digits are not exact.
        return Ok(ints(a, b).map_or_else(|| Val::Real(reals(a as f64, b as f64)), Val::Int));
    }
    Ok(computed(reals(a.real(), b.real())))
}

#[cold]
pub(super) fn add(a: &Val, b: &Val) -> Outcome<Val> {
    match (a, b) {
        (Val::Text(a), Val::Text(b)) => {
            check_length(a.len() + b.len())?;
            let mut joined = Vec::with_capacity(a.len() + b.len());
            joined.extend_from_slice(a);
            joined.extend_from_slice(b);
            Ok(Val::text(joined))
        }
        (Val::Text(_), _) | (_, Val::Text(_)) => Err(Number::StringExpected.into()),
        _ => both(a, b, i64::checked_add, |a, b| a + b),
    }
}

/// Whether a string may be so long.
///
/// # Errors
/// When not.
pub(super) fn check_length(bytes: usize) -> Outcome<()> {
    if bytes <= MAX_STRING_BYTES { Ok(()) } else { Err(Fault::with(Number::OutOfMemory, "the string is too long")) }
}

#[cold]
pub(super) fn subtract(a: &Val, b: &Val) -> Outcome<Val> {
    both(a, b, i64::checked_sub, |a, b| a - b)
}

/// Adds a number of the program's text; a negative one was written with a minus.
#[cold]
pub(super) fn add_int(a: &Val, int: i32) -> Outcome<Val> {
    if int < 0 { subtract(a, &Val::Int(-i64::from(int))) } else { add(a, &Val::Int(int.into())) }
}

#[cold]
pub(super) fn multiply(a: &Val, b: &Val) -> Outcome<Val> {
    both(a, b, i64::checked_mul, |a, b| a * b)
}

pub(super) fn power(a: &Val, b: &Val) -> Outcome<Val> {
    if let (Num::Int(base), Num::Int(exponent)) = (number(a)?, number(b)?)
        && exponent >= 0
    {
        let exact = u32::try_from(exponent).ok().and_then(|exponent| base.checked_pow(exponent));
        let real = || match (base, exponent % 2) {
            // These are small whatever the exponent.
            (0 | 1, _) => Val::Int(base),
            (-1, 0) => Val::Int(1),
            (-1, _) => Val::Int(-1),
            _ => Val::Real((base as f64).powf(exponent as f64)),
        };
        return Ok(exact.map_or_else(real, Val::Int));
    }
    let (a, b) = (number(a)?, number(b)?);
    Ok(computed(a.real().powf(b.real())))
}

pub(super) fn negate(a: &Val) -> Outcome<Val> {
    match number(a)? {
        Num::Int(int) => Ok(int.checked_neg().map_or_else(|| computed(-(int as f64)), Val::Int)),
        Num::Real(real) => Ok(computed(-real)),
    }
}

/// What division by zero gives, besides the warning.
fn by_zero(core: &Core, place: Place, a: Num) -> Val {
    core.warn(place, Number::DIVIDE_BY_ZERO);
    Val::Real(if a.real() == 0.0 { f64::NAN } else { f64::INFINITY })
}

pub(super) fn divide(core: &Core, place: Place, a: &Val, b: &Val) -> Outcome<Val> {
    let (a, b) = (number(a)?, number(b)?);
    if b.real() == 0.0 {
        return Ok(by_zero(core, place, a));
    }
    if let (Num::Int(a), Num::Int(b)) = (a, b)
        && a.checked_rem(b) == Some(0)
    {
        return Ok(Val::Int(a / b));
    }
    Ok(computed(a.real() / b.real()))
}

/// Both cut off to integers; the result has the sign of the first.
pub(super) fn modulo(core: &Core, place: Place, a: &Val, b: &Val) -> Outcome<Val> {
    let (a, b) = (number(a)?, number(b)?);
    let whole = |number| match number {
        Num::Int(int) => int,
        Num::Real(real) => real as i64,
    };
    match whole(b) {
        0 => Ok(by_zero(core, place, a)),
        by => Ok(Val::Int(whole(a).wrapping_rem(by))),
    }
}
