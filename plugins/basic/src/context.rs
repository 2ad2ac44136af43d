//! One BASIC program, as the host enters it.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use calog_plugin_api::{
    Access, Args, CallInfo, Code, Context, ContextOptions, Descriptor, Error, Frame, FunctionKey, Host, Param, Result,
    Source, SourceMode, Step, TaskKey, Value, WaitKey,
};

use crate::compile::Compiler;
use crate::compile::code::Proto;
use crate::core::{Core, Site};
use crate::syntax::{Parsed, Parser, SourceFile, Wrong};
use crate::value::{Routine, Val};

/// An open BASIC program.
pub struct BasicContext {
    core: Core,
}

impl BasicContext {
    pub(crate) fn open(host: Host, options: &ContextOptions) -> Result<BasicContext> {
        Ok(BasicContext { core: Core::new(host, options)? })
    }

    #[cfg(test)]
    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    fn compile(&self, source: &Source<'_>) -> Result<Rc<Proto>> {
        let core = &self.core;
        let wants_value = matches!(source.mode, SourceMode::Eval | SourceMode::Repl);
        let file = SourceFile {
            name: source.name,
            path: (!source.path.is_empty()).then(|| PathBuf::from(source.path)),
            text: source.text,
        };
        let mut parsed = self.parse(&file, false);
        if wants_value
            && parsed.is_err()
            && let Ok(expression) = self.parse(&file, true)
        {
            parsed = Ok(expression);
        }
        let compiled = parsed.and_then(|parsed| {
            let mut globals = core.table.borrow_mut();
            let is_open = source.mode == SourceMode::Repl;
            Compiler::new(&core.names, &mut globals, &core.natives, is_open).program(&parsed, wants_value)
        });
        compiled.map_err(|wrong| core.wrong(&wrong))
    }

    fn parse(&self, file: &SourceFile<'_>, only_expression: bool) -> std::result::Result<Parsed, Wrong> {
        let core = &self.core;
        let is_module = |module: &str| core.natives.is_module(module);
        let mut files = core.files.borrow_mut();
        let may_read = |path: &Path| {
            let place = core.host.permit(Access::Read, path.as_os_str().as_bytes())?;
            Ok(place.map_or_else(|| path.to_owned(), |place| OsString::from_vec(place).into()))
        };
        let parser = Parser::new(&core.names, &mut files, &is_module, &may_read);
        if only_expression { parser.only_expression(file) } else { parser.program(file) }
    }
}

impl Core {
    /// What is wrong with a text, as an error with its place.
    fn wrong(&self, wrong: &Wrong) -> Error {
        wrong.fault.to_error().with_frame(self.frame(Site { place: wrong.at, routine: None }))
    }
}

impl Context for BasicContext {
    fn load(&self, source: Source<'_>) -> Step {
        let proto = match self.compile(&source) {
            Ok(_) if source.mode == SourceMode::Check => return Step::Done(Ok(Value::Nil)),
            Ok(proto) => proto,
            Err(error) => return Step::Done(Err(error)),
        };
        self.core.keep_program(source.text);
        let count = self.core.table.borrow().count as usize;
        self.core.globals.borrow_mut().resize(count, Val::Unset);
        let main = Routine { proto, shared: Vec::new(), me: None };
        self.core.start(self.core.main_task(main), source.info)
    }

    fn call(&self, function: FunctionKey, info: &CallInfo, args: Args<'_>) -> Step {
        let core = &self.core;
        let Some(function) = core.pins.get(function) else {
            return Step::Done(Err(Error::new(Code::Dead, "the function is gone")));
        };
        let lenient = core.lenient() || info.lenient();
        let arguments = args.iter().map(|arg| core.take_in(arg, lenient)).collect::<crate::fault::Outcome<Vec<Val>>>();
        let task = arguments.and_then(|arguments| core.task_of(&function, arguments));
        match task {
            Ok(task) => core.start(task, info),
            Err(fault) => Step::Done(Err(fault.to_error())),
        }
    }

    fn release(&self, function: FunctionKey) {
        self.core.pins.release(function);
    }

    fn resume(&self, key: WaitKey, result: Result<Value>) -> Step {
        self.core.resume(key, result)
    }

    fn abandon(&self, task: TaskKey) {
        self.core.tasks.abandon(task);
    }

    fn memory_used(&self) -> u64 {
        self.core.memory()
    }

    fn set_memory_limit(&self, bytes: u64) -> bool {
        self.core.budget.set_limit(bytes);
        true
    }

    fn signature(&self, function: FunctionKey) -> Option<Descriptor> {
        let routine = match self.core.pins.get(function)? {
            Val::Routine(routine) => routine,
            Val::Method(method) => method.routine.clone(),
            _ => return None,
        };
        let proto = &routine.proto;
        let name = |sym| self.core.names.text(sym).to_string();
        let any = |name| Param { name, type_name: "any".into(), optional: true, ..Param::default() };
        let rest = proto.takes_more.then(|| Param { variadic: true, ..any("...".into()) });
        let params = proto.params.iter().map(|&sym| any(name(sym))).chain(rest).collect();
        Some(Descriptor { name: proto.name.map(name).unwrap_or_default(), params, ..Descriptor::default() })
    }

    fn is_complete(&self, input: &str) -> bool {
        let file = SourceFile { name: "input", path: None, text: input.as_bytes() };
        let files = self.core.files.borrow().len();
        let is_complete = match self.parse(&file, false) {
            Ok(_) => true,
            // Code may be an expression: then what that lacks counts.
            Err(wrong) => match self.parse(&file, true) {
                Ok(_) => true,
                Err(other) => !wrong.is_incomplete && !other.is_incomplete,
            },
        };
        self.core.files.borrow_mut().truncate(files);
        is_complete
    }

    fn site(&self) -> Option<Frame> {
        self.core.site.get().map(|site| self.core.frame(site))
    }

    fn wait_site(&self, key: WaitKey) -> Option<Frame> {
        self.core.wait_site(key)
    }
}
