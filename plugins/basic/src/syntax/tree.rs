//! The tree of a program. Operators of one rank stand side by side in a chain, so that a long
//! expression is no deep one.

use std::rc::Rc;

use super::Place;
use crate::builtin::Builtin;
use crate::names::Sym;

/// Statements in their order.
pub(crate) type Block = Vec<Statement>;

pub(crate) struct Statement {
    pub(crate) at: Place,
    pub(crate) kind: StatementKind,
}

pub(crate) enum StatementKind {
    Assign {
        target: Expr,
        value: Expr,
    },
    /// A call, or anything else that is computed for what it does.
    Evaluate(Expr),
    Print(Vec<Printed>),
    Input {
        prompt: Option<Rc<Vec<u8>>>,
        target: Option<(Expr, bool)>,
    },
    If {
        arms: Vec<(Expr, Block)>,
        otherwise: Block,
    },
    For {
        variable: Sym,
        from: Expr,
        to: Expr,
        step: Option<Expr>,
        body: Block,
    },
    ForIn {
        variable: Sym,
        collection: Expr,
        body: Block,
    },
    While {
        condition: Expr,
        body: Block,
    },
    Do {
        body: Block,
        until: Expr,
    },
    Exit,
    Label(Sym),
    Goto(Sym),
    Gosub(Sym),
    Return(Option<Expr>),
    End,
    Dim(Vec<Dimension>),
    Var(Vec<(Sym, Place, Option<Expr>)>),
    Def(Rc<Routine>),
    Class(ClassTree),
    Try {
        body: Block,
        variable: Option<Sym>,
        handler: Block,
    },
    /// The statements of an imported file.
    Imported(Block),
}

/// A part of a PRINT.
pub(crate) enum Printed {
    Value(Expr),
    LineEnd,
}

/// An array of a DIM.
pub(crate) struct Dimension {
    pub(crate) name: Sym,
    pub(crate) at: Place,
    pub(crate) is_text: bool,
    pub(crate) sizes: Vec<Expr>,
}

/// A DEF or LAMBDA.
pub(crate) struct Routine {
    /// `None` for a lambda.
    pub(crate) name: Option<Sym>,
    pub(crate) at: Place,
    pub(crate) params: Vec<Sym>,
    /// It ends its parameters with `...`.
    pub(crate) takes_more: bool,
    pub(crate) body: Block,
}

pub(crate) struct ClassTree {
    pub(crate) name: Sym,
    pub(crate) parents: Vec<Expr>,
    pub(crate) variables: Vec<(Sym, Place, Option<Expr>)>,
    pub(crate) methods: Vec<Rc<Routine>>,
}

pub(crate) struct Expr {
    pub(crate) at: Place,
    pub(crate) kind: ExprKind,
}

pub(crate) enum ExprKind {
    Nil,
    Bool(bool),
    Int(i64),
    Real(f64),
    Text(Rc<Vec<u8>>),
    Name(Sym, Rc<str>),
    Me,
    /// `...`: the next of the further arguments.
    More,
    /// `LEN(...)`.
    MoreCount,
    Memory,
    Lambda(Rc<Routine>),
    /// `LIST(a TO b)`.
    Range(Box<Expr>, Box<Expr>),
    Builtin(Builtin, Vec<Expr>),
    /// `CALL name`: the routine, defined wherever.
    Routine(Box<Expr>),
    /// Members, calls and indices behind something; at least one.
    Postfix(Box<Expr>, Vec<Suffix>),
    Negative(Box<Expr>),
    Not(Box<Expr>),
    /// Operators of one rank, from left to right.
    Chain(Box<Expr>, Vec<(Operator, Place, Expr)>),
}

/// What may stand behind something.
pub(crate) enum Suffix {
    /// `.name`, with its spelling.
    Member(Sym, Rc<str>),
    /// `(a, b)`: a call or an index, as shows when it runs.
    Apply(Vec<Expr>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
    And,
    Or,
    Is,
}
