//! The loop over instructions.
//!
//! A routine's registers are a window of the task's stack, a main chunk's are the globals. A call
//! changes the window; the outer loop takes it anew. The stop flag is looked at where code can go on
//! for ever: at backward jumps and at calls.

use std::rc::Rc;

use super::arithmetic as math;
use super::steps::MAX_CELLS;
use super::{Exit, Frame, MAX_FRAMES, MAX_STACK, Out, Rare, Task};
use crate::compile::NO_PROMPT;
use crate::compile::code::{Capture, IS_STATEMENT, NO_GLOBAL, Op, Reg};
use crate::core::{Core, Site};
use crate::fault::{Fault, Number, Outcome};
use crate::memory::{EACH, PAIR, expansion, weight};
use crate::number::computed;
use crate::value::{Class, Routine, Shared, Val, compare, equals, index_of};

/// How the loop goes on after a step that was made elsewhere.
pub(super) enum Next {
    /// With this result in the register.
    Value(Val),
    /// In a routine.
    Enter(Rc<Routine>, Option<Rc<Class>>),
    Out(Out),
}

/// The borrowed parts of a run.
pub(super) struct Run<'r> {
    pub(super) core: &'r Core,
    globals: &'r mut Vec<Val>,
    stack: &'r mut Vec<Val>,
    frames: &'r mut Vec<Frame>,
}

impl Core {
    /// Runs a task until it is done, fails, or needs something from outside.
    pub(super) fn execute(&self, task: &mut Task) -> Exit {
        let Some(mut frame) = task.frames.pop() else { return Exit::Done(Val::Nil) };
        let mut globals = self.globals.borrow_mut();
        let mut run = Run { core: self, globals: &mut globals, stack: &mut task.stack, frames: &mut task.frames };
        let exit = run.run(&mut frame).unwrap_or_else(|fault| match fault {
            Fault::Weigh(bytes) => {
                frame.next -= 1;
                Exit::Weigh(bytes)
            }
            fault => Exit::Failed(fault),
        });
        task.frames.push(frame);
        exit
    }
}

/// A register of the window. All registers an instruction names lie in it.
macro_rules! at {
    ($window:ident, $register:expr) => {
        $window[usize::from($register)]
    };
}

/// Writes a register, once its value is there.
macro_rules! put {
    ($window:ident, $register:ident = $value:expr) => {{
        let value = $value;
        std::mem::replace(&mut at!($window, $register), value).discard();
    }};
}

