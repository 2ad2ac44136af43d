//! Expressions. From high to low: brackets, unary minus and NOT, `^`, `*` and `/`, MOD, `+` and `-`,
//! comparisons (which cannot be chained), AND, OR and IS; all from left to right.

use std::rc::Rc;

use super::Wrong;
use super::parser::{Parse, Parser};
use super::token::{Key, Mark, Tok};
use super::tree::{Expr, ExprKind, Operator, Routine, Suffix};
use crate::builtin::Builtin;
use crate::fault::Number;

/// The ranks of the operators, weakest first.
const RANKS: usize = 6;
const COMPARISONS: usize = 1;

impl Parser<'_> {
    /// A whole expression.
    pub(super) fn expression(&mut self) -> Parse<Expr> {
        self.nested(|this| this.chain(0))
    }

    fn operator(&self, rank: usize) -> Option<Operator> {
        let found = match self.peek() {
            Tok::Key(Key::And, _) => (0, Operator::And),
            Tok::Key(Key::Or, _) => (0, Operator::Or),
            Tok::Key(Key::Is, _) => (0, Operator::Is),
            Tok::Key(Key::Mod, _) => (3, Operator::Modulo),
            Tok::Mark(mark) => match mark {
                Mark::Equal => (1, Operator::Equal),
                Mark::Unequal => (1, Operator::Unequal),
                Mark::Less => (1, Operator::Less),
                Mark::More => (1, Operator::More),
                Mark::AtMost => (1, Operator::AtMost),
                Mark::AtLeast => (1, Operator::AtLeast),
                Mark::Plus => (2, Operator::Add),
                Mark::Minus => (2, Operator::Subtract),
                Mark::Star => (4, Operator::Multiply),
                Mark::Slash => (4, Operator::Divide),
                Mark::Caret => (5, Operator::Power),
                _ => return None,
            },
            _ => return None,
        };
        (found.0 == rank).then_some(found.1)
    }

    fn chain(&mut self, rank: usize) -> Parse<Expr> {
        if rank == RANKS {
            return self.unary();
        }
        let first = self.chain(rank + 1)?;
        let mut rest = Vec::new();
        while let Some(operator) = self.operator(rank) {
            let at = self.at();
            if rank == COMPARISONS && !rest.is_empty() {
                return Err(Wrong::with(Number::InvalidExpression, at, "comparisons cannot be chained"));
            }
            self.advance();
            rest.push((operator, at, self.chain(rank + 1)?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(Expr { at: first.at, kind: ExprKind::Chain(Box::new(first), rest) })
    }

    fn unary(&mut self) -> Parse<Expr> {
        let at = self.at();
        if self.take_mark(Mark::Minus) {
            let inner = self.nested(Parser::unary)?;
            // The sign of a literal is part of it, so that -1.0 stays a real.
            let kind = match inner.kind {
                ExprKind::Int(int) if int != i64::MIN => ExprKind::Int(-int),
                ExprKind::Real(9_223_372_036_854_775_808.0) => ExprKind::Int(i64::MIN),
                ExprKind::Real(real) => ExprKind::Real(-real),
                kind => ExprKind::Negative(Box::new(Expr { at: inner.at, kind })),
            };
            return Ok(Expr { at, kind });
        }
        if self.take_key(Key::Not) {
            let inner = self.nested(Parser::unary)?;
            return Ok(Expr { at, kind: ExprKind::Not(Box::new(inner)) });
        }
        self.postfix()
    }

    /// A primary with members, calls and indices behind it.
    pub(super) fn postfix(&mut self) -> Parse<Expr> {
        let base = self.primary()?;
        self.suffixes(base)
    }

    fn suffixes(&mut self, base: Expr) -> Parse<Expr> {
        let mut suffixes = Vec::new();
        loop {
            if self.take_mark(Mark::Dot) {
                let (sym, name) = match self.peek().clone() {
                    Tok::Name(sym, name) => (sym, name),
                    Tok::Key(_, name) => (self.names.sym(&name), name),
                    _ => return Err(self.wrong(Number::Syntax)),
                };
                self.advance();
                suffixes.push(Suffix::Member(sym, name));
            } else if self.take_mark(Mark::Open) {
                suffixes.push(Suffix::Apply(self.arguments()?));
            } else if suffixes.is_empty() {
                return Ok(base);
            } else {
                return Ok(Expr { at: base.at, kind: ExprKind::Postfix(Box::new(base), suffixes) });
            }
        }
    }

    fn primary(&mut self) -> Parse<Expr> {
        let at = self.at();
        let kind = match self.peek().clone() {
            Tok::Int(int) => self.literal(ExprKind::Int(int)),
            Tok::Real(real) => self.literal(ExprKind::Real(real)),
            Tok::Text(text) => self.literal(ExprKind::Text(text)),
            Tok::Mark(Mark::Open) => {
                self.advance();
                self.skip_newlines();
                let inner = self.expression()?;
                self.skip_newlines();
                self.expect_mark(Mark::Close, Number::CloseBracket)?;
                // A bracket makes a value of it: `(x) = 1` is no assignment, `-(1.0)` is computed.
                return Ok(Expr { at, kind: ExprKind::Chain(Box::new(inner), Vec::new()) });
            }
            Tok::Mark(Mark::Dots) => self.literal(ExprKind::More),
            Tok::Name(sym, name) => {
                self.advance();
                match Builtin::find(&self.names.text(sym)) {
                    Some(builtin) => return self.builtin(builtin, at),
                    None => ExprKind::Name(sym, name),
                }
            }
            Tok::Key(key, _) => return self.keyword(key, at),
            _ => return Err(self.wrong(Number::InvalidExpression)),
        };
        Ok(Expr { at, kind })
    }

    fn literal(&mut self, kind: ExprKind) -> ExprKind {
        self.advance();
        kind
    }

    fn keyword(&mut self, key: Key, at: super::Place) -> Parse<Expr> {
        let kind = match key {
            Key::Nil => self.literal(ExprKind::Nil),
            Key::True => self.literal(ExprKind::Bool(true)),
            Key::False => self.literal(ExprKind::Bool(false)),
            Key::Me => self.literal(ExprKind::Me),
            Key::Mem => {
                self.advance();
                if self.take_mark(Mark::Open) {
                    self.expect_mark(Mark::Close, Number::CloseBracket)?;
                }
                ExprKind::Memory
            }
            Key::Lambda => {
                self.advance();
                return self.lambda(at);
            }
            Key::Call => {
                self.advance();
                return self.call(at);
            }
            Key::Type | Key::New | Key::Reflect => {
                self.advance();
                let builtin = match key {
                    Key::Type => Builtin::Type,
                    Key::New => Builtin::New,
                    _ => Builtin::Reflect,
                };
                return self.builtin(builtin, at);
            }
            _ => return Err(self.wrong(Number::InvalidExpression)),
        };
        Ok(Expr { at, kind })
    }

    fn builtin(&mut self, builtin: Builtin, at: super::Place) -> Parse<Expr> {
        if !self.is_mark(Mark::Open) {
            if builtin == Builtin::Rnd {
                return Ok(Expr { at, kind: ExprKind::Builtin(builtin, Vec::new()) });
            }
            return Err(self.wrong(Number::OpenBracket));
        }
        self.advance();
        if builtin == Builtin::Len && self.is_mark(Mark::Dots) && self.peek_after() == &Tok::Mark(Mark::Close) {
            self.advance();
            self.advance();
            return Ok(Expr { at, kind: ExprKind::MoreCount });
        }
        if builtin == Builtin::List && !self.is_mark(Mark::Close) {
            return self.list(at);
        }
        let arguments = self.arguments()?;
        let (least, most) = builtin.arguments();
        if arguments.len() > most {
            return Err(Wrong::with(Number::CloseBracket, at, format!("{} takes {most}", builtin.name())));
        }
        if arguments.len() < least {
            return Err(Wrong::with(Number::CommaExpected, at, format!("{} takes {least}", builtin.name())));
        }
        Ok(Expr { at, kind: ExprKind::Builtin(builtin, arguments) })
    }

    /// `LIST(a, b)` or `LIST(a TO b)`.
    fn list(&mut self, at: super::Place) -> Parse<Expr> {
        self.skip_newlines();
        let first = self.expression()?;
        if self.take_key(Key::To) {
            let last = self.expression()?;
            self.skip_newlines();
            self.expect_mark(Mark::Close, Number::CloseBracket)?;
            return Ok(Expr { at, kind: ExprKind::Range(Box::new(first), Box::new(last)) });
        }
        let mut arguments = vec![first];
        self.more_arguments(&mut arguments)?;
        Ok(Expr { at, kind: ExprKind::Builtin(Builtin::List, arguments) })
    }

    /// Expressions up to the closing bracket.
    pub(super) fn arguments(&mut self) -> Parse<Vec<Expr>> {
        self.skip_newlines();
        if self.take_mark(Mark::Close) {
            return Ok(Vec::new());
        }
        let mut arguments = vec![self.expression()?];
        self.more_arguments(&mut arguments)?;
        Ok(arguments)
    }

    fn more_arguments(&mut self, arguments: &mut Vec<Expr>) -> Parse<()> {
        loop {
            self.skip_newlines();
            if self.take_mark(Mark::Close) {
                return Ok(());
            }
            self.expect_mark(Mark::Comma, Number::CloseBracket)?;
            self.skip_newlines();
            arguments.push(self.expression()?);
        }
    }

    /// `LAMBDA (params) (body)`.
    fn lambda(&mut self, at: super::Place) -> Parse<Expr> {
        self.expect_mark(Mark::Open, Number::InvalidLambda)?;
        let (params, takes_more) = self.parameters()?;
        self.skip_newlines();
        self.expect_mark(Mark::Open, Number::InvalidLambda)?;
        let body = self.lambda_block()?;
        self.expect_mark(Mark::Close, Number::CloseBracket)?;
        Ok(Expr { at, kind: ExprKind::Lambda(Rc::new(Routine { name: None, at, params, takes_more, body })) })
    }

    /// `CALL name(...)`, and `CALL(name)`, which is the routine itself.
    fn call(&mut self, at: super::Place) -> Parse<Expr> {
        if self.take_mark(Mark::Open) {
            let inner = self.postfix()?;
            self.expect_mark(Mark::Close, Number::CloseBracket)?;
            return Ok(Expr { at, kind: ExprKind::Routine(Box::new(inner)) });
        }
        let inner = self.primary()?;
        // `CALL o.m()` calls a method: `o` is no routine.
        let is_routine = self.is_mark(Mark::Open);
        if !is_routine && !self.is_mark(Mark::Dot) {
            return Err(self.wrong(Number::OpenBracket));
        }
        let callee = if is_routine { Expr { at, kind: ExprKind::Routine(Box::new(inner)) } } else { inner };
        self.suffixes(callee)
    }
}
