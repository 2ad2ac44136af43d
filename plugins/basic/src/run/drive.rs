//! What a task asks for outside of its instructions, and where its errors go.

use calog_plugin_api::{
    Args, CallInfo, Callee, Code, Completion, Error, Facts, Outcome as Called, Result, Value, View,
};

use super::{Exit, Frame, Out, Rare, Task};
use crate::compile::code::{Guarded, Reg};
use crate::convert::plain;
use crate::core::{Core, Site};
use crate::fault::{Fault, Number, Outcome};
use crate::input;
use crate::value::{Routine, Val};

use super::execute::NOWHERE;

/// Frames of one task that a trace shows; a runaway recursion has thousands, all alike.
const SHOWN_FRAMES: usize = 40;

/// Up to so many arguments need no allocation.
const FEW_ARGUMENTS: usize = 4;

/// How far a task came.
pub(crate) enum Progress {
    Done(Outcome<Val>),
    Waits(Wait, Completion),
}

/// What becomes of a result that is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    to: Reg,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Call { lenient: bool },
    Input { is_text: bool },
}

/// What asking came to.
enum Answer {
    Now(Val),
    Later(Kind, Completion),
}

/// Puts the noted place back when a call out has returned.
struct SiteGuard<'c>(&'c Core, Option<Site>);

impl Drop for SiteGuard<'_> {
    fn drop(&mut self) {
        self.0.site.set(self.1);
    }
}

impl Core {
    /// A task that calls a routine.
    ///
    /// # Errors
    /// `arity` when there are too many arguments.
    pub(crate) fn task_of(&self, function: &Val, arguments: Vec<Val>) -> Outcome<Task> {
        let (routine, me) = match function {
            Val::Routine(routine) => (routine.clone(), None),
            Val::Method(method) => (method.routine.clone(), Some(method.me.clone())),
            _ => return Err(Number::RoutineExpected.into()),
        };
        let proto = &routine.proto;
        let (params, count) = (proto.params.len(), arguments.len());
        let mut stack: Vec<Val> = Vec::with_capacity(proto.registers);
        let mut arguments = arguments.into_iter();
        stack.extend(arguments.by_ref().take(params));
        let mut rare = None;
        if count > params {
            if !proto.takes_more {
                let name = proto.name.map_or_else(|| "the lambda".into(), |name| self.names.text(name));
                return Err(Error::new(Code::Arity, format!("{name} takes {params} arguments, not {count}")).into());
            }
            rare = Some(Box::new(Rare { more: arguments.collect(), gosubs: Vec::new() }));
        }
        stack.resize(params, Val::Nil);
        stack.resize(proto.registers, Val::Unset);
        for &register in &proto.boxes {
            if let Some(place) = stack.get_mut(usize::from(register)) {
                *place = Val::Shared(self.heap.shared(std::mem::take(place)));
            }
        }
        let me = me.or_else(|| routine.me.clone());
        let frame = Frame { routine, me, next: 0, base: 0, to: 0, rare };
        Ok(Task { stack, frames: vec![frame], is_nested: false })
    }

    /// A task that runs a main chunk, whose registers the globals already have.
    pub(crate) fn main_task(&self, routine: Routine) -> Task {
        let routine = std::rc::Rc::new(routine);
        let frame = Frame { routine, me: None, next: 0, base: 0, to: 0, rare: None };
        Task { stack: Vec::new(), frames: vec![frame], is_nested: false }
    }

    /// Runs a task until it is done or waits.
    pub(crate) fn advance(&self, task: &mut Task, info: &CallInfo) -> Progress {
        loop {
            let failed = match self.execute(task) {
                Exit::Done(value) => return Progress::Done(Ok(value)),
                Exit::Failed(fault) => fault,
                Exit::Weigh(bytes) => match self.weigh(task, bytes) {
                    Ok(()) => continue,
                    Err(fault) => {
                        // It has failed, and is not tried again.
                        task.frames.last_mut().into_iter().for_each(|frame| frame.next += 1);
                        fault
                    }
                },
                Exit::Out(to, out) => match self.perform(task, out, info) {
                    Ok(Answer::Now(value)) => {
                        self.put(task, to, value);
                        continue;
                    }
                    Ok(Answer::Later(kind, completion)) => {
                        let wait = Wait { to, kind };
                        match completion.try_take() {
                            Err(completion) => return Progress::Waits(wait, completion),
                            Ok(result) => match self.answer(task, wait, result) {
                                Ok(()) => continue,
                                Err(fault) => fault,
                            },
                        }
                    }
                    Err(fault) => fault,
                },
            };
            if let Err(failed) = self.handle(task, failed) {
                return Progress::Done(Err(failed));
            }
        }
    }

