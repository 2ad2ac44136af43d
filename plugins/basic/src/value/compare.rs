//! Equality and order. Numbers compare with numbers by what they are worth, strings with strings by
//! their bytes; values of different types are never equal, and ordered by their types.

use std::cmp::Ordering;

use super::Val;
use crate::fault::{Number, Outcome};

/// A number, exactly.
enum Worth {
    Int(i64),
    Real(f64),
}

fn worth(value: &Val) -> Option<Worth> {
    match value {
        Val::Int(int) => Some(Worth::Int(*int)),
        Val::Real(real) => Some(Worth::Real(*real)),
        Val::Bool(is) => Some(Worth::Int((*is).into())),
        Val::Unset => Some(Worth::Int(0)),
        _ => None,
    }
}

/// An integer against a real, without rounding either.
fn int_with_real(int: i64, real: f64) -> Option<Ordering> {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if real.is_nan() {
        None
    } else if real >= BEYOND {
        Some(Ordering::Less)
    } else if real < -BEYOND {
        Some(Ordering::Greater)
    } else {
        let whole = real.trunc();
        Some(int.cmp(&(whole as i64)).then(0.0.partial_cmp(&(real - whole)).unwrap_or(Ordering::Equal)))
    }
}

fn numbers(a: &Val, b: &Val) -> Option<Option<Ordering>> {
    Some(match (worth(a)?, worth(b)?) {
        (Worth::Int(a), Worth::Int(b)) => Some(a.cmp(&b)),
        (Worth::Real(a), Worth::Real(b)) => a.partial_cmp(&b),
        (Worth::Int(a), Worth::Real(b)) => int_with_real(a, b),
        (Worth::Real(a), Worth::Int(b)) => int_with_real(b, a).map(Ordering::reverse),
    })
}

/// Whether two values are equal.
pub(crate) fn equals(a: &Val, b: &Val) -> bool {
    if let Some(ordering) = numbers(a, b) {
        return ordering == Some(Ordering::Equal);
    }
    match (a, b) {
        (Val::Text(a), Val::Text(b)) => a == b,
        (Val::Nil, Val::Nil) | (Val::Unknown, Val::Unknown) => true,
        (Val::Type(a), Val::Type(b)) => a == b,
        (Val::Method(a), Val::Method(b)) => a.is_same(b),
        (a, b) => a.kind() == b.kind() && a.address().is_some() && a.address() == b.address(),
    }
}

/// The rank of a value's type: NIL, then numbers, then strings, then all others.
fn rank(value: &Val) -> u8 {
    match value {
        Val::Nil => 0,
        Val::Unknown => 1,
        Val::Unset | Val::Bool(_) | Val::Int(_) | Val::Real(_) => 2,
        Val::Text(_) => 3,
        value => 4 + value.kind() as u8,
    }
}

/// The order of two values for `<` and its kin; `None` where there is none, as with NaN.
///
/// # Errors
/// For two references of one type.
pub(crate) fn compare(a: &Val, b: &Val) -> Outcome<Option<Ordering>> {
    if let Some(ordering) = numbers(a, b) {
        return Ok(ordering);
    }
    match (a, b) {
        (Val::Text(a), Val::Text(b)) => Ok(Some(a.cmp(b))),
        _ if rank(a) != rank(b) => Ok(Some(rank(a).cmp(&rank(b)))),
        (Val::Nil, _) | (Val::Unknown, _) => Ok(Some(Ordering::Equal)),
        _ => Err(Number::UnexpectedType.into()),
    }
}

/// A total order, for sorting.
pub(crate) fn order(a: &Val, b: &Val) -> Ordering {
    match compare(a, b) {
        Ok(Some(ordering)) => ordering,
        // NaN goes last among the numbers.
        Ok(None) => is_nan(a).cmp(&is_nan(b)),
        Err(_) => Ordering::Equal,
    }
}

fn is_nan(value: &Val) -> bool {
    matches!(value, Val::Real(real) if real.is_nan())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_integers_compare_exactly_with_reals() {
        let big = (1_i64 << 53) + 1;
        let real = (1_i64 << 53) as f64;
        assert!(!equals(&Val::Int(big), &Val::Real(real)));
        assert_eq!(compare(&Val::Int(big), &Val::Real(real)).ok().flatten(), Some(Ordering::Greater));
        assert_eq!(compare(&Val::Int(i64::MAX), &Val::Real(9.3e18)).ok().flatten(), Some(Ordering::Less));
        assert_eq!(compare(&Val::Real(-2.5), &Val::Int(-2)).ok().flatten(), Some(Ordering::Less));
        assert_eq!(compare(&Val::Int(3), &Val::Real(2.5)).ok().flatten(), Some(Ordering::Greater));
        assert_eq!(compare(&Val::Int(0), &Val::Real(f64::NAN)).ok().flatten(), None);
    }

    #[test]
    fn sorting_is_total() {
        let mut all = [Val::text("b"), Val::Real(f64::NAN), Val::Int(2), Val::Nil, Val::Real(1.5), Val::text("a")];
        all.sort_by(order);
        let shown: Vec<String> = all.iter().map(|it| format!("{it:?}")).collect();
        assert_eq!(shown, ["Nil", "Real(1.5)", "Int(2)", "Real(NaN)", "Text([97])", "Text([98])"]);
    }
}
