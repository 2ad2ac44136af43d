//! INPUT: lines of the standard input.
//!
//! Reading cannot be taken back, so one thread of the process does it, and outlives whoever asked: a
//! context that closes meanwhile waits for nothing, and the line that comes too late is the next one's.

use std::io::BufRead;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use calog_plugin_api::{Completion, Finisher, Result, RuntimeHandle, Value};

use crate::fault::{Number, Outcome};
use crate::number;
use crate::value::Val;

/// The way to the reader, once there is one.
static READER: Mutex<Option<Sender<Finisher>>> = Mutex::new(None);

/// Asks for a line, without its end; nil at the end of the input.
///
/// # Errors
/// The system's, when no thread can be made.
pub(crate) fn line(runtime: &RuntimeHandle) -> Result<Completion> {
    let (completion, finisher) = runtime.completion("a line of INPUT");
    #[cfg(test)]
    if let Some(line) = crate::tests::typed::next_line() {
        // Whoever waits is there: this is its thread.
        let _ = finisher.finish(Ok(line.map_or(Value::Nil, Value::from)));
        return Ok(completion);
    }
    let mut reader = READER.lock().unwrap_or_else(PoisonError::into_inner);
    let unsent = match &*reader {
        Some(reader) => reader.send(finisher).err().map(|unsent| unsent.0),
        None => Some(finisher),
    };
    if let Some(finisher) = unsent {
        let (asks, asked) = channel();
        thread::Builder::new().name("calog input".to_owned()).spawn(move || serve(&asked))?;
        // It waits for this.
        let _ = asks.send(finisher);
        *reader = Some(asks);
    }
    Ok(completion)
}

/// Reads a line for each who asks, in their order.
fn serve(asked: &Receiver<Finisher>) {
    let mut unwanted = None;
    for finisher in asked {
        let line = unwanted.take().unwrap_or_else(read_line);
        unwanted = finisher.finish(line).err();
    }
}

fn read_line() -> Result<Value> {
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
