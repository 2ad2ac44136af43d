//! Where a variable lives.
//!
//! Whether a name assigned in a routine is a global is decided when the assignment runs. But a name
//! that no main chunk assigns cannot be one, and then a register will do.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::code::{Capture, NO_GLOBAL, Op, Proto, Reg};
use super::{Compile, Compiler, scan};
use crate::names::Sym;
use crate::syntax::Place;
use crate::syntax::tree::Routine;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Main,
    Routine,
    Lambda,
}

/// A local variable.
#[derive(Clone, Copy, Debug)]
struct Local {
    register: Reg,
    is_boxed: bool,
    /// Never a global, whatever happens.
    is_sure: bool,
    /// A parameter or declared with VAR: hides a member of its name.
    hides_member: bool,
}

/// A function that is being compiled.
pub(super) struct Function {
    kind: Kind,
    pub(super) proto: Proto,
    locals: HashMap<Sym, Local>,
    ups: HashMap<Sym, (Reg, bool, bool)>,
    /// What members the class around it may have; `None` outside of classes, an empty set if any.
    pub(super) class: Option<Rc<Members>>,
    pub(super) next: u32,
    pub(super) most: u32,
    /// The jumps out of each open loop.
    pub(super) exits: Vec<Vec<usize>>,
    pub(super) labels: HashMap<Sym, u32>,
    pub(super) jumps: Vec<(usize, Sym, Place)>,
    pub(super) members: HashMap<(Sym, Rc<str>), u16>,
}

/// The members a class may have.
pub(super) enum Members {
    These(HashSet<Sym>),
    /// It has parents, which are known only when it runs.
    Any,
}

/// Where a name's value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Home {
    Register(Reg),
    Local(Reg, u32),
    Boxed(Reg, u32),
    Up(Reg, u32),
    Global(u32),
}

impl Function {
    pub(super) fn new(kind: Kind, first: u32) -> Function {
        Function {
            kind,
            proto: Proto::default(),
            locals: HashMap::new(),
            ups: HashMap::new(),
            class: None,
            next: first,
            most: first,
            exits: Vec::new(),
            labels: HashMap::new(),
            jumps: Vec::new(),
            members: HashMap::new(),
        }
    }

    pub(super) fn is_main(&self) -> bool {
        self.kind == Kind::Main
    }
}

