//! Standard output: what contexts print, written in whole lines.

use std::io::Write;
use std::sync::Arc;

use crate::sync::Mutex;

/// Where lines go; shared by all contexts of a runtime.
pub(crate) type Sink = Arc<Mutex<Box<dyn Write + Send>>>;

/// One context's unfinished line.
pub(crate) struct Printer {
    sink: Sink,
    line: Mutex<Vec<u8>>,
}

impl Printer {
    pub(crate) fn new(sink: &Sink) -> Printer {
        Printer { sink: Arc::clone(sink), line: Mutex::new(Vec::new()) }
    }

    /// Adds bytes; whole lines are written at once, the rest waits for its end.
    pub(crate) fn print(&self, bytes: &[u8]) {
        let mut line = self.line.lock();
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        if whole > 0 {
            line.extend_from_slice(&bytes[..whole]);
            self.write(&line);
            line.clear();
        }
        line.extend_from_slice(&bytes[whole..]);
    }

    /// Writes an unfinished line, when its context ends.
    pub(crate) fn flush(&self) {
        let line = std::mem::take(&mut *self.line.lock());
        if !line.is_empty() {
            self.write(&line);
        }
    }

    fn write(&self, bytes: &[u8]) {
        let mut sink = self.sink.lock();
        // A reader that left (a closed pipe) is no reason to fail a script.
        let _ = sink.write_all(bytes).and_then(|()| sink.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sink that can be looked into.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_of_two_contexts_stay_whole() {
        let seen = Shared::default();
        let sink: Sink = Arc::new(Mutex::new(Box::new(seen.clone())));
        let (one, two) = (Printer::new(&sink), Printer::new(&sink));
        one.print(b"a");
        two.print(b"b\nc");
        one.print(b"a\n");
        assert_eq!(*seen.0.lock(), b"b\naa\n");
        two.flush();
        two.flush();
        assert_eq!(*seen.0.lock(), b"b\naa\nc");
    }
}
