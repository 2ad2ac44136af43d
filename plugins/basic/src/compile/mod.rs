//! From the tree to code: `scan` looks at names beforehand, `scope` decides where a variable lives,
//! `statements` and `expressions` make the instructions of `code`.

pub(crate) mod code;
mod expressions;
mod scan;
mod scope;
mod statements;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::fault::Number;
use crate::names::{Names, Sym};
use crate::syntax::tree::Block;
use crate::syntax::{Parsed, Place, Wrong};
pub(crate) use statements::NO_PROMPT;

use code::{Op, Proto, Reg};
use scope::{Function, Kind};

pub(super) type Compile<T> = Result<T, Wrong>;

/// What a context knows of names beyond one program.
#[derive(Default)]
pub(crate) struct Globals {
    /// The register of each global.
    pub(crate) slots: HashMap<Sym, u32>,
    /// What main chunks assign, define or declare.
    pub(crate) assigned: HashSet<Sym>,
    /// How many registers are given out.
    pub(crate) count: u32,
}

impl Globals {
    pub(crate) fn slot(&mut self, sym: Sym) -> u32 {
        let count = &mut self.count;
        *self.slots.entry(sym).or_insert_with(|| {
            *count += 1;
            *count - 1
        })
    }
}

/// Whether a native or module of this upper-case dotted name can be had, and which.
pub(crate) trait Natives {
    /// The native of this name as a value.
    fn find(&self, dotted: &str) -> Option<crate::value::Val>;
}

/// A compiler for one program.
pub(crate) struct Compiler<'c> {
    names: &'c Names,
    globals: &'c mut Globals,
    natives: &'c dyn Natives,
    /// More code may come and assign globals of any name.
    is_open: bool,
    /// The modules whose natives are used without prefix.
    modules: Vec<String>,
    /// Routines of the program, and those whose DEF has been passed.
    routines: HashSet<Sym>,
    defined: HashSet<Sym>,
    classes: HashSet<Sym>,
    functions: Vec<Function>,
}