impl Run<'_> {
    #[allow(clippy::too_many_lines)]
    fn run(&mut self, frame: &mut Frame) -> Result<Exit, Fault> {
        'frame: loop {
            let proto = &frame.routine.proto;
            let ops = proto.ops.as_slice();
            let mut next = frame.next;
            let (window, globals) = if proto.is_main {
                (&mut self.globals[..], &mut [][..])
            } else {
                (&mut self.stack[frame.base..], &mut self.globals[..])
            };

            // Takes a step's value, or leaves with its fault.
            macro_rules! check {
                ($result:expr) => {
                    match $result {
                        Ok(value) => value,
                        Err(fault) => {
                            frame.next = next;
                            return Err(fault);
                        }
                    }
                };
            }
            macro_rules! jump {
                ($target:expr) => {{
                    let target = $target as usize;
                    if target < next {
                        check!(self.core.check_stop());
                    }
                    next = target;
                }};
            }
            macro_rules! compared {
                ($to:ident, $a:ident, $b:ident, $int:tt, $($wanted:pat_param)|+) => {{
                    let is = match (&at!(window, $a), &at!(window, $b)) {
                        (Val::Int(a), Val::Int(b)) => a $int b,
                        (Val::Real(a), Val::Real(b)) => a $int b,
                        (a, b) => matches!(check!(compare(a, b)), Some($($wanted)|+)),
                    };
                    at!(window, $to) = Val::Bool(is);
                }};
            }
            macro_rules! unless {
                ($a:ident, $b:ident, $target:ident, $int:tt, $($wanted:pat_param)|+) => {{
                    let is = match (&at!(window, $a), &at!(window, $b)) {
                        (Val::Int(a), Val::Int(b)) => a $int b,
                        (Val::Real(a), Val::Real(b)) => a $int b,
                        (a, b) => matches!(check!(compare(a, b)), Some($($wanted)|+)),
                    };
                    if !is {
                        jump!($target);
                    }
                }};
            }
            // Goes on as a step says that may call.
            macro_rules! go {
                ($step:expr, $to:expr, $first:expr, $count:expr) => {{
                    match check!($step) {
                        Next::Value(value) => at!(window, $to) = value,
                        Next::Enter(routine, me) => {
                            frame.next = next;
                            self.enter(frame, routine, me, $to, usize::from($first), usize::from($count))?;
                            continue 'frame;
                        }
                        Next::Out(out) => {
                            frame.next = next;
                            return Ok(Exit::Out($to, out));
                        }
                    }
                }};
            }

            loop {
                // Each body ends with an instruction that leaves it.
                let op = ops[next];
                next += 1;
                match op {
                    Op::Nil { to } => put!(window, to = Val::Nil),
                    Op::Bool { to, is } => put!(window, to = Val::Bool(is)),
                    Op::Int { to, int } => put!(window, to = Val::Int(int.into())),
                    Op::Constant { to, index } => put!(window, to = proto.constants[index as usize].clone()),
                    Op::Move { to, from } => put!(window, to = at!(window, from).read()),
                    Op::LoadGlobal { to, global } => put!(window, to = globals[global as usize].read()),
                    Op::StoreGlobal { from, global } => globals[global as usize] = at!(window, from).read(),
                    Op::LoadLocal { to, local, global } => {
                        let value = &at!(window, local);
                        let value = if value.is_unset() { globals[global as usize].read() } else { value.clone() };
                        put!(window, to = value);
                    }
                    Op::StoreLocal { from, local, global } => {
                        let value = at!(window, from).read();
                        if at!(window, local).is_unset() && !globals[global as usize].is_unset() {
                            globals[global as usize] = value;
                        } else {
                            put!(window, local = value);
                        }
                    }
                    Op::LoadBox { to, local, global } => {
                        let shared = if let Val::Shared(shared) = &at!(window, local) { Some(&**shared) } else { None };
                        let value = load_shared(shared, globals, global);
                        put!(window, to = value);
                    }
                    Op::StoreBox { from, local, global } => {
                        let value = at!(window, from).read();
                        if let Val::Shared(shared) = &at!(window, local) {
                            store_shared(shared, globals, global, value);
                        }
                    }
                    Op::LoadUp { to, up, global } => {
                        let shared = frame.routine.shared.get(usize::from(up)).map(|it| &**it);
                        let value = load_shared(shared, globals, global);
                        put!(window, to = value);
                    }
                    Op::StoreUp { from, up, global } => {
                        let value = at!(window, from).read();
                        if let Some(shared) = frame.routine.shared.get(usize::from(up)) {
                            store_shared(shared, globals, global, value);
                        }
                    }
                    Op::LoadMine { to, name, found } => {
                        if let Some(me) = &frame.me {
                            let name = proto.names[usize::from(name)].0;
                            if let Some(value) = self.core.own_member(me, name) {
                                put!(window, to = value);
                                next = found as usize;
                            }
                        }
                    }
                    Op::StoreMine { from, name, found } => {
                        if let Some(me) = &frame.me {
                            let name = proto.names[usize::from(name)].0;
                            if me.set(name, at!(window, from).read()) {
                                next = found as usize;
                            }
                        }
                    }
                    Op::Me { to } => match &frame.me {
                        Some(me) => put!(window, to = Val::Class(me.clone())),
                        None => check!(Err(Fault::with(Number::InvalidIdentifier, "ME outside of a method"))),
                    },
                    Op::Memory { to } => put!(window, to = Val::Int(self.core.memory() as i64)),
                    Op::More { to } => {
                        let value = frame.rare.as_mut().and_then(|rare| rare.more.pop_front()).unwrap_or(Val::Nil);
                        put!(window, to = value);
                    }
                    Op::MoreCount { to } => {
                        put!(window, to = Val::Int(frame.rare.as_ref().map_or(0, |rare| rare.more.len() as i64)));
                    }
                    Op::Add { to, a, b } => {
                        let value = match (&at!(window, a), &at!(window, b)) {
                            (Val::Int(a), Val::Int(b)) => match a.checked_add(*b) {
                                Some(int) => {
                                    set_int(&mut at!(window, to), int);
                                    continue;
                                }
                                None => Val::Real(*a as f64 + *b as f64),
                            },
                            (Val::Real(a), Val::Real(b)) => computed(a + b),
                            (Val::Text(text), Val::Text(more)) if to == a && a != b => {
                                // The first of two that share a string has it for itself from then on.
                                let is_own = Rc::strong_count(text) == 1;
                                check!(self.core.budget.afford(more.len() + if is_own { 0 } else { text.len() }));
                                // Where nobody else has the string it grows in place.
                                let mut text = std::mem::take(&mut at!(window, a));
                                let joined = join(&mut text, &at!(window, b));
                                put!(window, a = text);
                                check!(joined);
                                continue;
                            }
                            (a, b) => {
                                if let (Val::Text(a), Val::Text(b)) = (a, b) {
                                    check!(self.core.budget.afford(a.len() + b.len()));
                                }
                                check!(math::add(a, b))
                            }
                        };
                        put!(window, to = value);
                    }
                    Op::AddInt { to, a, int } => {
                        let value = match &at!(window, a) {
                            Val::Int(a) => match a.checked_add(int.into()) {
                                Some(int) => {
                                    set_int(&mut at!(window, to), int);
                                    continue;
                                }
                                None => Val::Real(*a as f64 + f64::from(int)),
                            },
                            a => check!(math::add_int(a, int)),
                        };
                        put!(window, to = value);
                    }
                    Op::Subtract { to, a, b } => {
                        let value = match (&at!(window, a), &at!(window, b)) {
                            (Val::Int(a), Val::Int(b)) => match a.checked_sub(*b) {
                                Some(int) => {
                                    set_int(&mut at!(window, to), int);
                                    continue;
                                }
                                None => Val::Real(*a as f64 - *b as f64),
                            },
                            (Val::Real(a), Val::Real(b)) => computed(a - b),
                            (a, b) => check!(math::subtract(a, b)),
                        };
                        put!(window, to = value);
                    }
                    Op::Multiply { to, a, b } => {
                        let value = match (&at!(window, a), &at!(window, b)) {
                            (Val::Int(a), Val::Int(b)) => match a.checked_mul(*b) {
                                Some(int) => {
                                    set_int(&mut at!(window, to), int);
                                    continue;
                                }
                                None => Val::Real(*a as f64 * *b as f64),
                            },
                            (Val::Real(a), Val::Real(b)) => computed(a * b),
                            (a, b) => check!(math::multiply(a, b)),
                        };
                        put!(window, to = value);
                    }
                    Op::Divide { to, a, b } => {
                        let place = proto.place(next - 1);
                        let value = check!(math::divide(self.core, place, &at!(window, a), &at!(window, b)));
                        put!(window, to = value);
                    }
                    Op::Modulo { to, a, b } => {
                        let value = match (&at!(window, a), &at!(window, b)) {
                            (Val::Int(a), Val::Int(b)) if *b != 0 => Val::Int(a.wrapping_rem(*b)),
                            (a, b) => check!(math::modulo(self.core, proto.place(next - 1), a, b)),
                        };
                        put!(window, to = value);
                    }
                    Op::Power { to, a, b } => {
                        let value = check!(math::power(&at!(window, a), &at!(window, b)));
                        put!(window, to = value);
                    }
                    Op::Equal { to, a, b } => {
                        put!(window, to = Val::Bool(equals(&at!(window, a), &at!(window, b))));
                    }
                    Op::Unequal { to, a, b } => {
                        put!(window, to = Val::Bool(!equals(&at!(window, a), &at!(window, b))));
                    }
                    Op::Less { to, a, b } => compared!(to, a, b, <, std::cmp::Ordering::Less),
                    Op::AtMost { to, a, b } => {
                        compared!(to, a, b, <=, std::cmp::Ordering::Less | std::cmp::Ordering::Equal);
                    }
                    Op::And { to, a, b } => {
                        put!(window, to = Val::Bool(at!(window, a).is_true() && at!(window, b).is_true()));
                    }
                    Op::Or { to, a, b } => {
                        put!(window, to = Val::Bool(at!(window, a).is_true() || at!(window, b).is_true()));
                    }
                    Op::Is { to, a, b } => {
                        put!(window, to = Val::Bool(check!(is(&at!(window, a), &at!(window, b)))));
                    }
                    Op::Not { to, a } => put!(window, to = Val::Bool(!at!(window, a).is_true())),
                    Op::Negate { to, a } => put!(window, to = check!(math::negate(&at!(window, a)))),
                    Op::Jump { target } => jump!(target),
                    Op::JumpUnless { test, target } => {
                        if !at!(window, test).is_true() {
                            jump!(target);
                        }
                    }
                    Op::UnlessEqual { a, b, target } => {
                        if !equals(&at!(window, a), &at!(window, b)) {
                            jump!(target);
                        }
                    }
                    Op::UnlessUnequal { a, b, target } => {
                        if equals(&at!(window, a), &at!(window, b)) {
                            jump!(target);
                        }
                    }
                    Op::UnlessLess { a, b, target } => unless!(a, b, target, <, std::cmp::Ordering::Less),
                    Op::UnlessAtMost { a, b, target } => {
                        unless!(a, b, target, <=, std::cmp::Ordering::Less | std::cmp::Ordering::Equal);
                    }
                    Op::UnlessLessInt { a, int, target } => {
                        let is = match &at!(window, a) {
                            Val::Int(a) => *a < i64::from(int),
                            a => check!(compare(a, &Val::Int(int.into()))) == Some(std::cmp::Ordering::Less),
                        };
                        if !is {
                            jump!(target);
                        }
                    }
                    Op::UnlessEqualInt { a, int, target } => {
                        let is = match &at!(window, a) {
                            Val::Int(a) => *a == i64::from(int),
                            a => equals(a, &Val::Int(int.into())),
                        };
                        if !is {
                            jump!(target);
                        }
                    }
                    Op::ForEnter { counter, limit, target } => {
                        let past = is_past(&at!(window, counter), &at!(window, limit), &at!(window, limit + 1));
                        if check!(past) {
                            jump!(target);
                        }
                    }
                    Op::ForNext { counter, limit, target } => {
                        let (last, step) = (usize::from(limit), usize::from(limit) + 1);
                        let goes_on = match (&at!(window, counter), &window[last], &window[step]) {
                            (Val::Int(at), Val::Int(limit), Val::Int(step)) if at.checked_add(*step).is_some() => {
                                let int = at.wrapping_add(*step);
                                let goes_on = if *step < 0 { int >= *limit } else { int <= *limit };
                                set_int(&mut at!(window, counter), int);
                                goes_on
                            }
                            (at, limit, step) => {
                                let value = check!(math::add(at, step));
                                let past = check!(is_past(&value, limit, step));
                                put!(window, counter = value);
                                !past
                            }
                        };
                        if goes_on {
                            check!(self.core.check_stop());
                            next = target as usize;
                        }
                    }
                    Op::ForAgain { counter, limit, target } => {
                        let past = is_past(&at!(window, counter), &at!(window, limit), &at!(window, limit + 1));
                        if !check!(past) {
                            jump!(target);
                        }
                    }
                    Op::Apply { to, callee, first, count } => {
                        let is_statement = count & IS_STATEMENT != 0;
                        let count = count & !IS_STATEMENT;
                        let callee = at!(window, callee).clone();
                        let arguments = &mut window[usize::from(first)..usize::from(first) + usize::from(count)];
                        go!(self.core.apply(&callee, arguments, is_statement), to, first, count);
                    }
                    Op::ApplyGlobal { to, first, count, global } => {
                        let is_statement = count & IS_STATEMENT != 0;
                        let count = count & !IS_STATEMENT;
                        if let Val::Routine(routine) = &globals[global as usize] {
                            let routine = routine.clone();
                            frame.next = next;
                            self.enter(frame, routine, None, to, usize::from(first), usize::from(count))?;
                            continue 'frame;
                        }
                        let callee = globals[global as usize].clone();
                        let arguments = &mut window[usize::from(first)..usize::from(first) + usize::from(count)];
                        go!(self.core.apply(&callee, arguments, is_statement), to, first, count);
                    }
                    Op::Invoke { to, object, name, first, count } => {
                        let object = at!(window, object).clone();
                        let (sym, name) = &proto.names[usize::from(name)];
                        let arguments = &mut window[usize::from(first)..usize::from(first) + usize::from(count)];
                        go!(self.core.invoke(&object, *sym, name, arguments), to, first, count);
                    }
                    Op::Builtin { which, to, first, count } => {
                        if which.may_warn() {
                            self.core.site.set(Some(Site { place: proto.place(next - 1), routine: proto.name }));
                        }
                        let arguments = &mut window[usize::from(first)..usize::from(first) + usize::from(count)];
                        check!(self.core.budget.afford(Core::cost(which, arguments)));
                        // A method in its place takes the arguments behind the instance.
                        go!(self.core.builtin(which, arguments), to, first + 1, count.saturating_sub(1));
                        window[usize::from(first)..usize::from(first) + usize::from(count)]
                            .iter_mut()
                            .enumerate()
                            .filter(|(index, _)| first + *index as Reg != to)
                            .for_each(|(_, argument)| *argument = Val::Unset);
                    }
                    Op::SetIndex { object, first, count, from } => {
                        check!(self.core.budget.afford(PAIR.saturating_add(expansion(&at!(window, object)))));
                        let value = at!(window, from).read();
                        let object = at!(window, object).clone();
                        let arguments = &mut window[usize::from(first)..usize::from(first) + usize::from(count)];
                        if let Some(out) = check!(self.core.set_element(&object, arguments, value)) {
                            frame.next = next;
                            return Ok(Exit::Out(first, out));
                        }
                    }
                    Op::GetMember { to, object, name } => {
                        let object = at!(window, object).clone();
                        let (sym, name) = &proto.names[usize::from(name)];
                        go!(self.core.member(&object, *sym, name), to, to, 0_u16);
                    }
                    Op::SetMember { object, name, from } => {
                        check!(self.core.budget.afford(PAIR));
                        let value = at!(window, from).read();
                        let (sym, name) = &proto.names[usize::from(name)];
                        if let Some(out) = check!(self.core.set_member(&at!(window, object), *sym, name, value)) {
                            frame.next = next;
                            // There is no result, and the value's register has had its use.
                            return Ok(Exit::Out(NOWHERE, out));
                        }
                    }
                    Op::Callable { at } => match &at!(window, at) {
                        Val::Routine(_) | Val::Method(_) | Val::Native(_) | Val::Foreign(_) => {}
                        _ => check!(Err(Number::InvalidRoutine.into())),
                    },
                    Op::Return { from } => {
                        let value = at!(window, from).read();
                        if self.leave(frame, value) {
                            continue 'frame;
                        }
                        return Ok(Exit::Done(self.result()));
                    }
                    Op::ReturnNothing => {
                        if let Some(back) = frame.rare.as_mut().and_then(|rare| rare.gosubs.pop()) {
                            next = back;
                        } else if proto.is_main {
                            check!(Err(Number::NoReturnPoint.into()));
                        } else if self.leave(frame, Val::Nil) {
                            continue 'frame;
                        } else {
                            return Ok(Exit::Done(self.result()));
                        }
                    }
                    Op::Gosub { target } => {
                        check!(self.core.check_stop());
                        let gosubs = &mut frame.rare.get_or_insert_default().gosubs;
                        if gosubs.len() >= MAX_FRAMES {
                            check!(Err(Fault::depth("too many GOSUBs are open")));
                        }
                        gosubs.push(next);
                        next = target as usize;
                    }
                    Op::EndProgram => {
                        frame.next = next;
                        return Ok(Exit::Done(Val::Nil));
                    }
                    Op::ToText { at } => {
                        if let Val::Class(class) = &at!(window, at)
                            && let Some(method) = class.method(self.core.special.to_string)
                        {
                            let me = class.clone();
                            frame.next = next;
                            self.enter(frame, method, Some(me), at, 0, 0)?;
                            continue 'frame;
                        }
                    }
                    Op::Print { from } => check!(self.core.print(&at!(window, from))),
                    Op::LineEnd => check!(self.core.host.try_print(b"\n").map_err(Fault::from)),
                    Op::Input { to, is_text, prompt } => {
                        let prompt = if prompt == NO_PROMPT { None } else { proto.constants.get(prompt as usize) };
                        let prompt = if let Some(Val::Text(text)) = prompt { Some(text.clone()) } else { None };
                        frame.next = next;
                        return Ok(Exit::Out(to, Out::Input { is_text, prompt }));
                    }
                    Op::Lambda { to, proto: number } => {
                        let proto = proto.protos[number as usize].clone();
                        check!(self.core.budget.afford(EACH + proto.captures.len() * size_of::<Rc<Shared>>()));
                        let shared = proto.captures.iter().map(|capture| match capture {
                            Capture::Local(register) => match &at!(window, *register) {
                                Val::Shared(shared) => shared.clone(),
                                value => self.core.heap.shared(value.clone()),
                            },
                            Capture::Up(up) => match frame.routine.shared.get(usize::from(*up)) {
                                Some(shared) => shared.clone(),
                                None => self.core.heap.shared(Val::Unset),
                            },
                        });
                        let shared = shared.collect();
                        let routine = Routine { proto, shared, me: frame.me.clone() };
                        put!(window, to = Val::Routine(Rc::new(routine)));
                    }
                    Op::Class { to, first, count, name } => {
                        let parents = &window[usize::from(first)..usize::from(first) + usize::from(count)];
                        check!(self.core.budget.afford(parents.iter().map(weight).fold(EACH, usize::saturating_add)));
                        let class = self.core.new_class(proto.names[usize::from(name)].0, parents);
                        put!(window, to = Val::Class(check!(class)));
                    }
                    Op::ClassVariable { class, name, from } => {
                        check!(self.core.budget.afford(EACH));
                        if let Val::Class(class) = &at!(window, class) {
                            check!(class.define(proto.names[usize::from(name)].0, at!(window, from).read()));
                        }
                    }
                    Op::ClassMethod { class, name, proto: number } => {
                        if let Val::Class(class) = &at!(window, class) {
                            let proto_of = proto.protos[number as usize].clone();
                            let method = Routine { proto: proto_of, shared: Vec::new(), me: None };
                            class.define_method(proto.names[usize::from(name)].0, Rc::new(method));
                        }
                    }
                    Op::ClassEnd { class } => {
                        let special = &self.core.special;
                        if let Val::Class(class) = &at!(window, class)
                            && class.method(special.hash).is_some() != class.method(special.compare).is_some()
                        {
                            check!(Err(Number::HashAndCompare.into()));
                        }
                    }
                    Op::Dim { to, first, count, is_text } => {
                        let sizes = &window[usize::from(first)..usize::from(first) + usize::from(count)];
                        check!(self.core.budget.afford(array_bytes(sizes)));
                        put!(window, to = check!(self.core.new_array(sizes, is_text)));
                    }
                    Op::Each { to, from } => {
                        if let Val::Dict(dict) = &at!(window, from) {
                            check!(self.core.budget.afford(dict.len() * size_of::<Val>()));
                        }
                        let collection = at!(window, from).clone();
                        go!(self.core.each(&collection), to, to, 0_u16);
                    }
                    Op::Fail { number } => check!(Err(Fault::from(number))),
                }
            }
        }
    }

    /// Begins a call: the arguments move to the new window, what is missing is NIL.
    #[inline]
    fn enter(
        &mut self,
        frame: &mut Frame,
        routine: Rc<Routine>,
        me: Option<Rc<Class>>,
        to: Reg,
        first: usize,
        count: usize,
    ) -> Outcome<()> {
        self.core.check_stop()?;
        let proto = &routine.proto;
        let params = proto.params.len();
        let base = self.stack.len();
        if self.frames.len() >= MAX_FRAMES || base + proto.registers > MAX_STACK {
            return Err(Fault::depth("too many calls are open"));
        }
        if base + proto.registers > self.stack.capacity() {
            // They double.
            self.core.budget.afford(2 * (base + proto.registers) * size_of::<Val>())?;
        } else if self.core.budget.is_spent() {
            return Err(Fault::Weigh(0));
        }
        let own = count.min(params);
        let mut rare = None;
        if frame.routine.proto.is_main {
            for register in first..first + own {
                let value = std::mem::take(&mut self.globals[register]);
                self.stack.push(value);
            }
        } else {
            for register in first..first + own {
                let value = std::mem::take(&mut self.stack[frame.base + register]);
                self.stack.push(value);
            }
        }
        if count > params {
            let rest = if frame.routine.proto.is_main {
                &mut self.globals[first + own..first + count]
            } else {
                &mut self.stack[frame.base + first + own..frame.base + first + count]
            };
            if !proto.takes_more {
                let name = proto.name.map_or_else(|| "the lambda".into(), |name| self.core.names.text(name));
                self.stack.truncate(base);
                return Err(Fault::with(Number::CloseBracket, format!("{name} takes {params} arguments, not {count}")));
            }
            let more = rest.iter_mut().map(std::mem::take).collect();
            rare = Some(Box::new(Rare { more, gosubs: Vec::new() }));
        }
        if own < params {
            self.stack.resize(base + params, Val::Nil);
        }
        self.stack.extend((params..proto.registers).map(|_| Val::Unset));
        for &register in &proto.boxes {
            let place = &mut self.stack[base + usize::from(register)];
            *place = Val::Shared(self.core.heap.shared(std::mem::take(place)));
        }
        let me = me.or_else(|| routine.me.clone());
        let new = Frame { routine, me, next: 0, base, to, rare };
        self.frames.push(std::mem::replace(frame, new));
        Ok(())
    }

    /// Ends a call. Whether there is a caller; without one, the result is the last value of the stack.
    #[inline]
    fn leave(&mut self, frame: &mut Frame, value: Val) -> bool {
        while self.stack.len() > frame.base {
            self.stack.pop().unwrap_or_default().discard();
        }
        let Some(caller) = self.frames.pop() else {
            self.stack.push(value);
            return false;
        };
        let to = usize::from(std::mem::replace(frame, caller).to);
        let place = if frame.routine.proto.is_main { &mut self.globals[to] } else { &mut self.stack[frame.base + to] };
        std::mem::replace(place, value).discard();
        true
    }

    fn result(&mut self) -> Val {
        self.stack.pop().unwrap_or(Val::Nil)
    }
}

