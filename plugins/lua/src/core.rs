//! What all parts of one context share: the host, what runs now, and the tables Lua keeps for us.

use std::cell::Cell;

use calog_plugin_api::{ContextOptions, Host, KeptInfo, Result, RuntimeHandle, Value};

use crate::convert::Reader;
use crate::ffi::{Current, Memory, Ref, Stack};
use crate::objects::Types;
use crate::task::Tasks;
use crate::{errors, functions, natives, objects};

/// The shared middle of a context. It never leaves its thread; no borrow of its cells is held while
/// anything outside is called.
pub(crate) struct Core {
    pub(crate) host: Host,
    pub(crate) runtime: RuntimeHandle,
    /// The context's name, for traces.
    pub(crate) name: String,
    /// The dotted names of all natives, as the host lists them.
    pub(crate) natives: Value,
    pub(crate) refs: Refs,
    /// The stack of the main thread. It runs nothing, so it is free for short work.
    pub(crate) main: Stack,
    pub(crate) current: Current,
    pub(crate) memory: Memory,
    pub(crate) tasks: Tasks,
    pub(crate) types: Types,
    /// The reader that is not in use.
    pub(crate) reader: Cell<Option<Box<Reader>>>,
    lenient: bool,
    closing: Cell<bool>,
}

/// Tables in the registry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refs {
    /// The keys of functions that left this context, by function.
    pub(crate) keys: Ref,
    /// Wrappers of foreign functions and Objects, by address, as long as Lua holds them.
    pub(crate) wrappers: Ref,
    /// The errors that thrown tables came in with, as long as Lua holds them.
    pub(crate) origins: Ref,
    /// Metatables of the userdata that own something.
    pub(crate) native: Ref,
    pub(crate) callable: Ref,
    pub(crate) object: Ref,
    pub(crate) error: Ref,
}

impl Refs {
    fn new(stack: Stack) -> Refs {
        let table = |mode: &str| {
            stack.table(0, 0);
            if !mode.is_empty() {
                stack.table(0, 1);
                stack.str(mode);
                stack.set_raw_field(-2, "__mode");
                stack.set_metatable(-2);
            }
            stack.keep()
        };
        Refs {
            keys: table(""),
            wrappers: table("v"),
            origins: table("k"),
            native: natives::metatable(stack),
            callable: functions::metatable(stack),
            object: objects::metatable(stack),
            error: errors::metatable(stack),
        }
    }
}

impl Core {
    pub(crate) fn new(host: Host, options: &ContextOptions, main: Stack) -> Result<Core> {
        let idle: KeptInfo = host.info()?;
        Ok(Core {
            runtime: host.runtime()?,
            name: options.name().to_owned(),
            natives: host.native_names(),
            refs: Refs::new(main),
            main,
            current: Current::new(idle),
            memory: Memory::default(),
            tasks: Tasks::default(),
            types: Types::default(),
            reader: Cell::new(None),
            lenient: options.lenient(),
            closing: Cell::new(false),
            host,
        })
    }

    /// Whether values that cannot be represented are coerced or dropped instead of failing the call.
    pub(crate) fn lenient(&self) -> bool {
        self.lenient || self.current.info().lenient()
    }

    /// From now on no call goes out: only finalisers still run.
    pub(crate) fn begin_closing(&self) {
        self.closing.set(true);
    }

    #[inline]
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.get()
    }
}