    /// Goes on with a task that waited, now that the result is there.
    pub(crate) fn go_on(&self, task: &mut Task, wait: Wait, result: Result<Value>, info: &CallInfo) -> Progress {
        match self.answer(task, wait, result).or_else(|fault| self.handle(task, fault)) {
            Ok(()) => self.advance(task, info),
            Err(fault) => Progress::Done(Err(fault)),
        }
    }

    /// Hands a task the result it waited for.
    fn answer(&self, task: &mut Task, wait: Wait, result: Result<Value>) -> Outcome<()> {
        let value = match wait.kind {
            Kind::Call { lenient } => self.take_in(result?.view(), lenient)?,
            Kind::Input { is_text } => input::parsed(&result?, is_text)?,
        };
        self.put(task, wait.to, value);
        Ok(())
    }

    /// Puts a value into a register of the running call.
    fn put(&self, task: &mut Task, to: Reg, value: Val) {
        if to == NOWHERE {
            return;
        }
        let Some(frame) = task.frames.last() else { return };
        let old = if frame.routine.proto.is_main {
            self.globals.borrow_mut().get_mut(usize::from(to)).map(|it| std::mem::replace(it, value))
        } else {
            task.stack.get_mut(frame.base + usize::from(to)).map(|it| std::mem::replace(it, value))
        };
        drop(old);
    }

    /// Does what a task asks for.
    fn perform(&self, task: &Task, out: Out, info: &CallInfo) -> Outcome<Answer> {
        let before = self.site.replace(task.frames.last().map(Frame::site));
        let _guard = SiteGuard(self, before);
        let lenient = self.lenient() || info.lenient();
        if self.budget.is_spent() {
            self.weigh(task, 0)?;
        }
        let _outer = self.outer(task);
        if let Out::Foreign(foreign, _) = &out
            && task.is_nested
        {
            self.host.check_depth(&foreign.callable)?;
        }
        match out {
            Out::Native(native, arguments) => {
                self.call(Callee::Native(&native.native), &arguments, lenient, |arguments| {
                    native.native.call(info, arguments)
                })
            }
            Out::Foreign(foreign, arguments) if foreign.callable.is_lenient() && !info.lenient() => {
                let mut facts = info.facts();
                facts.flags |= Facts::LENIENT;
                let info = info.derive(facts);
                self.call(Callee::Function, &arguments, true, |arguments| foreign.callable.call(&info, arguments))
            }
            Out::Foreign(foreign, arguments) => {
                self.call(Callee::Function, &arguments, lenient, |arguments| foreign.callable.call(info, arguments))
            }
            Out::Method(held, name, arguments) => {
                self.call(Callee::Method(&held.object, &name), &arguments, lenient, |arguments| {
                    held.object.call(info, &name, arguments)
                })
            }
            Out::Get(held, name) => {
                let value = held.object.get(info, &name)?;
                self.take_in(value.view(), lenient).map(Answer::Now)
            }
            Out::Set(held, name, value) => {
                let value = self.give_out(&value, lenient)?;
                held.object.set(info, &name, value.view())?;
                Ok(Answer::Now(Val::Nil))
            }
            Out::Builtin(which, arguments) => self.calling_builtin(which, arguments, info).map(Answer::Now),
            Out::SetElement(target, key, value) => {
                self.set_hashed(&target, key, value, info).map(|()| Answer::Now(Val::Nil))
            }
            Out::Input { is_text, prompt } => {
                if let Some(prompt) = prompt {
                    self.host.try_print(&prompt)?;
                }
                Ok(Answer::Later(Kind::Input { is_text }, input::line(&self.runtime)?))
            }
        }
    }

