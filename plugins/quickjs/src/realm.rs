//! What one interpreter keeps beside the JavaScript heap.
//!
//! Everything here is behind cells, and no borrow of one is held while the host or JavaScript is
//! called: a pump may enter the same context again.

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;

use calog_plugin_api::{Error, Host, KeyMap, Native, Result, RuntimeHandle};

use crate::ffi::{Bound, Classes, CurrentInfo, Held, How, Pin, RawContext, Reader, Target, Uncounted, Weak, Writer};
use crate::functions::Functions;
use crate::jobs::Rejections;
use crate::modules::Modules;
use crate::natives::Natives;
use crate::promises::Promises;
use crate::stack::Names;

/// One interpreter's state. Dropped after its context and runtime.
pub(crate) struct Realm {
    pub(crate) host: Host,
    pub(crate) runtime: RuntimeHandle,
    pub(crate) context: RawContext,
    /// The same, for `ffi::enter`.
    pub(crate) ctx: Uncounted,
    pub(crate) classes: Classes,
    /// Whether the context's options say lenient.
    pub(crate) lenient: bool,
    /// To how many bytes memory is limited, if it is: running out of it throws a bare `null`, which is to be
    /// told from a script's own.
    pub(crate) limited: Cell<Option<u64>>,
    /// The circumstances of the running code.
    pub(crate) info: CurrentInfo,
    /// Entries on the stack.
    pub(crate) entries: Cell<u32>,
    /// Functions that left.
    pub(crate) functions: Functions,
    /// The functions that stand for callables, by the callable's address.
    pub(crate) foreign: RefCell<KeyMap<usize, Weak>>,
    /// The objects that stand for Objects, by the Object's address.
    pub(crate) objects: RefCell<KeyMap<usize, Weak>>,
    /// One prototype for each type of Object.
    pub(crate) types: RefCell<HashMap<String, Pin>>,
    pub(crate) natives: Natives,
    pub(crate) modules: Modules,
    pub(crate) promises: Promises,
    pub(crate) rejections: Rejections,
    /// The address of `Object.prototype`.
    pub(crate) object_prototype: Cell<usize>,
    pub(crate) prototypes: OnceCell<Prototypes>,
    /// The functions of `js/core.js`, once one was needed.
    pub(crate) core: OnceCell<Pin>,
    /// The values of `js/globals.js`, likewise.
    pub(crate) globals: OnceCell<Pin>,
    /// How the running script's files are called.
    pub(crate) names: RefCell<Names>,
    pub(crate) reader: Cell<Option<Box<Reader>>>,
    pub(crate) writer: Cell<Option<Writer>>,
    /// What finalizers let go of. Dropping it may call the host, which a finalizer must not.
    graveyard: RefCell<Vec<Box<dyn Any>>>,
    /// The payload of a panic that a trampoline caught, until its entry ends with it.
    panic: Cell<Option<Box<dyn Any + Send>>>,
}

/// The prototypes of functions that lead out: they have `async` and `sync`.
pub(crate) struct Prototypes {
    pub(crate) in_place: Pin,
    pub(crate) promise: Pin,
}

impl Realm {
    pub(crate) fn new(host: Host, context: RawContext, lenient: bool) -> Result<Realm> {
        let options = host.options();
        Ok(Realm {
            runtime: host.runtime()?,
            natives: Natives::new(&host),
            names: RefCell::new(Names::new(options.name())),
            host,
            context,
            ctx: Uncounted::of(context),
            classes: Classes::register(context),
            lenient,
            limited: Cell::new(None),
            info: CurrentInfo::none(),
            entries: Cell::new(0),
            functions: Functions::default(),
            foreign: RefCell::default(),
            objects: RefCell::default(),
            types: RefCell::default(),
            modules: Modules::default(),
            promises: Promises::default(),
            rejections: Rejections::default(),
            object_prototype: Cell::new(0),
            prototypes: OnceCell::new(),
            core: OnceCell::new(),
            globals: OnceCell::new(),
            reader: Cell::new(None),
            writer: Cell::new(None),
            graveyard: RefCell::default(),
            panic: Cell::new(None),
        })
    }

    /// Whether values convert leniently now.
    pub(crate) fn lenient_now(&self) -> bool {
        self.lenient || self.info.get().is_some_and(|info| info.lenient())
    }

    /// The prototype of a function that leads out; none for this engine's own.
    pub(crate) fn prototype(&self, target: &Target, how: How) -> Option<&Pin> {
        let prototypes = self.prototypes.get()?;
        match (target, how) {
            (Target::Rust(_), _) => None,
            (_, How::InPlace) => Some(&prototypes.in_place),
            (_, How::Promise) => Some(&prototypes.promise),
        }
    }

    /// How a native is called when a script says nothing about it.
    pub(crate) fn usual_how(&self, native: &Native) -> How {
        crate::natives::how(native.flags())
    }

    /// Takes what a finalizer lets go of.
    pub(crate) fn bury(&self, remains: impl Remains) {
        self.graveyard.borrow_mut().push(Box::new(remains));
    }

    /// Drops what finalizers let go of.
    #[inline]
    pub(crate) fn clear_graves(&self) {
        if !self.graveyard.borrow().is_empty() {
            self.clear_all_graves();
        }
    }

    #[cold]
    fn clear_all_graves(&self) {
        while let Some(remains) = self.graveyard.take_last() {
            drop(remains);
        }
    }

    /// Keeps a panic for the end of its entry.
    pub(crate) fn note_panic(&self, payload: Box<dyn Any + Send>) {
        self.panic.set(Some(payload));
    }

    /// The panic of the entry that ends.
    pub(crate) fn take_panic(&self) -> Option<Box<dyn Any + Send>> {
        self.panic.take()
    }

    /// Lets go of everything in the JavaScript heap, before the context is freed.
    pub(crate) fn clear(&mut self) {
        self.functions.clear();
        self.types.borrow_mut().clear();
        self.promises.clear();
        self.rejections.clear();
        self.prototypes.take();
        self.core.take();
        self.globals.take();
    }

    /// Reports an error nobody will see.
    pub(crate) fn report(&self, error: &Error) {
        self.host.report(error);
    }
}

/// What may be buried: the opaque parts of finalized objects.
pub(crate) trait Remains: Any {}

impl Remains for Bound {}
impl Remains for Held {}

/// Popping without holding the borrow while the popped item is dropped.
trait TakeLast<T> {
    fn take_last(&self) -> Option<T>;
}

impl<T> TakeLast<T> for RefCell<Vec<T>> {
    fn take_last(&self) -> Option<T> {
        self.borrow_mut().pop()
    }
}