/// Writes an integer; where one was, nothing has to be dropped.
#[inline(always)]
fn set_int(place: &mut Val, int: i64) {
    match place {
        Val::Int(old) => *old = int,
        place => *place = Val::Int(int),
    }
}

/// The register of a result nobody wants.
pub(super) const NOWHERE: Reg = Reg::MAX;

/// A shared variable, or the global of its name while it has no value.
fn load_shared(shared: Option<&Shared>, globals: &[Val], global: u32) -> Val {
    let value = shared.map_or(Val::Unset, |it| it.0.borrow().clone());
    if value.is_unset() && global != NO_GLOBAL { globals[global as usize].read() } else { value.read() }
}

fn store_shared(shared: &Shared, globals: &mut [Val], global: u32, value: Val) {
    let is_global = global != NO_GLOBAL && shared.0.borrow().is_unset() && !globals[global as usize].is_unset();
    if is_global {
        globals[global as usize] = value;
    } else {
        let old = shared.0.replace(value);
        drop(old);
    }
}

/// Appends a string to another.
fn join(text: &mut Val, more: &Val) -> Outcome<()> {
    if let (Val::Text(text), Val::Text(more)) = (text, more) {
        math::check_length(text.len() + more.len())?;
        Rc::make_mut(text).extend_from_slice(more);
    }
    Ok(())
}

