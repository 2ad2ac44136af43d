//! One line of a source file, and what to point at in it.

use std::fs;
use std::ops::Range;

use calog_plugin_api::Frame;

/// Larger files are not read for the sake of one line.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// Longer lines are cut around the place: nobody reads a minified program.
const MAX_LINE_BYTES: usize = 400;

/// A line of a source file.
pub(super) struct Excerpt {
    /// The file, as the frame names it.
    pub file: String,
    /// The line's number, from 1.
    pub line: usize,
    /// The line.
    pub text: String,
    /// What to point at, in bytes of `text`.
    pub span: Range<usize>,
}

impl Excerpt {
    /// The line that a frame names; `None` when the file cannot be read or has no such line.
    pub(super) fn read(frame: &Frame) -> Option<Excerpt> {
        let metadata = fs::metadata(&frame.file).ok()?;
        if !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
            return None;
        }
        let contents = fs::read(&frame.file).ok()?;
        let line = contents.split(|&byte| byte == b'\n').nth(frame.line as usize - 1)?;
        let (text, span) = point_at(line.trim_ascii_end(), frame.column as usize);
        Some(Excerpt { file: frame.file.clone(), line: frame.line as usize, text, span })
    }
}

/// The line as text and the place in it: the word at the column (in bytes, from 1), or the whole line.
fn point_at(line: &[u8], column: usize) -> (String, Range<usize>) {
    let start = column.saturating_sub(1).min(line.len());
    let from = start.saturating_sub(MAX_LINE_BYTES / 2);
    let from = if line.len() <= MAX_LINE_BYTES { 0 } else { from };
    let shown = &line[from..line.len().min(from + MAX_LINE_BYTES)];
    // Bytes that are no UTF-8 become longer, so the place is found in the text before it.
    let before = text_of(&shown[..start - from]);
    let text = before.clone() + &text_of(&shown[start - from..]);
    let span = if column == 0 { whole(&text) } else { word_at(&text, before.len()) };
    (text, span)
}

fn text_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

fn whole(text: &str) -> Range<usize> {
    let start = text.len() - text.trim_start().len();
    start..text.len()
}

/// From `start` to the end of the word there, at least one character where there is one.
fn word_at(text: &str, start: usize) -> Range<usize> {
    let rest = &text[start..];
    let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let one = rest.chars().next().map_or(0, char::len_utf8);
    start..start + word.max(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_survives_whatever_the_line_holds() {
        let check = |line: &[u8], column: usize, wanted: &str| {
            let (text, span) = point_at(line, column);
            assert_eq!(&text[span], wanted, "{line:?} at {column}");
        };
        check(b"local x = nothing.here", 11, "nothing");
        check(b"  return f(", 11, "(");
        check(b"  whole line", 0, "whole line");
        check(b"short", 99, "");
        check(b"", 1, "");
        check("äö = größe".as_bytes(), 8, "größe");
        check("ä".as_bytes(), 2, "\u{fffd}");
        check(b"\xff\xfe x", 4, "x");
        let long = [b"a ".repeat(5000), b"here".to_vec(), b" b".repeat(5000)].concat();
        check(&long, 10001, "here");
        assert!(point_at(&long, 10001).0.len() <= MAX_LINE_BYTES);
    }
}
