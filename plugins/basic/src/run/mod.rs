//! Running code. `execute` is the loop over instructions; it never calls out: what takes the host,
//! another language or a wait ends it with an [`Exit`], which `drive` carries out with no borrow
//! held. So a task that waits is a value that can be put aside, and other tasks run meanwhile.

mod arithmetic;
mod builtins;
mod drive;
mod execute;
mod nested;
mod steps;

pub(crate) use drive::{Progress, Wait};

use std::collections::VecDeque;
use std::rc::Rc;

use crate::builtin::Builtin;
use crate::compile::code::Reg;
use crate::core::Site;
use crate::fault::Fault;
use crate::foreign::{Bound, Foreign, Held};
use crate::value::{Class, Routine, Text, Val};

/// How many calls of routines may be open in one task.
pub(crate) const MAX_FRAMES: usize = 100_000;

/// How many values the open calls of one task may hold.
pub(crate) const MAX_STACK: usize = 10_000_000;

/// How many routines may run, one inside of the other, in functions of the language that call back.
/// More than waits in place may nest on a thread, so that programs meet that bound first.
pub(crate) const MAX_NESTING: u32 = 64;

/// One activity: its open calls with their values.
#[derive(Default)]
pub(crate) struct Task {
    pub(crate) stack: Vec<Val>,
    /// The open calls, the running one last.
    pub(crate) frames: Vec<Frame>,
    /// Whether it runs inside of a function of the language, so that it waits in place.
    pub(crate) is_nested: bool,
}

/// An open call.
pub(crate) struct Frame {
    pub(crate) routine: Rc<Routine>,
    /// ME.
    pub(crate) me: Option<Rc<Class>>,
    /// The next instruction.
    pub(crate) next: usize,
    /// Where its registers begin on the stack.
    pub(crate) base: usize,
    /// The caller's register for the result.
    pub(crate) to: Reg,
    pub(crate) rare: Option<Box<Rare>>,
}

/// What few calls have.
#[derive(Default)]
pub(crate) struct Rare {
    /// The further arguments, for `...`.
    pub(crate) more: VecDeque<Val>,
    /// Where open GOSUBs return to.
    pub(crate) gosubs: Vec<usize>,
}

impl Frame {
    /// Where the code is.
    pub(crate) fn site(&self) -> Site {
        let proto = &self.routine.proto;
        Site { place: proto.place(self.next.saturating_sub(1)), routine: proto.name }
    }

    /// Where open GOSUBs return to.
    pub(crate) fn gosubs(&self) -> &[usize] {
        self.rare.as_ref().map_or(&[], |rare| rare.gosubs.as_slice())
    }
}

/// Why the loop over instructions ended.
pub(crate) enum Exit {
    /// The task is done.
    Done(Val),
    /// Something to do outside; its result goes into the running call's register.
    Out(Reg, Out),
    /// The running instruction failed.
    Failed(Fault),
    /// The running instruction is to be tried again once it is known that so many bytes may be had.
    Weigh(usize),
}

/// What is to be done outside of the loop.
pub(crate) enum Out {
    Native(Rc<Bound>, Vec<Val>),
    Foreign(Rc<Foreign>, Vec<Val>),
    Method(Rc<Held>, Rc<str>, Vec<Val>),
    Get(Rc<Held>, Rc<str>),
    Set(Rc<Held>, Rc<str>, Val),
    /// A function of the language that may have to call methods of instances.
    Builtin(Builtin, Vec<Val>),
    /// An element written to a dictionary whose key hashes itself.
    SetElement(Val, Vec<Val>, Val),
    Input {
        is_text: bool,
        prompt: Option<Text>,
    },
}
