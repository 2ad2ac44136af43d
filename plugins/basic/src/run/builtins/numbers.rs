//! Functions of numbers.

use super::super::arithmetic::real_of;
use crate::builtin::Builtin;
use crate::core::Core;
use crate::fault::{Number, Outcome};
use crate::number::computed;
use crate::value::{Val, index_of};

/// A function of one number. A number that it has no value for gives nan, and a warning.
pub(super) fn of_one(core: &Core, which: Builtin, value: &Val) -> Outcome<Val> {
    if let Val::Int(int) = value {
        match which {
            Builtin::Abs if *int != i64::MIN => return Ok(Val::Int(int.abs())),
            Builtin::Sgn => return Ok(Val::Int(int.signum())),
            Builtin::Floor | Builtin::Ceil | Builtin::Fix | Builtin::Round => return Ok(Val::Int(*int)),
            _ => {}
        }
    }
    let real = real_of(value)?;
    let result = match which {
        Builtin::Abs => real.abs(),
        Builtin::Sgn if real == 0.0 || real.is_nan() => 0.0,
        Builtin::Sgn => real.signum(),
        // The root of a negative number prints as nan, not as -nan.
        Builtin::Sqr => real.sqrt(),
        Builtin::Floor => real.floor(),
        Builtin::Ceil => real.ceil(),
        Builtin::Fix => real.trunc(),
        Builtin::Round => (real + 0.5).floor(),
        Builtin::Sin => real.sin(),
        Builtin::Cos => real.cos(),
        Builtin::Tan => real.tan(),
        Builtin::Asin => real.asin(),
        Builtin::Acos => real.acos(),
        Builtin::Atan => real.atan(),
        Builtin::Exp => real.exp(),
        _ => real.ln(),
    };
    if result.is_nan() && !real.is_nan() {
        core.warn_here(Number::NO_VALUE);
    }
    Ok(computed(result))
}

/// RND, SRND and TICKS.
pub(super) fn random(core: &Core, which: Builtin, arguments: &[Val]) -> Outcome<Val> {
    let number = |value: &Val| index_of(value).map_err(|_| Number::NotNumeric);
    match (which, arguments) {
        (Builtin::Ticks, _) => Ok(Val::Int((core.runtime.now_ns() / 1_000_000) as i64)),
        (Builtin::Srnd, [seed]) => {
            core.random.seed(number(seed)? as u64);
            Ok(Val::Nil)
        }
        (_, []) => Ok(computed(core.random.real())),
        (_, [high]) => between(core, 0, number(high)?),
        (_, [low, high, ..]) => between(core, number(low)?, number(high)?),
    }
}

fn between(core: &Core, low: i64, high: i64) -> Outcome<Val> {
    if low >= high {
        return Err(Number::IndexOutOfBound.into());
    }
    Ok(Val::Int(core.random.int(low, high)))
}
