//! What all parts of one context share: the host, what runs now, and what is known of its values.

use std::cell::{Cell, RefCell};
use std::ffi::{CString, c_char};
use std::rc::Rc;

use calog_plugin_api::{ContextOptions, Host, KeptInfo, Result, RuntimeHandle, Value};

use crate::convert::Reader;
use crate::errors::Origins;
use crate::ffi::{Current, Misspelt, Ref, Shared, Stack};
use crate::functions::Own;
use crate::objects;
use crate::task::Tasks;
use crate::trace::Trace;
use crate::wrappers::Wrappers;

/// The shared middle of a context. It never leaves its thread; no borrow of its cells is held while
/// anything outside is called.
pub(crate) struct Core {
    pub(crate) host: Host,
    pub(crate) runtime: RuntimeHandle,
    /// The context's name, for traces.
    pub(crate) name: String,
    /// The dotted names of all natives, as the host lists them.
    pub(crate) natives: Value,
    /// The stack of the main thread. It runs no script, so it is free for short work and can grow.
    pub(crate) main: Stack,
    pub(crate) shared: Rc<Shared>,
    pub(crate) current: Current,
    pub(crate) tasks: Tasks,
    /// Functions of ours that left.
    pub(crate) own: Own,
    /// What stands in Squirrel for what is foreign.
    pub(crate) wrappers: Wrappers,
    pub(crate) trace: Trace,
    pub(crate) origins: Origins,
    /// The class of all Objects.
    pub(crate) object_class: Ref,
    /// Why the last source could not be compiled.
    pub(crate) misspelt: Cell<Option<Misspelt>>,
    /// The reader that is not in use.
    pub(crate) reader: Cell<Option<Box<Reader>>>,
    /// The last two paths that Squirrel's library was told to use.
    paths: RefCell<[CString; 2]>,
    lenient: bool,
    closing: Cell<bool>,
}

impl Core {
    pub(crate) fn new(host: Host, options: &ContextOptions, main: Stack, shared: &Rc<Shared>) -> Result<Core> {
        let idle: KeptInfo = host.info()?;
        Ok(Core {
            runtime: host.runtime()?,
            name: options.name().to_owned(),
            natives: host.native_names(),
            main,
            shared: shared.clone(),
            current: Current::new(idle),
            tasks: Tasks::default(),
            own: Own::default(),
            wrappers: Wrappers::default(),
            trace: Trace::default(),
            origins: Origins::default(),
            object_class: objects::class(main),
            misspelt: Cell::new(None),
            reader: Cell::new(None),
            paths: RefCell::default(),
            lenient: options.lenient(),
            closing: Cell::new(false),
            host,
        })
    }

    /// Whether values that cannot be represented are coerced or dropped instead of failing the call.
    pub(crate) fn lenient(&self) -> bool {
        self.lenient || self.current.info().lenient()
    }

    /// Keeps a path that C code uses until it has asked for two more.
    pub(crate) fn keep_path(&self, path: Vec<u8>) -> *const c_char {
        // No path of the system has a NUL; an empty one names nothing.
        let path = CString::new(path).unwrap_or_default();
        let mut paths = self.paths.borrow_mut();
        paths.swap(0, 1);
        paths[0] = path;
        paths[0].as_ptr()
    }

    /// From now on no call goes out, and nothing but memory is freed.
    pub(crate) fn begin_closing(&self) {
        self.closing.set(true);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.get()
    }
}
