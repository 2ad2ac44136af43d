//! One Squirrel interpreter, as the host enters it.

use std::rc::Rc;

use calog_plugin_api::{
    Args, CallInfo, Code, Context, ContextOptions, Descriptor, Error, Frame, FunctionKey, Host, Param, Result, Source,
    SourceMode, Step, TaskKey, Value, WaitKey,
};

use crate::core::Core;
use crate::ffi::{Interpreter, Progress, Shared, Stack, Type};
use crate::{convert, errors, functions, library, natives, task};

/// An open Squirrel script with its interpreter.
pub struct SquirrelContext {
    core: Rc<Core>,
    shared: Rc<Shared>,
    /// Closed before the core is dropped, which it holds as well.
    _interpreter: Interpreter,
}

impl SquirrelContext {
    pub(crate) fn open(host: Host, options: &ContextOptions) -> Result<SquirrelContext> {
        let mut interpreter = Interpreter::new()?;
        let shared = interpreter.shared().clone();
        let account = shared.account();
        let main = interpreter.main();
        let core = Rc::new(Core::new(host, options, main, &shared)?);
        interpreter.attach(core.clone());
        library::install(main);
        natives::install(&core)?;
        drop(account);
        Ok(SquirrelContext { core, shared, _interpreter: interpreter })
    }

    #[cfg(test)]
    pub(crate) fn core(&self) -> &Core {
        &self.core
    }
}

impl Drop for SquirrelContext {
    fn drop(&mut self) {
        self.core.begin_closing();
    }
}

impl Context for SquirrelContext {
    fn load(&self, source: Source<'_>) -> Step {
        let _account = self.shared.account();
        task::start(&self.core, source.info, source.mode != SourceMode::Check, |stack| {
            task::reserve(stack, 0)?;
            compile(&self.core, stack, &source)?;
            stack.root();
            Ok(1)
        })
    }

    fn call(&self, function: FunctionKey, info: &CallInfo, args: Args<'_>) -> Step {
        let _account = self.shared.account();
        task::start(&self.core, info, true, |stack| {
            task::reserve(stack, args.len())?;
            if !functions::push_own(&self.core, stack, function) {
                return Err(Error::new(Code::Dead, "the function is gone"));
            }
            stack.root();
            args.iter().try_for_each(|arg| convert::push(&self.core, stack, arg))?;
            Ok(args.len() as i64 + 1)
        })
    }

    fn release(&self, function: FunctionKey) {
        let _account = self.shared.account();
        functions::release(&self.core, function);
    }

    fn resume(&self, key: WaitKey, result: Result<Value>) -> Step {
        let _account = self.shared.account();
        task::resume(&self.core, key, result)
    }

    fn abandon(&self, task: TaskKey) {
        let _account = self.shared.account();
        task::abandon(&self.core, task);
    }

    fn interrupt(&self) {
        self.shared.want_poll();
    }

    fn memory_used(&self) -> u64 {
        self.shared.used()
    }

    fn set_memory_limit(&self, bytes: u64) -> bool {
        self.shared.set_limit(bytes);
        true
    }

    fn signature(&self, function: FunctionKey) -> Option<Descriptor> {
        let _account = self.shared.account();
        let params = task::aside(&self.core, |stack| {
            functions::push_own(&self.core, stack, function).then(|| parameters(stack)).flatten()
        });
        params.flatten().map(|params| Descriptor { params, ..Descriptor::default() })
    }

    fn is_complete(&self, input: &str) -> bool {
        let _account = self.shared.account();
        let misspelt = task::aside(&self.core, |stack| stack.compile(b"", input.as_bytes(), b"\n", "input").err());
        !misspelt.flatten().is_some_and(|it| it.at_end)
    }

    fn site(&self) -> Option<Frame> {
        errors::site(&self.core)
    }

    fn wait_site(&self, key: WaitKey) -> Option<Frame> {
        errors::site_on(&self.core, self.core.tasks.suspended(key.0)?)
    }
}

/// The parameters of the function on top, as its `getinfos` tells; `None` for a native.
fn parameters(stack: Stack) -> Option<Vec<Param>> {
    let function = stack.top();
    stack.str("getinfos");
    if !stack.get(function) {
        stack.reset_error();
        return None;
    }
    stack.copy(function);
    if stack.call(1) != Progress::Done || stack.kind(-1) != Type::Table {
        stack.reset_error();
        return None;
    }
    let infos = stack.top();
    stack.raw_field(infos, "defparams");
    let defaults = if stack.kind(-1) == Type::Array { stack.size(-1) } else { 0 };
    if stack.raw_field(infos, "parameters") != Type::Array {
        return None;
    }
    let (list, count) = (stack.top(), stack.size(-1));
    let mut params = Vec::new();
    // The first is `this`.
    for place in 1..count {
        stack.int(place);
        if !stack.raw_get(list) {
            stack.reset_error();
            break;
        }
        let name = stack.lossy(-1);
        stack.pop(1);
        let variadic = name == "...";
        // A function with `...` has its array, `vargv`, as a parameter.
        if name == "vargv" && place + 2 == count {
            continue;
        }
        let optional = variadic || place >= count - defaults;
        params.push(Param { name, type_name: "any".into(), optional, variadic, ..Param::default() });
    }
    Some(params)
}

/// Compiles a source and pushes its function. Code of a command line or REPL may be an expression.
fn compile(core: &Core, stack: Stack, source: &Source<'_>) -> Result<()> {
    let text = source.text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(source.text);
    if let Some(end) = text.iter().position(|&byte| byte == 0) {
        // Squirrel would take it for the end.
        let line = 1 + text[..end].iter().filter(|&&byte| byte == b'\n').count() as u32;
        return Err(source.error_at(line, "the source has a NUL byte here"));
    }
    if matches!(source.mode, SourceMode::Eval | SourceMode::Repl) {
        if stack.compile(b"return (", text, b"\n)", source.name).is_ok() {
            return Ok(());
        }
        stack.reset_error();
    }
    stack.compile(b"", text, b"\n", source.name).map_err(|why| {
        stack.reset_error();
        errors::misspelt(core, &why, source.name)
    })
}
