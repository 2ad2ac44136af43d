//! From bytes to tokens. Rows and columns count from 1, columns in bytes.
//!
//! Outside of strings a program is UTF-8; strings hold any bytes.

use std::rc::Rc;

use super::token::{Key, Mark, Tok, Token};
use super::{Place, Wrong};
use crate::fault::Number;
use crate::names::{Names, upper};
use crate::number;
use crate::value::Val;

/// Curly quotes, which may stand for straight ones.
const CURLY: [&[u8]; 2] = ["\u{201c}".as_bytes(), "\u{201d}".as_bytes()];

/// Splits a text into tokens; the last one is `Tok::End`.
///
/// # Errors
/// Invalid characters and strings without an end.
pub(crate) fn lex(text: &[u8], file: u16, names: &Names) -> Result<Vec<Token>, Wrong> {
    let mut lexer = Lexer { text, at: 0, row: 1, line_start: 0, file, names, tokens: Vec::new() };
    lexer.skip_head();
    while lexer.token()? {}
    Ok(lexer.tokens)
}

struct Lexer<'t> {
    text: &'t [u8],
    at: usize,
    row: u32,
    line_start: usize,
    file: u16,
    names: &'t Names,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    /// A byte order mark, and a first line that begins with `#`.
    fn skip_head(&mut self) {
        if self.rest().starts_with(b"\xEF\xBB\xBF") {
            self.at = 3;
            self.line_start = 3;
        }
        if self.peek() == Some(b'#') {
            self.skip_line();
        }
    }

    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn place(&self) -> Place {
        let column = u16::try_from(self.at - self.line_start + 1).unwrap_or(u16::MAX);
        Place { file: self.file, row: self.row, column }
    }

    fn push(&mut self, kind: Tok, at: Place, is_glued: bool) {
        self.tokens.push(Token { kind, at, is_glued });
    }

    fn skip_line(&mut self) {
        while self.peek().is_some_and(|byte| byte != b'\n' && byte != b'\r') {
            self.at += 1;
        }
    }

    /// Steps over a line end.
    fn line_end(&mut self) {
        self.at += if self.rest().starts_with(b"\r\n") { 2 } else { 1 };
        self.row += 1;
        self.line_start = self.at;
    }

    /// Reads one token. Whether there was one more.
    fn token(&mut self) -> Result<bool, Wrong> {
        let before = self.at;
        while matches!(self.peek(), Some(b' ' | b'\t' | 0x0b | 0x0c)) {
            self.at += 1;
        }
        let (at, is_glued) = (self.place(), before == self.at);
        let Some(byte) = self.peek() else {
            self.push(Tok::Newline, at, false);
            self.push(Tok::End, at, false);
            return Ok(false);
        };
        match byte {
            b'\n' | b'\r' => {
                self.line_end();
                self.push(Tok::Newline, at, is_glued);
            }
            b'\'' => self.comment(at)?,
            b'"' => {
                let text = self.string(at, &[b"\""])?;
                self.push(Tok::Text(text), at, is_glued);
            }
            _ if CURLY.iter().any(|quote| self.rest().starts_with(quote)) => {
                let text = self.string(at, &CURLY)?;
                self.push(Tok::Text(text), at, is_glued);
            }
            b'0'..=b'9' => self.number(at, is_glued)?,
            b'.' if self.text.get(self.at + 1).is_some_and(u8::is_ascii_digit) && !self.follows_value(is_glued) => {
                self.number(at, is_glued)?;
            }
            _ => match self.letter() {
                Some(_) => self.word(at, is_glued),
                None => self.mark(at, is_glued)?,
            },
        }
        Ok(true)
    }

    /// Whether the token before is one that a member may follow, so that a dot here is no number's.
    fn follows_value(&self, is_glued: bool) -> bool {
        let before = self.tokens.last().map(|it| &it.kind);
        is_glued && matches!(before, Some(Tok::Name(..) | Tok::Mark(Mark::Close) | Tok::Key(Key::Me, _)))
    }

    /// `'...` up to the line's end, or `'[ ... ']`.
    fn comment(&mut self, at: Place) -> Result<(), Wrong> {
        if self.text.get(self.at + 1) != Some(&b'[') {
            self.skip_line();
            return Ok(());
        }
        let row = self.row;
        self.at += 2;
        while !self.rest().starts_with(b"']") {
            match self.peek() {
                None => return Err(Wrong::incomplete(Number::Incomplete, at)),
                Some(b'\n' | b'\r') => self.line_end(),
                Some(_) => self.at += 1,
            }
        }
        self.at += 2;
        if self.row != row {
            self.push(Tok::Newline, at, false);
        }
        Ok(())
    }

    /// A string: everything up to the next quote, as it is.
    fn string(&mut self, at: Place, quotes: &[&[u8]]) -> Result<Rc<Vec<u8>>, Wrong> {
        let opening = quotes.iter().find(|quote| self.rest().starts_with(quote)).map_or(1, |quote| quote.len());
        self.at += opening;
        let start = self.at;
        loop {
            if let Some(quote) = quotes.iter().find(|quote| self.rest().starts_with(quote)) {
                let text = self.text.get(start..self.at).unwrap_or_default().to_vec();
                self.at += quote.len();
                return Ok(Rc::new(text));
            }
            match self.peek() {
                None => return Err(Wrong::incomplete(Number::InvalidString, at)),
                Some(b'\n' | b'\r') => self.line_end(),
                Some(_) => self.at += 1,
            }
        }
    }

    fn number(&mut self, at: Place, is_glued: bool) -> Result<(), Wrong> {
        let start = self.at;
        let is_hex = self.rest().starts_with(b"0x") || self.rest().starts_with(b"0X");
        if is_hex {
            self.at += 2;
            self.digits(|byte| byte.is_ascii_hexdigit());
        } else {
            self.digits(|byte| byte.is_ascii_digit());
            if self.peek() == Some(b'.') {
                self.at += 1;
                self.digits(|byte| byte.is_ascii_digit());
            }
            self.exponent();
        }
        let text = std::str::from_utf8(self.text.get(start..self.at).unwrap_or_default()).unwrap_or_default();
        let value = number::parse(text);
        if self.letter().is_some() {
            return Err(Wrong::with(Number::Syntax, at, "a number ends in a letter"));
        }
        match value {
            Some(Val::Int(int)) => self.push(Tok::Int(int), at, is_glued),
            Some(Val::Real(real)) => self.push(Tok::Real(real), at, is_glued),
            _ => return Err(Wrong::new(Number::Syntax, at)),
        }
        Ok(())
    }

    fn digits(&mut self, is_digit: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&is_digit) {
            self.at += 1;
        }
    }

    /// `e5`, `E-5`: only where digits follow.
    fn exponent(&mut self) {
        let rest = self.rest();
        let sign = usize::from(matches!(rest.get(1), Some(b'+' | b'-')));
        if matches!(rest.first(), Some(b'e' | b'E')) && rest.get(1 + sign).is_some_and(u8::is_ascii_digit) {
            self.at += 1 + sign;
            self.digits(|byte| byte.is_ascii_digit());
        }
    }

    /// The length of the letter here that a name can begin with.
    fn letter(&self) -> Option<usize> {
        match self.peek()? {
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => Some(1),
            byte if byte < 0x80 => None,
            _ => {
                let head = self.rest().get(..4.min(self.rest().len())).unwrap_or_default();
                let valid = match std::str::from_utf8(head) {
                    Ok(text) => text,
                    Err(error) => std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?,
                };
                valid.chars().next().filter(|it| it.is_alphabetic()).map(char::len_utf8)
            }
        }
    }

    fn word(&mut self, at: Place, is_glued: bool) {
        let start = self.at;
        loop {
            match self.letter() {
                Some(length) => self.at += length,
                None if self.peek().is_some_and(|byte| byte.is_ascii_digit()) => self.at += 1,
                None => break,
            }
        }
        if self.peek() == Some(b'$') {
            self.at += 1;
        }
        // Letters were decoded one by one: it is UTF-8.
        let spelling = std::str::from_utf8(self.text.get(start..self.at).unwrap_or_default()).unwrap_or_default();
        let is_member = matches!(self.tokens.last().map(|it| &it.kind), Some(Tok::Mark(Mark::Dot)));
        match Key::find(&upper(spelling)) {
            Some(Key::Rem) if !is_member => self.skip_line(),
            Some(key) => self.push(Tok::Key(key, spelling.into()), at, is_glued),
            None => {
                let sym = self.names.sym(spelling);
                self.push(Tok::Name(sym, spelling.into()), at, is_glued);
            }
        }
    }

    fn mark(&mut self, at: Place, is_glued: bool) -> Result<(), Wrong> {
        if self.rest().starts_with(b"==") {
            return Err(Wrong::new(Number::OperatorExpected, at));
        }
        let found = Mark::ALL.iter().filter(|(_, text)| self.rest().starts_with(text.as_bytes()));
        let Some((mark, text)) = found.max_by_key(|(_, text)| text.len()) else {
            return Err(Wrong::new(Number::InvalidCharacter, at));
        };
        self.at += text.len();
        self.push(Tok::Mark(*mark), at, is_glued);
        Ok(())
    }
}
