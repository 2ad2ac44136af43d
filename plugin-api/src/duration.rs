//! Milliseconds as scripts give them, for natives that take a time.

use std::time::Duration;

use crate::error::{Code, Error, Result};
use crate::value::View;

/// The longest time: what fits into 64 bits of nanoseconds.
const LONGEST_MS: f64 = u64::MAX as f64 / 1e6;

/// A time, and how it was written: messages repeat the number as the script gave it.
///
/// ```
/// use calog_plugin_api::{Milliseconds, View};
/// let error = Milliseconds::read("clock.later", "ms", View::int(-1)).unwrap_err();
/// assert_eq!(error.message(), "clock.later: invalid duration (ms=-1)");
/// ```
#[derive(Clone, Debug)]
pub struct Milliseconds {
    /// The time, to the nanosecond.
    pub duration: Duration,
    /// The number as it was given: "20", "0.5".
    pub given: String,
}

impl Milliseconds {
    /// Reads an argument of a native: "clock.later", "ms".
    ///
    /// # Errors
    /// `type` for what is no number, `range` for a number that is no time.
    pub fn read(native: &str, parameter: &str, value: View<'_>) -> Result<Milliseconds> {
        let Some(ms) = value.as_number() else {
            let found = value.kind().name();
            let message = format!("{native}: '{parameter}': wanted a number of milliseconds, got {found}");
            return Err(Error::new(Code::Type, message));
        };
        let given = value.as_int().map_or_else(|| shown(ms), |int| int.to_string());
        if !ms.is_finite() || ms < 0.0 {
            return Err(Error::new(Code::Range, format!("{native}: invalid duration (ms={given})")));
        }
        if ms > LONGEST_MS {
            return Err(Error::new(Code::Range, format!("{native}: duration out of range (ms={given})")));
        }
        Ok(Milliseconds { duration: Duration::from_nanos((ms * 1e6) as u64), given })
    }
}

/// A real as short as it can be written: 1e20, 0.5, 20.
fn shown(ms: f64) -> String {
    let (plain, scientific) = (ms.to_string(), format!("{ms:e}"));
    if scientific.len() < plain.len() { scientific } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn times_are_read_as_they_were_given() {
        let read = |value: Value| Milliseconds::read("task.sleep", "ms", value.view());
        assert_eq!(read(20.into()).map(|it| (it.duration, it.given)), Ok((Duration::from_millis(20), "20".into())));
        assert_eq!(read(0.5.into()).map(|it| (it.duration, it.given)), Ok((Duration::from_micros(500), "0.5".into())));
        for (value, code, message) in [
            (Value::Int(-1), Code::Range, "task.sleep: invalid duration (ms=-1)"),
            (Value::Real(f64::NAN), Code::Range, "task.sleep: invalid duration (ms=NaN)"),
            (Value::Real(1e20), Code::Range, "task.sleep: duration out of range (ms=1e20)"),
            (Value::from("x"), Code::Type, "task.sleep: 'ms': wanted a number of milliseconds, got string"),
        ] {
            let error = read(value).expect_err(message);
            assert_eq!((error.code(), &*error.message()), (code, message));
        }
    }
}
