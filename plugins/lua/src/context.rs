//! One Lua interpreter, as the host enters it.

use std::rc::Rc;

use calog_plugin_api::{
    Args, CallInfo, Code, Context, ContextOptions, Descriptor, Error, Frame, FunctionKey, Host, Param, Result, Source,
    SourceMode, Step, TaskKey, Value, WaitKey,
};

use crate::core::Core;
use crate::ffi::{Interpreter, Loaded, Stack, limit_memory};
use crate::{convert, errors, functions, guards, library, modules, natives, task};

/// An open Lua script with its interpreter.
pub struct LuaContext {
    core: Rc<Core>,
    interpreter: Interpreter,
}

impl LuaContext {
    pub(crate) fn open(host: Host, options: &ContextOptions) -> Result<LuaContext> {
        let mut interpreter = Interpreter::new()?;
        let main = interpreter.main();
        let core = Rc::new(Core::new(host, options, main)?);
        interpreter.attach(core.clone());
        library::install(main);
        modules::install(main);
        guards::install(&core, main);
        natives::install(&core, main)?;
        Ok(LuaContext { core, interpreter })
    }

    #[cfg(test)]
    pub(crate) fn core(&self) -> &Core {
        &self.core
    }
}

impl Drop for LuaContext {
    fn drop(&mut self) {
        self.core.begin_closing();
    }
}

impl Context for LuaContext {
    fn load(&self, source: Source<'_>) -> Step {
        if let Some(folder) = source.folder() {
            modules::look_beside(self.core.main, folder);
        }
        if source.mode == SourceMode::Check {
            let stack = self.core.main;
            let top = stack.top();
            let result = compile(&self.core, stack, &source);
            stack.set_top(top);
            return Step::Done(result.map(|()| Value::Nil));
        }
        task::start(&self.core, source.info, |stack| {
            task::reserve(stack, 0)?;
            compile(&self.core, stack, &source)?;
            Ok(0)
        })
    }

    fn call(&self, function: FunctionKey, info: &CallInfo, args: Args<'_>) -> Step {
        task::start(&self.core, info, |stack| {
            task::reserve(stack, args.len())?;
            if !functions::push_own(stack, function) {
                return Err(Error::new(Code::Dead, "the function is gone"));
            }
            args.iter().try_for_each(|arg| convert::push(&self.core, stack, arg))?;
            Ok(args.len() as i32)
        })
    }

    fn release(&self, function: FunctionKey) {
        functions::release(&self.core, function);
    }

    fn resume(&self, key: WaitKey, result: Result<Value>) -> Step {
        task::resume(&self.core, key, result)
    }

    fn abandon(&self, task: TaskKey) {
        task::abandon(&self.core, task);
    }

    fn interrupt(&self) {
        self.core.current.interrupt();
    }

    fn end(&self) {
        self.core.begin_closing();
        self.interpreter.close();
    }

    fn memory_used(&self) -> u64 {
        self.interpreter.main().memory_used()
    }

    fn set_memory_limit(&self, bytes: u64) -> bool {
        if !self.core.memory.is_limited() {
            errors::install_catchers(self.interpreter.main());
        }
        limit_memory(&self.core, self.interpreter.main(), bytes);
        true
    }

    fn signature(&self, function: FunctionKey) -> Option<Descriptor> {
        let stack = self.core.main;
        functions::push_own(stack, function).then(|| {
            let (names, takes_more) = stack.parameters();
            let any = |name| Param { name, type_name: "any".into(), optional: true, ..Param::default() };
            let rest = takes_more.then(|| Param { variadic: true, ..any("...".into()) });
            Descriptor { params: names.into_iter().map(any).chain(rest).collect(), ..Descriptor::default() }
        })
    }

    fn is_complete(&self, input: &str) -> bool {
        let stack = self.core.main;
        let top = stack.top();
        let is_expression = stack.compile(format!("return {input}").as_bytes(), "=input") == Loaded::Function;
        let is_whole = is_expression
            || stack.compile(input.as_bytes(), "=input") == Loaded::Function
            || !stack.lossy(-1).ends_with("<eof>");
        stack.set_top(top);
        is_whole
    }

    fn site(&self) -> Option<Frame> {
        errors::site(&self.core)
    }

    fn wait_site(&self, key: WaitKey) -> Option<Frame> {
        errors::site_on(&self.core, self.core.tasks.suspended(key.0)?)
    }
}

/// Compiles a source and pushes its function. Code of a command line or REPL may be an expression.
fn compile(core: &Core, stack: Stack, source: &Source<'_>) -> Result<()> {
    let name = format!("@{}", source.name);
    if matches!(source.mode, SourceMode::Eval | SourceMode::Repl) {
        let expression = [b"return ", source.text].concat();
        if stack.compile(&expression, &name) == Loaded::Function {
            return Ok(());
        }
        stack.pop(1);
    }
    match stack.compile(without_first_line(source.text), &name) {
        Loaded::Function => Ok(()),
        Loaded::Message => Err(errors::take_syntax(core, stack, source.name)),
    }
}

/// The code without a byte order mark, and without the text of a first line that begins with `#`, as
/// the `lua` command reads it. The line end stays, so that lines keep their numbers.
fn without_first_line(code: &[u8]) -> &[u8] {
    let code = code.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(code);
    if !code.starts_with(b"#") {
        return code;
    }
    let end = code.iter().position(|&byte| byte == b'\n').unwrap_or(code.len());
    &code[end..]
}
