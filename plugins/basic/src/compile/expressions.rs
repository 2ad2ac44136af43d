//! Code for expressions. Each leaves its value in a register of the caller's choice.

use std::rc::Rc;

use super::code::{IS_STATEMENT, Op, Reg};
use super::scan::may_call;
use super::scope::Home;
use super::{Compile, Compiler};
use crate::builtin::Builtin;
use crate::fault::Number;
use crate::names::Sym;
use crate::syntax::tree::{Expr, ExprKind, Operator, Routine, Suffix};
use crate::syntax::{Place, Wrong};
use crate::value::Val;

impl Compiler<'_> {
    /// Evaluates into this register.
    pub(super) fn expression_to(&mut self, expr: &Expr, to: Reg) -> Compile<()> {
        let at = expr.at;
        let mark = self.function().next;
        match &expr.kind {
            ExprKind::Nil => {
                self.emit(Op::Nil { to }, at);
            }
            ExprKind::Bool(is) => {
                self.emit(Op::Bool { to, is: *is }, at);
            }
            ExprKind::Int(int) => match i32::try_from(*int) {
                Ok(int) => {
                    self.emit(Op::Int { to, int }, at);
                }
                Err(_) => self.constant(Val::Int(*int), to, at),
            },
            ExprKind::Real(real) => self.constant(Val::Real(*real), to, at),
            ExprKind::Text(text) => self.constant(Val::Text(text.clone()), to, at),
            ExprKind::Name(sym, _) => self.name(*sym, to, at)?,
            ExprKind::Me => {
                self.emit(Op::Me { to }, at);
            }
            ExprKind::More => {
                self.emit(Op::More { to }, at);
            }
            ExprKind::MoreCount => {
                self.emit(Op::MoreCount { to }, at);
            }
            ExprKind::Memory => {
                self.emit(Op::Memory { to }, at);
            }
            ExprKind::Lambda(lambda) => {
                let class = self.function().class.clone();
                let proto = self.routine(lambda, class)?;
                self.emit(Op::Lambda { to, proto }, at);
            }
            ExprKind::Range(from, last) => {
                let first = self.arguments([&**from, &**last], at)?;
                self.emit(Op::Builtin { which: Builtin::Range, to, first, count: 2 }, at);
            }
            ExprKind::Builtin(which, arguments) => {
                let first = self.arguments(arguments, at)?;
                self.emit(Op::Builtin { which: *which, to, first, count: count(arguments, at)? }, at);
            }
            ExprKind::Routine(inner) => {
                self.expression_to(inner, to)?;
                self.emit(Op::Callable { at: to }, at);
            }
            ExprKind::Postfix(base, suffixes) => self.postfix(base, suffixes, to, false, at)?,
            ExprKind::Negative(inner) => {
                let a = self.operand(inner, false)?;
                self.emit(Op::Negate { to, a }, at);
            }
            ExprKind::Not(inner) => {
                let a = self.operand(inner, false)?;
                self.emit(Op::Not { to, a }, at);
            }
            ExprKind::Chain(first, rest) => self.chain(first, rest, to)?,
        }
        self.function().next = mark;
        Ok(())
    }

    /// The register of the value: where it lies, or a temporary. With `is_kept`, other code runs before
    /// the value is used, so that a global has to be copied.
    pub(super) fn operand(&mut self, expr: &Expr, is_kept: bool) -> Compile<Reg> {
        if let ExprKind::Name(sym, _) = &expr.kind
            && self.is_known(*sym)
            && !(is_kept && self.function().is_main())
            && let Some(register) = self.register(*sym)
        {
            return Ok(register);
        }
        let register = self.temporary(expr.at)?;
        self.expression_to(expr, register)?;
        Ok(register)
    }

    pub(super) fn constant(&mut self, value: Val, to: Reg, at: Place) {
        let constants = &mut self.function().proto.constants;
        constants.push(value);
        let index = constants.len() as u32 - 1;
        self.emit(Op::Constant { to, index }, at);
    }

    /// Evaluates into registers side by side; gives the first.
    pub(super) fn arguments<'e>(&mut self, arguments: impl IntoIterator<Item = &'e Expr>, at: Place) -> Compile<Reg> {
        let first = Reg::try_from(self.function().next).map_err(|_| Wrong::new(Number::ProgramTooLong, at))?;
        for argument in arguments {
            let register = self.temporary(argument.at)?;
            self.expression_to(argument, register)?;
        }
        Ok(first)
    }

    /// A name by itself: a variable, a routine, or a native.
    fn name(&mut self, sym: Sym, to: Reg, at: Place) -> Compile<()> {
        if !self.is_known(sym)
            && let Some(native) = self.native(&self.names.text(sym))
        {
            self.constant(native, to, at);
            return Ok(());
        }
        self.load(sym, to, at)
    }

    /// A native by its name, or by its name within an imported module.
    fn native(&self, dotted: &str) -> Option<Val> {
        let imported = || self.modules.iter().find_map(|module| self.natives.find(&format!("{module}.{dotted}")));
        self.natives.find(dotted).or_else(imported)
    }

    /// A native that a name and the members behind it spell, and how many members these are.
    fn native_path(&mut self, base: &Expr, suffixes: &[Suffix]) -> Option<(Val, usize)> {
        let ExprKind::Name(sym, _) = &base.kind else { return None };
        if self.is_known(*sym) {
            return None;
        }
        let mut dotted = self.names.text(*sym).to_string();
        let mut found = self.native(&dotted).map(|native| (native, 0));
        for (index, suffix) in suffixes.iter().enumerate() {
            let Suffix::Member(sym, _) = suffix else { break };
            dotted = format!("{dotted}.{}", self.names.text(*sym));
            found = self.native(&dotted).map(|native| (native, index + 1)).or(found);
        }
        found
    }

    /// Members, calls and indices, one after the other.
    pub(super) fn postfix(
        &mut self,
        base: &Expr,
        suffixes: &[Suffix],
        to: Reg,
        is_statement: bool,
        at: Place,
    ) -> Compile<()> {
        let (mut current, mut left) = (None, suffixes);
        if let Some((native, members)) = self.native_path(base, suffixes) {
            let register = self.temporary(at)?;
            self.constant(native, register, at);
            current = Some(register);
            left = suffixes.get(members..).unwrap_or_default();
        } else if let Some((builtin, arguments)) = self.soft_builtin(base, suffixes) {
            let (least, most) = builtin.arguments();
            if !(least..=most).contains(&arguments.len()) {
                return Err(Wrong::with(Number::CloseBracket, at, builtin.name()));
            }
            let register = self.temporary(at)?;
            let first = self.arguments(arguments, at)?;
            self.emit(Op::Builtin { which: builtin, to: register, first, count: count(arguments, at)? }, at);
            current = Some(register);
            left = suffixes.get(1..).unwrap_or_default();
        }
        if current.is_none() {
            self.check_defined(base, suffixes, is_statement, at);
        }
        loop {
            let statement_bit = if is_statement && left.len() == 1 { IS_STATEMENT } else { 0 };
            match (current, left) {
                (Some(register), []) => {
                    if register != to {
                        self.emit(Op::Move { to, from: register }, at);
                    }
                    return Ok(());
                }
                (None, [Suffix::Apply(arguments), rest @ ..]) if self.global_of(base).is_some() => {
                    let global = self.global_of(base).unwrap_or_default();
                    let target = self.step_target(rest, to, at)?;
                    let first = self.arguments(arguments, at)?;
                    let count = count(arguments, at)? | statement_bit;
                    self.emit(Op::ApplyGlobal { to: target, first, count, global }, at);
                    (current, left) = (Some(target), rest);
                }
                (None, _) => current = Some(self.callee(base)?),
                (Some(object), [Suffix::Member(sym, name), Suffix::Apply(arguments), rest @ ..]) => {
                    let name = self.member(*sym, name, at)?;
                    let target = self.step_target(rest, to, at)?;
                    let first = self.arguments(arguments, at)?;
                    self.emit(Op::Invoke { to: target, object, name, first, count: count(arguments, at)? }, at);
                    (current, left) = (Some(target), rest);
                }
                (Some(object), [Suffix::Member(sym, name), rest @ ..]) => {
                    let name = self.member(*sym, name, at)?;
                    let target = self.step_target(rest, to, at)?;
                    self.emit(Op::GetMember { to: target, object, name }, at);
                    (current, left) = (Some(target), rest);
                }
                (Some(callee), [Suffix::Apply(arguments), rest @ ..]) => {
                    let target = self.step_target(rest, to, at)?;
                    let first = self.arguments(arguments, at)?;
                    let count = count(arguments, at)? | statement_bit;
                    self.emit(Op::Apply { to: target, callee, first, count }, at);
                    (current, left) = (Some(target), rest);
                }
            }
        }
    }

    /// The register of what is called or indexed. That a variable has no value shows there.
    fn callee(&mut self, base: &Expr) -> Compile<Reg> {
        let register = match &base.kind {
            ExprKind::Name(sym, _) => self.register(*sym),
            _ => None,
        };
        register.map_or_else(|| self.operand(base, false), Ok)
    }

    /// Where a step's result goes: to the end, or into a temporary for the next step.
    fn step_target(&mut self, rest: &[Suffix], to: Reg, at: Place) -> Compile<Reg> {
        if rest.is_empty() { Ok(to) } else { self.temporary(at) }
    }

    /// The global of a name that is surely one, seen from other code than the main chunk.
    fn global_of(&mut self, base: &Expr) -> Option<u32> {
        let ExprKind::Name(sym, _) = &base.kind else { return None };
        // A member of ME goes first.
        if self.function().is_main() || self.may_be_mine(*sym) {
            return None;
        }
        match self.home(*sym) {
            Home::Global(global) => Some(global),
            _ => None,
        }
    }

    fn soft_builtin<'e>(&mut self, base: &Expr, suffixes: &'e [Suffix]) -> Option<(Builtin, &'e [Expr])> {
        let (ExprKind::Name(sym, _), Some(Suffix::Apply(arguments))) = (&base.kind, suffixes.first()) else {
            return None;
        };
        if self.is_known(*sym) {
            return None;
        }
        Builtin::find_soft(&self.names.text(*sym)).map(|builtin| (builtin, arguments.as_slice()))
    }

    /// Calling a routine that is defined further down takes CALL.
    fn check_defined(&mut self, base: &Expr, suffixes: &[Suffix], is_statement: bool, at: Place) {
        let (ExprKind::Name(sym, _), Some(Suffix::Apply(_))) = (&base.kind, suffixes.first()) else { return };
        let is_later = self.routines.contains(sym) && !self.defined.contains(sym);
        if is_later && !self.function().is_main() && self.global_of(base).is_some() {
            let number = if is_statement { Number::AssignExpected } else { Number::InvalidIdentifier };
            self.emit(Op::Fail { number }, at);
        }
    }

    fn chain(&mut self, first: &Expr, rest: &[(Operator, Place, Expr)], to: Reg) -> Compile<()> {
        let Some((_, _, second)) = rest.first() else { return self.expression_to(first, to) };
        let mut a = self.operand(first, may_call(second))?;
        for (index, (operator, at, right)) in rest.iter().enumerate() {
            let target = if index + 1 == rest.len() { to } else { self.temporary(*at)? };
            let mark = self.function().next;
            match (operator, small_int(right)) {
                (Operator::Add, Some(int)) if int >= 0 => {
                    self.emit(Op::AddInt { to: target, a, int }, *at);
                }
                (Operator::Subtract, Some(int)) if int > 0 => {
                    self.emit(Op::AddInt { to: target, a, int: -int }, *at);
                }
                _ => {
                    let b = self.operand(right, false)?;
                    self.emit(binary(*operator, target, a, b), *at);
                }
            }
            self.function().next = mark;
            a = target;
        }
        Ok(())
    }

    /// Evaluates a condition; gives the jump that is taken when it does not hold.
    pub(super) fn condition(&mut self, expr: &Expr) -> Compile<usize> {
        let mark = self.function().next;
        let jump = match &expr.kind {
            ExprKind::Chain(first, rest) if rest.is_empty() => self.condition(first)?,
            ExprKind::Chain(first, rest) if rest.len() == 1 && is_comparison(rest.first()) => {
                // There is one.
                let Some((operator, at, right)) = rest.first() else { return Err(Wrong::new(Number::Syntax, expr.at)) };
                let a = self.operand(first, may_call(right))?;
                let op = match (operator, small_int(right)) {
                    (Operator::Less, Some(int)) => Op::UnlessLessInt { a, int, target: 0 },
                    (Operator::Equal, Some(int)) => Op::UnlessEqualInt { a, int, target: 0 },
                    _ => unless(*operator, a, self.operand(right, false)?),
                };
                self.emit(op, *at)
            }
            _ => {
                let test = self.operand(expr, false)?;
                self.emit(Op::JumpUnless { test, target: 0 }, expr.at)
            }
        };
        self.function().next = mark;
        Ok(jump)
    }

    /// Compiles a routine or lambda; gives its number.
    pub(super) fn routine(&mut self, routine: &Rc<Routine>, class: Option<Rc<super::scope::Members>>) -> Compile<u32> {
        self.begin(routine, class)?;
        self.block(&routine.body)?;
        let at = routine.body.last().map_or(routine.at, |it| it.at);
        self.emit(Op::ReturnNothing, at);
        let proto = self.finish()?;
        let protos = &mut self.function().proto.protos;
        protos.push(Rc::new(proto));
        Ok(protos.len() as u32 - 1)
    }
}