impl Compiler<'_> {
    /// Whether some main chunk may make a global of this name.
    fn may_be_global(&self, sym: Sym) -> bool {
        self.is_open || self.globals.assigned.contains(&sym)
    }

    /// Begins a routine or lambda: its locals get registers.
    pub(super) fn begin(&mut self, routine: &Routine, class: Option<Rc<Members>>) -> Compile<()> {
        let kind = if routine.name.is_some() { Kind::Routine } else { Kind::Lambda };
        let names = scan::Names::of(&routine.body);
        let shared = names.of_lambdas();
        let mut function = Function::new(kind, 0);
        function.class = class;
        function.proto.name = routine.name;
        function.proto.at = routine.at;
        function.proto.params = routine.params.clone();
        function.proto.takes_more = routine.takes_more;
        let mut own: Vec<Sym> = names.assigned.union(&names.declared).copied().collect();
        own.sort();
        own.retain(|sym| {
            let is_outer = kind == Kind::Lambda && !names.declared.contains(sym) && self.is_local_outside(*sym);
            !is_outer && !routine.params.contains(sym)
        });
        for (index, &sym) in routine.params.iter().chain(&own).enumerate() {
            let register = Reg::try_from(index).unwrap_or(Reg::MAX);
            let is_param = index < routine.params.len();
            let is_boxed = shared.contains(&sym);
            if is_boxed {
                function.proto.boxes.push(register);
            }
            let hides_member = is_param || names.declared.contains(&sym);
            let is_sure = is_param || !self.may_be_global(sym);
            function.locals.insert(sym, Local { register, is_boxed, is_sure, hides_member });
        }
        function.next = (routine.params.len() + own.len()) as u32;
        function.most = function.next;
        self.functions.push(function);
        self.check_registers(routine.at)
    }

    /// Whether a routine around the innermost function has a local of this name.
    fn is_local_outside(&self, sym: Sym) -> bool {
        for function in self.functions.iter().rev() {
            if function.locals.contains_key(&sym) {
                return true;
            }
            if function.kind != Kind::Lambda {
                return false;
            }
        }
        false
    }

    /// Where the name's value is, seen from the innermost function.
    pub(super) fn home(&mut self, sym: Sym) -> Home {
        let global = self.globals.slot(sym);
        let level = self.functions.len() - 1;
        let function = &self.functions[level];
        if function.kind == Kind::Main {
            return Home::Register(Reg::try_from(global).unwrap_or(Reg::MAX));
        }
        if let Some(local) = function.locals.get(&sym) {
            let or = if local.is_sure { NO_GLOBAL } else { global };
            return match local {
                Local { is_boxed: true, register, .. } => Home::Boxed(*register, or),
                Local { is_sure: true, register, .. } => Home::Register(*register),
                Local { register, .. } => Home::Local(*register, or),
            };
        }
        match self.capture(level, sym) {
            Some((up, is_sure, _)) => Home::Up(up, if is_sure { NO_GLOBAL } else { global }),
            None => Home::Global(global),
        }
    }

    /// The capture of a name in the function of this level: its number, whether it is surely local,
    /// whether it hides a member.
    fn capture(&mut self, level: usize, sym: Sym) -> Option<(Reg, bool, bool)> {
        let function = self.functions.get(level)?;
        if function.kind != Kind::Lambda || level == 0 {
            return None;
        }
        if let Some(&known) = function.ups.get(&sym) {
            return Some(known);
        }
        let outer = self.functions.get(level - 1)?;
        let (capture, is_sure, hides) = match outer.locals.get(&sym) {
            Some(local) => (Capture::Local(local.register), local.is_sure, local.hides_member),
            None => {
                let (up, is_sure, hides) = self.capture(level - 1, sym)?;
                (Capture::Up(up), is_sure, hides)
            }
        };
        let function = self.functions.get_mut(level)?;
        let up = Reg::try_from(function.proto.captures.len()).unwrap_or(Reg::MAX);
        function.proto.captures.push(capture);
        function.ups.insert(sym, (up, is_sure, hides));
        Some((up, is_sure, hides))
    }

    /// Whether the name may be a member of ME here.
    pub(super) fn may_be_mine(&mut self, sym: Sym) -> bool {
        let level = self.functions.len() - 1;
        let function = &self.functions[level];
        let may = match function.class.as_deref() {
            None => false,
            Some(Members::Any) => true,
            Some(Members::These(these)) => these.contains(&sym),
        };
        let local = function.locals.get(&sym).map(|it| it.hides_member);
        may && !local.or_else(|| self.capture(level, sym).map(|it| it.2)).unwrap_or(false)
    }

    /// Whether the program, or one before it, has a variable of this name here.
    pub(super) fn is_known(&mut self, sym: Sym) -> bool {
        self.globals.assigned.contains(&sym)
            || self.may_be_mine(sym)
            || matches!(self.home(sym), Home::Local(..) | Home::Boxed(..) | Home::Up(..))
            || (!self.function().is_main() && matches!(self.home(sym), Home::Register(_)))
    }

    /// Loads a variable.
    pub(super) fn load(&mut self, sym: Sym, to: Reg, at: Place) -> Compile<()> {
        let mut found = None;
        if self.may_be_mine(sym) {
            let name = self.member(sym, &self.names.text(sym), at)?;
            found = Some(self.emit(Op::LoadMine { to, name, found: 0 }, at));
        }
        match self.home(sym) {
            Home::Register(from) => self.emit(Op::Move { to, from }, at),
            Home::Local(local, global) => self.emit(Op::LoadLocal { to, local, global }, at),
            Home::Boxed(local, global) => self.emit(Op::LoadBox { to, local, global }, at),
            Home::Up(up, global) => self.emit(Op::LoadUp { to, up, global }, at),
            Home::Global(global) => self.emit(Op::LoadGlobal { to, global }, at),
        };
        if let Some(found) = found {
            self.land(found);
        }
        Ok(())
    }

    /// Stores into a variable.
    pub(super) fn store(&mut self, sym: Sym, from: Reg, at: Place) -> Compile<()> {
        let mut found = None;
        if self.may_be_mine(sym) {
            let name = self.member(sym, &self.names.text(sym), at)?;
            found = Some(self.emit(Op::StoreMine { from, name, found: 0 }, at));
        }
        match self.home(sym) {
            Home::Register(to) if to == from => 0,
            Home::Register(to) => self.emit(Op::Move { to, from }, at),
            Home::Local(local, global) => self.emit(Op::StoreLocal { from, local, global }, at),
            Home::Boxed(local, global) => self.emit(Op::StoreBox { from, local, global }, at),
            Home::Up(up, global) => self.emit(Op::StoreUp { from, up, global }, at),
            Home::Global(global) => self.emit(Op::StoreGlobal { from, global }, at),
        };
        if let Some(found) = found {
            self.land(found);
        }
        Ok(())
    }

    /// Declares a local with VAR: the value goes there, whatever globals there are.
    pub(super) fn declare(&mut self, sym: Sym, from: Reg, at: Place) {
        match self.home(sym) {
            Home::Register(to) | Home::Local(to, _) => self.emit(Op::Move { to, from }, at),
            Home::Boxed(local, _) => self.emit(Op::StoreBox { from, local, global: NO_GLOBAL }, at),
            Home::Up(up, _) => self.emit(Op::StoreUp { from, up, global: NO_GLOBAL }, at),
            Home::Global(global) => self.emit(Op::StoreGlobal { from, global }, at),
        };
    }

    /// The register a variable always is in, if there is one: it can be used where it lies.
    pub(super) fn register(&mut self, sym: Sym) -> Option<Reg> {
        if self.may_be_mine(sym) {
            return None;
        }
        match self.home(sym) {
            Home::Register(register) => Some(register),
            _ => None,
        }
    }
}
