//! Code for statements.

use std::rc::Rc;

use super::code::{Guarded, Op, Reg};
use super::scope::Members;
use super::{Compile, Compiler};
use crate::fault::Number;
use crate::names::Sym;
use crate::syntax::tree::{Block, ClassTree, Dimension, Expr, ExprKind, Printed, Statement, StatementKind, Suffix};
use crate::syntax::{Place, Wrong};
use crate::value::Val;

/// How many dimensions an array may have.
const MAX_DIMENSIONS: usize = 4;

/// The number of no constant.
pub(crate) const NO_PROMPT: u32 = u32::MAX;

impl Compiler<'_> {
    pub(super) fn block(&mut self, block: &Block) -> Compile<()> {
        block.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Statement) -> Compile<()> {
        let at = statement.at;
        let mark = self.function().next;
        match &statement.kind {
            StatementKind::Assign { target, value } => self.assign(target, value)?,
            StatementKind::Evaluate(expr) => {
                let to = self.temporary(at)?;
                match &expr.kind {
                    ExprKind::Postfix(base, suffixes) => self.postfix(base, suffixes, to, true, expr.at)?,
                    _ => self.expression_to(expr, to)?,
                }
                // What nobody wants does not live on.
                self.emit(Op::Nil { to }, at);
            }
            StatementKind::Print(parts) => self.print(parts, at)?,
            StatementKind::Input { prompt, target } => {
                let mut number = NO_PROMPT;
                if let Some(prompt) = prompt {
                    let constants = &mut self.function().proto.constants;
                    constants.push(Val::Text(prompt.clone()));
                    number = constants.len() as u32 - 1;
                }
                let to = self.temporary(at)?;
                let is_text = target.as_ref().is_none_or(|(_, is_text)| *is_text);
                self.emit(Op::Input { to, is_text, prompt: number }, at);
                if let Some((target, _)) = target {
                    self.assign_register(target, to)?;
                }
            }
            StatementKind::If { arms, otherwise } => self.if_statement(arms, otherwise, at)?,
            StatementKind::For { variable, from, to, step, body } => {
                self.for_statement(*variable, from, to, step.as_ref(), body, at)?;
            }
            StatementKind::ForIn { variable, collection, body } => self.for_in(*variable, collection, body, at)?,
            StatementKind::While { condition, body } => {
                let start = self.here();
                let out = self.condition(condition)?;
                self.loop_body(body)?;
                self.emit(Op::Jump { target: start }, at);
                self.land(out);
                self.end_loop();
            }
            StatementKind::Do { body, until } => {
                let start = self.here();
                self.loop_body(body)?;
                let again = self.condition(until)?;
                self.aim(again, start);
                self.end_loop();
            }
            StatementKind::Exit => {
                let jump = self.emit(Op::Jump { target: 0 }, at);
                if let Some(exits) = self.function().exits.last_mut() {
                    exits.push(jump);
                }
            }
            StatementKind::Label(label) => {
                let here = self.here();
                if self.function().labels.insert(*label, here).is_some() {
                    return Err(Wrong::new(Number::DuplicateIdentifier, at));
                }
            }
            StatementKind::Goto(label) => self.jump(Op::Jump { target: 0 }, *label, at),
            StatementKind::Gosub(label) => self.jump(Op::Gosub { target: 0 }, *label, at),
            StatementKind::Return(None) => {
                self.emit(Op::ReturnNothing, at);
            }
            StatementKind::Return(Some(_)) if self.function().is_main() => {
                return Err(Wrong::new(Number::NoReturnPoint, at));
            }
            StatementKind::Return(Some(value)) => {
                let from = self.operand(value, false)?;
                self.emit(Op::Return { from }, at);
            }
            StatementKind::End => {
                self.emit(Op::EndProgram, at);
            }
            StatementKind::Dim(all) => all.iter().try_for_each(|dimension| self.dim(dimension))?,
            StatementKind::Var(all) => {
                for (name, at, value) in all {
                    self.var(*name, value.as_ref(), *at)?;
                }
            }
            StatementKind::Def(routine) => {
                if let Some(name) = routine.name {
                    if !self.defined.insert(name) {
                        return Err(Wrong::new(Number::DuplicateRoutine, at));
                    }
                    let proto = self.routine(routine, None)?;
                    let to = self.temporary(at)?;
                    self.emit(Op::Lambda { to, proto }, at);
                    self.store(name, to, at)?;
                }
            }
            StatementKind::Class(class) => self.class(class, at)?,
            StatementKind::Try { body, variable, handler } => self.try_statement(body, *variable, handler, at)?,
            StatementKind::Imported(body) => self.block(body)?,
        }
        self.function().next = mark;
        Ok(())
    }

    fn jump(&mut self, op: Op, label: Sym, at: Place) {
        let jump = self.emit(op, at);
        self.function().jumps.push((jump, label, at));
    }

    fn assign(&mut self, target: &Expr, value: &Expr) -> Compile<()> {
        if let ExprKind::Name(sym, _) = &target.kind {
            if let Some(register) = self.register(*sym) {
                return self.expression_to(value, register);
            }
            let from = self.operand(value, false)?;
            return self.store(*sym, from, target.at);
        }
        let ExprKind::Postfix(base, suffixes) = &target.kind else {
            return Err(Wrong::new(Number::AssignExpected, target.at));
        };
        let Some((last, inner)) = suffixes.split_last() else {
            return Err(Wrong::new(Number::AssignExpected, target.at));
        };
        let object = self.object(base, inner, target.at)?;
        match last {
            Suffix::Member(sym, name) => {
                let from = self.operand(value, false)?;
                let name = self.member(*sym, name, target.at)?;
                self.emit(Op::SetMember { object, name, from }, target.at);
            }
            Suffix::Apply(arguments) => {
                let first = self.arguments(arguments, target.at)?;
                let from = self.operand(value, false)?;
                self.emit(Op::SetIndex { object, first, count: arguments.len() as u16, from }, target.at);
            }
        }
        Ok(())
    }

    /// What stands before the last step of a target.
    fn object(&mut self, base: &Expr, inner: &[Suffix], at: Place) -> Compile<Reg> {
        if inner.is_empty() {
            return self.operand(base, false);
        }
        let object = self.temporary(at)?;
        self.postfix(base, inner, object, false, at)?;
        Ok(object)
    }

    /// Assigns what is in a register.
    fn assign_register(&mut self, target: &Expr, from: Reg) -> Compile<()> {
        if let ExprKind::Name(sym, _) = &target.kind {
            return self.store(*sym, from, target.at);
        }
        let ExprKind::Postfix(base, suffixes) = &target.kind else {
            return Err(Wrong::new(Number::VariableExpected, target.at));
        };
        let Some((last, inner)) = suffixes.split_last() else {
            return Err(Wrong::new(Number::VariableExpected, target.at));
        };
        let object = self.object(base, inner, target.at)?;
        match last {
            Suffix::Member(sym, name) => {
                let name = self.member(*sym, name, target.at)?;
                self.emit(Op::SetMember { object, name, from }, target.at);
            }
            Suffix::Apply(arguments) => {
                let first = self.arguments(arguments, target.at)?;
                self.emit(Op::SetIndex { object, first, count: arguments.len() as u16, from }, target.at);
            }
        }
        Ok(())
    }

    fn print(&mut self, parts: &[Printed], at: Place) -> Compile<()> {
        for part in parts {
            match part {
                Printed::LineEnd => {
                    self.emit(Op::LineEnd, at);
                }
                Printed::Value(value) => {
                    let mark = self.function().next;
                    let from = self.temporary(value.at)?;
                    self.expression_to(value, from)?;
                    if !matches!(value.kind, ExprKind::Text(_) | ExprKind::Int(_)) {
                        self.emit(Op::ToText { at: from }, value.at);
                    }
                    self.emit(Op::Print { from }, value.at);
                    self.function().next = mark;
                }
            }
        }
        Ok(())
    }

    fn if_statement(&mut self, arms: &[(Expr, Block)], otherwise: &Block, at: Place) -> Compile<()> {
        let mut outs = Vec::new();
        for (index, (condition, body)) in arms.iter().enumerate() {
            let next = self.condition(condition)?;
            self.block(body)?;
            if index + 1 < arms.len() || !otherwise.is_empty() {
                outs.push(self.emit(Op::Jump { target: 0 }, at));
            }
            self.land(next);
        }
        self.block(otherwise)?;
        outs.into_iter().for_each(|out| self.land(out));
        Ok(())
    }

    fn loop_body(&mut self, body: &Block) -> Compile<()> {
        self.function().exits.push(Vec::new());
        self.block(body)
    }

    /// Has the EXITs of the loop end here.
    fn end_loop(&mut self) {
        let exits = self.function().exits.pop().unwrap_or_default();
        exits.into_iter().for_each(|exit| self.land(exit));
    }

    fn for_statement(
        &mut self,
        variable: Sym,
        from: &Expr,
        to: &Expr,
        step: Option<&Expr>,
        body: &Block,
        at: Place,
    ) -> Compile<()> {
        let own = self.register(variable);
        let counter = match own {
            Some(register) => register,
            None => self.temporary(at)?,
        };
        self.expression_to(from, counter)?;
        let limit = self.temporary(at)?;
        self.expression_to(to, limit)?;
        let add = self.temporary(at)?;
        match step {
            Some(step) => self.expression_to(step, add)?,
            None => {
                self.emit(Op::Int { to: add, int: 1 }, at);
            }
        }
        if own.is_none() {
            self.store(variable, counter, at)?;
        }
        let enter = self.emit(Op::ForEnter { counter, limit, target: 0 }, at);
        let start = self.here();
        self.loop_body(body)?;
        if own.is_some() {
            self.emit(Op::ForNext { counter, limit, target: start }, at);
        } else {
            self.load(variable, counter, at)?;
            self.emit(Op::Add { to: counter, a: counter, b: add }, at);
            self.store(variable, counter, at)?;
            self.emit(Op::ForAgain { counter, limit, target: start }, at);
        }
        self.land(enter);
        self.end_loop();
        Ok(())
    }

    fn for_in(&mut self, variable: Sym, collection: &Expr, body: &Block, at: Place) -> Compile<()> {
        use crate::builtin::Builtin;
        let iterator = self.temporary(at)?;
        let from = self.operand(collection, false)?;
        self.emit(Op::Each { to: iterator, from }, at);
        let start = self.here();
        // Calls take their arguments out of their registers, so each gets a copy.
        let value = self.temporary(at)?;
        let argument = self.temporary(at)?;
        self.emit(Op::Move { to: argument, from: iterator }, at);
        self.emit(Op::Builtin { which: Builtin::MoveNext, to: value, first: argument, count: 1 }, at);
        let out = self.emit(Op::JumpUnless { test: value, target: 0 }, at);
        self.emit(Op::Move { to: argument, from: iterator }, at);
        self.emit(Op::Builtin { which: Builtin::Get, to: value, first: argument, count: 1 }, at);
        self.store(variable, value, at)?;
        self.loop_body(body)?;
        self.emit(Op::Jump { target: start }, at);
        self.land(out);
        self.end_loop();
        for to in [iterator, value, argument] {
            self.emit(Op::Nil { to }, at);
        }
        Ok(())
    }

    fn dim(&mut self, dimension: &Dimension) -> Compile<()> {
        let Dimension { name, at, is_text, sizes } = dimension;
        if sizes.is_empty() || sizes.len() > MAX_DIMENSIONS {
            return Err(Wrong::new(Number::TooManyDimensions, *at));
        }
        let to = self.temporary(*at)?;
        let first = self.arguments(sizes, *at)?;
        self.emit(Op::Dim { to, first, count: sizes.len() as u16, is_text: *is_text }, *at);
        self.store(*name, to, *at)
    }

    fn var(&mut self, name: Sym, value: Option<&Expr>, at: Place) -> Compile<()> {
        let from = self.temporary(at)?;
        match value {
            Some(value) => self.expression_to(value, from)?,
            None => {
                self.emit(Op::Int { to: from, int: 0 }, at);
            }
        }
        self.declare(name, from, at);
        Ok(())
    }

    fn class(&mut self, class: &ClassTree, at: Place) -> Compile<()> {
        if !self.classes.insert(class.name) {
            return Err(Wrong::new(Number::DuplicateClass, at));
        }
        let own = class.variables.iter().map(|it| it.0).chain(class.methods.iter().filter_map(|it| it.name));
        let own: std::collections::HashSet<Sym> = own.collect();
        if own.len() < class.variables.len() + class.methods.len() {
            return Err(Wrong::new(Number::DuplicateIdentifier, at));
        }
        let members = Rc::new(if class.parents.is_empty() { Members::These(own) } else { Members::Any });
        let register = self.temporary(at)?;
        let first = self.arguments(&class.parents, at)?;
        let name = self.member(class.name, &self.names.text(class.name), at)?;
        self.emit(Op::Class { to: register, first, count: class.parents.len() as u16, name }, at);
        for (name, at, value) in &class.variables {
            let from = self.temporary(*at)?;
            match value {
                Some(value) => self.expression_to(value, from)?,
                None => {
                    self.emit(Op::Int { to: from, int: 0 }, *at);
                }
            }
            let name = self.member(*name, &self.names.text(*name), *at)?;
            self.emit(Op::ClassVariable { class: register, name, from }, *at);
        }
        for method in &class.methods {
            let Some(sym) = method.name else { continue };
            let proto = self.routine(method, Some(members.clone()))?;
            let name = self.member(sym, &self.names.text(sym), method.at)?;
            self.emit(Op::ClassMethod { class: register, name, proto }, method.at);
        }
        self.emit(Op::ClassEnd { class: register }, at);
        self.store(class.name, register, at)
    }

    fn try_statement(&mut self, body: &Block, variable: Option<Sym>, handler: &Block, at: Place) -> Compile<()> {
        let to = self.temporary(at)?;
        let start = self.here();
        self.block(body)?;
        let end = self.here();
        let out = self.emit(Op::Jump { target: 0 }, at);
        let entry = self.here();
        if let Some(variable) = variable {
            self.store(variable, to, at)?;
        }
        self.block(handler)?;
        self.land(out);
        self.function().proto.guarded.push(Guarded { start, end, handler: entry, to });
        Ok(())
    }
}
