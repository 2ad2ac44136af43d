//! The compiled form: instructions over numbered registers, twelve bytes each.
//!
//! A routine's registers are a window of its task's stack; a main chunk's are the globals themselves,
//! with its temporaries behind them, so that loops in a main chunk are as fast as in a routine. All
//! variables are registers, boxes or globals by number: no name is looked up but members'.

use std::rc::Rc;

use crate::builtin::Builtin;
use crate::fault::Number;
use crate::names::Sym;
use crate::syntax::Place;
use crate::value::Val;

/// A register's number.
pub(crate) type Reg = u16;

/// Where an instruction that jumps goes on.
pub(crate) type Target = u32;

/// The number of no global.
pub(crate) const NO_GLOBAL: u32 = u32::MAX;

/// In the count of a call's arguments: it stands as a statement.
pub(crate) const IS_STATEMENT: u16 = 0x8000;

/// One instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Nil {
        to: Reg,
    },
    Bool {
        to: Reg,
        is: bool,
    },
    Int {
        to: Reg,
        int: i32,
    },
    Constant {
        to: Reg,
        index: u32,
    },
    Move {
        to: Reg,
        from: Reg,
    },
    /// A global's value, in code other than main chunks.
    LoadGlobal {
        to: Reg,
        global: u32,
    },
    StoreGlobal {
        from: Reg,
        global: u32,
    },
    /// A local that may not have been assigned yet: then the global.
    LoadLocal {
        to: Reg,
        local: Reg,
        global: u32,
    },
    /// Writes the local if it has a value or the global has none.
    StoreLocal {
        from: Reg,
        local: Reg,
        global: u32,
    },
    /// The same for locals that lambdas share.
    LoadBox {
        to: Reg,
        local: Reg,
        global: u32,
    },
    StoreBox {
        from: Reg,
        local: Reg,
        global: u32,
    },
    /// The same for a lambda's variables of the routines around it.
    LoadUp {
        to: Reg,
        up: Reg,
        global: u32,
    },
    StoreUp {
        from: Reg,
        up: Reg,
        global: u32,
    },
    /// A member of ME, and on to `found`; nothing if it has none of this name.
    LoadMine {
        to: Reg,
        name: u16,
        found: Target,
    },
    StoreMine {
        from: Reg,
        name: u16,
        found: Target,
    },
    Me {
        to: Reg,
    },
    Memory {
        to: Reg,
    },
    More {
        to: Reg,
    },
    MoreCount {
        to: Reg,
    },
    Add {
        to: Reg,
        a: Reg,
        b: Reg,
    },
    AddInt {
        to: Reg,
        a: Reg,
        int: i32,
    },
    Subtract {
        to: Reg,
        a: Reg,
        b: Reg,
    },
    Multiply {
        to: Reg,
        a: Reg,
        b: Reg,
    },
    Divide {
        to: Reg,
        a: Reg,
        b: Reg,
    },
    Modulo {
        to: Reg,
        a: Reg,
        b: Reg,
    },
    Power {
        to: Reg,
        a: Reg,
        b: Reg,
    },
    Equal {
        to: Reg,
        a: Reg,
        b: Reg,
    },
    Unequal {
        to: Reg,
        a: Reg,
        b: Reg,
    },
    Less {
        to: Reg,
        a: Reg,
        b: Reg,
    },
    AtMost {
        to: Reg,
        a: Reg,
        b: Reg,
    },
    And {
        to: Reg,
        a: Reg,
        b: Reg,
    },
    Or {
        to: Reg,
        a: Reg,
        b: Reg,
    },
    Is {
        to: Reg,
        a: Reg,
        b: Reg,
    },
    Not {
        to: Reg,
        a: Reg,
    },
    Negate {
        to: Reg,
        a: Reg,
    },
    Jump {
        target: Target,
    },
    JumpUnless {
        test: Reg,
        target: Target,
    },
    UnlessEqual {
        a: Reg,
        b: Reg,
        target: Target,
    },
    UnlessUnequal {
        a: Reg,
        b: Reg,
        target: Target,
    },
    UnlessLess {
        a: Reg,
        b: Reg,
        target: Target,
    },
    UnlessAtMost {
        a: Reg,
        b: Reg,
        target: Target,
    },
    UnlessLessInt {
        a: Reg,
        int: i32,
        target: Target,
    },
    UnlessEqualInt {
        a: Reg,
        int: i32,
        target: Target,
    },
    /// Jumps if the counter is past the limit; the step is behind the limit.
    ForEnter {
        counter: Reg,
        limit: Reg,
        target: Target,
    },
    /// Adds the step and jumps unless the counter is past the limit.
    ForNext {
        counter: Reg,
        limit: Reg,
        target: Target,
    },
    /// Jumps unless the counter is past the limit.
    ForAgain {
        counter: Reg,
        limit: Reg,
        target: Target,
    },
    /// Calls or indexes what is in a register, with arguments from `first` on.
    Apply {
        to: Reg,
        callee: Reg,
        first: Reg,
        count: u16,
    },
    /// The same for a global, in code other than main chunks.
    ApplyGlobal {
        to: Reg,
        first: Reg,
        count: u16,
        global: u32,
    },
    /// Calls a member.
    Invoke {
        to: Reg,
        object: Reg,
        name: u16,
        first: Reg,
        count: u16,
    },
    Builtin {
        which: Builtin,
        to: Reg,
        first: Reg,
        count: u16,
    },
    /// Writes an element.
    SetIndex {
        object: Reg,
        first: Reg,
        count: u16,
        from: Reg,
    },
    GetMember {
        to: Reg,
        object: Reg,
        name: u16,
    },
    SetMember {
        object: Reg,
        name: u16,
        from: Reg,
    },
    /// Fails unless it can be called: what CALL names.
    Callable {
        at: Reg,
    },
    Return {
        from: Reg,
    },
    /// Back behind the GOSUB, or out of the routine with nil.
    ReturnNothing,
    Gosub {
        target: Target,
    },
    EndProgram,
    /// Replaces an instance by what its TO_STRING gives, if it has one.
    ToText {
        at: Reg,
    },
    Print {
        from: Reg,
    },
    LineEnd,
    /// Reads a line; `prompt` is a constant's number.
    Input {
        to: Reg,
        is_text: bool,
        prompt: u32,
    },
    Lambda {
        to: Reg,
        proto: u32,
    },
    /// Makes a class with so many parents, from `first` on.
    Class {
        to: Reg,
        first: Reg,
        count: u16,
        name: u16,
    },
    ClassVariable {
        class: Reg,
        name: u16,
        from: Reg,
    },
    ClassMethod {
        class: Reg,
        name: u16,
        proto: u32,
    },
    ClassEnd {
        class: Reg,
    },
    Dim {
        to: Reg,
        first: Reg,
        count: u16,
        is_text: bool,
    },
    /// Begins FOR IN: an iterator of what is in `from`.
    Each {
        to: Reg,
        from: Reg,
    },
    Fail {
        number: Number,
    },
}

