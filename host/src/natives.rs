//! The natives of a runtime, by dotted name, and those among them that run elsewhere than in place.

use std::sync::{Arc, Weak};

use calog_plugin_api::{Args, CallInfo, Code, Descriptor, Error, Native, NativeType, Outcome, Result, Value};

use crate::core::Core;
use crate::envelope::Callee;
use crate::limits::Rights;
use crate::liveness::Counted;
use crate::worker;

/// All natives, sorted by name. Fixed once the runtime is built.
#[derive(Default)]
pub(crate) struct Natives {
    names: Value,
    natives: Vec<Native>,
}

impl Natives {
    /// # Errors
    /// When two have one name.
    pub(crate) fn new(core: &Arc<Core>, all: Vec<Native>) -> Result<Natives> {
        let mut named: Vec<(String, Native)> =
            all.into_iter().map(|native| (native.descriptor().name, routed(core, native))).collect();
        named.sort_by(|(a, _), (b, _)| a.cmp(b));
        if let Some(pair) = named.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(Error::new(Code::Unsupported, format!("there are two natives '{}'", pair[0].0)));
        }
        let names = Value::list(named.iter().map(|(name, _)| name.as_str()))?;
        Ok(Natives { names, natives: named.into_iter().map(|(_, native)| native).collect() })
    }

    /// Their names, as one shared list.
    pub(crate) fn names(&self) -> Value {
        self.names.clone()
    }

    pub(crate) fn get(&self, index: usize) -> Option<Native> {
        self.natives.get(index).cloned()
    }
}

/// A native as contexts call it: itself, or a way to the thread it must run on.
fn routed(core: &Arc<Core>, native: Native) -> Native {
    let flags = native.flags();
    if flags & Descriptor::HOST_THREAD != 0 {
        return Native::new(Arc::new(OnHostThread { core: Arc::downgrade(core), native }));
    }
    if flags & Descriptor::BLOCKING != 0 {
        return Native::new(Arc::new(OnPool { core: Arc::downgrade(core), native }));
    }
    native
}

/// A native as a context with these rights has it: itself, or one that only says why not. It says so
/// wherever it is called: what a context may not use it cannot have others use for it, either.
pub(crate) fn permitted(rights: &Rights, native: Native) -> Native {
    match rights.check_native(&native.descriptor().name) {
        Ok(()) => native,
        Err(error) => Native::new(Arc::new(Refused { native, error })),
    }
}

/// A native that a context may not use.
struct Refused {
    native: Native,
    error: Error,
}

impl NativeType for Refused {
    fn call(&self, _info: &CallInfo, _args: Args<'_>) -> Outcome {
        Outcome::Failed(self.error.clone())
    }

    fn descriptor(&self) -> Value {
        self.native.descriptor().to_value().unwrap_or_default()
    }

    fn flags(&self) -> u32 {
        self.native.flags()
    }
}

fn gone() -> Outcome {
    Outcome::Failed(Error::new(Code::Dead, "the runtime is closed"))
}

/// Runs on the embedding program's thread while it pumps: never concurrently, never elsewhere.
struct OnHostThread {
    core: Weak<Core>,
    native: Native,
}

impl NativeType for OnHostThread {
    fn call(&self, info: &CallInfo, args: Args<'_>) -> Outcome {
        let Some(core) = self.core.upgrade() else { return gone() };
        if worker::current_on(&core.host).is_some() {
            return self.native.call(info, args);
        }
        let text = format!("{} on the program's thread", self.native.descriptor().name);
        core.ask(&core.host, text, Callee::Native(self.native.clone()), info, args)
    }

    fn descriptor(&self) -> Value {
        self.native.descriptor().to_value().unwrap_or_default()
    }

    fn flags(&self) -> u32 {
        self.native.flags()
    }
}

/// Runs on the pool for blocking work.
struct OnPool {
    core: Weak<Core>,
    native: Native,
}

impl NativeType for OnPool {
    fn call(&self, info: &CallInfo, args: Args<'_>) -> Outcome {
        let Some(core) = self.core.upgrade() else { return gone() };
        let (native, info, args) = (self.native.clone(), info.keep(), args.to_values());
        let text = native.descriptor().name;
        let (completion, finisher) = core.promise(text, true);
        // Beside the completion, which ends when its waiter leaves: the native runs on.
        let counted = Counted::new(&core.liveness);
        let work = calog_plugin_api::host_side::Callback::new(move |_| {
            let views: Vec<_> = args.iter().map(Value::view).collect();
            native.call(&info, Args::new(&views)).then(move |result| {
                // A caller that left is no loss.
                let _ = finisher.finish(result);
            });
            drop(counted);
        });
        core.pool.run(work);
        Outcome::Pending(completion)
    }

    fn descriptor(&self) -> Value {
        self.native.descriptor().to_value().unwrap_or_default()
    }

    fn flags(&self) -> u32 {
        self.native.flags()
    }
}
