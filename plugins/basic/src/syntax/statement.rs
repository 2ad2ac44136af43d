//! Statements, and the blocks they make.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::parser::{MAX_FILES, Parse, Parser, SourceFile};
use super::token::{Key, Mark, Tok};
use super::tree::{Block, ClassTree, Dimension, Expr, ExprKind, Printed, Routine, Statement, StatementKind, Suffix};
use super::{Place, Wrong};
use crate::fault::Number;
use crate::names::Sym;

impl Parser<'_> {
    /// Statements up to one of these keywords, a closing bracket or the end.
    pub(super) fn block(&mut self, ends: &[Key]) -> Parse<Block> {
        self.nested(|this| {
            let mut block = Vec::new();
            loop {
                while this.peek() == &Tok::Newline || this.is_mark(Mark::Colon) {
                    this.advance();
                }
                match this.peek() {
                    Tok::End | Tok::Mark(Mark::Close) => return Ok(block),
                    Tok::Key(key, _) if ends.contains(key) => return Ok(block),
                    _ => {}
                }
                let is_label = this.statement(&mut block)?;
                if !is_label {
                    this.separator()?;
                }
            }
        })
    }

    fn separator(&mut self) -> Parse<()> {
        // A line of statements may have taken the separator already.
        let before = self.next.checked_sub(1).and_then(|at| self.tokens.get(at)).map(|it| &it.kind);
        match self.peek() {
            _ if matches!(before, Some(Tok::Mark(Mark::Colon) | Tok::Newline)) => Ok(()),
            Tok::Newline | Tok::End | Tok::Mark(Mark::Colon | Mark::Close) => Ok(()),
            Tok::Key(Key::Else | Key::ElseIf | Key::EndIf, _) => Ok(()),
            _ => Err(self.wrong(Number::ColonExpected)),
        }
    }

    /// Whether a statement has ended here.
    fn is_at_end(&self) -> bool {
        matches!(self.peek(), Tok::Newline | Tok::End | Tok::Mark(Mark::Colon | Mark::Close))
            || matches!(self.peek(), Tok::Key(Key::Else | Key::ElseIf | Key::EndIf, _))
    }

    /// What a keyword that ends something is doing here.
    pub(super) fn unexpected(&self) -> Wrong {
        let number = match self.peek() {
            Tok::Mark(Mark::Close) => Number::InvalidExpression,
            _ => Number::Syntax,
        };
        Wrong::new(number, self.at())
    }

    /// One statement. Whether it was a label, which needs no separator.
    fn statement(&mut self, block: &mut Block) -> Parse<bool> {
        let at = self.at();
        let key = match self.peek() {
            Tok::Key(key, _) => *key,
            Tok::Name(sym, _) => {
                let sym = *sym;
                if self.peek_after() == &Tok::Mark(Mark::Colon) && self.is_next_glued() {
                    self.advance();
                    self.advance();
                    block.push(Statement { at, kind: StatementKind::Label(sym) });
                    return Ok(true);
                }
                let kind = self.assignment_or_call()?;
                block.push(Statement { at, kind });
                return Ok(false);
            }
            Tok::Mark(Mark::Open) => {
                let kind = self.assignment_or_call()?;
                block.push(Statement { at, kind });
                return Ok(false);
            }
            _ => return Err(self.wrong(Number::Syntax)),
        };
        let kind = match key {
            Key::Let => {
                self.advance();
                self.assignment()?
            }
            Key::Print => self.print()?,
            Key::Input => self.input()?,
            Key::If => self.if_statement()?,
            Key::For => self.for_statement()?,
            Key::While => self.while_statement()?,
            Key::Do => self.do_statement()?,
            Key::Exit if self.loops == 0 => return Err(Wrong::with(Number::Syntax, at, "EXIT outside of a loop")),
            Key::Exit => self.single(StatementKind::Exit),
            Key::End => self.single(StatementKind::End),
            Key::Goto | Key::Gosub => self.jump(key)?,
            Key::Return => {
                self.advance();
                StatementKind::Return(if self.is_at_end() { None } else { Some(self.expression()?) })
            }
            Key::Dim => self.dim()?,
            Key::Var => {
                self.advance();
                StatementKind::Var(self.variables()?)
            }
            Key::Def => {
                if self.inside_routine {
                    return Err(Wrong::with(Number::InvalidRoutine, at, "a DEF inside of another"));
                }
                StatementKind::Def(self.def(false)?)
            }
            Key::Class => StatementKind::Class(self.class()?),
            Key::Try => self.try_statement()?,
            Key::Import => return self.import(block).map(|()| false),
            Key::Me | Key::Call | Key::New | Key::Reflect | Key::Lambda | Key::Type | Key::Mem => {
                self.assignment_or_call()?
            }
            _ => return Err(self.misplaced(key)),
        };
        block.push(Statement { at, kind });
        Ok(false)
    }

    fn single(&mut self, kind: StatementKind) -> StatementKind {
        self.advance();
        kind
    }

    /// A keyword that cannot begin a statement.
    fn misplaced(&self, key: Key) -> Wrong {
        let number = match key {
            Key::True | Key::False | Key::Nil => Number::ReservedWord,
            _ => Number::Syntax,
        };
        self.wrong(number)
    }

    fn assignment(&mut self) -> Parse<StatementKind> {
        let target = self.target()?;
        self.expect_mark(Mark::Equal, Number::AssignExpected)?;
        let value = self.expression()?;
        Ok(StatementKind::Assign { target, value })
    }

    fn assignment_or_call(&mut self) -> Parse<StatementKind> {
        let expr = self.postfix()?;
        if self.is_mark(Mark::Equal) {
            self.check_target(&expr)?;
            self.advance();
            let value = self.expression()?;
            return Ok(StatementKind::Assign { target: expr, value });
        }
        match expr.kind {
            ExprKind::Postfix(_, ref suffixes) if matches!(suffixes.last(), Some(Suffix::Apply(_))) => {
                Ok(StatementKind::Evaluate(expr))
            }
            ExprKind::Builtin(..) | ExprKind::Routine(..) | ExprKind::Range(..) => Ok(StatementKind::Evaluate(expr)),
            _ => Err(self.wrong(Number::AssignExpected)),
        }
    }

    /// Something that can be assigned to.
    fn target(&mut self) -> Parse<Expr> {
        let expr = self.postfix()?;
        self.check_target(&expr)?;
        Ok(expr)
    }

    fn check_target(&self, target: &Expr) -> Parse<()> {
        match &target.kind {
            ExprKind::Name(..) | ExprKind::Postfix(..) => Ok(()),
            _ => Err(Wrong::new(Number::ReservedWord, target.at)),
        }
    }

    fn print(&mut self) -> Parse<StatementKind> {
        self.advance();
        let mut parts = Vec::new();
        loop {
            if self.take_mark(Mark::Semicolon) {
                parts.push(Printed::LineEnd);
            } else if !self.take_mark(Mark::Comma) {
                if self.is_at_end() {
                    break;
                }
                parts.push(Printed::Value(self.expression()?));
                if !self.is_at_end() && !self.is_mark(Mark::Semicolon) && !self.is_mark(Mark::Comma) {
                    return Err(self.wrong(Number::SeparatorExpected));
                }
            }
        }
        Ok(StatementKind::Print(parts))
    }

    fn input(&mut self) -> Parse<StatementKind> {
        self.advance();
        let mut prompt = None;
        if let Tok::Text(text) = self.peek().clone() {
            self.advance();
            prompt = Some(text);
            if !self.is_at_end() {
                self.expect_mark(Mark::Comma, Number::CommaExpected)?;
            }
        }
        if self.is_at_end() {
            return Ok(StatementKind::Input { prompt, target: None });
        }
        if !matches!(self.peek(), Tok::Name(..) | Tok::Key(Key::Me, _)) {
            return Err(self.wrong(Number::VariableExpected));
        }
        let target = self.target()?;
        let is_text = is_text(&target);
        Ok(StatementKind::Input { prompt, target: Some((target, is_text)) })
    }

    fn if_statement(&mut self) -> Parse<StatementKind> {
        self.advance();
        let condition = self.expression()?;
        self.expect_key(Key::Then, Number::ThenExpected)?;
        if self.peek() == &Tok::Newline {
            self.if_block(condition)
        } else {
            self.nested(|this| this.if_line(condition))
        }
    }

    fn if_block(&mut self, condition: Expr) -> Parse<StatementKind> {
        const ENDS: [Key; 3] = [Key::ElseIf, Key::Else, Key::EndIf];
        let mut arms = vec![(condition, self.block(&ENDS)?)];
        while self.take_key(Key::ElseIf) {
            let condition = self.expression()?;
            self.expect_key(Key::Then, Number::ThenExpected)?;
            arms.push((condition, self.block(&ENDS)?));
        }
        let otherwise = if self.take_key(Key::Else) { self.block(&[Key::EndIf])? } else { Vec::new() };
        self.expect_key(Key::EndIf, Number::EndIfExpected)?;
        Ok(StatementKind::If { arms, otherwise })
    }

    /// `IF c THEN s : s ELSEIF c THEN s ELSE s`, up to the line's end.
    fn if_line(&mut self, condition: Expr) -> Parse<StatementKind> {
        let mut arms = vec![(condition, self.line()?)];
        while self.take_key(Key::ElseIf) {
            let condition = self.expression()?;
            self.expect_key(Key::Then, Number::ThenExpected)?;
            arms.push((condition, self.line()?));
        }
        let otherwise = if self.take_key(Key::Else) { self.line()? } else { Vec::new() };
        self.take_key(Key::EndIf);
        Ok(StatementKind::If { arms, otherwise })
    }

    /// The statements of one line.
    fn line(&mut self) -> Parse<Block> {
        let mut block = Vec::new();
        loop {
            while self.take_mark(Mark::Colon) {}
            match self.peek() {
                Tok::Newline | Tok::End | Tok::Mark(Mark::Close) => return Ok(block),
                // What ends the block around this line.
                Tok::Key(Key::Else | Key::ElseIf | Key::EndIf | Key::Next | Key::Wend | Key::Until, _) => {
                    return Ok(block);
                }
                Tok::Key(Key::EndDef | Key::EndClass | Key::Catch | Key::EndTry, _) => return Ok(block),
                _ => {}
            }
            let is_label = self.statement(&mut block)?;
            if !is_label {
                self.separator()?;
            }
        }
    }

    /// The body of a loop, apart from what the loop begins with.
    fn body(&mut self, end: Key) -> Parse<Block> {
        if !matches!(self.peek(), Tok::Newline | Tok::End | Tok::Mark(Mark::Colon | Mark::Close)) {
            return Err(self.wrong(Number::ColonExpected));
        }
        self.loops += 1;
        let body = self.block(&[end]);
        self.loops -= 1;
        body
    }

    fn for_statement(&mut self) -> Parse<StatementKind> {
        self.advance();
        let variable = self.variable(Number::LoopVariable)?;
        if self.take_key(Key::In) {
            let collection = self.expression()?;
            let body = self.body(Key::Next)?;
            self.next_statement(variable)?;
            return Ok(StatementKind::ForIn { variable, collection, body });
        }
        self.expect_mark(Mark::Equal, Number::AssignExpected)?;
        let from = self.expression()?;
        self.expect_key(Key::To, Number::ToExpected)?;
        let to = self.expression()?;
        let step = if self.take_key(Key::Step) { Some(self.expression()?) } else { None };
        let body = self.body(Key::Next)?;
        self.next_statement(variable)?;
        Ok(StatementKind::For { variable, from, to, step, body })
    }

    fn next_statement(&mut self, variable: Sym) -> Parse<()> {
        self.expect_key(Key::Next, Number::NextExpected)?;
        if let Tok::Name(sym, _) = self.peek() {
            if *sym != variable {
                return Err(self.wrong(Number::LoopVariable));
            }
            self.advance();
        }
        Ok(())
    }

    fn while_statement(&mut self) -> Parse<StatementKind> {
        self.advance();
        let condition = self.expression()?;
        let body = self.body(Key::Wend)?;
        if !self.take_key(Key::Wend) {
            let wrong = self.wrong(Number::Incomplete);
            return Err(Wrong { fault: crate::fault::Fault::with(Number::Incomplete, "WEND is missing"), ..wrong });
        }
        Ok(StatementKind::While { condition, body })
    }

    fn do_statement(&mut self) -> Parse<StatementKind> {
        self.advance();
        let body = self.body(Key::Until)?;
        self.expect_key(Key::Until, Number::UntilExpected)?;
        let until = self.expression()?;
        Ok(StatementKind::Do { body, until })
    }

    fn jump(&mut self, key: Key) -> Parse<StatementKind> {
        let at = self.at();
        if let Some(place) = self.first_def {
            return Err(mixed(at, place));
        }
        self.first_jump.get_or_insert(at);
        self.advance();
        let Tok::Name(sym, _) = *self.peek() else { return Err(self.wrong(Number::LabelExpected)) };
        self.advance();
        Ok(if key == Key::Goto { StatementKind::Goto(sym) } else { StatementKind::Gosub(sym) })
    }

    fn dim(&mut self) -> Parse<StatementKind> {
        self.advance();
        let mut all = Vec::new();
        loop {
            let at = self.at();
            let is_text = matches!(self.peek(), Tok::Name(_, name) if name.ends_with('$'));
            let name = self.variable(Number::VariableExpected)?;
            self.expect_mark(Mark::Open, Number::OpenBracket)?;
            let sizes = self.arguments()?;
            all.push(Dimension { name, at, is_text, sizes });
            if !self.take_mark(Mark::Comma) {
                return Ok(StatementKind::Dim(all));
            }
        }
    }

    fn variables(&mut self) -> Parse<Vec<(Sym, Place, Option<Expr>)>> {
        let mut all = Vec::new();
        loop {
            let at = self.at();
            let name = self.variable(Number::VariableExpected)?;
            let value = if self.take_mark(Mark::Equal) { Some(self.expression()?) } else { None };
            all.push((name, at, value));
            if !self.take_mark(Mark::Comma) {
                return Ok(all);
            }
        }
    }

    fn def(&mut self, is_method: bool) -> Parse<Rc<Routine>> {
        let at = self.at();
        if let Some(place) = self.first_jump {
            return Err(mixed(at, place));
        }
        self.first_def.get_or_insert(at);
        self.advance();
        let name = match self.peek().clone() {
            // A class may give the reserved functions a meaning of its own.
            Tok::Name(sym, _) if is_method => {
                self.advance();
                sym
            }
            _ => self.variable(Number::InvalidRoutine)?,
        };
        self.expect_mark(Mark::Open, Number::OpenBracket)?;
        let (params, takes_more) = self.parameters()?;
        let body = self.routine_body(|this| this.block(&[Key::EndDef]))?;
        self.expect_key(Key::EndDef, Number::Incomplete)?;
        Ok(Rc::new(Routine { name: Some(name), at, params, takes_more, body }))
    }

    /// The body of a routine: loops around it are not its own.
    pub(super) fn routine_body(&mut self, body: impl FnOnce(&mut Self) -> Parse<Block>) -> Parse<Block> {
        let (loops, inside) = (std::mem::take(&mut self.loops), std::mem::replace(&mut self.inside_routine, true));
        let result = body(self);
        (self.loops, self.inside_routine) = (loops, inside);
        result
    }

    /// The statements of a lambda, up to its closing bracket.
    pub(super) fn lambda_block(&mut self) -> Parse<Block> {
        self.routine_body(|this| this.block(&[]))
    }

    /// Names up to the closing bracket.
    pub(super) fn parameters(&mut self) -> Parse<(Vec<Sym>, bool)> {
        let mut params = Vec::new();
        self.skip_newlines();
        if self.take_mark(Mark::Close) {
            return Ok((params, false));
        }
        loop {
            self.skip_newlines();
            if self.take_mark(Mark::Dots) {
                self.skip_newlines();
                self.expect_mark(Mark::Close, Number::CloseBracket)?;
                return Ok((params, true));
            }
            let at = self.at();
            let param = self.variable(Number::VariableExpected)?;
            if params.contains(&param) {
                return Err(Wrong::new(Number::DuplicateIdentifier, at));
            }
            params.push(param);
            self.skip_newlines();
            if self.take_mark(Mark::Close) {
                return Ok((params, false));
            }
            self.expect_mark(Mark::Comma, Number::CloseBracket)?;
        }
    }

    fn class(&mut self) -> Parse<ClassTree> {
        let at = self.at();
        if self.inside_routine {
            return Err(Wrong::with(Number::InvalidClass, at, "a CLASS inside of a routine"));
        }
        self.advance();
        let name = self.variable(Number::InvalidClass)?;
        let parents = if self.take_mark(Mark::Open) { self.arguments()? } else { Vec::new() };
        let mut class = ClassTree { name, parents, variables: Vec::new(), methods: Vec::new() };
        loop {
            while self.peek() == &Tok::Newline || self.is_mark(Mark::Colon) {
                self.advance();
            }
            match self.peek() {
                Tok::Key(Key::Var, _) => {
                    self.advance();
                    class.variables.extend(self.variables()?);
                }
                Tok::Key(Key::Def, _) => class.methods.push(self.nested(|this| this.def(true))?),
                Tok::Key(Key::EndClass, _) => {
                    self.advance();
                    return Ok(class);
                }
                Tok::End => return Err(self.wrong(Number::Incomplete)),
                _ => return Err(self.wrong(Number::InvalidClass)),
            }
            self.separator()?;
        }
    }

    fn try_statement(&mut self) -> Parse<StatementKind> {
        self.advance();
        let body = self.block(&[Key::Catch, Key::EndTry])?;
        let (mut variable, mut handler) = (None, Vec::new());
        if self.take_key(Key::Catch) {
            if let Tok::Name(..) = self.peek() {
                variable = Some(self.variable(Number::VariableExpected)?);
            }
            handler = self.block(&[Key::EndTry])?;
        }
        self.expect_key(Key::EndTry, Number::Incomplete)?;
        Ok(StatementKind::Try { body, variable, handler })
    }

    /// `IMPORT "file"`, whose statements take this one's place, or `IMPORT "@module"`.
    fn import(&mut self, block: &mut Block) -> Parse<()> {
        let at = self.at();
        self.advance();
        let Tok::Text(text) = self.peek().clone() else { return Err(self.wrong(Number::StringExpected)) };
        self.advance();
        let name = String::from_utf8_lossy(&text).into_owned();
        if let Some(module) = name.strip_prefix('@') {
            if !(self.is_module)(module) {
                return Err(Wrong::with(Number::InvalidModule, at, name.clone()));
            }
            self.modules.push(crate::names::upper(module));
            return Ok(());
        }
        let path = self.folder.as_deref().unwrap_or_else(|| Path::new("")).join(&name);
        let known = path.canonicalize().unwrap_or_else(|_| path.clone());
        if self.imported.contains(&known) {
            return Ok(());
        }
        if self.imported.len() >= MAX_FILES {
            return Err(Wrong::new(Number::ProgramTooLong, at));
        }
        let place = (self.may_read)(&path).map_err(|error| Wrong::broker(error, at))?;
        let text =
            std::fs::read(place).map_err(|error| Wrong::with(Number::FailedToOpen, at, format!("{name}: {error}")))?;
        let body = self.nested(|this| this.imported(&name, path, &text))?;
        block.push(Statement { at, kind: StatementKind::Imported(body) });
        Ok(())
    }

    fn imported(&mut self, name: &str, path: PathBuf, text: &[u8]) -> Parse<Block> {
        let (tokens, next) = (std::mem::take(&mut self.tokens), self.next);
        let folder = self.folder.clone();
        let body = self.file(&SourceFile { name, path: Some(path), text })?;
        (self.tokens, self.next, self.folder) = (tokens, next, folder);
        Ok(body)
    }
}

/// Whether the name that a target begins with, or its member's, ends in `$`.
fn is_text(target: &Expr) -> bool {
    match &target.kind {
        ExprKind::Name(_, name) => name.ends_with('$'),
        ExprKind::Postfix(base, suffixes) => {
            let members = suffixes.iter().rev().filter_map(|suffix| match suffix {
                Suffix::Member(_, name) => Some(name.ends_with('$')),
                Suffix::Apply(_) => None,
            });
            members.chain([is_text(base)]).next().unwrap_or(false)
        }
        _ => false,
    }
}

/// Labels that are jumped to and DEF in one program.
fn mixed(at: Place, other: Place) -> Wrong {
    Wrong::with(Number::CannotMix, at, format!("the other is at row {}, column {}", other.row, other.column))
}