    /// Makes a call with these arguments.
    fn call(
        &self,
        callee: Callee<'_>,
        arguments: &[Val],
        lenient: bool,
        call: impl FnOnce(Args<'_>) -> Called,
    ) -> Outcome<Answer> {
        let outcome = if arguments.len() <= FEW_ARGUMENTS {
            let mut owned = [const { Value::Nil }; FEW_ARGUMENTS];
            let mut views = [View::NIL; FEW_ARGUMENTS];
            let count = arguments.len();
            self.view_arguments(callee, arguments, &mut owned, &mut views, lenient)?;
            call(Args::new(views.get(..count).unwrap_or_default()))
        } else {
            let mut owned = vec![Value::Nil; arguments.len()];
            let mut views = vec![View::NIL; arguments.len()];
            self.view_arguments(callee, arguments, &mut owned, &mut views, lenient)?;
            call(Args::new(&views))
        };
        match outcome {
            Called::Ready(value) => self.take_in(value.view(), lenient).map(Answer::Now),
            Called::Failed(error) => Err(error.into()),
            Called::Pending(completion) => Ok(Answer::Later(Kind::Call { lenient }, completion)),
        }
    }

    /// Views arguments where they lie; collections and routines go out first.
    fn view_arguments<'a>(
        &self,
        callee: Callee<'_>,
        arguments: &'a [Val],
        owned: &'a mut [Value],
        views: &mut [View<'a>],
        lenient: bool,
    ) -> Outcome<()> {
        for (index, (argument, place)) in arguments.iter().zip(owned.iter_mut()).enumerate() {
            if plain(argument).is_none() {
                let value = self.give_out(argument, lenient);
                *place = value.map_err(|error| callee.argument(index, &error))?;
            }
        }
        for ((argument, value), view) in arguments.iter().zip(owned.iter()).zip(views) {
            *view = plain(argument).unwrap_or_else(|| value.view());
        }
        Ok(())
    }

    /// Has the innermost handler go on with the error.
    ///
    /// # Errors
    /// What the task ends with: the error itself if there is no handler. In a program that is to stop
    /// nobody handles errors, and the task ends as stopped, whatever came of its last steps.
    fn handle(&self, task: &mut Task, fault: Fault) -> Outcome<()> {
        if matches!(fault, Fault::Stopped) || self.host.stopping() {
            return Err(Fault::Stopped);
        }
        let place = task.frames.last().map(|frame| frame.site().place).unwrap_or_default();
        let found = task.frames.iter().enumerate().rev().find_map(|(level, frame)| Some((level, handler(frame)?)));
        let Some((level, (guarded, gosubs))) = found else { return Err(fault) };
        task.frames.truncate(level + 1);
        let Some(frame) = task.frames.last_mut() else { return Err(fault) };
        frame.next = guarded.handler as usize;
        if let Some(rare) = &mut frame.rare {
            rare.gosubs.truncate(gosubs);
        }
        let registers = if frame.routine.proto.is_main { 0 } else { frame.routine.proto.registers };
        task.stack.truncate(frame.base + registers);
        let caught = self.caught(&fault, place);
        self.put(task, guarded.to, caught);
        Ok(())
    }

    /// The error a task ended with, with its frames.
    pub(crate) fn trace(&self, task: &Task, fault: &Fault) -> Error {
        let sites = task.frames.iter().rev().take(SHOWN_FRAMES).map(|frame| self.frame(frame.site()));
        fault.to_error().with_frames(sites)
    }
}

/// The handler of a call's error: around its instruction, or around a GOSUB it is in. With it comes
/// how many GOSUBs stay open.
fn handler(frame: &Frame) -> Option<(Guarded, usize)> {
    let at = |next: usize| {
        let at = next.saturating_sub(1) as u32;
        frame.routine.proto.guarded.iter().find(|it| (it.start..it.end).contains(&at)).copied()
    };
    let gosubs = frame.gosubs();
    let open = gosubs.len();
    let around = || gosubs.iter().enumerate().rev().find_map(|(index, back)| Some((at(*back)?, index)));
    at(frame.next).map(|guarded| (guarded, open)).or_else(around)
}