impl<'c> Compiler<'c> {
    pub(crate) fn new(
        names: &'c Names,
        globals: &'c mut Globals,
        natives: &'c dyn Natives,
        is_open: bool,
    ) -> Compiler<'c> {
        Compiler {
            names,
            globals,
            natives,
            is_open,
            modules: Vec::new(),
            routines: HashSet::new(),
            defined: HashSet::new(),
            classes: HashSet::new(),
            functions: Vec::new(),
        }
    }

    /// The main chunk of a program. With `wants_value`, a program that is one expression gives its value.
    ///
    /// # Errors
    /// What the text is wrong about beyond its grammar.
    pub(crate) fn program(mut self, parsed: &Parsed, wants_value: bool) -> Compile<Rc<Proto>> {
        self.modules = parsed.modules.clone();
        self.reserve(&parsed.body);
        let mut main = Function::new(Kind::Main, self.globals.count);
        main.proto.is_main = true;
        main.proto.temporaries = self.globals.count as usize;
        self.functions.push(main);
        self.check_registers(Place::default())?;
        match parsed.body.as_slice() {
            [crate::syntax::tree::Statement { kind: crate::syntax::tree::StatementKind::Evaluate(expr), at }]
                if wants_value =>
            {
                let from = self.temporary(*at)?;
                self.expression_to(expr, from)?;
                self.emit(Op::Return { from }, *at);
            }
            body => {
                self.block(&parsed.body)?;
                let at = body.last().map(|it| it.at).unwrap_or_default();
                self.emit(Op::EndProgram, at);
            }
        }
        let proto = self.finish()?;
        self.globals.count = self.globals.count.max(proto.registers as u32);
        Ok(Rc::new(proto))
    }

    /// Gives every name of the program a global, and notes what main chunks assign.
    fn reserve(&mut self, body: &Block) {
        let main = scan::Names::of(body);
        self.globals.assigned.extend(main.assigned.iter().chain(&main.declared));
        self.routines.extend(main.routines.iter().filter_map(|it| it.name));
        let mut syms: HashSet<Sym> = main.all().collect();
        let mut left: Vec<_> = main.routines.clone();
        left.extend(main.lambdas.iter());
        left.extend(main.classes.iter().flat_map(|class| &class.methods));
        while let Some(routine) = left.pop() {
            let inner = scan::Names::of(&routine.body);
            syms.extend(inner.all());
            left.extend(inner.lambdas.iter().chain(&inner.routines));
        }
        let mut syms: Vec<Sym> = syms.into_iter().collect();
        syms.sort();
        for sym in syms {
            self.globals.slot(sym);
        }
    }

    // The function that is being compiled.

    fn function(&mut self) -> &mut Function {
        // `program` pushes the first, and `finish` pops what was pushed.
        let last = self.functions.len() - 1;
        &mut self.functions[last]
    }

    fn emit(&mut self, op: Op, at: Place) -> usize {
        let proto = &mut self.function().proto;
        proto.ops.push(op);
        proto.places.push(at);
        proto.ops.len() - 1
    }

    /// Where the next instruction will be.
    fn here(&mut self) -> u32 {
        self.function().proto.ops.len() as u32
    }

    /// Has the jump at this place go to the next instruction.
    fn land(&mut self, jump: usize) {
        let here = self.here();
        self.aim(jump, here);
    }

    fn aim(&mut self, jump: usize, to: u32) {
        match self.function().proto.ops.get_mut(jump) {
            Some(
                Op::Jump { target }
                | Op::JumpUnless { target, .. }
                | Op::UnlessEqual { target, .. }
                | Op::UnlessUnequal { target, .. }
                | Op::UnlessLess { target, .. }
                | Op::UnlessAtMost { target, .. }
                | Op::UnlessLessInt { target, .. }
                | Op::UnlessEqualInt { target, .. }
                | Op::ForEnter { target, .. }
                | Op::ForNext { target, .. }
                | Op::ForAgain { target, .. }
                | Op::Gosub { target },
            ) => *target = to,
            Some(Op::LoadMine { found, .. } | Op::StoreMine { found, .. }) => *found = to,
            _ => {}
        }
    }

    fn check_registers(&mut self, at: Place) -> Compile<()> {
        // One is left over, so that counts fit as well.
        let most = usize::from(Reg::MAX) - 1;
        if self.function().most as usize > most { Err(Wrong::new(Number::ProgramTooLong, at)) } else { Ok(()) }
    }

    /// A new temporary register.
    fn temporary(&mut self, at: Place) -> Compile<Reg> {
        let function = self.function();
        let register = function.next;
        function.next += 1;
        function.most = function.most.max(function.next);
        self.check_registers(at)?;
        Ok(register as Reg)
    }

    /// The number of a member's name.
    fn member(&mut self, sym: Sym, spelling: &Rc<str>, at: Place) -> Compile<u16> {
        let function = self.function();
        let known = function.members.get(&(sym, spelling.clone())).copied();
        if let Some(known) = known {
            return Ok(known);
        }
        let number = u16::try_from(function.proto.names.len()).map_err(|_| Wrong::new(Number::ProgramTooLong, at))?;
        function.proto.names.push((sym, spelling.clone()));
        function.members.insert((sym, spelling.clone()), number);
        Ok(number)
    }

    /// Ends the innermost function: its jumps to labels find their places.
    fn finish(&mut self) -> Compile<Proto> {
        let jumps = std::mem::take(&mut self.function().jumps);
        for (jump, label, at) in jumps {
            match self.function().labels.get(&label).copied() {
                Some(target) => self.aim(jump, target),
                None => return Err(Wrong::with(Number::NoLabel, at, self.names.text(label).to_string())),
            }
        }
        let Some(function) = self.functions.pop() else { return Err(Wrong::new(Number::Syntax, Place::default())) };
        let mut proto = function.proto;
        proto.registers = function.most as usize;
        proto.ops.shrink_to_fit();
        proto.places.shrink_to_fit();
        Ok(proto)
    }
}
