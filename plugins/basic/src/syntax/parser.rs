//! A program on its way from tokens to a tree: where the parser is, and what it takes next.
//!
//! Blocks and brackets may nest to a fixed depth, so that no text can exhaust the stack.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::token::{Key, Mark, Tok, Token};
use super::tree::{Block, Statement, StatementKind};
use super::{Files, Place, Wrong, lex};
use crate::builtin::Builtin;
use crate::fault::Number;
use crate::names::{Names, Sym};

/// How deep blocks and brackets may nest.
const MAX_NESTING: u32 = 100;

/// How many files one program may be made of.
pub(super) const MAX_FILES: usize = 10_000;

pub(super) type Parse<T> = Result<T, Wrong>;

/// A text with its name and the folder its imports are looked for in.
pub(crate) struct SourceFile<'a> {
    pub(crate) name: &'a str,
    pub(crate) path: Option<PathBuf>,
    pub(crate) text: &'a [u8],
}

/// A parsed program.
pub(crate) struct Parsed {
    pub(crate) body: Block,
    /// Modules of natives whose names are used without prefix: `IMPORT "@module"`.
    pub(crate) modules: Vec<String>,
}

/// Says which file is to be read for a path, if any may.
pub(crate) type MayRead<'n> = &'n dyn Fn(&Path) -> calog_plugin_api::Result<PathBuf>;

/// Parses one program.
pub(crate) struct Parser<'n> {
    pub(super) names: &'n Names,
    pub(super) files: &'n mut Files,
    pub(super) is_module: &'n dyn Fn(&str) -> bool,
    pub(super) may_read: MayRead<'n>,
    pub(super) tokens: Vec<Token>,
    pub(super) next: usize,
    pub(super) nesting: u32,
    pub(super) folder: Option<PathBuf>,
    pub(super) imported: HashSet<PathBuf>,
    pub(super) modules: Vec<String>,
    pub(super) loops: u32,
    /// Inside of DEF or LAMBDA.
    pub(super) inside_routine: bool,
    pub(super) first_jump: Option<Place>,
    pub(super) first_def: Option<Place>,
}

impl<'n> Parser<'n> {
    /// A parser; it adds the files it reads to `files`.
    pub(crate) fn new(
        names: &'n Names,
        files: &'n mut Files,
        is_module: &'n dyn Fn(&str) -> bool,
        may_read: MayRead<'n>,
    ) -> Parser<'n> {
        Parser {
            names,
            files,
            is_module,
            may_read,
            tokens: Vec::new(),
            next: 0,
            nesting: 0,
            folder: None,
            imported: HashSet::new(),
            modules: Vec::new(),
            loops: 0,
            inside_routine: false,
            first_jump: None,
            first_def: None,
        }
    }

    /// Parses a whole program.
    pub(crate) fn program(mut self, source: &SourceFile<'_>) -> Parse<Parsed> {
        let body = self.file(source)?;
        Ok(Parsed { body, modules: self.modules })
    }

    /// Parses a text that is one expression and nothing more.
    pub(crate) fn only_expression(mut self, source: &SourceFile<'_>) -> Parse<Parsed> {
        self.begin(source)?;
        let expr = self.expression()?;
        let at = expr.at;
        self.skip_newlines();
        if self.peek() != &Tok::End {
            return Err(self.wrong(Number::InvalidExpression));
        }
        Ok(Parsed { body: vec![Statement { at, kind: StatementKind::Evaluate(expr) }], modules: self.modules })
    }

    pub(super) fn begin(&mut self, source: &SourceFile<'_>) -> Parse<()> {
        let file = u16::try_from(self.files.len()).unwrap_or(u16::MAX);
        self.files.push(source.name.into());
        self.tokens = lex(source.text, file, self.names)?;
        self.next = 0;
        self.folder = source.path.as_deref().and_then(Path::parent).map(Path::to_owned);
        if let Some(path) = &source.path {
            self.imported.insert(path.canonicalize().unwrap_or_else(|_| path.clone()));
        }
        Ok(())
    }

    pub(super) fn file(&mut self, source: &SourceFile<'_>) -> Parse<Block> {
        self.begin(source)?;
        let body = self.block(&[])?;
        if self.peek() != &Tok::End {
            return Err(self.unexpected());
        }
        Ok(body)
    }

    // Tokens.

    pub(super) fn peek(&self) -> &Tok {
        self.tokens.get(self.next).map_or(&Tok::End, |token| &token.kind)
    }

    pub(super) fn peek_after(&self) -> &Tok {
        self.tokens.get(self.next + 1).map_or(&Tok::End, |token| &token.kind)
    }

    pub(super) fn is_next_glued(&self) -> bool {
        self.tokens.get(self.next + 1).is_some_and(|token| token.is_glued)
    }

    pub(super) fn at(&self) -> Place {
        self.tokens.get(self.next).map(|token| token.at).unwrap_or_default()
    }

    pub(super) fn advance(&mut self) {
        if self.next + 1 < self.tokens.len() {
            self.next += 1;
        }
    }

    pub(super) fn is_key(&self, key: Key) -> bool {
        matches!(self.peek(), Tok::Key(found, _) if *found == key)
    }

    pub(super) fn is_mark(&self, mark: Mark) -> bool {
        self.peek() == &Tok::Mark(mark)
    }

    /// Steps over this keyword if it is next. Whether it was.
    pub(super) fn take_key(&mut self, key: Key) -> bool {
        let found = self.is_key(key);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn take_mark(&mut self, mark: Mark) -> bool {
        let found = self.is_mark(mark);
        if found {
            self.advance();
        }
        found
    }

    /// The error of what is next; at the end of the text, more of it might help.
    pub(super) fn wrong(&self, number: Number) -> Wrong {
        let mut at = self.next;
        while matches!(self.tokens.get(at).map(|it| &it.kind), Some(Tok::Newline)) {
            at += 1;
        }
        let is_incomplete = matches!(self.tokens.get(at).map(|it| &it.kind), Some(Tok::End) | None);
        Wrong { is_incomplete, ..Wrong::new(number, self.at()) }
    }

    pub(super) fn expect_mark(&mut self, mark: Mark, number: Number) -> Parse<()> {
        if self.take_mark(mark) { Ok(()) } else { Err(self.wrong(number)) }
    }

    pub(super) fn expect_key(&mut self, key: Key, number: Number) -> Parse<()> {
        if self.take_key(key) { Ok(()) } else { Err(self.wrong(number)) }
    }

    pub(super) fn skip_newlines(&mut self) {
        while self.peek() == &Tok::Newline {
            self.advance();
        }
    }

    pub(super) fn nested<T>(&mut self, inside: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.nesting >= MAX_NESTING {
            return Err(Wrong::new(Number::TooManyNested, self.at()));
        }
        self.nesting += 1;
        let result = inside(self);
        self.nesting -= 1;
        result
    }

    /// A name that can be a variable.
    pub(super) fn variable(&mut self, missing: Number) -> Parse<Sym> {
        match self.peek().clone() {
            Tok::Name(sym, name) => {
                if Builtin::find(&self.names.text(sym)).is_some() {
                    return Err(Wrong::with(Number::ReservedWord, self.at(), &*name));
                }
                self.advance();
                Ok(sym)
            }
            Tok::Key(_, name) => Err(Wrong::with(Number::ReservedWord, self.at(), &*name)),
            _ => Err(self.wrong(missing)),
        }
    }
}
