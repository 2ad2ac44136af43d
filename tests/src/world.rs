//! A runtime over the workspace's plugins, with scripts in a temporary folder.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use crate::{Folder, Output, plugin_folder};
use calog::{ContextId, ContextRef, Error, Open, Result, Runtime, RuntimeBuilder, SearchPath, Value};

/// A runtime for one test.
pub struct World {
    /// The runtime.
    pub runtime: Runtime,
    /// What scripts printed.
    pub output: Output,
    errors: Rc<RefCell<Vec<(ContextId, Error)>>>,
    folder: Folder,
}

impl Default for World {
    fn default() -> World {
        World::new()
    }
}

impl World {
    /// One over the workspace's plugins.
    pub fn new() -> World {
        World::with(|builder| builder)
    }

    /// One with more in its builder.
    pub fn with(more: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder) -> World {
        World::over(SearchPath::of([plugin_folder()]), more)
    }

    /// One over other plugins.
    pub fn over(plugins: SearchPath, more: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder) -> World {
        let output = Output::default();
        let errors = Rc::new(RefCell::new(Vec::new()));
        let seen = Rc::clone(&errors);
        let builder = Runtime::builder()
            .plugins(plugins)
            .output(output.clone())
            .on_error(move |context, error| seen.borrow_mut().push((context, error.clone())));
        let runtime = more(builder).build().expect("a runtime over these plugins");
        let folder = Folder::new();
        World { runtime, output, errors, folder }
    }

    /// Writes a script.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        self.folder.write(name, text)
    }

    /// Opens a script that is written for it, and waits until its main chunk has run.
    pub fn open(&self, name: &str, text: &str) -> ContextRef {
        let context = self.start(name, text);
        self.runtime.wait_for(&context).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        context
    }

    /// As `open`, on a shared thread.
    pub fn open_on(&self, thread: &str, name: &str, text: &str) -> ContextRef {
        let path = self.write(name, text);
        let context = self.runtime.open(Open::file(path).thread(thread)).expect("a context");
        self.runtime.wait_for(&context).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        context
    }

    /// Opens a script that is written for it, and does not wait.
    pub fn start(&self, name: &str, text: &str) -> ContextRef {
        let path = self.write(name, text);
        self.runtime.open(Open::file(path)).expect("a context")
    }

    /// Calls an export.
    pub fn call(&self, context: &ContextRef, name: &str, args: &[Value]) -> Result<Value> {
        self.runtime.call_export(context, name, args)
    }

    /// The errors that reached the program so far.
    pub fn errors(&self) -> Vec<Error> {
        self.reports().into_iter().map(|(_, error)| error).collect()
    }

    /// The same, with the contexts they are of.
    pub fn reports(&self) -> Vec<(ContextId, Error)> {
        self.runtime.pump();
        self.errors.borrow().clone()
    }
}