/// What a lambda takes along from the code around it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Capture {
    /// A boxed register.
    Local(Reg),
    /// One of its own captures.
    Up(Reg),
}

/// A stretch of code whose errors go to a handler.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guarded {
    pub(crate) start: Target,
    pub(crate) end: Target,
    pub(crate) handler: Target,
    /// Where the handler finds the error.
    pub(crate) to: Reg,
}

/// A compiled routine, lambda or main chunk.
#[derive(Default)]
pub(crate) struct Proto {
    pub(crate) name: Option<Sym>,
    pub(crate) at: Place,
    pub(crate) is_main: bool,
    pub(crate) params: Vec<Sym>,
    pub(crate) takes_more: bool,
    pub(crate) registers: usize,
    /// The first register that is no variable's, in a main chunk.
    pub(crate) temporaries: usize,
    /// Registers that are boxes, since lambdas share them.
    pub(crate) boxes: Vec<Reg>,
    pub(crate) ops: Vec<Op>,
    /// Where each instruction stands in its file.
    pub(crate) places: Vec<Place>,
    pub(crate) constants: Vec<Val>,
    /// Names of members, with their spelling.
    pub(crate) names: Vec<(Sym, Rc<str>)>,
    pub(crate) protos: Vec<Rc<Proto>>,
    pub(crate) captures: Vec<Capture>,
    /// Inner ones first.
    pub(crate) guarded: Vec<Guarded>,
}

impl Proto {
    /// Where an instruction stands.
    pub(crate) fn place(&self, at: usize) -> Place {
        self.places.get(at).copied().unwrap_or(self.at)
    }
}