/// What an array of these sizes takes. Sizes that there cannot be are for whoever makes it to refuse.
fn array_bytes(sizes: &[Val]) -> usize {
    let sizes = sizes.iter().map(|size| index_of(size).ok().and_then(|size| usize::try_from(size).ok()).unwrap_or(0));
    let cells = sizes.fold(1, usize::saturating_mul);
    if cells > MAX_CELLS { 0 } else { cells * size_of::<Val>() }
}

/// Whether a loop's counter has passed its limit, in the direction of its step.
fn is_past(counter: &Val, limit: &Val, step: &Val) -> Outcome<bool> {
    let is_number = |value: &Val| matches!(value, Val::Int(_) | Val::Real(_) | Val::Bool(_) | Val::Unset);
    if ![counter, limit, step].into_iter().all(is_number) {
        return Err(Number::NotNumeric.into());
    }
    let is_down = compare(step, &Val::Int(0))? == Some(std::cmp::Ordering::Less);
    let past = if is_down { std::cmp::Ordering::Less } else { std::cmp::Ordering::Greater };
    // A limit that is no number is never reached, and never not passed.
    Ok(compare(counter, limit)?.is_none_or(|ordering| ordering == past))
}

/// `a IS b`: an instance of a class, or a value of a type.
fn is(a: &Val, b: &Val) -> Outcome<bool> {
    match (a, b) {
        (Val::Class(a), Val::Class(b)) => Ok(a.is(b)),
        (a, Val::Type(kind)) => Ok(a.kind() == *kind),
        (_, Val::Class(_)) => Ok(false),
        _ => Err(Number::ClassExpected.into()),
    }
}
