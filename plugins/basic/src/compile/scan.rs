//! What a body does with names, seen beforehand: whether a variable is local, shared with lambdas or
//! perhaps a global must be known before the first instruction is made.

use std::collections::HashSet;
use std::rc::Rc;

use crate::names::Sym;
use crate::syntax::tree::{Block, ClassTree, Expr, ExprKind, Printed, Routine, StatementKind, Suffix};

/// What happens to names in one body, nested routines left out.
#[derive(Default)]
pub(super) struct Names<'t> {
    pub(super) assigned: HashSet<Sym>,
    /// Declared with VAR.
    pub(super) declared: HashSet<Sym>,
    pub(super) used: HashSet<Sym>,
    pub(super) lambdas: Vec<&'t Rc<Routine>>,
    pub(super) routines: Vec<&'t Rc<Routine>>,
    pub(super) classes: Vec<&'t ClassTree>,
}

impl<'t> Names<'t> {
    pub(super) fn of(block: &'t Block) -> Names<'t> {
        let mut names = Names::default();
        names.block(block);
        names
    }

    /// All names that lambdas in the body mention, those in lambdas of lambdas included.
    pub(super) fn of_lambdas(&self) -> HashSet<Sym> {
        let mut all = HashSet::new();
        let mut left = self.lambdas.clone();
        while let Some(lambda) = left.pop() {
            let inner = Names::of(&lambda.body);
            all.extend(inner.all());
            left.extend(inner.lambdas);
        }
        all
    }

    /// All names of the body.
    pub(super) fn all(&self) -> impl Iterator<Item = Sym> + '_ {
        self.assigned.iter().chain(&self.declared).chain(&self.used).copied()
    }

    fn block(&mut self, block: &'t Block) {
        for statement in block {
            self.statement(&statement.kind);
        }
    }

    fn statement(&mut self, statement: &'t StatementKind) {
        match statement {
            StatementKind::Assign { target, value } => {
                self.target(target);
                self.expr(value);
            }
            StatementKind::Evaluate(expr) => self.expr(expr),
            StatementKind::Print(parts) => {
                for part in parts {
                    if let Printed::Value(value) = part {
                        self.expr(value);
                    }
                }
            }
            StatementKind::Input { target, .. } => {
                if let Some((target, _)) = target {
                    self.target(target);
                }
            }
            StatementKind::If { arms, otherwise } => {
                for (condition, body) in arms {
                    self.expr(condition);
                    self.block(body);
                }
                self.block(otherwise);
            }
            StatementKind::For { variable, from, to, step, body } => {
                self.assigned.insert(*variable);
                self.expr(from);
                self.expr(to);
                step.iter().for_each(|step| self.expr(step));
                self.block(body);
            }
            StatementKind::ForIn { variable, collection, body } => {
                self.assigned.insert(*variable);
                self.expr(collection);
                self.block(body);
            }
            StatementKind::While { condition: test, body } | StatementKind::Do { body, until: test } => {
                self.expr(test);
                self.block(body);
            }
            StatementKind::Return(value) => value.iter().for_each(|value| self.expr(value)),
            StatementKind::Dim(all) => {
                for dimension in all {
                    self.assigned.insert(dimension.name);
                    dimension.sizes.iter().for_each(|size| self.expr(size));
                }
            }
            StatementKind::Var(all) => self.variables(all),
            StatementKind::Def(routine) => {
                self.assigned.extend(routine.name);
                self.routines.push(routine);
            }
            StatementKind::Class(class) => {
                self.assigned.insert(class.name);
                class.parents.iter().for_each(|parent| self.expr(parent));
                class.variables.iter().filter_map(|(_, _, value)| value.as_ref()).for_each(|value| self.expr(value));
                self.classes.push(class);
            }
            StatementKind::Try { body, variable, handler } => {
                self.block(body);
                self.assigned.extend(*variable);
                self.block(handler);
            }
            StatementKind::Imported(body) => self.block(body),
            StatementKind::Exit | StatementKind::Label(_) | StatementKind::End => {}
            StatementKind::Goto(_) | StatementKind::Gosub(_) => {}
        }
    }

    fn variables(&mut self, all: &'t [(Sym, crate::syntax::Place, Option<Expr>)]) {
        for (name, _, value) in all {
            self.declared.insert(*name);
            value.iter().for_each(|value| self.expr(value));
        }
    }

    fn target(&mut self, target: &'t Expr) {
        match &target.kind {
            ExprKind::Name(sym, _) => {
                self.assigned.insert(*sym);
            }
            _ => self.expr(target),
        }
    }

    fn expr(&mut self, expr: &'t Expr) {
        match &expr.kind {
            ExprKind::Name(sym, _) => {
                self.used.insert(*sym);
            }
            ExprKind::Lambda(lambda) => self.lambdas.push(lambda),
            ExprKind::Range(from, to) => {
                self.expr(from);
                self.expr(to);
            }
            ExprKind::Builtin(_, arguments) => arguments.iter().for_each(|it| self.expr(it)),
            ExprKind::Routine(inner) | ExprKind::Negative(inner) | ExprKind::Not(inner) => self.expr(inner),
            ExprKind::Postfix(base, suffixes) => {
                self.expr(base);
                for suffix in suffixes {
                    if let Suffix::Apply(arguments) = suffix {
                        arguments.iter().for_each(|it| self.expr(it));
                    }
                }
            }
            ExprKind::Chain(first, rest) => {
                self.expr(first);
                rest.iter().for_each(|(_, _, it)| self.expr(it));
            }
            _ => {}
        }
    }
}

/// Whether evaluating it may run other code, which could change variables meanwhile.
pub(super) fn may_call(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Postfix(..) | ExprKind::Builtin(..) => true,
        ExprKind::Range(from, to) => may_call(from) || may_call(to),
        ExprKind::Negative(inner) | ExprKind::Not(inner) | ExprKind::Routine(inner) => may_call(inner),
        ExprKind::Chain(first, rest) => may_call(first) || rest.iter().any(|(_, _, it)| may_call(it)),
        _ => false,
    }
}
