//! What has come and nobody has taken yet.
//!
//! Invariant: bytes leave it in the order in which they came, and only by `consume`, once somebody
//! surely has them.

/// The bytes of a connection that wait for `recv`.
#[derive(Default)]
pub(crate) struct Incoming {
    bytes: Vec<u8>,
    /// How many of them are taken already.
    taken: usize,
    /// How many of the rest are known to hold no line end.
    searched: usize,
}

/// A search for a line.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Line {
    /// So many bytes without the line end, so many with it.
    Found {
        content: usize,
        whole: usize,
    },
    NotYet,
    /// There are more bytes than a line may have.
    TooLong,
}

impl Incoming {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends what has come.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        // Moving the rest pays when at least as much was taken: each byte is moved at most once or so.
        if self.taken > self.bytes.len() / 2 {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes so many away.
    pub(crate) fn consume(&mut self, count: usize) {
        self.taken += count;
        self.searched = self.searched.saturating_sub(count);
        if self.taken == self.bytes.len() {
            self.taken = 0;
            self.bytes.clear();
            // What one large message needed is not kept for ever.
            self.bytes.shrink_to(KEEP);
        }
    }

    /// Looks for the first line end, LF or CR LF, among at most `limit` bytes of content.
    pub(crate) fn line(&mut self, limit: usize) -> Line {
        let bytes = &self.bytes[self.taken..];
        let found = bytes[self.searched..].iter().position(|byte| *byte == b'\n');
        let Some(at) = found.map(|at| at + self.searched) else {
            self.searched = bytes.len();
            // A CR may still turn out to belong to the line end.
            let content = bytes.len() - usize::from(bytes.last() == Some(&b'\r'));
            return if content > limit { Line::TooLong } else { Line::NotYet };
        };
        let content = if at > 0 && bytes[at - 1] == b'\r' { at - 1 } else { at };
        if content > limit { Line::TooLong } else { Line::Found { content, whole: at + 1 } }
    }
}

/// How much memory an empty buffer keeps.
const KEEP: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives the bytes in pieces of this size; all lines, then what is left.
    fn lines(text: &str, piece: usize) -> Vec<String> {
        let (mut incoming, mut lines) = (Incoming::default(), Vec::new());
        for piece in text.as_bytes().chunks(piece) {
            incoming.push(piece);
            while let Line::Found { content, whole } = incoming.line(100) {
                lines.push(String::from_utf8_lossy(&incoming.bytes()[..content]).into_owned());
                incoming.consume(whole);
            }
        }
        lines.push(String::from_utf8_lossy(incoming.bytes()).into_owned());
        lines
    }

    #[test]
    fn lines_come_whole_however_they_arrive() {
        for piece in 1..20 {
            let text = "one\ntwo\r\n\n\r\n\rx\r\r\nthe rest\r";
            assert_eq!(lines(text, piece), ["one", "two", "", "", "\rx\r", "the rest\r"], "pieces of {piece}");
        }
    }

    #[test]
    fn a_line_may_have_so_many_bytes() {
        let line = |text: &str| {
            let mut incoming = Incoming::default();
            incoming.push(text.as_bytes());
            incoming.line(3)
        };
        assert_eq!(line("abc"), Line::NotYet);
        assert_eq!(line("abc\r"), Line::NotYet);
        assert_eq!(line("abc\r\n"), Line::Found { content: 3, whole: 5 });
        assert_eq!(line("abc\rd"), Line::TooLong);
        assert_eq!(line("abcd"), Line::TooLong);
        assert_eq!(line("abcd\n"), Line::TooLong);
    }

    #[test]
    fn bytes_leave_in_order_when_they_are_taken() {
        let (mut incoming, mut came, mut next) = (Incoming::default(), Vec::new(), 0_u8);
        for round in 0..1000_usize {
            let piece: Vec<u8> = (0..round % 7)
                .map(|_| {
                    next = next.wrapping_add(1);
                    next
                })
                .collect();
            incoming.push(&piece);
            let take = incoming.len().min(round % 5);
            came.extend_from_slice(&incoming.bytes()[..take]);
            incoming.consume(take);
        }
        came.extend_from_slice(incoming.bytes());
        assert!(came.iter().zip((1..=u8::MAX).chain([0]).cycle()).all(|(came, sent)| *came == sent));
        assert_eq!(came.len(), (0..1000).map(|round| round % 7).sum::<usize>());
    }
}
