//! From text to a tree: `lexer` gives tokens, `parser`, `statement` and `expression` a tree of `tree`'s nodes.

mod expression;
mod lexer;
mod parser;
mod statement;
mod token;
pub(crate) mod tree;

pub(crate) use lexer::lex;
pub(crate) use parser::{Parsed, Parser, SourceFile};

use std::rc::Rc;

use calog_plugin_api::Error;

use crate::fault::{Fault, Number};

/// Where something stands: file, row and column, both from 1; the column counts bytes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Place {
    /// Which of the program's files.
    pub(crate) file: u16,
    pub(crate) column: u16,
    pub(crate) row: u32,
}

/// The files a context's programs were read from, by number.
pub(crate) type Files = Vec<Rc<str>>;

/// What is wrong with a text.
#[derive(Clone, Debug)]
pub(crate) struct Wrong {
    pub(crate) fault: Fault,
    pub(crate) at: Place,
    /// More text could make it right.
    pub(crate) is_incomplete: bool,
}

impl Wrong {
    pub(crate) fn new(number: Number, at: Place) -> Wrong {
        Wrong { fault: number.into(), at, is_incomplete: false }
    }

    pub(crate) fn with(number: Number, at: Place, more: impl Into<String>) -> Wrong {
        Wrong { fault: Fault::with(number, more.into()), at, is_incomplete: false }
    }

    pub(crate) fn broker(error: Error, at: Place) -> Wrong {
        Wrong { fault: Fault::Broker(error), at, is_incomplete: false }
    }

    pub(crate) fn incomplete(number: Number, at: Place) -> Wrong {
        Wrong { is_incomplete: true, ..Wrong::new(number, at) }
    }
}