fn small_int(expr: &Expr) -> Option<i32> {
    match expr.kind {
        ExprKind::Int(int) => i32::try_from(int).ok().filter(|it| *it != i32::MIN),
        _ => None,
    }
}

/// How many arguments there are.
fn count(arguments: &[Expr], at: Place) -> Compile<u16> {
    let few = u16::try_from(arguments.len()).ok().filter(|count| *count < IS_STATEMENT);
    few.ok_or_else(|| Wrong::new(Number::ProgramTooLong, at))
}

fn is_comparison(operation: Option<&(Operator, Place, Expr)>) -> bool {
    use Operator::{AtLeast, AtMost, Equal, Less, More, Unequal};
    matches!(operation, Some((Equal | Unequal | Less | AtMost | More | AtLeast, _, _)))
}

fn binary(operator: Operator, to: Reg, a: Reg, b: Reg) -> Op {
    match operator {
        Operator::Add => Op::Add { to, a, b },
        Operator::Subtract => Op::Subtract { to, a, b },
        Operator::Multiply => Op::Multiply { to, a, b },
        Operator::Divide => Op::Divide { to, a, b },
        Operator::Modulo => Op::Modulo { to, a, b },
        Operator::Power => Op::Power { to, a, b },
        Operator::Equal => Op::Equal { to, a, b },
        Operator::Unequal => Op::Unequal { to, a, b },
        Operator::Less => Op::Less { to, a, b },
        Operator::More => Op::Less { to, a: b, b: a },
        Operator::AtMost => Op::AtMost { to, a, b },
        Operator::AtLeast => Op::AtMost { to, a: b, b: a },
        Operator::And => Op::And { to, a, b },
        Operator::Or => Op::Or { to, a, b },
        Operator::Is => Op::Is { to, a, b },
    }
}

/// The jump for when a comparison does not hold.
fn unless(operator: Operator, a: Reg, b: Reg) -> Op {
    match operator {
        Operator::Unequal => Op::UnlessUnequal { a, b, target: 0 },
        Operator::Less => Op::UnlessLess { a, b, target: 0 },
        Operator::More => Op::UnlessLess { a: b, b: a, target: 0 },
        Operator::AtMost => Op::UnlessAtMost { a, b, target: 0 },
        Operator::AtLeast => Op::UnlessAtMost { a: b, b: a, target: 0 },
        _ => Op::UnlessEqual { a, b, target: 0 },
    }
}
