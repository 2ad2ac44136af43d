//! INPUT: lines of the standard input, read on a thread that may block.

use std::io::BufRead;

use calog_plugin_api::{Result, Value};

use crate::fault::{Number, Outcome};
use crate::number;
use crate::value::Val;

/// Reads a line, without its end; nil at the end of the input.
pub(crate) fn read_line() -> Result<Value> {
    #[cfg(test)]
    if let Some(line) = crate::tests::mock::next_line() {
        return Ok(line.map_or(Value::Nil, Value::from));
    }
    let mut line = Vec::new();
    if std::io::stdin().lock().read_until(b'\n', &mut line)? == 0 {
        return Ok(Value::Nil);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    }
    Ok(Value::from(line))
}

/// The line as the variable wants it: a string, or a number.
pub(crate) fn parsed(line: &Value, is_text: bool) -> Outcome<Val> {
    match line.view().as_bytes() {
        None => Ok(Val::Nil),
        Some(line) if is_text => Ok(Val::text(line)),
        Some(line) => number::parse_signed(line).ok_or_else(|| Number::NotNumeric.into()),
    }
}
